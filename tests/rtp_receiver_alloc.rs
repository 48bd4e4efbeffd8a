//! How much does a received packet allocate, once everything is warm?
#![allow(
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    reason = "a test has std, and neither alloc nor core unless it asks"
)]

use std::alloc::System;
use std::ops::RangeBounds;
use std::sync::Arc;
use std::time::Duration;

use pollrtc::cursor::{Reader, Writer};
use pollrtc::rtp::format::{Format, Packetizer};
use pollrtc::rtp::receiver::{
    Event, Feedback, Mode, ReceiveCodec, ReceiveParameters, ReceiverConfig, RtpReceiver,
};
use pollrtc::seq::{Serial16, Serial32};
use pollrtc::time::Instant;
use pollrtc::wire::list::List;
use pollrtc::wire::rtp::{Header, Packet, PayloadType, Ssrc};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static GLOBAL: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const TYPE: PayloadType = PayloadType::from_low_bits(96);
/// Frames of a stream, each of several packets if they are pictures.
const FRAMES: u16 = 200;

/// The packets of frames of `len` bytes.
fn packets(format: Format, len: usize) -> Vec<Vec<u8>> {
    let mut packetizer = Packetizer::new(format, 0);
    let mut packets = Vec::new();
    for frame in 0..FRAMES {
        let mut data = vec![0x11; len];
        data[0] = u8::from(frame > 0);
        packetizer.push(data.into()).expect("a frame");
        let mut payload = Vec::new();
        while let Some(marker) = packetizer.next(&mut Writer::new(&mut payload, 1150)) {
            let header = Header {
                marker,
                payload_type: TYPE,
                sequence_number: Serial16(u16::try_from(packets.len()).expect("a number")),
                timestamp: Serial32(u32::from(frame) * 3000),
                ssrc: Ssrc(1),
                csrcs: List::EMPTY,
                extensions: None,
            };
            let packet = Packet {
                header,
                payload: &payload,
                padding: 0,
            };
            let mut bytes = Vec::new();
            packet.emit(&mut Writer::new(&mut bytes, 1500));
            packets.push(bytes);
            payload.clear();
        }
    }
    packets
}

fn receiver(format: Format, mode: Mode) -> RtpReceiver {
    let mut config = ReceiverConfig::default();
    config.mode = mode;
    let mut receiver = RtpReceiver::new(Ssrc(1), config);
    let mut codec = ReceiveCodec::new(TYPE, 90_000, format);
    codec.nack = true;
    receiver.set_parameters(&Arc::new(ReceiveParameters {
        codecs: vec![codec],
        ..ReceiveParameters::default()
    }));
    receiver
}

/// Receives all but every `lost`th packet, which comes when it is asked for; how
/// many frames or packets came out.
fn play(
    receiver: &mut RtpReceiver,
    packets: &[Vec<u8>],
    range: impl RangeBounds<usize>,
    lost: usize,
) -> usize {
    let mut given = 0;
    let numbered = packets.iter().enumerate();
    for (index, bytes) in numbered.filter(|(index, _)| range.contains(index)) {
        let now = Instant::ZERO + Duration::from_micros(index as u64 * 3300);
        if (index + 1) % lost != 0 {
            let packet = Packet::parse(&mut Reader::new(bytes)).expect("a packet");
            receiver.handle_rtp(now, &packet);
        }
        receiver.handle_timeout(now);
        while let Some(feedback) = receiver.poll_feedback(now) {
            let Feedback::Nack(numbers) = feedback else {
                panic!("{feedback:?}");
            };
            for number in numbers {
                let bytes = &packets[usize::from(number.0)];
                let packet = Packet::parse(&mut Reader::new(bytes)).expect("a packet");
                receiver.handle_rtp(now, &packet);
            }
        }
        while let Some(event) = receiver.poll_event() {
            given += 1;
            match event {
                Event::Frame(frame) => assert!(!frame.data.is_empty()),
                Event::Packet(packet) => assert!(!packet.payload.is_empty()),
                _ => {}
            }
        }
    }
    given
}

/// One test, since the allocator counts for the whole process.
#[test]
fn a_packet_allocates_nothing_and_a_frame_its_own_bytes() {
    const NEVER: usize = usize::MAX;
    // Bytes in a frame; which packets are lost; allocations for each that comes out.
    let cases = [
        (Format::Plain, Mode::Packets, 80, NEVER, 0.0),
        (Format::Vp8, Mode::Packets, 11_000, NEVER, 0.0),
        (Format::Plain, Mode::Frames, 80, NEVER, 1.0),
        (Format::Vp8, Mode::Frames, 11_000, NEVER, 1.0),
        // A list of numbers is made for each request.
        (Format::Vp8, Mode::Packets, 11_000, 20, 0.06),
        (Format::Vp8, Mode::Frames, 11_000, 20, 2.0),
    ];
    for (format, mode, len, lost, most) in cases {
        let packets = packets(format, len);
        let mut receiver = receiver(format, mode);
        let warm = packets.len() / 2;
        let first = play(&mut receiver, &packets, ..warm, lost);
        assert!(first > 0);
        let region = Region::new(GLOBAL);
        let given = play(&mut receiver, &packets, warm.., lost);
        let change = region.change();
        let allocations = change.allocations + change.reallocations;
        let count = |count: usize| f64::from(u32::try_from(count).expect("small"));
        let each = count(allocations) / count(given);
        assert!(each <= most, "{format:?} {mode:?} {lost}: {each}");
    }
}
