//! The chunks of a packet (RFC 9260 §3.3).

mod abort;
mod cookie;
mod data;
mod forward_tsn;
mod heartbeat;
mod init;
mod re_config;
mod sack;
mod shutdown;

use core::fmt;

use super::tlv::{self, RawChunk, UnknownAction};
use crate::cursor::{Malformed, Reader, Writer};

pub use abort::{Abort, Error};
pub use cookie::{CookieAck, CookieEcho};
pub use data::Data;
pub use forward_tsn::{ForwardTsn, SkippedStream};
pub use heartbeat::{Heartbeat, HeartbeatAck};
pub use init::{Init, InitAck, InitFields};
pub use re_config::ReConfig;
pub use sack::{GapAckBlock, Sack};
pub use shutdown::{Shutdown, ShutdownAck, ShutdownComplete};

macro_rules! chunks {
    ($($(#[doc = $doc:literal])+ $name:ident $(<$life:lifetime>)?),+ $(,)?) => {
        /// A chunk, or one that is not known here.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Chunk<'a> {
            $($(#[doc = $doc])+ $name($name $(<$life>)?),)+
            /// A chunk that is not known here, kept as it came.
            Unknown(Unknown<'a>),
        }

        impl<'a> Chunk<'a> {
            /// Reads the next chunk with its padding. Whatever its content,
            /// its whole frame is consumed.
            ///
            /// # Errors
            ///
            /// [`Malformed`] if the frame or the content is not as it should be.
            pub fn parse(r: &mut Reader<'a>) -> Result<Self, Malformed> {
                let mut frame = *r;
                let kind = RawChunk::parse(r)?.kind;
                match kind {
                    $($name::KIND => $name::parse(&mut frame).map(Self::$name),)+
                    _ => Unknown::parse(&mut frame).map(Self::Unknown),
                }
            }

            /// The size on the wire, padding included.
            #[must_use]
            pub const fn encoded_len(&self) -> usize {
                match self {
                    $(Self::$name(chunk) => chunk.encoded_len(),)+
                    Self::Unknown(chunk) => chunk.encoded_len(),
                }
            }

            /// Writes the chunk, padding included.
            pub fn emit(&self, w: &mut Writer<'_>) {
                match self {
                    $(Self::$name(chunk) => chunk.emit(w),)+
                    Self::Unknown(chunk) => chunk.emit(w),
                }
            }
        }

        impl fmt::Display for Chunk<'_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    $(Self::$name(chunk) => chunk.fmt(f),)+
                    Self::Unknown(chunk) => chunk.fmt(f),
                }
            }
        }
    };
}

chunks! {
    /// A message or a piece of one.
    Data<'a>,
    /// Asks for an association.
    Init<'a>,
    /// Answers an INIT.
    InitAck<'a>,
    /// Says what arrived.
    Sack<'a>,
    /// Asks whether the peer is there.
    Heartbeat<'a>,
    /// Says that it is.
    HeartbeatAck<'a>,
    /// Ends the association at once.
    Abort<'a>,
    /// Begins an orderly end.
    Shutdown,
    /// Answers a SHUTDOWN.
    ShutdownAck,
    /// Says what is wrong.
    Error<'a>,
    /// Gives the cookie back.
    CookieEcho<'a>,
    /// Says that the association is up.
    CookieAck,
    /// Says that the association is gone.
    ShutdownComplete,
    /// Asks for a stream reset, or answers.
    ReConfig<'a>,
    /// Skips what will not be sent again.
    ForwardTsn<'a>,
}

/// A chunk of a type that is not known here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unknown<'a> {
    /// Its type.
    pub kind: u8,
    /// Its flags.
    pub flags: u8,
    /// Its value.
    pub value: &'a [u8],
}

impl<'a> Unknown<'a> {
    /// Reads a chunk of any type.
    ///
    /// # Errors
    ///
    /// [`Malformed`] if its frame is not as it should be.
    pub fn parse(r: &mut Reader<'a>) -> Result<Self, Malformed> {
        let RawChunk { kind, flags, value } = RawChunk::parse(r)?;
        Ok(Self { kind, flags, value })
    }

    /// What its type asks of a receiver that does not know it.
    #[must_use]
    pub const fn action(&self) -> UnknownAction {
        UnknownAction::of_chunk(self.kind)
    }

    /// The size on the wire.
    #[must_use]
    pub const fn encoded_len(&self) -> usize {
        tlv::padded(tlv::HEADER + self.value.len())
    }

    /// Writes the chunk.
    pub fn emit(&self, w: &mut Writer<'_>) {
        tlv::write_chunk(w, self.kind, self.flags, |w| w.bytes(self.value));
    }
}

impl fmt::Display for Unknown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, flags, value } = self;
        write!(
            f,
            "chunk type={kind} flags={flags:#04x} len={}",
            value.len()
        )
    }
}
