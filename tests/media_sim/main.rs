//! Stories of sound and pictures: what two connections go through while media flow.
//!
//! All of them are watched by the invariants of `sim::invariants`: a frame comes once,
//! in order and unchanged, and nothing leaves without keys or unasked for.
#![cfg(feature = "sim")]
#![allow(
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    reason = "a test has std, and neither alloc nor core unless it asks"
)]

#[path = "../support/media.rs"]
mod ends;

mod attacks;
mod bare;
mod lossy;
mod oracle;
mod stage;
mod stories;
