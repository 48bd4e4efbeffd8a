//! What became of each packet of a transport, in few bits.

use alloc::vec::Vec;
use core::iter::FusedIterator;
use core::time::Duration;

use arrayvec::ArrayVec;

use super::TransportFeedback;
use crate::cursor::{Malformed, Reader};
use crate::seq::Serial16;
use crate::wire::rtp::Ssrc;

/// A packet that came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// The transport's number of it.
    pub sequence: Serial16,
    /// When, in [`TICK`](Self::TICK)s from the receiver's epoch, as far as 24
    /// bits of reference time go.
    pub time: i64,
}

impl Arrival {
    /// The unit of the times.
    pub const TICK: Duration = Duration::from_micros(250);

    /// How many ticks one step of the reference time has: 64 ms.
    pub const REFERENCE: i64 = 256;
}

/// The iterator over the packets that came.
#[derive(Clone, Debug)]
pub struct Arrivals<'a> {
    chunks: Reader<'a>,
    deltas: Reader<'a>,
    /// How many packets were not looked at yet.
    left: u16,
    next: Serial16,
    time: i64,
    chunk: Chunk,
}

impl<'a> Arrivals<'a> {
    pub(super) const fn new(feedback: &TransportFeedback<'a>) -> Self {
        Self {
            chunks: Reader::new(feedback.chunks),
            deltas: Reader::new(feedback.deltas),
            left: feedback.count,
            next: feedback.base,
            time: feedback.reference_time as i64 * Arrival::REFERENCE,
            chunk: Chunk::EMPTY,
        }
    }
}

impl Iterator for Arrivals<'_> {
    type Item = Arrival;

    fn next(&mut self) -> Option<Arrival> {
        const FIELD: &str = "arrivals";
        while self.left > 0 {
            // A run of none is allowed, and says nothing.
            while self.chunk.len == 0 {
                self.chunk = Chunk::parse(&mut self.chunks).ok()?;
            }
            let (symbol, run) = self.chunk.take(self.left);
            self.left -= run;
            let sequence = self.next;
            self.next = sequence.add(run);
            let delta = match symbol {
                SMALL => i64::from(self.deltas.u8(FIELD).ok()?),
                LARGE => i16::from_be_bytes(self.deltas.array(FIELD).ok()?).into(),
                _ => continue,
            };
            self.time += delta;
            let time = self.time;
            return Some(Arrival { sequence, time });
        }
        None
    }
}

impl FusedIterator for Arrivals<'_> {}

/// What became of some packets: symbols of one chunk, as far as they are not taken.
#[derive(Clone, Copy, Debug)]
struct Chunk {
    /// How many symbols are left.
    len: u16,
    /// The symbols, two bits each, the next one lowest; of a run only one.
    symbols: u32,
    is_run: bool,
}

impl Chunk {
    const EMPTY: Self = Self {
        len: 0,
        symbols: 0,
        is_run: false,
    };

    /// Reads a chunk.
    ///
    /// ```text
    /// | 0 | symbol, 2 | length of the run, 13 |
    /// | 1 | 0 | fourteen symbols of one bit   |
    /// | 1 | 1 | seven symbols of two bits     |
    /// ```
    fn parse(r: &mut Reader<'_>) -> Result<Self, Malformed> {
        let bits = r.u16("transport feedback chunks")?;
        let (width, len) = match bits >> 14 {
            0 | 1 => {
                return Ok(Self {
                    len: bits & MAX_RUN,
                    symbols: u32::from(bits >> 13 & 3),
                    is_run: true,
                });
            }
            2 => (1, 14),
            _ => (2, 7),
        };
        let symbol = |index| u32::from(bits >> (14 - width * (index + 1)) & ((1 << width) - 1));
        let symbols = (0..len).fold(0, |all, index| all | symbol(index) << (2 * index));
        Ok(Self {
            len,
            symbols,
            is_run: false,
        })
    }

    /// Takes the next symbol, of a run of packets that did not come all of it
    /// up to `most`, and says how many packets it is about.
    fn take(&mut self, most: u16) -> (u8, u16) {
        let [.., low] = self.symbols.to_be_bytes();
        let symbol = low & 3;
        let count = match (self.is_run, symbol) {
            (true, LOST) => self.len.min(most),
            (true, _) => 1,
            (false, _) => {
                self.symbols >>= 2;
                1
            }
        };
        self.len -= count;
        (symbol, count)
    }

    /// How many bytes the deltas of the first `most` symbols take.
    fn deltas(&self, most: u16) -> Result<usize, Malformed> {
        let size = |symbol: u32| match symbol & 3 {
            3 => Err(Malformed("transport feedback symbol")),
            bytes => Ok(bytes as usize),
        };
        let len = self.len.min(most);
        if self.is_run {
            return Ok(usize::from(len) * size(self.symbols)?);
        }
        (0..len)
            .map(|index| size(self.symbols >> (2 * index)))
            .sum()
    }
}

/// How many bytes the chunks of `count` packets take, and how many their deltas.
pub(super) fn measure(bytes: &[u8], count: u16) -> Result<(usize, usize), Malformed> {
    let mut r = Reader::new(bytes);
    let (mut left, mut deltas) = (count, 0);
    while left > 0 {
        let chunk = Chunk::parse(&mut r)?;
        deltas += chunk.deltas(left)?;
        left -= chunk.len.min(left);
    }
    Ok((bytes.len() - r.remaining(), deltas))
}

/// Puts arrivals into as few bytes as will do.
///
/// Packets are told in the order of their numbers; what lies between two of
/// them is told to be lost.
#[derive(Clone, Debug)]
pub struct FeedbackBuilder {
    base: Serial16,
    reference_time: i32,
    count: u16,
    /// When the last packet came.
    time: i64,
    chunks: Vec<u8>,
    pending: Pending,
    deltas: Vec<u8>,
}

impl FeedbackBuilder {
    /// A feedback that begins with the packet `base`, about arrivals near `time`.
    #[must_use]
    #[expect(
        clippy::cast_possible_truncation,
        reason = "24 bits are sent, and wrap"
    )]
    pub const fn new(base: Serial16, time: i64) -> Self {
        let reference = time.div_euclid(Arrival::REFERENCE);
        Self {
            base,
            // The 24 bits that are sent, with their sign.
            reference_time: ((reference as i32) << 8) >> 8,
            count: 0,
            time: reference * Arrival::REFERENCE,
            chunks: Vec::new(),
            pending: Pending::new(),
            deltas: Vec::new(),
        }
    }

    /// Tells of one more packet.
    ///
    /// `false`, and nothing is told, if it comes before one that was told of, or
    /// too long before or after it, or so many do not fit: then a new feedback
    /// has to begin.
    pub fn push(&mut self, arrival: Arrival) -> bool {
        let index = arrival.sequence.distance_from(self.base);
        let Ok(delta) = i16::try_from(arrival.time - self.time) else {
            return false;
        };
        if index < self.count || index == u16::MAX {
            return false;
        }
        for _ in self.count..index {
            self.pending.push(LOST, &mut self.chunks);
        }
        match u8::try_from(delta) {
            Ok(small) => {
                self.pending.push(SMALL, &mut self.chunks);
                self.deltas.push(small);
            }
            Err(_) => {
                self.pending.push(LARGE, &mut self.chunks);
                self.deltas.extend(delta.to_be_bytes());
            }
        }
        self.count = index + 1;
        self.time = arrival.time;
        true
    }

    /// How many bytes the feedback takes with what it was told so far, at most.
    #[must_use]
    pub fn len(&self) -> usize {
        super::frame::len(16 + self.chunks.len() + 4 + self.deltas.len())
    }

    /// Whether it was told of no packet.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The feedback.
    pub fn finish(
        &mut self,
        sender: Ssrc,
        media: Ssrc,
        feedback_count: u8,
    ) -> TransportFeedback<'_> {
        self.pending.flush(&mut self.chunks);
        TransportFeedback {
            sender,
            media,
            base: self.base,
            count: self.count,
            reference_time: self.reference_time,
            feedback_count,
            chunks: &self.chunks,
            deltas: &self.deltas,
        }
    }
}

/// Symbols that are not in a chunk yet.
#[derive(Clone, Debug)]
struct Pending {
    /// How many.
    len: u16,
    /// The first of them; if all are alike there may be more than fit here.
    symbols: ArrayVec<u8, 14>,
    alike: bool,
    large: bool,
}

impl Pending {
    const fn new() -> Self {
        Self {
            len: 0,
            symbols: ArrayVec::new_const(),
            alike: true,
            large: false,
        }
    }

    fn push(&mut self, symbol: u8, chunks: &mut Vec<u8>) {
        while !self.fits(symbol) {
            self.write_one(false, chunks);
        }
        self.add(symbol);
    }

    /// Whether one chunk can hold `symbol` too.
    fn fits(&self, symbol: u8) -> bool {
        let run = self.alike && self.symbols.first().is_none_or(|&first| first == symbol);
        let one_bit = self.len < 14 && !self.large && symbol != LARGE;
        (run && self.len < MAX_RUN) || one_bit || self.len < 7
    }

    fn add(&mut self, symbol: u8) {
        self.alike &= self.symbols.first().is_none_or(|&first| first == symbol);
        self.large |= symbol == LARGE;
        self.len += 1;
        // Beyond fourteen they are all alike, and the number says it.
        let _ = self.symbols.try_push(symbol);
    }

    /// Moves as many symbols as will go into one chunk; if `last`, none follow.
    fn write_one(&mut self, last: bool, chunks: &mut Vec<u8>) {
        let first = self.symbols.first().copied().unwrap_or(LOST);
        if self.alike {
            let chunk = u16::from(first) << 13 | self.len;
            chunks.extend(chunk.to_be_bytes());
            *self = Self::new();
            return;
        }
        // Fourteen fit if none is large; else seven go and the rest stays.
        let one_bit = !self.large && (self.len == 14 || last && self.len > 7);
        let (width, count) = if one_bit { (1, 14) } else { (2, 7) };
        let pack = |chunk, (index, &symbol): (usize, &u8)| {
            chunk | u16::from(symbol) << (14 - width * (index + 1))
        };
        let head = 1 << 15 | u16::from(!one_bit) << 14;
        let written = self.symbols.iter().take(count).enumerate();
        let chunk = written.fold(head, pack);
        chunks.extend(chunk.to_be_bytes());
        let rest: ArrayVec<u8, 14> = self.symbols.iter().skip(count).copied().collect();
        *self = Self::new();
        rest.into_iter().for_each(|symbol| self.add(symbol));
    }

    fn flush(&mut self, chunks: &mut Vec<u8>) {
        while self.len > 0 {
            self.write_one(true, chunks);
        }
    }
}

/// It did not come.
const LOST: u8 = 0;
/// It came, and its delta is one byte.
const SMALL: u8 = 1;
/// It came, and its delta is two bytes with a sign.
const LARGE: u8 = 2;
/// How long a run of one chunk can be.
const MAX_RUN: u16 = 0x1fff;
