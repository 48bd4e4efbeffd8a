//! From candidates to pairs (RFC 8445 §6.1.2).

use core::net::SocketAddr;

use super::candidate::{self, RemoteCandidate};
use super::generation::Generation;
use super::pair::Pair;
use super::state::Patience;
use super::{CandidateError, FailReason, IceAgent};
use crate::net::{Candidate, CandidateKind, Path};
use crate::tight;
use crate::time::Instant;

impl IceAgent {
    /// Which generation a signalled candidate belongs to: that of its user
    /// fragment, or the one whose fragment is still to come. Without one, the
    /// latest that the peer has told of.
    pub(super) fn generation_of_candidate(&self, ufrag: Option<&str>) -> Option<u32> {
        let is_of_peer = |generation: &Generation| {
            let remote = generation.remote.as_ref();
            let said = remote.map(|remote| remote.credentials.ufrag.as_str());
            said.is_some() && (ufrag.is_none() || ufrag == said) && generation.is_alive()
        };
        let is_open = self.generation.remote.is_none();
        self.generation_that(is_of_peer)
            .or_else(|| is_open.then_some(self.generation.number))
    }

    /// Takes a candidate that the peer has told of.
    pub(super) fn pair_signalled(
        &mut self,
        candidate: Candidate,
        address: SocketAddr,
    ) -> Result<(), CandidateError> {
        if let Some(index) = self.remote_at(&candidate, address) {
            self.upgrade(index, candidate);
            return Ok(());
        }
        if self.generation.remotes.len() >= self.config.max_remote_candidates {
            return Err(CandidateError::TooMany);
        }
        tight::push(
            &mut self.generation.remotes,
            RemoteCandidate { candidate, address },
        );
        self.pair_remote(self.generation.remotes.len() - 1);
        if self.generation.remote.is_some() && !self.generation.remotes_ended {
            self.generation.progress.patience = Patience::Wanted;
        }
        Ok(())
    }

    /// Pairs a new remote candidate with all local ones.
    pub(super) fn pair_remote(&mut self, remote: usize) {
        for local in 0..self.locals.len() {
            self.pair(local, remote);
        }
    }

    /// The pair of two candidates, if they may pair and there is room for it.
    pub(super) fn pair(&mut self, local: usize, remote: usize) -> Option<usize> {
        let ours = self.locals.get(local)?;
        let theirs = self.generation.remotes.get(remote)?;
        // RFC 8445 §6.1.2.4: a candidate that sends from the base of another one
        // makes only redundant pairs.
        let path = ours.path_to(theirs)?;
        let is_it = |pair: &Pair| pair.path == path || pair.is_stream_of(path, remote);
        if let Some(index) = self.generation.checks.pairs.iter().position(is_it) {
            return Some(index);
        }
        if !ours.is_public(self.config.policy) {
            return None;
        }
        let foundation = [ours.candidate.foundation, theirs.candidate.foundation];
        let priorities = [ours.candidate.priority, theirs.candidate.priority];
        let mut pair = Pair::new([local, remote], path, foundation);
        pair.rank(self.role, priorities[0], priorities[1]);
        pair.blocked = !self.open_way(path)?;
        let before = self.generation.checks.pairs.len();
        let index = self.generation.checks.insert(pair);
        if self.generation.checks.pairs.len() == before {
            self.stats.pairs_pruned += 1;
        }
        index
    }

    /// Computes all priorities again, for a new role or a new candidate.
    pub(super) fn rank(&mut self) {
        let (locals, remotes) = (&self.locals, &self.generation.remotes);
        self.generation.checks.rank(self.role, |pair| {
            // A success may have given the pair a peer-reflexive local end; its
            // rank stays that of the candidate which it was made of.
            let local = locals.iter().find(|local| local.is_base_of(pair.path));
            let remote = remotes.get(pair.remote);
            (
                local.map_or(0, |local| local.candidate.priority),
                remote.map_or(0, |remote| remote.candidate.priority),
            )
        });
    }

    /// The remote candidate at `address`, if it is of the protocol of `candidate`.
    fn remote_at(&self, candidate: &Candidate, address: SocketAddr) -> Option<usize> {
        let Candidate { protocol, tcp, .. } = candidate;
        let is_it = |remote: &RemoteCandidate| {
            let known = &remote.candidate;
            remote.address == address && (&known.protocol, &known.tcp) == (protocol, tcp)
        };
        self.generation.remotes.iter().position(is_it)
    }

    /// The remote candidate that datagrams of this path come from. A link-local
    /// address is the same candidate on every interface.
    pub(super) fn remote_at_path(&self, path: Path) -> Option<usize> {
        let is_it = |remote: &RemoteCandidate| {
            remote.candidate.protocol == path.protocol
                && candidate::seen_from(path.local, remote.address) == path.remote
        };
        self.generation.remotes.iter().position(is_it)
    }

    /// A candidate that a check had told of was signalled: it keeps its pairs,
    /// with what they have shown, and gets its true kind and rank. A repeated
    /// signalled candidate changes nothing.
    pub(super) fn upgrade(&mut self, index: usize, candidate: Candidate) {
        let Some(remote) = self.generation.remotes.get_mut(index) else {
            return;
        };
        if remote.candidate.kind != CandidateKind::PeerReflexive {
            return;
        }
        let foundation = candidate.foundation;
        remote.candidate = candidate;
        for pair in &mut self.generation.checks.pairs {
            if pair.remote == index {
                pair.foundation[1] = foundation;
            }
        }
        self.rank();
    }

    /// Drops the candidates that were signalled for other credentials than those
    /// that have now come (RFC 8838 §11).
    pub(super) fn drop_other_generations(&mut self, ufrag: &str) {
        let is_other = |candidate: &Candidate| {
            let theirs = candidate.ufrag.as_deref();
            theirs.is_some_and(|theirs| theirs != ufrag)
        };
        for index in (0..self.generation.remotes.len()).rev() {
            if is_other(&self.generation.remotes[index].candidate) {
                self.generation.forget_remote(index);
            }
        }
    }

    /// The pair of `path`, if its remote end has proved that it is the peer: by an
    /// authentic request, or an answer to ours.
    pub(super) fn proved_pair(&mut self, path: Path) -> Option<&mut Pair> {
        // The newest first, and those that have retired too: their last datagrams
        // may still be on their way.
        let older = self.older.iter_mut().rev();
        let mut all = core::iter::once(&mut self.generation).chain(older);
        all.find_map(|generation| generation.proved_pair(path))
    }

    /// Time passed for one pair.
    pub(super) fn pair_timeout(&mut self, now: Instant, index: usize) {
        let Some(pair) = self.generation.checks.pairs.get_mut(index) else {
            return;
        };
        if !pair.on_timeout(now) {
            pair.fail();
        }
        let Some(consent) = &mut pair.consent else {
            return;
        };
        let was_quiet = consent.is_quiet();
        if !consent.on_timeout(now) {
            self.revoke(index, FailReason::ConsentExpired);
        } else if consent.is_quiet()
            && !was_quiet
            && self.generation.progress.current == Some(index)
        {
            // A consent check is sent once. A check of connectivity is repeated,
            // and so finds out whether the path or some datagrams were lost. If it
            // is the path, another one may have begun to work.
            self.generation.checks.revive();
        }
    }

    /// The peer does not want, or does not seem to want, to hear from us on this pair.
    pub(super) fn revoke(&mut self, index: usize, reason: FailReason) {
        let in_use = self.generation.progress.current == Some(index);
        if let Some(pair) = self.generation.checks.pairs.get_mut(index) {
            pair.fail();
            // RFC 7675 §5.1: consent that was lost while in use is not asked for
            // again with the same credentials.
            pair.burnt = in_use;
        }
        if in_use {
            self.generation.progress.lost = Some(reason);
        }
    }

    /// RFC 8863 §4: patience begins when checks could.
    pub(super) fn begin_patience(&mut self, now: Instant) {
        let patience = Patience::Until(now + self.config.patience);
        let older = self.older.iter_mut();
        for generation in older.chain([&mut self.generation]) {
            if generation.progress.patience == Patience::Wanted {
                generation.progress.patience = patience;
            }
        }
        self.refresh();
    }

    /// A moment that we are told of. Time does not go back.
    pub(super) fn told(&mut self, now: Instant) -> Instant {
        self.latest = self.latest.max(now);
        self.agenda.on_timeout(self.latest);
        self.latest
    }
}
