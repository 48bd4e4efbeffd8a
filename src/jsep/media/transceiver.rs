//! Which media are there, which way do they flow, and in which sections?

use core::fmt;

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use rand_core::CryptoRng;

use super::{Codec, Encoding, EncodingLimits, EncodingParameters, RemoteStreams, Stream, encoding};
use crate::rng::Rng;
use crate::tight;
use crate::wire::sdp::Direction;

/// What kind of media is it?
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Sound.
    Audio,
    /// Pictures.
    Video,
}

impl Kind {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Audio => "audio",
            Self::Video => "video",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Which transceiver of a session? Never that of another one, also after the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TransceiverId(u32);

impl TransceiverId {
    pub(crate) const fn with_number(number: u32) -> Self {
        Self(number)
    }

    /// Its number: how many were made before it.
    #[must_use]
    pub const fn number(self) -> u32 {
        self.0
    }
}

impl fmt::Display for TransceiverId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "transceiver {}", self.0)
    }
}

/// What a new transceiver should be like (W3C `RTCRtpTransceiverInit`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransceiverInit {
    /// Which way media should flow.
    pub direction: Direction,
    /// The streams that its track belongs to, by name.
    pub streams: Vec<String>,
    /// In which forms to send it at a time (RFC 8853); none for a single one without limits.
    pub encodings: Vec<EncodingParameters>,
}

impl Default for TransceiverInit {
    fn default() -> Self {
        Self {
            direction: Direction::SendRecv,
            streams: Vec::new(),
            encodings: Vec::new(),
        }
    }
}

/// One sender and one receiver that share a section (RFC 8829 §3.4.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transceiver {
    id: TransceiverId,
    kind: Kind,
    /// The name of its section, once there is one.
    pub(in crate::jsep) mid: Option<String>,
    /// What the application wants.
    pub(in crate::jsep) direction: Direction,
    /// What the last answer settled.
    pub(in crate::jsep) current: Option<Direction>,
    /// What the application did to end it.
    pub(in crate::jsep) life: Life,
    /// What there is to send, if anything.
    pub(in crate::jsep) track: Option<String>,
    /// Under which name the peer knows it.
    label: Option<String>,
    /// Whether there has ever been something to send.
    sent: bool,
    /// Whether an answer has ever let it send.
    used: bool,
    /// Made by `add_track`: an offer of the peer's may use it.
    pub(in crate::jsep) by_track: bool,
    /// Made by an offer of the peer's: it goes when the offer does.
    by_offer: bool,
    pub(in crate::jsep) streams: Vec<String>,
    pub(in crate::jsep) encodings: Vec<Encoding>,
    pub(in crate::jsep) preferences: Vec<Codec>,
    /// The header extensions that the application does not want.
    pub(in crate::jsep) unwanted_extensions: Vec<String>,
    /// How often what its sender's parameters say has changed.
    pub(in crate::jsep) generation: u32,
    pub(in crate::jsep) remote: Option<RemoteStreams>,
}

/// How far is a transceiver from its end?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::jsep) enum Life {
    Live,
    /// The application has stopped it; the peer does not know yet.
    Stopping,
    /// It has no section any more.
    Stopped,
}

impl Transceiver {
    /// Which one it is.
    #[must_use]
    pub const fn id(&self) -> TransceiverId {
        self.id
    }

    /// Sound or pictures.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// The name of its section, once a description has given it one.
    #[must_use]
    pub fn mid(&self) -> Option<&str> {
        self.mid.as_deref()
    }

    /// Which way the application wants media to flow.
    #[must_use]
    pub const fn direction(&self) -> Direction {
        self.direction
    }

    /// Which way the last answer lets media flow; `None` before there was one.
    #[must_use]
    pub const fn current_direction(&self) -> Option<Direction> {
        self.current
    }

    /// Whether it has come, or comes with the next answer, to its end.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        self.life != Life::Live
    }

    /// Whether it is over: it takes part in nothing any more.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        self.life == Life::Stopped
    }

    /// Whether neither an exchange nor the application has to do with it any more.
    pub(in crate::jsep) fn is_over(&self) -> bool {
        self.is_stopped() || self.is_stopping() && self.mid.is_none()
    }

    /// In which forms its track is sent.
    #[must_use]
    pub fn encodings(&self) -> &[Encoding] {
        &self.encodings
    }

    /// What the peer says of what it sends; `None` while it sends nothing.
    #[must_use]
    pub const fn remote(&self) -> Option<&RemoteStreams> {
        self.remote.as_ref()
    }

    /// The `msid` lines of its section (RFC 8829 §5.2.1): the streams of its track,
    /// or none, which is written as a dash.
    pub(in crate::jsep) fn msids(&self) -> Vec<Stream> {
        let track = || Some(self.label.clone().unwrap_or_else(|| self.id.0.to_string()));
        if self.streams.is_empty() {
            return Vec::from([Stream {
                stream: "-".to_string(),
                track: track(),
            }]);
        }
        let mut streams: Vec<Stream> = Vec::new();
        for stream in &self.streams {
            if !streams.iter().any(|known| known.stream == *stream) {
                streams.push(Stream {
                    stream: stream.clone(),
                    track: track(),
                });
            }
        }
        streams
    }

    /// The name of what there is to send, if anything: what `add_track` or
    /// `replace_track` said last.
    #[must_use]
    pub fn track(&self) -> Option<&str> {
        self.track.as_deref()
    }

    /// Whether what there was to send was taken away.
    #[must_use]
    pub const fn is_silent(&self) -> bool {
        self.sent && self.track.is_none()
    }

    /// One of its encodings.
    pub(in crate::jsep) fn encoding_mut(&mut self, rid: &str) -> Option<&mut Encoding> {
        let mut encodings = self.encodings.iter_mut();
        encodings.find(|encoding| encoding.rid == rid)
    }

    /// Whether it sends in a single form, without a name.
    fn is_plain(&self) -> bool {
        matches!(&self.encodings[..], [only] if only.rid.is_empty())
    }

    /// W3C §5.2 `replaceTrack`.
    pub(in crate::jsep) fn replace_track(&mut self, track: Option<&str>) {
        self.track = track.map(ToString::to_string);
        self.sent |= track.is_some();
    }

    /// The application ends it (W3C §5.4 `stop`).
    pub(in crate::jsep) const fn stop(&mut self) {
        self.life = if self.mid.is_some() {
            Life::Stopping
        } else {
            Life::Stopped
        };
        self.direction = Direction::Inactive;
    }

    /// An answer lets media flow this way.
    pub(in crate::jsep) fn agree(&mut self, direction: Direction) {
        self.current = Some(direction);
        self.used |= direction.sends();
    }

    /// Stops it for good: it has no section any more.
    pub(in crate::jsep) fn end(&mut self) {
        self.life = Life::Stopped;
        self.direction = Direction::Inactive;
        self.current = None;
        self.remote = None;
    }
}

/// All transceivers of a session, in the order in which they came to be.
#[derive(Clone, PartialEq, Eq)]
pub(in crate::jsep) struct Transceivers {
    list: Vec<Transceiver>,
    made: u32,
    /// The name that all our streams share: they have one clock (RFC 7022).
    cname: String,
    /// What SSRCs are drawn from, and how many were.
    seed: u64,
    drawn: u64,
}

impl Transceivers {
    pub(in crate::jsep) fn new(rng: &mut (impl CryptoRng + ?Sized)) -> Self {
        Self {
            list: Vec::new(),
            made: 0,
            // RFC 7022 §4.2: it tells nothing.
            cname: alloc::format!("{:016x}", rng.next_u64()),
            seed: rng.next_u64(),
            drawn: 0,
        }
    }

    pub(in crate::jsep) fn iter(&self) -> impl Iterator<Item = &Transceiver> + Clone {
        self.list.iter()
    }

    pub(in crate::jsep) fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether it is one of them, or was.
    pub(in crate::jsep) const fn has_made(&self, id: TransceiverId) -> bool {
        id.0 < self.made
    }

    /// Those of a kind do not receive any more.
    pub(in crate::jsep) fn stop_receiving(&mut self, kind: Kind) {
        let live = |one: &&mut Transceiver| one.kind == kind && one.life == Life::Live;
        for transceiver in self.list.iter_mut().filter(live) {
            transceiver.direction = Direction::of(transceiver.direction.sends(), false);
        }
    }

    pub(in crate::jsep) fn get(&self, id: TransceiverId) -> Option<&Transceiver> {
        self.list.iter().find(|transceiver| transceiver.id == id)
    }

    pub(in crate::jsep) fn get_mut(&mut self, id: TransceiverId) -> Option<&mut Transceiver> {
        let mut all = self.list.iter_mut();
        all.find(|transceiver| transceiver.id == id)
    }

    /// The one of the section with this name.
    pub(in crate::jsep) fn named(&self, mid: &str) -> Option<&Transceiver> {
        let mut all = self.list.iter();
        all.find(|transceiver| transceiver.mid() == Some(mid))
    }

    pub(in crate::jsep) fn named_mut(&mut self, mid: &str) -> Option<&mut Transceiver> {
        let mut all = self.list.iter_mut();
        all.find(|transceiver| transceiver.mid() == Some(mid))
    }

    fn encoding(&mut self, kind: Kind, wanted: &EncodingParameters) -> Encoding {
        Encoding {
            rid: wanted.rid.clone(),
            ssrc: Some(self.fresh_ssrc()),
            // Sound is not repeated.
            repair_ssrc: (kind == Kind::Video).then(|| self.fresh_ssrc()),
            cname: self.cname.clone(),
            paused: !wanted.active,
            limits: EncodingLimits::of(wanted),
        }
    }

    /// The peer asks for layers: whoever sends in a single form, without a name, sends
    /// those (W3C §4.4.1.5).
    pub(in crate::jsep) fn ask_for_layers(&mut self, id: TransceiverId, layers: &[String]) {
        let is_plain = |one: &&Transceiver| one.is_plain();
        let Some(kind) = self.get(id).filter(is_plain).map(Transceiver::kind) else {
            return;
        };
        let wanted = encoding::asked_for(kind, layers);
        let encodings = wanted.iter().map(|wanted| self.encoding(kind, wanted));
        let encodings: Vec<Encoding> = encodings.collect();
        if let Some(transceiver) = self.get_mut(id).filter(|_| !encodings.is_empty()) {
            transceiver.encodings = encodings;
        }
    }

    /// W3C §5.1 `addTransceiver`.
    pub(in crate::jsep) fn add(&mut self, kind: Kind, init: TransceiverInit) -> &mut Transceiver {
        let id = TransceiverId(self.made);
        self.made += 1;
        let single = [EncodingParameters::default()];
        let wanted = if init.encodings.is_empty() {
            &single
        } else {
            init.encodings.as_slice()
        };
        let encodings = wanted.iter().map(|wanted| self.encoding(kind, wanted));
        let encodings = encodings.collect();
        let transceiver = Transceiver {
            id,
            kind,
            mid: None,
            direction: init.direction,
            current: None,
            life: Life::Live,
            track: None,
            label: None,
            sent: false,
            used: false,
            by_track: false,
            by_offer: false,
            encodings,
            streams: init.streams,
            preferences: Vec::new(),
            unwanted_extensions: Vec::new(),
            generation: 0,
            remote: None,
        };
        tight::push(&mut self.list, transceiver);
        let last = self.list.len() - 1;
        &mut self.list[last]
    }

    /// RFC 3550 §8.1: random, and not one of ours.
    fn fresh_ssrc(&mut self) -> u32 {
        loop {
            self.drawn += 1;
            let ssrc = Rng::from_number(self.seed.wrapping_add(self.drawn)).u32();
            let ours = self.list.iter().flat_map(|other| &other.encodings);
            let mut taken = ours.flat_map(|encoding| [encoding.ssrc, encoding.repair_ssrc]);
            if ssrc != 0 && !taken.any(|other| other == Some(ssrc)) {
                return ssrc;
            }
        }
    }

    /// W3C §5.1 `addTrack`: takes one that has nothing to send and was never let, else
    /// makes one.
    pub(in crate::jsep) fn add_track(
        &mut self,
        kind: Kind,
        track: &str,
        streams: Vec<String>,
    ) -> TransceiverId {
        let idle = |other: &&mut Transceiver| {
            other.kind == kind && other.life == Life::Live && other.track.is_none() && !other.used
        };
        let transceiver = match self.list.iter_mut().find(idle) {
            Some(idle) => {
                idle.direction = Direction::of(true, idle.direction.receives());
                idle.streams = streams;
                idle
            }
            None => {
                let init = TransceiverInit {
                    streams,
                    ..TransceiverInit::default()
                };
                let made = self.add(kind, init);
                made.by_track = true;
                made
            }
        };
        transceiver.sent = true;
        transceiver.track = Some(track.to_string());
        transceiver.label = Some(track.to_string());
        // If the offer that made it is taken back, it is as if a track had made it.
        transceiver.by_track |= core::mem::take(&mut transceiver.by_offer);
        transceiver.id
    }

    /// W3C §5.1 `removeTrack`.
    pub(in crate::jsep) fn remove_track(&mut self, id: TransceiverId) {
        if let Some(transceiver) = self.get_mut(id)
            && transceiver.life == Life::Live
            && transceiver.track.take().is_some()
        {
            transceiver.direction = Direction::of(false, transceiver.direction.receives());
        }
    }

    /// The one for a section of the peer's offer (RFC 8829 §5.10): the one that has
    /// it, one that waits for such a section, or a new one that only receives.
    pub(in crate::jsep) fn for_offered(
        &mut self,
        mid: &str,
        kind: Kind,
        direction: Direction,
    ) -> &mut Transceiver {
        let named = |other: &Transceiver| other.mid() == Some(mid);
        let waiting = |other: &Transceiver| {
            direction.receives()
                && other.kind == kind
                && other.by_track
                && other.mid.is_none()
                && other.life == Life::Live
        };
        let known = self.list.iter().position(named);
        let index = match known.or_else(|| self.list.iter().position(waiting)) {
            Some(index) => index,
            None => {
                let init = TransceiverInit {
                    direction: Direction::RecvOnly,
                    ..TransceiverInit::default()
                };
                self.add(kind, init).by_offer = true;
                self.list.len() - 1
            }
        };
        let transceiver = &mut self.list[index];
        transceiver.mid = Some(mid.to_string());
        transceiver
    }

    /// Takes back what descriptions have done since `before` (RFC 8829 §4.1.8.2),
    /// and leaves what the application has done.
    pub(in crate::jsep) fn roll_back(&mut self, before: &Self) {
        self.list.retain_mut(|transceiver| {
            let old = before.get(transceiver.id);
            transceiver.mid = old.and_then(|old| old.mid.clone());
            transceiver.remote = old.and_then(|old| old.remote.clone());
            if let Some(plain) = old.filter(|old| old.is_plain() && !transceiver.is_plain()) {
                transceiver.encodings.clone_from(&plain.encodings);
            }
            old.is_some() || !transceiver.by_offer
        });
    }

    /// Ends all of them.
    pub(in crate::jsep) fn end_all(&mut self) {
        self.list.iter_mut().for_each(Transceiver::end);
    }

    /// Forgets those that are over.
    pub(in crate::jsep) fn bury(&mut self) {
        self.list.retain(|transceiver| !transceiver.is_over());
    }
}
