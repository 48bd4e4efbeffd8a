//! Does a queue grow in the network (draft-ietf-rmcat-gcc-02 §5.3, §5.4)?

use super::groups::Variation;

/// Tells a queue that grows from packets that come unevenly.
#[derive(Clone, Debug)]
pub(super) struct Detector {
    filter: Filter,
    /// How many groups there were, as far as it matters.
    groups: i64,
    /// Beyond this a queue grows; in microseconds.
    threshold: i64,
    /// What the last group said, in microseconds.
    trend: i64,
    /// For how long the threshold was exceeded, and by how many groups in a row.
    over_for: i64,
    over_groups: u8,
    usage: Usage,
}

/// How is the network used?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Usage {
    /// A queue shrinks.
    Under,
    Normal,
    /// A queue grows.
    Over,
}

impl Detector {
    pub(super) const fn new() -> Self {
        Self {
            filter: Filter::new(),
            groups: 0,
            threshold: 12_500,
            trend: 0,
            over_for: 0,
            over_groups: 0,
            usage: Usage::Normal,
        }
    }

    pub(super) const fn usage(&self) -> Usage {
        self.usage
    }

    /// What could be done was done.
    pub(super) const fn answered(&mut self) {
        self.usage = Usage::Normal;
        self.over_for = 0;
        self.over_groups = 0;
    }

    /// A group of packets came.
    pub(super) fn on_group(&mut self, variation: &Variation) {
        let mean = self.filter.update(variation);
        self.groups = (self.groups + 1).min(MAX_GROUPS);
        // One group says little: it is what so many of them add up to.
        let trend = mean / 1000 * self.groups;
        let before = core::mem::replace(&mut self.trend, trend);
        let passed = variation.sent.clamp(0, MAX_PASSED);
        if trend > self.threshold {
            self.over_for += passed;
            self.over_groups = self.over_groups.saturating_add(1);
            // §5.4: not a single group, and not if it gets better already.
            if self.over_for > OVER_TIME && self.over_groups > 1 && trend >= before {
                self.usage = Usage::Over;
            }
        } else {
            self.over_for = 0;
            self.over_groups = 0;
            self.usage = if trend < -self.threshold {
                Usage::Under
            } else {
                Usage::Normal
            };
        }
        self.adapt(trend.abs(), passed);
    }

    /// §5.4: with a threshold that does not move, others would drive us out.
    fn adapt(&mut self, trend: i64, passed: i64) {
        let beyond = trend - self.threshold;
        if beyond > MAX_BEYOND {
            return;
        }
        // K_u is 0.01 and K_d is 0.00018 in a millisecond.
        let step = if beyond > 0 {
            beyond * passed / 100_000
        } else {
            beyond * passed / 5_555_556
        };
        self.threshold = (self.threshold + step).clamp(6_000, 600_000);
    }
}

/// A Kalman filter that finds the mean of how much more each group is delayed
/// than the one before (§5.3).
#[derive(Clone, Debug)]
struct Filter {
    /// The mean, in nanoseconds.
    mean: i64,
    /// How wrong it may be: a variance, in square microseconds.
    error: i64,
    /// How uneven packets come without any queue: a variance, too.
    noise: i64,
    /// How long after the one before each of the last groups was sent.
    intervals: [i64; 16],
    next: usize,
}

impl Filter {
    const fn new() -> Self {
        Self {
            mean: 0,
            error: 100_000,
            noise: MIN_NOISE,
            intervals: [MAX_PASSED; 16],
            next: 0,
        }
    }

    fn update(&mut self, variation: &Variation) -> i64 {
        self.intervals[self.next] = variation.sent.clamp(1, MAX_PASSED);
        self.next = (self.next + 1) % self.intervals.len();
        let delay = variation.delay.clamp(-MAX_DELAY, MAX_DELAY);
        let off = delay * 1000 - self.mean;
        self.add_noise(off / 1000);
        let error = self.error + STATE_NOISE;
        let all = self.noise + error;
        self.mean += off / 1000 * error / all * 1000 + off / 1000 * error % all * 1000 / all;
        self.error = self.noise * error / all;
        self.mean
    }

    /// The noise of each group counts the more the fewer groups come: the last
    /// one, if thirty came a second, one hundredth.
    fn add_noise(&mut self, off: i64) {
        let shortest = self.intervals.iter().copied().min().unwrap_or(1);
        // What is far out is hardly noise.
        let most = self.noise.isqrt() * 3;
        let off = off.clamp(-most, most);
        let change = (off * off - self.noise) * (shortest * 3) / 10_000_000;
        self.noise = (self.noise + change).max(MIN_NOISE);
    }
}

/// How many groups make a trend.
const MAX_GROUPS: i64 = 60;
/// For how long, in microseconds, it has to be too much.
const OVER_TIME: i64 = 10_000;
/// A trend that is further beyond the threshold does not move it.
const MAX_BEYOND: i64 = 15_000;
/// The time between two groups that counts at most, in microseconds.
const MAX_PASSED: i64 = 100_000;
/// A delay beyond this one is an outage, and counts as no more, in microseconds.
const MAX_DELAY: i64 = 300_000;
/// q, in square microseconds.
const STATE_NOISE: i64 = 1_000;
/// The least noise: a square millisecond.
const MIN_NOISE: i64 = 1_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    /// So many groups, each so many microseconds more late than the last.
    fn play(detector: &mut Detector, groups: usize, delay: impl Fn(usize) -> i64) -> Option<usize> {
        (0..groups).find(|&turn| {
            detector.on_group(&Variation {
                delay: delay(turn),
                sent: 20_000,
            });
            detector.usage() == Usage::Over
        })
    }

    #[test]
    fn a_queue_that_grows_is_found_soon() {
        let mut detector = Detector::new();
        assert_eq!(play(&mut detector, 200, |_| 0), None);
        // Each 20 ms the queue grows by a quarter of a millisecond, or by five.
        let slowly = play(&mut detector.clone(), 1000, |_| 1000).expect("found");
        let fast = play(&mut detector, 1000, |_| 5000).expect("found");
        assert!(
            fast <= 5 && (fast..100).contains(&slowly),
            "{fast} {slowly}"
        );
    }

    #[test]
    fn packets_that_come_unevenly_are_no_queue() {
        let mut detector = Detector::new();
        let uneven = |turn: usize| [8_000, -3_000, -7_000, 4_000, -2_000][turn % 5];
        assert_eq!(play(&mut detector, 2000, uneven), None);
        // An outage of a quarter of a second neither.
        detector.on_group(&Variation {
            delay: 250_000,
            sent: 20_000,
        });
        detector.on_group(&Variation {
            delay: -250_000,
            sent: 20_000,
        });
        assert_eq!(play(&mut detector, 2000, uneven), None);
    }

    #[test]
    fn a_queue_that_shrinks_is_found() {
        let mut detector = Detector::new();
        play(&mut detector, 100, |_| 0);
        play(&mut detector, 30, |_| -5000);
        assert_eq!(detector.usage(), Usage::Under);
        play(&mut detector, 200, |_| 0);
        assert_eq!(detector.usage(), Usage::Normal);
    }
}
