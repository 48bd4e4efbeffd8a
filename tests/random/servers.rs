//! Who helps with candidates, and who is not there to do so.

use std::net::SocketAddr;

use pollrtc::crypto::CryptoProvider;
use pollrtc::ice::{IceServer, TransportPolicy};
use pollrtc::sim::TurnServerConfig;

use super::steps::{Servers, Setting};

/// Where the server is.
pub(crate) fn address() -> SocketAddr {
    SocketAddr::from(([203, 0, 113, 1], 3478))
}

/// Where nobody answers.
pub(crate) fn nobody() -> SocketAddr {
    SocketAddr::from(([203, 0, 113, 3], 3478))
}

pub(crate) fn server(provider: &'static CryptoProvider) -> TurnServerConfig {
    let relay = |nth: u16| SocketAddr::from(([203, 0, 113, 2], 49152 + nth));
    TurnServerConfig::new(provider, address(), (0..64).map(relay).collect(), USER)
}

/// The servers of a configuration.
pub(crate) fn of(servers: Servers) -> Vec<IceServer> {
    let url = |scheme: &str, place: &dyn std::fmt::Display| {
        let url = format!("{scheme}:{place}");
        url.parse().expect("a URL")
    };
    match servers {
        Servers::Nobody => Vec::new(),
        Servers::Stun => vec![IceServer::open(url("stun", &address()))],
        Servers::Turn => {
            let (name, password) = USER;
            // A socket has one address at a relay, and a stream one for each transport.
            let places = [
                address().to_string(),
                format!("{}?transport=tcp", address()),
            ];
            let server = |place| IceServer::with_login(url("turn", place), name, password);
            places.iter().map(|place| server(place)).collect()
        }
        Servers::Dead => vec![IceServer::open(url("stun", &nobody()))],
    }
}

/// Without a relay nothing would be left of this policy.
pub(crate) fn policy(setting: Setting) -> TransportPolicy {
    match setting.relayed && setting.servers == Servers::Turn {
        true => TransportPolicy::Relay,
        false => TransportPolicy::All,
    }
}

const USER: (&str, &str) = ("user", "secret");
