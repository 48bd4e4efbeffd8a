//! How fast may the sender be (draft-ietf-rmcat-gcc-02 §5.5)?

use core::ops::RangeInclusive;
use core::time::Duration;

use super::overuse::Usage;
use crate::time::Instant;

/// How many bits a second come, over the last second.
#[derive(Clone, Debug)]
pub(super) struct Incoming {
    /// The bytes of each of the last [`STEP`]s.
    steps: [u64; STEPS],
    current: usize,
    /// When the current step began.
    began: Instant,
    /// Since when is counted.
    since: Option<Instant>,
}

impl Incoming {
    pub(super) const fn new() -> Self {
        Self {
            steps: [0; STEPS],
            current: 0,
            began: Instant::ZERO,
            since: None,
        }
    }

    pub(super) fn on_packet(&mut self, now: Instant, bytes: usize) {
        if self.since.is_none() || now - self.began > STEP * STEPS_MORE {
            *self = Self::new();
            self.since = Some(now);
            self.began = now;
        }
        while now - self.began >= STEP {
            self.current = (self.current + 1) % STEPS;
            self.steps[self.current] = 0;
            self.began += STEP;
        }
        let step = &mut self.steps[self.current];
        *step = step.saturating_add(bytes as u64);
    }

    /// `None` until half a second can be looked back at.
    pub(super) fn bits_per_second(&self, now: Instant) -> Option<u64> {
        let counted = now - self.since?;
        let full = STEP * (STEPS_MORE - 1) + (now - self.began);
        let micros = u64::try_from(counted.min(full).as_micros()).unwrap_or(u64::MAX);
        let bytes = self
            .steps
            .iter()
            .fold(0, |sum: u64, step| sum.saturating_add(*step));
        let bits = bytes.saturating_mul(8_000_000).checked_div(micros)?;
        (counted >= ENOUGH).then_some(bits)
    }
}

/// Raises the rate until a queue grows, and lowers it then.
#[derive(Clone, Debug)]
pub(super) struct RateControl {
    /// What is thought, in bits a second.
    bits: u64,
    /// Whether anything is known.
    is_known: bool,
    state: State,
    updated: Option<Instant>,
    lowered: Option<Instant>,
    capacity: Capacity,
    round_trip: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Hold,
    Increase,
}

impl RateControl {
    pub(super) const fn new(initial: u64) -> Self {
        Self {
            bits: initial,
            is_known: false,
            state: State::Increase,
            updated: None,
            lowered: None,
            capacity: Capacity::new(),
            round_trip: Duration::from_millis(200),
        }
    }

    pub(super) const fn set_round_trip(&mut self, round_trip: Duration) {
        self.round_trip = round_trip;
    }

    pub(super) fn bits_per_second(&self) -> Option<u64> {
        self.is_known.then_some(self.bits)
    }

    /// Whether the rate was lowered.
    pub(super) fn update(
        &mut self,
        now: Instant,
        usage: Usage,
        incoming: u64,
        bounds: RangeInclusive<u64>,
    ) -> bool {
        self.is_known = true;
        let bounded = |bits: u64| bits.min(*bounds.end()).max(*bounds.start());
        if usage == Usage::Over {
            let since = self.lowered.map(|time| now - time);
            if since.is_some_and(|since| since < self.response()) {
                // What was told did not reach the sender yet.
                return false;
            }
            self.lower(incoming);
            self.bits = bounded(self.bits);
            (self.lowered, self.updated) = (Some(now), Some(now));
            return true;
        }
        let updated = *self.updated.get_or_insert(now);
        if now - updated < UPDATE {
            return false;
        }
        self.updated = Some(now);
        match usage {
            // What waits in the network is let go first.
            Usage::Under => self.state = State::Hold,
            _ if self.state == State::Hold => self.state = State::Increase,
            _ => self.raise(now - updated, incoming),
        }
        self.bits = bounded(self.bits);
        false
    }

    /// How long it takes until the answer to what is told can be seen.
    fn response(&self) -> Duration {
        self.round_trip + Duration::from_millis(100)
    }

    fn lower(&mut self, incoming: u64) {
        self.capacity.add(incoming / 1000);
        // Beta is 0.85.
        self.bits = self.bits.min(incoming.saturating_mul(85) / 100);
        self.state = State::Hold;
    }

    fn raise(&mut self, passed: Duration, incoming: u64) {
        self.capacity.forget_below(incoming / 1000);
        let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let passed = millis(passed).min(1000);
        let more = if self.capacity.is_near(incoming / 1000) {
            // Half a packet in the time of an answer, if thirty pictures a second are sent.
            let picture = self.bits / 30;
            let packets = picture.div_ceil(1200 * 8).max(1);
            let response = millis(self.response()).max(1);
            picture / packets * passed.min(response) / (2 * response)
        } else {
            // Eight percent a second, when it is done ten times.
            self.bits.saturating_mul(77) / 1000 * passed / 1000
        };
        let raised = self.bits.saturating_add(more.max(1000));
        // Of a sender that does not use what it may nothing can be learnt.
        let most = incoming.saturating_mul(3) / 2 + 10_000;
        self.bits = raised.min(most.max(self.bits));
    }
}

/// What came when queues grew: about what the network can carry. In kilobits a second.
#[derive(Clone, Debug)]
struct Capacity {
    mean: Option<u64>,
    /// How much that varies: a variance.
    variance: u64,
}

impl Capacity {
    const fn new() -> Self {
        Self {
            mean: None,
            variance: 0,
        }
    }

    fn add(&mut self, incoming: u64) {
        if self.mean.is_some_and(|mean| incoming + self.reach() < mean) {
            // It is not what it was.
            self.mean = None;
        }
        let Some(mean) = self.mean else {
            self.mean = Some(incoming);
            self.variance = 0;
            self.bound();
            return;
        };
        let off = incoming.abs_diff(mean);
        self.mean = Some((mean * 19 + incoming) / 20);
        self.variance = (self.variance * 19 + off.saturating_mul(off)) / 20;
        self.bound();
    }

    /// What comes is beyond what was thought: it is not what it was.
    fn forget_below(&mut self, incoming: u64) {
        if self.mean.is_some_and(|mean| incoming > mean + self.reach()) {
            self.mean = None;
        }
    }

    fn is_near(&self, incoming: u64) -> bool {
        let mean = self.mean;
        mean.is_some_and(|mean| incoming + self.reach() >= mean)
    }

    /// Three standard deviations.
    const fn reach(&self) -> u64 {
        self.variance.isqrt() * 3
    }

    /// A few measurements must not seem more certain, or less, than they are.
    fn bound(&mut self) {
        let mean = self.mean.unwrap_or(0);
        self.variance = self
            .variance
            .clamp(mean * 2 / 5, mean.saturating_mul(5) / 2);
    }
}

/// The second is counted in so many steps.
const STEPS: usize = 10;
const STEPS_MORE: u32 = 10;
const STEP: Duration = Duration::from_millis(100);
/// Less tells nothing.
const ENOUGH: Duration = Duration::from_millis(500);
/// How often the rate is raised.
const UPDATE: Duration = Duration::from_millis(100);
