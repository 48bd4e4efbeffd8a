//! How do both ends come to the same keys (RFC 5246 §5, §6.3, §8.1)?

use alloc::vec;
use alloc::vec::Vec;

use arrayvec::ArrayVec;
use zeroize::{Zeroize, Zeroizing};

use crate::crypto::{AeadId, CryptoError, CryptoProvider, HashId, HmacAlgorithm};
use crate::dtls::config::Role;
use crate::dtls::record::{Cipher, OpenKeys, SALT_LEN, SealKeys};
use crate::wire::dtls::CipherSuite;

/// What a cipher suite is made of. The key agreement is ECDHE, signed with ECDSA.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::dtls) struct Suite {
    pub(in crate::dtls) id: CipherSuite,
    aead: AeadId,
    pub(in crate::dtls) hash: HashId,
}

impl Suite {
    /// The suites that the provider can do, best first.
    pub(in crate::dtls) fn offered(
        provider: &CryptoProvider,
    ) -> impl Iterator<Item = &'static Self> {
        SUITES.iter().filter(|suite| {
            provider.aead(suite.aead).is_some()
                && provider.hash(suite.hash).is_some()
                && provider.hmac(suite.hash).is_some()
        })
    }
}

/// What both ends have said in public about their keys.
#[derive(Clone, Copy)]
pub(in crate::dtls) struct Randoms {
    pub(in crate::dtls) client: [u8; 32],
    pub(in crate::dtls) server: [u8; 32],
}

/// What both ends know and nobody else: the source of all keys.
pub(in crate::dtls) struct Secrets {
    suite: &'static Suite,
    provider: &'static CryptoProvider,
    hmac: &'static dyn HmacAlgorithm,
    pub(in crate::dtls) randoms: Randoms,
    pub(in crate::dtls) master: Zeroizing<[u8; MASTER_LEN]>,
}

/// With what is the master secret bound to its handshake?
pub(in crate::dtls) enum Binding<'a> {
    /// With a hash of all messages so far (RFC 7627 §4).
    Session(&'a [u8]),
    /// With the randoms alone (RFC 5246 §8.1).
    Randoms,
}

impl Secrets {
    /// The master secret of a shared secret.
    pub(in crate::dtls) fn derive(
        provider: &'static CryptoProvider,
        suite: &'static Suite,
        randoms: Randoms,
        shared: &[u8],
        binding: &Binding<'_>,
    ) -> Result<Self, CryptoError> {
        let hmac = provider.hmac(suite.hash).ok_or(CryptoError::Unsupported)?;
        let mut master = Zeroizing::new([0; MASTER_LEN]);
        match binding {
            Binding::Session(hash) => {
                prf(
                    hmac,
                    shared,
                    b"extended master secret",
                    &[hash],
                    &mut *master,
                );
            }
            Binding::Randoms => {
                let seeds: [&[u8]; 2] = [&randoms.client, &randoms.server];
                prf(hmac, shared, b"master secret", &seeds, &mut *master);
            }
        }
        Self::from_master(provider, suite, randoms, master)
    }

    /// What follows from a master secret.
    pub(in crate::dtls) fn from_master(
        provider: &'static CryptoProvider,
        suite: &'static Suite,
        randoms: Randoms,
        master: Zeroizing<[u8; MASTER_LEN]>,
    ) -> Result<Self, CryptoError> {
        Ok(Self {
            suite,
            provider,
            hmac: provider.hmac(suite.hash).ok_or(CryptoError::Unsupported)?,
            randoms,
            master,
        })
    }

    /// The ciphers with which `role` writes and reads (RFC 5246 §6.3, RFC 5288 §3).
    pub(in crate::dtls) fn keys(&self, role: Role) -> Result<(SealKeys, OpenKeys), CryptoError> {
        let Self {
            suite,
            provider,
            hmac,
            randoms,
            master,
        } = self;
        let aead = provider.aead(suite.aead).ok_or(CryptoError::Unsupported)?;
        let key_len = aead.key_len();
        let mut block = Zeroizing::new(vec![0; 2 * key_len + 2 * SALT_LEN]);
        let seeds: [&[u8]; 2] = [&randoms.server, &randoms.client];
        prf(*hmac, &master[..], b"key expansion", &seeds, &mut block);
        let (keys, salts) = block.split_at(2 * key_len);
        let (client_key, server_key) = keys.split_at(key_len);
        let cipher = |key: &[u8], salt: Option<&[u8; SALT_LEN]>| {
            let salt = *salt.ok_or(CryptoError::InvalidKey)?;
            aead.key(key).map(|aead| Cipher { aead, salt })
        };
        let client = cipher(client_key, salts.first_chunk())?;
        let server = cipher(server_key, salts.last_chunk())?;
        Ok(match role {
            Role::Client => (SealKeys::new(client), OpenKeys::new(server)),
            Role::Server => (SealKeys::new(server), OpenKeys::new(client)),
        })
    }

    /// What the Finished message of `role` says, where `transcript` is the hash
    /// of all messages before it (RFC 5246 §7.4.9).
    pub(in crate::dtls) fn verify_data(&self, role: Role, transcript: &[u8]) -> [u8; 12] {
        let label: &[u8] = match role {
            Role::Client => b"client finished",
            Role::Server => b"server finished",
        };
        let mut out = [0; 12];
        prf(self.hmac, &self.master[..], label, &[transcript], &mut out);
        out
    }

    /// Keying material for others (RFC 5705 §4).
    pub(in crate::dtls) fn export(&self, label: &[u8], context: Option<&[u8]>, out: &mut [u8]) {
        let mut seeds: Vec<&[u8]> = vec![&self.randoms.client, &self.randoms.server];
        let length;
        if let Some(context) = context {
            length = u16::try_from(context.len())
                .unwrap_or(u16::MAX)
                .to_be_bytes();
            seeds.push(&length);
            seeds.push(context);
        }
        prf(self.hmac, &self.master[..], label, &seeds, out);
    }
}

/// Fills `out` from a secret, a label and the concatenation of `seeds` (RFC 5246 §5).
pub(in crate::dtls) fn prf(
    hmac: &dyn HmacAlgorithm,
    secret: &[u8],
    label: &[u8],
    seeds: &[&[u8]],
    out: &mut [u8],
) {
    let keyed = hmac.key(secret);
    let mut parts: ArrayVec<&[u8], MAX_PARTS> = ArrayVec::new();
    parts.push(label);
    parts.extend(seeds.iter().copied().take(MAX_PARTS - 2));
    let mut a = keyed.sign(&parts);
    for chunk in out.chunks_mut(hmac.hash().output_len()) {
        let mut with_a: ArrayVec<&[u8], MAX_PARTS> = ArrayVec::new();
        with_a.push(&a);
        with_a.extend(parts.iter().copied());
        let mut block = keyed.sign(&with_a);
        for (target, byte) in chunk.iter_mut().zip(&block) {
            *target = *byte;
        }
        block.as_mut_slice().zeroize();
        drop(with_a);
        a = keyed.sign(&[&a]);
    }
    a.as_mut_slice().zeroize();
}

/// The suites of this crate, best first.
static SUITES: [Suite; 2] = [
    Suite {
        id: CipherSuite::ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
        aead: AeadId::Aes128Gcm,
        hash: HashId::Sha256,
    },
    Suite {
        id: CipherSuite::ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
        aead: AeadId::Aes256Gcm,
        hash: HashId::Sha384,
    },
];

/// RFC 5246 §8.1: the master secret is always 48 bytes long.
pub(in crate::dtls) const MASTER_LEN: usize = 48;

/// A(i), the label, two randoms, the length of a context, the context.
const MAX_PARTS: usize = 6;
