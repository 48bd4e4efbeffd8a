//! What travels in a channel: text or bytes.

use alloc::string::String;
use alloc::vec::Vec;
use bytes::Bytes;
use thiserror::Error;

use crate::sctp::Ppid;

/// A message of a data channel.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Data {
    /// UTF-8 text, a JavaScript string.
    Text(String),
    /// Bytes, an `ArrayBuffer`.
    Binary(Bytes),
}

impl Data {
    /// How many bytes it has.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Binary(bytes) => bytes.len(),
        }
    }

    /// Whether it has none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The payload protocol identifier and the bytes on the wire.
    ///
    /// RFC 8831 §6.6: SCTP cannot carry an empty message, so one zero byte goes
    /// instead, and the identifier says that it is not meant.
    pub(super) fn into_wire(self) -> (Ppid, Bytes) {
        const ZERO: Bytes = Bytes::from_static(&[0]);
        match self {
            Self::Text(text) if text.is_empty() => (PPID_STRING_EMPTY, ZERO),
            Self::Text(text) => (PPID_STRING, text.into()),
            Self::Binary(bytes) if bytes.is_empty() => (PPID_BINARY_EMPTY, ZERO),
            Self::Binary(bytes) => (PPID_BINARY, bytes),
        }
    }

    /// The message of that identifier; `None` if the identifier is unknown or a
    /// text is not UTF-8.
    pub(super) fn from_wire(ppid: Ppid, bytes: Bytes) -> Option<Self> {
        match ppid {
            PPID_STRING | PPID_STRING_PARTIAL => {
                String::from_utf8(bytes.into()).ok().map(Self::Text)
            }
            PPID_STRING_EMPTY => Some(Self::Text(String::new())),
            PPID_BINARY | PPID_BINARY_PARTIAL => Some(Self::Binary(bytes)),
            PPID_BINARY_EMPTY => Some(Self::Binary(Bytes::new())),
            _ => None,
        }
    }
}

impl From<&str> for Data {
    fn from(text: &str) -> Self {
        Self::Text(text.into())
    }
}

impl From<String> for Data {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<Bytes> for Data {
    fn from(bytes: Bytes) -> Self {
        Self::Binary(bytes)
    }
}

impl From<Vec<u8>> for Data {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Binary(bytes.into())
    }
}

impl From<&'static [u8]> for Data {
    fn from(bytes: &'static [u8]) -> Self {
        Self::Binary(Bytes::from_static(bytes))
    }
}

/// Why was a message not taken? Nothing of it was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SendError {
    /// There is no such channel, or it is not open (yet, or any more).
    #[error("the channel is not open")]
    NotOpen,
    /// The message is larger than the peer takes: see `max_message_size`.
    #[error("the message is larger than the peer accepts")]
    TooLarge,
    /// The send buffer is full: wait for `BufferedAmountLow` and send it again.
    #[error("the send buffer is full")]
    Full,
}

// RFC 8831 §8, the payload protocol identifiers.
pub(super) const PPID_DCEP: Ppid = Ppid(50);
const PPID_STRING: Ppid = Ppid(51);
const PPID_BINARY_PARTIAL: Ppid = Ppid(52);
const PPID_BINARY: Ppid = Ppid(53);
const PPID_STRING_PARTIAL: Ppid = Ppid(54);
const PPID_STRING_EMPTY: Ppid = Ppid(56);
const PPID_BINARY_EMPTY: Ppid = Ppid(57);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_messages_are_one_zero_byte_with_their_own_identifier() {
        for (data, number) in [(Data::from(""), 56), (Data::Binary(Bytes::new()), 57)] {
            let (ppid, bytes) = data.clone().into_wire();
            assert_eq!((ppid, &bytes[..]), (Ppid(number), &[0][..]));
            assert_eq!(Data::from_wire(ppid, bytes), Some(data));
        }
    }

    #[test]
    fn what_is_not_utf8_or_not_known_is_no_message() {
        assert_eq!(
            Data::from_wire(PPID_STRING, Bytes::from_static(b"\xff")),
            None
        );
        assert_eq!(Data::from_wire(Ppid(58), Bytes::from_static(b"x")), None);
    }
}
