//! Which peer has which number, and until when (RFC 8656 §12)?

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;
use core::net::SocketAddr;
use core::time::Duration;

use crate::time::Instant;
use crate::wire::turn::ChannelNumber;

/// The channels that the application wants, and those that the server may still
/// know. A number leads to its peer by index, a peer to its number by a tree.
#[derive(Debug, Default)]
pub(super) struct Channels {
    /// Number 0x4000 and those that follow.
    slots: Vec<Slot>,
    by_peer: BTreeMap<SocketAddr, usize>,
    /// Slots that nobody has.
    free: Vec<usize>,
    /// Those that the server has to be asked about.
    wanted: BTreeSet<SocketAddr>,
    /// When the next thing happens to each slot.
    agenda: BTreeSet<(Instant, usize)>,
    /// How many peers want a channel, with or without a number so far.
    kept: usize,
}

#[derive(Debug)]
struct Slot {
    peer: SocketAddr,
    number: ChannelNumber,
    /// Whether the application wants it.
    is_kept: bool,
    /// Until when the server knows it, at most.
    until: Option<Instant>,
    /// Whether it can be used.
    is_bound: bool,
    /// Its entry in the agenda.
    next: Option<Instant>,
}

impl Channels {
    /// Wants a channel for `peer`.
    pub(super) fn add(&mut self, peer: SocketAddr) {
        let slot = self.by_peer.get(&peer).copied();
        let slot = slot.and_then(|index| self.slots.get_mut(index));
        match slot {
            Some(slot) if slot.is_kept => return,
            Some(slot) => slot.is_kept = true,
            None if self.wanted.contains(&peer) => return,
            None => {}
        }
        self.kept += 1;
        self.wanted.insert(peer);
    }

    /// Wants it no more. The server is not told, and RFC 8656 §12 lets neither the
    /// number nor the peer have another partner for 5 minutes after it lapsed.
    pub(super) fn remove(&mut self, peer: SocketAddr) {
        let was_wanted = self.wanted.remove(&peer);
        let index = self.by_peer.get(&peer).copied();
        let Some((index, slot)) = index.and_then(|at| Some((at, self.slots.get_mut(at)?))) else {
            self.kept -= usize::from(was_wanted);
            return;
        };
        if !core::mem::take(&mut slot.is_kept) {
            return;
        }
        self.kept -= 1;
        slot.is_bound = false;
        let rest = slot.until.map(|until| until + QUARANTINE);
        // Without a binding there may be a request under way, whose answer decides.
        if rest.is_some() {
            self.plan(index, rest);
        }
    }

    /// Asks again for the channel of a slot.
    pub(super) fn ask_again(&mut self, index: usize, peer: SocketAddr) {
        if self.kept_slot(&peer) {
            self.wanted.insert(peer);
        } else {
            self.on_refused(index, peer);
        }
    }

    /// Whose channel the next request should bind.
    pub(super) fn next_wish(&self) -> Option<SocketAddr> {
        self.wanted.first().copied()
    }

    /// The number for the request of `peer`'s channel; `None` if all are taken.
    pub(super) fn take_wish(&mut self, peer: SocketAddr) -> Option<(usize, ChannelNumber)> {
        self.wanted.remove(&peer);
        if let Some(&index) = self.by_peer.get(&peer) {
            return Some((index, self.slots.get(index)?.number));
        }
        let index = self.free.pop().unwrap_or(self.slots.len());
        let offset = u16::try_from(index).ok()?;
        let Some(number) = ChannelNumber::new(ChannelNumber::MIN + offset) else {
            self.kept -= 1;
            return None;
        };
        let slot = Slot {
            peer,
            number,
            is_kept: true,
            until: None,
            is_bound: false,
            next: None,
        };
        match self.slots.get_mut(index) {
            Some(place) => *place = slot,
            None => self.slots.push(slot),
        }
        self.by_peer.insert(peer, index);
        Some((index, number))
    }

    /// The server knows the channel.
    pub(super) fn on_bound(&mut self, now: Instant, index: usize, peer: SocketAddr) {
        let slot = self.slots.get_mut(index).filter(|slot| slot.peer == peer);
        let Some(slot) = slot else { return };
        let until = now + LIFETIME;
        slot.until = Some(until);
        slot.is_bound = slot.is_kept;
        let next = if slot.is_kept {
            now + REFRESH_AFTER
        } else {
            until + QUARANTINE
        };
        self.wanted.remove(&peer);
        self.plan(index, Some(next));
    }

    /// The server does not bind the channel.
    pub(super) fn on_refused(&mut self, index: usize, peer: SocketAddr) {
        let slot = self.slots.get_mut(index).filter(|slot| slot.peer == peer);
        let Some(slot) = slot else { return };
        if core::mem::take(&mut slot.is_kept) {
            self.kept -= 1;
        }
        slot.is_bound = false;
        self.wanted.remove(&peer);
        match slot.until {
            Some(until) => self.plan(index, Some(until + QUARANTINE)),
            None => self.release(index),
        }
    }

    /// Nobody knows whether the server has bound the channel.
    pub(super) fn on_no_answer(&mut self, now: Instant, index: usize, peer: SocketAddr) {
        if let Some(slot) = self.slots.get_mut(index).filter(|slot| slot.peer == peer) {
            slot.until = Some(now + LIFETIME);
            self.on_refused(index, peer);
        }
    }

    /// Lets lapse what has lapsed, and asks again for what is about to.
    pub(super) fn on_timeout(&mut self, now: Instant) {
        while let Some(&(at, index)) = self.agenda.first()
            && at <= now
        {
            let Some(slot) = self.slots.get_mut(index) else {
                self.agenda.pop_first();
                continue;
            };
            let next = match slot.until {
                Some(until) if slot.is_kept && now < until => {
                    self.wanted.insert(slot.peer);
                    Some(until)
                }
                _ if slot.is_kept => {
                    slot.is_bound = false;
                    None
                }
                _ => {
                    self.release(index);
                    continue;
                }
            };
            self.plan(index, next);
        }
    }

    /// The number of `peer`'s channel, if it can be used.
    pub(super) fn number(&self, peer: SocketAddr) -> Option<ChannelNumber> {
        let slot = self.slots.get(*self.by_peer.get(&peer)?)?;
        slot.is_bound.then_some(slot.number)
    }

    /// The peer of a channel, if the channel can be used.
    pub(super) fn peer(&self, number: ChannelNumber) -> Option<SocketAddr> {
        let index = usize::from(number.get() - ChannelNumber::MIN);
        let slot = self.slots.get(index)?;
        slot.is_bound.then_some(slot.peer)
    }

    /// Whether `peer` has a channel or wants one.
    pub(super) fn contains(&self, peer: SocketAddr) -> bool {
        self.wanted.contains(&peer) || self.kept_slot(&peer)
    }

    /// Whether any channel leads to an address at `peer`'s host.
    pub(super) fn leads_to_host_of(&self, peer: SocketAddr) -> bool {
        let host = SocketAddr::new(peer.ip(), 0)..=SocketAddr::new(peer.ip(), u16::MAX);
        self.wanted.range(host.clone()).next().is_some()
            || self
                .by_peer
                .range(host)
                .any(|(peer, _)| self.kept_slot(peer))
    }

    /// How many peers have a channel or want one.
    pub(super) const fn len(&self) -> usize {
        self.kept
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        self.agenda.first().map(|(at, _)| *at)
    }

    fn kept_slot(&self, peer: &SocketAddr) -> bool {
        let index = self.by_peer.get(peer);
        index.is_some_and(|&index| self.slots.get(index).is_some_and(|slot| slot.is_kept))
    }

    /// Moves the entry of a slot in the agenda.
    fn plan(&mut self, index: usize, next: Option<Instant>) {
        let Some(slot) = self.slots.get_mut(index) else {
            return;
        };
        if let Some(before) = core::mem::replace(&mut slot.next, next) {
            self.agenda.remove(&(before, index));
        }
        if let Some(next) = next {
            self.agenda.insert((next, index));
        }
    }

    /// Number and peer are free for others.
    fn release(&mut self, index: usize) {
        self.plan(index, None);
        if let Some(slot) = self.slots.get(index) {
            self.by_peer.remove(&slot.peer);
            self.free.push(index);
        }
    }
}

/// RFC 8656 §12: always 10 minutes.
const LIFETIME: Duration = Duration::from_secs(600);
/// Leaves a request the time to be repeated until it is given up.
const REFRESH_AFTER: Duration = Duration::from_secs(540);
/// RFC 8656 §12: how long after its end a channel can have no other partner.
const QUARANTINE: Duration = Duration::from_secs(300);
