//! The extension by which DTLS agrees on keys for SRTP (RFC 5764 §4.1).

use core::fmt;

use crate::cursor::{Malformed, Reader, Writer};
use crate::wire::dtls::Codes;

/// Which ciphers and tags protect RTP (RFC 5764 §4.1.2, RFC 7714 §14.2)?
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum SrtpProfile {
    /// AES-128 in counter mode, HMAC-SHA1 with 80 bits: the one that everybody has.
    Aes128CmSha1_80,
    /// AES-128 in counter mode, HMAC-SHA1 with 32 bits on RTP, 80 on RTCP.
    Aes128CmSha1_32,
    /// AES-128-GCM.
    AeadAes128Gcm,
    /// AES-256-GCM.
    AeadAes256Gcm,
}

impl SrtpProfile {
    /// The profile with this code.
    #[must_use]
    pub const fn from_code(code: u16) -> Option<Self> {
        match code {
            1 => Some(Self::Aes128CmSha1_80),
            2 => Some(Self::Aes128CmSha1_32),
            7 => Some(Self::AeadAes128Gcm),
            8 => Some(Self::AeadAes256Gcm),
            _ => None,
        }
    }

    /// The code on the wire.
    #[must_use]
    pub const fn code(self) -> u16 {
        match self {
            Self::Aes128CmSha1_80 => 1,
            Self::Aes128CmSha1_32 => 2,
            Self::AeadAes128Gcm => 7,
            Self::AeadAes256Gcm => 8,
        }
    }

    /// The length of a master key in bytes.
    #[must_use]
    pub const fn key_len(self) -> usize {
        match self {
            Self::Aes128CmSha1_80 | Self::Aes128CmSha1_32 | Self::AeadAes128Gcm => 16,
            Self::AeadAes256Gcm => 32,
        }
    }

    /// The length of a master salt in bytes.
    #[must_use]
    pub const fn salt_len(self) -> usize {
        match self {
            Self::Aes128CmSha1_80 | Self::Aes128CmSha1_32 => 14,
            Self::AeadAes128Gcm | Self::AeadAes256Gcm => 12,
        }
    }
}

/// The name of the IANA registry.
impl fmt::Display for SrtpProfile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Aes128CmSha1_80 => "SRTP_AES128_CM_HMAC_SHA1_80",
            Self::Aes128CmSha1_32 => "SRTP_AES128_CM_HMAC_SHA1_32",
            Self::AeadAes128Gcm => "SRTP_AEAD_AES_128_GCM",
            Self::AeadAes256Gcm => "SRTP_AEAD_AES_256_GCM",
        })
    }
}

/// The content of a `use_srtp` extension.
///
/// ```text
/// +-----------+-----------------+---------+-------+
/// | length 16 | profile 16, …   | length 8| MKI … |
/// +-----------+-----------------+---------+-------+
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UseSrtp<'a> {
    /// The codes of the profiles, best first.
    pub profiles: Codes<'a>,
    /// The master key identifier that packets would carry; nobody uses one.
    pub mki: &'a [u8],
}

impl<'a> UseSrtp<'a> {
    /// Reads the content of the extension.
    ///
    /// # Errors
    ///
    /// [`Malformed`] if it is cut.
    pub fn parse(r: &mut Reader<'a>) -> Result<Self, Malformed> {
        Ok(Self {
            profiles: Codes::prefixed_u16(r, "use_srtp profiles")?,
            mki: r.prefixed_u8("use_srtp MKI")?,
        })
    }

    /// How many bytes [`emit`](Self::emit) writes.
    #[must_use]
    pub const fn encoded_len(&self) -> usize {
        2 + self.profiles.encoded_len() + 1 + self.mki.len()
    }

    /// Writes the content of the extension.
    pub fn emit(&self, w: &mut Writer<'_>) {
        w.prefixed_u16(|w| self.profiles.emit(w));
        w.prefixed_u8(|w| w.bytes(self.mki));
    }
}
