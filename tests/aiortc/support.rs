//! Two connections in a small world, and what their applications were told.

use std::time::Duration;

use pollrtc::PeerConnection;
use pollrtc::peer::{
    ChannelConfig, ChannelId, Config, Data, Description, Event, SdpType, SendError,
};
use pollrtc::rng::Rng;

/// The first one offers.
pub(crate) use super::pair::{ALICE as PC1, BOB as PC2, Pair, picture, sound};

impl Pair {
    /// Both ends of a channel that is open.
    pub(crate) fn with_channel(config: ChannelConfig) -> (Self, [ChannelId; 2]) {
        let mut pair = Self::new();
        let ours = pair.open("channel", config);
        pair.exchange();
        pair.wait();
        let [theirs] = pair.incoming(PC2)[..] else {
            panic!("pc2 was told {:?}", pair.events[PC2])
        };
        (pair, [ours, theirs])
    }

    pub(crate) fn open(&mut self, label: &str, config: ChannelConfig) -> ChannelId {
        self.call(PC1, |pc| pc.create_data_channel(label, config))
            .unwrap()
    }

    pub(crate) fn send(
        &mut self,
        side: usize,
        channel: ChannelId,
        data: impl Into<Data>,
    ) -> Result<(), SendError> {
        self.world
            .with(self.hosts[side], |pc, now| pc.send(now, channel, data))
    }

    /// The first one offers, the other answers, and nothing follows yet.
    pub(crate) fn exchange(&mut self) {
        self.world
            .negotiate(self.hosts[PC1], self.hosts[PC2])
            .unwrap();
    }

    /// Lets the world go on for three seconds and collects what is told.
    pub(crate) fn wait(&mut self) {
        self.run(Duration::from_secs(3));
    }

    /// The channels that the other side opened.
    pub(crate) fn incoming(&self, side: usize) -> Vec<ChannelId> {
        let opened = self.events[side].iter().filter_map(|event| match event {
            Event::DataChannel(id) => Some(*id),
            _ => None,
        });
        opened.collect()
    }

    pub(crate) fn messages(&self, side: usize) -> Vec<Data> {
        let messages = self.events[side].iter().filter_map(|event| match event {
            Event::Message(_, data) => Some(data.clone()),
            _ => None,
        });
        messages.collect()
    }

    /// The frames that came so far, each with the name of its encoding.
    pub(crate) fn frames(&self, side: usize) -> Vec<(String, usize)> {
        let frames = self.events[side].iter().filter_map(|event| match event {
            Event::Frame { rid, frame, .. } => Some((rid.to_string(), frame.data.len())),
            _ => None,
        });
        frames.collect()
    }

    pub(crate) fn was_told(&self, side: usize, event: &Event) -> bool {
        self.events[side].contains(event)
    }
}

/// A connection with an address, and no peer.
pub(crate) fn alone(config: Config) -> PeerConnection {
    let mut pc = PeerConnection::new(config, &mut Rng::from_number(1)).unwrap();
    pc.add_local_address("192.0.2.9:9000".parse().unwrap())
        .unwrap();
    pc
}

/// A description of a peer's.
pub(crate) fn offer(sdp: &str) -> Description {
    Description {
        kind: SdpType::Offer,
        sdp: sdp.into(),
    }
}

/// What another stack once wrote.
pub(crate) fn interop(name: &str) -> String {
    std::fs::read_to_string(format!("tests/vectors/sdp/interop/{name}.sdp")).unwrap()
}
