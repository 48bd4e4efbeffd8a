//! Two whole connections that do whatever is legal, in any order, over a simulated
//! network and a post that takes its time: they always agree in the end, and what
//! they agree on works.
//!
//! Everything comes from one seed. A failure prints the seed and the fewest of its
//! steps that still fail, and what happened; `POLLRTC_SEED=17` runs that one alone
//! (with `POLLRTC_STEPS=3,14,15`, these steps of it), and
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
mod servers;
mod stage;
mod steps;

use stage::Stage;

/// P-1 to P-7; WPT-053, WPT-054: whatever two sides do, both end up stable, agree on
/// every section, and media and data flow.
#[test]
fn whatever_two_sides_do_they_agree_in_the_end() {
    if let Some(seed) = number_in("POLLRTC_SEED") {
        let keep = env::var("POLLRTC_STEPS").ok();
        let keep = keep.map(|keep| keep.split(',').filter_map(|one| one.parse().ok()).collect());
        let keep = keep.unwrap_or_else(|| (0..STEPS).collect::<Vec<_>>());
        return play(seed, &keep, true);
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
                    let all: Vec<_> = (0..STEPS).collect();
                    seeds.find(|seed| !passes(*seed, &all))
                })
            })
            .collect();
        let failed = threads.into_iter().filter_map(|one| one.join().ok()?);
        let failed: Vec<u64> = failed.collect();
        println!("seeds that fail: {failed:?}");
        failed.into_iter().min()
    });
    if let Some(seed) = failed {
        let steps = shrunk(seed);
        let all = steps::of(seed, STEPS);
        for step in &steps {
            println!("{step:3} {:?}", all[*step]);
        }
        let numbers: Vec<_> = steps.iter().map(ToString::to_string).collect();
        println!("POLLRTC_SEED={seed} POLLRTC_STEPS={}", numbers.join(","));
        play(seed, &steps, true);
    }
}

/// Those of the steps of `seed` that are named.
fn play(seed: u64, keep: &[usize], talks: bool) {
    let steps = steps::of(seed, STEPS);
    let mut stage = Stage::new(seed, talks);
    let played = panic::catch_unwind(AssertUnwindSafe(|| {
        for step in keep.iter().filter_map(|number| steps.get(*number)) {
            stage.take(step);
        }
        stage.finish();
    }));
    if let Err(why) = played {
        if talks {
            stage.tell_story();
        }
        panic::resume_unwind(why);
    }
}

fn passes(seed: u64, keep: &[usize]) -> bool {
    panic::catch_unwind(AssertUnwindSafe(|| play(seed, keep, false))).is_ok()
}

/// The steps without as many as the failure does not need, in rounds that halve what
/// is left out at a time.
fn shrunk(seed: u64) -> Vec<usize> {
    let hook = panic::take_hook();
    panic::set_hook(Box::new(|_| {}));
    let mut steps: Vec<_> = (0..STEPS).collect();
    let mut chunk = STEPS / 2;
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
const CASES: u64 = 12;
