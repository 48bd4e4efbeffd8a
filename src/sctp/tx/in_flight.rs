//! What was sent and not acknowledged yet?

use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::time::Duration;

use super::Feed;
use super::gaps::{Block, MAYBE_CUT, difference, keep_tail, read_blocks};
use super::send_queue::{MessageKey, Piece, SendQueue};
use crate::seq::{Serial32, extend_u32};
use crate::time::Instant;
use crate::wire::list::Records;
use crate::wire::sctp::Tsn;
use crate::wire::sctp::chunk::{Data, GapAckBlock};

/// What was sent and not acknowledged yet?
///
/// A ring of small descriptors indexed by TSN, with counters kept up to date.
/// The work of a SACK is proportional to what it acknowledges newly and to the
/// edges of its gaps, never to what is in flight.
#[derive(Debug)]
pub(crate) struct InFlight {
    /// The TSN of the first descriptor, counted without wrapping.
    base: u64,
    chunks: VecDeque<Sent>,
    /// What the last SACK acknowledged behind `base`, as distances from the
    /// cumulative TSN.
    acked: Vec<Block>,
    /// The buffer of the SACK before, used for the next one.
    spare: Vec<Block>,
    /// Payload on its way.
    payload: usize,
    /// Chunks on their way.
    count: usize,
    /// TSNs to send again, in order. Some may have been acknowledged since.
    lost: VecDeque<u64>,
    /// How many of them were not.
    lost_count: usize,
    /// What was sent again, in the order of time.
    resent: VecDeque<(Instant, u64)>,
    /// The three highest "highest newly acknowledged" TSNs, highest first.
    highest: [u64; MISSES],
    /// All before this was looked at for losses.
    examined: u64,
    /// Whether something was given up since this was last asked.
    newly_abandoned: bool,
    /// How often a descriptor was looked at.
    #[cfg(test)]
    visits: core::cell::Cell<u64>,
}

/// A DATA chunk that was sent.
#[derive(Clone, Copy, Debug)]
struct Sent {
    sent_at: Instant,
    message: MessageKey,
    offset: u32,
    len: u16,
    transmissions: u16,
    state: ChunkState,
    ending: bool,
    /// Whether its acknowledgement says how long a round trip takes (Karn's rule).
    timed: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ChunkState {
    /// On its way.
    InFlight,
    /// It arrived, but something before it did not.
    Acked,
    /// It has to be sent again.
    Lost,
    /// It is not worth sending again.
    Abandoned,
}

/// What did a SACK change?
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Outcome {
    /// Bytes that it acknowledges and none before did.
    pub(crate) acked: usize,
    /// Whether the cumulative TSN moved.
    pub(crate) advanced: bool,
    /// Whether chunks have to be sent again.
    pub(crate) lost: bool,
    /// When the last sent chunk among the newly acknowledged that were sent
    /// once was sent: a measurement of the round trip.
    pub(crate) sent_at: Option<Instant>,
    /// The last time any newly acknowledged chunk was sent.
    newest: Option<Instant>,
    /// The highest TSN that it acknowledges and none before did.
    highest: Option<u64>,
}

/// What is known of the path when a SACK comes?
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hints {
    /// The shortest round trip seen.
    pub(crate) shortest_rtt: Duration,
    /// Whether a loss is being repaired already.
    pub(crate) in_recovery: bool,
}

impl InFlight {
    /// Nothing was sent; `initial` is the first TSN.
    pub(crate) const fn new(initial: Tsn) -> Self {
        let base = (1 << 32) + initial.0 as u64;
        Self {
            base,
            chunks: VecDeque::new(),
            acked: Vec::new(),
            spare: Vec::new(),
            payload: 0,
            count: 0,
            lost: VecDeque::new(),
            lost_count: 0,
            resent: VecDeque::new(),
            highest: [0; MISSES],
            examined: base,
            newly_abandoned: false,
            #[cfg(test)]
            visits: core::cell::Cell::new(0),
        }
    }

    /// Payload on its way: what the peer's window has to hold.
    pub(crate) const fn payload(&self) -> usize {
        self.payload
    }

    /// Payload and chunk headers on their way: what congestion control counts.
    pub(crate) const fn size(&self) -> usize {
        self.payload + self.count * Data::HEADER
    }

    /// Whether everything that was sent is acknowledged or known to be given up.
    pub(crate) fn is_empty(&self) -> bool {
        self.chunks.is_empty()
    }

    /// Whether something is on its way.
    pub(crate) const fn is_outstanding(&self) -> bool {
        self.count > 0
    }

    /// Whether something has to be sent again.
    pub(crate) const fn has_lost(&self) -> bool {
        self.lost_count > 0
    }

    /// How many chunks are remembered.
    pub(crate) fn len(&self) -> u64 {
        self.chunks.len() as u64
    }

    /// Whether `tsn` is the first that is not acknowledged.
    pub(crate) const fn is_first(&self, tsn: u64) -> bool {
        tsn == self.base
    }

    /// The TSN behind the last one sent.
    pub(crate) fn next(&self) -> u64 {
        self.base + self.chunks.len() as u64
    }

    /// The last TSN that was given to a chunk, as the wire says it.
    pub(crate) fn last_assigned(&self) -> Tsn {
        wire(self.next() - 1)
    }

    /// Gives back the room that nothing is in.
    pub(crate) fn rest(&mut self) {
        if self.is_empty() {
            self.chunks = VecDeque::new();
            self.acked = Vec::new();
            self.spare = Vec::new();
            self.lost = VecDeque::new();
            self.resent = VecDeque::new();
        }
    }

    /// A piece is sent for the first time: its TSN.
    pub(crate) fn push(&mut self, now: Instant, piece: Piece) -> Tsn {
        let tsn = wire(self.next());
        self.chunks.push_back(Sent {
            sent_at: now,
            message: piece.message,
            offset: piece.offset,
            len: piece.len,
            transmissions: 1,
            state: ChunkState::InFlight,
            ending: piece.ending,
            timed: true,
        });
        self.payload += usize::from(piece.len);
        self.count += 1;
        tsn
    }

    /// Takes in a SACK, or without gaps the cumulative TSN alone. `None` if it is older than one before, or acknowledges
    /// what was never sent (RFC 9260 §6.2.1).
    pub(crate) fn on_sack(
        &mut self,
        cumulative: Tsn,
        gaps: Option<Records<'_, GapAckBlock>>,
        hints: Hints,
        feed: &mut Feed<'_>,
    ) -> Option<Outcome> {
        let cumulative = extend_u32(self.base, cumulative);
        if cumulative + 1 < self.base || cumulative >= self.next() {
            return None;
        }
        let mut outcome = Outcome::default();
        let advance = cumulative + 1 - self.base;
        for _ in 0..advance {
            self.pop(&mut outcome, hints, feed);
        }
        outcome.advanced = advance > 0;
        self.shift(advance);
        if let Some(gaps) = gaps {
            self.on_gaps(cumulative, gaps, &mut outcome, hints, feed.now);
        }
        if let Some(highest) = outcome.highest {
            let reported = self.acked.last().map_or(0, |last| cumulative + last.last);
            // RFC 9260 §7.2.4: in recovery, a SACK that moves the cumulative
            // TSN counts for all it reports missing.
            let counts_all = hints.in_recovery && outcome.advanced;
            self.on_highest(if counts_all {
                highest.max(reported)
            } else {
                highest
            });
        }
        self.find_lost(&mut outcome, hints, feed);
        Some(outcome)
    }

    /// Takes the first descriptor out: the peer has it, or was told to forget it.
    fn pop(&mut self, outcome: &mut Outcome, hints: Hints, feed: &mut Feed<'_>) {
        let Some(sent) = self.chunks.pop_front() else {
            return;
        };
        let tsn = self.base;
        self.base += 1;
        self.count_acked(tsn, &sent, outcome, hints, feed.now);
        feed.queue.on_piece_done(sent.message);
    }

    /// Counts a chunk as acknowledged, if it was not before.
    fn count_acked(
        &mut self,
        tsn: u64,
        sent: &Sent,
        outcome: &mut Outcome,
        hints: Hints,
        now: Instant,
    ) {
        match sent.state {
            ChunkState::Acked | ChunkState::Abandoned => return,
            ChunkState::InFlight => self.leave_flight(sent.len),
            ChunkState::Lost => self.lost_count -= 1,
        }
        outcome.acked += usize::from(sent.len) + Data::HEADER;
        outcome.highest = outcome.highest.max(Some(tsn));
        if sent.timed {
            outcome.sent_at = outcome.sent_at.max(Some(sent.sent_at));
            outcome.newest = outcome.newest.max(Some(sent.sent_at));
        } else if now.since(sent.sent_at) >= hints.shortest_rtt {
            // An answer that comes sooner was for a transmission before (RFC 8985 §6.2).
            outcome.newest = outcome.newest.max(Some(sent.sent_at));
        }
    }

    const fn leave_flight(&mut self, len: u16) {
        self.payload -= len as usize;
        self.count -= 1;
    }

    /// The cumulative TSN moved: distances shrink.
    fn shift(&mut self, advance: u64) {
        if advance == 0 || self.acked.is_empty() {
            return;
        }
        self.acked.retain_mut(|block| {
            block.last = block.last.saturating_sub(advance);
            block.first = block.first.saturating_sub(advance).max(1);
            block.last > 0
        });
    }

    fn on_gaps(
        &mut self,
        cumulative: u64,
        gaps: impl Iterator<Item = GapAckBlock>,
        outcome: &mut Outcome,
        hints: Hints,
        now: Instant,
    ) {
        let mut new = core::mem::take(&mut self.spare);
        read_blocks(&mut new, gaps, self.chunks.len() as u64);
        let old = core::mem::take(&mut self.acked);
        difference(&new, &old, |distance| {
            let tsn = cumulative + distance;
            if let Some(sent) = self.get(tsn) {
                self.count_acked(tsn, &sent, outcome, hints, now);
                self.set_state(tsn, ChunkState::Acked);
            }
        });
        // RFC 9260 §6.2.1: what was acknowledged and is not any more goes back
        // to be outstanding. A long list may have been cut: what lies behind
        // its end says nothing.
        let end = new.last().map_or(0, |block| block.last);
        let cut = new.len() >= MAYBE_CUT;
        difference(&old, &new, |distance| {
            let tsn = cumulative + distance;
            if cut && distance > end {
                return;
            }
            if let Some(sent) = self.get(tsn)
                && sent.state == ChunkState::Acked
            {
                self.set_state(tsn, ChunkState::InFlight);
                if let Some(sent) = self.get_mut(tsn) {
                    sent.timed = false;
                }
                self.payload += usize::from(sent.len);
                self.count += 1;
            }
        });
        if cut {
            keep_tail(&mut new, &old, end);
        }
        self.acked = new;
        self.spare = old;
        self.spare.clear();
    }

    fn get(&self, tsn: u64) -> Option<Sent> {
        #[cfg(test)]
        self.visits.set(self.visits.get() + 1);
        let index = usize::try_from(tsn.checked_sub(self.base)?).ok()?;
        self.chunks.get(index).copied()
    }

    /// Given-up chunks stay so, whatever the peer says of them.
    fn set_state(&mut self, tsn: u64, state: ChunkState) {
        if let Some(sent) = self.get_mut(tsn)
            && sent.state != ChunkState::Abandoned
        {
            sent.state = state;
        }
    }

    fn get_mut(&mut self, tsn: u64) -> Option<&mut Sent> {
        let index = usize::try_from(tsn.checked_sub(self.base)?).ok()?;
        self.chunks.get_mut(index)
    }

    /// One more SACK whose newly acknowledged TSNs reach up to `highest`.
    fn on_highest(&mut self, highest: u64) {
        let mut value = highest;
        for slot in &mut self.highest {
            if value > *slot {
                core::mem::swap(&mut value, slot);
            }
        }
    }

    /// Finds what three SACKs reported missing (RFC 9260 §7.2.4), and what was
    /// sent again before something that arrived (RFC 8985).
    ///
    /// Chunks are first sent in the order of TSNs. So a chunk sent once was
    /// missed by every SACK that newly acknowledged a higher TSN, and was missed
    /// three times if the third highest of those TSNs is above its own.
    fn find_lost(&mut self, outcome: &mut Outcome, hints: Hints, feed: &mut Feed<'_>) {
        let third = self.highest[MISSES - 1];
        let mut tsn = self.examined.max(self.base);
        while tsn < third {
            if let Some(sent) = self.get(tsn)
                && sent.state == ChunkState::InFlight
                && sent.transmissions == 1
            {
                outcome.lost = true;
                self.on_lost(tsn, feed);
            }
            tsn += 1;
        }
        self.examined = tsn.max(self.examined);
        let Some(newest) = outcome.newest else {
            return;
        };
        let reordering = hints.shortest_rtt / 4;
        while let Some(&(sent_at, tsn)) = self.resent.front()
            && sent_at + reordering < newest
        {
            self.resent.pop_front();
            if let Some(sent) = self.get(tsn)
                && sent.state == ChunkState::InFlight
                && sent.sent_at == sent_at
            {
                outcome.lost = true;
                self.on_lost(tsn, feed);
            }
        }
    }

    /// A chunk on its way is lost: it is sent again, or given up.
    fn on_lost(&mut self, tsn: u64, feed: &mut Feed<'_>) {
        let Some(sent) = self.get(tsn) else {
            return;
        };
        if !feed
            .queue
            .may_resend(sent.message, sent.transmissions, feed.now)
        {
            self.abandon(tsn, feed);
            return;
        }
        self.leave_flight(sent.len);
        if let Some(sent) = self.get_mut(tsn) {
            sent.state = ChunkState::Lost;
            // It may have arrived, and only the SACK was lost: what comes back
            // after the next timeout says nothing of the path.
            sent.timed = false;
        }
        self.lost_count += 1;
        match self.lost.back() {
            Some(&last) if last > tsn => {
                let at = self.lost.partition_point(|&other| other < tsn);
                self.lost.insert(at, tsn);
            }
            _ => self.lost.push_back(tsn),
        }
    }

    /// Gives up the message of a chunk: all chunks of it, and what was not sent.
    fn abandon(&mut self, tsn: u64, feed: &mut Feed<'_>) {
        let Some(message) = self.get(tsn).map(|sent| sent.message) else {
            return;
        };
        let same = |sent: Option<Sent>| sent.is_some_and(|sent| sent.message == message);
        let mut first = tsn;
        while same(self.get(first - 1)) {
            first -= 1;
        }
        let mut tsn = first;
        while let Some(sent) = self.get(tsn)
            && sent.message == message
        {
            match sent.state {
                ChunkState::InFlight => self.leave_flight(sent.len),
                ChunkState::Lost => self.lost_count -= 1,
                ChunkState::Acked | ChunkState::Abandoned => (),
            }
            if let Some(sent) = self.get_mut(tsn) {
                sent.state = ChunkState::Abandoned;
            }
            tsn += 1;
        }
        self.abandon_rest(message, feed);
    }

    /// Gives up a message that was sent in part, when its lifetime is over.
    pub(crate) fn abandon_last(&mut self, key: MessageKey, feed: &mut Feed<'_>) {
        if self.chunks.back().is_some_and(|sent| sent.message == key) {
            self.abandon(self.next() - 1, feed);
        } else {
            // All that was sent of it is acknowledged: only the end is missing.
            self.abandon_rest(key, feed);
        }
    }

    /// Gives up what was not sent of a message. A TSN stands for it, so that
    /// the peer can be told that the message ends there.
    fn abandon_rest(&mut self, message: MessageKey, feed: &mut Feed<'_>) {
        self.newly_abandoned = true;
        if feed.queue.abandon(message, feed.events) {
            self.chunks.push_back(Sent {
                sent_at: Instant::ZERO,
                message,
                offset: 0,
                len: 0,
                transmissions: 0,
                state: ChunkState::Abandoned,
                ending: true,
                timed: false,
            });
        }
    }

    /// Whether something was given up since this was last asked, and the peer
    /// can be told.
    pub(crate) fn take_newly_abandoned(&mut self) -> bool {
        core::mem::take(&mut self.newly_abandoned) && self.has_abandoned()
    }

    /// Nothing came back in time: all that is on its way is lost (rule E3).
    pub(crate) fn on_timeout(&mut self, feed: &mut Feed<'_>) {
        self.lost.clear();
        self.resent.clear();
        let mut tsn = self.base;
        while let Some(sent) = self.get(tsn) {
            match sent.state {
                ChunkState::InFlight => self.on_lost(tsn, feed),
                ChunkState::Lost => self.lost.push_back(tsn),
                ChunkState::Acked | ChunkState::Abandoned => (),
            }
            tsn += 1;
        }
        self.examined = self.examined.max(self.next());
    }

    /// The first chunk to send again: its TSN and length.
    pub(crate) fn first_lost(&mut self, feed: &mut Feed<'_>) -> Option<(u64, u16)> {
        while let Some(&tsn) = self.lost.front() {
            if let Some(sent) = self.get(tsn)
                && sent.state == ChunkState::Lost
            {
                if !feed.queue.has_limited() || feed.queue.may_resend(sent.message, 0, feed.now) {
                    return Some((tsn, sent.len));
                }
                self.abandon(tsn, feed);
            }
            self.lost.pop_front();
        }
        None
    }

    /// Sends the chunk again that [`first_lost`](Self::first_lost) found.
    pub(crate) fn resend(&mut self, now: Instant, tsn: u64) {
        self.lost.pop_front();
        let Some(sent) = self.get_mut(tsn) else {
            return;
        };
        sent.state = ChunkState::InFlight;
        sent.sent_at = now;
        sent.transmissions = sent.transmissions.saturating_add(1);
        sent.timed = false;
        let len = sent.len;
        self.lost_count -= 1;
        self.payload += usize::from(len);
        self.count += 1;
        self.resent.push_back((now, tsn));
    }

    /// The DATA chunk of a TSN.
    pub(crate) fn data<'q>(&self, tsn: u64, queue: &'q SendQueue) -> Option<Data<'q>> {
        let sent = self.get(tsn)?;
        let message = queue.get(sent.message)?;
        let start = sent.offset as usize;
        Some(Data {
            tsn: wire(tsn),
            stream: message.stream,
            ssn: message.ssn,
            ppid: message.ppid,
            unordered: !message.ordered,
            beginning: start == 0,
            ending: sent.ending,
            immediate: false,
            payload: message.data.get(start..start + usize::from(sent.len))?,
        })
    }

    /// Whether the peer has to hear that chunks are given up (RFC 3758 §3.5).
    pub(crate) fn has_abandoned(&self) -> bool {
        self.chunks
            .front()
            .is_some_and(|sent| sent.state == ChunkState::Abandoned)
    }

    /// The messages of the given-up chunks at the front, with their TSNs.
    pub(crate) fn abandoned(&self) -> impl Iterator<Item = (u64, MessageKey)> + '_ {
        self.chunks
            .iter()
            .zip(self.base..)
            .take_while(|(sent, _)| sent.state == ChunkState::Abandoned)
            .map(|(sent, tsn)| (tsn, sent.message))
    }
}

/// The wire's number of a TSN.
#[expect(
    clippy::cast_possible_truncation,
    reason = "the wire has the low 32 bits"
)]
pub(crate) const fn wire(tsn: u64) -> Tsn {
    Serial32(tsn as u32)
}

/// RFC 9260 §7.2.4: a chunk that three SACKs report missing is lost.
const MISSES: usize = 3;

#[cfg(test)]
mod tests;
