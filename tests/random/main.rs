//! Two whole connections that do whatever is legal, in any order, over a simulated
//! network and a post that takes its time: they always agree in the end, and what
//! they agree on works.
//!
//! Everything comes from one seed. A failure prints the seed and the fewest of its
//! steps that still fail; `POLLRTC_SEED=17` runs that one alone, and
//!
//! ```text
//! POLLRTC_CASES=10000 cargo test --release --all-features --test random
//! ```
//!
//! runs many, on as many threads as there are processors.
#![cfg(feature = "sim")]
#![allow(
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    reason = "a test has std, and neither alloc nor core unless it asks"
)]

use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::{AtomicU64, Ordering};
use std::{env, thread};

mod agree;
mod channels;
mod dice;
mod media;
mod model;
mod post;
mod stage;
mod steps;

use stage::Stage;
use steps::Step;

/// P-1 to P-7; WPT-053, WPT-054: whatever two sides do, both end up stable, agree on
/// every section, and media and data flow.
#[test]
fn whatever_two_sides_do_they_agree_in_the_end() {
    if let Some(seed) = number_in("POLLRTC_SEED") {
        let steps = steps::of(seed, STEPS);
        return play(seed, &steps);
    }
    let cases = number_in("POLLRTC_CASES").unwrap_or(CASES);
    let next = AtomicU64::new(number_in("POLLRTC_FIRST").unwrap_or(0));
    let end = next.load(Ordering::Relaxed) + cases;
    let failed = thread::scope(|scope| {
        let threads: Vec<_> = (0..thread::available_parallelism().map_or(1, usize::from))
            .map(|_| {
                scope.spawn(|| {
                    let seeds = std::iter::repeat_with(|| next.fetch_add(1, Ordering::Relaxed));
                    let mut seeds = seeds.take_while(|seed| *seed < end);
                    seeds.find(|seed| !passes(*seed, &steps::of(*seed, STEPS)))
                })
            })
            .collect();
        let failed = threads.into_iter().filter_map(|one| one.join().ok()?);
        failed.min()
    });
    if let Some(seed) = failed {
        let steps = shrunk(seed, steps::of(seed, STEPS));
        println!("seed {seed}, with these steps alone: {steps:#?}");
        play(seed, &steps);
    }
}

fn play(seed: u64, steps: &[Step]) {
    let mut stage = Stage::new(seed);
    for step in steps {
        stage.take(step);
    }
    stage.finish();
}

fn passes(seed: u64, steps: &[Step]) -> bool {
    panic::catch_unwind(AssertUnwindSafe(|| play(seed, steps))).is_ok()
}

/// The steps without as many as the failure does not need, in rounds that halve what
/// is left out at a time.
fn shrunk(seed: u64, mut steps: Vec<Step>) -> Vec<Step> {
    let hook = panic::take_hook();
    panic::set_hook(Box::new(|_| {}));
    let mut chunk = steps.len() / 2;
    while chunk > 0 {
        let mut from = 0;
        while from < steps.len() {
            let to = (from + chunk).min(steps.len());
            let fewer = [&steps[..from], &steps[to..]].concat();
            if passes(seed, &fewer) {
                from = to;
            } else {
                steps = fewer;
            }
        }
        chunk /= 2;
    }
    panic::set_hook(hook);
    steps
}

fn number_in(variable: &str) -> Option<u64> {
    env::var(variable).ok()?.parse().ok()
}

/// How many steps a case has.
const STEPS: usize = 200;

/// How many cases there are unless somebody asks for more.
const CASES: u64 = 24;
