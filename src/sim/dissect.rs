//! What is this datagram, in one line?

use alloc::format;
use alloc::string::{String, ToString};

use crate::cursor::Reader;
use crate::wire::demux::{self, Class};
use crate::wire::{dtls, stun};

/// Names the protocol of a datagram and what can be seen of its content.
#[must_use]
pub fn datagram(bytes: &[u8]) -> String {
    match demux::classify(bytes) {
        Class::Dtls => dtls::Datagram(bytes).to_string(),
        Class::Stun => match stun::Message::parse(&mut Reader::new(bytes)) {
            Ok(message) => message.to_string(),
            Err(malformed) => format!("STUN, {malformed}"),
        },
        Class::TurnChannel => other("TURN channel data", bytes),
        Class::Rtp => other("RTP", bytes),
        Class::Unknown => other("unknown", bytes),
    }
}

fn other(name: &str, bytes: &[u8]) -> String {
    format!("{name}, {} bytes", bytes.len())
}
