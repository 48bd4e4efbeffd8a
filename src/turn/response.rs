//! What does the server say to what we asked?

use alloc::string::ToString;
use core::net::{IpAddr, SocketAddr};

use super::lease::{Keepalive, Lease, Wish};
use super::request::{Ask, Pending};
use super::{Event, State, TurnClient};
use crate::net::Protocol;
use crate::stun::{ChallengeError, Failure, is_unicast};
use crate::time::Instant;
use crate::wire::stun::{Attribute, Class, ErrorCode, Message};

impl TurnClient {
    /// Takes an answer, which may be anybody's.
    pub(super) fn on_response(&mut self, now: Instant, message: &Message<'_>) {
        let id = message.transaction_id();
        let asked = |pending: &Pending| pending.transaction.id() == id;
        let Some(index) = self.asked.iter().position(asked) else {
            self.stats.dropped.unknown_transaction += 1;
            return;
        };
        let is_fit = self
            .asked
            .get(index)
            .is_some_and(|pending| pending.ask.method() == message.method());
        let failure = Failure::of(message);
        if !is_fit || (message.class() == Class::Error && failure.is_none()) {
            self.stats.dropped.unexpected += 1;
            return;
        }
        if !self.is_believable(index, message, failure.as_ref()) {
            self.stats.dropped.unauthenticated += 1;
            return self.on_unproved(now, index, failure);
        }
        self.stats.responses_received += 1;
        let pending = self.asked.swap_remove(index);
        if message.unknown_required().next().is_some() {
            // RFC 8489 §6.3.3, §6.3.4: what has to be understood and is not spoils it.
            let failure = Failure::new(Failure::NO_ANSWER, "the answer cannot be understood");
            return self.on_refused(now, pending.ask, failure);
        }
        match failure.filter(|_| message.class() == Class::Error) {
            None => self.on_success(now, pending.ask, message),
            Some(failure) => self.on_error(now, pending, message, failure),
        }
    }

    /// RFC 8489 §9.2.5: after a proof of ours we want one of theirs, but for the
    /// challenges, whose maker may not know our key.
    fn is_believable(
        &self,
        index: usize,
        message: &Message<'_>,
        failure: Option<&Failure>,
    ) -> bool {
        let asked = self.asked.get(index);
        let is_signed = asked.is_some_and(|pending| pending.is_signed);
        let is_challenge = message.class() == Class::Error
            && failure.is_some_and(|failure| is_challenge(failure.code));
        !is_signed || is_challenge || self.account.verify(message).is_ok()
    }

    /// RFC 8489 §9.2.5: over UDP a better answer may still come; over a stream it
    /// cannot, and the transaction ends.
    fn on_unproved(&mut self, now: Instant, index: usize, failure: Option<Failure>) {
        if self.path.protocol == Protocol::Udp {
            if let Some(pending) = self.asked.get_mut(index) {
                pending.unproved = failure.or_else(|| pending.unproved.take());
            }
            return;
        }
        let pending = self.asked.swap_remove(index);
        let failure = failure.unwrap_or_else(|| {
            Failure::new(Failure::NO_ANSWER, "an answer without the server's proof")
        });
        self.on_refused(now, pending.ask, failure);
    }

    fn on_success(&mut self, now: Instant, ask: Ask, message: &Message<'_>) {
        self.trouble.overcome();
        match ask {
            Ask::Allocate => self.on_allocated(now, message),
            Ask::Refresh(0) => self.end(),
            Ask::Refresh(_) => {
                if let Some(lease) = &mut self.lease {
                    lease.extend(now, lifetime_of(message));
                }
            }
            Ask::Permit(batch) => {
                for ip in batch {
                    self.on_permitted(now, ip);
                }
            }
            Ask::Bind { slot, peer, .. } => {
                self.channels.on_bound(now, slot, peer);
                // RFC 8656 §12.2: it permits the address, too.
                self.on_permitted(now, peer.ip());
            }
        }
    }

    fn on_allocated(&mut self, now: Instant, message: &Message<'_>) {
        let (mut relayed, mut mapped) = (None, None);
        for attribute in message.attributes() {
            match attribute {
                Attribute::XorRelayedAddress(address) => relayed = relayed.or(Some(address)),
                Attribute::XorMappedAddress(address) => mapped = mapped.or(Some(address)),
                _ => {}
            }
        }
        let fits = |address: &SocketAddr| address.is_ipv6() == self.config.ipv6;
        let relayed = relayed.filter(|at| is_unicast(*at)).filter(fits);
        let mapped = mapped.filter(|at| is_unicast(*at));
        let Some((relayed, mapped)) = relayed.zip(mapped) else {
            let reason = "the server lends an address that cannot be used";
            return self.fail(Failure::new(Failure::NO_ANSWER, reason));
        };
        // A stream has keepalives of its own, and no NAT forgets it so soon.
        let is_udp = self.path.protocol == Protocol::Udp;
        let keepalive = Keepalive::new(now, self.config.keepalive.filter(|_| is_udp));
        let mut lease = Lease::new(relayed, mapped, keepalive);
        lease.extend(now, lifetime_of(message));
        self.lease = Some(lease);
        self.state = State::Allocated;
        self.tell(Event::Allocated { relayed, mapped });
    }

    fn on_permitted(&mut self, now: Instant, ip: IpAddr) {
        if self.permissions.on_granted(now, ip) {
            self.tell(Event::Permitted(ip));
        }
    }

    /// Errors after which the same is asked again, or of another server.
    fn on_error(
        &mut self,
        now: Instant,
        pending: Pending,
        message: &Message<'_>,
        failure: Failure,
    ) {
        match failure.code {
            ErrorCode::UNAUTHENTICATED if !pending.is_signed => {
                match self.account.on_challenge(message) {
                    Ok(()) => self.ask_again(pending.ask),
                    Err(why) => self.on_refused(now, pending.ask, because(&failure, why)),
                }
            }
            ErrorCode::STALE_NONCE if pending.is_signed => {
                self.on_stale_nonce(now, pending, message, failure);
            }
            ErrorCode::TRY_ALTERNATE if pending.ask == Ask::Allocate => {
                self.on_redirected(message, failure);
            }
            // RFC 8489 §6.3.4: the server may recover.
            code if code / 100 == 5 && code != ErrorCode::INSUFFICIENT_CAPACITY => {
                if self.trouble.stumble(now, pending.round, false) {
                    self.ask_again(pending.ask);
                } else {
                    self.on_refused(now, pending.ask, failure);
                }
            }
            _ => self.on_refused(now, pending.ask, failure),
        }
    }

    fn on_stale_nonce(
        &mut self,
        now: Instant,
        pending: Pending,
        message: &Message<'_>,
        failure: Failure,
    ) {
        if pending.round == self.trouble.round {
            self.stats.stale_nonces += 1;
            if let Err(why) = self.account.on_challenge(message) {
                return self.on_refused(now, pending.ask, because(&failure, why));
            }
        }
        // The first stale nonce is the course of things; more of them are a storm.
        if self.trouble.stumble(now, pending.round, true) {
            self.ask_again(pending.ask);
        } else {
            self.on_refused(now, pending.ask, failure);
        }
    }

    /// RFC 8489 §10. A realm that is known already must be that of the next server.
    fn on_redirected(&mut self, message: &Message<'_>, failure: Failure) {
        let Some(alternate) = self.redirects.next(message) else {
            return self.fail(failure);
        };
        self.account.forget_session();
        self.trouble.overcome();
        self.state = State::Redirected;
        self.tell(Event::Redirected {
            server: alternate.server,
            domain: alternate.domain,
        });
    }

    pub(super) fn ask_again(&mut self, ask: Ask) {
        match ask {
            // The state says what is missing.
            Ask::Allocate | Ask::Refresh(0) => {}
            Ask::Refresh(_) => {
                if let Some(lease) = &mut self.lease {
                    lease.wish = Wish::Refresh;
                }
            }
            Ask::Permit(batch) => self.permissions.ask_again(&batch, false),
            Ask::Bind { slot, peer, .. } => self.channels.ask_again(slot, peer),
        }
    }

    /// What was asked for is not to be had.
    pub(super) fn on_refused(&mut self, now: Instant, ask: Ask, failure: Failure) {
        match ask {
            Ask::Refresh(0) => self.end(),
            // RFC 8656 §8: there is time until the end to try again.
            Ask::Refresh(_) if failure.code == Failure::NO_ANSWER => {
                self.trouble.rest(now);
                self.ask_again(ask);
            }
            Ask::Allocate | Ask::Refresh(_) => self.fail(failure),
            // The allocation itself is gone, or another's.
            _ if is_loss(failure.code) => self.fail(failure),
            Ask::Permit(batch) => self.on_not_permitted(&batch, failure.code),
            Ask::Bind { slot, peer, .. } => self.on_not_bound(now, slot, peer, failure.code),
        }
    }

    /// RFC 8656 §10.2: one that is refused takes the others with it. Each gets a
    /// request of its own then.
    fn on_not_permitted(&mut self, batch: &[IpAddr], code: u16) {
        if batch.len() > 1 && code != Failure::NO_ANSWER {
            return self.permissions.ask_again(batch, true);
        }
        for ip in batch {
            self.refuse(*ip, code);
        }
    }

    fn on_not_bound(&mut self, now: Instant, slot: usize, peer: SocketAddr, code: u16) {
        if code == Failure::NO_ANSWER {
            self.channels.on_no_answer(now, slot, peer);
        } else {
            self.channels.on_refused(slot, peer);
        }
        match code {
            ErrorCode::FORBIDDEN | ErrorCode::PEER_ADDRESS_FAMILY_MISMATCH | Failure::NO_ANSWER => {
                self.refuse(peer.ip(), code);
            }
            // RFC 8656 §12.3: out of step, or out of numbers; data can do without.
            _ if self.permissions.contains(peer.ip()) => self.permissions.add(peer.ip(), true),
            _ => {}
        }
    }

    fn refuse(&mut self, peer: IpAddr, code: u16) {
        if self.permissions.remove(peer) {
            self.tell(Event::Refused { peer, code });
        }
    }
}

/// Codes that come with a realm and a nonce.
const fn is_challenge(code: u16) -> bool {
    matches!(code, ErrorCode::UNAUTHENTICATED | ErrorCode::STALE_NONCE)
}

/// Our account of a challenge that cannot be met.
fn because(failure: &Failure, why: ChallengeError) -> Failure {
    Failure {
        code: failure.code,
        reason: why.to_string(),
    }
}

/// Codes that speak of the allocation, not of what was asked (RFC 8656 §5).
const fn is_loss(code: u16) -> bool {
    matches!(
        code,
        ErrorCode::ALLOCATION_MISMATCH | ErrorCode::WRONG_CREDENTIALS | ErrorCode::UNAUTHENTICATED
    )
}

/// For how many seconds the address is lent.
fn lifetime_of(message: &Message<'_>) -> u32 {
    let lifetime = message.attributes().find_map(|attribute| match attribute {
        Attribute::Lifetime(seconds) => Some(seconds),
        _ => None,
    });
    lifetime.unwrap_or(DEFAULT_LIFETIME)
}

/// RFC 8656 §3.2.
const DEFAULT_LIFETIME: u32 = 600;
