//! Names of streams, as SDES items in the header (RFC 7941, RFC 8852, RFC 9143).

use core::fmt;

use crate::cursor::{Malformed, Reader, Writer};

macro_rules! name {
    ($name:ident, $trace:literal, $doc:literal) => {
        #[doc = $doc]
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub struct $name<'a>(pub &'a str);

        impl<'a> $name<'a> {
            /// Reads the value.
            ///
            /// # Errors
            ///
            /// [`Malformed`] if it is empty or not printable ASCII.
            pub fn parse(r: &mut Reader<'a>) -> Result<Self, Malformed> {
                text(r).map(Self)
            }

            /// The size on the wire.
            #[must_use]
            pub const fn encoded_len(&self) -> usize {
                self.0.len()
            }

            /// Writes the value.
            pub fn emit(&self, w: &mut Writer<'_>) {
                w.bytes(self.0.as_bytes());
            }
        }

        impl fmt::Display for $name<'_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($trace, "={}"), self.0)
            }
        }
    };
}

name!(Mid, "mid", "To which media section does the packet belong?");
name!(StreamId, "rid", "Which encoding of its source is it?");
name!(RepairedStreamId, "rrid", "Which encoding does it repair?");

/// A token of SDP; some senders pad it with zeros.
fn text<'a>(r: &mut Reader<'a>) -> Result<&'a str, Malformed> {
    const FIELD: &str = "name of a stream";
    let text = core::str::from_utf8(r.rest()).map_err(|_| Malformed(FIELD))?;
    let text = text.trim_end_matches('\0');
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic()) {
        Ok(text)
    } else {
        Err(Malformed(FIELD))
    }
}
