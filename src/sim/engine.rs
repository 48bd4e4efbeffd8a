//! What happens at a step: one arrival or one deadline, and all that follows.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use bytes::Bytes;

use super::invariants::Invariant;
use super::ledger::{Datagram, Fact, Fate, Ledger, Origin};
use super::link::LossCause;
use super::machine::Machine;
use super::network::{Sighting, Verdict};
use super::queue::InFlight;
use super::trace;
use super::world::{Host, HostId, World};
use crate::cursor::Writer;
use crate::net::Path;
use crate::time::Instant;
use crate::timer::earliest;

impl<M: Machine> World<M> {
    /// One plan, one arrival or one deadline, if there is one not after `end`.
    pub(super) fn step_until(&mut self, end: Instant) -> bool {
        let plan = self.plans.next();
        let arrival = self.network.queue.next_arrival();
        let deadline = self.next_deadline();
        let Some(next) = earliest(plan, earliest(arrival, deadline.map(|(at, _)| at))) else {
            return false;
        };
        if next > end {
            return false;
        }
        self.now = self.now.max(next);
        // At one moment plans come first, and arrivals before deadlines.
        if plan == Some(next) {
            if let Some(act) = self.plans.pop() {
                act(self);
            }
        } else if arrival == Some(next) {
            self.deliver();
        } else if let Some((_, host)) = deadline {
            self.expire(host);
            self.settle(host);
        }
        self.check();
        true
    }

    fn next_deadline(&self) -> Option<(Instant, HostId)> {
        let wakes = self.hosts.iter().enumerate();
        wakes
            .filter_map(|(index, host)| Some((host.wake?, HostId(index))))
            .min()
    }

    fn deliver(&mut self) {
        let Some(mut flight) = self.network.queue.pop() else {
            return;
        };
        if self.network.is_cut(flight.to, flight.path) {
            if let (Some(ledger), Some(id)) = (&mut self.ledger, flight.id) {
                ledger.lose(id, LossCause::Cut);
            }
            return;
        }
        if let Some(id) = flight.id {
            self.note(flight.to, Fact::Arrived(id));
        }
        let machine = &mut self.hosts[flight.to.0].machine;
        machine.handle_input(self.now, flight.path, &mut flight.bytes);
        self.settle(flight.to);
    }

    /// Lets a host act until it has nothing to send or say, and learns when it
    /// wants to be woken (Z-2: a machine that never comes to rest is broken).
    pub(super) fn settle(&mut self, host: HostId) {
        // What an event tells is judged by the state that it was told in.
        self.observe(host);
        for _ in 0..ROUNDS_LIMIT {
            self.drain(host);
            let wake = self.hosts[host.0].machine.poll_timeout();
            if wake.is_none_or(|wake| wake > self.now) {
                self.hosts[host.0].wake = wake;
                self.observe(host);
                return;
            }
            self.expire(host);
        }
        self.fail(&format!(
            "Z-2: {} still has a deadline that is due after {ROUNDS_LIMIT} rounds",
            self.hosts[host.0].name
        ));
    }

    /// Tells a host that its deadline has come, which must consume it.
    fn expire(&mut self, host: HostId) {
        let Host { machine, name, .. } = &mut self.hosts[host.0];
        machine.handle_timeout(self.now);
        if machine.poll_timeout().is_some_and(|next| next <= self.now) {
            let why = format!("Z-2: {name} keeps a deadline that is due after handle_timeout");
            self.fail(&why);
        }
    }

    /// Sends and takes events until there are no more.
    fn drain(&mut self, host: HostId) {
        for _ in 0..POLLS_LIMIT {
            let sent = self.transmit(host);
            let told = self.hosts[host.0].reads && self.take_event(host);
            if !sent && !told {
                return;
            }
        }
        self.fail(&format!(
            "Z-2: {} returned work for {POLLS_LIMIT} polls without any input",
            self.hosts[host.0].name
        ));
    }

    fn take_event(&mut self, host: HostId) -> bool {
        let Host {
            machine, events, ..
        } = &mut self.hosts[host.0];
        let Some(event) = machine.poll_event() else {
            return false;
        };
        if let Some(ledger) = &mut self.ledger {
            ledger.note(self.now, host, Fact::Said(format!("{event:?}")));
            if let Some(fact) = machine.fact(&event) {
                ledger.note(self.now, host, fact);
            }
        }
        events.push_back(event);
        true
    }

    /// Polls one datagram and gives it to the network.
    fn transmit(&mut self, host: HostId) -> bool {
        let mut bytes = Vec::new();
        let mut out = Writer::new(&mut bytes, self.datagram_limit);
        let machine = &mut self.hosts[host.0].machine;
        let Some(path) = machine.poll_transmit(self.now, &mut out) else {
            if !bytes.is_empty() {
                self.fail("law 5: poll_transmit wrote bytes and said that it did not");
            }
            return false;
        };
        if out.is_overflowed() {
            self.fail("law 5: poll_transmit wrote more than a datagram can hold");
        }
        if !self.hosts[host.0].sockets.contains(&path.local) {
            self.fail(&format!("a datagram left from {}, another's", path.local));
        }
        let now = self.now;
        let verdict = match &mut self.network.tap {
            Some(tap) => tap(&Sighting {
                now,
                path,
                bytes: &bytes,
            }),
            None => Verdict::Pass,
        };
        let (bytes, origin, tapped) = match verdict {
            Verdict::Pass => (bytes, Origin::Genuine, false),
            Verdict::Drop => (bytes, Origin::Genuine, true),
            Verdict::Replace(other) => (other, Origin::Altered, false),
        };
        self.dispatch(host, path, bytes, origin, tapped);
        true
    }

    fn dispatch(&mut self, host: HostId, path: Path, bytes: Vec<u8>, origin: Origin, tapped: bool) {
        let Self {
            network, ledger, ..
        } = self;
        let receiver = network.owners.get(&path.remote).copied();
        let fates = if tapped {
            Err(LossCause::Tapped)
        } else {
            network.carry(self.now, host, path, bytes.len())
        };
        let mut record = |fate, origin| {
            ledger.as_mut().map(|ledger| {
                ledger.send(Datagram {
                    sent: self.now,
                    from: path.local,
                    to: path.remote,
                    sender: Some(host),
                    receiver,
                    bytes: Bytes::copy_from_slice(&bytes),
                    origin,
                    fate,
                })
            })
        };
        let arrivals = match fates {
            Ok(arrivals) => arrivals,
            Err(cause) => {
                record(Fate::Lost(cause), origin);
                return;
            }
        };
        for (copy, arrival) in arrivals.into_iter().enumerate() {
            let origin = if copy == 0 { origin } else { Origin::Duplicate };
            let id = record(Fate::Arrives(arrival), origin);
            if let Some(to) = receiver {
                let path = Path::udp(path.remote, path.local);
                let bytes = bytes.clone();
                network.queue.push(
                    arrival,
                    InFlight {
                        to,
                        path,
                        bytes,
                        id,
                    },
                );
            }
        }
    }

    /// Writes down what changed in the public state, and new secrets.
    fn observe(&mut self, host: HostId) {
        let Some(ledger) = &mut self.ledger else {
            return;
        };
        let Host {
            machine, snapshot, ..
        } = &mut self.hosts[host.0];
        while let Some(line) = machine.next_key_log_line() {
            ledger.add_key(line);
        }
        let seen = machine.snapshot();
        if let (Some(state), true) = (seen, seen != *snapshot) {
            ledger.note(self.now, host, Fact::State(state));
            *snapshot = seen;
        }
    }

    /// Shows the new entries of the ledger to all invariants.
    pub(super) fn check(&mut self) {
        let Self { ledger, watch, .. } = self;
        let Some(ledger) = ledger else { return };
        if let Err(why) = watch.read(ledger) {
            self.fail(&why);
        }
    }

    /// Ends the run with all that is needed to repeat it.
    #[track_caller]
    pub(super) fn fail(&self, why: &str) -> ! {
        let tail = self
            .ledger
            .as_ref()
            .map(|ledger| trace::tail(ledger, TAIL_LINES))
            .unwrap_or_default();
        // A world is a test: this is how it fails.
        panic!("seed {}, {}: {why}\n{tail}", self.seed, self.now);
    }
}

/// The invariants, and how far they have read the ledger.
#[derive(Default)]
pub(super) struct Watch {
    pub(super) invariants: Vec<Box<dyn Invariant>>,
    read: usize,
}

impl Watch {
    fn read(&mut self, ledger: &Ledger) -> Result<(), String> {
        let Self { invariants, read } = self;
        let new = ledger.entries().get(*read..).unwrap_or_default();
        *read = ledger.entries().len();
        for entry in new {
            for invariant in invariants.iter_mut() {
                invariant.observe(ledger, entry).map_err(|why| {
                    let name = ledger.name(entry.host);
                    format!("{} does not hold for {name}: {why}", invariant.name())
                })?;
            }
        }
        Ok(())
    }
}

/// After so many polls that return work without any input, a machine spins.
const POLLS_LIMIT: usize = 100_000;

/// After so many deadlines consumed at one moment, a machine spins.
const ROUNDS_LIMIT: usize = 100;

/// How much of the trace a failure shows.
const TAIL_LINES: usize = 30;
