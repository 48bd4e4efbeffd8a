//! What the entries of a report say of what happened.

use std::collections::BTreeSet;
use std::time::Duration;

use pollrtc::crypto::rust_crypto::PROVIDER;
use pollrtc::dtls::{DtlsState, Role};
use pollrtc::ice::{IceServer, PairState, ServerUrl, TransportPolicy};
use pollrtc::net::{CandidateKind, Protocol};
use pollrtc::peer::{
    BundlePolicy, Config, DescriptionError, Direction, EncodingParameters, Event, IceCandidate,
    Kind, StatsEntry, StatsId, StatsReport, StatsSelector, TransceiverInit,
};
use pollrtc::sim::TurnServerConfig;
use pollrtc::time::Instant;

use crate::support::{ALICE, BOB, Pair, picture, without};

#[test]
fn wpt_039_a_report_has_entries_of_all_types_once_they_exist() {
    let mut pair = Pair::new();
    let types = |report: &StatsReport| -> BTreeSet<&'static str> {
        report
            .entries()
            .map(|entry| entry.id().type_name())
            .collect()
    };
    let bare = pair.report(ALICE);
    let early = types(&bare);
    assert!(early.contains("peer-connection"));
    assert!(!early.contains("candidate-pair") && !early.contains("codec"));
    drop(pair);

    pair = Pair::talking();
    pair.talk();
    for side in [ALICE, BOB] {
        let all = [
            "candidate-pair",
            "certificate",
            "codec",
            "data-channel",
            "inbound-rtp",
            "local-candidate",
            "media-source",
            "outbound-rtp",
            "peer-connection",
            "remote-candidate",
            "remote-inbound-rtp",
            "remote-outbound-rtp",
            "transport",
        ];
        assert_eq!(types(&pair.report(side)), BTreeSet::from(all));
    }

    let foreign = {
        let mut other = Pair::new();
        for _ in 0..9 {
            other.add(ALICE, Kind::Audio, Direction::SendRecv);
        }
        other.peer(ALICE).transceivers().last().unwrap().id()
    };
    for selector in [
        StatsSelector::Sender(foreign),
        StatsSelector::Receiver(foreign),
    ] {
        let refused = pair.peer(ALICE).get_stats_of(pair.world.now(), selector);
        assert!(matches!(refused, Err(DescriptionError::InvalidAccess(_))));
    }
}

/// Whatever an entry refers to is there, and nothing is there twice.
#[test]
fn references_lead_somewhere() {
    let mut pair = Pair::talking();
    pair.talk();
    for side in [ALICE, BOB] {
        let report = pair.report(side);
        check_references(&report);
        let count = report.entries().count();
        let ids: BTreeSet<StatsId> = report.entries().map(|entry| entry.id()).collect();
        let names: BTreeSet<String> = ids.iter().map(ToString::to_string).collect();
        assert_eq!((ids.len(), names.len()), (count, count));
        for one in &report.outbound_rtp {
            let Some(StatsEntry::RemoteInboundRtp(remote)) = report.get(one.remote_id.unwrap())
            else {
                panic!("not what the peer says");
            };
            assert_eq!((remote.local_id, remote.ssrc), (one.id, one.stream.ssrc));
            let Some(StatsEntry::MediaSource(source)) = report.get(one.media_source_id.unwrap())
            else {
                panic!("not a source");
            };
            let track = format!("{}-of-{side}", one.stream.kind);
            assert_eq!(source.track_identifier, track);
        }
        for one in &report.inbound_rtp {
            let track = format!("{}-of-{}", one.stream.kind, 1 - side);
            assert_eq!(one.track_identifier, track);
            let Some(StatsEntry::Codec(codec)) = report.get(one.stream.codec_id.unwrap()) else {
                panic!("not a codec");
            };
            let expected = ["audio/opus", "video/VP8"][usize::from(one.stream.kind == Kind::Video)];
            assert_eq!(codec.mime_type, expected);
        }
    }
}

fn check_references(report: &StatsReport) {
    for entry in report.entries() {
        for id in entry.references() {
            assert!(report.get(id).is_some(), "{} refers to {id}", entry.id());
        }
    }
}

#[test]
fn wpt_041_streams_that_go_are_there_once_that_is_agreed_on() {
    let mut pair = Pair::new();
    let sends = pair.add(ALICE, Kind::Audio, Direction::SendOnly);
    let takes = pair.add(ALICE, Kind::Video, Direction::RecvOnly);
    assert!(pair.report(ALICE).outbound_rtp.is_empty());
    pair.call(ALICE, |pc| pc.set_local_description(None))
        .unwrap();
    assert!(pair.report(ALICE).outbound_rtp.is_empty());
    pair.call(ALICE, |pc| {
        let offer = pc.local_description().unwrap();
        assert!(!offer.sdp.is_empty());
    });

    let mut pair = Pair::talking();
    pair.talk();
    let _ = (sends, takes);
    let now = pair.world.now();
    let alice = pair.peer(ALICE);
    let report = pair.report(ALICE);
    assert_eq!(report.outbound_rtp.len(), 2);
    for one in &report.outbound_rtp {
        let id = one.stream.transceiver;
        let transceiver = alice.transceiver(id).unwrap();
        assert_eq!(one.stream.kind, transceiver.kind());
        assert_eq!(Some(one.stream.ssrc), alice.ssrc(id, ""));

        let sent = alice.get_stats_of(now, StatsSelector::Sender(id)).unwrap();
        assert_eq!(&sent.outbound_rtp[..], core::slice::from_ref(one));
        assert!(sent.inbound_rtp.is_empty() && sent.remote_outbound_rtp.is_empty());
        assert!(sent.peer_connection.is_none() && sent.data_channels.is_empty());
        assert_eq!(sent.remote_inbound_rtp.len(), 1);
        assert_eq!((sent.media_sources.len(), sent.codecs.len()), (1, 1));
        assert_eq!((sent.transports.len(), sent.certificates.len()), (1, 2));
        assert_eq!(sent.candidate_pairs.len(), 1);
        check_references(&sent);

        let received = alice
            .get_stats_of(now, StatsSelector::Receiver(id))
            .unwrap();
        assert!(received.outbound_rtp.is_empty() && received.media_sources.is_empty());
        let streams: Vec<_> = received
            .inbound_rtp
            .iter()
            .map(|one| one.stream.transceiver)
            .collect();
        assert_eq!(streams, [id]);
        check_references(&received);
    }
}

/// What only one side sends, only that side reports.
#[test]
fn one_way_streams_are_reported_one_way() {
    let mut pair = Pair::new();
    pair.add(ALICE, Kind::Audio, Direction::SendOnly);
    pair.negotiate();
    let [alice, bob] = [ALICE, BOB].map(|side| pair.report(side));
    assert_eq!((alice.outbound_rtp.len(), alice.inbound_rtp.len()), (1, 0));
    assert_eq!((bob.outbound_rtp.len(), bob.inbound_rtp.len()), (0, 0));
}

#[test]
fn wpt_161_one_pair_is_in_use_when_connected() {
    let pair = Pair::talking();
    for side in [ALICE, BOB] {
        let report = pair.report(side);
        let in_use = |one: &&pollrtc::peer::CandidatePairStats| {
            one.nominated && one.state == PairState::Succeeded
        };
        let found: Vec<_> = report.candidate_pairs.iter().filter(in_use).collect();
        let [one] = found[..] else {
            panic!("{} pairs in use", found.len());
        };
        let [transport] = &report.transports[..] else {
            panic!("not one transport");
        };
        assert_eq!(one.transport_id, transport.id);
        assert_eq!(transport.selected_candidate_pair_id, Some(one.id));
        assert_eq!(transport.selected_candidate_pair_changes, 1);
        assert_eq!(
            one.counted.current_round_trip,
            Some(Duration::from_millis(20))
        );
        assert!(one.counted.bytes_sent > 0 && one.counted.bytes_received > 0);
        assert_eq!(one.counted.bytes_sent, transport.bytes_sent);
        assert_eq!(transport.dtls_state, DtlsState::Connected);
        let role = [Role::Server, Role::Client][side];
        assert_eq!(transport.dtls_role, Some(role));
    }
    let [alice, bob] = [ALICE, BOB].map(|side| pair.report(side));
    let ids = |report: &StatsReport| {
        let transport = &report.transports[0];
        [
            transport.local_certificate_id,
            transport.remote_certificate_id,
        ]
        .map(Option::unwrap)
    };
    let ([a, b], [c, d]) = (ids(&alice), ids(&bob));
    assert_eq!((a, b), (d, c), "each shows the other what it has");
}

#[test]
fn wpt_162_addresses_that_the_peer_did_not_tell_are_hidden() {
    let mut pair = Pair::talking_without_candidates_of_alice();
    let report = pair.report(BOB);
    let [remote] = &report.remote_candidates[..] else {
        panic!("{} remote candidates", report.remote_candidates.len());
    };
    assert_eq!(remote.candidate_type, CandidateKind::PeerReflexive);
    assert_eq!(remote.address, None);
    assert_eq!(remote.username_fragment, None);
    let local = &pair.report(ALICE).local_candidates[0];
    let (address, port) = (local.address.clone().unwrap(), local.port);
    assert!(!format!("{report:?}").contains(&format!("address: Some(\"{address}\")")));
    let before = remote.id;

    let line = format!("candidate:1 1 udp 2130706431 {address} {port} typ host");
    let told = IceCandidate {
        candidate: &line,
        sdp_mid: None,
        sdp_mline_index: Some(0),
        username_fragment: None,
    };
    pair.call(BOB, |pc| pc.add_ice_candidate(told)).unwrap();
    let report = pair.report(BOB);
    let [remote] = &report.remote_candidates[..] else {
        panic!("it was the same one");
    };
    assert_eq!(remote.candidate_type, CandidateKind::Host);
    assert_eq!(
        (remote.address.as_ref(), remote.port),
        (Some(&address), port)
    );
    assert_eq!(remote.id, before);
    assert!(remote.username_fragment.is_some());
}

/// After a restart there are other candidates and pairs, and no id comes back.
#[test]
fn ids_stay_and_are_never_given_again() {
    let mut pair = Pair::talking();
    let ids = |pair: &Pair, prefix: &str| -> BTreeSet<String> {
        let report = pair.report(ALICE);
        let all = report.entries().map(|entry| entry.id().to_string());
        all.filter(|id| id.starts_with(prefix)).collect()
    };
    let before = ids(&pair, "");
    pair.run(Duration::from_secs(3));
    assert_eq!(ids(&pair, ""), before);
    let old = ids(&pair, "candidate-pair");
    for _ in 0..2 {
        pair.call(ALICE, |pc| pc.restart_ice());
        pair.negotiate();
        pair.run(Duration::from_secs(60));
        let new = ids(&pair, "candidate-pair");
        assert!(!new.is_empty() && new.is_disjoint(&old));
        assert!(ids(&pair, "transport").is_subset(&before));
        assert!(ids(&pair, "certificate").is_subset(&before));
        check_references(&pair.report(ALICE));
    }
}

#[test]
fn channels_count_their_messages() {
    let mut pair = Pair::talking();
    pair.drain(BOB);
    for text in ["hello", "how are you?"] {
        pair.say(ALICE, text);
    }
    pair.run(Duration::from_secs(1));
    let events = pair.drain(BOB);
    let came = events
        .iter()
        .filter(|event| matches!(event, Event::Message(..)));
    assert_eq!(came.count(), 2);
    let [alice, bob] = [ALICE, BOB].map(|side| pair.report(side).data_channels[0].clone());
    for one in [&alice, &bob] {
        assert_eq!(
            (one.label.as_str(), one.protocol.as_str()),
            ("chat", "words")
        );
    }
    assert_eq!(alice.data_channel_identifier, bob.data_channel_identifier);
    assert_eq!(
        (alice.traffic.messages_sent, alice.traffic.bytes_sent),
        (2, 17)
    );
    assert_eq!(
        (bob.traffic.messages_received, bob.traffic.bytes_received),
        (2, 17)
    );
    assert_eq!(
        (alice.traffic.messages_received, bob.traffic.messages_sent),
        (0, 0)
    );

    let channels = |pair: &Pair, side| {
        let counted = pair.report(side).peer_connection.unwrap();
        (counted.data_channels_opened, counted.data_channels_closed)
    };
    assert_eq!(
        (channels(&pair, ALICE), channels(&pair, BOB)),
        ((1, 0), (1, 0))
    );
    pair.call(ALICE, |pc| {
        let id = pc.channels().next().unwrap();
        pc.close_channel(id);
    });
    pair.run(Duration::from_secs(1));
    for side in [ALICE, BOB] {
        pair.drain(side);
        assert_eq!(channels(&pair, side), (1, 1));
        assert!(pair.report(side).data_channels.is_empty());
    }
}

#[test]
fn moments_are_those_of_the_wall_clock() {
    let mut pair = Pair::talking();
    let relative = pair.report(ALICE).timestamp;
    assert_eq!(relative.instant(), pair.world.now());
    assert_eq!(relative.unix(), pair.world.now() - Instant::ZERO);

    let unix = Duration::from_secs(1_700_000_000);
    let told = pair.world.now();
    pair.world
        .with(pair.hosts[ALICE], |pc, now| pc.set_wall_clock(now, unix));
    pair.talk();
    let report = pair.report(ALICE);
    assert_eq!(report.timestamp.unix(), unix + (pair.world.now() - told));
    for one in &report.outbound_rtp {
        let last = one.last_packet_sent.unwrap();
        assert_eq!(last.unix() - unix, last.instant() - told);
    }
    for one in &report.remote_inbound_rtp {
        assert!(one.timestamp < report.timestamp && one.timestamp.unix() > unix);
    }
    // Bob is told alice's clock by her reports.
    for one in pair.report(BOB).remote_outbound_rtp {
        let said = one.remote_timestamp.to_unix();
        assert!(said > unix && said < report.timestamp.unix());
    }
}

/// Each transport has an entry, with its own candidates; the certificate is shared.
#[test]
fn transports_that_are_not_bundled_are_told_apart() {
    let config = || Config {
        bundle_policy: BundlePolicy::MaxCompat,
        ..Config::new()
    };
    let mut pair = Pair::with([config(), config()]);
    for kind in [Kind::Audio, Kind::Video] {
        pair.call(ALICE, |pc| pc.add_track(kind, "one", &[]))
            .unwrap();
        pair.call(BOB, |pc| pc.add_track(kind, "other", &[]))
            .unwrap();
    }
    pair.negotiate_with(|_, sdp| without(sdp, &["a=group:"]));
    pair.talk();
    for side in [ALICE, BOB] {
        let report = pair.report(side);
        assert_eq!(report.transports.len(), 2);
        assert_eq!(report.certificates.len(), 2);
        check_references(&report);
        let carriers: BTreeSet<_> = report
            .outbound_rtp
            .iter()
            .map(|one| one.stream.transport_id)
            .collect();
        assert_eq!(carriers.len(), 2);
        for transport in &report.transports {
            let selected = transport.selected_candidate_pair_id.unwrap();
            let Some(StatsEntry::CandidatePair(one)) = report.get(selected) else {
                panic!("not a pair");
            };
            assert_eq!(one.transport_id, transport.id);
        }
    }
}

/// Each layer has an entry of its own, with the place that it has among them.
#[test]
fn layers_are_told_apart() {
    let mut pair = Pair::new();
    let init = TransceiverInit {
        direction: Direction::SendOnly,
        encodings: RIDS.map(EncodingParameters::named).to_vec(),
        ..TransceiverInit::default()
    };
    let id = pair
        .call(ALICE, |pc| pc.add_transceiver(Kind::Video, init))
        .unwrap();
    pair.negotiate();
    for round in 0..50_u32 {
        for rid in RIDS {
            let frame = picture(round * 3600, round == 0);
            let host = pair.hosts[ALICE];
            let written = pair
                .world
                .with(host, |pc, now| pc.write_encoding(now, id, rid, &frame));
            written.unwrap();
        }
        pair.run(Duration::from_millis(40));
    }
    pair.call(ALICE, |pc| pc.set_encoding_active(id, RIDS[1], false));
    let now = pair.world.now();
    let selector = StatsSelector::Sender(id);
    let report = pair.peer(ALICE).get_stats_of(now, selector).unwrap();
    let found: Vec<_> = report
        .outbound_rtp
        .iter()
        .map(|one| (one.stream.rid.as_str(), one.encoding_index, one.active))
        .collect();
    let expected = [
        (RIDS[0], Some(0), true),
        (RIDS[1], Some(1), false),
        (RIDS[2], Some(2), true),
    ];
    assert_eq!(found, expected);
    for one in &report.outbound_rtp {
        assert_eq!(one.frames_sent, 50);
        assert!(one.remote_id.is_some() && one.stream.rtx_ssrc.is_some());
    }
    let theirs = pair.report(BOB).inbound_rtp;
    assert_eq!(theirs.len(), 3);
    for rid in RIDS {
        let of_rid = theirs.iter().find(|one| one.stream.rid == rid).unwrap();
        assert_eq!(of_rid.frames.frames_received, 50);
    }
}

const RIDS: [&str; 3] = ["low", "mid", "high"];

/// A relayed candidate says who lends it, and how that is reached.
#[test]
fn relays_are_named() {
    let address = ([203, 0, 113, 3], 3478).into();
    let relays = (0..4).map(|n| ([203, 0, 113, 3], 50_000 + n).into());
    let user = ("user", "secret");
    let server = TurnServerConfig::new(&PROVIDER, address, relays.collect(), user);
    let url: ServerUrl = "turn:203.0.113.3".parse().unwrap();
    let mut config = Config::new();
    let login = IceServer::with_login(url.clone(), user.0, user.1);
    config.ice.servers.push(login);
    config.ice.policy = TransportPolicy::Relay;
    let mut pair = Pair::with([config, Config::new()]);
    pair.world.add_turn_server("server", server);
    pair.call(ALICE, |pc| pc.add_track(Kind::Audio, "voice", &[]))
        .unwrap();
    // The candidate comes with the description once the relay has answered.
    pair.call(ALICE, |pc| pc.set_local_description(None))
        .unwrap();
    pair.run(Duration::from_secs(1));
    let offer = pair.peer(ALICE).local_description().unwrap();
    pair.call(BOB, |pc| pc.set_remote_description(&offer))
        .unwrap();
    pair.call(BOB, |pc| pc.set_local_description(None)).unwrap();
    let answer = pair.peer(BOB).local_description().unwrap();
    pair.call(ALICE, |pc| pc.set_remote_description(&answer))
        .unwrap();
    pair.run(Duration::from_secs(3));
    let report = pair.report(ALICE);
    check_references(&report);
    let [relayed] = &report.local_candidates[..] else {
        panic!("{:?}", report.local_candidates);
    };
    assert_eq!(relayed.candidate_type, CandidateKind::Relayed);
    assert_eq!(relayed.url.as_ref(), Some(&url));
    assert_eq!(relayed.relay_protocol, Some(Protocol::Udp));
    assert_eq!(relayed.address.as_deref(), Some("203.0.113.3"));
    let selected = report.transports[0].selected_candidate_pair_id.unwrap();
    let Some(StatsEntry::CandidatePair(pair_in_use)) = report.get(selected) else {
        panic!("not a pair");
    };
    assert_eq!(pair_in_use.local_candidate_id, relayed.id);
    let remote = pair.report(BOB).remote_candidates;
    assert!(
        remote
            .iter()
            .all(|one| one.url.is_none() && one.relay_protocol.is_none())
    );
}

/// After the end a report tells how it was.
#[test]
fn the_end_can_be_looked_at() {
    let mut pair = Pair::talking();
    pair.say(ALICE, "bye");
    pair.call(ALICE, |pc| pc.close());
    pair.run(Duration::from_secs(1));
    pair.drain(ALICE);
    let report = pair.report(ALICE);
    check_references(&report);
    let counted = report.peer_connection.unwrap();
    assert_eq!(counted.data_channels_opened, 1);
    assert_eq!(report.transports[0].dtls_state, DtlsState::Closed);
}

impl Pair {
    /// Bob is not told where alice is, and finds out by her checks.
    fn talking_without_candidates_of_alice() -> Self {
        let mut pair = Self::new();
        pair.call(ALICE, |pc| pc.add_track(Kind::Audio, "voice", &[]))
            .unwrap();
        pair.negotiate_with(|from, sdp| match from {
            ALICE => without(sdp, &["a=candidate:", "a=end-of-candidates"]),
            _ => sdp.into(),
        });
        pair
    }
}
