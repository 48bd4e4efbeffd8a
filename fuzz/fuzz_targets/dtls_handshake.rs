//! Handshake messages, one after the other.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pollrtc::cursor::Reader;
use pollrtc::wire::dtls::{Fragment, HandshakeType, Message};
use pollrtc_fuzz::{emitted, same};

fuzz_target!(|bytes: &[u8]| {
    let mut reader = Reader::new(bytes);
    while let Ok(fragment) = Fragment::parse(&mut reader) {
        let bytes = emitted(fragment.encoded_len(), |w| fragment.emit(w));
        same(Fragment::parse(&mut Reader::new(&bytes)).unwrap(), fragment);
        message(fragment.kind, fragment.bytes);
    }
    // The same bytes without the header's lengths, which a fuzzer has to guess.
    if let [kind, body @ ..] = bytes {
        message(HandshakeType::from_code(*kind), body);
    }
});

fn message(kind: HandshakeType, body: &[u8]) {
    if let Ok(message) = Message::parse(kind, body) {
        let bytes = emitted(message.encoded_len(), |w| message.emit(w));
        same(Message::parse(kind, &bytes).unwrap(), message);
    }
}
