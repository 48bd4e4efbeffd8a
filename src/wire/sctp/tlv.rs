//! Type, length, value: the frame of chunks, parameters and causes (RFC 9260 §3.2).

use crate::cursor::{Malformed, Reader, Writer};

/// What to do with a chunk or parameter that is not understood?
///
/// Its two highest bits say (RFC 9260 §3.2 and §3.2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnknownAction {
    /// Ignore it and all that follows.
    Stop,
    /// Ignore it and all that follows, and tell the sender.
    StopAndReport,
    /// Ignore it and go on.
    Skip,
    /// Ignore it, go on, and tell the sender.
    SkipAndReport,
}

impl UnknownAction {
    pub(super) const fn of_chunk(kind: u8) -> Self {
        match kind >> 6 {
            0 => Self::Stop,
            1 => Self::StopAndReport,
            2 => Self::Skip,
            _ => Self::SkipAndReport,
        }
    }

    pub(super) const fn of_parameter(kind: u16) -> Self {
        let [high, _] = kind.to_be_bytes();
        Self::of_chunk(high)
    }

    /// Whether what follows is ignored too.
    #[must_use]
    pub const fn stops(self) -> bool {
        matches!(self, Self::Stop | Self::StopAndReport)
    }

    /// Whether the sender wants to know.
    #[must_use]
    pub const fn reports(self) -> bool {
        matches!(self, Self::StopAndReport | Self::SkipAndReport)
    }
}

/// The size of a frame's header, which its length field counts too.
pub(super) const HEADER: usize = 4;

/// The size on the wire of a frame of `len` bytes: a multiple of four.
pub(super) const fn padded(len: usize) -> usize {
    len.next_multiple_of(4)
}

/// A chunk before it is understood.
pub(super) struct RawChunk<'a> {
    pub(super) kind: u8,
    pub(super) flags: u8,
    pub(super) value: &'a [u8],
}

impl<'a> RawChunk<'a> {
    pub(super) fn parse(r: &mut Reader<'a>) -> Result<Self, Malformed> {
        let kind = r.u8("chunk type")?;
        let flags = r.u8("chunk flags")?;
        Ok(Self {
            kind,
            flags,
            value: value(r)?,
        })
    }
}

/// The value of a parameter or cause, and its type.
pub(super) fn parameter<'a>(r: &mut Reader<'a>) -> Result<(u16, &'a [u8]), Malformed> {
    let kind = r.u16("parameter type")?;
    Ok((kind, value(r)?))
}

/// The flags and the value of a chunk that has to be of this `kind`.
pub(super) fn open<'a>(r: &mut Reader<'a>, kind: u8) -> Result<(u8, Reader<'a>), Malformed> {
    let raw = RawChunk::parse(r)?;
    if raw.kind == kind {
        Ok((raw.flags, Reader::new(raw.value)))
    } else {
        Err(Malformed("chunk type"))
    }
}

fn value<'a>(r: &mut Reader<'a>) -> Result<&'a [u8], Malformed> {
    let len = usize::from(r.u16("length")?);
    // A length below the header's own size would make no progress.
    let len = len.checked_sub(HEADER).ok_or(Malformed("length"))?;
    let value = r.bytes(len, "value")?;
    // The last frame of its container may lack the padding: be lenient.
    let padding = padded(len) - len;
    r.bytes(padding.min(r.remaining()), "padding")?;
    Ok(value)
}

/// Checks the frames that fill `bytes`, one by one, and gives them back without
/// the padding of the last: a chunk's length does not count it (RFC 9260 §3.2).
pub(super) fn frames<'a>(
    bytes: &'a [u8],
    mut check: impl FnMut(&mut Reader<'a>) -> Result<(), Malformed>,
) -> Result<&'a [u8], Malformed> {
    let mut rest = Reader::new(bytes);
    let mut end = 0;
    while !rest.is_empty() {
        let start = bytes.len() - rest.remaining();
        let mut header = rest;
        header.u16("type")?;
        end = start + usize::from(header.u16("length")?);
        check(&mut rest)?;
    }
    Ok(bytes.get(..end).unwrap_or(bytes))
}

/// Writes a chunk around what `content` writes, padding included.
pub(super) fn write_chunk(
    w: &mut Writer<'_>,
    kind: u8,
    flags: u8,
    content: impl FnOnce(&mut Writer<'_>),
) {
    write(w, [kind, flags], content);
}

/// Writes a parameter or cause around what `content` writes, padding included.
pub(super) fn write_parameter(
    w: &mut Writer<'_>,
    kind: u16,
    content: impl FnOnce(&mut Writer<'_>),
) {
    write(w, kind.to_be_bytes(), content);
}

fn write(w: &mut Writer<'_>, head: [u8; 2], content: impl FnOnce(&mut Writer<'_>)) {
    let at = w.len();
    w.bytes(&head);
    w.u16(0);
    content(w);
    let len = w.len() - at;
    // No datagram comes near the limit of the length field.
    w.patch(
        at + 2,
        &u16::try_from(len).unwrap_or(u16::MAX).to_be_bytes(),
    );
    w.zeros(padded(len) - len);
}
