//! Who chooses which pair, and what if the other end does not hear of it (RFC 8445 §8).

use std::time::Duration;

use pollrtc::ice::{IceState, Role};
use pollrtc::time::Instant;
use pollrtc::wire::stun::{Attribute, Class};

use crate::support::{
    A, B, PRIORITY, Peer, Script, World, addr, class_of, host, is_stun, ms, says, solo,
};

const OTHER: &str = "10.0.0.3:3000";

fn nominates(bytes: &[u8]) -> bool {
    says(bytes, Attribute::UseCandidate)
}

/// A controlling agent whose peer answers at [`B`] and [`OTHER`] what `is_heard`
/// says. Gives all that was sent until `end`.
fn run(
    end: u64,
    mut is_heard: impl FnMut(Instant, &str, &[u8]) -> bool,
) -> (Peer, Vec<(u64, String, bool)>) {
    let mut peer = solo(Role::Controlling);
    let script = Script::new(B);
    script.signal(&mut peer.agent);
    let worse = host(addr(OTHER), 1_000);
    peer.agent.add_remote_candidate(worse).expect("room");
    let mut sent = Vec::new();
    let mut now = ms(0);
    while now < ms(end) {
        for (path, bytes) in peer.drain(now) {
            let remote = path.remote.to_string();
            let is_asked = class_of(&bytes) == Class::Request;
            if is_asked && is_heard(now, &remote, &bytes) {
                peer.give(now, path.remote, &script.answer(&bytes, addr(A)));
            }
            sent.push((now.as_millis(), remote, nominates(&bytes)));
        }
        now = peer.agent.poll_timeout().expect("something to wait for");
        peer.agent.handle_timeout(now);
    }
    (peer, sent)
}

/// libwebrtc does not answer some checks after it has settled on a pair.
#[test]
fn a_nomination_without_an_answer_is_repeated_at_most_two_seconds_apart() {
    let heard = |_: Instant, remote: &str, bytes: &[u8]| remote == B && !nominates(bytes);
    let (peer, sent) = run(60_000, heard);
    assert_eq!(peer.agent.state(), IceState::Connected, "it has consent");
    assert_eq!(peer.agent.selected_pair(), None);
    let times: Vec<u64> = sent
        .iter()
        .filter(|(.., is)| *is)
        .map(|(at, ..)| *at)
        .collect();
    assert!(times.len() > 30);
    for two in times.windows(2) {
        assert!(two[1] - two[0] <= 2_000, "{two:?}");
    }
}

#[test]
fn a_nomination_without_an_answer_gives_way_to_another_pair() {
    // The better pair works until it is nominated, and never again.
    let mut is_dead = false;
    let heard = |_: Instant, remote: &str, bytes: &[u8]| {
        is_dead |= nominates(bytes);
        remote == OTHER || !is_dead
    };
    let (peer, sent) = run(10_000, heard);
    let tried: Vec<_> = sent.iter().filter(|(.., is)| *is).collect();
    assert_eq!(tried[0].1, B);
    let (at, ..) = tried
        .iter()
        .find(|(_, remote, _)| remote == OTHER)
        .expect("another was nominated");
    assert!(*at < 3_000, "{tried:?}");
    let used = peer.agent.selected_pair().expect("the other pair");
    assert_eq!(used.path.remote, addr(OTHER));
    assert!(peer.agent.state().is_connected());
}

/// The roles change at any moment, at one end or by a conflict.
#[test]
fn roles_that_change_leave_both_ends_with_the_same_selected_pair() {
    for seed in 0..40 {
        for at in [0, 5, 15, 25, 45, 55, 65, 75, 200, 3_000] {
            for who in 0..2 {
                let mut world = World::pair(seed);
                world.jitter = Duration::from_millis(seed % 3 * 20);
                world.run_until(ms(at));
                let role = world.agent(who).role();
                world.agent(who).set_role(role.opposite());
                if seed % 2 == 0 {
                    world.agent(1 - who).set_role(role);
                }
                world.run_until(ms(at + 12_000));
                let context = format!("seed {seed} at {at} by {who}");
                let roles = [0, 1].map(|index| world.agent(index).role());
                assert_ne!(roles[0], roles[1], "{context}");
                let paths = [0, 1].map(|index| {
                    let pair = world.agent(index).selected_pair();
                    pair.expect(&context).path
                });
                assert_eq!(paths[0].local, paths[1].remote, "{context}");
                for index in 0..2 {
                    assert_eq!(world.state(index), IceState::Completed, "{context}");
                    let states = world.states(index);
                    assert!(!states.contains(&IceState::Disconnected), "{context}");
                }
            }
        }
    }
}

/// The peer's answer to a nomination is lost for good, and then it takes control.
#[test]
fn who_takes_control_repeats_a_nomination_that_it_only_heard() {
    let mut peer = solo(Role::Controlled);
    let script = Script::new(B);
    script.signal(&mut peer.agent);
    let says = [
        PRIORITY,
        Attribute::IceControlling(1),
        Attribute::UseCandidate,
    ];
    let check = script.request(&peer.agent, 1, &says);
    peer.give(ms(0), script.address, &check);
    let answer = |peer: &mut Peer, now| -> usize {
        let sent = peer.drain(now);
        for (path, bytes) in &sent {
            if class_of(bytes) == Class::Request {
                peer.give(now, path.remote, &script.answer(bytes, addr(A)));
            }
        }
        sent.iter().filter(|(_, bytes)| nominates(bytes)).count()
    };
    assert_eq!(answer(&mut peer, ms(0)), 0);
    assert!(peer.agent.selected_pair().is_some());
    peer.agent.set_role(Role::Controlling);
    assert!(peer.agent.selected_pair().is_some(), "it stays selected");
    assert_eq!(answer(&mut peer, ms(100)), 1);
    assert!(peer.agent.selected_pair().is_some());
    assert_eq!(answer(&mut peer, ms(200)), 0, "once is enough");
}

/// A role conflict that only consent checks reveal.
#[test]
fn a_role_conflict_in_consent_is_resolved() {
    let mut peer = solo(Role::Controlling);
    let script = Script::new(B);
    script.signal(&mut peer.agent);
    let mut now = ms(0);
    while now < ms(60_000) {
        for (path, bytes) in peer.drain(now) {
            assert!(is_stun(&bytes));
            let is_wrong = now > ms(3_000) && peer.agent.role() == Role::Controlling;
            let answer = if is_wrong {
                script.refuse(&bytes, 487)
            } else {
                script.answer(&bytes, addr(A))
            };
            peer.give(now, path.remote, &answer);
        }
        now = peer.agent.poll_timeout().expect("consent is asked");
        peer.agent.handle_timeout(now);
    }
    assert_eq!(peer.agent.role(), Role::Controlled);
    assert!(peer.agent.state().is_connected());
}
