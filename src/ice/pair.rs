//! A way between two candidates, and what its checks have shown (RFC 8445 §6.1.2).

use core::time::Duration;

use alloc::vec::Vec;

use super::candidate::pair_priority;
use super::consent::Consent;
use super::{ConsentConfig, PairStats, Role};
use crate::net::{Foundation, Path, Protocol};
use crate::stun::{Schedule, Transaction};
use crate::tight;
use crate::time::Instant;
use crate::wire::stun::TransactionId;

/// What have the checks of a pair shown (RFC 8445 §6.1.2.6)?
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PairState {
    /// Not checked, because another pair of the same foundation should tell first.
    Frozen,
    /// Not checked, but it will be.
    Waiting,
    /// A check is under way.
    InProgress,
    /// A check was answered.
    Succeeded,
    /// A check was not answered, refused, or answered the wrong way.
    Failed,
}

impl PairState {
    /// The W3C's word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Frozen => "frozen",
            Self::Waiting => "waiting",
            Self::InProgress => "in-progress",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
        }
    }
}

#[derive(Debug)]
pub(super) struct Pair {
    /// Which local candidate; after a success that which the peer saw.
    pub(super) local: usize,
    /// Which remote candidate.
    pub(super) remote: usize,
    /// From the local candidate's base to the remote candidate.
    pub(super) path: Path,
    pub(super) foundation: [Foundation; 2],
    pub(super) priority: u64,
    pub(super) state: PairState,
    /// The way is not open yet: a permission or a stream is missing.
    pub(super) blocked: bool,
    /// Its place in the triggered-check queue, if it is there.
    pub(super) triggered: Option<u64>,
    /// Checks whose answer is waited for. Only the last is repeated.
    pub(super) checks: Vec<Check>,
    /// Controlling: a check with USE-CANDIDATE is to be answered. Controlled: one
    /// came, and our own check is to be answered. The number is that of the
    /// NOMINATION attribute, or what stands for it.
    pub(super) wanted: Option<u32>,
    /// It may be selected.
    nominated: Option<u32>,
    /// It was asked twice, and did not answer. It loses the data to any pair that may.
    silent: bool,
    /// Whether an authentic request came this way.
    pub(super) heard: bool,
    /// When the last check began.
    asked: Option<Instant>,
    /// It is checked as a spare, though another pair is in use.
    pub(super) is_spare: bool,
    /// `Some` exactly while we may send.
    pub(super) consent: Option<Consent>,
    /// Consent was lost while in use: RFC 7675 §5.1 forbids the same credentials there.
    pub(super) burnt: bool,
    /// Its stream or relay is gone, and nothing can be sent until the peer comes.
    pub(super) is_gone: bool,
    /// How often the peer answered with a role conflict.
    pub(super) conflicts: u8,
    pub(super) stats: PairStats,
}

/// A check whose answer is waited for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Check {
    pub(super) transaction: Transaction,
    /// The role that it claimed.
    pub(super) role: Role,
    /// With which number it said USE-CANDIDATE, if it did.
    pub(super) nominates: Option<u32>,
}

impl Check {
    pub(super) const fn new(
        id: TransactionId,
        schedule: Schedule,
        role: Role,
        nominates: Option<u32>,
    ) -> Self {
        Self {
            transaction: Transaction::new(id, schedule),
            role,
            nominates,
        }
    }

    /// Sent twice, and not answered.
    fn is_in_doubt(&self) -> bool {
        self.transaction.sends() >= 2
    }
}

impl Pair {
    pub(super) fn new(ends: [usize; 2], path: Path, foundation: [Foundation; 2]) -> Self {
        let [local, remote] = ends;
        Self {
            local,
            remote,
            path,
            foundation,
            priority: 0,
            state: PairState::Frozen,
            blocked: false,
            triggered: None,
            checks: Vec::new(),
            wanted: None,
            nominated: None,
            silent: false,
            heard: false,
            asked: None,
            is_spare: false,
            consent: None,
            burnt: false,
            is_gone: false,
            conflicts: 0,
            stats: PairStats::default(),
        }
    }

    /// RFC 8445 §6.1.2.3: which end's priority counts first depends on the role.
    pub(super) fn rank(&mut self, role: Role, local: u32, remote: u32) {
        self.priority = match role {
            Role::Controlling => pair_priority(local, remote),
            Role::Controlled => pair_priority(remote, local),
        };
    }

    /// A check was sent. One that is under way is not repeated any more, but its
    /// answer still counts (RFC 8445 §7.3.1.4).
    pub(super) fn start_check(&mut self, mut check: Check, now: Instant) {
        for older in &mut self.checks {
            older.transaction.stop_repeating(now);
        }
        if self.checks.len() >= MAX_CHECKS {
            self.checks.remove(0);
        }
        check.transaction.on_sent(now);
        tight::push(&mut self.checks, check);
        self.asked = Some(now);
        self.triggered = None;
        if self.state != PairState::Succeeded {
            self.state = PairState::InProgress;
        }
    }

    /// A check was answered as it should be.
    pub(super) fn succeed(&mut self, check: Check, role: Role) {
        self.state = PairState::Succeeded;
        self.conflicts = 0;
        self.silent = false;
        // Whatever else is under way asks what is known now, unless it nominates.
        self.checks.retain(|check| check.nominates.is_some());
        self.checks.shrink_to_fit();
        if role == Role::Controlled || check.nominates == self.wanted {
            self.nominated = self.nominated.max(self.wanted.take());
        }
        if self.wanted.is_none() {
            self.triggered = None;
        }
    }

    /// The controlling peer wants this pair (RFC 8445 §7.3.1.5). Whether that is news.
    pub(super) fn nominate(&mut self, number: u32) -> bool {
        let place = if self.is_valid() {
            &mut self.nominated
        } else {
            &mut self.wanted
        };
        let is_news = *place < Some(number);
        *place = (*place).max(Some(number));
        is_news
    }

    /// We are lite, and the peer has chosen this pair: it works for the peer, and so
    /// for us (RFC 8445 §7.3.2).
    pub(super) fn believe(&mut self, now: Instant, config: ConsentConfig) {
        self.state = PairState::Succeeded;
        self.consent
            .get_or_insert_with(|| Consent::new(config, now));
    }

    /// Another pair was chosen.
    pub(super) fn pass_over(&mut self) {
        self.wanted = None;
        self.nominated = None;
    }

    /// The number with which its next check says USE-CANDIDATE, if it does.
    pub(super) fn nominates(&self, role: Role) -> Option<u32> {
        self.wanted.filter(|_| role == Role::Controlling)
    }

    /// RFC 8445 §7.3.1.4: the peer has reached us, so we may reach it.
    ///
    /// Also while a check is under way: that one may have died at the peer's NAT
    /// before this request opened it.
    pub(super) fn wants_triggered_check(&self) -> bool {
        let works = self.state == PairState::Succeeded && !self.is_silent();
        !works && !self.burnt
    }

    /// Whether an answer with this id is waited for.
    pub(super) fn is_awaiting(&self, id: TransactionId) -> bool {
        let is_it = |check: &Check| check.transaction.id() == id;
        let consent = self.consent.as_ref();
        self.checks.iter().any(is_it) || consent.is_some_and(|consent| consent.is_awaiting(id))
    }

    /// Takes the check that an answer belongs to, and those before it: they have
    /// nothing more to tell.
    pub(super) fn take_check(&mut self, id: TransactionId) -> Option<Check> {
        let index = self
            .checks
            .iter()
            .position(|check| check.transaction.id() == id)?;
        self.checks.drain(..=index).next_back()
    }

    /// Time passed for the checks. `false` if the pair has failed by it.
    pub(super) fn on_timeout(&mut self, now: Instant) -> bool {
        let was_checking = !self.checks.is_empty();
        self.checks
            .retain_mut(|check| check.transaction.on_timeout(now));
        self.checks.shrink_to_fit();
        let is_checking = !self.checks.is_empty() || self.triggered.is_some();
        if self.is_valid() {
            // While there is consent the pair works, whatever became of a check. But
            // it is not the first choice any more, nor nominated for ever.
            self.silent |= self.due_check().is_some_and(Check::is_in_doubt);
            if was_checking && !is_checking {
                self.silent = true;
                self.wanted = None;
            }
            return true;
        }
        is_checking || !was_checking
    }

    /// The checks have shown that it does not work.
    pub(super) fn fail(&mut self) {
        self.state = PairState::Failed;
        self.triggered = None;
        self.checks = Vec::new();
        self.consent = None;
        self.pass_over();
        self.silent = false;
        // A request may be a copy that somebody sent from elsewhere. It lets data
        // in, which may overtake the answer to our own check, but not for longer
        // than that check takes.
        self.heard = false;
    }

    /// An answer came back another way than its request went: the pair has failed
    /// (RFC 8445 §7.2.5.2.1). Since a listener could have sent a copy from
    /// elsewhere, faster than the network, the true answer still counts.
    pub(super) fn suspect(&mut self, now: Instant) {
        if self.state == PairState::InProgress {
            self.state = PairState::Failed;
            for check in &mut self.checks {
                check.transaction.stop_repeating(now);
            }
        }
    }

    /// Not worth a check while a better pair works.
    pub(super) fn rest(&mut self) {
        self.triggered = None;
        self.checks.clear();
        if self.state == PairState::InProgress {
            self.state = PairState::Waiting;
        }
    }

    /// The check that is to be repeated now.
    pub(super) fn due_check(&self) -> Option<&Check> {
        self.checks
            .last()
            .filter(|check| check.transaction.is_due())
    }

    /// The check that was due was repeated.
    pub(super) fn on_repeated(&mut self, now: Instant) {
        if let Some(check) = self.checks.last_mut() {
            check.transaction.on_sent(now);
        }
    }

    /// Whether the peer is to be asked for its consent now.
    pub(super) fn is_consent_due(&self) -> bool {
        self.consent.as_ref().is_some_and(Consent::is_due)
    }

    pub(super) fn count_answer(&mut self, round_trip: Option<Duration>) {
        self.silent = false;
        self.stats.responses_received += 1;
        if let Some(round_trip) = round_trip {
            self.stats.current_round_trip = Some(round_trip);
            self.stats.total_round_trip += round_trip;
        }
    }

    /// Whether nothing is lost if it gives way to another pair.
    pub(super) fn is_idle(&self) -> bool {
        !self.is_valid() && self.checks.is_empty() && self.triggered.is_none() && !self.burnt
    }

    /// Whether it is that of the remote candidate over a stream which was opened
    /// for `asked`.
    pub(super) fn is_stream_of(&self, asked: Path, remote: usize) -> bool {
        let Path {
            local, protocol, ..
        } = self.path;
        let is_asked = asked.protocol == Protocol::Tcp && asked.local.port() == 0;
        is_asked
            && protocol == Protocol::Tcp
            && local.ip() == asked.local.ip()
            && self.remote == remote
    }

    /// Whether something may still come of it.
    pub(super) fn is_alive(&self) -> bool {
        self.state != PairState::Failed || self.is_valid() || !self.is_idle()
    }

    /// Whether nothing more is expected of it.
    pub(super) fn is_given_up(&self) -> bool {
        self.is_idle() && self.state == PairState::Failed
    }

    pub(super) fn is_valid(&self) -> bool {
        self.consent.is_some()
    }

    /// The number of its nomination, if it may be selected.
    pub(super) fn nominated(&self) -> Option<u32> {
        self.nominated.filter(|_| self.is_valid())
    }

    /// The number with which we chose it, whether the peer has heard of that or not.
    pub(super) fn chosen(&self) -> Option<u32> {
        self.wanted.max(self.nominated).filter(|_| self.is_valid())
    }

    /// Whether it may have stopped to work.
    pub(super) fn is_silent(&self) -> bool {
        self.silent || self.consent.as_ref().is_some_and(Consent::is_quiet)
    }

    /// Whether its check is worth the while though a better pair works.
    pub(super) fn is_wanted(&self) -> bool {
        self.heard || self.is_spare
    }

    /// Whether it may be asked once more if it still works: not too often.
    pub(super) fn may_be_doubted(&self, now: Instant) -> bool {
        let is_early = |asked| now.since(asked) < DOUBTS_APART;
        !self.is_asked() && !self.asked.is_some_and(is_early)
    }

    /// Whether a check is under way, or will be soon.
    pub(super) fn is_asked(&self) -> bool {
        !self.checks.is_empty() || self.triggered.is_some()
    }

    /// When the next of its timers runs out.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let checks = self
            .checks
            .iter()
            .filter_map(|check| check.transaction.deadline());
        let consent = self.consent.iter().map(Consent::deadline);
        checks.chain(consent).min()
    }
}

/// How far apart two checks of a pair in use are that the peer, by using another,
/// makes us doubt.
const DOUBTS_APART: Duration = Duration::from_millis(500);

/// A check, its triggered successor, and a nomination.
const MAX_CHECKS: usize = 3;
