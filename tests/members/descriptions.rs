//! Descriptions that are settled, and those that are not.

use std::sync::Arc;

use pollrtc::PeerConnection;
use pollrtc::peer::{
    Config, Description, DescriptionError, Kind, SdpType, SignalingState, TransceiverInit,
};
use pollrtc::rng::Rng;

fn peers() -> [PeerConnection; 2] {
    let mut rng = Rng::from_number(3);
    [(); 2].map(|()| {
        let mut pc = PeerConnection::new(Config::new(), &mut rng).unwrap();
        pc.add_track(Kind::Audio, "voice", &[]).unwrap();
        pc
    })
}

/// Which of the four there are: pending and current, ours and the peer's.
fn there(pc: &PeerConnection) -> [Option<SdpType>; 4] {
    [
        pc.pending_local_description(),
        pc.pending_remote_description(),
        pc.current_local_description(),
        pc.current_remote_description(),
    ]
    .map(|description| description.map(|one| one.kind))
}

/// WPT-036: each changes with the call that sets it, and not before.
#[test]
fn wpt_036_descriptions_are_pending_until_they_are_settled() {
    let [mut alice, mut bob] = peers();
    assert_eq!(there(&alice), [None; 4]);
    let offer = alice.create_offer().unwrap();
    assert_eq!(there(&alice), [None; 4]);
    alice.set_local_description(Some(&offer)).unwrap();
    assert_eq!(there(&alice), [Some(SdpType::Offer), None, None, None]);
    assert_eq!(alice.pending_local_description(), alice.local_description());

    bob.set_remote_description(&offer).unwrap();
    assert_eq!(there(&bob), [None, Some(SdpType::Offer), None, None]);
    assert_eq!(bob.remote_description().unwrap().sdp, offer.sdp);
    let answer = bob.create_answer().unwrap();
    let early = Description {
        kind: SdpType::Pranswer,
        ..answer.clone()
    };
    bob.set_local_description(Some(&early)).unwrap();
    assert_eq!(
        there(&bob),
        [Some(SdpType::Pranswer), Some(SdpType::Offer), None, None]
    );
    bob.set_local_description(Some(&answer)).unwrap();
    let settled = [None, None, Some(SdpType::Answer), Some(SdpType::Offer)];
    assert_eq!(there(&bob), settled);
    assert_eq!(bob.current_local_description(), bob.local_description());

    alice.set_remote_description(&answer).unwrap();
    let settled = [None, None, Some(SdpType::Offer), Some(SdpType::Answer)];
    assert_eq!(there(&alice), settled);

    // What is refused, and what is taken back, leaves them as they are.
    let again = alice.set_remote_description(&answer);
    assert!(again.is_err());
    assert_eq!(there(&alice), settled);
    alice.set_local_description(None).unwrap();
    assert_eq!(there(&alice)[0], Some(SdpType::Offer));
    let rollback = Description {
        kind: SdpType::Rollback,
        sdp: String::new(),
    };
    alice.set_local_description(Some(&rollback)).unwrap();
    assert_eq!(there(&alice), settled);
    // They can be asked for after the end.
    alice.close();
    assert_eq!(there(&alice), settled);
}

#[test]
fn wpt_021_who_trickles_says_so() {
    let [mut alice, mut bob] = peers();
    let offer = alice.create_offer().unwrap();
    assert_eq!(bob.can_trickle_ice_candidates(), None);
    let without = Description {
        sdp: offer.sdp.replace("a=ice-options:trickle ice2\r\n", ""),
        ..offer.clone()
    };
    for (offer, trickles) in [(&offer, true), (&without, false)] {
        bob.set_remote_description(offer).unwrap();
        assert_eq!(bob.can_trickle_ice_candidates(), Some(trickles));
    }
}

/// The longest offer that a connection makes can be set, by itself and by its peer.
#[test]
fn as_many_transceivers_as_there_can_be_are_described() {
    let [mut alice, mut bob] = peers();
    let mut count = 1;
    let refused = loop {
        match alice.add_transceiver(Kind::Video, TransceiverInit::default()) {
            Ok(_) => count += 1,
            Err(refused) => break refused,
        }
    };
    assert!(matches!(refused, DescriptionError::Operation(_)));
    assert_eq!(count, 128);
    alice.set_local_description(None).unwrap();
    bob.set_remote_description(&alice.local_description().unwrap())
        .unwrap();
    bob.set_local_description(None).unwrap();
    alice
        .set_remote_description(&bob.local_description().unwrap())
        .unwrap();
    let sections =
        |pc: &PeerConnection| pc.transceivers().filter(|one| one.mid().is_some()).count();
    assert_eq!([sections(&alice), sections(&bob)], [count, count]);
}

/// What no peer would read is not even made, and nothing has changed.
#[test]
fn an_offer_that_would_be_too_long_is_refused() {
    let mut config = Config::new();
    for codec in &mut Arc::make_mut(&mut config.media).video.codecs {
        codec.parameters = format!("x={}", "y".repeat(2_000));
    }
    let mut pc = PeerConnection::new(config, &mut Rng::from_number(3)).unwrap();
    while pc
        .add_transceiver(Kind::Video, TransceiverInit::default())
        .is_ok()
    {}
    let refused = pc.create_offer().unwrap_err();
    assert_eq!(refused.name(), "OperationError");
    assert_eq!(pc.set_local_description(None).unwrap_err(), refused);
    assert_eq!(pc.signaling_state(), SignalingState::Stable);
    let all: Vec<_> = pc.transceivers().map(|one| one.id()).collect();
    for id in &all[10..] {
        pc.stop_transceiver(*id).unwrap();
    }
    pc.create_offer().unwrap();
}
