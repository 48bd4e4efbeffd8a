//! How do messages arrive reliably, or as reliably as asked (RFC 9260)?
//!
//! [`SctpAssociation`] is one association with one peer: the way of data
//! channels (RFC 8831). Implemented beside the base protocol: partial
//! reliability (RFC 3758, RFC 7496 limits by count and by time), stream reset
//! of outgoing streams (RFC 6525), immediate SACKs (RFC 7053) and zero
//! checksums (RFC 9653). Not implemented, because the transport below has no
//! addresses: multihoming. Not implemented yet: message interleaving (RFC 8260).

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
