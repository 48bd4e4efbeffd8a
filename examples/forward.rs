//! The heart of an SFU: the packets of one publisher go to many subscribers over real sockets.
//!
//! Publisher and subscribers are ours too, in threads of this process: a clip of VP8 is sent in
//! frames, forwarded packet by packet, and comes out in frames again. Each second it says how many
//! packets came and left, and what forwarding one cost, without the calls of the operating system.
//!
//!     cargo run --release --example forward
//!     cargo run --release --all-features --example forward -- --crypto aws-lc-rs --subscribers 200

#![expect(
    clippy::std_instead_of_core,
    clippy::print_stdout,
    reason = "here is the application"
)]

#[allow(dead_code, reason = "one clip of several")]
#[path = "support/clips.rs"]
mod clips;

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::thread;
use std::time::Duration;

use anyhow::Context;
use clap::Parser;
use clips::{Clip, Position};
use mio::net::UdpSocket;
use mio::{Interest, Poll, Token};
use pollrtc::PeerConnection;
use pollrtc::crypto::{CryptoProvider, rust_crypto};
use pollrtc::net::{Path, Transmit};
use pollrtc::peer::{
    Config, Direction, Event, Kind, MediaFrame, OutPacket, ReceivedPacket, RtpMode, TransceiverId,
    TransceiverInit,
};
use pollrtc::rng::Rng;
use pollrtc::time::{Clock, Instant};

/// Forwards video of one publisher to many subscribers.
#[derive(Parser)]
struct Arguments {
    /// How many subscribers there are.
    #[arg(long, default_value_t = 50)]
    subscribers: usize,
    /// How long to forward.
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    /// How many times as fast as it was filmed the clip is sent.
    #[arg(long, default_value_t = 1)]
    speed: u32,
    /// Who does the cryptography: rust-crypto, or aws-lc-rs if that was built.
    #[arg(long, default_value = "rust-crypto", value_parser = backend)]
    crypto: &'static CryptoProvider,
}

fn backend(name: &str) -> Result<&'static CryptoProvider, String> {
    match name {
        "rust-crypto" => Ok(&rust_crypto::PROVIDER),
        #[cfg(feature = "aws-lc-rs")]
        "aws-lc-rs" => Ok(&pollrtc::crypto::aws_lc_rs::PROVIDER),
        _ => Err("not built".into()),
    }
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let clock = Clock::start();
    let end = clock.now() + Duration::from_secs(arguments.seconds);
    let frames = || Config::with_provider(arguments.crypto);
    let packets = || Config {
        rtp_mode: RtpMode::Packets,
        // A packet of somebody else may be larger than ours.
        mtu: 1280,
        ..frames()
    };
    let (publisher, ingest) = connect(frames(), packets())?;
    let (mut forwarding, mut watching) = (vec![ingest], Vec::new());
    for _ in 0..arguments.subscribers {
        let (egress, subscriber) = connect(packets(), frames())?;
        forwarding.push(egress);
        watching.push(subscriber);
    }
    let seen = AtomicU64::new(0);
    thread::scope(|scope| {
        let publisher = Ends::new(clock, end, vec![publisher])?;
        let watching = Ends::new(clock, end, watching)?;
        let publisher = scope.spawn(|| publish(publisher, arguments.speed));
        let watching = scope.spawn(|| watch(watching, &seen));
        forward(Ends::new(clock, end, forwarding)?, &seen)?;
        publisher.join().expect("it does not panic")?;
        watching.join().expect("it does not panic")
    })?;
    anyhow::ensure!(seen.into_inner() > 0, "no subscriber saw a picture");
    Ok(())
}

/// Sends the clip, as fast as it was filmed or faster.
fn publish(mut ends: Ends, speed: u32) -> anyhow::Result<()> {
    let (clip, mut at) = (Clip::vp8(), Position::default());
    let mut start = None;
    while let Some(now) = ends.turn(Duration::from_millis(1))? {
        let End { machine, video, .. } = &mut ends.list[0];
        while let Some(event) = machine.poll_event() {
            if matches!(event, Event::KeyFrameRequested { .. }) {
                clip.skip_to_key(&mut at);
            }
        }
        let start = *start.get_or_insert(now);
        while start + clip.due(at) / speed <= now {
            let (data, timestamp) = clip.next(&mut at);
            // Until it is connected, frames are lost.
            let frame = MediaFrame::new(timestamp, data);
            let _ = machine.write(now, *video, &frame);
        }
        ends.send(0);
    }
    Ok(())
}

/// Counts the pictures that come to all subscribers.
fn watch(mut ends: Ends, seen: &AtomicU64) -> anyhow::Result<()> {
    while ends.turn(Duration::from_millis(20))?.is_some() {
        for index in 0..ends.list.len() {
            while let Some(event) = ends.list[index].machine.poll_event() {
                let is_frame = matches!(event, Event::Frame { .. });
                seen.fetch_add(is_frame.into(), Relaxed);
            }
            ends.send(index);
        }
    }
    Ok(())
}

/// What was forwarded within a second.
#[derive(Default)]
struct Count {
    came: u64,
    left: u64,
    busy: Duration,
}

/// Sends what comes from the first connection to all others.
fn forward(mut ends: Ends, seen: &AtomicU64) -> anyhow::Result<()> {
    let mut count = Count::default();
    let mut next = ends.clock.now() + SECOND;
    let mut all = 0;
    while let Some(now) = ends.turn(Duration::from_millis(20))? {
        let start = ends.clock.now();
        let [ingest, egress @ ..] = ends.list.as_mut_slice() else {
            break;
        };
        while let Some(event) = ingest.machine.poll_event() {
            if let Event::Packet { packet, .. } = event {
                count.came += 1;
                for end in &mut *egress {
                    count.left += u64::from(end.pass(now, &packet));
                }
            }
        }
        for end in egress {
            while let Some(event) = end.machine.poll_event() {
                if matches!(event, Event::KeyFrameRequested { .. }) {
                    ingest.machine.request_key_frame(ingest.video, "");
                }
            }
        }
        ends.busy += ends.clock.now() - start;
        for index in 0..ends.list.len() {
            ends.send(index);
        }
        count.busy += std::mem::take(&mut ends.busy);
        if now >= next {
            let before = std::mem::replace(&mut all, seen.load(Relaxed));
            count.print(all - before);
            (count, next) = (Count::default(), next + SECOND);
        }
    }
    Ok(())
}

impl Count {
    fn print(&self, frames: u64) {
        let Self { came, left, busy } = self;
        let each = busy.as_nanos() / u128::from((*left).max(1));
        println!(
            "{came:>6} packets in, {left:>7} out, {each:>5} ns each; subscribers saw {frames} pictures"
        );
    }
}

/// One end of a connection, and its socket.
struct End {
    machine: PeerConnection,
    video: TransceiverId,
    socket: UdpSocket,
    local: SocketAddr,
}

impl End {
    /// A connection and the socket that it is told of.
    fn open(config: Config) -> anyhow::Result<(PeerConnection, UdpSocket)> {
        let socket = UdpSocket::bind(SocketAddr::from(([127, 0, 0, 1], 0)))?;
        let mut machine = PeerConnection::new(config, &mut Rng::from_os()?)?;
        machine.add_local_address(socket.local_addr()?)?;
        Ok((machine, socket))
    }

    /// Sends a packet that came elsewhere; whether that was possible.
    fn pass(&mut self, now: Instant, packet: &ReceivedPacket) -> bool {
        let codec = self.machine.send_codecs(self.video).next();
        let Some(payload_type) = codec.map(|codec| codec.payload_type) else {
            return false;
        };
        let packet = OutPacket {
            payload_type,
            ..packet.into()
        };
        let written = self.machine.write_packet(now, self.video, "", &packet);
        written.is_ok()
    }
}

/// Two ends that know each other; the first sends video to the second.
fn connect(from: Config, to: Config) -> anyhow::Result<(End, End)> {
    let (mut from, from_socket) = End::open(from)?;
    let (mut to, to_socket) = End::open(to)?;
    let init = TransceiverInit {
        direction: Direction::SendOnly,
        ..TransceiverInit::default()
    };
    let video = from.add_transceiver(Kind::Video, init)?;
    tell(&mut from, &mut to)?;
    tell(&mut to, &mut from)?;
    let theirs = to.transceivers().next().context("a transceiver")?.id();
    let end = |machine, video, socket: UdpSocket| -> anyhow::Result<End> {
        let local = socket.local_addr()?;
        Ok(End {
            machine,
            video,
            socket,
            local,
        })
    };
    Ok((end(from, video, from_socket)?, end(to, theirs, to_socket)?))
}

/// One end makes the description that is due, and the other takes it. This is the signaling.
fn tell(from: &mut PeerConnection, to: &mut PeerConnection) -> anyhow::Result<()> {
    from.set_local_description(None)?;
    let description = from.local_description().context("a description")?;
    to.set_remote_description(&description)?;
    Ok(())
}

/// Some connections that one thread looks after.
struct Ends {
    list: Vec<End>,
    clock: Clock,
    /// When to stop.
    end: Instant,
    poll: Poll,
    ready: mio::Events,
    input: Vec<u8>,
    output: Vec<u8>,
    transmits: Vec<Transmit>,
    /// How long the machines worked.
    busy: Duration,
}

impl Ends {
    fn new(clock: Clock, end: Instant, mut list: Vec<End>) -> anyhow::Result<Self> {
        let poll = Poll::new()?;
        for (index, end) in list.iter_mut().enumerate() {
            let registry = poll.registry();
            registry.register(&mut end.socket, Token(index), Interest::READABLE)?;
        }
        Ok(Self {
            list,
            clock,
            end,
            poll,
            ready: mio::Events::with_capacity(256),
            input: vec![0; 2048],
            output: Vec::with_capacity(64 << 10),
            transmits: Vec::new(),
            busy: Duration::ZERO,
        })
    }

    /// Waits for datagrams, no longer than `most` and until the next deadline, and hands them
    /// over; what time it is then, or `None` at the end.
    fn turn(&mut self, most: Duration) -> anyhow::Result<Option<Instant>> {
        let now = self.clock.now();
        let deadlines = self
            .list
            .iter()
            .filter_map(|end| end.machine.poll_timeout());
        let wait = deadlines.min().map_or(most, |at| most.min(at - now));
        self.poll.poll(&mut self.ready, Some(wait))?;
        for event in &self.ready {
            let end = &mut self.list[event.token().0];
            while let Ok((len, from)) = end.socket.recv_from(&mut self.input) {
                let now = self.clock.now();
                let path = Path::udp(end.local, from);
                end.machine.handle_input(now, path, &mut self.input[..len]);
                self.busy += self.clock.now() - now;
            }
        }
        let now = self.clock.now();
        for end in &mut self.list {
            if end.machine.poll_timeout().is_some_and(|at| at <= now) {
                end.machine.handle_timeout(now);
            }
        }
        Ok((now < self.end).then_some(now))
    }

    /// Sends all that a connection has to send.
    fn send(&mut self, index: usize) {
        let (end, now) = (&mut self.list[index], self.clock.now());
        self.output.clear();
        while let Some(transmit) = end.machine.poll_transmit(now, 1, &mut self.output) {
            self.transmits.push(transmit);
        }
        self.busy += self.clock.now() - now;
        let mut rest = self.output.as_slice();
        for transmit in self.transmits.drain(..) {
            let (datagram, behind) = rest.split_at(transmit.len);
            rest = behind;
            // A socket that is full loses datagrams, as the network does.
            let _ = end.socket.send_to(datagram, transmit.path.remote);
        }
    }
}

const SECOND: Duration = Duration::from_secs(1);
