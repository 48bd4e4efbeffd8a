//! Which path between two peers works (RFC 8445)?
//!
//! [`IceAgent`] is a filter: it keeps the STUN checks for itself, passes
//! everything else up ([`open`](IceAgent::open)) and says where to send
//! ([`seal`](IceAgent::seal)).
//!
//! ```text
//!        add_local_address, gather          set_remote_credentials, add_remote_candidate
//!                    \                                  /
//!                     +--> pairs (checklist) <---------+
//!                                |  checks, paced by Ta        requests of the peer
//!            Frozen -> Waiting -> In-Progress -> Succeeded  <--- triggered checks
//!                                      \-> Failed  |
//!                                                  |  consent, every 4 to 6 s
//!   New -> Checking -> Connected -> Completed      |
//!                          \-> Disconnected -> Failed
//! ```
//!
//! Sockets are the application's. Each address given to
//! [`add_local_address`](IceAgent::add_local_address) is that of a UDP socket
//! which is bound; what it receives goes to `open` with the [`Path`] it took, and
//! what [`poll_transmit`](IceAgent::poll_transmit) and `seal` write goes out of the
//! socket that their answer names.
//!
//! RFC 8445 (full agent, one component), RFC 8421 (dual stack), RFC 8838 (trickle),
//! RFC 8863 (patience), RFC 7675 (consent). Not here yet: servers and relays,
//! TCP, names, restarts.
//!
//! [`Path`]: crate::net::Path

mod agent;
mod candidate;
mod checklist;
mod config;
mod consent;
mod credentials;
mod gather;
mod nominate;
mod pair;
mod pairing;
mod receive;
mod send;
mod state;
mod stats;
#[cfg(test)]
mod tests;

pub use agent::{IceAgent, SelectedPair};
pub use candidate::CandidateError;
pub use config::{ConsentConfig, IceConfig};
pub use credentials::{Credentials, CredentialsError};
pub use gather::{AddressError, GatheringState};
pub use pair::PairState;
pub use state::{Event, FailReason, IceState, Role};
pub use stats::{Dropped, PairReport, PairStats, Stats};
