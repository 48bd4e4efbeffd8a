//! Senders that lie, jump, flood and begin anew.

use alloc::vec;
use alloc::vec::Vec;
use core::time::Duration;

use proptest::prelude::*;
use proptest::sample::select;

use super::world::*;
use crate::cursor::Reader;
use crate::rtp::format::{Format, Limits};
use crate::rtp::receiver::{Event, Mode, ReceiveCodec, ReceiverConfig};
use crate::wire::rtp::Packet;

const VP8: Format = Format::Vp8;

#[test]
fn atk_067_a_frame_without_an_end_is_given_up() {
    let config = ReceiverConfig {
        limits: Limits { frame: 10_000 },
        ..ReceiverConfig::default()
    };
    let mut camera = Camera::new(VP8, 0);
    let mut receiver = receiver(codec(VP8), config);
    deliver(
        &mut receiver,
        at(0),
        [&camera.packet(&[0x10, 0, 1, 2], false)],
    );
    for _ in 0..1000 {
        deliver(&mut receiver, at(1), [&camera.packet(&[0x00; 100], false)]);
    }
    assert_eq!(receiver.stats().frames.malformed, 1);
    // The next one is none the worse.
    let (_, packets) = camera.frame(true, 100);
    deliver(&mut receiver, at(33), &packets);
    let given = frames(&mut receiver);
    assert!(given.len() == 1 && given[0].lost_before);
}

#[test]
fn atk_067_packets_wait_within_their_limits() {
    for (packets, bytes) in [(8, usize::MAX), (usize::MAX >> 1, 600)] {
        let config = ReceiverConfig {
            packets,
            bytes,
            max_delay: Duration::from_secs(3600),
            ..ReceiverConfig::default()
        };
        let mut camera = Camera::new(VP8, 0);
        let mut receiver = receiver(codec(VP8), config);
        let (_, sent) = camera.frame(true, 100);
        deliver(&mut receiver, at(0), &sent);
        assert_eq!(frames(&mut receiver).len(), 1);
        // One packet is lost; what is behind it waits until there is no more room.
        camera.number = camera.number.wrapping_add(1);
        let mut given = 0;
        for turn in 0..30 {
            let (_, sent) = camera.frame(turn == 20, 100);
            deliver(&mut receiver, at(5), &sent);
            given += frames(&mut receiver).len();
        }
        assert_eq!(given, 10, "from the key frame on");
        assert_eq!(receiver.poll_timeout(), None);
    }
}

#[test]
fn atk_065_a_jump_makes_no_endless_list() {
    let mut camera = Camera::new(VP8, 0);
    let mut receiver = receiver(codec(VP8), ReceiverConfig::default());
    let (_, sent) = camera.frame(true, 100);
    deliver(&mut receiver, at(0), &sent);
    frames(&mut receiver);
    camera.number += 2900;
    let (_, sent) = camera.frame(true, 100);
    deliver(&mut receiver, at(1), &sent);
    // The gap is wider than what can wait: nothing of it is waited for.
    assert_eq!(frames(&mut receiver).len(), 1);
    assert_eq!(receiver.poll_feedback(at(100)), None);
    assert_eq!(receiver.poll_timeout(), None);
    camera.number += 500;
    let (_, sent) = camera.frame(true, 100);
    deliver(&mut receiver, at(200), &sent);
    receiver.handle_timeout(at(210));
    let Some(crate::rtp::receiver::Feedback::Nack(numbers)) = receiver.poll_feedback(at(210))
    else {
        panic!("no request");
    };
    assert_eq!(numbers.len(), 500);
}

#[test]
fn rtp_019_a_source_that_begins_anew_is_followed() {
    for format in FORMATS {
        for nack in [true, false] {
            let mut camera = Camera::new(format, 10);
            let mut receiver = receiver(
                ReceiveCodec {
                    nack,
                    ..codec(format)
                },
                ReceiverConfig::default(),
            );
            for turn in 0..5 {
                let (_, sent) = camera.frame(turn == 0, 100);
                deliver(&mut receiver, at(turn * 33), &sent);
            }
            assert_eq!(frames(&mut receiver).len(), 5);
            camera.number = 40_000;
            camera.timestamp = 3;
            let (data, sent) = camera.frame(true, 200);
            deliver(&mut receiver, at(200), &sent);
            let (second, more) = camera.frame(!nack, 100);
            deliver(&mut receiver, at(233), &more);
            let mut given = frames(&mut receiver);
            if nack {
                // The packet that was not believed can be had again.
                receiver.handle_timeout(at(243));
                assert!(receiver.poll_feedback(at(243)).is_some());
                deliver(&mut receiver, at(250), [&repeated(&sent[0], 1)]);
                given.extend(frames(&mut receiver));
                assert_eq!(given[0].data, data, "{format:?}");
            }
            assert_eq!(
                given.last().map(|frame| frame.data.to_vec()),
                Some(second),
                "{format:?}"
            );
            assert!(given[0].lost_before);
            let stats = receiver.stats();
            assert_eq!((stats.packets.restarts, stats.packets.jumped), (1, 1));
        }
    }
}

#[test]
fn rtp_019_a_single_jump_is_not_believed() {
    let mut camera = Camera::new(VP8, 10);
    let mut receiver = receiver(codec(VP8), ReceiverConfig::default());
    let (_, first) = camera.frame(true, 100);
    let (_, second) = camera.frame(false, 100);
    deliver(&mut receiver, at(0), &first);
    camera.number = 30_000;
    deliver(&mut receiver, at(1), [&camera.packet(b"forged", true)]);
    deliver(&mut receiver, at(2), &second);
    assert_eq!(frames(&mut receiver).len(), 2);
    assert_eq!(receiver.stats().packets.jumped, 1);
}

#[test]
fn packets_of_a_type_that_was_not_agreed_on_are_counted_and_do_no_harm() {
    let mut camera = Camera::new(VP8, 10);
    let mut receiver = receiver(codec(VP8), ReceiverConfig::default());
    let (_, first) = camera.frame(true, 100);
    let mut other = camera.packet(b"other", true);
    other[1] = 100;
    let (_, second) = camera.frame(false, 100);
    deliver(
        &mut receiver,
        at(0),
        first.iter().chain([&other]).chain(&second),
    );
    assert_eq!(frames(&mut receiver).len(), 2);
    assert_eq!(receiver.stats().packets.unknown_type, 1);
}

#[test]
fn what_nobody_fetches_is_bounded() {
    for mode in [Mode::Frames, Mode::Packets] {
        let config = ReceiverConfig {
            mode,
            events: 5,
            ..ReceiverConfig::default()
        };
        let mut camera = Camera::new(VP8, 10);
        let mut receiver = receiver(codec(VP8), config);
        for turn in 0..40 {
            let (_, sent) = camera.frame(turn % 10 == 0, 20);
            deliver(&mut receiver, at(turn), &sent);
        }
        let given = core::iter::from_fn(|| receiver.poll_event()).count();
        assert_eq!(given, 5);
        let (_, sent) = camera.frame(false, 20);
        deliver(&mut receiver, at(50), &sent);
        // A frame that was lost here is like one that was lost on the way.
        let is_given = matches!(receiver.poll_event(), Some(Event::Packet(_)));
        assert_eq!(is_given, mode == Mode::Packets);
        let (_, sent) = camera.frame(true, 20);
        deliver(&mut receiver, at(60), &sent);
        match receiver.poll_event() {
            Some(Event::Frame(frame)) => assert!(frame.lost_before && frame.is_key),
            Some(Event::Packet(packet)) => assert!(packet.is_key),
            None => panic!("nothing"),
        }
        let stats = receiver.stats();
        assert!(stats.packets.overflowed + stats.frames.overflowed > 0);
    }
}

#[test]
fn a_source_that_said_goodbye_may_come_back() {
    let mut camera = Camera::new(VP8, 10);
    let mut receiver = receiver(codec(VP8), ReceiverConfig::default());
    let (_, first) = camera.frame(true, 200);
    deliver(&mut receiver, at(0), &first);
    let (_, second) = camera.frame(false, 200);
    deliver(&mut receiver, at(33), &second[1..]);
    receiver.handle_bye(at(40));
    assert_eq!(
        (receiver.poll_timeout(), receiver.poll_feedback(at(9999))),
        (None, None)
    );
    assert_eq!(frames(&mut receiver).len(), 1);
    camera.number = 50_000;
    let (data, third) = camera.frame(true, 200);
    deliver(&mut receiver, at(100), &third);
    assert_eq!(frames(&mut receiver)[0].data, data);
    assert_eq!(receiver.stats().lost, 0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// RTP-019, ATK-066, ATK-081, law 3.
    #[test]
    fn nothing_that_comes_makes_it_fail(
        format in select(&FORMATS[..]),
        calls in proptest::collection::vec((any::<[u8; 8]>(), 0_usize..80, 0_u64..2000), 1..120),
        is_packets: bool,
        min_delay in 0_u64..100,
    ) {
        let config = ReceiverConfig {
            mode: if is_packets { Mode::Packets } else { Mode::Frames },
            min_delay: Duration::from_millis(min_delay),
            packets: 16,
            events: 8,
            ..ReceiverConfig::default()
        };
        let mut receiver = receiver(codec(format), config);
        for ([choice, a, b, number, time, x, y, z], len, now) in calls {
            let payload: Vec<u8> = [x, y, z].into_iter().cycle().take(len).collect();
            // Numbers and times near each other, and sometimes far.
            let high = if choice & 0x70 == 0 { a } else { 0 };
            let head = vec![0x80, 96 | b & 0x80, high, number, high, 0, time, 0, 0, 0, 0x11, 0x11];
            let bytes = [head, payload].concat();
            let packet = Packet::parse(&mut Reader::new(&bytes)).expect("a packet");
            match choice % 8 {
                0..4 => receiver.handle_rtp(at(now), &packet),
                4 => {
                    let mut packet = packet;
                    packet.header.payload_type = REPAIR_TYPE;
                    receiver.handle_repair(at(now), &packet);
                }
                5 => {
                    receiver.handle_timeout(at(now));
                    let due = receiver.poll_timeout();
                    prop_assert!(due.is_none_or(|due| due > at(now)));
                }
                6 => drop(receiver.poll_feedback(at(now))),
                _ if choice == 7 => receiver.handle_bye(at(now)),
                _ => drop(receiver.poll_event()),
            }
        }
        let waiting = core::iter::from_fn(|| receiver.poll_event()).count();
        prop_assert!(waiting <= 8);
    }
}
