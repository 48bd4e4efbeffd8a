//! Which handshake message is next, whatever order its fragments come in (RFC 6347 §4.2.3)?

use alloc::collections::BTreeMap;
use alloc::vec;
use alloc::vec::Vec;

use super::config::Limits;
use super::stats::Noise;
use crate::wire::dtls::{Fragment, HandshakeType};

/// The handshake messages of the peer that are not yet whole, or not yet their turn.
///
/// Fragments may come in any order, twice, and overlap: the first bytes for a
/// place win. The first fragment of a message fixes its type and length.
pub(super) struct Reassembly {
    /// The number of the next message.
    next: u16,
    /// By their numbers, all from `next` on.
    partial: BTreeMap<u16, Partial>,
    /// The lengths of all partial messages together.
    bytes: usize,
    limits: Limits,
}

/// A whole message.
pub(super) struct Received {
    pub(super) kind: HandshakeType,
    pub(super) sequence: u16,
    pub(super) body: Vec<u8>,
}

impl Reassembly {
    pub(super) const fn new(limits: Limits) -> Self {
        Self {
            next: 0,
            partial: BTreeMap::new(),
            bytes: 0,
            limits,
        }
    }

    /// Whether the fragment is of a message that was delivered before: the
    /// peer sends again.
    pub(super) const fn is_old(&self, fragment: &Fragment<'_>) -> bool {
        fragment.sequence < self.next
    }

    /// Stores a fragment, unless it contradicts what came before or lies beyond a limit.
    pub(super) fn push(&mut self, fragment: &Fragment<'_>) -> Result<(), Noise> {
        let ahead = fragment.sequence.checked_sub(self.next);
        let length = fragment.length as usize;
        let too_long = length > self.limits.message_len.min(self.limits.handshake_bytes);
        if ahead.is_none_or(|ahead| ahead >= self.limits.messages_ahead) || too_long {
            return Err(Noise::Fragment);
        }
        // A part of nothing says nothing, but by its header it would reserve memory.
        if fragment.bytes.is_empty() && length > 0 {
            return Err(Noise::Fragment);
        }
        if !self.partial.contains_key(&fragment.sequence) && !self.make_room(fragment) {
            return Err(Noise::Fragment);
        }
        let partial = self.partial.entry(fragment.sequence).or_insert_with(|| {
            self.bytes += length;
            Partial::new(fragment.kind, length)
        });
        if partial.kind != fragment.kind || partial.body.len() != length {
            return Err(Noise::Fragment);
        }
        partial.fill(fragment.offset as usize, fragment.bytes);
        Ok(())
    }

    /// The next message, if it is whole.
    pub(super) fn pop(&mut self) -> Option<Received> {
        let entry = self.partial.first_entry()?;
        if *entry.key() != self.next || entry.get().missing > 0 {
            return None;
        }
        let (sequence, Partial { kind, body, .. }) = entry.remove_entry();
        self.bytes -= body.len();
        self.next = self.next.saturating_add(1);
        Some(Received {
            kind,
            sequence,
            body,
        })
    }

    /// Forgets all that is not yet whole.
    pub(super) fn clear(&mut self) {
        self.partial.clear();
        self.bytes = 0;
    }

    /// How many bytes wait here, by the lengths that their messages claim.
    #[cfg(test)]
    pub(super) const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Drops messages that are farther ahead than this one until it fits.
    fn make_room(&mut self, fragment: &Fragment<'_>) -> bool {
        let length = fragment.length as usize;
        while self.bytes + length > self.limits.handshake_bytes {
            match self.partial.last_entry() {
                Some(farthest) if *farthest.key() > fragment.sequence => {
                    self.bytes -= farthest.remove().body.len();
                }
                _ => return false,
            }
        }
        true
    }
}

struct Partial {
    kind: HandshakeType,
    body: Vec<u8>,
    /// Bit `i % 64` of word `i / 64` is set if byte `i` is there.
    have: Vec<u64>,
    missing: usize,
}

impl Partial {
    fn new(kind: HandshakeType, length: usize) -> Self {
        Self {
            kind,
            body: vec![0; length],
            have: vec![0; length.div_ceil(64)],
            missing: length,
        }
    }

    fn fill(&mut self, offset: usize, bytes: &[u8]) {
        for (at, &byte) in (offset..).zip(bytes) {
            let (Some(word), Some(place)) = (self.have.get_mut(at / 64), self.body.get_mut(at))
            else {
                return;
            };
            let bit = 1 << (at % 64);
            if *word & bit == 0 {
                *word |= bit;
                *place = byte;
                self.missing -= 1;
            }
        }
    }
}
