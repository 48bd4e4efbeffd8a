//! What do DTLS records and handshake messages look like (RFC 6347, RFC 5246)?
//!
//! One tree for DTLS 1.2 and later versions: a datagram is a sequence of
//! [`Record`]s; a handshake record carries [`Fragment`]s of messages; a whole
//! message body is a [`Message`], and hellos carry [`Extensions`]. Nothing here
//! knows keys or remembers anything.
//!
//! Extensions and messages that only later versions use are kept as `Unknown`.

mod alert;
mod codes;
pub mod extension;
pub mod handshake;
mod record;

pub use alert::{Alert, AlertDescription, AlertLevel};
pub use codes::{CipherSuite, Codes, ProtocolVersion};
pub use extension::{Extension, Extensions};
pub use handshake::{Fragment, HandshakeType, Message};
pub use record::{
    CHANGE_CIPHER_SPEC, ContentType, Datagram, MAX_SEQUENCE, RECORD_HEADER_LEN, Record,
    RecordHeader,
};

#[cfg(test)]
mod tests;
