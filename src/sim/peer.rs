//! A whole connection as a machine of the world, and two of them that talk.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::net::SocketAddr;

use super::{HostId, Machine, World};
use crate::cursor::Writer;
use crate::jsep::DescriptionError;
use crate::net::Path;
use crate::peer::{Config, Event, PeerConnection};
use crate::time::Instant;

impl Machine for PeerConnection {
    type Event = Event;

    fn handle_input(&mut self, now: Instant, path: Path, datagram: &mut [u8]) {
        Self::handle_input(self, now, path, datagram);
    }

    fn handle_timeout(&mut self, now: Instant) {
        Self::handle_timeout(self, now);
    }

    fn poll_transmit(&mut self, now: Instant, out: &mut Writer<'_>) -> Option<Path> {
        let mut datagram = Vec::new();
        let transmit = Self::poll_transmit(self, now, 1, &mut datagram)?;
        out.bytes(&datagram);
        Some(transmit.path)
    }

    fn poll_event(&mut self) -> Option<Event> {
        Self::poll_event(self)
    }

    fn poll_timeout(&self) -> Option<Instant> {
        Self::poll_timeout(self)
    }

    fn next_key_log_line(&mut self) -> Option<String> {
        self.take_key_log().map(|line| line.to_string())
    }
}

impl World<PeerConnection> {
    /// Adds a connection with one address, whose seed is drawn from the world's.
    ///
    /// # Panics
    ///
    /// If the configuration is not valid.
    pub fn add_peer(&mut self, name: &str, address: SocketAddr, config: Config) -> HostId {
        let mut rng = self.fork_rng();
        // Said above: a world is made by a test, which chooses what is valid.
        let mut peer = PeerConnection::new(config, &mut rng).expect("a valid configuration");
        // The address is the world's own.
        peer.add_local_address(address)
            .expect("an address of the world");
        self.add(name, &[address], peer)
    }

    /// Lets `from` offer and `to` answer, as if the post took no time.
    ///
    /// # Errors
    ///
    /// What either of them has against it.
    pub fn negotiate(&mut self, from: HostId, to: HostId) -> Result<(), DescriptionError> {
        let offer = self.with(from, |peer, _| {
            peer.set_local_description(None)?;
            Ok::<_, DescriptionError>(peer.local_description())
        })?;
        let Some(offer) = offer else { return Ok(()) };
        let answer = self.with(to, |peer, _| {
            peer.set_remote_description(&offer)?;
            peer.set_local_description(None)?;
            Ok::<_, DescriptionError>(peer.local_description())
        })?;
        let Some(answer) = answer else { return Ok(()) };
        self.with(from, |peer, _| peer.set_remote_description(&answer))
    }
}
