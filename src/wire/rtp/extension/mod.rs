//! The extensions of a header, by what they mean.
//!
//! A [`Block`] frames them under ids that the session agreed on; an
//! [`ExtensionMap`] says what each id stands for, and an [`Extension`] is one
//! with its meaning.

mod audio;
mod bits;
mod block;
mod color;
mod dependency;
mod layers;
mod map;
mod sequence;
mod template;
mod text;
mod timing;
mod video;

use core::fmt;

use crate::cursor::{Malformed, Reader, Writer};

pub use audio::{AudioLevel, MixerLevels};
pub use block::{Block, BlockWriter, Element, Elements, Form};
pub use color::{ColorSpace, HdrMetadata};
pub use dependency::{DependencyDescriptor, FrameDependencies};
pub use layers::{Allocation, Layer, Resolution, VideoLayers};
pub use map::ExtensionMap;
pub use sequence::{FeedbackRequest, TransportSequence};
pub use template::{Indication, Template, TemplateStructure};
pub use text::{Mid, RepairedStreamId, StreamId};
pub use timing::{AbsoluteCaptureTime, AbsoluteSendTime, PlayoutDelay, TransmissionOffset};
pub use video::{Rotation, VideoOrientation};

macro_rules! extensions {
    ($($(#[doc = $doc:literal])+ $name:ident $(<$life:lifetime>)? = $uri:literal),+ $(,)?) => {
        /// What an extension is about.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum Kind {
            $($(#[doc = $doc])+ $name,)+
        }

        impl Kind {
            /// All that are known here.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// The name that signalling uses.
            #[must_use]
            pub const fn uri(self) -> &'static str {
                match self {
                    $(Self::$name => $uri,)+
                }
            }
        }

        /// An extension that is understood, or one that is not and kept as it came.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum Extension<'a> {
            $($(#[doc = $doc])+ $name($name $(<$life>)?),)+
            /// An extension that is not known here.
            Unknown {
                /// Its id in the session.
                id: u8,
                /// What it says.
                bytes: &'a [u8],
            },
        }

        impl<'a> Extension<'a> {
            /// Reads the value of an extension of this kind.
            ///
            /// # Errors
            ///
            /// [`Malformed`] if it is not one.
            pub fn parse(kind: Kind, r: &mut Reader<'a>) -> Result<Self, Malformed> {
                match kind {
                    $(Kind::$name => $name::parse(r).map(Self::$name),)+
                }
            }

            /// What it is about; `None` if that is not known.
            #[must_use]
            pub const fn kind(&self) -> Option<Kind> {
                match self {
                    $(Self::$name(_) => Some(Kind::$name),)+
                    Self::Unknown { .. } => None,
                }
            }

            /// The size of its value on the wire.
            #[must_use]
            pub fn encoded_len(&self) -> usize {
                match self {
                    $(Self::$name(value) => value.encoded_len(),)+
                    Self::Unknown { bytes, .. } => bytes.len(),
                }
            }

            /// Writes its value.
            pub fn emit(&self, w: &mut Writer<'_>) {
                match self {
                    $(Self::$name(value) => value.emit(w),)+
                    Self::Unknown { bytes, .. } => w.bytes(bytes),
                }
            }
        }

        impl fmt::Display for Extension<'_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    $(Self::$name(value) => value.fmt(f),)+
                    Self::Unknown { id, bytes } => write!(f, "unknown={id} len={}", bytes.len()),
                }
            }
        }
    };
}

extensions! {
    /// To which media section the packet belongs (RFC 9143 §15).
    Mid<'a> = "urn:ietf:params:rtp-hdrext:sdes:mid",
    /// Which encoding of its source it is (RFC 8852 §3.1).
    StreamId<'a> = "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id",
    /// Which encoding it repairs (RFC 8852 §3.2).
    RepairedStreamId<'a> = "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id",
    /// How loud the packet is (RFC 6464).
    AudioLevel = "urn:ietf:params:rtp-hdrext:ssrc-audio-level",
    /// How loud each contributor is (RFC 6465).
    MixerLevels<'a> = "urn:ietf:params:rtp-hdrext:csrc-audio-level",
    /// When it left the sender.
    AbsoluteSendTime = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time",
    /// Which packet of the transport it is.
    TransportSequence = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01",
    /// Which packet of the transport it is, and what feedback is wished.
    FeedbackRequest = "http://www.webrtc.org/experiments/rtp-hdrext/transport-wide-cc-02",
    /// How long after its timestamp it was sent (RFC 5450).
    TransmissionOffset = "urn:ietf:params:rtp-hdrext:toffset",
    /// How the picture has to be turned (3GPP TS 26.114 §7.4.5).
    VideoOrientation = "urn:3gpp:video-orientation",
    /// How long the receiver may wait before it shows it.
    PlayoutDelay = "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay",
    /// When the picture or sound was captured, by the capturer's clock.
    AbsoluteCaptureTime = "http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time",
    /// On which other frames this one depends (AV1 RTP specification, appendix A).
    DependencyDescriptor<'a> =
        "https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension",
    /// Which layers the sender sends, and how many bits each may have.
    VideoLayers<'a> = "http://www.webrtc.org/experiments/rtp-hdrext/video-layers-allocation00",
    /// What the colours of the picture mean.
    ColorSpace = "http://www.webrtc.org/experiments/rtp-hdrext/color-space",
}

impl Kind {
    /// The kind that signalling calls `uri`.
    #[must_use]
    pub fn of_uri(uri: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.uri() == uri)
    }
}
