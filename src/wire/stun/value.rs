//! Values with a structure of their own, mostly those of relays (RFC 8489 §14, RFC 8656 §18).

use core::fmt;

use super::ErrorCode;
use crate::cursor::{Malformed, Reader, Writer};

/// Of which version is an address (RFC 8489 §14.1)?
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AddressFamily {
    /// IPv4.
    Ipv4,
    /// IPv6.
    Ipv6,
}

impl AddressFamily {
    pub(super) const fn from_code(code: u8) -> Option<Self> {
        match code {
            1 => Some(Self::Ipv4),
            2 => Some(Self::Ipv6),
            _ => None,
        }
    }

    pub(super) const fn code(self) -> u8 {
        match self {
            Self::Ipv4 => 1,
            Self::Ipv6 => 2,
        }
    }

    /// A family and 24 reserved bits (RFC 8656 §18.6).
    pub(super) fn parse(value: &[u8]) -> Result<Self, Malformed> {
        const FIELD: &str = "stun address family";
        let [family, _, _, _] = <[u8; 4]>::try_from(value).map_err(|_| Malformed(FIELD))?;
        Self::from_code(family).ok_or(Malformed(FIELD))
    }

    pub(super) fn emit(self, w: &mut Writer<'_>) {
        w.bytes(&[self.code(), 0, 0, 0]);
    }
}

impl fmt::Display for AddressFamily {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ipv4 => "ipv4",
            Self::Ipv6 => "ipv6",
        })
    }
}

/// Why was there no address of one family, though there was one of the other
/// (RFC 8656 §18.12)?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AddressErrorCode<'a> {
    /// The family without an address.
    pub family: AddressFamily,
    /// 440 or 508.
    pub error: ErrorCode<'a>,
}

impl<'a> AddressErrorCode<'a> {
    pub(super) fn parse(value: &'a [u8]) -> Result<Self, Malformed> {
        let family = value
            .first()
            .and_then(|&code| AddressFamily::from_code(code));
        Ok(Self {
            family: family.ok_or(Malformed("stun address error code"))?,
            error: ErrorCode::parse(value)?,
        })
    }

    pub(super) const fn len(&self) -> usize {
        self.error.len()
    }

    pub(super) fn emit(&self, w: &mut Writer<'_>) {
        let at = w.len();
        self.error.emit(w);
        // The family has the first of the bits that ERROR-CODE reserves.
        w.patch(at, &[self.family.code()]);
    }
}

/// Why was a datagram to a peer dropped on its way (RFC 8656 §18.13)?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Icmp {
    /// The type of the ICMP message: 7 bits.
    pub kind: u8,
    /// Its code: 9 bits.
    pub code: u16,
    /// The MTU of the next hop, if the datagram was too large for it.
    pub data: u32,
}

impl Icmp {
    pub(super) fn parse(value: &[u8]) -> Result<Self, Malformed> {
        const FIELD: &str = "stun icmp";
        let mut r = Reader::new(value);
        r.u16(FIELD)?;
        let bits = r.u16(FIELD)?;
        let [high, _] = bits.to_be_bytes();
        let icmp = Self {
            kind: high >> 1,
            code: bits & 0x01ff,
            data: r.u32(FIELD)?,
        };
        r.finish(FIELD)?;
        Ok(icmp)
    }

    pub(super) fn emit(&self, w: &mut Writer<'_>) {
        w.u16(0);
        w.u16(u16::from(self.kind & 0x7f) << 9 | (self.code & 0x01ff));
        w.u32(self.data);
    }
}

/// How is a key made of a password (RFC 8489 §14.12, §18.5)?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PasswordAlgorithm<'a> {
    /// Its number.
    pub number: u16,
    /// What it needs to know; nothing for those that are known here.
    pub parameters: &'a [u8],
}

impl<'a> PasswordAlgorithm<'a> {
    /// MD5, as before RFC 8489.
    pub const MD5: Self = Self::plain(1);
    /// SHA-256.
    pub const SHA256: Self = Self::plain(2);

    const fn plain(number: u16) -> Self {
        Self {
            number,
            parameters: &[],
        }
    }

    pub(super) fn parse(value: &'a [u8]) -> Result<Self, Malformed> {
        let mut r = Reader::new(value);
        let algorithm = Self::next(&mut r)?;
        r.finish("stun password algorithm")?;
        Ok(algorithm)
    }

    fn next(r: &mut Reader<'a>) -> Result<Self, Malformed> {
        const FIELD: &str = "stun password algorithm";
        let number = r.u16(FIELD)?;
        let parameters = r.prefixed_u16(FIELD)?;
        // In the last place, the padding of the attribute does for that of the parameters.
        let padding = parameters.len().next_multiple_of(4) - parameters.len();
        r.bytes(padding.min(r.remaining()), FIELD)?;
        Ok(Self { number, parameters })
    }

    pub(super) const fn len(&self) -> usize {
        4 + self.parameters.len().next_multiple_of(4)
    }

    pub(super) fn emit(&self, w: &mut Writer<'_>) {
        w.u16(self.number);
        w.prefixed_u16(|w| w.bytes(self.parameters));
        w.zeros(self.len() - 4 - self.parameters.len());
    }
}

impl fmt::Display for PasswordAlgorithm<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.number {
            1 => f.write_str("MD5"),
            2 => f.write_str("SHA-256"),
            number => write!(f, "{number}"),
        }
    }
}

/// Which ways does the server know to make a key, the best one first (RFC 8489 §14.11)?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PasswordAlgorithms<'a>(&'a [u8]);

impl<'a> PasswordAlgorithms<'a> {
    /// A list as the attribute carries it.
    ///
    /// # Errors
    ///
    /// [`Malformed`] if an entry is cut.
    pub fn parse(value: &'a [u8]) -> Result<Self, Malformed> {
        let mut r = Reader::new(value);
        while !r.is_empty() {
            PasswordAlgorithm::next(&mut r)?;
        }
        Ok(Self(value))
    }

    /// The list as the attribute carries it: a client has to repeat it.
    #[must_use]
    pub const fn bytes(&self) -> &'a [u8] {
        self.0
    }

    /// Its entries.
    pub fn iter(&self) -> impl Iterator<Item = PasswordAlgorithm<'a>> + use<'a> {
        let mut r = Reader::new(self.0);
        // `parse` saw them all without a complaint.
        core::iter::from_fn(move || {
            (!r.is_empty())
                .then(|| PasswordAlgorithm::next(&mut r).ok())
                .flatten()
        })
    }
}
