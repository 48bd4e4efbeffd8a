//! Over TCP and TLS: the same words, cut anywhere, never repeated.

use std::time::Duration;

use pollrtc::cursor::Writer;
use pollrtc::net::{Path, Protocol};
use pollrtc::sim::{Grant, Habit, Machine, TurnServer};
use pollrtc::stun::{Answer, BindingQuery, Failure, Schedule};
use pollrtc::time::Instant;
use pollrtc::turn::{Event, State, TurnClient};
use pollrtc::wire::framing::{Deframer, Framing};

use crate::support::*;

/// A stream between a client and a server, and a peer that echoes at once.
struct Line {
    now: Instant,
    client: TurnClient,
    server: TurnServer,
    deframer: Deframer,
    /// How many bytes arrive at a time.
    chunk: usize,
    received: Vec<Vec<u8>>,
    events: Vec<Event>,
}

impl Line {
    fn new(protocol: Protocol, chunk: usize) -> Self {
        let path = Path {
            local: addr(CLIENT),
            remote: addr(SERVER),
            protocol,
        };
        let mut client = TurnClient::new(client_config(), path, &mut rng()).expect("a client");
        client.allocate();
        Self {
            now: Instant::ZERO,
            client,
            server: TurnServer::new(server_config(SERVER), &mut rng()),
            deframer: Deframer::new(Framing::Turn, 4096),
            chunk,
            received: Vec::new(),
            events: Vec::new(),
        }
    }

    fn back(&self) -> Path {
        let path = self.client.path();
        Path {
            local: path.remote,
            remote: path.local,
            ..path
        }
    }

    /// Moves bytes until nobody has any.
    fn pump(&mut self) {
        let mut buf = Vec::new();
        loop {
            buf.clear();
            if self
                .client
                .poll_transmit(self.now, &mut Writer::new(&mut buf, 1200))
            {
                self.ask(&buf);
            } else if !self.hear() {
                break;
            }
        }
        self.events
            .extend(std::iter::from_fn(|| self.client.poll_event()));
    }

    fn ask(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(self.chunk) {
            let path = self.back();
            self.server
                .handle_input(self.now, path, &mut chunk.to_vec());
        }
    }

    fn hear(&mut self) -> bool {
        let mut buf = Vec::new();
        let mut out = Writer::new(&mut buf, 4096);
        let Some(path) = self.server.poll_transmit(self.now, &mut out) else {
            return false;
        };
        if path.remote == addr(PEER) {
            let back = Path::udp(path.local, path.remote);
            self.server.handle_input(self.now, back, &mut buf);
            return true;
        }
        assert_eq!(path, self.back());
        for mut chunk in buf.chunks(self.chunk) {
            while let Some(message) = self.deframer.next(&mut chunk).expect("frames") {
                if let Some((peer, data)) = self.client.open(self.now, message) {
                    assert_eq!(peer, addr(PEER));
                    self.received.push(data.to_vec());
                }
            }
        }
        true
    }

    fn send(&mut self, data: &[u8]) -> Vec<u8> {
        let mut buf = Vec::new();
        let sealed = self
            .client
            .seal(addr(PEER), &mut Writer::new(&mut buf, 1200), |w| {
                w.bytes(data);
                true
            });
        assert!(sealed);
        self.ask(&buf);
        self.pump();
        buf
    }
}

#[test]
fn ice_023_data_is_padded_and_reassembled() {
    for chunk in [1, 3, 7, 20, 4096] {
        let mut line = Line::new(Protocol::Tcp, chunk);
        line.pump();
        assert_eq!(line.client.state(), State::Allocated);
        line.client.permit(ip(PEER)).expect("permitted");
        line.pump();
        for len in 1..9 {
            let data = vec![len; len.into()];
            let sent = line.send(&data);
            assert_eq!(sent.len() % 4, 0);
            assert_eq!(line.received.pop(), Some(data));
        }
        line.client.bind(addr(PEER)).expect("bound");
        line.pump();
        for len in 1..9_u8 {
            let data = vec![len; len.into()];
            let sent = line.send(&data);
            assert_eq!(sent.len(), 4 + usize::from(len).next_multiple_of(4));
            assert_eq!(line.received.pop(), Some(data));
        }
    }
}

/// RFC 8489 §6.2.2: nothing is repeated, and there is one timeout.
#[test]
fn ice_026_nothing_is_repeated_over_a_stream() {
    let mut line = Line::new(Protocol::Tls, 4096);
    line.server.set_habit(Habit::Silent);
    line.pump();
    assert_eq!(line.client.stats().requests_sent, 1);
    let deadline = line.client.poll_timeout().expect("a timeout");
    assert_eq!(deadline, Instant::ZERO + Schedule::default().total());
    line.now = deadline;
    line.client.handle_timeout(deadline);
    line.pump();
    assert_eq!(line.client.stats().requests_repeated, 0);
    let Some(Event::Failed(failure)) = line.events.pop() else {
        panic!("{:?}", line.events);
    };
    assert_eq!(failure.code, Failure::NO_ANSWER);
}

/// RFC 8489 §9.2.5: over a stream an answer without a proof is the end.
#[test]
fn ice_029_an_unproved_answer_ends_the_transaction() {
    for habit in [Habit::NoIntegrity, Habit::BadIntegrity] {
        let mut line = Line::new(Protocol::Tcp, 4096);
        line.server.set_habit(habit);
        line.pump();
        assert_eq!(line.client.state(), State::Failed);
        assert_eq!(line.client.stats().dropped.unauthenticated, 1);
    }
    // A refresh is tried again until the lease ends, but not in a storm.
    let mut line = Line::new(Protocol::Tcp, 4096);
    line.pump();
    line.server.set_habit(Habit::NoIntegrity);
    let before = line.client.stats().requests_sent;
    while let Some(deadline) = line.client.poll_timeout() {
        line.now = deadline;
        line.client.handle_timeout(deadline);
        line.pump();
    }
    assert_eq!(line.client.state(), State::Failed);
    assert!(line.now <= Instant::ZERO + secs(600));
    let sent = line.client.stats().requests_sent - before;
    assert!((2..=120).contains(&sent), "{sent} requests");
}

#[test]
fn an_allocation_ends_with_its_stream_and_with_a_farewell() {
    let mut line = Line::new(Protocol::Tcp, 4096);
    line.pump();
    assert_eq!(line.server.lent(line.now).count(), 1);
    let path = line.back();
    line.server.grant(line.now, Grant::Disconnected(path));
    assert_eq!(line.server.lent(line.now).count(), 0);

    let mut line = Line::new(Protocol::Tls, 5);
    line.pump();
    line.client.close();
    line.pump();
    assert_eq!(line.client.state(), State::Closed);
    assert_eq!(line.server.stats().deleted, 1);
}

#[test]
fn a_binding_query_works_over_both() {
    for protocol in [Protocol::Udp, Protocol::Tcp] {
        let path = Path {
            local: addr(CLIENT),
            remote: addr(SERVER),
            protocol,
        };
        let mut server = TurnServer::<()>::new(server_config(SERVER), &mut rng());
        let mut query = BindingQuery::new(path, Schedule::default(), &mut rng());
        let back = Path {
            local: path.remote,
            remote: path.local,
            ..path
        };
        let mut ask = |query: &mut BindingQuery, habit| {
            let mut buf = Vec::new();
            server.set_habit(habit);
            assert!(query.poll_transmit(Instant::ZERO, &mut Writer::new(&mut buf, 1200)));
            assert!(!query.poll_transmit(Instant::ZERO, &mut Writer::new(&mut Vec::new(), 99)));
            server.handle_input(Instant::ZERO, back, &mut buf);
            buf.clear();
            server.poll_transmit(Instant::ZERO, &mut Writer::new(&mut buf, 1200));
            query.handle_input(Instant::ZERO, &buf);
            query.poll_event()
        };
        let redirected = ask(&mut query, Habit::Redirects(addr(OTHER)));
        let Some(Answer::Redirected(alternate)) = redirected else {
            panic!("{redirected:?}");
        };
        assert_eq!(alternate.server, addr(OTHER));
        query.follow(path);
        let mapped = ask(&mut query, Habit::Sound);
        assert_eq!(mapped, Some(Answer::Mapped(addr(CLIENT))));
        assert_eq!(query.poll_timeout(), None);
        query.handle_input(Instant::ZERO, b"anything");
        assert_eq!((query.dropped(), query.poll_event()), (1, None));
    }
}

#[test]
fn a_binding_query_is_repeated_over_udp_and_given_up() {
    let path = Path::udp(addr(CLIENT), addr(SERVER));
    let mut query = BindingQuery::new(path, Schedule::default(), &mut rng());
    let (mut now, mut sent, mut buf) = (Instant::ZERO, 0, Vec::new());
    loop {
        sent += usize::from(query.poll_transmit(now, &mut Writer::new(&mut buf, 1200)));
        let Some(deadline) = query.poll_timeout() else {
            break;
        };
        now = deadline;
        query.handle_timeout(now);
    }
    assert_eq!(
        (sent, now),
        (7, Instant::ZERO + Duration::from_millis(39_500))
    );
    assert!(buf.chunks(28).all(|request| request == &buf[..28]));
    let Some(Answer::Failed(failure)) = query.poll_event() else {
        panic!("no answer is an answer");
    };
    assert_eq!(failure.code, Failure::NO_ANSWER);
}
