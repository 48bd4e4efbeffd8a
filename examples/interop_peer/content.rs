//! Message contents, made from a seed and a size.

use bytes::Bytes;
use pollrtc::peer::Data;

use crate::protocol::Kind;

/// The message of that kind, seed and size.
pub(crate) fn message(kind: Kind, seed: usize, size: usize) -> Data {
    match kind {
        Kind::Binary => Data::Binary(binary(seed, size)),
        Kind::Text => Data::Text(text(seed, size)),
    }
}

/// Byte i is (seed + i) mod 251.
pub(crate) fn binary(seed: usize, size: usize) -> Bytes {
    cycle(seed, size, 251, 0).into()
}

/// Whether that is what has arrived.
pub(crate) fn same(kind: Kind, seed: usize, size: usize, data: &Data) -> bool {
    data.len() == size && *data == message(kind, seed, size)
}

/// Character i is ASCII 33 + ((seed + i) mod 94).
fn text(seed: usize, size: usize) -> String {
    cycle(seed, size, 94, 33)
        .into_iter()
        .map(char::from)
        .collect()
}

fn cycle(seed: usize, size: usize, modulus: u8, first: u8) -> Vec<u8> {
    let start = seed % usize::from(modulus);
    (0..modulus)
        .cycle()
        .skip(start)
        .take(size)
        .map(|value| value + first)
        .collect()
}
