//! ECDSA on P-256 with SHA-256 (FIPS 186-5 §6, RFC 6979).

use alloc::boxed::Box;
use alloc::vec::Vec;

use p256::SecretKey;
use p256::ecdsa::signature::{Signer as _, Verifier as _};
use p256::ecdsa::{DerSignature, SigningKey, VerifyingKey};
use p256::elliptic_curve::Generate;
use p256::pkcs8::EncodePrivateKey;
use rand_core::CryptoRng;
use zeroize::Zeroizing;

use super::point::{Point, encode_point, parse_point};
use crate::crypto::{
    self, CryptoError, KeyGenerator, KeyType, Signature, SignatureScheme, Verifier,
};

/// ECDSA on P-256.
pub(in crate::crypto) struct P256;

impl KeyGenerator for P256 {
    fn key_type(&self) -> KeyType {
        KeyType::EcdsaP256
    }

    fn generate(&self, rng: &mut dyn CryptoRng) -> Box<dyn crypto::SigningKey> {
        Box::new(Key::new(&SecretKey::generate_from_rng(rng)))
    }

    fn load(&self, der: &[u8]) -> Result<Box<dyn crypto::SigningKey>, CryptoError> {
        let secret = SecretKey::from_der(der).map_err(|_| CryptoError::InvalidKey)?;
        Ok(Box::new(Key::new(&secret)))
    }
}

impl Verifier for P256 {
    fn scheme(&self) -> SignatureScheme {
        SignatureScheme::EcdsaSecp256r1Sha256
    }

    fn verify(
        &self,
        public_key: &[u8],
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), CryptoError> {
        let key = VerifyingKey::from(parse_point(public_key)?);
        let signature =
            DerSignature::from_bytes(signature).map_err(|_| CryptoError::BadSignature)?;
        key.verify(message, &signature)
            .map_err(|_| CryptoError::BadSignature)
    }
}

/// A private key and, ready to be sent, its public key.
struct Key {
    secret: SigningKey,
    public: Point,
}

impl Key {
    fn new(secret: &SecretKey) -> Self {
        Self {
            secret: SigningKey::from(secret),
            public: encode_point(&secret.public_key()),
        }
    }
}

impl crypto::SigningKey for Key {
    fn scheme(&self) -> SignatureScheme {
        SignatureScheme::EcdsaSecp256r1Sha256
    }

    fn public_key(&self) -> &[u8] {
        &self.public
    }

    fn sign(&self, _: &mut dyn CryptoRng, message: &[u8]) -> Signature {
        let signature: DerSignature = self.secret.sign(message);
        signature.as_bytes().to_vec()
    }

    fn to_pkcs8(&self) -> Zeroizing<Vec<u8>> {
        self.secret
            .to_pkcs8_der()
            .expect("the encoding of a P-256 key has a fixed small size")
            .to_bytes()
    }
}

#[cfg(test)]
mod tests {
    use p256::SecretKey;

    use super::Key;
    use crate::crypto::SigningKey;
    use crate::rng::Rng;

    /// RFC 6979 §A.2.5, SHA-256, "sample" and "test".
    #[test]
    fn signatures_are_deterministic() {
        let private = "c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721";
        let private = hex::decode(private).unwrap();
        let key = Key::new(&SecretKey::from_slice(&private).unwrap());
        for (message, r, s) in [
            (
                "sample",
                "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716",
                "f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8",
            ),
            (
                "test",
                "f1abb023518351cd71d881567b1ea663ed3efcf6c5132b354f28d3b0b7d38367",
                "019f4113742a2b14bd25926b49c649155f267e60d3814b4c0cc84250e46f0083",
            ),
        ] {
            let signature = key.sign(&mut Rng::from_number(1), message.as_bytes());
            let signature = hex::encode(signature);
            assert!(signature.contains(r) && signature.ends_with(s));
        }
    }
}
