//! What H.264 and H.265 share: units in payloads alone, together or in pieces.

use core::ops::Range;

use alloc::collections::VecDeque;

use bytes::Bytes;

use super::annex_b::{LONG_CODE, Units};
use super::{Frame, Limits, Reassembly};
use crate::cursor::{Malformed, Writer};

/// What stands at the front of a unit, and says of which kind it is.
pub(super) trait Header: Copy + PartialEq + AsRef<[u8]> {
    /// How long it is.
    const LEN: usize;

    /// The header of a unit.
    fn of(unit: &[u8]) -> Option<Self>;

    /// Writes what stands before a piece of its unit: a header of another kind,
    /// and a byte with `flags` and the kind of the unit.
    fn emit_for_piece(self, flags: u8, w: &mut Writer<'_>);

    /// What of two headers stands in that of the payload which holds both units.
    fn join(self, other: Self) -> Self;

    /// The header of a payload that holds several units, whose headers were joined.
    fn of_aggregate(self) -> Self;

    /// Whether a picture begins with its unit at which decoding can begin.
    fn is_key(self) -> bool;
}

/// The units of a frame that were not written yet.
#[derive(Clone, Debug, Default)]
pub(super) struct Cutter {
    frame: Bytes,
    units: VecDeque<Range<usize>>,
    /// How much of the first one was written in pieces.
    cut: usize,
}

impl Cutter {
    /// The next frame; of its units those that are `sent`.
    pub(super) fn push(&mut self, frame: Bytes, sent: impl Fn(&[u8]) -> bool) {
        let is_sent = |range: &Range<usize>| frame.get(range.clone()).is_some_and(&sent);
        self.units.clear();
        self.units.extend(Units::new(&frame).filter(is_sent));
        self.frame = frame;
        self.cut = 0;
    }

    /// Writes the next payload; `Some(true)` if it is the last.
    ///
    /// `None` if there is none, or not enough room for a piece of a unit.
    pub(super) fn next<H: Header>(&mut self, w: &mut Writer<'_>) -> Option<bool> {
        let first = self.units.front()?.clone();
        let together = self.how_many_fit::<H>(w.remaining());
        if self.cut > 0 || first.len() > w.remaining() {
            self.write_piece::<H>(first, w)?;
        } else if together < 2 {
            self.write_unit(w)?;
        } else {
            self.write_aggregate::<H>(together, w);
        }
        Some(self.units.is_empty())
    }

    /// Writes the next unit for which there is room, and leaves out those before it.
    pub(super) fn next_unit(&mut self, w: &mut Writer<'_>) -> Option<bool> {
        let room = w.remaining();
        self.units.retain(|unit| unit.len() <= room);
        self.write_unit(w)?;
        Some(self.units.is_empty())
    }

    /// How many of the next units fit into one payload.
    fn how_many_fit<H: Header>(&self, room: usize) -> usize {
        let mut room = room.saturating_sub(H::LEN);
        let fits = |unit: &&Range<usize>| {
            let left = room.checked_sub(2 + unit.len());
            room = left.unwrap_or(0);
            left.is_some() && unit.len() <= usize::from(u16::MAX)
        };
        self.units.iter().take_while(fits).count()
    }

    fn write_unit(&mut self, w: &mut Writer<'_>) -> Option<()> {
        w.bytes(self.frame.get(self.units.pop_front()?)?);
        Some(())
    }

    fn write_aggregate<H: Header>(&mut self, count: usize, w: &mut Writer<'_>) {
        let at = w.len();
        w.zeros(H::LEN);
        let mut joined: Option<H> = None;
        for unit in self.units.drain(..count) {
            let unit = self.frame.get(unit).unwrap_or_default();
            w.prefixed_u16(|w| w.bytes(unit));
            let header = H::of(unit);
            joined = joined.zip(header).map(|(a, b)| a.join(b)).or(header);
        }
        if let Some(header) = joined {
            w.patch(at, header.of_aggregate().as_ref());
        }
    }

    fn write_piece<H: Header>(&mut self, unit: Range<usize>, w: &mut Writer<'_>) -> Option<()> {
        let before = H::LEN + 1;
        let room = w.remaining().checked_sub(before).filter(|room| *room > 0)?;
        let header = H::of(self.frame.get(unit.start..)?)?;
        // The unit's own header is not sent, but told by the headers of its pieces.
        let is_start = self.cut == 0;
        let from = unit.start + self.cut.max(H::LEN);
        let left = unit.end.saturating_sub(from);
        let pieces = left.div_ceil(room).max(if is_start { 2 } else { 1 });
        let len = left.div_ceil(pieces);
        let is_end = len == left;
        header.emit_for_piece(u8::from(is_start) << 7 | u8::from(is_end) << 6, w);
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

/// A piece of a unit.
pub(super) struct Piece<'a, H> {
    /// The header that the whole unit has.
    pub(super) header: H,
    pub(super) is_start: bool,
    pub(super) is_end: bool,
    pub(super) data: &'a [u8],
}

/// Puts units together, with start codes.
#[derive(Clone, Debug)]
pub(super) struct Joiner<H>(Reassembly<H>);

impl<H: Header> Joiner<H> {
    pub(super) const fn new(limits: Limits) -> Self {
        Self(Reassembly::new(limits))
    }

    /// Remembers whether a payload could be added.
    pub(super) fn note(&mut self, added: Result<(), Malformed>) -> Result<(), Malformed> {
        self.0.note(added)
    }

    /// Adds the units of a payload.
    pub(super) fn add<'u>(
        &mut self,
        mut units: impl Iterator<Item = &'u [u8]>,
    ) -> Result<(), Malformed> {
        if self.0.open.is_some() {
            return Err(Malformed("unit without its end"));
        }
        units.try_for_each(|unit| {
            let header = H::of(unit).ok_or(Malformed("unit without a header"))?;
            self.begin(header)?;
            self.0
                .assembly
                .append(unit.get(H::LEN..).unwrap_or_default())
        })
    }

    /// Adds a piece, which either begins a unit or continues the open one.
    pub(super) fn add_piece(&mut self, piece: &Piece<'_, H>) -> Result<(), Malformed> {
        let Piece {
            header,
            is_start,
            is_end,
            data,
        } = *piece;
        let continues = !is_start && self.0.open == Some(header);
        let begins = is_start && self.0.open.is_none();
        if !continues && !begins {
            return Err(Malformed("piece without the others"));
        }
        if begins {
            self.begin(header)?;
        }
        self.0.open = (!is_end).then_some(header);
        self.0.assembly.append(data)
    }

    fn begin(&mut self, header: H) -> Result<(), Malformed> {
        self.0.is_key |= header.is_key();
        self.0.assembly.append(&LONG_CODE)?;
        self.0.assembly.append(header.as_ref())
    }

    /// The frame, if it is whole.
    pub(super) fn finish(&mut self) -> Option<Frame> {
        self.0.finish()
    }
}

impl<H> Default for Joiner<H> {
    fn default() -> Self {
        Self(Reassembly::default())
    }
}
