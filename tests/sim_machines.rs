//! Single machines in the simulated world: many seeds, bad networks.
#![cfg(feature = "sim")]
#![allow(
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    reason = "a test has std, and neither alloc nor core unless it asks"
)]

mod support;

use std::net::SocketAddr;
use std::time::Duration;

use pollrtc::crypto::rust_crypto::PROVIDER;
use pollrtc::dtls::{DtlsState, DtlsTransport, Role};
use pollrtc::ice::{IceAgent, IceConfig};
use pollrtc::sim::invariants::{
    Consent, KnownDestinations, MirroredPairs, OneControls, Pacing, RecordNumbers,
};
use pollrtc::sim::{Chance, Direct, Fact, HostId, Link, Loss, World, trace};
use support::{dtls, ice, laws::path_of};

/// A network of which nobody would like to be a customer.
fn bad_link(loss: Loss) -> Link {
    Link {
        delay: Duration::from_millis(20),
        jitter: Duration::from_millis(100),
        loss,
        reorder: Chance::percent(10),
        duplicate: Chance::percent(5),
        ..Link::default()
    }
}

/// The kinds of loss that a seed may meet: single datagrams, or bursts.
fn loss_of(seed: u64) -> Loss {
    if seed.is_multiple_of(2) {
        Loss::Uniform(Chance::percent(30))
    } else {
        Loss::Bursty {
            worsens: Chance::percent(10),
            recovers: Chance::percent(30),
            bad: Chance::ALWAYS,
        }
    }
}

fn dtls_world(seed: u64) -> (World<Direct<DtlsTransport>>, [HostId; 2]) {
    let mut world = World::new(seed)
        .with_links(bad_link(loss_of(seed)))
        .watched_by(RecordNumbers::default());
    let mut rng = world.fork_rng();
    let hosts = [Role::Client, Role::Server].map(|role| {
        let side = usize::from(role == Role::Server);
        let end = dtls::end(&PROVIDER, role, path_of(side), &mut rng);
        world.add(["L", "R"][side], &[path_of(side).local], end)
    });
    (world, hosts)
}

/// D-6: with a loss of 30 %, a handshake ends within a minute.
#[test]
fn dtls_connects_on_bad_networks() {
    for seed in 0..60 {
        let (mut world, hosts) = dtls_world(seed);
        let connected = world.run_until(Duration::from_secs(60), |world| {
            let state = |host| world.machine(host).machine.state();
            hosts.map(state) == [DtlsState::Connected; 2]
        });
        assert!(connected, "seed {seed}");
        world.finish();
    }
}

/// Two agents with an address of each family; the first checks may be lost.
fn ice_world(seed: u64) -> (World<IceAgent>, [HostId; 2]) {
    let mut world = World::new(seed).with_links(bad_link(loss_of(seed)));
    let mut rng = world.fork_rng();
    let addresses: [[SocketAddr; 2]; 2] = [1, 2].map(|last| {
        [
            SocketAddr::from(([10, 0, 0, last], 5000)),
            SocketAddr::from(([0x2001, 0xdb8, 0, 0, 0, 0, 0, u16::from(last)], 5000)),
        ]
    });
    let mut agents = [pollrtc::ice::Role::Controlling; 2].map(|role| {
        IceAgent::new(IceConfig::new(&PROVIDER), role, &mut rng).expect("it has SHA-1")
    });
    for (agent, addresses) in agents.iter_mut().zip(&addresses) {
        for address in addresses {
            agent
                .add_local_address(*address)
                .expect("two are not too many");
        }
        agent.gather();
    }
    let [mut a, mut b] = agents;
    ice::introduce(&mut a, &b);
    ice::introduce(&mut b, &a);
    let hosts = [
        world.add("L", &addresses[0], a),
        world.add("R", &addresses[1], b),
    ];
    for (side, host) in hosts.into_iter().enumerate() {
        for address in addresses[1 - side] {
            world.note(host, Fact::RemoteCandidate(address));
        }
    }
    let world = world
        .watched_by(KnownDestinations::default())
        .watched_by(Consent::default())
        .watched_by(Pacing::default())
        .watched_by(MirroredPairs::new(hosts))
        .watched_by(OneControls::new(hosts));
    (world, hosts)
}

/// I-3: there is a path, so it is found; here both begin by thinking that they
/// control.
#[test]
fn ice_connects_on_bad_networks_and_after_a_role_conflict() {
    for seed in 0..100 {
        let (mut world, hosts) = ice_world(seed);
        let connected = world.run_until(Duration::from_secs(30), |world| {
            let connected = |host| world.machine(host).state().is_connected();
            hosts.into_iter().all(connected)
        });
        assert!(connected, "seed {seed}\n{}", trace::Trace(world.ledger()));
        // A nomination may be lost time and again, while data flows already.
        let selected = world.run_until(Duration::from_secs(60), |world| {
            let selected = |host| world.machine(host).selected_pair().is_some();
            hosts.into_iter().all(selected)
        });
        assert!(selected, "seed {seed}\n{}", trace::Trace(world.ledger()));
        world.run_for(Duration::from_secs(10));
        world.finish();
    }
}

/// RFC 7675: a peer that vanishes is noticed after 30 s, and its return after
/// that is too late.
#[test]
fn ice_notices_a_peer_that_vanishes() {
    let (mut world, [left, right]) = ice_world(2);
    world.run_for(Duration::from_secs(30));
    world.cut(right);
    let state = |world: &World<IceAgent>| world.machine(left).state();
    assert!(world.run_until(Duration::from_secs(40), |world| {
        state(world) == pollrtc::ice::IceState::Failed
    }));
    assert!(world.now() - pollrtc::time::Instant::from_millis(30_000) > Duration::from_secs(24));
}

/// Z-1: a seed has one run.
#[test]
fn a_seed_has_one_run() {
    let digest = |seed| {
        let (mut world, _) = ice_world(seed);
        world.run_for(Duration::from_secs(20));
        let hash = PROVIDER.hash(pollrtc::crypto::HashId::Sha256).unwrap();
        world.ledger().digest(hash.start())
    };
    assert_eq!(digest(1), digest(1));
    assert_ne!(digest(1), digest(2));
}
