//! WebRTC and ORTC as pure state machines: no sockets, no threads, no clock, no
//! runtime. Moments and datagrams go in; datagrams, events and deadlines come out.
//!
//! # The contract
//!
//! Every machine of the crate speaks the same words:
//!
//! | call | meaning |
//! |---|---|
//! | `handle_input(now, …)` | a datagram arrived; it is decrypted in place |
//! | `handle_timeout(now)` | the deadline has come |
//! | `poll_transmit(now, …)` | is there a datagram to send? |
//! | `poll_event()` | did something happen? |
//! | `poll_timeout()` | when to come back at the latest |
//!
//! What comes from the network cannot fail and cannot panic. Commands may be
//! refused, each with its own small error. Time is whatever the caller says, and
//! randomness comes from one seed: the same seed and the same calls give the
//! same bytes, on every machine.
//!
//! # The loop
//!
//! ```no_run
//! # use pollrtc::{Instant, PeerConnection, net::Path, peer::Config, rng::Rng, time::Clock};
//! # use std::{net::UdpSocket, time::Duration};
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let clock = Clock::start();
//! let socket = UdpSocket::bind("127.0.0.1:0")?;
//! let local = socket.local_addr()?;
//! let mut peer = PeerConnection::new(Config::new(), &mut Rng::from_os()?)?;
//! peer.add_local_address(local)?;
//! // … exchange descriptions with the other side …
//! let (mut received, mut to_send) = ([0; 2048], Vec::new());
//! loop {
//!     while let Some(transmit) = peer.poll_transmit(clock.now(), 1, &mut to_send) {
//!         socket.send_to(&to_send, transmit.path.remote)?;
//!         to_send.clear();
//!     }
//!     while let Some(event) = peer.poll_event() {
//!         println!("{event:?}");
//!     }
//!     let now = clock.now();
//!     let wait = peer.poll_timeout().map(|deadline| deadline - now);
//!     // A timeout of zero would mean "wait for ever" to the socket.
//!     socket.set_read_timeout(wait.map(|wait| wait.max(Duration::from_millis(1))))?;
//!     if let Ok((len, from)) = socket.recv_from(&mut received) {
//!         peer.handle_input(clock.now(), Path::udp(local, from), &mut received[..len]);
//!     }
//!     peer.handle_timeout(clock.now());
//! }
//! # }
//! ```
//!
//! # The floors
//!
//! [`peer`] is the whole of it. Each part below is usable alone: [`ice`], [`mdns`],
//! [`dtls`], [`srtp`], [`rtp`], [`sctp`], [`channel`] and [`media`] with [`transport`] between them, offer and
//! answer in [`jsep`], and all formats as plain values in [`wire`]. With the feature `sim`
//! any of them can be put into a simulated network: see `sim::World`.
//!
//! # Features
//!
//! - `std` (default): a clock and a seed from the operating system.
//! - `rust-crypto` (default): cryptography in pure Rust.
//! - `aws-lc-rs`: a second, faster cryptography, in C and assembly.
//! - `sim`: the simulated network.
//! - `tracing`: log lines.
#![cfg_attr(docsrs, feature(doc_cfg))]
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

// Floor 0: ground.
pub mod crypto;
pub mod cursor;
mod log;
pub mod net;
pub mod rng;
pub mod seq;
mod tight;
pub mod time;
pub mod timer;
pub mod window;

// Floor 1: bytes and meaning.
pub mod wire;

// Floor 2: machines, each alone in the world.
pub mod dtls;
pub mod ice;
pub mod mdns;
pub mod rtp;
pub mod sctp;
pub mod srtp;
pub mod stun;
pub mod turn;

// Floor 3: who sits on whom.
pub mod channel;
pub mod media;
pub mod transport;

// Floor 4: offers and answers.
pub mod jsep;

// The roof.
pub mod peer;
#[cfg(feature = "sim")]
pub mod sim;

pub use dtls::DtlsTransport;
pub use ice::IceAgent;
pub use peer::PeerConnection;
pub use sctp::SctpAssociation;
pub use srtp::SrtpContext;
pub use time::Instant;
pub use turn::TurnClient;

/// The README's code is compiled.
#[cfg(all(doctest, feature = "std", feature = "rust-crypto"))]
#[doc = include_str!("../README.md")]
struct Readme;
