//! Two connections, what they were told, and frames to send.

use std::time::Duration;

use bytes::Bytes;
use pollrtc::PeerConnection;
use pollrtc::peer::{
    Config, Direction, Event, Kind, MediaFrame, ReceivedFrame, TransceiverId, TransceiverInit,
    WriteError,
};
use pollrtc::sim::{HostId, Link, World};

/// Who offers first, and who answers.
pub(crate) const ALICE: usize = 0;
pub(crate) const BOB: usize = 1;

pub(crate) struct Pair {
    pub(crate) world: World<PeerConnection>,
    pub(crate) hosts: [HostId; 2],
    pub(crate) events: [Vec<Event>; 2],
}

impl Pair {
    pub(crate) fn new() -> Self {
        Self::with(Config::new(), Config::new())
    }

    pub(crate) fn with(alice: Config, bob: Config) -> Self {
        let link = Link::with_delay(Duration::from_millis(10));
        let mut world = World::new(1).with_links(link);
        let hosts = [
            ("alice", "192.0.2.1:1000", alice),
            ("bob", "192.0.2.2:2000", bob),
        ]
        .map(|(name, address, config)| world.add_peer(name, address.parse().unwrap(), config));
        Self {
            world,
            hosts,
            events: [Vec::new(), Vec::new()],
        }
    }

    pub(crate) fn call<R>(&mut self, side: usize, act: impl FnOnce(&mut PeerConnection) -> R) -> R {
        self.world.with(self.hosts[side], |pc, _| act(pc))
    }

    pub(crate) fn machine(&self, side: usize) -> &PeerConnection {
        self.world.machine(self.hosts[side])
    }

    pub(crate) fn add(&mut self, side: usize, kind: Kind, direction: Direction) -> TransceiverId {
        let init = TransceiverInit {
            direction,
            ..TransceiverInit::default()
        };
        self.call(side, |pc| pc.add_transceiver(kind, init))
            .unwrap()
    }

    /// `side` offers, the other answers, and all that follows is waited for.
    pub(crate) fn negotiate(&mut self, side: usize) {
        let (from, to) = (self.hosts[side], self.hosts[1 - side]);
        self.world.negotiate(from, to).unwrap();
        self.run(Duration::from_secs(1));
    }

    /// Lets the world go on for a while and collects what is told.
    pub(crate) fn run(&mut self, time: Duration) {
        self.world.run_for(time);
        for side in [ALICE, BOB] {
            let told: Vec<_> =
                std::iter::from_fn(|| self.world.next_event(self.hosts[side])).collect();
            self.events[side].extend(told);
        }
    }

    pub(crate) fn write(
        &mut self,
        side: usize,
        id: TransceiverId,
        frame: &MediaFrame,
    ) -> Result<(), WriteError> {
        self.write_layer(side, id, "", frame)
    }

    pub(crate) fn write_layer(
        &mut self,
        side: usize,
        id: TransceiverId,
        rid: &str,
        frame: &MediaFrame,
    ) -> Result<(), WriteError> {
        self.world.with(self.hosts[side], |pc, now| {
            pc.write_encoding(now, id, rid, frame)
        })
    }

    /// The one transceiver of a kind.
    pub(crate) fn transceiver(&self, side: usize, kind: Kind) -> TransceiverId {
        let mut all = self.machine(side).transceivers();
        all.find(|one| one.kind() == kind).unwrap().id()
    }

    /// The frames that came for a transceiver so far, each with the name of its
    /// encoding; forgets all that was told.
    pub(crate) fn take_frames(
        &mut self,
        side: usize,
        id: TransceiverId,
    ) -> Vec<(String, ReceivedFrame)> {
        let frames = self.events[side].drain(..).filter_map(|event| match event {
            Event::Frame {
                transceiver,
                rid,
                frame,
            } if transceiver == id => Some((rid.to_string(), frame)),
            _ => None,
        });
        frames.collect()
    }

    /// What was told of signaling and tracks, in order; forgets all that was told.
    pub(crate) fn take_story(&mut self, side: usize) -> Vec<String> {
        let story = self.events[side].drain(..).filter_map(|event| match event {
            Event::SignalingState(state) => Some(state.to_string()),
            Event::NegotiationNeeded => Some("negotiation needed".to_string()),
            Event::Track(id) => Some(format!("track of {id}")),
            Event::TrackEnded(id) => Some(format!("track of {id} ended")),
            _ => None,
        });
        story.collect()
    }
}

/// A picture that VP8 depacketizers take for a key frame, or for one that is none.
pub(crate) fn picture(timestamp: u32, is_key: bool, len: usize) -> MediaFrame {
    let mut data = vec![timestamp.to_be_bytes()[2]; len];
    data[..10].copy_from_slice(&[0x10, 0, 0, 0x9d, 0x01, 0x2a, 64, 0, 64, 0]);
    data[0] |= u8::from(!is_key);
    MediaFrame::new(timestamp, data.into())
}

pub(crate) fn sound(timestamp: u32) -> MediaFrame {
    MediaFrame::new(timestamp, Bytes::from(vec![timestamp.to_be_bytes()[2]; 40]))
}
