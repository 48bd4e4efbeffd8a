//! Which packets are a frame, and which frames may leave?

use alloc::collections::VecDeque;

use bytes::Bytes;

use super::config::ReceiverConfig;
use super::event::ReceivedFrame;
use super::slab::Slab;
use super::stats::FrameStats;
use super::waiting::{Part, Waiting};
use crate::rtp::format::{Depacketizer, Format};
use crate::time::Instant;
use crate::wire::rtp::extension::{AudioLevel, VideoOrientation};
use crate::wire::rtp::{PayloadType, Timestamp};

/// Puts packets in order and frames together.
///
/// A frame is whole when all numbers from its first packet to its last are there.
/// The last is marked, or a packet of another timestamp follows; the first
/// follows the end of another frame, or its format says that one begins with it.
pub(super) struct Frames {
    config: ReceiverConfig,
    /// Whether the source began.
    is_started: bool,
    waiting: Waiting,
    at: At,
    depacketizer: Option<(Format, Depacketizer)>,
    /// Whether something was lost since a frame was last given out.
    is_lost: bool,
    /// Whether none can be decoded but a key frame.
    needs_key: bool,
    /// Whether pictures were lost, and no key frame came since.
    asks_key: bool,
    /// Frames that are whole, in order.
    whole: VecDeque<(ReceivedFrame, Instant)>,
    pub(super) stats: FrameStats,
}

/// Where in the stream is the next packet?
enum At {
    /// Nobody knows: something before it did not come.
    Unknown,
    /// A frame ended right before it.
    Boundary,
    /// In a frame, or behind it if that is not marked.
    Frame(Building),
    /// In a frame that cannot be whole, or behind it.
    Skipped(Timestamp),
}

/// A frame whose packets come.
struct Building {
    timestamp: Timestamp,
    payload_type: PayloadType,
    packets: u32,
    first: Instant,
    last: Instant,
    marker: bool,
    audio_level: Option<AudioLevel>,
    orientation: Option<VideoOrientation>,
    /// Whether it seems to be a key frame.
    is_key: bool,
}

/// What became of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kept {
    /// It is of use.
    Yes,
    /// Those behind it left already.
    Late,
}

impl Frames {
    pub(super) fn new(config: ReceiverConfig) -> Self {
        Self {
            config,
            is_started: false,
            waiting: Waiting::new(),
            at: At::Unknown,
            depacketizer: None,
            is_lost: false,
            needs_key: !config.keeps_broken,
            asks_key: false,
            whole: VecDeque::new(),
            stats: FrameStats::default(),
        }
    }

    /// The source begins, or began anew: all that waits is void, `next` is its
    /// first packet.
    pub(super) fn restart(&mut self, next: u64) {
        if core::mem::replace(&mut self.is_started, true) {
            self.break_off();
        }
        self.waiting.restart(next);
    }

    /// Puts a packet where it belongs.
    pub(super) fn push(&mut self, part: &Part<&[u8]>, slab: &mut Slab) -> Kept {
        self.make_room(part);
        if part.number < self.waiting.next() {
            return Kept::Late;
        }
        if part.number == self.waiting.next() {
            self.add(part);
            self.waiting.step();
            self.add_waiting();
        } else {
            self.waiting.insert(part.with(slab.copy(part.payload)));
            if part.begins_key && self.waits_for_key() {
                self.skip_to(part.number);
            }
        }
        Kept::Yes
    }

    /// Gives up the packets that are missing before the first one that waits.
    pub(super) fn give_up(&mut self) {
        self.break_off();
        self.waiting.skip_gap();
        self.add_waiting();
        if self.waits_for_key()
            && let Some(key) = self.waiting.first_key()
        {
            self.skip_to(key);
        }
    }

    /// The number that is needed next.
    pub(super) const fn next(&self) -> u64 {
        self.waiting.next()
    }

    /// Since when packets wait for those before them.
    pub(super) fn waits_since(&self) -> Option<Instant> {
        self.waiting.since()
    }

    /// The next whole frame, and when its first packet came.
    pub(super) fn pop(&mut self) -> Option<(ReceivedFrame, Instant)> {
        self.whole.pop_front()
    }

    /// Whether a key frame has to be asked for.
    pub(super) const fn asks_key(&self) -> bool {
        self.asks_key
    }

    /// Gives memory back that nothing waits in.
    pub(super) fn release(&mut self) {
        self.waiting.release();
        self.whole.shrink_to_fit();
    }

    /// Whether nothing that is missing before a key frame helps any more: none is
    /// half there.
    const fn waits_for_key(&self) -> bool {
        let has_key = matches!(&self.at, At::Frame(frame) if frame.is_key);
        self.needs_key && !has_key
    }

    /// A frame got lost on its way to the application.
    pub(super) fn lose(&mut self) {
        self.is_lost = true;
        self.needs_key = !self.config.keeps_broken;
        // Each frame of sound is a key frame: there is nothing to ask for.
        let format = self.depacketizer.as_ref().map(|(format, _)| *format);
        self.asks_key |= format.is_some_and(|format| format != Format::Plain);
    }

    /// Of too many packets those wait no longer that are missing.
    fn make_room(&mut self, part: &Part<&[u8]>) {
        let (packets, bytes) = (self.config.packets as u64, self.config.bytes);
        // A packet that is needed next does not wait, and has room.
        while let Some(ahead @ 1..) = part.number.checked_sub(self.waiting.next()) {
            if ahead < packets && self.waiting.bytes() + part.payload.len() <= bytes {
                return;
            }
            if self.waiting.is_empty() {
                self.skip_to(part.number);
                return;
            }
            self.break_off();
            self.waiting.skip_gap();
            self.add_waiting();
        }
    }

    fn skip_to(&mut self, number: u64) {
        self.break_off();
        self.waiting.skip_to(number);
        self.add_waiting();
    }

    fn add_waiting(&mut self) {
        while let Some(part) = self.waiting.pop_next() {
            self.add(&part.with(&part.payload[..]));
        }
    }

    /// The next packet in the order of numbers.
    fn add(&mut self, part: &Part<&[u8]>) {
        let Some(format) = part.format.filter(|_| !part.payload.is_empty()) else {
            return;
        };
        match &self.at {
            At::Frame(frame) if !frame.has(part) => self.finish(),
            At::Skipped(timestamp) if *timestamp != part.timestamp => self.at = At::Boundary,
            _ => {}
        }
        match &mut self.at {
            At::Boundary => self.begin(format, part),
            At::Unknown if format.surely_starts_frame(part.payload) => self.begin(format, part),
            At::Unknown => {
                self.use_format(format);
                self.skip(part.timestamp);
                self.stats.incomplete += 1;
            }
            At::Frame(frame) => frame.add(part),
            At::Skipped(_) => {}
        }
        if let (At::Frame(_), Some((_, depacketizer))) = (&self.at, &mut self.depacketizer)
            && depacketizer.push(part.payload).is_err()
        {
            depacketizer.finish();
            self.skip(part.timestamp);
            self.stats.malformed += 1;
        }
        if part.marker || format == Format::Plain {
            match self.at {
                At::Frame(_) => self.finish(),
                _ => self.at = At::Boundary,
            }
        }
    }

    fn begin(&mut self, format: Format, part: &Part<&[u8]>) {
        self.use_format(format);
        let mut frame = Building {
            timestamp: part.timestamp,
            payload_type: part.payload_type,
            packets: 0,
            first: part.arrived,
            last: part.arrived,
            marker: false,
            audio_level: part.audio_level,
            orientation: None,
            is_key: part.begins_key,
        };
        frame.add(part);
        self.at = At::Frame(frame);
    }

    fn use_format(&mut self, format: Format) {
        if self
            .depacketizer
            .as_ref()
            .is_none_or(|(old, _)| *old != format)
        {
            let depacketizer = Depacketizer::new(format, self.config.limits);
            self.depacketizer = Some((format, depacketizer));
        }
    }

    /// The frame at this time will not be whole.
    fn skip(&mut self, timestamp: Timestamp) {
        self.at = At::Skipped(timestamp);
        self.lose();
    }

    /// Something before the next packet will not come.
    fn break_off(&mut self) {
        if let At::Frame(_) = core::mem::replace(&mut self.at, At::Unknown) {
            self.stats.incomplete += 1;
            if let Some((_, depacketizer)) = &mut self.depacketizer {
                depacketizer.finish();
            }
        }
        self.lose();
    }

    /// The frame has all its packets.
    fn finish(&mut self) {
        let At::Frame(building) = core::mem::replace(&mut self.at, At::Boundary) else {
            return;
        };
        let depacketizer = self.depacketizer.as_mut();
        let Some(frame) = depacketizer.and_then(|(_, depacketizer)| depacketizer.finish()) else {
            self.stats.malformed += 1;
            self.lose();
            return;
        };
        if self.needs_key && !frame.is_key {
            self.stats.undecodable += 1;
            self.lose();
            return;
        }
        if frame.is_key {
            (self.needs_key, self.asks_key) = (false, false);
        }
        let first = building.first;
        let lost_before = core::mem::replace(&mut self.is_lost, false);
        let whole = building.into_frame(frame.data, frame.is_key, lost_before);
        self.whole.push_back((whole, first));
    }
}

impl Building {
    fn has(&self, part: &Part<&[u8]>) -> bool {
        (self.timestamp, self.payload_type) == (part.timestamp, part.payload_type)
    }

    fn add(&mut self, part: &Part<&[u8]>) {
        self.packets = self.packets.saturating_add(1);
        self.first = self.first.min(part.arrived);
        self.last = self.last.max(part.arrived);
        self.marker |= part.marker;
        // 3GPP TS 26.114 §7.4.5: it comes with the last packet.
        self.orientation = part.orientation.or(self.orientation);
    }

    const fn into_frame(self, data: Bytes, is_key: bool, lost_before: bool) -> ReceivedFrame {
        ReceivedFrame {
            data,
            is_key,
            timestamp: self.timestamp.0,
            ntp: None,
            payload_type: self.payload_type,
            marker: self.marker,
            received: self.last,
            packets: self.packets,
            audio_level: self.audio_level,
            orientation: self.orientation,
            lost_before,
        }
    }
}
