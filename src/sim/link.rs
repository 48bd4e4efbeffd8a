//! What happens to a datagram between two hosts?

use core::fmt;
use core::time::Duration;

use arrayvec::ArrayVec;

use crate::rng::Rng;
use crate::time::Instant;

/// How do datagrams fare in one direction between two hosts?
///
/// The default is a perfect wire: no delay, no loss, no limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    /// How long every datagram is under way.
    pub delay: Duration,
    /// Up to how much longer some are; those behind them wait.
    pub jitter: Duration,
    /// Which are lost.
    pub loss: Loss,
    /// How often one is held back so that later ones overtake it.
    pub reorder: Chance,
    /// How often one arrives twice.
    pub duplicate: Chance,
    /// How many bits a second fit through, headers of IP and UDP included.
    pub rate: Option<u64>,
    /// How many bytes wait for their turn if there is a rate; more are dropped.
    pub queue: usize,
    /// The size of the largest IP packet that fits; larger ones vanish.
    pub mtu: usize,
}

impl Default for Link {
    fn default() -> Self {
        Self {
            delay: Duration::ZERO,
            jitter: Duration::ZERO,
            loss: Loss::None,
            reorder: Chance::NEVER,
            duplicate: Chance::NEVER,
            rate: None,
            queue: 64 * 1024,
            mtu: 1500,
        }
    }
}

impl Link {
    /// A link that only delays.
    #[must_use]
    pub fn with_delay(delay: Duration) -> Self {
        Self {
            delay,
            ..Self::default()
        }
    }
}

/// How often does something happen, in millionths?
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Chance(u32);

impl Chance {
    /// It does not happen.
    pub const NEVER: Self = Self(0);
    /// It always happens.
    pub const ALWAYS: Self = Self(1_000_000);

    /// So many times out of a hundred.
    #[must_use]
    pub const fn percent(n: u32) -> Self {
        Self::per_million(n.saturating_mul(10_000))
    }

    /// So many times out of a million.
    #[must_use]
    pub const fn per_million(n: u32) -> Self {
        if n > Self::ALWAYS.0 {
            Self::ALWAYS
        } else {
            Self(n)
        }
    }

    /// Whether it happens this time.
    pub fn hits(self, rng: &mut Rng) -> bool {
        self != Self::NEVER && rng.below(u64::from(Self::ALWAYS.0)) < u64::from(self.0)
    }
}

impl fmt::Display for Chance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:02} %", self.0 / 10_000, self.0 / 100 % 100)
    }
}

/// Which datagrams are lost?
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Loss {
    /// None.
    #[default]
    None,
    /// Each with the same chance.
    Uniform(Chance),
    /// Many in a row: the link changes between a good and a bad state
    /// (Gilbert and Elliott).
    Bursty {
        /// The chance that a datagram turns the good state bad.
        worsens: Chance,
        /// The chance that a datagram turns the bad state good.
        recovers: Chance,
        /// The loss while the state is bad; in the good state nothing is lost.
        bad: Chance,
    },
}

/// Why did a datagram not arrive?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LossCause {
    /// Bad luck.
    Chance,
    /// The queue in front of the link was full.
    QueueFull,
    /// It was larger than the link's MTU.
    TooBig,
    /// No host has its destination address.
    NoRoute,
    /// A NAT did not let it in, or had no port for it.
    Nat,
    /// A firewall did not let it pass.
    Firewall,
    /// It was for a stream that is not there.
    NoStream,
    /// The link or a host was cut off.
    Cut,
    /// A tap took it.
    Tapped,
}

impl fmt::Display for LossCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Chance => "lost",
            Self::QueueFull => "dropped, queue full",
            Self::TooBig => "dropped, larger than the MTU",
            Self::NoRoute => "dropped, no such address",
            Self::Nat => "dropped by a NAT",
            Self::Firewall => "dropped by a firewall",
            Self::NoStream => "dropped, no such stream",
            Self::Cut => "dropped, link cut",
            Self::Tapped => "taken by a tap",
        })
    }
}

/// When a datagram arrives: once, or twice if it was duplicated.
pub(super) type Arrivals = ArrayVec<Instant, 2>;

/// A link at work: what it does next depends on what it carried before.
#[derive(Clone, Debug)]
pub(super) struct Carrier {
    link: Link,
    in_burst: bool,
    /// When the last bit of the queue has left.
    busy_until: Instant,
    /// The latest arrival of those that keep their order.
    last_arrival: Instant,
}

impl Carrier {
    pub(super) const fn new(link: Link) -> Self {
        Self {
            link,
            in_burst: false,
            busy_until: Instant::ZERO,
            last_arrival: Instant::ZERO,
        }
    }

    /// Changes the link under way. What already travels is not affected.
    pub(super) const fn set(&mut self, link: Link) {
        self.link = link;
    }

    /// Carries an IP packet of `size` bytes.
    pub(super) fn carry(
        &mut self,
        now: Instant,
        size: usize,
        rng: &mut Rng,
    ) -> Result<Arrivals, LossCause> {
        if size > self.link.mtu {
            return Err(LossCause::TooBig);
        }
        let sent = self.enqueue(now, size)?;
        if self.loses(rng) {
            return Err(LossCause::Chance);
        }
        let mut arrivals = Arrivals::new();
        arrivals.push(self.arrival(sent, rng));
        if self.link.duplicate.hits(rng) {
            arrivals.push(self.arrival(sent, rng));
        }
        Ok(arrivals)
    }

    /// Carries `size` bytes of a stream: what is lost is sent again, and what
    /// does not fit into the queue waits.
    pub(super) fn carry_stream(&mut self, now: Instant, size: usize, rng: &mut Rng) -> Instant {
        let mut sent = match self.enqueue(now, size) {
            Ok(sent) => sent,
            Err(_) => self.busy_until,
        };
        for _ in 0..MOST_REPEATS {
            if !self.loses(rng) {
                break;
            }
            sent += self.link.delay * 2 + REPEAT_AFTER;
        }
        sent + self.link.delay + up_to(self.link.jitter, rng)
    }

    /// When the packet's last bit is on the wire, if the queue has room for it.
    fn enqueue(&mut self, now: Instant, size: usize) -> Result<Instant, LossCause> {
        let Some(rate) = self.link.rate.filter(|&rate| rate > 0) else {
            return Ok(now);
        };
        let waiting = self.busy_until.since(now).as_nanos() * u128::from(rate) / NANOS_PER_BYTE_BIT;
        if waiting + size as u128 > self.link.queue as u128 {
            return Err(LossCause::QueueFull);
        }
        let nanos = size as u128 * NANOS_PER_BYTE_BIT / u128::from(rate);
        let nanos = u64::try_from(nanos).unwrap_or(u64::MAX);
        self.busy_until = self.busy_until.max(now) + Duration::from_nanos(nanos);
        Ok(self.busy_until)
    }

    fn loses(&mut self, rng: &mut Rng) -> bool {
        match self.link.loss {
            Loss::None => false,
            Loss::Uniform(chance) => chance.hits(rng),
            Loss::Bursty {
                worsens,
                recovers,
                bad,
            } => {
                let turns = if self.in_burst { recovers } else { worsens };
                self.in_burst ^= turns.hits(rng);
                self.in_burst && bad.hits(rng)
            }
        }
    }

    /// When a packet that left at `sent` arrives.
    fn arrival(&mut self, sent: Instant, rng: &mut Rng) -> Instant {
        let Link { delay, jitter, .. } = self.link;
        let arrival = sent + delay + up_to(jitter, rng);
        if self.link.reorder.hits(rng) {
            // Held back without holding up those behind it.
            return arrival + up_to(delay + jitter + Duration::from_millis(1), rng);
        }
        self.last_arrival = self.last_arrival.max(arrival);
        self.last_arrival
    }
}

fn up_to(limit: Duration, rng: &mut Rng) -> Duration {
    let nanos = u64::try_from(limit.as_nanos()).unwrap_or(u64::MAX);
    Duration::from_nanos(if nanos == 0 { 0 } else { rng.below(nanos) })
}

/// How long TCP waits, beyond the round trip, before it sends again.
const REPEAT_AFTER: Duration = Duration::from_millis(200);

/// How often it does so at most.
const MOST_REPEATS: usize = 8;

/// Nanoseconds that a byte takes at one bit a second.
const NANOS_PER_BYTE_BIT: u128 = 8 * 1_000_000_000;

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;

    fn carried(link: Link, count: usize, size: usize) -> Vec<Result<Arrivals, LossCause>> {
        let mut carrier = Carrier::new(link);
        let mut rng = Rng::from_number(1);
        (0..count)
            .map(|_| carrier.carry(Instant::ZERO, size, &mut rng))
            .collect()
    }

    #[test]
    fn a_perfect_wire_delivers_at_once() {
        for arrival in carried(Link::default(), 10, 1500) {
            assert_eq!(arrival.unwrap().as_slice(), [Instant::ZERO]);
        }
    }

    #[test]
    fn jitter_alone_keeps_the_order_and_reordering_does_not() {
        let mut link = Link {
            delay: Duration::from_millis(10),
            jitter: Duration::from_millis(50),
            ..Link::default()
        };
        let times = |link| -> Vec<Instant> {
            carried(link, 100, 100)
                .into_iter()
                .map(|arrivals| arrivals.unwrap()[0])
                .collect()
        };
        assert!(times(link).is_sorted());
        link.reorder = Chance::percent(20);
        assert!(!times(link).is_sorted());
    }

    #[test]
    fn losses_come_at_their_rate_and_bursts_in_rows() {
        let lost = |loss| -> Vec<bool> {
            let link = Link {
                loss,
                ..Link::default()
            };
            carried(link, 10_000, 100)
                .iter()
                .map(|result| result.is_err())
                .collect()
        };
        let uniform = lost(Loss::Uniform(Chance::percent(10)));
        let bursty = lost(Loss::Bursty {
            worsens: Chance::percent(2),
            recovers: Chance::percent(18),
            bad: Chance::ALWAYS,
        });
        let count = |list: &[bool]| list.iter().filter(|&&lost| lost).count();
        let pairs = |list: &[bool]| list.windows(2).filter(|pair| pair[0] && pair[1]).count();
        assert!((800..1200).contains(&count(&uniform)));
        assert!((800..1200).contains(&count(&bursty)));
        assert!(pairs(&bursty) > 5 * pairs(&uniform));
    }

    #[test]
    fn a_rate_spaces_packets_and_its_queue_overflows() {
        let link = Link {
            rate: Some(8_000),
            queue: 3_000,
            ..Link::default()
        };
        let results = carried(link, 4, 1_000);
        let seconds = |n: u64| Ok(Arrivals::from_iter([Instant::from_millis(n * 1000)]));
        assert_eq!(results[..3], [seconds(1), seconds(2), seconds(3)]);
        assert_eq!(results[3], Err(LossCause::QueueFull));
    }

    #[test]
    fn what_is_larger_than_the_mtu_vanishes() {
        assert_eq!(carried(Link::default(), 1, 1501), [Err(LossCause::TooBig)]);
    }

    #[test]
    fn duplicates_arrive_twice() {
        let link = Link {
            duplicate: Chance::ALWAYS,
            ..Link::default()
        };
        assert_eq!(carried(link, 1, 100)[0].as_ref().unwrap().len(), 2);
    }
}
