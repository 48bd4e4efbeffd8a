//! What a message says (RFC 8489 §14, RFC 8656 §18, RFC 8445 §16.1).

use core::fmt;
use core::net::SocketAddr;

use super::address::{self, Mask};
use super::{
    AddressErrorCode, AddressFamily, ErrorCode, Icmp, PasswordAlgorithm, PasswordAlgorithms,
    TransactionId, kind,
};
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
    /// Whose password keys the integrity, told only to who knows (RFC 8489 §14.4).
    Userhash(&'a [u8; 32]),
    /// How a key can be made of a password.
    PasswordAlgorithms(PasswordAlgorithms<'a>),
    /// How the key of this message was made.
    PasswordAlgorithm(PasswordAlgorithm<'a>),
    /// Which server shall be asked instead, in plain.
    AlternateServer(SocketAddr),
    /// For which name that server has a certificate; at most 255 bytes.
    AlternateDomain(&'a str),
    /// Which channel of a relay.
    ChannelNumber(u16),
    /// For how many seconds an address is lent.
    Lifetime(u32),
    /// Which peer of a relay's client.
    XorPeerAddress(SocketAddr),
    /// What a peer sends, or is sent.
    Data(&'a [u8]),
    /// The address that a relay lends.
    XorRelayedAddress(SocketAddr),
    /// Of which version that address shall be.
    RequestedAddressFamily(AddressFamily),
    /// The port shall be even, and the next one reserved if `true`.
    EvenPort(bool),
    /// Over which IP protocol the peers are reached: 17, which is UDP.
    RequestedTransport(u8),
    /// Datagrams to the peers shall not be cut into fragments.
    DontFragment,
    /// Which reserved port is meant.
    ReservationToken(&'a [u8; 8]),
    /// An address of this version is wished besides.
    AdditionalAddressFamily(AddressFamily),
    /// Why there is none of one version.
    AddressErrorCode(AddressErrorCode<'a>),
    /// What became of a datagram to a peer.
    Icmp(Icmp),
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
            kind::USERHASH => Self::Userhash(exact(r.rest(), "stun userhash")?),
            kind::PASSWORD_ALGORITHMS => {
                Self::PasswordAlgorithms(PasswordAlgorithms::parse(r.rest())?)
            }
            kind::PASSWORD_ALGORITHM => {
                Self::PasswordAlgorithm(PasswordAlgorithm::parse(r.rest())?)
            }
            kind::ALTERNATE_SERVER => Self::AlternateServer(address::parse(r.rest(), &Mask::NONE)?),
            kind::ALTERNATE_DOMAIN => {
                Self::AlternateDomain(text(r.rest(), MAX_DOMAIN, "stun alternate domain")?)
            }
            kind::PRIORITY => Self::Priority(r.u32("stun priority")?),
            kind::USE_CANDIDATE => Self::UseCandidate,
            kind::ICE_CONTROLLED => Self::IceControlled(r.u64("stun ice-controlled")?),
            kind::ICE_CONTROLLING => Self::IceControlling(r.u64("stun ice-controlling")?),
            kind::NOMINATION => Self::Nomination(r.u32("stun nomination")?),
            _ => Self::of_relay(kind, &mut r, id)?,
        };
        r.finish("stun attribute length")?;
        Ok(attribute)
    }

    /// Those of RFC 8656.
    fn of_relay(kind: u16, r: &mut Reader<'a>, id: TransactionId) -> Result<Self, Malformed> {
        Ok(match kind {
            kind::CHANNEL_NUMBER => {
                let number = r.u16("stun channel number")?;
                // The other half is reserved and ignored.
                r.u16("stun channel number")?;
                Self::ChannelNumber(number)
            }
            kind::LIFETIME => Self::Lifetime(r.u32("stun lifetime")?),
            kind::XOR_PEER_ADDRESS => {
                Self::XorPeerAddress(address::parse(r.rest(), &Mask::xor(id))?)
            }
            kind::DATA => Self::Data(r.rest()),
            kind::XOR_RELAYED_ADDRESS => {
                Self::XorRelayedAddress(address::parse(r.rest(), &Mask::xor(id))?)
            }
            kind::REQUESTED_ADDRESS_FAMILY => {
                Self::RequestedAddressFamily(AddressFamily::parse(r.rest())?)
            }
            kind::EVEN_PORT => Self::EvenPort(r.u8("stun even port")? & 0x80 != 0),
            kind::REQUESTED_TRANSPORT => {
                let [protocol, _, _, _] = r.array("stun requested transport")?;
                Self::RequestedTransport(protocol)
            }
            kind::DONT_FRAGMENT => Self::DontFragment,
            kind::RESERVATION_TOKEN => {
                Self::ReservationToken(exact(r.rest(), "stun reservation token")?)
            }
            kind::ADDITIONAL_ADDRESS_FAMILY => {
                Self::AdditionalAddressFamily(AddressFamily::parse(r.rest())?)
            }
            kind::ADDRESS_ERROR_CODE => Self::AddressErrorCode(AddressErrorCode::parse(r.rest())?),
            kind::ICMP => Self::Icmp(Icmp::parse(r.rest())?),
            _ => Self::Unknown {
                kind,
                bytes: r.rest(),
            },
        })
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
            Self::Userhash(_) => kind::USERHASH,
            Self::PasswordAlgorithms(_) => kind::PASSWORD_ALGORITHMS,
            Self::PasswordAlgorithm(_) => kind::PASSWORD_ALGORITHM,
            Self::AlternateServer(_) => kind::ALTERNATE_SERVER,
            Self::AlternateDomain(_) => kind::ALTERNATE_DOMAIN,
            Self::ChannelNumber(_) => kind::CHANNEL_NUMBER,
            Self::Lifetime(_) => kind::LIFETIME,
            Self::XorPeerAddress(_) => kind::XOR_PEER_ADDRESS,
            Self::Data(_) => kind::DATA,
            Self::XorRelayedAddress(_) => kind::XOR_RELAYED_ADDRESS,
            Self::RequestedAddressFamily(_) => kind::REQUESTED_ADDRESS_FAMILY,
            Self::EvenPort(_) => kind::EVEN_PORT,
            Self::RequestedTransport(_) => kind::REQUESTED_TRANSPORT,
            Self::DontFragment => kind::DONT_FRAGMENT,
            Self::ReservationToken(_) => kind::RESERVATION_TOKEN,
            Self::AdditionalAddressFamily(_) => kind::ADDITIONAL_ADDRESS_FAMILY,
            Self::AddressErrorCode(_) => kind::ADDRESS_ERROR_CODE,
            Self::Icmp(_) => kind::ICMP,
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
            Self::MappedAddress(address)
            | Self::XorMappedAddress(address)
            | Self::AlternateServer(address)
            | Self::XorPeerAddress(address)
            | Self::XorRelayedAddress(address) => address::len(*address),
            Self::Username(text)
            | Self::Realm(text)
            | Self::Software(text)
            | Self::AlternateDomain(text) => text.len(),
            Self::ErrorCode(error) => error.len(),
            Self::AddressErrorCode(error) => error.len(),
            Self::UnknownAttributes(UnknownAttributes(bytes))
            | Self::Nonce(bytes)
            | Self::Data(bytes)
            | Self::Unknown { bytes, .. } => bytes.len(),
            Self::PasswordAlgorithms(list) => list.bytes().len(),
            Self::PasswordAlgorithm(algorithm) => algorithm.len(),
            Self::Userhash(_) => 32,
            Self::Priority(_)
            | Self::Nomination(_)
            | Self::ChannelNumber(_)
            | Self::Lifetime(_)
            | Self::RequestedAddressFamily(_)
            | Self::RequestedTransport(_)
            | Self::AdditionalAddressFamily(_) => 4,
            Self::UseCandidate | Self::DontFragment => 0,
            Self::EvenPort(_) => 1,
            Self::IceControlled(_)
            | Self::IceControlling(_)
            | Self::ReservationToken(_)
            | Self::Icmp(_) => 8,
        }
    }

    fn emit_value(&self, id: TransactionId, w: &mut Writer<'_>) {
        match *self {
            Self::MappedAddress(address) | Self::AlternateServer(address) => {
                address::emit(address, &Mask::NONE, w);
            }
            Self::XorMappedAddress(address)
            | Self::XorPeerAddress(address)
            | Self::XorRelayedAddress(address) => address::emit(address, &Mask::xor(id), w),
            Self::Username(text)
            | Self::Realm(text)
            | Self::Software(text)
            | Self::AlternateDomain(text) => w.bytes(text.as_bytes()),
            Self::ErrorCode(error) => error.emit(w),
            Self::AddressErrorCode(error) => error.emit(w),
            Self::UnknownAttributes(UnknownAttributes(bytes))
            | Self::Nonce(bytes)
            | Self::Data(bytes)
            | Self::Unknown { bytes, .. } => w.bytes(bytes),
            Self::PasswordAlgorithms(list) => w.bytes(list.bytes()),
            Self::PasswordAlgorithm(algorithm) => algorithm.emit(w),
            Self::Userhash(hash) => w.bytes(hash),
            Self::ReservationToken(token) => w.bytes(token),
            Self::Priority(number) | Self::Nomination(number) | Self::Lifetime(number) => {
                w.u32(number);
            }
            Self::ChannelNumber(number) => w.u32(u32::from(number) << 16),
            Self::RequestedAddressFamily(family) | Self::AdditionalAddressFamily(family) => {
                family.emit(w);
            }
            Self::RequestedTransport(protocol) => w.bytes(&[protocol, 0, 0, 0]),
            Self::EvenPort(reserve) => w.u8(u8::from(reserve) << 7),
            Self::Icmp(icmp) => icmp.emit(w),
            Self::UseCandidate | Self::DontFragment => {}
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

fn exact<'a, const N: usize>(
    value: &'a [u8],
    field: &'static str,
) -> Result<&'a [u8; N], Malformed> {
    value.try_into().map_err(|_| Malformed(field))
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
            Self::Userhash(_) => f.write_str("userhash"),
            Self::PasswordAlgorithms(list) => {
                f.write_str("algorithms")?;
                let mut before = '=';
                list.iter().try_for_each(|algorithm| {
                    let separator = core::mem::replace(&mut before, ',');
                    write!(f, "{separator}{algorithm}")
                })
            }
            Self::PasswordAlgorithm(algorithm) => write!(f, "algorithm={algorithm}"),
            Self::AlternateServer(address) => write!(f, "alternate={address}"),
            Self::AlternateDomain(domain) => write!(f, "domain={domain:?}"),
            Self::ChannelNumber(number) => write!(f, "channel={number:#06x}"),
            Self::Lifetime(seconds) => write!(f, "lifetime={seconds}"),
            Self::XorPeerAddress(address) => write!(f, "peer={address}"),
            Self::Data(bytes) => write!(f, "data[{}]", bytes.len()),
            Self::XorRelayedAddress(address) => write!(f, "relayed={address}"),
            Self::RequestedAddressFamily(family) => write!(f, "family={family}"),
            Self::EvenPort(reserve) => write!(f, "even-port reserve={reserve}"),
            Self::RequestedTransport(protocol) => write!(f, "transport={protocol}"),
            Self::DontFragment => f.write_str("DONT-FRAGMENT"),
            Self::ReservationToken(_) => f.write_str("token"),
            Self::AdditionalAddressFamily(family) => write!(f, "more={family}"),
            Self::AddressErrorCode(error) => write!(f, "no-{}: {}", error.family, error.error),
            Self::Icmp(Icmp { kind, code, data }) => write!(f, "icmp={kind}/{code}/{data}"),
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
/// RFC 8489 §14.16: at most 255 characters of ASCII.
const MAX_DOMAIN: usize = 255;
