//! A packet as it is in the clear: header, payload, padding.

use core::fmt;

use super::Header;
use super::header::PADDING;
use crate::cursor::{Malformed, Reader, Writer};

/// What a source sends.
///
/// A packet under SRTP has its padding encrypted: open it first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet<'a> {
    /// Whose it is, which one and of when.
    pub header: Header<'a>,
    /// What the format makes of it.
    pub payload: &'a [u8],
    /// How many bytes follow that mean nothing; the last of them is their number.
    pub padding: u8,
}

impl<'a> Packet<'a> {
    /// Reads a whole packet.
    ///
    /// # Errors
    ///
    /// [`Malformed`] if the header is, or the padding is longer than what
    /// follows the header.
    #[inline]
    pub fn parse(r: &mut Reader<'a>) -> Result<Self, Malformed> {
        let first = r.peek().first().copied().unwrap_or_default();
        let header = Header::parse(r)?;
        let body = r.rest();
        let padding = if first & PADDING == 0 {
            0
        } else {
            // RFC 3550 §5.1: the last byte counts all of the padding, itself too.
            match body.last() {
                None | Some(0) => return Err(Malformed("RTP padding")),
                Some(&count) => count,
            }
        };
        let payload = body
            .len()
            .checked_sub(usize::from(padding))
            .and_then(|len| body.get(..len))
            .ok_or(Malformed("RTP padding"))?;
        Ok(Self {
            header,
            payload,
            padding,
        })
    }

    /// The size on the wire.
    #[must_use]
    pub fn encoded_len(&self) -> usize {
        self.header.encoded_len() + self.payload.len() + usize::from(self.padding)
    }

    /// Writes the packet.
    pub fn emit(&self, w: &mut Writer<'_>) {
        let at = w.len();
        self.header.emit(w);
        w.bytes(self.payload);
        if let Some(zeros) = self.padding.checked_sub(1) {
            w.zeros(usize::from(zeros));
            w.u8(self.padding);
            let first = w.written(at).first().copied().unwrap_or_default();
            w.patch(at, &[first | PADDING]);
        }
    }
}

/// `RTP pt=111 seq=7 ts=960 ssrc=0000002c len=80`
impl fmt::Display for Packet<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RTP {} len={}", self.header, self.payload.len())?;
        if self.padding > 0 {
            write!(f, " padding={}", self.padding)?;
        }
        Ok(())
    }
}
