//! What do these bytes mean, and which bytes mean this? Formats without state.

pub mod checksum;
pub mod dcep;
pub mod demux;
pub mod dtls;
pub mod framing;
pub mod list;
pub mod mdns;
pub mod rtcp;
pub mod rtp;
pub mod sctp;
pub mod sdp;
pub mod stun;
pub mod turn;
