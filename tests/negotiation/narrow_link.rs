//! A link of 256 kbit/s with a short queue: senders slow down, nothing is lost
//! for good. And a path whose MTU is just enough.

use std::time::Duration;

use pollrtc::sim::Link;

use crate::talk::{Talk, messages};

#[test]
fn everything_fits_through_in_time() {
    let link = Link {
        rate: Some(256_000),
        queue: 16 * 1024,
        ..Link::with_delay(Duration::from_millis(40))
    };
    let mut talk = Talk::begin(1, link);
    assert!(talk.open(Duration::from_secs(20)));
    // 50 × 20 kB at most, of which a third is sent: 0.36 MB need 12 s.
    let before = talk.world.now();
    assert!(talk.echo(&messages(50, 20_000), Duration::from_secs(120)));
    let took = talk.world.now() - before;
    assert!(took < Duration::from_secs(40), "{took:?}");
}

#[test]
fn datagrams_of_1200_bytes_are_not_exceeded() {
    let link = Link {
        mtu: 1200 + 28,
        ..Link::with_delay(Duration::from_millis(20))
    };
    let mut talk = Talk::begin(1, link);
    assert!(talk.open(Duration::from_secs(20)));
    assert!(talk.echo(&messages(10, 20_000), Duration::from_secs(20)));
    let mut datagrams = talk.world.ledger().datagrams().iter();
    assert!(datagrams.all(|datagram| datagram.bytes.len() <= 1200));
}
