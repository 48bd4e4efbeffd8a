//! How should a connection behave?

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::time::Duration;
use rand_core::CryptoRng;
use thiserror::Error;

use crate::channel;
use crate::crypto::certificate::{Certificate, CertificateOptions};
use crate::crypto::{CryptoError, CryptoProvider};
use crate::dtls::{DtlsConfig, Role};
use crate::ice::{IceConfig, IceServer, ServerError};
use crate::jsep::{BundlePolicy, MediaCapabilities};
use crate::media::MediaConfig;
use crate::rtp::receiver::Mode;
use crate::sctp::SctpConfig;
use crate::srtp;
use crate::wire::dtls::extension::SrtpProfile;

/// What a [`PeerConnection`](super::PeerConnection) needs to know beforehand.
///
/// Every limit on what the peer can make us hold is here or in one of the nested
/// configurations.
#[derive(Clone, Debug)]
pub struct Config {
    /// Who does the cryptography.
    pub provider: &'static CryptoProvider,
    /// The certificate that identifies us. `None`: one is made, on P-256.
    ///
    /// Making one costs two scalar multiplications; connections may share one.
    pub certificate: Option<Arc<Certificate>>,
    /// What the wall clock says, as time since 1970: a certificate that has expired by
    /// then is refused. `None`: its dates are not looked at, as the peer does not, either.
    pub unix_time: Option<Duration>,
    /// The largest UDP payload to send, in bytes (RFC 8831 §5: 1,200 is safe).
    pub mtu: usize,
    /// The largest message to receive, in bytes; said to the peer (RFC 8841 §6).
    pub max_message_size: usize,
    /// What to be in DTLS when the peer's offer leaves the choice (RFC 8842 §5.3).
    pub answer_role: Role,
    /// Whether to keep the DTLS secrets for a capture. Never in production.
    pub key_log: bool,
    /// Servers, policy, limits and times of ICE.
    pub ice: IceConfig,
    /// Whether candidates are searched for before the first description, which is
    /// then complete sooner. That of the first transport, so any number above 0 means
    /// the same (W3C `iceCandidatePoolSize`). 0.
    pub ice_candidate_pool_size: u8,
    /// How many transports an offer proposes before it is known what the peer can bundle:
    /// see [`PeerConnection::add_spare_address`](super::PeerConnection::add_spare_address)
    /// for peers that cannot. One for each kind ([`BundlePolicy::Balanced`]).
    pub bundle_policy: BundlePolicy,
    /// Limits and times of SCTP.
    pub sctp: SctpConfig,
    /// How many data channels may exist at a time.
    pub max_channels: usize,
    /// What can be sent and received of media. The default is what browsers have in
    /// common; with [`MediaCapabilities::default`], nothing, sections of media are
    /// rejected. Connections may share one.
    pub media: Arc<MediaCapabilities>,
    /// Whether the peer's media come as frames or, for who forwards them, as packets.
    /// What is forwarded is not cut anew: [`mtu`](Self::mtu) has to be large enough
    /// for the packets of those who send, with the extensions and the tag of this
    /// connection. For browsers, which send up to 1,200 bytes, 1,280 is enough.
    pub rtp_mode: Mode,
    /// Limits and paces of media, the jitter buffer's among them. Packets get smaller
    /// than it says if the MTU asks for it.
    pub rtp: MediaConfig,
    /// Whether to hide what is in the header of RTP packets (RFC 9335, Cryptex) from
    /// the network, if the peer can do that. It counts from the first exchange
    /// of media on. `false`.
    pub cryptex: bool,
    /// How media may be protected, best first. What the provider lacks is left out.
    pub srtp_profiles: Vec<SrtpProfile>,
}

/// Why can no connection be made of a configuration?
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The provider lacks an algorithm, or the key is not valid.
    #[error("the crypto provider cannot be used: {0}")]
    Crypto(CryptoError),
    /// The certificate has expired (W3C `InvalidAccessError`): make another.
    #[error("the certificate has expired")]
    Expired,
    /// The MTU is below 576 or above 65,535 bytes.
    #[error("mtu must be between 576 and 65535")]
    Mtu,
    /// A STUN or TURN server of [`Config::ice`] cannot be used.
    #[error("an ICE server cannot be used: {0}")]
    Server(ServerError),
}

// Not "sources": the message says them already.
impl From<CryptoError> for ConfigError {
    fn from(error: CryptoError) -> Self {
        Self::Crypto(error)
    }
}

impl From<ServerError> for ConfigError {
    fn from(error: ServerError) -> Self {
        Self::Server(error)
    }
}

impl Config {
    /// The defaults, with the cryptography of the crate.
    #[cfg(feature = "rust-crypto")]
    #[must_use]
    pub fn new() -> Self {
        Self::with_provider(&crate::crypto::rust_crypto::PROVIDER)
    }

    /// The defaults, with another backend.
    #[must_use]
    pub fn with_provider(provider: &'static CryptoProvider) -> Self {
        Self {
            provider,
            certificate: None,
            unix_time: None,
            mtu: 1200,
            max_message_size: 262_144,
            answer_role: Role::Client,
            key_log: false,
            ice: IceConfig::new(provider),
            ice_candidate_pool_size: 0,
            bundle_policy: BundlePolicy::Balanced,
            sctp: SctpConfig::default(),
            max_channels: channel::Limits::default().max_channels,
            media: Arc::new(MediaCapabilities::browser()),
            rtp_mode: Mode::default(),
            rtp: MediaConfig::default(),
            cryptex: false,
            srtp_profiles: SRTP_PROFILES.to_vec(),
        }
    }

    pub(super) fn check(&self) -> Result<(), ConfigError> {
        if !(576..=65_535).contains(&self.mtu) {
            return Err(ConfigError::Mtu);
        }
        let ends = self.certificate.as_deref().and_then(Certificate::expires);
        if ends
            .zip(self.unix_time)
            .is_some_and(|(ends, now)| ends <= now)
        {
            return Err(ConfigError::Expired);
        }
        self.ice.servers.iter().try_for_each(IceServer::check)?;
        Ok(())
    }

    pub(super) fn make_certificate(
        &self,
        rng: &mut impl CryptoRng,
    ) -> Result<Arc<Certificate>, ConfigError> {
        match &self.certificate {
            Some(certificate) => Ok(Arc::clone(certificate)),
            None => Certificate::generate(self.provider, rng, &anonymous())
                .map(Arc::new)
                .map_err(ConfigError::Crypto),
        }
    }

    pub(super) fn media(&self) -> MediaConfig {
        let mut config = self.rtp.clone();
        let max_payload = &mut config.sender.max_payload;
        *max_payload = match self.rtp_mode {
            Mode::Frames => (self.mtu - RTP_OVERHEAD).min(*max_payload),
            // What others have cut is sent if it can be: through a relay it may not fit.
            Mode::Packets => self.mtu - RTP_HEAD_AND_TAG,
        };
        // Our SRTP seals a packet again, and no SSRC is drawn twice.
        config.sender.repeats = true;
        config
    }

    pub(super) fn dtls(&self, certificate: Arc<Certificate>) -> DtlsConfig {
        let profiles = self.srtp_profiles.iter().copied();
        DtlsConfig {
            key_log: self.key_log,
            srtp_profiles: profiles
                .filter(|profile| srtp::is_supported(*profile, self.provider))
                .collect(),
            ..DtlsConfig::new(self.provider, certificate)
        }
    }
}

/// A certificate that says nothing of its owner. Its fingerprint is what the peer
/// checks, not its dates, so they do not need a clock: 2020 to 2049.
fn anonymous() -> CertificateOptions {
    CertificateOptions {
        common_name: "WebRTC".into(),
        not_before: 1_577_836_800,
        not_after: 2_524_607_999,
    }
}

#[cfg(feature = "rust-crypto")]
impl Default for Config {
    fn default() -> Self {
        Self::new()
    }
}

/// Offered with or without media: it may be added later, and some peers refuse a
/// session in which no profile was agreed.
const SRTP_PROFILES: [SrtpProfile; 3] = [
    SrtpProfile::AeadAes128Gcm,
    SrtpProfile::AeadAes256Gcm,
    SrtpProfile::Aes128CmSha1_80,
];

/// What a packet has beside its payload: a header with extensions (44), and the tag.
const RTP_HEAD_AND_TAG: usize = 44 + 16;

/// The same at most: with longer extensions, the number of a packet that is sent again,
/// and what a relay needs around it.
const RTP_OVERHEAD: usize = RTP_HEAD_AND_TAG + 16 + 2 + 51;
