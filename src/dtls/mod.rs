//! How do two peers agree on keys, and protect datagrams with them?
//!
//! [`DtlsTransport`] is DTLS 1.2 (RFC 6347) as WebRTC uses it (RFC 8827 §6.5):
//! both ends show a certificate whose fingerprint was signalled before, and
//! prove that they own its key. Ephemeral keys only; no resumption, no tickets,
//! no compression, no renegotiation, no cookies of our own, since ICE has
//! proved the path.
//!
//! ```text
//!        poll_transmit │ ▲ open                    seal │ ▲ open
//! New ────────────────►Connecting ─────────────────────►Connected ──► Closed
//!                        │  Event::PeerCertificate        │            ▲
//!                        │  accept_peer()                 │            │
//!                        └──────────► Failed ◄────────────┴── close ───┘
//! ```
//!
//! Besides: use_srtp (RFC 5764), extended master secret (RFC 7627), renegotiation
//! indication (RFC 5746), keying material exporters (RFC 5705), elliptic curves
//! (RFC 8422). Not here: DTLS 1.3 (RFC 9147), connection ids (RFC 9146).

mod association;
mod close;
mod config;
mod export;
mod flight;
mod input;
mod reassembly;
mod record;
mod stats;
mod transport;
mod v12;

pub use close::CloseReason;
pub use config::{DtlsConfig, Limits, Role};
pub use export::{ExportError, KeyLog, SrtpKeys, SrtpMaster};
pub use record::SEALED_OVERHEAD;
pub use stats::Stats;
pub use transport::{DtlsState, DtlsTransport, Event, Negotiated};

#[cfg(test)]
mod tests;
