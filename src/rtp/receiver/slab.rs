//! Copies of many small things in few large pieces of memory.

use bytes::{Bytes, BytesMut};

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
    pub(super) fn copy_head(&mut self, header: &Header<'_>) -> Bytes {
        let len = header.encoded_len() - Header::FIXED;
        if len == 0 {
            return Bytes::new();
        }
        self.make_room(len);
        for csrc in header.csrcs.iter().take(Header::MAX_CSRCS) {
            self.0.extend_from_slice(&csrc.0.to_be_bytes());
        }
        if let Some(block) = &header.extensions {
            let words = u16::try_from(block.body().len() / 4).unwrap_or(u16::MAX);
            self.0.extend_from_slice(&block.profile.to_be_bytes());
            self.0.extend_from_slice(&words.to_be_bytes());
            self.0.extend_from_slice(block.body());
        }
        self.0.split().freeze()
    }

    fn make_room(&mut self, len: usize) {
        if self.0.capacity() < len {
            self.0.reserve(len.max(PIECE));
        }
    }
}

/// How much memory is taken at once.
const PIECE: usize = 64 << 10;
