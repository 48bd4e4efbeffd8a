//! From pieces in any order to messages in theirs.

use alloc::boxed::Box;
use alloc::collections::btree_map::{BTreeMap, Entry};
use alloc::collections::vec_deque::VecDeque;
use alloc::vec::Vec;

use bytes::Bytes;

use super::run::{Run, Slab};
use crate::sctp::message::{Message, MessageInfo};
use crate::wire::sctp::chunk::{Data, SkippedStream};
use crate::wire::sctp::{Ppid, Ssn, StreamId};

/// Which messages are complete, and may be taken?
///
/// A piece is copied once: in order into a slab that messages share, so that
/// the steady state allocates once per slab; out of order into a buffer of its
/// own message. Pieces of one message have consecutive TSNs, so a message that
/// is not complete yet is a *run* of TSNs, or several with holes between them.
#[derive(Debug)]
pub(crate) struct Reassembly {
    limits: Limits,
    slab: Slab,
    /// Runs that are not complete, in the order of TSNs.
    runs: VecDeque<Run>,
    /// Boxed, for a map makes room for eleven, and most peers use one.
    streams: BTreeMap<StreamId, Box<InStream>>,
    /// A reset that waits for data sent before it.
    deferred: Option<Deferred>,
    ready: VecDeque<Ready>,
    /// Resets that are done, but wait in `ready` behind messages.
    resets_in_ready: usize,
    held: usize,
}

/// How much may be held?
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// The receive buffer: what the window is made of.
    pub(crate) buffer: usize,
    /// The largest message.
    pub(crate) message: usize,
    /// The number of streams the peer may use.
    pub(crate) streams: u16,
}

/// A message that is complete.
#[derive(Debug)]
pub(super) struct Complete {
    pub(super) head: Head,
    /// Its first TSN.
    pub(super) first: u64,
    pub(super) data: Bytes,
    /// Whether it lies in the shared slab.
    pub(super) shared: bool,
}

/// What all pieces of a message have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) stream: StreamId,
    pub(super) ppid: Ppid,
    /// The number of an ordered message.
    pub(super) ssn: Option<Ssn>,
}

#[derive(Debug)]
enum Ready {
    Message(Message),
    Reset(StreamId),
}

#[derive(Debug, Default)]
struct InStream {
    /// The number of the next message, counted without wrapping.
    next: u64,
    /// Complete messages behind one that is missing.
    waiting: BTreeMap<u64, Complete>,
}

/// Resets of the peer's streams that wait for the data before them (RFC 6525 §5.2.2).
#[derive(Debug)]
struct Deferred {
    last_tsn: u64,
    streams: Vec<StreamId>,
    /// What came on these streams after the reset, ahead of time.
    messages: Vec<Complete>,
}

/// Why the association cannot go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The peer broke the rules of fragmentation.
    Violation(&'static str),
    /// The peer's data fits no limit of ours.
    TooMuch,
}

impl Reassembly {
    /// Holds nothing yet.
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            limits,
            slab: Slab::new(),
            runs: VecDeque::new(),
            streams: BTreeMap::new(),
            deferred: None,
            ready: VecDeque::new(),
            resets_in_ready: 0,
            held: 0,
        }
    }

    /// How many more bytes can be held: what a SACK advertises.
    pub(crate) const fn window(&self) -> usize {
        self.limits.buffer.saturating_sub(self.held)
    }

    /// How many streams the peer may use, now that it is agreed.
    pub(crate) const fn set_streams(&mut self, streams: u16) {
        self.limits.streams = streams;
    }

    /// Whether a piece of `len` bytes can be kept. Beyond the window only the
    /// very next TSN is, and only if the application has nothing to take: then
    /// it may complete what fills the buffer, so it can never get stuck
    /// (RFC 9260 §6.2: at a window of zero only what fills a gap is kept).
    pub(crate) fn has_room(&self, len: usize, is_next: bool) -> bool {
        self.held + len <= self.limits.buffer || is_next && self.ready.is_empty()
    }

    /// Takes in a piece that did not arrive before. `cumulative` is the state
    /// before it: whether the piece is in order, and what is missing for good.
    pub(crate) fn push(
        &mut self,
        tsn: u64,
        cumulative: u64,
        data: &Data<'_>,
    ) -> Result<(), Refusal> {
        if self.held > self.limits.buffer + self.limits.message {
            return Err(Refusal::TooMuch);
        }
        if data.payload.len() > self.limits.message {
            return Err(TOO_LONG);
        }
        let head = Head {
            stream: data.stream,
            ppid: data.ppid,
            ssn: (!data.unordered).then_some(data.ssn),
        };
        let in_order = tsn == cumulative + 1;
        let previous = self.previous(tsn);
        if data.beginning && data.ending {
            self.check_neighbours(tsn, previous)?;
            let (data, shared) = if in_order {
                (self.slab.whole(data.payload, &mut self.runs), true)
            } else {
                (Bytes::copy_from_slice(data.payload), false)
            };
            let first = tsn;
            self.complete(Complete {
                head,
                first,
                data,
                shared,
            });
            return Ok(());
        }
        let Some(index) = self.place(tsn, cumulative, head, data, previous)? else {
            return Ok(());
        };
        self.held += data.payload.len() + OVERHEAD;
        if self.runs[index].len > self.limits.message {
            return Err(TOO_LONG);
        }
        if self.runs[index].is_complete() {
            self.finish(index);
        }
        Ok(())
    }

    /// Gives up all that is not complete up to `cumulative`, and the messages
    /// of `streams` (RFC 3758 §3.6).
    pub(crate) fn forward(
        &mut self,
        cumulative: u64,
        streams: impl Iterator<Item = SkippedStream>,
    ) {
        while let Some(run) = self.runs.front()
            && run.first <= cumulative
        {
            self.drop_run(0);
        }
        // What follows a piece that is given up can only be a new message.
        if let Some(run) = self.runs.front()
            && run.first == cumulative + 1
            && !run.begun
        {
            self.drop_run(0);
        }
        for SkippedStream { stream, ssn } in streams {
            if stream.0 < self.limits.streams {
                self.skip(stream, ssn);
            }
        }
    }

    /// Resets streams of the peer once everything up to `last_tsn` is here.
    /// No streams means all. `false` if that is not so yet, and another reset
    /// waits already.
    pub(crate) fn defer_reset(&mut self, last_tsn: u64, streams: Vec<StreamId>) -> bool {
        if self.deferred.is_some() {
            return false;
        }
        self.deferred = Some(Deferred {
            last_tsn,
            streams,
            messages: Vec::new(),
        });
        true
    }

    /// Carries out the deferred reset if everything before it is here: `true`
    /// if it was.
    pub(crate) fn settle_reset(&mut self, cumulative: u64) -> bool {
        if self
            .deferred
            .as_ref()
            .is_none_or(|reset| reset.last_tsn > cumulative)
        {
            return false;
        }
        let Some(reset) = self.deferred.take() else {
            return false;
        };
        self.reset(&reset.streams);
        for message in reset.messages {
            self.held -= cost(message.data.len());
            self.complete(message);
        }
        true
    }

    /// Whether one reset more can be remembered, if the application does not
    /// take what lies before it.
    pub(crate) fn can_reset(&self, count: usize) -> bool {
        self.resets_in_ready + count <= usize::from(self.limits.streams) * 2
    }

    /// Lets streams of the peer start anew with message number 0. None means all.
    fn reset(&mut self, streams: &[StreamId]) {
        let all: Vec<StreamId>;
        let streams = if streams.is_empty() {
            all = self.streams.keys().copied().collect();
            &all
        } else {
            streams
        };
        for &stream in streams {
            // What waits for a message that never came does so no longer.
            if let Some(old) = self.streams.remove(&stream) {
                for message in old.waiting.into_values() {
                    self.held -= cost(message.data.len());
                }
            }
            self.ready.push_back(Ready::Reset(stream));
            self.resets_in_ready += 1;
        }
    }

    /// Gives back the room that nothing is in.
    pub(crate) fn rest(&mut self) {
        self.slab.rest();
        self.runs.shrink_to_fit();
        self.ready.shrink_to_fit();
    }

    /// A restart of the peer: all streams start anew, and what is not
    /// complete is gone (RFC 9260 §5.2.4 action A).
    pub(crate) fn restart(&mut self) {
        self.runs.clear();
        self.streams.clear();
        self.deferred = None;
        self.slab = Slab::new();
        self.held = self
            .ready
            .iter()
            .map(|ready| match ready {
                Ready::Message(message) => cost(message.data.len()),
                Ready::Reset(_) => 0,
            })
            .sum();
    }

    /// The stream that the peer reset before all messages that can be taken.
    pub(crate) fn poll_reset(&mut self) -> Option<StreamId> {
        let Some(Ready::Reset(stream)) = self.ready.front() else {
            return None;
        };
        let stream = *stream;
        self.ready.pop_front();
        self.resets_in_ready -= 1;
        Some(stream)
    }

    /// What [`take`](Self::take) will give.
    pub(crate) fn peek(&self) -> Option<MessageInfo> {
        self.ready.iter().find_map(|ready| match ready {
            Ready::Message(message) => Some(message.info()),
            Ready::Reset(_) => None,
        })
    }

    /// The next message. Resets before it come out through `reset`.
    pub(crate) fn take(&mut self, mut reset: impl FnMut(StreamId)) -> Option<Message> {
        while let Some(stream) = self.poll_reset() {
            reset(stream);
        }
        match self.ready.pop_front() {
            Some(Ready::Message(message)) => {
                self.held -= cost(message.data.len());
                Some(message)
            }
            Some(Ready::Reset(_)) | None => None,
        }
    }

    /// The last run that starts before `tsn`.
    fn previous(&self, tsn: u64) -> Option<usize> {
        match self.runs.back() {
            None => None,
            Some(last) if last.first < tsn => Some(self.runs.len() - 1),
            Some(_) => self
                .runs
                .partition_point(|run| run.first < tsn)
                .checked_sub(1),
        }
    }

    /// A message in one piece may not touch a run that goes on.
    fn check_neighbours(&mut self, tsn: u64, previous: Option<usize>) -> Result<(), Refusal> {
        if let Some(run) = previous.map(|index| &self.runs[index])
            && run.next == tsn
            && !run.ended
        {
            return Err(Refusal::Violation("beginning inside a message"));
        }
        self.drop_headless(tsn, previous);
        Ok(())
    }

    /// What follows the end of a message has to begin one.
    fn drop_headless(&mut self, tsn: u64, previous: Option<usize>) {
        let next = previous.map_or(0, |index| index + 1);
        if let Some(run) = self.runs.get(next)
            && run.first == tsn + 1
            && !run.begun
        {
            self.drop_run(next);
        }
    }

    /// Puts a piece where it belongs: the index of its run, or nothing if the
    /// message it belongs to can never be complete.
    fn place(
        &mut self,
        tsn: u64,
        cumulative: u64,
        head: Head,
        data: &Data<'_>,
        previous: Option<usize>,
    ) -> Result<Option<usize>, Refusal> {
        let after = previous.filter(|&index| self.runs[index].next == tsn);
        let goes_on = after.filter(|&index| !self.runs[index].ended);
        let index = match (goes_on, data.beginning) {
            (Some(_), true) => return Err(Refusal::Violation("beginning inside a message")),
            (Some(index), false) => {
                self.runs[index].check(head)?;
                index
            }
            // The piece before it arrived, and its message ended or is gone.
            (None, false) if after.is_some() || tsn <= cumulative + 1 => {
                self.drop_headless(tsn, previous);
                return Ok(None);
            }
            (None, _) => {
                let index = previous.map_or(0, |index| index + 1);
                if let Some(run) = self.runs.get_mut(index)
                    && run.first == tsn + 1
                    && !data.ending
                {
                    run.check(head)?;
                    if run.begun {
                        return Err(Refusal::Violation("beginning inside a message"));
                    }
                    run.prepend(data);
                    return Ok(Some(index));
                }
                let run = self
                    .slab
                    .start(tsn, head, tsn == cumulative + 1, &mut self.runs);
                self.runs.insert(index, run);
                index
            }
        };
        self.slab.append(&mut self.runs[index], data);
        if data.ending {
            self.drop_headless(tsn, Some(index));
        } else {
            self.join_next(index)?;
        }
        Ok(Some(index))
    }

    /// Joins the run at `index` with the one behind it, if they touch now.
    fn join_next(&mut self, index: usize) -> Result<(), Refusal> {
        let touches = self
            .runs
            .get(index + 1)
            .is_some_and(|next| next.first == self.runs[index].next);
        if !touches {
            return Ok(());
        }
        if self.runs[index + 1].begun {
            return Err(Refusal::Violation("beginning inside a message"));
        }
        let Some(next) = self.runs.remove(index + 1) else {
            return Ok(());
        };
        self.runs[index].check(next.head)?;
        self.slab.settle(&mut self.runs[index]);
        self.runs[index].join(next);
        Ok(())
    }

    fn finish(&mut self, index: usize) {
        let Some(run) = self.runs.remove(index) else {
            return;
        };
        self.held -= run.cost();
        let complete = self.slab.finish(run);
        self.complete(complete);
    }

    fn drop_run(&mut self, index: usize) {
        if let Some(run) = self.runs.remove(index) {
            self.held -= run.cost();
            self.slab.forget(&run);
        }
    }

    fn complete(&mut self, message: Complete) {
        self.held += cost(message.data.len());
        if self.is_after_reset(&message) {
            self.hold_back(message);
            return;
        }
        let Some(ssn) = message.head.ssn else {
            self.hand_over(message);
            return;
        };
        let stream = message.head.stream;
        let entry = self.streams.entry(stream).or_default();
        let Some(number) = entry.number(ssn) else {
            // A message number that was used before: the peer is confused.
            self.held -= cost(message.data.len());
            return;
        };
        if number != entry.next {
            match entry.waiting.entry(number) {
                Entry::Vacant(place) => {
                    place.insert(message.detached());
                }
                Entry::Occupied(_) => self.held -= cost(message.data.len()),
            }
            return;
        }
        entry.next += 1;
        self.hand_over(message);
        self.release(stream);
    }

    fn is_after_reset(&self, message: &Complete) -> bool {
        self.deferred.as_ref().is_some_and(|reset| {
            message.first > reset.last_tsn
                && (reset.streams.is_empty() || reset.streams.contains(&message.head.stream))
        })
    }

    fn hold_back(&mut self, message: Complete) {
        if let Some(reset) = &mut self.deferred {
            reset.messages.push(message.detached());
        }
    }

    /// Hands over the messages of a stream that waited for the one before.
    fn release(&mut self, stream: StreamId) {
        while let Some(entry) = self.streams.get_mut(&stream)
            && let Some(message) = entry.waiting.remove(&entry.next)
        {
            entry.next += 1;
            self.hand_over(message);
        }
    }

    /// Does without the messages of a stream up to `ssn`.
    fn skip(&mut self, stream: StreamId, ssn: Ssn) {
        let entry = self.streams.entry(stream).or_default();
        let Some(last) = entry.number(ssn) else {
            return;
        };
        entry.next = last + 1;
        let later = entry.waiting.split_off(&entry.next);
        let stranded = core::mem::replace(&mut entry.waiting, later);
        for message in stranded.into_values() {
            self.hand_over(message);
        }
        self.release(stream);
    }

    fn hand_over(&mut self, message: Complete) {
        self.ready.push_back(Ready::Message(Message {
            stream: message.head.stream,
            ppid: message.head.ppid,
            ordered: message.head.ssn.is_some(),
            data: message.data,
        }));
    }
}

impl InStream {
    /// The number that `ssn` stands for; nothing if it is in the past.
    fn number(&self, ssn: Ssn) -> Option<u64> {
        let [_, _, _, _, _, _, high, low] = self.next.to_be_bytes();
        let next = u16::from_be_bytes([high, low]);
        let ahead = ssn.0.wrapping_sub(next);
        (ahead < 1 << 15).then(|| self.next + u64::from(ahead))
    }
}

impl Complete {
    /// The message without its share of a slab: what has to wait may not keep
    /// the whole slab alive.
    fn detached(mut self) -> Self {
        if self.shared {
            self.data = Bytes::copy_from_slice(&self.data);
            self.shared = false;
        }
        self
    }
}

const TOO_LONG: Refusal = Refusal::Violation("message too long");

/// What holding a message of `len` bytes costs.
pub(super) const fn cost(len: usize) -> usize {
    len + OVERHEAD
}

/// What is counted for a piece or a message beside its bytes, so that the
/// smallest ones cannot take more memory than the window says.
pub(super) const OVERHEAD: usize = 64;

#[cfg(test)]
mod tests;
