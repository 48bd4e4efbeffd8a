//! Two ends of DTLS, with cryptography that can be forged.
#![no_main]

use std::sync::Arc;
use std::time::Duration;

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use pollrtc::crypto::certificate::{Certificate, CertificateOptions};
use pollrtc::crypto::fake;
use pollrtc::cursor::Writer;
use pollrtc::dtls::{CloseReason, DtlsConfig, DtlsState, DtlsTransport, Event, Role};
use pollrtc::net::Path;
use pollrtc::rng::Rng;
use pollrtc::sim::Machine;
use pollrtc::time::Instant;
use pollrtc_fuzz::{Pair, Side, Step, path};

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Command {
    Send(u8),
    Accept,
    Close,
}

fuzz_target!(|steps: Vec<Step<Command>>| {
    let mut is_closed = false;
    let mut pair = Pair::new(Dtls::new(Side::A), Dtls::new(Side::B));
    for step in steps {
        pair.step(step, |dtls, _, command| match command {
            Command::Send(len) => dtls.to_send.push(len),
            Command::Accept => dtls.transport.accept_peer(),
            Command::Close => {
                is_closed = true;
                dtls.transport.close(CloseReason::Requested);
            }
        });
    }
    // Whatever was lost, repeated or reordered: in time it gets through.
    if pair.is_honest() && !is_closed && pair.now() < Instant::from_millis(20_000) {
        pair.calm(pair.now() + Duration::from_secs(30));
        for side in [Side::A, Side::B] {
            let state = pair.machine(side).transport.state();
            assert_eq!(state, DtlsState::Connected, "{side:?}");
        }
    }
});

/// An end, and what its owner has to say.
struct Dtls {
    path: Path,
    transport: DtlsTransport,
    to_send: Vec<u8>,
    is_over: bool,
}

impl Dtls {
    fn new(side: Side) -> Self {
        let mut rng = Rng::from_number(side as u64);
        let role = match side {
            Side::A => Role::Client,
            Side::B => Role::Server,
        };
        let options = CertificateOptions {
            common_name: "fuzz".into(),
            not_before: 0,
            not_after: 1,
        };
        let certificate = Certificate::generate(&fake::PROVIDER, &mut rng, &options).unwrap();
        let config = DtlsConfig::new(&fake::PROVIDER, Arc::new(certificate));
        Self {
            path: path(side),
            transport: DtlsTransport::new(config, role, &mut rng),
            to_send: Vec::new(),
            is_over: false,
        }
    }
}

impl Machine for Dtls {
    type Event = Event;

    fn handle_input(&mut self, now: Instant, _: Path, mut datagram: &mut [u8]) {
        while self.transport.open(now, &mut datagram).is_some() {
            assert!(!self.is_over, "nothing is heard after the end");
        }
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.transport.handle_timeout(now);
    }

    fn poll_transmit(&mut self, now: Instant, out: &mut Writer<'_>) -> Option<Path> {
        let mut sent = self.transport.poll_transmit(now, out);
        if !sent && let Some(&len) = self.to_send.last() {
            sent = self.transport.seal(out, |w| {
                w.zeros(len.into());
                true
            });
            self.to_send.pop();
        }
        assert!(!(sent && self.is_over), "nothing is said after the end");
        sent.then_some(self.path)
    }

    fn poll_event(&mut self) -> Option<Event> {
        let event = self.transport.poll_event()?;
        assert!(!self.is_over, "nothing happens after the end");
        match event {
            Event::PeerCertificate(_) => self.transport.accept_peer(),
            Event::Connected { .. } => while self.transport.take_early().is_some() {},
            Event::Closed(_) => self.is_over = true,
            _ => {}
        }
        Some(event)
    }

    fn poll_timeout(&self) -> Option<Instant> {
        let next = self.transport.poll_timeout();
        assert!(!(next.is_some() && self.is_over), "no clock after the end");
        next
    }
}
