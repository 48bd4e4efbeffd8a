//! Whole connections: a publisher's, and one to each subscriber.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use pollrtc::PeerConnection;
use pollrtc::crypto::CryptoProvider;
use pollrtc::net::Path;
use pollrtc::peer::{
    Config, ConnectionState, Direction, Event, Kind, OutPacket, ReceivedPacket, RtpMode,
    TransceiverId, TransceiverInit,
};
use pollrtc::rng::Rng;
use pollrtc::seq::{Serial16, Serial32};
use pollrtc::time::Instant;
use pollrtc::wire::rtp::{PayloadType, Ssrc};

use super::{Fan, PACE, PAYLOAD};

/// A publisher, the end that he sends to, and an end for each subscriber. The
/// subscribers themselves are gone when they are connected.
pub(crate) struct Connections {
    now: Instant,
    number: u16,
    publisher: Sending,
    ingest: Node,
    egress: Vec<Sending>,
    packets: Vec<ReceivedPacket>,
    out: Vec<u8>,
}

impl Connections {
    pub(crate) fn new(backend: &'static CryptoProvider, subscribers: u16) -> Self {
        let (publisher, ingest, _) = connect(backend, 0);
        let connected = (1..=subscribers).map(|number| connect(backend, number));
        let (mut now, mut egress) = (Instant::ZERO, Vec::new());
        for (sending, _, at) in connected {
            egress.push(sending);
            now = now.max(at);
        }
        Self {
            now,
            number: 0,
            publisher,
            ingest,
            egress,
            packets: Vec::with_capacity(64),
            out: Vec::with_capacity(2048),
        }
    }
}

impl Fan for Connections {
    fn publish(&mut self, datagram: &mut Vec<u8>) {
        self.now += PACE;
        self.number = self.number.wrapping_add(1);
        let payload = Bytes::from_static(&[0x42; PAYLOAD]);
        let packet = OutPacket {
            source: Ssrc(7),
            number: Serial16(self.number),
            timestamp: Serial32(u32::from(self.number) * 90),
            payload_type: self.publisher.payload_type,
            marker: false,
            extensions: &[],
            payload: &payload,
        };
        let sent = self.publisher.write(self.now, &packet);
        assert!(sent, "it is next");
        datagram.clear();
        let publisher = &mut self.publisher.node.machine;
        while datagram.len() < PAYLOAD {
            datagram.clear();
            let transmit = publisher.poll_transmit(self.now, 1, datagram);
            assert!(transmit.is_some(), "it is sent");
        }
    }

    fn forward(&mut self, datagrams: &mut [Vec<u8>]) -> usize {
        let Self {
            now,
            ingest,
            egress,
            packets,
            out,
            ..
        } = self;
        for datagram in datagrams {
            ingest.machine.handle_input(*now, ingest.path, datagram);
        }
        while let Some(event) = ingest.machine.poll_event() {
            if let Event::Packet { packet, .. } = event {
                packets.push(packet);
            }
        }
        let mut sent = 0;
        for sending in egress {
            for packet in &*packets {
                sending.write(*now, &packet.into());
            }
            sent += sending.node.send(*now, out);
        }
        packets.clear();
        ingest.send(*now, out);
        sent
    }

    fn tend(&mut self) {
        let now = self.now;
        let egress = self.egress.iter_mut().map(|sending| &mut sending.node);
        for node in egress.chain([&mut self.ingest, &mut self.publisher.node]) {
            if node.machine.poll_timeout().is_some_and(|at| at <= now) {
                node.machine.handle_timeout(now);
                node.send(now, &mut self.out);
            }
            while node.machine.poll_event().is_some() {}
        }
    }
}

/// A connection that video is sent over.
struct Sending {
    node: Node,
    transceiver: TransceiverId,
    payload_type: PayloadType,
}

impl Sending {
    fn write(&mut self, now: Instant, packet: &OutPacket<'_>) -> bool {
        let packet = OutPacket {
            payload_type: self.payload_type,
            ..*packet
        };
        let machine = &mut self.node.machine;
        machine
            .write_packet(now, self.transceiver, "", &packet)
            .is_ok()
    }
}

/// One end of a connection and the way to the other.
struct Node {
    machine: PeerConnection,
    path: Path,
}

impl Node {
    fn new(backend: &'static CryptoProvider, seed: u64, path: Path) -> Self {
        let mut config = Config::with_provider(backend);
        config.mtu = 1280;
        config.rtp_mode = RtpMode::Packets;
        let rng = &mut Rng::from_number(seed);
        let mut machine = PeerConnection::new(config, rng).expect("a configuration");
        machine.add_local_address(path.local).expect("an address");
        Self { machine, path }
    }

    /// Lets it send all it has; how many datagrams that are.
    fn send(&mut self, now: Instant, out: &mut Vec<u8>) -> usize {
        let mut datagrams = 0;
        loop {
            out.clear();
            if self.machine.poll_transmit(now, 1, out).is_none() {
                return datagrams;
            }
            datagrams += 1;
        }
    }

    /// Hands all that waits to the other end; whether there was anything.
    fn pass(&mut self, other: &mut Self, now: Instant) -> bool {
        let mut buf = Vec::new();
        let mut any = false;
        while self.machine.poll_transmit(now, 1, &mut buf).is_some() {
            other.machine.handle_input(now, other.path, &mut buf);
            buf.clear();
            any = true;
        }
        any
    }

    fn is_connected(&self) -> bool {
        self.machine.connection_state() == ConnectionState::Connected
    }
}

/// A connection over which the first end can send video, and when it was connected.
fn connect(backend: &'static CryptoProvider, number: u16) -> (Sending, Node, Instant) {
    let [a, b] = [1, 2].map(|host| SocketAddr::from(([192, 0, 2, host], 1000 + number)));
    let seed = u64::from(number) * 2;
    let mut from = Node::new(backend, seed, Path::udp(a, b));
    let mut to = Node::new(backend, seed + 1, Path::udp(b, a));
    let init = TransceiverInit {
        direction: Direction::SendOnly,
        ..TransceiverInit::default()
    };
    let added = from.machine.add_transceiver(Kind::Video, init);
    let transceiver = added.expect("a transceiver");
    tell(&mut from, &mut to);
    tell(&mut to, &mut from);
    let mut now = Instant::ZERO;
    while !(from.is_connected() && to.is_connected()) {
        while from.pass(&mut to, now) | to.pass(&mut from, now) {}
        let timeouts = [&from, &to].map(|node| node.machine.poll_timeout());
        now = timeouts
            .into_iter()
            .flatten()
            .min()
            .expect("a timer")
            .max(now);
        assert!(now < Instant::from_millis(10_000), "they do not connect");
        from.machine.handle_timeout(now);
        to.machine.handle_timeout(now);
    }
    let codec = from.machine.send_codecs(transceiver).next();
    let payload_type = codec.expect("a codec").payload_type;
    let mut sending = Sending {
        node: from,
        transceiver,
        payload_type,
    };
    let now = hear(&mut sending, &mut to, now);
    (sending, to, now)
}

/// Sends a packet and lets time pass until the other end has reported on it: from then
/// on packets say no more which section they belong to.
fn hear(sending: &mut Sending, to: &mut Node, mut now: Instant) -> Instant {
    let packet = OutPacket {
        source: Ssrc(6),
        number: Serial16(0),
        timestamp: Serial32(0),
        payload_type: sending.payload_type,
        marker: true,
        extensions: &[],
        payload: &Bytes::from_static(b"video"),
    };
    assert!(sending.write(now, &packet), "it is the first");
    let (from, end) = (&mut sending.node, now + Duration::from_secs(3));
    while now < end {
        while from.pass(to, now) | to.pass(from, now) {}
        now += Duration::from_millis(20);
        from.machine.handle_timeout(now);
        to.machine.handle_timeout(now);
    }
    while from.pass(to, now) | to.pass(from, now) {}
    now
}

/// One end makes the description that is due, and the other takes it.
fn tell(from: &mut Node, to: &mut Node) {
    let made = from.machine.set_local_description(None);
    made.expect("a description");
    let description = from.machine.local_description().expect("a description");
    let taken = to.machine.set_remote_description(&description);
    taken.expect("it is good");
}
