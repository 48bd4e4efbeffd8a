//! Media that come, change and go with one exchange after the other.

use std::time::Duration;

use pollrtc::peer::{
    ConnectionState, Direction, EncodingParameters, Event, Kind, TransceiverInit, WriteError,
};

use super::support::{ALICE, BOB, Pair, picture, sound};

/// W3C webrtc-pc §4.4.1.5: the state, then what ended, then what came, then what is
/// needed next.
#[test]
fn wpt_051_events_in_their_order() {
    let mut pair = Pair::new();
    let audio = pair.add(ALICE, Kind::Audio, Direction::SendRecv);
    pair.negotiate(ALICE);
    let theirs = pair.transceiver(BOB, Kind::Audio);
    assert_eq!(
        pair.take_story(ALICE),
        ["negotiation needed", "have-local-offer", "stable"]
    );
    assert_eq!(
        pair.take_story(BOB),
        ["have-remote-offer", &format!("track of {theirs}"), "stable",]
    );

    // Pictures instead of sound, in one exchange.
    pair.call(ALICE, |pc| pc.set_direction(audio, Direction::RecvOnly))
        .unwrap();
    pair.add(ALICE, Kind::Video, Direction::SendOnly);
    pair.call(BOB, |pc| pc.set_direction(theirs, Direction::SendRecv))
        .unwrap();
    pair.negotiate(ALICE);
    let video = pair.transceiver(BOB, Kind::Video);
    assert_eq!(
        pair.take_story(BOB),
        [
            "negotiation needed".to_string(),
            "have-remote-offer".to_string(),
            format!("track of {theirs} ended"),
            format!("track of {video}"),
            "stable".to_string(),
        ]
    );
    assert_eq!(
        pair.take_story(ALICE),
        [
            "negotiation needed".to_string(),
            "have-local-offer".to_string(),
            "stable".to_string(),
            format!("track of {audio}"),
        ]
    );
}

#[test]
fn pictures_come_and_go() {
    let mut pair = Pair::new();
    let audio = pair.add(ALICE, Kind::Audio, Direction::SendOnly);
    pair.negotiate(ALICE);
    for round in 0..3_u32 {
        let video = pair.add(ALICE, Kind::Video, Direction::SendOnly);
        assert_eq!(
            pair.write(ALICE, video, &picture(0, true, 100)),
            Err(WriteError::Paused),
            "nothing was agreed on"
        );
        pair.negotiate(ALICE);
        let at_bob = [Kind::Audio, Kind::Video].map(|kind| pair.transceiver(BOB, kind));
        pair.events[BOB].clear();
        pair.write(ALICE, audio, &sound(round * 960)).unwrap();
        pair.write(ALICE, video, &picture(0, true, 5000)).unwrap();
        pair.run(Duration::from_millis(200));
        let events = pair.events[BOB].clone();
        assert_eq!(pair.take_frames(BOB, at_bob[1]).len(), 1, "{round}");
        pair.events[BOB] = events;
        assert_eq!(pair.take_frames(BOB, at_bob[0]).len(), 1, "{round}");

        pair.call(ALICE, |pc| pc.stop_transceiver(video)).unwrap();
        let stopped = pair.write(ALICE, video, &picture(0, true, 100));
        assert_eq!(stopped, Err(WriteError::Paused), "at once");
        pair.negotiate(ALICE);
        let ended = Event::TrackEnded(at_bob[1]);
        assert!(pair.events[BOB].contains(&ended), "{round}");
        assert_eq!(pair.machine(BOB).transceivers().count(), 1);
    }
    pair.events[BOB].clear();
    pair.write(ALICE, audio, &sound(9600)).unwrap();
    pair.run(Duration::from_millis(200));
    let theirs = pair.transceiver(BOB, Kind::Audio);
    assert_eq!(pair.take_frames(BOB, theirs).len(), 1, "sound goes on");
}

/// Every direction that an offer may have, answered by a peer that would do both.
#[test]
fn directions() {
    use Direction::{Inactive, RecvOnly, SendOnly, SendRecv};
    for direction in [SendRecv, SendOnly, RecvOnly, Inactive] {
        let mut pair = Pair::new();
        let id = pair.add(ALICE, Kind::Audio, direction);
        pair.call(BOB, |pc| pc.add_track(Kind::Audio, "t", &[]))
            .unwrap();
        pair.negotiate(ALICE);
        let bob = pair.transceiver(BOB, Kind::Audio);
        let theirs = if direction.receives() {
            bob
        } else {
            // Nothing to attach its own track to.
            let mut all = pair.machine(BOB).transceivers();
            all.find(|one| one.mid() == Some("0")).unwrap().id()
        };
        let current = |pair: &Pair, side, id| {
            let one = pair.machine(side).transceiver(id).unwrap();
            one.current_direction()
        };
        assert_eq!(current(&pair, ALICE, id), Some(direction));
        assert_eq!(current(&pair, BOB, theirs), Some(direction.reversed()));
        let sent = pair.write(ALICE, id, &sound(0));
        assert_eq!(sent.is_ok(), direction.sends(), "{direction:?}");
        let answered = pair.write(BOB, theirs, &sound(0));
        assert_eq!(answered.is_ok(), direction.receives(), "{direction:?}");
        pair.run(Duration::from_millis(200));
        let at_bob = pair.take_frames(BOB, theirs).len();
        assert_eq!(at_bob, usize::from(direction.sends()));
        let at_alice = pair.take_frames(ALICE, id).len();
        assert_eq!(at_alice, usize::from(direction.receives()));
    }
}

/// What is replaced or taken away needs no exchange, or stops at once.
#[test]
fn tracks_are_replaced_and_removed() {
    let mut pair = Pair::new();
    let id = pair
        .call(ALICE, |pc| pc.add_track(Kind::Audio, "voice", &["me"]))
        .unwrap();
    pair.negotiate(ALICE);
    pair.take_story(ALICE);
    pair.call(ALICE, |pc| pc.replace_track(id, Some("music")))
        .unwrap();
    pair.write(ALICE, id, &sound(0)).unwrap();
    pair.call(ALICE, |pc| pc.replace_track(id, None)).unwrap();
    assert_eq!(pair.write(ALICE, id, &sound(960)), Err(WriteError::Paused));
    pair.call(ALICE, |pc| pc.replace_track(id, Some("voice")))
        .unwrap();
    pair.write(ALICE, id, &sound(1920)).unwrap();
    pair.run(Duration::from_millis(200));
    assert!(pair.take_story(ALICE).is_empty(), "no exchange is needed");
    let theirs = pair.transceiver(BOB, Kind::Audio);
    assert_eq!(pair.take_frames(BOB, theirs).len(), 2);

    pair.call(ALICE, |pc| pc.remove_track(id)).unwrap();
    assert_eq!(pair.write(ALICE, id, &sound(2880)), Err(WriteError::Paused));
    pair.run(Duration::from_millis(100));
    assert_eq!(pair.take_story(ALICE), ["negotiation needed"]);
    pair.negotiate(ALICE);
    let gone = [format!("track of {theirs} ended")];
    assert!(pair.take_story(BOB).contains(&gone[0]));
}

/// A rejected section ends its transceiver; the rest goes on.
#[test]
fn pictures_are_rejected() {
    use pollrtc::peer::{Capabilities, Config, MediaCapabilities};
    let bob = Config {
        media: MediaCapabilities {
            video: Capabilities::default(),
            ..MediaCapabilities::browser()
        }
        .into(),
        ..Config::new()
    };
    let mut pair = Pair::with(Config::new(), bob);
    let audio = pair.add(ALICE, Kind::Audio, Direction::SendOnly);
    let video = pair.add(ALICE, Kind::Video, Direction::SendOnly);
    pair.negotiate(ALICE);
    assert!(pair.machine(ALICE).transceiver(video).is_none());
    let refused = pair.write(ALICE, video, &picture(0, true, 100));
    assert_eq!(refused, Err(WriteError::Paused));
    pair.write(ALICE, audio, &sound(0)).unwrap();
    pair.run(Duration::from_millis(200));
    let theirs = pair.transceiver(BOB, Kind::Audio);
    assert_eq!(pair.take_frames(BOB, theirs).len(), 1);
}

/// WPT-078: an offer that is taken back changes nothing of what flows.
#[test]
fn wpt_078_rollback_leaves_media_alone() {
    let mut pair = Pair::new();
    let audio = pair.add(ALICE, Kind::Audio, Direction::SendOnly);
    pair.negotiate(ALICE);
    pair.add(ALICE, Kind::Video, Direction::SendOnly);
    pair.call(ALICE, |pc| pc.set_local_description(None))
        .unwrap();
    let offer = pair.machine(ALICE).local_description().unwrap();
    pair.call(BOB, |pc| pc.set_remote_description(&offer))
        .unwrap();
    pair.run(Duration::from_millis(10));
    let video = pair.transceiver(BOB, Kind::Video);
    assert!(pair.events[BOB].contains(&Event::Track(video)));
    pair.events[BOB].clear();
    let back = pollrtc::peer::Description {
        kind: pollrtc::peer::SdpType::Rollback,
        sdp: String::new(),
    };
    pair.call(BOB, |pc| pc.set_remote_description(&back))
        .unwrap();
    pair.call(ALICE, |pc| pc.set_local_description(Some(&back)))
        .unwrap();
    pair.run(Duration::from_millis(10));
    let ended = format!("track of {video} ended");
    assert_eq!(pair.take_story(BOB), ["stable", &ended]);
    pair.write(ALICE, audio, &sound(0)).unwrap();
    pair.run(Duration::from_millis(200));
    let theirs = pair.transceiver(BOB, Kind::Audio);
    assert_eq!(pair.take_frames(BOB, theirs).len(), 1);
}

/// Layers that were agreed on are still there after a pause, under their SSRCs.
#[test]
fn layers_survive_a_pause() {
    let mut pair = Pair::new();
    let init = TransceiverInit {
        direction: Direction::SendOnly,
        encodings: ["h", "l"].map(EncodingParameters::named).into(),
        ..TransceiverInit::default()
    };
    let id = pair
        .call(ALICE, |pc| pc.add_transceiver(Kind::Video, init))
        .unwrap();
    let ssrcs = |pair: &Pair| ["h", "l"].map(|rid| pair.machine(ALICE).ssrc(id, rid));
    let mut before = [None; 2];
    for round in 0..3 {
        for direction in [Direction::SendOnly, Direction::Inactive] {
            pair.call(ALICE, |pc| pc.set_direction(id, direction))
                .unwrap();
            pair.negotiate(ALICE);
            for (layer, rid) in (0_u32..).zip(["h", "l"]) {
                let frame = picture(round * 3000 + layer, true, 2000);
                let sent = pair.write_layer(ALICE, id, rid, &frame);
                assert_eq!(sent.is_ok(), direction.sends());
            }
            pair.run(Duration::from_millis(200));
            let theirs = pair.transceiver(BOB, Kind::Video);
            let frames = pair.take_frames(BOB, theirs);
            assert_eq!(frames.len(), 2 * usize::from(direction.sends()), "{round}");
            if round > 0 {
                assert_eq!(ssrcs(&pair), before);
            }
            before = ssrcs(&pair);
            assert!(before.iter().all(Option::is_some));
        }
    }
}

/// RFC 8829 §4.1.10: media flow after a provisional answer, and go on after the final one.
#[test]
fn a_provisional_answer_is_enough() {
    use pollrtc::peer::SdpType;
    let mut pair = Pair::new();
    let id = pair.add(ALICE, Kind::Video, Direction::SendOnly);
    pair.call(ALICE, |pc| pc.set_local_description(None))
        .unwrap();
    let offer = pair.machine(ALICE).local_description().unwrap();
    pair.call(BOB, |pc| pc.set_remote_description(&offer))
        .unwrap();
    for (round, kind) in (0..).zip([SdpType::Pranswer, SdpType::Answer]) {
        let mut answer = pair.call(BOB, |pc| pc.create_answer()).unwrap();
        answer.kind = kind;
        pair.call(BOB, |pc| pc.set_local_description(Some(&answer)))
            .unwrap();
        let answer = pair.machine(BOB).local_description().unwrap();
        assert_eq!(answer.kind, kind);
        pair.call(ALICE, |pc| pc.set_remote_description(&answer))
            .unwrap();
        pair.run(Duration::from_secs(1));
        let frame = picture(round * 3000, true, 2000);
        pair.write(ALICE, id, &frame).unwrap();
        pair.run(Duration::from_millis(200));
        let theirs = pair.transceiver(BOB, Kind::Video);
        assert_eq!(pair.take_frames(BOB, theirs).len(), 1, "{kind}");
    }
}

/// RFC 9143 §9.2: what comes late for a section that was given up is not the sound of
/// another one, although that takes the same payload type.
#[test]
fn what_comes_for_a_stopped_transceiver_is_nobody_elses() {
    let mut pair = Pair::new();
    let [first, second] = [(); 2].map(|()| pair.add(ALICE, Kind::Audio, Direction::SendOnly));
    pair.negotiate(ALICE);
    for step in 0..4 {
        for id in [first, second] {
            pair.write(ALICE, id, &sound(960 * step)).unwrap();
        }
        pair.run(Duration::from_millis(20));
    }
    pair.run(Duration::from_secs(1));
    let theirs: Vec<_> = pair
        .machine(BOB)
        .transceivers()
        .map(|one| one.id())
        .collect();
    assert_eq!(pair.take_frames(BOB, theirs[1]).len(), 4);
    // Bob stops one; Alice does not know, and goes on.
    pair.call(BOB, |pc| pc.stop_transceiver(theirs[0])).unwrap();
    for step in 4..9 {
        pair.write(ALICE, first, &sound(960 * step)).unwrap();
        pair.run(Duration::from_millis(20));
    }
    pair.run(Duration::from_secs(1));
    assert_eq!(pair.take_frames(BOB, theirs[1]), []);
}

/// RFC 9143 §7.5: the group goes on over its transport when all its sections are
/// exchanged for others in one offer.
#[test]
fn a_transport_outlives_all_sections_that_it_began_with() {
    let mut pair = Pair::new();
    let video = pair.add(ALICE, Kind::Video, Direction::SendOnly);
    pair.negotiate(ALICE);
    pair.call(ALICE, |pc| pc.stop_transceiver(video)).unwrap();
    let audio = pair.add(ALICE, Kind::Audio, Direction::SendOnly);
    pair.negotiate(ALICE);
    for side in [ALICE, BOB] {
        let state = pair.machine(side).connection_state();
        assert_eq!(state, ConnectionState::Connected);
    }
    pair.write(ALICE, audio, &sound(960)).unwrap();
    pair.run(Duration::from_secs(1));
    let theirs = pair.transceiver(BOB, Kind::Audio);
    assert_eq!(pair.take_frames(BOB, theirs).len(), 1);
}

/// W3C webrtc-pc §5.1 `addTrack`: a transceiver without a track is taken if no exchange
/// has ever let it send.
#[test]
fn a_track_takes_a_transceiver_that_was_never_let_send() {
    let mut pair = Pair::new();
    let add = |pair: &mut Pair, name| {
        let added = pair.call(ALICE, |pc| pc.add_track(Kind::Audio, name, &[]));
        added.unwrap()
    };
    let first = add(&mut pair, "first");
    pair.call(ALICE, |pc| pc.remove_track(first)).unwrap();
    assert_eq!(add(&mut pair, "second"), first);
    pair.negotiate(ALICE);
    pair.call(ALICE, |pc| pc.remove_track(first)).unwrap();
    assert_ne!(add(&mut pair, "third"), first);
    // Though it never had a track.
    let bare = pair.add(ALICE, Kind::Audio, Direction::SendRecv);
    pair.negotiate(ALICE);
    assert_ne!(add(&mut pair, "fourth"), bare);
}
