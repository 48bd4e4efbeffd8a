use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;
use core::net::SocketAddr;

use proptest::prelude::*;
use serde_json::Value;

use super::{
    Attribute, Builder, Class, ErrorCode, Header, Message, Method, TransactionId,
    UnknownAttributes, kind,
};
use crate::cursor::{Malformed, Reader, Writer};

const ID: TransactionId = TransactionId(*b"0123456789ab");

fn parse(bytes: &[u8]) -> Result<Message<'_>, Malformed> {
    let mut r = Reader::new(bytes);
    let message = Message::parse(&mut r)?;
    r.finish("trailing bytes")?;
    Ok(message)
}

fn build(fill: impl FnOnce(&mut Builder<'_, '_>)) -> Vec<u8> {
    let mut buf = Vec::new();
    let mut w = Writer::new(&mut buf, 2000);
    fill(&mut Builder::new(
        &mut w,
        Class::Request,
        Method::BINDING,
        ID,
    ));
    assert!(!w.is_overflowed());
    buf
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).expect("vectors are JSON")
}

fn rfc5769() -> Value {
    json(include_str!("../../../tests/vectors/stun/rfc5769.json"))
}

fn rfc8489() -> Value {
    json(include_str!("../../../tests/vectors/stun/rfc8489.json"))
}

fn bytes_of(vector: &Value) -> Vec<u8> {
    hex::decode(vector["message"].as_str().expect("a message")).expect("hex")
}

fn list(value: &Value) -> &Vec<Value> {
    value.as_array().expect("a list")
}

#[test]
fn a_user_name_is_found_without_a_look_at_the_rest() {
    for vector in list(&rfc5769()["vectors"]) {
        let bytes = bytes_of(vector);
        let message = parse(&bytes).expect("a message");
        let name = message.attributes().find_map(|attribute| match attribute {
            Attribute::Username(name) => Some(name),
            _ => None,
        });
        let name = name.filter(|_| message.class() == Class::Request);
        assert_eq!(Message::username_of(&bytes), name);
        for len in 0..bytes.len() {
            assert_eq!(Message::username_of(&bytes[..len]), None);
        }
    }
    // One that nothing protects says nothing.
    let mut bytes = build(|b| {
        b.attribute(&Attribute::Priority(1));
    });
    bytes.extend([0, 8, 0, 20].into_iter().chain([0; 20]));
    bytes.extend([0, 6, 0, 4, b'a', b':', b'b', b'c']);
    let len = u16::try_from(bytes.len() - 20).unwrap();
    bytes[2..4].copy_from_slice(&len.to_be_bytes());
    assert_eq!(Message::username_of(&bytes), None);
    bytes[29] = 0x1c;
    assert_eq!(Message::username_of(&bytes), None);
    bytes[29] = 9;
    assert_eq!(Message::username_of(&bytes), Some("a:bc"));
}

#[test]
fn rfc_5769_messages_say_what_the_rfc_says() {
    let vectors = rfc5769();
    for vector in list(&vectors["vectors"]) {
        let bytes = bytes_of(vector);
        let message = parse(&bytes).expect("a message of the RFC");
        assert_eq!(
            message.has_fingerprint(),
            vector["fingerprint_ok"].as_bool() == Some(true)
        );
        assert!(message.integrity().is_some());
        assert_eq!(message.method(), Method::BINDING);
        let attributes: Vec<_> = message.attributes().collect();
        let says = |attribute| assert!(attributes.contains(&attribute), "{attribute:?}");
        if let Some(software) = vector["software"].as_str() {
            says(Attribute::Software(software));
        }
        if let Some(name) = vector["username"].as_str() {
            says(Attribute::Username(name));
        }
        if let Some(priority) = vector["priority"].as_u64() {
            says(Attribute::Priority(
                u32::try_from(priority).expect("32 bits"),
            ));
        }
        if let Some(tie_breaker) = vector["ice_controlled_tiebreaker"].as_str() {
            let number = u64::from_str_radix(tie_breaker, 16).expect("64 bits");
            says(Attribute::IceControlled(number));
        }
        if let Some(address) = vector["xor_mapped_address"].as_str() {
            says(Attribute::XorMappedAddress(
                address.parse().expect("an address"),
            ));
        }
        if let Some(realm) = vector["realm"].as_str() {
            says(Attribute::Realm(realm));
            says(Attribute::Nonce(
                vector["nonce"].as_str().expect("a nonce").as_bytes(),
            ));
        }
        assert_eq!(message.unknown_required().count(), 0);
    }
}

#[test]
fn checks_of_a_browser_read_as_they_should() {
    let vectors = json(include_str!("../../../tests/vectors/stun/chromium.json"));
    for vector in list(&vectors["vectors"]) {
        let bytes = bytes_of(vector);
        let message = parse(&bytes).expect("a check");
        assert_eq!(Some(&*message.to_string()), vector["display"].as_str());
        assert!(message.has_fingerprint());
        assert_eq!(message.unknown_required().count(), 0);
    }
}

#[test]
fn rfc_5769_mutations_are_refused() {
    let vectors = rfc5769();
    for negative in list(&vectors["negatives"]) {
        let must = negative["must"].as_str().expect("a demand");
        let bytes = bytes_of(negative);
        if must.contains("fingerprint") && negative["from"] != "long_term_request" {
            assert_eq!(parse(&bytes), Err(Malformed("stun fingerprint")), "{must}");
        } else if !must.contains("integrity") {
            assert!(parse(&bytes).is_err(), "{must}");
        }
    }
}

#[test]
fn rfc_8489_types_interleave_class_and_method() {
    let vectors = rfc8489();
    for row in list(&vectors["message_type_codec"]) {
        let number = |field: &str| u16::try_from(row[field].as_u64().expect("a number"));
        let (code, method) = (
            number("type").expect("16 bits"),
            number("method").expect("12"),
        );
        let class = match row["class"].as_u64() {
            Some(0) => Class::Request,
            Some(1) => Class::Indication,
            Some(2) => Class::Success,
            _ => Class::Error,
        };
        let header = Header {
            class,
            method: Method::new(method),
            length: 0,
            transaction_id: ID,
        };
        let mut buf = Vec::new();
        header.emit(&mut Writer::new(&mut buf, header.len()));
        assert_eq!(buf[..2], code.to_be_bytes());
        assert_eq!(Header::parse(&mut Reader::new(&buf)), Ok(header));
    }
}

#[test]
fn rfc_8489_the_published_b1_with_its_wrong_length_is_refused() {
    let vectors = rfc8489();
    for vector in list(&vectors["vectors"]) {
        assert!(parse(&bytes_of(vector)).is_err());
    }
    for vector in list(&vectors["corrected"]) {
        let bytes = bytes_of(vector);
        let message = parse(&bytes).expect("the corrected message");
        assert!(message.integrity_sha256().is_some());
        assert!(message.integrity().is_none());
    }
}

#[test]
fn every_truncation_is_refused() {
    let vectors = rfc5769();
    for vector in list(&vectors["vectors"]) {
        let bytes = bytes_of(vector);
        for len in 0..bytes.len() {
            assert!(parse(&bytes[..len]).is_err());
        }
    }
}

#[test]
fn ice_027_and_atk_028_what_follows_the_integrity_is_not_seen() {
    let bytes = build(|message| {
        message
            .attribute(&Attribute::Priority(1))
            .integrity(|_| [7; 20])
            .attribute(&Attribute::UseCandidate)
            .attribute(&Attribute::Unknown {
                kind: 0x0100,
                bytes: &[],
            })
            .fingerprint();
    });
    let message = parse(&bytes).expect("a message");
    let seen: Vec<_> = message.attributes().collect();
    assert_eq!(seen, [Attribute::Priority(1)]);
    assert_eq!(message.unknown_required().count(), 0);
    assert!(message.has_fingerprint());
    let covered = message.integrity().expect("an integrity");
    assert_eq!(covered.rest, &bytes[20..28]);
    assert_eq!(covered.code, [7; 20]);
    assert_eq!(covered.header[..4], [0, 1, 0, 32]);
}

#[test]
fn ice_028_required_attributes_that_are_unknown_are_listed() {
    let unknown = |kind| Attribute::Unknown {
        kind,
        bytes: b"abc",
    };
    let bytes = build(|message| {
        message
            .attribute(&unknown(0x7fff))
            .attribute(&unknown(0x8100));
        message.attribute(&unknown(0x0002));
    });
    let message = parse(&bytes).expect("a message");
    let kinds: Vec<_> = message.unknown_required().collect();
    assert_eq!(kinds, [0x7fff, 0x0002]);
    assert_eq!(message.attributes().count(), 3);
}

#[test]
fn nothing_follows_a_fingerprint() {
    let mut bytes = build(|message| message.fingerprint());
    bytes.extend_from_slice(&[0x80, 0x22, 0, 0]);
    bytes[3] += 4;
    assert_eq!(
        parse(&bytes),
        Err(Malformed("stun attribute after fingerprint"))
    );
}

#[test]
fn atk_026_and_atk_027_values_of_the_wrong_size_are_refused() {
    let cases: &[(u16, &[u8])] = &[
        (kind::XOR_MAPPED_ADDRESS, &[0, 1, 2, 3]),
        (kind::XOR_MAPPED_ADDRESS, &[0, 1, 2, 3, 4, 5, 6]),
        (kind::XOR_MAPPED_ADDRESS, &[0, 3, 2, 3, 4, 5, 6, 7]),
        (kind::XOR_MAPPED_ADDRESS, &[0, 2, 2, 3, 4, 5, 6, 7]),
        (kind::MAPPED_ADDRESS, &[]),
        (kind::PRIORITY, &[1, 2, 3]),
        (kind::PRIORITY, &[1, 2, 3, 4, 5]),
        (kind::USE_CANDIDATE, &[0]),
        (kind::ICE_CONTROLLED, &[0; 7]),
        (kind::ICE_CONTROLLING, &[0; 9]),
        (kind::ERROR_CODE, &[0, 0, 4]),
        (kind::ERROR_CODE, &[0, 0, 4, 100]),
        (kind::ERROR_CODE, &[0, 0, 7, 0]),
        (kind::ERROR_CODE, &[0, 0, 4, 0, 0xff]),
        (kind::UNKNOWN_ATTRIBUTES, &[0]),
        (kind::USERNAME, &[0xff]),
        (kind::USERNAME, &[b'a'; 509]),
        (kind::REALM, &[b'a'; 764]),
        (kind::MESSAGE_INTEGRITY, &[0; 19]),
        (kind::MESSAGE_INTEGRITY_SHA256, &[0; 12]),
        (kind::MESSAGE_INTEGRITY_SHA256, &[0; 18]),
        (kind::FINGERPRINT, &[0; 3]),
    ];
    for (kind, bytes) in cases {
        let attribute = Attribute::Unknown { kind: *kind, bytes };
        let message = build(|message| {
            message.attribute(&attribute);
        });
        assert!(parse(&message).is_err(), "{kind:#06x} of {}", bytes.len());
    }
}

#[test]
fn atk_027_a_bomb_of_attributes_is_refused() {
    let of = |count| {
        build(|message| {
            for _ in 0..count {
                message.attribute(&Attribute::UseCandidate);
            }
        })
    };
    assert!(parse(&of(64)).is_ok());
    assert_eq!(parse(&of(65)), Err(Malformed("stun attribute count")));
}

#[test]
fn reserved_bits_of_an_error_code_are_ignored() {
    let id = ID;
    let error = Attribute::from_value(kind::ERROR_CODE, &[0, 0, 0xe4, 20], id);
    let expected = ErrorCode::new(420, "").expect("a code");
    assert_eq!(error, Ok(Attribute::ErrorCode(expected)));
}

#[test]
fn prints_lists_with_commas() {
    let list = UnknownAttributes::parse(&[0x7f, 0xff, 0, 2]).expect("pairs");
    let attribute = Attribute::UnknownAttributes(list);
    assert_eq!(attribute.to_string(), "unknown=0x7fff,0x0002");
}

#[test]
fn prints_one_line() {
    let bytes = build(|message| {
        message
            .attribute(&Attribute::Username("ab:cd"))
            .attribute(&Attribute::Priority(7))
            .attribute(&Attribute::UseCandidate)
            .fingerprint();
    });
    assert_eq!(
        parse(&bytes).expect("a message").to_string(),
        "STUN Binding request 30313233… user=\"ab:cd\" prio=7 USE-CANDIDATE"
    );
}

/// An attribute that owns its value.
#[derive(Clone, Debug)]
enum Owned {
    Xor(SocketAddr),
    Plain(SocketAddr),
    Username(String),
    Nonce(Vec<u8>),
    Error(u16, String),
    List(Vec<u8>),
    Priority(u32),
    UseCandidate,
    Controlling(u64),
    Nomination(u32),
    Unknown(u16, Vec<u8>),
}

impl Owned {
    fn as_attribute(&self) -> Attribute<'_> {
        match self {
            Self::Xor(address) => Attribute::XorMappedAddress(*address),
            Self::Plain(address) => Attribute::MappedAddress(*address),
            Self::Username(name) => Attribute::Username(name),
            Self::Nonce(nonce) => Attribute::Nonce(nonce),
            Self::Error(code, reason) => {
                Attribute::ErrorCode(ErrorCode::new(*code, reason).expect("a valid error"))
            }
            Self::List(bytes) => {
                Attribute::UnknownAttributes(UnknownAttributes::parse(bytes).expect("pairs"))
            }
            Self::Priority(number) => Attribute::Priority(*number),
            Self::UseCandidate => Attribute::UseCandidate,
            Self::Controlling(number) => Attribute::IceControlling(*number),
            Self::Nomination(number) => Attribute::Nomination(*number),
            Self::Unknown(kind, bytes) => Attribute::Unknown { kind: *kind, bytes },
        }
    }
}

fn address() -> impl Strategy<Value = SocketAddr> {
    prop_oneof![
        any::<([u8; 4], u16)>().prop_map(SocketAddr::from),
        any::<([u8; 16], u16)>().prop_map(SocketAddr::from),
    ]
}

fn attribute() -> impl Strategy<Value = Owned> {
    let bytes = || proptest::collection::vec(any::<u8>(), 0..40);
    prop_oneof![
        address().prop_map(Owned::Xor),
        address().prop_map(Owned::Plain),
        ".{0,30}".prop_map(Owned::Username),
        bytes().prop_map(Owned::Nonce),
        (300..700_u16, ".{0,30}").prop_map(|(code, reason)| Owned::Error(code, reason)),
        bytes().prop_map(|mut bytes| {
            bytes.truncate(bytes.len() / 2 * 2);
            Owned::List(bytes)
        }),
        any::<u32>().prop_map(Owned::Priority),
        Just(Owned::UseCandidate),
        any::<u64>().prop_map(Owned::Controlling),
        any::<u32>().prop_map(Owned::Nomination),
        (0x8100..0xc000_u16, bytes()).prop_map(|(kind, bytes)| Owned::Unknown(kind, bytes)),
    ]
}

proptest! {
    #[test]
    fn what_is_built_is_parsed_back(attributes in proptest::collection::vec(attribute(), 0..10), id: [u8; 12]) {
        let mut buf = Vec::new();
        let mut w = Writer::new(&mut buf, 2000);
        let id = TransactionId(id);
        let mut builder = Builder::new(&mut w, Class::Success, Method::new(3), id);
        for attribute in &attributes {
            builder.attribute(&attribute.as_attribute());
        }
        builder.integrity(|_| [1; 20]).integrity_sha256(|_| [2; 32]).fingerprint();
        let message = parse(&buf).expect("what was built");
        prop_assert_eq!(message.transaction_id(), id);
        prop_assert!(message.integrity().is_some() && message.integrity_sha256().is_some());
        let parsed: Vec<_> = message.attributes().collect();
        let built: Vec<_> = attributes.iter().map(Owned::as_attribute).collect();
        prop_assert_eq!(&parsed, &built);
        let len: usize = built.iter().map(Attribute::len).sum();
        prop_assert_eq!(message.len(), 20 + len + 24 + 36 + 8);
        let mut copy = Vec::new();
        message.emit(&mut Writer::new(&mut copy, message.len()));
        prop_assert_eq!(copy, buf);
    }

    #[test]
    fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(message) = parse(&bytes) {
            let _ = message.to_string();
        }
    }

    /// Random attributes behind a valid header get further than random bytes.
    #[test]
    fn any_attributes_are_survived(mut bytes in proptest::collection::vec(any::<u8>(), 20..200)) {
        bytes.truncate(bytes.len() / 4 * 4);
        let length = u16::try_from(bytes.len() - 20).expect("short");
        bytes[..2].copy_from_slice(&[1, 1]);
        bytes[2..4].copy_from_slice(&length.to_be_bytes());
        bytes[4..8].copy_from_slice(&super::MAGIC_COOKIE.to_be_bytes());
        if let Ok(message) = parse(&bytes) {
            let _ = message.to_string();
            prop_assert!(message.attributes().count() <= 64);
        }
    }
}
