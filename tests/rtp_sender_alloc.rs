//! How much does a packet allocate on its way out, once everything is warm?

use core::time::Duration;
use std::alloc::System;

use bytes::Bytes;
use pollrtc::cursor::Writer;
use pollrtc::rng::Rng;
use pollrtc::rtp::RtpSender;
use pollrtc::rtp::format::Format;
use pollrtc::rtp::sender::{MediaFrame, OutPacket, SendParameters, SenderConfig};
use pollrtc::seq::{Serial16, Serial32};
use pollrtc::time::Instant;
use pollrtc::wire::rtp::extension::{AudioLevel, Extension, Kind};
use pollrtc::wire::rtp::{PayloadType, Ssrc};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static GLOBAL: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// How far the time, the numbers and the transport are.
struct Stage {
    sender: RtpSender,
    millis: u64,
    transport: Serial16,
    out: Vec<u8>,
    last: u16,
}

impl Stage {
    fn new(format: Format) -> Self {
        let mut config = SenderConfig::new(Ssrc(1));
        config.repair = Some(Ssrc(2));
        let mut parameters = SendParameters::new(PayloadType::from_low_bits(96), 90_000, format);
        parameters.repair_payload_type = Some(PayloadType::from_low_bits(97));
        parameters.mid = "0".into();
        for (id, kind) in [
            (1, Kind::Mid),
            (2, Kind::TransportSequence),
            (3, Kind::AbsoluteSendTime),
            (4, Kind::AudioLevel),
        ] {
            parameters.extensions.insert(id, kind);
        }
        let mut sender = RtpSender::new(config, &mut Rng::from_number(1));
        sender.set_parameters(parameters);
        Self {
            sender,
            millis: 0,
            transport: Serial16(0),
            out: Vec::with_capacity(1500),
            last: 0,
        }
    }

    fn now(&self) -> Instant {
        Instant::from_millis(self.millis)
    }

    fn drain(&mut self) -> u32 {
        let (now, mut packets) = (self.now(), 0);
        loop {
            self.out.clear();
            let wall = Duration::from_millis(self.millis);
            let mut w = Writer::new(&mut self.out, 1200);
            if !self.sender.poll_rtp(now, &mut self.transport, wall, &mut w) {
                return packets;
            }
            self.last = u16::from_be_bytes([self.out[2], self.out[3]]);
            packets += 1;
        }
    }

    /// Pictures of a megabyte and a half in a second, one of a hundred packets lost.
    fn frames(&mut self, data: &Bytes, count: u32) -> u32 {
        let mut packets = 0;
        for n in 0..count {
            self.millis += 33;
            let frame = MediaFrame::new(n.wrapping_mul(3000), data.clone());
            self.sender.write(self.now(), &frame).expect("room");
            packets += self.drain();
        }
        packets
    }

    /// A thousand packets in a second, one of ten lost.
    fn packets(&mut self, payload: &Bytes, first: u32, count: u32) -> u32 {
        let level = AudioLevel {
            voice: true,
            below: 9,
        };
        let mut packets = 0;
        for n in first..first + count {
            self.millis += 1;
            let packet = OutPacket {
                source: Ssrc(7),
                number: Serial16((n & 0xffff) as u16),
                timestamp: Serial32(n),
                payload_type: PayloadType::from_low_bits(96),
                marker: false,
                extensions: &[Extension::AudioLevel(level)],
                payload,
            };
            self.sender.write_packet(self.now(), &packet).expect("room");
            packets += self.drain();
            if n % 10 == 0 {
                self.sender.on_nack(self.now(), [Serial16(self.last)]);
                packets += self.drain();
            }
        }
        packets
    }
}

/// How many allocations `work` makes for each of the packets that it sends.
fn allocations(work: impl FnOnce() -> u32) -> f64 {
    let region = Region::new(GLOBAL);
    let packets = work();
    let change = region.change();
    let allocations = change.allocations + change.reallocations;
    let each = f64::from(u32::try_from(allocations).expect("fewer than four billion"))
        / f64::from(packets);
    println!("{packets} packets: {each} allocations each");
    each
}

/// One test, since the allocator counts for the whole process.
#[test]
fn a_packet_allocates_nothing() {
    let payload = Bytes::from(vec![1; 1150]);
    let mut stage = Stage::new(Format::Vp8);
    stage.packets(&payload, 0, 3000);
    let each = allocations(|| stage.packets(&payload, 3000, 10_000));
    assert!(each <= 0.0, "{each} allocations per packet sent on");

    let picture = Bytes::from(vec![1; 20_000]);
    let mut stage = Stage::new(Format::Vp8);
    stage.frames(&picture, 100);
    let each = allocations(|| stage.frames(&picture, 1000));
    assert!(each <= 0.0, "{each} allocations per packet of a picture");

    let sound = Bytes::from(vec![1; 100]);
    let mut stage = Stage::new(Format::Plain);
    stage.frames(&sound, 100);
    let each = allocations(|| stage.frames(&sound, 1000));
    assert!(each <= 0.0, "{each} allocations per packet of sound");
}
