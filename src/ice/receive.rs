//! What do the peer's checks and answers mean (RFC 8445 §7.2.5, §7.3)?

use core::net::SocketAddr;

use arrayvec::ArrayVec;

use super::candidate;
use super::consent::Consent;
use super::generation::{Generation, Progress};
use super::pair::{Check, Pair};
use super::send::{MAX_UNKNOWN, Reply, Verdict};
use super::{Event, FailReason, IceAgent, IceState, Role};
use crate::cursor::Reader;
use crate::net::{CandidateKind, Path};
use crate::tight;
use crate::time::Instant;
use crate::wire::stun::{Attribute, Class, ErrorCode, Message, Method};

/// What a request says.
#[derive(Default)]
struct Request<'a> {
    username: Option<&'a str>,
    priority: Option<u32>,
    use_candidate: bool,
    nomination: Option<u32>,
    role: Option<(Role, u64)>,
}

impl<'a> Request<'a> {
    fn of(message: &Message<'a>) -> Self {
        let mut request = Self::default();
        for attribute in message.attributes() {
            // RFC 8489 §14: of repeated attributes the first counts.
            let Self {
                username,
                priority,
                nomination,
                role,
                ..
            } = &mut request;
            match attribute {
                Attribute::Username(name) => _ = username.get_or_insert(name),
                Attribute::Priority(number) => _ = priority.get_or_insert(number),
                Attribute::Nomination(number) => _ = nomination.get_or_insert(number),
                Attribute::IceControlling(tie) => _ = role.get_or_insert((Role::Controlling, tie)),
                Attribute::IceControlled(tie) => _ = role.get_or_insert((Role::Controlled, tie)),
                Attribute::UseCandidate => request.use_candidate = true,
                _ => {}
            }
        }
        request
    }
}

impl IceAgent {
    pub(super) fn on_stun(&mut self, now: Instant, path: Path, datagram: &[u8]) {
        let mut r = Reader::new(datagram);
        let message = match Message::parse(&mut r) {
            Ok(message) if r.is_empty() => message,
            _ => {
                self.stats.dropped.malformed += 1;
                return;
            }
        };
        match message.class() {
            Class::Request if message.method() == Method::BINDING => {
                self.on_request(now, path, &message);
            }
            Class::Success | Class::Error if message.method() == Method::BINDING => {
                self.on_response(now, path, &message);
            }
            // An indication keeps a NAT's binding alive and says nothing.
            Class::Indication if message.method() == Method::BINDING => {}
            _ => self.stats.dropped.unexpected += 1,
        }
    }

    /// RFC 8445 §7.3: only an authentic request has any effect, or gets an answer.
    fn on_request(&mut self, now: Instant, path: Path, message: &Message<'_>) {
        let dropped = &mut self.stats.dropped;
        if !message.has_fingerprint() {
            dropped.no_fingerprint += 1;
            return;
        }
        let request = Request::of(message);
        let is_meant = |generation: &Generation| {
            let is_it = |name| generation.is_meant(name);
            request.username.is_some_and(is_it) && generation.local.key.verify(message).is_ok()
        };
        let Some(number) = self.generation_that(is_meant) else {
            self.stats.dropped.unauthenticated += 1;
            return;
        };
        self.in_generation(number, |agent| {
            agent.on_authentic_request(now, path, message, &request);
        });
        self.conclude(now);
    }

    fn on_authentic_request(
        &mut self,
        now: Instant,
        path: Path,
        message: &Message<'_>,
        request: &Request<'_>,
    ) {
        if self.generation.progress.state == IceState::Failed {
            self.stats.dropped.failed += 1;
            return;
        }
        if self
            .base_of(path)
            .is_none_or(|index| !self.is_usable(index, path))
        {
            self.stats.dropped.unknown_local += 1;
            return;
        }
        let id = message.transaction_id();
        let is_waiting = |reply: &Reply| reply.id == id && reply.path == path;
        let is_full = self.replies.len() >= self.config.max_replies;
        if is_full || self.replies.iter().any(is_waiting) {
            self.stats.dropped.replies_full += 1;
            return;
        }
        self.stats.requests_received += 1;
        self.prove_stream(path);
        if let Some(verdict) = self.judge(now, path, message, request) {
            if self.replies.is_empty() {
                // It is answered at once: no room for four.
                self.replies.reserve_exact(1);
            }
            self.replies.push_back(Reply {
                generation: self.generation.number,
                path,
                id,
                verdict,
            });
        }
    }
}

/// What a request changes.
impl IceAgent {
    /// The answer to an authentic request, after its effects; `None` for silence.
    fn judge(
        &mut self,
        now: Instant,
        path: Path,
        message: &Message<'_>,
        request: &Request<'_>,
    ) -> Option<Verdict> {
        let unknown: ArrayVec<u8, MAX_UNKNOWN> = message
            .unknown_required()
            .take(MAX_UNKNOWN / 2)
            .flat_map(u16::to_be_bytes)
            .collect();
        if !unknown.is_empty() {
            return Some(Verdict::UnknownAttributes(unknown));
        }
        // RFC 8445 §7.1.1: a check says which priority its candidate would have.
        let Some(priority) = request.priority.filter(|p| (1..1 << 31).contains(p)) else {
            self.stats.dropped.malformed += 1;
            return Some(Verdict::BadRequest);
        };
        if !self.generation.is_alive() {
            // The peer has not heard yet that the restart is done. What it says with
            // the old credentials has no effect any more.
            return Some(Verdict::Success);
        }
        if self.keeps_role_against(request.role) {
            return Some(Verdict::RoleConflict);
        }
        let remote = self.remote_of_check(path, priority)?;
        let local = self.base_of(path)?;
        if let Some(index) = self.pair(local, remote) {
            if self.generation.checks.pairs[index].burnt {
                // RFC 7675 §5.1: no answer either, or the peer might choose a way
                // that we can never take again.
                self.stats.dropped.consent_lost += 1;
                return None;
            }
            self.on_check(now, index, request);
        }
        Some(Verdict::Success)
    }

    /// RFC 8445 §7.3.1.1: of two agents with the same role, the greater tie-breaker
    /// gets controlling. Answers whether the peer has to give way; if we have to,
    /// we have.
    fn keeps_role_against(&mut self, claim: Option<(Role, u64)>) -> bool {
        let Some((role, theirs)) = claim.filter(|(role, _)| *role == self.role) else {
            return false;
        };
        if self.config.lite {
            // RFC 8445 §6.1.1: with a lite agent the full one controls.
            return true;
        }
        let we_control = self.tie_breaker >= theirs;
        let we_keep = we_control == (role == Role::Controlling);
        if !we_keep {
            self.switch_role();
        }
        we_keep
    }

    fn switch_role(&mut self) {
        self.change_role(self.role.opposite());
        self.stats.role_switches += 1;
        self.events.push(Event::Role(self.role));
    }

    /// The remote candidate that a check came from; a new one if nobody was
    /// expected there (RFC 8445 §7.3.1.3).
    fn remote_of_check(&mut self, path: Path, priority: u32) -> Option<usize> {
        if let Some(index) = self.remote_at_path(path) {
            return Some(index);
        }
        let is_learned = |remote: &&candidate::RemoteCandidate| {
            remote.candidate.kind == CandidateKind::PeerReflexive
        };
        let learned = self.generation.remotes.iter().filter(is_learned).count();
        let is_early =
            self.generation.remote.is_none() && learned >= self.config.max_early_candidates;
        let is_full = self.generation.remotes.len() >= self.config.max_remote_candidates;
        if is_early || (is_full && !self.generation.make_room()) {
            self.stats.dropped.candidates_full += 1;
            return None;
        }
        let learned = candidate::learned(path, priority, self.generation.learned);
        self.generation.learned += 1;
        tight::push(&mut self.generation.remotes, learned);
        Some(self.generation.remotes.len() - 1)
    }

    /// RFC 8445 §7.3.1.4, §7.3.1.5: a check of the peer on a pair of ours.
    fn on_check(&mut self, now: Instant, index: usize, request: &Request<'_>) {
        let role = self.role;
        let Some(pair) = self.generation.checks.pairs.get_mut(index) else {
            return;
        };
        let mut is_news = !pair.heard;
        pair.heard = true;
        pair.is_gone = false;
        pair.stats.requests_received += 1;
        if self.config.lite && request.use_candidate {
            pair.believe(now, self.config.consent);
        }
        // RFC 8445 §7.3.1.5: only the controlling end nominates.
        if request.use_candidate && role == Role::Controlled {
            is_news |= pair.nominate(request.nomination.unwrap_or(PLAIN_NOMINATION));
        }
        let wants_check = pair.wants_triggered_check();
        match &mut pair.consent {
            Some(consent) if self.config.lite => consent.refresh(now),
            Some(consent) => consent.on_request(now),
            None => {}
        }
        // Before the peer's password is known nothing can be sent; the check waits.
        if wants_check {
            self.generation.checks.trigger(index);
        }
        if self.generation.progress.current != Some(index) {
            self.doubt_current(now, is_news);
        }
    }

    /// The peer uses another pair than the one that we send on. It may have moved
    /// there, so we ask on ours, unless we just did. An answer keeps us there. Answers
    /// whether there is something to send by it.
    pub(super) fn doubt_current(&mut self, now: Instant, is_news: bool) -> bool {
        let Progress {
            current, selected, ..
        } = self.generation.progress;
        // Before a pair is nominated, all are checked anyway.
        let Some(index) = current.filter(|_| selected.is_some()) else {
            return false;
        };
        let pair = &self.generation.checks.pairs[index];
        let is_doubted = pair.may_be_doubted(now) || (is_news && !pair.is_asked());
        if is_doubted {
            self.generation.checks.trigger(index);
        }
        is_doubted
    }
}

/// What an answer changes.
impl IceAgent {
    /// RFC 8445 §7.2.5: an answer counts if it belongs to a request of ours, came
    /// back the way that the request went, and knows the peer's password.
    fn on_response(&mut self, now: Instant, path: Path, message: &Message<'_>) {
        let id = message.transaction_id();
        let awaits = |pair: &Pair| pair.is_awaiting(id);
        let is_asker = |generation: &Generation| generation.checks.pairs.iter().any(awaits);
        let Some(number) = self.generation_that(is_asker) else {
            self.stats.dropped.unknown_transaction += 1;
            return;
        };
        self.in_generation(number, |agent| agent.on_answer(now, path, message));
        self.conclude(now);
    }

    fn on_answer(&mut self, now: Instant, path: Path, message: &Message<'_>) {
        let id = message.transaction_id();
        let awaits = |pair: &Pair| pair.is_awaiting(id);
        let (Some(remote), Some(index)) = (
            &self.generation.remote,
            self.generation.checks.pairs.iter().position(awaits),
        ) else {
            self.stats.dropped.unknown_transaction += 1;
            return;
        };
        if remote.key.verify(message).is_err() {
            self.stats.dropped.unauthenticated += 1;
            return;
        }
        let pair = &mut self.generation.checks.pairs[index];
        if pair.path != path {
            self.stats.dropped.asymmetric += 1;
            pair.suspect(now);
        } else if let Some(check) = pair.take_check(id) {
            self.on_check_answered(now, index, check, message);
        } else {
            self.on_consent_answered(now, index, message);
        }
    }

    fn on_check_answered(
        &mut self,
        now: Instant,
        index: usize,
        check: Check,
        message: &Message<'_>,
    ) {
        let round_trip = check.transaction.round_trip(now);
        self.stats.responses_received += 1;
        self.generation.checks.pairs[index].count_answer(round_trip);
        let is_understood = message.unknown_required().next().is_none();
        match (message.class(), mapped_address(message)) {
            (Class::Success, Some(mapped)) if is_understood => {
                self.on_success(now, index, check, mapped);
            }
            (Class::Error, _) if error_code(message) == Some(ErrorCode::ROLE_CONFLICT) => {
                self.on_role_conflict(index, check);
            }
            _ => self.generation.checks.pairs[index].fail(),
        }
    }

    /// RFC 8445 §7.2.5.3: the pair works.
    fn on_success(&mut self, now: Instant, index: usize, check: Check, mapped: SocketAddr) {
        let base = self.generation.checks.pairs[index].local;
        let local = self.learn_local(base, mapped);
        let config = self.config.consent;
        let role = self.role;
        let pair = &mut self.generation.checks.pairs[index];
        pair.local = local;
        match &mut pair.consent {
            Some(consent) => consent.refresh(now),
            None => pair.consent = Some(Consent::new(config, now)),
        }
        pair.succeed(check, role);
        let foundation = pair.foundation;
        let is_chosen =
            role == Role::Controlling && check.nominates.is_some() && pair.wanted.is_none();
        self.generation.checks.unfreeze(foundation);
        if is_chosen {
            self.generation.checks.pass_over_all_but(index);
        }
    }

    /// RFC 8445 §7.2.5.1: we give way, and the check is made again.
    fn on_role_conflict(&mut self, index: usize, check: Check) {
        // If we have given way since the check was sent, that is enough.
        if check.role == self.role {
            self.switch_role();
            self.tie_breaker = self.rng.u64();
        }
        let pair = &mut self.generation.checks.pairs[index];
        pair.conflicts += 1;
        if pair.conflicts < MAX_CONFLICTS {
            self.generation.checks.trigger(index);
        } else {
            pair.fail();
        }
    }

    /// RFC 7675 §5.1, §5.2.
    fn on_consent_answered(&mut self, now: Instant, index: usize, message: &Message<'_>) {
        let pair = &mut self.generation.checks.pairs[index];
        let Some(consent) = &mut pair.consent else {
            return;
        };
        let id = message.transaction_id();
        if message.class() == Class::Success {
            let round_trip = consent.on_answer(now, id);
            pair.count_answer(round_trip);
            self.stats.responses_received += 1;
            return;
        }
        match error_code(message) {
            Some(ErrorCode::FORBIDDEN) => self.revoke(index, FailReason::ConsentRevoked),
            // The roles have come to differ: a check finds out who gives way.
            Some(ErrorCode::ROLE_CONFLICT) => self.generation.checks.trigger(index),
            _ => {}
        }
    }
}

fn mapped_address(message: &Message<'_>) -> Option<SocketAddr> {
    message.attributes().find_map(|attribute| match attribute {
        Attribute::XorMappedAddress(address) => Some(address),
        _ => None,
    })
}

fn error_code(message: &Message<'_>) -> Option<u16> {
    message.attributes().find_map(|attribute| match attribute {
        Attribute::ErrorCode(error) => Some(error.code()),
        _ => None,
    })
}

/// What USE-CANDIDATE without a NOMINATION means, as in libwebrtc.
const PLAIN_NOMINATION: u32 = 1;

/// A peer that refuses our role whichever it is gets no more checks on that pair.
const MAX_CONFLICTS: u8 = 8;
