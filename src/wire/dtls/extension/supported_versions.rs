//! The extension that names versions since a field of the hello no longer can (RFC 8446 §4.2.1).

use crate::cursor::{Malformed, Reader, Writer};
use crate::wire::dtls::{Codes, ProtocolVersion};

/// The content of a `supported_versions` extension.
///
/// The two forms differ in their length: an offer has an odd number of bytes,
/// an answer has two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SupportedVersions<'a> {
    /// In a ClientHello: all versions, best first.
    Offered(Codes<'a>),
    /// In a ServerHello: the one.
    Selected(ProtocolVersion),
}

impl<'a> SupportedVersions<'a> {
    /// Reads the content of the extension.
    ///
    /// # Errors
    ///
    /// [`Malformed`] if it is neither form.
    pub fn parse(r: &mut Reader<'a>) -> Result<Self, Malformed> {
        const FIELD: &str = "supported_versions";
        if r.remaining() == 2 {
            return r.u16(FIELD).map(ProtocolVersion).map(Self::Selected);
        }
        Codes::prefixed_u8(r, FIELD).map(Self::Offered)
    }

    /// Whether `version` is among the offered ones.
    #[must_use]
    pub fn offers(&self, version: ProtocolVersion) -> bool {
        matches!(self, Self::Offered(codes) if codes.contains(version.0))
    }

    /// How many bytes [`emit`](Self::emit) writes.
    #[must_use]
    pub const fn encoded_len(&self) -> usize {
        match self {
            Self::Offered(codes) => 1 + codes.encoded_len(),
            Self::Selected(_) => 2,
        }
    }

    /// Writes the content of the extension.
    pub fn emit(&self, w: &mut Writer<'_>) {
        match self {
            Self::Offered(codes) => w.prefixed_u8(|w| codes.emit(w)),
            Self::Selected(version) => w.u16(version.0),
        }
    }
}
