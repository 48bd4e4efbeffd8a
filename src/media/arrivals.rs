//! When did the packets of the transport come? What transport-wide feedback tells
//! (draft-holmer-rmcat-transport-wide-cc-extensions-01).

use alloc::collections::VecDeque;
use core::time::Duration;

use crate::cursor::Writer;
use crate::seq::Serial16;
use crate::time::Instant;
use crate::wire::rtcp::{Arrival, FeedbackBuilder};
use crate::wire::rtp::Ssrc;

/// Packets that came, as far as they have to be told.
///
/// What was told is kept for a while: a packet that comes late is told together
/// with those behind it, which are not lost because of it.
#[derive(Debug)]
pub(super) struct Arrivals {
    interval: Duration,
    /// In the order of their numbers.
    packets: VecDeque<Came>,
    /// The lowest number that was not told.
    untold: Option<u64>,
    /// When feedback is due, if something is untold.
    due: Option<Instant>,
    /// Of which source the last packet was.
    media: Ssrc,
    /// How many feedbacks were sent; wraps.
    count: u8,
}

/// A packet that came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Came {
    /// Wraps counted.
    number: u64,
    at: Instant,
}

impl Arrivals {
    pub(super) const fn new(interval: Duration) -> Self {
        Self {
            interval,
            packets: VecDeque::new(),
            untold: None,
            due: None,
            media: Ssrc(0),
            count: 0,
        }
    }

    /// A packet came. `false` if it came before.
    pub(super) fn on_packet(&mut self, now: Instant, number: Serial16, media: Ssrc) -> bool {
        let number = self.unwrap(number);
        self.forget(now, number);
        // Mostly it is the last one.
        let behind = self.packets.iter().rev();
        let later = behind.take_while(|came| came.number >= number).count();
        let place = self.packets.len() - later;
        if self
            .packets
            .get(place)
            .is_some_and(|came| came.number == number)
        {
            return false;
        }
        self.packets.insert(place, Came { number, at: now });
        if self.packets.len() > MAX_PACKETS {
            self.packets.pop_front();
        }
        self.media = media;
        let untold = self.untold.map_or(number, |untold| untold.min(number));
        self.untold = Some(untold);
        self.due.get_or_insert(now + self.interval);
        true
    }

    /// When feedback should be sent.
    pub(super) const fn due(&self) -> Option<Instant> {
        self.due
    }

    /// Asks for feedback at once, as a packet may (version 2 of the extension).
    pub(super) fn hurry(&mut self, now: Instant) {
        if self.untold.is_some() {
            self.due = Some(now);
        }
    }

    /// Writes feedback on what was not told, as much as there is room for. If some
    /// is left it is due at once.
    pub(super) fn write(&mut self, now: Instant, sender: Ssrc, out: &mut Writer<'_>) -> bool {
        let Some(start) = self.untold else {
            self.due = None;
            return false;
        };
        let from = self.packets.partition_point(|came| came.number < start);
        let Some(first) = self.packets.get(from) else {
            (self.untold, self.due) = (None, None);
            return false;
        };
        let ticks = |at: Instant| i64::try_from(at.as_nanos() / TICK).unwrap_or(i64::MAX);
        let mut builder = FeedbackBuilder::new(low(first.number), ticks(first.at));
        let mut next = None;
        for came in self.packets.range(from..) {
            let arrival = Arrival {
                sequence: low(came.number),
                time: ticks(came.at),
            };
            // Four bytes more are what one packet can take, and its gap.
            let is_full = builder.len() + 8 > out.remaining();
            if is_full || came.number - first.number > MAX_SPAN || !builder.push(arrival) {
                next = Some(came.number);
                break;
            }
        }
        if builder.is_empty() {
            return false;
        }
        let feedback = builder.finish(sender, self.media, self.count);
        feedback.emit(out);
        self.count = self.count.wrapping_add(1);
        self.untold = next;
        self.due = next.map(|_| now);
        true
    }

    /// How much room feedback on one packet takes at least.
    pub(super) const MIN_LEN: usize = 40;

    /// The number with its wraps that is nearest to the highest one.
    fn unwrap(&self, number: Serial16) -> u64 {
        // One wrap ahead, so that nothing is before the start.
        let Some(last) = self.packets.back() else {
            return u64::from(number.0) + (1 << 16);
        };
        let ahead = number.distance_from(low(last.number));
        if ahead < 1 << 15 {
            last.number + u64::from(ahead)
        } else {
            last.number.saturating_sub(u64::from(ahead.wrapping_neg()))
        }
    }

    /// Lets go of what was told long ago, and of all if the numbers began anew.
    fn forget(&mut self, now: Instant, number: u64) {
        let is_far = |came: &Came| number.abs_diff(came.number) > MAX_SPAN;
        if self.packets.back().is_some_and(is_far) {
            self.packets.clear();
            self.untold = None;
        }
        let untold = self.untold.unwrap_or(u64::MAX);
        while let Some(first) = self.packets.front() {
            let is_recent = now - first.at < MEMORY;
            if self.packets.len() == 1 || is_recent || first.number >= untold {
                break;
            }
            self.packets.pop_front();
        }
    }
}

/// The number as packets carry it.
fn low(number: u64) -> Serial16 {
    let [.., high, low] = number.to_be_bytes();
    Serial16(u16::from_be_bytes([high, low]))
}

/// How many packets are kept at most; of more the first are not told.
const MAX_PACKETS: usize = 2048;
/// How far apart the numbers of one feedback, and of what is kept, may be.
const MAX_SPAN: u64 = 8192;
/// How long what was told is kept.
const MEMORY: Duration = Duration::from_millis(500);
/// The unit of arrival times in nanoseconds.
const TICK: u64 = 250_000;

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;
    use crate::cursor::Reader;
    use crate::wire::rtcp::TransportFeedback;

    /// What a feedback of at most `room` bytes tells: numbers, and milliseconds.
    fn told(arrivals: &mut Arrivals, now: u64, room: usize) -> Vec<(u16, i64)> {
        let mut buf = Vec::new();
        let mut w = Writer::new(&mut buf, room);
        if !arrivals.write(Instant::from_millis(now), Ssrc(1), &mut w) {
            return Vec::new();
        }
        assert!(!w.is_overflowed());
        let feedback = TransportFeedback::parse(&mut Reader::new(&buf)).expect("feedback");
        let arrivals = feedback.arrivals();
        arrivals
            .map(|came| (came.sequence.0, came.time / 4))
            .collect()
    }

    fn arrivals(numbers: &[u16]) -> Arrivals {
        let mut arrivals = Arrivals::new(Duration::from_millis(100));
        for (index, &number) in numbers.iter().enumerate() {
            let at = Instant::from_millis(10 * (index as u64 + 1));
            arrivals.on_packet(at, Serial16(number), Ssrc(2));
        }
        arrivals
    }

    #[test]
    fn what_came_is_told_once_across_the_wrap() {
        let mut arrivals = arrivals(&[0xfffe, 0xffff, 1, 2, 0]);
        assert_eq!(arrivals.due(), Some(Instant::from_millis(110)));
        let expected = [(0xfffe, 10), (0xffff, 20), (0, 50), (1, 30), (2, 40)];
        assert_eq!(told(&mut arrivals, 110, 1000), expected);
        assert_eq!(arrivals.due(), None);
        assert!(told(&mut arrivals, 210, 1000).is_empty());
    }

    #[test]
    fn a_late_packet_is_told_with_those_behind_it() {
        let mut arrivals = arrivals(&[1, 2, 4]);
        assert_eq!(told(&mut arrivals, 100, 1000).len(), 3);
        arrivals.on_packet(Instant::from_millis(150), Serial16(3), Ssrc(2));
        arrivals.on_packet(Instant::from_millis(160), Serial16(5), Ssrc(2));
        assert_eq!(
            told(&mut arrivals, 250, 1000),
            [(3, 150), (4, 30), (5, 160)]
        );
    }

    #[test]
    fn twice_is_told_once() {
        let mut arrivals = arrivals(&[7, 7, 8]);
        assert!(!arrivals.on_packet(Instant::from_millis(50), Serial16(8), Ssrc(2)));
        assert_eq!(told(&mut arrivals, 100, 1000), [(7, 10), (8, 30)]);
    }

    #[test]
    fn what_has_no_room_follows() {
        let numbers: Vec<u16> = (0..300).map(|n| n * 2).collect();
        let mut arrivals = arrivals(&numbers);
        let mut all = Vec::new();
        while arrivals.due().is_some() {
            let part = told(&mut arrivals, 5000, 120);
            assert!(!part.is_empty());
            all.extend(part.iter().map(|(number, _)| *number));
        }
        assert_eq!(all, numbers);
    }

    #[test]
    fn atk_070_numbers_that_jump_are_bounded() {
        let mut arrivals = Arrivals::new(Duration::from_millis(100));
        for n in 0..20_000_u64 {
            let number = Serial16(low(n * 7919).0);
            arrivals.on_packet(Instant::from_millis(n), number, Ssrc(2));
        }
        assert!(arrivals.packets.len() <= MAX_PACKETS);
    }
}
