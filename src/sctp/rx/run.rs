//! Pieces of one message with consecutive TSNs, and where their bytes lie.

use alloc::collections::VecDeque;

use bytes::{Bytes, BytesMut};

use super::reassembly::{Complete, Head, OVERHEAD, Refusal};
use crate::wire::sctp::chunk::Data;

/// Pieces of one message, one after the other without a hole.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) head: Head,
    /// The TSN of its first piece.
    pub(super) first: u64,
    /// The TSN behind its last piece.
    pub(super) next: u64,
    /// Whether its first piece begins the message.
    pub(super) begun: bool,
    /// Whether its last piece ends the message.
    pub(super) ended: bool,
    /// The bytes of all pieces.
    pub(super) len: usize,
    /// The bytes, in order. More than one buffer only if pieces came out of order.
    buffers: VecDeque<BytesMut>,
    /// Whether the last bytes are still at the end of the slab.
    in_slab: bool,
}

impl Run {
    /// Whether nothing of the message is missing.
    pub(super) const fn is_complete(&self) -> bool {
        self.begun && self.ended
    }

    /// What holding it counts.
    pub(super) fn cost(&self) -> usize {
        let pieces = usize::try_from(self.next - self.first).unwrap_or(usize::MAX);
        self.len + pieces.saturating_mul(OVERHEAD)
    }

    /// All pieces of a message say the same of it (RFC 9260 §6.9).
    pub(super) fn check(&self, head: Head) -> Result<(), Refusal> {
        if self.head == head {
            Ok(())
        } else {
            Err(Refusal::Violation("pieces of different messages"))
        }
    }

    /// Puts a piece before the others.
    pub(super) fn prepend(&mut self, data: &Data<'_>) {
        self.buffers.push_front(BytesMut::from(data.payload));
        self.first -= 1;
        self.begun = data.beginning;
        self.len += data.payload.len();
    }

    /// Puts the pieces of a later run behind these. The shorter list of
    /// buffers moves, so that no order of arrival makes this slow.
    pub(super) fn join(&mut self, mut later: Self) {
        if self.buffers.len() >= later.buffers.len() {
            self.buffers.append(&mut later.buffers);
        } else {
            while let Some(buffer) = self.buffers.pop_back() {
                later.buffers.push_front(buffer);
            }
            self.buffers = later.buffers;
        }
        self.next = later.next;
        self.ended = later.ended;
        self.len += later.len;
    }

    fn count(&mut self, data: &Data<'_>) {
        if self.next == self.first {
            self.begun = data.beginning;
        }
        self.next += 1;
        self.ended = data.ending;
        self.len += data.payload.len();
    }
}

/// One buffer out of which many messages are cut.
///
/// The run that arrives in order grows at the slab's end. Whatever comes
/// between cuts it off there.
#[derive(Debug)]
pub(super) struct Slab {
    bytes: BytesMut,
    size: usize,
}

impl Slab {
    pub(super) fn new() -> Self {
        Self {
            bytes: BytesMut::new(),
            size: SMALLEST,
        }
    }

    /// Copies a message in one piece.
    pub(super) fn whole(&mut self, payload: &[u8], runs: &mut VecDeque<Run>) -> Bytes {
        self.free(runs);
        self.write(payload);
        self.bytes.split().freeze()
    }

    /// A run without pieces.
    pub(super) fn start(
        &mut self,
        first: u64,
        head: Head,
        in_order: bool,
        runs: &mut VecDeque<Run>,
    ) -> Run {
        if in_order {
            self.free(runs);
        }
        Run {
            head,
            first,
            next: first,
            begun: false,
            ended: false,
            len: 0,
            buffers: VecDeque::new(),
            in_slab: in_order,
        }
    }

    /// Puts a piece behind the others.
    pub(super) fn append(&mut self, run: &mut Run, data: &Data<'_>) {
        if run.in_slab {
            self.write(data.payload);
        } else if let Some(last) = run.buffers.back_mut() {
            last.extend_from_slice(data.payload);
        } else {
            run.buffers.push_back(BytesMut::from(data.payload));
        }
        run.count(data);
    }

    /// Takes the bytes of a run out of the slab's end, if they are there.
    pub(super) fn settle(&mut self, run: &mut Run) {
        if core::mem::take(&mut run.in_slab) {
            run.buffers.push_back(self.bytes.split());
        }
    }

    /// The message of a run that is complete.
    pub(super) fn finish(&mut self, mut run: Run) -> Complete {
        let shared = run.in_slab;
        let (head, first) = (run.head, run.first);
        if shared && !run.buffers.is_empty() {
            self.settle(&mut run);
        }
        let data = if run.buffers.is_empty() {
            // It came in order: it lies in the slab as it is.
            self.bytes.split().freeze()
        } else if run.buffers.len() == 1 {
            run.buffers.pop_front().unwrap_or_default().freeze()
        } else {
            let mut whole = BytesMut::with_capacity(run.len);
            for buffer in &run.buffers {
                whole.extend_from_slice(buffer);
            }
            whole.freeze()
        };
        Complete {
            head,
            first,
            data,
            shared,
        }
    }

    /// A run is gone: so are its bytes at the slab's end.
    pub(super) fn forget(&mut self, run: &Run) {
        if run.in_slab {
            self.bytes.clear();
        }
    }

    /// Gives the slab back, if nothing grows in it.
    pub(super) fn rest(&mut self) {
        if self.bytes.is_empty() {
            *self = Self::new();
        }
    }

    /// Cuts off the run that grows at the slab's end.
    fn free(&mut self, runs: &mut VecDeque<Run>) {
        if self.bytes.is_empty() {
            return;
        }
        if let Some(run) = runs.iter_mut().find(|run| run.in_slab) {
            self.settle(run);
        }
    }

    fn write(&mut self, payload: &[u8]) {
        if self.bytes.capacity() - self.bytes.len() < payload.len() {
            self.bytes.reserve(self.size.max(payload.len()));
            self.size = (self.size * 2).min(LARGEST);
        }
        self.bytes.extend_from_slice(payload);
    }
}

/// The first slab: an association with little to say stays small.
const SMALLEST: usize = 1 << 9;

/// Slabs double up to this size.
const LARGEST: usize = 1 << 16;
