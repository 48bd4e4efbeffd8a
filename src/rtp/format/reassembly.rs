//! A frame as far as its payloads came.

use alloc::vec::Vec;

use bytes::Bytes;

use super::{Frame, Limits};
use crate::cursor::{Malformed, Writer};

/// The bytes of a frame as far as they came.
#[derive(Clone, Debug, Default)]
pub(super) struct Assembly {
    pub(super) data: Vec<u8>,
    limit: usize,
    /// How long the last frame was: the next one is probably no longer.
    last: usize,
}

impl Assembly {
    pub(super) const fn new(limits: Limits) -> Self {
        Self {
            data: Vec::new(),
            limit: limits.frame,
            last: 0,
        }
    }

    /// How many more bytes it may have.
    pub(super) const fn room(&self) -> usize {
        self.limit.saturating_sub(self.data.len())
    }

    pub(super) fn append(&mut self, bytes: &[u8]) -> Result<(), Malformed> {
        self.append_with(|w| w.bytes(bytes))
    }

    /// Appends what `write` does; all of it or an error.
    pub(super) fn append_with(
        &mut self,
        write: impl FnOnce(&mut Writer<'_>),
    ) -> Result<(), Malformed> {
        let room = self.room();
        if self.data.is_empty() {
            self.data.reserve_exact(self.last.min(room));
        }
        let mut w = Writer::new(&mut self.data, room);
        write(&mut w);
        if w.is_overflowed() {
            w.rewind(0);
            return Err(Malformed("frame beyond its limit"));
        }
        Ok(())
    }

    pub(super) fn take(&mut self) -> Option<Bytes> {
        let mut data = core::mem::take(&mut self.data);
        self.last = data.len();
        // A frame may be kept for long, behind a key frame that was much longer.
        if data.len() < data.capacity() / 2 {
            data.shrink_to_fit();
        }
        (!data.is_empty()).then(|| data.into())
    }
}

/// A frame of units which may be cut, each across several payloads.
#[derive(Clone, Debug)]
pub(super) struct Reassembly<T> {
    pub(super) assembly: Assembly,
    /// The unit whose pieces come.
    pub(super) open: Option<T>,
    /// A payload was not as it should: the frame is not whole.
    is_broken: bool,
    pub(super) is_key: bool,
}

impl<T> Reassembly<T> {
    pub(super) const fn new(limits: Limits) -> Self {
        Self {
            assembly: Assembly::new(limits),
            open: None,
            is_broken: false,
            is_key: false,
        }
    }

    /// Remembers whether a payload could be added.
    pub(super) fn note(&mut self, added: Result<(), Malformed>) -> Result<(), Malformed> {
        self.is_broken |= added.is_err();
        added
    }

    /// The frame, if it is whole; the next payload begins another.
    pub(super) fn finish(&mut self) -> Option<Frame> {
        let is_broken = core::mem::take(&mut self.is_broken) | self.open.take().is_some();
        let is_key = core::mem::take(&mut self.is_key);
        let data = self.assembly.take()?;
        (!is_broken).then_some(Frame { data, is_key })
    }
}

impl<T> Default for Reassembly<T> {
    fn default() -> Self {
        Self::new(Limits { frame: 0 })
    }
}
