//! The message with certificates (RFC 5246 §7.4.2).

use core::fmt;

use crate::cursor::{Malformed, Reader, Writer};

/// The sender's certificate chain; empty if it has none to show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Certificate<'a> {
    /// The certificates in DER, the sender's own first.
    pub chain: Chain<'a>,
}

impl<'a> Certificate<'a> {
    /// Reads the body of the message.
    ///
    /// # Errors
    ///
    /// [`Malformed`] if a certificate is cut or empty.
    pub fn parse(r: &mut Reader<'a>) -> Result<Self, Malformed> {
        let bytes = r.prefixed_u24("certificate list")?;
        let mut rest = Reader::new(bytes);
        while !rest.is_empty() {
            if rest.prefixed_u24("certificate")?.is_empty() {
                return Err(Malformed("certificate"));
            }
        }
        Ok(Self {
            chain: Chain(Source::Wire(bytes)),
        })
    }

    /// How many bytes [`emit`](Self::emit) writes.
    #[must_use]
    pub fn encoded_len(&self) -> usize {
        3 + self.chain.iter().map(|der| 3 + der.len()).sum::<usize>()
    }

    /// Writes the body of the message.
    pub fn emit(&self, w: &mut Writer<'_>) {
        w.prefixed_u24(|w| {
            for der in self.chain.iter() {
                w.prefixed_u24(|w| w.bytes(der));
            }
        });
    }
}

/// Certificates in DER: read from the wire, or given to be written.
#[derive(Clone, Copy)]
pub struct Chain<'a>(Source<'a>);

#[derive(Clone, Copy)]
enum Source<'a> {
    /// Bytes that were parsed to their end once.
    Wire(&'a [u8]),
    Given(&'a [&'a [u8]]),
}

impl<'a> Chain<'a> {
    /// The chain of these certificates, the sender's own first.
    #[must_use]
    pub const fn new(certificates: &'a [&'a [u8]]) -> Self {
        Self(Source::Given(certificates))
    }

    /// The certificates in order.
    pub fn iter(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let (wire, given): (&[u8], &[&[u8]]) = match self.0 {
            Source::Wire(bytes) => (bytes, &[]),
            Source::Given(certificates) => (&[], certificates),
        };
        let mut r = Reader::new(wire);
        let parsed = core::iter::from_fn(move || r.prefixed_u24("certificate").ok());
        parsed.chain(given.iter().copied())
    }
}

impl PartialEq for Chain<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for Chain<'_> {}

impl fmt::Debug for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}
