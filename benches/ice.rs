//! What does an agent cost: when nothing happens, when data flows, when candidates pour in?
#![allow(missing_docs, reason = "criterion's macros write undocumented items")]

use core::hint::black_box;
use core::net::SocketAddr;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use pollrtc::crypto::rust_crypto::PROVIDER;
use pollrtc::cursor::Writer;
use pollrtc::ice::{IceAgent, IceConfig, IceState, Role};
use pollrtc::net::{Candidate, CandidateAddress, CandidateKind, Foundation, Path, Protocol};
use pollrtc::rng::Rng;
use pollrtc::stun::Key;
use pollrtc::time::Instant;
use pollrtc::wire::stun::{Attribute, Builder, Class, Method, TransactionId};

fn agent(role: Role, address: SocketAddr, rng: &mut Rng) -> IceAgent {
    let config = IceConfig::new(&PROVIDER);
    let mut agent = IceAgent::new(config, role, rng).expect("the provider has SHA-1");
    agent.add_local_address(address).expect("a usable address");
    agent.gather();
    agent
}

fn introduce(to: &mut IceAgent, from: &IceAgent) {
    to.set_remote_credentials(from.local_credentials().clone())
        .expect("valid credentials");
    for candidate in from.local_candidates() {
        to.add_remote_candidate(candidate.clone()).expect("room");
    }
    to.end_of_remote_candidates();
}

/// Hands over everything that the two want to say at `now`.
fn exchange(agents: &mut [IceAgent; 2], now: Instant, buf: &mut Vec<u8>) {
    loop {
        let mut silent = true;
        for from in 0..2 {
            buf.clear();
            if let Some(path) = agents[from].poll_transmit(now, &mut Writer::new(buf, 1200)) {
                let path = Path::udp(path.remote, path.local);
                agents[1 - from].open(now, path, buf);
                silent = false;
            }
        }
        if silent {
            return;
        }
    }
}

fn connect(buf: &mut Vec<u8>) -> [IceAgent; 2] {
    let mut rng = Rng::from_number(1);
    let mut agents = [
        agent(Role::Controlling, ([10, 0, 0, 1], 1000).into(), &mut rng),
        agent(Role::Controlled, ([10, 0, 0, 2], 2000).into(), &mut rng),
    ];
    let [a, b] = &mut agents;
    introduce(a, b);
    introduce(b, a);
    for millis in [0, 50, 100] {
        let now = Instant::from_millis(millis);
        agents
            .iter_mut()
            .for_each(|agent| agent.handle_timeout(now));
        exchange(&mut agents, now, buf);
    }
    assert!(
        agents
            .iter()
            .all(|agent| agent.state() == IceState::Completed)
    );
    agents
}

fn remote(n: u8) -> Candidate {
    Candidate {
        foundation: Foundation::from("1").expect("short"),
        component: 1,
        protocol: Protocol::Udp,
        priority: 2_130_000_000 + u32::from(n),
        address: CandidateAddress::Ip(([10, 9, 0, n], 9).into()),
        kind: CandidateKind::Host,
        related: None,
        tcp: None,
        ufrag: None,
    }
}

/// An agent with `locals` addresses that waits for its peer.
fn with_addresses(locals: u8) -> IceAgent {
    let config = IceConfig {
        max_local_candidates: 64,
        ..IceConfig::new(&PROVIDER)
    };
    let mut rng = Rng::from_number(1);
    let mut agent =
        IceAgent::new(config, Role::Controlling, &mut rng).expect("the provider has SHA-1");
    for n in 0..locals {
        let address = ([10, 0, 0, n], 1000).into();
        agent.add_local_address(address).expect("room");
    }
    agent.gather();
    agent
}

/// An authentic check for an agent.
fn check_for(agent: &IceAgent) -> Vec<u8> {
    let ours = agent.local_credentials();
    let key = Key::short_term(&PROVIDER, &ours.pwd).expect("the provider has SHA-1");
    let mut buf = Vec::new();
    let mut w = Writer::new(&mut buf, 1200);
    let id = TransactionId(*b"0123456789ab");
    let mut message = Builder::new(&mut w, Class::Request, Method::BINDING, id);
    message
        .attribute(&Attribute::Username(&format!("{}:peer", ours.ufrag)))
        .attribute(&Attribute::Priority(1_862_270_975))
        .attribute(&Attribute::IceControlled(1));
    key.sign(&mut message);
    message.fingerprint();
    buf
}

fn ice(c: &mut Criterion) {
    let mut buf = Vec::with_capacity(1200);
    let mut group = c.benchmark_group("ice");
    group.bench_function("two agents connect", |b| b.iter(|| connect(&mut buf)));

    let [mut idle, _other] = connect(&mut buf);
    let now = Instant::from_millis(200);
    group.bench_function("idle poll of all three", |b| {
        b.iter(|| {
            let mut w = Writer::new(&mut buf, 1200);
            let sent = idle.poll_transmit(black_box(now), &mut w);
            (sent, idle.poll_event(), idle.poll_timeout())
        });
    });
    let path = Path::udp(([10, 0, 0, 1], 1000).into(), ([10, 0, 0, 2], 2000).into());
    let mut data = [0x80_u8; 1200];
    group.bench_function("open a datagram of data", |b| {
        b.iter(|| {
            idle.open(black_box(now), path, &mut data)
                .map(|data| data.len())
        });
    });
    group.bench_function("seal a datagram of data", |b| {
        b.iter(|| {
            buf.clear();
            idle.seal(&mut Writer::new(&mut buf, 1200), |w| {
                w.zeros(8);
                true
            })
        });
    });
    // A second of virtual time: 10,000 agents, each woken when it asked for it.
    group.sample_size(10);
    group.bench_function("10,000 agents for an idle second", |b| {
        let mut agents: Vec<_> = (0..5_000).flat_map(|_| connect(&mut buf)).collect();
        let mut start = Instant::from_millis(200);
        b.iter(|| {
            let end = start + core::time::Duration::from_secs(1);
            for pair in agents.as_chunks_mut::<2>().0 {
                while let Some(at) = next(pair).filter(|at| *at < end) {
                    pair.iter_mut().for_each(|agent| agent.handle_timeout(at));
                    exchange(pair, at, &mut buf);
                }
            }
            start = end;
        });
        assert!(
            agents
                .iter()
                .all(|agent| agent.state() == IceState::Completed)
        );
    });
    for locals in [16, 64] {
        let name = format!("pairs of {locals} and 64 candidates");
        group.bench_function(name, |b| {
            b.iter_batched_ref(
                || with_addresses(locals),
                |agent| {
                    for n in 0..64 {
                        agent.add_remote_candidate(remote(n)).expect("room");
                    }
                },
                BatchSize::SmallInput,
            );
        });
    }
    // The most pairs that there are, and the peer goes on and on.
    group.bench_function("answer a check, of 100 pairs", |b| {
        let mut agent = with_addresses(16);
        for n in 0..64 {
            agent.add_remote_candidate(remote(n)).expect("room");
        }
        let mut check = check_for(&agent);
        let path = Path::udp(([10, 0, 0, 0], 1000).into(), ([10, 9, 0, 9], 9).into());
        b.iter(|| {
            agent.open(now, path, black_box(&mut check));
            buf.clear();
            agent.poll_transmit(now, &mut Writer::new(&mut buf, 1200))
        });
    });
    group.finish();
}

fn next(pair: &[IceAgent; 2]) -> Option<Instant> {
    pair.iter().filter_map(IceAgent::poll_timeout).min()
}

criterion_group!(benches, ice);
criterion_main!(benches);
