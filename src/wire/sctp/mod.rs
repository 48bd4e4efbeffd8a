//! What does an SCTP packet say (RFC 9260 §3)?
//!
//! A [`Packet`] is a common header and chunks; a [`Chunk`] holds fields, and
//! perhaps [`Parameter`]s or [`Cause`]s. Everything borrows the bytes it was
//! parsed from. Beside RFC 9260: partial reliability (RFC 3758), stream reset
//! (RFC 6525) and zero checksums (RFC 9653).

pub mod cause;
pub mod chunk;
mod packet;
pub mod param;
#[cfg(test)]
mod tests;
mod tlv;

use core::fmt;

use crate::cursor::{Malformed, Reader, Writer};
use crate::seq::{Serial16, Serial32};
use crate::wire::list::Record;

pub use cause::{Cause, Causes};
pub use chunk::Chunk;
pub use packet::{Chunks, Header, Packet, checksum_is_valid, write_checksum};
pub use param::{Parameter, Parameters};
pub use tlv::UnknownAction;

/// Transmission sequence number: which DATA chunk of the association is it?
pub type Tsn = Serial32;

/// Stream sequence number: which ordered message of its stream is it?
pub type Ssn = Serial16;

/// Which of the one-way streams of the association?
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct StreamId(pub u16);

impl fmt::Display for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Payload protocol identifier: what does the application put into the message?
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Ppid(pub u32);

impl fmt::Display for Ppid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Record for Tsn {
    const LEN: usize = 4;

    fn parse(r: &mut Reader<'_>) -> Result<Self, Malformed> {
        r.u32("TSN").map(Self)
    }

    fn emit(&self, w: &mut Writer<'_>) {
        w.u32(self.0);
    }
}

impl Record for StreamId {
    const LEN: usize = 2;

    fn parse(r: &mut Reader<'_>) -> Result<Self, Malformed> {
        r.u16("stream").map(Self)
    }

    fn emit(&self, w: &mut Writer<'_>) {
        w.u16(self.0);
    }
}
