//! All pairs of places: connected exactly where theory says so without a relay, and
//! always with one.

use std::fmt::Write as _;

use pollrtc::net::CandidateKind;
use pollrtc::sim::{Chance, Link, Loss};

use crate::agents::Agents;
use crate::place::{Help, Place, good_link, lossy_link};

/// Plays all pairs of places and compares with what is expected; the failure shows
/// the table.
fn matrix(help: Help, expected: impl Fn(Place, Place) -> bool) {
    let mut table = String::from("      ");
    let mut story = String::new();
    for right in Place::ALL {
        let _ = write!(table, "{right:>7}");
    }
    for left in Place::ALL {
        let _ = write!(table, "\n{left:>6}");
        for right in Place::ALL {
            let mut connected = 0;
            for seed in 0..SEEDS {
                let mut agents = Agents::new(seed, good_link(), [left, right], help);
                let connects = agents.connect();
                connected += u64::from(connects);
                if connects {
                    agents.finish();
                }
                if connects != expected(left, right) && story.is_empty() {
                    story = format!("{left} and {right}, seed {seed}\n{}", agents.story());
                }
            }
            let _ = write!(table, "{connected:>5}/{SEEDS}");
        }
    }
    assert!(story.is_empty(), "{help:?}\n{table}\n{story}");
}

const SEEDS: u64 = 3;

#[test]
fn without_a_relay_some_meet() {
    matrix(Help::Stun, Place::meets);
}

#[test]
fn with_a_relay_all_meet() {
    matrix(Help::Turn, |_, _| true);
}

/// Where a direct path works, a relay is not chosen, though it is ready sooner where a
/// check of the direct path was lost.
#[test]
fn a_relay_is_used_only_where_it_has_to_be() {
    let link = Link {
        loss: Loss::Uniform(Chance::percent(5)),
        ..good_link()
    };
    let all = Place::ALL.into_iter();
    for places in all.flat_map(|left| Place::ALL.map(|right| [left, right])) {
        for seed in 0..10 {
            let mut agents = Agents::new(seed, link, places, Help::Turn);
            assert!(agents.connect(), "{places:?}, seed {seed}");
            let kinds = agents.kinds(0).expect("they are connected");
            let is_direct = !kinds.contains(&CandidateKind::Relayed);
            let direct = places[0].meets(places[1]);
            assert_eq!(is_direct, direct, "{places:?}, seed {seed}: {kinds:?}");
        }
    }
}

/// I-3: one datagram of five is lost. Where there is no relay the server itself is
/// reached without loss: whoever does not learn its address in time meets nobody.
fn lossy(part: u64) {
    for seed in part * LOSSY / 4..(part + 1) * LOSSY / 4 {
        let place = |n: u64| Place::ALL[usize::try_from(n % 6).expect("less than six")];
        let places = [place(seed), place(seed / 6)];
        let direct = places[0].meets(places[1]) && seed % 5 != 0;
        let help = if direct { Help::Stun } else { Help::Turn };
        let mut agents = Agents::new(seed, lossy_link(), places, help);
        if direct {
            agents.ease_server();
        }
        let connects = agents.connect();
        assert!(connects, "seed {seed}: {places:?}\n{}", agents.story());
        agents.finish();
    }
}

const LOSSY: u64 = 500;

#[test]
fn seeds_with_loss_0() {
    lossy(0);
}

#[test]
fn seeds_with_loss_1() {
    lossy(1);
}

#[test]
fn seeds_with_loss_2() {
    lossy(2);
}

#[test]
fn seeds_with_loss_3() {
    lossy(3);
}
