//! Names in the place of addresses (draft-ietf-mmusic-mdns-ice-candidates).

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::net::{IpAddr, SocketAddr};

use super::candidate;
use super::{CandidateError, Event, GatheringLimits, IceAgent};
use crate::cursor::Writer;
use crate::mdns::{self, Mdns, MdnsConfig};
use crate::net::{Candidate, CandidateAddress, Path};
use crate::rng::Rng;
use crate::time::Instant;

/// Names of ours and of the peer.
#[derive(Debug, Default)]
pub(super) struct Names {
    /// Who asks and answers for names, if there is a socket for it.
    mdns: Option<Box<Mdns>>,
    /// Names of ours, each for all candidates of one address.
    own: Vec<(IpAddr, String)>,
    /// Remote candidates whose addresses are wanted, with their generations.
    pending: Vec<(u32, Candidate)>,
}

impl Names {
    pub(super) fn is_empty(&self) -> bool {
        self.mdns.is_none() && self.own.is_empty() && self.pending.is_empty()
    }

    /// The sockets for names.
    pub(super) fn sockets(&self) -> impl Iterator<Item = SocketAddr> {
        self.mdns.iter().flat_map(|mdns| mdns.sockets())
    }

    pub(super) fn has_socket(&self, address: SocketAddr) -> bool {
        self.mdns
            .as_ref()
            .is_some_and(|mdns| mdns.has_socket(address))
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        self.mdns.as_ref()?.poll_timeout()
    }

    /// Takes a datagram, if it came to one of the sockets for names.
    pub(super) fn open(&mut self, now: Instant, path: Path, datagram: &[u8]) -> bool {
        let mdns = self.mdns.as_mut();
        let Some(mdns) = mdns.filter(|mdns| mdns.has_socket(path.local)) else {
            return false;
        };
        mdns.handle_input(now, path, datagram);
        true
    }

    pub(super) fn poll_transmit(&mut self, now: Instant, out: &mut Writer<'_>) -> Option<Path> {
        self.mdns.as_mut()?.poll_transmit(now, out)
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) {
        if let Some(mdns) = &mut self.mdns {
            mdns.handle_timeout(now);
        }
    }

    /// The name of one of our addresses; `None` if there are too many.
    pub(super) fn name_of(
        &mut self,
        ip: IpAddr,
        limits: &GatheringLimits,
        rng: &mut Rng,
    ) -> Option<&str> {
        let known = self.own.iter().position(|(of, _)| *of == ip);
        let index = match known {
            Some(index) => index,
            None if self.own.len() >= limits.max_names => return None,
            None => {
                self.own.push((ip, mdns::random_name(rng)));
                self.publish();
                self.own.len() - 1
            }
        };
        self.own.get(index).map(|(_, name)| name.as_str())
    }

    /// An address of ours is no more.
    pub(super) fn withdraw(&mut self, ip: IpAddr) {
        let Some(index) = self.own.iter().position(|(of, _)| *of == ip) else {
            return;
        };
        let (_, name) = self.own.swap_remove(index);
        if let Some(mdns) = &mut self.mdns {
            mdns.withdraw(&name);
        }
    }

    /// Answers for all names of ours.
    fn publish(&mut self) {
        for (ip, name) in &self.own {
            if let Some(mdns) = &mut self.mdns {
                // There are no more of them than `max_names`, which it was told.
                let _ = mdns.publish(name, *ip);
            }
        }
    }

    /// Asks for all names that are wanted.
    fn resolve(&mut self) {
        for name in self.pending.iter().filter_map(|(_, known)| name_in(known)) {
            if let Some(mdns) = &mut self.mdns {
                // One that was asked for already is not asked for twice.
                let _ = mdns.resolve(name);
            }
        }
    }
}

impl IceAgent {
    pub(super) fn use_mdns_socket(&mut self, address: SocketAddr) -> Result<(), mdns::SocketError> {
        if self.is_closed() {
            return Err(mdns::SocketError::Closed);
        }
        let config = MdnsConfig {
            max_questions: self.config.limits.max_names,
            max_names: self.config.limits.max_names,
            ..MdnsConfig::default()
        };
        let names = &mut self.gatherer.get_or_insert_default().names;
        let rng = &mut self.rng;
        let mdns = names
            .mdns
            .get_or_insert_with(|| Box::new(Mdns::new(config, rng)));
        let added = mdns.add_socket(address);
        names.publish();
        names.resolve();
        self.refresh();
        added
    }

    /// A socket for names is gone, if it was one: names that were asked for only there
    /// are given up.
    pub(super) fn leave_mdns_socket(&mut self, address: SocketAddr) -> bool {
        let names = self.gatherer.as_mut().map(|gatherer| &mut gatherer.names);
        let mdns = names.and_then(|names| names.mdns.as_mut());
        let Some(mdns) = mdns.filter(|mdns| mdns.has_socket(address)) else {
            return false;
        };
        mdns.remove_socket(address);
        self.on_name_news();
        self.refresh();
        true
    }

    /// What multicast DNS has counted, if there was a socket for it.
    #[must_use]
    pub fn mdns_stats(&self) -> Option<mdns::Stats> {
        let names = &self.gatherer.as_ref()?.names;
        names.mdns.as_ref().map(|mdns| mdns.stats())
    }

    /// A remote candidate that hides its address: it waits until its name is resolved.
    pub(super) fn add_named(&mut self, candidate: Candidate) -> Result<(), CandidateError> {
        // As if it were anywhere, to see whether it could be used.
        let anywhere = SocketAddr::from(([192, 0, 2, 1], port_in(&candidate)));
        candidate::usable_at(&candidate, anywhere)?;
        let name = name_in(&candidate).ok_or(CandidateError::Unsupported)?;
        let generation = self
            .generation_of_candidate(candidate.ufrag.as_deref())
            .ok_or(CandidateError::OtherUfrag)?;
        if let Some(ip) = self.known_address(name) {
            let address = candidate::usable_at(&candidate, SocketAddr::new(ip, anywhere.port()))?;
            self.in_generation(generation, |agent| agent.pair_signalled(candidate, address))
                .unwrap_or(Ok(()))?;
            self.settle();
            self.refresh();
            return Ok(());
        }
        let names = &mut self.gatherer.get_or_insert_default().names;
        if names.pending.iter().any(|(_, known)| *known == candidate) {
            return Ok(());
        }
        if names.pending.len() >= self.config.limits.max_names {
            return Err(CandidateError::TooMany);
        }
        let is_same = |(_, known): &(u32, Candidate)| name_in(known) == Some(name);
        if !names.pending.iter().any(is_same) {
            let asked = names.mdns.as_mut().map(|mdns| mdns.resolve(name));
            if !matches!(asked, Some(Ok(()))) {
                self.events.push(Event::Resolve(name.into()));
            }
        }
        names.pending.push((generation, candidate));
        self.refresh();
        Ok(())
    }

    /// The addresses of a name of the peer's are known; none if there are none.
    pub(super) fn name_resolved(&mut self, name: &str, addresses: &[IpAddr]) {
        let Some(gatherer) = &mut self.gatherer else {
            return;
        };
        let pending = core::mem::take(&mut gatherer.names.pending);
        let is_it = |(_, candidate): &(u32, Candidate)| {
            name_in(candidate).is_some_and(|known| known.eq_ignore_ascii_case(name))
        };
        let (known, unknown): (Vec<_>, _) = pending.into_iter().partition(is_it);
        gatherer.names.pending = unknown;
        if let Some(mdns) = &mut gatherer.names.mdns {
            mdns.forget(name);
        }
        for (generation, candidate) in known {
            self.in_generation(generation, |agent| agent.pair_named(candidate, addresses));
        }
    }

    /// One host has one candidate, however many addresses answer to its name: the
    /// first that one of our sockets can reach.
    fn pair_named(&mut self, candidate: Candidate, addresses: &[IpAddr]) {
        let remote = self.generation.remote.as_ref();
        let said = candidate.ufrag.as_deref();
        // RFC 8838 §11: it may have turned out meanwhile that it is an old one.
        let is_other =
            remote.is_some_and(|remote| said.is_some_and(|said| said != remote.credentials.ufrag));
        if is_other || !self.generation.is_alive() {
            return;
        }
        let usable = addresses.iter().filter_map(|ip| {
            let address = SocketAddr::new(*ip, port_in(&candidate));
            candidate::usable_at(&candidate, address).ok()
        });
        let may_pair = |remote: &SocketAddr| {
            let mut locals = self.locals.iter();
            locals.any(|local| candidate::may_pair(local.base.ip(), remote.ip()))
        };
        let address = usable
            .clone()
            .find(may_pair)
            .or_else(|| usable.clone().next());
        if let Some(address) = address {
            // If there is no room for it, nothing has changed.
            let _ = self.pair_signalled(candidate, address);
        }
    }

    /// The address of a name that was resolved before: candidates of one host share
    /// it, and keep it over restarts.
    fn known_address(&self, name: &str) -> Option<IpAddr> {
        let generations = self.older.iter().chain([&self.generation]);
        let mut remotes = generations.flat_map(|generation| &generation.remotes);
        let named = remotes.find(|remote| {
            name_in(&remote.candidate).is_some_and(|known| known.eq_ignore_ascii_case(name))
        });
        named.map(|remote| remote.address.ip())
    }

    /// Writes the next question or answer.
    pub(super) fn poll_names(&mut self, now: Instant, out: &mut Writer<'_>) -> Option<Path> {
        if self.is_silent() {
            return None;
        }
        let path = self.gatherer.as_mut()?.names.poll_transmit(now, out)?;
        self.refresh();
        Some(path)
    }

    /// Takes what was found out about names.
    pub(super) fn on_name_news(&mut self) {
        while let Some(event) = self.gatherer.as_mut().and_then(|gatherer| {
            let mdns = gatherer.names.mdns.as_mut()?;
            mdns.poll_event()
        }) {
            match event {
                mdns::Event::Resolved { name, addresses } => self.name_resolved(&name, &addresses),
                mdns::Event::NotFound(name) => self.name_resolved(&name, &[]),
                mdns::Event::Closed => {}
            }
        }
    }
}

/// The name that a candidate has in the place of an address.
///
/// Only those of multicast DNS are asked for: others would let a peer make us ask
/// any server of the world (RFC 8839 §5.1 ignores all).
fn name_in(candidate: &Candidate) -> Option<&str> {
    match &candidate.address {
        CandidateAddress::Name { host, .. } => Some(host.as_str()),
        CandidateAddress::Ip(_) => None,
    }
    .filter(|name| mdns::is_local_name(name))
}

fn port_in(candidate: &Candidate) -> u16 {
    match &candidate.address {
        CandidateAddress::Name { port, .. } => *port,
        CandidateAddress::Ip(address) => address.port(),
    }
}
