//! Where hosts are: behind NATs and firewalls, with addresses that come and go,
//! and names.

use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::net::{IpAddr, SocketAddr};
use core::time::Duration;

use super::firewall::{Firewall, Wall};
use super::machine::{Grant, Machine};
use super::nat::{Nat, NatBox};
use super::queue::Freight;
use super::realm::Realm;
use super::turn_server::{TurnServer, TurnServerConfig};
use super::world::{HostId, World};

/// Who is called what, and how long it takes to learn that.
#[derive(Debug, Default)]
pub(super) struct Names {
    table: BTreeMap<String, Vec<IpAddr>>,
}

impl<M: Machine> World<M> {
    /// A NAT in the realm `outside` that has the address `external`: gives back
    /// the realm behind it, in which [`add_in`](Self::add_in) puts hosts.
    ///
    /// Addresses of IPv6 behind it are the Internet's, and are not translated.
    pub fn add_nat(&mut self, outside: Realm, nat: Nat, external: IpAddr) -> Realm {
        self.network
            .realms
            .add_gate(outside, NatBox::new(nat, external))
    }

    /// Lets the NAT in front of `realm` forget all that it knew, as when it was
    /// restarted: it maps to other ports, or to another address. Streams through it tear.
    pub fn rebind(&mut self, realm: Realm, external: Option<IpAddr>) {
        self.disconnect_across(realm);
        self.network.realms.rebind(realm, external);
    }

    /// A STUN and TURN server on the Internet, over UDP and streams.
    ///
    /// # Panics
    ///
    /// If another host has one of its addresses.
    pub fn add_turn_server(&mut self, name: &str, config: TurnServerConfig) -> HostId {
        let (address, sockets) = (config.address, config.sockets());
        let server: TurnServer = TurnServer::new(config, &mut self.fork_rng());
        let host = self.add_server(name, &sockets, server);
        self.listen(host, address);
        host
    }

    /// Puts a firewall in front of a host, or takes it away (the default).
    pub fn set_firewall(&mut self, host: HostId, firewall: Firewall) {
        self.network.walls.insert(host, Wall::new(firewall));
    }

    /// Gives a host another address.
    ///
    /// # Panics
    ///
    /// If another host of the realm has it.
    pub fn add_socket(&mut self, host: HostId, realm: Realm, address: SocketAddr) {
        let is_free = self.network.realms.settle(host, realm, address);
        assert!(is_free, "two hosts have the address {address}");
        self.hosts[host.0].sockets.push(address);
    }

    /// Takes an address from a host, whose machine may not know that yet: what it
    /// sends from there is lost, as is what is under way to it.
    pub fn remove_socket(&mut self, host: HostId, address: SocketAddr) {
        self.network.realms.leave(host, address);
        for path in self.streams(host) {
            if path.local.ip() == address.ip() {
                self.disconnect(host, path);
            }
        }
    }

    /// Gives a name to some addresses.
    pub fn add_name(&mut self, name: &str, addresses: &[IpAddr]) {
        let addresses = addresses.to_vec();
        self.names.table.insert(name.to_string(), addresses);
    }

    pub(super) fn ask_name(&mut self, host: HostId, name: String) {
        let answer = self.now + NAME_DELAY;
        self.network.queue.push(answer, Freight::Name(host, name));
    }

    pub(super) fn on_name(&mut self, host: HostId, name: String) {
        let addresses = self.names.table.get(&name).cloned();
        let grant = Grant::Resolved(name, addresses.unwrap_or_default());
        self.grant(host, grant);
    }
}

/// How long a name server needs.
const NAME_DELAY: Duration = Duration::from_millis(30);
