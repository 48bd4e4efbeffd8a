//! What goes in at one end and comes out at the other.

use core::time::Duration;

use bytes::Bytes;

use crate::wire::sctp::{Ppid, StreamId};

/// A message that arrived whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The stream it came on.
    pub stream: StreamId,
    /// What its sender said it is.
    pub ppid: Ppid,
    /// Whether it kept its place among the ordered messages of its stream.
    pub ordered: bool,
    /// Its bytes. They may share memory with messages that arrived about the
    /// same time: copy a small one that is kept for long.
    pub data: Bytes,
}

impl Message {
    /// All but the bytes.
    #[must_use]
    pub fn info(&self) -> MessageInfo {
        MessageInfo {
            stream: self.stream,
            ppid: self.ppid,
            ordered: self.ordered,
            len: self.data.len(),
        }
    }
}

/// What kind of message is next?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MessageInfo {
    /// The stream it came on.
    pub stream: StreamId,
    /// What its sender said it is.
    pub ppid: Ppid,
    /// Whether it kept its place among the ordered messages of its stream.
    pub ordered: bool,
    /// How many bytes it has.
    pub len: usize,
}

/// How should a message travel?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SendOptions {
    /// Whether it keeps its place among the ordered messages of its stream.
    pub ordered: bool,
    /// For how long it is worth sending.
    pub reliability: Reliability,
}

/// Ordered and reliable.
impl Default for SendOptions {
    fn default() -> Self {
        Self {
            ordered: true,
            reliability: Reliability::Reliable,
        }
    }
}

/// For how long is a message worth sending (RFC 3758, RFC 7496)?
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Reliability {
    /// Until it arrives.
    #[default]
    Reliable,
    /// Until a piece of it was sent this many times again.
    MaxRetransmits(u16),
    /// Until this long after it was given to `send`.
    MaxLifetime(Duration),
}
