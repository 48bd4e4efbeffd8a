//! What does an RTCP packet say (RFC 3550 §6, RFC 4585, RFC 5104, RFC 3611)?
//!
//! A datagram is a [`Compound`] of one or more [`Packet`]s, which borrow the
//! bytes that they were parsed from. What is not known here is kept as it came.
//!
//! ```
//! use pollrtc::cursor::Reader;
//! use pollrtc::wire::rtcp::{Compound, Packet};
//!
//! let bytes = b"\x81\xce\x00\x02\0\0\0\x01\0\0\0\x02";
//! let compound = Compound::parse(&mut Reader::new(bytes))?;
//! for packet in compound.packets().flatten() {
//!     if let Packet::PictureLoss(loss) = packet {
//!         println!("{} asks for a key frame of {}", loss.sender, loss.media);
//!     }
//! }
//! # Ok::<(), pollrtc::cursor::Malformed>(())
//! ```

mod app;
mod arrivals;
mod compound;
mod congestion;
mod estimate;
pub mod extended;
mod frame;
mod loss;
mod nack;
mod ntp;
mod report;
mod sdes;
#[cfg(test)]
mod tests;
mod transport;

use core::fmt;

use crate::cursor::{Malformed, Reader, Writer};

pub use app::App;
pub use arrivals::{Arrival, Arrivals, FeedbackBuilder};
pub use compound::{Compound, Packets};
pub use congestion::{CongestionFeedback, Metric, StreamMetrics, Streams};
pub use estimate::{Bitrate, MaximumBitrate};
pub use extended::ExtendedReport;
pub use frame::Unknown;
pub use loss::{
    FullIntraRequest, IntraRequest, LostSlice, PictureLoss, ReferencePicture, SliceLoss,
};
pub use nack::{Nack, NackPair};
pub use ntp::NtpTimestamp;
pub use report::{ReceiverReport, ReportBlock, SenderInfo, SenderReport};
pub use sdes::{Bye, Chunk, Chunks, Item, ItemKind, Items, SourceDescription};
pub use transport::TransportFeedback;

macro_rules! packets {
    ($($(#[doc = $doc:literal])+ $name:ident $(<$life:lifetime>)?),+ $(,)?) => {
        /// A packet, or one that is not known here.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum Packet<'a> {
            $($(#[doc = $doc])+ $name($name $(<$life>)?),)+
            /// A packet or feedback that is not known here, kept as it came.
            Unknown(Unknown<'a>),
        }

        impl<'a> Packet<'a> {
            /// Reads the next packet. Whatever its content, its whole frame is
            /// consumed.
            ///
            /// # Errors
            ///
            /// [`Malformed`] if the frame or the content is not as it should be.
            pub fn parse(r: &mut Reader<'a>) -> Result<Self, Malformed> {
                let mut frame = *r;
                let unknown = Unknown::parse(r)?;
                $(if $name::is(&unknown) {
                    return $name::parse(&mut frame).map(Self::$name);
                })+
                Ok(Self::Unknown(unknown))
            }

            /// The size on the wire.
            #[must_use]
            pub fn encoded_len(&self) -> usize {
                match self {
                    $(Self::$name(packet) => packet.encoded_len(),)+
                    Self::Unknown(packet) => packet.encoded_len(),
                }
            }

            /// Writes the packet.
            pub fn emit(&self, w: &mut Writer<'_>) {
                match self {
                    $(Self::$name(packet) => packet.emit(w),)+
                    Self::Unknown(packet) => packet.emit(w),
                }
            }
        }

        impl fmt::Display for Packet<'_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    $(Self::$name(packet) => packet.fmt(f),)+
                    Self::Unknown(packet) => packet.fmt(f),
                }
            }
        }
    };
}

packets! {
    /// What a sender sent, and what it received.
    SenderReport<'a>,
    /// What a receiver received.
    ReceiverReport<'a>,
    /// Who the sources are.
    SourceDescription<'a>,
    /// Who is gone.
    Bye<'a>,
    /// What an application says.
    App<'a>,
    /// Which packets should come again.
    Nack<'a>,
    /// When each packet of the transport came.
    TransportFeedback<'a>,
    /// When each packet of each source came (RFC 8888).
    CongestionFeedback<'a>,
    /// A picture was lost.
    PictureLoss,
    /// Parts of a picture were lost.
    SliceLoss<'a>,
    /// Which picture is there to refer to.
    ReferencePicture<'a>,
    /// A key frame is needed.
    FullIntraRequest<'a>,
    /// How many bits a second may come.
    MaximumBitrate<'a>,
    /// What else a receiver knows.
    ExtendedReport<'a>,
}
