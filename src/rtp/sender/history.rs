//! What was written: first to be sent, then to be sent again.

use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::mem;

use bytes::Bytes;

use super::{HistoryLimits, WriteError};
use crate::seq::Serial16;
use crate::time::Instant;
use crate::wire::rtp::extension::{AbsoluteSendTime, Form};
use crate::wire::rtp::{PayloadType, SequenceNumber, Timestamp};

/// The packets of one stream, each in the place that its number says.
///
/// Numbers are counted without wraps. There may be gaps between them, and a
/// packet may come into one later.
pub(super) struct History {
    limits: HistoryLimits,
    /// As many as a power of two; grows up to what the limits say.
    places: Vec<Record>,
    /// The number of the oldest that is kept, and the one behind the newest.
    first: u64,
    end: u64,
    /// Bytes of payload that are kept, and those of them that were not sent yet.
    bytes: usize,
    unsent: usize,
    /// What was not sent yet, in the order of writing.
    queue: VecDeque<u64>,
}

/// A packet.
pub(super) struct Record {
    /// 0 if there is none in this place.
    number: u64,
    pub(super) written: Instant,
    /// When it was last sent again.
    pub(super) repeated: Option<Instant>,
    pub(super) state: State,
    pub(super) payload_type: PayloadType,
    pub(super) marker: bool,
    /// Whether it belongs to a key frame.
    pub(super) is_key: bool,
    pub(super) ends_frame: bool,
    pub(super) timestamp: Timestamp,
    /// Extensions of this packet in their form, without what a hop adds.
    pub(super) form: Form,
    pub(super) elements: Vec<u8>,
    pub(super) payload: Bytes,
    /// What was added when it was first sent.
    pub(super) stamp: Stamp,
}

/// How far is a packet?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Unsent,
    Sent,
    /// It waits to be sent again.
    Wanted,
}

/// What does the hop add to a packet?
#[derive(Clone, Copy, Debug)]
pub(super) struct Stamp {
    pub(super) transport: Serial16,
    pub(super) sent: AbsoluteSendTime,
    /// Whether the stream says its names.
    pub(super) is_named: bool,
}

impl History {
    pub(super) const fn new(limits: HistoryLimits) -> Self {
        Self {
            limits,
            places: Vec::new(),
            first: 0,
            end: 0,
            bytes: 0,
            unsent: 0,
            queue: VecDeque::new(),
        }
    }

    /// A place for a packet with this number, to be filled and then
    /// [queued](Self::queue).
    pub(super) fn claim(
        &mut self,
        now: Instant,
        number: u64,
        len: usize,
    ) -> Result<&mut Record, WriteError> {
        if len > self.limits.bytes {
            return Err(WriteError::TooLarge);
        }
        if self.first == self.end && number >= self.end {
            (self.first, self.end) = (number, number);
        }
        if number < self.first || self.get(number).is_some() {
            return Err(WriteError::Stale);
        }
        let end = self.end.max(number + 1);
        let packets = self.limits.packets.clamp(1, MAX_PACKETS) as u64;
        self.make_room(end.saturating_sub(packets), self.limits.bytes - len)?;
        if number < self.first {
            return Err(WriteError::Stale);
        }
        self.grow(end);
        self.end = end;
        self.bytes += len;
        let place = self.place(number);
        let record = self.places.get_mut(place).ok_or(WriteError::TooLarge)?;
        record.number = number;
        record.written = now;
        record.repeated = None;
        record.state = State::Unsent;
        record.elements.clear();
        Ok(record)
    }

    /// The packet that was claimed is to be sent.
    pub(super) fn queue(&mut self, number: u64) {
        self.unsent += self.get(number).map_or(0, |record| record.payload.len());
        self.queue.push_back(number);
    }

    /// How many packets were not sent yet.
    pub(super) fn queued(&self) -> usize {
        self.queue.len()
    }

    /// How many bytes of payload were not sent yet.
    pub(super) const fn unsent(&self) -> usize {
        self.unsent
    }

    /// The next packet that was not sent yet; from now on it was.
    pub(super) fn next(&mut self) -> Option<(u64, &mut Record)> {
        let number = self.queue.pop_front()?;
        let place = self.place(number);
        let record = self.places.get_mut(place)?;
        record.state = State::Sent;
        self.unsent -= record.payload.len();
        Some((number, record))
    }

    /// The packet with this number, if it is kept.
    pub(super) fn get(&self, number: u64) -> Option<&Record> {
        let record = self.places.get(self.place(number))?;
        (record.number == number).then_some(record)
    }

    /// The packet with this number, if it is kept.
    pub(super) fn get_mut(&mut self, number: u64) -> Option<&mut Record> {
        let place = self.place(number);
        let record = self.places.get_mut(place)?;
        (record.number == number).then_some(record)
    }

    /// The number that this one on the wire stands for, if it is within what is kept.
    pub(super) fn resolve(&self, number: SequenceNumber) -> Option<u64> {
        let newest = self.end.checked_sub(1)?;
        let behind = super::continuity::wire(newest).distance_from(number);
        let number = newest.checked_sub(u64::from(behind))?;
        (number >= self.first).then_some(number)
    }

    /// Takes back what was written with this number and above.
    pub(super) fn take_back(&mut self, number: u64) {
        while let Some(&last) = self.queue.back()
            && last >= number
        {
            self.queue.pop_back();
            self.remove(last);
        }
        self.end = self.end.min(number.max(self.first));
    }

    /// Forgets what was sent.
    pub(super) fn forget_sent(&mut self) {
        for number in self.first..self.end {
            if self
                .get(number)
                .is_some_and(|record| record.state != State::Unsent)
            {
                self.remove(number);
            }
        }
    }

    /// Forgets all.
    pub(super) fn clear(&mut self) {
        *self = Self::new(self.limits);
    }

    /// Forgets what is too old, be it sent or not; says how many were not.
    pub(super) fn expire(&mut self, now: Instant) -> u64 {
        let mut unsent = 0;
        while self.first < self.end {
            match self.get(self.first) {
                Some(oldest) if now.since(oldest.written) <= self.limits.age => break,
                Some(oldest) => unsent += u64::from(oldest.state == State::Unsent),
                None => {}
            }
            self.remove(self.first);
            self.first += 1;
        }
        if unsent > 0 {
            let first = self.first;
            self.queue.retain(|&number| number >= first);
        }
        unsent
    }

    /// Forgets what was sent until the oldest has at least the number `first`,
    /// and at most so many bytes are kept.
    fn make_room(&mut self, first: u64, bytes: usize) -> Result<(), WriteError> {
        while self.first < first || self.bytes > bytes {
            if self.first >= self.end {
                self.first = first;
                break;
            }
            let is_unsent = |record: &Record| record.state == State::Unsent;
            if self.get(self.first).is_some_and(is_unsent) {
                return Err(WriteError::Full);
            }
            self.remove(self.first);
            self.first += 1;
        }
        Ok(())
    }

    fn remove(&mut self, number: u64) {
        if let Some(record) = self.get_mut(number) {
            record.number = 0;
            let len = mem::take(&mut record.payload).len();
            let is_unsent = record.state == State::Unsent;
            self.bytes -= len;
            self.unsent -= if is_unsent { len } else { 0 };
        }
    }

    /// Makes places for all numbers below `end`.
    fn grow(&mut self, end: u64) {
        let needed = usize::try_from(end - self.first).unwrap_or(MAX_PACKETS);
        if needed <= self.places.len() {
            return;
        }
        let mut places = Vec::new();
        places.resize_with(needed.next_power_of_two().max(MIN_PLACES), Record::default);
        let smaller = mem::replace(&mut self.places, places);
        for record in smaller.into_iter().filter(|record| record.number != 0) {
            let place = self.place(record.number);
            if let Some(free) = self.places.get_mut(place) {
                *free = record;
            }
        }
    }

    /// Where the packet with this number is, if it is.
    fn place(&self, number: u64) -> usize {
        let mask = self.places.len().wrapping_sub(1);
        usize::from(super::continuity::wire(number).0) & mask
    }
}

/// No packet.
impl Default for Record {
    fn default() -> Self {
        Self {
            number: 0,
            written: Instant::ZERO,
            repeated: None,
            state: State::Sent,
            payload_type: PayloadType::default(),
            marker: false,
            is_key: false,
            ends_frame: false,
            timestamp: Timestamp::default(),
            form: Form::OneByte,
            elements: Vec::new(),
            payload: Bytes::new(),
            stamp: Stamp {
                transport: Serial16(0),
                sent: AbsoluteSendTime(0),
                is_named: false,
            },
        }
    }
}

/// So many numbers can be told apart.
const MAX_PACKETS: usize = 1 << 15;
/// The first allocation.
const MIN_PLACES: usize = 16;
