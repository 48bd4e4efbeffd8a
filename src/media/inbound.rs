//! A packet came: whose is it?

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::str;
use core::time::Duration;

use super::event::Event;
use super::machine::Media;
use super::parameters::FeedbackKind;
use super::routes::{Clues, Route, Unroutable};
use super::sources::{Source, Target};
use crate::cursor::Reader;
use crate::rtp::receiver::RtpReceiver;
use crate::seq::Serial16;
use crate::time::Instant;
use crate::wire::rtp::extension::{AbsoluteSendTime, Kind};
use crate::wire::rtp::{ExtensionMap, Packet, Ssrc};

impl Media {
    /// An RTP packet came; it is decrypted already.
    pub fn handle_rtp(&mut self, now: Instant, packet: &[u8]) {
        let now = self.tell(now);
        if self.closed {
            self.stats.ignored.after_end += 1;
            return;
        }
        let size = packet.len();
        let Ok(packet) = Packet::parse(&mut Reader::new(packet)) else {
            self.stats.ignored.malformed_rtp += 1;
            return;
        };
        let ssrc = packet.header.ssrc;
        let named = Named::read(&packet, &self.extensions);
        let Some(target) = self.target(now, &packet, &named) else {
            return;
        };
        let (Target::Media(place) | Target::Repair(place)) = target;
        let Some(source) = self.sources.get_mut(place) else {
            return;
        };
        (source.heard, source.sent) = (now, now);
        match target {
            Target::Media(_) => source.receiver.handle_rtp(now, &packet),
            Target::Repair(_) => source.receiver.handle_repair(now, &packet),
        }
        let wishes = self.control.wishes;
        if let Some(number) = named.transport
            && wishes.contains(FeedbackKind::Transport)
        {
            self.arrivals.on_packet(now, number, ssrc);
            if named.asks_feedback {
                self.arrivals.hurry(now);
            }
        }
        if let Some(sent) = named.sent
            && wishes.contains(FeedbackKind::MaximumBitrate)
        {
            self.control.capacity.on_packet(now, sent, size);
        }
        self.control.meter(now, size);
        self.stats.rtp_received += 1;
        self.collect(place);
    }

    /// Where the packet goes; counted, if nowhere.
    fn target(&mut self, now: Instant, packet: &Packet<'_>, named: &Named<'_>) -> Option<Target> {
        let header = &packet.header;
        let known = self.sources.target(header.ssrc);
        if let Some(target) = known
            && self.still_fits(target, packet, named)
        {
            return known;
        }
        if self.lines.owner(header.ssrc).is_some() || self.control.is_reporter(header.ssrc) {
            self.on_collision(now, header.ssrc);
            return None;
        }
        let clues = Clues {
            ssrc: header.ssrc,
            payload_type: header.payload_type,
            mid: named.mid,
            rid: named.rid,
            repaired_rid: named.repaired_rid,
        };
        let route = match self.routes.find(&clues) {
            Ok(route) => route,
            Err(unroutable) => {
                let ignored = &mut self.stats.ignored;
                *match unroutable {
                    Unroutable::UnknownMid => &mut ignored.unknown_mid,
                    Unroutable::UnknownRid => &mut ignored.unknown_rid,
                    Unroutable::UnknownPayloadType => &mut ignored.unknown_payload_type,
                    Unroutable::Ambiguous => &mut ignored.ambiguous,
                } += 1;
                return None;
            }
        };
        if let Some(Target::Media(place)) = known {
            if route.repair.is_some() {
                // Nobody repeats packets in the stream that has them.
                self.stats.ignored.unknown_payload_type += 1;
                return None;
            }
            // The source went to another line or encoding.
            self.end(now, place);
            self.retire(place);
        }
        if route.repair.is_some() {
            let Some(place) = self.sources.repaired(&route) else {
                self.stats.ignored.orphaned += 1;
                return None;
            };
            self.sources.set_repair(header.ssrc, place);
            return Some(Target::Repair(place));
        }
        self.admit(now, header.ssrc, route).map(Target::Media)
    }

    /// Whether a packet of a known SSRC goes where those before it went.
    fn still_fits(&mut self, target: Target, packet: &Packet<'_>, named: &Named<'_>) -> bool {
        let (place, is_repair) = match target {
            Target::Media(place) => (place, false),
            Target::Repair(place) => (place, true),
        };
        let Some(source) = self.sources.get_mut(place).filter(|source| !source.ended) else {
            return false;
        };
        let Route { line, rid, .. } = &source.route;
        let name = if is_repair {
            named.repaired_rid.or(named.rid)
        } else {
            named.rid
        };
        let is_named = named
            .mid
            .is_none_or(|mid| self.routes.line_of(mid) == Some(*line))
            && (rid.is_empty() || name.is_none_or(|name| name == &**rid));
        let payload_type = packet.header.payload_type;
        if source.fits == Some(payload_type) && !is_repair {
            return is_named;
        }
        let is_taken = self.routes.takes(*line, payload_type, is_repair);
        if is_taken && !is_repair {
            source.fits = Some(payload_type);
        }
        is_named && is_taken
    }

    /// A new source, if there is room for it.
    fn admit(&mut self, now: Instant, ssrc: Ssrc, route: Route) -> Option<usize> {
        let announced = self.routes.is_announced(ssrc);
        let is_full = self.sources.len() >= self.config.max_sources
            || !announced && self.sources.unannounced() >= self.config.max_unannounced;
        if is_full {
            let Some(eldest) = self.sources.eldest() else {
                self.stats.ignored.no_room += 1;
                return None;
            };
            self.stats.evicted += 1;
            self.end(now, eldest);
            self.retire(eldest);
        }
        let line = self.lines.get(route.line)?;
        let mut config = self.config.receiver;
        config.mode = line.parameters.mode;
        let mut receiver = RtpReceiver::new(ssrc, config);
        receiver.set_parameters(&line.receive);
        if let Some(round_trip) = self.control.round_trip {
            receiver.set_round_trip(round_trip);
        }
        let repair = self.repair_of(ssrc);
        let source = Source::new(now, receiver, route, announced);
        let place = self.sources.insert(source);
        if let Some(repair) = repair {
            self.sources.set_repair(repair, place);
        }
        self.control.members.remove(&ssrc);
        self.count_members(now);
        Some(place)
    }

    /// The stream that was announced to repeat packets of the source.
    fn repair_of(&self, ssrc: Ssrc) -> Option<Ssrc> {
        let repair = self.routes.repair_of(ssrc)?;
        (self.sources.target(repair).is_none() && self.lines.owner(repair).is_none())
            .then_some(repair)
    }

    /// Somebody else sends under one of our SSRCs: ours is changed, and the old one
    /// said to be gone (RFC 3550 §8.2). Not again soon, so that nobody can keep us
    /// changing.
    pub(super) fn on_collision(&mut self, now: Instant, ssrc: Ssrc) {
        self.stats.ignored.own_ssrc += 1;
        if self
            .control
            .collided
            .is_some_and(|at| now - at < COLLISION_PAUSE)
        {
            return;
        }
        self.control.collided = Some(now);
        let fresh = self.fresh_ssrc();
        self.stats.collisions += 1;
        let Some(owner) = self.lines.owner(ssrc) else {
            self.control.change_ssrc(fresh);
            self.control.renew(&self.lines);
            return;
        };
        self.control.say_bye(now, Vec::from([ssrc]));
        self.lines.rename(owner, fresh, &mut self.rng);
        self.control.renew(&self.lines);
        let encoding = self.lines.at(owner.line, owner.index);
        if let Some(encoding) = encoding.filter(|_| !owner.is_repair) {
            let rid = Arc::clone(&encoding.rid);
            self.push_event(Event::SsrcChanged {
                line: owner.line,
                rid,
                ssrc: fresh,
            });
        }
    }

    /// Changes our new SSRCs that sources of the peer have.
    pub(super) fn avoid_collisions(&mut self, now: Instant) {
        let taken = self
            .lines
            .ssrcs()
            .filter(|ssrc| self.sources.target(*ssrc).is_some());
        for ssrc in taken.collect::<Vec<_>>() {
            self.control.collided = None;
            self.on_collision(now, ssrc);
        }
    }

    /// An SSRC that nobody has.
    fn fresh_ssrc(&mut self) -> Ssrc {
        loop {
            let ssrc = Ssrc(self.rng.u32());
            let taken = self.lines.owner(ssrc).is_some()
                || self.sources.target(ssrc).is_some()
                || self.routes.is_announced(ssrc)
                || self.control.members.contains_key(&ssrc)
                || self.control.is_reporter(ssrc);
            if !taken {
                return ssrc;
            }
        }
    }
}

/// What the extensions of a packet say that matters here.
#[derive(Default)]
struct Named<'a> {
    mid: Option<&'a str>,
    rid: Option<&'a str>,
    repaired_rid: Option<&'a str>,
    transport: Option<Serial16>,
    asks_feedback: bool,
    sent: Option<AbsoluteSendTime>,
}

impl<'a> Named<'a> {
    fn read(packet: &Packet<'a>, map: &ExtensionMap) -> Self {
        let mut named = Self::default();
        let Some(block) = &packet.header.extensions else {
            return named;
        };
        let text = |value| str::from_utf8(value).ok();
        for element in block.elements() {
            let value = element.value;
            match map.kind(element.id) {
                Some(Kind::Mid) => named.mid = named.mid.or_else(|| text(value)),
                Some(Kind::StreamId) => named.rid = named.rid.or_else(|| text(value)),
                Some(Kind::RepairedStreamId) => {
                    named.repaired_rid = named.repaired_rid.or_else(|| text(value));
                }
                Some(Kind::TransportSequence | Kind::FeedbackRequest) => {
                    if let Some((&[high, low], rest)) = value.split_first_chunk() {
                        named.transport = Some(Serial16(u16::from_be_bytes([high, low])));
                        named.asks_feedback = !rest.is_empty() && rest != [0, 0];
                    }
                }
                Some(Kind::AbsoluteSendTime) => {
                    named.sent = AbsoluteSendTime::parse(&mut Reader::new(value)).ok();
                }
                _ => {}
            }
        }
        named
    }
}

/// How long after a collision the next one is believed.
const COLLISION_PAUSE: Duration = Duration::from_secs(1);
