//! What was measured in the last seconds.

use core::time::Duration;

use crate::time::Instant;

/// Remembers the extremes of a measurement for four seconds, and forgets them in
/// steps of half a second.
#[derive(Clone, Copy, Debug)]
pub(super) struct Recent<T> {
    steps: [Option<T>; STEPS],
    /// Which step is filled, and since when.
    current: usize,
    began: Instant,
}

impl<T: Copy> Recent<T> {
    pub(super) const fn new() -> Self {
        Self {
            steps: [None; STEPS],
            current: 0,
            began: Instant::ZERO,
        }
    }

    /// Notes a measurement; `merge` makes one of two.
    pub(super) fn note(&mut self, now: Instant, value: T, merge: impl Fn(T, T) -> T) {
        self.turn(now);
        let step = &mut self.steps[self.current];
        *step = Some(step.map_or(value, |known| merge(known, value)));
    }

    /// All that is remembered, made one.
    pub(super) fn merged(&self, merge: impl Fn(T, T) -> T) -> Option<T> {
        self.steps.iter().copied().flatten().reduce(merge)
    }

    /// Takes another step if this one is over; after a long silence all are empty.
    fn turn(&mut self, now: Instant) {
        for _ in 0..STEPS {
            if now.since(self.began) < STEP {
                return;
            }
            self.current = (self.current + 1) % STEPS;
            self.steps[self.current] = None;
            self.began += STEP;
        }
        self.began = now;
    }
}

const STEPS: usize = 8;
const STEP: Duration = Duration::from_millis(500);
