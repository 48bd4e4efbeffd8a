//! ICE agents and connections behind NATs and firewalls: every network that a
//! browser gets through.
#![cfg(feature = "sim")]
#![allow(
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    reason = "a test has std, and neither alloc nor core unless it asks"
)]

mod agents;
mod lossy;
mod matrix;
mod peers;
mod place;
mod stories;
