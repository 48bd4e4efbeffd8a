//! Who is asked for addresses, when, and what comes of it (RFC 8445 §5.1.1.2).

use alloc::vec::Vec;
use core::net::{IpAddr, SocketAddr};

use super::candidate::{self, LocalCandidate};
use super::gatherer::{Found, Gatherer};
use super::query::Query;
use super::relay::Relay;
use super::state::Patience;
use super::{Event, GatheringState, IceAgent, ServerUrl, TransportPolicy};
use crate::net::{CandidateKind, Path, Protocol};
use crate::stun::Failure;
use crate::turn::TurnConfig;

/// The search begins and ends.
impl IceAgent {
    /// Asks all servers from all sockets that have not asked them yet.
    pub(super) fn search(&mut self) {
        if self.config.servers.is_empty() || self.config.lite || self.is_silent() {
            return;
        }
        let gatherer = self.gatherer.get_or_insert_default();
        for host in gatherer.set_servers(&self.config.servers) {
            self.events.push(Event::Resolve(host));
        }
        self.ask_servers();
    }

    /// Asks those servers whose addresses are known.
    pub(super) fn ask_servers(&mut self) {
        if self.is_silent() {
            return;
        }
        let Some(mut gatherer) = self.gatherer.take() else {
            return;
        };
        let is_socket = |local: &&LocalCandidate| {
            local.candidate.kind == CandidateKind::Host && local.candidate.protocol == Protocol::Udp
        };
        let sockets: Vec<_> = self.locals.iter().filter(is_socket).collect();
        for socket in sockets {
            for index in 0..gatherer.servers.len() {
                let wish = self.ask(&mut gatherer, index, socket);
                if let Some(wish) = wish {
                    self.events.push(wish);
                }
            }
        }
        if gatherer.is_searching() && gatherer.patience == Patience::Idle {
            gatherer.patience = Patience::Wanted;
        }
        self.gatherer = Some(gatherer);
    }

    /// Asks one server from one socket, unless that was done.
    fn ask(
        &self,
        gatherer: &mut Gatherer,
        server: usize,
        socket: &LocalCandidate,
    ) -> Option<Event> {
        let base = socket.base;
        let server = gatherer.servers.get(server)?;
        let Found::At(addresses) = &server.found else {
            return None;
        };
        // Nobody out there sees a socket that is bound to the loopback interface.
        let is_inside = base.ip().is_loopback();
        let same_family =
            |ip: &&IpAddr| candidate::may_pair(base.ip(), **ip) && (!is_inside || ip.is_loopback());
        let ip = *addresses.iter().find(same_family)?;
        let url = server.url.clone();
        let mut path = Path {
            local: base,
            remote: candidate::seen_from(base, SocketAddr::new(ip, url.port)),
            protocol: url.transport,
        };
        if gatherer.queries.len() + gatherer.relays.len() >= self.config.limits.max_asked {
            return None;
        }
        if !url.scheme.is_turn() {
            let is_asked = gatherer.queries.iter().any(|query| query.path == path);
            let is_wanted = self.config.policy == TransportPolicy::All;
            if is_wanted && !is_asked {
                gatherer.queries.push(Query::new(url, path));
            }
            return None;
        }
        if path.protocol.is_stream() {
            path.local.set_port(0);
        } else if socket.shared {
            // RFC 8656 §5: the server knows a socket by its address, and it has one there.
            return None;
        }
        if gatherer.relays.iter().any(|relay| relay.asked == path) {
            return None;
        }
        let login = &server.login;
        let config = TurnConfig {
            ipv6: ip.is_ipv6(),
            schedule: self.config.schedule,
            ..TurnConfig::new(
                self.config.provider,
                login.username.clone().unwrap_or_default(),
                login.credential.clone().unwrap_or_default(),
            )
        };
        let relay = Relay::new(url, path, config);
        let wish = relay
            .is_connecting()
            .then(|| gatherer.connect(path, Some(&relay.url), &self.config.limits));
        gatherer.relays.push(relay);
        wish.flatten()
    }

    /// The search is over when nobody is waited for.
    pub(super) fn settle_gathering(&mut self) {
        if self.gathering != GatheringState::Gathering {
            return;
        }
        if let Some(gatherer) = &mut self.gatherer {
            if gatherer.is_searching() {
                return;
            }
            gatherer.patience = Patience::Idle;
        }
        self.set_gathering(GatheringState::Complete);
    }

    /// Those who have not answered by now are not waited for any longer.
    pub(super) fn give_up(&mut self) {
        let Some(gatherer) = &mut self.gatherer else {
            return;
        };
        gatherer.patience = Patience::Idle;
        let (mut late, mut released) = (Vec::new(), Vec::new());
        for query in &mut gatherer.queries {
            if query.give_up() {
                late.push((query.url.clone(), query.path.local));
            }
        }
        gatherer.relays.retain_mut(|relay| {
            if relay.is_asking() {
                late.push((relay.url.clone(), relay.path.local));
                released.push(relay.path);
            }
            !relay.is_asking()
        });
        for path in released {
            let wish = gatherer.release(path);
            wish.into_iter().for_each(|wish| self.events.push(wish));
        }
        for server in &mut gatherer.servers {
            if server.found == Found::Asked {
                server.found = Found::Nowhere;
                late.push((server.url.clone(), NOWHERE));
            }
        }
        let failure = Failure::new(Failure::NO_ANSWER, "the server does not answer");
        for (url, local) in late {
            self.tell_error(url, local, &failure);
        }
        self.settle_gathering();
    }

    pub(super) fn tell_error(&mut self, url: ServerUrl, local: SocketAddr, failure: &Failure) {
        self.events.push(Event::CandidateError {
            url,
            local,
            code: failure.code,
            reason: failure.reason.clone(),
        });
    }

    /// A server's name was resolved, or not.
    pub(super) fn server_resolved(&mut self, name: &str, addresses: &[IpAddr]) {
        let Some(gatherer) = &mut self.gatherer else {
            return;
        };
        let mut lost = Vec::new();
        for server in &mut gatherer.servers {
            let is_it = server.url.host.eq_ignore_ascii_case(name);
            if !is_it || server.found != Found::Asked {
                continue;
            }
            let of = |v4: bool| addresses.iter().copied().find(|ip| ip.is_ipv4() == v4);
            let found: arrayvec::ArrayVec<_, 2> = of(true).into_iter().chain(of(false)).collect();
            server.found = if found.is_empty() {
                lost.push(server.url.clone());
                Found::Nowhere
            } else {
                Found::At(found)
            };
        }
        let failure = Failure::new(Failure::NO_ANSWER, "the name has no address");
        for url in lost {
            self.tell_error(url, NOWHERE, &failure);
        }
        self.ask_servers();
        self.settle_gathering();
    }
}

/// In place of a socket, of which there is none.
const NOWHERE: SocketAddr = SocketAddr::new(IpAddr::V4(core::net::Ipv4Addr::UNSPECIFIED), 0);
