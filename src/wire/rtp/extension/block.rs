//! Where the extensions of a header lie (RFC 8285 §4).

use core::fmt;
use core::iter::FusedIterator;

use crate::cursor::{Malformed, Reader, Writer};

/// How are the elements of a block framed?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Ids 1 to 14 and values of 1 to 16 bytes (RFC 8285 §4.2).
    OneByte,
    /// Ids 1 to 255 and values of 0 to 255 bytes (RFC 8285 §4.3).
    TwoByte,
}

impl Form {
    /// What says that a block has this form.
    #[must_use]
    pub const fn profile(self) -> u16 {
        match self {
            Self::OneByte => 0xbede,
            Self::TwoByte => 0x1000,
        }
    }

    /// The form that `profile` says, if it is one of RFC 8285.
    #[must_use]
    pub const fn of_profile(profile: u16) -> Option<Self> {
        match profile {
            0xbede => Some(Self::OneByte),
            // RFC 8285 §4.3: the low four bits are for the application.
            0x1000..=0x100f => Some(Self::TwoByte),
            _ => None,
        }
    }

    /// Whether an element can be written in this form.
    #[must_use]
    pub const fn fits(self, id: u8, len: usize) -> bool {
        match self {
            Self::OneByte => 0 < id && id < STOP && 0 < len && len <= 16,
            Self::TwoByte => 0 < id && len <= 255,
        }
    }
}

/// What stands between the CSRCs and the payload (RFC 3550 §5.3.1).
///
/// Any profile is kept; elements are found in those of RFC 8285 only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Block<'a> {
    /// What the bytes are.
    pub profile: u16,
    /// Always a multiple of four.
    body: &'a [u8],
}

impl<'a> Block<'a> {
    /// The profile and the length.
    pub const HEADER: usize = 4;

    /// Reads the block; any content will do.
    ///
    /// # Errors
    ///
    /// [`Malformed`] if it is longer than the packet.
    #[inline]
    pub fn parse(r: &mut Reader<'a>) -> Result<Self, Malformed> {
        let profile = r.u16("RTP extension")?;
        let words = r.u16("RTP extension")?;
        let body = r.bytes(usize::from(words) * 4, "RTP extension")?;
        Ok(Self { profile, body })
    }

    /// A block with elements that were framed in this form, padded to whole words.
    pub(crate) const fn framed(form: Form, body: &'a [u8]) -> Self {
        Self {
            profile: form.profile(),
            body,
        }
    }

    /// The bytes behind profile and length.
    #[must_use]
    pub const fn body(&self) -> &'a [u8] {
        self.body
    }

    /// The elements, without padding; none if the profile is not of RFC 8285.
    ///
    /// Ends early where RFC 8285 §4.1.2 and §4.2 say so, and at an element that
    /// is longer than the block.
    #[must_use]
    #[inline]
    pub fn elements(&self) -> Elements<'a> {
        match Form::of_profile(self.profile) {
            Some(form) => Elements::new(form, self.body),
            None => Elements::new(Form::OneByte, &[]),
        }
    }

    /// The size on the wire.
    #[must_use]
    pub const fn encoded_len(&self) -> usize {
        Self::HEADER + self.body.len()
    }

    /// Writes the block as it was.
    pub fn emit(&self, w: &mut Writer<'_>) {
        // A body came from a length in 16 bits, or was framed here, which is shorter.
        let words = u16::try_from(self.body.len() / 4).unwrap_or(u16::MAX);
        w.u32(u32::from(self.profile) << 16 | u32::from(words));
        w.bytes(self.body);
    }
}

/// `[1:61 2:0a00]`
impl fmt::Display for Block<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if Form::of_profile(self.profile).is_none() {
            return write!(f, "[profile={:#06x} len={}]", self.profile, self.body.len());
        }
        f.write_str("[")?;
        for (index, Element { id, value }) in self.elements().enumerate() {
            let separator = if index == 0 { "" } else { " " };
            write!(f, "{separator}{id}:")?;
            value.iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
        }
        f.write_str("]")
    }
}

/// One extension: an id of this session, and what it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Element<'a> {
    /// What the session calls it; never 0.
    pub id: u8,
    /// What it says.
    pub value: &'a [u8],
}

/// The iterator over the elements of a [`Block`].
#[derive(Clone, Debug)]
pub struct Elements<'a> {
    form: Form,
    rest: Reader<'a>,
}

impl<'a> Elements<'a> {
    /// The elements of a body of this form.
    pub(in crate::wire::rtp) const fn new(form: Form, body: &'a [u8]) -> Self {
        Self {
            form,
            rest: Reader::new(body),
        }
    }

    /// How many bytes of the block were not read yet.
    #[must_use]
    pub const fn remaining(&self) -> usize {
        self.rest.remaining()
    }

    #[inline]
    fn step(&mut self) -> Option<Element<'a>> {
        const FIELD: &str = "RTP extension element";
        loop {
            let first = self.rest.u8(FIELD).ok()?;
            let (id, len) = match self.form {
                _ if first == 0 => continue,
                Form::OneByte => (first >> 4, usize::from(first & 0x0f) + 1),
                Form::TwoByte => (first, usize::from(self.rest.u8(FIELD).ok()?)),
            };
            // RFC 8285 §4.1.2: padding that has a length ends the block; §4.2: so does 15.
            if id == 0 || (self.form == Form::OneByte && id == STOP) {
                return None;
            }
            let value = self.rest.bytes(len, FIELD).ok()?;
            return Some(Element { id, value });
        }
    }
}

impl<'a> Iterator for Elements<'a> {
    type Item = Element<'a>;

    #[inline]
    fn next(&mut self) -> Option<Element<'a>> {
        let element = self.step();
        if element.is_none() {
            self.rest = Reader::new(&[]);
        }
        element
    }
}

impl FusedIterator for Elements<'_> {}

/// Puts elements into a header that is being written.
#[derive(Debug)]
pub struct BlockWriter<'w, 'b> {
    w: &'w mut Writer<'b>,
    form: Form,
}

impl<'w, 'b> BlockWriter<'w, 'b> {
    /// Writes a block with the elements that `fill` puts; nothing if it puts
    /// none. Whether there is one is the answer.
    pub fn write(
        w: &'w mut Writer<'b>,
        form: Form,
        fill: impl FnOnce(&mut BlockWriter<'_, 'b>),
    ) -> bool {
        let at = w.len();
        w.u32(u32::from(form.profile()) << 16);
        fill(&mut BlockWriter { w, form });
        let len = w.len().saturating_sub(at + Block::HEADER);
        if len == 0 && !w.is_overflowed() {
            w.rewind(at);
            return false;
        }
        for _ in len..len.next_multiple_of(4) {
            w.u8(0);
        }
        // 255 elements of 257 bytes are fewer than 2¹⁶ words.
        let words = u16::try_from(len.div_ceil(4)).unwrap_or(u16::MAX);
        w.patch(at + 2, &words.to_be_bytes());
        true
    }

    /// Appends an element whose value `emit` writes, `len` bytes of it.
    ///
    /// `false`, and nothing is written, if the form of the block cannot hold it.
    pub fn put(&mut self, id: u8, len: usize, emit: impl FnOnce(&mut Writer<'_>)) -> bool {
        let Ok(short) = u8::try_from(len) else {
            return false;
        };
        if !self.form.fits(id, len) {
            return false;
        }
        match self.form {
            Form::OneByte => self.w.u8(id << 4 | (short - 1)),
            Form::TwoByte => self.w.bytes(&[id, short]),
        }
        emit(self.w);
        true
    }

    /// Appends elements that were framed before, in the form of this block.
    pub fn append(&mut self, elements: &[u8]) {
        if !elements.is_empty() {
            self.w.bytes(elements);
        }
    }

    /// Appends an element with this value, as [`put`](Self::put) does.
    pub fn put_bytes(&mut self, id: u8, value: &[u8]) -> bool {
        self.put(id, value.len(), |w| w.bytes(value))
    }
}

/// The id that ends a block of one-byte elements (RFC 8285 §4.2).
const STOP: u8 = 15;
