//! AES in counter mode (NIST SP 800-38A §6.5).

use alloc::boxed::Box;
use core::marker::PhantomData;

use aes::{Aes128Enc, Aes256Enc};
use ctr::cipher::consts::U16;
use ctr::cipher::{BlockCipherEncrypt, BlockSizeUser, InnerIvInit, KeyInit, StreamCipherCore};
use ctr::{CtrCore, flavors};

use crate::crypto::{CryptoError, KeyStream, KeyStreamAlgorithm, KeyStreamId};

/// AES in counter mode with a 16-byte key.
pub(super) const AES_128_CTR: Counter<Aes128Enc> = Counter::new(KeyStreamId::Aes128Ctr);

/// AES in counter mode with a 32-byte key.
pub(super) const AES_256_CTR: Counter<Aes256Enc> = Counter::new(KeyStreamId::Aes256Ctr);

/// One key length of AES in counter mode.
pub(super) struct Counter<C> {
    id: KeyStreamId,
    cipher: PhantomData<fn() -> C>,
}

impl<C> Counter<C> {
    const fn new(id: KeyStreamId) -> Self {
        Self {
            id,
            cipher: PhantomData,
        }
    }
}

impl<C> KeyStreamAlgorithm for Counter<C>
where
    C: KeyInit + BlockCipherEncrypt + BlockSizeUser<BlockSize = U16> + Send + 'static,
{
    fn id(&self) -> KeyStreamId {
        self.id
    }

    fn key_len(&self) -> usize {
        C::key_size()
    }

    fn key(&self, key: &[u8]) -> Result<Box<dyn KeyStream>, CryptoError> {
        let cipher = C::new_from_slice(key).map_err(|_| CryptoError::InvalidKey)?;
        Ok(Box::new(Keyed(cipher)))
    }
}

/// A cipher with its round keys.
struct Keyed<C>(C);

impl<C> KeyStream for Keyed<C>
where
    C: BlockCipherEncrypt + BlockSizeUser<BlockSize = U16> + Send,
{
    fn apply(&self, counter: &[u8; 16], data: &mut [u8]) {
        // The round keys are borrowed: no copy of them for each packet.
        CtrCore::<&C, flavors::Ctr128BE>::inner_iv_init(&self.0, counter.into())
            .apply_keystream_partial(data.into());
    }
}
