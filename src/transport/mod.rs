//! Who sits on whom? ICE below DTLS and SRTP: the open and seal chain.
//!
//! [`Transport`] is the W3C's `RTCDtlsTransport` with its `RTCIceTransport`: it
//! takes datagrams of a path, answers what is ICE's and DTLS's own, and hands
//! decrypted payloads up: data, RTP or RTCP. Nothing goes up before the peer's certificate was found
//! to have one of the fingerprints that the signalling named (RFC 8827 §6.5).

mod chain;
mod protection;

pub use chain::{Delivery, Event, Stats, Transport};
