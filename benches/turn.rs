//! What does a relay's framing cost, with one channel and with 300?
#![allow(missing_docs, reason = "criterion's macros write undocumented items")]

use core::hint::black_box;
use core::net::SocketAddr;

use criterion::{Criterion, criterion_group, criterion_main};
use pollrtc::crypto::rust_crypto::PROVIDER;
use pollrtc::cursor::Writer;
use pollrtc::net::Path;
use pollrtc::rng::Rng;
use pollrtc::sim::{Machine, TurnServer, TurnServerConfig};
use pollrtc::time::Instant;
use pollrtc::turn::{TurnClient, TurnConfig};

const NOW: Instant = Instant::ZERO;

fn peer(n: u16) -> SocketAddr {
    let [high, low] = n.to_be_bytes();
    ([198, 51, high, low], 7000 + n).into()
}

/// A client that knows so many peers.
fn client(peers: u16, bind: bool) -> TurnClient {
    let mut rng = Rng::from_number(1);
    let path = Path::udp(([10, 0, 0, 1], 5000).into(), ([192, 0, 2, 1], 3478).into());
    let config = TurnConfig::new(&PROVIDER, "alice", "secret");
    let mut turn = TurnClient::new(config, path, &mut rng).expect("a usable account");
    let relays = vec![([192, 0, 2, 1], 50_000).into()];
    let config = TurnServerConfig::new(&PROVIDER, path.remote, relays, ("alice", "secret"));
    let mut server = TurnServer::<()>::new(config, &mut rng);
    turn.allocate();
    for n in 0..peers {
        let wanted = if bind {
            turn.bind(peer(n))
        } else {
            turn.permit(peer(n).ip())
        };
        wanted.expect("room");
    }
    let back = Path::udp(path.remote, path.local);
    let mut buf = Vec::new();
    while turn.poll_transmit(NOW, &mut Writer::new(&mut buf, 1200)) {
        server.handle_input(NOW, back, &mut buf);
        buf.clear();
        server.poll_transmit(NOW, &mut Writer::new(&mut buf, 1500));
        turn.open(NOW, &mut buf);
        buf.clear();
    }
    assert!((0..peers).all(|n| turn.is_permitted(peer(n).ip())));
    turn
}

fn seal(turn: &mut TurnClient, peer: SocketAddr, data: &[u8], buf: &mut Vec<u8>) {
    buf.clear();
    let sealed = turn.seal(peer, &mut Writer::new(buf, 1300), |w| {
        w.bytes(data);
        true
    });
    assert!(sealed);
}

fn turn(c: &mut Criterion) {
    let mut group = c.benchmark_group("turn");
    let data = [7; 1100];
    let mut buf = Vec::with_capacity(1300);
    for peers in [1, 300] {
        let mut turn = client(peers, true);
        let mut n = 0;
        group.bench_function(format!("seal, {peers} channels"), |b| {
            b.iter(|| {
                n = (n + 1) % peers;
                seal(&mut turn, peer(n), black_box(&data), &mut buf);
            });
        });
        let mut datagram = buf.clone();
        group.bench_function(format!("open, {peers} channels"), |b| {
            b.iter(|| {
                n = (n + 1) % peers;
                let [high, low] = (0x4000 + n).to_be_bytes();
                datagram[..2].copy_from_slice(&[high, low]);
                turn.open(NOW, black_box(&mut datagram)).is_some()
            });
        });
        let mut turn = client(peers, false);
        group.bench_function(format!("seal, {peers} permissions"), |b| {
            b.iter(|| {
                n = (n + 1) % peers;
                seal(&mut turn, peer(n), black_box(&data), &mut buf);
            });
        });
        group.bench_function(format!("idle polls, {peers} permissions"), |b| {
            b.iter(|| {
                buf.clear();
                turn.poll_transmit(NOW, &mut Writer::new(&mut buf, 1200))
                    || turn.poll_event().is_some()
                    || black_box(turn.poll_timeout()).is_none()
            });
        });
    }
    group.finish();
}

criterion_group!(benches, turn);
criterion_main!(benches);
