//! Reports, requests and sources.

use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;
use core::time::Duration;

use super::world::*;
use crate::cursor::Writer;
use crate::rtp::format::Format;
use crate::rtp::receiver::{
    Feedback, ReceiveCodec, ReceiveParameters, ReceiverConfig, RtpReceiver, SourceKind,
};
use crate::seq::{Serial16, Serial32};
use crate::wire::list::List;
use crate::wire::rtcp::SenderInfo;
use crate::wire::rtp::extension::{AudioLevel, Form, Kind};
use crate::wire::rtp::{ExtensionMap, Header, Ssrc};

#[test]
fn reports_are_what_rfc_3550_says() {
    let plain = ReceiveCodec::new(TYPE, 8_000, Format::Plain);
    let mut receiver = receiver(plain, ReceiverConfig::default());
    assert_eq!(receiver.report(at(0)), None);
    let mut camera = Camera::new(Format::Plain, 0xfff0);
    let sent: Vec<_> = (0..32).map(|_| camera.packet(b"sound", false)).collect();
    // Every fourth is lost.
    let came = sent.iter().enumerate().filter(|(index, _)| index % 4 != 3);
    for (index, packet) in came {
        deliver(&mut receiver, at(index as u64 * 20), [packet]);
    }
    // RFC 3550 §6.4.1, figure 2: the report came 5.25 s before.
    let info = SenderInfo {
        ntp: 0xb44d_b705_2000_0000,
        ..SenderInfo::default()
    };
    receiver.handle_sender_report(at(1000), &info);
    let report = receiver.report(at(6250)).expect("a report");
    assert_eq!(report.ssrc, MEDIA);
    // 31 were expected, as far as can be known, and 24 came.
    assert_eq!(
        report.fraction_lost,
        u8::try_from(7 * 256 / 31).expect("a byte")
    );
    assert_eq!(report.cumulative_lost, 7);
    assert_eq!(report.highest_sequence, 0x1_000e);
    assert_eq!(report.last_sender_report, 0xb705_2000);
    assert_eq!(report.delay, 0x0005_4000);
    // All had the same timestamp: each is 160 ticks further from it.
    assert!((100..=320).contains(&report.jitter), "{}", report.jitter);
    assert_eq!(receiver.report(at(7000)), None, "nothing came since");
    deliver(&mut receiver, at(8000), [&sent[31]]);
    let report = receiver.report(at(8000)).expect("a report");
    assert_eq!((report.fraction_lost, report.cumulative_lost), (0, 7));
    receiver.handle_bye(at(8001));
    assert_eq!(receiver.report(at(8002)), None);
}

#[test]
fn rtp_010_missing_packets_are_asked_for_once_in_a_round_trip() {
    let mut camera = Camera::new(Format::Vp8, 0xfffe);
    let mut receiver = receiver(codec(Format::Vp8), ReceiverConfig::default());
    receiver.set_round_trip(Duration::from_millis(80));
    let (data, packets) = camera.frame(true, 300);
    deliver(
        &mut receiver,
        at(0),
        [&packets[0], &packets[3], &packets[5]],
    );
    assert_eq!(receiver.poll_feedback(at(0)), None);
    assert_eq!(receiver.poll_timeout(), Some(at(10)));
    receiver.handle_timeout(at(10));
    assert_eq!(
        receiver.poll_timeout(),
        Some(at(500)),
        "ready work is no deadline"
    );
    let numbers = vec![Serial16(0xffff), Serial16(0), Serial16(2)];
    assert_eq!(
        receiver.poll_feedback(at(10)),
        Some(Feedback::Nack(numbers))
    );
    assert_eq!(receiver.poll_feedback(at(10)), None);
    deliver(&mut receiver, at(50), [&repeated(&packets[1], 1)]);
    // Also who does not wait for the timer is told.
    let numbers = vec![Serial16(0), Serial16(2)];
    assert_eq!(
        receiver.poll_feedback(at(90)),
        Some(Feedback::Nack(numbers))
    );
    deliver(&mut receiver, at(120), [&packets[2], &packets[4]]);
    assert_eq!(frames(&mut receiver)[0].data, data);
    assert_eq!(
        (receiver.poll_feedback(at(500)), receiver.poll_timeout()),
        (None, None)
    );
    let feedback = receiver.stats().feedback;
    assert_eq!(
        (feedback.nacks, feedback.requested, feedback.given_up),
        (2, 5, 0)
    );
}

#[test]
fn rtp_010_without_an_agreement_nothing_is_asked_for() {
    let mut camera = Camera::new(Format::Vp8, 0);
    let plain = ReceiveCodec::new(TYPE, 90_000, Format::Vp8);
    let mut receiver = receiver(plain, ReceiverConfig::default());
    let (_, packets) = camera.frame(false, 300);
    deliver(&mut receiver, at(0), [&packets[0], &packets[3]]);
    receiver.request_key_frame();
    for time in (0..2000).step_by(5) {
        receiver.handle_timeout(at(time));
        assert_eq!(receiver.poll_feedback(at(time)), None);
    }
    assert_eq!(receiver.poll_timeout(), None);
}

#[test]
fn rtp_011_a_full_intra_request_keeps_its_number_until_it_is_met() {
    let mut camera = Camera::new(Format::Vp8, 0);
    let fir = ReceiveCodec {
        fir: true,
        ..ReceiveCodec::new(TYPE, 90_000, Format::Vp8)
    };
    let mut receiver = receiver(fir, ReceiverConfig::default());
    let join = |receiver: &mut RtpReceiver, camera: &mut Camera, time, is_key| {
        let (_, packets) = camera.frame(is_key, 100);
        deliver(receiver, at(time), &packets);
        receiver.poll_feedback(at(time))
    };
    // Who comes in the middle needs a key frame.
    assert_eq!(
        join(&mut receiver, &mut camera, 0, false),
        Some(Feedback::Fir(1))
    );
    assert_eq!(join(&mut receiver, &mut camera, 33, false), None);
    assert_eq!(receiver.poll_timeout(), Some(at(500)));
    receiver.handle_timeout(at(500));
    assert_eq!(receiver.poll_feedback(at(500)), Some(Feedback::Fir(1)));
    assert_eq!(join(&mut receiver, &mut camera, 533, true), None);
    assert_eq!(frames(&mut receiver).len(), 1);
    // The application may want one, too, but not too soon.
    receiver.request_key_frame();
    assert_eq!(receiver.poll_feedback(at(600)), None);
    receiver.request_key_frame();
    assert_eq!(receiver.poll_feedback(at(1033)), Some(Feedback::Fir(2)));
    // A slow network is given time.
    receiver.set_round_trip(Duration::from_secs(2));
    assert_eq!(receiver.poll_feedback(at(1533)), Some(Feedback::Fir(2)));
    assert_eq!(receiver.poll_feedback(at(3532)), None);
    assert_eq!(receiver.stats().feedback.firs, 4);
}

#[test]
fn who_is_heard_is_remembered_for_ten_seconds() {
    let mut extensions = ExtensionMap::new();
    extensions.insert(1, Kind::AudioLevel);
    extensions.insert(2, Kind::MixerLevels);
    let mut receiver = RtpReceiver::new(MEDIA, ReceiverConfig::default());
    receiver.set_parameters(&Arc::new(ReceiveParameters {
        codecs: vec![ReceiveCodec::new(TYPE, 48_000, Format::Plain)],
        extensions,
    }));
    let send = |receiver: &mut RtpReceiver, number: u16, csrcs: &[u32]| {
        let csrcs = List::encode(csrcs.iter().copied().map(Ssrc));
        let header = Header {
            marker: false,
            payload_type: TYPE,
            sequence_number: Serial16(number),
            timestamp: Serial32(u32::from(number) * 960),
            ssrc: MEDIA,
            csrcs: List::new(&csrcs),
            extensions: None,
        };
        let mut bytes = vec![];
        let mut w = Writer::new(&mut bytes, 1500);
        header.emit_with(&mut w, Form::OneByte, |block| {
            block.put_bytes(1, &[0x80 | 30]);
            block.put_bytes(2, &[10, 127]);
        });
        w.bytes(b"sound");
        deliver(receiver, at(u64::from(number) * 20), [&bytes]);
    };
    send(&mut receiver, 0, &[7, 8]);
    send(&mut receiver, 400, &[8]);
    let level = |voice, below| Some(AudioLevel { voice, below });
    let heard = |receiver: &RtpReceiver, time| -> Vec<_> {
        let sources = receiver.sources(at(time));
        let heard = sources
            .iter()
            .map(|source| (source.ssrc.0, source.audio_level, source.kind));
        heard.collect()
    };
    let own = (MEDIA.0, level(true, 30), SourceKind::Synchronization);
    let mixed = |ssrc, below| (ssrc, level(false, below), SourceKind::Contributing);
    assert_eq!(heard(&receiver, 9_999), [own, mixed(7, 10), mixed(8, 10)]);
    assert_eq!(heard(&receiver, 10_000), [own, mixed(8, 10)]);
    assert_eq!(heard(&receiver, 18_000), []);
    assert_eq!(frames(&mut receiver)[0].audio_level, level(true, 30));
    // ATK-064: not all of a flood are remembered.
    for number in 401..900 {
        send(
            &mut receiver,
            number,
            &[u32::from(number), u32::from(number) << 8],
        );
        frames(&mut receiver);
    }
    assert_eq!(receiver.sources(at(18_000)).len(), 33);
}

#[test]
fn rtp_010_what_is_only_late_is_soon_not_asked_for_any_more() {
    let mut receiver = receiver(codec(Format::Plain), ReceiverConfig::default());
    receiver.set_round_trip(Duration::from_millis(30));
    let mut camera = Camera::new(Format::Plain, 0xff00);
    let mut requested = vec![];
    let mut repeats = 0;
    // Of four packets the first is 60 ms late, longer than an answer takes.
    for turn in 0..200_u64 {
        let start = turn * 80;
        let sent: Vec<_> = (0..4).map(|_| camera.packet(b"sound", true)).collect();
        for (time, packet) in [(20, 1), (40, 2), (60, 3), (70, 0)] {
            while let Some(due) = receiver
                .poll_timeout()
                .filter(|due| *due < at(start + time))
            {
                receiver.handle_timeout(due);
                if receiver.poll_feedback(due).is_some() {
                    repeats += 1;
                    // The answer comes before the packet does.
                    let answer = repeated(&sent[0], repeats);
                    deliver(&mut receiver, due + Duration::from_millis(30), [&answer]);
                }
            }
            deliver(&mut receiver, at(start + time), [&sent[packet]]);
        }
        requested.push(receiver.stats().feedback.requested);
    }
    assert_eq!(frames(&mut receiver).len(), 256, "as many as may wait");
    assert_eq!(
        (requested[1], requested[199]),
        (1, 1),
        "once is enough to learn"
    );
}

#[test]
fn who_is_silent_gives_memory_back_with_a_report() {
    let mut camera = Camera::new(Format::Vp8, 7);
    let mut receiver = receiver(codec(Format::Vp8), ReceiverConfig::default());
    let (_, sent) = camera.frame(true, 300);
    deliver(&mut receiver, at(0), sent.iter().rev());
    deliver(&mut receiver, at(0), &sent);
    let (data, late) = camera.frame(true, 300);
    deliver(&mut receiver, at(33), &late[1..]);
    assert!(receiver.report(at(500)).is_some());
    assert!(receiver.slab.held() > 0);
    assert_eq!(receiver.report(at(520)), None);
    assert_eq!(receiver.slab.held(), 0);
    // What still waits is kept.
    deliver(&mut receiver, at(530), [&late[0]]);
    let last = frames(&mut receiver).pop().expect("a frame");
    assert_eq!(last.data, data);
    let (_, sent) = camera.frame(false, 300);
    deliver(&mut receiver, at(1600), sent.iter().rev());
    assert_eq!(frames(&mut receiver).len(), 1);
}
