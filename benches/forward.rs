//! What does it cost to forward a packet of video, as the heart of an SFU does?
//!
//! A packet of one publisher is opened once; for each subscriber it is numbered
//! anew, kept to be repeated, and sealed into the buffer that a socket sends.
//! A time is what all of that costs, divided by the subscribers.
#![expect(
    clippy::print_stdout,
    clippy::std_instead_of_core,
    reason = "a bench has std, and tells its figures"
)]

#[path = "../tests/support/fan.rs"]
mod fan;
#[path = "support/rounds.rs"]
mod rounds;

use std::env;

use fan::Fan;
use pollrtc::crypto::CryptoProvider;
use rounds::{Subject, least};

const BACKENDS: &[&CryptoProvider] = &[
    &pollrtc::crypto::rust_crypto::PROVIDER,
    #[cfg(feature = "aws-lc-rs")]
    &pollrtc::crypto::aws_lc_rs::PROVIDER,
];

/// How many packets are timed at once.
const BATCH: usize = 2;
const ROUNDS: usize = 3000;

/// A fan and the packets that the publisher sent to it.
struct Batch {
    fan: Fan,
    sent: Vec<Vec<u8>>,
}

impl Batch {
    fn new(backend: &'static CryptoProvider, subscribers: usize) -> Self {
        let mut fan = Fan::new(backend, subscribers);
        // The histories fill, and their memory is used again from then on.
        for _ in 0..fan::WARM_UP {
            fan.forward_next();
        }
        Self {
            fan,
            sent: vec![Vec::new(); BATCH],
        }
    }
}

impl Subject for Batch {
    fn prepare(&mut self) {
        for sent in &mut self.sent {
            self.fan.publish(sent);
        }
    }

    fn run(&mut self) {
        for sent in &mut self.sent {
            self.fan.forward(sent);
        }
    }
}

fn main() {
    let arguments = env::args()
        .skip(1)
        .find_map(|argument| argument.parse().ok());
    let subscribers = arguments.unwrap_or(50);
    println!(
        "{} bytes to {subscribers} subscribers, the least of {ROUNDS} batches of {BATCH}",
        fan::PAYLOAD
    );
    for backend in BACKENDS {
        let mut batch = Batch::new(backend, subscribers);
        let [time] = least(ROUNDS, BATCH * subscribers, [&mut batch]);
        println!("{:<12} {time:>6.0} ns per forwarded packet", backend.name);
    }
}
