//! Who may reach us, and until when (RFC 8656 §9)?

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;
use core::net::IpAddr;
use core::time::Duration;

use crate::time::Instant;

/// The permissions that the application wants, and what the server said of them.
///
/// Every look-up costs the logarithm of their number; one that is due is found
/// without looking at the others.
#[derive(Debug, Default)]
pub(super) struct Permissions {
    table: BTreeMap<IpAddr, Permission>,
    /// Those that the server has to be asked about.
    wanted: BTreeSet<IpAddr>,
    /// When the next thing happens to each that was granted.
    agenda: BTreeSet<(Instant, IpAddr)>,
}

#[derive(Debug, Default)]
struct Permission {
    /// Until when the server lets datagrams pass.
    until: Option<Instant>,
    /// Its entry in the agenda.
    next: Option<Instant>,
    /// It was refused among others, and is now asked for by itself.
    alone: bool,
}

impl Permissions {
    /// Wants `ip` to be permitted. With `ask` the server is asked; otherwise a
    /// channel will tell it.
    pub(super) fn add(&mut self, ip: IpAddr, ask: bool) {
        let permission = self.table.entry(ip).or_default();
        if ask && permission.until.is_none() {
            self.wanted.insert(ip);
        }
    }

    /// Wants it no more. `false` if it was not wanted.
    pub(super) fn remove(&mut self, ip: IpAddr) -> bool {
        let Some(permission) = self.table.remove(&ip) else {
            return false;
        };
        self.wanted.remove(&ip);
        if let Some(next) = permission.next {
            self.agenda.remove(&(next, ip));
        }
        true
    }

    /// Asks again for what was asked for in vain; `alone` after a refusal that
    /// may have been meant for another of the same request.
    pub(super) fn ask_again(&mut self, ips: &[IpAddr], alone: bool) {
        for ip in ips {
            if let Some(permission) = self.table.get_mut(ip) {
                permission.alone |= alone;
                self.wanted.insert(*ip);
            }
        }
    }

    /// What the next request should ask for: as many as fit into `room` bytes.
    pub(super) fn next_batch(&self, room: usize) -> Vec<IpAddr> {
        let mut batch = Vec::new();
        let mut len = 0;
        for ip in &self.wanted {
            let alone = self.table.get(ip).is_some_and(|one| one.alone);
            len += attribute_len(*ip);
            if len > room || batch.len() == MAX_BATCH || (alone && !batch.is_empty()) {
                break;
            }
            batch.push(*ip);
            if alone {
                break;
            }
        }
        batch
    }

    pub(super) fn has_wishes(&self) -> bool {
        !self.wanted.is_empty()
    }

    /// The request for `batch` is on its way.
    pub(super) fn on_asked(&mut self, batch: &[IpAddr]) {
        for ip in batch {
            self.wanted.remove(ip);
        }
    }

    /// The server lets it pass. `true` if that is news.
    pub(super) fn on_granted(&mut self, now: Instant, ip: IpAddr) -> bool {
        let Some(permission) = self.table.get_mut(&ip) else {
            return false;
        };
        let is_new = permission.until.is_none();
        permission.until = Some(now + LIFETIME);
        permission.alone = false;
        self.wanted.remove(&ip);
        self.plan(ip, Some(now + REFRESH_AFTER));
        is_new
    }

    /// Lets lapse what has lapsed, and asks again for what is about to.
    pub(super) fn on_timeout(&mut self, now: Instant) {
        let is_due = self.agenda.first().is_some_and(|(at, _)| *at <= now);
        if !is_due {
            return;
        }
        // Those that come next are asked for in the same request.
        let soon = now + REFRESH_TOGETHER;
        let due: Vec<_> = self
            .agenda
            .iter()
            .copied()
            .take_while(|(at, _)| *at <= soon)
            .collect();
        for (at, ip) in due {
            let permission = self.table.get_mut(&ip);
            let Some((permission, until)) =
                permission.and_then(|one| one.until.map(|at| (one, at)))
            else {
                self.agenda.remove(&(at, ip));
                continue;
            };
            if until <= now {
                permission.until = None;
                self.plan(ip, None);
            } else if at < until {
                self.wanted.insert(ip);
                self.plan(ip, Some(until));
            }
        }
    }

    /// Moves the entry of `ip` in the agenda.
    fn plan(&mut self, ip: IpAddr, next: Option<Instant>) {
        let Some(permission) = self.table.get_mut(&ip) else {
            return;
        };
        if let Some(before) = core::mem::replace(&mut permission.next, next) {
            self.agenda.remove(&(before, ip));
        }
        if let Some(next) = next {
            self.agenda.insert((next, ip));
        }
    }

    pub(super) fn is_granted(&self, ip: IpAddr) -> bool {
        self.table.get(&ip).is_some_and(|one| one.until.is_some())
    }

    pub(super) fn contains(&self, ip: IpAddr) -> bool {
        self.table.contains_key(&ip)
    }

    pub(super) fn len(&self) -> usize {
        self.table.len()
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        self.agenda.first().map(|(at, _)| *at)
    }
}

/// The size of XOR-PEER-ADDRESS.
pub(super) const fn attribute_len(ip: IpAddr) -> usize {
    match ip {
        IpAddr::V4(_) => 12,
        IpAddr::V6(_) => 24,
    }
}

/// RFC 8656 §9: always 5 minutes.
const LIFETIME: Duration = Duration::from_secs(300);
/// Leaves a request the time to be repeated until it is given up.
const REFRESH_AFTER: Duration = Duration::from_secs(240);
/// What is due within this time is refreshed together.
const REFRESH_TOGETHER: Duration = Duration::from_secs(30);
/// A server need not read more attributes than this one does.
const MAX_BATCH: usize = 48;
