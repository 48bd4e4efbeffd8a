//! What TURN servers lend (RFC 8656), and what goes through them.

use pollrtc::cursor::{Reader, Writer};
use pollrtc::ice::{
    Event, GatheringLimits, GatheringState, IceConfig, IceServer, IceState, TransportPolicy,
};
use pollrtc::net::{CandidateAddress, CandidateKind, Path, Protocol};
use pollrtc::sim::Habit;
use pollrtc::wire::stun::{Class, Message, Method};

use crate::net::{Net, Packet, config, stun, turn};
use crate::support::{Script, addr, host};

const S: &str = "203.0.113.1:3478";
const A: &str = "10.0.0.1:1000";
const B: &str = "10.0.0.2:2000";
const A_SEEN: &str = "198.51.100.1:7000";
const B_SEEN: &str = "198.51.100.2:7000";

fn with(servers: Vec<IceServer>) -> IceConfig {
    IceConfig {
        servers,
        ..config()
    }
}

/// Two hosts that reach each other over relays only: no packet passes between them.
fn apart(a: IceConfig, b: IceConfig) -> Net {
    let mut net = Net::new(7);
    net.add_server(S);
    net.add_host(a, &[A]);
    net.add_host(b, &[B]);
    net.nat.insert(addr(A), addr(A_SEEN));
    net.nat.insert(addr(B), addr(B_SEEN));
    let server = addr(S).ip();
    net.filter = Some(Box::new(move |packet: &Packet| {
        packet.path.local.ip() == server || packet.path.remote.ip() == server
    }));
    net
}

fn relayed_path(net: &Net, host: usize) -> Path {
    let relay = &net.candidates(host, CandidateKind::Relayed)[0];
    Path {
        local: relay.address.ip().expect("an address"),
        ..net.hosts[host].agent.current_path().expect("a path")
    }
}

/// What a host has that only knows how it is seen.
fn seen() -> IceConfig {
    with(vec![stun("stun:203.0.113.1")])
}

/// The first host has a relay.
fn one_relay() -> Net {
    apart(with(vec![turn("turn:203.0.113.1")]), seen())
}

/// RFC 8445 §5.1.1.2, §5.3: the base of a relayed candidate is itself.
#[test]
fn a_relay_gives_two_candidates() {
    let mut net = one_relay();
    net.gather();
    net.run_until(500);
    let told = net.told(0);
    let kinds: Vec<_> = told.iter().map(|candidate| candidate.kind).collect();
    let expected = [
        CandidateKind::Host,
        CandidateKind::ServerReflexive,
        CandidateKind::Relayed,
    ];
    assert_eq!(kinds, expected);
    assert_eq!(told[1].address, CandidateAddress::Ip(addr(A_SEEN)));
    assert_eq!(told[2].related, Some(addr(A_SEEN)));
    assert_eq!(told[2].priority >> 24, 0);
    let state = net.hosts[0].agent.gathering_state();
    assert_eq!(state, GatheringState::Complete);
}

#[test]
fn one_relay_connects_those_who_cannot_meet() {
    for (a, b) in [(true, false), (false, true), (true, true)] {
        let servers = |has: bool| match has {
            true => with(vec![turn("turn:203.0.113.1")]),
            false => with(vec![stun("stun:203.0.113.1")]),
        };
        let mut net = apart(servers(a), servers(b));
        assert!(net.connect(60_000), "{a} {b}");
        for host in 0..2 {
            assert!(net.send_data(host, b"\x80 there"));
        }
        let end = net.now.as_millis() + 100;
        net.run_until(end);
        for host in &net.hosts {
            assert_eq!(host.data, [b"\x80 there"], "{a} {b}");
        }
        // For an hour there is consent, and everything lent is kept.
        let end = net.now.as_millis() + 3_600_000;
        net.run_until(end);
        assert!(net.both_completed());
        assert!(net.send_data(0, b"\x80 later"));
        net.run_until(end + 100);
        assert_eq!(net.hosts[1].data.len(), 2);
    }
}

/// RFC 8656 §12: four bytes more than the data, once the pair is in use.
#[test]
fn data_travels_in_a_channel() {
    let mut net = one_relay();
    assert!(net.connect(60_000));
    let before = net.log.len();
    assert!(net.send_data(0, b"\x80 payload"));
    let (_, packet) = &net.log[before];
    assert_eq!(packet.path, Path::udp(addr(A), addr(S)));
    assert_eq!(packet.bytes.len(), 4 + 9);
    assert!((0x40..0x50).contains(&packet.bytes[0]));
    let path = relayed_path(&net, 0);
    assert_eq!(net.hosts[0].agent.current_path(), Some(path));
    let report = net.hosts[0].agent.pairs().find(|pair| pair.path == path);
    assert_eq!(report.expect("the pair").stats.bytes_sent, 9);
}

/// ATK-041: with the policy `relay` nothing of ours is seen but the relay.
#[test]
fn atk_041_with_the_relay_policy_only_the_relay_is_seen() {
    let relayed = || IceConfig {
        policy: TransportPolicy::Relay,
        ..with(vec![turn("turn:203.0.113.1"), stun("stun:203.0.113.1")])
    };
    let mut net = apart(relayed(), relayed());
    assert!(net.connect(60_000));
    for host in 0..2 {
        let told = net.told(host);
        assert_eq!(told.len(), 1);
        assert_eq!(told[0].kind, CandidateKind::Relayed);
        assert_eq!(told[0].related, Some(addr("0.0.0.0:9")));
    }
    let server = addr(S).ip();
    let is_seen =
        |packet: &Packet| packet.path.remote.ip() != server && packet.path.local.ip() != server;
    assert!(!net.log.iter().any(|(_, packet)| is_seen(packet)));
    for (_, packet) in &net.log {
        let text = String::from_utf8_lossy(&packet.bytes);
        assert!(!text.contains("a secret"));
    }
    assert!(net.send_data(0, b"\x80 x"));
    net.run_until(60_100);
    assert_eq!(net.hosts[1].data.len(), 1);
}

/// RFC 8656 §7.4: the allocation is deleted, and `Closed` comes after.
#[test]
fn closing_gives_everything_back() {
    let mut net = one_relay();
    assert!(net.connect(60_000));
    let now = net.now;
    assert_eq!(net.server(0).lent(now).count(), 1);
    net.agent(0).close();
    assert_eq!(net.state(0), IceState::Closed);
    assert!(!net.send_data(0, b"\x80 too late"));
    assert!(!net.collect(0), "not yet");
    let end = net.now.as_millis() + 100;
    net.run_until(end);
    assert_eq!(net.hosts[0].events.last(), Some(&Event::Closed));
    assert_eq!(net.servers[0].2.stats().deleted, 1);
    let now = net.now;
    assert_eq!(net.server(0).lent(now).count(), 0);
    assert_eq!(net.agent(0).poll_timeout(), None);
    let mut bytes = Vec::new();
    let mut w = Writer::new(&mut bytes, 1200);
    assert_eq!(net.agent(0).poll_transmit(now, &mut w), None);
}

#[test]
fn a_server_that_is_gone_does_not_hold_up_the_end() {
    let mut net = one_relay();
    net.gather();
    net.run_until(500);
    net.server(0).set_habit(Habit::Silent);
    net.agent(0).close();
    net.run_until(4_000);
    assert_eq!(net.hosts[0].events.last(), Some(&Event::Closed));
    assert_eq!(net.agent(0).poll_timeout(), None);
}

/// ICE-020, as far as it is the agent's: each error is told once, and ends the search.
#[test]
fn ice_020_what_a_server_refuses_is_told() {
    for (habit, code) in [
        (Habit::Refuses(486), 486),
        (Habit::Refuses(508), 508),
        (Habit::Refuses(403), 403),
        (Habit::AllStale, 438),
        (Habit::Silent, 701),
        (Habit::Redirects(addr("127.0.0.1:3478")), 300),
        (Habit::Redirects(addr(S)), 300),
    ] {
        let mut net = one_relay();
        net.server(0).set_habit(habit);
        net.gather();
        net.run_until(12_000);
        assert_eq!(
            net.errors(0),
            [("turn:203.0.113.1".into(), code)],
            "{habit:?}"
        );
        let state = net.hosts[0].agent.gathering_state();
        assert_eq!(state, GatheringState::Complete, "{habit:?}");
        assert!(net.log.len() < 20, "{habit:?}: {}", net.log.len());
        assert_eq!(net.agent(0).poll_timeout(), None, "{habit:?}");
    }
    let wrong = IceServer::with_login("turn:203.0.113.1".parse().expect("a URL"), "ann", "wrong");
    let mut net = apart(with(vec![wrong]), config());
    net.gather();
    net.run_until(1_000);
    assert_eq!(net.errors(0), [("turn:203.0.113.1".into(), 401)]);
}

#[test]
fn a_redirected_client_finds_the_other_server() {
    for url in ["turn:203.0.113.1", "turn:203.0.113.1?transport=tcp"] {
        let mut net = apart(with(vec![turn(url)]), config());
        net.add_server("203.0.113.2:3478");
        net.filter = None;
        net.server(0)
            .set_habit(Habit::Redirects(addr("203.0.113.2:3478")));
        net.gather();
        net.run_until(1_000);
        let relay = &net.candidates(0, CandidateKind::Relayed)[0];
        let ip = relay.address.ip().map(|address| address.ip());
        assert_eq!(ip, Some(addr("203.0.113.2:0").ip()), "{url}");
        assert_eq!(net.errors(0), [], "{url}");
    }
}

/// The relay forgets us: its pairs end, and others are used.
#[test]
fn a_relay_that_is_lost_takes_its_pairs_with_it() {
    let mut net = one_relay();
    assert!(net.connect(60_000));
    net.server(0).forget_allocations();
    let end = net.now.as_millis() + 700_000;
    net.run_while(end, |net| net.state(0) != IceState::Failed);
    assert_eq!(net.state(0), IceState::Failed);
    assert_eq!(net.candidates(0, CandidateKind::Relayed), []);
    let end = net.now.as_millis() + 10_000;
    net.run_until(end);
    assert_eq!(net.agent(0).poll_timeout(), None);
}

/// RFC 8656 §3.1, §12.5: the same over a stream, which the application opens.
#[test]
fn a_relay_is_reached_over_streams() {
    for (url, protocol) in [
        ("turn:203.0.113.1?transport=tcp", Protocol::Tcp),
        ("turns:203.0.113.1:3478", Protocol::Tls),
        ("turns:turn.example:3478", Protocol::Tls),
    ] {
        let mut net = apart(with(vec![turn(url)]), with(vec![turn(url)]));
        net.names.insert("turn.example".into(), vec![addr(S).ip()]);
        assert!(net.connect(60_000), "{url}");
        let asked = net.hosts[0].events.iter().find_map(|event| match event {
            Event::Connect { path, server_name } => Some((*path, server_name.clone())),
            _ => None,
        });
        let (path, name) = asked.expect("a wish");
        assert_eq!((path.local, path.protocol), (addr("10.0.0.1:0"), protocol));
        let host = url.split(':').nth(1).expect("a host").to_owned();
        let expected = (protocol == Protocol::Tls).then_some(host);
        assert_eq!(name, expected);
        assert!(net.log.iter().all(|(_, packet)| {
            packet.path.protocol == protocol || packet.path.remote != addr(S)
        }));
        for host in 0..2 {
            assert!(net.send_data(host, b"\x80 odd"));
        }
        let end = net.now.as_millis() + 100;
        net.run_until(end);
        for host in &net.hosts {
            assert_eq!(host.data, [b"\x80 odd"], "{url}");
        }
        net.agent(0).close();
        net.run_until(end + 200);
        let events = &net.hosts[0].events;
        assert_eq!(events.last(), Some(&Event::Closed));
        assert!(
            matches!(events[events.len() - 2], Event::Release(path) if path.protocol == protocol)
        );
        assert_eq!(net.servers[0].2.stats().deleted, 1);
    }
}

#[test]
fn a_stream_that_cannot_be_opened_is_an_error() {
    let mut net = apart(with(vec![turn("turn:203.0.113.1?transport=tcp")]), config());
    net.refuse_streams = true;
    net.gather();
    net.run_until(100);
    assert_eq!(
        net.errors(0),
        [("turn:203.0.113.1?transport=tcp".into(), 701)]
    );
    let state = net.hosts[0].agent.gathering_state();
    assert_eq!(state, GatheringState::Complete);
}

#[test]
fn a_stream_that_ends_takes_the_relay_with_it() {
    let url = "turn:203.0.113.1?transport=tcp";
    let mut net = apart(with(vec![turn(url)]), seen());
    assert!(net.connect(60_000));
    let (near, _) = net.streams[0];
    let now = net.now;
    net.agent(0).disconnected(now, near);
    net.collect(0);
    assert!(!net.send_data(0, b"\x80 x"));
    assert_eq!(net.candidates(0, CandidateKind::Relayed), []);
    assert_eq!(net.errors(0), [(url.into(), 701)]);
    // Said twice, or of a stream that nobody knows, it changes nothing.
    net.agent(0).disconnected(now, near);
    assert!(!net.collect(0));
}

/// A hostile server: what it sends is bounded, whatever it is.
#[test]
fn ice_023_a_server_that_breaks_its_stream_is_released() {
    let url = "turn:203.0.113.1?transport=tcp";
    let mut net = apart(with(vec![turn(url)]), config());
    net.gather();
    net.run_until(1_000);
    let (near, _) = net.streams[0];
    for bytes in [
        &[0x40, 0, 0xff, 0xff][..],
        &b"HTTP/1.1 400 Bad Request\r\n\r\n"[..],
    ] {
        let mut chunk = bytes;
        let now = net.now;
        assert!(net.agent(0).open_stream(now, near, &mut chunk).is_none());
        assert!(chunk.is_empty());
    }
    net.collect(0);
    let events = &net.hosts[0].events;
    assert!(events.contains(&Event::Release(near)));
    assert_eq!(net.agent(0).stats().dropped.bad_frame, 1);
    assert_eq!(net.agent(0).stats().dropped.unknown_stream, 1);
    assert_eq!(net.candidates(0, CandidateKind::Relayed), []);
}

/// After a restart the same allocation is told again (RFC 8445 §9).
#[test]
fn a_restart_keeps_the_allocation() {
    let mut net = one_relay();
    assert!(net.connect(60_000));
    let before = net.candidates(0, CandidateKind::Relayed);
    for host in 0..2 {
        assert_eq!(net.agent(host).restart(), Ok(()));
        net.hosts[host].events.clear();
        net.agent(host).gather();
    }
    let end = net.now.as_millis() + 500;
    net.run_until(end);
    net.introduce();
    net.run_while(end + 60_000, |net| !net.both_completed());
    assert!(net.both_completed());
    let after = net.candidates(0, CandidateKind::Relayed);
    assert_eq!(before[0].address, after[0].address);
    assert_ne!(before[0].ufrag, after[0].ufrag);
    assert_eq!(net.servers[0].2.stats().allocated, 1);
}

/// ICE-024 is the client's; here: what no check has proved is dropped behind a relay, too.
#[test]
fn data_through_a_relay_needs_a_proved_pair() {
    let mut net = one_relay();
    net.gather();
    net.run_until(500);
    // Not those of the other host: it will not answer.
    let credentials = Script::new(B).credentials;
    assert_eq!(net.agent(0).set_remote_credentials(credentials), Ok(()));
    let mut candidate = net.told(1)[0].clone();
    candidate.address = CandidateAddress::Ip(addr(B_SEEN));
    candidate.ufrag = None;
    assert_eq!(net.agent(0).add_remote_candidate(candidate), Ok(()));
    net.run_until(1_000);
    let relay = net.candidates(0, CandidateKind::Relayed)[0]
        .address
        .ip()
        .expect("an address");
    let path = Path::udp(addr(B), relay);
    net.send(Packet {
        path,
        bytes: b"\x80 nobody".to_vec(),
    });
    net.run_until(1_100);
    assert_eq!(net.servers[0].2.stats().unpermitted, 0);
    assert_eq!(net.hosts[0].data, [] as [Vec<u8>; 0]);
    assert_eq!(net.agent(0).stats().dropped.unproved_path, 1);
}

/// A check goes out only when the relay lets its answer in (RFC 8656 §9).
#[test]
fn permissions_come_before_checks() {
    let mut net = one_relay();
    assert!(net.connect(60_000));
    let methods: Vec<_> = net
        .log
        .iter()
        .filter(|(_, packet)| packet.path == Path::udp(addr(A), addr(S)))
        .filter_map(|(_, packet)| {
            let message = Message::parse(&mut Reader::new(&packet.bytes)).ok()?;
            Some((message.class(), message.method()))
        })
        .collect();
    let permission = (Class::Request, Method::CREATE_PERMISSION);
    let first = methods.iter().position(|one| *one == permission);
    let check = methods
        .iter()
        .position(|one| *one == (Class::Indication, Method::SEND));
    assert!(first.is_some() && first < check, "{methods:?}");
    assert_eq!(net.servers[0].2.stats().unpermitted, 0);
}

/// The new generation has an address of its own, though the old one is given back
/// at the same time.
#[test]
fn a_restart_after_a_failure_gets_a_relay_again() {
    let mut net = one_relay();
    assert!(net.connect(60_000));
    net.filter = Some(Box::new(|packet: &Packet| {
        let ends = [packet.path.local, packet.path.remote];
        !ends.contains(&addr(B)) && !ends.contains(&addr(B_SEEN))
    }));
    let end = net.now.as_millis() + 120_000;
    net.run_while(end, |net| net.state(0) != IceState::Failed);
    assert_eq!(net.state(0), IceState::Failed);
    assert_eq!(net.agent(0).restart(), Ok(()));
    net.agent(0).gather();
    let end = net.now.as_millis() + 1_000;
    net.run_until(end);
    assert_eq!(net.candidates(0, CandidateKind::Relayed).len(), 1);
    assert_eq!(net.servers[0].2.stats().deleted, 1);
    let state = net.hosts[0].agent.gathering_state();
    assert_eq!(state, GatheringState::Complete);
}

/// Who is not needed after a restart is not let in any longer (RFC 8656 §9).
#[test]
fn restarts_do_not_pile_up_permissions() {
    let mut net = one_relay();
    assert!(net.connect(60_000));
    for n in 1..=20 {
        for host in 0..2 {
            assert_eq!(net.agent(host).restart(), Ok(()));
            net.hosts[host].events.clear();
            net.agent(host).gather();
        }
        let end = net.now.as_millis() + 500;
        net.run_until(end);
        net.introduce();
        let elsewhere = host(([198, 51, 100, 100 + n], 7).into(), 1_000);
        assert_eq!(net.agent(0).add_remote_candidate(elsewhere), Ok(()));
        net.run_until(end + 60_000);
    }
    let relay = net.candidates(0, CandidateKind::Relayed)[0]
        .address
        .ip()
        .expect("an address");
    // Permissions lapse after five minutes.
    let end = net.now.as_millis() + 400_000;
    net.run_until(end);
    let (channels, permissions) = net.servers[0].2.guests(relay);
    assert!(
        channels <= 1 && permissions <= 4,
        "{channels} {permissions}"
    );
    assert!(net.send_data(0, b"\x80 still"));
    net.run_until(end + 100);
    assert_eq!(net.hosts[1].data.len(), 1);
}

/// The W3C: a new policy counts from the next gathering on.
#[test]
fn a_new_policy_waits_for_a_restart() {
    let mut net = one_relay();
    net.filter = None;
    assert!(net.connect(60_000));
    net.agent(0).set_policy(TransportPolicy::Relay);
    let end = net.now.as_millis() + 60_000;
    net.run_until(end);
    assert!(net.both_completed());
    assert_eq!(
        net.hosts[0].agent.current_path().map(|path| path.local),
        Some(addr(A))
    );
    for host in 0..2 {
        assert_eq!(net.agent(host).restart(), Ok(()));
        net.hosts[host].events.clear();
        net.agent(host).gather();
    }
    net.run_until(end + 500);
    net.introduce();
    net.run_while(end + 60_000, |net| !net.both_completed());
    assert!(net.both_completed());
    let relay = net.candidates(0, CandidateKind::Relayed)[0].address.ip();
    assert_eq!(
        net.hosts[0].agent.current_path().map(|path| path.local),
        relay
    );
}

/// RFC 8656 §7.1: over IPv6 an address of IPv6 is asked for first, then any.
#[test]
fn a_server_reached_over_ipv6_lends_what_it_has() {
    let six = "[2001:db8:5::1]:3478";
    for (relay, expected) in [
        ("[2001:db8:5::1]:40001", true),
        ("203.0.113.9:40001", false),
    ] {
        let mut net = Net::new(1);
        let server = net.add_server(six);
        net.server(server).config_mut().relays = vec![addr(relay)];
        let servers = vec![turn("turn:[2001:db8:5::1]")];
        net.add_host(
            IceConfig {
                servers,
                ..config()
            },
            &["[2001:db8::1]:1"],
        );
        net.gather();
        net.run_until(2_000);
        let told = net.candidates(0, CandidateKind::Relayed);
        let addresses: Vec<_> = told.iter().filter_map(|one| one.address.ip()).collect();
        assert_eq!(addresses, [addr(relay)], "{:?}", net.errors(0));
        assert_eq!(addresses[0].is_ipv6(), expected);
    }
}

/// Two sockets at one address need one stream to a server.
#[test]
fn sockets_of_one_address_share_a_stream() {
    let mut net = Net::new(1);
    net.add_server(S);
    let servers = vec![turn("turn:203.0.113.1?transport=tcp")];
    net.add_host(
        IceConfig {
            servers,
            ..config()
        },
        &[A, "10.0.0.1:1001"],
    );
    net.gather();
    net.run_until(500);
    assert_eq!(net.streams.len(), 1);
    assert_eq!(net.candidates(0, CandidateKind::Relayed).len(), 1);
}

/// How many servers are asked is bounded, and how many candidates they make.
#[test]
fn what_servers_lend_is_bounded() {
    let mut net = Net::new(1);
    let mut servers = Vec::new();
    for n in 1..=16 {
        net.add_server(&format!("203.0.113.{n}:3478"));
        servers.push(turn(&format!("turn:203.0.113.{n}")));
    }
    let limits = GatheringLimits {
        max_asked: 20,
        ..GatheringLimits::default()
    };
    let sockets = ["10.0.0.1:1", "10.0.0.2:1", "10.0.0.3:1", "10.0.0.4:1"];
    net.add_host(
        IceConfig {
            servers,
            limits,
            ..config()
        },
        &sockets,
    );
    net.gather();
    net.run_until(9_000);
    let allocated: u64 = net
        .servers
        .iter()
        .map(|server| server.2.stats().allocated)
        .sum();
    assert_eq!(allocated, 20);
    assert_eq!(net.agent(0).local_candidates().count(), 16);
    assert_eq!(
        net.hosts[0].agent.gathering_state(),
        GatheringState::Complete
    );
    net.agent(0).close();
    net.run_until(12_000);
    let deleted: u64 = net
        .servers
        .iter()
        .map(|server| server.2.stats().deleted)
        .sum();
    assert_eq!(deleted, 20);
    assert_eq!(net.hosts[0].events.last(), Some(&Event::Closed));
}

/// A server that lends what is not its own: one of our addresses.
#[test]
fn an_address_of_ours_is_not_taken_for_a_relayed_one() {
    let mut net = Net::new(1);
    let server = net.add_server(S);
    net.server(server).config_mut().relays = vec![addr(A)];
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
    assert_eq!(net.candidates(0, CandidateKind::Relayed), []);
    assert_eq!(net.errors(0), [("turn:203.0.113.1".into(), 701)]);
    assert_eq!(net.candidates(0, CandidateKind::Host).len(), 1);
}
