//! Opening channels: streams, and the messages of DCEP (RFC 8832 §6).

use alloc::vec::Vec;
use bytes::Bytes;

use super::config::{ChannelConfig, ChannelId, ChannelState, OpenError};
use super::data::PPID_DCEP;
use super::table::{DataChannels, Due, Event, StreamParity};
use crate::cursor::{Reader, Writer};
use crate::sctp::{self, SendOptions, StreamId};
use crate::time::Instant;
use crate::wire::dcep;

impl DataChannels {
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
        let exists = self.stream_count.is_some_and(|count| stream.0 < count);
        if self.by_stream.contains_key(&stream) {
            self.stats.refused += 1;
            return;
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
        self.send_due();
        self.events.push_back(Event::Opened(id));
        self.set_state(id, ChannelState::Open);
    }

    /// RFC 8832 §6: an open message that cannot be accepted is answered by a reset.
    fn refuse(&mut self, stream: StreamId) {
        self.stats.refused += 1;
        if !self.by_stream.contains_key(&stream) {
            self.association.reset_streams([stream]);
        }
    }

    /// The association is up: gives the channel its stream and announces it.
    pub(super) fn start(&mut self, id: ChannelId) {
        let Some(channel) = self.channels.get(&id) else {
            return;
        };
        let in_range = |stream: &StreamId| self.stream_count.is_some_and(|count| stream.0 < count);
        let Some(stream) = channel
            .stream
            .or_else(|| self.free_stream())
            .filter(in_range)
        else {
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
        if channel.config.negotiated.is_some() {
            self.set_state(id, ChannelState::Open);
        } else {
            channel.due = Some(Due::Open);
            self.unsent += 1;
            self.send_due();
        }
    }

    /// Hands over the DCEP messages that wait, as far as the send buffer takes them.
    pub(super) fn send_due(&mut self) {
        let mut opened = Vec::new();
        for (&id, channel) in &mut self.channels {
            let (Some(due), Some(stream)) = (channel.due, channel.stream) else {
                continue;
            };
            let message = match due {
                Due::Open => dcep::Message::Open(channel.config.to_open(&channel.label)),
                Due::Ack => dcep::Message::Ack,
            };
            let mut bytes = Vec::with_capacity(message.encoded_len());
            message.emit(&mut Writer::new(&mut bytes, usize::MAX));
            // RFC 8832 §6: DCEP messages go in order and reliably. They are no user
            // data, so the moment does not matter to them.
            let sent = self.association.send(
                Instant::ZERO,
                stream,
                PPID_DCEP,
                SendOptions::default(),
                Bytes::from(bytes),
            );
            if sent == Err(sctp::SendError::Full) {
                continue;
            }
            channel.due = None;
            self.unsent -= 1;
            if due == Due::Open {
                opened.push(id);
            }
        }
        opened
            .into_iter()
            .for_each(|id| self.set_state(id, ChannelState::Open));
    }

    pub(super) fn claim(&self, stream: StreamId) -> Result<StreamId, OpenError> {
        if self.by_stream.contains_key(&stream) {
            return Err(OpenError::StreamInUse);
        }
        if self.stream_count.is_some_and(|count| stream.0 >= count) {
            return Err(OpenError::StreamOutOfRange);
        }
        Ok(stream)
    }

    /// The lowest free stream of our half.
    pub(super) fn free_stream(&self) -> Option<StreamId> {
        let first = u16::from(self.parity? == StreamParity::Odd);
        let end = self.stream_count?;
        (first..end)
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
