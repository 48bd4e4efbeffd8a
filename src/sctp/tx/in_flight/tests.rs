use alloc::collections::BTreeSet;
use alloc::vec;

use proptest::prelude::*;

use super::*;
use crate::rng::Rng;
use crate::sctp::event::Events;
use crate::sctp::message::{Reliability, SendOptions};
use crate::sctp::tx::send_queue::Next;
use crate::wire::list::List;
use crate::wire::sctp::{Ppid, StreamId};

/// A sender's bookkeeping, and a receiver that is only a set of TSNs.
struct Pair {
    flight: InFlight,
    queue: SendQueue,
    events: Events,
    now: Instant,
    received: BTreeSet<u64>,
    cumulative: u64,
}

impl Pair {
    fn new(initial: u32) -> Self {
        let base = (1 << 32) + u64::from(initial);
        Self {
            flight: InFlight::new(Serial32(initial)),
            queue: SendQueue::new(1 << 26),
            events: Events::default(),
            now: Instant::from_millis(1000),
            received: BTreeSet::new(),
            cumulative: base - 1,
        }
    }

    fn message(&mut self, len: usize, reliability: Reliability) {
        let options = SendOptions {
            ordered: true,
            reliability,
        };
        let data = vec![0; len].into();
        let result = self
            .queue
            .push(self.now, StreamId(1), Ppid(1), options, data);
        assert_eq!(result, Ok(()));
    }

    /// Sends the next piece; `arrives` says whether the receiver gets it.
    fn send(&mut self, arrives: bool) -> bool {
        self.now += Duration::from_millis(1);
        let tsn = self.flight.next();
        match self.queue.next(self.now, 1000, &mut self.events) {
            Some(Next::Piece(piece)) => {
                self.flight.push(self.now, piece);
                self.arrive(tsn, arrives);
                true
            }
            Some(Next::Expired(key)) => {
                let mut feed = Feed {
                    now: self.now,
                    queue: &mut self.queue,
                    events: &mut self.events,
                };
                self.flight.abandon_last(key, &mut feed);
                true
            }
            None => false,
        }
    }

    fn resend(&mut self, arrives: bool) -> bool {
        self.now += Duration::from_millis(1);
        let mut feed = Feed {
            now: self.now,
            queue: &mut self.queue,
            events: &mut self.events,
        };
        let Some((tsn, _)) = self.flight.first_lost(&mut feed) else {
            return false;
        };
        self.flight.resend(self.now, tsn);
        self.arrive(tsn, arrives);
        true
    }

    fn arrive(&mut self, tsn: u64, arrives: bool) {
        if arrives {
            self.received.insert(tsn);
        }
    }

    /// The receiver is told what is given up.
    fn forward(&mut self) {
        if let Some((tsn, _)) = self.flight.abandoned().last() {
            self.cumulative = self.cumulative.max(tsn);
        }
    }

    fn sack(&mut self) -> Outcome {
        while self.received.contains(&(self.cumulative + 1)) {
            self.cumulative += 1;
        }
        let mut gaps: Vec<GapAckBlock> = Vec::new();
        for tsn in self.received.range(self.cumulative + 1..) {
            let offset = u16::try_from(tsn - self.cumulative).unwrap();
            match gaps.last_mut() {
                Some(gap) if gap.end + 1 == offset => gap.end = offset,
                _ => gaps.push(GapAckBlock {
                    start: offset,
                    end: offset,
                }),
            }
        }
        let gaps = List::encode(gaps);
        let hints = Hints {
            shortest_rtt: Duration::from_millis(4),
            in_recovery: false,
        };
        let mut feed = Feed {
            now: self.now,
            queue: &mut self.queue,
            events: &mut self.events,
        };
        let gaps = List::new(&gaps).iter();
        let cumulative = wire(self.cumulative);
        self.flight
            .on_sack(cumulative, Some(gaps), hints, &mut feed)
            .unwrap()
    }

    fn timeout(&mut self) {
        let mut feed = Feed {
            now: self.now,
            queue: &mut self.queue,
            events: &mut self.events,
        };
        self.flight.on_timeout(&mut feed);
    }

    /// What is counted is what is there.
    fn check(&self) {
        let of = |state| self.flight.chunks.iter().filter(move |c| c.state == state);
        let payload: usize = of(ChunkState::InFlight).map(|c| usize::from(c.len)).sum();
        assert_eq!(self.flight.payload, payload);
        assert_eq!(self.flight.count, of(ChunkState::InFlight).count());
        assert_eq!(self.flight.lost_count, of(ChunkState::Lost).count());
        let lost: BTreeSet<u64> = self.flight.lost.iter().copied().collect();
        for (chunk, tsn) in self.flight.chunks.iter().zip(self.flight.base..) {
            match chunk.state {
                ChunkState::Lost => assert!(lost.contains(&tsn), "{tsn} will not be sent again"),
                ChunkState::Acked => assert!(self.received.contains(&tsn)),
                ChunkState::InFlight | ChunkState::Abandoned => (),
            }
        }
        assert!(self.flight.lost.iter().is_sorted());
    }
}

proptest! {
    /// Whatever arrives and whatever is lost, the counters agree, and in the
    /// end everything is acknowledged or given up, and nothing is held.
    #[test]
    fn agrees_with_a_set(
        initial in prop_oneof![Just(u32::MAX - 10), any::<u32>()],
        seed in any::<u64>(),
        loss in 0_u64..60,
        limited in any::<bool>(),
    ) {
        let mut rng = Rng::from_number(seed);
        let mut pair = Pair::new(initial);
        for round in 0..300 {
            let arrives = rng.below(100) >= loss;
            match rng.below(12) {
                0..3 => {
                    let count = u16::try_from(rng.below(3)).unwrap();
                    let reliability = match rng.below(3) {
                        0 if limited => Reliability::MaxRetransmits(count),
                        1 if limited => Reliability::MaxLifetime(Duration::from_millis(rng.below(30))),
                        _ => Reliability::Reliable,
                    };
                    pair.message(usize::try_from(rng.below(4000)).unwrap() + 1, reliability);
                }
                3..7 => { pair.send(arrives); }
                7..9 => { pair.resend(arrives); }
                9 if round % 5 == 0 => pair.timeout(),
                10 => pair.forward(),
                _ => { pair.sack(); }
            }
            pair.check();
        }
        for _ in 0..500 {
            while pair.send(true) {}
            while pair.resend(true) {}
            pair.forward();
            pair.sack();
            pair.check();
            if pair.flight.is_empty() {
                break;
            }
            pair.timeout();
        }
        prop_assert!(pair.flight.is_empty() && pair.queue.is_empty());
        prop_assert_eq!(pair.queue.held(), 0);
        prop_assert_eq!(pair.flight.size(), 0);
    }
}

/// Descriptors looked at per chunk, with so many on their way. One in fifty is
/// lost, and each SACK says two more.
fn visits(window: u64) -> f64 {
    let mut pair = Pair::new(7);
    let chunks = 20_000_u64;
    for _ in 0..chunks {
        pair.message(1000, Reliability::Reliable);
    }
    let mut waiting: VecDeque<(u64, bool)> = VecDeque::new();
    let mut sent = 0;
    let mut step = 0_u64;
    loop {
        while pair.flight.chunks.len() < usize::try_from(window).unwrap() && sent < chunks {
            let tsn = pair.flight.next();
            pair.send(false);
            waiting.push_back((tsn, sent % 50 != 49));
            sent += 1;
        }
        while let Some((tsn, _)) = {
            let mut feed = Feed {
                now: pair.now,
                queue: &mut pair.queue,
                events: &mut pair.events,
            };
            pair.flight.first_lost(&mut feed)
        } {
            pair.flight.resend(pair.now, tsn);
            waiting.push_back((tsn, true));
        }
        for _ in 0..2 {
            if let Some((tsn, arrives)) = waiting.pop_front() {
                pair.arrive(tsn, arrives);
            }
        }
        pair.now += Duration::from_millis(1);
        pair.sack();
        if waiting.is_empty() && sent == chunks {
            pair.timeout();
        }
        pair.received = pair.received.split_off(&pair.cumulative);
        step += 1;
        assert!(step < chunks * 10);
        if pair.flight.is_empty() && sent == chunks {
            let visits = u32::try_from(pair.flight.visits.get()).unwrap();
            return f64::from(visits) / f64::from(u32::try_from(chunks).unwrap());
        }
    }
}

/// The work per chunk does not grow with what is in flight. With little in
/// flight it is less still, since most chunks never lie behind a gap.
#[test]
fn work_per_chunk_does_not_depend_on_the_flight() {
    let (least, few, many) = (visits(64), visits(1024), visits(4096));
    assert!(
        many < few * 1.1,
        "{few} with 1024 in flight, {many} with 4096"
    );
    assert!(least < 3.0 && many < 3.0, "{least} to {many} per chunk");
}

/// A descriptor stays small: thousands of them are in flight.
#[test]
fn a_descriptor_is_small() {
    assert!(size_of::<Sent>() <= 24);
}
