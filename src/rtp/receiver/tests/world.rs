//! A source that makes frames, and a receiver that tells what it is given.

use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;

use crate::cursor::{Reader, Writer};
use crate::rtp::format::{Format, Packetizer};
use crate::rtp::receiver::{
    Event, ReceiveCodec, ReceiveParameters, ReceivedFrame, ReceivedPacket, ReceiverConfig,
    RtpReceiver,
};
use crate::rtp::rtx::Repeated;
use crate::seq::{Serial16, Serial32};
use crate::time::Instant;
use crate::wire::list::List;
use crate::wire::rtp::{Header, Packet, PayloadType, Ssrc};

pub(super) const MEDIA: Ssrc = Ssrc(0x1111);
pub(super) const REPAIR: Ssrc = Ssrc(0x2222);
pub(super) const TYPE: PayloadType = PayloadType::from_low_bits(96);
pub(super) const REPAIR_TYPE: PayloadType = PayloadType::from_low_bits(97);
/// What a payload may have.
pub(super) const ROOM: usize = 60;

pub(super) const FORMATS: [Format; 6] = [
    Format::Plain,
    Format::Vp8,
    Format::Vp9,
    Format::H264 { single_unit: false },
    Format::H265,
    Format::Av1,
];

pub(super) fn at(millis: u64) -> Instant {
    Instant::from_millis(millis)
}

/// Cuts frames into packets with numbers and times.
pub(super) struct Camera {
    pub(super) format: Format,
    packetizer: Packetizer,
    pub(super) number: u16,
    pub(super) timestamp: u32,
    /// Whether the last packet of a frame says so.
    pub(super) marks: bool,
}

impl Camera {
    pub(super) fn new(format: Format, number: u16) -> Self {
        Self {
            format,
            packetizer: Packetizer::new(format, 0x7ffe),
            number,
            timestamp: u32::MAX - 50_000,
            marks: true,
        }
    }

    /// A frame as a codec could have made it: what a receiver should be given,
    /// and its packets. Each is 33 ms behind the one before.
    pub(super) fn frame(&mut self, is_key: bool, len: usize) -> (Vec<u8>, Vec<Vec<u8>>) {
        let len = if self.format == Format::Plain {
            len.min(ROOM)
        } else {
            len
        };
        let data = coded(self.format, is_key, len, self.number);
        self.packetizer.push(data.clone().into()).expect("a frame");
        self.timestamp = self.timestamp.wrapping_add(33 * 90);
        let mut packets = vec![];
        let mut payload = vec![];
        while let Some(is_last) = self.packetizer.next(&mut Writer::new(&mut payload, ROOM)) {
            packets.push(self.packet(&payload, is_last && self.marks));
            payload.clear();
        }
        // Temporal delimiters are not sent.
        let cut = if self.format == Format::Av1 { 2 } else { 0 };
        (data[cut..].to_vec(), packets)
    }

    /// The next packet, with this payload.
    pub(super) fn packet(&mut self, payload: &[u8], marker: bool) -> Vec<u8> {
        let header = Header {
            marker,
            payload_type: TYPE,
            sequence_number: Serial16(self.number),
            timestamp: Serial32(self.timestamp),
            ssrc: MEDIA,
            csrcs: List::EMPTY,
            extensions: None,
        };
        self.number = self.number.wrapping_add(1);
        let mut bytes = vec![];
        let padding = 0;
        let packet = Packet {
            header,
            payload,
            padding,
        };
        packet.emit(&mut Writer::new(&mut bytes, 1500));
        bytes
    }
}

fn coded(format: Format, is_key: bool, len: usize, seed: u16) -> Vec<u8> {
    let [_, fill] = seed.to_be_bytes();
    // No zeros: they could look like a start code.
    let body = (0..len).map(|at| u8::try_from(at % 251).expect("small") ^ fill | 0x81);
    let other = u8::from(!is_key);
    let head = match format {
        Format::Plain => vec![],
        Format::Vp8 => vec![other],
        Format::Vp9 => vec![0x80 | other << 2],
        // Parameters, of which some need a packet of their own, and a slice.
        Format::H264 { .. } if is_key => units(&[&[0x67; 40], &[0x68; 30], &[0x65]]),
        Format::H264 { .. } => units(&[&[0x41]]),
        Format::H265 if is_key => units(&[&[64; 40], &[66; 30], &[68; 20], &[19 << 1, 1]]),
        Format::H265 => units(&[&[2, 1]]),
        Format::Av1 => {
            // LEB128.
            let (low, high) = (len & 0x7f | 0x80, len >> 7);
            let size = if high > 0 { vec![low, high] } else { vec![len] };
            let size = size
                .into_iter()
                .map(|byte| u8::try_from(byte).expect("a small frame"));
            let size: Vec<u8> = size.collect();
            [
                &[0x12, 0, if is_key { 1 << 3 | 2 } else { 3 << 3 | 2 }],
                &size[..],
            ]
            .concat()
        }
    };
    head.into_iter().chain(body).collect()
}

fn units(units: &[&[u8]]) -> Vec<u8> {
    let codes = units.iter().map(|unit| [&[0, 0, 0, 1], *unit].concat());
    codes.collect::<Vec<_>>().concat()
}

/// The number of a packet on the wire.
pub(super) fn number(packet: &[u8]) -> u16 {
    parse(packet).header.sequence_number.0
}

pub(super) fn parse(packet: &[u8]) -> Packet<'_> {
    Packet::parse(&mut Reader::new(packet)).expect("a packet")
}

/// The packet as the stream of repeated ones has it.
pub(super) fn repeated(packet: &[u8], number: u16) -> Vec<u8> {
    let mut bytes = vec![];
    let w = &mut Writer::new(&mut bytes, 1500);
    Repeated::wrap(&parse(packet), Serial16(number), REPAIR, REPAIR_TYPE, w);
    bytes
}

/// Everything that a browser agrees on.
pub(super) fn codec(format: Format) -> ReceiveCodec {
    ReceiveCodec {
        repair_payload_type: Some(REPAIR_TYPE),
        nack: true,
        pli: true,
        fir: true,
        ..ReceiveCodec::new(TYPE, 90_000, format)
    }
}

pub(super) fn receiver(codec: ReceiveCodec, config: ReceiverConfig) -> RtpReceiver {
    let mut receiver = RtpReceiver::new(MEDIA, config);
    receiver.set_parameters(&Arc::new(ReceiveParameters {
        codecs: vec![codec],
        ..ReceiveParameters::default()
    }));
    receiver.set_repair(REPAIR);
    receiver
}

/// Tells the receiver of packets at one moment.
pub(super) fn deliver<'p>(
    receiver: &mut RtpReceiver,
    now: Instant,
    packets: impl IntoIterator<Item = &'p Vec<u8>>,
) {
    for bytes in packets {
        let packet = parse(bytes);
        if packet.header.ssrc == REPAIR {
            receiver.handle_repair(now, &packet);
        } else {
            receiver.handle_rtp(now, &packet);
        }
    }
}

/// The frames that are given out now.
pub(super) fn frames(receiver: &mut RtpReceiver) -> Vec<ReceivedFrame> {
    let events = core::iter::from_fn(|| receiver.poll_event());
    let frames = events.map(|event| match event {
        Event::Frame(frame) => frame,
        Event::Packet(_) => panic!("a packet"),
    });
    frames.collect()
}

/// The packets that are given out now.
pub(super) fn packets(receiver: &mut RtpReceiver) -> Vec<ReceivedPacket> {
    let events = core::iter::from_fn(|| receiver.poll_event());
    let packets = events.map(|event| match event {
        Event::Packet(packet) => packet,
        Event::Frame(_) => panic!("a frame"),
    });
    packets.collect()
}
