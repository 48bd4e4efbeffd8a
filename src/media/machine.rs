//! All RTP and RTCP of one transport.

use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::fmt;
use core::mem;
use core::time::Duration;

use rand_core::CryptoRng;

use super::arrivals::Arrivals;
use super::config::MediaConfig;
use super::control::Control;
use super::departures::{Departures, PacketResult};
use super::event::Event;
use super::lines::Lines;
use super::parameters::{CodecParameters, LineId, LineParameters};
use super::routes::Routes;
use super::sources::Sources;
use super::stats::{InboundStream, MediaStats, OutboundStream};
use crate::cursor::Writer;
use crate::rng::Rng;
use crate::rtp::receiver::Source;
use crate::rtp::sender::{MediaFrame, OutPacket, RtpSender, WriteError};
use crate::seq::Serial16;
use crate::time::Instant;
use crate::timer::earliest;
use crate::wire::rtcp::{NtpTimestamp, TransportFeedback};
use crate::wire::rtp::extension::Kind;
use crate::wire::rtp::{ExtensionMap, PayloadType, Ssrc};

/// All RTP and RTCP of one transport: many lines in one session.
///
/// See the [module](super) for how it is used.
pub struct Media {
    pub(super) config: MediaConfig,
    pub(super) rng: Rng,
    /// The latest moment that was told.
    pub(super) now: Instant,
    /// What the wall clock said, and when.
    wall: (Instant, Duration),
    pub(super) lines: Lines,
    pub(super) routes: Routes,
    pub(super) sources: Sources,
    /// Of all lines together: they agree.
    pub(super) extensions: ExtensionMap,
    pub(super) control: Control,
    pub(super) arrivals: Arrivals,
    pub(super) departures: Departures,
    /// The transport's number of the next packet.
    transport_sequence: Serial16,
    pub(super) events: VecDeque<Event>,
    pub(super) stats: MediaStats,
    pub(super) closed: bool,
}

impl Media {
    /// A session without lines.
    #[must_use]
    pub fn new(config: MediaConfig, rng: &mut (impl CryptoRng + ?Sized)) -> Self {
        let mut rng = Rng::from_rng(rng);
        Self {
            now: Instant::ZERO,
            wall: (Instant::ZERO, Duration::ZERO),
            lines: Lines::default(),
            routes: Routes::default(),
            sources: Sources::default(),
            extensions: ExtensionMap::new(),
            control: Control::new(&config, rng.fork()),
            arrivals: Arrivals::new(config.feedback_interval),
            departures: Departures::new(config.packet_results),
            transport_sequence: Serial16(0),
            events: VecDeque::new(),
            stats: MediaStats::default(),
            closed: false,
            config,
            rng,
        }
    }

    /// Another session of the same kind, without lines, by the same wall clock.
    #[must_use]
    pub fn another(&mut self) -> Self {
        let mut other = Self::new(self.config.clone(), &mut self.rng.fork());
        other.wall = self.wall;
        other
    }

    /// Tells what the wall clock says, as time since the Unix epoch: sender reports
    /// carry it, so that streams of several hosts can be brought together. Until it
    /// is told, the time is counted from the epoch of `now`.
    pub fn set_wall_clock(&mut self, now: Instant, unix: Duration) {
        self.wall = (self.tell(now), unix);
    }

    /// What [`set_wall_clock`](Self::set_wall_clock) was told last: the moment, and
    /// what the clock said; the epoch of `now` and zero if nothing.
    #[must_use]
    pub const fn wall_clock(&self) -> (Instant, Duration) {
        self.wall
    }

    /// A line is there, or something else was agreed on for it.
    ///
    /// Streams are known by the names of their encodings and go on; those that are
    /// gone say so to the peer. `false` if there are too many lines, or after the end.
    pub fn set_line(&mut self, now: Instant, line: LineId, parameters: LineParameters) -> bool {
        let now = self.tell(now);
        let is_full = self.lines.len() >= self.config.max_lines && !self.lines.contains(line);
        if self.closed || is_full {
            return false;
        }
        self.routes.set(line, &parameters);
        let stops = !parameters.receives;
        let mut ended = Vec::new();
        self.lines.set(
            line,
            parameters,
            &self.config.sender,
            &mut self.rng,
            &mut ended,
        );
        self.control.say_bye(now, ended);
        for place in self.sources.of_line(line) {
            if stops {
                self.leave(now, place);
            } else {
                self.agree(place);
            }
        }
        self.renew(now);
        self.avoid_collisions(now);
        true
    }

    /// A line is gone. The peer is told that its streams are (BYE); the peer's have
    /// ended.
    pub fn remove_line(&mut self, now: Instant, line: LineId) {
        let now = self.tell(now);
        let mut ended = Vec::new();
        self.routes.remove(line);
        self.lines.remove(line, &mut ended);
        self.control.say_bye(now, ended);
        for place in self.sources.of_line(line) {
            self.leave(now, place);
        }
        self.renew(now);
    }

    /// Chooses the codec that the line sends, among those that the peer takes.
    /// `false`, and nothing changes, if it is none of them.
    pub fn set_send_codec(&mut self, line: LineId, payload_type: PayloadType) -> bool {
        let line = self.lines.get_mut(line);
        line.is_some_and(|line| line.set_codec(payload_type))
    }

    /// Whether an encoding is sent: a layer of less use may be left out for a while.
    /// `false` if there is none with this name.
    pub fn set_encoding_active(&mut self, line: LineId, rid: &str, active: bool) -> bool {
        let Some((_, encoding)) = self.lines.encoding(line, rid) else {
            return false;
        };
        encoding.active = active;
        if let Some(line) = self.lines.get_mut(line) {
            line.apply();
        }
        true
    }

    /// Sends a frame on an encoding of a line; its name is empty if there is only one.
    ///
    /// # Errors
    ///
    /// [`WriteError`] says why it is not sent. [`WriteError::Paused`] also if there
    /// is no such line or encoding.
    pub fn write(
        &mut self,
        now: Instant,
        line: LineId,
        rid: &str,
        frame: &MediaFrame,
    ) -> Result<(), WriteError> {
        let now = self.tell(now);
        if self.closed {
            return Err(WriteError::Paused);
        }
        let write = |sender: &mut RtpSender| sender.write(now, frame);
        self.lines.write(line, rid, write)
    }

    /// Sends a packet of a source elsewhere on an encoding of a line.
    ///
    /// # Errors
    ///
    /// As for [`write`](Self::write).
    pub fn write_packet(
        &mut self,
        now: Instant,
        line: LineId,
        rid: &str,
        packet: &OutPacket<'_>,
    ) -> Result<(), WriteError> {
        let now = self.tell(now);
        if self.closed {
            return Err(WriteError::Paused);
        }
        let write = |sender: &mut RtpSender| sender.write_packet(now, packet);
        self.lines.write(line, rid, write)
    }

    /// Asks the peer for a key frame of an encoding of a line, as soon as it can be
    /// asked for and until it comes. `false` if nothing comes of it.
    pub fn request_key_frame(&mut self, line: LineId, rid: &str) -> bool {
        let mut found = false;
        for place in self.sources.of_line(line) {
            if let Some(source) = self.sources.get_mut(place)
                && *source.route.rid == *rid
            {
                source.receiver.request_key_frame();
                self.collect(place);
                found = true;
            }
        }
        found
    }

    /// Whether [`poll_rtp`](Self::poll_rtp) may have something to write: cheap to ask
    /// before each datagram.
    #[must_use]
    pub fn is_rtp_pending(&self) -> bool {
        !self.closed && self.lines.pending() > 0
    }

    /// Writes the next RTP packet, if there is one.
    pub fn poll_rtp(&mut self, now: Instant, out: &mut Writer<'_>) -> bool {
        let now = self.tell(now);
        let wall = self.unix(now);
        if self.closed {
            return false;
        }
        // Each has its turn at most once: there may be no room for any.
        for _ in 0..self.lines.pending() {
            let (number, start) = (self.transport_sequence, out.len());
            let next = &mut self.transport_sequence;
            let sent = self
                .lines
                .poll(|sender| sender.poll_rtp(now, next, wall, out));
            if sent {
                let size = out.len() - start;
                if self.transport_sequence != number {
                    self.departures.on_sent(now, number, size);
                }
                self.control.meter(now, size);
                self.stats.rtp_sent += 1;
                return true;
            }
        }
        false
    }

    /// Time has passed.
    pub fn handle_timeout(&mut self, now: Instant) {
        let now = self.tell(now);
        if self.closed {
            return;
        }
        let Self {
            sources, control, ..
        } = self;
        sources.handle_timeout(now, |_, source| control.collect(now, source));
        self.report_if_due(now);
    }

    /// When [`handle_timeout`](Self::handle_timeout) or a poll has something to do.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        if self.closed {
            return self.control.farewell.poll_timeout(self.now);
        }
        let arrivals = self.arrivals.due();
        let later = arrivals.filter(|due| *due > self.now);
        let waits = arrivals.is_some() && later.is_none();
        let control = self.control.poll_timeout(self.now, waits);
        earliest(earliest(control, later), self.sources.deadline())
    }

    /// What became of the next packet that we sent, as transport-wide feedback tells
    /// it: for a congestion control of the application's own. As many as
    /// [`MediaConfig::packet_results`] says wait to be taken.
    pub fn poll_packet_result(&mut self) -> Option<PacketResult> {
        self.departures.poll()
    }

    /// Ends it: the peer is told that all our streams are gone, and then there is
    /// silence.
    pub fn close(&mut self) {
        if mem::replace(&mut self.closed, true) {
            return;
        }
        let sent = self
            .lines
            .encodings()
            .filter(|(.., encoding)| encoding.has_sent());
        let ended = sent.map(|(.., encoding)| encoding.ssrc).collect();
        self.control.close(self.now, ended);
        self.sources = Sources::default();
        self.arrivals = Arrivals::new(self.config.feedback_interval);
        self.events.clear();
    }

    /// Who was heard on a line within the last ten seconds, by itself or through a mixer.
    #[must_use]
    pub fn heard(&self, line: LineId, now: Instant) -> Vec<Source> {
        let places = self.sources.of_line(line);
        let sources = places.iter().filter_map(|place| self.sources.get(*place));
        sources
            .flat_map(|source| source.receiver.sources(now))
            .collect()
    }

    /// Tells how long the path takes there and back, as somebody else has measured it:
    /// it counts until reports tell.
    pub fn expect_round_trip(&mut self, round_trip: Duration) {
        if self.control.round_trip.is_none() {
            self.on_round_trip(round_trip);
        }
    }

    /// What was counted of all streams together.
    #[must_use]
    pub fn stats(&self) -> MediaStats {
        MediaStats {
            feedback: self.departures.summary,
            ..self.stats
        }
    }

    /// How each stream of ours fares.
    pub fn outbound_streams(&self) -> impl Iterator<Item = OutboundStream<'_>> {
        let encodings = self.lines.iter().flat_map(|(id, line)| {
            let encodings = line.encodings.iter();
            encodings.map(move |encoding| (id, encoding))
        });
        encodings.map(|(line, encoding)| OutboundStream {
            line,
            rid: &encoding.rid,
            ssrc: encoding.ssrc,
            repair: encoding.repair,
            stats: encoding.sender.stats(),
        })
    }

    /// How each source of the peer's fares.
    pub fn inbound_streams(&self) -> impl Iterator<Item = InboundStream<'_>> {
        self.sources.iter().map(|(_, source)| InboundStream {
            line: source.route.line,
            rid: &source.route.rid,
            ssrc: source.receiver.ssrc(),
            repair: source.receiver.repair(),
            stats: source.receiver.stats(),
        })
    }

    /// The stream of one of our encodings: another than was set after a collision.
    #[must_use]
    pub fn ssrc(&self, line: LineId, rid: &str) -> Option<Ssrc> {
        let mut encodings = self.lines.get(line)?.encodings.iter();
        let found = encodings.find(|encoding| *encoding.rid == *rid)?;
        Some(found.ssrc)
    }

    /// What was agreed on for a line.
    #[must_use]
    pub fn parameters(&self, line: LineId) -> Option<&LineParameters> {
        self.lines.get(line).map(|line| &line.parameters)
    }

    /// The codec that a line sends: the one that was chosen, or else the first.
    #[must_use]
    pub fn send_codec(&self, line: LineId) -> Option<&CodecParameters> {
        self.lines.get(line)?.codec()
    }

    /// How long a packet and the answer to it are under way, as far as reports tell.
    #[must_use]
    pub const fn round_trip(&self) -> Option<Duration> {
        self.control.round_trip
    }

    /// The moment that counts: time does not go back.
    pub(super) fn tell(&mut self, now: Instant) -> Instant {
        self.now = self.now.max(now);
        self.now
    }

    /// The wall clock's time since the Unix epoch.
    pub(super) fn unix(&self, now: Instant) -> Duration {
        let (at, unix) = self.wall;
        unix.saturating_add(now - at)
    }

    /// The wall clock's time as reports carry it.
    pub(super) fn ntp(&self, now: Instant) -> NtpTimestamp {
        NtpTimestamp::from_unix(self.unix(now))
    }

    /// Takes what a receiver wants to be told to the peer.
    pub(super) fn collect(&mut self, place: usize) {
        if let Some(source) = self.sources.get_mut(place) {
            self.control.collect(self.now, source);
        }
        self.sources.touch(place);
    }

    /// The peer says what came of our packets.
    pub(super) fn on_transport_feedback(&mut self, feedback: &TransportFeedback<'_>) {
        self.departures.on_feedback(feedback);
    }

    /// Hands to a source what was agreed on for its line.
    fn agree(&mut self, place: usize) {
        let Some(source) = self.sources.get_mut(place) else {
            return;
        };
        if let Some(line) = self.lines.get(source.route.line) {
            source.receiver.set_parameters(&line.receive);
        }
        let announced = self.routes.is_announced(source.receiver.ssrc());
        self.sources.renew(place, announced);
    }

    /// What follows from all lines together is made anew.
    pub(super) fn renew(&mut self, now: Instant) {
        self.extensions = ExtensionMap::new();
        for (_, line) in self.lines.iter() {
            for kind in Kind::ALL {
                if let Some(id) = line.parameters.extensions.id(*kind) {
                    self.extensions.insert(id, *kind);
                }
            }
        }
        self.control.renew(&self.lines);
        self.count_members(now);
        if self.lines.is_alive() {
            self.control.schedule.start(now, &self.control.session);
        } else {
            self.control.schedule.stop();
        }
    }
}

impl fmt::Debug for Media {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Media")
            .field("lines", &self.lines.len())
            .field("sources", &self.sources.len())
            .field("stats", &self.stats)
            .finish_non_exhaustive()
    }
}
