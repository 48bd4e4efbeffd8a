//! How associations begin (RFC 9260 §5).

use alloc::vec::Vec;

use super::world::*;
use crate::cursor::{Reader, Writer};
use crate::sctp::*;
use crate::seq::Serial32;
use crate::time::Instant;
use crate::wire::sctp::chunk::{CookieAck, CookieEcho, Init, InitAck, InitFields};
use crate::wire::sctp::{Chunk, Parameter, Parameters};

const CONNECTED: Event = Event::Connected {
    outbound_streams: 1024,
    inbound_streams: 1024,
};

/// With the RFC's Max.Init.Retransmits.
fn impatient() -> SctpConfig {
    SctpConfig {
        max_init_retransmits: 8,
        ..SctpConfig::default()
    }
}

fn init(tag: u32, streams: u16, parameters: &[u8]) -> InitFields<'_> {
    InitFields {
        initiate_tag: tag,
        a_rwnd: 100_000,
        outbound_streams: streams,
        inbound_streams: streams,
        initial_tsn: Serial32(77),
        parameters: Parameters::parse(&mut Reader::new(parameters)).unwrap(),
    }
}

fn encoded(parameters: &[Parameter<'_>]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut w = Writer::new(&mut bytes, usize::MAX);
    for parameter in parameters {
        parameter.emit(&mut w);
    }
    bytes
}

#[test]
fn sctp_001_connects_in_two_round_trips() {
    let mut world = World::new(1);
    world.a.sctp.connect();
    assert_eq!(world.a.sctp.state(), SctpState::Connecting);
    world.run_for(ms(100));
    for end in [&world.a, &world.b] {
        assert_eq!(end.events, [CONNECTED]);
        assert_eq!(end.sctp.state(), SctpState::Connected);
    }
    assert_eq!(world.trace.len(), 4);
    let chunks = ["INIT ", "INIT-ACK", "COOKIE-ECHO", "COOKIE-ACK"];
    for (line, chunk) in world.trace.iter().zip(chunks) {
        assert!(line.contains(chunk), "{line}");
    }
}

/// SCTP-002: both sides begin at once, whatever gets lost.
#[test]
fn sctp_002_simultaneous_setup_makes_one_association() {
    for seed in 0..300 {
        let mut world = World::new(seed);
        world.link.jitter = ms(60);
        world.link.loss = if seed < 100 { 0 } else { 200 };
        world.a.sctp.connect();
        world.run_for(ms(seed % 7 * 10));
        world.b.sctp.connect();
        world.send(A, 1, "from a");
        world.send(B, 1, "from b");
        let done = |w: &World| !w.a.messages.is_empty() && !w.b.messages.is_empty();
        assert!(
            world.run_until(ms(60_000), done),
            "seed {seed}: {:#?}",
            world.trace
        );
        for end in [&world.a, &world.b] {
            let connected = |event: &&Event| matches!(event, Event::Connected { .. });
            assert_eq!(end.events.iter().filter(connected).count(), 1);
            assert!(!end.events.contains(&Event::Restarted));
        }
    }
}

#[test]
fn sctp_003_shutdown_while_connecting_ends_it() {
    let mut world = World::new(1);
    world.a.sctp.connect();
    world.a.sctp.shutdown();
    world.run_for(ms(100));
    assert_eq!(world.a.events, [Event::Closed(CloseReason::Shutdown)]);
    assert_eq!(world.a.sctp.poll_timeout(), None);

    // In COOKIE-ECHOED the end waits until all is set up.
    let mut world = World::new(2);
    world.a.sctp.connect();
    world.run_for(ms(20));
    assert_eq!(world.lines("COOKIE-ECHO").len(), 1);
    world.a.sctp.shutdown();
    world.run_for(ms(300));
    assert_eq!(
        world.a.events,
        [CONNECTED, Event::Closed(CloseReason::Shutdown)]
    );
    assert_eq!(
        world.b.events,
        [CONNECTED, Event::Closed(CloseReason::Shutdown)]
    );
}

#[test]
fn sctp_004_a_lost_cookie_ack_is_repeated() {
    let mut world = World::new(1);
    world.filter = |side, line| side == B && line.contains("COOKIE-ACK");
    world.a.sctp.connect();
    world.run_for(ms(100));
    assert_eq!(world.a.sctp.state(), SctpState::Connecting);
    world.filter = |_, _| false;
    world.run_for(ms(2000));
    assert_eq!(world.lines("COOKIE-ECHO").len(), 2);
    assert_eq!(world.a.events, [CONNECTED]);
    assert_eq!(world.b.events, [CONNECTED]);
}

/// SCTP-005, SCTP-006: INIT is repeated, each time twice as late, always the
/// same; then it is given up.
#[test]
fn sctp_005_init_is_repeated_and_then_given_up() {
    let mut world = World::with(1, impatient(), SctpConfig::default());
    world.link.loss = 1000;
    world.a.sctp.connect();
    world.run_for(ms(120_000));
    let lines = world.lines("INIT ");
    assert_eq!(lines.len(), 9, "Max.Init.Retransmits and the first");
    let times: Vec<&str> = lines.iter().map(|l| l.split(' ').next().unwrap()).collect();
    assert_eq!(times[..5], ["0.000", "1.000", "3.000", "7.000", "11.000"]);
    let texts: Vec<&str> = lines.iter().map(|l| l.split_once(' ').unwrap().1).collect();
    assert!(texts.windows(2).all(|two| two[0] == two[1]));
    assert_eq!(world.a.events, [Event::Closed(CloseReason::TimedOut)]);
}

#[test]
fn sctp_007_cookie_echo_is_repeated_and_then_given_up() {
    let mut world = World::with(1, impatient(), SctpConfig::default());
    world.filter = |side, line| side == A && line.contains("COOKIE-ECHO");
    world.a.sctp.connect();
    world.run_for(ms(120_000));
    assert_eq!(world.lines("COOKIE-ECHO").len(), 9);
    assert_eq!(world.a.events, [Event::Closed(CloseReason::TimedOut)]);
    assert!(world.b.events.is_empty());
}

/// SCTP-008: until the cookie is acknowledged, only what fits its packet goes.
#[test]
fn sctp_008_data_rides_with_the_cookie_and_no_more() {
    let mut world = World::new(1);
    world.filter = |side, line| side == B && line.contains("COOKIE-ACK");
    world.send(A, 1, [7; 20_000].to_vec());
    world.a.sctp.connect();
    world.run_for(ms(900));
    assert_eq!(world.lines(" DATA ").len(), 1);
    assert!(world.lines(" DATA ")[0].contains("COOKIE-ECHO"));
    world.run_for(ms(1000));
    // Now the cookie went out once more, with the same data.
    let lines = world.lines(" DATA ");
    assert_eq!(lines.len(), 2, "{lines:#?}");
    assert_eq!(
        lines[0].split_once(' ').unwrap().1,
        lines[1].split_once(' ').unwrap().1
    );
    world.filter = |_, _| false;
    assert!(world.run_until(ms(20_000), |w| w.b.messages.len() == 1));
    assert_eq!(world.b.messages[0].data.len(), 20_000);
}

#[test]
fn sctp_009_two_answers_to_one_init() {
    let mut world = World::new(1);
    world.a.sctp.connect();
    world.answers(A);
    let first = encoded(&[Parameter::StateCookie(b"first")]);
    let second = encoded(&[Parameter::StateCookie(b"second")]);
    let echoed = world.inject(A, &[Chunk::InitAck(InitAck(init(5, 9, &first)))]);
    assert_eq!(echoed, ["SCTP COOKIE-ECHO len=5"]);
    let echoed = world.inject(A, &[Chunk::InitAck(InitAck(init(6, 9, &second)))]);
    assert!(echoed.is_empty());
    world.inject(A, &[Chunk::CookieAck(CookieAck)]);
    assert_eq!(world.a.sctp.state(), SctpState::Connected);
}

/// SCTP-010, ATK-057: an INIT flood costs four offers, and no more.
#[test]
fn sctp_010_an_init_flood_keeps_nothing() {
    let mut world = World::new(1);
    let mut tags = Vec::new();
    for tag in 1..2000 {
        let answers = world.inject_with(A, 0, &[Chunk::Init(Init(init(tag, 9, &[])))]);
        assert_eq!(answers.len(), 1);
        assert!(answers[0].starts_with("SCTP INIT-ACK"));
        tags.push(answers[0].clone());
    }
    assert_eq!(world.a.sctp.state(), SctpState::New);
    assert_eq!(world.a.sctp.poll_timeout(), None);
    // A real peer gets through.
    world.b.sctp.connect();
    world.run_for(ms(100));
    assert_eq!(world.a.events, [CONNECTED]);
}

/// SCTP-011: tags are random, never zero, never the same.
#[test]
fn sctp_011_tags_are_random() {
    let mut tags: Vec<u32> = (0..100)
        .map(|seed| World::new(seed).identity(A).0)
        .collect();
    tags.sort_unstable();
    tags.dedup();
    assert_eq!(tags.len(), 100);
    assert!(!tags.contains(&0));
}

#[test]
fn sctp_012_no_streams_is_refused() {
    let mut world = World::new(1);
    let answers = world.inject_with(A, 0, &[Chunk::Init(Init(init(9, 0, &[])))]);
    assert_eq!(answers, ["SCTP ABORT invalid-parameter"]);
    assert_eq!(world.a.sctp.state(), SctpState::New);
    world.a.sctp.connect();
    world.answers(A);
    let cookie = encoded(&[Parameter::StateCookie(b"cookie")]);
    let answers = world.inject(A, &[Chunk::InitAck(InitAck(init(9, 0, &cookie)))]);
    assert_eq!(answers, ["SCTP ABORT invalid-parameter"]);
    let reason = CloseReason::Incompatible("no streams");
    assert_eq!(world.a.events, [Event::Closed(reason)]);
}

#[test]
fn sctp_013_the_smaller_number_of_streams_counts() {
    let few = SctpConfig {
        max_streams: 7,
        ..SctpConfig::default()
    };
    let mut world = World::with(1, SctpConfig::default(), few);
    // Given before the number is known: dropped, since the peer has no such stream.
    world.send(A, 100, "lost");
    world.send(A, 6, "kept");
    world.a.sctp.connect();
    world.run_for(ms(200));
    let event = Event::Connected {
        outbound_streams: 7,
        inbound_streams: 7,
    };
    assert!(world.a.events.contains(&event));
    assert_eq!(world.b.events, [event]);
    assert_eq!(world.b.messages.len(), 1);
    assert_eq!(world.a.sctp.buffered_amount(StreamId(100)), 0);
    let refused = world.a.sctp.send(
        world.now,
        StreamId(7),
        Ppid(1),
        SendOptions::default(),
        "x".into(),
    );
    assert_eq!(refused, Err(SendError::NoSuchStream));
}

/// SCTP-014: what becomes of an unknown parameter of an INIT.
#[test]
fn sctp_014_unknown_parameters_of_an_init() {
    let answer = |kind: u16| {
        let mut world = World::new(1);
        let bytes = b"what";
        let parameters = encoded(&[
            Parameter::Unknown { kind, bytes },
            Parameter::Unknown {
                kind: 0xfff0,
                bytes: b"ever",
            },
        ]);
        let answers = world.inject_with(A, 0, &[Chunk::Init(Init(init(9, 9, &parameters)))]);
        answers[0].matches("unrecognized=8").count()
    };
    assert_eq!(answer(0x3ff0), 0, "stop");
    assert_eq!(answer(0x7ff0), 1, "stop and report");
    assert_eq!(answer(0xbff0), 1, "skip, report the second");
    assert_eq!(answer(0xfff1), 2, "skip and report both");
}

#[test]
fn sctp_015_a_tag_of_zero() {
    let mut world = World::new(1);
    assert!(
        world
            .inject_with(A, 0, &[Chunk::Init(Init(init(0, 9, &[])))])
            .is_empty()
    );
    assert_eq!(world.a.sctp.stats().dropped.malformed, 1);
    world.a.sctp.connect();
    world.answers(A);
    let cookie = encoded(&[Parameter::StateCookie(b"cookie")]);
    world.inject(A, &[Chunk::InitAck(InitAck(init(0, 9, &cookie)))]);
    let reason = CloseReason::Incompatible("initiate tag");
    assert_eq!(world.a.events, [Event::Closed(reason)]);
}

#[test]
fn sctp_016_an_init_ack_without_cookie() {
    let mut world = World::new(1);
    world.a.sctp.connect();
    world.answers(A);
    let answers = world.inject(A, &[Chunk::InitAck(InitAck(init(5, 9, &[])))]);
    assert_eq!(answers, ["SCTP ABORT missing-parameters=1"]);
    let reason = CloseReason::Incompatible("no cookie");
    assert_eq!(world.a.events, [Event::Closed(reason)]);
}

#[test]
fn sctp_017_what_is_unknown_is_reported_behind_the_cookie() {
    let mut world = World::new(1);
    world.a.sctp.connect();
    world.answers(A);
    let parameters = encoded(&[
        Parameter::Unknown {
            kind: 0xc0f0,
            bytes: b"what",
        },
        Parameter::StateCookie(b"cookie"),
    ]);
    let answers = world.inject(A, &[Chunk::InitAck(InitAck(init(5, 9, &parameters)))]);
    assert_eq!(
        answers,
        ["SCTP COOKIE-ECHO len=6 + ERROR unrecognized-parameters"]
    );
}

/// SCTP-018, SCTP-019: INIT is alone and has no tag.
#[test]
fn sctp_018_an_init_with_company_or_a_tag_is_dropped() {
    let mut world = World::new(1);
    let chunk = Chunk::Init(Init(init(9, 9, &[])));
    assert!(
        world
            .inject_with(A, 0, &[chunk, Chunk::CookieAck(CookieAck)])
            .is_empty()
    );
    assert!(world.inject_with(A, 8, &[chunk]).is_empty());
    assert!(
        world
            .inject_with(A, 0, &[Chunk::CookieAck(CookieAck), chunk])
            .is_empty()
    );
    assert_eq!(world.a.sctp.stats().dropped.not_ours, 3);
}

/// SCTP-020: what we send fits; a cookie that does not is a clear end.
#[test]
fn sctp_020_setup_fits_the_path() {
    let mut world = World::new(1);
    world.mtu = 300;
    world.connect();
    let mut world = World::new(1);
    world.a.sctp.connect();
    world.answers(A);
    let parameters = encoded(&[Parameter::StateCookie(&[7; 1180])]);
    let answers = world.inject(A, &[Chunk::InitAck(InitAck(init(5, 9, &parameters)))]);
    assert_eq!(answers, ["SCTP COOKIE-ECHO len=1180"]);
    let mut world = World::new(1);
    world.a.sctp.connect();
    world.answers(A);
    let parameters = encoded(&[Parameter::StateCookie(&[7; 1200])]);
    world.inject(A, &[Chunk::InitAck(InitAck(init(5, 9, &parameters)))]);
    let reason = CloseReason::Incompatible("cookie too long");
    assert_eq!(world.a.events, [Event::Closed(reason)]);
}

/// SCTP-021, ATK-058: a peer that begins anew is taken for new, once its
/// cookie is back.
#[test]
fn sctp_021_a_restart_resets_everything() {
    let mut world = World::connected(1);
    world.send(A, 1, "before");
    world.run_for(ms(100));
    // B forgets everything.
    let mut rng = crate::rng::Rng::from_number(99);
    world.b.sctp = SctpAssociation::new(SctpConfig::default(), &mut rng);
    world.b.events.clear();
    world.send(A, 1, "into the void");
    world.b.sctp.connect();
    assert!(world.run_until(ms(10_000), |w| w.a.events.contains(&Event::Restarted)));
    world.run_for(ms(100));
    assert!(world.b.events.contains(&CONNECTED));
    world.send(A, 1, "after");
    world.send(B, 1, "from b");
    world.run_for(ms(500));
    let data: Vec<&[u8]> = world.b.messages.iter().map(|m| &m.data[..]).collect();
    assert_eq!(data, [&b"before"[..], b"after"]);
    assert_eq!(world.a.messages.len(), 1);
}

/// SCTP-021: an INIT alone changes nothing.
#[test]
fn sctp_021_an_init_alone_does_not_restart() {
    let mut world = World::connected(1);
    let answers = world.inject_with(A, 0, &[Chunk::Init(Init(init(9, 9, &[])))]);
    assert!(answers[0].starts_with("SCTP INIT-ACK"));
    world.send(B, 1, "still here");
    world.run_for(ms(100));
    assert_eq!(world.a.messages.len(), 1);
    assert!(world.a.events.is_empty());
}

#[test]
fn sctp_023_a_restart_forgets_resets() {
    let mut world = World::connected(1);
    world.filter = |_, line| line.contains("RE-CONFIG");
    world.a.sctp.reset_streams([StreamId(1)]);
    world.run_for(ms(100));
    assert_eq!(world.lines("RE-CONFIG").len(), 1);
    let mut rng = crate::rng::Rng::from_number(99);
    world.b.sctp = SctpAssociation::new(SctpConfig::default(), &mut rng);
    world.b.sctp.connect();
    assert!(world.run_until(ms(10_000), |w| w.a.events.contains(&Event::Restarted)));
    world.run_for(ms(100));
    world.filter = |_, _| false;
    world.send(A, 1, "anew");
    world.run_for(ms(5000));
    assert_eq!(world.b.messages.len(), 1);
    assert_eq!(world.lines("RE-CONFIG").len(), 1, "no request is repeated");
}

/// SCTP-025, ATK-047, ATK-048: only the very cookie that was given counts.
#[test]
fn sctp_025_a_forged_cookie_is_dropped() {
    let mut world = World::new(1);
    world.inject_with(A, 0, &[Chunk::Init(Init(init(9, 9, &[])))]);
    let offer = world.a.sctp.ctx.jar.newest().unwrap();
    for bit in 0..offer.cookie.len() * 8 {
        let mut cookie = offer.cookie;
        cookie[bit / 8] ^= 1 << (bit % 8);
        let echo = Chunk::CookieEcho(CookieEcho { cookie: &cookie });
        assert!(world.inject_with(A, offer.local.tag, &[echo]).is_empty());
    }
    for cookie in [&[][..], &offer.cookie[..31]] {
        let echo = Chunk::CookieEcho(CookieEcho { cookie });
        assert!(world.inject_with(A, offer.local.tag, &[echo]).is_empty());
    }
    assert_eq!(world.a.sctp.state(), SctpState::New);
    let echo = Chunk::CookieEcho(CookieEcho {
        cookie: &offer.cookie,
    });
    assert!(
        world
            .inject_with(A, offer.local.tag ^ 1, &[echo])
            .is_empty()
    );
    let answers = world.inject_with(A, offer.local.tag, &[echo]);
    assert_eq!(answers, ["SCTP COOKIE-ACK"]);
    assert_eq!(world.a.sctp.state(), SctpState::Connected);
}

#[test]
fn sctp_026_a_stale_cookie_is_refused() {
    let mut world = World::new(1);
    world.inject_with(A, 0, &[Chunk::Init(Init(init(9, 9, &[])))]);
    let offer = world.a.sctp.ctx.jar.newest().unwrap();
    world.now = Instant::from_millis(60_250);
    let echo = Chunk::CookieEcho(CookieEcho {
        cookie: &offer.cookie,
    });
    let answers = world.inject_with(A, offer.local.tag, &[echo]);
    assert_eq!(answers, ["SCTP ERROR stale-cookie=250000us"]);
    assert_eq!(world.a.sctp.state(), SctpState::New);
}

/// SCTP-079, SCTP-080: zero checksums only if both agree, and never in setup.
#[test]
fn sctp_080_zero_checksums_are_negotiated() {
    let sum = |zero_a: bool, zero_b: bool| {
        let config = |zero_checksum| SctpConfig {
            zero_checksum,
            ..SctpConfig::default()
        };
        let mut world = World::with(1, config(zero_a), config(zero_b));
        world.connect();
        world.send(A, 1, "x");
        let mut bytes = Vec::new();
        let now = world.now;
        assert!(
            world
                .a
                .sctp
                .poll_transmit(now, &mut Writer::new(&mut bytes, 1200))
        );
        let zero = bytes[8..12] == [0; 4];
        world.b.sctp.handle_input(now, &mut bytes);
        assert!(world.b.sctp.take_message().is_some());
        zero
    };
    assert!(sum(true, true));
    assert!(!sum(true, false));
    assert!(!sum(false, true));
    let mut world = World::new(1);
    world.a.sctp.connect();
    for side in [A, B, A] {
        let mut bytes = Vec::new();
        let now = world.now;
        let mut w = Writer::new(&mut bytes, 1200);
        assert!(world.end(side).sctp.poll_transmit(now, &mut w));
        assert_ne!(bytes[8..12], [0; 4]);
        world.end(side.other()).sctp.handle_input(now, &mut bytes);
    }
}

/// The peer without extensions gets none.
#[test]
fn a_plain_peer_is_sent_nothing_it_does_not_know() {
    let mut world = World::new(1);
    world.inject_with(A, 0, &[Chunk::Init(Init(init(9, 9, &[])))]);
    let offer = world.a.sctp.ctx.jar.newest().unwrap();
    let echo = Chunk::CookieEcho(CookieEcho {
        cookie: &offer.cookie,
    });
    world.inject_with(A, offer.local.tag, &[echo]);
    let options = SendOptions {
        ordered: true,
        reliability: Reliability::MaxRetransmits(0),
    };
    world.send_with(A, 1, options, "as reliable as it gets");
    world.a.sctp.reset_streams([StreamId(2)]);
    assert_eq!(world.answers(A).len(), 1);
    assert!(
        world
            .a
            .events
            .contains(&Event::StreamResetFailed(StreamId(2)))
    );
    for _ in 0..3 {
        world.now = world.a.sctp.poll_timeout().unwrap();
        let now = world.now;
        world.a.sctp.handle_timeout(now);
        let lines = world.answers(A);
        assert!(
            lines.iter().all(|line| line.contains(" DATA ")),
            "{lines:?}"
        );
    }
}
