//! How do the packets of a source become frames again?
//!
//! An [`RtpReceiver`] is one source that is received: its own stream, and the
//! stream that repeats its packets (RFC 4588) if there is one. It orders packets,
//! asks for those that are missing, puts frames together and asks for key frames;
//! it counts what came, as reports and statistics want it. Frames leave whole and
//! in order, or not at all.
//!
//! ```
//! use std::sync::Arc;
//!
//! use pollrtc::cursor::Reader;
//! use pollrtc::rtp::format::Format;
//! use pollrtc::rtp::receiver::{
//!     Event, ReceiveCodec, ReceiveParameters, ReceiverConfig, RtpReceiver,
//! };
//! use pollrtc::time::Instant;
//! use pollrtc::wire::rtp::{Packet, PayloadType, Ssrc};
//!
//! let opus = ReceiveCodec::new(PayloadType::from_low_bits(111), 48_000, Format::Plain);
//! let parameters = ReceiveParameters {
//!     codecs: vec![opus],
//!     ..ReceiveParameters::default()
//! };
//! let mut receiver = RtpReceiver::new(Ssrc(3), ReceiverConfig::default());
//! receiver.set_parameters(&Arc::new(parameters));
//!
//! let bytes = b"\x80\x6f\0\x01\0\0\0\x02\0\0\0\x03sound";
//! let packet = Packet::parse(&mut Reader::new(bytes))?;
//! receiver.handle_rtp(Instant::from_millis(5), &packet);
//! let Some(Event::Frame(frame)) = receiver.poll_event() else {
//!     panic!("a packet of sound is a frame");
//! };
//! assert_eq!((&frame.data[..], frame.timestamp), (&b"sound"[..], 2));
//! # Ok::<(), pollrtc::cursor::Malformed>(())
//! ```

mod config;
mod event;
mod frames;
mod gaps;
mod intake;
mod key_frames;
mod machine;
mod outbox;
mod pace;
mod recent;
mod requests;
mod seen;
mod slab;
mod sources;
mod stats;
#[cfg(test)]
mod tests;
mod waiting;

pub use config::{Mode, ReceiveCodec, ReceiveParameters, ReceiverConfig};
pub use event::{Event, Feedback, ReceivedFrame, ReceivedPacket, Source, SourceKind};
pub use machine::RtpReceiver;
pub use stats::{FeedbackStats, FrameStats, PacketStats, ReceiverStats, RemoteStats};
