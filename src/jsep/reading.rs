//! What a description says, as far as an exchange depends on it.

use core::fmt;

use alloc::boxed::Box;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use crate::crypto::certificate::Fingerprint;
use crate::net::Candidate;
use crate::wire::sdp::candidate::{self, CandidateError};
use crate::wire::sdp::{Attribute, Description, HasAttributes, Media, MediaKind, Rtpmap, Setup};

use super::DescriptionError::InvalidAccess;
use super::media::{self, MediaCapabilities, Rtp};
use super::plan::MAX_TRANSPORTS;
use super::{DescriptionError, TransportId};

/// A description, read and checked for itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reading {
    /// One for each section, in order.
    pub(super) sections: Vec<Section>,
    /// How many BUNDLE groups there are.
    pub(super) bundles: usize,
    /// The sections that are played together (RFC 5888 §7).
    pub(super) synced: Vec<Vec<usize>>,
    /// Whether candidates may come later.
    pub(super) trickle: bool,
    /// One for each BUNDLE group and each section outside of them, as far as we can
    /// use them. Ours are not kept here: we know them.
    pub(super) transports: Vec<Transport>,
}

/// A section: a row of the table that both sides must agree on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Section {
    pub(super) mid: Option<String>,
    /// Whether we made that name up, since descriptions say none.
    pub(super) unnamed: bool,
    /// The transport of ours that it uses, or would use.
    pub(super) transport: Option<TransportId>,
    /// The media of its `m=` line.
    pub(super) kind: String,
    pub(super) protocol: String,
    /// The first of its formats, which is what a rejection repeats.
    pub(super) format: String,
    /// What that format means, if the section says.
    pub(super) codec: Option<String>,
    /// Which BUNDLE group it is in.
    pub(super) bundle: Option<usize>,
    pub(super) rejected: bool,
    /// The generation of ICE that its candidates are of.
    pub(super) ufrag: Option<String>,
    pub(super) data: Option<Data>,
    /// What it says of media.
    pub(super) rtp: Option<Box<Rtp>>,
    /// Whether we can do what it is for.
    pub(super) usable: bool,
}

/// What a section says of data channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Data {
    pub(super) port: u16,
    /// `None` for any size.
    pub(super) max_message_size: Option<u64>,
    /// How many streams, in the syntax before RFC 8841.
    pub(super) legacy_streams: Option<u32>,
}

/// How the writer of a description is reached.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Transport {
    /// The section that speaks for it: it carries the BUNDLE group.
    pub(super) tag: usize,
    /// The sections that share it.
    pub(super) sections: Vec<usize>,
    pub(super) ufrag: String,
    pub(super) pwd: String,
    pub(super) lite: bool,
    pub(super) candidates: Vec<Candidate>,
    pub(super) end_of_candidates: bool,
    pub(super) fingerprints: Vec<Fingerprint>,
    pub(super) setup: Option<Setup>,
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The password is a secret.
        write!(
            f,
            "Transport({} of sections {:?})",
            self.ufrag, self.sections
        )
    }
}

impl Reading {
    /// Reads a description and checks what can be checked without knowing any
    /// other. `abilities` decide which sections are of use.
    pub(super) fn of(text: &str, abilities: &MediaCapabilities) -> Result<Self, DescriptionError> {
        Self::without(text, abilities, &[])
    }

    /// The same for who has no use for the sections at `refused`.
    pub(super) fn without(
        text: &str,
        abilities: &MediaCapabilities,
        refused: &[usize],
    ) -> Result<Self, DescriptionError> {
        let description = Description::parse(text)?;
        let session = media::Session::of(&description);
        let media = description.media.iter();
        let mut sections: Vec<Section> = media
            .map(|media| Section::of(media, session, abilities))
            .collect();
        for index in refused {
            if let Some(section) = sections.get_mut(*index) {
                section.usable = false;
            }
        }
        let layout = Layout::of(&description, &sections)?;
        for (index, (media, section)) in description.media.iter().zip(&mut sections).enumerate() {
            section.bundle = layout.group(index);
            section.ufrag = layout.ufrag(index).map(ToString::to_string);
            // RFC 9143 §6: what is only there for a bundle needs one.
            section.rejected |= media.port == 0 && section.bundle.is_none();
            if !section.rejected {
                layout.check_transport(index, media)?;
            }
        }
        let transports = layout.transports(&sections)?;
        let bundles = layout.bundles.len();
        let trickle = layout.session.trickle || layout.sections.iter().any(|said| said.trickle);
        let synced = layout.synced();
        sections.shrink_to_fit();
        Ok(Self {
            sections,
            bundles,
            synced,
            trickle,
            transports,
        })
    }

    /// Gives back what only the exchange itself had to know: a connection is open
    /// for longer than it is negotiated.
    pub(super) fn forget_formats(&mut self) {
        let sections = self.sections.iter_mut();
        sections
            .filter_map(|section| section.rtp.as_mut())
            .for_each(|rtp| rtp.forget_formats());
    }

    /// The transport of section `index`, if it has one that we can use.
    pub(super) fn transport_of(&self, index: usize) -> Option<&Transport> {
        let mut transports = self.transports.iter();
        transports.find(|transport| transport.sections.contains(&index))
    }

    /// The section for data channels that is not rejected: the first one counts.
    pub(super) fn live_data(&self) -> Option<(usize, Data)> {
        let index = self.sections.iter().position(Section::is_live_data)?;
        let data = self.sections.get(index)?.data?;
        Some((index, data))
    }

    /// Whether the section with this name says to which streams its track belongs.
    pub(super) fn names_streams(&self, mid: &str) -> bool {
        let section = self.section_named(mid);
        let section = section.and_then(|index| self.sections.get(index));
        let rtp = section.and_then(|section| section.rtp.as_deref());
        rtp.is_some_and(|rtp| !rtp.streams.is_empty())
    }

    /// The section with this name.
    pub(super) fn section_named(&self, mid: &str) -> Option<usize> {
        let mut sections = self.sections.iter();
        sections.position(|section| section.mid.as_deref() == Some(mid))
    }
}

impl Section {
    fn of(media: &Media<'_>, session: media::Session, abilities: &MediaCapabilities) -> Self {
        let data = media.is_data_channel().then(|| Data::of(media));
        let rtp = Rtp::of(media, session, abilities);
        let can_use = |rtp: &Rtp| {
            let ours = abilities.of(rtp.kind);
            // RFC 8858: two ports for one section are no more.
            rtp.mux && ours.knows(&rtp.codecs)
        };
        let format = media.formats().next().unwrap_or_default();
        let payload: Option<u8> = format.parse().ok();
        let codec = media.rtpmaps().find(|codec| Some(codec.payload) == payload);
        Self {
            mid: media.mid().map(ToString::to_string),
            unnamed: false,
            transport: None,
            kind: media.kind.to_string(),
            protocol: media.protocol.to_string(),
            format: format.to_string(),
            codec: codec.map(ToString::to_string),
            bundle: None,
            // RFC 8841 §5.1: an SCTP port of 0 closes the association.
            rejected: media.is_rejected() || data.is_some_and(|data| data.port == 0),
            ufrag: None,
            usable: data.is_some() || rtp.as_ref().is_some_and(can_use),
            data,
            rtp: rtp.map(Box::new),
        }
    }

    /// Whether it is offered or accepted, and we can do what it is for.
    pub(super) const fn is_live(&self) -> bool {
        self.usable && !self.rejected
    }

    pub(super) const fn is_live_data(&self) -> bool {
        self.data.is_some() && !self.rejected
    }
}

impl Data {
    fn of(media: &Media<'_>) -> Self {
        let legacy = media.formats().any(|format| format != "webrtc-datachannel");
        let streams = media.sctpmap().and_then(|map| map.streams);
        Self {
            port: media.sctp_port().unwrap_or(DEFAULT_SCTP_PORT),
            max_message_size: match media.max_message_size() {
                // RFC 8841 §6.1: 64 KiB if nothing is said, any size if it is 0.
                None => Some(DEFAULT_MAX_MESSAGE_SIZE),
                Some(0) => None,
                size => size,
            },
            legacy_streams: legacy.then(|| streams.unwrap_or(DEFAULT_STREAMS)),
        }
    }
}

/// Where the sections of a description are, and what each says of its transport.
struct Layout<'d, 'a> {
    description: &'d Description<'a>,
    /// For each name its section, and its BUNDLE group.
    names: BTreeMap<&'a str, (usize, Option<usize>)>,
    bundles: Vec<Bundle>,
    /// What is said of the whole session.
    session: Said<'a>,
    /// What is said of each section alone.
    sections: Vec<Said<'a>>,
}

/// A BUNDLE group.
struct Bundle {
    /// Its sections, in its order.
    members: Vec<usize>,
    /// The one that carries its transport, if one does.
    tag: Option<usize>,
}

/// What one level of a description says of a transport.
#[derive(Clone, Copy, Default)]
struct Said<'a> {
    ufrag: Option<&'a str>,
    pwd: Option<&'a str>,
    setup: Option<Setup>,
    fingerprint: bool,
    lite: bool,
    ended: bool,
    trickle: bool,
}

impl<'a> Said<'a> {
    fn by(level: &impl HasAttributes<'a>) -> Self {
        let mut said = Self::default();
        for attribute in level.attributes() {
            match attribute {
                Attribute::IceUfrag(ufrag) => said.ufrag = said.ufrag.or(Some(ufrag)),
                Attribute::IcePwd(pwd) => said.pwd = said.pwd.or(Some(pwd)),
                Attribute::Setup(setup) => said.setup = said.setup.or(Some(*setup)),
                Attribute::Fingerprint(_) => said.fingerprint = true,
                Attribute::IceLite => said.lite = true,
                Attribute::EndOfCandidates => said.ended = true,
                Attribute::IceOptions(options) => {
                    said.trickle |= options.split(' ').any(|option| option == "trickle");
                }
                _ => {}
            }
        }
        said
    }

    /// The same, with what `other` says where this says nothing.
    fn or(self, other: Self) -> Self {
        Self {
            ufrag: self.ufrag.or(other.ufrag),
            pwd: self.pwd.or(other.pwd),
            setup: self.setup.or(other.setup),
            fingerprint: self.fingerprint || other.fingerprint,
            lite: self.lite || other.lite,
            ended: self.ended || other.ended,
            trickle: self.trickle || other.trickle,
        }
    }
}

impl<'d, 'a> Layout<'d, 'a> {
    /// Checks that no name is there twice, in two groups, or only in a group
    /// (RFC 5888 §4 and §9.2).
    fn of(
        description: &'d Description<'a>,
        sections: &[Section],
    ) -> Result<Self, DescriptionError> {
        let mut names = BTreeMap::new();
        for (index, media) in description.media.iter().enumerate() {
            let Some(mid) = media.mid() else { continue };
            if names.insert(mid, (index, None)).is_some() {
                return Err(InvalidAccess("two sections with the same mid"));
            }
        }
        let mut bundles = Vec::new();
        for group in description.bundles().take(MAX_GROUPS) {
            let mut members = Vec::new();
            for mid in group.mids() {
                let Some((index, bundle)) = names.get_mut(mid) else {
                    return Err(InvalidAccess("BUNDLE group with an unknown mid"));
                };
                if bundle.replace(bundles.len()).is_some() {
                    return Err(InvalidAccess("section in two BUNDLE groups"));
                }
                members.push(*index);
            }
            let tag = tag(description, sections, &members);
            bundles.push(Bundle { members, tag });
        }
        Ok(Self {
            description,
            names,
            bundles,
            session: Said::by(description),
            sections: description.media.iter().map(Said::by).collect(),
        })
    }

    /// The BUNDLE group that section `index` is in.
    fn group(&self, index: usize) -> Option<usize> {
        let mid = self.description.media.get(index)?.mid()?;
        self.names.get(mid)?.1
    }

    /// The groups of sections that are played together, without names of nothing: each
    /// in the order of the sections.
    fn synced(&self) -> Vec<Vec<usize>> {
        let lines = self.description.attributes.iter();
        let groups = lines.filter_map(|line| match line {
            Attribute::Group(group) if group.semantics == "LS" => Some(group.mids()),
            _ => None,
        });
        let place = |mid: &str| self.names.get(mid).map(|(index, _)| *index);
        let groups = groups.take(MAX_GROUPS);
        let groups = groups.map(|mids| mids.filter_map(place).collect::<BTreeSet<usize>>());
        groups.map(|group| group.into_iter().collect()).collect()
    }

    fn bundle(&self, index: usize) -> Option<&Bundle> {
        self.bundles.get(self.group(index)?)
    }

    /// The sections in which the transport of section `index` may be described, in
    /// the order in which they count: the group's tag, and the section itself,
    /// for writers who repeat everything everywhere.
    fn places(&self, index: usize) -> impl Iterator<Item = usize> {
        let tag = self.bundle(index).and_then(|bundle| bundle.tag);
        let tag = tag.filter(|tag| *tag != index);
        tag.into_iter().chain([index])
    }

    /// What is said of the transport of section `index` at all levels.
    fn said(&self, index: usize) -> Said<'a> {
        let places = self
            .places(index)
            .filter_map(|place| self.sections.get(place));
        places
            .fold(Said::default(), |said, more| said.or(*more))
            .or(self.session)
    }

    /// The generation of ICE that the candidates of section `index` are of: in an
    /// offer that may be another one than its group's.
    fn ufrag(&self, index: usize) -> Option<&'a str> {
        let own = self.sections.get(index).and_then(|said| said.ufrag);
        own.or_else(|| self.said(index).ufrag)
    }

    /// The sections that share the transport of section `index`.
    fn sharers(&self, index: usize, ufrag: &str) -> Vec<usize> {
        let Some(bundle) = self.bundle(index) else {
            return Vec::from([index]);
        };
        let same = |index: &usize| self.said(*index).ufrag == Some(ufrag);
        bundle.members.iter().copied().filter(same).collect()
    }

    /// What leads to the sections that we can use. Those of one transport too many
    /// have none.
    fn transports(&self, sections: &[Section]) -> Result<Vec<Transport>, DescriptionError> {
        let mut transports: Vec<Transport> = Vec::new();
        let rows = sections.iter().enumerate();
        for (index, _) in rows.filter(|(_, section)| section.is_live()) {
            let is_known = |known: &Transport| known.sections.contains(&index);
            if transports.len() < MAX_TRANSPORTS && !transports.iter().any(is_known) {
                transports.push(self.transport(index)?);
            }
        }
        for transport in &transports {
            let shared = transport
                .sections
                .iter()
                .filter_map(|index| sections.get(*index));
            let live = shared.filter(|section| section.is_live());
            if let Some(clash) = media::clash(live.filter_map(|section| section.rtp.as_deref())) {
                return Err(InvalidAccess(clash));
            }
        }
        transports.shrink_to_fit();
        Ok(transports)
    }

    /// Whether a section that is not rejected can be reached, its peer be known
    /// (RFC 8829 §5.8.2), and its packets be told apart.
    fn check_transport(&self, index: usize, media: &Media<'_>) -> Result<(), DescriptionError> {
        let over_rtp = matches!(media.kind, MediaKind::Audio | MediaKind::Video)
            && media.protocol.contains("RTP/");
        // What is of no protocol that we know is rejected, whatever else it lacks.
        if media.is_rejected() || !(over_rtp || media.is_data_channel()) {
            return Ok(());
        }
        // RFC 5761 §4: on a shared port these look like RTCP.
        let is_rtcp = |format: &str| matches!(format.parse(), Ok(64..=95_u8));
        if over_rtp && media.rtcp_mux() && media.formats().any(is_rtcp) {
            return Err(InvalidAccess("payload type between 64 and 95"));
        }
        if over_rtp && is_ambiguous(media) {
            return Err(InvalidAccess("payload type of two codecs in one section"));
        }
        let said = self.said(index);
        let (Some(ufrag), Some(pwd)) = (said.ufrag, said.pwd) else {
            return Err(InvalidAccess("no ICE user fragment or password"));
        };
        // RFC 8839 §5.4: 24 bits and 128 bits of randomness at least.
        if !is_ice_word(ufrag, 4) || !is_ice_word(pwd, 22) {
            return Err(InvalidAccess("bad ICE user fragment or password"));
        }
        // RFC 8827 §6.5: DTLS always; keys in the description (RFC 4568) never.
        if !said.fingerprint {
            return Err(InvalidAccess("no fingerprint"));
        }
        Ok(())
    }

    /// What is said of the transport of section `index`.
    fn transport(&self, index: usize) -> Result<Transport, DescriptionError> {
        let media = |index: usize| self.description.media.get(index);
        let said = self.said(index);
        let ufrag = said.ufrag.unwrap_or_default();
        let known = self.places(index).filter_map(media).map(known_fingerprints);
        let known = known.chain([known_fingerprints(self.description)]);
        let fingerprints = known.into_iter().find(|known| !known.is_empty());
        let sections = self.sharers(index, ufrag);
        // With the policy max-bundle a browser lists its candidates in the first
        // section even if that one is rejected.
        let same = |index: &&usize| self.ufrag(**index) == said.ufrag;
        let sharers = sections.iter().filter(same);
        let lines = sharers
            .filter_map(|index| media(*index))
            .flat_map(HasAttributes::candidates);
        let candidates = lines.filter_map(|line| usable_candidate(line).ok()?);
        Ok(Transport {
            tag: self.places(index).next().unwrap_or(index),
            candidates: candidates.take(MAX_CANDIDATES).collect(),
            sections,
            ufrag: ufrag.to_string(),
            pwd: said.pwd.unwrap_or_default().to_string(),
            lite: said.lite,
            end_of_candidates: said.ended,
            fingerprints: fingerprints.ok_or(InvalidAccess("no fingerprint of a known hash"))?,
            setup: said.setup,
        })
    }
}

/// The section of a BUNDLE group that carries its transport: the first with a
/// port that is accepted (RFC 9143 §7.3.1); otherwise the first with a port, which
/// is how peers of RFC 8843 mark it.
fn tag(description: &Description<'_>, sections: &[Section], members: &[usize]) -> Option<usize> {
    let media = |index: &usize| description.media.get(*index);
    let has_port = |index: &usize| media(index).is_some_and(|media| media.port != 0);
    let accepted = |index: &usize| sections.get(*index).is_some_and(Section::is_live);
    let mut live = members.iter().copied().filter(has_port);
    let mut members = members.iter().copied();
    let with_port = live.clone().find(accepted).or_else(|| live.next());
    with_port.or_else(|| members.find(accepted))
}

/// Whether one of its payload types stands for two codecs.
fn is_ambiguous(media: &Media<'_>) -> bool {
    // Lines of formats that the section does not have say nothing.
    let mut is_format = [false; 128];
    for payload in media.formats().filter_map(|format| format.parse().ok()) {
        let payload: u8 = payload;
        if let Some(is_format) = is_format.get_mut(usize::from(payload)) {
            *is_format = true;
        }
    }
    let mut known: [Option<&Rtpmap<'_>>; 128] = [None; 128];
    let is_meant = |map: &&Rtpmap<'_>| is_format.get(usize::from(map.payload)) == Some(&true);
    let mut maps = media.rtpmaps().filter(is_meant);
    maps.any(|map| {
        let first = known.get_mut(usize::from(map.payload));
        let Some(first) = first.map(|first| *first.get_or_insert(map)) else {
            return false;
        };
        let same = first.encoding.eq_ignore_ascii_case(map.encoding)
            && first.clock_rate == map.clock_rate
            && first.channels.unwrap_or(1) == map.channels.unwrap_or(1);
        !same
    })
}

/// Reads a candidate; `None` for one that is of no use to an agent with one component.
pub(super) fn usable_candidate(line: &str) -> Result<Option<Candidate>, CandidateError> {
    let candidate = candidate::parse(line)?;
    // RTP and RTCP share a port: there is only the first component.
    Ok(Some(candidate).filter(|candidate| candidate.component == 1))
}

/// Whether `word` is `least` to 256 `ice-char` (RFC 8839 §5.4).
fn is_ice_word(word: &str, least: usize) -> bool {
    let valid = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    (least..=256).contains(&word.len()) && word.bytes().all(valid)
}

/// The fingerprints of a level whose hash we know and trust: SHA-1 is none of them.
fn known_fingerprints<'a>(level: &impl HasAttributes<'a>) -> Vec<Fingerprint> {
    let lines = level.fingerprints().take(MAX_FINGERPRINTS);
    lines
        .filter_map(|line| Fingerprint::parse(&line.to_string()).ok())
        .filter(Fingerprint::is_strong)
        .collect::<Box<[_]>>()
        .into_vec()
}

/// RFC 8841 §6.1.
const DEFAULT_MAX_MESSAGE_SIZE: u64 = 65_536;

/// What everybody uses, and some forget to say.
const DEFAULT_SCTP_PORT: u16 = 5000;

/// What browsers wrote in the legacy syntax.
const DEFAULT_STREAMS: u32 = 1024;

/// How many fingerprints of a peer are kept; the rest is ignored.
const MAX_FINGERPRINTS: usize = 16;

/// How many groups of a type are looked at; the rest is ignored.
const MAX_GROUPS: usize = 64;

/// How many candidates of a description are looked at; the rest is ignored.
const MAX_CANDIDATES: usize = 256;
