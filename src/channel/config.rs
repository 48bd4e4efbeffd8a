//! How is a channel opened, and what is known of it?

use core::fmt;
use core::time::Duration;

use alloc::string::String;
use thiserror::Error;

use crate::sctp::Reliability;
use crate::wire::dcep;

/// Which channel of a connection? Never used again once the channel is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChannelId(pub(super) u32);

impl ChannelId {
    /// Its number: how many were made before it.
    #[must_use]
    pub const fn number(self) -> u32 {
        self.0
    }
}

impl fmt::Display for ChannelId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "channel {}", self.0)
    }
}

/// How should a new channel deliver (W3C `RTCDataChannelInit`)?
///
/// The default is ordered, reliable, and announced to the peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChannelConfig {
    /// Whether messages arrive in the order they were sent.
    pub ordered: bool,
    /// For how many milliseconds a message is worth sending.
    pub max_packet_life_time: Option<u16>,
    /// How often a lost message is sent again.
    pub max_retransmits: Option<u16>,
    /// The subprotocol, at most 65,535 bytes.
    pub protocol: String,
    /// The stream that both sides agreed on beforehand, 0 to 65,534; then the
    /// peer is not told, and must open the same channel itself.
    pub negotiated: Option<u16>,
    /// The share of the bandwidth, relative to the other channels.
    pub priority: u16,
}

impl Default for ChannelConfig {
    fn default() -> Self {
        Self {
            ordered: true,
            max_packet_life_time: None,
            max_retransmits: None,
            protocol: String::new(),
            negotiated: None,
            // RFC 8831 §6.4: 256 is "low", what the W3C calls the default.
            priority: 256,
        }
    }
}

/// Why can a channel not be opened? Nothing was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The label or the protocol is longer than 65,535 bytes of UTF-8.
    #[error("label or protocol is longer than 65535 bytes")]
    TooLong,
    /// Both a lifetime and a number of retransmissions were given: choose one.
    #[error("max_packet_life_time and max_retransmits exclude each other")]
    TwoLimits,
    /// The negotiated stream is 65,535, or above what the association has.
    #[error("stream id out of range")]
    StreamOutOfRange,
    /// The negotiated stream belongs to another channel.
    #[error("stream id is in use")]
    StreamInUse,
    /// No stream is left, or the limit on channels is reached: close one first.
    #[error("no more channels can be opened")]
    TooMany,
    /// The connection is closed.
    #[error("the connection is closed")]
    Closed,
}

/// Where in its life is a channel (W3C `RTCDataChannelState`)?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChannelState {
    /// Not usable yet.
    Connecting,
    /// Messages can be sent.
    Open,
    /// One side closes it; what was sent before still arrives.
    Closing,
    /// The end.
    Closed,
}

impl ChannelState {
    /// The W3C's name of the state.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Connecting => "connecting",
            Self::Open => "open",
            Self::Closing => "closing",
            Self::Closed => "closed",
        }
    }
}

impl fmt::Display for ChannelState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What is known of a channel?
#[derive(Clone, Copy, Debug)]
pub struct ChannelInfo<'a> {
    /// The name its opener gave it.
    pub label: &'a str,
    /// How it delivers. `negotiated` is set only if it was agreed beforehand.
    pub config: &'a ChannelConfig,
    /// Its SCTP stream, once that is known.
    pub stream: Option<u16>,
    /// Where in its life it is.
    pub state: ChannelState,
    /// What went over it.
    pub traffic: Traffic,
}

/// How much went over a channel?
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Messages that were taken to be sent.
    pub messages_sent: u64,
    /// Their bytes.
    pub bytes_sent: u64,
    /// Messages that came, and were given out.
    pub messages_received: u64,
    /// Their bytes.
    pub bytes_received: u64,
}

impl ChannelConfig {
    pub(super) fn check(&self, label: &str) -> Result<(), OpenError> {
        if label.len() > usize::from(u16::MAX) || self.protocol.len() > usize::from(u16::MAX) {
            return Err(OpenError::TooLong);
        }
        if self.max_packet_life_time.is_some() && self.max_retransmits.is_some() {
            return Err(OpenError::TwoLimits);
        }
        // RFC 8831 §6.2: stream 65,535 cannot be used.
        if self.negotiated == Some(u16::MAX) {
            return Err(OpenError::StreamOutOfRange);
        }
        Ok(())
    }

    pub(super) fn from_open(open: &dcep::Open<'_>) -> Self {
        let clamp = |value: u32| u16::try_from(value).unwrap_or(u16::MAX);
        let (max_retransmits, max_packet_life_time) = match open.reliability {
            dcep::Reliability::Reliable => (None, None),
            dcep::Reliability::MaxRetransmits(count) => (Some(clamp(count)), None),
            dcep::Reliability::MaxLifetime(millis) => (None, Some(clamp(millis))),
        };
        Self {
            ordered: open.ordered,
            max_packet_life_time,
            max_retransmits,
            protocol: open.protocol.into(),
            negotiated: None,
            priority: open.priority,
        }
    }

    pub(super) fn to_open<'a>(&'a self, label: &'a str) -> dcep::Open<'a> {
        let reliability = match (self.max_retransmits, self.max_packet_life_time) {
            (Some(count), _) => dcep::Reliability::MaxRetransmits(count.into()),
            (None, Some(millis)) => dcep::Reliability::MaxLifetime(millis.into()),
            (None, None) => dcep::Reliability::Reliable,
        };
        dcep::Open {
            ordered: self.ordered,
            reliability,
            priority: self.priority,
            label,
            protocol: &self.protocol,
        }
    }

    pub(super) fn reliability(&self) -> Reliability {
        match (self.max_retransmits, self.max_packet_life_time) {
            (Some(count), _) => Reliability::MaxRetransmits(count),
            (None, Some(millis)) => Reliability::MaxLifetime(Duration::from_millis(millis.into())),
            (None, None) => Reliability::Reliable,
        }
    }
}
