//! Who sits on whom? ICE below DTLS and SRTP: the open and seal chain.
//!
//! [`Transport`] is the W3C's `RTCDtlsTransport` with its `RTCIceTransport`: it
//! takes datagrams of a path, answers what is ICE's and DTLS's own, and hands
//! decrypted payloads up: data, RTP or RTCP. Nothing goes up before the peer's certificate was found
//! to have one of the fingerprints that the signalling named (RFC 8827 §6.5).
//!
//! Two of them, and a wire that loses nothing:
//!
//! ```
//! # #[cfg(feature = "rust-crypto")] {
//! use std::sync::Arc;
//!
//! use pollrtc::crypto::HashId;
//! use pollrtc::crypto::certificate::{Certificate, CertificateOptions};
//! use pollrtc::crypto::rust_crypto::PROVIDER;
//! use pollrtc::cursor::Writer;
//! use pollrtc::dtls::{self, DtlsConfig, DtlsState};
//! use pollrtc::ice::{self, IceConfig};
//! use pollrtc::net::Path;
//! use pollrtc::rng::Rng;
//! use pollrtc::time::Instant;
//! use pollrtc::transport::{Delivery, Transport};
//!
//! let rng = &mut Rng::from_number(1); // on a network: Rng::from_os()
//! let mut end = |role, port| {
//!     let options = CertificateOptions { common_name: "me".into(), not_before: 0, not_after: 1 << 31 };
//!     let certificate = Arc::new(Certificate::generate(&PROVIDER, rng, &options).unwrap());
//!     let dtls = DtlsConfig::new(&PROVIDER, certificate);
//!     let mut transport = Transport::new(IceConfig::new(&PROVIDER), role, dtls, rng).unwrap();
//!     transport.ice_mut().add_local_address(([192, 0, 2, 1], port).into()).unwrap();
//!     transport.ice_mut().gather();
//!     transport
//! };
//! let mut ends = [end(ice::Role::Controlling, 1000), end(ice::Role::Controlled, 2000)];
//!
//! // Signalling: how each is reached, and by which certificate it is known.
//! for (to, role) in [(0, dtls::Role::Client), (1, dtls::Role::Server)] {
//!     let from = &ends[1 - to];
//!     let credentials = from.ice().local_credentials().clone();
//!     let candidate = from.ice().local_candidates().next().unwrap().clone();
//!     let fingerprint = from.certificate().fingerprint(&PROVIDER, HashId::Sha256).unwrap();
//!     ends[to].ice_mut().set_remote_credentials(credentials).unwrap();
//!     ends[to].ice_mut().add_remote_candidate(candidate).unwrap();
//!     ends[to].start_dtls(role, vec![fingerprint]);
//! }
//!
//! // The loop: first until both have keys, and then for one message.
//! let (mut now, mut datagram) = (Instant::ZERO, Vec::new());
//! let mut heard = Vec::new();
//! while heard.is_empty() {
//!     for from in [0, 1] {
//!         let is_ready = ends.iter().all(|end| end.dtls_state() == DtlsState::Connected);
//!         loop {
//!             let mut out = Writer::new(&mut datagram, 1200);
//!             let mut path = ends[from].poll_transmit(now, &mut out);
//!             if path.is_none() && is_ready && heard.is_empty() {
//!                 path = ends[from].seal(&mut out, |out| { out.bytes(b"hello"); true });
//!             }
//!             let Some(path) = path else { break };
//!             let path = Path::udp(path.remote, path.local);
//!             ends[1 - from].handle_input(now, path, &mut datagram, |delivery| {
//!                 if let Delivery::Data(data) = delivery {
//!                     heard.extend_from_slice(data);
//!                 }
//!             });
//!             datagram.clear();
//!         }
//!     }
//!     let next = ends.iter().filter_map(Transport::poll_timeout).min();
//!     now = next.unwrap_or(now).max(now);
//!     ends.iter_mut().for_each(|end| end.handle_timeout(now));
//! }
//! assert_eq!(heard, b"hello");
//! # }
//! ```

mod chain;
mod protection;

pub use chain::{Delivery, Event, Stats, Transport};
