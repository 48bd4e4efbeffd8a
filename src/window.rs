//! Was this number seen before (RFC 6347 §4.1.2.6, RFC 3711 §3.3.2)?

/// Which of the last 128 numbers were accepted?
///
/// [`check`](Self::check) before the packet is verified, [`commit`](Self::commit)
/// after: an attacker's number must not move the window.
#[derive(Clone, Copy, Debug, Default)]
pub struct ReplayWindow {
    newest: Option<u64>,
    /// Bit `i` is set if `newest - i` was accepted.
    seen: u128,
}

/// How many numbers, counted from the highest down, can be told apart.
const WIDTH: u64 = 128;

impl ReplayWindow {
    /// A window that accepted nothing.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            newest: None,
            seen: 0,
        }
    }

    /// The highest number that was accepted.
    #[must_use]
    pub const fn newest(&self) -> Option<u64> {
        self.newest
    }

    /// Whether `number` is new and not too old to know.
    #[must_use]
    pub const fn check(&self, number: u64) -> bool {
        match self.newest {
            Some(newest) if number <= newest => {
                let age = newest - number;
                age < WIDTH && self.seen >> age & 1 == 0
            }
            _ => true,
        }
    }

    /// Remembers that `number` was accepted.
    pub const fn commit(&mut self, number: u64) {
        match self.newest {
            Some(newest) if number <= newest => {
                let age = newest - number;
                if age < WIDTH {
                    self.seen |= 1 << age;
                }
            }
            Some(newest) => {
                let ahead = number - newest;
                let kept = if ahead < WIDTH { self.seen << ahead } else { 0 };
                self.seen = kept | 1;
                self.newest = Some(number);
            }
            None => {
                self.seen = 1;
                self.newest = Some(number);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn agrees_with_a_set(numbers in proptest::collection::vec(0_u64..400, 0..300)) {
            let mut window = ReplayWindow::new();
            let mut accepted = BTreeSet::new();
            for number in numbers {
                let newest = accepted.last().copied().unwrap_or(0);
                let too_old = newest >= WIDTH && number <= newest - WIDTH;
                prop_assert_eq!(window.check(number), !too_old && !accepted.contains(&number));
                if window.check(number) {
                    window.commit(number);
                    accepted.insert(number);
                }
            }
        }
    }

    #[test]
    fn the_largest_number_does_not_overflow() {
        let mut window = ReplayWindow::new();
        window.commit(u64::MAX);
        assert!(!window.check(5) && !window.check(u64::MAX) && window.check(u64::MAX - 1));
    }
}
