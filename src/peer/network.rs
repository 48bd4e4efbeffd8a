//! Sockets, servers and names: what the application says of its network, and
//! what the connection wants of it.

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::net::{IpAddr, SocketAddr};

use super::connection::{Life, PeerConnection};
use super::event::Event;
use crate::ice::{self, AddressError, GatheringState, IceServer, ServerError, TransportPolicy};
use crate::jsep::TransportId;
use crate::mdns::SocketError;
use crate::net::Path;
use crate::time::Instant;

/// What the application says of its network.
///
/// The sockets are the application's. UDP sockets and listeners are told before
/// or while the connection runs; streams are asked for by [`Event::Connect`] and
/// answered by [`connected`](Self::connected) or
/// [`disconnected`](Self::disconnected). The bytes of all of them go to
/// [`handle_input`](Self::handle_input) and come from
/// [`poll_transmit`](Self::poll_transmit), with the [`Path`] saying which socket.
impl PeerConnection {
    /// Tells that the application receives datagrams at `address`: a host candidate.
    ///
    /// # Errors
    ///
    /// If it is no address that a peer can send to, or there are too many.
    pub fn add_local_address(&mut self, address: SocketAddr) -> Result<(), AddressError> {
        self.links.tell_all(|ice| ice.add_local_address(address))?;
        self.settle();
        Ok(())
    }

    /// Tells of a UDP socket for a transport to come, which has it alone. Each takes one
    /// of each interface; those that find none share the sockets of the first.
    ///
    /// Peers that do not bundle have a transport for each section. If they have a socket
    /// for each, as browsers do, one of ours is enough for all. Otherwise what comes
    /// could not be told apart. A relay over UDP, too, is for who has a socket alone.
    ///
    /// # Errors
    ///
    /// If it was added before, or there are too many, or after the end.
    pub fn add_spare_address(&mut self, address: SocketAddr) -> Result<(), AddressError> {
        if self.life != Life::Live {
            return Err(AddressError::Closed);
        }
        self.links.keep_spare(address)
    }

    /// Tells that the socket at `address` is gone, as when a network is left.
    ///
    /// What used it goes on over another path, without a new exchange, if one
    /// works. `false` if there is no such address.
    pub fn remove_local_address(&mut self, address: SocketAddr) -> bool {
        let was_there = self.links.forget_socket(address);
        self.settle();
        was_there
    }

    /// Tells that a TCP socket listens at `address`: a passive candidate (RFC 6544).
    /// What it accepts is told by [`accepted`](Self::accepted).
    ///
    /// # Errors
    ///
    /// If it is no address that a peer can connect to, or there are too many.
    pub fn add_tcp_listener(&mut self, address: SocketAddr) -> Result<(), AddressError> {
        self.links.tell_all(|ice| ice.add_tcp_listener(address))?;
        self.settle();
        Ok(())
    }

    /// Tells that the UDP socket at `address` has joined the group of multicast DNS
    /// (RFC 6762 §3): names of browsers that end in `.local` are resolved over it.
    /// Without one they are asked for by [`Event::Resolve`].
    ///
    /// # Errors
    ///
    /// If it is not bound to port 5353, or there are too many.
    pub fn add_mdns_socket(&mut self, address: SocketAddr) -> Result<(), SocketError> {
        self.links.tell_all(|ice| ice.add_mdns_socket(address))?;
        self.settle();
        Ok(())
    }

    /// Answers [`Event::Resolve`]; without an address if there is none.
    pub fn resolved(&mut self, name: &str, addresses: &[IpAddr]) {
        self.links
            .agents()
            .for_each(|ice| ice.resolved(name, addresses));
        self.settle();
    }

    /// Answers [`Event::Connect`]: the stream `asked` for is there, our end is at
    /// `local`, and over TLS the handshake is done.
    pub fn connected(&mut self, now: Instant, asked: Path, local: SocketAddr) {
        let now = self.told(now);
        self.links.of_stream(asked).connected(now, asked, local);
        self.ask_next(asked);
        self.settle();
    }

    /// Tells that the stream `path` has ended or, where it is one that was asked
    /// for, that it could not be had.
    pub fn disconnected(&mut self, now: Instant, path: Path) {
        let now = self.told(now);
        self.links.disconnected(now, path);
        self.ask_next(path);
        self.settle();
    }

    /// Tells that a listener has accepted a stream; `path.local` is the listener's
    /// address.
    pub fn accepted(&mut self, now: Instant, path: Path) {
        let now = self.told(now);
        self.links.accepted(now, path);
        self.settle();
    }

    /// Other STUN and TURN servers, for candidates that are gathered from now on:
    /// those of the next offer, which restarts ICE, if there was an exchange (W3C
    /// `setConfiguration`).
    ///
    /// # Errors
    ///
    /// See [`ServerError`]; nothing has changed then.
    pub fn set_ice_servers(&mut self, servers: Vec<IceServer>) -> Result<(), ServerError> {
        if self.life != Life::Live {
            return Err(ServerError::Closed);
        }
        self.links
            .tell_all(|ice| ice.set_servers(servers.clone()))?;
        if self.config.ice.servers != servers {
            // Transports that come later have them, too.
            Arc::make_mut(&mut self.config).ice.servers = servers;
            self.outdate_candidates();
        }
        Ok(())
    }

    /// Which candidates may be used, from the next ICE restart on (W3C
    /// `setConfiguration`). After the end nothing changes.
    pub fn set_ice_transport_policy(&mut self, policy: TransportPolicy) {
        if self.life != Life::Live {
            return;
        }
        self.links.agents().for_each(|ice| ice.set_policy(policy));
        if self.config.ice.policy != policy {
            Arc::make_mut(&mut self.config).ice.policy = policy;
            self.outdate_candidates();
        }
    }

    /// The next offer restarts ICE (RFC 8829 §4.1.18). What was gathered before there was
    /// a description is completed at once.
    fn outdate_candidates(&mut self) {
        self.session.outdate_candidates();
        if !self.session.has_local_description() {
            self.fill_pool();
        }
    }
}

impl PeerConnection {
    /// Lets a link gather, and tells what it found before there was a section to tell it
    /// for.
    pub(super) fn gather(&mut self, id: TransportId) {
        let Some(link) = self.links.get_mut(id) else {
            return;
        };
        let is_news = !core::mem::replace(&mut link.in_use, true);
        let ice = link.transport.ice_mut();
        // Whatever is added later, the agent looks at by itself.
        if ice.gathering_state() == GatheringState::New {
            ice.gather();
        } else if is_news {
            let candidates: Vec<_> = ice.local_candidates().cloned().collect();
            for candidate in &candidates {
                self.on_candidate(id, candidate);
            }
            self.on_gathering();
        }
    }

    /// A transport wants a stream: it waits while another does to the same place.
    fn ask(&mut self, path: Path, server_name: Option<String>) {
        if self.links.ask(path, server_name.as_ref()) {
            self.events.push(Event::Connect { path, server_name });
        }
    }

    /// Another transport may want a stream to the same place.
    fn ask_next(&mut self, answered: Path) {
        if let Some((path, server_name)) = self.links.answered(answered) {
            self.events.push(Event::Connect { path, server_name });
        }
    }

    pub(super) fn on_ice(&mut self, link: TransportId, event: ice::Event) {
        match event {
            ice::Event::Candidate(candidate) => self.on_candidate(link, &candidate),
            ice::Event::GatheringState(state) => {
                if let Some(link) = self.links.get_mut(link) {
                    link.gathering = state;
                }
                self.on_gathering();
            }
            ice::Event::CandidateError {
                url,
                local,
                code,
                reason,
            } => self.events.push(Event::IceCandidateError {
                url,
                local,
                code,
                reason,
            }),
            ice::Event::Resolve(name) => self.events.push(Event::Resolve(name)),
            ice::Event::Connect { path, server_name } => self.ask(path, server_name),
            ice::Event::State(state) => {
                self.events.push(Event::IceTransportState(link, state));
            }
            ice::Event::Selected(_) => self.events.push(Event::SelectedPair(link)),
            // The aggregate of the states is published after every step.
            _ => {}
        }
    }

    /// Starts the search before there is a description to say its results in.
    pub(super) fn fill_pool(&mut self) {
        if self.config.ice_candidate_pool_size > 0 && self.life == Life::Live {
            self.links.first.transport.ice_mut().gather();
            self.settle();
        }
    }
}
