//! Which number and timestamp does a packet get, whatever its source?

use core::time::Duration;

use super::OutPacket;
use crate::rng::Rng;
use crate::seq::{Serial16, Serial32};
use crate::time::Instant;
use crate::wire::rtp::{SequenceNumber, Ssrc, Timestamp};

/// Makes one stream of numbers and timestamps of one source after the other.
///
/// Numbers are counted without wraps.
#[derive(Clone, Copy, Debug)]
pub(super) struct Continuity {
    /// The number of the first packet.
    start: u64,
    /// The number behind the highest one that was given.
    next: u64,
    source: Option<Source>,
    /// What is added to the source's timestamps.
    offset: u32,
    /// The newest timestamp.
    anchor: Option<Anchor>,
}

/// Which moment has which timestamp?
#[derive(Clone, Copy, Debug)]
struct Anchor {
    at: Instant,
    timestamp: Timestamp,
}

/// Whose packets are numbered?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source {
    /// The application's frames, which have no numbers.
    Frames,
    /// A source elsewhere.
    Packets {
        ssrc: Ssrc,
        /// The number that its first packet got here.
        start: u64,
        /// Its newest number, there and here.
        newest: (SequenceNumber, u64),
    },
}

impl Continuity {
    pub(super) fn new(rng: &mut Rng) -> Self {
        // Below 2¹⁵, so that a receiver that misses the first packets still counts
        // the wraps right (RFC 3711 §3.3.1). One wrap ahead, so that nothing is before the start.
        let start = WRAP + u64::from(rng.u32() & 0x7fff);
        Self {
            start,
            next: start,
            source: None,
            offset: rng.u32(),
            anchor: None,
        }
    }

    /// The number of the first packet of all.
    pub(super) const fn start(&self) -> u64 {
        self.start
    }

    /// The number that the next packet gets.
    pub(super) const fn next(&self) -> u64 {
        self.next
    }

    /// The timestamp of a frame.
    pub(super) fn frame(&mut self, now: Instant, timestamp: u32, clock_rate: u32) -> Timestamp {
        if self.source.is_some_and(|source| source != Source::Frames) {
            self.align(now, Serial32(timestamp), clock_rate);
        }
        self.source = Some(Source::Frames);
        self.stamp(now, Serial32(timestamp))
    }

    /// The number of the next packet of a frame.
    pub(super) const fn frame_packet(&mut self) -> u64 {
        let number = self.next;
        self.next += 1;
        number
    }

    /// Takes back all numbers from `number` on.
    pub(super) const fn rewind(&mut self, number: u64) {
        self.next = number;
    }

    /// The number and the timestamp of a packet; `None` if it is from before the
    /// switch to its source.
    pub(super) fn packet(
        &mut self,
        now: Instant,
        packet: &OutPacket<'_>,
        clock_rate: u32,
    ) -> Option<(u64, Timestamp)> {
        let OutPacket {
            source: from,
            number,
            timestamp,
            ..
        } = *packet;
        if let Some(Source::Packets {
            ssrc,
            start,
            newest,
        }) = &mut self.source
            && *ssrc == from
        {
            let ahead = number.distance_from(newest.0);
            if ahead < MAX_DROPOUT {
                *newest = (number, newest.1 + u64::from(ahead));
                self.next = self.next.max(newest.1 + 1);
                let number = newest.1;
                return Some((number, self.stamp(now, timestamp)));
            }
            let behind = ahead.wrapping_neg();
            if behind < MAX_DROPOUT {
                let number = newest.1.saturating_sub(u64::from(behind));
                return (number >= *start).then(|| (number, timestamp.add(self.offset)));
            }
            // RFC 3550 A.1: so far a jump is a source that began anew.
        }
        if self.source.is_some() {
            self.align(now, timestamp, clock_rate);
        }
        let start = self.frame_packet();
        self.source = Some(Source::Packets {
            ssrc: from,
            start,
            newest: (number, start),
        });
        Some((start, self.stamp(now, timestamp)))
    }

    /// The timestamp of this moment.
    pub(super) fn timestamp_at(&self, now: Instant, clock_rate: u32) -> Option<Timestamp> {
        let Anchor { at, timestamp } = self.anchor?;
        Some(timestamp.add(ticks(now.since(at), clock_rate)))
    }

    /// From now on the source's `timestamp` is this moment, behind all that were given.
    fn align(&mut self, now: Instant, timestamp: Timestamp, clock_rate: u32) {
        if let Some(anchor) = self.anchor {
            let passed = ticks(now.since(anchor.at), clock_rate).max(1);
            self.offset = anchor.timestamp.add(passed).distance_from(timestamp);
        }
    }

    fn stamp(&mut self, now: Instant, timestamp: Timestamp) -> Timestamp {
        let timestamp = timestamp.add(self.offset);
        // After a long pause the timestamps are half a circle apart, and have no order.
        let is_newer = |anchor: Anchor| {
            timestamp.is_after(anchor.timestamp) || now.since(anchor.at) > ANCHORED
        };
        if self.anchor.is_none_or(is_newer) {
            self.anchor = Some(Anchor { at: now, timestamp });
        }
        timestamp
    }
}

/// The number on the wire.
pub(super) const fn wire(number: u64) -> SequenceNumber {
    Serial16((number & 0xffff) as u16)
}

/// How many ticks of a clock a time has; wraps, as timestamps do.
fn ticks(time: Duration, clock_rate: u32) -> u32 {
    let rate = u64::from(clock_rate);
    let rest = u64::from(time.subsec_nanos()) * rate / 1_000_000_000;
    (time.as_secs().wrapping_mul(rate).wrapping_add(rest) & 0xffff_ffff) as u32
}

/// How long a timestamp stays the newest, if those that follow are below it.
const ANCHORED: Duration = Duration::from_secs(1);
const WRAP: u64 = 1 << 16;
/// RFC 3550 A.1.
const MAX_DROPOUT: u16 = 3000;
