//! What happens in a world of hosts and links with one seed?
//!
//! A [`World`] holds any number of machines, moves datagrams between them over
//! [`Link`]s that delay, lose, reorder and duplicate, and jumps its clock from
//! event to event. Everything is drawn from one seed, which a panic names: the
//! same seed shows the same run again, bytes included.
//!
//! What happened stands in the [`Ledger`]. From it come the text
//! [`trace`], the capture for Wireshark ([`pcapng`]), the digest, and the
//! [`invariants`] that are checked after every step.
//!
//! ```
//! # #[cfg(feature = "rust-crypto")] {
//! use core::time::Duration;
//! use pollrtc::peer::ChannelConfig;
//! use pollrtc::sim::{Chance, Link, Loss, World, pcapng, trace};
//!
//! let link = Link {
//!     loss: Loss::Uniform(Chance::percent(10)),
//!     ..Link::with_delay(Duration::from_millis(20))
//! };
//! let (mut world, [left, right]) = World::pair(7, link);
//! world.open(left, "chat", ChannelConfig::default()).unwrap();
//! world.negotiate(left, right).unwrap();
//! assert!(world.connect([left, right], Duration::from_secs(10)));
//!
//! println!("{}", trace::Trace(world.ledger()));
//! let file: Vec<u8> = pcapng::capture(world.ledger());
//! # assert!(file.len() > 1000);
//! # }
//! ```
//!
//! Hosts may be behind NATs and firewalls. Here two agents find out where theirs
//! let them through, with the help of a server:
//!
//! ```
//! # #[cfg(feature = "rust-crypto")] {
//! use core::net::{IpAddr, SocketAddr};
//! use core::time::Duration;
//! use pollrtc::crypto::rust_crypto::PROVIDER;
//! use pollrtc::ice::{IceServer, Role, IceConfig};
//! use pollrtc::net::CandidateKind;
//! use pollrtc::sim::{Link, Nat, Realm, TurnServerConfig, World};
//! use pollrtc::IceAgent;
//!
//! let mut world = World::new(7).with_links(Link::with_delay(Duration::from_millis(20)));
//! let server = SocketAddr::from(([203, 0, 113, 1], 3478));
//! world.add_turn_server("S", TurnServerConfig::new(&PROVIDER, server, vec![], ("user", "secret")));
//!
//! // Both have the same address, each in its own home.
//! let address = SocketAddr::from(([192, 168, 1, 2], 5000));
//! let mut add = |name, nat, external: [u8; 4], role| {
//!     let home = world.add_nat(Realm::INTERNET, nat, IpAddr::from(external));
//!     let mut config = IceConfig::new(&PROVIDER);
//!     config.servers = vec![IceServer::open("stun:203.0.113.1".parse().unwrap())];
//!     let mut agent = IceAgent::new(config, role, &mut world.fork_rng()).unwrap();
//!     agent.add_local_address(address).unwrap();
//!     agent.gather();
//!     world.add_in(home, name, &[address], agent)
//! };
//! let left = add("L", Nat::PORT_RESTRICTED_CONE, [198, 51, 100, 1], Role::Controlling);
//! let right = add("R", Nat::SYMMETRIC, [198, 51, 100, 2], Role::Controlled);
//! world.run_for(Duration::from_secs(1));
//!
//! for (host, peer) in [(left, right), (right, left)] {
//!     let other = world.machine(peer);
//!     let credentials = other.local_credentials().clone();
//!     let candidates: Vec<_> = other.local_candidates().cloned().collect();
//!     assert!(candidates.iter().any(|one| one.kind == CandidateKind::ServerReflexive));
//!     world.with(host, |agent, _| {
//!         agent.set_remote_credentials(credentials).unwrap();
//!         for candidate in candidates {
//!             agent.add_remote_candidate(candidate).unwrap();
//!         }
//!         agent.end_of_remote_candidates();
//!     });
//! }
//! // Only a symmetric NAT and one that looks at ports cannot be crossed: a relay is needed.
//! world.run_for(Duration::from_secs(10));
//! assert!(!world.machine(left).state().is_connected());
//! # }
//! ```
//!
//! Machines of other kinds live in a world through [`Machine`], five methods
//! that each forward to one of the contract's.

pub mod dissect;
pub mod invariants;
pub mod ledger;
pub mod pcapng;
pub mod trace;

mod adapter;
mod engine;
mod firewall;
mod inhabitant;
mod link;
mod machine;
mod nat;
mod network;
mod peer;
mod place;
mod plan;
mod queue;
mod realm;
mod stream;
mod turn_server;
mod world;

pub use adapter::{Direct, SctpTold};
pub use firewall::{Firewall, Passage};
pub use ledger::{Fact, Ledger};
pub use link::{Chance, Link, Loss, LossCause};
pub use machine::{Grant, Machine, Wish};
pub use nat::{Dependence, Nat};
pub use network::{Sighting, Tap, Verdict};
pub use realm::Realm;
pub use turn_server::{Habit, TurnServer, TurnServerConfig, TurnServerStats};
pub use world::{DATAGRAM_LIMIT, HostId, World};

#[cfg(test)]
mod tests;
