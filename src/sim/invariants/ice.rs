//! Invariants of ICE, as seen on the wire.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::String;
use core::net::SocketAddr;
use core::time::Duration;

use super::{Invariant, States, other_of};
use crate::cursor::Reader;
use crate::net::Path;
use crate::sim::ledger::{Datagram, Entry, Fact, Ledger, Origin, Phase};
use crate::sim::world::HostId;
use crate::time::Instant;
use crate::wire::demux::{self, Class};
use crate::wire::stun::{self, Message, TransactionId};

/// I-1: a check goes only where a candidate is known, or where the peer was
/// heard from; an answer only where a request came from.
#[derive(Clone, Debug, Default)]
pub struct KnownDestinations {
    known: BTreeSet<(HostId, SocketAddr)>,
}

impl Invariant for KnownDestinations {
    fn name(&self) -> &'static str {
        "I-1"
    }

    fn observe(&mut self, ledger: &Ledger, entry: &Entry) -> Result<(), String> {
        match entry.fact {
            Fact::RemoteCandidate(address) => {
                self.known.insert((entry.host, address));
            }
            Fact::Arrived(id) => {
                self.known.insert((entry.host, ledger.datagram(id).from));
            }
            Fact::Sent(id) => {
                let to = ledger.datagram(id).to;
                if !self.known.contains(&(entry.host, to)) {
                    return Err(format!("a datagram to {to}, of which nothing is known"));
                }
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
}

impl Consent {
    fn on_sent(&mut self, entry: &Entry, datagram: &Datagram) -> Result<(), String> {
        let path = Path::udp(datagram.from, datagram.to);
        if demux::classify(&datagram.bytes) != Class::Stun {
            let last = self.answered.get(&(entry.host, path));
            return match last {
                None => Err(format!("data on {path}, where no check was answered")),
                Some(last) if entry.at - *last > CONSENT => Err(format!(
                    "data on {path}, where the last answer came at {last}"
                )),
                Some(_) => Ok(()),
            };
        }
        if let Some(id) = transaction(datagram, stun::Class::Request) {
            self.requests.insert((entry.host, id), path);
        }
        Ok(())
    }

    fn on_arrived(&mut self, entry: &Entry, datagram: &Datagram) {
        if matches!(datagram.origin, Origin::Forged | Origin::Altered) {
            return;
        }
        let Some(id) = transaction(datagram, stun::Class::Success) else {
            return;
        };
        let path = Path::udp(datagram.to, datagram.from);
        if self.requests.get(&(entry.host, id)) == Some(&path) {
            self.answered.insert((entry.host, path), entry.at);
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

/// I-6: new checks are at least Ta apart (RFC 8445 §14.2). Checks that keep the
/// selected pair's consent fresh have a pace of their own.
#[derive(Clone, Debug, Default)]
pub struct Pacing {
    seen: BTreeSet<(HostId, TransactionId)>,
    last: BTreeMap<HostId, Instant>,
    states: States,
}

impl Invariant for Pacing {
    fn name(&self) -> &'static str {
        "I-6"
    }

    fn observe(&mut self, ledger: &Ledger, entry: &Entry) -> Result<(), String> {
        self.states.read(entry);
        let Fact::Sent(id) = entry.fact else {
            return Ok(());
        };
        let datagram = ledger.datagram(id);
        let selected = self.states.of(entry.host).selected;
        let Some(id) = transaction(datagram, stun::Class::Request) else {
            return Ok(());
        };
        let path = Path::udp(datagram.from, datagram.to);
        if !self.seen.insert((entry.host, id)) || selected == Some(path) {
            return Ok(());
        }
        match self.last.insert(entry.host, entry.at) {
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

    fn finish(&self, _: &Ledger) -> Result<(), String> {
        let [a, b] = self.pair.map(|host| self.states.of(host));
        if [a.ice, b.ice] != [Phase::Connected; 2] {
            return Ok(());
        }
        let mirrored = b.selected.map(|path| Path {
            local: path.remote,
            remote: path.local,
            ..path
        });
        if a.selected == mirrored {
            Ok(())
        } else {
            Err(format!("{:?} and {:?}", a.selected, b.selected))
        }
    }
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

/// The transaction id of a binding message of this class.
fn transaction(datagram: &Datagram, class: stun::Class) -> Option<TransactionId> {
    if demux::classify(&datagram.bytes) != Class::Stun {
        return None;
    }
    let message = Message::parse(&mut Reader::new(&datagram.bytes)).ok()?;
    (message.class() == class).then(|| message.transaction_id())
}

/// How long consent lasts (RFC 7675 §5.1).
const CONSENT: Duration = Duration::from_secs(30);

/// The default Ta (RFC 8445 §14.2).
const PACING: Duration = Duration::from_millis(50);
