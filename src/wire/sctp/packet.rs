//! The common header and the chunks behind it (RFC 9260 §3).

use core::fmt;

use super::Chunk;
use super::tlv::RawChunk;
use crate::cursor::{Malformed, Reader, Writer};
use crate::wire::checksum::crc32c;

/// Whom is the packet for, and which association does it claim to belong to?
///
/// ```text
///  0                   1                   2                   3
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
/// |         source port           |       destination port        |
/// |                       verification tag                        |
/// |                     checksum (CRC-32c)                        |
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// The sender's port.
    pub source_port: u16,
    /// The receiver's port.
    pub destination_port: u16,
    /// The tag that the receiver chose for itself; 0 with an INIT.
    pub verification_tag: u32,
}

impl Header {
    /// The size of the common header, with its checksum.
    pub const LEN: usize = 12;

    /// Reads the header. The checksum is not looked at: see [`checksum_is_valid`].
    ///
    /// # Errors
    ///
    /// [`Malformed`] if it is cut.
    pub fn parse(r: &mut Reader<'_>) -> Result<Self, Malformed> {
        let header = Self {
            source_port: r.u16("source port")?,
            destination_port: r.u16("destination port")?,
            verification_tag: r.u32("verification tag")?,
        };
        r.u32("checksum")?;
        Ok(header)
    }

    /// Writes the header with a checksum of zero, for [`write_checksum`] to fill.
    pub fn emit(&self, w: &mut Writer<'_>) {
        let [a, b] = self.source_port.to_be_bytes();
        let [c, d] = self.destination_port.to_be_bytes();
        let [e, f, g, h] = self.verification_tag.to_be_bytes();
        w.bytes(&[a, b, c, d, e, f, g, h, 0, 0, 0, 0]);
    }
}

/// A packet whose chunks are framed as they should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet<'a> {
    /// The common header.
    pub header: Header,
    chunks: &'a [u8],
}

impl<'a> Packet<'a> {
    /// Reads the header and checks the frame of every chunk, not its content.
    ///
    /// # Errors
    ///
    /// [`Malformed`] if a chunk says a length that cannot be, or there is none.
    pub fn parse(r: &mut Reader<'a>) -> Result<Self, Malformed> {
        let header = Header::parse(r)?;
        let chunks = r.rest();
        let mut frames = Reader::new(chunks);
        loop {
            RawChunk::parse(&mut frames)?;
            if frames.is_empty() {
                break;
            }
        }
        Ok(Self { header, chunks })
    }

    /// The chunks, in the order of the packet.
    #[must_use]
    pub const fn chunks(&self) -> Chunks<'a> {
        Chunks {
            rest: Reader::new(self.chunks),
        }
    }

    /// The size on the wire.
    #[must_use]
    pub const fn encoded_len(&self) -> usize {
        Header::LEN + self.chunks.len()
    }

    /// Writes the packet with its checksum.
    pub fn emit(&self, w: &mut Writer<'_>) {
        let at = w.len();
        self.header.emit(w);
        w.bytes(self.chunks);
        write_checksum(w, at);
    }
}

/// All chunks on one line.
impl fmt::Display for Packet<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SCTP")?;
        for (index, chunk) in self.chunks().enumerate() {
            f.write_str(if index == 0 { " " } else { " + " })?;
            match chunk {
                Ok(chunk) => chunk.fmt(f)?,
                Err(malformed) => malformed.fmt(f)?,
            }
        }
        Ok(())
    }
}

/// The iterator over a packet's chunks.
///
/// A chunk whose content is not as it should be is an error, after which the
/// iterator goes on with the next chunk.
#[derive(Clone, Debug)]
pub struct Chunks<'a> {
    rest: Reader<'a>,
}

impl<'a> Iterator for Chunks<'a> {
    type Item = Result<Chunk<'a>, Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        (!self.rest.is_empty()).then(|| Chunk::parse(&mut self.rest))
    }
}

/// Whether the packet arrived as it was sent (RFC 9260 §6.8).
///
/// The field is zeroed while the sum is made, and put back. If `zero_is_fine` a
/// checksum of zero is valid too (RFC 9653 §5.3).
#[must_use]
pub fn checksum_is_valid(packet: &mut [u8], zero_is_fine: bool) -> bool {
    let Some(field) = packet.get_mut(CHECKSUM..Header::LEN) else {
        return false;
    };
    let Some(field) = field.first_chunk_mut::<4>() else {
        return false;
    };
    let said = core::mem::take(field);
    if zero_is_fine && said == [0; 4] {
        return true;
    }
    let valid = crc32c(packet).to_le_bytes() == said;
    if let Some(field) = packet.get_mut(CHECKSUM..Header::LEN) {
        field.copy_from_slice(&said);
    }
    valid
}

/// Fills in the checksum of the packet that starts at byte `at` and ends here.
pub fn write_checksum(w: &mut Writer<'_>, at: usize) {
    let sum = crc32c(w.written(at)).to_le_bytes();
    w.patch(at + CHECKSUM, &sum);
}

/// Where the checksum lies in the header.
const CHECKSUM: usize = 8;
