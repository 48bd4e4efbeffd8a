//! SHUTDOWN, SHUTDOWN ACK, SHUTDOWN COMPLETE (RFC 9260 §3.3.8, §3.3.9, §3.3.13).

use core::fmt;

use super::super::{Tsn, tlv};
use crate::cursor::{Malformed, Reader, Writer};
use crate::seq::Serial32;

/// Begins an orderly end: its sender has nothing more to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shutdown {
    /// What its sender received without a gap.
    pub cumulative_tsn: Tsn,
}

impl Shutdown {
    /// The type of this chunk.
    pub const KIND: u8 = 7;

    /// Reads the chunk.
    ///
    /// # Errors
    ///
    /// [`Malformed`] if it is cut.
    pub fn parse(r: &mut Reader<'_>) -> Result<Self, Malformed> {
        let (_, mut r) = tlv::open(r, Self::KIND)?;
        Ok(Self {
            cumulative_tsn: Serial32(r.u32("cumulative TSN")?),
        })
    }

    /// The size on the wire.
    #[must_use]
    pub const fn encoded_len(&self) -> usize {
        tlv::HEADER + 4
    }

    /// Writes the chunk.
    pub fn emit(&self, w: &mut Writer<'_>) {
        tlv::write_chunk(w, Self::KIND, 0, |w| w.u32(self.cumulative_tsn.0));
    }
}

impl fmt::Display for Shutdown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SHUTDOWN cum={}", self.cumulative_tsn.0)
    }
}

/// Answers a SHUTDOWN, when all that was to be said is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShutdownAck;

impl ShutdownAck {
    /// The type of this chunk.
    pub const KIND: u8 = 8;

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

impl fmt::Display for ShutdownAck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SHUTDOWN-ACK")
    }
}

/// Says that the association is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShutdownComplete {
    /// Whether the packet's tag is the one of the packet that this answers (T).
    pub reflected: bool,
}

impl ShutdownComplete {
    /// The type of this chunk.
    pub const KIND: u8 = 14;

    /// Reads the chunk.
    ///
    /// # Errors
    ///
    /// [`Malformed`] if it is cut.
    pub fn parse(r: &mut Reader<'_>) -> Result<Self, Malformed> {
        let (flags, _) = tlv::open(r, Self::KIND)?;
        Ok(Self {
            reflected: flags & 1 != 0,
        })
    }

    /// The size on the wire.
    #[must_use]
    pub const fn encoded_len(&self) -> usize {
        tlv::HEADER
    }

    /// Writes the chunk.
    pub fn emit(&self, w: &mut Writer<'_>) {
        tlv::write_chunk(w, Self::KIND, u8::from(self.reflected), |_| ());
    }
}

impl fmt::Display for ShutdownComplete {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.reflected {
            "SHUTDOWN-COMPLETE [T]"
        } else {
            "SHUTDOWN-COMPLETE"
        })
    }
}
