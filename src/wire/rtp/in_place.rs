//! Changes in a packet that stays where it lies.

use super::extension::{Block, Element, Elements, Form};
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
        self.elements_mut()
            .find_map(|element| (element.id == id).then_some(element.value))
    }

    /// All extensions, each to be overwritten by one of the same length.
    pub fn elements_mut(&mut self) -> ElementsMut<'_> {
        let csrcs = usize::from(self.fixed[0] & CSRC_COUNT) * 4;
        let has_extension = self.fixed[0] & EXTENSION != 0;
        let rest = self.rest.get_mut(csrcs..).filter(|_| has_extension);
        let rest = rest.unwrap_or_default();
        let Ok(block) = Block::parse(&mut Reader::new(rest)) else {
            return ElementsMut::default();
        };
        let (form, len) = (Form::of_profile(block.profile), block.encoded_len());
        ElementsMut {
            form,
            rest: rest.get_mut(Block::HEADER..len).unwrap_or_default(),
            at: 0,
        }
    }
}

/// One extension that can be overwritten.
#[derive(Debug)]
pub struct ElementMut<'a> {
    /// What the session calls it.
    pub id: u8,
    /// How far its value is from the start of the block's body.
    pub offset: usize,
    /// Its value.
    pub value: &'a mut [u8],
}

/// The iterator over extensions that can be overwritten.
#[derive(Debug, Default)]
pub struct ElementsMut<'a> {
    /// `None` if the block has no elements that are known here.
    form: Option<Form>,
    rest: &'a mut [u8],
    /// How far the rest is from the start of the block's body.
    at: usize,
}

impl<'a> Iterator for ElementsMut<'a> {
    type Item = ElementMut<'a>;

    fn next(&mut self) -> Option<ElementMut<'a>> {
        let rest = core::mem::take(&mut self.rest);
        let mut elements = Elements::new(self.form?, rest);
        let Element { id, value } = elements.next()?;
        let len = value.len();
        // The iterator stands right behind the value that it found.
        let end = rest.len() - elements.remaining();
        let (head, tail) = rest.split_at_mut_checked(end)?;
        let offset = self.at + end - len;
        self.rest = tail;
        self.at += end;
        let value = head.get_mut(end - len..)?;
        Some(ElementMut { id, offset, value })
    }
}
