//! What is this datagram, in one line?

use alloc::format;
use alloc::string::String;

use crate::wire::demux::{self, Class};

/// Names the protocol of a datagram and what can be seen of its content.
#[must_use]
pub fn datagram(bytes: &[u8]) -> String {
    let protocol = match demux::classify(bytes) {
        Class::Stun => "STUN",
        Class::Dtls => "DTLS",
        Class::TurnChannel => "TURN channel data",
        Class::Rtp => "RTP",
        Class::Unknown => "unknown",
    };
    format!("{protocol}, {} bytes", bytes.len())
}
