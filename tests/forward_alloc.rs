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

/// Forwards packets, after all memory is there; how often that allocated.
fn allocations(mut fan: impl Fan) -> usize {
    let mut sent = Vec::with_capacity(2048);
    let mut allocations = 0;
    for number in 0..fan::WARM_UP + PACKETS {
        fan.tend();
        fan.publish(&mut sent);
        let region = Region::new(GLOBAL);
        let datagrams = fan.forward(&mut sent);
        let change = region.change();
        assert!(
            datagrams >= SUBSCRIBERS.into(),
            "{datagrams} for packet {number}"
        );
        if number >= fan::WARM_UP {
            allocations += change.allocations + change.reallocations;
        }
    }
    allocations
}

/// One test, since the allocator counts for the whole process.
#[test]
fn a_forwarded_packet_allocates_nothing() {
    let parts = allocations(Parts::new(&PROVIDER, SUBSCRIBERS));
    let connections = allocations(Connections::new(&PROVIDER, SUBSCRIBERS));
    println!("{PACKETS} packets: by hand {parts}, over connections {connections} allocations");
    // A block of memory for the payloads of fifty packets, and RTCP.
    assert!(parts <= PACKETS / 20, "{parts}");
    assert!(connections <= PACKETS / 10, "{connections}");
}
