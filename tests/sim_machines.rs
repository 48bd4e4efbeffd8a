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

use bytes::Bytes;
use pollrtc::crypto::rust_crypto::PROVIDER;
use pollrtc::dtls::{DtlsState, DtlsTransport, Role};
use pollrtc::ice::{IceAgent, IceConfig};
use pollrtc::sctp::{
    Ppid, Reliability, SctpAssociation, SctpConfig, SctpState, SendOptions, StreamId,
};
use pollrtc::sim::invariants::{
    Acknowledgements, Consent, FlowControl, KnownDestinations, MirroredPairs, OneControls, Pacing,
    RecordNumbers,
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

/// S-4, S-5: what associations say to each other without DTLS around it.
#[test]
fn sctp_keeps_its_books_on_bad_networks() {
    for seed in 0..40 {
        let mut world = World::new(seed)
            .with_links(bad_link(loss_of(seed)))
            .watched_by(Acknowledgements::default());
        if seed % 2 == 0 {
            world.watch(vec![Box::new(FlowControl::default())]);
        }
        let mut rng = world.fork_rng();
        let hosts = [0, 1].map(|side| {
            let config = SctpConfig {
                receive_buffer: 20_000,
                max_receive_message: 10_000,
                ..SctpConfig::default()
            };
            let mut association = SctpAssociation::new(config, &mut rng);
            association.connect();
            let end = Direct::new(association, path_of(side));
            world.add(["L", "R"][side], &[path_of(side).local], end)
        });
        let connected = world.run_until(Duration::from_secs(120), |world| {
            let is_up = |host| world.machine(host).machine.state() == SctpState::Connected;
            hosts.into_iter().all(is_up)
        });
        assert!(connected, "seed {seed}\n{}", trace::Trace(world.ledger()));
        for number in 0..30 {
            let gives_up = seed % 2 == 1 && number % 4 == 0;
            let options = SendOptions {
                ordered: number % 3 == 0,
                reliability: if gives_up {
                    Reliability::MaxRetransmits(0)
                } else {
                    Reliability::Reliable
                },
            };
            let text = Bytes::from(vec![number; usize::from(number) * 300 + 1]);
            world.with(hosts[usize::from(number % 2)], |end, now| {
                end.machine
                    .send(now, StreamId(0), Ppid(51), options, text)
                    .expect("there is room");
            });
        }
        world.run_for(Duration::from_secs(300));
        world.finish();
        let came = |host| {
            world.ledger().entries().iter().filter(move |entry| {
                let said = matches!(&entry.fact, Fact::Said(text) if text.starts_with("Message"));
                said && entry.host == host
            })
        };
        assert!(
            hosts.into_iter().all(|host| came(host).count() >= 7),
            "seed {seed}"
        );
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
        // I-2 is for a network that has become quiet.
        world.set_links(
            hosts[0],
            hosts[1],
            Link::with_delay(Duration::from_millis(20)),
        );
        world.run_for(Duration::from_secs(20));
        world.finish();
    }
}

/// RFC 7675: a peer that vanishes is noticed after 30 s; other ways to it are looked
/// for in vain for a while.
#[test]
fn ice_notices_a_peer_that_vanishes() {
    let (mut world, [left, right]) = ice_world(2);
    world.run_for(Duration::from_secs(30));
    world.cut(right);
    let state = |world: &World<IceAgent>| world.machine(left).state();
    let failed = world.run_until(Duration::from_secs(60), |world| {
        state(world) == pollrtc::ice::IceState::Failed
    });
    assert!(failed, "{}", trace::tail(world.ledger(), 100));
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
