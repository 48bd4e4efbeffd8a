//! The client: what its owner sees.

use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::net::{IpAddr, SocketAddr};

use rand_core::CryptoRng;

use super::channels::Channels;
use super::lease::Lease;
use super::permissions::Permissions;
use super::request::{Pending, Trouble};
use super::{ConfigError, Event, PeerError, State, Stats, TurnConfig};
use crate::net::Path;
use crate::rng::Rng;
use crate::stun::{Failure, LongTerm, Redirects, is_unicast};
use crate::time::Instant;
use crate::timer::earliest;

/// Which address does a TURN server lend us, and who may use it?
///
/// See the [module](super) for its place in a loop.
#[derive(Debug)]
pub struct TurnClient {
    pub(super) config: TurnConfig,
    pub(super) path: Path,
    pub(super) rng: Rng,
    /// The latest moment that we were told: an earlier one is taken for it.
    pub(super) latest: Instant,
    pub(super) state: State,
    pub(super) account: LongTerm,
    pub(super) redirects: Redirects,
    pub(super) lease: Option<Lease>,
    pub(super) permissions: Permissions,
    pub(super) channels: Channels,
    /// Requests that wait for an answer.
    pub(super) asked: Vec<Pending>,
    pub(super) trouble: Trouble,
    /// When the farewell is given up; it begins when it is first sent.
    pub(super) farewell: Option<Instant>,
    pub(super) events: VecDeque<Event>,
    pub(super) stats: Stats,
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
        config.check()?;
        let trouble = Trouble::new(config.max_attempts);
        Ok(Self {
            account: LongTerm::new(config.provider, &config.username, &config.password)?,
            redirects: Redirects::new(path.remote, config.max_redirects),
            config,
            path,
            rng: Rng::from_rng(rng),
            latest: Instant::ZERO,
            state: State::New,
            lease: None,
            permissions: Permissions::default(),
            channels: Channels::default(),
            asked: Vec::new(),
            trouble,
            farewell: None,
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
    /// May be said before there is an address. [`Event::Permitted`] or
    /// [`Event::Refused`] follows.
    ///
    /// # Errors
    ///
    /// [`PeerError`]; nothing changed then.
    pub fn permit(&mut self, peer: IpAddr) -> Result<(), PeerError> {
        self.check_peer(SocketAddr::new(peer, ANY_PORT))?;
        self.permissions.add(peer, true);
        Ok(())
    }

    /// Binds a channel to `peer`, which makes what travels to and from it smaller;
    /// kept up until it is forgotten. Permits its address, too. If the server
    /// binds no channel, data takes the longer form without further notice.
    ///
    /// # Errors
    ///
    /// [`PeerError`]; nothing changed then.
    pub fn bind(&mut self, peer: SocketAddr) -> Result<(), PeerError> {
        let peer = plain(peer);
        self.check_peer(peer)?;
        if !self.channels.contains(peer) && self.channels.len() >= self.config.max_channels {
            return Err(PeerError::Full);
        }
        self.channels.add(peer);
        self.permissions.add(peer.ip(), false);
        Ok(())
    }

    /// Lets go of the channel to `peer`, and of the permission of its address
    /// unless another channel leads there. The server is not told: both lapse.
    pub fn forget(&mut self, peer: SocketAddr) {
        let peer = plain(peer);
        self.channels.remove(peer);
        if !self.channels.leads_to_host_of(peer) {
            self.permissions.remove(peer.ip());
        }
    }

    /// Gives the address back, and ends: [`Event::Closed`] follows. The farewell
    /// is ready to be sent at once, so who cannot wait polls until there is
    /// nothing to send and drops the client.
    pub fn close(&mut self) {
        if matches!(self.state, State::Closing | State::Closed) {
            return;
        }
        // An Allocate may have reached the server though we do not know it yet.
        let may_have = self.lease.is_some() || self.state == State::Allocating;
        self.clear();
        if may_have && self.account.is_challenged() {
            self.state = State::Closing;
        } else {
            self.end();
        }
    }

    /// The address is there and can be used no more, or was never there.
    pub(super) fn fail(&mut self, failure: Failure) {
        self.clear();
        self.state = State::Failed;
        self.tell(Event::Failed(failure));
    }

    /// There is nothing left to do or to say.
    pub(super) fn end(&mut self) {
        self.clear();
        self.events.clear();
        self.state = State::Closed;
        self.events.push_back(Event::Closed);
    }

    fn clear(&mut self) {
        self.lease = None;
        self.permissions = Permissions::default();
        self.channels = Channels::default();
        self.asked = Vec::new();
        self.trouble = Trouble::new(self.config.max_attempts);
        self.farewell = None;
    }

    fn check_peer(&self, peer: SocketAddr) -> Result<(), PeerError> {
        if self.is_over() {
            return Err(PeerError::Closed);
        }
        if !is_unicast(peer) || peer.is_ipv6() != self.config.ipv6 {
            return Err(PeerError::Address);
        }
        let is_full = self.permissions.len() >= self.config.max_permissions;
        if is_full && !self.permissions.contains(peer.ip()) {
            return Err(PeerError::Full);
        }
        Ok(())
    }

    /// Events nobody takes are bounded: the oldest give way.
    pub(super) fn tell(&mut self, event: Event) {
        if self.events.len() > 2 * self.config.max_permissions + ROOM_FOR_STATES {
            self.events.pop_front();
        }
        self.events.push_back(event);
    }

    pub(super) fn told(&mut self, now: Instant) -> Instant {
        self.latest = self.latest.max(now);
        self.latest
    }
}

/// The polls. `open` and `seal` are in `data`, `poll_transmit` in `request`.
impl TurnClient {
    /// Time passed: timers that have run out become work or conclusions.
    pub fn handle_timeout(&mut self, now: Instant) {
        let now = self.told(now);
        if self.farewell.is_some_and(|deadline| deadline <= now) {
            return self.end();
        }
        self.trouble.on_timeout(now);
        self.give_up_requests(now);
        if let Some(lease) = &mut self.lease {
            lease.on_timeout(now);
            if lease.has_lapsed(now) {
                let reason = "the allocation could not be refreshed in time";
                return self.fail(Failure::new(Failure::NO_ANSWER, reason));
            }
        }
        self.permissions.on_timeout(now);
        self.channels.on_timeout(now);
    }

    /// When `handle_timeout` wants to be called next.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let requests = self.asked.iter().filter_map(Pending::deadline).min();
        let lease = self.lease.as_ref().map(Lease::deadline);
        let tables = earliest(self.permissions.deadline(), self.channels.deadline());
        let ours = earliest(self.trouble.deadline(), self.farewell);
        earliest(earliest(requests, lease), earliest(tables, ours))
    }

    /// What has changed.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
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
        self.lease.as_ref().map(|lease| lease.relayed)
    }

    /// The address at which the server sees us, while there is a relayed one.
    #[must_use]
    pub fn mapped(&self) -> Option<SocketAddr> {
        self.lease.as_ref().map(|lease| lease.mapped)
    }

    /// Whether datagrams pass between us and `peer`.
    #[must_use]
    pub fn is_permitted(&self, peer: IpAddr) -> bool {
        self.permissions.is_granted(peer)
    }

    /// Whether data for `peer` takes the shorter form.
    #[must_use]
    pub fn is_bound(&self, peer: SocketAddr) -> bool {
        self.channels.number(plain(peer)).is_some()
    }

    /// What was counted.
    #[must_use]
    pub const fn stats(&self) -> Stats {
        self.stats
    }

    pub(super) const fn is_over(&self) -> bool {
        matches!(self.state, State::Closing | State::Failed | State::Closed)
    }
}

/// Without what only means something on one host: zone and flow.
pub(super) fn plain(peer: SocketAddr) -> SocketAddr {
    SocketAddr::new(peer.ip(), peer.port())
}

/// The port of a permission, which means nothing (RFC 8656 §10.1).
pub(super) const ANY_PORT: u16 = 9;

/// For the events that are not about peers.
const ROOM_FOR_STATES: usize = 8;
