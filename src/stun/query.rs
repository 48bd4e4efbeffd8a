//! At which address does a server see us (RFC 8489 §12, RFC 8445 §5.1.1.2)?

use core::net::SocketAddr;

use rand_core::CryptoRng;

use super::alternate::{Alternate, Redirects, is_unicast};
use super::{Failure, Schedule, Transaction};
use crate::cursor::{Reader, Writer};
use crate::net::Path;
use crate::rng::Rng;
use crate::time::Instant;
use crate::wire::stun::{Attribute, Builder, Class, ErrorCode, Message, Method, TransactionId};

/// At which address does a server see us? Asked once.
///
/// Over UDP the request is repeated; over a stream it is sent once, as the
/// application's stream delivers it. There is one answer, and silence after it,
/// unless it is [`Answer::Redirected`] and [`follow`](Self::follow) is called.
#[derive(Debug)]
pub struct BindingQuery {
    path: Path,
    rng: Rng,
    latest: Instant,
    schedule: Schedule,
    redirects: Redirects,
    transaction: Option<Transaction>,
    answer: Option<Answer>,
    /// Whether it waits for the way to another server.
    redirected: bool,
    dropped: u64,
}

/// What did a query find out?
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Answer {
    /// The server sees us here.
    Mapped(SocketAddr),
    /// Another server shall be asked: open a way to it and call
    /// [`follow`](BindingQuery::follow), or leave it at that.
    Redirected(Alternate),
    /// There is no answer to be had.
    Failed(Failure),
}

impl BindingQuery {
    /// A query that begins with the next poll. `path` leads from a socket of ours
    /// to the server; over a stream it is one that is connected.
    #[must_use]
    pub fn new(path: Path, schedule: Schedule, rng: &mut (impl CryptoRng + ?Sized)) -> Self {
        let mut query = Self {
            path,
            rng: Rng::from_rng(rng),
            latest: Instant::ZERO,
            schedule,
            redirects: Redirects::new(path.remote, MAX_REDIRECTS),
            transaction: None,
            answer: None,
            redirected: false,
            dropped: 0,
        };
        query.begin();
        query
    }

    /// Asks the server that [`Answer::Redirected`] named, at the other end of `path`.
    pub fn follow(&mut self, path: Path) {
        if core::mem::take(&mut self.redirected) {
            self.path = path;
            self.begin();
        }
    }

    /// Whether an answer in this transaction is waited for.
    #[must_use]
    pub fn is_awaiting(&self, id: TransactionId) -> bool {
        let asked = self.transaction.as_ref();
        asked.is_some_and(|transaction| transaction.id() == id)
    }

    /// Takes one message that came from the server: a datagram, or what
    /// `wire::framing` cut out of a stream. Who sent it is the caller's to check.
    pub fn handle_input(&mut self, now: Instant, message: &[u8]) {
        self.told(now);
        let mut r = Reader::new(message);
        let parsed = Message::parse(&mut r).ok().filter(|_| r.is_empty());
        let asked = self.transaction.as_ref().map(Transaction::id);
        match parsed {
            Some(message)
                if asked == Some(message.transaction_id())
                    && message.method() == Method::BINDING
                    && matches!(message.class(), Class::Success | Class::Error) =>
            {
                self.transaction = None;
                let answer = self.read(&message);
                self.redirected = matches!(answer, Answer::Redirected(_));
                self.answer = Some(answer);
            }
            _ => self.dropped += 1,
        }
    }

    /// Time passed.
    pub fn handle_timeout(&mut self, now: Instant) {
        let now = self.told(now);
        if let Some(transaction) = &mut self.transaction
            && !transaction.on_timeout(now)
        {
            self.transaction = None;
            let failure = Failure::new(Failure::NO_ANSWER, "the server does not answer");
            self.answer = Some(Answer::Failed(failure));
        }
    }

    /// Writes the request if it is due.
    pub fn poll_transmit(&mut self, now: Instant, out: &mut Writer<'_>) -> bool {
        let now = self.told(now);
        let Some(transaction) = &mut self.transaction else {
            return false;
        };
        if !transaction.is_due() || out.remaining() < REQUEST_LEN {
            return false;
        }
        let id = transaction.id();
        Builder::new(out, Class::Request, Method::BINDING, id).fingerprint();
        transaction.on_sent(now);
        true
    }

    /// The answer, once.
    pub fn poll_event(&mut self) -> Option<Answer> {
        self.answer.take()
    }

    /// When `handle_timeout` wants to be called next.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.transaction.as_ref()?.deadline()
    }

    /// Between which socket of ours and the server it travels.
    #[must_use]
    pub const fn path(&self) -> Path {
        self.path
    }

    /// How many messages were no answer to it.
    #[must_use]
    pub const fn dropped(&self) -> u64 {
        self.dropped
    }

    fn begin(&mut self) {
        let id = TransactionId(self.rng.array());
        let schedule = self.schedule.over(self.path.protocol);
        self.transaction = Some(Transaction::new(id, schedule));
    }

    fn told(&mut self, now: Instant) -> Instant {
        self.latest = self.latest.max(now);
        self.latest
    }

    fn read(&mut self, message: &Message<'_>) -> Answer {
        // RFC 8489 §6.3.3, §6.3.4: what has to be understood and is not spoils it.
        if message.unknown_required().next().is_some() {
            let failure = Failure::new(Failure::NO_ANSWER, "the answer cannot be understood");
            return Answer::Failed(failure);
        }
        if message.class() == Class::Success {
            return mapped(message).map_or_else(
                || Answer::Failed(Failure::new(Failure::NO_ANSWER, "no mapped address")),
                Answer::Mapped,
            );
        }
        let failure = Failure::of(message)
            .unwrap_or_else(|| Failure::new(Failure::NO_ANSWER, "an error without a code"));
        if failure.code == ErrorCode::TRY_ALTERNATE
            && let Some(alternate) = self.redirects.next(message)
        {
            return Answer::Redirected(alternate);
        }
        Answer::Failed(failure)
    }
}

/// The address of an answer: hidden, or plain from old servers (RFC 8489 §14.1).
fn mapped(message: &Message<'_>) -> Option<SocketAddr> {
    let mut plain = None;
    for attribute in message.attributes() {
        match attribute {
            Attribute::XorMappedAddress(address) => {
                return Some(address).filter(|address| is_unicast(*address));
            }
            Attribute::MappedAddress(address) => plain = plain.or(Some(address)),
            _ => {}
        }
    }
    plain.filter(|address| is_unicast(*address))
}

/// Header and fingerprint.
const REQUEST_LEN: usize = 28;

/// How often a query lets itself be sent to another server.
const MAX_REDIRECTS: usize = 4;
