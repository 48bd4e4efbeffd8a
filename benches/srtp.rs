//! What does it cost to protect a packet of 1,200 bytes, beside its cipher alone?
//!
//! "Alone" is the cipher of the same backend with its key kept, on the same
//! bytes: the packet is copied and encrypted in place, or decrypted in place.
//! What is above 1.00 is ours: the header, the number of wraps, the replay window.
#![expect(clippy::print_stdout, reason = "a bench tells its figures")]

#[path = "support/rounds.rs"]
mod rounds;

use core::cell::RefCell;
use core::hint::black_box;

use pollrtc::crypto::{
    Aead, AeadId, CryptoProvider, HashId, Hmac, KeyStream, KeyStreamId, TAG_LEN,
};
use pollrtc::cursor::{Reader, Writer};
use pollrtc::srtp::{Config, Master, SrtpContext};
use pollrtc::wire::dtls::extension::SrtpProfile;
use pollrtc::wire::rtp::Packet;
use rounds::{Subject, least};

const BACKENDS: &[&CryptoProvider] = &[
    &pollrtc::crypto::rust_crypto::PROVIDER,
    #[cfg(feature = "aws-lc-rs")]
    &pollrtc::crypto::aws_lc_rs::PROVIDER,
];

const PROFILES: [SrtpProfile; 3] = [
    SrtpProfile::AeadAes128Gcm,
    SrtpProfile::AeadAes256Gcm,
    SrtpProfile::Aes128CmSha1_80,
];

/// A packet and its fixed header.
const LEN: usize = 1200;
const HEADER: usize = 12;

const BATCH: usize = 64;
const ROUNDS: usize = 3000;

/// A packet with this number.
fn packet(number: u16) -> [u8; LEN] {
    let mut packet = [0x5a; LEN];
    packet[0] = 0x80;
    packet[2..4].copy_from_slice(&number.to_be_bytes());
    packet
}

/// What a profile does with a packet whose nonce is known.
enum Cipher {
    Gcm(Box<dyn Aead>),
    CounterMode(Box<dyn KeyStream>, Box<dyn Hmac>),
}

impl Cipher {
    fn new(backend: &CryptoProvider, profile: SrtpProfile) -> Self {
        let key = &[7; 32][..profile.key_len()];
        let id = match profile {
            SrtpProfile::AeadAes128Gcm => AeadId::Aes128Gcm,
            SrtpProfile::AeadAes256Gcm => AeadId::Aes256Gcm,
            _ => {
                let stream = backend.key_stream(KeyStreamId::Aes128Ctr).expect("CTR");
                let mac = backend.hmac(HashId::Sha1).expect("HMAC-SHA1");
                return Self::CounterMode(stream.key(key).expect("a key"), mac.key(&[7; 20]));
            }
        };
        Self::Gcm(backend.aead(id).expect("GCM").key(key).expect("a key"))
    }

    fn seal(&mut self, number: u16, packet: &[u8], out: &mut Vec<u8>) {
        out.clear();
        out.extend_from_slice(packet);
        match self {
            Self::Gcm(aead) => {
                let mut tag = [0; TAG_LEN];
                let (header, payload) = out.split_at_mut(HEADER);
                aead.seal(&nonce(number), header, payload, &mut tag);
                out.extend_from_slice(&tag);
            }
            Self::CounterMode(stream, mac) => {
                stream.apply(&nonce(number), &mut out[HEADER..]);
                let tag = mac.sign(&[out, &[0; 4]]);
                out.extend_from_slice(&tag[..10]);
            }
        }
    }

    fn open(&mut self, number: u16, sealed: &mut [u8]) -> bool {
        match self {
            Self::Gcm(aead) => {
                let (packet, tag) = sealed.split_last_chunk_mut().expect("a tag");
                let (header, payload) = packet.split_at_mut(HEADER);
                aead.open(&nonce(number), header, payload, tag).is_ok()
            }
            Self::CounterMode(stream, mac) => {
                let (packet, tag) = sealed.split_last_chunk_mut::<10>().expect("a tag");
                let is_right = mac.sign(&[packet, &[0; 4]])[..10] == *tag;
                stream.apply(&nonce(number), &mut packet[HEADER..]);
                is_right
            }
        }
    }
}

fn nonce<const N: usize>(number: u16) -> [u8; N] {
    let mut nonce = [1; N];
    nonce[..2].copy_from_slice(&number.to_be_bytes());
    nonce
}

/// Packets, each with the next number.
struct Numbered {
    number: u16,
    plain: [u8; LEN],
    out: Vec<u8>,
}

impl Numbered {
    fn new() -> Self {
        Self {
            number: 0,
            plain: packet(0),
            out: Vec::with_capacity(1500),
        }
    }

    fn next(&mut self) -> (u16, &[u8], &mut Vec<u8>) {
        self.number = self.number.wrapping_add(1);
        self.plain[2..4].copy_from_slice(&self.number.to_be_bytes());
        (self.number, &self.plain, &mut self.out)
    }
}

fn context(backend: &CryptoProvider, profile: SrtpProfile) -> SrtpContext {
    let key = [7; 32];
    let master = Master::new(&key[..profile.key_len()], &key[..profile.salt_len()]);
    SrtpContext::new(backend, Config::new(profile), master, master).expect("keys")
}

fn protect(context: &mut SrtpContext, packet: &[u8], out: &mut Vec<u8>) {
    out.clear();
    let sealed = context.seal_rtp(&mut Writer::new(out, 1500), |w| {
        w.bytes(packet);
        true
    });
    assert!(sealed);
}

/// A batch of sealed packets, each opened once.
struct Sealed<S, O> {
    packets: Numbered,
    sealed: Vec<(u16, Vec<u8>)>,
    seal: S,
    open: O,
}

impl<S, O> Sealed<S, O> {
    fn new(seal: S, open: O) -> Self {
        Self {
            packets: Numbered::new(),
            sealed: vec![(0, Vec::new()); BATCH],
            seal,
            open,
        }
    }
}

impl<S, O> Subject for Sealed<S, O>
where
    S: FnMut(u16, &[u8], &mut Vec<u8>),
    O: FnMut(u16, &mut [u8]) -> bool,
{
    fn prepare(&mut self) {
        for (number, sealed) in &mut self.sealed {
            let (next, plain, _) = self.packets.next();
            *number = next;
            (self.seal)(next, plain, sealed);
        }
    }

    fn run(&mut self) {
        for (number, sealed) in &mut self.sealed {
            assert!((self.open)(*number, black_box(sealed)));
        }
    }
}

fn compare(backend: &CryptoProvider, profile: SrtpProfile) {
    // Both in the same place: where a buffer begins in its line of the cache makes a
    // difference of a tenth.
    let packets = RefCell::new(Numbered::new());
    let mut cipher = Cipher::new(backend, profile);
    let mut seal_alone = || {
        let mut packets = packets.borrow_mut();
        for _ in 0..BATCH {
            let (number, plain, out) = packets.next();
            cipher.seal(number, black_box(plain), out);
        }
    };
    let mut sealer = context(backend, profile);
    let mut seal = || {
        let mut packets = packets.borrow_mut();
        for _ in 0..BATCH {
            let (_, plain, out) = packets.next();
            protect(&mut sealer, black_box(plain), out);
        }
    };
    let [mut sealer, mut opener] = [(); 2].map(|()| Cipher::new(backend, profile));
    let mut open_alone = Sealed::new(
        |number, plain: &[u8], out: &mut Vec<u8>| sealer.seal(number, plain, out),
        |number, sealed: &mut [u8]| opener.open(number, sealed),
    );
    let [mut sealer, mut opener] = [(); 2].map(|()| context(backend, profile));
    let mut open = Sealed::new(
        |_, plain: &[u8], out: &mut Vec<u8>| protect(&mut sealer, plain, out),
        |_, sealed: &mut [u8]| opener.open_rtp(sealed).is_some(),
    );
    let [seal_alone, seal, open_alone, open] = least(
        ROUNDS,
        BATCH,
        [&mut seal_alone, &mut seal, &mut open_alone, &mut open],
    );
    let (name, profile) = (backend.name, profile.to_string());
    println!(
        "{profile:<26} {name:<12} {seal:>7.0} {seal_alone:>6.0} {:>6.2} {open:>9.0} {open_alone:>6.0} {:>6.2}",
        seal / seal_alone,
        open / open_alone
    );
}

fn main() {
    let plain = packet(1);
    let mut parse = || {
        for _ in 0..BATCH {
            let packet = Packet::parse(&mut Reader::new(black_box(&plain)));
            let _ = black_box(packet);
        }
    };
    let [parse] = least(ROUNDS, BATCH, [&mut parse]);
    println!(
        "{LEN} bytes, ns per packet, the least of {ROUNDS} batches of {BATCH}; reading the header: {parse:.1}"
    );
    println!(
        "profile                    backend      protect  alone  ratio unprotect  alone  ratio"
    );
    for &profile in &PROFILES {
        for backend in BACKENDS {
            compare(backend, profile);
        }
    }
}
