//! Questions, and the records that answer them.

use core::fmt;
use core::net::IpAddr;

use super::{CLASS_ANY, CLASS_IN, Name, TOP_BIT, kind};
use crate::cursor::{Malformed, Reader, Writer};

/// What is asked about a name (RFC 1035 §4.1.2)?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Question<'a> {
    /// The name.
    pub name: Name<'a>,
    /// The type of the records wanted; see [`kind`].
    pub kind: u16,
    /// Their class, of 15 bits.
    pub class: u16,
    /// QU: an answer to the asker alone will do (RFC 6762 §5.4).
    pub unicast: bool,
}

impl<'a> Question<'a> {
    pub(super) fn parse(message: &'a [u8], r: &mut Reader<'a>) -> Result<Self, Malformed> {
        let name = Name::parse(message, r)?;
        let kind = r.u16("dns question type")?;
        let class = r.u16("dns question class")?;
        Ok(Self {
            name,
            kind,
            class: class & !TOP_BIT,
            unicast: class & TOP_BIT != 0,
        })
    }

    /// Whether it asks about the Internet, as all do that are of use here.
    #[must_use]
    pub const fn is_internet(&self) -> bool {
        matches!(self.class, CLASS_IN | CLASS_ANY)
    }

    /// The size of [`emit`](Self::emit).
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "a question is never empty")]
    pub fn len(&self) -> usize {
        self.name.len() + 4
    }

    /// Writes the question.
    pub fn emit(&self, w: &mut Writer<'_>) {
        self.name.emit(w);
        w.u16(self.kind);
        w.u16(self.class & !TOP_BIT | if self.unicast { TOP_BIT } else { 0 });
    }
}

impl fmt::Display for Question<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", self.name)?;
        kind_name(self.kind, f)?;
        f.write_str(if self.unicast { "? (QU)" } else { "?" })
    }
}

/// What is said about a name (RFC 1035 §4.1.3)?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    /// The name.
    pub name: Name<'a>,
    /// Whether this replaces what was said before (RFC 6762 §10.2).
    pub flush: bool,
    /// For how many seconds it is true; 0 if it no longer is (RFC 6762 §10.1).
    pub ttl: u32,
    /// What is said.
    pub data: Data<'a>,
}

/// The content of a [`Record`], by its type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Data<'a> {
    /// A or AAAA: it has this address.
    Address(IpAddr),
    /// NSEC as RFC 6762 §6.1 restricts it: of the types A and AAAA, it has only
    /// those that are said here.
    Only {
        /// A.
        ipv4: bool,
        /// AAAA.
        ipv6: bool,
    },
    /// Something else.
    Unknown {
        /// The type.
        kind: u16,
        /// The class, of 15 bits.
        class: u16,
        /// The data, in which names may point into the message.
        bytes: &'a [u8],
    },
}

impl<'a> Record<'a> {
    pub(super) fn parse(message: &'a [u8], r: &mut Reader<'a>) -> Result<Self, Malformed> {
        let name = Name::parse(message, r)?;
        let kind = r.u16("dns record type")?;
        let class = r.u16("dns record class")?;
        let ttl = r.u32("dns record ttl")?;
        // A compressed name in the data points into the message.
        let start = message.len().saturating_sub(r.remaining()) + 2;
        let bytes = r.prefixed_u16("dns record data")?;
        let upto = message.get(..start + bytes.len()).unwrap_or_default();
        Ok(Self {
            name,
            flush: class & TOP_BIT != 0,
            ttl,
            data: Data::parse(kind, class & !TOP_BIT, bytes, upto)?,
        })
    }

    /// The size of [`emit`](Self::emit).
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "a record is never empty")]
    pub fn len(&self) -> usize {
        let data = match self.data {
            Data::Address(IpAddr::V4(_)) => 4,
            Data::Address(IpAddr::V6(_)) => 16,
            Data::Only { ipv4, ipv6 } => self.name.len() + 2 + bitmap(ipv4, ipv6).len(),
            Data::Unknown { bytes, .. } => bytes.len(),
        };
        self.name.len() + 10 + data
    }

    /// Writes the record.
    pub fn emit(&self, w: &mut Writer<'_>) {
        let (kind, class) = self.data.kind_and_class();
        self.name.emit(w);
        w.u16(kind);
        w.u16(class & !TOP_BIT | if self.flush { TOP_BIT } else { 0 });
        w.u32(self.ttl);
        w.prefixed_u16(|w| match self.data {
            Data::Address(IpAddr::V4(ip)) => w.bytes(&ip.octets()),
            Data::Address(IpAddr::V6(ip)) => w.bytes(&ip.octets()),
            Data::Only { ipv4, ipv6 } => {
                self.name.emit(w);
                w.u8(0);
                w.prefixed_u8(|w| w.bytes(bitmap(ipv4, ipv6)));
            }
            Data::Unknown { bytes, .. } => w.bytes(bytes),
        });
    }
}

impl<'a> Data<'a> {
    fn parse(kind: u16, class: u16, bytes: &'a [u8], upto: &'a [u8]) -> Result<Self, Malformed> {
        let unknown = Self::Unknown { kind, class, bytes };
        if class != CLASS_IN {
            return Ok(unknown);
        }
        let mut r = Reader::new(bytes);
        match kind {
            kind::A => {
                let ip = r.array::<4>("dns address")?;
                r.finish("dns address")?;
                Ok(Self::Address(ip.into()))
            }
            kind::AAAA => {
                let ip = r.array::<16>("dns address")?;
                r.finish("dns address")?;
                Ok(Self::Address(ip.into()))
            }
            // RFC 6762 §6.1: one of another form is no reason to drop the message.
            kind::NSEC => Ok(only(upto, r).unwrap_or(unknown)),
            _ => Ok(unknown),
        }
    }

    const fn kind_and_class(&self) -> (u16, u16) {
        match *self {
            Data::Address(IpAddr::V4(_)) => (kind::A, CLASS_IN),
            Data::Address(IpAddr::V6(_)) => (kind::AAAA, CLASS_IN),
            Data::Only { .. } => (kind::NSEC, CLASS_IN),
            Data::Unknown { kind, class, .. } => (kind, class),
        }
    }
}

/// NSEC: a name that means nothing, one block of bits for the types 0 to 255.
fn only<'a>(message: &'a [u8], mut r: Reader<'a>) -> Result<Data<'a>, Malformed> {
    Name::parse(message, &mut r)?;
    if r.u8("nsec block")? != 0 {
        return Err(Malformed("nsec block"));
    }
    let bits = r.prefixed_u8("nsec bits")?;
    r.finish("nsec bits")?;
    if !(1..=32).contains(&bits.len()) {
        return Err(Malformed("nsec bits"));
    }
    let has = |kind: u16| {
        let byte = bits.get(usize::from(kind / 8)).copied().unwrap_or(0);
        byte & 0x80 >> (kind % 8) != 0
    };
    Ok(Data::Only {
        ipv4: has(kind::A),
        ipv6: has(kind::AAAA),
    })
}

/// The bits of A, the second of the first byte, and of AAAA, the fifth of the fourth.
const fn bitmap(ipv4: bool, ipv6: bool) -> &'static [u8] {
    match (ipv4, ipv6) {
        (false, false) => &[0],
        (true, false) => &[0x40],
        (false, true) => &[0, 0, 0, 0x08],
        (true, true) => &[0x40, 0, 0, 0x08],
    }
}

fn kind_name(kind: u16, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match kind {
        kind::A => f.write_str("A"),
        kind::AAAA => f.write_str("AAAA"),
        kind::NSEC => f.write_str("NSEC"),
        kind::ANY => f.write_str("ANY"),
        other => write!(f, "TYPE{other}"),
    }
}

impl fmt::Display for Record<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.data {
            Data::Address(ip) => write!(f, "{} is {ip}", self.name)?,
            Data::Only { ipv4, ipv6 } => {
                write!(f, "{} has only", self.name)?;
                let kinds = [(ipv4, " A"), (ipv6, " AAAA")];
                for (_, kind) in kinds.iter().filter(|(has, _)| *has) {
                    f.write_str(kind)?;
                }
            }
            Data::Unknown { kind, bytes, .. } => {
                write!(f, "{} ", self.name)?;
                kind_name(kind, f)?;
                write!(f, " of {} bytes", bytes.len())?;
            }
        }
        write!(f, " for {} s", self.ttl)
    }
}
