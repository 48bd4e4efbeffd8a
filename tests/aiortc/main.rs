//! What aiortc 1.13 has, this crate has as well: `CHECKLIST.md` lists it row by row.
//!
//! One file for each part of aiortc's surface; [`docs`] has the examples of its
//! documentation, [`quirks`] what it gets wrong and we do not, and [`checklist`]
//! holds the list to its word.

#![expect(
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    clippy::unwrap_used,
    reason = "a test has std, and fails by a panic"
)]

mod checklist;
mod connection;
mod docs;
mod media;
mod names;
#[allow(dead_code, reason = "tests use a part of it")]
#[path = "../media/support.rs"]
mod pair;
mod quirks;
mod support;
mod transports;
