//! A lite agent on our side (RFC 8445 §2.5).

use std::time::Duration;

use pollrtc::ice::{FailReason, IceConfig, IceState, PairState, Role};
use pollrtc::rng::Rng;
use pollrtc::wire::stun::{Attribute, Class};

use crate::support::{
    A, B, PRIORITY, Peer, Script, World, addr, class_of, config, error_of, ms, solo,
};

fn lite() -> IceConfig {
    IceConfig {
        lite: true,
        ..config()
    }
}

/// A full agent at [`A`] and a lite one at [`B`], each of which may be wrong about its role.
fn world(seed: u64, roles: [Role; 2], knows: bool) -> World {
    let mut world = World::with(seed, config(), [&[A], &[B]], roles);
    let mut rng = Rng::from_number(seed + 1);
    world.agents[1] = Peer::new(lite(), roles[1], &[B], &mut rng);
    if knows {
        world.agent(0).set_remote_lite(true);
    }
    world.introduce();
    world
}

#[test]
fn ice_019_a_lite_agent_only_answers_and_is_connected() {
    use Role::{Controlled, Controlling};
    for (roles, knows) in [
        ([Controlling, Controlled], true),
        ([Controlling, Controlled], false),
        ([Controlled, Controlling], true),
        ([Controlled, Controlled], false),
    ] {
        let mut world = world(1, roles, knows);
        world.run_until(ms(3_000));
        assert_eq!(world.agent(0).role(), Controlling, "{roles:?}");
        assert_eq!(world.agent(1).role(), Controlled);
        for index in 0..2 {
            assert_eq!(world.state(index), IceState::Completed, "{roles:?}");
        }
        assert!(world.send_data(0, b"\x80up") && world.send_data(1, b"\x80down"));
        world.run_until(ms(200_000));
        assert_eq!(world.agents[1].data, [b"\x80up"]);
        assert_eq!(world.agents[0].data, [b"\x80down"]);
        for index in 0..2 {
            assert_eq!(world.state(index), IceState::Completed);
            assert!(!world.states(index).contains(&IceState::Disconnected));
        }
        assert!(world.requests(B).is_empty(), "it never asks");
        assert_eq!(world.agent(1).stats().requests_sent, 0);
    }
}

#[test]
fn a_lite_agent_stays_controlled() {
    let mut peer = Peer::new(lite(), Role::Controlling, &[A], &mut Rng::from_number(1));
    assert_eq!(peer.agent.role(), Role::Controlled);
    peer.agent.set_role(Role::Controlling);
    peer.agent.set_remote_lite(true);
    assert_eq!(peer.agent.role(), Role::Controlled);
    let script = Script::new(B);
    for tie in [0, u64::MAX] {
        let says = [PRIORITY, Attribute::IceControlled(tie)];
        let check = script.request(&peer.agent, tie, &says);
        peer.give(ms(0), script.address, &check);
        assert_eq!(error_of(&peer.one(ms(0)).1), Some(487));
    }
}

/// RFC 8445 §7.3.2: only what the controlling peer has chosen is used.
#[test]
fn a_lite_agent_sends_where_it_was_nominated_and_nowhere_else() {
    let mut peer = Peer::new(lite(), Role::Controlled, &[A], &mut Rng::from_number(1));
    let script = Script::new(B);
    script.signal(&mut peer.agent);
    let claim = Attribute::IceControlling(1);
    let check = script.request(&peer.agent, 1, &[PRIORITY, claim]);
    peer.give(ms(0), script.address, &check);
    assert_eq!(class_of(&peer.one(ms(0)).1), Class::Success);
    assert_eq!(peer.agent.state(), IceState::Checking);
    assert_eq!(peer.agent.current_path(), None);
    let check = script.request(&peer.agent, 2, &[PRIORITY, claim, Attribute::UseCandidate]);
    peer.give(ms(50), script.address, &check);
    assert_eq!(peer.agent.state(), IceState::Connected);
    let pair = peer.agent.pairs().next().expect("a pair");
    assert_eq!((pair.state, pair.nominated), (PairState::Succeeded, true));
}

/// RFC 7675 gives a lite agent no consent of its own; the peer's silence ends it all the same.
#[test]
fn a_lite_agent_notices_that_its_peer_is_gone() {
    let mut world = world(2, [Role::Controlling, Role::Controlled], true);
    world.run_until(ms(3_000));
    world.mangle = Some(Box::new(|_, _| None));
    world.run_until(ms(40_000));
    let at = |state| world.reached(1, state).expect("reached");
    assert!(at(IceState::Disconnected) < ms(14_000));
    let failed = at(IceState::Failed);
    assert!(failed > ms(28_000) && failed <= ms(33_000), "{failed}");
    let agent = &world.agents[1].agent;
    assert_eq!(agent.fail_reason(), Some(FailReason::ConsentExpired));
    assert_eq!(agent.poll_timeout(), None);
}

#[test]
fn a_lite_agent_follows_a_full_one_that_roams_or_restarts_on_a_bad_network() {
    for seed in 0..500 {
        let mut world = world(seed, [Role::Controlling, Role::Controlled], true);
        world.loss = 200;
        world.jitter = Duration::from_millis(50);
        world.run_until(ms(6_000));
        world.leave(0, A);
        world.join(0, "10.7.0.1:7000");
        world.run_until(ms(20_000));
        for index in 0..2 {
            assert_eq!(world.agent(index).restart(), Ok(()));
            world.agent(index).gather();
        }
        world.introduce();
        world.run_until(ms(30_000));
        world.loss = 0;
        world.run_until(ms(40_000));
        let paths = [0, 1].map(|index| world.agent(index).current_path().expect("a path"));
        assert_eq!(paths[0].local, addr("10.7.0.1:7000"), "seed {seed}");
        assert_eq!(paths[0].local, paths[1].remote, "seed {seed}");
        assert!(world.requests(B).is_empty());
    }
}

/// RFC 8445 §6.1.1 would let two lite agents use what was signalled. Nobody would
/// have proved that the other end wants it, so we do not.
#[test]
fn two_lite_agents_give_up() {
    let mut world = world(1, [Role::Controlled; 2], false);
    let mut rng = Rng::from_number(9);
    world.agents[0] = Peer::new(lite(), Role::Controlling, &[A], &mut rng);
    let other = Peer::new(lite(), Role::Controlled, &[B], &mut rng);
    world.agents[1] = other;
    world.introduce();
    world.run_until(ms(60_000));
    for index in 0..2 {
        assert_eq!(world.state(index), IceState::Failed);
    }
    assert!(world.sent.is_empty());
}

/// The full side needs a peer that answers; one that is lite never asks.
#[test]
fn a_full_agent_keeps_consent_with_a_lite_peer() {
    let mut peer = solo(Role::Controlling);
    let script = Script::new(B);
    peer.agent.set_remote_lite(true);
    script.signal(&mut peer.agent);
    let mut now = ms(0);
    while now < ms(100_000) {
        for (path, bytes) in peer.drain(now) {
            peer.give(now, path.remote, &script.answer(&bytes, addr(A)));
        }
        now = peer.agent.poll_timeout().expect("consent is asked");
        peer.agent.handle_timeout(now);
    }
    assert!(peer.agent.state().is_connected());
}
