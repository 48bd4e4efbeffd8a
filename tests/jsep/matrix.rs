//! Every operation in every signaling state, as a table.

use core::fmt::Write as _;

use pollrtc::jsep::{DescriptionError, IceCandidate, SdpType, SignalingState};

use super::support::{Peer, compare_golden};

const STATES: [SignalingState; 6] = [
    SignalingState::Stable,
    SignalingState::HaveLocalOffer,
    SignalingState::HaveRemoteOffer,
    SignalingState::HaveLocalPranswer,
    SignalingState::HaveRemotePranswer,
    SignalingState::Closed,
];

/// A peer that was led into a state, after an exchange.
fn peer_in(state: SignalingState) -> (Peer, Peer) {
    let mut peer = Peer::with_data("peer");
    let mut other = Peer::with_data("other");
    super::support::negotiate(&mut peer, &mut other);
    match state {
        SignalingState::Stable => {}
        SignalingState::HaveLocalOffer => drop(peer.set_implicit().unwrap()),
        SignalingState::HaveRemoteOffer => {
            other.set_implicit().unwrap();
            peer.take(&other.local().unwrap()).unwrap();
        }
        SignalingState::HaveLocalPranswer => {
            other.set_implicit().unwrap();
            peer.take(&other.local().unwrap()).unwrap();
            peer.set_local(SdpType::Pranswer, "").unwrap();
        }
        SignalingState::HaveRemotePranswer => {
            peer.set_implicit().unwrap();
            other.take(&peer.local().unwrap()).unwrap();
            let pranswer = other.answer().unwrap();
            peer.set_remote(SdpType::Pranswer, &pranswer).unwrap();
        }
        SignalingState::Closed => peer.session.close(),
    }
    assert_eq!(peer.state(), state);
    (peer, other)
}

/// An offer or an answer that another peer would send to one in this state.
fn descriptions(state: SignalingState) -> (String, String) {
    let (mut peer, mut other) = peer_in(state);
    let mut third = other.clone();
    let offer = third.offer().unwrap_or_else(|_| {
        let mut idle = peer_in(SignalingState::Stable).1;
        idle.offer().unwrap()
    });
    let answer = match peer.local() {
        Some(local)
            if matches!(other.state(), SignalingState::Stable) && local.kind == SdpType::Offer =>
        {
            other.take(&local).unwrap();
            other.answer().unwrap()
        }
        _ => other.local().unwrap().sdp,
    };
    (offer, answer)
}

fn outcome<T>(peer: &Peer, before: &Peer, result: Result<T, DescriptionError>) -> String {
    match result {
        Ok(_) if peer.state() == before.state() => "ok".to_string(),
        Ok(_) => format!("-> {}", peer.state()),
        Err(error) => {
            // P-4: an error leaves everything as it was.
            assert!(peer.session == before.session, "{error} changed something");
            let name = format!("{error:?}");
            name.split('(').next().unwrap_or_default().to_string()
        }
    }
}

#[test]
fn wpt_063_state_matrix() {
    use SdpType::{Answer, Offer, Pranswer, Rollback};
    type Operation = fn(&mut Peer, &str, &str) -> Result<(), DescriptionError>;
    let operations: &[(&str, Operation)] = &[
        ("create_offer", |peer, _, _| peer.offer().map(drop)),
        ("create_answer", |peer, _, _| peer.answer().map(drop)),
        ("set_local(implicit)", |peer, _, _| {
            peer.set_implicit().map(drop)
        }),
        ("set_local(offer)", |peer, _, _| {
            peer.set_local(Offer, "").map(drop)
        }),
        ("set_local(pranswer)", |peer, _, _| {
            peer.set_local(Pranswer, "").map(drop)
        }),
        ("set_local(answer)", |peer, _, _| {
            peer.set_local(Answer, "").map(drop)
        }),
        ("set_local(rollback)", |peer, _, _| {
            peer.set_local(Rollback, "").map(drop)
        }),
        ("set_local(another)", |peer, offer, _| {
            peer.set_local(Offer, offer).map(drop)
        }),
        ("set_remote(offer)", |peer, offer, _| {
            peer.set_remote(Offer, offer).map(drop)
        }),
        ("set_remote(pranswer)", |peer, _, answer| {
            peer.set_remote(Pranswer, answer).map(drop)
        }),
        ("set_remote(answer)", |peer, _, answer| {
            peer.set_remote(Answer, answer).map(drop)
        }),
        ("set_remote(rollback)", |peer, _, _| {
            peer.set_remote(Rollback, "").map(drop)
        }),
        ("set_remote(nonsense)", |peer, _, _| {
            peer.set_remote(Answer, "nonsense").map(drop)
        }),
        ("add_ice_candidate", |peer, _, _| {
            let end = IceCandidate::default();
            peer.session.add_ice_candidate(end).map(drop)
        }),
    ];
    let mut table = String::new();
    for state in STATES {
        let _ = writeln!(table, "{state}");
        let (offer, answer) = descriptions(state);
        for (name, operation) in operations {
            let (mut peer, _) = peer_in(state);
            let before = peer.clone();
            let result = operation(&mut peer, &offer, &answer);
            let _ = writeln!(table, "    {name:<24}{}", outcome(&peer, &before, result));
        }
    }
    compare_golden("signaling_states", &table);
}
