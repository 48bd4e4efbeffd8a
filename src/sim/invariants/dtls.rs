//! Invariants of DTLS.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::String;

use super::{Invariant, States, other_of};
use crate::cursor::Reader;
use crate::sim::ledger::{Entry, Fact, Ledger, Origin, Phase};
use crate::sim::world::HostId;
use crate::wire::demux::{self, Class};
use crate::wire::dtls::{ContentType, Record};

/// D-1: two ends that are connected have equal secrets and opposite roles.
#[derive(Clone, Debug)]
pub struct SameSecrets {
    pair: [HostId; 2],
    states: States,
}

impl SameSecrets {
    /// For two peers.
    #[must_use]
    pub fn new(pair: [HostId; 2]) -> Self {
        Self {
            pair,
            states: States::default(),
        }
    }
}

impl Invariant for SameSecrets {
    fn name(&self) -> &'static str {
        "D-1"
    }

    fn observe(&mut self, _: &Ledger, entry: &Entry) -> Result<(), String> {
        if !self.states.read(entry) || !self.pair.contains(&entry.host) {
            return Ok(());
        }
        let state = self.states.of(entry.host);
        let other = self.states.of(other_of(self.pair, entry.host));
        if [state.dtls, other.dtls] != [Phase::Connected; 2] {
            return Ok(());
        }
        if state.dtls_client == other.dtls_client {
            return Err(format!("both say client={:?}", state.dtls_client));
        }
        if state.exported_key != other.exported_key {
            return Err("the ends have exported different keys".into());
        }
        Ok(())
    }
}

/// D-3 and D-4: the numbers of the records that a host sends grow within an
/// epoch, no nonce is used twice, and application data is never sent in the clear.
#[derive(Clone, Debug, Default)]
pub struct RecordNumbers {
    last: BTreeMap<(HostId, u16), u64>,
    nonces: BTreeSet<(HostId, u16, [u8; 8])>,
}

impl RecordNumbers {
    fn record(&mut self, host: HostId, record: &Record<'_>) -> Result<(), String> {
        let header = record.header;
        let (epoch, sequence) = (header.epoch, header.sequence);
        let last = self.last.insert((host, epoch), sequence);
        if last.is_some_and(|last| last >= sequence) {
            return Err(format!("record {sequence} of epoch {epoch} after {last:?}"));
        }
        if epoch == 0 {
            return match header.content_type {
                ContentType::ApplicationData => Err("application data in the clear".into()),
                _ => Ok(()),
            };
        }
        // RFC 5288 §3: the explicit part of the nonce leads the record.
        let nonce = record.content.first_chunk().copied();
        if nonce.is_some_and(|nonce| !self.nonces.insert((host, epoch, nonce))) {
            return Err(format!("the nonce of record {sequence} was used before"));
        }
        Ok(())
    }
}

impl Invariant for RecordNumbers {
    fn name(&self) -> &'static str {
        "D-3, D-4"
    }

    fn observe(&mut self, ledger: &Ledger, entry: &Entry) -> Result<(), String> {
        let Fact::Sent(id) = entry.fact else {
            return Ok(());
        };
        let datagram = ledger.datagram(id);
        let is_dtls = demux::classify(&datagram.bytes) == Class::Dtls;
        if datagram.origin != Origin::Genuine || !is_dtls {
            return Ok(());
        }
        let mut rest = Reader::new(&datagram.bytes);
        while !rest.is_empty() {
            let record = Record::parse(&mut rest).map_err(|malformed| format!("{malformed}"))?;
            self.record(entry.host, &record)?;
        }
        Ok(())
    }
}
