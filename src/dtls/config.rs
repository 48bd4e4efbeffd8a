//! What has to be decided before the first datagram?

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

use crate::crypto::CryptoProvider;
use crate::crypto::certificate::Certificate;
use crate::wire::dtls::extension::SrtpProfile;

/// Which end speaks first? The one whose SDP says `a=setup:active` (RFC 8842 §5.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// It sends the ClientHello.
    Client,
    /// It waits for one.
    Server,
}

impl Role {
    /// The role of the other end.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::Client => Self::Server,
            Self::Server => Self::Client,
        }
    }

    /// The W3C's name of the role (`RTCDtlsRole`).
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Server => "server",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a [`DtlsTransport`](super::DtlsTransport) is told when it is made.
#[derive(Clone, Debug)]
pub struct DtlsConfig {
    /// Who does the cryptography. It must offer P-256 and one of the AES-GCM suites.
    pub provider: &'static CryptoProvider,
    /// Our certificate, whose fingerprint was signalled.
    pub certificate: Arc<Certificate>,
    /// The SRTP profiles to offer or accept, best first; none without media.
    pub srtp_profiles: Vec<SrtpProfile>,
    /// Whether a peer without the extended master secret (RFC 7627) is refused.
    ///
    /// On by default: without it a man in the middle can give two sessions the
    /// same keys. Every browser has had it for years.
    pub require_extended_master_secret: bool,
    /// Whether [`key_log`](super::DtlsTransport::key_log) tells the master
    /// secret, so that Wireshark can read a capture. Off by default.
    pub key_log: bool,
    /// How long the first wait for an answer is; each further one is twice as long.
    ///
    /// RFC 6347 §4.2.4.1 suggests one second for paths of which nothing is
    /// known. ICE has just measured this one, so the default is 250 ms. Less
    /// than 10 ms counts as 10 ms.
    pub retransmit_initial: Duration,
    /// The longest wait for an answer, 4 s by default.
    ///
    /// A handshake flight is far less than what ICE itself sends in that time,
    /// and with the 60 s of RFC 6347 a path that loses a third of its datagrams
    /// would often not connect within a minute.
    pub retransmit_max: Duration,
    /// When a handshake that does not end is given up, 60 s by default.
    pub handshake_timeout: Duration,
    /// How much a peer may make us remember.
    pub limits: Limits,
}

impl DtlsConfig {
    /// The defaults: no SRTP, everything strict.
    #[must_use]
    pub const fn new(provider: &'static CryptoProvider, certificate: Arc<Certificate>) -> Self {
        Self {
            provider,
            certificate,
            srtp_profiles: Vec::new(),
            require_extended_master_secret: true,
            key_log: false,
            retransmit_initial: Duration::from_millis(250),
            retransmit_max: Duration::from_secs(4),
            handshake_timeout: Duration::from_secs(60),
            limits: Limits::DEFAULT,
        }
    }
}

/// How much may a peer make us remember before it has proved who it is?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The longest handshake message, 16 KiB by default. A longer one is dropped.
    pub message_len: usize,
    /// All incomplete or waiting messages together, 64 KiB by default. The one
    /// farthest ahead gives way.
    pub handshake_bytes: usize,
    /// How many messages may be ahead of the next one, 16 by default. One
    /// farther ahead is dropped.
    pub messages_ahead: u16,
    /// How many records are kept that come before their keys, or before the
    /// handshake has ended; 8 by default. The oldest gives way.
    pub early_records: usize,
    /// The longest record that is kept so, 2 KiB by default. A longer one is dropped.
    pub early_record_len: usize,
}

impl Limits {
    /// The defaults.
    pub const DEFAULT: Self = Self {
        message_len: 16 * 1024,
        handshake_bytes: 64 * 1024,
        messages_ahead: 16,
        early_records: 8,
        early_record_len: 2048,
    };
}
