//! Connections alone and in pairs, and what they tell, in words.

use std::time::Duration;

use pollrtc::PeerConnection;
use pollrtc::peer::{
    ChannelConfig, Config, Description, DescriptionError, Event, Kind, SdpType, TransceiverId,
};
use pollrtc::rng::Rng;
use pollrtc::sim::{HostId, Link, World};

/// Who offers first, and who answers.
pub(crate) const ALICE: usize = 0;
pub(crate) const BOB: usize = 1;

/// A connection that nobody is connected to, with an address.
pub(crate) fn alone() -> PeerConnection {
    alone_with(Config::new())
}

pub(crate) fn alone_with(config: Config) -> PeerConnection {
    let mut peer = PeerConnection::new(config, &mut Rng::from_number(7)).unwrap();
    peer.add_local_address(([192, 0, 2, 7], 7000).into())
        .unwrap();
    peer
}

/// One that wants a data channel, and has told so.
pub(crate) fn with_channel() -> PeerConnection {
    let mut peer = alone();
    peer.create_data_channel("x", ChannelConfig::default())
        .unwrap();
    story(&mut peer);
    peer
}

/// Gives the description that is due and was set.
pub(crate) fn describe(peer: &mut PeerConnection) -> Description {
    peer.set_local_description(None).unwrap();
    peer.local_description().unwrap()
}

/// An exchange that `a` offers, without a network.
pub(crate) fn exchange(a: &mut PeerConnection, b: &mut PeerConnection) {
    let offer = describe(a);
    b.set_remote_description(&offer).unwrap();
    let answer = describe(b);
    a.set_remote_description(&answer).unwrap();
}

pub(crate) fn rollback() -> Description {
    of_kind(SdpType::Rollback, "")
}

pub(crate) fn of_kind(kind: SdpType, sdp: &str) -> Description {
    Description {
        kind,
        sdp: sdp.to_string(),
    }
}

/// What a connection has told since it was last asked, in words.
pub(crate) fn story(peer: &mut PeerConnection) -> Vec<String> {
    let told = std::iter::from_fn(|| peer.poll_event());
    told.filter_map(|event| words(&event)).collect()
}

fn words(event: &Event) -> Option<String> {
    Some(match event {
        Event::NegotiationNeeded => "negotiation needed".to_string(),
        Event::SignalingState(state) => format!("signaling {state}"),
        Event::IceGatheringState(state) => format!("gathering {state}"),
        Event::IceConnectionState(state) => format!("ice {state}"),
        Event::ConnectionState(state) => format!("connection {state}"),
        Event::IceCandidate(Some(_)) => "candidate".to_string(),
        Event::IceCandidate(None) => "end of candidates".to_string(),
        Event::Track(id) => format!("track of {id}"),
        Event::TrackEnded(id) => format!("track of {id} ended"),
        Event::DataChannel(id) => format!("{id} of the peer"),
        Event::ChannelState(id, state) => format!("{id} {state:?}").to_lowercase(),
        Event::Closed(reason) => reason.to_string(),
        _ => return None,
    })
}

/// Only what is about offers and answers.
pub(crate) fn signaling_of(story: &[String]) -> Vec<&str> {
    let about = |line: &&str| line.starts_with("signaling") || line.starts_with("negotiation");
    story.iter().map(String::as_str).filter(about).collect()
}

/// Two connections over a link of the simulator.
pub(crate) struct Pair {
    pub(crate) world: World<PeerConnection>,
    pub(crate) hosts: [HostId; 2],
    events: [Vec<Event>; 2],
}

impl Pair {
    pub(crate) fn new() -> Self {
        Self::with(Config::new(), Config::new())
    }

    pub(crate) fn with(alice: Config, bob: Config) -> Self {
        let link = Link::with_delay(Duration::from_millis(10));
        let (world, hosts) = World::pair_of(1, link, [alice, bob]);
        Self {
            world,
            hosts,
            events: [Vec::new(), Vec::new()],
        }
    }

    /// The same, without anybody who compares what comes with what `World` was asked
    /// to send.
    pub(crate) fn unwatched(alice: Config, bob: Config) -> Self {
        let mut world = World::new(1).with_links(Link::with_delay(Duration::from_millis(10)));
        let hosts = [
            ("L", ([192, 0, 2, 1], 4000), alice),
            ("R", ([198, 51, 100, 2], 5000), bob),
        ]
        .map(|(name, address, config)| world.add_peer(name, address.into(), config));
        Self {
            world,
            hosts,
            events: [Vec::new(), Vec::new()],
        }
    }

    /// Two that have exchanged descriptions for a data channel and are connected.
    pub(crate) fn connected() -> Self {
        let mut pair = Self::new();
        pair.call(ALICE, |pc| {
            pc.create_data_channel("x", ChannelConfig::default())
        })
        .unwrap();
        pair.negotiate(ALICE);
        assert!(pair.is_connected());
        pair.story(ALICE);
        pair.story(BOB);
        pair
    }

    pub(crate) fn call<R>(&mut self, side: usize, act: impl FnOnce(&mut PeerConnection) -> R) -> R {
        self.world.with(self.hosts[side], |pc, _| act(pc))
    }

    pub(crate) fn machine(&self, side: usize) -> &PeerConnection {
        self.world.machine(self.hosts[side])
    }

    /// Lets a side make and set the description that is due.
    pub(crate) fn describe(&mut self, side: usize) -> Description {
        self.world.describe(self.hosts[side]).unwrap().unwrap()
    }

    pub(crate) fn tell(&mut self, side: usize, what: &Description) -> Result<(), DescriptionError> {
        self.world.tell(self.hosts[side], what)
    }

    /// `side` offers, the other answers, and all that follows is waited for.
    pub(crate) fn negotiate(&mut self, side: usize) {
        let offer = self.describe(side);
        self.tell(1 - side, &offer).unwrap();
        let answer = self.describe(1 - side);
        self.tell(side, &answer).unwrap();
        self.run(Duration::from_secs(2));
    }

    pub(crate) fn is_connected(&self) -> bool {
        self.hosts.iter().all(|&host| self.world.is_connected(host))
    }

    /// Lets the world go on for a while and collects what is told.
    pub(crate) fn run(&mut self, time: Duration) {
        self.world.run_for(time);
        for side in [ALICE, BOB] {
            let host = self.hosts[side];
            let told: Vec<_> = std::iter::from_fn(|| self.world.next_event(host)).collect();
            self.events[side].extend(told);
        }
    }

    /// What was told since it was last asked for.
    pub(crate) fn take_events(&mut self, side: usize) -> Vec<Event> {
        self.run(Duration::ZERO);
        core::mem::take(&mut self.events[side])
    }

    /// The same in words.
    pub(crate) fn story(&mut self, side: usize) -> Vec<String> {
        self.take_events(side).iter().filter_map(words).collect()
    }

    /// The first transceiver of a kind.
    pub(crate) fn transceiver(&self, side: usize, kind: Kind) -> TransceiverId {
        let mut all = self.machine(side).transceivers();
        all.find(|one| one.kind() == kind).unwrap().id()
    }
}
