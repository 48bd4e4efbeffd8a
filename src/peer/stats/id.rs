//! What do the entries of a report have in common?

use core::fmt;
use core::time::Duration;

use crate::time::Instant;

/// Which thing is an entry of a report about?
///
/// Two reports of a connection have the same id for the same thing, and nothing gets
/// an id that something else had before. Printed it is the W3C's `id`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StatsId(pub(super) Thing);

/// Transports and transceivers by their numbers, what belongs to them by what tells it
/// apart there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Thing {
    PeerConnection,
    DataChannel(u32),
    Transport(u32),
    CandidatePair(u32, u64),
    LocalCandidate(u32, u64),
    RemoteCandidate(u32, u64),
    /// The beginning of its fingerprint.
    Certificate(u64),
    /// The transport, the payload type, and what was agreed on for it, as a number.
    Codec(u32, u8, u64),
    MediaSource(u32),
    InboundRtp(u32, u32),
    OutboundRtp(u32, u32),
    RemoteInboundRtp(u32, u32),
    RemoteOutboundRtp(u32, u32),
}

impl StatsId {
    /// What kind of thing it is, in the W3C's word (`RTCStatsType`).
    #[must_use]
    pub const fn type_name(self) -> &'static str {
        match self.0 {
            Thing::PeerConnection => "peer-connection",
            Thing::DataChannel(_) => "data-channel",
            Thing::Transport(_) => "transport",
            Thing::CandidatePair(..) => "candidate-pair",
            Thing::LocalCandidate(..) => "local-candidate",
            Thing::RemoteCandidate(..) => "remote-candidate",
            Thing::Certificate(_) => "certificate",
            Thing::Codec(..) => "codec",
            Thing::MediaSource(_) => "media-source",
            Thing::InboundRtp(..) => "inbound-rtp",
            Thing::OutboundRtp(..) => "outbound-rtp",
            Thing::RemoteInboundRtp(..) => "remote-inbound-rtp",
            Thing::RemoteOutboundRtp(..) => "remote-outbound-rtp",
        }
    }
}

/// Such as `outbound-rtp-2-1029384756`.
impl fmt::Display for StatsId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.type_name())?;
        match self.0 {
            Thing::PeerConnection => Ok(()),
            Thing::DataChannel(number) | Thing::Transport(number) | Thing::MediaSource(number) => {
                write!(f, "-{number}")
            }
            Thing::Certificate(number) => write!(f, "-{number:016x}"),
            Thing::CandidatePair(transport, number)
            | Thing::LocalCandidate(transport, number)
            | Thing::RemoteCandidate(transport, number) => write!(f, "-{transport}-{number:016x}"),
            Thing::Codec(transport, payload_type, number) => {
                write!(f, "-{transport}-{payload_type}-{number:016x}")
            }
            Thing::InboundRtp(transceiver, ssrc)
            | Thing::OutboundRtp(transceiver, ssrc)
            | Thing::RemoteInboundRtp(transceiver, ssrc)
            | Thing::RemoteOutboundRtp(transceiver, ssrc) => write!(f, "-{transceiver}-{ssrc}"),
        }
    }
}

/// When was it?
///
/// The moment as the machines know it, and what the wall clock said then: that is exact
/// if [`PeerConnection::set_wall_clock`](crate::PeerConnection::set_wall_clock) was
/// called before, and counts from [`Instant::ZERO`] otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp {
    instant: Instant,
    unix: Duration,
}

impl Timestamp {
    /// The moment.
    #[must_use]
    pub const fn instant(self) -> Instant {
        self.instant
    }

    /// The time since the Unix epoch, or since [`Instant::ZERO`] if nobody told the
    /// wall clock's: what the W3C's `timestamp` says in milliseconds.
    #[must_use]
    pub const fn unix(self) -> Duration {
        self.unix
    }
}

/// What the wall clock said, and when.
#[derive(Clone, Copy, Debug)]
pub(super) struct WallClock {
    pub(super) at: Instant,
    pub(super) unix: Duration,
}

impl WallClock {
    /// What it said, or says, at that moment.
    pub(super) fn read(self, instant: Instant) -> Timestamp {
        let later = self.unix.saturating_add(instant - self.at);
        Timestamp {
            instant,
            unix: later.saturating_sub(self.at - instant),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wall_clock_is_read_before_and_after_it_was_told() {
        let clock = WallClock {
            at: Instant::from_millis(5000),
            unix: Duration::from_secs(1_000_000),
        };
        for (moment, unix) in [
            (5000, 1_000_000_000),
            (7500, 1_000_002_500),
            (0, 999_995_000),
        ] {
            let read = clock.read(Instant::from_millis(moment));
            assert_eq!(read.unix(), Duration::from_millis(unix));
            assert_eq!(read.instant(), Instant::from_millis(moment));
        }
    }
}
