//! What is the application told?

use alloc::sync::Arc;
use core::mem;

use super::event::{Event, SourceId};
use super::machine::Media;
use super::routes::{Repair, Route};
use super::sources::Source;
use crate::rtp::receiver;
use crate::time::Instant;

impl Media {
    /// The next thing that happened.
    pub fn poll_event(&mut self) -> Option<Event> {
        if let Some(bitrate) = self.control.target.take() {
            return Some(Event::TargetBitrate(bitrate));
        }
        if let Some(event) = self.events.pop_front() {
            if let Event::KeyFrameRequested { line, rid } = &event
                && let Some((_, encoding)) = self.lines.encoding(*line, rid)
            {
                encoding.asked = false;
            }
            return Some(event);
        }
        while let Some(place) = self.sources.next_ready() {
            let said = self.sources.get_mut(place).and_then(Source::next_event);
            let Some(event) = said else {
                self.sources.is_idle();
                if self.sources.get(place).is_some_and(|source| source.ended) {
                    self.retire(place);
                    return self.events.pop_front();
                }
                continue;
            };
            let source = self.sources.get_mut(place)?;
            if mem::replace(&mut source.shown, true) {
                return Some(event);
            }
            // Before what comes of a source it is told that it is there.
            let shown = Event::Source {
                line: source.route.line,
                source: source.id(),
            };
            self.events.push_front(event);
            return Some(shown);
        }
        None
    }

    /// A source is gone: what waits of it is given out, and then its end.
    pub(super) fn end(&mut self, now: Instant, place: usize) {
        if let Some(source) = self.sources.get_mut(place)
            && !mem::replace(&mut source.ended, true)
        {
            source.receiver.handle_bye(now);
            self.sources.touch(place);
        }
    }

    /// Its line takes nothing any more: what still comes of the source is nobody else's.
    pub(super) fn leave(&mut self, now: Instant, place: usize) {
        if let Some(source) = self.sources.get_mut(place) {
            let ssrc = source.id().ssrc;
            self.routes.remember(ssrc, source.route.clone());
        }
        self.end(now, place);
    }

    /// Takes an ended source out; what waits of it is lost.
    pub(super) fn retire(&mut self, place: usize) {
        let Some(source) = self.sources.remove(place) else {
            return;
        };
        let id = source.id();
        self.control.forget(id.ssrc);
        if source.shown {
            let line = source.route.line;
            if let Some(repair) = source.receiver.repair() {
                let of = Some(Repair::Of(id.ssrc));
                let route = Route {
                    repair: of,
                    ..source.route.clone()
                };
                self.routes.remember(repair, route);
            }
            self.routes.remember(id.ssrc, source.route);
            self.push_event(Event::Ended { line, source: id });
        }
    }

    /// An event, if there is room for it.
    pub(super) fn push_event(&mut self, event: Event) {
        if self.events.len() < self.config.max_events {
            self.events.push_back(event);
        } else {
            self.stats.lost_events += 1;
        }
    }
}

impl Source {
    /// The next thing that came of it.
    fn next_event(&mut self) -> Option<Event> {
        let line = self.route.line;
        Some(match self.receiver.poll_event()? {
            receiver::Event::Frame(frame) => Event::Frame {
                line,
                source: self.id(),
                frame,
            },
            receiver::Event::Packet(packet) => Event::Packet {
                line,
                source: self.id(),
                packet,
            },
        })
    }

    /// Its name to the application.
    pub(super) fn id(&self) -> SourceId {
        SourceId {
            ssrc: self.receiver.ssrc(),
            rid: Arc::clone(&self.route.rid),
        }
    }
}
