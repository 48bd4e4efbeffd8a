//! What arrived, and what does the peer have to hear of it?

pub(crate) mod reassembly;
mod run;
mod tsn_map;

use crate::cursor::Writer;
use crate::wire::list::{List, Record};
use crate::wire::sctp::Tsn;
use crate::wire::sctp::chunk::{Data, GapAckBlock, Sack};

pub(crate) use reassembly::{Limits, Reassembly, Refusal};
pub(crate) use tsn_map::{Arrival, TsnMap};

/// What arrived, and when is a SACK due?
#[derive(Debug)]
pub(crate) struct Receiver {
    pub(crate) map: TsnMap,
    ack: Ack,
    /// Packets with data since the last SACK.
    packets: u8,
    /// The window that the last SACK, or our INIT, advertised.
    advertised: usize,
    /// Whether no SACK was sent yet.
    first: bool,
}

/// When does the peer hear of what arrived?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ack {
    /// It has heard of everything.
    Nothing,
    /// Soon: with the next packet, or when the timer says.
    Delayed,
    /// Now.
    Due,
}

/// What became of a DATA chunk?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It was kept.
    Kept,
    /// It had arrived before.
    Duplicate,
    /// There is no room for it, or its TSN is too far ahead.
    NoRoom,
}

impl Receiver {
    /// Expects `initial` as the first TSN.
    pub(crate) const fn new(initial: Tsn, max_gaps: usize, advertised: usize) -> Self {
        Self {
            map: TsnMap::new(initial, max_gaps),
            ack: Ack::Nothing,
            packets: 0,
            advertised,
            first: true,
        }
    }

    /// Takes in a DATA chunk.
    pub(crate) fn on_data(
        &mut self,
        inbox: &mut Reassembly,
        data: &Data<'_>,
    ) -> Result<Fate, Refusal> {
        if data.immediate {
            // RFC 7053 §5.2: the sender waits for this one.
            self.ack = Ack::Due;
        }
        let tsn = match self.map.look(data.tsn) {
            Arrival::New(tsn) => tsn,
            Arrival::Duplicate => {
                // RFC 9260 §6.2: tell at once, the SACK before may be lost.
                self.map.report_duplicate(data.tsn);
                self.ack = Ack::Due;
                return Ok(Fate::Duplicate);
            }
            Arrival::TooFar => {
                self.ack = Ack::Due;
                return Ok(Fate::NoRoom);
            }
        };
        let cumulative = self.map.cumulative();
        if !inbox.has_room(data.payload.len(), tsn == cumulative + 1) {
            self.ack = Ack::Due;
            return Ok(Fate::NoRoom);
        }
        self.map.record(tsn);
        inbox.push(tsn, cumulative, data)?;
        Ok(Fate::Kept)
    }

    /// A chunk arrived whose data is of no use: its TSN counts all the same.
    pub(crate) fn on_useless(&mut self, tsn: Tsn) {
        self.ack = Ack::Due;
        if let Arrival::New(tsn) = self.map.look(tsn) {
            self.map.record(tsn);
        }
    }

    /// A packet with data is done: `true` if the timer of a delayed SACK has
    /// to run (RFC 9260 §6.2).
    pub(crate) fn on_packet_done(&mut self) -> bool {
        self.packets = self.packets.saturating_add(1);
        // At once: the first data, every second packet, and while something is missing.
        if self.first || self.packets >= 2 || self.map.has_gaps() {
            self.ack = Ack::Due;
        }
        if self.ack == Ack::Nothing {
            self.ack = Ack::Delayed;
            return true;
        }
        false
    }

    /// A SACK has to go out with the next packet.
    pub(crate) const fn ack_now(&mut self) {
        self.ack = Ack::Due;
    }

    /// When the peer hears of what arrived.
    pub(crate) const fn ack(&self) -> Ack {
        self.ack
    }

    /// The application took something: tell the peer if its window was shut,
    /// or when it opened by half of what can be (RFC 9260 §6.2, RFC 1122 §4.2.3.3).
    pub(crate) fn on_window(&mut self, window: usize, mtu: usize, buffer: usize) {
        let opened = window.saturating_sub(self.advertised);
        let was_shut = self.advertised < mtu && window >= mtu.min(buffer / 2);
        if was_shut || opened >= buffer / 2 {
            self.ack = Ack::Due;
        }
    }

    /// Writes a SACK, with as many gaps as there is room for.
    pub(crate) fn emit_sack(&mut self, window: usize, w: &mut Writer<'_>) {
        let duplicates = self.map.take_duplicates();
        let mut duplicates = List::encode(duplicates);
        let room = w.remaining().saturating_sub(Sack::HEADER);
        duplicates.truncate(room / Tsn::LEN * Tsn::LEN);
        let room = (room - duplicates.len()) / GapAckBlock::LEN;
        // Without gaps, the usual case, neither list allocates.
        let gaps = List::encode(self.map.gap_blocks().take(room));
        let a_rwnd = u32::try_from(window).unwrap_or(u32::MAX);
        Sack {
            cumulative_tsn: self.map.cumulative_tsn(),
            a_rwnd,
            gaps: List::new(&gaps),
            duplicates: List::new(&duplicates),
        }
        .emit(w);
        self.advertised = window;
        self.ack = Ack::Nothing;
        self.packets = 0;
        self.first = false;
    }
}
