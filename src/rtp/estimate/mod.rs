//! How many bits a second can the network carry to us?
//!
//! A queue in the network shows in the times between packets: they come further
//! apart than they were sent. An [`Estimator`] watches that, as
//! draft-ietf-rmcat-gcc-02 §5 describes it, and says how fast the sender may be:
//! what a [`MaximumBitrate`](crate::wire::rtcp::MaximumBitrate) tells it. When
//! packets were sent they say themselves, in their
//! [`AbsoluteSendTime`]. All numbers are integers, so the same packets give the
//! same estimate everywhere.
//!
//! ```
//! use core::time::Duration;
//!
//! use pollrtc::rtp::estimate::{Config, Estimator};
//! use pollrtc::time::Instant;
//! use pollrtc::wire::rtp::extension::AbsoluteSendTime;
//!
//! let mut estimator = Estimator::new(Config::default());
//! // A packet each 10 ms; from the third second on each comes 5 ms later than the last.
//! for number in 0..400_u64 {
//!     let sent = Duration::from_millis(number * 10);
//!     let late = Duration::from_millis(number.saturating_sub(300) * 5);
//!     let now = Instant::ZERO + sent + late;
//!     estimator.on_packet(now, AbsoluteSendTime::from_duration(sent), 1200);
//! }
//! let estimate = estimator.estimate().expect("enough came");
//! // 1,200 bytes in 10 ms are too much, in 15 ms they pass.
//! assert!(estimate.bits_per_second() < 960_000);
//! ```

mod groups;
mod overuse;
mod rate;
#[cfg(test)]
mod tests;

use core::time::Duration;

use crate::time::Instant;
use crate::wire::rtcp::Bitrate;
use crate::wire::rtp::extension::AbsoluteSendTime;

use groups::Groups;
use overuse::{Detector, Usage};
use rate::{Incoming, RateControl};

/// Where does an estimate begin, and between what does it stay?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Config {
    /// In bits a second, what is thought until a queue shows.
    pub initial: u64,
    /// In bits a second, the least that is ever said.
    pub min: u64,
    /// In bits a second, the most that is ever said.
    pub max: u64,
    /// How often it is told at least.
    pub interval: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            initial: 30_000_000,
            min: 5_000,
            max: 1_000_000_000,
            interval: Duration::from_millis(500),
        }
    }
}

/// Estimates what the network can carry, from when packets were sent and came.
///
/// One for all streams of a transport: they share the network.
#[derive(Clone, Debug)]
pub struct Estimator {
    config: Config,
    groups: Groups,
    detector: Detector,
    incoming: Incoming,
    rate: RateControl,
    /// When and what was told last.
    told: Option<(Instant, u64)>,
}

impl Estimator {
    /// An estimator to which no packet came.
    #[must_use]
    pub const fn new(config: Config) -> Self {
        Self {
            config,
            groups: Groups::new(),
            detector: Detector::new(),
            incoming: Incoming::new(),
            rate: RateControl::new(config.initial),
            told: None,
        }
    }

    /// A packet of so many bytes came, and was sent at this time of the sender's.
    pub fn on_packet(&mut self, now: Instant, sent: AbsoluteSendTime, bytes: usize) {
        self.incoming.on_packet(now, bytes);
        if let Some(variation) = self.groups.on_packet(now, sent) {
            self.detector.on_group(&variation);
        }
        let usage = self.detector.usage();
        let (min, max) = (self.config.min, self.config.max);
        if let Some(incoming) = self.incoming.bits_per_second(now)
            && self.rate.update(now, usage, incoming, min..=max)
        {
            // One queue is answered once; it shows again if that was not enough.
            self.detector.answered();
        }
    }

    /// How long an answer to what is told takes.
    pub const fn set_round_trip(&mut self, round_trip: Duration) {
        self.rate.set_round_trip(round_trip);
    }

    /// How many bits a second may come; `None` until enough came to tell.
    #[must_use]
    pub fn estimate(&self) -> Option<Bitrate> {
        self.bits_per_second().map(Bitrate::new)
    }

    /// What should be told to the sender now, if anything: at times, and at once
    /// when it should slow down. To be asked after each packet.
    pub fn poll_report(&mut self, now: Instant) -> Option<Bitrate> {
        let bits = self.bits_per_second()?;
        // draft-alvestrand-rmcat-remb-03 §2.3: what fell by three percent is urgent.
        let is_due = self.told.is_none_or(|(time, before)| {
            now >= time + self.config.interval || bits < before - before / 33
        });
        if !is_due {
            return None;
        }
        self.told = Some((now, bits));
        Some(Bitrate::new(bits))
    }

    /// Whether a queue grows in the network.
    #[must_use]
    pub fn is_overused(&self) -> bool {
        self.detector.usage() == Usage::Over
    }

    fn bits_per_second(&self) -> Option<u64> {
        let bits = self.rate.bits_per_second()?;
        // Bounds that contradict each other must not be a reason to fail.
        Some(bits.min(self.config.max).max(self.config.min))
    }
}
