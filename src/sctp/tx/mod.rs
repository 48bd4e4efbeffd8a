//! What is to be sent, what is on its way, and how fast may it go?

pub(crate) mod congestion;
mod gaps;
pub(crate) mod in_flight;
pub(crate) mod rto;
pub(crate) mod scheduler;
pub(crate) mod send_queue;

use alloc::collections::BTreeMap;
use core::time::Duration;

use crate::cursor::Writer;
use crate::sctp::config::SctpConfig;
use crate::sctp::event::Events;
use crate::seq::Serial16;
use crate::time::Instant;
use crate::wire::list::{List, Record, Records};
use crate::wire::sctp::chunk::{Data, ForwardTsn, GapAckBlock, Sack, SkippedStream};
use crate::wire::sctp::{Ssn, StreamId, Tsn};

use congestion::Congestion;
use in_flight::{Hints, InFlight, Outcome};
use rto::Rto;
use send_queue::{Next, SendQueue};

/// What is on its way, and what may follow?
#[derive(Debug)]
pub(crate) struct Sender {
    pub(crate) in_flight: InFlight,
    pub(crate) congestion: Congestion,
    pub(crate) rto: Rto,
    /// How much more the peer can hold.
    window: usize,
    /// How many bytes may be sent at once, until something comes back.
    burst: usize,
    /// How many bytes may be sent at once when nothing is on its way.
    first_burst: usize,
    /// One packet may be sent again whatever congestion control says.
    fast: bool,
    /// The peer has no room: one chunk at a time asks whether it has now.
    probing: bool,
    /// Whether a SACK came since the last timeout.
    answered: bool,
    /// The peer has to hear what is given up.
    forward_due: bool,
    /// When it heard last.
    forwarded_at: Instant,
}

/// Where does what is sent come from?
pub(crate) struct Feed<'a> {
    pub(crate) now: Instant,
    pub(crate) queue: &'a mut SendQueue,
    pub(crate) events: &'a mut Events,
}

/// What was written into a packet?
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Written {
    /// DATA chunks.
    pub(crate) chunks: u64,
    /// Those of them that were sent before.
    pub(crate) resent: u64,
    /// Whether the first outstanding one was among these.
    pub(crate) earliest: bool,
}

/// What does a SACK mean for the association?
#[derive(Clone, Copy, Debug)]
pub(crate) struct Progress {
    /// Whether the peer got something new.
    pub(crate) made: bool,
    /// Whether the cumulative TSN moved.
    pub(crate) advanced: bool,
    /// Whether a new loss was found.
    pub(crate) lost: bool,
}

impl From<Outcome> for Progress {
    fn from(outcome: Outcome) -> Self {
        Self {
            made: outcome.acked > 0,
            advanced: outcome.advanced,
            lost: outcome.lost,
        }
    }
}

impl Sender {
    /// Sends from TSN `initial` on to a peer that can hold `window` bytes.
    pub(crate) fn new(initial: Tsn, window: usize, config: &SctpConfig) -> Self {
        Self {
            in_flight: InFlight::new(initial),
            congestion: Congestion::new(config.mtu, config.initial_window),
            rto: Rto::new(&config.timers),
            window,
            burst: 0,
            first_burst: config.mtu * config.initial_window,
            fast: false,
            probing: false,
            answered: false,
            forward_due: false,
            forwarded_at: Instant::ZERO,
        }
    }

    /// How much more the peer can hold.
    pub(crate) const fn window(&self) -> usize {
        self.window
    }

    /// The peer can hold this much, whatever was said before.
    pub(crate) const fn set_window(&mut self, window: usize) {
        self.window = window;
    }

    /// Whether everything that was sent has arrived or is given up.
    pub(crate) fn is_drained(&self) -> bool {
        self.in_flight.is_empty()
    }

    /// Whether the retransmission timer has to run: something is on its way,
    /// or the peer has heard what is given up and did not say so.
    pub(crate) fn needs_timer(&self) -> bool {
        self.in_flight.is_outstanding() || self.in_flight.has_abandoned() && !self.forward_due
    }

    /// Takes in a SACK; nothing if it is not one for what was sent.
    pub(crate) fn on_sack(&mut self, sack: &Sack<'_>, feed: &mut Feed<'_>) -> Option<Progress> {
        let outcome = self.acknowledge(sack.cumulative_tsn, Some(sack.gaps.iter()), feed)?;
        let a_rwnd = usize::try_from(sack.a_rwnd).unwrap_or(usize::MAX);
        let was_probing = core::mem::replace(&mut self.probing, a_rwnd < self.congestion.mtu());
        if was_probing && !self.probing && outcome.acked == 0 {
            // The peer had no room for what is on its way, and has room now.
            self.requeue(feed);
        }
        self.window = a_rwnd.saturating_sub(self.in_flight.payload());
        Some(outcome.into())
    }

    /// Takes in the cumulative TSN of a SHUTDOWN, which says nothing of gaps.
    pub(crate) fn on_cumulative(&mut self, tsn: Tsn, feed: &mut Feed<'_>) -> Option<Progress> {
        self.acknowledge(tsn, None, feed).map(Progress::from)
    }

    fn acknowledge(
        &mut self,
        cumulative: Tsn,
        gaps: Option<Records<'_, GapAckBlock>>,
        feed: &mut Feed<'_>,
    ) -> Option<Outcome> {
        let flight = self.in_flight.size();
        let hints = Hints {
            shortest_rtt: self.rto.shortest().unwrap_or(Duration::ZERO),
            in_recovery: self.congestion.in_recovery(),
        };
        let outcome = self.in_flight.on_sack(cumulative, gaps, hints, feed)?;
        if let Some(sent_at) = outcome.sent_at {
            self.rto.on_sample(feed.now.since(sent_at));
        }
        self.answered = true;
        if outcome.acked > 0 || outcome.advanced {
            self.rto.on_answer();
        }
        self.control(&outcome, flight);
        self.forward_due |= self.in_flight.take_newly_abandoned();
        if self.in_flight.has_abandoned() {
            // RFC 3758 §3.5 C3, but not more than once per round trip.
            let pause = self.rto.smoothed().unwrap_or(Duration::ZERO);
            self.forward_due |= outcome.advanced || feed.now >= self.forwarded_at + pause;
        }
        Some(outcome)
    }

    fn control(&mut self, outcome: &Outcome, flight: usize) {
        let next = self.in_flight.next();
        let cumulative = next - self.in_flight.len() - 1;
        self.congestion
            .on_acked(outcome.acked, flight, cumulative, outcome.advanced);
        if outcome.lost && self.congestion.on_loss(next - 1) {
            // RFC 9260 §7.2.4 rule 3: the first packet does not wait for the window.
            self.fast = true;
        }
        // As much as arrived may follow, and a little more (Max.Burst, §6.1 rule D).
        self.burst = outcome.acked + MAX_BURST * self.congestion.mtu();
    }

    /// Nothing came back in time (RFC 9260 §6.3.3): `true` if this counts
    /// against the peer.
    pub(crate) fn on_timeout(&mut self, feed: &mut Feed<'_>) -> bool {
        // §6.1 rule A: asking a peer without room for room is not a loss, as
        // long as it says something.
        let counts = !(self.probing && self.answered);
        self.answered = false;
        if counts && (self.in_flight.is_outstanding() || self.in_flight.has_lost()) {
            self.congestion.on_timeout();
        }
        self.requeue(feed);
        self.rto.back_off();
        self.fast = false;
        counts
    }

    /// All that is on its way is taken for lost, and goes out again.
    pub(crate) fn requeue(&mut self, feed: &mut Feed<'_>) {
        let before = self.in_flight.payload();
        self.in_flight.on_timeout(feed);
        // RFC 9260 §6.2.1: what is lost does not fill the peer's window.
        self.window += before.saturating_sub(self.in_flight.payload());
        self.forward_due = self.in_flight.has_abandoned();
    }

    /// Whether the peer has to hear what is given up.
    pub(crate) const fn is_forward_due(&self) -> bool {
        self.forward_due
    }

    /// Whether a DATA chunk could go now.
    pub(crate) fn has_work(&self, queue: &SendQueue) -> bool {
        if self.in_flight.has_lost() {
            return self.fast || self.fits(1);
        }
        !queue.is_empty() && self.may_send_new(1)
    }

    /// Whether congestion control lets a chunk of `len` bytes go. One packet
    /// always may be on its way (§7.2.1).
    const fn fits(&self, len: usize) -> bool {
        !self.in_flight.is_outstanding()
            || self.in_flight.size() + Data::HEADER + len <= self.congestion.window()
    }

    /// Whether a new chunk of `len` bytes may go. A peer without room gets one
    /// at a time (§6.1 rule A).
    const fn may_send_new(&self, len: usize) -> bool {
        if !self.in_flight.is_outstanding() {
            return true;
        }
        self.fits(len) && len <= self.window && len + Data::HEADER <= self.burst
    }

    /// Writes as many DATA chunks as may go and fit. `hurry` asks for a SACK
    /// at once, because nothing will follow.
    pub(crate) fn emit_data(
        &mut self,
        feed: &mut Feed<'_>,
        hurry: bool,
        w: &mut Writer<'_>,
    ) -> Written {
        let mut written = Written::default();
        if !self.in_flight.is_outstanding() {
            // Nothing can come back that would let more go.
            self.burst = self.burst.max(self.first_burst);
        }
        self.emit_lost(feed, w, &mut written);
        if !self.in_flight.has_lost() {
            self.emit_new(feed, hurry, w, &mut written);
        }
        if written.chunks > 0 {
            self.fast = false;
        }
        self.forward_due |= self.in_flight.take_newly_abandoned();
        written
    }

    fn emit_lost(&mut self, feed: &mut Feed<'_>, w: &mut Writer<'_>, written: &mut Written) {
        while self.in_flight.has_lost()
            && let Some((tsn, len)) = self.in_flight.first_lost(feed)
        {
            let len = usize::from(len);
            // A chunk is padded to a multiple of four.
            let room = Data::HEADER + len.next_multiple_of(4);
            if !(self.fast || self.fits(len)) || room > w.remaining() {
                return;
            }
            let immediate = self.wants_answer();
            let earliest = self.in_flight.is_first(tsn);
            self.in_flight.resend(feed.now, tsn);
            if let Some(data) = self.in_flight.data(tsn, feed.queue) {
                Data { immediate, ..data }.emit(w);
            }
            // RFC 9260 §6.2.1: nor does what is sent again come for free.
            self.window = self.window.saturating_sub(len);
            written.chunks += 1;
            written.resent += 1;
            written.earliest |= earliest;
        }
    }

    fn emit_new(
        &mut self,
        feed: &mut Feed<'_>,
        hurry: bool,
        w: &mut Writer<'_>,
        written: &mut Written,
    ) {
        while let Some(left) = feed.queue.next_len() {
            // A chunk is padded to a multiple of four.
            let room = w.remaining().saturating_sub(Data::HEADER) / 4 * 4;
            let len = left.min(room);
            if len == 0 || len < left && len < SMALLEST_PIECE && written.chunks > 0 {
                return;
            }
            if !self.may_send_new(len) {
                return;
            }
            let piece = match feed.queue.next(feed.now, room, feed.events) {
                Some(Next::Piece(piece)) => piece,
                Some(Next::Expired(key)) => {
                    self.in_flight.abandon_last(key, feed);
                    continue;
                }
                None => return,
            };
            let immediate = self.wants_answer() || hurry && feed.queue.is_empty();
            let len = usize::from(piece.len);
            let tsn = self.in_flight.push(feed.now, piece);
            if let Some(data) = self.in_flight.data(self.in_flight.next() - 1, feed.queue) {
                debug_assert_eq!(data.tsn, tsn);
                Data { immediate, ..data }.emit(w);
            }
            self.window = self.window.saturating_sub(len);
            self.burst = self.burst.saturating_sub(len + Data::HEADER);
            written.chunks += 1;
        }
    }

    /// Whether so little may be on its way that a delayed SACK would stop
    /// everything (RFC 7053 §4).
    const fn wants_answer(&self) -> bool {
        self.probing || self.congestion.window() < 2 * self.congestion.mtu()
    }

    /// Writes what is given up (RFC 3758 §3.5). What does not fit is said later.
    pub(crate) fn emit_forward_tsn(&mut self, now: Instant, queue: &SendQueue, w: &mut Writer<'_>) {
        let room = w.remaining().saturating_sub(ForwardTsn::HEADER) / SkippedStream::LEN;
        let mut streams: BTreeMap<StreamId, Ssn> = BTreeMap::new();
        let mut last = None;
        for (tsn, key) in self.in_flight.abandoned() {
            if let Some(message) = queue.get(key).filter(|message| message.ordered) {
                if streams.len() >= room && !streams.contains_key(&message.stream) {
                    break;
                }
                streams.insert(message.stream, Serial16(message.ssn.0));
            }
            last = Some(tsn);
        }
        self.forward_due = false;
        let Some(last) = last else {
            return;
        };
        let streams = List::encode(
            streams
                .into_iter()
                .map(|(stream, ssn)| SkippedStream { stream, ssn }),
        );
        ForwardTsn {
            new_cumulative_tsn: in_flight::wire(last),
            streams: List::new(&streams),
        }
        .emit(w);
        self.forwarded_at = now;
    }
}

/// RFC 9260 §16: Max.Burst.
const MAX_BURST: usize = 4;

/// A message is not begun, or gone on with, at the end of a packet for less.
const SMALLEST_PIECE: usize = 64;
