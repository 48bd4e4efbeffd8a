//! What does it cost to find one peer of many? 100,000 peers behind one socket; the
//! addresses come in no order, so most look-ups miss the processor's caches.

#![expect(clippy::std_instead_of_core, reason = "a bench has std")]

use std::hint::black_box;
use std::net::SocketAddr;

use criterion::{Criterion, criterion_group, criterion_main};
use pollrtc::cursor::Writer;
use pollrtc::net::Path;
use pollrtc::peer::Router;
use pollrtc::rng::Rng;
use pollrtc::wire::stun::{Attribute, Builder, Class, Method, TransactionId};

const PEERS: u32 = 100_000;

fn path(peer: u32) -> Path {
    let local = SocketAddr::from(([192, 0, 2, 1], 443));
    Path::udp(local, SocketAddr::from((peer.to_be_bytes(), 5000)))
}

/// The peers in an order that is none.
fn shuffled(step: &mut u32) -> u32 {
    *step = (*step + 61_803) % PEERS;
    *step
}

fn route(c: &mut Criterion) {
    let mut router = Router::new(&mut Rng::from_number(1));
    for peer in 0..PEERS {
        router.insert(peer, &format!("{peer:08}"));
        router.sent(peer, path(peer));
    }
    let mut group = c.benchmark_group("router");
    let dtls = [22; 100];
    let mut step = 0;
    group.bench_function("a packet, by path", |b| {
        b.iter(|| black_box(router.route(path(shuffled(&mut step)), &dtls)));
    });
    // What has just come is in the processor's cache: it is one datagram, with a name.
    let mut check = check(0);
    group.bench_function("a check, by user name", |b| {
        b.iter(|| {
            check[NAME..NAME + 8].copy_from_slice(&digits(shuffled(&mut step)));
            black_box(router.route(path(0), &check))
        });
    });
    group.bench_function("a packet that was sent", |b| {
        b.iter(|| {
            let peer = shuffled(&mut step);
            router.sent(black_box(peer), path(peer));
        });
    });
    group.finish();
}

/// Eight decimal digits.
fn digits(mut number: u32) -> [u8; 8] {
    let mut digits = [b'0'; 8];
    for digit in digits.iter_mut().rev() {
        *digit += (number % 10) as u8;
        number /= 10;
    }
    digits
}

/// Where the user name is in a check.
const NAME: usize = 24;

/// A check as browsers send it.
fn check(peer: u32) -> Vec<u8> {
    let mut datagram = Vec::new();
    let mut w = Writer::new(&mut datagram, 200);
    let name = format!("{peer:08}:abcd");
    Builder::new(
        &mut w,
        Class::Request,
        Method::BINDING,
        TransactionId([7; 12]),
    )
    .attribute(&Attribute::Username(&name))
    .attribute(&Attribute::Priority(1))
    .integrity(|_| [0; 20])
    .fingerprint();
    datagram
}

criterion_group!(benches, route);
criterion_main!(benches);
