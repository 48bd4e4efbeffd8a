//! What the roof tells a session, and what it is told.

use core::fmt;

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use crate::crypto::certificate::Fingerprint;
use crate::dtls::Role;
use crate::net::Candidate;

use super::SignalingState;
use super::media::{Codec, Encoding, HeaderExtension, Kind, RemoteStreams, TransceiverId};
use crate::wire::sdp::Direction;

/// Which of a session's transports? Never that of another one, also after its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TransportId(u32);

impl TransportId {
    /// The one that every session begins with.
    pub const FIRST: Self = Self(0);

    pub(super) const fn with_number(number: u32) -> Self {
        Self(number)
    }

    /// How many came to be before it.
    #[must_use]
    pub const fn number(self) -> u32 {
        self.0
    }
}

/// How many transports a session has at most: sections that would need another one
/// are rejected, or offered only for a bundle.
pub const MAX_TRANSPORTS: usize = 16;

/// How many transports does an offer propose before it is known what the peer can
/// bundle (RFC 8829 §4.1.1)?
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum BundlePolicy {
    /// One for the first section of each kind.
    #[default]
    Balanced,
    /// One for each section.
    MaxCompat,
    /// One.
    MaxBundle,
}

/// What we are like: facts for our descriptions.
#[derive(Clone, Copy)]
pub struct Local<'a> {
    /// Our transports: those at least that the description needs, see
    /// [`Session::transports_for_offer`](super::Session::transports_for_offer).
    pub transports: &'a [LocalTransport<'a>],
    /// Whether our agents are lite ones.
    pub lite: bool,
    /// Of our certificate, one for each hash that is to be said.
    pub fingerprints: &'a [Fingerprint],
    /// The port of our SCTP association.
    pub sctp_port: u16,
    /// The largest message we take; 0 for any.
    pub max_message_size: u64,
}

impl<'a> Local<'a> {
    /// The facts of a transport.
    pub(super) fn transport(&self, id: TransportId) -> Option<&LocalTransport<'a>> {
        self.transports.iter().find(|transport| transport.id == id)
    }

    /// What our next description says of the transports: those that `restarts`
    /// says have gathered nothing yet.
    pub(super) fn announced(
        &self,
        restarts: impl Fn(&LocalTransport<'a>) -> bool,
    ) -> Vec<LocalTransport<'a>> {
        let transports = self.transports.iter();
        transports
            .map(|transport| match restarts(transport) {
                true => transport.restarted(),
                false => *transport,
            })
            .collect()
    }
}

/// What one of our transports is like.
#[derive(Clone, Copy)]
pub struct LocalTransport<'a> {
    /// Which one.
    pub id: TransportId,
    /// The ICE agent's user fragment.
    pub ufrag: &'a str,
    /// The ICE agent's password.
    pub pwd: &'a str,
    /// The user fragment that the agent will have after a restart.
    pub next_ufrag: &'a str,
    /// The password that the agent will have after a restart.
    pub next_pwd: &'a str,
    /// What the agent has gathered so far.
    pub candidates: &'a [Candidate],
    /// Whether it will gather no more.
    pub gathered: bool,
}

impl LocalTransport<'_> {
    /// The same after a restart, which has gathered nothing yet.
    pub(super) const fn restarted(self) -> Self {
        Self {
            ufrag: self.next_ufrag,
            pwd: self.next_pwd,
            candidates: &[],
            gathered: false,
            ..self
        }
    }
}

impl fmt::Debug for Local<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Local")
            .field("transports", &self.transports)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for LocalTransport<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The password is a secret.
        f.debug_struct("LocalTransport")
            .field("id", &self.id)
            .field("ufrag", &self.ufrag)
            .field("candidates", &self.candidates.len())
            .finish_non_exhaustive()
    }
}

/// What has to be done after a description was set?
#[derive(Debug, Default)]
pub struct Plan {
    /// Our own offer was rolled back first: the state was *stable* in between.
    pub rolled_back: bool,
    /// The signaling state, if it is another than before.
    pub signaling: Option<SignalingState>,
    /// The transports of our description: they gather candidates now, unless that
    /// is done or under way.
    pub gather: Vec<TransportId>,
    /// Whether the ICE agents of ours that have no peer yet are controlling, when
    /// that is decided: who offers first is, and who has a lite peer (RFC 8445 §6.1.1).
    pub controlling: Option<bool>,
    /// Where our description begins a new generation of ICE: the agent takes the
    /// credentials that it said were its next (RFC 8839 §4.4.1.1.1).
    pub restart: Vec<TransportId>,
    /// Where our description that began a new generation was rolled back: the agent
    /// goes on with the old one.
    pub cancel_restart: Vec<TransportId>,
    /// How to reach the peer: one for each transport in use, with every answer.
    pub transports: Vec<TransportPlan>,
    /// The transports that no section uses any more: by an answer, or since the
    /// offer for which they came to be was rolled back. They are over.
    pub closed: Vec<TransportId>,
    /// What was agreed on data channels: with every answer that has a live section
    /// for them, and with the one that ends it.
    pub data: Option<DataPlan>,
    /// What was agreed on media: one for each transceiver that has a section, with
    /// every answer.
    pub media: Vec<MediaPlan>,
    /// Which of the peer's tracks have come and gone, with every description of it.
    pub tracks: Vec<TrackChange>,
    /// Which streams they have left and joined, with every description of the peer's:
    /// to be told behind those that have gone, and before those that have come.
    pub streams: Vec<StreamChange>,
}

/// What was agreed on the media of a section.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MediaPlan {
    /// Whose section it is.
    pub transceiver: TransceiverId,
    /// Over which transport its packets go.
    pub transport: TransportId,
    /// Its name, which packets may carry.
    pub mid: String,
    /// Sound or pictures.
    pub kind: Kind,
    /// Which way media flows, as we see it.
    pub direction: Direction,
    /// What the peer takes of what we can send, in its order of preference.
    pub send: Vec<Codec>,
    /// What we take, in our order of preference, with the feedback that both want.
    pub receive: Vec<Codec>,
    /// The header extensions that both know.
    pub extensions: Vec<HeaderExtension>,
    /// Whether extensions of both forms may come in turn (RFC 8285 §6).
    pub mixed_extensions: bool,
    /// Whether the headers of packets are hidden (RFC 9335).
    pub cryptex: bool,
    /// Whether RTCP packets may be incomplete (RFC 5506).
    pub reduced_rtcp: bool,
    /// In which forms we send, as far as the peer takes them (RFC 8853).
    pub encodings: Vec<Encoding>,
    /// What the peer says of what it sends; `None` if it sends nothing.
    pub remote: Option<RemoteStreams>,
}

/// What became of a track of the peer's?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrackChange {
    /// The peer sends, or is about to.
    Added(TransceiverId),
    /// It goes on, and has joined a stream.
    Joined(TransceiverId),
    /// It does not any more.
    Removed(TransceiverId),
}

/// A track of the peer's has joined a stream, or left it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamChange {
    /// Whose track.
    pub transceiver: TransceiverId,
    /// The stream's name.
    pub stream: Arc<str>,
    /// Whether it has joined it.
    pub is_added: bool,
}

/// How the peer's transport is reached.
#[derive(Clone)]
pub struct TransportPlan {
    /// Which one of ours it is for.
    pub id: TransportId,
    /// The peer's user fragment.
    pub ufrag: String,
    /// The peer's password.
    pub pwd: String,
    /// Whether the peer's agent only answers.
    pub lite: bool,
    /// The peer's candidates known so far. The agent may know some of them already.
    pub candidates: Vec<Candidate>,
    /// Whether there will be no more.
    pub end_of_candidates: bool,
    /// The peer's certificate has one of these.
    pub fingerprints: Vec<Fingerprint>,
    /// What we are in the DTLS handshake.
    pub role: Role,
    /// The credentials differ from those of the transport that runs.
    pub restart: bool,
    /// The fingerprints differ too: another peer, a new DTLS association (RFC 8842 §4).
    pub new_association: bool,
}

impl fmt::Debug for TransportPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The password is a secret.
        f.debug_struct("TransportPlan")
            .field("id", &self.id)
            .field("ufrag", &self.ufrag)
            .field("candidates", &self.candidates.len())
            .field("role", &self.role)
            .field("restart", &self.restart)
            .finish_non_exhaustive()
    }
}

/// What was agreed on data channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DataPlan {
    /// There are some.
    Open {
        /// The transport that carries them.
        transport: TransportId,
        /// The peer's SCTP port.
        remote_port: u16,
        /// The largest message that the peer takes; `None` for any.
        remote_max_message_size: Option<u64>,
    },
    /// The section was rejected: channels are closed.
    Rejected,
}
