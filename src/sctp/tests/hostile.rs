//! What a peer gains by doing something a million times: nothing.

use alloc::vec;
use alloc::vec::Vec;

use proptest::prelude::*;

use super::world::*;
use crate::cursor::{Reader, Writer};
use crate::sctp::*;
use crate::seq::{Serial16, Serial32};
use crate::wire::list::List;
use crate::wire::sctp::chunk::{ForwardTsn, GapAckBlock, ReConfig, Sack, SkippedStream};
use crate::wire::sctp::param::{
    AddStreams, AssociationReset, IncomingReset, OutgoingReset, ResetResponse, ResetResult,
};
use crate::wire::sctp::{Chunk, Parameter, Parameters};

/// S-7, ATK-049, ATK-055: floods of pieces that never become messages.
#[test]
fn reassembly_floods_stay_bounded() {
    for (flags, step) in [("B", 2), ("", 2), ("BU", 2), ("", 1), ("E", 3)] {
        let mut world = World::connected(1);
        world.a.reads = false;
        let (_, tsn) = world.identity(B);
        for n in 1..60_000_u32 {
            let ssn = u16::try_from(n % 7).unwrap();
            let chunk = data(tsn.add(n * step), 1, ssn, flags, b"x");
            let (tag, _) = world.identity(A);
            let mut bytes = packet(tag, &[chunk]);
            let now = world.now;
            world.a.sctp.handle_input(now, &mut bytes);
            if world.a.sctp.state() != SctpState::Connected {
                break;
            }
        }
        let held = (1 << 20) - world.a.sctp.ctx.inbox.window();
        assert!(held <= 1 << 20, "{flags} {step}: {held}");
        let lines = world.answers(A);
        assert!(lines.len() <= 1);
    }
}

/// Whole messages in order, never taken: the window shuts, and no more is kept.
#[test]
fn a_flood_of_messages_stops_at_the_window() {
    let mut world = World::connected(1);
    world.a.reads = false;
    let (_, tsn) = world.identity(B);
    let payload = vec![0; 1100];
    for n in 0..5000_u32 {
        let ssn = u16::try_from(n).unwrap();
        let (tag, _) = world.identity(A);
        let mut bytes = packet(tag, &[data(tsn.add(n), 1, ssn, "BE", &payload)]);
        let now = world.now;
        world.a.sctp.handle_input(now, &mut bytes);
    }
    let kept = core::iter::from_fn(|| world.a.sctp.take_message()).count();
    assert!((880..=960).contains(&kept), "{kept}");
    assert!(world.a.sctp.stats().dropped.no_room > 4000);
}

fn forward(tsn: Serial32, streams: &[u8]) -> Chunk<'_> {
    Chunk::ForwardTsn(ForwardTsn {
        new_cumulative_tsn: tsn,
        streams: List::new(streams),
    })
}

/// ATK-051: jumps over half the circle, with all streams there are.
#[test]
fn forward_tsn_floods_are_cheap() {
    let mut world = World::connected(1);
    let (_, mut tsn) = world.identity(B);
    let streams = List::encode((0..250_u16).map(|n| SkippedStream {
        stream: StreamId(n * 261),
        ssn: Serial16(n.wrapping_mul(777)),
    }));
    for _ in 0..2000 {
        tsn = tsn.add(0x7fff_0000);
        let answers = world.inject(A, &[forward(tsn, &streams)]);
        assert_eq!(answers.len(), 1);
    }
    assert_eq!(world.a.sctp.state(), SctpState::Connected);
    // Data goes on behind the last jump.
    world.inject(A, &[data(tsn.add(1), 9, 0, "BEU", b"x")]);
    assert_eq!(world.a.messages.len(), 1);
}

/// ATK-053: as many gap blocks as fit, each time others.
#[test]
fn sack_floods_ack_nothing_that_was_not_sent() {
    let mut world = World::connected(1);
    world.send(A, 1, vec![0; 200_000]);
    let (_, first) = world.identity(A);
    world.answers(A);
    for round in 0..200_u16 {
        let gaps = List::encode((0..280_u16).map(|n| GapAckBlock {
            start: n * 3 + round % 3 + 2,
            end: n * 3 + round % 3 + 2 + round % 2,
        }));
        let sack = Sack {
            cumulative_tsn: first.sub(1),
            a_rwnd: 0,
            gaps: List::new(&gaps),
            duplicates: List::EMPTY,
        };
        world.inject(A, &[Chunk::Sack(sack)]);
    }
    assert_eq!(world.a.sctp.state(), SctpState::Connected);
    assert!(world.a.sctp.buffered_amount(StreamId(1)) > 100_000);
}

fn re_config(parameters: &[Parameter<'_>]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut w = Writer::new(&mut bytes, 4000);
    for parameter in parameters {
        parameter.emit(&mut w);
    }
    bytes
}

fn chunk(bytes: &[u8]) -> Chunk<'_> {
    Chunk::ReConfig(ReConfig {
        parameters: Parameters::parse(&mut Reader::new(bytes)).unwrap(),
    })
}

/// ATK-050, ATK-052: resets without end, for streams that were never used.
#[test]
fn reset_floods_stay_bounded() {
    let mut world = World::connected(1);
    world.a.reads = false;
    let (_, tsn) = world.identity(B);
    world.inject(A, &[data(tsn, 1, 0, "BE", b"keeps the resets waiting")]);
    let streams = List::encode((0..500).map(StreamId));
    let mut denied = 0;
    for n in 0..1000 {
        let bytes = re_config(&[Parameter::OutgoingReset(OutgoingReset {
            request: tsn.add(n),
            response: Serial32(0),
            last_tsn: tsn,
            streams: List::new(&streams),
        })]);
        let (tag, _) = world.identity(A);
        let mut packet = packet(tag, &[chunk(&bytes)]);
        let now = world.now;
        world.a.sctp.handle_input(now, &mut packet);
        let mut answer = Vec::new();
        assert!(
            world
                .a
                .sctp
                .poll_transmit(now, &mut Writer::new(&mut answer, 1200))
        );
        denied += usize::from(answer.ends_with(&[0, 0, 0, 2]));
    }
    assert!(denied >= 996 - 1, "{denied}");
    let (mut events, mut messages) = (0, 0);
    while world.a.sctp.take_message().is_some() {
        messages += 1;
    }
    while world.a.sctp.poll_event().is_some() {
        events += 1;
    }
    assert_eq!((messages, events), (1, 500));
}

/// SCTP-060, SCTP-061: a reset that waits for ever holds back no more than the
/// window, and one that was answered is answered the same again.
#[test]
fn sctp_061_a_reset_that_never_completes_is_bounded() {
    let mut world = World::connected(1);
    let (_, tsn) = world.identity(B);
    let streams = List::encode([StreamId(1)]);
    let bytes = re_config(&[Parameter::OutgoingReset(OutgoingReset {
        request: tsn,
        response: Serial32(0),
        last_tsn: tsn.add(1),
        streams: List::new(&streams),
    })]);
    for _ in 0..3 {
        let answers = world.inject(A, &[chunk(&bytes)]);
        assert!(answers[0].contains("InProgress"), "{answers:?}");
    }
    let payload = vec![0; 1000];
    for n in 2..3000_u32 {
        let ssn = u16::try_from(n).unwrap();
        world.inject(A, &[data(tsn.add(n), 1, ssn, "BE", &payload)]);
    }
    assert_eq!(world.a.sctp.state(), SctpState::Connected);
    assert!(world.a.messages.is_empty());
    // Another stream goes on meanwhile, though out of order.
    world.inject(A, &[data(tsn, 2, 0, "BE", b"x")]);
    assert_eq!(world.a.messages.len(), 1);
    // FORWARD TSN over the missing one ends the wait.
    let answers = world.inject(A, &[forward(tsn.add(1), &[])]);
    assert!(
        answers.iter().any(|line| line.contains("Performed")),
        "{answers:?}"
    );
    assert!(world.a.events.contains(&Event::StreamReset(StreamId(1))));
    let again = world.inject(A, &[chunk(&bytes)]);
    assert!(again[0].contains("Performed"));
}

/// SCTP-067, SCTP-068: odd combinations change nothing; what data channels do
/// not need is denied.
#[test]
fn sctp_067_odd_requests() {
    let mut world = World::connected(1);
    let (_, tsn) = world.identity(B);
    let streams = List::encode([StreamId(1)]);
    let streams = List::new(&streams);
    let request = tsn;
    let outgoing = Parameter::OutgoingReset(OutgoingReset {
        request,
        response: Serial32(0),
        last_tsn: tsn.sub(1),
        streams,
    });
    let response = Parameter::ResetResponse(ResetResponse {
        request,
        result: ResetResult::Performed,
        next_tsns: None,
    });
    let all = Parameter::AssociationReset(AssociationReset { request });
    for odd in [
        &[][..],
        &[outgoing, outgoing],
        &[outgoing, all],
        &[response, response, outgoing],
        &[Parameter::ForwardTsnSupported],
    ] {
        let bytes = re_config(odd);
        assert!(world.inject(A, &[chunk(&bytes)]).is_empty());
    }
    let denied = [
        Parameter::IncomingReset(IncomingReset { request, streams }),
        Parameter::AssociationReset(AssociationReset {
            request: request.add(1),
        }),
        Parameter::AddStreams(AddStreams {
            outgoing: true,
            request: request.add(2),
            count: 9,
        }),
    ];
    for (parameter, number) in denied.into_iter().zip(0..) {
        let bytes = re_config(&[parameter]);
        for _ in 0..2 {
            let answers = world.inject(A, &[chunk(&bytes)]);
            let expected = alloc::format!("req={} Denied", request.add(number).0);
            assert!(answers[0].contains(&expected), "{answers:?}");
        }
    }
    let bytes = re_config(&[outgoing]);
    let answers = world.inject(A, &[chunk(&bytes)]);
    assert!(answers[0].contains("BadNumber"));
    assert!(world.a.events.is_empty());
}

/// ATK-047: nothing of the machine is in the cookie; two are never alike.
#[test]
fn cookies_are_only_random() {
    let mut world = World::new(1);
    world.a.sctp.connect();
    world.run_for(ms(50));
    let line = world.lines("INIT-ACK")[0];
    assert!(line.contains("cookie=32"));
}

proptest! {
    /// Law 9: any bytes, with a checksum that is right, in any state.
    #[test]
    fn garbage_is_quiet(
        packets in proptest::collection::vec((proptest::collection::vec(any::<u8>(), 0..120), 0_u8..3), 1..40),
        connected in any::<bool>(),
    ) {
        let mut world = if connected { World::connected(3) } else { World::new(3) };
        for (bytes, kind) in packets {
            let tag = match kind { 0 => 0, 1 => world.identity(A).0, _ => 77 };
            let mut packet = packet(tag, &[]);
            packet.extend_from_slice(&bytes);
            let sum = crate::wire::checksum::crc32c(&{ let mut p = packet.clone(); p[8..12].fill(0); p });
            packet[8..12].copy_from_slice(&sum.to_le_bytes());
            let now = world.now;
            world.a.sctp.handle_input(now, &mut packet);
            let mut out = Vec::new();
            while world.a.sctp.poll_transmit(now, &mut Writer::new(&mut out, 1200)) {
                out.clear();
            }
        }
    }
}
