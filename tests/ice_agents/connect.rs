//! Agents find each other.

use std::net::SocketAddr;
use std::time::Duration;

use crate::support::{
    A, B, Flight, PRIORITY, Peer, Script, World, addr, class_of, config, error_of, host, id_in, ms,
    says, solo,
};
use pollrtc::ice::{Event, FailReason, IceState, PairState, Role};
use pollrtc::net::{CandidateKind, Path};
use pollrtc::rng::Rng;
use pollrtc::wire::stun::{Attribute, Class};

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

/// The application's messages may arrive in any order.
#[test]
fn every_order_of_signalling_connects() {
    type Step = fn(&mut World);
    let steps: [Step; 3] = [
        World::exchange_credentials,
        World::exchange_candidates,
        |world| {
            for peer in &mut world.agents {
                peer.agent.end_of_remote_candidates();
            }
        },
    ];
    let orders = [
        [0, 1, 2],
        [0, 2, 1],
        [1, 0, 2],
        [1, 2, 0],
        [2, 0, 1],
        [2, 1, 0],
    ];
    for order in orders {
        let mut world = World::strangers(1);
        for (step, at) in order.into_iter().zip([0, 300, 20_000]) {
            world.run_until(ms(at));
            steps[step](&mut world);
        }
        world.run_until(ms(22_000));
        for index in 0..2 {
            assert_eq!(world.state(index), IceState::Completed, "{order:?}");
        }
    }
}

/// ICE-014: without an end of candidates nobody gives up early.
#[test]
fn ice_014_a_candidate_that_comes_late_is_still_checked() {
    let mut world = World::strangers(1);
    world.exchange_credentials();
    world
        .agent(0)
        .add_remote_candidate(host(addr("10.9.9.9:9"), 5))
        .expect("room");
    world
        .agent(1)
        .add_remote_candidate(host(addr("10.9.9.9:9"), 5))
        .expect("room");
    world.run_until(ms(39_000));
    assert_eq!(world.state(0), IceState::Checking);
    world.exchange_candidates();
    world.run_until(ms(39_100));
    assert!(world.both_connected());
}

/// ICE-015, RFC 8863: patience, and then an end.
#[test]
fn ice_015_without_a_candidate_the_agent_waits_before_it_fails() {
    let mut world = World::strangers(1);
    world.run_until(ms(10_000));
    world.exchange_credentials();
    world.agent(0).end_of_remote_candidates();
    world.run_until(ms(49_499));
    assert_eq!(world.state(0), IceState::New);
    world.run_until(ms(49_500));
    assert_eq!(world.state(0), IceState::Failed);
    assert_eq!(world.agent(0).fail_reason(), Some(FailReason::NoPath));
    assert_eq!(world.agent(0).poll_timeout(), None);
}

#[test]
fn a_peer_that_never_answers_is_given_up_after_the_last_wait() {
    let mut peer = solo(Role::Controlling);
    let script = Script::new(B);
    script.signal(&mut peer.agent);
    let mut sent = Vec::new();
    let mut now = ms(0);
    loop {
        sent.extend(peer.drain(now).iter().map(|_| now.as_millis()));
        let Some(next) = peer.agent.poll_timeout() else {
            break;
        };
        now = next;
        peer.agent.handle_timeout(now);
    }
    assert_eq!(sent, [0, 500, 1500, 3500, 7500, 15500, 31500]);
    assert_eq!(now, ms(39_500));
    assert_eq!(peer.agent.state(), IceState::Failed);
}

/// ICE-004, ICE-005: the peer's check comes before anything was signalled.
#[test]
fn ice_005_a_check_before_signalling_is_answered_and_its_candidate_merged_later() {
    let mut world = World::strangers(1);
    // Agent 0 knows everything, agent 1 nothing.
    let credentials = world.agents[1].agent.local_credentials().clone();
    let signalled = world.candidates(1);
    world
        .agent(0)
        .set_remote_credentials(credentials)
        .expect("valid");
    for candidate in signalled {
        world
            .agent(0)
            .add_remote_candidate(candidate)
            .expect("room");
    }
    world.run_until(ms(200));
    assert_eq!(
        world.state(0),
        IceState::Connected,
        "its checks are answered"
    );
    assert_eq!(world.state(1), IceState::New);
    let kinds = |world: &World| -> Vec<_> {
        let remotes = world.agents[1].agent.remote_candidates();
        remotes.map(|candidate| candidate.kind).collect()
    };
    assert_eq!(kinds(&world), [CandidateKind::PeerReflexive]);
    assert!(world.requests(B).is_empty());

    let credentials = world.agents[0].agent.local_credentials().clone();
    world
        .agent(1)
        .set_remote_credentials(credentials)
        .expect("valid");
    world.run_until(ms(230));
    assert_eq!(world.state(1), IceState::Connected);
    let before = world.agents[1].agent.selected_pair().expect("nominated");
    assert_eq!(before.remote.kind, CandidateKind::PeerReflexive);

    for candidate in world.candidates(0) {
        world
            .agent(1)
            .add_remote_candidate(candidate)
            .expect("room");
    }
    assert_eq!(kinds(&world), [CandidateKind::Host]);
    let after = world.agents[1].agent.selected_pair().expect("still there");
    assert_eq!(after.remote.kind, CandidateKind::Host);
    assert_eq!(after.path, before.path);
    assert!(!world.states(1).contains(&IceState::Disconnected));
}

/// ICE-003, ICE-004: a NAT in front of agent 0.
#[test]
fn ice_003_ice_004_behind_a_nat_both_ends_learn_a_reflexive_candidate() {
    let (inner, outer) = (addr(A), addr("203.0.113.5:4000"));
    let mut world = World::strangers(1);
    world.mangle = Some(Box::new(move |_, mut flight| {
        if flight.from == inner {
            flight.from = outer;
        } else if flight.to == inner {
            return None;
        } else if flight.to == outer {
            flight.to = inner;
        }
        Some(flight)
    }));
    world.introduce();
    world.run_until(ms(3_000));
    let selected = world.agent(0).selected_pair().expect("a pair");
    assert_eq!(selected.local.kind, CandidateKind::PeerReflexive);
    assert_eq!(selected.local.address.ip(), Some(outer));
    assert_eq!(selected.local.related, Some(inner));
    assert_eq!(selected.local.priority >> 24, 110);
    let selected = world.agent(1).selected_pair().expect("a pair");
    assert_eq!(selected.remote.kind, CandidateKind::PeerReflexive);
    assert_eq!(selected.remote.address.ip(), Some(outer));
    // The peer is told only what was gathered.
    assert_eq!(world.candidates(0).len(), 1);
    assert!(world.send_data(0, b"\x80up") && world.send_data(1, b"\x80down"));
    world.run_until(ms(3_100));
    assert_eq!(world.agents[1].data, [b"\x80up"]);
    assert_eq!(world.agents[0].data, [b"\x80down"]);
}

/// ICE-001, I-4: whoever was wrong about the role, one ends up controlling.
#[test]
fn ice_001_role_conflicts_end_with_one_controlling() {
    for role in [Role::Controlling, Role::Controlled] {
        for seed in 0..20 {
            let mut world = World::with(seed, config(), [&[A], &[B]], [role, role]);
            world.introduce();
            world.run_until(ms(3_000));
            let roles = [world.agent(0).role(), world.agent(1).role()];
            assert_ne!(roles[0], roles[1], "seed {seed}");
            for index in 0..2 {
                assert_eq!(world.state(index), IceState::Completed, "seed {seed}");
            }
            let told = world.agents.iter().flat_map(|peer| &peer.events);
            let switches = told.filter(|(_, event)| matches!(event, Event::Role(_)));
            assert!(switches.count() <= 2, "seed {seed}");
        }
    }
}

/// RFC 8445 §7.3.1.1, all four cases, against a peer with a chosen tie-breaker.
#[test]
fn ice_001_the_greater_tie_breaker_controls() {
    let claim = |role, tie| match role {
        Role::Controlling => Attribute::IceControlling(tie),
        Role::Controlled => Attribute::IceControlled(tie),
    };
    for (role, theirs, ends_as) in [
        (Role::Controlling, 0, Role::Controlling),
        (Role::Controlling, u64::MAX, Role::Controlled),
        (Role::Controlled, 0, Role::Controlling),
        (Role::Controlled, u64::MAX, Role::Controlled),
    ] {
        let mut peer = solo(role);
        let script = Script::new(B);
        let check = script.request(&peer.agent, 1, &[PRIORITY, claim(role, theirs)]);
        peer.give(ms(0), script.address, &check);
        let (_, answer) = peer.one(ms(0));
        assert_eq!(peer.agent.role(), ends_as);
        let gave_way = ends_as != role;
        assert_eq!(error_of(&answer), (!gave_way).then_some(487));
        assert_eq!(peer.agent.stats().role_switches, u64::from(gave_way));
    }
}

/// ICE-019: a lite peer only answers.
#[test]
fn ice_019_with_a_lite_peer_we_control_and_nominate() {
    let mut peer = solo(Role::Controlled);
    let script = Script::new(B);
    peer.agent.set_remote_lite(true);
    assert_eq!(peer.agent.role(), Role::Controlling);
    script.signal(&mut peer.agent);
    let (_, check) = peer.one(ms(0));
    assert!(!says(&check, Attribute::UseCandidate));
    peer.give(ms(5), script.address, &script.answer(&check, addr(A)));
    assert_eq!(peer.agent.state(), IceState::Connected);
    assert_eq!(peer.drain(ms(49)), []);
    let (_, check) = peer.one(ms(50));
    assert!(says(&check, Attribute::UseCandidate));
    assert_eq!(peer.agent.selected_pair(), None);
    peer.give(ms(55), script.address, &script.answer(&check, addr(A)));
    assert!(peer.agent.selected_pair().is_some());
}

/// ICE-013: an aggressive peer nominates every pair it checks.
#[test]
fn ice_013_of_many_nominated_pairs_the_highest_priority_is_used() {
    let mut peer = solo(Role::Controlled);
    let script = Script::new(B);
    script.signal(&mut peer.agent);
    let better = addr("10.0.0.3:3000");
    peer.agent
        .add_remote_candidate(host(better, 2_130_706_431))
        .expect("room");
    let mut ids = 0;
    let mut nominate = |peer: &mut Peer, now, from: SocketAddr| {
        ids += 1;
        let says = [
            PRIORITY,
            Attribute::IceControlling(1),
            Attribute::UseCandidate,
        ];
        let check = script.request(&peer.agent, ids, &says);
        peer.give(now, from, &check);
        for (path, bytes) in peer.drain(now) {
            if class_of(&bytes) == Class::Request {
                peer.give(now, path.remote, &script.answer(&bytes, addr(A)));
            }
        }
    };
    let selected = |peer: &Peer| peer.agent.selected_pair().map(|pair| pair.path.remote);
    nominate(&mut peer, ms(0), script.address);
    assert_eq!(selected(&peer), Some(script.address));
    nominate(&mut peer, ms(100), better);
    assert_eq!(selected(&peer), Some(better));
    nominate(&mut peer, ms(200), script.address);
    assert_eq!(selected(&peer), Some(better), "no flapping");
    peer.collect(ms(200));
    let moves = peer
        .events
        .iter()
        .filter(|(_, event)| matches!(event, Event::Selected(_)));
    assert_eq!(moves.count(), 2);
}

/// ICE-012: nobody but the controlling agent nominates.
#[test]
fn ice_012_use_candidate_from_a_controlled_peer_is_ignored() {
    let mut peer = solo(Role::Controlling);
    let script = Script::new(B);
    script.signal(&mut peer.agent);
    let says = [
        PRIORITY,
        Attribute::IceControlled(1),
        Attribute::UseCandidate,
    ];
    let check = script.request(&peer.agent, 1, &says);
    peer.give(ms(0), script.address, &check);
    for (path, bytes) in peer.drain(ms(0)) {
        if class_of(&bytes) == Class::Request {
            peer.give(ms(1), path.remote, &script.answer(&bytes, addr(A)));
        }
    }
    assert_eq!(peer.agent.state(), IceState::Connected);
    assert_eq!(peer.agent.selected_pair(), None);
}

/// ICE-002, I-5: an authentic answer from elsewhere shows that the path is not
/// what it seemed, unless the true answer follows.
#[test]
fn ice_002_an_answer_from_another_address_fails_the_pair() {
    let mut peer = solo(Role::Controlling);
    let script = Script::new(B);
    script.signal(&mut peer.agent);
    let (_, check) = peer.one(ms(0));
    let answer = script.answer(&check, addr(A));
    peer.give(ms(5), addr("10.0.0.9:9"), &answer);
    assert_eq!(peer.agent.stats().dropped.asymmetric, 1);
    let pair = peer.agent.pairs().next().expect("a pair");
    assert_eq!(pair.state, PairState::Failed);
    assert_eq!(peer.agent.state(), IceState::Checking);
    assert_eq!(peer.drain(ms(600)), [], "it is not checked any more");
    peer.give(ms(601), script.address, &answer);
    assert_eq!(peer.agent.state(), IceState::Connected);
}

/// The best of many pairs is dead: data does not wait for it, nomination a little.
#[test]
fn a_better_pair_that_does_not_answer_delays_only_the_nomination() {
    let dead = "10.0.1.1:1";
    let mut world = World::with(
        1,
        config(),
        [&[A], &[dead, B]],
        [Role::Controlling, Role::Controlled],
    );
    let dead = addr(dead);
    world.mangle = Some(Box::new(move |_, flight| {
        (flight.to != dead && flight.from != dead).then_some(flight)
    }));
    world.introduce();
    world.run_until(ms(2_000));
    // The pair that works is the second to be checked, one Ta after the first.
    assert_eq!(world.reached(0, IceState::Connected), Some(ms(70)));
    let chosen = world.agents[0]
        .events
        .iter()
        .find(|(_, event)| matches!(event, Event::Selected(_)));
    let (at, _) = chosen.expect("a nomination");
    assert!((ms(170)..=ms(250)).contains(at), "{at}");
    assert_eq!(world.state(0), IceState::Completed);
    // A controlled agent cannot know that its peer will not choose the better one.
    assert_eq!(world.state(1), IceState::Connected);
    world.run_until(ms(41_000));
    assert_eq!(world.state(1), IceState::Completed);
}

/// ICE-011: one new check each Ta, over all pairs.
#[test]
fn ice_011_new_checks_are_paced() {
    let addresses: Vec<String> = (1..=8).map(|n| format!("10.0.0.{n}:1000")).collect();
    let remotes: Vec<String> = (1..=8).map(|n| format!("10.0.1.{n}:2000")).collect();
    let locals: Vec<&str> = addresses.iter().map(String::as_str).collect();
    let others: Vec<&str> = remotes.iter().map(String::as_str).collect();
    let roles = [Role::Controlling, Role::Controlled];
    let mut world = World::with(3, config(), [&locals, &others], roles);
    world.mangle = Some(Box::new(|_, _| None));
    world.introduce();
    world.run_until(ms(60_000));
    let mut firsts: Vec<_> = Vec::new();
    let mut seen = std::collections::BTreeSet::new();
    for (at, flight) in &world.sent {
        if addresses.contains(&flight.from.to_string()) && seen.insert(id_in(&flight.bytes)) {
            firsts.push(*at);
        }
    }
    assert_eq!(firsts.len(), 64);
    for two in firsts.windows(2) {
        assert!(two[1].since(two[0]) >= Duration::from_millis(50), "{two:?}");
    }
    // RFC 8445 §14.3: RTO = Ta × 64 for the first of them.
    let first = id_in(&world.sent[0].1.bytes);
    let again = world
        .sent
        .iter()
        .filter(|(_, flight)| id_in(&flight.bytes) == first)
        .nth(1);
    assert_eq!(again.expect("repeated").0, ms(3_200));
}

/// I-3 under loss: whatever is lost, both sides find each other.
#[test]
fn a_fifth_of_all_datagrams_lost_does_not_hinder_any_seed() {
    for seed in 0..300 {
        let mut world = World::with(
            seed,
            config(),
            [&[A, "[fd00::1]:1000"], &[B, "[fd00::2]:2000"]],
            [Role::Controlling, Role::Controlled],
        );
        world.loss = 200;
        world.jitter = Duration::from_millis(100);
        world.introduce();
        world.run_while(ms(30_000), |world| !world.both_connected());
        assert!(world.both_connected(), "seed {seed}");
        world.loss = 0;
        let end = world.now + Duration::from_secs(20);
        world.run_until(end);
        let pairs = [0, 1].map(|index| world.agents[index].agent.selected_pair());
        let [Some(ours), Some(theirs)] = pairs else {
            panic!("seed {seed}: not nominated");
        };
        // I-2: mirror images.
        assert_eq!(ours.path.local, theirs.path.remote, "seed {seed}");
        assert_eq!(ours.path.remote, theirs.path.local, "seed {seed}");
    }
}

/// RFC 8421: IPv6 goes first, and a family that is broken costs one Ta.
#[test]
fn dual_stack_prefers_ipv6_and_falls_back_at_once() {
    for broken in [false, true] {
        let mut world = World::with(
            1,
            config(),
            [&[A, "[fd00::1]:1000"], &[B, "[fd00::2]:2000"]],
            [Role::Controlling, Role::Controlled],
        );
        world.mangle = Some(Box::new(move |_, flight| {
            (!broken || flight.to.is_ipv4()).then_some(flight)
        }));
        world.introduce();
        world.run_until(ms(5_000));
        let pair = world.agent(0).selected_pair().expect("a pair");
        assert_eq!(pair.path.local.is_ipv4(), broken);
        let at = world.reached(0, IceState::Connected);
        assert_eq!(at, Some(ms(if broken { 70 } else { 20 })));
    }
}

/// Link-local addresses mean something on one interface only.
#[test]
fn ice_008_link_local_addresses_pair_among_themselves() {
    let (local, global) = ("[fe80::1%3]:1000", "[fd00::1]:1000");
    let mut peer = Peer::new(
        config(),
        Role::Controlling,
        &[global],
        &mut Rng::from_number(1),
    );
    peer.agent
        .add_local_address(addr("[fe80::1%3]:1000"))
        .expect(local);
    let script = Script::new("[fe80::2]:2000");
    script.signal(&mut peer.agent);
    let paths: Vec<_> = peer.agent.pairs().map(|pair| pair.path).collect();
    assert_eq!(
        paths,
        [Path::udp(
            addr("[fe80::1%3]:1000"),
            addr("[fe80::2%3]:2000")
        )]
    );
}

/// Loopback addresses are addresses: tests and local tools live there.
#[test]
fn loopback_addresses_connect() {
    let mut world = World::with(
        1,
        config(),
        [
            &["127.0.0.1:1000", "[::1]:1000"],
            &["127.0.0.1:2000", "[::1]:2000"],
        ],
        [Role::Controlling, Role::Controlled],
    );
    world.introduce();
    world.run_until(ms(1_000));
    assert!(world.both_connected());
}

/// A peer such as a browser goes on checking pairs that nobody uses. That is
/// answered, makes spares, and is no news.
#[test]
fn checks_on_spare_pairs_do_not_change_the_state() {
    for role in [Role::Controlling, Role::Controlled] {
        let mut world = World::with(
            1,
            config(),
            [&[A], &[B, "10.0.0.3:3"]],
            [role, role.opposite()],
        );
        world.introduce();
        world.run_until(ms(5_000));
        assert_eq!(world.state(0), IceState::Completed);
        let script = Script::new_with(B, world.agents[1].agent.local_credentials());
        for round in 0..50_u64 {
            let claim = match role {
                Role::Controlling => Attribute::IceControlled(1),
                Role::Controlled => Attribute::IceControlling(1),
            };
            let check = script.request(&world.agents[0].agent, round, &[PRIORITY, claim]);
            world.receive(Flight {
                from: addr("10.0.0.3:3"),
                to: addr(A),
                bytes: check,
            });
            let end = world.now + Duration::from_secs(3);
            world.run_until(end);
        }
        let states = world.states(0);
        assert_eq!(*states.last().expect("states"), IceState::Completed);
        assert!(states.len() <= 3, "{states:?}");
    }
}
