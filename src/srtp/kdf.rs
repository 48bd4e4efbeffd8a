//! Keys of a session from keys of an association (RFC 3711 §4.3, RFC 6188 §3).

use alloc::boxed::Box;

use super::Master;
use crate::crypto::{CryptoError, CryptoProvider, KeyStream, KeyStreamId};
use crate::wire::dtls::extension::SrtpProfile;

/// What is a derived key for (RFC 3711 §4.3.2, RFC 6904 §3)?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Label {
    RtpKey = 0,
    RtpMac = 1,
    RtpSalt = 2,
    RtcpKey = 3,
    RtcpMac = 4,
    RtcpSalt = 5,
    HeaderKey = 6,
    HeaderSalt = 7,
}

/// A master key that keys are derived from; the derivation rate is zero.
pub(super) struct Derivation {
    prf: Box<dyn KeyStream>,
    salt: [u8; 14],
}

impl Derivation {
    pub(super) fn new(
        provider: &CryptoProvider,
        profile: SrtpProfile,
        master: Master<'_>,
    ) -> Result<Self, CryptoError> {
        if master.key.len() != profile.key_len() || master.salt.len() != profile.salt_len() {
            return Err(CryptoError::InvalidKey);
        }
        // RFC 7714 §11: a salt of 12 bytes has zeros behind it.
        let mut salt = [0; 14];
        salt.iter_mut()
            .zip(master.salt)
            .for_each(|(to, &from)| *to = from);
        let prf = key_stream(provider, master.key)?;
        Ok(Self { prf, salt })
    }

    /// The same with another salt, for vectors whose salt is longer than the profile's.
    #[cfg(test)]
    pub(super) fn with_salt(self, salt: [u8; 14]) -> Self {
        Self { salt, ..self }
    }

    /// Fills `key` with what `label` stands for.
    pub(super) fn derive(&self, label: Label, key: &mut [u8]) {
        let mut counter = [0; 16];
        counter
            .iter_mut()
            .zip(self.salt)
            .for_each(|(to, from)| *to = from);
        // RFC 3711 §4.3.1: the label stands above the 48 bits of the index, which is zero.
        counter[7] ^= label as u8;
        key.fill(0);
        self.prf.apply(&counter, key);
    }
}

/// AES in counter mode with a key of either length.
pub(super) fn key_stream(
    provider: &CryptoProvider,
    key: &[u8],
) -> Result<Box<dyn KeyStream>, CryptoError> {
    let id = match key.len() {
        32 => KeyStreamId::Aes256Ctr,
        _ => KeyStreamId::Aes128Ctr,
    };
    let algorithm = provider.key_stream(id).ok_or(CryptoError::Unsupported)?;
    algorithm.key(key)
}
