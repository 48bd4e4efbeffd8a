//! How long to wait for an answer (RFC 9260 §6.3.1, RFC 6298)?

use core::time::Duration;

use crate::sctp::config::Timers;

/// How long is a round trip, and how long to wait before sending again?
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rto {
    smoothed: Option<Duration>,
    variation: Duration,
    shortest: Option<Duration>,
    /// RFC 6298's RTO, without patience.
    timeout: Duration,
    /// How often in a row an answer did not come.
    doublings: u32,
    min: Duration,
    max: Duration,
    most_patient: Duration,
}

impl Rto {
    /// Nothing was measured yet.
    pub(crate) fn new(timers: &Timers) -> Self {
        Self {
            smoothed: None,
            variation: Duration::ZERO,
            shortest: None,
            timeout: timers.rto_initial.clamp(timers.rto_min, timers.rto_max),
            doublings: 0,
            min: timers.rto_min,
            max: timers.rto_max,
            most_patient: timers.backoff_max,
        }
    }

    /// A round trip took this long. A sample beyond the longest timeout says
    /// nothing of the path.
    pub(crate) fn on_sample(&mut self, rtt: Duration) {
        if rtt > self.max {
            return;
        }
        self.shortest = Some(self.shortest.map_or(rtt, |shortest| shortest.min(rtt)));
        let smoothed = match self.smoothed {
            None => {
                self.variation = rtt / 2;
                rtt
            }
            Some(smoothed) => {
                // RTO.Beta is 1/4, RTO.Alpha is 1/8.
                self.variation = (self.variation * 3 + smoothed.abs_diff(rtt)) / 4;
                (smoothed * 7 + rtt) / 8
            }
        };
        self.smoothed = Some(smoothed);
        self.timeout = (smoothed + self.variation * 4).clamp(self.min, self.max);
    }

    /// An answer did not come: be twice as patient (rule E2).
    pub(crate) const fn back_off(&mut self) {
        self.doublings = self.doublings.saturating_add(1);
    }

    /// An answer came: patience ends. Waiting for a measurement, as RFC 6298
    /// §5.7 does, can take minutes on a bad path, where all that gets through
    /// was sent more than once and measures nothing.
    pub(crate) const fn on_answer(&mut self) {
        self.doublings = 0;
    }

    /// How long to wait now.
    pub(crate) fn timeout(&self) -> Duration {
        let patient = self.timeout.saturating_mul(1 << self.doublings.min(20));
        // A path slower than the most patient wait keeps its own timeout.
        patient.min(self.most_patient.max(self.timeout))
    }

    /// The smoothed round-trip time.
    pub(crate) const fn smoothed(&self) -> Option<Duration> {
        self.smoothed
    }

    /// The shortest round-trip time seen.
    pub(crate) const fn shortest(&self) -> Option<Duration> {
        self.shortest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    /// SCTP-050: stable, noisy and absurd samples.
    #[test]
    fn stays_within_its_bounds_and_above_the_round_trip() {
        let mut rto = Rto::new(&Timers::default());
        assert_eq!(rto.timeout(), ms(1000));
        for _ in 0..100 {
            rto.on_sample(ms(120));
        }
        assert_eq!((rto.timeout(), rto.smoothed()), (ms(400), Some(ms(120))));
        for step in 0..200 {
            rto.on_sample(ms(if step % 2 == 0 { 300 } else { 900 }));
        }
        assert!(rto.timeout() > ms(900) && rto.timeout() < ms(2500));
        let before = rto.timeout();
        rto.on_sample(Duration::MAX);
        assert_eq!(rto.timeout(), before);
        rto.on_sample(Duration::ZERO);
        assert!(rto.timeout() >= ms(400));
        assert_eq!(rto.shortest(), Some(Duration::ZERO));
    }

    #[test]
    fn backs_off_until_an_answer_comes() {
        let mut rto = Rto::new(&Timers::default());
        rto.back_off();
        assert_eq!(rto.timeout(), ms(2000));
        for _ in 0..40 {
            rto.back_off();
        }
        assert_eq!(rto.timeout(), ms(4000));
        rto.on_answer();
        assert_eq!(rto.timeout(), ms(1000));
    }
}
