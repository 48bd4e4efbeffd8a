//! Which packets does a payload type mean, and do two ends mean the same?

use core::{fmt, mem};

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use crate::rtp::fmtp::{self, Parameters};
use crate::wire::sdp::{Media, RtcpFb};

/// A codec as a description writes it (RFC 8866 §6.6, RFC 4566 §6).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Codec {
    /// What packets carry: 0 to 127. Of a capability, the number that it gets if
    /// nobody has another wish.
    pub payload: u8,
    /// Its name, such as `VP8`; upper and lower case mean the same.
    pub name: String,
    /// Ticks of the RTP timestamp in a second.
    pub clock_rate: u32,
    /// Channels of sound; 1 if nothing is said, and for pictures.
    pub channels: u8,
    /// Its parameters (`fmtp`), in its own syntax; often empty.
    pub parameters: String,
    /// The RTCP feedback that its receiver would like to send, such as `nack pli`.
    pub feedback: Vec<String>,
}

/// An RTP header extension and the number that stands for it (RFC 8285).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeaderExtension {
    /// What packets carry: 1 to 255; above 14 only in the two-byte form.
    pub id: u8,
    /// Which extension.
    pub uri: String,
}

impl Codec {
    /// The codecs of a section, in its order of preference. Payload types without
    /// a name that is known (RFC 3551 §6) are left out.
    pub(super) fn all_of(media: &Media<'_>) -> Vec<Self> {
        // A format that is named again is no other one.
        let mut is_named = [false; 256];
        let payloads = media.formats().filter_map(|format| format.parse().ok());
        let payloads = payloads.filter(|payload: &u8| {
            let named = is_named.get_mut(usize::from(*payload));
            named.is_some_and(|named| !mem::replace(named, true))
        });
        let maps = ByPayload::of(media.rtpmaps().map(|map| (map.payload, map)));
        let fmtps = media.fmtps();
        let fmtps =
            ByPayload::of(fmtps.filter_map(|fmtp| Some((fmtp.payload()?, fmtp.parameters))));
        let feedback: Vec<&RtcpFb<'_>> = media.rtcp_feedback().collect();
        let codecs = payloads.filter_map(|payload| {
            let (name, clock_rate, channels) = match maps.get(payload) {
                Some(map) => (map.encoding, map.clock_rate, map.channels),
                None => static_payload(payload)?,
            };
            Some(Self {
                payload,
                name: name.to_string(),
                clock_rate,
                channels: channels.unwrap_or(1),
                parameters: fmtps.get(payload).unwrap_or_default().to_string(),
                feedback: feedback_of(&feedback, payload),
            })
        });
        codecs.take(MAX_CODECS).collect()
    }

    /// The value of one of its parameters.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<&str> {
        Parameters(&self.parameters).get(name)
    }

    /// The payload type whose packets it repeats (RFC 4588 §8.6), if it is `rtx`.
    #[must_use]
    pub fn repeats(&self) -> Option<u8> {
        if !self.name.eq_ignore_ascii_case("rtx") {
            return None;
        }
        self.parameter("apt")?.parse().ok()
    }

    /// Whether it stands beside a codec and carries no media of its own.
    #[must_use]
    pub fn is_auxiliary(&self) -> bool {
        const AUXILIARY: [&str; 6] = [
            "rtx",
            "red",
            "ulpfec",
            "flexfec-03",
            "telephone-event",
            "CN",
        ];
        AUXILIARY
            .iter()
            .any(|name| self.name.eq_ignore_ascii_case(name))
    }

    /// Whether packets of one can be read as packets of the other: the name, the
    /// clock, and those parameters that are not merely wishes.
    #[must_use]
    pub fn is_same_format(&self, other: &Self) -> bool {
        let same_name = self.name.eq_ignore_ascii_case(&other.name);
        if !same_name || self.clock_rate != other.clock_rate || self.channels != other.channels {
            return false;
        }
        let [ours, theirs] = [self, other].map(|codec| Parameters(&codec.parameters));
        fmtp::Codec::of_name(&self.name).matches(ours, theirs)
    }

    /// The same format, and repeating the same one if it is `rtx`.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        self.is_same_format(other) && self.repeats() == other.repeats()
    }

    /// How much a stream may ask of its decoder; only to be compared with others of
    /// the same format.
    pub(super) fn level(&self) -> u8 {
        fmtp::Codec::of_name(&self.name).level(Parameters(&self.parameters))
    }

    /// How we take what the peer offers as `self`, `ours` being what we can do:
    /// with its payload type, our parameters, and the feedback that both want.
    pub(super) fn answered_by(&self, ours: &Self) -> Self {
        let wanted = |feedback: &&String| self.feedback.contains(*feedback);
        Self {
            payload: self.payload,
            parameters: match self.repeats() {
                Some(_) => self.parameters.clone(),
                None => {
                    let [ours, theirs] = [ours, self].map(|codec| Parameters(&codec.parameters));
                    fmtp::Codec::of_name(&self.name).answered(ours, theirs)
                }
            },
            feedback: ours.feedback.iter().filter(wanted).cloned().collect(),
            ..ours.clone()
        }
    }
}

impl Codec {
    /// The same with the feedback that the peer has for it, too.
    pub(in crate::jsep) fn agreed_with(&self, theirs: Option<&Self>) -> Self {
        let wanted =
            |feedback: &&String| theirs.is_some_and(|theirs| theirs.feedback.contains(*feedback));
        Self {
            feedback: self.feedback.iter().filter(wanted).cloned().collect(),
            ..self.clone()
        }
    }
}

impl fmt::Display for Codec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}/{}", self.payload, self.name, self.clock_rate)?;
        if self.channels != 1 {
            write!(f, "/{}", self.channels)?;
        }
        Ok(())
    }
}

/// What a section says of each of its payload types: what it says first counts.
struct ByPayload<T>([Option<T>; 128]);

impl<T: Copy> ByPayload<T> {
    fn of(said: impl Iterator<Item = (u8, T)>) -> Self {
        let mut all = [None; 128];
        for (payload, value) in said {
            if let Some(slot) = all.get_mut(usize::from(payload)) {
                slot.get_or_insert(value);
            }
        }
        Self(all)
    }

    fn get(&self, payload: u8) -> Option<T> {
        *self.0.get(usize::from(payload))?
    }
}

fn feedback_of(all: &[&RtcpFb<'_>], payload: u8) -> Vec<String> {
    let is_meant = |feedback: &&&RtcpFb<'_>| feedback.payload.is_none_or(|it| it == payload);
    let feedback = all.iter().filter(is_meant);
    let feedback = feedback.map(|feedback| match feedback.parameter {
        "" => feedback.kind.to_string(),
        parameter => [feedback.kind, parameter].join(" "),
    });
    feedback.take(MAX_FEEDBACK).collect()
}

/// The payload types that need no `rtpmap` (RFC 3551 §6), as far as anybody uses them.
const fn static_payload(payload: u8) -> Option<(&'static str, u32, Option<u8>)> {
    Some(match payload {
        0 => ("PCMU", 8000, None),
        8 => ("PCMA", 8000, None),
        9 => ("G722", 8000, None),
        13 => ("CN", 8000, None),
        _ => return None,
    })
}

/// How many codecs of a section are looked at; the rest is ignored.
const MAX_CODECS: usize = 128;

/// How many kinds of feedback of a codec are kept; the rest is ignored.
const MAX_FEEDBACK: usize = 32;
