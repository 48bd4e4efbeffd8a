//! What happens at a step: one arrival or one deadline, and all that follows.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::net::SocketAddr;

use bytes::Bytes;

use super::inhabitant::Inhabitant;
use super::invariants::Invariant;
use super::ledger::{Datagram, DatagramId, Entry, Fact, Fate, Ledger, Origin};
use super::link::LossCause;
use super::machine::{Machine, Wish};
use super::network::{Route, Sighting, Verdict};
use super::queue::Freight;
use super::trace;
use super::world::{Host, HostId, World};
use crate::cursor::Writer;
use crate::net::{Path, Protocol};
use crate::time::Instant;
use crate::timer::earliest;

impl<M: Machine> World<M> {
    /// One plan, one arrival or one deadline, if there is one not after `end`.
    pub(super) fn step_until(&mut self, end: Instant) -> bool {
        let plan = self.plans.next();
        let arrival = self.network.queue.next_arrival();
        let deadline = self.wakes.first().copied();
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

    fn deliver(&mut self) {
        match self.network.queue.pop() {
            Some(Freight::Datagram { way, bytes, id }) => {
                match self.network.admit(self.now, way, Protocol::Udp) {
                    Ok((host, path)) => self.hand_over(host, path, bytes, id),
                    Err(cause) => {
                        if let (Some(ledger), Some(id)) = (&mut self.ledger, id) {
                            ledger.lose(id, cause);
                        }
                    }
                }
            }
            Some(Freight::Copy {
                to,
                path,
                bytes,
                id,
            }) => self.hand_over(to, path, bytes, id),
            Some(Freight::Connect { end, way, protocol }) => self.on_connect(end, way, protocol),
            Some(Freight::Connected(end)) => self.on_connected(end),
            Some(Freight::Bytes(end)) => self.on_bytes(end),
            Some(Freight::Over(end)) => self.on_over(end),
            Some(Freight::Name(host, name)) => self.on_name(host, name),
            None => {}
        }
    }

    fn hand_over(&mut self, to: HostId, path: Path, mut bytes: Vec<u8>, id: Option<DatagramId>) {
        if let Some(id) = id {
            if let Some(ledger) = &mut self.ledger {
                ledger.arrive(id, path);
            }
            self.note(to, Fact::Arrived(id));
        }
        let machine = &mut self.hosts[to.0].machine;
        machine.handle_input(self.now, path, &mut bytes);
        self.settle(to);
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
                self.wake_at(host, wake);
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

    /// Sets when a host is woken next.
    pub(super) fn wake_at(&mut self, host: HostId, wake: Option<Instant>) {
        let old = core::mem::replace(&mut self.hosts[host.0].wake, wake);
        if old != wake {
            if let Some(old) = old {
                self.wakes.remove(&(old, host));
            }
            self.wakes.extend(wake.map(|wake| (wake, host)));
        }
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
        let Some(told) = machine.tell(self.ledger.is_some()) else {
            return false;
        };
        if let Some(ledger) = &mut self.ledger {
            let said = told.text.map(Fact::Said);
            for fact in said.into_iter().chain(told.fact) {
                ledger.note(self.now, host, fact);
            }
        }
        events.extend(told.event);
        match told.wish {
            Some(Wish::Connect(path)) => self.connect_stream(host, path),
            Some(Wish::Release(path)) => self.release(host, path),
            Some(Wish::Resolve(name)) => self.ask_name(host, name),
            None => {}
        }
        true
    }

    /// Polls one datagram and gives it to the network.
    fn transmit(&mut self, host: HostId) -> bool {
        let mut bytes = Vec::new();
        let machine = &mut self.hosts[host.0].machine;
        let limit = match machine {
            Inhabitant::Machine(_) => self.datagram_limit,
            // A relay adds its own header to what hosts may send.
            Inhabitant::Server(_) => self.datagram_limit + RELAY_HEADER,
        };
        let mut out = Writer::new(&mut bytes, limit);
        let Some(path) = machine.poll_transmit(self.now, &mut out) else {
            if !bytes.is_empty() {
                self.fail("law 5: poll_transmit wrote bytes and said that it did not");
            }
            return false;
        };
        if out.is_overflowed() {
            self.fail("law 5: poll_transmit wrote more than a datagram can hold");
        }
        let is_ours = |socket: &SocketAddr| {
            *socket == path.local || *socket == SocketAddr::new(path.local.ip(), 0)
        };
        let sockets = &self.hosts[host.0].sockets;
        if path.protocol == Protocol::Udp && !sockets.iter().any(is_ours) {
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
        let cause = tapped.then_some(LossCause::Tapped);
        if path.protocol != Protocol::Udp {
            self.append(host, path, bytes, origin, cause);
        } else if path.remote.ip().is_multicast() {
            self.multicast(host, path, &bytes, origin, cause);
        } else {
            self.dispatch(host, path, bytes, origin, cause);
        }
        true
    }

    /// Sends a datagram, unless it is lost for a cause that is known already.
    fn dispatch(
        &mut self,
        host: HostId,
        path: Path,
        bytes: Vec<u8>,
        origin: Origin,
        cause: Option<LossCause>,
    ) {
        let Self { network, now, .. } = self;
        let home = network.realms.home(host, path.local);
        let route = network.route(*now, host, home, path);
        let receiver = match &route {
            Ok(route) => Some(route.receiver),
            Err(_) => network.realms.neighbour(home, path.remote),
        };
        let carried = match (route, cause) {
            (_, Some(cause)) | (Err(cause), _) => Err(cause),
            (Ok(Route { way, receiver }), None) => network
                .carry(*now, [host, receiver], path.remote, bytes.len())
                .map(|arrivals| (way, arrivals)),
        };
        let hosts = (host, receiver);
        let (way, arrivals) = match carried {
            Ok(carried) => carried,
            Err(cause) => {
                self.record(hosts, path, &bytes, origin, Fate::Lost(cause));
                return;
            }
        };
        for (copy, arrival) in arrivals.into_iter().enumerate() {
            let origin = if copy == 0 { origin } else { Origin::Duplicate };
            let id = self.record(hosts, path, &bytes, origin, Fate::Arrives(arrival));
            let bytes = bytes.clone();
            let freight = Freight::Datagram { way, bytes, id };
            self.network.queue.push(arrival, freight);
        }
    }

    /// Appends bytes to a stream, all or none.
    fn append(
        &mut self,
        host: HostId,
        path: Path,
        bytes: Vec<u8>,
        origin: Origin,
        cause: Option<LossCause>,
    ) {
        let receiver = self.network.streams.receiver(host, path);
        let fate = Fate::Arrives(self.now);
        let id = self.record((host, receiver), path, &bytes, origin, fate);
        let written = match cause {
            Some(cause) => Err(cause),
            None => self.write(host, path, bytes, id),
        };
        if let (Some(ledger), Some(id)) = (&mut self.ledger, id) {
            match written {
                Ok(arrival) => ledger.delay(id, arrival),
                Err(cause) => ledger.lose(id, cause),
            }
        }
    }

    /// Sends a copy to every other host of the realm that has the port open.
    fn multicast(
        &mut self,
        host: HostId,
        path: Path,
        bytes: &[u8],
        origin: Origin,
        cause: Option<LossCause>,
    ) {
        let home = self.network.realms.home(host, path.local);
        let listeners = home.map(|home| self.network.realms.listeners(home, path.remote));
        let cut = self.network.cut_hosts.contains(&host);
        let cause = cause.or_else(|| cut.then_some(LossCause::Cut));
        let mut copies = 0;
        for (to, local) in listeners.into_iter().flatten() {
            if to == host || cause.is_some() {
                continue;
            }
            let arrivals = self
                .network
                .carry(self.now, [host, to], path.remote, bytes.len());
            for arrival in arrivals.into_iter().flatten() {
                let origin = if copies == 0 {
                    origin
                } else {
                    Origin::Duplicate
                };
                copies += 1;
                let fate = Fate::Arrives(arrival);
                let id = self.record((host, Some(to)), path, bytes, origin, fate);
                let freight = Freight::Copy {
                    to,
                    path: Path::udp(local, path.local),
                    bytes: bytes.to_vec(),
                    id,
                };
                self.network.queue.push(arrival, freight);
            }
        }
        if copies == 0 {
            let fate = Fate::Lost(cause.unwrap_or(LossCause::NoRoute));
            self.record((host, None), path, bytes, origin, fate);
        }
    }

    /// Writes down a datagram, if there is a ledger.
    fn record(
        &mut self,
        (sender, receiver): (HostId, Option<HostId>),
        path: Path,
        bytes: &[u8],
        origin: Origin,
        fate: Fate,
    ) -> Option<DatagramId> {
        let ledger = self.ledger.as_mut()?;
        Some(ledger.send(Datagram {
            sent: self.now,
            from: path.local,
            to: path.remote,
            seen: Path {
                local: path.remote,
                remote: path.local,
                ..path
            },
            sender: Some(sender),
            receiver,
            bytes: Bytes::copy_from_slice(bytes),
            origin,
            fate,
        }))
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
        let looked_at = |entry: &&Entry| !ledger.is_server(entry.host);
        for entry in new.iter().filter(looked_at) {
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

/// What a relay may add to a datagram: the header and attributes of a Data indication
/// to a peer with an address of IPv6 (RFC 8656 §11.5).
const RELAY_HEADER: usize = 20 + 24 + 4 + 3;

/// After so many polls that return work without any input, a machine spins.
const POLLS_LIMIT: usize = 100_000;

/// After so many deadlines consumed at one moment, a machine spins.
const ROUNDS_LIMIT: usize = 100;

/// How much of the trace a failure shows.
const TAIL_LINES: usize = 30;
