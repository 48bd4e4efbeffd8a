//! Offer and answer: the signaling states, the W3C's rules, and other stacks' descriptions.
#![expect(
    clippy::std_instead_of_alloc,
    clippy::unwrap_used,
    reason = "a test has std, and fails by panicking"
)]

mod bundle;
mod exchange;
mod golden;
mod matrix;
mod media;
mod random;
mod samples;
mod sections;
mod support;
mod wpt;
