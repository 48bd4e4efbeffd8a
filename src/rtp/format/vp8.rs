//! VP8 (RFC 7741).

use core::fmt;

use bytes::Bytes;

use super::{Assembly, Cut, Frame, Limits};
use crate::cursor::{Malformed, Reader, Writer};

/// What stands before the bytes of the codec (RFC 7741 §4.2).
///
/// ```text
/// | X | R | N | S | R | PID, 3 |
/// | I | L | T | K | reserved   |     if X
/// | M | picture id, 7 or 15    |     if I
/// | TL0PICIDX, 8               |     if L
/// | TID, 2 | Y | KEYIDX, 5     |     if T or K
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Descriptor {
    /// Whether no other frame depends on this one.
    pub non_reference: bool,
    /// Whether a partition starts with this payload.
    pub starts_partition: bool,
    /// Which partition: 0 to 7.
    pub partition: u8,
    /// Which picture.
    pub picture_id: Option<PictureId>,
    /// Which picture of the lowest temporal layer was last.
    pub tl0_pic_idx: Option<u8>,
    /// Which temporal layer, and whether it depends on the lowest only.
    pub temporal: Option<(u8, bool)>,
    /// Which key frame it depends on: five bits.
    pub key_idx: Option<u8>,
}

/// The number of a picture, as long as the sender has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PictureId {
    /// Seven bits.
    Short(u8),
    /// Fifteen bits.
    Long(u16),
}

impl PictureId {
    /// Reads one.
    pub(super) fn parse(r: &mut Reader<'_>) -> Result<Self, Malformed> {
        let first = r.u8("picture id")?;
        if first & 0x80 == 0 {
            return Ok(Self::Short(first));
        }
        let second = r.u8("picture id")?;
        Ok(Self::Long(u16::from_be_bytes([first & 0x7f, second])))
    }

    pub(super) fn emit(self, w: &mut Writer<'_>) {
        match self {
            Self::Short(id) => w.u8(id & 0x7f),
            Self::Long(id) => w.u16(id | 0x8000),
        }
    }

    pub(super) const fn encoded_len(self) -> usize {
        match self {
            Self::Short(_) => 1,
            Self::Long(_) => 2,
        }
    }

    /// The number of the next picture.
    #[must_use]
    pub const fn next(self) -> Self {
        match self {
            Self::Short(id) => Self::Short(id.wrapping_add(1) & 0x7f),
            Self::Long(id) => Self::Long(id.wrapping_add(1) & 0x7fff),
        }
    }
}

/// `7`
impl fmt::Display for PictureId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Short(id) => id.fmt(f),
            Self::Long(id) => id.fmt(f),
        }
    }
}

impl Descriptor {
    /// Reads the descriptor, and leaves the codec's bytes.
    ///
    /// # Errors
    ///
    /// [`Malformed`] if it is cut.
    pub fn parse(r: &mut Reader<'_>) -> Result<Self, Malformed> {
        const FIELD: &str = "VP8 descriptor";
        let first = r.u8(FIELD)?;
        let flags = if first & 0x80 == 0 { 0 } else { r.u8(FIELD)? };
        let has = |bit: u8| flags & bit != 0;
        let picture_id = if has(0x80) {
            Some(PictureId::parse(r)?)
        } else {
            None
        };
        let tl0_pic_idx = if has(0x40) { Some(r.u8(FIELD)?) } else { None };
        let layer = if has(0x30) { r.u8(FIELD)? } else { 0 };
        Ok(Self {
            non_reference: first & 0x20 != 0,
            starts_partition: first & 0x10 != 0,
            partition: first & 0x07,
            picture_id,
            tl0_pic_idx,
            temporal: has(0x20).then_some((layer >> 6, layer & 0x20 != 0)),
            key_idx: has(0x10).then_some(layer & 0x1f),
        })
    }

    /// The size on the wire.
    #[must_use]
    pub fn encoded_len(&self) -> usize {
        let layer = usize::from(self.temporal.is_some() || self.key_idx.is_some());
        let optional = self.picture_id.map_or(0, PictureId::encoded_len)
            + usize::from(self.tl0_pic_idx.is_some())
            + layer;
        1 + if optional == 0 { 0 } else { 1 + optional }
    }

    /// Writes the descriptor.
    pub fn emit(&self, w: &mut Writer<'_>) {
        let flag = |is_set: bool, bit: u8| if is_set { bit } else { 0 };
        let flags = flag(self.picture_id.is_some(), 0x80)
            | flag(self.tl0_pic_idx.is_some(), 0x40)
            | flag(self.temporal.is_some(), 0x20)
            | flag(self.key_idx.is_some(), 0x10);
        w.u8(flag(flags != 0, 0x80)
            | flag(self.non_reference, 0x20)
            | flag(self.starts_partition, 0x10)
            | self.partition & 0x07);
        if flags != 0 {
            w.u8(flags);
        }
        if let Some(id) = self.picture_id {
            id.emit(w);
        }
        if let Some(index) = self.tl0_pic_idx {
            w.u8(index);
        }
        if flags & 0x30 != 0 {
            let (layer, sync) = self.temporal.unwrap_or_default();
            w.u8(layer << 6 | flag(sync, 0x20) | self.key_idx.unwrap_or(0) & 0x1f);
        }
    }

    /// Whether the payload is the first of its frame.
    #[must_use]
    pub const fn starts_frame(&self) -> bool {
        self.starts_partition && self.partition == 0
    }
}

/// `VP8 pid=0 start id=7 tl0=1 tid=0`
impl fmt::Display for Descriptor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VP8 pid={}", self.partition)?;
        if self.starts_partition {
            f.write_str(" start")?;
        }
        if let Some(id) = self.picture_id {
            write!(f, " id={id}")?;
        }
        if let Some(index) = self.tl0_pic_idx {
            write!(f, " tl0={index}")?;
        }
        match self.temporal {
            Some((layer, _)) => write!(f, " tid={layer}"),
            None => Ok(()),
        }
    }
}

/// Whether a payload begins a frame.
#[must_use]
pub fn starts_frame(payload: &[u8]) -> bool {
    let descriptor = Descriptor::parse(&mut Reader::new(payload));
    descriptor.is_ok_and(|descriptor| descriptor.starts_frame())
}

/// Whether a payload begins a key frame.
#[must_use]
pub fn is_key(payload: &[u8]) -> bool {
    let mut r = Reader::new(payload);
    let starts = Descriptor::parse(&mut r).is_ok_and(|descriptor| descriptor.starts_frame());
    starts && frame_is_key(r.peek())
}

/// RFC 6386 §9.1: the lowest bit of a frame is set in all but key frames.
fn frame_is_key(frame: &[u8]) -> bool {
    frame.first().is_some_and(|byte| byte & 1 == 0)
}

/// Cuts frames into payloads.
#[derive(Clone, Debug)]
pub struct Packetizer {
    cut: Cut,
    picture_id: u16,
}

impl Packetizer {
    /// A packetizer whose first picture has the number behind this one.
    #[must_use]
    pub fn new(picture_id: u16) -> Self {
        Self {
            cut: Cut::default(),
            picture_id,
        }
    }

    /// The next frame. What is left of the last one is forgotten.
    pub fn push(&mut self, frame: Bytes) {
        self.cut = Cut::new(frame);
        self.picture_id = self.picture_id.wrapping_add(1) & 0x7fff;
    }

    /// Writes the next payload of the frame; `Some(true)` if it is the last.
    ///
    /// `None` if there is none, or no room for a byte of it.
    pub fn next(&mut self, w: &mut Writer<'_>) -> Option<bool> {
        let descriptor = Descriptor {
            starts_partition: self.cut.is_at_start(),
            picture_id: Some(PictureId::Long(self.picture_id)),
            ..Descriptor::default()
        };
        let room = w.remaining().checked_sub(descriptor.encoded_len())?;
        if room == 0 || self.cut.is_done() {
            return None;
        }
        descriptor.emit(w);
        self.cut.write(self.cut.next_len(room), w);
        Some(self.cut.is_done())
    }
}

/// Puts payloads together.
#[derive(Clone, Debug, Default)]
pub struct Depacketizer {
    assembly: Assembly,
}

impl Depacketizer {
    /// One that keeps within these limits.
    #[must_use]
    pub const fn new(limits: Limits) -> Self {
        Self {
            assembly: Assembly::new(limits),
        }
    }

    /// The next payload of the frame.
    ///
    /// # Errors
    ///
    /// [`Malformed`] if it is not one, or the frame has no start or is too
    /// long; nothing is kept of the payload.
    pub fn push(&mut self, payload: &[u8]) -> Result<(), Malformed> {
        let mut r = Reader::new(payload);
        let descriptor = Descriptor::parse(&mut r)?;
        if descriptor.starts_frame() != self.is_empty() || r.is_empty() {
            return Err(Malformed("VP8 start of frame"));
        }
        self.assembly.append(r.rest())
    }

    /// How many bytes of the frame came.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.assembly.data.len()
    }

    /// Whether none came.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The frame, if anything came; the next payload begins another.
    pub fn finish(&mut self) -> Option<Frame> {
        let data = self.assembly.take()?;
        let is_key = frame_is_key(&data);
        Some(Frame { data, is_key })
    }
}
