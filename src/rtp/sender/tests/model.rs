//! A sender beside a naive one.

use alloc::collections::{BTreeMap, VecDeque};

use proptest::prelude::*;

use super::*;

/// What can happen.
#[derive(Clone, Debug)]
enum Step {
    Frame(usize),
    /// How far behind the newest number of the source, and how long.
    Packet(i32, usize),
    Switch,
    Poll,
    /// How far behind the newest number.
    Nack(u16),
    Wait(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        2 => (1..2500_usize).prop_map(Step::Frame),
        2 => (-12..40_i32, 0..300_usize).prop_map(|(ahead, len)| Step::Packet(ahead, len)),
        8 => (1..3_i32, 0..300_usize).prop_map(|(ahead, len)| Step::Packet(ahead, len)),
        1 => Just(Step::Switch),
        8 => Just(Step::Poll),
        6 => (0..60_u16).prop_map(Step::Nack),
        3 => (0..150_u64).prop_map(Step::Wait),
    ]
}

const LIMITS: HistoryLimits = HistoryLimits {
    packets: 24,
    bytes: 4000,
    age: Duration::from_millis(400),
};
const REPAIRS: RepairLimits = RepairLimits {
    percent: 50,
    burst: 1500,
};

/// A packet of the naive sender.
#[derive(Clone, Debug)]
struct Kept {
    written: u64,
    repeated: Option<u64>,
    is_sent: bool,
    is_wanted: bool,
    payload: Vec<u8>,
}

/// All that it knows, in maps.
#[derive(Default)]
struct Naive {
    kept: BTreeMap<i64, Kept>,
    /// What left the history, or was taken by a gap that did.
    first: i64,
    /// Behind the highest number that was written.
    end: i64,
    /// Behind the highest number that was given.
    next: i64,
    unsent: VecDeque<i64>,
    wanted: VecDeque<i64>,
    /// Hundredths of bytes.
    budget: usize,
    /// The first number here, and the newest number there and here.
    source: Option<(i64, i64, i64)>,
}

impl Naive {
    fn expire(&mut self, now: u64) {
        while let Some((&number, kept)) = self.kept.first_key_value() {
            if now - kept.written <= 400 {
                break;
            }
            self.kept.remove(&number);
            self.first = number + 1;
        }
        self.first = self
            .kept
            .first_key_value()
            .map_or(self.end, |(&number, _)| number);
        let first = self.first;
        self.unsent.retain(|&number| number >= first);
    }

    fn add(&mut self, now: u64, number: i64, payload: Vec<u8>) -> Result<(), WriteError> {
        if self.first == self.end && number >= self.end {
            self.first = number;
            self.end = number;
        }
        if number < self.first || self.kept.contains_key(&number) {
            return Err(WriteError::Stale);
        }
        let end = self.end.max(number + 1);
        loop {
            let bytes: usize = self.kept.values().map(|kept| kept.payload.len()).sum();
            let fits = self.first >= end - 24 && bytes + payload.len() <= 4000;
            let Some((&oldest, kept)) = self.kept.first_key_value() else {
                self.first = self.first.max(end - 24);
                break;
            };
            if fits {
                break;
            }
            // A gap leaves alone, as long as only numbers are short.
            if oldest > self.first {
                self.first += 1;
                continue;
            }
            if !kept.is_sent {
                return Err(WriteError::Full);
            }
            self.kept.remove(&oldest);
            self.first = oldest + 1;
        }
        if number < self.first {
            return Err(WriteError::Stale);
        }
        let kept = Kept {
            written: now,
            repeated: None,
            is_sent: false,
            is_wanted: false,
            payload,
        };
        self.kept.insert(number, kept);
        self.end = end;
        self.next = self.next.max(end);
        self.unsent.push_back(number);
        Ok(())
    }

    fn nack(&mut self, now: u64, number: i64) {
        let Some(kept) = self.kept.get_mut(&number) else {
            return;
        };
        let is_recent = kept.repeated.is_some_and(|at| now - at < 100);
        if !kept.is_sent || now - kept.written > 400 || kept.is_wanted || is_recent {
            return;
        }
        let Some(budget) = self.budget.checked_sub(kept.payload.len() * 100) else {
            return;
        };
        self.budget = budget;
        kept.is_wanted = true;
        self.wanted.push_back(number);
    }

    /// The number, the payload, and whether it is sent again.
    fn poll(&mut self, now: u64) -> Option<(i64, Vec<u8>, bool)> {
        while let Some(number) = self.wanted.pop_front() {
            if let Some(kept) = self.kept.get_mut(&number) {
                kept.is_wanted = false;
                kept.repeated = Some(now);
                return Some((number, kept.payload.clone(), true));
            }
        }
        let number = self.unsent.pop_front()?;
        let kept = self
            .kept
            .get_mut(&number)
            .expect("what was not sent is kept");
        kept.is_sent = true;
        self.budget = (self.budget + kept.payload.len() * 50).min(150_000);
        Some((number, kept.payload.clone(), false))
    }
}

fn sent_of(sent: Sent, start: u64) -> (i64, Vec<u8>, bool) {
    let is_repeated = sent.ssrc == REPAIR;
    let (number, payload) = if is_repeated {
        let (number, payload) = sent.payload.split_at(2);
        (u16::from_be_bytes([number[0], number[1]]), payload.to_vec())
    } else {
        (sent.number, sent.payload)
    };
    let ahead = number.wrapping_sub((start & 0xffff) as u16);
    (i64::from(ahead), payload, is_repeated)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn a_sender_does_what_a_naive_one_does(steps in prop::collection::vec(step(), 1..150)) {
        let config = SenderConfig { history: LIMITS, repairs: REPAIRS, ..config() };
        // Frames of this format are payloads, so that the model need not cut them.
        let parameters = SendParameters { format: Format::Plain, ..video() };
        let mut stage = Stage::new(config, parameters);
        let start = stage.sender.numbers.start();
        let mut naive = Naive { budget: 150_000, ..Naive::default() };
        let (mut now, mut source) = (0, 1);
        let mut fill = 0_u8;
        for step in steps {
            fill = fill.wrapping_add(1);
            match step {
                Step::Frame(len) => {
                    naive.expire(now);
                    let data = vec![fill; len];
                    let frame = MediaFrame::new(0, data.clone().into());
                    let unsent: usize = naive.unsent.iter().map(|n| naive.kept[n].payload.len()).sum();
                    let expected = if len > 4000 - unsent {
                        Err(WriteError::Full)
                    } else if len > 1150 {
                        Err(WriteError::TooLarge)
                    } else {
                        let number = naive.next;
                        naive.add(now, number, data)
                    };
                    prop_assert_eq!(stage.sender.write(at(now), &frame), expected);
                    if len <= 4000 - unsent {
                        naive.source = None;
                    }
                }
                Step::Packet(ahead, len) => {
                    naive.expire(now);
                    let data = vec![fill; len];
                    let (number, at_source) = match naive.source {
                        None => (naive.next, 60_000),
                        Some((_, there, here)) => (here + i64::from(ahead), there + i64::from(ahead)),
                    };
                    let expected = match naive.source {
                        Some((first, ..)) if number < first => Err(WriteError::Stale),
                        _ => {
                            let before = naive.source.map_or((number, -1, -1), |s| s);
                            if number > before.2 {
                                naive.source = Some((before.0, at_source, number));
                            }
                            let added = naive.add(now, number, data.clone());
                            // A number that could not be written is gone all the same.
                            naive.next = naive.next.max(number + 1);
                            added
                        }
                    };
                    let payload = Bytes::from(data);
                    let packet = OutPacket {
                        source: Ssrc(source),
                        number: Serial16((at_source & 0xffff) as u16),
                        timestamp: Timestamp::default(),
                        payload_type: VP8,
                        marker: false,
                        extensions: &[],
                        payload: &payload,
                    };
                    prop_assert_eq!(stage.sender.write_packet(at(now), &packet), expected);
                }
                Step::Switch => {
                    source += 1;
                    naive.source = None;
                }
                Step::Poll => {
                    let sent = stage.poll(at(now)).map(|sent| sent_of(sent, start));
                    prop_assert_eq!(sent, naive.poll(now));
                }
                Step::Nack(behind) => {
                    let number = naive.next - 1 - i64::from(behind);
                    naive.nack(now, number);
                    let wire = (i64::try_from(start).unwrap() + number) & 0xffff;
                    stage.sender.on_nack(at(now), [Serial16(u16::try_from(wire).unwrap())]);
                }
                Step::Wait(millis) => now += millis,
            }
            prop_assert_eq!(stage.sender.history.queued(), naive.unsent.len());
            let unsent: usize = naive.unsent.iter().map(|n| naive.kept[n].payload.len()).sum();
            prop_assert_eq!(stage.sender.history.unsent(), unsent);
        }
    }
}
