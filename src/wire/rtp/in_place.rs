//! Changes in a packet that stays where it lies.

use super::extension::Block;
use super::header::{CSRC_COUNT, EXTENSION, MARKER};
use super::{Header, PayloadType, SequenceNumber, Ssrc, Timestamp};
use crate::cursor::{Malformed, Reader};

/// A packet in the clear whose header is about to change.
///
/// What a forwarder needs: the packet goes to another session under that
/// session's numbers, and its payload is not touched.
#[derive(Debug)]
pub struct HeaderMut<'a> {
    fixed: &'a mut [u8; Header::FIXED],
    /// What follows the fixed part: CSRCs, extensions, payload, padding.
    rest: &'a mut [u8],
}

impl<'a> HeaderMut<'a> {
    /// The header at the start of `packet`.
    ///
    /// # Errors
    ///
    /// [`Malformed`] if the header is.
    pub fn new(packet: &'a mut [u8]) -> Result<Self, Malformed> {
        Header::parse(&mut Reader::new(packet))?;
        let (fixed, rest) = packet
            .split_first_chunk_mut()
            .ok_or(Malformed("RTP header"))?;
        Ok(Self { fixed, rest })
    }

    /// Says another marker.
    pub const fn set_marker(&mut self, marker: bool) {
        self.fixed[1] = self.fixed[1] & !MARKER | (marker as u8) << 7;
    }

    /// Says another payload type.
    pub const fn set_payload_type(&mut self, payload_type: PayloadType) {
        self.fixed[1] = self.fixed[1] & MARKER | payload_type.number();
    }

    /// Says another sequence number.
    pub fn set_sequence_number(&mut self, number: SequenceNumber) {
        self.fixed[2..4].copy_from_slice(&number.0.to_be_bytes());
    }

    /// Says another timestamp.
    pub fn set_timestamp(&mut self, timestamp: Timestamp) {
        self.fixed[4..8].copy_from_slice(&timestamp.0.to_be_bytes());
    }

    /// Says another source.
    pub fn set_ssrc(&mut self, ssrc: Ssrc) {
        self.fixed[8..].copy_from_slice(&ssrc.0.to_be_bytes());
    }

    /// The value of an extension, to be overwritten by one of the same length.
    ///
    /// `None` if the packet has no extension with this id.
    pub fn extension_mut(&mut self, id: u8) -> Option<&mut [u8]> {
        if self.fixed[0] & EXTENSION == 0 {
            return None;
        }
        let csrcs = usize::from(self.fixed[0] & CSRC_COUNT) * 4;
        let block = Block::parse(&mut Reader::new(self.rest.get(csrcs..)?)).ok()?;
        let mut elements = block.elements();
        let len = elements.find(|element| element.id == id)?.value.len();
        // The iterator stands right behind the value that it found.
        let end = csrcs + block.encoded_len() - elements.remaining();
        self.rest.get_mut(end.checked_sub(len)?..end)
    }
}
