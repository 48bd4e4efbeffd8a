//! RE-CONFIG: may streams start anew (RFC 6525 §3.1)?

use core::fmt;

use super::super::{Parameters, tlv};
use crate::cursor::{Malformed, Reader, Writer};

/// Asks for a change of streams, or answers: one or two parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReConfig<'a> {
    /// The requests and responses.
    pub parameters: Parameters<'a>,
}

impl<'a> ReConfig<'a> {
    /// The type of this chunk.
    pub const KIND: u8 = 130;

    /// Reads the chunk.
    ///
    /// # Errors
    ///
    /// [`Malformed`] if it or one of its parameters is cut.
    pub fn parse(r: &mut Reader<'a>) -> Result<Self, Malformed> {
        let (_, mut r) = tlv::open(r, Self::KIND)?;
        Ok(Self {
            parameters: Parameters::parse(&mut r)?,
        })
    }

    /// The size on the wire.
    #[must_use]
    pub const fn encoded_len(&self) -> usize {
        tlv::padded(tlv::HEADER + self.parameters.encoded_len())
    }

    /// Writes the chunk.
    pub fn emit(&self, w: &mut Writer<'_>) {
        tlv::write_chunk(w, Self::KIND, 0, |w| self.parameters.emit(w));
    }
}

impl fmt::Display for ReConfig<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RE-CONFIG")?;
        for parameter in &self.parameters {
            write!(f, " {parameter}")?;
        }
        Ok(())
    }
}
