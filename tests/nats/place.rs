//! The places where hosts are, and the server that all of them know.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use pollrtc::crypto::rust_crypto::PROVIDER;
use pollrtc::ice::IceServer;
use pollrtc::sim::{
    Chance, Firewall, HostId, Link, Loss, Machine, Nat, Realm, TurnServerConfig, World,
};

/// What is between a host and the Internet?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Open,
    FullCone,
    RestrictedCone,
    PortRestrictedCone,
    Symmetric,
    UdpBlocked,
    /// A port-restricted cone that forgets after half a minute.
    Forgetful,
    /// Behind two port-restricted cones, one in the other.
    Nested,
    /// Behind the NAT of the other side.
    Neighbour,
}

impl Place {
    pub(crate) const ALL: [Self; 6] = [
        Self::Open,
        Self::FullCone,
        Self::RestrictedCone,
        Self::PortRestrictedCone,
        Self::Symmetric,
        Self::UdpBlocked,
    ];

    const fn nat(self) -> Option<Nat> {
        match self {
            Self::Open | Self::UdpBlocked | Self::Neighbour => None,
            Self::FullCone => Some(Nat::FULL_CONE),
            Self::RestrictedCone => Some(Nat::RESTRICTED_CONE),
            Self::PortRestrictedCone | Self::Nested => Some(Nat::PORT_RESTRICTED_CONE),
            Self::Forgetful => Some(Nat {
                timeout: secs(30),
                ..Nat::PORT_RESTRICTED_CONE
            }),
            Self::Symmetric => Some(Nat::SYMMETRIC),
        }
    }

    /// Whether two hosts at these places reach each other without a relay, once a
    /// server has told them their addresses.
    ///
    /// A symmetric NAT shows the peer a port that nobody could foretell. That is
    /// no harm if the peer lets in whom it did not speak to, or asks for the host
    /// alone and not its port.
    pub(crate) fn meets(self, other: Self) -> bool {
        let is_symmetric = |place| place == Self::Symmetric;
        let asks_for_ports = |place| matches!(place, Self::PortRestrictedCone | Self::Symmetric);
        let unforeseen = |a, b| is_symmetric(a) && asks_for_ports(b);
        let blocked = self == Self::UdpBlocked || other == Self::UdpBlocked;
        !blocked && !unforeseen(self, other) && !unforeseen(other, self)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Open => "open",
            Self::FullCone => "full",
            Self::RestrictedCone => "restr",
            Self::PortRestrictedCone => "port",
            Self::Symmetric => "symm",
            Self::UdpBlocked => "block",
            Self::Forgetful => "forget",
            Self::Nested => "nested",
            Self::Neighbour => "same",
        })
    }
}

/// The same behind every NAT, so that nobody can rely on it.
pub(crate) const PRIVATE: &str = "192.168.1.2:5000";

/// Where the STUN and TURN server is.
pub(crate) const SERVER: &str = "203.0.113.1:3478";

pub(crate) fn address(text: &str) -> SocketAddr {
    text.parse().expect("an address")
}

/// The address of a side at a place, and its realm; `first` is that of the first side.
pub(crate) fn settle<M: Machine>(
    world: &mut World<M>,
    side: usize,
    place: Place,
    first: Realm,
) -> (Realm, SocketAddr) {
    let outside = external(side);
    let Some(nat) = place.nat() else {
        return match place {
            Place::Neighbour => (first, address("192.168.1.3:5000")),
            _ => (Realm::INTERNET, SocketAddr::new(outside, 5000)),
        };
    };
    let mut realm = world.add_nat(Realm::INTERNET, nat, outside);
    if place == Place::Nested {
        realm = world.add_nat(realm, nat, IpAddr::from([100, 64, 0, 7]));
    }
    (realm, address(PRIVATE))
}

/// The address of a side on the Internet.
pub(crate) fn external(side: usize) -> IpAddr {
    let last = u8::try_from(side + 1).expect("there are two sides");
    IpAddr::from([198, 51, 100, last])
}

/// Closes the firewall of a host whose place has one.
pub(crate) fn wall_in<M: Machine>(world: &mut World<M>, host: HostId, place: Place) {
    if place == Place::UdpBlocked {
        world.set_firewall(host, Firewall::NO_UDP);
    }
}

/// A server for STUN and TURN; it lends addresses that all can reach.
pub(crate) fn add_server<M: Machine>(world: &mut World<M>) -> HostId {
    let relays = (0..16).map(|n| address(&format!("203.0.113.2:{}", 49_152 + n)));
    let user = ("user", "secret");
    let config = TurnServerConfig::new(&PROVIDER, address(SERVER), relays.collect(), user);
    world.add_turn_server("S", config)
}

/// What hosts are told of the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Help {
    /// It says where they are.
    Stun,
    /// It also relays, over UDP and TCP.
    Turn,
}

impl Help {
    pub(crate) fn servers(self) -> Vec<IceServer> {
        let stun = format!("stun:{SERVER}");
        let url = |text: &str| text.parse().expect("a URL");
        let mut servers = vec![IceServer::open(url(&stun))];
        if self == Self::Turn {
            for transport in ["udp", "tcp"] {
                let turn = format!("turn:{SERVER}?transport={transport}");
                servers.push(IceServer::with_login(url(&turn), "user", "secret"));
            }
        }
        servers
    }
}

pub(crate) const fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

pub(crate) const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// A usual way across a continent.
pub(crate) fn good_link() -> Link {
    Link::with_delay(millis(20))
}

/// One of five datagrams is lost.
pub(crate) fn lossy_link() -> Link {
    Link {
        jitter: millis(20),
        loss: Loss::Uniform(Chance::percent(20)),
        ..good_link()
    }
}
