//! What does the application write?

use core::fmt;

use bytes::Bytes;

use crate::rtp::receiver::ReceivedPacket;
use crate::wire::rtp::extension::{AudioLevel, Extension, VideoOrientation};
use crate::wire::rtp::{PayloadType, SequenceNumber, Ssrc, Timestamp};

/// A picture, or a piece of sound, as the codec made it.
#[derive(Clone, PartialEq, Eq)]
pub struct MediaFrame {
    /// As [`Packetizer`](crate::rtp::format::Packetizer) wants it.
    pub data: Bytes,
    /// When it was captured, in ticks of the codec's clock since any moment.
    /// A random number is added to all of them (RFC 3550 §5.1).
    pub timestamp: u32,
    /// How loud it is.
    pub audio_level: Option<AudioLevel>,
    /// How it has to be turned.
    pub orientation: Option<VideoOrientation>,
    /// Whether talk begins with it (RFC 3551 §4.1). Of pictures nothing has to
    /// be said: their last packet is marked.
    pub marker: bool,
}

impl MediaFrame {
    /// A frame of which nothing else is known.
    #[must_use]
    pub const fn new(timestamp: u32, data: Bytes) -> Self {
        Self {
            data,
            timestamp,
            audio_level: None,
            orientation: None,
            marker: false,
        }
    }
}

/// Without the bytes.
impl fmt::Debug for MediaFrame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut f = f.debug_struct("MediaFrame");
        f.field("timestamp", &self.timestamp);
        f.field("len", &self.data.len());
        f.finish_non_exhaustive()
    }
}

/// A packet of a source elsewhere, to be sent on.
///
/// Number and timestamp are the source's own; the sender puts its own in their
/// place.
#[derive(Clone, Copy)]
pub struct OutPacket<'a> {
    /// The source. A packet of another one switches to it: its first packet gets
    /// the number behind the last.
    pub source: Ssrc,
    /// Which packet of the source.
    pub number: SequenceNumber,
    /// When it was sampled, by the source's clock.
    pub timestamp: Timestamp,
    /// The format of the payload, as this session numbers it.
    pub payload_type: PayloadType,
    /// As the source has it.
    pub marker: bool,
    /// What the source says in its extensions. Those that concern a hop only
    /// (mid, rid, the transport's numbers, when it was sent) are left out, and
    /// those that this session has no number for.
    pub extensions: &'a [Extension<'a>],
    /// What the format makes of it: shared, not copied.
    pub payload: &'a Bytes,
}

/// The packet as it came, under the payload type that it came with and without extensions.
impl<'a> From<&'a ReceivedPacket> for OutPacket<'a> {
    fn from(packet: &'a ReceivedPacket) -> Self {
        Self {
            source: packet.ssrc,
            number: packet.sequence_number,
            timestamp: packet.timestamp,
            payload_type: packet.payload_type,
            marker: packet.marker,
            extensions: &[],
            payload: &packet.payload,
        }
    }
}

/// Without the bytes.
impl fmt::Debug for OutPacket<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut f = f.debug_struct("OutPacket");
        f.field("source", &self.source);
        f.field("number", &self.number);
        f.field("timestamp", &self.timestamp);
        f.field("len", &self.payload.len());
        f.finish_non_exhaustive()
    }
}

/// Why was it not written?
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WriteError {
    /// Signalling has not agreed on a codec yet: write when it has.
    #[error("no codec was agreed on yet")]
    NoParameters,
    /// The stream is paused: write when it is not.
    #[error("the stream is paused")]
    Paused,
    /// It has no bytes.
    #[error("there is nothing to send")]
    Empty,
    /// It is more than can be kept or sent: make it smaller.
    #[error("larger than what can be sent")]
    TooLarge,
    /// Too much waits to be sent: leave it, and make a key frame later.
    #[error("too much waits to be sent")]
    Full,
    /// It is not what the codec makes.
    #[error("not a frame of the codec")]
    NotAFrame,
    /// The packet was written before, or comes too late: leave it.
    #[error("written before, or too late")]
    Stale,
}
