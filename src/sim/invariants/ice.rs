//! Invariants of ICE, as seen on the wire.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::{String, ToString};
use core::net::{IpAddr, SocketAddr};
use core::time::Duration;

use super::credentials::username;
use super::relay::Relays;
use super::{Invariant, States, Unbundled, other_of};
use crate::cursor::Reader;
use crate::net::Path;
use crate::sim::Grant;
use crate::sim::ledger::{Datagram, Entry, Fact, Fate, Ledger, Origin, Phase, Side};
use crate::sim::world::HostId;
use crate::time::Instant;
use crate::wire::demux::{self, Class};
use crate::wire::mdns::{Data, Message};
use crate::wire::stun::{self, TransactionId};

/// I-1: a check goes only where a candidate is known, or where the peer was
/// heard from; an answer only where a request came from; the rest to servers.
#[derive(Clone, Debug, Default)]
pub struct KnownDestinations {
    known: BTreeSet<(HostId, SocketAddr)>,
    named: BTreeSet<(HostId, IpAddr)>,
    relays: Relays,
}

impl KnownDestinations {
    fn check(&self, host: HostId, to: SocketAddr) -> Result<(), String> {
        let is_known = self.known.contains(&(host, to))
            || self.named.contains(&(host, to.ip()))
            || (to.ip().is_multicast() && to.port() == MDNS_PORT);
        if is_known {
            Ok(())
        } else {
            Err(format!("a datagram to {to}, of which nothing is known"))
        }
    }
}

impl Invariant for KnownDestinations {
    fn name(&self) -> &'static str {
        "I-1"
    }

    fn observe(&mut self, ledger: &Ledger, entry: &Entry) -> Result<(), String> {
        let host = entry.host;
        match &entry.fact {
            Fact::RemoteCandidate(address) | Fact::Server(address) => {
                self.known.insert((host, *address));
            }
            Fact::Granted(Grant::Resolved(_, addresses)) => {
                self.named.extend(addresses.iter().map(|ip| (host, *ip)));
            }
            Fact::Granted(Grant::Connected { asked: path, .. } | Grant::Accepted(path)) => {
                self.known.insert((host, path.remote));
            }
            Fact::Arrived(id) => {
                let datagram = ledger.datagram(*id);
                self.known.insert((host, datagram.seen.remote));
                self.named
                    .extend(addresses_in(datagram).map(|ip| (host, ip)));
                let view = self.relays.arrived(host, datagram);
                self.known.insert((host, view.path.remote));
            }
            Fact::Sent(id) => {
                let datagram = ledger.datagram(*id);
                self.check(host, datagram.to)?;
                let view = self.relays.sent(host, datagram);
                self.check(host, view.path.remote)?;
            }
            _ => {}
        }
        Ok(())
    }
}

/// I-5 and I-7: data leaves only on a path on which the peer has answered a check
/// within the last 30 s (RFC 7675 §5.1), and a pair is selected only if it was
/// answered: the answer is genuine, has the transaction id of a request, and came
/// back the way that the request went.
#[derive(Clone, Debug, Default)]
pub struct Consent {
    requests: BTreeMap<(HostId, TransactionId), Path>,
    answered: BTreeMap<(HostId, Path), Instant>,
    relays: Relays,
}

impl Consent {
    fn on_sent(&mut self, entry: &Entry, datagram: &Datagram) -> Result<(), String> {
        let view = self.relays.sent(entry.host, datagram);
        let path = view.path;
        if path.remote.ip().is_multicast() {
            return Ok(());
        }
        if demux::classify(view.bytes) != Class::Stun {
            let last = self.answered.get(&(entry.host, path));
            return match last {
                None => Err(format!("data on {path}, where no check was answered")),
                Some(last) if entry.at - *last > CONSENT => Err(format!(
                    "data on {path}, where the last answer came at {last}"
                )),
                Some(_) => Ok(()),
            };
        }
        if let Some(id) = view.transaction(stun::Class::Request) {
            self.requests.insert((entry.host, id), path);
        }
        Ok(())
    }

    fn on_arrived(&mut self, entry: &Entry, datagram: &Datagram) {
        if matches!(datagram.origin, Origin::Forged | Origin::Altered) {
            return;
        }
        let view = self.relays.arrived(entry.host, datagram);
        let Some(id) = view.transaction(stun::Class::Success) else {
            return;
        };
        if self.requests.get(&(entry.host, id)) == Some(&view.path) {
            self.answered.insert((entry.host, view.path), entry.at);
        }
    }
}

impl Invariant for Consent {
    fn name(&self) -> &'static str {
        "I-5, I-7"
    }

    fn observe(&mut self, ledger: &Ledger, entry: &Entry) -> Result<(), String> {
        match &entry.fact {
            Fact::Sent(id) => self.on_sent(entry, ledger.datagram(*id)),
            Fact::Arrived(id) => {
                self.on_arrived(entry, ledger.datagram(*id));
                Ok(())
            }
            Fact::State(state) => match state.selected {
                Some(path) if !self.answered.contains_key(&(entry.host, path)) => Err(format!(
                    "{path} is selected, and no check on it was answered"
                )),
                _ => Ok(()),
            },
            _ => Ok(()),
        }
    }
}

/// I-6: new checks of an agent are at least Ta apart (RFC 8445 §14.2). Checks that keep
/// the selected pair's consent fresh have a pace of their own.
#[derive(Clone, Debug, Default)]
pub struct Pacing {
    seen: BTreeSet<(HostId, TransactionId)>,
    /// By the agent's user fragment; what is asked of servers has none.
    last: BTreeMap<(HostId, Option<String>), Instant>,
    unbundled: Unbundled,
    states: States,
    relays: Relays,
}

impl Invariant for Pacing {
    fn name(&self) -> &'static str {
        "I-6"
    }

    fn observe(&mut self, ledger: &Ledger, entry: &Entry) -> Result<(), String> {
        self.states.read(entry);
        self.unbundled.read(entry);
        if let Fact::Arrived(id) = entry.fact {
            self.relays.arrived(entry.host, ledger.datagram(id));
        }
        let Fact::Sent(id) = entry.fact else {
            return Ok(());
        };
        let view = self.relays.sent(entry.host, ledger.datagram(id));
        let selected = self.states.of(entry.host).selected;
        let Some(id) = view.transaction(stun::Class::Request) else {
            return Ok(());
        };
        if !self.seen.insert((entry.host, id)) || selected == Some(view.path) {
            return Ok(());
        }
        let agent = username(&view).and_then(|name| Some(name.split_once(':')?.1.to_string()));
        if agent.is_none() && self.unbundled.contains(entry.host) {
            // It may be any agent's.
            return Ok(());
        }
        match self.last.insert((entry.host, agent), entry.at) {
            Some(last) if entry.at - last < PACING => {
                Err(format!("two new checks within {:?}", entry.at - last))
            }
            _ => Ok(()),
        }
    }
}

/// I-2: when all is quiet, the selected pairs of both ends are mirror images.
#[derive(Clone, Debug)]
pub struct MirroredPairs {
    pair: [HostId; 2],
    states: States,
}

impl MirroredPairs {
    /// For two peers.
    #[must_use]
    pub fn new(pair: [HostId; 2]) -> Self {
        Self {
            pair,
            states: States::default(),
        }
    }
}

impl Invariant for MirroredPairs {
    fn name(&self) -> &'static str {
        "I-2"
    }

    fn observe(&mut self, _: &Ledger, entry: &Entry) -> Result<(), String> {
        self.states.read(entry);
        Ok(())
    }

    fn finish(&self, ledger: &Ledger) -> Result<(), String> {
        let [a, b] = self.pair.map(|host| self.states.of(host));
        if [a.ice, b.ice] != [Phase::Connected; 2] {
            return Ok(());
        }
        let seen = a.selected.map(|path| seen_as(ledger, self.pair[0], path));
        if seen == b.selected {
            Ok(())
        } else {
            Err(format!("{:?} and {:?}", a.selected, b.selected))
        }
    }
}

/// How the other end sees the path of a host or of its relay: as the last datagram
/// on it was seen, for NATs may have changed it.
fn seen_as(ledger: &Ledger, host: HostId, path: Path) -> Path {
    let end = ledger.entries().last().map(|entry| entry.at);
    let has_come = |datagram: &&Datagram| {
        let ours = |sender| sender == host || ledger.is_server(sender);
        let arrived = matches!(datagram.fate, Fate::Arrives(at) if Some(at) <= end);
        arrived && datagram.path() == path && datagram.sender.is_some_and(ours)
    };
    let last = ledger.datagrams().iter().rev().find(has_come);
    last.map_or(
        Path {
            local: path.remote,
            remote: path.local,
            ..path
        },
        |datagram| datagram.seen,
    )
}

/// I-4: once both are connected, exactly one controls.
#[derive(Clone, Debug)]
pub struct OneControls {
    pair: [HostId; 2],
    states: States,
}

impl OneControls {
    /// For two peers.
    #[must_use]
    pub fn new(pair: [HostId; 2]) -> Self {
        Self {
            pair,
            states: States::default(),
        }
    }
}

impl Invariant for OneControls {
    fn name(&self) -> &'static str {
        "I-4"
    }

    fn observe(&mut self, _: &Ledger, entry: &Entry) -> Result<(), String> {
        if !self.states.read(entry) || !self.pair.contains(&entry.host) {
            return Ok(());
        }
        let state = self.states.of(entry.host);
        let other = self.states.of(other_of(self.pair, entry.host));
        let connected = [state.ice, other.ice] == [Phase::Connected; 2];
        if connected && state.controlling == other.controlling {
            return Err(format!("both say controlling={:?}", state.controlling));
        }
        Ok(())
    }
}

/// I-9: who wants relays only shows its own addresses to nobody, and sends to
/// servers alone.
#[derive(Clone, Debug, Default)]
pub struct RelaysOnly {
    servers: BTreeSet<(HostId, IpAddr)>,
}

impl Invariant for RelaysOnly {
    fn name(&self) -> &'static str {
        "I-9"
    }

    fn observe(&mut self, ledger: &Ledger, entry: &Entry) -> Result<(), String> {
        let host = entry.host;
        match &entry.fact {
            Fact::Server(address) => {
                self.servers.insert((host, address.ip()));
            }
            Fact::Granted(Grant::Resolved(_, addresses)) => {
                self.servers.extend(addresses.iter().map(|ip| (host, *ip)));
            }
            Fact::Sent(id) => {
                let to = ledger.datagram(*id).to;
                if !self.servers.contains(&(host, to.ip())) {
                    return Err(format!("a datagram to {to}, which is no server"));
                }
            }
            Fact::Described {
                side: Side::Local,
                sdp,
            } => {
                let shown =
                    |line: &&str| line.starts_with("a=candidate:") && !line.contains(" typ relay ");
                if let Some(line) = sdp.lines().find(shown) {
                    return Err(format!("its description says {line}"));
                }
            }
            _ => {}
        }
        Ok(())
    }
}

/// How long consent lasts (RFC 7675 §5.1).
const CONSENT: Duration = Duration::from_secs(30);

/// The default Ta (RFC 8445 §14.2).
const PACING: Duration = Duration::from_millis(50);

/// The addresses that a datagram of multicast DNS tells.
fn addresses_in(datagram: &Datagram) -> impl Iterator<Item = IpAddr> {
    let is_mdns = datagram.to.port() == MDNS_PORT;
    let bytes = if is_mdns { &*datagram.bytes } else { &[] };
    let message = Message::parse(&mut Reader::new(bytes)).ok();
    let records = message.into_iter().flat_map(|message| message.records());
    records.filter_map(|(_, record)| match record.data {
        Data::Address(ip) => Some(ip),
        _ => None,
    })
}

/// Where multicast DNS is spoken (RFC 6762 §3).
const MDNS_PORT: u16 = 5353;
