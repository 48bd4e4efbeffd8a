//! Two connections that know of each other.

use pollrtc::PeerConnection;
use pollrtc::peer::{ChannelConfig, Config, Kind};
use pollrtc::rng::Rng;

use super::laws::path_of;

/// Two connections that have exchanged descriptions and want a channel, sound and
/// pictures.
pub fn pair(seed: u64) -> [PeerConnection; 2] {
    let mut rng = Rng::from_number(seed);
    let mut peers = [0, 1].map(|side| {
        let mut peer = PeerConnection::new(Config::new(), &mut rng)
            .expect("the default configuration is valid");
        peer.add_local_address(path_of(side).local)
            .expect("there is room for an address");
        peer
    });
    for peer in &mut peers {
        for kind in [Kind::Audio, Kind::Video] {
            peer.add_track(kind, "law", &[])
                .expect("there is room for a transceiver");
        }
    }
    let [offerer, answerer] = &mut peers;
    offerer
        .create_data_channel("law", ChannelConfig::default())
        .expect("there is room for a channel");
    describe(offerer, answerer);
    describe(answerer, offerer);
    peers
}

/// Lets `from` make the description that is due, and `to` take it.
fn describe(from: &mut PeerConnection, to: &mut PeerConnection) {
    from.set_local_description(None)
        .expect("a description is due");
    let description = from.local_description().expect("it was just made");
    to.set_remote_description(&description)
        .expect("it is a good one");
}
