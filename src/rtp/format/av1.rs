//! AV1 (the AV1 RTP specification, sections 4 and 5).

use core::iter::FusedIterator;
use core::ops::Range;

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use bytes::Bytes;

use super::{Assembly, Frame, Limits, Reassembly};
use crate::cursor::{Malformed, Reader, Writer, leb128_len};

/// The elements of a payload, each an OBU or a piece of one (section 4.4).
///
/// ```text
/// | Z | Y | W, 2 | N | - | - | - | element with its size, unless it is the last of W … |
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Payload<'a> {
    /// Z: the first element continues one of the packet before.
    pub continues: bool,
    /// Y: the last element goes on in the next packet.
    pub is_continued: bool,
    /// N: the packet is the first of a coded video sequence.
    pub starts_sequence: bool,
    /// W: how many elements, if that is said.
    count: u8,
    elements: &'a [u8],
}

impl<'a> Payload<'a> {
    /// Reads a payload.
    ///
    /// # Errors
    ///
    /// [`Malformed`] if it has no element, other than it says how many, or one
    /// is longer than the payload.
    pub fn parse(payload: &'a [u8]) -> Result<Self, Malformed> {
        const FIELD: &str = "AV1 payload";
        let mut r = Reader::new(payload);
        let first = r.u8(FIELD)?;
        let parsed = Self {
            continues: first & 0x80 != 0,
            is_continued: first & 0x40 != 0,
            count: first >> 4 & 3,
            starts_sequence: first & 0x08 != 0,
            elements: r.rest(),
        };
        // Section 4.4: a sequence cannot start in the middle of an OBU.
        if parsed.continues && parsed.starts_sequence {
            return Err(Malformed(FIELD));
        }
        let mut elements = parsed.elements();
        let found = elements.by_ref().count();
        let expected = usize::from(parsed.count);
        if !elements.rest.is_empty() || found == 0 || expected != 0 && found != expected {
            return Err(Malformed("AV1 elements"));
        }
        Ok(parsed)
    }

    /// The elements.
    #[must_use]
    pub const fn elements(&self) -> Elements<'a> {
        Elements {
            rest: self.elements,
            count: self.count,
            at: 0,
        }
    }
}

/// The iterator over the elements of a payload.
#[derive(Clone, Debug)]
pub struct Elements<'a> {
    rest: &'a [u8],
    /// How many there are; 0 if all have their size.
    count: u8,
    /// How many were found.
    at: u8,
}

impl<'a> Iterator for Elements<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        if self.rest.is_empty() {
            return None;
        }
        self.at = self.at.saturating_add(1);
        if self.at == self.count {
            return Some(core::mem::take(&mut self.rest));
        }
        let mut r = Reader::new(self.rest);
        let len = r.leb128("AV1 size").ok()? as usize;
        let element = r.bytes(len, "AV1 element").ok()?;
        self.rest = r.rest();
        Some(element)
    }
}

impl FusedIterator for Elements<'_> {}

/// Whether a temporal unit can begin with a payload.
#[must_use]
pub fn starts_frame(payload: &[u8]) -> bool {
    Payload::parse(payload).is_ok_and(|payload| !payload.continues)
}

/// Whether a payload begins a coded video sequence.
#[must_use]
pub fn is_key(payload: &[u8]) -> bool {
    Payload::parse(payload).is_ok_and(|payload| payload.starts_sequence)
}

/// Cuts temporal units into payloads.
#[derive(Clone, Debug, Default)]
pub struct Packetizer {
    /// The OBUs of the unit without their sizes, one behind the other.
    stripped: Vec<u8>,
    /// Where those lie that were not written yet.
    obus: VecDeque<Range<usize>>,
    is_key: bool,
    is_start: bool,
    /// The first of them was begun in the packet before.
    continues: bool,
}

impl Packetizer {
    /// A packetizer without a frame.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The next temporal unit, as OBUs with their sizes. What is left of the
    /// last one is forgotten.
    ///
    /// # Errors
    ///
    /// [`Malformed`] if it is not OBUs; there is nothing to write then.
    pub fn push(&mut self, unit: &Bytes) -> Result<(), Malformed> {
        self.stripped.clear();
        self.obus.clear();
        (self.is_start, self.is_key, self.continues) = (true, false, false);
        let stripped = self.strip(unit);
        if stripped.is_err() {
            self.obus.clear();
        }
        stripped
    }

    fn strip(&mut self, unit: &[u8]) -> Result<(), Malformed> {
        let mut r = Reader::new(unit);
        while !r.is_empty() {
            let Obu {
                header,
                extension,
                data,
            } = Obu::parse(&mut r)?;
            let kind = obu_type(header);
            // Section 5: these are not sent.
            if [TEMPORAL_DELIMITER, TILE_LIST, PADDING].contains(&kind) {
                continue;
            }
            self.is_key |= kind == SEQUENCE_HEADER;
            let start = self.stripped.len();
            self.stripped.push(header & !HAS_SIZE);
            self.stripped.extend(extension);
            self.stripped.extend_from_slice(data);
            self.obus.push_back(start..self.stripped.len());
        }
        Ok(())
    }

    /// Writes the next payload of the unit; `Some(true)` if it is the last.
    ///
    /// `None` if there is none, or no room for a byte of it.
    pub fn next(&mut self, w: &mut Writer<'_>) -> Option<bool> {
        let mut room = w.remaining().checked_sub(1).filter(|room| *room > 0)?;
        self.obus.front()?;
        // As many whole OBUs as fit with their sizes, but the last of W has none.
        let mut whole = 0;
        for obu in self.obus.iter().take(MAX_COUNT - 1) {
            let Some(left) = room.checked_sub(leb128_len(size(obu.len())) + obu.len()) else {
                break;
            };
            room = left;
            whole += 1;
        }
        let last = self.obus.get(whole).map_or(0, |obu| obu.len().min(room));
        let is_cut = self.obus.get(whole).is_some_and(|obu| obu.len() > last) && last > 0;
        let count = whole + usize::from(last > 0);
        let at = w.len();
        w.u8(0);
        for place in 0..count {
            let obu = self.obus.pop_front()?;
            let len = if place == whole { last } else { obu.len() };
            if place + 1 < count {
                w.leb128(size(len));
            }
            w.bytes(self.stripped.get(obu.start..obu.start + len)?);
            if len < obu.len() {
                self.obus.push_front(obu.start + len..obu.end);
            }
        }
        let flag = |is_set: bool, bit: u8| if is_set { bit } else { 0 };
        let head = flag(self.continues, 0x80)
            | flag(is_cut, 0x40)
            | u8::try_from(count).unwrap_or(0) << 4
            | flag(self.is_start && self.is_key, 0x08);
        w.patch(at, &[head]);
        self.continues = is_cut;
        self.is_start = false;
        Some(self.obus.is_empty())
    }
}

/// Puts payloads together: OBUs with their sizes.
#[derive(Clone, Debug, Default)]
pub struct Depacketizer {
    whole: Reassembly<Piece>,
    /// The pieces of the open OBU.
    pieces: Vec<u8>,
}

/// A piece came to which another belongs.
#[derive(Clone, Copy, Debug)]
struct Piece;

impl Depacketizer {
    /// One that keeps within these limits.
    #[must_use]
    pub const fn new(limits: Limits) -> Self {
        Self {
            whole: Reassembly::new(limits),
            pieces: Vec::new(),
        }
    }

    /// The next payload of the temporal unit.
    ///
    /// # Errors
    ///
    /// [`Malformed`] if it is not one, or a piece is without those before it, or
    /// the unit is too long. The unit is not whole then: [`finish`](Self::finish)
    /// gives none.
    pub fn push(&mut self, payload: &[u8]) -> Result<(), Malformed> {
        let added = Payload::parse(payload).and_then(|payload| self.add(&payload));
        self.whole.note(added)
    }

    fn add(&mut self, payload: &Payload<'_>) -> Result<(), Malformed> {
        if payload.continues != self.whole.open.is_some() {
            return Err(Malformed("AV1 piece without the others"));
        }
        self.whole.is_key |= payload.starts_sequence;
        let mut elements = payload.elements().peekable();
        while let Some(element) = elements.next() {
            let continues = self.whole.open.take().is_some();
            let is_continued = elements.peek().is_none() && payload.is_continued;
            if !continues && !is_continued {
                append_obu(&mut self.whole.assembly, element)?;
                continue;
            }
            if !continues {
                self.pieces.clear();
            }
            if element.len() > self.whole.assembly.room().saturating_sub(self.pieces.len()) {
                return Err(Malformed("frame beyond its limit"));
            }
            self.pieces.extend_from_slice(element);
            if is_continued {
                self.whole.open = Some(Piece);
            } else {
                append_obu(&mut self.whole.assembly, &self.pieces)?;
            }
        }
        Ok(())
    }

    /// The temporal unit, if it is whole; the next payload begins another.
    pub fn finish(&mut self) -> Option<Frame> {
        self.whole.finish()
    }
}

/// Appends an OBU with its size, whether or not it had one.
fn append_obu(assembly: &mut Assembly, bytes: &[u8]) -> Result<(), Malformed> {
    let mut r = Reader::new(bytes);
    let Obu {
        header,
        extension,
        data,
    } = Obu::parse(&mut r)?;
    r.finish("AV1 OBU")?;
    if obu_type(header) == TEMPORAL_DELIMITER {
        return Ok(());
    }
    assembly.append_with(|w| {
        w.u8(header | HAS_SIZE);
        w.bytes(extension.as_slice());
        w.leb128(size(data.len()));
        w.bytes(data);
    })
}

/// An open bitstream unit (AV1, 5.3).
struct Obu<'a> {
    header: u8,
    extension: Option<u8>,
    data: &'a [u8],
}

impl<'a> Obu<'a> {
    /// Reads an OBU; without a size it is all that there is.
    fn parse(r: &mut Reader<'a>) -> Result<Self, Malformed> {
        const FIELD: &str = "AV1 OBU";
        let header = r.u8(FIELD)?;
        if header & FORBIDDEN != 0 {
            return Err(Malformed(FIELD));
        }
        let extension = if header & HAS_EXTENSION == 0 {
            None
        } else {
            Some(r.u8(FIELD)?)
        };
        let data = if header & HAS_SIZE == 0 {
            r.rest()
        } else {
            let len = r.leb128("AV1 size")? as usize;
            r.bytes(len, FIELD)?
        };
        Ok(Self {
            header,
            extension,
            data,
        })
    }
}

const fn obu_type(header: u8) -> u8 {
    header >> 3 & 0x0f
}

/// A size as it is written: no frame is longer than 32 bits can say.
fn size(len: usize) -> u32 {
    u32::try_from(len).unwrap_or(u32::MAX)
}

/// How many elements W can count.
const MAX_COUNT: usize = 3;

const FORBIDDEN: u8 = 0x80;
const HAS_EXTENSION: u8 = 0x04;
const HAS_SIZE: u8 = 0x02;

const SEQUENCE_HEADER: u8 = 1;
const TEMPORAL_DELIMITER: u8 = 2;
const TILE_LIST: u8 = 8;
const PADDING: u8 = 15;
