//! What the application answers to the agent's wishes, and says of its sockets.

use alloc::vec::Vec;
use core::net::{IpAddr, SocketAddr};

use super::{
    AddressError, Credentials, GatheringState, IceAgent, IceServer, ServerError, ServerUrl,
    TransportPolicy,
};
use crate::mdns::SocketError;
use crate::net::{Path, TcpKind};
use crate::time::Instant;

impl IceAgent {
    /// Other servers, for candidates that are gathered from now on.
    ///
    /// # Errors
    ///
    /// [`ServerError`]; nothing changed then.
    pub fn set_servers(&mut self, servers: Vec<IceServer>) -> Result<(), ServerError> {
        if self.is_closed() {
            return Err(ServerError::Closed);
        }
        servers.iter().try_for_each(IceServer::check)?;
        let urls: usize = servers.iter().map(|server| server.urls.len()).sum();
        if urls > self.config.limits.max_urls {
            return Err(ServerError::TooMany);
        }
        self.config.servers = servers;
        Ok(())
    }

    /// The peer's name and password (W3C `getRemoteParameters`), once they are known.
    #[must_use]
    pub fn remote_credentials(&self) -> Option<&Credentials> {
        let remote = self.generation.remote.as_ref()?;
        Some(&remote.credentials)
    }

    /// Which candidates are used: from the next search on, if one has begun (RFC 8829
    /// §4.1.18). A restart is followed by another.
    pub fn set_policy(&mut self, policy: TransportPolicy) {
        if self.gathering == GatheringState::New {
            self.config.policy = policy;
            self.next_policy = None;
        } else {
            self.next_policy = Some(policy);
        }
    }

    /// A TCP socket of the application listens at `address`: a passive candidate
    /// (RFC 6544 §4.1). Streams that it accepts are told by [`accepted`](Self::accepted).
    ///
    /// # Errors
    ///
    /// [`AddressError`]; nothing changed then.
    pub fn add_tcp_listener(&mut self, address: SocketAddr) -> Result<(), AddressError> {
        self.add_host(address, Some(TcpKind::Passive), false)
    }

    /// A UDP socket of the application at `address` has joined the group of
    /// multicast DNS (RFC 6762 §3): names that end in `.local` are resolved and
    /// told over it. Without one they are asked for by [`Event::Resolve`](super::Event::Resolve).
    ///
    /// # Errors
    ///
    /// [`SocketError`]; nothing changed then.
    pub fn add_mdns_socket(&mut self, address: SocketAddr) -> Result<(), SocketError> {
        self.use_mdns_socket(address)
    }

    /// The answer to [`Event::Resolve`](super::Event::Resolve); no address if there is none.
    pub fn resolved(&mut self, name: &str, addresses: &[IpAddr]) {
        self.name_resolved(name, addresses);
        self.server_resolved(name, addresses);
        self.settle();
        self.refresh();
    }

    /// The answer to [`Event::Connect`](super::Event::Connect): the stream `asked`
    /// for is there, with our end at `local`, and over TLS its handshake is done.
    pub fn connected(&mut self, now: Instant, asked: Path, local: SocketAddr) {
        let now = self.told(now);
        let actual = Path { local, ..asked };
        // Nothing else was asked for.
        let was_asked = asked.local.port() == 0 && local.port() != 0;
        if was_asked && !self.is_over() {
            self.stream_connected(now, asked, actual);
        }
    }

    /// The stream `path` has ended, or, where it is one that was asked for, there
    /// was none.
    pub fn disconnected(&mut self, now: Instant, path: Path) {
        let now = self.told(now);
        if !self.is_over() {
            self.stream_ended(now, path);
        }
    }

    /// A listener has accepted a stream. `path.local` is the listener's address.
    pub fn accepted(&mut self, now: Instant, path: Path) {
        let now = self.told(now);
        if !self.is_over() {
            self.stream_accepted(now, path);
        }
    }

    /// Which server lends us the address `relayed`, and which way leads there: `url`
    /// and `relayProtocol` of W3C webrtc-stats.
    #[must_use]
    pub fn relay(&self, relayed: SocketAddr) -> Option<(&ServerUrl, Path)> {
        let mut relays = self.gatherer.as_ref()?.relays.iter();
        let relay = relays.find(|relay| relay.relayed == Some(relayed))?;
        Some((&relay.url, relay.path))
    }

    /// Takes the next datagram out of bytes that came over the stream `path`, and
    /// gives back what is not ICE's. Called until it answers `None`.
    pub fn open_stream(
        &mut self,
        now: Instant,
        path: Path,
        bytes: &mut &[u8],
    ) -> Option<&mut [u8]> {
        let now = self.told(now);
        self.next_payload(now, path, bytes)?;
        let gatherer = self.gatherer.as_mut()?;
        Some(&mut gatherer.payload)
    }
}
