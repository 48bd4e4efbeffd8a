//! How should a track be sent, apart from what descriptions say?

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::{Encoding, Kind};
use crate::jsep::DescriptionError::{self, Operation, Range, Type};

/// One of the forms in which a track is to be sent (W3C `RTCRtpEncodingParameters`).
///
/// The limits are for whoever encodes, to be read and kept there: what is written is sent
/// as it is, as soon as it can be, and no picture is scaled or left out. Of itself the
/// crate only stops what is not [`active`](Self::active). Fractions are told in thousandths.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncodingParameters {
    /// Its name (RFC 8851); empty if there is only one.
    pub rid: String,
    /// Whether it is sent at present.
    pub active: bool,
    /// How many bits a second it may have, without what is below RTP (RFC 3890 §6.2.2).
    pub max_bitrate: Option<u32>,
    /// How many thousandths of a picture it may have a second: 29,970 is the rate of
    /// NTSC. Only of pictures.
    pub max_framerate: Option<u32>,
    /// By how many thousandths width and height are divided: 1,000 leaves them, 2,000
    /// halves them. Only of pictures.
    pub scale_resolution_down_by: Option<u32>,
    /// In which layers, as webrtc-svc names them: `L3T3_KEY`. Only of pictures.
    pub scalability_mode: Option<String>,
    /// Which of several streams whoever encodes should favour when not all can go.
    pub priority: Priority,
}

/// What the application allows an encoding, as [`EncodingParameters`] say it: for whoever
/// encodes, since the crate itself holds nothing to it.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct EncodingLimits {
    /// How many bits a second it may have.
    pub max_bitrate: Option<u32>,
    /// How many thousandths of a picture it may have a second.
    pub max_framerate: Option<u32>,
    /// By how many thousandths width and height are divided.
    pub scale_resolution_down_by: Option<u32>,
    /// In which layers.
    pub scalability_mode: Option<String>,
    /// Which of several streams to favour.
    pub priority: Priority,
}

impl EncodingLimits {
    pub(in crate::jsep) fn of(parameters: &EncodingParameters) -> Self {
        Self {
            max_bitrate: parameters.max_bitrate,
            max_framerate: parameters.max_framerate,
            scale_resolution_down_by: parameters.scale_resolution_down_by,
            scalability_mode: parameters.scalability_mode.clone(),
            priority: parameters.priority,
        }
    }
}

/// What matters most (RFC 8835 §4.1)?
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Priority {
    /// After all else.
    VeryLow,
    /// As most things.
    #[default]
    Low,
    /// Twice as important.
    Medium,
    /// Four times as important.
    High,
}

impl Priority {
    /// The W3C's word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::VeryLow => "very-low",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }

    /// The number that says the same of a data channel (RFC 8832 §5.1, RFC 8831 §6.4).
    #[must_use]
    pub const fn of_channel(self) -> u16 {
        match self {
            Self::VeryLow => 128,
            Self::Low => 256,
            Self::Medium => 512,
            Self::High => 1024,
        }
    }
}

/// One that is sent, without a name or a limit.
impl Default for EncodingParameters {
    fn default() -> Self {
        Self {
            rid: String::new(),
            active: true,
            max_bitrate: None,
            max_framerate: None,
            scale_resolution_down_by: None,
            scalability_mode: None,
            priority: Priority::default(),
        }
    }
}

impl EncodingParameters {
    /// One of several, with this name and without a limit.
    #[must_use]
    pub fn named(rid: &str) -> Self {
        Self {
            rid: rid.to_string(),
            ..Self::default()
        }
    }

    pub(in crate::jsep) fn of(encoding: &Encoding) -> Self {
        Self {
            rid: encoding.rid.clone(),
            active: !encoding.paused,
            max_bitrate: encoding.limits.max_bitrate,
            max_framerate: encoding.limits.max_framerate,
            scale_resolution_down_by: encoding.limits.scale_resolution_down_by,
            scalability_mode: encoding.limits.scalability_mode.clone(),
            priority: encoding.limits.priority,
        }
    }

    /// W3C §5.2 `setParameters` 7 to 10: what sound has not is left out, and pictures
    /// are not made larger.
    pub(in crate::jsep) fn check(&mut self, kind: Kind) -> Result<(), DescriptionError> {
        if kind == Kind::Audio {
            self.max_framerate = None;
            self.scale_resolution_down_by = None;
            self.scalability_mode = None;
        } else if self.scale_resolution_down_by.is_some_and(|by| by < WHOLE) {
            return Err(Range("scale_resolution_down_by is below 1"));
        }
        // webrtc-svc §5.1.
        if !self.scalability_mode.as_deref().is_none_or(is_mode) {
            return Err(Operation("no such scalability mode"));
        }
        Ok(())
    }
}

/// W3C §5.1 `addTransceiver` 8: what the application asks for, completed.
pub(in crate::jsep) fn init(
    kind: Kind,
    wanted: &[EncodingParameters],
) -> Result<Vec<EncodingParameters>, DescriptionError> {
    check_rids(wanted).map_err(Type)?;
    let mut encodings = wanted.to_vec();
    for encoding in &mut encodings {
        encoding.check(kind)?;
        if encoding.max_framerate == Some(0) {
            return Err(Range("max_framerate is not above 0"));
        }
    }
    // Layers that cannot be sent anyway are left out.
    encodings.truncate(MAX_ENCODINGS);
    if encodings.is_empty() {
        encodings.push(EncodingParameters::default());
    }
    if kind == Kind::Video {
        scale(&mut encodings);
    }
    // RFC 8853 is about several.
    if let [lone] = &mut *encodings {
        lone.rid.clear();
    }
    Ok(encodings)
}

/// The layers that the peer asks for (W3C §4.4.1.5): each once, and none whose name
/// packets cannot carry.
pub(super) fn asked_for(kind: Kind, layers: &[String]) -> Vec<EncodingParameters> {
    let mut wanted: Vec<EncodingParameters> = Vec::new();
    for rid in layers.iter().filter(|rid| rid.len() <= MAX_RID_LEN) {
        if wanted.len() < MAX_ENCODINGS && !wanted.iter().any(|one| one.rid == *rid) {
            wanted.push(EncodingParameters::named(rid));
        }
    }
    if kind == Kind::Video {
        scale(&mut wanted);
    }
    wanted
}

/// The last layer has all that there is, each before it half of the next; or, where
/// the application says something, all of which it says nothing.
fn scale(encodings: &mut [EncodingParameters]) {
    let is_said = encodings
        .iter()
        .any(|encoding| encoding.scale_resolution_down_by.is_some());
    let mut by = WHOLE;
    for encoding in encodings.iter_mut().rev() {
        encoding.scale_resolution_down_by.get_or_insert(by);
        by = if is_said { by } else { by * 2 };
    }
}

/// Letters and digits, which is all that packets may carry (RFC 8852 §3), each name
/// once, and all or none.
fn check_rids(encodings: &[EncodingParameters]) -> Result<(), &'static str> {
    let is_named = |one: &&EncodingParameters| !one.rid.is_empty();
    let named = encodings.iter().filter(is_named).count();
    if encodings.len() > 1 && named != encodings.len() {
        return Err(match named {
            0 => "several encodings need names",
            _ => "some encodings have a name, and some have none",
        });
    }
    let is_rid = |one: &EncodingParameters| {
        one.rid.len() <= MAX_RID_LEN && one.rid.bytes().all(|byte| byte.is_ascii_alphanumeric())
    };
    if !encodings.iter().all(is_rid) {
        return Err("a rid is 1 to 16 letters and digits");
    }
    let mut rids = encodings
        .iter()
        .enumerate()
        .filter(|(_, one)| is_named(one));
    if rids.any(|(place, one)| encodings[..place].iter().any(|other| other.rid == one.rid)) {
        return Err("a rid is there twice");
    }
    Ok(())
}

/// Whether webrtc-svc knows layers of this name (§6): up to three of each kind, with
/// one key frame for all (`_KEY`) where there are several in space.
fn is_mode(mode: &str) -> bool {
    let (layers, suffix) = match mode.split_once('_') {
        Some((layers, suffix)) => (layers, Some(suffix)),
        None => (mode, None),
    };
    let (layers, is_half) = match layers.strip_suffix('h') {
        Some(layers) => (layers, true),
        None => (layers, false),
    };
    let &[
        kind @ (b'L' | b'S'),
        spatial @ b'1'..=b'3',
        b'T',
        b'1'..=b'3',
    ] = layers.as_bytes()
    else {
        return false;
    };
    let is_single = spatial == b'1';
    match (kind, suffix) {
        (b'L', None) => !(is_single && is_half),
        (b'L', Some("KEY")) => !is_single && !is_half,
        (b'L', Some("KEY_SHIFT")) => !is_single && !is_half && !layers.ends_with("T1"),
        (_, None) => !is_single,
        _ => false,
    }
}

/// A thousand thousandths.
const WHOLE: u32 = 1_000;

/// RFC 8851 §10 allows any length, the header extension 16 in its one-byte form (RFC 8285 §4.2).
const MAX_RID_LEN: usize = 16;

/// In how many forms a track may be sent at a time; the rest is left out.
const MAX_ENCODINGS: usize = 8;
