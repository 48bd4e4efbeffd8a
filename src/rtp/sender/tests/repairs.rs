//! What was lost is sent again.

use super::*;
use crate::rtp::rtx::Repeated;

#[test]
fn rtp_012_a_repeated_packet_is_unwrapped_to_what_it_was() {
    let mut stage = Stage::named();
    let sent = stage.frame(at(0), 0, 3000);
    let again = stage.nack(at(50), sent.iter().map(|packet| packet.number));
    assert_eq!(again.len(), 3);
    for (packet, again) in sent.iter().zip(&again) {
        assert_eq!((again.ssrc, again.payload_type), (REPAIR, RTX.number()));
        let whole = Packet::parse(&mut Reader::new(&again.bytes)).expect("a packet");
        let unwrapped = Repeated::unwrap(&whole, MEDIA, VP8).expect("a repeated packet");
        assert_eq!(unwrapped.payload, packet.payload);
        assert_eq!(unwrapped.header.sequence_number.0, packet.number);
        assert_eq!(unwrapped.header.timestamp.0, packet.timestamp);
        assert_eq!(unwrapped.header.marker, packet.marker);
    }
    let numbers: Vec<_> = again
        .iter()
        .map(|p| p.number.wrapping_sub(again[0].number))
        .collect();
    assert_eq!(numbers, [0, 1, 2]);
    let stats = stage.sender.stats();
    assert_eq!(
        (
            stats.sent.packets,
            stats.repeated.packets,
            stats.requests.nacks
        ),
        (6, 3, 1)
    );
    let bytes: usize = sent.iter().map(|packet| packet.payload.len()).sum();
    assert_eq!(stats.repeated.payload_bytes, bytes as u64);
}

#[test]
fn rfc_8852_a_repeated_packet_says_what_it_repairs_until_the_receiver_reports_on_it() {
    let mut stage = Stage::named();
    let number = stage.frame(at(0), 0, 10)[0].number;
    let report = |ssrc| ReportBlock {
        ssrc,
        ..ReportBlock::default()
    };
    // The receiver knows the one stream, and not yet the other.
    stage.sender.on_report(at(1), &report(MEDIA));
    let again = stage.nack(at(2), [number]).remove(0);
    assert_eq!(again.extension(Kind::Mid), Some(&b"v"[..]));
    assert_eq!(again.extension(Kind::RepairedStreamId), Some(&b"hi"[..]));
    assert_eq!(again.extension(Kind::StreamId), None);
    // It has a number of the transport of its own.
    assert_eq!(
        again.extension(Kind::TransportSequence),
        Some(&[0xff, 0xff][..])
    );
    stage.sender.on_report(at(3), &report(REPAIR));
    let again = stage.nack(at(200), [number]).remove(0);
    assert_eq!(again.extension(Kind::Mid), None);
    assert_eq!(again.extension(Kind::RepairedStreamId), None);
}

#[test]
fn without_a_stream_of_its_own_a_packet_is_repeated_to_the_bit() {
    let parameters = SendParameters {
        extensions: extensions(),
        mid: "v".into(),
        repair_payload_type: None,
        ..video()
    };
    let mut stage = Stage::new(config(), parameters.clone());
    let first = stage.frame(at(0), 0, 100).remove(0);
    let block = ReportBlock {
        ssrc: MEDIA,
        ..ReportBlock::default()
    };
    stage.sender.on_report(at(10), &block);
    let second = stage.frame(at(20), 1, 100).remove(0);
    assert_ne!(first.bytes[..20], second.bytes[..20]);
    let transport = stage.transport;
    let again = stage.nack(at(50), [first.number, second.number]);
    assert_eq!(again, [first.clone(), second]);
    assert_eq!(stage.transport, transport, "no new number of the transport");
    // Under other parameters it would be another packet with the same number.
    stage.sender.set_parameters(parameters.clone());
    assert_eq!(stage.nack(at(200), [first.number]).len(), 1);
    stage.sender.set_parameters(SendParameters {
        mid: "w".into(),
        ..parameters
    });
    assert_eq!(stage.nack(at(400), [first.number]).len(), 0);
}

#[test]
fn rtp_010_a_packet_is_sent_again_once_in_a_round_trip() {
    let mut stage = Stage::video();
    let number = stage.frame(at(0), 0, 100)[0].number;
    let again = |stage: &mut Stage, millis| stage.nack(at(millis), [number, number]).len();
    assert_eq!(again(&mut stage, 10), 1);
    // While no round trip is known, 100 ms.
    assert_eq!(again(&mut stage, 109), 0);
    assert_eq!(again(&mut stage, 110), 1);
    assert_eq!(stage.sender.stats().dropped.too_soon, 4);
    // Now one is: 30 ms.
    let info = stage
        .sender
        .sender_info(at(200), NtpTimestamp(0x1234_5678_0000))
        .expect("sent");
    let block = ReportBlock {
        ssrc: MEDIA,
        last_sender_report: info.compact_ntp(),
        ..ReportBlock::default()
    };
    stage.sender.on_report(at(230), &block);
    assert_eq!(stage.sender.round_trip(), Some(Duration::from_millis(30)));
    assert_eq!(again(&mut stage, 300), 1);
    assert_eq!(again(&mut stage, 329), 0);
    assert_eq!(again(&mut stage, 330), 1);
}

#[test]
fn rtp_010_what_was_never_sent_or_is_not_kept_is_not_sent_again() {
    let mut stage = Stage::video();
    assert_eq!(stage.nack(at(0), 0..=u16::MAX), []);
    let number = stage.frame(at(0), 0, 100)[0].number;
    // Written, and not sent yet.
    stage
        .sender
        .write(at(0), &MediaFrame::new(1, delta(9)))
        .expect("room");
    stage
        .sender
        .on_nack(at(0), [Serial16(number.wrapping_add(1))]);
    assert_eq!(stage.drain(at(0)).len(), 1);
    // All numbers but the two that were sent.
    let others = (0..=u16::MAX).filter(|n| n.wrapping_sub(number) > 1);
    assert_eq!(stage.nack(at(1), others), []);
    let unknown = stage.sender.stats().dropped.unknown;
    assert_eq!(unknown, (1 << 16) + 1 + (1 << 16) - 2);
    // Older than a second.
    assert_eq!(stage.nack(at(1001), [number]), []);
}

#[test]
fn rtp_010_numbers_wrap_under_requests() {
    let mut stage = Stage::new(
        config(),
        SendParameters {
            repair_payload_type: None,
            ..sound()
        },
    );
    let mut sent = Vec::new();
    while sent
        .last()
        .is_none_or(|packet: &Sent| packet.number != 5 || sent.len() < 40_000)
    {
        let n = sent.len() as u64;
        sent.push(stage.frame(at(n), u32::try_from(n).unwrap(), 3).remove(0));
    }
    let last: Vec<_> = sent[sent.len() - 10..].to_vec();
    assert_eq!(last[0].number, 65_532);
    let now = at(sent.len() as u64);
    let again = stage.nack(now, last.iter().map(|packet| packet.number));
    assert_eq!(again, last);
}

#[test]
fn rtp_010_a_storm_of_requests_is_answered_within_a_budget() {
    let limits = RepairLimits {
        percent: 50,
        burst: 10_000,
    };
    let mut stage = Stage::new(
        SenderConfig {
            repairs: limits,
            ..config()
        },
        video(),
    );
    let mut numbers = Vec::new();
    let (mut sent, mut again) = (0, 0);
    for n in 0..200_u32 {
        let now = at(u64::from(n) * 10);
        for packet in stage.frame(now, n, 900) {
            sent += packet.payload.len();
            numbers.push(packet.number);
        }
        // Everything, again and again.
        for packet in stage.nack(now, numbers.iter().copied()) {
            again += packet.payload.len();
        }
    }
    assert!(
        again <= 10_000 + sent / 2 + 2 * 200 + 1200,
        "{again} of {sent}"
    );
    assert!(again >= sent / 2);
    assert!(stage.sender.stats().dropped.over_budget > 0);
}

#[test]
fn the_history_is_limited_in_packets_bytes_and_time() {
    let limits = HistoryLimits {
        packets: 20,
        bytes: 5000,
        age: Duration::from_millis(500),
    };
    let kept = |packets: u32, len: usize, pause: u64| {
        let mut stage = Stage::new(
            SenderConfig {
                history: limits,
                ..config()
            },
            video(),
        );
        let mut numbers = Vec::new();
        let mut now = at(0);
        for n in 0..packets {
            now = at(u64::from(n) * pause);
            numbers.push(stage.frame(now, n, len)[0].number);
        }
        let again = stage.nack(now, numbers.iter().copied());
        let last: Vec<_> = again
            .iter()
            .map(|packet| u16::from_be_bytes([packet.payload[0], packet.payload[1]]))
            .collect();
        assert_eq!(last, numbers[numbers.len() - again.len()..]);
        again.len()
    };
    assert_eq!(kept(100, 10, 0), 20);
    // 104 bytes each with VP8's descriptor, so 496 of them: nine of 504.
    assert_eq!(kept(100, 500, 0), 9);
    assert_eq!(kept(100, 10, 50), 11);
}

#[test]
fn a_packet_of_another_codec_is_repeated_as_it_was() {
    let mut stage = Stage::video();
    let payload = Bytes::from_static(b"tone");
    let packet = OutPacket {
        source: Ssrc(5),
        number: Serial16(1),
        timestamp: Serial32(0),
        payload_type: PayloadType::from_low_bits(101),
        marker: false,
        extensions: &[],
        payload: &payload,
    };
    stage.sender.write_packet(at(0), &packet).expect("room");
    let sent = stage.poll(at(0)).expect("a packet");
    assert_eq!(stage.nack(at(1), [sent.number]), [sent]);
}

#[test]
fn a_packet_is_repeated_as_it_was_only_if_that_is_allowed() {
    let config = SenderConfig {
        repeats: false,
        ..config()
    };
    let plain = SendParameters {
        repair_payload_type: None,
        ..video()
    };
    let again = |parameters| {
        let mut stage = Stage::new(config, parameters);
        let number = stage.frame(at(0), 0, 100)[0].number;
        let again = stage.nack(at(10), [number]).len();
        (again, stage.sender.stats().dropped.unrepairable)
    };
    assert_eq!(again(video()), (1, 0));
    assert_eq!(again(plain), (0, 1));
}

#[test]
fn what_is_sent_again_goes_first() {
    let mut stage = Stage::video();
    let number = stage.frame(at(0), 0, 100)[0].number;
    stage
        .sender
        .write(at(1), &MediaFrame::new(1, delta(9)))
        .expect("room");
    stage.sender.on_nack(at(1), [Serial16(number)]);
    let sources: Vec<_> = stage
        .drain(at(1))
        .iter()
        .map(|packet| packet.ssrc)
        .collect();
    assert_eq!(sources, [REPAIR, MEDIA]);
    // What was wanted and then left the history is not pending.
    stage.sender.on_nack(at(500), [Serial16(number)]);
    assert!(stage.sender.is_pending());
    stage.sender.set_parameters(SendParameters {
        clock_rate: 1,
        ..video()
    });
    assert!(!stage.sender.is_pending() && stage.poll(at(500)).is_none());
}
