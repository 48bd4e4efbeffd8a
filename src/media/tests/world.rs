//! Two ends, a bad network between them, and one seed.

use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;
use core::time::Duration;

use bytes::Bytes;

use crate::cursor::{Reader, Writer};
use crate::media::*;
use crate::rng::Rng;
use crate::rtp::receiver::{Mode, ReceivedFrame, ReceivedPacket};
use crate::rtp::sender::MediaFrame;
use crate::time::Instant;
use crate::timer::earliest;
use crate::wire::rtcp::{Compound, Packet};
use crate::wire::rtp::extension::Kind;
use crate::wire::rtp::{ExtensionMap, PayloadType, Ssrc};

pub(super) const AUDIO: LineId = LineId(0);
pub(super) const VIDEO: LineId = LineId(1);

/// What the network does to a packet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Network {
    pub delay: Duration,
    /// Up to so much more, differently for each packet: they overtake each other.
    pub jitter: Duration,
    /// Of a thousand packets of RTP so many are lost.
    pub loss: u64,
}

pub(super) const GOOD: Network = Network {
    delay: Duration::from_millis(20),
    jitter: Duration::ZERO,
    loss: 0,
};

/// One end, and what came out of it.
pub(super) struct End {
    pub media: Media,
    pub frames: Vec<(LineId, SourceId, ReceivedFrame)>,
    pub packets: Vec<(LineId, SourceId, ReceivedPacket)>,
    /// All but frames and packets.
    pub events: Vec<Event>,
    /// All RTCP that it sent, and when.
    pub said: Vec<(Instant, Vec<u8>)>,
    pub rtp_bytes: u64,
    pub rtcp_bytes: u64,
    /// Whether its next picture is a key frame.
    pub key: bool,
    pictures: u32,
    sounds: u32,
}

pub(super) struct World {
    pub now: Instant,
    pub ends: [End; 2],
    pub network: Network,
    /// Whether pictures and sound are sent by each end.
    pub sends: [bool; 2],
    /// How large a picture is.
    pub picture: usize,
    /// How many milliseconds are between two sounds, and between two pictures.
    pub pace: [u64; 2],
    wire: BTreeMap<(Instant, u64), (usize, bool, Vec<u8>)>,
    sent: u64,
    rng: Rng,
    next_sound: Instant,
    next_picture: Instant,
}

impl World {
    /// Two ends that know nothing of each other yet.
    pub(super) fn new(seed: u64, config: &MediaConfig) -> Self {
        let mut rng = Rng::from_number(seed);
        let ends = [0, 1].map(|_| End {
            media: Media::new(config.clone(), &mut rng),
            frames: Vec::new(),
            packets: Vec::new(),
            events: Vec::new(),
            said: Vec::new(),
            rtp_bytes: 0,
            rtcp_bytes: 0,
            key: true,
            pictures: 0,
            sounds: 0,
        });
        Self {
            now: Instant::from_millis(1000),
            ends,
            network: GOOD,
            sends: [true; 2],
            picture: 3000,
            pace: [20, 33],
            wire: BTreeMap::new(),
            sent: 0,
            rng,
            next_sound: Instant::from_millis(1000),
            next_picture: Instant::from_millis(1000),
        }
    }

    /// Two ends that agreed on sound and pictures both ways.
    pub(super) fn both_ways(seed: u64) -> Self {
        Self::agreed(seed, &MediaConfig::default(), [true; 2])
    }

    /// Two ends that agreed on sound and pictures from those that send.
    pub(super) fn agreed(seed: u64, config: &MediaConfig, sends: [bool; 2]) -> Self {
        let mut world = Self::new(seed, config);
        world.sends = sends;
        for side in 0..2 {
            for line in [AUDIO, VIDEO] {
                let parameters = parameters(side, line, sends);
                assert!(world.ends[side].media.set_line(world.now, line, parameters));
            }
        }
        world
    }

    /// Lets time pass.
    pub(super) fn run(&mut self, millis: u64) {
        let end = self.now + Duration::from_millis(millis);
        loop {
            self.settle();
            let wire = self.wire.keys().next().map(|(at, _)| *at);
            let [a, b] = [0, 1].map(|side| self.ends[side].media.poll_timeout());
            let app = Some(self.next_sound.min(self.next_picture));
            let next = earliest(earliest(wire, app), earliest(a, b));
            let next = next.expect("the applications go on").max(self.now);
            if next > end {
                self.now = end;
                return;
            }
            self.now = next;
            self.deliver();
            for end in &mut self.ends {
                end.media.handle_timeout(next);
                assert!(end.media.poll_timeout().is_none_or(|at| at > next), "law 3");
            }
            self.make_media();
        }
    }

    /// Sends all that is to be sent, and takes all events.
    pub(super) fn settle(&mut self) {
        for side in 0..2 {
            let mut buf = Vec::new();
            loop {
                let is_rtcp = self.ends[side]
                    .media
                    .poll_rtcp(self.now, &mut Writer::new(&mut buf, 1200));
                let is_rtp = !is_rtcp
                    && self.ends[side]
                        .media
                        .poll_rtp(self.now, &mut Writer::new(&mut buf, 1200));
                if !is_rtcp && !is_rtp {
                    assert!(buf.is_empty(), "law 5");
                    break;
                }
                self.transmit(side, is_rtcp, core::mem::take(&mut buf));
            }
            self.take_events(side);
        }
    }

    fn transmit(&mut self, side: usize, is_rtcp: bool, packet: Vec<u8>) {
        let end = &mut self.ends[side];
        if is_rtcp {
            end.rtcp_bytes += packet.len() as u64 + 42;
            end.said.push((self.now, packet.clone()));
        } else {
            end.rtp_bytes += packet.len() as u64;
            if self.rng.below(1000) < self.network.loss {
                return;
            }
        }
        let jitter = u64::try_from(self.network.jitter.as_nanos()).expect("short");
        let jitter = self.rng.below(jitter + 1);
        let at = self.now + self.network.delay + Duration::from_nanos(jitter);
        self.sent += 1;
        self.wire
            .insert((at, self.sent), (1 - side, is_rtcp, packet));
    }

    fn deliver(&mut self) {
        while let Some(entry) = self.wire.first_entry() {
            if entry.key().0 > self.now {
                return;
            }
            let (side, is_rtcp, packet) = entry.remove();
            let media = &mut self.ends[side].media;
            if is_rtcp {
                media.handle_rtcp(self.now, &packet);
            } else {
                media.handle_rtp(self.now, &packet);
            }
        }
    }

    fn take_events(&mut self, side: usize) {
        let end = &mut self.ends[side];
        while let Some(event) = end.media.poll_event() {
            match event {
                Event::Frame {
                    line,
                    source,
                    frame,
                } => end.frames.push((line, source, frame)),
                Event::Packet {
                    line,
                    source,
                    packet,
                } => end.packets.push((line, source, packet)),
                event => {
                    end.key |= matches!(event, Event::KeyFrameRequested { .. });
                    end.events.push(event);
                }
            }
        }
    }

    /// The applications: a sound now, a picture then.
    fn make_media(&mut self) {
        if self.next_sound <= self.now {
            self.next_sound += Duration::from_millis(self.pace[0]);
            self.each_sender(|end, now| {
                let frame = MediaFrame::new(end.sounds * 960, Bytes::from(vec![7; 80]));
                end.sounds += 1;
                let _ = end.media.write(now, AUDIO, "", &frame);
            });
        }
        if self.next_picture <= self.now {
            self.next_picture += Duration::from_millis(self.pace[1]);
            let size = self.picture;
            self.each_sender(|end, now| {
                // RFC 6386 §9.1: a picture whose lowest bit is 0 is a key frame.
                let mut picture = vec![0; size];
                picture[0] = u8::from(!core::mem::take(&mut end.key));
                picture[1..5].copy_from_slice(&end.pictures.to_be_bytes());
                let frame = MediaFrame::new(end.pictures * 2970, Bytes::from(picture));
                end.pictures += 1;
                let rids: Vec<String> = end
                    .media
                    .outbound_streams()
                    .filter(|stream| stream.line == VIDEO)
                    .map(|stream| stream.rid.to_string())
                    .collect();
                for rid in rids {
                    let _ = end.media.write(now, VIDEO, &rid, &frame);
                }
            });
        }
    }

    fn each_sender(&mut self, mut make: impl FnMut(&mut End, Instant)) {
        for side in 0..2 {
            if self.sends[side] {
                make(&mut self.ends[side], self.now);
            }
        }
    }
}

impl End {
    /// The pictures that came, by their numbers.
    pub(super) fn pictures(&self) -> Vec<u32> {
        let pictures = self.frames.iter().filter(|(line, ..)| *line == VIDEO);
        pictures
            .map(|(.., frame)| {
                let number = frame.data[1..5].try_into().expect("four bytes");
                u32::from_be_bytes(number)
            })
            .collect()
    }

    /// How many sounds came.
    pub(super) fn sounds(&self) -> usize {
        let sounds = self.frames.iter().filter(|(line, ..)| *line == AUDIO);
        sounds.count()
    }

    /// How many packets of RTCP were said that are such.
    pub(super) fn said(&self, mut is: impl FnMut(&Packet<'_>) -> bool) -> usize {
        let mut count = 0;
        for (_, datagram) in &self.said {
            let compound = Compound::parse(&mut Reader::new(datagram)).expect("RTCP");
            for packet in compound.packets() {
                count += usize::from(is(&packet.expect("RTCP")));
            }
        }
        count
    }
}

pub(super) fn payload_type(number: u8) -> PayloadType {
    PayloadType::new(number).expect("seven bits")
}

pub(super) fn codec(number: u8, name: &str, clock_rate: u32, parameters: &str) -> CodecParameters {
    let video = ["nack", "nack pli", "ccm fir", "goog-remb", "transport-cc"];
    let feedback = if clock_rate == 90_000 {
        &video[..]
    } else {
        &[]
    };
    CodecParameters {
        payload_type: payload_type(number),
        name: name.into(),
        clock_rate,
        channels: 1,
        parameters: parameters.into(),
        feedback: FeedbackSet::of(feedback.iter().copied()),
    }
}

/// What two ends agree on for a line; each side's SSRCs are its own.
pub(super) fn parameters(side: usize, line: LineId, sends: [bool; 2]) -> LineParameters {
    let audio = line == AUDIO;
    let codecs = if audio {
        vec![codec(111, "opus", 48_000, "")]
    } else {
        vec![
            codec(96, "VP8", 90_000, ""),
            codec(97, "rtx", 90_000, "apt=96"),
        ]
    };
    let mut extensions = ExtensionMap::new();
    for (id, kind) in [
        (1, Kind::Mid),
        (2, Kind::StreamId),
        (3, Kind::RepairedStreamId),
        (4, Kind::AbsoluteSendTime),
        (5, Kind::TransportSequence),
    ] {
        extensions.insert(id, kind);
    }
    let ssrc = |side: usize| Ssrc([1000, 2000][side] + line.0);
    let repair = |side: usize| (!audio).then(|| Ssrc(ssrc(side).0 + 100));
    let remote = RemoteEncoding {
        rid: String::new(),
        ssrc: Some(ssrc(1 - side)),
        repair: repair(1 - side),
    };
    let encoding = SendEncoding {
        rid: String::new(),
        ssrc: ssrc(side),
        repair: repair(side),
        active: true,
    };
    LineParameters {
        mid: line.0.to_string(),
        audio,
        sends: sends[side],
        receives: sends[1 - side],
        encodings: if sends[side] { vec![encoding] } else { vec![] },
        send: codecs.clone().into(),
        receive: codecs.into(),
        extensions,
        two_byte: true,
        reduced_rtcp: true,
        cname: if side == 0 { "alice" } else { "bob" }.to_string(),
        remote: if sends[1 - side] {
            vec![remote]
        } else {
            vec![]
        },
        mode: Mode::Frames,
    }
}
