//! Sound that is sent more than once (RFC 2198).

use core::iter::FusedIterator;

use crate::cursor::{Malformed, Reader, Writer};
use crate::wire::rtp::PayloadType;

/// How many blocks a payload may have: more than anybody sends.
pub const MAX_BLOCKS: usize = 16;

/// One of the frames in a payload.
///
/// ```text
/// | 1 | payload type, 7 | timestamp offset, 14 | length, 10 |   of each but the last
/// | 0 | payload type, 7 |                                      of the last
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Block<'a> {
    /// Its format.
    pub payload_type: PayloadType,
    /// How many ticks it lies before the packet's timestamp; 0 for the last.
    pub offset: u16,
    /// The frame.
    pub data: &'a [u8],
}

/// The frames of a payload, oldest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Redundant<'a> {
    headers: &'a [u8],
    data: &'a [u8],
}

impl<'a> Redundant<'a> {
    /// Reads a payload.
    ///
    /// # Errors
    ///
    /// [`Malformed`] if blocks are longer than it, or more than [`MAX_BLOCKS`].
    pub fn parse(payload: &'a [u8]) -> Result<Self, Malformed> {
        const FIELD: &str = "RED block";
        let mut r = Reader::new(payload);
        let mut len = 0;
        for _ in 0..MAX_BLOCKS {
            if r.u8(FIELD)? & MORE == 0 {
                let (headers, data) = payload.split_at(payload.len() - r.remaining());
                return if len <= data.len() {
                    Ok(Self { headers, data })
                } else {
                    Err(Malformed(FIELD))
                };
            }
            len += (r.u24(FIELD)? & 0x3ff) as usize;
        }
        Err(Malformed("number of RED blocks"))
    }

    /// The frames; the last is the newest.
    #[must_use]
    pub const fn blocks(&self) -> Blocks<'a> {
        Blocks {
            headers: Reader::new(self.headers),
            data: Reader::new(self.data),
        }
    }

    /// Writes a payload of older frames and the newest one.
    ///
    /// A block that cannot be told of, too long or too old, is left out.
    pub fn emit(older: &[Block<'_>], newest: Block<'_>, w: &mut Writer<'_>) {
        let tellable = |block: &&Block<'_>| block.data.len() <= 0x3ff && block.offset <= 0x3fff;
        let older = older.iter().filter(tellable).take(MAX_BLOCKS - 1);
        for block in older.clone() {
            let len = u32::try_from(block.data.len()).unwrap_or(0);
            w.u8(MORE | block.payload_type.number());
            w.u24(u32::from(block.offset) << 10 | len);
        }
        w.u8(newest.payload_type.number());
        older.for_each(|block| w.bytes(block.data));
        w.bytes(newest.data);
    }
}

/// The iterator over the frames of a payload.
#[derive(Clone, Debug)]
pub struct Blocks<'a> {
    headers: Reader<'a>,
    data: Reader<'a>,
}

impl<'a> Iterator for Blocks<'a> {
    type Item = Block<'a>;

    fn next(&mut self) -> Option<Block<'a>> {
        const FIELD: &str = "RED block";
        let first = self.headers.u8(FIELD).ok()?;
        let payload_type = PayloadType::from_low_bits(first);
        if first & MORE == 0 {
            let data = self.data.rest();
            return Some(Block {
                payload_type,
                offset: 0,
                data,
            });
        }
        let rest = self.headers.u24(FIELD).ok()?;
        let data = self.data.bytes((rest & 0x3ff) as usize, FIELD).ok()?;
        let offset = u16::try_from(rest >> 10).ok()?;
        Some(Block {
            payload_type,
            offset,
            data,
        })
    }
}

impl FusedIterator for Blocks<'_> {}

/// F: another header follows.
const MORE: u8 = 0x80;
