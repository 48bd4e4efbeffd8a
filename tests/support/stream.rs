//! One stream each way: a sender and a receiver with as much RTCP as they need.

use std::time::Duration;

use pollrtc::cursor::{Reader, Writer};
use pollrtc::net::Path;
use pollrtc::rng::Rng;
use pollrtc::rtp::format::Format;
use pollrtc::rtp::receiver::{
    Event, Feedback, ReceiveCodec, ReceiveParameters, ReceiverConfig, RtpReceiver,
};
use pollrtc::rtp::sender::{MediaFrame, RtpSender, SendParameters, SenderConfig};
use pollrtc::seq::Serial16;
use pollrtc::sim::Machine;
use pollrtc::time::Instant;
use pollrtc::wire::demux::{self, Class};
use pollrtc::wire::list::List;
use pollrtc::wire::rtcp::{Nack, Packet as Rtcp, PictureLoss};
use pollrtc::wire::rtp::{Packet, PayloadType, Ssrc};

/// A sender of pictures and a receiver of the other end's.
pub struct StreamEnd {
    sender: RtpSender,
    receiver: RtpReceiver,
    peer: Ssrc,
    path: Path,
    transport_sequence: Serial16,
    /// When the application writes next. It knows no earlier time than the latest.
    next: Option<Instant>,
    latest: Instant,
    ticks: u32,
    wants_key: bool,
    strangers: u64,
    /// How many frames came.
    pub frames: usize,
    is_closed: bool,
    has_ended: bool,
}

/// What an end says.
#[derive(Clone, Debug)]
pub enum StreamTold {
    /// Something came.
    Came(Event),
    /// It was closed.
    Closed,
}

impl StreamEnd {
    /// An end on a path, whose stream has the number `own`, and its repeats the next.
    pub fn new(path: Path, own: u32, peer: u32, rng: &mut Rng) -> Self {
        let (media, repeats) = (
            PayloadType::from_low_bits(96),
            PayloadType::from_low_bits(97),
        );
        let mut config = SenderConfig::new(Ssrc(own));
        config.repair = Some(Ssrc(own + 1));
        let mut sender = RtpSender::new(config, rng);
        let mut agreed = SendParameters::new(media, 90_000, Format::Vp8);
        agreed.repair_payload_type = Some(repeats);
        sender.set_parameters(agreed);
        let mut receiver = RtpReceiver::new(Ssrc(peer), ReceiverConfig::default());
        receiver.set_repair(Ssrc(peer + 1));
        let mut codec = ReceiveCodec::new(media, 90_000, Format::Vp8);
        codec.repair_payload_type = Some(repeats);
        (codec.nack, codec.pli) = (true, true);
        let mut parameters = ReceiveParameters::default();
        parameters.codecs.push(codec);
        receiver.set_parameters(&parameters.into());
        Self {
            sender,
            receiver,
            peer: Ssrc(peer),
            path,
            transport_sequence: Serial16(0),
            next: Some(Instant::ZERO + TICK),
            latest: Instant::ZERO,
            ticks: 0,
            wants_key: true,
            strangers: 0,
            frames: 0,
            is_closed: false,
            has_ended: false,
        }
    }

    /// Neither sends nor listens any more.
    pub fn close(&mut self, now: Instant) {
        self.sender.set_active(false);
        self.receiver.handle_bye(now);
        self.next = None;
        self.is_closed = true;
    }

    /// How many datagrams were dropped.
    pub const fn dropped(&self) -> u64 {
        self.strangers
    }

    fn write(&mut self, now: Instant) {
        let mut picture = match std::mem::take(&mut self.wants_key) {
            true => vec![0x10, 0, 0, 0x9d, 0x01, 0x2a, 64, 0, 64, 0],
            false => vec![0x11, 0, 0],
        };
        picture.resize(2_500, self.ticks.to_be_bytes()[3]);
        let frame = MediaFrame::new(self.ticks.wrapping_mul(3_000), picture.into());
        self.ticks += 1;
        // A refusal is as good as any answer.
        let _ = self.sender.write(now, &frame);
    }

    fn on_rtp(&mut self, now: Instant, packet: &Packet<'_>) {
        let ssrc = packet.header.ssrc;
        if ssrc == self.peer {
            self.receiver.handle_rtp(now, packet);
        } else if Some(ssrc) == self.receiver.repair() {
            self.receiver.handle_repair(now, packet);
        } else {
            self.strangers += 1;
        }
    }

    fn on_rtcp(&mut self, now: Instant, packet: &Rtcp<'_>) {
        match packet {
            Rtcp::Nack(nack) if nack.media == self.sender.ssrc() => {
                self.sender.on_nack(now, nack.lost());
            }
            Rtcp::PictureLoss(loss) if loss.media == self.sender.ssrc() => {
                self.wants_key |= self.sender.on_key_frame_request(now, None);
            }
            _ => self.strangers += 1,
        }
    }

    fn feedback(&mut self, now: Instant, out: &mut Writer<'_>) -> bool {
        // What does not fit is not polled: it would be lost.
        let Some(feedback) = (out.remaining() >= FEEDBACK_ROOM)
            .then(|| self.receiver.poll_feedback(now))
            .flatten()
        else {
            return false;
        };
        let (sender, media) = (self.sender.ssrc(), self.peer);
        match feedback {
            Feedback::Nack(lost) => {
                let pairs = Nack::encode(lost);
                let pairs = List::new(&pairs);
                Rtcp::Nack(Nack {
                    sender,
                    media,
                    pairs,
                })
                .emit(out);
            }
            _ => Rtcp::PictureLoss(PictureLoss { sender, media }).emit(out),
        }
        true
    }
}

impl Machine for StreamEnd {
    type Event = StreamTold;

    fn handle_input(&mut self, now: Instant, _path: Path, datagram: &mut [u8]) {
        self.latest = self.latest.max(now);
        let mut bytes = Reader::new(datagram);
        if self.is_closed {
            self.strangers += 1;
            return;
        }
        match demux::classify(datagram) {
            Class::Rtp => match Packet::parse(&mut bytes) {
                Ok(packet) => self.on_rtp(now, &packet),
                Err(_) => self.strangers += 1,
            },
            Class::Rtcp => match Rtcp::parse(&mut bytes) {
                Ok(packet) => self.on_rtcp(now, &packet),
                Err(_) => self.strangers += 1,
            },
            _ => self.strangers += 1,
        }
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.receiver.handle_timeout(now);
        self.latest = self.latest.max(now);
        if self.next.is_some_and(|next| next <= self.latest) {
            self.next = Some(self.latest + TICK);
            self.write(now);
        }
    }

    fn poll_transmit(&mut self, now: Instant, out: &mut Writer<'_>) -> Option<Path> {
        self.latest = self.latest.max(now);
        if self.is_closed {
            return None;
        }
        let wrote = self.feedback(now, out) || {
            let next = &mut self.transport_sequence;
            self.sender.poll_rtp(now, next, Duration::ZERO, out)
        };
        wrote.then_some(self.path)
    }

    fn poll_event(&mut self) -> Option<StreamTold> {
        if let Some(event) = self.receiver.poll_event() {
            self.frames += 1;
            return Some(StreamTold::Came(event));
        }
        let ends = self.is_closed && !std::mem::replace(&mut self.has_ended, self.is_closed);
        ends.then_some(StreamTold::Closed)
    }

    fn poll_timeout(&self) -> Option<Instant> {
        let receiver = self.receiver.poll_timeout();
        receiver.into_iter().chain(self.next).min()
    }
}

/// Pictures come so often.
const TICK: Duration = Duration::from_millis(33);
/// As much room as the longest feedback needs.
const FEEDBACK_ROOM: usize = 1_200;
