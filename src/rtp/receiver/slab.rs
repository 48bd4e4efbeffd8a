//! Copies of many small things in few large pieces of memory.

use bytes::{Bytes, BytesMut};

use super::config::Mode;
use super::event::Head;
use crate::wire::rtp::Header;

/// Where payloads are copied to that must outlive the call.
///
/// A piece of memory is used again when nobody holds anything in it.
pub(super) struct Slab {
    memory: BytesMut,
    /// How much is taken at once.
    piece: usize,
}

impl Slab {
    pub(super) fn new(mode: Mode) -> Self {
        Self {
            memory: BytesMut::new(),
            piece: match mode {
                // All packets.
                Mode::Packets => 64 << 10,
                // Those that wait for others.
                Mode::Frames => 16 << 10,
            },
        }
    }

    /// Gives the memory back that nobody holds anything in.
    pub(super) fn release(&mut self) {
        self.memory = BytesMut::new();
    }

    /// How many bytes there is memory for.
    #[cfg(test)]
    pub(super) fn held(&self) -> usize {
        self.memory.capacity()
    }

    pub(super) fn copy(&mut self, bytes: &[u8]) -> Bytes {
        if bytes.is_empty() {
            return Bytes::new();
        }
        self.make_room(bytes.len());
        self.memory.extend_from_slice(bytes);
        self.memory.split().freeze()
    }

    /// Copies CSRCs and extensions as they stood in the packet.
    pub(super) fn copy_head(&mut self, header: &Header<'_>) -> Head {
        let mut head = Head::default();
        let len = header.encoded_len() - Header::FIXED;
        let csrcs = header.csrcs.first(Header::MAX_CSRCS);
        head.csrcs = u8::try_from(csrcs.encoded_len()).unwrap_or(0);
        if len <= head.short.capacity() {
            let short = &mut head.short;
            write_head(header, |bytes| {
                short.try_extend_from_slice(bytes).unwrap_or_default();
            });
        } else {
            self.make_room(len);
            write_head(header, |bytes| self.memory.extend_from_slice(bytes));
            head.long = self.memory.split().freeze();
        }
        head
    }

    fn make_room(&mut self, len: usize) {
        if self.memory.capacity() < len {
            self.memory.reserve(len.max(self.piece));
        }
    }
}

fn write_head(header: &Header<'_>, mut write: impl FnMut(&[u8])) {
    for csrc in header.csrcs.iter().take(Header::MAX_CSRCS) {
        write(&csrc.0.to_be_bytes());
    }
    if let Some(block) = &header.extensions {
        let words = u16::try_from(block.body().len() / 4).unwrap_or(u16::MAX);
        write(&block.profile.to_be_bytes());
        write(&words.to_be_bytes());
        write(block.body());
    }
}
