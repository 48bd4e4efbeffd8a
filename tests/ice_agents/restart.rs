//! New credentials under traffic (RFC 8445 §9).

use std::time::Duration;

use pollrtc::ice::{CredentialsError, Event, IceState, Role};
use pollrtc::net::Candidate;
use pollrtc::wire::stun::{Attribute, Class};

use crate::support::{A, B, PRIORITY, Script, World, addr, class_of, config, host, ms};

/// Both ends restart, and are told of each other once more.
fn restart(world: &mut World) {
    begin(world, 0);
    begin(world, 1);
    world.introduce();
}

fn begin(world: &mut World, index: usize) {
    assert_eq!(world.agent(index).restart(), Ok(()));
    world.agent(index).gather();
}

/// Sends a numbered datagram each way, every 10 ms, until `end`.
fn talk(world: &mut World, end: u64, count: &mut u32) {
    while world.now < ms(end) {
        for index in 0..2 {
            let data = [&[0x80][..], &count.to_be_bytes()].concat();
            assert!(world.send_data(index, &data), "{} at {}", index, world.now);
        }
        *count += 1;
        let next = world.now + Duration::from_millis(10);
        world.run_until(next);
    }
}

fn told(world: &World, index: usize) -> Vec<Candidate> {
    let events = world.agents[index].events.iter();
    events
        .filter_map(|(_, event)| match event {
            Event::Candidate(candidate) => Some(candidate.clone()),
            _ => None,
        })
        .collect()
}

#[test]
fn ice_018_a_restart_under_traffic_loses_no_datagram_and_changes_no_state() {
    for (seed, jitter) in [(1, 0), (2, 30), (3, 200)] {
        let mut world = World::pair(seed);
        world.jitter = Duration::from_millis(jitter);
        world.run_until(ms(2_000));
        let before = [0, 1].map(|i| world.agent(i).local_credentials().clone());
        let roles = [0, 1].map(|i| world.agent(i).role());
        let mut count = 0;
        talk(&mut world, 3_000, &mut count);
        restart(&mut world);
        talk(&mut world, 12_000, &mut count);
        world.run_until(ms(13_000));
        for index in 0..2 {
            let last = *world.states(index).last().expect("a state");
            assert_eq!(last, IceState::Completed);
            let since: Vec<_> = world.states(index).split_off(3);
            assert_eq!(since, [IceState::Connected, IceState::Completed]);
            let agent = &world.agents[index].agent;
            assert_ne!(*agent.local_credentials(), before[index]);
            assert_eq!(agent.role(), roles[index], "RFC 8445 §9");
            let mut heard = world.agents[index].data.clone();
            heard.sort_unstable();
            heard.dedup();
            assert_eq!(heard.len(), count as usize, "seed {seed}");
            // Host candidates are told again, with the new name.
            let told = told(&world, index);
            let ufrags = [&before[index].ufrag, &agent.local_credentials().ufrag];
            let said: Vec<_> = told.iter().filter_map(|c| c.ufrag.as_ref()).collect();
            assert_eq!(said, ufrags);
            assert_eq!(agent.pairs().count(), 1, "the old ones are gone");
        }
    }
}

/// The path that worked before is dead; the new generation finds another.
#[test]
fn ice_018_a_restart_finds_a_path_when_the_old_one_is_lost() {
    let other = [&[A, "10.1.0.1:1000"][..], &[B, "10.1.0.2:2000"][..]];
    let roles = [Role::Controlling, Role::Controlled];
    let mut world = World::with(1, config(), [other[0], other[1]], roles);
    world.introduce();
    world.run_until(ms(2_000));
    let old = world.agent(0).current_path().expect("a path");
    world.mangle = Some(Box::new(move |_, flight| {
        let is_dead = |at| at == old.local || at == old.remote;
        (!is_dead(flight.from) && !is_dead(flight.to)).then_some(flight)
    }));
    world.run_until(ms(14_000));
    restart(&mut world);
    world.run_until(ms(18_000));
    for index in 0..2 {
        assert!(world.state(index).is_connected());
        let path = world.agent(index).current_path().expect("a path");
        assert!(![old.local, old.remote].contains(&path.local));
        assert!(!world.states(index).contains(&IceState::Failed));
    }
}

/// The new generation finds nothing, and the old one goes on.
#[test]
fn ice_018_a_restart_that_finds_nothing_leaves_the_old_pair_in_use() {
    let mut world = World::pair(1);
    world.run_until(ms(2_000));
    begin(&mut world, 0);
    begin(&mut world, 1);
    world.exchange_credentials();
    let nowhere = addr("10.9.9.9:9");
    for index in 0..2 {
        let mut candidate = host(nowhere, 5);
        candidate.ufrag = Some(world.agent(1 - index).local_credentials().ufrag.clone());
        let agent = world.agent(index);
        agent.add_remote_candidate(candidate).expect("room");
        agent.end_of_remote_candidates();
    }
    // The peers would find each other by peer-reflexive candidates: not here.
    let news: Vec<_> = (0..2)
        .map(|index| world.agent(index).local_credentials().ufrag.clone())
        .collect();
    world.mangle = Some(Box::new(move |_, flight| {
        let text = String::from_utf8_lossy(&flight.bytes).into_owned();
        (!news.iter().any(|ufrag| text.contains(ufrag))).then_some(flight)
    }));
    world.run_until(ms(120_000));
    for index in 0..2 {
        assert_eq!(world.state(index), IceState::Connected);
        let states = world.states(index);
        assert!(!states.contains(&IceState::Disconnected), "{states:?}");
        assert!(world.send_data(index, b"\x80still here"));
    }
    world.run_until(ms(120_100));
    assert_eq!(world.agents[0].data, [b"\x80still here"]);
    // And another restart is possible.
    world.mangle = None;
    restart(&mut world);
    world.run_until(ms(130_000));
    assert!((0..2).all(|index| world.state(index) == IceState::Completed));
    // Without consent on the old pair there is nothing left.
    world.mangle = Some(Box::new(|_, _| None));
    world.run_until(ms(170_000));
    assert_eq!(world.state(0), IceState::Failed);
    assert_eq!(world.agent(0).poll_timeout(), None);
}

#[test]
fn ice_018_a_second_restart_before_the_first_is_done_takes_its_place() {
    for wait in [0, 5, 15, 30, 45, 70] {
        let mut world = World::pair(7);
        world.run_until(ms(2_000));
        restart(&mut world);
        let mut count = 0;
        talk(&mut world, 2_000 + wait, &mut count);
        restart(&mut world);
        restart(&mut world);
        talk(&mut world, 8_000, &mut count);
        world.run_until(ms(9_000));
        for index in 0..2 {
            assert_eq!(world.state(index), IceState::Completed, "{wait}");
            let states = world.states(index);
            assert!(!states.contains(&IceState::Disconnected), "{states:?}");
            let mut heard = world.agents[index].data.clone();
            heard.sort_unstable();
            heard.dedup();
            assert_eq!(heard.len(), count as usize, "{wait}");
        }
    }
}

/// Each restart may leave a pair that works behind: there are never more than a few.
#[test]
fn restarts_without_an_end_leave_no_more_than_a_few_generations() {
    let mut world = World::pair(11);
    world.run_until(ms(2_000));
    for round in 1..=60 {
        restart(&mut world);
        world.run_until(ms(2_000 + round * 200));
        for index in 0..2 {
            let pairs = world.agent(index).pairs().count();
            assert!(pairs <= 5, "{pairs} after {round}");
        }
    }
    world.run_until(ms(22_000));
    for index in 0..2 {
        assert_eq!(world.state(index), IceState::Completed);
        assert_eq!(world.agent(index).pairs().count(), 1);
    }
}

/// An offer with new credentials that is rolled back.
#[test]
fn a_restart_that_is_taken_back_leaves_no_trace() {
    let mut world = World::pair(1);
    world.run_until(ms(2_000));
    let before = world.agent(0).local_credentials().clone();
    let states = world.states(0);
    assert!(!world.agent(0).cancel_restart(), "there was none");
    for _ in 0..2 {
        begin(&mut world, 0);
    }
    world.run_until(ms(20_000));
    assert_ne!(*world.agent(0).local_credentials(), before);
    assert!(world.agent(0).cancel_restart());
    assert!(!world.agent(0).cancel_restart());
    assert_eq!(*world.agent(0).local_credentials(), before);
    assert_eq!(
        world.candidates(0)[0].ufrag.as_deref(),
        Some(before.ufrag.as_str())
    );
    world.run_until(ms(60_000));
    let since = world.states(0).split_off(states.len());
    assert_eq!(since, [IceState::Connected, IceState::Completed]);
    assert!(world.send_data(0, b"\x80on") && world.send_data(1, b"\x80on"));

    // Once the peer has agreed, there is no way back.
    restart(&mut world);
    assert!(!world.agent(0).cancel_restart());
}

/// Before anything works, a pending restart disturbs nothing.
#[test]
fn ice_018_a_restart_while_checking_connects() {
    for wait in [0, 5, 15, 25, 55, 100] {
        let mut world = World::pair(1);
        world.run_until(ms(wait));
        begin(&mut world, 0);
        world.run_until(ms(wait + 30));
        begin(&mut world, 1);
        world.introduce();
        world.run_until(ms(5_000));
        for index in 0..2 {
            assert_eq!(world.state(index), IceState::Completed, "{wait}");
            assert!(!world.states(index).contains(&IceState::Disconnected));
        }
    }
}

#[test]
fn ice_018_a_restart_brings_a_failed_agent_back() {
    let mut world = World::pair(1);
    world.run_until(ms(1_000));
    world.mangle = Some(Box::new(|_, _| None));
    world.run_until(ms(60_000));
    assert!((0..2).all(|index| world.state(index) == IceState::Failed));
    world.mangle = None;
    restart(&mut world);
    assert_eq!(world.state(0), IceState::Checking);
    world.run_until(ms(62_000));
    assert!((0..2).all(|index| world.state(index) == IceState::Completed));
}

/// I-8, ATK-039.
#[test]
fn i_8_atk_039_old_credentials_mean_nothing_once_the_restart_is_done() {
    let mut world = World::pair(1);
    world.run_until(ms(2_000));
    let script = Script::new("10.0.0.9:9");
    let says = [
        PRIORITY,
        Attribute::IceControlling(u64::MAX),
        Attribute::UseCandidate,
    ];
    let old = script.request(&world.agents[1].agent, 1, &says);
    let other = script.request(&world.agents[1].agent, 2, &says);
    restart(&mut world);
    let late = world
        .agent(0)
        .set_remote_credentials(script.credentials.clone());
    assert_eq!(late, Err(CredentialsError::AlreadySet));
    world.run_until(ms(3_000));
    assert_eq!(world.state(1), IceState::Completed);
    let path = world.agent(1).current_path();
    let give = |world: &mut World, bytes: &[u8]| {
        let now = world.now;
        world.agents[1].give(now, script.address, bytes);
        let answers = world.agents[1].drain(now);
        assert_eq!(world.agent(1).current_path(), path);
        assert_eq!(world.agent(1).remote_candidates().count(), 1);
        answers
            .iter()
            .map(|(_, bytes)| class_of(bytes))
            .collect::<Vec<_>>()
    };
    // For three seconds it is answered, for a peer that has not heard yet.
    assert_eq!(give(&mut world, &old), [Class::Success]);
    world.run_until(ms(6_000));
    assert_eq!(give(&mut world, &other), []);
    assert_eq!(world.agents[1].agent.stats().dropped.unauthenticated, 1);
}

/// 20 % loss, jitter, and a restart every four seconds.
#[test]
fn ice_018_restarts_on_a_bad_network_end_connected_for_any_seed() {
    for seed in 0..500 {
        let mut world = World::pair(seed);
        world.loss = 200;
        world.duplicates = 50;
        world.jitter = Duration::from_millis(100);
        for round in 1..5 {
            world.run_until(ms(round * 4_000));
            restart(&mut world);
        }
        world.loss = 0;
        world.run_until(ms(60_000));
        for index in 0..2 {
            assert_eq!(world.state(index), IceState::Completed, "seed {seed}");
            let states = world.states(index);
            assert!(!states.contains(&IceState::Failed), "{states:?}");
        }
        let paths = [0, 1].map(|index| world.agent(index).current_path().expect("a path"));
        assert_eq!(paths[0].local, paths[1].remote, "seed {seed}");
    }
}

/// Late candidates of the generation that is in use, while a new one is offered.
#[test]
fn candidates_find_the_generation_that_they_belong_to() {
    let mut world = World::pair(1);
    world.run_until(ms(1_000));
    let agreed = world.agent(1).local_credentials().ufrag.clone();
    begin(&mut world, 0);
    let count = |world: &World| world.agents[0].agent.pairs().count();
    assert_eq!(count(&world), 1);
    for (of, at, pairs) in [
        (Some(agreed), "10.0.0.7:1", 2),
        (None, "10.0.0.7:2", 3),
        (Some("another".to_owned()), "10.0.0.7:3", 4),
    ] {
        let mut candidate = host(addr(at), 7);
        candidate.ufrag = of;
        assert_eq!(world.agent(0).add_remote_candidate(candidate), Ok(()));
        assert_eq!(count(&world), pairs, "{at}");
    }
    // Only the last belongs to the new one.
    let remotes: Vec<_> = world.agents[0].agent.remote_candidates().cloned().collect();
    assert_eq!(remotes.len(), 1);
    assert!(world.agent(0).cancel_restart());
    assert_eq!(count(&world), 3);
}

/// An offer that is never answered: the generation before it connects, and stays.
#[test]
fn a_restart_that_nobody_answers_disturbs_nothing() {
    for wait in [0, 5, 15, 25, 45, 60, 100, 3_000] {
        for who in [&[0][..], &[1], &[0, 1]] {
            let mut world = World::pair(9);
            world.run_until(ms(wait));
            for index in who {
                begin(&mut world, *index);
            }
            world.run_until(ms(wait + 100_000));
            let paths = [0, 1].map(|index| {
                let pair = world.agent(index).selected_pair();
                pair.expect("the one before").path
            });
            assert_eq!(paths[0].local, paths[1].remote, "{wait} {who:?}");
            for index in 0..2 {
                assert!(world.state(index).is_connected(), "{wait} {who:?}");
                let states = world.states(index);
                assert!(!states.contains(&IceState::Disconnected), "{states:?}");
            }
        }
    }
}
