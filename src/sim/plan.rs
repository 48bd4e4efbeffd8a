//! What have the applications planned to do later?

use alloc::boxed::Box;
use alloc::collections::BTreeMap;

use super::machine::Machine;
use super::world::World;
use crate::time::Instant;

/// What an application, or the experimenter, does at its time.
pub(super) type Act<M> = Box<dyn FnOnce(&mut World<M>)>;

/// All plans in the order of their time.
pub(super) struct Plans<M: Machine> {
    acts: BTreeMap<(Instant, u64), Act<M>>,
    made: u64,
}

impl<M: Machine> Plans<M> {
    pub(super) const fn new() -> Self {
        Self {
            acts: BTreeMap::new(),
            made: 0,
        }
    }

    pub(super) fn push(&mut self, at: Instant, act: Act<M>) {
        self.acts.insert((at, self.made), act);
        self.made += 1;
    }

    pub(super) fn next(&self) -> Option<Instant> {
        self.acts.first_key_value().map(|((at, _), _)| *at)
    }

    pub(super) fn pop(&mut self) -> Option<Act<M>> {
        self.acts.pop_first().map(|(_, act)| act)
    }
}
