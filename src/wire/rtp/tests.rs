use alloc::string::ToString;
use alloc::vec;
use alloc::vec::Vec;
use core::time::Duration;

use proptest::collection::vec as list_of;
use proptest::prelude::*;
use proptest::sample::select;

use super::extension::{
    AbsoluteCaptureTime, AbsoluteSendTime, Allocation, AudioLevel, Block, ColorSpace,
    DependencyDescriptor, Extension, FeedbackRequest, Form, FrameDependencies, HdrMetadata,
    Indication, Kind, Layer, Mid, MixerLevels, PlayoutDelay, RepairedStreamId, Resolution,
    Rotation, StreamId, Template, TemplateStructure, TransmissionOffset, TransportSequence,
    VideoLayers, VideoOrientation,
};
use super::{ExtensionMap, Header, HeaderMut, Packet, PayloadType, Ssrc};
use crate::cursor::{Malformed, Reader, Writer};
use crate::seq::{Serial16, Serial32};
use crate::wire::list::List;

fn parse(bytes: &[u8]) -> Result<Packet<'_>, Malformed> {
    Packet::parse(&mut Reader::new(bytes))
}

fn written(emit: impl FnOnce(&mut Writer<'_>)) -> Vec<u8> {
    let mut buf = Vec::new();
    let mut w = Writer::new(&mut buf, 1 << 20);
    emit(&mut w);
    assert!(!w.is_overflowed());
    buf
}

fn unhex(text: &str) -> Vec<u8> {
    hex::decode(text).expect("hex")
}

const HEADER: Header<'static> = Header {
    marker: true,
    payload_type: PayloadType::from_low_bits(96),
    sequence_number: Serial16(7),
    timestamp: Serial32(960),
    ssrc: Ssrc(0x2c),
    csrcs: List::EMPTY,
    extensions: None,
};

/// Packets of other implementations, and what they are.
#[test]
fn packets_of_others_read_as_they_should() {
    let captured = [
        (
            "90e0698fd9c293da1c642782bede000110aa20bb9836be889e",
            "RTP pt=96 seq=27023 ts=3653407706 ssrc=1c642782 M ext=[1:aa 2:bb] len=5",
        ),
        (
            "90e0698fd9c293da1c642782bede000310aa21bbbb000033cccccccc9836be889e",
            "RTP pt=96 seq=27023 ts=3653407706 ssrc=1c642782 M ext=[1:aa 2:bbbb 3:cccccccc] len=5",
        ),
        (
            "90e0698fd9c293da1c6427821000000301000201bb000304cccccccc9836be889e",
            "RTP pt=96 seq=27023 ts=3653407706 ssrc=1c642782 M ext=[1: 2:bb 3:cccccccc] len=5",
        ),
        (
            "b0e0698fd9c293da1c64278200010001ffffffff9836be8804",
            "RTP pt=96 seq=27023 ts=3653407706 ssrc=1c642782 M ext=[profile=0x0001 len=4] len=1 padding=4",
        ),
        (
            "9321b798000027100000002c0000006412345678ffffffffbede000130aa0000",
            "RTP pt=33 seq=47000 ts=10000 ssrc=0000002c csrcs=[00000064 12345678 ffffffff] ext=[3:aa] len=0",
        ),
    ];
    for (bytes, line) in captured {
        let bytes = unhex(bytes);
        let packet = parse(&bytes).expect(line);
        assert_eq!(packet.to_string(), line);
        // Only padding may be other bytes than those that came.
        if packet.padding == 0 {
            assert_eq!(written(|w| packet.emit(w)), bytes);
        }
    }
}

#[test]
fn packets_of_aiortc_read_as_they_should() {
    macro_rules! sample {
        ($name:literal) => {
            &include_bytes!(concat!("../../../tests/vectors/rtp/aiortc_", $name, ".bin"))[..]
        };
    }
    let samples = [
        (sample!("rtp"), 0, 15_743, 0, 160, 0),
        (sample!("rtp_dtmf"), 101, 24_152, 0, 4, 0),
        (sample!("rtp_only_padding"), 120, 27_759, 0, 0, 224),
        (
            sample!("rtp_only_padding_with_header_extensions"),
            98,
            22_138,
            0,
            0,
            224,
        ),
        (sample!("rtp_with_csrc"), 0, 16_082, 2, 160, 0),
    ];
    for (bytes, number, sequence, csrcs, len, padding) in samples {
        let packet = parse(bytes).expect("a packet");
        assert_eq!(packet.header.payload_type.number(), number);
        assert_eq!(packet.header.sequence_number, Serial16(sequence));
        assert_eq!(packet.header.csrcs.len(), csrcs);
        assert_eq!((packet.payload.len(), packet.padding), (len, padding));
        assert_eq!(written(|w| packet.emit(w)).len(), bytes.len());
        for len in 0..packet.header.encoded_len() {
            assert!(parse(&bytes[..len]).is_err());
        }
    }
}

#[test]
fn rtp_001_lengths_that_lie_are_refused() {
    for bytes in [
        "80e0698fd9c293da1c6427",
        "00e0698fd9c293da1c642782",
        "40e0698fd9c293da1c642782",
        "c0e0698fd9c293da1c642782",
        // Fifteen CSRCs that are not there; an extension of which only a part is.
        "8fe0698fd9c293da1c642782",
        "90e0698fd9c293da1c642782",
        "90e0698fd9c293da1c642782bede0003",
        "90e0698fd9c293da1c642782bede00011200",
        "90e0698fd9c293da1c642782bedeffff11111111",
        // Padding: none at all, of length 0, longer than the payload.
        "a0e0698fd9c293da1c642782",
        "a0e0698fd9c293da1c64278200",
        "a0e0698fd9c293da1c6427820003",
        "b0e0698fd9c293da1c64278200010001ffffffff9836be8806",
    ] {
        assert!(parse(&unhex(bytes)).is_err(), "{bytes}");
    }
}

#[test]
fn rtp_002_elements_end_where_the_rfc_says() {
    let elements = |body: &str| -> Vec<(u8, Vec<u8>)> {
        let bytes = unhex(body);
        let block = Block::parse(&mut Reader::new(&bytes)).expect("a block");
        block.elements().map(|e| (e.id, e.value.to_vec())).collect()
    };
    // Id 15 ends the one-byte form; so does padding that has a length.
    assert_eq!(elements("bede000210aaf0bb20cc0000"), [(1, vec![0xaa])]);
    assert_eq!(elements("bede000210aa01bb20cc0000"), [(1, vec![0xaa])]);
    // An element longer than the block is not there.
    assert_eq!(elements("bede000210aa00002f010203"), [(1, vec![0xaa])]);
    assert_eq!(elements("1000000201000203bbcc0000").len(), 2);
    assert_eq!(elements("100000020100ff05bbcc0000"), [(1, vec![])]);
    // In the two-byte form 15 and 255 are ids like others.
    let two_byte = elements("100f00020f01aaff01bb0000");
    assert_eq!(two_byte, [(15, vec![0xaa]), (255, vec![0xbb])]);
    // Another profile has no elements, and only padding neither.
    assert!(elements("abcd000110aa0000").is_empty());
    assert!(elements("bede000100000000").is_empty());
    assert!(elements("bede0000").is_empty());
}

#[test]
fn a_written_block_holds_what_its_form_can_hold() {
    let bytes = written(|w| {
        HEADER.emit_with(w, Form::OneByte, |block| {
            assert!(block.put_bytes(1, b"a"));
            assert!(!block.put_bytes(15, b"b"));
            assert!(!block.put_bytes(0, b"b"));
            assert!(!block.put_bytes(2, b""));
            assert!(!block.put_bytes(2, &[0; 17]));
            assert!(block.put_bytes(14, &[9; 16]));
        });
    });
    assert_eq!(bytes.len() % 4, 0);
    let packet = parse(&bytes).expect("a packet");
    assert_eq!(packet.header.extension(1), Some(&b"a"[..]));
    assert_eq!(packet.header.extension(14), Some(&[9; 16][..]));
    assert_eq!(packet.header.extension(2), None);

    let bytes = written(|w| {
        HEADER.emit_with(w, Form::TwoByte, |block| {
            assert!(block.put_bytes(255, &[7; 255]));
            assert!(!block.put_bytes(1, &[7; 256]));
            assert!(block.put_bytes(1, b""));
        });
    });
    let packet = parse(&bytes).expect("a packet");
    assert_eq!(packet.header.extension(255), Some(&[7; 255][..]));

    let none = written(|w| HEADER.emit_with(w, Form::OneByte, |_| {}));
    assert_eq!(none, written(|w| HEADER.emit(w)));
}

#[test]
fn a_header_is_changed_where_it_lies() {
    let mut bytes = unhex("9321b798000027100000002c0000006412345678ffffffffbede000130aa0000abcd");
    let before = bytes.clone();
    let mut header = HeaderMut::new(&mut bytes).expect("a header");
    header.set_marker(true);
    header.set_payload_type(PayloadType::from_low_bits(127));
    header.set_sequence_number(Serial16(0xfffe));
    header.set_timestamp(Serial32(0x0102_0304));
    header.set_ssrc(Ssrc(5));
    header
        .extension_mut(3)
        .expect("it is there")
        .copy_from_slice(&[0xee]);
    assert!(header.extension_mut(4).is_none());
    let packet = parse(&bytes).expect("a packet");
    let line = "RTP pt=127 seq=65534 ts=16909060 ssrc=00000005 M \
                csrcs=[00000064 12345678 ffffffff] ext=[3:ee] len=2";
    assert_eq!(packet.to_string(), line);

    let mut header = HeaderMut::new(&mut bytes).expect("a header");
    header.set_marker(false);
    header.set_payload_type(PayloadType::from_low_bits(33));
    header.set_sequence_number(Serial16(47000));
    header.set_timestamp(Serial32(10000));
    header.set_ssrc(Ssrc(0x2c));
    header
        .extension_mut(3)
        .expect("it is there")
        .copy_from_slice(&[0xaa]);
    assert_eq!(bytes, before);
    assert!(HeaderMut::new(&mut bytes[..20]).is_err());
}

#[test]
fn a_map_knows_one_id_for_each_kind() {
    let mut map = ExtensionMap::new();
    assert_eq!(map.kind(0), None);
    map.insert(3, Kind::Mid);
    map.insert(4, Kind::StreamId);
    map.insert(5, Kind::Mid);
    assert_eq!((map.kind(3), map.id(Kind::Mid)), (None, Some(5)));
    map.insert(4, Kind::AudioLevel);
    assert_eq!(
        (map.kind(4), map.id(Kind::StreamId)),
        (Some(Kind::AudioLevel), None)
    );
    let bytes = &[0x9e][..];
    let level = AudioLevel {
        voice: true,
        below: 30,
    };
    assert_eq!(map.decode(4, bytes), Ok(Extension::AudioLevel(level)));
    assert_eq!(
        map.decode(9, bytes),
        Ok(Extension::Unknown { id: 9, bytes })
    );
    map.insert(0, Kind::AudioLevel);
    assert_eq!(map.kind(4), None);
    for &kind in Kind::ALL {
        assert_eq!(Kind::of_uri(kind.uri()), Some(kind));
    }
}

#[test]
fn times_are_what_the_wire_says() {
    let time = AbsoluteSendTime::from_duration(Duration::from_millis(65_250));
    assert_eq!(time.since_wrap(), Duration::from_millis(1_250));
    assert_eq!(time.to_string(), "sent=1.250");
    let mut r = Reader::new(&[0xff, 0xff, 0xfe]);
    assert_eq!(
        TransmissionOffset::parse(&mut r),
        Ok(TransmissionOffset(-2))
    );
    let mut r = Reader::new(&[0x01, 0x01, 0x00]);
    assert_eq!(
        PlayoutDelay::parse(&mut r),
        Ok(PlayoutDelay { min: 16, max: 256 })
    );
}

/// Samples of another implementation's tests.
#[test]
fn layer_allocations_read_as_they_should() {
    let read = |bytes: &str| {
        let bytes = unhex(bytes);
        VideoLayers::parse(&mut Reader::new(&bytes)).map(|layers| layers.to_string())
    };
    assert_eq!(
        read("615454646e6f7879013f00b30f027f01671e04ff02cf3c").as_deref(),
        Ok(
            "layers=1/3 [0.0:84,100kbps 320x180@15 1.0:110,111kbps 640x360@30 \
            2.0:120,121kbps 1280x720@60]"
        ),
    );
    assert_eq!(
        read("20100f406465013f00b30f").as_deref(),
        Ok("layers=0/3 [0.0:100,101kbps 320x180@15]"),
    );
    assert_eq!(read("00").as_deref(), Ok("layers=0/1 []"));
    // RtpVideoLayersAllocationExtension.DiscardsOverLargeDataRate of WebRTC.
    assert!(read("4bf6ffffffffffffcb78eb8db531").is_err());
}

fn structure() -> TemplateStructure {
    use Indication::{Discardable, NotPresent, Required, Switch};
    let template = |spatial, temporal, indications: &[Indication], diffs: &[u8], chain| Template {
        spatial,
        temporal,
        indications: indications.to_vec(),
        frame_diffs: diffs.to_vec(),
        chain_diffs: vec![chain],
    };
    TemplateStructure {
        id_offset: 60,
        targets: 2,
        chains: 1,
        protected_by: vec![0, 0],
        templates: vec![
            template(0, 0, &[Switch, Switch], &[], 0),
            template(0, 0, &[Switch, Required], &[4], 4),
            template(0, 1, &[Discardable, NotPresent], &[1, 2], 1),
            template(1, 0, &[NotPresent, Switch], &[16], 2),
        ],
        resolutions: vec![[319, 179], [639, 359]],
    }
}

#[test]
fn dependencies_are_resolved_by_their_structure() {
    let structure = structure();
    let frame = FrameDependencies {
        spatial: 0,
        temporal: 0,
        indications: vec![Indication::Switch; 2],
        frame_diffs: vec![],
        chain_diffs: vec![0],
        active_targets: Some(3),
    };
    let extended = DependencyDescriptor::encode_extended(60, &frame, &structure, true);
    let descriptor = DependencyDescriptor {
        start_of_frame: true,
        end_of_frame: false,
        template_id: 60,
        frame_number: 9,
        extended: &extended,
    };
    assert_eq!(descriptor.structure(), Ok(Some(structure.clone())));
    assert_eq!(descriptor.frame(&structure), Ok(frame));

    // Ids wrap at 64: the fourth template has id 63, the fifth would have 0.
    let frame = FrameDependencies {
        spatial: 1,
        temporal: 0,
        indications: vec![Indication::Discardable; 2],
        frame_diffs: vec![1, 17, 4096],
        chain_diffs: vec![200],
        active_targets: Some(1),
    };
    let extended = DependencyDescriptor::encode_extended(63, &frame, &structure, false);
    let descriptor = |template_id, extended| DependencyDescriptor {
        template_id,
        extended,
        ..descriptor
    };
    assert_eq!(descriptor(63, &extended[..]).frame(&structure), Ok(frame));
    assert!(descriptor(0, &extended[..]).frame(&structure).is_err());
    for len in 1..extended.len() {
        assert!(descriptor(63, &extended[..len]).frame(&structure).is_err());
    }
    // A frame that is as its template says needs nothing more.
    let plain = descriptor(62, &[]).frame(&structure).expect("a template");
    assert!(DependencyDescriptor::encode_extended(62, &plain, &structure, false).is_empty());
}

/// Every extension, and what is written of it.
fn extensions() -> impl Strategy<Value = (Kind, Vec<u8>)> {
    let name = || "[a-zA-Z0-9]{1,16}";
    let byte = any::<u8>;
    let audio = (any::<bool>(), 0_u8..128);
    let request = (any::<u16>(), 0_u16..0x8000, any::<bool>());
    let delay = (0_u16..0x1000, 0_u16..0x1000);
    prop_oneof![
        name().prop_map(|n| emitted(Extension::Mid(Mid(&n)))),
        name().prop_map(|n| emitted(Extension::StreamId(StreamId(&n)))),
        name().prop_map(|n| emitted(Extension::RepairedStreamId(RepairedStreamId(&n)))),
        audio.prop_map(|(voice, below)| {
            emitted(Extension::AudioLevel(AudioLevel { voice, below }))
        }),
        list_of(byte(), 1..15).prop_map(|l| emitted(Extension::MixerLevels(MixerLevels::new(&l)))),
        (0_u32..1 << 24).prop_map(|t| emitted(Extension::AbsoluteSendTime(AbsoluteSendTime(t)))),
        any::<u16>().prop_map(|n| {
            emitted(Extension::TransportSequence(TransportSequence(Serial16(n))))
        }),
        request.prop_map(|(n, count, times)| {
            let with_times = times && count > 0;
            emitted(Extension::FeedbackRequest(FeedbackRequest {
                sequence: Serial16(n),
                count,
                with_times,
            }))
        }),
        (-(1_i32 << 23)..1 << 23)
            .prop_map(|o| { emitted(Extension::TransmissionOffset(TransmissionOffset(o))) }),
        orientations(),
        delay.prop_map(|(a, b)| {
            emitted(Extension::PlayoutDelay(PlayoutDelay {
                min: a.min(b),
                max: a.max(b),
            }))
        }),
        (any::<u64>(), any::<Option<i64>>()).prop_map(|(ntp, clock_offset)| {
            emitted(Extension::AbsoluteCaptureTime(AbsoluteCaptureTime {
                ntp,
                clock_offset,
            }))
        }),
        (any::<[u8; 3]>(), list_of(byte(), 0..20)).prop_map(|(head, mut rest)| {
            rest.splice(..0, head);
            (Kind::DependencyDescriptor, rest)
        }),
        allocations(),
        colors(),
    ]
}

fn emitted(extension: Extension<'_>) -> (Kind, Vec<u8>) {
    let kind = extension.kind().expect("a known kind");
    (kind, written(|w| extension.emit(w)))
}

fn orientations() -> impl Strategy<Value = (Kind, Vec<u8>)> {
    (any::<[bool; 2]>(), 0_usize..4).prop_map(|([back_camera, flipped], turn)| {
        let turns = [
            Rotation::None,
            Rotation::Quarter,
            Rotation::Half,
            Rotation::ThreeQuarters,
        ];
        let rotation = turns[turn];
        emitted(Extension::VideoOrientation(VideoOrientation {
            back_camera,
            flipped,
            rotation,
        }))
    })
}

fn allocations() -> impl Strategy<Value = (Kind, Vec<u8>)> {
    let layers = list_of(
        (
            0_u8..4,
            0_u8..4,
            1_u8..5,
            any::<[u32; 4]>(),
            any::<[u16; 2]>(),
        ),
        0..16,
    );
    (0_u8..4, 1_u8..5, layers, any::<bool>()).prop_map(|(stream, streams, mut layers, sizes)| {
        layers.sort_by_key(|&(stream, spatial, ..)| (stream, spatial));
        let layer = |&(stream, spatial, temporals, targets, [width_minus_1, height_minus_1]): &(
            u8,
            u8,
            u8,
            [u32; 4],
            [u16; 2],
        )| Layer {
            stream,
            spatial,
            temporals,
            targets,
            resolution: Resolution {
                width_minus_1,
                height_minus_1,
                frame_rate: temporals,
            },
        };
        let layers: Vec<_> = layers.iter().map(layer).collect();
        let allocation = Allocation::new(stream, streams, &layers, sizes);
        let bytes = written(|w| allocation.emit(w));
        assert_eq!(bytes.len(), allocation.encoded_len());
        (Kind::VideoLayers, bytes)
    })
}

fn colors() -> impl Strategy<Value = (Kind, Vec<u8>)> {
    let hdr = (any::<[u16; 4]>(), any::<[[u16; 2]; 4]>());
    (any::<[u8; 4]>(), proptest::option::of(hdr)).prop_map(|([a, b, c, d], hdr)| {
        let hdr = hdr.map(|([max, min, content, average], chromaticity)| HdrMetadata {
            luminance_max: max,
            luminance_min: min,
            chromaticity,
            max_content_light: content,
            max_average_light: average,
        });
        emitted(Extension::ColorSpace(ColorSpace {
            primaries: a,
            transfer: b,
            matrix: c,
            range_and_siting: d,
            hdr,
        }))
    })
}

proptest! {
    #[test]
    fn a_packet_is_read_as_it_was_written(
        (marker, number, sequence, timestamp, ssrc) in any::<(bool, u8, u16, u32, u32)>(),
        csrcs in list_of(any::<u32>(), 0..=15),
        elements in list_of((1_u8..15, list_of(any::<u8>(), 1..=16)), 0..6),
        payload in list_of(any::<u8>(), 0..100),
        padding in any::<u8>(),
    ) {
        let csrcs = List::encode(csrcs.into_iter().map(Ssrc));
        let body: Vec<u8> = elements
            .iter()
            .flat_map(|(id, value)| [&[id << 4 | (u8::try_from(value.len()).expect("few") - 1)][..], value].concat())
            .collect();
        let mut block = unhex("bede0000");
        block[3] = u8::try_from(body.len().div_ceil(4)).expect("few");
        block.extend(&body);
        block.resize(4 + body.len().next_multiple_of(4), 0);
        let extensions = (!elements.is_empty())
            .then(|| Block::parse(&mut Reader::new(&block)).expect("a block"));
        let packet = Packet {
            header: Header {
                marker,
                payload_type: PayloadType::from_low_bits(number),
                sequence_number: Serial16(sequence),
                timestamp: Serial32(timestamp),
                ssrc: Ssrc(ssrc),
                csrcs: List::new(&csrcs),
                extensions,
            },
            payload: &payload,
            padding,
        };
        let bytes = written(|w| packet.emit(w));
        prop_assert_eq!(bytes.len(), packet.encoded_len());
        prop_assert_eq!(parse(&bytes), Ok(packet));
        // The header says where it ends, and what is cut says so.
        let end = packet.header.encoded_len();
        for len in 0..end {
            prop_assert!(parse(&bytes[..len]).is_err());
        }
        let with = written(|w| {
            packet.header.emit_with(w, Form::OneByte, |block| {
                for (id, value) in &elements {
                    block.put_bytes(*id, value);
                }
            });
        });
        prop_assert_eq!(with, written(|w| packet.header.emit(w)));
        for (id, _) in &elements {
            let first = elements.iter().find(|(other, _)| other == id).map(|(_, v)| &v[..]);
            prop_assert_eq!(packet.header.extension(*id), first);
        }
    }

    #[test]
    fn an_extension_is_read_as_it_was_written((kind, bytes) in extensions()) {
        let extension = Extension::parse(kind, &mut Reader::new(&bytes));
        let extension = extension.expect("what was written can be read");
        prop_assert_eq!(extension.encoded_len(), bytes.len());
        prop_assert_eq!(written(|w| extension.emit(w)), &bytes[..]);
        prop_assert!(!extension.to_string().contains('\n'));
        for len in 0..bytes.len() {
            // A cut value may mean something else; it never means more.
            let _ = Extension::parse(kind, &mut Reader::new(&bytes[..len]));
        }
        prop_assert!(Extension::parse(kind, &mut Reader::new(&[])).is_err());
    }

    #[test]
    fn any_bytes_are_some_extension_or_none(
        kind in select(Kind::ALL),
        bytes in list_of(any::<u8>(), 0..64),
    ) {
        if let Ok(extension) = Extension::parse(kind, &mut Reader::new(&bytes)) {
            let _ = extension.to_string();
            let again = written(|w| extension.emit(w));
            prop_assert_eq!(Extension::parse(kind, &mut Reader::new(&again)), Ok(extension));
        }
        if let Ok(descriptor) = DependencyDescriptor::parse(&mut Reader::new(&bytes)) {
            let _ = descriptor.frame(&structure());
            if let Ok(Some(own)) = descriptor.structure() {
                let _ = descriptor.frame(&own);
            }
        }
    }
}
