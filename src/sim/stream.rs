//! Streams between hosts: ordered, reliable, and cut into pieces as it happens.

use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::vec::Vec;
use core::net::SocketAddr;
use core::time::Duration;

use super::ledger::{DatagramId, Fact};
use super::link::LossCause;
use super::machine::{Grant, Machine};
use super::queue::Freight;
use super::realm::{Realm, Way};
use super::world::{HostId, World};
use crate::net::{Path, Protocol};
use crate::time::Instant;

/// All streams, and who listens for new ones.
#[derive(Debug, Default)]
pub(super) struct Streams {
    ends: BTreeMap<EndId, End>,
    by_path: BTreeMap<(HostId, Path), EndId>,
    pub(super) listeners: BTreeSet<(HostId, SocketAddr)>,
    made: u64,
}

/// One end of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct EndId(u64);

#[derive(Debug)]
struct End {
    host: HostId,
    realm: Realm,
    path: Path,
    /// The path of the wish, until it is fulfilled.
    asked: Option<Path>,
    /// The other end; none before it has accepted, and after it was closed.
    peer: Option<(EndId, HostId)>,
    /// What is under way to this end.
    inbox: VecDeque<Piece>,
    waiting: usize,
    /// When the last of it arrives.
    last_arrival: Instant,
}

/// What was written at once.
#[derive(Debug)]
struct Piece {
    arrives: Instant,
    bytes: Vec<u8>,
    id: Option<DatagramId>,
}

impl Streams {
    fn add(&mut self, end: End) -> EndId {
        self.made += 1;
        let id = EndId(self.made);
        let path = end.asked.unwrap_or(end.path);
        self.by_path.insert((end.host, path), id);
        self.ends.insert(id, end);
        id
    }

    fn remove(&mut self, id: EndId) -> Option<End> {
        let end = self.ends.remove(&id)?;
        let path = end.asked.unwrap_or(end.path);
        self.by_path.remove(&(end.host, path));
        if let Some((peer, _)) = end.peer
            && let Some(peer) = self.ends.get_mut(&peer)
        {
            peer.peer = None;
        }
        Some(end)
    }

    /// The host at the other end, if it is there.
    pub(super) fn receiver(&self, host: HostId, path: Path) -> Option<HostId> {
        let end = self.by_path.get(&(host, path))?;
        Some(self.ends.get(end)?.peer?.1)
    }

    /// A port for the next stream that does not care.
    fn next_port(&self) -> u16 {
        let offset = u16::try_from(self.made % u64::from(u16::MAX - LOWEST_PORT));
        LOWEST_PORT + offset.unwrap_or_default()
    }
}

impl End {
    /// Takes up to `most` bytes that have arrived, and tells which writes are
    /// complete with them.
    fn take(&mut self, now: Instant, most: usize) -> (Vec<u8>, Vec<DatagramId>) {
        let (mut bytes, mut complete) = (Vec::new(), Vec::new());
        while let Some(piece) = self.inbox.front_mut() {
            let room = most - bytes.len();
            if piece.arrives > now || room == 0 {
                break;
            }
            let part = piece.bytes.len().min(room);
            bytes.extend(piece.bytes.drain(..part));
            if piece.bytes.is_empty() {
                complete.extend(piece.id);
                self.inbox.pop_front();
            }
        }
        self.waiting -= bytes.len();
        (bytes, complete)
    }

    fn arrived(&self, now: Instant) -> usize {
        let arrived = self.inbox.iter().take_while(|piece| piece.arrives <= now);
        arrived.map(|piece| piece.bytes.len()).sum()
    }
}

/// What machines wish for, and experimenters do.
impl<M: Machine> World<M> {
    /// Lets a host accept streams at one of its addresses.
    pub fn listen(&mut self, host: HostId, address: SocketAddr) {
        self.network.streams.listeners.insert((host, address));
    }

    /// The streams of a host, as it sees them.
    #[must_use]
    pub fn streams(&self, host: HostId) -> Vec<Path> {
        let all = self.network.streams.ends.values();
        all.filter(|end| end.host == host && end.asked.is_none())
            .map(|end| end.path)
            .collect()
    }

    /// Tears a stream: this end learns of it now, the other after a while.
    pub fn disconnect(&mut self, host: HostId, path: Path) {
        if self.network.streams.by_path.contains_key(&(host, path)) {
            self.release(host, path);
            self.grant(host, Grant::Disconnected(path));
        }
    }

    /// Tears all streams that go through the NAT in front of `realm`.
    pub(super) fn disconnect_across(&mut self, realm: Realm) {
        let ends = &self.network.streams.ends;
        let crosses = |end: &&End| {
            let peer = end.peer.and_then(|(peer, _)| ends.get(&peer));
            end.realm == realm && peer.is_none_or(|peer| peer.realm != realm)
        };
        let torn: Vec<_> = ends
            .values()
            .filter(crosses)
            .map(|end| (end.host, end.asked.unwrap_or(end.path)))
            .collect();
        for (host, path) in torn {
            self.disconnect(host, path);
        }
    }

    pub(super) fn connect_stream(&mut self, host: HostId, asked: Path) {
        let network = &mut self.network;
        if network.streams.by_path.contains_key(&(host, asked)) {
            return;
        }
        let mut path = asked;
        if path.local.port() == 0 {
            path.local.set_port(network.streams.next_port());
        }
        let home = network.realms.home_of(host, path.local.ip());
        let end = network.streams.add(End {
            host,
            realm: home.unwrap_or(Realm::INTERNET),
            path,
            asked: Some(asked),
            peer: None,
            inbox: VecDeque::new(),
            waiting: 0,
            last_arrival: self.now,
        });
        match network.route(self.now, host, home, path) {
            Ok(route) => {
                let hosts = [host, route.receiver];
                let arrival = network.carry_stream(self.now, hosts, 0);
                let freight = Freight::Connect {
                    end,
                    way: route.way,
                    protocol: path.protocol,
                };
                network.queue.push(arrival, freight);
            }
            // Nobody says why: whoever waits, waits in vain.
            Err(_) => network
                .queue
                .push(self.now + CONNECT_TIMEOUT, Freight::Over(end)),
        }
    }

    /// A host closes its end.
    pub(super) fn release(&mut self, host: HostId, path: Path) {
        let Self { network, .. } = self;
        let streams = &mut network.streams;
        let Some(&id) = streams.by_path.get(&(host, path)) else {
            return;
        };
        let Some((peer, other)) = streams.remove(id).and_then(|end| end.peer) else {
            return;
        };
        let arrival = network.carry_stream(self.now, [host, other], 0);
        if let Some(end) = network.streams.ends.get_mut(&peer) {
            // What was written before comes before.
            end.last_arrival = end.last_arrival.max(arrival);
            network.queue.push(end.last_arrival, Freight::Over(peer));
        }
    }

    /// A host writes to a stream: all of it, or nothing.
    pub(super) fn write(
        &mut self,
        host: HostId,
        path: Path,
        bytes: Vec<u8>,
        id: Option<DatagramId>,
    ) -> Result<Instant, LossCause> {
        let network = &mut self.network;
        let (peer, other) = network.streams.peer_of(host, path)?;
        let arrival = network.carry_stream(self.now, [host, other], bytes.len());
        let end = network.streams.ends.get_mut(&peer);
        let end = end.ok_or(LossCause::NoStream)?;
        if end.waiting + bytes.len() > STREAM_LIMIT {
            return Err(LossCause::QueueFull);
        }
        end.last_arrival = end.last_arrival.max(arrival);
        end.waiting += bytes.len();
        let arrives = end.last_arrival;
        end.inbox.push_back(Piece { arrives, bytes, id });
        network.queue.push(arrives, Freight::Bytes(peer));
        Ok(arrives)
    }
}

/// What arrives.
impl<M: Machine> World<M> {
    pub(super) fn on_connect(&mut self, id: EndId, way: Way, protocol: Protocol) {
        let network = &mut self.network;
        let Some(end) = network.streams.ends.get(&id) else {
            return;
        };
        let from = end.host;
        let Ok((host, seen)) = network.admit(self.now, way, protocol) else {
            network
                .queue
                .push(self.now + CONNECT_TIMEOUT, Freight::Over(id));
            return;
        };
        let answer = network.carry_stream(self.now, [host, from], 0);
        if !network.streams.listeners.contains(&(host, seen.local)) {
            network.queue.push(answer, Freight::Over(id));
            return;
        }
        let realm = network.realms.home_of(host, seen.local.ip());
        let accepted = network.streams.add(End {
            host,
            realm: realm.unwrap_or(Realm::INTERNET),
            path: seen,
            asked: None,
            peer: Some((id, from)),
            inbox: VecDeque::new(),
            waiting: 0,
            last_arrival: self.now,
        });
        if let Some(end) = network.streams.ends.get_mut(&id) {
            end.peer = Some((accepted, host));
            end.last_arrival = answer;
        }
        network.queue.push(answer, Freight::Connected(id));
        self.grant(host, Grant::Accepted(seen));
    }

    pub(super) fn on_connected(&mut self, id: EndId) {
        let streams = &mut self.network.streams;
        let Some(end) = streams.ends.get_mut(&id) else {
            return;
        };
        let (host, path) = (end.host, end.path);
        if let Some(asked) = end.asked.take() {
            streams.by_path.remove(&(host, asked));
            streams.by_path.insert((host, path), id);
            let local = path.local;
            self.grant(host, Grant::Connected { asked, local });
        }
    }

    pub(super) fn on_bytes(&mut self, id: EndId) {
        let now = self.now;
        let network = &mut self.network;
        let Some(end) = network.streams.ends.get_mut(&id) else {
            return;
        };
        let other = end.peer.map(|(_, other)| other);
        let is_cut = |host| network.cut_hosts.contains(&host);
        if is_cut(end.host) || other.is_some_and(is_cut) {
            // TCP tries again.
            network.queue.push(now + RETRY, Freight::Bytes(id));
            return;
        }
        let mut part = end.arrived(now);
        // A read returns what is there, or what the kernel likes.
        if part > 1 && network.rng.below(3) == 0 {
            let less = network.rng.below(part as u64);
            part = usize::try_from(less).unwrap_or_default().max(1);
            network.queue.push(now + NEXT_READ, Freight::Bytes(id));
        }
        self.read(id, part);
    }

    pub(super) fn on_over(&mut self, id: EndId) {
        self.read(id, usize::MAX);
        if let Some(end) = self.network.streams.remove(id) {
            let path = end.asked.unwrap_or(end.path);
            self.grant(end.host, Grant::Disconnected(path));
        }
    }

    /// Gives up to `most` bytes that have arrived to their host.
    fn read(&mut self, id: EndId, most: usize) {
        let Some(end) = self.network.streams.ends.get_mut(&id) else {
            return;
        };
        let (host, path) = (end.host, end.path);
        let (mut bytes, complete) = end.take(self.now, most);
        if bytes.is_empty() {
            return;
        }
        for id in complete {
            if let Some(ledger) = &mut self.ledger {
                ledger.arrive(id, path);
            }
            self.note(host, Fact::Arrived(id));
        }
        let machine = &mut self.hosts[host.0].machine;
        machine.handle_input(self.now, path, &mut bytes);
        self.settle(host);
    }

    /// Tells a machine of streams and names.
    pub(super) fn grant(&mut self, host: HostId, grant: Grant) {
        self.note(host, Fact::Granted(grant.clone()));
        self.hosts[host.0].machine.grant(self.now, grant);
        self.settle(host);
    }
}

impl Streams {
    fn peer_of(&self, host: HostId, path: Path) -> Result<(EndId, HostId), LossCause> {
        let end = self.by_path.get(&(host, path));
        let end = end.and_then(|end| self.ends.get(end));
        end.filter(|end| end.asked.is_none())
            .and_then(|end| end.peer)
            .ok_or(LossCause::NoStream)
    }
}

/// The first port that is nobody's in particular (RFC 6335 §6).
const LOWEST_PORT: u16 = 49_152;

/// How many bytes may be under way to one end; more are refused.
const STREAM_LIMIT: usize = 1 << 20;

/// After which time nobody waits any more for a stream.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(20);

/// When TCP sends again what was not acknowledged.
const RETRY: Duration = Duration::from_millis(200);

/// When the rest of a chunk is read.
const NEXT_READ: Duration = Duration::from_micros(100);
