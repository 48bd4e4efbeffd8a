//! Two connections in a small world, and what their applications were told.

use std::time::Duration;

use pollrtc::PeerConnection;
use pollrtc::peer::{
    ChannelConfig, ChannelId, Config, Data, Description, Direction, Event, Kind, MediaFrame,
    SdpType, SendError, TransceiverId, TransceiverInit,
};
use pollrtc::rng::Rng;
use pollrtc::sim::{HostId, Link, World};

/// Who offers first, and who answers.
pub(crate) const PC1: usize = 0;
pub(crate) const PC2: usize = 1;

pub(crate) struct Pair {
    pub(crate) world: World<PeerConnection>,
    pub(crate) hosts: [HostId; 2],
    pub(crate) events: [Vec<Event>; 2],
}

impl Pair {
    pub(crate) fn new() -> Self {
        Self::with_configs(Config::new(), Config::new())
    }

    pub(crate) fn with_configs(pc1: Config, pc2: Config) -> Self {
        let link = Link::with_delay(Duration::from_millis(10));
        let mut world = World::new(1).with_links(link);
        let mut add =
            |name, address: &str, config| world.add_peer(name, address.parse().unwrap(), config);
        let hosts = [
            add("pc1", "192.0.2.1:1000", pc1),
            add("pc2", "192.0.2.2:2000", pc2),
        ];
        Self {
            world,
            hosts,
            events: [Vec::new(), Vec::new()],
        }
    }

    /// Both ends of a channel that is open.
    pub(crate) fn with_channel(config: ChannelConfig) -> (Self, [ChannelId; 2]) {
        let mut pair = Self::new();
        let ours = pair.open("channel", config);
        pair.negotiate();
        pair.run();
        let [theirs] = pair.incoming(PC2)[..] else {
            panic!("pc2 was told {:?}", pair.events[PC2])
        };
        (pair, [ours, theirs])
    }

    pub(crate) fn machine(&self, side: usize) -> &PeerConnection {
        self.world.machine(self.hosts[side])
    }

    pub(crate) fn with<R>(&mut self, side: usize, act: impl FnOnce(&mut PeerConnection) -> R) -> R {
        self.world.with(self.hosts[side], |pc, _| act(pc))
    }

    pub(crate) fn open(&mut self, label: &str, config: ChannelConfig) -> ChannelId {
        self.with(PC1, |pc| pc.create_data_channel(label, config))
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

    pub(crate) fn add(&mut self, side: usize, kind: Kind, direction: Direction) -> TransceiverId {
        let init = TransceiverInit {
            direction,
            ..TransceiverInit::default()
        };
        self.with(side, |pc| pc.add_transceiver(kind, init))
            .unwrap()
    }

    /// The first transceiver of a kind.
    pub(crate) fn transceiver(&self, side: usize, kind: Kind) -> TransceiverId {
        let mut all = self.machine(side).transceivers();
        all.find(|one| one.kind() == kind).unwrap().id()
    }

    pub(crate) fn write(&mut self, side: usize, id: TransceiverId, rid: &str, frame: &MediaFrame) {
        self.world
            .with(self.hosts[side], |pc, now| {
                pc.write_encoding(now, id, rid, frame)
            })
            .unwrap();
    }

    pub(crate) fn negotiate(&mut self) {
        self.world
            .negotiate(self.hosts[PC1], self.hosts[PC2])
            .unwrap();
    }

    /// Lets the world go on for three seconds and collects what is told.
    pub(crate) fn run(&mut self) {
        self.run_for(Duration::from_secs(3));
    }

    pub(crate) fn run_for(&mut self, time: Duration) {
        self.world.run_for(time);
        for (events, &host) in self.events.iter_mut().zip(&self.hosts) {
            events.extend(std::iter::from_fn(|| self.world.next_event(host)));
        }
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

/// A picture that a VP8 depacketizer takes for a key frame, or for one that is none.
pub(crate) fn picture(timestamp: u32, is_key: bool, len: usize) -> MediaFrame {
    let mut data = vec![timestamp.to_be_bytes()[2]; len];
    data[..10].copy_from_slice(&[0x10, 0, 0, 0x9d, 0x01, 0x2a, 64, 0, 64, 0]);
    data[0] |= u8::from(!is_key);
    MediaFrame::new(timestamp, data.into())
}

/// A piece of sound.
pub(crate) fn sound(timestamp: u32) -> MediaFrame {
    MediaFrame::new(timestamp, vec![timestamp.to_be_bytes()[2]; 40].into())
}
