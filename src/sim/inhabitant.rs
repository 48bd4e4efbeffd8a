//! Who lives at a host: the machine that the world is about, or a server that all
//! of them use.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use core::any::Any;

use super::ledger::{Fact, Snapshot};
use super::machine::{Grant, Machine, Wish};
use crate::cursor::Writer;
use crate::net::Path;
use crate::time::Instant;

/// What runs at a host.
pub(super) enum Inhabitant<M: Machine> {
    Machine(M),
    Server(Box<dyn Server>),
}

/// What an event was, for the world.
pub(super) struct Told<E> {
    /// The event, if somebody asks for it.
    pub(super) event: Option<E>,
    pub(super) wish: Option<Wish>,
    /// What the ledger writes down, if there is one.
    pub(super) text: Option<String>,
    pub(super) fact: Option<Fact>,
}

/// A machine of any kind; nobody asks for its events.
pub(super) trait Server {
    fn handle_input(&mut self, now: Instant, path: Path, bytes: &mut [u8]);
    fn handle_timeout(&mut self, now: Instant);
    fn poll_transmit(&mut self, now: Instant, out: &mut Writer<'_>) -> Option<Path>;
    fn poll_timeout(&self) -> Option<Instant>;
    fn grant(&mut self, now: Instant, grant: Grant);
    fn tell(&mut self, is_written: bool) -> Option<(Option<Wish>, Option<String>)>;
    fn as_any(&self) -> &dyn Any;
    fn as_any_mut(&mut self) -> &mut dyn Any;
}

impl<M: Machine> Inhabitant<M> {
    pub(super) fn handle_input(&mut self, now: Instant, path: Path, bytes: &mut [u8]) {
        match self {
            Self::Machine(machine) => machine.handle_input(now, path, bytes),
            Self::Server(server) => server.handle_input(now, path, bytes),
        }
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) {
        match self {
            Self::Machine(machine) => machine.handle_timeout(now),
            Self::Server(server) => server.handle_timeout(now),
        }
    }

    pub(super) fn poll_transmit(&mut self, now: Instant, out: &mut Writer<'_>) -> Option<Path> {
        match self {
            Self::Machine(machine) => machine.poll_transmit(now, out),
            Self::Server(server) => server.poll_transmit(now, out),
        }
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        match self {
            Self::Machine(machine) => machine.poll_timeout(),
            Self::Server(server) => server.poll_timeout(),
        }
    }

    pub(super) fn grant(&mut self, now: Instant, grant: Grant) {
        match self {
            Self::Machine(machine) => machine.grant(now, grant),
            Self::Server(server) => server.grant(now, grant),
        }
    }

    /// Takes the next event; `is_written` if there is a ledger.
    pub(super) fn tell(&mut self, is_written: bool) -> Option<Told<M::Event>> {
        match self {
            Self::Machine(machine) => {
                let event = machine.poll_event()?;
                Some(Told {
                    wish: machine.wish(&event),
                    text: is_written.then(|| format!("{event:?}")),
                    fact: is_written.then(|| machine.fact(&event)).flatten(),
                    event: Some(event),
                })
            }
            Self::Server(server) => {
                let (wish, text) = server.tell(is_written)?;
                Some(Told {
                    event: None,
                    wish,
                    text,
                    fact: None,
                })
            }
        }
    }

    pub(super) fn snapshot(&self) -> Option<Snapshot> {
        match self {
            Self::Machine(machine) => machine.snapshot(),
            Self::Server(_) => None,
        }
    }

    pub(super) fn next_key_log_line(&mut self) -> Option<String> {
        match self {
            Self::Machine(machine) => machine.next_key_log_line(),
            Self::Server(_) => None,
        }
    }
}

impl<S: Machine + 'static> Server for S {
    fn handle_input(&mut self, now: Instant, path: Path, bytes: &mut [u8]) {
        Machine::handle_input(self, now, path, bytes);
    }

    fn handle_timeout(&mut self, now: Instant) {
        Machine::handle_timeout(self, now);
    }

    fn poll_transmit(&mut self, now: Instant, out: &mut Writer<'_>) -> Option<Path> {
        Machine::poll_transmit(self, now, out)
    }

    fn poll_timeout(&self) -> Option<Instant> {
        Machine::poll_timeout(self)
    }

    fn grant(&mut self, now: Instant, grant: Grant) {
        Machine::grant(self, now, grant);
    }

    fn tell(&mut self, is_written: bool) -> Option<(Option<Wish>, Option<String>)> {
        let event = self.poll_event()?;
        let text = is_written.then(|| format!("{event:?}"));
        Some((self.wish(&event), text))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn as_any_mut(&mut self) -> &mut dyn Any {
        self
    }
}
