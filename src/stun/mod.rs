//! Did the other end hear us, and was it the other end (RFC 8489)?
//!
//! Two data machines that ICE and TURN share: when a request is repeated
//! ([`Transaction`]), and whether a message is authentic ([`Key`]).

mod auth;
mod transaction;

pub use auth::{AuthError, Key};
pub use transaction::{Schedule, Transaction};
