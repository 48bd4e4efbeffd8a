//! How should an agent behave?

use alloc::vec::Vec;
use core::time::Duration;

use super::IceServer;
use crate::crypto::CryptoProvider;
use crate::stun::Schedule;

/// The choices and limits of an [`IceAgent`](super::IceAgent).
#[derive(Clone, Debug)]
pub struct IceConfig {
    /// Who computes the message integrity.
    pub provider: &'static CryptoProvider,
    /// Ta: how far apart two new checks are (RFC 8445 §14.2). 50 ms.
    pub pacing: Duration,
    /// How a check is repeated; its RTO is the least that is used (RFC 8445 §14.3).
    pub schedule: Schedule,
    /// How long a controlling agent waits for a better pair once one works. 100 ms.
    pub nomination_delay: Duration,
    /// The same while only pairs with a relay work. Data flows through them meanwhile,
    /// and a direct pair behind two NATs often needs a second check. 2 s.
    pub relay_nomination_delay: Duration,
    /// How long an agent without a hope left waits for a check of its peer
    /// before it fails (RFC 8863). 39.5 s.
    pub patience: Duration,
    /// How the consent to send is kept fresh.
    pub consent: ConsentConfig,
    /// Whether we are a lite agent (RFC 8445 §2.5), as a server with a public address
    /// may be: it has host candidates only, answers checks and makes none, is always
    /// controlled, and counts the peer's checks as its consent. Two lite agents
    /// do not find each other, since neither would prove that it may send. No.
    pub lite: bool,
    /// The servers that help to find candidates. None.
    pub servers: Vec<IceServer>,
    /// Which candidates are used. All.
    pub policy: TransportPolicy,
    /// How long servers are waited for before the search is over. 10 s.
    pub gathering_timeout: Duration,
    /// Whether we connect to the peer's passive TCP candidates (RFC 6544). No.
    pub tcp: bool,
    /// Whether the peer is told names in place of our addresses
    /// (draft-ietf-mmusic-mdns-ice-candidates). No.
    pub hide_addresses: bool,
    /// What may be gathered, connected and named at most.
    pub limits: GatheringLimits,
    /// How many local candidates there may be, learned ones included. 16; more
    /// addresses are refused.
    pub max_local_candidates: usize,
    /// How many remote candidates there may be, learned ones included. 64; more
    /// are refused.
    pub max_remote_candidates: usize,
    /// How many remote candidates may be learned from checks before the remote
    /// credentials are known. 16; checks from more addresses are dropped.
    pub max_early_candidates: usize,
    /// How many pairs are checked. 100; the lowest priority gives way.
    pub max_pairs: usize,
    /// How many answers may wait to be sent. 16; more requests are dropped.
    pub max_replies: usize,
}

impl IceConfig {
    /// The defaults of the RFCs.
    #[must_use]
    pub fn new(provider: &'static CryptoProvider) -> Self {
        Self {
            provider,
            pacing: Duration::from_millis(50),
            schedule: Schedule::default(),
            nomination_delay: Duration::from_millis(100),
            relay_nomination_delay: Duration::from_secs(2),
            patience: Schedule::default().total(),
            consent: ConsentConfig::default(),
            lite: false,
            servers: Vec::new(),
            policy: TransportPolicy::All,
            gathering_timeout: Duration::from_secs(10),
            tcp: false,
            hide_addresses: false,
            limits: GatheringLimits::default(),
            max_local_candidates: 16,
            max_remote_candidates: 64,
            max_early_candidates: 16,
            max_pairs: 100,
            max_replies: 16,
        }
    }
}

/// Which candidates are used? As W3C's `RTCIceTransportPolicy`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TransportPolicy {
    /// Whatever works.
    All,
    /// Only those of relays: the peer learns no address of ours.
    Relay,
}

/// How much of what is rare may there be?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GatheringLimits {
    /// URLs of servers. 16; more are refused.
    pub max_urls: usize,
    /// How many servers are asked, from all sockets together. 64; more are not asked.
    pub max_asked: usize,
    /// Names that wait to be resolved. 16; candidates with more are refused.
    pub max_names: usize,
    /// Streams to and from servers and peers. 32; more are not opened, or released.
    pub max_streams: usize,
    /// Bytes of a frame on a stream. 2048; a stream with a longer one is released.
    pub max_frame: usize,
}

impl Default for GatheringLimits {
    fn default() -> Self {
        Self {
            max_urls: 16,
            max_asked: 64,
            max_names: 16,
            max_streams: 32,
            max_frame: 2048,
        }
    }
}

/// How is the consent to send kept fresh (RFC 7675 §5.1)?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConsentConfig {
    /// The mean distance of two checks; each is a random 0.8 to 1.2 times it. 5 s,
    /// and less is not allowed on the open Internet.
    pub interval: Duration,
    /// After which silence the agent is disconnected. 10 s.
    pub disconnected_after: Duration,
    /// After which time without an answer nothing may be sent any more. 30 s.
    pub expires_after: Duration,
}

impl Default for ConsentConfig {
    fn default() -> Self {
        Self {
            interval: Duration::from_secs(5),
            disconnected_after: Duration::from_secs(10),
            expires_after: Duration::from_secs(30),
        }
    }
}
