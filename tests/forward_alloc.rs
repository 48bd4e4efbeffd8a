//! How much does forwarding a packet allocate, once everything is warm?
#![cfg(feature = "rust-crypto")]
#![allow(
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    reason = "a test has std, and neither alloc nor core unless it asks"
)]

#[path = "support/fan/mod.rs"]
mod fan;

use std::alloc::System;

use fan::Fan;
use fan::connections::Connections;
use fan::parts::Parts;
use pollrtc::crypto::rust_crypto::PROVIDER;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static GLOBAL: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const SUBSCRIBERS: u16 = 5;
const PACKETS: usize = 500;

/// Forwards packets, after all memory is there; for how many of them anything was
/// allocated.
fn allocating(mut fan: impl Fan) -> usize {
    let mut sent = [Vec::with_capacity(2048)];
    let mut allocating = 0;
    for number in 0..fan::WARM_UP + PACKETS {
        fan.tend();
        fan.publish(&mut sent[0]);
        let region = Region::new(GLOBAL);
        let datagrams = fan.forward(&mut sent);
        let change = region.change();
        assert!(
            datagrams >= SUBSCRIBERS.into(),
            "{datagrams} for packet {number}"
        );
        let is_warm = number >= fan::WARM_UP;
        allocating += usize::from(is_warm && change.allocations + change.reallocations > 0);
    }
    allocating
}

/// One test, since the allocator counts for the whole process.
#[test]
fn a_forwarded_packet_allocates_nothing() {
    let parts = allocating(Parts::new(&PROVIDER, SUBSCRIBERS));
    let connections = allocating(Connections::new(&PROVIDER, SUBSCRIBERS));
    println!("of {PACKETS} packets: by hand {parts}, over connections {connections} allocate");
    // One of fifty needs a new block of memory for those that follow it.
    let blocks = PACKETS / 50;
    assert!(parts <= blocks, "{parts}");
    // The publisher is told ten times a second what came, and there are reports.
    let seconds = PACKETS * 4 / 1000;
    assert!(connections <= blocks + seconds * 12, "{connections}");
}
