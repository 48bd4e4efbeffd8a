//! H.264 (RFC 6184), in single-unit and non-interleaved mode.

use core::iter::FusedIterator;
use core::ops::Range;

use alloc::collections::VecDeque;

use bytes::Bytes;

use super::annex_b::{LONG_CODE, Units};
use super::{Assembly, Frame, Limits};
use crate::cursor::{Malformed, Reader, Writer};

/// What a payload holds (RFC 6184 §5.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Payload<'a> {
    /// One unit, header and all.
    Single(&'a [u8]),
    /// Several units: STAP-A, STAP-B, MTAP16 or MTAP24.
    Aggregate(Aggregate<'a>),
    /// A piece of a unit: FU-A or FU-B.
    Fragment {
        /// The header that the whole unit has.
        header: u8,
        /// Whether it is the first piece.
        is_start: bool,
        /// Whether it is the last.
        is_end: bool,
        /// The piece.
        data: &'a [u8],
    },
}

impl<'a> Payload<'a> {
    /// Reads a payload.
    ///
    /// # Errors
    ///
    /// [`Malformed`] if it is empty or cut, of a type that is reserved, an
    /// aggregate in an aggregate, or a piece that is both first and last.
    pub fn parse(payload: &'a [u8]) -> Result<Self, Malformed> {
        const FIELD: &str = "H.264 payload";
        let mut r = Reader::new(payload);
        let first = r.u8(FIELD)?;
        match first & TYPE {
            1..=23 => Ok(Self::Single(payload)),
            STAP_A => Aggregate::parse(0, r.rest()).map(Self::Aggregate),
            // The decoding order number, and for MTAPs how far each unit is from it.
            kind @ 25..=27 => {
                r.u16(FIELD)?;
                let skipped = [0, 3, 4][usize::from(kind - 25)];
                Aggregate::parse(skipped, r.rest()).map(Self::Aggregate)
            }
            kind @ (FU_A | FU_B) => {
                let fu = r.u8(FIELD)?;
                if kind == FU_B {
                    r.u16(FIELD)?;
                }
                let (is_start, is_end) = (fu & 0x80 != 0, fu & 0x40 != 0);
                let inner = fu & TYPE;
                if is_start && is_end || r.is_empty() || !(1..=23).contains(&inner) {
                    return Err(Malformed("H.264 fragment"));
                }
                Ok(Self::Fragment {
                    header: first & !TYPE | inner,
                    is_start,
                    is_end,
                    data: r.rest(),
                })
            }
            _ => Err(Malformed(FIELD)),
        }
    }
}

/// Several units in one payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Aggregate<'a> {
    /// How many bytes stand between the length of a unit and the unit.
    skipped: usize,
    units: &'a [u8],
}

impl<'a> Aggregate<'a> {
    fn parse(skipped: usize, units: &'a [u8]) -> Result<Self, Malformed> {
        let aggregate = Self { skipped, units };
        let mut r = Reader::new(units);
        if r.is_empty() {
            return Err(Malformed("H.264 aggregate"));
        }
        while !r.is_empty() {
            let unit = aggregate.unit(&mut r)?;
            // RFC 6184 §5.7: units of the bitstream only, no packets in packets.
            let inner = unit.first().map_or(0, |byte| byte & TYPE);
            if !(1..=23).contains(&inner) {
                return Err(Malformed("H.264 aggregated unit"));
            }
        }
        Ok(aggregate)
    }

    fn unit(&self, r: &mut Reader<'a>) -> Result<&'a [u8], Malformed> {
        let len = usize::from(r.u16("H.264 aggregated unit")?);
        // RFC 6184 §5.7.2: the length is that of the unit alone.
        r.bytes(self.skipped, "H.264 aggregated unit")?;
        r.bytes(len, "H.264 aggregated unit")
    }

    /// The units.
    #[must_use]
    pub const fn units(&self) -> AggregatedUnits<'a> {
        AggregatedUnits {
            aggregate: *self,
            rest: Reader::new(self.units),
        }
    }
}

/// The iterator over the units of an aggregate.
#[derive(Clone, Debug)]
pub struct AggregatedUnits<'a> {
    aggregate: Aggregate<'a>,
    rest: Reader<'a>,
}

impl<'a> Iterator for AggregatedUnits<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        self.aggregate.unit(&mut self.rest).ok()
    }
}

impl FusedIterator for AggregatedUnits<'_> {}

/// Whether a picture can begin with a payload: with the first of its slices, or
/// with what stands before that.
#[must_use]
pub fn starts_frame(payload: &[u8]) -> bool {
    match Payload::parse(payload) {
        Ok(Payload::Single(unit)) => begins_picture(unit),
        Ok(Payload::Aggregate(aggregate)) => {
            let first = aggregate.units().next();
            first.is_some_and(begins_picture)
        }
        Ok(Payload::Fragment {
            header,
            is_start,
            data,
            ..
        }) => {
            is_start
                && data
                    .first()
                    .is_some_and(|&next| begins_picture(&[header, next]))
        }
        Err(_) => false,
    }
}

/// H.264, 7.3.3: a slice begins with the number of its first macroblock, and 0 is
/// written as a bit that is set.
fn begins_picture(unit: &[u8]) -> bool {
    let kind = unit.first().map_or(0, |header| header & TYPE);
    match kind {
        1 | 2 | IDR => unit.get(1).is_some_and(|next| next & 0x80 != 0),
        // The other partitions of a slice, and the ends of a sequence and of a stream.
        3 | 4 | 10 | 11 => false,
        _ => true,
    }
}

/// Whether a payload begins a picture that depends on no other, or has the
/// parameters that come before one.
#[must_use]
pub fn is_key(payload: &[u8]) -> bool {
    match Payload::parse(payload) {
        Ok(Payload::Single(unit)) => begins_key(unit),
        Ok(Payload::Aggregate(aggregate)) => aggregate.units().any(begins_key),
        Ok(Payload::Fragment {
            header, is_start, ..
        }) => is_start && begins_key(&[header]),
        Err(_) => false,
    }
}

fn begins_key(unit: &[u8]) -> bool {
    unit.first()
        .is_some_and(|header| [IDR, SPS].contains(&(header & TYPE)))
}

/// Cuts frames with start codes into payloads.
///
/// Small units of a frame go together into a STAP-A, a large one is cut into
/// FU-As.
#[derive(Clone, Debug, Default)]
pub struct Packetizer {
    frame: Bytes,
    /// The units that were not written yet.
    units: VecDeque<Range<usize>>,
    /// How much of the first one was written in pieces.
    cut: usize,
    /// Whether each payload is to be one unit (packetization mode 0).
    single_unit: bool,
}

impl Packetizer {
    /// A packetizer for packetization mode 1, or for mode 0 if `single_unit`:
    /// then a unit that finds no room is left out.
    #[must_use]
    pub fn new(single_unit: bool) -> Self {
        Self {
            single_unit,
            ..Self::default()
        }
    }

    /// The next frame. What is left of the last one is forgotten.
    pub fn push(&mut self, frame: Bytes) {
        let unit = |range: &Range<usize>| frame.get(range.start).is_some_and(|b| b & TYPE != AUD);
        self.units = Units::new(&frame).filter(unit).collect();
        self.frame = frame;
        self.cut = 0;
    }

    /// Writes the next payload of the frame; `Some(true)` if it is the last.
    ///
    /// `None` if there is none, or not enough room for a piece of a unit.
    pub fn next(&mut self, w: &mut Writer<'_>) -> Option<bool> {
        let room = w.remaining();
        if self.single_unit {
            self.units.retain(|unit| unit.len() <= room);
        }
        let first = self.units.front()?.clone();
        let together = self.how_many_fit(room);
        if self.cut > 0 || first.len() > room {
            self.write_fragment(first, w)?;
        } else if together < 2 || self.single_unit {
            w.bytes(self.frame.get(first)?);
            self.units.pop_front();
        } else {
            self.write_aggregate(together, w);
        }
        Some(self.units.is_empty())
    }

    /// How many of the next units fit into one STAP-A.
    fn how_many_fit(&self, room: usize) -> usize {
        let mut room = room.saturating_sub(1);
        let fits = |unit: &&Range<usize>| {
            let left = room.checked_sub(2 + unit.len());
            room = left.unwrap_or(0);
            left.is_some() && unit.len() <= usize::from(u16::MAX)
        };
        self.units.iter().take_while(fits).count()
    }

    fn write_aggregate(&mut self, count: usize, w: &mut Writer<'_>) {
        let at = w.len();
        w.u8(STAP_A);
        let mut importance = 0;
        for unit in self.units.drain(..count) {
            let unit = self.frame.get(unit).unwrap_or_default();
            w.prefixed_u16(|w| w.bytes(unit));
            importance = importance.max(unit.first().map_or(0, |header| header & IMPORTANCE));
        }
        // RFC 6184 §5.7.1: as important as the most important in it.
        w.patch(at, &[importance | STAP_A]);
    }

    fn write_fragment(&mut self, unit: Range<usize>, w: &mut Writer<'_>) -> Option<()> {
        let room = w
            .remaining()
            .checked_sub(FU_HEADER)
            .filter(|room| *room > 0)?;
        let header = *self.frame.get(unit.start)?;
        // The unit's own header is not sent, but told by the headers of its pieces.
        let is_start = self.cut == 0;
        let from = unit.start + self.cut.max(1);
        let left = unit.end.saturating_sub(from);
        let pieces = left.div_ceil(room).max(if is_start { 2 } else { 1 });
        let len = left.div_ceil(pieces);
        let is_end = len == left;
        let flags = u8::from(is_start) << 7 | u8::from(is_end) << 6;
        w.bytes(&[header & IMPORTANCE | FU_A, flags | header & TYPE]);
        w.bytes(self.frame.get(from..from + len)?);
        if is_end {
            self.units.pop_front();
            self.cut = 0;
        } else {
            self.cut = from + len - unit.start;
        }
        Some(())
    }
}

/// Puts payloads together, with start codes.
#[derive(Clone, Debug, Default)]
pub struct Depacketizer {
    assembly: Assembly,
    /// The header of the unit whose pieces come.
    open: Option<u8>,
    /// A unit was cut off: the frame is not whole.
    is_broken: bool,
    is_key: bool,
}

impl Depacketizer {
    /// One that keeps within these limits.
    #[must_use]
    pub const fn new(limits: Limits) -> Self {
        Self {
            assembly: Assembly::new(limits),
            open: None,
            is_broken: false,
            is_key: false,
        }
    }

    /// The next payload of the frame.
    ///
    /// # Errors
    ///
    /// [`Malformed`] if it is not one, or a piece is without those before it, or
    /// the frame is too long. The frame is not whole then: [`finish`](Self::finish)
    /// gives none.
    pub fn push(&mut self, payload: &[u8]) -> Result<(), Malformed> {
        let result = Payload::parse(payload).and_then(|payload| self.add(payload));
        self.is_broken |= result.is_err();
        result
    }

    fn add(&mut self, payload: Payload<'_>) -> Result<(), Malformed> {
        match payload {
            Payload::Fragment {
                header,
                is_start,
                is_end,
                data,
            } => {
                let continues = !is_start && self.open == Some(header);
                let begins = is_start && self.open.is_none();
                if !continues && !begins {
                    return Err(Malformed("H.264 piece without the others"));
                }
                if begins {
                    self.begin(header)?;
                }
                self.open = (!is_end).then_some(header);
                self.assembly.append(data)
            }
            _ if self.open.is_some() => Err(Malformed("H.264 unit without its end")),
            Payload::Single(unit) => self.add_unit(unit),
            Payload::Aggregate(aggregate) => {
                aggregate.units().try_for_each(|unit| self.add_unit(unit))
            }
        }
    }

    fn add_unit(&mut self, unit: &[u8]) -> Result<(), Malformed> {
        let (&header, rest) = unit.split_first().ok_or(Malformed("H.264 unit"))?;
        self.begin(header)?;
        self.assembly.append(rest)
    }

    fn begin(&mut self, header: u8) -> Result<(), Malformed> {
        self.is_key |= header & TYPE == IDR;
        self.assembly.append(&LONG_CODE)?;
        self.assembly.append(&[header])
    }

    /// The frame, if it is whole; the next payload begins another.
    pub fn finish(&mut self) -> Option<Frame> {
        let is_broken = core::mem::take(&mut self.is_broken) | self.open.take().is_some();
        let is_key = core::mem::take(&mut self.is_key);
        let data = self.assembly.take()?;
        (!is_broken).then_some(Frame { data, is_key })
    }
}

/// The type of a unit.
const TYPE: u8 = 0x1f;
/// F and NRI: whether it is damaged, and how important it is.
const IMPORTANCE: u8 = 0xe0;
/// A slice of a picture that depends on no other.
const IDR: u8 = 5;
/// A sequence parameter set.
const SPS: u8 = 7;
/// An access unit delimiter: the marker of a packet says the same.
const AUD: u8 = 9;
const STAP_A: u8 = 24;
const FU_A: u8 = 28;
const FU_B: u8 = 29;
/// The indicator and the header of a piece.
const FU_HEADER: usize = 2;
