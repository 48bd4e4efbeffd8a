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
