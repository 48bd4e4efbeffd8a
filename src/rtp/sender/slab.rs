//! Where payloads lie that were made here.

use alloc::collections::VecDeque;

use bytes::{Bytes, BytesMut};

/// Blocks of memory that payloads are cut from, one behind the other. A block is
/// used again when none of its payloads is kept any more.
#[derive(Default)]
pub(super) struct Slab {
    current: BytesMut,
    /// The ends of blocks that are full, the oldest first.
    full: VecDeque<BytesMut>,
}

impl Slab {
    /// A copy of `payload`.
    pub(super) fn copy(&mut self, payload: &[u8]) -> Bytes {
        if self.current.capacity() < payload.len() {
            self.next_block(payload.len());
        }
        self.current.extend_from_slice(payload);
        self.current.split().freeze()
    }

    fn next_block(&mut self, len: usize) {
        let len = len.max(BLOCK);
        let mut next = BytesMut::new();
        if let Some(mut oldest) = self.full.pop_front() {
            if oldest.try_reclaim(len) {
                next = oldest;
            } else if self.full.len() < MAX_FULL {
                self.full.push_front(oldest);
            }
        }
        next.reserve(len);
        let full = core::mem::replace(&mut self.current, next);
        // The very first one never was a block.
        if full.capacity() > 0 || !self.full.is_empty() {
            self.full.push_back(full);
        }
    }
}

/// How large a block is: fifty payloads.
const BLOCK: usize = 64 << 10;
/// How many blocks are remembered: more than a history of the default limits is in.
const MAX_FULL: usize = 24;
