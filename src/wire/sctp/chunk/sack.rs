//! SACK: what arrived (RFC 9260 §3.3.4)?

use core::fmt;

use super::super::{Tsn, tlv};
use crate::cursor::{Malformed, Reader, Writer};
use crate::seq::Serial32;
use crate::wire::list::{List, Record};

/// Says what arrived.
///
/// ```text
///  0                   1                   2                   3
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
/// |   type = 3    |  flags = 0    |            length             |
/// |                      cumulative TSN ack                       |
/// |            advertised receiver window credit                  |
/// |    number of gap ack blocks   |   number of duplicate TSNs    |
/// |    gap ack block start        |      gap ack block end        |
/// |                        duplicate TSN                          |
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sack<'a> {
    /// The last TSN before the first one missing.
    pub cumulative_tsn: Tsn,
    /// How many more bytes can be held.
    pub a_rwnd: u32,
    /// What arrived behind the first one missing.
    pub gaps: List<'a, GapAckBlock>,
    /// What arrived once more.
    pub duplicates: List<'a, Tsn>,
}

impl<'a> Sack<'a> {
    /// The type of this chunk.
    pub const KIND: u8 = 3;

    /// The size without gaps and duplicates.
    pub const HEADER: usize = 16;

    /// Reads the chunk.
    ///
    /// # Errors
    ///
    /// [`Malformed`] if it holds fewer records than it says.
    pub fn parse(r: &mut Reader<'a>) -> Result<Self, Malformed> {
        let (_, mut r) = tlv::open(r, Self::KIND)?;
        let cumulative_tsn = Serial32(r.u32("cumulative TSN")?);
        let a_rwnd = r.u32("receiver window")?;
        let gaps = usize::from(r.u16("number of gaps")?);
        let duplicates = usize::from(r.u16("number of duplicates")?);
        Ok(Self {
            cumulative_tsn,
            a_rwnd,
            gaps: List::parse(&mut r, gaps, "gaps")?,
            duplicates: List::parse(&mut r, duplicates, "duplicates")?,
        })
    }

    /// The size on the wire.
    #[must_use]
    pub const fn encoded_len(&self) -> usize {
        Self::HEADER + self.gaps.encoded_len() + self.duplicates.encoded_len()
    }

    /// Writes the chunk.
    pub fn emit(&self, w: &mut Writer<'_>) {
        let count = |count: usize| u16::try_from(count).unwrap_or(u16::MAX);
        tlv::write_chunk(w, Self::KIND, 0, |w| {
            w.u32(self.cumulative_tsn.0);
            w.u32(self.a_rwnd);
            w.u16(count(self.gaps.len()));
            w.u16(count(self.duplicates.len()));
            self.gaps.emit(w);
            self.duplicates.emit(w);
        });
    }
}

/// `SACK cum=6 rwnd=131072 gaps=[2-3] dups=[5]`
impl fmt::Display for Sack<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { gaps, a_rwnd, .. } = self;
        write!(f, "SACK cum={} rwnd={a_rwnd}", self.cumulative_tsn.0)?;
        if !gaps.is_empty() {
            write!(f, " gaps={gaps}")?;
        }
        if !self.duplicates.is_empty() {
            let mut separator = " dups=[";
            for tsn in &self.duplicates {
                write!(f, "{separator}{}", tsn.0)?;
                separator = " ";
            }
            f.write_str("]")?;
        }
        Ok(())
    }
}

/// A run of TSNs that arrived, counted from the cumulative TSN.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GapAckBlock {
    /// How far its first TSN is from the cumulative one.
    pub start: u16,
    /// How far its last TSN is from the cumulative one.
    pub end: u16,
}

impl Record for GapAckBlock {
    const LEN: usize = 4;

    fn parse(r: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(Self {
            start: r.u16("gap start")?,
            end: r.u16("gap end")?,
        })
    }

    fn emit(&self, w: &mut Writer<'_>) {
        w.u16(self.start);
        w.u16(self.end);
    }
}

impl fmt::Display for GapAckBlock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.start, self.end)
    }
}
