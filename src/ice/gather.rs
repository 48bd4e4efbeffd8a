//! Where can the peer reach us (RFC 8445 §5.1.1)?

use core::fmt;
use core::net::SocketAddr;

use thiserror::Error;

use super::candidate::{self, COMPONENT, LocalCandidate};
use super::{Event, IceAgent};
use crate::net::{Candidate, CandidateAddress, CandidateKind, Path, Protocol, TcpKind};
use crate::tight;

/// How far is the search for local candidates? As W3C's `RTCIceGathererState`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum GatheringState {
    /// Not begun.
    New,
    /// More may come.
    Gathering,
    /// That is all.
    Complete,
}

impl GatheringState {
    /// The W3C's word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Gathering => "gathering",
            Self::Complete => "complete",
        }
    }
}

impl fmt::Display for GatheringState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why can a local address not be used?
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum AddressError {
    /// A socket bound to all interfaces does not tell which address the peer
    /// would see. Bind one socket to each address.
    #[error("the address is unspecified: bind one socket to each interface")]
    Unspecified,
    /// The port is zero, or the address is a multicast, broadcast or
    /// IPv4-mapped one: bind an ordinary address.
    #[error("nobody can be reached at this address")]
    Unreachable,
    /// It was added before.
    #[error("the address was added before")]
    Duplicate,
    /// There are as many as the limit allows.
    #[error("there are too many local candidates")]
    TooMany,
    /// The agent is closed.
    #[error("the agent is closed")]
    Closed,
}

impl IceAgent {
    /// A UDP socket of the application is bound to `address`: a host candidate.
    ///
    /// It pairs and answers at once. The peer is to be told of it when
    /// [`gather`](Self::gather) was called.
    ///
    /// # Errors
    ///
    /// [`AddressError`]; nothing changed then.
    pub fn add_local_address(&mut self, address: SocketAddr) -> Result<(), AddressError> {
        self.add_socket(address, false)
    }

    /// Adds a UDP socket, which others may use, too, and streams from there.
    pub(super) fn add_socket(
        &mut self,
        address: SocketAddr,
        shared: bool,
    ) -> Result<(), AddressError> {
        self.add_host(address, None, shared)?;
        let active = SocketAddr::new(address.ip(), candidate::DISCARD);
        if self.config.tcp && self.base_of(tcp_path(active)).is_none() {
            // Where there is no room for it, UDP goes on alone.
            let _ = self.add_host(active, Some(TcpKind::Active), shared);
        }
        Ok(())
    }

    /// Adds a host candidate: of UDP, or of TCP.
    pub(super) fn add_host(
        &mut self,
        address: SocketAddr,
        tcp: Option<TcpKind>,
        shared: bool,
    ) -> Result<(), AddressError> {
        if self.is_closed() {
            return Err(AddressError::Closed);
        }
        if address.ip().is_unspecified() {
            return Err(AddressError::Unspecified);
        }
        if !candidate::is_reachable(address) {
            return Err(AddressError::Unreachable);
        }
        let is_same = |local: &LocalCandidate| {
            local.candidate.kind == CandidateKind::Host
                && local.base == address
                && local.candidate.tcp == tcp
        };
        if self.locals.iter().any(is_same) {
            return Err(AddressError::Duplicate);
        }
        if self.locals.len() >= self.config.max_local_candidates {
            self.forget_unused();
        }
        if self.locals.len() >= self.config.max_local_candidates {
            return Err(AddressError::TooMany);
        }
        let mut host = self
            .host_candidate(address, tcp)
            .ok_or(AddressError::TooMany)?;
        host.shared = shared;
        tight::push(&mut self.locals, host);
        self.pair_local(self.locals.len() - 1);
        if self.gathering != GatheringState::New {
            self.gather();
        }
        self.refresh();
        Ok(())
    }

    /// Starts the search: each candidate comes as an [`Event::Candidate`], and
    /// [`GatheringState::Complete`] says that it was the last.
    pub fn gather(&mut self) {
        if self.is_closed() {
            return;
        }
        if let (GatheringState::New, Some(gatherer)) = (self.gathering, &mut self.gatherer) {
            // After a restart, NATs may have forgotten us.
            gatherer.queries.clear();
        }
        if self.gathering == GatheringState::New
            && let Some(policy) = self.next_policy.take()
        {
            self.config.policy = policy;
        }
        self.set_gathering(GatheringState::Gathering);
        for index in 0..self.locals.len() {
            self.announce(index);
        }
        self.search();
        self.settle_gathering();
        self.settle();
        self.refresh();
    }

    /// Tells of a candidate, unless that was done or is not to be done.
    pub(super) fn announce(&mut self, index: usize) {
        let policy = self.config.policy;
        let Some(local) = self.locals.get_mut(index) else {
            return;
        };
        if !local.announced && local.is_public(policy) {
            local.announced = true;
            self.events.push(Event::Candidate(local.candidate.clone()));
        }
    }

    pub(super) fn set_gathering(&mut self, state: GatheringState) {
        if self.gathering != state {
            self.gathering = state;
            self.events.push(Event::GatheringState(state));
        }
    }

    fn host_candidate(
        &mut self,
        address: SocketAddr,
        tcp: Option<TcpKind>,
    ) -> Option<LocalCandidate> {
        let ip = address.ip();
        let kind = CandidateKind::Host;
        // RFC 8445 §5.1.2.1: no two are alike, though others may have gone.
        let priority_of = |nth| match tcp {
            None => candidate::priority(kind, candidate::local_preference(ip, nth)),
            Some(tcp) => candidate::tcp_priority(tcp, ip, nth),
        };
        let is_free = |priority: &u32| {
            let mut locals = self.locals.iter();
            !locals.any(|local| local.candidate.priority == *priority)
        };
        let mut priorities = (0..=self.locals.len()).map(priority_of);
        let priority = priorities.find(is_free)?;
        let protocol = if tcp.is_some() {
            Protocol::Tcp
        } else {
            Protocol::Udp
        };
        let said = if self.config.hide_addresses {
            let names = &mut self.gatherer.get_or_insert_default().names;
            let name = names.name_of(ip, &self.config.limits, &mut self.rng)?;
            CandidateAddress::Name {
                host: name.into(),
                port: address.port(),
            }
        } else {
            CandidateAddress::Ip(address)
        };
        Some(LocalCandidate {
            candidate: Candidate {
                foundation: candidate::foundation(&self.locals, kind, ip, protocol, None),
                component: COMPONENT,
                protocol,
                priority,
                address: said,
                kind,
                related: None,
                tcp,
                ufrag: Some(self.generation.local.credentials.ufrag.clone()),
            },
            address,
            base: address,
            server: None,
            shared: false,
            announced: false,
        })
    }

    /// RFC 8445 §7.2.5.3.1: the peer saw us at an address that we did not know.
    /// It becomes a candidate that nobody is told of.
    pub(super) fn learn_local(&mut self, base: usize, mapped: SocketAddr) -> usize {
        let Some(origin) = self.locals.get(base) else {
            return base;
        };
        let mapped = candidate::seen_from(origin.base, mapped);
        let protocol = origin.candidate.protocol;
        let known = |local: &LocalCandidate| {
            // The port of a stream that we opened is nobody's to know.
            let is_ours = match local.candidate.tcp {
                Some(TcpKind::Active) => local.address.ip() == mapped.ip(),
                _ => local.address == mapped,
            };
            is_ours && local.candidate.protocol == protocol
        };
        if let Some(index) = self.locals.iter().position(known) {
            return index;
        }
        if self.locals.len() >= self.config.max_local_candidates {
            return base;
        }
        let kind = CandidateKind::PeerReflexive;
        let learned = LocalCandidate {
            candidate: Candidate {
                foundation: candidate::foundation(
                    &self.locals,
                    kind,
                    origin.base.ip(),
                    protocol,
                    None,
                ),
                priority: candidate::reflexive_priority(&origin.candidate),
                address: CandidateAddress::Ip(mapped),
                kind,
                related: Some(match origin.candidate.address {
                    CandidateAddress::Ip(_) => origin.base,
                    CandidateAddress::Name { .. } => candidate::nothing_like(origin.base),
                }),
                ..origin.candidate.clone()
            },
            address: mapped,
            base: origin.base,
            server: None,
            shared: false,
            announced: true,
        };
        tight::push(&mut self.locals, learned);
        self.locals.len() - 1
    }

    /// Whether a check that came to it over `path` counts: pairs may be made of it,
    /// or were made before the policy changed.
    pub(super) fn is_usable(&self, index: usize, path: Path) -> bool {
        let local = self.locals.get(index);
        local.is_some_and(|local| local.is_public(self.config.policy))
            || self.generation.checks.find(path).is_some()
    }

    /// An address that a server has told of: a candidate, unless it is redundant
    /// (RFC 8445 §5.1.3).
    pub(super) fn add_learned(&mut self, learned: LocalCandidate) {
        let is_alike = |local: &LocalCandidate| {
            (local.address, local.base) == (learned.address, learned.base)
                && local.candidate.protocol == learned.candidate.protocol
        };
        let index = match self.locals.iter().position(is_alike) {
            // A check had told of it; now the peer may be told.
            Some(index) if self.locals[index].candidate.kind == CandidateKind::PeerReflexive => {
                self.locals[index] = learned;
                index
            }
            Some(_) => return,
            None if self.locals.len() >= self.config.max_local_candidates => return,
            None => {
                tight::push(&mut self.locals, learned);
                self.locals.len() - 1
            }
        };
        if self.gathering != GatheringState::New {
            self.announce(index);
        }
        self.pair_local(index);
    }

    /// Forgets local candidates, and the pairs that were made of them.
    pub(super) fn forget_locals(&mut self, is_gone: impl Fn(&LocalCandidate) -> bool) {
        for index in (0..self.locals.len()).rev() {
            if !self.locals.get(index).is_some_and(&is_gone) {
                continue;
            }
            self.forget_local(index);
        }
    }

    /// The local candidate `index` goes with its pairs, and those behind it move up.
    pub(super) fn forget_local(&mut self, index: usize) {
        let ip = self.locals.remove(index).base.ip();
        let is_left = self.locals.iter().any(|local| local.base.ip() == ip);
        if let Some(gatherer) = self.gatherer.as_mut().filter(|_| !is_left) {
            gatherer.names.withdraw(ip);
        }
        let older = self.older.iter_mut();
        for generation in older.chain([&mut self.generation]) {
            generation.retain_pairs(|pair| pair.local != index);
            for pair in &mut generation.checks.pairs {
                pair.local -= usize::from(pair.local > index);
            }
        }
    }

    /// The candidate that datagrams of `path` leave from and arrive at.
    pub(super) fn base_of(&self, path: Path) -> Option<usize> {
        let mut locals = self.locals.iter();
        // A stream that a listener accepted is its own, though an active candidate
        // stands at the same address.
        locals
            .position(|local| local.base == path.local && local.is_base_of(path))
            .or_else(|| self.locals.iter().position(|local| local.is_base_of(path)))
    }
}

/// A path that a candidate of TCP at `base` would be the base of.
const fn tcp_path(base: SocketAddr) -> Path {
    Path {
        local: base,
        remote: base,
        protocol: Protocol::Tcp,
    }
}
