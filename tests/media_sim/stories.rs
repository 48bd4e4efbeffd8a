//! What happens while media flow.

use std::time::Duration;

use pollrtc::peer::{ChannelConfig, ChannelId, ChannelState, Config, Data, Direction, Event};
use pollrtc::sim::{Chance, Link, Loss, Realm};
use pollrtc::wire::demux::{self, Class};
use pollrtc::wire::rtp::Header;

use crate::stage::{Stage, millis};

fn good_link() -> Link {
    Link::with_delay(millis(20))
}

fn lossy_link() -> Link {
    Link {
        loss: Loss::Uniform(Chance::percent(5)),
        jitter: millis(20),
        ..good_link()
    }
}

fn playing(seed: u64, link: Link) -> Stage {
    let mut stage = Stage::new(seed, link, &Config::new());
    stage.connect();
    stage
}

/// Over a perfect network everything comes, and nobody asks for anything.
#[test]
fn nothing_is_lost_where_the_network_loses_nothing() {
    let mut stage = playing(1, good_link());
    stage.play(millis(3_000));
    stage.rest(millis(500));
    for side in 0..2 {
        for kind in 0..2 {
            let sent = stage.lines[1 - side][kind].sent.len();
            assert_eq!(stage.came(side, kind), sent, "{}", stage.story());
            assert_eq!(stage.lines[side][kind].asked, 0);
        }
    }
}

/// RTP-020, ATK-021: numbers wrap twice and more, at ten thousand packets a
/// second, and some are lost on the way.
#[test]
fn the_rollover_counter_grows_again_and_again() {
    let mut stage = playing(2, good_link());
    stage.world = stage.world.without_ledger();
    let [left, right] = stage.hosts;
    let loss = Loss::Uniform(Chance::percent(1));
    stage.world.set_link(
        left,
        right,
        Link {
            loss,
            ..good_link()
        },
    );
    let count = 2 * 65_536 + 40_000;
    stage.lines[0][0].step = 5;
    while stage.lines[0][0].sent.len() < count {
        // Five ticks each are these ten milliseconds.
        for _ in 0..96 {
            stage.send(0, 0);
        }
        stage.rest(millis(10));
    }
    stage.rest(millis(500));
    let came = stage.came(1, 0);
    assert!(came * 1_000 > count * 985, "{came} of {count}");
    let last = stage.lines[1][0].came.last();
    assert!(last.is_some_and(|last| last + 20 > count), "{last:?}");
}

/// The timestamp of the first packet that a side sends from now on.
fn next_timestamp(stage: &mut Stage, side: usize, kind: usize) -> u32 {
    let before = stage.world.ledger().datagrams().len();
    stage.send(side, kind);
    let datagrams = stage.world.ledger().datagrams();
    let mut new = datagrams[before..].iter();
    let media = new.find(|one| demux::classify(&one.bytes) == Class::Rtp);
    let bytes = &media.expect("it leaves at once").bytes;
    let header = Header::parse(&mut pollrtc::cursor::Reader::new(bytes)).expect("it is RTP");
    header.timestamp.0
}

/// RTP-019: timestamps wrap in the middle of a stream.
#[test]
fn timestamps_wrap_while_pictures_flow() {
    for seed in 0..10 {
        let mut stage = playing(seed, lossy_link());
        for side in 0..2 {
            for kind in 0..2 {
                let first = next_timestamp(&mut stage, side, kind);
                // A second before the wrap; as much as half of the range is no jump back.
                let second = [48_000, 90_000][kind];
                let ahead = 0_u32.wrapping_sub(second).wrapping_sub(first);
                stage.lines[side][kind].timestamp += ahead.min(0x7fff_0000);
                stage.rest(millis(20));
                let now = next_timestamp(&mut stage, side, kind);
                let line = &mut stage.lines[side][kind];
                let ahead = 0_u32.wrapping_sub(second).wrapping_sub(now);
                line.timestamp = line.timestamp.wrapping_add(ahead);
                stage.rest(millis(20));
            }
        }
        stage.play(millis(2_000));
        stage.rest(millis(1_000));
        for side in 0..2 {
            let sent = stage.lines[1 - side][1].sent.len();
            let came = stage.came(side, 1);
            assert!(came * 100 >= sent * 90, "seed {seed}: {came} of {sent}");
        }
    }
}

/// RTP-011: what the application asks for comes, and a break ends with a key frame.
#[test]
fn key_frames_are_asked_for_and_come() {
    for seed in 0..10 {
        let mut stage = playing(seed, lossy_link());
        stage.play(millis(500));
        let keys = |stage: &Stage| stage.lines[0][1].sent.iter().filter(|key| **key).count();
        let before = keys(&stage);
        let transceiver = stage.lines[1][1].transceiver.expect("there is one");
        let right = stage.hosts[1];
        let asked = stage
            .world
            .with(right, |peer, _| peer.request_key_frame(transceiver, ""));
        assert!(asked, "seed {seed}");
        // The request may be lost, and its repetition.
        stage.play(millis(1_500));
        assert!(keys(&stage) > before, "seed {seed}\n{}", stage.story());
        // A break too long for repeats.
        let before = keys(&stage);
        stage.world.cut(right);
        stage.play(millis(900));
        stage.world.heal(right);
        stage.play(millis(1_500));
        stage.rest(millis(500));
        assert!(keys(&stage) > before, "seed {seed}\n{}", stage.story());
        let last = stage.lines[1][1].came.last().copied();
        let sent = stage.lines[0][1].sent.len();
        assert!(
            last.is_some_and(|last| last + 5 > sent),
            "seed {seed}: {last:?} of {sent}"
        );
    }
}

/// Messages and media share the path; neither loses by it.
#[test]
fn a_data_channel_flows_beside_media() {
    for seed in 0..5 {
        let mut stage = Stage::silent(seed, lossy_link(), &Config::new());
        let left = stage.hosts[0];
        let channel = stage.world.open(left, "beside", ChannelConfig::default());
        let channel: ChannelId = channel.expect("there is room");
        for side in 0..2 {
            stage.add_track(side, 0);
            stage.add_track(side, 1);
        }
        stage.negotiate(0);
        stage.connect();
        let is_open = |stage: &Stage| {
            stage.events[0].contains(&Event::ChannelState(channel, ChannelState::Open))
        };
        while !is_open(&stage) {
            stage.rest(millis(20));
        }
        for _ in 0..20 {
            let text = "x".repeat(3_000);
            stage.world.send(left, channel, text).expect("it is open");
            stage.play(millis(100));
        }
        stage.rest(Duration::from_secs(10));
        let is_message = |event: &&Event| matches!(event, Event::Message(_, Data::Text(_)));
        let messages = stage.events[1].iter().filter(is_message).count();
        assert_eq!(messages, 20, "seed {seed}");
        assert!(stage.came(1, 1) >= 40, "seed {seed}: {}", stage.came(1, 1));
        stage.world.finish();
    }
}

/// ICE is restarted while media flow: pictures go on as if nothing were.
#[test]
fn media_flow_before_during_and_after_a_restart() {
    for seed in 0..10 {
        let mut stage = playing(seed, good_link());
        stage.play(millis(500));
        let side = usize::from(seed % 2 == 0);
        let host = stage.hosts[side];
        stage.world.with(host, |peer, _| peer.restart_ice());
        stage.negotiate(side);
        stage.play(millis(3_000));
        stage.rest(millis(500));
        for side in 0..2 {
            for kind in 0..2 {
                let sent = stage.lines[1 - side][kind].sent.len();
                let came = stage.came(side, kind);
                assert_eq!(came, sent, "seed {seed}\n{}", stage.story());
            }
        }
        stage.world.finish();
    }
}

/// A host leaves its network for another: media go on from there.
#[test]
fn media_go_on_in_another_network() {
    for seed in 0..10 {
        let mut stage = playing(seed, good_link());
        stage.play(millis(500));
        let host = stage.hosts[0];
        let old = stage.world.sockets(host)[0];
        let new = "192.0.2.77:4077".parse().expect("an address");
        stage.world.remove_socket(host, old);
        stage.world.with(host, |peer, _| {
            assert!(peer.remove_local_address(old), "it was there");
        });
        stage.play(millis(300));
        stage.world.add_socket(host, Realm::INTERNET, new);
        stage.world.with(host, |peer, _| {
            peer.add_local_address(new).expect("there is room");
            peer.restart_ice();
        });
        stage.negotiate(0);
        stage.play(millis(4_000));
        stage.rest(millis(500));
        for side in 0..2 {
            let sent = stage.lines[1 - side][1].sent.len();
            let last = stage.lines[side][1].came.last().copied();
            assert!(
                last.is_some_and(|last| last + 3 > sent),
                "seed {seed}: {last:?} of {sent}\n{}",
                stage.story()
            );
        }
    }
}

/// P-8, ATK-078: who does not send by what was agreed sends nothing, and who sends
/// again is seen again.
#[test]
fn a_change_of_direction_mutes_and_unmutes() {
    for seed in 0..10 {
        let mut stage = playing(seed, lossy_link());
        stage.play(millis(500));
        let side = usize::from(seed % 2 == 0);
        let transceiver = stage.lines[side][1].transceiver.expect("there is one");
        let turn = |stage: &mut Stage, direction| {
            let host = stage.hosts[side];
            let set = stage
                .world
                .with(host, |peer, _| peer.set_direction(transceiver, direction));
            set.expect("it is not stopped");
            stage.negotiate(side);
        };
        turn(&mut stage, Direction::RecvOnly);
        stage.mute(side, 1, true);
        stage.rest(millis(700));
        let before = stage.came(1 - side, 1);
        stage.play(millis(500));
        assert_eq!(stage.came(1 - side, 1), before, "seed {seed}");
        turn(&mut stage, Direction::SendRecv);
        stage.mute(side, 1, false);
        stage.play(millis(1_500));
        stage.rest(millis(500));
        let sent = stage.lines[side][1].sent.len();
        let last = stage.lines[1 - side][1].came.last().copied();
        assert!(
            last.is_some_and(|last| last + 5 > sent),
            "seed {seed}: {last:?} of {sent}\n{}",
            stage.story()
        );
    }
}

/// The same seed shows the same run, bytes included.
#[test]
fn one_seed_gives_one_run() {
    let run = |seed| {
        let mut stage = playing(seed, lossy_link());
        stage.play(millis(500));
        stage.world.ledger().datagrams().to_vec()
    };
    assert!(run(1) == run(1));
    assert!(run(1) != run(2));
}
