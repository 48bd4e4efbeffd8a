//! Any number of connections, what they were told, and what they have heard.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use pollrtc::PeerConnection;
use pollrtc::peer::{
    ChannelConfig, ChannelId, ChannelState, Config, ConnectionState, Data, Event, Kind, MediaFrame,
    TransceiverId,
};
use pollrtc::sim::invariants::{AggregateState, Descriptions, SilentWhenClosed};
use pollrtc::sim::{HostId, Link, World};

pub(crate) const PATIENCE: Duration = Duration::from_secs(20);
pub(crate) const MOMENT: Duration = Duration::from_secs(1);

pub(crate) struct Stage {
    pub(crate) world: World<PeerConnection>,
    pub(crate) told: BTreeMap<HostId, Vec<Event>>,
}

impl Stage {
    pub(crate) fn new(seed: u64) -> Self {
        Self::with_link(seed, Link::with_delay(Duration::from_millis(20)))
    }

    pub(crate) fn with_link(seed: u64, link: Link) -> Self {
        let world = World::new(seed)
            .with_links(link)
            .watched_by(AggregateState)
            .watched_by(Descriptions::default())
            .watched_by(SilentWhenClosed::default());
        Self {
            world,
            told: BTreeMap::new(),
        }
    }

    /// One more connection, with an address of its own.
    pub(crate) fn peer(&mut self) -> HostId {
        self.peer_with(Config::new(), 1)
    }

    /// The same, with so many sockets: each transport between two hosts takes one.
    pub(crate) fn peer_with(&mut self, config: Config, sockets: u16) -> HostId {
        let number = u8::try_from(self.told.len() + 1).expect("a small stage");
        let address = |socket| SocketAddr::from(([192, 0, 2, number], 4000 + socket));
        let addresses: Vec<_> = (0..sockets).map(address).collect();
        let name = format!("peer {number}");
        let mut rng = self.world.fork_rng();
        let mut peer = PeerConnection::new(config, &mut rng).expect("a good configuration");
        peer.add_local_address(address(0)).expect("room for one");
        for spare in &addresses[1..] {
            peer.add_spare_address(*spare).expect("room for some");
        }
        let host = self.world.add(&name, &addresses, peer);
        self.told.insert(host, Vec::new());
        host
    }

    /// Another connection in the place of one, which has no time for a farewell.
    pub(crate) fn reload(&mut self, host: HostId) {
        let address = self.world.sockets(host)[0];
        let mut rng = self.world.fork_rng();
        let mut fresh = PeerConnection::new(Config::new(), &mut rng).expect("a good configuration");
        fresh.add_local_address(address).expect("room for one");
        *self.world.machine_mut(host) = fresh;
    }

    /// `from` offers and `to` answers, at once.
    pub(crate) fn exchange(&mut self, from: HostId, to: HostId) {
        self.world
            .negotiate(from, to)
            .expect("the descriptions are good");
    }

    /// The same, with other credentials of ICE.
    pub(crate) fn restart(&mut self, from: HostId, to: HostId) {
        self.call(from, PeerConnection::restart_ice);
        self.exchange(from, to);
    }

    pub(crate) fn call<R>(
        &mut self,
        host: HostId,
        act: impl FnOnce(&mut PeerConnection) -> R,
    ) -> R {
        self.world.with(host, |peer, _| act(peer))
    }

    pub(crate) fn open(&mut self, host: HostId, label: &str) -> ChannelId {
        self.world
            .open(host, label, ChannelConfig::default())
            .expect("there is room for a channel")
    }

    /// Lets the world go on and collects what is told.
    pub(crate) fn run(&mut self, time: Duration) {
        self.world.run_for(time);
        self.listen();
    }

    pub(crate) fn connect(&mut self, hosts: [HostId; 2]) {
        let done = self.world.connect(hosts, PATIENCE);
        assert!(done, "{hosts:?} do not come together");
        self.run(MOMENT);
    }

    fn listen(&mut self) {
        for (&host, told) in &mut self.told {
            told.extend(std::iter::from_fn(|| self.world.next_event(host)));
        }
    }

    /// What was told since the last time.
    pub(crate) fn take(&mut self, host: HostId) -> Vec<Event> {
        self.listen();
        std::mem::take(self.told.entry(host).or_default())
    }

    pub(crate) fn state(&self, host: HostId) -> ConnectionState {
        self.world.machine(host).connection_state()
    }

    /// The channel with this label that is open.
    pub(crate) fn channel(&self, host: HostId, label: &str) -> Option<ChannelId> {
        let peer = self.world.machine(host);
        let mut open = peer.channels().filter(|id| {
            peer.channel(*id)
                .is_some_and(|info| info.label == label && info.state == ChannelState::Open)
        });
        open.next()
    }

    /// Sends a word by the channel with this label, and says whether it came, alone.
    pub(crate) fn says(&mut self, from: HostId, to: HostId, label: &str, word: &str) -> bool {
        let channel = self.channel(from, label).expect("an open channel");
        self.take(to);
        self.world
            .send(from, channel, word)
            .expect("the channel is open and has room");
        self.run(MOMENT);
        words(&self.take(to)) == [word]
    }
}

/// The texts among what was told.
pub(crate) fn words(told: &[Event]) -> Vec<String> {
    let texts = told.iter().filter_map(|event| match event {
        Event::Message(_, Data::Text(text)) => Some(text.to_string()),
        _ => None,
    });
    texts.collect()
}

/// How often a frame came.
pub(crate) fn frames(told: &[Event]) -> usize {
    let is_frame = |event: &&Event| matches!(event, Event::Frame { .. });
    told.iter().filter(is_frame).count()
}

/// The states of the connection that were told.
pub(crate) fn states(told: &[Event]) -> Vec<ConnectionState> {
    let states = told.iter().filter_map(|event| match event {
        Event::ConnectionState(state) => Some(*state),
        _ => None,
    });
    states.collect()
}

/// The one transceiver of a kind.
pub(crate) fn transceiver(peer: &PeerConnection, kind: Kind) -> TransceiverId {
    let mut all = peer.transceivers();
    all.find(|one| one.kind() == kind)
        .expect("there is one")
        .id()
}

/// A picture that VP8 depacketizers take for a key frame.
pub(crate) fn picture(timestamp: u32, len: usize) -> MediaFrame {
    let mut data = vec![timestamp.to_be_bytes()[2]; len];
    data[..10].copy_from_slice(&[0x10, 0, 0, 0x9d, 0x01, 0x2a, 64, 0, 64, 0]);
    MediaFrame::new(timestamp, data.into())
}

pub(crate) fn sound(timestamp: u32) -> MediaFrame {
    MediaFrame::new(timestamp, Bytes::from(vec![timestamp.to_be_bytes()[2]; 40]))
}
