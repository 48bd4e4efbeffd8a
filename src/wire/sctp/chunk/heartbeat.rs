//! HEARTBEAT and HEARTBEAT ACK: are you there (RFC 9260 §3.3.5, §3.3.6)?

use core::fmt;

use super::super::{Parameters, tlv};
use crate::cursor::{Malformed, Reader, Writer};

macro_rules! heartbeat {
    ($name:ident, $kind:literal, $label:literal, $doc:literal) => {
        #[doc = $doc]
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub struct $name<'a> {
            /// What the answer has to repeat: one heartbeat information parameter.
            pub info: Parameters<'a>,
        }

        impl<'a> $name<'a> {
            /// The type of this chunk.
            pub const KIND: u8 = $kind;

            /// Reads the chunk.
            ///
            /// # Errors
            ///
            /// [`Malformed`] if it or its parameter is cut.
            pub fn parse(r: &mut Reader<'a>) -> Result<Self, Malformed> {
                let (_, mut r) = tlv::open(r, Self::KIND)?;
                Ok(Self {
                    info: Parameters::parse(&mut r)?,
                })
            }

            /// The size on the wire.
            #[must_use]
            pub const fn encoded_len(&self) -> usize {
                tlv::padded(tlv::HEADER + self.info.encoded_len())
            }

            /// Writes the chunk.
            pub fn emit(&self, w: &mut Writer<'_>) {
                tlv::write_chunk(w, Self::KIND, 0, |w| self.info.emit(w));
            }
        }

        impl fmt::Display for $name<'_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($label, " len={}"), self.info.encoded_len())
            }
        }
    };
}

heartbeat!(Heartbeat, 4, "HEARTBEAT", "Asks whether the peer is there.");
heartbeat!(HeartbeatAck, 5, "HEARTBEAT-ACK", "Says that it is.");
