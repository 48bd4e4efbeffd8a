//! What has to be said in RTCP, and when?

use alloc::boxed::Box;
use alloc::collections::{BTreeMap, VecDeque};
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use super::config::MediaConfig;
use super::lines::Lines;
use super::parameters::{FeedbackSet, LineId};
use super::schedule::{Schedule, Session};
use super::sources::Source;
use crate::rng::Rng;
use crate::rtp::estimate::{self, Estimator};
use crate::rtp::receiver::Feedback;
use crate::time::Instant;
use crate::timer::earliest;
use crate::wire::rtcp::{Bitrate, Nack, ReportBlock};
use crate::wire::rtp::Ssrc;
use crate::wire::rtp::extension::AbsoluteSendTime;

/// What is to be said in RTCP.
pub(super) struct Control {
    pub schedule: Schedule,
    pub session: Session,
    /// Who reports while we send nothing.
    ssrc: Ssrc,
    /// Who reports: the first of our streams, if there is one.
    pub reporter: Ssrc,
    pub cname: String,
    /// Whether all lines agreed on feedback without reports (RFC 5506).
    pub reduced: bool,
    /// What the peer wants to be told, of any line: it concerns the transport.
    pub wishes: FeedbackSet,
    /// The report that is being sent, as far as it did not go yet.
    pub round: Option<Round>,
    /// What sources have to be told at once.
    pub feedback: VecDeque<Item>,
    pub farewell: Farewell,
    /// Participants that send reports and no media, and when they did last.
    pub members: BTreeMap<Ssrc, Instant>,
    /// What time participants told, to be answered.
    pub told: Vec<Told>,
    /// Of the way to the peer and back.
    pub round_trip: Option<Duration>,
    /// When somebody else was last found to have an SSRC of ours.
    pub collided: Option<Instant>,
    /// The bit rate that the peer wishes, until the application hears it.
    pub target: Option<u64>,
    pub capacity: Capacity,
    meter: Meter,
    max_members: usize,
}

/// Our streams that are gone, to be told.
#[derive(Debug, Default)]
pub(super) struct Farewell {
    pub sources: Vec<Ssrc>,
    /// When it is said.
    at: Option<Instant>,
}

/// What the network can carry to us.
#[derive(Debug, Default)]
pub(super) struct Capacity {
    /// There once somebody wants to know.
    estimator: Option<Box<Estimator>>,
    config: estimate::Config,
    /// What is to be told.
    pub untold: Option<Bitrate>,
}

/// A report, as far as it did not go yet.
#[derive(Debug, Default)]
pub(super) struct Round {
    /// What came.
    pub blocks: VecDeque<ReportBlock>,
    /// Encodings that sent something.
    pub senders: VecDeque<(LineId, usize)>,
    /// Whether a packet of it went.
    pub begun: bool,
}

/// What a source has to be told at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Item {
    /// Packets that are missed: the bytes of pairs.
    Nack(Ssrc, Vec<u8>),
    Pli(Ssrc),
    Fir(Ssrc, u8),
}

/// What time a participant told (RFC 3611 §4.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Told {
    pub ssrc: Ssrc,
    /// The middle of its NTP time.
    pub middle: u32,
    pub at: Instant,
}

impl Control {
    pub(super) fn new(config: &MediaConfig, mut rng: Rng) -> Self {
        let ssrc = Ssrc(rng.u32());
        Self {
            schedule: Schedule::new(rng, config.report_interval),
            session: Session {
                members: 1,
                senders: 0,
                we_send: false,
                bandwidth: config.session_bandwidth,
            },
            ssrc,
            reporter: ssrc,
            cname: String::new(),
            reduced: false,
            wishes: FeedbackSet::default(),
            round: None,
            feedback: VecDeque::new(),
            farewell: Farewell::default(),
            members: BTreeMap::new(),
            told: Vec::new(),
            round_trip: None,
            collided: None,
            target: None,
            capacity: Capacity {
                config: config.estimate,
                ..Capacity::default()
            },
            meter: Meter {
                least: config.session_bandwidth,
                ..Meter::default()
            },
            max_members: config.max_members,
        }
    }

    /// The lines are others than before.
    pub(super) fn renew(&mut self, lines: &Lines) {
        let first = lines.encodings().next();
        self.reporter = first.map_or(self.ssrc, |(.., encoding)| encoding.ssrc);
        let named = lines.iter().next().map(|(_, line)| &line.parameters.cname);
        self.cname = named.cloned().unwrap_or_default();
        let receiving = lines.iter().filter(|(_, line)| line.parameters.receives);
        self.wishes = receiving.fold(FeedbackSet::default(), |all, (_, line)| {
            all.union(line.feedback)
        });
        self.reduced = lines.iter().all(|(_, line)| line.parameters.reduced_rtcp);
    }

    /// Somebody else has the SSRC under which we report.
    pub(super) fn change_ssrc(&mut self, ssrc: Ssrc) {
        self.ssrc = ssrc;
    }

    /// Whether we report under this SSRC.
    pub(super) fn is_reporter(&self, ssrc: Ssrc) -> bool {
        ssrc == self.reporter || ssrc == self.ssrc
    }

    /// RTP was sent or received.
    pub(super) fn meter(&mut self, now: Instant, bytes: usize) {
        self.meter.on_packet(now, bytes);
    }

    /// How long an answer takes.
    pub(super) fn set_round_trip(&mut self, round_trip: Duration) {
        self.round_trip = Some(round_trip);
        if let Some(estimator) = &mut self.capacity.estimator {
            estimator.set_round_trip(round_trip);
        }
    }

    /// Whether something is to be told at once.
    pub(super) fn has_feedback(&self) -> bool {
        self.capacity.untold.is_some() || !self.feedback.is_empty()
    }

    /// The bandwidth of the session, as it is now.
    pub(super) fn bandwidth(&mut self, now: Instant) -> u64 {
        self.meter.rate(now)
    }

    /// A participant that may send no media was heard.
    pub(super) fn on_member(&mut self, now: Instant, ssrc: Ssrc) {
        if self.members.len() < self.max_members || self.members.contains_key(&ssrc) {
            self.members.insert(ssrc, now);
        }
    }

    /// A participant told its time: the next report answers.
    pub(super) fn on_told(&mut self, told: Told) {
        self.told.retain(|other| other.ssrc != told.ssrc);
        if self.told.len() >= MAX_TOLD {
            self.told.remove(0);
        }
        self.told.push(told);
    }

    /// Takes what a source has to be told.
    pub(super) fn collect(&mut self, now: Instant, source: &mut Source) {
        let ssrc = source.receiver.ssrc();
        while let Some(feedback) = source.receiver.poll_feedback(now) {
            let item = match feedback {
                Feedback::Nack(lost) => Item::Nack(ssrc, Nack::encode(lost)),
                Feedback::Pli => Item::Pli(ssrc),
                Feedback::Fir(number) => Item::Fir(ssrc, number),
            };
            // If there is no bandwidth for it, the newest counts.
            if self.feedback.len() >= MAX_FEEDBACK {
                self.feedback.pop_front();
            }
            if !self.feedback.contains(&item) {
                self.feedback.push_back(item);
            }
        }
    }

    /// Forgets what was to be told to a source that is gone.
    pub(super) fn forget(&mut self, ssrc: Ssrc) {
        let is_its = |item: &Item| matches!(*item, Item::Nack(of, _) | Item::Pli(of) | Item::Fir(of, _) if of == ssrc);
        self.feedback.retain(|item| !is_its(item));
    }

    /// Our streams are gone: the peer is told, at once unless many would do so
    /// together (RFC 3550 §6.3.7).
    pub(super) fn say_bye(&mut self, now: Instant, ended: Vec<Ssrc>) {
        if ended.is_empty() {
            return;
        }
        self.farewell.sources.extend(ended);
        self.farewell.sources.truncate(MAX_BYES);
        if self.farewell.at.is_none() {
            let is_large = self.session.members > SMALL_SESSION;
            let delay = if is_large {
                self.schedule.bye_delay(&self.session)
            } else {
                Duration::ZERO
            };
            self.farewell.at = Some(now + delay);
        }
    }

    /// Nothing is said any more but farewell.
    pub(super) fn close(&mut self, now: Instant, ended: Vec<Ssrc>) {
        self.say_bye(now, ended);
        self.schedule.stop();
        self.round = None;
        self.feedback.clear();
        (self.target, self.capacity.untold) = (None, None);
    }

    /// When a poll has something to do; `waits` if there is feedback besides what is
    /// kept here.
    pub(super) fn poll_timeout(&self, now: Instant, waits: bool) -> Option<Instant> {
        let report = self.schedule.next().filter(|_| self.round.is_none());
        let waits = waits || self.has_feedback();
        let credit = waits.then(|| self.schedule.credit_at(&self.session));
        let credit = credit.filter(|at| *at > now);
        earliest(earliest(report, credit), self.farewell.poll_timeout(now))
    }
}

impl Farewell {
    /// Whether it is to be said now.
    pub(super) fn is_due(&self, now: Instant) -> bool {
        self.at.is_some_and(|at| at <= now)
    }

    /// So many were told of.
    pub(super) fn said(&mut self, count: usize) {
        self.sources.drain(..count.min(self.sources.len()));
        if self.sources.is_empty() {
            self.at = None;
        }
    }

    /// When it is due, if that is later.
    pub(super) fn poll_timeout(&self, now: Instant) -> Option<Instant> {
        self.at.filter(|at| *at > now)
    }
}

impl Capacity {
    /// A packet came that said when it was sent.
    pub(super) fn on_packet(&mut self, now: Instant, sent: AbsoluteSendTime, bytes: usize) {
        let config = self.config;
        let new = || Box::new(Estimator::new(config));
        let estimator = self.estimator.get_or_insert_with(new);
        estimator.on_packet(now, sent, bytes);
        if let Some(bitrate) = estimator.poll_report(now) {
            self.untold = Some(bitrate);
        }
    }
}

/// How many bits a second come and go?
#[derive(Debug, Default)]
struct Meter {
    /// What is thought to be at least.
    least: u64,
    since: Instant,
    bytes: u64,
    rate: u64,
}

impl Meter {
    fn on_packet(&mut self, now: Instant, bytes: usize) {
        self.bytes += bytes as u64;
        if self.since + METERED <= now {
            self.roll(now);
        }
    }

    fn rate(&mut self, now: Instant) -> u64 {
        if self.since + METERED <= now {
            self.roll(now);
        }
        self.rate.max(self.least)
    }

    fn roll(&mut self, now: Instant) {
        let millis = u64::try_from((now - self.since).as_millis()).unwrap_or(u64::MAX);
        let rate = self.bytes.saturating_mul(8000) / millis.max(1);
        self.rate = self.rate.midpoint(rate);
        self.bytes = 0;
        self.since = now;
    }
}

/// Over what time the rate is measured.
const METERED: Duration = Duration::from_secs(1);
/// How many participants are answered that told their time.
const MAX_TOLD: usize = 16;
/// How many things wait to be said when there is no bandwidth for them.
const MAX_FEEDBACK: usize = 128;
/// How many of our streams can end at once, to be told.
const MAX_BYES: usize = 1024;
/// RFC 3550 §6.3.7: up to so many, BYE is sent at once.
const SMALL_SESSION: u64 = 50;
