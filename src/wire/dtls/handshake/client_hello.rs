//! The message that begins a handshake (RFC 6347 §4.2.1).

use core::fmt;

use crate::cursor::{Malformed, Reader, Writer};
use crate::wire::dtls::extension::{Extensions, SupportedVersions, is_grease};
use crate::wire::dtls::{Codes, Extension, ProtocolVersion};

/// What the client offers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientHello<'a> {
    /// The highest version, up to 1.2; later ones are in an extension.
    pub version: ProtocolVersion,
    /// 32 bytes that nobody can foretell.
    pub random: [u8; 32],
    /// The session to resume, or nothing; at most 32 bytes.
    pub session_id: &'a [u8],
    /// What a HelloVerifyRequest gave, or nothing.
    pub cookie: &'a [u8],
    /// The cipher suites, best first.
    pub cipher_suites: Codes<'a>,
    /// The compression methods; 0 is none.
    pub compression_methods: &'a [u8],
    /// The extensions.
    pub extensions: Extensions<'a>,
}

impl<'a> ClientHello<'a> {
    /// Reads the body of the message.
    ///
    /// # Errors
    ///
    /// [`Malformed`] if a field is cut or has an impossible length.
    pub fn parse(r: &mut Reader<'a>) -> Result<Self, Malformed> {
        let version = ProtocolVersion(r.u16("client version")?);
        let random = r.array("client random")?;
        let session_id = session_id(r)?;
        let cookie = r.prefixed_u8("cookie")?;
        let cipher_suites = Codes::prefixed_u16(r, "cipher suites")?;
        let compression_methods = r.prefixed_u8("compression methods")?;
        if compression_methods.is_empty() {
            return Err(Malformed("compression methods"));
        }
        let extensions = Extensions::parse(r)?;
        Ok(Self {
            version,
            random,
            session_id,
            cookie,
            cipher_suites,
            compression_methods,
            extensions,
        })
    }

    /// Whether `version` is offered, by the extension or, without it, by the field.
    #[must_use]
    pub fn offers(&self, version: ProtocolVersion) -> bool {
        match self.supported_versions() {
            // RFC 8446 §4.2.1: with the extension, the field says nothing.
            Some(versions) => versions.offers(version),
            // DTLS counts downwards, and a client supports what is below its highest.
            None => self.version.is_dtls() && self.version.0 <= version.0,
        }
    }

    /// How many bytes [`emit`](Self::emit) writes.
    #[must_use]
    pub fn encoded_len(&self) -> usize {
        2 + self.random.len()
            + (1 + self.session_id.len())
            + (1 + self.cookie.len())
            + (2 + self.cipher_suites.encoded_len())
            + (1 + self.compression_methods.len())
            + self.extensions.encoded_len()
    }

    /// Writes the body of the message.
    pub fn emit(&self, w: &mut Writer<'_>) {
        w.u16(self.version.0);
        w.bytes(&self.random);
        w.prefixed_u8(|w| w.bytes(self.session_id));
        w.prefixed_u8(|w| w.bytes(self.cookie));
        w.prefixed_u16(|w| self.cipher_suites.emit(w));
        w.prefixed_u8(|w| w.bytes(self.compression_methods));
        self.extensions.emit(w);
    }

    fn supported_versions(&self) -> Option<SupportedVersions<'a>> {
        self.extensions
            .iter()
            .find_map(|extension| match extension {
                Extension::SupportedVersions(versions) => Some(versions),
                _ => None,
            })
    }
}

impl fmt::Display for ClientHello<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientHello ")?;
        match self.supported_versions() {
            Some(SupportedVersions::Offered(codes)) => {
                let known = codes.iter().filter(|&code| !is_grease(code));
                for (index, code) in known.enumerate() {
                    let separator = if index == 0 { "" } else { "," };
                    write!(f, "{separator}{}", ProtocolVersion(code))?;
                }
            }
            _ => write!(f, "{}", self.version)?,
        }
        if !self.cookie.is_empty() {
            f.write_str(" cookie")?;
        }
        write!(f, " {}", self.extensions)
    }
}

/// RFC 5246 §7.4.1.2: a session id has at most 32 bytes.
pub(super) fn session_id<'a>(r: &mut Reader<'a>) -> Result<&'a [u8], Malformed> {
    match r.prefixed_u8("session id")? {
        id if id.len() > 32 => Err(Malformed("session id")),
        id => Ok(id),
    }
}
