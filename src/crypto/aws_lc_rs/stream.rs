//! AES in counter mode (NIST SP 800-38A §6.5) by AWS-LC.

use alloc::boxed::Box;

use aws_lc_rs::cipher::{AES_128, AES_256, Algorithm};
use aws_lc_rs::cipher::{EncryptingKey, EncryptionContext, UnboundCipherKey};
use aws_lc_rs::iv::FixedLength;

use crate::crypto::{CryptoError, KeyStream, KeyStreamAlgorithm, KeyStreamId};

/// AES in counter mode with a 16-byte key.
pub(super) static AES_128_CTR: Counter = Counter {
    id: KeyStreamId::Aes128Ctr,
    key_len: 16,
    algorithm: &AES_128,
};

/// AES in counter mode with a 32-byte key.
pub(super) static AES_256_CTR: Counter = Counter {
    id: KeyStreamId::Aes256Ctr,
    key_len: 32,
    algorithm: &AES_256,
};

/// One key length of AES in counter mode.
pub(super) struct Counter {
    id: KeyStreamId,
    key_len: usize,
    algorithm: &'static Algorithm,
}

impl KeyStreamAlgorithm for Counter {
    fn id(&self) -> KeyStreamId {
        self.id
    }

    fn key_len(&self) -> usize {
        self.key_len
    }

    fn key(&self, key: &[u8]) -> Result<Box<dyn KeyStream>, CryptoError> {
        let key = UnboundCipherKey::new(self.algorithm, key)
            .and_then(EncryptingKey::ctr)
            .map_err(|_| CryptoError::InvalidKey)?;
        Ok(Box::new(Keyed(key)))
    }
}

/// A cipher with its round keys.
struct Keyed(EncryptingKey);

impl KeyStream for Keyed {
    fn apply(&self, counter: &[u8; 16], data: &mut [u8]) {
        let context = EncryptionContext::Iv128(FixedLength::from(*counter));
        self.0
            .less_safe_encrypt(data, context)
            .expect("a counter of 16 bytes is what counter mode takes");
    }
}
