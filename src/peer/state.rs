//! In which of the W3C's states is a connection?

use core::fmt;

use crate::dtls::DtlsState;
use crate::ice::IceState;

/// How well is the peer connected, all transports taken together (W3C
/// `RTCPeerConnectionState`)?
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum ConnectionState {
    /// Nothing has started.
    #[default]
    New,
    /// A path is sought, or keys are agreed.
    Connecting,
    /// Data can flow.
    Connected,
    /// The peer was not heard for a while; it may come back.
    Disconnected,
    /// No path was found, the path was lost, or the peer was not who it should be.
    Failed,
    /// The application closed it, or the peer did.
    Closed,
}

impl ConnectionState {
    /// The state that follows from those of the one transport (W3C webrtc-pc §4.3.3).
    pub(super) const fn of(ice: IceState, dtls: DtlsState) -> Self {
        match (ice, dtls) {
            (IceState::Failed, _) | (_, DtlsState::Failed) => Self::Failed,
            (IceState::Disconnected, _) => Self::Disconnected,
            (IceState::New | IceState::Closed, DtlsState::New | DtlsState::Closed) => Self::New,
            (
                IceState::Connected | IceState::Completed | IceState::Closed,
                DtlsState::Connected | DtlsState::Closed,
            ) => Self::Connected,
            _ => Self::Connecting,
        }
    }

    /// The state that follows from those of all transports (W3C webrtc-pc §4.3.3).
    pub(super) fn of_all(states: impl Iterator<Item = (IceState, DtlsState)> + Clone) -> Self {
        let each = || states.clone().map(|(ice, dtls)| Self::of(ice, dtls));
        let worst = [Self::Failed, Self::Disconnected];
        if let Some(worst) = worst.into_iter().find(|bad| each().any(|one| one == *bad)) {
            return worst;
        }
        let is_closed = |(ice, dtls)| ice == IceState::Closed && dtls == DtlsState::Closed;
        // One that is over counts for both.
        let mut others = states.clone().filter(|one| !is_closed(*one));
        if each().all(|one| one == Self::New) {
            Self::New
        } else if others.all(|(ice, dtls)| Self::of(ice, dtls) == Self::Connected) {
            Self::Connected
        } else {
            Self::Connecting
        }
    }

    /// The W3C's name of the state.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Connecting => "connecting",
            Self::Connected => "connected",
            Self::Disconnected => "disconnected",
            Self::Failed => "failed",
            Self::Closed => "closed",
        }
    }
}

/// The state of ICE that follows from those of all transports (W3C webrtc-pc §4.3.2).
pub(super) fn ice_state_of(states: impl Iterator<Item = IceState> + Clone) -> IceState {
    let any = |wanted: &[IceState]| states.clone().any(|state| wanted.contains(&state));
    let all = |wanted: &[IceState]| states.clone().all(|state| wanted.contains(&state));
    if any(&[IceState::Failed]) {
        IceState::Failed
    } else if any(&[IceState::Disconnected]) {
        IceState::Disconnected
    } else if all(&[IceState::New, IceState::Closed]) {
        IceState::New
    } else if any(&[IceState::New, IceState::Checking]) {
        IceState::Checking
    } else if all(&[IceState::Completed, IceState::Closed]) {
        IceState::Completed
    } else {
        IceState::Connected
    }
}

impl fmt::Display for ConnectionState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Invariant P-7: the table of W3C webrtc-pc §4.3.3 for one transport.
    #[test]
    fn p_7_the_connection_state_follows_from_the_transports() {
        let table = [
            (IceState::New, DtlsState::New, ConnectionState::New),
            (
                IceState::Checking,
                DtlsState::New,
                ConnectionState::Connecting,
            ),
            (
                IceState::New,
                DtlsState::Connecting,
                ConnectionState::Connecting,
            ),
            (
                IceState::Connected,
                DtlsState::New,
                ConnectionState::Connecting,
            ),
            (
                IceState::Connected,
                DtlsState::Connecting,
                ConnectionState::Connecting,
            ),
            (
                IceState::Completed,
                DtlsState::Connected,
                ConnectionState::Connected,
            ),
            (
                IceState::Connected,
                DtlsState::Connected,
                ConnectionState::Connected,
            ),
            (
                IceState::Connected,
                DtlsState::Closed,
                ConnectionState::Connected,
            ),
            (
                IceState::Disconnected,
                DtlsState::Connected,
                ConnectionState::Disconnected,
            ),
            (
                IceState::Failed,
                DtlsState::Connected,
                ConnectionState::Failed,
            ),
            (
                IceState::Disconnected,
                DtlsState::Failed,
                ConnectionState::Failed,
            ),
        ];
        for (ice, dtls, expected) in table {
            assert_eq!(ConnectionState::of(ice, dtls), expected, "{ice:?} {dtls:?}");
        }
    }
}
