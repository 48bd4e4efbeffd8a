//! AES-GCM (NIST SP 800-38D, RFC 5116 §5). It encrypts blocks only, so a key has
//! half the round keys of AES.

use alloc::boxed::Box;
use core::marker::PhantomData;

use aes::{Aes128Enc, Aes256Enc};
use aes_gcm::aead::consts::{U12, U16};
use aes_gcm::{AeadCore, AeadInOut, AesGcm, KeyInit};

use crate::crypto::{Aead, AeadAlgorithm, AeadId, BadTag, CryptoError, TAG_LEN};

/// AES-GCM with a 16-byte key.
pub(super) const AES_128_GCM: Gcm<AesGcm<Aes128Enc, U12>> = Gcm::new(AeadId::Aes128Gcm);

/// AES-GCM with a 32-byte key.
pub(super) const AES_256_GCM: Gcm<AesGcm<Aes256Enc, U12>> = Gcm::new(AeadId::Aes256Gcm);

/// One key length of AES-GCM.
pub(super) struct Gcm<C> {
    id: AeadId,
    cipher: PhantomData<fn() -> C>,
}

impl<C> Gcm<C> {
    const fn new(id: AeadId) -> Self {
        Self {
            id,
            cipher: PhantomData,
        }
    }
}

impl<C> AeadAlgorithm for Gcm<C>
where
    C: KeyInit + AeadCore<NonceSize = U12, TagSize = U16> + AeadInOut + Send + 'static,
{
    fn id(&self) -> AeadId {
        self.id
    }

    fn key_len(&self) -> usize {
        C::key_size()
    }

    fn key(&self, key: &[u8]) -> Result<Box<dyn Aead>, CryptoError> {
        let cipher = C::new_from_slice(key).map_err(|_| CryptoError::InvalidKey)?;
        Ok(Box::new(Keyed(cipher)))
    }
}

/// A cipher with its round keys and its table for GHASH.
struct Keyed<C>(C);

impl<C> Aead for Keyed<C>
where
    C: AeadCore<NonceSize = U12, TagSize = U16> + AeadInOut + Send,
{
    fn seal(&mut self, nonce: &[u8; 12], aad: &[u8], data: &mut [u8], tag: &mut [u8; TAG_LEN]) {
        *tag = self
            .0
            .encrypt_inout_detached(nonce.into(), aad, data.into())
            .expect("the only failure is a message of more than 64 GiB")
            .into();
    }

    fn open(
        &mut self,
        nonce: &[u8; 12],
        aad: &[u8],
        data: &mut [u8],
        tag: &[u8; TAG_LEN],
    ) -> Result<(), BadTag> {
        self.0
            .decrypt_inout_detached(nonce.into(), aad, data.into(), tag.into())
            .map_err(|_| BadTag)
    }
}
