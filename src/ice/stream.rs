//! Which streams are there, and what comes out of them (RFC 6544, RFC 8656 §3.1)?

use alloc::vec::Vec;
use core::net::IpAddr;
use core::time::Duration;

use super::candidate::LocalCandidate;
use super::gatherer::Gatherer;
use super::state::Patience;
use super::{Event, GatheringLimits, IceAgent, ServerUrl};
use crate::net::{CandidateKind, Path, Protocol, TcpKind};
use crate::stun::Failure;
use crate::time::Instant;
use crate::wire::framing::{Deframer, Framing};

/// A stream that is there, or that was asked for.
#[derive(Debug)]
pub(super) struct Stream {
    /// Its path; with the local port zero while it is only asked for.
    pub(super) path: Path,
    /// Who is at the other end.
    pub(super) end: End,
    /// For how long it may neither come nor show that it is of use.
    patience: Patience,
    deframer: Deframer,
}

/// Who is at the other end of a stream?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// A server.
    Server,
    /// A candidate of the peer's that we connect to.
    Peer,
    /// Whoever has connected to us; the peer, once a check has come.
    Caller,
}

impl Stream {
    fn new(path: Path, end: End, limits: &GatheringLimits) -> Self {
        let framing = match end {
            End::Server => Framing::Turn,
            End::Peer | End::Caller => Framing::Length,
        };
        Self {
            path,
            end,
            patience: match end {
                // The search has a limit of its own.
                End::Server => Patience::Idle,
                End::Peer | End::Caller => Patience::Wanted,
            },
            deframer: Deframer::new(framing, limits.max_frame),
        }
    }

    /// When it has to have shown that it is of use.
    pub(super) const fn deadline(&self) -> Option<Instant> {
        self.patience.deadline()
    }

    /// Its patience begins, if it has to. Whether it does.
    pub(super) fn begin(&mut self, now: Instant) -> bool {
        self.patience.begin(now, PATIENCE)
    }

    /// Time passed.
    fn on_timeout(&mut self, now: Instant) {
        self.begin(now);
        self.patience.on_timeout(now);
    }
}

impl Gatherer {
    /// Asks for a stream, unless there are too many.
    pub(super) fn connect(
        &mut self,
        path: Path,
        url: Option<&ServerUrl>,
        limits: &GatheringLimits,
    ) -> Option<Event> {
        if self.streams.len() >= limits.max_streams {
            return None;
        }
        let end = match url {
            Some(_) => End::Server,
            None => End::Peer,
        };
        self.streams.push(Stream::new(path, end, limits));
        let secure = url.filter(|_| path.protocol == Protocol::Tls);
        Some(Event::Connect {
            path,
            server_name: secure.map(|url| url.host.clone()),
        })
    }

    /// A stream is not wanted any more.
    pub(super) fn release(&mut self, path: Path) -> Option<Event> {
        let index = self.streams.iter().position(|stream| stream.path == path)?;
        self.streams.swap_remove(index);
        Some(Event::Release(path))
    }

    /// Room for what a stream gives.
    fn take_payload(&mut self) -> Vec<u8> {
        let mut payload = core::mem::take(&mut self.payload);
        payload.clear();
        payload
    }

    /// The streams that do not lead to servers.
    pub(super) fn peer_streams(&self) -> Vec<Path> {
        let streams = self.streams.iter();
        streams
            .filter(|stream| stream.end != End::Server)
            .map(|stream| stream.path)
            .collect()
    }
}

/// What the application says of its streams.
impl IceAgent {
    pub(super) fn stream_connected(&mut self, now: Instant, asked: Path, actual: Path) {
        let gatherer = self.gatherer.as_deref_mut();
        let streams = gatherer
            .into_iter()
            .flat_map(|gatherer| &mut gatherer.streams);
        let Some(stream) = streams.into_iter().find(|stream| stream.path == asked) else {
            // It was given up meanwhile.
            self.events.push(Event::Release(actual));
            return;
        };
        stream.path = actual;
        stream.patience = Patience::Idle;
        if stream.end == End::Server {
            let relays = self
                .gatherer
                .iter_mut()
                .flat_map(|gatherer| &mut gatherer.relays);
            let mut connecting = relays.filter(|relay| relay.is_connecting());
            if let Some(relay) = connecting.find(|relay| relay.asked == asked) {
                relay.connected(actual);
            }
        } else {
            self.each_pair(|pair| {
                if pair.path == asked {
                    pair.path = actual;
                    pair.blocked = false;
                }
            });
        }
        self.conclude(now);
    }

    pub(super) fn stream_ended(&mut self, now: Instant, path: Path) {
        let Some(gatherer) = &mut self.gatherer else {
            return;
        };
        let is_it = |stream: &Stream| stream.path == path;
        let Some(index) = gatherer.streams.iter().position(is_it) else {
            return;
        };
        gatherer.streams.swap_remove(index);
        let relay = gatherer.relays.iter().find(|relay| relay.path == path);
        if let Some(relay) = relay {
            let (url, asked) = (relay.url.clone(), relay.asked);
            self.lose_relay(now, asked);
            if !self.is_closed() {
                let failure = Failure::new(Failure::NO_ANSWER, "there is no stream to the server");
                self.tell_error(url, path.local, &failure);
            }
        }
        self.lose_pairs(now, |lost| lost == path);
        self.on_server_news(now);
    }

    pub(super) fn stream_accepted(&mut self, now: Instant, path: Path) {
        let limits = self.config.limits;
        let is_usable = |index| self.is_usable(index, path) && !self.is_silent();
        let is_listener = self.base_of(path).is_some_and(is_usable);
        let gatherer = self.gatherer.get_or_insert_default();
        if gatherer.streams.iter().any(|stream| stream.path == path) {
            return;
        }
        if gatherer.streams.len() >= limits.max_streams {
            // Nobody can keep others out by connecting and saying nothing.
            let silent = gatherer
                .streams
                .iter()
                .filter(|stream| stream.end == End::Caller && stream.patience != Patience::Idle)
                .min_by_key(|stream| stream.deadline());
            let oldest = silent.map(|stream| stream.path);
            let wish = oldest.and_then(|path| gatherer.release(path));
            wish.into_iter().for_each(|wish| self.events.push(wish));
        }
        if !is_listener || gatherer.streams.len() >= limits.max_streams {
            self.stats.dropped.streams_refused += 1;
            self.events.push(Event::Release(path));
            return;
        }
        let mut stream = Stream::new(path, End::Caller, &limits);
        stream.on_timeout(now);
        gatherer.streams.push(stream);
        self.refresh();
    }

    /// If this address has no socket any more, no streams are opened from there. Those
    /// that are open end when the application says so.
    pub(super) fn forget_streams_from(&mut self, ip: IpAddr) {
        let is_socket = |local: &LocalCandidate| {
            local.candidate.kind == CandidateKind::Host
                && local.candidate.tcp != Some(TcpKind::Active)
                && local.base.ip() == ip
        };
        if !self.locals.iter().any(is_socket) {
            let is_active = |local: &LocalCandidate| {
                local.candidate.tcp == Some(TcpKind::Active) && local.base.ip() == ip
            };
            self.forget_locals(is_active);
        }
    }

    /// Takes frames out of `bytes` until one is for whoever is above, and keeps that.
    pub(super) fn next_payload(
        &mut self,
        now: Instant,
        path: Path,
        bytes: &mut &[u8],
    ) -> Option<()> {
        loop {
            let streams = self.gatherer.iter_mut();
            let mut streams = streams.flat_map(|gatherer| &mut gatherer.streams);
            let Some(stream) = streams.find(|stream| stream.path == path) else {
                self.stats.dropped.unknown_stream += 1;
                *bytes = &[];
                return None;
            };
            let idle = Deframer::new(Framing::Length, 0);
            let mut deframer = core::mem::replace(&mut stream.deframer, idle);
            let frame = match deframer.next(bytes) {
                Ok(Some(frame)) => frame,
                Ok(None) => {
                    stream.deframer = deframer;
                    return None;
                }
                Err(_) => {
                    self.stats.dropped.bad_frame += 1;
                    *bytes = &[];
                    self.release_stream(now, path);
                    return None;
                }
            };
            let mut payload = self.gatherer.as_mut()?.take_payload();
            let is_payload = match self.open_datagram(now, path, frame) {
                Some(data) => {
                    payload.extend_from_slice(data);
                    true
                }
                None => false,
            };
            let gatherer = self.gatherer.as_mut()?;
            gatherer.payload = payload;
            let mut streams = gatherer.streams.iter_mut();
            if let Some(stream) = streams.find(|stream| stream.path == path) {
                stream.deframer = deframer;
            }
            if is_payload {
                return Some(());
            }
        }
    }

    /// What comes over a stream makes no sense: it ends.
    fn release_stream(&mut self, now: Instant, path: Path) {
        self.events.push(Event::Release(path));
        self.stream_ended(now, path);
    }

    /// Opens the way of a pair. Whether it is open already; `None` if it never will be.
    pub(super) fn open_way(&mut self, path: Path) -> Option<bool> {
        if !path.protocol.is_stream() {
            let gatherer = self.gatherer.as_mut();
            let relay = gatherer.and_then(|gatherer| gatherer.relay_of(path.local));
            return relay.map_or(Some(true), |relay| relay.permit(path.remote.ip()));
        }
        let gatherer = self.gatherer.get_or_insert_default();
        if path.local.port() != 0 {
            // A check came over a stream that was accepted; only there is the peer.
            let mut streams = gatherer.streams.iter();
            return streams.any(|stream| stream.path == path).then_some(true);
        }
        let known = gatherer.streams.iter().find(|stream| stream.path == path);
        if known.is_some_and(|stream| stream.end == End::Server) {
            // The candidate claims the place of a server.
            return None;
        }
        if known.is_none() {
            let wish = gatherer.connect(path, None, &self.config.limits)?;
            self.events.push(wish);
        }
        Some(false)
    }

    /// The check that came over this stream was authentic.
    pub(super) fn prove_stream(&mut self, path: Path) {
        let streams = self
            .gatherer
            .iter_mut()
            .flat_map(|gatherer| &mut gatherer.streams);
        for stream in streams.filter(|stream| stream.path == path) {
            stream.patience = Patience::Idle;
        }
    }

    /// Time passed for the streams: those that do not come are not waited for.
    pub(super) fn streams_timeout(&mut self, now: Instant) {
        let streams = self
            .gatherer
            .iter_mut()
            .flat_map(|gatherer| &mut gatherer.streams);
        let mut late = Vec::new();
        for stream in streams {
            stream.on_timeout(now);
            if stream.patience == Patience::Over {
                late.push(stream.path);
            }
        }
        for path in late {
            self.release_stream(now, path);
        }
    }

    /// Releases the streams that are of no use to any pair.
    pub(super) fn sweep_streams(&mut self) {
        let Some(gatherer) = &self.gatherer else {
            return;
        };
        let is_of_peer = |stream: &&Stream| stream.end != End::Server;
        let streams = gatherer.streams.iter().filter(is_of_peer);
        let mut useless: Vec<_> = streams
            .filter(|stream| matches!(stream.patience, Patience::Idle | Patience::Over))
            .map(|stream| stream.path)
            .collect();
        if useless.is_empty() {
            return;
        }
        let generations = self.older.iter().chain([&self.generation]);
        for pair in generations.flat_map(|generation| &generation.checks.pairs) {
            if pair.is_alive() {
                useless.retain(|path| *path != pair.path);
            }
        }
        for path in useless {
            let gatherer = self.gatherer.as_mut();
            let wish = gatherer.and_then(|gatherer| gatherer.release(path));
            wish.into_iter().for_each(|wish| self.events.push(wish));
        }
    }
}

/// How long a stream may take to come, and a caller may be silent.
const PATIENCE: Duration = Duration::from_secs(10);
