//! A small net with servers, streams, names and address translation, driven by hand.

#![allow(unreachable_pub, reason = "there is nobody outside to reach it")]

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use pollrtc::crypto::rust_crypto::PROVIDER;
use pollrtc::cursor::Writer;
use pollrtc::ice::{Event, IceAgent, IceConfig, IceServer, IceState, Role};
use pollrtc::net::{Candidate, CandidateKind, Path, Protocol};
use pollrtc::rng::Rng;
use pollrtc::sim::{Grant, Machine, TurnServer, TurnServerConfig};
use pollrtc::time::Instant;

use crate::support::addr;

pub const USER: (&str, &str) = ("ann", "a secret");

/// Bytes on their way, with the path as their sender sees it.
#[derive(Clone, Debug)]
pub struct Packet {
    pub path: Path,
    pub bytes: Vec<u8>,
}

pub struct Host {
    pub agent: IceAgent,
    /// UDP sockets.
    pub sockets: Vec<SocketAddr>,
    pub listeners: Vec<SocketAddr>,
    pub events: Vec<Event>,
    pub data: Vec<Vec<u8>>,
}

type Filter = Box<dyn FnMut(&Packet) -> bool>;

pub struct Net {
    pub now: Instant,
    pub hosts: Vec<Host>,
    pub servers: Vec<(SocketAddr, Vec<SocketAddr>, TurnServer<Infallible>)>,
    /// Private sockets and how the world sees them.
    pub nat: BTreeMap<SocketAddr, SocketAddr>,
    /// Which packets pass.
    pub filter: Option<Filter>,
    /// What names stand for.
    pub names: BTreeMap<String, Vec<IpAddr>>,
    /// Whether streams can be opened.
    pub refuse_streams: bool,
    /// The open streams: the path of who opened it, and that of the other end.
    pub streams: Vec<(Path, Path)>,
    pub log: Vec<(Instant, Packet)>,
    pub rng: Rng,
    wire: BTreeMap<(Instant, u64), Packet>,
    count: u64,
    next_port: u16,
}

pub fn config() -> IceConfig {
    IceConfig::new(&PROVIDER)
}

pub fn turn(url: &str) -> IceServer {
    IceServer::with_login(url.parse().expect("a URL"), USER.0, USER.1)
}

pub fn stun(url: &str) -> IceServer {
    IceServer::open(url.parse().expect("a URL"))
}

impl Net {
    pub fn new(seed: u64) -> Self {
        Self {
            now: Instant::ZERO,
            hosts: Vec::new(),
            servers: Vec::new(),
            nat: BTreeMap::new(),
            filter: None,
            names: BTreeMap::new(),
            refuse_streams: false,
            streams: Vec::new(),
            log: Vec::new(),
            rng: Rng::from_number(seed),
            wire: BTreeMap::new(),
            count: 0,
            next_port: 50_000,
        }
    }

    /// A host with UDP sockets; it has not gathered yet.
    pub fn add_host(&mut self, config: IceConfig, sockets: &[&str]) -> usize {
        let role = match self.hosts.len() {
            0 => Role::Controlling,
            _ => Role::Controlled,
        };
        let mut agent = IceAgent::new(config, role, &mut self.rng).expect("a provider");
        let sockets: Vec<_> = sockets.iter().map(|text| addr(text)).collect();
        for socket in &sockets {
            agent.add_local_address(*socket).expect("a usable address");
        }
        self.hosts.push(Host {
            agent,
            sockets,
            listeners: Vec::new(),
            events: Vec::new(),
            data: Vec::new(),
        });
        self.hosts.len() - 1
    }

    pub fn listen(&mut self, host: usize, address: &str) {
        let address = addr(address);
        let host = &mut self.hosts[host];
        host.agent
            .add_tcp_listener(address)
            .expect("a usable address");
        host.listeners.push(address);
    }

    pub fn join_mdns(&mut self, host: usize, address: &str) {
        let address = addr(address);
        let host = &mut self.hosts[host];
        assert_eq!(host.agent.add_mdns_socket(address), Ok(()));
        host.sockets.push(address);
    }

    /// A STUN and TURN server that lends ports of its own address.
    pub fn add_server(&mut self, address: &str) -> usize {
        let address = addr(address);
        let relays = (1..=16)
            .map(|n| SocketAddr::new(address.ip(), 40_000 + n))
            .collect();
        let config = TurnServerConfig::new(&PROVIDER, address, relays, USER);
        let sockets = config.sockets();
        let server = TurnServer::new(config, &mut self.rng);
        self.servers.push((address, sockets, server));
        self.servers.len() - 1
    }

    pub fn server(&mut self, index: usize) -> &mut TurnServer<Infallible> {
        &mut self.servers[index].2
    }

    pub fn agent(&mut self, index: usize) -> &mut IceAgent {
        &mut self.hosts[index].agent
    }

    pub fn state(&self, index: usize) -> IceState {
        self.hosts[index].agent.state()
    }

    pub fn gather(&mut self) {
        for host in &mut self.hosts {
            host.agent.gather();
        }
    }

    pub fn candidates(&self, index: usize, kind: CandidateKind) -> Vec<Candidate> {
        let all = self.hosts[index].agent.local_candidates();
        all.filter(|candidate| candidate.kind == kind)
            .cloned()
            .collect()
    }

    /// The candidates that the application was told of.
    pub fn told(&self, index: usize) -> Vec<Candidate> {
        let events = self.hosts[index].events.iter();
        events
            .filter_map(|event| match event {
                Event::Candidate(candidate) => Some(candidate.clone()),
                _ => None,
            })
            .collect()
    }

    /// The errors that the application was told of: URL and code.
    pub fn errors(&self, index: usize) -> Vec<(String, u16)> {
        let events = self.hosts[index].events.iter();
        events
            .filter_map(|event| match event {
                Event::CandidateError { url, code, .. } => Some((url.to_string(), *code)),
                _ => None,
            })
            .collect()
    }

    /// Each learns of the other what was told so far.
    pub fn introduce(&mut self) {
        for (to, from) in [(0, 1), (1, 0)] {
            let credentials = self.hosts[from].agent.local_credentials().clone();
            let told = self.told(from);
            let agent = &mut self.hosts[to].agent;
            assert_eq!(agent.set_remote_credentials(credentials), Ok(()));
            for candidate in told {
                let _ = agent.add_remote_candidate(candidate);
            }
            agent.end_of_remote_candidates();
        }
    }

    /// Gathers, introduces, and runs until both are connected or `end` comes.
    pub fn connect(&mut self, end: u64) -> bool {
        self.gather();
        self.run_until(2_000);
        self.introduce();
        self.run_while(end, |net| !net.both_completed());
        self.both_completed()
    }

    pub fn both_completed(&self) -> bool {
        (0..2).all(|host| self.state(host) == IceState::Completed)
    }

    /// Sends data as the agent's parent would.
    pub fn send_data(&mut self, host: usize, data: &[u8]) -> bool {
        let mut bytes = Vec::new();
        let path = self
            .agent(host)
            .seal(&mut Writer::new(&mut bytes, 1200), |w| {
                w.bytes(data);
                true
            });
        let Some(path) = path else { return false };
        self.send(Packet { path, bytes });
        true
    }

    pub fn send(&mut self, packet: Packet) {
        self.log.push((self.now, packet.clone()));
        let passes = self.filter.as_mut().is_none_or(|filter| filter(&packet));
        if passes {
            self.count += 1;
            let at = self.now + Duration::from_millis(10);
            self.wire.insert((at, self.count), packet);
        }
    }

    fn transmit(&mut self) {
        for index in 0..self.hosts.len() {
            for polls in 0.. {
                assert!(polls < 300, "no end of datagrams");
                let mut bytes = Vec::new();
                let mut w = Writer::new(&mut bytes, 1400);
                let now = self.now;
                let path = self.agent(index).poll_transmit(now, &mut w);
                let has_news = self.collect(index);
                match path {
                    Some(path) => self.send(Packet { path, bytes }),
                    None if has_news => {}
                    None => break,
                }
            }
        }
        for index in 0..self.servers.len() {
            loop {
                let mut bytes = Vec::new();
                let mut w = Writer::new(&mut bytes, 4096);
                let now = self.now;
                let Some(path) = self.server(index).poll_transmit(now, &mut w) else {
                    break;
                };
                self.send(Packet { path, bytes });
            }
        }
    }

    /// Takes events, and grants wishes.
    pub fn collect(&mut self, index: usize) -> bool {
        let before = self.hosts[index].events.len();
        while let Some(event) = self.hosts[index].agent.poll_event() {
            match &event {
                Event::Connect { path, .. } => self.open_stream(index, *path),
                Event::Release(path) => self.close_stream(index, *path),
                Event::Resolve(name) => {
                    let addresses = self.names.get(name).cloned().unwrap_or_default();
                    self.hosts[index].agent.resolved(name, &addresses);
                }
                _ => {}
            }
            self.hosts[index].events.push(event);
        }
        self.hosts[index].events.len() > before
    }

    fn open_stream(&mut self, index: usize, asked: Path) {
        assert_eq!(asked.local.port(), 0);
        let now = self.now;
        let listener = |host: &Host| host.listeners.contains(&asked.remote);
        let host = self.hosts.iter().position(listener);
        let server = self
            .servers
            .iter()
            .position(|server| server.0 == asked.remote);
        if self.refuse_streams || (host, server) == (None, None) {
            return self.hosts[index].agent.disconnected(now, asked);
        }
        self.next_port += 1;
        let local = SocketAddr::new(asked.local.ip(), self.next_port);
        let near = Path { local, ..asked };
        let far = Path {
            local: asked.remote,
            remote: local,
            ..asked
        };
        self.streams.push((near, far));
        self.hosts[index].agent.connected(now, asked, local);
        if let Some(host) = host {
            self.hosts[host].agent.accepted(now, far);
        } else if let Some(server) = server {
            self.server(server).grant(now, Grant::Accepted(far));
        }
    }

    /// One end has gone: the other one learns of it.
    pub fn close_stream(&mut self, index: usize, path: Path) {
        let is_it = |(near, far): &(Path, Path)| *near == path || *far == path;
        let Some(place) = self.streams.iter().position(is_it) else {
            return;
        };
        let (near, far) = self.streams.swap_remove(place);
        let other = if near == path { far } else { near };
        let now = self.now;
        for (host, peer) in self.hosts.iter_mut().enumerate() {
            let is_end = peer.listeners.contains(&other.local)
                || peer
                    .sockets
                    .iter()
                    .any(|socket| socket.ip() == other.local.ip());
            if host != index && is_end {
                peer.agent.disconnected(now, other);
            }
        }
        for (address, _, server) in &mut self.servers {
            if *address == other.local {
                server.grant(now, Grant::Disconnected(other));
            }
        }
    }

    fn deliver(&mut self, packet: Packet) {
        let Packet {
            mut path,
            mut bytes,
        } = packet;
        let now = self.now;
        if path.protocol == Protocol::Udp {
            path.local = self.nat.get(&path.local).copied().unwrap_or(path.local);
            let private = self.nat.iter().find(|(_, public)| **public == path.remote);
            path.remote = private.map_or(path.remote, |(private, _)| *private);
        }
        let seen = Path {
            local: path.remote,
            remote: path.local,
            ..path
        };
        if path.remote.ip().is_multicast() {
            return self.multicast(path, &bytes);
        }
        let is_stream = path.protocol.is_stream();
        if is_stream
            && !self
                .streams
                .iter()
                .any(|(near, far)| *near == seen || *far == seen)
        {
            return;
        }
        for (address, sockets, server) in &mut self.servers {
            if sockets.contains(&seen.local) && (!is_stream || *address == seen.local) {
                return server.handle_input(now, seen, &mut bytes);
            }
        }
        let is_its = |host: &Host| {
            host.sockets.contains(&seen.local)
                || is_stream && host.listeners.contains(&seen.local)
                || is_stream
                    && host
                        .sockets
                        .iter()
                        .any(|socket| socket.ip() == seen.local.ip())
        };
        let Some(index) = self.hosts.iter().position(is_its) else {
            return;
        };
        let host = &mut self.hosts[index];
        if is_stream {
            let mut chunk = &*bytes;
            while let Some(data) = host.agent.open_stream(now, seen, &mut chunk) {
                host.data.push(data.to_vec());
            }
            assert!(chunk.is_empty(), "all of a chunk is taken");
        } else if let Some(data) = host.agent.open(now, seen, &mut bytes) {
            host.data.push(data.to_vec());
        }
        self.collect(index);
    }

    fn multicast(&mut self, path: Path, bytes: &[u8]) {
        let now = self.now;
        for index in 0..self.hosts.len() {
            let host = &mut self.hosts[index];
            let joined = host.sockets.iter().find(|socket| socket.port() == 5353);
            if let Some(socket) = joined.copied() {
                let path = Path::udp(socket, path.local);
                assert!(host.agent.open(now, path, &mut bytes.to_vec()).is_none());
                self.collect(index);
            }
        }
    }

    /// Moves to the next moment at which something happens, if it is not after `end`.
    pub fn step(&mut self, end: Instant) -> bool {
        self.transmit();
        let wire = self.wire.keys().next().map(|(at, _)| *at);
        let timers = self
            .hosts
            .iter()
            .filter_map(|host| host.agent.poll_timeout());
        let Some(next) = timers.chain(wire).min().filter(|next| *next <= end) else {
            return false;
        };
        assert!(
            next >= self.now,
            "a deadline in the past: {next:?} at {:?}",
            self.now
        );
        self.now = next;
        while let Some(entry) = self.wire.first_entry() {
            if entry.key().0 > self.now {
                break;
            }
            let packet = entry.remove();
            self.deliver(packet);
        }
        for index in 0..self.hosts.len() {
            let now = self.now;
            let agent = self.agent(index);
            if agent.poll_timeout().is_some_and(|at| at <= now) {
                agent.handle_timeout(now);
                let deadline = agent.poll_timeout();
                assert!(deadline.is_none_or(|at| at > now), "an expired deadline");
            }
            self.collect(index);
        }
        true
    }

    pub fn run_until(&mut self, millis: u64) {
        let end = Instant::from_millis(millis);
        while self.step(end) {}
        self.now = end;
    }

    pub fn run_while(&mut self, millis: u64, condition: impl Fn(&Self) -> bool) {
        let end = Instant::from_millis(millis);
        while condition(self) && self.step(end) {}
    }
}
