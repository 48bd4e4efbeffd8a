//! Stories of a sender.

mod forwarding;
mod frames;
mod hostile;
mod model;
mod repairs;
mod reports;

use alloc::vec;
use alloc::vec::Vec;
use core::time::Duration;

use bytes::Bytes;

use super::*;
use crate::cursor::Reader;
use crate::rtp::format::Format;
use crate::seq::Serial32;
use crate::wire::rtp::extension::Kind;
use crate::wire::rtp::{ExtensionMap, Packet, PayloadType, Timestamp};

const MEDIA: Ssrc = Ssrc(0x11);
const REPAIR: Ssrc = Ssrc(0x22);
const VP8: PayloadType = PayloadType::from_low_bits(96);
const RTX: PayloadType = PayloadType::from_low_bits(97);

fn at(millis: u64) -> Instant {
    Instant::from_millis(millis)
}

/// All extensions that a sender can write, in the order of their numbers.
const KINDS: [Kind; 8] = [
    Kind::Mid,
    Kind::StreamId,
    Kind::RepairedStreamId,
    Kind::AbsoluteSendTime,
    Kind::TransportSequence,
    Kind::AudioLevel,
    Kind::VideoOrientation,
    Kind::PlayoutDelay,
];

fn extensions() -> ExtensionMap {
    let mut map = ExtensionMap::new();
    for (id, kind) in (1..).zip(KINDS) {
        map.insert(id, kind);
    }
    map
}

/// VP8 with repeated packets, and without extensions.
fn video() -> SendParameters {
    SendParameters {
        repair_payload_type: Some(RTX),
        ..SendParameters::new(VP8, 90_000, Format::Vp8)
    }
}

fn sound() -> SendParameters {
    SendParameters::new(PayloadType::from_low_bits(111), 48_000, Format::Plain)
}

fn config() -> SenderConfig {
    SenderConfig {
        repair: Some(REPAIR),
        repeats: true,
        ..SenderConfig::new(MEDIA)
    }
}

/// A packet as it left.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Sent {
    ssrc: Ssrc,
    payload_type: u8,
    number: u16,
    timestamp: u32,
    marker: bool,
    /// Number and value of each extension.
    extensions: Vec<(u8, Vec<u8>)>,
    payload: Vec<u8>,
    bytes: Vec<u8>,
}

impl Sent {
    fn parse(bytes: &[u8]) -> Self {
        let Packet {
            header, payload, ..
        } = Packet::parse(&mut Reader::new(bytes)).expect("a packet");
        let elements = header.extensions.iter().flat_map(|block| block.elements());
        Self {
            ssrc: header.ssrc,
            payload_type: header.payload_type.number(),
            number: header.sequence_number.0,
            timestamp: header.timestamp.0,
            marker: header.marker,
            extensions: elements.map(|e| (e.id, e.value.to_vec())).collect(),
            payload: payload.to_vec(),
            bytes: bytes.to_vec(),
        }
    }

    fn extension(&self, kind: Kind) -> Option<&[u8]> {
        let id = extensions().id(kind)?;
        let found = self.extensions.iter().find(|(known, _)| *known == id);
        found.map(|(_, value)| value.as_slice())
    }
}

/// A sender and the transport below it.
struct Stage {
    sender: RtpSender,
    transport: Serial16,
    room: usize,
}

impl Stage {
    fn new(config: SenderConfig, parameters: SendParameters) -> Self {
        let mut sender = RtpSender::new(config, &mut Rng::from_number(7));
        sender.set_parameters(parameters);
        Self {
            sender,
            transport: Serial16(0xfffe),
            room: 1200,
        }
    }

    fn video() -> Self {
        Self::new(config(), video())
    }

    /// A stream that says all it can in extensions.
    fn named() -> Self {
        Self::new(
            config(),
            SendParameters {
                extensions: extensions(),
                mid: "v".into(),
                rid: "hi".into(),
                ..video()
            },
        )
    }

    fn poll(&mut self, now: Instant) -> Option<Sent> {
        let mut out = Vec::new();
        let wall = now - Instant::ZERO;
        let mut w = Writer::new(&mut out, self.room);
        let pending = self.sender.is_pending();
        let sent = self.sender.poll_rtp(now, &mut self.transport, wall, &mut w);
        assert_eq!(sent, !out.is_empty());
        assert!(pending || !sent, "what is sent was pending");
        sent.then(|| Sent::parse(&out))
    }

    fn drain(&mut self, now: Instant) -> Vec<Sent> {
        core::iter::from_fn(|| self.poll(now)).collect()
    }

    /// Writes a frame of this length, and sends it.
    fn frame(&mut self, now: Instant, timestamp: u32, len: usize) -> Vec<Sent> {
        let frame = MediaFrame::new(timestamp, delta(len));
        self.sender.write(now, &frame).expect("room for a frame");
        self.drain(now)
    }

    /// Writes a packet of a source elsewhere.
    fn packet(
        &mut self,
        now: Instant,
        source: u32,
        number: u16,
        timestamp: u32,
    ) -> Result<(), WriteError> {
        let payload = Bytes::from(vec![u8::try_from(number & 0xff).unwrap(); 100]);
        self.sender.write_packet(
            now,
            &OutPacket {
                source: Ssrc(source),
                number: Serial16(number),
                timestamp: Serial32(timestamp),
                payload_type: VP8,
                marker: true,
                extensions: &[],
                payload: &payload,
            },
        )
    }

    /// Writes a packet of a source elsewhere; its number and timestamp here.
    fn forward(&mut self, now: Instant, source: u32, number: u16, timestamp: u32) -> (u16, u32) {
        self.packet(now, source, number, timestamp)
            .expect("in order");
        let sent = self.poll(now).expect("a packet");
        (sent.number, sent.timestamp)
    }

    fn nack(&mut self, now: Instant, numbers: impl IntoIterator<Item = u16>) -> Vec<Sent> {
        self.sender.on_nack(now, numbers.into_iter().map(Serial16));
        self.drain(now)
    }
}

/// A VP8 frame that is no key frame.
fn delta(len: usize) -> Bytes {
    vec![1; len].into()
}

/// A VP8 key frame.
fn key(len: usize) -> Bytes {
    vec![0; len].into()
}

#[test]
fn nothing_is_said_of_the_media_in_traces() {
    let mut stage = Stage::video();
    let frame = MediaFrame::new(5, Bytes::from_static(b"secret"));
    stage.sender.write(at(0), &frame).expect("room");
    let said = alloc::format!("{:?} {frame:?}", stage.sender);
    assert!(said.contains("ssrc") && !said.contains("115") && !said.contains("secret"));
}
