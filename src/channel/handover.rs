//! Another peer takes the place of the one before.

use core::mem;

use super::config::{ChannelId, ChannelState};
use super::table::{DataChannels, End, Event};

impl DataChannels {
    /// The peer is another one from now on: the association ends without a word, and
    /// another waits for [`connect`](Self::connect) (RFC 8841 §9.3).
    ///
    /// What has arrived is delivered before the channels close. Those that were not
    /// open yet are opened with the new peer.
    pub fn begin_anew(&mut self) {
        self.take_last_messages();
        self.for_each(Self::leave);
        self.replace_association();
    }

    /// There is nothing any more that channels could travel on, as both ends know: all
    /// of them close. Others may follow, once there is.
    pub fn close_all(&mut self) {
        self.take_last_messages();
        self.for_each(Self::finish);
        self.replace_association();
    }

    fn replace_association(&mut self) {
        self.association = self.association.successor();
        self.end = End::NotYet;
        self.parity = None;
        self.stream_count = self.association.max_streams();
        self.connected = false;
        self.unsent = 0;
    }

    /// Messages that wait for the application. Who takes none between two handovers
    /// gets those of the first: no more than one association holds.
    fn take_last_messages(&mut self) {
        let is_message = |event: &Event| matches!(event, Event::Message(..));
        let is_full = self.events.iter().any(is_message);
        loop {
            self.settle();
            let Some(message) = self.association.take_message() else {
                break;
            };
            match self.on_message(message) {
                Some(_) if is_full => self.stats.dropped += 1,
                event => self.events.extend(event),
            }
        }
    }

    /// The channel ends, or, if it never was open, waits for the new peer.
    fn leave(&mut self, id: ChannelId) {
        let Some(channel) = self.channels.get_mut(&id) else {
            return;
        };
        if channel.state != ChannelState::Connecting {
            return self.finish(id);
        }
        channel.due = None;
        channel.peer_ready = channel.config.negotiated.is_some();
        if channel.config.negotiated.is_none()
            && let Some(stream) = mem::take(&mut channel.stream)
        {
            self.by_stream.remove(&stream);
        }
    }
}
