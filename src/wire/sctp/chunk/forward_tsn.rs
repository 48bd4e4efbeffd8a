//! FORWARD TSN: what will not be sent again (RFC 3758 §3.2)?

use core::fmt;

use super::super::{Ssn, StreamId, Tsn, tlv};
use crate::cursor::{Malformed, Reader, Writer};
use crate::seq::{Serial16, Serial32};
use crate::wire::list::{List, Record};

/// Tells the receiver to treat all TSNs up to one as received.
///
/// ```text
///  0                   1                   2                   3
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
/// |  type = 192   |  flags = 0    |            length             |
/// |                    new cumulative TSN                         |
/// |            stream             |    stream sequence number     |
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ForwardTsn<'a> {
    /// The last TSN that is given up.
    pub new_cumulative_tsn: Tsn,
    /// For each stream with ordered messages given up, the last of them.
    pub streams: List<'a, SkippedStream>,
}

impl<'a> ForwardTsn<'a> {
    /// The type of this chunk.
    pub const KIND: u8 = 192;

    /// The size without streams.
    pub const HEADER: usize = 8;

    /// Reads the chunk.
    ///
    /// # Errors
    ///
    /// [`Malformed`] if it is cut or ends inside a record.
    pub fn parse(r: &mut Reader<'a>) -> Result<Self, Malformed> {
        let (_, mut r) = tlv::open(r, Self::KIND)?;
        let new_cumulative_tsn = Serial32(r.u32("new cumulative TSN")?);
        let count = r.remaining() / SkippedStream::LEN;
        let streams = List::parse(&mut r, count, "streams")?;
        r.finish("streams")?;
        Ok(Self {
            new_cumulative_tsn,
            streams,
        })
    }

    /// The size on the wire.
    #[must_use]
    pub const fn encoded_len(&self) -> usize {
        Self::HEADER + self.streams.encoded_len()
    }

    /// Writes the chunk.
    pub fn emit(&self, w: &mut Writer<'_>) {
        tlv::write_chunk(w, Self::KIND, 0, |w| {
            w.u32(self.new_cumulative_tsn.0);
            self.streams.emit(w);
        });
    }
}

/// `FORWARD-TSN cum=12 streams=[1:5 2:0]`
impl fmt::Display for ForwardTsn<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FORWARD-TSN cum={}", self.new_cumulative_tsn.0)?;
        if !self.streams.is_empty() {
            write!(f, " streams={}", self.streams)?;
        }
        Ok(())
    }
}

/// Up to which message of a stream is everything given up?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SkippedStream {
    /// The stream.
    pub stream: StreamId,
    /// The last message given up.
    pub ssn: Ssn,
}

impl Record for SkippedStream {
    const LEN: usize = 4;

    fn parse(r: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(Self {
            stream: StreamId(r.u16("stream")?),
            ssn: Serial16(r.u16("stream sequence number")?),
        })
    }

    fn emit(&self, w: &mut Writer<'_>) {
        w.u16(self.stream.0);
        w.u16(self.ssn.0);
    }
}

impl fmt::Display for SkippedStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.stream, self.ssn.0)
    }
}
