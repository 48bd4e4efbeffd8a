//! What becomes of a packet that comes?

use super::config::{Mode, ReceiveCodec};
use super::event::ReceivedPacket;
use super::frames::Kept;
use super::machine::RtpReceiver;
use super::pace::Pace;
use super::seen::{Seen, Sight};
use super::waiting::Part;
use crate::cursor::Reader;
use crate::rtp::format::Format;
use crate::rtp::reception::{Reception, Verdict};
use crate::rtp::rtx::Repeated;
use crate::time::Instant;
use crate::wire::rtp::extension::{AudioLevel, Kind, VideoOrientation};
use crate::wire::rtp::{Header, Packet, PayloadType, SequenceNumber};

impl RtpReceiver {
    /// A packet of the source itself.
    pub fn handle_rtp(&mut self, now: Instant, packet: &Packet<'_>) {
        let header = &packet.header;
        self.count(now, packet);
        self.heard = true;
        let Some(number) = self.place(now, header.sequence_number) else {
            return;
        };
        let codec = self.use_codec(header.payload_type);
        if let (Some(codec), Some(reception)) = (codec, &mut self.reception) {
            reception.on_arrival(now, header.timestamp, codec.clock_rate);
            if self.config.mode == Mode::Frames {
                self.pace.on_packet(now, header.timestamp, codec.clock_rate);
            }
        }
        self.accept(now, number, packet, false);
    }

    /// A packet of the stream that repeats packets (RFC 4588).
    pub fn handle_repair(&mut self, now: Instant, packet: &Packet<'_>) {
        self.count(now, packet);
        self.packets.repeated += 1;
        self.packets.repeated_bytes += packet.payload.len() as u64;
        if packet.payload.is_empty() {
            // It only tells the sender how much the network carries.
            self.packets.empty += 1;
            return;
        }
        match self.unwrap(packet) {
            Some((number, original)) => self.accept(now, number, &original, true),
            None => self.packets.bad_repeats += 1,
        }
    }

    fn count(&mut self, now: Instant, packet: &Packet<'_>) {
        self.packets.received += 1;
        self.packets.bytes += packet.payload.len() as u64;
        let header = packet.encoded_len() - packet.payload.len();
        self.packets.header_bytes += header as u64;
        self.packets.last = Some(now);
    }

    /// The number of a packet of the source with its wraps, if it may be right.
    fn place(&mut self, now: Instant, number: SequenceNumber) -> Option<u64> {
        let Some(reception) = &mut self.reception else {
            let mut reception = Reception::trusted(number);
            reception.on_packet(number);
            let first = reception.highest();
            self.reception = Some(reception);
            self.restart(first);
            return Some(first);
        };
        // What was asked for may be further back than RFC 3550 A.1 believes.
        let nearest = reception.nearest(number);
        if self.gaps.contains(nearest) {
            reception.on_late();
            return Some(nearest);
        }
        match reception.on_packet(number) {
            Verdict::Valid(number) => Some(number),
            Verdict::Restarted(number) => {
                self.packets.restarts += 1;
                self.restart_behind(now, number);
                Some(number)
            }
            Verdict::Probation | Verdict::Jump => {
                self.packets.jumped += 1;
                None
            }
        }
    }

    /// The source begins with this number.
    fn restart(&mut self, first: u64) {
        self.seen = Seen::new();
        self.gaps.restart();
        self.pace = Pace::new();
        self.frames.restart(first);
    }

    /// The source began anew right before this number, with a packet that was not
    /// believed then. It may come again.
    fn restart_behind(&mut self, now: Instant, number: u64) {
        if self.gaps.is_active() {
            self.restart(number - 1);
            self.gaps.expect_before(now, number);
        } else {
            self.restart(number);
        }
    }

    /// The packet that was repeated.
    fn unwrap<'p>(&self, packet: &Packet<'p>) -> Option<(u64, Packet<'p>)> {
        let codec = self.parameters.repaired_by(packet.header.payload_type)?;
        let reception = self.reception.as_ref()?;
        let original = Repeated::unwrap(packet, self.ssrc, codec.payload_type).ok()?;
        let number = reception.nearest(original.header.sequence_number);
        // The last packets may come repeated first, but not many of them.
        (number <= reception.highest() + MAX_AHEAD).then_some((number, original))
    }

    /// What is known of a payload type, which is mostly that of the last packet.
    fn use_codec(&mut self, payload_type: PayloadType) -> Option<ReceiveCodec> {
        if let Some(codec) = self
            .codec
            .filter(|codec| codec.payload_type == payload_type)
        {
            return Some(codec);
        }
        let Some(codec) = self.parameters.codec(payload_type).copied() else {
            self.packets.unknown_type += 1;
            return None;
        };
        if codec.format.is_some() {
            self.codec = Some(codec);
            self.gaps.set_codec(&codec);
        }
        Some(codec)
    }

    /// A packet with its right number, for the first time or again.
    fn accept(&mut self, now: Instant, number: u64, packet: &Packet<'_>, is_repeated: bool) {
        match self.seen.note(number) {
            Sight::First => {}
            Sight::Again => {
                self.packets.duplicated += 1;
                if !is_repeated {
                    self.gaps.on_duplicate(now, number);
                }
                return;
            }
            Sight::Old => {
                self.packets.late += 1;
                return;
            }
        }
        let codec = self.parameters_of(packet.header.payload_type);
        self.gaps.on_packet(now, number, is_repeated);
        let format = codec.and_then(|codec| codec.format);
        // All sound is: only pictures wait for key frames, and are skipped for them.
        let begins_key = format.is_some_and(|format| {
            format != Format::Plain
                && format.surely_starts_frame(packet.payload)
                && format.is_key(packet.payload)
        });
        let (audio_level, orientation) = self.extensions(&packet.header);
        if !is_repeated {
            let extensions = &self.parameters.extensions;
            self.sources
                .note(now, &packet.header, audio_level, extensions);
        }
        if begins_key {
            self.key_frames.comes_until(now + self.key_frame_pause());
        }
        if self.config.mode == Mode::Packets {
            if codec.is_some() {
                self.forward(now, number, packet, is_repeated, begins_key);
            }
            return;
        }
        if packet.payload.is_empty() {
            self.packets.empty += 1;
        }
        let part = Part {
            number,
            timestamp: packet.header.timestamp,
            marker: packet.header.marker,
            payload_type: packet.header.payload_type,
            format,
            payload: packet.payload,
            arrived: now,
            audio_level,
            orientation,
            begins_key,
        };
        if self.frames.push(&part, &mut self.slab) == Kept::Late {
            self.packets.late += 1;
        }
        self.settle(now);
    }

    fn parameters_of(&self, payload_type: PayloadType) -> Option<ReceiveCodec> {
        let current = self.codec;
        current
            .filter(|codec| codec.payload_type == payload_type)
            .or_else(|| self.parameters.codec(payload_type).copied())
    }

    fn extensions(&self, header: &Header<'_>) -> (Option<AudioLevel>, Option<VideoOrientation>) {
        if header.extensions.is_none() {
            return (None, None);
        }
        let ids = &self.parameters.extensions;
        let value = |kind| header.extension(ids.id(kind)?).map(Reader::new);
        let level = value(Kind::AudioLevel);
        let orientation = value(Kind::VideoOrientation);
        (
            level.and_then(|mut r| AudioLevel::parse(&mut r).ok()),
            orientation.and_then(|mut r| VideoOrientation::parse(&mut r).ok()),
        )
    }

    /// The packet goes to the application as it is.
    fn forward(
        &mut self,
        now: Instant,
        number: u64,
        packet: &Packet<'_>,
        is_repeated: bool,
        is_key: bool,
    ) {
        let header = &packet.header;
        if !self.outbox.has_room(packet.payload.len()) {
            self.packets.overflowed += 1;
            return;
        }
        if is_key {
            self.key_frames.done();
        }
        self.outbox.push_packet(ReceivedPacket {
            ssrc: self.ssrc,
            marker: header.marker,
            payload_type: header.payload_type,
            sequence_number: header.sequence_number,
            number,
            timestamp: header.timestamp,
            received: now,
            is_repeated,
            is_key,
            payload: self.slab.copy(packet.payload),
            head: self.slab.copy_head(header),
        });
    }
}

/// How far ahead of all others a repeated packet may be.
const MAX_AHEAD: u64 = 100;
