//! Streams that start anew (RFC 6525, RFC 8831 §6.7).

use alloc::vec;

use super::world::*;
use crate::sctp::*;

const DONE: Event = Event::StreamResetDone(StreamId(1));
const RESET: Event = Event::StreamReset(StreamId(1));

/// SCTP-059, S-8: all that was sent arrives first, then the stream is new.
#[test]
fn sctp_059_a_stream_is_reset_after_its_data() {
    for seed in 0..60 {
        let mut world = World::connected(seed);
        world.tracing = seed == 0;
        world.link.loss = if seed < 10 { 0 } else { 150 };
        world.link.jitter = ms(seed % 40);
        for i in 0..20_u8 {
            world.send(A, 1, vec![i; 3000]);
            world.send(A, 2, vec![i; 300]);
        }
        world.a.sctp.reset_streams([StreamId(1)]);
        let now = world.now;
        let options = SendOptions::default();
        let refused = world
            .a
            .sctp
            .send(now, StreamId(1), Ppid(1), options, "x".into());
        assert_eq!(refused, Err(SendError::Resetting));
        assert!(
            world.run_until(ms(120_000), |w| w.a.events.contains(&DONE)),
            "seed {seed}"
        );
        let before = world.b.messages.iter().filter(|m| m.stream.0 == 1).count();
        assert_eq!(before, 20, "seed {seed}");
        assert_eq!(world.b.events.iter().filter(|e| **e == RESET).count(), 1);
        world.send(A, 1, "anew");
        assert!(world.run_until(ms(120_000), |w| w.b.messages.len() == 41));
    }
}

/// Messages and the reset come out in their order, if the application is slow.
#[test]
fn a_reset_waits_behind_messages_that_were_not_taken() {
    let mut world = World::connected(1);
    world.b.reads = false;
    world.send(A, 1, "old");
    world.a.sctp.reset_streams([StreamId(1)]);
    assert!(world.run_until(ms(5000), |w| w.a.events.contains(&DONE)));
    world.send(A, 1, "new");
    world.run_for(ms(500));
    assert!(!world.b.events.contains(&RESET));
    assert!(world.b.sctp.take_message().is_some());
    assert_eq!(world.b.sctp.poll_event(), Some(RESET));
    assert_eq!(
        world.b.sctp.take_message().map(|m| m.data),
        Some("new".into())
    );
}

/// Both directions, at once, many streams.
#[test]
fn sctp_065_many_streams_both_ways() {
    for seed in 0..30 {
        let mut world = World::connected(seed);
        world.tracing = false;
        world.link.loss = if seed < 5 { 0 } else { 200 };
        for n in 0..300 {
            world.send(A, n, "a");
            world.send(B, n, "b");
        }
        world.a.sctp.reset_streams((0..150).map(StreamId));
        world.b.sctp.reset_streams((0..300).map(StreamId));
        world.run_for(ms(50));
        world.a.sctp.reset_streams((150..300).map(StreamId));
        world.a.sctp.reset_streams((150..300).map(StreamId));
        let done = |end: &End| {
            let done = |e: &&Event| matches!(e, Event::StreamResetDone(_));
            let reset = |e: &&Event| matches!(e, Event::StreamReset(_));
            (
                end.events.iter().filter(done).count(),
                end.events.iter().filter(reset).count(),
            )
        };
        let all = world.run_until(ms(300_000), |w| {
            done(&w.a) == (300, 300) && done(&w.b) == (300, 300)
        });
        assert!(
            all,
            "seed {seed}: {:?} {:?}",
            done(&world.a),
            done(&world.b)
        );
        assert_eq!((world.a.messages.len(), world.b.messages.len()), (300, 300));
    }
}

/// SCTP-062: the answer is lost, so the request comes twice: one reset.
#[test]
fn sctp_062_a_lost_answer_resets_once() {
    let mut world = World::connected(1);
    world.filter = |side, line| side == B && line.contains("reset-response");
    world.a.sctp.reset_streams([StreamId(1)]);
    world.run_for(ms(3000));
    assert!(world.lines("reset-out").len() >= 2);
    world.filter = |_, _| false;
    assert!(world.run_until(ms(20_000), |w| w.a.events.contains(&DONE)));
    assert_eq!(world.b.events, [RESET]);
    let texts: alloc::collections::BTreeSet<&str> = world
        .lines("reset-out")
        .iter()
        .map(|line| line.split("req=").nth(1).unwrap())
        .collect();
    assert_eq!(texts.len(), 1, "the same request each time");
}

/// A peer that never answers a reset is gone.
#[test]
fn a_reset_that_is_never_answered_ends_it() {
    let mut world = World::connected(1);
    world.filter = |_, line| line.contains("RE-CONFIG");
    world.a.sctp.reset_streams([StreamId(1)]);
    world.run_for(ms(1_200_000));
    assert_eq!(
        world.a.events.last(),
        Some(&Event::Closed(CloseReason::TimedOut))
    );
}

/// A stream asked to be reset before there is an association.
#[test]
fn resets_before_the_association_is_up() {
    let mut world = World::new(1);
    world.send(A, 1, "short");
    world.a.sctp.reset_streams([StreamId(1), StreamId(4000)]);
    world.a.sctp.connect();
    assert!(world.run_until(ms(10_000), |w| w.a.events.contains(&DONE)));
    assert_eq!(world.b.messages.len(), 1);
    assert!(world.b.events.contains(&RESET));
}

/// SCTP-055: messages given up before the reset do not hold it up.
#[test]
fn sctp_055_given_up_messages_and_a_reset() {
    for seed in 0..40 {
        let mut world = World::connected(seed);
        world.tracing = false;
        world.link.loss = 200;
        let options = SendOptions {
            ordered: true,
            reliability: Reliability::MaxRetransmits(0),
        };
        for i in 0..30_u8 {
            world.send_with(A, 1, options, vec![i; 2000]);
        }
        world.a.sctp.reset_streams([StreamId(1)]);
        assert!(
            world.run_until(ms(200_000), |w| w.a.events.contains(&DONE)),
            "seed {seed} {:?}",
            world.a.sctp.stats()
        );
        world.link.loss = 0;
        world.send(A, 1, vec![99]);
        assert!(world.run_until(ms(20_000), |w| {
            w.b.messages.last().is_some_and(|m| m.data[0] == 99)
        }));
    }
}
