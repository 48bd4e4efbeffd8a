//! Somebody on the path turns bits, cuts datagrams short and makes up addresses.

use std::time::Duration;

use pollrtc::sim::{Link, Verdict};

use crate::talk::{Talk, messages};

/// Every tenth datagram is damaged; to the peers that is the same as a loss.
#[test]
fn damaged_datagrams_are_lost_datagrams() {
    for seed in 0..5 {
        let mut talk = Talk::begin(seed, Link::with_delay(Duration::from_millis(20)));
        let mut count = seed;
        talk.world.set_tap(move |seen| {
            count += 1;
            let mut bytes = seen.bytes.to_vec();
            match count % 20 {
                // The checksum of UDP would catch a change in the clear part of a handshake.
                7 if is_protected(&bytes) => {
                    let middle = bytes.len() / 2;
                    bytes[middle] ^= 0x10;
                }
                13 => bytes.truncate(bytes.len() / 2),
                _ => return Verdict::Pass,
            }
            Verdict::Replace(bytes)
        });
        assert!(talk.open(Duration::from_secs(30)), "seed {seed}");
        let limit = Duration::from_secs(120);
        assert!(talk.echo(&messages(30, 3_000), limit), "seed {seed}");
    }
}

/// Whether a change would be noticed: STUN with integrity, or DTLS application data.
fn is_protected(bytes: &[u8]) -> bool {
    matches!(bytes.first(), Some(0..=3 | 23))
}
