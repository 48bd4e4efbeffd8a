//! This crate, full stack.
use super::{Pair, send_buffer};
use crate::net::{DataPeer, Endpoint};
use bytes::Bytes;
use pollrtc::PeerConnection;
use pollrtc::net::Path;
use pollrtc::peer::{ChannelConfig, ChannelId, ChannelState, Config, Event};
use pollrtc::rng::Rng;
use std::sync::{Arc, OnceLock};
use std::time::Instant;

/// One for all connections, as an application would have it.
static CONFIG: OnceLock<Arc<Config>> = OnceLock::new();

pub struct Peer {
    peer: PeerConnection,
    path: Path,
    epoch: Instant,
    channel: Option<ChannelId>,
    messages: u64,
    bytes: u64,
    input: Vec<u8>,
    output: Vec<u8>,
}

impl Peer {
    fn new(epoch: Instant, me: u8, other: u8) -> Self {
        let path = Path::udp(super::str0m::addr(me), super::str0m::addr(other));
        let config = Arc::clone(CONFIG.get_or_init(Arc::default));
        let mut peer = PeerConnection::new(config, &mut Rng::from_os().unwrap()).unwrap();
        peer.add_local_address(path.local).unwrap();
        Self { peer, path, epoch, channel: None, messages: 0, bytes: 0, input: Vec::new(), output: Vec::new() }
    }

    fn at(&self, now: Instant) -> pollrtc::Instant {
        pollrtc::Instant::ZERO + (now - self.epoch)
    }
}

impl Endpoint for Peer {
    fn handle(&mut self, now: Instant, datagram: &[u8]) {
        // A socket would have put it there.
        self.input.clear();
        self.input.extend_from_slice(datagram);
        let now = self.at(now);
        self.peer.handle_input(now, self.path, &mut self.input);
    }
    fn timeout(&mut self, now: Instant) {
        let now = self.at(now);
        self.peer.handle_timeout(now);
    }
    fn poll(&mut self, now: Instant, out: &mut dyn FnMut(&[u8])) -> Option<Instant> {
        let now = self.at(now);
        while let Some(event) = self.peer.poll_event() {
            match event {
                Event::ChannelState(id, ChannelState::Open) => self.channel = Some(id),
                Event::Message(_, data) => {
                    self.messages += 1;
                    self.bytes += data.len() as u64;
                }
                _ => {}
            }
        }
        while let Some(transmit) = self.peer.poll_transmit(now, 16, &mut self.output) {
            for datagram in self.output.chunks(transmit.segment_size.unwrap_or(transmit.len)) {
                out(datagram);
            }
            self.output.clear();
        }
        self.peer.poll_timeout().map(|at| self.epoch + at.since(pollrtc::Instant::ZERO))
    }
}

impl DataPeer for Peer {
    fn is_open(&mut self) -> bool {
        self.channel.is_some()
    }
    fn send(&mut self, now: Instant, message: &[u8]) -> bool {
        let Some(channel) = self.channel else { return false };
        if self.peer.buffered_amount(channel) + message.len() > send_buffer() {
            return false;
        }
        let now = self.at(now);
        self.peer.send(now, channel, Bytes::copy_from_slice(message)).is_ok()
    }
    fn received(&self) -> (u64, u64) {
        (self.messages, self.bytes)
    }
}

/// Offer and answer as text, with the candidates in them.
pub fn pair(now: Instant) -> Pair {
    let (mut a, mut b) = (Peer::new(now, 1, 2), Peer::new(now, 2, 1));
    a.peer.create_data_channel("bench", ChannelConfig::default()).unwrap();
    let offer = a.peer.create_offer().unwrap();
    a.peer.set_local_description(Some(&offer)).unwrap();
    b.peer.set_remote_description(&a.peer.local_description().unwrap()).unwrap();
    let answer = b.peer.create_answer().unwrap();
    b.peer.set_local_description(Some(&answer)).unwrap();
    a.peer.set_remote_description(&b.peer.local_description().unwrap()).unwrap();
    (Box::new(a), Box::new(b))
}
