//! The first 20 bytes of every message (RFC 8489 §5).

use core::fmt;

use super::MAGIC_COOKIE;
use crate::cursor::{Malformed, Reader, Writer};

/// What kind of message is it, and to which transaction does it belong?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Whether it asks, tells or answers.
    pub class: Class,
    /// What it is about.
    pub method: Method,
    /// How many bytes of attributes follow; a multiple of 4.
    pub length: u16,
    /// What ties an answer to its question.
    pub transaction_id: TransactionId,
}

impl Header {
    /// Reads a header.
    ///
    /// # Errors
    ///
    /// [`Malformed`] if it is cut, or is not one of RFC 8489.
    pub fn parse(r: &mut Reader<'_>) -> Result<Self, Malformed> {
        let message_type = r.u16("stun type")?;
        let length = r.u16("stun length")?;
        if message_type & 0xc000 != 0 {
            return Err(Malformed("stun type"));
        }
        // RFC 8489 §5: attributes are padded, so the last two bits are zero.
        if !length.is_multiple_of(4) {
            return Err(Malformed("stun length"));
        }
        if r.u32("stun magic cookie")? != MAGIC_COOKIE {
            return Err(Malformed("stun magic cookie"));
        }
        Ok(Self {
            class: Class::from_type(message_type),
            method: Method::from_type(message_type),
            length,
            transaction_id: TransactionId(r.array("stun transaction id")?),
        })
    }

    /// The size of [`emit`](Self::emit).
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "a header is never empty")]
    pub const fn len(&self) -> usize {
        super::HEADER_LEN
    }

    /// Writes the header.
    pub fn emit(&self, w: &mut Writer<'_>) {
        w.u16(self.class.bits() | self.method.bits());
        w.u16(self.length);
        w.u32(MAGIC_COOKIE);
        w.bytes(&self.transaction_id.0);
    }
}

/// Does the message ask, tell or answer?
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// It wants an answer.
    Request,
    /// It wants none.
    Indication,
    /// The answer to a request that was served.
    Success,
    /// The answer to a request that was refused.
    Error,
}

impl Class {
    const fn from_type(message_type: u16) -> Self {
        match (message_type & 0x0100 != 0, message_type & 0x0010 != 0) {
            (false, false) => Self::Request,
            (false, true) => Self::Indication,
            (true, false) => Self::Success,
            (true, true) => Self::Error,
        }
    }

    const fn bits(self) -> u16 {
        match self {
            Self::Request => 0,
            Self::Indication => 0x0010,
            Self::Success => 0x0100,
            Self::Error => 0x0110,
        }
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Request => "request",
            Self::Indication => "indication",
            Self::Success => "success",
            Self::Error => "error",
        })
    }
}

/// What is a message about? A number of 12 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Method(u16);

impl Method {
    /// Which address do you see me at (RFC 8489 §3)? ICE's checks are such requests.
    pub const BINDING: Self = Self(0x001);
    /// Lend me an address (RFC 8656 §7).
    pub const ALLOCATE: Self = Self(0x003);
    /// Keep it for me, or take it back (RFC 8656 §8).
    pub const REFRESH: Self = Self(0x004);
    /// Hand this on to a peer (RFC 8656 §11.1).
    pub const SEND: Self = Self(0x006);
    /// This came from a peer (RFC 8656 §11.4).
    pub const DATA: Self = Self(0x007);
    /// Let these peers reach me (RFC 8656 §10).
    pub const CREATE_PERMISSION: Self = Self(0x008);
    /// Call this peer by a number (RFC 8656 §12).
    pub const CHANNEL_BIND: Self = Self(0x009);

    /// The method with this number, of which the low 12 bits count.
    #[must_use]
    pub const fn new(number: u16) -> Self {
        Self(number & 0x0fff)
    }

    /// Its number.
    #[must_use]
    pub const fn number(self) -> u16 {
        self.0
    }

    /// The class bits sit between the method's, as a heritage of RFC 3489.
    const fn from_type(message_type: u16) -> Self {
        Self(
            (message_type & 0x000f)
                | ((message_type & 0x00e0) >> 1)
                | ((message_type & 0x3e00) >> 2),
        )
    }

    const fn bits(self) -> u16 {
        (self.0 & 0x000f) | ((self.0 & 0x0070) << 1) | ((self.0 & 0x0f80) << 2)
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::BINDING => f.write_str("Binding"),
            Self::ALLOCATE => f.write_str("Allocate"),
            Self::REFRESH => f.write_str("Refresh"),
            Self::SEND => f.write_str("Send"),
            Self::DATA => f.write_str("Data"),
            Self::CREATE_PERMISSION => f.write_str("CreatePermission"),
            Self::CHANNEL_BIND => f.write_str("ChannelBind"),
            Self(number) => write!(f, "method {number:#05x}"),
        }
    }
}

/// Which question does this answer belong to?
///
/// Random, so that nobody who did not see the request can answer it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TransactionId(pub [u8; 12]);

impl fmt::Display for TransactionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, ..] = self.0;
        write!(f, "{a:02x}{b:02x}{c:02x}{d:02x}…")
    }
}
