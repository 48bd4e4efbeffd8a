//! The W3C's members of a connection: senders, receivers, transports, certificates.
//! Names carry the row of the web platform tests that they show.

#![expect(
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    clippy::unwrap_used,
    reason = "a test has std, and fails by a panic"
)]

mod after_the_end;
mod candidates;
mod certificates;
mod configuration;
mod descriptions;
mod dtmf;
mod encodings;
mod extensions;
mod receivers;
mod senders;
mod streams;
#[allow(dead_code, reason = "tests use a part of it")]
#[path = "../media/support.rs"]
mod support;
mod transports;
