//! What do a browser's descriptions cost?

use core::hint::black_box;
use std::fs;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use pollrtc::crypto::certificate::Fingerprint;
use pollrtc::jsep::{Local, LocalTransport, SdpType, Session, SessionConfig, TransportId};
use pollrtc::rng::Rng;
use pollrtc::wire::sdp::{Description, candidate};

/// Chromium's offer of audio, video and data: 6.4 KB.
fn offer() -> String {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/vectors/sdp/interop/chromium-156-av-dc-offer.sdp"
    );
    fs::read_to_string(path).expect("the vector")
}

fn codec(criterion: &mut Criterion) {
    let text = offer();
    let description = Description::parse(&text).expect("well formed");
    let line = "candidate:2598905416 1 udp 2122260223 127.0.0.1 34663 typ host generation 0 network-id 1 network-cost 50";
    let mut group = criterion.benchmark_group("sdp");
    group.throughput(Throughput::Bytes(text.len() as u64));
    group.bench_function("parse", |bench| {
        bench.iter(|| Description::parse(black_box(&text)));
    });
    group.bench_function("write", |bench| {
        bench.iter(|| black_box(&description).to_string());
    });
    group.throughput(Throughput::Bytes(line.len() as u64));
    group.bench_function("candidate", |bench| {
        bench.iter(|| candidate::parse(black_box(line)));
    });
    group.finish();
}

fn exchange(criterion: &mut Criterion) {
    let text = offer();
    let digest = ["AB"; 32].join(":");
    let fingerprint = Fingerprint::parse(&format!("sha-256 {digest}")).expect("well formed");
    let transport = LocalTransport {
        id: TransportId::FIRST,
        ufrag: "ours",
        pwd: "0123456789abcdefghijkl",
        next_ufrag: "next",
        next_pwd: "0123456789abcdefghijkl",
        candidates: &[],
        gathered: false,
    };
    let local = Local {
        transports: &[transport],
        lite: false,
        fingerprints: &[fingerprint],
        sctp_port: 5000,
        max_message_size: 262_144,
    };
    let session = || Session::new(SessionConfig::default(), &mut Rng::from_number(1));
    let mut group = criterion.benchmark_group("jsep");
    group.bench_function("answer", |bench| {
        bench.iter(|| {
            let mut session = session();
            let offered = session.set_remote(SdpType::Offer, black_box(&text));
            let answered = session.set_local(Some(SdpType::Answer), "", &local);
            (offered, answered, session)
        });
    });
    group.bench_function("offer", |bench| {
        bench.iter(|| {
            let mut session = session();
            session.want_data_channels();
            let offered = session.set_local(Some(SdpType::Offer), "", &local);
            (offered, session)
        });
    });
    group.finish();
}

criterion_group!(benches, codec, exchange);
criterion_main!(benches);
