//! AES-GCM (NIST SP 800-38D, RFC 5116 §5) by AWS-LC.

use alloc::boxed::Box;

use aws_lc_rs::aead::{AES_128_GCM as GCM_128, AES_256_GCM as GCM_256, Aad, Algorithm};
use aws_lc_rs::aead::{LessSafeKey, Nonce, UnboundKey};

use crate::crypto::{Aead, AeadAlgorithm, AeadId, BadTag, CryptoError, TAG_LEN};

/// AES-GCM with a 16-byte key.
pub(super) static AES_128_GCM: Gcm = Gcm {
    id: AeadId::Aes128Gcm,
    algorithm: &GCM_128,
};

/// AES-GCM with a 32-byte key.
pub(super) static AES_256_GCM: Gcm = Gcm {
    id: AeadId::Aes256Gcm,
    algorithm: &GCM_256,
};

/// One key length of AES-GCM.
pub(super) struct Gcm {
    id: AeadId,
    algorithm: &'static Algorithm,
}

impl AeadAlgorithm for Gcm {
    fn id(&self) -> AeadId {
        self.id
    }

    fn key_len(&self) -> usize {
        self.algorithm.key_len()
    }

    fn key(&self, key: &[u8]) -> Result<Box<dyn Aead>, CryptoError> {
        let key = UnboundKey::new(self.algorithm, key).map_err(|_| CryptoError::InvalidKey)?;
        Ok(Box::new(Keyed(LessSafeKey::new(key))))
    }
}

/// A cipher with its round keys and its table for GHASH. "Less safe" says that
/// the caller sees to it that no nonce comes twice, as that of [`Aead`] does.
struct Keyed(LessSafeKey);

impl Aead for Keyed {
    fn seal(&mut self, nonce: &[u8; 12], aad: &[u8], data: &mut [u8], tag: &mut [u8; TAG_LEN]) {
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let made = self
            .0
            .seal_in_place_separate_tag(nonce, Aad::from(aad), data)
            .expect("the only failure is a message of more than 64 GiB");
        tag.copy_from_slice(made.as_ref());
    }

    fn open(
        &mut self,
        nonce: &[u8; 12],
        aad: &[u8],
        data: &mut [u8],
        tag: &[u8; TAG_LEN],
    ) -> Result<(), BadTag> {
        let nonce = Nonce::assume_unique_for_key(*nonce);
        self.0
            .open_in_place_separate_tag(nonce, Aad::from(aad), tag, data)
            .map(|_| ())
            .map_err(|_| BadTag)
    }
}
