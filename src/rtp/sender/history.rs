//! What was written: first to be sent, then to be sent again.

use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::mem;
use core::time::Duration;

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
    /// The extensions of each, where they have any; grows when one has.
    elements: Vec<Vec<u8>>,
    /// The number of the oldest that is kept, and the one behind the newest.
    first: u64,
    end: u64,
    /// Bytes of payload that are kept, and those of them that were not sent yet.
    bytes: usize,
    unsent: usize,
    /// What was not sent yet, in the order of writing.
    queue: VecDeque<u64>,
}

/// A packet, or a place for one.
///
/// One line of the processor's cache: of thousands of streams none is in there
/// when its turn comes, and to fetch a line costs more than all else that is done
/// with a packet.
#[repr(align(64))]
pub(super) struct Record {
    pub(super) payload: Bytes,
    pub(super) written: Instant,
    /// The low half of its number.
    number: u32,
    pub(super) timestamp: Timestamp,
    /// What was added when it was first sent.
    pub(super) stamp: Stamp,
    /// How long after it was written it was last sent again: milliseconds, at
    /// least one; 0 if it was not.
    repeated: u16,
    pub(super) payload_type: PayloadType,
    pub(super) state: State,
    pub(super) marker: bool,
    /// Whether it belongs to a key frame.
    pub(super) is_key: bool,
    pub(super) ends_frame: bool,
    /// The form of its own extensions, if it has any.
    pub(super) form: Option<Form>,
}

/// How far is a packet?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// There is none.
    Free,
    Unsent,
    Sent,
    /// It waits to be sent again.
    Wanted,
}

/// What does the hop add to a packet?
#[derive(Clone, Copy, Debug)]
pub(super) struct Stamp {
    pub(super) sent: AbsoluteSendTime,
    pub(super) transport: Serial16,
    /// Whether the stream says its names.
    pub(super) is_named: bool,
}

impl History {
    pub(super) const fn new(limits: HistoryLimits) -> Self {
        Self {
            limits,
            places: Vec::new(),
            elements: Vec::new(),
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
        let end = self.end.max(number + 1);
        // Otherwise nobody can tell whether what is too old is still here. All of it was
        // sent: what waits too long was looked for before.
        if number < self.end || end - self.first > self.places.len() as u64 {
            self.expire(now);
        }
        if self.first == self.end && number >= self.end {
            (self.first, self.end) = (number, number);
        }
        if number < self.first || number < self.end && self.get(number).is_some() {
            return Err(WriteError::Stale);
        }
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
        record.number = low(number);
        record.written = now;
        record.repeated = 0;
        record.state = State::Unsent;
        record.form = None;
        Ok(record)
    }

    /// Where the extensions of the packet with this number go, framed in this form.
    pub(super) fn elements_mut(&mut self, number: u64, form: Form) -> Option<&mut Vec<u8>> {
        let place = self.place(number);
        self.elements.resize_with(self.places.len(), Vec::new);
        self.places.get_mut(place)?.form = Some(form);
        let elements = self.elements.get_mut(place)?;
        elements.clear();
        Some(elements)
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

    /// The next packet that was not sent yet.
    pub(super) fn next(&mut self) -> Option<u64> {
        let number = self.queue.pop_front()?;
        self.unsent -= self.get(number)?.payload.len();
        Some(number)
    }

    /// The packet with this number, if it is kept, and its extensions. From now
    /// on it was sent.
    pub(super) fn send(&mut self, number: u64) -> Option<(&mut Record, &[u8])> {
        let place = self.place(number);
        let record = self
            .places
            .get_mut(place)
            .filter(|record| record.has(number))?;
        record.state = State::Sent;
        let elements = match record.form {
            Some(_) => self.elements.get(place).map_or(&[][..], Vec::as_slice),
            None => &[],
        };
        Some((record, elements))
    }

    /// The packet with this number, if it is kept.
    pub(super) fn get(&self, number: u64) -> Option<&Record> {
        let record = self.places.get(self.place(number))?;
        record.has(number).then_some(record)
    }

    /// The packet with this number, if it is kept.
    pub(super) fn get_mut(&mut self, number: u64) -> Option<&mut Record> {
        let place = self.place(number);
        let record = self.places.get_mut(place)?;
        record.has(number).then_some(record)
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

    /// Forgets what waits to be sent, for the first time or again; says how many packets
    /// were never sent.
    pub(super) fn forget_waiting(&mut self) -> u64 {
        let mut unsent = 0;
        while let Some(number) = self.queue.pop_front() {
            self.remove(number);
            unsent += 1;
        }
        let records = self.places.iter_mut();
        records
            .filter(|record| record.state == State::Wanted)
            .for_each(|record| record.state = State::Sent);
        unsent
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

    /// Whether something waits too long for being sent.
    pub(super) fn is_late(&self, now: Instant) -> bool {
        let next = self.queue.front().and_then(|&number| self.get(number));
        next.is_some_and(|next| now > next.written + self.limits.age)
    }

    /// Forgets what is too old, be it sent or not; says how many were not.
    pub(super) fn expire(&mut self, now: Instant) -> u64 {
        let mut unsent = 0;
        while self.first < self.end {
            match self.get(self.first) {
                Some(oldest) if now <= oldest.written + self.limits.age => break,
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

    /// Gives memory back if nothing is kept; whether it is so.
    pub(super) fn release(&mut self) -> bool {
        let is_empty = self.first == self.end;
        if is_empty {
            self.places = Vec::new();
            self.elements = Vec::new();
            self.queue = VecDeque::new();
        }
        is_empty
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
            let state = mem::replace(&mut record.state, State::Free);
            let len = mem::take(&mut record.payload).len();
            self.bytes -= len;
            if state == State::Unsent {
                self.unsent -= len;
            }
        }
    }

    /// How many bytes of payload are kept.
    #[cfg(test)]
    pub(super) const fn kept(&self) -> usize {
        self.bytes
    }

    /// How many packets there is memory for.
    #[cfg(test)]
    pub(super) const fn places(&self) -> usize {
        self.places.capacity()
    }

    /// Makes places for all numbers below `end`.
    fn grow(&mut self, end: u64) {
        let needed = usize::try_from(end - self.first).unwrap_or(MAX_PACKETS);
        if needed <= self.places.len() {
            return;
        }
        let count = needed.next_power_of_two().max(MIN_PLACES);
        let mut places = Vec::new();
        places.resize_with(count, Record::default);
        let places = mem::replace(&mut self.places, places);
        let mut elements = mem::take(&mut self.elements);
        if !elements.is_empty() {
            self.elements.resize_with(count, Vec::new);
        }
        for (from, record) in places.into_iter().enumerate() {
            if record.state == State::Free {
                continue;
            }
            let to = self.place(record.number.into());
            if let (Some(old), Some(new)) = (elements.get_mut(from), self.elements.get_mut(to)) {
                mem::swap(old, new);
            }
            if let Some(free) = self.places.get_mut(to) {
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

impl Record {
    fn has(&self, number: u64) -> bool {
        self.number == low(number) && self.state != State::Free
    }

    /// It is sent again.
    pub(super) fn repeat(&mut self, now: Instant) {
        let after = now.since(self.written).as_millis();
        self.repeated = u16::try_from(after).unwrap_or(u16::MAX).max(1);
    }

    /// Whether it was sent again less than `interval` ago.
    pub(super) fn is_repeated_within(&self, now: Instant, interval: Duration) -> bool {
        let repeated = self.written + Duration::from_millis(self.repeated.into());
        self.repeated > 0 && now.since(repeated) < interval
    }
}

/// No packet.
impl Default for Record {
    fn default() -> Self {
        Self {
            payload: Bytes::new(),
            written: Instant::ZERO,
            number: 0,
            timestamp: Timestamp::default(),
            stamp: Stamp {
                sent: AbsoluteSendTime(0),
                transport: Serial16(0),
                is_named: false,
            },
            repeated: 0,
            payload_type: PayloadType::default(),
            state: State::Free,
            marker: false,
            is_key: false,
            ends_frame: false,
            form: None,
        }
    }
}

/// The low half of a number: no two that are kept have the same.
const fn low(number: u64) -> u32 {
    (number & 0xffff_ffff) as u32
}

/// A record has a line of its own, and needs no second one.
const _: () = assert!(size_of::<Record>() == 64);

/// So many numbers can be told apart.
const MAX_PACKETS: usize = 1 << 15;
/// The first allocation.
const MIN_PLACES: usize = 16;
