//! Writing a message, attribute by attribute.

use super::message::fingerprint;
use super::{Attribute, Class, HEADER_LEN, Header, Method, TransactionId, kind};
use crate::cursor::Writer;

/// What does the message say next?
///
/// Writes as it goes; the header's length is right after every call. If the
/// writer has too little room it says so itself
/// ([`is_overflowed`](Writer::is_overflowed)).
#[derive(Debug)]
pub struct Builder<'w, 'b> {
    w: &'w mut Writer<'b>,
    start: usize,
    id: TransactionId,
}

impl<'w, 'b> Builder<'w, 'b> {
    /// Begins a message without attributes.
    pub fn new(w: &'w mut Writer<'b>, class: Class, method: Method, id: TransactionId) -> Self {
        let start = w.len();
        Header {
            class,
            method,
            length: 0,
            transaction_id: id,
        }
        .emit(w);
        Self { w, start, id }
    }

    /// Adds a statement.
    pub fn attribute(&mut self, attribute: &Attribute<'_>) -> &mut Self {
        self.announce(attribute.len());
        attribute.emit(self.id, self.w);
        self
    }

    /// Adds the MESSAGE-INTEGRITY that `sign` computes of what was written so far.
    pub fn integrity(&mut self, sign: impl FnOnce(&[u8]) -> [u8; 20]) -> &mut Self {
        self.code(kind::MESSAGE_INTEGRITY, sign)
    }

    /// Adds the MESSAGE-INTEGRITY-SHA256 that `sign` computes of what was written so far.
    pub fn integrity_sha256(&mut self, sign: impl FnOnce(&[u8]) -> [u8; 32]) -> &mut Self {
        self.code(kind::MESSAGE_INTEGRITY_SHA256, sign)
    }

    /// Adds the fingerprint. It is the last attribute.
    pub fn fingerprint(&mut self) {
        self.code(kind::FINGERPRINT, |covered| {
            fingerprint(covered).to_be_bytes()
        });
    }

    fn code<const N: usize>(
        &mut self,
        kind: u16,
        sign: impl FnOnce(&[u8]) -> [u8; N],
    ) -> &mut Self {
        // The code covers a header that already counts it in (RFC 8489 §14.5, §14.7).
        self.announce(4 + N);
        let code = sign(self.w.written(self.start));
        self.w.u16(kind);
        self.w.prefixed_u16(|w| w.bytes(&code));
        self
    }

    /// Lets the header's length count `len` bytes more than are written.
    fn announce(&mut self, len: usize) {
        let length = (self.w.len() + len).saturating_sub(self.start + HEADER_LEN);
        // A datagram is shorter than 64 KiB, or the writer overflows anyway.
        let length = u16::try_from(length).unwrap_or(u16::MAX);
        self.w.patch(self.start + 2, &length.to_be_bytes());
    }
}
