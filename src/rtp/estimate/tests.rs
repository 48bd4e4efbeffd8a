use alloc::vec::Vec;

use proptest::prelude::*;

use super::*;
use crate::rng::Rng;

/// A sender that does what it is told, and a network with a queue.
struct Path {
    rng: Rng,
    estimator: Estimator,
    /// When the next packet is sent, and when the queue is empty; in microseconds.
    clock: u64,
    free: u64,
    /// When the last packet came: none overtakes another.
    came: u64,
    /// What the network carries, and what the sender sends at most, in bits a second.
    capacity: u64,
    most: u64,
    jitter: u64,
    sending: u64,
    /// What was told.
    told: Vec<(u64, u64)>,
}

impl Path {
    fn new(capacity: u64) -> Self {
        let mut estimator = Estimator::new(Config::default());
        estimator.set_round_trip(Duration::from_millis(50));
        Self {
            rng: Rng::from_number(7),
            estimator,
            // The send times wrap soon.
            clock: 60_000_000,
            free: 0,
            came: 0,
            capacity,
            most: u64::MAX,
            jitter: 0,
            sending: 300_000,
            told: Vec::new(),
        }
    }

    /// Plays on; how long packets waited at most, in milliseconds.
    fn play(&mut self, seconds: u64) -> u64 {
        let end = self.clock + seconds * 1_000_000;
        let mut longest = 0;
        while self.clock < end {
            // A picture each 33 ms, sent at once.
            let packets = (self.sending / 30).div_ceil(9600);
            let bytes = self.sending / 30 / 8 / packets.max(1) + 1;
            for _ in 0..packets {
                let start = self.free.max(self.clock);
                self.free = start + bytes * 8_000_000 / self.capacity;
                longest = longest.max(self.free - self.clock);
                let came = self.free + 20_000 + self.rng.below(self.jitter + 1);
                self.came = self.came.max(came);
                let sent = AbsoluteSendTime::from_duration(Duration::from_micros(self.clock));
                let now = Instant::from_nanos(self.came * 1000);
                let len = usize::try_from(bytes).expect("a packet");
                self.estimator.on_packet(now, sent, len);
                if let Some(bitrate) = self.estimator.poll_report(now) {
                    let bits = bitrate.bits_per_second();
                    self.told.push((self.clock, bits));
                    // The sender gets up to it slowly, and down at once.
                    let raised = self.sending + self.sending / 10;
                    self.sending = bits.min(raised).min(self.most);
                }
            }
            self.clock += 33_333;
        }
        longest / 1000
    }

    fn estimate(&self) -> u64 {
        self.estimator.estimate().expect("known").bits_per_second()
    }
}

#[test]
fn it_finds_what_the_network_carries() {
    for capacity in [300_000, 1_000_000, 4_000_000, 20_000_000] {
        let mut path = Path::new(capacity);
        path.play(40);
        let longest = path.play(60);
        let share = path.estimate() * 100 / capacity;
        assert!((75..=115).contains(&share), "{share} % of {capacity}");
        let sending = path.sending * 100 / capacity;
        assert!((75..=115).contains(&sending), "{sending} % of {capacity}");
        assert!(longest < 150, "{longest} ms of queue at {capacity}");
    }
}

#[test]
fn it_follows_when_the_network_changes() {
    let mut path = Path::new(4_000_000);
    path.play(40);
    path.capacity = 1_000_000;
    path.play(5);
    assert!(path.estimate() < 1_300_000, "{}", path.estimate());
    path.play(10);
    let longest = path.play(20);
    assert!(longest < 600, "{longest}");
    assert!(
        (500_000..1_300_000).contains(&path.estimate()),
        "{}",
        path.estimate()
    );
    path.capacity = 4_000_000;
    path.play(60);
    assert!(path.estimate() > 2_000_000, "{}", path.estimate());
}

#[test]
fn a_network_that_is_not_full_is_left_alone() {
    let mut path = Path::new(100_000_000);
    path.most = 2_000_000;
    path.jitter = 10_000;
    path.play(60);
    assert!(!path.estimator.is_overused());
    assert!(path.estimate() > 2_000_000, "{}", path.estimate());
    // Told first when half a second can be looked back at, and twice a second then.
    assert!(
        (115..=121).contains(&path.told.len()),
        "{}",
        path.told.len()
    );
}

#[test]
fn a_sender_that_uses_little_is_not_promised_much_once_a_queue_showed() {
    let mut path = Path::new(1_000_000);
    path.play(40);
    path.most = 100_000;
    path.capacity = 50_000_000;
    path.play(120);
    assert!(path.estimate() < 1_500_000, "{}", path.estimate());
}

#[test]
fn nothing_is_said_before_something_is_known() {
    let mut estimator = Estimator::new(Config::default());
    assert_eq!(estimator.estimate(), None);
    for millis in (0..500).step_by(10) {
        let sent = AbsoluteSendTime::from_duration(Duration::from_millis(millis));
        estimator.on_packet(Instant::from_millis(millis), sent, 1000);
        assert_eq!(estimator.poll_report(Instant::from_millis(millis)), None);
    }
}

proptest! {
    /// ATK-069, ATK-081: times that lie, clocks that jump.
    #[test]
    fn no_times_make_it_fail(
        packets in proptest::collection::vec((any::<u64>(), any::<u32>(), any::<usize>(), 0_u8..4), 0..300),
    ) {
        let config = Config::default();
        let mut estimator = Estimator::new(config);
        let mut clock = 0_u64;
        for (time, sent, bytes, kind) in packets {
            clock = match kind {
                0 => time,
                _ => clock.saturating_add(time % 50_000_000),
            };
            let bytes = if kind == 1 { bytes } else { bytes % 1500 };
            let now = Instant::from_nanos(clock);
            estimator.on_packet(now, AbsoluteSendTime(sent), bytes);
            if let Some(bitrate) = estimator.poll_report(now) {
                let bits = bitrate.bits_per_second();
                prop_assert!((config.min / 2..=config.max).contains(&bits));
            }
        }
    }
}
