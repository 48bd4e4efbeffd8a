//! Which path between two peers works (RFC 8445)?
//!
//! [`IceAgent`] is a filter: it keeps the STUN checks for itself, passes
//! everything else up ([`open`](IceAgent::open)) and says where to send
//! ([`seal`](IceAgent::seal)).
//!
//! ```text
//!        add_local_address, gather          set_remote_credentials, add_remote_candidate
//!                    \                                  /
//!                     +--> pairs (checklist) <---------+
//!                                |  checks, paced by Ta        requests of the peer
//!            Frozen -> Waiting -> In-Progress -> Succeeded  <--- triggered checks
//!                                      \-> Failed  |
//!                                                  |  consent, every 4 to 6 s
//!   New -> Checking -> Connected -> Completed      |
//!                          \-> Disconnected -> Failed
//! ```
//!
//! # Sockets
//!
//! They are the application's. The agent is told of those that there are, asks by
//! event for those that it wants, and names each by its [`Path`], in both directions;
//! whether a peer or a server is at the other end makes no difference.
//!
//! | the application has | it says | bytes come in by | and go out |
//! |---|---|---|---|
//! | a UDP socket, bound to one address | [`add_local_address`], [`remove_local_address`] | [`open`] | from `path.local` to `path.remote` |
//! | a TCP socket that listens | [`add_tcp_listener`]; of each stream [`accepted`], [`disconnected`] | [`open_stream`] | appended to the stream of that path |
//! | a stream that it was asked for by [`Event::Connect`] | [`connected`], or [`disconnected`] | [`open_stream`] | appended to the stream of that path |
//! | a UDP socket on port 5353, in the group of multicast DNS | [`add_mdns_socket`] | [`open`] | to the group that is `path.remote` |
//! | a resolver, asked by [`Event::Resolve`] | [`resolved`] | | |
//!
//! What goes out is what [`poll_transmit`](IceAgent::poll_transmit) and
//! [`seal`](IceAgent::seal) write, each time one datagram, or one frame of a stream.
//! A stream takes it whole or not at all: one that has no room loses it like a
//! datagram, but a part of it would break the stream. Streams of
//! [`Protocol::Tls`](crate::net::Protocol::Tls) lead to servers; their handshake,
//! with the name that `Connect` says, is done before [`connected`] is said.
//! [`Event::Release`] says that a stream is not wanted any more.
//!
//! # Servers
//!
//! [`gather`](IceAgent::gather) asks each [`IceServer`] from each socket. What they
//! tell comes as [`Event::Candidate`], what they refuse as [`Event::CandidateError`].
//! A relayed address is a socket that stands elsewhere: its pairs have their [`Path`]
//! from there, and what travels on them is wrapped by a
//! [`TurnClient`](crate::turn::TurnClient). Permissions come before checks, and a
//! channel once a pair is in use. What was lent is kept, in use or not, for as long as
//! the agent lives, since a network may change at any time. It survives a restart, and
//! is given back when the agent fails or is [closed](IceAgent::close), which is why an
//! agent wants to be polled until [`Event::Closed`] comes.
//!
//! [`add_local_address`]: IceAgent::add_local_address
//! [`remove_local_address`]: IceAgent::remove_local_address
//! [`add_tcp_listener`]: IceAgent::add_tcp_listener
//! [`accepted`]: IceAgent::accepted
//! [`connected`]: IceAgent::connected
//! [`disconnected`]: IceAgent::disconnected
//! [`add_mdns_socket`]: IceAgent::add_mdns_socket
//! [`resolved`]: IceAgent::resolved
//! [`open`]: IceAgent::open
//! [`open_stream`]: IceAgent::open_stream
//!
//! # A loop
//!
//! Two agents, and all that an application does for them:
//!
//! ```
//! # #[cfg(feature = "rust-crypto")] {
//! use pollrtc::crypto::rust_crypto::PROVIDER;
//! use pollrtc::cursor::Writer;
//! use pollrtc::ice::{IceAgent, IceConfig, IceState, Role};
//! use pollrtc::net::Path;
//! use pollrtc::rng::Rng;
//! use pollrtc::time::Instant;
//!
//! let mut rng = Rng::from_number(1); // on a network: Rng::from_os()
//! let mut agent = |role, port| {
//!     let mut agent = IceAgent::new(IceConfig::new(&PROVIDER), role, &mut rng).unwrap();
//!     agent.add_local_address(([127, 0, 0, 1], port).into()).unwrap();
//!     agent.gather();
//!     agent
//! };
//! let mut a = agent(Role::Controlling, 1000);
//! let mut b = agent(Role::Controlled, 2000);
//!
//! // Signalling: each is told the other's credentials and candidates.
//! let introduce = |to: &mut IceAgent, from: &IceAgent| {
//!     to.set_remote_credentials(from.local_credentials().clone()).unwrap();
//!     for candidate in from.local_candidates() {
//!         to.add_remote_candidate(candidate.clone()).unwrap();
//!     }
//!     to.end_of_remote_candidates();
//! };
//! introduce(&mut a, &b);
//! introduce(&mut b, &a);
//!
//! // The loop: send what is ready, hand over what arrives, sleep until a deadline.
//! let mut now = Instant::ZERO;
//! let mut buf = Vec::new();
//! let mut send = |from: &mut IceAgent, to: &mut IceAgent, now| {
//!     buf.clear();
//!     while let Some(path) = from.poll_transmit(now, &mut Writer::new(&mut buf, 1200)) {
//!         to.open(now, Path::udp(path.remote, path.local), &mut buf);
//!         buf.clear();
//!     }
//! };
//! while a.state() != IceState::Completed || b.state() != IceState::Completed {
//!     send(&mut a, &mut b, now);
//!     send(&mut b, &mut a, now);
//!     now = [&a, &b].iter().filter_map(|agent| agent.poll_timeout()).min().unwrap();
//!     a.handle_timeout(now);
//!     b.handle_timeout(now);
//! }
//!
//! // Data goes where the agent says.
//! let mut buf = Vec::new();
//! let path = a.seal(&mut Writer::new(&mut buf, 1200), |w| {
//!     w.bytes(b"\x80 hello");
//!     true
//! });
//! assert_eq!(path, Some(Path::udp(([127, 0, 0, 1], 1000).into(), ([127, 0, 0, 1], 2000).into())));
//! # }
//! ```
//!
//! Networks come and go: [`add_local_address`](IceAgent::add_local_address) and
//! [`remove_local_address`](IceAgent::remove_local_address) at any time, and the
//! agents find the way to each other without signalling, if there is one.
//! [`restart`](IceAgent::restart) begins anew, with new credentials, while data
//! takes the pair that it took before.
//!
//! RFC 8445 (full and lite agents, one component), RFC 8421 (dual stack), RFC 8838
//! (trickle), RFC 8863 (patience), RFC 7675 (consent), RFC 7064 and 7065 (URLs), RFC
//! 6544 (TCP; no simultaneous open, no reflexive and no relayed TCP candidates),
//! RFC 8656 and 6156 by [`turn`](crate::turn), draft-ietf-mmusic-mdns-ice-candidates,
//! draft-thatcher-ice-renomination.
//!
//! [`Path`]: crate::net::Path

mod agent;
mod candidate;
mod checklist;
mod commands;
mod config;
mod consent;
mod credentials;
mod gather;
mod gatherer;
mod generation;
mod names;
mod nominate;
mod pair;
mod pairing;
mod query;
mod receive;
mod relay;
mod report;
mod restart;
mod roaming;
mod search;
mod send;
mod server;
mod servers;
mod sharing;
mod state;
mod stats;
mod stream;
#[cfg(test)]
mod tests;

pub use agent::{IceAgent, SelectedPair};
pub use candidate::CandidateError;
pub use config::{ConsentConfig, GatheringLimits, IceConfig, TransportPolicy};
pub use credentials::{Credentials, CredentialsError};
pub use gather::{AddressError, GatheringState};
pub use pair::PairState;
pub use report::CandidateReport;
pub use server::{IceServer, Scheme, ServerError, ServerUrl, UrlError};
pub use state::{Event, FailReason, IceState, Role};
pub use stats::{Dropped, PairReport, PairStats, Stats};
