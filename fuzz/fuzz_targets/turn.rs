//! A TURN client, a server, and whoever speaks in the server's place.
#![no_main]

use std::collections::VecDeque;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use pollrtc::crypto::{HashId, fake};
use pollrtc::cursor::{Reader, Writer};
use pollrtc::net::Path;
use pollrtc::rng::Rng;
use pollrtc::sim::{Habit, Machine, TurnServer, TurnServerConfig};
use pollrtc::stun::Key;
use pollrtc::time::Instant;
use pollrtc::turn::{Event, State, TurnClient, TurnConfig};
use pollrtc::wire::demux;
use pollrtc::wire::stun::{
    Attribute, Builder, Class, ErrorCode, Message, Method, PasswordAlgorithms, TransactionId,
};
use pollrtc_fuzz::{Pair, Side, Step, path};

#[derive(Arbitrary, Clone, Debug)]
enum Command {
    Permit(u8),
    Bind(u8),
    Forget(u8),
    Send {
        to: u8,
        len: u8,
    },
    Close,
    /// The server finds all nonces too old.
    ExpireNonces,
    Habit(u8, u16),
    /// Somebody answers the `which`th last request.
    Say {
        class: u8,
        method: u8,
        which: u8,
        says: Vec<Said>,
        is_signed: bool,
    },
}

/// A statement of a message made up.
#[derive(Arbitrary, Clone, Debug)]
enum Said {
    Error(u16),
    Realm(bool),
    Nonce(Vec<u8>),
    Algorithms(Vec<u8>),
    Relayed(u8),
    Mapped(u8),
    Lifetime(u32),
    Peer(u8),
    Data(u8),
    Alternate(u8),
    Domain(u8),
    Other(u16, Vec<u8>),
}

fuzz_target!(|input: (bool, Vec<Step<Command>>)| {
    let (is_modern, steps) = input;
    let mut pair = Pair::new(End::client(), End::server(is_modern));
    let mut is_disturbed = false;
    for step in steps {
        if let Step::Command { command, .. } = &step {
            // A nonce that expires between an Allocate and its repeat gives the server
            // a second request for what it has lent already: 437.
            is_disturbed |= matches!(
                command,
                Command::Close | Command::ExpireNonces | Command::Habit(..) | Command::Say { .. }
            );
        }
        pair.step(step, End::command);
    }
    if pair.is_honest() && !is_disturbed && pair.now() < Instant::from_millis(20_000) {
        // Whatever was lost, repeated or reordered: there is an address in time.
        pair.calm(pair.now() + Duration::from_secs(60));
        let End::Client(client) = pair.machine(Side::A) else {
            unreachable!("it is the client");
        };
        assert_eq!(client.turn.state(), State::Allocated);
    }
});

#[expect(clippy::large_enum_variant, reason = "there are two of them")]
enum End {
    Client(Client),
    Server(TurnServer<Event>),
}

/// A client and its application.
struct Client {
    turn: TurnClient,
    /// The latest requests.
    asked: VecDeque<TransactionId>,
    unsent: VecDeque<(SocketAddr, u8)>,
    is_over: bool,
}

const USER: (&str, &str) = ("alice", "secret");

/// One of a few peers, and some that cannot be.
fn peer(index: u8) -> SocketAddr {
    match index {
        0 => ([0, 0, 0, 0], 0).into(),
        1 => ([0; 16], 1).into(),
        _ => (Ipv4Addr::new(198, 51, 100, index % 8), u16::from(index)).into(),
    }
}

impl End {
    fn client() -> Self {
        let config = TurnConfig::new(&fake::PROVIDER, USER.0, USER.1);
        let rng = &mut Rng::from_number(1);
        let mut turn = TurnClient::new(config, path(Side::A), rng).expect("there is an HMAC");
        turn.allocate();
        Self::Client(Client {
            turn,
            asked: VecDeque::new(),
            unsent: VecDeque::new(),
            is_over: false,
        })
    }

    fn server(is_modern: bool) -> Self {
        let address = path(Side::B).local;
        let relays = (5000..5002).map(|port| SocketAddr::new(address.ip(), port));
        let mut config = TurnServerConfig::new(&fake::PROVIDER, address, relays.collect(), USER);
        config.modern = is_modern;
        Self::Server(TurnServer::new(config, &mut Rng::from_number(2)))
    }

    fn command(&mut self, now: Instant, command: Command) {
        match self {
            Self::Client(client) => client.command(now, command),
            Self::Server(server) => match command {
                Command::ExpireNonces => server.expire_nonces(),
                Command::Habit(which, number) => server.set_habit(match which % 8 {
                    0 => Habit::Silent,
                    1 => Habit::Refuses(300 + number % 400),
                    2 => Habit::AllStale,
                    3 => Habit::Redirects(peer(which)),
                    4 => Habit::BadIntegrity,
                    5 => Habit::NoIntegrity,
                    6 => Habit::Lifetime(number.into()),
                    _ => Habit::Sound,
                }),
                _ => {}
            },
        }
    }
}

impl Client {
    /// A refusal is as good as any answer.
    fn command(&mut self, now: Instant, command: Command) {
        match command {
            Command::Permit(index) => drop(self.turn.permit(peer(index).ip())),
            Command::Bind(index) => drop(self.turn.bind(peer(index))),
            Command::Forget(index) => self.turn.forget(peer(index)),
            Command::Send { to, len } => self.unsent.push_back((peer(to), len)),
            Command::Close => self.turn.close(),
            Command::Say {
                class,
                method,
                which,
                says,
                is_signed,
            } => {
                let class = match class % 3 {
                    0 => Class::Success,
                    1 => Class::Error,
                    _ => Class::Indication,
                };
                let method = Method::new(u16::from(method % 10));
                let index = usize::from(which).checked_rem(self.asked.len());
                let id = index.and_then(|index| self.asked.get(index)).copied();
                let id = id.unwrap_or(TransactionId([which; 12]));
                let mut bytes = made_up(class, method, id, &says, is_signed);
                self.open(now, &mut bytes);
            }
            Command::ExpireNonces | Command::Habit(..) => {}
        }
    }

    fn open(&mut self, now: Instant, datagram: &mut [u8]) {
        if let Some((peer, _)) = self.turn.open(now, datagram) {
            assert!(!self.is_over, "nothing is heard after the end");
            let permitted = self.turn.is_permitted(peer.ip());
            assert!(
                permitted || self.turn.is_bound(peer),
                "{peer} is a stranger"
            );
        }
    }

    /// What was sent last is what can be answered.
    fn note(&mut self, bytes: &[u8]) {
        if demux::classify(bytes) == demux::Class::Stun {
            let message = Message::parse(&mut Reader::new(bytes)).expect("a message of ours");
            self.asked.push_front(message.transaction_id());
            self.asked.truncate(8);
        }
    }
}

/// A message whose proof is as good as the server's: every MAC is the same here.
fn made_up(
    class: Class,
    method: Method,
    id: TransactionId,
    says: &[Said],
    is_signed: bool,
) -> Vec<u8> {
    let mut buf = Vec::new();
    let mut w = Writer::new(&mut buf, 1 << 16);
    let mut builder = Builder::new(&mut w, class, method, id);
    for said in says {
        let data;
        let attribute = match said {
            Said::Error(code) => ErrorCode::new(300 + code % 400, "").map(Attribute::ErrorCode),
            Said::Realm(own) => Some(Attribute::Realm(if *own { "relay.example" } else { "x" })),
            Said::Nonce(nonce) => Some(Attribute::Nonce(nonce)),
            Said::Algorithms(list) => PasswordAlgorithms::parse(list)
                .ok()
                .map(Attribute::PasswordAlgorithms),
            Said::Relayed(index) => Some(Attribute::XorRelayedAddress(peer(*index))),
            Said::Mapped(index) => Some(Attribute::XorMappedAddress(peer(*index))),
            Said::Lifetime(seconds) => Some(Attribute::Lifetime(*seconds)),
            Said::Peer(index) => Some(Attribute::XorPeerAddress(peer(*index))),
            Said::Data(len) => {
                data = vec![7; usize::from(*len)];
                Some(Attribute::Data(&data))
            }
            Said::Alternate(index) => Some(Attribute::AlternateServer(peer(*index))),
            Said::Domain(len) => {
                data = vec![b'a'; usize::from(*len)];
                std::str::from_utf8(&data)
                    .ok()
                    .map(Attribute::AlternateDomain)
            }
            Said::Other(kind, bytes) => Some(Attribute::Unknown { kind: *kind, bytes }),
        };
        if let Some(attribute) = attribute {
            builder.attribute(&attribute);
        }
    }
    if is_signed {
        let hash = if says.len().is_multiple_of(2) {
            HashId::Sha1
        } else {
            HashId::Sha256
        };
        Key::new(&fake::PROVIDER, hash, b"")
            .expect("an HMAC")
            .sign(&mut builder);
    }
    buf
}

impl Machine for End {
    type Event = Event;

    fn handle_input(&mut self, now: Instant, path: Path, datagram: &mut [u8]) {
        match self {
            Self::Client(client) if path == client.turn.path() => client.open(now, datagram),
            Self::Client(_) => {}
            Self::Server(server) => server.handle_input(now, path, datagram),
        }
    }

    fn handle_timeout(&mut self, now: Instant) {
        match self {
            Self::Client(client) => client.turn.handle_timeout(now),
            Self::Server(server) => server.handle_timeout(now),
        }
    }

    fn poll_transmit(&mut self, now: Instant, out: &mut Writer<'_>) -> Option<Path> {
        let client = match self {
            Self::Client(client) => client,
            Self::Server(server) => return server.poll_transmit(now, out),
        };
        let mut sent = client.turn.poll_transmit(now, out);
        if !sent && let Some((peer, len)) = client.unsent.pop_front() {
            sent = client.turn.seal(peer, out, |w| {
                w.zeros(len.into());
                true
            });
        }
        assert!(!sent || !client.is_over, "nothing is said after the end");
        if sent {
            let bytes = out.written(0).to_vec();
            client.note(&bytes);
        }
        sent.then(|| client.turn.path())
    }

    fn poll_event(&mut self) -> Option<Event> {
        let Self::Client(client) = self else {
            return None;
        };
        let event = client.turn.poll_event()?;
        assert!(!client.is_over, "nothing happens after the end");
        client.is_over = event == Event::Closed;
        if let Event::Redirected { .. } = &event {
            let path = client.turn.path();
            client.turn.follow(path);
        }
        Some(event)
    }

    fn poll_timeout(&self) -> Option<Instant> {
        match self {
            Self::Client(client) => {
                let next = client.turn.poll_timeout();
                let is_over = matches!(client.turn.state(), State::Failed | State::Closed);
                assert!(next.is_none() || !is_over, "no clock after the end");
                next
            }
            Self::Server(server) => server.poll_timeout(),
        }
    }
}
