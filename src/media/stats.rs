//! How much went in and out, and what was ignored?

use super::{FeedbackSummary, LineId};
use crate::rtp::receiver::ReceiverStats;
use crate::rtp::sender::SenderStats;
use crate::wire::rtp::Ssrc;

/// Counters of a [`Media`](super::Media).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct MediaStats {
    /// RTP packets that were given to a source.
    pub rtp_received: u64,
    /// RTP packets that were written.
    pub rtp_sent: u64,
    /// RTCP datagrams that came and could be read.
    pub rtcp_received: u64,
    /// RTCP datagrams that were written.
    pub rtcp_sent: u64,
    /// Their bytes.
    pub rtcp_bytes_sent: u64,
    /// What was ignored, by reason.
    pub ignored: Ignored,
    /// Sources that made room for others.
    pub evicted: u64,
    /// Events that found no room.
    pub lost_events: u64,
    /// Times that one of our SSRCs was changed because another had it.
    pub collisions: u64,
    /// What the peer said of the packets that were sent.
    pub feedback: FeedbackSummary,
    /// The bits a second that the peer told that its network can carry; 0 if it did not.
    pub target_bitrate: u64,
    /// The bits a second that we told the peer; 0 if we did not.
    pub told_bitrate: u64,
}

/// What was ignored, by reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Ignored {
    /// Packets that are not RTP.
    pub malformed_rtp: u64,
    /// Packets that are not RTCP, or parts of them that are not as they should be.
    pub malformed_rtcp: u64,
    /// Packets that name a line that is not there.
    pub unknown_mid: u64,
    /// Packets that name an encoding that is not there.
    pub unknown_rid: u64,
    /// Packets with a payload type that was not agreed on.
    pub unknown_payload_type: u64,
    /// Packets that could belong to several lines, or none.
    pub ambiguous: u64,
    /// Repeated packets of a source that is not there.
    pub orphaned: u64,
    /// Packets of a new source that found no room.
    pub no_room: u64,
    /// Packets under one of our own SSRCs.
    pub own_ssrc: u64,
    /// RTCP packets of a kind that is not used here, or about nothing of ours.
    pub unused_rtcp: u64,
    /// Packets that came after the end.
    pub after_end: u64,
}

/// How a stream of ours fares.
#[derive(Clone, Copy, Debug)]
pub struct OutboundStream<'a> {
    /// Of which line.
    pub line: LineId,
    /// Of which encoding; empty if there is only one.
    pub rid: &'a str,
    /// Its stream.
    pub ssrc: Ssrc,
    /// The stream of its retransmissions.
    pub repair: Option<Ssrc>,
    /// What was counted.
    pub stats: SenderStats,
}

/// How a source of the peer's fares.
#[derive(Clone, Copy, Debug)]
pub struct InboundStream<'a> {
    /// Of which line.
    pub line: LineId,
    /// Of which encoding; empty if it has no name.
    pub rid: &'a str,
    /// Its stream.
    pub ssrc: Ssrc,
    /// The stream of its retransmissions.
    pub repair: Option<Ssrc>,
    /// What was counted.
    pub stats: ReceiverStats,
}
