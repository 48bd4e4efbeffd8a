//! What do two descriptions agree on (RFC 8829, RFC 9429, RFC 3264)?
//!
//! A [`Session`] is the signaling state machine of the W3C and nothing more: it
//! owns no transport and does no I/O. The roof tells it the facts of its
//! transports ([`Local`]) and is told what to do with them ([`Plan`]).
//!
//! ```text
//!                      set_local(offer)              set_remote(answer)
//!           ┌────────► have-local-offer ─────────────────────┐
//!           │              │ set_remote(pranswer)            ▼
//!        stable            └──────► have-remote-pranswer ──► stable
//!           │
//!           │          set_remote(offer)             set_local(answer)
//!           └────────► have-remote-offer ────────────────────┐
//!                          │ set_local(pranswer)             ▼
//!                          └──────► have-local-pranswer ───► stable
//!
//!        rollback leads from an offer back to stable; close leads to closed.
//! ```
//!
//! Every operation first computes everything and then changes the session, so an
//! error leaves it as it was. (With one exception that the W3C wants: an offer
//! that comes in *have-local-offer* rolls our own offer back even if it cannot be
//! read itself.)
//!
//! ```
//! # use pollrtc::{crypto::{HashId, certificate::Fingerprint}, rng::Rng};
//! # use pollrtc::jsep::{DescriptionError, Local, LocalTransport, OfferOptions, SdpType, Session,
//! #     SessionConfig, SignalingState, TransportId};
//! # fn main() -> Result<(), DescriptionError> {
//! # let sha256 = format!("sha-256 {}", ["AB"; 32].join(":"));
//! # let fingerprints = [Fingerprint::parse(&sha256).unwrap()];
//! # let transport = |ufrag, pwd| [LocalTransport { id: TransportId::FIRST, ufrag, pwd, next_ufrag: "next",
//! #     next_pwd: "nextNextNextNextNextNext", candidates: &[], gathered: false }];
//! # let alice_transport = transport("aliC", "aliceAliceAliceAliceAlice");
//! # let bob_transport = transport("bobB", "bobBobBobBobBobBobBobBob");
//! # let facts = |transports| Local { transports, lite: false, fingerprints: &fingerprints,
//! #     sctp_port: 5000, max_message_size: 262_144 };
//! let alice_facts = facts(&alice_transport); // of her ICE agents and certificate
//! let bob_facts = facts(&bob_transport);
//! let mut rng = Rng::from_number(1);
//! let mut alice = Session::new(SessionConfig::default(), &mut rng);
//! let mut bob = Session::new(SessionConfig::default(), &mut rng);
//!
//! alice.want_data_channels();
//! let offer = alice.create_offer(OfferOptions::default(), &alice_facts)?;
//! alice.set_local(Some(SdpType::Offer), &offer, &alice_facts)?;
//! bob.set_remote(SdpType::Offer, &offer)?;
//!
//! let plan = bob.set_local(None, "", &bob_facts)?; // implicit: creates an answer and applies it
//! assert_eq!(plan.transports[0].ufrag, "aliC"); // the answer starts the transport
//!
//! let answer = bob.local_description(&bob_facts).expect("just set");
//! let plan = alice.set_remote(answer.kind, &answer.sdp)?;
//! assert!(plan.transports.len() == 1 && plan.data.is_some());
//! assert_eq!(alice.signaling_state(), SignalingState::Stable);
//! # Ok(()) }
//! ```
//!
//! Sections of media belong to transceivers: [`Session::add_transceiver`] and
//! [`Session::add_track`] make them, and so do the peer's offers, if the
//! configuration says that there is something to send or receive
//! ([`MediaCapabilities`]). Sections share a transport if the peer can do that too
//! ([`BundlePolicy`]); the roof makes as many as [`Session::transports_for_offer`] and
//! [`Session::transports_for_answer`] say.

mod answer;
mod apply;
mod candidate;
mod created;
mod known;
mod lanes;
mod media;
mod offer;
mod plan;
mod reading;
mod senders;
mod session;
mod settlement;
mod sync;
mod text;
mod tracks;
mod trickle;
mod write;

use core::fmt;

use alloc::string::String;

use crate::wire::sdp::SdpError;

pub use media::{
    Capabilities, Codec, Encoding, EncodingLimits, EncodingParameters, HeaderExtension, Kind,
    MediaCapabilities, Priority, RemoteStreams, Stream, Transceiver, TransceiverId,
    TransceiverInit,
};
pub use plan::{
    BundlePolicy, DataPlan, Local, LocalTransport, MAX_TRANSPORTS, MediaPlan, Plan, StreamChange,
    TrackChange, TransportId, TransportPlan,
};
pub use senders::{HeaderExtensionChoice, OfferOptions, SendParameters};
pub use session::{Session, SessionConfig};
pub use trickle::{IceCandidate, Trickle};

/// What is a description in the exchange (RFC 8829 §4.1.8)?
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SdpType {
    /// A proposal.
    Offer,
    /// A reply that may still be replaced.
    Pranswer,
    /// The reply that settles the exchange.
    Answer,
    /// No description: takes the last offer back.
    Rollback,
}

impl SdpType {
    /// The W3C's word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Offer => "offer",
            Self::Pranswer => "pranswer",
            Self::Answer => "answer",
            Self::Rollback => "rollback",
        }
    }

    /// Reads the W3C's word; `None` if it is another.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Some(match word {
            "offer" => Self::Offer,
            "pranswer" => Self::Pranswer,
            "answer" => Self::Answer,
            "rollback" => Self::Rollback,
            _ => return None,
        })
    }
}

impl fmt::Display for SdpType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Where is the exchange (RFC 8829 §3.2)?
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum SignalingState {
    /// No exchange is under way.
    #[default]
    Stable,
    /// Our offer waits for an answer.
    HaveLocalOffer,
    /// The peer's offer waits for our answer.
    HaveRemoteOffer,
    /// We answered provisionally.
    HaveLocalPranswer,
    /// The peer answered provisionally.
    HaveRemotePranswer,
    /// The connection is closed.
    Closed,
}

impl SignalingState {
    /// The W3C's word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Stable => "stable",
            Self::HaveLocalOffer => "have-local-offer",
            Self::HaveRemoteOffer => "have-remote-offer",
            Self::HaveLocalPranswer => "have-local-pranswer",
            Self::HaveRemotePranswer => "have-remote-pranswer",
            Self::Closed => "closed",
        }
    }
}

impl fmt::Display for SignalingState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A description and its part in the exchange.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description {
    /// Which part.
    pub kind: SdpType,
    /// Its text; empty for a rollback.
    pub sdp: String,
}

/// Why was a description, or a candidate, not taken?
///
/// Named after the W3C's exceptions. Nothing has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DescriptionError {
    /// Not in this signaling state, or after closing. Ask
    /// [`Session::signaling_state`] and wait, or roll back.
    #[error("not possible in this signaling state")]
    InvalidState,
    /// It is no session description; fix the line.
    #[error("bad description: {0}")]
    Syntax(SdpError),
    /// It can be read but makes no sense here; the text says what is wrong.
    #[error("unacceptable description: {0}")]
    InvalidAccess(&'static str),
    /// It changes what must not change: a description of ours is not what was created
    /// last, a codec is none of the capabilities, a list has not the entries it had.
    /// Begin anew with what the connection says now.
    #[error("a change that is not allowed")]
    InvalidModification,
    /// A number is outside of what is allowed; the text says which.
    #[error("out of range: {0}")]
    Range(&'static str),
    /// An argument is missing or contradicts another; the text says which.
    #[error("bad argument: {0}")]
    Type(&'static str),
    /// It cannot be done with the descriptions that are set; the text says why.
    #[error("{0}")]
    Operation(&'static str),
}

impl DescriptionError {
    /// The W3C's name for it.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::InvalidState => "InvalidStateError",
            Self::Syntax(_) => "SyntaxError",
            Self::InvalidAccess(_) => "InvalidAccessError",
            Self::InvalidModification => "InvalidModificationError",
            Self::Range(_) => "RangeError",
            Self::Type(_) => "TypeError",
            Self::Operation(_) => "OperationError",
        }
    }
}

// Not a "source": the message says it already.
impl From<SdpError> for DescriptionError {
    fn from(error: SdpError) -> Self {
        Self::Syntax(error)
    }
}
