//! How associations begin and end.

use super::world::*;
use crate::sctp::*;

#[test]
fn sctp_001_connects_in_two_round_trips() {
    let mut world = World::new(1);
    world.a.sctp.connect();
    world.run_for(ms(100));
    let connected = Event::Connected {
        outbound_streams: 1024,
        inbound_streams: 1024,
    };
    for end in [&world.a, &world.b] {
        assert_eq!(end.events, [connected]);
        assert_eq!(end.sctp.state(), SctpState::Connected);
    }
    assert_eq!(world.trace.len(), 4);
    for (line, chunk) in world
        .trace
        .iter()
        .zip(["INIT ", "INIT-ACK", "COOKIE-ECHO", "COOKIE-ACK"])
    {
        assert!(line.contains(chunk), "{line}");
    }
}

/// SCTP-002: both sides begin at once, whatever gets lost.
#[test]
fn sctp_002_simultaneous_setup_makes_one_association() {
    for seed in 0..300 {
        let mut world = World::new(seed);
        world.link.jitter = ms(60);
        world.link.loss = if seed < 100 { 0 } else { 200 };
        world.a.sctp.connect();
        world.run_for(ms(seed % 7 * 10));
        world.b.sctp.connect();
        world.send(A, 1, "from a");
        world.send(B, 1, "from b");
        assert!(
            world.run_until(ms(60_000), |w| !w.a.messages.is_empty()
                && !w.b.messages.is_empty()),
            "seed {seed}: {:#?}",
            world.trace
        );
        for end in [&world.a, &world.b] {
            assert_eq!(
                end.events
                    .iter()
                    .filter(|e| matches!(e, Event::Connected { .. }))
                    .count(),
                1
            );
            assert!(!end.events.contains(&Event::Restarted));
        }
    }
}
