//! ICE over TCP between two agents, with sockets of the operating system (RFC 6544).
//!
//! UDP is as good as blocked: only the candidates of TCP are exchanged. One agent
//! listens, the other one connects when it is asked to.
#![allow(
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    reason = "a test has std, and neither alloc nor core unless it asks"
)]
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_types,
    reason = "what fails here fails the test, and its sockets are the test's"
)]
#![cfg(feature = "rust-crypto")]

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use pollrtc::crypto::rust_crypto::PROVIDER;
use pollrtc::cursor::Writer;
use pollrtc::ice::{Event, IceAgent, IceConfig, Role};
use pollrtc::net::{Path, Protocol, TcpKind};
use pollrtc::rng::Rng;
use pollrtc::time::Clock;

/// An agent and its sockets.
struct End {
    agent: IceAgent,
    listener: Option<TcpListener>,
    streams: Vec<(Path, TcpStream)>,
    heard: Vec<Vec<u8>>,
}

impl End {
    fn new(role: Role, rng: &mut Rng) -> Self {
        let config = IceConfig {
            tcp: true,
            ..IceConfig::new(&PROVIDER)
        };
        Self {
            agent: IceAgent::new(config, role, rng).unwrap(),
            listener: None,
            streams: Vec::new(),
            heard: Vec::new(),
        }
    }

    /// Opens a listening socket: a passive candidate.
    fn listen(&mut self) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let local = listener.local_addr().unwrap();
        self.agent.add_tcp_listener(local).unwrap();
        self.listener = Some(listener);
    }

    /// Tells the other agent of the candidates of one kind.
    fn introduce_to(&self, other: &mut Self, kind: TcpKind) {
        let credentials = self.agent.local_credentials().clone();
        other.agent.set_remote_credentials(credentials).unwrap();
        let candidates = self.agent.local_candidates();
        let of_kind: Vec<_> = candidates.filter(|said| said.tcp == Some(kind)).collect();
        assert_eq!(of_kind.len(), 1);
        for candidate in of_kind {
            other.agent.add_remote_candidate(candidate.clone()).unwrap();
        }
        other.agent.end_of_remote_candidates();
    }

    /// One turn of the loop that an application has.
    fn turn(&mut self, clock: Clock) {
        self.send(clock);
        while let Some(event) = self.agent.poll_event() {
            match event {
                Event::Connect { path, server_name } => self.connect(clock, path, server_name),
                Event::Release(path) => self.streams.retain(|(known, _)| *known != path),
                _ => {}
            }
        }
        self.accept(clock);
        self.receive(clock);
        if self
            .agent
            .poll_timeout()
            .is_some_and(|at| at <= clock.now())
        {
            self.agent.handle_timeout(clock.now());
        }
    }

    fn send(&mut self, clock: Clock) {
        let mut out = Vec::new();
        while let Some(path) = self
            .agent
            .poll_transmit(clock.now(), &mut Writer::new(&mut out, 1400))
        {
            self.append(path, &out);
            out.clear();
        }
    }

    /// Bytes go to the end of their stream, whole.
    fn append(&mut self, path: Path, bytes: &[u8]) {
        assert_eq!(path.protocol, Protocol::Tcp);
        let stream = self.streams.iter_mut().find(|(known, _)| *known == path);
        let (_, stream) = stream.expect("it was opened before it is used");
        // A stream that has broken is noticed where it is read.
        let _ = stream.write_all(bytes);
    }

    fn connect(&mut self, clock: Clock, asked: Path, server_name: Option<String>) {
        assert_eq!((asked.local.port(), server_name), (0, None));
        match TcpStream::connect(asked.remote) {
            Ok(stream) => {
                let local = stream.local_addr().unwrap();
                self.keep(Path { local, ..asked }, stream);
                self.agent.connected(clock.now(), asked, local);
            }
            Err(_) => self.agent.disconnected(clock.now(), asked),
        }
    }

    fn accept(&mut self, clock: Clock) {
        let Some(listener) = &self.listener else {
            return;
        };
        let Ok((stream, remote)) = listener.accept() else {
            return;
        };
        let path = Path {
            local: listener.local_addr().unwrap(),
            remote,
            protocol: Protocol::Tcp,
        };
        self.keep(path, stream);
        self.agent.accepted(clock.now(), path);
    }

    fn keep(&mut self, path: Path, stream: TcpStream) {
        stream.set_nonblocking(false).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_millis(1)))
            .unwrap();
        stream.set_nodelay(true).unwrap();
        self.streams.push((path, stream));
    }

    /// Chunks of an odd size, so that frames are cut.
    fn receive(&mut self, clock: Clock) {
        let mut ended = Vec::new();
        for (path, stream) in &mut self.streams {
            let mut chunk = [0; 777];
            match stream.read(&mut chunk) {
                Ok(0) => ended.push(*path),
                Ok(len) => {
                    let mut bytes = &chunk[..len];
                    while let Some(data) = self.agent.open_stream(clock.now(), *path, &mut bytes) {
                        self.heard.push(data.to_vec());
                    }
                }
                Err(error)
                    if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
                Err(_) => ended.push(*path),
            }
        }
        for path in ended {
            self.streams.retain(|(known, _)| *known != path);
            self.agent.disconnected(clock.now(), path);
        }
    }

    /// Sends over the pair in use.
    fn say(&mut self, data: &[u8]) {
        let mut out = Vec::new();
        let path = self.agent.seal(&mut Writer::new(&mut out, 2000), |w| {
            w.bytes(data);
            true
        });
        self.append(path.expect("it is connected"), &out);
    }
}

/// Lets both have their turns until it is so.
fn play(ends: &mut [End; 2], clock: Clock, is_so: impl Fn(&[End; 2]) -> bool) {
    // Far more than is needed: on a busy machine a turn takes long.
    for _ in 0..20_000 {
        ends.iter_mut().for_each(|end| end.turn(clock));
        if is_so(ends) {
            return;
        }
    }
    panic!("states {:?}", ends.each_ref().map(|end| end.agent.state()));
}

/// Alice connects, Bob listens.
fn connected(clock: Clock) -> [End; 2] {
    let mut rng = Rng::from_number(7);
    let mut alice = End::new(Role::Controlling, &mut rng);
    let mut bob = End::new(Role::Controlled, &mut rng);
    // Whoever has an address may connect from it; this one is used for nothing else.
    alice
        .agent
        .add_local_address(SocketAddr::from(([127, 0, 0, 1], 1)))
        .unwrap();
    bob.listen();
    alice.agent.gather();
    bob.agent.gather();
    alice.introduce_to(&mut bob, TcpKind::Active);
    bob.introduce_to(&mut alice, TcpKind::Passive);
    let mut ends = [alice, bob];
    play(&mut ends, clock, |ends| {
        ends.iter().all(|end| end.agent.selected_pair().is_some())
    });
    ends
}

#[test]
fn ice_034_active_and_passive_connect_and_carry_frames_of_any_size() {
    let clock = Clock::start();
    let mut ends = connected(clock);
    let [alice, bob] = &ends;
    let [ours, theirs] = [alice, bob].map(|end| end.agent.selected_pair().unwrap());
    assert_eq!(ours.path.protocol, Protocol::Tcp);
    assert_eq!(
        (ours.path.local, ours.path.remote),
        (theirs.path.remote, theirs.path.local)
    );
    assert_eq!(ours.local.tcp, Some(TcpKind::Active));
    assert_eq!(ours.remote.tcp, Some(TcpKind::Passive));

    let messages: Vec<Vec<u8>> = (1..=60_u8)
        .map(|number| vec![0x80 | number; usize::from(number) * 23])
        .collect();
    for message in &messages {
        ends.iter_mut().for_each(|end| end.say(message));
    }
    // A stream keeps the order, and loses nothing.
    play(&mut ends, clock, |ends| {
        ends.iter().all(|end| end.heard.len() >= messages.len())
    });
    for end in &ends {
        assert!(end.heard == messages);
        assert_eq!(end.agent.stats().dropped.bad_frame, 0);
    }
}

#[test]
fn a_stream_that_ends_takes_its_pair_along() {
    let clock = Clock::start();
    let mut ends = connected(clock);
    let path = ends[1].agent.selected_pair().unwrap().path;
    ends[1].streams.clear();
    ends[1].agent.disconnected(clock.now(), path);
    play(&mut ends, clock, |ends| {
        ends.iter().all(|end| end.agent.current_path().is_none())
    });
    for end in &mut ends {
        assert!(!end.agent.state().is_connected());
        end.agent.close();
        end.turn(clock);
        assert!(end.streams.is_empty());
    }
}
