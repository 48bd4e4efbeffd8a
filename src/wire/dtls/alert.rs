//! Alerts: how a peer says that it stops, and why (RFC 5246 §7.2).

use core::fmt;

use crate::cursor::{Malformed, Reader, Writer};

/// Does the sender of an alert go on?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AlertLevel {
    /// It goes on.
    Warning,
    /// It has ended the association.
    Fatal,
}

macro_rules! descriptions {
    ($($code:literal $name:ident $text:literal $doc:literal,)+) => {
        /// What does an alert say?
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum AlertDescription {
            $(#[doc = $doc] $name,)+
            /// A code that is not known here.
            Unknown(u8),
        }

        impl AlertDescription {
            /// The description with this code.
            #[must_use]
            pub const fn from_code(code: u8) -> Self {
                match code {
                    $($code => Self::$name,)+
                    _ => Self::Unknown(code),
                }
            }

            /// The code on the wire.
            #[must_use]
            pub const fn code(self) -> u8 {
                match self {
                    $(Self::$name => $code,)+
                    Self::Unknown(code) => code,
                }
            }
        }

        impl fmt::Display for AlertDescription {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    $(Self::$name => f.write_str($text),)+
                    Self::Unknown(code) => write!(f, "alert {code}"),
                }
            }
        }
    };
}

descriptions! {
    0 CloseNotify "close_notify" "The sender will send nothing more.",
    10 UnexpectedMessage "unexpected_message" "A message came out of turn.",
    20 BadRecordMac "bad_record_mac" "A record was not authentic.",
    22 RecordOverflow "record_overflow" "A record was too long.",
    40 HandshakeFailure "handshake_failure" "There is no set of parameters that both accept.",
    42 BadCertificate "bad_certificate" "The certificate is damaged or not the one that was promised.",
    43 UnsupportedCertificate "unsupported_certificate" "The certificate is of a kind that the sender cannot use.",
    44 CertificateRevoked "certificate_revoked" "The certificate was revoked.",
    45 CertificateExpired "certificate_expired" "The certificate is no longer valid.",
    46 CertificateUnknown "certificate_unknown" "The certificate was refused for another reason.",
    47 IllegalParameter "illegal_parameter" "A field contradicts another or the protocol.",
    48 UnknownCa "unknown_ca" "The issuer of the certificate is not trusted.",
    49 AccessDenied "access_denied" "The certificate is valid but not allowed.",
    50 DecodeError "decode_error" "A message could not be parsed.",
    51 DecryptError "decrypt_error" "A signature or a Finished message was wrong.",
    70 ProtocolVersion "protocol_version" "No version is in common.",
    71 InsufficientSecurity "insufficient_security" "The sender demands stronger ciphers.",
    80 InternalError "internal_error" "The sender failed for reasons of its own.",
    86 InappropriateFallback "inappropriate_fallback" "A lower version was tried without need.",
    90 UserCanceled "user_canceled" "The sender's user gave up.",
    100 NoRenegotiation "no_renegotiation" "The sender does not negotiate again.",
    109 MissingExtension "missing_extension" "An extension is required and was not sent.",
    110 UnsupportedExtension "unsupported_extension" "An extension was answered that had not been offered.",
    112 UnrecognizedName "unrecognized_name" "No server of this name.",
    113 BadCertificateStatusResponse "bad_certificate_status_response" "The status response was not valid.",
    116 CertificateRequired "certificate_required" "A certificate is required and was not sent.",
    120 NoApplicationProtocol "no_application_protocol" "No application protocol is in common.",
}

/// An alert message.
///
/// ```text
///  0               1
///  0 1 2 3 4 5 6 7 0 1 2 3 4 5 6 7
/// +---------------+---------------+
/// |     level     |  description  |
/// +---------------+---------------+
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Alert {
    /// Whether the sender goes on.
    pub level: AlertLevel,
    /// What it says.
    pub description: AlertDescription,
}

impl Alert {
    /// The length of every alert.
    pub const LEN: usize = 2;

    /// The alert that ends an association.
    #[must_use]
    pub const fn fatal(description: AlertDescription) -> Self {
        Self {
            level: AlertLevel::Fatal,
            description,
        }
    }

    /// An alert after which the sender goes on, or closes in order.
    #[must_use]
    pub const fn warning(description: AlertDescription) -> Self {
        Self {
            level: AlertLevel::Warning,
            description,
        }
    }

    /// Reads an alert.
    ///
    /// # Errors
    ///
    /// [`Malformed`] if it is cut or its level is none.
    pub fn parse(r: &mut Reader<'_>) -> Result<Self, Malformed> {
        let level = match r.u8("alert level")? {
            1 => AlertLevel::Warning,
            2 => AlertLevel::Fatal,
            _ => return Err(Malformed("alert level")),
        };
        let description = AlertDescription::from_code(r.u8("alert description")?);
        Ok(Self { level, description })
    }

    /// How many bytes [`emit`](Self::emit) writes.
    #[must_use]
    pub const fn encoded_len(&self) -> usize {
        Self::LEN
    }

    /// Writes the alert.
    pub fn emit(&self, w: &mut Writer<'_>) {
        w.u8(match self.level {
            AlertLevel::Warning => 1,
            AlertLevel::Fatal => 2,
        });
        w.u8(self.description.code());
    }
}

impl fmt::Display for Alert {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let level = match self.level {
            AlertLevel::Warning => "warning",
            AlertLevel::Fatal => "fatal",
        };
        write!(f, "Alert {level} {}", self.description)
    }
}
