//! One file per peer. To add one: a new file here, and one line in `data_peers`.
pub mod dcsctp;
pub mod dimpl;
pub mod pollrtc;
pub mod rtc;
pub mod sctp_proto;
pub mod srtp;
pub mod str0m;

use crate::net::DataPeer;
use std::time::Instant;

pub type Pair = (Box<dyn DataPeer>, Box<dyn DataPeer>);
/// Makes an offering and an answering peer, signalling done, nothing sent.
pub type MakePair = fn(Instant) -> Pair;

/// How many bytes the application lets a peer buffer before it stops sending
/// (argument `buf_kib`, default 256).
pub fn send_buffer() -> usize {
    use std::sync::OnceLock;
    static N: OnceLock<usize> = OnceLock::new();
    *N.get_or_init(|| (crate::report::arg_u64("buf_kib", 256) as usize) << 10)
}

/// Every peer with a data channel. `full` stacks first, then SCTP only.
pub fn data_peers() -> Vec<(&'static str, MakePair)> {
    vec![
        ("pollrtc/rust-crypto/dtls12", pollrtc::pair),
        ("str0m/aws-lc-rs/dtls12", str0m::pair_dtls12),
        ("str0m/aws-lc-rs/dtls13", str0m::pair_dtls13),
        ("str0m/aws-lc-rs/dtls13+snap", str0m::pair_snap),
        ("rtc/ring", rtc::pair_ring),
        ("rtc/aws-lc-rs", rtc::pair_aws),
        ("sctp-proto(sctp only)", sctp_proto::pair),
        ("dcsctp(sctp only)", dcsctp::pair),
    ]
}
