//! The table of channels over one association.

use alloc::boxed::Box;
use alloc::collections::{BTreeMap, VecDeque};
use alloc::string::String;
use alloc::vec::Vec;

use super::config::{ChannelConfig, ChannelId, ChannelInfo, ChannelState, OpenError, Traffic};
use super::data::{Data, PPID_DCEP, SendError};
use crate::cursor::Writer;
use crate::sctp::{self, CloseReason, SctpAssociation, SendOptions, StreamId};
use crate::time::Instant;

/// All data channels of one peer, and the SCTP association below them.
#[derive(Debug)]
pub struct DataChannels {
    pub(super) association: SctpAssociation,
    pub(super) limits: Limits,
    pub(super) parity: Option<StreamParity>,
    /// Streams that exist in both directions, or may, before it is connected.
    pub(super) stream_count: u16,
    pub(super) connected: bool,
    next_id: u32,
    /// Boxed, for a map makes room for eleven, and most peers have one.
    pub(super) channels: BTreeMap<ChannelId, Box<Channel>>,
    pub(super) by_stream: BTreeMap<StreamId, ChannelId>,
    /// How many channels have a DCEP message that did not fit into the send buffer.
    pub(super) unsent: usize,
    /// At most four for each channel in the table: opened, open, closing, closed,
    /// and a low buffer for each time that the application filled it.
    pub(super) events: VecDeque<Event>,
    pub(super) end: End,
    pub(super) stats: Stats,
}

#[derive(Debug)]
pub(super) struct Channel {
    pub(super) label: String,
    pub(super) config: ChannelConfig,
    pub(super) stream: Option<StreamId>,
    pub(super) state: ChannelState,
    /// The DCEP message that still has to be handed to the association.
    pub(super) due: Option<Due>,
    /// RFC 8832 §6: until the peer was heard on it, messages must go in order.
    pub(super) peer_ready: bool,
    pub(super) low_threshold: usize,
    /// The application sent something since the buffer was last low.
    pub(super) has_sent: bool,
    pub(super) we_reset: bool,
    pub(super) peer_reset: bool,
    /// The application has closed it, and is told no message any more.
    pub(super) is_deaf: bool,
    pub(super) traffic: Traffic,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Due {
    Open,
    Ack,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum End {
    NotYet,
    /// The association is gone; what it had received is delivered first.
    Draining(CloseReason),
    Reported,
}

/// Which half of the stream identifiers is ours to give (RFC 8832 §6)?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamParity {
    /// 0, 2, 4 …: we are the DTLS client.
    Even,
    /// 1, 3, 5 …: we are the DTLS server.
    Odd,
}

/// What may the peer, and the application, ask for?
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// How many channels may exist at a time. Beyond it the peer's are refused.
    pub max_channels: usize,
    /// The largest message that the peer takes, in bytes (RFC 8841 §6).
    pub max_message_size: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_channels: 1024,
            max_message_size: 65_536,
        }
    }
}

/// What happened to the channels?
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The association is up.
    Connected,
    /// The peer opened this channel; that it is open follows.
    Opened(ChannelId),
    /// The channel changed its state. After `Closed` the id means nothing.
    State(ChannelId, ChannelState),
    /// A message arrived.
    Message(ChannelId, Data),
    /// What waits to be sent fell to the channel's threshold.
    BufferedAmountLow(ChannelId),
    /// The association, and with it every channel, is gone.
    Closed(CloseReason),
}

/// What was ignored, and why?
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Channels that were open at some time.
    pub opened: u64,
    /// Those of them that are not any more.
    pub closed: u64,
    /// Channels that the peer opened.
    pub opened_by_peer: u64,
    /// Open messages refused: malformed, wrong or used stream, too many channels.
    pub refused: u64,
    /// Messages without a channel, of an unknown kind, or with invalid text.
    pub dropped: u64,
}

impl DataChannels {
    /// A table without channels over `association`, which is not connected yet.
    #[must_use]
    pub const fn new(association: SctpAssociation, limits: Limits) -> Self {
        Self {
            stream_count: association.max_streams(),
            connected: false,
            association,
            limits,
            parity: None,
            next_id: 0,
            channels: BTreeMap::new(),
            by_stream: BTreeMap::new(),
            unsent: 0,
            events: VecDeque::new(),
            end: End::NotYet,
            stats: Stats {
                opened: 0,
                closed: 0,
                opened_by_peer: 0,
                refused: 0,
                dropped: 0,
            },
        }
    }

    /// Starts the association, now that the DTLS roles are known.
    pub fn connect(&mut self, parity: StreamParity) {
        self.parity = Some(parity);
        self.association.connect();
        // RFC 9260 §5.1 C: what waits now can travel with the COOKIE ECHO.
        self.for_each(Self::announce);
    }

    /// Whether the association was started.
    #[must_use]
    pub const fn is_started(&self) -> bool {
        self.parity.is_some()
    }

    /// The association below, for its state and statistics.
    #[must_use]
    pub const fn association(&self) -> &SctpAssociation {
        &self.association
    }

    /// The association below, to set what was negotiated before it is connected.
    pub const fn association_mut(&mut self) -> &mut SctpAssociation {
        &mut self.association
    }

    /// What the peer and the application may ask for, to be changed.
    pub const fn limits_mut(&mut self) -> &mut Limits {
        &mut self.limits
    }

    /// Says how large a message the peer takes.
    pub const fn set_max_message_size(&mut self, bytes: usize) {
        self.limits.max_message_size = bytes;
    }

    /// How large a message the peer takes.
    #[must_use]
    pub const fn max_message_size(&self) -> usize {
        self.limits.max_message_size
    }

    /// Opens a channel. It can send once its state is `Open`.
    ///
    /// # Errors
    ///
    /// See [`OpenError`].
    pub fn open(&mut self, label: &str, config: ChannelConfig) -> Result<ChannelId, OpenError> {
        if !matches!(self.end, End::NotYet) {
            return Err(OpenError::Closed);
        }
        config.check(label)?;
        if self.channels.len() >= self.limits.max_channels {
            return Err(OpenError::TooMany);
        }
        let stream = match config.negotiated {
            Some(number) => Some(self.claim(StreamId(number))?),
            None if self.is_started() => Some(self.free_stream().ok_or(OpenError::TooMany)?),
            None => None,
        };
        let id = self.insert(label.into(), config, stream);
        if self.is_started() {
            self.announce(id);
        }
        Ok(id)
    }

    /// Hands a message to the channel. It is copied only into its datagrams.
    ///
    /// # Errors
    ///
    /// See [`SendError`].
    pub fn send(&mut self, now: Instant, id: ChannelId, data: Data) -> Result<(), SendError> {
        let channel = self.channels.get_mut(&id).ok_or(SendError::NotOpen)?;
        let (ChannelState::Open, Some(stream)) = (channel.state, channel.stream) else {
            return Err(SendError::NotOpen);
        };
        if data.len() > self.limits.max_message_size {
            return Err(SendError::TooLarge);
        }
        let options = SendOptions {
            ordered: channel.config.ordered || !channel.peer_ready,
            reliability: channel.config.reliability(),
        };
        let len = data.len();
        let (ppid, bytes) = data.into_wire();
        let sent = self.association.send(now, stream, ppid, options, bytes);
        if sent.is_ok() {
            channel.has_sent = true;
            channel.traffic.messages_sent += 1;
            channel.traffic.bytes_sent += len as u64;
        }
        sent.map_err(|error| match error {
            sctp::SendError::Full => SendError::Full,
            sctp::SendError::TooLarge => SendError::TooLarge,
            _ => SendError::NotOpen,
        })
    }

    /// Closes the channel: what was sent before still goes out; what comes is not
    /// told any more.
    ///
    /// Closing a channel that is closed or unknown does nothing.
    pub fn close(&mut self, id: ChannelId) {
        let Some(channel) = self.channels.get_mut(&id) else {
            return;
        };
        channel.is_deaf = true;
        match (channel.state, channel.stream) {
            (ChannelState::Open, Some(stream)) => {
                // W3C webrtc-pc §6.2: what is closed before it was told to be open is not
                // told to be open any more.
                let opened = Event::State(id, ChannelState::Open);
                self.events.retain(|event| *event != opened);
                self.begin_closing(id, stream);
            }
            // The peer will hear of the channel, so it must hear of its end too.
            (ChannelState::Connecting, Some(stream)) if channel.is_announced() => {
                self.begin_closing(id, stream);
            }
            (ChannelState::Connecting, _) => self.finish(id),
            _ => {}
        }
    }

    /// How many bytes of the channel wait for their first transmission.
    #[must_use]
    pub fn buffered_amount(&self, id: ChannelId) -> usize {
        let stream = self.channels.get(&id).and_then(|channel| channel.stream);
        stream.map_or(0, |stream| self.association.buffered_amount(stream))
    }

    /// Asks for [`Event::BufferedAmountLow`] whenever what waits falls to `bytes`.
    pub fn set_buffered_amount_low_threshold(&mut self, id: ChannelId, bytes: usize) {
        let Some(channel) = self.channels.get_mut(&id) else {
            return;
        };
        channel.low_threshold = bytes;
        if let Some(stream) = channel.stream {
            self.association
                .set_buffered_amount_low_threshold(stream, bytes);
        }
    }

    /// What is known of the channel, until its `Closed` event was taken.
    #[must_use]
    pub fn info(&self, id: ChannelId) -> Option<ChannelInfo<'_>> {
        self.channels.get(&id).map(|channel| ChannelInfo {
            label: &channel.label,
            config: &channel.config,
            stream: channel.stream.map(|stream| stream.0),
            state: channel.state,
            traffic: channel.traffic,
        })
    }

    /// All channels, in the order in which they came to be.
    pub fn ids(&self) -> impl Iterator<Item = ChannelId> {
        self.channels.keys().copied()
    }

    /// What was ignored, and why.
    #[must_use]
    pub const fn stats(&self) -> Stats {
        self.stats
    }

    /// Ends the association at once, and with it all channels.
    pub fn abort(&mut self) {
        self.association.abort();
        self.settle();
        // The peer is yet to be told; for us they are over.
        self.drain(CloseReason::Aborted);
    }

    /// Takes a packet from the peer.
    pub fn handle_input(&mut self, now: Instant, datagram: &mut [u8]) {
        self.association.handle_input(now, datagram);
        self.settle();
    }

    /// Does what is due at `now`.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.association.handle_timeout(now);
        self.settle();
    }

    /// Appends the next packet to `out`, if there is one to send.
    pub fn poll_transmit(&mut self, now: Instant, out: &mut Writer<'_>) -> bool {
        let sent = self.association.poll_transmit(now, out);
        if sent {
            self.settle();
        }
        sent
    }

    /// When [`handle_timeout`](Self::handle_timeout) has something to do.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.association.poll_timeout()
    }

    /// What happened next. Taking a message reopens the peer's window.
    pub fn poll_event(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.events.pop_front() {
                if let Event::State(id, ChannelState::Closed) = event {
                    self.channels.remove(&id);
                }
                return Some(event);
            }
            if let Some(message) = self.association.take_message() {
                let event = self.on_message(message);
                self.settle();
                if event.is_some() {
                    return event;
                }
                continue;
            }
            let End::Draining(reason) = self.end else {
                return None;
            };
            self.end = End::Reported;
            self.for_each(Self::finish);
            self.events.push_back(Event::Closed(reason));
        }
    }

    /// Reacts to what the association says, and answers DCEP messages that are next in line.
    pub(super) fn settle(&mut self) {
        while let Some(event) = self.association.poll_event() {
            self.on_association(event);
        }
        while self
            .association
            .peek_message()
            .is_some_and(|info| info.ppid == PPID_DCEP)
        {
            if let Some(message) = self.association.take_message() {
                self.on_dcep(message.stream, &message.data);
            }
            while let Some(event) = self.association.poll_event() {
                self.on_association(event);
            }
        }
        if self.unsent > 0 {
            self.send_due();
        }
    }

    fn on_association(&mut self, event: sctp::Event) {
        match event {
            sctp::Event::Connected {
                outbound_streams,
                inbound_streams,
            } => {
                self.stream_count = outbound_streams.min(inbound_streams);
                self.connected = true;
                self.events.push_back(Event::Connected);
                self.for_each(Self::on_connected);
            }
            sctp::Event::StreamReset(stream) => self.on_peer_reset(stream),
            sctp::Event::StreamResetDone(stream) => self.on_reset_done(stream),
            // The peer will not hear of it, but for us the channel is over.
            sctp::Event::StreamResetFailed(stream) => {
                if let Some(&id) = self.by_stream.get(&stream) {
                    self.finish(id);
                }
            }
            // Streams began anew and the peer forgot all channels.
            sctp::Event::Restarted => self.for_each(Self::finish),
            sctp::Event::BufferedAmountLow(stream) => {
                let id = self.by_stream.get(&stream).copied();
                let channel = id.and_then(|id| self.channels.get_mut(&id));
                // The buffer also drains of DCEP messages, which are nobody's business.
                if channel.is_some_and(|channel| core::mem::take(&mut channel.has_sent)) {
                    self.events.extend(id.map(Event::BufferedAmountLow));
                }
            }
            sctp::Event::Closed(reason) => self.drain(reason),
        }
    }

    const fn drain(&mut self, reason: CloseReason) {
        if matches!(self.end, End::NotYet) {
            self.end = End::Draining(reason);
        }
    }

    fn begin_closing(&mut self, id: ChannelId, stream: StreamId) {
        self.set_state(id, ChannelState::Closing);
        self.association.reset_streams([stream]);
    }

    /// RFC 8831 §6.7: the peer closes the channel, so we reset our direction too.
    fn on_peer_reset(&mut self, stream: StreamId) {
        let Some(&id) = self.by_stream.get(&stream) else {
            return;
        };
        let Some(channel) = self.channels.get_mut(&id) else {
            return;
        };
        channel.peer_reset = true;
        if channel.state == ChannelState::Closing {
            self.finish_if_reset(id);
        } else {
            self.begin_closing(id, stream);
        }
    }

    fn on_reset_done(&mut self, stream: StreamId) {
        let Some(&id) = self.by_stream.get(&stream) else {
            return;
        };
        if let Some(channel) = self.channels.get_mut(&id)
            && channel.state == ChannelState::Closing
        {
            channel.we_reset = true;
        }
        self.finish_if_reset(id);
    }

    pub(super) fn on_message(&mut self, message: sctp::Message) -> Option<Event> {
        let id = self.by_stream.get(&message.stream).copied();
        let event = id.zip(Data::from_wire(message.ppid, message.data));
        let Some((id, data)) = event else {
            self.stats.dropped += 1;
            return None;
        };
        let channel = self.channels.get_mut(&id)?;
        channel.peer_ready = true;
        // W3C webrtc-pc §6.2: who has closed it hears nothing more.
        if channel.is_deaf {
            return None;
        }
        channel.traffic.messages_received += 1;
        channel.traffic.bytes_received += data.len() as u64;
        Some(Event::Message(id, data))
    }

    pub(super) fn insert(
        &mut self,
        label: String,
        config: ChannelConfig,
        stream: Option<StreamId>,
    ) -> ChannelId {
        let id = ChannelId(self.next_id);
        self.next_id = self.next_id.wrapping_add(1);
        if let Some(stream) = stream {
            self.by_stream.insert(stream, id);
        }
        let channel = Channel {
            label,
            stream,
            state: ChannelState::Connecting,
            due: None,
            peer_ready: config.negotiated.is_some(),
            we_reset: false,
            peer_reset: false,
            is_deaf: false,
            traffic: Traffic::default(),
            low_threshold: 0,
            has_sent: false,
            config,
        };
        self.channels.insert(id, Box::new(channel));
        id
    }

    pub(super) fn set_state(&mut self, id: ChannelId, state: ChannelState) {
        if let Some(channel) = self.channels.get_mut(&id) {
            let was_open = channel.state == ChannelState::Open;
            self.stats.closed += u64::from(was_open && state != ChannelState::Open);
            self.stats.opened += u64::from(!was_open && state == ChannelState::Open);
            channel.state = state;
            self.events.push_back(Event::State(id, state));
        }
    }

    fn finish_if_reset(&mut self, id: ChannelId) {
        if self
            .channels
            .get(&id)
            .is_some_and(|channel| channel.we_reset && channel.peer_reset)
        {
            self.finish(id);
        }
    }

    pub(super) fn for_each(&mut self, act: impl Fn(&mut Self, ChannelId)) {
        let ids: Vec<_> = self.channels.keys().copied().collect();
        ids.into_iter().for_each(|id| act(self, id));
    }

    /// Frees the stream and reports the end; the entry goes when that is taken.
    pub(super) fn finish(&mut self, id: ChannelId) {
        let Some(channel) = self.channels.get_mut(&id) else {
            return;
        };
        if channel.state == ChannelState::Closed {
            return;
        }
        if channel.due.take().is_some() {
            self.unsent -= 1;
        }
        if let Some(stream) = channel.stream {
            self.by_stream.remove(&stream);
        }
        self.set_state(id, ChannelState::Closed);
    }
}

impl Channel {
    /// Whether the association holds the open message, or has sent it.
    const fn is_announced(&self) -> bool {
        self.stream.is_some() && self.due.is_none() && self.config.negotiated.is_none()
    }
}
