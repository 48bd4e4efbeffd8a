//! Two ends, a mean network between them, and virtual time.

mod bounds;
mod ends;
mod handshake;
mod matrix;
mod network;
mod orders;
mod refusals;
mod script;
mod vectors;

use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;
use core::time::Duration;

use super::*;
use crate::crypto::CryptoProvider;
use crate::crypto::certificate::{Certificate, CertificateOptions};
use crate::crypto::rust_crypto::PROVIDER;
use crate::cursor::Writer;
use crate::rng::Rng;
use crate::time::Instant;
use crate::wire::dtls::Datagram;

/// One end and what came out of it.
struct End {
    dtls: DtlsTransport,
    /// Whether it accepts whoever comes.
    accepts: bool,
    events: Vec<Event>,
    data: Vec<Vec<u8>>,
}

impl End {
    fn new(config: DtlsConfig, role: Role, seed: u64) -> Self {
        Self {
            dtls: DtlsTransport::new(config, role, &mut Rng::from_number(seed)),
            accepts: true,
            events: Vec::new(),
            data: Vec::new(),
        }
    }

    fn input(&mut self, now: Instant, mut datagram: Vec<u8>) {
        let mut rest = &mut datagram[..];
        while let Some(data) = self.dtls.open(now, &mut rest) {
            self.data.push(data.to_vec());
        }
        self.settle();
    }

    fn settle(&mut self) {
        while let Some(event) = self.dtls.poll_event() {
            if matches!(event, Event::PeerCertificate(_)) && self.accepts {
                self.dtls.accept_peer();
            }
            self.events.push(event);
        }
        while let Some(data) = self.dtls.take_early() {
            self.data.push(data);
        }
    }

    fn output(&mut self, now: Instant, mtu: usize) -> Option<Vec<u8>> {
        let mut buf = Vec::new();
        let sent = self
            .dtls
            .poll_transmit(now, &mut Writer::new(&mut buf, mtu));
        assert_eq!(sent, !buf.is_empty());
        self.settle();
        sent.then_some(buf)
    }

    fn outputs(&mut self, now: Instant, mtu: usize) -> Vec<Vec<u8>> {
        core::iter::from_fn(|| self.output(now, mtu)).collect()
    }

    fn seal(&mut self, data: &[u8]) -> Option<Vec<u8>> {
        let mut buf = Vec::new();
        let fill = |w: &mut Writer<'_>| {
            w.bytes(data);
            true
        };
        self.dtls
            .seal(&mut Writer::new(&mut buf, MTU), fill)
            .then_some(buf)
    }

    fn closed(&self) -> Option<CloseReason> {
        self.events.iter().find_map(|event| match event {
            Event::Closed(reason) => Some(*reason),
            _ => None,
        })
    }

    fn srtp(&self) -> Option<SrtpKeys> {
        self.events.iter().find_map(|event| match event {
            Event::Connected { srtp } => srtp.clone(),
            _ => None,
        })
    }

    fn is_connected(&self) -> bool {
        self.dtls.state() == DtlsState::Connected
    }
}

/// How mean is the network? Percentages.
#[derive(Clone, Copy, Default)]
struct Net {
    loss: u64,
    duplicate: u64,
    /// Up to so much delay, so that datagrams overtake each other.
    jitter_ms: u64,
}

struct Pair {
    client: End,
    server: End,
    net: Net,
    mtu: usize,
    now: Instant,
    rng: Rng,
    /// When it arrives, whether at the client, what.
    in_flight: Vec<(Instant, bool, Vec<u8>)>,
    sent: usize,
    /// A line for each datagram sent.
    trace: String,
}

const MTU: usize = 1200;

fn certificate(seed: u64) -> Arc<Certificate> {
    certificate_of(&PROVIDER, seed)
}

fn certificate_of(provider: &CryptoProvider, seed: u64) -> Arc<Certificate> {
    let options = CertificateOptions {
        common_name: String::from("test"),
        not_before: 1_700_000_000,
        not_after: 1_800_000_000,
    };
    let rng = &mut Rng::from_number(seed);
    Arc::new(Certificate::generate(provider, rng, &options).expect("valid options"))
}

fn config() -> DtlsConfig {
    DtlsConfig::new(&PROVIDER, certificate(7))
}

impl Pair {
    fn new(seed: u64) -> Self {
        Self::with(config(), config(), seed)
    }

    fn with(client: DtlsConfig, server: DtlsConfig, seed: u64) -> Self {
        let seed = seed.wrapping_mul(3);
        Self {
            client: End::new(client, Role::Client, seed),
            server: End::new(server, Role::Server, seed + 1),
            net: Net::default(),
            mtu: MTU,
            now: Instant::ZERO,
            rng: Rng::from_number(seed + 2),
            in_flight: Vec::new(),
            sent: 0,
            trace: String::new(),
        }
    }

    /// One step: all that can be sent is sent, and time jumps to the next thing.
    /// `false` if nothing is left to happen.
    fn step(&mut self) -> bool {
        for to_client in [false, true] {
            let from = if to_client {
                &mut self.server
            } else {
                &mut self.client
            };
            for datagram in from.outputs(self.now, self.mtu) {
                self.send(to_client, datagram);
            }
        }
        let arrival = self.in_flight.iter().map(|(at, ..)| *at).min();
        let timers = [
            self.client.dtls.poll_timeout(),
            self.server.dtls.poll_timeout(),
        ];
        let Some(next) = timers.into_iter().chain([arrival]).flatten().min() else {
            return false;
        };
        self.now = self.now.max(next);
        self.client.dtls.handle_timeout(self.now);
        self.server.dtls.handle_timeout(self.now);
        if let Some(index) = self.in_flight.iter().position(|(at, ..)| *at <= self.now) {
            let (_, to_client, datagram) = self.in_flight.swap_remove(index);
            let to = if to_client {
                &mut self.client
            } else {
                &mut self.server
            };
            to.input(self.now, datagram);
        }
        self.client.settle();
        self.server.settle();
        true
    }

    fn send(&mut self, to_client: bool, datagram: Vec<u8>) {
        self.sent += 1;
        let direction = if to_client { "C<S" } else { "C>S" };
        self.trace += &format!("{} {direction} {}\n", self.now, Datagram(&datagram));
        assert!(datagram.len() <= self.mtu);
        let copies = 1 + u64::from(self.rng.below(100) < self.net.duplicate);
        for _ in 0..copies {
            let jitter = self.rng.below(self.net.jitter_ms + 1);
            let at = self.now + Duration::from_millis(10 + jitter);
            if self.rng.below(100) >= self.net.loss {
                self.in_flight.push((at, to_client, datagram.clone()));
            }
        }
    }

    /// Runs until both ends are connected, or nothing more happens.
    fn run(&mut self) {
        while !(self.client.is_connected() && self.server.is_connected()) && self.step() {}
    }

    /// Runs until nothing more happens.
    fn drain(&mut self) {
        while self.step() {}
    }

    fn connected(mut self) -> Self {
        self.run();
        assert!(self.client.is_connected() && self.server.is_connected());
        self
    }

    fn echo(&mut self) {
        let sealed = self.client.seal(b"ping").expect("connected");
        self.server.input(self.now, sealed);
        let sealed = self.server.seal(b"pong").expect("connected");
        self.client.input(self.now, sealed);
        assert_eq!(self.server.data.pop(), Some(b"ping".to_vec()));
        assert_eq!(self.client.data.pop(), Some(b"pong".to_vec()));
    }
}

/// Compares with `tests/golden/dtls/<name>.txt`; `UPDATE_GOLDEN=1` writes it instead.
fn compare_golden(name: &str, text: &str) {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/dtls");
    let path = format!("{folder}/{name}.txt");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, text).expect("a writable golden file");
    }
    let golden = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(golden == text, "{path} differs from\n{text}");
}
