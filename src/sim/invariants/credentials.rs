//! An invariant of ICE restarts.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::relay::{Relays, View};
use super::{Invariant, States};
use crate::net::Path;
use crate::sim::ledger::{Entry, Fact, Ledger, Side};
use crate::sim::world::HostId;
use crate::time::Instant;
use crate::wire::stun::{self, Attribute, Message, TransactionId};

/// I-8: once a pair is selected under new credentials, nothing that was
/// authenticated with older ones changes the state of ICE.
///
/// Which credentials a check was made with is said by its USERNAME (RFC 8445
/// §7.2.2); an answer belongs to its request.
#[derive(Clone, Debug, Default)]
pub struct OldCredentials {
    /// The ufrags that a host's descriptions have shown: the last one counts.
    ufrags: BTreeMap<HostId, Vec<String>>,
    /// Under which of its own a host asked, and whether it nominated.
    requests: BTreeMap<(HostId, TransactionId), (Generation, bool)>,
    answered: BTreeMap<(HostId, Path), Generation>,
    nominated: BTreeMap<(HostId, Path), Generation>,
    /// What arrived last, if nothing else happened since.
    cause: BTreeMap<HostId, (Instant, Generation)>,
    states: States,
    relays: Relays,
}

/// The place of a host's ufrag among all that it had.
type Generation = usize;

impl OldCredentials {
    fn on_sent(&mut self, ledger: &Ledger, entry: &Entry) {
        let Fact::Sent(id) = entry.fact else { return };
        let view = self.relays.sent(entry.host, ledger.datagram(id));
        let request = view.transaction(stun::Class::Request);
        let ours = username(&view).and_then(|name| Some(name.split_once(':')?.1.to_string()));
        let generation = ours.and_then(|ours| self.generation(entry.host, &ours));
        if let (Some(request), Some(generation)) = (request, generation) {
            let asked = (generation, nominates(&view));
            self.requests.insert((entry.host, request), asked);
        }
    }

    fn on_arrived(&mut self, ledger: &Ledger, entry: &Entry) {
        let Fact::Arrived(id) = entry.fact else {
            return;
        };
        let host = entry.host;
        let view = self.relays.arrived(host, ledger.datagram(id));
        let key = (host, view.path);
        let generation = if let Some(answer) = view.transaction(stun::Class::Success) {
            let asked = self.requests.get(&(host, answer)).copied();
            asked.map(|(generation, nominates)| {
                self.answered.insert(key, generation);
                self.nominate(key, Some(generation).filter(|_| nominates));
                generation
            })
        } else {
            let ours = username(&view).and_then(|name| Some(name.split_once(':')?.0.to_string()));
            let generation = ours.and_then(|ours| self.generation(host, &ours));
            self.nominate(key, generation.filter(|_| nominates(&view)));
            generation
        };
        self.cause.remove(&host);
        let cause = generation.map(|generation| (host, (entry.at, generation)));
        self.cause.extend(cause);
    }

    fn nominate(&mut self, key: (HostId, Path), generation: Option<Generation>) {
        if let Some(generation) = generation {
            let last = self.nominated.entry(key).or_default();
            *last = generation.max(*last);
        }
    }

    fn on_state(&mut self, entry: &Entry) -> Result<(), String> {
        let host = entry.host;
        let old = self.states.of(host);
        self.states.read(entry);
        let new = self.states.of(host);
        let is_same =
            (old.ice, old.selected, old.controlling) == (new.ice, new.selected, new.controlling);
        let cause = self.cause.get(&host).filter(|(at, _)| *at == entry.at);
        let (Some((_, cause)), Some(selected), false) = (cause, old.selected, is_same) else {
            return Ok(());
        };
        let nominated = self.nominated.get(&(host, selected)).copied();
        let answered = self.answered.get(&(host, selected)).copied();
        let settled = nominated.min(answered);
        let last = self.ufrags.get(&host).map_or(0, Vec::len).checked_sub(1);
        if settled.is_some() && settled == last && Some(*cause) < settled {
            return Err(format!(
                "credentials {cause} made {new:?} of {old:?}, where {settled:?} were settled"
            ));
        }
        Ok(())
    }

    fn generation(&self, host: HostId, ufrag: &str) -> Option<Generation> {
        let known = self.ufrags.get(&host)?;
        known.iter().position(|known| known == ufrag)
    }
}

impl Invariant for OldCredentials {
    fn name(&self) -> &'static str {
        "I-8"
    }

    fn observe(&mut self, ledger: &Ledger, entry: &Entry) -> Result<(), String> {
        match &entry.fact {
            Fact::Sent(_) => self.on_sent(ledger, entry),
            Fact::Arrived(_) => self.on_arrived(ledger, entry),
            Fact::State(_) => return self.on_state(entry),
            Fact::Described {
                side: Side::Local,
                sdp,
            } => {
                self.cause.remove(&entry.host);
                let mut lines = sdp.lines();
                let ufrag = lines.find_map(|line| line.strip_prefix("a=ice-ufrag:"));
                let ufrag = ufrag.map(ToString::to_string);
                let known = self.ufrags.entry(entry.host).or_default();
                if known.last() != ufrag.as_ref() {
                    known.extend(ufrag);
                }
            }
            // Whatever follows is the application's doing.
            Fact::Called(_) | Fact::Granted(_) | Fact::RemoteCandidate(_) => {
                self.cause.remove(&entry.host);
            }
            _ => {}
        }
        Ok(())
    }
}

fn nominates(view: &View<'_>) -> bool {
    let message = view.message();
    let mut attributes = message.iter().flat_map(Message::attributes);
    attributes.any(|attribute| attribute == Attribute::UseCandidate)
}

/// The user name of a check.
pub(super) fn username<'a>(view: &View<'a>) -> Option<&'a str> {
    view.transaction(stun::Class::Request)?;
    view.message()?
        .attributes()
        .find_map(|attribute| match attribute {
            Attribute::Username(name) => Some(name),
            _ => None,
        })
}
