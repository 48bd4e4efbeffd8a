//! How often did the sequence number wrap (RFC 3711 §3.3.1)?

use crate::wire::rtp::SequenceNumber;

/// The number of a packet without wraps, guessed from the newest that was
/// accepted: the nearest with these low 16 bits.
///
/// The first packet of a source is taken not to have wrapped.
pub(super) fn estimate(newest: Option<u64>, number: SequenceNumber) -> u64 {
    let Some(newest) = newest else {
        return number.0.into();
    };
    let [.., high, low] = newest.to_be_bytes();
    let last = u16::from_be_bytes([high, low]);
    let wraps = newest & !0xffff;
    // RFC 3711 §3.3.1: one wrap more or less, if that is nearer.
    let wraps = if last < HALF {
        if number.0.saturating_sub(last) > HALF {
            // Before the first wrap there is nothing older: a jump ahead.
            wraps.saturating_sub(WRAP)
        } else {
            wraps
        }
    } else if last - HALF > number.0 {
        wraps + WRAP
    } else {
        wraps
    };
    wraps | u64::from(number.0)
}

/// How many numbers until they begin again.
const WRAP: u64 = 1 << 16;

/// Half the circle.
const HALF: u16 = 0x8000;

/// An index has 48 bits.
pub(super) const INDEX_END: u64 = 1 << 48;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::seq::Serial16;

    #[test]
    fn rtp_020_and_atk_021_the_nearest_number_is_guessed() {
        let guess = |newest, number| estimate(newest, Serial16(number));
        assert_eq!(guess(None, 0xffff), 0xffff);
        assert_eq!(guess(Some(0xffff), 0), 0x1_0000);
        assert_eq!(guess(Some(0xfff0), 5), 0x1_0005);
        assert_eq!(guess(Some(0x1_0005), 0xfff0), 0xfff0);
        assert_eq!(guess(Some(0x2_0005), 0xfff0), 0x1_fff0);
        // Nothing is older than the first wrap: it is a jump ahead.
        assert_eq!(guess(Some(5), 0xfff0), 0xfff0);
        // Just half the circle away: as the RFC's own words have it.
        assert_eq!(guess(Some(0x1_0000), 0x8000), 0x1_8000);
        assert_eq!(guess(Some(0x1_8000), 0x0000), 0x1_0000);
        assert_eq!(guess(Some(0x1_8001), 0x0000), 0x2_0000);
    }

    proptest! {
        #[test]
        fn a_number_less_than_half_a_circle_away_is_found(
            newest in 0x1_0000_u64..INDEX_END - 0x1_0000,
            away in -0x7fff_i64..0x8000,
        ) {
            let index = newest.saturating_add_signed(away);
            let [.., high, low] = index.to_be_bytes();
            let number = Serial16(u16::from_be_bytes([high, low]));
            prop_assert_eq!(estimate(Some(newest), number), index);
        }
    }
}
