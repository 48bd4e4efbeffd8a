//! What a message says (RFC 8489 §14, RFC 8445 §16.1).

use core::fmt;
use core::net::SocketAddr;

use super::address::{self, Mask};
use super::{ErrorCode, TransactionId, kind};
use crate::cursor::{Malformed, Reader, Writer};

/// One statement of a message.
///
/// The integrities and the fingerprint are not among them: they speak of the
/// message as a whole, and [`Message`](super::Message) and
/// [`Builder`](super::Builder) treat them so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Attribute<'a> {
    /// The address that the request came from, in plain.
    MappedAddress(SocketAddr),
    /// The address that the request came from, hidden from NATs that rewrite
    /// whatever looks like one.
    XorMappedAddress(SocketAddr),
    /// Whose password keys the integrity; fewer than 509 bytes.
    Username(&'a str),
    /// Whose users; at most 763 bytes.
    Realm(&'a str),
    /// What the server wants to see again; at most 763 bytes.
    Nonce(&'a [u8]),
    /// Who implemented the sender; at most 763 bytes.
    Software(&'a str),
    /// Why the request was refused.
    ErrorCode(ErrorCode<'a>),
    /// Which attributes were not understood.
    UnknownAttributes(UnknownAttributes<'a>),
    /// Which priority a peer-reflexive candidate learned from the check has.
    Priority(u32),
    /// The controlling agent nominates the pair.
    UseCandidate,
    /// The sender is controlled; its tie-breaker.
    IceControlled(u64),
    /// The sender is controlling; its tie-breaker.
    IceControlling(u64),
    /// How many nominations there were before; the highest wins.
    Nomination(u32),
    /// Any other attribute.
    Unknown {
        /// Its number.
        kind: u16,
        /// Its value.
        bytes: &'a [u8],
    },
}

impl<'a> Attribute<'a> {
    /// The attribute `kind` with `value` in the transaction `id`.
    ///
    /// # Errors
    ///
    /// [`Malformed`] if the attribute is known and the value is not as its
    /// format demands.
    pub fn from_value(kind: u16, value: &'a [u8], id: TransactionId) -> Result<Self, Malformed> {
        let mut r = Reader::new(value);
        let attribute = match kind {
            kind::MAPPED_ADDRESS => Self::MappedAddress(address::parse(r.rest(), &Mask::NONE)?),
            kind::XOR_MAPPED_ADDRESS => {
                Self::XorMappedAddress(address::parse(r.rest(), &Mask::xor(id))?)
            }
            kind::USERNAME => Self::Username(text(r.rest(), MAX_USERNAME, "stun username")?),
            kind::REALM => Self::Realm(text(r.rest(), MAX_TEXT, "stun realm")?),
            kind::NONCE => Self::Nonce(short(r.rest(), MAX_TEXT, "stun nonce")?),
            kind::SOFTWARE => Self::Software(text(r.rest(), MAX_TEXT, "stun software")?),
            kind::ERROR_CODE => Self::ErrorCode(ErrorCode::parse(r.rest())?),
            kind::UNKNOWN_ATTRIBUTES => {
                Self::UnknownAttributes(UnknownAttributes::parse(r.rest())?)
            }
            kind::PRIORITY => Self::Priority(r.u32("stun priority")?),
            kind::USE_CANDIDATE => Self::UseCandidate,
            kind::ICE_CONTROLLED => Self::IceControlled(r.u64("stun ice-controlled")?),
            kind::ICE_CONTROLLING => Self::IceControlling(r.u64("stun ice-controlling")?),
            kind::NOMINATION => Self::Nomination(r.u32("stun nomination")?),
            _ => Self::Unknown {
                kind,
                bytes: r.rest(),
            },
        };
        r.finish("stun attribute length")?;
        Ok(attribute)
    }

    /// Its number.
    #[must_use]
    pub const fn kind(&self) -> u16 {
        match self {
            Self::MappedAddress(_) => kind::MAPPED_ADDRESS,
            Self::XorMappedAddress(_) => kind::XOR_MAPPED_ADDRESS,
            Self::Username(_) => kind::USERNAME,
            Self::Realm(_) => kind::REALM,
            Self::Nonce(_) => kind::NONCE,
            Self::Software(_) => kind::SOFTWARE,
            Self::ErrorCode(_) => kind::ERROR_CODE,
            Self::UnknownAttributes(_) => kind::UNKNOWN_ATTRIBUTES,
            Self::Priority(_) => kind::PRIORITY,
            Self::UseCandidate => kind::USE_CANDIDATE,
            Self::IceControlled(_) => kind::ICE_CONTROLLED,
            Self::IceControlling(_) => kind::ICE_CONTROLLING,
            Self::Nomination(_) => kind::NOMINATION,
            Self::Unknown { kind, .. } => *kind,
        }
    }

    /// The size of [`emit`](Self::emit), padding included.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "an attribute has a header")]
    pub const fn len(&self) -> usize {
        4 + self.value_len().next_multiple_of(4)
    }

    /// Writes the attribute for the transaction `id`, padded with zeros.
    pub fn emit(&self, id: TransactionId, w: &mut Writer<'_>) {
        let before = w.len();
        w.u16(self.kind());
        w.prefixed_u16(|w| self.emit_value(id, w));
        w.zeros((w.len() - before).next_multiple_of(4) - (w.len() - before));
    }

    const fn value_len(&self) -> usize {
        match self {
            Self::MappedAddress(address) | Self::XorMappedAddress(address) => {
                address::len(*address)
            }
            Self::Username(text) | Self::Realm(text) | Self::Software(text) => text.len(),
            Self::ErrorCode(error) => error.len(),
            Self::UnknownAttributes(UnknownAttributes(bytes))
            | Self::Nonce(bytes)
            | Self::Unknown { bytes, .. } => bytes.len(),
            Self::Priority(_) | Self::Nomination(_) => 4,
            Self::UseCandidate => 0,
            Self::IceControlled(_) | Self::IceControlling(_) => 8,
        }
    }

    fn emit_value(&self, id: TransactionId, w: &mut Writer<'_>) {
        match *self {
            Self::MappedAddress(address) => address::emit(address, &Mask::NONE, w),
            Self::XorMappedAddress(address) => address::emit(address, &Mask::xor(id), w),
            Self::Username(text) | Self::Realm(text) | Self::Software(text) => {
                w.bytes(text.as_bytes());
            }
            Self::ErrorCode(error) => error.emit(w),
            Self::UnknownAttributes(UnknownAttributes(bytes))
            | Self::Nonce(bytes)
            | Self::Unknown { bytes, .. } => w.bytes(bytes),
            Self::Priority(number) | Self::Nomination(number) => w.u32(number),
            Self::UseCandidate => {}
            Self::IceControlled(number) | Self::IceControlling(number) => w.u64(number),
        }
    }
}

/// The numbers of attributes that were not understood (RFC 8489 §14.9).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownAttributes<'a>(&'a [u8]);

impl<'a> UnknownAttributes<'a> {
    /// A list of 16-bit numbers in network order.
    ///
    /// # Errors
    ///
    /// [`Malformed`] if half a number is left over.
    pub const fn parse(bytes: &'a [u8]) -> Result<Self, Malformed> {
        if bytes.len().is_multiple_of(2) {
            Ok(Self(bytes))
        } else {
            Err(Malformed("stun unknown attributes"))
        }
    }

    /// The numbers.
    pub fn kinds(&self) -> impl Iterator<Item = u16> + use<'a> {
        self.0
            .as_chunks()
            .0
            .iter()
            .map(|chunk| u16::from_be_bytes(*chunk))
    }
}

fn short<'a>(value: &'a [u8], max: usize, field: &'static str) -> Result<&'a [u8], Malformed> {
    if value.len() <= max {
        Ok(value)
    } else {
        Err(Malformed(field))
    }
}

fn text<'a>(value: &'a [u8], max: usize, field: &'static str) -> Result<&'a str, Malformed> {
    core::str::from_utf8(short(value, max, field)?).map_err(|_| Malformed(field))
}

impl fmt::Display for Attribute<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MappedAddress(address) => write!(f, "plain={address}"),
            Self::XorMappedAddress(address) => write!(f, "mapped={address}"),
            Self::Username(name) => write!(f, "user={name:?}"),
            Self::Realm(realm) => write!(f, "realm={realm:?}"),
            Self::Nonce(nonce) => write!(f, "nonce={}", nonce.escape_ascii()),
            Self::Software(name) => write!(f, "software={name:?}"),
            Self::ErrorCode(error) => write!(f, "{error}"),
            Self::UnknownAttributes(list) => {
                f.write_str("unknown")?;
                let mut before = '=';
                list.kinds().try_for_each(|kind| {
                    let separator = core::mem::replace(&mut before, ',');
                    write!(f, "{separator}{kind:#06x}")
                })
            }
            Self::Priority(priority) => write!(f, "prio={priority}"),
            Self::UseCandidate => f.write_str("USE-CANDIDATE"),
            Self::IceControlled(_) => f.write_str("controlled"),
            Self::IceControlling(_) => f.write_str("controlling"),
            Self::Nomination(count) => write!(f, "nomination={count}"),
            Self::Unknown { kind, bytes } => write!(f, "{kind:#06x}[{}]", bytes.len()),
        }
    }
}

/// RFC 8489 §14.3: fewer than 509 bytes.
const MAX_USERNAME: usize = 508;
/// RFC 8489 §14.9, §14.10, §14.14: at most 763 bytes.
const MAX_TEXT: usize = 763;
