//! The peer's tracks: which streams they are in, and whether something comes.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::connection::{Life, PeerConnection};
use super::event::Event;
use crate::jsep::{Plan, TrackChange, TransceiverId};
use crate::tight;

/// What is known of the peer's tracks beside what descriptions say.
#[derive(Debug, Default)]
pub(super) struct RemoteTracks {
    /// Those of which nothing has come since they were announced.
    muted: Vec<TransceiverId>,
    /// What comes next, behind the news that it is the first.
    held: Option<Box<Event>>,
}

/// The peer's tracks. Each goes by the name of its transceiver.
impl PeerConnection {
    /// Whether nothing can come of what the peer sends under this transceiver, or
    /// nothing has come yet (W3C `MediaStreamTrack.muted`).
    #[must_use]
    pub fn is_muted(&self, transceiver: TransceiverId) -> bool {
        let remote = self.session.transceiver(transceiver);
        let sends = remote.is_some_and(|one| one.remote().is_some() && !one.is_stopping());
        self.life != Life::Live || !sends || self.tracks.muted.contains(&transceiver)
    }

    /// The peer's streams, each once: what groups its tracks.
    pub fn remote_streams(&self) -> impl Iterator<Item = &str> {
        let mut names: Vec<&str> = Vec::new();
        let remote = self.session.transceivers().filter_map(|one| one.remote());
        for name in remote.flat_map(|remote| remote.names()) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names.into_iter()
    }

    /// The tracks of one of the peer's streams.
    pub fn tracks_of<'a>(&'a self, stream: &'a str) -> impl Iterator<Item = TransceiverId> + 'a {
        let all = self.session.transceivers();
        let members =
            all.filter(move |one| one.remote().is_some_and(|remote| remote.contains(stream)));
        members.map(|one| one.id())
    }

    /// Tells what a description has done to the peer's tracks, in the W3C's order
    /// (§4.4.1.5): who is silent now, who left a stream, who joined one, who came.
    pub(super) fn tell_tracks(&mut self, plan: &Plan) {
        for change in &plan.tracks {
            if let TrackChange::Removed(id) = *change {
                self.mute(id);
                self.events.push(Event::TrackEnded(id));
            }
        }
        for change in &plan.streams {
            let (transceiver, stream) = (change.transceiver, change.stream.clone());
            self.events.push(match change.is_added {
                true => Event::StreamJoined {
                    transceiver,
                    stream,
                },
                false => Event::StreamLeft {
                    transceiver,
                    stream,
                },
            });
        }
        for change in &plan.tracks {
            match *change {
                TrackChange::Added(id) => {
                    tight::push(&mut self.tracks.muted, id);
                    self.events.push(Event::Track(id));
                }
                TrackChange::Joined(id) => self.events.push(Event::Track(id)),
                TrackChange::Removed(_) => {}
            }
        }
    }

    /// What is muted already is not told again.
    fn mute(&mut self, id: TransceiverId) {
        if !self.tracks.unmute(id) {
            self.events.push(Event::TrackMuted(id));
        }
    }

    /// What came of media, behind the news that something comes at all.
    pub(super) fn with_unmuting(&mut self, event: Event) -> Event {
        if let Event::Frame { transceiver, .. } | Event::Packet { transceiver, .. } = event
            && self.tracks.unmute(transceiver)
        {
            self.tracks.held = Some(Box::new(event));
            return Event::TrackUnmuted(transceiver);
        }
        event
    }

    /// What waits behind such news.
    pub(super) fn held(&mut self) -> Option<Event> {
        self.tracks.held.take().map(|event| *event)
    }
}

impl RemoteTracks {
    /// Whether it was muted.
    fn unmute(&mut self, id: TransceiverId) -> bool {
        let place = self.muted.iter().position(|muted| *muted == id);
        place.is_some_and(|place| {
            self.muted.swap_remove(place);
            true
        })
    }
}
