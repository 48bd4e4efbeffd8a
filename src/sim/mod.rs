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
mod stun_server;
mod turn_server;
mod world;

pub use adapter::{Direct, SctpTold};
pub use firewall::{Firewall, Passage};
pub use ledger::{Fact, Ledger};
pub use link::{Chance, Link, Loss, LossCause};
pub use machine::{Grant, Machine, Wish};
pub use nat::{Dependence, Nat};
pub use network::{Sighting, Tap, Verdict};
pub use turn_server::{Habit, TurnServer, TurnServerConfig, TurnServerStats};
pub use realm::Realm;
pub use stun_server::StunServer;
pub use world::{DATAGRAM_LIMIT, HostId, World};

#[cfg(test)]
mod tests;
