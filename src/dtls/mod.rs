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
//! Two ends, and a path between them that loses nothing:
//!
//! ```
//! # #[cfg(feature = "rust-crypto")] {
//! use std::sync::Arc;
//!
//! use pollrtc::Instant;
//! use pollrtc::crypto::certificate::{Certificate, CertificateOptions};
//! use pollrtc::crypto::rust_crypto::PROVIDER;
//! use pollrtc::cursor::Writer;
//! use pollrtc::dtls::{DtlsConfig, DtlsTransport, Event, Role};
//! use pollrtc::rng::Rng;
//!
//! let rng = &mut Rng::from_number(1);
//! let options = CertificateOptions { common_name: "me".into(), not_before: 0, not_after: 1 << 31 };
//! let certificate = Arc::new(Certificate::generate(&PROVIDER, rng, &options)?);
//! let config = DtlsConfig::new(&PROVIDER, certificate);
//! let client = DtlsTransport::new(config.clone(), Role::Client, rng);
//! let server = DtlsTransport::new(config, Role::Server, rng);
//!
//! let now = Instant::ZERO;
//! let mut ends = [client, server];
//! let mut connected = 0;
//! while connected < 2 {
//!     let [from, to] = &mut ends;
//!     let mut datagram = Vec::new();
//!     while from.poll_transmit(now, &mut Writer::new(&mut datagram, 1200)) {
//!         while let Some(_data) = to.open(now, &mut &mut datagram[..]) {}
//!         datagram.clear();
//!     }
//!     while let Some(event) = to.poll_event() {
//!         match event {
//!             Event::PeerCertificate(_) => to.accept_peer(), // if its fingerprint is right
//!             Event::Connected { .. } => connected += 1,
//!             _ => {}
//!         }
//!     }
//!     ends.swap(0, 1);
//! }
//!
//! let [one, other] = &mut ends;
//! let mut datagram = Vec::new();
//! one.seal(&mut Writer::new(&mut datagram, 1200), |w| { w.bytes(b"hello"); true });
//! assert_eq!(other.open(now, &mut &mut datagram[..]).as_deref(), Some(&b"hello"[..]));
//! # }
//! # Ok::<(), pollrtc::crypto::CryptoError>(())
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
