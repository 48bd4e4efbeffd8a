//! One stream of packets on its way out (RFC 3550, RFC 4588).
//!
//! An [`RtpSender`] is given frames, which it cuts into packets, or packets of a
//! source elsewhere, which it numbers anew. It keeps what it sent for a while, and
//! sends again what the receiver misses.
//!
//! ```
//! use std::sync::Arc;
//! use std::time::Duration;
//!
//! use pollrtc::cursor::{Reader, Writer};
//! use pollrtc::rng::Rng;
//! use pollrtc::rtp::format::Format;
//! use pollrtc::rtp::receiver::{
//!     Event, Feedback, ReceiveCodec, ReceiveParameters, ReceiverConfig, RtpReceiver,
//! };
//! use pollrtc::rtp::sender::{MediaFrame, RtpSender, SendParameters, SenderConfig};
//! use pollrtc::seq::Serial16;
//! use pollrtc::time::Instant;
//! use pollrtc::wire::rtp::{Packet, PayloadType, Ssrc};
//!
//! let (vp8, ssrc) = (PayloadType::from_low_bits(96), Ssrc(7));
//! let mut config = SenderConfig::new(ssrc);
//! config.repeats = true;
//! let mut sender = RtpSender::new(config, &mut Rng::from_number(1));
//! sender.set_parameters(SendParameters::new(vp8, 90_000, Format::Vp8));
//!
//! let mut codec = ReceiveCodec::new(vp8, 90_000, Format::Vp8);
//! codec.nack = true;
//! let mut parameters = ReceiveParameters::default();
//! parameters.codecs.push(codec);
//! let mut receiver = RtpReceiver::new(ssrc, ReceiverConfig::default());
//! receiver.set_parameters(&Arc::new(parameters));
//!
//! // A key frame of some packets, of which the network loses the second.
//! let mut now = Instant::ZERO;
//! let frame = MediaFrame::new(0, vec![0; 5000].into());
//! sender.write(now, &frame)?;
//! let (mut transport, mut count) = (Serial16(0), 0);
//! let mut frames = vec![];
//! while frames.is_empty() {
//!     let mut packet = vec![];
//!     let mut w = Writer::new(&mut packet, 1200);
//!     if sender.poll_rtp(now, &mut transport, Duration::ZERO, &mut w) {
//!         count += 1;
//!         if count != 2 {
//!             let packet = Packet::parse(&mut Reader::new(&packet)).expect("a packet");
//!             receiver.handle_rtp(now, &packet);
//!         }
//!     } else {
//!         now = receiver.poll_timeout().expect("something is missing");
//!         receiver.handle_timeout(now);
//!     }
//!     while let Some(feedback) = receiver.poll_feedback(now) {
//!         if let Feedback::Nack(missing) = feedback {
//!             sender.on_nack(now, missing);
//!         }
//!     }
//!     while let Some(event) = receiver.poll_event() {
//!         if let Event::Frame(frame) = event {
//!             frames.push(frame.data);
//!         }
//!     }
//! }
//! assert_eq!(frames, [frame.data]);
//! assert_eq!((count, sender.stats().repeated.packets), (6, 1));
//! # Ok::<(), pollrtc::rtp::sender::WriteError>(())
//! ```

mod config;
mod continuity;
mod cut;
mod frame;
mod history;
mod packet;
mod repair;
mod reports;
mod slab;
mod stats;
#[cfg(test)]
mod tests;

use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

use rand_core::CryptoRng;

use crate::cursor::Writer;
use crate::rng::Rng;
use crate::rtp::format::{Format, Packetizer};
use crate::seq::Serial16;
use crate::time::Instant;
use crate::wire::rtcp::{NtpTimestamp, ReportBlock, SenderInfo};
use crate::wire::rtp::extension::AbsoluteSendTime;
use crate::wire::rtp::{PayloadType, SequenceNumber, Ssrc};

pub use config::{HistoryLimits, RepairLimits, SendParameters, SenderConfig};
pub use frame::{MediaFrame, OutPacket, WriteError};
pub use stats::{Dropped, Remote, Requests, SenderStats, Traffic};

use continuity::Continuity;
use cut::Cut;
use history::{History, Stamp};
use packet::{Hop, Identity};
use repair::{Patience, Repair};
use reports::Reports;
use slab::Slab;

/// One stream of packets of one source, and perhaps a second one with packets
/// that are sent again (RFC 4588).
///
/// What is written is numbered at once and waits until it is polled. Nothing here
/// waits for time: there are no timeouts.
pub struct RtpSender {
    config: SenderConfig,
    /// What was agreed on.
    agreed: Option<Agreed>,
    is_paused: bool,
    numbers: Continuity,
    history: History,
    repair: Repair,
    slab: Slab,
    /// The payload that is being made.
    scratch: Vec<u8>,
    /// Where the pictures begin to be numbered.
    picture_id: u16,
    reports: Reports,
    names: Names,
    key_frames: KeyFrames,
    /// What was sent as the source that it is now, as sender reports count it.
    own: (u32, u32),
    stats: SenderStats,
}

/// What was agreed on, and what follows of it.
struct Agreed {
    parameters: SendParameters,
    hop: Hop,
    packetizer: Packetizer,
}

/// Does the receiver know what the streams are?
#[derive(Clone, Copy, Default)]
struct Names {
    media_known: bool,
    repair_known: bool,
}

/// When was a key frame asked for?
#[derive(Clone, Copy, Default)]
struct KeyFrames {
    /// The number of the last request that was heard.
    fir: Option<u8>,
    asked: Option<Instant>,
}

impl RtpSender {
    /// A sender whose numbers and timestamps begin at random (RFC 3550 §5.1).
    #[must_use]
    pub fn new(config: SenderConfig, rng: &mut (impl CryptoRng + ?Sized)) -> Self {
        let mut rng = Rng::from_rng(rng);
        Self {
            config,
            agreed: None,
            is_paused: false,
            numbers: Continuity::new(&mut rng),
            history: History::new(config.history),
            repair: Repair::new(config.repairs, &mut rng),
            slab: Slab::default(),
            scratch: Vec::new(),
            picture_id: (rng.u32() & 0x7fff) as u16,
            reports: Reports::default(),
            names: Names::default(),
            key_frames: KeyFrames::default(),
            own: (0, 0),
            stats: SenderStats::default(),
        }
    }

    /// Says what signalling agreed on. What waits to be sent stays as it is.
    pub fn set_parameters(&mut self, parameters: SendParameters) {
        let packetizer = match self.agreed.take() {
            Some(agreed) if agreed.parameters == parameters => {
                self.agreed = Some(agreed);
                return;
            }
            // Pictures are numbered on.
            Some(agreed) if agreed.parameters.format == parameters.format => agreed.packetizer,
            _ => Packetizer::new(parameters.format, self.picture_id),
        };
        let hop = Hop::new(&parameters);
        self.agreed = Some(Agreed {
            parameters,
            hop,
            packetizer,
        });
        // What was sent cannot be repeated to the bit any more.
        self.history.forget_sent();
        self.names = Names::default();
    }

    /// Whether anything can be written. What waits to be sent is sent, and what
    /// was sent can be sent again.
    pub fn set_active(&mut self, is_active: bool) {
        if self.is_paused && is_active {
            // The receiver may have forgotten who it is.
            self.names = Names::default();
        }
        self.is_paused = !is_active;
    }

    /// Forgets what waits to be polled: the receiver is not to get it any more.
    pub fn forget_waiting(&mut self) {
        self.stats.dropped.expired += self.history.forget_waiting();
        self.repair.clear();
    }

    /// Cuts a frame into packets, which wait to be polled.
    ///
    /// # Errors
    ///
    /// [`WriteError`]; nothing of the frame is sent then.
    pub fn write(&mut self, now: Instant, frame: &MediaFrame) -> Result<(), WriteError> {
        self.forget_late(now);
        let Self {
            history, config, ..
        } = self;
        if self.is_paused {
            return Err(WriteError::Paused);
        }
        let agreed = self.agreed.as_mut().ok_or(WriteError::NoParameters)?;
        let len = frame.data.len();
        if len == 0 {
            return Err(WriteError::Empty);
        }
        if len > config.history.bytes {
            return Err(WriteError::TooLarge);
        }
        if len > config.history.bytes - history.unsent() {
            return Err(WriteError::Full);
        }
        let start = self.numbers.next();
        let cut = Cut {
            config,
            agreed,
            numbers: &mut self.numbers,
            history,
            slab: &mut self.slab,
            scratch: &mut self.scratch,
        };
        cut.write(now, frame).inspect_err(|_| {
            self.history.take_back(start);
            self.numbers.rewind(start);
        })
    }

    /// Sends a packet of a source elsewhere on, under the next number if it is
    /// the source's next: gaps of the source stay gaps. A packet of another source
    /// continues the numbers, and its timestamps go on as time does.
    ///
    /// # Errors
    ///
    /// [`WriteError`]; the packet is not sent then.
    pub fn write_packet(&mut self, now: Instant, packet: &OutPacket<'_>) -> Result<(), WriteError> {
        self.forget_late(now);
        if self.is_paused {
            return Err(WriteError::Paused);
        }
        let agreed = self.agreed.as_ref().ok_or(WriteError::NoParameters)?;
        let parameters = &agreed.parameters;
        let (number, timestamp) = self
            .numbers
            .packet(now, packet, parameters.clock_rate)
            .ok_or(WriteError::Stale)?;
        // Before its place is looked for: to count one more owner waits for all that is
        // under way.
        let payload = packet.payload.clone();
        let record = self.history.claim(now, number, packet.payload.len())?;
        record.payload_type = packet.payload_type;
        record.marker = packet.marker;
        record.is_key = false;
        record.ends_frame = packet.marker || parameters.format == Format::Plain;
        record.timestamp = timestamp;
        record.payload = payload;
        packet::keep(&mut self.history, number, packet.extensions.iter(), agreed);
        self.history.queue(number);
        Ok(())
    }

    /// Writes the next packet, if there is one: first what is sent again, then
    /// what was not sent yet, in the order in which it was written.
    ///
    /// `transport_sequence` is the number of the transport's next packet; it is
    /// advanced if the packet says it. `wall` is the time since any epoch, for
    /// the extension that says when the packet was sent.
    pub fn poll_rtp(
        &mut self,
        now: Instant,
        transport_sequence: &mut Serial16,
        wall: Duration,
        out: &mut Writer<'_>,
    ) -> bool {
        let stamp = Stamp {
            transport: *transport_sequence,
            sent: AbsoluteSendTime::from_duration(wall),
            is_named: false,
        };
        if self.agreed.is_none() {
            return false;
        }
        let is_repaired =
            !self.repair.is_empty() && self.poll_repair(now, stamp, transport_sequence, out);
        let sent = is_repaired || self.poll_first(stamp, transport_sequence, out);
        if sent {
            self.stats.last_sent = Some(now);
        }
        sent
    }

    /// Whether a packet waits to be polled.
    #[must_use]
    #[inline]
    pub fn is_pending(&self) -> bool {
        self.agreed.is_some()
            && (self.history.queued() > 0 || self.repair.is_pending(&self.history))
    }

    /// The receiver misses these packets (RFC 4585 §6.2.1): call it once for each
    /// message.
    pub fn on_nack(&mut self, now: Instant, lost: impl IntoIterator<Item = SequenceNumber>) {
        self.stats.requests.nacks += 1;
        let patience = Patience {
            interval: self
                .round_trip()
                .unwrap_or(UNKNOWN_ROUND_TRIP)
                .max(MIN_ROUND_TRIP),
            age: self.config.history.age,
            wraps: self.wraps().map(|(.., wrapped)| wrapped),
            repeats: self.config.repeats,
        };
        let dropped = &mut self.stats.dropped;
        for number in lost {
            self.repair
                .want(now, number, &mut self.history, patience, dropped);
        }
    }

    /// The receiver reports on one of our sources.
    pub fn on_report(&mut self, now: Instant, block: &ReportBlock) {
        if block.ssrc == self.config.ssrc && self.own.0 > 0 {
            self.names.media_known = true;
            self.reports.on_report(now, block, self.numbers.start());
        } else if Some(block.ssrc) == self.config.repair {
            self.names.repair_known = true;
        }
    }

    /// The receiver needs a key frame: it lost a picture (RFC 4585 §6.3.1), or
    /// asks under the number `fir` (RFC 5104 §4.3.1). Whether the application is
    /// to be told.
    pub fn on_key_frame_request(&mut self, now: Instant, fir: Option<u8>) -> bool {
        match fir {
            Some(_) => self.stats.requests.firs += 1,
            None => self.stats.requests.plis += 1,
        }
        // RFC 5104 §4.3.1.2: the same number is the same request.
        if fir.is_some() && fir == self.key_frames.fir {
            return false;
        }
        let interval = self
            .config
            .key_frame_interval
            .max(self.round_trip().unwrap_or_default());
        let is_recent = |at| now.since(at) < interval;
        if self.key_frames.asked.is_some_and(is_recent) {
            return false;
        }
        self.key_frames = KeyFrames {
            fir: fir.or(self.key_frames.fir),
            asked: Some(now),
        };
        true
    }

    /// What a sender report says now, at the wall-clock time `wall`; `None` until
    /// something was sent. Round trips are measured by the answers to it. A stream
    /// that was silent for so long that nothing can be sent again gives its memory
    /// back then.
    pub fn sender_info(&mut self, now: Instant, wall: NtpTimestamp) -> Option<SenderInfo> {
        let rate = self.agreed.as_ref()?.parameters.clock_rate;
        let (packets, octets) = self.own;
        if packets == 0 {
            return None;
        }
        let info = SenderInfo {
            ntp: wall.0,
            rtp: self.numbers.timestamp_at(now, rate)?,
            packets,
            octets,
        };
        self.reports.on_sent(now, info.compact_ntp());
        self.release(now);
        Some(info)
    }

    /// What waits for too long is not sent any more. What was sent, and is too old to be
    /// sent again, goes when its place is needed.
    fn forget_late(&mut self, now: Instant) {
        if !self.repair.is_empty() || self.history.is_late(now) {
            self.stats.dropped.expired += self.history.expire(now);
        }
    }

    /// Gives memory back if all that was sent is too old to be sent again.
    fn release(&mut self, now: Instant) {
        self.stats.dropped.expired += self.history.expire(now);
        if self.history.release() {
            self.repair.clear();
            self.slab = Slab::default();
            self.scratch = Vec::new();
        }
    }

    /// Goes on as another source, because the old one is somebody else's, too
    /// (RFC 3550 §8.2). What was written is lost: begin with a key frame.
    pub fn change_ssrc(&mut self, ssrc: Ssrc, rng: &mut (impl CryptoRng + ?Sized)) {
        self.config.ssrc = ssrc;
        self.numbers = Continuity::new(&mut Rng::from_rng(rng));
        self.history.clear();
        self.repair.clear();
        self.reports = Reports::default();
        self.names.media_known = false;
        self.own = (0, 0);
    }

    /// Goes on under other keys, to a receiver that knows nothing of it: all numbers
    /// begin anew, since the receiver counts their wraps from zero (RFC 3711 §3.3.1).
    /// What was written is lost: begin with a key frame.
    pub fn begin_anew(&mut self, rng: &mut (impl CryptoRng + ?Sized)) {
        let mut rng = Rng::from_rng(rng);
        self.change_ssrc(self.config.ssrc, &mut rng);
        self.repair = Repair::new(self.config.repairs, &mut rng);
        self.names = Names::default();
        self.key_frames = KeyFrames::default();
    }

    /// Sends again as another source.
    pub fn change_repair_ssrc(&mut self, ssrc: Ssrc) {
        self.config.repair = Some(ssrc);
        self.names.repair_known = false;
    }

    /// The source.
    #[must_use]
    pub const fn ssrc(&self) -> Ssrc {
        self.config.ssrc
    }

    /// The source of packets that are sent again, if they have one of their own.
    #[must_use]
    pub const fn repair_ssrc(&self) -> Option<Ssrc> {
        self.config.repair
    }

    /// What was agreed on.
    #[must_use]
    pub fn parameters(&self) -> Option<&SendParameters> {
        self.agreed.as_ref().map(|agreed| &agreed.parameters)
    }

    /// The last round trip that was measured.
    #[must_use]
    pub fn round_trip(&self) -> Option<Duration> {
        self.reports.remote?.round_trip
    }

    /// What became of the packets.
    #[must_use]
    pub const fn stats(&self) -> SenderStats {
        SenderStats {
            remote: self.reports.remote,
            ..self.stats
        }
    }

    fn poll_first(&mut self, stamp: Stamp, transport: &mut Serial16, out: &mut Writer<'_>) -> bool {
        let Some(agreed) = &self.agreed else {
            return false;
        };
        while let Some(number) = self.history.next() {
            let Some((record, elements)) = self.history.send(number) else {
                continue;
            };
            let id = Identity::first(self.config.ssrc, record, number);
            let stamp = Stamp {
                is_named: !self.names.media_known || record.is_key,
                ..stamp
            };
            record.stamp = stamp;
            let kept = (&*record, elements);
            let Some(header) = packet::emit(out, kept, id, stamp, agreed) else {
                self.stats.dropped.too_large += 1;
                continue;
            };
            if agreed.hop.transport.is_some() {
                *transport = transport.add(1);
            }
            if record.ends_frame {
                self.stats.frames += 1;
                self.stats.key_frames += u64::from(record.is_key);
            }
            let payload = record.payload.len();
            self.repair.on_sent(payload);
            self.count(header, payload, true);
            return true;
        }
        false
    }

    fn poll_repair(
        &mut self,
        now: Instant,
        stamp: Stamp,
        transport: &mut Serial16,
        out: &mut Writer<'_>,
    ) -> bool {
        let Some(agreed) = &self.agreed else {
            return false;
        };
        let wraps = self.wraps();
        while let Some(number) = self.repair.next() {
            let Some((record, elements)) = self.history.send(number) else {
                continue;
            };
            record.repeat(now);
            let wraps = wraps.filter(|(.., wrapped)| record.payload_type == *wrapped);
            let first = Identity::first(self.config.ssrc, record, number);
            let (id, stamp) = match wraps {
                Some((ssrc, payload_type, _)) => {
                    let id = Identity {
                        ssrc,
                        payload_type,
                        number: self.repair.number(),
                        original: Some(first.number),
                    };
                    let is_named = !self.names.repair_known;
                    (id, Stamp { is_named, ..stamp })
                }
                // The same to the bit: SRTP has used the number, and another header
                // under it would give away the key of the tag (RFC 7714 §8.1).
                None => (first, record.stamp),
            };
            let Some(header) = packet::emit(out, (record, elements), id, stamp, agreed) else {
                self.stats.dropped.too_large += 1;
                continue;
            };
            if agreed.hop.transport.is_some() && wraps.is_some() {
                *transport = transport.add(1);
            }
            let payload = record.payload.len();
            self.stats.repeated.add(header, payload);
            self.count(header, payload, wraps.is_none());
            return true;
        }
        false
    }

    /// As which source and type packets are sent again by RFC 4588, and which type
    /// they have.
    fn wraps(&self) -> Option<(Ssrc, PayloadType, PayloadType)> {
        let parameters = &self.agreed.as_ref()?.parameters;
        let ssrc = self.config.repair?;
        Some((
            ssrc,
            parameters.repair_payload_type?,
            parameters.payload_type,
        ))
    }

    /// Counts a packet; those of the source itself are in its reports.
    const fn count(&mut self, header: usize, payload: usize, is_own: bool) {
        self.stats.sent.add(header, payload);
        if is_own {
            let (packets, octets) = self.own;
            let payload = (payload as u64 & 0xffff_ffff) as u32;
            self.own = (packets.wrapping_add(1), octets.wrapping_add(payload));
        }
    }
}

/// Says no bytes of media.
impl fmt::Debug for RtpSender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut f = f.debug_struct("RtpSender");
        f.field("ssrc", &self.config.ssrc);
        f.field("stats", &self.stats);
        f.finish_non_exhaustive()
    }
}

/// How long a packet is not sent again while no round trip was measured.
const UNKNOWN_ROUND_TRIP: Duration = Duration::from_millis(100);
/// A round trip is not believed to be shorter.
const MIN_ROUND_TRIP: Duration = Duration::from_millis(5);
