//! Where does a server send us, and do we go there (RFC 8489 §10)?

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::net::{IpAddr, SocketAddr};

use crate::wire::stun::{Attribute, Message};

/// The servers that were asked, so that nobody is sent in circles.
#[derive(Clone, Debug)]
pub struct Redirects {
    asked: Vec<SocketAddr>,
    max: usize,
}

/// Another server to ask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alternate {
    /// Its address.
    pub server: SocketAddr,
    /// For which name its certificate must be, if not for the same as before.
    pub domain: Option<String>,
}

impl Redirects {
    /// `server` is asked first, and `max` others may follow.
    #[must_use]
    pub fn new(server: SocketAddr, max: usize) -> Self {
        Self {
            asked: [server].into(),
            max,
        }
    }

    /// Where an error 300 sends us. `None` if it is nowhere that we go: to a
    /// server that was asked already (RFC 8489 §10: a loop), to one of another
    /// address family, to a place that the first server has no business with, or
    /// if we were sent on often enough.
    pub fn next(&mut self, message: &Message<'_>) -> Option<Alternate> {
        if self.asked.len() > self.max {
            return None;
        }
        let current = *self.asked.last()?;
        let (mut server, mut domain) = (None, None);
        for attribute in message.attributes() {
            match attribute {
                Attribute::AlternateServer(address) if is_fit(current, address) => {
                    server = server.or(Some(address));
                }
                Attribute::AlternateDomain(name) => domain = domain.or(Some(name)),
                _ => {}
            }
        }
        let server = server.filter(|server| !self.asked.contains(server))?;
        self.asked.push(server);
        Some(Alternate {
            server,
            domain: domain.map(ToString::to_string),
        })
    }
}

/// Whether `current` may send us to `next`: not to ourselves and not to the
/// neighbourhood, unless it is there itself.
fn is_fit(current: SocketAddr, next: SocketAddr) -> bool {
    let reach = |ip: IpAddr| match ip {
        IpAddr::V4(ip) => (ip.is_loopback(), ip.is_link_local()),
        IpAddr::V6(ip) => (ip.is_loopback(), ip.is_unicast_link_local()),
    };
    is_unicast(next)
        && current.is_ipv4() == next.is_ipv4()
        && (reach(next.ip()) == (false, false) || reach(next.ip()) == reach(current.ip()))
}

/// Whether `address` can be that of one host's socket, in the plain form of its family.
#[must_use]
pub fn is_unicast(address: SocketAddr) -> bool {
    let single = match address.ip() {
        IpAddr::V4(ip) => !ip.is_unspecified() && !ip.is_multicast() && !ip.is_broadcast(),
        IpAddr::V6(ip) => {
            !ip.is_unspecified() && !ip.is_multicast() && ip.to_ipv4_mapped().is_none()
        }
    };
    single && address.port() != 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cursor::{Reader, Writer};
    use crate::wire::stun::{Builder, Class, Method, TransactionId};

    fn sent_to(redirects: &mut Redirects, servers: &[&str]) -> Option<Alternate> {
        let mut buf = Vec::new();
        let mut w = Writer::new(&mut buf, 1000);
        let id = TransactionId([1; 12]);
        let mut builder = Builder::new(&mut w, Class::Error, Method::BINDING, id);
        for server in servers {
            let server = server.parse().expect("an address");
            builder.attribute(&Attribute::AlternateServer(server));
        }
        builder.attribute(&Attribute::AlternateDomain("other.example"));
        redirects.next(&Message::parse(&mut Reader::new(&buf)).expect("a message"))
    }

    fn from(server: &str) -> Redirects {
        Redirects::new(server.parse().expect("an address"), 3)
    }

    #[test]
    fn ice_020_and_atk_042_nobody_is_sent_in_circles_or_for_ever() {
        let mut redirects = from("192.0.2.1:3478");
        assert_eq!(sent_to(&mut redirects, &["192.0.2.1:3478"]), None);
        let next = sent_to(&mut redirects, &["[2001:db8::1]:1", "192.0.2.2:3478"]);
        let next = next.expect("the one of our family");
        assert_eq!(next.server.to_string(), "192.0.2.2:3478");
        assert_eq!(next.domain.as_deref(), Some("other.example"));
        assert_eq!(sent_to(&mut redirects, &["192.0.2.1:3478"]), None);
        assert!(sent_to(&mut redirects, &["192.0.2.3:3478"]).is_some());
        assert!(sent_to(&mut redirects, &["192.0.2.4:3478"]).is_some());
        assert_eq!(sent_to(&mut redirects, &["192.0.2.5:3478"]), None);
    }

    #[test]
    fn atk_043_a_server_has_no_business_with_our_neighbourhood() {
        for inside in [
            "127.0.0.1:3478",
            "169.254.169.254:80",
            "0.0.0.0:3478",
            "255.255.255.255:3478",
            "224.0.0.1:3478",
            "192.0.2.2:0",
        ] {
            assert_eq!(sent_to(&mut from("192.0.2.1:3478"), &[inside]), None);
        }
        for inside in [
            "[::1]:1",
            "[fe80::1]:1",
            "[::ffff:127.0.0.1]:1",
            "[ff02::1]:1",
        ] {
            assert_eq!(sent_to(&mut from("[2001:db8::1]:3478"), &[inside]), None);
        }
        assert!(sent_to(&mut from("127.0.0.1:3478"), &["127.0.0.1:3479"]).is_some());
    }
}
