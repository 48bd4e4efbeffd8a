//! The default backend: the RustCrypto crates, in pure Rust, without `std`.
//!
//! AES runs on the instructions of the processor where it has them and
//! bitsliced elsewhere, so that its time never depends on keys or data.

#[cfg(feature = "rust-crypto")]
mod aead;
pub(super) mod hash;
#[cfg(feature = "rust-crypto")]
mod kx;
mod point;
pub(super) mod sign;
#[cfg(feature = "rust-crypto")]
mod stream;

#[cfg(feature = "rust-crypto")]
use super::CryptoProvider;

/// AES-GCM and AES in counter mode, the SHA family, ECDH and ECDSA on P-256.
#[cfg(feature = "rust-crypto")]
pub const PROVIDER: CryptoProvider = CryptoProvider {
    name: "rust-crypto",
    aeads: &[&aead::AES_128_GCM, &aead::AES_256_GCM],
    key_streams: &[&stream::AES_128_CTR, &stream::AES_256_CTR],
    hashes: &[
        &hash::SHA_256,
        &hash::SHA_384,
        &hash::SHA_512,
        &hash::SHA_1,
        &hash::MD_5,
    ],
    hmacs: &[&hash::HMAC_SHA_256, &hash::HMAC_SHA_384, &hash::HMAC_SHA_1],
    groups: &[&kx::P256],
    generators: &[&sign::P256],
    verifiers: &[&sign::P256],
};

#[cfg(all(test, feature = "rust-crypto"))]
mod tests {
    use zeroize::ZeroizeOnDrop;

    /// The promise of the traits, kept by the types behind them.
    #[test]
    fn keys_are_wiped_when_dropped() {
        const fn is_wiped<T: ZeroizeOnDrop>() {}
        is_wiped::<aes_gcm::Aes128Gcm>();
        is_wiped::<aes_gcm::Aes256Gcm>();
        is_wiped::<aes::Aes128Enc>();
        is_wiped::<aes::Aes256Enc>();
        // A keyed HMAC is the states of two hashes.
        is_wiped::<sha1::Sha1>();
        is_wiped::<sha2::Sha256>();
        is_wiped::<sha2::Sha384>();
        is_wiped::<p256::ecdh::EphemeralSecret>();
        is_wiped::<p256::ecdsa::SigningKey>();
        is_wiped::<p256::SecretKey>();
    }
}
