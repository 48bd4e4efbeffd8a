//! The server's two answers to a ClientHello (RFC 5246 §7.4.1.3, RFC 6347 §4.2.1).

use core::fmt;

use super::client_hello::session_id;
use crate::cursor::{Malformed, Reader, Writer};
use crate::wire::dtls::extension::Extensions;
use crate::wire::dtls::{CipherSuite, ProtocolVersion};

/// What the server chose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServerHello<'a> {
    /// The version.
    pub version: ProtocolVersion,
    /// 32 bytes that nobody can foretell.
    pub random: [u8; 32],
    /// The name of the session, if the server would resume it; at most 32 bytes.
    pub session_id: &'a [u8],
    /// The cipher suite.
    pub cipher_suite: CipherSuite,
    /// The compression method; 0 is none.
    pub compression_method: u8,
    /// The answered extensions.
    pub extensions: Extensions<'a>,
}

impl<'a> ServerHello<'a> {
    /// Reads the body of the message.
    ///
    /// # Errors
    ///
    /// [`Malformed`] if a field is cut or has an impossible length.
    pub fn parse(r: &mut Reader<'a>) -> Result<Self, Malformed> {
        Ok(Self {
            version: ProtocolVersion(r.u16("server version")?),
            random: r.array("server random")?,
            session_id: session_id(r)?,
            cipher_suite: CipherSuite(r.u16("cipher suite")?),
            compression_method: r.u8("compression method")?,
            extensions: Extensions::parse(r)?,
        })
    }

    /// How many bytes [`emit`](Self::emit) writes.
    #[must_use]
    pub fn encoded_len(&self) -> usize {
        let fixed = 2 + self.random.len() + 1 + 2 + 1;
        fixed + self.session_id.len() + self.extensions.encoded_len()
    }

    /// Writes the body of the message.
    pub fn emit(&self, w: &mut Writer<'_>) {
        w.u16(self.version.0);
        w.bytes(&self.random);
        w.prefixed_u8(|w| w.bytes(self.session_id));
        w.u16(self.cipher_suite.0);
        w.u8(self.compression_method);
        self.extensions.emit(w);
    }
}

impl fmt::Display for ServerHello<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            version,
            cipher_suite,
            extensions,
            ..
        } = self;
        write!(f, "ServerHello {version} {cipher_suite} {extensions}")
    }
}

/// The server asks for the hello again, with a cookie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HelloVerifyRequest<'a> {
    /// The server's version, or 1.0: it decides nothing (RFC 6347 §4.2.1).
    pub version: ProtocolVersion,
    /// What the next hello has to carry.
    pub cookie: &'a [u8],
}

impl<'a> HelloVerifyRequest<'a> {
    /// Reads the body of the message.
    ///
    /// # Errors
    ///
    /// [`Malformed`] if a field is cut.
    pub fn parse(r: &mut Reader<'a>) -> Result<Self, Malformed> {
        Ok(Self {
            version: ProtocolVersion(r.u16("server version")?),
            cookie: r.prefixed_u8("cookie")?,
        })
    }

    /// How many bytes [`emit`](Self::emit) writes.
    #[must_use]
    pub const fn encoded_len(&self) -> usize {
        2 + 1 + self.cookie.len()
    }

    /// Writes the body of the message.
    pub fn emit(&self, w: &mut Writer<'_>) {
        w.u16(self.version.0);
        w.prefixed_u8(|w| w.bytes(self.cookie));
    }
}
