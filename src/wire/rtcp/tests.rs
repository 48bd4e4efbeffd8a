use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

use proptest::collection::vec as list_of;
use proptest::option;
use proptest::prelude::*;

use super::extended::{Block, LastReceiverTime, Losses};
use super::*;
use crate::seq::{Serial16, Serial32};
use crate::wire::list::List;
use crate::wire::rtp::{PayloadType, Ssrc};

fn parse(bytes: &[u8]) -> Result<Packet<'_>, Malformed> {
    let mut r = Reader::new(bytes);
    let packet = Packet::parse(&mut r)?;
    r.finish("trailing bytes")?;
    Ok(packet)
}

fn line(bytes: &str) -> String {
    let bytes = unhex(bytes);
    parse(&bytes).expect("a packet").to_string()
}

fn unhex(text: &str) -> Vec<u8> {
    hex::decode(text).expect("hex")
}

fn written(emit: impl FnOnce(&mut Writer<'_>)) -> Vec<u8> {
    let mut buf = Vec::new();
    let mut w = Writer::new(&mut buf, 1 << 20);
    emit(&mut w);
    assert!(!w.is_overflowed());
    buf
}

/// Packets of other implementations, what they say, and that they are written
/// as they came.
#[test]
fn packets_of_others_read_as_they_should() {
    let samples = [
        (
            "81c9000712345678234567893711121322232425333435364445464755565758",
            "RR ssrc=12345678 [23456789:lost=55/256,1118739 high=572728357 jitter=859059510 \
             lsr=44454647 dlsr=1431721816]",
        ),
        (
            "80c80006123456781112141822242628333435364445464755565758",
            "SR ssrc=12345678 ntp=1112141822242628 rtp=859059510 packets=1145390663 \
             octets=1431721816 []",
        ),
        (
            "81c80007902f9e2eda8bd1fcdddda05aaaf4edd50000000100000002bc5e9a40",
            "malformed report blocks",
        ),
        ("81ce00021234567823456789", "PLI 12345678→23456789"),
        (
            "84ce00041234567800000000234567890d000000",
            "FIR 12345678→00000000 [23456789#13]",
        ),
        (
            "9fcc00034baae1ab4e414d4541424344",
            "APP ssrc=4baae1ab name=\"NAME\" subtype=31 len=4",
        ),
        (
            "8fce0004000000000000000052454d4200ffffff",
            "REMB 00000000 18446744073709551615bps []",
        ),
        (
            "8fce0005000000010000000052454d42011a20de4874ed16",
            "REMB 00000001 8927104bps [4874ed16]",
        ),
        (
            "80cf0005123456780400000211121418222426280500000312345678233445563343553600",
            "trailing",
        ),
        ("85cd0002902f9e2e902f9e2e", "RTCP type=205 count=5 len=8"),
    ];
    for (bytes, expected) in samples {
        let bytes = unhex(bytes);
        match parse(&bytes) {
            Ok(packet) => {
                assert_eq!(packet.to_string(), expected);
                assert_eq!(written(|w| packet.emit(w)), bytes, "{expected}");
            }
            Err(malformed) => {
                let expected = expected.strip_prefix("malformed ").unwrap_or(malformed.0);
                assert_eq!(malformed.0, expected);
            }
        }
    }
}

#[test]
fn packets_of_aiortc_read_as_they_should() {
    macro_rules! sample {
        ($name:literal) => {
            &include_bytes!(concat!(
                "../../../tests/vectors/rtp/aiortc_rtcp_",
                $name,
                ".bin"
            ))[..]
        };
    }
    for (bytes, name) in [
        (sample!("bye_padding"), "BYE"),
        (sample!("psfb_pli"), "PLI"),
        (sample!("rr"), "RR"),
        (sample!("sdes"), "SDES"),
    ] {
        let packet = parse(bytes).expect(name);
        assert!(packet.to_string().starts_with(name), "{packet}");
        for len in 0..bytes.len() {
            assert!(Compound::parse(&mut Reader::new(&bytes[..len])).is_err());
        }
    }
    for bytes in [
        sample!("bye_invalid"),
        sample!("rr_invalid"),
        sample!("rtpfb_invalid"),
        sample!("sdes_item_truncated"),
        sample!("sdes_source_truncated"),
        sample!("sr_invalid"),
    ] {
        assert!(parse(bytes).is_err(), "{bytes:02x?}");
    }
}

#[test]
fn transport_feedback_of_others_reads_as_it_should() {
    // Chromium pads with the padding bit; the numbers are those of the draft's words.
    let said = [
        (
            "afcd0005fa17fa1743032fa0009900013de8021720019401",
            "base=153 count=1 came=1",
        ),
        (
            "afcd0007fa17fa17193dd8bb0004000710636e0120074c2424100c0c10000003",
            "base=4 count=7 came=7",
        ),
        (
            "afcd00079b74f61f9371dcbc853c000963f916b3d55200309baa6aaa7b010901",
            "base=34108 count=9 came=6",
        ),
        (
            "8fcd00049acb0442000000000000000000000000",
            "base=0 count=0 came=0",
        ),
    ];
    for (bytes, expected) in said {
        let line = line(bytes);
        assert!(line.ends_with(expected), "{line}");
    }
    // Its run says three, its deltas are for less; its symbols are reserved.
    for bytes in [
        "afcd0005fa17fa1743032fa0009900033de8021720039401",
        "afcd0006fa17fa17193dd8bb0174000e45b15a40d800f0ffd0000003",
    ] {
        assert!(parse(&unhex(bytes)).is_err());
    }
    let bytes = unhex("afcd0007fa17fa17193dd8bb0004000710636e0120074c2424100c0c10000003");
    let Ok(Packet::TransportFeedback(feedback)) = parse(&bytes) else {
        panic!("it is one");
    };
    let arrivals = feedback
        .arrivals()
        .map(|a| (a.sequence.0, a.time - 0x10_636e * 256));
    let times = [0x4c, 0x70, 0x94, 0xa4, 0xb0, 0xbc, 0xcc];
    assert!(arrivals.eq((4..).zip(times)));
}

#[test]
fn rtp_006_frames_that_lie_are_refused() {
    for bytes in [
        "81c900",
        "00c90004",
        "80c9ffff00000001",
        "c1ca0000",
        // Padding of nothing, and more of it than there is.
        "a0c9000100000000",
        "a0c9000100000005",
        "a0c90000",
        // Counts beyond the packet.
        "82cb000c902f9e2e",
        "82cb0001902f9e2e",
        "81ca0000",
        // SDES items without an end, a chunk without its zero.
        "81ca00020000000101ff4141",
        "81ca000200000001010241",
        "81ca00020000000101024141",
        // BYE whose reason is longer than it.
        "81cb0002902f9e2e04464f4f",
        "80cc00014baae1ab",
        "81cd0002902f9e2e902f9e2e",
        "84ce00020000000000000000",
        "83ce0003000000010000000211600000",
        "80cf0002000000010400ffff",
    ] {
        let bytes = unhex(bytes);
        assert!(
            Compound::parse(&mut Reader::new(&bytes)).is_err() || parse(&bytes).is_err(),
            "{bytes:02x?}"
        );
    }
}

#[test]
fn rtp_006_what_is_bad_inside_its_frame_does_not_hide_what_follows() {
    let good = unhex("81ce00021234567823456789");
    let bad = unhex("82cb0001902f9e2e");
    let bytes = [&bad[..], &good].concat();
    let compound = Compound::parse(&mut Reader::new(&bytes)).expect("frames are good");
    let packets: Vec<_> = compound.packets().collect();
    assert!(matches!(packets[..], [Err(_), Ok(Packet::PictureLoss(_))]));
    assert!(compound.is_reduced_size());
    assert!(!compound.to_string().contains('\n'));

    // Padding is for the last packet only.
    let padded = unhex("a0c9000212345678000000 04".replace(' ', "").as_str());
    let bytes = [&good[..], &padded].concat();
    assert!(Compound::parse(&mut Reader::new(&bytes)).is_ok());
    let bytes = [&padded[..], &good].concat();
    assert!(Compound::parse(&mut Reader::new(&bytes)).is_err());
    assert!(Compound::parse(&mut Reader::new(&[])).is_err());
}

#[test]
fn rtp_007_the_work_of_a_feedback_is_bounded_by_its_bytes() {
    // 65,535 packets that did not come, in nine runs.
    let mut body = unhex(
        "0000000100000002ffff ffff 800000 ff"
            .replace(' ', "")
            .as_str(),
    );
    for _ in 0..9 {
        body.extend([0x1f, 0xff]);
    }
    let bytes = written(|w| Unknown::new(205, 15, &[&body[..], &[0; 2]].concat()).emit(w));
    let Ok(Packet::TransportFeedback(feedback)) = parse(&bytes) else {
        panic!("it is one");
    };
    assert_eq!(feedback.arrivals().count(), 0);
    assert_eq!(feedback.reference_time, -0x80_0000);
    // As many that came, without their deltas.
    let came = body
        .iter()
        .enumerate()
        .map(|(at, &b)| if at >= 16 && at % 2 == 0 { b | 0x20 } else { b });
    let bytes = written(|w| Unknown::new(205, 15, &came.chain([0; 2]).collect::<Vec<_>>()).emit(w));
    assert!(parse(&bytes).is_err());
    // A symbol that means nothing; a run of none.
    for (chunk, is_good) in [
        ("6001", false),
        ("f000", false),
        ("20002001", true),
        ("2000", true),
    ] {
        let text = ["00000001000000020001000100000000", chunk, "05000000"].concat();
        let bytes = unhex(&text);
        let bytes = written(|w| Unknown::new(205, 15, &bytes).emit(w));
        assert_eq!(parse(&bytes).is_ok(), is_good, "{chunk}");
    }
}

#[test]
fn rtp_008_a_source_has_at_most_16384_metrics() {
    let feedback = |count: u16| {
        let mut body = unhex("0000000100000002ffff");
        body.extend(count.to_be_bytes());
        body.resize(
            body.len() + usize::from(count).next_multiple_of(2) * 2 + 4,
            0x9f,
        );
        let bytes = written(|w| Unknown::new(205, 11, &body).emit(w));
        parse(&bytes).map(|packet| packet.to_string())
    };
    assert_eq!(
        feedback(16_384).as_deref(),
        Ok("CCFB 00000001 at=2678038431 00000002:65535+16384")
    );
    assert!(feedback(16_385).is_err());
    assert_eq!(
        feedback(3).as_deref(),
        Ok("CCFB 00000001 at=2678038431 00000002:65535+3")
    );
    // 7fffb reports that are not there, as an overflow of others had it.
    assert!(parse(&unhex("8bcd0004000000010000000000007ffb00000000")).is_err());
    assert_eq!(Metric(0x9ffd).ago(), Some(0x1ffd));
    assert_eq!((Metric(0x9ffe).ago(), Metric(0x6200).ago()), (None, None));
    assert_eq!((Metric(0xfff8).ecn(), Metric(0x6200).ecn()), (3, 0));
    assert_eq!(Metric::received(1, 0x1fff), Metric(0xbffe));
}

#[test]
fn rtp_009_a_bitrate_beyond_64_bits_is_the_most() {
    assert_eq!(Bitrate::new(0).bits_per_second(), 0);
    assert_eq!(Bitrate::new(262_143).bits_per_second(), 262_143);
    assert_eq!(Bitrate::new(262_145).bits_per_second(), 262_144);
    let most = Bitrate::new(u64::MAX).bits_per_second();
    assert!(most > u64::MAX - (u64::MAX >> 17));
    // More sources than the packet has.
    assert!(parse(&unhex("8fce0004000000000000000052454d4201ffffff")).is_err());
}

#[test]
fn rtp_010_numbers_that_wrap_are_told_in_one_pair() {
    let lost = [0xfffe, 0xffff, 0, 5, 14, 15, 16].map(Serial16);
    let pairs = Nack::encode(lost);
    assert_eq!(pairs.len(), 8);
    let nack = Nack {
        sender: Ssrc(1),
        media: Ssrc(2),
        pairs: List::new(&pairs),
    };
    assert!(nack.lost().eq(lost));
    let text = "NACK 00000001→00000002 [65534 65535 0 5 14 15 16]";
    assert_eq!(nack.to_string(), text);
}

#[test]
fn a_description_names_its_sources() {
    let items = [
        Item {
            kind: ItemKind::CNAME,
            text: b"a\"b",
        },
        Item {
            kind: ItemKind(9),
            text: &[b'x'; 300],
        },
    ];
    let chunks = SourceDescription::encode([
        (Ssrc(1), &items[..1]),
        (Ssrc(2), &items[..]),
        (Ssrc(3), &[]),
    ]);
    let sdes = SourceDescription::of_chunks(3, &chunks).expect("chunks");
    assert_eq!(sdes.cname(Ssrc(2)), Some(&b"a\"b"[..]));
    assert_eq!(sdes.cname(Ssrc(3)), None);
    assert_eq!(sdes.chunks().count(), 3);
    let bytes = written(|w| sdes.emit(w));
    assert_eq!(parse(&bytes), Ok(Packet::SourceDescription(sdes)));
    assert!(
        sdes.to_string()
            .starts_with("SDES 00000001:[cname=\"a\\\"b\"] 00000002:[")
    );
}

fn reports() -> impl Strategy<Value = Vec<ReportBlock>> {
    let block = (any::<[u32; 5]>(), any::<u8>(), -(1_i32 << 23)..1 << 23);
    let block = block.prop_map(
        |([a, b, c, d, e], fraction_lost, cumulative_lost)| ReportBlock {
            ssrc: Ssrc(a),
            fraction_lost,
            cumulative_lost,
            highest_sequence: b,
            jitter: c,
            last_sender_report: d,
            delay: e,
        },
    );
    list_of(block, 0..32)
}

fn words(most: usize) -> impl Strategy<Value = Vec<u8>> {
    list_of(any::<[u8; 4]>(), 0..most).prop_map(|words| words.concat())
}

/// What a packet becomes, after it was read as it was written.
fn checked(packet: Packet<'_>) -> Result<Vec<u8>, TestCaseError> {
    let bytes = written(|w| packet.emit(w));
    prop_assert_eq!(bytes.len(), packet.encoded_len());
    prop_assert_eq!(parse(&bytes), Ok(packet));
    prop_assert!(!packet.to_string().contains('\n'));
    for len in 0..bytes.len() {
        prop_assert!(parse(&bytes[..len]).is_err());
    }
    Ok(bytes)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn reports_are_read_as_they_were_written(
        (ssrc, ntp, rtp, packets, octets) in any::<(u32, u64, u32, u32, u32)>(),
        reports in reports(),
        extension in words(3),
    ) {
        let reports = List::encode(reports);
        let reports = List::new(&reports);
        let ssrc = Ssrc(ssrc);
        let info = SenderInfo { ntp, rtp: Serial32(rtp), packets, octets };
        let sr = SenderReport { ssrc, info, reports, extension: &extension };
        checked(Packet::SenderReport(sr))?;
        checked(Packet::ReceiverReport(ReceiverReport { ssrc, reports, extension: &extension }))?;
    }

    #[test]
    fn sources_are_read_as_they_were_written(
        sources in list_of(any::<u32>(), 0..32),
        texts in list_of((1_u8..20, list_of(any::<u8>(), 0..30)), 0..4),
        reason in option::of(list_of(any::<u8>(), 0..256)),
        (subtype, name, data) in (0_u8..32, any::<[u8; 4]>(), words(4)),
    ) {
        let items: Vec<_> = texts.iter().map(|(kind, text)| Item { kind: ItemKind(*kind), text }).collect();
        let chunks = SourceDescription::encode(sources.iter().map(|&ssrc| (Ssrc(ssrc), &items[..])));
        let count = u8::try_from(sources.len()).expect("few");
        checked(Packet::SourceDescription(SourceDescription::of_chunks(count, &chunks).expect("chunks")))?;
        let list = List::encode(sources.iter().copied().map(Ssrc));
        // A reason of no bytes cannot be told from padding, but is there.
        checked(Packet::Bye(Bye { sources: List::new(&list), reason: reason.as_deref() }))?;
        checked(Packet::App(App { subtype, ssrc: Ssrc(7), name, data: &data }))?;
    }

    #[test]
    fn feedback_is_read_as_it_was_written(
        (sender, media) in any::<(u32, u32)>(),
        words in words(6),
        (pairs, exponent) in (list_of(any::<(u16, u16)>(), 1..20), 0_u32..46),
        mantissa in 1_u64 << 17..1 << 18,
    ) {
        let (sender, media) = (Ssrc(sender), Ssrc(media));
        let nack = List::encode(pairs.iter().map(|&(packet, following)| NackPair { packet: Serial16(packet), following }));
        checked(Packet::Nack(Nack { sender, media, pairs: List::new(&nack) }))?;
        checked(Packet::PictureLoss(PictureLoss { sender, media }))?;
        let slices = List::encode(pairs.iter().map(|&(a, b)| LostSlice {
            first: a & 0x1fff,
            number: b & 0x1fff,
            picture: a.to_be_bytes()[0] & 0x3f,
        }));
        checked(Packet::SliceLoss(SliceLoss { sender, media, slices: List::new(&slices) }))?;
        let requests = List::encode(pairs.iter().map(|&(a, b)| IntraRequest {
            ssrc: Ssrc(a.into()),
            sequence: b.to_be_bytes()[0],
        }));
        checked(Packet::FullIntraRequest(FullIntraRequest { sender, media, requests: List::new(&requests) }))?;
        let sources = List::encode(pairs.iter().map(|&(a, _)| Ssrc(a.into())));
        let bitrate = Bitrate::new(mantissa << exponent);
        prop_assert_eq!(bitrate.bits_per_second(), mantissa << exponent);
        checked(Packet::MaximumBitrate(MaximumBitrate { sender, bitrate, sources: List::new(&sources) }))?;

        let picture = [&[0, 96][..], &words, &[0xaa, 0xbb]].concat();
        let body = [&[0; 8][..], &picture].concat();
        let bytes = written(|w| Unknown::new(206, 3, &body).emit(w));
        let packet = parse(&bytes).expect("a reference");
        prop_assert!(matches!(packet, Packet::ReferencePicture(reference)
            if reference.payload_type == PayloadType::from_low_bits(96)
            && reference.bits().len() == words.len() + 2));
        checked(packet)?;
        checked(Packet::Unknown(Unknown::new(199, 3, &words)))?;
        checked(Packet::Unknown(Unknown::new(206, 15, &words)))?;
    }

    /// What is put into a feedback comes out of it.
    #[test]
    fn arrivals_come_out_as_they_went_in(
        base in any::<u16>(),
        start in -(1_i64 << 31)..1 << 31,
        steps in list_of((prop_oneof![8 => 1_u16..3, 1 => 1_u16..9000], prop_oneof![
            8 => 0_i64..255,
            1 => -0x8000_i64..0x8000,
        ]), 1..60),
    ) {
        let mut builder = FeedbackBuilder::new(Serial16(base), start);
        let (mut sequence, mut time) = (Serial16(base), start);
        let mut told = vec![];
        for (ahead, delta) in steps {
            time += delta;
            let arrival = Arrival { sequence, time };
            if !builder.push(arrival) {
                break;
            }
            prop_assert!(!builder.push(arrival), "not twice");
            told.push(arrival);
            sequence = sequence.add(ahead);
        }
        let most = builder.len();
        let feedback = builder.finish(Ssrc(1), Ssrc(2), 9);
        prop_assert!(feedback.encoded_len() <= most);
        prop_assert!(feedback.arrivals().eq(told));
        checked(Packet::TransportFeedback(feedback))?;
    }

    #[test]
    fn metrics_come_out_as_they_went_in(
        streams in list_of((any::<u32>(), any::<u16>(), list_of(any::<u16>(), 0..20)), 0..5),
    ) {
        let bytes: Vec<u8> = streams.iter().flat_map(|(ssrc, begin, metrics)| {
            let metrics = metrics.iter().copied().map(Metric);
            StreamMetrics::encode(Ssrc(*ssrc), Serial16(*begin), metrics)
        }).collect();
        let feedback = CongestionFeedback::of_streams(Ssrc(1), 2, &bytes).expect("streams");
        prop_assert_eq!(feedback.streams().count(), streams.len());
        for (stream, (ssrc, begin, metrics)) in feedback.streams().zip(&streams) {
            prop_assert_eq!((stream.ssrc, stream.begin), (Ssrc(*ssrc), Serial16(*begin)));
            prop_assert!(stream.metrics.iter().map(|metric| metric.0).eq(metrics.iter().copied()));
        }
        checked(Packet::CongestionFeedback(feedback))?;
    }

    #[test]
    fn extended_reports_come_out_as_they_went_in(
        (begin, ntp) in any::<(u16, u64)>(),
        received in list_of(prop_oneof![6 => Just(true), 1 => any::<bool>()], 0..200),
        times in list_of(any::<[u32; 3]>(), 0..4),
        body in words(4),
    ) {
        let chunks = Losses::encode(&received);
        let times = List::encode(times.iter().map(|&[a, last, delay]| LastReceiverTime { ssrc: Ssrc(a), last, delay }));
        let count = u16::try_from(received.len()).expect("few");
        let losses = Losses {
            thinning: 0,
            ssrc: Ssrc(5),
            begin: Serial16(begin),
            end: Serial16(begin).add(count),
            chunks: List::new(&chunks),
        };
        let said: Vec<_> = losses.packets().collect();
        let meant = received.iter().enumerate().map(|(index, &came)| (Serial16(begin.wrapping_add(u16::try_from(index).expect("few"))), came));
        prop_assert!(said.into_iter().eq(meant));
        let blocks = [
            Block::Losses(losses),
            Block::ReceiverTime(ntp),
            Block::LastReceiverTimes(List::new(&times)),
            Block::Unknown { kind: 77, specific: 3, body: &body },
        ];
        let bytes = ExtendedReport::encode(blocks);
        let report = ExtendedReport::of_blocks(Ssrc(1), &bytes).expect("blocks");
        let again: Vec<_> = report.blocks().collect();
        prop_assert_eq!(again.len(), 4);
        prop_assert_eq!(&again[1..], &blocks[1..].iter().copied().map(Ok).collect::<Vec<_>>()[..]);
        prop_assert!(matches!(again[0], Ok(Block::Losses(again)) if again.packets().eq(losses.packets())));
        checked(Packet::ExtendedReport(report))?;
    }

    #[test]
    fn any_bytes_are_survived(mut bytes in list_of(any::<u8>(), 0..200), kind in 199_u8..209) {
        if let [first, second, ..] = &mut bytes[..] {
            *first = 2 << 6 | *first & 0x1f;
            *second = kind;
        }
        let words = u16::try_from((bytes.len() / 4).saturating_sub(1)).expect("few").to_be_bytes();
        if let Some(len) = bytes.get_mut(2..4) {
            len.copy_from_slice(&words);
        }
        let mut r = Reader::new(&bytes);
        if let Ok(packet) = Packet::parse(&mut r) {
            let again = written(|w| packet.emit(w));
            prop_assert_eq!(again.len(), packet.encoded_len());
            prop_assert_eq!(parse(&again), Ok(packet));
            let _ = packet.to_string();
        }
    }
}

/// RFC 3550 §6.4.1: padding is a multiple of four, or the body would not be.
#[test]
fn padding_is_a_multiple_of_four() {
    let padded = |count: u8| {
        let mut bytes = unhex("a0cc0004000000016e616d6501020304");
        bytes.extend([0, 0, 0, count]);
        parse(&bytes).map(|packet| packet.to_string())
    };
    assert!(padded(4).is_ok() && padded(8).is_ok());
    for count in [0, 1, 2, 3, 5, 7, 255] {
        assert_eq!(padded(count), Err(Malformed("RTCP padding")), "{count}");
    }
}
