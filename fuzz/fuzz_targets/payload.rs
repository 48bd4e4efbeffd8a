//! Payloads of every format, in any order, and frames on their way into payloads.
#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use pollrtc::cursor::Writer;
use pollrtc::rtp::format::red::Redundant;
use pollrtc::rtp::format::{Limits, av1, h264, h265, opus, vp8, vp9};

macro_rules! depacketize {
    ($format:ident, $payloads:expr, $limits:expr) => {{
        let mut depacketizer = $format::Depacketizer::new($limits);
        for payload in $payloads {
            let _ = $format::is_key(payload);
            let _ = depacketizer.push(payload);
            if payload.len() % 5 == 0 {
                let frame = depacketizer.finish();
                assert!(frame.is_none_or(|frame| frame.data.len() <= $limits.frame));
            }
        }
        let _ = depacketizer.finish();
    }};
}

fuzz_target!(|input: (u8, Vec<Vec<u8>>)| {
    let (room, payloads) = input;
    let mut limits = Limits::default();
    limits.frame = 600;
    depacketize!(vp8, &payloads, limits);
    depacketize!(vp9, &payloads, limits);
    depacketize!(h264, &payloads, limits);
    depacketize!(h265, &payloads, limits);
    depacketize!(av1, &payloads, limits);
    for payload in &payloads {
        let _ = opus::duration(payload);
        let _ = Redundant::parse(payload).map(|redundant| redundant.blocks().count());
        let mut packetizer = h264::Packetizer::new(room & 1 == 1);
        packetizer.push(Bytes::copy_from_slice(payload));
        let mut out = Vec::new();
        while packetizer
            .next(&mut Writer::new(&mut out, room.into()))
            .is_some()
        {}
        let mut packetizer = h265::Packetizer::new();
        packetizer.push(Bytes::copy_from_slice(payload));
        while packetizer
            .next(&mut Writer::new(&mut out, room.into()))
            .is_some()
        {}
        let mut packetizer = av1::Packetizer::new();
        if packetizer.push(&Bytes::copy_from_slice(payload)).is_ok() {
            while packetizer
                .next(&mut Writer::new(&mut out, room.into()))
                .is_some()
            {}
        }
    }
});
