//! Two connections of which one cannot bundle, and what they say.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use pollrtc::PeerConnection;
use pollrtc::jsep::BundlePolicy;
use pollrtc::peer::{
    ChannelConfig, ChannelId, ChannelState, Config, ConnectionState, Data, Description,
    DescriptionError, Direction, Event, Kind, MediaFrame, TransceiverId, TransceiverInit,
};
use pollrtc::sim::{Fact, HostId, Link, Realm, World, invariants, trace};

pub(crate) const LEFT: usize = 0;
pub(crate) const RIGHT: usize = 1;

/// Where the STUN and TURN server is.
pub(crate) const SERVER: &str = "203.0.113.1:3478";

pub(crate) fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

pub(crate) fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

pub(crate) fn address(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

/// The default, and how transports are to be shared.
pub(crate) fn config(policy: BundlePolicy) -> Config {
    Config {
        bundle_policy: policy,
        ..Config::new()
    }
}

/// A side: where it is, and its sockets, the first of which is for all transports.
pub(crate) struct Place {
    pub(crate) realm: Realm,
    pub(crate) sockets: Vec<SocketAddr>,
    pub(crate) config: Config,
}

impl Place {
    /// On the Internet, with so many sockets.
    pub(crate) fn open(ip: &str, sockets: u16, config: Config) -> Self {
        let socket = |nth| SocketAddr::new(ip.parse().unwrap(), 4000 + nth);
        Self {
            realm: Realm::INTERNET,
            sockets: (0..sockets).map(socket).collect(),
            config,
        }
    }
}

pub(crate) struct Apart {
    pub(crate) world: World<PeerConnection>,
    pub(crate) hosts: [HostId; 2],
    /// Whether descriptions lose their groups on the way.
    pub(crate) strips: bool,
    /// How many frames of each transceiver have come.
    frames: [Vec<TransceiverId>; 2],
    channels: [Option<ChannelId>; 2],
    /// How many messages have come.
    pub(crate) messages: [usize; 2],
    pub(crate) events: [Vec<Event>; 2],
    clock: u32,
}

impl Apart {
    /// The left side has one socket, and the right one has one for each of four.
    pub(crate) fn new(seed: u64, link: Link, policy: BundlePolicy) -> Self {
        let places = [
            Place::open("192.0.2.1", 1, config(policy)),
            Place::open("198.51.100.2", 4, config(policy)),
        ];
        Self::between(World::new(seed).with_links(link), places)
    }

    pub(crate) fn between(world: World<PeerConnection>, places: [Place; 2]) -> Self {
        Self::watched_but_for("", world, places)
    }

    /// Without the invariant of this name, whose premise does not hold.
    pub(crate) fn watched_but_for(
        name: &str,
        mut world: World<PeerConnection>,
        places: [Place; 2],
    ) -> Self {
        let mut names = ["L", "R"].into_iter();
        let hosts = places.map(|place| {
            let mut peer = PeerConnection::new(place.config, &mut world.fork_rng()).unwrap();
            let (first, spares) = place.sockets.split_first().unwrap();
            peer.add_local_address(*first).unwrap();
            for spare in spares {
                peer.add_spare_address(*spare).unwrap();
            }
            let host = world.add_in(place.realm, names.next().unwrap(), &place.sockets, peer);
            world.note(host, Fact::Server(address(SERVER)));
            host
        });
        let mut watched = invariants::of_pair(hosts);
        watched.retain(|one| one.name() != name);
        world.watch(watched);
        Self {
            world,
            hosts,
            strips: true,
            frames: Default::default(),
            channels: [None; 2],
            messages: [0; 2],
            events: Default::default(),
            clock: 0,
        }
    }

    /// The left side wants sound, pictures and a channel, and the right side sends, too.
    pub(crate) fn want_all(&mut self) {
        for kind in [Kind::Audio, Kind::Video] {
            for side in [LEFT, RIGHT] {
                let track = kind.as_str();
                self.call(side, |pc| pc.add_track(kind, track, &["me"]).unwrap());
            }
        }
        self.want_channel();
    }

    pub(crate) fn want_channel(&mut self) {
        let config = ChannelConfig::default();
        let channel = self.world.open(self.hosts[LEFT], "talk", config).unwrap();
        self.channels[LEFT] = Some(channel);
    }

    pub(crate) fn add(&mut self, side: usize, kind: Kind) -> TransceiverId {
        let init = TransceiverInit {
            direction: Direction::SendRecv,
            ..TransceiverInit::default()
        };
        self.call(side, |pc| pc.add_transceiver(kind, init).unwrap())
    }

    pub(crate) fn call<T>(&mut self, side: usize, act: impl FnOnce(&mut PeerConnection) -> T) -> T {
        self.world.with(self.hosts[side], |pc, _| act(pc))
    }

    pub(crate) fn peer(&self, side: usize) -> &PeerConnection {
        self.world.machine(self.hosts[side])
    }

    /// What a side describes, as the other one gets to see it.
    pub(crate) fn describe(&mut self, side: usize) -> Description {
        let mut said = self.world.describe(self.hosts[side]).unwrap().unwrap();
        if self.strips {
            said.sdp = without_group(&said.sdp);
        }
        said
    }

    pub(crate) fn tell(&mut self, side: usize, said: &Description) -> Result<(), DescriptionError> {
        self.world.tell(self.hosts[side], said)
    }

    /// One side offers, and the other answers.
    pub(crate) fn negotiate(&mut self, from: usize) {
        let offer = self.describe(from);
        self.tell(1 - from, &offer).unwrap();
        let answer = self.describe(1 - from);
        self.tell(from, &answer).unwrap();
    }

    /// Runs, with the post between them, until `condition` holds.
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
        let end = self.world.now() + time;
        self.world.after(time, |_| {});
        self.run_until(time, |apart| apart.world.now() >= end);
    }

    pub(crate) fn is_connected(&self) -> bool {
        let is_connected = |side| self.peer(side).connection_state() == ConnectionState::Connected;
        [LEFT, RIGHT].into_iter().all(is_connected)
    }

    pub(crate) fn connect(&mut self) {
        let connected = self.run_until(secs(30), Self::is_connected);
        assert!(connected, "{}", self.story());
    }

    /// How many times both sides have sent, and how many frames have come to a side.
    pub(crate) fn count(&self, side: usize) -> (usize, usize) {
        (self.clock as usize, self.frames[side].len())
    }

    pub(crate) fn transports(&self, side: usize) -> usize {
        self.peer(side).transports().count()
    }

    /// Both sides send sound and pictures on all that they have, and messages, for so long.
    pub(crate) fn talk(&mut self, time: Duration) {
        let end = self.world.now() + time;
        while self.world.now() < end {
            self.clock += 1;
            for side in [LEFT, RIGHT] {
                self.send_media(side);
                if let Some(channel) = self.channels[side]
                    && self.clock.is_multiple_of(5)
                {
                    // It may not be open yet, or closed already.
                    let text = Data::from("hello");
                    let _ = self.world.send(self.hosts[side], channel, text);
                }
            }
            self.run_for(millis(20));
        }
    }

    fn send_media(&mut self, side: usize) {
        let transceivers: Vec<_> = self
            .peer(side)
            .transceivers()
            .map(|one| (one.id(), one.kind()))
            .collect();
        for (id, kind) in transceivers {
            let frame = match kind {
                Kind::Audio => sound(self.clock),
                Kind::Video if self.clock.is_multiple_of(2) => picture(self.clock),
                Kind::Video => continue,
            };
            // Not every transceiver may send.
            let _ = self.world.write_frame(self.hosts[side], id, "", &frame);
        }
    }

    /// All that should flow has done so since the last time: a frame for each
    /// transceiver, and messages both ways if there is a channel.
    pub(crate) fn assert_all_flows(&mut self) {
        self.frames = Default::default();
        self.messages = [0; 2];
        self.talk(secs(2));
        for side in [LEFT, RIGHT] {
            for transceiver in self.peer(side).transceivers() {
                let came = self.frames[side].contains(&transceiver.id());
                let receives = transceiver
                    .current_direction()
                    .is_some_and(Direction::receives);
                assert_eq!(came, receives, "side {side}: {transceiver:?}");
            }
            let has_channel = self.channels[side].is_some();
            assert_eq!(self.messages[side] > 0, has_channel, "messages to {side}");
        }
    }

    /// Nothing may be missing at the end.
    pub(crate) fn finish(&mut self) {
        let [left, right] = self.hosts;
        self.world
            .set_links(left, right, Link::with_delay(millis(10)));
        self.run_for(secs(20));
        self.world.finish();
    }

    pub(crate) fn story(&self) -> String {
        let states = [LEFT, RIGHT].map(|side| {
            let each = self.peer(side).transports();
            let each = each.map(|(id, one)| {
                let ice = one.ice();
                format!(
                    "{id:?} {} {:?} {:?}",
                    ice.state(),
                    one.dtls_state(),
                    ice.current_path()
                )
            });
            each.collect::<Vec<_>>().join("\n")
        });
        format!(
            "{}\n{}",
            trace::tail(self.world.ledger(), 60),
            states.join("\n")
        )
    }

    fn listen(&mut self) {
        for side in [LEFT, RIGHT] {
            while let Some(event) = self.world.next_event(self.hosts[side]) {
                self.on_event(side, event);
            }
        }
    }

    fn on_event(&mut self, side: usize, event: Event) {
        match &event {
            Event::IceCandidate(candidate) => {
                let to = self.hosts[1 - side];
                // It may come before its description, which says it, too.
                let _ = self.world.trickle(to, candidate.as_ref());
            }
            Event::Frame { transceiver, .. } => self.frames[side].push(*transceiver),
            Event::Message(..) => self.messages[side] += 1,
            Event::ChannelState(id, ChannelState::Open) => self.channels[side] = Some(*id),
            Event::ChannelState(_, ChannelState::Closed) => self.channels[side] = None,
            _ => self.events[side].push(event),
        }
    }
}

/// The description as a peer writes it that knows no groups.
pub(crate) fn without_group(sdp: &str) -> String {
    let lines = sdp.split_inclusive('\n');
    lines.filter(|line| !line.starts_with("a=group:")).collect()
}

fn picture(number: u32) -> MediaFrame {
    let mut data = vec![7; 900];
    data[..10].copy_from_slice(&[0x10, 0, 0, 0x9d, 0x01, 0x2a, 64, 0, 64, 0]);
    MediaFrame::new(number * 1800, data.into())
}

fn sound(number: u32) -> MediaFrame {
    MediaFrame::new(number * 960, Bytes::from(vec![1; 40]))
}
