//! When is it? An [`Instant`] is whatever the caller says.
//!
//! The crate never reads a clock. Every moment enters as a `now` argument, so a
//! simulation, a fuzzer and a socket loop drive the same machines alike.

use core::fmt;
use core::ops::{Add, AddAssign, Sub};
use core::time::Duration;

/// What moment is it, in nanoseconds since an epoch that the caller chose?
///
/// All arithmetic saturates: adding past the end stays at the end, and the
/// distance to a later instant is zero. Nothing here can panic.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Instant(u64);

impl Instant {
    /// The caller's epoch.
    pub const ZERO: Self = Self(0);

    /// The instant `nanos` nanoseconds after the epoch.
    #[must_use]
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// The instant `millis` milliseconds after the epoch.
    #[must_use]
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis.saturating_mul(1_000_000))
    }

    /// How many nanoseconds after the epoch this is.
    #[must_use]
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// How many whole milliseconds after the epoch this is.
    #[must_use]
    pub const fn as_millis(self) -> u64 {
        self.0 / 1_000_000
    }

    /// How long after `earlier` this is; zero if it is not after it.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Duration> for Instant {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        // In 64 bits: `as_nanos` would take 128.
        let seconds = duration.as_secs().saturating_mul(1_000_000_000);
        let nanos = seconds.saturating_add(duration.subsec_nanos().into());
        Self(self.0.saturating_add(nanos))
    }
}

impl AddAssign<Duration> for Instant {
    fn add_assign(&mut self, duration: Duration) {
        *self = *self + duration;
    }
}

impl Sub for Instant {
    type Output = Duration;

    fn sub(self, earlier: Self) -> Duration {
        self.since(earlier)
    }
}

/// Seconds with three decimals, as traces print it.
impl fmt::Display for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = self.as_millis();
        write!(f, "{}.{:03}", millis / 1000, millis % 1000)
    }
}

impl fmt::Debug for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}.{:09}",
            self.0 / 1_000_000_000,
            self.0 % 1_000_000_000
        )
    }
}

/// What does the system's monotonic clock say, as an [`Instant`]?
///
/// The epoch is the moment of construction. Only an application's event loop
/// needs this; the crate itself never calls it.
#[cfg(feature = "std")]
#[derive(Clone, Copy, Debug)]
pub struct Clock(SystemInstant);

#[cfg(feature = "std")]
#[expect(
    clippy::disallowed_types,
    reason = "the one adapter to the system's clock"
)]
type SystemInstant = std::time::Instant;

#[cfg(feature = "std")]
impl Clock {
    /// A clock whose epoch is this moment.
    #[must_use]
    pub fn start() -> Self {
        Self(SystemInstant::now())
    }

    /// The time passed since the clock was started.
    #[must_use]
    pub fn now(&self) -> Instant {
        Instant::ZERO + self.0.elapsed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arithmetic_saturates_at_both_ends() {
        let end = Instant::from_nanos(u64::MAX);
        assert_eq!(end + Duration::from_secs(1), end);
        assert_eq!(Instant::ZERO + Duration::MAX, end);
        assert_eq!(Instant::ZERO - end, Duration::ZERO);
        assert_eq!(Instant::from_millis(u64::MAX), end);
    }

    #[test]
    fn prints_seconds_with_three_decimals() {
        use alloc::string::ToString;
        assert_eq!(Instant::from_millis(1250).to_string(), "1.250");
    }
}
