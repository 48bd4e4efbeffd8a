//! `get_stats`, in the W3C's words and as its JSON (WPT-039 to WPT-041, WPT-161, WPT-162).
#![expect(
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    clippy::unwrap_used,
    reason = "a test has std, and fails by a panic"
)]

#[cfg(feature = "serde")]
mod json;
#[cfg(feature = "serde")]
mod spec;
mod stories;
mod support;
