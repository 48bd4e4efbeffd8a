//! What was reported, here and there (RFC 3550 §6.4)?

use core::time::Duration;

use super::Remote;
use crate::time::Instant;
use crate::wire::rtcp::ReportBlock;

/// Our last sender reports, and the receiver's last answer.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Reports {
    /// The middle of the wall-clock time in each, and when it was made.
    sent: [Option<(u32, Instant)>; KEPT],
    next: usize,
    pub(super) remote: Option<Remote>,
}

impl Reports {
    /// A sender report with this time was made.
    pub(super) fn on_sent(&mut self, now: Instant, compact_ntp: u32) {
        if let Some(place) = self.sent.get_mut(self.next % KEPT) {
            *place = Some((compact_ntp, now));
        }
        self.next = (self.next + 1) % KEPT;
    }

    /// A report came on the source that began with the number `start`.
    pub(super) fn on_report(&mut self, now: Instant, block: &ReportBlock, start: u64) {
        let mut remote = self.remote.unwrap_or_default();
        let expected = i64::from(
            block
                .highest_sequence
                .wrapping_sub(low(start))
                .wrapping_add(1),
        );
        let received = expected - i64::from(block.cumulative_lost);
        remote.at = now;
        remote.reports += 1;
        remote.packets_received = u64::try_from(received).unwrap_or(0);
        remote.packets_lost = block.cumulative_lost;
        remote.fraction_lost = block.fraction_lost;
        remote.jitter = block.jitter;
        if let Some(round_trip) = self.round_trip(now, block) {
            remote.round_trip = Some(round_trip);
            remote.total_round_trip = remote.total_round_trip.saturating_add(round_trip);
            remote.round_trips += 1;
        }
        self.remote = Some(remote);
    }

    /// How long one of our reports and the answer to it were under way; `None`
    /// if it answers none of ours, or says that it waited longer than time passed.
    fn round_trip(&self, now: Instant, block: &ReportBlock) -> Option<Duration> {
        let (_, at) = self
            .sent
            .iter()
            .flatten()
            .find(|(ntp, _)| *ntp == block.last_sender_report)?;
        let waited = Duration::from_nanos((u64::from(block.delay) * 1_000_000_000) >> 16);
        now.since(*at).checked_sub(waited)
    }
}

/// The number of a first packet, as reports have it: without wraps.
const fn low(start: u64) -> u32 {
    (start & 0xffff) as u32
}

/// A receiver answers the last report, or the one before if it was under way.
const KEPT: usize = 4;
