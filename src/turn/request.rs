//! What do we ask of the server, and when again?

use alloc::vec::Vec;
use core::net::{IpAddr, SocketAddr};
use core::time::Duration;

use super::client::ANY_PORT;
use super::lease::Wish;
use super::permissions::attribute_len;
use super::{State, TurnClient};
use crate::cursor::Writer;
use crate::stun::{Failure, Transaction};
use crate::time::Instant;
use crate::wire::stun::{
    AddressFamily, Attribute, Builder, Class, HEADER_LEN, Method, TransactionId,
};
use crate::wire::turn::ChannelNumber;

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Ask {
    /// An address.
    Allocate,
    /// To keep it for so many seconds; none to take it back.
    Refresh(u32),
    /// To let these reach us.
    Permit(Vec<IpAddr>),
    /// To call a peer by a number.
    Bind {
        slot: usize,
        peer: SocketAddr,
        number: ChannelNumber,
    },
}

/// A request that waits for its answer.
#[derive(Debug)]
pub(super) struct Pending {
    pub(super) ask: Ask,
    pub(super) transaction: Transaction,
    /// Whether it carries the proof of our account.
    pub(super) is_signed: bool,
    /// In which round of [`Trouble`] it was first sent.
    pub(super) round: u32,
    /// A refusal that nobody vouches for: the reason, if nothing better comes.
    pub(super) unproved: Option<Failure>,
}

/// What goes wrong again and again, and the patience that it needs.
#[derive(Debug)]
pub(super) struct Trouble {
    /// After how many stumbles in a row it is given up.
    max: u32,
    /// How often in a row requests had to be asked again.
    stumbles: u32,
    /// Counts the stumbles of all time: what was sent before the last of them
    /// tells nothing new.
    pub(super) round: u32,
    /// Until when nothing is asked.
    pause: Option<Instant>,
}

impl TurnClient {
    /// Writes the next message for the server, if there is one.
    pub fn poll_transmit(&mut self, now: Instant, out: &mut Writer<'_>) -> bool {
        let now = self.told(now);
        let due = |pending: &Pending| pending.transaction.is_due();
        let sent = match self.asked.iter().position(due) {
            Some(index) => self.repeat(now, index, out),
            None => self.ask(now, out) || self.keep_alive(out),
        };
        if sent {
            self.on_sent();
        }
        sent
    }

    /// Sends the next new request.
    fn ask(&mut self, now: Instant, out: &mut Writer<'_>) -> bool {
        if self.trouble.pause.is_some() || self.asked.len() >= self.config.max_requests {
            return false;
        }
        let Some(ask) = self.next_ask(out.remaining()) else {
            return false;
        };
        let schedule = self.config.schedule.over(self.path.protocol);
        let id = TransactionId(self.rng.array());
        if !self.write(&ask, id, out) {
            self.ask_again(ask);
            return false;
        }
        let mut transaction = Transaction::new(id, schedule);
        transaction.on_sent(now);
        self.on_asked(now, &ask);
        self.stats.requests_sent += 1;
        self.asked.push(Pending {
            ask,
            transaction,
            is_signed: self.account.is_challenged(),
            round: self.trouble.round,
            unproved: None,
        });
        true
    }

    /// Sends a request again, under its old number but with the proof of today: a
    /// nonce may have come since.
    fn repeat(&mut self, now: Instant, index: usize, out: &mut Writer<'_>) -> bool {
        let Some(pending) = self.asked.get(index) else {
            return false;
        };
        if !self.write(&pending.ask, pending.transaction.id(), out) {
            return false;
        }
        if let Some(pending) = self.asked.get_mut(index) {
            pending.transaction.on_sent(now);
        }
        self.stats.requests_repeated += 1;
        true
    }

    /// A Binding indication, which means nothing but that we are there (RFC 8489 §6).
    fn keep_alive(&mut self, out: &mut Writer<'_>) -> bool {
        let is_due = self
            .lease
            .as_ref()
            .is_some_and(|lease| lease.keepalive.is_due);
        if !is_due || out.remaining() < KEEPALIVE_LEN {
            return false;
        }
        let id = TransactionId(self.rng.array());
        Builder::new(out, Class::Indication, Method::BINDING, id).fingerprint();
        true
    }

    /// The NATs on the way have heard of us.
    pub(super) fn on_sent(&mut self) {
        if let Some(lease) = &mut self.lease {
            lease.keepalive.on_sent();
        }
    }

    /// What to ask next. Nothing is changed by the question but the number of a
    /// channel, which is chosen for good.
    fn next_ask(&mut self, room: usize) -> Option<Ask> {
        let is_asked = |ask: &Ask| self.asked.iter().any(|pending| pending.ask == *ask);
        match self.state {
            State::Allocating if !is_asked(&Ask::Allocate) => return Some(Ask::Allocate),
            State::Closing if !is_asked(&Ask::Refresh(0)) => return Some(Ask::Refresh(0)),
            State::Allocated => {}
            _ => return None,
        }
        let lease = self.lease.as_ref()?;
        if lease.wish == Wish::Refresh {
            return Some(Ask::Refresh(self.lifetime()));
        }
        if self.channels.next_wish().is_none() && !self.permissions.has_wishes() {
            return None;
        }
        let room = room.checked_sub(HEADER_LEN + self.account.proof_len())?;
        while let Some(peer) = self.channels.next_wish() {
            if room < attribute_len(peer.ip()) + CHANNEL_NUMBER_LEN {
                return None;
            }
            if let Some((slot, number)) = self.channels.take_wish(peer) {
                return Some(Ask::Bind { slot, peer, number });
            }
            // There are no numbers left: the longer form does without.
            self.permissions.add(peer.ip(), true);
        }
        let batch = self.permissions.next_batch(room);
        (!batch.is_empty()).then_some(Ask::Permit(batch))
    }

    fn on_asked(&mut self, now: Instant, ask: &Ask) {
        match ask {
            Ask::Refresh(0) => {
                self.farewell
                    .get_or_insert(now + self.config.close_patience);
            }
            Ask::Refresh(_) => {
                if let Some(lease) = &mut self.lease {
                    lease.wish = Wish::Asked;
                }
            }
            Ask::Permit(batch) => self.permissions.on_asked(batch),
            Ask::Allocate | Ask::Bind { .. } => {}
        }
    }

    /// Gives up what was asked and not answered for too long.
    pub(super) fn give_up_requests(&mut self, now: Instant) {
        let mut index = 0;
        while let Some(pending) = self.asked.get_mut(index) {
            if pending.transaction.on_timeout(now) {
                index += 1;
                continue;
            }
            let pending = self.asked.swap_remove(index);
            let failure = pending
                .unproved
                .unwrap_or_else(|| Failure::new(Failure::NO_ANSWER, "the server does not answer"));
            self.on_refused(now, pending.ask, failure);
        }
    }

    /// `false`, and nothing written, if there is too little room.
    fn write(&self, ask: &Ask, id: TransactionId, out: &mut Writer<'_>) -> bool {
        let before = out.len();
        let method = ask.method();
        let mut builder = Builder::new(out, Class::Request, method, id);
        match ask {
            Ask::Allocate => {
                builder.attribute(&Attribute::RequestedTransport(UDP));
                if self.config.ipv6 {
                    let family = AddressFamily::Ipv6;
                    builder.attribute(&Attribute::RequestedAddressFamily(family));
                }
                builder.attribute(&Attribute::Lifetime(self.lifetime()));
            }
            Ask::Refresh(seconds) => {
                builder.attribute(&Attribute::Lifetime(*seconds));
            }
            Ask::Permit(batch) => {
                for ip in batch {
                    let peer = SocketAddr::new(*ip, ANY_PORT);
                    builder.attribute(&Attribute::XorPeerAddress(peer));
                }
            }
            Ask::Bind { peer, number, .. } => {
                builder.attribute(&Attribute::ChannelNumber(number.get()));
                builder.attribute(&Attribute::XorPeerAddress(*peer));
            }
        }
        self.account.sign(&mut builder);
        let fits = !out.is_overflowed();
        if !fits {
            out.rewind(before);
        }
        fits
    }

    /// The lifetime that we ask for, at least a second: none would be a farewell.
    fn lifetime(&self) -> u32 {
        let seconds = self.config.lifetime.as_secs();
        u32::try_from(seconds).unwrap_or(u32::MAX).max(1)
    }
}

impl Ask {
    pub(super) const fn method(&self) -> Method {
        match self {
            Self::Allocate => Method::ALLOCATE,
            Self::Refresh(_) => Method::REFRESH,
            Self::Permit(_) => Method::CREATE_PERMISSION,
            Self::Bind { .. } => Method::CHANNEL_BIND,
        }
    }
}

impl Pending {
    pub(super) const fn deadline(&self) -> Option<Instant> {
        self.transaction.deadline()
    }
}

impl Trouble {
    pub(super) const fn new(max: u32) -> Self {
        Self {
            max,
            stumbles: 0,
            round: 0,
            pause: None,
        }
    }

    /// A request of `round` has to be asked again, after a pause unless the first
    /// time is the course of things. `false` if that was so too often.
    pub(super) fn stumble(&mut self, now: Instant, round: u32, is_usual: bool) -> bool {
        if round != self.round {
            return true;
        }
        self.round = self.round.wrapping_add(1);
        self.stumbles = self.stumbles.saturating_add(1);
        if self.stumbles > 1 || !is_usual {
            self.rest(now);
        }
        self.stumbles <= self.max
    }

    /// Asks nothing for a while, the longer the more went wrong.
    pub(super) fn rest(&mut self, now: Instant) {
        let doublings = self.stumbles.saturating_sub(1);
        let power = 1_u32.checked_shl(doublings).unwrap_or(u32::MAX);
        self.pause = Some(now + PAUSE.saturating_mul(power).min(MAX_PAUSE));
    }

    /// Something went well.
    pub(super) fn overcome(&mut self) {
        self.stumbles = 0;
    }

    pub(super) fn on_timeout(&mut self, now: Instant) {
        if self.pause.is_some_and(|pause| pause <= now) {
            self.pause = None;
        }
    }

    pub(super) const fn deadline(&self) -> Option<Instant> {
        self.pause
    }
}

/// The number of UDP among the protocols over IP.
const UDP: u8 = 17;
/// Header and fingerprint.
const KEEPALIVE_LEN: usize = HEADER_LEN + 8;
/// The size of CHANNEL-NUMBER.
const CHANNEL_NUMBER_LEN: usize = 8;
/// How long nothing is asked after the server stumbled; doubled each time.
const PAUSE: Duration = Duration::from_millis(500);
const MAX_PAUSE: Duration = Duration::from_secs(8);
