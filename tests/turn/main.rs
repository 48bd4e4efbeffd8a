//! TURN clients and simulated servers on a virtual network, driven by their
//! contract only.
#![cfg(feature = "sim")]
#![allow(
    clippy::std_instead_of_core,
    clippy::std_instead_of_alloc,
    reason = "tests have std"
)]

mod hostile;
mod stories;
mod streams;
mod support;
