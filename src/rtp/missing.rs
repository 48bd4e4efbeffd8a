//! Which packets should be asked for again, and when (RFC 4585 §6.2.1)?

use alloc::vec::Vec;
use core::time::Duration;

use crate::seq::Serial16;
use crate::time::Instant;
use crate::wire::rtp::SequenceNumber;

/// How patiently is a packet asked for?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Config {
    /// How many packets can be missing at once. Of more the oldest are given up.
    pub max_missing: usize,
    /// How often a packet is asked for before it is given up.
    pub max_requests: u8,
    /// How long a packet may be late before it is asked for.
    pub reordering: Duration,
    /// How long an answer takes at least: what is shorter is not believed.
    pub min_round_trip: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            max_missing: 512,
            max_requests: 10,
            reordering: Duration::from_millis(10),
            min_round_trip: Duration::from_millis(20),
        }
    }
}

/// The packets of one source that did not come.
///
/// Numbers are counted without wraps, as
/// [`Verdict::Valid`](super::reception::Verdict) has them.
#[derive(Clone, Debug)]
pub struct Missing {
    config: Config,
    /// The highest number that came.
    highest: Option<u64>,
    /// In the order of their numbers.
    list: Vec<Gap>,
    given_up: u64,
}

/// A packet that did not come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap {
    /// Which.
    pub number: u64,
    /// When the first one behind it came.
    pub since: Instant,
    /// How often it was asked for.
    pub requests: u8,
    /// When it is to be asked for.
    due: Instant,
}

impl Missing {
    /// A source of which nothing came.
    #[must_use]
    pub const fn new(config: Config) -> Self {
        Self {
            config,
            highest: None,
            list: Vec::new(),
            given_up: 0,
        }
    }

    /// From now on a packet may be so late before it is asked for.
    pub const fn set_reordering(&mut self, reordering: Duration) {
        self.config.reordering = reordering;
    }

    /// A packet came: it is not missing any more, and those before it are if
    /// they did not come. The gap that it was, if it was one.
    pub fn on_packet(&mut self, now: Instant, number: u64) -> Option<Gap> {
        let highest = *self.highest.get_or_insert(number);
        if number <= highest {
            let place = self
                .list
                .binary_search_by_key(&number, |gap| gap.number)
                .ok()?;
            return Some(self.list.remove(place));
        }
        self.highest = Some(number);
        // Of a large gap only as many as are kept.
        let limit = self.config.max_missing as u64;
        let first = (highest + 1).max(number.saturating_sub(limit));
        self.given_up += first - (highest + 1);
        let due = now + self.config.reordering;
        self.list.extend((first..number).map(|number| Gap {
            number,
            since: now,
            requests: 0,
            due,
        }));
        let excess = self.list.len().saturating_sub(self.config.max_missing);
        self.list.drain(..excess);
        self.given_up += excess as u64;
        None
    }

    /// The packets that are to be asked for now; each is due again after
    /// `round_trip`, once more so, and then longer each time. What was asked for
    /// often enough is given up.
    pub fn requests(&mut self, now: Instant, round_trip: Duration) -> Vec<SequenceNumber> {
        let most = self.config.max_requests;
        let before = self.list.len();
        self.list.retain(|gap| gap.requests < most || gap.due > now);
        self.given_up += (before - self.list.len()) as u64;
        let wait = round_trip.max(self.config.min_round_trip);
        let due = self.list.iter_mut().filter(|gap| gap.due <= now);
        due.map(|gap| {
            gap.requests += 1;
            // What is asked for in time is mostly there in time; but a fixed pace would
            // keep asking a network that is full.
            gap.due = now + wait * u32::from(gap.requests.saturating_sub(1).clamp(1, 4));
            let [.., high, low] = gap.number.to_be_bytes();
            Serial16(u16::from_be_bytes([high, low]))
        })
        .collect()
    }

    /// When [`requests`](Self::requests) has something to say.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.list.iter().map(|gap| gap.due).min()
    }

    /// Whether a packet is missing and may still come.
    #[must_use]
    pub fn contains(&self, number: u64) -> bool {
        let found = self.list.binary_search_by_key(&number, |gap| gap.number);
        found.is_ok()
    }

    /// Nobody needs the packets before this one any more.
    pub fn forget_before(&mut self, number: u64) {
        let old = self.list.partition_point(|gap| gap.number < number);
        self.list.drain(..old);
    }

    /// Forgets all, because the source began anew.
    pub fn restart(&mut self) {
        self.list.clear();
        self.highest = None;
    }

    /// How many packets are missing and may still come.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether none is.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// How many packets were given up: when it grows, only a key frame helps.
    #[must_use]
    pub const fn given_up(&self) -> u64 {
        self.given_up
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;

    const RTT: Duration = Duration::from_millis(50);

    fn at(millis: u64) -> Instant {
        Instant::from_millis(millis)
    }

    #[test]
    fn rtp_010_what_is_late_is_not_asked_for_and_what_is_lost_once_in_a_round_trip() {
        let mut missing = Missing::new(Config::default());
        for number in [0x1_fffe, 0x2_0002, 0x2_0000] {
            missing.on_packet(at(0), number);
        }
        assert_eq!((missing.len(), missing.poll_timeout()), (2, Some(at(10))));
        assert_eq!(missing.requests(at(9), RTT), vec![]);
        // The numbers on the wire wrap.
        assert_eq!(
            missing.requests(at(10), RTT),
            [Serial16(0xffff), Serial16(1)]
        );
        assert_eq!(missing.requests(at(59), RTT), vec![]);
        missing.on_packet(at(59), 0x1_ffff);
        assert_eq!(missing.requests(at(60), RTT), [Serial16(1)]);
        // The third answer may take twice as long.
        assert_eq!(missing.poll_timeout(), Some(at(110)));
        assert_eq!(missing.requests(at(110), RTT), [Serial16(1)]);
        assert_eq!(missing.poll_timeout(), Some(at(210)));
        missing.on_packet(at(70), 0x2_0001);
        assert!(missing.is_empty() && missing.poll_timeout().is_none());
        // What came twice, or was never missing, changes nothing.
        missing.on_packet(at(70), 0x2_0001);
        missing.on_packet(at(70), 3);
        assert_eq!(missing.given_up(), 0);
    }

    #[test]
    fn rtp_010_the_list_and_the_requests_are_bounded() {
        let config = Config::default();
        let mut missing = Missing::new(config);
        missing.on_packet(at(0), 5);
        missing.on_packet(at(0), u64::from(u32::MAX));
        assert_eq!(missing.len(), config.max_missing);
        missing.on_packet(at(0), u64::from(u32::MAX) + 3);
        assert_eq!(missing.len(), config.max_missing);
        let given_up = u64::from(u32::MAX) - 6 + 2 - config.max_missing as u64;
        assert_eq!(missing.given_up(), given_up);
        let mut requests = 0;
        while let Some(due) = missing.poll_timeout() {
            requests += missing.requests(due, RTT).len();
        }
        assert_eq!(
            requests,
            config.max_missing * usize::from(config.max_requests)
        );
        assert_eq!(missing.given_up(), given_up + config.max_missing as u64);
        missing.restart();
        missing.on_packet(at(0), 1);
        assert!(missing.is_empty());
    }
}
