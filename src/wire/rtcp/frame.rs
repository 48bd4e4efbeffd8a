//! The frame of every packet (RFC 3550 §6.4.1).

use core::fmt;

use crate::cursor::{Malformed, Reader, Writer};
use crate::wire::rtp::Ssrc;

/// A packet of a type that is not known here, or whose content does not matter.
///
/// ```text
/// |V=2|P| count, 5 | type, 8 | length in 32 bits, less one, 16 | body … |
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unknown<'a> {
    /// How many records follow, or which format of the type it is: five bits.
    pub count: u8,
    /// Its type.
    pub kind: u8,
    /// What follows the first four bytes, without padding.
    pub body: &'a [u8],
    /// How many bytes of padding came behind the body.
    padding: u8,
}

impl<'a> Unknown<'a> {
    /// The size without a body.
    pub const HEADER: usize = 4;

    /// How many records five bits can count.
    pub const MAX_COUNT: usize = 31;

    /// A packet with any content; what is behind a whole number of 32 bits is
    /// not written.
    #[must_use]
    pub fn new(kind: u8, count: u8, body: &'a [u8]) -> Self {
        let whole = body.len().min(0xffff * 4) / 4 * 4;
        Self {
            count: count & COUNT,
            kind,
            body: body.get(..whole).unwrap_or_default(),
            padding: 0,
        }
    }

    /// Reads a packet of any type.
    ///
    /// # Errors
    ///
    /// [`Malformed`] if it is not version 2, longer than the datagram, or its
    /// padding is longer than itself or no multiple of four.
    pub fn parse(r: &mut Reader<'a>) -> Result<Self, Malformed> {
        const FIELD: &str = "RTCP header";
        let [first, kind] = r.array(FIELD)?;
        let words = r.u16(FIELD)?;
        if first >> 6 != 2 {
            return Err(Malformed("RTCP version"));
        }
        let all = r.bytes(usize::from(words) * 4, "RTCP length")?;
        let padding = match all.last() {
            _ if first & PADDING == 0 => 0,
            // RFC 3550 §6.4.1: the last byte counts the padding, a multiple of four;
            // except that browsers fill transport feedback up by less.
            Some(&count) if count != 0 && (count % 4 == 0 || kind == TRANSPORT_FEEDBACK) => count,
            _ => return Err(Malformed("RTCP padding")),
        };
        let body = all.len().checked_sub(padding.into());
        Ok(Self {
            count: first & COUNT,
            kind,
            body: body
                .and_then(|len| all.get(..len))
                .ok_or(Malformed("RTCP padding"))?,
            padding,
        })
    }

    /// Reads a packet for which `is` holds, and gives its count and body.
    pub(super) fn open(
        r: &mut Reader<'a>,
        is: impl FnOnce(&Self) -> bool,
    ) -> Result<(u8, Reader<'a>), Malformed> {
        let frame = Self::parse(r)?;
        if is(&frame) {
            Ok((frame.count, Reader::new(frame.body)))
        } else {
            Err(Malformed("RTCP type"))
        }
    }

    /// Whether padding came behind the body: only the last packet may have it.
    #[must_use]
    pub const fn has_padding(&self) -> bool {
        self.padding != 0
    }

    /// The size on the wire.
    #[must_use]
    pub const fn encoded_len(&self) -> usize {
        Self::HEADER + self.body.len() + self.padding as usize
    }

    /// Writes the packet.
    pub fn emit(&self, w: &mut Writer<'_>) {
        let at = w.len();
        write(w, self.kind, self.count, |w| {
            w.bytes(self.body);
            if let Some(zeros) = self.padding.checked_sub(1) {
                w.zeros(zeros.into());
                w.u8(self.padding);
            }
        });
        if self.has_padding() {
            w.patch(at, &[2 << 6 | PADDING | self.count]);
        }
    }
}

impl fmt::Display for Unknown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            count, kind, body, ..
        } = self;
        write!(f, "RTCP type={kind} count={count} len={}", body.len())
    }
}

/// Writes a packet around what `body` writes, filled with zeros to 32 bits.
pub(super) fn write(w: &mut Writer<'_>, kind: u8, count: u8, body: impl FnOnce(&mut Writer<'_>)) {
    let at = w.len();
    w.bytes(&[2 << 6 | count & COUNT, kind, 0, 0]);
    body(w);
    let len = w.len().saturating_sub(at + Unknown::HEADER);
    w.zeros(len.next_multiple_of(4) - len);
    // The types of this module cannot hold more than 2¹⁶ words.
    let words = u16::try_from(len.div_ceil(4)).unwrap_or(u16::MAX);
    w.patch(at + 2, &words.to_be_bytes());
}

/// The size of a packet around `body` bytes.
pub(super) const fn len(body: usize) -> usize {
    Unknown::HEADER + body.next_multiple_of(4)
}

/// As many records as five bits can count.
pub(super) fn count(records: usize) -> u8 {
    u8::try_from(records.min(Unknown::MAX_COUNT)).unwrap_or(COUNT)
}

/// Who says it, and of whom: the start of every feedback (RFC 4585 §6.1).
pub(super) fn parties(r: &mut Reader<'_>) -> Result<(Ssrc, Ssrc), Malformed> {
    Ok((
        Ssrc(r.u32("RTCP sender")?),
        Ssrc(r.u32("RTCP media source")?),
    ))
}

pub(super) fn write_parties(w: &mut Writer<'_>, sender: Ssrc, media: Ssrc) {
    w.u32(sender.0);
    w.u32(media.0);
}

/// RTPFB (RFC 4585 §6.2).
pub(super) const TRANSPORT_FEEDBACK: u8 = 205;
/// PSFB (RFC 4585 §6.3).
pub(super) const PAYLOAD_FEEDBACK: u8 = 206;

const PADDING: u8 = 0x20;
const COUNT: u8 = 0x1f;
