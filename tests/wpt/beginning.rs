//! New connections, and what they refuse.

use pollrtc::PeerConnection;
use pollrtc::peer::{
    Config, ConnectionState, Direction, IceConnectionState, IceGatheringState, Kind,
    SignalingState, TransceiverInit,
};
use pollrtc::rng::Rng;

use super::support::alone;

#[test]
fn wpt_001_everything_begins_at_the_beginning() {
    let peer = PeerConnection::new(Config::new(), &mut Rng::from_number(1)).unwrap();
    assert_eq!(peer.signaling_state(), SignalingState::Stable);
    assert_eq!(peer.ice_gathering_state(), IceGatheringState::New);
    assert_eq!(peer.ice_connection_state(), IceConnectionState::New);
    assert_eq!(peer.connection_state(), ConnectionState::New);
    assert_eq!(peer.local_description(), None);
    assert_eq!(peer.remote_description(), None);
    assert_eq!(peer.can_trickle_ice_candidates(), None);
}

#[test]
fn wpt_042_no_transceivers_at_first() {
    let mut peer = alone();
    assert_eq!(peer.transceivers().count(), 0);
    peer.add_transceiver(Kind::Audio, TransceiverInit::default())
        .unwrap();
    assert_eq!(peer.transceivers().count(), 1);
    let only = peer.transceivers().next().unwrap();
    assert_eq!(only.direction(), Direction::SendRecv);
}
