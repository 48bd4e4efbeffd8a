//! What does one connectivity check cost: to read, to believe, to answer?
#![allow(missing_docs, reason = "criterion's macros write undocumented items")]

use core::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use pollrtc::crypto::rust_crypto::PROVIDER;
use pollrtc::cursor::{Reader, Writer};
use pollrtc::stun::Key;
use pollrtc::wire::stun::{Attribute, Builder, Class, Message, Method, TransactionId};

const PASSWORD: &str = "VOkJxbRl1RmTxUk/WvJxBt";
const ID: TransactionId = TransactionId(*b"0123456789ab");

fn write(buf: &mut Vec<u8>, class: Class, says: &[Attribute<'_>], key: &Key) {
    buf.clear();
    let mut w = Writer::new(buf, 1200);
    let mut message = Builder::new(&mut w, class, Method::BINDING, ID);
    for attribute in says {
        message.attribute(attribute);
    }
    key.sign(&mut message);
    message.fingerprint();
}

fn stun(c: &mut Criterion) {
    let key = Key::short_term(&PROVIDER, PASSWORD).expect("the provider has SHA-1");
    let request = [
        Attribute::Username("abcdefgh:ijklmnop"),
        Attribute::Priority(1_862_270_975),
        Attribute::IceControlling(0x0123_4567_89ab_cdef),
        Attribute::UseCandidate,
    ];
    let mapped = [Attribute::XorMappedAddress(([192, 0, 2, 1], 32853).into())];
    let mut check = Vec::new();
    write(&mut check, Class::Request, &request, &key);
    let parse = |bytes| Message::parse(&mut Reader::new(bytes)).expect("a message");
    let message = parse(&check);

    let mut group = c.benchmark_group("stun");
    group.bench_function(format!("hmac alone, {} bytes", check.len() - 32), |b| {
        let hmac = PROVIDER
            .hmac(pollrtc::crypto::HashId::Sha1)
            .expect("SHA-1")
            .key(PASSWORD.as_bytes());
        b.iter(|| hmac.sign(&[black_box(&check[..20]), &check[20..check.len() - 32]]));
    });
    let mut answer = Vec::new();
    write(&mut answer, Class::Success, &mapped, &key);
    group.bench_function("the hmacs of a check and its answer", |b| {
        let hmac = PROVIDER
            .hmac(pollrtc::crypto::HashId::Sha1)
            .expect("SHA-1")
            .key(PASSWORD.as_bytes());
        b.iter(|| {
            let check = hmac.sign(&[black_box(&check[..20]), &check[20..check.len() - 32]]);
            let answer = hmac.sign(&[black_box(&answer[..answer.len() - 32])]);
            (check, answer)
        });
    });
    group.bench_function("parse", |b| b.iter(|| parse(black_box(&check))));
    group.bench_function("verify", |b| b.iter(|| key.verify(black_box(&message))));
    let mut out = Vec::with_capacity(1200);
    group.bench_function("write a check", |b| {
        b.iter(|| write(&mut out, Class::Request, black_box(&request), &key));
    });
    group.bench_function("parse, verify, answer", |b| {
        b.iter(|| {
            let message = parse(black_box(&check));
            key.verify(&message).expect("authentic");
            write(&mut out, Class::Success, &mapped, &key);
        });
    });
    group.finish();
}

criterion_group!(benches, stun);
criterion_main!(benches);
