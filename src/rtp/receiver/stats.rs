//! How much came, how well, and what became of it?

use core::time::Duration;

use crate::time::Instant;
use crate::wire::rtp::PayloadType;

/// Counters of an [`RtpReceiver`](super::RtpReceiver): what W3C's `inbound-rtp`
/// and `remote-outbound-rtp` want to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct ReceiverStats {
    /// The codec of what came last.
    pub payload_type: Option<PayloadType>,
    /// What became of the packets.
    pub packets: PacketStats,
    /// What became of the frames.
    pub frames: FrameStats,
    /// What was asked for.
    pub feedback: FeedbackStats,
    /// What the sender says of itself, if it does.
    pub remote: Option<RemoteStats>,
    /// How many packets were sent and did not come; below zero if more came twice.
    pub lost: i64,
    /// How much the spacing of packets varies (RFC 3550 §6.4.1).
    pub jitter: Duration,
    /// How long missing packets are waited for at present, if they are not asked for.
    pub target_delay: Duration,
}

/// What became of the packets?
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct PacketStats {
    /// Packets that came, repeated ones too.
    pub received: u64,
    /// The bytes of their payloads.
    pub bytes: u64,
    /// The bytes of their headers and padding.
    pub header_bytes: u64,
    /// Packets that came in the stream that repeats them.
    pub repeated: u64,
    /// The bytes of their payloads.
    pub repeated_bytes: u64,
    /// When the last one came.
    pub last: Option<Instant>,
    /// Packets that came before.
    pub duplicated: u64,
    /// Packets that came when they were no longer waited for.
    pub late: u64,
    /// Packets whose number was far from all others and was not confirmed.
    pub jumped: u64,
    /// Packets of a payload type that was not agreed on.
    pub unknown_type: u64,
    /// Packets of the stream of repeated ones that hold none, or one of a
    /// number that cannot be told.
    pub bad_repeats: u64,
    /// Packets without a payload, which only fill the line.
    pub empty: u64,
    /// Packets that found no room to wait.
    pub overflowed: u64,
    /// Times that the source began anew.
    pub restarts: u64,
}

/// What became of the frames?
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct FrameStats {
    /// Frames that were given out.
    pub received: u64,
    /// Those of them that are key frames.
    pub key: u64,
    /// Those of them that came in more than one packet.
    pub multi_packet: u64,
    /// How long all of those took from the first packet to the last.
    pub assembly_time: Duration,
    /// How long all frames were kept from the first packet on.
    pub delay: Duration,
    /// Frames of which a packet did not come in time.
    pub incomplete: u64,
    /// Frames whose payloads are not as their format wants them, or too large.
    pub malformed: u64,
    /// Whole frames that refer to a lost one.
    pub undecodable: u64,
    /// Frames that the application did not fetch in time.
    pub overflowed: u64,
}

/// What was asked for?
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct FeedbackStats {
    /// Requests for packets.
    pub nacks: u64,
    /// Packets that were asked for, each time counted.
    pub requested: u64,
    /// Packets that were given up.
    pub given_up: u64,
    /// Reports of lost pictures.
    pub plis: u64,
    /// Requests for key frames.
    pub firs: u64,
}

/// What does the sender say of itself (RFC 3550 §6.4.1)?
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct RemoteStats {
    /// How many packets it sent.
    pub packets: u32,
    /// How many bytes of payload.
    pub bytes: u32,
    /// When it said so, by its own clock, as NTP time.
    pub ntp: u64,
    /// When that came.
    pub received: Instant,
    /// How many reports came.
    pub reports: u64,
}
