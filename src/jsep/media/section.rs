//! What does a section say of media?

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::{Codec, EncodingLimits, HeaderExtension, Kind, MediaCapabilities};
use crate::wire::sdp::{
    Attribute, Description, Direction, Extmap, Fmtp, HasAttributes, Media, MediaKind, Msid, Rid,
    RtcpFb, Rtpmap, Simulcast, Ssrc, SsrcGroup,
};

/// A section of media, without what it says of its transport.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::jsep) struct Rtp {
    pub(in crate::jsep) kind: Kind,
    /// As its writer sees it.
    pub(in crate::jsep) direction: Direction,
    /// What its writer takes, in order of preference.
    pub(in crate::jsep) codecs: Vec<Codec>,
    pub(in crate::jsep) extensions: Vec<HeaderExtension>,
    /// Whether RTP and RTCP share a port (RFC 5761).
    pub(in crate::jsep) mux: bool,
    /// Whether RTCP packets may be incomplete (RFC 5506).
    pub(in crate::jsep) reduced: bool,
    /// Whether header extensions of both forms may come in turn (RFC 8285 §6).
    pub(in crate::jsep) mixed: bool,
    /// Whether its writer takes packets whose header is hidden, too (RFC 9335).
    pub(in crate::jsep) cryptex: bool,
    /// The tracks' streams.
    pub(in crate::jsep) streams: Vec<Stream>,
    /// What its writer sends, where it says so.
    pub(in crate::jsep) encodings: Vec<Encoding>,
    /// The layers that its writer would take, by name.
    pub(in crate::jsep) layers: Vec<String>,
}

/// What is said of all sections of media above them.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::jsep) struct Session {
    direction: Option<Direction>,
    mixed: bool,
    cryptex: bool,
}

impl Session {
    pub(in crate::jsep) fn of(description: &Description<'_>) -> Self {
        let lines = description.attributes();
        Self {
            direction: lines.iter().find_map(|line| match line {
                Attribute::Direction(direction) => Some(*direction),
                _ => None,
            }),
            mixed: lines.contains(&Attribute::ExtmapAllowMixed),
            cryptex: lines.contains(&CRYPTEX),
        }
    }
}

/// To which stream does a track belong (RFC 8830)?
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stream {
    /// The stream's name; `-` for none.
    pub stream: String,
    /// The track's name, if it has one.
    pub track: Option<String>,
}

/// One of the forms in which a track is sent at a time.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Encoding {
    /// Its name (RFC 8851); empty if there is only one.
    pub rid: String,
    /// Its RTP stream, if it is said.
    pub ssrc: Option<u32>,
    /// The RTP stream of its retransmissions (RFC 4588), if it is said.
    pub repair_ssrc: Option<u32>,
    /// Whose it is: the same for all that share a clock (RFC 7022).
    pub cname: String,
    /// Of ours: whether the application does not want it to be sent at present.
    pub paused: bool,
    /// Of ours: what the application allows it.
    pub limits: EncodingLimits,
}

/// What the peer says of what it sends.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct RemoteStreams {
    /// To which streams its track belongs; `default` if the peer names none.
    pub streams: Vec<Stream>,
    /// In which forms it is sent, where it says so.
    pub encodings: Vec<Encoding>,
}

impl RemoteStreams {
    /// The names of the streams, each once.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let names = self.streams.iter().enumerate();
        names.filter_map(|(place, stream)| {
            let name = &*stream.stream;
            let is_known = self.streams[..place]
                .iter()
                .any(|other| other.stream == name);
            (name != "-" && !is_known).then_some(name)
        })
    }

    /// Whether the track belongs to this stream.
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        self.names().any(|other| other == name)
    }
}

impl Rtp {
    /// Reads a section; `None` if it is none of media over RTP, or of a kind of which
    /// we can do nothing.
    pub(in crate::jsep) fn of(
        media: &Media<'_>,
        session: Session,
        abilities: &MediaCapabilities,
    ) -> Option<Self> {
        let kind = match media.kind {
            MediaKind::Audio => Kind::Audio,
            MediaKind::Video => Kind::Video,
            MediaKind::Application | MediaKind::Other(_) => return None,
        };
        if !media.protocol.contains("RTP/") || abilities.of(kind).codecs.is_empty() {
            return None;
        }
        Some(Self {
            kind,
            // RFC 8866 §6.7: both ways, if nothing is said.
            direction: media
                .direction()
                .or(session.direction)
                .unwrap_or(Direction::SendRecv),
            codecs: Codec::all_of(media),
            extensions: extensions(media),
            mux: media.rtcp_mux(),
            reduced: media.attributes.contains(&Attribute::RtcpRsize),
            mixed: session.mixed || media.attributes.contains(&Attribute::ExtmapAllowMixed),
            cryptex: session.cryptex || media.attributes.contains(&CRYPTEX),
            streams: streams(media),
            encodings: encodings(media),
            layers: rids(media, false),
        })
    }

    /// Keeps only which way media flow, and whose they are.
    pub(in crate::jsep) fn forget_formats(&mut self) {
        self.codecs = Vec::new();
        self.extensions = Vec::new();
        self.encodings = Vec::new();
        self.layers = Vec::new();
        self.streams.shrink_to_fit();
    }

    /// What the writer says of what it sends.
    pub(in crate::jsep) fn remote_streams(&self) -> RemoteStreams {
        let mut streams = self.streams.clone();
        if streams.is_empty() {
            // RFC 8829 §5.10: whoever names no stream has one all the same.
            streams.push(Stream {
                stream: DEFAULT_STREAM.to_string(),
                track: None,
            });
        }
        RemoteStreams {
            streams,
            encodings: self.encodings.clone(),
        }
    }

    /// Whether packets may be sent again in a stream of their own (RFC 4588).
    fn repeats(&self) -> bool {
        self.codecs.iter().any(|codec| codec.repeats().is_some())
    }
}

fn extensions(media: &Media<'_>) -> Vec<HeaderExtension> {
    let maps = media.extmaps().filter_map(|map| {
        // RFC 8285 §5: 0 is padding, and 15 of the one-byte form stops the reader.
        let id = u8::try_from(map.id).ok().filter(|id| *id != 0)?;
        let uri = map.uri.to_string();
        Some(HeaderExtension { id, uri })
    });
    maps.take(MAX_EXTENSIONS).collect()
}

/// The streams of a section, each once: by RFC 8830 or, where there are none, as
/// browsers wrote them before, for each SSRC.
fn streams(media: &Media<'_>) -> Vec<Stream> {
    let lines = media.attributes().iter();
    let said = lines.clone().filter_map(|line| match line {
        Attribute::Msid(msid) => Some((msid.stream, msid.track)),
        _ => None,
    });
    let of_sources = lines.filter_map(|line| match line {
        Attribute::Ssrc(line) if line.attribute == "msid" => {
            let (stream, track) = line.value?.split_once(' ')?;
            Some((stream, Some(track)))
        }
        _ => None,
    });
    let is_said = said.clone().next().is_some();
    let mut streams: Vec<Stream> = Vec::new();
    for (stream, track) in said.chain(of_sources.filter(|_| !is_said)) {
        if streams.len() < MAX_STREAMS && !streams.iter().any(|known| known.stream == stream) {
            streams.push(Stream {
                stream: stream.to_string(),
                track: track.map(ToString::to_string),
            });
        }
    }
    streams
}

/// The names of the layers that are sent, or of those that are taken.
fn rids(media: &Media<'_>, send: bool) -> Vec<String> {
    let rids = media.attributes().iter().filter_map(|line| match line {
        Attribute::Rid(rid) if rid.send == send => Some(rid.id.to_string()),
        _ => None,
    });
    rids.take(MAX_ENCODINGS).collect()
}

/// RFC 5576: streams by SSRC, each with that of its repairs; or RFC 8851: by name.
fn encodings(media: &Media<'_>) -> Vec<Encoding> {
    let rids = rids(media, true);
    if !rids.is_empty() {
        let named = |rid| Encoding {
            rid,
            ..Encoding::default()
        };
        return rids.into_iter().map(named).collect();
    }
    let lines = media.attributes();
    let repair = |ssrc: u32| {
        lines.iter().find_map(|line| match line {
            Attribute::SsrcGroup(group) if group.semantics == "FID" => {
                let mut ssrcs = group.ssrcs();
                ssrcs.next().filter(|first| *first == ssrc)?;
                ssrcs.next()
            }
            _ => None,
        })
    };
    let mut encodings: Vec<Encoding> = Vec::new();
    for line in lines {
        let Attribute::Ssrc(line) = line else {
            continue;
        };
        let is_known = |encoding: &Encoding| {
            encoding.ssrc == Some(line.ssrc) || encoding.repair_ssrc == Some(line.ssrc)
        };
        if line.attribute == "cname"
            && encodings.len() < MAX_ENCODINGS
            && !encodings.iter().any(is_known)
        {
            encodings.push(Encoding {
                rid: String::new(),
                ssrc: Some(line.ssrc),
                repair_ssrc: repair(line.ssrc),
                cname: line.value.unwrap_or_default().to_string(),
                ..Encoding::default()
            });
        }
    }
    encodings
}

/// Writes a section's lines; `write` keeps them as text.
impl Rtp {
    pub(in crate::jsep) fn write<'a>(
        &'a self,
        lists: &'a Lists,
        mux_only: bool,
        attributes: &mut Vec<Attribute<'a>>,
    ) {
        let extensions = self.extensions.iter().map(|extension| Extmap {
            id: u16::from(extension.id),
            direction: None,
            uri: &extension.uri,
            attributes: "",
        });
        attributes.extend(extensions.map(Attribute::Extmap));
        attributes.push(Attribute::Direction(self.direction));
        attributes.extend(self.streams.iter().map(|stream| {
            Attribute::Msid(Msid {
                stream: &stream.stream,
                track: stream.track.as_deref(),
            })
        }));
        attributes.push(Attribute::RtcpMux);
        if mux_only {
            attributes.push(Attribute::RtcpMuxOnly);
        }
        if self.reduced {
            attributes.push(Attribute::RtcpRsize);
        }
        for (codec, format) in self.codecs.iter().zip(lists.formats.split(' ')) {
            codec.write(format, attributes);
        }
        self.write_layers(lists, attributes);
        self.write_streams(lists, attributes);
    }

    /// RFC 8853 §5.1: both ways if both are there; an answer takes all that it names.
    fn write_layers<'a>(&'a self, lists: &'a Lists, attributes: &mut Vec<Attribute<'a>>) {
        let sent = self.encodings.iter().map(|encoding| encoding.rid.as_str());
        let sent = sent.filter(|rid| !rid.is_empty()).map(|rid| (rid, true));
        let taken = self.layers.iter().map(|rid| (rid.as_str(), false));
        let rids = sent.chain(taken).map(|(id, send)| Rid {
            id,
            send,
            restrictions: "",
        });
        attributes.extend(rids.map(Attribute::Rid));
        if !(lists.sent.is_empty() && lists.taken.is_empty()) {
            attributes.push(Attribute::Simulcast(Simulcast {
                send: &lists.sent,
                recv: &lists.taken,
            }));
        }
    }

    /// RFC 5576, for those who do not tell streams by their header extensions. Layers
    /// are told by their names alone, as browsers do.
    fn write_streams<'a>(&'a self, lists: &'a Lists, attributes: &mut Vec<Attribute<'a>>) {
        let groups = lists.groups.iter();
        attributes.extend(groups.filter_map(|group| {
            let group = SsrcGroup::parse(group).ok()?;
            Some(Attribute::SsrcGroup(group))
        }));
        for encoding in self.encodings.iter().filter(|one| one.rid.is_empty()) {
            let repair = encoding.repair_ssrc.filter(|_| self.repeats());
            let ssrcs = [encoding.ssrc, repair].into_iter().flatten();
            attributes.extend(ssrcs.map(|ssrc| {
                Attribute::Ssrc(Ssrc {
                    ssrc,
                    attribute: "cname",
                    value: Some(&encoding.cname),
                })
            }));
        }
    }
}

impl Encoding {
    /// Those of `ours` that a peer takes that named `layers` (RFC 8853 §5.3): one
    /// without a name if it knows no layers.
    pub(in crate::jsep) fn taken(ours: &[Self], layers: &[String]) -> Vec<Self> {
        let taken = ours.iter().filter(|one| layers.contains(&one.rid));
        let taken: Vec<Self> = taken.cloned().collect();
        if !taken.is_empty() {
            return taken;
        }
        let first = ours.iter().take(1).map(|first| Self {
            rid: String::new(),
            ..first.clone()
        });
        first.collect()
    }
}

impl Codec {
    fn write<'a>(&'a self, format: &'a str, attributes: &mut Vec<Attribute<'a>>) {
        attributes.push(Attribute::Rtpmap(Rtpmap {
            payload: self.payload,
            encoding: &self.name,
            clock_rate: self.clock_rate,
            channels: Some(self.channels).filter(|channels| *channels != 1),
        }));
        attributes.extend(self.feedback.iter().map(|feedback| {
            let (kind, parameter) = feedback.split_once(' ').unwrap_or((feedback, ""));
            Attribute::RtcpFb(RtcpFb {
                payload: Some(self.payload),
                kind,
                parameter,
            })
        }));
        if !self.parameters.is_empty() {
            attributes.push(Attribute::Fmtp(Fmtp {
                format,
                parameters: &self.parameters,
            }));
        }
    }
}

/// The texts that the attributes of a section borrow from.
#[derive(Debug, Default)]
pub(in crate::jsep) struct Lists {
    /// The formats of the `m=` line, with a space between.
    pub(in crate::jsep) formats: String,
    sent: String,
    taken: String,
    /// A stream and its repairs, each.
    groups: Vec<String>,
}

impl Lists {
    pub(in crate::jsep) fn of(rtp: &Rtp) -> Self {
        let rids = rtp.encodings.iter().map(|encoding| encoding.rid.as_str());
        let rids: Vec<&str> = rids.filter(|rid| !rid.is_empty()).collect();
        let single = rtp.encodings.iter().filter(|one| one.rid.is_empty());
        let pairs = single.filter_map(|encoding| {
            let repair = encoding.repair_ssrc.filter(|_| rtp.repeats())?;
            Some((encoding.ssrc?, repair))
        });
        let payloads = rtp.codecs.iter().map(|codec| codec.payload.to_string());
        let payloads: Vec<String> = payloads.collect();
        Self {
            formats: payloads.join(" "),
            sent: rids.join(";"),
            taken: rtp.layers.join(";"),
            groups: pairs
                .map(|(ssrc, repair)| alloc::format!("FID {ssrc} {repair}"))
                .collect(),
        }
    }
}

/// Says that what is in a packet's header may be hidden (RFC 9335 §4).
pub(in crate::jsep) const CRYPTEX: Attribute<'static> = Attribute::Other {
    name: "cryptex",
    value: None,
};

/// How many header extensions of a section are looked at; the rest is ignored.
const MAX_EXTENSIONS: usize = 64;

/// How the stream of a peer is called that names none.
const DEFAULT_STREAM: &str = "default";

/// How many streams of a track are looked at; the rest is ignored.
const MAX_STREAMS: usize = 16;

/// How many encodings of a track are looked at; the rest is ignored.
const MAX_ENCODINGS: usize = 16;
