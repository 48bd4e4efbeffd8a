//! How much has a machine dropped, for whatever reason?

use pollrtc::{dtls, ice, mdns, peer, sctp, srtp, turn};

/// By an ICE agent.
pub fn ice(stats: &ice::Stats) -> u64 {
    let dropped = stats.dropped;
    dropped.malformed
        + dropped.no_fingerprint
        + dropped.unauthenticated
        + dropped.unknown_transaction
        + dropped.asymmetric
        + dropped.unexpected
        + dropped.unknown_local
        + dropped.unproved_path
        + dropped.stranger
        + dropped.replies_full
        + dropped.candidates_full
}

/// By a DTLS transport.
pub fn dtls(stats: &dtls::Stats) -> u64 {
    stats.malformed
        + stats.wrong_epoch
        + stats.replayed
        + stats.forged
        + stats.fragments_dropped
        + stats.unexpected
        + stats.early_dropped
        + stats.after_close
}

/// By an SCTP association.
pub fn sctp(stats: &sctp::Stats) -> u64 {
    let dropped = stats.dropped;
    dropped.checksum
        + dropped.malformed
        + dropped.not_ours
        + dropped.unexpected
        + dropped.no_room
        + dropped.unknown
}

/// By a connection, in all its layers.
pub fn peer(stats: &peer::Stats) -> u64 {
    ice(&stats.ice)
        + stats.dtls.as_ref().map_or(0, dtls)
        + stats.transport.unknown
        + stats.transport.media_too_early
        + stats.transport.too_early
        + stats.unknown_path
        + stats.srtp.as_ref().map_or(0, srtp)
        + sctp(&stats.sctp)
        + stats.channels.dropped
}

/// By a machine of multicast DNS.
pub fn mdns(stats: &mdns::Stats) -> u64 {
    let dropped = stats.dropped;
    dropped.malformed
        + dropped.unknown_local
        + dropped.wrong_port
        + dropped.not_for_us
        + dropped.too_soon
        + dropped.known
        + dropped.off_link
        + dropped.replies_full
}

/// By a TURN client.
pub fn turn(stats: &turn::Stats) -> u64 {
    let dropped = stats.dropped;
    dropped.malformed
        + dropped.unknown_transaction
        + dropped.unauthenticated
        + dropped.unexpected
        + dropped.unknown_channel
        + dropped.unknown_peer
        + dropped.closed
}

/// By the protection of media.
pub fn srtp(stats: &srtp::Stats) -> u64 {
    stats.malformed + stats.replayed + stats.bad_tag + stats.too_many_sources
}
