//! What does a whole peer cost? Both peers and the simulated network between
//! them are in every figure.
//!
//! - `create`: a connection with a certificate that was made before, and its first
//!   offer, of a data channel or of sound and pictures too; no network;
//! - `handshake`: from two new connections to an open channel on both sides;
//! - `bulk`: one reliable channel, 16 KiB messages; seconds per GiB are
//!   1,073.7 divided by the MB/s shown;
//! - `idle`: asking a connected peer with nothing to do.

#![expect(
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    reason = "a bench has std"
)]

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use pollrtc::PeerConnection;
use pollrtc::crypto::certificate::{Certificate, CertificateOptions};
use pollrtc::jsep::{Kind, TransceiverInit};
use pollrtc::peer::{ChannelConfig, ChannelId, ChannelState, Config, Event, SendError};
use pollrtc::rng::Rng;
use pollrtc::sim::{HostId, World};

struct Pair {
    world: World<PeerConnection>,
    hosts: [HostId; 2],
    channel: ChannelId,
}

/// Two peers on a perfect wire that have an open channel.
fn connected(seed: u64) -> Pair {
    let mut world = World::new(seed).without_ledger();
    let mut add = |name, address: &str| {
        world.add_peer(name, address.parse().expect("an address"), Config::new())
    };
    let hosts = [add("a", "192.0.2.1:1"), add("b", "192.0.2.2:2")];
    let opened = world.with(hosts[0], |peer, _| {
        peer.create_data_channel("bench", ChannelConfig::default())
    });
    let channel = opened.expect("a channel");
    world.negotiate(hosts[0], hosts[1]).expect("an agreement");
    let open = world.run_until(Duration::from_secs(10), |world| {
        hosts.iter().all(|&host| is_open(world.machine(host)))
    });
    assert!(open, "the peers did not connect");
    Pair {
        world,
        hosts,
        channel,
    }
}

fn is_open(peer: &PeerConnection) -> bool {
    let open = |id| {
        peer.channel(id)
            .is_some_and(|channel| channel.state == ChannelState::Open)
    };
    peer.channels().any(open)
}

fn handshake(c: &mut Criterion) {
    let mut seed = 0;
    c.bench_function("handshake", |b| {
        b.iter(|| {
            seed += 1;
            black_box(connected(seed))
        });
    });
}

fn bulk(c: &mut Criterion) {
    const MESSAGE: usize = 16 * 1024;
    const MESSAGES: usize = 1024;
    let message = Bytes::from(vec![7; MESSAGE]);
    let mut group = c.benchmark_group("bulk");
    group.throughput(Throughput::Bytes((MESSAGE * MESSAGES) as u64));
    group.sample_size(10);
    group.bench_function("16 KiB messages", |b| {
        b.iter_batched_ref(
            || connected(1),
            |pair| transfer(pair, &message, MESSAGES),
            BatchSize::LargeInput,
        );
    });
    group.finish();
}

/// Sends `count` copies of a message and waits until all have arrived.
fn transfer(pair: &mut Pair, message: &Bytes, count: usize) {
    let Pair {
        world,
        hosts: [from, to],
        channel,
    } = pair;
    let (mut sent, mut received) = (0, 0);
    while received < count {
        while sent < count {
            let result = world.with(*from, |peer, now| {
                if peer.buffered_amount(*channel) > 256 * 1024 {
                    return Err(SendError::Full);
                }
                peer.send(now, *channel, message.clone())
            });
            if result.is_err() {
                break;
            }
            sent += 1;
        }
        assert!(world.step(), "the transfer stalled");
        while let Some(event) = world.next_event(*to) {
            received += usize::from(matches!(event, Event::Message(..)));
        }
    }
}

/// A new connection that has made an offer of a data channel and of `media`.
fn offering(config: &Arc<Config>, rng: &mut Rng, media: &[Kind]) -> PeerConnection {
    let mut peer = PeerConnection::new(Arc::clone(config), rng).expect("a peer");
    for kind in media {
        peer.add_transceiver(*kind, TransceiverInit::default())
            .expect("a transceiver");
    }
    peer.create_data_channel("bench", ChannelConfig::default())
        .expect("a channel");
    peer.create_offer().expect("an offer");
    peer
}

fn create(c: &mut Criterion) {
    let provider = Config::new().provider;
    let options = CertificateOptions {
        common_name: "bench".into(),
        not_before: 0,
        not_after: u64::from(u32::MAX),
    };
    let mut rng = Rng::from_number(1);
    let certificate = Certificate::generate(provider, &mut rng, &options).expect("P-256");
    let mut config = Config::new();
    config.certificate = Some(Arc::new(certificate));
    let config = Arc::new(config);
    let mut group = c.benchmark_group("create");
    let both = [Kind::Audio, Kind::Video];
    for (name, media) in [("data", &[][..]), ("sound, pictures, data", &both)] {
        group.bench_function(name, |b| {
            b.iter(|| offering(&config, &mut rng, media));
        });
    }
    group.finish();
}

fn idle(c: &mut Criterion) {
    let mut pair = connected(1);
    let host = pair.hosts[0];
    let mut buf = Vec::new();
    c.bench_function("idle poll", |b| {
        b.iter(|| {
            pair.world.with(host, |peer, now| {
                black_box(peer.poll_transmit(now, 1, &mut buf));
                black_box(peer.poll_event());
                black_box(peer.poll_timeout());
            });
        });
    });
}

criterion_group!(benches, create, handshake, bulk, idle);
criterion_main!(benches);
