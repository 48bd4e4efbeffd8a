//! What is refused, what is told of streams, and how it all ends.

use std::time::Duration;

use pollrtc::peer::{
    Config, DescriptionError, Direction, EncodingParameters, Event, Kind, MediaCapabilities,
    MediaFrame, TransceiverInit, WriteError,
};
use pollrtc::wire::rtcp::NtpTimestamp;
use pollrtc::wire::rtp::extension::AudioLevel;

use super::support::{ALICE, BOB, Pair, picture, sound};

#[test]
fn wrong_states_are_refused() {
    let mut pair = Pair::new();
    let id = pair.add(ALICE, Kind::Audio, Direction::SendRecv);
    assert_eq!(pair.write(ALICE, id, &sound(0)), Err(WriteError::Paused));
    assert!(!pair.call(ALICE, |pc| pc.request_key_frame(id, "")));
    assert!(pair.machine(ALICE).send_codecs(id).next().is_none());

    let bad = |rids: &[&str]| TransceiverInit {
        encodings: rids
            .iter()
            .map(|rid| EncodingParameters::named(rid))
            .collect(),
        ..TransceiverInit::default()
    };
    for rids in [
        &["a", "a"][..],
        &["a-b", "c"],
        &["", "a"],
        &["abcdefghijklmnopq"],
    ] {
        let refused = pair.call(ALICE, |pc| pc.add_transceiver(Kind::Video, bad(rids)));
        assert!(
            matches!(refused, Err(DescriptionError::Type(_))),
            "{rids:?}"
        );
    }

    let other = MediaCapabilities::browser().video.codecs;
    let foreign = pair.call(ALICE, |pc| pc.set_codec_preferences(id, other));
    assert_eq!(foreign, Err(DescriptionError::InvalidModification));

    pair.call(ALICE, |pc| pc.stop_transceiver(id)).unwrap();
    let stopped = Err(DescriptionError::InvalidState);
    let direction = pair.call(ALICE, |pc| pc.set_direction(id, Direction::SendOnly));
    assert_eq!(direction, stopped);
    assert_eq!(pair.call(ALICE, |pc| pc.replace_track(id, None)), stopped);

    pair.call(ALICE, |pc| pc.close());
    let added = pair.call(ALICE, |pc| pc.add_track(Kind::Audio, "t", &[]));
    assert_eq!(added, Err(DescriptionError::InvalidState));
    let init = TransceiverInit::default();
    let added = pair.call(ALICE, |pc| pc.add_transceiver(Kind::Audio, init));
    assert_eq!(added, Err(DescriptionError::InvalidState));
}

#[test]
fn preferences_choose_the_codec() {
    let mut pair = Pair::new();
    let id = pair.add(ALICE, Kind::Video, Direction::SendOnly);
    let all = pair.machine(ALICE).capabilities(Kind::Video).codecs.clone();
    let h264 = all.iter().filter(|codec| codec.name != "VP8").cloned();
    let h264: Vec<_> = h264.collect();
    pair.call(ALICE, |pc| pc.set_codec_preferences(id, h264))
        .unwrap();
    pair.negotiate(ALICE);
    let sent = pair.machine(ALICE).send_codecs(id);
    let names: Vec<&str> = sent.map(|codec| codec.name.as_str()).collect();
    assert_eq!(names[0], "VP9");
    assert!(!names.contains(&"VP8") && !names.contains(&"rtx"));
}

/// W3C webrtc-stats: what one end has sent, the other has received, and each knows
/// what the other reports.
#[test]
fn stats_of_both_ends_agree() {
    let mut pair = Pair::new();
    let audio = pair.add(ALICE, Kind::Audio, Direction::SendOnly);
    let video = pair.add(ALICE, Kind::Video, Direction::SendOnly);
    pair.negotiate(ALICE);
    for round in 0..300_u32 {
        pair.write(ALICE, audio, &sound(round * 960)).unwrap();
        let frame = picture(round * 1800, round % 60 == 0, 3000);
        pair.write(ALICE, video, &frame).unwrap();
        pair.run(Duration::from_millis(20));
    }
    let now = pair.world.now();
    let [ours, theirs] = [ALICE, BOB].map(|side| pair.machine(side).get_stats(now));
    assert_eq!(ours.outbound_rtp.len(), 2);
    assert_eq!(theirs.inbound_rtp.len(), 2);
    for sent in &ours.outbound_rtp {
        let mut inbound = theirs.inbound_rtp.iter();
        let received = inbound
            .find(|one| one.stream.ssrc == sent.stream.ssrc)
            .unwrap();
        assert_eq!(sent.stream.kind, received.stream.kind);
        assert_eq!(sent.stream.codec, received.stream.codec);
        assert_eq!(sent.stream.mid, received.stream.mid);
        assert_eq!(sent.frames_sent, 300);
        assert_eq!(received.frames.frames_received, 300);
        assert_eq!(sent.packets_sent, received.packets.packets_received);
        assert_eq!(sent.bytes_sent, received.packets.bytes_received);
        assert_eq!(
            sent.header_bytes_sent,
            received.packets.header_bytes_received
        );
        assert_eq!(received.packets.packets_lost, 0);
        let mut reports = ours.remote_inbound_rtp.iter();
        let report = reports.find(|one| one.ssrc == sent.stream.ssrc).unwrap();
        assert!(report.packets_received > 0 && report.packets_lost == 0);
        let rtt = report.round_trip_time.unwrap();
        assert!(rtt >= Duration::from_millis(19) && rtt < Duration::from_millis(40));
        let mut reports = theirs.remote_outbound_rtp.iter();
        let report = reports.find(|one| one.ssrc == sent.stream.ssrc).unwrap();
        assert!(report.reports_sent > 0 && report.packets_sent > 0);
    }
    let video = &theirs.inbound_rtp[1].frames;
    assert_eq!(video.key_frames_received, 5);
    assert_eq!(video.frames_assembled_from_multiple_packets, 300);
    let mime: Vec<&str> = ours
        .codecs
        .iter()
        .map(|one| one.mime_type.as_str())
        .collect();
    assert!(mime.contains(&"audio/opus") && mime.contains(&"video/VP8"));
    // REMB: what bob's estimate says is an event here, and stands in the stats.
    let told = pair.events[ALICE].iter().filter_map(|event| match event {
        Event::TargetBitrate(bitrate) => Some(*bitrate),
        _ => None,
    });
    let told = told.last();
    assert!(told.is_some_and(|bitrate| bitrate > 500_000), "{told:?}");
    assert_eq!(ours.outbound_rtp[1].target_bitrate, told);
    // What is under way when one looks is not there yet.
    let (out, back) = (&ours.transports[0], &theirs.transports[0]);
    assert!(out.packets_sent >= back.packets_received && back.packets_received > 1000);
    assert!(out.bytes_sent >= back.bytes_received);
    assert!(out.srtp_cipher.is_some() && out.srtp_cipher == back.srtp_cipher);
}

/// RFC 3550 §6.6: who leaves says so, before DTLS ends.
#[test]
fn closing_says_goodbye() {
    let mut pair = Pair::new();
    let id = pair.add(ALICE, Kind::Audio, Direction::SendOnly);
    pair.negotiate(ALICE);
    pair.write(ALICE, id, &sound(0)).unwrap();
    pair.run(Duration::from_millis(100));
    let before = pair.machine(BOB).stats();
    pair.call(ALICE, |pc| pc.close());
    pair.run(Duration::from_millis(100));
    let after = pair.machine(BOB).stats();
    assert_eq!(after.media.rtcp_received, before.media.rtcp_received + 1);
    assert_eq!(pair.write(ALICE, id, &sound(960)), Err(WriteError::Paused));
}

/// ATK-030: media without keys, or without that any was agreed on, is counted.
#[test]
fn media_before_its_time_is_dropped() {
    let mut pair = Pair::new();
    let audio = pair.add(ALICE, Kind::Audio, Direction::SendOnly);
    let rejecting = Config {
        media: MediaCapabilities::default().into(),
        ..Config::new()
    };
    let mut data_only = Pair::with(Config::new(), rejecting);
    for pair in [&mut pair, &mut data_only] {
        pair.call(ALICE, |pc| {
            pc.create_data_channel("", pollrtc::peer::ChannelConfig::default())
        })
        .unwrap();
        pair.negotiate(ALICE);
    }
    let theirs = pair.transceiver(BOB, Kind::Audio);
    for pair in [&mut pair, &mut data_only] {
        let from = pair.world.sockets(pair.hosts[ALICE])[0];
        let to = pair.world.sockets(pair.hosts[BOB])[0];
        let now = pair.world.now();
        for packet in [[0x80, 0x60], [0x80, 200]] {
            let mut bytes = packet.to_vec();
            bytes.resize(60, 7);
            pair.world.inject(now, from, to, bytes);
        }
        pair.run(Duration::from_millis(100));
    }
    assert_eq!(data_only.machine(BOB).stats().transport.media_too_early, 2);
    let srtp = pair.machine(BOB).stats().srtp.unwrap();
    assert_eq!(srtp.bad_tag, 2);
    pair.write(ALICE, audio, &sound(0)).unwrap();
    pair.run(Duration::from_millis(100));
    assert_eq!(pair.take_frames(BOB, theirs).len(), 1);
}

/// RFC 6464, RFC 3550 §6.4.1: who is heard, how loud, and when it was said by the
/// sender's clock.
#[test]
fn sources_and_clocks() {
    let mut pair = Pair::new();
    let id = pair.add(ALICE, Kind::Audio, Direction::SendOnly);
    pair.negotiate(ALICE);
    let started = pair.world.now();
    let unix = Duration::from_secs(1_800_000_000);
    pair.call(ALICE, |pc| pc.set_wall_clock(started, unix));
    let level = AudioLevel {
        below: 30,
        voice: true,
    };
    for round in 0..300_u32 {
        let frame = MediaFrame {
            audio_level: Some(level),
            ..sound(round * 960)
        };
        pair.write(ALICE, id, &frame).unwrap();
        pair.run(Duration::from_millis(20));
    }
    let now = pair.world.now();
    let theirs = pair.transceiver(BOB, Kind::Audio);
    let bob = pair.machine(BOB);
    assert!(bob.contributing_sources(theirs, now).is_empty());
    let [source] = bob.synchronization_sources(theirs, now)[..] else {
        panic!("one stream came");
    };
    assert_eq!(Some(source.ssrc), pair.machine(ALICE).ssrc(id, ""));
    assert_eq!(source.audio_level, Some(level));
    let later = now + Duration::from_secs(11);
    assert!(bob.synchronization_sources(theirs, later).is_empty());

    let frames = pair.take_frames(BOB, theirs);
    assert!(frames[0].1.ntp.is_none(), "nothing was reported yet");
    assert_eq!(frames[0].1.audio_level, Some(level));
    let (_, last) = frames.last().unwrap();
    let said = NtpTimestamp(last.ntp.unwrap());
    let expected = NtpTimestamp::from_unix(unix + (now - started) - Duration::from_millis(20));
    let error = said.0.abs_diff(expected.0);
    // In units of 2⁻³² s: two milliseconds.
    assert!(error < (1 << 32) / 500, "{said:?} {expected:?}");
}
