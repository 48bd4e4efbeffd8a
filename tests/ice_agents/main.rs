//! Agents on a virtual network, driven by their contract only.
#![allow(
    clippy::std_instead_of_core,
    clippy::std_instead_of_alloc,
    reason = "tests have std"
)]
#![cfg(feature = "rust-crypto")]

mod chaos;
mod connect;
mod consent;
mod gathering;
mod hostile;
mod laws;
mod lite;
mod mdns;
mod names;
mod net;
mod nominate;
mod relay;
mod restart;
mod roaming;
mod stats;
mod storms;
mod support;
mod tcp;
