//! Messages through good and bad links.

use alloc::vec;
use alloc::vec::Vec;

use super::world::*;
use crate::sctp::*;

#[test]
fn a_message_of_many_pieces_arrives() {
    let mut world = World::connected(1);
    let data: Vec<u8> = (0..200_000_u32).map(|i| i.to_le_bytes()[0]).collect();
    world.send(A, 3, data.clone());
    world.run_for(ms(2000));
    assert_eq!(world.b.messages.len(), 1);
    assert_eq!(world.b.messages[0].data, data);
    assert_eq!(world.b.messages[0].stream, StreamId(3));
    assert_eq!(world.a.sctp.buffered_amount(StreamId(3)), 0);
}

/// S-1: what is sent in order arrives in order, whatever the link does.
#[test]
fn ordered_messages_survive_loss_and_reordering() {
    for seed in 0..40 {
        let mut world = World::new(seed);
        world.tracing = false;
        world.a.sctp.connect();
        world.link.loss = 100;
        world.link.duplicate = 50;
        world.link.jitter = ms(100);
        let len = |i: u8| usize::from(i) * 677 % 5000 + 1;
        for i in 0..100_u8 {
            world.send(A, u16::from(i % 3), vec![i; len(i)]);
        }
        assert!(
            world.run_until(ms(200_000), |w| w.b.messages.len() == 100),
            "seed {seed}: {} of 100 {:?}",
            world.b.messages.len(),
            world.a.sctp.stats()
        );
        for stream in 0..3 {
            let got: Vec<u8> = world
                .b
                .messages
                .iter()
                .filter(|m| m.stream.0 == stream)
                .map(|m| m.data[0])
                .collect();
            let sent: Vec<u8> = (0..100_u8).filter(|i| u16::from(i % 3) == stream).collect();
            assert_eq!(got, sent);
        }
        for m in &world.b.messages {
            assert_eq!(m.data.len(), len(m.data[0]));
            assert!(m.data.iter().all(|b| *b == m.data[0]));
        }
    }
}

/// S-2: unordered messages all arrive, each once.
#[test]
fn unordered_messages_survive_loss_and_reordering() {
    for seed in 0..40 {
        let mut world = World::new(seed);
        world.tracing = false;
        world.a.sctp.connect();
        world.link.loss = 100;
        world.link.duplicate = 50;
        world.link.jitter = ms(100);
        let options = SendOptions {
            ordered: false,
            ..SendOptions::default()
        };
        for i in 0..100_u8 {
            world.send_with(A, 1, options, vec![i; usize::from(i) * 50 + 1]);
        }
        assert!(
            world.run_until(ms(200_000), |w| w.b.messages.len() == 100),
            "seed {seed}"
        );
        let mut got: Vec<u8> = world.b.messages.iter().map(|m| m.data[0]).collect();
        got.sort_unstable();
        assert!(got.into_iter().eq(0..100));
        assert!(world.b.messages.iter().all(|m| !m.ordered));
    }
}

/// S-9: with one packet in twenty getting through, everything arrives in the end.
#[test]
fn a_terrible_link_is_only_slow() {
    for seed in 0..3 {
        let mut world = World::connected(seed);
        world.tracing = false;
        world.a.sctp.ctx.config.max_retransmits = 1000;
        world.link.loss = 700;
        for i in 0..20_u8 {
            world.send(A, 1, vec![i; 2000]);
        }
        assert!(
            world.run_until(ms(20_000_000), |w| w.b.messages.len() == 20),
            "seed {seed}: {:?}",
            world.a.sctp.stats()
        );
    }
}

/// SCTP-027: below the MTU one chunk, above it B to E with consecutive TSNs.
#[test]
fn sctp_027_messages_are_cut_to_fit() {
    let mut world = World::connected(1);
    world.send(A, 1, vec![0; 1172]);
    world.run_for(ms(100));
    assert!(world.lines("DATA")[0].ends_with("len=1172 [B E]"));
    world.trace.clear();
    world.send(A, 1, vec![0; 1173]);
    world.run_for(ms(100));
    let lines = world.lines("DATA");
    assert!(lines[0].ends_with("len=1172 [B]"), "{lines:?}");
    assert!(lines[1].ends_with("len=1 [E]"), "{lines:?}");
}

/// Small messages share packets.
#[test]
fn small_messages_are_bundled() {
    let mut world = World::connected(1);
    for _ in 0..100 {
        world.send(A, 1, vec![0; 100]);
    }
    world.run_for(ms(1000));
    assert_eq!(world.b.messages.len(), 100);
    assert!(
        world.lines("DATA").len() <= 11,
        "{}",
        world.lines("DATA").len()
    );
}

/// SCTP-082: streams take turns, message by message.
#[test]
fn sctp_082_streams_take_turns() {
    let mut world = World::connected(1);
    for _ in 0..10 {
        world.send(A, 1, vec![1; 20_000]);
    }
    world.send(A, 2, vec![2; 100]);
    world.send(A, 3, vec![3; 100]);
    world.run_for(ms(2000));
    let order: Vec<u8> = world.b.messages.iter().map(|m| m.data[0]).collect();
    assert_eq!(order[..4], [1, 2, 3, 1]);
}

/// ATK-059: TSNs and message numbers wrap.
#[test]
fn numbers_wrap() {
    let config = SctpConfig {
        send_buffer: 32 << 20,
        ..SctpConfig::default()
    };
    let mut world = World::with(1, config, SctpConfig::default());
    let near = crate::seq::Serial32(u32::MAX - 3);
    world.a.sctp.ctx.local.initial_tsn = near;
    world.b.sctp.ctx.local.initial_tsn = near;
    world.connect();
    world.link.loss = 50;
    world.tracing = false;
    let mut sent = 0_u32;
    while sent < 70_000 {
        for _ in 0..500 {
            world.send(A, 1, sent.to_be_bytes().to_vec());
            sent += 1;
        }
        world.run_for(ms(20));
    }
    assert!(world.run_until(ms(400_000), |w| w.b.messages.len() == 70_000));
    let numbers = world
        .b
        .messages
        .iter()
        .map(|m| u32::from_be_bytes(m.data[..].try_into().unwrap()));
    assert!(numbers.eq(0..70_000));
}

/// What is counted adds up.
#[test]
fn stats_add_up() {
    let mut world = World::connected(1);
    for _ in 0..50 {
        world.send(A, 1, vec![0; 2000]);
    }
    world.run_for(ms(3000));
    let (a, b) = (world.a.sctp.stats(), world.b.sctp.stats());
    assert_eq!((a.data.messages_sent, b.data.messages_received), (50, 50));
    assert_eq!(
        (a.data.bytes_sent, b.data.bytes_received),
        (100_000, 100_000)
    );
    assert_eq!(a.data.chunks_sent, b.data.chunks_received);
    assert_eq!(
        (a.packets_sent, b.packets_sent),
        (b.packets_received, a.packets_received)
    );
    assert_eq!((a.data.retransmissions, a.data.timeouts), (0, 0));
    assert_eq!(a.path.round_trip, Some(ms(20)));
    assert_eq!(b.path.receive_window, 1 << 20);
}

/// A thousand links, each bad in its own way; each run twice is the same run.
#[test]
fn a_thousand_seeds() {
    let run = |seed: u64| {
        let mut world = World::new(seed);
        world.tracing = false;
        world.link = Link {
            delay: ms(seed % 50),
            jitter: ms(seed % 200),
            loss: 100,
            duplicate: seed % 100,
            ..Link::default()
        };
        world.a.sctp.connect();
        if seed.is_multiple_of(3) {
            world.b.sctp.connect();
        }
        for i in 0..10_u8 {
            world.send(A, u16::from(i % 2), vec![i; usize::from(i) * 500 + 1]);
            world.send(B, u16::from(i % 2), vec![i; usize::from(i) * 300 + 1]);
        }
        let done = |w: &World| w.a.messages.len() == 10 && w.b.messages.len() == 10;
        assert!(
            world.run_until(ms(300_000), done),
            "seed {seed}: {:?}",
            world.a.sctp.stats()
        );
        (world.hash, world.now)
    };
    for seed in 0..1000 {
        let once = run(seed);
        if seed % 10 == 0 {
            assert_eq!(once, run(seed), "seed {seed}");
        }
    }
}
