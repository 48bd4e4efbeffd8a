//! What webrtc-stats asks of an ICE transport.

use std::time::Duration;

use pollrtc::ice::{PairStats, Role};
use pollrtc::net::CandidateKind;
use pollrtc::wire::stun::{Attribute, Class};

use crate::support::{A, B, PRIORITY, Script, World, addr, class_of, ms, solo};

fn stats(world: &World, index: usize) -> PairStats {
    let path = world.agents[index].agent.current_path().expect("a path");
    let agent = &world.agents[index].agent;
    let mut pairs = agent.pairs();
    pairs
        .find(|pair| pair.path == path)
        .expect("its pair")
        .stats
}

#[test]
fn checks_and_consent_are_counted_for_each_pair() {
    let mut world = World::pair(1);
    world.run_until(ms(100_000));
    let [ours, theirs] = [0, 1].map(|index| stats(&world, index));
    for (one, other) in [(ours, theirs), (theirs, ours)] {
        assert!((16..=25).contains(&one.consent_requests_sent));
        let asked = one.requests_sent + one.consent_requests_sent;
        assert_eq!(asked, one.responses_received);
        assert_eq!(asked, other.requests_received);
        assert_eq!(one.responses_sent, one.requests_received);
        // Every answer took 20 ms.
        assert_eq!(one.current_round_trip, Some(Duration::from_millis(20)));
        let answers = u32::try_from(one.responses_received).expect("few");
        assert_eq!(one.total_round_trip, Duration::from_millis(20) * answers);
        assert_eq!((one.packets_sent, one.last_packet_sent), (0, None));
    }
}

#[test]
fn data_is_counted_without_its_headers_and_with_its_moments() {
    let mut world = World::pair(1);
    world.run_until(ms(1_000));
    assert!(world.send_data(0, &[0x80; 100]));
    world.run_until(ms(2_000));
    assert!(world.send_data(0, &[0x80; 50]));
    world.run_until(ms(3_000));
    let sent = stats(&world, 0);
    assert_eq!((sent.packets_sent, sent.bytes_sent), (2, 150));
    assert!(sent.last_packet_sent <= Some(ms(2_000)));
    let received = stats(&world, 1);
    assert_eq!(
        (received.packets_received, received.bytes_received),
        (2, 150)
    );
    assert_eq!(received.last_packet_received, Some(ms(2_010)));
    let path = world.agent(0).current_path().expect("a path");
    world.agent(0).discarded(path, 1_200);
    let sent = stats(&world, 0);
    assert_eq!((sent.packets_discarded, sent.bytes_discarded), (1, 1_200));
}

#[test]
fn repeated_requests_count_once_when_sent_and_each_time_when_received() {
    let mut peer = solo(Role::Controlling);
    let script = Script::new(B);
    script.signal(&mut peer.agent);
    let mut now = ms(0);
    while now < ms(3_000) {
        peer.drain(now);
        now = peer.agent.poll_timeout().expect("repetitions");
        peer.agent.handle_timeout(now);
    }
    let check = script.request(&peer.agent, 1, &[PRIORITY, Attribute::IceControlled(1)]);
    for _ in 0..3 {
        peer.give(now, script.address, &check);
        let answers = peer.drain(now);
        assert!(
            answers
                .iter()
                .any(|(_, bytes)| class_of(bytes) == Class::Success)
        );
    }
    let pair = peer.agent.pairs().next().expect("a pair");
    assert_eq!(pair.stats.requests_received, 3);
    assert_eq!(pair.stats.responses_sent, 3);
    assert!(pair.stats.requests_sent <= 2, "{:?}", pair.stats);
    assert!(peer.agent.stats().requests_repeated >= 2);
    assert_eq!(pair.stats.current_round_trip, None);
}

/// W3C: from none to one, and back, are changes as well.
#[test]
fn changes_of_the_selected_pair_are_counted() {
    let mut world = World::pair(1);
    world.run_until(ms(2_000));
    assert_eq!(world.agent(0).stats().selected_changes, 1);
    world.leave(0, A);
    assert_eq!(world.agent(0).stats().selected_changes, 2);
    world.join(0, "10.0.0.8:8");
    world.run_until(ms(6_000));
    assert_eq!(world.agent(0).stats().selected_changes, 3);
    let report = world.agents[0].agent.pairs().next().expect("a pair");
    assert_eq!(report.local.address.ip(), Some(addr("10.0.0.8:8")));
    assert_eq!(report.remote.kind, CandidateKind::Host);
    assert!(report.nominated);
}
