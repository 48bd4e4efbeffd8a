//! What the signalling carries, and how long it takes.

use std::collections::BTreeMap;
use std::time::Duration;

use pollrtc::peer::{Description, LocalCandidate};
use pollrtc::time::Instant;

use super::dice::Dice;

#[derive(Clone, Debug)]
pub(crate) enum Letter {
    Description(Description),
    Candidate(LocalCandidate),
    /// No more candidates of the generation with this user fragment.
    EndOfCandidates(String),
}

/// Descriptions arrive in order, each after a time of its own; candidates not before
/// the description that they belong to, and otherwise as they please.
#[derive(Default)]
pub(crate) struct Post {
    letters: BTreeMap<(Instant, u64), (usize, Letter)>,
    count: u64,
    /// To each side: when the last description arrives, and the last candidate.
    last: [[Instant; 2]; 2],
}

impl Post {
    pub(crate) fn send(&mut self, now: Instant, to: usize, letter: Letter, dice: &mut Dice) {
        let [description, candidate] = &mut self.last[to];
        let at = match letter {
            Letter::Description(_) => {
                *description = (now + dice.millis(MAX_DELAY)).max(*description);
                *description
            }
            Letter::Candidate(_) => {
                let at = now.max(*description) + dice.millis(MAX_DELAY);
                *candidate = at.max(*candidate);
                at
            }
            // It is the last word.
            Letter::EndOfCandidates(_) => (*candidate).max(*description).max(now) + TICK,
        };
        self.count += 1;
        self.letters.insert((at, self.count), (to, letter));
    }

    pub(crate) fn next_arrival(&self) -> Option<Instant> {
        self.letters.keys().next().map(|(at, _)| *at)
    }

    pub(crate) fn take(&mut self, now: Instant) -> Option<(usize, Letter)> {
        let first = self.letters.first_entry()?;
        (first.key().0 <= now).then(|| first.remove())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.letters.is_empty()
    }
}

const TICK: Duration = Duration::from_millis(1);

/// In milliseconds.
const MAX_DELAY: u64 = 150;
