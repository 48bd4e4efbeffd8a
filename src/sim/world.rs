//! Who is there, what time is it, and what happens next?

use alloc::boxed::Box;
use alloc::collections::{BTreeSet, VecDeque};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;
use core::net::SocketAddr;
use core::time::Duration;

use bytes::Bytes;

use super::engine::Watch;
use super::inhabitant::Inhabitant;
use super::invariants::Invariant;
use super::ledger::{Datagram, Fact, Fate, Ledger, Origin, Snapshot};
use super::link::{Link, LossCause};
use super::machine::Machine;
use super::nat::Ports;
use super::network::{Network, Sighting, Verdict};
use super::place::Names;
use super::plan::Plans;
use super::queue::Freight;
use super::realm::{Realm, Way};
use crate::net::Path;
use crate::rng::Rng;
use crate::time::Instant;

/// Which host of a [`World`]?
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct HostId(pub usize);

/// Hosts with a machine each, links between them, and one clock.
///
/// Nothing happens by itself: [`step`](Self::step) moves the clock to the next
/// arrival or deadline and lets the host concerned act until it has no more to
/// say. All chance comes from the seed, which every panic names.
pub struct World<M: Machine> {
    pub(super) seed: u64,
    pub(super) now: Instant,
    pub(super) rng: Rng,
    pub(super) hosts: Vec<Host<M>>,
    /// When which host wants to be woken.
    pub(super) wakes: BTreeSet<(Instant, HostId)>,
    pub(super) network: Network,
    pub(super) names: Names,
    pub(super) plans: Plans<M>,
    pub(super) ledger: Option<Ledger>,
    pub(super) watch: Watch,
    pub(super) datagram_limit: usize,
}

/// A machine and its surroundings.
pub(super) struct Host<M: Machine> {
    pub(super) name: String,
    pub(super) sockets: Vec<SocketAddr>,
    pub(super) machine: Inhabitant<M>,
    pub(super) events: VecDeque<M::Event>,
    pub(super) reads: bool,
    pub(super) wake: Option<Instant>,
    pub(super) snapshot: Option<Snapshot>,
}

impl<M: Machine> World<M> {
    /// An empty world in which all chance comes from `seed`.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let mut rng = Rng::from_number(seed);
        Self {
            seed,
            now: Instant::ZERO,
            hosts: Vec::new(),
            wakes: BTreeSet::new(),
            names: Names::default(),
            network: Network::new(rng.fork()),
            plans: Plans::new(),
            rng,
            ledger: Some(Ledger::new()),
            watch: Watch::default(),
            datagram_limit: DATAGRAM_LIMIT,
        }
    }

    /// Makes `link` what all hosts are linked by, unless
    /// [`set_link`](Self::set_link) says otherwise.
    #[must_use]
    pub fn with_links(mut self, link: Link) -> Self {
        self.network.default_link = link;
        self
    }

    /// Changes how many bytes a machine may put into a datagram.
    #[must_use]
    pub fn with_datagram_limit(mut self, bytes: usize) -> Self {
        self.datagram_limit = bytes;
        self
    }

    /// Keeps no ledger: for long transfers. There is no trace, capture, digest
    /// or invariant then.
    #[must_use]
    pub fn without_ledger(mut self) -> Self {
        self.ledger = None;
        self
    }

    /// Checks `invariant` after every step.
    #[must_use]
    pub fn watched_by(mut self, invariant: impl Invariant + 'static) -> Self {
        self.watch.invariants.push(Box::new(invariant));
        self
    }

    /// Checks all of `invariants` after every step from now on.
    pub fn watch(&mut self, invariants: Vec<Box<dyn Invariant>>) {
        self.watch.invariants.extend(invariants);
    }

    /// A new host on the Internet that has the addresses `sockets` and runs
    /// `machine`. An address with port zero stands for all ports.
    ///
    /// # Panics
    ///
    /// If another host has one of the addresses.
    pub fn add(&mut self, name: &str, sockets: &[SocketAddr], machine: M) -> HostId {
        self.add_in(Realm::INTERNET, name, sockets, machine)
    }

    /// Like [`add`](Self::add), in a realm: behind its NAT.
    ///
    /// # Panics
    ///
    /// If another host of the realm has one of the addresses.
    pub fn add_in(
        &mut self,
        realm: Realm,
        name: &str,
        sockets: &[SocketAddr],
        machine: M,
    ) -> HostId {
        self.inhabit(realm, name, sockets, Inhabitant::Machine(machine))
    }

    /// A host on the Internet that serves the others, with a machine of any kind.
    /// Nobody asks for its events, and no invariant looks at it.
    ///
    /// # Panics
    ///
    /// If another host has one of the addresses.
    pub fn add_server(
        &mut self,
        name: &str,
        sockets: &[SocketAddr],
        server: impl Machine + 'static,
    ) -> HostId {
        let server = Inhabitant::Server(Box::new(server));
        self.inhabit(Realm::INTERNET, name, sockets, server)
    }

    fn inhabit(
        &mut self,
        realm: Realm,
        name: &str,
        sockets: &[SocketAddr],
        machine: Inhabitant<M>,
    ) -> HostId {
        let id = HostId(self.hosts.len());
        for &socket in sockets {
            let is_free = self.network.realms.settle(id, realm, socket);
            assert!(is_free, "two hosts have the address {socket}");
        }
        if let Some(ledger) = &mut self.ledger {
            match &machine {
                Inhabitant::Machine(_) => ledger.add_host(name),
                Inhabitant::Server(_) => ledger.add_server(name),
            };
        }
        self.hosts.push(Host {
            name: name.to_string(),
            sockets: sockets.to_vec(),
            machine,
            events: VecDeque::new(),
            reads: true,
            wake: None,
            snapshot: None,
        });
        // It begins to act with the first step, when all hosts are there.
        self.wake_at(id, Some(self.now));
        id
    }

    /// A generator for whatever the caller has to draw, such as a machine's seed.
    pub fn fork_rng(&mut self) -> Rng {
        self.rng.fork()
    }

    /// The seed of this world.
    #[must_use]
    pub const fn seed(&self) -> u64 {
        self.seed
    }

    /// The time.
    #[must_use]
    pub const fn now(&self) -> Instant {
        self.now
    }

    /// All hosts.
    pub fn hosts(&self) -> impl Iterator<Item = HostId> + use<M> {
        (0..self.hosts.len()).map(HostId)
    }

    /// The addresses of a host.
    #[must_use]
    pub fn sockets(&self, host: HostId) -> &[SocketAddr] {
        &self.hosts[host.0].sockets
    }

    /// The machine of a host, to look at.
    ///
    /// # Panics
    ///
    /// If the host is a server.
    #[must_use]
    pub fn machine(&self, host: HostId) -> &M {
        match &self.hosts[host.0].machine {
            Inhabitant::Machine(machine) => machine,
            Inhabitant::Server(_) => self.fail("this host is a server"),
        }
    }

    /// The machine of a host, for calls after which it may not act: an
    /// application that does not poll. [`with`](Self::with) is the usual way.
    ///
    /// # Panics
    ///
    /// If the host is a server.
    pub fn machine_mut(&mut self, host: HostId) -> &mut M {
        let Self { hosts, seed, .. } = self;
        match &mut hosts[host.0].machine {
            Inhabitant::Machine(machine) => machine,
            // Said above; `fail` would borrow all of the world.
            Inhabitant::Server(_) => panic!("seed {seed}: this host is a server"),
        }
    }

    /// The machine of a host that is a server of this kind, to look at.
    #[must_use]
    pub fn server<S: 'static>(&self, host: HostId) -> Option<&S> {
        match &self.hosts[host.0].machine {
            Inhabitant::Machine(_) => None,
            Inhabitant::Server(server) => (**server).as_any().downcast_ref(),
        }
    }

    /// Lets somebody act on a server, and it act on that: `None` if it is not of
    /// this kind.
    pub fn with_server<S: 'static, R>(
        &mut self,
        host: HostId,
        act: impl FnOnce(&mut S, Instant) -> R,
    ) -> Option<R> {
        let Inhabitant::Server(server) = &mut self.hosts[host.0].machine else {
            return None;
        };
        let result = act((**server).as_any_mut().downcast_mut()?, self.now);
        self.settle(host);
        Some(result)
    }

    /// What has happened so far.
    ///
    /// # Panics
    ///
    /// If the world was made [`without_ledger`](Self::without_ledger).
    #[must_use]
    pub const fn ledger(&self) -> &Ledger {
        self.ledger
            .as_ref()
            // The caller asked for none: said above.
            .expect("this world keeps no ledger")
    }

    /// How many datagrams are under way.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.network.queue.len()
    }

    /// Lets the application of a host act on its machine, and the machine act on it.
    pub fn with<R>(&mut self, host: HostId, act: impl FnOnce(&mut M, Instant) -> R) -> R {
        let result = self.act(host, act);
        self.settle(host);
        result
    }

    /// Lets the application act, but not yet the machine.
    pub(super) fn act<R>(&mut self, host: HostId, act: impl FnOnce(&mut M, Instant) -> R) -> R {
        let now = self.now;
        act(self.machine_mut(host), now)
    }

    /// Does something after a while: what an application or the post does later.
    pub fn after(&mut self, delay: Duration, act: impl FnOnce(&mut Self) + 'static) {
        self.plans.push(self.now + delay, Box::new(act));
    }

    /// Takes the next event of a host.
    pub fn next_event(&mut self, host: HostId) -> Option<M::Event> {
        self.hosts[host.0].events.pop_front()
    }

    /// Writes something into the ledger, if there is one.
    pub fn note(&mut self, host: HostId, fact: Fact) {
        if let Some(ledger) = &mut self.ledger {
            ledger.note(self.now, host, fact);
        }
    }

    /// Stops or starts taking the events of a host's machine: an application
    /// that does not read.
    pub fn set_reading(&mut self, host: HostId, reads: bool) {
        self.hosts[host.0].reads = reads;
        self.settle(host);
    }

    /// Changes the link in one direction.
    pub fn set_link(&mut self, from: HostId, to: HostId, link: Link) {
        self.network.carrier(from, to).set(link);
    }

    /// Changes the links between two hosts in both directions.
    pub fn set_links(&mut self, a: HostId, b: HostId, link: Link) {
        self.set_link(a, b, link);
        self.set_link(b, a, link);
    }

    /// Cuts a host off: nothing reaches it, nothing leaves it, and what is under
    /// way to it is lost.
    pub fn cut(&mut self, host: HostId) {
        self.network.cut_hosts.insert(host);
    }

    /// Connects a host again.
    pub fn heal(&mut self, host: HostId) {
        self.network.cut_hosts.remove(&host);
    }

    /// Lets nothing pass from one address to another.
    pub fn block(&mut self, from: SocketAddr, to: SocketAddr) {
        self.network.cut_pairs.insert((from, to));
    }

    /// Undoes [`block`](Self::block).
    pub fn unblock(&mut self, from: SocketAddr, to: SocketAddr) {
        self.network.cut_pairs.remove(&(from, to));
    }

    /// Shows every datagram to `tap` from now on.
    pub fn set_tap(&mut self, tap: impl FnMut(&Sighting<'_>) -> Verdict + 'static) {
        self.network.tap = Some(Box::new(tap));
    }

    /// An attacker's datagram arrives at `at`, pretending to be from `from`: at an
    /// address of the Internet, which may be a NAT's.
    pub fn inject(&mut self, at: Instant, from: SocketAddr, to: SocketAddr, bytes: Vec<u8>) {
        let at = at.max(self.now);
        let way = Way {
            ports: Ports::Datagrams,
            realm: Realm::INTERNET,
            from,
            to,
        };
        let receiver = self.network.realms.receiver(way).ok();
        let id = self.ledger.as_mut().map(|ledger| {
            ledger.send(Datagram {
                sent: at,
                from,
                to,
                seen: Path::udp(to, from),
                sender: None,
                receiver,
                bytes: Bytes::copy_from_slice(&bytes),
                origin: Origin::Forged,
                fate: receiver.map_or(Fate::Lost(LossCause::NoRoute), |_| Fate::Arrives(at)),
            })
        });
        if receiver.is_some() {
            let freight = Freight::Datagram { way, bytes, id };
            self.network.queue.push(at, freight);
        }
    }

    /// Moves the clock to the next arrival or deadline and lets its host act.
    /// `false` if nothing will ever happen.
    pub fn step(&mut self) -> bool {
        self.step_until(Instant::from_nanos(u64::MAX))
    }

    /// Steps until `condition` holds. `false` if `limit` passed first; the clock
    /// is then at the limit.
    pub fn run_until(
        &mut self,
        limit: Duration,
        mut condition: impl FnMut(&mut Self) -> bool,
    ) -> bool {
        let end = self.now + limit;
        loop {
            if condition(self) {
                return true;
            }
            if !self.step_until(end) {
                self.now = end;
                return condition(self);
            }
        }
    }

    /// Steps for so long.
    pub fn run_for(&mut self, duration: Duration) {
        self.run_until(duration, |_| false);
    }

    /// Asks all invariants whether the run ended well, once the network is quiet.
    pub fn finish(&mut self) {
        self.check();
        let Some(ledger) = &self.ledger else { return };
        let broken = self
            .watch
            .invariants
            .iter()
            .find_map(|invariant| Some((invariant.name(), invariant.finish(ledger).err()?)));
        if let Some((name, why)) = broken {
            self.fail(&format!("{name} does not hold in the end: {why}"));
        }
    }
}

impl<M: Machine> fmt::Debug for World<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("World")
            .field("seed", &self.seed)
            .field("now", &self.now)
            .field("hosts", &self.hosts.len())
            .field("in_flight", &self.in_flight())
            .finish_non_exhaustive()
    }
}

/// How many bytes a machine may put into a datagram unless told otherwise.
pub const DATAGRAM_LIMIT: usize = 1200;
