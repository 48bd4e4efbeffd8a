//! Which of the pairs that work is used (RFC 8445 §8)?

use super::consent::Consent;
use super::pair::{Nomination, Pair};
use super::state::Patience;
use super::{Event, FailReason, GatheringState, IceAgent, IceState, Role};
use crate::time::Instant;

impl IceAgent {
    /// Draws the conclusions from what has changed: which pair to nominate, which
    /// to use, how far we are.
    pub(super) fn conclude(&mut self, now: Instant) {
        self.for_each_generation(|agent| {
            agent.nominate(now);
            agent.choose(now);
        });
        self.retire(now);
        self.sweep_streams(now);
        self.settle();
        self.refresh();
    }

    /// Regular nomination: the best pair that works is nominated once no better
    /// one can turn up, or the patience for those is over.
    fn nominate(&mut self, now: Instant) {
        if self.role != Role::Controlling || self.generation.checks.is_nominating() {
            return;
        }
        let Some(best) = self.generation.checks.usable() else {
            self.generation.progress.settled = None;
            return;
        };
        let settled = *self
            .generation
            .progress
            .settled
            .get_or_insert(now + self.config.nomination_delay);
        let priority = self.generation.checks.pairs[best].priority;
        let rival = |pair| self.generation.checks.is_hopeful(pair) && pair.priority > priority;
        if settled > now && self.generation.checks.pairs.iter().any(rival) {
            return;
        }
        self.generation.checks.pairs[best].nomination = Nomination::Wanted(0);
        self.generation.checks.trigger(best);
    }

    /// Moves to the best pair, and keeps consent fresh there only.
    fn choose(&mut self, now: Instant) {
        let selected = self.generation.checks.selected();
        if selected != self.generation.progress.selected {
            self.generation.progress.selected = selected;
            if let Some(pair) = selected.and_then(|index| self.generation.checks.pairs.get(index)) {
                self.events.push(Event::Selected(pair.path));
                self.rest_queries();
            }
        }
        let current = self.generation.checks.usable();
        if current != self.generation.progress.current {
            let left = self
                .generation
                .progress
                .current
                .and_then(|index| self.generation.checks.pairs.get_mut(index));
            if let Some(consent) = left.and_then(|pair| pair.consent.as_mut()) {
                consent.let_age();
            }
            self.generation.progress.current = current;
            self.smooth_way();
        }
        let pair = current.and_then(|index| self.generation.checks.pairs.get_mut(index));
        if let Some(consent) = pair.and_then(|pair| pair.consent.as_mut()) {
            consent.keep_fresh(now, &mut self.rng);
        }
    }

    /// Changes the role, in which nominations under way mean nothing.
    pub(super) fn change_role(&mut self, role: Role) {
        self.role = role;
        self.for_each_generation(|agent| {
            agent.generation.checks.forget_wishes();
            agent.generation.progress.settled = None;
            agent.rank();
        });
    }

    /// Computes the state anew. It needs no `now`: every deadline that has passed
    /// has left its mark.
    pub(super) fn settle(&mut self) {
        if self.is_closed() {
            return;
        }
        self.for_each_generation(Self::settle_generation);
        let state = self.combined_state();
        if state != self.state {
            self.state = state;
            self.events.push(Event::State(state));
            if state == IceState::Failed {
                self.close_servers();
            }
        }
    }

    fn settle_generation(&mut self) {
        if matches!(
            self.generation.progress.state,
            IceState::Failed | IceState::Closed
        ) {
            return;
        }
        self.set_bar();
        let state = self.evaluate();
        if state == IceState::Failed {
            self.generation
                .progress
                .lost
                .get_or_insert(FailReason::NoPath);
            self.generation.checks.stop();
            (
                self.generation.progress.current,
                self.generation.progress.selected,
            ) = (None, None);
        }
        self.generation.progress.state = state;
    }

    fn evaluate(&self) -> IceState {
        let hopeful = |pair| self.generation.checks.is_hopeful(pair);
        let has_hope = self.generation.checks.pairs.iter().any(hopeful);
        if let Some(current) = self.generation.progress.current {
            let consent = self.generation.checks.pairs[current].consent.as_ref();
            if consent.is_some_and(Consent::is_quiet) {
                return IceState::Disconnected;
            }
            let is_complete = self.generation.progress.selected.is_some()
                && self.gathering == GatheringState::Complete
                && self.generation.remotes_ended
                && !has_hope;
            return if is_complete {
                IceState::Completed
            } else {
                IceState::Connected
            };
        }
        let is_over = self.generation.progress.patience == Patience::Over && !has_hope;
        if self.generation.progress.lost.is_some() || is_over {
            IceState::Failed
        } else if self.generation.remote.is_some() && !self.generation.checks.pairs.is_empty() {
            IceState::Checking
        } else {
            IceState::New
        }
    }

    /// While the selected pair is well, the controlling agent looks no further,
    /// and the controlled one only for pairs that would be preferred: its peer
    /// may nominate several (RFC 8445 §8.1.2).
    fn set_bar(&mut self) {
        let selected = self
            .generation
            .progress
            .selected
            .and_then(|index| self.generation.checks.pairs.get(index));
        let is_well = |pair: &&Pair| {
            let consent = pair.consent.as_ref();
            consent.is_some_and(|consent| !consent.is_quiet())
        };
        let bar = selected.filter(is_well).map(|pair| match self.role {
            Role::Controlling => u64::MAX,
            Role::Controlled => pair.priority,
        });
        self.generation.checks.set_bar(bar);
    }
}
