//! How does one application talk to one peer?
//!
//! [`PeerConnection`] is the W3C's `RTCPeerConnection` without a network: it owns
//! one of everything below and knows the order. It uses nothing that is not
//! public, so an application can stack the same parts by hand.
//!
//! # Sound and pictures
//!
//! Whoever has a codec writes what it makes and is given what it takes; the rest is
//! done here. [`TransceiverId`]s name the pairs of a sender and a receiver.
//!
//! ```no_run
//! # use bytes::Bytes;
//! # use pollrtc::{Instant, PeerConnection, peer::{Direction, Event, Kind, MediaFrame, TransceiverInit}};
//! # fn encoded() -> (u32, Bytes) { unimplemented!() }
//! # fn make_a_key_frame() {}
//! # fn decode(_: &[u8]) {}
//! # fn story(peer: &mut PeerConnection, now: Instant) -> Result<(), Box<dyn std::error::Error>> {
//! let camera = peer.add_track(Kind::Video, "camera", &["me"])?;
//! let listen = TransceiverInit { direction: Direction::RecvOnly, ..Default::default() };
//! let ear = peer.add_transceiver(Kind::Audio, listen)?;
//! // … exchange descriptions, and run the loop until it is connected …
//! let (timestamp, picture) = encoded();
//! peer.write(now, camera, &MediaFrame::new(timestamp, picture))?;
//! while let Some(event) = peer.poll_event() {
//!     match event {
//!         Event::Frame { transceiver, frame, .. } if transceiver == ear => decode(&frame.data),
//!         Event::KeyFrameRequested { transceiver, .. } if transceiver == camera => make_a_key_frame(),
//!         _ => {}
//!     }
//! }
//! # Ok(()) }
//! ```
//!
//! Nothing is negotiated but what [`MediaCapabilities`] says; frames are of the first
//! of [`PeerConnection::send_codecs`]. With [`RtpMode::Packets`] what comes is not put
//! together, and [`PeerConnection::write_packet`] sends it on.

mod association;
mod callers;
mod config;
mod configuration;
mod connection;
mod description;
mod descriptions;
mod dtmf;
mod event;
mod lines;
mod link;
mod links;
mod media;
mod network;
mod router;
mod senders;
mod sending;
mod settle;
mod state;
mod stats;
mod tracks;

pub use association::{SctpTransport, SctpTransportState};
pub use config::{Config, ConfigError};
pub use configuration::{Configuration, ConfigurationError, RtcpMuxPolicy};
pub use connection::{PeerConnection, Stats};
pub use dtmf::DtmfError;
pub use event::{CloseReason, Event, LocalCandidate};
pub use router::{Router, RouterLimits};
pub use state::ConnectionState;
pub use stats::{
    CandidatePairStats, CertificateStats, CodecStats, DataChannelStats, IceCandidateStats,
    InboundFrames, InboundPackets, InboundRtpStats, MediaSourceStats, OutboundRtpStats,
    PeerConnectionStats, RemoteInboundRtpStats, RemoteOutboundRtpStats, RtpStreamId, StatsEntry,
    StatsId, StatsReport, StatsSelector, Timestamp, TransportStats,
};

pub use crate::channel::{
    ChannelConfig, ChannelId, ChannelInfo, ChannelState, Data, OpenError, SendError,
};
pub use crate::ice::{
    GatheringState as IceGatheringState, IceServer, IceState as IceConnectionState,
    TransportPolicy as IceTransportPolicy,
};
pub use crate::jsep::{
    BundlePolicy, Capabilities, Codec, Description, DescriptionError, Encoding, EncodingLimits,
    EncodingParameters, HeaderExtension, HeaderExtensionChoice, IceCandidate, Kind,
    MediaCapabilities, OfferOptions, Priority, RemoteStreams, SdpType, SendParameters,
    SignalingState, Stream, Transceiver, TransceiverId, TransceiverInit, TransportId,
};
pub use crate::media::{MediaConfig, PacketResult};
pub use crate::rtp::receiver::{
    Mode as RtpMode, ReceivedFrame, ReceivedPacket, Source, SourceKind,
};
pub use crate::rtp::sender::{MediaFrame, OutPacket, WriteError};
pub use crate::wire::sdp::Direction;
