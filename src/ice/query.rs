//! How do STUN servers see us (RFC 8445 §5.1.1.2)?

use core::time::Duration;

use super::ServerUrl;
use crate::net::Path;
use crate::rng::Rng;
use crate::stun::{Answer, BindingQuery, Schedule};
use crate::time::Instant;
use crate::wire::stun::TransactionId;

/// A server, asked from one of our sockets.
#[derive(Debug)]
pub(super) struct Query {
    pub(super) url: ServerUrl,
    pub(super) path: Path,
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    /// It begins when the pacing lets it.
    Waiting,
    Asking(BindingQuery),
    /// It was answered; the NAT's binding has to be kept from then on.
    Kept(Instant),
    /// It is to be asked again, for the NAT only.
    Stale,
    /// It is asked again.
    Keeping(BindingQuery),
    Over,
}

impl Query {
    pub(super) const fn new(url: ServerUrl, path: Path) -> Self {
        Self {
            url,
            path,
            stage: Stage::Waiting,
        }
    }

    /// The query begins.
    pub(super) fn begin(&mut self, schedule: Schedule, rng: &mut Rng) {
        let query = BindingQuery::new(self.path, schedule, rng);
        self.stage = match self.stage {
            Stage::Stale => Stage::Keeping(query),
            _ => Stage::Asking(query),
        };
    }

    /// Whether it is to begin.
    pub(super) const fn is_waiting(&self) -> bool {
        matches!(self.stage, Stage::Waiting | Stage::Stale)
    }

    /// Whether the search waits for it.
    pub(super) const fn is_asking(&self) -> bool {
        matches!(self.stage, Stage::Waiting | Stage::Asking(_))
    }

    /// The query that is under way.
    pub(super) const fn active(&mut self) -> Option<&mut BindingQuery> {
        match &mut self.stage {
            Stage::Asking(query) | Stage::Keeping(query) => Some(query),
            Stage::Waiting | Stage::Kept(_) | Stage::Stale | Stage::Over => None,
        }
    }

    /// Whether an answer to this transaction is one to it.
    pub(super) fn is_awaiting(&self, id: TransactionId) -> bool {
        match &self.stage {
            Stage::Asking(query) | Stage::Keeping(query) => query.is_awaiting(id),
            Stage::Waiting | Stage::Kept(_) | Stage::Stale | Stage::Over => false,
        }
    }

    /// What it has found out, if that is news.
    pub(super) fn answer(&mut self, now: Instant) -> Option<Answer> {
        let is_first = self.is_asking();
        let query = self.active()?;
        let answer = query.poll_event()?;
        match &answer {
            Answer::Redirected(alternate) => {
                let path = Path {
                    remote: alternate.server,
                    ..query.path()
                };
                query.follow(path);
                self.path = path;
                return None;
            }
            Answer::Mapped(_) => self.stage = Stage::Kept(now + KEEP_ALIVE),
            _ if is_first => self.stage = Stage::Over,
            // The candidate may work nevertheless.
            _ => self.stage = Stage::Kept(now + KEEP_ALIVE),
        }
        Some(answer).filter(|_| is_first)
    }

    /// Time passed: a binding may have to be refreshed (RFC 8445 §5.1.1.4).
    pub(super) fn handle_timeout(&mut self, now: Instant) {
        match &mut self.stage {
            Stage::Asking(query) | Stage::Keeping(query) => query.handle_timeout(now),
            Stage::Kept(until) if *until <= now => self.stage = Stage::Stale,
            Stage::Waiting | Stage::Kept(_) | Stage::Stale | Stage::Over => {}
        }
    }

    /// It is not needed any more: pairs keep their bindings alive themselves.
    pub(super) fn rest(&mut self) {
        if !self.is_asking() {
            self.stage = Stage::Over;
        }
    }

    /// Ends a search that took too long. Whether there was one.
    pub(super) fn give_up(&mut self) -> bool {
        let gives_up = self.is_asking();
        if gives_up {
            self.stage = Stage::Over;
        }
        gives_up
    }

    /// When `handle_timeout` wants to be called next.
    pub(super) fn deadline(&self) -> Option<Instant> {
        match &self.stage {
            Stage::Asking(query) | Stage::Keeping(query) => query.poll_timeout(),
            Stage::Kept(until) => Some(*until),
            Stage::Waiting | Stage::Stale | Stage::Over => None,
        }
    }
}

/// Tr, the default of RFC 8445 §11.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
