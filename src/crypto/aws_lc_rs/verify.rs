//! Signatures of ECDSA on P-256 with SHA-256 (FIPS 186-5 §6), checked by AWS-LC.

use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1, ParsedPublicKey};

use super::kx::is_uncompressed;
use crate::crypto::{CryptoError, SignatureScheme, Verifier};

/// ECDSA on P-256.
pub(super) struct P256;

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
        if !is_uncompressed(public_key) {
            return Err(CryptoError::InvalidKey);
        }
        ParsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, public_key)
            .map_err(|_| CryptoError::InvalidKey)?
            .verify_sig(message, signature)
            .map_err(|_| CryptoError::BadSignature)
    }
}
