//! What an attacker can and cannot do, row by row of the attack list.

use std::net::SocketAddr;
use std::time::Duration;

use pollrtc::ice::{AddressError, CandidateError, Credentials, CredentialsError, IceState, Role};
use pollrtc::net::Path;
use pollrtc::stun::Key;
use pollrtc::wire::stun::{Attribute, Class};

use crate::support::{
    A, B, PRIORITY, Peer, Script, World, addr, build, class_of, config, error_of, host, id_of,
    key_of, ms, solo,
};

fn numbered(n: u32) -> SocketAddr {
    let [_, a, b, c] = n.to_be_bytes();
    SocketAddr::from(([10, a, b, c], 5000))
}

const CONTROLLING: Attribute<'_> = Attribute::IceControlling(1);

/// An agent whose first check was answered by the script.
fn connected() -> (Peer, Script) {
    let mut peer = solo(Role::Controlling);
    let script = Script::new(B);
    script.signal(&mut peer.agent);
    let (_, check) = peer.one(ms(0));
    peer.give(ms(10), script.address, &script.answer(&check, addr(A)));
    assert_eq!(peer.agent.state(), IceState::Connected);
    (peer, script)
}

#[test]
fn atk_029_atk_030_atk_032_requests_that_are_not_authentic_get_no_answer() {
    let mut peer = solo(Role::Controlled);
    let script = Script::new(B);
    let ours = peer.agent.local_credentials().clone();
    let key = key_of(&ours);
    let wrong = Credentials {
        ufrag: ours.ufrag.clone(),
        pwd: "wrong+wrong+wrong+wrong".to_owned(),
    };
    let name = format!("{}:x", ours.ufrag);
    let with = |name: &str, key: &Key| {
        let said = [Attribute::Username(name), PRIORITY, CONTROLLING];
        build(Class::Request, id_of(1), &said, key)
    };
    let nameless = build(Class::Request, id_of(1), &[PRIORITY, CONTROLLING], &key);
    let wrong = key_of(&wrong);
    let bad = [
        with("else:x", &key),
        with(&ours.ufrag[1..], &key),
        with(&ours.ufrag, &key),
        with(":", &key),
        with(&name, &wrong),
        nameless,
    ];
    for request in &bad {
        peer.give(ms(0), script.address, request);
    }
    let mut bare = with(&name, &key);
    bare.truncate(bare.len() - 8);
    let length = u16::try_from(bare.len() - 20).expect("short").to_be_bytes();
    bare[2..4].copy_from_slice(&length);
    peer.give(ms(0), script.address, &bare);
    let dropped = peer.agent.stats().dropped;
    assert_eq!((dropped.unauthenticated, dropped.no_fingerprint), (6, 1));
    assert_eq!(peer.drain(ms(0)), []);
    assert_eq!(peer.agent.remote_candidates().count(), 0);

    let good = with(&name, &key);
    peer.give(ms(0), script.address, &good);
    let (_, answer) = peer.one(ms(0));
    assert_eq!(class_of(&answer), Class::Success);
    assert!(answer.len() <= good.len(), "no amplification");
}

#[test]
fn ice_028_an_authentic_request_with_unknown_demands_gets_a_420() {
    let mut peer = solo(Role::Controlled);
    let script = Script::new(B);
    let strange = Attribute::Unknown {
        kind: 0x7abc,
        bytes: &[],
    };
    let request = script.request(&peer.agent, 1, &[PRIORITY, CONTROLLING, strange]);
    peer.give(ms(0), script.address, &request);
    assert_eq!(error_of(&peer.one(ms(0)).1), Some(420));
    assert_eq!(peer.agent.remote_candidates().count(), 0);

    let request = script.request(&peer.agent, 2, &[CONTROLLING]);
    peer.give(ms(0), script.address, &request);
    assert_eq!(error_of(&peer.one(ms(0)).1), Some(400), "no priority");
}

#[test]
fn ice_029_atk_040_answers_that_are_not_authentic_change_nothing() {
    let mut peer = solo(Role::Controlling);
    let script = Script::new(B);
    script.signal(&mut peer.agent);
    let (_, check) = peer.one(ms(0));
    let mut other = Script::new(B);
    other.credentials.pwd = "another+password+entirely".to_owned();
    let stranger = Script::new_with(B, &other.credentials);
    for forged in [
        stranger.answer(&check, addr(A)),
        stranger.refuse(&check, 487),
        stranger.refuse(&check, 400),
    ] {
        peer.give(ms(5), script.address, &forged);
    }
    assert_eq!(peer.agent.stats().dropped.unauthenticated, 3);
    let unasked = script.request(&peer.agent, 99, &[]);
    peer.give(ms(5), script.address, &script.answer(&unasked, addr(A)));
    assert_eq!(peer.agent.stats().dropped.unknown_transaction, 1);
    assert_eq!(peer.agent.role(), Role::Controlling);
    assert_eq!(peer.agent.state(), IceState::Checking);
    peer.give(ms(6), script.address, &script.answer(&check, addr(A)));
    assert_eq!(peer.agent.state(), IceState::Connected);
    peer.give(ms(7), script.address, &script.answer(&check, addr(A)));
    assert_eq!(
        peer.agent.stats().dropped.unknown_transaction,
        2,
        "a replay"
    );
}

#[test]
fn atk_001_data_passes_only_on_a_path_that_a_check_has_proved() {
    let (mut peer, script) = connected();
    let hello = b"\x16\xfe\xfd a client hello";
    assert_eq!(peer.give(ms(20), addr("10.0.0.9:9"), hello), None);
    assert_eq!(peer.agent.stats().dropped.unproved_path, 1);
    assert_eq!(
        peer.give(ms(20), script.address, hello),
        Some(hello.to_vec())
    );

    // A path that is only signalled is not proved either.
    let other = addr("10.0.0.3:3000");
    peer.agent
        .add_remote_candidate(host(other, 5))
        .expect("room");
    assert_eq!(peer.give(ms(20), other, hello), None);
    let check = script.request(&peer.agent, 5, &[PRIORITY, Attribute::IceControlled(1)]);
    peer.give(ms(20), other, &check);
    assert_eq!(peer.give(ms(20), other, hello), Some(hello.to_vec()));
}

#[test]
fn a_flood_of_requests_fills_16_replies_and_no_more() {
    let (mut peer, script) = connected();
    peer.drain(ms(60));
    for id in 0..1000 {
        let check = script.request(&peer.agent, id, &[PRIORITY, Attribute::IceControlled(1)]);
        peer.give(ms(60), script.address, &check);
        // The same once more: it waits already.
        peer.give(ms(60), script.address, &check);
    }
    assert_eq!(peer.agent.stats().dropped.replies_full, 2 * 1000 - 16);
    assert_eq!(peer.drain(ms(60)).len(), 16);
}

#[test]
fn atk_036_checks_from_ten_thousand_addresses_make_64_candidates() {
    for knows_peer in [false, true] {
        let mut peer = solo(Role::Controlled);
        let script = Script::new(B);
        if knows_peer {
            script.signal(&mut peer.agent);
        }
        let mut sent = 0;
        for n in 0..10_000 {
            let now = ms(u64::from(n));
            let check = script.request(&peer.agent, u64::from(n), &[PRIORITY, CONTROLLING]);
            peer.give(now, numbered(n), &check);
            sent += peer
                .drain(now)
                .iter()
                .filter(|(_, b)| class_of(b) == Class::Request)
                .count();
        }
        let limit = if knows_peer { 64 } else { 16 };
        assert_eq!(peer.agent.remote_candidates().count(), limit);
        assert_eq!(peer.agent.pairs().count(), limit);
        let dropped = peer.agent.stats().dropped.candidates_full;
        assert!(dropped >= 10_000 - 64);
        // One new check each 50 ms, whatever comes in.
        assert!(sent <= 10_000 / 50 + 1 + 64 * 7, "{sent}");
    }
}

#[test]
fn ice_036_atk_033_atk_034_ten_thousand_candidates_make_a_bounded_number_of_checks() {
    let mut peer = solo(Role::Controlling);
    let script = Script::new(B);
    peer.agent
        .set_remote_credentials(script.credentials.clone())
        .expect("valid");
    for n in 0..10_000 {
        let added = peer.agent.add_remote_candidate(host(numbered(n), n + 1));
        assert_eq!(added.is_ok(), n < 64);
    }
    assert_eq!(peer.agent.pairs().count(), 64);
    let mut sent = std::collections::BTreeMap::new();
    let mut now = ms(0);
    for _ in 0..100_000 {
        for (path, _) in peer.drain(now) {
            *sent.entry(path.remote).or_insert(0) += 1;
        }
        let Some(next) = peer.agent.poll_timeout() else {
            break;
        };
        now = next;
        peer.agent.handle_timeout(now);
    }
    assert_eq!(peer.agent.state(), IceState::Failed);
    assert_eq!(sent.len(), 64);
    assert!(sent.values().all(|count| *count <= 7), "7 tries for each");
}

#[test]
fn ice_009_the_pairs_of_64_by_16_candidates_are_100_and_the_best() {
    let locals: Vec<String> = (0..16).map(|n| format!("10.1.0.{n}:1000")).collect();
    let locals: Vec<&str> = locals.iter().map(String::as_str).collect();
    let roles = [Role::Controlling; 2];
    let mut world = World::with(1, config(), [&locals, &[B]], roles);
    let agent = world.agent(0);
    for n in 0..64 {
        let candidate = host(numbered(n), 2_130_000_000 + n * 1000);
        assert_eq!(agent.add_remote_candidate(candidate), Ok(()));
    }
    assert_eq!(agent.pairs().count(), 100);
    assert_eq!(agent.stats().pairs_pruned, 64 * 16 - 100);
    let kept = agent
        .pairs()
        .map(|pair| pair.priority)
        .min()
        .expect("pairs");
    let best_remote = agent.pairs().map(|pair| pair.remote.priority).max();
    assert_eq!(best_remote, Some(2_130_063_000));
    let worst_remote = agent.pairs().map(|pair| pair.remote.priority).min();
    assert!(
        worst_remote > Some(2_130_050_000),
        "{worst_remote:?} {kept}"
    );
}

/// ATK-038: a peer that never agrees about the roles gets a bounded number of checks.
#[test]
fn atk_038_endless_role_conflicts_end() {
    let mut peer = solo(Role::Controlling);
    let script = Script::new(B);
    script.signal(&mut peer.agent);
    let mut now = ms(0);
    let mut checks = 0;
    for _ in 0..1000 {
        for (path, bytes) in peer.drain(now) {
            checks += 1;
            peer.give(now, path.remote, &script.refuse(&bytes, 487));
        }
        peer.collect(now);
        let Some(next) = peer.agent.poll_timeout() else {
            break;
        };
        now = next;
        peer.agent.handle_timeout(now);
    }
    assert_eq!(checks, 8);
    assert_eq!(peer.agent.state(), IceState::Failed);
}

#[test]
fn atk_035_addresses_where_nobody_is_are_refused() {
    let mut peer = solo(Role::Controlling);
    for (address, error) in [
        ("0.0.0.0:9", CandidateError::Unreachable),
        ("[::]:9", CandidateError::Unreachable),
        ("10.0.0.1:0", CandidateError::Unreachable),
        ("224.0.0.1:9", CandidateError::Unreachable),
        ("255.255.255.255:9", CandidateError::Unreachable),
        ("[ff02::1]:9", CandidateError::Unreachable),
        ("[::ffff:10.0.0.1]:9", CandidateError::Unreachable),
    ] {
        let added = peer.agent.add_remote_candidate(host(addr(address), 1));
        assert_eq!(added, Err(error), "{address}");
    }
    for priority in [0, 1 << 31, u32::MAX] {
        let added = peer.agent.add_remote_candidate(host(addr(B), priority));
        assert_eq!(added, Err(CandidateError::Priority));
    }
    let mut second = host(addr(B), 1);
    second.component = 2;
    let added = peer.agent.add_remote_candidate(second);
    assert_eq!(added, Err(CandidateError::Unsupported));
    for (address, error) in [
        ("0.0.0.0:9", AddressError::Unspecified),
        ("[::]:9", AddressError::Unspecified),
        ("10.0.0.5:0", AddressError::Unreachable),
        ("[::ffff:10.0.0.1]:9", AddressError::Unreachable),
        (A, AddressError::Duplicate),
    ] {
        let added = peer.agent.add_local_address(addr(address));
        assert_eq!(added, Err(error), "{address}");
    }
    assert_eq!(peer.agent.pairs().count(), 0);
}

/// ICE-006, ICE-007, ATK-039.
#[test]
fn ice_007_candidates_of_other_credentials_are_ignored() {
    let of = |address: &str, ufrag: &str| {
        let mut candidate = host(addr(address), 7);
        candidate.ufrag = Some(ufrag.to_owned());
        candidate
    };
    let mut peer = solo(Role::Controlling);
    let script = Script::new(B);
    let agent = &mut peer.agent;
    agent
        .add_remote_candidate(of("10.0.0.8:1", "older"))
        .expect("kept until then");
    agent
        .add_remote_candidate(of("10.0.0.7:1", "script"))
        .expect("kept until then");
    assert_eq!(
        agent.set_remote_credentials(script.credentials.clone()),
        Ok(())
    );
    let refused = agent.add_remote_candidate(of("10.0.0.6:1", "older"));
    assert_eq!(refused, Err(CandidateError::OtherUfrag));
    agent
        .add_remote_candidate(of("10.0.0.8:1", "script"))
        .expect("the same place again");
    agent
        .add_remote_candidate(host(addr(B), 7))
        .expect("ice_006: of the newest");
    let mut remotes: Vec<_> = agent.pairs().map(|pair| pair.path.remote).collect();
    remotes.sort_unstable();
    assert_eq!(remotes, [addr(B), addr("10.0.0.7:1"), addr("10.0.0.8:1")]);

    let mut other = script.credentials.clone();
    assert_eq!(agent.set_remote_credentials(other.clone()), Ok(()));
    other.ufrag = "another".to_owned();
    let refused = agent.set_remote_credentials(other);
    assert_eq!(refused, Err(CredentialsError::AlreadySet));
}

#[test]
fn noise_of_every_first_byte_is_dropped_and_counted() {
    let (mut peer, script) = connected();
    for first in 0..=255_u8 {
        let noise = [first, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42, 1, 2, 3];
        let data = peer.give(ms(20), addr("10.7.7.7:7"), &noise);
        assert_eq!(data, None);
        let data = peer.give(ms(20), script.address, &noise);
        assert_eq!(data.is_some(), first > 3);
    }
    let dropped = peer.agent.stats().dropped;
    assert_eq!((dropped.malformed, dropped.unproved_path), (8, 252));
    assert_eq!(peer.give(ms(20), script.address, &[]), Some(Vec::new()));
}

/// A network that loses, repeats and reorders, and an attacker who sends again,
/// from elsewhere, whatever was ever sent.
#[test]
fn replays_from_elsewhere_and_a_bad_network_do_not_hinder_any_seed() {
    for seed in 0..100 {
        let mut world = World::strangers(seed);
        world.loss = 100;
        world.duplicates = 300;
        world.jitter = Duration::from_millis(200);
        world.introduce();
        let mut replays = 0;
        while world.now < ms(20_000) && world.step() {
            let nth = world.rng.below(world.sent.len() as u64);
            let (_, mut flight) = world.sent[usize::try_from(nth).expect("small")].clone();
            flight.from = numbered(replays % 100);
            world.receive(flight);
            replays += 1;
            for peer in &world.agents {
                assert!(peer.agent.remote_candidates().count() <= 64);
                assert!(peer.agent.pairs().count() <= 64);
            }
        }
        assert!(replays > 100);
        for (index, local, remote) in [(0, A, B), (1, B, A)] {
            let pair = world.agent(index).selected_pair().expect("a pair");
            let path = Path::udp(addr(local), addr(remote));
            assert_eq!(pair.path, path, "seed {seed}");
        }
        assert!(world.agents.iter().all(|peer| peer.data.is_empty()));
    }
}

/// A check may come before the peer's password, however many candidates came
/// before it.
#[test]
fn early_checks_have_room_beside_signalled_candidates() {
    let mut peer = solo(Role::Controlled);
    let script = Script::new(B);
    for n in 0..20 {
        peer.agent
            .add_remote_candidate(host(numbered(n), 5))
            .expect("room");
    }
    let check = script.request(&peer.agent, 1, &[PRIORITY, CONTROLLING]);
    peer.give(ms(0), script.address, &check);
    assert_eq!(class_of(&peer.one(ms(0)).1), Class::Success);
    assert_eq!(peer.agent.remote_candidates().count(), 21);
}

/// A peer that moves more often than there is room for candidates.
#[test]
fn a_peer_that_moves_all_the_time_finds_room() {
    let (mut peer, script) = connected();
    let mut now = ms(100);
    for n in 0..300 {
        let says = [PRIORITY, Attribute::IceControlled(1)];
        let check = script.request(&peer.agent, u64::from(n), &says);
        peer.give(now, numbered(n), &check);
        // It is asked there, but has moved on, or answers only at the first place.
        let end = now + Duration::from_secs(10);
        while now < end {
            for (path, bytes) in peer.drain(now) {
                if class_of(&bytes) == Class::Request && path.remote == script.address {
                    peer.give(now, path.remote, &script.answer(&bytes, addr(A)));
                }
            }
            now = peer.agent.poll_timeout().map_or(end, |next| next.min(end));
            peer.agent.handle_timeout(now);
        }
        assert!(peer.agent.remote_candidates().count() <= 64);
    }
    assert_eq!(peer.agent.stats().dropped.candidates_full, 0);
    let path = peer.agent.current_path().expect("it still works");
    assert_eq!(path.remote, script.address);
}

/// Somebody repeats an authentic check from elsewhere. Data from there is let in
/// (RFC 8445 §12.2: it may overtake the answer to our own check), but only until our
/// own check has shown that nobody answers there.
#[test]
fn a_replayed_check_opens_the_door_to_data_only_for_a_while() {
    let (mut peer, script) = connected();
    let elsewhere = addr("10.6.6.6:6");
    let check = script.request(&peer.agent, 7, &[PRIORITY, Attribute::IceControlled(1)]);
    peer.give(ms(100), script.address, &check);
    peer.give(ms(100), elsewhere, &check);
    let hello = b"\x16\xfe\xfd";
    assert_eq!(peer.give(ms(100), elsewhere, hello), Some(hello.to_vec()));
    let mut now = ms(100);
    let mut towards = 0;
    while now < ms(60_000) {
        for (path, bytes) in peer.drain(now) {
            towards += usize::from(path.remote == elsewhere);
            if class_of(&bytes) == Class::Request && path.remote != elsewhere {
                peer.give(now, path.remote, &script.answer(&bytes, addr(A)));
            }
        }
        now = peer.agent.poll_timeout().expect("consent is asked");
        peer.agent.handle_timeout(now);
    }
    assert_eq!(peer.give(now, elsewhere, hello), None);
    assert_eq!(towards, 1 + 7, "an answer and seven checks");
    let path = peer.agent.current_path().expect("nothing else changed");
    assert_eq!(path.remote, script.address);
}
