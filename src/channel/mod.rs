//! Which data channels are there, and in what state (RFC 8831, RFC 8832)?
//!
//! [`DataChannels`] is the table of channels over one [`SctpAssociation`] that it
//! owns. It speaks DCEP to open them, resets streams to close them, and gives
//! each message to its channel. Messages stay in the association, counted in the
//! window that the peer sees, until [`DataChannels::poll_event`] takes them.
//!
//! ```text
//!            open()                association connected
//!   ───────────────▶ Connecting ───────────────────────▶ Open
//!                        │                                │ close(), or the peer resets
//!                        │ close()                        ▼
//!                        └──────────────▶ Closed ◀──── Closing
//!                                           both directions reset
//! ```
//!
//! Implements RFC 8831 (§6.4 to §6.7) and RFC 8832.

mod config;
mod data;
mod establish;
mod handover;
mod table;
#[cfg(test)]
mod tests;

pub use config::{ChannelConfig, ChannelId, ChannelInfo, ChannelState, OpenError, Traffic};
pub use data::{Data, SendError};
pub use table::{DataChannels, Event, Limits, Stats, StreamParity};

#[cfg(doc)]
use crate::sctp::SctpAssociation;
