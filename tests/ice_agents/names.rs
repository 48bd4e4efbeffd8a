//! Names in the place of addresses (draft-ietf-mmusic-mdns-ice-candidates).

use pollrtc::ice::{CandidateError, Event, IceConfig, IceState};
use pollrtc::net::{Candidate, CandidateAddress, CandidateKind};

use crate::net::{Net, config, stun, turn};
use crate::support::{addr, host};

const A: &str = "10.0.0.1:1000";
const B: &str = "10.0.0.2:2000";
const S: &str = "203.0.113.1:3478";
const NAME: &str = "5a1c5d1e-7d5c-4b8e-9c1c-0a1b2c3d4e5f.local";

fn hidden() -> IceConfig {
    IceConfig {
        hide_addresses: true,
        ..config()
    }
}

fn named(name: &str, port: u16) -> Candidate {
    Candidate {
        address: CandidateAddress::Name {
            host: name.to_owned(),
            port,
        },
        ..host(addr(B), 1_000)
    }
}

fn resolves(net: &Net, index: usize) -> Vec<String> {
    let events = net.hosts[index].events.iter();
    events
        .filter_map(|event| match event {
            Event::Resolve(name) => Some(name.clone()),
            _ => None,
        })
        .collect()
}

/// ICE-032: one name for all candidates of an address, and no address anywhere.
#[test]
fn ice_032_addresses_are_hidden_behind_names() {
    let mut net = Net::new(1);
    net.add_server(S);
    let servers = vec![stun("stun:203.0.113.1")];
    let config = IceConfig {
        servers,
        tcp: true,
        ..hidden()
    };
    net.add_host(config, &[A, "10.0.0.1:1001", "10.0.0.9:5"]);
    for (private, public) in [(A, 1), ("10.0.0.1:1001", 2), ("10.0.0.9:5", 3)] {
        net.nat
            .insert(addr(private), ([198, 51, 100, 1], public).into());
    }
    net.gather();
    net.run_until(1_000);
    let told = net.told(0);
    let names: Vec<_> = told
        .iter()
        .filter_map(|candidate| match &candidate.address {
            CandidateAddress::Name { host, .. } => Some(host.clone()),
            CandidateAddress::Ip(_) => None,
        })
        .collect();
    assert_eq!(names.len(), 5, "three sockets, two ways to connect");
    assert!(
        names
            .iter()
            .all(|name| name.len() == 42 && name.ends_with(".local"))
    );
    let mut different = names.clone();
    different.sort_unstable();
    different.dedup();
    assert_eq!(different.len(), 2);
    let reflexive = net.candidates(0, CandidateKind::ServerReflexive);
    assert_eq!(reflexive.len(), 3);
    assert!(
        reflexive
            .iter()
            .all(|candidate| candidate.related == Some(addr("0.0.0.0:9")))
    );
    assert!(!format!("{told:?}").contains("10.0.0."));
}

#[test]
fn names_are_resolved_by_the_application() {
    let mut net = Net::new(1);
    net.add_host(hidden(), &[A]);
    net.add_host(hidden(), &[B]);
    net.gather();
    net.run_until(10);
    for (index, address) in [(0, A), (1, B)] {
        let CandidateAddress::Name { host, .. } = net.told(index)[0].address.clone() else {
            panic!("a name");
        };
        net.names.insert(host, vec![addr(address).ip()]);
    }
    net.introduce();
    net.run_while(5_000, |net| !net.both_completed());
    assert!(net.both_completed());
    assert_eq!(resolves(&net, 0).len(), 1);
    // What the application is shown keeps the secret, too.
    let pair = net.hosts[0].agent.selected_pair().expect("a pair");
    assert!(matches!(pair.remote.address, CandidateAddress::Name { .. }));
    assert!(matches!(pair.local.address, CandidateAddress::Name { .. }));
    assert_eq!(pair.path.remote, addr(B));
}

/// RFC 6762: with sockets of multicast DNS nobody else is asked.
#[test]
fn ice_032_names_are_resolved_over_multicast() {
    let mut net = Net::new(1);
    net.add_host(hidden(), &[A]);
    net.add_host(hidden(), &[B]);
    net.join_mdns(0, "10.0.0.1:5353");
    net.join_mdns(1, "10.0.0.2:5353");
    net.gather();
    net.run_until(10);
    net.introduce();
    net.run_while(5_000, |net| !net.both_completed());
    assert!(net.both_completed());
    assert!(resolves(&net, 0).is_empty() && resolves(&net, 1).is_empty());
    let end = net.now.as_millis() + 60_000;
    net.run_until(end);
    assert!(net.both_completed());
}

#[test]
fn a_name_that_nobody_has_is_forgotten() {
    let mut net = Net::new(1);
    net.add_host(config(), &[A]);
    net.join_mdns(0, "10.0.0.1:5353");
    net.agent(0).gather();
    assert_eq!(net.agent(0).add_remote_candidate(named(NAME, 5)), Ok(()));
    net.run_until(60_000);
    assert_eq!(net.agent(0).remote_candidates().count(), 0);
    assert_eq!(net.agent(0).poll_timeout(), None);
    assert_eq!(net.agent(0).resolved(NAME, &[addr(B).ip()]), ());
    assert_eq!(net.agent(0).remote_candidates().count(), 0);
}

/// ICE-032, ATK-033: names that would be asked of the world's servers are refused.
#[test]
fn ice_032_atk_033_other_names_are_refused() {
    let mut net = Net::new(1);
    net.add_host(config(), &[A]);
    let agent = net.agent(0);
    for name in [
        "example.org",
        "a.b.local",
        "local",
        ".local",
        "x.local.example",
        "",
    ] {
        let added = agent.add_remote_candidate(named(name, 5));
        assert_eq!(added, Err(CandidateError::Unsupported), "{name}");
    }
    let added = agent.add_remote_candidate(named(NAME, 0));
    assert_eq!(added, Err(CandidateError::Unreachable));
    let absurd = Candidate {
        priority: 0,
        ..named(NAME, 5)
    };
    assert_eq!(
        agent.add_remote_candidate(absurd),
        Err(CandidateError::Priority)
    );
    net.collect(0);
    assert_eq!(resolves(&net, 0), [] as [String; 0]);
}

/// ATK-033: a flood of names.
#[test]
fn atk_033_names_that_wait_are_bounded() {
    let mut net = Net::new(1);
    net.add_host(config(), &[A]);
    let mut results = Vec::new();
    for number in 0..10_000 {
        let name = format!("{number:08x}.local");
        results.push(net.agent(0).add_remote_candidate(named(&name, 5)).is_ok());
    }
    assert_eq!(results.iter().filter(|ok| **ok).count(), 16);
    let mut asked = 0;
    while let Some(event) = net.agent(0).poll_event() {
        asked += usize::from(matches!(event, Event::Resolve(_)));
    }
    assert_eq!(asked, 16);
    // An answer that nobody waits for, and one with absurd addresses.
    net.agent(0).resolved("ffffffff.local", &[addr(B).ip()]);
    net.agent(0).resolved(
        "00000000.local",
        &[addr("224.0.0.1:0").ip(), addr("0.0.0.0:0").ip()],
    );
    assert_eq!(net.agent(0).remote_candidates().count(), 0);
    // There is room again.
    assert_eq!(net.agent(0).add_remote_candidate(named(NAME, 5)), Ok(()));
}

/// One question for several candidates of a name; each gets its port.
#[test]
fn candidates_of_one_name_are_resolved_together() {
    let mut net = Net::new(1);
    net.add_host(config(), &[A]);
    for port in [5, 6, 5] {
        assert_eq!(net.agent(0).add_remote_candidate(named(NAME, port)), Ok(()));
    }
    net.agent(0).resolved(&NAME.to_uppercase(), &[addr(B).ip()]);
    net.collect(0);
    assert_eq!(resolves(&net, 0).len(), 1);
    let mut paths: Vec<_> = net.agent(0).pairs().map(|pair| pair.path.remote).collect();
    paths.sort_unstable();
    assert_eq!(paths, [addr("10.0.0.2:5"), addr("10.0.0.2:6")]);
}

/// ICE-033: the relay is not told which address hides behind a name.
#[test]
fn ice_033_relays_do_not_pair_with_names() {
    let mut net = Net::new(1);
    net.add_server(S);
    let servers = vec![turn("turn:203.0.113.1")];
    net.add_host(
        IceConfig {
            servers,
            ..config()
        },
        &[A],
    );
    net.gather();
    net.run_until(500);
    assert_eq!(net.candidates(0, CandidateKind::Relayed).len(), 1);
    assert_eq!(net.agent(0).add_remote_candidate(named(NAME, 5)), Ok(()));
    net.agent(0).resolved(NAME, &[addr(B).ip()]);
    assert_eq!(net.agent(0).pairs().count(), 1);
    assert_eq!(
        net.agent(0)
            .add_remote_candidate(host(addr("10.0.0.3:1"), 5)),
        Ok(())
    );
    assert_eq!(net.agent(0).pairs().count(), 3);
}

/// A check that comes before its name is resolved makes one candidate, not two.
#[test]
fn a_name_that_is_resolved_late_finds_what_checks_had_shown() {
    let mut net = Net::new(1);
    net.add_host(config(), &[A]);
    net.add_host(hidden(), &[B]);
    net.gather();
    net.run_until(10);
    net.introduce();
    net.run_until(3_000);
    assert!(
        net.state(0).is_connected(),
        "the peer's checks tell where it is"
    );
    let CandidateAddress::Name { host, .. } = net.told(1)[0].address.clone() else {
        panic!("a name");
    };
    assert_eq!(net.agent(0).remote_candidates().count(), 1);
    // The harness had said that the name is not found.
    let late = Candidate {
        ufrag: None,
        ..net.told(1)[0].clone()
    };
    net.names.insert(host, vec![addr(B).ip()]);
    assert_eq!(net.agent(0).add_remote_candidate(late), Ok(()));
    net.run_until(4_000);
    let remotes: Vec<_> = net.hosts[0].agent.remote_candidates().collect();
    assert_eq!(remotes.len(), 1);
    assert_eq!(remotes[0].kind, CandidateKind::Host);
    assert_ne!(net.state(0), IceState::Failed);
}
