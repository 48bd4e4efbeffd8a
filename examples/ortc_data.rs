//! A data channel without SDP and without `PeerConnection`: the layers are stacked by hand, as
//! ORTC has it, between two threads of this process that talk over UDP on the loopback interface.
//!
//! ```text
//! what W3C ORTC calls it          here                      what it does
//! RTCDataChannel                  channel::DataChannels     messages and channels (RFC 8831, 8832)
//! RTCSctpTransport                sctp::SctpAssociation     order, reliability, congestion (RFC 9260)
//! RTCDtlsTransport                transport::Transport      keys, and who the peer is (RFC 6347)
//! RTCIceTransport, RTCIceGatherer ice::IceAgent, inside it  a path that works (RFC 8445)
//! ```
//!
//! Each side makes these, tells the other its [`Parameters`] by a channel that stands for the
//! signalling, and then does nothing but the loop of `run`: send what is ready, hand over what
//! arrives, wake up at the next deadline. Bob sends back what alice says; alice says how long
//! that took, and goes.
//!
//!     cargo run --example ortc_data

#![expect(
    clippy::disallowed_types,
    clippy::std_instead_of_alloc,
    reason = "here is the application, and it has std"
)]

use core::time::Duration;
use std::net::UdpSocket;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::SystemTime;

use anyhow::{Context, bail};
use pollrtc::channel::{self, ChannelConfig, ChannelState, Data, DataChannels, StreamParity};
use pollrtc::crypto::HashId;
use pollrtc::crypto::certificate::{Certificate, CertificateOptions, Fingerprint};
use pollrtc::crypto::rust_crypto::PROVIDER;
use pollrtc::cursor::Writer;
use pollrtc::dtls::{self, DtlsConfig};
use pollrtc::ice::{self, Credentials, IceConfig};
use pollrtc::net::{Candidate, Path};
use pollrtc::rng::Rng;
use pollrtc::sctp::{SctpAssociation, SctpConfig};
use pollrtc::time::{Clock, Instant};
use pollrtc::transport::{self, Delivery, Transport};

/// What one side has to know of the other before they can talk: what SDP would say, and
/// ORTC's `getLocalParameters` and `getLocalCandidates` do.
struct Parameters {
    ice: Credentials,
    candidates: Vec<Candidate>,
    certificate: Fingerprint,
}

/// The three things on which two sides have to differ. SDP settles them by who offers.
#[derive(Clone, Copy)]
struct Roles {
    ice: ice::Role,
    dtls: dtls::Role,
    /// Who opens streams with even numbers: the DTLS client (RFC 8832 §6).
    streams: StreamParity,
}

const ALICE: Roles = Roles {
    ice: ice::Role::Controlling,
    dtls: dtls::Role::Client,
    streams: StreamParity::Even,
};

const BOB: Roles = Roles {
    ice: ice::Role::Controlled,
    dtls: dtls::Role::Server,
    streams: StreamParity::Odd,
};

/// What alice says.
const WORDS: [&str; 3] = ["Hello, bob!", "How are you?", "Good bye."];

/// Longer than anything takes here.
const PATIENCE: Duration = Duration::from_secs(20);

fn main() -> anyhow::Result<()> {
    let ((to_bob, from_alice), (to_alice, from_bob)) = (channel(), channel());
    thread::scope(|scope| {
        let bob = scope.spawn(move || run("bob", BOB, &to_alice, &from_alice));
        let alice = run("alice", ALICE, &to_bob, &from_bob);
        bob.join().expect("a side does not panic").context("bob")?;
        alice.context("alice")
    })
}

fn run(
    name: &'static str,
    roles: Roles,
    to: &Sender<Parameters>,
    from: &Receiver<Parameters>,
) -> anyhow::Result<()> {
    let socket = UdpSocket::bind("127.0.0.1:0")?;
    let mut side = Side::new(name, roles, &socket)?;

    // The signalling: both ways at once, since nobody offers and nobody answers.
    to.send(side.parameters()?)?;
    side.start(from.recv_timeout(PATIENCE)?)?;

    let (mut input, mut output) = ([0; 2048], Vec::new());
    while !side.is_over {
        if side.clock.now() > Instant::ZERO + PATIENCE {
            bail!("{name} has waited long enough");
        }
        // All that is ready to be sent.
        while let Some(path) = side.poll_transmit(&mut Writer::new(&mut output, 1200)) {
            socket.send_to(&output, path.remote)?;
            output.clear();
        }
        // Then what arrives, but no longer than until the next deadline.
        let wait = side.poll_timeout() - side.clock.now();
        socket.set_read_timeout(Some(wait.max(Duration::from_millis(1))))?;
        if let Ok((len, sender)) = socket.recv_from(&mut input) {
            let path = Path::udp(socket.local_addr()?, sender);
            side.handle_input(path, &mut input[..len]);
        }
        side.handle_timeout();
        side.react()?;
    }
    Ok(())
}

/// The layers of one side.
struct Side {
    name: &'static str,
    roles: Roles,
    clock: Clock,
    /// ICE below DTLS.
    transport: Transport,
    /// Channels over SCTP.
    channels: DataChannels,
    certificate: Arc<Certificate>,
    /// When alice has said what she said last, and what comes next.
    asked: Instant,
    words: core::slice::Iter<'static, &'static str>,
    is_over: bool,
}

impl Side {
    /// Makes the layers, from below.
    fn new(name: &'static str, roles: Roles, socket: &UdpSocket) -> anyhow::Result<Self> {
        let mut rng = Rng::from_os()?;

        // Who we are: a certificate for this call only. Its fingerprint is what the other side
        // will know us by.
        let now = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)?
            .as_secs();
        let options = CertificateOptions {
            common_name: "ortc".into(),
            not_before: now - 3600,
            not_after: now + 24 * 3600,
        };
        let certificate = Arc::new(Certificate::generate(&PROVIDER, &mut rng, &options)?);

        // Where we are: one socket, whose address is a host candidate. Servers would stand in the
        // configuration.
        let dtls = DtlsConfig::new(&PROVIDER, Arc::clone(&certificate));
        let mut transport = Transport::new(IceConfig::new(&PROVIDER), roles.ice, dtls, &mut rng)?;
        transport
            .ice_mut()
            .add_local_address(socket.local_addr()?)?;
        transport.ice_mut().gather();

        // What we talk over: it waits until there are keys. Alice's channel waits with it.
        let association = SctpAssociation::new(SctpConfig::default(), &mut rng);
        let mut channels = DataChannels::new(association, channel::Limits::default());
        if roles.streams == StreamParity::Even {
            channels.open("chat", ChannelConfig::default())?;
        }
        Ok(Self {
            name,
            roles,
            clock: Clock::start(),
            transport,
            channels,
            certificate,
            asked: Instant::ZERO,
            words: WORDS.iter(),
            is_over: false,
        })
    }

    /// What the other side has to know.
    fn parameters(&self) -> anyhow::Result<Parameters> {
        let ice = self.transport.ice();
        let certificate = self.certificate.fingerprint(&PROVIDER, HashId::Sha256);
        Ok(Parameters {
            ice: ice.local_credentials().clone(),
            candidates: ice.local_candidates().cloned().collect(),
            certificate: certificate.context("no SHA-256")?,
        })
    }

    /// What the other side has told: from now on there is somebody to find, and to trust.
    fn start(&mut self, remote: Parameters) -> anyhow::Result<()> {
        let ice = self.transport.ice_mut();
        ice.set_remote_credentials(remote.ice)?;
        for candidate in remote.candidates {
            ice.add_remote_candidate(candidate)?;
        }
        ice.end_of_remote_candidates();
        self.transport
            .start_dtls(self.roles.dtls, vec![remote.certificate]);
        Ok(())
    }

    /// The next datagram, if there is one: what keeps the path and the keys, then messages.
    fn poll_transmit(&mut self, out: &mut Writer<'_>) -> Option<Path> {
        let now = self.clock.now();
        if self.is_over {
            return self.transport.poll_farewell(now, out);
        }
        if let Some(path) = self.transport.poll_transmit(now, out) {
            return Some(path);
        }
        let channels = &mut self.channels;
        self.transport
            .seal(out, |out| channels.poll_transmit(now, out))
    }

    /// A datagram goes up as far as it is good for: checks end in ICE, handshakes in DTLS, and
    /// what was encrypted in the channels.
    fn handle_input(&mut self, path: Path, datagram: &mut [u8]) {
        let (now, channels) = (self.clock.now(), &mut self.channels);
        self.transport
            .handle_input(now, path, datagram, |delivery| {
                if let Delivery::Data(data) = delivery {
                    channels.handle_input(now, data);
                }
            });
    }

    /// The earliest of all deadlines; not too far away, so that patience can end.
    fn poll_timeout(&self) -> Instant {
        let soon = self.clock.now() + Duration::from_secs(1);
        let deadlines = [self.transport.poll_timeout(), self.channels.poll_timeout()];
        deadlines.into_iter().flatten().fold(soon, Instant::min)
    }

    fn handle_timeout(&mut self) {
        let now = self.clock.now();
        self.transport.handle_timeout(now);
        self.channels.handle_timeout(now);
    }

    /// What the layers say: what one says moves the next.
    fn react(&mut self) -> anyhow::Result<()> {
        while let Some(event) = self.transport.poll_event() {
            match event {
                transport::Event::Ice(ice::Event::State(ice::IceState::Failed)) => {
                    bail!("there is no path");
                }
                transport::Event::Connected { .. } => {
                    if let Some(path) = self.transport.ice().current_path() {
                        self.say(&format!("reaches the other side by {path}"));
                    }
                    if let Some(agreed) = self.transport.dtls().and_then(|dtls| dtls.negotiated()) {
                        let (version, suite) = (agreed.version, agreed.cipher_suite);
                        self.say(&format!("DTLS {version}, {suite}"));
                    }
                    self.channels.connect(self.roles.streams);
                }
                transport::Event::Closed(
                    dtls::CloseReason::ByPeer | dtls::CloseReason::Requested,
                ) => {
                    self.say("the end");
                    self.is_over = true;
                }
                transport::Event::Closed(reason) => bail!("DTLS: {reason}"),
                transport::Event::Ice(_) => {}
            }
        }
        while let Some(event) = self.channels.poll_event() {
            self.on_channel(event)?;
        }
        Ok(())
    }

    fn on_channel(&mut self, event: channel::Event) -> anyhow::Result<()> {
        match event {
            channel::Event::State(id, ChannelState::Open) => {
                let info = self.channels.info(id).context("it is open")?;
                let label = info.label.to_owned();
                self.say(&format!("the channel \"{label}\" is open"));
                if self.roles.streams == StreamParity::Even {
                    self.ask(id)?;
                }
            }
            channel::Event::Message(id, data) => {
                let now = self.clock.now();
                if self.roles.streams == StreamParity::Odd {
                    self.say(&format!("hears {data:?}"));
                    self.channels.send(now, id, data)?;
                } else {
                    self.say(&format!(
                        "hears {data:?} again after {:?}",
                        now - self.asked
                    ));
                    self.ask(id)?;
                }
            }
            channel::Event::Closed(reason) => bail!("SCTP: {reason}"),
            _ => {}
        }
        Ok(())
    }

    /// Alice says the next words, or goes.
    fn ask(&mut self, id: channel::ChannelId) -> anyhow::Result<()> {
        self.asked = self.clock.now();
        match self.words.next() {
            Some(words) => {
                let data = Data::Text((*words).into());
                self.channels.send(self.asked, id, data)?;
            }
            None => self.transport.close_dtls(dtls::CloseReason::Requested),
        }
        Ok(())
    }

    fn say(&self, what: &str) {
        println!("{}: {what}", self.name);
    }
}
