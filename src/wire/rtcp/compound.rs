//! A datagram of packets (RFC 3550 §6.1, RFC 5506).

use core::fmt;
use core::iter::FusedIterator;

use super::frame::Unknown;
use super::{Packet, ReceiverReport, SenderReport};
use crate::cursor::{Malformed, Reader, Writer};

/// Packets whose frames are as they should be, one behind the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Compound<'a> {
    bytes: &'a [u8],
}

impl<'a> Compound<'a> {
    /// Checks the frame of every packet, not its content.
    ///
    /// # Errors
    ///
    /// [`Malformed`] if there is none, a frame is not as it should be, or any
    /// but the last has padding.
    pub fn parse(r: &mut Reader<'a>) -> Result<Self, Malformed> {
        let bytes = r.rest();
        let mut frames = Reader::new(bytes);
        loop {
            let frame = Unknown::parse(&mut frames)?;
            if frames.is_empty() {
                return Ok(Self { bytes });
            }
            // RFC 3550 §6.4.1: padding is for the end of the datagram.
            if frame.has_padding() {
                return Err(Malformed("RTCP padding"));
            }
        }
    }

    /// The packets, in the order of the datagram.
    #[must_use]
    pub const fn packets(&self) -> Packets<'a> {
        Packets {
            rest: Reader::new(self.bytes),
        }
    }

    /// Whether the datagram does not begin with a report, which is allowed only
    /// where signalling agreed on it (RFC 5506 §3.4.2).
    #[must_use]
    pub fn is_reduced_size(&self) -> bool {
        let first = Unknown::parse(&mut Reader::new(self.bytes));
        !first.is_ok_and(|frame| SenderReport::is(&frame) || ReceiverReport::is(&frame))
    }

    /// The size on the wire.
    #[must_use]
    pub const fn encoded_len(&self) -> usize {
        self.bytes.len()
    }

    /// Writes the datagram.
    pub fn emit(&self, w: &mut Writer<'_>) {
        w.bytes(self.bytes);
    }
}

/// All packets on one line.
impl fmt::Display for Compound<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, packet) in self.packets().enumerate() {
            f.write_str(if index == 0 { "" } else { " + " })?;
            match packet {
                Ok(packet) => packet.fmt(f)?,
                Err(malformed) => malformed.fmt(f)?,
            }
        }
        Ok(())
    }
}

/// The iterator over the packets of a datagram.
///
/// A packet whose content is not as it should be is an error, after which the
/// iterator goes on with the next packet.
#[derive(Clone, Debug)]
pub struct Packets<'a> {
    rest: Reader<'a>,
}

impl<'a> Iterator for Packets<'a> {
    type Item = Result<Packet<'a>, Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        (!self.rest.is_empty()).then(|| Packet::parse(&mut self.rest))
    }
}

impl FusedIterator for Packets<'_> {}
