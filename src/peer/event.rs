//! What does a connection tell its application?

use alloc::string::String;
use alloc::sync::Arc;
use core::net::SocketAddr;
use thiserror::Error;

use super::association::SctpTransportState;
use super::state::ConnectionState;
use crate::channel::{self, ChannelId, ChannelState, Data};
use crate::dtls::DtlsState;
use crate::ice::{GatheringState, IceState, ServerUrl};
use crate::jsep::{IceCandidate, SignalingState, TransceiverId, TransportId};
use crate::net::{Path, Protocol};
use crate::rtp::receiver::{ReceivedFrame, ReceivedPacket};
use crate::tight::Queue;
use crate::{dtls, sctp};

/// What happened? Taken one at a time by `PeerConnection::poll_event`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// What was added needs a new offer.
    NegotiationNeeded,
    /// Offer and answer: where in the exchange are we?
    SignalingState(SignalingState),
    /// Are all own candidates found?
    IceGatheringState(GatheringState),
    /// Is there a path?
    IceConnectionState(IceState),
    /// Is there a secured path?
    ConnectionState(ConnectionState),
    /// Is there a path of this transport? What all of them say together is told behind it.
    IceTransportState(TransportId, IceState),
    /// Another pair of candidates is in use (W3C `selectedcandidatepairchange`).
    SelectedPair(TransportId),
    /// How far is the handshake of this transport?
    DtlsState(TransportId, DtlsState),
    /// How far is the association of the data channels?
    SctpState(SctpTransportState),
    /// An own candidate to send to the peer; `None` after the last one.
    IceCandidate(Option<LocalCandidate>),
    /// A server gave no candidate, which matters only if no other path works.
    IceCandidateError {
        /// Which server.
        url: ServerUrl,
        /// The socket that it was asked from.
        local: SocketAddr,
        /// The STUN error code of its answer (RFC 8489 §14.8); 701 if none came.
        code: u16,
        /// The reason that came with it.
        reason: String,
    },
    /// The addresses of this host are wanted: look it up and call
    /// `PeerConnection::resolved`.
    Resolve(String),
    /// A stream is wanted: open it and call `PeerConnection::connected`, or
    /// `disconnected` if it cannot be had.
    Connect {
        /// From which address to which; the local port is free to choose.
        path: Path,
        /// The name that the server's certificate has to be for, over TLS.
        server_name: Option<String>,
    },
    /// A stream is not wanted any more: close it once everything is written.
    Release(Path),
    /// The peer opened a channel; that its state is open follows.
    DataChannel(ChannelId),
    /// A channel changed its state. After `Closed` the id means nothing.
    ChannelState(ChannelId, ChannelState),
    /// A message arrived.
    Message(ChannelId, Data),
    /// What waits in the channel to be sent fell to its threshold.
    BufferedAmountLow(ChannelId),
    /// The peer sends, or is about to: what comes, comes under this transceiver. Told
    /// once more if the track joins another stream.
    Track(TransceiverId),
    /// The peer does not send any more, by what was agreed.
    TrackEnded(TransceiverId),
    /// Nothing can come any more of a track of which something came (W3C `mute`).
    TrackMuted(TransceiverId),
    /// The first of a track comes, or the first since it was muted (W3C `unmute`).
    TrackUnmuted(TransceiverId),
    /// A track of the peer's has joined one of its streams (W3C `addtrack`).
    StreamJoined {
        /// Whose track.
        transceiver: TransceiverId,
        /// The stream's name.
        stream: Arc<str>,
    },
    /// A track of the peer's has left one of its streams (W3C `removetrack`).
    StreamLeft {
        /// Whose track.
        transceiver: TransceiverId,
        /// The stream's name.
        stream: Arc<str>,
    },
    /// A frame has come whole.
    Frame {
        /// Whose.
        transceiver: TransceiverId,
        /// Of which encoding; empty if the peer gave it no name.
        rid: Arc<str>,
        /// What has come.
        frame: ReceivedFrame,
    },
    /// A packet has come, if the configuration asks for packets.
    Packet {
        /// Whose.
        transceiver: TransceiverId,
        /// Of which encoding; empty if the peer gave it no name.
        rid: Arc<str>,
        /// What has come.
        packet: ReceivedPacket,
    },
    /// The peer cannot go on without a key frame of ours: send one soon.
    KeyFrameRequested {
        /// Of which transceiver.
        transceiver: TransceiverId,
        /// Of which encoding; empty if there is only one.
        rid: Arc<str>,
    },
    /// A tone of `PeerConnection::insert_dtmf` begins; `None`: the last was played.
    ToneChange {
        /// Of which transceiver.
        transceiver: TransceiverId,
        /// Which one, or a comma for a pause.
        tone: Option<char>,
    },
    /// The peer's estimate of what a transport carries, of all that we send over it
    /// together, in bits a second (REMB).
    TargetBitrate(u64),
    /// The end: the last event of all. Sockets can be closed once everything is written.
    Closed(CloseReason),
}

impl Event {
    /// What channels say, as far as the application has to know.
    pub(super) fn of_channel(event: channel::Event) -> Option<Self> {
        Some(match event {
            channel::Event::Opened(id) => Self::DataChannel(id),
            channel::Event::State(id, state) => Self::ChannelState(id, state),
            channel::Event::Message(id, data) => Self::Message(id, data),
            channel::Event::BufferedAmountLow(id) => Self::BufferedAmountLow(id),
            channel::Event::Connected | channel::Event::Closed(_) => return None,
        })
    }
}

/// An own candidate, in the words of the W3C's `RTCIceCandidateInit`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalCandidate {
    /// The candidate as in SDP, from `candidate:` on.
    pub candidate: String,
    /// The media section it belongs to.
    pub sdp_mid: Option<String>,
    /// The same, by number.
    pub sdp_mline_index: u16,
    /// The user fragment of the ICE generation.
    pub username_fragment: String,
    /// The server that lends the address, of a relayed one.
    pub url: Option<ServerUrl>,
    /// What carries the datagrams to that server.
    pub relay_protocol: Option<Protocol>,
}

impl LocalCandidate {
    /// The same in the form in which [`PeerConnection::add_ice_candidate`] takes it, at
    /// the other end.
    ///
    /// [`PeerConnection::add_ice_candidate`]: super::PeerConnection::add_ice_candidate
    #[must_use]
    pub fn as_init(&self) -> IceCandidate<'_> {
        IceCandidate {
            candidate: &self.candidate,
            sdp_mid: self.sdp_mid.as_deref(),
            sdp_mline_index: Some(self.sdp_mline_index),
            username_fragment: Some(&self.username_fragment),
        }
    }
}

/// Why did the connection end?
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum CloseReason {
    /// The application called `close`.
    #[error("closed by the application")]
    Application,
    /// The DTLS layer ended: the peer closed, or was not who it should be.
    #[error("DTLS: {0}")]
    Dtls(dtls::CloseReason),
    /// The SCTP association ended.
    #[error("SCTP: {0}")]
    Sctp(sctp::CloseReason),
}

/// The events that wait for the application.
///
/// Bounded: once there are many, a state that was not looked at in time is
/// replaced by the newer one of its kind.
#[derive(Debug, Default)]
pub(super) struct EventQueue(Queue<Event>);

/// From this many waiting events on, states are coalesced.
const MAX_DISTINCT: usize = 64;

impl EventQueue {
    pub(super) fn push(&mut self, event: Event) {
        if self.0.len() >= MAX_DISTINCT {
            let same = |waiting: &Event| waiting.is_replaced_by(&event);
            if event.is_state()
                && let Some(place) = self.0.iter().rposition(same)
            {
                self.0.remove(place);
            }
        }
        self.0.push(event);
    }

    pub(super) fn pop(&mut self) -> Option<Event> {
        self.0.pop()
    }

    /// An exchange is not needed any more: that it was is not told (W3C §4.7.3).
    pub(super) fn forget_negotiation(&mut self) {
        let is_stale = |event: &Event| *event == Event::NegotiationNeeded;
        while let Some(place) = self.0.iter().position(is_stale) {
            self.0.remove(place);
        }
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}

impl Event {
    const fn is_state(&self) -> bool {
        matches!(
            self,
            Self::NegotiationNeeded
                | Self::SignalingState(_)
                | Self::IceGatheringState(_)
                | Self::IceConnectionState(_)
                | Self::ConnectionState(_)
                | Self::IceTransportState(..)
                | Self::SelectedPair(_)
                | Self::DtlsState(..)
                | Self::SctpState(_)
        )
    }

    /// Whether both are states of the same thing.
    fn is_replaced_by(&self, newer: &Self) -> bool {
        core::mem::discriminant(self) == core::mem::discriminant(newer)
            && self.transport() == newer.transport()
    }

    const fn transport(&self) -> Option<TransportId> {
        match self {
            Self::IceTransportState(id, _) | Self::SelectedPair(id) | Self::DtlsState(id, _) => {
                Some(*id)
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_nobody_looks_at_do_not_pile_up() {
        let mut queue = EventQueue::default();
        for _ in 0..1000 {
            queue.push(Event::ConnectionState(ConnectionState::Disconnected));
            queue.push(Event::ConnectionState(ConnectionState::Connected));
        }
        assert_eq!(queue.0.len(), MAX_DISTINCT);
        assert_eq!(
            queue.0.back(),
            Some(&Event::ConnectionState(ConnectionState::Connected))
        );
    }
}
