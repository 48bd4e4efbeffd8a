//! What does it cost to forward a packet of video, as the heart of an SFU does?
//!
//! A packet of one publisher is opened once; for each subscriber it is numbered
//! anew, kept to be repeated, and sealed into the buffer that a socket sends.
//! A time is what all of that costs, divided by the subscribers. Over whole connections
//! it is told for packets that come alone, and for those of a picture, which come together:
//! a connection that was looked at lately is in the processor's cache.
//!
//! `cargo bench --all-features --bench forward -- 200 aws-lc-rs` for another number
//! of subscribers, and for one backend.
#![expect(
    clippy::print_stdout,
    clippy::std_instead_of_core,
    reason = "a bench has std, and tells its figures"
)]

#[path = "../tests/support/fan/mod.rs"]
mod fan;
#[path = "support/rounds.rs"]
mod rounds;

use std::env;

use fan::Fan;
use fan::connections::Connections;
use fan::parts::Parts;
use pollrtc::crypto::{AeadId, CryptoProvider, TAG_LEN};
use rounds::{Subject, least};

const BACKENDS: &[&CryptoProvider] = &[
    &pollrtc::crypto::rust_crypto::PROVIDER,
    #[cfg(feature = "aws-lc-rs")]
    &pollrtc::crypto::aws_lc_rs::PROVIDER,
];

/// How many packets are timed at once: a picture, of 30 in a second.
const BATCH: usize = 8;
const ROUNDS: usize = 500;

/// A fan and the packets that the publisher sent to it.
struct Batch<F> {
    fan: F,
    sent: Vec<Vec<u8>>,
    /// How many of them have come when they are sent on.
    at_a_time: usize,
}

impl<F: Fan> Batch<F> {
    fn new(fan: F, at_a_time: usize) -> Self {
        let mut batch = Self {
            fan,
            sent: vec![Vec::new(); BATCH],
            at_a_time,
        };
        // The histories fill, and their memory is used again from then on.
        for _ in 0..fan::WARM_UP / BATCH {
            batch.prepare();
            batch.run();
        }
        batch
    }
}

impl<F: Fan> Subject for Batch<F> {
    fn prepare(&mut self) {
        self.fan.tend();
        for sent in &mut self.sent {
            self.fan.publish(sent);
        }
    }

    fn run(&mut self) {
        for sent in self.sent.chunks_mut(self.at_a_time) {
            let datagrams = self.fan.forward(sent);
            assert!(datagrams > 0);
        }
    }
}

/// The cipher alone, once for each packet that is forwarded.
fn alone(backend: &CryptoProvider, subscribers: u16) -> impl FnMut() {
    let algorithm = backend.aead(AeadId::Aes128Gcm).expect("GCM");
    let mut aead = algorithm.key(&[7; 16]).expect("a key");
    let mut packet = vec![0x42; fan::PAYLOAD + 12];
    move || {
        for _ in 0..BATCH * usize::from(subscribers) {
            let (header, payload) = packet.split_at_mut(12);
            let mut tag = [0; TAG_LEN];
            aead.seal(&[1; 12], header, payload, &mut tag);
        }
    }
}

fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let number = arguments.iter().find_map(|argument| argument.parse().ok());
    let subscribers = number.unwrap_or(50);
    println!(
        "{} bytes to {subscribers} subscribers: ns per forwarded packet, the least of {ROUNDS} batches of {BATCH}",
        fan::PAYLOAD
    );
    println!("             whole connections             senders    AES-128-GCM");
    println!("backend      a picture   single packets    and keys         alone");
    let is_named = |name: &str| arguments.iter().any(|argument| argument == name);
    let any = BACKENDS.iter().any(|backend| is_named(backend.name));
    for backend in BACKENDS.iter().filter(|b| !any || is_named(b.name)) {
        let mut pictures = Batch::new(Connections::new(backend, subscribers), BATCH);
        let mut singles = Batch::new(Connections::new(backend, subscribers), 1);
        let mut parts = Batch::new(Parts::new(backend, subscribers), 1);
        let mut alone = alone(backend, subscribers);
        let subjects: [&mut dyn Subject; 4] = [&mut pictures, &mut singles, &mut parts, &mut alone];
        let [pictures, singles, parts, alone] =
            least(ROUNDS, BATCH * usize::from(subscribers), subjects);
        println!(
            "{:<12} {pictures:>9.0} {singles:>16.0} {parts:>11.0} {alone:>14.0}",
            backend.name
        );
    }
}
