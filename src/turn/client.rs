//! The client: what its owner sees.

use alloc::collections::VecDeque;
use core::net::{IpAddr, SocketAddr};

use rand_core::CryptoRng;

use super::{ConfigError, Event, PeerError, State, Stats, TurnConfig};
use crate::cursor::Writer;
use crate::net::Path;
use crate::rng::Rng;
use crate::time::Instant;

/// Which address does a TURN server lend us, and who may use it?
///
/// See the [module](super) for its place in a loop.
#[derive(Debug)]
pub struct TurnClient {
    #[expect(dead_code, reason = "read by what follows")]
    config: TurnConfig,
    path: Path,
    #[expect(dead_code, reason = "read by what follows")]
    rng: Rng,
    state: State,
    events: VecDeque<Event>,
    stats: Stats,
}

/// Constructor and commands.
impl TurnClient {
    /// A client that has asked for nothing yet. `path` leads from a socket of
    /// ours to the server; over a stream it is one that is connected.
    ///
    /// # Errors
    ///
    /// [`ConfigError`].
    pub fn new(
        config: TurnConfig,
        path: Path,
        rng: &mut (impl CryptoRng + ?Sized),
    ) -> Result<Self, ConfigError> {
        Ok(Self {
            config,
            path,
            rng: Rng::from_rng(rng),
            state: State::New,
            events: VecDeque::new(),
            stats: Stats::default(),
        })
    }

    /// Asks for an address, beginning with the next poll.
    pub fn allocate(&mut self) {
        if self.state == State::New {
            self.state = State::Allocating;
        }
    }

    /// Goes where [`Event::Redirected`] said: asks the server at the other end of
    /// `path`. Nothing happens in other states than [`State::Redirected`].
    pub fn follow(&mut self, path: Path) {
        if self.state == State::Redirected {
            self.path = path;
            self.state = State::Allocating;
        }
    }

    /// Lets datagrams pass between us and `peer`; kept up until it is forgotten.
    /// May be said before there is an address.
    ///
    /// # Errors
    ///
    /// [`PeerError`]; nothing changed then.
    pub fn permit(&mut self, peer: IpAddr) -> Result<(), PeerError> {
        let _ = peer;
        Ok(())
    }

    /// Binds a channel to `peer`, which makes what travels to and from it smaller;
    /// kept up until it is forgotten. Permits its address, too.
    ///
    /// # Errors
    ///
    /// [`PeerError`]; nothing changed then.
    pub fn bind(&mut self, peer: SocketAddr) -> Result<(), PeerError> {
        let _ = peer;
        Ok(())
    }

    /// Lets go of the channel to `peer`, and of the permission of its address
    /// unless another channel leads there. The server is not told: both lapse.
    pub fn forget(&mut self, peer: SocketAddr) {
        let _ = peer;
    }

    /// Gives the address back, and ends: [`Event::Closed`] follows. The farewell
    /// is ready to be sent at once, so who cannot wait polls until there is
    /// nothing to send and drops the client.
    pub fn close(&mut self) {
        if self.state != State::Closed {
            self.state = State::Closed;
            self.events.push_back(Event::Closed);
        }
    }
}

/// The verbs of a filter.
impl TurnClient {
    /// Takes one message that came from the server: a datagram, or what
    /// `wire::framing` cut out of a stream. Gives back what a peer sent, and
    /// which; the rest is for the client.
    pub fn open<'d>(
        &mut self,
        now: Instant,
        datagram: &'d mut [u8],
    ) -> Option<(SocketAddr, &'d mut [u8])> {
        let _ = (now, datagram);
        None
    }

    /// Lets `fill` write a datagram for `peer`, and wraps it: as channel data if a
    /// channel is bound, in an indication if the peer is permitted. Otherwise
    /// `fill` is not called and the answer is `false`.
    pub fn seal(
        &mut self,
        peer: SocketAddr,
        out: &mut Writer<'_>,
        fill: impl FnOnce(&mut Writer<'_>) -> bool,
    ) -> bool {
        let _ = (peer, out, fill);
        false
    }

    /// Writes the next message for the server, if there is one.
    pub fn poll_transmit(&mut self, now: Instant, out: &mut Writer<'_>) -> bool {
        let _ = (now, out);
        false
    }

    /// Time passed: timers that have run out become work or conclusions.
    pub fn handle_timeout(&mut self, now: Instant) {
        let _ = now;
    }

    /// What has changed.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// When `handle_timeout` wants to be called next.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        None
    }
}

/// Questions.
impl TurnClient {
    /// Between which socket of ours and the server everything travels.
    #[must_use]
    pub const fn path(&self) -> Path {
        self.path
    }

    /// How far the client is.
    #[must_use]
    pub const fn state(&self) -> State {
        self.state
    }

    /// The address at which peers reach us, while there is one.
    #[must_use]
    pub fn relayed(&self) -> Option<SocketAddr> {
        None
    }

    /// The address at which the server sees us, while there is a relayed one.
    #[must_use]
    pub fn mapped(&self) -> Option<SocketAddr> {
        None
    }

    /// What was counted.
    #[must_use]
    pub const fn stats(&self) -> Stats {
        self.stats
    }
}
