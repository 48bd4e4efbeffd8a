//! Rows of the web platform's behaviour that are about descriptions; each name
//! begins with the row's number.

use pollrtc::PeerConnection;
use pollrtc::dtls::Role;
use pollrtc::jsep::{
    DataPlan, Description, DescriptionError, IceCandidate, SdpType, SignalingState, TransportId,
    Trickle,
};

use pollrtc::peer::{ChannelConfig, Config, Event, IceGatheringState};
use pollrtc::rng::Rng;

use super::support::{Peer, interop, negotiate, sha256};

const LINE: &str = "candidate:1 1 udp 2130706431 192.0.2.7 7 typ host";

fn offer_of_chromium() -> String {
    interop("chromium-156-dc-offer")
}

/// A peer that has a remote offer with two sections, of which it rejects the first.
fn with_remote_offer() -> Peer {
    let mut bob = Peer::new("bobby");
    bob.set_remote(SdpType::Offer, &interop("chromium-156-av-dc-offer-nocand"))
        .unwrap();
    bob
}

fn add(
    peer: &mut Peer,
    line: &str,
    mid: Option<&str>,
    index: Option<u16>,
) -> Result<Trickle, DescriptionError> {
    peer.session.add_ice_candidate(IceCandidate {
        candidate: line,
        sdp_mid: mid,
        sdp_mline_index: index,
        username_fragment: None,
    })
}

fn add_of_generation(peer: &mut Peer, ufrag: &str) -> Result<Trickle, DescriptionError> {
    peer.session.add_ice_candidate(IceCandidate {
        candidate: LINE,
        sdp_mid: Some("0"),
        sdp_mline_index: None,
        username_fragment: Some(ufrag),
    })
}

fn remote(peer: &Peer) -> String {
    peer.session.remote_description().unwrap().sdp
}

/// The lines of a section, by its index.
fn section(sdp: &str, index: usize) -> String {
    sdp.split("\r\nm=").nth(index + 1).unwrap().to_string()
}

#[test]
fn wpt_001_new_session_is_stable_and_has_no_descriptions() {
    let mut peer = Peer::new("peer");
    assert_eq!(peer.state(), SignalingState::Stable);
    assert_eq!(peer.local(), None);
    assert_eq!(peer.session.remote_description(), None);
    assert_eq!(peer.session.current_remote_description(), None);
    assert_eq!(peer.session.pending_remote_description(), None);
    assert_eq!(peer.session.can_trickle(), None);
}

#[test]
fn wpt_002_candidate_before_a_remote_description() {
    let mut peer = Peer::with_data("peer");
    assert_eq!(
        add(&mut peer, LINE, Some("0"), Some(0)),
        Err(DescriptionError::InvalidState)
    );
    peer.set_implicit().unwrap();
    assert_eq!(
        add(&mut peer, LINE, Some("0"), Some(0)),
        Err(DescriptionError::InvalidState)
    );
}

#[test]
fn wpt_003_mid_or_index_or_both() {
    for (mid, index) in [
        (Some("2"), None),
        (None, Some(2)),
        (Some("2"), Some(2)),
        (Some("2"), Some(999)),
        (Some("2"), Some(0)),
    ] {
        let mut peer = with_remote_offer();
        assert_eq!(add(&mut peer, LINE, mid, index), Ok(Trickle::Later));
        assert!(
            section(&remote(&peer), 2).contains(LINE),
            "{mid:?} {index:?}"
        );
        assert_eq!(remote(&peer).matches(LINE).count(), 1);
    }
}

#[test]
fn wpt_004_neither_mid_nor_index() {
    let error = add(&mut with_remote_offer(), LINE, None, None).unwrap_err();
    assert!(matches!(error, DescriptionError::Type(_)));
}

#[test]
fn wpt_005_unknown_section() {
    let mut peer = with_remote_offer();
    for (mid, index) in [(Some("x"), Some(0)), (None, Some(3))] {
        let error = add(&mut peer, LINE, mid, index).unwrap_err();
        assert!(matches!(error, DescriptionError::Operation(_)));
    }
}

#[test]
fn wpt_006_end_of_candidates_for_one_section_or_all() {
    let mut peer = with_remote_offer();
    add(&mut peer, "", Some("2"), None).unwrap();
    assert_eq!(remote(&peer).matches("a=end-of-candidates").count(), 1);
    assert!(section(&remote(&peer), 2).contains("a=end-of-candidates"));
    add(&mut peer, "", None, None).unwrap();
    assert_eq!(remote(&peer).matches("a=end-of-candidates").count(), 3);
    assert!(
        peer.set_implicit()
            .unwrap()
            .transports
            .remove(0)
            .end_of_candidates
    );
}

#[test]
fn wpt_007_unknown_user_fragment() {
    let mut peer = with_remote_offer();
    let before = remote(&peer);
    let error = add_of_generation(&mut peer, "unknown").unwrap_err();
    assert!(matches!(error, DescriptionError::Operation(_)));
    assert_eq!(remote(&peer), before);
    add_of_generation(&mut peer, "rjpW").unwrap();
    assert!(section(&remote(&peer), 0).contains(LINE));
}

#[test]
fn wpt_008_line_that_is_no_candidate() {
    let mut peer = with_remote_offer();
    let before = remote(&peer);
    for line in [
        "(Invalid) candidate",
        "candidate:1 1 udp x",
        "1 1 udp 1 1.1.1.1 9 typ host\r\na=x",
    ] {
        let error = add(&mut peer, line, Some("2"), None).unwrap_err();
        assert!(matches!(error, DescriptionError::Operation(_)));
    }
    assert_eq!(remote(&peer), before);
}

#[test]
fn wpt_009_user_fragment_selects_the_description() {
    let mut alice = Peer::with_data("alice");
    let mut bob = Peer::new("bobby");
    negotiate(&mut alice, &mut bob);
    alice.session.restart_ice();
    alice.set_implicit().unwrap();
    bob.take(&alice.local().unwrap()).unwrap();
    // The old generation runs, the new one waits for the answer.
    assert!(matches!(
        add_of_generation(&mut bob, "alice"),
        Ok(Trickle::Candidate(..))
    ));
    let current = |bob: &Peer| bob.session.current_remote_description().unwrap().sdp;
    let pending = |bob: &Peer| bob.session.pending_remote_description().unwrap().sdp;
    assert!(current(&bob).contains(LINE) && !pending(&bob).contains(LINE));
    assert_eq!(add_of_generation(&mut bob, "alice1"), Ok(Trickle::Later));
    assert!(pending(&bob).contains(LINE));
    // Without a user fragment it is for the newest.
    let other = LINE.replace("192.0.2.7", "192.0.2.8");
    assert_eq!(add(&mut bob, &other, Some("0"), None), Ok(Trickle::Later));
    assert!(pending(&bob).contains(&other) && !current(&bob).contains(&other));
    let plan = bob.set_implicit().unwrap();
    assert_eq!(
        plan.transports.into_iter().next().unwrap().candidates.len(),
        2
    );
}

#[test]
fn wpt_012_tcp_candidate_is_accepted() {
    let mut peer = with_remote_offer();
    let line = "candidate:1 1 tcp 1518280447 192.0.2.7 9 typ host tcptype active";
    assert!(add(&mut peer, line, Some("2"), None).is_ok());
}

#[test]
fn wpt_021_can_trickle() {
    let mut peer = Peer::new("peer");
    peer.set_remote(SdpType::Offer, &offer_of_chromium())
        .unwrap();
    assert_eq!(peer.session.can_trickle(), Some(true));
    for replacement in ["", "a=ice-options:ice2\r\n"] {
        let text = offer_of_chromium().replace("a=ice-options:trickle\r\n", replacement);
        peer.set_remote(SdpType::Offer, &text).unwrap();
        assert_eq!(peer.session.can_trickle(), Some(false));
    }
    let session = offer_of_chromium()
        .replace("a=ice-options:trickle\r\n", "")
        .replace("t=0 0\r\n", "t=0 0\r\na=ice-options:trickle\r\n");
    peer.set_remote(SdpType::Offer, &session).unwrap();
    assert_eq!(peer.session.can_trickle(), Some(true));
}

#[test]
fn wpt_022_local_description_has_what_was_gathered() {
    let mut peer = Peer::with_data("peer");
    peer.set_implicit().unwrap();
    assert!(!peer.local().unwrap().sdp.contains("a=candidate"));
    peer.gather("192.0.2.1 1000");
    let sdp = peer.local().unwrap().sdp;
    assert!(sdp.contains("m=application 1000 ") && sdp.contains("c=IN IP4 192.0.2.1\r\n"));
    assert_eq!(sdp.matches("a=candidate").count(), 1);
    peer.gathered = true;
    assert!(
        peer.local()
            .unwrap()
            .sdp
            .ends_with("a=end-of-candidates\r\n")
    );
    // A name that hides the address is no default (RFC 8829 section 5.2.1: 9 and 0.0.0.0).
    let mut peer = Peer::with_data("peer");
    peer.gather("3f1c.local 1000");
    peer.set_implicit().unwrap();
    let sdp = peer.local().unwrap().sdp;
    assert!(sdp.contains("m=application 9 ") && sdp.contains("c=IN IP4 0.0.0.0\r\n"));
}

#[test]
fn wpt_023_close_is_idempotent() {
    let mut peer = with_remote_offer();
    peer.session.close();
    peer.session.close();
    assert_eq!(peer.state(), SignalingState::Closed);
    assert!(!peer.session.negotiation_needed());
    assert_eq!(
        add(&mut peer, LINE, Some("0"), None),
        Err(DescriptionError::InvalidState)
    );
}

#[test]
fn wpt_026_create_answer_needs_a_remote_offer() {
    let mut peer = Peer::with_data("peer");
    assert_eq!(peer.answer(), Err(DescriptionError::InvalidState));
    peer.set_implicit().unwrap();
    assert_eq!(peer.answer(), Err(DescriptionError::InvalidState));
    peer.session.close();
    assert_eq!(peer.answer(), Err(DescriptionError::InvalidState));
}

#[test]
fn wpt_034_create_offer() {
    let mut peer = Peer::new("peer");
    assert!(!peer.offer().unwrap().contains("m="));
    let mut other = with_remote_offer();
    assert_eq!(other.offer(), Err(DescriptionError::InvalidState));
    peer.session.close();
    assert_eq!(peer.offer(), Err(DescriptionError::InvalidState));
}

#[test]
fn wpt_036_pending_and_current_descriptions() {
    let mut alice = Peer::with_data("alice");
    let mut bob = Peer::new("bobby");
    let offer = alice.offer().unwrap();
    assert_eq!(alice.local(), None);
    alice.set_local(SdpType::Offer, &offer).unwrap();
    assert_eq!(alice.local().unwrap().sdp, offer);
    bob.set_remote(SdpType::Offer, &offer).unwrap();
    assert_eq!(bob.session.pending_remote_description().unwrap().sdp, offer);
    assert_eq!(bob.session.current_remote_description(), None);
    let answer = bob.answer().unwrap();
    assert_eq!(bob.local(), None);
    bob.set_local(SdpType::Answer, &answer).unwrap();
    assert_eq!(bob.session.pending_remote_description(), None);
    assert_eq!(bob.session.current_remote_description().unwrap().sdp, offer);
    assert_eq!(bob.local().unwrap().sdp, answer);
    alice.set_remote(SdpType::Answer, &answer).unwrap();
    assert_eq!(
        alice.session.current_remote_description().unwrap().kind,
        SdpType::Answer
    );
}

#[test]
fn wpt_048_first_data_channel_needs_negotiation() {
    let mut peer = Peer::new("peer");
    assert!(!peer.session.negotiation_needed());
    peer.session.want_data_channels();
    assert!(peer.session.negotiation_needed());
}

#[test]
fn wpt_049_negotiation_is_needed_in_stable_only_and_once() {
    let mut alice = Peer::with_data("alice");
    let mut bob = Peer::new("bobby");
    alice.set_implicit().unwrap();
    assert!(!alice.session.negotiation_needed());
    alice.set_local(SdpType::Rollback, "").unwrap();
    assert!(alice.session.negotiation_needed());
    negotiate(&mut alice, &mut bob);
    // The second channel of either side needs none.
    alice.session.want_data_channels();
    bob.session.want_data_channels();
    assert!(!alice.session.negotiation_needed() && !bob.session.negotiation_needed());
}

#[test]
fn wpt_059_restart_replaces_the_credentials() {
    let mut alice = Peer::with_data("alice");
    alice.session.restart_ice();
    assert!(alice.offer().unwrap().contains("a=ice-ufrag:alice\r"));
    let mut bob = Peer::new("bobby");
    negotiate(&mut alice, &mut bob);
    assert!(!alice.session.negotiation_needed());

    alice.session.restart_ice();
    assert!(alice.session.negotiation_needed());
    assert!(!alice.set_implicit().unwrap().restart.is_empty());
    let offer = alice.local().unwrap().sdp;
    assert!(offer.contains("a=ice-ufrag:alice1\r"));
    bob.set_remote(SdpType::Offer, &offer).unwrap();
    let plan = bob.set_implicit().unwrap();
    let transport = plan.transports.into_iter().next().unwrap();
    assert!(!plan.restart.is_empty() && transport.restart && !transport.new_association);
    alice.take(&bob.local().unwrap()).unwrap();
    assert!(!alice.session.negotiation_needed());
    // A wish that was granted is not granted twice.
    assert!(alice.set_implicit().unwrap().restart.is_empty());
}

#[test]
fn wpt_060_a_wish_to_restart_is_kept_until_it_is_granted() {
    let mut alice = Peer::with_data("alice");
    let mut bob = Peer::new("bobby");
    negotiate(&mut alice, &mut bob);
    // In have-local-offer, and through a rollback.
    alice.set_implicit().unwrap();
    alice.session.restart_ice();
    let plan = alice.set_local(SdpType::Rollback, "").unwrap();
    assert!(plan.cancel_restart.is_empty() && alice.session.negotiation_needed());
    assert!(!alice.set_implicit().unwrap().restart.is_empty());
    let plan = alice.set_local(SdpType::Rollback, "").unwrap();
    assert!(!plan.cancel_restart.is_empty() && alice.session.negotiation_needed());
    // In have-remote-offer, where the answer cannot grant it.
    bob.set_implicit().unwrap();
    alice.take(&bob.local().unwrap()).unwrap();
    alice.session.restart_ice();
    assert!(alice.set_implicit().unwrap().restart.is_empty());
    bob.take(&alice.local().unwrap()).unwrap();
    assert!(alice.session.negotiation_needed());
    // The peer restarts: that will do.
    bob.session.restart_ice();
    bob.set_implicit().unwrap();
    alice.take(&bob.local().unwrap()).unwrap();
    assert!(!alice.set_implicit().unwrap().restart.is_empty());
    assert!(!alice.session.negotiation_needed());
}

#[test]
fn wpt_037_a_rolled_back_restart_is_cancelled() {
    let mut alice = Peer::with_data("alice");
    alice.set_implicit().unwrap();
    let plan = alice.set_local(SdpType::Rollback, "").unwrap();
    assert!(plan.cancel_restart.is_empty());
    let mut bob = Peer::new("bobby");
    negotiate(&mut alice, &mut bob);
    alice.session.restart_ice();
    alice.set_implicit().unwrap();
    // A colliding offer takes it back.
    bob.set_implicit().unwrap();
    let plan = alice.take(&bob.local().unwrap()).unwrap();
    assert!(plan.rolled_back && !plan.cancel_restart.is_empty());
    assert!(alice.set_implicit().unwrap().restart.is_empty());
    assert!(alice.session.negotiation_needed());
}

#[test]
fn wpt_066_rounds_and_swapped_roles() {
    let mut alice = Peer::with_data("alice");
    let mut bob = Peer::new("bobby");
    negotiate(&mut alice, &mut bob);
    negotiate(&mut alice, &mut bob);
    negotiate(&mut bob, &mut alice);
    negotiate(&mut alice, &mut bob);
}

#[test]
fn wpt_067_local_offer_is_the_last_created() {
    let mut peer = Peer::with_data("peer");
    let offer = peer.offer().unwrap();
    let munged = offer.replace("5000", "5001");
    let other = Peer::with_data("other").offer().unwrap();
    for text in [&munged, &other] {
        let error = peer.set_local(SdpType::Offer, text).unwrap_err();
        assert_eq!(error, DescriptionError::InvalidModification);
    }
    peer.set_local(SdpType::Offer, "").unwrap();
    peer.set_local(SdpType::Offer, &offer).unwrap();
    assert_eq!(peer.state(), SignalingState::HaveLocalOffer);
    // A later offer takes the place of an earlier one.
    peer.gather("192.0.2.1 1000");
    let newer = peer.offer().unwrap();
    assert_ne!(newer, offer);
    assert_eq!(
        peer.set_local(SdpType::Offer, &offer).unwrap_err(),
        DescriptionError::InvalidModification
    );
    peer.set_local(SdpType::Offer, &newer).unwrap();
}

#[test]
fn wpt_068_local_answer_is_the_last_created() {
    let mut peer = with_remote_offer();
    let answer = peer.answer().unwrap();
    let munged = answer.replace("5000", "5001");
    let error = peer.set_local(SdpType::Answer, &munged).unwrap_err();
    assert_eq!(error, DescriptionError::InvalidModification);
    peer.set_local(SdpType::Answer, &answer).unwrap();
    assert_eq!(
        peer.set_local(SdpType::Answer, "").unwrap_err(),
        DescriptionError::InvalidState
    );
    let error = peer.set_local(SdpType::Answer, &answer).unwrap_err();
    assert_eq!(error, DescriptionError::InvalidModification);
}

#[test]
fn wpt_068_answer_to_a_replaced_offer_is_stale() {
    let mut peer = Peer::new("peer");
    peer.set_remote(SdpType::Offer, &offer_of_chromium())
        .unwrap();
    let stale = peer.answer().unwrap();
    peer.set_remote(SdpType::Offer, &interop("chromium-156-av-dc-offer"))
        .unwrap();
    let error = peer.set_local(SdpType::Answer, &stale).unwrap_err();
    assert_eq!(error, DescriptionError::InvalidModification);
    // The same after a rollback.
    let stale = peer.answer().unwrap();
    peer.set_remote(SdpType::Rollback, "").unwrap();
    peer.set_remote(SdpType::Offer, &offer_of_chromium())
        .unwrap();
    let error = peer.set_local(SdpType::Answer, &stale).unwrap_err();
    assert_eq!(error, DescriptionError::InvalidModification);
    peer.set_implicit().unwrap();
}

#[test]
fn wpt_069_implicit_description() {
    let mut peer = Peer::with_data("peer");
    assert_eq!(
        peer.set_implicit().unwrap().signaling,
        Some(SignalingState::HaveLocalOffer)
    );
    assert_eq!(peer.set_implicit().unwrap().signaling, None);
    let mut peer = with_remote_offer();
    peer.set_implicit().unwrap();
    assert_eq!(peer.local().unwrap().kind, SdpType::Answer);
    peer.session.close();
    assert_eq!(
        peer.set_implicit().unwrap_err(),
        DescriptionError::InvalidState
    );
}

#[test]
fn wpt_070_local_provisional_answer() {
    let mut peer = Peer::with_data("peer");
    assert_eq!(
        peer.set_local(SdpType::Pranswer, "").unwrap_err(),
        DescriptionError::InvalidState
    );
    let mut peer = with_remote_offer();
    let plan = peer.set_local(SdpType::Pranswer, "").unwrap();
    assert_eq!(plan.signaling, Some(SignalingState::HaveLocalPranswer));
    assert!(!plan.transports.is_empty() && !plan.gather.is_empty());
    peer.set_local(SdpType::Pranswer, "").unwrap();
    let answer = peer.answer().unwrap();
    let plan = peer.set_local(SdpType::Answer, &answer).unwrap();
    assert_eq!(plan.signaling, Some(SignalingState::Stable));
    assert!(!plan.transports.into_iter().next().unwrap().restart);
}

#[test]
fn wpt_071_local_rollback() {
    let mut peer = Peer::with_data("peer");
    assert_eq!(
        peer.set_local(SdpType::Rollback, "").unwrap_err(),
        DescriptionError::InvalidState
    );
    peer.set_implicit().unwrap();
    let plan = peer.set_local(SdpType::Rollback, "nonsense").unwrap();
    assert_eq!(plan.signaling, Some(SignalingState::Stable));
    assert_eq!(peer.local(), None);
    let mut peer = with_remote_offer();
    peer.set_implicit().unwrap();
    assert_eq!(
        peer.set_local(SdpType::Rollback, "").unwrap_err(),
        DescriptionError::InvalidState
    );
}

#[test]
fn wpt_072_syntax_errors_name_the_line() {
    let mut peer = Peer::new("peer");
    let text = offer_of_chromium().replace("a=setup:actpass", "a=setup:nobody");
    let error = peer.set_remote(SdpType::Offer, &text).unwrap_err();
    let DescriptionError::Syntax(error) = error else {
        panic!("{error}");
    };
    assert_eq!((error.line, error.reason), (16, "unknown setup"));
    assert_eq!(SdpType::from_word("bogus"), None);
    assert_eq!(SdpType::from_word("pranswer"), Some(SdpType::Pranswer));
}

#[test]
fn wpt_073_remote_answer_needs_a_local_offer() {
    let answer = interop("chromium-156-dc-answer");
    let mut peer = Peer::new("peer");
    assert_eq!(
        peer.set_remote(SdpType::Answer, &answer).unwrap_err(),
        DescriptionError::InvalidState
    );
    let mut peer = with_remote_offer();
    assert_eq!(
        peer.set_remote(SdpType::Answer, &answer).unwrap_err(),
        DescriptionError::InvalidState
    );
}

#[test]
fn wpt_075_repeated_remote_offers_replace_the_pending_one() {
    let mut peer = Peer::new("peer");
    peer.set_remote(SdpType::Offer, &offer_of_chromium())
        .unwrap();
    assert_eq!(
        peer.set_remote(SdpType::Offer, &interop("chromium-156-av-dc-offer"))
            .unwrap()
            .signaling,
        None
    );
    assert!(remote(&peer).contains("m=audio"));
    let before = peer.clone();
    peer.set_remote(SdpType::Offer, "Invalid SDP").unwrap_err();
    assert!(peer == before);
    // The next one may have fewer sections: there was no answer in between.
    peer.set_remote(SdpType::Offer, &offer_of_chromium())
        .unwrap();
}

#[test]
fn wpt_076_incoming_offer_rolls_ours_back() {
    let mut peer = Peer::with_data("peer");
    peer.set_implicit().unwrap();
    let plan = peer
        .set_remote(SdpType::Offer, &offer_of_chromium())
        .unwrap();
    assert!(plan.rolled_back);
    assert_eq!(plan.signaling, Some(SignalingState::HaveRemoteOffer));
    assert_eq!(peer.local(), None);
    let mut peer = Peer::with_data("peer");
    peer.set_implicit().unwrap();
    peer.set_remote(SdpType::Offer, "Invalid SDP").unwrap_err();
    assert_eq!(peer.state(), SignalingState::Stable);
    assert!(peer.session.negotiation_needed());
}

/// The connection says so.
#[test]
fn wpt_076_rollback_by_a_bad_offer_is_an_event() {
    let mut peer = PeerConnection::new(Config::new(), &mut Rng::from_number(1)).unwrap();
    peer.create_data_channel("x", ChannelConfig::default())
        .unwrap();
    peer.set_local_description(None).unwrap();
    while peer.poll_event().is_some() {}
    let bad = Description {
        kind: SdpType::Offer,
        sdp: "Invalid SDP".to_string(),
    };
    peer.set_remote_description(&bad).unwrap_err();
    let events: Vec<Event> = core::iter::from_fn(|| peer.poll_event()).collect();
    assert!(
        matches!(
            events[..],
            [
                Event::SignalingState(SignalingState::Stable),
                Event::IceGatheringState(IceGatheringState::New),
                Event::NegotiationNeeded
            ]
        ),
        "{events:?}"
    );
}

#[test]
fn wpt_077_remote_provisional_answer() {
    let mut alice = Peer::with_data("alice");
    let mut bob = Peer::new("bobby");
    alice.set_implicit().unwrap();
    bob.take(&alice.local().unwrap()).unwrap();
    let answer = bob.answer().unwrap();
    let plan = alice.set_remote(SdpType::Pranswer, &answer).unwrap();
    assert_eq!(plan.signaling, Some(SignalingState::HaveRemotePranswer));
    assert!(!plan.transports.is_empty());
    assert_eq!(
        alice
            .set_remote(SdpType::Pranswer, &answer)
            .unwrap()
            .signaling,
        None
    );
    let plan = alice.set_remote(SdpType::Answer, &answer).unwrap();
    assert_eq!(plan.signaling, Some(SignalingState::Stable));
    let error = alice.set_remote(SdpType::Pranswer, &answer).unwrap_err();
    assert_eq!(error, DescriptionError::InvalidState);
}

#[test]
fn wpt_078_remote_rollback() {
    let mut peer = with_remote_offer();
    let plan = peer.set_remote(SdpType::Rollback, "nonsense").unwrap();
    assert_eq!(plan.signaling, Some(SignalingState::Stable));
    assert_eq!(peer.session.remote_description(), None);
    let error = peer.set_remote(SdpType::Rollback, "").unwrap_err();
    assert_eq!(error, DescriptionError::InvalidState);
}

#[test]
fn wpt_117_max_message_size() {
    let size = |line: &str| {
        let text = offer_of_chromium().replace("a=max-message-size:262144\r\n", line);
        let mut peer = Peer::new("peer");
        peer.set_remote(SdpType::Offer, &text).unwrap();
        match peer.set_implicit().unwrap().data {
            Some(DataPlan::Open {
                transport: TransportId::FIRST,
                remote_max_message_size,
                ..
            }) => remote_max_message_size,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(size(""), Some(65_536));
    assert_eq!(size("a=max-message-size:0\r\n"), None);
    assert_eq!(size("a=max-message-size:70000\r\n"), Some(70_000));
}

#[test]
fn wpt_133_fingerprint_changes_only_with_an_ice_restart() {
    let mut alice = Peer::with_data("alice");
    let mut bob = Peer::new("bobby");
    negotiate(&mut alice, &mut bob);
    alice.fingerprints = Vec::from([sha256("DD")]);
    alice.set_implicit().unwrap();
    let before = bob.clone();
    let error = bob.take(&alice.local().unwrap()).unwrap_err();
    assert!(matches!(error, DescriptionError::InvalidAccess(_)) && bob == before);
    // The same in an answer.
    alice.set_local(SdpType::Rollback, "").unwrap();
    bob.set_implicit().unwrap();
    alice.take(&bob.local().unwrap()).unwrap();
    alice.set_implicit().unwrap();
    let error = bob.take(&alice.local().unwrap()).unwrap_err();
    assert!(matches!(error, DescriptionError::InvalidAccess(_)));
}

#[test]
fn wpt_134_handover_to_another_peer() {
    let mut alice = Peer::with_data("alice");
    let mut bob = Peer::new("bobby");
    negotiate(&mut alice, &mut bob);
    let mut carol = Peer::answering("carol", Role::Server);
    alice.session.restart_ice();
    alice.set_implicit().unwrap();
    carol.take(&alice.local().unwrap()).unwrap();
    carol.set_implicit().unwrap();
    let transport = alice
        .take(&carol.local().unwrap())
        .unwrap()
        .transports
        .remove(0);
    assert!(transport.restart && transport.new_association);
    // Another association may have other roles.
    assert_eq!(transport.role, Role::Client);
}

#[test]
fn wpt_140_offer_says_that_it_trickles() {
    let offer = Peer::with_data("peer").offer().unwrap();
    assert!(offer.contains("a=ice-options:trickle"));
}

#[test]
fn wpt_141_credentials_with_bad_characters() {
    for (good, bad) in [("ufrag:R1z0", "ufrag:R1z-"), ("pwd:CyL4", "pwd:CyL=")] {
        let text = offer_of_chromium().replace(good, bad);
        let error = Peer::new("peer")
            .set_remote(SdpType::Offer, &text)
            .unwrap_err();
        assert!(matches!(error, DescriptionError::InvalidAccess(_)));
    }
}

#[test]
fn wpt_142_first_four_lines() {
    let offer = Peer::with_data("peer").offer().unwrap();
    let mut lines = offer.split("\r\n");
    assert_eq!(lines.next(), Some("v=0"));
    let origin: Vec<&str> = lines.next().unwrap().split(' ').collect();
    assert!(matches!(origin[..], ["o=-", _, _, "IN", "IP4", "0.0.0.0"]));
    assert!(origin[1].parse::<i64>().unwrap() > 0 && origin[2].parse::<i64>().is_ok());
    assert_eq!((lines.next(), lines.next()), (Some("s=-"), Some("t=0 0")));
}

#[test]
fn wpt_143_sections_without_mid() {
    let nameless = |sdp: &str| {
        sdp.replace("a=mid:0\r\n", "")
            .replace("a=group:BUNDLE 0\r\n", "")
    };
    let mut alice = Peer::with_data("alice");
    let mut bob = Peer::new("bobby");
    alice.set_implicit().unwrap();
    bob.set_remote(SdpType::Offer, &nameless(&alice.local().unwrap().sdp))
        .unwrap();
    bob.set_implicit().unwrap();
    let answer = bob.local().unwrap().sdp;
    assert!(!answer.contains("a=mid") && !answer.contains("a=group"));
    alice.set_remote(SdpType::Answer, &answer).unwrap();
    // When bob offers, his section needs a name.
    assert!(bob.offer().unwrap().contains("a=mid:0\r\n"));
    negotiate(&mut bob, &mut alice);
}

#[test]
fn wpt_150_sctp_format() {
    let offer = Peer::with_data("peer").offer().unwrap();
    assert!(offer.contains("\r\nm=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n"));
    assert!(offer.contains("\r\na=sctp-port:5000\r\n") && offer.contains("\r\na=mid:"));
}

#[test]
fn wpt_151_no_keys_in_descriptions() {
    assert!(
        !Peer::with_data("peer")
            .offer()
            .unwrap()
            .contains("a=crypto")
    );
}

#[test]
fn wpt_152_keys_without_fingerprint_are_refused() {
    let keys =
        "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:2nra27hTUb9ilyn2rEkBEQN9WOFts26F/jvofasw\r\n";
    let media = format!(
        "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=rtpmap:111 opus/48000/2\r\n{keys}a=ice-ufrag:R1z0\r\na=ice-pwd:CyL4Ftk7ESaX0WFdYsrxik6i\r\n"
    );
    let text = format!("{}{media}", offer_of_chromium());
    let error = Peer::new("peer")
        .set_remote(SdpType::Offer, &text)
        .unwrap_err();
    assert_eq!(error, DescriptionError::InvalidAccess("no fingerprint"));
    // Beside a fingerprint they are ignored.
    let text = format!("{text}a=fingerprint:{}\r\n", sha256("AB"));
    Peer::new("peer").set_remote(SdpType::Offer, &text).unwrap();
}

#[test]
fn wpt_157_unknown_media_is_rejected() {
    let text = format!("{}m=bogus 9 FOO 0 8\r\na=mid:b\r\n", offer_of_chromium());
    let mut peer = Peer::new("peer");
    peer.set_remote(SdpType::Offer, &text).unwrap();
    assert!(peer.set_implicit().unwrap().transports.len() == 1);
    let answer = peer.local().unwrap().sdp;
    assert!(answer.contains("m=bogus 0 FOO 0\r\n"), "{answer}");
}

#[test]
fn wpt_172_setup_of_the_initial_offer() {
    let cases = [
        ("actpass", Role::Client, "a=setup:active\r\n"),
        ("active", Role::Server, "a=setup:passive\r\n"),
        ("passive", Role::Client, "a=setup:active\r\n"),
    ];
    for (offered, role, answered) in cases {
        let text = offer_of_chromium().replace("actpass", offered);
        let mut peer = Peer::new("peer");
        peer.set_remote(SdpType::Offer, &text).unwrap();
        assert_eq!(peer.set_implicit().unwrap().transports.remove(0).role, role);
        assert!(peer.local().unwrap().sdp.contains(answered));
    }
}
