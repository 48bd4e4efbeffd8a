//! COOKIE ECHO and COOKIE ACK (RFC 9260 §3.3.11, §3.3.12).

use core::fmt;

use super::super::tlv;
use crate::cursor::{Malformed, Reader, Writer};

/// Gives the cookie of an INIT ACK back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CookieEcho<'a> {
    /// The cookie, as it came.
    pub cookie: &'a [u8],
}

impl<'a> CookieEcho<'a> {
    /// The type of this chunk.
    pub const KIND: u8 = 10;

    /// Reads the chunk.
    ///
    /// # Errors
    ///
    /// [`Malformed`] if it is cut.
    pub fn parse(r: &mut Reader<'a>) -> Result<Self, Malformed> {
        let (_, mut r) = tlv::open(r, Self::KIND)?;
        Ok(Self { cookie: r.rest() })
    }

    /// The size on the wire.
    #[must_use]
    pub const fn encoded_len(&self) -> usize {
        tlv::padded(tlv::HEADER + self.cookie.len())
    }

    /// Writes the chunk.
    pub fn emit(&self, w: &mut Writer<'_>) {
        tlv::write_chunk(w, Self::KIND, 0, |w| w.bytes(self.cookie));
    }
}

impl fmt::Display for CookieEcho<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "COOKIE-ECHO len={}", self.cookie.len())
    }
}

/// Says that the association is up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CookieAck;

impl CookieAck {
    /// The type of this chunk.
    pub const KIND: u8 = 11;

    /// Reads the chunk.
    ///
    /// # Errors
    ///
    /// [`Malformed`] if it is cut.
    pub fn parse(r: &mut Reader<'_>) -> Result<Self, Malformed> {
        tlv::open(r, Self::KIND).map(|_| Self)
    }

    /// The size on the wire.
    #[must_use]
    pub const fn encoded_len(&self) -> usize {
        tlv::HEADER
    }

    /// Writes the chunk.
    pub fn emit(&self, w: &mut Writer<'_>) {
        tlv::write_chunk(w, Self::KIND, 0, |_| ());
    }
}

impl fmt::Display for CookieAck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("COOKIE-ACK")
    }
}
