//! How loud is it (RFC 6464, RFC 6465)?

use core::fmt;

use crate::cursor::{Malformed, Reader, Writer};

/// How loud the packet's sound is, so that a mixer need not decode it (RFC 6464 §3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AudioLevel {
    /// Whether somebody talks, if the sender knows to tell; `false` if not.
    pub voice: bool,
    /// How far below the loudest, in decibels: 0 to 127.
    pub below: u8,
}

impl AudioLevel {
    /// Reads the value.
    ///
    /// # Errors
    ///
    /// [`Malformed`] if it is empty.
    pub fn parse(r: &mut Reader<'_>) -> Result<Self, Malformed> {
        let byte = r.u8("audio level")?;
        Ok(Self {
            voice: byte & 0x80 != 0,
            below: byte & 0x7f,
        })
    }

    /// The size on the wire.
    #[must_use]
    pub const fn encoded_len(&self) -> usize {
        1
    }

    /// Writes the value; a level above 127 is written as 127.
    pub fn emit(&self, w: &mut Writer<'_>) {
        w.u8(u8::from(self.voice) << 7 | self.below.min(0x7f));
    }
}

/// `level=-30dB voice`
impl fmt::Display for AudioLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let voice = if self.voice { " voice" } else { "" };
        write!(f, "level=-{}dB{voice}", self.below)
    }
}

/// How loud each contributor of a mixed packet is (RFC 6465 §3), in the order of
/// the header's CSRCs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MixerLevels<'a>(&'a [u8]);

impl<'a> MixerLevels<'a> {
    /// Levels from one byte each; the high bit means nothing.
    #[must_use]
    pub const fn new(levels: &'a [u8]) -> Self {
        Self(levels)
    }

    /// Reads the value.
    ///
    /// # Errors
    ///
    /// [`Malformed`] if it is empty.
    pub fn parse(r: &mut Reader<'a>) -> Result<Self, Malformed> {
        match r.rest() {
            [] => Err(Malformed("mixer levels")),
            levels => Ok(Self(levels)),
        }
    }

    /// How far below the loudest each is, in decibels: 0 to 127.
    pub fn below(&self) -> impl ExactSizeIterator<Item = u8> + use<'a> {
        self.0.iter().map(|byte| byte & 0x7f)
    }

    /// The size on the wire.
    #[must_use]
    pub const fn encoded_len(&self) -> usize {
        self.0.len()
    }

    /// Writes the value.
    pub fn emit(&self, w: &mut Writer<'_>) {
        w.bytes(self.0);
    }
}

/// `levels=[-30 -127]`
impl fmt::Display for MixerLevels<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "levels=[";
        for below in self.below() {
            write!(f, "{separator}-{below}")?;
            separator = " ";
        }
        f.write_str("]")
    }
}
