//! How do two peers meet when every direct way is blocked? At a relay (RFC 8656).
//!
//! [`TurnClient`] is a filter: it obtains an address on a TURN server, keeps it,
//! says who may reach it, and wraps and unwraps what travels between the server
//! and us.
//!
//! ```text
//!    us                      server  192.0.2.1:3478         peer
//!     |  Allocate               |                            |
//!     |------------------------>|  relayed 192.0.2.1:50000   |
//!     |  CreatePermission       |                            |
//!     |------------------------>|                            |
//!     |  Send indication        |  a plain datagram          |
//!     |========================>|===========================>|
//!     |  Data indication        |                            |
//!     |<========================|<===========================|
//!     |  ChannelBind            |                            |
//!     |------------------------>|                            |
//!     |  ChannelData, 4 bytes   |                            |
//!     |<=======================>|<==========================>|
//!
//!   New -> Allocating -> Allocated -> Closing -> Closed
//!             |   ^          |
//!             v   |          v
//!          Redirected      Failed
//! ```
//!
//! One client has one [`path`](TurnClient::path), that of a socket of the
//! application's to the server. What comes from there goes to
//! [`open`](TurnClient::open); what [`poll_transmit`](TurnClient::poll_transmit) and
//! [`seal`](TurnClient::seal) write goes there. Over UDP that is one datagram each
//! time. Over TCP and TLS the bytes that are written are appended to the stream, and
//! a `Deframer` of [`wire::framing`](crate::wire::framing) cuts messages out of
//! what arrives. The application compares paths: the client believes that what it is
//! given came from its server's address, and checks transactions and proofs.
//!
//! ```
//! # #[cfg(all(feature = "rust-crypto", feature = "sim"))] {
//! use pollrtc::crypto::rust_crypto::PROVIDER;
//! use pollrtc::cursor::Writer;
//! use pollrtc::net::Path;
//! use pollrtc::rng::Rng;
//! use pollrtc::time::Instant;
//! use pollrtc::turn::{Event, TurnClient, TurnConfig};
//! # use pollrtc::sim::{Machine, TurnServer, TurnServerConfig};
//!
//! let mut rng = Rng::from_number(1); // on a network: Rng::from_os()
//! let path = Path::udp(([10, 0, 0, 1], 5000).into(), ([192, 0, 2, 1], 3478).into());
//! let config = TurnConfig::new(&PROVIDER, "alice", "secret");
//! let mut turn = TurnClient::new(config, path, &mut rng).unwrap();
//! turn.allocate();
//!
//! // The loop: send what is ready, hand over what arrives, sleep until a deadline.
//! # let relay = ([192, 0, 2, 1], 50_000).into();
//! # let config = TurnServerConfig::new(&PROVIDER, path.remote, vec![relay], ("alice", "secret"));
//! # let mut server = TurnServer::<()>::new(config, &mut rng);
//! let now = Instant::ZERO;
//! let peer = ([198, 51, 100, 1], 7000).into();
//! let mut buf = Vec::new();
//! loop {
//!     buf.clear();
//!     if turn.poll_transmit(now, &mut Writer::new(&mut buf, 1200)) {
//!         // socket.send_to(&buf, path.remote)
//! #       server.handle_input(now, Path::udp(path.remote, path.local), &mut buf);
//!     }
//!     match turn.poll_event() {
//!         Some(Event::Allocated { relayed, .. }) => {
//!             println!("tell the peer: {relayed}");
//!             turn.bind(peer).unwrap(); // and let it in
//!         }
//!         Some(Event::Permitted(_)) => break,
//!         Some(Event::Failed(failure)) => panic!("{failure}"),
//!         _ => {}
//!     }
//!     // let len = socket.recv_from(&mut buf)
//! #   buf.clear();
//! #   server.poll_transmit(now, &mut Writer::new(&mut buf, 1500));
//!     if let Some((peer, data)) = turn.open(now, &mut buf) {
//!         println!("{peer} says {data:?}");
//!     }
//!     // … and turn.handle_timeout(now) when turn.poll_timeout() has come.
//! }
//!
//! // Data goes through the relay.
//! buf.clear();
//! let sealed = turn.seal(peer, &mut Writer::new(&mut buf, 1200), |w| {
//!     w.bytes(b"hello");
//!     true
//! });
//! assert!(sealed && buf == b"\x40\x00\x00\x05hello");
//! # }
//! ```
//!
//! RFC 8656 (UDP towards peers; over UDP, TCP and TLS towards the server), RFC 6156
//! (IPv6), RFC 8489 §9.2 (long-term credentials with both password algorithms and
//! USERHASH), §10 (redirects). Not here: dual allocations, reserved ports, TCP
//! towards peers (RFC 6062), third-party authorization (RFC 7635).

mod channels;
mod client;
mod config;
mod data;
mod event;
mod lease;
mod permissions;
mod request;
mod response;
mod stats;

pub use client::TurnClient;
pub use config::{ConfigError, TurnConfig};
pub use event::{Event, PeerError, State};
pub use stats::{Dropped, Stats};
