//! What lives from one ICE restart to the next (RFC 8445 §9).

use alloc::string::String;
use alloc::vec::Vec;

use super::candidate::RemoteCandidate;
use super::checklist::CheckList;
use super::state::Patience;
use super::{Credentials, FailReason, IceState};
use crate::crypto::{CryptoError, CryptoProvider};
use crate::rng::Rng;
use crate::stun::Key;
use crate::time::Instant;

/// The two ends by one pair of credentials, and what they found out.
#[derive(Debug)]
pub(super) struct Generation {
    pub(super) local: Local,
    pub(super) remote: Option<Remote>,
    pub(super) remotes: Vec<RemoteCandidate>,
    pub(super) remotes_ended: bool,
    pub(super) checks: CheckList,
    pub(super) progress: Progress,
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
    /// Why there is no pair any more.
    pub(super) lost: Option<FailReason>,
}

impl Generation {
    pub(super) fn new(local: Local, max_pairs: usize) -> Self {
        Self {
            local,
            remote: None,
            remotes: Vec::new(),
            remotes_ended: false,
            checks: CheckList::new(max_pairs),
            progress: Progress::new(),
        }
    }
}

impl Local {
    /// A fresh name and password.
    pub(super) fn generate(provider: &CryptoProvider, rng: &mut Rng) -> Result<Self, CryptoError> {
        let credentials = Credentials::generate(rng);
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
            lost: None,
        }
    }
}
