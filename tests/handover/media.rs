//! Sound and pictures across a handover.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use pollrtc::peer::{Event, Kind};
use pollrtc::sim::{HostId, Verdict};

use super::support::{MOMENT, Stage, frames, picture, sound, transceiver};

/// Ten frames of each kind from `from`; how many `to` has got.
fn play(stage: &mut Stage, from: HostId, to: HostId, start: u32) -> usize {
    stage.take(to);
    for round in start..start + 10 {
        for (kind, frame) in [
            (Kind::Audio, sound(round * 960)),
            (Kind::Video, picture(round * 3000, 4000)),
        ] {
            let id = transceiver(stage.world.machine(from), kind);
            stage.world.write_frame(from, id, "", &frame).unwrap();
        }
        stage.run(Duration::from_millis(30));
    }
    stage.run(MOMENT);
    frames(&stage.take(to))
}

fn add_tracks(stage: &mut Stage, host: HostId) {
    for kind in [Kind::Audio, Kind::Video] {
        stage
            .call(host, |peer| peer.add_track(kind, "track", &[]))
            .unwrap();
    }
}

/// WPT-136: media goes to the new peer, in both directions, and no more to the old
/// one; a key frame is asked for at once.
#[test]
fn wpt_136_media_follows_the_new_association() {
    for seed in 0..4 {
        let mut stage = Stage::new(seed);
        let [caller, first, second] = [(); 3].map(|()| stage.peer());
        for host in [caller, first, second] {
            add_tracks(&mut stage, host);
        }
        let started_by_us = seed % 2 == 0;
        stage.exchange(caller, first);
        stage.connect([caller, first]);
        assert_eq!(play(&mut stage, caller, first, 0), 20);
        assert_eq!(play(&mut stage, first, caller, 0), 20);
        stage.take(caller);
        if started_by_us {
            stage.restart(caller, second);
        } else {
            stage.exchange(second, caller);
        }
        let told = stage.take(caller);
        let asks = |event: &&Event| matches!(event, Event::KeyFrameRequested { .. });
        assert_eq!(told.iter().filter(asks).count(), 1, "{told:?}");
        stage.connect([caller, second]);
        stage.take(first);
        assert_eq!(play(&mut stage, caller, second, 100), 20);
        assert_eq!(play(&mut stage, second, caller, 0), 20);
        assert_eq!(frames(&stage.take(first)), 0);
        // What the old one says is not heard any more.
        assert_eq!(play(&mut stage, first, caller, 100), 0);
        let mids = |host| -> Vec<_> {
            let peer = stage.world.machine(host);
            let mids = peer.transceivers().map(|one| one.mid().map(String::from));
            mids.collect()
        };
        assert_eq!(mids(caller), mids(second));
    }
}

/// RFC 3711 §3.3.1: a new receiver counts wraps from zero, so the numbers begin anew.
#[test]
fn numbers_begin_anew_for_the_new_peer() {
    let mut stage = Stage::new(9);
    let [caller, first, second] = [(); 3].map(|()| stage.peer());
    stage
        .call(caller, |peer| peer.add_track(Kind::Audio, "track", &[]))
        .unwrap();
    let seen = Rc::new(RefCell::new(Vec::new()));
    let tapped = Rc::clone(&seen);
    let from = stage.world.sockets(caller)[0];
    stage.world.set_tap(move |sighting| {
        let bytes = sighting.bytes;
        // RTCP has types from 192 to 223 (RFC 5761 §4).
        let is_rtp = bytes[0] >> 6 == 2 && !(192..224).contains(&bytes[1]);
        if sighting.path.local == from && is_rtp {
            tapped
                .borrow_mut()
                .push(u16::from_be_bytes([bytes[2], bytes[3]]));
        }
        Verdict::Pass
    });
    stage.exchange(caller, first);
    stage.connect([caller, first]);
    let id = transceiver(stage.world.machine(caller), Kind::Audio);
    // Up to the second half of the circle, where a first packet would be ambiguous.
    for round in 0..40_000_u32 {
        stage
            .world
            .write_frame(caller, id, "", &sound(round))
            .unwrap();
        if round % 100 == 99 {
            stage.run(Duration::from_millis(50));
            stage.take(first);
        }
    }
    stage.restart(caller, second);
    stage.connect([caller, second]);
    stage
        .world
        .write_frame(caller, id, "", &sound(960))
        .unwrap();
    stage.run(MOMENT);
    let numbers = seen.borrow();
    let [.., before, after] = numbers[..] else {
        panic!("two packets and more were sent");
    };
    assert!(before >= 0x8000 && after < 0x8000, "{before} {after}");
}
