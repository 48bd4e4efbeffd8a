//! Does the peer still want to hear from us (RFC 7675)?

use core::time::Duration;

use arrayvec::ArrayVec;

use super::ConsentConfig;
use crate::rng::Rng;
use crate::time::Instant;
use crate::wire::stun::TransactionId;

/// The leave to send on a pair. It exists from the first answer until it expires.
#[derive(Clone, Debug)]
pub(super) struct Consent {
    config: ConsentConfig,
    /// When the last authentic answer came.
    answered: Instant,
    /// When the last authentic request came.
    asked: Instant,
    /// Whether the peer was silent for so long that one may worry.
    quiet: bool,
    next: Next,
    /// Checks whose answer would count.
    sent: ArrayVec<(TransactionId, Instant), MAX_SENT>,
}

/// When is the next consent check?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    /// Nothing is sent on this pair, so nobody is asked.
    Never,
    At(Instant),
    Now,
    /// The peer asks, which is all that a lite agent has.
    Peer,
}

impl Consent {
    pub(super) const fn new(config: ConsentConfig, now: Instant) -> Self {
        Self {
            config,
            answered: now,
            asked: now,
            quiet: false,
            next: Next::Never,
            sent: ArrayVec::new_const(),
        }
    }

    /// The pair is in use: ask from time to time.
    pub(super) fn keep_fresh(&mut self, now: Instant, rng: &mut Rng) {
        if self.next == Next::Never {
            let next = self.answered + self.interval(rng);
            self.next = if next > now {
                Next::At(next)
            } else {
                Next::Now
            };
            self.quiet = self.quiet_from() <= now;
        }
    }

    /// The pair is in use, and we are lite: we do not ask, but listen.
    pub(super) fn listen(&mut self) {
        self.next = Next::Peer;
    }

    /// The pair is not in use any more.
    pub(super) fn let_age(&mut self) {
        self.next = Next::Never;
    }

    /// A check went out. It is sent once only (RFC 7675 §5.1).
    pub(super) fn on_sent(&mut self, now: Instant, id: TransactionId, rng: &mut Rng) {
        if self.sent.is_full() {
            self.sent.remove(0);
        }
        self.sent.push((id, now));
        self.next = Next::At(now + self.interval(rng));
    }

    /// Whether an answer with this id is waited for.
    pub(super) fn is_awaiting(&self, id: TransactionId) -> bool {
        self.sent.iter().any(|(sent, _)| *sent == id)
    }

    /// The peer answered the check `id`: how long that took.
    pub(super) fn on_answer(&mut self, now: Instant, id: TransactionId) -> Option<Duration> {
        let index = self.sent.iter().position(|(sent, _)| *sent == id)?;
        let (_, sent) = self.sent.drain(..=index).next_back()?;
        self.refresh(now);
        Some(now.since(sent))
    }

    /// The peer answered some check on this pair.
    pub(super) fn refresh(&mut self, now: Instant) {
        self.answered = now;
        self.quiet = false;
    }

    /// The peer sent an authentic request. It is alive, but that is no consent.
    pub(super) fn on_request(&mut self, now: Instant) {
        self.asked = now;
        self.quiet = self.quiet_from() <= now;
    }

    /// Time passed: `false` once the consent has expired.
    #[must_use]
    pub(super) fn on_timeout(&mut self, now: Instant) -> bool {
        if matches!(self.next, Next::At(next) if next <= now) {
            self.next = Next::Now;
        }
        self.quiet = self.quiet_from() <= now;
        self.expires() > now
    }

    pub(super) fn is_due(&self) -> bool {
        self.next == Next::Now
    }

    pub(super) fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// When the next of its timers runs out.
    pub(super) fn deadline(&self) -> Instant {
        let mut deadline = self.expires();
        if let Next::At(next) = self.next {
            deadline = deadline.min(next);
        }
        if self.next != Next::Never && !self.quiet {
            deadline = deadline.min(self.quiet_from());
        }
        deadline
    }

    fn expires(&self) -> Instant {
        self.answered + self.config.expires_after
    }

    /// A peer that asks but does not answer gets the benefit of the doubt once.
    fn quiet_from(&self) -> Instant {
        let grace = self
            .asked
            .min(self.answered + self.config.disconnected_after);
        self.answered.max(grace) + self.config.disconnected_after
    }

    /// RFC 7675 §5.1: 0.8 to 1.2 times the period, so that many agents do not
    /// fall into step.
    fn interval(&self, rng: &mut Rng) -> Duration {
        let period = u64::try_from(self.config.interval.as_nanos()).unwrap_or(u64::MAX);
        let spread = rng.below(period / 5 * 2);
        Duration::from_nanos((period / 5 * 4).saturating_add(spread))
    }
}

/// At least 4 s apart: an answer that takes longer than 12 s is as good as none.
const MAX_SENT: usize = 4;
