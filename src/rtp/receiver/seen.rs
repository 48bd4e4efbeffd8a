//! Which of the last numbers came?

/// The numbers of the last [`WIDTH`] packets that came.
///
/// Repeated packets come late, so it is wider than the window of a replay check.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    newest: Option<u64>,
    /// The bit of a number is at its remainder.
    words: [u64; WORDS],
}

/// What is known of a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sight {
    /// It did not come before.
    First,
    /// It did.
    Again,
    /// It is too far back to tell.
    Old,
}

impl Seen {
    pub(super) const fn new() -> Self {
        Self {
            newest: None,
            words: [0; WORDS],
        }
    }

    /// Notes that a number came.
    pub(super) fn note(&mut self, number: u64) -> Sight {
        let newest = *self.newest.get_or_insert(number);
        if number > newest {
            // Those between did not come, whatever stood in their places.
            let first = (newest + 1).max(number.saturating_sub(WIDTH - 1));
            (first..=number).for_each(|number| {
                let (word, bit) = self.place(number);
                *word &= !bit;
            });
            self.newest = Some(number);
        } else if newest - number >= WIDTH {
            return Sight::Old;
        }
        let (word, bit) = self.place(number);
        if *word & bit != 0 {
            return Sight::Again;
        }
        *word |= bit;
        Sight::First
    }

    fn place(&mut self, number: u64) -> (&mut u64, u64) {
        let at = usize::try_from(number / 64 % WORDS as u64).unwrap_or(0);
        (&mut self.words[at], 1 << (number % 64))
    }
}

const WORDS: usize = 32;
/// How many numbers can be told apart.
const WIDTH: u64 = WORDS as u64 * 64;

#[cfg(test)]
mod tests {
    use alloc::collections::BTreeSet;
    use alloc::vec::Vec;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn agrees_with_a_set(steps in proptest::collection::vec((0_u64..3000, any::<bool>()), 1..200)) {
            let (mut seen, mut set) = (Seen::new(), BTreeSet::new());
            let mut newest = 100_000_u64;
            let numbers: Vec<u64> = steps
                .into_iter()
                .map(|(step, back)| if back { newest - step } else {
                    newest += step / 20;
                    newest
                })
                .collect();
            for number in numbers {
                let highest = set.last().copied().unwrap_or(number);
                let expected = if highest >= number + WIDTH {
                    Sight::Old
                } else if set.insert(number) {
                    Sight::First
                } else {
                    Sight::Again
                };
                prop_assert_eq!(seen.note(number), expected);
            }
        }
    }
}
