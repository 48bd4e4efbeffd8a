//! What passes between the agent and its servers.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::net::SocketAddr;
use core::time::Duration;

use super::candidate::{self, LocalCandidate};
use super::gatherer::Gatherer;
use super::names::Names;
use super::pair::Pair;
use super::query::Query;
use super::relay::Relay;
use super::state::Patience;
use super::{Event, GatheringState, IceAgent, ServerUrl, TransportPolicy};
use crate::cursor::{Reader, Writer};
use crate::net::{Candidate, CandidateAddress, CandidateKind, Path, Protocol};
use crate::rng::Rng;
use crate::stun::{Answer, Failure, Schedule};
use crate::time::Instant;
use crate::turn;
use crate::wire::demux::{self, Class};
use crate::wire::stun::Message;

/// The verbs, as far as servers are concerned.
impl IceAgent {
    /// What a datagram is for the rest of the agent: with the path that it has
    /// taken in truth, if a relay has sent it on. `None` if a server has sent it.
    pub(super) fn unwrap<'d>(
        &mut self,
        now: Instant,
        path: Path,
        datagram: &'d mut [u8],
    ) -> Option<(Path, &'d mut [u8])> {
        let gatherer = self.gatherer.as_mut()?;
        if gatherer.names.open(now, path, datagram) {
            self.on_server_news(now);
            return None;
        }
        if demux::classify(datagram) == Class::Stun && gatherer.answers_query(now, path, datagram) {
            self.on_server_news(now);
            return None;
        }
        let Some(relay) = gatherer.relays.iter_mut().find(|relay| relay.path == path) else {
            return Some((path, datagram));
        };
        let relayed = relay.relayed;
        let unwrapped = relay.open(now, datagram);
        if unwrapped.is_none() {
            self.on_server_news(now);
        }
        let (peer, data) = unwrapped?;
        let relayed = relayed?;
        Some((
            Path::udp(relayed, candidate::seen_from(relayed, peer)),
            data,
        ))
    }

    /// Writes the next message for a server.
    pub(super) fn poll_servers(&mut self, now: Instant, out: &mut Writer<'_>) -> Option<Path> {
        let may_begin = !self.agenda.is_paced(now) && !self.is_silent();
        let gatherer = self.gatherer.as_mut()?;
        let mut has_changed = gatherer.begin(now, self.config.gathering_timeout);
        let mut sent = gatherer.poll_active(now, out);
        if sent.is_none() && may_begin && gatherer.wants_to_begin() {
            // RFC 8445 §14.2: servers are asked in the pace of the checks, too.
            let schedule = self.query_schedule();
            let gatherer = self.gatherer.as_mut()?;
            let failed = gatherer.begin_next(schedule, &mut self.rng);
            sent = gatherer.poll_active(now, out);
            self.agenda.pace(now + self.config.pacing);
            if let Some((url, local, failure)) = failed {
                self.tell_error(url, local, &failure);
                self.settle_gathering();
                self.settle();
            }
            has_changed = true;
        }
        if has_changed || sent.is_some() {
            self.refresh();
        }
        sent
    }

    /// RFC 8445 §14.3: the more is asked at once, the less often it is repeated.
    fn query_schedule(&self) -> Schedule {
        let schedule = self.config.schedule;
        let asked = self.gatherer.as_ref().map_or(0, |gatherer| {
            let queries = gatherer.queries.iter().filter(|query| query.is_asking());
            queries.count() + gatherer.relays.len()
        });
        let asked = u32::try_from(asked).unwrap_or(u32::MAX);
        let rto = self.config.pacing.saturating_mul(asked);
        schedule.with_rto(rto.max(schedule.rto))
    }

    /// Time passed for the servers.
    pub(super) fn servers_timeout(&mut self, now: Instant) {
        let Some(gatherer) = &mut self.gatherer else {
            return;
        };
        gatherer.begin(now, self.config.gathering_timeout);
        for query in &mut gatherer.queries {
            query.handle_timeout(now);
        }
        for relay in &mut gatherer.relays {
            relay.handle_timeout(now);
        }
        gatherer.names.handle_timeout(now);
        gatherer.patience.on_timeout(now);
        if gatherer.patience == Patience::Over {
            self.give_up();
        }
        self.streams_timeout(now);
        self.on_server_news(now);
    }

    /// Takes what queries and relays have to tell.
    pub(super) fn on_server_news(&mut self, now: Instant) {
        while let Some((url, path, answer)) = self
            .gatherer
            .as_mut()
            .and_then(|gatherer| gatherer.next_answer(now))
        {
            match answer {
                Answer::Mapped(mapped) => self.learn_reflexive(path, mapped),
                Answer::Failed(failure) => self.tell_error(url, path.local, &failure),
                _ => {}
            }
        }
        while let Some((asked, event)) = self
            .gatherer
            .as_mut()
            .and_then(|gatherer| gatherer.next_relay_event())
        {
            self.on_relay_event(now, asked, event);
        }
        self.on_name_news();
        if self.is_closed() {
            self.settle_closing();
        } else {
            self.settle_gathering();
            self.settle();
            // Of no use any more, it would be asked by every poll.
            self.gatherer.take_if(|gatherer| gatherer.is_empty());
        }
        self.refresh();
    }

    fn on_relay_event(&mut self, now: Instant, asked: Path, event: turn::Event) {
        let Some(gatherer) = &mut self.gatherer else {
            return;
        };
        let Some(relay) = gatherer
            .relays
            .iter_mut()
            .find(|relay| relay.asked == asked)
        else {
            return;
        };
        match event {
            turn::Event::Allocated { relayed, mapped } => {
                let (url, path) = (relay.url.clone(), relay.path);
                if self.base_of(Path::udp(relayed, relayed)).is_some() {
                    // What we send from our own socket is none of the server's business.
                    self.refuse_relay(now, asked);
                    let failure = Failure::new(Failure::NO_ANSWER, "the address is ours already");
                    self.tell_error(url, path.local, &failure);
                } else {
                    self.learn_relayed(path, relayed, mapped);
                }
            }
            turn::Event::Permitted(peer) => {
                let relayed = relay.relayed;
                self.each_pair(|pair| {
                    if Some(pair.path.local) == relayed && pair.path.remote.ip() == peer {
                        pair.blocked = false;
                    }
                });
            }
            turn::Event::Refused { peer, .. } => {
                let relayed = relay.relayed;
                self.lose_pairs(now, |path| {
                    Some(path.local) == relayed && path.remote.ip() == peer
                });
            }
            turn::Event::Redirected { server, domain } => {
                let before = relay.path;
                relay.redirect(server);
                let path = relay.asked;
                if relay.is_connecting() {
                    let mut url = relay.url.clone();
                    url.host = domain.unwrap_or(url.host);
                    let wish = gatherer.connect(path, Some(&url), &self.config.limits);
                    let wishes = wish.into_iter().chain(gatherer.release(before));
                    wishes.for_each(|wish| self.events.push(wish));
                }
            }
            turn::Event::Failed(failure) => {
                if relay.fall_back(&failure) {
                    return;
                }
                let (url, path) = (relay.url.clone(), relay.path);
                self.lose_relay(now, asked);
                if !self.is_silent() {
                    self.tell_error(url, path.local, &failure);
                }
            }
            turn::Event::Closed => {
                self.lose_relay(now, asked);
                // It may be wanted again meanwhile, after a restart.
                if self.gathering == GatheringState::Gathering {
                    self.ask_servers();
                }
            }
        }
    }

    /// RFC 8445 §5.1.1.2: a server sees one of our sockets at `mapped`.
    fn learn_reflexive(&mut self, path: Path, mapped: SocketAddr) {
        let mapped = candidate::seen_from(path.local, mapped);
        let base = self.base_of(Path::udp(path.local, path.local));
        let Some(base) = base.and_then(|index| self.locals.get(index)) else {
            return;
        };
        if mapped.is_ipv4() != path.local.is_ipv4() || !candidate::is_reachable(mapped) {
            return;
        }
        let preference = candidate::local_preference_of(&base.candidate);
        let related = Some(base.base);
        self.learn(
            CandidateKind::ServerReflexive,
            mapped,
            path,
            preference,
            related,
        );
    }

    /// RFC 8445 §5.1.1.2: a server has lent us `relayed`, and sees us at `mapped`.
    fn learn_relayed(&mut self, path: Path, relayed: SocketAddr, mapped: SocketAddr) {
        let kind = CandidateKind::Relayed;
        if !candidate::is_reachable(relayed) {
            return;
        }
        if path.protocol == Protocol::Udp && self.config.policy == TransportPolicy::All {
            self.learn_reflexive(path, mapped);
        }
        let is_alike = |local: &&LocalCandidate| {
            local.candidate.kind == kind && local.base.is_ipv4() == relayed.is_ipv4()
        };
        // A relay that is reached over a stream is slower.
        let handicap = match path.protocol {
            Protocol::Udp => 0,
            Protocol::Tcp => 0x1000,
            Protocol::Tls => 0x2000,
        };
        let nth = self.locals.iter().filter(is_alike).count() + handicap;
        let preference = candidate::local_preference(relayed.ip(), nth);
        self.learn(kind, relayed, path, preference, Some(mapped));
    }

    fn learn(
        &mut self,
        kind: CandidateKind,
        address: SocketAddr,
        path: Path,
        preference: u16,
        related: Option<SocketAddr>,
    ) {
        let base = match kind {
            CandidateKind::Relayed => address,
            _ => path.local,
        };
        let server = Some(path.remote.ip());
        let protocol = Protocol::Udp;
        let is_secret = kind == CandidateKind::Relayed
            && self.config.policy == TransportPolicy::Relay
            || self.config.hide_addresses;
        let related = related.map(|related| match is_secret {
            true => candidate::nothing_like(related),
            false => related,
        });
        self.add_learned(LocalCandidate {
            candidate: Candidate {
                foundation: candidate::foundation(&self.locals, kind, base.ip(), protocol, server),
                component: candidate::COMPONENT,
                protocol,
                priority: candidate::priority(kind, preference),
                address: CandidateAddress::Ip(address),
                kind,
                related,
                tcp: None,
                ufrag: Some(self.generation.local.credentials.ufrag.clone()),
            },
            address,
            base,
            server,
            shared: false,
            announced: false,
        });
    }

    /// A relay is no more, and nor is what went through it.
    pub(super) fn lose_relay(&mut self, now: Instant, asked: Path) {
        let Some(gatherer) = &mut self.gatherer else {
            return;
        };
        let Some(index) = gatherer
            .relays
            .iter()
            .position(|relay| relay.asked == asked)
        else {
            return;
        };
        let relay = gatherer.relays.swap_remove(index);
        if relay.path.protocol.is_stream() {
            let wish = gatherer.release(relay.path);
            wish.into_iter().for_each(|wish| self.events.push(wish));
        }
        if let Some(relayed) = relay.relayed {
            self.lose_pairs(now, |path| path.local == relayed);
            self.forget_locals(|local| {
                local.base == relayed && local.candidate.protocol == Protocol::Udp
            });
        }
    }

    /// A relay lends what it cannot have: it goes, and what is there already stays.
    fn refuse_relay(&mut self, now: Instant, asked: Path) {
        let relays = self
            .gatherer
            .iter_mut()
            .flat_map(|gatherer| &mut gatherer.relays);
        for relay in relays.filter(|relay| relay.asked == asked) {
            relay.relayed = None;
        }
        self.lose_relay(now, asked);
    }

    /// Does `act` on the pairs of all generations.
    pub(super) fn each_pair(&mut self, mut act: impl FnMut(&mut Pair)) {
        self.for_each_generation(|agent| {
            agent.generation.checks.pairs.iter_mut().for_each(&mut act);
        });
    }

    /// The way of these pairs is closed.
    pub(super) fn lose_pairs(&mut self, now: Instant, is_lost: impl Fn(Path) -> bool) {
        self.each_pair(|pair| {
            if is_lost(pair.path) {
                pair.fail();
                pair.is_gone = true;
            }
        });
        self.recover();
        self.replies.retain(|reply| !is_lost(reply.path));
        if !self.is_closed() {
            self.conclude(now);
        }
    }

    /// The way of data has changed: through a relay, a channel makes it smoother.
    pub(super) fn smooth_way(&mut self) {
        let progress = &self.generation.progress;
        let pair = progress
            .current
            .and_then(|index| self.generation.checks.pairs.get(index));
        let gatherer = self.gatherer.as_mut();
        if let (Some(pair), Some(gatherer)) = (pair, gatherer)
            && let Some(relay) = gatherer.relay_of(pair.path.local)
        {
            relay.bind(pair.path.remote);
        }
    }

    /// Pairs of a generation are gone, and relays need not let their peers in.
    pub(super) fn forget_guests(&mut self) {
        let generations = self.older.iter().chain([&self.generation]);
        let relays = self
            .gatherer
            .iter_mut()
            .flat_map(|gatherer| &mut gatherer.relays);
        for relay in relays {
            let relayed = relay.relayed;
            relay.forget_guests(|ip| {
                let mut pairs = generations.clone().flat_map(|one| &one.checks.pairs);
                pairs.any(|pair| Some(pair.path.local) == relayed && pair.path.remote.ip() == ip)
            });
        }
    }

    /// A pair was selected, which keeps itself alive: the other bindings may lapse.
    pub(super) fn rest_queries(&mut self) {
        let queries = self
            .gatherer
            .iter_mut()
            .flat_map(|gatherer| &mut gatherer.queries);
        queries.for_each(Query::rest);
    }

    /// Gives everything back that servers have lent, and waits for nobody.
    pub(super) fn close_servers(&mut self) {
        let Some(gatherer) = &mut self.gatherer else {
            return;
        };
        gatherer.names = Names::default();
        gatherer.servers.clear();
        gatherer.queries.clear();
        gatherer.patience = Patience::Idle;
        let (mut released, mut lost) = (Vec::new(), Vec::new());
        gatherer.relays.retain_mut(|relay| {
            let stays = relay.close();
            lost.extend(relay.relayed);
            if !stays && relay.path.protocol.is_stream() {
                released.push(relay.path);
            }
            stays
        });
        released.extend(gatherer.peer_streams());
        for path in released {
            let wish = gatherer.release(path);
            wish.into_iter().for_each(|wish| self.events.push(wish));
        }
        if self.is_closed() {
            self.gatherer.take_if(|gatherer| gatherer.relays.is_empty());
        } else {
            // They must not be told again after a restart.
            self.forget_locals(|local| lost.contains(&local.base));
        }
        self.refresh();
    }

    /// Whether nothing comes any more, not even a farewell.
    pub(super) fn is_over(&self) -> bool {
        self.is_closed() && self.gatherer.is_none()
    }

    /// The agent is over when the last farewell was said.
    fn settle_closing(&mut self) {
        let is_done = |gatherer: &mut Box<Gatherer>| gatherer.relays.is_empty();
        if self.gatherer.take_if(is_done).is_some() {
            self.events.push(Event::Closed);
        }
    }
}

impl Gatherer {
    /// Whether the datagram answers a query.
    fn answers_query(&mut self, now: Instant, path: Path, datagram: &[u8]) -> bool {
        let Ok(message) = Message::parse(&mut Reader::new(datagram)) else {
            return false;
        };
        let id = message.transaction_id();
        let asked = self.queries.iter_mut().filter(|query| query.path == path);
        let query = asked
            .filter_map(Query::active)
            .find(|query| query.is_awaiting(id));
        query
            .map(|query| query.handle_input(now, datagram))
            .is_some()
    }

    fn next_answer(&mut self, now: Instant) -> Option<(ServerUrl, Path, Answer)> {
        self.queries.iter_mut().find_map(|query| {
            let answer = query.answer(now)?;
            Some((query.url.clone(), query.path, answer))
        })
    }

    fn next_relay_event(&mut self) -> Option<(Path, turn::Event)> {
        self.relays.iter_mut().find_map(|relay| {
            let event = relay.poll_event()?;
            Some((relay.asked, event))
        })
    }

    /// Writes what is under way.
    fn poll_active(&mut self, now: Instant, out: &mut Writer<'_>) -> Option<Path> {
        for query in &mut self.queries {
            let path = query.path;
            if query
                .active()
                .is_some_and(|query| query.poll_transmit(now, out))
            {
                return Some(path);
            }
        }
        self.relays
            .iter_mut()
            .find_map(|relay| relay.poll_transmit(now, out))
    }

    /// What waits for a moment to count from has one now.
    fn begin(&mut self, now: Instant, patience: Duration) -> bool {
        let streams = self.streams.iter_mut();
        let begun: usize = streams.map(|stream| usize::from(stream.begin(now))).sum();
        self.patience.begin(now, patience) || begun > 0
    }

    /// Begins the transaction that waits first; gives a login that is not usable.
    fn begin_next(
        &mut self,
        schedule: Schedule,
        rng: &mut Rng,
    ) -> Option<(ServerUrl, SocketAddr, Failure)> {
        if let Some(query) = self.queries.iter_mut().find(|query| query.is_waiting()) {
            query.begin(schedule, rng);
            return None;
        }
        let index = self.relays.iter().position(Relay::is_waiting)?;
        let relay = self.relays.get_mut(index)?;
        let failure = relay.begin(rng).err()?;
        let relay = self.relays.swap_remove(index);
        Some((relay.url, relay.path.local, failure))
    }
}
