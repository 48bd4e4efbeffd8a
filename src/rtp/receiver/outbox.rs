//! What waits for its time, and for the application.

use alloc::collections::VecDeque;

use super::config::ReceiverConfig;
use super::event::{Event, ReceivedFrame, ReceivedPacket};
use super::stats::FrameStats;
use crate::time::Instant;

/// Frames until they are due, and then all until it is fetched.
pub(super) struct Outbox {
    config: ReceiverConfig,
    held: VecDeque<Held>,
    ready: VecDeque<Event>,
    /// The bytes in both.
    bytes: usize,
    /// What was counted here.
    pub(super) stats: FrameStats,
}

struct Held {
    frame: ReceivedFrame,
    /// When its first packet came.
    first: Instant,
    due: Instant,
}

impl Outbox {
    pub(super) fn new(config: ReceiverConfig) -> Self {
        Self {
            config,
            held: VecDeque::new(),
            ready: VecDeque::new(),
            bytes: 0,
            stats: FrameStats::default(),
        }
    }

    /// Whether something of so many bytes may wait.
    pub(super) fn has_room(&self, len: usize) -> bool {
        self.held.len() + self.ready.len() < self.config.events
            && self.bytes.saturating_add(len) <= self.config.bytes
    }

    /// A frame that is given out when it is due, or refused if there is no room.
    pub(super) fn push_frame(
        &mut self,
        frame: ReceivedFrame,
        first: Instant,
        due: Instant,
    ) -> bool {
        if !self.has_room(frame.data.len()) {
            self.stats.overflowed += 1;
            return false;
        }
        self.bytes += frame.data.len();
        // None overtakes another.
        let due = self.held.back().map_or(due, |last| last.due.max(due));
        self.held.push_back(Held { frame, first, due });
        true
    }

    /// A packet; there has to be room.
    pub(super) fn push_packet(&mut self, packet: ReceivedPacket) {
        self.bytes += packet.payload.len();
        self.ready.push_back(Event::Packet(packet));
    }

    /// Gives out the frames that are due.
    pub(super) fn give(&mut self, now: Instant) {
        while self.poll_timeout().is_some_and(|due| due <= now) {
            let Some(held) = self.held.pop_front() else {
                return;
            };
            self.stats.received += 1;
            self.stats.key += u64::from(held.frame.is_key);
            self.stats.delay += now - held.first;
            if held.frame.packets > 1 {
                self.stats.multi_packet += 1;
                self.stats.assembly_time += held.frame.received - held.first;
            }
            self.ready.push_back(Event::Frame(held.frame));
        }
    }

    /// Gives out all frames: none will come that they could be even with.
    pub(super) fn give_all(&mut self, now: Instant) {
        for held in &mut self.held {
            held.due = now;
        }
        self.give(now);
    }

    /// Gives memory back that nothing waits in.
    pub(super) fn release(&mut self) {
        self.held.shrink_to_fit();
        self.ready.shrink_to_fit();
    }

    /// When the next frame is due.
    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.held.front().map(|held| held.due)
    }

    pub(super) fn pop(&mut self) -> Option<Event> {
        let event = self.ready.pop_front()?;
        self.bytes -= match &event {
            Event::Frame(frame) => frame.data.len(),
            Event::Packet(packet) => packet.payload.len(),
        };
        Some(event)
    }
}
