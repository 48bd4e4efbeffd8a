//! What is lost is asked for, and repaired.

use alloc::collections::BTreeMap;
use alloc::vec;
use alloc::vec::Vec;
use core::time::Duration;

use proptest::prelude::*;
use proptest::sample::select;

use super::world::*;
use crate::rng::Rng;
use crate::rtp::format::Format;
use crate::rtp::receiver::{Feedback, ReceivedFrame, ReceiverConfig, RtpReceiver};
use crate::time::Instant;

/// A network that loses, delays and doubles, and a sender that repeats.
struct Road {
    rng: Rng,
    /// Packets under way, by when they come.
    under_way: BTreeMap<(Instant, u64), Vec<u8>>,
    count: u64,
    /// Of a thousand packets so many are lost.
    loss: u64,
    jitter: u64,
    history: BTreeMap<u16, Vec<u8>>,
    repeats: Option<u16>,
}

impl Road {
    fn send(&mut self, now: Instant, packet: Vec<u8>, is_safe: bool) {
        for _ in 0..1 + u64::from(self.rng.below(20) == 0) {
            if is_safe || self.rng.below(1000) >= self.loss {
                let delay = Duration::from_millis(20 + self.rng.below(self.jitter + 1));
                self.count += 1;
                let due = if is_safe {
                    now + Duration::from_millis(20)
                } else {
                    now + delay
                };
                self.under_way.insert((due, self.count), packet.clone());
            }
        }
    }

    fn answer(&mut self, now: Instant, feedback: Feedback) {
        let Feedback::Nack(numbers) = feedback else {
            return;
        };
        for number in numbers {
            let packet = self.history[&number.0].clone();
            let packet = match &mut self.repeats {
                Some(next) => {
                    *next = next.wrapping_add(1);
                    repeated(&packet, *next)
                }
                None => packet,
            };
            self.send(now, packet, false);
        }
    }

    /// Plays until nothing happens any more.
    fn play(
        &mut self,
        receiver: &mut RtpReceiver,
        mut sent: Vec<(Instant, Vec<u8>, bool)>,
    ) -> Vec<ReceivedFrame> {
        sent.reverse();
        let mut given = vec![];
        loop {
            let times = [
                sent.last().map(|(time, ..)| *time),
                self.under_way.keys().next().map(|(time, _)| *time),
                receiver.poll_timeout(),
            ];
            let Some(now) = times.into_iter().flatten().min() else {
                return given;
            };
            while let Some((_, packet, is_safe)) = sent.pop_if(|(time, ..)| *time <= now) {
                self.history.insert(number(&packet), packet.clone());
                self.send(now, packet, is_safe);
            }
            while let Some(entry) = self.under_way.first_entry().filter(|e| e.key().0 <= now) {
                deliver(receiver, now, [&entry.remove()]);
            }
            receiver.handle_timeout(now);
            assert!(receiver.poll_timeout().is_none_or(|due| due > now), "law 3");
            while let Some(feedback) = receiver.poll_feedback(now) {
                self.answer(now, feedback);
            }
            given.extend(frames(receiver));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// RTP-010, RTP-012.
    #[test]
    fn what_is_repaired_in_time_is_given_out_in_order(
        seed: u64,
        format in select(&FORMATS[..]),
        sizes in proptest::collection::vec((any::<bool>(), 1_usize..400), 1..60),
        loss in 0_u64..150,
        jitter in 0_u64..60,
        repeats in any::<Option<u16>>(),
    ) {
        let mut camera = Camera::new(format, 0xffe0);
        let (mut sent, mut expected) = (vec![], vec![]);
        let last = sizes.len();
        for (turn, (is_key, len)) in sizes.into_iter().chain([(false, 10)]).enumerate() {
            let (data, packets) = camera.frame(is_key || turn == 0, len);
            let time = at(turn as u64 * 33);
            // Of the first packet nobody would know, nor of the last.
            let is_edge = turn == 0 || turn == last;
            sent.extend(packets.into_iter().map(|packet| (time, packet, is_edge)));
            expected.push(data);
        }
        let config = ReceiverConfig {
            max_delay: Duration::from_secs(10),
            ..ReceiverConfig::default()
        };
        let mut receiver = receiver(codec(format), config);
        receiver.set_round_trip(Duration::from_millis(40 + jitter * 2));
        let mut road = Road {
            rng: Rng::from_number(seed),
            under_way: BTreeMap::new(),
            count: 0,
            loss,
            jitter,
            history: BTreeMap::new(),
            repeats,
        };
        let given = road.play(&mut receiver, sent);
        prop_assert!(given.iter().all(|frame| !frame.lost_before));
        let given: Vec<_> = given.iter().map(|frame| frame.data.to_vec()).collect();
        prop_assert_eq!(given, expected);
        let stats = receiver.stats();
        prop_assert_eq!(stats.feedback.given_up + stats.feedback.plis, 0);
    }
}

#[test]
fn rtp_012_packets_that_repeat_nothing_are_counted() {
    let mut camera = Camera::new(Format::Vp8, 100);
    let mut receiver = receiver(codec(Format::Vp8), ReceiverConfig::default());
    let (_, sent) = camera.frame(true, 200);
    // Nothing is known of the source yet.
    deliver(&mut receiver, at(0), [&repeated(&sent[0], 1)]);
    assert_eq!(receiver.stats().packets.bad_repeats, 1);
    deliver(&mut receiver, at(0), &sent);
    assert_eq!(frames(&mut receiver).len(), 1);

    let mut wrapped = repeated(&sent[1], 2);
    wrapped.truncate(12);
    deliver(&mut receiver, at(1), [&wrapped]);
    assert_eq!(receiver.stats().packets.empty, 1, "a probe");
    wrapped.push(7);
    deliver(&mut receiver, at(1), [&wrapped]);
    assert_eq!(receiver.stats().packets.bad_repeats, 2, "half a number");
    let mut wrapped = repeated(&sent[1], 2);
    wrapped[1] = 111;
    deliver(&mut receiver, at(1), [&wrapped]);
    assert_eq!(
        receiver.stats().packets.bad_repeats,
        3,
        "an unknown payload type"
    );
    let mut wrapped = repeated(&sent[1], 2);
    wrapped[12] ^= 0x40;
    deliver(&mut receiver, at(1), [&wrapped]);
    assert_eq!(
        receiver.stats().packets.bad_repeats,
        4,
        "a number far ahead"
    );
    deliver(&mut receiver, at(1), [&repeated(&sent[1], 2)]);
    let stats = receiver.stats().packets;
    assert_eq!((stats.duplicated, stats.repeated), (1, 6));
    // The stream of repeated packets says nothing about the loss of the other.
    assert_eq!(receiver.stats().lost, 0);
}
