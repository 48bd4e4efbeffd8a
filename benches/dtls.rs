//! What does DTLS cost: a record each way, a hello, a whole handshake of both ends?
#![expect(
    clippy::std_instead_of_alloc,
    reason = "a bench has std, and no alloc unless it asks"
)]

use std::sync::Arc;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use pollrtc::crypto::certificate::{Certificate, CertificateOptions};
use pollrtc::crypto::rust_crypto::PROVIDER;
use pollrtc::cursor::{Reader, Writer};
use pollrtc::dtls::{DtlsConfig, DtlsTransport, Event, Role, SEALED_OVERHEAD};
use pollrtc::rng::Rng;
use pollrtc::time::Instant;
use pollrtc::wire::dtls::{Fragment, HandshakeType, Message, Record};

const MTU: usize = 1200;

struct Pair {
    client: DtlsTransport,
    server: DtlsTransport,
}

impl Pair {
    fn new(certificate: &Arc<Certificate>, rng: &mut Rng) -> Self {
        let config = DtlsConfig::new(&PROVIDER, certificate.clone());
        Self {
            client: DtlsTransport::new(config.clone(), Role::Client, rng),
            server: DtlsTransport::new(config, Role::Server, rng),
        }
    }

    /// Hands over datagrams until both have said they are connected.
    fn connect(mut self) -> Self {
        let mut connected = 0;
        let mut buf = Vec::with_capacity(MTU);
        while connected < 2 {
            connected += pass(&mut self.client, &mut self.server, &mut buf);
            connected += pass(&mut self.server, &mut self.client, &mut buf);
        }
        self
    }
}

fn pass(from: &mut DtlsTransport, to: &mut DtlsTransport, buf: &mut Vec<u8>) -> u32 {
    let now = Instant::ZERO;
    let mut connected = 0;
    while from.poll_transmit(now, &mut Writer::new(buf, MTU)) {
        let mut datagram = &mut buf[..];
        while to.open(now, &mut datagram).is_some() {}
        buf.clear();
        for end in [&mut *from, &mut *to] {
            while let Some(event) = end.poll_event() {
                match event {
                    Event::PeerCertificate(_) => end.accept_peer(),
                    Event::Connected { .. } => connected += 1,
                    other => unreachable!("{other:?}"),
                }
            }
        }
    }
    connected
}

fn seal(from: &mut DtlsTransport, payload: &[u8], buf: &mut Vec<u8>) {
    buf.clear();
    let sealed = from.seal(&mut Writer::new(buf, MTU), |w| {
        w.bytes(payload);
        true
    });
    assert!(sealed);
}

fn benches(c: &mut Criterion) {
    let rng = &mut Rng::from_number(1);
    let options = CertificateOptions {
        common_name: "bench".into(),
        not_before: 1_700_000_000,
        not_after: 1_800_000_000,
    };
    let certificate = Certificate::generate(&PROVIDER, rng, &options).expect("valid options");
    let certificate = Arc::new(certificate);
    let Pair {
        mut client,
        mut server,
    } = Pair::new(&certificate, rng).connect();
    let payload = [7; MTU - SEALED_OVERHEAD];
    let mut buf = Vec::with_capacity(MTU);

    let mut group = c.benchmark_group("dtls");
    group.throughput(Throughput::Bytes(payload.len() as u64));
    group.bench_function("seal", |b| b.iter(|| seal(&mut client, &payload, &mut buf)));
    let mut sealed = || {
        let mut datagram = Vec::with_capacity(MTU);
        seal(&mut client, &payload, &mut datagram);
        datagram
    };
    let mut open = |datagram: &mut Vec<u8>| {
        let data = server.open(Instant::ZERO, &mut &mut datagram[..]);
        assert!(data.is_some());
    };
    group.bench_function("open", |b| {
        b.iter_batched_ref(&mut sealed, &mut open, BatchSize::SmallInput);
    });
    group.finish();

    c.bench_function("dtls/handshake of a pair", |b| {
        b.iter(|| Pair::new(&certificate, rng).connect());
    });

    let mut pair = Pair::new(&certificate, rng);
    buf.clear();
    pair.client
        .poll_transmit(Instant::ZERO, &mut Writer::new(&mut buf, MTU));
    c.bench_function("dtls/parse ClientHello", |b| {
        b.iter(|| {
            let record = Record::parse(&mut Reader::new(&buf)).expect("a record");
            let fragment = Fragment::parse(&mut Reader::new(record.content)).expect("a message");
            assert_eq!(fragment.kind, HandshakeType::ClientHello);
            Message::parse(fragment.kind, fragment.bytes)
                .expect("a hello")
                .encoded_len()
        });
    });
}

criterion_group!(dtls, benches);
criterion_main!(dtls);
