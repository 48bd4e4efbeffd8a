//! What lies between the hosts: links, NATs, firewalls, cuts, taps, and what is
//! under way.

use alloc::boxed::Box;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;
use core::net::SocketAddr;

use super::firewall::Wall;
use super::link::{Arrivals, Carrier, Link, LossCause};
use super::nat::Ports;
use super::queue::Queue;
use super::realm::{Realm, Realms, Way};
use super::stream::Streams;
use super::world::HostId;
use crate::net::{Path, Protocol};
use crate::rng::Rng;
use crate::time::Instant;

/// All links, and what travels on them.
pub(super) struct Network {
    pub(super) rng: Rng,
    pub(super) default_link: Link,
    carriers: BTreeMap<(HostId, HostId), Carrier>,
    pub(super) realms: Realms,
    pub(super) walls: BTreeMap<HostId, Wall>,
    pub(super) cut_hosts: BTreeSet<HostId>,
    pub(super) cut_pairs: BTreeSet<(SocketAddr, SocketAddr)>,
    pub(super) queue: Queue,
    pub(super) streams: Streams,
    pub(super) tap: Option<Tap>,
}

/// Sees every datagram as it is sent, and may interfere.
pub type Tap = Box<dyn FnMut(&Sighting<'_>) -> Verdict>;

/// What a tap sees.
#[derive(Debug)]
pub struct Sighting<'a> {
    /// The time.
    pub now: Instant,
    /// The way as the sender sees it.
    pub path: Path,
    /// The payload.
    pub bytes: &'a [u8],
}

/// What a tap does with a datagram.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Lets it pass.
    Pass,
    /// Takes it off the wire.
    Drop,
    /// Sends these bytes in its place.
    Replace(Vec<u8>),
}

/// Where a packet goes that has left its host and its NATs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Route {
    pub(super) way: Way,
    /// Who will get it, if the last NAT does not change its mind.
    pub(super) receiver: HostId,
}

impl Network {
    pub(super) fn new(rng: Rng) -> Self {
        Self {
            rng,
            default_link: Link::default(),
            carriers: BTreeMap::new(),
            realms: Realms::default(),
            walls: BTreeMap::new(),
            cut_hosts: BTreeSet::new(),
            cut_pairs: BTreeSet::new(),
            queue: Queue::default(),
            streams: Streams::default(),
            tap: None,
        }
    }

    pub(super) fn carrier(&mut self, from: HostId, to: HostId) -> &mut Carrier {
        let link = self.default_link;
        self.carriers
            .entry((from, to))
            .or_insert_with(|| Carrier::new(link))
    }

    /// Takes a packet of `host` past its firewall and the NATs on its side.
    pub(super) fn route(
        &mut self,
        now: Instant,
        host: HostId,
        home: Option<Realm>,
        path: Path,
    ) -> Result<Route, LossCause> {
        let home = home.ok_or(LossCause::NoRoute)?;
        let ports = ports_of(path.protocol);
        let ends = [path.local, path.remote];
        if self.cut_hosts.contains(&host) || self.cut_pairs.contains(&ends.into()) {
            return Err(LossCause::Cut);
        }
        let wall = self.walls.get_mut(&host);
        if wall.is_some_and(|wall| !wall.leaves(now, ports, ends)) {
            return Err(LossCause::Firewall);
        }
        let way = self.realms.depart(now, home, ports, ends, &mut self.rng)?;
        let receiver = self.realms.receiver(way)?;
        if self.cut_hosts.contains(&receiver) {
            return Err(LossCause::Cut);
        }
        Ok(Route { way, receiver })
    }

    /// Takes a packet past the NATs and the firewall on the receiver's side: who
    /// gets it, and how does it see the path?
    pub(super) fn admit(
        &self,
        now: Instant,
        way: Way,
        protocol: Protocol,
    ) -> Result<(HostId, Path), LossCause> {
        let (host, local) = self.realms.arrive(now, way)?;
        let remote = way.from;
        if self.cut_hosts.contains(&host) || self.cut_pairs.contains(&(remote, local)) {
            return Err(LossCause::Cut);
        }
        let wall = self.walls.get(&host);
        if wall.is_some_and(|wall| !wall.enters(now, way.ports, [local, remote])) {
            return Err(LossCause::Firewall);
        }
        let path = Path {
            local,
            remote,
            protocol,
        };
        Ok((host, path))
    }

    /// Puts a datagram of `len` bytes on the link.
    pub(super) fn carry(
        &mut self,
        now: Instant,
        hosts: [HostId; 2],
        remote: SocketAddr,
        len: usize,
    ) -> Result<Arrivals, LossCause> {
        let headers = if remote.is_ipv6() { 48 } else { 28 };
        let link = self.default_link;
        let carrier = self.carriers.entry(hosts.into());
        let carrier = carrier.or_insert_with(|| Carrier::new(link));
        carrier.carry(now, len + headers, &mut self.rng)
    }

    /// Puts bytes of a stream on the link: when do they arrive?
    pub(super) fn carry_stream(&mut self, now: Instant, hosts: [HostId; 2], len: usize) -> Instant {
        let link = self.default_link;
        let carrier = self.carriers.entry(hosts.into());
        let carrier = carrier.or_insert_with(|| Carrier::new(link));
        carrier.carry_stream(now, len + TCP_HEADERS, &mut self.rng)
    }
}

pub(super) const fn ports_of(protocol: Protocol) -> Ports {
    match protocol {
        Protocol::Udp => Ports::Datagrams,
        _ => Ports::Streams,
    }
}

const TCP_HEADERS: usize = 40;
