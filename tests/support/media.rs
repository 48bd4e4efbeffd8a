//! All media of one end in the clear, with an application that speaks and shows pictures.
#![allow(
    dead_code,
    unreachable_pub,
    reason = "every test has its own copy, and uses a part of it"
)]

use std::time::Duration;

use bytes::Bytes;
use pollrtc::cursor::Writer;
use pollrtc::media::{
    self, CodecParameters, FeedbackSet, Ignored, LineId, LineParameters, Media, MediaConfig,
    RemoteEncoding, SendEncoding,
};
use pollrtc::net::Path;
use pollrtc::rng::Rng;
use pollrtc::rtp::receiver::Mode;
use pollrtc::rtp::sender::MediaFrame;
use pollrtc::sim::Machine;
use pollrtc::time::Instant;
use pollrtc::wire::demux::{self, Class};
use pollrtc::wire::rtp::extension::Kind;
use pollrtc::wire::rtp::{ExtensionMap, PayloadType, Ssrc};

/// The line of sound, which repeats nothing.
pub const SOUND: LineId = LineId(0);
/// The line of pictures.
pub const PICTURES: LineId = LineId(1);

/// One end: its media, on the one path that it has.
pub struct MediaEnd {
    pub media: Media,
    path: Path,
    /// When the application writes next; never, if it only listens. It knows no
    /// earlier time than the latest.
    next: Option<Instant>,
    latest: Instant,
    /// How many ticks it wrote.
    ticks: u32,
    wants_key: bool,
    strangers: u64,
    /// How many frames came.
    pub frames: usize,
    is_closed: bool,
    is_silent: bool,
    has_ended: bool,
}

/// What an end says.
#[derive(Clone, Debug)]
pub enum Told {
    /// An event of its media.
    Media(media::Event),
    /// It was closed, and has said so.
    Closed,
}

impl MediaEnd {
    /// An end on a path. Its streams have the numbers `first`, and three more.
    pub fn new(config: MediaConfig, path: Path, first: u32, peer: u32, rng: &mut Rng) -> Self {
        let mut media = Media::new(config, rng);
        for (line, parameters) in [SOUND, PICTURES].into_iter().zip(lines(first, peer)) {
            assert!(media.set_line(Instant::ZERO, line, parameters));
        }
        Self {
            media,
            path,
            next: Some(Instant::ZERO + TICK),
            latest: Instant::ZERO,
            ticks: 0,
            wants_key: true,
            strangers: 0,
            frames: 0,
            is_closed: false,
            is_silent: false,
            has_ended: false,
        }
    }

    /// Ends it.
    pub fn close(&mut self) {
        self.media.close();
        self.next = None;
        self.is_closed = true;
    }

    /// Begins to write at this time.
    pub fn begin(&mut self, now: Instant) {
        self.latest = now;
        self.next = Some(now + TICK);
    }

    /// Writes nothing from now on.
    pub fn stop(&mut self) {
        self.next = None;
    }

    /// How many datagrams were dropped.
    pub fn dropped(&self) -> u64 {
        self.strangers + ignored(&self.media.stats().ignored)
    }

    fn write(&mut self, now: Instant) {
        let ticks = self.ticks;
        self.ticks += 1;
        let sound = Bytes::from(vec![0xfc; 20 + usize::from(ticks.to_be_bytes()[3] % 40)]);
        let frame = MediaFrame::new(ticks.wrapping_mul(960), sound);
        // A refusal is as good as any answer.
        let _ = self.media.write(now, SOUND, "", &frame);
        if ticks.is_multiple_of(3) {
            let is_key = std::mem::take(&mut self.wants_key);
            let mut picture = match is_key {
                true => vec![0x10, 0, 0, 0x9d, 0x01, 0x2a, 64, 0, 64, 0],
                false => vec![0x11, 0, 0],
            };
            picture.resize(2_000, ticks.to_be_bytes()[3]);
            let frame = MediaFrame::new(ticks.wrapping_mul(1_800), picture.into());
            let _ = self.media.write(now, PICTURES, "", &frame);
        }
    }
}

impl Machine for MediaEnd {
    type Event = Told;

    fn handle_input(&mut self, now: Instant, _path: Path, datagram: &mut [u8]) {
        self.latest = self.latest.max(now);
        match demux::classify(datagram) {
            Class::Rtp => self.media.handle_rtp(now, datagram),
            Class::Rtcp => self.media.handle_rtcp(now, datagram),
            _ => self.strangers += 1,
        }
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.media.handle_timeout(now);
        self.latest = self.latest.max(now);
        if self.next.is_some_and(|next| next <= self.latest) {
            self.next = Some(self.latest + TICK);
            self.write(now);
        }
    }

    fn poll_transmit(&mut self, now: Instant, out: &mut Writer<'_>) -> Option<Path> {
        self.latest = self.latest.max(now);
        let wrote = self.media.poll_rtcp(now, out) || self.media.poll_rtp(now, out);
        if self.is_closed && !wrote {
            self.is_silent = self.media.poll_timeout().is_none();
        }
        wrote.then_some(self.path)
    }

    fn poll_event(&mut self) -> Option<Told> {
        if let Some(event) = self.media.poll_event() {
            self.frames += usize::from(matches!(event, media::Event::Frame { .. }));
            self.wants_key |= matches!(event, media::Event::KeyFrameRequested { .. });
            return Some(Told::Media(event));
        }
        let ends = self.is_silent && !std::mem::replace(&mut self.has_ended, self.is_silent);
        ends.then_some(Told::Closed)
    }

    fn poll_timeout(&self) -> Option<Instant> {
        let media = self.media.poll_timeout();
        media.into_iter().chain(self.next).min()
    }
}

/// How much was dropped, for whatever reason.
pub fn ignored(ignored: &Ignored) -> u64 {
    ignored.malformed_rtp
        + ignored.malformed_rtcp
        + ignored.unknown_mid
        + ignored.unknown_rid
        + ignored.unknown_payload_type
        + ignored.ambiguous
        + ignored.orphaned
        + ignored.no_room
        + ignored.own_ssrc
        + ignored.unused_rtcp
        + ignored.after_end
}

/// What was agreed on for sound and pictures: streams of ours from the number
/// `first` on, of the peer's from `peer` on.
pub fn lines(first: u32, peer: u32) -> [LineParameters; 2] {
    let codec =
        |number, name: &str, clock_rate, parameters: &str, feedback: &[&str]| CodecParameters {
            payload_type: PayloadType::from_low_bits(number),
            name: name.into(),
            clock_rate,
            channels: 1,
            parameters: parameters.into(),
            feedback: FeedbackSet::of(feedback.iter().copied()),
        };
    let feedback = ["nack", "nack pli", "ccm fir", "goog-remb", "transport-cc"];
    let sound = vec![codec(111, "opus", 48_000, "", &["transport-cc"])];
    let pictures = vec![
        codec(96, "VP8", 90_000, "", &feedback),
        codec(97, "rtx", 90_000, "apt=96", &[]),
    ];
    let mut extensions = ExtensionMap::new();
    extensions.insert(1, Kind::Mid);
    extensions.insert(2, Kind::AbsoluteSendTime);
    extensions.insert(3, Kind::TransportSequence);
    let line = |mid: &str, codecs: Vec<CodecParameters>, number: u32, repairs: bool| {
        let repair = |first: u32| repairs.then_some(Ssrc(first + number + 1));
        LineParameters {
            mid: mid.into(),
            audio: !repairs,
            sends: true,
            receives: true,
            encodings: vec![SendEncoding {
                rid: String::new(),
                ssrc: Ssrc(first + number),
                repair: repair(first),
                active: true,
            }],
            send: codecs.clone().into(),
            receive: codecs.into(),
            extensions,
            two_byte: false,
            reduced_rtcp: true,
            cname: format!("end {first}"),
            remote: vec![RemoteEncoding {
                rid: String::new(),
                ssrc: Some(Ssrc(peer + number)),
                repair: repair(peer),
            }],
            mode: Mode::Frames,
        }
    };
    [line("0", sound, 0, false), line("1", pictures, 1, true)]
}

/// The application writes sound so often.
const TICK: Duration = Duration::from_millis(20);
