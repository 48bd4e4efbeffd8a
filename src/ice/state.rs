//! How far is the agent, and what does it tell?

use alloc::string::String;
use core::fmt;
use core::net::SocketAddr;
use core::time::Duration;

use thiserror::Error;

use super::{GatheringState, ServerUrl};
use crate::net::{Candidate, Path};
use crate::tight::Queue;
use crate::time::Instant;

/// Who decides which pair is used (RFC 8445 §6.1.1)?
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// We decide.
    Controlling,
    /// The peer decides.
    Controlled,
}

impl Role {
    /// The role of the other end.
    #[must_use]
    pub const fn opposite(self) -> Self {
        match self {
            Self::Controlling => Self::Controlled,
            Self::Controlled => Self::Controlling,
        }
    }

    /// The W3C's word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Controlling => "controlling",
            Self::Controlled => "controlled",
        }
    }
}

/// How far is the agent? As W3C's `RTCIceTransportState`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum IceState {
    /// The peer's credentials or candidates are not known yet.
    New,
    /// Pairs are checked and none works yet.
    Checking,
    /// A pair works; others are still checked, or may still come.
    Connected,
    /// A pair is selected and there is nothing left to check.
    Completed,
    /// The peer was silent for some time. It may come back by itself.
    Disconnected,
    /// No pair works. Only a restart can connect to the peer again.
    Failed,
    /// The application closed the agent.
    Closed,
}

impl IceState {
    /// Whether a pair works.
    #[must_use]
    pub const fn is_connected(self) -> bool {
        matches!(self, Self::Connected | Self::Completed)
    }

    /// The W3C's word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Checking => "checking",
            Self::Connected => "connected",
            Self::Completed => "completed",
            Self::Disconnected => "disconnected",
            Self::Failed => "failed",
            Self::Closed => "closed",
        }
    }
}

impl fmt::Display for IceState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why did the agent fail?
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum FailReason {
    /// No check was answered in time.
    #[error("no path to the peer works")]
    NoPath,
    /// The peer did not answer for 30 s (RFC 7675 §5.1).
    #[error("the peer has gone silent")]
    ConsentExpired,
    /// The peer said that it does not want to hear from us (RFC 7675 §5.2).
    #[error("the peer has revoked its consent")]
    ConsentRevoked,
}

/// What has changed?
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// A local candidate for the peer.
    Candidate(Candidate),
    /// How far the search for local candidates is.
    GatheringState(GatheringState),
    /// How far the agent is.
    State(IceState),
    /// The pair on this path was selected.
    Selected(Path),
    /// A role conflict has changed our role.
    Role(Role),
    /// A server did not help, as W3C's `icecandidateerror`.
    CandidateError {
        /// Which server.
        url: ServerUrl,
        /// The socket that it was asked from.
        local: SocketAddr,
        /// The STUN error code of its answer; 701 if none came.
        code: u16,
        /// The reason that came with it.
        reason: String,
    },
    /// The addresses of this host are wanted: look it up, and answer by
    /// [`IceAgent::resolved`](super::IceAgent::resolved).
    Resolve(String),
    /// A stream is wanted. Answer by [`IceAgent::connected`](super::IceAgent::connected)
    /// or [`IceAgent::disconnected`](super::IceAgent::disconnected).
    Connect {
        /// From which address to which, the local port being free to choose.
        path: Path,
        /// The name that the server's certificate has to be for, over TLS.
        server_name: Option<String>,
    },
    /// A stream is not wanted any more: close it.
    Release(Path),
    /// The application closed the agent: the last event.
    Closed,
}

/// Events that wait to be asked for.
///
/// At most 256 wait: beyond that a new one takes the place of the oldest of its
/// kind. There are fewer local candidates than that, and each is told once.
#[derive(Debug, Default)]
pub(super) struct Events(Queue<Event>);

impl Events {
    pub(super) fn push(&mut self, event: Event) {
        if self.0.len() >= MAX_EVENTS {
            let kind = core::mem::discriminant(&event);
            let same = |old: &Event| core::mem::discriminant(old) == kind;
            let index = self.0.iter().position(same).unwrap_or_default();
            self.0.remove(index);
        }
        self.0.push(event);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn pop(&mut self) -> Option<Event> {
        self.0.pop()
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}

/// For how long is an agent without hope patient (RFC 8863)?
///
/// It runs from the moment when checks could begin and, while the peer may still
/// trickle, from its last candidate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Patience {
    /// What is waited for cannot begin yet.
    #[default]
    Idle,
    /// It begins at the next moment that we are told.
    Wanted,
    /// Until then.
    Until(Instant),
    /// No longer.
    Over,
}

impl Patience {
    pub(super) const fn deadline(self) -> Option<Instant> {
        match self {
            Self::Until(deadline) => Some(deadline),
            Self::Idle | Self::Wanted | Self::Over => None,
        }
    }

    /// It begins, if it was wanted. Whether it was.
    pub(super) fn begin(&mut self, now: Instant, patience: Duration) -> bool {
        let is_wanted = *self == Self::Wanted;
        if is_wanted {
            *self = Self::Until(now + patience);
        }
        is_wanted
    }

    pub(super) fn on_timeout(&mut self, now: Instant) {
        if self.deadline().is_some_and(|deadline| deadline <= now) {
            *self = Self::Over;
        }
    }
}

const MAX_EVENTS: usize = 256;

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;

    #[test]
    fn events_that_nobody_asks_for_are_bounded_and_the_newest_stay() {
        let mut events = Events::default();
        events.push(Event::GatheringState(GatheringState::Complete));
        for _ in 0..1000 {
            events.push(Event::State(IceState::Disconnected));
            events.push(Event::State(IceState::Connected));
        }
        let all: Vec<_> = core::iter::from_fn(|| events.pop()).collect();
        assert_eq!(all.len(), MAX_EVENTS);
        assert_eq!(all[0], Event::GatheringState(GatheringState::Complete));
        assert_eq!(all[MAX_EVENTS - 1], Event::State(IceState::Connected));
    }
}
