//! Are these packets really from the peer, and who else can read them
//! (RFC 3711, RFC 7714)?
//!
//! An [`SrtpContext`] is a filter: RTP and RTCP are opened in place on their way
//! in, and sealed in place on their way out. It knows the four profiles that
//! DTLS agrees on, in both directions, with the counters that
//! keep a packet from being taken twice. It has no time and no events.
//!
//! ```
//! # #[cfg(feature = "rust-crypto")] {
//! use pollrtc::crypto::rust_crypto::PROVIDER;
//! use pollrtc::cursor::Writer;
//! use pollrtc::srtp::{Config, Master, SrtpContext};
//! use pollrtc::wire::dtls::extension::SrtpProfile;
//!
//! // From DTLS: `DtlsTransport::srtp_keys`.
//! let config = Config::new(SrtpProfile::AeadAes128Gcm);
//! let (alice, bob) = (Master::new(&[1; 16], &[2; 12]), Master::new(&[3; 16], &[4; 12]));
//! let mut at_alice = SrtpContext::new(&PROVIDER, config, alice, bob)?;
//! let mut at_bob = SrtpContext::new(&PROVIDER, config, bob, alice)?;
//!
//! let packet = b"\x80\x60\x00\x01\x00\x00\x00\x02\x00\x00\x00\x03payload";
//! let mut datagram = Vec::new();
//! let mut out = Writer::new(&mut datagram, 1200);
//! let sealed = at_alice.seal_rtp(&mut out, |w| {
//!     w.bytes(packet);
//!     true
//! });
//! assert!(sealed && !datagram.ends_with(b"payload"));
//! assert_eq!(at_bob.open_rtp(&mut datagram).as_deref(), Some(&packet[..]));
//! # }
//! # Ok::<(), pollrtc::crypto::CryptoError>(())
//! ```
//!
//! Not here: MKI, key derivation rates other than zero, and re-keying, which
//! WebRTC does not use; the ciphers of RFC 6188 are used to derive keys only.

mod cipher;
mod config;
mod context;
mod header;
mod inbound;
mod index;
mod kdf;
mod keys;
mod outbound;
mod sources;
mod stats;
#[cfg(all(test, feature = "rust-crypto"))]
mod tests;

pub use config::{Config, ExtensionSet, HeaderProtection, Master, is_supported};
pub use context::SrtpContext;
pub use stats::Stats;
