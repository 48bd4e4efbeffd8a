//! What does it cost to protect a packet of 1,200 bytes, beside its cipher alone?
#![allow(missing_docs, reason = "criterion's macros write undocumented items")]

use core::hint::black_box;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use pollrtc::crypto::rust_crypto::PROVIDER;
use pollrtc::crypto::{AeadId, HashId, KeyStreamId, TAG_LEN};
use pollrtc::cursor::Writer;
use pollrtc::srtp::{Config, Master, SrtpContext};
use pollrtc::wire::dtls::extension::SrtpProfile;

const PROFILES: [SrtpProfile; 3] = [
    SrtpProfile::Aes128CmSha1_80,
    SrtpProfile::AeadAes128Gcm,
    SrtpProfile::AeadAes256Gcm,
];

const LEN: usize = 1200;

fn context(profile: SrtpProfile) -> SrtpContext {
    let key = [7; 32];
    let master = Master::new(&key[..profile.key_len()], &key[..profile.salt_len()]);
    SrtpContext::new(&PROVIDER, Config::new(profile), master, master).expect("keys")
}

/// A packet with this number.
fn packet(number: u16) -> [u8; LEN] {
    let mut packet = [0x5a; LEN];
    packet[0] = 0x80;
    packet[2..4].copy_from_slice(&number.to_be_bytes());
    packet
}

fn seal(context: &mut SrtpContext, packet: &[u8], out: &mut Vec<u8>) -> bool {
    out.clear();
    context.seal_rtp(&mut Writer::new(out, 1500), |w| {
        w.bytes(packet);
        true
    })
}

/// The cipher alone, as the profile uses it.
fn ciphers(c: &mut Criterion) {
    let mut group = c.benchmark_group("cipher alone");
    group.throughput(Throughput::Elements(1));
    let mut data = packet(1);
    for (id, key_len) in [(AeadId::Aes128Gcm, 16), (AeadId::Aes256Gcm, 32)] {
        let mut aead = PROVIDER
            .aead(id)
            .expect("GCM")
            .key(&[7; 32][..key_len])
            .expect("a key");
        group.bench_function(format!("{id:?}"), |b| {
            let mut tag = [0; TAG_LEN];
            b.iter(|| {
                let (header, payload) = data.split_at_mut(12);
                aead.seal(black_box(&[1; 12]), header, payload, &mut tag);
                tag
            });
        });
    }
    let stream = PROVIDER
        .key_stream(KeyStreamId::Aes128Ctr)
        .expect("CTR")
        .key(&[7; 16]);
    let stream = stream.expect("a key");
    let mac = PROVIDER.hmac(HashId::Sha1).expect("SHA-1").key(&[7; 20]);
    group.bench_function("Aes128Ctr and HMAC-SHA1", |b| {
        b.iter(|| {
            stream.apply(black_box(&[1; 16]), &mut data[12..]);
            mac.sign(&[&data, &[0; 4]])
        });
    });
    group.finish();
}

fn srtp(c: &mut Criterion) {
    for profile in PROFILES {
        let mut group = c.benchmark_group(profile.to_string());
        group.throughput(Throughput::Elements(1));
        let mut out = Vec::with_capacity(1500);
        let mut sealer = context(profile);
        let mut number = 0_u16;
        let mut plain = packet(0);
        group.bench_function("protect", |b| {
            b.iter(|| {
                number = number.wrapping_add(1);
                plain[2..4].copy_from_slice(&number.to_be_bytes());
                assert!(seal(&mut sealer, black_box(&plain), &mut out));
            });
        });
        // Each is opened once: what was opened is not opened again.
        let mut sealer = context(profile);
        let mut opener = context(profile);
        let mut number = 0_u16;
        group.bench_function("unprotect", |b| {
            b.iter_batched_ref(
                || {
                    number = number.wrapping_add(1);
                    let mut sealed = Vec::with_capacity(1500);
                    assert!(seal(&mut sealer, &packet(number), &mut sealed));
                    sealed
                },
                |sealed| assert!(opener.open_rtp(black_box(sealed)).is_some()),
                BatchSize::SmallInput,
            );
        });
        group.finish();
    }
}

criterion_group!(benches, ciphers, srtp);
criterion_main!(benches);
