//! Agents find each other.

use std::time::Duration;

use crate::support::{A, B, World, addr, ms};
use pollrtc::ice::IceState;
use pollrtc::net::{CandidateKind, Path};

#[test]
fn the_first_pair_that_works_is_used_after_one_round_trip() {
    let mut world = World::pair(1);
    world.run_until(ms(5_000));
    for (index, local, remote) in [(0, A, B), (1, B, A)] {
        assert_eq!(
            world.states(index),
            [IceState::Checking, IceState::Connected, IceState::Completed]
        );
        let selected = world.agents[index].agent.selected_pair().expect("a pair");
        assert_eq!(selected.path, Path::udp(addr(local), addr(remote)));
        assert_eq!(selected.rtt, Some(Duration::from_millis(20)));
        assert_eq!(selected.local.kind, CandidateKind::Host);
        assert_eq!(selected.remote.kind, CandidateKind::Host);
        assert_eq!(world.reached(index, IceState::Connected), Some(ms(20)));
        // The nomination is the second transaction: one Ta after the first.
        assert!(world.reached(index, IceState::Completed) <= Some(ms(70)));
    }
    assert!(world.send_data(0, b"\x80 hello"));
    assert!(world.send_data(1, b"\x80 hi"));
    world.run_until(ms(5_100));
    assert_eq!(world.agents[1].data, [b"\x80 hello"]);
    assert_eq!(world.agents[0].data, [b"\x80 hi"]);
}
