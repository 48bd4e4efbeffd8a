//! A STUN message.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pollrtc::cursor::{Reader, Writer};
use pollrtc::wire::stun::{Attribute, Builder, HEADER_LEN, Message};
use pollrtc_fuzz::{emitted, repair_stun, same};

fuzz_target!(|bytes: &[u8]| {
    message(bytes);
    let mut bytes = bytes.to_vec();
    bytes.resize(bytes.len().max(HEADER_LEN).next_multiple_of(4), 0);
    repair_stun(&mut bytes);
    message(&bytes);
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
