//! How does a frame become payloads, and payloads a frame?
//!
//! Each format has two halves with the same words. A `Packetizer` is given a
//! frame by `push`, and `next` writes one payload after the other, each as long
//! as its writer has room. A `Depacketizer` is given the payloads of one frame
//! in their order by `push`, and `finish` gives the frame; whoever orders the
//! packets, and knows which belong together, drives it.
//!
//! ```
//! use pollrtc::cursor::Writer;
//! use pollrtc::rtp::format::{Limits, vp8};
//!
//! let frame = vec![0x9c; 3000];
//! let mut packetizer = vp8::Packetizer::new(7);
//! packetizer.push(frame.clone().into());
//! let mut depacketizer = vp8::Depacketizer::new(Limits::default());
//! loop {
//!     let mut payload = Vec::new();
//!     let Some(is_last) = packetizer.next(&mut Writer::new(&mut payload, 1200)) else {
//!         break;
//!     };
//!     depacketizer.push(&payload)?;
//!     assert_eq!(is_last, depacketizer.len() == frame.len());
//! }
//! let whole = depacketizer.finish().expect("all of it came");
//! assert_eq!(whole.data, frame);
//! assert!(whole.is_key);
//! # Ok::<(), pollrtc::cursor::Malformed>(())
//! ```

mod annex_b;
pub mod av1;
mod choice;
pub mod h264;
pub mod h265;
mod nal;
pub mod opus;
mod reassembly;
pub mod red;
pub mod telephone_event;
#[cfg(test)]
mod tests;
pub mod vp8;
pub mod vp9;

use bytes::Bytes;

use crate::cursor::Writer;

pub use annex_b::Units;
pub use choice::{Depacketizer, Format, Packetizer, Plain};

use reassembly::{Assembly, Reassembly};

/// A frame that was put together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// As the codec wants it: H.264 and H.265 with start codes, AV1 with sizes.
    pub data: Bytes,
    /// Whether it can be decoded without any other.
    pub is_key: bool,
}

/// How much of a frame is kept at most?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// How many bytes a frame may have. One that has more is given up.
    pub frame: usize,
}

impl Default for Limits {
    /// 4 MiB: a key frame of the largest pictures.
    fn default() -> Self {
        Self { frame: 4 << 20 }
    }
}

/// A frame that is cut into pieces of the length that there is room for.
#[derive(Clone, Debug, Default)]
struct Cut {
    frame: Bytes,
    at: usize,
}

impl Cut {
    const fn new(frame: Bytes) -> Self {
        Self { frame, at: 0 }
    }

    const fn is_done(&self) -> bool {
        self.at >= self.frame.len()
    }

    const fn is_at_start(&self) -> bool {
        self.at == 0
    }

    fn remaining(&self) -> usize {
        self.frame.len().saturating_sub(self.at)
    }

    /// How long the next piece is, if there is `room`: pieces of a frame are
    /// of about the same length, so that none is much larger than the others.
    fn next_len(&self, room: usize) -> usize {
        match self.remaining().div_ceil(room.max(1)) {
            0 => 0,
            pieces => self.remaining().div_ceil(pieces),
        }
    }

    /// Writes the next `len` bytes.
    fn write(&mut self, len: usize, w: &mut Writer<'_>) {
        let end = self.at.saturating_add(len).min(self.frame.len());
        w.bytes(self.frame.get(self.at..end).unwrap_or_default());
        self.at = end;
    }
}
