//! How do messages arrive reliably, or as reliably as asked (RFC 9260)?
//!
//! [`SctpAssociation`] is one association with one peer: the way of data
//! channels (RFC 8831). Implemented beside the base protocol: partial
//! reliability (RFC 3758, RFC 7496 limits by count and by time), stream reset
//! of outgoing streams (RFC 6525), immediate SACKs (RFC 7053) and zero
//! checksums (RFC 9653). Not implemented, because the transport below has no
//! addresses: multihoming. Not implemented yet: message interleaving (RFC 8260).
//!
//! Two ends that connect at the same time, as those of WebRTC do, and a path between
//! them that loses nothing:
//!
//! ```
//! use pollrtc::cursor::Writer;
//! use pollrtc::rng::Rng;
//! use pollrtc::sctp::{Ppid, SctpAssociation, SctpConfig, SendOptions, StreamId};
//! use pollrtc::time::Instant;
//!
//! let rng = &mut Rng::from_number(1);
//! let mut ends = [(); 2].map(|()| SctpAssociation::new(SctpConfig::default(), rng));
//! ends.iter_mut().for_each(SctpAssociation::connect);
//!
//! let now = Instant::ZERO;
//! // It waits until there is an association.
//! ends[0].send(now, StreamId(3), Ppid(51), SendOptions::default(), b"hello"[..].into())?;
//! let mut packet = Vec::new();
//! let message = loop {
//!     let [from, to] = &mut ends;
//!     while from.poll_transmit(now, &mut Writer::new(&mut packet, 1200)) {
//!         to.handle_input(now, &mut packet);
//!         packet.clear();
//!     }
//!     if let Some(message) = to.take_message() {
//!         break message;
//!     }
//!     ends.swap(0, 1);
//! };
//! assert_eq!((message.stream, &message.data[..]), (StreamId(3), &b"hello"[..]));
//! # Ok::<(), pollrtc::sctp::SendError>(())
//! ```
//!
//! Packets that are lost are sent again in
//! [`handle_timeout`](SctpAssociation::handle_timeout), when
//! [`poll_timeout`](SctpAssociation::poll_timeout) says so.

mod association;
mod config;
mod connect;
mod cookie;
mod data;
mod error;
mod event;
mod heartbeat;
mod message;
mod replies;
mod reset;
mod rx;
mod shutdown;
mod state;
mod stats;
mod transmit;
mod tx;

#[cfg(test)]
mod tests;

pub use crate::wire::sctp::{Ppid, StreamId};
pub use association::{SctpAssociation, SctpState};
pub use config::{SctpConfig, Timers};
pub use error::{CloseReason, SendError};
pub use event::Event;
pub use message::{Message, MessageInfo, Reliability, SendOptions};
pub use stats::{DataStats, Dropped, PathStats, Stats};
