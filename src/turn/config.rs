//! How should a client behave?

use alloc::string::String;
use core::fmt;
use core::time::Duration;

use thiserror::Error;
use zeroize::Zeroizing;

use crate::crypto::{CryptoProvider, HashId};
use crate::stun::{CredentialError, Schedule};

/// The choices and limits of a [`TurnClient`](super::TurnClient).
#[derive(Clone)]
pub struct TurnConfig {
    /// Who computes keys and message integrity.
    pub provider: &'static CryptoProvider,
    /// The name of the account at the server; at most 508 bytes.
    pub username: String,
    /// Its password. Wiped when it is dropped.
    pub password: Zeroizing<String>,
    /// Whether the relayed address shall be of IPv6 (RFC 8656 §7.1). No.
    pub ipv6: bool,
    /// For how long an allocation is asked at a time. 10 min, the RFC's default.
    pub lifetime: Duration,
    /// After which silence of ours over UDP an indication keeps the way through NATs
    /// open (RFC 8445 §11). 15 s; `None` if others see to that.
    pub keepalive: Option<Duration>,
    /// How a request is repeated over UDP. Over a stream nothing is repeated, and
    /// an answer is waited for as long as for the last of the schedule.
    pub schedule: Schedule,
    /// For how long the farewell is repeated. 2 s.
    pub close_patience: Duration,
    /// How often in a row a server may say that it is overloaded, or that a nonce
    /// is stale, before the client gives up. 4.
    pub max_attempts: u32,
    /// How often the client lets itself be sent to another server. 4.
    pub max_redirects: usize,
    /// How many addresses may be permitted. 512; more are refused.
    pub max_permissions: usize,
    /// How many channels may be bound. 512; more are refused.
    pub max_channels: usize,
    /// How many requests wait for an answer at the same time. 8; more wait to be sent.
    pub max_requests: usize,
}

impl TurnConfig {
    /// The defaults of the RFC.
    #[must_use]
    pub fn new(
        provider: &'static CryptoProvider,
        username: impl Into<String>,
        password: impl Into<String>,
    ) -> Self {
        Self {
            provider,
            username: username.into(),
            password: Zeroizing::new(password.into()),
            ipv6: false,
            lifetime: Duration::from_secs(600),
            keepalive: Some(Duration::from_secs(15)),
            schedule: Schedule::default(),
            close_patience: Duration::from_secs(2),
            max_attempts: 4,
            max_redirects: 4,
            max_permissions: 512,
            max_channels: 512,
            max_requests: 8,
        }
    }

    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let provider = self.provider;
        let is_able = provider.hash(HashId::Md5).is_some() && provider.hmac(HashId::Sha1).is_some();
        if is_able {
            Ok(())
        } else {
            Err(ConfigError::Unsupported)
        }
    }
}

/// The password stays untold.
impl fmt::Debug for TurnConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TurnConfig")
            .field("provider", &self.provider)
            .field("username", &self.username)
            .field("ipv6", &self.ipv6)
            .field("lifetime", &self.lifetime)
            .finish_non_exhaustive()
    }
}

/// Why is a configuration refused?
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ConfigError {
    /// The name or the password cannot be used.
    #[error(transparent)]
    Credential(#[from] CredentialError),
    /// The provider lacks MD5 or HMAC with SHA-1, which every server asks for that
    /// does not know better.
    #[error("the crypto provider lacks the algorithms of STUN")]
    Unsupported,
}
