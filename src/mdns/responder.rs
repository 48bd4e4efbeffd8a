//! The names that are ours.

use alloc::collections::VecDeque;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use core::net::{IpAddr, SocketAddr};
use core::time::Duration;

use super::sockets::Sockets;
use super::{Dropped, MAX_SOCKETS, MdnsConfig, NameError, PORT, Stats};
use crate::cursor::Writer;
use crate::net::Path;
use crate::rng::Rng;
use crate::time::Instant;
use crate::wire::mdns::{
    Builder, CLASS_IN, Data, HEADER_LEN, Header, Message, Name, Question, Record, Section,
};

/// Which names are ours, and who is to be answered?
#[derive(Clone, Debug, Default)]
pub(super) struct Responder {
    names: Vec<Published>,
    replies: VecDeque<Reply>,
}

#[derive(Clone, Debug)]
struct Published {
    name: String,
    address: IpAddr,
    /// By the place of the socket.
    outlets: [Outlet; MAX_SOCKETS],
    /// When a single asker was answered last.
    told_one: Option<Instant>,
}

/// What all hosts behind one socket have heard of a name.
#[derive(Clone, Copy, Debug, Default)]
struct Outlet {
    last: Option<Instant>,
    answer: Answer,
}

#[derive(Clone, Copy, Debug, Default)]
enum Answer {
    #[default]
    Unwanted,
    /// It waits for others to answer.
    At(Instant),
    Due,
}

/// An answer to one host alone.
#[derive(Clone, Debug)]
struct Reply {
    place: usize,
    to: SocketAddr,
    id: u16,
    name: String,
    /// The type that was asked for, if the asker knows nothing but plain DNS.
    legacy: Option<u16>,
}

/// Questions that came in one datagram.
pub(super) struct Query<'a> {
    pub(super) place: usize,
    pub(super) from: SocketAddr,
    pub(super) message: Message<'a>,
}

/// What a query says of one of our names.
#[derive(Clone, Copy, Debug, Default)]
struct Mark {
    /// The type that was asked for first.
    kind: Option<u16>,
    /// Whether all hosts should hear the answer.
    multicast: bool,
    known: bool,
}

impl Responder {
    pub(super) fn publish(
        &mut self,
        name: &str,
        address: IpAddr,
        config: &MdnsConfig,
    ) -> Result<(), NameError> {
        if let Some(known) = self.names.iter().find(|known| known.name == name) {
            let same = known.address == address;
            return if same { Ok(()) } else { Err(NameError::Taken) };
        }
        if self.names.len() >= config.max_names {
            return Err(NameError::TooMany);
        }
        self.names.push(Published {
            name: name.into(),
            address,
            outlets: [Outlet::default(); MAX_SOCKETS],
            told_one: None,
        });
        Ok(())
    }

    pub(super) fn withdraw(&mut self, name: &str) {
        self.names.retain(|known| known.name != name);
        self.replies.retain(|reply| reply.name != name);
    }

    pub(super) fn remove_place(&mut self, place: usize) {
        self.replies.retain(|reply| reply.place != place);
        for name in &mut self.names {
            if let Some(outlet) = name.outlets.get_mut(place) {
                *outlet = Outlet::default();
            }
        }
    }

    /// Notes what is to be answered, and when.
    pub(super) fn on_query(
        &mut self,
        now: Instant,
        query: &Query<'_>,
        config: &MdnsConfig,
        rng: &mut Rng,
        stats: &mut Stats,
    ) {
        let (marks, others) = self.read(query, config);
        if marks.iter().all(|mark| mark.kind.is_none()) {
            stats.dropped.not_for_us += 1;
            return;
        }
        let wait = if query.message.header().truncated {
            // RFC 6762 §6: more known answers may follow.
            Some(400..500)
        } else {
            // RFC 6762 §6.3: others may have to answer, too.
            others.then_some(20..120)
        };
        let at = wait.map(|range| {
            let millis = range.start + rng.below(range.end - range.start);
            now + Duration::from_millis(millis)
        });
        for (name, mark) in self.names.iter_mut().zip(marks) {
            let Some(kind) = mark.kind else { continue };
            stats.questions_received += 1;
            let outcome = if mark.known {
                Err(Reason::Known)
            } else if name.answers_one(now, query, mark, config) {
                name.reply(now, query, kind).and_then(|reply| {
                    let room = self.replies.len() < config.max_replies;
                    room.then(|| self.replies.push_back(reply))
                        .ok_or(Reason::Full)
                })
            } else {
                name.answer_all(now, query.place, at)
            };
            outcome.unwrap_or_else(|reason| reason.count(&mut stats.dropped));
        }
    }

    /// What a query says of each of our names, and whether it asks for others.
    fn read(&self, query: &Query<'_>, config: &MdnsConfig) -> (Vec<Mark>, bool) {
        let mut marks = vec![Mark::default(); self.names.len()];
        let mut others = false;
        for question in query.message.questions() {
            let found = self.names.iter().position(|known| known.is(question.name));
            match found.and_then(|index| marks.get_mut(index)) {
                Some(mark) if question.is_internet() => {
                    mark.kind.get_or_insert(question.kind);
                    mark.multicast |= !question.unicast;
                }
                Some(_) | None => others = true,
            }
        }
        for (section, record) in query.message.records() {
            // RFC 6762 §7.1: known, and for a while yet.
            if section == Section::Answer
                && record.ttl >= config.ttl / 2
                && let Data::Address(ip) = record.data
                && let Some(index) = self.names.iter().position(|known| known.is(record.name))
                && self
                    .names
                    .get(index)
                    .is_some_and(|known| known.address == ip)
                && let Some(mark) = marks.get_mut(index)
            {
                mark.known = true;
            }
        }
        (marks, others)
    }

    pub(super) fn on_timeout(&mut self, now: Instant) {
        for outlet in self.names.iter_mut().flat_map(|name| &mut name.outlets) {
            if matches!(outlet.answer, Answer::At(at) if at <= now) {
                outlet.answer = Answer::Due;
            }
        }
    }

    pub(super) fn poll_transmit(
        &mut self,
        now: Instant,
        sockets: &Sockets,
        config: &MdnsConfig,
        out: &mut Writer<'_>,
    ) -> Option<Path> {
        self.poll_reply(sockets, config, out)
            .or_else(|| self.poll_answer(now, sockets, config, out))
    }

    fn poll_reply(
        &mut self,
        sockets: &Sockets,
        config: &MdnsConfig,
        out: &mut Writer<'_>,
    ) -> Option<Path> {
        let reply = self.replies.front()?;
        let path = sockets.to(reply.place, reply.to)?;
        let name = self.names.iter().find(|known| known.name == reply.name)?;
        if !name.emit(out, reply.id, reply.legacy, config) {
            return None;
        }
        self.replies.pop_front();
        Some(path)
    }

    fn poll_answer(
        &mut self,
        now: Instant,
        sockets: &Sockets,
        config: &MdnsConfig,
        out: &mut Writer<'_>,
    ) -> Option<Path> {
        for name in &mut self.names {
            let due = |outlet: &Outlet| matches!(outlet.answer, Answer::Due);
            let Some(place) = name.outlets.iter().position(due) else {
                continue;
            };
            let path = sockets.to_all(place)?;
            if !name.emit(out, 0, None, config) {
                return None;
            }
            if let Some(outlet) = name.outlets.get_mut(place) {
                outlet.answer = Answer::Unwanted;
                outlet.last = Some(now);
            }
            return Some(path);
        }
        None
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        let outlets = self.names.iter().flat_map(|name| &name.outlets);
        let waits = outlets.filter_map(|outlet| match outlet.answer {
            Answer::At(at) => Some(at),
            Answer::Unwanted | Answer::Due => None,
        });
        waits.min()
    }
}

impl Published {
    fn is(&self, name: Name<'_>) -> bool {
        Name::new(&self.name) == Ok(name)
    }

    /// Whether the asker alone is answered.
    fn answers_one(
        &self,
        now: Instant,
        query: &Query<'_>,
        mark: Mark,
        config: &MdnsConfig,
    ) -> bool {
        if query.from.port() != PORT {
            return true;
        }
        // RFC 6762 §5.4: if it was told to all not long ago. §11: what seems to come
        // from afar is answered to all of this link.
        let recent = Duration::from_secs(u64::from(config.ttl / 4));
        let outlet = self.outlets.get(query.place);
        let heard = outlet.is_some_and(|outlet| is_within(outlet.last, now, recent));
        !mark.multicast && heard && is_near(query.from.ip())
    }

    fn reply(&mut self, now: Instant, query: &Query<'_>, kind: u16) -> Result<Reply, Reason> {
        // RFC 6762 §5.5: what is asked from another link is not answered.
        if !is_near(query.from.ip()) {
            return Err(Reason::OffLink);
        }
        if is_within(self.told_one, now, GAP) {
            return Err(Reason::TooSoon);
        }
        self.told_one = Some(now);
        Ok(Reply {
            place: query.place,
            to: query.from,
            id: query.message.header().id,
            name: self.name.clone(),
            legacy: (query.from.port() != PORT).then_some(kind),
        })
    }

    /// RFC 6762 §6: not within a second of the last time.
    fn answer_all(
        &mut self,
        now: Instant,
        place: usize,
        at: Option<Instant>,
    ) -> Result<(), Reason> {
        let Some(outlet) = self.outlets.get_mut(place) else {
            return Ok(());
        };
        match outlet.answer {
            Answer::Unwanted if is_within(outlet.last, now, GAP) => return Err(Reason::TooSoon),
            Answer::Unwanted => outlet.answer = at.map_or(Answer::Due, Answer::At),
            Answer::At(_) | Answer::Due => {}
        }
        Ok(())
    }

    /// Writes the whole answer, if there is room for it.
    fn emit(
        &self,
        out: &mut Writer<'_>,
        id: u16,
        legacy: Option<u16>,
        config: &MdnsConfig,
    ) -> bool {
        let Ok(name) = Name::new(&self.name) else {
            return false;
        };
        let question = legacy.map(|kind| Question {
            name,
            kind,
            class: CLASS_IN,
            unicast: false,
        });
        // RFC 6762 §6.7: plain DNS has no cache flush, and must forget soon.
        let ttl = if legacy.is_some() {
            config.ttl.min(10)
        } else {
            config.ttl
        };
        let record = |data| Record {
            name,
            flush: legacy.is_none(),
            ttl,
            data,
        };
        let address = record(Data::Address(self.address));
        // RFC 6762 §6.2: there is none of the other kind, so that nobody waits for it.
        let only = record(Data::Only {
            ipv4: self.address.is_ipv4(),
            ipv6: self.address.is_ipv6(),
        });
        let len = HEADER_LEN + question.map_or(0, |q| q.len()) + address.len() + only.len();
        if out.remaining() < len {
            return false;
        }
        let header = Header {
            id,
            response: true,
            truncated: false,
        };
        let mut builder = Builder::new(out, header);
        question
            .iter()
            .for_each(|question| builder.question(question));
        builder.record(Section::Answer, &address);
        builder.record(Section::Additional, &only);
        true
    }
}

/// Why a question is not answered.
enum Reason {
    Known,
    TooSoon,
    OffLink,
    Full,
}

impl Reason {
    const fn count(self, dropped: &mut Dropped) {
        let counter = match self {
            Self::Known => &mut dropped.known,
            Self::TooSoon => &mut dropped.too_soon,
            Self::OffLink => &mut dropped.off_link,
            Self::Full => &mut dropped.replies_full,
        };
        *counter += 1;
    }
}

fn is_within(last: Option<Instant>, now: Instant, duration: Duration) -> bool {
    last.is_some_and(|last| now.since(last) < duration)
}

/// Whether an address could be one of this link. Subnets are not known here, so
/// that only addresses of private use count (RFC 1918, RFC 3927, RFC 4193).
const fn is_near(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.is_private() || ip.is_link_local() || ip.is_loopback(),
        IpAddr::V6(ip) => ip.is_unique_local() || ip.is_unicast_link_local() || ip.is_loopback(),
    }
}

/// RFC 6762 §6: how long a host keeps quiet about what it has just said.
const GAP: Duration = Duration::from_secs(1);
