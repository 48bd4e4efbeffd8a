//! Why does a server not help us?

use alloc::string::String;
use core::fmt;

use crate::wire::stun::{Attribute, Message};

/// Why did a server not give what it was asked for?
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The STUN error code, or [`NO_ANSWER`](Self::NO_ANSWER).
    pub code: u16,
    /// A phrase for humans: the server's, cut to 128 characters, or ours.
    pub reason: String,
}

impl Failure {
    /// The server did not answer, or not in a way to be believed. The number is
    /// that of the W3C's `icecandidateerror`.
    pub const NO_ANSWER: u16 = 701;

    /// A failure in our own words.
    #[must_use]
    pub fn new(code: u16, reason: &str) -> Self {
        Self {
            code,
            reason: reason.chars().take(MAX_REASON).collect(),
        }
    }

    /// What an error says.
    #[must_use]
    pub fn of(message: &Message<'_>) -> Option<Self> {
        message.attributes().find_map(|attribute| match attribute {
            Attribute::ErrorCode(error) => Some(Self::new(error.code(), error.reason())),
            _ => None,
        })
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.code, self.reason)
    }
}

/// As many characters of a server's phrase are kept as RFC 8489 §14.8 allows.
const MAX_REASON: usize = 128;
