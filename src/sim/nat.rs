//! What does a NAT make of addresses (RFC 4787)?

use alloc::collections::BTreeMap;
use core::net::{IpAddr, SocketAddr};
use core::time::Duration;

use super::link::LossCause;
use crate::rng::Rng;
use crate::time::Instant;

/// How does a NAT behave? In the words of RFC 4787.
///
/// The constants are the four classic kinds (RFC 3489 §5), which keep a port where
/// they can, do not hairpin, and forget a mapping after two minutes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Nat {
    /// Which destinations share an external port (§4.1).
    pub mapping: Dependence,
    /// Who may answer to it (§5).
    pub filtering: Dependence,
    /// Whether the external port is the internal one, where that is free (§4.2.1).
    pub keeps_ports: bool,
    /// Whether those inside can reach each other by their external addresses (§6).
    pub hairpin: bool,
    /// For how long a mapping lives after the last packet from inside (§4.3).
    pub timeout: Duration,
}

/// On what of the other end does a NAT's behaviour depend?
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Dependence {
    /// On nothing.
    Independent,
    /// On its IP address.
    Address,
    /// On its IP address and port.
    AddressAndPort,
}

impl Nat {
    /// One port for all, and whoever learns it may use it.
    pub const FULL_CONE: Self = Self::of(Dependence::Independent, Dependence::Independent);
    /// One port for all, and the hosts spoken to may answer.
    pub const RESTRICTED_CONE: Self = Self::of(Dependence::Independent, Dependence::Address);
    /// One port for all, and the sockets spoken to may answer.
    pub const PORT_RESTRICTED_CONE: Self =
        Self::of(Dependence::Independent, Dependence::AddressAndPort);
    /// A port for each destination, which alone may answer.
    pub const SYMMETRIC: Self = Self::of(Dependence::AddressAndPort, Dependence::AddressAndPort);

    const fn of(mapping: Dependence, filtering: Dependence) -> Self {
        Self {
            mapping,
            filtering,
            keeps_ports: true,
            hairpin: false,
            timeout: Duration::from_secs(120),
        }
    }
}

impl Dependence {
    /// As much of `remote` as matters.
    fn of(self, remote: SocketAddr) -> (Option<IpAddr>, Option<u16>) {
        match self {
            Self::Independent => (None, None),
            Self::Address => (Some(remote.ip()), None),
            Self::AddressAndPort => (Some(remote.ip()), Some(remote.port())),
        }
    }
}

/// UDP and TCP have ports of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Ports {
    Datagrams,
    Streams,
}

/// A NAT at work.
#[derive(Debug)]
pub(super) struct NatBox {
    nat: Nat,
    pub(super) external: IpAddr,
    /// From what is inside, and as much of the destination as matters, to a port.
    outward: BTreeMap<Outward, u16>,
    inward: BTreeMap<(Ports, u16), Mapping>,
    keeps_ports: bool,
}

type Outward = (Ports, SocketAddr, Option<IpAddr>, Option<u16>);

#[derive(Debug)]
struct Mapping {
    outward: Outward,
    used: Instant,
    /// Who was spoken to, and when last.
    peers: BTreeMap<SocketAddr, Instant>,
}

impl NatBox {
    pub(super) const fn new(nat: Nat, external: IpAddr) -> Self {
        Self {
            nat,
            external,
            outward: BTreeMap::new(),
            inward: BTreeMap::new(),
            keeps_ports: nat.keeps_ports,
        }
    }

    pub(super) const fn hairpins(&self) -> bool {
        self.nat.hairpin
    }

    /// A packet leaves: from where, as those outside see it?
    pub(super) fn leave(
        &mut self,
        now: Instant,
        ports: Ports,
        [from, to]: [SocketAddr; 2],
        rng: &mut Rng,
    ) -> Result<SocketAddr, LossCause> {
        let (ip, port) = self.nat.mapping.of(to);
        let outward = (ports, from, ip, port);
        let port = match self.outward.get(&outward) {
            Some(&port) if self.lives(now, ports, port) => port,
            _ => self.map(now, outward, rng)?,
        };
        if let Some(mapping) = self.inward.get_mut(&(ports, port)) {
            mapping.used = now;
            mapping.peers.insert(to, now);
        }
        Ok(SocketAddr::new(self.external, port))
    }

    /// A packet comes from outside: for whom is it, if it may pass?
    pub(super) fn enter(
        &self,
        now: Instant,
        ports: Ports,
        from: SocketAddr,
        port: u16,
    ) -> Option<SocketAddr> {
        let mapping = self.inward.get(&(ports, port))?;
        let fresh = |at: &Instant| now - *at <= self.nat.timeout;
        let passes = match self.nat.filtering {
            Dependence::Independent => fresh(&mapping.used),
            Dependence::Address => {
                let all = SocketAddr::new(from.ip(), 0)..=SocketAddr::new(from.ip(), u16::MAX);
                mapping.peers.range(all).any(|(_, at)| fresh(at))
            }
            Dependence::AddressAndPort => mapping.peers.get(&from).is_some_and(fresh),
        };
        passes.then_some(mapping.outward.1)
    }

    /// Who is behind a port, whether reachable or not?
    pub(super) fn behind(&self, ports: Ports, port: u16) -> Option<SocketAddr> {
        Some(self.inward.get(&(ports, port))?.outward.1)
    }

    /// Forgets all: the next packets get other ports.
    pub(super) fn rebind(&mut self, external: IpAddr) {
        self.outward.clear();
        self.inward.clear();
        self.external = external;
        self.keeps_ports = false;
    }

    fn lives(&self, now: Instant, ports: Ports, port: u16) -> bool {
        let mapping = self.inward.get(&(ports, port));
        mapping.is_some_and(|mapping| now - mapping.used <= self.nat.timeout)
    }

    fn map(&mut self, now: Instant, outward: Outward, rng: &mut Rng) -> Result<u16, LossCause> {
        let (ports, from, ..) = outward;
        let port = self.free_port(now, ports, from.port(), rng)?;
        if let Some(old) = self.outward.insert(outward, port) {
            self.inward.remove(&(ports, old));
        }
        let mapping = Mapping {
            outward,
            used: now,
            peers: BTreeMap::new(),
        };
        // What had the port before is dead.
        if let Some(dead) = self.inward.insert((ports, port), mapping)
            && dead.outward != outward
        {
            self.outward.remove(&dead.outward);
        }
        Ok(port)
    }

    fn free_port(
        &self,
        now: Instant,
        ports: Ports,
        wanted: u16,
        rng: &mut Rng,
    ) -> Result<u16, LossCause> {
        if self.keeps_ports && !self.lives(now, ports, wanted) {
            return Ok(wanted);
        }
        for _ in 0..PORT_TRIES {
            let offset = u16::try_from(rng.below(u64::from(u16::MAX - LOWEST_PORT)));
            let port = LOWEST_PORT + offset.unwrap_or_default();
            if !self.lives(now, ports, port) {
                return Ok(port);
            }
        }
        Err(LossCause::Nat)
    }
}

/// RFC 4787 REQ-3a: well-known ports are not for those who did not ask for one.
const LOWEST_PORT: u16 = 1024;

/// After so many ports drawn that are in use, the NAT is full.
const PORT_TRIES: usize = 1_000;

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    const INSIDE: &str = "10.0.0.2:5000";
    const FRIEND: &str = "203.0.113.1:1";

    /// A NAT, the time, and its dice.
    struct Desk(NatBox, Instant, Rng);

    impl Desk {
        fn new(nat: Nat) -> Self {
            let nat = NatBox::new(nat, "192.0.2.9".parse().unwrap());
            Self(nat, Instant::ZERO, Rng::from_number(1))
        }

        fn leave(&mut self, from: &str, to: &str) -> SocketAddr {
            let ends = [from, to].map(|text| text.parse().unwrap());
            let Self(nat, now, rng) = self;
            nat.leave(*now, Ports::Datagrams, ends, rng).unwrap()
        }

        fn enter(&self, from: &str, to: SocketAddr) -> bool {
            let Self(nat, now, _) = self;
            let inside = nat.enter(*now, Ports::Datagrams, from.parse().unwrap(), to.port());
            assert!(inside.is_none_or(|inside| inside.to_string() == INSIDE));
            inside.is_some()
        }
    }

    /// RFC 4787 §4.1: who sees which port.
    #[test]
    fn a_mapping_depends_on_what_it_says() {
        let shared = |mapping| {
            let mut nat = Desk::new(Nat {
                mapping,
                ..Nat::FULL_CONE
            });
            let first = nat.leave(INSIDE, FRIEND);
            let others = ["203.0.113.1:1", "203.0.113.1:2", "203.0.113.2:1"];
            others.map(|other| nat.leave(INSIDE, other) == first)
        };
        assert_eq!(shared(Dependence::Independent), [true, true, true]);
        assert_eq!(shared(Dependence::Address), [true, true, false]);
        assert_eq!(shared(Dependence::AddressAndPort), [true, false, false]);
    }

    /// RFC 4787 §5: who gets in.
    #[test]
    fn a_filter_depends_on_what_it_says() {
        let passes = |filtering| {
            let mut nat = Desk::new(Nat {
                filtering,
                ..Nat::FULL_CONE
            });
            let outside = nat.leave(INSIDE, FRIEND);
            let others = ["203.0.113.1:1", "203.0.113.1:2", "203.0.113.2:1"];
            others.map(|other| nat.enter(other, outside))
        };
        assert_eq!(passes(Dependence::Independent), [true, true, true]);
        assert_eq!(passes(Dependence::Address), [true, true, false]);
        assert_eq!(passes(Dependence::AddressAndPort), [true, false, false]);
    }

    #[test]
    fn ports_are_kept_where_they_are_free() {
        let mut nat = Desk::new(Nat::FULL_CONE);
        assert_eq!(nat.leave(INSIDE, FRIEND).port(), 5000);
        assert_ne!(nat.leave("10.0.0.3:5000", FRIEND).port(), 5000);
        let mut nat = Desk::new(Nat {
            keeps_ports: false,
            ..Nat::FULL_CONE
        });
        assert_ne!(nat.leave(INSIDE, FRIEND).port(), 5000);
    }

    /// RFC 4787 REQ-5, REQ-6: packets from inside keep a mapping, others do not.
    #[test]
    fn a_mapping_is_kept_from_inside() {
        let mut nat = Desk::new(Nat {
            keeps_ports: false,
            ..Nat::FULL_CONE
        });
        let outside = nat.leave(INSIDE, FRIEND);
        for _ in 0..3 {
            nat.1 += Duration::from_secs(119);
            assert!(nat.enter(FRIEND, outside));
            assert_eq!(nat.leave(INSIDE, FRIEND), outside);
        }
        nat.1 += Duration::from_secs(119);
        assert!(nat.enter(FRIEND, outside));
        nat.1 += Duration::from_secs(2);
        assert!(!nat.enter(FRIEND, outside));
        assert_ne!(nat.leave(INSIDE, FRIEND), outside);
    }

    #[test]
    fn a_rebinding_changes_every_port() {
        let mut nat = Desk::new(Nat::FULL_CONE);
        let before = nat.leave(INSIDE, FRIEND);
        nat.0.rebind("192.0.2.10".parse().unwrap());
        assert!(!nat.enter(FRIEND, before));
        let after = nat.leave(INSIDE, FRIEND);
        assert_eq!(after.ip().to_string(), "192.0.2.10");
        assert_ne!(after.port(), before.port());
    }

    #[test]
    fn streams_have_ports_of_their_own() {
        let mut nat = Desk::new(Nat::FULL_CONE);
        let outside = nat.leave(INSIDE, FRIEND);
        let from = FRIEND.parse().unwrap();
        let Desk(nat, now, _) = nat;
        assert_eq!(nat.enter(now, Ports::Streams, from, outside.port()), None);
    }
}
