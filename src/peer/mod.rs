//! How does one application talk to one peer?
//!
//! [`PeerConnection`] is the W3C's `RTCPeerConnection` without a network: it owns
//! one of everything below and knows the order. It uses nothing that is not
//! public, so an application can stack the same parts by hand.

mod config;
mod connection;
mod description;
mod event;
mod lines;
mod media;
mod network;
mod router;
mod sending;
mod settle;
mod state;
mod stats;

pub use config::{Config, ConfigError};
pub use connection::{PeerConnection, Stats};
pub use event::{CloseReason, Event, LocalCandidate};
pub use router::{Router, RouterLimits};
pub use state::ConnectionState;
pub use stats::{
    CodecStats, InboundFrames, InboundPackets, InboundRtpStats, OutboundRtpStats,
    RemoteInboundRtpStats, RemoteOutboundRtpStats, RtpStreamId, StatsReport, TransportStats,
};

pub use crate::channel::{
    ChannelConfig, ChannelId, ChannelInfo, ChannelState, Data, OpenError, SendError,
};
pub use crate::ice::{
    GatheringState as IceGatheringState, IceServer, IceState as IceConnectionState,
    TransportPolicy as IceTransportPolicy,
};
pub use crate::jsep::{
    Capabilities, Codec, Description, DescriptionError, Encoding, HeaderExtension, IceCandidate,
    Kind, MediaCapabilities, OfferOptions, RemoteStreams, SdpType, SignalingState, Stream,
    Transceiver, TransceiverId, TransceiverInit,
};
pub use crate::media::MediaConfig;
pub use crate::rtp::receiver::{
    Mode as RtpMode, ReceivedFrame, ReceivedPacket, Source, SourceKind,
};
pub use crate::rtp::sender::{MediaFrame, OutPacket, WriteError};
pub use crate::wire::sdp::Direction;
