//! What happened so far?

/// What a client counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Stats {
    /// Requests sent, each counted once.
    pub requests_sent: u64,
    /// Requests sent again because no answer came.
    pub requests_repeated: u64,
    /// Answers received and believed.
    pub responses_received: u64,
    /// How often the server wanted another nonce.
    pub stale_nonces: u64,
    /// Datagrams of data sent to peers.
    pub packets_sent: u64,
    /// Bytes of data sent to peers, without the relay's framing.
    pub bytes_sent: u64,
    /// Datagrams of data received from peers.
    pub packets_received: u64,
    /// Bytes of data received from peers.
    pub bytes_received: u64,
    /// What was not believed, understood or wanted.
    pub dropped: Dropped,
}

/// Messages dropped, by reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Dropped {
    /// Neither STUN nor channel data, though it came from the server.
    pub malformed: u64,
    /// An answer to no request of ours, or to one that was given up.
    pub unknown_transaction: u64,
    /// An answer without integrity, or with a wrong one.
    pub unauthenticated: u64,
    /// A method, class or statement that has no place here.
    pub unexpected: u64,
    /// Data on a channel that is not bound.
    pub unknown_channel: u64,
    /// Data of a peer that is not permitted.
    pub unknown_peer: u64,
    /// Anything after the end.
    pub closed: u64,
}
