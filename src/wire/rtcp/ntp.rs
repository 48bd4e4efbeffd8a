//! What time is it, as reports say it (RFC 3550 §4)?

use core::fmt;
use core::time::Duration;

/// Seconds since 1900 in the upper 32 bits, their fraction in the lower; wraps in
/// 2036, and nothing here minds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct NtpTimestamp(pub u64);

impl NtpTimestamp {
    /// The moment so long after the first of January 1970.
    #[must_use]
    pub const fn from_unix(since_1970: Duration) -> Self {
        let seconds = since_1970.as_secs().wrapping_add(FROM_1900_TO_1970);
        let fraction = ((since_1970.subsec_nanos() as u64) << 32) / 1_000_000_000;
        Self(seconds << 32 | fraction)
    }

    /// How long after the first of January 1970 it is, if it is between 1970 and 2104
    /// (RFC 4330 §3); before that, zero.
    #[must_use]
    pub const fn to_unix(self) -> Duration {
        let era = if self.0 >> 63 == 0 { 1 << 32 } else { 0 };
        let seconds = (era + (self.0 >> 32)).saturating_sub(FROM_1900_TO_1970);
        let nanos = ((self.0 & 0xffff_ffff) * 1_000_000_000) >> 32;
        Duration::from_nanos(seconds * 1_000_000_000 + nanos)
    }

    /// The low 16 bits of the seconds and the high 16 of their fraction, which
    /// reports refer to (RFC 3550 §6.4.1, LSR).
    #[must_use]
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the middle 32 bits are meant"
    )]
    pub const fn middle(self) -> u32 {
        (self.0 >> 16) as u32
    }

    /// How long after `earlier` it is, if that is less than 68 years.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Option<Duration> {
        let passed = self.0.wrapping_sub(earlier.0);
        if passed >> 63 != 0 {
            return None;
        }
        let nanos = ((passed & 0xffff_ffff) * 1_000_000_000) >> 32;
        Some(Duration::from_nanos((passed >> 32) * 1_000_000_000 + nanos))
    }
}

/// `e3b0c442.98fc1c14`
impl fmt::Display for NtpTimestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}.{:08x}", self.0 >> 32, self.0 & 0xffff_ffff)
    }
}

/// Seconds: 70 years, 17 of them leap years.
const FROM_1900_TO_1970: u64 = 2_208_988_800;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_epochs_are_70_years_apart() {
        let start = NtpTimestamp::from_unix(Duration::ZERO);
        assert_eq!(start.0 >> 32, (70 * 365 + 17) * 86_400);
        let half = NtpTimestamp::from_unix(Duration::from_millis(500));
        assert_eq!(half.0 - start.0, 1 << 31);
        assert_eq!(half.middle(), 0x7e80_8000);
    }

    #[test]
    fn the_era_of_1900_ends_in_2036() {
        let last = Duration::from_secs((1 << 32) - 1 - FROM_1900_TO_1970);
        let [before, after] = [0, 2].map(|more| {
            let time = last + Duration::from_secs(more);
            NtpTimestamp::from_unix(time)
        });
        assert_eq!((before.0 >> 32, after.0 >> 32), (0xffff_ffff, 1));
        assert_eq!(after.since(before), Some(Duration::from_secs(2)));
        assert_eq!(before.since(after), None);
        assert_eq!(before.to_unix(), last);
        assert_eq!(after.to_unix(), last + Duration::from_secs(2));
    }
}
