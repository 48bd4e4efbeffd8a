use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::net::{IpAddr, SocketAddr};

use proptest::collection::vec;
use proptest::prelude::*;

use super::candidate::{self, CandidateError};
use super::*;
use crate::net::{Candidate, CandidateAddress, CandidateKind, Foundation, Protocol, TcpKind};

const HEAD: &str = "v=0\r\no=- 1 2 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n";

fn error(text: &str) -> (usize, &'static str) {
    let error = Description::parse(text).unwrap_err();
    (error.line, error.reason)
}

#[test]
fn least_description_is_read() {
    let text = "v=0\no=- 1 2 IN IP6 ::1\n";
    let description = Description::parse(text).unwrap();
    assert_eq!(description.origin.session_id, 1);
    assert_eq!(
        description.to_string(),
        "v=0\r\no=- 1 2 IN IP6 ::1\r\ns=-\r\nt=0 0\r\n"
    );
}

#[test]
fn line_ends_may_be_mixed_and_lines_blank() {
    let text = "v=0\no=- 1 2 IN IP4 0.0.0.0\r\n\r\ns=x\na=ice-lite\r\n\n";
    let description = Description::parse(text).unwrap();
    assert_eq!(description.name, "x");
    assert!(description.ice_lite());
}

#[test]
fn errors_name_line_and_reason() {
    assert_eq!(error(""), (1, "no v= line"));
    assert_eq!(error("hello"), (1, "no letter and equals sign"));
    assert_eq!(
        error("o=- 1 2 IN IP4 0.0.0.0\n"),
        (1, "v=0 is not the first line")
    );
    assert_eq!(error("v=1\n"), (1, "version of SDP is not 0"));
    assert_eq!(error("v=0\ns=-\nt=0 0"), (3, "no o= line"));
    assert_eq!(
        error("v=0\no=- x 2 IN IP4 0.0.0.0\n"),
        (2, "o= has no session id")
    );
    assert_eq!(error(&format!("{HEAD}v=0\r\n")), (5, "second v= line"));
    assert_eq!(error(&format!("{HEAD}s=-\r\n")), (5, "second s= line"));
    assert_eq!(
        error(&format!("{HEAD}x=1\r\n")),
        (5, "unknown type of line")
    );
    assert_eq!(
        error(&format!("{HEAD}m=audio 70000 RTP/AVP 0\r\n")),
        (5, "m= has a bad port")
    );
    assert_eq!(
        error(&format!("{HEAD}a=setup:both\r\n")),
        (5, "unknown setup")
    );
    assert_eq!(
        error(&format!("{HEAD}a=mid:a\rb\r\n")),
        (5, "control character")
    );
    assert_eq!(
        error(&format!("{HEAD}a=mid:a\0b\r\n")),
        (5, "control character")
    );
    let section = format!("{HEAD}m=audio 9 RTP/AVP 0\r\no=- 1 2 IN IP4 0.0.0.0\r\n");
    assert_eq!(error(&section), (6, "line of the session in a section"));
}

#[test]
fn limits_hold() {
    let long = format!("{HEAD}a=x:{}\r\n", "y".repeat(MAX_LINE));
    assert_eq!(error(&long), (5, "line too long"));
    let huge = format!("{HEAD}{}", "a=x\r\n".repeat(MAX_TEXT / 5));
    assert_eq!(error(&huge), (1, "description too long"));
    let sections = |count: usize| format!("{HEAD}{}", "m=audio 9 RTP/AVP 0\r\n".repeat(count));
    assert_eq!(
        Description::parse(&sections(MAX_MEDIA))
            .unwrap()
            .media
            .len(),
        MAX_MEDIA
    );
    assert_eq!(
        error(&sections(MAX_MEDIA + 1)),
        (5 + MAX_MEDIA, "too many sections")
    );
    let fields = format!("{HEAD}{}", "b=AS:1\r\n".repeat(100));
    assert_eq!(error(&fields).1, "too many lines that are no attributes");
}

#[test]
fn lines_are_written_in_the_order_of_the_rfc() {
    let text =
        "v=0\no=- 1 2 IN IP4 0.0.0.0\nt=1 2\nr=7d 1h 0\nc=IN IP4 0.0.0.0\ni=x\na=y\nb=AS:1\ns=-\n";
    let written = Description::parse(text).unwrap().to_string();
    let letters: String = written
        .lines()
        .filter_map(|line| line.chars().next())
        .collect();
    assert_eq!(letters, "vosicbtra");
}

#[test]
fn typed_values_of_a_section() {
    let text = format!(
        "{HEAD}a=group:BUNDLE 0 data\r\na=group:LS 0\r\n\
         m=video 9/2 UDP/TLS/RTP/SAVPF 96 97\r\nb=AS:30\r\na=mid:0\r\na=sendonly\r\na=rtcp-mux\r\n\
         a=rtpmap:96 VP8/90000\r\na=rtpmap:111 opus/48000/2\r\na=fmtp:97 apt=96; x\r\n\
         a=rtcp-fb:* nack pli\r\na=extmap:3/recvonly urn:x y z\r\na=ssrc:7 cname:a:b\r\n\
         a=ssrc-group:FID 7 8\r\na=rid:h send pt=96;max-width=1\r\na=simulcast:recv 1;~2,3 send h\r\n\
         a=msid:- t\r\n\
         m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:data\r\na=sctp-port:5001\r\n\
         a=max-message-size:0\r\na=setup:actpass\r\na=ice-options:trickle renomination\r\n"
    );
    let description = Description::parse(&text).unwrap();
    let bundle: Vec<_> = description.bundles().flat_map(Group::mids).collect();
    assert_eq!(bundle, ["0", "data"]);
    let (index, data) = description.section("data").unwrap();
    assert!(index == 1 && data.is_data_channel() && !data.is_rejected());
    assert_eq!(
        (data.sctp_port(), data.max_message_size()),
        (Some(5001), Some(0))
    );
    assert_eq!(data.setup(), Some(Setup::Actpass));
    assert!(data.has_ice_option("renomination") && !data.has_ice_option("ice2"));
    let (_, video) = description.section("0").unwrap();
    assert_eq!(
        (video.ports, video.direction(), video.rtcp_mux()),
        (2, Some(Direction::SendOnly), true)
    );
    assert_eq!(
        video.direction().map(Direction::reversed),
        Some(Direction::RecvOnly)
    );
    assert_eq!(video.rtpmaps().next().unwrap().encoding, "VP8");
    assert_eq!(video.rtpmaps().nth(1).unwrap().channels, Some(2));
    let fmtp = video.fmtps().next().unwrap();
    assert_eq!(fmtp.payload(), Some(97));
    assert_eq!(fmtp.pairs().collect::<Vec<_>>(), [("apt", "96"), ("x", "")]);
    let feedback = video.rtcp_feedback().next().unwrap();
    assert_eq!(
        (feedback.payload, feedback.kind, feedback.parameter),
        (None, "nack", "pli")
    );
    let map = video.extmaps().next().unwrap();
    assert_eq!(
        (map.id, map.direction, map.attributes),
        (3, Some(Direction::RecvOnly), "y z")
    );
    assert!(video.attributes.contains(&Attribute::Simulcast(Simulcast {
        send: "h",
        recv: "1;~2,3",
    })));
}

#[test]
fn legacy_data_channels_are_understood() {
    let section = |line: &str| format!("{HEAD}m=application 9 {line}\r\n");
    let is = |text: &str| Description::parse(text).unwrap().media[0].is_data_channel();
    assert!(is(&section("UDP/DTLS/SCTP webrtc-datachannel")));
    assert!(is(&section("TCP/DTLS/SCTP webrtc-datachannel")));
    assert!(is(&section(
        "DTLS/SCTP 5000\r\na=sctpmap:5000 webrtc-datachannel 1024"
    )));
    assert!(is(&section("DTLS/SCTP 5000")));
    assert!(!is(&section("DTLS/SCTP 5000\r\na=sctpmap:5000 bfcp 1024")));
    assert!(!is(&section("UDP/BFCP *")));
}

#[test]
fn drafts_and_unknown_attributes_are_kept() {
    for line in [
        "simulcast: send rid=1,4;2 recv rid=c",
        "x-google-flag:conference",
        "foo",
    ] {
        let text = format!("{HEAD}a={line}\r\n");
        assert_eq!(Description::parse(&text).unwrap().to_string(), text);
    }
}

#[test]
fn candidates_of_browsers_are_read() {
    let line = "candidate:2598905416 1 udp 2122260223 127.0.0.1 34663 typ host generation 0 network-id 1 network-cost 50";
    let read = candidate::parse(line).unwrap();
    assert_eq!(read.address.ip(), Some("127.0.0.1:34663".parse().unwrap()));
    for prefix in ["a=", "a=candidate:", "candidate:", ""] {
        let value = line.trim_start_matches("candidate:");
        let line = format!("{prefix}{value}");
        assert_eq!(candidate::parse(&line).unwrap(), read, "{line}");
    }
    let line = "1 1 TCP 1518280447 2001:db8::1 9 typ srflx raddr 10.0.0.1 rport 7 tcptype active ufrag Ab+/";
    let read = candidate::parse(line).unwrap();
    assert_eq!(read.related, Some("10.0.0.1:7".parse().unwrap()));
    assert_eq!(
        (read.tcp, read.ufrag.as_deref()),
        (Some(TcpKind::Active), Some("Ab+/"))
    );
    let mdns =
        "1 1 udp 1 ddf44a28-c1b1-4d39-9c1f-8ff3d7a8c8a1.local 9 typ host raddr x.local rport 0";
    let read = candidate::parse(mdns).unwrap();
    assert!(matches!(read.address, CandidateAddress::Name { .. }) && read.related.is_none());
    // Of cameras that leave the foundation out.
    let camera = "candidate: 1 udp 2113939711 2607:f8b0::7f 19305 typ host generation 0";
    assert_eq!(candidate::parse(camera).unwrap().foundation.as_str(), "");
}

#[test]
fn candidates_are_unsupported_or_malformed() {
    use CandidateError::{Malformed, Unsupported};
    let parse = |line: &str| candidate::parse(line).unwrap_err();
    assert_eq!(parse("1 1 ssltcp 1 1.1.1.1 443 typ host"), Unsupported);
    assert_eq!(parse("1 1 udp 1 1.1.1.1 443 typ magic"), Unsupported);
    assert_eq!(parse(""), Malformed("no foundation"));
    assert_eq!(
        parse("1 300 udp 1 1.1.1.1 9 typ host"),
        Malformed("bad component")
    );
    assert_eq!(
        parse("1 1 udp -1 1.1.1.1 9 typ host"),
        Malformed("bad priority")
    );
    assert_eq!(
        parse("1 1 udp 1 1.1.1 9 typ host"),
        Malformed("bad address")
    );
    assert_eq!(parse("1 1 udp 1 a b 9 typ host"), Malformed("no typ"));
    assert_eq!(
        parse("1 1 udp 1 1.1.1.1 9 typ host x"),
        Malformed("extension without value")
    );
    // Nothing that would be a second line where it is repeated.
    let injection = "1 1 udp 1 1.1.1.1 9 typ host x y\r\na=ice-lite";
    assert_eq!(parse(injection), Malformed("control character"));
}

/// Names that attributes of [`build`] use.
fn token() -> impl Strategy<Value = String> {
    "[a-zA-Z0-9_+-]{1,12}"
}

/// What becomes an attribute once there are names to borrow: which, and its numbers.
type Seed = (u8, u32, u16, usize);

fn build<'a>(seed: &Seed, names: &'a [String], digest: &'a str) -> Attribute<'a> {
    let &(which, number, small, pick) = seed;
    let name = |offset: usize| names[(pick + offset) % names.len()].as_str();
    let payload = u8::try_from(small % 128).unwrap();
    let direction = [
        Direction::SendRecv,
        Direction::SendOnly,
        Direction::RecvOnly,
        Direction::Inactive,
    ];
    let setup = [
        Setup::Active,
        Setup::Passive,
        Setup::Actpass,
        Setup::Holdconn,
    ];
    match which % 24 {
        0 => Attribute::Mid(name(0)),
        1 => Attribute::BundleOnly,
        2 => Attribute::IceUfrag(name(0)),
        3 => Attribute::IcePwd(name(0)),
        4 => Attribute::IceOptions(name(0)),
        5 => Attribute::IceLite,
        6 => Attribute::EndOfCandidates,
        7 => Attribute::Fingerprint(Fingerprint {
            hash: "sha-256",
            digest,
        }),
        8 => Attribute::Setup(setup[pick % 4]),
        9 => Attribute::SctpPort(small),
        10 => Attribute::Sctpmap(Sctpmap {
            port: small,
            protocol: name(0),
            streams: (pick % 2 == 0).then_some(number),
        }),
        11 => Attribute::MaxMessageSize(u64::from(number) << (pick % 32)),
        12 => Attribute::Direction(direction[pick % 4]),
        13 => Attribute::Msid(Msid {
            stream: name(0),
            track: (pick % 2 == 0).then(|| name(1)),
        }),
        14 => Attribute::RtcpMux,
        15 => Attribute::Rtpmap(Rtpmap {
            payload,
            encoding: name(0),
            clock_rate: number,
            channels: (pick % 2 == 0).then_some(payload),
        }),
        16 => Attribute::Fmtp(Fmtp {
            format: "96",
            parameters: name(1),
        }),
        17 => Attribute::RtcpFb(RtcpFb {
            payload: (pick % 2 == 0).then_some(payload),
            kind: name(0),
            parameter: name(1),
        }),
        18 => Attribute::Extmap(Extmap {
            id: small,
            direction: (pick % 2 == 0).then_some(direction[pick % 4]),
            uri: name(0),
            attributes: name(1),
        }),
        19 => Attribute::Ssrc(Ssrc {
            ssrc: number,
            attribute: name(0),
            value: (pick % 2 == 0).then(|| name(1)),
        }),
        20 => Attribute::Simulcast(Simulcast {
            send: "a;~b",
            recv: "",
        }),
        21 => Attribute::Group(Group::bundle(name(0))),
        22 => Attribute::ExtmapAllowMixed,
        _ => Attribute::Other {
            name: "x-other",
            value: (pick % 2 == 0).then(|| name(0)),
        },
    }
}

fn any_candidate() -> impl Strategy<Value = Candidate> {
    let host = prop_oneof![
        any::<SocketAddr>().prop_map(|address| match address {
            // The line has no room for flow and scope.
            SocketAddr::V6(v6) =>
                CandidateAddress::Ip(SocketAddr::new(IpAddr::V6(*v6.ip()), v6.port())),
            v4 @ SocketAddr::V4(_) => CandidateAddress::Ip(v4),
        }),
        ("[a-z0-9-]{1,20}\\.local", any::<u16>())
            .prop_map(|(host, port)| CandidateAddress::Name { host, port }),
    ];
    let related = proptest::option::of((any::<IpAddr>(), any::<u16>()));
    let rest = (
        0..4_usize,
        related,
        0..4_usize,
        proptest::option::of("[a-zA-Z0-9+/]{4,32}"),
    );
    ("[a-zA-Z0-9+/]{1,32}", 1..=256_u16, any::<u32>(), host, rest).prop_map(
        |(foundation, component, priority, address, (kind, related, tcp, ufrag))| Candidate {
            foundation: Foundation::from(&foundation).unwrap(),
            component,
            protocol: if tcp == 0 {
                Protocol::Udp
            } else {
                Protocol::Tcp
            },
            priority,
            address,
            kind: [
                CandidateKind::Host,
                CandidateKind::ServerReflexive,
                CandidateKind::PeerReflexive,
                CandidateKind::Relayed,
            ][kind],
            related: related.map(|(ip, port)| SocketAddr::new(ip, port)),
            tcp: [
                None,
                Some(TcpKind::Active),
                Some(TcpKind::Passive),
                Some(TcpKind::SimultaneousOpen),
            ][tcp],
            ufrag,
        },
    )
}

proptest! {
    /// P-1: what is written is read as the same.
    #[test]
    fn p_1_description_round_trip(
        names in vec(token(), 2..6),
        byte in any::<u8>(),
        numbers in any::<(u64, u64)>(),
        session in vec(any::<Seed>(), 0..6),
        sections in vec((any::<u16>(), 1..9_u16, 0..5_usize, vec(any::<Seed>(), 0..12)), 0..5),
        candidate in any_candidate(),
    ) {
        let digest = [format!("{byte:02X}").as_str(); 32].join(":");
        let line = candidate::display(&candidate).to_string();
        let kinds = [MediaKind::Audio, MediaKind::Video, MediaKind::Application, MediaKind::Other("text")];
        let attributes = |seeds: &[Seed]| seeds.iter().map(|seed| build(seed, &names, &digest)).collect::<Vec<_>>();
        let formats = names.join(" ");
        let media = sections.iter().map(|(port, ports, kind, seeds)| {
            let mut media = Media::new(kinds[kind % 4], "UDP/TLS/RTP/SAVPF", &formats);
            media.port = *port;
            media.ports = *ports;
            media.fields.push(Field::Connection(Address::UNSPECIFIED));
            media.attributes = attributes(seeds);
            media.attributes.push(Attribute::Candidate(line.trim_start_matches("candidate:")));
            media
        });
        let description = Description {
            origin: Origin { username: &names[0], session_id: numbers.0, version: numbers.1, address: Address::UNSPECIFIED },
            name: &names[1],
            fields: Vec::from([Field::Bandwidth { kind: "AS", value: 7 }, Field::Timing { start: 0, stop: 0 }]),
            attributes: attributes(&session),
            media: media.collect(),
        };
        let text = description.to_string();
        let read = Description::parse(&text);
        prop_assert_eq!(read.as_ref(), Ok(&description), "{}", text);
        // Cut anywhere it is an error or another description, never a panic.
        for end in 0..text.len() {
            let _ = Description::parse(&text[..end]);
        }
    }

    #[test]
    fn candidate_round_trip(candidate in any_candidate()) {
        let line = candidate::display(&candidate).to_string();
        prop_assert_eq!(candidate::parse(&line), Ok(candidate), "{}", line);
        for end in 0..line.len() {
            let _ = candidate::parse(&line[..end]);
        }
    }

    #[test]
    fn any_text_is_no_panic(text in "\\PC{0,40}", lines in vec("[vosatm]=[ -~]{0,30}\r?\n", 0..12)) {
        let _ = Description::parse(&text);
        let _ = candidate::parse(&text);
        let text: String = core::iter::once("v=0\n".to_string()).chain(lines).collect();
        if let Ok(description) = Description::parse(&text) {
            let written = description.to_string();
            prop_assert_eq!(Description::parse(&written), Ok(description));
        }
    }
}
