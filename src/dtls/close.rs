//! Why did it end, and what is said about it?

use thiserror::Error;

use crate::cursor::Malformed;
use crate::wire::dtls::{Alert, AlertDescription, AlertLevel, HandshakeType};

/// Why has a [`DtlsTransport`](super::DtlsTransport) ended?
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum CloseReason {
    // Asked for.
    /// [`close`](super::DtlsTransport::close) was called for no fault of the peer.
    #[error("closed")]
    Requested,
    /// The peer said close_notify.
    #[error("closed by the peer")]
    ByPeer,

    // The peer is not who it should be.
    /// The certificate is not the one whose fingerprint was signalled. Said by
    /// the owner, who knows the fingerprint.
    #[error("certificate does not match the signalled fingerprint")]
    BadFingerprint,
    /// The certificate could not be read.
    #[error("bad certificate")]
    BadCertificate,
    /// The certificate has a key that the provider cannot use.
    #[error("certificate with an unsupported key")]
    UnsupportedCertificate,
    /// The client showed no certificate.
    #[error("no certificate")]
    NoCertificate,

    // The peer misbehaved.
    /// This field could not be parsed.
    #[error("malformed {0}")]
    Malformed(&'static str),
    /// This message came out of turn.
    #[error("unexpected {0}")]
    Unexpected(HandshakeType),
    /// This field contradicts another, or the protocol.
    #[error("illegal {0}")]
    IllegalParameter(&'static str),
    /// The server answered an extension that was not offered.
    #[error("unsolicited extension")]
    UnsolicitedExtension,
    /// A signature does not verify: the peer does not own its certificate.
    #[error("bad signature")]
    BadSignature,
    /// The two ends have not seen the same handshake.
    #[error("bad Finished message")]
    BadFinished,

    // The peer is too different.
    /// It does not speak DTLS 1.2.
    #[error("no protocol version in common")]
    Version,
    /// There is none of this in common, or it lacks what we require.
    #[error("no {0} in common")]
    Incompatible(&'static str),

    // A limit of our own.
    /// The handshake did not end in time.
    #[error("handshake timed out")]
    TimedOut,
    /// The keys have protected as many records as they may, or met as many
    /// forgeries (RFC 9147 §4.5.3).
    #[error("keys are used up")]
    KeysUsedUp,
    /// The provider does not offer what the protocol requires.
    #[error("crypto provider lacks an algorithm")]
    Provider,

    // Said by the peer.
    /// The peer ended it, for this reason.
    #[error("ended by the peer: {0}")]
    Alerted(AlertDescription),
}

impl CloseReason {
    /// What the peer is told, if anything.
    #[must_use]
    pub const fn to_alert(self) -> Option<Alert> {
        Some(Alert::fatal(match self {
            // RFC 5246 §7.2.1: close_notify is answered with close_notify.
            Self::Requested | Self::ByPeer => {
                return Some(Alert::warning(AlertDescription::CloseNotify));
            }
            Self::TimedOut | Self::Alerted(_) => return None,
            Self::BadFingerprint | Self::BadCertificate => AlertDescription::BadCertificate,
            Self::UnsupportedCertificate => AlertDescription::UnsupportedCertificate,
            // RFC 5246 §7.4.6: a client without a certificate gets handshake_failure.
            Self::NoCertificate | Self::Incompatible(_) => AlertDescription::HandshakeFailure,
            Self::Malformed(_) => AlertDescription::DecodeError,
            Self::Unexpected(_) => AlertDescription::UnexpectedMessage,
            Self::IllegalParameter(_) => AlertDescription::IllegalParameter,
            Self::UnsolicitedExtension => AlertDescription::UnsupportedExtension,
            Self::BadSignature | Self::BadFinished => AlertDescription::DecryptError,
            Self::Version => AlertDescription::ProtocolVersion,
            Self::KeysUsedUp | Self::Provider => AlertDescription::InternalError,
        }))
    }

    /// What an alert of the peer means; `None` if the peer goes on.
    #[must_use]
    pub fn from_alert(alert: Alert) -> Option<Self> {
        match alert {
            Alert {
                description: AlertDescription::CloseNotify,
                ..
            } => Some(Self::ByPeer),
            Alert {
                level: AlertLevel::Fatal,
                description,
            } => Some(Self::Alerted(description)),
            Alert {
                level: AlertLevel::Warning,
                ..
            } => None,
        }
    }

    /// Whether the end was in order: asked for by one of the two.
    #[must_use]
    pub const fn is_orderly(self) -> bool {
        matches!(self, Self::Requested | Self::ByPeer)
    }
}

impl From<Malformed> for CloseReason {
    fn from(Malformed(field): Malformed) -> Self {
        Self::Malformed(field)
    }
}
