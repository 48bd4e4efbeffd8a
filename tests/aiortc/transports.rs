//! Sections 1.5 to 1.8 and 1.16: gatherers, transports, associations and channels by
//! hand, as ORTC has them: the machines alone, without a description.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use pollrtc::Instant;
use pollrtc::crypto::HashId;
use pollrtc::crypto::certificate::{Certificate, CertificateOptions, Fingerprint};
use pollrtc::crypto::rust_crypto::PROVIDER;
use pollrtc::cursor::Writer;
use pollrtc::dtls::{self, DtlsConfig, DtlsState, DtlsTransport};
use pollrtc::ice::{
    Credentials, GatheringState, IceAgent, IceConfig, IceState, Role, Scheme, ServerUrl, UrlError,
};
use pollrtc::net::{CandidateKind, Path, Protocol};
use pollrtc::peer::{ChannelConfig, ChannelState, Config, Data, Event, OpenError, SendError};
use pollrtc::rng::Rng;
use pollrtc::sctp::{SctpAssociation, SctpConfig, SctpState};
use pollrtc::sim::{Direct, HostId, Link, World};
use pollrtc::wire::dtls::extension::SrtpProfile;
use pollrtc::wire::sdp::candidate;

use super::support::{PC1, PC2, Pair};

const PLACES: [&str; 2] = ["192.0.2.1:1000", "192.0.2.2:2000"];

fn place(side: usize) -> SocketAddr {
    PLACES[side].parse().unwrap()
}

fn gatherer(side: usize, role: Role) -> IceAgent {
    let mut rng = Rng::from_number(7 + u64::try_from(side).unwrap());
    let mut agent = IceAgent::new(IceConfig::new(&PROVIDER), role, &mut rng).unwrap();
    agent.add_local_address(place(side)).unwrap();
    agent
}

fn introduce(agent: &mut IceAgent, peer: &IceAgent) {
    for candidate in peer.local_candidates() {
        agent.add_remote_candidate(candidate.clone()).unwrap();
    }
    agent.end_of_remote_candidates();
    agent
        .set_remote_credentials(peer.local_credentials().clone())
        .unwrap();
}

/// `RTCIceGatherer`: its states, its parameters and its candidates.
#[test]
fn aiortc_1_5_a_gatherer_gathers() {
    let mut agent = gatherer(0, Role::Controlling);
    assert_eq!(agent.gathering_state(), GatheringState::New);
    agent.gather();
    assert_eq!(agent.gathering_state(), GatheringState::Complete);
    let [host] = agent.local_candidates().collect::<Vec<_>>()[..] else {
        panic!("one address, one candidate")
    };
    assert_eq!(host.kind, CandidateKind::Host);
    assert_eq!(host.address.ip(), Some(place(0)));
    assert_eq!((host.component, host.protocol), (1, Protocol::Udp));
    let said = candidate::display(host).to_string();
    let read = candidate::parse(said.trim_start_matches("candidate:")).unwrap();
    assert_eq!(read, *host, "as SDP has it, both ways");
    let Credentials { ufrag, pwd, .. } = agent.local_credentials();
    assert!(ufrag.len() >= 4 && pwd.len() >= 22);
}

/// `RTCIceTransport`: from new to completed, and closed when it is stopped.
#[test]
fn aiortc_1_5_a_transport_connects() {
    let mut agents = [
        gatherer(0, Role::Controlling),
        gatherer(1, Role::Controlled),
    ];
    agents.iter_mut().for_each(IceAgent::gather);
    assert!(agents.iter().all(|agent| agent.state() == IceState::New));
    let [a, b] = &mut agents;
    introduce(a, b);
    introduce(b, a);
    assert_eq!(a.remote_candidates().count(), 1);
    let link = Link::with_delay(Duration::from_millis(10));
    let mut world = World::new(1).with_links(link);
    let mut side = 0;
    let hosts = agents.map(|agent| {
        side += 1;
        world.add(["a", "b"][side - 1], &[place(side - 1)], agent)
    });
    world.run_for(Duration::from_secs(5));
    for (host, role) in hosts.into_iter().zip([Role::Controlling, Role::Controlled]) {
        let agent = world.machine(host);
        assert_eq!(agent.state(), IceState::Completed);
        assert_eq!(agent.role(), role);
        assert!(agent.selected_pair().is_some());
    }
    world.with(hosts[0], |agent, _| agent.close());
    assert_eq!(world.machine(hosts[0]).state(), IceState::Closed);
    world.run_for(Duration::from_secs(60));
    assert_eq!(
        world.machine(hosts[1]).state(),
        IceState::Failed,
        "without consent"
    );
}

/// A closed one does not start again, and one without parameters cannot start.
#[test]
fn aiortc_1_2_a_closed_transport_does_not_start() {
    let mut agent = gatherer(0, Role::Controlling);
    agent.close();
    agent.gather();
    let mut peer = gatherer(1, Role::Controlled);
    peer.gather();
    let credentials = peer.local_credentials().clone();
    let _ = agent.set_remote_credentials(credentials);
    assert_eq!(agent.state(), IceState::Closed);
    let now = Instant::from_millis(1);
    assert_eq!(agent.poll_timeout(), None);
    let mut datagram = Vec::new();
    let mut room = Writer::new(&mut datagram, 1200);
    assert_eq!(agent.poll_transmit(now, &mut room), None);

    let mut agent = gatherer(0, Role::Controlling);
    agent.gather();
    let mut bad = peer.local_credentials().clone();
    bad.ufrag = "abc".to_string();
    assert!(agent.set_remote_credentials(bad).is_err(), "too short");
    assert_eq!(agent.state(), IceState::New, "nothing to check yet");
    let sealed = agent.seal(&mut Writer::new(&mut datagram, 1200), |w| {
        w.bytes(b"data");
        true
    });
    assert_eq!(sealed, None, "where there is no pair nothing is sent");
}

/// The rules for URLs: defaults, and what is none.
#[test]
fn aiortc_1_5_urls_of_servers() {
    let read = |text: &str| text.parse::<ServerUrl>();
    for (text, scheme, port, transport) in [
        ("stun:a.example", Scheme::Stun, 3478, Protocol::Udp),
        ("stuns:a.example", Scheme::Stuns, 5349, Protocol::Tls),
        ("turn:a.example", Scheme::Turn, 3478, Protocol::Udp),
        ("turns:a.example", Scheme::Turns, 5349, Protocol::Tls),
        (
            "turn:a.example:80?transport=tcp",
            Scheme::Turn,
            80,
            Protocol::Tcp,
        ),
    ] {
        let url = read(text).unwrap();
        assert_eq!(
            (url.scheme, url.port, url.transport),
            (scheme, port, transport)
        );
    }
    assert_eq!(read("http://a.example"), Err(UrlError::Scheme));
    for text in [
        "stun:a.example?transport=udp",
        "turn:",
        "turn:a.example:0",
        "stun:a b",
    ] {
        assert!(read(text).is_err(), "{text}");
    }
}

fn certificate(rng: &mut Rng) -> Arc<Certificate> {
    let options = CertificateOptions {
        common_name: "0123456789abcdef".into(),
        not_before: 1_700_000_000,
        not_after: 1_702_592_000,
    };
    Arc::new(Certificate::generate(&PROVIDER, rng, &options).unwrap())
}

/// `RTCCertificate`: P-256, fingerprints of three hashes in capitals and colons.
#[test]
fn aiortc_1_6_a_certificate_and_its_fingerprints() {
    let certificate = certificate(&mut Rng::from_number(1));
    for (hash, name, bytes) in [
        (HashId::Sha256, "sha-256 ", 32),
        (HashId::Sha384, "sha-384 ", 48),
        (HashId::Sha512, "sha-512 ", 64),
    ] {
        let fingerprint = certificate.fingerprint(&PROVIDER, hash).unwrap();
        let text = fingerprint.to_string();
        let digest = text.strip_prefix(name).unwrap();
        let octets: Vec<&str> = digest.split(':').collect();
        assert_eq!(octets.len(), bytes);
        let is_octet = |octet: &&str| octet.len() == 2 && octet.to_uppercase() == **octet;
        assert!(octets.iter().all(is_octet));
        assert_eq!(Fingerprint::parse(&text.to_lowercase()), Ok(fingerprint));
    }
    // Beyond aiortc: it goes out, and comes in again.
    let der = certificate.der();
    assert!(Certificate::import(&PROVIDER, der, b"another key").is_err());
}

fn world_of_dtls() -> (World<Direct<DtlsTransport>>, [HostId; 2]) {
    let mut world = World::new(1).with_links(Link::with_delay(Duration::from_millis(10)));
    let mut rng = world.fork_rng();
    let hosts = [dtls::Role::Client, dtls::Role::Server].map(|role| {
        let side = usize::from(role == dtls::Role::Server);
        let config = DtlsConfig {
            srtp_profiles: vec![SrtpProfile::AeadAes128Gcm],
            ..DtlsConfig::new(&PROVIDER, certificate(&mut rng))
        };
        let end = DtlsTransport::new(config, role, &mut rng);
        let path = Path::udp(place(side), place(1 - side));
        world.add(["a", "b"][side], &[place(side)], Direct::new(end, path))
    });
    (world, hosts)
}

/// `RTCDtlsTransport`: connecting, connected, data both ways, and the end of both when
/// one stops.
#[test]
fn aiortc_1_6_a_transport_is_secured() {
    let (mut world, hosts) = world_of_dtls();
    let states = |world: &World<Direct<DtlsTransport>>| {
        hosts.map(|host| world.machine(host).machine.state())
    };
    assert_eq!(states(&world), [DtlsState::New; 2]);
    world.run_for(Duration::from_secs(2));
    assert_eq!(states(&world), [DtlsState::Connected; 2]);
    let client = &world.machine(hosts[0]).machine;
    let agreed = client.negotiated().unwrap();
    assert!(agreed.srtp_profile.is_some(), "keys for media");
    assert_eq!(client.role(), dtls::Role::Client);
    for (host, text) in hosts.into_iter().zip([&b"ping"[..], b"pong"]) {
        world.with(host, |end, _| end.unsent.push_back(text.to_vec().into()));
    }
    world.run_for(Duration::from_secs(1));
    for (host, text) in hosts.into_iter().zip([&b"pong"[..], b"ping"]) {
        assert_eq!(world.machine(host).received, [text]);
    }
    world.with(hosts[0], |end, _| {
        end.machine.close(dtls::CloseReason::Requested);
    });
    world.run_for(Duration::from_secs(1));
    assert_eq!(states(&world), [DtlsState::Closed; 2]);
}

/// `RTCSctpTransport` without ICE and DTLS: states, streams of both, and the end.
#[test]
fn aiortc_1_7_an_association_connects_and_ends() {
    let mut rng = Rng::from_number(1);
    let mut world = World::new(1).with_links(Link::with_delay(Duration::from_millis(10)));
    let counts = [65_535, 300];
    let hosts = [0, 1].map(|side: usize| {
        let config = SctpConfig {
            max_streams: counts[side],
            ..SctpConfig::default()
        };
        assert_eq!(config.local_port, 5000);
        let association = SctpAssociation::new(config, &mut rng);
        let path = Path::udp(place(side), place(1 - side));
        world.add(
            ["a", "b"][side],
            &[place(side)],
            Direct::new(association, path),
        )
    });
    let states = |world: &World<Direct<SctpAssociation>>| {
        hosts.map(|host| world.machine(host).machine.state())
    };
    assert_eq!(states(&world), [SctpState::New; 2]);
    for host in hosts {
        world.with(host, |end, _| end.machine.connect());
    }
    assert_eq!(states(&world), [SctpState::Connecting; 2]);
    world.run_for(Duration::from_secs(2));
    assert_eq!(states(&world), [SctpState::Connected; 2]);
    for host in hosts {
        let streams = world.machine(host).machine.max_streams();
        assert!(streams >= 300, "{streams}");
    }
    // `stop()` is an abort: the other side learns of it at once.
    world.with(hosts[0], |end, _| end.machine.abort());
    world.run_for(Duration::from_secs(1));
    assert_eq!(states(&world), [SctpState::Closed; 2]);
}

/// The numbers of channels follow from the roles of DTLS, whoever offered.
#[test]
fn aiortc_1_7_channels_have_even_and_odd_numbers() {
    let mut pair = Pair::new();
    let ours = pair.open("first", ChannelConfig::default());
    pair.exchange();
    pair.wait();
    let theirs = pair
        .call(PC2, |pc| {
            pc.create_data_channel("second", ChannelConfig::default())
        })
        .unwrap();
    pair.wait();
    let stream = |pair: &Pair, side, id| pair.machine(side).channel(id).unwrap().stream;
    // The answerer is the client (RFC 8842 §5.3), and a client has the even ones.
    assert_eq!(pair.machine(PC2).dtls_role(), Some(dtls::Role::Client));
    assert_eq!(stream(&pair, PC1, ours), Some(1));
    assert_eq!(stream(&pair, PC2, theirs), Some(0));
}

/// Each kind of content comes as what it was, the empty ones too.
#[test]
fn aiortc_1_7_contents_keep_their_kind() {
    let (mut pair, [ours, _]) = Pair::with_channel(ChannelConfig::default());
    let all = [
        Data::from("text"),
        Data::from(""),
        Data::from(vec![0, 1, 2]),
        Data::from(Vec::new()),
        Data::from("näh\0re"),
    ];
    for data in all.clone() {
        pair.send(PC1, ours, data).unwrap();
    }
    pair.wait();
    assert_eq!(pair.messages(PC2), all);
}

/// `RTCDataChannelParameters`, and which of them exclude each other.
#[test]
fn aiortc_1_8_parameters_of_a_channel() {
    let config = ChannelConfig::default();
    assert!(config.ordered && config.protocol.is_empty());
    assert_eq!(
        (config.max_packet_life_time, config.max_retransmits),
        (None, None)
    );
    assert_eq!(config.negotiated, None);
    let mut pair = Pair::new();
    let mut refused = |config| pair.call(PC1, |pc| pc.create_data_channel("a", config));
    let both = ChannelConfig {
        max_packet_life_time: Some(1),
        max_retransmits: Some(1),
        ..ChannelConfig::default()
    };
    assert_eq!(refused(both), Err(OpenError::TwoLimits));
    let agreed = |number| ChannelConfig {
        negotiated: Some(number),
        ..ChannelConfig::default()
    };
    assert_eq!(refused(agreed(65_535)), Err(OpenError::StreamOutOfRange));
    assert!(refused(agreed(65_534)).is_ok());
    assert_eq!(refused(agreed(65_534)), Err(OpenError::StreamInUse));
}

/// Events in their order, at both ends, with the two that aiortc has not.
#[test]
fn aiortc_1_8_the_life_of_a_channel() {
    let mut pair = Pair::new();
    let ours = pair.open("a", ChannelConfig::default());
    pair.call(PC1, |pc| pc.set_buffered_amount_low_threshold(ours, 100));
    let early = pair.send(PC1, ours, "early");
    assert_eq!(early, Err(SendError::NotOpen));
    pair.exchange();
    pair.wait();
    pair.send(PC1, ours, vec![0; 50_000]).unwrap();
    assert!(pair.call(PC1, |pc| pc.buffered_amount(ours)) > 100);
    pair.wait();
    pair.call(PC1, |pc| pc.close_channel(ours));
    let late = pair.send(PC1, ours, "late");
    assert_eq!(late, Err(SendError::NotOpen));
    pair.wait();
    let about = |pair: &Pair, side: usize| {
        let told = pair.events[side].iter().filter_map(|event| match event {
            Event::DataChannel(_) => Some("datachannel".to_string()),
            Event::ChannelState(_, state) => Some(state.to_string()),
            Event::Message(..) => Some("message".to_string()),
            Event::BufferedAmountLow(_) => Some("bufferedamountlow".to_string()),
            _ => None,
        });
        told.collect::<Vec<_>>()
    };
    assert_eq!(
        about(&pair, PC1),
        ["open", "bufferedamountlow", "closing", "closed"]
    );
    assert_eq!(
        about(&pair, PC2),
        ["datachannel", "open", "message", "closing", "closed"]
    );
    assert!(pair.machine(PC1).channel(ours).is_none());
    assert_eq!(ChannelState::Connecting.as_str(), "connecting");
}

/// Ids are free again once both ends have closed.
#[test]
fn aiortc_1_7_closed_channels_leave_their_numbers() {
    let (mut pair, [ours, _]) = Pair::with_channel(ChannelConfig::default());
    let stream = |pair: &Pair, id| pair.machine(PC1).channel(id).unwrap().stream;
    let first = stream(&pair, ours);
    pair.call(PC1, |pc| pc.close_channel(ours));
    pair.wait();
    let next = pair.open("again", ChannelConfig::default());
    assert_eq!(stream(&pair, next), first);
    pair.wait();
    pair.send(PC1, next, "again").unwrap();
    pair.wait();
    assert_eq!(pair.messages(PC2), [Data::from("again")]);
}

/// Candidates as SDP has them, with all that may follow.
#[test]
fn aiortc_1_16_candidates_are_read_and_written() {
    for line in [
        "1 1 udp 2130706431 192.0.2.1 4001 typ host",
        "2 1 udp 1694498815 198.51.100.1 4001 typ srflx raddr 192.0.2.1 rport 4001",
        "3 1 tcp 1518280447 192.0.2.1 9 typ host tcptype active",
        "4 1 udp 41885439 203.0.113.1 5000 typ relay raddr 198.51.100.1 rport 4001",
        "5 2 udp 2130706430 2001:db8::1 4001 typ host",
    ] {
        let read = candidate::parse(line).unwrap();
        let written = candidate::display(&read).to_string();
        assert_eq!(written.trim_start_matches("candidate:"), line);
    }
    let generation = "1 1 udp 2130706431 192.0.2.1 4001 typ host generation 0";
    assert!(candidate::parse(generation).is_ok());
    for line in [
        "",
        "1 1 udp 2130706431 192.0.2.1 4001 typ",
        "1 1 udp x 192.0.2.1 1 typ host",
    ] {
        assert!(candidate::parse(line).is_err(), "{line}");
    }
}

/// aioice's numbers: type preferences in the upper byte, a family and a protocol a pair.
#[test]
fn aiortc_1_16_priorities_follow_the_rfc() {
    let mut agent = gatherer(0, Role::Controlling);
    agent.gather();
    let host = agent.local_candidates().next().unwrap();
    assert_eq!(host.priority >> 24, 126, "RFC 8445 §5.1.2.2");
    assert_eq!(host.priority & 0xff, 255, "256 - component");
}

/// After the end of candidates no more are taken: aiortc ignores, aioice raises.
#[test]
fn aiortc_1_16_what_comes_after_the_end_changes_nothing() {
    let mut agent = gatherer(0, Role::Controlling);
    let mut peer = gatherer(1, Role::Controlled);
    agent.gather();
    peer.gather();
    introduce(&mut agent, &peer);
    let before = agent.remote_candidates().count();
    let same = peer.local_candidates().next().unwrap().clone();
    let _ = agent.add_remote_candidate(same);
    assert_eq!(agent.remote_candidates().count(), before);
}

/// aiortc ignores what it is given; here an agent uses it.
#[test]
fn aiortc_1_5_given_credentials_are_used() {
    let mut agent = gatherer(0, Role::Controlling);
    let given = Credentials {
        ufrag: "given".to_string(),
        pwd: "givengivengivengivengiven".to_string(),
    };
    agent.restart_with(given).unwrap();
    agent.gather();
    assert_eq!(agent.local_credentials().ufrag, "given");
    assert_eq!(agent.local_credentials().pwd.len(), 25);
}

/// To aiortc a connection without keys for media is none, even with data only.
#[test]
fn aiortc_1_6_data_needs_no_keys_for_media() {
    let with = |profile| Config {
        srtp_profiles: vec![profile],
        ..Config::new()
    };
    let pc1 = with(SrtpProfile::AeadAes128Gcm);
    let mut pair = Pair::with(pc1, with(SrtpProfile::Aes128CmSha1_80));
    let channel = pair.open("a", ChannelConfig::default());
    pair.exchange();
    pair.wait();
    let agreed = pair.machine(PC1).dtls_negotiated().unwrap();
    assert_eq!(agreed.srtp_profile, None);
    pair.send(PC1, channel, "data").unwrap();
    pair.wait();
    assert_eq!(pair.messages(PC2), [Data::from("data")]);
}
