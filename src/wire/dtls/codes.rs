//! The numbers of TLS: versions, cipher suites and lists of 16-bit codes.

use core::fmt;

use crate::cursor::{Malformed, Reader, Writer};

/// Which version of the protocol? DTLS counts downwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProtocolVersion(pub u16);

impl ProtocolVersion {
    /// DTLS 1.0 (RFC 4347), which nobody should speak any more (RFC 8996).
    pub const DTLS_1_0: Self = Self(0xfeff);
    /// DTLS 1.2 (RFC 6347).
    pub const DTLS_1_2: Self = Self(0xfefd);
    /// DTLS 1.3 (RFC 9147).
    pub const DTLS_1_3: Self = Self(0xfefc);

    /// Whether the number belongs to any version of DTLS.
    #[must_use]
    pub const fn is_dtls(self) -> bool {
        self.0 >> 8 == 0xfe
    }
}

impl fmt::Display for ProtocolVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::DTLS_1_0 => f.write_str("1.0"),
            Self::DTLS_1_2 => f.write_str("1.2"),
            Self::DTLS_1_3 => f.write_str("1.3"),
            Self(code) => write!(f, "{code:#06x}"),
        }
    }
}

/// Which key exchange, cipher and hash?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CipherSuite(pub u16);

impl CipherSuite {
    /// The suite every WebRTC endpoint supports (RFC 8827 §6.5).
    pub const ECDHE_ECDSA_WITH_AES_128_GCM_SHA256: Self = Self(0xc02b);
    /// Its sibling with longer keys (RFC 5289 §3.2).
    pub const ECDHE_ECDSA_WITH_AES_256_GCM_SHA384: Self = Self(0xc02c);
}

impl fmt::Display for CipherSuite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::ECDHE_ECDSA_WITH_AES_128_GCM_SHA256 => {
                f.write_str("TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256")
            }
            Self::ECDHE_ECDSA_WITH_AES_256_GCM_SHA384 => {
                f.write_str("TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384")
            }
            Self(code) => write!(f, "{code:#06x}"),
        }
    }
}

/// A list of 16-bit codes: read from the wire, or given to be written.
#[derive(Clone, Copy)]
pub struct Codes<'a>(Source<'a>);

#[derive(Clone, Copy)]
enum Source<'a> {
    /// An even number of bytes.
    Wire(&'a [u8]),
    Given(&'a [u16]),
}

impl<'a> Codes<'a> {
    /// The list of these codes.
    #[must_use]
    pub const fn new(codes: &'a [u16]) -> Self {
        Self(Source::Given(codes))
    }

    /// Reads a list that a 16-bit length precedes.
    ///
    /// # Errors
    ///
    /// [`Malformed`] with `field` if it is cut, empty or of an odd length.
    pub fn prefixed_u16(r: &mut Reader<'a>, field: &'static str) -> Result<Self, Malformed> {
        r.prefixed_u16(field)
            .and_then(|bytes| Self::from_wire(bytes, field))
    }

    /// Reads a list that an 8-bit length precedes.
    ///
    /// # Errors
    ///
    /// [`Malformed`] with `field` if it is cut, empty or of an odd length.
    pub fn prefixed_u8(r: &mut Reader<'a>, field: &'static str) -> Result<Self, Malformed> {
        r.prefixed_u8(field)
            .and_then(|bytes| Self::from_wire(bytes, field))
    }

    const fn from_wire(bytes: &'a [u8], field: &'static str) -> Result<Self, Malformed> {
        if bytes.is_empty() || bytes.len() % 2 == 1 {
            return Err(Malformed(field));
        }
        Ok(Self(Source::Wire(bytes)))
    }

    /// The codes in order.
    pub fn iter(&self) -> impl Iterator<Item = u16> + use<'a> {
        let (wire, given): (&[u8], &[u16]) = match self.0 {
            Source::Wire(bytes) => (bytes, &[]),
            Source::Given(codes) => (&[], codes),
        };
        let (pairs, _) = wire.as_chunks();
        let decoded = pairs.iter().copied().map(u16::from_be_bytes);
        decoded.chain(given.iter().copied())
    }

    /// Whether `code` is in the list.
    #[must_use]
    pub fn contains(&self, code: u16) -> bool {
        self.iter().any(|candidate| candidate == code)
    }

    /// How many bytes the codes take, without a length before them.
    #[must_use]
    pub const fn encoded_len(&self) -> usize {
        match self.0 {
            Source::Wire(bytes) => bytes.len(),
            Source::Given(codes) => 2 * codes.len(),
        }
    }

    /// Writes the codes, without a length before them.
    pub fn emit(&self, w: &mut Writer<'_>) {
        self.iter().for_each(|code| w.u16(code));
    }
}

impl PartialEq for Codes<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for Codes<'_> {}

impl fmt::Debug for Codes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}
