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
//! Sockets are the application's. Each address given to
//! [`add_local_address`](IceAgent::add_local_address) is that of a UDP socket
//! which is bound; what it receives goes to `open` with the [`Path`] it took, and
//! what [`poll_transmit`](IceAgent::poll_transmit) and `seal` write goes out of the
//! socket that their answer names.
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
//! RFC 8445 (full agent, one component), RFC 8421 (dual stack), RFC 8838 (trickle),
//! RFC 8863 (patience), RFC 7675 (consent). Not here yet: servers and relays,
//! TCP, names.
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
mod restart;
mod roaming;
mod search;
mod send;
mod server;
mod servers;
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
pub use server::{IceServer, Scheme, ServerError, ServerUrl, UrlError};
pub use state::{Event, FailReason, IceState, Role};
pub use stats::{Dropped, PairReport, PairStats, Stats};
