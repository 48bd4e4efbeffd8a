//! INIT and INIT ACK: who are you, and what can you do (RFC 9260 §3.3.2, §3.3.3)?

use core::fmt;
use core::ops::Deref;

use super::super::{Parameters, Tsn, tlv};
use crate::cursor::{Malformed, Reader, Writer};
use crate::seq::Serial32;

/// What INIT and INIT ACK both say.
///
/// ```text
///  0                   1                   2                   3
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
/// |  type = 1, 2  |  flags = 0    |            length             |
/// |                         initiate tag                          |
/// |            advertised receiver window credit                  |
/// |       outbound streams        |        inbound streams        |
/// |                          initial TSN                          |
/// |                          parameters                           |
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InitFields<'a> {
    /// The tag that packets to the sender of this chunk have to carry.
    pub initiate_tag: u32,
    /// How many bytes the sender of this chunk can hold.
    pub a_rwnd: u32,
    /// How many streams it wants to send on.
    pub outbound_streams: u16,
    /// How many streams it can receive on.
    pub inbound_streams: u16,
    /// The number of its first DATA chunk.
    pub initial_tsn: Tsn,
    /// What else it can do.
    pub parameters: Parameters<'a>,
}

impl<'a> InitFields<'a> {
    fn parse(r: &mut Reader<'a>) -> Result<Self, Malformed> {
        Ok(Self {
            initiate_tag: r.u32("initiate tag")?,
            a_rwnd: r.u32("receiver window")?,
            outbound_streams: r.u16("outbound streams")?,
            inbound_streams: r.u16("inbound streams")?,
            initial_tsn: Serial32(r.u32("initial TSN")?),
            parameters: Parameters::parse(r)?,
        })
    }

    const fn encoded_len(&self) -> usize {
        // Inside the chunk's length too, all but the last parameter are padded.
        tlv::padded(20 + self.parameters.encoded_len())
    }

    fn emit(&self, kind: u8, w: &mut Writer<'_>) {
        tlv::write_chunk(w, kind, 0, |w| {
            w.u32(self.initiate_tag);
            w.u32(self.a_rwnd);
            w.u16(self.outbound_streams);
            w.u16(self.inbound_streams);
            w.u32(self.initial_tsn.0);
            self.parameters.emit(w);
        });
    }
}

impl fmt::Display for InitFields<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "tag={:08x} rwnd={} out={} in={} tsn={}",
            self.initiate_tag,
            self.a_rwnd,
            self.outbound_streams,
            self.inbound_streams,
            self.initial_tsn.0
        )?;
        for parameter in &self.parameters {
            write!(f, " {parameter}")?;
        }
        Ok(())
    }
}

macro_rules! init {
    ($name:ident, $kind:literal, $label:literal, $doc:literal) => {
        #[doc = $doc]
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub struct $name<'a>(pub InitFields<'a>);

        impl<'a> $name<'a> {
            /// The type of this chunk.
            pub const KIND: u8 = $kind;

            /// Reads the chunk.
            ///
            /// # Errors
            ///
            /// [`Malformed`] if it or one of its parameters is cut.
            pub fn parse(r: &mut Reader<'a>) -> Result<Self, Malformed> {
                let (_, mut r) = tlv::open(r, Self::KIND)?;
                InitFields::parse(&mut r).map(Self)
            }

            /// The size on the wire.
            #[must_use]
            pub const fn encoded_len(&self) -> usize {
                self.0.encoded_len()
            }

            /// Writes the chunk.
            pub fn emit(&self, w: &mut Writer<'_>) {
                self.0.emit(Self::KIND, w);
            }
        }

        impl<'a> Deref for $name<'a> {
            type Target = InitFields<'a>;

            fn deref(&self) -> &InitFields<'a> {
                &self.0
            }
        }

        impl fmt::Display for $name<'_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($label, " {}"), self.0)
            }
        }
    };
}

init!(Init, 1, "INIT", "Asks for an association.");
init!(InitAck, 2, "INIT-ACK", "Answers an INIT, with a cookie.");
