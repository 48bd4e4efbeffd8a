//! When is a request repeated, and when is it given up (RFC 8489 §6.2.1)?

use core::time::Duration;

use crate::net::Protocol;
use crate::time::Instant;
use crate::wire::stun::TransactionId;

/// How often is a request sent, and how far apart?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// How long after the first request the second goes out; doubled each time.
    pub rto: Duration,
    /// Rc: how many requests are sent at most.
    pub requests: u32,
    /// Rm: for how many times `rto` the last one is waited for.
    pub last_wait: u32,
}

impl Schedule {
    /// The schedule with another `rto`.
    #[must_use]
    pub const fn with_rto(self, rto: Duration) -> Self {
        Self { rto, ..self }
    }

    /// The schedule over `protocol`: over a stream nothing is repeated, and an answer
    /// is waited for as long as for the last of many (RFC 8489 §6.2.2).
    #[must_use]
    pub fn over(self, protocol: Protocol) -> Self {
        match protocol {
            Protocol::Udp => self,
            _ => Self {
                rto: self.total(),
                requests: 1,
                last_wait: 1,
            },
        }
    }

    /// How long a transaction takes until it is given up.
    #[must_use]
    pub const fn total(&self) -> Duration {
        let doublings = match 1_u32.checked_shl(self.requests.saturating_sub(1)) {
            Some(power) => power - 1,
            None => u32::MAX,
        };
        self.rto
            .saturating_mul(doublings.saturating_add(self.last_wait))
    }
}

/// RFC 8489 §6.2.1: 500 ms, 7 requests, and 16 times 500 ms for the last: 39.5 s.
impl Default for Schedule {
    fn default() -> Self {
        Self {
            rto: Duration::from_millis(500),
            requests: 7,
            last_wait: 16,
        }
    }
}

/// A request that waits for its answer.
///
/// It only knows *when*; what is sent belongs to its owner, who asks
/// [`is_due`](Self::is_due) and tells [`on_sent`](Self::on_sent), so that the
/// clock starts when the request really left.
#[derive(Clone, Copy, Debug)]
pub struct Transaction {
    id: TransactionId,
    schedule: Schedule,
    first_sent: Instant,
    sends: u32,
    deadline: Option<Instant>,
}

impl Transaction {
    /// A request that is due at once.
    #[must_use]
    pub const fn new(id: TransactionId, schedule: Schedule) -> Self {
        Self {
            id,
            schedule,
            first_sent: Instant::ZERO,
            sends: 0,
            deadline: None,
        }
    }

    /// The request went out.
    pub fn on_sent(&mut self, now: Instant) {
        if self.sends == 0 {
            self.first_sent = now;
        }
        let Schedule {
            rto,
            requests,
            last_wait,
        } = self.schedule;
        let factor = if self.sends + 1 < requests {
            1_u32.checked_shl(self.sends).unwrap_or(u32::MAX)
        } else {
            last_wait
        };
        self.sends += 1;
        self.deadline = Some(now + rto.saturating_mul(factor));
    }

    /// Time passed: `false` once the request is given up, otherwise it may have
    /// become due again.
    #[must_use]
    pub fn on_timeout(&mut self, now: Instant) -> bool {
        if self.deadline.is_some_and(|deadline| deadline <= now) {
            self.deadline = None;
        }
        self.deadline.is_some() || self.is_due()
    }

    /// Sends no more requests, but waits for an answer to those that were sent
    /// as long as for the last of them all.
    pub fn stop_repeating(&mut self, now: Instant) {
        if self.sends < self.schedule.requests {
            self.schedule.requests = self.sends;
            self.deadline = Some(now + self.schedule.rto.saturating_mul(self.schedule.last_wait));
        }
    }

    /// Which answers belong to it.
    #[must_use]
    pub const fn id(&self) -> TransactionId {
        self.id
    }

    /// Whether the request should be sent now.
    #[must_use]
    pub const fn is_due(&self) -> bool {
        self.deadline.is_none() && self.sends < self.schedule.requests
    }

    /// When it is due again, or given up.
    #[must_use]
    pub const fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// How many requests were sent.
    #[must_use]
    pub const fn sends(&self) -> u32 {
        self.sends
    }

    /// The round-trip time of an answer that arrives now; unknown if the request
    /// was repeated, since it could answer any of them.
    #[must_use]
    pub fn round_trip(&self, now: Instant) -> Option<Duration> {
        (self.sends == 1).then(|| now.since(self.first_sent))
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;

    fn ms(millis: u64) -> Instant {
        Instant::from_millis(millis)
    }

    /// The times of RFC 8489 §6.2.1's example.
    #[test]
    fn ice_026_seven_requests_double_their_distance_and_the_last_waits_sixteen_rto() {
        let mut transaction = Transaction::new(TransactionId([0; 12]), Schedule::default());
        let mut now = Instant::ZERO;
        let mut sent = Vec::new();
        while transaction.on_timeout(now) {
            if transaction.is_due() {
                sent.push(now.as_millis());
                transaction.on_sent(now);
            }
            now = transaction
                .deadline()
                .expect("a request under way has a deadline");
        }
        assert_eq!(sent, [0, 500, 1500, 3500, 7500, 15500, 31500]);
        assert_eq!(now, ms(39_500));
        assert_eq!(Schedule::default().total(), now.since(Instant::ZERO));
    }

    #[test]
    fn a_late_poll_delays_and_nothing_more() {
        let mut transaction = Transaction::new(TransactionId([0; 12]), Schedule::default());
        transaction.on_sent(ms(0));
        assert!(transaction.on_timeout(ms(100_000)));
        assert!(transaction.is_due());
        assert_eq!(transaction.deadline(), None);
        transaction.on_sent(ms(100_010));
        assert_eq!(transaction.deadline(), Some(ms(101_010)));
    }

    #[test]
    fn stopped_it_still_waits_for_an_answer() {
        let mut transaction = Transaction::new(TransactionId([0; 12]), Schedule::default());
        transaction.on_sent(ms(10));
        assert_eq!(
            transaction.round_trip(ms(30)),
            Some(Duration::from_millis(20))
        );
        transaction.stop_repeating(ms(40));
        transaction.stop_repeating(ms(50));
        assert!(transaction.on_timeout(ms(8_039)));
        assert!(!transaction.is_due());
        assert!(!transaction.on_timeout(ms(8_040)));
    }
}
