//! The proofs: signatures and hashes of the handshake (RFC 5246 §4.7, §7.4.8, §7.4.9).

use crate::cursor::{Malformed, Reader, Writer};

/// A signature and how it was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DigitallySigned<'a> {
    /// The code of the signature scheme.
    pub scheme: u16,
    /// The signature.
    pub signature: &'a [u8],
}

impl<'a> DigitallySigned<'a> {
    /// Reads a signature.
    ///
    /// # Errors
    ///
    /// [`Malformed`] if it is cut.
    pub fn parse(r: &mut Reader<'a>) -> Result<Self, Malformed> {
        Ok(Self {
            scheme: r.u16("signature scheme")?,
            signature: r.prefixed_u16("signature")?,
        })
    }

    /// How many bytes [`emit`](Self::emit) writes.
    #[must_use]
    pub const fn encoded_len(&self) -> usize {
        2 + 2 + self.signature.len()
    }

    /// Writes the signature.
    pub fn emit(&self, w: &mut Writer<'_>) {
        w.u16(self.scheme);
        w.prefixed_u16(|w| w.bytes(self.signature));
    }
}

/// The client's proof that it owns the key of its certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CertificateVerify<'a> {
    /// The signature over all messages before this one.
    pub signature: DigitallySigned<'a>,
}

impl<'a> CertificateVerify<'a> {
    /// Reads the body of the message.
    ///
    /// # Errors
    ///
    /// [`Malformed`] if it is cut.
    pub fn parse(r: &mut Reader<'a>) -> Result<Self, Malformed> {
        DigitallySigned::parse(r).map(|signature| Self { signature })
    }

    /// How many bytes [`emit`](Self::emit) writes.
    #[must_use]
    pub const fn encoded_len(&self) -> usize {
        self.signature.encoded_len()
    }

    /// Writes the body of the message.
    pub fn emit(&self, w: &mut Writer<'_>) {
        self.signature.emit(w);
    }
}

/// A hash of the handshake under the new keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Finished<'a> {
    /// 12 bytes in DTLS 1.2, as many as the hash has in later versions.
    pub verify_data: &'a [u8],
}

impl<'a> Finished<'a> {
    /// Reads the body of the message.
    ///
    /// # Errors
    ///
    /// [`Malformed`] if it is shorter than any version's.
    pub fn parse(r: &mut Reader<'a>) -> Result<Self, Malformed> {
        match r.rest() {
            short if short.len() < 12 => Err(Malformed("verify data")),
            verify_data => Ok(Self { verify_data }),
        }
    }

    /// How many bytes [`emit`](Self::emit) writes.
    #[must_use]
    pub const fn encoded_len(&self) -> usize {
        self.verify_data.len()
    }

    /// Writes the body of the message.
    pub fn emit(&self, w: &mut Writer<'_>) {
        w.bytes(self.verify_data);
    }
}
