//! All ways to the peer: mostly one.

use alloc::vec::Vec;

use super::link::Link;
use super::state::ConnectionState;
use crate::channel::DataChannels;
use crate::ice::{GatheringState, IceAgent, IceState};
use crate::jsep::{TransceiverId, TransportId};
use crate::media;
use crate::net::Path;
use crate::time::Instant;
use crate::timer::earliest;
use crate::transport;

/// One link for each BUNDLE group and each section outside of them; at least one.
///
/// What is done for each packet looks for no link while there is one.
#[derive(Debug)]
pub(super) struct Links {
    pub(super) first: Link,
    more: Vec<Link>,
}

impl Links {
    pub(super) const fn new(first: Link) -> Self {
        Self {
            first,
            more: Vec::new(),
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Link> {
        core::iter::once(&self.first).chain(&self.more)
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Link> {
        core::iter::once(&mut self.first).chain(&mut self.more)
    }

    pub(super) fn get(&self, id: TransportId) -> Option<&Link> {
        self.iter().find(|link| link.id == id)
    }

    pub(super) fn get_mut(&mut self, id: TransportId) -> Option<&mut Link> {
        self.iter_mut().find(|link| link.id == id)
    }

    /// The link of the data channels, or the one that will be.
    pub(super) fn data(&self) -> &Link {
        self.iter()
            .find(|link| link.carries_data)
            .unwrap_or(&self.first)
    }

    /// The link that has the line of a transceiver; any, if none has.
    pub(super) fn with_line(&self, id: TransceiverId) -> &Link {
        self.more
            .iter()
            .find(|link| link.lines.contains(&id))
            .unwrap_or(&self.first)
    }

    /// The link that has the line of a transceiver; any, if none has.
    pub(super) fn with_line_mut(&mut self, id: TransceiverId) -> &mut Link {
        self.more
            .iter_mut()
            .find(|link| link.lines.contains(&id))
            .unwrap_or(&mut self.first)
    }

    /// The link that a datagram is for.
    pub(super) fn of_datagram(&mut self, _path: Path, _datagram: &[u8]) -> Option<&mut Link> {
        Some(&mut self.first)
    }

    pub(super) fn handle_input(
        &mut self,
        now: Instant,
        path: Path,
        datagram: &mut [u8],
        channels: &mut DataChannels,
    ) {
        if let Some(link) = self.of_datagram(path, datagram) {
            link.handle_input(now, path, datagram, channels);
        }
    }

    /// Takes what came after the end.
    pub(super) fn hear_servers(&mut self, now: Instant, path: Path, datagram: &mut [u8]) {
        if let Some(link) = self.of_datagram(path, datagram) {
            link.transport.hear_servers(now, path, datagram);
        }
    }

    /// Until when servers have time to answer, after the end.
    pub(super) fn poll_servers(&self) -> Option<Instant> {
        let links = self.iter();
        links.filter_map(|link| link.transport.poll_servers()).min()
    }

    /// The agents, to be told of the network, which is the same for all.
    pub(super) fn agents(&mut self) -> impl Iterator<Item = &mut IceAgent> {
        self.iter_mut().map(|link| link.transport.ice_mut())
    }

    /// Tells all agents, unless the first has something against it.
    pub(super) fn tell_all<E>(
        &mut self,
        mut tell: impl FnMut(&mut IceAgent) -> Result<(), E>,
    ) -> Result<(), E> {
        let Self { first, more } = self;
        tell(first.transport.ice_mut())?;
        for link in more {
            // What the first can do and this one cannot, it does without.
            let _ = tell(link.transport.ice_mut());
        }
        Ok(())
    }

    /// The agent that has asked for a stream, or uses it; any, if none does.
    pub(super) fn of_stream(&mut self, _path: Path) -> &mut IceAgent {
        self.first.transport.ice_mut()
    }

    pub(super) fn poll_event(&mut self) -> Option<(TransportId, transport::Event)> {
        self.iter_mut()
            .find_map(|link| Some((link.id, link.transport.poll_event()?)))
    }

    pub(super) fn poll_media(&mut self) -> Option<media::Event> {
        self.iter_mut().find_map(|link| link.media.poll_event())
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        let rest = self.more.iter().filter_map(Link::poll_timeout).min();
        earliest(self.first.poll_timeout(), rest)
    }

    /// How far the search for candidates is, all taken together (W3C webrtc-pc §5.6.2).
    pub(super) fn gathering_state(&self) -> GatheringState {
        let states = || {
            self.iter()
                .map(|link| link.transport.ice().gathering_state())
        };
        if states().all(|state| state == GatheringState::Complete) {
            GatheringState::Complete
        } else if states().all(|state| state == GatheringState::New) {
            GatheringState::New
        } else {
            GatheringState::Gathering
        }
    }

    /// The states of all, taken together.
    pub(super) fn states(&self) -> (IceState, ConnectionState) {
        let (ice, dtls) = (self.first.ice_state(), self.first.dtls_state());
        (ice, ConnectionState::of(ice, dtls))
    }
}
