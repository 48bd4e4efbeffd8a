//! A TURN client and its server, at the two ends of one wire.

use std::collections::VecDeque;
use std::net::SocketAddr;

use pollrtc::crypto::rust_crypto::PROVIDER;
use pollrtc::cursor::Writer;
use pollrtc::net::Path;
use pollrtc::rng::Rng;
use pollrtc::sim::{Machine, TurnServer, TurnServerConfig};
use pollrtc::time::Instant;
use pollrtc::turn::{Event, State, TurnClient, TurnConfig};

use super::counters;
use super::laws::{Subject, path_of};

/// Either end.
#[expect(clippy::large_enum_variant, reason = "there are two of them")]
pub enum TurnEnd {
    Client(TurnClient, VecDeque<SocketAddr>),
    Server(TurnServer<Event>),
}

fn peer(choice: u8) -> SocketAddr {
    ([198, 51, 100, choice % 8], u16::from(choice) + 1).into()
}

impl Machine for TurnEnd {
    type Event = Event;

    fn handle_input(&mut self, now: Instant, path: Path, datagram: &mut [u8]) {
        match self {
            Self::Client(turn, _) => drop(turn.open(now, datagram)),
            Self::Server(server) => server.handle_input(now, path, datagram),
        }
    }

    fn handle_timeout(&mut self, now: Instant) {
        match self {
            Self::Client(turn, _) => turn.handle_timeout(now),
            Self::Server(server) => server.handle_timeout(now),
        }
    }

    fn poll_transmit(&mut self, now: Instant, out: &mut Writer<'_>) -> Option<Path> {
        let (turn, unsent) = match self {
            Self::Client(turn, unsent) => (turn, unsent),
            Self::Server(server) => return server.poll_transmit(now, out),
        };
        if turn.poll_transmit(now, out) {
            return Some(turn.path());
        }
        let peer = unsent.pop_front()?;
        let sealed = turn.seal(peer, out, |w| {
            w.bytes(b"data");
            true
        });
        sealed.then(|| turn.path())
    }

    fn poll_event(&mut self) -> Option<Event> {
        match self {
            Self::Client(turn, _) => turn.poll_event(),
            Self::Server(server) => server.poll_event(),
        }
    }

    fn poll_timeout(&self) -> Option<Instant> {
        match self {
            Self::Client(turn, _) => turn.poll_timeout(),
            Self::Server(server) => server.poll_timeout(),
        }
    }
}

impl Subject for TurnEnd {
    fn pair(seed: u64) -> [Self; 2] {
        let mut rng = Rng::from_number(seed);
        let config = TurnConfig::new(&PROVIDER, "alice", "secret");
        let mut turn = TurnClient::new(config, path_of(0), &mut rng).expect("a client");
        turn.allocate();
        turn.permit(peer(0).ip()).expect("one peer is not too many");
        let address = path_of(1).local;
        let relays = (50_000..50_002).map(|port| SocketAddr::new(address.ip(), port));
        let config =
            TurnServerConfig::new(&PROVIDER, address, relays.collect(), ("alice", "secret"));
        let server = TurnServer::new(config, &mut rng);
        [Self::Client(turn, VecDeque::new()), Self::Server(server)]
    }

    fn command(&mut self, _now: Instant, choice: u8) {
        match self {
            // A refusal is as good as any answer. The first peer is not forgotten.
            Self::Client(turn, unsent) => match choice {
                0..60 => drop(turn.permit(peer(choice).ip())),
                60..120 => drop(turn.bind(peer(choice))),
                120..160 if !(choice - 60).is_multiple_of(8) => turn.forget(peer(choice - 60)),
                _ => unsent.push_back(peer(choice - 60)),
            },
            Self::Server(server) if choice < 64 => server.expire_nonces(),
            Self::Server(_) => {}
        }
    }

    fn close(&mut self, _now: Instant) {
        if let Self::Client(turn, _) = self {
            turn.close();
        }
    }

    fn is_terminal(event: &Event) -> bool {
        matches!(event, Event::Closed)
    }

    fn is_done(&self) -> bool {
        match self {
            Self::Client(turn, _) => {
                turn.state() == State::Allocated && turn.is_permitted(peer(0).ip())
            }
            Self::Server(_) => true,
        }
    }

    fn dropped(&self) -> u64 {
        match self {
            // What a channel lets through is the business of who reads it.
            Self::Client(turn, _) => {
                let stats = turn.stats();
                stats.packets_received + counters::turn(&stats)
            }
            Self::Server(server) => {
                let stats = server.stats();
                stats.dropped + stats.relayed + stats.unpermitted
            }
        }
    }
}
