//! What can be sent and received?

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::{Codec, Kind};
use crate::wire::sdp::Direction;

/// What can be sent and received of one kind of media, in order of preference.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Capabilities {
    /// The codecs, auxiliary ones such as `rtx` included. No payload type may be
    /// there twice, for both kinds of media together.
    pub codecs: Vec<Codec>,
    /// The URIs of the RTP header extensions.
    pub extensions: Vec<String>,
    /// Which of the codecs cannot be received, by payload type.
    pub send_only: Vec<u8>,
    /// Which of the codecs cannot be sent, by payload type.
    pub receive_only: Vec<u8>,
}

/// What can be sent and received?
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct MediaCapabilities {
    /// Of sound.
    pub audio: Capabilities,
    /// Of pictures.
    pub video: Capabilities,
}

impl MediaCapabilities {
    /// What today's browsers have in common.
    #[must_use]
    pub fn browser() -> Self {
        let opus = codec(111, "opus", 48_000, "minptime=10;useinbandfec=1").stereo();
        let audio = [
            opus.with_feedback(&["transport-cc"]),
            codec(9, "G722", 8000, ""),
            codec(0, "PCMU", 8000, ""),
            codec(8, "PCMA", 8000, ""),
            codec(110, "telephone-event", 48_000, "0-15"),
            codec(126, "telephone-event", 8000, "0-15"),
        ];
        let h264 = |mode, profile| {
            let asymmetry = "level-asymmetry-allowed=1";
            alloc::format!("{asymmetry};packetization-mode={mode};profile-level-id={profile}")
        };
        let video = [
            (96, "VP8", String::new()),
            (98, "VP9", "profile-id=0".to_string()),
            (102, "H264", h264(1, "42001f")),
            (104, "H264", h264(0, "42001f")),
            (106, "H264", h264(1, "42e01f")),
            (108, "H264", h264(0, "42e01f")),
            (45, "AV1", "level-idx=5;profile=0;tier=0".to_string()),
        ];
        Self {
            audio: Capabilities {
                codecs: audio.into(),
                extensions: uris(&AUDIO_EXTENSIONS),
                ..Capabilities::default()
            },
            video: Capabilities {
                codecs: repeated(&video, &VIDEO_FEEDBACK),
                extensions: uris(&VIDEO_EXTENSIONS),
                ..Capabilities::default()
            },
        }
    }

    /// What aiortc 1.13 has, with its payload types.
    #[must_use]
    pub fn aiortc() -> Self {
        let audio = [
            codec(96, "opus", 48_000, "").stereo(),
            codec(9, "G722", 8000, ""),
            codec(0, "PCMU", 8000, ""),
            codec(8, "PCMA", 8000, ""),
        ];
        let h264 = "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=";
        let video = [
            (97, "VP8", String::new()),
            (99, "H264", [h264, "42001f"].concat()),
            (101, "H264", [h264, "42e01f"].concat()),
        ];
        let feedback = ["nack", "nack pli", "goog-remb"];
        Self {
            audio: Capabilities {
                codecs: audio.into(),
                extensions: uris(&[MID, AUDIO_LEVEL]),
                ..Capabilities::default()
            },
            video: Capabilities {
                codecs: repeated(&video, &feedback),
                extensions: uris(&[MID, ABS_SEND_TIME]),
                ..Capabilities::default()
            },
        }
    }

    /// Those of one kind.
    #[must_use]
    pub const fn of(&self, kind: Kind) -> &Capabilities {
        match kind {
            Kind::Audio => &self.audio,
            Kind::Video => &self.video,
        }
    }
}

impl Capabilities {
    /// What of our `codecs` can go which way (RFC 8829 §5.2.1). Both ways goes what can
    /// be sent and received; where that is said apart, the one of the lower level.
    pub(in crate::jsep) fn toward<'c>(
        &self,
        direction: Direction,
        codecs: &'c [Codec],
    ) -> Vec<&'c Codec> {
        let is_paused = direction == Direction::Inactive;
        let [sends, receives] = [direction.sends(), direction.receives()].map(|it| it || is_paused);
        // Of two with the same level one is enough.
        let has_other = |one: &Codec, among: &[u8], more: u8| {
            let mut others = codecs.iter().filter(|other| among.contains(&other.payload));
            others.any(|other| {
                other.is_same_format(one) && other.level() >= one.level().saturating_add(more)
            })
        };
        let can_be_sent = |codec: &Codec| {
            !self.receive_only.contains(&codec.payload)
                || receives && has_other(codec, &self.send_only, 1)
        };
        let can_be_received = |codec: &Codec| {
            !self.send_only.contains(&codec.payload)
                || sends && has_other(codec, &self.receive_only, 0)
        };
        let can = |codec: &&Codec| {
            (!sends || can_be_sent(codec)) && (!receives || can_be_received(codec))
        };
        codecs.iter().filter(can).collect()
    }

    /// Whether anything of an offer could be answered.
    pub(in crate::jsep) fn knows(&self, offered: &[Codec]) -> bool {
        // A codec that only accompanies others is nothing alone.
        let mut offered = offered.iter().filter(|codec| !codec.is_auxiliary());
        offered.any(|codec| self.codecs.iter().any(|ours| ours.is_same_format(codec)))
    }

    /// What we answer to the codecs of an offer, in the order of `preferences` or,
    /// where there are none, of the offer (RFC 8829 §5.3.1).
    pub(in crate::jsep) fn answer(
        &self,
        direction: Direction,
        offered: &[Codec],
        preferences: &[Codec],
    ) -> Vec<Codec> {
        if preferences.is_empty() {
            answer(offered, &self.toward(direction, &self.codecs), false)
        } else {
            answer(offered, &self.toward(direction, preferences), true)
        }
    }
}

/// What is `allowed` of what is `offered`, in the order of the one or the other.
fn answer(offered: &[Codec], allowed: &[&Codec], is_sorted: bool) -> Vec<Codec> {
    let ours = |codec: &Codec| allowed.iter().position(|ours| ours.is_same_format(codec));
    let mut taken: Vec<(usize, Codec)> = Vec::new();
    for codec in offered.iter().filter(|codec| codec.repeats().is_none()) {
        if let Some(rank) = ours(codec) {
            taken.push((rank, codec.answered_by(allowed[rank])));
        }
    }
    if is_sorted {
        taken.sort_by_key(|(rank, _)| *rank);
    }
    let mut answer: Vec<Codec> = taken.into_iter().map(|(_, codec)| codec).collect();
    // A codec that only accompanies others is nothing alone.
    if answer.iter().all(Codec::is_auxiliary) {
        return Vec::new();
    }
    add_repeats(offered, allowed, &mut answer);
    answer
}

/// Puts behind each codec the retransmission format that was offered for it.
fn add_repeats(offered: &[Codec], allowed: &[&Codec], answer: &mut Vec<Codec>) {
    let Some(rtx) = allowed.iter().find(|codec| codec.repeats().is_some()) else {
        return;
    };
    let plain = core::mem::take(answer);
    for codec in plain {
        let repeats = |other: &&Codec| other.repeats() == Some(codec.payload);
        let repeat = offered.iter().find(repeats);
        answer.push(codec);
        answer.extend(repeat.map(|repeat| repeat.answered_by(rtx)));
    }
}

/// Codecs of pictures, each with the next payload type for what is sent again.
fn repeated(codecs: &[(u8, &str, String)], feedback: &[&str]) -> Vec<Codec> {
    let pairs = codecs.iter().flat_map(|(payload, name, parameters)| {
        let repeats = alloc::format!("apt={payload}");
        [
            codec(*payload, name, 90_000, parameters).with_feedback(feedback),
            codec(payload + 1, "rtx", 90_000, &repeats),
        ]
    });
    pairs.collect()
}

fn codec(payload: u8, name: &str, clock_rate: u32, parameters: &str) -> Codec {
    Codec {
        payload,
        name: name.to_string(),
        clock_rate,
        channels: 1,
        parameters: parameters.to_string(),
        feedback: Vec::new(),
    }
}

impl Codec {
    fn stereo(self) -> Self {
        Self {
            channels: 2,
            ..self
        }
    }

    fn with_feedback(self, feedback: &[&str]) -> Self {
        Self {
            feedback: uris(feedback),
            ..self
        }
    }
}

fn uris(texts: &[&str]) -> Vec<String> {
    texts.iter().map(ToString::to_string).collect()
}

const VIDEO_FEEDBACK: [&str; 5] = ["goog-remb", "transport-cc", "ccm fir", "nack", "nack pli"];

const AUDIO_EXTENSIONS: [&str; 4] = [AUDIO_LEVEL, ABS_SEND_TIME, TRANSPORT_SEQUENCE, MID];

const VIDEO_EXTENSIONS: [&str; 6] = [
    ABS_SEND_TIME,
    "urn:3gpp:video-orientation",
    TRANSPORT_SEQUENCE,
    MID,
    "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id",
    "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id",
];

const AUDIO_LEVEL: &str = "urn:ietf:params:rtp-hdrext:ssrc-audio-level";
/// The header extension that names the section of a packet (RFC 9143 §15.1).
pub(in crate::jsep) const MID: &str = "urn:ietf:params:rtp-hdrext:sdes:mid";
const ABS_SEND_TIME: &str = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time";
const TRANSPORT_SEQUENCE: &str =
    "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01";
