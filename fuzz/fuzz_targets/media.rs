//! Two ends of media: frames arrive as they were sent, once, and in order.
#![no_main]

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use arbitrary::Arbitrary;
use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use pollrtc::cursor::Writer;
use pollrtc::media::{
    CodecParameters, Event, FeedbackSet, LineId, LineParameters, Media, MediaConfig,
    RemoteEncoding, SendEncoding,
};
use pollrtc::net::Path;
use pollrtc::rng::Rng;
use pollrtc::rtp::receiver::Mode;
use pollrtc::rtp::sender::MediaFrame;
use pollrtc::seq::Serial16;
use pollrtc::sim::Machine;
use pollrtc::time::Instant;
use pollrtc::wire::rtp::extension::Kind;
use pollrtc::wire::rtp::{ExtensionMap, PayloadType, Ssrc};
use pollrtc_fuzz::{Pair, Side, Step, path};

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Command {
    Write {
        line: u8,
        is_key: bool,
        ticks: u16,
        len: u16,
    },
    /// What was agreed on for a line is another: who sends, and frames or packets.
    Agree {
        line: u8,
        sends: bool,
        receives: bool,
        packets: bool,
    },
    Remove(u8),
    Pause(u8, bool),
    AskForKeyFrame(u8),
    Close,
}

fuzz_target!(|steps: Vec<Step<Command>>| {
    let mut pair = Pair::new(End::new(Side::A), End::new(Side::B));
    for step in steps {
        pair.step(step, End::command);
    }
    pair.calm(pair.now() + Duration::from_secs(60));
    if pair.is_honest() {
        for side in [Side::A, Side::B] {
            let received = std::mem::take(&mut pair.machine(side).received);
            judge(&received, &pair.machine(side.other()).sent);
        }
    }
});

/// What was heard was said, and in this order for as long as the source lives: a
/// packet that comes behind its BYE begins another.
fn judge(received: &[Heard], sent: &[(LineId, Bytes)]) {
    let mut last: BTreeMap<LineId, u32> = BTreeMap::new();
    for heard in received {
        match heard {
            Heard::Source(line) => drop(last.remove(line)),
            Heard::Frame(line, data) => {
                let id = id_of(data);
                let said = sent.get(id as usize);
                assert_eq!(said, Some(&(*line, data.clone())), "frame {id}");
                let before = last.insert(*line, id);
                assert!(before.is_none_or(|before| before < id), "again: {id}");
            }
        }
    }
}

/// What an application was told of a line.
enum Heard {
    Source(LineId),
    Frame(LineId, Bytes),
}

/// An end and its application.
struct End {
    path: Path,
    side: Side,
    media: Media,
    sent: Vec<(LineId, Bytes)>,
    received: Vec<Heard>,
    timestamp: u32,
    /// The packets that came, and the newest number of each source.
    seen: BTreeSet<Vec<u8>>,
    newest: BTreeMap<[u8; 4], Serial16>,
    is_closed: bool,
}

impl End {
    fn new(side: Side) -> Self {
        let mut rng = Rng::from_number(side as u64);
        let mut media = Media::new(MediaConfig::default(), &mut rng);
        for line in [SOUND, PICTURES] {
            let parameters = agreed(side, line, [true; 2], Mode::Frames);
            assert!(media.set_line(Instant::ZERO, line, parameters));
        }
        media.set_wall_clock(Instant::ZERO, Duration::from_secs(1_700_000_000));
        Self {
            path: path(side),
            side,
            media,
            sent: Vec::new(),
            received: Vec::new(),
            timestamp: 0,
            seen: BTreeSet::new(),
            newest: BTreeMap::new(),
            is_closed: false,
        }
    }

    fn command(&mut self, now: Instant, command: Command) {
        match command {
            Command::Write {
                line,
                is_key,
                ticks,
                len,
            } => self.write(now, pick(line), is_key, ticks, len),
            Command::Agree {
                line,
                sends,
                receives,
                packets,
            } => {
                let line = pick(line);
                let mode = if packets { Mode::Packets } else { Mode::Frames };
                let parameters = agreed(self.side, line, [sends, receives], mode);
                self.media.set_line(now, line, parameters);
            }
            Command::Remove(line) => self.media.remove_line(now, pick(line)),
            Command::Pause(line, paused) => {
                self.media.set_encoding_active(pick(line), "", !paused);
            }
            Command::AskForKeyFrame(line) => {
                self.media.request_key_frame(pick(line), "");
            }
            Command::Close => {
                self.is_closed = true;
                self.media.close();
            }
        }
    }

    /// A frame that says which it is, behind what its codec would say.
    fn write(&mut self, now: Instant, line: LineId, is_key: bool, ticks: u16, len: u16) {
        self.timestamp = self.timestamp.wrapping_add(u32::from(ticks) + 1);
        let id = self.sent.len() as u32;
        let mut data = vec![u8::from(!is_key)];
        data.extend(id.to_be_bytes());
        // Sound has to fit into one packet.
        let most = if line == SOUND { 1000 } else { 20_000 };
        data.resize(data.len() + usize::from(len) % most, 7);
        let data = Bytes::from(data);
        let frame = MediaFrame::new(self.timestamp, data.clone());
        if self.media.write(now, line, "", &frame).is_ok() {
            assert!(!self.is_closed);
            self.sent.push((line, data));
        }
    }

    /// Two packets that come a hundred behind look as if their source had begun anew
    /// (RFC 3550 A.1): no network of ours is as slow.
    fn is_in_time(&mut self, packet: &[u8]) -> bool {
        let &[_, _, n0, n1, _, _, _, _, s0, s1, s2, s3, ..] = packet else {
            return true;
        };
        let number = Serial16(u16::from_be_bytes([n0, n1]));
        let newest = self.newest.entry([s0, s1, s2, s3]).or_insert(number);
        if number.is_after(*newest) {
            *newest = number;
        }
        newest.distance_from(number) < 100
    }
}

impl Machine for End {
    type Event = Event;

    fn handle_input(&mut self, now: Instant, _path: Path, datagram: &mut [u8]) {
        // RFC 5761 §4.
        match datagram.get(1) {
            Some(192..=223) => self.media.handle_rtcp(now, datagram),
            // SRTP below would let no copy through.
            _ if self.seen.insert(datagram.to_vec()) && self.is_in_time(datagram) => {
                self.media.handle_rtp(now, datagram);
            }
            _ => {}
        }
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.media.handle_timeout(now);
    }

    fn poll_transmit(&mut self, now: Instant, out: &mut Writer<'_>) -> Option<Path> {
        let sent = self.media.poll_rtcp(now, out) || self.media.poll_rtp(now, out);
        sent.then_some(self.path)
    }

    fn poll_event(&mut self) -> Option<Event> {
        let event = self.media.poll_event()?;
        match &event {
            Event::Source { line, .. } => self.received.push(Heard::Source(*line)),
            Event::Frame { line, frame, .. } => {
                self.received.push(Heard::Frame(*line, frame.data.clone()));
            }
            _ => {}
        }
        Some(event)
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.media.poll_timeout()
    }
}

fn id_of(data: &[u8]) -> u32 {
    let id = data.get(1..5).and_then(<[u8]>::first_chunk);
    u32::from_be_bytes(*id.expect("every frame says which it is"))
}

const fn pick(line: u8) -> LineId {
    if line % 2 == 0 { SOUND } else { PICTURES }
}

/// What two ends agree on for a line.
fn agreed(side: Side, line: LineId, [sends, receives]: [bool; 2], mode: Mode) -> LineParameters {
    let codec = |number: u8, name: &str, clock_rate, parameters: &str| CodecParameters {
        payload_type: PayloadType::from_low_bits(number),
        name: name.into(),
        clock_rate,
        channels: 1,
        parameters: parameters.into(),
        feedback: FeedbackSet::of(["nack", "nack pli", "goog-remb", "transport-cc"]),
    };
    let codecs = if line == SOUND {
        vec![codec(111, "opus", 48_000, "")]
    } else {
        let repair = codec(97, "rtx", 90_000, "apt=96");
        vec![codec(96, "VP8", 90_000, ""), repair]
    };
    let mut extensions = ExtensionMap::new();
    extensions.insert(1, Kind::Mid);
    extensions.insert(4, Kind::AbsoluteSendTime);
    extensions.insert(5, Kind::TransportSequence);
    let ssrc = |side: Side| Ssrc(1000 * (1 + side as u32) + line.0);
    let repair = |side: Side| (line == PICTURES).then(|| Ssrc(ssrc(side).0 + 100));
    LineParameters {
        mid: line.0.to_string(),
        audio: line == SOUND,
        sends,
        receives,
        encodings: vec![SendEncoding {
            rid: String::new(),
            ssrc: ssrc(side),
            repair: repair(side),
            active: true,
        }],
        send: codecs.clone().into(),
        receive: codecs.into(),
        extensions,
        two_byte: true,
        reduced_rtcp: true,
        cname: "end".into(),
        remote: vec![RemoteEncoding {
            rid: String::new(),
            ssrc: Some(ssrc(side.other())),
            repair: repair(side.other()),
        }],
        mode,
    }
}

const SOUND: LineId = LineId(0);
const PICTURES: LineId = LineId(1);
