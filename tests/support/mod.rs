//! What several tests share.
#![allow(
    dead_code,
    unreachable_pub,
    reason = "every test has its own copy, and uses a part of it"
)]

pub mod counters;
pub mod dtls;
pub mod ice;
pub mod laws;
pub mod mdns;
pub mod media;
pub mod peers;
pub mod stream;
pub mod toy;
pub mod turn;
