//! A STUN and TURN server as a host of a world (RFC 8489, RFC 8656).
//!
//! It answers Binding requests, lends relayed addresses, and can be told to
//! [misbehave](Habit). What a real one has and this one has not: reservations of
//! ports, dual allocations, TCP towards peers.

mod account;
mod relay;

use alloc::collections::{BTreeMap, VecDeque};
use alloc::string::String;
use alloc::vec::Vec;
use core::convert::Infallible;
use core::fmt;
use core::marker::PhantomData;
use core::net::{IpAddr, SocketAddr};
use core::time::Duration;

use super::machine::{Grant, Machine};
use crate::crypto::CryptoProvider;
use crate::cursor::{Reader, Writer};
use crate::net::{Path, Protocol};
use crate::rng::Rng;
use crate::time::Instant;
use crate::wire::framing::{Deframer, Framing};
use crate::wire::stun::{Attribute, Builder, Class, ErrorCode, Message, Method};
use crate::wire::turn::ChannelData;
use account::Client;

/// How does a server behave?
#[derive(Clone, Debug)]
pub struct TurnServerConfig {
    /// Who computes keys and message integrity.
    pub provider: &'static CryptoProvider,
    /// Where it listens, over UDP and for streams.
    pub address: SocketAddr,
    /// The addresses that it lends, of one host and of one or both versions.
    pub relays: Vec<SocketAddr>,
    /// Whose users.
    pub realm: String,
    /// Names and passwords.
    pub users: Vec<(String, String)>,
    /// Whether the algorithms of RFC 8489 are offered: SHA-256 and USERHASH.
    pub modern: bool,
    /// For how long a nonce is good. 1 h.
    pub nonce_lifetime: Duration,
    /// How many allocations each user may have. 100.
    pub quota: usize,
    /// For how long an address is lent at least. 10 min.
    pub default_lifetime: Duration,
    /// For how long an address is lent at most. 1 h.
    pub max_lifetime: Duration,
    /// Peers that nobody may reach.
    pub forbidden: Vec<IpAddr>,
}

impl TurnServerConfig {
    /// A server at `address` that lends `relays` to one user.
    #[must_use]
    pub fn new(
        provider: &'static CryptoProvider,
        address: SocketAddr,
        relays: Vec<SocketAddr>,
        user: (&str, &str),
    ) -> Self {
        Self {
            provider,
            address,
            relays,
            realm: "relay.example".into(),
            users: [(user.0.into(), user.1.into())].into(),
            modern: false,
            nonce_lifetime: Duration::from_secs(3600),
            quota: 100,
            default_lifetime: Duration::from_secs(600),
            max_lifetime: Duration::from_secs(3600),
            forbidden: Vec::new(),
        }
    }

    /// All addresses that its host needs.
    #[must_use]
    pub fn sockets(&self) -> Vec<SocketAddr> {
        let own = core::iter::once(self.address);
        own.chain(self.relays.iter().copied()).collect()
    }
}

/// What is wrong with a server?
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Habit {
    /// Nothing.
    #[default]
    Sound,
    /// It answers nothing.
    Silent,
    /// It answers every authentic request with this error.
    Refuses(u16),
    /// It finds every nonce stale.
    AllStale,
    /// It sends every Allocate to another server.
    Redirects(SocketAddr),
    /// Its proofs are wrong.
    BadIntegrity,
    /// It proves nothing.
    NoIntegrity,
    /// It says that an address is lent for so many seconds, and does as it should.
    Lifetime(u32),
}

/// What a server counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct TurnServerStats {
    /// Requests that it could read, by anybody.
    pub requests: u64,
    /// Requests whose proof was wrong or missing.
    pub challenges: u64,
    /// Allocations made.
    pub allocated: u64,
    /// Allocations given back by a Refresh without a lifetime.
    pub deleted: u64,
    /// Datagrams handed on to peers and to clients.
    pub relayed: u64,
    /// Datagrams of or for peers that were not permitted.
    pub unpermitted: u64,
    /// Messages that made no sense, or did not fit into a datagram.
    pub dropped: u64,
}

/// A STUN and TURN server. `E` is whatever the other hosts of its world tell.
pub struct TurnServer<E = Infallible> {
    config: TurnServerConfig,
    rng: Rng,
    latest: Instant,
    habit: Habit,
    clients: BTreeMap<Path, Client>,
    outbox: VecDeque<(Path, Vec<u8>)>,
    stats: TurnServerStats,
    event: PhantomData<fn() -> E>,
}

impl<E> TurnServer<E> {
    /// A server that nobody knows yet. Its host needs
    /// [`sockets`](TurnServerConfig::sockets).
    #[must_use]
    pub fn new(config: TurnServerConfig, rng: &mut Rng) -> Self {
        Self {
            config,
            rng: rng.fork(),
            latest: Instant::ZERO,
            habit: Habit::Sound,
            clients: BTreeMap::new(),
            outbox: VecDeque::new(),
            stats: TurnServerStats::default(),
            event: PhantomData,
        }
    }

    /// Changes how it behaves from now on.
    pub fn set_habit(&mut self, habit: Habit) {
        self.habit = habit;
    }

    /// Its configuration, to be changed while it runs.
    pub fn config_mut(&mut self) -> &mut TurnServerConfig {
        &mut self.config
    }

    /// Forgets every nonce, as when it draws a new secret.
    pub fn expire_nonces(&mut self) {
        for client in self.clients.values_mut() {
            client.nonce_until = None;
        }
    }

    /// Forgets every allocation, as when it starts anew.
    pub fn forget_allocations(&mut self) {
        self.clients.clear();
    }

    /// The relayed addresses that are lent at `now`.
    pub fn lent(&self, now: Instant) -> impl Iterator<Item = SocketAddr> {
        self.clients
            .values()
            .filter_map(move |client| Some(client.allocation(now)?.relay))
    }

    /// How many channels and permissions the client of a relayed address has.
    #[must_use]
    pub fn guests(&self, relay: SocketAddr) -> (usize, usize) {
        let now = self.latest;
        let allocation = self.clients.values().find_map(|client| {
            client
                .allocation(now)
                .filter(|allocation| allocation.relay == relay)
        });
        allocation.map_or((0, 0), |allocation| allocation.guests(now))
    }

    /// What was counted.
    #[must_use]
    pub const fn stats(&self) -> TurnServerStats {
        self.stats
    }

    /// Something for `path` to be sent with the next poll.
    fn push(&mut self, path: Path, bytes: Vec<u8>) {
        if self.outbox.len() < MAX_OUTBOX {
            self.outbox.push_back((path, bytes));
        } else {
            self.stats.dropped += 1;
        }
    }

    /// One message of a client.
    fn on_message(&mut self, now: Instant, path: Path, bytes: &[u8]) {
        if self.habit == Habit::Silent {
            return;
        }
        let mut r = Reader::new(bytes);
        if let Ok(data) = ChannelData::parse(&mut r) {
            return self.on_channel_data(now, path, data);
        }
        let Ok(message) = Message::parse(&mut Reader::new(bytes)) else {
            self.stats.dropped += 1;
            return;
        };
        match (message.class(), message.method()) {
            (Class::Request, Method::BINDING) => self.on_binding(path, &message),
            (Class::Request, _) => self.on_request(now, path, &message),
            // A keepalive: the NATs have seen it.
            (Class::Indication, Method::BINDING) => {}
            (Class::Indication, Method::SEND) => self.on_send(now, path, &message),
            _ => self.stats.dropped += 1,
        }
    }

    fn on_binding(&mut self, path: Path, message: &Message<'_>) {
        self.stats.requests += 1;
        let mut class = Class::Success;
        let mapped = Attribute::XorMappedAddress(path.remote);
        let mut says: Vec<Attribute<'_>> = [mapped].into();
        match self.habit {
            Habit::Redirects(server) => {
                class = Class::Error;
                says = [error(ErrorCode::TRY_ALTERNATE)].into();
                says.push(Attribute::AlternateServer(server));
            }
            Habit::Refuses(code) => {
                class = Class::Error;
                says = [error(code)].into();
            }
            _ => {}
        }
        let mut bytes = Vec::new();
        let mut w = Writer::new(&mut bytes, MAX_MESSAGE);
        let mut builder = Builder::new(&mut w, class, Method::BINDING, message.transaction_id());
        for attribute in &says {
            builder.attribute(attribute);
        }
        builder.fingerprint();
        self.push(path, bytes);
    }

    /// Bytes of a stream, cut into messages.
    fn on_chunk(&mut self, now: Instant, path: Path, mut chunk: &[u8]) {
        let client = self.clients.entry(path).or_default();
        let mut deframer = client
            .deframer
            .take()
            .unwrap_or_else(|| Deframer::new(Framing::Turn, MAX_MESSAGE));
        while let Ok(Some(message)) = deframer.next(&mut chunk) {
            self.on_message(now, path, message);
        }
        if let Some(client) = self.clients.get_mut(&path) {
            client.deframer = Some(deframer);
        }
    }
}

impl<E: fmt::Debug> Machine for TurnServer<E> {
    type Event = E;

    fn handle_input(&mut self, now: Instant, path: Path, datagram: &mut [u8]) {
        self.latest = self.latest.max(now);
        let now = self.latest;
        if path.local != self.config.address {
            self.on_peer(now, path, datagram);
        } else if path.protocol == Protocol::Udp {
            self.on_message(now, path, datagram);
        } else {
            self.on_chunk(now, path, datagram);
        }
    }

    /// What lapses is found when it matters.
    fn handle_timeout(&mut self, now: Instant) {
        self.latest = self.latest.max(now);
    }

    fn poll_transmit(&mut self, _now: Instant, out: &mut Writer<'_>) -> Option<Path> {
        while let Some((path, bytes)) = self.outbox.pop_front() {
            if bytes.len() <= out.remaining() {
                out.bytes(&bytes);
                return Some(path);
            }
            // A real one would send fragments, which the simulated net has not.
            self.stats.dropped += 1;
        }
        None
    }

    fn poll_event(&mut self) -> Option<E> {
        None
    }

    fn poll_timeout(&self) -> Option<Instant> {
        None
    }

    fn grant(&mut self, _now: Instant, grant: Grant) {
        // RFC 8656 §7: the allocation lives no longer than the stream.
        if let Grant::Disconnected(path) = grant {
            self.clients.remove(&path);
        }
    }
}

impl<E> fmt::Debug for TurnServer<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TurnServer")
            .field("address", &self.config.address)
            .field("clients", &self.clients.len())
            .field("stats", &self.stats)
            .finish_non_exhaustive()
    }
}

/// An error without words.
fn error(code: u16) -> Attribute<'static> {
    let other = ErrorCode::new(ErrorCode::SERVER_ERROR, "");
    ErrorCode::new(code, "simulated")
        .or(other)
        .map_or(Attribute::Data(&[]), Attribute::ErrorCode)
}

/// How many messages wait to be sent; more are dropped.
const MAX_OUTBOX: usize = 4096;
/// The longest message of a client.
const MAX_MESSAGE: usize = 4096;
