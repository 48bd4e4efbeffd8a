//! VP9 (RFC 9628).

use core::fmt;

use bytes::Bytes;

use super::vp8::PictureId;
use super::{Assembly, Cut, Frame, Limits};
use crate::cursor::{Malformed, Reader, Writer};

/// What stands before the bytes of the codec (RFC 9628 §4.2).
///
/// ```text
/// | I | P | L | F | B | E | V | Z |
/// | M | picture id, 7 or 15       |     if I
/// | TID, 3 | U | SID, 3 | D       |     if L
/// | TL0PICIDX, 8                  |     if L and not F
/// | P_DIFF, 7 | N                 |     if P and F, up to three times
/// | scalability structure …       |     if V
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Descriptor<'a> {
    /// Which picture.
    pub picture_id: Option<PictureId>,
    /// Whether it depends on pictures before it.
    pub is_predicted: bool,
    /// Whether it says itself on which.
    pub is_flexible: bool,
    /// Whether the payload is the first of its layer's frame.
    pub starts_frame: bool,
    /// Whether it is the last.
    pub ends_frame: bool,
    /// Whether no higher layer of later pictures depends on it.
    pub not_reference_for_upper: bool,
    /// Its layers.
    pub layer: Option<LayerIndex>,
    /// On which pictures it depends, counted back, one byte each with N; in flexible mode.
    pub references: &'a [u8],
    /// The scalability structure, if it comes with this payload.
    pub structure: Option<&'a [u8]>,
}

/// Which layers a frame is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct LayerIndex {
    /// The layer of frame rate: 0 to 7.
    pub temporal: u8,
    /// Whether one may switch up to it.
    pub switching_up: bool,
    /// The layer of resolution: 0 to 7.
    pub spatial: u8,
    /// Whether it depends on the layer below in the same picture.
    pub inter_layer: bool,
    /// Which picture of the lowest temporal layer was last; not in flexible mode.
    pub tl0_pic_idx: u8,
}

impl<'a> Descriptor<'a> {
    /// Reads the descriptor, and leaves the codec's bytes.
    ///
    /// # Errors
    ///
    /// [`Malformed`] if it is cut, or depends on more than three pictures.
    pub fn parse(r: &mut Reader<'a>) -> Result<Self, Malformed> {
        const FIELD: &str = "VP9 descriptor";
        let first = r.u8(FIELD)?;
        let has = |bit: u8| first & bit != 0;
        let (is_predicted, is_flexible) = (has(0x40), has(0x10));
        let picture_id = if has(0x80) {
            Some(PictureId::parse(r)?)
        } else {
            None
        };
        let layer = if has(0x20) {
            Some(LayerIndex::parse(r, is_flexible)?)
        } else {
            None
        };
        let references = if is_predicted && is_flexible {
            references(r)?
        } else {
            &[]
        };
        let structure = if has(0x02) { Some(structure(r)?) } else { None };
        Ok(Self {
            picture_id,
            is_predicted,
            is_flexible,
            starts_frame: has(0x08),
            ends_frame: has(0x04),
            not_reference_for_upper: has(0x01),
            layer,
            references,
            structure,
        })
    }

    /// The size on the wire.
    #[must_use]
    pub fn encoded_len(&self) -> usize {
        let layer = match self.layer {
            Some(_) if self.is_flexible => 1,
            Some(_) => 2,
            None => 0,
        };
        1 + self.picture_id.map_or(0, PictureId::encoded_len)
            + layer
            + self.references.len()
            + self.structure.map_or(0, <[u8]>::len)
    }

    /// Writes the descriptor.
    pub fn emit(&self, w: &mut Writer<'_>) {
        let flag = |is_set: bool, bit: u8| if is_set { bit } else { 0 };
        w.u8(flag(self.picture_id.is_some(), 0x80)
            | flag(self.is_predicted, 0x40)
            | flag(self.layer.is_some(), 0x20)
            | flag(self.is_flexible, 0x10)
            | flag(self.starts_frame, 0x08)
            | flag(self.ends_frame, 0x04)
            | flag(self.structure.is_some(), 0x02)
            | flag(self.not_reference_for_upper, 0x01));
        if let Some(id) = self.picture_id {
            id.emit(w);
        }
        if let Some(layer) = &self.layer {
            layer.emit(w, self.is_flexible);
        }
        w.bytes(self.references);
        w.bytes(self.structure.unwrap_or_default());
    }

    /// Whether the payload is the first of a picture that depends on no other.
    #[must_use]
    pub fn starts_key_picture(&self) -> bool {
        self.starts_picture() && !self.is_predicted
    }

    /// Whether the payload is the first of a picture with all its layers.
    #[must_use]
    pub fn starts_picture(&self) -> bool {
        self.starts_frame && self.layer.is_none_or(|layer| layer.spatial == 0)
    }
}

/// `VP9 start end id=7 tid=0 sid=1 predicted`
impl fmt::Display for Descriptor<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("VP9")?;
        f.write_str(if self.starts_frame { " start" } else { "" })?;
        f.write_str(if self.ends_frame { " end" } else { "" })?;
        if let Some(id) = self.picture_id {
            write!(f, " id={id}")?;
        }
        if let Some(layer) = self.layer {
            write!(f, " tid={} sid={}", layer.temporal, layer.spatial)?;
        }
        f.write_str(if self.is_predicted { " predicted" } else { "" })
    }
}

impl LayerIndex {
    fn parse(r: &mut Reader<'_>, is_flexible: bool) -> Result<Self, Malformed> {
        let byte = r.u8("VP9 layer")?;
        Ok(Self {
            temporal: byte >> 5,
            switching_up: byte & 0x10 != 0,
            spatial: byte >> 1 & 0x07,
            inter_layer: byte & 0x01 != 0,
            tl0_pic_idx: if is_flexible { 0 } else { r.u8("VP9 layer")? },
        })
    }

    fn emit(&self, w: &mut Writer<'_>, is_flexible: bool) {
        let (up, inter) = (u8::from(self.switching_up), u8::from(self.inter_layer));
        w.u8(self.temporal << 5 | up << 4 | (self.spatial & 0x07) << 1 | inter);
        if !is_flexible {
            w.u8(self.tl0_pic_idx);
        }
    }
}

/// RFC 9628 §4.2: at most three, and the last says that it is.
fn references<'a>(r: &mut Reader<'a>) -> Result<&'a [u8], Malformed> {
    let all = r.peek();
    let more = all
        .iter()
        .take(3)
        .take_while(|byte| **byte & 1 == 1)
        .count();
    if more == 3 {
        return Err(Malformed("VP9 references"));
    }
    r.bytes(more + 1, "VP9 references")
}

/// The bytes of the scalability structure (RFC 9628 §4.2.1).
fn structure<'a>(r: &mut Reader<'a>) -> Result<&'a [u8], Malformed> {
    const FIELD: &str = "VP9 scalability structure";
    let start = r.peek();
    let first = r.u8(FIELD)?;
    if first & 0x10 != 0 {
        let layers = usize::from(first >> 5) + 1;
        r.bytes(layers * 4, FIELD)?;
    }
    if first & 0x08 != 0 {
        for _ in 0..r.u8(FIELD)? {
            let picture = r.u8(FIELD)?;
            r.bytes(usize::from(picture >> 2 & 3), FIELD)?;
        }
    }
    let len = start.len() - r.remaining();
    start.get(..len).ok_or(Malformed(FIELD))
}

/// Whether a payload begins a picture.
#[must_use]
pub fn starts_frame(payload: &[u8]) -> bool {
    let descriptor = Descriptor::parse(&mut Reader::new(payload));
    descriptor.is_ok_and(|descriptor| descriptor.starts_picture())
}

/// Whether a payload begins a key picture.
#[must_use]
pub fn is_key(payload: &[u8]) -> bool {
    let descriptor = Descriptor::parse(&mut Reader::new(payload));
    descriptor.is_ok_and(|descriptor| descriptor.starts_key_picture())
}

/// RFC 9628 does not say it: the uncompressed header of the VP9 bitstream, 6.2.
/// Two bits are 2, then the profile, then whether an old frame is shown, and
/// then whether this one is no key frame.
fn frame_is_key(frame: &[u8]) -> bool {
    let Some(&first) = frame.first() else {
        return false;
    };
    let profile = first >> 5 & 1 | first >> 3 & 2;
    // A profile of 3 is followed by one bit that is reserved.
    let shift = if profile == 3 { 1 } else { 2 };
    let shows_old = first >> (shift + 1) & 1 == 1;
    let is_other = first >> shift & 1 == 1;
    first >> 6 == 2 && !shows_old && !is_other
}

/// Cuts pictures of one layer into payloads.
#[derive(Clone, Debug)]
pub struct Packetizer {
    cut: Cut,
    picture_id: u16,
    is_key: bool,
}

impl Packetizer {
    /// A packetizer whose first picture has the number behind this one.
    #[must_use]
    pub fn new(picture_id: u16) -> Self {
        Self {
            cut: Cut::default(),
            picture_id,
            is_key: false,
        }
    }

    /// The next picture. What is left of the last one is forgotten.
    pub fn push(&mut self, frame: Bytes) {
        self.is_key = frame_is_key(&frame);
        self.cut = Cut::new(frame);
        self.picture_id = self.picture_id.wrapping_add(1) & 0x7fff;
    }

    /// Writes the next payload of the picture; `Some(true)` if it is the last.
    ///
    /// `None` if there is none, or no room for a byte of it.
    pub fn next(&mut self, w: &mut Writer<'_>) -> Option<bool> {
        let mut descriptor = Descriptor {
            picture_id: Some(PictureId::Long(self.picture_id)),
            is_predicted: !self.is_key,
            starts_frame: self.cut.is_at_start(),
            ..Descriptor::default()
        };
        let room = w.remaining().checked_sub(descriptor.encoded_len())?;
        if room == 0 || self.cut.is_done() {
            return None;
        }
        let len = self.cut.next_len(room);
        descriptor.ends_frame = len == self.cut.remaining();
        descriptor.emit(w);
        self.cut.write(len, w);
        Some(self.cut.is_done())
    }
}

/// Puts payloads together: the layers of a picture one behind the other.
#[derive(Clone, Debug, Default)]
pub struct Depacketizer {
    assembly: Assembly,
    is_key: bool,
    /// Whether the frame of the last layer has not ended.
    is_open: bool,
}

impl Depacketizer {
    /// One that keeps within these limits.
    #[must_use]
    pub const fn new(limits: Limits) -> Self {
        Self {
            assembly: Assembly::new(limits),
            is_key: false,
            is_open: false,
        }
    }

    /// The next payload of the picture.
    ///
    /// # Errors
    ///
    /// [`Malformed`] if it is not one, or a layer does not start where it
    /// should, or the picture is too long; nothing is kept of the payload.
    pub fn push(&mut self, payload: &[u8]) -> Result<(), Malformed> {
        let mut r = Reader::new(payload);
        let descriptor = Descriptor::parse(&mut r)?;
        if descriptor.starts_frame == self.is_open || r.is_empty() {
            return Err(Malformed("VP9 start of frame"));
        }
        if self.assembly.data.is_empty() {
            self.is_key = descriptor.starts_key_picture();
        }
        self.assembly.append(r.rest())?;
        self.is_open = !descriptor.ends_frame;
        Ok(())
    }

    /// The picture, if it ended; the next payload begins another.
    pub fn finish(&mut self) -> Option<Frame> {
        let is_whole = !core::mem::take(&mut self.is_open);
        let data = self.assembly.take()?;
        let is_key = self.is_key;
        is_whole.then_some(Frame { data, is_key })
    }
}
