//! A STUN message.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pollrtc::cursor::{Reader, Writer};
use pollrtc::wire::checksum::crc32;
use pollrtc::wire::stun::{Attribute, Builder, HEADER_LEN, MAGIC_COOKIE, Message};
use pollrtc_fuzz::{emitted, same};

fuzz_target!(|bytes: &[u8]| {
    message(bytes);
    message(&repaired(bytes));
});

fn message(bytes: &[u8]) {
    let Ok(message) = Message::parse(&mut Reader::new(bytes)) else {
        return;
    };
    let again = emitted(message.len(), |w| message.emit(w));
    same(Message::parse(&mut Reader::new(&again)).unwrap(), message);
    for covered in [message.integrity(), message.integrity_sha256()] {
        assert!(covered.is_none_or(|covered| covered.rest.len() < bytes.len()));
    }

    // What it says can be said again.
    let attributes: Vec<Attribute<'_>> = message.attributes().collect();
    let mut buf = Vec::new();
    let mut writer = Writer::new(&mut buf, 1 << 20);
    let (class, method) = (message.class(), message.method());
    let mut builder = Builder::new(&mut writer, class, method, message.transaction_id());
    for attribute in &attributes {
        builder.attribute(attribute);
    }
    builder.fingerprint();
    // The fingerprint, if there was none, may be one attribute too many.
    if attributes.len() < 64 {
        let built = Message::parse(&mut Reader::new(&buf)).unwrap();
        assert!(built.attributes().eq(attributes));
        assert!(built.has_fingerprint());
    }
}

/// The same bytes with a header that fits them, and the fingerprint, if they end
/// with one, that fits too: a fuzzer cannot guess it.
fn repaired(bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes.resize(bytes.len().max(HEADER_LEN).next_multiple_of(4), 0);
    bytes[0] &= 0x3f;
    let length = u16::try_from(bytes.len() - HEADER_LEN).unwrap_or(0);
    bytes[2..4].copy_from_slice(&length.to_be_bytes());
    bytes[4..8].copy_from_slice(&MAGIC_COOKIE.to_be_bytes());
    let at = bytes.len() - 8;
    if bytes[at..].starts_with(&[0x80, 0x28, 0, 4]) {
        let fingerprint = crc32(&bytes[..at]) ^ u32::from_be_bytes(*b"STUN");
        bytes[at + 4..].copy_from_slice(&fingerprint.to_be_bytes());
    }
    bytes
}
