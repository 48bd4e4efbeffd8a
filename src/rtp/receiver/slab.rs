//! Copies of many small things in few large pieces of memory.

use bytes::{Bytes, BytesMut};

use super::event::Head;
use crate::wire::rtp::Header;

/// Where payloads are copied to that must outlive the call.
///
/// A piece of memory is used again when nobody holds anything in it.
#[derive(Default)]
pub(super) struct Slab(BytesMut);

impl Slab {
    pub(super) fn copy(&mut self, bytes: &[u8]) -> Bytes {
        if bytes.is_empty() {
            return Bytes::new();
        }
        self.make_room(bytes.len());
        self.0.extend_from_slice(bytes);
        self.0.split().freeze()
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
            write_head(header, |bytes| self.0.extend_from_slice(bytes));
            head.long = self.0.split().freeze();
        }
        head
    }

    fn make_room(&mut self, len: usize) {
        if self.0.capacity() < len {
            self.0.reserve(len.max(PIECE));
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

/// How much memory is taken at once.
const PIECE: usize = 64 << 10;
