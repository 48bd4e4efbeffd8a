//! What came of a source, and how well (RFC 3550 appendix A)?

use core::time::Duration;

use crate::seq::{Serial16, Serial32};
use crate::time::Instant;
use crate::wire::rtcp::ReportBlock;
use crate::wire::rtp::{SequenceNumber, Ssrc, Timestamp};

/// Counts the packets of one source.
///
/// A source is valid after two packets in a row (A.1). A number that jumps far
/// is believed when the one behind it comes: then the source began anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reception {
    /// The highest number, its wraps above it.
    highest: u64,
    /// The number that counting began with.
    first: u64,
    received: u64,
    /// The number that would confirm a jump.
    after_jump: Option<SequenceNumber>,
    /// How many packets in a row are still wanted before the source is valid.
    probation: u8,
    /// Expected and received when the last report was made.
    reported: (u64, u64),
    jitter: Jitter,
}

/// What to make of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is the packet with this number, wraps counted.
    Valid(u64),
    /// The source began anew with it: what is kept of it before is void.
    Restarted(u64),
    /// The source has still to show that it is one.
    Probation,
    /// Its number is far from all others; if it is right, the next will say so.
    Jump,
}

impl Reception {
    /// A source whose first packet has this number, and was counted by
    /// [`on_packet`](Self::on_packet) not yet.
    #[must_use]
    pub fn new(first: SequenceNumber) -> Self {
        Self {
            highest: 0,
            first: 0,
            received: 0,
            after_jump: None,
            probation: MIN_SEQUENTIAL,
            reported: (0, 0),
            jitter: Jitter::default(),
        }
        .aligned(first)
    }

    /// A source that needs no probation, because its packets prove whose they
    /// are: they came through SRTP.
    #[must_use]
    pub fn trusted(first: SequenceNumber) -> Self {
        Self {
            probation: 0,
            ..Self::new(first)
        }
    }

    /// The packet nearest to the highest one that has this number on the wire,
    /// wraps counted.
    #[must_use]
    pub fn nearest(&self, number: SequenceNumber) -> u64 {
        let [.., high, low] = self.highest.to_be_bytes();
        let ahead = number.distance_from(Serial16(u16::from_be_bytes([high, low])));
        let ahead = i64::from(ahead.cast_signed());
        self.highest.saturating_add_signed(ahead)
    }

    /// Counts a packet that is far behind, but was asked for.
    pub const fn on_late(&mut self) {
        self.received += 1;
    }

    /// The highest number, wraps counted.
    #[must_use]
    pub const fn highest(&self) -> u64 {
        self.highest
    }

    /// Counts a packet (A.1).
    pub fn on_packet(&mut self, number: SequenceNumber) -> Verdict {
        let [.., high, low] = self.highest.to_be_bytes();
        let last = Serial16(u16::from_be_bytes([high, low]));
        let ahead = number.distance_from(last);
        if self.probation > 0 {
            if ahead == 1 {
                self.probation -= 1;
                self.highest += 1;
                if self.probation == 0 {
                    // Those of the probation count.
                    self.received = u64::from(MIN_SEQUENTIAL);
                    return Verdict::Valid(self.highest);
                }
            } else {
                self.probation = MIN_SEQUENTIAL - 1;
                *self = self.aligned(number);
                self.highest = self.first;
            }
            return Verdict::Probation;
        }
        if ahead < MAX_DROPOUT {
            self.highest += u64::from(ahead);
        } else if ahead <= MAX_MISORDER.wrapping_neg() {
            if self.after_jump != Some(number) {
                self.after_jump = Some(number.add(1));
                return Verdict::Jump;
            }
            *self = Self {
                probation: 0,
                received: 1,
                jitter: self.jitter,
                ..Self::new(number)
            };
            self.highest = self.first;
            return Verdict::Restarted(self.highest);
        }
        self.received += 1;
        self.after_jump = None;
        let behind = u64::from(last.distance_from(number));
        let is_ahead = ahead < MAX_DROPOUT;
        Verdict::Valid(if is_ahead {
            self.highest
        } else {
            self.highest.saturating_sub(behind)
        })
    }

    /// Notes when a packet came, for the jitter.
    pub fn on_arrival(&mut self, now: Instant, timestamp: Timestamp, clock_rate: u32) {
        self.jitter.on_arrival(now, timestamp, clock_rate);
    }

    /// How many packets were sent, as far as the numbers tell (A.3).
    #[must_use]
    pub const fn expected(&self) -> u64 {
        (self.highest + 1).saturating_sub(self.first)
    }

    /// How many came, duplicates and all.
    #[must_use]
    pub const fn received(&self) -> u64 {
        self.received
    }

    /// How many are missing; below zero if more came twice than were lost.
    #[must_use]
    pub fn lost(&self) -> i64 {
        i64::try_from(self.expected()).unwrap_or(i64::MAX)
            - i64::try_from(self.received).unwrap_or(i64::MAX)
    }

    /// The jitter in ticks (A.8).
    #[must_use]
    pub const fn jitter(&self) -> u32 {
        self.jitter.ticks()
    }

    /// The report on the source, and the start of the next one (A.3). The last
    /// sender report is for the caller to fill in.
    pub fn report(&mut self, ssrc: Ssrc) -> ReportBlock {
        let (expected, received) = (self.expected(), self.received);
        let (expected_before, received_before) = self.reported;
        self.reported = (expected, received);
        let expected_since = expected.saturating_sub(expected_before);
        let lost_since = expected_since.saturating_sub(received.saturating_sub(received_before));
        let fraction = (lost_since << 8).checked_div(expected_since).unwrap_or(0);
        let limit = (1 << 23) - 1;
        let lost = self.lost().clamp(-limit - 1, limit);
        let [_, _, _, _, a, b, c, d] = (self.highest.saturating_sub(WRAP)).to_be_bytes();
        ReportBlock {
            ssrc,
            fraction_lost: u8::try_from(fraction).unwrap_or(u8::MAX),
            cumulative_lost: i32::try_from(lost).unwrap_or(0),
            highest_sequence: u32::from_be_bytes([a, b, c, d]),
            jitter: self.jitter(),
            ..ReportBlock::default()
        }
    }

    /// Counts from `number` on.
    fn aligned(mut self, number: SequenceNumber) -> Self {
        self.first = u64::from(number.0) + WRAP;
        self.highest = self.first - 1;
        self
    }
}

/// How much the spacing of packets varies (RFC 3550 §6.4.1, A.8).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
struct Jitter {
    /// How far the last packet's arrival was from its timestamp, in ticks.
    transit: Option<Serial32>,
    /// Sixteen times the jitter.
    sixteenfold: u32,
}

impl Jitter {
    fn on_arrival(&mut self, now: Instant, timestamp: Timestamp, clock_rate: u32) {
        const SECOND: u64 = 1_000_000_000;
        let (seconds, rest) = (now.as_nanos() / SECOND, now.as_nanos() % SECOND);
        let rate = u64::from(clock_rate);
        let ticks = seconds
            .wrapping_mul(rate)
            .wrapping_add(rest * rate / SECOND);
        let [.., a, b, c, d] = ticks.to_be_bytes();
        let arrival = Serial32(u32::from_be_bytes([a, b, c, d]));
        let transit = Serial32(arrival.distance_from(timestamp));
        if let Some(before) = self.transit.replace(transit) {
            let ahead = transit.distance_from(before);
            let difference = ahead.min(ahead.wrapping_neg());
            // J += (|D| - J) / 16, in sixteenths.
            let decay = self.sixteenfold.saturating_add(8) >> 4;
            self.sixteenfold = self.sixteenfold.saturating_add(difference) - decay;
        }
    }

    const fn ticks(&self) -> u32 {
        self.sixteenfold >> 4
    }
}

/// How long a packet and the answer to it were under way (RFC 3550 §6.4.1):
/// all in the middle 32 bits of NTP time.
///
/// `None` if the report answers none of ours, or says more than the time that passed.
#[must_use]
pub fn round_trip(now: u32, report: &ReportBlock) -> Option<Duration> {
    if report.last_sender_report == 0 {
        return None;
    }
    let passed = now.wrapping_sub(report.last_sender_report);
    // More than half the circle is the future.
    let units = passed
        .checked_sub(report.delay)
        .filter(|units| *units < 1 << 31)?;
    Some(Duration::from_nanos(
        (u64::from(units) * 1_000_000_000) >> 16,
    ))
}

/// RFC 3550 A.1.
const MIN_SEQUENTIAL: u8 = 2;
/// RFC 3550 A.1: a jump by more is a restart.
const MAX_DROPOUT: u16 = 3000;
/// RFC 3550 A.1: what is further behind is a restart, too.
const MAX_MISORDER: u16 = 100;
/// One wrap ahead, so that nothing is before the start.
const WRAP: u64 = 1 << 16;

#[cfg(test)]
mod tests {
    use super::*;

    fn started(first: u16) -> Reception {
        let mut reception = Reception::new(Serial16(first));
        assert_eq!(reception.on_packet(Serial16(first)), Verdict::Probation);
        let second = reception.on_packet(Serial16(first.wrapping_add(1)));
        assert!(matches!(second, Verdict::Valid(_)));
        reception
    }

    #[test]
    fn a_source_is_valid_after_two_in_a_row() {
        let mut reception = Reception::new(Serial16(7));
        for number in [7, 9, 11, 100] {
            assert_eq!(
                reception.on_packet(Serial16(number)),
                Verdict::Probation,
                "{number}"
            );
        }
        assert!(matches!(
            reception.on_packet(Serial16(101)),
            Verdict::Valid(_)
        ));
        assert_eq!(
            (reception.expected(), reception.received(), reception.lost()),
            (2, 2, 0)
        );
    }

    #[test]
    fn loss_is_counted_across_the_wrap() {
        let mut reception = started(0xfffe);
        for number in [1, 0, 2, 4, 4] {
            assert!(matches!(
                reception.on_packet(Serial16(number)),
                Verdict::Valid(_)
            ));
        }
        // 65534, 65535, 0, 1, 2, 4 and 4 again: 3 is missing.
        assert_eq!(
            (reception.expected(), reception.received(), reception.lost()),
            (7, 7, 0)
        );
        let report = reception.report(Ssrc(1));
        assert_eq!((report.fraction_lost, report.cumulative_lost), (0, 0));
        assert_eq!(report.highest_sequence, 0x1_0004);
        assert!(matches!(
            reception.on_packet(Serial16(8)),
            Verdict::Valid(_)
        ));
        let report = reception.report(Ssrc(1));
        assert_eq!((report.fraction_lost, report.cumulative_lost), (192, 3));
        assert_eq!(reception.report(Ssrc(1)).fraction_lost, 0);
    }

    #[test]
    fn rtp_019_a_jump_is_believed_when_the_next_one_comes() {
        let mut reception = started(10);
        assert_eq!(reception.on_packet(Serial16(5000)), Verdict::Jump);
        assert!(matches!(
            reception.on_packet(Serial16(12)),
            Verdict::Valid(_)
        ));
        assert_eq!(reception.on_packet(Serial16(5001)), Verdict::Jump);
        assert!(matches!(
            reception.on_packet(Serial16(5002)),
            Verdict::Restarted(_)
        ));
        assert!(matches!(
            reception.on_packet(Serial16(5003)),
            Verdict::Valid(_)
        ));
        assert_eq!(reception.lost(), 0);
        // A little late is only late.
        assert!(matches!(
            reception.on_packet(Serial16(4950)),
            Verdict::Valid(_)
        ));
        assert_eq!(reception.on_packet(Serial16(4000)), Verdict::Jump);
    }

    #[test]
    fn jitter_is_what_rfc_3550_says() {
        let mut reception = started(1);
        // Packets of 20 ms at 8 kHz, every second one 10 ms late: 80 ticks off each time.
        for n in 0..400_u32 {
            let late = u64::from(n % 2) * 10;
            let now = Instant::from_millis(u64::from(n) * 20 + late);
            reception.on_arrival(now, Serial32(n.wrapping_mul(160).wrapping_sub(1000)), 8000);
        }
        assert!(
            (75..=80).contains(&reception.jitter()),
            "{}",
            reception.jitter()
        );
    }

    #[test]
    fn a_round_trip_is_what_is_left_of_the_time() {
        let report = |last_sender_report, delay| ReportBlock {
            last_sender_report,
            delay,
            ..ReportBlock::default()
        };
        // The figure of RFC 3550 §6.4.1.
        let trip = round_trip(0xb710_8000, &report(0xb705_2000, 0x0005_4000));
        assert_eq!(trip, Some(Duration::from_millis(6125)));
        assert_eq!(round_trip(5, &report(0, 0)), None);
        assert_eq!(round_trip(0x1_0000, &report(0x8000, 0x9000)), None);
        assert_eq!(round_trip(0x8000, &report(0x1_0000, 0)), None);
        assert_eq!(
            round_trip(0x8000, &report(0xffff_8000, 0)),
            Some(Duration::from_secs(1))
        );
    }
}
