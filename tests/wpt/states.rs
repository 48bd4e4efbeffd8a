//! The states of a connection and of what it is made of: ICE, DTLS, gathering.

use std::time::Duration;

use pollrtc::dtls::DtlsState;
use pollrtc::peer::{
    ChannelConfig, ConnectionState, Description, Direction, Event, IceConnectionState,
    IceGatheringState, Kind, TransceiverInit,
};

use crate::support::{ALICE, BOB, Pair, alone, describe, rollback, with_channel};

/// What was told of a connection's states.
fn connection_states(told: &[Event]) -> Vec<ConnectionState> {
    let states = told.iter().filter_map(|event| match event {
        Event::ConnectionState(state) => Some(*state),
        _ => None,
    });
    states.collect()
}

fn ice_states(told: &[Event]) -> Vec<IceConnectionState> {
    let states = told.iter().filter_map(|event| match event {
        Event::IceConnectionState(state) => Some(*state),
        _ => None,
    });
    states.collect()
}

fn gathering_states(told: &[Event]) -> Vec<IceGatheringState> {
    let states = told.iter().filter_map(|event| match event {
        Event::IceGatheringState(state) => Some(*state),
        _ => None,
    });
    states.collect()
}

/// The description as it is before there are candidates.
pub(crate) fn without_candidates(description: &Description) -> Description {
    let lines = description.sdp.split_inclusive("\r\n");
    let is_of_candidates =
        |line: &&str| line.starts_with("a=candidate") || line.starts_with("a=end-of-candidates");
    Description {
        kind: description.kind,
        sdp: lines.filter(|line| !is_of_candidates(line)).collect(),
    }
}

fn wants_data(pair: &mut Pair) {
    pair.call(ALICE, |pc| {
        pc.create_data_channel("x", ChannelConfig::default())
    })
    .unwrap();
}

#[test]
fn wpt_024_connected_only_after_connecting() {
    let mut pair = Pair::new();
    wants_data(&mut pair);
    for side in [ALICE, BOB] {
        assert_eq!(pair.machine(side).connection_state(), ConnectionState::New);
    }
    pair.negotiate(ALICE);
    for side in [ALICE, BOB] {
        let told = connection_states(&pair.take_events(side));
        let expected = [ConnectionState::Connecting, ConnectionState::Connected];
        assert_eq!(told, expected);
    }
    // The end is not told to the one who called for it.
    pair.call(ALICE, |pc| pc.close());
    let state = pair.machine(ALICE).connection_state();
    assert_eq!(state, ConnectionState::Closed);
    pair.run(Duration::from_secs(1));
    assert_eq!(connection_states(&pair.take_events(ALICE)), []);
    let told = connection_states(&pair.take_events(BOB));
    assert_eq!(told, [ConnectionState::Closed]);
}

#[test]
fn wpt_024_and_043_new_without_candidates_of_the_peer() {
    let mut pair = Pair::new();
    wants_data(&mut pair);
    let offer = without_candidates(&pair.describe(ALICE));
    pair.tell(BOB, &offer).unwrap();
    let answer = without_candidates(&pair.describe(BOB));
    pair.tell(ALICE, &answer).unwrap();
    pair.run(Duration::from_secs(1));
    for side in [ALICE, BOB] {
        let peer = pair.machine(side);
        assert_eq!(peer.connection_state(), ConnectionState::New);
        assert_eq!(peer.ice_connection_state(), IceConnectionState::New);
        assert_eq!(connection_states(&pair.take_events(side)), []);
    }
}

#[test]
fn wpt_043_from_new_over_checking_to_connected() {
    // Only to receive is reason enough.
    for data in [true, false] {
        let mut pair = Pair::new();
        if data {
            wants_data(&mut pair);
        } else {
            let init = TransceiverInit {
                direction: Direction::RecvOnly,
                ..TransceiverInit::default()
            };
            pair.call(ALICE, |pc| pc.add_transceiver(Kind::Video, init))
                .unwrap();
        }
        let state = pair.machine(ALICE).ice_connection_state();
        assert_eq!(state, IceConnectionState::New);
        pair.negotiate(ALICE);
        for side in [ALICE, BOB] {
            let told = ice_states(&pair.take_events(side));
            let [checking, connected] =
                [IceConnectionState::Checking, IceConnectionState::Connected];
            assert_eq!(told[..2], [checking, connected]);
            assert!(matches!(told[2..], [] | [IceConnectionState::Completed]));
        }
        pair.call(ALICE, |pc| pc.close());
        let state = pair.machine(ALICE).ice_connection_state();
        assert_eq!(state, IceConnectionState::Closed);
        pair.run(Duration::from_secs(1));
        assert_eq!(ice_states(&pair.take_events(ALICE)), []);
    }
}

#[test]
fn wpt_044_a_peer_that_vanishes() {
    let mut pair = Pair::connected();
    let bob = pair.hosts[BOB];
    pair.world.cut(bob);
    pair.run(Duration::from_secs(10));
    let told = pair.take_events(ALICE);
    assert_eq!(ice_states(&told), [IceConnectionState::Disconnected]);
    assert_eq!(connection_states(&told), [ConnectionState::Disconnected]);
    pair.run(Duration::from_secs(40));
    let told = pair.take_events(ALICE);
    assert_eq!(ice_states(&told), [IceConnectionState::Failed]);
    assert_eq!(connection_states(&told), [ConnectionState::Failed]);
}

/// It comes back before consent expires, and all is well.
#[test]
fn wpt_044_a_peer_that_comes_back() {
    let mut pair = Pair::connected();
    let bob = pair.hosts[BOB];
    pair.world.cut(bob);
    pair.run(Duration::from_secs(10));
    pair.world.heal(bob);
    pair.run(Duration::from_secs(10));
    let told = connection_states(&pair.take_events(ALICE));
    let expected = [ConnectionState::Disconnected, ConnectionState::Connected];
    assert_eq!(told, expected);
}

#[test]
fn wpt_045_gathering_has_a_beginning_and_an_end() {
    let [new, gathering, complete] = [
        IceGatheringState::New,
        IceGatheringState::Gathering,
        IceGatheringState::Complete,
    ];
    // Without a section there is nothing to gather for.
    let mut peer = alone();
    describe(&mut peer);
    let told: Vec<_> = std::iter::from_fn(|| peer.poll_event()).collect();
    assert_eq!(gathering_states(&told), []);

    let mut pair = Pair::new();
    pair.call(ALICE, |pc| {
        pc.add_transceiver(Kind::Audio, TransceiverInit::default())
    })
    .unwrap();
    assert_eq!(pair.machine(ALICE).ice_gathering_state(), new);
    pair.negotiate(ALICE);
    for side in [ALICE, BOB] {
        let told = gathering_states(&pair.take_events(side));
        assert_eq!(told, [gathering, complete]);
    }
    // What changes in the bundle needs no other candidates.
    wants_data(&mut pair);
    pair.negotiate(ALICE);
    for side in [ALICE, BOB] {
        assert_eq!(gathering_states(&pair.take_events(side)), []);
    }
    // A new generation of the transport does.
    pair.call(ALICE, pollrtc::PeerConnection::restart_ice);
    pair.negotiate(ALICE);
    for side in [ALICE, BOB] {
        let told = gathering_states(&pair.take_events(side));
        assert_eq!(told, [gathering, complete]);
    }
}

/// Without a section in use there is no transport any more.
#[test]
fn wpt_045_without_transports_it_is_new_again() {
    let mut pair = Pair::new();
    let id = pair
        .call(ALICE, |pc| {
            pc.add_transceiver(Kind::Audio, TransceiverInit::default())
        })
        .unwrap();
    pair.negotiate(ALICE);
    pair.take_events(ALICE);
    pair.call(ALICE, |pc| {
        let _ = pc.stop_transceiver(id);
    });
    pair.negotiate(ALICE);
    let told = gathering_states(&pair.take_events(ALICE));
    assert_eq!(told, [IceGatheringState::New]);

    let mut peer = with_channel();
    describe(&mut peer);
    assert_eq!(peer.ice_gathering_state(), IceGatheringState::Complete);
    peer.set_local_description(Some(&rollback())).unwrap();
    assert_eq!(peer.ice_gathering_state(), IceGatheringState::New);
}

/// The transport of a stopped transceiver is that of the others in the bundle.
#[test]
fn wpt_105_the_state_of_dtls() {
    let mut pair = Pair::new();
    wants_data(&mut pair);
    let id = pair
        .call(ALICE, |pc| {
            pc.add_transceiver(Kind::Audio, TransceiverInit::default())
        })
        .unwrap();
    let mut seen = [vec![DtlsState::New], vec![DtlsState::New]];
    let mut look = |pair: &Pair| {
        for side in [ALICE, BOB] {
            let state = pair.machine(side).dtls_state();
            if seen[side].last() != Some(&state) {
                seen[side].push(state);
            }
        }
    };
    let offer = pair.describe(ALICE);
    pair.tell(BOB, &offer).unwrap();
    look(&pair);
    let answer = pair.describe(BOB);
    pair.tell(ALICE, &answer).unwrap();
    for _ in 0..500 {
        look(&pair);
        pair.run(Duration::from_millis(2));
    }
    pair.call(ALICE, |pc| {
        let _ = pc.stop_transceiver(id);
    });
    pair.negotiate(ALICE);
    look(&pair);
    let expected = [DtlsState::New, DtlsState::Connecting, DtlsState::Connected];
    assert_eq!(seen, [expected.to_vec(), expected.to_vec()]);
    pair.call(ALICE, |pc| pc.close());
    assert_eq!(pair.machine(ALICE).dtls_state(), DtlsState::Closed);
    pair.run(Duration::from_secs(1));
    assert_eq!(pair.machine(BOB).dtls_state(), DtlsState::Closed);
}

/// An application that closes before anything began.
#[test]
fn wpt_105_closed_before_it_began() {
    let mut peer = alone();
    assert_eq!(peer.dtls_state(), DtlsState::New);
    peer.close();
    assert_eq!(peer.dtls_state(), DtlsState::Closed);
}
