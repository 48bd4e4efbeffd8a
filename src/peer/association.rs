//! What is known of the association that carries data channels (W3C `RTCSctpTransport`)?

use super::connection::{Life, PeerConnection};
use crate::sctp::SctpState;

/// The association under the data channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SctpTransport {
    /// How far it is.
    pub state: SctpTransportState,
    /// The largest message that the peer takes, in bytes, and we send.
    pub max_message_size: usize,
    /// How many channels there can be at a time; `None` before it is connected.
    pub max_channels: Option<u16>,
}

/// How far is an association?
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SctpTransportState {
    /// It is not there yet.
    Connecting,
    /// Channels can be used.
    Connected,
    /// It has ended.
    Closed,
}

impl SctpTransportState {
    /// The W3C's word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Connecting => "connecting",
            Self::Connected => "connected",
            Self::Closed => "closed",
        }
    }
}

impl PeerConnection {
    /// The association under the data channels; `None` before both sides want some.
    #[must_use]
    pub fn sctp(&self) -> Option<SctpTransport> {
        let association = self.channels.association();
        let state = match association.state() {
            _ if self.life != Life::Live => SctpTransportState::Closed,
            SctpState::Closed => SctpTransportState::Closed,
            SctpState::Connected | SctpState::ShuttingDown => SctpTransportState::Connected,
            _ => SctpTransportState::Connecting,
        };
        let is_connected = state == SctpTransportState::Connected;
        self.data_agreed.then(|| SctpTransport {
            state,
            max_message_size: self.channels.max_message_size(),
            max_channels: is_connected.then(|| self.channels.max_channels()),
        })
    }
}
