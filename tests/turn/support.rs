//! A world with a client, a server and peers.

use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use pollrtc::crypto::rust_crypto::PROVIDER;
use pollrtc::cursor::Writer;
use pollrtc::net::Path;
use pollrtc::rng::Rng;
use pollrtc::sim::{
    Chance, HostId, Link, Loss, Machine, TurnServer, TurnServerConfig, TurnServerStats, World,
};
use pollrtc::time::Instant;
use pollrtc::turn::{Event, State, TurnClient, TurnConfig};

pub(crate) const CLIENT: &str = "10.0.0.1:5000";
pub(crate) const SERVER: &str = "192.0.2.1:3478";
pub(crate) const OTHER: &str = "192.0.2.2:3478";
pub(crate) const PEER: &str = "198.51.100.1:7000";
pub(crate) const USER: (&str, &str) = ("alice", "secret");

pub(crate) fn addr(text: &str) -> SocketAddr {
    text.parse().expect("an address")
}

pub(crate) fn ip(text: &str) -> IpAddr {
    addr(text).ip()
}

pub(crate) fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// What lives in these worlds.
#[expect(clippy::large_enum_variant, reason = "there are three of them")]
pub(crate) enum Node {
    Client(Client),
    Server(TurnServer<Event>),
    Peer(Peer),
}

/// A client and its application.
pub(crate) struct Client {
    pub(crate) turn: TurnClient,
    pub(crate) unsent: VecDeque<(SocketAddr, Vec<u8>)>,
    pub(crate) received: Vec<(SocketAddr, Vec<u8>)>,
    /// Datagrams that could not be sent because nothing led to their peer.
    pub(crate) stuck: usize,
    /// Whether it goes where servers send it.
    pub(crate) follows: bool,
}

/// A host that writes down what it hears, and says it back.
#[derive(Default)]
pub(crate) struct Peer {
    pub(crate) heard: Vec<(Path, Vec<u8>)>,
    pub(crate) unsent: VecDeque<(Path, Vec<u8>)>,
    pub(crate) echoes: bool,
}

impl Client {
    pub(crate) fn new(turn: TurnClient) -> Self {
        Self {
            turn,
            unsent: VecDeque::new(),
            received: Vec::new(),
            stuck: 0,
            follows: true,
        }
    }
}

impl Machine for Node {
    type Event = Event;

    fn handle_input(&mut self, now: Instant, path: Path, datagram: &mut [u8]) {
        match self {
            Self::Client(client) => {
                if path != client.turn.path() {
                    return;
                }
                if let Some((peer, data)) = client.turn.open(now, datagram) {
                    client.received.push((peer, data.to_vec()));
                }
            }
            Self::Server(server) => server.handle_input(now, path, datagram),
            Self::Peer(peer) => {
                peer.heard.push((path, datagram.to_vec()));
                if peer.echoes {
                    peer.unsent.push_back((path, datagram.to_vec()));
                }
            }
        }
    }

    fn handle_timeout(&mut self, now: Instant) {
        match self {
            Self::Client(client) => client.turn.handle_timeout(now),
            Self::Server(server) => server.handle_timeout(now),
            Self::Peer(_) => {}
        }
    }

    fn poll_transmit(&mut self, now: Instant, out: &mut Writer<'_>) -> Option<Path> {
        match self {
            Self::Client(client) => {
                if client.turn.poll_transmit(now, out) {
                    return Some(client.turn.path());
                }
                while let Some((peer, data)) = client.unsent.pop_front() {
                    let sealed = client.turn.seal(peer, out, |w| {
                        w.bytes(&data);
                        true
                    });
                    if sealed {
                        return Some(client.turn.path());
                    }
                    client.stuck += 1;
                }
                None
            }
            Self::Server(server) => server.poll_transmit(now, out),
            Self::Peer(peer) => {
                let (path, bytes) = peer.unsent.pop_front()?;
                out.bytes(&bytes);
                Some(path)
            }
        }
    }

    fn poll_event(&mut self) -> Option<Event> {
        let Self::Client(client) = self else {
            return None;
        };
        let event = client.turn.poll_event()?;
        if let (Event::Redirected { server, .. }, true) = (&event, client.follows) {
            let path = client.turn.path();
            client.turn.follow(Path::udp(path.local, *server));
        }
        Some(event)
    }

    fn poll_timeout(&self) -> Option<Instant> {
        match self {
            Self::Client(client) => client.turn.poll_timeout(),
            Self::Server(server) => server.poll_timeout(),
            Self::Peer(_) => None,
        }
    }
}

/// A client, a server, and a host that echoes.
pub(crate) struct Net {
    pub(crate) world: World<Node>,
    pub(crate) client: HostId,
    pub(crate) server: HostId,
    pub(crate) events: Vec<Event>,
}

pub(crate) fn client_config() -> TurnConfig {
    TurnConfig::new(&PROVIDER, USER.0, USER.1)
}

pub(crate) fn server_config(address: &str) -> TurnServerConfig {
    let address = addr(address);
    let relays = (50_000..50_010).map(|port| SocketAddr::new(address.ip(), port));
    TurnServerConfig::new(&PROVIDER, address, relays.collect(), USER)
}

pub(crate) fn lossy(percent: u32) -> Link {
    Link {
        loss: Loss::Uniform(Chance::percent(percent)),
        ..Link::with_delay(Duration::from_millis(20))
    }
}

impl Net {
    pub(crate) fn new(seed: u64, link: Link) -> Self {
        Self::with(seed, link, client_config(), server_config(SERVER))
    }

    pub(crate) fn with(
        seed: u64,
        link: Link,
        client: TurnConfig,
        server: TurnServerConfig,
    ) -> Self {
        let mut world = World::new(seed).with_links(link).with_datagram_limit(1300);
        let mut rng = world.fork_rng();
        let path = Path::udp(addr(CLIENT), server.address);
        let turn = TurnClient::new(client, path, &mut rng).expect("a client");
        let client = world.add("client", &[addr(CLIENT)], Node::Client(Client::new(turn)));
        let server = add_server(&mut world, "server", server);
        let peer = Node::Peer(Peer {
            echoes: true,
            ..Peer::default()
        });
        world.add("peer", &[addr(PEER)], peer);
        Self {
            world,
            client,
            server,
            events: Vec::new(),
        }
    }

    /// With an address, after a while.
    pub(crate) fn allocated(seed: u64, link: Link) -> Self {
        let mut net = Self::new(seed, link);
        net.turn(TurnClient::allocate);
        assert!(net.run_until(60, |net| net.state() == State::Allocated));
        net
    }

    /// Acts on the client.
    pub(crate) fn turn<R>(&mut self, act: impl FnOnce(&mut TurnClient) -> R) -> R {
        let result = self.world.with(self.client, |node, _| match node {
            Node::Client(client) => act(&mut client.turn),
            _ => unreachable!("it is the client"),
        });
        self.take_events();
        result
    }

    /// Acts on the server.
    pub(crate) fn server<R>(&mut self, act: impl FnOnce(&mut TurnServer<Event>) -> R) -> R {
        self.world.with(self.server, |node, _| match node {
            Node::Server(server) => act(server),
            _ => unreachable!("it is the server"),
        })
    }

    pub(crate) fn run_until(&mut self, seconds: u64, condition: impl Fn(&Self) -> bool) -> bool {
        let end = self.world.now() + secs(seconds);
        loop {
            self.take_events();
            if condition(self) {
                return true;
            }
            if self.world.now() >= end {
                return false;
            }
            self.world
                .run_for(Duration::from_millis(10).min(end - self.world.now()));
        }
    }

    pub(crate) fn run_for(&mut self, seconds: u64) {
        self.world.run_for(secs(seconds));
        self.take_events();
    }

    fn take_events(&mut self) {
        while let Some(event) = self.world.next_event(self.client) {
            self.events.push(event);
        }
    }

    pub(crate) fn client(&self) -> &Client {
        match self.world.machine(self.client) {
            Node::Client(client) => client,
            _ => unreachable!("it is the client"),
        }
    }

    pub(crate) fn state(&self) -> State {
        self.client().turn.state()
    }

    pub(crate) fn relayed(&self) -> SocketAddr {
        self.client().turn.relayed().expect("an address")
    }

    pub(crate) fn served(&mut self) -> TurnServerStats {
        self.server(|server| server.stats())
    }

    /// How many addresses the server lends.
    pub(crate) fn lent(&mut self) -> usize {
        let now = self.world.now();
        self.server(|server| server.lent(now).count())
    }

    /// Sends `data` to `to`.
    pub(crate) fn send(&mut self, to: SocketAddr, data: &[u8]) {
        let data = data.to_vec();
        self.world.with(self.client, |node, _| {
            if let Node::Client(client) = node {
                client.unsent.push_back((to, data));
            }
        });
    }

    /// Whether `data` comes back from the peer within a second.
    pub(crate) fn echo(&mut self, data: &[u8]) -> bool {
        let before = self.client().received.len();
        self.send(addr(PEER), data);
        let expected = (addr(PEER), data.to_vec());
        self.run_until(1, |net| net.client().received[before..].contains(&expected))
    }
}

pub(crate) fn add_server(world: &mut World<Node>, name: &str, config: TurnServerConfig) -> HostId {
    let sockets = config.sockets();
    let server = TurnServer::new(config, &mut world.fork_rng());
    world.add(name, &sockets, Node::Server(server))
}

/// A generator for what is not in a world.
pub(crate) fn rng() -> Rng {
    Rng::from_number(42)
}
