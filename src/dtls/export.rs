//! Which keys do others get out of the handshake (RFC 5705, RFC 5764 §4.2)?

use core::fmt;

use arrayvec::ArrayVec;
use thiserror::Error;
use zeroize::{Zeroize, Zeroizing};

use super::config::Role;
use super::v12::keys::{MASTER_LEN, Secrets};
use crate::wire::dtls::extension::SrtpProfile;

/// The master keys of both directions of SRTP. Wiped when dropped.
#[derive(Clone)]
pub struct SrtpKeys {
    /// How RTP is protected.
    pub profile: SrtpProfile,
    /// What we protect with.
    pub local: SrtpMaster,
    /// What the peer protects with.
    pub remote: SrtpMaster,
}

/// The master key and salt of one direction. Wiped when dropped.
#[derive(Clone)]
pub struct SrtpMaster {
    key: ArrayVec<u8, MAX_KEY_LEN>,
    salt: ArrayVec<u8, MAX_SALT_LEN>,
}

impl SrtpMaster {
    /// The key, as long as the profile demands.
    #[must_use]
    pub fn key(&self) -> &[u8] {
        &self.key
    }

    /// The salt, as long as the profile demands.
    #[must_use]
    pub fn salt(&self) -> &[u8] {
        &self.salt
    }
}

impl Drop for SrtpMaster {
    fn drop(&mut self) {
        self.key.as_mut_slice().zeroize();
        self.salt.as_mut_slice().zeroize();
    }
}

/// Says the profile, not the keys.
impl fmt::Debug for SrtpKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SrtpKeys({})", self.profile)
    }
}

/// Says nothing.
impl fmt::Debug for SrtpMaster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SrtpMaster")
    }
}

impl SrtpKeys {
    /// RFC 5764 §4.2: client key, server key, client salt, server salt.
    pub(super) fn derive(secrets: &Secrets, profile: SrtpProfile, role: Role) -> Self {
        let (key_len, salt_len) = (profile.key_len(), profile.salt_len());
        let mut material = Zeroizing::new([0; 2 * (MAX_KEY_LEN + MAX_SALT_LEN)]);
        let material = &mut material[..2 * (key_len + salt_len)];
        secrets.export(SRTP_LABEL, None, material);
        let (keys, salts) = material.split_at(2 * key_len);
        let (client_key, server_key) = keys.split_at(key_len);
        let (client_salt, server_salt) = salts.split_at(salt_len);
        let master = |key: &[u8], salt: &[u8]| SrtpMaster {
            key: key.iter().copied().collect(),
            salt: salt.iter().copied().collect(),
        };
        let client = master(client_key, client_salt);
        let server = master(server_key, server_salt);
        let (local, remote) = match role {
            Role::Client => (client, server),
            Role::Server => (server, client),
        };
        Self {
            profile,
            local,
            remote,
        }
    }
}

/// What a debugger needs to read a capture: a line of an NSS key log.
///
/// Its `Display` is the line itself, and so prints the secret.
pub struct KeyLog {
    pub(super) client_random: [u8; 32],
    pub(super) master_secret: Zeroizing<[u8; MASTER_LEN]>,
}

impl fmt::Display for KeyLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CLIENT_RANDOM ")?;
        hex(f, &self.client_random)?;
        f.write_str(" ")?;
        hex(f, &self.master_secret[..])
    }
}

/// Says nothing.
impl fmt::Debug for KeyLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyLog")
    }
}

/// Why is there no keying material?
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ExportError {
    /// The handshake has not ended yet, or the association has. Wait for
    /// [`Event::Connected`](super::Event::Connected).
    #[error("not connected")]
    NotConnected,
    /// The context is longer than 65,535 bytes. Hash it first.
    #[error("context too long")]
    ContextTooLong,
}

fn hex(f: &mut fmt::Formatter<'_>, bytes: &[u8]) -> fmt::Result {
    bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
}

/// RFC 5764 §4.2.
const SRTP_LABEL: &[u8] = b"EXTRACTOR-dtls_srtp";

/// The longest master key of a profile.
const MAX_KEY_LEN: usize = 32;

/// The longest master salt of a profile.
const MAX_SALT_LEN: usize = 14;
