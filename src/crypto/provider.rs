//! Which algorithms does a backend offer?

use core::fmt;

use super::traits::{
    AeadAlgorithm, AeadId, HashAlgorithm, HashId, HmacAlgorithm, KeyExchangeGroup, KeyGenerator,
    KeyStreamAlgorithm, KeyStreamId, KeyType, NamedGroup, SignatureScheme, Verifier,
};

/// The algorithms of one backend, in order of preference.
///
/// A plain struct of constants: pass `&crypto::rust_crypto::PROVIDER` in a
/// configuration, or build one from parts of several backends.
#[derive(Clone, Copy)]
pub struct CryptoProvider {
    /// What the backend is called, for logs and test names.
    pub name: &'static str,
    /// Authenticated ciphers.
    pub aeads: &'static [&'static dyn AeadAlgorithm],
    /// Stream ciphers.
    pub key_streams: &'static [&'static dyn KeyStreamAlgorithm],
    /// Hash functions.
    pub hashes: &'static [&'static dyn HashAlgorithm],
    /// Keyed hash functions.
    pub hmacs: &'static [&'static dyn HmacAlgorithm],
    /// Key agreement groups.
    pub groups: &'static [&'static dyn KeyExchangeGroup],
    /// Key pair generators.
    pub generators: &'static [&'static dyn KeyGenerator],
    /// Signature checks.
    pub verifiers: &'static [&'static dyn Verifier],
}

impl CryptoProvider {
    /// The authenticated cipher `id`, if offered.
    #[must_use]
    pub fn aead(&self, id: AeadId) -> Option<&'static dyn AeadAlgorithm> {
        self.aeads.iter().copied().find(|aead| aead.id() == id)
    }

    /// The stream cipher `id`, if offered.
    #[must_use]
    pub fn key_stream(&self, id: KeyStreamId) -> Option<&'static dyn KeyStreamAlgorithm> {
        self.key_streams
            .iter()
            .copied()
            .find(|stream| stream.id() == id)
    }

    /// The hash function `id`, if offered.
    #[must_use]
    pub fn hash(&self, id: HashId) -> Option<&'static dyn HashAlgorithm> {
        self.hashes.iter().copied().find(|hash| hash.id() == id)
    }

    /// The HMAC over `id`, if offered.
    #[must_use]
    pub fn hmac(&self, id: HashId) -> Option<&'static dyn HmacAlgorithm> {
        self.hmacs.iter().copied().find(|hmac| hmac.hash() == id)
    }

    /// The group, if offered.
    #[must_use]
    pub fn group(&self, group: NamedGroup) -> Option<&'static dyn KeyExchangeGroup> {
        self.groups
            .iter()
            .copied()
            .find(|candidate| candidate.group() == group)
    }

    /// The generator of this kind of key, if offered.
    #[must_use]
    pub fn generator(&self, key_type: KeyType) -> Option<&'static dyn KeyGenerator> {
        self.generators
            .iter()
            .copied()
            .find(|generator| generator.key_type() == key_type)
    }

    /// The check of this signature scheme, if offered.
    #[must_use]
    pub fn verifier(&self, scheme: SignatureScheme) -> Option<&'static dyn Verifier> {
        self.verifiers
            .iter()
            .copied()
            .find(|verifier| verifier.scheme() == scheme)
    }
}

impl fmt::Debug for CryptoProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CryptoProvider").field(&self.name).finish()
    }
}
