//! Requests and responses of stream reconfiguration (RFC 6525 §4).
//!
//! Here `parse` and `emit` see only the value; the frame around it belongs to
//! [`Parameter`](super::Parameter).

use core::fmt;

use super::super::{StreamId, Tsn};
use crate::cursor::{Malformed, Reader, Writer};
use crate::seq::Serial32;
use crate::wire::list::{List, Record};

/// Asks the receiver to expect message number 0 next on streams of the sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutgoingReset<'a> {
    /// The number of this request.
    pub request: Serial32,
    /// The request of the other side that this one answers, if any.
    pub response: Serial32,
    /// The last TSN that was sent before the reset.
    pub last_tsn: Tsn,
    /// The streams; none means all.
    pub streams: List<'a, StreamId>,
}

impl<'a> OutgoingReset<'a> {
    /// The type of this parameter.
    pub const KIND: u16 = 13;

    /// The size of the fixed part.
    pub const HEADER: usize = 12;

    pub(super) fn parse(r: &mut Reader<'a>) -> Result<Self, Malformed> {
        Ok(Self {
            request: Serial32(r.u32("request number")?),
            response: Serial32(r.u32("response number")?),
            last_tsn: Serial32(r.u32("last TSN")?),
            streams: streams(r)?,
        })
    }

    pub(super) const fn encoded_len(&self) -> usize {
        Self::HEADER + self.streams.encoded_len()
    }

    pub(super) fn emit(&self, w: &mut Writer<'_>) {
        w.u32(self.request.0);
        w.u32(self.response.0);
        w.u32(self.last_tsn.0);
        self.streams.emit(w);
    }
}

impl fmt::Display for OutgoingReset<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "reset-out req={} last={} streams={}",
            self.request.0, self.last_tsn.0, self.streams
        )
    }
}

/// Asks the receiver to reset streams of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IncomingReset<'a> {
    /// The number of this request.
    pub request: Serial32,
    /// The streams; none means all.
    pub streams: List<'a, StreamId>,
}

impl<'a> IncomingReset<'a> {
    /// The type of this parameter.
    pub const KIND: u16 = 14;

    pub(super) fn parse(r: &mut Reader<'a>) -> Result<Self, Malformed> {
        Ok(Self {
            request: Serial32(r.u32("request number")?),
            streams: streams(r)?,
        })
    }

    pub(super) const fn encoded_len(&self) -> usize {
        4 + self.streams.encoded_len()
    }

    pub(super) fn emit(&self, w: &mut Writer<'_>) {
        w.u32(self.request.0);
        self.streams.emit(w);
    }
}

impl fmt::Display for IncomingReset<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "reset-in req={} streams={}",
            self.request.0, self.streams
        )
    }
}

/// Asks to reset all TSNs and message numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AssociationReset {
    /// The number of this request.
    pub request: Serial32,
}

impl AssociationReset {
    /// The type of this parameter.
    pub const KIND: u16 = 15;

    pub(super) fn parse(r: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(Self {
            request: Serial32(r.u32("request number")?),
        })
    }

    pub(super) const fn encoded_len(&self) -> usize {
        4
    }

    pub(super) fn emit(&self, w: &mut Writer<'_>) {
        w.u32(self.request.0);
    }
}

impl fmt::Display for AssociationReset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "reset-all req={}", self.request.0)
    }
}

/// Answers a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResetResponse {
    /// The number of the request that is answered.
    pub request: Serial32,
    /// What became of it.
    pub result: ResetResult,
    /// The sender's and the receiver's next TSN, after a reset of the association.
    pub next_tsns: Option<(Tsn, Tsn)>,
}

impl ResetResponse {
    /// The type of this parameter.
    pub const KIND: u16 = 16;

    pub(super) fn parse(r: &mut Reader<'_>) -> Result<Self, Malformed> {
        let request = Serial32(r.u32("request number")?);
        let result = ResetResult::from_code(r.u32("result")?);
        let next_tsns = if r.is_empty() {
            None
        } else {
            let sender = Serial32(r.u32("sender's next TSN")?);
            Some((sender, Serial32(r.u32("receiver's next TSN")?)))
        };
        Ok(Self {
            request,
            result,
            next_tsns,
        })
    }

    pub(super) const fn encoded_len(&self) -> usize {
        if self.next_tsns.is_some() { 16 } else { 8 }
    }

    pub(super) fn emit(&self, w: &mut Writer<'_>) {
        w.u32(self.request.0);
        w.u32(self.result.code());
        if let Some((sender, receiver)) = self.next_tsns {
            w.u32(sender.0);
            w.u32(receiver.0);
        }
    }
}

impl fmt::Display for ResetResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "reset-response req={} {:?}", self.request.0, self.result)
    }
}

/// What became of a request (RFC 6525 §4.4)?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResetResult {
    /// There was nothing to do.
    NothingToDo,
    /// It was done.
    Performed,
    /// It is not allowed.
    Denied,
    /// A stream of it does not exist.
    WrongStream,
    /// Another request is not finished yet.
    AlreadyInProgress,
    /// Its number is not the next one.
    BadNumber,
    /// It waits for data that is not here yet: ask again.
    InProgress,
    /// An answer that is not known here.
    Other(u32),
}

impl ResetResult {
    const fn from_code(code: u32) -> Self {
        match code {
            0 => Self::NothingToDo,
            1 => Self::Performed,
            2 => Self::Denied,
            3 => Self::WrongStream,
            4 => Self::AlreadyInProgress,
            5 => Self::BadNumber,
            6 => Self::InProgress,
            other => Self::Other(other),
        }
    }

    const fn code(self) -> u32 {
        match self {
            Self::NothingToDo => 0,
            Self::Performed => 1,
            Self::Denied => 2,
            Self::WrongStream => 3,
            Self::AlreadyInProgress => 4,
            Self::BadNumber => 5,
            Self::InProgress => 6,
            Self::Other(code) => code,
        }
    }
}

/// Asks for more streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AddStreams {
    /// Whether they are streams of the sender.
    pub outgoing: bool,
    /// The number of this request.
    pub request: Serial32,
    /// How many more.
    pub count: u16,
}

impl AddStreams {
    /// The type for streams of the sender.
    pub const OUTGOING: u16 = 17;
    /// The type for streams of the receiver.
    pub const INCOMING: u16 = 18;

    pub(super) fn parse(kind: u16, r: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(Self {
            outgoing: kind == Self::OUTGOING,
            request: Serial32(r.u32("request number")?),
            count: r.u16("number of streams")?,
        })
    }

    pub(super) const fn kind(&self) -> u16 {
        if self.outgoing {
            Self::OUTGOING
        } else {
            Self::INCOMING
        }
    }

    pub(super) const fn encoded_len(&self) -> usize {
        8
    }

    pub(super) fn emit(&self, w: &mut Writer<'_>) {
        w.u32(self.request.0);
        w.u16(self.count);
        w.u16(0);
    }
}

impl fmt::Display for AddStreams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let side = if self.outgoing { "out" } else { "in" };
        write!(f, "add-{side} req={} count={}", self.request.0, self.count)
    }
}

fn streams<'a>(r: &mut Reader<'a>) -> Result<List<'a, StreamId>, Malformed> {
    if !r.remaining().is_multiple_of(StreamId::LEN) {
        return Err(Malformed("streams"));
    }
    let count = r.remaining() / StreamId::LEN;
    List::parse(r, count, "streams")
}
