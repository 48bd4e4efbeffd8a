//! Times that are compared: all subjects take turns, and the least of each counts.

use core::time::Duration;

use pollrtc::time::Clock;

/// Something to be timed, a batch at a time.
pub(crate) trait Subject {
    /// Makes the next batch ready; this is not timed.
    fn prepare(&mut self) {}
    /// Works on one batch.
    fn run(&mut self);
}

impl<F: FnMut()> Subject for F {
    fn run(&mut self) {
        self();
    }
}

/// Lets each subject run `rounds` batches of `batch` in turn, and tells the least
/// time of each in nanoseconds for one of the batch.
pub(crate) fn least<const N: usize>(
    rounds: usize,
    batch: usize,
    mut subjects: [&mut dyn Subject; N],
) -> [f64; N] {
    let clock = Clock::start();
    let mut least = [Duration::MAX; N];
    for _ in 0..rounds {
        for (subject, least) in subjects.iter_mut().zip(&mut least) {
            subject.prepare();
            let start = clock.now();
            subject.run();
            *least = (clock.now() - start).min(*least);
        }
    }
    least.map(|time| time.as_secs_f64() * 1e9 / batch as f64)
}
