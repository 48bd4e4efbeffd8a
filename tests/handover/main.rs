//! Stories of sessions that are handed over from one peer to another: an ICE restart
//! together with another fingerprint (RFC 8842 §5.4, §5.5).
#![allow(
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    reason = "a test has std, and neither alloc nor core unless it asks"
)]

mod data;
mod hostile;
mod media;
mod support;
mod torture;
