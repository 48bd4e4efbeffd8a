//! Sections 1.9 to 1.12 and 1.15: codecs, senders, receivers, and what they count.

use std::time::Duration;

use bytes::Bytes;
use pollrtc::cursor::{Reader, Writer};
use pollrtc::peer::{
    Config, Direction, Event, Kind, MediaCapabilities, MediaFrame, OutboundRtpStats, WriteError,
};
use pollrtc::rtp::fmtp::Parameters;
use pollrtc::rtp::format::{Format, Packetizer};
use pollrtc::seq::{Serial16, Serial32};
use pollrtc::sim::Verdict;
use pollrtc::wire::demux::{Class, classify};
use pollrtc::wire::list::List;
use pollrtc::wire::rtp::{Header, Packet, PayloadType, Ssrc};

use super::support::{PC1, PC2, Pair, alone, picture, sound};

fn aiortc() -> Config {
    Config {
        media: MediaCapabilities::aiortc().into(),
        ..Config::new()
    }
}

/// The table of 1.10, as a description says it.
#[test]
fn aiortc_1_10_the_codecs_and_extensions_of_aiortc_are_offered() {
    let mut pc = alone(aiortc());
    for kind in [Kind::Audio, Kind::Video] {
        pc.add_track(kind, "t", &[]).unwrap();
    }
    let sdp = pc.create_offer().unwrap().sdp;
    let h264 = "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=";
    let lines = [
        " UDP/TLS/RTP/SAVPF 96 9 0 8",
        "a=rtpmap:96 opus/48000/2",
        "a=rtpmap:9 G722/8000",
        "a=rtpmap:0 PCMU/8000",
        "a=rtpmap:8 PCMA/8000",
        " UDP/TLS/RTP/SAVPF 97 98 99 100 101 102",
        "a=rtpmap:97 VP8/90000",
        "a=rtpmap:98 rtx/90000",
        "a=fmtp:98 apt=97",
        "a=rtpmap:99 H264/90000",
        &format!("a=fmtp:99 {h264}42001f"),
        "a=fmtp:100 apt=99",
        &format!("a=fmtp:101 {h264}42e01f"),
        "a=fmtp:102 apt=101",
        "a=rtcp-fb:97 nack",
        "a=rtcp-fb:97 nack pli",
        "a=rtcp-fb:97 goog-remb",
    ];
    for line in lines {
        assert!(sdp.contains(&[line, "\r\n"].concat()), "{line}\n{sdp}");
    }
    assert!(!sdp.contains("a=rtcp-fb:96") && !sdp.contains("transport-cc"));
    let uris = |sdp: &str| {
        let lines = sdp.lines().filter(|line| line.starts_with("a=extmap:"));
        lines
            .map(|line| line.rsplit(['/', ':']).next().unwrap().to_string())
            .collect::<Vec<_>>()
    };
    let (audio, video) = sdp.split_at(sdp.find("m=video").unwrap());
    assert_eq!(uris(audio), ["mid", "ssrc-audio-level"]);
    assert_eq!(uris(video), ["mid", "abs-send-time"]);
}

/// aiortc's fields: name, clock, channels, parameters, feedback, payload type.
#[test]
fn aiortc_1_9_what_is_known_of_a_codec() {
    let pc = alone(Config::new());
    let opus = &pc.capabilities(Kind::Audio).codecs[0];
    assert_eq!((opus.name.as_str(), opus.clock_rate), ("opus", 48_000));
    assert_eq!((opus.channels, opus.payload), (2, 111));
    assert_eq!(opus.parameter("minptime"), Some("10"));
    let video = pc.capabilities(Kind::Video);
    let vp8 = &video.codecs[0];
    assert_eq!((vp8.name.as_str(), vp8.clock_rate), ("VP8", 90_000));
    assert!(vp8.feedback.iter().any(|word| word == "nack pli"));
    let rtx = &video.codecs[1];
    assert_eq!(rtx.repeats(), Some(vp8.payload));
    assert!(rtx.is_auxiliary() && !vp8.is_auxiliary());
    assert!(video.extensions.iter().any(|uri| uri.ends_with("sdes:mid")));
}

/// aiortc's integers of `fmtp`, and any other parameter.
#[test]
fn aiortc_1_14_parameters_of_a_format() {
    let line =
        "apt=96;max-fr=30; max-fs=3600 ;maxplaybackrate=48000;minptime=10;stereo=1;useinbandfec=1";
    for (name, value) in [
        ("apt", "96"),
        ("max-fr", "30"),
        ("MAX-FS", "3600"),
        ("maxplaybackrate", "48000"),
        ("minptime", "10"),
        ("stereo", "1"),
        ("useinbandfec", "1"),
    ] {
        assert_eq!(Parameters(line).get(name), Some(value));
    }
    assert_eq!(Parameters(line).get("x"), None);
}

fn outbound(pair: &Pair, side: usize) -> OutboundRtpStats {
    let now = pair.world.now();
    let mut all = pair.machine(side).get_stats(now).outbound_rtp;
    all.remove(0)
}

/// A sender from its making to its farewell: nothing before it is agreed, frames after,
/// nothing while it has no track, and reports meanwhile.
#[test]
fn aiortc_1_11_the_life_of_a_sender() {
    let mut pair = Pair::new();
    let id = pair
        .call(PC1, |pc| pc.add_track(Kind::Audio, "sound", &[]))
        .unwrap();
    let early = pair.call(PC1, |pc| pc.write(pollrtc::Instant::ZERO, id, &sound(0)));
    assert_eq!(early, Err(WriteError::Paused));
    pair.exchange();
    pair.wait();
    for round in 0..100 {
        pair.write(PC1, id, &sound(round * 960)).unwrap();
        pair.run(Duration::from_millis(20));
    }
    pair.wait();
    assert_eq!(pair.frames(PC2).len(), 100);
    let sent = outbound(&pair, PC1);
    assert_eq!((sent.packets_sent, sent.bytes_sent), (100, 4000));
    let now = pair.world.now();
    let theirs = pair.machine(PC2).get_stats(now);
    let [reported] = &theirs.remote_outbound_rtp[..] else {
        panic!("a sender report came: {theirs:?}")
    };
    assert_eq!((reported.packets_sent, reported.bytes_sent), (100, 4000));
    let ours = pair.machine(PC1).get_stats(now);
    let [reported] = &ours.remote_inbound_rtp[..] else {
        panic!("a receiver report came: {ours:?}")
    };
    assert_eq!((reported.packets_lost, reported.fraction_lost), (0, 0));
    assert!(reported.round_trip_time.is_some());

    // `replaceTrack(None)`, and something else.
    pair.call(PC1, |pc| pc.replace_track(id, None)).unwrap();
    let now = pair.world.now();
    let paused = pair.call(PC1, |pc| pc.write(now, id, &sound(96_000)));
    assert_eq!(paused, Err(WriteError::Paused));
    pair.call(PC1, |pc| pc.replace_track(id, Some("other")))
        .unwrap();
    pair.write(PC1, id, &sound(96_000)).unwrap();
    pair.wait();
    assert_eq!(pair.frames(PC2).len(), 101);

    // A direction without sending ends it for the peer, and `BYE` says so.
    pair.call(PC1, |pc| pc.set_direction(id, Direction::Inactive))
        .unwrap();
    pair.exchange();
    pair.wait();
    let theirs = pair.transceiver(PC2, Kind::Audio);
    assert!(pair.was_told(PC2, &Event::TrackEnded(theirs)));
}

/// What a packet is sent again for: its number, once, from a history; and a picture lost
/// for good is asked for anew.
#[test]
fn aiortc_1_11_pictures_are_repaired_and_asked_for() {
    let mut pair = Pair::with(aiortc(), aiortc());
    let id = pair.add(PC1, Kind::Video, Direction::SendOnly);
    pair.exchange();
    pair.wait();
    pair.write(PC1, id, &picture(0, true, 500)).unwrap();
    pair.wait();
    let mut number = 0;
    pair.world.set_tap(move |sighting| {
        let is_media = classify(sighting.bytes) == Class::Rtp;
        number += u32::from(is_media);
        if is_media && number == 2 {
            Verdict::Drop
        } else {
            Verdict::Pass
        }
    });
    pair.write(PC1, id, &picture(3000, false, 5000)).unwrap();
    pair.wait();
    assert_eq!(pair.frames(PC2).len(), 2);
    let sent = outbound(&pair, PC1);
    assert!(sent.nack_count > 0 && sent.retransmitted_packets_sent == 1);
    let now = pair.world.now();
    let inbound = &pair.machine(PC2).get_stats(now).inbound_rtp[0];
    assert_eq!(inbound.packets.retransmitted_packets_received, 1, "by RTX");

    let theirs = pair.transceiver(PC2, Kind::Video);
    assert!(pair.call(PC2, |pc| pc.request_key_frame(theirs, "")));
    pair.wait();
    assert!(outbound(&pair, PC1).pli_count > 0);
    let asked = |event: &Event| matches!(event, Event::KeyFrameRequested { transceiver, .. } if *transceiver == id);
    assert!(pair.events[PC1].iter().any(asked));
}

/// REMB: what the peer's estimate says is told, never twice in a row the same way.
#[test]
fn aiortc_1_12_the_receivers_estimate_is_told() {
    let mut pair = Pair::with(aiortc(), aiortc());
    let id = pair.add(PC1, Kind::Video, Direction::SendOnly);
    pair.exchange();
    pair.wait();
    for round in 0..200 {
        pair.write(PC1, id, &picture(round * 3000, round == 0, 4000))
            .unwrap();
        pair.run(Duration::from_millis(33));
    }
    let told = pair.events[PC1].iter().filter_map(|event| match event {
        Event::TargetBitrate(bitrate) => Some(*bitrate),
        _ => None,
    });
    let told: Vec<u64> = told.collect();
    assert!(told.iter().any(|bitrate| *bitrate > 500_000), "{told:?}");
    assert_eq!(outbound(&pair, PC1).target_bitrate, told.last().copied());
}

/// Who was heard in the last ten seconds.
#[test]
fn aiortc_1_12_sources_are_remembered_for_ten_seconds() {
    let mut pair = Pair::new();
    let id = pair.add(PC1, Kind::Audio, Direction::SendOnly);
    pair.exchange();
    pair.wait();
    pair.write(PC1, id, &sound(0)).unwrap();
    pair.wait();
    let theirs = pair.transceiver(PC2, Kind::Audio);
    let heard = |pair: &Pair, after: u64| {
        let now = pair.world.now() + Duration::from_secs(after);
        pair.machine(PC2).synchronization_sources(theirs, now).len()
    };
    assert_eq!((heard(&pair, 0), heard(&pair, 10)), (1, 0));
}

/// RTP as aiortc has it: padding, CSRCs, and payloads that come back to the byte.
#[test]
fn aiortc_1_15_packets_come_back_to_the_byte() {
    let packet = Packet {
        header: Header {
            payload_type: PayloadType::from_low_bits(96),
            sequence_number: Serial16(0xffff),
            timestamp: Serial32(0xffff_fffe),
            ssrc: Ssrc(0x1234_5678),
            marker: true,
            csrcs: List::EMPTY,
            extensions: None,
        },
        payload: b"payload",
        padding: 4,
    };
    let mut bytes = Vec::new();
    packet.emit(&mut Writer::new(&mut bytes, 1500));
    assert_eq!(bytes.len(), 12 + 7 + 4);
    assert_eq!(bytes.last(), Some(&4));
    assert_eq!(classify(&bytes), Class::Rtp);
    assert_eq!(Packet::parse(&mut Reader::new(&bytes)), Ok(packet));
    // RTCP is told by its second byte, so that its types cannot be payload types.
    for second in [192, 200, 208, 223] {
        assert_eq!(classify(&[0x80, second]), Class::Rtcp);
    }
}

/// VP8 and H.264 in packets: the same bounds, the same first bytes.
#[test]
fn aiortc_1_15_frames_are_cut_into_packets() {
    let cut = |format, frame: Vec<u8>| -> Vec<Vec<u8>> {
        let mut packetizer = Packetizer::new(format, 0x7fff);
        packetizer.push(frame.into()).unwrap();
        let (mut pieces, mut payload) = (Vec::new(), Vec::new());
        while packetizer
            .next(&mut Writer::new(&mut payload, 1300))
            .is_some()
        {
            pieces.push(core::mem::take(&mut payload));
        }
        pieces
    };
    let pieces = cut(Format::Vp8, vec![7; 4000]);
    assert_eq!(pieces.len(), 4);
    assert!(pieces.iter().all(|piece| piece.len() <= 1300));
    // RFC 7741 §4.2: the start bit in the first of them only.
    let starts: Vec<bool> = pieces.iter().map(|piece| piece[0] & 0x10 != 0).collect();
    assert_eq!(starts, [true, false, false, false]);

    // RFC 6184 §5.8: a unit that is too large goes as FU-A, small ones together as STAP-A.
    let mut large = b"\0\0\0\x01\x65".to_vec();
    large.resize(4000, 7);
    let pieces = cut(Format::H264 { single_unit: false }, large);
    assert!(pieces.iter().all(|piece| piece[0] & 0x1f == 28), "FU-A");
    let small = b"\0\0\0\x01\x67ab\0\0\0\x01\x68cd".to_vec();
    let pieces = cut(Format::H264 { single_unit: false }, small);
    assert_eq!(pieces.len(), 1);
    assert_eq!(pieces[0][0] & 0x1f, 24, "STAP-A");
}

/// What aiortc calls a source of silence or of green: whoever writes frames.
#[test]
fn aiortc_1_15_any_source_of_frames_can_be_sent() {
    let mut pair = Pair::new();
    let id = pair.add(PC1, Kind::Audio, Direction::SendOnly);
    pair.exchange();
    pair.wait();
    // Opus' own word for silence (RFC 6716 §3.1).
    for round in 0..10 {
        let silence = MediaFrame::new(round * 960, Bytes::from_static(b"\xf8\xff\xfe"));
        pair.write(PC1, id, &silence).unwrap();
        pair.run(Duration::from_millis(20));
    }
    pair.wait();
    assert_eq!(pair.frames(PC2).len(), 10);
    let track = pair.transceiver(PC2, Kind::Audio);
    assert!(pair.was_told(PC2, &Event::Track(track)));
}
