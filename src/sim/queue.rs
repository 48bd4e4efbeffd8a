//! Which datagram arrives next?

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use super::ledger::DatagramId;
use super::world::HostId;
use crate::net::Path;
use crate::time::Instant;

/// A datagram under way.
#[derive(Debug)]
pub(super) struct InFlight {
    /// Who gets it.
    pub(super) to: HostId,
    /// The way as the receiver sees it: `local` is its own address.
    pub(super) path: Path,
    /// The receiver's copy, which it may decrypt in place.
    pub(super) bytes: Vec<u8>,
    /// Its line in the ledger, if there is one.
    pub(super) id: Option<DatagramId>,
}

/// All datagrams under way, in the order of their arrival; those that arrive at
/// one moment come in the order of their departure.
#[derive(Debug, Default)]
pub(super) struct Queue {
    flights: BTreeMap<(Instant, u64), InFlight>,
    departures: u64,
}

impl Queue {
    pub(super) fn push(&mut self, arrival: Instant, flight: InFlight) {
        self.flights.insert((arrival, self.departures), flight);
        self.departures += 1;
    }

    pub(super) fn next_arrival(&self) -> Option<Instant> {
        let ((arrival, _), _) = self.flights.first_key_value()?;
        Some(*arrival)
    }

    pub(super) fn pop(&mut self) -> Option<InFlight> {
        self.flights.pop_first().map(|(_, flight)| flight)
    }

    pub(super) fn len(&self) -> usize {
        self.flights.len()
    }
}
