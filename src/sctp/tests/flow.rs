//! When SACKs are sent, what windows do, and what is buffered.

use alloc::vec;
use alloc::vec::Vec;

use super::world::*;
use crate::cursor::{Reader, Writer};
use crate::sctp::*;
use crate::seq::Serial32;
use crate::wire::list::List;
use crate::wire::sctp::chunk::{Heartbeat, HeartbeatAck, Sack};
use crate::wire::sctp::{Cause, Causes, Chunk, Parameter, Parameters};

/// SCTP-038: at once for the first data, for every second packet, and while
/// something is missing; else after 200 ms.
#[test]
fn sctp_038_when_a_sack_is_due() {
    let mut world = World::connected(1);
    let (_, tsn) = world.identity(B);
    let one = |n: u16| data(tsn.add(u32::from(n)), 1, n, "BE", b"x");
    assert_eq!(world.inject(A, &[one(0)]).len(), 1, "the first");
    assert!(world.inject(A, &[one(1)]).is_empty());
    assert_eq!(world.inject(A, &[one(2)]).len(), 1, "the second packet");
    assert!(world.inject(A, &[one(3)]).is_empty());
    assert_eq!(world.a.sctp.poll_timeout(), Some(world.now + ms(200)));
    world.now += ms(200);
    let now = world.now;
    world.a.sctp.handle_timeout(now);
    assert_eq!(world.answers(A).len(), 1, "delayed");
    let with_gap = world.inject(A, &[one(5)]);
    assert!(with_gap[0].ends_with("gaps=[2-2]"), "{with_gap:?}");
    assert_eq!(world.inject(A, &[one(6)]).len(), 1, "still missing");
    assert_eq!(world.inject(A, &[one(4)]).len(), 0, "nothing is missing");
    // SCTP-031: duplicates are told at once.
    let twice = world.inject(A, &[one(4)]);
    assert!(twice[0].contains(" dups=["), "{twice:?}");
    assert_eq!(world.a.messages.len(), 7);
    assert_eq!(world.a.sctp.stats().data.duplicates, 1);
}

#[test]
fn sctp_039_the_i_bit_asks_for_a_sack() {
    let mut world = World::connected(1);
    let (_, tsn) = world.identity(B);
    world.inject(A, &[data(tsn, 1, 0, "BE", b"x")]);
    let answers = world.inject(A, &[data(tsn.add(1), 1, 1, "BEI", b"x")]);
    assert_eq!(answers.len(), 1);
}

#[test]
fn sctp_029_data_without_data_ends_it() {
    let mut world = World::connected(1);
    let (_, tsn) = world.identity(B);
    let answers = world.inject(A, &[data(tsn, 1, 0, "BE", b"")]);
    assert_eq!(
        answers,
        [alloc::format!("SCTP ABORT no-user-data={}", tsn.0)]
    );
    let reason = CloseReason::ProtocolViolation("no user data");
    assert_eq!(world.a.events, [Event::Closed(reason)]);
}

#[test]
fn sctp_030_a_stream_beyond_the_agreed_is_an_error() {
    let mut world = World::connected(1);
    let (_, tsn) = world.identity(B);
    let answers = world.inject(A, &[data(tsn, 1024, 0, "BE", b"x")]);
    assert!(answers[0].starts_with("SCTP ERROR invalid-stream=1024 + SACK"));
    assert!(answers[0].contains(&alloc::format!("cum={}", tsn.0)));
    assert!(world.a.messages.is_empty());
}

/// SCTP-046, S-9: a reader that stops closes the window; the sender asks now
/// and then, for as long as it takes; when the reader goes on, so does all.
#[test]
fn sctp_046_a_lazy_reader_does_not_break_anything() {
    let small = SctpConfig {
        receive_buffer: 20_000,
        ..SctpConfig::default()
    };
    let mut world = World::with(1, SctpConfig::default(), small);
    world.connect();
    world.b.reads = false;
    for i in 0..200_u8 {
        world.send(A, 1, vec![i; 1000]);
    }
    world.run_for(ms(600_000));
    assert_eq!(world.a.sctp.state(), SctpState::Connected);
    assert!(world.b.sctp.ctx.inbox.window() < 2000);
    let probes = world.a.sctp.stats().data.timeouts;
    assert!((100..200).contains(&probes), "{probes} probes");
    world.b.reads = true;
    // Taking makes room, and the peer hears of it without being asked.
    assert!(world.run_until(ms(10_000), |w| w.b.messages.len() == 200));
    let order: Vec<u8> = world.b.messages.iter().map(|m| m.data[0]).collect();
    assert!(order.iter().copied().eq(0..200));
}

/// SCTP-046: the window update is lost, and asking finds out.
#[test]
fn sctp_046_a_lost_window_update_is_found_out() {
    let small = SctpConfig {
        receive_buffer: 20_000,
        ..SctpConfig::default()
    };
    let mut world = World::with(1, SctpConfig::default(), small);
    world.connect();
    world.b.reads = false;
    for i in 0..100_u8 {
        world.send(A, 1, vec![i; 1000]);
    }
    world.run_for(ms(5000));
    world.link.loss = 1000;
    world.b.reads = true;
    world.run_for(ms(50));
    world.link.loss = 0;
    assert!(world.run_until(ms(100_000), |w| w.b.messages.len() == 100));
}

/// A message larger than the receiver's buffer gets through all the same.
#[test]
fn a_message_larger_than_the_window_arrives() {
    let small = SctpConfig {
        receive_buffer: 20_000,
        ..SctpConfig::default()
    };
    let mut world = World::with(1, SctpConfig::default(), small);
    world.connect();
    world.send(A, 1, vec![7; 100_000]);
    assert!(world.run_until(ms(200_000), |w| w.b.messages.len() == 1));
}

/// SCTP-083, S-6: buffered is what was not sent yet; low comes once per crossing.
#[test]
fn sctp_083_buffered_amount_and_its_threshold() {
    let mut world = World::connected(1);
    let low = |world: &World, stream| {
        let event = Event::BufferedAmountLow(StreamId(stream));
        world.a.events.iter().filter(|e| **e == event).count()
    };
    world
        .a
        .sctp
        .set_buffered_amount_low_threshold(StreamId(1), 5000);
    world.send(A, 1, vec![0; 20_000]);
    world.send(A, 2, vec![0; 20_000]);
    assert_eq!(world.a.sctp.buffered_amount(StreamId(1)), 20_000);
    assert_eq!(low(&world, 1), 0);
    world.run_for(ms(1000));
    assert_eq!(world.a.sctp.buffered_amount(StreamId(1)), 0);
    assert_eq!((low(&world, 1), low(&world, 2)), (1, 1));
    world.send(A, 1, vec![0; 5000]);
    world.run_for(ms(1000));
    assert_eq!(low(&world, 1), 1, "it was never above");
    world.send(A, 1, vec![0; 5001]);
    world.run_for(ms(1000));
    assert_eq!(low(&world, 1), 2);
}

/// SCTP-083, ATK-054: what cannot be taken is refused, and nothing changes.
#[test]
fn sctp_083_refusals_of_send() {
    let config = SctpConfig {
        send_buffer: 10_000,
        max_send_message: 8000,
        ..SctpConfig::default()
    };
    let mut world = World::with(1, config, SctpConfig::default());
    let mut send = |len: usize, stream: u16| {
        let options = SendOptions::default();
        let data = vec![0; len].into();
        world
            .a
            .sctp
            .send(world.now, StreamId(stream), Ppid(1), options, data)
    };
    assert_eq!(send(0, 1), Err(SendError::Empty));
    assert_eq!(send(8001, 1), Err(SendError::TooLarge));
    assert_eq!(send(1, 1024), Err(SendError::NoSuchStream));
    assert_eq!(send(8000, 1), Ok(()));
    assert_eq!(send(8000, 1), Err(SendError::Full));
    assert_eq!(send(1000, 1), Ok(()));
    assert_eq!(world.a.sctp.buffered_amount(StreamId(1)), 9000);
    world.a.sctp.set_max_send_message(100);
    let refused = world.a.sctp.send(
        world.now,
        StreamId(1),
        Ppid(1),
        SendOptions::default(),
        vec![0; 101].into(),
    );
    assert_eq!(refused, Err(SendError::TooLarge));
    world.connect();
    assert_eq!(world.b.messages.len(), 2, "what was taken before arrives");
}

/// SCTP-069: a HEARTBEAT comes back as it was, whatever it says.
#[test]
fn sctp_069_heartbeats_are_answered_unchanged() {
    let mut world = World::connected(1);
    for info in [
        &[][..],
        &[0, 1, 0, 4],
        &[0, 1, 0, 9, 1, 2, 3, 4, 5],
        &[0x80, 9, 0, 6, 1, 2],
    ] {
        let info = Parameters::parse(&mut Reader::new(info)).unwrap();
        let now = world.now;
        let (tag, _) = world.identity(A);
        let mut bytes = packet(tag, &[Chunk::Heartbeat(Heartbeat { info })]);
        world.a.sctp.handle_input(now, &mut bytes);
        let mut answer = Vec::new();
        let mut w = Writer::new(&mut answer, 1200);
        assert!(world.a.sctp.poll_transmit(now, &mut w));
        let mut expected = Vec::new();
        let mut w = Writer::new(&mut expected, 1200);
        HeartbeatAck { info }.emit(&mut w);
        assert_eq!(answer[12..], expected);
    }
    let ack = HeartbeatAck {
        info: Parameters::default(),
    };
    world.inject(A, &[Chunk::HeartbeatAck(ack)]);
    let huge = [7; 1100];
    let mut bytes = Vec::new();
    Parameter::HeartbeatInfo(&huge).emit(&mut Writer::new(&mut bytes, 2000));
    let info = Parameters::parse(&mut Reader::new(&bytes)).unwrap();
    assert!(
        world
            .inject(A, &[Chunk::Heartbeat(Heartbeat { info })])
            .is_empty()
    );
}

/// SCTP-070: an idle path is asked now and then; silence ends it in the end.
#[test]
fn sctp_070_an_idle_peer_that_vanishes_is_noticed() {
    let mut world = World::connected(1);
    world.run_for(ms(200_000));
    let asked = world.lines("HEARTBEAT len").len();
    assert!((8..=14).contains(&asked), "{asked} in 200 s by both");
    assert_eq!(world.lines("HEARTBEAT-ACK").len(), asked);
    assert!(world.a.sctp.stats().path.round_trip.is_some());
    world.link.loss = 1000;
    world.run_for(ms(3_000_000));
    assert_eq!(world.a.events, [Event::Closed(CloseReason::TimedOut)]);
}

/// A path in use needs no HEARTBEAT.
#[test]
fn a_busy_path_is_not_asked() {
    let mut world = World::connected(1);
    for _ in 0..20 {
        world.send(A, 1, "tick");
        world.send(B, 1, "tock");
        world.run_for(ms(10_000));
    }
    assert!(world.lines("HEARTBEAT").is_empty());
}

/// SCTP-075: what becomes of unknown chunks.
#[test]
fn sctp_075_unknown_chunks() {
    let outcome = |kind: u8| {
        let mut world = World::connected(1);
        let (_, tsn) = world.identity(B);
        let value = b"what";
        let unknown = crate::wire::sctp::chunk::Unknown {
            kind,
            flags: 3,
            value,
        };
        let answers = world.inject(
            A,
            &[Chunk::Unknown(unknown), data(tsn, 1, 0, "BE", b"behind")],
        );
        let reported = answers
            .iter()
            .any(|line| line.contains(&alloc::format!("unrecognized-chunk={kind}")));
        (reported, world.a.messages.len())
    };
    assert_eq!(outcome(0x3f), (false, 0));
    assert_eq!(outcome(0x7f), (true, 0));
    assert_eq!(outcome(0xbf), (false, 1));
    assert_eq!(outcome(0xff), (true, 1));
}

/// Errors do not amplify: many causes in, a bounded answer out.
#[test]
fn reports_are_bounded() {
    let mut world = World::connected(1);
    let value = [7; 200];
    let unknown = Chunk::Unknown(crate::wire::sctp::chunk::Unknown {
        kind: 0xff,
        flags: 0,
        value: &value,
    });
    let answers = world.inject(A, &[unknown; 50]);
    assert_eq!(answers.len(), 1);
    assert_eq!(answers[0].matches("unrecognized-chunk").count(), 2);
    let causes = Causes::default();
    let error = Chunk::Error(crate::wire::sctp::chunk::Error { causes });
    assert!(world.inject(A, &[error]).is_empty());
    assert_eq!(Cause::OutOfResource.encoded_len(), 4);
}

/// SCTP-041, ATK-053: SACKs of the past and of the future change nothing.
#[test]
fn sctp_041_sacks_that_cannot_be() {
    let mut world = World::connected(1);
    world.send(A, 1, vec![0; 5000]);
    let (_, first) = world.identity(A);
    world.answers(A);
    let sack = |tsn: Serial32| {
        Chunk::Sack(Sack {
            cumulative_tsn: tsn,
            a_rwnd: 1 << 20,
            gaps: List::EMPTY,
            duplicates: List::EMPTY,
        })
    };
    let before = world.a.sctp.stats().path.in_flight;
    assert!(before > 5000);
    for tsn in [
        first.sub(2),
        first.add(5),
        first.add(1 << 30),
        first.sub(1 << 30),
    ] {
        world.inject(A, &[sack(tsn)]);
    }
    assert_eq!(world.a.sctp.stats().path.in_flight, before);
    assert_eq!(world.a.sctp.stats().dropped.unexpected, 4);
    world.inject(A, &[sack(first.add(1))]);
    assert!(world.a.sctp.stats().path.in_flight < before);
}
