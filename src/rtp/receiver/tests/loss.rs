//! What is lost for good takes with it what refers to it, and nothing else.

use alloc::vec;
use alloc::vec::Vec;
use core::time::Duration;

use proptest::prelude::*;
use proptest::sample::select;

use super::world::*;
use crate::rng::Rng;
use crate::rtp::format::Format;
use crate::rtp::receiver::{Feedback, ReceiveCodec, ReceivedFrame, ReceiverConfig};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn agrees_with_a_naive_model(
        seed: u64,
        format in select(&FORMATS[..]),
        sizes in proptest::collection::vec(1_usize..400, 1..80),
        key_every in 6_usize..20,
        loss in 0_u64..200,
        nack: bool,
        keeps_broken: bool,
    ) {
        let mut rng = Rng::from_number(seed);
        let mut camera = Camera::new(format, 0xffe0);
        let config = ReceiverConfig { keeps_broken, ..ReceiverConfig::default() };
        let mut receiver = receiver(ReceiveCodec { nack, ..codec(format) }, config);
        let (mut expected, mut given) = (vec![], vec![]);
        let (mut needs_key, mut is_lost, mut is_behind) = (false, false, true);
        for (turn, len) in sizes.into_iter().enumerate() {
            let is_key = turn % key_every == 0;
            let (data, mut packets) = camera.frame(is_key, len);
            let before = packets.len();
            let last = packets.last().cloned();
            packets.retain(|_| turn == 0 || rng.below(1000) >= loss);
            // Where AV1 begins without a key frame shows only if nothing is missing before.
            let is_seen = format != Format::Av1 || is_key || is_behind;
            let is_whole = packets.len() == before && is_seen;
            is_behind = packets.last() == last.as_ref();
            // The model: what is whole leaves, unless it refers to what is not.
            if is_whole && (is_key || !needs_key || format == Format::Plain) {
                expected.push((data, core::mem::take(&mut is_lost)));
                needs_key = false;
            } else {
                is_lost = true;
                needs_key = !keeps_broken;
            }
            let now = at(turn as u64 * 33);
            if rng.below(3) == 0 && turn > 0 {
                packets.reverse();
            }
            receiver.handle_timeout(now);
            while receiver.poll_feedback(now).is_some() {}
            deliver(&mut receiver, now, &packets);
            given.extend(frames(&mut receiver));
        }
        while let Some(due) = receiver.poll_timeout().filter(|due| *due < at(20_000)) {
            receiver.handle_timeout(due);
            while receiver.poll_feedback(due).is_some() {}
            given.extend(frames(&mut receiver));
        }
        let told = |frame: &ReceivedFrame| (frame.data.to_vec(), frame.lost_before);
        let given: Vec<_> = given.iter().map(told).collect();
        prop_assert_eq!(given, expected);
    }
}

#[test]
fn a_lost_picture_is_told_until_a_key_frame_comes() {
    let mut camera = Camera::new(Format::Vp8, 5);
    let mut receiver = receiver(
        ReceiveCodec {
            nack: false,
            ..codec(Format::Vp8)
        },
        ReceiverConfig::default(),
    );
    let (_, packets) = camera.frame(true, 200);
    deliver(&mut receiver, at(0), &packets);
    assert_eq!(frames(&mut receiver).len(), 1);
    let (_, packets) = camera.frame(false, 200);
    deliver(&mut receiver, at(33), &packets[1..]);
    assert_eq!(receiver.poll_feedback(at(33)), None, "it may only be late");
    let patience = receiver.poll_timeout().expect("a deadline");
    assert_eq!(patience, at(43));
    receiver.handle_timeout(patience);
    assert_eq!(receiver.poll_feedback(patience), Some(Feedback::Pli));
    for turn in 2..20 {
        let now = at(turn * 33);
        let (_, packets) = camera.frame(false, 200);
        deliver(&mut receiver, now, &packets);
        assert_eq!(frames(&mut receiver), []);
        let again = receiver.poll_feedback(now).is_some();
        assert_eq!(again, turn == 17, "half a second later, at {now}");
    }
    let (_, packets) = camera.frame(true, 200);
    deliver(&mut receiver, at(700), &packets);
    let given = frames(&mut receiver);
    assert!(given.len() == 1 && given[0].is_key && given[0].lost_before);
    assert_eq!(
        (receiver.poll_feedback(at(5000)), receiver.poll_timeout()),
        (None, None)
    );
    let stats = receiver.stats();
    assert_eq!((stats.frames.incomplete, stats.frames.undecodable), (1, 18));
    assert_eq!(stats.feedback.plis, 2);
}

#[test]
fn a_key_frame_overtakes_what_is_missing_before_it() {
    let mut camera = Camera::new(Format::Vp8, 5);
    let mut receiver = receiver(codec(Format::Vp8), ReceiverConfig::default());
    let (_, packets) = camera.frame(true, 50);
    deliver(&mut receiver, at(0), &packets);
    let (_, packets) = camera.frame(false, 200);
    deliver(&mut receiver, at(33), &packets[1..]);
    // As long as there is hope, a key frame waits for what is asked for.
    let (_, packets) = camera.frame(true, 200);
    deliver(&mut receiver, at(66), &packets);
    assert_eq!(frames(&mut receiver).len(), 1);
    receiver.handle_timeout(at(33 + 500));
    assert_eq!(frames(&mut receiver).len(), 1, "the second key frame");
    // Two more are lost; behind the first of them only key frames count.
    let lost = [camera.frame(false, 50), camera.frame(false, 50)];
    drop(lost);
    let (_, packets) = camera.frame(false, 50);
    deliver(&mut receiver, at(600), &packets);
    receiver.handle_timeout(at(1100));
    camera.number += 1;
    let (_, packets) = camera.frame(true, 200);
    deliver(&mut receiver, at(1101), &packets);
    assert_eq!(frames(&mut receiver).len(), 1, "at once");
}

#[test]
fn rtp_019_what_came_too_late_teaches_to_wait_longer() {
    let plain = ReceiveCodec::new(TYPE, 90_000, Format::Plain);
    let mut receiver = receiver(plain, ReceiverConfig::default());
    let mut camera = Camera::new(Format::Plain, 0xfffe);
    let mut given = vec![];
    for turn in 0..40_u64 {
        let now = at(1000 + turn * 66);
        let [(_, early), (_, late)] = [camera.frame(true, 20), camera.frame(true, 20)];
        // The one in front is 50 ms late each time.
        deliver(&mut receiver, now + Duration::from_millis(33), &late);
        let due = receiver
            .poll_timeout()
            .filter(|due| *due < now + Duration::from_millis(50));
        if let Some(due) = due {
            receiver.handle_timeout(due);
        }
        deliver(&mut receiver, now + Duration::from_millis(50), &early);
        given.push(frames(&mut receiver).len());
    }
    assert_eq!(given[0], 1, "it was not waited for");
    assert!(given[1..].iter().all(|&count| count == 2), "{given:?}");
    assert_eq!(receiver.stats().target_delay, Duration::from_millis(50));
}
