//! When is another exchange needed, and when is that told?

use pollrtc::PeerConnection;
use pollrtc::peer::{
    ChannelConfig, Description, DescriptionError, Direction, Kind, SdpType, TransceiverId,
    TransceiverInit,
};

use super::support::{
    ALICE, Pair, alone, describe, exchange, rollback, signaling_of, story, with_channel,
};

/// How often it was told since it was last asked.
fn told(peer: &mut PeerConnection) -> usize {
    let story = story(peer);
    let needed = story.iter().filter(|line| *line == "negotiation needed");
    needed.count()
}

/// Two that have agreed on sound of the first.
fn settled() -> (PeerConnection, PeerConnection, TransceiverId) {
    let (mut alice, mut bob) = (with_channel(), alone());
    let id = alice.add_track(Kind::Audio, "voice", &["me"]).unwrap();
    exchange(&mut alice, &mut bob);
    story(&mut alice);
    story(&mut bob);
    (alice, bob, id)
}

#[test]
fn wpt_048_each_change_is_told_once() {
    let mut fresh = alone();
    fresh
        .create_data_channel("x", ChannelConfig::default())
        .unwrap();
    assert_eq!(told(&mut fresh), 1);

    type Change = fn(&mut PeerConnection, TransceiverId);
    let changes: [(&str, Change); 7] = [
        ("addTransceiver", |pc, _| {
            pc.add_transceiver(Kind::Video, TransceiverInit::default())
                .unwrap();
        }),
        ("addTrack", |pc, _| {
            pc.add_track(Kind::Video, "face", &[]).unwrap();
        }),
        ("setStreams", |pc, id| {
            pc.set_streams(id, &["others"]).unwrap();
        }),
        ("direction", |pc, id| {
            pc.set_direction(id, Direction::Inactive).unwrap();
        }),
        ("removeTrack", |pc, id| pc.remove_track(id).unwrap()),
        ("stop", |pc, id| pc.stop_transceiver(id).unwrap()),
        ("restartIce", |pc, _| pc.restart_ice()),
    ];
    for (name, change) in changes {
        let (mut alice, mut bob, id) = settled();
        change(&mut alice, id);
        assert_eq!(told(&mut alice), 1, "{name}");
        // And not again until it was agreed on.
        exchange(&mut alice, &mut bob);
        assert_eq!((told(&mut alice), told(&mut bob)), (0, 0), "{name}");
    }

    // Several at once are one.
    let (mut alice, _, id) = settled();
    for (_, change) in changes {
        change(&mut alice, id);
    }
    assert_eq!(told(&mut alice), 1);
}

#[test]
fn wpt_049_nothing_is_needed_in_the_middle_of_an_exchange() {
    // The offerer.
    let (mut alice, mut bob, _) = settled();
    let offer = describe(&mut alice);
    alice.add_track(Kind::Video, "face", &[]).unwrap();
    assert_eq!(told(&mut alice), 0);
    bob.set_remote_description(&offer).unwrap();
    bob.add_track(Kind::Video, "face", &[]).unwrap();
    assert_eq!(told(&mut bob), 0);
    let answer = describe(&mut bob);
    assert_eq!(told(&mut bob), 1, "back in stable");
    alice.set_remote_description(&answer).unwrap();
    assert_eq!(told(&mut alice), 1, "back in stable");

    // A second channel has a section already.
    let (mut alice, _, _) = settled();
    alice
        .create_data_channel("y", ChannelConfig::default())
        .unwrap();
    assert_eq!(told(&mut alice), 0);

    // The end.
    let (mut alice, _, id) = settled();
    alice.remove_track(id).unwrap();
    alice.close();
    assert_eq!(told(&mut alice), 0);
    alice.restart_ice();
    let stopped = alice.stop_transceiver(id);
    assert_eq!(stopped, Err(DescriptionError::InvalidState));
    assert_eq!(told(&mut alice), 0);
}

/// What was wished and is not wished any more, or is under way, is not told.
#[test]
fn wpt_049_what_was_undone_is_not_told() {
    let (mut alice, _, id) = settled();
    alice.set_direction(id, Direction::Inactive).unwrap();
    alice.set_direction(id, Direction::SendRecv).unwrap();
    assert_eq!(told(&mut alice), 0);
    let added = alice
        .add_transceiver(Kind::Video, TransceiverInit::default())
        .unwrap();
    alice.stop_transceiver(added).unwrap();
    assert_eq!(told(&mut alice), 0);
    alice.add_track(Kind::Video, "face", &[]).unwrap();
    describe(&mut alice);
    assert_eq!(told(&mut alice), 0, "it is in the offer already");
}

/// The credentials that a description says.
fn credentials(description: &Description) -> Vec<(String, String)> {
    let all = |name: &str| -> Vec<String> {
        let lines = description.sdp.lines();
        lines
            .filter_map(|line| line.strip_prefix(name).map(str::to_string))
            .collect()
    };
    let (ufrags, pwds) = (all("a=ice-ufrag:"), all("a=ice-pwd:"));
    assert_eq!(ufrags.len(), pwds.len());
    ufrags.into_iter().zip(pwds).collect()
}

#[test]
fn wpt_059_a_restart_changes_every_section() {
    let mut fresh = with_channel();
    let before = credentials(&fresh.create_offer().unwrap());
    fresh.restart_ice();
    assert_eq!(told(&mut fresh), 0, "there is nothing to restart");
    assert_eq!(credentials(&fresh.create_offer().unwrap()), before);

    let (mut alice, mut bob, _) = settled();
    let mut before = credentials(&alice.local_description().unwrap());
    for _ in 0..2 {
        alice.restart_ice();
        assert_eq!(told(&mut alice), 1);
        let offer = describe(&mut alice);
        let after = credentials(&offer);
        assert!(!after.is_empty() && after.len() == before.len());
        for (old, new) in before.iter().zip(&after) {
            assert!(old.0 != new.0 && old.1 != new.1);
        }
        let theirs = credentials(&bob.local_description().unwrap());
        bob.set_remote_description(&offer).unwrap();
        let answer = describe(&mut bob);
        for (old, new) in theirs.iter().zip(credentials(&answer)) {
            assert!(old.0 != new.0 && old.1 != new.1);
        }
        alice.set_remote_description(&answer).unwrap();
        assert_eq!(told(&mut alice), 0);
        before = after;
    }
}

/// WPT-105: the keys are not agreed on anew.
#[test]
fn wpt_059_a_restart_keeps_the_association() {
    let mut pair = Pair::connected();
    let before = pair.machine(ALICE).stats().dtls.unwrap();
    pair.call(ALICE, PeerConnection::restart_ice);
    pair.negotiate(ALICE);
    assert!(pair.is_connected());
    let told = pair.story(ALICE);
    assert!(!told.iter().any(|line| line.starts_with("connection")));
    assert_eq!(pair.machine(ALICE).stats().dtls.unwrap(), before);
}

#[test]
fn wpt_060_a_restart_is_wished_in_any_state() {
    // Our own offer is under way.
    let (mut alice, mut bob, _) = settled();
    let offer = describe(&mut alice);
    story(&mut alice);
    alice.restart_ice();
    assert_eq!(told(&mut alice), 0);
    bob.set_remote_description(&offer).unwrap();
    let answer = describe(&mut bob);
    alice.set_remote_description(&answer).unwrap();
    assert_eq!(told(&mut alice), 1);
    assert_ne!(credentials(&describe(&mut alice)), credentials(&offer));

    // It is wished in an offer that is taken back.
    let (mut alice, _, _) = settled();
    let before = credentials(&alice.local_description().unwrap());
    alice.restart_ice();
    describe(&mut alice);
    alice.set_local_description(Some(&rollback())).unwrap();
    assert_eq!(credentials(&alice.local_description().unwrap()), before);
    assert_eq!(told(&mut alice), 1);
    assert_ne!(credentials(&describe(&mut alice)), before);

    // It is wished while the first offer of all is under way, which is taken back by the
    // application, or by a colliding offer that is none.
    for collides in [false, true] {
        let mut alice = with_channel();
        let before = credentials(&describe(&mut alice));
        alice.restart_ice();
        if collides {
            let nonsense = Description {
                kind: SdpType::Offer,
                sdp: String::new(),
            };
            alice.set_remote_description(&nonsense).unwrap_err();
        } else {
            alice.set_local_description(Some(&rollback())).unwrap();
        }
        let after = credentials(&describe(&mut alice));
        assert_eq!(after.len(), before.len());
        assert!(after.iter().zip(&before).all(|(new, old)| new != old));
    }

    // The peer's offer is under way; if it restarts, no more is wished.
    for theirs in [false, true] {
        let (mut alice, mut bob, _) = settled();
        if theirs {
            bob.restart_ice();
        }
        let offer = describe(&mut bob);
        alice.set_remote_description(&offer).unwrap();
        alice.restart_ice();
        describe(&mut alice);
        assert_eq!(told(&mut alice), usize::from(!theirs), "{theirs}");
    }
}

/// The wish is told behind the state that makes it possible.
#[test]
fn wpt_061_a_restart_is_not_told_too_early() {
    let (mut alice, mut bob, _) = settled();
    let offer = describe(&mut alice);
    alice.restart_ice();
    bob.set_remote_description(&offer).unwrap();
    let answer = describe(&mut bob);
    story(&mut alice);
    alice.set_remote_description(&answer).unwrap();
    let told = story(&mut alice);
    assert_eq!(
        signaling_of(&told),
        ["signaling stable", "negotiation needed"]
    );
    assert_eq!(told.last().unwrap(), "negotiation needed");
}
