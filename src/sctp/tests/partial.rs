//! Messages that are not worth sending for ever (RFC 3758).

use alloc::vec;
use alloc::vec::Vec;

use super::world::*;
use crate::sctp::*;

fn retransmits(ordered: bool, count: u16) -> SendOptions {
    SendOptions {
        ordered,
        reliability: Reliability::MaxRetransmits(count),
    }
}

fn lifetime(ordered: bool, millis: u64) -> SendOptions {
    SendOptions {
        ordered,
        reliability: Reliability::MaxLifetime(ms(millis)),
    }
}

/// SCTP-051, S-3: no piece is sent more often than asked, the rest arrives,
/// ordered ones in their order, and nothing gets stuck.
#[test]
fn sctp_051_limited_retransmits_under_loss() {
    for seed in 0..60 {
        let count = u16::try_from(seed % 3).unwrap();
        let ordered = seed % 2 == 0;
        let mut world = World::connected(seed);
        world.link.loss = 150;
        for i in 0..100_u8 {
            world.send_with(A, 1, retransmits(ordered, count), vec![i; 2500]);
            world.run_for(ms(5));
        }
        world.run_for(ms(30_000));
        world.link.loss = 0;
        world.send(A, 1, vec![200; 10]);
        assert!(
            world.run_until(ms(30_000), |w| w
                .b
                .messages
                .last()
                .is_some_and(|m| m.data[0] == 200)),
            "seed {seed} {:?} {:#?}",
            world.a.sctp.stats(),
            &world.trace[world.trace.len().saturating_sub(20)..]
        );
        let mut got: Vec<u8> = world.b.messages.iter().map(|m| m.data[0]).collect();
        assert!(got.len() > 30, "seed {seed}: {}", got.len());
        if !ordered {
            got.sort_unstable();
        }
        assert!(got.windows(2).all(|two| two[0] < two[1]), "seed {seed}");
        assert!(
            world
                .b
                .messages
                .iter()
                .all(|m| m.data.iter().all(|b| *b == m.data[0]))
        );
        let mut times = alloc::collections::BTreeMap::new();
        for line in world
            .lines(" A SCTP")
            .iter()
            .flat_map(|line| line.split("DATA "))
            .skip(1)
        {
            if let Some(tsn) = line.strip_prefix("tsn=") {
                let tsn = tsn.split(' ').next().unwrap().to_owned_string();
                *times.entry(tsn).or_insert(0) += 1;
            }
        }
        // Each side's own trace: TSNs of A, but the last message's.
        let most = times.values().max().copied().unwrap();
        assert!(most <= usize::from(count) + 1, "seed {seed}: {most} times");
        world.run_for(ms(10_000));
        assert_eq!(world.a.sctp.stats().path.in_flight, 0);
    }
}

trait Owned {
    fn to_owned_string(&self) -> alloc::string::String;
}

impl Owned for str {
    fn to_owned_string(&self) -> alloc::string::String {
        alloc::string::String::from(self)
    }
}

/// SCTP-052: what is too old when its turn comes is not sent at all, and what
/// was begun is not gone on with.
#[test]
fn sctp_052_lifetimes_end_in_the_queue() {
    for ordered in [true, false] {
        let mut world = World::connected(1);
        // Nothing comes back, so the window stays shut after a few packets.
        world.filter = |side, line| side == B && line.contains("SACK");
        world.send_with(A, 1, lifetime(ordered, 100), vec![1; 50_000]);
        world.send_with(A, 1, lifetime(ordered, 100), vec![2; 5000]);
        world.run_for(ms(300));
        world.filter = |_, _| false;
        world.send(A, 1, vec![3; 5000]);
        assert!(world.run_until(ms(20_000), |w| !w.b.messages.is_empty()));
        world.run_for(ms(5000));
        let got: Vec<u8> = world.b.messages.iter().map(|m| m.data[0]).collect();
        assert_eq!(got, [3], "{:#?}", world.trace);
        assert!(!world.lines("FORWARD-TSN").is_empty());
        assert_eq!(world.a.sctp.buffered_amount(StreamId(1)), 0);
        assert_eq!(world.a.sctp.ctx.queue.held(), 0);
        assert_eq!(world.b.sctp.ctx.inbox.window(), 1 << 20);
    }
}

/// SCTP-052: all that was sent of it is acknowledged, then its time is over:
/// one TSN stands for the rest, so that the peer lets go of the beginning.
#[test]
fn sctp_052_a_message_cut_short_is_forgotten_by_the_peer() {
    let mut world = World::connected(1);
    world.link.delay = ms(40);
    world.send_with(A, 1, lifetime(false, 60), vec![1; 200_000]);
    world.run_for(ms(2000));
    assert_eq!(world.lines("FORWARD-TSN").len(), 1);
    assert_eq!(world.b.sctp.ctx.inbox.window(), 1 << 20);
    world.send(A, 1, vec![2; 10]);
    world.run_for(ms(1000));
    assert_eq!(world.b.messages.len(), 1);
    assert_eq!(world.b.sctp.ctx.inbox.window(), 1 << 20);
    assert_eq!(world.a.sctp.ctx.queue.held(), 0);
}

/// SCTP-053: for each stream the last ordered message given up; unordered ones
/// are not named.
#[test]
fn sctp_053_forward_tsn_names_ordered_streams() {
    let mut world = World::connected(1);
    world.link.loss = 1000;
    world.send_with(A, 1, retransmits(true, 0), "a");
    world.send_with(A, 1, retransmits(true, 0), "b");
    world.send_with(A, 2, retransmits(false, 0), "c");
    world.send_with(A, 3, retransmits(true, 0), "d");
    world.run_for(ms(100));
    world.link.loss = 0;
    world.run_for(ms(3000));
    let lines = world.lines("FORWARD-TSN");
    assert!(lines[0].ends_with("streams=[1:1 3:0]"), "{lines:?}");
    world.send(A, 1, "next");
    world.send(A, 3, "next");
    world.run_for(ms(500));
    assert_eq!(world.b.messages.len(), 2);
}

/// SCTP-053: a lost FORWARD TSN is sent again.
#[test]
fn sctp_053_a_lost_forward_tsn_is_repeated() {
    let mut world = World::connected(1);
    world.filter = |side, line| side == A && (line.contains("DATA") || line.contains("FORWARD"));
    world.send_with(A, 1, retransmits(true, 0), "a");
    world.run_for(ms(10_000));
    let tries = world.lines("FORWARD-TSN").len();
    assert!((2..8).contains(&tries), "{tries}");
    world.filter = |_, _| false;
    world.run_for(ms(30_000));
    world.send(A, 1, "b");
    world.run_for(ms(1000));
    assert_eq!(world.b.messages.len(), 1);
}

/// A mix of all kinds through a bad link: reliable ones all arrive.
#[test]
fn reliable_and_unreliable_messages_mix() {
    for seed in 0..40 {
        let mut world = World::connected(seed);
        world.tracing = false;
        world.link.loss = 100;
        world.link.jitter = ms(50);
        world.link.duplicate = 50;
        for i in 0..60_u8 {
            world.send(A, 1, vec![i; 3000]);
            world.send_with(A, 2, retransmits(true, 0), vec![i; 3000]);
            world.send_with(A, 3, lifetime(false, 80), vec![i; 3000]);
            world.run_for(ms(10));
        }
        let reliable = |w: &World| w.b.messages.iter().filter(|m| m.stream.0 == 1).count();
        assert!(
            world.run_until(ms(200_000), |w| reliable(w) == 60),
            "seed {seed} {:?}",
            world.a.sctp.stats()
        );
        world.link = Link {
            delay: ms(10),
            ..Link::default()
        };
        world.run_for(ms(60_000));
        assert_eq!(
            world.a.sctp.ctx.queue.held(),
            0,
            "seed {seed} {:?}",
            world.a.sctp.stats()
        );
        assert_eq!(world.b.sctp.ctx.inbox.window(), 1 << 20, "seed {seed}");
        for stream in 1..=2 {
            let of: Vec<u8> = world
                .b
                .messages
                .iter()
                .filter(|m| m.stream.0 == stream)
                .map(|m| m.data[0])
                .collect();
            assert!(of.windows(2).all(|two| two[0] < two[1]));
        }
    }
}

/// Law 4: if all that waits is too old, the peer hears of it in the same poll.
#[test]
fn what_is_too_old_is_told_at_once() {
    let mut world = World::connected(1);
    let (_, first) = world.identity(A);
    world.send_with(A, 1, lifetime(true, 50), vec![1; 20_000]);
    assert_eq!(world.answers(A).len(), 10);
    let sack = crate::wire::sctp::chunk::Sack {
        cumulative_tsn: first.add(9),
        a_rwnd: 1 << 20,
        gaps: crate::wire::list::List::EMPTY,
        duplicates: crate::wire::list::List::EMPTY,
    };
    world.now += ms(51);
    let lines = world.inject(A, &[crate::wire::sctp::Chunk::Sack(sack)]);
    assert_eq!(lines.len(), 1);
    assert!(lines[0].contains("FORWARD-TSN"), "{lines:?}");
}
