//! Which of the pairs that work is used (RFC 8445 §8)?

use super::checklist::CheckList;
use super::consent::Consent;
use super::generation::{Generation, Progress};
use super::pair::Pair;
use super::state::Patience;
use super::{Event, FailReason, GatheringState, IceAgent, IceState, Role};
use crate::net::CandidateKind;
use crate::time::Instant;

impl IceAgent {
    /// Draws the conclusions from what has changed: which pair to nominate, which
    /// to use, how far we are.
    pub(super) fn conclude(&mut self, now: Instant) {
        self.for_each_generation(|agent| {
            agent.nominate(now);
            agent.choose();
            agent.keep_fresh(now);
        });
        self.retire(now);
        self.sweep_streams();
        self.settle();
        self.refresh();
        self.agenda.on_timeout(now);
    }

    /// Regular nomination: the best pair that works is nominated once no better
    /// one can turn up, or the patience for those is over.
    fn nominate(&mut self, now: Instant) {
        if self.role != Role::Controlling {
            return;
        }
        let Generation {
            checks,
            progress,
            remotes,
            ..
        } = &mut self.generation;
        let Some(mut best) = checks.best() else {
            progress.settled = None;
            return;
        };
        if let Some(chosen) = checks.chosen() {
            if !may_replace(checks, chosen, best, self.renomination) {
                let pair = &checks.pairs[chosen];
                // The peer may have heard of a later choice that came to nothing here.
                let is_last = pair.chosen() >= Some(progress.nominations);
                if is_last || pair.is_silent() {
                    return;
                }
                best = chosen;
                progress.nominated = None;
            }
        } else {
            let pair = &checks.pairs[best];
            let local = self.locals.get(pair.local).map(|local| &local.candidate);
            let remote = remotes.get(pair.remote).map(|remote| &remote.candidate);
            let mut ends = local.into_iter().chain(remote);
            let delay = if ends.any(|end| end.kind == CandidateKind::Relayed) {
                self.config.relay_nomination_delay
            } else {
                self.config.nomination_delay
            };
            // A direct pair is not made to wait because a relay came before it.
            let until = now + delay;
            let settled = progress.settled.map_or(until, |before| before.min(until));
            progress.settled = Some(settled);
            let priority = checks.pairs[best].priority;
            let rival = |pair| checks.is_hopeful(pair) && pair.priority > priority;
            if settled > now && checks.pairs.iter().any(rival) {
                return;
            }
        }
        progress.settled = None;
        let path = checks.pairs[best].path;
        if progress.nominated != Some(path) {
            progress.nominated = Some(path);
            progress.nominations = checks.highest_number().max(progress.nominations) + 1;
        }
        checks.nominate(best, progress.nominations);
    }

    /// Moves to the best pair.
    pub(super) fn choose(&mut self) {
        let Generation {
            checks, progress, ..
        } = &mut self.generation;
        progress.selected = checks.selected();
        let current = checks.usable();
        progress.has_worked |= current.is_some();
        if current != progress.current {
            let left = progress
                .current
                .and_then(|index| checks.pairs.get_mut(index));
            if let Some(consent) = left.and_then(|pair| pair.consent.as_mut()) {
                consent.let_age();
            }
            progress.current = current;
            self.smooth_way();
        }
    }

    /// Keeps consent fresh where data is sent, and only there.
    fn keep_fresh(&mut self, now: Instant) {
        let Generation {
            checks, progress, ..
        } = &mut self.generation;
        let pair = progress
            .current
            .and_then(|index| checks.pairs.get_mut(index));
        match pair.and_then(|pair| pair.consent.as_mut()) {
            Some(consent) if self.config.lite => consent.listen(),
            Some(consent) => consent.keep_fresh(now, &mut self.rng),
            None => {}
        }
    }

    /// Changes the role, in which nominations under way mean nothing.
    pub(super) fn change_role(&mut self, role: Role) {
        self.role = role;
        self.for_each_generation(|agent| {
            agent.generation.progress.settled = None;
            agent.rank();
            agent.generation.checks.change_role(role);
        });
    }

    /// Computes the state anew. It needs no `now`: every deadline that has passed
    /// has left its mark.
    pub(super) fn settle(&mut self) {
        if self.is_closed() {
            return;
        }
        self.for_each_generation(Self::settle_generation);
        self.tell_selected();
        let state = self.combined_state();
        if state != self.state {
            self.state = state;
            self.events.push(Event::State(state));
            if state == IceState::Failed {
                self.close_servers();
            }
        }
    }

    /// Tells of the selected pair, if it is another than before.
    fn tell_selected(&mut self) {
        let generation = self.carrier();
        let selected = generation.progress.selected;
        let pair = selected.and_then(|index| generation.checks.pairs.get(index));
        let selected = pair.map(|pair| (generation.number, pair.path));
        if selected != self.selected {
            self.selected = selected;
            self.stats.selected_changes += 1;
            if let Some((_, path)) = selected {
                self.events.push(Event::Selected(path));
                self.rest_queries();
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
        let Progress {
            lost,
            patience,
            has_worked,
            ..
        } = self.generation.progress;
        let is_over = lost.is_some() || patience == Patience::Over;
        // What servers are still to tell is a hope, too.
        let has_hope = has_hope || self.gathering == GatheringState::Gathering;
        if is_over && !has_hope {
            IceState::Failed
        } else if has_worked {
            // W3C webrtc-pc §5.6.2: such as after the loss of a network interface.
            IceState::Disconnected
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

/// Whether the pair that we chose may give way to the best.
///
/// RFC 8445 §8.1.1 allows one nomination in a session. If both ends agreed to
/// renomination, there may be others: for a better pair. Without that another is
/// nominated only when the first has stopped to work, which the RFC leaves to
/// a restart. A restart needs signalling, which often takes the very path that is gone;
/// every known agent believes the last USE-CANDIDATE if the pair before it is
/// dead, and RFC 5245 §8.1.1.2 made all of them ready for more than one.
fn may_replace(checks: &CheckList, chosen: usize, best: usize, renomination: bool) -> bool {
    let (chosen, best) = (&checks.pairs[chosen], &checks.pairs[best]);
    let is_better = renomination && best.priority > chosen.priority;
    !best.is_silent() && (chosen.is_silent() || is_better)
}
