//! Opening channels: streams, and the messages of DCEP (RFC 8832 §6).

use alloc::vec::Vec;

use super::config::{ChannelConfig, ChannelId, ChannelState, OpenError};
use super::data::PPID_DCEP;
use super::table::{DataChannels, Due, Event, StreamParity};
use crate::cursor::{Reader, Writer};
use crate::sctp::{self, SendOptions, StreamId};
use crate::time::Instant;
use crate::wire::dcep;

impl DataChannels {
    /// How many channels there can be at a time: the streams that both sides have, once
    /// they are connected.
    #[must_use]
    pub const fn max_channels(&self) -> u16 {
        self.stream_count
    }

    pub(super) fn on_dcep(&mut self, stream: StreamId, bytes: &[u8]) {
        match dcep::Message::parse(&mut Reader::new(bytes)) {
            Ok(dcep::Message::Open(open)) => self.on_open(stream, &open),
            Ok(dcep::Message::Ack) => {
                let id = self.by_stream.get(&stream);
                if let Some(channel) = id.and_then(|id| self.channels.get_mut(id)) {
                    channel.peer_ready = true;
                }
            }
            Err(_) => self.refuse(stream),
        }
    }

    fn on_open(&mut self, stream: StreamId, open: &dcep::Open<'_>) {
        // RFC 8832 §6: the opener must use a stream of its own half that is free.
        let ours = self.parity.is_some_and(|parity| parity.owns(stream));
        let exists = stream.0 < self.stream_count;
        if let Some(&id) = self.by_stream.get(&stream) {
            if !self.is_left(id) {
                self.stats.refused += 1;
                return;
            }
            self.finish(id);
        }
        if ours || !exists || self.channels.len() >= self.limits.max_channels {
            return self.refuse(stream);
        }
        self.stats.opened_by_peer += 1;
        let config = ChannelConfig::from_open(open);
        let id = self.insert(open.label.into(), config, Some(stream));
        if let Some(channel) = self.channels.get_mut(&id) {
            channel.peer_ready = true;
            channel.due = Some(Due::Ack);
        }
        self.unsent += 1;
        self.send_dcep(id);
        self.events.push_back(Event::Opened(id));
        self.set_state(id, ChannelState::Open);
    }

    /// Whether the peer is done with a channel (RFC 8831 §6.7): it has reset its
    /// direction. If it opens the stream anew, our reset has arrived as well, and
    /// only the answer was lost.
    fn is_left(&self, id: ChannelId) -> bool {
        let channel = self.channels.get(&id);
        channel.is_some_and(|channel| channel.peer_reset && channel.state == ChannelState::Closing)
    }

    /// RFC 8832 §6: an open message that cannot be accepted is answered by a reset.
    fn refuse(&mut self, stream: StreamId) {
        self.stats.refused += 1;
        if !self.by_stream.contains_key(&stream) {
            self.association.reset_streams([stream]);
        }
    }

    /// The roles are known: gives the channel its stream and tells the peer. Nothing is
    /// left to do if it is open already, since the peer was first.
    pub(super) fn announce(&mut self, id: ChannelId) {
        let waiting = self.channels.get(&id);
        let Some(channel) = waiting.filter(|one| one.state == ChannelState::Connecting) else {
            return;
        };
        let stream = channel.stream.or_else(|| self.free_stream());
        let Some(stream) = stream.filter(|stream| stream.0 < self.stream_count) else {
            return self.finish(id);
        };
        self.by_stream.insert(stream, id);
        let Some(channel) = self.channels.get_mut(&id) else {
            return;
        };
        channel.stream = Some(stream);
        if channel.low_threshold > 0 {
            self.association
                .set_buffered_amount_low_threshold(stream, channel.low_threshold);
        }
        if channel.config.negotiated.is_none() {
            channel.due = Some(Due::Open);
            self.unsent += 1;
            self.send_dcep(id);
        } else if self.connected {
            self.set_state(id, ChannelState::Open);
        }
    }

    /// The association is up, with so many streams: the channel opens, if the
    /// peer was told of it.
    pub(super) fn on_connected(&mut self, id: ChannelId) {
        let Some(channel) = self.channels.get(&id) else {
            return;
        };
        if channel.stream.is_none() && !self.is_started() {
            // The peer began before its answer came: the stream comes with the roles.
        } else if channel
            .stream
            .is_none_or(|stream| stream.0 >= self.stream_count)
        {
            self.finish(id);
        } else if channel.state == ChannelState::Connecting && channel.due.is_none() {
            self.set_state(id, ChannelState::Open);
        }
    }

    /// Hands over the DCEP messages that did not fit before.
    pub(super) fn send_due(&mut self) {
        self.for_each(Self::send_dcep);
    }

    /// Hands over the channel's DCEP message, if the send buffer takes it.
    fn send_dcep(&mut self, id: ChannelId) {
        let Some(channel) = self.channels.get_mut(&id) else {
            return;
        };
        let (Some(due), Some(stream)) = (channel.due, channel.stream) else {
            return;
        };
        let message = match due {
            Due::Open => dcep::Message::Open(channel.config.to_open(&channel.label)),
            Due::Ack => dcep::Message::Ack,
        };
        let mut bytes = Vec::with_capacity(message.encoded_len());
        message.emit(&mut Writer::new(&mut bytes, usize::MAX));
        // RFC 8832 §6: DCEP messages go in order and reliably, so the moment does
        // not matter to them.
        let options = SendOptions::default();
        let sent = self
            .association
            .send(Instant::ZERO, stream, PPID_DCEP, options, bytes.into());
        // A stream that is used again may still wait for the answer to its reset.
        if matches!(
            sent,
            Err(sctp::SendError::Full | sctp::SendError::Resetting)
        ) {
            return;
        }
        channel.due = None;
        self.unsent -= 1;
        if due == Due::Open && self.connected {
            self.set_state(id, ChannelState::Open);
        }
    }

    pub(super) fn claim(&self, stream: StreamId) -> Result<StreamId, OpenError> {
        if self.by_stream.contains_key(&stream) {
            return Err(OpenError::StreamInUse);
        }
        if self.is_started() && stream.0 >= self.stream_count {
            return Err(OpenError::StreamOutOfRange);
        }
        Ok(stream)
    }

    /// The lowest free stream of our half.
    pub(super) fn free_stream(&self) -> Option<StreamId> {
        let first = u16::from(self.parity? == StreamParity::Odd);
        (first..self.stream_count)
            .step_by(2)
            .map(StreamId)
            .find(|stream| !self.by_stream.contains_key(stream))
    }
}

impl StreamParity {
    const fn owns(self, stream: StreamId) -> bool {
        stream.0.is_multiple_of(2) == matches!(self, Self::Even)
    }
}
