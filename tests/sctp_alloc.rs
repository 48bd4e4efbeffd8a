//! How much does a message allocate, once everything is warm?

use std::alloc::System;

use bytes::Bytes;
use pollrtc::cursor::Writer;
use pollrtc::rng::Rng;
use pollrtc::sctp::{Ppid, SctpAssociation, SctpConfig, SendError, SendOptions, StreamId};
use pollrtc::time::Instant;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static GLOBAL: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

fn deliver(from: &mut SctpAssociation, to: &mut SctpAssociation, packet: &mut Vec<u8>) -> bool {
    packet.clear();
    let sent = from.poll_transmit(Instant::ZERO, &mut Writer::new(packet, 1163));
    if sent {
        to.handle_input(Instant::ZERO, packet);
    }
    sent
}

/// Sends `count` messages and takes them.
fn transfer(a: &mut SctpAssociation, b: &mut SctpAssociation, message: &Bytes, count: usize) {
    let mut packet = Vec::with_capacity(2048);
    let (mut sent, mut received) = (0, 0);
    while received < count {
        while sent < count {
            let options = SendOptions::default();
            let data = message.clone();
            match a.send(Instant::ZERO, StreamId(1), Ppid(53), options, data) {
                Ok(()) => sent += 1,
                Err(SendError::Full) => break,
                Err(error) => panic!("{error}"),
            }
        }
        deliver(a, b, &mut packet);
        deliver(b, a, &mut packet);
        while let Some(got) = b.take_message() {
            assert_eq!(got.data.len(), message.len());
            received += 1;
        }
        while a.poll_event().is_some() {}
    }
}

/// One test, since the allocator counts for the whole process.
#[test]
fn a_message_of_16_kib_allocates_less_than_twice() {
    let mut rng = Rng::from_number(1);
    let mut a = SctpAssociation::new(SctpConfig::default(), &mut rng);
    let mut b = SctpAssociation::new(SctpConfig::default(), &mut rng);
    let mut packet = Vec::new();
    a.connect();
    while deliver(&mut a, &mut b, &mut packet) | deliver(&mut b, &mut a, &mut packet) {}
    for (size, count, most) in [
        (16 << 10, 1000_u32, 0.5),
        (100, 20_000, 0.01),
        (64 << 10, 300, 2.0),
    ] {
        let message = Bytes::from(vec![7; size]);
        let times = usize::try_from(count).unwrap();
        transfer(&mut a, &mut b, &message, times);
        let region = Region::new(GLOBAL);
        transfer(&mut a, &mut b, &message, times);
        let change = region.change();
        let allocations = change.allocations + change.reallocations;
        let each = f64::from(u32::try_from(allocations).unwrap()) / f64::from(count);
        let bytes = change.bytes_allocated / times;
        println!("{size} bytes: {each} allocations, {bytes} bytes allocated per message");
        assert!(each <= most, "{size} bytes: {each} allocations per message");
    }
}
