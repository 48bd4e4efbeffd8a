//! Who has an address, seen from where?
//!
//! A realm is a network in which every address is one host's: the Internet, or
//! what lies behind a NAT. Two realms may use the same private addresses. Those of
//! IPv6 are everywhere the Internet's.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::net::{IpAddr, SocketAddr};

use super::link::LossCause;
use super::nat::{NatBox, Ports};
use super::world::HostId;
use crate::rng::Rng;
use crate::time::Instant;

/// A network with addresses of its own: see [`World::add_nat`](super::World::add_nat).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Realm(usize);

impl Realm {
    /// The network that has no NAT in front of it.
    pub const INTERNET: Self = Self(0);

    /// The realm that an address of this one really belongs to.
    const fn space(self, address: SocketAddr) -> Self {
        if address.is_ipv6() {
            Self::INTERNET
        } else {
            self
        }
    }
}

/// All realms, and who is where.
#[derive(Debug, Default)]
pub(super) struct Realms {
    owners: BTreeMap<(Realm, SocketAddr), HostId>,
    homes: BTreeMap<(HostId, SocketAddr), Realm>,
    /// What stands between a realm and the one around it; the Internet has none.
    gates: Vec<Gate>,
    /// The realm behind an external address.
    fronts: BTreeMap<(Realm, IpAddr), Realm>,
}

#[derive(Debug)]
struct Gate {
    outside: Realm,
    nat: NatBox,
}

/// A packet between the NAT of its sender and that of its receiver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Way {
    pub(super) ports: Ports,
    pub(super) realm: Realm,
    /// The sender as it is seen there.
    pub(super) from: SocketAddr,
    /// The receiver as it is seen there.
    pub(super) to: SocketAddr,
}

impl Realms {
    /// Gives a host an address; `false` if another has it.
    pub(super) fn settle(&mut self, host: HostId, realm: Realm, address: SocketAddr) -> bool {
        self.homes.insert((host, address), realm);
        let place = (realm.space(address), address);
        self.owners.insert(place, host).is_none()
    }

    pub(super) fn leave(&mut self, host: HostId, address: SocketAddr) {
        if let Some(realm) = self.homes.remove(&(host, address)) {
            self.owners.remove(&(realm.space(address), address));
        }
    }

    /// The realm that a host's socket is in. A port of zero stands for all ports.
    pub(super) fn home(&self, host: HostId, address: SocketAddr) -> Option<Realm> {
        let whole = SocketAddr::new(address.ip(), 0);
        let home = self.homes.get(&(host, address));
        home.or_else(|| self.homes.get(&(host, whole))).copied()
    }

    /// The realm that a host's interface is in.
    pub(super) fn home_of(&self, host: HostId, ip: IpAddr) -> Option<Realm> {
        let first = (host, SocketAddr::new(ip, 0));
        let last = (host, SocketAddr::new(ip, u16::MAX));
        let (_, realm) = self.homes.range(first..=last).next()?;
        Some(*realm)
    }

    /// Who has this address, seen from a realm?
    pub(super) fn neighbour(&self, realm: Option<Realm>, address: SocketAddr) -> Option<HostId> {
        self.owner(realm?, address)
    }

    /// All sockets of a realm with the port of a multicast group, of its family.
    pub(super) fn listeners(&self, realm: Realm, group: SocketAddr) -> Vec<(HostId, SocketAddr)> {
        let hears = |address: &SocketAddr| {
            address.port() == group.port() && address.is_ipv6() == group.is_ipv6()
        };
        let all = self.homes.iter();
        all.filter(|((_, address), home)| **home == realm && hears(address))
            .map(|((host, address), _)| (*host, *address))
            .collect()
    }

    pub(super) fn add_gate(&mut self, outside: Realm, nat: NatBox) -> Realm {
        let realm = Realm(self.gates.len() + 1);
        self.fronts.insert((outside, nat.external), realm);
        self.gates.push(Gate { outside, nat });
        realm
    }

    /// The NAT forgets all, and may get another address.
    pub(super) fn rebind(&mut self, realm: Realm, external: Option<IpAddr>) {
        let Some(gate) = gate_mut(&mut self.gates, realm) else {
            return;
        };
        self.fronts.remove(&(gate.outside, gate.nat.external));
        gate.nat.rebind(external.unwrap_or(gate.nat.external));
        self.fronts.insert((gate.outside, gate.nat.external), realm);
    }

    /// Takes a packet up to a realm that knows its destination.
    pub(super) fn depart(
        &mut self,
        now: Instant,
        home: Realm,
        ports: Ports,
        [mut from, to]: [SocketAddr; 2],
        rng: &mut Rng,
    ) -> Result<Way, LossCause> {
        let mut realm = home.space(from);
        loop {
            let known = self.owner(realm, to).is_some();
            if known || self.fronts.contains_key(&(realm, to.ip())) {
                return Ok(Way {
                    ports,
                    realm,
                    from,
                    to,
                });
            }
            let gate = gate_mut(&mut self.gates, realm).ok_or(LossCause::NoRoute)?;
            from = gate.nat.leave(now, ports, [from, to], rng)?;
            if to.ip() == gate.nat.external && !gate.nat.hairpins() {
                return Err(LossCause::Nat);
            }
            realm = gate.outside;
        }
    }

    /// Takes a packet down to its receiver: who is that, and at which address?
    pub(super) fn arrive(&self, now: Instant, way: Way) -> Result<(HostId, SocketAddr), LossCause> {
        self.descend(way, |nat, port| nat.enter(now, way.ports, way.from, port))
    }

    /// Who would be the receiver, if no NAT had anything against it?
    pub(super) fn receiver(&self, way: Way) -> Result<HostId, LossCause> {
        let (host, _) = self.descend(way, |nat, port| nat.behind(way.ports, port))?;
        Ok(host)
    }

    fn descend(
        &self,
        way: Way,
        enter: impl Fn(&NatBox, u16) -> Option<SocketAddr>,
    ) -> Result<(HostId, SocketAddr), LossCause> {
        let Way {
            mut realm, mut to, ..
        } = way;
        loop {
            if let Some(host) = self.owner(realm, to) {
                return Ok((host, to));
            }
            let front = self.fronts.get(&(realm, to.ip()));
            realm = *front.ok_or(LossCause::NoRoute)?;
            let gate = self.gates.get(realm.0.wrapping_sub(1));
            let gate = gate.ok_or(LossCause::NoRoute)?;
            to = enter(&gate.nat, to.port()).ok_or(LossCause::Nat)?;
        }
    }

    fn owner(&self, realm: Realm, address: SocketAddr) -> Option<HostId> {
        let realm = realm.space(address);
        let whole = SocketAddr::new(address.ip(), 0);
        let owner = self.owners.get(&(realm, address));
        owner.or_else(|| self.owners.get(&(realm, whole))).copied()
    }
}

fn gate_mut(gates: &mut [Gate], realm: Realm) -> Option<&mut Gate> {
    gates.get_mut(realm.0.checked_sub(1)?)
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;
    use crate::sim::nat::Nat;

    const NOW: Instant = Instant::ZERO;
    const SERVER: HostId = HostId(9);

    fn address(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    /// Hosts 0 and 1 behind one NAT, host 2 behind another inside of it.
    fn town(nat: Nat) -> (Realms, [Realm; 2]) {
        let mut realms = Realms::default();
        let street = realms.add_gate(
            Realm::INTERNET,
            NatBox::new(nat, "192.0.2.1".parse().unwrap()),
        );
        let house = realms.add_gate(street, NatBox::new(nat, "10.0.0.9".parse().unwrap()));
        assert!(realms.settle(HostId(0), street, address("10.0.0.2:1")));
        assert!(realms.settle(HostId(1), street, address("10.0.0.3:1")));
        assert!(realms.settle(HostId(2), house, address("10.0.0.2:1")));
        assert!(realms.settle(SERVER, Realm::INTERNET, address("198.51.100.1:0")));
        (realms, [street, house])
    }

    fn depart(realms: &mut Realms, host: usize, to: SocketAddr) -> Result<Way, LossCause> {
        let from = realms.homes.iter().find(|((id, _), _)| id.0 == host);
        let ((_, from), home) = from.unwrap();
        let (from, home) = (*from, *home);
        let mut rng = Rng::from_number(1);
        realms.depart(NOW, home, Ports::Datagrams, [from, to], &mut rng)
    }

    #[test]
    fn two_nats_are_crossed_and_the_answer_comes_back() {
        let (mut realms, _) = town(Nat::SYMMETRIC);
        let to = address("198.51.100.1:3478");
        let way = depart(&mut realms, 2, to).unwrap();
        assert_eq!(way.realm, Realm::INTERNET);
        assert_eq!(way.from, address("192.0.2.1:1"));
        assert_eq!(realms.arrive(NOW, way), Ok((SERVER, to)));
        let answer = Way {
            from: to,
            to: way.from,
            ..way
        };
        let inside = (HostId(2), address("10.0.0.2:1"));
        assert_eq!(realms.arrive(NOW, answer), Ok(inside));
        let stranger = Way {
            from: address("198.51.100.1:1"),
            ..answer
        };
        assert_eq!(realms.arrive(NOW, stranger), Err(LossCause::Nat));
        assert_eq!(realms.receiver(stranger), Ok(inside.0));
    }

    #[test]
    fn equal_addresses_are_told_apart_by_their_realm() {
        let (mut realms, _) = town(Nat::FULL_CONE);
        let to = address("10.0.0.2:1");
        let reached = |realms: &mut Realms, host| {
            let way = depart(realms, host, to).unwrap();
            realms.arrive(NOW, way).unwrap().0
        };
        assert_eq!(reached(&mut realms, 1), HostId(0));
        assert_eq!(reached(&mut realms, 2), HostId(2));
        let nowhere = depart(&mut realms, 9, to);
        assert_eq!(nowhere, Err(LossCause::NoRoute));
    }

    /// RFC 4787 §6: with the external address as the source.
    #[test]
    fn a_hairpin_comes_back_from_outside() {
        for hairpin in [true, false] {
            let (mut realms, _) = town(Nat {
                hairpin,
                ..Nat::FULL_CONE
            });
            let server = address("198.51.100.1:3478");
            let outside = depart(&mut realms, 0, server).unwrap().from;
            let way = depart(&mut realms, 1, outside);
            if hairpin {
                let way = way.unwrap();
                assert_eq!(way.from.ip(), outside.ip());
                let (host, _) = realms.arrive(NOW, way).unwrap();
                assert_eq!(host, HostId(0));
            } else {
                assert_eq!(way, Err(LossCause::Nat));
            }
        }
    }

    #[test]
    fn a_rebound_nat_is_reached_at_its_new_address() {
        let (mut realms, [street, _]) = town(Nat::FULL_CONE);
        let server = address("198.51.100.1:3478");
        let way = depart(&mut realms, 0, server).unwrap();
        realms.rebind(street, Some("192.0.2.7".parse().unwrap()));
        let back = |from| Way {
            from: server,
            to: from,
            ..way
        };
        let lost = realms.arrive(NOW, back(way.from));
        assert_eq!(lost, Err(LossCause::NoRoute));
        let way = depart(&mut realms, 0, server).unwrap();
        assert_eq!(way.from.ip().to_string(), "192.0.2.7");
        assert_eq!(realms.arrive(NOW, back(way.from)).unwrap().0, HostId(0));
    }

    #[test]
    fn ipv6_needs_no_nat() {
        let (mut realms, [street, house]) = town(Nat::SYMMETRIC);
        let [a, b] = ["[2001:db8::1]:1", "[2001:db8::2]:1"].map(address);
        realms.settle(HostId(0), street, a);
        realms.settle(HostId(2), house, b);
        let mut rng = Rng::from_number(1);
        let way = realms.depart(NOW, street, Ports::Datagrams, [a, b], &mut rng);
        let way = way.unwrap();
        assert_eq!(way.from, a);
        assert_eq!(realms.arrive(NOW, way), Ok((HostId(2), b)));
    }
}
