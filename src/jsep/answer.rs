//! Making an answer (RFC 8829 §5.3).

use alloc::boxed::Box;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use crate::dtls::Role;
use crate::wire::sdp::{Direction, Setup};

use super::media::{
    Codec, Encoding, HeaderExtension, MediaCapabilities, Rtp, Transceiver, Transceivers,
};
use super::offer::{Outline, speakers};
use super::reading::{Reading, Section, Transport};
use super::write::{Draft, Level, Written};
use super::{Local, TransportId, sync};

/// What an answer is made of.
pub(super) struct Acceptance<'a> {
    pub(super) offer: &'a Reading,
    pub(super) transceivers: &'a Transceivers,
    pub(super) abilities: &'a MediaCapabilities,
    /// Whether headers may be hidden.
    pub(super) cryptex: bool,
    /// Which transport of ours answers each of the offer's, and what we are in DTLS there.
    pub(super) lanes: &'a [(TransportId, Role)],
    /// What a rejected section names: it means nothing.
    pub(super) fallback: (TransportId, Role),
    /// Our description that was settled last.
    pub(super) told: Option<&'a Reading>,
}

/// A section of our answer.
struct Row {
    section: Section,
    /// Whether it is accepted.
    live: bool,
    lane: (TransportId, Role),
}

impl Acceptance<'_> {
    /// What our answer says.
    pub(super) fn write(&self, written: &Written, local: &Local<'_>) -> Outline {
        let rows: Vec<Row> = (0..self.offer.sections.len())
            .filter_map(|index| self.answered(index, local))
            .collect();
        let drafts: Vec<Draft<'_>> = rows
            .iter()
            .map(|row| Draft {
                section: &row.section,
                live: row.live,
                setup: setup(row.lane.1),
                transport: local.transport(row.lane.0).copied(),
                bundle_only: false,
                // RFC 8858 §4.3: no answer says so.
                mux_only: false,
            })
            .collect();
        let groups = self.groups(&rows);
        let media = rows.iter().map(|row| row.section.rtp.as_deref());
        let media: Vec<Option<&Rtp>> = media.collect();
        let synced = sync::answered(&media, &self.offer.synced);
        let session = Level {
            groups: groups.iter().map(|group| mids(&rows, group)).collect(),
            synced: synced.iter().map(|group| mids(&rows, group)).collect(),
            // RFC 8829 §5.3.1: as the offer. We may trickle although the peer does not.
            trickle: self.offer.trickle,
        };
        let order = groups.iter().flatten().copied();
        let order: Vec<usize> = order.chain(0..rows.len()).collect();
        let sections = rows.iter().map(|row| row.section.transport);
        Outline {
            written: written.next(&drafts, &session, local),
            transceivers: Vec::new(),
            speakers: speakers(sections.clone(), &order),
            sections: sections.collect(),
        }
    }

    /// RFC 9143 §7.3: the groups of the offer, as far as they are accepted, each with
    /// the section first that carries its transport. Who offered one of the policy
    /// max-bundle misses it even if nothing is left in it.
    fn groups(&self, rows: &[Row]) -> Vec<Vec<usize>> {
        let is_live = |index: &usize| rows.get(*index).is_some_and(|row| row.live);
        let bundled = |index: usize| self.offer.sections.get(index)?.bundle;
        let transports = self.offer.transports.iter();
        let bundles = transports.filter(|transport| bundled(transport.tag).is_some());
        let groups = bundles.map(|transport| {
            let others = transport.sections.iter().copied();
            let others = others.filter(|index| *index != transport.tag);
            let members = core::iter::once(transport.tag).chain(others);
            members.filter(is_live).collect::<Vec<usize>>()
        });
        let groups: Vec<Vec<usize>> = groups.filter(|group| !group.is_empty()).collect();
        let is_empty = self.offer.bundles > 0 && !rows.iter().any(|row| row.live);
        match is_empty {
            true => Vec::from([Vec::new()]),
            false => groups,
        }
    }

    /// What we say of section `index`. One that is not accepted repeats the offer.
    fn answered(&self, index: usize, local: &Local<'_>) -> Option<Row> {
        let offered = self.offer.sections.get(index)?;
        let mut section = offered.clone();
        let leads = |transport: &Transport| transport.sections.contains(&index);
        let place = self.offer.transports.iter().position(leads);
        let lane = place.and_then(|place| self.lanes.get(place).copied());
        let lane = lane.filter(|_| offered.is_live());
        let is_legacy = |data: super::reading::Data| data.legacy_streams.is_some();
        if offered.data.is_some_and(is_legacy) {
            // The legacy syntax has the port there.
            section.format = local.sctp_port.to_string();
        }
        let live = if offered.data.is_some() {
            let first = self.offer.live_data();
            lane.is_some() && first.is_some_and(|(first, _)| first == index)
        } else {
            section.rtp = self.media(offered).filter(|_| lane.is_some()).map(Box::new);
            section.rtp.is_some()
        };
        section.transport = lane.map(|(id, _)| id).filter(|_| live);
        Some(Row {
            section,
            live,
            lane: lane.unwrap_or(self.fallback),
        })
    }

    /// RFC 8829 §5.3.1: what both can do, the way that both want. `None` if that is
    /// nothing.
    fn media(&self, offered: &Section) -> Option<Rtp> {
        let theirs = offered.rtp.as_ref()?;
        let ours = self.abilities.of(theirs.kind);
        let (transceiver, direction, codecs) = common(offered, self.transceivers, self.abilities)?;
        let known = |extension: &&HeaderExtension| {
            ours.extensions.contains(&extension.uri) && transceiver.wants_extension(&extension.uri)
        };
        Some(Rtp {
            kind: theirs.kind,
            direction,
            codecs,
            extensions: theirs.extensions.iter().filter(known).cloned().collect(),
            mux: true,
            reduced: theirs.reduced,
            // RFC 8285 §6: only to who has said so.
            mixed: theirs.mixed,
            cryptex: self.cryptex && theirs.cryptex,
            // RFC 8829 §5.3.1: whether or not the peer lets us send at present.
            streams: match transceiver.direction().sends() || self.has_told(transceiver) {
                true => transceiver.msids(),
                false => Vec::new(),
            },
            encodings: match direction.sends() {
                true => Encoding::taken(transceiver.encodings(), &theirs.layers),
                false => Vec::new(),
            },
            // RFC 8853 §5.3.2: all layers that are sent to us.
            layers: match direction.receives() {
                true => named(theirs),
                false => Vec::new(),
            },
        })
    }
}

impl Acceptance<'_> {
    /// RFC 8829 §5.3.2: what was said of streams stays.
    fn has_told(&self, transceiver: &Transceiver) -> bool {
        let told = self.told.zip(transceiver.mid());
        told.is_some_and(|(told, mid)| told.names_streams(mid))
    }
}

/// Who takes what is offered, which way and how; `None` if nobody does.
pub(super) fn common<'a>(
    offered: &Section,
    transceivers: &'a Transceivers,
    abilities: &MediaCapabilities,
) -> Option<(&'a Transceiver, Direction, Vec<Codec>)> {
    let theirs = offered.rtp.as_ref()?;
    let transceiver = transceivers.named(offered.mid.as_deref()?)?;
    let direction = transceiver.direction().and(theirs.direction.reversed());
    let ours = abilities.of(theirs.kind);
    let codecs = ours.answer(direction, &theirs.codecs, &transceiver.preferences);
    let takes = !transceiver.is_stopping() && !codecs.is_empty();
    takes.then_some((transceiver, direction, codecs))
}

/// The names of the layers that the writer sends.
fn named(rtp: &Rtp) -> Vec<String> {
    let rids = rtp.encodings.iter().map(|encoding| encoding.rid.clone());
    rids.filter(|rid| !rid.is_empty()).collect()
}

fn mids(rows: &[Row], group: &[usize]) -> String {
    let rows = group.iter().filter_map(|index| rows.get(*index));
    let mids: Vec<&str> = rows.filter_map(|row| row.section.mid.as_deref()).collect();
    mids.join(" ")
}

const fn setup(role: Role) -> Setup {
    match role {
        Role::Client => Setup::Active,
        Role::Server => Setup::Passive,
    }
}
