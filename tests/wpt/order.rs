//! In which order things happen, and that nothing is ever half done.

use pollrtc::peer::{
    ConnectionState, DescriptionError, Direction, IceConnectionState, Kind, SdpType,
    SignalingState, TransceiverInit,
};

use super::support::{
    alone, describe, exchange, of_kind, rollback, signaling_of, story, with_channel,
};

/// A call is done when it returns: there is no time in which something could be added
/// too late, and what an offer was created without is in the next one.
#[test]
fn wpt_035_what_is_added_before_the_offer_is_set_is_offered() {
    let mut peer = with_channel();
    let early = peer.create_offer().unwrap();
    assert!(!early.sdp.contains("m=audio"));
    peer.add_track(Kind::Audio, "voice", &["me"]).unwrap();
    let late = peer.create_offer().unwrap();
    assert!(late.sdp.contains("m=audio") && late.sdp.contains("a=msid:me voice"));
    // The early one is not what was created last, so it cannot be set by mistake.
    let refused = peer.set_local_description(Some(&early));
    assert_eq!(refused, Err(DescriptionError::InvalidModification));
    peer.add_track(Kind::Video, "face", &["me"]).unwrap();
    let offer = describe(&mut peer).sdp;
    assert!(offer.contains("m=audio") && offer.contains("m=video"));
}

/// The values are those from before a call, or those from after it.
#[test]
fn wpt_036_descriptions_change_when_they_are_set() {
    let (mut alice, mut bob) = (with_channel(), alone());
    let offer = alice.create_offer().unwrap();
    assert_eq!(alice.local_description(), None);
    alice.set_local_description(Some(&offer)).unwrap();
    let offer = alice.local_description().unwrap();
    assert_eq!(offer.kind, SdpType::Offer);
    bob.set_remote_description(&offer).unwrap();
    assert_eq!(bob.remote_description(), Some(offer.clone()));
    let answer = bob.create_answer().unwrap();
    assert_eq!(bob.local_description(), None);
    bob.set_local_description(Some(&answer)).unwrap();
    let answer = bob.local_description().unwrap();
    assert_eq!(answer.kind, SdpType::Answer);
    // One that is refused changes nothing.
    let bad = of_kind(SdpType::Answer, "v=1\r\n");
    alice.set_remote_description(&bad).unwrap_err();
    assert_eq!(alice.remote_description(), None);
    assert_eq!(alice.local_description(), Some(offer));
    alice.set_remote_description(&answer).unwrap();
    assert_eq!(alice.remote_description(), Some(answer));
}

/// W3C §4.4.1.5: the state is told before anything else that the call brings about.
#[test]
fn wpt_050_the_signaling_state_is_told_first() {
    let (mut alice, mut bob) = (with_channel(), alone());
    alice.add_track(Kind::Audio, "voice", &[]).unwrap();
    story(&mut alice);
    let first_words = |told: Vec<String>| {
        assert!(told.len() > 1, "more than the state was told: {told:?}");
        told[0].clone()
    };
    let offer = describe(&mut alice);
    assert_eq!(alice.signaling_state(), SignalingState::HaveLocalOffer);
    assert_eq!(first_words(story(&mut alice)), "signaling have-local-offer");
    bob.set_remote_description(&offer).unwrap();
    assert_eq!(bob.signaling_state(), SignalingState::HaveRemoteOffer);
    assert_eq!(first_words(story(&mut bob)), "signaling have-remote-offer");
    let answer = describe(&mut bob);
    assert_eq!(first_words(story(&mut bob)), "signaling stable");
    alice.set_remote_description(&answer).unwrap();
    assert_eq!(first_words(story(&mut alice)), "signaling stable");
    // The end is silent.
    for mut peer in [alice, bob] {
        peer.close();
        assert_eq!(peer.signaling_state(), SignalingState::Closed);
        assert!(signaling_of(&story(&mut peer)).is_empty());
    }
}

/// A call is done before the next one can be made, and one that cannot be done says so
/// at once. After the end none is done, and none of before comes to anything.
#[test]
fn wpt_052_calls_are_done_in_their_order() {
    let (mut alice, mut bob) = (with_channel(), alone());
    let offer = alice.create_offer().unwrap();
    alice.set_local_description(Some(&offer)).unwrap();
    let offer = alice.local_description().unwrap();
    bob.set_remote_description(&offer).unwrap();
    let answer = bob.create_answer().unwrap();
    bob.set_local_description(Some(&answer)).unwrap();
    alice
        .set_remote_description(&bob.local_description().unwrap())
        .unwrap();
    let expected = ["signaling have-local-offer", "signaling stable"];
    assert_eq!(signaling_of(&story(&mut alice)), expected);
    let expected = ["signaling have-remote-offer", "signaling stable"];
    assert_eq!(signaling_of(&story(&mut bob)), expected);

    let invalid = DescriptionError::InvalidState;
    assert_eq!(alice.create_answer(), Err(invalid));
    assert_eq!(alice.set_remote_description(&answer), Err(invalid));
    alice.create_offer().unwrap();
    alice.close();
    assert_eq!(alice.create_offer(), Err(invalid));
    assert_eq!(alice.create_answer(), Err(invalid));
    assert_eq!(alice.set_local_description(None), Err(invalid));
    assert_eq!(alice.set_remote_description(&offer), Err(invalid));
    assert_eq!(alice.add_ice_candidate(Default::default()), Err(invalid));
    assert!(signaling_of(&story(&mut alice)).is_empty());
}

/// W3C §4.7.3, and §4.4.1.5: several rounds, begun by either side, tell the same story.
#[test]
fn wpt_066_rounds_tell_their_states_in_order() {
    let (mut alice, mut bob) = (with_channel(), alone());
    for round in 0..4 {
        let (offering, answering) = match round % 2 {
            0 => (&mut alice, &mut bob),
            _ => (&mut bob, &mut alice),
        };
        exchange(offering, answering);
        let told = story(offering);
        let expected = ["signaling have-local-offer", "signaling stable"];
        assert_eq!(signaling_of(&told), expected, "round {round}");
        let told = story(answering);
        let expected = ["signaling have-remote-offer", "signaling stable"];
        assert_eq!(signaling_of(&told), expected, "round {round}");
    }
}

/// Both calls, one behind the other, without a look at what happened in between.
#[test]
fn wpt_084_both_descriptions_at_once() {
    let (mut alice, mut bob) = (with_channel(), alone());
    let offer = describe(&mut alice);
    bob.set_remote_description(&offer).unwrap();
    bob.set_local_description(None).unwrap();
    let expected = ["signaling have-remote-offer", "signaling stable"];
    assert_eq!(signaling_of(&story(&mut bob)), expected);
    assert_eq!(bob.local_description().unwrap().kind, SdpType::Answer);
    // The other way round: ours first, then the answer to it.
    story(&mut alice);
    alice.set_local_description(None).unwrap();
    let again = alice.local_description().unwrap();
    let mut carol = alone();
    carol.set_remote_description(&again).unwrap();
    let answer = describe(&mut carol);
    alice.set_remote_description(&answer).unwrap();
    assert_eq!(signaling_of(&story(&mut alice)), ["signaling stable"]);
}

/// In every state something may be added, and an exchange that is under way goes on.
#[test]
fn wpt_085_adding_waits_for_nothing() {
    let (mut alice, mut bob) = (with_channel(), alone());
    let offer = describe(&mut alice);
    alice.add_track(Kind::Audio, "a", &[]).unwrap();
    bob.set_remote_description(&offer).unwrap();
    bob.add_track(Kind::Audio, "b", &[]).unwrap();
    let provisional = bob.create_answer().unwrap();
    let provisional = of_kind(SdpType::Pranswer, &provisional.sdp);
    bob.set_local_description(Some(&provisional)).unwrap();
    assert_eq!(bob.signaling_state(), SignalingState::HaveLocalPranswer);
    bob.add_track(Kind::Video, "c", &[]).unwrap();
    let provisional = bob.local_description().unwrap();
    alice.set_remote_description(&provisional).unwrap();
    assert_eq!(alice.signaling_state(), SignalingState::HaveRemotePranswer);
    alice.add_track(Kind::Video, "d", &[]).unwrap();
    let answer = bob.create_answer().unwrap();
    bob.set_local_description(Some(&answer)).unwrap();
    alice.set_remote_description(&answer).unwrap();
    for peer in [&mut alice, &mut bob] {
        assert_eq!(peer.signaling_state(), SignalingState::Stable);
        assert_eq!(peer.transceivers().count(), 2);
        let told = story(peer);
        assert_eq!(told.last().unwrap(), "negotiation needed");
    }
}

/// At once, for good, and in silence; what was added is over.
#[test]
fn wpt_023_the_end() {
    let (mut alice, mut bob) = (with_channel(), alone());
    let id = alice
        .add_transceiver(Kind::Video, TransceiverInit::default())
        .unwrap();
    exchange(&mut alice, &mut bob);
    story(&mut alice);
    for _ in 0..2 {
        alice.close();
        assert_eq!(alice.signaling_state(), SignalingState::Closed);
        assert_eq!(alice.connection_state(), ConnectionState::Closed);
        assert_eq!(alice.ice_connection_state(), IceConnectionState::Closed);
        assert!(alice.transceiver(id).is_none_or(|one| one.is_stopped()));
        assert_eq!(alice.transceivers().count(), 0);
        let refused = alice.set_direction(id, Direction::SendOnly);
        assert_eq!(refused, Err(DescriptionError::InvalidState));
    }
    let told = story(&mut alice);
    assert!(
        told.iter().all(|line| line == "closed by the application"),
        "{told:?}"
    );
}

#[test]
fn wpt_026_answers_need_an_offer() {
    let invalid = Err(DescriptionError::InvalidState);
    let mut peer = with_channel();
    assert_eq!(peer.create_answer(), invalid);
    let offer = describe(&mut peer);
    assert_eq!(peer.create_answer(), invalid);
    let mut other = alone();
    other.set_remote_description(&offer).unwrap();
    other.create_answer().unwrap();
    other.close();
    assert_eq!(other.create_answer(), invalid);
}

#[test]
fn wpt_034_offers_are_made_in_two_states_only() {
    let mut peer = alone();
    let empty = peer.create_offer().unwrap();
    assert!(!empty.sdp.contains("m="));
    peer.set_local_description(Some(&empty)).unwrap();
    assert_eq!(peer.signaling_state(), SignalingState::HaveLocalOffer);
    peer.create_offer().unwrap();
    let mut other = with_channel();
    other.set_remote_description(&empty).unwrap();
    let invalid = Err(DescriptionError::InvalidState);
    assert_eq!(other.create_offer(), invalid);
    let answer = other.create_answer().unwrap();
    let provisional = of_kind(SdpType::Pranswer, &answer.sdp);
    other.set_local_description(Some(&provisional)).unwrap();
    assert_eq!(other.create_offer(), invalid);
    peer.set_remote_description(&provisional).unwrap();
    assert_eq!(peer.create_offer(), invalid);
    peer.close();
    assert_eq!(peer.create_offer(), invalid);
}

/// RFC 8829 §4.1.10: what is due in each state; and what was created is what is set.
#[test]
fn wpt_069_the_description_that_is_due() {
    let (mut alice, mut bob) = (with_channel(), alone());
    let created = alice.create_offer().unwrap();
    let offer = describe(&mut alice);
    assert_eq!(offer.kind, SdpType::Offer);
    let version = |sdp: &str| sdp.lines().nth(1).unwrap().to_string();
    assert_eq!(version(&offer.sdp), version(&created.sdp));
    assert_eq!(describe(&mut alice).kind, SdpType::Offer, "once more");
    bob.set_remote_description(&offer).unwrap();
    let created = bob.create_answer().unwrap();
    let answer = describe(&mut bob);
    assert_eq!(answer.kind, SdpType::Answer);
    assert_eq!(version(&answer.sdp), version(&created.sdp));
    // What was created is not used if it has become wrong since.
    alice.set_remote_description(&answer).unwrap();
    let stale = alice.create_offer().unwrap();
    alice.add_track(Kind::Audio, "voice", &[]).unwrap();
    assert!(!stale.sdp.contains("m=audio"));
    assert!(describe(&mut alice).sdp.contains("m=audio"));
    alice.close();
    let refused = alice.set_local_description(None);
    assert_eq!(refused, Err(DescriptionError::InvalidState));
}

/// What cannot be read is refused with its line, in any state, and tells nothing.
#[test]
fn wpt_072_a_bad_description_tells_nothing() {
    let (mut alice, mut bob) = (with_channel(), alone());
    let offer = describe(&mut alice);
    let broken = offer.sdp.replace("a=setup:actpass", "a=setup:nobody");
    let error = bob
        .set_remote_description(&of_kind(SdpType::Offer, &broken))
        .unwrap_err();
    let DescriptionError::Syntax(error) = error else {
        panic!("{error}");
    };
    let line = broken.lines().position(|line| line == "a=setup:nobody");
    assert_eq!(error.line, line.unwrap() + 1);
    assert!(story(&mut bob).is_empty());
    assert_eq!(bob.signaling_state(), SignalingState::Stable);
    assert_eq!(SdpType::from_word("bogus"), None);
    // Renegotiation, and the other way round.
    bob.set_remote_description(&offer).unwrap();
    assert_eq!(
        signaling_of(&story(&mut bob)),
        ["signaling have-remote-offer"]
    );
    let answer = describe(&mut bob);
    alice.set_remote_description(&answer).unwrap();
    exchange(&mut alice, &mut bob);
    exchange(&mut bob, &mut alice);
    assert_eq!(
        signaling_of(&story(&mut bob)),
        [
            "signaling stable",
            "signaling have-remote-offer",
            "signaling stable",
            "signaling have-local-offer",
            "signaling stable"
        ]
    );
}

/// Ours is taken back, and theirs is there: two states, and both are told; but nothing
/// is needed in between.
#[test]
fn wpt_076_and_079_a_colliding_offer_passes_through_stable() {
    let (mut alice, mut bob) = (with_channel(), alone());
    bob.add_track(Kind::Audio, "voice", &[]).unwrap();
    alice.add_track(Kind::Video, "face", &[]).unwrap();
    let ours = describe(&mut alice);
    let theirs = describe(&mut bob);
    story(&mut alice);
    alice.set_remote_description(&theirs).unwrap();
    let told = story(&mut alice);
    let expected = ["signaling stable", "signaling have-remote-offer"];
    assert_eq!(signaling_of(&told), expected);
    // What was ours is still wanted, and said when the exchange is over.
    let answer = describe(&mut alice);
    let told = story(&mut alice);
    assert_eq!(
        signaling_of(&told),
        ["signaling stable", "negotiation needed"]
    );
    assert!(!answer.sdp.contains("m=video"));
    bob.set_remote_description(&answer).unwrap();

    // A bad one takes ours back all the same.
    let mut carol = with_channel();
    describe(&mut carol);
    story(&mut carol);
    let bad = of_kind(SdpType::Offer, &ours.sdp.replace("a=fingerprint", "a=none"));
    carol.set_remote_description(&bad).unwrap_err();
    assert_eq!(carol.local_description(), None);
    assert_eq!(
        signaling_of(&story(&mut carol)),
        ["signaling stable", "negotiation needed"]
    );
}

/// A rollback ends what the offer made; what it is about is not wanted any more.
#[test]
fn wpt_062_a_rolled_back_receiver_receives_nothing() {
    let (mut alice, mut bob) = (with_channel(), alone());
    exchange(&mut alice, &mut bob);
    // Of a remote offer: the peer would have sent.
    let sound = alice.add_track(Kind::Audio, "voice", &[]).unwrap();
    let offer = describe(&mut alice);
    story(&mut bob);
    bob.set_remote_description(&offer).unwrap();
    let id = bob.transceivers().next().unwrap().id();
    assert!(bob.transceiver(id).unwrap().remote().is_some());
    bob.set_remote_description(&rollback()).unwrap();
    assert!(bob.transceiver(id).is_none());
    let told = story(&mut bob);
    assert_eq!(told[1], format!("track of {id}"));
    assert_eq!(told[2], "signaling stable");
    assert_eq!(told[3], format!("track of {id} ended"));
    // Of a local one: nothing comes for a section that was never agreed on.
    alice.set_local_description(Some(&rollback())).unwrap();
    let one = alice.transceiver(sound).unwrap();
    assert_eq!((one.mid(), one.current_direction()), (None, None));
    assert!(one.remote().is_none());
}

/// An exchange may be taken back as often as one likes; nothing is left of it.
#[test]
fn wpt_065_and_071_rollbacks_leave_nothing() {
    let mut peer = with_channel();
    let refused = peer.set_local_description(Some(&rollback()));
    assert_eq!(refused, Err(DescriptionError::InvalidState));
    let id = peer
        .add_transceiver(Kind::Audio, TransceiverInit::default())
        .unwrap();
    story(&mut peer);
    for _ in 0..3 {
        describe(&mut peer);
        assert_eq!(peer.transceiver(id).unwrap().mid(), Some("0"));
        let nonsense = of_kind(SdpType::Rollback, "nonsense");
        peer.set_local_description(Some(&nonsense)).unwrap();
        assert_eq!(peer.transceiver(id).unwrap().mid(), None);
        assert_eq!(peer.local_description(), None);
        assert_eq!(
            signaling_of(&story(&mut peer)),
            [
                "signaling have-local-offer",
                "signaling stable",
                "negotiation needed"
            ]
        );
    }
    // After an answer there is nothing to take back, nor names that were given before.
    let mut other = alone();
    exchange(&mut peer, &mut other);
    for side in [&mut peer, &mut other] {
        let refused = side.set_local_description(Some(&rollback()));
        assert_eq!(refused, Err(DescriptionError::InvalidState));
    }
    let second = peer
        .add_transceiver(Kind::Video, TransceiverInit::default())
        .unwrap();
    describe(&mut peer);
    peer.set_local_description(Some(&rollback())).unwrap();
    assert_eq!(peer.transceiver(id).unwrap().mid(), Some("0"));
    assert_eq!(peer.transceiver(second).unwrap().mid(), None);
}
