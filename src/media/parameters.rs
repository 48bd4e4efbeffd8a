//! What signalling agreed on for a line.

use core::fmt;

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use crate::rtp::fmtp::Parameters;
use crate::rtp::format::Format;
use crate::rtp::receiver::{Mode, ReceiveCodec, ReceiveParameters};
use crate::wire::rtp::{ExtensionMap, PayloadType, Ssrc};

/// Which line of a [`Media`](super::Media)? The caller's own number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LineId(pub u32);

impl fmt::Display for LineId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}", self.0)
    }
}

/// What was agreed on for one section of a description: one track each way, in one
/// or several encodings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineParameters {
    /// Its name, which packets carry until the peer knows their source (RFC 9143).
    pub mid: String,
    /// Whether it is sound; pictures otherwise.
    pub audio: bool,
    /// Whether we may send.
    pub sends: bool,
    /// Whether we take what the peer sends.
    pub receives: bool,
    /// In which forms our track is sent.
    pub encodings: Vec<SendEncoding>,
    /// What the peer takes, best first, with retransmission formats.
    pub send: Arc<[CodecParameters]>,
    /// What we take, best first, with retransmission formats.
    pub receive: Arc<[CodecParameters]>,
    /// Which header extensions both know. All lines of a transport agree on them.
    pub extensions: ExtensionMap,
    /// Whether extensions of both forms may be mixed (RFC 8285 §6).
    pub two_byte: bool,
    /// Whether RTCP packets may be incomplete (RFC 5506).
    pub reduced_rtcp: bool,
    /// Our canonical name (RFC 7022).
    pub cname: String,
    /// What the peer says of what it sends, if it says something.
    pub remote: Vec<RemoteEncoding>,
    /// Frames, or packets as they come.
    pub mode: Mode,
}

/// One of the forms in which we send a track.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SendEncoding {
    /// Its name; empty if there is only one.
    pub rid: String,
    /// Its stream.
    pub ssrc: Ssrc,
    /// The stream of its retransmissions.
    pub repair: Option<Ssrc>,
    /// Whether it is sent now.
    pub active: bool,
}

/// One of the forms in which the peer sends a track.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemoteEncoding {
    /// Its name; empty if there is only one.
    pub rid: String,
    /// Its stream, if it is known.
    pub ssrc: Option<Ssrc>,
    /// The stream of its retransmissions, if it is known.
    pub repair: Option<Ssrc>,
}

/// A codec that was agreed on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodecParameters {
    /// The number that packets carry.
    pub payload_type: PayloadType,
    /// Its name, such as `VP8` or `rtx`.
    pub name: String,
    /// Ticks of the timestamp in a second.
    pub clock_rate: u32,
    /// Channels of sound.
    pub channels: u8,
    /// Its parameters (`fmtp`).
    pub parameters: String,
    /// The feedback that was agreed on.
    pub feedback: FeedbackSet,
}

/// Feedback that a receiver may send (RFC 4585 §4.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FeedbackKind {
    /// Which packets should come again: `nack`.
    Nack,
    /// A picture was lost: `nack pli`.
    PictureLoss,
    /// A key frame is needed: `ccm fir`.
    FullIntra,
    /// How many bits a second may come: `goog-remb`.
    MaximumBitrate,
    /// When each packet came: `transport-cc`.
    Transport,
}

/// Which feedback was agreed on?
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct FeedbackSet(u8);

impl FeedbackSet {
    /// What these words of a description (`a=rtcp-fb`) say; others are left out.
    #[must_use]
    pub fn of<'a>(words: impl IntoIterator<Item = &'a str>) -> Self {
        let mut set = Self::default();
        for word in words {
            let kind = KINDS.iter().find(|(known, _)| *known == word);
            set.0 |= kind.map_or(0, |(_, kind)| 1 << *kind as u8);
        }
        set
    }

    /// Whether this is in it.
    #[must_use]
    pub const fn contains(self, kind: FeedbackKind) -> bool {
        self.0 >> kind as u8 & 1 == 1
    }

    /// What is in either of them.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl CodecParameters {
    /// The format of its payloads, if it is known here.
    #[must_use]
    pub fn format(&self) -> Option<Format> {
        Format::of(&self.name, Parameters(&self.parameters))
    }

    /// The payload type that it repeats, if it is `rtx` (RFC 4588 §8.1).
    #[must_use]
    pub fn repeats(&self) -> Option<PayloadType> {
        if !self.name.eq_ignore_ascii_case("rtx") {
            return None;
        }
        let repeated = Parameters(&self.parameters).get("apt")?;
        repeated.parse().ok().and_then(PayloadType::new)
    }

    /// The payload type among `codecs` that repeats this one.
    #[must_use]
    pub fn repeated_by(&self, codecs: &[Self]) -> Option<PayloadType> {
        let mut repairs = codecs.iter().filter_map(|codec| {
            (codec.repeats()? == self.payload_type && codec.clock_rate == self.clock_rate)
                .then_some(codec.payload_type)
        });
        repairs.next()
    }

    /// Whether it carries media, and could be the codec of a track.
    #[must_use]
    pub fn is_media(&self) -> bool {
        const OTHERS: [&str; 6] = [
            "rtx",
            "red",
            "ulpfec",
            "flexfec-03",
            "telephone-event",
            "CN",
        ];
        !OTHERS
            .iter()
            .any(|name| self.name.eq_ignore_ascii_case(name))
    }
}

impl LineParameters {
    /// What its receivers have to know.
    pub(super) fn receive_parameters(&self) -> Arc<ReceiveParameters> {
        let media = self
            .receive
            .iter()
            .filter(|codec| codec.repeats().is_none());
        let codecs = media.map(|codec| ReceiveCodec {
            payload_type: codec.payload_type,
            clock_rate: codec.clock_rate,
            format: codec.format(),
            repair_payload_type: codec.repeated_by(&self.receive),
            nack: codec.feedback.contains(FeedbackKind::Nack),
            pli: codec.feedback.contains(FeedbackKind::PictureLoss),
            fir: codec.feedback.contains(FeedbackKind::FullIntra),
        });
        Arc::new(ReceiveParameters {
            codecs: codecs.collect(),
            extensions: self.extensions,
        })
    }

    /// The feedback of all codecs that we take.
    pub(super) fn feedback(&self) -> FeedbackSet {
        let all = self.receive.iter().map(|codec| codec.feedback);
        all.fold(FeedbackSet::default(), FeedbackSet::union)
    }
}

/// The words for feedback.
const KINDS: [(&str, FeedbackKind); 5] = [
    ("nack", FeedbackKind::Nack),
    ("nack pli", FeedbackKind::PictureLoss),
    ("ccm fir", FeedbackKind::FullIntra),
    ("goog-remb", FeedbackKind::MaximumBitrate),
    ("transport-cc", FeedbackKind::Transport),
];
