//! What happened so far?

use core::time::Duration;

use super::PairState;
use crate::net::{Candidate, Path};
use crate::time::Instant;

/// What an agent counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Stats {
    /// Checks and consent checks sent, each counted once.
    pub requests_sent: u64,
    /// Checks sent again because no answer came.
    pub requests_repeated: u64,
    /// How many of the requests sent were for consent.
    pub consent_requests_sent: u64,
    /// Authentic requests received.
    pub requests_received: u64,
    /// Answers sent.
    pub responses_sent: u64,
    /// Authentic answers received to a request of ours.
    pub responses_received: u64,
    /// How often another pair was selected than the one before, or none any more.
    pub selected_changes: u64,
    /// Role conflicts in which this agent gave way.
    pub role_switches: u64,
    /// Pairs that gave way to better ones at the limit.
    pub pairs_pruned: u64,
    /// What was not believed, understood or wanted.
    pub dropped: Dropped,
}

/// Datagrams dropped, by reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Dropped {
    /// Not STUN though it began like it, or a statement missing that its kind needs.
    pub malformed: u64,
    /// A request without a fingerprint (RFC 8445 §7.1).
    pub no_fingerprint: u64,
    /// No integrity, a wrong one, or a name that is not ours.
    pub unauthenticated: u64,
    /// An answer to no request of ours, or to one that was given up.
    pub unknown_transaction: u64,
    /// An answer that did not come back the way that its request went.
    pub asymmetric: u64,
    /// A method or class that has no place in ICE.
    pub unexpected: u64,
    /// For an address that is not ours.
    pub unknown_local: u64,
    /// Data on a path that no check has proved.
    pub unproved_path: u64,
    /// Data of somebody whose credentials were not known yet, while it was not wanted.
    pub stranger: u64,
    /// A request while too many answers wait, or one whose answer waits already.
    pub replies_full: u64,
    /// A check after ours have failed.
    pub failed: u64,
    /// Bytes of a stream that is not known, or a datagram said to be of a stream.
    pub unknown_stream: u64,
    /// A frame on a stream that is too long or none: the stream was released.
    pub bad_frame: u64,
    /// A stream that was accepted though there are too many, or none is wanted.
    pub streams_refused: u64,
    /// A check on a pair whose consent was lost, for which these credentials are
    /// of no use any more.
    pub consent_lost: u64,
    /// A check from an address more than there is room for.
    pub candidates_full: u64,
}

/// What was counted of one pair, as W3C webrtc-stats asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct PairStats {
    /// Checks sent, each counted once; consent checks are not among them.
    pub requests_sent: u64,
    /// Consent checks sent.
    pub consent_requests_sent: u64,
    /// Authentic requests received, repeated ones too.
    pub requests_received: u64,
    /// Answers sent.
    pub responses_sent: u64,
    /// Authentic answers received.
    pub responses_received: u64,
    /// The round-trip time that the last answer showed.
    pub current_round_trip: Option<Duration>,
    /// The sum of the round-trip times of all answers that showed one.
    pub total_round_trip: Duration,
    /// Datagrams of data sent.
    pub packets_sent: u64,
    /// Bytes of data sent.
    pub bytes_sent: u64,
    /// Datagrams of data received.
    pub packets_received: u64,
    /// Bytes of data received.
    pub bytes_received: u64,
    /// Datagrams of data that the socket would not take.
    pub packets_discarded: u64,
    /// Bytes of data that the socket would not take.
    pub bytes_discarded: u64,
    /// When data was last sent: the moment that the agent was last told before.
    pub last_packet_sent: Option<Instant>,
    /// When data was last received.
    pub last_packet_received: Option<Instant>,
}

/// How is a pair doing?
#[derive(Clone, Copy, Debug)]
pub struct PairReport<'a> {
    /// A number that no other pair of the agent has, and none had before.
    pub id: u64,
    /// The number of our end, among the [`local_reports`](super::IceAgent::local_reports).
    pub local_id: u64,
    /// The number of the peer's end, among the [`remote_reports`](super::IceAgent::remote_reports).
    pub remote_id: u64,
    /// Our end.
    pub local: &'a Candidate,
    /// The peer's end.
    pub remote: &'a Candidate,
    /// The way datagrams take.
    pub path: Path,
    /// The rank of the pair (RFC 8445 §6.1.2.3).
    pub priority: u64,
    /// What its checks have shown.
    pub state: PairState,
    /// Whether the controlling agent chose it.
    pub nominated: bool,
    /// What was counted.
    pub stats: PairStats,
}
