//! What is to be sent, stream by stream.

use alloc::boxed::Box;
use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::vec::Vec;

use bytes::Bytes;

use super::scheduler::Scheduler;
use crate::sctp::error::SendError;
use crate::sctp::event::{Event, Events};
use crate::sctp::message::{Reliability, SendOptions};
use crate::seq::Serial16;
use crate::time::Instant;
use crate::wire::sctp::{Ppid, Ssn, StreamId};

/// What is to be sent?
///
/// Owns each message once, until all of it is acknowledged or given up. It is
/// cut into pieces when they are sent, not before.
#[derive(Debug)]
pub(crate) struct SendQueue {
    limit: usize,
    messages: Vec<Option<Outgoing>>,
    /// Slots of `messages` that are free.
    free: Vec<MessageKey>,
    /// Boxed, for a map makes room for eleven, and most peers use one.
    streams: BTreeMap<StreamId, Box<OutStream>>,
    scheduler: Scheduler,
    /// What all messages cost, sent or not.
    held: usize,
    /// Messages that may be given up.
    limited: usize,
    /// Whether the peer lets messages be given up.
    partial: bool,
    /// Streams to reset when all that was given to them has arrived.
    resets: BTreeSet<StreamId>,
}

/// Which message of the queue?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct MessageKey(u32);

/// A message on its way.
#[derive(Debug)]
pub(crate) struct Outgoing {
    pub(crate) data: Bytes,
    pub(crate) stream: StreamId,
    pub(crate) ppid: Ppid,
    pub(crate) ordered: bool,
    /// Its number in its stream, given when its first piece is sent.
    pub(crate) ssn: Ssn,
    limit: Limit,
    /// How many of its bytes were sent.
    sent: usize,
    /// Pieces that are neither acknowledged nor given up by the peer.
    pieces: u32,
    abandoned: bool,
}

/// Until when is it worth sending?
#[derive(Clone, Copy, Debug)]
enum Limit {
    None,
    Retransmits(u16),
    Until(Instant),
}

/// A piece of a message, about to be sent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Piece {
    pub(crate) message: MessageKey,
    pub(crate) offset: u32,
    pub(crate) len: u16,
    pub(crate) ending: bool,
}

/// What comes next?
#[derive(Clone, Copy, Debug)]
pub(crate) enum Next {
    /// A piece to send.
    Piece(Piece),
    /// A message that was sent in part, and is not worth the rest.
    Expired(MessageKey),
}

#[derive(Debug, Default)]
struct OutStream {
    waiting: VecDeque<MessageKey>,
    next_ssn: u16,
    /// Bytes that were not sent yet.
    buffered: usize,
    threshold: usize,
    /// Messages that were begun, and are not acknowledged.
    unacked: u32,
    resetting: bool,
}

impl SendQueue {
    pub(crate) const fn new(limit: usize) -> Self {
        Self {
            limit,
            messages: Vec::new(),
            free: Vec::new(),
            streams: BTreeMap::new(),
            scheduler: Scheduler::new(),
            held: 0,
            limited: 0,
            partial: true,
            resets: BTreeSet::new(),
        }
    }

    /// Whether the peer lets messages be given up that were sent in part.
    pub(crate) const fn set_partial(&mut self, partial: bool) {
        self.partial = partial;
    }

    /// The peer takes only this many streams: what was given to others before
    /// that was known is dropped.
    pub(crate) fn limit_streams(&mut self, streams: u16) {
        let beyond: Vec<StreamId> = self
            .streams
            .range(StreamId(streams)..)
            .map(|(&id, _)| id)
            .collect();
        for stream in beyond {
            self.scheduler.remove(stream);
            self.resets.remove(&stream);
            let Some(entry) = self.streams.remove(&stream) else {
                continue;
            };
            for key in entry.waiting {
                self.release(key);
            }
        }
    }

    /// Takes a message.
    pub(crate) fn push(
        &mut self,
        now: Instant,
        stream: StreamId,
        ppid: Ppid,
        options: SendOptions,
        data: Bytes,
    ) -> Result<(), SendError> {
        let cost = data.len() + OVERHEAD;
        if self.held + cost > self.limit {
            return Err(SendError::Full);
        }
        let entry = self.streams.entry(stream).or_default();
        if entry.resetting {
            return Err(SendError::Resetting);
        }
        let limit = match options.reliability {
            Reliability::Reliable => Limit::None,
            Reliability::MaxRetransmits(count) => Limit::Retransmits(count),
            Reliability::MaxLifetime(lifetime) => Limit::Until(now + lifetime),
        };
        self.limited += usize::from(!matches!(limit, Limit::None));
        self.held += cost;
        entry.buffered += data.len();
        if entry.waiting.is_empty() {
            self.scheduler.add(stream);
        }
        let message = Outgoing {
            data,
            stream,
            ppid,
            ordered: options.ordered,
            ssn: Serial16(0),
            limit,
            sent: 0,
            pieces: 0,
            abandoned: false,
        };
        let key = if let Some(key) = self.free.pop() {
            self.messages[key.index()] = Some(message);
            key
        } else {
            self.messages.push(Some(message));
            // The send buffer's limit keeps the number of messages far below 2^32.
            MessageKey(u32::try_from(self.messages.len() - 1).unwrap_or(u32::MAX))
        };
        entry.waiting.push_back(key);
        Ok(())
    }

    /// The next piece, of at most `room` bytes. It counts as sent.
    pub(crate) fn next(&mut self, now: Instant, room: usize, events: &mut Events) -> Option<Next> {
        loop {
            let stream = self.scheduler.current()?;
            let entry = self.streams.get_mut(&stream)?;
            let key = *entry.waiting.front()?;
            let message = self.messages.get_mut(key.index())?.as_mut()?;
            if message.is_expired(now) && (self.partial || message.sent == 0) {
                if message.sent > 0 {
                    return Some(Next::Expired(key));
                }
                self.drop_unsent(key, events);
                self.release(key);
                continue;
            }
            let left = message.data.len() - message.sent;
            let len = u16::try_from(left.min(room)).unwrap_or(u16::MAX);
            if message.sent == 0 {
                entry.unacked += 1;
                message.ssn = Serial16(entry.next_ssn);
                entry.next_ssn = entry.next_ssn.wrapping_add(u16::from(message.ordered));
            }
            let piece = Piece {
                message: key,
                offset: u32::try_from(message.sent).unwrap_or(u32::MAX),
                len,
                ending: left == usize::from(len),
            };
            message.sent += usize::from(len);
            message.pieces += 1;
            entry.drain(stream, usize::from(len), events);
            if piece.ending {
                entry.waiting.pop_front();
                self.scheduler.rotate(!entry.waiting.is_empty());
            }
            return Some(Next::Piece(piece));
        }
    }

    /// The size of the message that is next, as far as it was not sent.
    pub(crate) fn next_len(&self) -> Option<usize> {
        let stream = self.scheduler.current()?;
        let key = *self.streams.get(&stream)?.waiting.front()?;
        let message = self.get(key)?;
        Some(message.data.len() - message.sent)
    }

    /// Whether nothing waits to be sent.
    pub(crate) fn is_empty(&self) -> bool {
        self.scheduler.current().is_none()
    }

    /// What all messages cost.
    #[cfg(test)]
    pub(crate) const fn held(&self) -> usize {
        self.held
    }

    /// Whether any message may be given up.
    pub(crate) const fn has_limited(&self) -> bool {
        self.limited > 0
    }

    /// A message that is on its way.
    pub(crate) fn get(&self, key: MessageKey) -> Option<&Outgoing> {
        self.messages.get(key.index())?.as_ref()
    }

    /// Whether a piece may be sent again after `transmissions`.
    pub(crate) fn may_resend(&self, key: MessageKey, transmissions: u16, now: Instant) -> bool {
        self.get(key).is_some_and(|message| match message.limit {
            Limit::Retransmits(count) if self.partial => transmissions <= count,
            Limit::Until(_) if self.partial => !message.is_expired(now),
            Limit::None | Limit::Retransmits(_) | Limit::Until(_) => true,
        })
    }

    /// A piece was acknowledged, or the peer heard that it is given up.
    pub(crate) fn on_piece_done(&mut self, key: MessageKey) {
        let Some(Some(message)) = self.messages.get_mut(key.index()) else {
            return;
        };
        message.pieces -= 1;
        if message.pieces > 0 || !message.abandoned && message.sent < message.data.len() {
            return;
        }
        if let Some(entry) = self.streams.get_mut(&message.stream) {
            entry.unacked -= 1;
        }
        self.release(key);
    }

    /// Gives up a message that was sent in part or in whole: `true` if a part
    /// was not sent. Then one TSN more has to stand for that part, as a
    /// `piece`, so that the peer learns that the message ends there.
    pub(crate) fn abandon(&mut self, key: MessageKey, events: &mut Events) -> bool {
        let Some(Some(message)) = self.messages.get_mut(key.index()) else {
            return false;
        };
        if core::mem::replace(&mut message.abandoned, true) {
            return false;
        }
        let incomplete = message.sent < message.data.len();
        if incomplete {
            message.pieces += 1;
            self.drop_unsent(key, events);
        }
        incomplete
    }

    /// Takes what was not sent of a message out of its stream's queue.
    fn drop_unsent(&mut self, key: MessageKey, events: &mut Events) {
        let Some(Some(message)) = self.messages.get_mut(key.index()) else {
            return;
        };
        let left = message.data.len() - message.sent;
        let stream = message.stream;
        if let Some(entry) = self.streams.get_mut(&stream) {
            // Only the first of a stream is ever begun or looked at.
            entry.waiting.pop_front();
            entry.drain(stream, left, events);
            self.scheduler.rotate(!entry.waiting.is_empty());
        }
    }

    fn release(&mut self, key: MessageKey) {
        let Some(message) = self.messages.get_mut(key.index()).and_then(Option::take) else {
            return;
        };
        self.held -= message.data.len() + OVERHEAD;
        self.limited -= usize::from(!matches!(message.limit, Limit::None));
        self.free.push(key);
        if self.held == 0 {
            // Quiet: a burst of small messages should not cost memory for ever.
            self.messages.clear();
            self.messages.shrink_to(KEPT_SLOTS);
            self.free.clear();
            self.free.shrink_to(KEPT_SLOTS);
        }
    }

    /// Gives back the room that nothing is in.
    pub(crate) fn rest(&mut self) {
        if self.held == 0 {
            self.messages = Vec::new();
            self.free = Vec::new();
        }
        for entry in self.streams.values_mut() {
            entry.waiting.shrink_to_fit();
        }
    }

    /// Drops everything: the peer began anew.
    pub(crate) fn restart(&mut self) {
        self.messages.clear();
        self.free.clear();
        self.scheduler.clear();
        self.held = 0;
        self.limited = 0;
        self.resets.clear();
        for entry in self.streams.values_mut() {
            **entry = OutStream {
                threshold: entry.threshold,
                ..OutStream::default()
            };
        }
    }

    /// How many bytes given to a stream were not sent yet.
    pub(crate) fn buffered_amount(&self, stream: StreamId) -> usize {
        self.streams.get(&stream).map_or(0, |entry| entry.buffered)
    }

    pub(crate) fn set_threshold(&mut self, stream: StreamId, threshold: usize) {
        self.streams.entry(stream).or_default().threshold = threshold;
    }

    /// Takes no more messages for a stream until it is reset.
    pub(crate) fn begin_reset(&mut self, stream: StreamId) {
        let entry = self.streams.entry(stream).or_default();
        if !core::mem::replace(&mut entry.resetting, true) {
            self.resets.insert(stream);
        }
    }

    /// Whether streams wait to be reset.
    pub(crate) fn has_resets(&self) -> bool {
        !self.resets.is_empty()
    }

    /// The streams, at most `most`, that are to be reset and on which
    /// everything has arrived. They are given once.
    pub(crate) fn take_settled(&mut self, most: usize) -> Vec<StreamId> {
        let streams = &self.streams;
        let is_settled = |stream: &&StreamId| {
            streams
                .get(stream)
                .is_none_or(|entry| entry.waiting.is_empty() && entry.unacked == 0)
        };
        let settled: Vec<_> = self
            .resets
            .iter()
            .filter(is_settled)
            .take(most)
            .copied()
            .collect();
        for stream in &settled {
            self.resets.remove(stream);
        }
        settled
    }

    /// The stream takes messages again; from number 0 if `performed`.
    pub(crate) fn end_reset(&mut self, stream: StreamId, performed: bool) {
        if performed {
            self.streams.remove(&stream);
        } else if let Some(entry) = self.streams.get_mut(&stream) {
            entry.resetting = false;
        }
    }
}

impl Outgoing {
    fn is_expired(&self, now: Instant) -> bool {
        matches!(self.limit, Limit::Until(end) if now > end)
    }
}

impl OutStream {
    fn drain(&mut self, stream: StreamId, len: usize, events: &mut Events) {
        let before = self.buffered;
        self.buffered -= len;
        if before > self.threshold && self.buffered <= self.threshold {
            events.push(Event::BufferedAmountLow(stream));
        }
    }
}

impl MessageKey {
    const fn index(self) -> usize {
        self.0 as usize
    }
}

/// What is counted for a message beside its bytes, so that the smallest ones
/// cannot take more memory than the limit says.
const OVERHEAD: usize = 64;

/// How many slots stay allocated when nothing is to be sent.
const KEPT_SLOTS: usize = 16;
