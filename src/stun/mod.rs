//! Did the other end hear us, and was it the other end (RFC 8489)?
//!
//! What ICE and TURN share: when a request is repeated ([`Transaction`]), whether a
//! message is authentic ([`Key`]), how an account is proved to a server
//! ([`LongTerm`]), and where else a server sends us ([`Redirects`]).
//! [`BindingQuery`] is a machine of its own that asks a server for our address.

mod alternate;
mod auth;
mod failure;
mod long_term;
mod query;
mod transaction;

pub use alternate::{Alternate, Redirects, is_unicast};
pub use auth::{AuthError, Key};
pub use failure::Failure;
pub use long_term::{ChallengeError, CredentialError, LongTerm};
pub use query::{Answer, BindingQuery};
pub use transaction::{Schedule, Transaction};
