//! What happens in the life of a connection with several transports.

use pollrtc::dtls::DtlsState;
use pollrtc::ice::{GatheringState, IceState};
use pollrtc::jsep::BundlePolicy;
use pollrtc::net::Path;
use pollrtc::peer::{
    CloseReason, ConnectionState, Description, DescriptionError, Event, Kind, SdpType,
    SignalingState,
};
use pollrtc::sim::Link;

use crate::support::{Apart, LEFT, RIGHT, address, millis, secs};

fn connected(seed: u64) -> Apart {
    let link = Link::with_delay(millis(20));
    let mut apart = Apart::new(seed, link, BundlePolicy::Balanced);
    apart.want_all();
    apart.negotiate(LEFT);
    apart.connect();
    apart
}

fn ufrags(apart: &Apart, side: usize) -> Vec<String> {
    let transports = apart.peer(side).transports();
    let ufrag = |ice: &pollrtc::ice::IceAgent| ice.local_credentials().ufrag.clone();
    transports.map(|(_, one)| ufrag(one.ice())).collect()
}

#[test]
fn a_restart_is_one_of_all_transports() {
    for offerer in [LEFT, RIGHT] {
        let mut apart = connected(1);
        let before = [LEFT, RIGHT].map(|side| ufrags(&apart, side));
        apart.call(offerer, |pc| pc.restart_ice());
        apart.negotiate(offerer);
        apart.run_for(secs(5));
        for side in [LEFT, RIGHT] {
            let after = ufrags(&apart, side);
            assert_eq!(after.len(), 3);
            assert!(after.iter().all(|ufrag| !before[side].contains(ufrag)));
        }
        assert!(apart.is_connected());
        apart.assert_all_flows();
        apart.finish();
    }
}

#[test]
fn wpt_045_one_transport_that_fails_makes_the_connection_fail() {
    let mut apart = connected(2);
    let path = |one: &pollrtc::transport::Transport| one.ice().current_path().unwrap();
    let paths: Vec<Path> = apart
        .peer(LEFT)
        .transports()
        .map(|(_, one)| path(one))
        .collect();
    let Path { local, remote, .. } = paths[1];
    apart.world.block(local, remote);
    apart.world.block(remote, local);
    let is = |state| move |apart: &Apart| apart.peer(LEFT).connection_state() == state;
    assert!(apart.run_until(secs(20), is(ConnectionState::Disconnected)));
    assert_eq!(
        apart.peer(LEFT).ice_connection_state(),
        IceState::Disconnected
    );
    assert!(apart.run_until(secs(60), is(ConnectionState::Failed)));
    // The others go on.
    let mut others = apart.peer(LEFT).transports();
    assert!(others.any(|(_, one)| one.ice().state() != IceState::Failed));
}

#[test]
fn a_rolled_back_offer_takes_its_transports_with_it() {
    let link = Link::with_delay(millis(20));
    let mut apart = Apart::new(3, link, BundlePolicy::MaxCompat);
    apart.want_all();
    apart.call(LEFT, |pc| pc.set_local_description(None).unwrap());
    assert_eq!(apart.transports(LEFT), 3);
    apart.run_for(millis(100));
    let gathering = apart.peer(LEFT).ice_gathering_state();
    assert_eq!(gathering, GatheringState::Complete);
    let rollback = Description {
        kind: SdpType::Rollback,
        sdp: String::new(),
    };
    apart.call(LEFT, |pc| {
        pc.set_local_description(Some(&rollback)).unwrap();
    });
    assert_eq!(apart.transports(LEFT), 1);
    assert_eq!(apart.peer(LEFT).ice_gathering_state(), GatheringState::New);
    apart.negotiate(LEFT);
    apart.connect();
    assert_eq!(apart.transports(LEFT), 3);
    apart.assert_all_flows();
    apart.finish();
}

#[test]
fn a_section_that_comes_later_gets_a_transport_of_its_own() {
    let link = Link::with_delay(millis(20));
    let mut apart = Apart::new(4, link, BundlePolicy::MaxCompat);
    apart.want_channel();
    apart.negotiate(LEFT);
    apart.connect();
    assert_eq!(apart.transports(LEFT), 1);
    apart.add(LEFT, Kind::Audio);
    apart.negotiate(LEFT);
    apart.connect();
    assert_eq!([LEFT, RIGHT].map(|side| apart.transports(side)), [2, 2]);
    // And from the other side.
    apart.add(RIGHT, Kind::Video);
    apart.negotiate(RIGHT);
    apart.connect();
    assert_eq!([LEFT, RIGHT].map(|side| apart.transports(side)), [3, 3]);
    apart.assert_all_flows();
    apart.finish();
}

#[test]
fn a_transceiver_that_stops_takes_its_transport_with_it() {
    let mut apart = connected(5);
    let audio = apart.peer(LEFT).transceivers().next().unwrap().id();
    apart.call(LEFT, |pc| pc.stop_transceiver(audio).unwrap());
    apart.negotiate(LEFT);
    apart.run_for(secs(1));
    assert_eq!([LEFT, RIGHT].map(|side| apart.transports(side)), [2, 2]);
    assert!(apart.is_connected());
    apart.assert_all_flows();
    apart.finish();
}

#[test]
fn what_is_rejected_has_no_transport() {
    let link = Link::with_delay(millis(20));
    let mut apart = Apart::new(6, link, BundlePolicy::Balanced);
    apart.want_all();
    let offer = apart.describe(LEFT);
    apart.tell(RIGHT, &offer).unwrap();
    let video = apart.peer(RIGHT).transceivers().nth(1).unwrap().id();
    apart.call(RIGHT, |pc| pc.stop_transceiver(video).unwrap());
    let answer = apart.describe(RIGHT);
    apart.tell(LEFT, &answer).unwrap();
    apart.connect();
    assert_eq!([LEFT, RIGHT].map(|side| apart.transports(side)), [2, 2]);
    apart.assert_all_flows();
    apart.finish();
}

#[test]
fn closing_says_goodbye_on_all_of_them() {
    let mut apart = connected(7);
    apart.call(LEFT, |pc| pc.close());
    apart.run_for(secs(1));
    assert!(apart.events[LEFT].contains(&Event::Closed(CloseReason::Application)));
    let is_end = |event: &Event| matches!(event, Event::Closed(CloseReason::Dtls(reason)) if reason.is_orderly());
    assert!(apart.events[RIGHT].iter().any(is_end), "{}", apart.story());
    for (_, transport) in apart.peer(RIGHT).transports() {
        assert_eq!(transport.dtls_state(), DtlsState::Closed);
    }
    apart.finish();
}

#[test]
fn wpt_025_wpt_043_states_wait_for_the_slowest() {
    let link = Link::with_delay(millis(20));
    let mut apart = Apart::new(8, link, BundlePolicy::Balanced);
    let (ours, third) = (address("192.0.2.1:4000"), address("198.51.100.2:4002"));
    apart.world.block(ours, third);
    apart.world.block(third, ours);
    apart.want_all();
    apart.negotiate(LEFT);
    apart.run_for(secs(3));
    assert_eq!(
        apart.peer(LEFT).connection_state(),
        ConnectionState::Connecting
    );
    assert_eq!(apart.peer(LEFT).ice_connection_state(), IceState::Checking);
    let up = apart.peer(LEFT).transports();
    let up = up.filter(|(_, one)| one.dtls_state() == DtlsState::Connected);
    assert_eq!(up.count(), 2);
    apart.world.unblock(ours, third);
    apart.world.unblock(third, ours);
    apart.connect();
    apart.assert_all_flows();
    apart.finish();
}

#[test]
fn datagrams_from_nowhere_are_counted_and_dropped() {
    let mut apart = connected(9);
    let path = Path::udp(address("192.0.2.1:4000"), address("203.0.113.77:9"));
    apart.world.with(apart.hosts[LEFT], |pc, now| {
        for first in [20, 22, 128, 255] {
            pc.handle_input(now, path, &mut [first; 40]);
        }
    });
    assert_eq!(apart.peer(LEFT).stats().unknown_path, 4);
    apart.assert_all_flows();
    apart.finish();
}

#[test]
fn an_offer_that_was_taken_back_is_not_set_with_transports_that_are_gone() {
    let link = Link::with_delay(millis(20));
    let mut apart = Apart::new(10, link, BundlePolicy::MaxCompat);
    apart.want_all();
    let offer = apart.call(LEFT, |pc| pc.create_offer().unwrap());
    let rollback = Description {
        kind: SdpType::Rollback,
        sdp: String::new(),
    };
    apart.call(LEFT, |pc| pc.set_local_description(Some(&offer)).unwrap());
    apart.call(LEFT, |pc| {
        pc.set_local_description(Some(&rollback)).unwrap();
    });
    let again = apart.call(LEFT, |pc| pc.set_local_description(Some(&offer)));
    assert_eq!(again, Err(DescriptionError::InvalidModification));
    apart.negotiate(LEFT);
    apart.connect();
    apart.assert_all_flows();
    apart.finish();
}

/// W3C webrtc-pc §4.4.1.5: a colliding offer takes ours back, also if it is bad itself.
#[test]
fn a_bad_offer_that_collides_takes_our_transports_back() {
    let link = Link::with_delay(millis(20));
    let mut apart = Apart::new(11, link, BundlePolicy::MaxCompat);
    apart.want_all();
    apart.call(LEFT, |pc| pc.set_local_description(None).unwrap());
    assert_eq!(apart.transports(LEFT), 3);
    let bad = Description {
        kind: SdpType::Offer,
        sdp: "v=0\r\n".into(),
    };
    let refused = apart.call(LEFT, |pc| pc.set_remote_description(&bad));
    assert!(refused.is_err());
    assert_eq!(apart.peer(LEFT).signaling_state(), SignalingState::Stable);
    assert_eq!(apart.transports(LEFT), 1);
    apart.negotiate(LEFT);
    apart.connect();
    apart.assert_all_flows();
    apart.finish();
}
