//! Messages that a channel had no room for yet.

use std::collections::VecDeque;

use pollrtc::peer::{ChannelId, Data, SendError};
use pollrtc::{Instant, PeerConnection};

/// What has to be sent, in order.
///
/// It needs no bound of its own if no more messages are taken from the connection while something
/// waits here: then the far side has to wait too.
#[derive(Default)]
pub(crate) struct Outbox(VecDeque<(ChannelId, Data)>);

impl Outbox {
    /// Adds a message.
    pub(crate) fn push(&mut self, channel: ChannelId, data: impl Into<Data>) {
        self.0.push_back((channel, data.into()));
    }

    /// Sends what there is room for; `true` if nothing waits any more.
    pub(crate) fn flush(&mut self, peer: &mut PeerConnection, now: Instant) -> bool {
        while let Some((channel, data)) = self.0.front() {
            match peer.send(now, *channel, data.clone()) {
                Err(SendError::Full) => return false,
                // A channel that was closed in between: nobody waits for the message any more.
                Ok(()) | Err(_) => self.0.pop_front(),
            };
        }
        true
    }
}
