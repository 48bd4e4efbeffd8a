//! The names that we ask for.

use alloc::string::String;
use alloc::vec::Vec;
use core::net::IpAddr;

use super::sockets::{Places, Sockets};
use super::{Event, MdnsConfig, NameError};
use crate::cursor::Writer;
use crate::net::Path;
use crate::time::Instant;
use crate::timer::earliest;
use crate::wire::mdns::{
    Builder, CLASS_IN, Data, HEADER_LEN, Header, Message, Name, Question, kind,
};

/// Which names are asked for, and when again?
#[derive(Clone, Debug, Default)]
pub(super) struct Querier {
    asked: Vec<Asked>,
}

#[derive(Clone, Debug)]
struct Asked {
    name: String,
    /// Where the question is to be sent now.
    owed: Places,
    rounds: u32,
    /// When it is asked once more.
    again: Option<Instant>,
    /// When it is given up: known once it was asked.
    until: Option<Instant>,
    /// What the response at hand says.
    heard: Vec<IpAddr>,
}

impl Querier {
    pub(super) fn ask(
        &mut self,
        name: &str,
        places: Places,
        config: &MdnsConfig,
    ) -> Result<(), NameError> {
        if places.is_empty() {
            return Err(NameError::NoSocket);
        }
        if self.asked.iter().any(|asked| asked.name == name) {
            return Ok(());
        }
        if self.asked.len() >= config.max_questions {
            return Err(NameError::TooMany);
        }
        self.asked.push(Asked {
            name: name.into(),
            owed: places,
            rounds: 0,
            again: None,
            until: None,
            heard: Vec::new(),
        });
        Ok(())
    }

    pub(super) fn forget(&mut self, name: &str) {
        self.asked.retain(|asked| asked.name != name);
    }

    /// A socket came: everything is asked there, too.
    pub(super) fn add_place(&mut self, place: usize) {
        for asked in &mut self.asked {
            asked.owed.insert(place);
        }
    }

    pub(super) fn remove_place(&mut self, place: usize) {
        for asked in &mut self.asked {
            asked.owed.remove(place);
        }
    }

    /// The names that can no longer be asked for, as there is no socket.
    pub(super) fn give_up(&mut self) -> impl Iterator<Item = Event> {
        let asked = core::mem::take(&mut self.asked);
        asked.into_iter().map(|asked| Event::NotFound(asked.name))
    }

    /// Takes the addresses that a response tells of the names that are asked for.
    pub(super) fn on_response(&mut self, message: &Message<'_>, events: &mut Vec<Event>) {
        for (_, record) in message.records() {
            // RFC 6762 §10.1: without a time to live it is gone.
            let (Data::Address(ip), 1..) = (record.data, record.ttl) else {
                continue;
            };
            let asked = self.asked.iter_mut().filter(|asked| asked.is(record.name));
            for asked in asked.filter(|asked| asked.heard.len() < MAX_ADDRESSES) {
                asked.heard.push(ip);
            }
        }
        self.asked.retain_mut(|asked| {
            let open = asked.heard.is_empty();
            if !open {
                events.push(Event::Resolved {
                    name: core::mem::take(&mut asked.name),
                    addresses: core::mem::take(&mut asked.heard),
                });
            }
            open
        });
    }

    pub(super) fn on_timeout(&mut self, now: Instant, places: Places, events: &mut Vec<Event>) {
        self.asked.retain_mut(|asked| {
            if asked.until.is_some_and(|until| until <= now) {
                events.push(Event::NotFound(core::mem::take(&mut asked.name)));
                return false;
            }
            if asked.again.is_some_and(|again| again <= now) {
                asked.again = None;
                asked.owed = places;
            }
            true
        });
    }

    /// As many questions as fit, for the first socket that is owed some.
    pub(super) fn poll_transmit(
        &mut self,
        now: Instant,
        sockets: &Sockets,
        config: &MdnsConfig,
        out: &mut Writer<'_>,
    ) -> Option<Path> {
        let owed = |place: &usize| self.asked.iter().any(|asked| asked.owed.contains(*place));
        let place = (0..super::MAX_SOCKETS).find(owed)?;
        let path = sockets.to_all(place)?;
        let written = out.nest(0, 0, |w| {
            if w.remaining() < HEADER_LEN {
                return false;
            }
            let mut builder = Builder::new(w, HEADER);
            let mut any = false;
            for asked in &mut self.asked {
                if asked.owed.contains(place) && asked.emit(&mut builder) {
                    asked.on_sent(now, place, config);
                    any = true;
                }
            }
            any
        });
        written.then_some(path)
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        let deadlines = self
            .asked
            .iter()
            .map(|asked| earliest(asked.again, asked.until));
        deadlines.flatten().min()
    }
}

impl Asked {
    fn is(&self, name: Name<'_>) -> bool {
        Name::new(&self.name) == Ok(name)
    }

    /// Asks for both kinds of addresses, if there is room.
    fn emit(&self, builder: &mut Builder<'_, '_>) -> bool {
        let Ok(name) = Name::new(&self.name) else {
            return false;
        };
        let question = |kind| Question {
            name,
            kind,
            class: CLASS_IN,
            unicast: false,
        };
        let both = [kind::A, kind::AAAA].map(question);
        if both.iter().map(Question::len).sum::<usize>() > builder.remaining() {
            return false;
        }
        both.iter().for_each(|question| builder.question(question));
        true
    }

    fn on_sent(&mut self, now: Instant, place: usize, config: &MdnsConfig) {
        self.owed.remove(place);
        let until = *self.until.get_or_insert(now + config.patience);
        if self.again.is_none() {
            // RFC 6762 §5.2: the waits grow by a factor of two.
            let wait = config.first_wait.saturating_mul(1 << self.rounds.min(16));
            self.rounds += 1;
            self.again = Some(now + wait).filter(|again| *again < until);
        }
    }
}

/// RFC 6762 §18: a question to all has an id of zero.
const HEADER: Header = Header {
    id: 0,
    response: false,
    truncated: false,
};

/// How many addresses of a name are taken from an answer; the rest is ignored.
const MAX_ADDRESSES: usize = 8;
