//! Packets as they come, and sent on: what an SFU does.

use std::time::Duration;

use pollrtc::peer::{Config, Direction, Event, Kind, OutPacket, ReceivedPacket, RtpMode};

use super::support::{ALICE, BOB, Pair, picture};

fn forwarding() -> Config {
    Config {
        rtp_mode: RtpMode::Packets,
        ..Config::new()
    }
}

fn packets(pair: &mut Pair, side: usize) -> Vec<ReceivedPacket> {
    let packets = pair.events[side].drain(..).filter_map(|event| match event {
        Event::Packet { packet, .. } => Some(packet),
        _ => None,
    });
    packets.collect()
}

/// Alice sends to a forwarder, which sends on to carol.
#[test]
fn packets_are_forwarded() {
    let mut first = Pair::with(Config::new(), forwarding());
    let id = first.add(ALICE, Kind::Video, Direction::SendOnly);
    first.negotiate(ALICE);
    let mut second = Pair::with(forwarding(), Config::new());
    let out = second.add(ALICE, Kind::Video, Direction::SendOnly);
    second.negotiate(ALICE);
    let payload_type = second
        .machine(ALICE)
        .send_codecs(out)
        .next()
        .unwrap()
        .payload_type;

    let sizes = [4000, 700, 9000];
    for (round, size) in (0..).zip(sizes) {
        let frame = picture(round * 3000, round == 0, size);
        first.write(ALICE, id, &frame).unwrap();
        first.run(Duration::from_millis(33));
    }
    first.run(Duration::from_millis(100));
    let received = packets(&mut first, BOB);
    assert!(received.len() > sizes.len());
    assert!(received[0].is_key);
    let numbers = received.windows(2);
    assert!(
        numbers
            .into_iter()
            .all(|pair| pair[1].number == pair[0].number + 1)
    );

    for packet in &received {
        let out_packet = OutPacket {
            payload_type,
            ..packet.into()
        };
        let host = second.hosts[ALICE];
        second
            .world
            .with(host, |pc, now| pc.write_packet(now, out, "", &out_packet))
            .unwrap();
        second.run(Duration::from_millis(5));
    }
    second.run(Duration::from_millis(100));
    let theirs = second.transceiver(BOB, Kind::Video);
    let frames = second.take_frames(BOB, theirs);
    let arrived: Vec<_> = frames.iter().map(|(_, frame)| frame.data.len()).collect();
    assert_eq!(arrived, sizes);
}
