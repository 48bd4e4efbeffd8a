//! What the line of a candidate says.

use std::net::SocketAddr;

use pollrtc::net::{CandidateAddress, CandidateKind, Protocol, TcpKind};
use pollrtc::peer::{DescriptionError, Event, IceCandidate, Kind};

use super::support::{ALICE, BOB, Pair};

fn of(candidate: &str) -> IceCandidate<'_> {
    IceCandidate {
        candidate,
        sdp_mid: Some("0"),
        ..IceCandidate::default()
    }
}

/// The line of the W3C's test, and more.
#[test]
fn wpt_108_each_part_of_a_line_has_its_field() {
    let line = "candidate:1905690388 1 udp 2113937151 192.168.0.1 58041 typ host generation 0 \
                ufrag thC8 network-cost 50";
    let host = of(line).fields().unwrap().unwrap();
    assert_eq!(host.foundation.as_str(), "1905690388");
    assert_eq!(host.component, 1);
    assert_eq!(host.protocol, Protocol::Udp);
    assert_eq!(host.priority, 2_113_937_151);
    let address: SocketAddr = "192.168.0.1:58041".parse().unwrap();
    assert_eq!(host.address, CandidateAddress::Ip(address));
    assert_eq!(host.kind, CandidateKind::Host);
    assert_eq!((host.tcp, host.related), (None, None));
    assert_eq!(host.ufrag.as_deref(), Some("thC8"));

    let line = "candidate:4 2 TCP 1845501695 2001:db8::1 9 typ srflx raddr 10.0.0.1 rport 8998 \
                tcptype active";
    let reflexive = of(line).fields().unwrap().unwrap();
    assert_eq!(reflexive.component, 2);
    assert_eq!(reflexive.protocol, Protocol::Tcp);
    assert_eq!(reflexive.kind, CandidateKind::ServerReflexive);
    assert_eq!(reflexive.tcp, Some(TcpKind::Active));
    assert_eq!(reflexive.related, Some("10.0.0.1:8998".parse().unwrap()));
    assert_eq!(reflexive.ufrag, None);

    for (word, kind) in [
        ("prflx", CandidateKind::PeerReflexive),
        ("relay", CandidateKind::Relayed),
    ] {
        let line = format!("candidate:1 1 udp 1 a.local 1 typ {word}");
        let candidate = of(&line).fields().unwrap().unwrap();
        assert_eq!(candidate.kind, kind);
        let name = CandidateAddress::Name {
            host: "a.local".into(),
            port: 1,
        };
        assert_eq!(candidate.address, name);
    }
}

#[test]
fn wpt_108_a_candidate_is_of_some_section() {
    let nowhere = IceCandidate {
        sdp_mid: None,
        ..of("candidate:1 1 udp 1 192.0.2.1 1 typ host")
    };
    let refused = nowhere.fields().unwrap_err();
    assert!(matches!(refused, DescriptionError::Type(_)));
    let by_index = IceCandidate {
        sdp_mline_index: Some(0),
        username_fragment: Some("mine"),
        ..nowhere
    };
    let candidate = by_index.fields().unwrap().unwrap();
    assert_eq!(candidate.ufrag.as_deref(), Some("mine"));
    // The end, and what is of another world.
    assert_eq!(of("").fields(), Ok(None));
    let other = "candidate:1 1 sctp 1 192.0.2.1 1 typ host";
    assert_eq!(of(other).fields(), Ok(None));
    for bad in ["candidate", "candidate:1 1 udp x 192.0.2.1 1 typ host", "x"] {
        assert!(matches!(
            of(bad).fields(),
            Err(DescriptionError::Operation(_))
        ));
    }
}

/// What is told here is taken there.
#[test]
fn wpt_108_our_own_candidates_are_told_whole() {
    let mut pair = Pair::new();
    pair.call(ALICE, |pc| pc.add_track(Kind::Audio, "voice", &[]))
        .unwrap();
    pair.negotiate(ALICE);
    let mut told = 0;
    let events = std::mem::take(&mut pair.events[ALICE]);
    for event in events {
        let Event::IceCandidate(Some(ours)) = event else {
            continue;
        };
        let fields = ours.as_init().fields().unwrap().unwrap();
        assert_eq!(fields.kind, CandidateKind::Host);
        assert_eq!(fields.ufrag.as_deref(), Some(&*ours.username_fragment));
        assert_eq!((&ours.url, ours.relay_protocol), (&None, None));
        pair.call(BOB, |pc| pc.add_ice_candidate(ours.as_init()))
            .unwrap();
        told += 1;
    }
    assert!(told > 0);
}
