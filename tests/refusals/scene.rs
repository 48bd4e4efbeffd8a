//! A connection, and what can be seen of it.

use std::sync::Arc;

use pollrtc::PeerConnection;
use pollrtc::crypto::fake;
use pollrtc::peer::{ChannelConfig, Config, Description, Kind, SdpType};
use pollrtc::rng::Rng;
use pollrtc::time::Instant;

/// A connection with one address, whose events are taken.
pub(crate) fn peer(seed: u64) -> PeerConnection {
    let config = Config::with_provider(&fake::PROVIDER);
    let mut rng = Rng::from_number(seed);
    let mut peer = PeerConnection::new(Arc::new(config), &mut rng).expect("it is valid");
    let address = ([192, 0, 2, u8::try_from(seed).unwrap_or(1)], 4000);
    peer.add_local_address(address.into())
        .expect("there is room");
    quiet(&mut peer);
    peer
}

/// The same with sound, pictures and a channel.
pub(crate) fn rich(seed: u64) -> PeerConnection {
    let mut peer = peer(seed);
    for kind in [Kind::Audio, Kind::Video] {
        let track = format!("{kind}-track");
        peer.add_track(kind, &track, &["stream"])
            .expect("there is room");
    }
    let opened = peer.create_data_channel("channel", ChannelConfig::default());
    opened.expect("there is room");
    quiet(&mut peer);
    peer
}

/// Takes all that it says and sends; how much that was.
pub(crate) fn quiet(peer: &mut PeerConnection) -> usize {
    let mut buf = Vec::new();
    let mut total = 0;
    // A farewell that has nothing to send is over once that was asked.
    let mut idle = 0;
    while idle < 2 {
        let events = std::iter::from_fn(|| peer.poll_event()).count();
        let sent = std::iter::from_fn(|| peer.poll_transmit(Instant::ZERO, 1, &mut buf)).count();
        idle = if events + sent == 0 { idle + 1 } else { 0 };
        total += events + sent;
    }
    total
}

/// All of it that the application can see.
pub(crate) fn seen(peer: &PeerConnection) -> impl PartialEq + std::fmt::Debug + use<> {
    let descriptions = [
        peer.current_local_description(),
        peer.pending_local_description(),
        peer.current_remote_description(),
        peer.pending_remote_description(),
    ];
    let states = (
        peer.signaling_state(),
        peer.ice_gathering_state(),
        peer.ice_connection_state(),
        peer.connection_state(),
    );
    let transceivers: Vec<_> = peer.transceivers().cloned().collect();
    let channels: Vec<_> = peer.channels().collect();
    let candidates: Vec<_> = peer.ice().local_candidates().cloned().collect();
    let senders = transceivers.iter().map(|one| {
        (
            peer.send_parameters(one.id()),
            peer.header_extensions(one.id()),
        )
    });
    (
        descriptions,
        states,
        senders.collect::<Vec<_>>(),
        transceivers.clone(),
        channels,
        candidates,
        format!("{:?}", peer.configuration()),
        peer.poll_timeout(),
    )
}

pub(crate) fn offer(sdp: &str) -> Description {
    Description {
        kind: SdpType::Offer,
        sdp: sdp.to_string(),
    }
}

/// Compares with a file that was looked at.
pub(crate) fn compare_golden(name: &str, text: &str) {
    let path = format!("tests/golden/sdp/{name}.txt");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, text).expect("a writable golden file");
    }
    let golden = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(
        text, golden,
        "{path} differs; look at it, then run with UPDATE_GOLDEN=1"
    );
}
