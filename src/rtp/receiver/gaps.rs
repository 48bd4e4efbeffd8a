//! Which packets are asked for, and which are only late?

use alloc::vec::Vec;
use core::time::Duration;

use super::config::{ReceiveCodec, ReceiverConfig};
use super::recent::Recent;
use crate::rtp::missing::Missing;
use crate::time::Instant;
use crate::wire::rtp::SequenceNumber;

/// The packets that are missing, and how late packets come by themselves.
///
/// In a network that reorders, a packet that is missing will mostly come without
/// being asked for. How long that takes is learnt from those that do.
pub(super) struct Gaps {
    missing: Missing,
    /// Whether the sender repeats packets.
    is_active: bool,
    /// Whether it does so in a stream of its own: then what comes in the other one
    /// is no answer.
    is_apart: bool,
    /// Whether packets are to be asked for now.
    is_due: bool,
    /// How long packets were missing that came by themselves.
    late: Recent<Duration>,
    /// The last packets that came repeated, and since when they were missing.
    repeated: [Option<(u64, Instant)>; REPEATED],
    next: usize,
    /// How long a packet may be late: at least and at most.
    least: Duration,
    most: Duration,
    /// How long those behind it wait.
    patience: Duration,
}

impl Gaps {
    pub(super) fn new(config: &ReceiverConfig) -> Self {
        Self {
            missing: Missing::new(config.missing),
            is_active: false,
            is_apart: false,
            is_due: false,
            late: Recent::new(),
            repeated: [None; REPEATED],
            next: 0,
            least: config.missing.reordering,
            most: (config.max_delay / 4).max(config.missing.reordering),
            patience: config.max_delay,
        }
    }

    /// The source sends this codec.
    pub(super) fn set_codec(&mut self, codec: &ReceiveCodec) {
        if !codec.nack {
            self.restart();
        }
        self.is_active = codec.nack;
        self.is_apart = codec.repair_payload_type.is_some();
    }

    /// An answer takes so long. Time has to be left for three of them: one can get
    /// lost, and another be late.
    pub(super) fn set_round_trip(&mut self, round_trip: Duration) {
        let left = self.patience.saturating_sub(round_trip.saturating_mul(3));
        self.most = left.min(self.patience / 4).max(self.least);
        self.adapt();
    }

    /// Whether what is missing is asked for.
    pub(super) const fn is_active(&self) -> bool {
        self.is_active
    }

    /// Whether a packet is missing and may still come.
    pub(super) fn contains(&self, number: u64) -> bool {
        self.missing.contains(number)
    }

    /// A packet came for the first time.
    pub(super) fn on_packet(&mut self, now: Instant, number: u64, is_repeated: bool) {
        if !self.is_active {
            return;
        }
        let Some(gap) = self.missing.on_packet(now, number) else {
            return;
        };
        if is_repeated {
            self.repeated[self.next] = Some((number, gap.since));
            self.next = (self.next + 1) % REPEATED;
        } else if self.is_apart || gap.requests == 0 {
            self.came_late(now, gap.since);
        }
    }

    /// A packet came by itself that was there already.
    pub(super) fn on_duplicate(&mut self, now: Instant, number: u64) {
        let known = self.repeated.iter_mut();
        let of_number =
            |place: &&mut Option<_>| matches!(place, Some((known, _)) if *known == number);
        // It was asked for too soon.
        if let Some((_, since)) = known.filter(of_number).find_map(Option::take) {
            self.came_late(now, since);
        }
    }

    fn came_late(&mut self, now: Instant, since: Instant) {
        self.late.note(now, now - since, Duration::max);
        self.adapt();
    }

    fn adapt(&mut self) {
        // A little more than what is known.
        let late = self.late.merged(Duration::max).unwrap_or_default() * 9 / 8;
        self.missing
            .set_reordering(late.clamp(self.least, self.most));
    }

    /// A packet is missing that did not show yet.
    pub(super) fn expect_before(&mut self, now: Instant, number: u64) {
        self.missing.on_packet(now, number.saturating_sub(2));
    }

    pub(super) fn restart(&mut self) {
        self.missing.restart();
        self.is_due = false;
    }

    /// Nobody needs the packets before this one any more.
    pub(super) fn forget_before(&mut self, number: u64) {
        self.missing.forget_before(number);
    }

    /// How many packets were given up.
    pub(super) const fn given_up(&self) -> u64 {
        self.missing.given_up()
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) {
        self.is_due |= self.missing.poll_timeout().is_some_and(|due| due <= now);
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.missing.poll_timeout().filter(|_| !self.is_due)
    }

    /// The packets to be asked for, if it is time; what was asked for too often is
    /// given up.
    pub(super) fn requests(
        &mut self,
        now: Instant,
        round_trip: Duration,
    ) -> Option<Vec<SequenceNumber>> {
        self.handle_timeout(now);
        let is_due = core::mem::replace(&mut self.is_due, false);
        is_due.then(|| self.missing.requests(now, round_trip))
    }
}

/// How many repeated packets are remembered.
const REPEATED: usize = 16;
