//! H.264 (RFC 6184), in single-unit and non-interleaved mode.

use core::iter::{self, FusedIterator};

use bytes::Bytes;

use super::nal::{self, Cutter, Joiner, Piece};
use super::{Frame, Limits};
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
    first_unit(payload).is_some_and(begins_picture)
}

/// Whether a picture begins with a payload whatever came before it.
///
/// Before a slice that depends on no other parameters may have stood, and before
/// those of the picture those of the sequence.
#[must_use]
pub fn surely_starts_frame(payload: &[u8]) -> bool {
    first_unit(payload).is_some_and(|unit| match unit[0] & TYPE {
        1 | 2 => begins_picture(unit),
        kind => [SPS, AUD].contains(&kind),
    })
}

/// The header of the first unit that begins in a payload, and the byte behind it.
fn first_unit(payload: &[u8]) -> Option<[u8; 2]> {
    let start = |unit: &[u8]| Some([*unit.first()?, unit.get(1).copied().unwrap_or(0)]);
    match Payload::parse(payload).ok()? {
        Payload::Single(unit) => start(unit),
        Payload::Aggregate(aggregate) => start(aggregate.units().next()?),
        Payload::Fragment {
            header,
            is_start: true,
            data,
            ..
        } => Some([header, *data.first()?]),
        Payload::Fragment { .. } => None,
    }
}

/// H.264, 7.3.3: a slice begins with the number of its first macroblock, and 0 is
/// written as a bit that is set.
const fn begins_picture([header, next]: [u8; 2]) -> bool {
    match header & TYPE {
        1 | 2 | IDR => next & 0x80 != 0,
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
    cutter: Cutter,
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
        let is_delimiter = |unit: &[u8]| unit.first().is_some_and(|header| header & TYPE == AUD);
        self.cutter.push(frame, |unit| !is_delimiter(unit));
    }

    /// Writes the next payload of the frame; `Some(true)` if it is the last.
    ///
    /// `None` if there is none, or not enough room for a piece of a unit.
    pub fn next(&mut self, w: &mut Writer<'_>) -> Option<bool> {
        if self.single_unit {
            self.cutter.next_unit(w)
        } else {
            self.cutter.next::<Header>(w)
        }
    }
}

/// Puts payloads together, with start codes.
#[derive(Clone, Debug, Default)]
pub struct Depacketizer(Joiner<Header>);

impl Depacketizer {
    /// One that keeps within these limits.
    #[must_use]
    pub const fn new(limits: Limits) -> Self {
        Self(Joiner::new(limits))
    }

    /// The next payload of the frame.
    ///
    /// # Errors
    ///
    /// [`Malformed`] if it is not one, or a piece is without those before it, or
    /// the frame is too long. The frame is not whole then: [`finish`](Self::finish)
    /// gives none.
    pub fn push(&mut self, payload: &[u8]) -> Result<(), Malformed> {
        let added = Payload::parse(payload).and_then(|payload| match payload {
            Payload::Single(unit) => self.0.add(iter::once(unit)),
            Payload::Aggregate(aggregate) => self.0.add(aggregate.units()),
            Payload::Fragment {
                header,
                is_start,
                is_end,
                data,
            } => self.0.add_piece(&Piece {
                header: Header([header]),
                is_start,
                is_end,
                data,
            }),
        });
        self.0.note(added)
    }

    /// The frame, if it is whole; the next payload begins another.
    pub fn finish(&mut self) -> Option<Frame> {
        self.0.finish()
    }
}

/// F and NRI: whether a unit is damaged, and how important it is; and its type.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Header([u8; 1]);

impl Header {
    /// The same with another type.
    const fn with_kind(self, kind: u8) -> Self {
        Self([self.0[0] & IMPORTANCE | kind])
    }
}

impl AsRef<[u8]> for Header {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl nal::Header for Header {
    const LEN: usize = 1;

    fn of(unit: &[u8]) -> Option<Self> {
        unit.first_chunk().copied().map(Self)
    }

    fn emit_for_piece(self, flags: u8, w: &mut Writer<'_>) {
        w.bytes(self.with_kind(FU_A).as_ref());
        w.u8(flags | self.0[0] & TYPE);
    }

    /// RFC 6184 §5.7.1: as important as the most important.
    fn join(self, other: Self) -> Self {
        Self([(self.0[0] & IMPORTANCE).max(other.0[0] & IMPORTANCE)])
    }

    fn of_aggregate(self) -> Self {
        self.with_kind(STAP_A)
    }

    fn is_key(self) -> bool {
        self.0[0] & TYPE == IDR
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
