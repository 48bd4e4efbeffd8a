//! The laws of the contract that the world of these tests does not check at each step.

use alloc::vec::Vec;
use core::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;

use super::world::*;
use crate::cursor::Writer;
use crate::time::Instant;

#[test]
fn law_1_time_does_not_go_back() {
    let mut world = World::both_ways(60);
    world.run(1000);
    let media = &mut world.ends[0].media;
    let deadline = media.poll_timeout();
    media.handle_timeout(Instant::ZERO);
    let mut buf = Vec::new();
    assert!(!media.poll_rtcp(Instant::ZERO, &mut Writer::new(&mut buf, 1200)));
    assert_eq!(media.poll_timeout(), deadline);
}

#[test]
fn law_5_what_has_no_room_is_not_written() {
    let mut world = World::both_ways(61);
    world.network.loss = 100;
    for _ in 0..300 {
        world.run(10);
        for end in &mut world.ends {
            end.media.handle_timeout(world.now);
            for room in [0, 3, 11, 30, 60] {
                let mut buf = Vec::new();
                let mut w = Writer::new(&mut buf, room);
                let written = end.media.poll_rtcp(world.now, &mut w);
                assert!(!w.is_overflowed());
                assert_eq!(written, !buf.is_empty());
                assert!(buf.len() <= room);
            }
        }
    }
}

#[test]
fn law_6_the_same_seed_says_the_same() {
    let play = || {
        let mut world = World::both_ways(62);
        world.network.loss = 50;
        world.network.jitter = Duration::from_millis(10);
        world.run(3000);
        let [a, b] = world.ends;
        (a.said, b.said, a.events, b.events, a.rtp_bytes, b.rtp_bytes)
    };
    assert!(play() == play());
}

#[test]
fn law_7_silence_follows_the_end() {
    let mut world = World::both_ways(63);
    world.run(1000);
    let media = &mut world.ends[0].media;
    media.close();
    let mut buf = Vec::new();
    assert!(
        media.poll_rtcp(world.now, &mut Writer::new(&mut buf, 1200)),
        "BYE"
    );
    let later = world.now + Duration::from_secs(60);
    media.handle_timeout(later);
    media.handle_rtp(later, b"\x80");
    media.handle_rtcp(later, b"\x80");
    assert!(!media.poll_rtcp(later, &mut Writer::new(&mut buf, 1200)));
    assert!(!media.poll_rtp(later, &mut Writer::new(&mut buf, 1200)));
    assert_eq!((media.poll_event(), media.poll_timeout()), (None, None));
    assert!(!media.set_line(later, VIDEO, parameters(0, VIDEO, [true; 2])));
    assert_eq!(media.stats().ignored.after_end, 2);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Law 9: garbage is quiet.
    #[test]
    fn law_9_garbage_is_quiet(packets in vec((any::<bool>(), vec(any::<u8>(), 0..80)), 0..60)) {
        let mut world = World::both_ways(64);
        let end = &mut world.ends[0];
        for (is_rtcp, mut packet) in packets {
            let before = end.media.stats();
            // By chance it may be RTP; but then of a payload type that nobody agreed on.
            if let Some(second) = packet.get_mut(1).filter(|_| !is_rtcp) {
                *second |= 0x7f;
            }
            if is_rtcp {
                end.media.handle_rtcp(world.now, &packet);
            } else {
                end.media.handle_rtp(world.now, &packet);
            }
            prop_assert_ne!(end.media.stats(), before);
        }
        prop_assert_eq!(end.media.poll_event(), None);
    }
}
