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

    /// The state that follows from that of ICE, all transports together, and those of
    /// DTLS (W3C webrtc-pc §4.3.3).
    pub(super) fn of_all(ice: IceState, dtls: impl Iterator<Item = DtlsState> + Clone) -> Self {
        let all = |wanted: [DtlsState; 2]| dtls.clone().all(|state| wanted.contains(&state));
        let any_failed = dtls.clone().any(|state| state == DtlsState::Failed);
        match ice {
            IceState::Failed => Self::Failed,
            _ if any_failed => Self::Failed,
            IceState::Disconnected => Self::Disconnected,
            IceState::New if all([DtlsState::New, DtlsState::Closed]) => Self::New,
            IceState::Connected | IceState::Completed
                if all([DtlsState::Connected, DtlsState::Closed]) =>
            {
                Self::Connected
            }
            _ => Self::Connecting,
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
    use alloc::vec::Vec;

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

    /// What the sentences of W3C webrtc-pc §4.3.2 and §4.3.3 say, one by one.
    fn as_written(each: &[(IceState, DtlsState)]) -> (IceState, ConnectionState) {
        let any_ice = |state| each.iter().any(|(ice, _)| *ice == state);
        let all_ice = |states: &[IceState]| each.iter().all(|(ice, _)| states.contains(ice));
        let ice = if any_ice(IceState::Failed) {
            IceState::Failed
        } else if any_ice(IceState::Disconnected) {
            IceState::Disconnected
        } else if all_ice(&[IceState::New, IceState::Closed]) {
            IceState::New
        } else if any_ice(IceState::New) || any_ice(IceState::Checking) {
            IceState::Checking
        } else if all_ice(&[IceState::Completed, IceState::Closed]) {
            IceState::Completed
        } else {
            IceState::Connected
        };
        let any_dtls = |state| each.iter().any(|(_, dtls)| *dtls == state);
        let all_dtls = |states: &[DtlsState]| each.iter().all(|(_, dtls)| states.contains(dtls));
        let is_up = matches!(ice, IceState::Connected | IceState::Completed);
        let connection = if ice == IceState::Failed || any_dtls(DtlsState::Failed) {
            ConnectionState::Failed
        } else if ice == IceState::Disconnected {
            ConnectionState::Disconnected
        } else if ice == IceState::New && all_dtls(&[DtlsState::New, DtlsState::Closed]) {
            ConnectionState::New
        } else if is_up && all_dtls(&[DtlsState::Connected, DtlsState::Closed]) {
            ConnectionState::Connected
        } else {
            ConnectionState::Connecting
        };
        (ice, connection)
    }

    #[test]
    fn p_7_the_states_follow_from_those_of_all_transports() {
        let ice = [
            IceState::New,
            IceState::Checking,
            IceState::Connected,
            IceState::Completed,
            IceState::Disconnected,
            IceState::Failed,
            IceState::Closed,
        ];
        let dtls = [
            DtlsState::New,
            DtlsState::Connecting,
            DtlsState::Connected,
            DtlsState::Closed,
            DtlsState::Failed,
        ];
        let one: Vec<_> = ice
            .iter()
            .flat_map(|ice| dtls.iter().map(|dtls| (*ice, *dtls)))
            .collect();
        for (a, b, c) in one
            .iter()
            .flat_map(|a| one.iter().map(move |b| (a, b)))
            .flat_map(|(a, b)| one.iter().map(move |c| (*a, *b, *c)))
        {
            let each = [a, b, c];
            let ice = ice_state_of(each.iter().map(|(ice, _)| *ice));
            let connection = ConnectionState::of_all(ice, each.iter().map(|(_, dtls)| *dtls));
            assert_eq!((ice, connection), as_written(&each), "{each:?}");
        }
        // One alone is what it is.
        for (ice, dtls) in one.into_iter().filter(|(ice, _)| *ice != IceState::Closed) {
            let alone = ConnectionState::of_all(ice, core::iter::once(dtls));
            assert_eq!(ConnectionState::of(ice, dtls), alone, "{ice:?} {dtls:?}");
        }
    }
}
