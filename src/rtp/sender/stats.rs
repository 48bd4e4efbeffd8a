//! What became of the packets?

use core::time::Duration;

use crate::time::Instant;

/// Counters of an [`RtpSender`](super::RtpSender): what `outbound-rtp` and
/// `remote-inbound-rtp` of webrtc-stats ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct SenderStats {
    /// All packets that were sent, those that were sent again, too.
    pub sent: Traffic,
    /// Those that were sent again.
    pub repeated: Traffic,
    /// Frames whose last packet was sent.
    pub frames: u64,
    /// Key frames whose last packet was sent, of those that were written as frames.
    pub key_frames: u64,
    /// When a packet was last sent.
    pub last_sent: Option<Instant>,
    /// What the receiver asked for.
    pub requests: Requests,
    /// What is not sent, or not sent again.
    pub dropped: Dropped,
    /// What the receiver reported last; `None` if it has not.
    pub remote: Option<Remote>,
}

/// How much is it?
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Traffic {
    /// Packets.
    pub packets: u64,
    /// Bytes of their headers, with all extensions.
    pub header_bytes: u64,
    /// Bytes of their payloads.
    pub payload_bytes: u64,
}

impl Traffic {
    pub(super) const fn add(&mut self, header: usize, payload: usize) {
        self.packets += 1;
        self.header_bytes += header as u64;
        self.payload_bytes += payload as u64;
    }
}

/// What did the receiver ask for?
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Requests {
    /// Messages that ask for packets.
    pub nacks: u64,
    /// Messages that say that a picture was lost.
    pub plis: u64,
    /// Messages that ask for a key frame.
    pub firs: u64,
}

/// Why was a packet not sent, or not sent again?
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Dropped {
    /// Could not be sent before it was too old, or nothing was to be sent any more.
    pub expired: u64,
    /// There was not enough room in a datagram for it.
    pub too_large: u64,
    /// Was asked for, and is not kept, or was never sent.
    pub unknown: u64,
    /// Was asked for, and was sent again less than a round trip ago.
    pub too_soon: u64,
    /// Was asked for, and may not be sent again as it was.
    pub unrepairable: u64,
    /// Was asked for, and more was repeated than may be.
    pub over_budget: u64,
}

/// What did the receiver report?
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Remote {
    /// When the report came.
    pub at: Instant,
    /// How many reports came.
    pub reports: u64,
    /// How many packets came there, as far as the report tells.
    pub packets_received: u64,
    /// How many are lost; below zero if more came twice.
    pub packets_lost: i32,
    /// How many of 256 were lost before the report.
    pub fraction_lost: u8,
    /// How much their spacing varies, in ticks of the codec's clock.
    pub jitter: u32,
    /// The last round trip, and the sum and count of all.
    pub round_trip: Option<Duration>,
    /// The sum of all round trips.
    pub total_round_trip: Duration,
    /// How many round trips were measured.
    pub round_trips: u64,
}
