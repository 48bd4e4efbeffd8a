//! The machine: what the application and its parent see.

use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::net::{IpAddr, SocketAddr};

use rand_core::CryptoRng;

use super::querier::Querier;
use super::responder::{Query, Responder};
use super::sockets::Sockets;
use super::{Event, MdnsConfig, NameError, PORT, SocketError, Stats, is_local_name};
use crate::cursor::{Reader, Writer};
use crate::net::Path;
use crate::rng::Rng;
use crate::time::Instant;
use crate::timer::earliest;
use crate::wire::mdns::Message;

/// Which addresses are behind the `.local` names of others, and who asks for ours?
///
/// See the [module](super) for the sockets that it needs.
#[derive(Clone, Debug)]
pub struct Mdns {
    config: MdnsConfig,
    rng: Rng,
    /// The latest moment that we were told: an earlier one is taken for it.
    latest: Instant,
    sockets: Sockets,
    querier: Querier,
    responder: Responder,
    /// At most one for each question, and the last.
    events: VecDeque<Event>,
    closed: bool,
    stats: Stats,
}

/// Constructor and commands.
impl Mdns {
    /// A machine without sockets.
    pub fn new(config: MdnsConfig, rng: &mut (impl CryptoRng + ?Sized)) -> Self {
        Self {
            config,
            rng: Rng::from_rng(rng),
            latest: Instant::ZERO,
            sockets: Sockets::default(),
            querier: Querier::default(),
            responder: Responder::default(),
            events: VecDeque::new(),
            closed: false,
            stats: Stats::default(),
        }
    }

    /// A socket that is bound to port 5353 and has joined the group of its family.
    /// Adding it again changes nothing.
    ///
    /// # Errors
    ///
    /// [`SocketError`]; nothing changed then.
    pub fn add_socket(&mut self, local: SocketAddr) -> Result<(), SocketError> {
        if self.closed {
            return Err(SocketError::Closed);
        }
        if self.has_socket(local) {
            return Ok(());
        }
        let place = self.sockets.add(local)?;
        self.querier.add_place(place);
        Ok(())
    }

    /// The sockets that are there.
    pub fn sockets(&self) -> impl Iterator<Item = SocketAddr> {
        self.sockets.iter()
    }

    /// A socket is no longer there. Without any, what is asked for is not found.
    pub fn remove_socket(&mut self, local: SocketAddr) {
        let Some(place) = self.sockets.remove(local) else {
            return;
        };
        self.querier.remove_place(place);
        self.responder.remove_place(place);
        if self.sockets.places().is_empty() {
            self.events.extend(self.querier.give_up());
        }
    }

    /// Asks for the addresses of a name. The answer is [`Event::Resolved`] or
    /// [`Event::NotFound`]. Asking again meanwhile changes nothing.
    ///
    /// # Errors
    ///
    /// [`NameError`]; nothing changed then.
    pub fn resolve(&mut self, name: &str) -> Result<(), NameError> {
        self.accept(name)?;
        if self.events.len() >= self.config.max_questions {
            return Err(NameError::TooMany);
        }
        self.querier.ask(name, self.sockets.places(), &self.config)
    }

    /// Stops asking for a name.
    pub fn forget(&mut self, name: &str) {
        self.querier.forget(name);
    }

    /// Answers for a name, best one of [`random_name`](super::random_name).
    ///
    /// # Errors
    ///
    /// [`NameError`]; nothing changed then.
    pub fn publish(&mut self, name: &str, address: IpAddr) -> Result<(), NameError> {
        self.accept(name)?;
        self.responder.publish(name, address, &self.config)
    }

    /// Answers for a name no more.
    pub fn withdraw(&mut self, name: &str) {
        self.responder.withdraw(name);
    }

    /// Ends the machine. After [`Event::Closed`] it is silent.
    pub fn close(&mut self) {
        if self.closed {
            return;
        }
        self.closed = true;
        self.sockets = Sockets::default();
        self.querier = Querier::default();
        self.responder = Responder::default();
        self.events.clear();
        self.events.push_back(Event::Closed);
    }

    fn accept(&self, name: &str) -> Result<(), NameError> {
        if self.closed {
            Err(NameError::Closed)
        } else if is_local_name(name) {
            Ok(())
        } else {
            Err(NameError::NotLocal)
        }
    }
}

/// The verbs of an endpoint.
impl Mdns {
    /// Takes a datagram that one of the sockets received.
    pub fn handle_input(&mut self, now: Instant, path: Path, datagram: &[u8]) {
        if self.closed {
            return;
        }
        let Some(place) = self.sockets.place(path.local) else {
            self.stats.dropped.unknown_local += 1;
            return;
        };
        let Ok(message) = Message::parse(&mut Reader::new(datagram)) else {
            self.stats.dropped.malformed += 1;
            return;
        };
        let now = self.told(now);
        if message.header().response {
            self.on_response(path.remote, &message);
        } else {
            let query = Query {
                place,
                from: path.remote,
                message,
            };
            let (config, stats) = (&self.config, &mut self.stats);
            self.responder
                .on_query(now, &query, config, &mut self.rng, stats);
        }
    }

    /// Time passed: questions are asked again, or given up.
    pub fn handle_timeout(&mut self, now: Instant) {
        let now = self.told(now);
        let mut events = Vec::new();
        self.querier
            .on_timeout(now, self.sockets.places(), &mut events);
        self.events.extend(events);
        self.responder.on_timeout(now);
    }

    /// Appends a datagram to `out` and says where it goes, if there is one.
    pub fn poll_transmit(&mut self, now: Instant, out: &mut Writer<'_>) -> Option<Path> {
        let now = self.told(now);
        let (sockets, config) = (&self.sockets, &self.config);
        if let Some(path) = self.responder.poll_transmit(now, sockets, config, out) {
            self.stats.responses_sent += 1;
            return Some(path);
        }
        let path = self.querier.poll_transmit(now, sockets, config, out)?;
        self.stats.queries_sent += 1;
        Some(path)
    }

    /// What happened next.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// When `handle_timeout` wants to be called next.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        earliest(self.querier.deadline(), self.responder.deadline())
    }

    fn told(&mut self, now: Instant) -> Instant {
        self.latest = self.latest.max(now);
        self.latest
    }

    /// Which destination a datagram had is not known here, so that the rule of RFC
    /// 6762 §11 for unicast cannot be kept: who answers from afar must know a random
    /// name that is asked for just now, and the address is no more trusted than one
    /// that a peer tells.
    fn on_response(&mut self, from: SocketAddr, message: &Message<'_>) {
        // RFC 6762 §6.
        if from.port() != PORT {
            self.stats.dropped.wrong_port += 1;
            return;
        }
        let mut events = Vec::new();
        self.querier.on_response(message, &mut events);
        if events.is_empty() {
            self.stats.dropped.not_for_us += 1;
        }
        self.stats.resolved += events.len() as u64;
        self.events.extend(events);
    }
}

/// Questions.
impl Mdns {
    /// Whether this is one of the sockets, and its datagrams belong here.
    #[must_use]
    pub fn has_socket(&self, local: SocketAddr) -> bool {
        self.sockets.place(local).is_some()
    }

    /// What was counted.
    #[must_use]
    pub const fn stats(&self) -> Stats {
        self.stats
    }
}
