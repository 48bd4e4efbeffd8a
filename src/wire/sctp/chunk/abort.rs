//! ABORT and ERROR: what is wrong (RFC 9260 §3.3.7, §3.3.10)?

use core::fmt;

use super::super::{Causes, tlv};
use crate::cursor::{Malformed, Reader, Writer};

/// Ends the association at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Abort<'a> {
    /// Whether the packet's tag is the one of the packet that this answers (T),
    /// because its sender knows no other.
    pub reflected: bool,
    /// Why.
    pub causes: Causes<'a>,
}

impl<'a> Abort<'a> {
    /// The type of this chunk.
    pub const KIND: u8 = 6;

    /// Reads the chunk.
    ///
    /// # Errors
    ///
    /// [`Malformed`] if it or one of its causes is cut.
    pub fn parse(r: &mut Reader<'a>) -> Result<Self, Malformed> {
        let (flags, mut r) = tlv::open(r, Self::KIND)?;
        Ok(Self {
            reflected: flags & 1 != 0,
            causes: Causes::parse(&mut r)?,
        })
    }

    /// The size on the wire.
    #[must_use]
    pub const fn encoded_len(&self) -> usize {
        tlv::padded(tlv::HEADER + self.causes.encoded_len())
    }

    /// Writes the chunk.
    pub fn emit(&self, w: &mut Writer<'_>) {
        tlv::write_chunk(w, Self::KIND, u8::from(self.reflected), |w| {
            self.causes.emit(w);
        });
    }
}

impl fmt::Display for Abort<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.reflected { "ABORT [T]" } else { "ABORT" })?;
        self.causes.fmt(f)
    }
}

/// Says what is wrong, without ending the association.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Error<'a> {
    /// What is wrong.
    pub causes: Causes<'a>,
}

impl<'a> Error<'a> {
    /// The type of this chunk.
    pub const KIND: u8 = 9;

    /// Reads the chunk.
    ///
    /// # Errors
    ///
    /// [`Malformed`] if it or one of its causes is cut.
    pub fn parse(r: &mut Reader<'a>) -> Result<Self, Malformed> {
        let (_, mut r) = tlv::open(r, Self::KIND)?;
        Ok(Self {
            causes: Causes::parse(&mut r)?,
        })
    }

    /// The size on the wire.
    #[must_use]
    pub const fn encoded_len(&self) -> usize {
        tlv::padded(tlv::HEADER + self.causes.encoded_len())
    }

    /// Writes the chunk.
    pub fn emit(&self, w: &mut Writer<'_>) {
        tlv::write_chunk(w, Self::KIND, 0, |w| self.causes.emit(w));
    }
}

impl fmt::Display for Error<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ERROR{}", self.causes)
    }
}
