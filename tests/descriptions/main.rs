//! Descriptions of typical set-ups, as whole connections write them: each is a file in
//! `tests/golden/descriptions`, to be read by eye, and `README.md` there says which
//! rules it shows.
//!
//! `UPDATE_GOLDEN=1` writes the files instead of comparing; read the difference then.

#![expect(clippy::unwrap_used, reason = "a test has std, and fails by a panic")]

mod changes;
mod setups;
mod support;
