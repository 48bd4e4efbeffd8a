//! Handshake messages: a common header, fragments of it, and the bodies
//! (RFC 6347 §4.2.2, RFC 5246 §7.4).

mod certificate;
mod certificate_request;
mod client_hello;
mod key_exchange;
mod server_hello;
mod signed;

use core::fmt;

use crate::cursor::{Malformed, Reader, Writer};

pub use certificate::{Certificate, Chain};
pub use certificate_request::CertificateRequest;
pub use client_hello::ClientHello;
pub use key_exchange::{ClientKeyExchange, ServerKeyExchange};
pub use server_hello::{HelloVerifyRequest, ServerHello};
pub use signed::{CertificateVerify, DigitallySigned, Finished};

/// How many bytes the header of a fragment has.
pub const HANDSHAKE_HEADER_LEN: usize = 12;

macro_rules! handshake_types {
    ($($code:literal $name:ident $doc:literal,)+) => {
        /// Which handshake message?
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum HandshakeType {
            $(#[doc = $doc] $name,)+
            /// A message that is not known here.
            Unknown(u8),
        }

        impl HandshakeType {
            /// The type with this code.
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

        impl fmt::Display for HandshakeType {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    $(Self::$name => f.write_str(stringify!($name)),)+
                    Self::Unknown(code) => write!(f, "handshake type {code}"),
                }
            }
        }
    };
}

handshake_types! {
    0 HelloRequest "The server asks for a renegotiation.",
    1 ClientHello "What the client offers.",
    2 ServerHello "What the server chose.",
    3 HelloVerifyRequest "The server asks for the hello again, with a cookie.",
    4 NewSessionTicket "A ticket for a later session.",
    11 Certificate "The sender's certificate chain.",
    12 ServerKeyExchange "The server's half of the key agreement, signed.",
    13 CertificateRequest "The server wants a certificate.",
    14 ServerHelloDone "The end of the server's flight.",
    15 CertificateVerify "The client's proof that it owns its certificate.",
    16 ClientKeyExchange "The client's half of the key agreement.",
    20 Finished "A hash of the handshake under the new keys.",
}

/// A part of a handshake message, or all of it.
///
/// ```text
///  0               1               2               3
///  0 1 2 3 4 5 6 7 0 1 2 3 4 5 6 7 0 1 2 3 4 5 6 7 0 1 2 3 4 5 6 7
/// +---------------+-----------------------------------------------+
/// |     type      |             length of the message             |
/// +---------------+---------------+-------------------------------+
/// |       message sequence        |        fragment offset        |
/// +---------------+---------------+-------------------------------+
/// | frag. offset  |              fragment length                  |
/// +---------------+-----------------------------------------------+
/// | …
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fragment<'a> {
    /// Which message.
    pub kind: HandshakeType,
    /// The length of the whole body; 24 bits.
    pub length: u32,
    /// The number of the message in its handshake.
    pub sequence: u16,
    /// Where in the body this part starts; 24 bits.
    pub offset: u32,
    /// This part of the body.
    pub bytes: &'a [u8],
}

impl<'a> Fragment<'a> {
    /// Reads a fragment.
    ///
    /// # Errors
    ///
    /// [`Malformed`] if it is cut or lies outside its message.
    pub fn parse(r: &mut Reader<'a>) -> Result<Self, Malformed> {
        let kind = HandshakeType::from_code(r.u8("handshake type")?);
        let length = r.u24("handshake length")?;
        let sequence = r.u16("message sequence")?;
        let offset = r.u24("fragment offset")?;
        let bytes = r.prefixed_u24("fragment")?;
        // Both are less than 2^24: the sum does not overflow.
        if offset as usize + bytes.len() > length as usize {
            return Err(Malformed("fragment offset"));
        }
        Ok(Self {
            kind,
            length,
            sequence,
            offset,
            bytes,
        })
    }

    /// Whether this is a whole message.
    #[must_use]
    pub const fn is_whole(&self) -> bool {
        self.bytes.len() == self.length as usize
    }

    /// How many bytes [`emit`](Self::emit) writes.
    #[must_use]
    pub const fn encoded_len(&self) -> usize {
        HANDSHAKE_HEADER_LEN + self.bytes.len()
    }

    /// Writes the fragment.
    pub fn emit(&self, w: &mut Writer<'_>) {
        w.u8(self.kind.code());
        w.u24(self.length);
        w.u16(self.sequence);
        w.u24(self.offset);
        w.prefixed_u24(|w| w.bytes(self.bytes));
    }
}

impl fmt::Display for Fragment<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_whole() {
            return match Message::parse(self.kind, self.bytes) {
                Ok(message) => write!(f, "{message}"),
                Err(malformed) => write!(f, "{} {malformed}", self.kind),
            };
        }
        let end = self.offset as usize + self.bytes.len();
        write!(f, "{} {}..{end}/{}", self.kind, self.offset, self.length)
    }
}

/// The body of a handshake message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Message<'a> {
    /// The server asks for a renegotiation.
    HelloRequest,
    /// What the client offers.
    ClientHello(ClientHello<'a>),
    /// What the server chose.
    ServerHello(ServerHello<'a>),
    /// The server asks for the hello again, with a cookie.
    HelloVerifyRequest(HelloVerifyRequest<'a>),
    /// The sender's certificate chain.
    Certificate(Certificate<'a>),
    /// The server's half of the key agreement, signed.
    ServerKeyExchange(ServerKeyExchange<'a>),
    /// The server wants a certificate.
    CertificateRequest(CertificateRequest<'a>),
    /// The end of the server's flight.
    ServerHelloDone,
    /// The client's proof that it owns its certificate.
    CertificateVerify(CertificateVerify<'a>),
    /// The client's half of the key agreement.
    ClientKeyExchange(ClientKeyExchange<'a>),
    /// A hash of the handshake under the new keys.
    Finished(Finished<'a>),
    /// Anything else.
    Unknown {
        /// Which message.
        kind: HandshakeType,
        /// Its body.
        bytes: &'a [u8],
    },
}

impl<'a> Message<'a> {
    /// Reads the body of a message, all of `body`.
    ///
    /// # Errors
    ///
    /// [`Malformed`] if a field is cut or something is left over.
    pub fn parse(kind: HandshakeType, body: &'a [u8]) -> Result<Self, Malformed> {
        let r = &mut Reader::new(body);
        let message = match kind {
            HandshakeType::HelloRequest => Self::HelloRequest,
            HandshakeType::ClientHello => Self::ClientHello(ClientHello::parse(r)?),
            HandshakeType::ServerHello => Self::ServerHello(ServerHello::parse(r)?),
            HandshakeType::HelloVerifyRequest => {
                Self::HelloVerifyRequest(HelloVerifyRequest::parse(r)?)
            }
            HandshakeType::Certificate => Self::Certificate(Certificate::parse(r)?),
            HandshakeType::ServerKeyExchange => {
                Self::ServerKeyExchange(ServerKeyExchange::parse(r)?)
            }
            HandshakeType::CertificateRequest => {
                Self::CertificateRequest(CertificateRequest::parse(r)?)
            }
            HandshakeType::ServerHelloDone => Self::ServerHelloDone,
            HandshakeType::CertificateVerify => {
                Self::CertificateVerify(CertificateVerify::parse(r)?)
            }
            HandshakeType::ClientKeyExchange => {
                Self::ClientKeyExchange(ClientKeyExchange::parse(r)?)
            }
            HandshakeType::Finished => Self::Finished(Finished::parse(r)?),
            HandshakeType::NewSessionTicket | HandshakeType::Unknown(_) => Self::Unknown {
                kind,
                bytes: r.rest(),
            },
        };
        r.finish("handshake length")?;
        Ok(message)
    }

    /// Which message it is.
    #[must_use]
    pub const fn kind(&self) -> HandshakeType {
        match self {
            Self::HelloRequest => HandshakeType::HelloRequest,
            Self::ClientHello(_) => HandshakeType::ClientHello,
            Self::ServerHello(_) => HandshakeType::ServerHello,
            Self::HelloVerifyRequest(_) => HandshakeType::HelloVerifyRequest,
            Self::Certificate(_) => HandshakeType::Certificate,
            Self::ServerKeyExchange(_) => HandshakeType::ServerKeyExchange,
            Self::CertificateRequest(_) => HandshakeType::CertificateRequest,
            Self::ServerHelloDone => HandshakeType::ServerHelloDone,
            Self::CertificateVerify(_) => HandshakeType::CertificateVerify,
            Self::ClientKeyExchange(_) => HandshakeType::ClientKeyExchange,
            Self::Finished(_) => HandshakeType::Finished,
            Self::Unknown { kind, .. } => *kind,
        }
    }

    /// How many bytes [`emit`](Self::emit) writes.
    #[must_use]
    pub fn encoded_len(&self) -> usize {
        match self {
            Self::HelloRequest | Self::ServerHelloDone => 0,
            Self::ClientHello(message) => message.encoded_len(),
            Self::ServerHello(message) => message.encoded_len(),
            Self::HelloVerifyRequest(message) => message.encoded_len(),
            Self::Certificate(message) => message.encoded_len(),
            Self::ServerKeyExchange(message) => message.encoded_len(),
            Self::CertificateRequest(message) => message.encoded_len(),
            Self::CertificateVerify(message) => message.encoded_len(),
            Self::ClientKeyExchange(message) => message.encoded_len(),
            Self::Finished(message) => message.encoded_len(),
            Self::Unknown { bytes, .. } => bytes.len(),
        }
    }

    /// Writes the body.
    pub fn emit(&self, w: &mut Writer<'_>) {
        match self {
            Self::HelloRequest | Self::ServerHelloDone => {}
            Self::ClientHello(message) => message.emit(w),
            Self::ServerHello(message) => message.emit(w),
            Self::HelloVerifyRequest(message) => message.emit(w),
            Self::Certificate(message) => message.emit(w),
            Self::ServerKeyExchange(message) => message.emit(w),
            Self::CertificateRequest(message) => message.emit(w),
            Self::CertificateVerify(message) => message.emit(w),
            Self::ClientKeyExchange(message) => message.emit(w),
            Self::Finished(message) => message.emit(w),
            Self::Unknown { bytes, .. } => w.bytes(bytes),
        }
    }
}

impl fmt::Display for Message<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ClientHello(message) => write!(f, "{message}"),
            Self::ServerHello(message) => write!(f, "{message}"),
            _ => write!(f, "{}", self.kind()),
        }
    }
}
