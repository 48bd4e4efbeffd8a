//! Pictures and sound in packets, each part alone.
//!
//! [`format`] cuts frames into payloads and puts them together again; it knows
//! no packets, no time and no network. [`fmtp`] says whether two ends mean the
//! same format. [`reception`] counts what came as RFC 3550 counts it,
//! [`missing`] knows what did not and when to ask for it, and [`rtx`] repeats
//! packets (RFC 4588). [`receiver`] puts all that together for one source that is
//! received, and [`sender`] for one that is sent.
//! [`estimate`] finds out how much the network carries.
//!
//! A frame becomes a packet and a frame again; [`sender`] shows what happens when one
//! is lost:
//!
//! ```
//! use std::sync::Arc;
//! use std::time::Duration;
//!
//! use pollrtc::cursor::{Reader, Writer};
//! use pollrtc::rng::Rng;
//! use pollrtc::rtp::format::Format;
//! use pollrtc::rtp::receiver::{Event, ReceiveCodec, ReceiveParameters, ReceiverConfig};
//! use pollrtc::rtp::sender::{MediaFrame, SendParameters, SenderConfig};
//! use pollrtc::rtp::{RtpReceiver, RtpSender};
//! use pollrtc::seq::Serial16;
//! use pollrtc::time::Instant;
//! use pollrtc::wire::rtp::{Packet, PayloadType, Ssrc};
//!
//! let (now, opus) = (Instant::ZERO, PayloadType::from_low_bits(111));
//! let mut sender = RtpSender::new(SenderConfig::new(Ssrc(7)), &mut Rng::from_number(1));
//! sender.set_parameters(SendParameters::new(opus, 48_000, Format::Plain));
//! let mut receiver = RtpReceiver::new(Ssrc(7), ReceiverConfig::default());
//! let codecs = vec![ReceiveCodec::new(opus, 48_000, Format::Plain)];
//! receiver.set_parameters(&Arc::new(ReceiveParameters { codecs, ..Default::default() }));
//!
//! sender.write(now, &MediaFrame::new(960, b"sound"[..].into()))?;
//! let mut bytes = Vec::new();
//! let mut out = Writer::new(&mut bytes, 1200);
//! assert!(sender.poll_rtp(now, &mut Serial16(0), Duration::ZERO, &mut out));
//! let packet = Packet::parse(&mut Reader::new(&bytes)).expect("it was just written");
//! receiver.handle_rtp(now, &packet);
//! let Some(Event::Frame(frame)) = receiver.poll_event() else {
//!     panic!("a packet of sound is a frame");
//! };
//! assert_eq!(&frame.data[..], b"sound");
//! # Ok::<(), pollrtc::rtp::sender::WriteError>(())
//! ```

pub mod estimate;
pub mod fmtp;
pub mod format;
pub mod missing;
pub mod receiver;
pub mod reception;
pub mod rtx;
pub mod sender;

pub use receiver::RtpReceiver;
pub use sender::RtpSender;
