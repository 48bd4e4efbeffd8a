//! Who does the cryptography? A provider that the configuration names.
//!
//! The machines know only the traits of this module; a backend is a
//! [`CryptoProvider`] constant. Nothing is global and nothing is chosen behind
//! the caller's back.
//!
//! ```
//! # #[cfg(feature = "rust-crypto")] {
//! use pollrtc::crypto::certificate::{Certificate, CertificateOptions, Fingerprint};
//! use pollrtc::crypto::{HashId, rust_crypto};
//! use pollrtc::rng::Rng;
//!
//! let provider = &rust_crypto::PROVIDER;
//! let options = CertificateOptions {
//!     common_name: "WebRTC".into(),
//!     not_before: 1_700_000_000,
//!     not_after: 1_800_000_000,
//! };
//! let mut rng = Rng::from_seed([7; 32]); // a secret one, on a network
//! let certificate = Certificate::generate(provider, &mut rng, &options)?;
//!
//! // What goes into SDP, and what the other end does with it.
//! let signalled = certificate.fingerprint(provider, HashId::Sha256).unwrap().to_string();
//! assert!(signalled.starts_with("sha-256 "));
//! let promised = Fingerprint::parse(&signalled).unwrap();
//! assert!(promised.matches(provider, certificate.der()));
//! # }
//! # Ok::<(), pollrtc::crypto::CryptoError>(())
//! ```

#[cfg(feature = "aws-lc-rs")]
pub mod aws_lc_rs;
pub mod certificate;
#[cfg(any(test, feature = "sim"))]
pub mod conformance;
#[cfg(any(test, feature = "sim"))]
pub mod fake;
mod provider;
#[cfg(feature = "rust-crypto")]
pub mod rust_crypto;
/// Of which the other backend takes parts.
#[cfg(all(feature = "aws-lc-rs", not(feature = "rust-crypto")))]
mod rust_crypto;
mod traits;

pub use provider::CryptoProvider;
pub use traits::{
    ActiveKeyExchange, Aead, AeadAlgorithm, AeadId, BadTag, CryptoError, Hash, HashAlgorithm,
    HashId, Hmac, HmacAlgorithm, KeyExchangeGroup, KeyGenerator, KeyStream, KeyStreamAlgorithm,
    KeyStreamId, KeyType, NamedGroup, Signature, SignatureScheme, SigningKey, TAG_LEN, Verifier,
};
