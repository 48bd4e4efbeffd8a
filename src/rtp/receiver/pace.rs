//! How unevenly do packets come, and when should a frame leave?

use core::time::Duration;

use super::recent::Recent;
use crate::time::Instant;
use crate::wire::rtp::Timestamp;

/// How far the arrivals of the last seconds were from their timestamps.
///
/// The transit of a packet is when it came less when it was sampled: no time that
/// means anything, but two of them differ by what the network delayed one more
/// than the other. All in microseconds.
#[derive(Clone, Debug)]
pub(super) struct Pace {
    clock_rate: u32,
    last: Option<Last>,
    transits: Recent<Range>,
}

/// What the last packet said.
#[derive(Clone, Copy, Debug)]
struct Last {
    timestamp: Timestamp,
    /// The same in ticks without wraps.
    ticks: i64,
    transit: i64,
}

/// The shortest and the longest transit.
#[derive(Clone, Copy, Debug)]
struct Range {
    least: i64,
    most: i64,
}

impl Pace {
    pub(super) const fn new() -> Self {
        Self {
            clock_rate: 0,
            last: None,
            transits: Recent::new(),
        }
    }

    /// A packet came. One that was repeated says nothing of the network.
    pub(super) fn on_packet(&mut self, now: Instant, timestamp: Timestamp, clock_rate: u32) {
        if clock_rate != self.clock_rate {
            *self = Self::new();
            self.clock_rate = clock_rate;
        }
        let ticks = self.ticks(timestamp);
        let transit = micros(now).saturating_sub(self.micros_of(ticks));
        let far = |last: Last| transit.abs_diff(last.transit) > JUMP;
        if self.last.is_some_and(far) {
            // The timestamps began anew: what was known is about other ones.
            self.transits = Recent::new();
        }
        self.last = Some(Last {
            timestamp,
            ticks,
            transit,
        });
        let range = Range {
            least: transit,
            most: transit,
        };
        self.transits.note(now, range, Range::and);
    }

    /// How much longer than the fastest packet the slowest was under way.
    pub(super) fn spread(&self) -> Duration {
        let spread = self
            .range()
            .map_or(0, |range| range.most.saturating_sub(range.least));
        Duration::from_micros(u64::try_from(spread).unwrap_or(0))
    }

    /// When what was sampled at this time would have come over an even network.
    pub(super) fn even(&self, timestamp: Timestamp) -> Option<Instant> {
        let range = self.range()?;
        let even = range
            .least
            .saturating_add(self.micros_of(self.ticks(timestamp)));
        let nanos = u64::try_from(even).unwrap_or(0).saturating_mul(1000);
        Some(Instant::from_nanos(nanos))
    }

    /// Ticks without wraps: the nearest to the last ones.
    const fn ticks(&self, timestamp: Timestamp) -> i64 {
        match self.last {
            None => timestamp.0 as i64,
            Some(last) => {
                let ahead = timestamp.distance_from(last.timestamp).cast_signed();
                last.ticks.saturating_add(ahead as i64)
            }
        }
    }

    const fn micros_of(&self, ticks: i64) -> i64 {
        match self.clock_rate {
            0 => 0,
            rate => ticks.saturating_mul(1_000_000) / rate as i64,
        }
    }

    fn range(&self) -> Option<Range> {
        self.transits.merged(Range::and)
    }
}

impl Range {
    fn and(self, other: Self) -> Self {
        Self {
            least: self.least.min(other.least),
            most: self.most.max(other.most),
        }
    }
}

fn micros(now: Instant) -> i64 {
    i64::try_from(now.as_nanos() / 1000).unwrap_or(i64::MAX)
}

/// A transit that differs by more is none, in microseconds.
const JUMP: u64 = 10_000_000;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seq::Serial32;

    fn at(millis: u64) -> Instant {
        Instant::from_millis(millis)
    }

    /// Packets of 20 ms at 48 kHz from `start` on, each so many milliseconds late.
    fn play(pace: &mut Pace, start: u64, late: impl IntoIterator<Item = u64>) -> u64 {
        let mut sent = start;
        for late in late {
            let ticks = u32::try_from((sent * 48) & 0xffff_ffff).expect("32 bits");
            let timestamp = Serial32(ticks.wrapping_sub(500_000));
            pace.on_packet(at(sent + late), timestamp, 48_000);
            sent += 20;
        }
        sent
    }

    #[test]
    fn the_delay_grows_at_once_and_shrinks_after_seconds() {
        let mut pace = Pace::new();
        let sent = play(&mut pace, 1000, [0; 50]);
        assert_eq!(pace.spread(), Duration::ZERO);
        let sent = play(&mut pace, sent, [0, 60, 40, 20, 0]);
        assert_eq!(pace.spread(), Duration::from_millis(60));
        let sent = play(&mut pace, sent, [0; 100]);
        assert_eq!(pace.spread(), Duration::from_millis(60), "two seconds on");
        play(&mut pace, sent, [0; 120]);
        assert_eq!(pace.spread(), Duration::ZERO, "four and a half seconds on");
    }

    #[test]
    fn rtp_019_wraps_are_no_jumps_and_jumps_are_forgotten() {
        let mut pace = Pace::new();
        // The timestamps wrap at 500,000 ticks.
        let sent = play(&mut pace, 10_000, [5, 0, 5, 0, 5]);
        assert_eq!(pace.spread(), Duration::from_millis(5));
        let ticks = u32::try_from(sent * 48).expect("small");
        let even = pace.even(Serial32(ticks.wrapping_sub(500_000)));
        assert_eq!(even, Some(at(sent)));
        pace.on_packet(at(sent), Serial32(0x8000_0000), 48_000);
        assert_eq!(pace.spread(), Duration::ZERO);
        pace.on_packet(at(sent + 21), Serial32(0x8000_0000 + 960), 48_000);
        assert_eq!(pace.spread(), Duration::from_millis(1));
        // Nothing that a packet or a clock says makes it fail.
        for (now, timestamp, rate) in [
            (u64::MAX, 0, 1),
            (0, u32::MAX, 1),
            (u64::MAX, 1 << 31, u32::MAX),
            (0, 5, 0),
        ] {
            pace.on_packet(Instant::from_nanos(now), Serial32(timestamp), rate);
            assert!(pace.even(Serial32(9)).is_some());
        }
    }
}
