//! Which address is behind a `.local` name, and who asks for ours (RFC 6762)?
//!
//! Browsers hide the addresses of their hosts behind random names
//! (draft-ietf-mmusic-mdns-ice-candidates). [`Mdns`] asks for the names of peers
//! and answers for names of ours. It is an endpoint:
//!
//! ```text
//!   resolve(name) ---> asked at 0, 1, 3 and 7 s ---> Event::Resolved
//!                               \------------------> Event::NotFound, after 10 s
//!   publish(name, address) ---> answers, at most one in a second
//! ```
//!
//! Sockets are the application's. Each given to [`add_socket`](Mdns::add_socket) is
//! bound to port 5353 with `SO_REUSEADDR` (and `SO_REUSEPORT`), has joined the
//! group of its family on the interface that it serves, and has multicast loopback
//! on if two programs of this host are to find each other. What it receives comes
//! in as [`Path::udp`](crate::net::Path::udp) from its own address as it was given
//! here to the sender's; what [`poll_transmit`](Mdns::poll_transmit) writes goes
//! from there to [`GROUP_V4`] or [`GROUP_V6`], or to who asked for an answer alone.
//!
//! ```
//! use std::net::SocketAddr;
//!
//! use pollrtc::cursor::Writer;
//! use pollrtc::mdns::{Event, Mdns, MdnsConfig, random_name};
//! use pollrtc::net::Path;
//! use pollrtc::rng::Rng;
//! use pollrtc::time::Instant;
//!
//! let mut rng = Rng::from_number(1); // on a network: Rng::from_os()
//! let hosts: [SocketAddr; 2] =
//!     ["10.0.0.1:5353", "10.0.0.2:5353"].map(|host| host.parse().unwrap());
//! let [mut asker, mut owner] = hosts.map(|host| {
//!     let mut mdns = Mdns::new(MdnsConfig::default(), &mut rng);
//!     mdns.add_socket(host).unwrap();
//!     mdns
//! });
//! let name = random_name(&mut rng);
//! owner.publish(&name, hosts[1].ip()).unwrap();
//! asker.resolve(&name).unwrap();
//!
//! // What one sends to the group arrives at the other.
//! let (now, mut buf) = (Instant::ZERO, Vec::new());
//! asker.poll_transmit(now, &mut Writer::new(&mut buf, 1200)).unwrap();
//! owner.handle_input(now, Path::udp(hosts[1], hosts[0]), &buf);
//! buf.clear();
//! owner.poll_transmit(now, &mut Writer::new(&mut buf, 1200)).unwrap();
//! asker.handle_input(now, Path::udp(hosts[0], hosts[1]), &buf);
//!
//! let addresses = vec![hosts[1].ip()];
//! assert_eq!(asker.poll_event(), Some(Event::Resolved { name, addresses }));
//! ```
//!
//! What is not here of RFC 6762: names are random, so they are neither probed nor
//! announced nor defended (§8, §9); there is no cache and so no known-answer list
//! in questions (§7.1, §10); and an answer is taken once, so there are no
//! continuous questions (§5.2).

mod machine;
mod name;
mod querier;
mod responder;
mod sockets;
#[cfg(test)]
mod tests;

use alloc::string::String;
use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use core::time::Duration;

use thiserror::Error;

pub use machine::Mdns;
pub use name::{is_local_name, random_name};
pub use sockets::MAX_SOCKETS;

/// What happened?
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// Somebody says that these are the addresses of a name that was asked for;
    /// there is at least one.
    Resolved {
        /// The name, as it was asked for.
        name: String,
        /// Its addresses, at most 8.
        addresses: Vec<IpAddr>,
    },
    /// Nobody answers for a name.
    NotFound(String),
    /// The machine was closed.
    Closed,
}

/// The choices and limits of an [`Mdns`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MdnsConfig {
    /// After which time a question is asked again; it doubles each time. 1 s, and
    /// less is not allowed (RFC 6762 §5.2).
    pub first_wait: Duration,
    /// After which time nobody is expected to answer any more. 10 s.
    pub patience: Duration,
    /// For how long an answer of ours holds, in seconds. 120 (RFC 6762 §10).
    pub ttl: u32,
    /// How many names may be asked for at a time. 64; more are refused.
    pub max_questions: usize,
    /// How many names may be published. 16; more are refused.
    pub max_names: usize,
    /// How many answers to single askers may wait to be sent. 16; further
    /// questions are dropped.
    pub max_replies: usize,
}

impl Default for MdnsConfig {
    fn default() -> Self {
        Self {
            first_wait: Duration::from_secs(1),
            patience: Duration::from_secs(10),
            ttl: 120,
            max_questions: 64,
            max_names: 16,
            max_replies: 16,
        }
    }
}

/// Why is a name not resolved or published?
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum NameError {
    /// It is not one label and `.local`; another kind of name has to be asked
    /// for elsewhere.
    #[error("this is not a name of the form x.local")]
    NotLocal,
    /// It is published for another address. Withdraw it first, or take a fresh one.
    #[error("the name is published for another address")]
    Taken,
    /// There are as many as the limit allows.
    #[error("there are too many names")]
    TooMany,
    /// There is no socket to ask with.
    #[error("there is no socket to ask with")]
    NoSocket,
    /// The machine is closed.
    #[error("the machine is closed")]
    Closed,
}

/// Why is a socket not used?
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SocketError {
    /// Questions are asked and answered from port 5353 only (RFC 6762 §5.2, §6).
    #[error("the socket is not bound to port 5353")]
    Port,
    /// There are [`MAX_SOCKETS`].
    #[error("there are too many sockets")]
    TooMany,
    /// The machine is closed.
    #[error("the machine is closed")]
    Closed,
}

/// What was counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Stats {
    /// Datagrams with questions sent.
    pub queries_sent: u64,
    /// Datagrams with answers sent, to all or to one.
    pub responses_sent: u64,
    /// Questions received for names of ours.
    pub questions_received: u64,
    /// Names that were resolved.
    pub resolved: u64,
    /// What was not believed, understood or wanted.
    pub dropped: Dropped,
}

/// Datagrams and questions dropped, by reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Dropped {
    /// Datagrams that are no DNS, or another operation of it.
    pub malformed: u64,
    /// Datagrams for an address that is none of our sockets'.
    pub unknown_local: u64,
    /// Answers that did not come from port 5353 (RFC 6762 §6).
    pub wrong_port: u64,
    /// Datagrams with nothing for us, our own that came back among them.
    pub not_for_us: u64,
    /// Questions that were answered less than a second ago (RFC 6762 §6).
    pub too_soon: u64,
    /// Questions whose asker says that it knows the answer (RFC 6762 §7.1).
    pub known: u64,
    /// Questions of single askers that seem to be on another link (RFC 6762 §5.5).
    pub off_link: u64,
    /// Questions while too many answers wait.
    pub replies_full: u64,
}

/// The port of multicast DNS.
pub const PORT: u16 = 5353;

/// Where questions and answers go over IPv4.
pub const GROUP_V4: SocketAddr =
    SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::new(224, 0, 0, 251), PORT));

/// Where questions and answers go over IPv6. The interface is the socket's.
pub const GROUP_V6: SocketAddr = SocketAddr::V6(SocketAddrV6::new(
    Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0xfb),
    PORT,
    0,
    0,
));
