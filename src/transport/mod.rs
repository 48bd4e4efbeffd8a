//! Who sits on whom? ICE below DTLS: the open and seal chain.
//!
//! [`Transport`] is the W3C's `RTCDtlsTransport` with its `RTCIceTransport`: it
//! takes datagrams of a path, answers what is ICE's and DTLS's own, and hands
//! decrypted payloads up. Nothing goes up before the peer's certificate was found
//! to have one of the fingerprints that the signalling named (RFC 8827 §6.5).

mod chain;

pub use chain::{Event, Stats, Transport};
