//! Two connections at their places, the post between them, and what they say.

use std::time::Duration;

use pollrtc::PeerConnection;
use pollrtc::ice::{IceState, TransportPolicy};
use pollrtc::peer::{ChannelConfig, ChannelId, ChannelState, Config, Event};
use pollrtc::sim::invariants::{self, RelaysOnly};
use pollrtc::sim::{Fact, HostId, Link, Realm, World, trace};

use crate::place::{
    Help, Place, SERVER, add_server, address, good_link, millis, secs, settle, wall_in,
};

/// Two connections; each is told of the other's candidates as they are found, and
/// whoever needs a negotiation offers.
pub(crate) struct Peers {
    pub(crate) world: World<PeerConnection>,
    pub(crate) hosts: [HostId; 2],
    server: HostId,
    pub(crate) realms: [Realm; 2],
    /// The channel, as each side calls it.
    channels: [Option<ChannelId>; 2],
    /// How many messages each side has sent.
    pub(crate) said: usize,
    /// How many came to each side.
    pub(crate) heard: [usize; 2],
    /// The states of ICE that each side was told.
    pub(crate) states: [Vec<IceState>; 2],
}

impl Peers {
    pub(crate) fn new(seed: u64, link: Link, places: [Place; 2], help: Help) -> Self {
        Self::with_policy(seed, link, places, help, TransportPolicy::All)
    }

    pub(crate) fn with_policy(
        seed: u64,
        link: Link,
        places: [Place; 2],
        help: Help,
        policy: TransportPolicy,
    ) -> Self {
        let mut world = World::new(seed).with_links(link);
        let server = add_server(&mut world);
        let mut realms = [Realm::INTERNET; 2];
        let hosts = [0, 1].map(|side| {
            let (realm, local) = settle(&mut world, side, places[side], realms[0]);
            realms[side] = realm;
            let mut config = Config::new();
            config.ice.servers = help.servers();
            config.ice.policy = policy;
            let host = world.add_peer_in(realm, ["L", "R"][side], &[local], config);
            wall_in(&mut world, host, places[side]);
            world.note(host, Fact::Server(address(SERVER)));
            host
        });
        world.watch(invariants::of_pair(hosts));
        if policy == TransportPolicy::Relay {
            world.watch(vec![Box::new(RelaysOnly::default())]);
        }
        world
            .open(hosts[0], "talk", ChannelConfig::default())
            .expect("there is room");
        Self {
            world,
            hosts,
            server,
            realms,
            channels: [None; 2],
            said: 0,
            heard: [0; 2],
            states: [Vec::new(), Vec::new()],
        }
    }

    /// Runs, with the post, until `condition` holds: `false` if it takes longer.
    pub(crate) fn run_until(&mut self, limit: Duration, condition: impl Fn(&Self) -> bool) -> bool {
        let end = self.world.now() + limit;
        loop {
            self.listen();
            if condition(self) {
                return true;
            }
            if self.world.now() > end || !self.world.step() {
                return false;
            }
        }
    }

    pub(crate) fn run_for(&mut self, time: Duration) {
        // Something always happens while there is consent to keep fresh.
        self.run_until(time, |_| false);
    }

    /// Runs until the channel is open on both sides.
    pub(crate) fn open(&mut self) -> bool {
        self.run_until(secs(60), |peers| peers.channels.iter().all(Option::is_some))
    }

    pub(crate) fn say(&mut self, side: usize, text: &str) {
        let channel = self.channels[side].expect("the channel is open");
        self.world
            .send(self.hosts[side], channel, text)
            .expect("there is room");
    }

    /// Both sides say something each 50 ms, for so long.
    pub(crate) fn talk(&mut self, time: Duration) {
        let end = self.world.now() + time;
        while self.world.now() < end {
            for side in 0..2 {
                let number = self.world.now().to_string();
                self.say(side, &number);
            }
            self.said += 1;
            self.run_for(millis(50));
        }
    }

    /// Ends the run: nothing may be missing.
    pub(crate) fn finish(&mut self) {
        let [left, right] = self.hosts;
        for host in self.hosts {
            self.world.set_links(host, self.server, good_link());
        }
        self.world.set_links(left, right, good_link());
        self.world.set_links(self.server, self.server, good_link());
        self.run_for(secs(20));
        self.world.finish();
    }

    pub(crate) fn story(&self) -> String {
        trace::tail(self.world.ledger(), 150)
    }

    fn listen(&mut self) {
        for side in 0..2 {
            while let Some(event) = self.world.next_event(self.hosts[side]) {
                self.on_event(side, event);
            }
        }
    }

    fn on_event(&mut self, side: usize, event: Event) {
        let (host, peer) = (self.hosts[side], self.hosts[1 - side]);
        match event {
            Event::NegotiationNeeded => self.world.negotiate_by_post(host, peer, POST),
            Event::IceCandidate(candidate) => self.world.after(POST, move |world| {
                // One of an older generation is late.
                let _ = world.trickle(peer, candidate.as_ref());
            }),
            Event::ChannelState(id, ChannelState::Open) => self.channels[side] = Some(id),
            Event::Message(..) => self.heard[side] += 1,
            Event::IceConnectionState(state) => self.states[side].push(state),
            Event::Closed(reason) => panic!("{reason}\n{}", self.story()),
            _ => {}
        }
    }
}

/// How long the post takes.
const POST: Duration = millis(50);
