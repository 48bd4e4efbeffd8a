//! H.265 (RFC 7798), without decoding order numbers.

use core::iter::{self, FusedIterator};

use bytes::Bytes;

use super::nal::{self, Cutter, Joiner, Piece};
use super::{Frame, Limits};
use crate::cursor::{Malformed, Reader, Writer};

/// What a payload holds (RFC 7798 §4.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Payload<'a> {
    /// One unit, header and all.
    Single(&'a [u8]),
    /// Several units.
    Aggregate(AggregatedUnits<'a>),
    /// A piece of a unit.
    Fragment {
        /// The header that the whole unit has.
        header: [u8; 2],
        /// Whether it is the first piece.
        is_start: bool,
        /// Whether it is the last.
        is_end: bool,
        /// The piece.
        data: &'a [u8],
    },
}

impl<'a> Payload<'a> {
    /// Reads a payload; a PACI (RFC 7798 §4.4.4) is read as what it carries.
    ///
    /// # Errors
    ///
    /// [`Malformed`] if it is cut, of a type that is reserved, a packet in a
    /// packet, or a piece that is both first and last.
    pub fn parse(payload: &'a [u8]) -> Result<Self, Malformed> {
        const FIELD: &str = "H.265 payload";
        let mut r = Reader::new(payload);
        let header: [u8; 2] = r.array(FIELD)?;
        match kind(header) {
            0..=47 if !r.is_empty() => Ok(Self::Single(payload)),
            AGGREGATE => AggregatedUnits::parse(r.rest()).map(Self::Aggregate),
            FRAGMENT => {
                let fu = r.u8(FIELD)?;
                let (is_start, is_end) = (fu & 0x80 != 0, fu & 0x40 != 0);
                if is_start && is_end || r.is_empty() || fu & TYPE >= AGGREGATE {
                    return Err(Malformed("H.265 fragment"));
                }
                let header = with_kind(header, fu & TYPE);
                Ok(Self::Fragment {
                    header,
                    is_start,
                    is_end,
                    data: r.rest(),
                })
            }
            PACI => {
                // A, the type of what is carried, and the length of the extension.
                let fields = r.u16(FIELD)?;
                r.bytes(usize::from(fields >> 4 & 0x1f), "H.265 PACI")?;
                let [_, low] = (fields >> 9).to_be_bytes();
                Self::parse_carried(with_kind(header, low & TYPE), r)
            }
            _ => Err(Malformed(FIELD)),
        }
    }

    /// What a PACI carries: it has the header of the PACI with its own type, so
    /// that a unit is a piece which is the whole of it.
    fn parse_carried(header: [u8; 2], mut r: Reader<'a>) -> Result<Self, Malformed> {
        match kind(header) {
            AGGREGATE => AggregatedUnits::parse(r.rest()).map(Self::Aggregate),
            0..=47 if !r.is_empty() => Ok(Self::Fragment {
                header,
                is_start: true,
                is_end: true,
                data: r.rest(),
            }),
            _ => Err(Malformed("H.265 PACI")),
        }
    }
}

/// The units of an aggregate, and the iterator over them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AggregatedUnits<'a> {
    rest: &'a [u8],
}

impl<'a> AggregatedUnits<'a> {
    fn parse(units: &'a [u8]) -> Result<Self, Malformed> {
        let mut all = Self { rest: units };
        let mut count = 0;
        while !all.rest.is_empty() {
            let unit = all.next().ok_or(Malformed("H.265 aggregated unit"))?;
            // RFC 7798 §4.4.2: units of the bitstream only, with a header.
            let header = unit
                .first_chunk()
                .ok_or(Malformed("H.265 aggregated unit"))?;
            if kind(*header) >= AGGREGATE {
                return Err(Malformed("H.265 aggregated unit"));
            }
            count += 1;
        }
        if count == 0 {
            return Err(Malformed("H.265 aggregate"));
        }
        Ok(Self { rest: units })
    }
}

impl<'a> Iterator for AggregatedUnits<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let mut r = Reader::new(self.rest);
        let unit = r.prefixed_u16("H.265 aggregated unit").ok()?;
        self.rest = r.rest();
        Some(unit)
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
/// Before a slice at which decoding can begin parameters may have stood, and
/// before others those of the video.
#[must_use]
pub fn surely_starts_frame(payload: &[u8]) -> bool {
    first_unit(payload).is_some_and(|unit| match kind([unit[0], unit[1]]) {
        0..=15 => begins_picture(unit),
        kind => [VPS, AUD].contains(&kind),
    })
}

/// The header of the first unit that begins in a payload, and the byte behind it.
fn first_unit(payload: &[u8]) -> Option<[u8; 3]> {
    let start = |unit: &[u8]| {
        let [a, b] = *unit.first_chunk()?;
        Some([a, b, unit.get(2).copied().unwrap_or(0)])
    };
    match Payload::parse(payload).ok()? {
        Payload::Single(unit) => start(unit),
        Payload::Aggregate(mut units) => start(units.next()?),
        Payload::Fragment {
            header: [a, b],
            is_start: true,
            data,
            ..
        } => Some([a, b, *data.first()?]),
        Payload::Fragment { .. } => None,
    }
}

/// H.265, 7.3.6.1: a slice begins with whether it is the first of its picture.
const fn begins_picture([a, b, next]: [u8; 3]) -> bool {
    match kind([a, b]) {
        0..=31 => next & 0x80 != 0,
        // The ends of a sequence and of a stream, filler data and what follows a picture.
        kind => !matches!(kind, 36..=38 | 40),
    }
}

/// Whether a payload begins a picture that depends on no other, or has the
/// parameters that come before one.
#[must_use]
pub fn is_key(payload: &[u8]) -> bool {
    let begins = |unit: &[u8]| {
        let header = unit.first_chunk();
        header.is_some_and(|header| {
            (16..=21).contains(&kind(*header)) || (32..=33).contains(&kind(*header))
        })
    };
    match Payload::parse(payload) {
        Ok(Payload::Single(unit)) => begins(unit),
        Ok(Payload::Aggregate(mut units)) => units.any(begins),
        Ok(Payload::Fragment {
            header, is_start, ..
        }) => is_start && begins(&header),
        Err(_) => false,
    }
}

/// Cuts frames with start codes into payloads: small units go together, a large
/// one is cut.
#[derive(Clone, Debug, Default)]
pub struct Packetizer(Cutter);

impl Packetizer {
    /// A packetizer without a frame.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The next frame. What is left of the last one is forgotten.
    pub fn push(&mut self, frame: Bytes) {
        // A unit without a header or content is none.
        self.0.push(frame, |unit| unit.len() > HEADER);
    }

    /// Writes the next payload of the frame; `Some(true)` if it is the last.
    ///
    /// `None` if there is none, or not enough room for a piece of a unit.
    pub fn next(&mut self, w: &mut Writer<'_>) -> Option<bool> {
        self.0.next::<Header>(w)
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
            Payload::Aggregate(units) => self.0.add(units),
            Payload::Fragment {
                header,
                is_start,
                is_end,
                data,
            } => self.0.add_piece(&Piece {
                header: Header(header),
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

/// Whether a unit is damaged, its type, and its layers.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Header([u8; HEADER]);

impl AsRef<[u8]> for Header {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl nal::Header for Header {
    const LEN: usize = HEADER;

    fn of(unit: &[u8]) -> Option<Self> {
        unit.first_chunk().copied().map(Self)
    }

    fn emit_for_piece(self, flags: u8, w: &mut Writer<'_>) {
        w.bytes(&with_kind(self.0, FRAGMENT));
        w.u8(flags | kind(self.0));
    }

    /// RFC 7798 §4.4.2: damaged if any is, and of the lowest layers of all.
    fn join(self, other: Self) -> Self {
        let ([a, b], [c, d]) = (self.0, other.0);
        let layer = |a: u8, b: u8| u16::from_be_bytes([a & 1, b & 0xf8]);
        let [high, low] = layer(a, b).min(layer(c, d)).to_be_bytes();
        let temporal = (b & 0x07).min(d & 0x07);
        Self([(a | c) & 0x80 | high, low | temporal])
    }

    fn of_aggregate(self) -> Self {
        Self(with_kind(self.0, AGGREGATE))
    }

    /// Pictures at which decoding can begin (H.265, table 7-1).
    fn is_key(self) -> bool {
        (16..=21).contains(&kind(self.0))
    }
}

/// The type in a header: six bits behind the first.
const fn kind(header: [u8; 2]) -> u8 {
    header[0] >> 1 & TYPE
}

/// The header with another type.
const fn with_kind(header: [u8; 2], kind: u8) -> [u8; 2] {
    [header[0] & 0x81 | kind << 1, header[1]]
}

const TYPE: u8 = 0x3f;
/// The parameters of the video.
const VPS: u8 = 32;
/// What may stand before a picture and says no more than that.
const AUD: u8 = 35;
const AGGREGATE: u8 = 48;
const FRAGMENT: u8 = 49;
const PACI: u8 = 50;
/// The header of a unit.
const HEADER: usize = 2;
