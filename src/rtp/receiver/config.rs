//! What is received, and how patiently?

use alloc::vec::Vec;
use core::time::Duration;

use crate::rtp::format::{Format, Limits};
use crate::rtp::missing;
use crate::wire::rtp::{ExtensionMap, PayloadType};

/// In what form is the application given what came?
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Mode {
    /// As frames, whole and in order.
    #[default]
    Frames,
    /// As packets, each once and as soon as it comes: for who forwards them.
    Packets,
}

/// How patient is a receiver, and how much does it keep?
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct ReceiverConfig {
    /// Frames or packets.
    pub mode: Mode,
    /// How long frames are held back at least, so that they leave as evenly as
    /// they were made. With zero each leaves as soon as it is whole and those
    /// before it are gone.
    pub min_delay: Duration,
    /// How long anything waits at most, for evenness or for packets that are missing.
    pub max_delay: Duration,
    /// How many packets wait at most for those before them. Of more, what is
    /// missing before them is given up.
    pub packets: usize,
    /// How many frames or packets wait at most for the application. What is more is lost.
    pub events: usize,
    /// How many bytes wait at most for packets before them, and how many for the
    /// application.
    pub bytes: usize,
    /// What a frame may have.
    pub limits: Limits,
    /// How patiently missing packets are asked for.
    pub missing: missing::Config,
    /// Whether pictures that refer to a lost one are given out nevertheless. If
    /// not, a key frame is waited for, and asked for.
    pub keeps_broken: bool,
    /// How long after a request for a key frame the next one goes at the earliest.
    pub key_frame_interval: Duration,
}

impl Default for ReceiverConfig {
    fn default() -> Self {
        Self {
            mode: Mode::Frames,
            min_delay: Duration::ZERO,
            max_delay: Duration::from_millis(500),
            packets: 512,
            events: 256,
            bytes: 4 << 20,
            limits: Limits::default(),
            missing: missing::Config::default(),
            keeps_broken: false,
            key_frame_interval: Duration::from_millis(500),
        }
    }
}

/// What signalling agreed on; the receivers of a section share it.
#[derive(Clone, Debug, Default)]
pub struct ReceiveParameters {
    /// What may come. The first with a payload type counts.
    pub codecs: Vec<ReceiveCodec>,
    /// What the ids of header extensions stand for.
    pub extensions: ExtensionMap,
}

impl ReceiveParameters {
    /// The codec with this payload type.
    #[must_use]
    pub fn codec(&self, payload_type: PayloadType) -> Option<&ReceiveCodec> {
        let mut codecs = self.codecs.iter();
        codecs.find(|codec| codec.payload_type == payload_type)
    }

    /// The codec whose packets this payload type repeats.
    #[must_use]
    pub fn repaired_by(&self, payload_type: PayloadType) -> Option<&ReceiveCodec> {
        let mut codecs = self.codecs.iter();
        codecs.find(|codec| codec.repair_payload_type == Some(payload_type))
    }
}

/// A codec that may come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReceiveCodec {
    /// Its number in this session.
    pub payload_type: PayloadType,
    /// How many ticks its timestamps count a second.
    pub clock_rate: u32,
    /// How its frames lie in packets. Without, packets are counted, but make no frames.
    pub format: Option<Format>,
    /// The payload type that repeats its packets (RFC 4588).
    pub repair_payload_type: Option<PayloadType>,
    /// Whether the sender repeats packets if asked (RFC 4585 §6.2.1).
    pub nack: bool,
    /// Whether it may be told that a picture was lost (RFC 4585 §6.3.1).
    pub pli: bool,
    /// Whether it may be asked for a key frame (RFC 5104 §4.3.1).
    pub fir: bool,
}

impl ReceiveCodec {
    /// A codec whose sender takes no feedback.
    #[must_use]
    pub const fn new(payload_type: PayloadType, clock_rate: u32, format: Format) -> Self {
        Self {
            payload_type,
            clock_rate,
            format: Some(format),
            repair_payload_type: None,
            nack: false,
            pli: false,
            fir: false,
        }
    }
}
