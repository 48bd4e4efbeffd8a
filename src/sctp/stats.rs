//! What was counted?

use core::time::Duration;

/// What an association counted since it began, and how it is now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Packets written by `poll_transmit`.
    pub packets_sent: u64,
    /// Packets given to `handle_input`, dropped ones too.
    pub packets_received: u64,
    /// What was sent, received and sent again.
    pub data: DataStats,
    /// What was ignored, by reason.
    pub dropped: Dropped,
    /// How the path looks.
    pub path: PathStats,
}

/// What was sent, received and sent again?
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct DataStats {
    /// Messages taken by `send`.
    pub messages_sent: u64,
    /// Messages given by `take_message`.
    pub messages_received: u64,
    /// Payload bytes taken by `send`.
    pub bytes_sent: u64,
    /// Payload bytes given by `take_message`.
    pub bytes_received: u64,
    /// DATA chunks sent, each time.
    pub chunks_sent: u64,
    /// DATA chunks that were kept.
    pub chunks_received: u64,
    /// DATA chunks sent again.
    pub retransmissions: u64,
    /// DATA chunks that had arrived before.
    pub duplicates: u64,
    /// How often SACKs showed a new loss.
    pub fast_recoveries: u64,
    /// How often the retransmission timer expired.
    pub timeouts: u64,
}

/// What was ignored, by reason?
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Dropped {
    /// Packets with a wrong checksum.
    pub checksum: u64,
    /// Packets or chunks that cannot be read.
    pub malformed: u64,
    /// Packets for other ports, or with a wrong tag.
    pub not_ours: u64,
    /// Chunks that make no sense in the state they came in.
    pub unexpected: u64,
    /// DATA chunks beyond the window or the holes that are remembered.
    pub no_room: u64,
    /// Chunks of types that are not known.
    pub unknown: u64,
}

/// How does the path look?
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PathStats {
    /// The smoothed round-trip time, once there is one.
    pub round_trip: Option<Duration>,
    /// How long an answer is waited for.
    pub timeout: Duration,
    /// How many bytes may be on their way.
    pub congestion_window: usize,
    /// How many bytes are.
    pub in_flight: usize,
    /// How much more the peer can hold.
    pub peer_window: usize,
    /// How much more we can hold.
    pub receive_window: usize,
}
