//! Stories of sessions that are handed over from one peer to another: an ICE restart
//! together with another fingerprint (RFC 8842 §5.4, §5.5).
#![expect(
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    clippy::unwrap_used,
    reason = "a test has std, and fails by a panic"
)]

mod apart;
mod data;
mod hostile;
mod media;
mod relayed;
mod support;
mod torture;
