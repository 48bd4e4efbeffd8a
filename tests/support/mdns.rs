//! Two machines of multicast DNS on one link, each with a name that the other asks for.

use std::format;
use std::net::SocketAddr;

use pollrtc::cursor::Writer;
use pollrtc::mdns::{Event, Mdns, MdnsConfig, NameError, PORT};
use pollrtc::net::Path;
use pollrtc::rng::Rng;
use pollrtc::sim::Machine;
use pollrtc::time::Instant;

use super::laws::{Subject, path_of};

/// A machine, and how many of its questions are open.
pub struct Resolver {
    machine: Mdns,
    open: usize,
}

impl Resolver {
    fn resolve(&mut self, name: &str) {
        match self.machine.resolve(name) {
            Ok(()) => self.open += 1,
            // A refusal is as good as any answer.
            Err(NameError::TooMany | NameError::NoSocket | NameError::Closed) => {}
            Err(error) => panic!("{name}: {error}"),
        }
    }
}

/// What a host of the laws is on port 5353.
fn at_mdns(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip(), PORT)
}

fn name_of(side: usize) -> String {
    format!("side-{side}.local")
}

impl Machine for Resolver {
    type Event = Event;

    fn handle_input(&mut self, now: Instant, path: Path, datagram: &mut [u8]) {
        let path = Path::udp(at_mdns(path.local), at_mdns(path.remote));
        self.machine.handle_input(now, path, datagram);
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.machine.handle_timeout(now);
    }

    fn poll_transmit(&mut self, now: Instant, out: &mut Writer<'_>) -> Option<Path> {
        self.machine.poll_transmit(now, out)
    }

    fn poll_event(&mut self) -> Option<Event> {
        let event = self.machine.poll_event()?;
        self.open = self.open.saturating_sub(1);
        Some(event)
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.machine.poll_timeout()
    }
}

impl Subject for Resolver {
    fn pair(seed: u64) -> [Self; 2] {
        let mut rng = Rng::from_number(seed);
        [0, 1].map(|side| {
            let mut machine = Mdns::new(MdnsConfig::default(), &mut rng);
            let local = at_mdns(path_of(side).local);
            machine
                .add_socket(local)
                .expect("its port is the right one");
            machine
                .publish(&name_of(side), local.ip())
                .expect("one name is not too many");
            let mut resolver = Self { machine, open: 0 };
            resolver.resolve(&name_of(1 - side));
            resolver
        })
    }

    fn command(&mut self, _now: Instant, choice: u8) {
        // Each is asked for once, so that the answers can be counted.
        self.resolve(&format!(
            "n{choice}-{}.local",
            self.machine.stats().queries_sent
        ));
    }

    fn close(&mut self, _now: Instant) {
        self.machine.close();
    }

    fn is_terminal(event: &Event) -> bool {
        matches!(event, Event::Closed)
    }

    fn is_done(&self) -> bool {
        self.open == 0
    }

    fn dropped(&self) -> u64 {
        super::counters::mdns(&self.machine.stats())
    }
}
