//! What lies between the hosts: links, cuts, taps, and what is under way.

use alloc::boxed::Box;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;
use core::net::SocketAddr;

use super::link::{Arrivals, Carrier, Link, LossCause};
use super::queue::Queue;
use super::world::HostId;
use crate::net::Path;
use crate::rng::Rng;
use crate::time::Instant;

/// All links, and what travels on them.
pub(super) struct Network {
    rng: Rng,
    pub(super) default_link: Link,
    carriers: BTreeMap<(HostId, HostId), Carrier>,
    pub(super) owners: BTreeMap<SocketAddr, HostId>,
    pub(super) cut_hosts: BTreeSet<HostId>,
    pub(super) cut_pairs: BTreeSet<(SocketAddr, SocketAddr)>,
    pub(super) queue: Queue,
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

impl Network {
    pub(super) fn new(rng: Rng) -> Self {
        Self {
            rng,
            default_link: Link::default(),
            carriers: BTreeMap::new(),
            owners: BTreeMap::new(),
            cut_hosts: BTreeSet::new(),
            cut_pairs: BTreeSet::new(),
            queue: Queue::default(),
            tap: None,
        }
    }

    pub(super) fn carrier(&mut self, from: HostId, to: HostId) -> &mut Carrier {
        let link = self.default_link;
        self.carriers
            .entry((from, to))
            .or_insert_with(|| Carrier::new(link))
    }

    /// Whether a datagram cannot reach `host` over `path`, as the host sees it.
    pub(super) fn is_cut(&self, host: HostId, path: Path) -> bool {
        self.cut_hosts.contains(&host) || self.cut_pairs.contains(&(path.remote, path.local))
    }

    pub(super) fn carry(
        &mut self,
        now: Instant,
        from: HostId,
        path: Path,
        len: usize,
    ) -> Result<Arrivals, LossCause> {
        let to = *self.owners.get(&path.remote).ok_or(LossCause::NoRoute)?;
        let back = Path::udp(path.remote, path.local);
        if self.cut_hosts.contains(&from) || self.is_cut(to, back) {
            return Err(LossCause::Cut);
        }
        let headers = if path.remote.is_ipv6() { 48 } else { 28 };
        let Self {
            rng,
            carriers,
            default_link,
            ..
        } = self;
        let carrier = carriers.entry((from, to));
        let carrier = carrier.or_insert_with(|| Carrier::new(*default_link));
        carrier.carry(now, len + headers, rng)
    }
}
