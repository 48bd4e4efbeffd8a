//! Two connections that know of each other.

use std::net::SocketAddr;

use pollrtc::PeerConnection;
use pollrtc::peer::{ChannelConfig, Config, Kind};
use pollrtc::rng::Rng;

use super::laws::path_of;

/// Two connections that have exchanged descriptions and want a channel, sound and
/// pictures. Every other pair has come about by a handover.
pub fn pair(seed: u64) -> [PeerConnection; 2] {
    let mut rng = Rng::from_number(seed);
    let [mut offerer, mut answerer, mut left] =
        [0, 1, 1].map(|side| peer(path_of(side).local, &mut rng));
    offerer
        .create_data_channel("law", ChannelConfig::default())
        .expect("there is room for a channel");
    if seed % 2 == 1 {
        describe(&mut offerer, &mut left);
        describe(&mut left, &mut offerer);
        offerer.restart_ice();
    }
    describe(&mut offerer, &mut answerer);
    describe(&mut answerer, &mut offerer);
    [offerer, answerer]
}

fn peer(address: SocketAddr, rng: &mut Rng) -> PeerConnection {
    let mut peer =
        PeerConnection::new(Config::new(), rng).expect("the default configuration is valid");
    peer.add_local_address(address)
        .expect("there is room for an address");
    for kind in [Kind::Audio, Kind::Video] {
        peer.add_track(kind, "law", &[])
            .expect("there is room for a transceiver");
    }
    peer
}

/// Lets `from` make the description that is due, and `to` take it.
fn describe(from: &mut PeerConnection, to: &mut PeerConnection) {
    from.set_local_description(None)
        .expect("a description is due");
    let description = from.local_description().expect("it was just made");
    to.set_remote_description(&description)
        .expect("it is a good one");
}
