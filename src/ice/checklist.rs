//! Which pair is checked next (RFC 8445 §6.1.2, §6.1.4)?

use alloc::vec::Vec;
use core::time::Duration;

use super::pair::Pair;
use super::{PairState, Role};
use crate::net::{Foundation, Path};
use crate::tight;
use crate::time::Instant;

/// All pairs, in no order: an index stays that of its pair, unless the pair
/// gives way to a better one at the limit.
#[derive(Debug)]
pub(super) struct CheckList {
    pub(super) pairs: Vec<Pair>,
    limit: usize,
    /// No checks are made.
    is_lite: bool,
    /// How many triggered checks were queued so far.
    triggers: u64,
    /// Pairs of this priority or less are not worth an ordinary check.
    bar: Option<u64>,
}

impl CheckList {
    pub(super) const fn new(limit: usize, is_lite: bool) -> Self {
        Self {
            pairs: Vec::new(),
            limit,
            is_lite,
            triggers: 0,
            bar: None,
        }
    }

    /// The pair whose datagrams take this path.
    pub(super) fn find(&self, path: Path) -> Option<usize> {
        self.pairs.iter().position(|pair| pair.path == path)
    }

    /// Adds a pair in the state that its foundation allows. At the limit the
    /// lowest priority gives way (RFC 8445 §6.1.2.5): `None` if that is the new one's.
    pub(super) fn insert(&mut self, mut pair: Pair) -> Option<usize> {
        pair.state = self.first_state(&pair);
        if self.pairs.len() < self.limit {
            tight::push(&mut self.pairs, pair);
            return Some(self.pairs.len() - 1);
        }
        let (index, lowest) = self
            .pairs
            .iter_mut()
            .enumerate()
            .filter(|(_, pair)| pair.is_idle())
            .min_by_key(|(_, pair)| pair.priority)?;
        if lowest.priority >= pair.priority {
            return None;
        }
        *lowest = pair;
        Some(index)
    }

    /// RFC 8838 §12: a pair waits if it is the best of its foundation, or if the
    /// foundation has proved itself. Otherwise it is frozen.
    fn first_state(&self, pair: &Pair) -> PairState {
        let mut kin = self
            .pairs
            .iter()
            .filter(|other| other.foundation == pair.foundation);
        let waits = kin.clone().all(|other| other.priority < pair.priority)
            || kin.any(|other| other.state == PairState::Succeeded);
        if waits {
            PairState::Waiting
        } else {
            PairState::Frozen
        }
    }

    /// Puts a pair at the end of the triggered-check queue, unless it is there.
    pub(super) fn trigger(&mut self, index: usize) {
        if self.is_lite {
            return;
        }
        self.triggers += 1;
        let order = self.triggers;
        if let Some(pair) = self.pairs.get_mut(index) {
            pair.triggered.get_or_insert(order);
            if pair.state != PairState::Succeeded {
                pair.state = PairState::Waiting;
            }
        }
    }

    /// The pair to check next: the triggered queue first, then the best waiting
    /// pair, then the best frozen one that no kin goes before (RFC 8445 §6.1.4.2).
    pub(super) fn next(&self) -> Option<usize> {
        if self.is_lite {
            return None;
        }
        let triggered = self
            .pairs
            .iter()
            .enumerate()
            .filter(|(_, pair)| !pair.blocked)
            .filter_map(|(index, pair)| Some((pair.triggered?, index)))
            .min();
        if let Some((_, index)) = triggered {
            return Some(index);
        }
        self.first(PairState::Waiting, |_| true)
            .or_else(|| self.first(PairState::Frozen, |pair| !self.has_active_kin(pair)))
    }

    fn first(&self, state: PairState, also: impl Fn(&Pair) -> bool) -> Option<usize> {
        self.pairs
            .iter()
            .enumerate()
            .filter(|(_, pair)| {
                pair.state == state && !pair.blocked && self.is_worth_a_check(pair) && also(pair)
            })
            .max_by_key(|(_, pair)| pair.priority)
            .map(|(index, _)| index)
    }

    fn has_active_kin(&self, pair: &Pair) -> bool {
        // The states first: they are cheaper to compare, and few are active.
        self.pairs.iter().any(|other| {
            matches!(other.state, PairState::Waiting | PairState::InProgress)
                && other.foundation == pair.foundation
        })
    }

    fn is_worth_a_check(&self, pair: &Pair) -> bool {
        self.bar.is_none_or(|bar| pair.priority > bar)
    }

    /// Sets below which priority no ordinary checks are made, and ends those
    /// that are under way (RFC 8445 §8.1.2), unless the peer showed interest.
    pub(super) fn set_bar(&mut self, bar: Option<u64>) {
        self.bar = bar;
        let Some(bar) = bar else {
            return;
        };
        for pair in &mut self.pairs {
            if pair.priority < bar && pair.state == PairState::InProgress && !pair.is_wanted() {
                pair.rest();
            }
        }
    }

    /// A foundation has proved itself (RFC 8445 §7.2.5.3.3).
    pub(super) fn unfreeze(&mut self, foundation: [Foundation; 2]) {
        for pair in &mut self.pairs {
            if pair.foundation == foundation && pair.state == PairState::Frozen {
                pair.state = PairState::Waiting;
            }
        }
    }

    /// Whether this pair may still turn out to be the one to use. A triggered
    /// check below the bar makes a spare, no more.
    pub(super) fn is_hopeful(&self, pair: &Pair) -> bool {
        match pair.state {
            PairState::Frozen | PairState::Waiting | PairState::InProgress => {
                self.is_worth_a_check(pair) && !self.is_lite
            }
            PairState::Succeeded | PairState::Failed => false,
        }
    }

    /// RFC 8445 §14.3: the more checks are on their way, the less often each is repeated.
    pub(super) fn rto(&self, least: Duration, pacing: Duration) -> Duration {
        let active = self
            .pairs
            .iter()
            .filter(|pair| matches!(pair.state, PairState::Waiting | PairState::InProgress))
            .count();
        let active = u32::try_from(active).unwrap_or(u32::MAX);
        pacing.saturating_mul(active).max(least)
    }

    /// The pair that we have nominated, or want to.
    pub(super) fn chosen(&self) -> Option<usize> {
        self.best_valid(Pair::chosen)
    }

    /// The highest number of a nomination so far, ours or the peer's.
    pub(super) fn highest_number(&self) -> u32 {
        let numbers = self.pairs.iter().filter_map(Pair::chosen);
        numbers.max().unwrap_or_default()
    }

    /// The selected pair: the last nominated, and of those nominated alike that
    /// with the highest priority (RFC 8445 §8.1.1). One that is silent comes after
    /// the others.
    pub(super) fn selected(&self) -> Option<usize> {
        self.best_valid(|pair| Some((!pair.is_silent(), pair.nominated()?)))
    }

    /// The pair to send on: the selected one, or the best that works.
    pub(super) fn usable(&self) -> Option<usize> {
        self.best_valid(|pair| Some((!pair.is_silent(), pair.nominated())))
    }

    /// The pair that would be used if none was nominated.
    pub(super) fn best(&self) -> Option<usize> {
        self.best_valid(|pair| Some(!pair.is_silent()))
    }

    /// The pair that works and has the highest `rank` and then priority.
    fn best_valid<R: Ord>(&self, rank: impl Fn(&Pair) -> Option<R>) -> Option<usize> {
        let valid = self
            .pairs
            .iter()
            .enumerate()
            .filter(|(_, pair)| pair.is_valid());
        valid
            .filter_map(|(index, pair)| Some(((rank(pair)?, pair.priority), index)))
            .max_by(|(one, _), (other, _)| one.cmp(other))
            .map(|(_, index)| index)
    }

    /// We control, and choose this pair with this number; any before is passed over
    /// when the peer has answered.
    pub(super) fn nominate(&mut self, index: usize, number: u32) {
        for pair in &mut self.pairs {
            pair.wanted = None;
        }
        if let Some(pair) = self.pairs.get_mut(index) {
            pair.wanted = Some(number);
        }
        self.trigger(index);
    }

    /// The peer knows that this pair is the one.
    pub(super) fn pass_over_all_but(&mut self, chosen: usize) {
        for (index, pair) in self.pairs.iter_mut().enumerate() {
            if index != chosen {
                pair.pass_over();
            }
        }
    }

    /// The roles have changed: no nomination under way means what it meant. What we
    /// control now has to be said again, since the peer may not have heard its own.
    pub(super) fn change_role(&mut self, role: Role) {
        for pair in &mut self.pairs {
            pair.wanted = None;
        }
        let selected = self.selected().filter(|_| role == Role::Controlling);
        if let Some(index) = selected
            && let Some(number) = self.pairs[index].nominated()
        {
            self.nominate(index, number);
        }
    }

    /// Gives those pairs another chance that were given up (RFC 7675 §5.1: but not
    /// those whose consent was lost in use), and asks the others whether they
    /// still work.
    pub(super) fn revive(&mut self) {
        for index in 0..self.pairs.len() {
            let pair = &mut self.pairs[index];
            if pair.state == PairState::Failed && !pair.burnt && !pair.is_gone {
                pair.state = PairState::Waiting;
            } else if pair.is_valid() && !pair.is_asked() {
                self.trigger(index);
            }
        }
    }

    /// Checks a new pair even while another is in use, which no ordinary check does.
    pub(super) fn check_spare(&mut self, index: usize) {
        if self.bar.is_some() {
            self.trigger(index);
            self.pairs[index].is_spare = true;
        }
    }

    /// When the next timer of a pair runs out.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.pairs.iter().filter_map(Pair::deadline).min()
    }

    /// Ends everything that is under way.
    pub(super) fn stop(&mut self) {
        self.pairs.iter_mut().for_each(Pair::fail);
    }

    /// Computes all priorities again, with `rank` telling the priorities of a
    /// pair's candidates.
    pub(super) fn rank(&mut self, role: Role, rank: impl Fn(&Pair) -> (u32, u32)) {
        for pair in &mut self.pairs {
            let (local, remote) = rank(pair);
            pair.rank(role, local, remote);
        }
    }
}
