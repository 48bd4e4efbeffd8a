//! What a peer may not do to us.

use alloc::vec;
use alloc::vec::Vec;

use super::world::*;
use crate::cursor::Writer;
use crate::media::*;
use crate::seq::{Serial16, Serial32};
use crate::wire::list::List;
use crate::wire::rtcp::{Nack, NackPair, Packet};
use crate::wire::rtp::{Header, Packet as Rtp, Ssrc};

/// A packet without extensions.
pub(super) fn rtp(ssrc: u32, number: u16, payload: u8) -> Vec<u8> {
    let packet = Rtp {
        header: Header {
            marker: true,
            payload_type: payload_type(payload),
            sequence_number: Serial16(number),
            timestamp: Serial32(u32::from(number) * 960),
            ssrc: Ssrc(ssrc),
            csrcs: List::EMPTY,
            extensions: None,
        },
        payload: &[0x10, 0, 1, 2, 3, 4],
        padding: 0,
    };
    let mut buf = Vec::new();
    packet.emit(&mut Writer::new(&mut buf, 1500));
    buf
}

#[test]
fn atk_064_a_flood_of_sources_is_bounded() {
    let mut world = World::both_ways(40);
    world.run(500);
    let config = MediaConfig::default();
    let mut shown = 0;
    for n in 0..100_000_u32 {
        let packet = rtp(0x2000_0000 + n, 7, 111);
        world.ends[0].media.handle_rtp(world.now, &packet);
        if n % 1000 == 0 {
            world.run(5);
            let media = &world.ends[0].media;
            assert!(media.inbound_streams().count() <= config.max_unannounced + 2);
            shown += world.ends[0].events.len();
            world.ends[0].events.clear();
        }
    }
    assert!(world.ends[0].media.stats().evicted > 99_000);
    // Nothing of it becomes more than what is taken at a time, and the true ones go on.
    assert!(shown < 100 * (config.max_unannounced * 2 + config.max_events));
    let before = world.ends[0].pictures().len();
    world.run(1000);
    assert!(world.ends[0].pictures().len() - before >= 29);
}

#[test]
fn announced_sources_are_not_put_out_by_others() {
    let config = MediaConfig {
        max_sources: 4,
        ..MediaConfig::default()
    };
    let mut world = World::agreed(41, &config, [true; 2]);
    world.run(200);
    for n in 0..100 {
        world.ends[0]
            .media
            .handle_rtp(world.now, &rtp(0x2000_0000 + n, 7, 111));
        assert!(world.ends[0].media.inbound_streams().count() <= 4);
    }
    let media = &world.ends[0].media;
    for ssrc in [2000, 2001] {
        assert!(
            media
                .inbound_streams()
                .any(|stream| stream.ssrc == Ssrc(ssrc))
        );
    }
}

#[test]
fn what_has_no_line_is_ignored_and_counted() {
    let mut world = World::both_ways(42);
    let media = &mut world.ends[0].media;
    media.handle_rtp(world.now, &rtp(77, 1, 50));
    media.handle_rtp(world.now, &rtp(2000, 1, 96));
    media.handle_rtp(world.now, &rtp(77, 1, 97));
    media.handle_rtp(world.now, b"\x80");
    media.handle_rtcp(world.now, b"\x80");
    let ignored = media.stats().ignored;
    assert_eq!(
        ignored,
        Ignored {
            ambiguous: 1,
            unknown_payload_type: 1,
            orphaned: 1,
            malformed_rtp: 1,
            malformed_rtcp: 1,
            ..Ignored::default()
        }
    );
    assert_eq!(media.inbound_streams().count(), 0);
}

#[test]
fn two_with_one_ssrc_part() {
    let mut world = World::both_ways(43);
    world.run(500);
    // The other end sends under our video's SSRC.
    for number in 0..100 {
        world.ends[0]
            .media
            .handle_rtp(world.now, &rtp(1001, number, 96));
    }
    world.settle();
    let changed: Vec<_> = world.ends[0]
        .events
        .iter()
        .filter_map(|event| match event {
            Event::SsrcChanged { line, ssrc, .. } => Some((*line, *ssrc)),
            _ => None,
        })
        .collect();
    let [(VIDEO, ssrc)] = changed[..] else {
        panic!("once: {changed:?}");
    };
    assert_eq!(world.ends[0].media.ssrc(VIDEO, ""), Some(ssrc));
    assert_eq!(
        world.ends[0].said(|packet| matches!(packet, Packet::Bye(_))),
        1
    );
    assert_eq!(world.ends[0].media.stats().collisions, 1);
    // What we send goes on under the new one.
    world.ends[0].key = true;
    let before = world.ends[1].pictures().len();
    world.run(1000);
    assert!(world.ends[1].pictures().len() - before >= 28);
    let mut streams = world.ends[1].media.inbound_streams();
    assert!(streams.any(|stream| stream.ssrc == ssrc));
}

#[test]
fn what_begins_with_a_taken_ssrc_gets_another() {
    let mut world = World::agreed(47, &MediaConfig::default(), [true, false]);
    world.run(200);
    // The receiver begins to send under an SSRC of the sender's.
    let mut taken = parameters(1, VIDEO, [true; 2]);
    taken.encodings[0].ssrc = Ssrc(1001);
    taken.encodings[0].repair = None;
    world.ends[1].media.set_line(world.now, VIDEO, taken);
    assert_ne!(world.ends[1].media.ssrc(VIDEO, ""), Some(Ssrc(1001)));
    assert_eq!(world.ends[1].media.stats().collisions, 1);
}

#[test]
fn rtp_010_a_storm_of_nacks_costs_little() {
    let mut world = World::agreed(44, &MediaConfig::default(), [true, false]);
    world.run(2000);
    let before = world.ends[0].rtp_bytes;
    let pairs: Vec<_> = (0..300_u16)
        .map(|n| NackPair {
            packet: Serial16(n.wrapping_mul(17)),
            following: u16::MAX,
        })
        .collect();
    for _ in 0..100 {
        for offset in 0..13 {
            let pairs = pairs.iter().map(|pair| NackPair {
                packet: pair.packet.add(offset * 5100),
                ..*pair
            });
            let pairs = List::encode(pairs);
            let nack = Nack {
                sender: Ssrc(5),
                media: Ssrc(1001),
                pairs: List::new(&pairs),
            };
            let mut buf = vec![];
            nack.emit(&mut Writer::new(&mut buf, 1500));
            world.ends[0].media.handle_rtcp(world.now, &buf);
        }
        world.run(10);
    }
    // A second of media is some 100 kB; what is repeated is bounded beside it.
    let spent = world.ends[0].rtp_bytes - before;
    assert!(spent < 100_000 + 400_000, "{spent}");
}

#[test]
fn a_source_may_move_to_another_line() {
    let mut world = World::both_ways(45);
    world.run(500);
    let mut parameters = parameters(0, AUDIO, [true; 2]);
    parameters.mid = "9".into();
    // The same SSRC is announced for a line of another name.
    world.ends[0].media.remove_line(world.now, AUDIO);
    world.settle();
    world.ends[0]
        .media
        .set_line(world.now, LineId(9), parameters);
    world.run(500);
    // Its packets still name the line that is gone, until the peer is told.
    let mut streams = world.ends[0].media.inbound_streams();
    assert!(streams.all(|stream| stream.line != AUDIO));
}

#[test]
fn atk_070_feedback_of_any_kind_is_harmless() {
    let mut world = World::both_ways(46);
    world.run(300);
    let mut rng = crate::rng::Rng::from_number(46);
    for n in 0..20_000_u32 {
        let random: [u8; 80] = rng.array();
        let [words, count, kind, ..] = random;
        let (words, kind) = (words % 20, 200 + kind % 9);
        let len = usize::from(words) * 4;
        let mut packet = Vec::from(&random[..len + 4]);
        packet[..4].copy_from_slice(&[0x80 | count & 0x1f, kind, 0, words]);
        // Half of them speak of our streams.
        if len >= 12 && n % 2 == 0 {
            packet[8..12].copy_from_slice(&1001_u32.to_be_bytes());
        }
        world.ends[0].media.handle_rtcp(world.now, &packet);
        if n % 100 == 0 {
            world.run(10);
        }
    }
    let before = world.ends[1].pictures().len();
    world.ends[0].key = true;
    world.run(1000);
    assert!(world.ends[1].pictures().len() - before >= 28);
}
