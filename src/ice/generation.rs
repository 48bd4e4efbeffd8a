//! What lives from one ICE restart to the next (RFC 8445 §9).

use alloc::string::String;
use alloc::vec::Vec;

use super::candidate::RemoteCandidate;
use super::checklist::CheckList;
use super::pair::Pair;
use super::state::Patience;
use super::{Credentials, FailReason, GatheringState, IceConfig, IceState};
use crate::crypto::{CryptoError, CryptoProvider};
use crate::net::{CandidateKind, Path};
use crate::stun::Key;
use crate::time::Instant;

/// The two ends by one pair of credentials, and what they found out.
#[derive(Debug)]
pub(super) struct Generation {
    /// How many there were before it.
    pub(super) number: u32,
    pub(super) local: Local,
    pub(super) remote: Option<Remote>,
    pub(super) remotes: Vec<RemoteCandidate>,
    pub(super) remotes_ended: bool,
    /// How many of the remote candidates were learned so far.
    pub(super) learned: usize,
    pub(super) checks: CheckList,
    pub(super) progress: Progress,
    /// How far the search was in the generation before it.
    pub(super) gathered: GatheringState,
    /// Until when it only answers, since a newer one carries the data.
    pub(super) retires: Option<Instant>,
}

/// Our name and password.
#[derive(Debug)]
pub(super) struct Local {
    pub(super) credentials: Credentials,
    pub(super) key: Key,
}

/// The peer's name and password.
#[derive(Debug)]
pub(super) struct Remote {
    pub(super) credentials: Credentials,
    pub(super) key: Key,
    /// The USERNAME of our checks: theirs, a colon, ours (RFC 8445 §7.2.2).
    pub(super) username: String,
}

/// How far the checks are, and what they wait for.
#[derive(Debug)]
pub(super) struct Progress {
    pub(super) state: IceState,
    pub(super) patience: Patience,
    /// The pair that data is sent on.
    pub(super) current: Option<usize>,
    /// The nominated pair.
    pub(super) selected: Option<usize>,
    /// Until when a controlling agent waits for better pairs than the one it has.
    pub(super) settled: Option<Instant>,
    /// Which pair we nominated last, and how often we changed our mind.
    pub(super) nominated: Option<Path>,
    pub(super) nominations: u32,
    /// Whether a pair ever worked.
    pub(super) has_worked: bool,
    /// Why there is no pair any more.
    pub(super) lost: Option<FailReason>,
}

impl Generation {
    pub(super) fn new(local: Local, config: &IceConfig) -> Self {
        Self {
            local,
            number: 0,
            remote: None,
            remotes: Vec::new(),
            remotes_ended: false,
            learned: 0,
            checks: CheckList::new(config.max_pairs, config.lite),
            progress: Progress::new(),
            gathered: GatheringState::New,
            retires: None,
        }
    }

    /// Begins anew with the same name and password of ours, as for another peer.
    pub(super) fn forget_peer(&mut self, number: u32, config: &IceConfig) {
        self.number = number;
        self.remote = None;
        self.remotes = Vec::new();
        self.remotes_ended = false;
        self.learned = 0;
        self.checks = CheckList::new(config.max_pairs, config.lite);
        self.progress = Progress::new();
    }

    /// Whether it has not retired.
    pub(super) const fn is_alive(&self) -> bool {
        self.retires.is_none()
    }

    /// Whether it is the one that requests with this USERNAME are for.
    pub(super) fn is_meant(&self, username: &str) -> bool {
        let ours = username.split_once(':').map(|(ours, _theirs)| ours);
        ours == Some(&self.local.credentials.ufrag)
    }

    /// The pair of `path`, if its remote end has proved that it is the peer: by an
    /// authentic request, or an answer to ours.
    pub(super) fn proved_pair(&mut self, path: Path) -> Option<&mut Pair> {
        let is_it = |pair: &Pair| pair.path == path && (pair.heard || pair.is_valid());
        let current = self.progress.current;
        let index = current
            .filter(|&index| self.checks.pairs.get(index).is_some_and(is_it))
            .or_else(|| self.checks.pairs.iter().position(is_it))?;
        self.checks.pairs.get_mut(index)
    }

    /// Makes room for a remote candidate, in the place of the oldest that was learned
    /// and has not answered.
    pub(super) fn make_room(&mut self) -> bool {
        let is_useless = |index: usize| {
            let kind = self.remotes.get(index).map(|remote| remote.candidate.kind);
            let mut pairs = self.checks.pairs.iter().filter(|pair| pair.remote == index);
            kind == Some(CandidateKind::PeerReflexive) && pairs.all(Pair::is_given_up)
        };
        let useless = (0..self.remotes.len()).find(|index| is_useless(*index));
        if let Some(index) = useless {
            self.forget_remote(index);
        }
        useless.is_some()
    }

    /// The remote candidate `index` goes with its pairs, and those behind it move up.
    pub(super) fn forget_remote(&mut self, index: usize) {
        self.remotes.remove(index);
        self.retain_pairs(|pair| pair.remote != index);
        for pair in &mut self.checks.pairs {
            pair.remote -= usize::from(pair.remote > index);
        }
    }

    /// Drops all pairs but those to `keep`.
    pub(super) fn retain_pairs(&mut self, keep: impl Fn(&Pair) -> bool) {
        let place = |index: Option<usize>, pairs: &[Pair]| {
            let index = index.filter(|index| pairs.get(*index).is_some_and(&keep))?;
            let before = pairs.get(..index)?;
            Some(before.iter().filter(|pair| keep(pair)).count())
        };
        let pairs = &self.checks.pairs;
        self.progress.current = place(self.progress.current, pairs);
        self.progress.selected = place(self.progress.selected, pairs);
        self.checks.pairs.retain(keep);
    }
}

impl Local {
    /// With the key that belongs to the password.
    pub(super) fn new(
        provider: &CryptoProvider,
        credentials: Credentials,
    ) -> Result<Self, CryptoError> {
        let key = Key::short_term(provider, &credentials.pwd)?;
        Ok(Self { credentials, key })
    }
}

impl Progress {
    pub(super) const fn new() -> Self {
        Self {
            state: IceState::New,
            patience: Patience::Idle,
            current: None,
            selected: None,
            settled: None,
            nominated: None,
            nominations: 0,
            has_worked: false,
            lost: None,
        }
    }
}
