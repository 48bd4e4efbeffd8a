//! Pictures and sound in packets, each part alone.
//!
//! [`format`] cuts frames into payloads and puts them together again; it knows
//! no packets, no time and no network. [`fmtp`] says whether two ends mean the
//! same format. [`reception`] counts what came as RFC 3550 counts it,
//! [`missing`] knows what did not and when to ask for it, and [`rtx`] repeats
//! packets (RFC 4588). [`receiver`] puts all that together for one source that is
//! received, and [`sender`] for one that is sent.
//! [`estimate`] finds out how much the network carries.

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
