//! A sender and the keys of each subscriber, by hand.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use pollrtc::crypto::CryptoProvider;
use pollrtc::cursor::{Reader, Writer};
use pollrtc::rng::Rng;
use pollrtc::rtp::format::Format;
use pollrtc::rtp::sender::{OutPacket, RtpSender, SendParameters, SenderConfig};
use pollrtc::seq::{Serial16, Serial32};
use pollrtc::srtp::{Config, Master, SrtpContext};
use pollrtc::time::Instant;
use pollrtc::wire::dtls::extension::SrtpProfile;
use pollrtc::wire::list::List;
use pollrtc::wire::rtp::{Header, Packet, PayloadType, Ssrc};

use super::{Fan, PACE, PAYLOAD};

/// Keys, senders, and memory for payloads.
pub(crate) struct Parts {
    now: Instant,
    number: u16,
    publisher: SrtpContext,
    ingest: SrtpContext,
    memory: BytesMut,
    subscribers: Vec<Subscriber>,
}

struct Subscriber {
    sender: RtpSender,
    srtp: SrtpContext,
    transport: Serial16,
    out: Vec<u8>,
}

impl Parts {
    pub(crate) fn new(backend: &'static CryptoProvider, subscribers: u16) -> Self {
        let subscriber = |number: u16| {
            let ssrc = Ssrc(1000 + u32::from(number));
            let mut sender = RtpSender::new(
                SenderConfig::new(ssrc),
                &mut Rng::from_number(number.into()),
            );
            sender.set_parameters(SendParameters::new(payload_type(), 90_000, Format::Vp8));
            Subscriber {
                sender,
                srtp: context(backend),
                transport: Serial16(0),
                out: Vec::with_capacity(1500),
            }
        };
        Self {
            now: Instant::ZERO,
            number: 0,
            publisher: context(backend),
            ingest: context(backend),
            memory: BytesMut::new(),
            subscribers: (0..subscribers).map(subscriber).collect(),
        }
    }
}

impl Fan for Parts {
    fn publish(&mut self, out: &mut Vec<u8>) {
        self.now += PACE;
        self.number = self.number.wrapping_add(1);
        let header = Header {
            marker: false,
            payload_type: payload_type(),
            sequence_number: Serial16(self.number),
            timestamp: Serial32(u32::from(self.number) * 90),
            ssrc: Ssrc(7),
            csrcs: List::EMPTY,
            extensions: None,
        };
        out.clear();
        let sealed = self.publisher.seal_rtp(&mut Writer::new(out, 1500), |w| {
            header.emit(w);
            w.bytes(&[0x42; PAYLOAD]);
            true
        });
        assert!(sealed);
    }

    fn forward(&mut self, datagrams: &mut [Vec<u8>]) -> usize {
        let datagrams = datagrams.iter_mut();
        datagrams.map(|datagram| self.forward_one(datagram)).sum()
    }
}

impl Parts {
    fn forward_one(&mut self, datagram: &mut [u8]) -> usize {
        let opened = self.ingest.open_rtp(datagram).expect("it is new");
        let packet = Packet::parse(&mut Reader::new(opened)).expect("RTP");
        let payload = copy(&mut self.memory, packet.payload);
        let packet = OutPacket {
            source: packet.header.ssrc,
            number: packet.header.sequence_number,
            timestamp: packet.header.timestamp,
            payload_type: packet.header.payload_type,
            marker: packet.header.marker,
            extensions: &[],
            payload: &payload,
        };
        let now = self.now;
        let subscribers = self.subscribers.iter_mut();
        subscribers.map(|one| one.forward(now, &packet)).sum()
    }
}

impl Subscriber {
    fn forward(&mut self, now: Instant, packet: &OutPacket<'_>) -> usize {
        let Self {
            sender,
            srtp,
            transport,
            out,
        } = self;
        sender.write_packet(now, packet).expect("it is next");
        out.clear();
        let mut datagrams = 0;
        let mut w = Writer::new(out, 1500);
        while srtp.seal_rtp(&mut w, |w| {
            sender.poll_rtp(now, transport, Duration::ZERO, w)
        }) {
            datagrams += 1;
        }
        datagrams
    }
}

fn copy(memory: &mut BytesMut, payload: &[u8]) -> Bytes {
    if memory.capacity() < payload.len() {
        memory.reserve(64 << 10);
    }
    memory.extend_from_slice(payload);
    memory.split().freeze()
}

fn context(backend: &CryptoProvider) -> SrtpContext {
    let config = Config::new(SrtpProfile::AeadAes128Gcm);
    let master = Master::new(&[7; 16], &[7; 12]);
    SrtpContext::new(backend, config, master, master).expect("keys")
}

const fn payload_type() -> PayloadType {
    PayloadType::from_low_bits(96)
}
