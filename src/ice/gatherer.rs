//! What helps to find candidates, and what carries datagrams that no UDP socket does.
//!
//! Most agents have nothing of it, so all of it is behind one pointer.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::net::{IpAddr, SocketAddr};

use arrayvec::ArrayVec;

use super::names::Names;
use super::query::Query;
use super::relay::Relay;
use super::state::Patience;
use super::stream::Stream;
use super::{IceServer, Scheme, ServerUrl};
use crate::cursor::Writer;
use crate::net::{Path, Protocol};
use crate::time::Instant;
use crate::wire::framing::Framing;

/// Servers and what was asked of them, streams, and names.
#[derive(Debug, Default)]
pub(super) struct Gatherer {
    /// The servers of the search that was begun last.
    pub(super) servers: Vec<Server>,
    /// What STUN servers are asked.
    pub(super) queries: Vec<Query>,
    /// What TURN servers lend.
    pub(super) relays: Vec<Relay>,
    /// Streams to servers and peers.
    pub(super) streams: Vec<Stream>,
    /// Names of ours and of the peer.
    pub(super) names: Names,
    /// What came out of a stream last, for whoever is above.
    pub(super) payload: Vec<u8>,
    /// For how long the servers are waited for.
    pub(super) patience: Patience,
}

/// A server that is to be asked.
#[derive(Debug)]
pub(super) struct Server {
    pub(super) url: ServerUrl,
    /// Whose password it is.
    pub(super) login: IceServer,
    pub(super) found: Found,
}

/// At which addresses is a server?
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// The application was asked.
    Asked,
    /// One of each family at most.
    At(ArrayVec<IpAddr, 2>),
    /// Nowhere, and that was told.
    Nowhere,
}

impl Gatherer {
    /// Replaces the servers by those of `config`, and keeps what is known of their
    /// addresses. Gives the names that have to be resolved.
    pub(super) fn set_servers(&mut self, config: &[IceServer]) -> Vec<String> {
        let before = core::mem::take(&mut self.servers);
        let mut wanted: Vec<String> = Vec::new();
        for (server, url) in config
            .iter()
            .flat_map(|server| server.urls.iter().map(move |url| (server, url)))
        {
            let known = before.iter().find(|old| old.url.host == url.host);
            let found = match (url.host.parse(), known.map(|old| &old.found)) {
                // It would say how it sees a stream, which nobody can connect to.
                _ if url.scheme == Scheme::Stuns => Found::Nowhere,
                (Ok(ip), _) => Found::At([ip].into_iter().collect()),
                (Err(_), Some(Found::At(addresses))) => Found::At(addresses.clone()),
                (Err(_), _) => Found::Asked,
            };
            if found == Found::Asked && !wanted.contains(&url.host) {
                wanted.push(url.host.clone());
            }
            self.servers.push(Server {
                url: url.clone(),
                login: server.login(),
                found,
            });
        }
        wanted
    }

    /// Whether an answer of a server is still waited for.
    pub(super) fn is_searching(&self) -> bool {
        self.servers
            .iter()
            .any(|server| server.found == Found::Asked)
            || self.queries.iter().any(Query::is_asking)
            || self.relays.iter().any(Relay::is_asking)
    }

    /// Whether there is nothing in it, so that it can go.
    pub(super) fn is_empty(&self) -> bool {
        self.servers.is_empty()
            && self.queries.is_empty()
            && self.relays.is_empty()
            && self.streams.is_empty()
            && self.names.is_empty()
    }

    /// Whether a new transaction with a server is to begin.
    pub(super) fn wants_to_begin(&self) -> bool {
        self.queries.iter().any(Query::is_waiting) || self.relays.iter().any(Relay::is_waiting)
    }

    /// When the next of the timers runs out.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let queries = self.queries.iter().filter_map(Query::deadline);
        let relays = self.relays.iter().filter_map(Relay::deadline);
        let streams = self.streams.iter().filter_map(Stream::deadline);
        queries
            .chain(relays)
            .chain(streams)
            .chain(self.patience.deadline())
            .min()
    }

    /// Which relay gave us this address.
    pub(super) fn relay_of(&mut self, relayed: SocketAddr) -> Option<&mut Relay> {
        self.relays
            .iter_mut()
            .find(|relay| relay.relayed == Some(relayed))
    }

    /// Lets `fill` write a datagram for `path`, wrapped as it travels there.
    pub(super) fn carry(
        &mut self,
        path: Path,
        out: &mut Writer<'_>,
        fill: impl FnOnce(&mut Writer<'_>) -> bool,
    ) -> Option<Path> {
        if path.protocol == Protocol::Tcp {
            return Framing::Length.emit(out, fill).then_some(path);
        }
        match self.relay_of(path.local) {
            Some(relay) => relay.seal(path.remote, out, fill),
            None => out.nest(0, 0, fill).then_some(path),
        }
    }
}

/// Lets `fill` write a datagram for the path of a pair, and says which way it leaves:
/// the same, or to the relay that it goes through.
pub(super) fn carry(
    gatherer: &mut Option<Box<Gatherer>>,
    path: Path,
    out: &mut Writer<'_>,
    fill: impl FnOnce(&mut Writer<'_>) -> bool,
) -> Option<Path> {
    match gatherer {
        Some(gatherer) => gatherer.carry(path, out, fill),
        None => out.nest(0, 0, fill).then_some(path),
    }
}
