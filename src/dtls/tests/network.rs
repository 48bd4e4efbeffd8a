//! What the network does: loses, doubles, reorders, delays, mangles.

use super::*;
use crate::crypto::fake;
use alloc::string::ToString;

/// D-6: a third of the datagrams lost, others doubled and out of order.
fn connects_over_a_mean_network(seed: u64, config: DtlsConfig) {
    let mut pair = Pair::with(config.clone(), config, seed);
    pair.net = Net {
        loss: 30,
        duplicate: 20,
        jitter_ms: 200,
    };
    pair.mtu = if seed.is_multiple_of(4) { 200 } else { MTU };
    pair.run();
    assert!(
        pair.client.is_connected() && pair.server.is_connected(),
        "seed {seed}"
    );
    pair.echo();
    pair.drain();
    assert_eq!(pair.server.closed(), None);
}

#[test]
fn d_6_connects_over_a_mean_network() {
    (0..100).for_each(|seed| connects_over_a_mean_network(seed, config()));
}

/// The same with cryptography that costs nothing, and so many more seeds.
#[test]
fn d_6_connects_over_ten_thousand_mean_networks() {
    let config = DtlsConfig {
        provider: &fake::PROVIDER,
        certificate: certificate_of(&fake::PROVIDER, 7),
        ..config()
    };
    (0..10_000).for_each(|seed| connects_over_a_mean_network(seed, config.clone()));
}

/// DTLS-040, D-5: the same seeds give the same datagrams.
#[test]
fn the_same_seed_gives_the_same_datagrams() {
    let trace = |seed| {
        let mut pair = Pair::new(seed);
        pair.net = Net {
            loss: 30,
            duplicate: 20,
            jitter_ms: 200,
        };
        let mut trace = Vec::new();
        while !(pair.client.is_connected() && pair.server.is_connected()) && pair.step() {
            trace.extend(pair.in_flight.iter().cloned());
        }
        trace
    };
    assert_eq!(trace(5), trace(5));
    assert_ne!(trace(5), trace(6));
}

/// Flights of any MTU that holds a record arrive, in datagrams of that size.
#[test]
fn fragments_to_any_mtu() {
    for mtu in [100, 200, 333, 548, 1200, 9000] {
        let mut pair = Pair::new(1);
        pair.mtu = mtu;
        pair.run();
        assert!(
            pair.client.is_connected() && pair.server.is_connected(),
            "mtu {mtu}"
        );
        pair.echo();
    }
}

/// A path that carries nothing at all: law 5, no panic, and the end in time.
#[test]
fn a_writer_without_room_is_left_alone() {
    let mut pair = Pair::new(1);
    for room in 0..57 {
        assert_eq!(pair.client.output(Instant::ZERO, room), None);
    }
    assert_eq!(pair.client.dtls.poll_timeout(), None);
    assert!(pair.client.output(Instant::ZERO, 60).is_some());
}

/// DTLS-044: silence is answered with repetitions, ever more seldom, and one event.
#[test]
fn dtls_044_silence_ends_the_handshake() {
    let mut client = End::new(config(), Role::Client, 1);
    let mut now = Instant::ZERO;
    let mut sent = Vec::new();
    loop {
        assert!(client.dtls.poll_timeout().is_none_or(|at| at > now));
        sent.extend(client.outputs(now, MTU).iter().map(|_| now.as_millis()));
        let Some(next) = client.dtls.poll_timeout() else {
            break;
        };
        now = next;
        client.dtls.handle_timeout(now);
        client.settle();
    }
    assert_eq!(sent[..7], [0, 250, 750, 1750, 3750, 7750, 11750]);
    assert_eq!(now, Instant::from_millis(60_000));
    assert_eq!(client.closed(), Some(CloseReason::TimedOut));
    assert_eq!(client.dtls.state(), DtlsState::Failed);
    assert_eq!(client.dtls.stats().retransmissions, sent.len() as u64 - 1);
    assert_eq!(client.output(now, MTU), None);
}

/// DTLS-043: the last flight is sent again when the peer shows that it was
/// lost, but not at every datagram, and not for strangers.
#[test]
fn dtls_043_a_lost_last_flight_is_sent_again() {
    let mut pair = Pair::new(1);
    while !pair.server.is_connected() {
        assert!(pair.step());
    }
    let lost = pair.server.outputs(pair.now, MTU);
    assert_eq!(lost.len(), 1);
    // The client's timer repeats its flight.
    let at = pair.client.dtls.poll_timeout().expect("waiting");
    pair.client.dtls.handle_timeout(at);
    let again = pair.client.output(at, MTU).expect("repetition");
    pair.server.input(at, again.clone());
    let last = pair.server.output(at, MTU).expect("repetition");
    assert_eq!(Datagram(&last).to_string().matches(" + ").count(), 1);
    // Another repetition at once is answered later.
    let second = at + Duration::from_millis(500);
    pair.client.dtls.handle_timeout(second);
    let more = pair.client.output(second, MTU).expect("repetition");
    pair.server.input(at, more);
    assert_eq!(pair.server.output(at, MTU), None);
    // The same datagram again is a replay, not a repetition.
    pair.server.input(second, again);
    assert_eq!(pair.server.output(second, MTU), None);
    pair.client.input(at, last);
    pair.echo();
    assert_eq!(pair.client.dtls.poll_timeout(), None);
}

/// Both wait, nobody storms: repetitions do not answer each other for ever.
#[test]
fn repetitions_die_out() {
    for seed in 0..50 {
        let mut pair = Pair::new(seed);
        pair.net = Net {
            loss: 0,
            duplicate: 100,
            jitter_ms: 400,
        };
        pair.run();
        pair.drain();
        assert!(pair.sent < 40, "{} datagrams", pair.sent);
    }
}

/// Data that overtakes the end of the handshake is kept, within bounds.
#[test]
fn data_ahead_of_finished_is_delivered_after_it() {
    let mut pair = Pair::new(1);
    while !pair.server.is_connected() {
        assert!(pair.step());
    }
    let finished = pair.server.output(pair.now, MTU).expect("last flight");
    let data: Vec<_> = (0..10)
        .map(|i| pair.server.seal(&[i]).expect("connected"))
        .collect();
    for datagram in data {
        pair.client.input(pair.now, datagram);
        assert!(pair.client.data.is_empty());
    }
    pair.client.input(pair.now, finished);
    assert!(pair.client.is_connected());
    let expected: Vec<Vec<u8>> = (2..10).map(|i| vec![i]).collect();
    assert_eq!(pair.client.data, expected);
    assert_eq!(pair.client.dtls.stats().early_dropped, 2);
}

/// Several records in one datagram, among them damaged ones.
#[test]
fn all_records_of_a_datagram_are_read() {
    let mut pair = Pair::new(1).connected();
    let mut datagram = Vec::new();
    for i in 0..5 {
        let mut sealed = pair.client.seal(&[i; 10]).expect("connected");
        if i == 2 {
            sealed[30] ^= 1;
        }
        datagram.extend(sealed);
    }
    datagram.extend([23, 0xfe, 0xfd]);
    pair.server.input(pair.now, datagram);
    let expected: Vec<Vec<u8>> = [0, 1, 3, 4].map(|i| vec![i; 10]).into();
    assert_eq!(pair.server.data, expected);
    let stats = pair.server.dtls.stats();
    assert_eq!((stats.forged, stats.malformed), (1, 1));
}

/// D-7: a sealed record with any one bit flipped changes nothing but counters.
#[test]
fn d_7_a_mangled_record_changes_nothing_but_counters() {
    let mut pair = Pair::new(1).connected();
    let sealed = pair.client.seal(b"data").expect("connected");
    let before = pair.server.dtls.stats();
    for bit in 0..sealed.len() * 8 {
        let mut mangled = sealed.clone();
        mangled[bit / 8] ^= 1 << (bit % 8);
        pair.server.input(pair.now, mangled);
        assert!(pair.server.data.is_empty() && pair.server.is_connected());
        assert_eq!(pair.server.output(pair.now, MTU), None);
    }
    let after = pair.server.dtls.stats();
    assert_eq!(after.records_received, before.records_received);
    let dropped = after.forged + after.malformed + after.wrong_epoch + after.early_dropped;
    assert!(dropped >= sealed.len() as u64 * 8);
    pair.server.input(pair.now, sealed);
    assert_eq!(pair.server.data, [b"data".to_vec()]);
}

/// D-7 before there are keys: a damaged handshake connects both ends with the
/// same keys, or ends; the client is never connected alone.
#[test]
fn d_7_a_mangled_handshake_connects_both_or_none() {
    for nth in 0..4 {
        let mut len = 0;
        exchange(&mut Pair::new(9), |count, datagram| {
            if count == nth {
                len = datagram.len();
            }
        });
        for at in (0..len).step_by(4) {
            let mut pair = Pair::new(9);
            exchange(&mut pair, |count, datagram| {
                if count == nth {
                    datagram[at] ^= 0x10;
                }
            });
            let (client, server) = (&pair.client, &pair.server);
            assert_eq!(
                client.is_connected(),
                server.is_connected(),
                "{nth}, byte {at}"
            );
            if client.is_connected() {
                let export = |end: &End| {
                    let mut out = [0; 32];
                    let exported = end.dtls.export_keying_material("x", None, &mut out);
                    exported.map(|()| out)
                };
                assert_eq!(export(client), export(server));
            } else {
                // A server that never understood a hello has not even begun.
                let is_over = server.closed().is_some() || server.dtls.state() == DtlsState::New;
                assert!(client.closed().is_some() && is_over);
            }
        }
    }
}

/// Carries the datagrams of a handshake over a path where each may be tampered with.
fn exchange(pair: &mut Pair, mut tamper: impl FnMut(usize, &mut Vec<u8>)) {
    let mut count = 0;
    for _ in 0..20 {
        for to_client in [false, true] {
            let Pair { client, server, .. } = pair;
            let (from, to) = if to_client {
                (server, client)
            } else {
                (client, server)
            };
            for mut datagram in from.outputs(pair.now, MTU) {
                tamper(count, &mut datagram);
                count += 1;
                to.input(pair.now, datagram);
            }
        }
        if pair.client.is_connected() && pair.server.is_connected() {
            return;
        }
        pair.now += Duration::from_secs(4);
        pair.client.dtls.handle_timeout(pair.now);
        pair.server.dtls.handle_timeout(pair.now);
        pair.client.settle();
        pair.server.settle();
    }
}
