//! Candidates that come after their description (RFC 8838, RFC 8840).

use alloc::boxed::Box;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use crate::net::Candidate;
use crate::wire::sdp::candidate::CandidateError;

use super::DescriptionError::{InvalidState, Operation, Type};
use super::media::MediaCapabilities;
use super::reading::{Reading, Transport, usable_candidate};
use super::text::Text;
use super::write::{with_local_candidates, with_remote_candidates};
use super::{Description, DescriptionError, Local, SdpType, Session, SignalingState, TransportId};

/// A candidate as signaling carries it (W3C `RTCIceCandidateInit`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct IceCandidate<'a> {
    /// The line, with or without `candidate:`; empty for "no more will come".
    pub candidate: &'a str,
    /// The name of the section that it is for. Goes before the index.
    pub sdp_mid: Option<&'a str>,
    /// The index of the section that it is for.
    pub sdp_mline_index: Option<u16>,
    /// Which generation of ICE it is of; the newest, if not said.
    pub username_fragment: Option<&'a str>,
}

/// What has to be done with a candidate of the peer's?
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trickle {
    /// Give it to the ICE agent of this transport.
    Candidate(TransportId, Candidate),
    /// Tell the ICE agents of these transports that there will be no more.
    End(Vec<TransportId>),
    /// Nothing yet: it comes with the [`TransportPlan`](super::TransportPlan) of the answer.
    Later,
    /// Nothing: it is of a kind or for a section that is not used.
    Ignored,
}

impl Session {
    /// Takes a candidate of the peer's, and adds it to the peer's description.
    ///
    /// # Errors
    ///
    /// [`InvalidState`] before there is a remote description, [`Type`] without
    /// any section, [`Operation`] for an unknown section or generation or a
    /// line that is no candidate.
    pub fn add_ice_candidate(
        &mut self,
        candidate: IceCandidate<'_>,
    ) -> Result<Trickle, DescriptionError> {
        if self.signaling_state() == SignalingState::Closed {
            return Err(InvalidState);
        }
        let IceCandidate {
            candidate: line,
            sdp_mid,
            sdp_mline_index,
            username_fragment,
        } = candidate;
        if !line.is_empty() && sdp_mid.is_none() && sdp_mline_index.is_none() {
            return Err(Type("a candidate needs sdpMid or sdpMLineIndex"));
        }
        let newest = self
            .pending
            .remote
            .as_deref()
            .or(self.current.remote.as_deref());
        let reading = &newest.ok_or(InvalidState)?.reading;
        let sections = select(reading, sdp_mid, sdp_mline_index)?;
        let parsed = Parsed::of(line)?;
        let ufrag = username_fragment.or_else(|| parsed.ufrag());
        let side = keep(
            [&mut self.pending.remote, &mut self.current.remote],
            &sections,
            ufrag,
            line,
        )?;
        let leads = |index: &usize| Some((*index, side.led_to(*index)?));
        let led_to: Vec<(usize, &Transport)> = sections.iter().filter_map(leads).collect();
        if led_to.is_empty() || parsed == Parsed::Useless {
            return Ok(Trickle::Ignored);
        }
        let mut ids = Vec::new();
        for (index, transport) in led_to {
            let agreed = self.agreed.get(index).and_then(|section| section.transport);
            match self.links.to(agreed, transport) {
                Some(id) if !ids.contains(&id) => ids.push(id),
                Some(_) => {}
                None => return Ok(Trickle::Later),
            }
        }
        // We have left the generation that it belongs to. If our offer is rolled
        // back, the agent goes on with what it knew.
        let left = self.restarting();
        ids.retain(|id| !left.contains(id));
        Ok(match (parsed, ids.first()) {
            (Parsed::Candidate(candidate), Some(id)) => Trickle::Candidate(*id, candidate),
            (Parsed::End, Some(_)) => Trickle::End(ids),
            _ => Trickle::Ignored,
        })
    }
}

/// Adds `line` to every remote description of its generation (W3C §4.4.2); gives
/// back the newest of them. `sides` begin with the newest.
fn keep<'s>(
    sides: [&'s mut Option<Box<Side>>; 2],
    sections: &[usize],
    ufrag: Option<&str>,
    line: &str,
) -> Result<&'s Side, DescriptionError> {
    let mut newest = None;
    for side in sides.into_iter().flatten() {
        let wanted = match ufrag {
            Some(ufrag) => side.has_generation(sections, ufrag),
            // Without a user fragment it is for the newest description.
            None => newest.is_none(),
        };
        if wanted {
            side.keep(sections, line);
            newest = newest.or(Some(&**side));
        }
    }
    newest.ok_or(Operation("no description has this user fragment"))
}

/// A description that was set, and what came for it later.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Side {
    pub(super) kind: SdpType,
    pub(super) reading: Reading,
    /// Of a local one: its transports.
    ours: Vec<Ours>,
    /// A local one without its candidates.
    text: Text,
    /// For which section; `None` for the end of its candidates.
    trickled: Vec<(usize, Option<String>)>,
}

/// A transport in a description of ours.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Ours {
    pub(super) id: TransportId,
    /// Its generation of ICE.
    pub(super) ufrag: String,
    /// The section that has its candidates.
    pub(super) section: usize,
}

impl Side {
    /// The peer's.
    pub(super) fn of_peer(
        kind: SdpType,
        text: &str,
        abilities: &MediaCapabilities,
    ) -> Result<Self, DescriptionError> {
        let reading = Reading::of(text, abilities)?;
        Ok(Self::of_ours(kind, reading, text.into(), Vec::new()))
    }

    /// Ours.
    pub(super) const fn of_ours(
        kind: SdpType,
        reading: Reading,
        text: Text,
        ours: Vec<Ours>,
    ) -> Self {
        Self {
            kind,
            reading,
            ours,
            text,
            trickled: Vec::new(),
        }
    }

    /// Gives back what only the exchange itself had to know.
    pub(super) fn settle(&mut self) {
        self.reading.forget_formats();
        self.text.pack();
    }

    /// The text, without candidates if it is ours.
    pub(super) const fn text(&self) -> &Text {
        &self.text
    }

    /// All that it says, of which much was forgotten.
    pub(super) fn read_again(&self, abilities: &MediaCapabilities) -> Option<Reading> {
        Reading::of(&self.text.get(), abilities).ok()
    }

    /// Its transports, if it is ours.
    pub(super) fn ours(&self) -> &[Ours] {
        &self.ours
    }

    /// What it says of a transport of ours.
    pub(super) fn of(&self, id: TransportId) -> Option<&Ours> {
        self.ours.iter().find(|ours| ours.id == id)
    }

    /// The transports that no section uses any more are none of its own.
    pub(super) fn keep_only(&mut self, used: &[TransportId]) {
        self.ours.retain(|ours| used.contains(&ours.id));
        self.ours.shrink_to_fit();
    }

    /// Where setting it, as ours, begins a new generation of ICE.
    pub(super) fn restarts(&self, local: &Local<'_>) -> Vec<TransportId> {
        let is_next = |ours: &&Ours| {
            let next = local.transport(ours.id).map(|local| local.next_ufrag);
            next == Some(&*ours.ufrag)
        };
        self.ours
            .iter()
            .filter(is_next)
            .map(|ours| ours.id)
            .collect()
    }

    /// The peer's description as the application sees it.
    pub(super) fn remote(&self) -> Description {
        Description {
            kind: self.kind,
            sdp: with_remote_candidates(&self.text.get(), &self.trickled),
        }
    }

    /// Our description as the application sees it: the candidates are those of
    /// `local` if it is of the same generation.
    pub(super) fn local(&self, local: &Local<'_>) -> Description {
        Description {
            kind: self.kind,
            sdp: with_candidates(&self.text, &self.ours, local),
        }
    }

    /// The candidates of a transport: those in the description, then those that came later.
    pub(super) fn candidates(&self, transport: &Transport) -> Vec<Candidate> {
        let mut candidates = transport.candidates.clone();
        let lines = self
            .trickled(transport)
            .filter_map(|(_, line)| line.as_deref());
        candidates.extend(lines.filter_map(|line| usable_candidate(line).ok()?));
        candidates
    }

    /// Whether a transport will have no more candidates.
    pub(super) fn ended(&self, transport: &Transport) -> bool {
        transport.end_of_candidates || self.trickled(transport).any(|(_, line)| line.is_none())
    }

    fn trickled<'s>(
        &'s self,
        transport: &'s Transport,
    ) -> impl Iterator<Item = &'s (usize, Option<String>)> {
        let all = self.trickled.iter();
        all.filter(move |(index, _)| self.leads_to(*index, transport))
    }

    /// The transport that candidates of section `index` lead to.
    fn led_to(&self, index: usize) -> Option<&Transport> {
        let transport = self.reading.transport_of(index)?;
        self.leads_to(index, transport).then_some(transport)
    }

    /// A section that is offered for a bundle may have an agent of its own, which is
    /// not used if the bundle is.
    fn leads_to(&self, index: usize, transport: &Transport) -> bool {
        let section = self.reading.sections.get(index);
        let ufrag = section.and_then(|section| section.ufrag.as_deref());
        transport.sections.contains(&index) && ufrag == Some(&*transport.ufrag)
    }

    fn has_generation(&self, sections: &[usize], ufrag: &str) -> bool {
        let mut sections = sections
            .iter()
            .filter_map(|index| self.reading.sections.get(*index));
        sections.any(|section| section.ufrag.as_deref() == Some(ufrag))
    }

    fn keep(&mut self, sections: &[usize], line: &str) {
        let line = line.strip_prefix("a=").unwrap_or(line).trim_ascii_end();
        let line = line.strip_prefix("candidate:").unwrap_or(line);
        let line = Some(line).filter(|line| !line.is_empty());
        for index in sections {
            let entry = (*index, line.map(ToString::to_string));
            if self.trickled.len() < MAX_TRICKLED && !self.trickled.contains(&entry) {
                self.trickled.push(entry);
            }
        }
    }
}

/// Adds what our agents have gathered, as far as it is of the generation of `ours`.
pub(super) fn with_candidates(text: &Text, ours: &[Ours], local: &Local<'_>) -> String {
    let found = ours.iter().filter_map(|ours| {
        let found = local.transport(ours.id)?;
        (found.ufrag == ours.ufrag).then_some((ours.section, found))
    });
    let found: Vec<_> = found.collect();
    match found.as_slice() {
        [] => text.get().into_owned(),
        found => with_local_candidates(&text.get(), found),
    }
}

/// A line of signaling.
#[derive(Debug, PartialEq, Eq)]
enum Parsed {
    Candidate(Candidate),
    /// Well formed, but not for us.
    Useless,
    End,
}

impl Parsed {
    fn of(line: &str) -> Result<Self, DescriptionError> {
        if line.is_empty() {
            return Ok(Self::End);
        }
        if line.len() > MAX_CANDIDATE {
            return Err(Operation("candidate too long"));
        }
        match usable_candidate(line) {
            Ok(Some(candidate)) => Ok(Self::Candidate(candidate)),
            Ok(None) | Err(CandidateError::Unsupported) => Ok(Self::Useless),
            Err(CandidateError::Malformed(reason)) => Err(Operation(reason)),
        }
    }

    fn ufrag(&self) -> Option<&str> {
        match self {
            Self::Candidate(candidate) => candidate.ufrag.as_deref(),
            Self::Useless | Self::End => None,
        }
    }
}

/// The sections that are meant; all of them if none is named (W3C §4.4.2).
fn select(
    reading: &Reading,
    mid: Option<&str>,
    index: Option<u16>,
) -> Result<Vec<usize>, DescriptionError> {
    let count = reading.sections.len();
    match (mid, index.map(usize::from)) {
        (Some(mid), _) => match reading.section_named(mid) {
            Some(index) => Ok(Vec::from([index])),
            None => Err(Operation("no section has this sdpMid")),
        },
        (None, Some(index)) if index < count => Ok(Vec::from([index])),
        (None, Some(_)) => Err(Operation("no section has this sdpMLineIndex")),
        (None, None) => Ok((0..count).collect()),
    }
}

/// How many candidates are kept for a remote description; later ones still
/// reach the ICE agent, which has its own limit.
const MAX_TRICKLED: usize = 256;

/// How long the line of a candidate may be, in bytes.
const MAX_CANDIDATE: usize = 1024;
