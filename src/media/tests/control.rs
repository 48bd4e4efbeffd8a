//! What is said in RTCP, how often, and what follows of it.

use alloc::string::ToString;
use alloc::vec;
use alloc::vec::Vec;
use core::time::Duration;

use super::world::*;
use crate::cursor::{Reader, Writer};
use crate::media::*;
use crate::time::Instant;
use crate::wire::list::List;
use crate::wire::rtcp::extended::Block;
use crate::wire::rtcp::{
    Bitrate, Bye, Compound, FullIntraRequest, IntraRequest, Item, ItemKind, MaximumBitrate, Packet,
    PictureLoss, ReceiverReport, SourceDescription,
};
use crate::wire::rtp::Ssrc;

#[test]
fn rtp_004_rtcp_takes_a_twentieth_over_an_hour() {
    let mut world = World::both_ways(20);
    // Few packets, for the sake of the test's time.
    (world.picture, world.pace) = (12_000, [200, 250]);
    world.network = Network {
        delay: Duration::from_millis(30),
        jitter: Duration::from_millis(5),
        loss: 10,
    };
    // Frames of a whole hour need not be kept.
    for _ in 0..360 {
        world.run(10_000);
        for end in &mut world.ends {
            end.frames.clear();
            end.said.clear();
        }
    }
    let rtcp: u64 = world.ends.iter().map(|end| end.rtcp_bytes).sum();
    let rtp: u64 = world.ends.iter().map(|end| end.rtp_bytes).sum();
    assert!(rtcp * 20 <= rtp, "{rtcp} of {rtp}");
    assert!(rtcp * 200 >= rtp, "and is used: {rtcp} of {rtp}");
    for end in &world.ends {
        assert_eq!(end.media.stats().ignored, Ignored::default());
    }
}

#[test]
fn rtp_004_a_narrow_session_reports_less_often() {
    let reports = |bandwidth| {
        let config = MediaConfig {
            session_bandwidth: bandwidth,
            ..MediaConfig::default()
        };
        let mut world = World::agreed(21, &config, [true; 2]);
        world.sends = [false; 2];
        world.run(200_000);
        world.ends[0].said.len()
    };
    let (narrow, wide) = (reports(4000), reports(256_000));
    assert!((140..280).contains(&wide), "about one a second: {wide}");
    // 200 bit/s for two ends; a report is some 1,000 bits long.
    assert!((8..40).contains(&narrow), "{narrow}");
}

#[test]
fn rtp_005_feedback_stands_alone_only_where_that_was_agreed() {
    for reduced in [true, false] {
        let mut world = World::new(22, &MediaConfig::default());
        for side in 0..2 {
            for line in [AUDIO, VIDEO] {
                let parameters = LineParameters {
                    reduced_rtcp: reduced,
                    ..parameters(side, line, [true; 2])
                };
                world.ends[side].media.set_line(world.now, line, parameters);
            }
        }
        world.network.loss = 50;
        world.run(5000);
        let datagrams = world.ends.iter().flat_map(|end| &end.said);
        let compounds: Vec<_> = datagrams
            .map(|(_, datagram)| Compound::parse(&mut Reader::new(datagram)).expect("RTCP"))
            .collect();
        let alone = compounds
            .iter()
            .filter(|compound| compound.is_reduced_size());
        assert_eq!(alone.count() > 0, reduced);
        for compound in compounds
            .iter()
            .filter(|compound| !compound.is_reduced_size())
        {
            let names = compound.packets().flatten();
            let names: Vec<_> = names
                .filter_map(|packet| match packet {
                    Packet::SourceDescription(names) => Some(names),
                    _ => None,
                })
                .collect();
            // RFC 3550 §6.1: every compound says who speaks.
            let first = names[0].chunks().next().expect("a name");
            assert!([&b"alice"[..], b"bob"].contains(&names[0].cname(first.ssrc).expect("CNAME")));
        }
    }
}

#[test]
fn who_only_receives_measures_the_way_too() {
    let mut world = World::agreed(23, &MediaConfig::default(), [true, false]);
    world.run(5000);
    let asked = world.ends[1].said(|packet| match packet {
        Packet::ExtendedReport(report) => report
            .blocks()
            .any(|block| matches!(block, Ok(Block::ReceiverTime(_)))),
        _ => false,
    });
    assert!(asked >= 3);
    for end in &world.ends {
        let trip = end.media.round_trip().expect("a round trip");
        assert!(
            trip.abs_diff(Duration::from_millis(40)) < Duration::from_millis(1),
            "{trip:?}"
        );
    }
    // Who sends is answered by report blocks, and need not ask.
    assert_eq!(
        world.ends[0].said(|packet| matches!(packet, Packet::ExtendedReport(report)
            if report.blocks().any(|block| matches!(block, Ok(Block::ReceiverTime(_)))))),
        0
    );
}

/// One end that sends, and what it is told.
fn sender(seed: u64) -> World {
    let mut world = World::agreed(seed, &MediaConfig::default(), [true, false]);
    world.run(500);
    world.ends[0].events.clear();
    world
}

fn tell(world: &mut World, emit: impl FnOnce(&mut Writer<'_>)) {
    let mut buf = Vec::new();
    emit(&mut Writer::new(&mut buf, 1500));
    world.ends[0].media.handle_rtcp(world.now, &buf);
    world.settle();
}

#[test]
fn what_the_network_can_carry_is_told_once() {
    let mut world = sender(24);
    let sources = List::<Ssrc>::encode([Ssrc(1001)]);
    let remb = |rate| MaximumBitrate {
        sender: Ssrc(5),
        bitrate: Bitrate::new(rate),
        sources: List::new(&sources),
    };
    for rate in [500_000, 500_000, 600_000] {
        tell(&mut world, |w| remb(rate).emit(w));
    }
    let told = [Event::TargetBitrate(500_000), Event::TargetBitrate(600_000)];
    assert_eq!(world.ends[0].events, told);
    // It has to speak of ours.
    let others = List::<Ssrc>::encode([Ssrc(77)]);
    let stranger = MaximumBitrate {
        sources: List::new(&others),
        ..remb(100)
    };
    tell(&mut world, |w| stranger.emit(w));
    assert_eq!(world.ends[0].events.len(), 2);
    assert_eq!(world.ends[0].media.stats().ignored.unused_rtcp, 1);
}

#[test]
fn rtp_011_a_flood_of_requests_is_one_key_frame() {
    let mut world = sender(25);
    let (sender, media) = (Ssrc(5), Ssrc(1001));
    for _ in 0..1000 {
        tell(&mut world, |w| PictureLoss { sender, media }.emit(w));
    }
    for ssrc in [media, Ssrc(99)] {
        let requests = List::encode([IntraRequest { ssrc, sequence: 3 }; 100]);
        let request = FullIntraRequest {
            sender,
            media: Ssrc(0),
            requests: List::new(&requests),
        };
        tell(&mut world, |w| request.emit(w));
    }
    assert_eq!(world.ends[0].events.len(), 1);
}

#[test]
fn a_source_may_say_in_rtcp_to_which_line_it_belongs() {
    let mut world = World::new(31, &MediaConfig::default());
    world.sends = [false; 2];
    // Two lines of one payload type, and a source that no description names.
    for line in [VIDEO, LineId(2)] {
        let mut parameters = parameters(0, VIDEO, [true; 2]);
        parameters.mid = line.0.to_string();
        parameters.remote = vec![];
        world.ends[0].media.set_line(world.now, line, parameters);
    }
    let packet = |world: &mut World, number| {
        let nameless = super::hostile::rtp(77, number, 96);
        world.ends[0].media.handle_rtp(world.now, &nameless);
        world.settle();
    };
    packet(&mut world, 0);
    assert_eq!(world.ends[0].media.stats().ignored.ambiguous, 1);
    let mid = Item {
        kind: ItemKind::MID,
        text: b"2",
    };
    let chunks = SourceDescription::encode([(Ssrc(77), &[mid][..])]);
    let names = SourceDescription::of_chunks(1, &chunks).expect("one chunk");
    tell(&mut world, |w| names.emit(w));
    for number in 1..4 {
        packet(&mut world, number);
    }
    assert!(
        world.ends[0]
            .frames
            .iter()
            .any(|(line, ..)| *line == LineId(2))
    );
}

#[test]
fn atk_069_a_bye_ends_what_it_names_and_nothing_else() {
    let mut world = World::both_ways(26);
    world.run(500);
    let bye = |sources: &[Ssrc]| List::encode(sources.iter().copied());
    let gone = bye(&[Ssrc(2001), Ssrc(1000), Ssrc(77)]);
    tell(&mut world, |w| {
        let bye = Bye {
            sources: List::new(&gone),
            reason: Some(b"over"),
        };
        bye.emit(w);
    });
    let ended: Vec<_> = world.ends[0]
        .events
        .iter()
        .filter(|event| matches!(event, Event::Ended { .. }))
        .collect();
    assert!(matches!(ended[..], [Event::Ended { line: VIDEO, .. }]));
    // A source that goes on is there again.
    world.run(500);
    assert_eq!(world.ends[0].media.inbound_streams().count(), 2);
    assert!(world.ends[0].sounds() >= 45);
}

#[test]
fn sources_that_fall_silent_are_given_up() {
    let config = MediaConfig {
        source_timeout: Duration::from_secs(10),
        ..MediaConfig::default()
    };
    let mut world = World::agreed(27, &config, [true, false]);
    world.run(1000);
    assert_eq!(world.ends[1].media.inbound_streams().count(), 2);
    // Reports of a source that pauses keep it; then the other end is gone.
    world.sends = [false; 2];
    world.run(9000);
    assert_eq!(world.ends[1].media.inbound_streams().count(), 2);
    world.network.delay = Duration::from_secs(1_000_000);
    world.run(14_000);
    assert_eq!(world.ends[1].media.inbound_streams().count(), 0);
    let ended = world.ends[1].events.iter();
    assert_eq!(
        ended
            .filter(|event| matches!(event, Event::Ended { .. }))
            .count(),
        2
    );
}

#[test]
fn atk_064_participants_that_only_report_are_bounded() {
    let mut world = sender(28);
    for ssrc in 0..100_000 {
        let report = ReceiverReport {
            ssrc: Ssrc(0x1000_0000 + ssrc),
            reports: List::EMPTY,
            extension: &[],
        };
        let mut buf = vec![];
        report.emit(&mut Writer::new(&mut buf, 1500));
        world.ends[0].media.handle_rtcp(world.now, &buf);
    }
    assert!(world.ends[0].media.control.members.len() <= MediaConfig::default().max_members);
    // They are forgotten when they are silent.
    world.run(120_000);
    assert!(world.ends[0].media.control.members.len() <= 1);
}

#[test]
fn a_large_session_takes_its_time_to_say_farewell() {
    let config = MediaConfig {
        max_members: 1000,
        ..MediaConfig::default()
    };
    let mut world = World::agreed(29, &config, [true, false]);
    world.run(500);
    for ssrc in 0..500 {
        world.ends[0]
            .media
            .control
            .on_member(world.now, Ssrc(0x1000_0000 + ssrc));
    }
    world.ends[0].media.count_members(world.now);
    world.ends[0].media.close();
    let said = world.ends[0].said.len();
    world.settle();
    assert_eq!(world.ends[0].said.len(), said, "not at once");
    let at = world.ends[0].media.poll_timeout().expect("later");
    assert!(at > world.now && at < world.now + Duration::from_secs(2));
    world.run(3000);
    assert_eq!(
        world.ends[0].said(|packet| matches!(packet, Packet::Bye(_))),
        1
    );
    assert_eq!(world.ends[0].media.poll_timeout(), None);
}

#[test]
fn reports_carry_the_time_of_the_wall() {
    let mut world = World::agreed(30, &MediaConfig::default(), [true, false]);
    let unix = Duration::from_secs(1_700_000_000);
    world.ends[0]
        .media
        .set_wall_clock(Instant::from_millis(1000), unix);
    world.run(5000);
    let streams = world.ends[1].media.inbound_streams();
    for remote in streams.map(|stream| stream.stats.remote.expect("a report")) {
        let seconds = (remote.ntp >> 32) - 2_208_988_800;
        assert!((1_700_000_000..1_700_000_006).contains(&seconds));
    }
}
