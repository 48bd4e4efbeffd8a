//! Invariants of SCTP, as seen on the wire where there is no DTLS around it.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::String;

use super::Invariant;
use crate::cursor::Reader;
use crate::sim::ledger::{Datagram, Entry, Fact, Ledger, Origin};
use crate::sim::world::HostId;
use crate::wire::sctp::chunk::{Chunk, Sack};
use crate::wire::sctp::{Packet, Tsn, checksum_is_valid};

/// S-4: what a host acknowledges, it has received, or its peer has told it to skip;
/// and it never takes an acknowledgement back.
#[derive(Clone, Debug, Default)]
pub struct Acknowledgements {
    inbound: BTreeMap<HostId, Inbound>,
}

/// What came to a host: numbers count from the peer's initial TSN.
#[derive(Clone, Debug)]
struct Inbound {
    initial: Tsn,
    /// All before this came, or were skipped.
    next: u32,
    /// What came behind it.
    ahead: BTreeSet<u32>,
    /// How many were acknowledged.
    acknowledged: u32,
}

impl Inbound {
    const fn new(initial: Tsn) -> Self {
        Self {
            initial,
            next: 0,
            ahead: BTreeSet::new(),
            acknowledged: 0,
        }
    }

    fn number(&self, tsn: Tsn) -> u32 {
        tsn.0.wrapping_sub(self.initial.0)
    }

    fn arrive(&mut self, number: u32) {
        if number >= self.next {
            self.ahead.insert(number);
        }
        while self.ahead.remove(&self.next) {
            self.next += 1;
        }
    }

    /// The peer gives up what comes before.
    fn skip(&mut self, end: u32) {
        // A number from before the initial one would wrap around.
        if end > self.next && end < u32::MAX / 2 {
            self.next = end;
            self.ahead.retain(|number| *number >= end);
            self.arrive(end.wrapping_sub(1));
        }
    }

    fn acknowledge(&mut self, sack: &Sack<'_>) -> Result<(), String> {
        let cumulative = self.number(sack.cumulative_tsn).wrapping_add(1);
        if cumulative < self.acknowledged {
            let before = self.acknowledged;
            return Err(format!("{cumulative} acknowledged after {before}"));
        }
        if cumulative > self.next {
            let came = self.next;
            return Err(format!("{cumulative} acknowledged when {came} had come"));
        }
        self.acknowledged = cumulative;
        for gap in sack.gaps.iter() {
            let last = cumulative.wrapping_sub(1);
            for offset in gap.start..=gap.end {
                let number = last.wrapping_add(u32::from(offset));
                if number >= self.next && !self.ahead.contains(&number) {
                    return Err(format!("{number} acknowledged, which never came"));
                }
            }
        }
        Ok(())
    }
}

impl Invariant for Acknowledgements {
    fn name(&self) -> &'static str {
        "S-4"
    }

    fn observe(&mut self, ledger: &Ledger, entry: &Entry) -> Result<(), String> {
        let (arrives, id) = match entry.fact {
            Fact::Arrived(id) => (true, id),
            Fact::Sent(id) => (false, id),
            _ => return Ok(()),
        };
        let mut result = Ok(());
        for_each_chunk(ledger.datagram(id), |chunk| {
            let inbound = self.inbound.get_mut(&entry.host);
            match (chunk, inbound, arrives) {
                (Chunk::Init(init), None, true) => {
                    let inbound = Inbound::new(init.0.initial_tsn);
                    self.inbound.insert(entry.host, inbound);
                }
                (Chunk::InitAck(init), _, true) => {
                    let known = self.inbound.get(&entry.host);
                    if known.is_none_or(|known| known.initial != init.0.initial_tsn) {
                        let inbound = Inbound::new(init.0.initial_tsn);
                        self.inbound.insert(entry.host, inbound);
                    }
                }
                (Chunk::Data(data), Some(inbound), true) => {
                    inbound.arrive(inbound.number(data.tsn));
                }
                (Chunk::ForwardTsn(forward), Some(inbound), true) => {
                    let last = inbound.number(forward.new_cumulative_tsn);
                    inbound.skip(last.wrapping_add(1));
                }
                (Chunk::Sack(sack), Some(inbound), false) => {
                    if let Err(why) = inbound.acknowledge(sack) {
                        result = Err(why);
                    }
                }
                _ => {}
            }
        });
        result
    }
}

/// S-5: a host has no more data under way than its peer said it can hold, unless it
/// asks with a single chunk whether that is still so (RFC 9260 §6.1).
///
/// For reliable data only: when a sender gives up a chunk cannot be seen.
#[derive(Clone, Debug, Default)]
pub struct FlowControl {
    outbound: BTreeMap<HostId, Outbound>,
}

/// What a host has under way.
#[derive(Clone, Debug, Default)]
struct Outbound {
    first: Option<Tsn>,
    window: usize,
    /// How many were acknowledged.
    acknowledged: u32,
    /// The sizes of the chunks that are not.
    waiting: BTreeMap<u32, usize>,
    sent: u32,
}

impl Outbound {
    fn send(&mut self, tsn: Tsn, len: usize) -> Result<(), String> {
        let first = *self.first.get_or_insert(tsn);
        let number = tsn.0.wrapping_sub(first.0);
        if number < self.sent {
            // It is sent again: it was counted when it was new.
            return Ok(());
        }
        self.sent = number + 1;
        let before: usize = self.waiting.values().sum();
        self.waiting.insert(number, len);
        if before > 0 && before + len > self.window {
            let window = self.window;
            return Err(format!("{len} more bytes than {before}, of {window}"));
        }
        Ok(())
    }

    fn acknowledge(&mut self, sack: &Sack<'_>) {
        let Some(first) = self.first else { return };
        let cumulative = sack.cumulative_tsn.0.wrapping_sub(first.0).wrapping_add(1);
        // An old one, overtaken by another.
        if cumulative < self.acknowledged || cumulative > self.sent {
            return;
        }
        self.acknowledged = cumulative;
        self.window = usize::try_from(sack.a_rwnd).unwrap_or(usize::MAX);
        self.waiting.retain(|number, _| *number >= cumulative);
        for gap in sack.gaps.iter() {
            for offset in gap.start..=gap.end {
                let number = cumulative.wrapping_add(u32::from(offset)).wrapping_sub(1);
                self.waiting.remove(&number);
            }
        }
    }
}

impl Invariant for FlowControl {
    fn name(&self) -> &'static str {
        "S-5"
    }

    fn observe(&mut self, ledger: &Ledger, entry: &Entry) -> Result<(), String> {
        let (arrives, id) = match entry.fact {
            Fact::Arrived(id) => (true, id),
            Fact::Sent(id) => (false, id),
            _ => return Ok(()),
        };
        let outbound = self.outbound.entry(entry.host).or_default();
        let mut result = Ok(());
        for_each_chunk(ledger.datagram(id), |chunk| match (chunk, arrives) {
            (Chunk::Init(init), true) if outbound.first.is_none() => {
                outbound.window = usize::try_from(init.0.a_rwnd).unwrap_or(usize::MAX);
            }
            (Chunk::InitAck(init), true) if outbound.first.is_none() => {
                outbound.window = usize::try_from(init.0.a_rwnd).unwrap_or(usize::MAX);
            }
            (Chunk::Sack(sack), true) => outbound.acknowledge(sack),
            (Chunk::Data(data), false) => {
                if let Err(why) = outbound.send(data.tsn, data.payload.len()) {
                    result = Err(why);
                }
            }
            _ => {}
        });
        result
    }
}

/// Shows the chunks of a genuine packet.
fn for_each_chunk(datagram: &Datagram, mut look: impl FnMut(&Chunk<'_>)) {
    if matches!(datagram.origin, Origin::Forged | Origin::Altered) {
        return;
    }
    let mut copy = datagram.bytes.to_vec();
    if !checksum_is_valid(&mut copy, true) {
        return;
    }
    if let Ok(packet) = Packet::parse(&mut Reader::new(&datagram.bytes)) {
        for chunk in packet.chunks().flatten() {
            look(&chunk);
        }
    }
}
