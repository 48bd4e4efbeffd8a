//! Addresses come and go under a running connection.

use std::time::Duration;

use pollrtc::ice::{Event, IceState, Role};
use pollrtc::net::{CandidateKind, Path};
use pollrtc::time::Instant;
use pollrtc::wire::stun::{Attribute, Class};

use crate::support::{
    A, B, PRIORITY, Peer, Script, World, addr, class_of, config, host, ms, says, solo,
};

const NEW: &str = "10.7.0.1:7000";
const SPARE: &str = "10.8.0.1:8000";
const ROLES: [Role; 2] = [Role::Controlling, Role::Controlled];

/// Two agents, of which the one at `mover` has a second address.
fn with_spare(seed: u64, mover: usize) -> World {
    let many = [&[A, SPARE][..], &[B, SPARE][..]];
    let mut addresses = [&[A][..], &[B][..]];
    addresses[mover] = many[mover];
    let mut world = World::with(seed, config(), addresses, ROLES);
    world.introduce();
    world
}

/// Both use one path, with an end at `local`, and hear each other on it.
fn assert_together(world: &mut World, local: &str, context: &str) {
    let paths = [0, 1].map(|index| world.agent(index).current_path().expect(context));
    let is_there = |path: &Path| path.local == addr(local);
    assert!(paths.iter().any(is_there), "{context}: {paths:?}");
    assert_eq!(paths[0].local, paths[1].remote, "{context}");
    assert_eq!(paths[0].remote, paths[1].local, "{context}");
    for index in 0..2 {
        world.agents[1 - index].data.clear();
        assert!(world.send_data(index, b"\x80hi"), "{context}");
    }
    let end = world.now + Duration::from_secs(1);
    world.run_until(end);
    for peer in &world.agents {
        assert_eq!(peer.data, [b"\x80hi"], "{context}");
    }
}

#[test]
fn an_address_that_goes_gives_way_to_another_that_is_there() {
    for mover in 0..2 {
        let mut world = with_spare(1, mover);
        world.run_until(ms(5_000));
        let old = world.agent(mover).current_path().expect("a path").local;
        let other = if old == addr(SPARE) {
            [A, B][mover]
        } else {
            SPARE
        };
        world.leave(mover, &old.to_string());
        assert_ne!(world.state(mover), IceState::Failed);
        world.run_until(ms(8_000));
        assert_together(&mut world, other, &format!("mover {mover}"));
        for index in 0..2 {
            assert_eq!(world.state(index), IceState::Completed, "{mover} {index}");
            assert!(!world.states(index).contains(&IceState::Failed));
        }
        // The one that stays sees no trouble at all.
        assert!(!world.states(1 - mover).contains(&IceState::Disconnected));
    }
}

#[test]
fn an_address_that_goes_and_another_that_comes_later_need_no_signalling() {
    for mover in 0..2 {
        for pause in [0, 2_000, 8_000, 20_000] {
            let context = format!("mover {mover} pause {pause}");
            let mut world = World::pair(3);
            world.run_until(ms(5_000));
            world.leave(mover, [A, B][mover]);
            assert_eq!(world.state(mover), IceState::Disconnected);
            world.run_until(ms(5_000 + pause));
            world.join(mover, NEW);
            world.run_until(ms(9_000 + pause));
            assert_together(&mut world, NEW, &context);
            assert!(
                !world.states(mover).contains(&IceState::Failed),
                "{context}"
            );
            let selected = world.agent(1 - mover).selected_pair().expect("a pair");
            assert_eq!(selected.remote.kind, CandidateKind::PeerReflexive);
            // The new candidate is told to the application, and may be signalled.
            let last = world.candidates(mover).pop().expect("a candidate");
            assert_eq!(last.address.ip(), Some(addr(NEW)));
            let added = world.agent(1 - mover).add_remote_candidate(last);
            assert_eq!(added, Ok(()));
            assert_together(&mut world, NEW, &context);
        }
    }
}

/// The new network is there before the old one goes.
#[test]
fn a_spare_that_was_added_while_running_takes_over_at_once() {
    for mover in 0..2 {
        let mut world = World::pair(4);
        world.run_until(ms(5_000));
        world.join(mover, NEW);
        world.run_until(ms(6_000));
        let old = world.agent(mover).current_path().expect("a path").local;
        assert_eq!(old, addr([A, B][mover]), "§8.1.1: no second choice");
        assert_eq!(world.agent(mover).pairs().count(), 2);
        world.leave(mover, [A, B][mover]);
        assert!(world.send_data(mover, b"\x80at once"), "the spare works");
        world.run_until(ms(6_100));
        assert_eq!(world.agents[1 - mover].data, [b"\x80at once"]);
        assert!(!world.states(mover).contains(&IceState::Disconnected));
        world.run_until(ms(9_000));
        assert_together(&mut world, NEW, &format!("mover {mover}"));
    }
}

#[test]
fn roaming_on_a_bad_network_recovers_for_any_seed() {
    for seed in 0..500 {
        let mut world = World::pair(seed);
        world.loss = 200;
        world.duplicates = 50;
        world.jitter = Duration::from_millis(100);
        let mover = usize::from(seed % 2 == 0);
        let mut address = [A, B][mover].to_owned();
        for round in 1..4_u64 {
            world.run_until(ms(round * 12_000));
            let next = format!("10.7.0.{round}:7000");
            world.leave(mover, &address);
            let pause = world.now + Duration::from_millis(seed * 37 % 3_000);
            world.run_until(pause);
            world.join(mover, &next);
            address = next;
        }
        world.run_until(ms(60_000));
        world.loss = 0;
        world.duplicates = 0;
        world.run_until(ms(70_000));
        assert_together(&mut world, &address, &format!("seed {seed}"));
        for index in 0..2 {
            let states = world.states(index);
            assert!(!states.contains(&IceState::Failed), "seed {seed}");
        }
    }
}

/// A peer behind a NAT that forgets: it comes from another port, and knows nothing of it.
#[test]
fn a_nat_that_rebinds_is_followed() {
    for inside in 0..2 {
        let inner = addr([A, B][inside]);
        let mut world = World::pair(5);
        world.mangle = Some(Box::new(move |now, mut flight| {
            let port = if now < ms(10_000) { 4_000 } else { 5_000 };
            let outer = ([203, 0, 113, 5], port).into();
            if flight.from == inner {
                flight.from = outer;
            } else if flight.to == outer {
                flight.to = inner;
            } else {
                return None;
            }
            Some(flight)
        }));
        world.run_until(ms(9_000));
        assert!(world.both_connected());
        world.run_until(ms(30_000));
        for index in 0..2 {
            world.agents[1 - index].data.clear();
            assert!(world.send_data(index, b"\x80hi"));
        }
        world.run_until(ms(31_000));
        for index in 0..2 {
            assert_eq!(world.agents[index].data, [b"\x80hi"], "inside {inside}");
            assert!(!world.states(index).contains(&IceState::Failed));
        }
    }
}

#[test]
fn with_renomination_a_better_address_takes_over() {
    let better = addr("10.0.0.9:9000");
    for agreed in [false, true] {
        let mut world = World::strangers(1);
        for index in 0..2 {
            world.agent(index).set_renomination(agreed);
        }
        world.introduce();
        world.run_until(ms(2_000));
        assert_eq!(world.state(0), IceState::Completed);
        world.join(1, "10.0.0.9:9000");
        let added = world
            .agent(0)
            .add_remote_candidate(host(better, 2_130_706_431));
        assert_eq!(added, Ok(()));
        world.run_until(ms(6_000));
        let paths = [0, 1].map(|index| world.agent(index).current_path().expect("a path"));
        assert_eq!(paths[0].remote == better, agreed);
        assert_eq!(paths[0].remote, paths[1].local);
        let events = world.agents[1].events.iter();
        let moves = events.filter(|(_, event)| matches!(event, Event::Selected(_)));
        assert_eq!(moves.count(), 1 + usize::from(agreed));
        let sent = world.requests(A);
        let said = |number| {
            let number = Attribute::Nomination(number);
            sent.iter().any(|(_, flight)| says(&flight.bytes, number))
        };
        assert_eq!([said(1), said(2)], [agreed, agreed]);
    }
}

/// Answers what the agent asks at `now`, on paths to `only` if that is said.
fn answer(peer: &mut Peer, script: &Script, now: Instant, only: Option<&str>) {
    for (path, bytes) in peer.drain(now) {
        let is_heard = only.is_none_or(|only| path.remote == addr(only));
        if class_of(&bytes) == Class::Request && is_heard {
            peer.give(now, path.remote, &script.answer(&bytes, addr(A)));
        }
    }
}

/// A conforming peer in control that knows nothing of renomination: it says
/// USE-CANDIDATE on a pair that is worse than the one before, which is dead.
#[test]
fn a_second_plain_nomination_counts_when_the_first_pair_is_dead() {
    for is_dead in [false, true] {
        let mut peer = solo(Role::Controlled);
        let script = Script::new(B);
        script.signal(&mut peer.agent);
        let claim = Attribute::IceControlling(1);
        let nominates = [PRIORITY, claim, Attribute::UseCandidate];
        let check = script.request(&peer.agent, 1, &nominates);
        peer.give(ms(0), script.address, &check);
        answer(&mut peer, &script, ms(0), None);
        let before = peer.agent.selected_pair().expect("nominated");
        assert_eq!(before.path.remote, script.address);

        let worse = [Attribute::Priority(5), claim, Attribute::UseCandidate];
        let check = script.request(&peer.agent, 2, &worse);
        let mut now = ms(3_000);
        peer.give(now, addr(NEW), &check);
        let only = is_dead.then_some(NEW);
        answer(&mut peer, &script, now, only);
        while let Some(next) = peer.agent.poll_timeout().filter(|next| *next < ms(7_000)) {
            now = next;
            peer.agent.handle_timeout(now);
            answer(&mut peer, &script, now, only);
        }
        let path = peer.agent.current_path().expect("a path");
        let expected = if is_dead { addr(NEW) } else { script.address };
        assert_eq!(path, Path::udp(addr(A), expected));
        peer.collect(now);
        let worry = Event::State(IceState::Disconnected);
        assert!(!peer.events.iter().any(|(_, event)| *event == worry));
    }
}

#[test]
fn without_any_address_an_agent_waits_and_then_fails() {
    let mut world = World::pair(1);
    world.run_until(ms(5_000));
    assert!(!world.agent(0).remove_local_address(addr("10.0.0.9:1")));
    world.leave(0, A);
    assert!(!world.agent(0).remove_local_address(addr(A)));
    assert_eq!(world.agent(0).pairs().count(), 0);
    assert_eq!(world.agent(0).local_candidates().count(), 0);
    assert!(!world.send_data(0, b"\x80lost"));
    world.run_until(ms(44_000));
    assert_eq!(world.state(0), IceState::Disconnected);
    world.run_until(ms(46_000));
    assert_eq!(world.state(0), IceState::Failed);
    assert_eq!(world.agent(0).poll_timeout(), None);
}

/// The indices of pairs and candidates stay those of the same things.
#[test]
fn addresses_that_go_leave_the_others_as_they_are() {
    let addresses: Vec<String> = (1..=6).map(|n| format!("10.0.1.{n}:1000")).collect();
    let locals: Vec<&str> = addresses.iter().map(String::as_str).collect();
    let mut world = World::with(2, config(), [&locals, &[B, "10.0.0.3:3"]], ROLES);
    world.introduce();
    for gone in [2, 0, 4] {
        let end = world.now + Duration::from_millis(700);
        world.run_until(end);
        world.leave(0, locals[gone]);
        for pair in world.agents[0].agent.pairs() {
            assert_eq!(pair.local.address.ip(), Some(pair.path.local));
            assert_eq!(pair.remote.address.ip(), Some(pair.path.remote));
            assert_ne!(pair.path.local, addr(locals[gone]));
        }
    }
    assert_eq!(world.agent(0).pairs().count(), 6);
    world.run_until(ms(10_000));
    let path = world.agent(0).current_path().expect("a path");
    let local = path.local.to_string();
    assert_together(&mut world, &local, "three are left");
}
