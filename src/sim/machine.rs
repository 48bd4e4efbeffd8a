//! What must a thing be able to do to live in a [`World`](super::World)?

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::net::{IpAddr, SocketAddr};

use super::ledger::{Fact, Snapshot};
use crate::cursor::Writer;
use crate::net::Path;
use crate::time::Instant;

/// The contract of every machine in five methods.
///
/// The crate's machines do not share a trait: they share words. This one exists
/// for those who drive machines of any kind, which are the simulated world, the
/// tests of the laws and the fuzzers; each machine needs a few lines of adapter.
/// What follows the five methods is for streams, names and the ledger, and may be
/// left out.
///
/// Bytes of a stream come in by `handle_input` as well, in chunks of any size; what
/// `poll_transmit` writes for a stream's path is appended to it.
pub trait Machine {
    /// What it tells its owner.
    type Event: fmt::Debug;

    /// Takes a datagram that arrived. Cannot fail.
    fn handle_input(&mut self, now: Instant, path: Path, datagram: &mut [u8]);

    /// Takes note that time has passed. Cannot fail.
    fn handle_timeout(&mut self, now: Instant);

    /// Writes the next datagram and says which way it goes, if there is one.
    fn poll_transmit(&mut self, now: Instant, out: &mut Writer<'_>) -> Option<Path>;

    /// The next thing that the owner should know.
    fn poll_event(&mut self) -> Option<Self::Event>;

    /// When `handle_timeout` has to be called, if ever.
    fn poll_timeout(&self) -> Option<Instant>;

    /// What an event that it just told asks of the application's sockets.
    fn wish(&self, event: &Self::Event) -> Option<Wish> {
        let _ = event;
        None
    }

    /// Learns what became of a wish, or of a stream.
    fn grant(&mut self, now: Instant, grant: Grant) {
        let _ = (now, grant);
    }

    /// What an event that it just told says that an invariant can use.
    fn fact(&self, event: &Self::Event) -> Option<Fact> {
        let _ = event;
        None
    }

    /// What anybody may see of its state, for invariants.
    fn snapshot(&self) -> Option<Snapshot> {
        None
    }

    /// The next line of its key log, in the format of NSS (`SSLKEYLOGFILE`).
    fn next_key_log_line(&mut self) -> Option<String> {
        None
    }
}

/// What does a machine want of the application, besides datagrams sent?
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wish {
    /// A stream to this remote address, from any port of this local one.
    Connect(Path),
    /// An end to this stream, or to the attempt to make it.
    Release(Path),
    /// The addresses of a host name.
    Resolve(String),
}

/// What does the application tell a machine of streams and names?
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Grant {
    /// The stream is there.
    Connected {
        /// The path of the [`Wish::Connect`].
        asked: Path,
        /// Where the socket is bound: the stream's own path differs from `asked` in this.
        local: SocketAddr,
    },
    /// The stream has ended, or could not be made: the path is then the one asked for.
    Disconnected(Path),
    /// A peer has connected to one of our listening sockets.
    Accepted(Path),
    /// These are the addresses of the name: none, if it has none.
    Resolved(String, Vec<IpAddr>),
}

/// A machine behind a pointer, so that one world can hold several kinds.
impl<E: fmt::Debug> Machine for Box<dyn Machine<Event = E>> {
    type Event = E;

    fn handle_input(&mut self, now: Instant, path: Path, datagram: &mut [u8]) {
        (**self).handle_input(now, path, datagram);
    }

    fn handle_timeout(&mut self, now: Instant) {
        (**self).handle_timeout(now);
    }

    fn poll_transmit(&mut self, now: Instant, out: &mut Writer<'_>) -> Option<Path> {
        (**self).poll_transmit(now, out)
    }

    fn poll_event(&mut self) -> Option<E> {
        (**self).poll_event()
    }

    fn poll_timeout(&self) -> Option<Instant> {
        (**self).poll_timeout()
    }

    fn wish(&self, event: &E) -> Option<Wish> {
        (**self).wish(event)
    }

    fn grant(&mut self, now: Instant, grant: Grant) {
        (**self).grant(now, grant);
    }

    fn fact(&self, event: &E) -> Option<Fact> {
        (**self).fact(event)
    }

    fn snapshot(&self) -> Option<Snapshot> {
        (**self).snapshot()
    }

    fn next_key_log_line(&mut self) -> Option<String> {
        (**self).next_key_log_line()
    }
}
