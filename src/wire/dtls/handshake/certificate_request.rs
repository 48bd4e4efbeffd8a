//! The server's wish to see a certificate (RFC 5246 §7.4.4).

use crate::cursor::{Malformed, Reader, Writer};
use crate::wire::dtls::Codes;

/// What certificates and signatures the server accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CertificateRequest<'a> {
    /// The kinds of keys; 64 is ECDSA.
    pub certificate_types: &'a [u8],
    /// The signatures that can be checked, best first.
    pub signature_algorithms: Codes<'a>,
    /// The distinguished names of acceptable issuers, each behind a 16-bit
    /// length; nothing if any issuer will do.
    pub authorities: &'a [u8],
}

impl<'a> CertificateRequest<'a> {
    /// The type of a certificate with an ECDSA key (RFC 8422 §5.5).
    pub const ECDSA_SIGN: u8 = 64;

    /// Reads the body of the message.
    ///
    /// # Errors
    ///
    /// [`Malformed`] if a field is cut.
    pub fn parse(r: &mut Reader<'a>) -> Result<Self, Malformed> {
        let certificate_types = r.prefixed_u8("certificate types")?;
        if certificate_types.is_empty() {
            return Err(Malformed("certificate types"));
        }
        let signature_algorithms = Codes::prefixed_u16(r, "signature algorithms")?;
        let authorities = r.prefixed_u16("certificate authorities")?;
        let mut names = Reader::new(authorities);
        while !names.is_empty() {
            names.prefixed_u16("distinguished name")?;
        }
        Ok(Self {
            certificate_types,
            signature_algorithms,
            authorities,
        })
    }

    /// How many bytes [`emit`](Self::emit) writes.
    #[must_use]
    pub const fn encoded_len(&self) -> usize {
        let types = 1 + self.certificate_types.len();
        let algorithms = 2 + self.signature_algorithms.encoded_len();
        types + algorithms + 2 + self.authorities.len()
    }

    /// Writes the body of the message.
    pub fn emit(&self, w: &mut Writer<'_>) {
        w.prefixed_u8(|w| w.bytes(self.certificate_types));
        w.prefixed_u16(|w| self.signature_algorithms.emit(w));
        w.prefixed_u16(|w| w.bytes(self.authorities));
    }
}
