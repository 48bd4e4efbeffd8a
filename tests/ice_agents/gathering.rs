//! What STUN servers tell (RFC 8445 §5.1.1.2), and when the search is over.

use std::net::IpAddr;

use pollrtc::cursor::Reader;
use pollrtc::ice::{Event, GatheringState, IceConfig, IceState, ServerError, TransportPolicy};
use pollrtc::net::{CandidateAddress, CandidateKind, Path};
use pollrtc::sim::Habit;
use pollrtc::time::Instant;
use pollrtc::wire::stun::{Attribute, Class, Message, Method};

use crate::net::{Net, Packet, config, stun, turn};
use crate::support::{addr, build, id_in, ms};

const S: &str = "203.0.113.1:3478";
const A: &str = "10.0.0.1:1000";
const A_SEEN: &str = "198.51.100.1:7000";

/// One host behind a NAT, one server.
fn behind_nat(urls: &[&str]) -> Net {
    let mut net = Net::new(1);
    net.add_server(S);
    let servers = urls.iter().map(|url| stun(url)).collect();
    net.add_host(
        IceConfig {
            servers,
            ..config()
        },
        &[A],
    );
    net.nat.insert(addr(A), addr(A_SEEN));
    net
}

fn states(net: &Net) -> Vec<GatheringState> {
    let events = net.hosts[0].events.iter();
    events
        .filter_map(|event| match event {
            Event::GatheringState(state) => Some(*state),
            _ => None,
        })
        .collect()
}

fn requests(net: &Net) -> Vec<(Instant, Packet)> {
    let is_request = |(_, packet): &&(Instant, Packet)| {
        let message = Message::parse(&mut Reader::new(&packet.bytes));
        message.is_ok_and(|message| message.class() == Class::Request)
    };
    net.log.iter().filter(is_request).cloned().collect()
}

/// RFC 8445 §5.1.1.2, §5.1.1.3, §5.1.2.1.
#[test]
fn a_server_tells_the_address_that_it_sees() {
    let mut net = behind_nat(&["stun:203.0.113.1"]);
    net.gather();
    assert_eq!(
        net.hosts[0].agent.gathering_state(),
        GatheringState::Gathering
    );
    net.run_until(100);
    assert_eq!(
        states(&net),
        [GatheringState::Gathering, GatheringState::Complete]
    );
    let told = net.told(0);
    let [host, reflexive] = &told[..] else {
        panic!("{told:?}");
    };
    assert_eq!(reflexive.kind, CandidateKind::ServerReflexive);
    assert_eq!(reflexive.address, CandidateAddress::Ip(addr(A_SEEN)));
    assert_eq!(reflexive.related, Some(addr(A)));
    assert_ne!(reflexive.foundation, host.foundation);
    assert_eq!(host.priority >> 24, 126);
    assert_eq!(reflexive.priority, host.priority - (26 << 24));
    let complete = net.hosts[0].events.last();
    assert_eq!(
        complete,
        Some(&Event::GatheringState(GatheringState::Complete))
    );
}

/// RFC 8445 §5.1.3: nothing new is learned without a NAT, nor from a second server.
#[test]
fn redundant_candidates_are_not_told() {
    let mut net = behind_nat(&["stun:203.0.113.1", "stun:203.0.113.2:5000"]);
    net.add_server("203.0.113.2:5000");
    net.gather();
    net.run_until(200);
    assert_eq!(net.told(0).len(), 2);
    net.nat.clear();
    let open = net.add_host(config(), &["192.0.2.9:1"]);
    let agent = net.agent(open);
    assert_eq!(agent.set_servers(vec![stun("stun:203.0.113.1")]), Ok(()));
    agent.gather();
    net.run_until(400);
    assert_eq!(net.told(open).len(), 1);
    assert_eq!(
        net.hosts[open].agent.gathering_state(),
        GatheringState::Complete
    );
}

/// RFC 8445 §14.2, and that each socket asks each server of its family once.
#[test]
fn every_socket_asks_every_server_in_the_pace_of_checks() {
    let mut net = Net::new(2);
    net.add_server(S);
    net.add_server("[2001:db8:5::1]:3478");
    let servers = vec![stun("stun:203.0.113.1"), stun("stun:[2001:db8:5::1]")];
    let sockets = [A, "10.0.0.2:1000", "[2001:db8::1]:1"];
    net.add_host(
        IceConfig {
            servers,
            ..config()
        },
        &sockets,
    );
    net.gather();
    net.run_until(1_000);
    let requests = requests(&net);
    let mut paths: Vec<Path> = requests.iter().map(|(_, packet)| packet.path).collect();
    paths.sort_unstable();
    let expected = [
        Path::udp(addr(A), addr(S)),
        Path::udp(addr("10.0.0.2:1000"), addr(S)),
        Path::udp(addr("[2001:db8::1]:1"), addr("[2001:db8:5::1]:3478")),
    ];
    assert_eq!(paths, expected);
    let times: Vec<_> = requests.iter().map(|(at, _)| at.as_millis()).collect();
    assert_eq!(times, [0, 50, 100]);
}

#[test]
fn a_name_is_resolved_once_and_one_that_is_not_found_is_told() {
    let urls = [
        "stun:stun.example",
        "stun:stun.example:3478",
        "stun:nowhere.example",
    ];
    let mut net = behind_nat(&urls);
    let seen: IpAddr = [203, 0, 113, 1].into();
    net.names.insert("stun.example".into(), vec![seen]);
    net.gather();
    net.run_until(200);
    let resolved = net.hosts[0].events.iter();
    let resolved: Vec<_> = resolved
        .filter(|event| matches!(event, Event::Resolve(_)))
        .collect();
    assert_eq!(resolved.len(), 2, "{resolved:?}");
    assert_eq!(net.told(0).len(), 2);
    assert_eq!(net.errors(0), [("stun:nowhere.example".into(), 701)]);
    assert_eq!(
        net.hosts[0].agent.gathering_state(),
        GatheringState::Complete
    );
}

/// The W3C's icecandidateerror: 701 for silence, else what the server says.
#[test]
fn servers_that_do_not_help_are_told_by_code() {
    let mut net = behind_nat(&["stun:203.0.113.1", "stun:203.0.113.99"]);
    net.server(0).set_habit(Habit::Refuses(500));
    net.gather();
    net.run_until(9_000);
    assert_eq!(net.errors(0), [("stun:203.0.113.1".into(), 500)]);
    assert_eq!(states(&net), [GatheringState::Gathering]);
    net.run_until(11_000);
    assert_eq!(net.errors(0)[1..], [("stun:203.0.113.99".into(), 701)]);
    assert_eq!(states(&net).last(), Some(&GatheringState::Complete));
    assert_eq!(net.told(0).len(), 1);
    // Nothing is waited for any more.
    assert_eq!(net.agent(0).poll_timeout(), None);
}

/// RFC 8489 §10, and its loops.
#[test]
fn a_server_may_send_us_to_another_one_but_not_in_circles() {
    let mut net = behind_nat(&["stun:203.0.113.1"]);
    net.add_server("203.0.113.2:3478");
    net.server(0)
        .set_habit(Habit::Redirects(addr("203.0.113.2:3478")));
    net.gather();
    net.run_until(200);
    assert_eq!(net.told(0).len(), 2);

    let mut net = behind_nat(&["stun:203.0.113.1"]);
    net.server(0).set_habit(Habit::Redirects(addr(S)));
    net.gather();
    net.run_until(200);
    assert_eq!(net.errors(0), [("stun:203.0.113.1".into(), 300)]);
    assert_eq!(requests(&net).len(), 1);
}

/// ICE-029: another transaction, another source, another class, noise.
#[test]
fn ice_029_only_the_server_can_answer() {
    let mut net = behind_nat(&["stun:203.0.113.1"]);
    net.server(0).set_habit(Habit::Silent);
    net.gather();
    net.run_until(20);
    let request = requests(&net)[0].1.bytes.clone();
    let key = pollrtc::stun::Key::short_term(&pollrtc::crypto::rust_crypto::PROVIDER, "x");
    let key = key.expect("a key");
    let says = [Attribute::XorMappedAddress(addr("198.51.100.66:6"))];
    let id = id_in(&request);
    let mut other = request.clone();
    other[19] ^= 1;
    let answer = build(Class::Success, id, &says, &key);
    let stranger = build(Class::Success, id_in(&other), &says, &key);
    let indication = build(Class::Indication, id, &says, &key);
    let from = |text: &str| Path::udp(addr(A), addr(text));
    let agent = net.agent(0);
    for (path, mut bytes) in [
        (from(S), stranger),
        (from("203.0.113.7:3478"), answer.clone()),
        (from("203.0.113.1:3479"), answer.clone()),
        (Path::udp(addr("10.0.0.7:1"), addr(S)), answer.clone()),
        (from(S), indication),
        (from(S), answer[..30].to_vec()),
    ] {
        assert!(agent.open(ms(20), path, &mut bytes).is_none());
    }
    net.run_until(400);
    assert_eq!(net.told(0).len(), 1);
    let mut answer = answer;
    let now = net.now;
    assert!(net.agent(0).open(now, from(S), &mut answer).is_none());
    net.collect(0);
    assert_eq!(
        net.told(0).len(),
        2,
        "the true server's answer still counts"
    );
}

/// RFC 8445 §5.1.1.4: the NAT's binding is kept until a pair is selected.
#[test]
fn bindings_are_kept_alive_until_a_pair_is_selected() {
    let mut net = behind_nat(&["stun:203.0.113.1"]);
    net.gather();
    net.run_until(60_000);
    let times: Vec<_> = requests(&net)
        .iter()
        .map(|(at, _)| at.as_millis() / 1000)
        .collect();
    assert_eq!(times, [0, 15, 30, 45]);
    net.add_host(config(), &["192.0.2.5:5"]);
    net.agent(1).gather();
    net.run_until(60_010);
    net.introduce();
    net.run_until(62_000);
    assert!(net.both_completed());
    let sent = net.servers[0].2.stats().requests;
    net.run_until(120_000);
    assert_eq!(net.servers[0].2.stats().requests, sent);
}

#[test]
fn a_host_behind_a_nat_is_reached_at_the_address_that_a_server_saw() {
    let mut net = behind_nat(&["stun:203.0.113.1"]);
    net.add_host(config(), &["192.0.2.5:5"]);
    assert!(net.connect(5_000));
    let pair = net.hosts[1].agent.selected_pair().expect("a pair");
    assert_eq!(pair.remote.address, CandidateAddress::Ip(addr(A_SEEN)));
    assert!(net.send_data(1, b"\x80 hello"));
    net.run_until(6_000);
    assert_eq!(net.hosts[0].data, [b"\x80 hello"]);
}

#[test]
fn an_address_that_is_added_later_is_gathered_from_too() {
    let mut net = behind_nat(&["stun:203.0.113.1"]);
    net.gather();
    net.run_until(100);
    let late = "10.0.0.3:1000";
    net.nat.insert(addr(late), addr("198.51.100.1:7001"));
    net.hosts[0].sockets.push(addr(late));
    assert_eq!(net.agent(0).add_local_address(addr(late)), Ok(()));
    net.run_until(300);
    assert_eq!(net.told(0).len(), 4);
    let now_and_then = [GatheringState::Gathering, GatheringState::Complete];
    assert_eq!(states(&net), [now_and_then, now_and_then].concat());
    assert_eq!(
        requests(&net).len(),
        2,
        "the first socket does not ask again"
    );
}

/// RFC 8445 §9: candidates are told anew, with the new user fragment.
#[test]
fn a_restart_gathers_anew() {
    let mut net = behind_nat(&["stun:203.0.113.1"]);
    net.gather();
    net.run_until(100);
    assert_eq!(net.agent(0).restart(), Ok(()));
    net.agent(0).gather();
    net.run_until(300);
    let ufrag = net.agent(0).local_credentials().ufrag.clone();
    let told = net.told(0);
    assert_eq!(told.len(), 4);
    assert!(
        told[2..]
            .iter()
            .all(|candidate| candidate.ufrag.as_ref() == Some(&ufrag))
    );
    assert_eq!(requests(&net).len(), 2);
}

#[test]
fn servers_are_checked_and_counted() {
    let mut net = behind_nat(&[]);
    let agent = net.agent(0);
    let mut nobody = turn("turn:203.0.113.1");
    nobody.username = None;
    assert_eq!(agent.set_servers(vec![nobody]), Err(ServerError::NoLogin));
    let many = vec![stun("stun:203.0.113.1"); 17];
    assert_eq!(agent.set_servers(many), Err(ServerError::TooMany));
    agent.close();
    assert_eq!(agent.set_servers(Vec::new()), Err(ServerError::Closed));
}

/// ATK-041: under the policy that hides addresses no STUN server is asked, nothing
/// but relays is told, and no check leaves.
#[test]
fn atk_041_without_relays_the_relay_policy_says_nothing() {
    let mut net = Net::new(1);
    net.add_server(S);
    let servers = vec![stun("stun:203.0.113.1")];
    let policy = TransportPolicy::Relay;
    net.add_host(
        IceConfig {
            servers,
            policy,
            ..config()
        },
        &[A],
    );
    net.add_host(config(), &["192.0.2.5:5"]);
    net.gather();
    net.run_until(100);
    net.introduce();
    // The peer learns the address by other means, and checks it.
    let host = pollrtc::net::Candidate {
        address: CandidateAddress::Ip(addr(A)),
        ..net.told(1)[0].clone()
    };
    assert_eq!(
        net.agent(1).add_remote_candidate(pollrtc::net::Candidate {
            ufrag: None,
            ..host
        }),
        Ok(())
    );
    net.run_until(60_000);
    assert_eq!(net.told(0), []);
    assert!(
        net.log
            .iter()
            .all(|(_, packet)| packet.path.local != addr(A))
    );
    assert_eq!(net.state(1), IceState::Failed);
}

/// Law 3 and law 8 with servers: an agent that is closed while it asks is silent.
#[test]
fn ice_037_closed_while_it_asks_it_is_silent() {
    let mut net = behind_nat(&["stun:203.0.113.1", "stun:stun.example"]);
    net.gather();
    let now = net.now;
    let mut bytes = Vec::new();
    let mut w = pollrtc::cursor::Writer::new(&mut bytes, 1200);
    assert!(net.agent(0).poll_transmit(now, &mut w).is_some());
    net.agent(0).close();
    let events: Vec<_> = std::iter::from_fn(|| net.agent(0).poll_event()).collect();
    assert_eq!(events, [Event::Closed]);
    assert_eq!(net.agent(0).poll_timeout(), None);
    net.agent(0)
        .resolved("stun.example", &[[203, 0, 113, 1].into()]);
    net.agent(0).gather();
    let mut w = pollrtc::cursor::Writer::new(&mut bytes, 1200);
    assert_eq!(net.agent(0).poll_transmit(ms(100), &mut w), None);
    assert_eq!(net.agent(0).poll_event(), None);
    let message = Message::parse(&mut Reader::new(&bytes)).expect("a request");
    assert_eq!(message.method(), Method::BINDING);
}
