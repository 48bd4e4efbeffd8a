//! Which packets are sent again (RFC 4585 §6.2.1, RFC 4588)?

use alloc::collections::VecDeque;
use core::time::Duration;

use super::history::{History, State};
use super::{Dropped, RepairLimits};
use crate::rng::Rng;
use crate::seq::Serial16;
use crate::time::Instant;
use crate::wire::rtp::{PayloadType, SequenceNumber};

/// The packets that wait to be sent again, and how many more may.
pub(super) struct Repair {
    limits: RepairLimits,
    /// The number of the next packet in the stream of repeated packets.
    next: SequenceNumber,
    /// Hundredths of bytes that may be repeated.
    budget: u64,
    queue: VecDeque<u64>,
}

/// How patient is a request answered?
#[derive(Clone, Copy)]
pub(super) struct Patience {
    /// A packet is sent again once in this time.
    pub(super) interval: Duration,
    /// And only if it is younger than this.
    pub(super) age: Duration,
    /// And only if it has this type, which RFC 4588 repeats.
    pub(super) wraps: Option<PayloadType>,
    /// Or, if this is set, whatever its type is.
    pub(super) repeats: bool,
}

impl Repair {
    pub(super) fn new(limits: RepairLimits, rng: &mut Rng) -> Self {
        Self {
            limits,
            next: Serial16((rng.u32() & 0x7fff) as u16),
            budget: limits.burst as u64 * 100,
            queue: VecDeque::new(),
        }
    }

    /// A packet was sent for the first time: so much more may be repeated.
    pub(super) fn on_sent(&mut self, len: usize) {
        let most = self.limits.burst as u64 * 100;
        let more = len as u64 * u64::from(self.limits.percent);
        self.budget = self.budget.saturating_add(more).min(most);
    }

    /// A packet is asked for.
    pub(super) fn want(
        &mut self,
        now: Instant,
        number: SequenceNumber,
        history: &mut History,
        patience: Patience,
        dropped: &mut Dropped,
    ) {
        let found = history.resolve(number);
        let found = found.and_then(|number| Some((number, history.get_mut(number)?)));
        let Some((number, record)) = found.filter(|(_, record)| {
            record.state != State::Unsent && now.since(record.written) <= patience.age
        }) else {
            dropped.unknown += 1;
            return;
        };
        let is_recent = record.is_repeated_within(now, patience.interval);
        if record.state == State::Wanted || is_recent {
            dropped.too_soon += 1;
            return;
        }
        if !patience.repeats && patience.wraps != Some(record.payload_type) {
            dropped.unrepairable += 1;
            return;
        }
        let Some(budget) = self.budget.checked_sub(record.payload.len() as u64 * 100) else {
            dropped.over_budget += 1;
            return;
        };
        self.budget = budget;
        record.state = State::Wanted;
        // Each packet is in it once: it is as bounded as the history.
        self.queue.push_back(number);
    }

    /// The next packet that is to be sent again, if it is still kept.
    pub(super) fn next(&mut self) -> Option<u64> {
        self.queue.pop_front()
    }

    /// Whether none waits.
    pub(super) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// Whether one waits that is still kept.
    pub(super) fn is_pending(&self, history: &History) -> bool {
        self.queue
            .iter()
            .any(|&number| history.get(number).is_some())
    }

    /// The number of the next packet in the stream of repeated packets.
    pub(super) const fn number(&mut self) -> SequenceNumber {
        let number = self.next;
        self.next = number.add(1);
        number
    }

    /// Forgets what is wanted.
    pub(super) fn clear(&mut self) {
        self.queue.clear();
    }
}
