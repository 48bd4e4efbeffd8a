//! Two connections that show each other a picture and speak, and what both remember.

use std::time::Duration;

use bytes::Bytes;
use pollrtc::PeerConnection;
use pollrtc::jsep::Kind;
use pollrtc::peer::{Config, DescriptionError, Event, TransceiverId};
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
    /// What the pictures are.
    pub(crate) codec: &'static str,
    ticks: u32,
}

impl Stage {
    /// Both have a microphone and a camera, and have exchanged descriptions.
    pub(crate) fn new(seed: u64, link: Link, config: &Config) -> Self {
        Self::with_codec(seed, link, config, "VP8")
    }

    /// The same, with pictures of this codec.
    pub(crate) fn with_codec(seed: u64, link: Link, config: &Config, codec: &'static str) -> Self {
        let mut stage = Self::silent(seed, link, config);
        stage.codec = codec;
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
            codec: "VP8",
            ticks: 0,
        }
    }

    pub(crate) fn add_track(&mut self, side: usize, kind: usize) {
        let codec = self.codec;
        let added = self.world.with(self.hosts[side], |peer, _| {
            let id = peer.add_track(KINDS[kind], "track", &["stream"])?;
            let known = &peer.capabilities(Kind::Video).codecs;
            let fits = known
                .iter()
                .filter(|one| [codec, "rtx"].contains(&&*one.name));
            let preferences = fits.cloned().collect();
            if kind == 1 {
                peer.set_codec_preferences(id, preferences)?;
            }
            Ok::<_, DescriptionError>(id)
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
            _ => picture_of(self.codec, side, number, is_key, picture),
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

/// A picture that looks from outside like VP8 (RFC 6386 §9.1), or like H.264 with one
/// slice (Annex B).
fn picture_of(codec: &str, side: usize, number: usize, is_key: bool, least: usize) -> Bytes {
    let head = match (codec, is_key) {
        ("H264", true) => H264_KEY.to_vec(),
        ("H264", false) => vec![0, 0, 0, 1, 0x41],
        (_, true) => vec![0x10, 0, 0, 0x9d, 0x01, 0x2a, 64, 0, 64, 0],
        (_, false) => vec![0x11, 0, 0],
    };
    let len = match is_key {
        true => 3 * least,
        false => least + number % 7 * 300,
    };
    filled(head, side, number, len)
}

/// A head, the number of the frame, and bytes that depend on it, none of them zero.
fn filled(mut frame: Vec<u8>, side: usize, number: usize, len: usize) -> Bytes {
    let number = u32::try_from(number).expect("a small number");
    frame.extend([21, 14, 7, 0].map(|shift| (number >> shift).to_be_bytes()[3] | 0x80));
    let mut state = number * 2 + u32::from(side == 1) + 1;
    while frame.len() < len {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        frame.push(state.to_be_bytes()[0] | 1);
    }
    frame.into()
}

/// The number that [`filled`] wrote.
fn number_of(data: &[u8], kind: usize) -> usize {
    let head = match (kind, data[0]) {
        (0, _) => 1,
        (_, 0) if data.starts_with(H264_KEY) => H264_KEY.len(),
        (_, 0) => 5,
        (_, 0x10) => 10,
        _ => 3,
    };
    let digits = data[head..head + 4].iter();
    digits.fold(0, |number, digit| number << 7 | usize::from(digit & 0x7f))
}

/// Parameters of the sequence and of the picture, and the head of a slice.
const H264_KEY: &[u8] = b"\0\0\0\x01\x67\x42\xc0\x1f\0\0\0\x01\x68\xce\0\0\0\x01\x65";
/// How long a connection may take to be made.
const PATIENCE: Duration = Duration::from_secs(30);
/// Sound comes in pieces of so long.
const TICK: Duration = Duration::from_millis(20);
/// A key frame comes by itself so often.
const KEY_FRAME_EACH: usize = 100;
