//! Descriptions that are settled, and those that are not.

use pollrtc::PeerConnection;
use pollrtc::peer::{Config, Description, Kind, SdpType};
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
