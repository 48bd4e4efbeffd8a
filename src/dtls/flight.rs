//! What did we say last, and has it to be said again (RFC 6347 §4.2.4)?

use alloc::vec::Vec;
use core::time::Duration;

use super::record::{Epoch, Epochs};
use crate::cursor::Writer;
use crate::time::Instant;
use crate::wire::dtls::handshake::HANDSHAKE_HEADER_LEN;
use crate::wire::dtls::{CHANGE_CIPHER_SPEC, ContentType, Fragment, HandshakeType};

/// The messages that we sent last, kept until the peer's answer shows that
/// it has them.
///
/// ```text
///            begin, push          emit to the end
/// Settled ────────────► Sending ────────────────► Waiting
///    ▲                     ▲     timeout, or the     │
///    │                     └──── peer sends again ───┤
///    └────────────────── the answer is whole ────────┘
/// ```
pub(super) struct Flight {
    items: Vec<Item>,
    state: State,
    /// The number of our next message.
    next_sequence: u16,
    /// How long to wait for an answer.
    timeout: Duration,
    /// Until when a repetition of the peer's is not answered with one of ours.
    quiet_until: Instant,
    initial: Duration,
    max: Duration,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// Nothing to send, nothing to wait for.
    Settled,
    /// The next byte to send is in this item, at this place of its body.
    Sending { item: usize, offset: usize },
    /// All is sent.
    Waiting,
}

/// A message or signal of a flight.
enum Item {
    ChangeCipherSpec,
    Message {
        epoch: Epoch,
        kind: HandshakeType,
        sequence: u16,
        body: Vec<u8>,
    },
}

impl Flight {
    pub(super) fn new(initial: Duration, max: Duration) -> Self {
        let initial = initial.max(MIN_TIMEOUT);
        Self {
            items: Vec::new(),
            state: State::Settled,
            next_sequence: 0,
            timeout: initial,
            quiet_until: Instant::ZERO,
            initial,
            max: max.max(initial),
        }
    }

    /// Starts a new flight: what was sent before has been answered.
    pub(super) fn begin(&mut self) {
        self.items.clear();
        self.timeout = self.initial;
        self.state = State::Sending { item: 0, offset: 0 };
    }

    /// The number of the next message.
    pub(super) const fn next_sequence(&self) -> u16 {
        self.next_sequence
    }

    /// Adds a message.
    pub(super) fn push(&mut self, epoch: Epoch, kind: HandshakeType, body: Vec<u8>) {
        let sequence = self.next_sequence;
        self.next_sequence = sequence.saturating_add(1);
        self.items.push(Item::Message {
            epoch,
            kind,
            sequence,
            body,
        });
    }

    /// Adds the signal that the messages after it are under new keys.
    pub(super) fn push_change_cipher_spec(&mut self) {
        self.items.push(Item::ChangeCipherSpec);
    }

    /// The peer's answer is whole: nothing has to be sent again.
    pub(super) fn settle(&mut self) {
        self.state = State::Settled;
    }

    /// Forgets what was sent: the peer has shown that it has all of it.
    pub(super) fn clear(&mut self) {
        self.items = Vec::new();
        self.state = State::Settled;
    }

    /// Whether there is something to send now.
    pub(super) const fn is_ready(&self) -> bool {
        matches!(self.state, State::Sending { .. })
    }

    /// Whether all is sent, and answers or repetitions may come.
    pub(super) fn is_waiting(&self) -> bool {
        self.state == State::Waiting
    }

    /// Writes as much as fits into one datagram; `false` if nothing does.
    pub(super) fn emit(&mut self, now: Instant, epochs: &mut Epochs, out: &mut Writer<'_>) -> bool {
        let before = out.len();
        while let State::Sending { item, offset } = self.state {
            let Some(next) = self.items.get(item) else {
                self.state = State::Waiting;
                self.quiet_until = now + self.initial / 2;
                break;
            };
            let Some(end) = next.emit(offset, epochs, out) else {
                break;
            };
            self.state = if end == next.body_len() {
                State::Sending {
                    item: item + 1,
                    offset: 0,
                }
            } else {
                State::Sending { item, offset: end }
            };
        }
        out.len() > before
    }

    /// How long to wait for the answer to what was just sent.
    pub(super) const fn timeout(&self) -> Duration {
        self.timeout
    }

    /// No answer came in time: sends all again and waits twice as long
    /// (RFC 6347 §4.2.4.1).
    pub(super) fn on_timeout(&mut self) {
        self.timeout = self.timeout.saturating_mul(2).min(self.max);
        self.restart();
    }

    /// The peer has sent its messages again, so it has not got ours: sends them
    /// again, but not once for each of its messages.
    pub(super) fn on_repetition(&mut self, now: Instant) -> bool {
        let answers = self.is_waiting() && now >= self.quiet_until && !self.items.is_empty();
        if answers {
            self.restart();
        }
        answers
    }

    const fn restart(&mut self) {
        self.state = State::Sending { item: 0, offset: 0 };
    }
}

impl Item {
    fn body_len(&self) -> usize {
        match self {
            Self::ChangeCipherSpec => 0,
            Self::Message { body, .. } => body.len(),
        }
    }

    /// Writes one record with the item's bytes from `offset` on, and says where
    /// it stopped; `None` if nothing fits.
    fn emit(&self, offset: usize, epochs: &mut Epochs, out: &mut Writer<'_>) -> Option<usize> {
        let Self::Message {
            epoch,
            kind,
            sequence,
            body,
        } = self
        else {
            let signal = |w: &mut Writer<'_>| {
                w.bytes(&CHANGE_CIPHER_SPEC);
                true
            };
            return epochs
                .write(Epoch::Plain, ContentType::ChangeCipherSpec, out, signal)
                .then_some(0);
        };
        let rest = body.get(offset..)?;
        let overhead = Epochs::overhead(*epoch) + HANDSHAKE_HEADER_LEN;
        let room = out.remaining().checked_sub(overhead)?;
        // A few bytes at the end of a datagram are not worth a fragment.
        if room < rest.len().min(MIN_FRAGMENT) {
            return None;
        }
        let bytes = rest.get(..room).unwrap_or(rest);
        let fragment = Fragment {
            kind: *kind,
            length: u32::try_from(body.len()).ok()?,
            sequence: *sequence,
            offset: u32::try_from(offset).ok()?,
            bytes,
        };
        let fill = |w: &mut Writer<'_>| {
            fragment.emit(w);
            true
        };
        epochs
            .write(*epoch, ContentType::Handshake, out, fill)
            .then_some(offset + bytes.len())
    }
}

/// The shortest part into which a message is split.
const MIN_FRAGMENT: usize = 32;

/// A wait that ends at once would never let time pass.
const MIN_TIMEOUT: Duration = Duration::from_millis(10);
