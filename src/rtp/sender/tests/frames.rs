//! Frames become packets.

use super::*;
use crate::rtp::format::{Depacketizer, Limits};
use crate::wire::rtp::extension::{AudioLevel, Rotation, VideoOrientation};

#[test]
fn rfc_3550_5_1_numbers_and_timestamps_begin_at_random() {
    let first = |seed| {
        let mut stage = Stage::video();
        stage.sender = RtpSender::new(config(), &mut Rng::from_number(seed));
        stage.sender.set_parameters(video());
        let sent = stage.frame(at(0), 0, 10);
        (sent[0].number, sent[0].timestamp)
    };
    let firsts: Vec<_> = (0..20).map(first).collect();
    for (index, (number, timestamp)) in firsts.iter().enumerate() {
        // RTP-020: below 2¹⁵, for the sake of SRTP's count of wraps.
        assert!(*number < 1 << 15);
        let before = &firsts[..index];
        assert!(before.iter().all(|(n, t)| n != number && t != timestamp));
    }
}

#[test]
fn a_frame_is_cut_and_its_last_packet_marked() {
    let mut stage = Stage::video();
    let data: Bytes = (0..5000_u32)
        .map(|n| (n % 251) as u8)
        .collect::<Vec<_>>()
        .into();
    stage
        .sender
        .write(at(0), &MediaFrame::new(9, data.clone()))
        .expect("room");
    let sent = stage.drain(at(0));
    let mut depacketizer = Depacketizer::new(Format::Vp8, Limits::default());
    for (index, packet) in sent.iter().enumerate() {
        assert_eq!((packet.ssrc, packet.payload_type), (MEDIA, VP8.number()));
        assert_eq!(packet.marker, index + 1 == sent.len());
        assert_eq!(packet.timestamp, sent[0].timestamp);
        assert_eq!(
            Serial16(packet.number).distance_from(Serial16(sent[0].number)),
            u16::try_from(index).unwrap()
        );
        assert!(packet.payload.len() <= stage.sender.config.max_payload);
        depacketizer.push(&packet.payload).expect("a payload");
    }
    assert_eq!(depacketizer.finish().expect("whole").data, data);
    assert_eq!(sent.len(), 5);
    let stats = stage.sender.stats();
    assert_eq!(
        (stats.sent.packets, stats.frames, stats.key_frames),
        (5, 1, 1)
    );
    let payload: usize = sent.iter().map(|packet| packet.payload.len()).sum();
    assert_eq!(stats.sent.payload_bytes, payload as u64);
    assert_eq!(stats.sent.header_bytes, 5 * 12);
}

#[test]
fn of_sound_the_start_of_talk_is_marked_and_the_frame_is_not_copied() {
    let mut stage = Stage::new(config(), sound());
    let data = Bytes::from(vec![5; 80]);
    for marker in [true, false] {
        let frame = MediaFrame {
            marker,
            ..MediaFrame::new(0, data.clone())
        };
        stage.sender.write(at(0), &frame).expect("room");
        let record = stage
            .sender
            .history
            .get(stage.sender.numbers.next() - 1)
            .expect("kept");
        assert_eq!(record.payload.as_ptr(), data.as_ptr());
        let sent = stage.poll(at(0)).expect("a packet");
        assert_eq!(
            (sent.marker, sent.payload_type, sent.payload),
            (marker, 111, data.to_vec())
        );
    }
    assert_eq!(stage.sender.stats().frames, 2);
}

#[test]
fn numbers_and_timestamps_wrap() {
    let mut stage = Stage::new(config(), sound());
    let mut last: Option<Sent> = None;
    for n in 0..70_000_u32 {
        // 2³² ticks pass, and more.
        let sent = stage
            .frame(at(u64::from(n) * 20), n.wrapping_mul(1 << 17), 3)
            .pop()
            .expect("one");
        if let Some(last) = last {
            assert_eq!(sent.number, last.number.wrapping_add(1));
            assert_eq!(sent.timestamp.wrapping_sub(last.timestamp), 1 << 17);
        }
        last = Some(sent);
    }
    assert_eq!(stage.sender.stats().sent.packets, 70_000);
}

#[test]
fn a_frame_that_cannot_be_written_leaves_no_trace() {
    let config = SenderConfig {
        history: HistoryLimits {
            packets: 4,
            bytes: 4000,
            age: Duration::from_secs(1),
        },
        ..config()
    };
    let mut sender = RtpSender::new(config, &mut Rng::from_number(1));
    let write = |sender: &mut RtpSender, len| sender.write(at(0), &MediaFrame::new(0, delta(len)));
    assert_eq!(write(&mut sender, 10), Err(WriteError::NoParameters));
    let mut stage = Stage::new(config, video());
    let mut write = |len| write(&mut stage.sender, len);
    assert_eq!(write(0), Err(WriteError::Empty));
    assert_eq!(write(4001), Err(WriteError::TooLarge));
    assert_eq!(write(3000), Ok(()));
    assert_eq!(write(1500), Err(WriteError::Full));
    // The first of two packets has a place, the second has none.
    assert_eq!(write(980), Ok(()));
    assert_eq!(write(1), Err(WriteError::Full));
    stage.sender.set_active(false);
    let frame = MediaFrame::new(0, delta(5));
    assert_eq!(stage.sender.write(at(0), &frame), Err(WriteError::Paused));
    stage.sender.set_active(true);
    let before = stage.drain(at(0));
    assert_eq!(before.len(), 4);
    let after = stage.frame(at(1), 1, 10);
    assert_eq!(after[0].number, before[3].number.wrapping_add(1));

    // Sound is one packet or none.
    let mut stage = Stage::new(config, sound());
    let frame = MediaFrame::new(0, delta(1151));
    assert_eq!(stage.sender.write(at(0), &frame), Err(WriteError::TooLarge));
    // AV1 is read before it is cut.
    let av1 = SendParameters::new(VP8, 90_000, Format::Av1);
    let mut stage = Stage::new(config, av1);
    let frame = MediaFrame::new(0, Bytes::from_static(&[0xff; 9]));
    assert_eq!(
        stage.sender.write(at(0), &frame),
        Err(WriteError::NotAFrame)
    );
    assert!(!stage.sender.is_pending());
}

#[test]
fn half_of_a_frame_is_taken_back() {
    let config = SenderConfig {
        history: HistoryLimits {
            packets: 3,
            bytes: 1 << 20,
            age: Duration::from_secs(1),
        },
        ..config()
    };
    let mut stage = Stage::new(config, video());
    let frame = |len| MediaFrame::new(0, delta(len));
    assert_eq!(stage.sender.write(at(0), &frame(2000)), Ok(()));
    assert_eq!(
        stage.sender.write(at(0), &frame(2000)),
        Err(WriteError::Full)
    );
    assert_eq!(stage.sender.write(at(0), &frame(500)), Ok(()));
    let sent = stage.drain(at(0));
    let numbers: Vec<_> = sent
        .iter()
        .map(|p| p.number.wrapping_sub(sent[0].number))
        .collect();
    assert_eq!(numbers, [0, 1, 2]);
    assert_eq!(sent[2].payload.len(), 500 + 4);
}

#[test]
fn what_waits_too_long_is_not_sent() {
    let mut stage = Stage::video();
    let write = |stage: &mut Stage, millis| {
        let frame = MediaFrame::new(0, delta(2000));
        stage.sender.write(at(millis), &frame).expect("room");
    };
    write(&mut stage, 0);
    write(&mut stage, 900);
    write(&mut stage, 1500);
    assert_eq!(stage.sender.stats().dropped.expired, 2);
    assert_eq!(stage.drain(at(1500)).len(), 4);
    assert_eq!(stage.sender.history.unsent(), 0);
}

#[test]
fn a_packet_without_room_is_dropped_and_does_not_stop_the_next() {
    let mut stage = Stage::video();
    stage
        .sender
        .write(at(0), &MediaFrame::new(0, delta(1000)))
        .expect("room");
    stage
        .sender
        .write(at(0), &MediaFrame::new(1, delta(100)))
        .expect("room");
    stage.room = 500;
    let sent = stage.drain(at(0));
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0].payload.len(), 104);
    assert_eq!(stage.sender.stats().dropped.too_large, 1);
}

#[test]
fn a_frame_says_how_loud_it_is_and_how_it_is_turned() {
    let mut stage = Stage::named();
    let frame = MediaFrame {
        orientation: Some(VideoOrientation {
            back_camera: false,
            flipped: false,
            rotation: Rotation::Quarter,
        }),
        ..MediaFrame::new(0, delta(2000))
    };
    stage.sender.write(at(0), &frame).expect("room");
    let sent = stage.drain(at(0));
    let turned: Vec<_> = sent
        .iter()
        .map(|p| p.extension(Kind::VideoOrientation))
        .collect();
    assert_eq!(turned, [None, Some(&[1][..])]);

    let mut stage = Stage::new(
        config(),
        SendParameters {
            extensions: extensions(),
            ..sound()
        },
    );
    let frame = MediaFrame {
        audio_level: Some(AudioLevel {
            voice: true,
            below: 30,
        }),
        ..MediaFrame::new(0, delta(20))
    };
    stage.sender.write(at(0), &frame).expect("room");
    let sent = stage.poll(at(0)).expect("a packet");
    assert_eq!(sent.extension(Kind::AudioLevel), Some(&[0x80 | 30][..]));
}

#[test]
fn each_packet_has_the_transports_number_and_its_time() {
    let mut stage = Stage::named();
    let sent = stage.frame(at(1500), 0, 3000);
    let numbers: Vec<_> = sent
        .iter()
        .map(|p| p.extension(Kind::TransportSequence).map(<[u8]>::to_vec))
        .collect();
    let said = |high, low| Some(vec![high, low]);
    assert_eq!(numbers, [said(0xff, 0xfe), said(0xff, 0xff), said(0, 0)]);
    assert_eq!(stage.transport, Serial16(1));
    // A second and a half, with 18 bits of fraction.
    assert_eq!(
        sent[0].extension(Kind::AbsoluteSendTime),
        Some(&[0x06, 0, 0][..])
    );

    let mut stage = Stage::video();
    stage.frame(at(0), 0, 3000);
    assert_eq!(stage.transport, Serial16(0xfffe), "it was not said");
}

#[test]
fn names_are_said_until_the_receiver_reports_and_in_key_frames() {
    let mut stage = Stage::named();
    let names = |sent: &Sent| {
        let name = |kind| sent.extension(kind).map(<[u8]>::to_vec);
        (name(Kind::Mid), name(Kind::StreamId))
    };
    let known = (Some(b"v".to_vec()), Some(b"hi".to_vec()));
    let report = |ssrc| ReportBlock {
        ssrc,
        ..ReportBlock::default()
    };
    // A report before anything was sent can only be on somebody else.
    stage.sender.on_report(at(0), &report(MEDIA));
    assert_eq!(names(&stage.frame(at(0), 0, 10)[0]), known);
    stage.sender.on_report(at(1), &report(Ssrc(99)));
    assert_eq!(names(&stage.frame(at(1), 1, 10)[0]), known);
    stage.sender.on_report(at(2), &report(MEDIA));
    assert_eq!(names(&stage.frame(at(2), 2, 10)[0]), (None, None));
    stage
        .sender
        .write(at(3), &MediaFrame::new(3, key(2000)))
        .expect("room");
    for packet in stage.drain(at(3)) {
        assert_eq!(names(&packet), known);
    }
    assert_eq!(names(&stage.frame(at(4), 4, 10)[0]), (None, None));
    // After a pause the receiver may have forgotten it.
    stage.sender.set_active(true);
    assert_eq!(names(&stage.frame(at(5), 5, 10)[0]), (None, None));
    stage.sender.set_active(false);
    stage.sender.set_active(true);
    assert_eq!(names(&stage.frame(at(6), 6, 10)[0]), known);
}

#[test]
fn the_form_of_extensions_is_the_smallest_that_all_fit_into() {
    let profile = |parameters: SendParameters| {
        let mut stage = Stage::new(config(), parameters);
        let sent = stage.frame(at(0), 0, 10).remove(0);
        (
            u16::from_be_bytes([sent.bytes[12], sent.bytes[13]]),
            sent.extensions.len(),
        )
    };
    let named = |id, mid: &str| {
        let mut extensions = ExtensionMap::new();
        extensions.insert(id, Kind::Mid);
        SendParameters {
            extensions,
            mid: mid.into(),
            ..video()
        }
    };
    assert_eq!(profile(named(14, "0123456789abcdef")), (0xbede, 1));
    assert_eq!(profile(named(14, "0123456789abcdef0")), (0x1000, 1));
    assert_eq!(profile(named(15, "0")), (0x1000, 1));
    assert_eq!(profile(named(200, "0")), (0x1000, 1));
}
