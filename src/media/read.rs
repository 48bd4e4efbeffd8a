//! What does the peer say in RTCP?

use alloc::sync::Arc;
use core::mem;
use core::str;
use core::time::Duration;

use super::control::Told;
use super::event::Event;
use super::machine::Media;
use super::routes::{Repair, Route};
use crate::cursor::Reader;
use crate::rtp::reception;
use crate::time::Instant;
use crate::wire::list::List;
use crate::wire::rtcp::extended::Block;
use crate::wire::rtcp::{
    Bye, Compound, ExtendedReport, ItemKind, MaximumBitrate, NtpTimestamp, Packet, ReportBlock,
    SenderReport, SourceDescription,
};
use crate::wire::rtp::Ssrc;

impl Media {
    /// A datagram of RTCP came; it is decrypted already.
    pub fn handle_rtcp(&mut self, now: Instant, packet: &[u8]) {
        let now = self.tell(now);
        if self.closed {
            self.stats.ignored.after_end += 1;
            return;
        }
        let Ok(compound) = Compound::parse(&mut Reader::new(packet)) else {
            self.stats.ignored.malformed_rtcp += 1;
            return;
        };
        self.stats.rtcp_received += 1;
        let mut reports = 0;
        for part in compound.packets() {
            match part {
                Ok(part) => {
                    let is_report =
                        matches!(part, Packet::SenderReport(_) | Packet::ReceiverReport(_));
                    reports += usize::from(is_report);
                    self.on_rtcp(now, &part);
                }
                Err(_) => self.stats.ignored.malformed_rtcp += 1,
            }
        }
        if reports > 0 {
            self.control.schedule.on_packet(packet.len(), reports);
        }
    }

    fn on_rtcp(&mut self, now: Instant, packet: &Packet<'_>) {
        match packet {
            Packet::SenderReport(report) => self.on_sender_report(now, report),
            Packet::ReceiverReport(report) => {
                self.heard_of(now, report.ssrc);
                self.on_blocks(now, &report.reports);
            }
            Packet::Bye(bye) => self.on_bye(now, bye),
            Packet::Nack(nack) => {
                // Of a stream that repeats packets nothing is kept.
                let found = self.lines.sender(nack.media);
                let Some((owner, encoding)) = found.filter(|(owner, _)| !owner.is_repair) else {
                    self.stats.ignored.unused_rtcp += 1;
                    return;
                };
                encoding.sender.on_nack(now, nack.lost());
                self.lines.touch(owner.line, owner.index);
            }
            Packet::PictureLoss(loss) => self.on_key_frame_request(now, loss.media, None),
            Packet::FullIntraRequest(request) => {
                for request in &request.requests {
                    self.on_key_frame_request(now, request.ssrc, Some(request.sequence));
                }
            }
            Packet::MaximumBitrate(maximum) => self.on_maximum_bitrate(maximum),
            Packet::TransportFeedback(feedback) => self.on_transport_feedback(feedback),
            Packet::ExtendedReport(report) => self.on_extended_report(now, report),
            Packet::SourceDescription(names) => self.on_names(names),
            _ => self.stats.ignored.unused_rtcp += 1,
        }
    }

    fn on_sender_report(&mut self, now: Instant, report: &SenderReport<'_>) {
        self.heard_of(now, report.ssrc);
        if let Some((place, source)) = self.sources.by_ssrc(report.ssrc) {
            source.receiver.handle_sender_report(now, &report.info);
            self.collect(place);
        }
        self.on_blocks(now, &report.reports);
    }

    /// What came of our streams.
    fn on_blocks(&mut self, now: Instant, blocks: &List<'_, ReportBlock>) {
        let mut measured = None;
        for block in blocks {
            let Some((owner, encoding)) = self.lines.sender(block.ssrc) else {
                continue;
            };
            encoding.sender.on_report(now, &block);
            if !owner.is_repair {
                measured = encoding.sender.round_trip().or(measured);
            }
        }
        if let Some(round_trip) = measured {
            self.on_round_trip(round_trip);
        }
    }

    pub(super) fn on_round_trip(&mut self, round_trip: Duration) {
        self.control.set_round_trip(round_trip);
        for (_, source) in self.sources.iter_mut() {
            source.receiver.set_round_trip(round_trip);
        }
    }

    /// To which line a source belongs, if it says so (RFC 9143 §9.2): what its packets
    /// leave out is then known.
    fn on_names(&mut self, names: &SourceDescription<'_>) {
        for chunk in names.chunks() {
            let text = |kind| {
                let item = chunk.items().find(|item| item.kind == kind)?;
                str::from_utf8(item.text).ok()
            };
            let Some(line) = text(ItemKind::MID).and_then(|mid| self.routes.line_of(mid)) else {
                continue;
            };
            if self.sources.target(chunk.ssrc).is_none() {
                let repaired = text(ItemKind::REPAIRED_STREAM_ID);
                let rid = repaired.or_else(|| text(ItemKind::STREAM_ID));
                let route = Route {
                    line,
                    rid: rid.unwrap_or_default().into(),
                    repair: repaired.map(|_| Repair::OfEncoding),
                };
                self.routes.remember(chunk.ssrc, route);
            }
        }
    }

    fn on_bye(&mut self, now: Instant, bye: &Bye<'_>) {
        for ssrc in &bye.sources {
            self.control.members.remove(&ssrc);
            if let Some((place, _)) = self.sources.by_ssrc(ssrc) {
                self.control.forget(ssrc);
                self.end(now, place);
            }
        }
        self.count_members(now);
        let members = self.control.session.members;
        self.control.schedule.reconsider(now, members);
    }

    fn on_key_frame_request(&mut self, now: Instant, ssrc: Ssrc, fir: Option<u8>) {
        let Some((owner, encoding)) = self.lines.sender(ssrc) else {
            self.stats.ignored.unused_rtcp += 1;
            return;
        };
        let is_new = encoding.sender.on_key_frame_request(now, fir);
        // One that the application did not hear yet says it all.
        if is_new && !mem::replace(&mut encoding.asked, true) {
            let rid = Arc::clone(&encoding.rid);
            let line = owner.line;
            self.push_event(Event::KeyFrameRequested { line, rid });
        }
    }

    /// How many bits a second of ours may come, if it speaks of ours.
    fn on_maximum_bitrate(&mut self, maximum: &MaximumBitrate<'_>) {
        if !maximum
            .sources
            .iter()
            .any(|ssrc| self.lines.owner(ssrc).is_some())
        {
            self.stats.ignored.unused_rtcp += 1;
            return;
        }
        let bitrate = maximum.bitrate.bits_per_second();
        if bitrate != self.stats.target_bitrate {
            self.stats.target_bitrate = bitrate;
            self.control.target = Some(bitrate);
        }
    }

    fn on_extended_report(&mut self, now: Instant, report: &ExtendedReport<'_>) {
        self.heard_of(now, report.ssrc);
        for block in report.blocks() {
            match block {
                Ok(Block::ReceiverTime(ntp)) => self.control.on_told(Told {
                    ssrc: report.ssrc,
                    middle: NtpTimestamp(ntp).middle(),
                    at: now,
                }),
                Ok(Block::LastReceiverTimes(times)) => {
                    let middle = self.ntp(now).middle();
                    let ours = times
                        .iter()
                        .find(|time| self.control.is_reporter(time.ssrc));
                    // The same sum as for a report block (RFC 3611 §4.5).
                    let block = ours.map(|time| ReportBlock {
                        last_sender_report: time.last,
                        delay: time.delay,
                        ..ReportBlock::default()
                    });
                    let trip = block.and_then(|block| reception::round_trip(middle, &block));
                    if let Some(round_trip) = trip.filter(|trip| *trip < MAX_ROUND_TRIP) {
                        self.on_round_trip(round_trip);
                    }
                }
                Ok(_) => {}
                Err(_) => self.stats.ignored.malformed_rtcp += 1,
            }
        }
    }

    /// A participant said something.
    fn heard_of(&mut self, now: Instant, ssrc: Ssrc) {
        if self.lines.owner(ssrc).is_some() || self.control.is_reporter(ssrc) {
            self.on_collision(now, ssrc);
        } else if let Some((_, source)) = self.sources.by_ssrc(ssrc) {
            source.heard = now;
        } else {
            self.control.on_member(now, ssrc);
        }
    }
}

/// What is longer is a mistake of the peer's, or a lie.
const MAX_ROUND_TRIP: Duration = Duration::from_secs(60);
