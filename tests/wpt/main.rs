//! What browsers are tested for, on whole connections: one module for each theme. The
//! rows, and which tests of the crate show them, are in `ROWS.md` beside this file.

#![expect(
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    clippy::unwrap_used,
    reason = "a test has std, and fails by a panic"
)]

mod apart;
mod beginning;
mod candidates;
mod channels;
mod glare;
mod media;
mod needed;
mod order;
mod sections;
mod secured;
mod states;
mod support;
mod table;
mod trickled;
