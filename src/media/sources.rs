//! Which sources are received, and which of them have something to say?

use alloc::collections::{BTreeMap, VecDeque};
use alloc::vec::Vec;
use core::mem;

use super::parameters::LineId;
use super::routes::{Repair, Route};
use crate::rtp::receiver::RtpReceiver;
use crate::time::Instant;
use crate::timer::earliest;
use crate::wire::rtp::{PayloadType, Ssrc};

/// The sources that are received, each in a place of its own.
#[derive(Debug, Default)]
pub(super) struct Sources {
    places: Vec<Option<Source>>,
    by_ssrc: BTreeMap<Ssrc, Target>,
    /// The places of sources that have events, each once.
    ready: VecDeque<usize>,
    /// Not later than the first deadline of all sources.
    deadline: Option<Instant>,
    unannounced: usize,
}

/// A source that is received.
#[derive(Debug)]
pub(super) struct Source {
    pub receiver: RtpReceiver,
    pub route: Route,
    /// Whether a description names it.
    pub announced: bool,
    /// A payload type that was found to be one of its line's, until that changes.
    pub fits: Option<PayloadType>,
    /// When RTP or a report of it came last.
    pub heard: Instant,
    /// When RTP of it came last.
    pub sent: Instant,
    /// Whether the application knows of it.
    pub shown: bool,
    /// Whether it is gone, and taken out when its events are taken.
    pub ended: bool,
    queued: bool,
}

/// Where the packets of an SSRC go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// To the source in this place.
    Media(usize),
    /// To the source in this place, whose packets they repeat.
    Repair(usize),
}

impl Source {
    pub(super) fn new(now: Instant, receiver: RtpReceiver, route: Route, announced: bool) -> Self {
        Self {
            receiver,
            route,
            announced,
            fits: None,
            heard: now,
            sent: now,
            shown: false,
            ended: false,
            queued: false,
        }
    }
}

impl Sources {
    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.places.len() - self.places.iter().filter(|place| place.is_none()).count()
    }

    /// How many of them no description names.
    pub(super) const fn unannounced(&self) -> usize {
        self.unannounced
    }

    /// Where the packets of an SSRC go.
    pub(super) fn target(&self, ssrc: Ssrc) -> Option<Target> {
        self.by_ssrc.get(&ssrc).copied()
    }

    pub(super) fn get(&self, place: usize) -> Option<&Source> {
        self.places.get(place)?.as_ref()
    }

    pub(super) fn get_mut(&mut self, place: usize) -> Option<&mut Source> {
        self.places.get_mut(place)?.as_mut()
    }

    /// The source with this SSRC.
    pub(super) fn by_ssrc(&mut self, ssrc: Ssrc) -> Option<(usize, &mut Source)> {
        let Target::Media(place) = self.target(ssrc)? else {
            return None;
        };
        Some((place, self.get_mut(place)?))
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (usize, &Source)> {
        let places = self.places.iter().enumerate();
        places.filter_map(|(place, source)| Some((place, source.as_ref()?)))
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = (usize, &mut Source)> {
        let places = self.places.iter_mut().enumerate();
        places.filter_map(|(place, source)| Some((place, source.as_mut()?)))
    }

    /// One more source; its place.
    pub(super) fn insert(&mut self, source: Source) -> usize {
        let ssrc = source.receiver.ssrc();
        self.unannounced += usize::from(!source.announced);
        let free = self.places.iter().position(Option::is_none);
        let place = free.unwrap_or(self.places.len());
        match self.places.get_mut(place) {
            Some(free) => *free = Some(source),
            None => self.places.push(Some(source)),
        }
        self.by_ssrc.insert(ssrc, Target::Media(place));
        place
    }

    /// Takes a source out of all tables.
    pub(super) fn remove(&mut self, place: usize) -> Option<Source> {
        let source = self.places.get_mut(place)?.take()?;
        self.unannounced -= usize::from(!source.announced);
        let is_its = |target: &Target| matches!(*target, Target::Media(at) | Target::Repair(at) if at == place);
        self.by_ssrc.retain(|_, target| !is_its(target));
        self.ready.retain(|ready| *ready != place);
        Some(source)
    }

    /// The source whose packets are repeated; `None` if that cannot be told.
    pub(super) fn repaired(&self, route: &Route) -> Option<usize> {
        if let Some(Repair::Of(ssrc)) = route.repair
            && let Some(Target::Media(place)) = self.target(ssrc)
        {
            return Some(place);
        }
        let of_encoding = self.iter().filter(|(_, source)| {
            let theirs = &source.route;
            theirs.line == route.line && theirs.rid == route.rid && !source.ended
        });
        // An encoding whose source has changed has two for a while.
        let newest = of_encoding.max_by_key(|(_, source)| source.sent);
        newest.map(|(place, _)| place)
    }

    /// From now on `ssrc` repeats packets of the source.
    pub(super) fn set_repair(&mut self, ssrc: Ssrc, place: usize) {
        let Some(source) = self.get_mut(place) else {
            return;
        };
        let before = source.receiver.repair();
        source.receiver.set_repair(ssrc);
        if let Some(before) = before {
            self.by_ssrc.remove(&before);
        }
        self.by_ssrc.insert(ssrc, Target::Repair(place));
    }

    /// Something else was agreed on for the source's line.
    pub(super) fn renew(&mut self, place: usize, announced: bool) {
        let Some(source) = self.places.get_mut(place).and_then(Option::as_mut) else {
            return;
        };
        source.fits = None;
        let before = mem::replace(&mut source.announced, announced);
        self.unannounced -= usize::from(!before);
        self.unannounced += usize::from(!announced);
    }

    /// The source that makes room for another: of those that nobody announced the
    /// one that was silent longest.
    pub(super) fn eldest(&self) -> Option<usize> {
        let candidates = self.iter().filter(|(_, source)| !source.announced);
        let eldest = candidates.min_by_key(|(_, source)| source.heard);
        eldest.map(|(place, _)| place)
    }

    /// The receiver was touched: it may have events, and another deadline.
    pub(super) fn touch(&mut self, place: usize) {
        let Some(source) = self.places.get_mut(place).and_then(Option::as_mut) else {
            return;
        };
        self.deadline = earliest(self.deadline, source.receiver.poll_timeout());
        if !mem::replace(&mut source.queued, true) {
            self.ready.push_back(place);
        }
    }

    /// The first place that may have events.
    pub(super) fn next_ready(&self) -> Option<usize> {
        self.ready.front().copied()
    }

    /// The source of [`next_ready`](Self::next_ready) has none.
    pub(super) fn is_idle(&mut self) {
        if let Some(place) = self.ready.pop_front()
            && let Some(source) = self.get_mut(place)
        {
            source.queued = false;
        }
    }

    /// Not later than the first deadline of all.
    pub(super) const fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// Hands the time to those that are due; the places of them.
    pub(super) fn handle_timeout(
        &mut self,
        now: Instant,
        mut each: impl FnMut(usize, &mut Source),
    ) {
        if self.deadline.is_none_or(|deadline| deadline > now) {
            return;
        }
        self.deadline = None;
        for place in 0..self.places.len() {
            let Some(source) = self.get_mut(place) else {
                continue;
            };
            if source.receiver.poll_timeout().is_some_and(|at| at <= now) {
                source.receiver.handle_timeout(now);
                each(place, source);
            }
            self.touch(place);
        }
    }

    /// The places of the sources of a line.
    pub(super) fn of_line(&self, line: LineId) -> Vec<usize> {
        let of_line = self.iter().filter(|(_, source)| source.route.line == line);
        of_line.map(|(place, _)| place).collect()
    }
}
