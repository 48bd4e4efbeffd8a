//! Writing sections, and adding candidates to what was written.
//!
//! Of what RFC 9429 §5.2.1 lists, two lines are not written. `rtcp` would name the port of
//! `m=` once more: we share it or do without RTCP, and say so (RFC 8858 §4.2, §5.2).
//! `tls-id` would name the DTLS association: no browser and not aiortc writes or reads it,
//! and for who is without, RFC 8842 §4 has the rule that `apply::check_peer` keeps, that
//! another fingerprint is another association.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use crate::net::{Candidate, CandidateKind, Protocol};
use crate::wire::sdp::{
    Address, Attribute, Description, Direction, Field, Fingerprint, Group, Media, MediaKind,
    Origin, Sctpmap, Setup, candidate,
};

use super::media::{CRYPTEX, Lists, Rtp};
use super::reading::{Data, Section};
use super::text::Text;
use super::{Local, LocalTransport};

/// A section of ours, before it is text.
pub(super) struct Draft<'a> {
    pub(super) section: &'a Section,
    /// Whether it is offered or accepted.
    pub(super) live: bool,
    pub(super) setup: Setup,
    /// The transport that it uses, or would use.
    pub(super) transport: Option<LocalTransport<'a>>,
    /// Whether it is of use only inside its BUNDLE group (RFC 9143 §6).
    pub(super) bundle_only: bool,
    /// Whether it is said that its RTCP has no port of its own, nor ever will (RFC 8858).
    pub(super) mux_only: bool,
}

/// The last description of ours, without candidates: what decides the next one's version.
#[derive(Clone, PartialEq, Eq, Default)]
pub(super) struct Written {
    session_id: u64,
    version: u64,
    text: Text,
}

impl Written {
    pub(super) fn new(session_id: u64) -> Self {
        Self {
            session_id,
            ..Self::default()
        }
    }

    /// Writes `drafts`. The version grows if anything differs from the last
    /// description (RFC 3264 §8, RFC 8829 §5.2.2).
    pub(super) fn next(&self, drafts: &[Draft<'_>], session: &Level, local: &Local<'_>) -> Self {
        let printed: Vec<String> = local.fingerprints.iter().map(ToString::to_string).collect();
        let lists: Vec<Lists> = drafts.iter().map(Draft::lists).collect();
        let groups = session.groups.iter();
        let mut attributes: Vec<_> = groups
            .map(|mids| Attribute::Group(Group::bundle(mids)))
            .collect();
        let synced = session.synced.iter();
        attributes.extend(synced.map(|mids| Attribute::Group(Group::lip_sync(mids))));
        if session.trickle {
            // `ice2` says RFC 8445 rather than RFC 5245.
            attributes.push(Attribute::IceOptions("trickle ice2"));
        }
        if local.lite {
            // RFC 8839 §5.3: the peer has to know, since it does all the checks.
            attributes.push(Attribute::IceLite);
        }
        let mut media = drafts.iter().filter_map(Draft::media);
        if let Some(first) = media.next() {
            if first.mixed {
                // RFC 8285 §6: the two forms of header extensions may come in turn.
                attributes.push(Attribute::ExtmapAllowMixed);
            }
            if first.cryptex {
                attributes.push(CRYPTEX);
            }
        }
        let media = drafts.iter().zip(&lists);
        let media = media.map(|(draft, lists)| draft.section(lists, &printed, local));
        let description = Description {
            origin: Origin {
                username: "-",
                session_id: self.session_id,
                version: self.version.wrapping_add(1),
                // RFC 8829 §5.2.1: an address would be nobody's business.
                address: Address::UNSPECIFIED,
            },
            name: "-",
            fields: Vec::from([Field::Timing { start: 0, stop: 0 }]),
            attributes,
            media: media.collect(),
        };
        let text = description.to_string();
        if behind_origin(&text) == behind_origin(&self.text.get()) {
            return self.clone();
        }
        Self {
            session_id: self.session_id,
            version: description.origin.version,
            text: Text::from(&*text),
        }
    }

    /// It is the text of a description that is kept, too: it shares that one's memory.
    pub(super) fn share(&mut self, text: &Text) {
        if self.text == *text {
            self.text.clone_from(text);
        }
    }

    pub(super) const fn text(&self) -> &Text {
        &self.text
    }
}

/// What a description of ours says, but for its version.
fn behind_origin(text: &str) -> Option<&str> {
    text.split_once("\r\ns=").map(|(_, rest)| rest)
}

/// What a description of ours says above its sections.
pub(super) struct Level {
    /// The names of the sections in each BUNDLE group.
    pub(super) groups: Vec<String>,
    /// Those of the sections that are played together.
    pub(super) synced: Vec<String>,
    /// Whether candidates may follow.
    pub(super) trickle: bool,
}

/// Adds what agents have gathered to the sections of `text` that speak for them
/// (RFC 8840 §4.1.3).
pub(super) fn with_local_candidates(
    text: &str,
    transports: &[(usize, &LocalTransport<'_>)],
) -> String {
    let has_found = |local: &LocalTransport<'_>| local.gathered || !local.candidates.is_empty();
    if !transports.iter().any(|(_, local)| has_found(local)) {
        return text.to_string();
    }
    let found = |(_, local): &(_, &LocalTransport<'_>)| {
        let default = default_candidate(local.candidates);
        let host = default.map(|candidate| candidate.ip().to_string());
        let lines: Vec<String> = local.candidates.iter().map(line).collect();
        (default, host, lines)
    };
    let found: Vec<_> = transports.iter().map(found).collect();
    edit(text, |description| {
        for ((index, local), (default, host, lines)) in transports.iter().zip(&found) {
            let Some(media) = description.media.get_mut(*index) else {
                continue;
            };
            if let (Some(default), Some(host)) = (default, host) {
                let v6 = default.is_ipv6();
                media.port = default.port();
                media.fields = Vec::from([Field::Connection(Address { v6, host })]);
            }
            let lines = lines.iter().map(|line| Attribute::Candidate(line));
            media.attributes.extend(lines);
            if local.gathered {
                media.attributes.push(Attribute::EndOfCandidates);
            }
        }
    })
}

/// Adds lines of candidates to the sections of `text` that they came for; `None` ends a section's.
pub(super) fn with_remote_candidates(text: &str, lines: &[(usize, Option<String>)]) -> String {
    if lines.is_empty() {
        return text.to_string();
    }
    edit(text, |description| {
        for (index, line) in lines {
            if let Some(media) = description.media.get_mut(*index) {
                media.attributes.push(match line {
                    Some(line) => Attribute::Candidate(line),
                    None => Attribute::EndOfCandidates,
                });
            }
        }
    })
}

/// The value of a candidate's attribute.
pub(super) fn line(candidate: &Candidate) -> String {
    let line = candidate::display(candidate).to_string();
    line.trim_start_matches("candidate:").to_string()
}

/// Reads, changes and writes a text that was read before.
fn edit<'a>(text: &'a str, change: impl FnOnce(&mut Description<'a>)) -> String {
    match Description::parse(text) {
        Ok(mut description) => {
            change(&mut description);
            description.to_string()
        }
        Err(_) => text.to_string(),
    }
}

impl<'a> Draft<'a> {
    /// What it says of media, if it is live.
    fn media(&self) -> Option<&'a Rtp> {
        self.section.rtp.as_deref().filter(|_| self.live)
    }

    fn lists(&self) -> Lists {
        self.media().map(Lists::of).unwrap_or_default()
    }

    fn section(
        &self,
        lists: &'a Lists,
        fingerprints: &'a [String],
        local: &Local<'a>,
    ) -> Media<'a> {
        let Self { section, setup, .. } = self;
        let kind = MediaKind::from(section.kind.as_str());
        let formats = match self.media() {
            Some(_) => &lists.formats,
            None => &section.format,
        };
        let mut media = Media::new(kind, &section.protocol, formats);
        media.fields.push(Field::Connection(Address::UNSPECIFIED));
        let attributes = &mut media.attributes;
        let mid = section.mid.as_deref().filter(|_| !section.unnamed);
        attributes.extend(mid.map(Attribute::Mid));
        if self.bundle_only {
            attributes.push(Attribute::BundleOnly);
        }
        // Nobody needs these in a section that is rejected or speaks for no transport;
        // but aiortc refuses a description that has a section without them, and
        // browsers write them too.
        if let Some(transport) = &self.transport {
            attributes.push(Attribute::IceUfrag(transport.ufrag));
            attributes.push(Attribute::IcePwd(transport.pwd));
        }
        let split = fingerprints
            .iter()
            .filter_map(|printed| printed.split_once(' '));
        let fingerprints = split.map(|(hash, digest)| Fingerprint { hash, digest });
        attributes.extend(fingerprints.map(Attribute::Fingerprint));
        attributes.push(Attribute::Setup(*setup));
        match (self.media(), section.data) {
            (Some(rtp), _) => rtp.write(lists, self.mux_only, attributes),
            (None, Some(data)) if self.live => write_data(attributes, data, local),
            // RFC 3264 §6: a rejection has port 0, and the kind, the protocol and a
            // format of the offer.
            _ => media.port = 0,
        }
        if self.bundle_only {
            // RFC 9143 §6: without the bundle it is rejected.
            media.port = 0;
        } else if media.port == 0 && matches!(kind, MediaKind::Audio | MediaKind::Video) {
            media
                .attributes
                .push(Attribute::Direction(Direction::Inactive));
            media.attributes.push(Attribute::RtcpMux);
            let codec = section.codec.as_deref();
            media.attributes.extend(codec.map(|codec| Attribute::Other {
                name: "rtpmap",
                value: Some(codec),
            }));
        }
        media
    }
}

fn write_data(attributes: &mut Vec<Attribute<'_>>, data: Data, local: &Local<'_>) {
    attributes.push(match data.legacy_streams {
        // Who writes the legacy syntax reads no other. Its format is the port.
        Some(_) => Attribute::Sctpmap(Sctpmap {
            port: local.sctp_port,
            protocol: "webrtc-datachannel",
            streams: data.legacy_streams,
        }),
        None => Attribute::SctpPort(local.sctp_port),
    });
    attributes.push(Attribute::MaxMessageSize(local.max_message_size));
}

/// The candidate that a peer without ICE would use: relayed before reflexive
/// before host (RFC 8839 §4.2.1.2), UDP only.
fn default_candidate(candidates: &[Candidate]) -> Option<core::net::SocketAddr> {
    let usable = candidates
        .iter()
        .filter(|candidate| candidate.protocol == Protocol::Udp && candidate.component == 1);
    let best = usable.min_by_key(|candidate| match candidate.kind {
        CandidateKind::Relayed => 0,
        CandidateKind::ServerReflexive => 1,
        CandidateKind::Host | CandidateKind::PeerReflexive => 2,
    });
    best?.address.ip()
}
