//! A thousand bad networks: one packet of twenty is lost, some overtake others, and
//! each takes up to 100 ms longer than the fastest.

use std::num::NonZero;
use std::ops::Range;
use std::thread;
use std::time::Duration;

use pollrtc::peer::Config;
use pollrtc::sim::ledger::{Datagram, Origin};
use pollrtc::sim::{Chance, Link, Loss};
use pollrtc::wire::demux::{self, Class};

use crate::oracle;
use crate::stage::{Stage, millis, open_config};

/// What became of the frames, and what RTCP took, of one run or of many.
#[derive(Clone, Copy, Default)]
struct Tally {
    /// By kind: sound, pictures.
    frames: [Frames; 2],
    media_bytes: usize,
    report_bytes: usize,
    played: Duration,
}

/// What became of the frames of one kind.
#[derive(Clone, Copy, Debug, Default)]
struct Frames {
    sent: usize,
    expected: usize,
    came: usize,
    packets: usize,
    /// Packets that never arrived, not even repeated.
    lost: usize,
}

impl Tally {
    fn add(&mut self, other: &Self) {
        for (ours, theirs) in self.frames.iter_mut().zip(&other.frames) {
            ours.sent += theirs.sent;
            ours.expected += theirs.expected;
            ours.came += theirs.came;
            ours.packets += theirs.packets;
            ours.lost += theirs.lost;
        }
        self.media_bytes += other.media_bytes;
        self.report_bytes += other.report_bytes;
        self.played += other.played;
    }
}

fn bad_link(seed: u64) -> Link {
    Link {
        delay: millis(5 + seed % 46),
        jitter: millis(100),
        loss: Loss::Uniform(Chance::percent(5)),
        reorder: Chance::percent(5),
        duplicate: Chance::percent(1),
        ..Link::default()
    }
}

/// One run. All that had to come has come, or it panics.
fn play(seed: u64, config: &Config) -> Tally {
    let codec = if seed.is_multiple_of(3) {
        "H264"
    } else {
        "VP8"
    };
    let mut stage = Stage::with_codec(seed, bad_link(seed), config, codec);
    stage.connect();
    let began = stage.world.now();
    stage.play(millis(3_000));
    stage.rest(millis(1_500));
    let mut tally = Tally {
        played: stage.world.now() - began,
        ..Tally::default()
    };
    for sender in 0..2 {
        judge(&stage, sender, &mut tally);
    }
    let bytes = |class| {
        let datagrams = stage.world.ledger().datagrams().iter();
        let fits =
            |one: &&Datagram| one.origin == Origin::Genuine && demux::classify(&one.bytes) == class;
        // RFC 3550 §6.2: headers of UDP and IP count.
        let sizes = datagrams.filter(fits).map(|one| one.bytes.len() + 28);
        sizes.sum::<usize>()
    };
    tally.media_bytes = bytes(Class::Rtp);
    tally.report_bytes = bytes(Class::Rtcp);
    tally
}

/// Compares what came with what the oracle says had to come.
fn judge(stage: &Stage, sender: usize, tally: &mut Tally) {
    let ledger = stage.world.ledger();
    let host = stage.hosts[sender];
    let streams = oracle::streams(ledger, host);
    for (kind, source) in oracle::sources(ledger, host).into_iter().enumerate() {
        let stream = &streams[&source];
        let line = &stage.lines[sender][kind];
        // Sound is not asked for again: it waits for as long as others were late.
        let patience = [millis(10), millis(490)][kind];
        let in_time = stream.in_time(patience);
        assert_eq!(
            in_time.len(),
            line.sent.len(),
            "seed {}",
            stage.world.seed()
        );
        let mut decodable = false;
        let came = &stage.lines[1 - sender][kind].came;
        for (number, is_in_time) in in_time.into_iter().enumerate() {
            // Behind a break the newest key frame counts: one that is still repaired when
            // the next one comes is left.
            let mut next = line.sent[number + 1..].iter().take(20);
            let is_newest = kind == 0 || !next.any(|is_key| *is_key);
            let begins = line.sent[number] && is_newest;
            decodable = is_in_time && (begins || decodable);
            let is_there = came.binary_search(&number).is_ok();
            assert!(
                is_there || !decodable,
                "seed {}: frame {number} of kind {kind} from {sender} was there in time, and is not given out",
                stage.world.seed()
            );
            tally.frames[kind].expected += usize::from(decodable);
        }
        let frames = &mut tally.frames[kind];
        frames.sent += line.sent.len();
        frames.came += came.len();
        frames.packets += stream.len();
        frames.lost += stream.lost();
    }
}

/// All of these seeds, on as many threads as there are processors.
fn all(seeds: Range<u64>, configure: fn(&mut Config)) -> Tally {
    let threads = thread::available_parallelism().map_or(1, NonZero::get);
    let share = |thread: usize| {
        let mut tally = Tally::default();
        let mut config = open_config();
        configure(&mut config);
        let seeds = seeds.clone().skip(thread).step_by(threads);
        seeds.for_each(|seed| tally.add(&play(seed, &config)));
        tally
    };
    let mut tally = Tally::default();
    thread::scope(|scope| {
        let start = |thread| {
            let share = &share;
            scope.spawn(move || share(thread))
        };
        let running: Vec<_> = (0..threads).map(start).collect();
        for one in running {
            tally.add(&one.join().expect("it has said what is wrong"));
        }
    });
    println!(
        "{:?}; {} bytes of media, {} of RTCP in {:?}",
        tally.frames, tally.media_bytes, tally.report_bytes, tally.played
    );
    let session = tally.media_bytes + tally.report_bytes;
    assert!(tally.report_bytes * 20 <= session, "too much RTCP");
    tally
}

fn quarter(first: u64) {
    let tally = all(first..first + SEEDS / 4, |_| ());
    // One of twenty pieces of sound is lost, and some come late. Pictures are asked for
    // again, but an answer takes a quarter of a second, and half a second is all that
    // is waited: what is lost three times is missing until the next key frame.
    let [sound, pictures] = tally.frames;
    assert!(sound.came * 100 >= sound.sent * 93, "{sound:?}");
    assert!(pictures.came * 100 >= pictures.sent * 90, "{pictures:?}");
}

#[test]
fn with_more_patience_nearly_all_pictures_come() {
    let tally = all(0..60, |config| {
        config.rtp.receiver.max_delay = millis(1_000);
    });
    let [_, pictures] = tally.frames;
    assert!(pictures.came * 100 >= pictures.sent * 96, "{pictures:?}");
}

#[test]
fn frames_that_can_be_repaired_come_in_the_first_quarter() {
    quarter(0);
}

#[test]
fn frames_that_can_be_repaired_come_in_the_second_quarter() {
    quarter(SEEDS / 4);
}

#[test]
fn frames_that_can_be_repaired_come_in_the_third_quarter() {
    quarter(SEEDS / 2);
}

#[test]
fn frames_that_can_be_repaired_come_in_the_fourth_quarter() {
    quarter(SEEDS / 4 * 3);
}

/// So many networks.
const SEEDS: u64 = 1_000;
