//! DATA: a message or a piece of one (RFC 9260 §3.3.1, RFC 7053 §3).

use core::fmt;

use super::super::{Ppid, Ssn, StreamId, Tsn, tlv};
use crate::cursor::{Malformed, Reader, Writer};
use crate::seq::{Serial16, Serial32};

/// A message or a piece of one.
///
/// ```text
///  0                   1                   2                   3
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
/// |   type = 0    | res  |I|U|B|E|            length              |
/// |                              TSN                              |
/// |           stream              |    stream sequence number     |
/// |                payload protocol identifier                    |
/// |                           payload                             |
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Data<'a> {
    /// Its number in the association.
    pub tsn: Tsn,
    /// The stream of the message.
    pub stream: StreamId,
    /// The number of the message in its stream; of no meaning if unordered.
    pub ssn: Ssn,
    /// What the application said the message is.
    pub ppid: Ppid,
    /// Whether the message may overtake others (U).
    pub unordered: bool,
    /// Whether it is the first piece of its message (B).
    pub beginning: bool,
    /// Whether it is the last piece of its message (E).
    pub ending: bool,
    /// Whether the sender wants a SACK at once (I).
    pub immediate: bool,
    /// The bytes.
    pub payload: &'a [u8],
}

impl<'a> Data<'a> {
    /// The type of this chunk.
    pub const KIND: u8 = 0;

    /// The size of all that precedes the payload.
    pub const HEADER: usize = 16;

    /// Reads the chunk.
    ///
    /// # Errors
    ///
    /// [`Malformed`] if it is cut. A payload of no bytes is an error of the
    /// sender that the receiver answers, so it can be read.
    pub fn parse(r: &mut Reader<'a>) -> Result<Self, Malformed> {
        let (flags, mut r) = tlv::open(r, Self::KIND)?;
        Ok(Self {
            tsn: Serial32(r.u32("TSN")?),
            stream: StreamId(r.u16("stream")?),
            ssn: Serial16(r.u16("stream sequence number")?),
            ppid: Ppid(r.u32("payload protocol identifier")?),
            unordered: flags & UNORDERED != 0,
            beginning: flags & BEGINNING != 0,
            ending: flags & ENDING != 0,
            immediate: flags & IMMEDIATE != 0,
            payload: r.rest(),
        })
    }

    /// The size on the wire.
    #[must_use]
    pub const fn encoded_len(&self) -> usize {
        tlv::padded(Self::HEADER + self.payload.len())
    }

    /// Writes the chunk.
    pub fn emit(&self, w: &mut Writer<'_>) {
        let mut flags = 0;
        for (set, bit) in [
            (self.unordered, UNORDERED),
            (self.beginning, BEGINNING),
            (self.ending, ENDING),
            (self.immediate, IMMEDIATE),
        ] {
            flags |= if set { bit } else { 0 };
        }
        let len = u16::try_from(Self::HEADER + self.payload.len()).unwrap_or(u16::MAX);
        let mut head = [0; Self::HEADER];
        head[0] = Self::KIND;
        head[1] = flags;
        head[2..4].copy_from_slice(&len.to_be_bytes());
        head[4..8].copy_from_slice(&self.tsn.0.to_be_bytes());
        head[8..10].copy_from_slice(&self.stream.0.to_be_bytes());
        head[10..12].copy_from_slice(&self.ssn.0.to_be_bytes());
        head[12..].copy_from_slice(&self.ppid.0.to_be_bytes());
        w.bytes(&head);
        w.bytes(self.payload);
        w.zeros(self.encoded_len() - Self::HEADER - self.payload.len());
    }
}

/// `DATA tsn=7 sid=1 ssn=0 ppid=51 len=5 [B E U]`
impl fmt::Display for Data<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            tsn, stream, ppid, ..
        } = self;
        write!(f, "DATA tsn={} sid={stream}", tsn.0)?;
        if !self.unordered {
            write!(f, " ssn={}", self.ssn.0)?;
        }
        write!(f, " ppid={ppid} len={} [", self.payload.len())?;
        let mut separator = "";
        for (set, name) in [
            (self.beginning, "B"),
            (self.ending, "E"),
            (self.unordered, "U"),
            (self.immediate, "I"),
        ] {
            if set {
                write!(f, "{separator}{name}")?;
                separator = " ";
            }
        }
        f.write_str("]")
    }
}

const ENDING: u8 = 0x01;
const BEGINNING: u8 = 0x02;
const UNORDERED: u8 = 0x04;
const IMMEDIATE: u8 = 0x08;
