//! The sample media of `examples/media`, frame by frame as they are sent.

use core::time::Duration;

use bytes::Bytes;
use pollrtc::rtp::format::Units;

/// Encoded pictures or sound, to be repeated without end.
#[derive(Clone)]
pub(crate) struct Clip {
    frames: Vec<Bytes>,
    keys: Vec<bool>,
    /// Ticks per second of the codec's clock.
    clock_rate: u32,
    /// Ticks from one frame to the next.
    step: u32,
}

/// Where in a clip a sender is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Position {
    /// Frames sent so far, repetitions included: the clock of the stream.
    pub(crate) count: u32,
    /// The next frame of the clip.
    index: usize,
}

impl Clip {
    /// The clip for a codec as SDP names it.
    pub(crate) fn of(codec: &str) -> Option<Self> {
        match codec.to_ascii_lowercase().as_str() {
            "vp8" => Some(Self::vp8()),
            "h264" => Some(Self::h264()),
            "opus" => Some(Self::opus()),
            "pcmu" => Some(Self::pcmu()),
            _ => None,
        }
    }

    /// Thirty pictures a second in VP8.
    pub(crate) fn vp8() -> Self {
        let frames: Vec<Bytes> = ivf(include_bytes!("../media/picture.ivf")).collect();
        // RFC 7741 §4.3: the inverse key frame flag.
        let keys = frames.iter().map(|frame| frame[0] & 1 == 0).collect();
        Self::new(frames, keys, 90_000, 3_000)
    }

    /// The same pictures in H.264, each an access unit with start codes.
    pub(crate) fn h264() -> Self {
        let frames = access_units(include_bytes!("../media/picture.h264"));
        let is_key = |frame: &Bytes| Units::new(frame).any(|unit| unit_type(&frame[unit]) == IDR);
        let keys = frames.iter().map(is_key).collect();
        Self::new(frames, keys, 90_000, 3_000)
    }

    /// Fifty packets a second of Opus.
    pub(crate) fn opus() -> Self {
        let frames = ogg_packets(include_bytes!("../media/tone.opus"));
        // The header and the comments; at the end a packet that only flushes the encoder.
        let sound = frames[2..].iter().take(200).cloned().collect();
        Self::all_keys(sound, 48_000, 960)
    }

    /// Fifty packets a second of PCMU.
    pub(crate) fn pcmu() -> Self {
        let bytes: &'static [u8] = include_bytes!("../media/tone.ulaw");
        let frames = bytes.chunks_exact(160).map(Bytes::from_static).collect();
        Self::all_keys(frames, 8_000, 160)
    }

    fn all_keys(frames: Vec<Bytes>, clock_rate: u32, step: u32) -> Self {
        let keys = vec![true; frames.len()];
        Self::new(frames, keys, clock_rate, step)
    }

    const fn new(frames: Vec<Bytes>, keys: Vec<bool>, clock_rate: u32, step: u32) -> Self {
        Self {
            frames,
            keys,
            clock_rate,
            step,
        }
    }

    /// The frames, in order.
    pub(crate) fn frames(&self) -> &[Bytes] {
        &self.frames
    }

    /// Whether decoding can begin at that frame.
    pub(crate) fn is_key(&self, index: usize) -> bool {
        self.keys[index]
    }

    /// Ticks per second of the codec's clock.
    pub(crate) const fn clock_rate(&self) -> u32 {
        self.clock_rate
    }

    /// The frame at that position and its timestamp; goes on to the next.
    pub(crate) fn next(&self, position: &mut Position) -> (Bytes, u32) {
        let frame = self.frames[position.index].clone();
        let timestamp = position.count.wrapping_mul(self.step);
        position.count = position.count.wrapping_add(1);
        position.index = (position.index + 1) % self.frames.len();
        (frame, timestamp)
    }

    /// Jumps to the next key frame, as an encoder makes one when it is asked to.
    pub(crate) fn skip_to_key(&self, position: &mut Position) {
        while !self.keys[position.index] {
            position.index = (position.index + 1) % self.frames.len();
        }
    }

    /// When the frame at that position is due, counted from the first one.
    pub(crate) fn due(&self, position: Position) -> Duration {
        self.interval() * position.count
    }

    /// The time from one frame to the next.
    pub(crate) fn interval(&self) -> Duration {
        Duration::from_secs(self.step.into()) / self.clock_rate
    }
}

/// The frames of an IVF file: a header of 32 bytes, then size (4), time (8) and data of each.
pub(crate) fn ivf(file: &'static [u8]) -> impl Iterator<Item = Bytes> {
    let mut rest = file.get(32..).unwrap_or_default();
    core::iter::from_fn(move || {
        let size = u32::from_le_bytes(*rest.first_chunk()?);
        let frame = rest.get(12..12 + usize::try_from(size).ok()?)?;
        rest = &rest[12 + frame.len()..];
        Some(Bytes::from_static(frame))
    })
}

/// The access units of an Annex B file with one slice a picture: what comes before a slice belongs to it.
pub(crate) fn access_units(file: &'static [u8]) -> Vec<Bytes> {
    let mut found = Vec::new();
    let mut start = 0;
    for unit in Units::new(file) {
        if matches!(unit_type(&file[unit.clone()]), SLICE | IDR) {
            found.push(Bytes::from_static(&file[start..unit.end]));
            start = unit.end;
        }
    }
    found
}

fn unit_type(unit: &[u8]) -> u8 {
    unit.first().map_or(0, |byte| byte & 0x1f)
}

/// The packets of an Ogg file with one stream (RFC 3533 §6): a lacing value below 255 ends a packet.
pub(crate) fn ogg_packets(file: &[u8]) -> Vec<Bytes> {
    let mut packets = Vec::new();
    let mut packet = Vec::new();
    let mut rest = file;
    while let Some(page) = rest.strip_prefix(b"OggS") {
        let count = usize::from(page[22]);
        let (lacing, data) = page[23..].split_at(count);
        rest = data;
        for size in lacing {
            let (piece, after) = rest.split_at(usize::from(*size));
            packet.extend_from_slice(piece);
            rest = after;
            if *size < 255 {
                packets.push(core::mem::take(&mut packet).into());
            }
        }
    }
    packets
}

const SLICE: u8 = 1;
const IDR: u8 = 5;
