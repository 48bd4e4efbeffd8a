//! What is lost comes back (RFC 9260 §6.3.3, §7.2).

use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use super::world::*;
use crate::sctp::*;
use crate::seq::Serial32;
use crate::wire::list::List;
use crate::wire::sctp::Chunk;
use crate::wire::sctp::chunk::{GapAckBlock, Sack};

fn sack(world: &mut World, cumulative: Serial32, gaps: &[(u16, u16)]) -> Vec<String> {
    let gaps = List::encode(gaps.iter().map(|&(start, end)| GapAckBlock { start, end }));
    let sack = Sack {
        cumulative_tsn: cumulative,
        a_rwnd: 1 << 20,
        gaps: List::new(&gaps),
        duplicates: List::EMPTY,
    };
    world.inject(A, &[Chunk::Sack(sack)])
}

fn sent_again(lines: &[String], tsn: Serial32) -> bool {
    lines
        .iter()
        .any(|line| line.contains(&alloc::format!("tsn={} ", tsn.0)))
}

/// SCTP-043: three misses, then it is sent again at once; the window is halved
/// once.
#[test]
fn sctp_043_three_misses_make_a_fast_retransmit() {
    let mut world = World::connected(1);
    let (_, first) = world.identity(A);
    for _ in 0..10 {
        world.send(A, 1, vec![0; 1100]);
    }
    assert_eq!(world.answers(A).len(), 10);
    let window = world.a.sctp.stats().path.congestion_window;
    for end in [2, 3] {
        let lines = sack(&mut world, first.sub(1), &[(2, end)]);
        assert!(!sent_again(&lines, first), "{lines:?}");
    }
    let lines = sack(&mut world, first.sub(1), &[(2, 4)]);
    assert!(sent_again(&lines, first), "{lines:?}");
    let halved = world.a.sctp.stats().path.congestion_window;
    assert_eq!(halved, window / 2);
    // SCTP-045: more misses do not send it again, nor halve again.
    for end in 5..9 {
        let lines = sack(&mut world, first.sub(1), &[(2, end)]);
        assert!(!sent_again(&lines, first), "{lines:?}");
    }
    assert_eq!(world.a.sctp.stats().path.congestion_window, halved);
    assert_eq!(world.a.sctp.stats().data.fast_recoveries, 1);
    sack(&mut world, first.add(9), &[]);
    assert_eq!(world.a.sctp.stats().path.in_flight, 0);
}

/// SCTP-042: what was acknowledged and is not any more is outstanding again.
#[test]
fn sctp_042_reneging_is_noticed() {
    let mut world = World::connected(1);
    let (_, first) = world.identity(A);
    for _ in 0..6 {
        world.send(A, 1, vec![0; 1150]);
    }
    world.answers(A);
    let all = world.a.sctp.stats().path.in_flight;
    sack(&mut world, first.sub(1), &[(2, 4)]);
    assert_eq!(world.a.sctp.stats().path.in_flight, all / 2);
    sack(&mut world, first.sub(1), &[(3, 3)]);
    assert_eq!(world.a.sctp.stats().path.in_flight, all / 6 * 5);
    sack(&mut world, first.sub(1), &[]);
    assert_eq!(world.a.sctp.stats().path.in_flight, all);
    // The timer brings them all.
    world.now = world.a.sctp.poll_timeout().unwrap();
    let now = world.now;
    world.a.sctp.handle_timeout(now);
    let lines = world.answers(A);
    assert!(sent_again(&lines, first));
    for n in 0..6 {
        sack(&mut world, first.add(n), &[]);
    }
    assert_eq!(world.a.sctp.stats().path.in_flight, 0);
}

/// SCTP-044, SCTP-048: after a timeout one packet goes, and patience doubles.
#[test]
fn sctp_044_a_timeout_sends_one_packet() {
    let mut world = World::connected(1);
    world.link.loss = 1000;
    for _ in 0..8 {
        world.send(A, 1, vec![0; 1100]);
    }
    world.run_for(ms(1));
    let before = world.a.sctp.stats().path.timeout;
    world.trace.clear();
    world.run_for(before);
    let lines = world.lines(" DATA ");
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].ends_with("E I]"), "it asks for an answer at once");
    assert_eq!(world.a.sctp.stats().path.congestion_window, 1200);
    assert_eq!(world.a.sctp.stats().path.timeout, before * 2);
    world.link.loss = 0;
    assert!(world.run_until(ms(10_000), |w| w.b.messages.len() == 8));
}

/// SCTP-047: a peer that never answers is given up, and any answer counts anew.
#[test]
fn sctp_047_too_many_timeouts_end_it() {
    let mut world = World::connected(1);
    world.send(A, 1, "x");
    world.link.loss = 1000;
    world.run_for(ms(60_000));
    assert_eq!(world.a.sctp.state(), SctpState::Connected);
    world.link.loss = 0;
    world.run_for(ms(60_000));
    assert_eq!(world.b.messages.len(), 1);
    world.send(A, 1, "y");
    world.link.loss = 1000;
    world.run_for(ms(60_000));
    assert_eq!(world.a.sctp.state(), SctpState::Connected);
    world.run_for(ms(900_000));
    assert_eq!(
        world.a.events.last(),
        Some(&Event::Closed(CloseReason::TimedOut))
    );
    assert_eq!(world.a.sctp.poll_timeout(), None);
}

/// SCTP-049: a SACK lets as much go as it acknowledges, and four packets more.
#[test]
fn sctp_049_bursts_are_limited() {
    let mut world = World::connected(1);
    let (_, first) = world.identity(A);
    for _ in 0..200 {
        world.send(A, 1, vec![0; 1100]);
    }
    let initial = world.answers(A).len();
    assert_eq!(initial, 10);
    let lines = sack(&mut world, first, &[]);
    assert!(lines.len() <= 6, "{}", lines.len());
    let lines = sack(&mut world, first.add(9), &[]);
    assert!(lines.len() <= 9 + 5, "{}", lines.len());
}

/// S-5: never more on its way than the window of the path and of the peer.
#[test]
fn flight_stays_within_the_windows() {
    for seed in 0..20 {
        let mut world = World::connected(seed);
        world.tracing = false;
        world.link.loss = 30;
        for _ in 0..100 {
            world.send(A, 1, vec![0; 10_000]);
        }
        let end = world.now + ms(3000);
        while world.step(end) {
            let path = world.a.sctp.stats().path;
            // A halved window lets what is out come home.
            let limit = path.congestion_window.max(1200);
            assert!(path.in_flight <= limit.max(2 * path.congestion_window + 1200));
            assert!(path.in_flight <= (1 << 20) + 1200);
        }
    }
}

/// SCTP-085: what a link can carry is carried.
#[test]
fn sctp_085_throughput_over_loss_and_delay() {
    for &(loss, round_trip, queue, least) in GRID {
        let mut world = World::connected(7);
        world.tracing = false;
        world.link = Link {
            delay: ms(round_trip / 2),
            loss,
            rate: 100_000_000 / 8,
            queue: ms(queue),
            ..Link::default()
        };
        let mut received = 0;
        let (mut last, mut longest) = (world.now, ms(0));
        let end = world.now + ms(10_000);
        loop {
            while world.a.sctp.buffered_amount(StreamId(1)) < 1 << 20
                && world
                    .a
                    .sctp
                    .send(
                        world.now,
                        StreamId(1),
                        Ppid(53),
                        SendOptions::default(),
                        vec![0; 16_384].into(),
                    )
                    .is_ok()
            {}
            if !world.step(end) {
                break;
            }
            let got: usize = world.b.messages.drain(..).map(|m| m.data.len()).sum();
            received += got;
            if got > 0 {
                longest = longest.max(world.now.since(last));
                last = world.now;
            }
        }
        let rate = f64::from(u32::try_from(received).unwrap()) * 8.0 / 10.0 / 1e6;
        std::println!(
            "loss {loss} rtt {round_trip} queue {queue}: {rate:.2} Mbit/s, gap {} ms, {:?}",
            longest.as_millis(),
            world.a.sctp.stats().data
        );
        assert!(rate >= least, "loss {loss} rtt {round_trip}: {rate} Mbit/s");
    }
}

/// Loss in thousandths, round trip and queue in ms, least Mbit/s of 100.
const GRID: &[(u64, u64, u64, f64)] = &[
    (0, 10, 100, 80.0),
    (0, 50, 100, 80.0),
    (0, 50, 20, 50.0),
    (10, 50, 100, 1.8),
    (50, 50, 100, 0.6),
];
