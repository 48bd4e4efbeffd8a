//! One source that is received.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

use super::config::{ReceiveCodec, ReceiveParameters, ReceiverConfig};
use super::event::{Event, ReceivedFrame, Source};
use super::frames::Frames;
use super::gaps::Gaps;
use super::key_frames::KeyFrames;
use super::outbox::Outbox;
use super::pace::Pace;
use super::seen::Seen;
use super::slab::Slab;
use super::sources::Sources;
use super::stats::{FrameStats, PacketStats, ReceiverStats, RemoteStats};
use crate::rtp::reception::Reception;
use crate::seq::Serial32;
use crate::time::Instant;
use crate::wire::rtcp::SenderInfo;
use crate::wire::rtp::Ssrc;

/// One source that is received: its packets in, frames and feedback out.
pub struct RtpReceiver {
    pub(super) ssrc: Ssrc,
    pub(super) repair: Option<Ssrc>,
    pub(super) config: ReceiverConfig,
    pub(super) parameters: Arc<ReceiveParameters>,
    /// The codec of the last packet that had one.
    pub(super) codec: Option<ReceiveCodec>,
    pub(super) reception: Option<Reception>,
    pub(super) seen: Seen,
    pub(super) gaps: Gaps,
    pub(super) frames: Frames,
    pub(super) pace: Pace,
    pub(super) key_frames: KeyFrames,
    pub(super) sources: Sources,
    pub(super) slab: Slab,
    pub(super) outbox: Outbox,
    /// Whether something came since the last report.
    pub(super) heard: bool,
    pub(super) round_trip: Duration,
    pub(super) packets: PacketStats,
    pub(super) remote: Option<RemoteReport>,
    pub(super) stats: ReceiverStats,
}

/// What the sender said last.
#[derive(Clone, Copy)]
pub(super) struct RemoteReport {
    pub(super) info: SenderInfo,
    pub(super) received: Instant,
}

impl RtpReceiver {
    /// A receiver of the source `ssrc`, of which nothing came. It knows no codec
    /// until [`set_parameters`](Self::set_parameters).
    ///
    /// Its packets have to prove whose they are, as those that come through SRTP
    /// do: a source is believed from the first one on.
    #[must_use]
    pub fn new(ssrc: Ssrc, config: ReceiverConfig) -> Self {
        Self {
            ssrc,
            repair: None,
            config,
            parameters: Arc::default(),
            codec: None,
            reception: None,
            seen: Seen::new(),
            gaps: Gaps::new(&config),
            frames: Frames::new(config),
            pace: Pace::new(),
            key_frames: KeyFrames::new(),
            sources: Sources::default(),
            slab: Slab::new(config.mode),
            outbox: Outbox::new(config),
            heard: false,
            round_trip: DEFAULT_ROUND_TRIP,
            packets: PacketStats::default(),
            remote: None,
            stats: ReceiverStats::default(),
        }
    }

    /// The source.
    #[must_use]
    pub const fn ssrc(&self) -> Ssrc {
        self.ssrc
    }

    /// The stream that repeats its packets.
    #[must_use]
    pub const fn repair(&self) -> Option<Ssrc> {
        self.repair
    }

    /// What signalling agreed on, now or anew.
    pub fn set_parameters(&mut self, parameters: &Arc<ReceiveParameters>) {
        self.parameters = Arc::clone(parameters);
        self.codec = None;
    }

    /// Names the stream that repeats the packets of this one.
    pub const fn set_repair(&mut self, ssrc: Ssrc) {
        self.repair = Some(ssrc);
    }

    /// How long an answer to feedback takes.
    pub fn set_round_trip(&mut self, round_trip: Duration) {
        self.round_trip = round_trip;
        self.gaps.set_round_trip(round_trip);
    }

    /// The sender says how far it is.
    pub fn handle_sender_report(&mut self, now: Instant, info: &SenderInfo) {
        self.remote = Some(RemoteReport {
            info: *info,
            received: now,
        });
        let reports = self.stats.remote.map_or(0, |remote| remote.reports);
        self.stats.remote = Some(RemoteStats {
            packets: info.packets,
            bytes: info.octets,
            ntp: info.ntp,
            received: now,
            reports: reports + 1,
        });
    }

    /// The source ended: what waits is given out as far as it can be, and
    /// nothing is asked for any more. If packets come nevertheless, it began anew.
    pub fn handle_bye(&mut self, now: Instant) {
        while self.frames.waits_since().is_some() {
            self.frames.give_up();
        }
        self.collect(now);
        self.outbox.give_all(now);
        self.reception = None;
        self.gaps.restart();
        self.key_frames.done();
        self.heard = false;
        self.remote = None;
    }

    /// Time passed.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.gaps.handle_timeout(now);
        self.key_frames.handle_timeout(now);
        self.settle(now);
    }

    /// When [`handle_timeout`](Self::handle_timeout) has something to do.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let gap = self
            .frames
            .waits_since()
            .map(|since| since + self.patience());
        [
            self.gaps.poll_timeout(),
            gap,
            self.outbox.poll_timeout(),
            self.key_frames.poll_timeout(),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// What came.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.outbox.pop()
    }

    /// A key frame is wanted: it is asked for until one comes.
    pub const fn request_key_frame(&mut self) {
        self.key_frames.want();
    }

    /// Who was heard within the last ten seconds.
    #[must_use]
    pub fn sources(&self, now: Instant) -> Vec<Source> {
        self.sources.heard(now)
    }

    /// What was counted.
    #[must_use]
    pub fn stats(&self) -> ReceiverStats {
        let rate = self.codec.map_or(0, |codec| codec.clock_rate);
        let jitter = self.reception.as_ref().map_or(0, Reception::jitter);
        let nanos = (u64::from(jitter) * 1_000_000_000).checked_div(rate.into());
        let frames = FrameStats {
            incomplete: self.frames.stats.incomplete,
            malformed: self.frames.stats.malformed,
            undecodable: self.frames.stats.undecodable,
            ..self.outbox.stats
        };
        let mut stats = ReceiverStats {
            payload_type: self.codec.map(|codec| codec.payload_type),
            packets: self.packets,
            frames,
            lost: self.reception.as_ref().map_or(0, Reception::lost),
            jitter: Duration::from_nanos(nanos.unwrap_or(0)),
            target_delay: self.patience(),
            ..self.stats
        };
        stats.feedback.given_up = self.gaps.given_up();
        stats
    }

    /// Gives up what will not come in time, and gives out what is whole.
    pub(super) fn settle(&mut self, now: Instant) {
        while let Some(since) = self.frames.waits_since() {
            let is_lost = self.gaps.is_active() && !self.gaps.contains(self.frames.next());
            if !is_lost && now < since + self.patience() {
                break;
            }
            self.frames.give_up();
        }
        self.collect(now);
    }

    fn collect(&mut self, now: Instant) {
        self.gaps.forget_before(self.frames.next());
        while let Some((mut frame, first)) = self.frames.pop() {
            if frame.is_key {
                self.key_frames.done();
            }
            frame.ntp = self.wall_clock(frame.timestamp);
            let due = self.leaves(&frame);
            if !self.outbox.push_frame(frame, first, due) {
                self.frames.lose();
            }
        }
        // Of a source that ended none will come.
        if self.frames.asks_key() && self.reception.is_some() {
            self.key_frames.want();
        }
        self.outbox.give(now);
    }

    /// How long packets wait for those before them.
    pub(super) fn patience(&self) -> Duration {
        let (min, max) = (self.config.min_delay, self.config.max_delay);
        if self.gaps.is_active() {
            return max;
        }
        // Without requests what is missing is only late, and not later than others were.
        let late = self.pace.spread().max(self.config.missing.reordering);
        late.max(min).min(max)
    }

    /// When a frame leaves: at once, or so long after its time that the latest
    /// ones can leave as evenly.
    fn leaves(&self, frame: &ReceivedFrame) -> Instant {
        let (min, max) = (self.config.min_delay, self.config.max_delay);
        if min.is_zero() {
            return frame.received;
        }
        let even = self.pace.even(Serial32(frame.timestamp));
        let delay = self.pace.spread().max(min).min(max);
        let due = even.map_or(frame.received, |even| even + delay);
        due.min(frame.received + max)
    }

    /// The sender's wall clock at a timestamp, as NTP time (RFC 3550 §6.4.1).
    fn wall_clock(&self, timestamp: u32) -> Option<u64> {
        let info = &self.remote.as_ref()?.info;
        let rate = i64::from(self.codec?.clock_rate);
        let ticks = Serial32(timestamp).distance_from(info.rtp).cast_signed();
        let ahead = (i64::from(ticks) << 32).checked_div(rate)?;
        Some(info.ntp.wrapping_add_signed(ahead))
    }
}

/// All but what is seen and heard.
impl fmt::Debug for RtpReceiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RtpReceiver")
            .field("ssrc", &self.ssrc)
            .field("repair", &self.repair)
            .field("stats", &self.stats())
            .finish_non_exhaustive()
    }
}

/// A packet is expected to be asked for often before an answer took so long.
const DEFAULT_ROUND_TRIP: Duration = Duration::from_millis(100);
