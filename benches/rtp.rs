//! What does it cost to read an RTP packet, to send and to receive one, to change it for another
//! session, and to read feedback?
#![allow(missing_docs, reason = "criterion's macros write undocumented items")]
#![allow(
    clippy::std_instead_of_alloc,
    reason = "a bench has std, and no alloc unless it asks"
)]

use core::hint::black_box;
use core::time::Duration;
use std::sync::Arc;

use bytes::Bytes;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use pollrtc::cursor::{Reader, Writer};
use pollrtc::rng::Rng;
use pollrtc::rtp::RtpSender;
use pollrtc::rtp::estimate::{self, Estimator};
use pollrtc::rtp::format::Format;
use pollrtc::rtp::receiver::{Mode, ReceiveCodec, ReceiveParameters, ReceiverConfig, RtpReceiver};
use pollrtc::rtp::sender::{MediaFrame, OutPacket, SendParameters, SenderConfig};
use pollrtc::seq::{Serial16, Serial32};
use pollrtc::time::Instant;
use pollrtc::wire::list::List;
use pollrtc::wire::rtcp::{Arrival, Compound, FeedbackBuilder, Packet as Rtcp};
use pollrtc::wire::rtp::extension::{AbsoluteSendTime, AudioLevel, Form, Kind, TransportSequence};
use pollrtc::wire::rtp::{Header, HeaderMut, Packet, PayloadType, Ssrc};

/// A packet of a browser: an audio level and a number of the transport.
fn packet() -> Vec<u8> {
    let header = Header {
        marker: true,
        payload_type: PayloadType::from_low_bits(96),
        sequence_number: Serial16(7),
        timestamp: Serial32(960),
        ssrc: Ssrc(0x1234_5678),
        csrcs: List::EMPTY,
        extensions: None,
    };
    let mut packet = Vec::new();
    let mut w = Writer::new(&mut packet, 1500);
    header.emit_with(&mut w, Form::OneByte, |block| {
        let level = AudioLevel {
            voice: true,
            below: 30,
        };
        let number = TransportSequence(Serial16(9));
        block.put(1, level.encoded_len(), |w| level.emit(w));
        block.put(3, number.encoded_len(), |w| number.emit(w));
    });
    w.zeros(1150);
    packet
}

fn feedback() -> Vec<u8> {
    let mut builder = FeedbackBuilder::new(Serial16(5), 1000);
    for number in 0..50 {
        let lost = number % 10 == 9;
        let arrival = Arrival {
            sequence: Serial16(5 + number),
            time: 1000 + i64::from(number) * 7,
        };
        assert!(lost || builder.push(arrival));
    }
    let mut bytes = Vec::new();
    builder
        .finish(Ssrc(1), Ssrc(2), 3)
        .emit(&mut Writer::new(&mut bytes, 1200));
    bytes
}

fn rtp(c: &mut Criterion) {
    let mut packet = packet();
    let mut group = c.benchmark_group("rtp");
    group.bench_function("parse, two extensions", |b| {
        b.iter(|| Packet::parse(&mut Reader::new(black_box(&packet))).expect("a packet"));
    });
    group.bench_function("parse, and find the second extension", |b| {
        b.iter(|| {
            let packet = Packet::parse(&mut Reader::new(black_box(&packet))).expect("a packet");
            packet.header.extension(3).map(<[u8]>::len)
        });
    });
    let mut out = Vec::with_capacity(1500);
    group.bench_function("write a header", |b| {
        let packet = packet.clone();
        let header = Packet::parse(&mut Reader::new(&packet))
            .expect("a packet")
            .header;
        b.iter(|| {
            out.clear();
            black_box(&header).emit(&mut Writer::new(&mut out, 1500));
        });
    });
    group.bench_function("change in place for another session", |b| {
        b.iter(|| {
            let mut header = HeaderMut::new(black_box(&mut packet)).expect("a packet");
            header.set_ssrc(Ssrc(7));
            header.set_sequence_number(Serial16(8));
            header.set_timestamp(Serial32(9));
            header.set_payload_type(PayloadType::from_low_bits(97));
        });
    });
    let feedback = feedback();
    group.bench_function("feedback on 50 packets", |b| {
        b.iter(|| {
            let compound = Compound::parse(&mut Reader::new(black_box(&feedback)));
            let packets = compound.expect("RTCP").packets().flatten();
            packets
                .map(|packet| match packet {
                    Rtcp::TransportFeedback(feedback) => feedback.arrivals().count(),
                    _ => 0,
                })
                .sum::<usize>()
        });
    });
    group.finish();
}

/// Senders as a browser's answer makes them, with repeated packets.
fn senders(count: u64) -> Vec<RtpSender> {
    let mut parameters = SendParameters::new(PayloadType::from_low_bits(96), 90_000, Format::Vp8);
    parameters.repair_payload_type = Some(PayloadType::from_low_bits(97));
    parameters.extensions.insert(3, Kind::AbsoluteSendTime);
    parameters.extensions.insert(4, Kind::TransportSequence);
    let new = |seed| {
        let mut config = SenderConfig::new(Ssrc(1));
        config.repair = Some(Ssrc(2));
        let mut sender = RtpSender::new(config, &mut Rng::from_number(seed));
        sender.set_parameters(parameters.clone());
        sender
    };
    (0..count).map(new).collect()
}

/// Polls all that there is.
fn drain(sender: &mut RtpSender, now: Instant, transport: &mut Serial16, out: &mut Vec<u8>) {
    let wall = Duration::from_nanos(now.as_nanos());
    loop {
        out.clear();
        if !sender.poll_rtp(now, transport, wall, &mut Writer::new(out, 1200)) {
            break;
        }
    }
}

fn sending(c: &mut Criterion) {
    let mut group = c.benchmark_group("sender");
    let mut out = Vec::with_capacity(1500);
    let (mut transport, mut millis, mut number) = (Serial16(0), 0, 0_u16);
    for subscribers in [1, 50] {
        let mut senders = senders(subscribers);
        group.throughput(Throughput::Elements(subscribers));
        group.bench_function(format!("send a packet on to {subscribers}"), |b| {
            b.iter(|| {
                millis += 1;
                number = number.wrapping_add(1);
                let now = Instant::from_millis(millis);
                // As it comes from a receiver: in memory that was just written.
                let payload = Bytes::from(vec![1; 1150]);
                let packet = OutPacket {
                    source: Ssrc(9),
                    number: Serial16(number),
                    timestamp: Serial32(u32::from(number)),
                    payload_type: PayloadType::from_low_bits(96),
                    marker: false,
                    extensions: &[],
                    payload: &payload,
                };
                for sender in &mut senders {
                    sender.write_packet(now, &packet).expect("room");
                    drain(sender, now, &mut transport, &mut out);
                }
            });
        });
    }
    let mut sender = senders(1).remove(0);
    let data = Bytes::from(vec![1; 11_000]);
    group.throughput(Throughput::Elements(10));
    group.bench_function("cut and send a picture of ten packets", |b| {
        b.iter(|| {
            millis += 33;
            let now = Instant::from_millis(millis);
            let frame = MediaFrame::new(0, data.clone());
            sender.write(now, &frame).expect("room");
            drain(&mut sender, now, &mut transport, &mut out);
        });
    });
    group.finish();
}

/// A receiver as a browser's offer makes it.
fn receiver(mode: Mode, format: Format) -> RtpReceiver {
    let mut config = ReceiverConfig::default();
    config.mode = mode;
    let mut codec = ReceiveCodec::new(PayloadType::from_low_bits(96), 90_000, format);
    codec.repair_payload_type = Some(PayloadType::from_low_bits(97));
    (codec.nack, codec.pli) = (true, true);
    let mut parameters = ReceiveParameters {
        codecs: vec![codec],
        ..ReceiveParameters::default()
    };
    parameters.extensions.insert(1, Kind::AudioLevel);
    parameters.extensions.insert(3, Kind::TransportSequence);
    let mut receiver = RtpReceiver::new(Ssrc(1), config);
    receiver.set_parameters(&Arc::new(parameters));
    receiver
}

/// The packets of one frame after the other, as a browser sends them.
struct Stream {
    packet: Vec<u8>,
    count: u64,
    /// How many packets a frame has.
    each: u64,
}

impl Stream {
    fn new(each: u64) -> Self {
        let (packet, count) = (packet(), 0);
        Self {
            packet,
            count,
            each,
        }
    }

    /// Lets a receiver have the next packet.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "numbers and timestamps wrap"
    )]
    fn give(&mut self, receiver: &mut RtpReceiver) {
        let Self {
            packet,
            count,
            each,
        } = self;
        let mut header = HeaderMut::new(packet).expect("a packet");
        header.set_sequence_number(Serial16(*count as u16));
        header.set_timestamp(Serial32((*count / *each) as u32 * 3000));
        // The mark, and a VP8 descriptor: the first packet says that a key frame begins.
        let payload = packet.len() - 1150;
        let part = *count % *each;
        packet[1] = 96 | u8::from(part + 1 == *each) << 7;
        packet[payload] = if part == 0 { 0x10 } else { 0 };
        let now = Instant::from_millis(*count * 4);
        *count += 1;
        let packet = Packet::parse(&mut Reader::new(packet)).expect("a packet");
        receiver.handle_rtp(now, &packet);
    }
}

fn receiving(c: &mut Criterion) {
    let mut group = c.benchmark_group("receiver");
    for (name, mode, format, each) in [
        ("a packet to send on", Mode::Packets, Format::Vp8, 10),
        ("a packet of sound", Mode::Frames, Format::Plain, 1),
        ("a picture of ten packets", Mode::Frames, Format::Vp8, 10),
    ] {
        let mut receiver = receiver(mode, format);
        let mut stream = Stream::new(each);
        group.throughput(Throughput::Elements(each));
        group.bench_function(name, |b| {
            b.iter(|| {
                for _ in 0..each {
                    stream.give(&mut receiver);
                    core::iter::from_fn(|| receiver.poll_event()).for_each(drop);
                }
            });
        });
    }
    let mut estimator = Estimator::new(estimate::Config::default());
    let mut millis = 0;
    group.throughput(Throughput::Elements(1));
    group.bench_function("what a packet tells of the network", |b| {
        b.iter(|| {
            millis += 6;
            let sent = AbsoluteSendTime::from_duration(Duration::from_millis(millis));
            estimator.on_packet(Instant::from_millis(millis), sent, 1200);
            estimator.poll_report(Instant::from_millis(millis))
        });
    });
    group.finish();
}

criterion_group!(benches, rtp, sending, receiving);
criterion_main!(benches);
