//! Where can the peer reach us (RFC 8445 §5.1.1)?

use core::fmt;
use core::net::SocketAddr;

use thiserror::Error;

use super::candidate::{self, COMPONENT, LocalCandidate};
use super::checklist::push_tight;
use super::{Event, IceAgent};
use crate::net::{Candidate, CandidateAddress, CandidateKind, Protocol};

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
        if self.is_closed() {
            return Err(AddressError::Closed);
        }
        if address.ip().is_unspecified() {
            return Err(AddressError::Unspecified);
        }
        if !candidate::is_reachable(address) {
            return Err(AddressError::Unreachable);
        }
        if self.local_at(address).is_some() {
            return Err(AddressError::Duplicate);
        }
        if self.locals.len() >= self.config.max_local_candidates {
            return Err(AddressError::TooMany);
        }
        let host = self.host_candidate(address);
        push_tight(&mut self.locals, host);
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
        self.set_gathering(GatheringState::Gathering);
        for local in &mut self.locals {
            if !local.announced {
                local.announced = true;
                self.events.push(Event::Candidate(local.candidate.clone()));
            }
        }
        // Host candidates are known at once.
        self.set_gathering(GatheringState::Complete);
        self.settle();
        self.refresh();
    }

    fn set_gathering(&mut self, state: GatheringState) {
        if self.gathering != state {
            self.gathering = state;
            self.events.push(Event::GatheringState(state));
        }
    }

    fn host_candidate(&self, address: SocketAddr) -> LocalCandidate {
        let ip = address.ip();
        let kind = CandidateKind::Host;
        let same_family = |local: &&LocalCandidate| {
            local.candidate.kind == kind && local.base.is_ipv4() == ip.is_ipv4()
        };
        let nth = self.locals.iter().filter(same_family).count();
        let preference = candidate::local_preference(ip, nth);
        LocalCandidate {
            candidate: Candidate {
                foundation: candidate::foundation(&self.locals, kind, ip),
                component: COMPONENT,
                protocol: Protocol::Udp,
                priority: candidate::priority(kind, preference),
                address: CandidateAddress::Ip(address),
                kind,
                related: None,
                tcp: None,
                ufrag: Some(self.generation.local.credentials.ufrag.clone()),
            },
            base: address,
            announced: false,
        }
    }

    /// RFC 8445 §7.2.5.3.1: the peer saw us at an address that we did not know.
    /// It becomes a candidate that nobody is told of.
    pub(super) fn learn_local(&mut self, base: usize, mapped: SocketAddr) -> usize {
        let Some(origin) = self.locals.get(base) else {
            return base;
        };
        let mapped = candidate::seen_from(origin.base, mapped);
        let known = |local: &LocalCandidate| local.candidate.address.ip() == Some(mapped);
        if let Some(index) = self.locals.iter().position(known) {
            return index;
        }
        if self.locals.len() >= self.config.max_local_candidates {
            return base;
        }
        let kind = CandidateKind::PeerReflexive;
        let learned = LocalCandidate {
            candidate: Candidate {
                foundation: candidate::foundation(&self.locals, kind, origin.base.ip()),
                priority: candidate::reflexive_priority(&origin.candidate),
                address: CandidateAddress::Ip(mapped),
                kind,
                related: Some(origin.base),
                ..origin.candidate.clone()
            },
            base: origin.base,
            announced: true,
        };
        push_tight(&mut self.locals, learned);
        self.locals.len() - 1
    }

    /// The host candidate whose socket is bound to `address`.
    pub(super) fn local_at(&self, address: SocketAddr) -> Option<usize> {
        self.locals
            .iter()
            .position(|local| local.candidate.kind == CandidateKind::Host && local.base == address)
    }
}
