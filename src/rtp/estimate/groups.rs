//! Which packets were sent together, and how much more was one such group
//! delayed than the one before (draft-ietf-rmcat-gcc-02 §5.1, §5.2)?

use core::time::Duration;

use crate::time::Instant;
use crate::wire::rtp::extension::AbsoluteSendTime;

/// Finds groups of packets.
#[derive(Clone, Debug)]
pub(super) struct Groups {
    current: Option<Group>,
    before: Option<Group>,
}

/// Packets that were sent together, or came in one burst.
#[derive(Clone, Copy, Debug)]
struct Group {
    first_sent: u32,
    first_came: Instant,
    last_sent: u32,
    last_came: Instant,
}

/// How far two groups were apart when they came and when they were sent; in
/// microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Variation {
    /// How much more the second was delayed than the first.
    pub(super) delay: i64,
    /// How long after the first the second was sent.
    pub(super) sent: i64,
}

impl Groups {
    pub(super) const fn new() -> Self {
        Self {
            current: None,
            before: None,
        }
    }

    /// A packet came; if it is the first of a group, what the two before it were like.
    pub(super) fn on_packet(&mut self, now: Instant, sent: AbsoluteSendTime) -> Option<Variation> {
        let sent = sent.0 & MASK;
        let Some(group) = &mut self.current else {
            self.current = Some(Group::new(now, sent));
            return None;
        };
        if now < group.last_came || now - group.last_came > SILENCE {
            // What was before a pause, or a jump of the clock, says nothing.
            *self = Self::new();
            self.current = Some(Group::new(now, sent));
            return None;
        }
        let since_first = elapsed(sent, group.first_sent);
        if since_first < 0 {
            // Out of order.
            return None;
        }
        if since_first <= BURST || group.is_burst(now, sent) {
            if elapsed(sent, group.last_sent) > 0 {
                group.last_sent = sent;
            }
            group.last_came = now;
            return None;
        }
        let ended = core::mem::replace(group, Group::new(now, sent));
        let before = self.before.replace(ended)?;
        let sent = elapsed(ended.last_sent, before.last_sent);
        let came = micros(ended.last_came - before.last_came);
        Some(Variation {
            delay: came - sent,
            sent,
        })
    }
}

impl Group {
    const fn new(now: Instant, sent: u32) -> Self {
        Self {
            first_sent: sent,
            first_came: now,
            last_sent: sent,
            last_came: now,
        }
    }

    /// §5.2: what was stopped for a while comes close together when it goes on.
    fn is_burst(&self, now: Instant, sent: u32) -> bool {
        let came = micros(now - self.last_came);
        came < BURST
            && came < elapsed(sent, self.last_sent)
            && micros(now - self.first_came) < LONGEST_BURST
    }
}

/// How long after `before` something was sent: by the shorter way round the 64 seconds.
const fn elapsed(sent: u32, before: u32) -> i64 {
    // The 24 bits in the upper ones of 32 wrap as these do.
    let ticks = (sent.wrapping_sub(before) << 8).cast_signed() >> 8;
    (ticks as i64 * 1_000_000) >> 18
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

const MASK: u32 = 0xff_ffff;
/// What was sent within so many microseconds was sent together.
const BURST: i64 = 5_000;
/// How long the packets of a burst may come.
const LONGEST_BURST: i64 = 100_000;
/// A sender that was silent for so long is watched anew.
const SILENCE: Duration = Duration::from_secs(3);

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;

    /// Packets by when they were sent and came, in milliseconds.
    fn variations(packets: &[(u64, u64)]) -> Vec<Variation> {
        let mut groups = Groups::new();
        let packets = packets.iter();
        packets
            .filter_map(|&(sent, came)| {
                let sent = AbsoluteSendTime::from_duration(Duration::from_millis(sent));
                groups.on_packet(Instant::from_millis(came), sent)
            })
            .collect()
    }

    fn rounded(variations: &[Variation]) -> Vec<(i64, i64)> {
        let round = |micros: i64| (micros + 500).div_euclid(1000);
        let pairs = variations.iter();
        pairs.map(|v| (round(v.delay), round(v.sent))).collect()
    }

    #[test]
    fn packets_that_were_sent_together_count_once() {
        // Three pictures of three packets, across the wrap at 64 seconds.
        let packets = [
            (63_960, 0),
            (63_960, 2),
            (63_962, 3),
            (63_993, 33),
            (63_993, 35),
            (63_995, 40),
            (64_026, 66),
            (64_026, 68),
            (64_028, 73),
            (64_060, 100),
        ];
        assert_eq!(rounded(&variations(&packets)), [(4, 33), (0, 33)]);
    }

    #[test]
    fn what_was_stopped_and_comes_in_a_burst_counts_once() {
        let mut packets: Vec<_> = (0..4).map(|n| (n * 10, n * 10 + 5)).collect();
        packets.extend((4..20).map(|n| (n * 10, 240 + n)));
        packets.push((200, 270));
        // The burst ends at 259 and was sent until 190: 69 against 5 ms under way.
        let told = rounded(&variations(&packets));
        assert_eq!(told, [(0, 10), (0, 10), (0, 10), (64, 160)]);
    }

    #[test]
    fn what_is_out_of_order_or_long_ago_says_nothing() {
        let packets = [(100, 0), (110, 10), (95, 12), (120, 20), (130, 30)];
        assert_eq!(rounded(&variations(&packets)), [(0, 10), (0, 10)]);
        let packets = [
            (100, 0),
            (110, 10),
            (9000, 8900),
            (9010, 8910),
            (9020, 8920),
        ];
        assert_eq!(rounded(&variations(&packets)), [(0, 10)]);
        let packets = [(100, 50), (110, 60), (120, 0), (130, 10), (140, 20)];
        assert_eq!(rounded(&variations(&packets)), [(0, 10)]);
    }
}
