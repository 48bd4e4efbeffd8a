//! When does something have to happen? Deadlines as plain fields.

use crate::time::Instant;

/// Which timer is due, and when is the next one?
///
/// One slot for each timer of a machine, indexed by the machine's own enum. With
/// the few timers that a protocol has, a scan is cheaper than any heap.
#[derive(Clone, Debug)]
pub struct TimerTable<const N: usize> {
    deadlines: [Option<Instant>; N],
}

/// Which slot of a [`TimerTable`] belongs to this timer?
pub trait TimerKey: Copy {
    /// A number below the table's `N`, different for each timer.
    fn slot(self) -> usize;
}

impl<const N: usize> Default for TimerTable<N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const N: usize> TimerTable<N> {
    /// A table in which no timer runs.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            deadlines: [None; N],
        }
    }

    /// Starts `timer`, or moves it if it runs already.
    pub fn set(&mut self, timer: impl TimerKey, deadline: Instant) {
        self.deadlines[timer.slot()] = Some(deadline);
    }

    /// Starts `timer` unless it runs already.
    pub fn set_if_idle(&mut self, timer: impl TimerKey, deadline: Instant) {
        self.deadlines[timer.slot()].get_or_insert(deadline);
    }

    /// Stops `timer`.
    pub fn stop(&mut self, timer: impl TimerKey) {
        self.deadlines[timer.slot()] = None;
    }

    /// Stops all timers.
    pub fn stop_all(&mut self) {
        self.deadlines = [None; N];
    }

    /// When `timer` is due, if it runs.
    #[must_use]
    pub fn deadline(&self, timer: impl TimerKey) -> Option<Instant> {
        self.deadlines[timer.slot()]
    }

    /// When the first of all timers is due.
    #[must_use]
    pub fn next(&self) -> Option<Instant> {
        self.deadlines.iter().flatten().min().copied()
    }

    /// Consumes `timer` if it is due: `true` once per expiry.
    pub fn expire(&mut self, timer: impl TimerKey, now: Instant) -> bool {
        let slot = &mut self.deadlines[timer.slot()];
        let due = slot.is_some_and(|deadline| deadline <= now);
        if due {
            *slot = None;
        }
        due
    }
}

/// The earlier of two deadlines, where `None` means never.
#[must_use]
pub fn earliest(a: Option<Instant>, b: Option<Instant>) -> Option<Instant> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Copy)]
    enum Key {
        A,
        B,
    }

    impl TimerKey for Key {
        fn slot(self) -> usize {
            self as usize
        }
    }

    #[test]
    fn an_expired_timer_is_consumed_once() {
        let mut table = TimerTable::<2>::new();
        table.set(Key::A, Instant::from_millis(5));
        table.set(Key::B, Instant::from_millis(3));
        assert_eq!(table.next(), Some(Instant::from_millis(3)));
        assert!(!table.expire(Key::A, Instant::from_millis(4)));
        assert!(table.expire(Key::B, Instant::from_millis(4)));
        assert!(!table.expire(Key::B, Instant::from_millis(4)));
        assert_eq!(table.next(), Some(Instant::from_millis(5)));
    }

    #[test]
    fn earliest_treats_none_as_never() {
        let one = Some(Instant::from_millis(1));
        assert_eq!(earliest(None, one), one);
        assert_eq!(earliest(one, Some(Instant::from_millis(2))), one);
        assert_eq!(earliest(None, None), None);
    }
}
