//! Which host of this link has this name (RFC 6762 §18, RFC 1035 §4)?
//!
//! ```text
//!  0  1  2  3  4  5  6  7  8  9 10 11 12 13 14 15
//! +--+--+--+--+--+--+--+--+--+--+--+--+--+--+--+--+
//! |                      ID                       |
//! |QR|   Opcode  |AA|TC|RD|RA| Z|AD|CD|   RCODE   |
//! |  counts of questions, answers, authorities and|
//! |  additional records, 16 bits each             |
//! +--+--+--+--+--+--+--+--+--+--+--+--+--+--+--+--+
//! | questions: name, type, QU and class           |
//! | records: name, type, cache flush and class,   |
//! |          32 bits of TTL, length, data         |
//! ```
//!
//! A [`Message`] is a view of received bytes, checked once; a [`Builder`] writes
//! one. What is known is what browsers use to hide their addresses: questions,
//! addresses, and the statement that there are no others. Records of other kinds
//! are kept as bytes.

mod message;
mod name;
mod record;
#[cfg(test)]
mod tests;

pub use message::{Builder, Header, Message, Section};
pub use name::{Labels, Name};
pub use record::{Data, Question, Record};

/// The numbers of the record types that are known here (RFC 1035 §3.2.2, RFC 3596, RFC 4034).
pub mod kind {
    /// A, an IPv4 address.
    pub const A: u16 = 1;
    /// AAAA, an IPv6 address.
    pub const AAAA: u16 = 28;
    /// NSEC, which types a name has (RFC 6762 §6.1).
    pub const NSEC: u16 = 47;
    /// Any type, in a question.
    pub const ANY: u16 = 255;
}

/// The class of the Internet (RFC 1035 §3.2.4).
pub const CLASS_IN: u16 = 1;

/// Any class, in a question.
pub const CLASS_ANY: u16 = 255;

/// The length of the header in bytes.
pub const HEADER_LEN: usize = 12;

/// QU in a question (RFC 6762 §5.4), cache flush in a record (§10.2).
const TOP_BIT: u16 = 0x8000;
