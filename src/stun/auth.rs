//! Was the message made by somebody who knows the password (RFC 8489 §9)?

use alloc::boxed::Box;
use core::fmt;

use subtle::ConstantTimeEq;
use thiserror::Error;

use crate::crypto::{CryptoError, CryptoProvider, HashId, Hmac};
use crate::wire::stun::{Builder, Covered, Message};

/// The key of a credential, with its HMAC state computed once.
///
/// A check costs what the hash of the message costs: nothing is keyed, copied
/// or allocated for it.
pub struct Key {
    hash: HashId,
    hmac: Box<dyn Hmac>,
}

impl Key {
    /// The short-term key of a password (RFC 8489 §9.1.1), as ICE uses it.
    ///
    /// # Errors
    ///
    /// [`CryptoError::Unsupported`] if the provider has no HMAC over SHA-1.
    pub fn short_term(provider: &CryptoProvider, password: &str) -> Result<Self, CryptoError> {
        Self::new(provider, HashId::Sha1, password.as_bytes())
    }

    /// A key for MESSAGE-INTEGRITY (SHA-1) or MESSAGE-INTEGRITY-SHA256 (SHA-256).
    ///
    /// # Errors
    ///
    /// [`CryptoError::Unsupported`] if it is another hash, or the provider does
    /// not offer its HMAC.
    pub fn new(
        provider: &CryptoProvider,
        hash: HashId,
        secret: &[u8],
    ) -> Result<Self, CryptoError> {
        if !matches!(hash, HashId::Sha1 | HashId::Sha256) {
            return Err(CryptoError::Unsupported);
        }
        let hmac = provider.hmac(hash).ok_or(CryptoError::Unsupported)?;
        Ok(Self {
            hash,
            hmac: hmac.key(secret),
        })
    }

    /// Whether `message` carries the integrity of this key.
    ///
    /// # Errors
    ///
    /// [`AuthError`]. Both cases deserve the same silence: an answer would tell
    /// a guesser which half of a credential was right.
    pub fn verify(&self, message: &Message<'_>) -> Result<(), AuthError> {
        let covered = match self.hash {
            HashId::Sha256 => message.integrity_sha256(),
            _ => message.integrity(),
        };
        let Covered { header, rest, code } = covered.ok_or(AuthError::Missing)?;
        let expected = self.hmac.sign(&[&header, rest]);
        // A SHA-256 code may be cut; how short it may be is checked by its format.
        let expected = expected.get(..code.len()).ok_or(AuthError::Wrong)?;
        if bool::from(expected.ct_eq(code)) {
            Ok(())
        } else {
            Err(AuthError::Wrong)
        }
    }

    /// Adds the integrity of this key to a message.
    pub fn sign(&self, builder: &mut Builder<'_, '_>) {
        match self.hash {
            HashId::Sha256 => builder.integrity_sha256(|covered| self.code(covered)),
            _ => builder.integrity(|covered| self.code(covered)),
        };
    }

    /// How many bytes the code of a message has.
    #[must_use]
    pub const fn code_len(&self) -> usize {
        self.hash.output_len()
    }

    fn code<const N: usize>(&self, covered: &[u8]) -> [u8; N] {
        let signature = self.hmac.sign(&[covered]);
        signature.first_chunk().copied().unwrap_or([0; N])
    }
}

/// The key stays untold.
impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key")
            .field("hash", &self.hash)
            .finish_non_exhaustive()
    }
}

/// Why is a message not to be believed?
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum AuthError {
    /// It carries no integrity of the kind that the key makes.
    #[error("no message integrity")]
    Missing,
    /// The integrity was made with another key, or over other bytes.
    #[error("wrong message integrity")]
    Wrong,
}

#[cfg(all(test, feature = "rust-crypto"))]
mod tests {
    use alloc::vec::Vec;

    use serde_json::Value;

    use super::*;
    use crate::crypto::rust_crypto::PROVIDER;
    use crate::cursor::{Reader, Writer};
    use crate::wire::stun::{Class, Method, TransactionId};

    fn vectors(text: &str) -> Value {
        serde_json::from_str(text).expect("vectors are JSON")
    }

    fn rfc5769() -> Value {
        vectors(include_str!("../../tests/vectors/stun/rfc5769.json"))
    }

    fn bytes_of(vector: &Value, field: &str) -> Vec<u8> {
        hex::decode(vector[field].as_str().expect("hex")).expect("hex")
    }

    fn verify(key: &Key, bytes: &[u8]) -> Result<(), AuthError> {
        let message = Message::parse(&mut Reader::new(bytes)).expect("a message");
        key.verify(&message)
    }

    #[test]
    fn integrities_of_rfc_5769_and_of_a_browser_verify() {
        let chromium = vectors(include_str!("../../tests/vectors/stun/chromium.json"));
        let lists = [rfc5769(), chromium].map(|vectors| vectors["vectors"].clone());
        for vector in lists
            .iter()
            .flat_map(|list| list.as_array().expect("a list"))
        {
            let key = match vector["password"].as_str() {
                Some(password) => Key::short_term(&PROVIDER, password),
                None => Key::new(&PROVIDER, HashId::Sha1, &bytes_of(vector, "key_md5")),
            };
            let bytes = bytes_of(vector, "message");
            let key = key.expect("a key");
            assert_eq!(verify(&key, &bytes), Ok(()), "{}", vector["name"]);
            let other = Key::short_term(&PROVIDER, "another").expect("a key");
            assert_eq!(verify(&other, &bytes), Err(AuthError::Wrong));
        }
    }

    #[test]
    fn rfc_8489_sha256_integrities_verify_whole_and_cut() {
        let text = include_str!("../../tests/vectors/stun/rfc8489.json");
        for vector in vectors(text)["corrected"].as_array().expect("a list") {
            let key = bytes_of(vector, "key_sha256");
            let bytes = bytes_of(vector, "message");
            let key = Key::new(&PROVIDER, HashId::Sha256, &key).expect("a key");
            assert_eq!(verify(&key, &bytes), Ok(()), "{}", vector["name"]);
            let sha1 = Key::new(&PROVIDER, HashId::Sha1, b"key").expect("a key");
            assert_eq!(verify(&sha1, &bytes), Err(AuthError::Missing));
        }
    }

    #[test]
    fn what_is_signed_verifies_and_no_bit_of_it_can_change() {
        for hash in [HashId::Sha1, HashId::Sha256] {
            let key = Key::new(&PROVIDER, hash, b"secret").expect("a key");
            let mut buf = Vec::new();
            let mut w = Writer::new(&mut buf, 200);
            let id = TransactionId([9; 12]);
            let mut builder = Builder::new(&mut w, Class::Request, Method::BINDING, id);
            builder.attribute(&crate::wire::stun::Attribute::Priority(1));
            key.sign(&mut builder);
            assert_eq!(verify(&key, &buf), Ok(()));
            for bit in 0..buf.len() * 8 {
                let mut forged = buf.clone();
                forged[bit / 8] ^= 1 << (bit % 8);
                let mut r = Reader::new(&forged);
                if let Ok(message) = Message::parse(&mut r) {
                    assert!(key.verify(&message).is_err(), "bit {bit}");
                }
            }
        }
    }

    #[test]
    fn other_hashes_are_not_offered() {
        assert!(Key::new(&PROVIDER, HashId::Md5, b"").is_err());
    }
}
