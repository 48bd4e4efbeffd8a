//! What else a receiver knows (RFC 3611).

use alloc::vec::Vec;
use core::fmt;
use core::iter::FusedIterator;

use super::frame::{self, Unknown};
use crate::cursor::{Malformed, Reader, Writer};
use crate::seq::Serial16;
use crate::wire::list::{List, Record};
use crate::wire::rtp::{SequenceNumber, Ssrc};

/// What else a receiver knows, in blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExtendedReport<'a> {
    /// Who says it.
    pub ssrc: Ssrc,
    blocks: &'a [u8],
}

impl<'a> ExtendedReport<'a> {
    /// The type of this packet.
    pub const KIND: u8 = 207;

    /// Whether a packet is one of these.
    pub(super) const fn is(frame: &Unknown<'_>) -> bool {
        frame.kind == Self::KIND
    }

    /// Reads the packet and checks the frames of its blocks, not their content.
    ///
    /// # Errors
    ///
    /// [`Malformed`] if a block is longer than the packet.
    pub fn parse(r: &mut Reader<'a>) -> Result<Self, Malformed> {
        let (_, mut r) = Unknown::open(r, Self::is)?;
        let ssrc = Ssrc::parse(&mut r)?;
        Self::of_blocks(ssrc, r.rest())
    }

    /// A packet with these blocks, as [`encode`](Self::encode) makes them.
    ///
    /// # Errors
    ///
    /// [`Malformed`] as for [`parse`](Self::parse).
    pub fn of_blocks(ssrc: Ssrc, blocks: &'a [u8]) -> Result<Self, Malformed> {
        let mut check = Reader::new(blocks);
        while !check.is_empty() {
            RawBlock::parse(&mut check)?;
        }
        Ok(Self { ssrc, blocks })
    }

    /// The bytes of blocks, to make a packet of.
    #[must_use]
    pub fn encode<'b>(blocks: impl IntoIterator<Item = Block<'b>>) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut w = Writer::new(&mut bytes, usize::MAX);
        blocks.into_iter().for_each(|block| block.emit(&mut w));
        bytes
    }

    /// The blocks; an error is one whose content is not as it should be.
    #[must_use]
    pub const fn blocks(&self) -> Blocks<'a> {
        Blocks {
            rest: Reader::new(self.blocks),
        }
    }

    /// The size on the wire.
    #[must_use]
    pub const fn encoded_len(&self) -> usize {
        frame::len(4 + self.blocks.len())
    }

    /// Writes the packet.
    pub fn emit(&self, w: &mut Writer<'_>) {
        frame::write(w, Self::KIND, 0, |w| {
            w.u32(self.ssrc.0);
            w.bytes(self.blocks);
        });
    }
}

/// `XR ssrc=00000001 RRT ntp=000000010000000a`
impl fmt::Display for ExtendedReport<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "XR ssrc={}", self.ssrc)?;
        for block in self.blocks() {
            match block {
                Ok(block) => write!(f, " {block}")?,
                Err(malformed) => write!(f, " {malformed}")?,
            }
        }
        Ok(())
    }
}

/// The iterator over the blocks of a report.
#[derive(Clone, Debug)]
pub struct Blocks<'a> {
    rest: Reader<'a>,
}

impl<'a> Iterator for Blocks<'a> {
    type Item = Result<Block<'a>, Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        (!self.rest.is_empty()).then(|| Block::parse(&mut self.rest))
    }
}

impl FusedIterator for Blocks<'_> {}

/// One of the things that a receiver knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Block<'a> {
    /// Which packets of a source were lost (RFC 3611 §4.1).
    Losses(Losses<'a>),
    /// What time it is for the receiver, in NTP time (RFC 3611 §4.4).
    ReceiverTime(u64),
    /// When the receiver told its time last, each as it was told (RFC 3611 §4.5).
    LastReceiverTimes(List<'a, LastReceiverTime>),
    /// A block that is not known here, kept as it came.
    Unknown {
        /// Its type.
        kind: u8,
        /// What its type makes of the second byte.
        specific: u8,
        /// Its content; cut to a whole number of 32 bits when written.
        body: &'a [u8],
    },
}

impl<'a> Block<'a> {
    /// Reads the next block. Whatever its content, its whole frame is consumed.
    ///
    /// # Errors
    ///
    /// [`Malformed`] if the frame or the content is not as it should be.
    pub fn parse(r: &mut Reader<'a>) -> Result<Self, Malformed> {
        let RawBlock {
            kind,
            specific,
            body,
        } = RawBlock::parse(r)?;
        let mut r = Reader::new(body);
        let block = match kind {
            LOSSES => Self::Losses(Losses::parse(specific, &mut r)?),
            RECEIVER_TIME => Self::ReceiverTime(r.u64("XR receiver time")?),
            LAST_RECEIVER_TIMES => Self::LastReceiverTimes(List::new(r.rest())),
            _ => Self::Unknown {
                kind,
                specific,
                body: r.rest(),
            },
        };
        Ok(block)
    }

    /// The size on the wire.
    #[must_use]
    pub const fn encoded_len(&self) -> usize {
        RawBlock::HEADER
            + match self {
                Self::Losses(losses) => 8 + losses.chunks.encoded_len().next_multiple_of(4),
                Self::ReceiverTime(_) => 8,
                Self::LastReceiverTimes(times) => times.encoded_len(),
                Self::Unknown { body, .. } => body.len() / 4 * 4,
            }
    }

    /// Writes the block.
    pub fn emit(&self, w: &mut Writer<'_>) {
        let (kind, specific) = match self {
            Self::Losses(losses) => (LOSSES, losses.thinning & 0x0f),
            Self::ReceiverTime(_) => (RECEIVER_TIME, 0),
            Self::LastReceiverTimes(_) => (LAST_RECEIVER_TIMES, 0),
            Self::Unknown { kind, specific, .. } => (*kind, *specific),
        };
        let words = self.encoded_len() / 4 - 1;
        w.bytes(&[kind, specific]);
        w.u16(u16::try_from(words).unwrap_or(u16::MAX));
        match self {
            Self::Losses(losses) => losses.emit(w),
            Self::ReceiverTime(ntp) => w.u64(*ntp),
            Self::LastReceiverTimes(times) => times.emit(w),
            Self::Unknown { body, .. } => {
                w.bytes(body.get(..body.len() / 4 * 4).unwrap_or_default());
            }
        }
    }
}

impl fmt::Display for Block<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Losses(Losses {
                ssrc, begin, end, ..
            }) => {
                write!(f, "loss-RLE {ssrc}:{}..{}", begin.0, end.0)
            }
            Self::ReceiverTime(ntp) => write!(f, "RRT ntp={ntp:016x}"),
            Self::LastReceiverTimes(times) => write!(f, "DLRR {times}"),
            Self::Unknown { kind, body, .. } => write!(f, "block={kind} len={}", body.len()),
        }
    }
}

/// Which packets of a source were lost, one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Losses<'a> {
    /// Only packets whose number is a multiple of two to this power are told of.
    pub thinning: u8,
    /// The source.
    pub ssrc: Ssrc,
    /// The first packet.
    pub begin: SequenceNumber,
    /// The one behind the last.
    pub end: SequenceNumber,
    /// What became of them, in short.
    pub chunks: List<'a, LossChunk>,
}

impl<'a> Losses<'a> {
    fn parse(specific: u8, r: &mut Reader<'a>) -> Result<Self, Malformed> {
        const FIELD: &str = "XR losses";
        Ok(Self {
            thinning: specific & 0x0f,
            ssrc: Ssrc::parse(r)?,
            begin: Serial16(r.u16(FIELD)?),
            end: Serial16(r.u16(FIELD)?),
            chunks: List::new(r.rest()),
        })
    }

    fn emit(&self, w: &mut Writer<'_>) {
        w.u32(self.ssrc.0);
        w.u16(self.begin.0);
        w.u16(self.end.0);
        self.chunks.emit(w);
        // RFC 3611 §4.1: a chunk of zeros fills the block.
        w.zeros(self.chunks.encoded_len() % 4);
    }

    /// Each packet that is told of, and whether it came; at most 65,535.
    pub fn packets(&self) -> impl Iterator<Item = (SequenceNumber, bool)> + use<'a> {
        let step = 1_u16 << self.thinning.min(15);
        // The first multiple of `step` from `begin` on; both wrap together.
        let lead = self.begin.0.wrapping_neg() & (step - 1);
        let first = self.begin.0.wrapping_add(lead);
        let span = self.end.distance_from(self.begin);
        let count = span.saturating_sub(lead).div_ceil(step);
        let received = self.chunks.iter().flat_map(LossChunk::received);
        (0..count)
            .map(move |index| Serial16(first.wrapping_add(index.wrapping_mul(step))))
            .zip(received)
    }

    /// Chunks that tell which of a row of packets came, to make a block of.
    #[must_use]
    pub fn encode(received: &[bool]) -> Vec<u8> {
        let mut chunks = Vec::new();
        let mut rest = received;
        while let Some(&first) = rest.first() {
            let run = rest.iter().take_while(|&&came| came == first).count();
            if run >= LossChunk::BITS || run == rest.len() {
                let run = run.min(LossChunk::MAX_RUN);
                chunks.push(LossChunk::run(first, run));
                rest = rest.get(run..).unwrap_or_default();
            } else {
                let (bits, tail) = rest.split_at(rest.len().min(LossChunk::BITS));
                chunks.push(LossChunk::vector(bits));
                rest = tail;
            }
        }
        List::encode(chunks)
    }
}

/// What became of some packets.
///
/// ```text
/// | 0 | 1 = came | length of the run, 14 |     a run of 0 fills the block
/// | 1 | fifteen packets, 1 = came        |
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LossChunk(pub u16);

impl LossChunk {
    /// How many packets bits can tell of.
    const BITS: usize = 15;

    /// How many packets a run can tell of.
    const MAX_RUN: usize = 0x3fff;

    fn run(came: bool, len: usize) -> Self {
        let len = u16::try_from(len).unwrap_or(0x3fff) & 0x3fff;
        Self(u16::from(came) << 14 | len)
    }

    fn vector(bits: &[bool]) -> Self {
        let pack = |chunk, (index, &came): (usize, &bool)| chunk | u16::from(came) << (14 - index);
        Self(bits.iter().take(Self::BITS).enumerate().fold(1 << 15, pack))
    }

    /// Whether each of the packets came.
    fn received(self) -> impl Iterator<Item = bool> {
        let Self(bits) = self;
        let is_run = bits >> 15 == 0;
        let len = if is_run { bits & 0x3fff } else { 15 };
        (0..len).map(move |index| {
            let place = if is_run { 14 } else { 14 - index };
            bits >> place & 1 == 1
        })
    }
}

impl Record for LossChunk {
    const LEN: usize = 2;

    fn parse(r: &mut Reader<'_>) -> Result<Self, Malformed> {
        r.u16("XR loss chunk").map(Self)
    }

    fn emit(&self, w: &mut Writer<'_>) {
        w.u16(self.0);
    }
}

/// When a receiver told its time last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LastReceiverTime {
    /// The receiver.
    pub ssrc: Ssrc,
    /// The middle 32 bits of the time that it told; 0 if it told none.
    pub last: u32,
    /// How long ago that was, in 65,536ths of a second.
    pub delay: u32,
}

impl Record for LastReceiverTime {
    const LEN: usize = 12;

    fn parse(r: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(Self {
            ssrc: Ssrc::parse(r)?,
            last: r.u32("XR last receiver time")?,
            delay: r.u32("XR last receiver time")?,
        })
    }

    fn emit(&self, w: &mut Writer<'_>) {
        w.u32(self.ssrc.0);
        w.u32(self.last);
        w.u32(self.delay);
    }
}

/// `00000001:lrr=00000002 dlrr=3`
impl fmt::Display for LastReceiverTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:lrr={:08x} dlrr={}", self.ssrc, self.last, self.delay)
    }
}

/// The frame of a block.
struct RawBlock<'a> {
    kind: u8,
    specific: u8,
    body: &'a [u8],
}

impl<'a> RawBlock<'a> {
    const HEADER: usize = 4;

    fn parse(r: &mut Reader<'a>) -> Result<Self, Malformed> {
        let [kind, specific] = r.array("XR block")?;
        let words = r.u16("XR block")?;
        let body = r.bytes(usize::from(words) * 4, "XR block")?;
        Ok(Self {
            kind,
            specific,
            body,
        })
    }
}

/// RFC 3611 §4.1.
const LOSSES: u8 = 1;
/// RFC 3611 §4.4.
const RECEIVER_TIME: u8 = 4;
/// RFC 3611 §4.5.
const LAST_RECEIVER_TIMES: u8 = 5;
