//! TURN clients against the `turnserver` of coturn, over the loopback interface.
//!
//! Not run by default: `cargo test --test turn_coturn -- --ignored`.
#![cfg(feature = "rust-crypto")]
#![expect(
    clippy::std_instead_of_core,
    reason = "a test has std, and no core unless it asks"
)]
#![expect(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "a test against a real program"
)]

use std::io::{ErrorKind, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream, UdpSocket};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use pollrtc::crypto::rust_crypto::PROVIDER;
use pollrtc::cursor::Writer;
use pollrtc::net::{Path, Protocol};
use pollrtc::rng::Rng;
use pollrtc::stun::{Answer, BindingQuery, Schedule};
use pollrtc::time::Clock;
use pollrtc::turn::{Event, TurnClient, TurnConfig};
use pollrtc::wire::framing::{Deframer, Framing};

/// The program, ended whatever becomes of the test.
struct Server {
    child: Child,
    address: SocketAddr,
    folder: PathBuf,
}

impl Server {
    fn start(name: &str, options: &[&str]) -> Self {
        let free = UdpSocket::bind("127.0.0.1:0").expect("a port");
        let address = free.local_addr().expect("its address");
        drop(free);
        let folder = format!("pollrtc-turn-{name}-{}", std::process::id());
        let folder = std::env::temp_dir().join(folder);
        std::fs::create_dir_all(&folder).expect("a temporary directory");
        let log = std::fs::File::create(folder.join("log")).expect("a log");
        let in_folder =
            |option: &str, file: &str| format!("{option}={}", folder.join(file).display());
        let child = Command::new("turnserver")
            .args(
                "-n --listening-ip=127.0.0.1 --relay-ip=127.0.0.1 --allow-loopback-peers"
                    .split(' '),
            )
            .args(
                "--relay-threads=1 --lt-cred-mech --realm=relay.example --no-tls --no-dtls"
                    .split(' '),
            )
            .args("--user=alice:secret --no-cli --log-file=stdout --verbose".split(' '))
            .arg(format!("--listening-port={}", address.port()))
            .args([in_folder("--pidfile", "pid"), in_folder("--userdb", "db")])
            .args(options)
            .current_dir(&folder)
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a second handle"))
            .stderr(log)
            .spawn()
            .expect("coturn is installed");
        let server = Self {
            child,
            address,
            folder,
        };
        for _ in 0..200 {
            if TcpStream::connect(address).is_ok() {
                return server;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("turnserver does not listen:\n{}", server.log());
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.join("log")).expect("a log")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

enum Socket {
    Udp(UdpSocket),
    Tcp(TcpStream, Deframer),
}

/// A client and its application.
struct Client {
    turn: TurnClient,
    socket: Socket,
    clock: Clock,
    events: Vec<Event>,
    received: Vec<(SocketAddr, Vec<u8>)>,
}

const SHORT: Option<Duration> = Some(Duration::from_millis(5));

impl Client {
    fn new(server: SocketAddr, protocol: Protocol, password: &str) -> Self {
        let (socket, local) = match protocol {
            Protocol::Udp => {
                let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
                socket.set_read_timeout(SHORT).expect("a timeout");
                let local = socket.local_addr();
                (Socket::Udp(socket), local)
            }
            _ => {
                let stream = TcpStream::connect(server).expect("a connection");
                stream.set_read_timeout(SHORT).expect("a timeout");
                let local = stream.local_addr();
                (
                    Socket::Tcp(stream, Deframer::new(Framing::Turn, 2000)),
                    local,
                )
            }
        };
        let path = Path {
            local: local.expect("an address"),
            remote: server,
            protocol,
        };
        let config = TurnConfig::new(&PROVIDER, "alice", password);
        let mut rng = Rng::from_os().expect("entropy");
        let mut turn = TurnClient::new(config, path, &mut rng).expect("a client");
        turn.allocate();
        Self {
            turn,
            socket,
            clock: Clock::start(),
            events: Vec::new(),
            received: Vec::new(),
        }
    }

    /// Runs until `done`, at most so many seconds.
    fn run(&mut self, seconds: u64, done: impl Fn(&Self) -> bool) -> bool {
        let end = self.clock.now() + Duration::from_secs(seconds);
        while !done(self) {
            if self.clock.now() > end {
                return false;
            }
            let mut buf = Vec::new();
            while self
                .turn
                .poll_transmit(self.clock.now(), &mut Writer::new(&mut buf, 1200))
            {
                self.write(&buf);
                buf.clear();
            }
            self.events
                .extend(std::iter::from_fn(|| self.turn.poll_event()));
            self.read();
            self.turn.handle_timeout(self.clock.now());
        }
        true
    }

    fn write(&mut self, bytes: &[u8]) {
        match &mut self.socket {
            Socket::Udp(socket) => {
                let to = self.turn.path().remote;
                socket.send_to(bytes, to).expect("loopback carries it");
            }
            Socket::Tcp(stream, _) => stream.write_all(bytes).expect("the stream is there"),
        }
    }

    fn read(&mut self) {
        let mut buf = [0; 2048];
        let now = self.clock.now();
        match &mut self.socket {
            Socket::Udp(socket) => {
                let Ok((len, from)) = socket.recv_from(&mut buf) else {
                    return;
                };
                assert_eq!(from, self.turn.path().remote);
                if let Some((peer, data)) = self.turn.open(now, &mut buf[..len]) {
                    self.received.push((peer, data.to_vec()));
                }
            }
            Socket::Tcp(stream, deframer) => {
                let len = match stream.read(&mut buf) {
                    Ok(len) => len,
                    Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                    Err(error) => panic!("{error}"),
                };
                let mut chunk = &buf[..len];
                while let Some(message) = deframer.next(&mut chunk).expect("frames") {
                    if let Some((peer, data)) = self.turn.open(now, message) {
                        self.received.push((peer, data.to_vec()));
                    }
                }
            }
        }
    }

    /// Whether `data` comes back from `peer`, which hears it from the relay.
    fn echo(&mut self, peer: &UdpSocket, data: &[u8]) -> bool {
        let to = peer.local_addr().expect("an address");
        let mut buf = Vec::new();
        let sealed = self.turn.seal(to, &mut Writer::new(&mut buf, 1300), |w| {
            w.bytes(data);
            true
        });
        assert!(sealed);
        self.write(&buf);
        let mut heard = [0; 2048];
        let (len, from) = peer.recv_from(&mut heard).expect("the peer hears it");
        assert_eq!((Some(from), &heard[..len]), (self.turn.relayed(), data));
        peer.send_to(&heard[..len], from)
            .expect("loopback carries it");
        self.received.clear();
        let expected = (to, data.to_vec());
        self.run(5, |client| client.received.contains(&expected))
    }

    fn is_allocated(&self) -> bool {
        self.turn.relayed().is_some()
    }

    fn failure(&self) -> Option<u16> {
        self.events.iter().find_map(|event| match event {
            Event::Failed(failure) => Some(failure.code),
            _ => None,
        })
    }
}

fn peer() -> UdpSocket {
    let peer = UdpSocket::bind("127.0.0.1:0").expect("a port");
    let patience = Some(Duration::from_secs(5));
    peer.set_read_timeout(patience).expect("a timeout");
    peer
}

fn has_closed(client: &Client) -> bool {
    client.events.contains(&Event::Closed)
}

#[test]
#[ignore = "needs coturn"]
fn data_goes_through_and_the_allocation_is_deleted() {
    let server = Server::start("data", &[]);
    for protocol in [Protocol::Udp, Protocol::Tcp] {
        let mut client = Client::new(server.address, protocol, "secret");
        assert!(client.run(5, Client::is_allocated), "{}", server.log());
        assert_eq!(client.turn.mapped(), Some(client.turn.path().local));
        let peer = peer();
        let at = peer.local_addr().expect("an address");
        client.turn.permit(at.ip()).expect("room");
        assert!(client.run(5, |client| client.turn.is_permitted(at.ip())));
        for len in [1, 2, 3, 4, 1000] {
            assert!(client.echo(&peer, &vec![7; len]), "{protocol} {len}");
        }
        client.turn.bind(at).expect("room");
        assert!(client.run(5, |client| client.turn.is_bound(at)));
        for len in [1, 2, 3, 4, 1200] {
            assert!(client.echo(&peer, &vec![7; len]), "{protocol} {len}");
        }
        // Hundreds of peers, in as few requests as they fit into.
        for last in 1..=200 {
            client.turn.permit([127, 0, 1, last].into()).expect("room");
        }
        let all = |client: &Client| {
            (1..=200).all(|last| client.turn.is_permitted(IpAddr::from([127, 0, 1, last])))
        };
        assert!(client.run(10, all), "{:?}", client.events);
        client.turn.close();
        assert!(client.run(5, has_closed));
        assert_eq!(client.turn.stats().dropped, Default::default());
    }
    std::thread::sleep(Duration::from_millis(300));
    let log = server.log();
    let deleted = log.matches("refreshed, realm=<relay.example>, username=<alice>, lifetime=0");
    assert_eq!(deleted.count(), 2, "{log}");
}

#[test]
#[ignore = "needs coturn"]
fn refusals_are_told_soon() {
    let server = Server::start(
        "refusals",
        &["--user-quota=1", "--denied-peer-ip=127.0.0.9"],
    );
    let mut wrong = Client::new(server.address, Protocol::Udp, "guess");
    assert!(wrong.run(5, |client| client.failure().is_some()));
    assert_eq!(wrong.failure(), Some(401));

    let mut client = Client::new(server.address, Protocol::Udp, "secret");
    assert!(client.run(5, Client::is_allocated));
    for last in [8, 9, 10] {
        client.turn.permit([127, 0, 0, last].into()).expect("room");
    }
    let refused = Event::Refused {
        peer: [127, 0, 0, 9].into(),
        code: 403,
    };
    assert!(client.run(5, |client| client.events.contains(&refused)));
    assert!(client.run(5, |client| client.turn.is_permitted([127, 0, 0, 10].into())));
    assert!(client.turn.is_permitted([127, 0, 0, 8].into()));

    let mut second = Client::new(server.address, Protocol::Tcp, "secret");
    assert!(second.run(5, |client| client.failure().is_some()));
    assert_eq!(second.failure(), Some(486));
    client.turn.close();
    assert!(client.run(5, has_closed));
}

#[test]
#[ignore = "needs coturn"]
fn a_nonce_gets_stale_and_is_renewed() {
    let server = Server::start("nonce", &["--stale-nonce=1"]);
    let mut client = Client::new(server.address, Protocol::Udp, "secret");
    assert!(client.run(5, Client::is_allocated));
    client.run(3, |_| false);
    client.turn.permit([127, 0, 0, 1].into()).expect("room");
    assert!(client.run(5, |client| client.turn.is_permitted([127, 0, 0, 1].into())));
    assert!(client.turn.stats().stale_nonces >= 1);
    client.run(3, |_| false);
    client.turn.close();
    assert!(client.run(5, has_closed));
    std::thread::sleep(Duration::from_millis(300));
    assert!(server.log().contains("lifetime=0"), "{}", server.log());
}

#[test]
#[ignore = "needs coturn"]
fn it_says_where_it_sees_us() {
    let server = Server::start("binding", &[]);
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
    let path = Path::udp(socket.local_addr().expect("an address"), server.address);
    let mut rng = Rng::from_os().expect("entropy");
    let mut query = BindingQuery::new(path, Schedule::default(), &mut rng);
    let (clock, mut buf) = (Clock::start(), Vec::new());
    assert!(query.poll_transmit(clock.now(), &mut Writer::new(&mut buf, 1200)));
    socket
        .send_to(&buf, server.address)
        .expect("loopback carries it");
    let mut heard = [0; 1500];
    let len = socket.recv(&mut heard).expect("an answer");
    query.handle_input(clock.now(), &heard[..len]);
    assert_eq!(query.poll_event(), Some(Answer::Mapped(path.local)));
}
