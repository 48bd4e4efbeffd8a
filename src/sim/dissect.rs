//! What is this datagram, in one line?

use alloc::format;
use alloc::string::{String, ToString};

use super::ledger::Datagram;
use crate::cursor::Reader;
use crate::net::Protocol;
use crate::wire::demux::{self, Class};
use crate::wire::turn::ChannelData;
use crate::wire::{dtls, rtcp, rtp, sctp, stun};

/// Names the protocol of a datagram and what can be seen of its content.
#[must_use]
pub fn datagram(bytes: &[u8]) -> String {
    match demux::classify(bytes) {
        Class::Dtls => dtls::Datagram(bytes).to_string(),
        Class::Stun => match stun::Message::parse(&mut Reader::new(bytes)) {
            Ok(message) => message.to_string(),
            Err(malformed) => format!("STUN, {malformed}"),
        },
        Class::TurnChannel => match ChannelData::parse(&mut Reader::new(bytes)) {
            Ok(message) => format!("TURN {message}: {}", datagram(message.data)),
            Err(malformed) => format!("TURN channel data, {malformed}"),
        },
        Class::Rtp => media(bytes),
        Class::Rtcp => reports(bytes),
        Class::Unknown => unprotected(bytes),
    }
}

/// Like [`datagram`], for what the ledger holds: also for what was written to a
/// stream.
#[must_use]
pub fn packet(packet: &Datagram) -> String {
    let bytes = &packet.bytes;
    match packet.seen.protocol {
        Protocol::Udp => datagram(bytes),
        protocol => format!("{protocol}: {}", datagram(unframed(bytes))),
    }
}

/// What a write to a stream holds: a message of TURN as it is (RFC 8656 §12.5), or
/// the content of a frame (RFC 4571).
pub(super) fn unframed(bytes: &[u8]) -> &[u8] {
    let is_frame =
        |(len, _): &(&[u8; 2], &[u8])| usize::from(u16::from_be_bytes(**len)) + 2 == bytes.len();
    let frame = bytes.split_first_chunk::<2>().filter(is_frame);
    frame.map_or(bytes, |(_, content)| content)
}

/// The header, which SRTP leaves in the clear (RFC 3711 §3.1), and how much follows it.
fn media(bytes: &[u8]) -> String {
    let mut rest = Reader::new(bytes);
    match rtp::Header::parse(&mut rest) {
        Ok(header) => format!("RTP {header} len={}", rest.rest().len()),
        Err(malformed) => format!("RTP, {malformed}"),
    }
}

/// All of it, or, under SRTCP, what the first packet is and who sends it
/// (RFC 3711 §3.4).
fn reports(bytes: &[u8]) -> String {
    if let Ok(compound) = rtcp::Compound::parse(&mut Reader::new(bytes)) {
        return compound.to_string();
    }
    let first = bytes.first_chunk::<8>();
    first.map_or_else(
        || other("RTCP", bytes),
        |[_, kind, _, _, s0, s1, s2, s3]| {
            let sender = rtp::Ssrc(u32::from_be_bytes([*s0, *s1, *s2, *s3]));
            format!("SRTCP type={kind} sender={sender} len={}", bytes.len())
        },
    )
}

/// SCTP without DTLS, which only a simulation has.
fn unprotected(bytes: &[u8]) -> String {
    let mut copy = bytes.to_vec();
    match sctp::Packet::parse(&mut Reader::new(bytes)) {
        Ok(packet) if sctp::checksum_is_valid(&mut copy, true) => packet.to_string(),
        _ => other("unknown", bytes),
    }
}

fn other(name: &str, bytes: &[u8]) -> String {
    format!("{name}, {} bytes", bytes.len())
}
