//! Whoever shouts at a connection from outside changes nothing (D-7): the run is
//! the same, byte for byte, as the one without the noise.

use std::net::SocketAddr;
use std::time::Duration;

use pollrtc::crypto::{HashId, rust_crypto::PROVIDER};
use pollrtc::rng::Rng;
use pollrtc::sim::ledger::Origin;
use pollrtc::sim::{Chance, Link, Loss};

use crate::talk::{Talk, messages};

/// What the peers sent and were told, in a run with or without noise.
fn run(noise: bool) -> (String, Vec<String>) {
    let link = Link {
        delay: Duration::from_millis(20),
        jitter: Duration::from_millis(20),
        loss: Loss::Uniform(Chance::percent(5)),
        ..Link::default()
    };
    let mut talk = Talk::begin(7, link);
    if noise {
        shout(&mut talk);
    }
    assert!(talk.open(Duration::from_secs(20)));
    assert!(talk.echo(&messages(20, 3_000), Duration::from_secs(60)));
    talk.run_for(Duration::from_secs(10));
    if noise {
        let stats = talk.world.machine(talk.left).stats();
        let unproved = stats.ice.dropped.unproved_path + stats.ice.dropped.malformed;
        assert!(unproved > 100, "{stats:?}");
    }
    let genuine = |sent: &&pollrtc::sim::ledger::Datagram| sent.origin != Origin::Forged;
    let ledger = talk.world.ledger();
    let mut hash = PROVIDER
        .hash(HashId::Sha256)
        .expect("it has SHA-256")
        .start();
    for datagram in ledger.datagrams().iter().filter(genuine) {
        hash.update(format!("{:?}", datagram.sent).as_bytes());
        hash.update(&datagram.bytes);
    }
    let events = talk.events.concat();
    let digest = format!("{:02x?}", hash.current());
    (
        digest,
        events.iter().map(|event| format!("{event:?}")).collect(),
    )
}

/// The first bytes of the protocols, and of none.
const FIRST: [u8; 10] = [0, 1, 20, 21, 22, 23, 64, 128, 200, 255];

/// A thousand datagrams within ten seconds, from strangers and from the peer's own
/// address, that look like each of the protocols.
fn shout(talk: &mut Talk) {
    let mut rng = Rng::from_number(99);
    let [left, right] = talk.hosts().map(|host| talk.world.sockets(host)[0]);
    let stranger = SocketAddr::from(([203, 0, 113, 9], 9));
    for _ in 0..1000 {
        let at = talk.world.now() + Duration::from_millis(rng.below(10_000));
        let (to, peer) = if rng.below(2) == 0 {
            (left, right)
        } else {
            (right, left)
        };
        let from = if rng.below(2) == 0 { peer } else { stranger };
        let len = 1 + rng.below(300);
        let mut bytes: Vec<u8> = (0..len).map(|_| rng.array::<1>()[0]).collect();
        bytes[0] = FIRST[rng.array::<1>()[0] as usize % FIRST.len()];
        talk.world.inject(at, from, to, bytes);
    }
}

#[test]
fn the_run_is_the_one_without_noise() {
    let (quiet, noisy) = (run(false), run(true));
    assert_eq!(quiet.1, noisy.1);
    assert_eq!(quiet.0, noisy.0);
}
