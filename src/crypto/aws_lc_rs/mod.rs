//! The second backend: AWS-LC, in C and assembly, through `aws-lc-rs`.
//!
//! It takes each algorithm from where it is faster, and a private key and a
//! signature from where the same seed gives the same bytes: AWS-LC draws the
//! nonce of an ECDSA signature from randomness of its own, RustCrypto computes it
//! from key and message (RFC 6979). Keys are the same in both backends, so a
//! session is the same to the byte.
//!
//! | | from | here, ns | `rust-crypto`, ns |
//! |---|---|---|---|
//! | AES-128-GCM, AES-256-GCM, 1,200 bytes | AWS-LC | 181, 202 | 581, 650 |
//! | AES-128-CTR, AES-256-CTR, 1,188 bytes | AWS-LC | 205, 248 | 290, 362 |
//! | ECDH on P-256: a key pair, a secret | AWS-LC | 19,400, 46,200 | 42,100, 163,000 |
//! | ECDSA on P-256: check | AWS-LC | 55,500 | 177,000 |
//! | ECDSA on P-256: sign | RustCrypto, as AWS-LC's (16,400) is not the same twice | 49,600 | 49,600 |
//! | HMAC-SHA1, 60 and 1,200 bytes | RustCrypto (AWS-LC: 276, 906) | 188, 830 | 188, 830 |
//! | HMAC-SHA256, 60 and 1,200 bytes | RustCrypto (AWS-LC: 287, 951) | 214, 806 | 214, 806 |
//! | SHA-256, SHA-384, 1,200 bytes | RustCrypto (AWS-LC: 793, 1,994) | 774, 2,330 | 774, 2,330 |
//! | MD5 | RustCrypto, as `aws-lc-rs` has none | | |
//!
//! Times are of one run on a Sapphire Rapids Xeon with SHA-NI, the least of 30
//! rounds. SHA-384 stays where the other hashes are: it allocates nothing there
//! and only certificates and a handshake use it.
//!
//! This backend needs `std`, and a C compiler when it is built; the crate's own
//! code is still without `unsafe`.

mod aead;
mod kx;
mod stream;
mod verify;

use super::CryptoProvider;
use super::rust_crypto::{hash, sign};

/// AES-GCM and AES in counter mode, the SHA family, ECDH and ECDSA on P-256.
pub const PROVIDER: CryptoProvider = CryptoProvider {
    name: "aws-lc-rs",
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
    verifiers: &[&verify::P256],
};
