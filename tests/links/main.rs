//! Peers that do not bundle, or not everything: a connection with several transports,
//! over the simulator and under all of its invariants.
#![cfg(feature = "sim")]
#![allow(
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    clippy::unwrap_used,
    reason = "a test has std, and fails by a panic"
)]

mod life;
mod moves;
mod networks;
mod support;
