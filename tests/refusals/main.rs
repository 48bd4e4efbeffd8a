//! What whole connections say to descriptions that others wrote, to descriptions that
//! are bad, and to calls at the wrong time: the W3C's error, and nothing has changed.
#![cfg(feature = "sim")]
#![allow(
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    reason = "a test has std, and neither alloc nor core unless it asks"
)]

mod hostile;
mod samples;
mod scene;
mod states;
