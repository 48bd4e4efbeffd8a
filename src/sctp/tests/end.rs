//! How associations end (RFC 9260 §9), and packets that belong to none (§8.4).

use alloc::vec;

use super::world::*;
use crate::cursor::Reader;
use crate::sctp::*;
use crate::seq::Serial32;
use crate::wire::sctp::chunk::{
    Abort, CookieAck, CookieEcho, Error, Heartbeat, Shutdown, ShutdownAck, ShutdownComplete,
};
use crate::wire::sctp::{Causes, Chunk, Parameters};

/// SCTP-071: what was sent arrives before the end, even through loss.
#[test]
fn sctp_071_shutdown_waits_for_the_data() {
    for seed in 0..60 {
        let mut world = World::connected(seed);
        world.link.loss = if seed < 10 { 0 } else { 200 };
        for _ in 0..20 {
            world.send(A, 1, vec![1; 3000]);
            world.send(B, 2, vec![2; 3000]);
        }
        world.a.sctp.shutdown();
        assert_eq!(world.a.sctp.state(), SctpState::ShuttingDown);
        let closed = |w: &World| {
            let last = Some(&Event::Closed(CloseReason::Shutdown));
            w.a.events.last() == last
        };
        assert!(
            world.run_until(ms(120_000), closed),
            "seed {seed}: {:?} {:#?}",
            world.a.events,
            &world.trace[world.trace.len().saturating_sub(40)..]
        );
        world.run_for(ms(120_000));
        assert_eq!(world.b.messages.len(), 20, "seed {seed}");
        assert_eq!(world.a.messages.len(), 20, "seed {seed}");
        // B may miss SHUTDOWN COMPLETE; then its patience ends it.
        assert!(matches!(world.b.events.last(), Some(Event::Closed(_))));
        assert_eq!(world.a.sctp.poll_timeout(), None);
        assert_eq!(world.b.sctp.poll_timeout(), None);
    }
}

#[test]
fn sctp_071_both_sides_shut_down_at_once() {
    let mut world = World::connected(1);
    world.a.sctp.shutdown();
    world.b.sctp.shutdown();
    world.run_for(ms(1000));
    let closed = [Event::Closed(CloseReason::Shutdown)];
    assert_eq!(world.a.events, closed);
    assert_eq!(world.b.events, closed);
}

#[test]
fn sctp_071_an_end_that_is_never_answered_ends_too() {
    let mut world = World::connected(1);
    world.link.loss = 1000;
    world.a.sctp.shutdown();
    world.run_for(ms(600_000));
    assert_eq!(world.a.events, [Event::Closed(CloseReason::TimedOut)]);
}

#[test]
fn sctp_072_nothing_is_taken_after_shutdown() {
    let mut world = World::connected(1);
    let send = |world: &mut World, side: Side| {
        let now = world.now;
        let sctp = &mut world.end(side).sctp;
        sctp.send(
            now,
            StreamId(1),
            Ppid(1),
            SendOptions::default(),
            "x".into(),
        )
    };
    world.send(A, 1, vec![0; 100_000]);
    world.a.sctp.shutdown();
    assert_eq!(send(&mut world, A), Err(SendError::ShuttingDown));
    world.run_for(ms(5000));
    assert_eq!(send(&mut world, A), Err(SendError::Closed));
    assert_eq!(send(&mut world, B), Err(SendError::Closed));
}

/// SCTP-073: ABORT counts with our tag, or with the peer's and T.
#[test]
fn sctp_073_abort_needs_the_right_tag() {
    let causes = |bytes: &'static [u8]| Causes::parse(&mut Reader::new(bytes)).unwrap();
    let abort = |reflected, bytes| {
        let causes = causes(bytes);
        Chunk::Abort(Abort { reflected, causes })
    };
    let mut world = World::connected(1);
    let (a, b) = (world.identity(A).0, world.identity(B).0);
    world.inject_with(A, b, &[abort(false, &[])]);
    world.inject_with(A, a, &[abort(true, &[])]);
    world.inject_with(A, 7, &[abort(false, &[])]);
    assert!(world.a.events.is_empty());
    assert!(
        world
            .inject_with(A, a, &[abort(false, &[0, 12, 0, 4])])
            .is_empty()
    );
    let reason = CloseReason::AbortedByPeer(Some(12));
    assert_eq!(world.a.events, [Event::Closed(reason)]);
    let mut world = World::connected(1);
    world.inject_with(A, b, &[abort(true, &[])]);
    let reason = CloseReason::AbortedByPeer(None);
    assert_eq!(world.a.events, [Event::Closed(reason)]);
}

#[test]
fn abort_tells_the_peer_and_then_is_silent() {
    let mut world = World::connected(1);
    world.send(A, 1, vec![0; 50_000]);
    world.a.sctp.abort();
    assert!(
        world.a.sctp.poll_event().is_none(),
        "first the peer is told"
    );
    world.run_for(ms(1000));
    assert_eq!(world.a.events, [Event::Closed(CloseReason::Aborted)]);
    let reason = CloseReason::AbortedByPeer(Some(12));
    assert_eq!(world.b.events, [Event::Closed(reason)]);
    world.a.sctp.connect();
    assert!(world.answers(A).is_empty());
    assert_eq!(world.a.sctp.state(), SctpState::Closed);
}

/// What arrived before the end can still be taken.
#[test]
fn messages_outlive_the_association() {
    let mut world = World::connected(1);
    world.b.reads = false;
    world.send(A, 1, "hello");
    world.run_for(ms(100));
    world.a.sctp.abort();
    world.run_for(ms(100));
    assert!(matches!(world.b.events.last(), Some(Event::Closed(_))));
    assert_eq!(
        world.b.sctp.take_message().map(|m| m.data),
        Some("hello".into())
    );
    assert_eq!(world.b.sctp.take_message(), None);
}

/// SCTP-074: packets that belong to no association.
#[test]
fn sctp_074_out_of_the_blue() {
    let mut world = World::new(1);
    let shutdown = Chunk::Shutdown(Shutdown {
        cumulative_tsn: Serial32(1),
    });
    let complete = Chunk::ShutdownComplete(ShutdownComplete { reflected: false });
    let abort = Chunk::Abort(Abort {
        reflected: false,
        causes: Causes::default(),
    });
    let stale = [0, 3, 0, 8, 0, 0, 0, 1];
    let stale = Chunk::Error(Error {
        causes: Causes::parse(&mut Reader::new(&stale)).unwrap(),
    });
    let heartbeat = Chunk::Heartbeat(Heartbeat {
        info: Parameters::default(),
    });
    let payload = data(Serial32(1), 1, 0, "BE", b"x");
    assert_eq!(world.inject_with(A, 5, &[shutdown]), ["SCTP ABORT [T]"]);
    assert_eq!(world.inject_with(A, 5, &[heartbeat]), ["SCTP ABORT [T]"]);
    assert_eq!(world.inject_with(A, 5, &[payload]), ["SCTP ABORT [T]"]);
    let answers = world.inject_with(A, 5, &[Chunk::ShutdownAck(ShutdownAck)]);
    assert_eq!(answers, ["SCTP SHUTDOWN-COMPLETE [T]"]);
    for silent in [complete, abort, stale, Chunk::CookieAck(CookieAck)] {
        assert!(world.inject_with(A, 5, &[silent]).is_empty(), "{silent}");
    }
    assert!(world.inject_with(A, 5, &[heartbeat, abort]).is_empty());
    assert_eq!(world.a.sctp.state(), SctpState::New);
}

/// SCTP-081: a wrong tag is dropped without a word.
#[test]
fn sctp_081_a_wrong_tag_is_dropped() {
    let mut world = World::connected(1);
    let (tag, _) = world.identity(A);
    let (_, tsn) = world.identity(B);
    for tag in [0, 1, tag ^ 1, tag.wrapping_add(1)] {
        assert!(
            world
                .inject_with(A, tag, &[data(tsn, 1, 0, "BE", b"x")])
                .is_empty()
        );
    }
    assert_eq!(world.a.sctp.stats().dropped.not_ours, 4);
    assert!(world.a.messages.is_empty());
}

/// SCTP-024: any chunk in any state does no harm.
#[test]
fn sctp_024_chunks_in_the_wrong_state() {
    let chunks = [
        Chunk::CookieAck(CookieAck),
        Chunk::CookieEcho(CookieEcho { cookie: &[1; 32] }),
        Chunk::ShutdownComplete(ShutdownComplete { reflected: false }),
        Chunk::ShutdownAck(ShutdownAck),
        Chunk::Error(Error {
            causes: Causes::default(),
        }),
    ];
    let mut world = World::connected(1);
    for chunk in chunks {
        assert!(world.inject(A, &[chunk]).is_empty(), "{chunk}");
        assert_eq!(world.a.sctp.state(), SctpState::Connected);
    }
    let mut world = World::new(1);
    world.a.sctp.connect();
    world.answers(A);
    for chunk in chunks {
        world.inject(A, &[chunk]);
        assert_eq!(world.a.sctp.state(), SctpState::Connecting);
    }
    assert!(world.a.events.is_empty());
}
