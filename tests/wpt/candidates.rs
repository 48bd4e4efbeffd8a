//! Candidates: when they are told, which of them are needed, what becomes of bad ones.

use std::time::Duration;

use pollrtc::crypto::rust_crypto::PROVIDER;
use pollrtc::ice::{IceServer, PairState};
use pollrtc::net::Candidate;
use pollrtc::peer::{
    CandidatePairStats, ChannelConfig, Config, Description, Event, IceCandidate,
    IceConnectionState, LocalCandidate,
};
use pollrtc::sim::{Fact, TurnServerConfig};

use crate::states::without_candidates;
use crate::support::{ALICE, BOB, Pair};

fn offering() -> Pair {
    offering_with(Config::new())
}

fn offering_with(alice: Config) -> Pair {
    let mut pair = Pair::with(alice, Config::new());
    pair.call(ALICE, |pc| {
        pc.create_data_channel("x", ChannelConfig::default())
    })
    .unwrap();
    pair.take_events(ALICE);
    pair
}

/// An exchange whose descriptions may lack their candidates.
fn exchange(pair: &mut Pair, [alice, bob]: [bool; 2]) {
    let keep = |description: Description, is_kept: bool| match is_kept {
        true => description,
        false => without_candidates(&description),
    };
    let offer = keep(pair.describe(ALICE), alice);
    pair.tell(BOB, &offer).unwrap();
    let answer = keep(pair.describe(BOB), bob);
    pair.tell(ALICE, &answer).unwrap();
}

fn told_candidates(told: &[Event]) -> Vec<Option<LocalCandidate>> {
    let candidates = told.iter().filter_map(|event| match event {
        Event::IceCandidate(candidate) => Some(candidate.clone()),
        _ => None,
    });
    candidates.collect()
}

fn trickle(pair: &mut Pair, side: usize, candidate: Option<&LocalCandidate>) {
    let host = pair.hosts[side];
    pair.world.trickle(host, candidate).unwrap();
}

/// The other learns where it is from the checks that come.
#[test]
fn wpt_010_and_130_one_side_knows_where_the_other_is() {
    for knows in [[true, false], [false, true]] {
        let mut pair = offering();
        exchange(&mut pair, knows);
        pair.run(Duration::from_secs(2));
        assert!(pair.is_connected(), "{knows:?}");
        let learned = pair.machine(usize::from(knows[0])).selected_pair().unwrap();
        assert!(learned.path.local.port() > 0);
    }
}

#[test]
fn wpt_011_and_130_candidates_are_told_after_the_description_is_set() {
    let mut pair = offering();
    let told = pair.take_events(ALICE);
    assert!(told_candidates(&told).is_empty());
    let offer = pair.describe(ALICE);
    pair.tell(BOB, &offer).unwrap();
    // Not yet: the answerer has not said anything.
    assert!(told_candidates(&pair.take_events(BOB)).is_empty());
    let answer = pair.describe(BOB);
    pair.tell(ALICE, &answer).unwrap();
    for side in [ALICE, BOB] {
        let told = pair.take_events(side);
        let place = |is_it: fn(&Event) -> bool| told.iter().position(is_it);
        let set = place(|event| matches!(event, Event::SignalingState(_)));
        let first = place(|event| matches!(event, Event::IceCandidate(_)));
        assert!(first > set, "{told:?}");
    }
}

#[test]
fn wpt_130_candidates_by_post() {
    let mut pair = offering();
    exchange(&mut pair, [false; 2]);
    pair.run(Duration::from_secs(1));
    assert!(!pair.is_connected());
    for side in [ALICE, BOB] {
        let told = pair.take_events(side);
        for candidate in told_candidates(&told) {
            trickle(&mut pair, 1 - side, candidate.as_ref());
        }
    }
    pair.run(Duration::from_secs(2));
    assert!(pair.is_connected());
}

/// Alice is told only that there will be no candidates; Bob's checks show her the way.
#[test]
fn wpt_130_only_the_end_of_candidates() {
    let mut pair = offering();
    exchange(&mut pair, [true, false]);
    trickle(&mut pair, ALICE, None);
    pair.run(Duration::from_secs(2));
    assert!(pair.is_connected());
}

#[test]
fn wpt_012_a_candidate_of_tcp() {
    let mut pair = offering();
    exchange(&mut pair, [true; 2]);
    let line = "candidate:1 1 tcp 1518280447 198.51.100.2 9 typ host tcptype active";
    pair.call(ALICE, |pc| {
        pc.add_ice_candidate(IceCandidate {
            candidate: line,
            sdp_mid: Some("0"),
            sdp_mline_index: None,
            username_fragment: None,
        })
    })
    .unwrap();
    let described = pair.machine(ALICE).remote_description().unwrap();
    assert!(described.sdp.contains(line), "{}", described.sdp);
    pair.run(Duration::from_secs(2));
    assert!(pair.is_connected());
}

/// A server in the world, and a connection that asks it.
fn with_server(url: &str) -> Pair {
    let mut config = Config::new();
    let server = IceServer::with_login(url.parse().unwrap(), "user", "secret");
    config.ice.servers.push(server);
    let mut pair = offering_with(config);
    let address = ([203, 0, 113, 3], 3478).into();
    let relays = (0..4).map(|n| ([203, 0, 113, 3], 50_000 + n).into());
    let server = TurnServerConfig::new(&PROVIDER, address, relays.collect(), ("user", "other"));
    pair.world.add_turn_server("server", server);
    let host = pair.hosts[ALICE];
    for address in [address, ([203, 0, 113, 99], 3478).into()] {
        pair.world.note(host, Fact::Server(address));
    }
    pair
}

/// As far as events were taken, description and events say the same.
#[test]
fn wpt_022_the_description_has_what_was_told() {
    let mut pair = with_server("stun:203.0.113.3");
    let mut told = Vec::new();
    pair.describe(ALICE);
    for _ in 0..100 {
        told.extend(told_candidates(&pair.take_events(ALICE)));
        let sdp = pair.machine(ALICE).local_description().unwrap().sdp;
        let lines = sdp.lines().filter_map(|line| line.strip_prefix("a="));
        let described: Vec<&str> = lines
            .filter(|line| line.starts_with("candidate:"))
            .collect();
        let known = told.iter().flatten().map(|one| one.candidate.as_str());
        assert_eq!(described, known.collect::<Vec<_>>());
        assert_eq!(sdp.contains("a=end-of-candidates"), told.contains(&None));
        pair.run(Duration::from_millis(10));
    }
    assert!(told.contains(&None));
    let ours = pair.machine(ALICE).ice().local_candidates();
    assert!(ours.count() > 0);
}

fn errors(told: &[Event]) -> Vec<(String, u16)> {
    let errors = told.iter().filter_map(|event| match event {
        Event::IceCandidateError { url, code, .. } => Some((url.to_string(), *code)),
        _ => None,
    });
    errors.collect()
}

#[test]
fn wpt_047_servers_that_give_nothing() {
    // Nobody is there.
    let mut pair = with_server("stun:203.0.113.99:3478");
    pair.describe(ALICE);
    pair.run(Duration::from_secs(60));
    let told = errors(&pair.take_events(ALICE));
    assert_eq!(told, [("stun:203.0.113.99".to_string(), 701)]);
    // The password is another.
    let mut pair = with_server("turn:203.0.113.3:3478");
    pair.describe(ALICE);
    pair.run(Duration::from_secs(60));
    let told = errors(&pair.take_events(ALICE));
    assert!(!told.is_empty());
    for (url, code) in told {
        assert_eq!((url.as_str(), code), ("turn:203.0.113.3", 401));
    }
}

#[test]
fn wpt_107_both_ends_of_the_pair() {
    let mut pair = offering();
    for side in [ALICE, BOB] {
        assert!(pair.machine(side).selected_pair().is_none());
        assert_eq!(pair.machine(side).ice().remote_candidates().count(), 0);
    }
    exchange(&mut pair, [true; 2]);
    pair.run(Duration::from_secs(2));
    let [ours, theirs] = [ALICE, BOB].map(|side| pair.machine(side).selected_pair().unwrap());
    assert_eq!(ours.local.address, theirs.remote.address);
    assert_eq!(ours.remote.address, theirs.local.address);
    assert_eq!(ours.path.local, theirs.path.remote);
    for side in [ALICE, BOB] {
        let [here, there] = [side, 1 - side].map(|side| pair.machine(side).ice());
        let addresses = |all: Vec<&Candidate>| -> Vec<_> {
            all.iter().map(|one| one.address.clone()).collect()
        };
        assert_eq!(
            addresses(here.local_candidates().collect()),
            addresses(there.remote_candidates().collect())
        );
        let credentials = here.local_credentials();
        let described = pair.machine(1 - side).remote_description().unwrap().sdp;
        assert!(described.contains(&format!("a=ice-ufrag:{}\r\n", credentials.ufrag)));
        assert!(described.contains(&format!("a=ice-pwd:{}\r\n", credentials.pwd)));
    }
}

#[test]
fn wpt_140_a_candidate_that_leads_nowhere() {
    let mut pair = offering();
    let offer = pair.describe(ALICE);
    assert!(offer.sdp.contains("a=ice-options:trickle"));
    pair.tell(BOB, &without_candidates(&offer)).unwrap();
    let answer = without_candidates(&pair.describe(BOB));
    pair.tell(ALICE, &answer).unwrap();
    pair.take_events(ALICE);
    let line = "candidate:1 1 udp 2122194687 198.51.100.200 9 typ host";
    let host = pair.hosts[ALICE];
    pair.world.note_candidate(host, line);
    pair.call(ALICE, |pc| {
        pc.add_ice_candidate(IceCandidate {
            candidate: line,
            sdp_mid: Some("0"),
            sdp_mline_index: None,
            username_fragment: None,
        })
    })
    .unwrap();
    trickle(&mut pair, ALICE, None);
    pair.run(Duration::from_secs(90));
    let states = pair.take_events(ALICE);
    let states: Vec<_> = states
        .iter()
        .filter_map(|event| match event {
            Event::IceConnectionState(state) => Some(*state),
            _ => None,
        })
        .collect();
    let [checking, failed] = [IceConnectionState::Checking, IceConnectionState::Failed];
    assert_eq!(states, [checking, failed]);
}

#[test]
fn wpt_140_candidates_that_lead_there() {
    let mut pair = offering();
    exchange(&mut pair, [true; 2]);
    pair.run(Duration::from_secs(2));
    for side in [ALICE, BOB] {
        let state = pair.machine(side).ice_connection_state();
        assert!(state.is_connected());
    }
}

#[test]
fn wpt_161_the_pair_in_use() {
    let mut pair = offering();
    exchange(&mut pair, [true; 2]);
    pair.run(Duration::from_secs(2));
    let now = pair.world.now();
    for side in [ALICE, BOB] {
        let report = pair.machine(side).get_stats(now);
        let pairs = report.candidate_pairs.iter();
        let used = |one: &&CandidatePairStats| one.nominated && one.state == PairState::Succeeded;
        let used: Vec<_> = pairs.filter(used).collect();
        let [used] = used[..] else {
            panic!("one pair is in use");
        };
        let transport = &report.transports[0];
        assert_eq!(used.transport_id, transport.id);
        assert_eq!(transport.selected_candidate_pair_id, Some(used.id));
    }
}

/// The address of somebody who was not told of shows only where packets come from.
#[test]
fn wpt_162_addresses_that_nobody_told() {
    let mut pair = offering();
    exchange(&mut pair, [false, true]);
    pair.run(Duration::from_secs(2));
    let addresses = |pair: &Pair| -> Vec<Option<String>> {
        let report = pair.machine(BOB).get_stats(pair.world.now());
        let remote = report.remote_candidates.iter();
        remote.map(|one| one.address.clone()).collect()
    };
    assert!(pair.is_connected());
    assert_eq!(addresses(&pair), [None]);
    let told = pair.take_events(ALICE);
    for candidate in told_candidates(&told) {
        trickle(&mut pair, BOB, candidate.as_ref());
    }
    assert_eq!(addresses(&pair), [Some("192.0.2.1".to_string())]);
}
