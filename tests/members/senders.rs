//! Tracks, directions and what a stopped or foreign transceiver says.

use pollrtc::peer::{
    Description, DescriptionError, Direction, Event, Kind, OfferOptions, SignalingState,
    TransceiverInit,
};

use super::support::{ALICE, BOB, Pair};

use Direction::{Inactive, RecvOnly, SendOnly, SendRecv};

#[test]
fn wpt_013_after_the_end_nothing_is_added_or_taken_away() {
    let mut pair = Pair::new();
    let id = pair.add(ALICE, Kind::Audio, SendRecv);
    pair.call(ALICE, |pc| pc.close());
    pair.call(ALICE, |pc| {
        let ended = Err(DescriptionError::InvalidState);
        assert_eq!(pc.add_track(Kind::Audio, "voice", &[]).map(drop), ended);
        let added = pc.add_transceiver(Kind::Audio, TransceiverInit::default());
        assert_eq!(added.map(drop), ended);
        assert_eq!(pc.remove_track(id), ended);
        assert_eq!(pc.stop_transceiver(id), ended);
        assert_eq!(pc.set_direction(id, SendOnly), ended);
        assert_eq!(pc.replace_track(id, None), ended);
        assert_eq!(pc.set_streams(id, &["me"]), ended);
        assert_eq!(pc.set_codec_preferences(id, Vec::new()), ended);
        assert_eq!(pc.set_header_extensions(id, &[]), ended);
        assert_eq!(pc.signaling_state(), SignalingState::Closed);
        assert_eq!(DescriptionError::InvalidState.name(), "InvalidStateError");
    });
}

#[test]
fn wpt_014_a_track_is_sent_once() {
    let mut pair = Pair::new();
    pair.call(ALICE, |pc| {
        let id = pc.add_track(Kind::Video, "camera", &[]).unwrap();
        let twice = pc.add_track(Kind::Video, "camera", &[]).unwrap_err();
        assert_eq!(twice.name(), "InvalidAccessError");
        // Of the other kind it is another track, and what was taken away may come again.
        pc.add_track(Kind::Audio, "camera", &[]).unwrap();
        pc.remove_track(id).unwrap();
        pc.add_track(Kind::Video, "camera", &[]).unwrap();
    });
}

/// WPT-018: by `addTransceiver` and `replaceTrack` it may be sent more than once.
#[test]
fn wpt_018_transceivers_may_share_a_track() {
    let mut pair = Pair::new();
    let ids = [(); 2].map(|()| pair.add(ALICE, Kind::Video, SendRecv));
    for id in ids {
        pair.call(ALICE, |pc| pc.replace_track(id, Some("camera")))
            .unwrap();
    }
    assert_ne!(ids[0], ids[1]);
    let tracks = pair.machine(ALICE).transceivers().map(|one| one.track());
    assert_eq!(tracks.collect::<Vec<_>>(), [Some("camera"); 2]);
}

#[test]
fn wpt_017_a_new_transceiver_has_neither_a_name_nor_a_current_direction() {
    let mut pair = Pair::new();
    for direction in [SendRecv, SendOnly, RecvOnly, Inactive] {
        let id = pair.add(ALICE, Kind::Audio, direction);
        let one = pair.machine(ALICE).transceiver(id).unwrap();
        assert_eq!((one.mid(), one.current_direction()), (None, None));
        assert_eq!((one.kind(), one.direction()), (Kind::Audio, direction));
    }
    assert_eq!(TransceiverInit::default().direction, SendRecv);
}

#[test]
fn wpt_058_a_track_is_taken_away_once_and_of_this_connection_only() {
    let mut pair = Pair::new();
    pair.call(ALICE, |pc| {
        for (before, after) in [
            (SendRecv, RecvOnly),
            (SendOnly, Inactive),
            (RecvOnly, RecvOnly),
        ] {
            let id = pc.add_track(Kind::Audio, "voice", &[]).unwrap();
            pc.set_direction(id, before).unwrap();
            for _ in 0..2 {
                pc.remove_track(id).unwrap();
                let one = pc.transceiver(id).unwrap();
                assert_eq!((one.direction(), one.track()), (after, None));
            }
            // A stopped one is let alone.
            pc.stop_transceiver(id).unwrap();
            pc.remove_track(id).unwrap();
        }
    });
    // The other connection has made more of them than this one.
    let foreign = [(); 4].map(|()| pair.add(BOB, Kind::Audio, SendRecv))[3];
    pair.call(ALICE, |pc| {
        let refused = pc.remove_track(foreign).unwrap_err();
        assert!(matches!(refused, DescriptionError::InvalidAccess(_)));
        let refused = pc.stop_transceiver(foreign).unwrap_err();
        assert!(matches!(refused, DescriptionError::InvalidAccess(_)));
    });
}

/// Nothing is negotiated, and nothing may be sent instead. Tracks are names here: the
/// kind is the transceiver's, so that none can be of another.
#[test]
fn wpt_083_and_124_a_track_is_replaced_without_an_exchange() {
    let mut pair = Pair::new();
    let id = pair.add(ALICE, Kind::Video, SendRecv);
    pair.negotiate(ALICE);
    pair.take_story(ALICE);
    for track in [Some("camera"), Some("screen"), None] {
        pair.call(ALICE, |pc| pc.replace_track(id, track)).unwrap();
        assert_eq!(pair.machine(ALICE).transceiver(id).unwrap().track(), track);
    }
    pair.run(std::time::Duration::from_secs(1));
    assert!(pair.take_story(ALICE).is_empty());
    pair.call(ALICE, |pc| pc.stop_transceiver(id)).unwrap();
    let stopped = pair.call(ALICE, |pc| pc.replace_track(id, None));
    assert_eq!(stopped, Err(DescriptionError::InvalidState));
    pair.call(ALICE, |pc| pc.close());
    let closed = pair.call(ALICE, |pc| pc.replace_track(id, Some("camera")));
    assert_eq!(closed, Err(DescriptionError::InvalidState));
}

#[test]
fn wpt_015_a_track_comes_with_its_streams() {
    for (streams, lines) in [
        (&[][..], &["a=msid:- voice"][..]),
        (&["s"], &["a=msid:s voice"]),
        (&["s", "t", "s"], &["a=msid:s voice", "a=msid:t voice"]),
    ] {
        let mut pair = Pair::new();
        let id = pair
            .call(ALICE, |pc| pc.add_track(Kind::Audio, "voice", streams))
            .unwrap();
        let one = pair.machine(ALICE).transceiver(id).unwrap();
        assert_eq!((one.direction(), one.track()), (SendRecv, Some("voice")));
        let offer = pair.call(ALICE, |pc| pc.create_offer()).unwrap().sdp;
        let said = offer.lines().filter(|line| line.starts_with("a=msid:"));
        assert_eq!(said.collect::<Vec<_>>(), lines);
    }
}

/// What cannot be written into a description is not taken (RFC 8830 §2).
#[test]
fn wpt_015_names_that_cannot_be_told_are_refused() {
    let mut pair = Pair::new();
    let id = pair.add(ALICE, Kind::Video, SendRecv);
    let long = "a".repeat(65);
    for bad in ["", "-", "a b", "a\r\nb", "ä", "a:b", "\u{0}", &long] {
        pair.call(ALICE, |pc| {
            let is_type = |refused: Result<_, DescriptionError>| {
                assert_eq!(refused.unwrap_err().name(), "TypeError", "{bad}");
            };
            is_type(pc.add_track(Kind::Audio, bad, &[]).map(drop));
            is_type(pc.add_track(Kind::Audio, "voice", &["s", bad]).map(drop));
            is_type(pc.set_streams(id, &[bad]));
            let init = TransceiverInit {
                streams: vec![bad.into()],
                ..TransceiverInit::default()
            };
            is_type(pc.add_transceiver(Kind::Audio, init).map(drop));
            assert_eq!(pc.transceivers().count(), 1);
            pc.create_offer().unwrap();
        });
    }
    let firefox = "{3e4a1b2c-0000-4000-8000-000000000000}";
    pair.call(ALICE, |pc| pc.add_track(Kind::Audio, firefox, &[firefox]))
        .unwrap();
    pair.negotiate(ALICE);
}

/// Sections that want a port for RTCP are not taken: `require` is the only policy.
#[test]
fn wpt_113_sections_without_rtcp_mux_are_rejected() {
    let mut pair = Pair::new();
    pair.add(ALICE, Kind::Audio, SendRecv);
    let offer = pair.call(ALICE, |pc| pc.create_offer()).unwrap();
    assert!(offer.sdp.contains("a=rtcp-mux\r\n"));
    let apart = Description {
        sdp: offer.sdp.replace("a=rtcp-mux\r\n", ""),
        ..offer
    };
    let answer = pair.call(BOB, |pc| {
        pc.set_remote_description(&apart).unwrap();
        pc.create_answer().unwrap().sdp
    });
    assert!(answer.contains("m=audio 0 "), "{answer}");
}

/// The whole way of a transceiver that is stopped.
#[test]
fn wpt_122_a_stopped_transceiver_gives_its_section_up() {
    let mut pair = Pair::new();
    // Before the first offer it is as if it had never been.
    let early = pair.add(ALICE, Kind::Audio, SendRecv);
    pair.call(ALICE, |pc| pc.stop_transceiver(early)).unwrap();
    let offer = pair.call(ALICE, |pc| pc.create_offer()).unwrap();
    assert_eq!(offer.sdp.matches("m=").count(), 0);
    assert_eq!(pair.machine(ALICE).transceivers().count(), 0);

    // Later its section is rejected, and both ends forget it.
    let ids = [Kind::Audio, Kind::Video].map(|kind| pair.add(ALICE, kind, SendRecv));
    pair.negotiate(ALICE);
    pair.call(ALICE, |pc| pc.stop_transceiver(ids[0])).unwrap();
    let one = pair.machine(ALICE).transceiver(ids[0]).unwrap();
    assert!(one.is_stopping() && !one.is_stopped());
    assert_eq!(one.direction(), Inactive);
    let offer = pair.call(ALICE, |pc| pc.create_offer()).unwrap();
    assert!(offer.sdp.contains("m=audio 0 "));
    pair.negotiate(ALICE);
    for side in [ALICE, BOB] {
        let kinds = pair.machine(side).transceivers().map(|one| one.kind());
        assert_eq!(kinds.collect::<Vec<_>>(), [Kind::Video]);
    }

    // The place is used again, under another name.
    let next = pair.add(ALICE, Kind::Audio, SendRecv);
    let offer = pair.call(ALICE, |pc| pc.create_offer()).unwrap();
    assert_eq!(offer.sdp.matches("m=").count(), 2);
    pair.negotiate(ALICE);
    let mid = pair.machine(ALICE).transceiver(next).unwrap().mid();
    assert_eq!(mid, Some("2"));
}

/// WPT-088: the options of old.
#[test]
fn wpt_088_legacy_options_add_one_receiver_or_stop_them_all() {
    let mut pair = Pair::new();
    let directions = |pair: &Pair| -> Vec<_> {
        let all = pair.machine(ALICE).transceivers();
        all.map(|one| (one.kind(), one.direction())).collect()
    };
    let receive = OfferOptions {
        offer_to_receive_audio: Some(true),
        offer_to_receive_video: Some(true),
        ..OfferOptions::default()
    };
    for _ in 0..2 {
        let offer = pair
            .call(ALICE, |pc| pc.create_offer_with(receive))
            .unwrap();
        assert_eq!(offer.sdp.matches("a=recvonly").count(), 2);
        let expected = [(Kind::Audio, RecvOnly), (Kind::Video, RecvOnly)];
        assert_eq!(directions(&pair), expected);
    }
    let both = pair.add(ALICE, Kind::Audio, SendRecv);
    let refuse = OfferOptions {
        offer_to_receive_audio: Some(false),
        ..OfferOptions::default()
    };
    pair.call(ALICE, |pc| pc.create_offer_with(refuse)).unwrap();
    let expected = [
        (Kind::Audio, Inactive),
        (Kind::Video, RecvOnly),
        (Kind::Audio, SendOnly),
    ];
    assert_eq!(directions(&pair), expected);
    assert_eq!(
        pair.machine(ALICE).transceiver(both).unwrap().direction(),
        SendOnly
    );
}

#[test]
fn wpt_086_a_transceiver_is_found_by_the_name_of_its_section_on_both_ends() {
    let mut pair = Pair::new();
    let id = pair.add(ALICE, Kind::Video, SendRecv);
    assert!(pair.machine(ALICE).transceiver_by_mid("0").is_none());
    pair.negotiate(ALICE);
    let mid = pair.machine(ALICE).transceiver(id).unwrap().mid().unwrap();
    let [ours, theirs] = [ALICE, BOB].map(|side| {
        let found = pair.machine(side).transceiver_by_mid(mid);
        found.map(|one| (one.id(), one.current_direction()))
    });
    assert_eq!(ours, Some((id, Some(SendOnly))));
    assert_eq!(
        theirs,
        Some((pair.transceiver(BOB, Kind::Video), Some(RecvOnly)))
    );
}

#[test]
fn wpt_121_preferences_are_those_of_the_capabilities_each_once() {
    let mut pair = Pair::new();
    let id = pair.add(ALICE, Kind::Video, SendRecv);
    let all = pair.machine(ALICE).capabilities(Kind::Video).codecs.clone();
    let mut set = |codecs| pair.call(ALICE, |pc| pc.set_codec_preferences(id, codecs));
    let only = |name: &str| -> Vec<_> {
        let named = all.iter().filter(|codec| codec.name == name);
        named.cloned().collect()
    };
    let refused = Err(DescriptionError::InvalidModification);
    assert_eq!(set(only("rtx")), refused);
    let mut unknown = only("VP8");
    unknown[0].clock_rate = 8_000;
    assert_eq!(set(unknown), refused);
    let vp8 = only("VP8");
    set([vp8.clone(), vp8].concat()).unwrap();
    let offer = pair.call(ALICE, |pc| pc.create_offer()).unwrap();
    let line = offer.sdp.lines().find(|line| line.starts_with("m=video"));
    assert_eq!(line.unwrap().split(' ').count(), 4, "one payload type");
    pair.call(ALICE, |pc| pc.set_codec_preferences(id, Vec::new()))
        .unwrap();
    let offer = pair.call(ALICE, |pc| pc.create_offer()).unwrap();
    let line = offer.sdp.lines().find(|line| line.starts_with("m=video"));
    assert_eq!(line.unwrap().split(' ').count(), 3 + all.len());
}

#[test]
fn wpt_123_a_direction_asks_for_an_exchange_and_counts_after_it() {
    let mut pair = Pair::new();
    let id = pair.add(ALICE, Kind::Audio, SendRecv);
    pair.negotiate(ALICE);
    pair.take_story(ALICE);
    pair.call(ALICE, |pc| pc.set_direction(id, Inactive))
        .unwrap();
    pair.run(std::time::Duration::from_millis(1));
    assert!(pair.events[ALICE].contains(&Event::NegotiationNeeded));
    let current = |pair: &Pair| {
        pair.machine(ALICE)
            .transceiver(id)
            .unwrap()
            .current_direction()
    };
    assert_eq!(current(&pair), Some(SendOnly));
    pair.negotiate(ALICE);
    assert_eq!(current(&pair), Some(Inactive));
}
