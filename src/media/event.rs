//! What happened to the media of a transport?

use alloc::sync::Arc;

use super::LineId;
use crate::rtp::receiver::{ReceivedFrame, ReceivedPacket};
use crate::wire::rtp::Ssrc;

/// What happened to the media of a transport?
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// A source of a line is there: its first frame or packet follows.
    Source {
        /// Of which line.
        line: LineId,
        /// Which source.
        source: SourceId,
    },
    /// A frame is whole, and next in order.
    Frame {
        /// Of which line.
        line: LineId,
        /// Of which source.
        source: SourceId,
        /// The frame.
        frame: ReceivedFrame,
    },
    /// A packet came, on a line that takes packets.
    Packet {
        /// Of which line.
        line: LineId,
        /// Of which source.
        source: SourceId,
        /// The packet.
        packet: ReceivedPacket,
    },
    /// The source is gone: it said so, it was silent for too long, or its line ended.
    Ended {
        /// Of which line.
        line: LineId,
        /// Which source.
        source: SourceId,
    },
    /// The peer cannot go on without a key frame of ours.
    KeyFrameRequested {
        /// On which line.
        line: LineId,
        /// Of which encoding; empty if there is only one.
        rid: Arc<str>,
    },
    /// The peer thinks that its network can carry so many bits a second, of all that
    /// we send together.
    TargetBitrate(u64),
    /// Another participant used the source's number: ours changed (RFC 3550 §8.2).
    SsrcChanged {
        /// On which line.
        line: LineId,
        /// Of which encoding; empty if there is only one.
        rid: Arc<str>,
        /// The new number.
        ssrc: Ssrc,
    },
}

/// Which source of a line?
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SourceId {
    /// Its stream.
    pub ssrc: Ssrc,
    /// The name of its encoding; empty if it has none.
    pub rid: Arc<str>,
}
