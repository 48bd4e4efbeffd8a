//! What does a receiver say?

use alloc::vec::Vec;
use core::fmt;

use arrayvec::ArrayVec;
use bytes::Bytes;

use crate::cursor::Reader;
use crate::time::Instant;
use crate::wire::list::List;
use crate::wire::rtp::extension::{AudioLevel, Block, VideoOrientation};
use crate::wire::rtp::{PayloadType, SequenceNumber, Ssrc, Timestamp};

/// What came.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Event {
    /// A whole frame, in [`Mode::Frames`](super::Mode::Frames).
    Frame(ReceivedFrame),
    /// A packet, in [`Mode::Packets`](super::Mode::Packets).
    Packet(ReceivedPacket),
}

/// A frame that came whole.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReceivedFrame {
    /// What the decoder wants.
    pub data: Bytes,
    /// Whether it can be decoded without any other.
    pub is_key: bool,
    /// When it was sampled, in ticks of the codec's clock.
    pub timestamp: u32,
    /// The same moment by the sender's wall clock, as NTP time, once a sender
    /// report told how the two belong together.
    pub ntp: Option<u64>,
    /// Its codec.
    pub payload_type: PayloadType,
    /// Whether its last packet was marked: sound says so at the start of talk.
    pub marker: bool,
    /// When the last of its packets came.
    pub received: Instant,
    /// How many packets it came in.
    pub packets: u32,
    /// How loud it is.
    pub audio_level: Option<AudioLevel>,
    /// How it has to be turned.
    pub orientation: Option<VideoOrientation>,
    /// Whether something between the last frame and this one was lost.
    pub lost_before: bool,
}

/// All but what is seen and heard.
impl fmt::Debug for ReceivedFrame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReceivedFrame")
            .field("len", &self.data.len())
            .field("is_key", &self.is_key)
            .field("timestamp", &self.timestamp)
            .field("payload_type", &self.payload_type)
            .field("received", &self.received)
            .field("packets", &self.packets)
            .field("lost_before", &self.lost_before)
            .finish_non_exhaustive()
    }
}

/// A packet as it came, or as it was before it was repeated.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReceivedPacket {
    /// The source.
    pub ssrc: Ssrc,
    /// What the format says.
    pub marker: bool,
    /// The codec.
    pub payload_type: PayloadType,
    /// Which packet of the source.
    pub sequence_number: SequenceNumber,
    /// The same, wraps counted.
    pub number: u64,
    /// When it was sampled.
    pub timestamp: Timestamp,
    /// When it came.
    pub received: Instant,
    /// Whether it came in the stream that repeats packets.
    pub is_repeated: bool,
    /// Whether a key frame begins with it, as far as its format is known.
    pub is_key: bool,
    /// What it holds, without padding.
    pub payload: Bytes,
    /// CSRCs and extensions.
    pub(super) head: Head,
}

impl ReceivedPacket {
    /// Whose sound a mixer put into it.
    #[must_use]
    pub fn csrcs(&self) -> List<'_, Ssrc> {
        let csrcs = self.head.bytes().get(..self.head.csrcs.into());
        List::new(csrcs.unwrap_or_default())
    }

    /// What stood between header and payload.
    #[must_use]
    pub fn extensions(&self) -> Option<Block<'_>> {
        let block = self.head.bytes().get(self.head.csrcs.into()..)?;
        Block::parse(&mut Reader::new(block)).ok()
    }

    /// What the extension with this id says.
    #[must_use]
    pub fn extension(&self, id: u8) -> Option<&[u8]> {
        let block = self.extensions()?;
        let element = block.elements().find(|element| element.id == id)?;
        Some(element.value)
    }
}

/// All but what is seen and heard.
impl fmt::Debug for ReceivedPacket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReceivedPacket")
            .field("ssrc", &self.ssrc)
            .field("payload_type", &self.payload_type)
            .field("number", &self.number)
            .field("timestamp", &self.timestamp)
            .field("marker", &self.marker)
            .field("len", &self.payload.len())
            .finish_non_exhaustive()
    }
}

/// What stood between the fixed part of a header and the payload.
///
/// It is short, and lies in the packet itself, where it costs least; what is not
/// lies with the payloads.
#[derive(Clone, PartialEq, Eq, Default)]
pub(super) struct Head {
    pub(super) short: ArrayVec<u8, SHORT>,
    pub(super) long: Bytes,
    /// How many of the bytes are CSRCs; the block of extensions follows.
    pub(super) csrcs: u8,
}

impl Head {
    fn bytes(&self) -> &[u8] {
        if self.long.is_empty() {
            &self.short
        } else {
            &self.long
        }
    }
}

/// What the sender should be told at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Feedback {
    /// These packets should come again, in the order of their numbers.
    Nack(Vec<SequenceNumber>),
    /// A picture was lost (PLI).
    Pli,
    /// A key frame is needed; repeated requests have the same number (FIR).
    Fir(u8),
}

/// Whose sound or picture came lately?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Source {
    /// Who.
    pub ssrc: Ssrc,
    /// In which part.
    pub kind: SourceKind,
    /// When it last came.
    pub heard: Instant,
    /// The timestamp of what came last.
    pub timestamp: Timestamp,
    /// How loud it was.
    pub audio_level: Option<AudioLevel>,
}

/// Did a source send by itself, or was it mixed in?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SourceKind {
    /// It sends the packets.
    Synchronization,
    /// A mixer put it into them.
    Contributing,
}

/// How long a short head is: that of a browser.
const SHORT: usize = 64;
