//! Who does the cryptography? A provider that the configuration names.
//!
//! The machines know only the traits of this module; a backend is a
//! [`CryptoProvider`] constant. Nothing is global and nothing is chosen behind
//! the caller's back.

pub mod certificate;
#[cfg(any(test, feature = "sim"))]
pub mod conformance;
#[cfg(any(test, feature = "sim"))]
pub mod fake;
mod provider;
#[cfg(feature = "rust-crypto")]
pub mod rust_crypto;
mod traits;

pub use provider::CryptoProvider;
pub use traits::{
    ActiveKeyExchange, Aead, AeadAlgorithm, AeadId, BadTag, CryptoError, Hash, HashAlgorithm,
    HashId, Hmac, HmacAlgorithm, KeyExchangeGroup, KeyGenerator, KeyType, NamedGroup, Signature,
    SignatureScheme, SigningKey, TAG_LEN, Verifier,
};
