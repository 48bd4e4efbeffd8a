//! What servers, and those who pretend to be one, can do to a client.

use std::net::SocketAddr;

use pollrtc::crypto::HashId;
use pollrtc::crypto::rust_crypto::PROVIDER;
use pollrtc::cursor::{Reader, Writer};
use pollrtc::net::Path;
use pollrtc::sim::{Habit, Link};
use pollrtc::stun::{Failure, Key};
use pollrtc::time::Instant;
use pollrtc::turn::{Event, PeerError, State, TurnClient, TurnConfig};
use pollrtc::wire::stun::{
    Attribute, Builder, Class, ErrorCode, Message, Method, PasswordAlgorithms, TransactionId,
};

use crate::support::*;

/// A client whose server is played by the test.
struct Script {
    now: Instant,
    turn: TurnClient,
    /// The request that was sent last.
    asked: Vec<u8>,
}

const REALM: &str = "relay.example";
const NONCE: &[u8] = b"nonce";

fn key() -> Key {
    let mut md5 = PROVIDER.hash(HashId::Md5).expect("MD5").start();
    md5.update(format!("{}:{REALM}:{}", USER.0, USER.1).as_bytes());
    Key::new(&PROVIDER, HashId::Sha1, &md5.current()).expect("a key")
}

fn message(
    class: Class,
    method: Method,
    id: TransactionId,
    says: &[Attribute<'_>],
    key: Option<&Key>,
) -> Vec<u8> {
    let mut buf = Vec::new();
    let mut w = Writer::new(&mut buf, 60_000);
    let mut builder = Builder::new(&mut w, class, method, id);
    for attribute in says {
        builder.attribute(attribute);
    }
    if let Some(key) = key {
        key.sign(&mut builder);
    }
    buf
}

fn error(code: u16) -> Attribute<'static> {
    Attribute::ErrorCode(ErrorCode::new(code, "no").expect("a code"))
}

impl Script {
    fn new() -> Self {
        let path = Path::udp(addr(CLIENT), addr(SERVER));
        let config = TurnConfig {
            keepalive: None,
            ..client_config()
        };
        let turn = TurnClient::new(config, path, &mut rng()).expect("a client");
        let mut script = Self {
            now: Instant::ZERO,
            turn,
            asked: Vec::new(),
        };
        script.turn.allocate();
        assert!(script.poll());
        script
    }

    /// Challenged, and asking with a proof.
    fn challenged() -> Self {
        let mut script = Self::new();
        script.refuse(
            401,
            &[Attribute::Realm(REALM), Attribute::Nonce(NONCE)],
            None,
        );
        assert!(script.poll());
        script
    }

    /// With an address, for so many seconds, and nothing more to ask.
    fn allocated(seconds: u32) -> Self {
        let mut script = Self::challenged();
        script.allocate(addr("192.0.2.1:50000"), seconds);
        script
    }

    fn allocate(&mut self, relayed: SocketAddr, seconds: u32) {
        let says = [
            Attribute::XorRelayedAddress(relayed),
            Attribute::XorMappedAddress(addr(CLIENT)),
            Attribute::Lifetime(seconds),
        ];
        self.succeed(&says, Some(&key()));
    }

    fn poll(&mut self) -> bool {
        let mut buf = Vec::new();
        let sent = self
            .turn
            .poll_transmit(self.now, &mut Writer::new(&mut buf, 1200));
        if sent {
            self.asked = buf;
        }
        sent
    }

    fn asked(&self) -> Message<'_> {
        Message::parse(&mut Reader::new(&self.asked)).expect("a message")
    }

    fn succeed(&mut self, says: &[Attribute<'_>], key: Option<&Key>) {
        let asked = self.asked();
        let bytes = message(
            Class::Success,
            asked.method(),
            asked.transaction_id(),
            says,
            key,
        );
        self.give(&bytes);
    }

    fn refuse(&mut self, code: u16, says: &[Attribute<'_>], key: Option<&Key>) {
        let asked = self.asked();
        let mut all = vec![error(code)];
        all.extend(says);
        let bytes = message(
            Class::Error,
            asked.method(),
            asked.transaction_id(),
            &all,
            key,
        );
        self.give(&bytes);
    }

    /// Whether it was data.
    fn give(&mut self, bytes: &[u8]) -> bool {
        self.turn.open(self.now, &mut bytes.to_vec()).is_some()
    }

    /// Lets time pass until the next deadline.
    fn wait(&mut self) -> bool {
        let Some(deadline) = self.turn.poll_timeout() else {
            return false;
        };
        self.now = deadline;
        self.turn.handle_timeout(deadline);
        true
    }

    fn events(&mut self) -> Vec<Event> {
        std::iter::from_fn(|| self.turn.poll_event()).collect()
    }

    fn failure(&mut self) -> Option<u16> {
        match self.events().pop() {
            Some(Event::Failed(failure)) => Some(failure.code),
            _ => None,
        }
    }

    fn is_silent(&mut self) -> bool {
        !self.poll() && self.turn.poll_timeout().is_none() && self.turn.poll_event().is_none()
    }
}

/// ICE-020: every error has its end, and none its storm.
#[test]
fn ice_020_every_refusal_of_an_allocation_is_told_once() {
    for code in [
        300, 400, 401, 403, 405, 420, 437, 440, 441, 442, 486, 487, 508, 600, 699,
    ] {
        let mut script = Script::challenged();
        script.refuse(code, &[], Some(&key()));
        assert_eq!(script.failure(), Some(code));
        assert!(script.is_silent(), "{code}");
        assert_eq!(script.turn.stats().requests_sent, 2, "{code}");
    }
}

#[test]
fn ice_020_a_server_in_trouble_is_asked_a_few_times_with_growing_pauses() {
    for code in [500, 503, 599] {
        let mut script = Script::challenged();
        let mut asked = vec![script.now];
        loop {
            script.refuse(code, &[], Some(&key()));
            if !script.wait() {
                break;
            }
            assert!(script.poll(), "{code}");
            asked.push(script.now);
        }
        assert_eq!(script.failure(), Some(code));
        let times: Vec<_> = asked.iter().map(|at| at.as_millis()).collect();
        assert_eq!(times, [0, 500, 1500, 3500, 7500]);
        assert!(script.is_silent());
    }
}

/// ATK-042: a nonce that changes with every answer.
#[test]
fn atk_042_a_loop_of_stale_nonces_ends() {
    let mut script = Script::challenged();
    let mut rounds = 0_u8;
    loop {
        rounds += 1;
        let nonce = [rounds; 8];
        script.refuse(
            438,
            &[Attribute::Realm(REALM), Attribute::Nonce(&nonce)],
            None,
        );
        if script.poll() {
            continue;
        }
        if !script.wait() {
            break;
        }
        assert!(script.poll());
    }
    assert_eq!((rounds, script.failure()), (5, Some(438)));
    assert!(script.is_silent());
}

/// ATK-042, with a client that has an address: its peers are refused, but slowly.
#[test]
fn atk_042_a_storm_of_stale_nonces_is_slow() {
    let mut net = Net::allocated(1, Link::with_delay(std::time::Duration::from_millis(1)));
    net.server(|server| server.set_habit(Habit::AllStale));
    for port in 0..50 {
        let peer = SocketAddr::new(ip(PEER), 7000 + port);
        net.turn(|turn| turn.bind(peer)).expect("bound");
    }
    let before = net.served().requests;
    net.run_for(60);
    let asked = net.served().requests - before;
    assert!(asked < 200, "{asked} requests in a minute");
}

#[test]
fn atk_042_servers_that_send_us_to_each_other_are_left() {
    let mut net = Net::new(2, Link::default());
    let other = add_server(&mut net.world, "other", server_config(OTHER));
    net.server(|server| server.set_habit(Habit::Redirects(addr(OTHER))));
    net.world.with(other, |node, _| {
        if let Node::Server(server) = node {
            server.set_habit(Habit::Redirects(addr(SERVER)));
        }
    });
    net.turn(TurnClient::allocate);
    assert!(net.run_until(1, |net| net.state() == State::Failed));
    assert!(matches!(
        net.events.last(),
        Some(Event::Failed(Failure { code: 300, .. }))
    ));
}

/// ATK-043: into our own house, or to whoever sits beside us.
#[test]
fn atk_043_nobody_sends_us_to_ourselves() {
    for inside in [
        "127.0.0.1:22",
        "169.254.169.254:80",
        "0.0.0.0:1",
        "[2001:db8::1]:3478",
    ] {
        let mut script = Script::new();
        script.refuse(300, &[Attribute::AlternateServer(addr(inside))], None);
        assert_eq!(script.failure(), Some(300), "{inside}");
        assert!(script.is_silent());
    }
}

/// ATK-043: what proves us to one realm is not shown to another.
#[test]
fn atk_043_another_realm_gets_no_proof() {
    let mut script = Script::challenged();
    script.refuse(
        300,
        &[Attribute::AlternateServer(addr(OTHER))],
        Some(&key()),
    );
    assert!(
        matches!(script.events()[..], [Event::Redirected { server, .. }] if server == addr(OTHER))
    );
    assert!(!script.poll(), "it waits for a way there");
    script.turn.follow(Path::udp(addr(CLIENT), addr(OTHER)));
    assert!(script.poll());
    assert!(script.asked().integrity().is_none(), "no proof yet");
    script.refuse(
        401,
        &[Attribute::Realm("evil.example"), Attribute::Nonce(NONCE)],
        None,
    );
    assert_eq!(script.failure(), Some(401));
    assert!(script.is_silent());
}

/// ICE-029: who did not see the request, or does not know the key, says nothing.
#[test]
fn ice_029_spoofed_answers_change_nothing() {
    let mut script = Script::challenged();
    let other = TransactionId([7; 12]);
    let bytes = message(Class::Success, Method::ALLOCATE, other, &[], Some(&key()));
    script.give(&bytes);
    assert_eq!(script.turn.stats().dropped.unknown_transaction, 1);
    // The right transaction, but no proof, a wrong one, or another method.
    let relayed = Attribute::XorRelayedAddress(addr("203.0.113.66:1"));
    let says = [relayed, Attribute::XorMappedAddress(addr(CLIENT))];
    let wrong = Key::short_term(&PROVIDER, "guess").expect("a key");
    script.succeed(&says, None);
    script.succeed(&says, Some(&wrong));
    script.refuse(486, &[], None);
    script.refuse(
        300,
        &[Attribute::AlternateServer(addr(OTHER))],
        Some(&wrong),
    );
    assert_eq!(script.turn.stats().dropped.unauthenticated, 4);
    let id = script.asked().transaction_id();
    script.give(&message(
        Class::Success,
        Method::REFRESH,
        id,
        &says,
        Some(&key()),
    ));
    script.give(&message(
        Class::Error,
        Method::ALLOCATE,
        id,
        &says,
        Some(&key()),
    ));
    assert_eq!(script.turn.stats().dropped.unexpected, 2);
    assert_eq!(script.events(), []);
    // The request is still repeated, and the right answer still counts.
    assert!(script.wait() && script.poll());
    script.allocate(addr("192.0.2.1:50000"), 600);
    assert_eq!(script.turn.relayed(), Some(addr("192.0.2.1:50000")));
}

/// RFC 8489 §9.2.5: if nothing better comes, what was not believed is the reason.
#[test]
fn an_error_without_a_proof_is_the_reason_in_the_end() {
    let mut script = Script::challenged();
    script.refuse(486, &[], None);
    while script.wait() {
        script.poll();
    }
    assert_eq!(
        script.now,
        Instant::ZERO + pollrtc::stun::Schedule::default().total()
    );
    assert_eq!(script.failure(), Some(486));
}

/// ICE-030, ATK-042: the nonce says that there are better algorithms.
#[test]
fn ice_030_a_removed_offer_is_not_accepted() {
    let mut script = Script::new();
    let says = [
        Attribute::Realm(REALM),
        Attribute::Nonce(b"obMatJos2gAAAnonce"),
    ];
    script.refuse(401, &says, None);
    assert_eq!(script.failure(), Some(401));
    assert!(script.is_silent());
    // Later it would not be accepted either, with or without the cookie.
    for nonce in [&b"obMatJos2gAAAnonce"[..], b"another"] {
        let mut script = Script::new();
        let list = PasswordAlgorithms::parse(&[0, 2, 0, 0]).expect("a list");
        let mut says = vec![
            Attribute::Realm(REALM),
            Attribute::Nonce(b"obMatJos2gAAAnonce"),
        ];
        says.push(Attribute::PasswordAlgorithms(list));
        script.refuse(401, &says, None);
        assert!(script.poll());
        assert!(script.asked().integrity_sha256().is_some());
        assert!(script.asked().integrity().is_none());
        script.refuse(
            438,
            &[Attribute::Realm(REALM), Attribute::Nonce(nonce)],
            None,
        );
        assert_eq!(script.failure(), Some(438));
    }
}

/// ATK-044, ATK-027: nothing of a server's is kept beyond a limit.
#[test]
fn atk_044_long_words_are_not_repeated() {
    let long = "x".repeat(257);
    let list = [0, 2, 0, 0].repeat(17);
    let list = PasswordAlgorithms::parse(&list).expect("a list");
    let bombs: [&[Attribute<'_>]; 4] = [
        &[Attribute::Realm(&long), Attribute::Nonce(NONCE)],
        &[Attribute::Realm(REALM), Attribute::Nonce(long.as_bytes())],
        &[
            Attribute::Realm(REALM),
            Attribute::Nonce(NONCE),
            Attribute::PasswordAlgorithms(list),
        ],
        &[Attribute::Realm(REALM)],
    ];
    for bomb in bombs {
        let mut script = Script::new();
        script.refuse(401, bomb, None);
        assert_eq!(script.failure(), Some(401));
        assert!(script.is_silent());
    }
    let mut script = Script::new();
    let many = [Attribute::Realm(REALM); 65];
    script.refuse(401, &many, None);
    assert_eq!(script.turn.stats().dropped.malformed, 1);
    assert_eq!(script.turn.state(), State::Allocating);
}

/// The longest words that are accepted still leave room for every request.
#[test]
fn the_longest_words_fit_into_a_datagram() {
    let config = TurnConfig {
        username: "u".repeat(508),
        ..client_config()
    };
    let path = Path::udp(addr(CLIENT), addr(SERVER));
    let mut script = Script::new();
    script.turn = TurnClient::new(config, path, &mut rng()).expect("a client");
    script.turn.allocate();
    assert!(script.poll());
    let text = "y".repeat(256);
    let list = [0, 2, 0, 0].repeat(16);
    let list = PasswordAlgorithms::parse(&list).expect("a list");
    let says = [
        Attribute::Realm(&text),
        Attribute::Nonce(text.as_bytes()),
        Attribute::PasswordAlgorithms(list),
    ];
    script.refuse(401, &says, None);
    assert!(script.poll());
    assert!(script.asked.len() <= 1200, "{}", script.asked.len());
}

/// ICE-028.
#[test]
fn ice_028_what_must_be_understood_and_is_not_spoils_a_message() {
    let strange = Attribute::Unknown {
        kind: 0x7abc,
        bytes: b"?",
    };
    let mut script = Script::challenged();
    script.succeed(&[strange], Some(&key()));
    assert_eq!(script.failure(), Some(Failure::NO_ANSWER));

    let mut script = Script::allocated(600);
    permit(&mut script);
    let id = TransactionId([1; 12]);
    let peer = Attribute::XorPeerAddress(addr(PEER));
    let mut says = vec![peer, Attribute::Data(b"data")];
    assert!(script.give(&message(Class::Indication, Method::DATA, id, &says, None)));
    says.push(strange);
    assert!(!script.give(&message(Class::Indication, Method::DATA, id, &says, None)));
    assert_eq!(script.turn.stats().dropped.unexpected, 1);
}

fn permit(script: &mut Script) {
    script.turn.permit(ip(PEER)).expect("permitted");
    assert!(script.poll());
    script.succeed(&[], Some(&key()));
    assert!(script.turn.is_permitted(ip(PEER)));
}

/// ICE-023, ICE-024, ATK-042: data of nobody that we know.
#[test]
fn atk_042_data_of_strangers_is_dropped_and_counted() {
    let mut script = Script::allocated(600);
    permit(&mut script);
    let id = TransactionId([1; 12]);
    let data = Attribute::Data(b"data");
    let stranger = Attribute::XorPeerAddress(addr("198.51.100.2:7000"));
    assert!(!script.give(&message(
        Class::Indication,
        Method::DATA,
        id,
        &[stranger, data],
        None
    )));
    assert_eq!(script.turn.stats().dropped.unknown_peer, 1);
    for says in [&[data][..], &[stranger], &[]] {
        assert!(!script.give(&message(Class::Indication, Method::DATA, id, says, None)));
    }
    assert!(!script.give(&message(
        Class::Request,
        Method::DATA,
        id,
        &[stranger, data],
        None
    )));
    assert_eq!(script.turn.stats().dropped.unexpected, 4);

    assert!(!script.give(&[0x40, 0, 0, 1, 7]));
    assert!(!script.give(&[0x4f, 0xff, 0, 1, 7]));
    script.turn.bind(addr(PEER)).expect("bound");
    assert!(!script.give(&[0x40, 0, 0, 1, 7]), "not bound yet");
    assert_eq!(script.turn.stats().dropped.unknown_channel, 3);
    assert!(script.poll());
    script.succeed(&[], Some(&key()));
    assert!(script.give(&[0x40, 0, 0, 1, 7]));
    assert!(
        script.give(&[0x40, 0, 0, 1, 7, 0, 0, 0]),
        "padding does no harm"
    );
    let before = script.turn.stats().dropped.malformed;
    let cut: [&[u8]; 6] = [
        &[0x40, 0, 0, 2, 7],
        &[0x40],
        &[],
        &[0x50, 0, 0, 0],
        &[0x16],
        &[0x80],
    ];
    for bytes in cut {
        assert!(!script.give(bytes));
    }
    assert_eq!(script.turn.stats().dropped.malformed - before, 6);
}

/// Law 8: what a server says of time is bounded.
#[test]
fn absurd_lifetimes_make_neither_storms_nor_leaks() {
    for (seconds, least, most) in [
        (0, 5, 5),
        (1, 5, 5),
        (60, 30, 30),
        (u32::MAX, 86_340, 86_340),
    ] {
        let script = Script::allocated(seconds);
        let deadline = script.turn.poll_timeout().expect("a refresh");
        let wait = deadline.since(script.now).as_secs();
        assert!((least..=most).contains(&wait), "{seconds}: {wait}");
    }
    let mut net = Net::new(3, Link::with_delay(std::time::Duration::from_millis(1)));
    net.server(|server| server.set_habit(Habit::Lifetime(0)));
    net.turn(TurnClient::allocate);
    net.run_for(100);
    assert_eq!(net.state(), State::Allocated);
    assert!(net.served().requests < 25);
}

#[test]
fn an_address_that_cannot_be_one_is_not_accepted() {
    for relayed in [
        "0.0.0.0:50000",
        "192.0.2.1:0",
        "224.0.0.1:50000",
        "255.255.255.255:50000",
        "[2001:db8::1]:50000",
        "[::ffff:192.0.2.1]:50000",
    ] {
        let mut script = Script::challenged();
        script.allocate(addr(relayed), 600);
        assert_eq!(script.failure(), Some(Failure::NO_ANSWER), "{relayed}");
        assert!(script.is_silent());
    }
}

/// ICE-025.
#[test]
fn ice_025_overlong_and_strange_names_are_refused() {
    let make = |username: &str, password: &str| {
        let config = TurnConfig::new(&PROVIDER, username, password);
        let path = Path::udp(addr(CLIENT), addr(SERVER));
        TurnClient::new(config, path, &mut rng()).is_ok()
    };
    assert!(make(&"u".repeat(508), ""));
    assert!(!make(&"u".repeat(509), ""));
    assert!(!make("", "secret"));
    assert!(!make("a\nb", "secret"));
    assert!(!make("alice", "sec\u{7f}ret"));
}

/// Law 8: nobody takes the events, and peers come and go.
#[test]
fn events_that_nobody_takes_are_bounded() {
    let mut script = Script::allocated(600);
    script.events();
    for _ in 0..5_000 {
        permit(&mut script);
        script.turn.forget(addr(PEER));
    }
    assert!(script.events().len() <= 2 * 512 + 10);
    // And so are the numbers of channels.
    for n in 0..5_000_u16 {
        let peer = SocketAddr::new(ip(PEER), n + 1);
        script.turn.bind(peer).expect("bound");
        while script.poll() {
            script.succeed(&[], Some(&key()));
        }
        assert!(script.turn.is_permitted(ip(PEER)));
        script.turn.forget(peer);
    }
}

/// Every message of a server, changed anywhere, and cut anywhere.
#[test]
fn atk_026_no_byte_of_a_server_does_harm() {
    let mut script = Script::allocated(600);
    permit(&mut script);
    let id = TransactionId([1; 12]);
    let says = [
        Attribute::XorPeerAddress(addr(PEER)),
        Attribute::Data(b"data"),
    ];
    let whole = message(Class::Indication, Method::DATA, id, &says, None);
    for len in 0..whole.len() {
        assert!(!script.give(&whole[..len]));
    }
    for bit in 0..whole.len() * 8 {
        let mut bytes = whole.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        script.give(&bytes);
    }
    assert_eq!(script.turn.state(), State::Allocated);
}

/// Law 8: how many peers there are is up to the configuration.
#[test]
fn limits_are_kept_and_said() {
    let config = TurnConfig {
        max_permissions: 3,
        max_channels: 2,
        max_requests: 1,
        keepalive: None,
        ..client_config()
    };
    let path = Path::udp(addr(CLIENT), addr(SERVER));
    let mut script = Script::new();
    script.turn = TurnClient::new(config, path, &mut rng()).expect("a client");
    script.turn.allocate();
    assert!(script.poll());
    let says = [Attribute::Realm(REALM), Attribute::Nonce(NONCE)];
    script.refuse(401, &says, None);
    assert!(script.poll());
    script.allocate(addr("192.0.2.1:50000"), 600);

    let peer = |last| SocketAddr::from(([198, 51, 100, last], 7000));
    script.turn.bind(peer(1)).expect("room");
    script.turn.bind(peer(2)).expect("room");
    script.turn.bind(peer(2)).expect("it has one already");
    assert_eq!(script.turn.bind(peer(3)), Err(PeerError::Full));
    script.turn.permit(peer(3).ip()).expect("room");
    script
        .turn
        .permit(peer(3).ip())
        .expect("it is wanted already");
    assert_eq!(script.turn.permit(peer(4).ip()), Err(PeerError::Full));
    // Who is forgotten makes room.
    script.turn.forget(peer(1));
    script.turn.permit(peer(4).ip()).expect("room");
    for address in [
        "0.0.0.0:1",
        "224.0.0.1:1",
        "[::ffff:198.51.100.1]:1",
        "[2001:db8::1]:1",
    ] {
        assert_eq!(script.turn.bind(addr(address)), Err(PeerError::Address));
        assert_eq!(script.turn.permit(ip(address)), Err(PeerError::Address));
    }
    assert_eq!(
        script.turn.bind(addr("198.51.100.1:0")),
        Err(PeerError::Address)
    );
    // One request at a time.
    let mut asked = 0;
    while script.poll() {
        assert!(!script.poll(), "there is one under way");
        script.succeed(&[], Some(&key()));
        asked += 1;
    }
    assert_eq!(asked, 2, "a channel, and the two permissions together");
    assert!((2..=4).all(|last| script.turn.is_permitted(peer(last).ip())));
    assert_eq!(script.events().len(), 4);
}

/// Commands have their time.
#[test]
fn commands_out_of_place_change_nothing() {
    let mut script = Script::allocated(600);
    let path = script.turn.path();
    script.turn.follow(Path::udp(addr(CLIENT), addr(OTHER)));
    script.turn.allocate();
    assert_eq!((script.turn.path(), script.poll()), (path, false));
    script.turn.forget(addr(PEER));
    let mut buf = Vec::new();
    let sealed = script
        .turn
        .seal(addr(PEER), &mut Writer::new(&mut buf, 1200), |_| {
            unreachable!("nobody is permitted")
        });
    assert!(!sealed && buf.is_empty());
    permit(&mut script);
    // What does not fit, or is nothing, leaves no trace.
    for room in 0..40 {
        let sealed = script
            .turn
            .seal(addr(PEER), &mut Writer::new(&mut buf, room), |w| {
                w.zeros(5);
                true
            });
        assert!(!sealed && buf.is_empty(), "{room}");
    }
    let sealed = script
        .turn
        .seal(addr(PEER), &mut Writer::new(&mut buf, 99), |_| true);
    assert!(!sealed && buf.is_empty());
    script.turn.close();
    script.turn.close();
    assert_eq!(script.turn.bind(addr(PEER)), Err(PeerError::Closed));
    assert!(script.poll());
    script.succeed(&[], Some(&key()));
    assert_eq!(script.events().pop(), Some(Event::Closed));
    script.turn.allocate();
    script.turn.close();
    assert!(!script.give(&[0x40, 0, 0, 1, 7]));
    assert!(script.is_silent());
}
