//! Sound and pictures, as they should come.

use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;
use core::time::Duration;

use bytes::Bytes;

use super::world::*;
use crate::cursor::Writer;
use crate::media::*;
use crate::rng::Rng;
use crate::rtp::receiver::Mode;
use crate::rtp::sender::{MediaFrame, OutPacket};
use crate::time::Instant;
use crate::wire::rtcp::Packet;
use crate::wire::rtp::Ssrc;

#[test]
fn sound_and_pictures_flow_both_ways() {
    let mut world = World::both_ways(1);
    world.run(10_000);
    for end in &world.ends {
        let pictures = end.pictures();
        assert!(pictures.len() >= 300, "{}", pictures.len());
        assert!(is_all(&pictures), "in order");
        assert!(end.sounds() >= 498, "{}", end.sounds());
        let sources = end.events.iter();
        let sources = sources.filter(|event| matches!(event, Event::Source { .. }));
        assert_eq!(sources.count(), 2);
        let stats = end.media.stats();
        assert_eq!(stats.ignored, Ignored::default());
        // Reports have measured the way there and back.
        let trip = end.media.round_trip().expect("a round trip");
        assert!(trip.abs_diff(Duration::from_millis(40)) < Duration::from_millis(1));
        assert!(end.said(|packet| matches!(packet, Packet::SenderReport(_))) >= 16);
        for stream in end.media.outbound_streams() {
            let remote = stream.stats.remote.expect("a report");
            assert_eq!(remote.packets_lost, 0);
        }
        for stream in end.media.inbound_streams() {
            assert_eq!(stream.stats.lost, 0);
            assert!(stream.stats.remote.is_some(), "a sender report");
        }
    }
}

#[test]
fn what_is_lost_comes_again() {
    let mut world = World::both_ways(2);
    world.network = Network {
        delay: Duration::from_millis(25),
        jitter: Duration::from_millis(8),
        loss: 50,
    };
    world.run(20_000);
    for end in &world.ends {
        let (pictures, sent) = (end.pictures(), 600);
        assert!(pictures.len() >= sent * 99 / 100, "{}", pictures.len());
        assert!(
            pictures.windows(2).all(|pair| pair[0] < pair[1]),
            "in order"
        );
        let video = end.media.outbound_streams();
        let video = video.filter(|stream| stream.line == VIDEO);
        let repeated: u64 = video.map(|stream| stream.stats.repeated.packets).sum();
        assert!(repeated > 50, "{repeated} packets repeated");
        assert!(end.said(|packet| matches!(packet, Packet::Nack(_))) > 20);
        let stats = end.media.stats();
        assert!(stats.feedback.lost > 0 && stats.feedback.received > 10 * stats.feedback.lost);
    }
}

#[test]
fn a_key_frame_is_asked_for_until_it_comes() {
    let mut world = World::agreed(3, &MediaConfig::default(), [true, false]);
    world.run(1000);
    assert!(world.ends[1].media.request_key_frame(VIDEO, ""));
    world.run(1000);
    let asked = world.ends[0].events.iter();
    let asked = asked
        .filter(|event| matches!(event, Event::KeyFrameRequested { line, .. } if *line == VIDEO));
    assert_eq!(asked.count(), 1);
    let keys = world.ends[1].frames.iter();
    let keys = keys.filter(|(line, _, frame)| *line == VIDEO && frame.is_key);
    assert_eq!(keys.count(), 2);
    assert!(!world.ends[1].media.request_key_frame(VIDEO, "none"));
}

#[test]
fn three_encodings_come_as_three_sources() {
    let mut world = World::new(4, &MediaConfig::default());
    world.sends = [true, false];
    let rids = ["h", "m", "l"];
    let mut ours = parameters(0, VIDEO, [true, false]);
    ours.encodings = rids
        .iter()
        .zip(1..)
        .map(|(rid, ssrc)| SendEncoding {
            rid: (*rid).into(),
            ssrc: Ssrc(ssrc),
            repair: Some(Ssrc(ssrc + 10)),
            active: true,
        })
        .collect();
    let mut theirs = parameters(1, VIDEO, [true, false]);
    theirs.remote = rids
        .iter()
        .map(|rid| RemoteEncoding {
            rid: (*rid).into(),
            ssrc: None,
            repair: None,
        })
        .collect();
    world.ends[0].media.set_line(world.now, VIDEO, ours);
    world.ends[1].media.set_line(world.now, VIDEO, theirs);
    world.network.loss = 30;
    world.run(5000);
    assert!(world.ends[0].media.set_encoding_active(VIDEO, "m", false));
    world.run(5000);
    for (rid, least) in [("h", 290), ("m", 140), ("l", 290)] {
        let frames = world.ends[1].frames.iter();
        let count = frames.filter(|(_, source, _)| *source.rid == *rid).count();
        assert!(count >= least, "{rid}: {count}");
    }
    let streams: Vec<_> = world.ends[1].media.inbound_streams().collect();
    assert_eq!(streams.len(), 3);
    assert!(
        streams
            .iter()
            .all(|stream| stream.repair == Some(Ssrc(stream.ssrc.0 + 10)))
    );
    // A key frame is asked of one of them only.
    world.ends[0].events.clear();
    assert!(world.ends[1].media.request_key_frame(VIDEO, "l"));
    world.run(300);
    let rid: Arc<str> = Arc::from("l");
    let asked = world.ends[0].events.iter();
    let asked: Vec<_> = asked
        .filter(|event| matches!(event, Event::KeyFrameRequested { .. }))
        .collect();
    assert_eq!(asked, [&Event::KeyFrameRequested { line: VIDEO, rid }]);
}

#[test]
fn an_encoding_that_pauses_long_need_not_say_its_name_again() {
    let config = MediaConfig {
        source_timeout: Duration::from_secs(5),
        ..MediaConfig::default()
    };
    let mut world = World::agreed(12, &config, [true, false]);
    for (side, mut parameters) in [0, 1].map(|side| (side, parameters(side, VIDEO, [true, false])))
    {
        for encoding in &mut parameters.encodings {
            encoding.rid = "h".into();
        }
        parameters.remote = vec![RemoteEncoding {
            rid: "h".into(),
            ssrc: None,
            repair: None,
        }];
        world.ends[side]
            .media
            .set_line(world.now, VIDEO, parameters);
    }
    world.run(3000);
    // The network loses the names: what comes behind a pause has none.
    let packet = |world: &mut World, number: u16| {
        let nameless = super::hostile::rtp(1001, number, 96);
        world.ends[1].media.handle_rtp(world.now, &nameless);
        world.settle();
    };
    world.sends = [false; 2];
    world.run(40_000);
    let ended = |world: &World| {
        let events = world.ends[1].events.iter();
        events
            .filter(|event| matches!(event, Event::Ended { line: VIDEO, .. }))
            .count()
    };
    assert_eq!(ended(&world), 1);
    let before = world.ends[1].pictures().len();
    for number in 0..4 {
        packet(&mut world, number);
    }
    assert!(world.ends[1].pictures().len() > before);
    let (.., source, _) = world.ends[1].frames.last().expect("a picture");
    assert_eq!(*source.rid, *"h");
}

#[test]
fn packets_are_forwarded_as_they_come() {
    // 0 sends to a forwarder that takes packets, which sends them on to a third.
    let mut world = World::agreed(5, &MediaConfig::default(), [true, false]);
    let mut packets = parameters(1, VIDEO, [true, false]);
    packets.mode = Mode::Packets;
    world.ends[1].media.set_line(world.now, VIDEO, packets);
    world.run(2000);
    let (taken, now) = (core::mem::take(&mut world.ends[1].packets), world.now);
    assert!(taken.len() > 150);
    let mut onward = World::agreed(6, &MediaConfig::default(), [true, false]);
    onward.sends = [false; 2];
    onward.now = now;
    for (.., packet) in &taken {
        let out = OutPacket::from(packet);
        let written = onward.ends[0]
            .media
            .write_packet(onward.now, VIDEO, "", &out);
        assert_eq!(written, Ok(()));
        onward.run(1);
    }
    onward.run(1000);
    let pictures = onward.ends[1].pictures();
    assert!(pictures.len() >= 59 && is_all(&pictures));
}

#[test]
fn a_source_that_ends_is_said_to_be_gone() {
    let mut world = World::both_ways(7);
    world.run(1000);
    world.ends[0].media.remove_line(world.now, VIDEO);
    world.run(100);
    let gone = |end: &End, line| {
        let mut events = end.events.iter();
        events.any(|event| matches!(event, Event::Ended { line: of, .. } if *of == line))
    };
    assert!(gone(&world.ends[0], VIDEO) && gone(&world.ends[1], VIDEO));
    assert!(!gone(&world.ends[1], AUDIO));
    world.ends[0].media.close();
    let (frames, sounds) = (world.ends[0].frames.len(), world.ends[1].sounds());
    world.run(1000);
    assert!(gone(&world.ends[1], AUDIO));
    assert_eq!(world.ends[0].frames.len(), frames, "law 7");
    assert!(world.ends[1].sounds() <= sounds + 2);
    assert_eq!(world.ends[0].media.poll_timeout(), None);
}

#[test]
fn a_line_may_pause_and_go_on() {
    let mut world = World::both_ways(8);
    world.run(1000);
    let paused = LineParameters {
        sends: false,
        ..parameters(0, VIDEO, [true; 2])
    };
    world.ends[0].media.set_line(world.now, VIDEO, paused);
    world.run(1000);
    let before = world.ends[1].pictures().len();
    world.ends[0].key = true;
    world.ends[0]
        .media
        .set_line(world.now, VIDEO, parameters(0, VIDEO, [true; 2]));
    world.run(1000);
    assert!(before <= 32);
    let byes = world.ends[0].said(|packet| matches!(packet, Packet::Bye(_)));
    assert_eq!(byes, 1, "a pause is said");
    let after = world.ends[1].pictures().len() - before;
    assert!(after >= 28, "{after}");
    assert_eq!(
        world.ends[0].media.outbound_streams().count(),
        2,
        "the same streams"
    );
}

#[test]
fn an_encoding_that_returns_goes_on_with_its_numbers() {
    let mut media = Media::new(MediaConfig::default(), &mut Rng::from_number(5));
    let encoding = |rid: &str, ssrc| SendEncoding {
        rid: rid.into(),
        ssrc: Ssrc(ssrc),
        repair: Some(Ssrc(ssrc + 10)),
        active: true,
    };
    let all = ["h", "l"].into_iter().zip(1..);
    let all: Vec<_> = all.map(|(rid, ssrc)| encoding(rid, ssrc)).collect();
    let mut numbers = vec![];
    // The peer takes both, one, and both again.
    for taken in [2, 1, 2] {
        let mut parameters = parameters(0, VIDEO, [true, false]);
        parameters.encodings = all.iter().take(taken).cloned().collect();
        media.set_line(Instant::ZERO, VIDEO, parameters);
        let frame = MediaFrame::new(0, Bytes::from_static(&[1; 9]));
        if media.write(Instant::ZERO, VIDEO, "l", &frame).is_ok() {
            let mut packet = vec![];
            assert!(media.poll_rtp(Instant::ZERO, &mut Writer::new(&mut packet, 1200)));
            numbers.push(u16::from_be_bytes([packet[2], packet[3]]));
        }
    }
    assert_eq!(numbers.len(), 2);
    assert_eq!(numbers[1], numbers[0].wrapping_add(1));
}

/// P-8: what was written while it was agreed on, and waited for keys, is not sent when it
/// is not agreed on any more, nor when it is again.
#[test]
fn what_waits_when_a_line_stops_is_not_sent_later() {
    let mut media = Media::new(MediaConfig::default(), &mut Rng::from_number(1));
    let mut poll = |sends, times: u8| {
        media.set_line(
            Instant::ZERO,
            VIDEO,
            LineParameters {
                sends,
                ..parameters(0, VIDEO, [true, false])
            },
        );
        for byte in 0..times {
            let frame = MediaFrame::new(0, Bytes::from(vec![byte; 9]));
            assert_eq!(media.write(Instant::ZERO, VIDEO, "", &frame).is_ok(), sends);
        }
        let mut packet = vec![];
        let sent = media.poll_rtp(Instant::ZERO, &mut Writer::new(&mut packet, 1200));
        sent.then(|| packet.last().copied()).flatten()
    };
    assert_eq!(poll(true, 2), Some(0));
    assert_eq!(poll(false, 0), None);
    assert_eq!(poll(true, 0), None);
    assert_eq!(poll(true, 1), Some(0));
    let stats = media.outbound_streams().next().expect("a stream").stats;
    assert_eq!((stats.sent.packets, stats.dropped.expired), (2, 1));
}

#[test]
fn results_of_packets_are_there_for_who_wants_them() {
    let config = MediaConfig {
        packet_results: 10_000,
        ..MediaConfig::default()
    };
    let mut world = World::agreed(9, &config, [true, false]);
    world.network.loss = 100;
    world.run(5000);
    let media = &mut world.ends[0].media;
    let results: Vec<_> = core::iter::from_fn(|| media.poll_packet_result()).collect();
    let (came, lost): (Vec<&PacketResult>, Vec<&PacketResult>) =
        results.iter().partition(|result| result.arrived.is_some());
    assert!(came.len() > 500, "{}", came.len());
    let share = lost.len() * 100 / results.len();
    assert!((7..=13).contains(&share), "{share} % lost");
    // What comes at one pace is told at that pace.
    let ways = came.iter().map(|result| result.arrived.expect("came"));
    let ways: Vec<_> = ways.zip(came.iter().map(|result| result.sent)).collect();
    let (first, start) = ways[0];
    for (arrived, sent) in ways {
        let apart = arrived.saturating_sub(first).abs_diff(sent - start);
        assert!(apart <= Duration::from_millis(1), "{apart:?}");
    }
}

#[test]
fn the_sender_is_told_what_the_network_can_carry() {
    let mut world = World::agreed(11, &MediaConfig::default(), [true, false]);
    world.run(3000);
    let told = |world: &World| world.ends[1].media.stats().told_bitrate;
    let heard = |world: &World| {
        let events = world.ends[0].events.iter();
        let bitrates = events.filter_map(|event| match event {
            Event::TargetBitrate(bitrate) => Some(*bitrate),
            _ => None,
        });
        bitrates.last()
    };
    assert_eq!(heard(&world), Some(told(&world)));
    // A queue grows: each packet comes later than the one before it.
    let before = told(&world);
    for _ in 0..300 {
        world.run(10);
        world.network.delay += Duration::from_millis(2);
    }
    assert!(told(&world) < before / 4, "{} of {before}", told(&world));
    world.run(1000);
    assert!(heard(&world) < Some(before / 4));
}

#[test]
fn many_lines_are_reported_in_several_datagrams() {
    let mut world = World::new(10, &MediaConfig::default());
    world.sends = [false; 2];
    for side in 0..2 {
        for line in 0..60 {
            let mut parameters = parameters(side, VIDEO, [true; 2]);
            parameters.mid = alloc::format!("{line}");
            parameters.encodings = vec![SendEncoding {
                rid: "".into(),
                ssrc: Ssrc([1000, 2000][side] + line),
                repair: None,
                active: true,
            }];
            parameters.remote = vec![];
            let set = world.ends[side]
                .media
                .set_line(world.now, LineId(line), parameters);
            assert!(set);
        }
    }
    for n in 0..300_u32 {
        for end in &mut world.ends {
            for line in 0..60 {
                let frame = MediaFrame::new(n * 3000, Bytes::from_static(&[0, 1, 2, 3, 4, 5, 6]));
                assert_eq!(end.media.write(world.now, LineId(line), "", &frame), Ok(()));
            }
        }
        world.run(33);
    }
    for end in &world.ends {
        assert_eq!(end.media.inbound_streams().count(), 60);
        for stream in end.media.outbound_streams() {
            let remote = stream.stats.remote.expect("a report on each");
            assert!(remote.reports >= 2, "{}", remote.reports);
        }
    }
}

/// Whether they are all pictures from the first on, in order.
fn is_all(pictures: &[u32]) -> bool {
    pictures
        .iter()
        .zip(0..)
        .all(|(picture, number)| *picture == number)
}
