//! Why something cannot be done, and why it ended.

use thiserror::Error;

use crate::wire::sctp::Cause;

/// Why was a message not taken? Nothing changed; the data is still the caller's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SendError {
    /// The association has ended: there is no one to send to.
    #[error("the association has ended")]
    Closed,
    /// The association is ending: what was sent before still goes out.
    #[error("the association is shutting down")]
    ShuttingDown,
    /// The peer does not take this stream: use a lower number.
    #[error("no such stream")]
    NoSuchStream,
    /// The stream is being reset: wait for the event that says so.
    #[error("the stream is being reset")]
    Resetting,
    /// A message has at least one byte.
    #[error("the message is empty")]
    Empty,
    /// The message is larger than the peer takes: split it.
    #[error("the message is too large")]
    TooLarge,
    /// The send buffer is full: wait until the buffered amount is low.
    #[error("the send buffer is full")]
    Full,
}

/// Why did the association end?
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum CloseReason {
    /// One side asked for an orderly end, and all was delivered before.
    #[error("shut down")]
    Shutdown,
    /// Our application ended it at once.
    #[error("aborted")]
    Aborted,
    /// The peer ended it at once, and said this cause code (RFC 9260 §3.3.10)
    /// if it said one.
    #[error("aborted by the peer")]
    AbortedByPeer(Option<u16>),
    /// The peer did not answer for too long.
    #[error("timed out")]
    TimedOut,
    /// The peer broke the protocol in this way.
    #[error("protocol violation: {0}")]
    ProtocolViolation(&'static str),
    /// The peer's setup lacks something that has to be there.
    #[error("the peer's setup cannot be used: {0}")]
    Incompatible(&'static str),
    /// The peer sent more than any limit allows to keep.
    #[error("out of resource")]
    OutOfResource,
}

impl CloseReason {
    /// What the peer is told in the ABORT, if it is told anything.
    pub(crate) const fn to_cause(self) -> Option<Cause<'static>> {
        match self {
            Self::Aborted => Some(Cause::UserInitiated(&[])),
            Self::ProtocolViolation(words) => Some(Cause::ProtocolViolation(words.as_bytes())),
            Self::Incompatible(_) => Some(Cause::InvalidParameter),
            Self::OutOfResource => Some(Cause::OutOfResource),
            Self::Shutdown | Self::AbortedByPeer(_) | Self::TimedOut => None,
        }
    }
}

/// Why does the handling of a packet stop?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// Ignore the packet, or what is left of it.
    Drop(Noise),
    /// End the association and tell the peer.
    Abort(CloseReason),
    /// End the association and tell the peer this cause.
    AbortWith(CloseReason, Cause<'static>),
    /// End the association without a word: the peer knows.
    Close(CloseReason),
}

/// Why was a packet, or a part of one, ignored?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Noise {
    /// It has a wrong checksum, or is too short for one.
    Checksum,
    /// It cannot be read.
    Malformed,
    /// Its ports or tag are not ours.
    NotOurs,
    /// It makes no sense now.
    Unexpected,
    /// It is of a type that is not known, and asks to ignore what follows.
    Unknown,
}
