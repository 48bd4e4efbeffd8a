//! What does the agent send now? Rendered when it is asked for, never before.

use arrayvec::ArrayVec;

use super::candidate::reflexive_priority;
use super::gatherer::carry;
use super::generation::Generation;
use super::pair::{Check, Pair};
use super::state::Patience;
use super::{IceAgent, IceState, Role};
use crate::cursor::Writer;
use crate::net::Path;
use crate::time::Instant;
use crate::timer::earliest;
use crate::wire::stun::{
    Attribute, Builder, Class, ErrorCode, Method, TransactionId, UnknownAttributes,
};

/// An answer that waits to be sent.
#[derive(Clone, Debug)]
pub(super) struct Reply {
    /// The generation whose password keys it.
    pub(super) generation: u32,
    pub(super) path: Path,
    pub(super) id: TransactionId,
    pub(super) verdict: Verdict,
}

/// What does the answer say?
#[derive(Clone, Debug)]
pub(super) enum Verdict {
    /// Where the request came from.
    Success,
    /// We keep our role (RFC 8445 §7.3.1.1).
    RoleConflict,
    /// These attributes were not understood (RFC 8489 §6.3.1).
    UnknownAttributes(ArrayVec<u8, MAX_UNKNOWN>),
    /// A statement is missing (RFC 8489 §6.3.1).
    BadRequest,
}

impl Verdict {
    fn emit(&self, path: Path, message: &mut Builder<'_, '_>) {
        match self {
            Self::Success => {
                message.attribute(&Attribute::XorMappedAddress(path.remote));
            }
            Self::RoleConflict => error(message, ErrorCode::ROLE_CONFLICT, "Role Conflict"),
            Self::BadRequest => error(message, ErrorCode::BAD_REQUEST, "Bad Request"),
            Self::UnknownAttributes(kinds) => {
                error(message, ErrorCode::UNKNOWN_ATTRIBUTE, "Unknown Attribute");
                if let Ok(kinds) = UnknownAttributes::parse(kinds) {
                    message.attribute(&Attribute::UnknownAttributes(kinds));
                }
            }
        }
    }
}

/// What there is to do, and when: the answer to every poll without a look at the pairs.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Agenda {
    /// A check is to be repeated.
    repeat: bool,
    /// A new transaction may begin, as soon as the pacing lets it.
    begin: bool,
    /// A poll has found out whether the pacing lets it. Before that it is ready work,
    /// not a timer: a command does not know which moment it is.
    is_seen: bool,
    /// When the next new transaction may begin.
    pacing: Option<Instant>,
    /// When the next timer of anything else runs out.
    timers: Option<Instant>,
}

impl Agenda {
    /// What there is to do for a generation.
    fn add(&mut self, generation: &Generation, role: Role) {
        let Generation {
            checks, progress, ..
        } = generation;
        if !generation.is_alive() {
            self.timers = earliest(self.timers, generation.retires);
            return;
        }
        if progress.state == IceState::Failed {
            return;
        }
        let pairs = &checks.pairs;
        let has_new = checks.next().is_some() || pairs.iter().any(Pair::is_consent_due);
        self.begin |= has_new && generation.remote.is_some();
        self.repeat |= pairs.iter().any(|pair| pair.due_check().is_some());
        let is_settling = role == Role::Controlling && checks.chosen().is_none();
        let settled = progress.settled.filter(|_| is_settling);
        let is_patient = progress.current.is_none();
        let patience = progress.patience.deadline().filter(|_| is_patient);
        let timers = earliest(earliest(settled, patience), checks.deadline());
        self.timers = earliest(self.timers, timers);
    }

    pub(super) fn on_timeout(&mut self, now: Instant) {
        self.is_seen = true;
        self.pacing = self.pacing.filter(|pacing| *pacing > now);
    }

    /// Whether a new transaction has to wait.
    pub(super) fn is_paced(&self, now: Instant) -> bool {
        self.pacing.is_some_and(|pacing| pacing > now)
    }

    /// A transaction has begun: the next one may do so at `next`.
    pub(super) fn pace(&mut self, next: Instant) {
        self.pacing = Some(next);
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        let pacing = self.pacing.filter(|_| self.begin && self.is_seen);
        earliest(pacing, self.timers)
    }
}

/// Why a new transaction?
#[derive(Clone, Copy)]
enum Purpose {
    Check,
    Consent,
}

impl IceAgent {
    /// Writes the next answer or check, and says where it goes.
    #[inline]
    pub fn poll_transmit(&mut self, now: Instant, out: &mut Writer<'_>) -> Option<Path> {
        let is_idle = self.replies.is_empty() && !self.agenda.repeat && !self.agenda.begin;
        let is_idle = is_idle && self.gatherer.is_none();
        // Asked for each packet that anybody sends.
        if is_idle && self.generation.progress.patience != Patience::Wanted {
            return None;
        }
        self.transmit_next(now, out)
    }

    fn transmit_next(&mut self, now: Instant, out: &mut Writer<'_>) -> Option<Path> {
        let now = self.told(now);
        self.begin_patience(now);
        self.send_reply(out)
            .or_else(|| self.in_any_generation(|agent| agent.repeat_check(now, out)))
            .or_else(|| self.poll_servers(now, out))
            .or_else(|| self.poll_names(now, out))
            .or_else(|| self.in_any_generation(|agent| agent.begin_transaction(now, out)))
    }

    /// Looks at everything, so that polls do not have to. After each change.
    pub(super) fn refresh(&mut self) {
        let mut agenda = Agenda::default();
        if !self.is_silent() {
            agenda.pacing = self.agenda.pacing;
            agenda.is_seen = self.agenda.is_seen;
            for generation in self.older.iter().chain([&self.generation]) {
                agenda.add(generation, self.role);
            }
        }
        if let Some(gatherer) = &self.gatherer {
            agenda.begin |= gatherer.wants_to_begin();
            agenda.timers = earliest(agenda.timers, gatherer.deadline());
            let names = gatherer.names.deadline().filter(|_| !self.is_silent());
            agenda.timers = earliest(agenda.timers, names);
        }
        if agenda.begin && !self.agenda.begin {
            agenda.is_seen = false;
        }
        self.agenda = agenda;
    }

    /// Writes the answer that waits first, of those that can still be sent.
    fn send_reply(&mut self, out: &mut Writer<'_>) -> Option<Path> {
        while let Some(reply) = self.replies.front() {
            let mut generations = self.older.iter_mut().chain([&mut self.generation]);
            let is_its = |generation: &&mut Generation| generation.number == reply.generation;
            // It may have retired since.
            let Some(generation) = generations.find(is_its) else {
                self.replies.pop_front();
                continue;
            };
            let class = match reply.verdict {
                Verdict::Success => Class::Success,
                _ => Class::Error,
            };
            let path = reply.path;
            let way = carry(&mut self.gatherer, path, out, |out| {
                let mut message = Builder::new(out, class, Method::BINDING, reply.id);
                reply.verdict.emit(path, &mut message);
                // RFC 8445 §7.3: the answer is keyed as the request was, with our password.
                generation.local.key.sign(&mut message);
                message.fingerprint();
                true
            });
            if way.is_none() && out.remaining() < MAX_ANSWER {
                return None;
            }
            self.replies.pop_front();
            // Without a way the relay lets nothing pass to there any more.
            if way.is_some() {
                self.stats.responses_sent += 1;
                if let Some(index) = generation.checks.find(path) {
                    generation.checks.pairs[index].stats.responses_sent += 1;
                }
                return way;
            }
        }
        None
    }

    fn repeat_check(&mut self, now: Instant, out: &mut Writer<'_>) -> Option<Path> {
        if !self.agenda.repeat {
            return None;
        }
        let is_due = |pair: &Pair| pair.due_check().is_some();
        let index = self.generation.checks.pairs.iter().position(is_due)?;
        let check = *self.generation.checks.pairs[index].due_check()?;
        let way = self.write_request(index, check, out)?;
        self.generation.checks.pairs[index].on_repeated(now);
        self.stats.requests_repeated += 1;
        self.refresh();
        Some(way)
    }

    /// At most one new transaction each Ta, whatever it is for (RFC 8445 §14.2).
    fn begin_transaction(&mut self, now: Instant, out: &mut Writer<'_>) -> Option<Path> {
        if !self.agenda.begin || self.agenda.is_paced(now) {
            return None;
        }
        let (index, purpose) = self.next_transaction()?;
        let id = TransactionId(self.rng.array());
        let nominates = match purpose {
            Purpose::Check => self.generation.checks.pairs[index].nominates(self.role),
            Purpose::Consent => None,
        };
        let mut schedule = self.config.schedule;
        if self.generation.checks.pairs[index].is_valid() {
            // The pair works, so that its answer is late soon. If it does not come,
            // another pair is better than more patience with this one.
            schedule.requests = schedule.requests.min(MAX_REPEATS);
            schedule.last_wait = schedule.last_wait.min(MAX_REPEATS);
        }
        let rto = self.generation.checks.rto(schedule.rto, self.config.pacing);
        let protocol = self.generation.checks.pairs[index].path.protocol;
        let schedule = schedule.with_rto(rto).over(protocol);
        let check = Check::new(id, schedule, self.role, nominates);
        let way = self.write_request(index, check, out)?;
        let pair = &mut self.generation.checks.pairs[index];
        self.stats.requests_sent += 1;
        match (purpose, &mut pair.consent) {
            (Purpose::Consent, Some(consent)) => {
                consent.on_sent(now, id, &mut self.rng);
                pair.stats.consent_requests_sent += 1;
                self.stats.consent_requests_sent += 1;
            }
            _ => {
                pair.start_check(check, now);
                pair.stats.requests_sent += 1;
            }
        }
        self.agenda.pacing = Some(now + self.config.pacing);
        self.refresh();
        Some(way)
    }

    fn next_transaction(&self) -> Option<(usize, Purpose)> {
        let consent = self
            .generation
            .checks
            .pairs
            .iter()
            .position(Pair::is_consent_due);
        let check = || Some((self.generation.checks.next()?, Purpose::Check));
        consent
            .map(|index| (index, Purpose::Consent))
            .or_else(check)
    }

    /// Writes a check, and says which way it leaves.
    fn write_request(&mut self, index: usize, check: Check, out: &mut Writer<'_>) -> Option<Path> {
        let remote = self.generation.remote.as_ref()?;
        let pair = self.generation.checks.pairs.get(index)?;
        let local = self.locals.get(pair.local)?;
        let priority = reflexive_priority(&local.candidate);
        let id = check.transaction.id();
        carry(&mut self.gatherer, pair.path, out, |out| {
            let mut message = Builder::new(out, Class::Request, Method::BINDING, id);
            message
                .attribute(&Attribute::Username(&remote.username))
                .attribute(&Attribute::Priority(priority))
                .attribute(&match check.role {
                    Role::Controlling => Attribute::IceControlling(self.tie_breaker),
                    Role::Controlled => Attribute::IceControlled(self.tie_breaker),
                });
            if let Some(number) = check.nominates {
                message.attribute(&Attribute::UseCandidate);
                // A change of mind says that it is one. Who does not know the
                // attribute may skip it.
                if number > 1 || self.renomination {
                    message.attribute(&Attribute::Nomination(number));
                }
            }
            remote.key.sign(&mut message);
            message.fingerprint();
            true
        })
    }
}

fn error(message: &mut Builder<'_, '_>, code: u16, reason: &str) {
    if let Some(error) = ErrorCode::new(code, reason) {
        message.attribute(&Attribute::ErrorCode(error));
    }
}

/// No answer is longer, wrapped for a relay and all.
const MAX_ANSWER: usize = 256;

/// How often a check of a pair that works is sent.
const MAX_REPEATS: u32 = 4;

/// How many bytes of unknown kinds an error lists: eight of them.
pub(super) const MAX_UNKNOWN: usize = 16;
