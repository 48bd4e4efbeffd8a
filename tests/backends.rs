//! Is a session the same to the byte, whoever does the cryptography?
#![cfg(all(feature = "rust-crypto", feature = "aws-lc-rs"))]
#![allow(
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    reason = "a test has std, and neither alloc nor core unless it asks"
)]

#[path = "support/talk.rs"]
mod talk;

use std::time::Duration;

use pollrtc::crypto::{CryptoProvider, HashId, aws_lc_rs, rust_crypto};
use pollrtc::peer::Config;
use pollrtc::sim::{Chance, Link, Loss};
use talk::{Talk, messages};

/// Connects two peers, echoes some messages and tells the digest of all datagrams.
fn play(seed: u64, backends: [&'static CryptoProvider; 2]) -> String {
    let link = Link {
        loss: Loss::Uniform(Chance::percent(5)),
        ..Link::with_delay(Duration::from_millis(20))
    };
    let mut talk = Talk::quiet(seed, link, backends.map(Config::with_provider));
    talk.world
        .negotiate(talk.left, talk.right)
        .expect("they agree");
    assert!(talk.open(Duration::from_secs(60)), "seed {seed}");
    assert!(talk.echo(&messages(20, 2_000), Duration::from_secs(60)));
    let hash = rust_crypto::PROVIDER.hash(HashId::Sha256).expect("SHA-256");
    talk.world.ledger().digest(hash.start())
}

#[test]
fn a_session_is_the_same_with_either_backend_and_with_both() {
    let (first, second) = (&rust_crypto::PROVIDER, &aws_lc_rs::PROVIDER);
    for seed in 1..4 {
        let digest = play(seed, [first, first]);
        for backends in [[second, second], [first, second], [second, first]] {
            assert_eq!(play(seed, backends), digest, "seed {seed}, {backends:?}");
        }
    }
}
