//! The application's sockets, and small sets of them.

use core::net::SocketAddr;

use super::{GROUP_V4, GROUP_V6, PORT, SocketError};
use crate::net::Path;

/// Which sockets are there? Each keeps its place as long as it is there.
#[derive(Clone, Debug, Default)]
pub(super) struct Sockets([Option<SocketAddr>; MAX_SOCKETS]);

/// Which of the [`Sockets`]?
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(super) struct Places(u8);

impl Sockets {
    pub(super) fn add(&mut self, local: SocketAddr) -> Result<usize, SocketError> {
        if local.port() != PORT {
            return Err(SocketError::Port);
        }
        if let Some(place) = self.place(local) {
            return Ok(place);
        }
        let free = self.0.iter().position(Option::is_none);
        let place = free.ok_or(SocketError::TooMany)?;
        if let Some(slot) = self.0.get_mut(place) {
            *slot = Some(local);
        }
        Ok(place)
    }

    pub(super) fn remove(&mut self, local: SocketAddr) -> Option<usize> {
        let place = self.place(local)?;
        *self.0.get_mut(place)? = None;
        Some(place)
    }

    pub(super) fn place(&self, local: SocketAddr) -> Option<usize> {
        self.0.iter().position(|slot| *slot == Some(local))
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = SocketAddr> {
        self.0.iter().flatten().copied()
    }

    /// The places of all sockets that are there.
    pub(super) fn places(&self) -> Places {
        let mut places = Places::default();
        for (place, slot) in self.0.iter().enumerate() {
            if slot.is_some() {
                places.insert(place);
            }
        }
        places
    }

    /// From the socket at `place` to everybody.
    pub(super) fn to_all(&self, place: usize) -> Option<Path> {
        let local = (*self.0.get(place)?)?;
        let group = if local.is_ipv4() { GROUP_V4 } else { GROUP_V6 };
        Some(Path::udp(local, group))
    }

    /// From the socket at `place` to one host.
    pub(super) fn to(&self, place: usize, remote: SocketAddr) -> Option<Path> {
        let local = (*self.0.get(place)?)?;
        Some(Path::udp(local, remote))
    }
}

impl Places {
    pub(super) const fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub(super) const fn contains(self, place: usize) -> bool {
        self.0 & bit(place) != 0
    }

    pub(super) const fn insert(&mut self, place: usize) {
        self.0 |= bit(place);
    }

    pub(super) const fn remove(&mut self, place: usize) {
        self.0 &= !bit(place);
    }
}

/// No bit for a place that there is not.
const fn bit(place: usize) -> u8 {
    if place < MAX_SOCKETS { 1 << place } else { 0 }
}

/// How many sockets there may be: as a rule one for each interface and family.
pub const MAX_SOCKETS: usize = 8;
