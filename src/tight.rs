//! Collections that are small in most connections, and should take no more room
//! than they need.

use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::ops::Deref;

/// A queue of what is rare: while nothing waits it takes no memory.
///
/// Not for what comes with every packet, for it allocates each time that it
/// stops to be empty.
#[derive(Clone, Debug)]
pub(crate) struct Queue<T>(VecDeque<T>);

impl<T> Queue<T> {
    pub(crate) const fn new() -> Self {
        Self(VecDeque::new())
    }

    /// Adds one behind the others.
    pub(crate) fn push(&mut self, item: T) {
        if self.0.len() == self.0.capacity() {
            self.0.reserve_exact(self.0.len().max(1));
        }
        self.0.push_back(item);
    }

    /// Takes the first.
    pub(crate) fn pop(&mut self) -> Option<T> {
        let first = self.0.pop_front()?;
        if self.0.is_empty() {
            self.0 = VecDeque::new();
        }
        Some(first)
    }

    /// Takes the one at `place`.
    pub(crate) fn remove(&mut self, place: usize) -> Option<T> {
        self.0.remove(place)
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.0.iter_mut()
    }

    /// Drops all.
    pub(crate) fn clear(&mut self) {
        self.0 = VecDeque::new();
    }
}

impl<T> Default for Queue<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Deref for Queue<T> {
    type Target = VecDeque<T>;

    fn deref(&self) -> &VecDeque<T> {
        &self.0
    }
}

/// Adds to a list that has a single element in most connections, which should
/// not take the room of four.
pub(crate) fn push<T>(list: &mut Vec<T>, item: T) {
    if list.len() == list.capacity() {
        list.reserve_exact(list.len().max(1));
    }
    list.push(item);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_queue_that_runs_empty_gives_its_memory_back() {
        let mut queue = Queue::new();
        queue.push(1);
        assert_eq!(queue.capacity(), 1);
        (2..=9).for_each(|number| queue.push(number));
        assert_eq!((queue.len(), queue.remove(8)), (9, Some(9)));
        let all = core::iter::from_fn(|| queue.pop());
        assert!(all.eq(1..=8));
        assert_eq!(queue.capacity(), 0);
    }

    #[test]
    fn a_list_of_one_has_room_for_one() {
        let mut list = Vec::new();
        push(&mut list, 1);
        assert_eq!(list.capacity(), 1);
        (2..=100).for_each(|number| push(&mut list, number));
        assert!(list.len() == 100 && list.capacity() < 200);
    }
}
