//! Packets that wait for those before them.

use alloc::collections::VecDeque;

use bytes::Bytes;

use crate::rtp::format::Format;
use crate::time::Instant;
use crate::wire::rtp::extension::{AudioLevel, VideoOrientation};
use crate::wire::rtp::{PayloadType, Timestamp};

/// A packet as far as frames are concerned.
#[derive(Clone, Copy)]
pub(super) struct Part<P> {
    /// Its number, wraps counted.
    pub(super) number: u64,
    pub(super) timestamp: Timestamp,
    pub(super) marker: bool,
    pub(super) payload_type: PayloadType,
    /// Without a format it only fills its number.
    pub(super) format: Option<Format>,
    pub(super) payload: P,
    pub(super) arrived: Instant,
    pub(super) audio_level: Option<AudioLevel>,
    pub(super) orientation: Option<VideoOrientation>,
    /// Whether a key frame begins with it.
    pub(super) begins_key: bool,
}

impl<P> Part<P> {
    /// The same packet with another payload.
    pub(super) fn with<Q>(&self, payload: Q) -> Part<Q> {
        Part {
            payload,
            number: self.number,
            timestamp: self.timestamp,
            marker: self.marker,
            payload_type: self.payload_type,
            format: self.format,
            arrived: self.arrived,
            audio_level: self.audio_level,
            orientation: self.orientation,
            begins_key: self.begins_key,
        }
    }
}

/// The packets behind a gap, each at the place of its number.
pub(super) struct Waiting {
    /// The number that is needed next; no packet of a lower one waits.
    next: u64,
    /// The place of `next` and those behind it. The last is never empty.
    places: VecDeque<Option<Place>>,
    /// How many places are empty before the first packet.
    gap: usize,
    bytes: usize,
}

struct Place {
    part: Part<Bytes>,
    /// Since when it, or one behind it, waits.
    since: Instant,
}

impl Waiting {
    pub(super) const fn new() -> Self {
        Self {
            next: 0,
            places: VecDeque::new(),
            gap: 0,
            bytes: 0,
        }
    }

    /// The number that is needed next.
    pub(super) const fn next(&self) -> u64 {
        self.next
    }

    pub(super) fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// The bytes of all payloads.
    pub(super) const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Since when the first packet waits.
    pub(super) fn since(&self) -> Option<Instant> {
        let first = self.places.get(self.gap)?.as_ref()?;
        Some(first.since)
    }

    /// Keeps a packet behind `next`; how far is for the caller to bound.
    pub(super) fn insert(&mut self, part: Part<Bytes>) {
        let Ok(at) = usize::try_from(part.number - self.next) else {
            return;
        };
        if self.places.is_empty() {
            self.gap = at;
        }
        self.gap = self.gap.min(at);
        // A packet that was repeated waits no longer than those that it lets pass.
        let behind = self.places.iter().skip(at).flatten().next();
        let since = behind.map_or(part.arrived, |place| place.since.min(part.arrived));
        if self.places.len() <= at {
            self.places.resize_with(at + 1, || None);
        }
        self.bytes += part.payload.len();
        self.places[at] = Some(Place { part, since });
    }

    /// The packet that is needed next, if it is there; then the one behind it is.
    pub(super) fn pop_next(&mut self) -> Option<Part<Bytes>> {
        if self.gap > 0 || self.places.is_empty() {
            return None;
        }
        let place = self.places.pop_front()??;
        self.next += 1;
        self.bytes -= place.part.payload.len();
        let first = self.places.iter().position(Option::is_some);
        self.gap = first.unwrap_or(0);
        Some(place.part)
    }

    /// The packet that is needed next came and did not have to wait.
    pub(super) fn step(&mut self) {
        self.next += 1;
        if self.places.pop_front().is_some() {
            self.gap = self.gap.saturating_sub(1);
        }
    }

    /// Gives up what is missing before the first packet; how many that are.
    pub(super) fn skip_gap(&mut self) -> usize {
        let gap = core::mem::take(&mut self.gap);
        self.places.drain(..gap);
        self.next += gap as u64;
        gap
    }

    /// The number of the first packet with which a key frame begins.
    pub(super) fn first_key(&self) -> Option<u64> {
        let mut parts = self.places.iter().flatten().map(|place| &place.part);
        parts.find(|part| part.begins_key).map(|part| part.number)
    }

    /// Lets go of all packets before this one, which is needed next.
    pub(super) fn skip_to(&mut self, number: u64) {
        while self.next < number {
            let Some(place) = self.places.pop_front() else {
                self.next = number;
                break;
            };
            self.bytes -= place.map_or(0, |place| place.part.payload.len());
            self.next += 1;
        }
        let first = self.places.iter().position(Option::is_some);
        self.gap = first.unwrap_or(0);
    }

    /// Gives memory back that nothing waits in.
    pub(super) fn release(&mut self) {
        self.places.shrink_to_fit();
    }

    /// Lets go of all packets.
    pub(super) fn restart(&mut self, next: u64) {
        self.places.clear();
        self.bytes = 0;
        self.gap = 0;
        self.next = next;
    }
}
