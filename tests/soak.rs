//! A thousand seeds of a lossy world: every pair connects and echoes a hundred
//! messages, and each seed, run twice, gives the same bytes.
#![allow(
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    reason = "a test has std, and neither alloc nor core unless it asks"
)]

#[path = "support/talk.rs"]
mod talk;

use std::time::Duration;

use pollrtc::crypto::{HashId, rust_crypto::PROVIDER};
use pollrtc::sim::{Chance, Link, Loss, trace};
use talk::{Talk, messages};

/// One datagram of ten is lost, one of twenty comes twice, one of ten late, and
/// all take up to 200 ms.
fn lossy() -> Link {
    Link {
        delay: Duration::from_millis(1),
        jitter: Duration::from_millis(200),
        loss: Loss::Uniform(Chance::percent(10)),
        reorder: Chance::percent(10),
        duplicate: Chance::percent(5),
        ..Link::default()
    }
}

/// Plays one seed, with all invariants watching, and tells its digest.
fn play(seed: u64) -> String {
    let mut talk = Talk::begin(seed, lossy());
    assert!(
        talk.open(Duration::from_secs(60)),
        "seed {seed}: no channel"
    );
    let echoed = talk.echo(&messages(100, 2_000), Duration::from_secs(600));
    assert!(
        echoed,
        "seed {seed}: {} echoes\n{}",
        talk.echoes.len(),
        trace::tail(talk.world.ledger(), 60)
    );
    let hash = PROVIDER.hash(HashId::Sha256).expect("it has SHA-256");
    talk.world.ledger().digest(hash.start())
}

/// Plays the seeds of one part of the thousand twice (Z-1).
fn part(number: u64) {
    let seeds = number * SEEDS / PARTS..(number + 1) * SEEDS / PARTS;
    for seed in seeds {
        assert_eq!(play(seed), play(seed), "seed {seed}");
    }
}

const SEEDS: u64 = 1_000;

/// The test runner plays as many parts at a time as there are processors.
const PARTS: u64 = 8;

macro_rules! parts {
    ($($name:ident = $number:expr,)*) => {
        $(#[test]
        fn $name() {
            part($number);
        })*
    };
}

parts! {
    part_0 = 0,
    part_1 = 1,
    part_2 = 2,
    part_3 = 3,
    part_4 = 4,
    part_5 = 5,
    part_6 = 6,
    part_7 = 7,
}
