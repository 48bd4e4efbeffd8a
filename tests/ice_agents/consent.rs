//! The leave to send: kept, lost and found again (RFC 7675).

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use pollrtc::ice::{Event, FailReason, IceState, Role};
use pollrtc::time::Instant;
use pollrtc::wire::stun::{Attribute, Class};

use crate::support::{
    A, B, PRIORITY, Peer, Script, World, addr, class_of, id_in, is_stun, ms, says, solo,
};

/// A link that can be cut and mended.
fn cuttable(world: &mut World) -> Rc<Cell<bool>> {
    let cut = Rc::new(Cell::new(false));
    let is_cut = Rc::clone(&cut);
    world.mangle = Some(Box::new(move |_, flight| (!is_cut.get()).then_some(flight)));
    cut
}

/// An agent that is connected to a script since 0.1 s, everything nominated.
fn connected() -> (Peer, Script) {
    let mut peer = solo(Role::Controlled);
    let script = Script::new(B);
    script.signal(&mut peer.agent);
    peer.agent.end_of_remote_candidates();
    let nominates = [
        PRIORITY,
        Attribute::IceControlling(1),
        Attribute::UseCandidate,
    ];
    let check = script.request(&peer.agent, 1, &nominates);
    peer.give(ms(0), script.address, &check);
    for (path, bytes) in peer.drain(ms(0)) {
        if class_of(&bytes) == Class::Request {
            peer.give(ms(100), path.remote, &script.answer(&bytes, addr(A)));
        }
    }
    assert_eq!(peer.agent.state(), IceState::Completed);
    (peer, script)
}

/// Runs to the agent's next deadline and gives what it sends there.
fn wake(peer: &mut Peer) -> (Instant, Vec<Vec<u8>>) {
    let now = peer.agent.poll_timeout().expect("something to wait for");
    peer.agent.handle_timeout(now);
    let sent = peer
        .drain(now)
        .into_iter()
        .map(|(_, bytes)| bytes)
        .collect();
    (now, sent)
}

#[test]
fn ice_016_consent_is_asked_every_four_to_six_seconds_with_fresh_ids_and_nothing_else_wakes() {
    let (mut peer, script) = connected();
    let mut last = ms(100);
    let mut ids = std::collections::BTreeSet::new();
    let mut waits = Vec::new();
    for _ in 0..100 {
        let (now, sent) = wake(&mut peer);
        let [check] = sent.as_slice() else {
            panic!("{} datagrams at {now}", sent.len());
        };
        assert!(ids.insert(id_in(check)), "a fresh id");
        assert!(!says(check, Attribute::UseCandidate));
        waits.push(now.since(last));
        last = now;
        let soon = now + Duration::from_millis(30);
        peer.give(soon, script.address, &script.answer(check, addr(A)));
    }
    let (least, most) = (
        waits.iter().min().expect("waits"),
        waits.iter().max().expect("waits"),
    );
    assert!(*least >= Duration::from_secs(4) && *most <= Duration::from_secs(6));
    assert!(*most - *least > Duration::from_secs(1), "randomised");
    assert_eq!(peer.agent.stats().consent_requests_sent, 100);
    assert_eq!(peer.agent.state(), IceState::Completed);
}

#[test]
fn ice_016_i_7_silence_disconnects_after_10_s_and_ends_all_sending_after_30_s() {
    let mut world = World::pair(1);
    let cut = cuttable(&mut world);
    world.run_until(ms(1_000));
    cut.set(true);
    let mut last_data = ms(0);
    while world.now < ms(60_000) {
        for index in 0..2 {
            if world.send_data(index, b"\x80data") {
                last_data = world.now;
            }
        }
        let next = world.now + Duration::from_millis(100);
        world.run_until(next);
    }
    for index in 0..2 {
        let at = |state| world.reached(index, state).expect("reached");
        assert_eq!(
            world.states(index)[1..],
            [
                IceState::Connected,
                IceState::Completed,
                IceState::Disconnected,
                IceState::Failed
            ]
        );
        let silent_for = at(IceState::Disconnected).since(ms(1_000));
        assert!(silent_for <= Duration::from_secs(10), "{silent_for:?}");
        let failed = at(IceState::Failed);
        assert!(failed <= ms(31_000) && last_data < failed, "{failed}");
        let agent = &world.agents[index].agent;
        assert_eq!(agent.fail_reason(), Some(FailReason::ConsentExpired));
        assert_eq!(agent.poll_timeout(), None);
    }
    let quiet_since = world.sent.last().expect("something was sent").0;
    assert!(quiet_since <= ms(31_000));
}

#[test]
fn a_path_that_comes_back_connects_again_at_once() {
    for seconds in [11_u64, 15, 20] {
        let mut world = World::pair(seconds);
        let cut = cuttable(&mut world);
        world.run_until(ms(1_000));
        cut.set(true);
        world.run_until(ms(1_000 + seconds * 1_000));
        for index in 0..2 {
            assert_eq!(world.state(index), IceState::Disconnected, "{seconds}");
        }
        cut.set(false);
        // Each side asks every 4 to 6 s, and more often in the beginning; what
        // reaches one of them makes it ask as well.
        world.run_until(ms(7_100 + seconds * 1_000));
        for index in 0..2 {
            assert_eq!(world.state(index), IceState::Completed, "{seconds}");
        }
        assert!(world.send_data(0, b"\x80again"));
        world.run_until(ms(8_000 + seconds * 1_000));
        assert_eq!(world.agents[1].data, [b"\x80again"]);
    }
}

#[test]
fn a_failed_agent_is_silent() {
    let mut world = World::pair(1);
    let cut = cuttable(&mut world);
    world.run_until(ms(1_000));
    cut.set(true);
    world.run_until(ms(50_000));
    cut.set(false);
    let script = Script::new("10.0.0.9:9");
    let agent = &world.agents[0].agent;
    let check = script.request(agent, 1, &[PRIORITY, Attribute::IceControlled(1)]);
    let now = world.now;
    let peer = &mut world.agents[0];
    peer.give(now, addr(B), &check);
    assert_eq!(peer.drain(now), []);
    assert_eq!(peer.agent.stats().dropped.failed, 1);
    assert_eq!(peer.give(now, addr(B), b"\x80data"), None);
    assert_eq!(peer.agent.state(), IceState::Failed);
    assert_eq!(peer.agent.poll_timeout(), None);
}

#[test]
fn a_peer_that_asks_but_does_not_answer_gets_the_benefit_of_the_doubt_once() {
    let (mut peer, script) = connected();
    let mut states = Vec::new();
    for second in 1..40 {
        let now = ms(second * 1_000);
        peer.agent.handle_timeout(now);
        peer.drain(now);
        let check = script.request(
            &peer.agent,
            second,
            &[PRIORITY, Attribute::IceControlling(1)],
        );
        peer.give(now, script.address, &check);
        peer.drain(now);
        peer.collect(now);
        states.push((second, peer.agent.state()));
    }
    let first = |wanted| {
        let found = states.iter().find(|(_, state)| *state == wanted);
        found.map(|(second, _)| *second)
    };
    assert_eq!(first(IceState::Disconnected), Some(21));
    assert_eq!(first(IceState::Failed), Some(31));
}

/// ICE-017.
#[test]
fn ice_017_a_forbidden_revokes_consent_at_once_if_it_is_authentic() {
    let (mut peer, script) = connected();
    let (now, sent) = wake(&mut peer);
    let mut forged = script.refuse(&sent[0], 403);
    let at = forged.len() - 12;
    forged[at] ^= 1;
    peer.give(now, script.address, &forged);
    assert_eq!(peer.agent.state(), IceState::Completed);
    peer.give(now, script.address, &script.refuse(&sent[0], 403));
    assert_eq!(peer.agent.state(), IceState::Failed);
    assert_eq!(peer.agent.fail_reason(), Some(FailReason::ConsentRevoked));
    assert_eq!(peer.agent.current_path(), None);
}

/// RFC 7675 §5.1: an answer from another place is no consent.
#[test]
fn a_consent_answer_from_elsewhere_does_not_count() {
    let (mut peer, script) = connected();
    for _ in 0..100 {
        if peer.agent.state() == IceState::Failed {
            break;
        }
        let (now, sent) = wake(&mut peer);
        for check in sent {
            peer.give(now, addr("10.0.0.9:9"), &script.answer(&check, addr(A)));
        }
    }
    assert_eq!(peer.agent.state(), IceState::Failed);
    assert!(peer.agent.stats().dropped.asymmetric > 4);
}

/// After one hour with a tenth of all datagrams lost, nobody has even worried for long.
#[test]
fn loss_does_not_end_a_connection() {
    for seed in 0..20 {
        let mut world = World::pair(seed);
        world.loss = 100;
        world.run_until(ms(3_600_000));
        for index in 0..2 {
            let states = world.states(index);
            assert!(
                !states.contains(&IceState::Failed),
                "seed {seed}: {states:?}"
            );
            let worries = states
                .iter()
                .filter(|state| **state == IceState::Disconnected);
            assert!(worries.count() < 40, "seed {seed}");
        }
        assert!(world.sent.iter().all(|(_, flight)| is_stun(&flight.bytes)));
    }
}

/// The roles do not matter for what is lost, and a close is silent.
#[test]
fn a_closed_peer_is_noticed_by_the_other() {
    let mut world = World::pair(1);
    world.run_until(ms(1_000));
    world.agent(0).close();
    world.run_until(ms(60_000));
    assert_eq!(world.state(1), IceState::Failed);
    let last = world.agents[0]
        .events
        .last()
        .map(|(_, event)| event.clone());
    assert_eq!(last, Some(Event::Closed));
    let after = world
        .sent
        .iter()
        .filter(|(at, flight)| *at > ms(1_000) && flight.from == addr(A));
    assert_eq!(after.count(), 0);
}

/// Consent that is given again outweighs a check that nobody answers.
#[test]
fn a_check_without_an_answer_does_not_end_a_pair_that_has_consent() {
    let (mut peer, script) = connected();
    let mut ignored = std::collections::BTreeSet::new();
    let mut now = ms(0);
    while now < ms(200_000) {
        let (at, sent) = wake(&mut peer);
        now = at;
        let worried = peer.agent.state() == IceState::Disconnected && ignored.len() < 4;
        for check in sent {
            let id = id_in(&check);
            // Silence until the agent worries, and for the check that it makes then.
            if now < ms(11_000) || worried || ignored.contains(&id) {
                ignored.insert(id);
            } else {
                peer.give(now, script.address, &script.answer(&check, addr(A)));
            }
        }
    }
    peer.collect(now);
    let worries = peer
        .events
        .iter()
        .filter(|(_, event)| *event == Event::State(IceState::Disconnected));
    assert!(worries.count() > 0);
    assert_eq!(peer.agent.state(), IceState::Completed);
}

/// ATK-037: a peer that answers no more but goes on sending gets nothing after 30 s.
#[test]
fn atk_037_i_7_data_and_requests_of_a_silent_peer_are_no_consent() {
    let (mut peer, script) = connected();
    let mut last = ms(0);
    let mut now = ms(100);
    for id in 0..600 {
        now += Duration::from_millis(100);
        peer.agent.handle_timeout(now);
        peer.drain(now);
        peer.give(now, script.address, b"\x80still here");
        let says = [PRIORITY, Attribute::IceControlling(1)];
        let check = script.request(&peer.agent, id, &says);
        peer.give(now, script.address, &check);
        let mut buf = Vec::new();
        let mut w = pollrtc::cursor::Writer::new(&mut buf, 1200);
        let sealed = peer.agent.seal(&mut w, |w| {
            w.u8(0x80);
            true
        });
        if sealed.is_some() {
            last = now;
        }
    }
    assert!(last > ms(29_000) && last <= ms(30_100), "{last}");
    assert_eq!(peer.agent.state(), IceState::Failed);
    assert_eq!(peer.agent.poll_timeout(), None);
    assert!(now > ms(60_000));
}
