//! All ways to the peer: mostly one.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::iter;
use core::mem;
use core::net::SocketAddr;

use super::callers::{self, Callers, Said};
use super::lines;
use super::link::Link;
use super::state::{ConnectionState, ice_state_of};
use crate::channel::DataChannels;
use crate::crypto::CryptoError;
use crate::ice::{self, AddressError, GatheringState, IceAgent, IceState};
use crate::jsep::{TransceiverId, TransportId};
use crate::media;
use crate::net::Path;
use crate::tight;
use crate::time::Instant;
use crate::timer::earliest;
use crate::transport;
use crate::wire::demux::{self, Class};

/// One link for each BUNDLE group and each section outside of them; at least one.
///
/// What is done for each packet looks for no link while there is one.
#[derive(Debug)]
pub(super) struct Links {
    pub(super) first: Link,
    others: Option<Box<Others>>,
}

/// What there is only if there is more than one link, or has been, or may be.
#[derive(Debug, Default)]
struct Others {
    links: Vec<Link>,
    /// Those that no section uses any more, until they have said farewell.
    leaving: Vec<Link>,
    /// Sockets for links to come.
    spares: Vec<SocketAddr>,
    /// Streams that may be for any of them.
    callers: Callers,
    /// Streams that the application was asked for.
    asked: Vec<Path>,
    /// The same that others of them want, too: one at a time, so that answers are told
    /// apart.
    wanted: Vec<(Path, Option<String>)>,
    /// Those that are for none.
    released: Vec<Path>,
    /// Whose turn it is to send.
    turn: usize,
    /// Datagrams on a path that no link knows.
    unknown_path: u64,
}

impl Links {
    pub(super) const fn new(first: Link) -> Self {
        Self {
            first,
            others: None,
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Link> {
        let others = self.others.iter().flat_map(|others| &others.links);
        iter::once(&self.first).chain(others)
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Link> {
        let others = self.others.iter_mut().flat_map(|others| &mut others.links);
        iter::once(&mut self.first).chain(others)
    }

    /// Also those that say farewell.
    pub(super) fn all_mut(&mut self) -> impl Iterator<Item = &mut Link> {
        let others = self.others.iter_mut().map(AsMut::as_mut);
        let others =
            others.flat_map(|Others { links, leaving, .. }| links.iter_mut().chain(leaving));
        iter::once(&mut self.first).chain(others)
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
        let mut others = self.others.iter().flat_map(|others| &others.links);
        others
            .find(|link| link.lines.contains(&id))
            .unwrap_or(&self.first)
    }

    /// The link that has the line of a transceiver; any, if none has.
    pub(super) fn with_line_mut(&mut self, id: TransceiverId) -> &mut Link {
        let mut others = self.others.iter_mut().flat_map(|others| &mut others.links);
        others
            .find(|link| link.lines.contains(&id))
            .unwrap_or(&mut self.first)
    }

    /// The link on which a transceiver has its line from now on: those that had it end it.
    pub(super) fn move_line(
        &mut self,
        now: Instant,
        id: TransceiverId,
        to: TransportId,
    ) -> Option<&mut Link> {
        if self.others.is_some() {
            for link in self.iter_mut().filter(|link| link.id != to) {
                let before = link.lines.len();
                link.lines.retain(|line| *line != id);
                if link.lines.len() < before {
                    link.media.remove_line(now, lines::line(id));
                }
            }
        }
        self.get_mut(to)
    }

    /// Datagrams that were dropped because they came on a path that no link knows.
    pub(super) fn unknown_path(&self) -> u64 {
        let others = self.others.as_ref();
        others.map_or(0, |others| others.unknown_path)
    }
}

/// Links come and go.
impl Links {
    /// Makes the link of a transport, unless it is there: over the sockets of the
    /// first, or those that wait for it.
    pub(super) fn ensure(&mut self, id: TransportId) -> Result<(), CryptoError> {
        if self.get(id).is_some() {
            return Ok(());
        }
        let others = self.others.get_or_insert_default();
        let spares = others.take_spares();
        let link = self.first.another(id, &spares)?;
        tight::push(&mut others.links, link);
        Ok(())
    }

    /// The link of a transport is not needed any more: it says farewell. The last one
    /// always stays.
    pub(super) fn close(&mut self, id: TransportId) {
        let Some(others) = &mut self.others else {
            return;
        };
        let is_first = self.first.id == id;
        let place = others
            .links
            .iter()
            .position(|link| is_first || link.id == id);
        let Some(place) = place else { return };
        let mut link = others.links.remove(place);
        if is_first {
            mem::swap(&mut self.first, &mut link);
            self.first.transport.ice_mut().own_sockets();
        }
        others.keep_spares(&link, &self.first);
        link.leave();
        others.leaving.push(link);
    }

    /// Says which link the data channels are on.
    pub(super) fn carry_data(&mut self, id: TransportId) {
        if self.get(id).is_some() {
            self.iter_mut()
                .for_each(|link| link.carries_data = link.id == id);
        }
    }

    /// Forgets those that have said farewell.
    pub(super) fn sweep(&mut self) {
        let Some(others) = &mut self.others else {
            return;
        };
        others.leaving.retain(|link| !link.is_gone);
        let are_over = others.links.is_empty() && others.leaving.is_empty();
        let is_idle = others.callers.is_empty() && others.spares.is_empty();
        if are_over && is_idle && others.unknown_path == 0 {
            self.others = None;
        }
    }
}

impl Others {
    /// One socket of each interface.
    fn take_spares(&mut self) -> Vec<SocketAddr> {
        let mut taken: Vec<SocketAddr> = Vec::new();
        self.spares.retain(|spare| {
            let stays = taken.iter().any(|one| one.ip() == spare.ip());
            if !stays {
                taken.push(*spare);
            }
            stays
        });
        taken
    }

    /// The sockets that only `link` had are free again.
    fn keep_spares(&mut self, link: &Link, first: &Link) {
        for (address, tcp) in link.transport.ice().sockets() {
            let mut links = iter::once(first).chain(&self.links);
            let is_used = links.any(|link| link.transport.ice().has_socket(address));
            if tcp.is_none() && !is_used {
                self.spares.push(address);
            }
        }
    }
}

/// The verbs.
impl Links {
    pub(super) fn handle_input(
        &mut self,
        now: Instant,
        path: Path,
        datagram: &mut [u8],
        channels: &mut DataChannels,
    ) {
        if self.others.is_none() {
            self.first.handle_input(now, path, datagram, channels);
        } else if self.first.transport.ice().hears_names(path) {
            // Each has names of its own, and asks for its own.
            for link in self.all_mut() {
                link.handle_input(now, path, datagram, channels);
            }
        } else if let Some(mut said) = self.listen(path, datagram) {
            if let Some(link) = self.wanted(path, &said) {
                link.transport.ice_mut().accepted(now, path);
                link.handle_input(now, path, &mut said, channels);
            }
        } else if let Some(link) = self.route(path, datagram) {
            link.handle_input(now, path, datagram, channels);
        }
    }

    /// What the caller at the other end of a stream has said, if it is one; nothing as
    /// long as that is too little.
    fn listen(&mut self, path: Path, bytes: &[u8]) -> Option<Vec<u8>> {
        match self.others.as_mut()?.callers.hear(path, bytes) {
            Said::Unknown => None,
            Said::Little => Some(Vec::new()),
            Said::Nonsense => {
                self.release(path);
                Some(Vec::new())
            }
            Said::Enough(bytes) => Some(bytes),
        }
    }

    /// The link that a caller wants. If there is none it is sent away.
    fn wanted(&mut self, path: Path, said: &[u8]) -> Option<&mut Link> {
        let check = callers::frame(said).ok().flatten()?;
        let is_it = |link: &Link| link.transport.ice().expects(path, check);
        let place = self.iter().position(is_it);
        if place.is_none() {
            self.release(path);
        }
        self.iter_mut().nth(place?)
    }

    fn release(&mut self, path: Path) {
        let others = self.others.get_or_insert_default();
        others.released.push(path);
    }

    /// A listener has accepted a stream.
    pub(super) fn accepted(&mut self, now: Instant, path: Path) {
        match &mut self.others {
            None => self.first.transport.ice_mut().accepted(now, path),
            Some(others) => others.released.extend(others.callers.add(now, path)),
        }
    }

    /// An agent wants a stream. Whether the application is to be asked for it now.
    pub(super) fn ask(&mut self, path: Path, server_name: Option<&String>) -> bool {
        let Some(others) = &mut self.others else {
            return true;
        };
        let is_asked = others.asked.contains(&path);
        if is_asked {
            others.wanted.push((path, server_name.cloned()));
        } else {
            others.asked.push(path);
        }
        !is_asked
    }

    /// The application has answered. Gives back what it is to be asked for next.
    pub(super) fn answered(&mut self, path: Path) -> Option<(Path, Option<String>)> {
        let others = self.others.as_mut()?;
        let place = others.wanted.iter().position(|(wanted, _)| *wanted == path);
        if place.is_none() {
            others.asked.retain(|asked| *asked != path);
        }
        place.map(|place| others.wanted.remove(place))
    }

    /// An agent does not want a stream any more. Whether the application has to know.
    pub(super) fn unask(&mut self, path: Path) -> bool {
        let is_only_wanted = self.answered(path).is_some();
        !is_only_wanted
    }

    /// A stream has ended.
    pub(super) fn disconnected(&mut self, now: Instant, path: Path) {
        let others = self.others.as_mut();
        if !others.is_some_and(|others| others.callers.remove(path)) {
            self.of_stream(path).disconnected(now, path);
        }
    }

    /// The link that a datagram is for.
    fn route(&mut self, path: Path, datagram: &[u8]) -> Option<&mut Link> {
        let Some(others) = &mut self.others else {
            return Some(&mut self.first);
        };
        let is_stream = path.protocol.is_stream();
        let is_stun = demux::classify(datagram) == Class::Stun;
        let expects = |link: &Link| match is_stream {
            true => link.transport.ice().has_stream(path),
            false => link.transport.ice().expects(path, datagram),
        };
        // Most comes where something is sent, too.
        let is_current =
            |link: &Link| !is_stun && link.transport.ice().current_path() == Some(path);
        let mut links = iter::once(&self.first)
            .chain(&others.links)
            .chain(&others.leaving);
        let place = links.clone().position(is_current);
        let place = place.or_else(|| links.position(expects));
        // Who knows nothing of a message counts why.
        let Some(place) = place.or_else(|| is_stun.then_some(0)) else {
            others.unknown_path += 1;
            return None;
        };
        self.all_mut().nth(place)
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) {
        self.first.handle_timeout(now);
        if let Some(others) = &mut self.others {
            let Others { links, leaving, .. } = &mut **others;
            let all = links.iter_mut().chain(leaving);
            all.for_each(|link| link.handle_timeout(now));
            others.released.extend(others.callers.late(now));
        }
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        let others = self.others.as_ref();
        let rest = others.and_then(|others| {
            let all = others.links.iter().chain(&others.leaving);
            let links = all.filter_map(Link::poll_timeout).min();
            earliest(links, others.callers.deadline())
        });
        earliest(self.first.poll_timeout(), rest)
    }

    /// Whether all have said farewell.
    pub(super) fn are_gone(&mut self) -> bool {
        self.all_mut().all(|link| link.is_gone)
    }

    /// Lets each link send in its turn.
    pub(super) fn poll<T>(&mut self, mut poll: impl FnMut(&mut Link) -> Option<T>) -> Option<T> {
        let Some(others) = &self.others else {
            return poll(&mut self.first);
        };
        let (turn, count) = (others.turn, 1 + others.links.len() + others.leaving.len());
        for step in 0..count {
            let place = (turn + step) % count;
            let sent = self.all_mut().nth(place).and_then(&mut poll);
            if sent.is_some() {
                if let Some(others) = &mut self.others {
                    others.turn = place + 1;
                }
                return sent;
            }
        }
        None
    }

    /// Whether there may be something to tell: mostly there is one link, and nothing.
    pub(super) fn have_news(&self) -> bool {
        self.others.is_some() || self.first.has_news()
    }

    pub(super) fn poll_event(&mut self) -> Option<(TransportId, transport::Event)> {
        if self.others.is_none() && !self.first.transport.has_events() {
            return None;
        }
        let mut all = self.all_mut();
        let event = all.find_map(|link| Some((link.id, link.transport.poll_event()?)));
        drop(all);
        event.or_else(|| {
            let path = self.others.as_mut()?.released.pop()?;
            let event = transport::Event::Ice(ice::Event::Release(path));
            Some((self.first.id, event))
        })
    }

    pub(super) fn poll_media(&mut self) -> Option<media::Event> {
        self.iter_mut().find_map(|link| link.media.poll_event())
    }
}

/// What the application says of its network, which is the same for all.
impl Links {
    pub(super) fn agents(&mut self) -> impl Iterator<Item = &mut IceAgent> {
        self.iter_mut().map(|link| link.transport.ice_mut())
    }

    /// Tells all agents, unless the first has something against it.
    pub(super) fn tell_all<E>(
        &mut self,
        mut tell: impl FnMut(&mut IceAgent) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut agents = self.agents();
        agents.next().map_or(Ok(()), &mut tell)?;
        for agent in agents {
            // What the first can do and this one cannot, it does without.
            let _ = tell(agent);
        }
        Ok(())
    }

    /// A socket for links to come.
    pub(super) fn keep_spare(&mut self, address: SocketAddr) -> Result<(), AddressError> {
        let is_used = |ice: &mut IceAgent| ice.has_socket(address);
        let is_used = self.agents().any(is_used);
        let spares = &mut self.others.get_or_insert_default().spares;
        if is_used || spares.contains(&address) {
            return Err(AddressError::Duplicate);
        }
        if spares.len() >= MAX_SPARES {
            return Err(AddressError::TooMany);
        }
        spares.push(address);
        Ok(())
    }

    /// A socket is gone. Whether it was there.
    pub(super) fn forget_socket(&mut self, address: SocketAddr) -> bool {
        let mut was_there = false;
        for agent in self.agents() {
            was_there |= agent.remove_local_address(address);
        }
        if let Some(others) = &mut self.others {
            let before = others.spares.len();
            others.spares.retain(|spare| *spare != address);
            was_there |= others.spares.len() < before;
        }
        was_there
    }

    /// The agent that has asked for a stream, or uses it; the first, if none does.
    pub(super) fn of_stream(&mut self, path: Path) -> &mut IceAgent {
        let has_it = |link: &mut Link| link.transport.ice().has_stream(path);
        let place = self.all_mut().position(has_it);
        let link = match (place, &mut self.others) {
            (Some(place), Some(others)) if place > 0 => {
                let Others { links, leaving, .. } = &mut **others;
                links.iter_mut().chain(leaving).nth(place - 1)
            }
            _ => None,
        };
        link.unwrap_or(&mut self.first).transport.ice_mut()
    }
}

/// The states of all, taken together, of those that a description has named.
impl Links {
    fn in_use(&self) -> impl Iterator<Item = &Link> + Clone {
        let others = self.others.iter().flat_map(|others| &others.links);
        let all = iter::once(&self.first).chain(others);
        all.filter(|link| link.in_use)
    }

    /// How far is the search for candidates (W3C webrtc-pc §5.6.2)?
    pub(super) fn gathering_state(&self) -> GatheringState {
        let states = self.in_use().map(|link| link.gathering);
        if states
            .clone()
            .any(|state| state == GatheringState::Gathering)
        {
            GatheringState::Gathering
        } else {
            // The least of all: one that is new is not complete.
            states.min().unwrap_or(GatheringState::New)
        }
    }

    pub(super) fn states(&self) -> (IceState, ConnectionState) {
        if self.others.is_none() {
            let (ice, dtls) = (self.first.ice_state(), self.first.dtls_state());
            return (ice, ConnectionState::of(ice, dtls));
        }
        let links = self.in_use();
        let ice = ice_state_of(links.clone().map(Link::ice_state));
        let dtls = links.map(Link::dtls_state);
        (ice, ConnectionState::of_all(ice, dtls))
    }
}

/// How many sockets may wait for links to come.
const MAX_SPARES: usize = 32;
