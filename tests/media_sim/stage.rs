//! Two connections that show each other a picture and speak, and what both remember.

use std::time::Duration;

use bytes::Bytes;
use pollrtc::PeerConnection;
use pollrtc::jsep::Kind;
use pollrtc::peer::{Config, Event, TransceiverId};
use pollrtc::rtp::sender::MediaFrame;
use pollrtc::sim::{HostId, Link, World, trace};

/// Sound and pictures: the two lines of each side.
pub(crate) const KINDS: [Kind; 2] = [Kind::Audio, Kind::Video];

/// What a side sends on a line, and what came of the other's.
#[derive(Default)]
pub(crate) struct Line {
    pub(crate) transceiver: Option<TransceiverId>,
    /// Whether each frame that was sent is a key frame.
    pub(crate) sent: Vec<bool>,
    /// The numbers of the frames that came, in the order in which they did.
    pub(crate) came: Vec<usize>,
    /// The timestamp of the next frame.
    pub(crate) timestamp: u32,
    /// How many ticks of the codec's clock are between two frames.
    pub(crate) step: u32,
    /// How often the peer asked for a key frame.
    pub(crate) asked: usize,
    wants_key: bool,
    muted: bool,
}

/// A world with two connections, each with sound and pictures.
pub(crate) struct Stage {
    pub(crate) world: World<PeerConnection>,
    pub(crate) hosts: [HostId; 2],
    /// By side and kind.
    pub(crate) lines: [[Line; 2]; 2],
    /// Whatever else was told, by side.
    pub(crate) events: [Vec<Event>; 2],
    /// How many bytes a picture has at least, and a key frame twice as many again.
    pub(crate) picture: usize,
    ticks: u32,
}

impl Stage {
    /// Both have a microphone and a camera, and have exchanged descriptions.
    pub(crate) fn new(seed: u64, link: Link, config: &Config) -> Self {
        let mut stage = Self::silent(seed, link, config);
        for side in 0..2 {
            for kind in 0..2 {
                stage.add_track(side, kind);
            }
        }
        stage.negotiate(0);
        stage
    }

    /// Nobody has anything to send, and nothing was exchanged.
    pub(crate) fn silent(seed: u64, link: Link, config: &Config) -> Self {
        let (world, hosts) = World::pair_of(seed, link, [config.clone(), config.clone()]);
        Self {
            world,
            hosts,
            lines: Default::default(),
            events: Default::default(),
            picture: 1_500,
            ticks: 0,
        }
    }

    pub(crate) fn add_track(&mut self, side: usize, kind: usize) {
        let added = self.world.with(self.hosts[side], |peer, _| {
            peer.add_track(KINDS[kind], "track", &["stream"])
        });
        let line = &mut self.lines[side][kind];
        line.transceiver = Some(added.expect("there is room"));
        line.step = [960, 3_600][kind];
        // The first picture can be nothing else.
        line.wants_key = true;
    }

    /// Lets a side offer and the other answer.
    pub(crate) fn negotiate(&mut self, side: usize) {
        let [from, to] = [side, 1 - side].map(|side| self.hosts[side]);
        self.world
            .negotiate(from, to)
            .expect("the descriptions are good");
    }

    /// Runs until both are connected.
    pub(crate) fn connect(&mut self) {
        let connected = self.world.connect(self.hosts, PATIENCE);
        assert!(connected, "seed {}\n{}", self.world.seed(), self.story());
        self.listen();
    }

    /// Sound each 20 ms and a picture each 40 ms from both sides, for so long.
    pub(crate) fn play(&mut self, time: Duration) {
        let end = self.world.now() + time;
        while self.world.now() < end {
            for side in 0..2 {
                self.send(side, 0);
                if self.ticks.is_multiple_of(2) {
                    self.send(side, 1);
                }
            }
            self.ticks += 1;
            self.rest(TICK);
        }
    }

    /// Sends one frame, unless the line is muted or there is none.
    pub(crate) fn send(&mut self, side: usize, kind: usize) {
        let picture = self.picture;
        let line = &mut self.lines[side][kind];
        let timestamp = line.timestamp;
        line.timestamp = timestamp.wrapping_add(line.step);
        let Some(transceiver) = line.transceiver.filter(|_| !line.muted) else {
            return;
        };
        let number = line.sent.len();
        let is_key = kind == 0 || line.wants_key || number.is_multiple_of(KEY_FRAME_EACH);
        let data = match kind {
            0 => sound(side, number),
            _ => picture_of(side, number, is_key, picture),
        };
        line.sent.push(is_key);
        line.wants_key = false;
        let frame = MediaFrame::new(timestamp, data);
        let host = self.hosts[side];
        let written = self.world.write_frame(host, transceiver, "", &frame);
        let seed = self.world.seed();
        assert_eq!(written, Ok(()), "seed {seed}, frame {number} of {side}");
    }

    /// Stops or starts what a side sends of one kind, as its application.
    pub(crate) fn mute(&mut self, side: usize, kind: usize, muted: bool) {
        self.lines[side][kind].muted = muted;
    }

    /// Lets time pass in which nobody sends.
    pub(crate) fn rest(&mut self, time: Duration) {
        self.world.run_for(time);
        self.listen();
    }

    /// How many frames of one kind came to a side.
    pub(crate) fn came(&self, side: usize, kind: usize) -> usize {
        self.lines[side][kind].came.len()
    }

    pub(crate) fn story(&self) -> String {
        trace::tail(self.world.ledger(), 60)
    }

    fn listen(&mut self) {
        for side in 0..2 {
            while let Some(event) = self.world.next_event(self.hosts[side]) {
                self.on_event(side, event);
            }
        }
    }

    fn on_event(&mut self, side: usize, event: Event) {
        let kind_of = |lines: &[Line; 2], id| {
            let fits = |line: &Line| line.transceiver == Some(id);
            lines.iter().position(fits)
        };
        match event {
            Event::Frame {
                transceiver, frame, ..
            } => {
                let kind = kind_of(&self.lines[side], transceiver);
                let kind = kind.expect("a frame of a line that is there");
                let number = number_of(&frame.data, kind);
                assert_eq!(
                    frame.is_key,
                    self.lines[1 - side][kind].sent[number],
                    "seed {}: frame {number}",
                    self.world.seed()
                );
                let came = &mut self.lines[side][kind].came;
                assert!(came.last().is_none_or(|last| *last < number));
                came.push(number);
            }
            Event::KeyFrameRequested { transceiver, .. } => {
                let kind = kind_of(&self.lines[side], transceiver);
                let line = &mut self.lines[side][kind.expect("a line that is there")];
                line.wants_key = true;
                line.asked += 1;
            }
            event => self.events[side].push(event),
        }
    }
}

/// The configuration whose key log lets the oracle read what was sent.
pub(crate) fn open_config() -> Config {
    Config {
        key_log: true,
        ..Config::new()
    }
}

pub(crate) const fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// A piece of sound: nothing of it is ever twice.
fn sound(side: usize, number: usize) -> Bytes {
    let len = 30 + number % 50;
    filled(vec![0xfc], side, number, len)
}

/// A picture that looks like VP8 from outside (RFC 6386 §9.1).
fn picture_of(side: usize, number: usize, is_key: bool, least: usize) -> Bytes {
    if is_key {
        let head = vec![0x10, 0, 0, 0x9d, 0x01, 0x2a, 64, 0, 64, 0];
        return filled(head, side, number, 3 * least);
    }
    filled(vec![0x11, 0, 0], side, number, least + number % 7 * 300)
}

fn filled(mut frame: Vec<u8>, side: usize, number: usize, len: usize) -> Bytes {
    let tag = u32::try_from(number).expect("a small number").to_be_bytes();
    frame.extend(tag);
    let mut state = u32::from_be_bytes(tag) * 2 + u32::from(side == 1) + 1;
    while frame.len() < len {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        frame.push(state.to_be_bytes()[0]);
    }
    frame.into()
}

/// The number that [`filled`] wrote.
fn number_of(data: &[u8], kind: usize) -> usize {
    let head = match (kind, data[0]) {
        (0, _) => 1,
        (_, 0x10) => 10,
        _ => 3,
    };
    let tag = data[head..].first_chunk().expect("a whole frame");
    usize::try_from(u32::from_be_bytes(*tag)).expect("a small number")
}

/// How long a connection may take to be made.
const PATIENCE: Duration = Duration::from_secs(30);
/// Sound comes in pieces of so long.
const TICK: Duration = Duration::from_millis(20);
/// A key frame comes by itself so often.
const KEY_FRAME_EACH: usize = 100;
