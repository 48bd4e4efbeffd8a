use alloc::vec;
use alloc::vec::Vec;
use core::time::Duration;

use bytes::Bytes;
use proptest::collection::vec as list_of;
use proptest::prelude::*;
use proptest::sample::select;

use super::red::{Block, Redundant};
use super::telephone_event::TelephoneEvent;
use super::vp8::PictureId;
use super::*;
use crate::cursor::{Malformed, Reader};
use crate::rtp::fmtp::Parameters;
use crate::wire::rtp::{Packet, PayloadType};

/// Both halves of one format.
struct Pair {
    format: Format,
    packetizer: Packetizer,
    depacketizer: Depacketizer,
}

const NAMES: [&str; 5] = ["VP8", "VP9", "H264", "H265", "AV1"];

impl Pair {
    fn new(name: &str, limits: Limits) -> Self {
        let parameters = Parameters("packetization-mode=1");
        let format = Format::of(name, parameters).expect("a format");
        Self {
            format,
            packetizer: Packetizer::new(format, 0x7ffe),
            depacketizer: Depacketizer::new(format, limits),
        }
    }

    /// The payloads of a frame, none longer than `room`.
    fn packetize(&mut self, frame: &[u8], room: usize) -> Vec<Vec<u8>> {
        let frame = Bytes::copy_from_slice(frame);
        self.packetizer.push(frame).expect("a frame");
        let mut payloads: Vec<Vec<u8>> = vec![];
        let mut ended = false;
        loop {
            let mut payload = vec![];
            let w = &mut Writer::new(&mut payload, room);
            let last = self.packetizer.next(w);
            assert!(!w.is_overflowed());
            match last {
                Some(last) => {
                    assert!(!ended && !payload.is_empty());
                    ended = last;
                    payloads.push(payload);
                }
                None => {
                    assert!(ended && payload.is_empty(), "the last one says so");
                    return payloads;
                }
            }
        }
    }

    fn push(&mut self, payload: &[u8]) -> Result<(), Malformed> {
        self.depacketizer.push(payload)
    }

    fn finish(&mut self) -> Option<Frame> {
        self.depacketizer.finish()
    }

    fn is_key(&self, payload: &[u8]) -> bool {
        self.format.is_key(payload)
    }
}

/// A frame as its codec could have made it, of parts of these sizes.
#[expect(clippy::cast_possible_truncation, reason = "small numbers")]
fn frame(name: &str, is_key: bool, parts: &[usize], fill: u8) -> Vec<u8> {
    // No zeros: they could look like a start code.
    let body = |len: usize| (0..len).map(move |at| (at % 250) as u8 ^ fill | 1);
    let first = u8::from(!is_key);
    match name {
        "VP8" => [first]
            .into_iter()
            .chain(body(parts.iter().sum()))
            .collect(),
        "VP9" => [0x80 | first << 2]
            .into_iter()
            .chain(body(parts.iter().sum()))
            .collect(),
        "AV1" => {
            let mut unit = vec![0x12, 0];
            let header = if is_key { 1 } else { 3 };
            for (index, &len) in parts.iter().enumerate() {
                let kind: u8 = if index == 0 { header } else { 6 };
                // Every second one has an extension.
                let extension = index % 2 == 1;
                unit.push(kind << 3 | u8::from(extension) << 2 | 2);
                unit.extend(extension.then_some(0x20));
                let mut size = vec![];
                let (low, high) = (len & 0x7f, len >> 7);
                size.push(low as u8 | if high > 0 { 0x80 } else { 0 });
                if high > 0 {
                    size.push(high as u8);
                }
                unit.extend(size);
                unit.extend(body(len));
            }
            unit
        }
        _ => parts
            .iter()
            .enumerate()
            .flat_map(|(index, &len)| {
                let header: &[u8] = match (name, is_key && index == 0) {
                    ("H264", true) => &[0x65],
                    ("H264", false) => &[0x41],
                    (_, true) => &[19 << 1, 1],
                    _ => &[1 << 1, 1],
                };
                [&[0, 0, 0, 1], header]
                    .concat()
                    .into_iter()
                    .chain(body(len + 1))
            })
            .collect(),
    }
}

/// What a receiver gets of a frame: temporal delimiters are not sent.
fn received(name: &str, frame: &[u8]) -> Vec<u8> {
    if name == "AV1" {
        frame[2..].to_vec()
    } else {
        frame.to_vec()
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    /// Frames whose packets all came are found again as they were, in any order
    /// of arrival; those of which one is lost are not made up.
    #[test]
    fn pairs_agree_under_loss_and_reordering(
        name in select(&NAMES[..]),
        frames in list_of((any::<bool>(), list_of(1_usize..900, 1..7), any::<u8>()), 1..6),
        room in 8_usize..1300,
        lost in list_of(any::<prop::sample::Index>(), 0..3),
        seed in any::<u64>(),
    ) {
        let mut pair = Pair::new(name, Limits::default());
        let mut packets = vec![];
        for (index, (is_key, parts, fill)) in frames.iter().enumerate() {
            let frame = frame(name, *is_key, parts, *fill);
            let payloads = pair.packetize(&frame, room);
            prop_assert!(payloads.iter().all(|payload| payload.len() <= room));
            prop_assert_eq!(pair.is_key(&payloads[0]), *is_key);
            packets.extend(payloads.into_iter().map(|payload| (index, payload)));
        }
        let mut came: Vec<_> = packets.iter().cloned().enumerate().collect();
        for index in &lost {
            if !came.is_empty() {
                came.remove(index.index(came.len()));
            }
        }
        // Shuffled by the seed, and put back in order as a jitter buffer does.
        came.sort_by_key(|(number, _)| (*number as u64).wrapping_mul(seed | 1));
        came.sort_by_key(|(number, _)| *number);
        for (index, (is_key, parts, fill)) in frames.iter().enumerate() {
            let sent = packets.iter().filter(|(frame, _)| *frame == index).count();
            let mine: Vec<_> = came.iter().filter(|(_, (frame, _))| *frame == index).collect();
            for (_, (_, payload)) in &mine {
                let _ = pair.push(payload);
            }
            let whole = pair.finish();
            if mine.len() == sent {
                let expected = received(name, &frame(name, *is_key, parts, *fill));
                prop_assert_eq!(whole, Some(Frame { data: expected.into(), is_key: *is_key }));
            } else if let Some(whole) = whole {
                // What is missing in the middle of VP8 and VP9 only the numbers tell.
                prop_assert!(whole.data.len() < frame(name, *is_key, parts, *fill).len());
            }
        }
    }

    #[test]
    fn any_payloads_are_survived(
        name in select(&NAMES[..]),
        payloads in list_of(list_of(any::<u8>(), 0..60), 0..20),
    ) {
        let limits = Limits { frame: 200 };
        let mut pair = Pair::new(name, limits);
        for payload in &payloads {
            let _ = pair.is_key(payload);
            let _ = pair.push(payload);
        }
        let whole = pair.finish();
        prop_assert!(whole.is_none_or(|whole| whole.data.len() <= limits.frame));
        for payload in &payloads {
            let _ = pair.format.starts_frame(payload);
            let _ = pair.packetizer.push(Bytes::copy_from_slice(payload));
            let mut r = Reader::new(payload);
            if let Ok(descriptor) = vp8::Descriptor::parse(&mut r) {
                let mut buf = vec![];
                descriptor.emit(&mut Writer::new(&mut buf, 100));
                prop_assert_eq!(buf.len(), descriptor.encoded_len());
                prop_assert_eq!(vp8::Descriptor::parse(&mut Reader::new(&buf)), Ok(descriptor));
            }
            if let Ok(descriptor) = vp9::Descriptor::parse(&mut Reader::new(payload)) {
                let mut buf = vec![];
                descriptor.emit(&mut Writer::new(&mut buf, 100));
                prop_assert_eq!(buf.len(), descriptor.encoded_len());
                prop_assert_eq!(vp9::Descriptor::parse(&mut Reader::new(&buf)), Ok(descriptor));
            }
            if let Ok(redundant) = Redundant::parse(payload) {
                let blocks: Vec<_> = redundant.blocks().collect();
                let (newest, older) = blocks.split_last().expect("a block");
                let mut buf = vec![];
                Redundant::emit(older, *newest, &mut Writer::new(&mut buf, 200));
                prop_assert!(Redundant::parse(&buf).is_ok_and(|again| again.blocks().eq(blocks)));
            }
            let _ = opus::duration(payload);
        }
    }
}

#[test]
fn rtp_013_chains_of_red_blocks_are_bounded() {
    let block = |number, offset, data: &'static [u8]| Block {
        payload_type: PayloadType::from_low_bits(number),
        offset,
        data,
    };
    let mut buf = vec![];
    let older = [
        block(111, 1920, b"oldest"),
        block(111, 960, b""),
        block(111, 0x4000, b"no"),
    ];
    Redundant::emit(
        &older,
        block(111, 0, b"newest"),
        &mut Writer::new(&mut buf, 100),
    );
    let redundant = Redundant::parse(&buf).expect("blocks");
    assert!(
        redundant
            .blocks()
            .eq([older[0], older[1], block(111, 0, b"newest")])
    );
    for len in 0..buf.len() - b"newest".len() {
        assert!(Redundant::parse(&buf[..len]).is_err());
    }
    assert!(Redundant::parse(&[0x80, 0, 0, 0].repeat(40)).is_err());
}

#[test]
fn rtp_015_units_of_h264_that_lie_are_dropped() {
    for bad in [
        &[][..],
        &[0x00],
        &[0x1e],
        // STAP-A: empty, cut, with an empty unit, with another STAP-A.
        &[0x18],
        &[0x18, 0],
        &[0x18, 0, 5, 0x41],
        &[0x18, 0, 0],
        &[0x18, 0, 2, 0x18, 0x41],
        // FU-A: without content, both first and last, of an aggregate.
        &[0x7c],
        &[0x7c, 0x85],
        &[0x7c, 0xc5, 1],
        &[0x7c, 0x98, 1],
        &[0x7d, 0x85, 0],
    ] {
        assert!(h264::Payload::parse(bad).is_err(), "{bad:02x?}");
    }
    // The aggregates of interleaved mode are understood.
    let mtap = [0x1a, 0, 0, 0, 2, 0, 0, 7, 0x41, 9];
    let Ok(h264::Payload::Aggregate(aggregate)) = h264::Payload::parse(&mtap) else {
        panic!("it is one");
    };
    assert!(aggregate.units().eq([&[0x41, 9][..]]));

    let mut depacketizer = h264::Depacketizer::new(Limits::default());
    let mut is_dropped = |payloads: &[&[u8]]| {
        let bad = payloads
            .iter()
            .filter(|payload| depacketizer.push(payload).is_err())
            .count();
        let whole = depacketizer.finish();
        assert_eq!(whole.is_none(), bad > 0);
        bad > 0
    };
    assert!(is_dropped(&[&[0x7c, 0x05, 1]]));
    assert!(is_dropped(&[&[0x7c, 0x85, 1], &[0x7c, 0x41, 1]]));
    assert!(is_dropped(&[&[0x7c, 0x85, 1], &[0x5c, 0x45, 1]]));
    assert!(is_dropped(&[&[0x7c, 0x85, 1], &[0x41, 1]]));
    assert!(is_dropped(&[&[0x7c, 0x85, 1], &[0x7c, 0x85, 1]]));
    assert!(!is_dropped(&[&[0x7c, 0x85, 1], &[0x7c, 0x45, 1]]));
    assert!(depacketizer.push(&[0x7c, 0x85, 1]).is_ok());
    assert_eq!(depacketizer.finish(), None);
}

#[test]
fn rtp_016_units_of_h265_that_lie_are_dropped() {
    for bad in [
        &[][..],
        &[2],
        &[2, 1],
        &[96, 1],
        &[96, 1, 0, 9, 2, 1],
        &[96, 1, 0, 1, 2],
        &[96, 1, 0, 3, 96, 1, 0],
        &[98, 1, 0x81],
        &[98, 1, 0xc1, 1],
        &[98, 1, 0xb0, 1],
        // PACI: cut, longer than it, carrying another.
        &[100, 1],
        &[100, 1, 0x02, 0xf0, 1],
        &[100, 1, 0x64, 0, 1, 1],
        &[102, 1, 1],
    ] {
        assert!(h265::Payload::parse(bad).is_err(), "{bad:02x?}");
    }
}

#[test]
fn rtp_017_elements_of_av1_that_lie_are_dropped() {
    for bad in [
        &[][..],
        &[0x00],
        &[0x10],
        &[0x00, 0x05, 0x32],
        &[0x20, 0x01, 0x32],
        &[0x30, 0x01, 0x32, 0x32],
        &[
            0x20, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01, 0x32,
        ],
        &[0x20, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f, 0x32],
        &[0x98, 0x32],
    ] {
        assert!(av1::Payload::parse(bad).is_err(), "{bad:02x?}");
    }
    // An OBU with a size beyond it, one that is forbidden, one that is not continued.
    for bad in [
        &[0x10, 0x32, 0x05, 1][..],
        &[0x10, 0xb0, 1],
        &[0x90, 0x30, 1],
    ] {
        let mut depacketizer = av1::Depacketizer::new(Limits::default());
        assert!(depacketizer.push(bad).is_err(), "{bad:02x?}");
        assert_eq!(depacketizer.finish(), None);
    }
}

#[test]
fn rtp_018_descriptors_of_vp8_and_vp9_are_not_read_beyond() {
    for bad in [
        &[][..],
        &[0x80],
        &[0x80, 0x80],
        &[0x80, 0x80, 0x80],
        &[0x80, 0x40],
        &[0x80, 0x20],
    ] {
        assert!(
            vp8::Descriptor::parse(&mut Reader::new(bad)).is_err(),
            "{bad:02x?}"
        );
    }
    for bad in [
        &[][..],
        &[0x80],
        &[0x80, 0x80],
        &[0x20, 0],
        &[0x50],
        &[0x50, 1, 1, 1, 0],
        &[0x02],
        &[0x02, 0xf8],
        &[0x02, 0x08, 255, 0],
        &[0x02, 0x08, 1, 0x0c, 1],
    ] {
        assert!(
            vp9::Descriptor::parse(&mut Reader::new(bad)).is_err(),
            "{bad:02x?}"
        );
    }
    assert_eq!(PictureId::Long(0x7fff).next(), PictureId::Long(0));
    assert_eq!(PictureId::Short(0x7f).next(), PictureId::Short(0));
}

/// Captured by werift from a browser: one frame in five packets.
#[test]
fn packets_of_a_browser_are_a_frame() {
    let packets: [&[u8]; 5] = [
        include_bytes!("../../../tests/vectors/rtp/werift_vp8_dump_0.rtp"),
        include_bytes!("../../../tests/vectors/rtp/werift_vp8_dump_1.rtp"),
        include_bytes!("../../../tests/vectors/rtp/werift_vp8_dump_2.rtp"),
        include_bytes!("../../../tests/vectors/rtp/werift_vp8_dump_3.rtp"),
        include_bytes!("../../../tests/vectors/rtp/werift_vp8_dump_4.rtp"),
    ];
    let mut whole = 0;
    let mut depacketizer = vp8::Depacketizer::new(Limits::default());
    for bytes in packets {
        let packet = Packet::parse(&mut Reader::new(bytes)).expect("RTP");
        if packet.payload.is_empty() {
            continue;
        }
        let mut r = Reader::new(packet.payload);
        let descriptor = vp8::Descriptor::parse(&mut r).expect("VP8");
        if descriptor.starts_frame() {
            let _ = depacketizer.finish();
        }
        let is_first = descriptor.starts_frame();
        assert_eq!(
            depacketizer.push(packet.payload).is_ok(),
            is_first || whole > 0 || !depacketizer.is_empty()
        );
        whole += usize::from(is_first);
    }
    assert!(whole > 0, "a frame starts");
}

#[test]
fn keys_of_a_telephone_and_lengths_of_sound() {
    let mut r = Reader::new(&[5, 0x8a, 0x03, 0x20]);
    let event = TelephoneEvent::parse(&mut r).expect("an event");
    assert_eq!(
        (event.key(), event.is_end, event.volume, event.duration),
        (Some('5'), true, 10, 800)
    );
    assert_eq!(
        (TelephoneEvent::of_key('a'), TelephoneEvent::of_key('x')),
        (Some(12), None)
    );
    let mut buf = vec![];
    event.emit(&mut Writer::new(&mut buf, TelephoneEvent::LEN));
    assert_eq!(buf, [5, 0x8a, 0x03, 0x20]);

    let millis = |packet: &[u8]| opus::duration(packet).map(|duration| duration.as_micros());
    assert_eq!(millis(&[0x78]), Ok(20_000));
    assert_eq!(millis(&[0x80]), Ok(2_500));
    assert_eq!(millis(&[0x19]), Ok(120_000));
    assert_eq!(millis(&[0x03, 12]), Ok(120_000));
    assert!(millis(&[0x03, 13]).is_err() && millis(&[0x03, 0]).is_err());
    assert!(millis(&[]).is_err() && millis(&[0x03]).is_err());
    assert_eq!(opus::ticks(Duration::from_millis(20), 48_000), 960);
}

/// The first payload of a stream that a browser sent.
#[test]
fn a_payload_of_a_browser_begins_a_sequence() {
    let payload = include_bytes!("../../../tests/vectors/rtp/werift_av1_dump_0.av1");
    let parsed = av1::Payload::parse(payload).expect("AV1");
    assert!(parsed.starts_sequence && av1::is_key(payload));
    assert_eq!((parsed.continues, parsed.is_continued), (false, true));
    assert_eq!(parsed.elements().count(), 2);
    let mut depacketizer = av1::Depacketizer::new(Limits::default());
    assert!(depacketizer.push(payload).is_ok());
    assert_eq!(depacketizer.finish(), None, "its second OBU goes on");
}
