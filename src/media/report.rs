//! What do we say in RTCP?

use alloc::vec::Vec;

use super::arrivals::Arrivals;
use super::control::{Control, Item, Round};
use super::machine::Media;
use super::parameters::FeedbackKind;
use super::sources::Source;
use crate::cursor::Writer;
use crate::time::Instant;
use crate::wire::list::{List, Record};
use crate::wire::rtcp::extended::{Block, LastReceiverTime};
use crate::wire::rtcp::{
    Bye, ExtendedReport, FullIntraRequest, IntraRequest, Item as Description, ItemKind,
    MaximumBitrate, Nack, NackPair, NtpTimestamp, PictureLoss, ReceiverReport, ReportBlock,
    SenderReport, SourceDescription,
};
use crate::wire::rtp::Ssrc;

impl Media {
    /// Whether [`poll_rtcp`](Self::poll_rtcp) may have something to write: cheap to
    /// ask before each datagram.
    #[must_use]
    pub fn is_rtcp_pending(&mut self, now: Instant) -> bool {
        let now = self.tell(now);
        self.control.farewell.is_due(now)
            || self.control.round.is_some()
            || self.may_write_feedback(now)
    }

    /// Writes the next datagram of RTCP, if there is one.
    pub fn poll_rtcp(&mut self, now: Instant, out: &mut Writer<'_>) -> bool {
        let now = self.tell(now);
        let start = out.len();
        let reports = if self.control.farewell.is_due(now) {
            self.write_bye(out)
        } else if self.control.round.is_some() {
            self.write_round(now, out)
        } else if self.may_write_feedback(now) {
            self.write_early(now, out)
        } else {
            return false;
        };
        let size = out.len() - start;
        if size == 0 {
            return false;
        }
        let Control {
            schedule, session, ..
        } = &mut self.control;
        if let Some(reports) = reports {
            schedule.on_packet(size, reports);
        }
        schedule.spend(now, session, size);
        self.stats.rtcp_sent += 1;
        self.stats.rtcp_bytes_sent += size as u64;
        true
    }

    /// Begins a report, if one is due.
    pub(super) fn report_if_due(&mut self, now: Instant) {
        if self.control.schedule.next().is_none_or(|next| next > now) {
            return;
        }
        self.time_out(now);
        self.count_members(now);
        let Control {
            schedule, session, ..
        } = &mut self.control;
        if !schedule.expire(now, session) {
            return;
        }
        let mut round = Round::default();
        for (_, source) in self.sources.iter_mut() {
            round.blocks.extend(source.receiver.report(now));
        }
        let senders: Vec<_> = self
            .lines
            .encodings()
            .map(|(line, index, ..)| (line, index))
            .collect();
        round
            .senders
            .extend(senders.into_iter().filter(|(line, index)| {
                let encoding = self.lines.at(*line, *index);
                encoding.is_some_and(super::lines::Encoding::is_sender)
            }));
        self.control.round = Some(round);
    }

    /// Counts who takes part in the session.
    pub(super) fn count_members(&mut self, now: Instant) {
        let (mut ours, mut sending) = (0_u64, 0_u64);
        for (.., encoding) in self.lines.encodings() {
            ours += 1;
            sending += u64::from(encoding.sends_lately());
        }
        let recent = 2 * self.config.report_interval;
        let theirs = self.sources.iter();
        let theirs = theirs
            .filter(|(_, source)| now - source.sent < recent)
            .count();
        let others = self.sources.len() + self.control.members.len();
        self.control.session = super::schedule::Session {
            members: ours.max(1) + others as u64,
            senders: sending + theirs as u64,
            we_send: sending > 0,
            bandwidth: self.control.bandwidth(now),
        };
    }

    /// Gives up those that were silent for too long (RFC 3550 §6.3.5).
    fn time_out(&mut self, now: Instant) {
        let silence = self.control.schedule.silence(&self.control.session);
        self.control
            .members
            .retain(|_, heard| now - *heard < silence);
        let limit = self.config.source_timeout;
        let silent = |source: &Source| now - source.heard >= limit;
        let silent: Vec<_> = self
            .sources
            .iter()
            .filter(|(_, source)| silent(source))
            .map(|(place, _)| place)
            .collect();
        for place in silent {
            self.end(now, place);
        }
    }

    fn may_write_feedback(&mut self, now: Instant) -> bool {
        let arrivals_due = self.arrivals.due().is_some_and(|due| due <= now);
        let has_feedback = arrivals_due || self.control.has_feedback();
        let Control {
            schedule, session, ..
        } = &mut self.control;
        has_feedback && schedule.has_credit(now, session)
    }

    /// A part of a regular report, as much as there is room for; how many
    /// participants it speaks for.
    fn write_round(&mut self, now: Instant, out: &mut Writer<'_>) -> Option<usize> {
        let ntp = self.ntp(now);
        let mut round = self.control.round.take()?;
        let mut speakers = Vec::new();
        let chunk = self.chunk_len();
        let written = out.nest(0, 0, |w| {
            self.write_first(now, &mut round, &mut speakers, w);
            while w.remaining() >= SR + chunk + SDES_HEADER + speakers.len() * chunk
                && let Some((line, index)) = round.senders.pop_front()
            {
                let encoding = self.lines.at(line, index);
                let info = encoding.and_then(|encoding| {
                    Some((encoding.ssrc, encoding.sender.sender_info(now, ntp)?))
                });
                if let Some((ssrc, info)) = info {
                    let report = SenderReport {
                        ssrc,
                        info,
                        reports: List::EMPTY,
                        extension: &[],
                    };
                    report.emit(w);
                    speakers.push(ssrc);
                }
            }
            let reserve = SDES_HEADER + speakers.len() * chunk;
            while !round.blocks.is_empty() && w.remaining() >= RR + ReportBlock::LEN + reserve {
                let blocks = take_blocks(&mut round, w.remaining() - RR - reserve);
                let report = ReceiverReport {
                    ssrc: self.control.reporter,
                    reports: List::new(&blocks),
                    extension: &[],
                };
                report.emit(w);
            }
            self.write_names(&speakers, w);
            self.write_extended(now, ntp, w);
            self.write_feedback(now, w);
            true
        });
        round.begun |= written;
        // If not even the first part has room, there is none in any datagram.
        if written && !(round.blocks.is_empty() && round.senders.is_empty()) {
            self.control.round = Some(round);
        } else if !written {
            self.control.round = None;
        }
        written.then_some(speakers.len())
    }

    /// The report that a datagram has to begin with (RFC 3550 §6.1).
    fn write_first(
        &mut self,
        now: Instant,
        round: &mut Round,
        speakers: &mut Vec<Ssrc>,
        w: &mut Writer<'_>,
    ) {
        let ntp = self.ntp(now);
        let reporter = self.control.reporter;
        let reserve = SDES_HEADER + self.chunk_len();
        // The reporter's own goes first: it is the one that has the blocks.
        let own = round.senders.iter().position(|(line, index)| {
            let encoding = self.lines.at(*line, *index);
            encoding.is_some_and(|encoding| encoding.ssrc == reporter)
        });
        let own = own.and_then(|place| round.senders.remove(place));
        let info = own.and_then(|(line, index)| {
            let encoding = self.lines.at(line, index)?;
            encoding.sender.sender_info(now, ntp)
        });
        let header = if info.is_some() { SR } else { RR };
        let room = w.remaining().saturating_sub(header + reserve);
        let blocks = take_blocks(round, room);
        let reports = List::new(&blocks);
        let extension = &[];
        match info {
            Some(info) => SenderReport {
                ssrc: reporter,
                info,
                reports,
                extension,
            }
            .emit(w),
            None => ReceiverReport {
                ssrc: reporter,
                reports,
                extension,
            }
            .emit(w),
        }
        speakers.push(reporter);
    }

    /// Feedback before the next report is due: alone if that was agreed on, else
    /// behind a report that says nothing.
    fn write_early(&mut self, now: Instant, out: &mut Writer<'_>) -> Option<usize> {
        let written = out.nest(0, 0, |w| {
            if !self.control.reduced {
                self.write_empty(w);
            }
            self.write_feedback(now, w)
        });
        (written && !self.control.reduced).then_some(1)
    }

    /// Says that streams of ours are gone.
    fn write_bye(&mut self, out: &mut Writer<'_>) -> Option<usize> {
        let mut said = 0;
        let written = out.nest(0, 0, |w| {
            self.write_empty(w);
            let room = w.remaining().saturating_sub(4) / Ssrc::LEN;
            said = room.min(MAX_COUNT).min(self.control.farewell.sources.len());
            let gone = self.control.farewell.sources.iter().take(said).copied();
            let gone = List::encode(gone);
            let bye = Bye {
                sources: List::new(&gone),
                reason: None,
            };
            bye.emit(w);
            said > 0
        });
        // If there is no room for one, there is none in any datagram.
        self.control
            .farewell
            .said(if written { said } else { usize::MAX });
        written.then_some(1)
    }

    fn write_empty(&self, w: &mut Writer<'_>) {
        let report = ReceiverReport {
            ssrc: self.control.reporter,
            reports: List::EMPTY,
            extension: &[],
        };
        report.emit(w);
        self.write_names(&[self.control.reporter], w);
    }

    /// Who they are that speak: every datagram of reports says it.
    fn write_names(&self, speakers: &[Ssrc], w: &mut Writer<'_>) {
        let cname = Description {
            kind: ItemKind::CNAME,
            text: self.control.cname.as_bytes(),
        };
        for some in speakers.chunks(MAX_COUNT) {
            let chunks = some
                .iter()
                .map(|ssrc| (*ssrc, core::slice::from_ref(&cname)));
            let chunks = SourceDescription::encode(chunks);
            let count = u8::try_from(some.len()).unwrap_or(u8::MAX);
            if let Ok(description) = SourceDescription::of_chunks(count, &chunks) {
                description.emit(w);
            }
        }
    }

    /// What helps to measure the round trip (RFC 3611 §4.4, §4.5): who sends nothing
    /// has no sender report that could be answered.
    fn write_extended(&mut self, now: Instant, ntp: NtpTimestamp, w: &mut Writer<'_>) {
        let control = &mut self.control;
        let asks = self.config.receiver_time && !control.session.we_send && self.sources.len() > 0;
        let room = w.remaining().saturating_sub(8 + if asks { 12 } else { 0 });
        let answers = control
            .told
            .len()
            .min(room.saturating_sub(4) / LastReceiverTime::LEN);
        if w.remaining() < 20 || !asks && answers == 0 {
            return;
        }
        let times = List::encode(control.told.drain(..answers).map(|told| LastReceiverTime {
            ssrc: told.ssrc,
            last: told.middle,
            delay: fraction(now - told.at),
        }));
        let times = (answers > 0).then(|| Block::LastReceiverTimes(List::new(&times)));
        let time = asks.then_some(Block::ReceiverTime(ntp.0));
        let blocks = ExtendedReport::encode(time.into_iter().chain(times));
        if let Ok(report) = ExtendedReport::of_blocks(control.reporter, &blocks) {
            report.emit(w);
        }
    }

    /// What has to be told at once, as much of it as there is room for; whether
    /// there was something.
    fn write_feedback(&mut self, now: Instant, w: &mut Writer<'_>) -> bool {
        let start = w.len();
        let sender = self.control.reporter;
        while let Some(item) = self.control.feedback.front_mut() {
            let room = w.remaining();
            match item {
                Item::Nack(media, pairs) => {
                    let fit = room.saturating_sub(FEEDBACK) / NackPair::LEN * NackPair::LEN;
                    let len = fit.min(pairs.len());
                    if len == 0 {
                        break;
                    }
                    let nack = Nack {
                        sender,
                        media: *media,
                        pairs: List::new(pairs.get(..len).unwrap_or_default()),
                    };
                    nack.emit(w);
                    pairs.drain(..len);
                    if !pairs.is_empty() {
                        break;
                    }
                }
                Item::Pli(_) if room < FEEDBACK => break,
                Item::Pli(media) => PictureLoss {
                    sender,
                    media: *media,
                }
                .emit(w),
                Item::Fir(..) if room < FEEDBACK + IntraRequest::LEN => break,
                Item::Fir(ssrc, sequence) => {
                    let request = IntraRequest {
                        ssrc: *ssrc,
                        sequence: *sequence,
                    };
                    let requests = List::encode([request]);
                    let request = FullIntraRequest {
                        sender,
                        media: Ssrc(0),
                        requests: List::new(&requests),
                    };
                    request.emit(w);
                }
            }
            self.control.feedback.pop_front();
        }
        self.write_maximum(w);
        let is_due = self.arrivals.due().is_some_and(|due| due <= now);
        if is_due && w.remaining() >= Arrivals::MIN_LEN {
            self.arrivals.write(now, sender, w);
        }
        w.len() > start
    }

    /// How many bits a second may come, of all sources that want to know.
    fn write_maximum(&mut self, w: &mut Writer<'_>) {
        let Some(bitrate) = self.control.capacity.untold else {
            return;
        };
        let sources = self.sources.iter().map(|(_, source)| source);
        let wants = |source: &&Source| {
            let line = self.lines.get(source.route.line);
            line.is_some_and(|line| line.feedback.contains(FeedbackKind::MaximumBitrate))
        };
        let sources = sources.filter(wants).map(|source| source.receiver.ssrc());
        let sources = List::<Ssrc>::encode(sources.take(MAX_COUNT));
        let maximum = MaximumBitrate {
            sender: self.control.reporter,
            bitrate,
            sources: List::new(&sources),
        };
        if sources.is_empty() {
            self.control.capacity.untold = None;
        } else if maximum.encoded_len() <= w.remaining() {
            maximum.emit(w);
            self.control.capacity.untold = None;
            self.stats.told_bitrate = bitrate.bits_per_second();
        }
    }

    /// How long what is said of one participant's name is.
    fn chunk_len(&self) -> usize {
        let item = 2 + self.control.cname.len().min(255);
        4 + item + 4 - item % 4
    }
}

/// The bytes of as many report blocks as there is room for.
fn take_blocks(round: &mut Round, room: usize) -> Vec<u8> {
    let fit = (room / ReportBlock::LEN)
        .min(MAX_COUNT)
        .min(round.blocks.len());
    List::encode(round.blocks.drain(..fit))
}

/// A time in 65,536ths of a second.
fn fraction(time: core::time::Duration) -> u32 {
    let units = (time.as_nanos() << 16) / 1_000_000_000;
    u32::try_from(units).unwrap_or(u32::MAX)
}

/// A sender report without blocks, and a receiver report.
const SR: usize = 28;
const RR: usize = 8;
const SDES_HEADER: usize = 4;
/// Feedback without its content.
const FEEDBACK: usize = 12;
/// What five bits can count.
const MAX_COUNT: usize = 31;
