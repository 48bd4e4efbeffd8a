//! When may RTCP be sent (RFC 3550 §6.2, §6.3 and A.7, RFC 4585 §3.4, RFC 8108 §5.3)?

use core::time::Duration;

use crate::rng::Rng;
use crate::time::Instant;

/// When the next regular report is due, and whether feedback may go before it.
///
/// The interval is that of RFC 3550 A.7 with reconsideration; its minimum is
/// `T_rr_interval` of RFC 4585. Feedback is not held back for it as long as all
/// RTCP of ours together stays within our share of the bandwidth: that is the mode
/// of RFC 4585 §3.3 that reports each event at once. When the share is used
/// up, feedback waits until there is some again.
#[derive(Debug)]
pub(super) struct Schedule {
    rng: Rng,
    min_interval: Duration,
    /// `tp` and `tn`: when the last report was sent, and when the next one is due.
    last: Instant,
    next: Option<Instant>,
    /// `avg_rtcp_size`, of one participant's report, in sixteenths of a byte.
    average: u64,
    /// `pmembers`.
    members_before: u64,
    /// No report was sent yet.
    initial: bool,
    budget: Budget,
}

/// Who takes part in the session, and how much it may send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Session {
    /// All participants, ours too.
    pub members: u64,
    /// Those that send media, ours too.
    pub senders: u64,
    /// Whether we send media.
    pub we_send: bool,
    /// How many bits a second the media of the session have.
    pub bandwidth: u64,
}

impl Session {
    /// RFC 3550 §6.2: what all participants together may use, in bits a second.
    const fn rtcp_bandwidth(&self) -> u64 {
        let twentieth = self.bandwidth / 20;
        if twentieth == 0 { 1 } else { twentieth }
    }
}

impl Schedule {
    pub(super) fn new(rng: Rng, min_interval: Duration) -> Self {
        Self {
            rng,
            min_interval,
            last: Instant::ZERO,
            next: None,
            average: 16 * PROBABLE_SIZE,
            members_before: 1,
            initial: true,
            budget: Budget::default(),
        }
    }

    /// The session has something to report from now on.
    pub(super) fn start(&mut self, now: Instant, session: &Session) {
        if self.next.is_none() {
            self.last = now;
            self.members_before = session.members;
            self.next = Some(now + self.interval(session));
        }
    }

    /// Nothing is reported any more.
    pub(super) const fn stop(&mut self) {
        self.next = None;
    }

    /// When to look again.
    pub(super) const fn next(&self) -> Option<Instant> {
        self.next
    }

    /// Whether a regular report is to be sent now. If not, the time of the next
    /// one was reconsidered (§6.3.6).
    pub(super) fn expire(&mut self, now: Instant, session: &Session) -> bool {
        if self.next.is_none_or(|next| next > now) {
            return false;
        }
        let interval = self.interval(session);
        let due = self.last + interval;
        self.members_before = session.members;
        if due > now {
            self.next = Some(due);
            return false;
        }
        self.last = now;
        self.initial = false;
        // A new interval: the one before was used up.
        self.next = Some(now + self.interval(session));
        true
    }

    /// Participants left: the next report comes earlier (§6.3.4).
    pub(super) fn reconsider(&mut self, now: Instant, members: u64) {
        let before = self.members_before.max(1);
        if members >= before {
            return;
        }
        let scaled = |span: Duration| {
            let nanos = span.as_nanos().saturating_mul(members.into()) / u128::from(before);
            Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
        };
        if let Some(next) = self.next {
            self.next = Some(now + scaled(next - now));
        }
        let since = scaled(now - self.last).as_nanos();
        let since = u64::try_from(since).unwrap_or(u64::MAX);
        self.last = Instant::from_nanos(now.as_nanos().saturating_sub(since));
        self.members_before = members;
    }

    /// A packet with reports of `sources` participants came or went (§6.3.3,
    /// RFC 8108 §5.3.1).
    pub(super) fn on_packet(&mut self, bytes: usize, sources: usize) {
        let size = (bytes + LOWER_LAYERS) as u64 / sources.max(1) as u64;
        self.average = (self.average * 15 + size * 16) / 16;
    }

    /// We have sent a packet: it is taken off our share.
    pub(super) fn spend(&mut self, now: Instant, session: &Session, bytes: usize) {
        self.budget.refill(now, session);
        let bits = 8 * i64::try_from(bytes + LOWER_LAYERS).unwrap_or(i64::MAX / 16);
        // A report may be larger than what feedback could ever have.
        let least = -Budget::most(session);
        self.budget.credit = self.budget.credit.saturating_sub(bits).max(least);
    }

    /// Whether feedback may be sent now.
    pub(super) fn has_credit(&mut self, now: Instant, session: &Session) -> bool {
        self.budget.refill(now, session);
        self.budget.credit >= 0
    }

    /// From when on feedback may be sent.
    pub(super) fn credit_at(&self, session: &Session) -> Instant {
        self.budget.available(session)
    }

    /// How long a BYE has to wait in a large session (§6.3.7), as if all its
    /// members had just joined.
    pub(super) fn bye_delay(&mut self, session: &Session) -> Duration {
        let alone = Session {
            members: 1,
            senders: 0,
            we_send: false,
            ..*session
        };
        self.initial = true;
        self.interval(&alone)
    }

    /// How long a participant may be silent before it is given up: five intervals
    /// that are not randomised (§6.3.5).
    pub(super) fn silence(&self, session: &Session) -> Duration {
        // As a receiver would have it, for that is the longer one.
        let session = Session {
            we_send: false,
            ..*session
        };
        5 * self.deterministic(&session).max(FIXED_MINIMUM)
    }

    /// The interval of A.7.
    fn interval(&mut self, session: &Session) -> Duration {
        let deterministic = self.deterministic(session).as_nanos();
        // From a half to one and a half of it; and what reconsideration makes
        // longer on average is made up for: e - 3/2.
        let random = u128::from(self.rng.below(1 << 20)) + (1 << 19);
        let nanos = ((deterministic * random) >> 20) * 100_000 / 121_828;
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }

    fn deterministic(&self, session: &Session) -> Duration {
        let Session {
            members, senders, ..
        } = *session;
        let bandwidth = session.rtcp_bandwidth();
        // RFC 3550 §6.2: a quarter of it belongs to the senders, if they are few.
        let (share, participants) = if senders > 0 && senders * 4 <= members {
            if session.we_send {
                (bandwidth / 4, senders)
            } else {
                (bandwidth - bandwidth / 4, members - senders)
            }
        } else {
            (bandwidth, members)
        };
        let bits = u128::from(self.average) * u128::from(participants) / 2;
        let nanos = bits * 1_000_000_000 / u128::from(share.max(1));
        let computed = Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX));
        let minimum = if self.initial {
            self.min_interval / 2
        } else {
            self.min_interval
        };
        computed.max(minimum)
    }
}

/// How much of our share of the bandwidth was not used: grows with time, up to a limit.
#[derive(Debug, Default)]
struct Budget {
    /// In bits; below zero what was used in advance.
    credit: i64,
    /// Up to when it was filled; `None` at the start, where it is full.
    at: Option<Instant>,
}

impl Budget {
    fn refill(&mut self, now: Instant, session: &Session) {
        let (share, most) = (Self::share(session), Self::most(session));
        let Some(at) = self.at else {
            self.at = Some(now);
            self.credit = most;
            return;
        };
        let gained = (now - at).as_nanos() * u128::from(share) / NANOS;
        // What is left of the time stays for the next call.
        let took = gained * NANOS / u128::from(share);
        self.at = Some(at + Duration::from_nanos(u64::try_from(took).unwrap_or(u64::MAX)));
        let gained = i64::try_from(gained).unwrap_or(i64::MAX);
        self.credit = self.credit.saturating_add(gained).min(most);
    }

    fn available(&self, session: &Session) -> Instant {
        let missing = u128::from(self.credit.min(0).unsigned_abs());
        let nanos = (missing * NANOS).div_ceil(u128::from(Self::share(session)));
        let at = self.at.unwrap_or(Instant::ZERO);
        at + Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }

    /// Half of what all may use: there are two ends.
    fn share(session: &Session) -> u64 {
        (session.rtcp_bandwidth() / 2).max(1)
    }

    /// What one second fills, and some packets at least.
    fn most(session: &Session) -> i64 {
        i64::try_from(Self::share(session))
            .unwrap_or(i64::MAX)
            .max(MIN_BURST)
    }
}

const NANOS: u128 = 1_000_000_000;
/// What the network adds to a packet: UDP over IPv4, and the tag of SRTCP.
const LOWER_LAYERS: usize = 28 + 14;
/// How large a report is before one was seen, in bytes.
const PROBABLE_SIZE: u64 = 120;
/// For what silence means, intervals are not shorter (RFC 3550 §6.2.1, §6.3.5).
const FIXED_MINIMUM: Duration = Duration::from_secs(5);
/// So many bits of feedback can go at once even in a small session.
const MIN_BURST: i64 = 8 * 1000;

#[cfg(test)]
mod tests {
    use super::*;

    fn session(members: u64, senders: u64, we_send: bool) -> Session {
        Session {
            members,
            senders,
            we_send,
            bandwidth: 1_000_000,
        }
    }

    fn schedule(seed: u64) -> Schedule {
        Schedule::new(Rng::from_number(seed), Duration::from_secs(1))
    }

    /// How many reports there are in a session that does not change.
    fn reports(schedule: &mut Schedule, session: &Session, span: Duration) -> u32 {
        let mut now = Instant::ZERO;
        schedule.start(now, session);
        let mut count = 0;
        while let Some(next) = schedule.next() {
            if next > Instant::ZERO + span {
                return count;
            }
            now = next;
            count += u32::from(schedule.expire(now, session));
        }
        count
    }

    #[test]
    fn rtp_004_the_interval_grows_with_the_members() {
        let hour = Duration::from_secs(3600);
        let few = reports(&mut schedule(1), &session(4, 2, true), hour);
        assert!((3200..4200).contains(&few), "one a second: {few}");
        // 2000 receivers share three quarters of 50 kbit/s, each report 120 bytes.
        let many = reports(&mut schedule(1), &session(2001, 1, false), hour);
        let expected = 3600 * 37_500 / (120 * 8 * 2000);
        assert!(
            many.abs_diff(expected) * 10 <= expected,
            "{many} of {expected}"
        );
    }

    #[test]
    fn rtp_004_intervals_are_random() {
        let session = session(4, 2, true);
        let mut schedule = schedule(2);
        schedule.initial = false;
        let intervals: alloc::vec::Vec<_> =
            (0..1000).map(|_| schedule.interval(&session)).collect();
        let (shortest, longest) = (intervals.iter().min(), intervals.iter().max());
        let bounds = Duration::from_millis(410)..Duration::from_millis(1232);
        assert!(shortest.is_some_and(|interval| bounds.contains(interval)));
        assert!(longest.is_some_and(|interval| bounds.contains(interval)));
        assert!(longest > shortest.map(|interval| *interval * 2).as_ref());
    }

    #[test]
    fn rtp_004_the_next_report_waits_when_members_join() {
        let mut schedule = schedule(3);
        let (few, many) = (session(2, 2, true), session(5000, 5000, true));
        schedule.start(Instant::ZERO, &few);
        let next = schedule.next().expect("a deadline");
        assert!(!schedule.expire(next, &many), "reconsidered");
        let later = schedule.next().expect("a deadline");
        assert!(later > next + Duration::from_secs(10));
        // They leave again: the report comes forward in proportion (6.3.4).
        schedule.reconsider(next, 50);
        let sooner = schedule.next().expect("a deadline");
        assert_eq!(
            (sooner - next).as_millis(),
            (later - next).as_millis() / 100
        );
    }

    #[test]
    fn feedback_stays_within_half_of_the_share() {
        let mut schedule = schedule(4);
        let session = session(2, 1, false);
        let (mut now, mut bytes) = (Instant::ZERO, 0);
        while now < Instant::from_millis(100_000) {
            if schedule.has_credit(now, &session) {
                schedule.spend(now, &session, 58);
                bytes += 100;
                continue;
            }
            let at = schedule.credit_at(&session);
            let before = Instant::from_nanos(at.as_nanos() - 1);
            assert!(
                at > now && !schedule.has_credit(before, &session),
                "not too early"
            );
            now = at;
            assert!(schedule.has_credit(now, &session), "and not too late");
        }
        // 25 kbit/s for a hundred seconds, and the burst of the first one.
        let most = 25_000 * 101 / 8;
        assert!((most - 1000..=most + 200).contains(&bytes), "{bytes}");
    }
}
