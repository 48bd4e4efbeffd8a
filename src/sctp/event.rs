//! What happened that the parent should know?

use alloc::collections::VecDeque;

use super::error::CloseReason;
use crate::wire::sctp::StreamId;

/// What happened?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// The association is up.
    Connected {
        /// How many streams we may send on.
        outbound_streams: u16,
        /// How many streams the peer may send on.
        inbound_streams: u16,
    },
    /// The peer lost its state and began anew (RFC 9260 §5.2.2). All streams of
    /// both directions started anew too, and what was not acknowledged is lost.
    Restarted,
    /// The peer reset this stream of its own: all messages it sent on it before
    /// were handed out, and it may be used anew.
    StreamReset(StreamId),
    /// The peer agreed that we reset this stream of ours.
    StreamResetDone(StreamId),
    /// The peer refused to let us reset this stream of ours: it goes on as before.
    StreamResetFailed(StreamId),
    /// The buffered amount of this stream fell to its low threshold.
    BufferedAmountLow(StreamId),
    /// The association ended. Nothing happens any more, but messages that
    /// arrived before can still be taken.
    Closed(CloseReason),
}

/// Events that wait to be polled.
///
/// An event that waits already is not added again. There is at most one of each
/// kind and stream, and streams are few: that is the bound.
#[derive(Debug, Default)]
pub(crate) struct Events(VecDeque<Event>);

impl Events {
    pub(crate) fn push(&mut self, event: Event) {
        if !self.0.contains(&event) {
            self.0.push_back(event);
        }
    }

    pub(crate) fn pop(&mut self) -> Option<Event> {
        self.0.pop_front()
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }
}
