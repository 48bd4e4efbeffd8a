//! Frames leave whole and in order, as soon as they can and as evenly as asked.

use alloc::vec;
use alloc::vec::Vec;
use core::time::Duration;

use super::world::*;
use crate::cursor::Writer;
use crate::rtp::format::Format;
use crate::rtp::receiver::{Mode, ReceiveCodec, ReceiverConfig};
use crate::seq::Serial32;
use crate::wire::list::List;
use crate::wire::rtcp::SenderInfo;
use crate::wire::rtp::Ssrc;
use crate::wire::rtp::extension::Form;

#[test]
fn a_frame_leaves_with_its_last_packet() {
    for format in FORMATS {
        let mut camera = Camera::new(format, 0xfffd);
        let mut receiver = receiver(codec(format), ReceiverConfig::default());
        for turn in 0..10 {
            let (data, packets) = camera.frame(turn % 5 == 0, 200);
            let (last, others) = packets.split_last().expect("packets");
            deliver(&mut receiver, at(turn * 33), others);
            assert_eq!(frames(&mut receiver), []);
            deliver(&mut receiver, at(turn * 33 + 5), [last]);
            let given = frames(&mut receiver);
            assert_eq!(given.len(), 1, "{format:?}");
            let frame = &given[0];
            assert_eq!(frame.data, data, "{format:?}");
            assert_eq!(frame.timestamp, camera.timestamp);
            assert_eq!(frame.received, at(turn * 33 + 5));
            assert_eq!(frame.is_key, turn % 5 == 0 || format == Format::Plain);
            assert_eq!(frame.packets as usize, packets.len());
            assert!(!frame.lost_before && frame.marker);
            assert_eq!(
                (
                    receiver.poll_timeout(),
                    receiver.poll_feedback(at(turn * 33))
                ),
                (None, None)
            );
        }
        let stats = receiver.stats();
        assert_eq!((stats.frames.received, stats.lost), (10, 0));
        assert_eq!(stats.packets.late + stats.packets.duplicated, 0);
    }
}

#[test]
fn a_frame_without_a_mark_leaves_when_the_next_one_begins() {
    for format in FORMATS
        .into_iter()
        .filter(|format| *format != Format::Plain)
    {
        let mut camera = Camera::new(format, 7);
        camera.marks = false;
        let mut receiver = receiver(codec(format), ReceiverConfig::default());
        let (first, packets) = camera.frame(true, 200);
        deliver(&mut receiver, at(0), &packets);
        assert_eq!(frames(&mut receiver), []);
        let (_, packets) = camera.frame(false, 200);
        deliver(&mut receiver, at(33), &packets[..1]);
        let given = frames(&mut receiver);
        assert_eq!(
            (given.len(), &given[0].data[..]),
            (1, &first[..]),
            "{format:?}"
        );
        assert!(!given[0].marker);
    }
}

#[test]
fn packets_out_of_order_are_put_in_order() {
    for format in FORMATS {
        let mut camera = Camera::new(format, 0xfff0);
        let mut receiver = receiver(codec(format), ReceiverConfig::default());
        let mut sent = vec![];
        let mut expected = vec![];
        for turn in 0..8 {
            let (data, packets) = camera.frame(turn == 0, 150);
            expected.push(data);
            sent.extend(packets);
        }
        let (first, others) = sent.split_first().expect("packets");
        deliver(&mut receiver, at(0), [first]);
        deliver(&mut receiver, at(1), others.iter().rev());
        // And once more, which changes nothing.
        deliver(&mut receiver, at(2), &sent);
        let given: Vec<_> = frames(&mut receiver);
        assert!(given.iter().all(|frame| !frame.lost_before));
        let given: Vec<_> = given.iter().map(|frame| frame.data.to_vec()).collect();
        assert_eq!(given, expected, "{format:?}");
        let stats = receiver.stats();
        assert_eq!(stats.packets.duplicated, sent.len() as u64);
        assert_eq!(receiver.poll_timeout(), None);
    }
}

#[test]
fn packets_that_fill_the_line_do_not_break_a_frame() {
    let mut camera = Camera::new(Format::Vp8, 0);
    let mut receiver = receiver(codec(Format::Vp8), ReceiverConfig::default());
    let mut given = 0;
    for turn in 0..6 {
        let (_, mut packets) = camera.frame(turn == 0, 200);
        packets.push(camera.packet(&[], false));
        deliver(&mut receiver, at(turn * 33), &packets);
        given += frames(&mut receiver).len();
    }
    assert_eq!((given, receiver.stats().packets.empty), (6, 6));
}

#[test]
fn a_delay_makes_frames_even() {
    let config = ReceiverConfig {
        min_delay: Duration::from_millis(40),
        max_delay: Duration::from_millis(200),
        ..ReceiverConfig::default()
    };
    let mut receiver = receiver(ReceiveCodec::new(TYPE, 90_000, Format::Plain), config);
    let mut camera = Camera::new(Format::Plain, 0);
    let mut left = vec![];
    // Every third frame comes 30 ms late, later ones 90 ms.
    let first = camera.timestamp;
    let mut arrivals: Vec<_> = (0..300_u64)
        .map(|turn| {
            let late = match turn {
                _ if turn % 3 < 2 => 0,
                ..150 => 30,
                _ => 90,
            };
            (turn * 33 + 1000 + late, camera.frame(true, 40).1.remove(0))
        })
        .collect();
    arrivals.sort_by_key(|(time, _)| *time);
    let mut arrivals = arrivals.into_iter().peekable();
    while let Some((time, packet)) = arrivals.next() {
        deliver(&mut receiver, at(time), [&packet]);
        left.extend(
            frames(&mut receiver)
                .iter()
                .map(|frame| (frame.timestamp, time)),
        );
        let end = arrivals.peek().map_or(u64::MAX, |(time, _)| *time);
        while let Some(due) = receiver.poll_timeout().filter(|due| *due < at(end)) {
            receiver.handle_timeout(due);
            let due = due.as_millis();
            left.extend(
                frames(&mut receiver)
                    .iter()
                    .map(|frame| (frame.timestamp, due)),
            );
        }
    }
    assert_eq!(left.len(), 299, "the first that is 90 ms late is too late");
    // 40 ms behind their time as long as that is enough, and 90 ms then.
    for (timestamp, left) in left {
        let turn = timestamp.wrapping_sub(first) / (33 * 90) - 1;
        let delay = left - (u64::from(turn) * 33 + 1000);
        match turn {
            3..150 => assert_eq!(delay, 40, "{turn}"),
            160.. => assert_eq!(delay, 90, "{turn}"),
            _ => {}
        }
    }
}

#[test]
fn a_frame_tells_the_time_of_its_sender() {
    let mut camera = Camera::new(Format::Plain, 0);
    let mut receiver = receiver(codec(Format::Plain), ReceiverConfig::default());
    let (_, packets) = camera.frame(true, 40);
    deliver(&mut receiver, at(0), &packets);
    assert_eq!(frames(&mut receiver)[0].ntp, None);
    let info = SenderInfo {
        ntp: 7 << 32,
        rtp: Serial32(camera.timestamp.wrapping_sub(45_000)),
        packets: 1,
        octets: 40,
    };
    receiver.handle_sender_report(at(5), &info);
    let (_, packets) = camera.frame(true, 40);
    deliver(&mut receiver, at(33), &packets);
    // Half a second and a frame later.
    let ntp = frames(&mut receiver)[0].ntp.expect("known");
    assert_eq!(ntp >> 32, 7);
    assert_eq!(((ntp & 0xffff_ffff) * 1000 + 999) >> 32, 533);
    let remote = receiver.stats().remote.expect("reported");
    assert_eq!((remote.packets, remote.bytes, remote.reports), (1, 40, 1));
}

#[test]
fn packets_leave_as_they_come_and_once() {
    let config = ReceiverConfig {
        mode: Mode::Packets,
        ..ReceiverConfig::default()
    };
    let mut camera = Camera::new(Format::Vp8, 0xffff);
    let mut receiver = receiver(codec(Format::Vp8), config);
    let (_, sent) = camera.frame(true, 300);
    let order = [0, 2, 2, 1, 4];
    deliver(
        &mut receiver,
        at(3),
        order.iter().map(|&index: &usize| &sent[index]),
    );
    deliver(
        &mut receiver,
        at(4),
        [&repeated(&sent[3], 9), &repeated(&sent[4], 10)],
    );
    let given = packets(&mut receiver);
    let numbers: Vec<_> = given
        .iter()
        .map(|packet| packet.sequence_number.0)
        .collect();
    assert_eq!(numbers, [0xffff, 1, 0, 3, 2]);
    for packet in &given {
        let index = usize::from(packet.sequence_number.0.wrapping_add(1));
        assert_eq!(packet.payload, parse(&sent[index]).payload);
        assert_eq!(packet.is_repeated, index == 3);
        assert_eq!(packet.is_key, index == 0);
        assert_eq!(packet.payload_type, TYPE);
        assert_eq!(packet.ssrc, MEDIA);
    }
    assert_eq!(given[4].number - given[0].number, 3);
    assert_eq!(receiver.stats().packets.duplicated, 2);
}

#[test]
fn a_packet_keeps_what_stood_before_its_payload() {
    let config = ReceiverConfig {
        mode: Mode::Packets,
        ..ReceiverConfig::default()
    };
    let mut receiver = receiver(codec(Format::Vp8), config);
    let mut camera = Camera::new(Format::Vp8, 0);
    // A short head and a long one, with and without those that were mixed in.
    for (len, csrcs) in [(3, 0), (3, 2), (200, 0), (200, 15), (0, 1), (0, 0)] {
        let bytes = camera.packet(b"\x10\0picture", true);
        let csrcs = List::encode((0..csrcs).map(Ssrc));
        let mut header = parse(&bytes).header;
        header.csrcs = List::new(&csrcs);
        let mut sent = vec![];
        let mut w = Writer::new(&mut sent, 1500);
        header.emit_with(&mut w, Form::TwoByte, |block| {
            if len > 0 {
                block.put_bytes(7, &vec![9; len]);
                block.put_bytes(8, b"eight");
            }
        });
        w.bytes(b"\x10\0picture");
        deliver(&mut receiver, at(0), [&sent]);
        let given = packets(&mut receiver).remove(0);
        let header = parse(&sent).header;
        assert_eq!(given.csrcs(), header.csrcs);
        assert_eq!(given.extensions(), header.extensions);
        assert_eq!(given.extension(8), (len > 0).then_some(&b"eight"[..]));
        assert_eq!(given.extension(9), None);
        assert_eq!(given.payload, &b"\x10\0picture"[..]);
        assert!(given.marker && given.is_key);
    }
}
