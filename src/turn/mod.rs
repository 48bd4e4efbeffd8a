//! How do two peers meet when every direct way is blocked? At a relay (RFC 8656).
//!
//! [`TurnClient`] is a filter: it obtains an address on a TURN server, keeps it,
//! and wraps and unwraps what travels between the server and us.

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
