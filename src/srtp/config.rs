//! What both ends agreed on.

use core::fmt;

use crate::crypto::{AeadId, CryptoProvider, HashId, KeyStreamId};
use crate::wire::dtls::extension::SrtpProfile;

/// How are packets protected, and how much is allowed?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Config {
    /// Which ciphers.
    pub profile: SrtpProfile,
    /// What of the header is hidden, too. Both ends have to agree.
    pub header: HeaderProtection,
    /// How many sources are told apart in each direction. Packets of more are
    /// dropped, for a source that is forgotten could be replayed.
    pub max_sources: usize,
    /// Whether an RTP packet may be sealed again under its number.
    ///
    /// Only for retransmission without RTX, and only if the packet is the same
    /// byte for byte: two different packets under one number tell an attacker
    /// the difference of their contents, and with GCM let him forge others.
    pub repeats: bool,
    /// How many RTP packets the keys may seal: 2⁴⁸ (RFC 3711 §9.2).
    pub rtp_lifetime: u64,
    /// How many RTCP packets the keys may seal: 2³¹ (RFC 3711 §9.2).
    pub rtcp_lifetime: u32,
}

impl Config {
    /// The defaults with this profile.
    #[must_use]
    pub const fn new(profile: SrtpProfile) -> Self {
        Self {
            profile,
            header: HeaderProtection::None,
            max_sources: 1024,
            repeats: false,
            rtp_lifetime: 1 << 48,
            rtcp_lifetime: 1 << 31,
        }
    }
}

/// Whether the backend has what a profile needs.
#[must_use]
pub fn is_supported(profile: SrtpProfile, provider: &CryptoProvider) -> bool {
    let counter = |id| provider.key_stream(id).is_some();
    let gcm = |id| provider.aead(id).is_some();
    match profile {
        SrtpProfile::Aes128CmSha1_80 | SrtpProfile::Aes128CmSha1_32 => {
            counter(KeyStreamId::Aes128Ctr) && provider.hmac(HashId::Sha1).is_some()
        }
        // RFC 7714 §11: keys are derived in counter mode here, too.
        SrtpProfile::AeadAes128Gcm => gcm(AeadId::Aes128Gcm) && counter(KeyStreamId::Aes128Ctr),
        SrtpProfile::AeadAes256Gcm => gcm(AeadId::Aes256Gcm) && counter(KeyStreamId::Aes256Ctr),
    }
}

/// What of an RTP header is hidden?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeaderProtection {
    /// Nothing.
    None,
    /// The values of these extensions (RFC 6904).
    Extensions(ExtensionSet),
    /// CSRCs and all extensions (RFC 9335, Cryptex). Packets that come without
    /// it are taken too.
    Cryptex,
}

/// Which ids of extensions?
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct ExtensionSet([u128; 2]);

impl ExtensionSet {
    /// None.
    pub const EMPTY: Self = Self([0; 2]);

    /// These and `id`.
    #[must_use]
    pub const fn with(mut self, id: u8) -> Self {
        self.0[(id >> 7) as usize] |= 1 << (id & 0x7f);
        self
    }

    /// Whether `id` is one of them.
    #[must_use]
    pub const fn contains(&self, id: u8) -> bool {
        self.0[(id >> 7) as usize] >> (id & 0x7f) & 1 == 1
    }
}

/// From what are the keys of one direction derived?
#[derive(Clone, Copy)]
pub struct Master<'a> {
    pub(super) key: &'a [u8],
    pub(super) salt: &'a [u8],
}

impl<'a> Master<'a> {
    /// A master key and a master salt, each as long as the profile says.
    #[must_use]
    pub const fn new(key: &'a [u8], salt: &'a [u8]) -> Self {
        Self { key, salt }
    }
}

/// Says nothing.
impl fmt::Debug for Master<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Master")
    }
}
