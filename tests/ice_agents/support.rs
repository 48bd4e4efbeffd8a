//! Two or more agents on a small virtual network, driven by their contract only.

#![allow(unreachable_pub, reason = "there is nobody outside to reach it")]

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use pollrtc::cursor::{Reader, Writer};
use pollrtc::ice::{Credentials, Event, IceAgent, IceConfig, IceState, Role};
use pollrtc::net::{Candidate, CandidateAddress, CandidateKind, Foundation, Path, Protocol};
use pollrtc::rng::Rng;
use pollrtc::stun::Key;
use pollrtc::time::Instant;
use pollrtc::wire::stun::{Attribute, Builder, Class, ErrorCode, Message, Method, TransactionId};

/// A datagram on its way.
#[derive(Clone, Debug)]
pub struct Flight {
    pub from: SocketAddr,
    pub to: SocketAddr,
    pub bytes: Vec<u8>,
}

/// What does the network do with a datagram? `None` loses it.
pub type Mangle = Box<dyn FnMut(Instant, Flight) -> Option<Flight>>;

pub struct World {
    pub now: Instant,
    pub agents: Vec<Peer>,
    pub rng: Rng,
    pub delay: Duration,
    pub jitter: Duration,
    /// Lost datagrams of a thousand.
    pub loss: u64,
    /// Datagrams of a thousand that arrive twice.
    pub duplicates: u64,
    pub mangle: Option<Mangle>,
    flights: BTreeMap<(Instant, u64), Flight>,
    count: u64,
    pub sent: Vec<(Instant, Flight)>,
}

pub struct Peer {
    pub agent: IceAgent,
    pub addresses: Vec<SocketAddr>,
    pub events: Vec<(Instant, Event)>,
    pub data: Vec<Vec<u8>>,
}

pub fn ms(millis: u64) -> Instant {
    Instant::from_millis(millis)
}

pub fn config() -> IceConfig {
    IceConfig::new(&pollrtc::crypto::rust_crypto::PROVIDER)
}

pub fn addr(text: &str) -> SocketAddr {
    text.parse().expect("an address")
}

pub const A: &str = "10.0.0.1:1000";
pub const B: &str = "10.0.0.2:2000";

impl World {
    /// Agents 0 (controlling) and 1 (controlled), each with one address, that
    /// know nothing of each other.
    pub fn strangers(seed: u64) -> Self {
        Self::with(
            seed,
            config(),
            [&[A], &[B]],
            [Role::Controlling, Role::Controlled],
        )
    }

    /// Two agents that have exchanged everything.
    pub fn pair(seed: u64) -> Self {
        let mut world = Self::strangers(seed);
        world.introduce();
        world
    }

    pub fn with(seed: u64, config: IceConfig, addresses: [&[&str]; 2], roles: [Role; 2]) -> Self {
        let mut rng = Rng::from_number(seed);
        let agents = addresses
            .iter()
            .zip(roles)
            .map(|(addresses, role)| Peer::new(config.clone(), role, addresses, &mut rng))
            .collect();
        Self {
            now: Instant::ZERO,
            agents,
            delay: Duration::from_millis(10),
            jitter: Duration::ZERO,
            loss: 0,
            duplicates: 0,
            mangle: None,
            flights: BTreeMap::new(),
            count: 0,
            sent: Vec::new(),
            rng,
        }
    }

    /// Exchanges credentials, candidates and their ends.
    pub fn introduce(&mut self) {
        self.exchange_credentials();
        self.exchange_candidates();
        for peer in &mut self.agents {
            peer.agent.end_of_remote_candidates();
        }
    }

    pub fn exchange_credentials(&mut self) {
        for (to, from) in [(0, 1), (1, 0)] {
            let credentials = self.agents[from].agent.local_credentials().clone();
            let result = self.agents[to].agent.set_remote_credentials(credentials);
            assert_eq!(result, Ok(()));
        }
    }

    pub fn exchange_candidates(&mut self) {
        for (to, from) in [(0, 1), (1, 0)] {
            for candidate in self.candidates(from) {
                let result = self.agents[to].agent.add_remote_candidate(candidate);
                assert_eq!(result, Ok(()));
            }
        }
    }

    pub fn candidates(&self, of: usize) -> Vec<Candidate> {
        self.agents[of].agent.local_candidates().cloned().collect()
    }

    pub fn agent(&mut self, index: usize) -> &mut IceAgent {
        &mut self.agents[index].agent
    }

    pub fn state(&self, index: usize) -> IceState {
        self.agents[index].agent.state()
    }

    pub fn states(&self, index: usize) -> Vec<IceState> {
        let events = self.agents[index].events.iter();
        events
            .filter_map(|(_, event)| match event {
                Event::State(state) => Some(*state),
                _ => None,
            })
            .collect()
    }

    /// When the agent first reached `state`.
    pub fn reached(&self, index: usize, state: IceState) -> Option<Instant> {
        let events = self.agents[index].events.iter();
        events
            .filter(|(_, event)| *event == Event::State(state))
            .map(|(at, _)| *at)
            .next()
    }

    pub fn both_connected(&self) -> bool {
        (0..2).all(|index| self.state(index).is_connected())
    }

    /// Lets everybody send what is ready, then moves to the next moment at which
    /// something happens. `false` if nothing ever will.
    pub fn step(&mut self) -> bool {
        self.transmit();
        let flight = self.flights.keys().next().map(|(at, _)| *at);
        let timers = self
            .agents
            .iter()
            .filter_map(|peer| peer.agent.poll_timeout());
        let Some(next) = timers.chain(flight).min() else {
            return false;
        };
        assert!(
            next >= self.now,
            "a deadline in the past: {next:?} at {:?}",
            self.now
        );
        self.now = next;
        self.deliver();
        for peer in &mut self.agents {
            if peer.agent.poll_timeout().is_some_and(|at| at <= self.now) {
                peer.agent.handle_timeout(self.now);
                let deadline = peer.agent.poll_timeout();
                assert!(
                    deadline.is_none_or(|at| at > self.now),
                    "an expired deadline"
                );
            }
            peer.collect(self.now);
        }
        true
    }

    pub fn transmit(&mut self) {
        for index in 0..self.agents.len() {
            let mut polls = 0;
            while let Some((path, bytes)) = self.agents[index].poll(self.now) {
                polls += 1;
                assert!(polls <= 200, "no end of datagrams");
                assert!(self.agents[index].addresses.contains(&path.local));
                self.send(Flight {
                    from: path.local,
                    to: path.remote,
                    bytes,
                });
            }
            self.agents[index].collect(self.now);
        }
    }

    pub fn send(&mut self, flight: Flight) {
        self.sent.push((self.now, flight.clone()));
        let flight = match &mut self.mangle {
            Some(mangle) => mangle(self.now, flight),
            None => Some(flight),
        };
        let Some(flight) = flight else { return };
        if self.rng.below(1000) < self.loss {
            return;
        }
        if self.rng.below(1000) < self.duplicates {
            self.depart(flight.clone());
        }
        self.depart(flight);
    }

    fn depart(&mut self, flight: Flight) {
        let jitter = u64::try_from(self.jitter.as_nanos()).unwrap_or_default();
        let jitter = Duration::from_nanos(self.rng.below(jitter.max(1)));
        self.count += 1;
        let at = self.now + self.delay + jitter;
        self.flights.insert((at, self.count), flight);
    }

    fn deliver(&mut self) {
        while let Some(entry) = self.flights.first_entry() {
            if entry.key().0 > self.now {
                return;
            }
            let flight = entry.remove();
            self.receive(flight);
        }
    }

    /// Hands a datagram to the agent whose address it is for.
    pub fn receive(&mut self, mut flight: Flight) {
        let owner = |peer: &&mut Peer| peer.addresses.contains(&flight.to);
        if let Some(peer) = self.agents.iter_mut().find(owner) {
            let path = Path::udp(flight.to, flight.from);
            if let Some(data) = peer.agent.open(self.now, path, &mut flight.bytes) {
                peer.data.push(data.to_vec());
            }
            peer.collect(self.now);
        }
    }

    /// The network of an agent changes.
    pub fn leave(&mut self, index: usize, address: &str) {
        let address = addr(address);
        let peer = &mut self.agents[index];
        assert!(peer.agent.remove_local_address(address));
        peer.addresses.retain(|old| *old != address);
    }

    pub fn join(&mut self, index: usize, address: &str) {
        let peer = &mut self.agents[index];
        peer.addresses.push(addr(address));
        let added = peer.agent.add_local_address(addr(address));
        assert_eq!(added, Ok(()));
    }

    pub fn run_until(&mut self, end: Instant) {
        loop {
            self.transmit();
            let flight = self.flights.keys().next().map(|(at, _)| *at);
            let timers = self
                .agents
                .iter()
                .filter_map(|peer| peer.agent.poll_timeout());
            match timers.chain(flight).min() {
                Some(next) if next <= end => {
                    self.step();
                }
                _ => break,
            }
        }
        self.now = end;
    }

    pub fn run_while(&mut self, end: Instant, condition: impl Fn(&Self) -> bool) {
        while self.now < end && condition(self) && self.step() {}
    }

    /// Sends `data` from an agent as its parent would. `false` if it may not.
    pub fn send_data(&mut self, index: usize, data: &[u8]) -> bool {
        let mut buf = Vec::new();
        let mut w = Writer::new(&mut buf, 1200);
        let path = self.agents[index].agent.seal(&mut w, |w| {
            w.bytes(data);
            true
        });
        let Some(path) = path else { return false };
        self.send(Flight {
            from: path.local,
            to: path.remote,
            bytes: buf,
        });
        true
    }

    /// The requests sent so far, with their moments and bytes.
    pub fn requests(&self, from: &str) -> Vec<(Instant, Flight)> {
        let from = addr(from);
        let is_request = |(_, flight): &&(Instant, Flight)| {
            let message = Message::parse(&mut Reader::new(&flight.bytes));
            flight.from == from && message.is_ok_and(|message| message.class() == Class::Request)
        };
        self.sent.iter().filter(is_request).cloned().collect()
    }
}

impl Peer {
    pub fn new(config: IceConfig, role: Role, addresses: &[&str], rng: &mut Rng) -> Self {
        let mut agent = IceAgent::new(config, role, rng).expect("a provider with SHA-1");
        let addresses: Vec<_> = addresses.iter().map(|text| addr(text)).collect();
        for address in &addresses {
            agent.add_local_address(*address).expect("a usable address");
        }
        agent.gather();
        Self {
            agent,
            addresses,
            events: Vec::new(),
            data: Vec::new(),
        }
    }

    pub fn poll(&mut self, now: Instant) -> Option<(Path, Vec<u8>)> {
        let mut buf = Vec::new();
        let mut w = Writer::new(&mut buf, 1200);
        let path = self.agent.poll_transmit(now, &mut w)?;
        Some((path, buf))
    }

    pub fn collect(&mut self, now: Instant) {
        while let Some(event) = self.agent.poll_event() {
            self.events.push((now, event));
        }
    }
}

pub fn is_stun(bytes: &[u8]) -> bool {
    Message::parse(&mut Reader::new(bytes)).is_ok()
}

/// A peer that does what the test says.
pub struct Script {
    pub credentials: Credentials,
    pub address: SocketAddr,
    key: Key,
}

impl Script {
    pub fn new(address: &str) -> Self {
        let credentials = Credentials {
            ufrag: "script".to_owned(),
            pwd: "the-script-has-one-too".replace('-', "+"),
        };
        Self::new_with(address, &credentials)
    }

    pub fn new_with(address: &str, credentials: &Credentials) -> Self {
        Self {
            address: addr(address),
            key: key_of(credentials),
            credentials: credentials.clone(),
        }
    }

    /// A check, authentic for `agent`.
    pub fn request(&self, agent: &IceAgent, id: u64, says: &[Attribute<'_>]) -> Vec<u8> {
        let theirs = agent.local_credentials();
        let username = format!("{}:{}", theirs.ufrag, self.credentials.ufrag);
        let mut all = vec![Attribute::Username(&username)];
        all.extend_from_slice(says);
        build(Class::Request, id_of(id), &all, &key_of(theirs))
    }

    /// The answer to a check that says it came from `mapped`.
    pub fn answer(&self, request: &[u8], mapped: SocketAddr) -> Vec<u8> {
        let says = [Attribute::XorMappedAddress(mapped)];
        build(Class::Success, id_in(request), &says, &self.key)
    }

    pub fn refuse(&self, request: &[u8], code: u16) -> Vec<u8> {
        let error = ErrorCode::new(code, "no").expect("a valid code");
        let says = [Attribute::ErrorCode(error)];
        build(Class::Error, id_in(request), &says, &self.key)
    }

    /// Makes itself known to the agent.
    pub fn signal(&self, agent: &mut IceAgent) {
        let credentials = self.credentials.clone();
        assert_eq!(agent.set_remote_credentials(credentials), Ok(()));
        let result = agent.add_remote_candidate(host(self.address, 2_130_706_175));
        assert_eq!(result, Ok(()));
    }
}

pub fn key_of(credentials: &Credentials) -> Key {
    let provider = &pollrtc::crypto::rust_crypto::PROVIDER;
    Key::short_term(provider, &credentials.pwd).expect("a provider with SHA-1")
}

pub fn id_of(number: u64) -> TransactionId {
    let mut id = [0; 12];
    id[..8].copy_from_slice(&number.to_be_bytes());
    TransactionId(id)
}

pub fn id_in(message: &[u8]) -> TransactionId {
    TransactionId(message[8..20].try_into().expect("12 bytes"))
}

pub fn build(class: Class, id: TransactionId, says: &[Attribute<'_>], key: &Key) -> Vec<u8> {
    let mut buf = Vec::new();
    let mut w = Writer::new(&mut buf, 1200);
    let mut message = Builder::new(&mut w, class, Method::BINDING, id);
    for attribute in says {
        message.attribute(attribute);
    }
    key.sign(&mut message);
    message.fingerprint();
    buf
}

/// A signalled host candidate.
pub fn host(address: SocketAddr, priority: u32) -> Candidate {
    Candidate {
        foundation: Foundation::from("h").expect("a short text"),
        component: 1,
        protocol: Protocol::Udp,
        priority,
        address: CandidateAddress::Ip(address),
        kind: CandidateKind::Host,
        related: None,
        tcp: None,
        ufrag: None,
    }
}

/// One agent at [`A`].
pub fn solo(role: Role) -> Peer {
    Peer::new(config(), role, &[A], &mut Rng::from_number(7))
}

impl Peer {
    /// Gives the agent a datagram that came from `from` to its first address.
    pub fn give(&mut self, now: Instant, from: SocketAddr, bytes: &[u8]) -> Option<Vec<u8>> {
        let mut bytes = bytes.to_vec();
        let path = Path::udp(self.addresses[0], from);
        let data = self.agent.open(now, path, &mut bytes);
        data.map(|data| data.to_vec())
    }

    /// Everything the agent wants to send now.
    pub fn drain(&mut self, now: Instant) -> Vec<(Path, Vec<u8>)> {
        let all: Vec<_> = core::iter::from_fn(|| self.poll(now)).take(1000).collect();
        assert!(all.len() < 1000, "no end of datagrams");
        all
    }

    /// The only datagram the agent wants to send now.
    pub fn one(&mut self, now: Instant) -> (Path, Vec<u8>) {
        let mut all = self.drain(now);
        assert_eq!(all.len(), 1, "{all:?}");
        all.remove(0)
    }
}

pub fn class_of(bytes: &[u8]) -> Class {
    Message::parse(&mut Reader::new(bytes))
        .expect("STUN")
        .class()
}

pub fn error_of(bytes: &[u8]) -> Option<u16> {
    let message = Message::parse(&mut Reader::new(bytes)).expect("STUN");
    message.attributes().find_map(|attribute| match attribute {
        Attribute::ErrorCode(error) => Some(error.code()),
        _ => None,
    })
}

pub fn says(bytes: &[u8], attribute: Attribute<'_>) -> bool {
    let message = Message::parse(&mut Reader::new(bytes)).expect("STUN");
    message.attributes().any(|said| said == attribute)
}

pub const PRIORITY: Attribute<'_> = Attribute::Priority(0x6eff_ffff);
