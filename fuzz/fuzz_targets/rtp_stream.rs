//! One stream of packets: any payloads in any order at its receiver, any wishes and
//! reports at its sender.
#![no_main]

use std::sync::Arc;
use std::time::Duration;

use arbitrary::Arbitrary;
use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use pollrtc::cursor::{Reader, Writer};
use pollrtc::rng::Rng;
use pollrtc::rtp::format::Format;
use pollrtc::rtp::receiver::{
    Event, Feedback, Mode, ReceiveCodec, ReceiveParameters, ReceiverConfig, RtpReceiver,
};
use pollrtc::rtp::sender::{MediaFrame, RtpSender, SendParameters, SenderConfig};
use pollrtc::seq::{Serial16, Serial32};
use pollrtc::time::Instant;
use pollrtc::wire::list::List;
use pollrtc::wire::rtcp::{NtpTimestamp, ReportBlock, SenderInfo};
use pollrtc::wire::rtp::{ExtensionMap, Header, Packet, PayloadType, Ssrc};

#[derive(Arbitrary, Debug)]
enum Step {
    /// A packet that the sender may never have made.
    Packet {
        number: u16,
        timestamp: u32,
        marker: bool,
        is_repair: bool,
        payload: Vec<u8>,
    },
    /// A frame is sent, and so many of its packets are lost, by their place.
    Frame {
        lost: u32,
        ticks: u16,
        data: Vec<u8>,
        times: u8,
    },
    Nack(Vec<u16>),
    Report(u32, u32, u8),
    SenderReport(u64, u32),
    KeyFrame(Option<u8>),
    Wait(u16),
    Bye,
}

/// Which format, frames or packets, and how long frames may wait.
type Setup = (u8, bool, u16);

fuzz_target!(|input: (Setup, Vec<Step>)| {
    let (setup, steps) = input;
    let mut stream = Stream::new(setup);
    for step in steps {
        stream.step(step);
        stream.settle();
    }
});

struct Stream {
    now: Instant,
    sender: RtpSender,
    receiver: RtpReceiver,
    transport: Serial16,
    timestamp: u32,
    limit: usize,
}

impl Stream {
    fn new((format, packets, delay): Setup) -> Self {
        let formats = [
            Format::Plain,
            Format::Vp8,
            Format::Vp9,
            Format::H264 { single_unit: false },
            Format::H265,
            Format::Av1,
        ];
        let format = formats[usize::from(format) % formats.len()];
        let media = PayloadType::from_low_bits(96);
        let repair = PayloadType::from_low_bits(97);

        let mut config = SenderConfig::new(MEDIA);
        config.repair = Some(REPAIR);
        let mut sender = RtpSender::new(config, &mut Rng::from_number(1));
        let mut parameters = SendParameters::new(media, 90_000, format);
        parameters.repair_payload_type = Some(repair);
        sender.set_parameters(parameters);

        let mut config = ReceiverConfig::default();
        config.mode = if packets { Mode::Packets } else { Mode::Frames };
        config.max_delay = Duration::from_millis(delay.into());
        let limit = config.limits.frame;
        let mut receiver = RtpReceiver::new(MEDIA, config);
        receiver.set_repair(REPAIR);
        let mut codec = ReceiveCodec::new(media, 90_000, format);
        codec.repair_payload_type = Some(repair);
        (codec.nack, codec.pli, codec.fir) = (true, true, true);
        receiver.set_parameters(&Arc::new(ReceiveParameters {
            codecs: vec![codec],
            extensions: ExtensionMap::new(),
        }));
        Self {
            now: Instant::ZERO,
            sender,
            receiver,
            transport: Serial16(0),
            timestamp: 0,
            limit,
        }
    }

    fn step(&mut self, step: Step) {
        let now = self.now;
        match step {
            Step::Packet {
                number,
                timestamp,
                marker,
                is_repair,
                payload,
            } => {
                let header = Header {
                    marker,
                    payload_type: PayloadType::from_low_bits(if is_repair { 97 } else { 96 }),
                    sequence_number: Serial16(number),
                    timestamp: Serial32(timestamp),
                    ssrc: if is_repair { REPAIR } else { MEDIA },
                    csrcs: List::EMPTY,
                    extensions: None,
                };
                let mut packet = Vec::new();
                header.emit(&mut Writer::new(&mut packet, 100));
                packet.extend(payload);
                self.receive(&packet);
            }
            Step::Frame {
                lost,
                ticks,
                data,
                times,
            } => {
                self.timestamp = self.timestamp.wrapping_add(ticks.into());
                let data = Bytes::from(data.repeat(usize::from(times)));
                let frame = MediaFrame::new(self.timestamp, data);
                let _ = self.sender.write(now, &frame);
                self.transmit(lost);
            }
            Step::Nack(numbers) => self.sender.on_nack(now, numbers.into_iter().map(Serial16)),
            Step::Report(highest, middle, lost) => {
                let block = ReportBlock {
                    ssrc: MEDIA,
                    fraction_lost: lost,
                    cumulative_lost: i32::from(lost),
                    highest_sequence: highest,
                    jitter: 0,
                    last_sender_report: middle,
                    delay: middle,
                };
                self.sender.on_report(now, &block);
            }
            Step::SenderReport(ntp, timestamp) => {
                let info = SenderInfo {
                    ntp,
                    rtp: Serial32(timestamp),
                    packets: 0,
                    octets: 0,
                };
                self.receiver.handle_sender_report(now, &info);
            }
            Step::KeyFrame(number) => {
                self.sender.on_key_frame_request(now, number);
                self.receiver.request_key_frame();
            }
            Step::Wait(millis) => self.now += Duration::from_millis(millis.into()),
            Step::Bye => self.receiver.handle_bye(now),
        }
    }

    /// Sends all that is ready; the bits of `lost` say what does not arrive.
    fn transmit(&mut self, mut lost: u32) {
        for count in 0.. {
            assert!(count < MAX_BURST, "it never stops sending");
            let mut packet = Vec::new();
            let out = &mut Writer::new(&mut packet, 1200);
            let wall = Duration::from_secs(1);
            if !self
                .sender
                .poll_rtp(self.now, &mut self.transport, wall, out)
            {
                assert!(packet.is_empty());
                return;
            }
            assert!(!packet.is_empty() && packet.len() <= 1200);
            if lost & 1 == 0 {
                self.receive(&packet);
            }
            lost >>= 1;
        }
    }

    fn receive(&mut self, packet: &[u8]) {
        let Ok(packet) = Packet::parse(&mut Reader::new(packet)) else {
            return;
        };
        if packet.header.ssrc == REPAIR {
            self.receiver.handle_repair(self.now, &packet);
        } else {
            self.receiver.handle_rtp(self.now, &packet);
        }
    }

    /// Asks both for all that they have to say.
    fn settle(&mut self) {
        let now = self.now;
        if self.receiver.poll_timeout().is_some_and(|at| at <= now) {
            self.receiver.handle_timeout(now);
        }
        for count in 0.. {
            assert!(count < MAX_BURST, "it never stops asking");
            match self.receiver.poll_feedback(now) {
                Some(Feedback::Nack(numbers)) => {
                    assert!(!numbers.is_empty());
                    self.sender.on_nack(now, numbers);
                }
                Some(Feedback::Pli) => {
                    self.sender.on_key_frame_request(now, None);
                }
                Some(Feedback::Fir(number)) => {
                    self.sender.on_key_frame_request(now, Some(number));
                }
                None => break,
            }
        }
        for count in 0.. {
            assert!(count < MAX_BURST, "it never stops talking");
            match self.receiver.poll_event() {
                Some(Event::Frame(frame)) => assert!(frame.data.len() <= self.limit),
                Some(_) => {}
                None => break,
            }
        }
        let _ = self.receiver.report(now);
        let _ = self.receiver.sources(now);
        let wall = NtpTimestamp::from_unix(Duration::from_secs(1));
        let _ = self.sender.sender_info(now, wall);
        let _ = (self.sender.stats(), self.receiver.stats());
        self.transmit(0);
    }
}

const MEDIA: Ssrc = Ssrc(1);
const REPAIR: Ssrc = Ssrc(2);

/// How much may be said at once.
const MAX_BURST: usize = 10_000;
