//! What a hostile peer can make us remember, and what the parts do by themselves.

use alloc::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::dtls::reassembly::Reassembly;
use crate::wire::dtls::{Fragment, HandshakeType};

const KIND: HandshakeType = HandshakeType::Certificate;

fn fragment(sequence: u16, length: u32, offset: u32, bytes: &[u8]) -> Fragment<'_> {
    Fragment {
        kind: KIND,
        length,
        sequence,
        offset,
        bytes,
    }
}

proptest! {
    /// DTLS-037: fragments in any order, doubled and overlapping, give the
    /// messages in their order, each once.
    #[test]
    fn dtls_037_any_order_of_fragments_gives_the_messages(
        bodies in vec(vec(any::<u8>(), 0..200), 1..8),
        cuts in vec((0_usize..8, 0_usize..200, 1_usize..200), 0..60),
    ) {
        let mut reassembly = Reassembly::new(Limits::DEFAULT);
        let mut received = Vec::new();
        let whole = (0..bodies.len()).rev().map(|index| (index, 0, 200));
        for (index, start, len) in cuts.into_iter().chain(whole) {
            let index = index % bodies.len();
            let body = &bodies[index];
            let start = start.min(body.len());
            let end = (start + len).min(body.len());
            let sequence = u16::try_from(index).expect("few");
            let length = u32::try_from(body.len()).expect("short");
            let offset = u32::try_from(start).expect("short");
            let fragment = fragment(sequence, length, offset, &body[start..end]);
            let says_nothing = fragment.bytes.is_empty() && length > 0;
            if !reassembly.is_old(&fragment) && !says_nothing {
                prop_assert_eq!(reassembly.push(&fragment), Ok(()));
            }
            received.extend(core::iter::from_fn(|| reassembly.pop()).map(|message| message.body));
        }
        prop_assert_eq!(received, bodies);
        prop_assert_eq!(reassembly.bytes(), 0);
    }

    /// D-8, DTLS-013: whatever comes, no more than the limit is kept, and the
    /// next message finds room.
    #[test]
    fn d_8_reassembly_never_holds_more_than_its_limit(
        fragments in vec((0_u16..40, 1_u32..40_000, 0_u32..40_000), 0..200),
    ) {
        let mut reassembly = Reassembly::new(Limits::DEFAULT);
        for (sequence, length, offset) in fragments {
            let _ = reassembly.push(&fragment(sequence + 1, length, offset.min(length - 1), &[1]));
            prop_assert!(reassembly.bytes() <= Limits::DEFAULT.handshake_bytes);
        }
        prop_assert!(reassembly.pop().is_none());
        prop_assert_eq!(reassembly.push(&fragment(0, 16_000, 0, &[7; 16_000])), Ok(()));
        prop_assert!(reassembly.bytes() <= Limits::DEFAULT.handshake_bytes);
        prop_assert_eq!(reassembly.pop().map(|message| message.body.len()), Some(16_000));
    }

    /// DTLS-020, law 9: garbage in any state is counted, never a panic, an event or an answer.
    #[test]
    fn dtls_020_garbage_is_quiet(datagrams in vec(vec(any::<u8>(), 0..80), 0..20), seed in 0_u64..3) {
        let mut ends = [
            End::new(config(), Role::Server, seed),
            End::new(config(), Role::Client, seed),
        ];
        for end in &mut ends {
            for (index, datagram) in datagrams.iter().enumerate() {
                let mut datagram = datagram.clone();
                // Make it look like a record, now and then.
                if index % 2 == 0 && datagram.len() > 13 {
                    let rest = u16::try_from(datagram.len() - 13).expect("short");
                    datagram[0] = 20 + datagram[0] % 5;
                    datagram[1..3].copy_from_slice(&[0xfe, 0xfd]);
                    datagram[3] = 0;
                    datagram[4] %= 3;
                    datagram[11..13].copy_from_slice(&rest.to_be_bytes());
                }
                end.input(Instant::ZERO, datagram);
            }
            prop_assert!(end.events.is_empty() && end.data.is_empty());
            prop_assert_eq!(end.dtls.state(), DtlsState::New);
        }
    }
}

/// DTLS-013: records ahead of their keys are kept in a bounded number.
#[test]
fn dtls_013_early_records_are_bounded() {
    let mut server = End::new(config(), Role::Server, 1);
    let mut record = vec![23, 0xfe, 0xfd, 0, 1, 0, 0, 0, 0, 0, 0, 0, 40];
    record.extend([0; 40]);
    for _ in 0..100 {
        server.input(Instant::ZERO, record.clone());
    }
    assert_eq!(server.dtls.stats().early_dropped, 92);
    let mut long = vec![23, 0xfe, 0xfd, 0, 1, 0, 0, 0, 0, 0, 0, 0x0b, 0xb8];
    long.extend([0; 3000]);
    server.input(Instant::ZERO, long);
    assert_eq!(server.dtls.stats().early_dropped, 93);
}

/// DTLS-010, ATK-012: randoms are never zero and never the same.
#[test]
fn dtls_010_randoms_differ() {
    let mut seen = BTreeMap::new();
    for seed in 0..100 {
        let mut client = End::new(config(), Role::Client, seed);
        let hello = client.output(Instant::ZERO, MTU).expect("a hello");
        let random = hello[27..59].to_vec();
        assert!(random.iter().any(|&byte| byte != 0));
        assert_eq!(seen.insert(random, seed), None);
    }
}

/// DTLS-015, DTLS-040, D-4, D-5: the nonce of each record is its number, no
/// number comes twice, and each record is accepted once.
#[test]
fn d_5_each_record_is_accepted_once() {
    let mut pair = Pair::new(1).connected();
    let records: Vec<_> = (0..300_u16)
        .map(|i| pair.client.seal(&i.to_be_bytes()).expect("connected"))
        .collect();
    for pair in records.windows(2) {
        assert!(pair[0][3..11] < pair[1][3..11]);
        assert_eq!(pair[0][3..11], pair[0][13..21]);
    }
    for record in records.iter().chain(&records) {
        pair.server.input(pair.now, record.clone());
    }
    assert_eq!(pair.server.data.len(), records.len());
    assert_eq!(pair.server.dtls.stats().replayed, 300);
}

/// Waits that make no sense neither panic nor spin.
#[test]
fn senseless_timers_are_harmless() {
    for wait in [Duration::ZERO, Duration::MAX] {
        let config = DtlsConfig {
            retransmit_initial: wait,
            retransmit_max: wait,
            ..config()
        };
        let mut client = End::new(config, Role::Client, 1);
        let mut now = Instant::ZERO;
        for _ in 0..100 {
            client.outputs(now, MTU);
            let Some(at) = client.dtls.poll_timeout() else {
                break;
            };
            assert!(at > now);
            now = at;
            client.dtls.handle_timeout(now);
        }
    }
}

/// A transport may be handed to another thread.
#[test]
fn a_transport_is_send() {
    const fn is_send<T: Send>() {}
    is_send::<DtlsTransport>();
    is_send::<Event>();
}
