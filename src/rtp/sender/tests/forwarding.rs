//! Packets of a source elsewhere are sent on.

use super::*;
use crate::wire::rtp::extension::{AudioLevel, Extension, Mid, PlayoutDelay};
use crate::wire::rtp::extension::{RepairedStreamId, StreamId, TransportSequence};

#[test]
fn a_source_keeps_its_distances_across_wraps() {
    let mut stage = Stage::video();
    let (number, timestamp) = stage.forward(at(0), 1, 65_530, u32::MAX - 3000);
    for n in 1..20_u16 {
        let (source_number, source_time) = (
            65_530_u16.wrapping_add(n),
            (u32::MAX - 3000).wrapping_add(u32::from(n) * 3000),
        );
        let sent = stage.forward(at(33 * u64::from(n)), 1, source_number, source_time);
        assert_eq!(
            sent,
            (
                number.wrapping_add(n),
                timestamp.wrapping_add(u32::from(n) * 3000)
            )
        );
    }
}

#[test]
fn gaps_stay_gaps_and_can_be_filled() {
    let mut stage = Stage::video();
    let (first, _) = stage.forward(at(0), 1, 100, 0);
    assert_eq!(stage.forward(at(1), 1, 104, 0).0, first.wrapping_add(4));
    // The subscriber misses what the publisher's packets miss; there is no answer yet.
    assert_eq!(stage.nack(at(2), [first.wrapping_add(2)]), []);
    // It came late, and gets the number that was left for it.
    assert_eq!(stage.forward(at(50), 1, 102, 0).0, first.wrapping_add(2));
    let again = stage.nack(at(60), [first.wrapping_add(2)]).remove(0);
    assert_eq!(again.payload[2..], [102; 100]);
    // The next goes on behind the highest.
    assert_eq!(stage.forward(at(61), 1, 105, 0).0, first.wrapping_add(5));
}

#[test]
fn what_was_written_before_or_comes_too_late_is_stale() {
    let mut stage = Stage::video();
    stage.forward(at(0), 1, 100, 0);
    assert_eq!(stage.packet(at(0), 1, 100, 0), Err(WriteError::Stale));
    // Before its first packet other numbers were used, or none.
    assert_eq!(stage.packet(at(0), 1, 99, 0), Err(WriteError::Stale));
    stage.forward(at(0), 1, 102, 0);
    // Its place has left the history.
    stage.forward(at(5000), 1, 103, 0);
    assert_eq!(stage.packet(at(5000), 1, 101, 0), Err(WriteError::Stale));
    assert_eq!(stage.drain(at(5000)), []);
}

#[test]
fn a_switch_between_layers_is_not_seen() {
    let mut stage = Stage::video();
    stage.forward(at(0), 1, 6998, 1_000_000);
    let (number, timestamp) = stage.forward(at(0), 1, 7000, 1_000_000);
    // 33 ms later the other layer begins, with numbers and timestamps of its own.
    let (next, then) = stage.forward(at(33), 2, 60_000, 5);
    assert_eq!(next, number.wrapping_add(1));
    assert_eq!(then.wrapping_sub(timestamp), 33 * 90);
    assert_eq!(
        stage.forward(at(66), 2, 60_001, 5 + 2970),
        (number.wrapping_add(2), timestamp.wrapping_add(66 * 90))
    );
    // What preceded the switch there would take the numbers of the first layer.
    for before in [59_999, 59_998] {
        assert_eq!(stage.packet(at(67), 2, before, 0), Err(WriteError::Stale));
    }
    // And back, at the same moment: time goes on all the same.
    assert_eq!(
        stage.forward(at(66), 1, 7002, 1_003_000),
        (number.wrapping_add(3), timestamp.wrapping_add(66 * 90 + 1))
    );
    // Packets of both can be sent again.
    let again = stage.nack(at(100), [number, next]);
    let originals: Vec<_> = again.iter().map(|p| p.payload[2]).collect();
    assert_eq!(
        originals,
        [(7000_u16 & 0xff) as u8, (60_000_u16 & 0xff) as u8]
    );
}

#[test]
fn rtp_019_a_source_that_jumps_began_anew() {
    let mut stage = Stage::video();
    let (number, timestamp) = stage.forward(at(0), 1, 100, 500);
    assert_eq!(
        stage.forward(at(10), 1, 3099, 1400).0,
        number.wrapping_add(2999)
    );
    // RFC 3550 A.1: a gap of 3,000 is none.
    let (next, then) = stage.forward(at(20), 1, 6099, 77);
    assert_eq!(
        (next, then),
        (number.wrapping_add(3000), timestamp.wrapping_add(1800))
    );
    let (next, _) = stage.forward(at(30), 1, 0x8000, 0);
    assert_eq!(next, number.wrapping_add(3001));
    assert_eq!(
        stage.forward(at(30), 1, 0x8001, 0).0,
        number.wrapping_add(3002)
    );
}

#[test]
fn frames_follow_packets_and_packets_follow_frames() {
    let mut stage = Stage::video();
    let frame = stage.frame(at(0), 12_345, 10).remove(0);
    let (number, timestamp) = stage.forward(at(10), 1, 9, 99);
    assert_eq!(
        (number, timestamp),
        (
            frame.number.wrapping_add(1),
            frame.timestamp.wrapping_add(900)
        )
    );
    let frame = stage.frame(at(20), 0, 10).remove(0);
    assert_eq!(
        (frame.number, frame.timestamp),
        (number.wrapping_add(1), timestamp.wrapping_add(900))
    );
    // The application's frames keep their distances from here on.
    assert_eq!(
        stage.frame(at(1000), 90, 10)[0].timestamp,
        frame.timestamp.wrapping_add(90)
    );
}

#[test]
fn a_payload_is_shared_and_may_be_empty() {
    let mut stage = Stage::video();
    let packet = |payload: &'static [u8]| (Bytes::from_static(payload), payload);
    for (number, (payload, bytes)) in [packet(b"abc"), packet(b"")].into_iter().enumerate() {
        let packet = OutPacket {
            source: Ssrc(1),
            number: Serial16(u16::try_from(number).unwrap()),
            timestamp: Serial32(0),
            payload_type: VP8,
            marker: false,
            extensions: &[],
            payload: &payload,
        };
        stage.sender.write_packet(at(0), &packet).expect("room");
        let kept = stage
            .sender
            .history
            .get(stage.sender.numbers.next() - 1)
            .expect("kept");
        assert_eq!(kept.payload.as_ptr(), bytes.as_ptr());
        assert_eq!(stage.poll(at(0)).expect("a packet").payload, bytes);
    }
}

#[test]
fn a_packet_keeps_what_its_source_says_and_not_what_its_hop_said() {
    let send = |two_byte, said: &[Extension<'_>]| {
        let parameters = SendParameters {
            extensions: extensions(),
            two_byte,
            ..video()
        };
        let mut stage = Stage::new(config(), parameters);
        let payload = Bytes::from_static(b"abc");
        let packet = OutPacket {
            source: Ssrc(1),
            number: Serial16(1),
            timestamp: Serial32(0),
            payload_type: VP8,
            marker: false,
            extensions: said,
            payload: &payload,
        };
        stage.sender.write_packet(at(0), &packet).expect("room");
        let sent = stage.poll(at(0)).expect("a packet");
        let own = |(id, _): &(u8, Vec<u8>)| !(4..=5).contains(id);
        sent.extensions.into_iter().filter(own).collect::<Vec<_>>()
    };
    let level = Extension::AudioLevel(AudioLevel {
        voice: false,
        below: 9,
    });
    let delay = Extension::PlayoutDelay(PlayoutDelay { min: 1, max: 2 });
    let hop = [
        Extension::Mid(Mid("7")),
        Extension::StreamId(StreamId("lo")),
        Extension::RepairedStreamId(RepairedStreamId("lo")),
        Extension::TransportSequence(TransportSequence(Serial16(3))),
        Extension::AbsoluteSendTime(AbsoluteSendTime(3)),
    ];
    let said: Vec<_> = [level].into_iter().chain(hop).chain([delay]).collect();
    let kept = vec![(6, vec![9]), (8, vec![0, 0x10, 2])];
    assert_eq!(send(false, &said), kept);
    // Unknown ones go on under their numbers, if these are free and they fit.
    let unknown = |id, bytes| Extension::Unknown { id, bytes };
    let said = [
        unknown(1, b"a"),
        unknown(9, b"b"),
        unknown(16, b"c"),
        unknown(10, &[1; 17]),
    ];
    assert_eq!(send(false, &said), [(9, b"b".to_vec())]);
    let more = [(9, b"b".to_vec()), (16, b"c".to_vec()), (10, vec![1; 17])];
    assert_eq!(send(true, &said), more);
}

#[test]
fn a_packet_is_refused_as_a_frame_is() {
    let mut stage = Stage::video();
    stage.sender.set_active(false);
    assert_eq!(stage.packet(at(0), 1, 1, 1), Err(WriteError::Paused));
    stage.sender.set_active(true);
    // It is not cut here: datagrams have room for it, or not.
    stage.sender.config.max_payload = 99;
    assert_eq!(stage.packet(at(0), 1, 1, 1), Ok(()));
    stage.room = 99;
    assert_eq!(stage.poll(at(0)), None);
    assert_eq!(stage.sender.stats().dropped.too_large, 1);
    stage.sender = RtpSender::new(config(), &mut Rng::from_number(1));
    assert_eq!(stage.packet(at(0), 1, 1, 1), Err(WriteError::NoParameters));
    let limits = HistoryLimits {
        packets: 2,
        ..config().history
    };
    stage = Stage::new(
        SenderConfig {
            history: limits,
            ..config()
        },
        video(),
    );
    assert_eq!(stage.packet(at(0), 1, 1, 1), Ok(()));
    assert_eq!(stage.packet(at(0), 1, 2, 1), Ok(()));
    assert_eq!(stage.packet(at(0), 1, 3, 1), Err(WriteError::Full));
    // It is a gap like any other.
    let numbers: Vec<_> = stage
        .drain(at(0))
        .iter()
        .map(|packet| packet.number)
        .collect();
    assert_eq!(stage.forward(at(0), 1, 4, 1).0, numbers[1].wrapping_add(2));
}
