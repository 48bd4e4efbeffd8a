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

#[cfg(test)]
mod tests {
    use alloc::string::ToString;
    use alloc::vec::Vec;
    use core::net::SocketAddr;

    use proptest::prelude::*;

    use super::*;
    use crate::wire::stun::{Attribute, TransactionId, kind};

    const ID: TransactionId = TransactionId(*b"0123456789ab");

    fn emit(attribute: &Attribute<'_>) -> Vec<u8> {
        let mut buf = Vec::new();
        attribute.emit(ID, &mut Writer::new(&mut buf, 1000));
        assert_eq!(buf.len(), attribute.len());
        buf
    }

    fn peer() -> SocketAddr {
        SocketAddr::from(([192, 0, 2, 1], 0x1234))
    }

    /// Each with its value on the wire, and what a trace shows.
    fn table() -> [(Attribute<'static>, &'static [u8], &'static str); 19] {
        const LIST: &[u8] = &[0, 2, 0, 0, 0, 1, 0, 0, 0x70, 0, 0, 1, 9, 0, 0, 0];
        // 192.0.2.1:4660 under the magic cookie, and in plain.
        const HIDDEN: &[u8] = &[0, 1, 0x33, 0x26, 0xe1, 0x12, 0xa6, 0x43];
        const PLAIN: &[u8] = &[0, 1, 0x12, 0x34, 192, 0, 2, 1];
        let capacity = ErrorCode::new(508, "full").expect("a code");
        let list = PasswordAlgorithms::parse(LIST).expect("a list");
        let icmp = Icmp {
            kind: 3,
            code: 4,
            data: 1400,
        };
        let none = AddressErrorCode {
            family: AddressFamily::Ipv6,
            error: capacity,
        };
        [
            (
                Attribute::ChannelNumber(0x4001),
                &[0x40, 1, 0, 0],
                "channel=0x4001",
            ),
            (Attribute::Lifetime(600), &[0, 0, 2, 0x58], "lifetime=600"),
            (
                Attribute::XorPeerAddress(peer()),
                HIDDEN,
                "peer=192.0.2.1:4660",
            ),
            (
                Attribute::XorRelayedAddress(peer()),
                HIDDEN,
                "relayed=192.0.2.1:4660",
            ),
            (
                Attribute::AlternateServer(peer()),
                PLAIN,
                "alternate=192.0.2.1:4660",
            ),
            (
                Attribute::AlternateDomain("a.example"),
                b"a.example",
                "domain=\"a.example\"",
            ),
            (Attribute::Data(b"\x00\x01x"), b"\x00\x01x", "data[3]"),
            (
                Attribute::RequestedAddressFamily(AddressFamily::Ipv6),
                &[2, 0, 0, 0],
                "family=ipv6",
            ),
            (
                Attribute::AdditionalAddressFamily(AddressFamily::Ipv4),
                &[1, 0, 0, 0],
                "more=ipv4",
            ),
            (Attribute::EvenPort(true), &[0x80], "even-port reserve=true"),
            (Attribute::EvenPort(false), &[0], "even-port reserve=false"),
            (
                Attribute::RequestedTransport(17),
                &[17, 0, 0, 0],
                "transport=17",
            ),
            (Attribute::DontFragment, &[], "DONT-FRAGMENT"),
            (
                Attribute::ReservationToken(b"reserved"),
                b"reserved",
                "token",
            ),
            (
                Attribute::AddressErrorCode(none),
                b"\x02\0\x05\x08full",
                "no-ipv6: 508 \"full\"",
            ),
            (
                Attribute::Icmp(icmp),
                &[0, 0, 6, 4, 0, 0, 5, 0x78],
                "icmp=3/4/1400",
            ),
            (Attribute::Userhash(&[7; 32]), &[7; 32], "userhash"),
            (
                Attribute::PasswordAlgorithms(list),
                LIST,
                "algorithms=SHA-256,MD5,28672",
            ),
            (
                Attribute::PasswordAlgorithm(PasswordAlgorithm::SHA256),
                &[0, 2, 0, 0],
                "algorithm=SHA-256",
            ),
        ]
    }

    #[test]
    fn each_attribute_of_a_relay_is_written_and_read() {
        for (attribute, value, shown) in table() {
            let bytes = emit(&attribute);
            assert_eq!(bytes[..2], attribute.kind().to_be_bytes());
            assert_eq!(usize::from(bytes[3]), value.len(), "{shown}");
            assert_eq!(&bytes[4..4 + value.len()], value, "{shown}");
            assert_eq!(
                Attribute::from_value(attribute.kind(), value, ID),
                Ok(attribute)
            );
            assert_eq!(attribute.to_string(), shown);
        }
    }

    /// ATK-026: no value is read that is shorter or longer than its format.
    #[test]
    fn atk_026_cut_and_grown_values_are_refused() {
        for (attribute, value, shown) in table() {
            let kind = attribute.kind();
            // Those of any length are cut where something of a fixed length ends.
            let whole_from = match kind {
                kind::DATA | kind::ALTERNATE_DOMAIN => continue,
                kind::ADDRESS_ERROR_CODE => 4,
                _ => value.len(),
            };
            for len in 0..whole_from {
                let is_list = kind == kind::PASSWORD_ALGORITHMS
                    && PasswordAlgorithms::parse(&value[..len]).is_ok();
                let read = Attribute::from_value(kind, &value[..len], ID);
                assert!(read.is_err() || is_list, "{shown} cut to {len}");
            }
            let mut longer = value.to_vec();
            longer.push(0xff);
            let read = Attribute::from_value(kind, &longer, ID);
            assert!(read.is_err(), "{shown} with a byte more");
        }
    }

    #[test]
    fn families_and_codes_that_are_none_are_refused() {
        for (kind, value) in [
            (kind::REQUESTED_ADDRESS_FAMILY, &[0_u8, 0, 0, 0][..]),
            (kind::REQUESTED_ADDRESS_FAMILY, &[3, 0, 0, 0]),
            (kind::ADDITIONAL_ADDRESS_FAMILY, &[9, 0, 0, 0]),
            (kind::ADDRESS_ERROR_CODE, &[3, 0, 5, 8]),
            (kind::ADDRESS_ERROR_CODE, &[1, 0, 2, 0]),
            (kind::ALTERNATE_DOMAIN, &[b'a'; 256]),
            (kind::ALTERNATE_DOMAIN, &[0xff]),
            (kind::USERHASH, &[0; 31]),
        ] {
            assert!(
                Attribute::from_value(kind, value, ID).is_err(),
                "{kind:#06x}"
            );
        }
    }

    #[test]
    fn reserved_bits_are_ignored() {
        let read = |kind, value| Attribute::from_value(kind, value, ID);
        assert_eq!(
            read(kind::CHANNEL_NUMBER, &[0x40, 0, 0xff, 0xff]),
            Ok(Attribute::ChannelNumber(0x4000))
        );
        assert_eq!(
            read(kind::EVEN_PORT, &[0x7f]),
            Ok(Attribute::EvenPort(false))
        );
        assert_eq!(
            read(kind::REQUESTED_TRANSPORT, &[17, 1, 2, 3]),
            Ok(Attribute::RequestedTransport(17))
        );
        assert_eq!(
            read(kind::REQUESTED_ADDRESS_FAMILY, &[1, 7, 7, 7]),
            Ok(Attribute::RequestedAddressFamily(AddressFamily::Ipv4))
        );
    }

    /// The padding of the last parameters may be that of the attribute.
    #[test]
    fn a_list_may_end_without_its_padding() {
        let list = PasswordAlgorithms::parse(&[0x70, 0, 0, 1, 9]).expect("a list");
        let only = PasswordAlgorithm {
            number: 0x7000,
            parameters: &[9],
        };
        assert!(list.iter().eq([only]));
    }

    proptest! {
        #[test]
        fn addresses_of_relays_come_back(ip: [u8; 16], short: [u8; 4], port: u16, id: [u8; 12]) {
            for address in [SocketAddr::from((ip, port)), SocketAddr::from((short, port))] {
                for attribute in [
                    Attribute::XorPeerAddress(address),
                    Attribute::XorRelayedAddress(address),
                    Attribute::AlternateServer(address),
                ] {
                    let mut buf = Vec::new();
                    attribute.emit(TransactionId(id), &mut Writer::new(&mut buf, 100));
                    let read = Attribute::from_value(attribute.kind(), &buf[4..], TransactionId(id));
                    prop_assert_eq!(read, Ok(attribute));
                }
            }
        }

        #[test]
        fn any_value_is_survived(kind in 0x000c..0x0030_u16, high: bool, value in proptest::collection::vec(any::<u8>(), 0..50)) {
            let kind = if high { kind | 0x8000 } else { kind };
            if let Ok(attribute) = Attribute::from_value(kind, &value, ID) {
                let bytes = emit(&attribute);
                let len = usize::from(u16::from_be_bytes([bytes[2], bytes[3]]));
                let again = Attribute::from_value(kind, &bytes[4..4 + len], ID);
                prop_assert_eq!(again, Ok(attribute));
                let _ = attribute.to_string();
            }
        }
    }
}
