//! All sound and pictures of one transport: which packet belongs to whom, and what
//! both ends tell each other about them.
//!
//! A [`Media`] is one RTP session (RFC 3550) with many lines in it, as BUNDLE makes
//! it (RFC 9143). A line is what one section of a description agreed on: a track
//! each way, perhaps in several encodings. Packets that come find their line by the
//! name that they carry, by their source, or by their payload type; each source has
//! an [`RtpReceiver`](crate::rtp::receiver::RtpReceiver), each stream of ours an
//! [`RtpSender`](crate::rtp::sender::RtpSender). RTCP is sent for all of them
//! together: reports as often as the bandwidth allows, and feedback at once.
//!
//! It sees packets in the clear: SRTP lies below it.
//!
//! ```
//! use std::sync::Arc;
//!
//! use bytes::Bytes;
//! use pollrtc::cursor::Writer;
//! use pollrtc::media::{
//!     CodecParameters, Event, FeedbackSet, LineId, LineParameters, Media, MediaConfig, SendEncoding,
//! };
//! use pollrtc::rng::Rng;
//! use pollrtc::rtp::receiver::Mode;
//! use pollrtc::rtp::sender::MediaFrame;
//! use pollrtc::time::Instant;
//! use pollrtc::wire::rtp::{ExtensionMap, PayloadType, Ssrc};
//!
//! let opus = CodecParameters {
//!     payload_type: PayloadType::from_low_bits(111),
//!     name: "opus".into(),
//!     clock_rate: 48_000,
//!     channels: 2,
//!     parameters: "".into(),
//!     feedback: FeedbackSet::default(),
//! };
//! let encoding = SendEncoding { rid: String::new(), ssrc: Ssrc(7), repair: None, active: true };
//! let parameters = LineParameters {
//!     mid: "0".into(),
//!     audio: true,
//!     sends: true,
//!     receives: true,
//!     encodings: vec![encoding],
//!     send: Arc::new([opus.clone()]),
//!     receive: Arc::new([opus]),
//!     extensions: ExtensionMap::new(),
//!     two_byte: false,
//!     reduced_rtcp: true,
//!     cname: "alice".into(),
//!     remote: vec![],
//!     mode: Mode::Frames,
//! };
//! let (now, line) = (Instant::ZERO, LineId(0));
//! let mut alice = Media::new(MediaConfig::default(), &mut Rng::from_number(1));
//! let mut bob = Media::new(MediaConfig::default(), &mut Rng::from_number(2));
//! alice.set_line(now, line, parameters.clone());
//! bob.set_line(now, line, LineParameters { encodings: vec![], ..parameters });
//!
//! let frame = MediaFrame::new(960, Bytes::from_static(b"sound"));
//! alice.write(now, line, "", &frame)?;
//! let mut packet = Vec::new();
//! assert!(alice.poll_rtp(now, &mut Writer::new(&mut packet, 1200)));
//! bob.handle_rtp(now, &packet);
//! assert!(matches!(bob.poll_event(), Some(Event::Source { .. })));
//! let Some(Event::Frame { frame, .. }) = bob.poll_event() else {
//!     panic!("a packet of sound is a frame");
//! };
//! assert_eq!(&frame.data[..], b"sound");
//! # Ok::<(), pollrtc::rtp::sender::WriteError>(())
//! ```

mod arrivals;
mod config;
mod control;
mod deliver;
mod departures;
mod event;
mod handover;
mod inbound;
mod lines;
mod machine;
mod parameters;
mod read;
mod report;
mod routes;
mod schedule;
mod sources;
mod stats;
#[cfg(test)]
mod tests;

pub use config::MediaConfig;
pub use departures::{FeedbackSummary, PacketResult};
pub use event::{Event, SourceId};
pub use machine::Media;
pub use parameters::{
    CodecParameters, FeedbackKind, FeedbackSet, LineId, LineParameters, RemoteEncoding,
    SendEncoding,
};
pub use stats::{Ignored, InboundStream, MediaStats, OutboundStream};
