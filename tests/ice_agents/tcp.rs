//! Candidates of TCP (RFC 6544).

use pollrtc::cursor::Writer;
use pollrtc::ice::{AddressError, Event, GatheringLimits, IceConfig, IceState};
use pollrtc::net::{Candidate, CandidateAddress, CandidateKind, Path, Protocol, TcpKind};
use pollrtc::wire::framing::Framing;
use pollrtc::wire::stun::{Attribute, Class};

use crate::net::{Net, config, turn};
use crate::support::{Script, addr, class_of, host};

const A: &str = "192.0.2.1:1000";
const B: &str = "192.0.2.2:2000";
const LISTENER: &str = "192.0.2.2:443";

fn active() -> IceConfig {
    IceConfig {
        tcp: true,
        ..config()
    }
}

/// Two hosts between which no UDP passes; the second one listens.
fn without_udp(a: IceConfig, b: IceConfig) -> Net {
    let mut net = Net::new(3);
    net.add_host(a, &[A]);
    net.add_host(b, &[B]);
    net.listen(1, LISTENER);
    net.filter = Some(Box::new(|packet| packet.path.protocol == Protocol::Tcp));
    net
}

fn to_listener(from: &str) -> Path {
    Path {
        local: addr(LISTENER),
        remote: addr(from),
        protocol: Protocol::Tcp,
    }
}

fn framed(bytes: &[u8]) -> Vec<u8> {
    let mut framed = Vec::new();
    let mut w = Writer::new(&mut framed, 4096);
    assert!(Framing::Length.emit(&mut w, |w| {
        w.bytes(bytes);
        true
    }));
    framed
}

/// RFC 6544 §4.1, §4.2, §4.5: port 9 for who connects, and below UDP in rank.
#[test]
fn candidates_say_who_connects() {
    let mut net = Net::new(1);
    net.add_host(active(), &[A, "192.0.2.1:1001", "[2001:db8::1]:7"]);
    net.listen(0, "192.0.2.1:443");
    net.gather();
    net.run_until(100);
    let told = net.told(0);
    let tcp: Vec<_> = told
        .iter()
        .filter(|candidate| candidate.protocol == Protocol::Tcp)
        .map(|candidate| (candidate.address.ip().expect("an address"), candidate.tcp))
        .collect();
    let expected = [
        (addr("192.0.2.1:9"), Some(TcpKind::Active)),
        (addr("[2001:db8::1]:9"), Some(TcpKind::Active)),
        (addr("192.0.2.1:443"), Some(TcpKind::Passive)),
    ];
    assert_eq!(tcp, expected);
    let rank = |tcp| {
        let of = told.iter().filter(|candidate| candidate.tcp == tcp);
        of.map(|candidate| candidate.priority).max().expect("one")
    };
    assert!(rank(None) > rank(Some(TcpKind::Active)));
    assert!(rank(Some(TcpKind::Active)) > rank(Some(TcpKind::Passive)));
    assert_eq!(rank(Some(TcpKind::Passive)) >> 24, 90);
    let mut priorities: Vec<_> = told.iter().map(|candidate| candidate.priority).collect();
    priorities.sort_unstable();
    priorities.dedup();
    assert_eq!(priorities.len(), told.len());
    assert_eq!(
        net.agent(0).add_tcp_listener(addr("192.0.2.1:443")),
        Err(AddressError::Duplicate)
    );
}

#[test]
fn ice_034_who_connects_and_who_waits_find_each_other() {
    // Either end may be the controlling one.
    for listener in [1, 0] {
        let mut net = Net::new(3);
        let configs = [listener == 0, listener == 1].map(|listens| match listens {
            true => config(),
            false => active(),
        });
        let [a, b] = configs;
        net.add_host(a, &[A]);
        net.add_host(b, &[B]);
        let place = ["192.0.2.1:443", LISTENER][listener];
        net.listen(listener, place);
        net.filter = Some(Box::new(|packet| packet.path.protocol == Protocol::Tcp));
        assert!(net.connect(60_000), "{listener}");
        for host in 0..2 {
            assert!(net.send_data(host, b"\x80 framed"));
            let path = net.hosts[host].agent.current_path().expect("a path");
            assert_eq!(path.protocol, Protocol::Tcp);
            assert_ne!(path.local.port(), 0);
        }
        let (_, packet) = net.log.last().expect("a packet");
        assert_eq!(packet.bytes, b"\0\x08\x80 framed");
        let end = net.now.as_millis() + 60_000;
        net.run_until(end);
        assert!(net.both_completed(), "consent holds");
        for host in &net.hosts {
            assert_eq!(host.data, [b"\x80 framed"]);
        }
        // No check is repeated: a stream delivers (RFC 6544 §7.1).
        let tcp = net.log.iter().map(|(_, packet)| packet);
        let tcp = tcp.filter(|packet| packet.path.protocol == Protocol::Tcp);
        let mut sent: Vec<_> = tcp.map(|packet| packet.bytes.clone()).collect();
        let before = sent.len();
        sent.sort_unstable();
        sent.dedup();
        assert_eq!(sent.len(), before - 1, "only the data was the same");
        assert_eq!(net.streams.len(), 1);
    }
}

/// RFC 4571: frames may come in any pieces.
#[test]
fn ice_034_frames_are_put_together() {
    let mut net = without_udp(active(), config());
    assert!(net.connect(60_000));
    let path = net.hosts[1].agent.current_path().expect("a path");
    let now = net.now;
    let mut stream = framed(b"\x80 one");
    stream.extend(framed(b"\x80 two"));
    let mut got = Vec::new();
    for byte in &stream {
        let mut chunk = &[*byte][..];
        while let Some(data) = net.agent(1).open_stream(now, path, &mut chunk) {
            got.push(data.to_vec());
        }
    }
    let mut chunk = &stream[..];
    while let Some(data) = net.agent(1).open_stream(now, path, &mut chunk) {
        got.push(data.to_vec());
    }
    assert_eq!(got, [b"\x80 one", b"\x80 two", b"\x80 one", b"\x80 two"]);
}

/// ICE-034: the end of a stream ends its pair, and nothing more.
#[test]
fn ice_034_udp_goes_on_when_a_stream_ends() {
    let mut net = without_udp(active(), config());
    net.filter = None;
    assert!(net.connect(60_000));
    let (near, far) = net.streams.first().copied().expect("a stream is a spare");
    let now = net.now;
    net.agent(0).disconnected(now, near);
    net.agent(1).disconnected(now, far);
    let end = net.now.as_millis() + 40_000;
    net.run_until(end);
    assert!(net.both_completed());
    let path = net.hosts[0].agent.current_path();
    assert_eq!(path, Some(Path::udp(addr(A), addr(B))));
}

#[test]
fn an_agent_whose_only_stream_ends_is_told_at_once() {
    let mut net = without_udp(active(), config());
    assert!(net.connect(60_000));
    let path = net.hosts[0].agent.current_path().expect("a path");
    let now = net.now;
    net.agent(0).disconnected(now, path);
    assert!(!net.send_data(0, b"\x80 x"));
    assert!(!net.state(0).is_connected());
}

#[test]
fn a_listener_that_refuses_is_no_hope() {
    let mut net = without_udp(active(), config());
    net.refuse_streams = true;
    assert!(!net.connect(90_000));
    assert_eq!(net.state(0), IceState::Failed);
    assert_eq!(net.agent(0).poll_timeout(), None);
}

/// An application that does not answer is waited for no longer than a peer.
#[test]
fn a_wish_that_nobody_answers_lapses() {
    let mut net = without_udp(active(), config());
    net.gather();
    net.run_until(10);
    net.introduce();
    net.hosts[1].listeners.clear();
    let host = &mut net.hosts[0];
    let mut wishes = 0;
    let mut now = net.now;
    for _ in 0..1_000 {
        let mut bytes = Vec::new();
        while host
            .agent
            .poll_transmit(now, &mut Writer::new(&mut bytes, 1200))
            .is_some()
        {}
        while let Some(event) = host.agent.poll_event() {
            wishes += i32::from(matches!(event, Event::Connect { .. }));
            wishes -= i32::from(matches!(event, Event::Release(_)));
        }
        let Some(next) = host.agent.poll_timeout() else {
            break;
        };
        assert!(next > now);
        now = next;
        host.agent.handle_timeout(now);
    }
    assert_eq!((wishes, host.agent.state()), (0, IceState::Failed));
}

/// ATK: whoever connects and says nothing keeps nobody out, and is let go.
#[test]
fn a_flood_of_callers_is_bounded() {
    let limits = GatheringLimits {
        max_streams: 4,
        ..GatheringLimits::default()
    };
    let mut net = without_udp(active(), IceConfig { limits, ..config() });
    net.gather();
    net.run_until(10);
    let mut open = std::collections::BTreeSet::new();
    for port in 1..=1_000 {
        let now = net.now;
        let path = to_listener(&format!("198.51.100.66:{port}"));
        net.agent(1).accepted(now, path);
        open.insert(path);
        // Half a frame each.
        let mut chunk = &[4, 0, 1][..];
        assert!(net.agent(1).open_stream(now, path, &mut chunk).is_none());
        while let Some(event) = net.agent(1).poll_event() {
            if let Event::Release(path) = event {
                assert!(open.remove(&path));
            }
        }
        assert!(open.len() <= 4);
        net.now = now + std::time::Duration::from_micros(1);
    }
    net.introduce();
    net.run_while(60_000, |net| !net.both_completed());
    assert!(net.both_completed(), "the peer gets in");
    let end = net.now.as_millis() + 20_000;
    net.run_until(end);
    for event in &net.hosts[1].events {
        if let Event::Release(path) = event {
            open.remove(path);
        }
    }
    assert!(open.is_empty(), "{open:?}");
    assert!(net.both_completed());
}

/// Hostile lengths, noise, and checks without credentials.
#[test]
fn atk_what_callers_send_is_bounded_and_counted() {
    let mut net = without_udp(active(), config());
    net.gather();
    net.run_until(10);
    let now = net.now;
    let agent = net.agent(1);
    let path = to_listener("198.51.100.66:1");
    let mut chunk = &[0xff, 0xff, 0, 0][..];
    assert!(agent.open_stream(now, path, &mut chunk).is_none());
    assert_eq!(agent.stats().dropped.unknown_stream, 1);

    agent.accepted(now, path);
    let mut chunk = &[0xff, 0xff, 0, 0][..];
    assert!(agent.open_stream(now, path, &mut chunk).is_none());
    assert_eq!(agent.stats().dropped.bad_frame, 1);
    assert_eq!(agent.poll_event(), Some(Event::Release(path)));

    agent.accepted(now, path);
    let noise = [framed(b"\x80 data"), framed(&[0; 20]), vec![0, 0, 0, 0]].concat();
    let mut chunk = &noise[..];
    assert!(agent.open_stream(now, path, &mut chunk).is_none());
    assert_eq!(agent.stats().dropped.unproved_path, 1);
    assert_eq!(agent.stats().dropped.malformed, 1);

    // An address where nobody listens, and data that claims to be a datagram.
    let elsewhere = Path {
        local: addr("192.0.2.2:80"),
        ..path
    };
    agent.accepted(now, elsewhere);
    assert_eq!(agent.poll_event(), Some(Event::Release(elsewhere)));
    assert!(agent.open(now, path, &mut b"\x80 data".to_vec()).is_none());
    assert_eq!(agent.stats().dropped.streams_refused, 1);
}

/// RFC 6544 §7.2: a check over a stream that was accepted makes the pair.
#[test]
fn a_check_over_an_accepted_stream_is_answered_there() {
    let mut net = without_udp(active(), config());
    net.gather();
    net.run_until(10);
    let script = Script::new("198.51.100.7:50000");
    let credentials = script.credentials.clone();
    assert_eq!(net.agent(1).set_remote_credentials(credentials), Ok(()));
    let path = to_listener("198.51.100.7:50000");
    let now = net.now;
    net.agent(1).accepted(now, path);
    let says = [Attribute::Priority(1_000_000), Attribute::IceControlling(1)];
    let check = framed(&script.request(&net.hosts[1].agent, 1, &says));
    let mut chunk = &check[..];
    assert!(net.agent(1).open_stream(now, path, &mut chunk).is_none());
    let mut classes = Vec::new();
    for _ in 0..4 {
        let mut bytes = Vec::new();
        let mut w = Writer::new(&mut bytes, 1200);
        let Some(way) = net.agent(1).poll_transmit(now, &mut w) else {
            break;
        };
        assert_eq!(way, path);
        assert_eq!(
            usize::from(bytes[1]) + 256 * usize::from(bytes[0]),
            bytes.len() - 2
        );
        classes.push(class_of(&bytes[2..]));
    }
    assert_eq!(classes, [Class::Success, Class::Request]);
    let mut remotes = net.hosts[1].agent.remote_candidates();
    let remote = remotes.next().expect("a learned one");
    assert_eq!(
        (remote.kind, remote.tcp),
        (CandidateKind::PeerReflexive, Some(TcpKind::Active))
    );
}

/// Those that we cannot use: simultaneous open, or no type at all.
#[test]
fn simultaneous_open_is_understood_and_not_supported() {
    let mut net = without_udp(active(), config());
    net.gather();
    net.run_until(10);
    let mut candidate = net.told(1)[1].clone();
    assert_eq!(candidate.tcp, Some(TcpKind::Passive));
    for tcp in [Some(TcpKind::SimultaneousOpen), None] {
        candidate = Candidate {
            tcp,
            ufrag: None,
            ..candidate
        };
        let added = net.agent(0).add_remote_candidate(candidate.clone());
        assert_eq!(added, Err(pollrtc::ice::CandidateError::Unsupported));
    }
    // Somebody who connects needs no stream from us.
    candidate.tcp = Some(TcpKind::Active);
    candidate.address = CandidateAddress::Ip(addr("192.0.2.2:9"));
    assert_eq!(net.agent(0).add_remote_candidate(candidate), Ok(()));
    assert_eq!(net.agent(0).pairs().count(), 0);
    let connects = |event: &Event| matches!(event, Event::Connect { .. });
    net.collect(0);
    assert!(!net.hosts[0].events.iter().any(connects));
}

#[test]
fn closing_releases_every_stream() {
    let mut net = without_udp(active(), config());
    assert!(net.connect(60_000));
    let path = net.hosts[0].agent.current_path().expect("a path");
    net.agent(0).close();
    net.collect(0);
    let events = &net.hosts[0].events;
    assert_eq!(
        events[events.len() - 2..],
        [Event::Release(path), Event::Closed]
    );
    assert_eq!(net.agent(0).poll_timeout(), None);
}

#[test]
fn a_restart_opens_a_stream_of_its_own() {
    let mut net = without_udp(active(), config());
    assert!(net.connect(60_000));
    let before = net.hosts[0].agent.current_path();
    for host in 0..2 {
        assert_eq!(net.agent(host).restart(), Ok(()));
        net.hosts[host].events.clear();
        net.agent(host).gather();
        net.collect(host);
    }
    net.introduce();
    let end = net.now.as_millis() + 60_000;
    net.run_while(end, |net| !net.both_completed());
    assert!(net.both_completed());
    assert_ne!(net.hosts[0].agent.current_path(), before);
    let end = net.now.as_millis() + 60_000;
    net.run_until(end);
    assert_eq!(net.streams.len(), 1, "the old stream was released");
    assert!(net.both_completed());
}

/// A candidate that claims the place of a server gets no stream of its own, and is no hope.
#[test]
fn a_candidate_at_the_place_of_a_server_is_not_connected_to() {
    let servers = vec![turn("turn:203.0.113.1?transport=tcp")];
    let mut net = Net::new(1);
    net.add_host(
        IceConfig {
            servers,
            ..active()
        },
        &[A],
    );
    net.agent(0).gather();
    let candidate = Candidate {
        protocol: Protocol::Tcp,
        tcp: Some(TcpKind::Passive),
        ..host(addr("203.0.113.1:3478"), 1_000)
    };
    assert_eq!(net.agent(0).add_remote_candidate(candidate), Ok(()));
    assert_eq!(net.agent(0).pairs().count(), 0);
    net.collect(0);
    let connects = |event: &&Event| matches!(event, Event::Connect { .. });
    assert_eq!(net.hosts[0].events.iter().filter(connects).count(), 1);
}
