//! Several agents over the same sockets: peers that do not bundle have a transport
//! for each section.

use core::net::SocketAddr;

use rand_core::CryptoRng;

use super::candidate::{self, LocalCandidate};
use super::generation::Generation;
use super::pair::Pair;
use super::{AddressError, IceAgent};
use crate::crypto::CryptoError;
use crate::cursor::Reader;
use crate::net::{CandidateKind, Path, TcpKind};
use crate::wire::demux::{self, Class};
use crate::wire::stun::{self, Attribute, Message, Method, TransactionId};

impl IceAgent {
    /// Another agent over the sockets of this one, with the same servers. The sockets
    /// of `spares` are for it alone: of those of this agent it leaves out the ones that
    /// are on the same interfaces.
    ///
    /// A socket has one address at each relay that is reached over UDP, so only who
    /// has a socket alone, or had it first, asks for one.
    ///
    /// # Errors
    ///
    /// As for [`new`](Self::new).
    pub fn another(
        &self,
        spares: &[SocketAddr],
        rng: &mut (impl CryptoRng + ?Sized),
    ) -> Result<Self, CryptoError> {
        let mut other = Self::new(self.config.clone(), self.role, rng)?;
        other.config.policy = self.next_policy.unwrap_or(self.config.policy);
        for spare in spares {
            // What cannot be used, it does without.
            let _ = other.add_local_address(*spare);
        }
        for (address, tcp) in self.sockets() {
            let has_spare = spares.iter().any(|spare| spare.ip() == address.ip());
            let _ = match tcp {
                Some(_) => other.add_tcp_listener(address),
                None if has_spare => Ok(()),
                None => other.add_shared_address(address),
            };
        }
        let gatherer = self.gatherer.iter();
        for address in gatherer.flat_map(|gatherer| gatherer.names.sockets()) {
            let _ = other.add_mdns_socket(address);
        }
        Ok(other)
    }

    /// A UDP socket that an older agent uses, too, and that has its relays.
    ///
    /// # Errors
    ///
    /// As for [`add_local_address`](Self::add_local_address).
    pub fn add_shared_address(&mut self, address: SocketAddr) -> Result<(), AddressError> {
        self.add_socket(address, true)
    }

    /// The older agents are gone: the sockets are this one's.
    pub fn own_sockets(&mut self) {
        for local in &mut self.locals {
            local.shared = false;
        }
    }

    /// The UDP sockets and the TCP listeners.
    pub fn sockets(&self) -> impl Iterator<Item = (SocketAddr, Option<TcpKind>)> {
        let hosts = self.locals.iter().filter(|local| is_socket(local));
        hosts.map(|local| (local.base, local.candidate.tcp))
    }

    /// Whether this UDP socket is one of them.
    #[must_use]
    pub fn has_socket(&self, address: SocketAddr) -> bool {
        let mut sockets = self.sockets();
        sockets.any(|socket| socket == (address, None))
    }

    /// Whether a datagram that came over `path` is for this agent: a check that names
    /// it, an answer to a question of its own, or anything else on a path of its own
    /// (RFC 8445 §7.3, RFC 7983).
    #[must_use]
    pub fn expects(&self, path: Path, datagram: &[u8]) -> bool {
        let remote = candidate::seen_from(path.local, path.remote);
        let path = Path { remote, ..path };
        if self.hears_names(path) {
            return true;
        }
        let mut reader = Reader::new(datagram);
        let stun = demux::classify(datagram) == Class::Stun;
        let message = stun.then(|| Message::parse(&mut reader).ok()).flatten();
        match message.filter(|message| message.method() == Method::BINDING) {
            Some(message) if message.class() == stun::Class::Request => self.is_named_in(&message),
            Some(message) if message.class() != stun::Class::Indication => {
                self.has_asked(message.transaction_id())
            }
            _ => self.uses(path),
        }
    }

    /// Whether this is a socket for names, which are everybody's.
    #[must_use]
    pub fn hears_names(&self, path: Path) -> bool {
        let gatherer = self.gatherer.as_ref();
        gatherer.is_some_and(|gatherer| gatherer.names.has_socket(path.local))
    }

    /// Whether this stream is there, or was asked for.
    #[must_use]
    pub fn has_stream(&self, path: Path) -> bool {
        let gatherer = self.gatherer.as_ref();
        let mut streams = gatherer.into_iter().flat_map(|gatherer| &gatherer.streams);
        streams.any(|stream| stream.path == path)
    }

    fn is_named_in(&self, message: &Message<'_>) -> bool {
        let mut names = message
            .attributes()
            .filter_map(|attribute| match attribute {
                Attribute::Username(name) => Some(name),
                _ => None,
            });
        let name = names.next();
        name.is_some_and(|name| {
            let is_meant = |generation: &Generation| generation.is_meant(name);
            self.generation_that(is_meant).is_some()
        })
    }

    fn has_asked(&self, id: TransactionId) -> bool {
        let awaits = |pair: &Pair| pair.is_awaiting(id);
        let asker = |generation: &Generation| generation.checks.pairs.iter().any(awaits);
        let gatherer = self.gatherer.as_ref();
        let mut queries = gatherer.into_iter().flat_map(|gatherer| &gatherer.queries);
        self.generation_that(asker).is_some() || queries.any(|query| query.is_awaiting(id))
    }

    fn uses(&self, path: Path) -> bool {
        let is_it = |pair: &Pair| pair.path == path && (pair.heard || pair.is_valid());
        let user = |generation: &Generation| generation.checks.pairs.iter().any(is_it);
        let gatherer = self.gatherer.as_ref();
        let mut relays = gatherer.into_iter().flat_map(|gatherer| &gatherer.relays);
        self.current_path() == Some(path)
            || relays.any(|relay| relay.path == path)
            || self.generation_that(user).is_some()
    }
}

/// Whether it stands for a socket of the application.
fn is_socket(local: &LocalCandidate) -> bool {
    local.candidate.kind == CandidateKind::Host && local.candidate.tcp != Some(TcpKind::Active)
}

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::vec;
    use alloc::vec::Vec;

    use super::*;
    use crate::crypto::fake::PROVIDER;
    use crate::cursor::Writer;
    use crate::ice::{Credentials, IceConfig, Role};
    use crate::net::{Candidate, CandidateAddress, Protocol};
    use crate::rng::Rng;
    use crate::time::Instant;

    fn address(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    fn agent(rng: &mut Rng) -> IceAgent {
        let mut agent = IceAgent::new(IceConfig::new(&PROVIDER), Role::Controlling, rng).unwrap();
        agent.add_local_address(address("192.0.2.1:4000")).unwrap();
        agent
            .add_local_address(address("[2001:db8::1]:4000"))
            .unwrap();
        agent.add_tcp_listener(address("192.0.2.1:4443")).unwrap();
        agent.add_mdns_socket(address("192.0.2.1:5353")).unwrap();
        agent
    }

    fn sockets(agent: &IceAgent) -> Vec<SocketAddr> {
        let mut sockets: Vec<_> = agent.sockets().map(|(address, _)| address).collect();
        sockets.sort();
        sockets
    }

    #[test]
    fn another_agent_has_the_same_sockets_or_those_that_waited_for_it() {
        let mut rng = Rng::from_number(1);
        let first = agent(&mut rng);
        let second = first.another(&[], &mut rng).unwrap();
        assert_eq!(sockets(&second), sockets(&first));
        let spare = address("192.0.2.1:4001");
        let third = first.another(&[spare], &mut rng).unwrap();
        let expected = ["192.0.2.1:4001", "192.0.2.1:4443", "[2001:db8::1]:4000"];
        assert_eq!(sockets(&third), expected.map(address));
        let ufrag = |agent: &IceAgent| agent.local_credentials().ufrag.clone();
        assert!(ufrag(&first) != ufrag(&second) && ufrag(&second) != ufrag(&third));
        // The first has them for itself.
        let shared = |agent: &IceAgent| agent.locals.iter().filter(|one| one.shared).count();
        assert_eq!((shared(&first), shared(&second), shared(&third)), (0, 2, 1));
        for agent in [first, second, third] {
            assert!(agent.hears_names(Path::udp(address("192.0.2.1:5353"), spare)));
        }
    }

    #[test]
    fn a_check_is_for_whom_it_names_and_an_answer_for_who_has_asked() {
        let mut rng = Rng::from_number(2);
        let mut first = agent(&mut rng);
        let second = first.another(&[], &mut rng).unwrap();
        let path = Path::udp(address("192.0.2.1:4000"), address("198.51.100.7:9"));
        let message = |class, username: &str, id| {
            let mut datagram = vec![];
            let mut w = Writer::new(&mut datagram, 1200);
            stun::Builder::new(&mut w, class, Method::BINDING, id)
                .attribute(&Attribute::Username(username))
                .fingerprint();
            datagram
        };
        let named = format!("{}:x", second.local_credentials().ufrag);
        let check = message(stun::Class::Request, &named, TransactionId([1; 12]));
        assert!(second.expects(path, &check) && !first.expects(path, &check));
        // Nobody has been heard on this path.
        assert!(!first.expects(path, &[22; 40]) && !second.expects(path, &[22; 40]));

        let credentials = Credentials::generate(&mut rng);
        first.set_remote_credentials(credentials).unwrap();
        let peer = Candidate {
            foundation: arrayvec::ArrayString::from("1").unwrap(),
            component: 1,
            protocol: Protocol::Udp,
            priority: 1,
            address: CandidateAddress::Ip(path.remote),
            kind: CandidateKind::Host,
            related: None,
            tcp: None,
            ufrag: None,
        };
        first.add_remote_candidate(peer).unwrap();
        let mut question = vec![];
        let sent = first.poll_transmit(Instant::ZERO, &mut Writer::new(&mut question, 1200));
        assert_eq!(sent, Some(path));
        let asked = Message::parse(&mut Reader::new(&question)).unwrap();
        let answer = message(stun::Class::Success, "", asked.transaction_id());
        assert!(first.expects(path, &answer) && !second.expects(path, &answer));
        let other = message(stun::Class::Success, "", TransactionId([1; 12]));
        assert!(!first.expects(path, &other));
    }
}
