//! The default backend: the RustCrypto crates, in pure Rust, without `std`.
//!
//! AES runs on the instructions of the processor where it has them and
//! bitsliced elsewhere, so that its time never depends on keys or data.

mod aead;
mod hash;
mod kx;
mod sign;

use super::CryptoProvider;

/// AES-GCM, the SHA family, ECDH and ECDSA on P-256.
pub const PROVIDER: CryptoProvider = CryptoProvider {
    name: "rust-crypto",
    aeads: &[&aead::AES_128_GCM, &aead::AES_256_GCM],
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
