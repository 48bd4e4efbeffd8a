//! Which of two wrapping numbers comes first (RFC 1982)?

use core::cmp::Ordering;

macro_rules! serial {
    ($name:ident, $number:ty, $signed:ty, $doc:literal) => {
        #[doc = $doc]
        ///
        /// Comparison is by the shorter way round the circle. Two numbers
        /// exactly half a circle apart have no order in RFC 1982 §3.2; here the
        /// comparison answers `false` both ways.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
        pub struct $name(pub $number);

        impl $name {
            /// The number `count` steps further on.
            #[must_use]
            pub const fn add(self, count: $number) -> Self {
                Self(self.0.wrapping_add(count))
            }

            /// The number `count` steps back.
            #[must_use]
            pub const fn sub(self, count: $number) -> Self {
                Self(self.0.wrapping_sub(count))
            }

            /// How many steps lead from `from` forward to this one.
            #[must_use]
            pub const fn distance_from(self, from: Self) -> $number {
                self.0.wrapping_sub(from.0)
            }

            /// Whether this one comes after `other`.
            #[must_use]
            pub const fn is_after(self, other: Self) -> bool {
                let distance = self.distance_from(other) as $signed;
                distance > 0
            }

            /// Whether this one comes before `other`.
            #[must_use]
            pub const fn is_before(self, other: Self) -> bool {
                other.is_after(self)
            }
        }

        impl PartialOrd for $name {
            fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
                if self == other {
                    Some(Ordering::Equal)
                } else if self.is_after(*other) {
                    Some(Ordering::Greater)
                } else if other.is_after(*self) {
                    Some(Ordering::Less)
                } else {
                    None
                }
            }
        }
    };
}

serial!(
    Serial16,
    u16,
    i16,
    "Where in a circle of 2¹⁶ numbers is this?"
);
serial!(
    Serial32,
    u32,
    i32,
    "Where in a circle of 2³² numbers is this?"
);

/// The full number whose low 32 bits are `low`, nearest to `reference`.
#[must_use]
pub const fn extend_u32(reference: u64, low: Serial32) -> u64 {
    let ahead = low.distance_from(Serial32((reference & 0xffff_ffff) as u32)) as i32;
    reference.saturating_add_signed(ahead as i64)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn wraps_as_rfc_1982_section_3_2() {
        assert!(Serial16(0).is_after(Serial16(0xffff)));
        assert!(Serial16(100).is_before(Serial16(200)));
        assert_eq!(Serial16(0).partial_cmp(&Serial16(0x8000)), None);
        assert_eq!(extend_u32(0xffff_fff0, Serial32(5)), 0x1_0000_0005);
        assert_eq!(
            extend_u32(0x1_0000_0005, Serial32(0xffff_fff0)),
            0xffff_fff0
        );
    }

    proptest! {
        #[test]
        fn agrees_with_a_number_that_never_wraps(base in 0_u64..1 << 40, step in 1_u64..1 << 31) {
            let serial = |number: u64| Serial32((number & 0xffff_ffff) as u32);
            let (a, b) = (serial(base), serial(base + step));
            prop_assert!(b.is_after(a) && a.is_before(b));
            prop_assert_eq!(u64::from(b.distance_from(a)), step);
            prop_assert_eq!(extend_u32(base, b), base + step);
        }
    }
}
