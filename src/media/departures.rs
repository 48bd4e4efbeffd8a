//! What became of the packets that we sent? What transport-wide feedback says.

use alloc::collections::VecDeque;
use core::time::Duration;

use crate::seq::Serial16;
use crate::time::Instant;
use crate::wire::rtcp::{Arrival, TransportFeedback};

/// What became of a packet that we sent: what congestion control is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PacketResult {
    /// The transport's number of it.
    pub sequence: Serial16,
    /// How long it was, without what lies around RTP.
    pub size: u16,
    /// When it was sent.
    pub sent: Instant,
    /// When it came, by the peer's clock from an epoch of its own; `None` if it did
    /// not come, or not yet.
    pub arrived: Option<Duration>,
}

/// Packets that were sent, as far as feedback may still speak of them.
#[derive(Debug, Default)]
pub(super) struct Departures {
    /// The number of the first one.
    first: Serial16,
    packets: VecDeque<Departure>,
    /// When those that are too old are looked for next.
    sweep: Instant,
    /// The reference time of the last feedback, with its wraps.
    reference: Option<i64>,
    results: VecDeque<PacketResult>,
    /// How many results are kept.
    max_results: usize,
    pub(super) summary: FeedbackSummary,
}

/// What feedback said of the packets that were sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct FeedbackSummary {
    /// How many feedbacks came.
    pub feedbacks: u64,
    /// How many packets came, as they said.
    pub received: u64,
    /// How many did not; one that came after all is taken off.
    pub lost: u64,
    /// How many results nobody took in time.
    pub dropped_results: u64,
}

/// A packet that was sent.
#[derive(Clone, Copy, Debug)]
struct Departure {
    sent: Instant,
    size: u16,
    fate: Fate,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Unknown,
    Lost,
    Came,
}

impl Departures {
    pub(super) fn new(max_results: usize) -> Self {
        Self {
            max_results,
            ..Self::default()
        }
    }

    /// The packet with this number was sent.
    pub(super) fn on_sent(&mut self, now: Instant, sequence: Serial16, size: usize) {
        let next = self.first.add(self.len());
        if next != sequence {
            self.packets.clear();
            self.first = sequence;
        }
        if self.packets.len() >= MAX_DEPARTURES || now >= self.sweep {
            self.forget(now);
        }
        self.packets.push_back(Departure {
            sent: now,
            size: u16::try_from(size).unwrap_or(u16::MAX),
            fate: Fate::Unknown,
        });
    }

    /// Forgets those that are too old, and makes room for one more. The oldest have been
    /// in no cache for long: they are looked at together, not at each packet.
    fn forget(&mut self, now: Instant) {
        self.sweep = now + SWEEP_INTERVAL;
        let is_old = |packet: &Departure| packet.sent + MEMORY < now;
        while self.packets.len() >= MAX_DEPARTURES || self.packets.front().is_some_and(is_old) {
            self.packets.pop_front();
            self.first = self.first.add(1);
        }
    }

    /// The peer says what came. Of packets that were never sent, or long ago, it may
    /// say what it likes.
    pub(super) fn on_feedback(&mut self, feedback: &TransportFeedback<'_>) {
        self.summary.feedbacks += 1;
        let offset = self.offset(feedback.reference_time);
        let mut next = feedback.base;
        for arrival in feedback.arrivals() {
            self.lose(next, arrival.sequence);
            let ticks = arrival.time.saturating_add(offset);
            let micros = u64::try_from(ticks)
                .unwrap_or(0)
                .saturating_mul(TICK_MICROS);
            self.settle(arrival.sequence, Some(Duration::from_micros(micros)));
            next = arrival.sequence.add(1);
        }
        self.lose(next, feedback.base.add(feedback.count));
    }

    /// The next result.
    pub(super) fn poll(&mut self) -> Option<PacketResult> {
        self.results.pop_front()
    }

    /// How many packets are remembered.
    fn len(&self) -> u16 {
        u16::try_from(self.packets.len()).unwrap_or(u16::MAX)
    }

    /// The packets from `from` up to and without `to` did not come: as many of them as
    /// are remembered are looked at, whatever is said.
    fn lose(&mut self, from: Serial16, to: Serial16) {
        let count = to.distance_from(from);
        let skipped = if self.first.is_after(from) {
            self.first.distance_from(from).min(count)
        } else {
            0
        };
        for index in (skipped..count).take(self.packets.len()) {
            self.settle(from.add(index), None);
        }
    }

    fn settle(&mut self, sequence: Serial16, arrived: Option<Duration>) {
        let place = usize::from(sequence.distance_from(self.first));
        let Some(packet) = self.packets.get_mut(place) else {
            return;
        };
        match (packet.fate, arrived) {
            (Fate::Unknown, None) => {
                packet.fate = Fate::Lost;
                self.summary.lost += 1;
            }
            (Fate::Unknown | Fate::Lost, Some(_)) => {
                self.summary.lost -= u64::from(packet.fate == Fate::Lost);
                packet.fate = Fate::Came;
                self.summary.received += 1;
            }
            // Said before: feedback overlaps.
            (Fate::Lost, None) | (Fate::Came, _) => return,
        }
        let result = PacketResult {
            sequence,
            size: packet.size,
            sent: packet.sent,
            arrived,
        };
        if self.max_results == 0 {
            return;
        }
        if self.results.len() >= self.max_results {
            self.results.pop_front();
            self.summary.dropped_results += 1;
        }
        self.results.push_back(result);
    }

    /// What to add to the times of a feedback, so that they count on when the
    /// reference time wraps: in ticks.
    fn offset(&mut self, reference: i32) -> i64 {
        let reference = i64::from(reference);
        // Begun one wrap ahead, so that no time is before the epoch.
        let first = reference.rem_euclid(WRAP) + WRAP;
        let last = self.reference.unwrap_or(first);
        let ahead = (reference - last).rem_euclid(WRAP);
        let ahead = if ahead >= WRAP / 2 {
            ahead - WRAP
        } else {
            ahead
        };
        let full = last.saturating_add(ahead);
        self.reference = Some(full.max(last));
        (full - reference).saturating_mul(Arrival::REFERENCE)
    }
}

/// How many packets are remembered; feedback on older ones says nothing.
const MAX_DEPARTURES: usize = 4096;
/// How long they are: feedback that takes longer is of no use to anybody.
const MEMORY: Duration = Duration::from_secs(2);
/// How much longer one may be.
const SWEEP_INTERVAL: Duration = Duration::from_millis(500);
/// How many values a reference time has.
const WRAP: i64 = 1 << 24;
const TICK_MICROS: u64 = 250;

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;
    use crate::wire::rtcp::FeedbackBuilder;
    use crate::wire::rtp::Ssrc;

    fn feed(departures: &mut Departures, base: u16, came: &[(u16, i64)]) {
        let mut builder = FeedbackBuilder::new(Serial16(base), came[0].1);
        for &(sequence, time) in came {
            assert!(builder.push(Arrival {
                sequence: Serial16(sequence),
                time,
            }));
        }
        departures.on_feedback(&builder.finish(Ssrc(1), Ssrc(2), 0));
    }

    fn sent(first: u16, count: u16) -> Departures {
        let mut departures = Departures::new(64);
        for index in 0..count {
            let at = Instant::from_millis(index.into());
            departures.on_sent(at, Serial16(first.wrapping_add(index)), 100);
        }
        departures
    }

    fn results(departures: &mut Departures) -> Vec<(u16, Option<u128>)> {
        core::iter::from_fn(|| departures.poll())
            .map(|result| (result.sequence.0, result.arrived.map(|at| at.as_millis())))
            .collect()
    }

    #[test]
    fn what_came_and_what_did_not_is_told_across_the_wrap() {
        let mut departures = sent(0xfffe, 5);
        feed(&mut departures, 0xfffe, &[(0xfffe, 4000), (1, 4040)]);
        let base = u128::from(1_u32 << 24) * 64;
        assert_eq!(
            results(&mut departures),
            [
                (0xfffe, Some(base + 1000)),
                (0xffff, None),
                (0, None),
                (1, Some(base + 1010))
            ]
        );
        // A packet that was late came after all; the others were told before.
        feed(&mut departures, 0, &[(0, 4100), (1, 4040)]);
        assert_eq!(results(&mut departures), [(0, Some(base + 1025))]);
        assert_eq!(
            (departures.summary.received, departures.summary.lost),
            (3, 1)
        );
    }

    #[test]
    fn atk_070_feedback_on_what_was_never_sent_says_nothing() {
        let mut departures = sent(100, 10);
        feed(&mut departures, 110, &[(65_000, 4000)]);
        feed(&mut departures, 40_000, &[(40_000, 4000), (65_000, 4000)]);
        assert_eq!(results(&mut departures), []);
        // One that spans all numbers settles no more than was sent.
        feed(&mut departures, 101, &[(90, 4000)]);
        assert_eq!(results(&mut departures).len(), 9);
        assert_eq!(departures.summary.lost, 9);
    }

    #[test]
    fn what_is_remembered_is_bounded_in_number_and_in_time() {
        let mut departures = Departures::new(0);
        for index in 0..20_000_u16 {
            departures.on_sent(Instant::ZERO, Serial16(index), 100);
            assert!(departures.packets.len() <= MAX_DEPARTURES);
        }
        let mut departures = sent(0, 20_000);
        let kept = MEMORY + SWEEP_INTERVAL;
        assert!(u128::from(departures.len()) <= kept.as_millis() + 1);
        // After a pause nothing of before is left.
        departures.on_sent(Instant::from_millis(90_000), Serial16(20_000), 100);
        assert_eq!(departures.len(), 1);
    }

    #[test]
    fn times_go_on_when_the_reference_wraps() {
        let mut departures = sent(0, 10);
        let last = ((1 << 23) - 1) * Arrival::REFERENCE;
        feed(&mut departures, 0, &[(0, last)]);
        feed(&mut departures, 1, &[(1, last + 2 * Arrival::REFERENCE)]);
        let times: Vec<_> = results(&mut departures)
            .iter()
            .filter_map(|(_, at)| *at)
            .collect();
        assert_eq!(times[1] - times[0], 128);
    }

    #[test]
    fn results_that_nobody_takes_are_bounded() {
        let mut departures = sent(0, 200);
        for n in 0..200 {
            feed(&mut departures, n, &[(n, 4000)]);
        }
        assert_eq!(results(&mut departures).len(), 64);
        assert_eq!(departures.summary.dropped_results, 136);
    }
}
