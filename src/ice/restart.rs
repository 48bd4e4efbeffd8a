//! New credentials, while the old ones still carry the traffic (RFC 8445 §9).
//!
//! A restart puts a fresh generation beside the one that runs. Until the peer's
//! new credentials come, the old one goes on as if nothing had happened, so that
//! an offer which is rolled back leaves no trace. Then it keeps only the pairs
//! that work, and its consent, until a pair of the new generation is nominated;
//! what is still on its way by then arrives for three more seconds.

use core::mem;
use core::time::Duration;

use super::generation::{Generation, Local};
use super::pair::Pair;
use super::{Credentials, CredentialsError, GatheringState, IceAgent, IceState};
use crate::crypto::CryptoError;
use crate::net::{CandidateKind, Path};
use crate::time::Instant;

impl IceAgent {
    /// Begins anew, with new credentials (RFC 8445 §9, RFC 8839 §4.4.1.1.1).
    ///
    /// The peer has to be told of [`local_credentials`](Self::local_credentials)
    /// and, after [`gather`](Self::gather), of the candidates again; the sockets
    /// stay. Until the peer has told its own, everything goes on as before and
    /// [`cancel_restart`](Self::cancel_restart) leads back. From then on data takes the pair
    /// that it took before, until one of the new ones is nominated. If none of
    /// those works, the old one stays in use for as long as the peer consents.
    ///
    /// A restart before the last one came to an end takes its place. The role stays.
    ///
    /// # Errors
    ///
    /// [`CryptoError::Unsupported`], as when the agent was made; nothing changed then.
    pub fn restart(&mut self) -> Result<(), CryptoError> {
        let credentials = Credentials::generate(&mut self.rng);
        self.restart_with(credentials)
    }

    /// The same, with credentials that somebody was told before, as a description
    /// does that is made first and set later. They come from
    /// [`Credentials::generate`], and are used once.
    ///
    /// # Errors
    ///
    /// [`CryptoError::Unsupported`], as when the agent was made; nothing changed then.
    pub fn restart_with(&mut self, credentials: Credentials) -> Result<(), CryptoError> {
        if self.is_closed() {
            return Ok(());
        }
        let local = Local::new(self.config.provider, credentials)?;
        self.generations += 1;
        let mut fresh = Generation::new(local, &self.config);
        fresh.number = self.generations;
        fresh.gathered = mem::replace(&mut self.gathering, GatheringState::New);
        let last = mem::replace(&mut self.generation, fresh);
        if last.remote.is_some() {
            // One that the peer agreed to; [`restart_agreed`](Self::restart_agreed) bounds them.
            self.older.push(last);
        } else {
            // The peer has not answered to it: one offer takes the place of another.
            self.generation.gathered = last.gathered;
        }
        self.relabel();
        self.settle();
        self.refresh();
        Ok(())
    }

    /// Takes the last [`restart`](Self::restart) back, as when the offer that said
    /// so is rolled back. `false`, and nothing changes, if there was none or if
    /// the peer's new credentials are set already.
    pub fn cancel_restart(&mut self) -> bool {
        if self.is_closed() || self.generation.remote.is_some() {
            return false;
        }
        let Some(last) = self.older.pop() else {
            return false;
        };
        let cancelled = mem::replace(&mut self.generation, last);
        self.gathering = cancelled.gathered;
        self.relabel();
        self.settle();
        self.refresh();
        true
    }

    /// The peer is another one from now on, with this name and password (RFC 8842 §5.4):
    /// nothing that led to the one before is of use any more, and nothing that comes
    /// from there is listened to.
    ///
    /// A [`restart`](Self::restart) comes before it, so that the one before does not
    /// know our credentials; unless both of them answered to the same offer.
    ///
    /// # Errors
    ///
    /// As of [`set_remote_credentials`](Self::set_remote_credentials); nothing changed then.
    pub fn hand_over(&mut self, credentials: Credentials) -> Result<(), CredentialsError> {
        if self.is_closed() {
            return Err(CredentialsError::Closed);
        }
        credentials.check()?;
        self.older.clear();
        if self.generation.remote.is_some() {
            self.generations += 1;
            self.generation.forget_peer(self.generations, &self.config);
        }
        self.forget_guests();
        self.set_remote_credentials(credentials)
    }

    /// Says whether [`open`](Self::open) passes data of somebody who knows the
    /// credentials of a [`restart`](Self::restart) whose own are not known yet. It may
    /// be the peer, on its new path, or another one that takes its place. Without
    /// this it passes.
    pub const fn hear_strangers(&mut self, wanted: bool) {
        self.deaf_to_strangers = !wanted;
    }

    /// Whether `path` is one to a peer whose credentials are known.
    pub(super) fn is_agreed(&self, path: Path) -> bool {
        let mut all = self.older.iter().chain([&self.generation]);
        all.any(|one| one.remote.is_some() && one.checks.find(path).is_some())
    }

    /// Local candidates belong to the newest generation.
    fn relabel(&mut self) {
        let ufrag = &self.generation.local.credentials.ufrag;
        for local in &mut self.locals {
            local.candidate.ufrag = Some(ufrag.clone());
            let is_told = local.candidate.kind != CandidateKind::PeerReflexive;
            local.announced = !is_told || self.gathering != GatheringState::New;
        }
    }

    /// The peer has restarted as well: of the generations before, only the one
    /// that carries data is of use, and those that may carry the peer's, which has not
    /// come as far as we; and of them only the pairs that work.
    pub(super) fn restart_agreed(&mut self) {
        let carrier = self.carrier().number;
        let may_be_heard =
            |older: &Generation| older.retires.is_some() || older.progress.current.is_some();
        self.older
            .retain(|older| older.number == carrier || may_be_heard(older));
        while self.older.len() > MAX_OLDER {
            let is_other = |older: &Generation| older.number != carrier;
            let oldest = self.older.iter().position(is_other);
            self.older.remove(oldest.unwrap_or(0));
        }
        for older in &mut self.older {
            older.retain_pairs(Pair::is_valid);
            older.remotes_ended = true;
        }
    }

    /// The generation whose pair carries data: the newest, once it has a nominated
    /// pair or no other has any.
    pub(super) fn carrier(&self) -> &Generation {
        let index = carrying_older(&self.older, &self.generation);
        index
            .and_then(|index| self.older.get(index))
            .unwrap_or(&self.generation)
    }

    /// Does `act` for each generation that is not retired, the oldest first.
    pub(super) fn for_each_generation(&mut self, mut act: impl FnMut(&mut Self)) {
        for index in 0..self.older.len() {
            if self.older.get(index).is_some_and(Generation::is_alive) {
                self.in_older(index, &mut act);
            }
        }
        act(self);
    }

    /// Does `act` in each generation until one has something to send.
    pub(super) fn in_any_generation(
        &mut self,
        mut act: impl FnMut(&mut Self) -> Option<Path>,
    ) -> Option<Path> {
        let mut sent = None;
        self.for_each_generation(|agent| {
            sent = sent.or_else(|| act(agent));
        });
        sent
    }

    /// The number of the generation that `is_it`, the newest first.
    pub(super) fn generation_that(&self, is_it: impl Fn(&Generation) -> bool) -> Option<u32> {
        let older = self.older.iter().rev();
        let mut all = core::iter::once(&self.generation).chain(older);
        all.find(|generation| is_it(generation))
            .map(|generation| generation.number)
    }

    /// Does `act` in the generation of this number.
    pub(super) fn in_generation<T>(
        &mut self,
        number: u32,
        act: impl FnOnce(&mut Self) -> T,
    ) -> Option<T> {
        if self.generation.number == number {
            return Some(act(self));
        }
        let index = self.older.iter().position(|older| older.number == number)?;
        Some(self.in_older(index, act))
    }

    /// Does `act` with an older generation in the place of the newest.
    fn in_older<T>(&mut self, index: usize, act: impl FnOnce(&mut Self) -> T) -> T {
        self.swap(index);
        let done = act(self);
        self.swap(index);
        done
    }

    fn swap(&mut self, index: usize) {
        if let Some(older) = self.older.get_mut(index) {
            mem::swap(older, &mut self.generation);
        }
    }

    /// Drops what is not needed beside the newest generation.
    pub(super) fn retire(&mut self, now: Instant) {
        let is_done = self.generation.progress.selected.is_some();
        let is_agreed = self.generation.remote.is_some();
        let alive = self.older.iter_mut().filter(|older| older.is_alive());
        for older in alive.filter(|_| is_done) {
            older.retires = Some(now + LINGER);
            older.retain_pairs(Pair::is_valid);
            older.checks.pairs.iter_mut().for_each(Pair::rest);
            (older.progress.current, older.progress.selected) = (None, None);
        }
        let before = self.older.len();
        self.older.retain(|older| match older.retires {
            Some(at) => at > now,
            None => !is_agreed || older.progress.current.is_some(),
        });
        if self.older.len() < before {
            self.forget_guests();
        }
    }

    /// What all generations together mean for the application (W3C webrtc-pc §5.6.2).
    pub(super) fn combined_state(&self) -> IceState {
        let newest = self.generation.progress.state;
        let is_new = newest == IceState::New;
        let alive = self.older.iter().filter(|older| older.is_alive());
        let mut older = alive.map(|older| older.progress.state);
        if newest.is_connected() || newest == IceState::Closed {
            newest
        } else if older.clone().any(IceState::is_connected) {
            IceState::Connected
        } else if newest == IceState::Failed
            && older.clone().any(|old| old == IceState::Disconnected)
        {
            // The last hope.
            IceState::Disconnected
        } else if is_new && older.any(|old| old != IceState::New) {
            // W3C: a restart forgets that connectivity was lost before.
            IceState::Checking
        } else {
            newest
        }
    }
}

/// See [`IceAgent::carrier`].
pub(super) fn carrier_mut<'a>(
    older: &'a mut [Generation],
    newest: &'a mut Generation,
) -> &'a mut Generation {
    match carrying_older(older, newest).and_then(|index| older.get_mut(index)) {
        Some(carrier) => carrier,
        None => newest,
    }
}

fn carrying_older(older: &[Generation], newest: &Generation) -> Option<usize> {
    if newest.progress.selected.is_some() {
        return None;
    }
    let carries = |older: &Generation| older.is_alive() && older.progress.current.is_some();
    let is_nominated = |older: &Generation| carries(older) && older.progress.selected.is_some();
    // A pair that works takes nothing over before it is nominated.
    let nominated = older.iter().rposition(is_nominated);
    nominated.or_else(|| older.iter().rposition(carries))
}

/// How many generations there may be beside the newest: who restarts again and again,
/// before the last restart came to an end, loses what is on its way.
const MAX_OLDER: usize = 3;

/// How long datagrams and checks of an old generation may still be on their way
/// when a pair of the new one was nominated (RFC 8445 §8.3.1).
const LINGER: Duration = Duration::from_secs(3);
