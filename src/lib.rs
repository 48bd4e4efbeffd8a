//! WebRTC and ORTC as pure state machines.
#![cfg_attr(docsrs, feature(doc_cfg))]
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

// Floor 0: ground.
pub mod crypto;
pub mod cursor;
mod log;
pub mod net;
pub mod rng;
pub mod seq;
pub mod time;
pub mod timer;
pub mod window;

// Floor 1: bytes and meaning.
pub mod wire;

// Floor 2: machines, each alone in the world.
pub mod dtls;
pub mod ice;
pub mod sctp;
pub mod stun;

// Floor 3: who sits on whom.
pub mod channel;
pub mod transport;

// Floor 4: offers and answers.
pub mod jsep;

// The roof.
pub mod peer;
#[cfg(feature = "sim")]
pub mod sim;
