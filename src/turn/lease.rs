//! For how long is the address ours (RFC 8656 §8)?

use core::net::SocketAddr;
use core::time::Duration;

use crate::time::Instant;

/// The address that the server lends us.
#[derive(Debug)]
pub(super) struct Lease {
    pub(super) relayed: SocketAddr,
    pub(super) mapped: SocketAddr,
    /// Until when.
    until: Instant,
    /// When it should be asked for again; `None` once it should.
    refresh: Option<Instant>,
    /// Whether a Refresh is to be sent or under way.
    pub(super) wish: Wish,
    /// Whether the NATs between us and the server forget us.
    pub(super) keepalive: Keepalive,
}

/// Is it too long ago that we said something?
#[derive(Debug)]
pub(super) struct Keepalive {
    /// How often to look; `None` if nobody forgets. Half of what is too long, so that
    /// no silence between two looks is longer.
    interval: Option<Duration>,
    deadline: Option<Instant>,
    /// Whether something was said since the last look.
    has_spoken: bool,
    /// Whether something has to be said.
    pub(super) is_due: bool,
}

/// What has to be asked of the server?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    /// Nothing.
    None,
    /// To keep the address for us.
    Refresh,
    /// It was asked already.
    Asked,
}

impl Lease {
    pub(super) fn new(relayed: SocketAddr, mapped: SocketAddr, keepalive: Keepalive) -> Self {
        Self {
            relayed,
            mapped,
            until: Instant::ZERO,
            refresh: None,
            wish: Wish::None,
            keepalive,
        }
    }

    /// The server keeps it for so many seconds more.
    pub(super) fn extend(&mut self, now: Instant, seconds: u32) {
        let lifetime = Duration::from_secs(seconds.into()).clamp(MIN_LIFETIME, MAX_LIFETIME);
        self.until = now + lifetime;
        // RFC 8656 §8: about a minute before the end, which leaves the request the
        // time to be repeated until it is given up.
        let after = lifetime
            .checked_sub(REFRESH_BEFORE)
            .unwrap_or_default()
            .max(lifetime / 2);
        self.refresh = Some(now + after);
        self.wish = Wish::None;
    }

    pub(super) fn on_timeout(&mut self, now: Instant) {
        if self.refresh.is_some_and(|refresh| refresh <= now) {
            self.refresh = None;
            self.wish = Wish::Refresh;
        }
        self.keepalive.on_timeout(now);
    }

    pub(super) fn has_lapsed(&self, now: Instant) -> bool {
        self.until <= now
    }

    pub(super) fn deadline(&self) -> Instant {
        let lease = self.refresh.unwrap_or(self.until);
        self.keepalive
            .deadline
            .map_or(lease, |deadline| deadline.min(lease))
    }
}

impl Keepalive {
    pub(super) fn new(now: Instant, interval: Option<Duration>) -> Self {
        let interval = interval.map(|interval| interval.max(MIN_KEEPALIVE) / 2);
        Self {
            interval,
            deadline: interval.map(|interval| now + interval),
            has_spoken: false,
            is_due: false,
        }
    }

    /// Something was sent to the server.
    pub(super) fn on_sent(&mut self) {
        self.has_spoken = true;
        self.is_due = false;
    }

    fn on_timeout(&mut self, now: Instant) {
        if self.deadline.is_some_and(|deadline| deadline <= now) {
            self.is_due = !core::mem::take(&mut self.has_spoken);
            self.deadline = self.interval.map(|interval| now + interval);
        }
    }
}

/// RFC 8656 §8.
const REFRESH_BEFORE: Duration = Duration::from_secs(60);
/// What a server says is not believed beyond these: a refresh each second would be
/// its storm, and a year our leak.
const MIN_LIFETIME: Duration = Duration::from_secs(10);
const MAX_LIFETIME: Duration = Duration::from_secs(24 * 3600);
/// No NAT forgets in less.
const MIN_KEEPALIVE: Duration = Duration::from_secs(1);
