//! Which stream is next?

use alloc::collections::VecDeque;

use crate::wire::sctp::StreamId;

/// Which stream is next?
///
/// Streams with something to send take turns, one message each. The pieces of a
/// message may not be mixed with others (RFC 9260 §6.9), so the turn ends with
/// the message. With message interleaving (RFC 8260) it could end with a piece:
/// then [`rotate`](Self::rotate) is called earlier, and nothing else changes.
#[derive(Debug)]
pub(crate) struct Scheduler {
    /// Each stream with something to send, once.
    ring: VecDeque<StreamId>,
}

impl Scheduler {
    pub(crate) const fn new() -> Self {
        Self {
            ring: VecDeque::new(),
        }
    }

    /// The stream whose turn it is.
    pub(crate) fn current(&self) -> Option<StreamId> {
        self.ring.front().copied()
    }

    /// A stream that had nothing to send has something now.
    pub(crate) fn add(&mut self, stream: StreamId) {
        self.ring.push_back(stream);
    }

    /// The turn of the current stream is over; `more` if it has more to send.
    pub(crate) fn rotate(&mut self, more: bool) {
        if let Some(stream) = self.ring.pop_front()
            && more
        {
            self.ring.push_back(stream);
        }
    }

    /// A stream will send nothing.
    pub(crate) fn remove(&mut self, stream: StreamId) {
        self.ring.retain(|&other| other != stream);
    }

    /// No stream has anything to send.
    pub(crate) fn clear(&mut self) {
        self.ring.clear();
    }
}
