//! The nine laws, under calls in any order.

use alloc::vec;
use alloc::vec::Vec;

use proptest::prelude::*;

use super::world::*;
use crate::cursor::Writer;
use crate::sctp::*;
use crate::time::Instant;

#[derive(Clone, Debug)]
enum Call {
    Send(u16, usize),
    Reset(u16),
    Shutdown,
    Abort,
    Connect,
    Poll(usize),
    Take,
    Event,
    Tick(u64),
    Back(u64),
    Deliver,
    Lose,
    Garbage(Vec<u8>),
}

fn call() -> impl Strategy<Value = Call> {
    prop_oneof![
        8 => (0_u16..4, 0_usize..5000).prop_map(|(stream, len)| Call::Send(stream, len)),
        1 => (0_u16..4).prop_map(Call::Reset),
        1 => Just(Call::Shutdown),
        1 => Just(Call::Abort),
        2 => Just(Call::Connect),
        12 => (0_usize..1300).prop_map(Call::Poll),
        4 => Just(Call::Take),
        4 => Just(Call::Event),
        6 => (0_u64..3000).prop_map(Call::Tick),
        1 => (0_u64..3000).prop_map(Call::Back),
        12 => Just(Call::Deliver),
        2 => Just(Call::Lose),
        2 => proptest::collection::vec(any::<u8>(), 0..60).prop_map(Call::Garbage),
    ]
}

/// Runs the calls on two associations; returns all that came out.
fn run(calls: &[(bool, Call)]) -> Vec<u8> {
    let mut rng = crate::rng::Rng::from_number(5);
    let mut ends = [
        SctpAssociation::new(SctpConfig::default(), &mut rng),
        SctpAssociation::new(SctpConfig::default(), &mut rng),
    ];
    let mut wires: [Vec<Vec<u8>>; 2] = [Vec::new(), Vec::new()];
    let mut closed = [false; 2];
    let mut now = Instant::from_millis(5000);
    let mut log = Vec::new();
    for (second, call) in calls {
        let index = usize::from(*second);
        let end = &mut ends[index];
        match call {
            Call::Send(stream, len) => {
                let options = SendOptions::default();
                let result = end.send(
                    now,
                    StreamId(*stream),
                    Ppid(1),
                    options,
                    vec![1; *len].into(),
                );
                assert!(!closed[index] || result == Err(SendError::Closed), "law 7");
            }
            Call::Reset(stream) => end.reset_streams([StreamId(*stream)]),
            Call::Shutdown => end.shutdown(),
            Call::Abort => end.abort(),
            Call::Connect => end.connect(),
            Call::Poll(budget) => {
                let mut out = vec![0xee; 3];
                let mut w = Writer::new(&mut out, *budget);
                let sent = end.poll_transmit(now, &mut w);
                assert!(!w.is_overflowed(), "law 5");
                assert!(out.len() - 3 <= *budget, "law 5");
                assert_eq!(sent, out.len() > 3, "law 5");
                assert!(!(sent && closed[index]), "law 7");
                if sent {
                    let packet = out.split_off(3);
                    log.extend_from_slice(&packet);
                    wires[1 - index].push(packet);
                }
            }
            Call::Take => {
                if let Some(message) = end.take_message() {
                    log.extend_from_slice(&message.data);
                }
            }
            Call::Event => {
                if let Some(event) = end.poll_event() {
                    assert!(!closed[index], "law 7");
                    closed[index] = matches!(event, Event::Closed(_));
                    log.extend_from_slice(alloc::format!("{event:?}").as_bytes());
                }
            }
            Call::Tick(millis) => {
                now += ms(*millis);
                end.handle_timeout(now);
                let next = end.poll_timeout();
                assert!(next.is_none_or(|at| at > now), "law 3");
                assert!(!(closed[index] && next.is_some()), "law 7");
                assert_eq!(end.poll_timeout(), next, "law 3");
            }
            Call::Back(millis) => {
                // Law 1: an earlier moment is taken for the latest.
                let early = Instant::from_nanos(now.as_nanos().saturating_sub(millis * 1_000_000));
                end.handle_timeout(early);
            }
            Call::Deliver => {
                if !wires[index].is_empty() {
                    let mut packet = wires[index].remove(0);
                    end.handle_input(now, &mut packet);
                }
            }
            Call::Lose => {
                wires[index].pop();
            }
            Call::Garbage(bytes) => {
                let before = end.stats().dropped;
                let mut bytes = bytes.clone();
                end.handle_input(now, &mut bytes);
                assert!(
                    closed[index]
                        || end.state() == SctpState::Closed
                        || end.stats().dropped != before,
                    "law 9"
                );
            }
        }
    }
    log
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn hold_under_any_calls(calls in proptest::collection::vec((any::<bool>(), call()), 0..250)) {
        // Law 6: the same calls give the same bytes and events.
        prop_assert_eq!(run(&calls), run(&calls));
    }
}

/// Law 6, over a whole lossy transfer.
#[test]
fn the_same_seed_gives_the_same_bytes() {
    let hash = |seed| {
        let mut world = World::new(seed);
        world.link.loss = 100;
        world.link.jitter = ms(50);
        world.a.sctp.connect();
        for _ in 0..20 {
            world.send(A, 1, vec![0; 5000]);
        }
        world.run_for(ms(20_000));
        world.hash
    };
    assert_eq!(hash(1), hash(1));
    assert_ne!(hash(1), hash(2));
}

/// Law 3: an association that never began wants nothing.
#[test]
fn nothing_pending_means_no_deadline() {
    let world = World::new(1);
    assert_eq!(world.a.sctp.poll_timeout(), None);
    let quiet = SctpConfig {
        timers: Timers {
            heartbeat_interval: None,
            ..Timers::default()
        },
        ..SctpConfig::default()
    };
    let mut world = World::with(1, quiet.clone(), quiet);
    world.connect();
    world.send(A, 1, "x");
    world.run_for(ms(5000));
    assert_eq!(world.a.sctp.poll_timeout(), None);
    assert_eq!(world.b.sctp.poll_timeout(), None);
}

/// Law 2: an application that does not poll for a long time loses nothing.
#[test]
fn not_polling_only_delays() {
    let mut world = World::connected(1);
    world.send(A, 1, vec![0; 20_000]);
    world.answers(A);
    for minute in 1..60 {
        let now = world.now + ms(60_000 * minute);
        world.a.sctp.handle_timeout(now);
    }
    world.now += ms(3_600_000);
    assert_eq!(world.a.sctp.state(), SctpState::Connected);
    assert!(world.run_until(ms(20_000), |w| w.b.messages.len() == 1));
}
