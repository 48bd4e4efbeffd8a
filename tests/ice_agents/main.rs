//! Agents on a virtual network, driven by their contract only.
#![allow(
    clippy::std_instead_of_core,
    clippy::std_instead_of_alloc,
    reason = "tests have std"
)]

mod connect;
mod support;
