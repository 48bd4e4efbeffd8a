//! Two connections that talk, and reports on them.

use std::time::Duration;

use bytes::Bytes;
use pollrtc::PeerConnection;
use pollrtc::peer::{
    ChannelConfig, Config, Data, Description, Direction, Event, Kind, MediaFrame, StatsReport,
    TransceiverId, TransceiverInit,
};
use pollrtc::sim::{HostId, Link, World};

/// Who offers, and who answers.
pub(crate) const ALICE: usize = 0;
pub(crate) const BOB: usize = 1;

/// Two connections, ten milliseconds from each other.
pub(crate) struct Pair {
    pub(crate) world: World<PeerConnection>,
    pub(crate) hosts: [HostId; 2],
}

impl Pair {
    pub(crate) fn new() -> Self {
        Self::with([Config::new(), Config::new()])
    }

    pub(crate) fn with(configs: [Config; 2]) -> Self {
        let link = Link::with_delay(Duration::from_millis(10));
        let mut world = World::new(1).with_links(link);
        let [alice, bob] = configs;
        let hosts = [
            ("alice", "192.0.2.1:1000", alice),
            ("bob", "192.0.2.2:2000", bob),
        ];
        let hosts = hosts
            .map(|(name, address, config)| world.add_peer(name, address.parse().unwrap(), config));
        Self { world, hosts }
    }

    /// Both send sound and pictures, and there is a channel; connected.
    pub(crate) fn talking() -> Self {
        let mut pair = Self::new();
        for kind in [Kind::Audio, Kind::Video] {
            for side in [ALICE, BOB] {
                let track = format!("{kind}-of-{side}");
                pair.call(side, |pc| pc.add_track(kind, &track, &["me"]))
                    .unwrap();
            }
        }
        let config = ChannelConfig {
            protocol: "words".into(),
            ..ChannelConfig::default()
        };
        pair.call(ALICE, |pc| pc.create_data_channel("chat", config))
            .unwrap();
        pair.negotiate();
        pair
    }

    pub(crate) fn call<R>(&mut self, side: usize, act: impl FnOnce(&mut PeerConnection) -> R) -> R {
        self.world.with(self.hosts[side], |pc, _| act(pc))
    }

    pub(crate) fn peer(&self, side: usize) -> &PeerConnection {
        self.world.machine(self.hosts[side])
    }

    pub(crate) fn report(&self, side: usize) -> StatsReport {
        self.peer(side).get_stats(self.world.now())
    }

    pub(crate) fn negotiate(&mut self) {
        self.world
            .negotiate(self.hosts[ALICE], self.hosts[BOB])
            .unwrap();
        self.run(Duration::from_secs(2));
    }

    /// An exchange in which each description is changed on its way.
    pub(crate) fn negotiate_with(&mut self, change: impl Fn(usize, &str) -> String) {
        for [from, to] in [[ALICE, BOB], [BOB, ALICE]] {
            self.call(from, |pc| pc.set_local_description(None))
                .unwrap();
            let told = self.peer(from).local_description().unwrap();
            let told = Description {
                sdp: change(from, &told.sdp),
                ..told
            };
            self.call(to, |pc| pc.set_remote_description(&told))
                .unwrap();
        }
        self.run(Duration::from_secs(2));
    }

    pub(crate) fn run(&mut self, time: Duration) {
        self.world.run_for(time);
    }

    pub(crate) fn add(&mut self, side: usize, kind: Kind, direction: Direction) -> TransceiverId {
        let init = TransceiverInit {
            direction,
            ..TransceiverInit::default()
        };
        self.call(side, |pc| pc.add_transceiver(kind, init))
            .unwrap()
    }

    /// The one transceiver of a kind.
    pub(crate) fn transceiver(&self, side: usize, kind: Kind) -> TransceiverId {
        let mut all = self.peer(side).transceivers();
        all.find(|one| one.kind() == kind).unwrap().id()
    }

    /// Ten seconds in which both sides send of everything.
    pub(crate) fn talk(&mut self) {
        for round in 0..500_u32 {
            for side in [ALICE, BOB] {
                for (kind, frame) in [
                    (Kind::Audio, sound(round * 960)),
                    (Kind::Video, picture(round * 1800, round % 100 == 0)),
                ] {
                    let id = self.transceiver(side, kind);
                    let host = self.hosts[side];
                    let written = self.world.with(host, |pc, now| pc.write(now, id, &frame));
                    written.unwrap();
                }
            }
            self.run(Duration::from_millis(20));
        }
    }

    /// Says something on the first channel of a side.
    pub(crate) fn say(&mut self, side: usize, text: &str) {
        let sent = self.world.with(self.hosts[side], |pc, now| {
            let channel = pc.channels().next().unwrap();
            pc.send(now, channel, Data::Text(text.into()))
        });
        sent.unwrap();
    }

    /// Takes what a side is told, until nothing more.
    pub(crate) fn drain(&mut self, side: usize) -> Vec<Event> {
        std::iter::from_fn(|| self.world.next_event(self.hosts[side])).collect()
    }
}

fn sound(timestamp: u32) -> MediaFrame {
    MediaFrame::new(timestamp, Bytes::from(vec![7; 40]))
}

/// A picture that VP8 depacketizers take for a key frame, or for one that is none.
pub(crate) fn picture(timestamp: u32, is_key: bool) -> MediaFrame {
    let mut data = vec![7; 3000];
    data[..10].copy_from_slice(&[0x10, 0, 0, 0x9d, 0x01, 0x2a, 64, 0, 64, 0]);
    data[0] |= u8::from(!is_key);
    MediaFrame::new(timestamp, data.into())
}

/// The lines of a description that do not begin with any of these.
pub(crate) fn without(sdp: &str, starts: &[&str]) -> String {
    let is_kept = |line: &&str| !starts.iter().any(|start| line.starts_with(start));
    sdp.split_inclusive("\r\n").filter(is_kept).collect()
}
