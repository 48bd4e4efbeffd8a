//! What is a sender told?

use alloc::string::String;
use core::time::Duration;

use crate::rtp::format::Format;
use crate::wire::rtp::{ExtensionMap, PayloadType, Ssrc};

/// What does a sender have for its whole life?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SenderConfig {
    /// The source.
    pub ssrc: Ssrc,
    /// The source of repeated packets (RFC 4588 §5.1).
    pub repair: Option<Ssrc>,
    /// Whether a packet is repeated as it was, to the bit, where RFC 4588 was not
    /// agreed on. Under SRTP only if its configuration allows repeats, too, and if
    /// no other sender ever had the SSRC under the same keys.
    pub repeats: bool,
    /// How many bytes a payload that is made here may have. Header, extensions and
    /// the two bytes of RFC 4588 come on top. Packets of sources elsewhere are sent
    /// on as they are, if a datagram has room for them.
    pub max_payload: usize,
    /// What is kept of what was sent.
    pub history: HistoryLimits,
    /// How much is repeated.
    pub repairs: RepairLimits,
    /// The application is told of at most one request for a key frame in such a
    /// time, or in a round trip if that is longer.
    pub key_frame_interval: Duration,
}

impl SenderConfig {
    /// The defaults, for a source without a second one for repeated packets.
    #[must_use]
    pub const fn new(ssrc: Ssrc) -> Self {
        Self {
            ssrc,
            repair: None,
            repeats: false,
            max_payload: 1150,
            history: HistoryLimits {
                packets: 1024,
                bytes: 1 << 20,
                age: Duration::from_secs(1),
            },
            repairs: RepairLimits {
                percent: 50,
                burst: 256 << 10,
            },
            key_frame_interval: Duration::from_millis(300),
        }
    }
}

/// How much is kept of what was sent, to repeat it, and of what is to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HistoryLimits {
    /// How many packets; at most 2¹⁵, for a number must name one of them.
    pub packets: usize,
    /// How many bytes of payload.
    pub bytes: usize,
    /// How long, at most a minute. What could not be sent in that time is not sent
    /// any more, and what was sent is not repeated. Its memory is used again when a
    /// packet needs it, or is given back with the next report.
    pub age: Duration,
}

/// How much is repeated, however much is asked for?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RepairLimits {
    /// Bytes that are repeated, of a hundred that are sent.
    pub percent: u8,
    /// How many bytes can be repeated at once.
    pub burst: usize,
}

/// What did signalling agree on?
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SendParameters {
    /// The number of the codec.
    pub payload_type: PayloadType,
    /// The number of RFC 4588 that repeats it.
    pub repair_payload_type: Option<PayloadType>,
    /// Ticks of the codec's clock in a second.
    pub clock_rate: u32,
    /// How frames are laid into payloads.
    pub format: Format,
    /// The numbers of extensions: those without one are not written.
    pub extensions: ExtensionMap,
    /// The media section; empty if it has no name.
    pub mid: String,
    /// The encoding; empty if it has no name.
    pub rid: String,
    /// Whether a packet may have extensions in the two-byte form while others
    /// have the one-byte form (RFC 8285 §4.1.2).
    pub two_byte: bool,
}

impl SendParameters {
    /// A codec without extensions and repeated packets.
    #[must_use]
    pub const fn new(payload_type: PayloadType, clock_rate: u32, format: Format) -> Self {
        Self {
            payload_type,
            repair_payload_type: None,
            clock_rate,
            format,
            extensions: ExtensionMap::new(),
            mid: String::new(),
            rid: String::new(),
            two_byte: false,
        }
    }
}
