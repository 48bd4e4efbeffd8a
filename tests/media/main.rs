//! Sound and pictures between two connections, over a link of the simulator.

#![expect(
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    clippy::unwrap_used,
    reason = "a test has std, and fails by a panic"
)]

#[expect(dead_code, reason = "tests use a part of it")]
#[path = "../../examples/support/clips.rs"]
mod clips;
mod flow;
mod packets;
mod renegotiation;
mod states;
mod support;
