//! Frames arrive whole, both ways, and what a receiver asks for reaches the sender.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use pollrtc::peer::{
    Config, Direction, EncodingParameters, Event, IceServer, Kind, MediaCapabilities, MediaFrame,
    TransceiverInit, WriteError,
};

use pollrtc::rtp::format::Units;
use pollrtc::sim::{Chance, Link, Loss, Verdict};

use super::clips::{Clip, Position};
use super::support::{ALICE, BOB, Pair, picture, sound};

/// RTP-001, WPT-051: sound and pictures, as a call has them.
#[test]
fn a_call() {
    let mut pair = Pair::new();
    for side in [ALICE, BOB] {
        for kind in [Kind::Audio, Kind::Video] {
            pair.call(side, |pc| pc.add_track(kind, "track", &["stream"]))
                .unwrap();
        }
    }
    pair.negotiate(ALICE);
    let clips = [(Kind::Audio, Clip::opus()), (Kind::Video, Clip::vp8())];
    let mut at = [Position::default(); 2];
    for _ in 0..90 {
        for side in [ALICE, BOB] {
            for ((kind, clip), at) in clips.iter().zip(&at) {
                let (data, timestamp) = clip.next(&mut at.clone());
                let id = pair.transceiver(side, *kind);
                pair.write(side, id, &MediaFrame::new(timestamp, data))
                    .unwrap();
            }
        }
        for ((_, clip), at) in clips.iter().zip(&mut at) {
            clip.next(at);
        }
        pair.run(Duration::from_millis(33));
    }
    pair.run(Duration::from_secs(1));
    for side in [ALICE, BOB] {
        let events = pair.events[side].clone();
        for (kind, clip) in &clips {
            pair.events[side].clone_from(&events);
            let id = pair.transceiver(side, *kind);
            let frames = pair.take_frames(side, id);
            assert_eq!(frames.len(), 90, "{kind}");
            let expected = clip.frames().iter().cycle();
            for ((rid, frame), expected) in frames.iter().zip(expected) {
                assert!(rid.is_empty() && frame.data == *expected);
            }
            assert!(frames[0].1.is_key);
        }
    }
}

#[test]
fn every_codec_of_the_sample_media() {
    for (name, kind) in [
        ("opus", Kind::Audio),
        ("PCMU", Kind::Audio),
        ("VP8", Kind::Video),
        ("H264", Kind::Video),
    ] {
        let clip = Clip::of(name).unwrap();
        let mut pair = Pair::new();
        let id = pair.add(ALICE, kind, Direction::SendOnly);
        pair.negotiate(ALICE);
        let chosen = pair.machine(ALICE).send_codecs(id);
        let chosen = chosen
            .into_iter()
            .find(|codec| codec.name.eq_ignore_ascii_case(name))
            .unwrap()
            .payload_type;
        assert!(pair.call(ALICE, |pc| pc.set_send_codec(id, chosen)));
        let mut at = Position::default();
        for _ in 0..20 {
            let (data, timestamp) = clip.next(&mut at);
            pair.write(ALICE, id, &MediaFrame::new(timestamp, data))
                .unwrap();
            pair.run(Duration::from_millis(20));
        }
        pair.run(Duration::from_millis(100));
        let id = pair.transceiver(BOB, kind);
        let frames = pair.take_frames(BOB, id);
        assert_eq!(frames.len(), 20, "{name}");
        for ((_, frame), expected) in frames.iter().zip(clip.frames()) {
            assert!(same_picture(&frame.data, expected), "{name}");
            assert_eq!(frame.payload_type, chosen);
        }
        let now = pair.world.now();
        let inbound = &pair.machine(BOB).get_stats(now).inbound_rtp[0];
        assert_eq!(inbound.stream.codec, Some(chosen.number()), "{name}");
    }
}

/// H.264 comes with start codes of four bytes, whatever they were.
fn same_picture(came: &[u8], sent: &[u8]) -> bool {
    let units = |picture| Units::new(picture).map(|unit| &picture[unit]);
    came == sent || units(came).eq(units(sent))
}

/// Where a relay may be used, room is left for what it needs around a packet.
#[test]
fn the_largest_packet_leaves_room_for_a_relay() {
    let mut alice = Config::new();
    alice.ice.servers.push(IceServer {
        urls: vec!["stun:192.0.2.9".parse().unwrap()],
        username: None,
        credential: None,
    });
    let mut pair = Pair::with(alice, Config::new());
    let id = pair.add(ALICE, Kind::Video, Direction::SendOnly);
    pair.negotiate(ALICE);
    pair.write(ALICE, id, &picture(0, true, 50_000)).unwrap();
    pair.run(Duration::from_secs(1));
    let id = pair.transceiver(BOB, Kind::Video);
    assert_eq!(pair.take_frames(BOB, id).len(), 1);
}

/// RTP-040: who comes in the middle asks, and the application is told once.
#[test]
fn a_key_frame_is_asked_for() {
    let mut pair = Pair::new();
    let id = pair.add(ALICE, Kind::Video, Direction::SendOnly);
    pair.negotiate(ALICE);
    pair.write(ALICE, id, &picture(0, false, 3000)).unwrap();
    pair.run(Duration::from_millis(200));
    let asked = |event: &&Event| matches!(event, Event::KeyFrameRequested { transceiver, .. } if *transceiver == id);
    assert_eq!(pair.events[ALICE].iter().filter(asked).count(), 1);
    let theirs = pair.transceiver(BOB, Kind::Video);
    assert!(pair.take_frames(BOB, theirs).is_empty());
    pair.write(ALICE, id, &picture(3000, true, 3000)).unwrap();
    pair.run(Duration::from_millis(200));
    assert_eq!(pair.take_frames(BOB, theirs).len(), 1);

    // The application asks by itself.
    pair.run(Duration::from_secs(2));
    pair.events[ALICE].clear();
    assert!(pair.call(BOB, |pc| pc.request_key_frame(theirs, "")));
    pair.run(Duration::from_millis(200));
    assert_eq!(pair.events[ALICE].iter().filter(asked).count(), 1);
}

/// Layers are told apart by their names, and each can be paused.
#[test]
fn three_layers() {
    let mut pair = Pair::new();
    let init = TransceiverInit {
        direction: Direction::SendOnly,
        encodings: ["h", "m", "l"].map(EncodingParameters::named).into(),
        ..TransceiverInit::default()
    };
    let id = pair
        .call(ALICE, |pc| pc.add_transceiver(Kind::Video, init))
        .unwrap();
    pair.negotiate(ALICE);
    let sizes = [("h", 5000), ("m", 2500), ("l", 500)];
    for round in 0..10_u32 {
        for (rid, size) in sizes {
            let frame = picture(round * 3000, round == 0, size);
            pair.write_layer(ALICE, id, rid, &frame).unwrap();
        }
        pair.run(Duration::from_millis(33));
    }
    let theirs = pair.transceiver(BOB, Kind::Video);
    let frames = pair.take_frames(BOB, theirs);
    for (rid, size) in sizes {
        let layer: Vec<_> = frames.iter().filter(|(name, _)| name == rid).collect();
        assert_eq!(layer.len(), 10, "{rid}");
        assert!(layer.iter().all(|(_, frame)| frame.data.len() == size));
    }
    assert_eq!(frames.len(), 30);

    let single = pair.write(ALICE, id, &picture(0, true, 100));
    assert_eq!(
        single,
        Err(WriteError::Paused),
        "there is none without a name"
    );
    assert!(pair.call(ALICE, |pc| pc.set_encoding_active(id, "h", false)));
    let paused = pair.write_layer(ALICE, id, "h", &picture(60_000, true, 100));
    assert_eq!(paused, Err(WriteError::Paused));
    pair.negotiate(ALICE);
    let paused = pair.write_layer(ALICE, id, "h", &picture(60_000, true, 100));
    assert_eq!(
        paused,
        Err(WriteError::Paused),
        "an exchange changes nothing"
    );
    assert!(!pair.call(ALICE, |pc| pc.set_encoding_active(id, "x", false)));
    assert!(pair.call(BOB, |pc| pc.request_key_frame(theirs, "l")));
    pair.run(Duration::from_secs(1));
    let asked: Vec<String> = pair.events[ALICE]
        .iter()
        .filter_map(|event| match event {
            Event::KeyFrameRequested { rid, .. } => Some(rid.to_string()),
            _ => None,
        })
        .collect();
    // And again, until one comes.
    assert!(!asked.is_empty() && asked.iter().all(|rid| rid == "l"));
}

/// A peer that knows no layers gets one stream, without a name.
#[test]
fn layers_to_a_peer_without() {
    let bob = Config {
        media: MediaCapabilities::aiortc().into(),
        ..Config::new()
    };
    let mut pair = Pair::with(Config::new(), bob);
    let init = TransceiverInit {
        encodings: ["h", "l"].map(EncodingParameters::named).into(),
        ..TransceiverInit::default()
    };
    let id = pair
        .call(ALICE, |pc| pc.add_transceiver(Kind::Video, init))
        .unwrap();
    // It answers as aiortc does: without a word about layers.
    pair.call(ALICE, |pc| pc.set_local_description(None))
        .unwrap();
    let mut offer = pair.machine(ALICE).local_description().unwrap();
    let lines = offer.sdp.split_inclusive("\r\n");
    let plain = lines.filter(|line| !line.contains("rid") && !line.contains("simulcast"));
    offer.sdp = plain.collect();
    pair.call(BOB, |pc| pc.set_remote_description(&offer))
        .unwrap();
    pair.call(BOB, |pc| pc.set_local_description(None)).unwrap();
    let answer = pair.machine(BOB).local_description().unwrap();
    pair.call(ALICE, |pc| pc.set_remote_description(&answer))
        .unwrap();
    pair.run(Duration::from_secs(1));
    let encodings = pair.machine(ALICE).transceiver(id).unwrap().encodings();
    assert!(encodings.len() == 1 && encodings[0].rid.is_empty());
    pair.write(ALICE, id, &picture(0, true, 2000)).unwrap();
    pair.run(Duration::from_millis(200));
    let theirs = pair.transceiver(BOB, Kind::Video);
    assert_eq!(pair.take_frames(BOB, theirs).len(), 1);
}

/// Sound of two aiortc-like ends, whose payload types are others than a browser's.
#[test]
fn other_capabilities() {
    let config = || Config {
        media: MediaCapabilities::aiortc().into(),
        ..Config::new()
    };
    for configs in [(Config::new(), config()), (config(), Config::new())] {
        let mut pair = Pair::with(configs.0, configs.1);
        let id = pair.add(ALICE, Kind::Audio, Direction::SendRecv);
        pair.negotiate(ALICE);
        let theirs = pair.transceiver(BOB, Kind::Audio);
        pair.call(BOB, |pc| pc.set_direction(theirs, Direction::SendRecv))
            .unwrap();
        pair.negotiate(BOB);
        pair.write(ALICE, id, &sound(960)).unwrap();
        pair.write(BOB, theirs, &sound(960)).unwrap();
        pair.run(Duration::from_millis(200));
        assert_eq!(pair.take_frames(BOB, theirs).len(), 1);
        assert_eq!(pair.take_frames(ALICE, id).len(), 1);
    }
}

/// Both kinds of keys that a connection may have.
#[test]
fn every_srtp_profile() {
    use pollrtc::wire::dtls::extension::SrtpProfile;
    for profile in [
        SrtpProfile::AeadAes128Gcm,
        SrtpProfile::AeadAes256Gcm,
        SrtpProfile::Aes128CmSha1_80,
        SrtpProfile::Aes128CmSha1_32,
    ] {
        let bob = Config {
            srtp_profiles: vec![profile],
            ..Config::new()
        };
        let mut alice = Config::new();
        alice.srtp_profiles.push(SrtpProfile::Aes128CmSha1_32);
        let mut pair = Pair::with(alice, bob);
        let id = pair.add(ALICE, Kind::Audio, Direction::SendOnly);
        pair.negotiate(ALICE);
        pair.write(ALICE, id, &sound(0)).unwrap();
        pair.run(Duration::from_millis(200));
        let theirs = pair.transceiver(BOB, Kind::Audio);
        assert_eq!(pair.take_frames(BOB, theirs).len(), 1, "{profile}");
        let agreed = pair.machine(ALICE).dtls_negotiated().unwrap();
        assert_eq!(agreed.srtp_profile, Some(profile));
    }
}

/// RFC 9335: headers are hidden if both ends can do that, and only then.
#[test]
fn cryptex_is_agreed_on() {
    let config = |cryptex| Config {
        cryptex,
        ..Config::new()
    };
    for (alice, bob) in [(true, true), (true, false), (false, true)] {
        let mut pair = Pair::with(config(alice), config(bob));
        let id = pair.add(ALICE, Kind::Audio, Direction::SendOnly);
        pair.negotiate(ALICE);
        let profiles = Rc::new(RefCell::new(Vec::new()));
        let seen = Rc::clone(&profiles);
        pair.world.set_tap(move |sighting| {
            if sighting.bytes.first() == Some(&0x90) {
                seen.borrow_mut()
                    .push([sighting.bytes[12], sighting.bytes[13]]);
            }
            Verdict::Pass
        });
        pair.write(ALICE, id, &sound(0)).unwrap();
        pair.run(Duration::from_millis(200));
        let theirs = pair.transceiver(BOB, Kind::Audio);
        assert_eq!(pair.take_frames(BOB, theirs).len(), 1);
        let said = pair.machine(BOB).local_description().unwrap().sdp;
        assert_eq!(said.contains("a=cryptex"), alice && bob);
        let hidden = [[0xc0, 0xde]];
        assert_eq!(*profiles.borrow() == hidden, alice && bob);
        assert_eq!(profiles.borrow().len(), 1, "it had extensions");
    }
}

/// RFC 4588, RFC 4585 §6.2.1: what is lost comes again, in a stream of its own or, to
/// a peer without RTX, as it was.
#[test]
fn what_is_lost_comes_again() {
    for with_rtx in [true, false] {
        let mut pair = Pair::new();
        let id = pair.add(ALICE, Kind::Video, Direction::SendOnly);
        let all = pair.machine(ALICE).capabilities(Kind::Video).codecs.clone();
        let wanted = all.into_iter().filter(|one| with_rtx || one.name != "rtx");
        let wanted = wanted.collect();
        pair.call(ALICE, |pc| pc.set_codec_preferences(id, wanted))
            .unwrap();
        pair.negotiate(ALICE);
        let [alice, bob] = pair.hosts;
        let link = Link {
            loss: Loss::Uniform(Chance::percent(5)),
            ..Link::with_delay(Duration::from_millis(10))
        };
        pair.world.set_links(alice, bob, link);
        for round in 0..300_u32 {
            let frame = picture(round * 3000, round == 0, 4000);
            pair.write(ALICE, id, &frame).unwrap();
            pair.run(Duration::from_millis(33));
        }
        pair.run(Duration::from_secs(1));
        let now = pair.world.now();
        let sent = &pair.machine(ALICE).get_stats(now).outbound_rtp[0];
        assert!(sent.retransmitted_packets_sent > 20);
        let srtp = pair.machine(ALICE).stats().srtp.unwrap();
        assert_eq!((srtp.reused, srtp.unsealable), (0, 0));
        let theirs = pair.transceiver(BOB, Kind::Video);
        let frames = pair.take_frames(BOB, theirs);
        assert_eq!(frames.len(), 300, "rtx: {with_rtx}");
        let mut times = frames.windows(2);
        assert!(times.all(|two| two[1].1.timestamp.wrapping_sub(two[0].1.timestamp) == 3000));
    }
}
