//! What arrives next?

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use super::ledger::DatagramId;
use super::realm::Way;
use super::stream::EndId;
use super::world::HostId;
use crate::net::Protocol;
use crate::time::Instant;

/// What is under way.
#[derive(Debug)]
pub(super) enum Freight {
    /// A datagram.
    Datagram {
        /// Where it goes; the NATs on the receiver's side have the last word.
        way: Way,
        /// The receiver's copy, which it may decrypt in place.
        bytes: Vec<u8>,
        /// Its line in the ledger, if there is one.
        id: Option<DatagramId>,
    },
    /// A copy of a multicast datagram: no NAT is between those who hear it.
    Copy {
        to: HostId,
        path: crate::net::Path,
        bytes: Vec<u8>,
        id: Option<DatagramId>,
    },
    /// The wish of this end to be connected.
    Connect {
        end: EndId,
        way: Way,
        protocol: Protocol,
    },
    /// This end hears that it is connected.
    Connected(EndId),
    /// Bytes come to this end.
    Bytes(EndId),
    /// This end hears that it is over, or could not be connected.
    Over(EndId),
    /// The answer to a host's question for a name.
    Name(HostId, String),
}

/// All that is under way, in the order of arrival; what arrives at one moment
/// comes in the order of departure.
#[derive(Debug, Default)]
pub(super) struct Queue {
    freight: BTreeMap<(Instant, u64), Freight>,
    departures: u64,
}

impl Queue {
    pub(super) fn push(&mut self, arrival: Instant, freight: Freight) {
        self.freight.insert((arrival, self.departures), freight);
        self.departures += 1;
    }

    pub(super) fn next_arrival(&self) -> Option<Instant> {
        let ((arrival, _), _) = self.freight.first_key_value()?;
        Some(*arrival)
    }

    pub(super) fn pop(&mut self) -> Option<Freight> {
        self.freight.pop_first().map(|(_, freight)| freight)
    }

    pub(super) fn len(&self) -> usize {
        self.freight.len()
    }
}
