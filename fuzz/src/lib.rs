//! What the targets share.

mod pair;

use std::fmt::{Debug, Display};

use pollrtc::cursor::Writer;
use pollrtc::wire::checksum::{crc32, crc32c};
use pollrtc::wire::stun::{HEADER_LEN, MAGIC_COOKIE};

pub use pair::{Pair, Side, Step, path};

/// The bytes that `emit` writes; they are as many as was said before.
pub fn emitted(len: usize, emit: impl FnOnce(&mut Writer<'_>)) -> Vec<u8> {
    let mut buf = Vec::new();
    let mut writer = Writer::new(&mut buf, 1 << 24);
    emit(&mut writer);
    assert!(!writer.is_overflowed());
    assert_eq!(buf.len(), len, "the length said before is the one written");
    buf
}

/// What was written means what was read, and has a line in a trace.
pub fn same<T: PartialEq + Debug + Display>(again: T, first: T) {
    assert_eq!(again, first);
    assert!(!first.to_string().contains('\n'));
}

/// Gives a STUN message a header that fits it and, if it ends with a
/// fingerprint, one that fits too: a fuzzer cannot guess it.
pub fn repair_stun(bytes: &mut [u8]) {
    let Some(length) = bytes.len().checked_sub(HEADER_LEN) else {
        return;
    };
    let length = u16::try_from(length).unwrap_or(0);
    bytes[0] &= 0x3f;
    bytes[2..4].copy_from_slice(&length.to_be_bytes());
    bytes[4..8].copy_from_slice(&MAGIC_COOKIE.to_be_bytes());
    let (covered, last) = bytes.split_at_mut(bytes.len() - 8);
    if last.starts_with(&[0x80, 0x28, 0, 4]) {
        let fingerprint = crc32(covered) ^ u32::from_be_bytes(*b"STUN");
        last[4..].copy_from_slice(&fingerprint.to_be_bytes());
    }
}

/// Gives an SCTP packet the checksum that fits it.
pub fn repair_sctp(packet: &mut [u8]) {
    if packet.len() >= 12 {
        packet[8..12].fill(0);
        let sum = crc32c(packet).to_le_bytes();
        packet[8..12].copy_from_slice(&sum);
    }
}
