//! What does an RTP packet say (RFC 3550 §5, RFC 8285)?
//!
//! A [`Packet`] is a [`Header`], a payload and padding; the header may carry
//! [`Extension`]s, whose ids an [`ExtensionMap`] explains. [`HeaderMut`] changes
//! a packet where it lies, for whoever forwards it. Everything borrows the bytes
//! it was parsed from.
//!
//! ```
//! use pollrtc::cursor::Reader;
//! use pollrtc::wire::rtp::extension::{Extension, Kind, Mid};
//! use pollrtc::wire::rtp::{ExtensionMap, Packet};
//!
//! let bytes = b"\x90\x6f\x00\x01\x00\x00\x00\x02\x00\x00\x00\x03\
//!               \xbe\xde\x00\x01\x11ab\x00payload";
//! let packet = Packet::parse(&mut Reader::new(bytes))?;
//! let mut map = ExtensionMap::new();
//! map.insert(1, Kind::Mid);
//! let mid = packet.header.extension(1).map(|value| map.decode(1, value));
//! assert_eq!(mid, Some(Ok(Extension::Mid(Mid("ab")))));
//! assert_eq!(packet.payload, b"payload");
//! # Ok::<(), pollrtc::cursor::Malformed>(())
//! ```

pub mod extension;
mod header;
mod in_place;
mod packet;
#[cfg(test)]
mod tests;

use core::fmt;

use crate::cursor::{Malformed, Reader, Writer};
use crate::seq::{Serial16, Serial32};
use crate::wire::list::Record;

pub use extension::{Extension, ExtensionMap};
pub use header::Header;
pub use in_place::{ElementMut, ElementsMut, HeaderMut};
pub use packet::Packet;

/// Which packet of its source is it? Grows by one with each, and wraps.
pub type SequenceNumber = Serial16;

/// When was the first byte of the payload sampled, in ticks of the codec's clock?
pub type Timestamp = Serial32;

/// Which source of the session sends it?
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Ssrc(pub u32);

/// Eight hexadecimal digits.
impl fmt::Display for Ssrc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", self.0)
    }
}

impl Record for Ssrc {
    const LEN: usize = 4;

    fn parse(r: &mut Reader<'_>) -> Result<Self, Malformed> {
        r.u32("SSRC").map(Self)
    }

    fn emit(&self, w: &mut Writer<'_>) {
        w.u32(self.0);
    }
}

/// Which format has the payload? Signalling says what the number stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct PayloadType(u8);

impl PayloadType {
    /// The type with this number.
    ///
    /// `None` above 127, the most that seven bits can say.
    #[must_use]
    pub const fn new(number: u8) -> Option<Self> {
        if number < 128 {
            Some(Self(number))
        } else {
            None
        }
    }

    /// The type in the low seven bits of a byte.
    #[must_use]
    pub const fn from_low_bits(byte: u8) -> Self {
        Self(byte & 0x7f)
    }

    /// Its number, below 128.
    #[must_use]
    pub const fn number(self) -> u8 {
        self.0
    }
}

impl fmt::Display for PayloadType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
