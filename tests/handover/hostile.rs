//! Handovers to somebody who is not the one that was promised.

use std::cell::Cell;
use std::rc::Rc;

use pollrtc::PeerConnection;
use pollrtc::dtls::DtlsState;
use pollrtc::peer::{
    ChannelState, CloseReason, ConnectionState, DescriptionError, Event, IceConnectionState, Kind,
    SdpType, SignalingState,
};
use pollrtc::sim::{HostId, Verdict};
use pollrtc::{dtls, peer::Description};

use super::support::{MOMENT, PATIENCE, Stage, frames, sound, transceiver, words};

/// The description with a fingerprint that nobody's certificate has.
fn forged(stage: &Stage, host: HostId, mut description: Description) -> Description {
    let real = stage.world.machine(host).fingerprint().to_string();
    let digest = real.split(' ').next_back().unwrap();
    let forged: Vec<&str> = digest.split(':').rev().collect();
    description.sdp = description.sdp.replace(digest, &forged.join(":"));
    description
}

/// WPT-137: the new peer is not the one that was promised. The connection fails, the
/// old association carries nothing any more, and nothing is delivered.
#[test]
fn wpt_137_a_wrong_fingerprint_in_the_handover_fails() {
    let mut stage = Stage::new(1);
    let [caller, first, second] = [(); 3].map(|()| stage.peer());
    stage.open(caller, "old");
    for host in [caller, first, second] {
        stage
            .call(host, |peer| peer.add_track(Kind::Audio, "track", &[]))
            .unwrap();
    }
    stage.exchange(caller, first);
    stage.connect([caller, first]);

    stage.call(caller, PeerConnection::restart_ice);
    let offer = stage.world.describe(caller).unwrap().unwrap();
    stage.world.tell(second, &offer).unwrap();
    let answer = stage.world.describe(second).unwrap().unwrap();
    let answer = forged(&stage, second, answer);
    stage.world.tell(caller, &answer).unwrap();
    stage.open(caller, "new");
    stage.take(caller);
    let from = stage.world.sockets(caller)[0];
    let sent = Rc::new(Cell::new(0));
    let count = Rc::clone(&sent);
    stage.world.set_tap(move |sighting| {
        let bytes = sighting.bytes;
        let is_media = bytes[0] >> 6 == 2;
        let is_data = bytes[0] == 23;
        if sighting.path.local == from && (is_media || is_data) {
            count.set(count.get() + 1);
        }
        Verdict::Pass
    });
    let ours = transceiver(stage.world.machine(caller), Kind::Audio);
    // The old peer goes on to speak, and so do we.
    let old = stage.channel(first, "old").unwrap();
    let id = transceiver(stage.world.machine(first), Kind::Audio);
    for round in 0..50 {
        let _ = stage.world.send(first, old, "old");
        let _ = stage.world.write_frame(first, id, "", &sound(round * 960));
        let _ = stage
            .world
            .write_frame(caller, ours, "", &sound(round * 960));
        stage.run(std::time::Duration::from_millis(20));
    }
    stage.run(PATIENCE);
    assert_eq!(sent.get(), 0);
    assert_eq!(stage.state(caller), ConnectionState::Failed);
    let told = stage.take(caller);
    let reason = CloseReason::Dtls(dtls::CloseReason::BadFingerprint);
    assert!(told.contains(&Event::Closed(reason)));
    assert!(words(&told).is_empty() && frames(&told) == 0);
    let opened = |event: &Event| matches!(event, Event::ChannelState(_, ChannelState::Open));
    assert!(!told.iter().any(opened));
    assert_eq!(stage.state(second), ConnectionState::Failed);
    assert!(!stage.take(second).iter().any(opened));
}

/// WPT-133, DTLS-050: another fingerprint with the same credentials is refused, in an answer and
/// in an offer, and the session goes on as it was.
#[test]
fn wpt_133_another_fingerprint_needs_a_restart() {
    let mut stage = Stage::new(2);
    let [caller, callee] = [(); 2].map(|()| stage.peer());
    stage.open(caller, "data");
    stage.exchange(caller, callee);
    stage.connect([caller, callee]);
    let refused = Err(DescriptionError::InvalidAccess(
        "another fingerprint without an ICE restart",
    ));
    // An offer.
    let offer = stage.world.describe(callee).unwrap().unwrap();
    let forged_offer = forged(&stage, callee, offer.clone());
    assert_eq!(stage.world.tell(caller, &forged_offer), refused);
    assert_eq!(
        stage.world.machine(caller).signaling_state(),
        SignalingState::Stable
    );
    stage.world.tell(caller, &offer).unwrap();
    let answer = stage.world.describe(caller).unwrap().unwrap();
    // An answer.
    let forged_answer = forged(&stage, caller, answer.clone());
    assert_eq!(stage.world.tell(callee, &forged_answer), refused);
    assert_eq!(
        stage.world.machine(callee).signaling_state(),
        SignalingState::HaveLocalOffer
    );
    stage.world.tell(callee, &answer).unwrap();
    for host in [caller, callee] {
        let peer = stage.world.machine(host);
        assert_eq!(peer.dtls_state(), DtlsState::Connected);
        assert!(
            peer.ice_connection_state() == IceConnectionState::Connected
                || peer.ice_connection_state() == IceConnectionState::Completed
        );
        assert_eq!(peer.stats().transport.handovers, 0);
    }
    assert!(stage.says(caller, callee, "data", "still here"));
    assert!(stage.says(callee, caller, "data", "so am I"));
}

/// The peer that was left keeps sending records under the old keys: they are counted,
/// and nothing of them is heard. So does its farewell.
#[test]
fn wpt_138_the_farewell_of_the_old_peer_disturbs_nothing() {
    let mut stage = Stage::new(3);
    let [caller, first, second] = [(); 3].map(|()| stage.peer());
    stage.open(caller, "old");
    stage.exchange(caller, first);
    stage.connect([caller, first]);
    stage.restart(caller, second);
    // While the new handshake is under way, and after it.
    stage.call(first, PeerConnection::close);
    stage.connect([caller, second]);
    stage.open(caller, "new");
    stage.run(MOMENT);
    assert!(stage.says(caller, second, "new", "undisturbed"));
    let told = stage.take(caller);
    let ended = |event: &Event| {
        matches!(
            event,
            Event::Closed(_)
                | Event::ConnectionState(ConnectionState::Closed | ConnectionState::Failed)
        )
    };
    assert!(!told.iter().any(ended), "{told:?}");
    let dropped = stage.world.machine(caller).stats().ice.dropped;
    assert!(dropped.unproved_path > 0, "{dropped:?}");
}

/// The ClientHello of the new peer comes before its answer does, while the handshake
/// with the old one has not even begun: the two have nothing to do with one another.
#[test]
fn wpt_138_a_client_hello_before_the_answer_is_not_for_the_old_handshake() {
    let mut stage = Stage::new(4);
    let [caller, first, second] = [(); 3].map(|()| stage.peer());
    stage.open(caller, "patient");
    stage.world.cut(first);
    stage.exchange(caller, first);
    stage.call(caller, PeerConnection::restart_ice);
    let offer = stage.world.describe(caller).unwrap().unwrap();
    stage.world.tell(second, &offer).unwrap();
    let answer = stage.world.describe(second).unwrap().unwrap();
    stage.run(MOMENT);
    let peer = stage.world.machine(caller);
    assert_eq!(peer.dtls_state(), DtlsState::New);
    assert!(peer.stats().ice.dropped.stranger > 0);
    stage.world.tell(caller, &answer).unwrap();
    stage.connect([caller, second]);
    assert!(stage.says(caller, second, "patient", "in time"));
}

/// The old peer hangs up while the new one has not answered yet, and the session waits
/// for the answer.
#[test]
fn wpt_138_the_old_peer_leaves_before_the_new_one_answers() {
    let mut stage = Stage::new(5);
    let [caller, first, second] = [(); 3].map(|()| stage.peer());
    stage.open(caller, "old");
    stage.exchange(caller, first);
    stage.connect([caller, first]);
    stage.call(caller, PeerConnection::restart_ice);
    let offer = stage.world.describe(caller).unwrap().unwrap();
    stage.call(first, PeerConnection::close);
    stage.run(MOMENT);
    assert!(stage.channel(caller, "old").is_none());
    stage.world.tell(second, &offer).unwrap();
    let answer = stage.world.describe(second).unwrap().unwrap();
    stage.world.tell(caller, &answer).unwrap();
    stage.connect([caller, second]);
    stage.open(caller, "new");
    stage.run(MOMENT);
    assert!(stage.says(caller, second, "new", "welcome"));
}

/// Nobody follows: the restart is taken back, and with it goes the last hope.
#[test]
fn a_peer_that_left_and_that_nobody_follows_was_the_last_one() {
    let mut stage = Stage::new(6);
    let [caller, first] = [(); 2].map(|()| stage.peer());
    stage.open(caller, "old");
    stage.exchange(caller, first);
    stage.connect([caller, first]);
    stage.call(caller, PeerConnection::restart_ice);
    stage.world.describe(caller).unwrap();
    stage.call(first, PeerConnection::close);
    stage.run(MOMENT);
    let told = stage.take(caller);
    assert!(!told.iter().any(|event| matches!(event, Event::Closed(_))));
    let rollback = Description {
        kind: SdpType::Rollback,
        sdp: String::new(),
    };
    stage
        .call(caller, |peer| peer.set_local_description(Some(&rollback)))
        .unwrap();
    stage.run(MOMENT);
    let reason = CloseReason::Dtls(dtls::CloseReason::ByPeer);
    assert!(stage.take(caller).contains(&Event::Closed(reason)));
    assert_eq!(stage.state(caller), ConnectionState::Closed);
}

/// A page that is loaded again: another certificate at the same address.
#[test]
fn wpt_138_another_peer_at_the_same_address() {
    for seed in 0..8 {
        let mut stage = Stage::new(seed);
        let [caller, callee] = [(); 2].map(|()| stage.peer());
        stage.open(caller, "old");
        stage.exchange(caller, callee);
        // From "not even ICE has begun" to "all is well".
        stage.run(std::time::Duration::from_millis(seed * 30));
        stage.reload(callee);
        if seed % 2 == 0 {
            stage.restart(caller, callee);
        } else {
            stage.open(callee, "theirs");
            stage.exchange(callee, caller);
        }
        stage.connect([caller, callee]);
        stage.open(caller, "new");
        stage.run(MOMENT);
        assert!(stage.says(caller, callee, "new", "again"), "seed {seed}");
        assert!(stage.says(callee, caller, "new", "hello"), "seed {seed}");
    }
}
