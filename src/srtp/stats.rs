//! What became of the packets?

/// Counters of an [`SrtpContext`](super::SrtpContext).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Stats {
    /// Packets that came and were right.
    pub opened: u64,
    /// Packets that were sealed.
    pub sealed: u64,
    /// Packets that came and are no RTP or RTCP, or too short for a tag.
    pub malformed: u64,
    /// Packets that came before, or are too old to tell.
    pub replayed: u64,
    /// Packets that came with a wrong tag: forged, damaged or under other keys.
    pub bad_tag: u64,
    /// Packets of more sources than allowed, in either direction.
    pub too_many_sources: u64,
    /// Packets that were not sealed, because their number was used before or is
    /// too old to tell.
    pub reused: u64,
    /// Packets that were not sealed, because what was to be sealed is no RTP or RTCP.
    pub unsealable: u64,
    /// Packets that were not sealed, because the keys were used as often as they may be.
    pub exhausted: u64,
}
