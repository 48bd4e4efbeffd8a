//! A view of received bytes.

use core::fmt;
use core::ops::Range;

use super::{Attribute, Class, HEADER_LEN, Header, Method, TransactionId, kind};
use crate::cursor::{Malformed, Reader, Writer};
use crate::wire::checksum::crc32;

/// A STUN message whose every part was checked.
///
/// Its [`attributes`](Self::attributes) are those that an integrity covers, if
/// there is one: what follows could have been added by anybody and is left out
/// (RFC 8489 §14.5).
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Message<'a> {
    header: Header,
    bytes: &'a [u8],
    layout: Layout,
}

/// Where the parts are that speak of the whole message, counted from its start.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
struct Layout {
    /// Where the attributes end that count.
    end: usize,
    integrity: Option<usize>,
    integrity_sha256: Option<usize>,
    fingerprint: Option<usize>,
}

impl<'a> Message<'a> {
    /// Reads a message, as long as its header says it is.
    ///
    /// # Errors
    ///
    /// [`Malformed`] if it is cut, an attribute is not as its format demands,
    /// there are more than 64 of them, or the fingerprint is wrong.
    pub fn parse(r: &mut Reader<'a>) -> Result<Self, Malformed> {
        let start = r.peek();
        let header = Header::parse(r)?;
        r.bytes(usize::from(header.length), "stun length")?;
        let len = HEADER_LEN + usize::from(header.length);
        let bytes = start.get(..len).ok_or(Malformed("stun length"))?;
        let layout = Layout::of(bytes, header.transaction_id)?;
        if let Some(at) = layout.fingerprint {
            check_fingerprint(bytes, at)?;
        }
        Ok(Self {
            header,
            bytes,
            layout,
        })
    }

    /// The user name of a request, without a look at anything else: for who only hands it
    /// on, and leaves to the receiver to check it.
    #[must_use]
    pub fn username_of(bytes: &'a [u8]) -> Option<&'a str> {
        let mut r = Reader::new(bytes);
        let header = Header::parse(&mut r).ok()?;
        if header.class != Class::Request {
            return None;
        }
        let attributes = r.bytes(usize::from(header.length), "stun length").ok()?;
        let mut walk = Walk::new(attributes);
        for _ in 0..MAX_ATTRIBUTES {
            match walk.next().ok()?? {
                (kind::USERNAME, name) => return core::str::from_utf8(name).ok(),
                // What comes behind counts for nothing (RFC 8489 §14.5, §14.6).
                (kind::MESSAGE_INTEGRITY | kind::MESSAGE_INTEGRITY_SHA256, _) => return None,
                _ => {}
            }
        }
        None
    }

    /// The size of [`emit`](Self::emit).
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "a message has a header")]
    pub const fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Writes the message as it was received.
    pub fn emit(&self, w: &mut Writer<'_>) {
        w.bytes(self.bytes);
    }

    /// Whether it asks, tells or answers.
    #[must_use]
    pub const fn class(&self) -> Class {
        self.header.class
    }

    /// What it is about.
    #[must_use]
    pub const fn method(&self) -> Method {
        self.header.method
    }

    /// What ties an answer to its question.
    #[must_use]
    pub const fn transaction_id(&self) -> TransactionId {
        self.header.transaction_id
    }

    /// Its statements in order. Of repeated ones the first counts (RFC 8489 §14).
    #[must_use]
    pub fn attributes(&self) -> Attributes<'a> {
        let covered = self.bytes.get(HEADER_LEN..self.layout.end);
        Attributes {
            walk: Walk::new(covered.unwrap_or_default()),
            id: self.header.transaction_id,
        }
    }

    /// Where the value of the first attribute `kind` lies, counted from the start of
    /// the message: to hand it on in place.
    #[must_use]
    pub fn range_of(&self, kind: u16) -> Option<Range<usize>> {
        let covered = self.bytes.get(HEADER_LEN..self.layout.end)?;
        let mut walk = Walk::new(covered);
        loop {
            let at = self.layout.end - walk.rest.len() + 4;
            // `parse` saw them all without a complaint.
            let (found, value) = walk.next().ok()??;
            if found == kind {
                return Some(at..at + value.len());
            }
        }
    }

    /// The numbers of the attributes that must be understood and are not known here.
    pub fn unknown_required(&self) -> impl Iterator<Item = u16> + use<'a> {
        self.attributes().filter_map(|attribute| match attribute {
            Attribute::Unknown { kind, .. } if kind::is_required(kind) => Some(kind),
            _ => None,
        })
    }

    /// What MESSAGE-INTEGRITY covers, and its value of 20 bytes.
    #[must_use]
    pub fn integrity(&self) -> Option<Covered<'a>> {
        self.covered(self.layout.integrity?)
    }

    /// What MESSAGE-INTEGRITY-SHA256 covers, and its value of 16 to 32 bytes.
    #[must_use]
    pub fn integrity_sha256(&self) -> Option<Covered<'a>> {
        self.covered(self.layout.integrity_sha256?)
    }

    /// Whether a fingerprint was there, and so was right.
    #[must_use]
    pub const fn has_fingerprint(&self) -> bool {
        self.layout.fingerprint.is_some()
    }

    /// RFC 8489 §14.5: the code covers all before it, with a header whose length
    /// ends behind the code.
    fn covered(&self, at: usize) -> Option<Covered<'a>> {
        let mut r = Reader::new(self.bytes.get(at..)?);
        r.u16("kind").ok()?;
        let code = r.prefixed_u16("code").ok()?;
        let mut header = *self.bytes.first_chunk::<HEADER_LEN>()?;
        let length = at + 4 + code.len() - HEADER_LEN;
        let [high, low] = u16::try_from(length).ok()?.to_be_bytes();
        (header[2], header[3]) = (high, low);
        Some(Covered {
            header,
            rest: self.bytes.get(HEADER_LEN..at)?,
            code,
        })
    }
}

/// Which bytes does a message integrity cover, and what is its value?
///
/// The header differs from the received one in its length, so the covered bytes
/// are two slices: nothing has to be copied to check them.
#[derive(Clone, Copy, Debug)]
pub struct Covered<'a> {
    /// The header, with the length that counts.
    pub header: [u8; HEADER_LEN],
    /// The attributes before the integrity.
    pub rest: &'a [u8],
    /// The code to compare with.
    pub code: &'a [u8],
}

impl Layout {
    /// Checks every attribute once and notes where the special ones are.
    fn of(bytes: &[u8], id: TransactionId) -> Result<Self, Malformed> {
        let mut walk = Walk::new(bytes.get(HEADER_LEN..).unwrap_or_default());
        let mut layout = Self {
            end: bytes.len(),
            ..Self::default()
        };
        for count in 0.. {
            let at = bytes.len() - walk.rest.len();
            let Some((kind, value)) = walk.next()? else {
                break;
            };
            // RFC 8489 §14.7: the fingerprint is the last attribute.
            if layout.fingerprint.is_some() {
                return Err(Malformed("stun attribute after fingerprint"));
            }
            if count == MAX_ATTRIBUTES {
                return Err(Malformed("stun attribute count"));
            }
            layout.note(at, kind, value)?;
            if layout.end == bytes.len() {
                Attribute::from_value(kind, value, id)?;
            }
        }
        Ok(layout)
    }

    fn note(&mut self, at: usize, kind: u16, value: &[u8]) -> Result<(), Malformed> {
        let slot = match (kind, value.len()) {
            (kind::MESSAGE_INTEGRITY, 20) if self.integrity_sha256.is_none() => &mut self.integrity,
            // RFC 8489 §14.6: it may be cut to a multiple of 4, not below 16 bytes.
            (kind::MESSAGE_INTEGRITY_SHA256, 16 | 20 | 24 | 28 | 32) => &mut self.integrity_sha256,
            (kind::FINGERPRINT, 4) => &mut self.fingerprint,
            (kind::MESSAGE_INTEGRITY, 20) => return Ok(()),
            (kind::MESSAGE_INTEGRITY | kind::MESSAGE_INTEGRITY_SHA256, _) => {
                return Err(Malformed("stun message integrity"));
            }
            (kind::FINGERPRINT, _) => return Err(Malformed("stun fingerprint")),
            _ => return Ok(()),
        };
        slot.get_or_insert(at);
        self.end = self.end.min(at);
        Ok(())
    }
}

/// The statements of a message, in order.
#[derive(Clone, Debug)]
pub struct Attributes<'a> {
    walk: Walk<'a>,
    id: TransactionId,
}

impl<'a> Iterator for Attributes<'a> {
    type Item = Attribute<'a>;

    fn next(&mut self) -> Option<Attribute<'a>> {
        // `Message::parse` saw them all without a complaint.
        let (kind, value) = self.walk.next().ok()??;
        Attribute::from_value(kind, value, self.id).ok()
    }
}

/// From one attribute to the next.
#[derive(Clone, Debug)]
struct Walk<'a> {
    rest: &'a [u8],
}

impl<'a> Walk<'a> {
    const fn new(rest: &'a [u8]) -> Self {
        Self { rest }
    }

    fn next(&mut self) -> Result<Option<(u16, &'a [u8])>, Malformed> {
        const FIELD: &str = "stun attribute";
        if self.rest.is_empty() {
            return Ok(None);
        }
        let mut r = Reader::new(self.rest);
        let kind = r.u16(FIELD)?;
        let value = r.prefixed_u16(FIELD)?;
        // The padding may hold anything (RFC 8489 §14).
        r.bytes(value.len().next_multiple_of(4) - value.len(), FIELD)?;
        self.rest = r.rest();
        Ok(Some((kind, value)))
    }
}

/// RFC 8489 §14.7: the CRC-32 of all before it, XORed with `"STUN"`.
fn check_fingerprint(bytes: &[u8], at: usize) -> Result<(), Malformed> {
    const FIELD: &str = "stun fingerprint";
    let (covered, attribute) = bytes.split_at_checked(at).ok_or(Malformed(FIELD))?;
    let mut r = Reader::new(attribute);
    r.u32(FIELD)?;
    if r.u32(FIELD)? == fingerprint(covered) {
        Ok(())
    } else {
        Err(Malformed(FIELD))
    }
}

/// The fingerprint of `covered`, whose header already counts it in.
pub(super) fn fingerprint(covered: &[u8]) -> u32 {
    crc32(covered) ^ u32::from_be_bytes(*b"STUN")
}

/// `STUN Binding request 0102abcd… prio=1 USE-CANDIDATE`.
impl fmt::Display for Message<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let header = &self.header;
        write!(
            f,
            "STUN {} {} {}",
            header.method, header.class, header.transaction_id
        )?;
        self.attributes()
            .try_for_each(|attribute| write!(f, " {attribute}"))
    }
}

impl fmt::Debug for Message<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// More would be an attack: a TURN response has fewer than 16.
const MAX_ATTRIBUTES: usize = 64;
