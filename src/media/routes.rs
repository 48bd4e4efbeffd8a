//! Whose packet is it (RFC 9143 §9.2, RFC 8852)?

use alloc::boxed::Box;
use alloc::collections::{BTreeMap, VecDeque};
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use super::parameters::{LineId, LineParameters};
use crate::wire::rtp::{PayloadType, Ssrc};

/// What the descriptions say of packets whose source is not known yet.
///
/// It holds what was signalled, and of what packets brought only a bounded number
/// of sources that are gone.
#[derive(Debug, Default)]
pub(super) struct Routes {
    mids: BTreeMap<String, LineId>,
    /// `None` if several lines use the name.
    rids: BTreeMap<Arc<str>, Option<LineId>>,
    announced: BTreeMap<Ssrc, Route>,
    /// What is known of sources that are gone, the oldest first: should they come
    /// again, they need not say it again (RFC 9143 §9.2).
    remembered: VecDeque<(Ssrc, Route)>,
    /// `None` if several lines use the number.
    payloads: BTreeMap<PayloadType, Option<LineId>>,
    /// Boxed, for a map makes room for eleven, and most connections have two.
    lines: BTreeMap<LineId, Box<Receivers>>,
}

/// What a packet says of where it belongs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clues<'a> {
    pub ssrc: Ssrc,
    pub payload_type: PayloadType,
    pub mid: Option<&'a str>,
    pub rid: Option<&'a str>,
    pub repaired_rid: Option<&'a str>,
}

/// Where a packet belongs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Route {
    pub line: LineId,
    /// Of which encoding; empty if they have no names.
    pub rid: Arc<str>,
    /// Whether it repeats packets, and of which source, if that is known.
    pub repair: Option<Repair>,
}

/// Of which source does it repeat packets?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Repair {
    /// Of this one.
    Of(Ssrc),
    /// Of the one that the encoding has.
    OfEncoding,
}

/// Why a packet belongs nowhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unroutable {
    /// It names a line that is not there.
    UnknownMid,
    /// It names an encoding that its line has not, or names none where there are several.
    UnknownRid,
    /// Its line has not agreed on its payload type.
    UnknownPayloadType,
    /// Nothing in it says to which line it belongs.
    Ambiguous,
}

/// What a line takes.
#[derive(Debug)]
struct Receivers {
    mid: String,
    rids: Vec<Arc<str>>,
    announced: Vec<Ssrc>,
    media: Vec<PayloadType>,
    repair: Vec<PayloadType>,
}

impl Routes {
    /// A line is there, or is another than before.
    pub(super) fn set(&mut self, line: LineId, parameters: &LineParameters) {
        self.clear(line);
        if !parameters.receives {
            self.remove(line);
            return;
        }
        let names = parameters.remote.iter().map(|encoding| &*encoding.rid);
        let rids: Vec<Arc<str>> = names.filter(|rid| !rid.is_empty()).map(Arc::from).collect();
        let (repair, media) = parameters
            .receive
            .iter()
            .partition::<Vec<_>, _>(|codec| codec.repeats().is_some());
        let numbers = |codecs: Vec<&super::CodecParameters>| {
            codecs.iter().map(|codec| codec.payload_type).collect()
        };
        let mut announced = Vec::new();
        for encoding in &parameters.remote {
            let rid: Arc<str> = Arc::from(&*encoding.rid);
            let mut announce = |ssrc, repair| {
                let rid = Arc::clone(&rid);
                self.announced.insert(ssrc, Route { line, rid, repair });
                announced.push(ssrc);
            };
            if let Some(ssrc) = encoding.ssrc {
                announce(ssrc, None);
            }
            if let Some(repair) = encoding.repair {
                let of = encoding.ssrc.map_or(Repair::OfEncoding, Repair::Of);
                announce(repair, Some(of));
            }
        }
        let receivers = Receivers {
            mid: parameters.mid.clone(),
            rids,
            announced,
            media: numbers(media),
            repair: numbers(repair),
        };
        self.lines.insert(line, Box::new(receivers));
        self.index();
    }

    /// The line is gone. Its sources are remembered: until the peer knows, it goes on
    /// to send, and what comes belongs to no other line.
    pub(super) fn remove(&mut self, line: LineId) {
        let announced = core::mem::take(&mut self.announced);
        let (gone, rest) = announced
            .into_iter()
            .partition(|(_, route)| route.line == line);
        self.announced = rest;
        for (ssrc, route) in BTreeMap::<Ssrc, Route>::into_iter(gone) {
            self.remember(ssrc, route);
        }
        self.clear(line);
        self.index();
    }

    /// A source of which packets said where it belongs is gone.
    pub(super) fn remember(&mut self, ssrc: Ssrc, route: Route) {
        self.remembered.retain(|(other, _)| *other != ssrc);
        if self.remembered.len() >= MAX_REMEMBERED {
            self.remembered.pop_front();
        }
        self.remembered.push_back((ssrc, route));
    }

    /// Packets of another peer may have the same sources.
    pub(super) fn forget(&mut self) {
        self.remembered.clear();
    }

    /// Takes out what was signalled of a line.
    fn clear(&mut self, line: LineId) {
        self.lines.remove(&line);
        self.announced.retain(|_, route| route.line != line);
    }

    /// Where a packet belongs (RFC 9143 §9.2): what it names counts first, then what
    /// was said of its source, then its payload type if only one line has it.
    pub(super) fn find(&self, clues: &Clues<'_>) -> Result<Route, Unroutable> {
        let announced = self.announced.get(&clues.ssrc);
        let announced = announced.or_else(|| self.recall(clues.ssrc));
        let name = clues.repaired_rid.or(clues.rid);
        let line = if let Some(mid) = clues.mid {
            *self.mids.get(mid).ok_or(Unroutable::UnknownMid)?
        } else if let Some(line) = name.and_then(|name| self.rids.get(name).copied().flatten()) {
            line
        } else if let Some(route) = announced {
            route.line
        } else if self.remembered.iter().any(|(ssrc, _)| *ssrc == clues.ssrc) {
            // Its line is gone, or takes nothing at present.
            return Err(Unroutable::UnknownMid);
        } else {
            let owner = self.payloads.get(&clues.payload_type);
            owner.copied().flatten().ok_or(Unroutable::Ambiguous)?
        };
        let receivers = self.lines.get(&line).ok_or(Unroutable::UnknownMid)?;
        let is_repair = receivers.repair.contains(&clues.payload_type);
        if !is_repair && !receivers.media.contains(&clues.payload_type) {
            return Err(Unroutable::UnknownPayloadType);
        }
        let announced = announced.filter(|route| route.line == line);
        if let Some(route) = announced.filter(|route| route.repair.is_some() == is_repair) {
            return Ok(route.clone());
        }
        let name = if is_repair { name } else { clues.rid };
        let rid = receivers.rid(name).ok_or(Unroutable::UnknownRid)?;
        let repair = is_repair.then_some(Repair::OfEncoding);
        Ok(Route { line, rid, repair })
    }

    /// What is known of a source that was gone.
    fn recall(&self, ssrc: Ssrc) -> Option<&Route> {
        let found = self.remembered.iter().find(|(other, _)| *other == ssrc);
        let (_, route) = found?;
        let receivers = self.lines.get(&route.line)?;
        let name = Some(&*route.rid).filter(|rid| !rid.is_empty());
        let still = receivers.rid(name).is_some_and(|rid| rid == route.rid);
        still.then_some(route)
    }

    /// The line with this name.
    pub(super) fn line_of(&self, mid: &str) -> Option<LineId> {
        self.mids.get(mid).copied()
    }

    /// Whether a packet of this type may come on the line, as media or as a repeat.
    pub(super) fn takes(&self, line: LineId, payload_type: PayloadType, repair: bool) -> bool {
        let numbers = self.lines.get(&line).map(|receivers| match repair {
            true => &receivers.repair,
            false => &receivers.media,
        });
        numbers.is_some_and(|numbers| numbers.contains(&payload_type))
    }

    /// The stream that was announced to repeat packets of `ssrc`.
    pub(super) fn repair_of(&self, ssrc: Ssrc) -> Option<Ssrc> {
        let line = self.announced.get(&ssrc)?.line;
        let mut announced = self.lines.get(&line)?.announced.iter();
        let is_its = |route: &Route| route.repair == Some(Repair::Of(ssrc));
        announced
            .find(|repair| self.announced.get(repair).is_some_and(is_its))
            .copied()
    }

    /// Whether a description names the source.
    pub(super) fn is_announced(&self, ssrc: Ssrc) -> bool {
        self.announced.contains_key(&ssrc)
    }

    /// Makes the tables of all lines anew.
    fn index(&mut self) {
        self.mids.clear();
        self.rids.clear();
        self.payloads.clear();
        for (&line, receivers) in &self.lines {
            if !receivers.mid.is_empty() {
                self.mids.insert(receivers.mid.clone(), line);
            }
            for rid in &receivers.rids {
                let owner = self.rids.entry(Arc::clone(rid)).or_insert(Some(line));
                *owner = owner.filter(|owner| *owner == line);
            }
            for &number in receivers.media.iter().chain(&receivers.repair) {
                let owner = self.payloads.entry(number).or_insert(Some(line));
                *owner = owner.filter(|owner| *owner == line);
            }
        }
    }
}

impl Receivers {
    /// The encoding with this name; the only one of a line whose encodings have none.
    fn rid(&self, name: Option<&str>) -> Option<Arc<str>> {
        if self.rids.is_empty() {
            return Some(Arc::from(""));
        }
        let known = |name| self.rids.iter().find(|rid| &***rid == name).cloned();
        known(name?)
    }
}

/// Of how many sources that are gone it is known where they belong.
const MAX_REMEMBERED: usize = 64;
