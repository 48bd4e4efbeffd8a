//! What a receiver says, and what is done with what it gives out.

use std::time::Duration;

use bytes::Bytes;
use pollrtc::peer::{
    Config, Direction, Event, Kind, MediaFrame, OutPacket, RtpMode, SourceKind, TransceiverInit,
    WriteError,
};
use pollrtc::wire::rtp::extension::AudioLevel;

use super::support::{ALICE, BOB, Pair, sound};

/// Who is heard, how loud, by which clock, for ten seconds. Mixers are told apart.
#[test]
fn wpt_125_who_is_heard_is_remembered_for_ten_seconds() {
    let mut pair = Pair::new();
    let id = pair.add(ALICE, Kind::Audio, Direction::SendOnly);
    pair.negotiate(ALICE);
    pair.run(Duration::from_secs(1));
    let theirs = pair.transceiver(BOB, Kind::Audio);
    let loud = AudioLevel {
        below: 12,
        voice: true,
    };
    for tick in 0..5 {
        let frame = MediaFrame {
            audio_level: Some(loud),
            ..sound(tick * 960)
        };
        pair.write(ALICE, id, &frame).unwrap();
        pair.run(Duration::from_millis(20));
    }
    let now = pair.world.now();
    let last = pair.take_frames(BOB, theirs).pop().unwrap().1;
    let bob = pair.machine(BOB);
    let [source] = bob.synchronization_sources(theirs, now)[..] else {
        panic!("one source");
    };
    assert_eq!(source.kind, SourceKind::Synchronization);
    assert_eq!(Some(source.ssrc), pair.machine(ALICE).ssrc(id, ""));
    assert_eq!(source.audio_level, Some(loud));
    assert_eq!(source.timestamp.0, last.timestamp);
    assert!(bob.contributing_sources(theirs, now).is_empty());
    for (passed, count) in [(9, 1), (11, 0)] {
        let later = now + Duration::from_secs(passed);
        assert_eq!(bob.synchronization_sources(theirs, later).len(), count);
    }
}

/// Frames go through a transform in order; a packet that was written is not written again.
#[test]
fn wpt_165_encoded_frames_are_transformed_in_order() {
    let mut pair = Pair::new();
    let ours = pair.add(ALICE, Kind::Audio, Direction::SendRecv);
    let theirs = pair
        .call(BOB, |pc| pc.add_track(Kind::Audio, "echo", &[]))
        .unwrap();
    pair.negotiate(ALICE);
    pair.run(Duration::from_secs(1));
    // Alice is told of Bob's answer.
    let mut echoed = Vec::new();
    for tick in 0..20_u8 {
        let sent = MediaFrame::new(u32::from(tick) * 960, Bytes::from(vec![tick; 50]));
        pair.write(ALICE, ours, &sent).unwrap();
        pair.run(Duration::from_millis(20));
        for (_, frame) in pair.take_frames(BOB, theirs) {
            let turned: Vec<u8> = frame.data.iter().map(|byte| byte ^ 0xff).collect();
            let turned = MediaFrame::new(frame.timestamp, turned.into());
            pair.write(BOB, theirs, &turned).unwrap();
        }
        let frames = pair.take_frames(ALICE, ours).into_iter();
        echoed.extend(frames.map(|(_, frame)| frame.data[0] ^ 0xff));
    }
    pair.run(Duration::from_millis(100));
    let frames = pair.take_frames(ALICE, ours).into_iter();
    echoed.extend(frames.map(|(_, frame)| frame.data[0] ^ 0xff));
    assert_eq!(echoed, Vec::from_iter(0..20));
}

#[test]
fn wpt_165_a_packet_is_not_written_twice() {
    let forwarder = Config {
        rtp_mode: RtpMode::Packets,
        ..Config::new()
    };
    let mut pair = Pair::with(Config::new(), forwarder);
    let ours = pair.add(ALICE, Kind::Audio, Direction::SendRecv);
    let theirs = pair
        .call(BOB, |pc| pc.add_track(Kind::Audio, "echo", &[]))
        .unwrap();
    pair.negotiate(ALICE);
    pair.run(Duration::from_secs(1));
    pair.write(ALICE, ours, &sound(0)).unwrap();
    pair.run(Duration::from_millis(100));
    let packet = pair.events[BOB].iter().find_map(|event| match event {
        Event::Packet { packet, .. } => Some(packet.clone()),
        _ => None,
    });
    let packet = packet.unwrap();
    let mut write = || {
        pair.world.with(pair.hosts[BOB], |pc, now| {
            pc.write_packet(now, theirs, "", &OutPacket::from(&packet))
        })
    };
    assert_eq!(write(), Ok(()));
    assert_eq!(write(), Err(WriteError::Stale));
}

/// W3C `RTCRtpReceiver.getParameters` and `transport`.
#[test]
fn wpt_086_a_receiver_says_what_it_takes_and_over_which_transport() {
    let mut pair = Pair::new();
    let init = TransceiverInit {
        direction: Direction::RecvOnly,
        ..TransceiverInit::default()
    };
    let id = pair
        .call(ALICE, |pc| pc.add_transceiver(Kind::Audio, init))
        .unwrap();
    assert_eq!(pair.machine(ALICE).receive_codecs(id).count(), 0);
    assert_eq!(pair.machine(ALICE).transport_of(id), None);
    pair.negotiate(ALICE);
    let alice = pair.machine(ALICE);
    let names: Vec<&str> = alice.receive_codecs(id).map(|codec| &*codec.name).collect();
    assert_eq!(names, ["opus", "G722", "PCMU", "PCMA"]);
    let (first, _) = alice.transports().next().unwrap();
    assert_eq!(alice.transport_of(id), Some(first));
}
