//! Making an offer (RFC 8829 §5.2).

use alloc::boxed::Box;
use alloc::collections::BTreeSet;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use crate::wire::sdp::Setup;

use super::lanes::{Lane, Lanes, Links};
use super::media::{
    Codec, MediaCapabilities, Numbers, Rtp, Transceiver, TransceiverId, Transceivers,
};
use super::reading::{Data, Reading, Section};
use super::trickle::Side;
use super::write::{Draft, Level, Written};
use super::{BundlePolicy, Local, TransportId, sync};

/// What an offer is made of.
pub(super) struct Wishes<'a> {
    /// The sections that were agreed on.
    pub(super) agreed: &'a [Section],
    /// The offer by which they were.
    pub(super) offered: Option<&'a Side>,
    pub(super) transceivers: &'a Transceivers,
    pub(super) abilities: &'a MediaCapabilities,
    /// Whether headers may be hidden.
    pub(super) cryptex: bool,
    /// Whether data channels are wanted.
    pub(super) data: bool,
    /// Our description that was settled last.
    pub(super) told: Option<&'a Reading>,
    /// The sections that are played together, by the last answer.
    pub(super) synced: &'a [Vec<usize>],
    /// How many transports to propose, and those that there are.
    pub(super) policy: BundlePolicy,
    pub(super) links: &'a Links,
}

/// What our next offer says, and which transceiver each of its sections is for: the
/// sections that were agreed on, one for each new transceiver, and one for data
/// channels if they are wanted and have none.
pub(super) fn offer(wishes: &Wishes<'_>, written: &Written, local: &Local<'_>) -> Outline {
    let offered = wishes.offered_again();
    let mut numbers = wishes.numbers(offered.as_ref());
    let mut lanes = Lanes::new(wishes.policy, wishes.links);
    let mut rows: Vec<Row> = wishes
        .agreed
        .iter()
        .map(|section| wishes.kept(section, &mut numbers, &mut lanes))
        .collect();
    let mut mids = Mids::of(&rows, wishes.transceivers);
    for transceiver in wishes.added() {
        // It has a name already if it was in an offer that this one replaces.
        let mid = transceiver.mid().map(ToString::to_string);
        let mid = mid.unwrap_or_else(|| mids.fresh());
        let rtp = wishes.offered(transceiver, &mut numbers);
        let lane = lanes.add(rtp.kind.as_str());
        let id = Some(transceiver.id());
        place(&mut rows, Row::new(media_section(mid, rtp), lane, id));
    }
    if wishes.adds_data() {
        let lane = lanes.add(DATA);
        let section = data_section(mids.fresh(), local);
        place(&mut rows, Row::new(section, lane, None));
    }
    // Peers may leave names out; we do not.
    for row in &mut rows {
        row.section.mid.get_or_insert_with(|| mids.fresh());
        row.section.unnamed = false;
    }
    let groups = groups(&rows);
    let members = groups.iter().flatten();
    let mut order: Vec<usize> = members.copied().collect();
    order.extend((0..rows.len()).filter(|index| !rows[*index].section.is_live()));
    let synced = wishes.synced(&rows);
    let sections = rows.iter().map(|row| row.section.transport);
    let speakers = speakers(sections.clone(), &order);
    let fallback = wishes.links.first();
    let drafts = rows.iter().enumerate().map(|(index, row)| Draft {
        // RFC 9429 §5.2.1 and §5.2.2: once, where there may be a port of its own.
        mux_only: row.is_new && speakers.iter().any(|(_, speaker)| *speaker == index),
        ..row.draft(local, fallback)
    });
    let drafts: Vec<Draft<'_>> = drafts.collect();
    let session = Level {
        groups: groups.iter().map(|group| mids_of(&rows, group)).collect(),
        synced: synced.iter().map(|group| mids_of(&rows, group)).collect(),
        trickle: true,
    };
    Outline {
        written: written.next(&drafts, &session, local),
        transceivers: rows.iter().map(|row| row.transceiver).collect(),
        speakers,
        sections: sections.collect(),
    }
}

/// A description of ours before it is set.
pub(super) struct Outline {
    pub(super) written: Written,
    /// Of an offer: which transceiver each section is for.
    pub(super) transceivers: Vec<Option<TransceiverId>>,
    /// Which transport each section uses, or would use.
    pub(super) sections: Vec<Option<TransportId>>,
    /// Which section the candidates of a transport are in.
    pub(super) speakers: Vec<(TransportId, usize)>,
}

/// For each transport the first section in `order` that uses it.
pub(super) fn speakers(
    sections: impl Iterator<Item = Option<TransportId>>,
    order: &[usize],
) -> Vec<(TransportId, usize)> {
    let sections: Vec<_> = sections.collect();
    let mut speakers: Vec<(TransportId, usize)> = Vec::new();
    for index in order {
        if let Some(id) = sections.get(*index).copied().flatten()
            && !speakers.iter().any(|(known, _)| *known == id)
        {
            speakers.push((id, *index));
        }
    }
    speakers
}

/// A section, and whose it is.
struct Row {
    section: Section,
    transceiver: Option<TransceiverId>,
    /// Whether the last exchange has given the section up.
    free: bool,
    /// Whether no exchange has agreed on it.
    is_new: bool,
    bundle_only: bool,
}

impl Row {
    fn new(section: Section, lane: Lane, transceiver: Option<TransceiverId>) -> Self {
        Self {
            section: Section {
                transport: Some(lane.transport),
                ..section
            },
            transceiver,
            free: false,
            is_new: true,
            bundle_only: lane.bundle_only,
        }
    }

    fn draft<'a>(&'a self, local: &Local<'a>, fallback: TransportId) -> Draft<'a> {
        let id = self.section.transport.unwrap_or(fallback);
        Draft {
            section: &self.section,
            // RFC 8842 §5.2, RFC 8829 §5.2.1: an offer leaves the roles open, also
            // when they were settled before.
            setup: Setup::Actpass,
            live: self.section.is_live(),
            transport: local.transport(id).copied(),
            bundle_only: self.bundle_only,
            mux_only: false,
        }
    }
}

/// The sections of each BUNDLE group, its tag first: what is bundled stays so, and what
/// is not may be. A section without a port is no tag (RFC 9143 §7.2).
fn groups(rows: &[Row]) -> Vec<Vec<usize>> {
    let live = rows.iter().filter(|row| row.section.is_live());
    let first = live.clone().find_map(|row| row.section.bundle).unwrap_or(0);
    let group = |row: &Row| row.section.bundle.unwrap_or(first);
    let mut numbers: Vec<usize> = live.map(group).collect();
    numbers.sort_unstable();
    numbers.dedup();
    let members = numbers.into_iter().map(|number| {
        let in_it = |index: &usize| {
            let row = &rows[*index];
            row.section.is_live() && group(row) == number
        };
        let mut members: Vec<usize> = (0..rows.len()).filter(in_it).collect();
        members.sort_by_key(|index| {
            (
                rows[*index].bundle_only,
                rows[*index].section.bundle.is_none(),
            )
        });
        members
    });
    members.collect()
}

fn mids_of(rows: &[Row], group: &[usize]) -> String {
    let rows = group.iter().filter_map(|index| rows.get(*index));
    let mids: Vec<&str> = rows.filter_map(|row| row.section.mid.as_deref()).collect();
    mids.join(" ")
}

impl<'a> Wishes<'a> {
    /// The transports that the offer needs.
    pub(super) fn transports(&self) -> Vec<TransportId> {
        let mut lanes = Lanes::new(self.policy, self.links);
        let kept = self.agreed.iter().filter(|section| self.keeps(section));
        kept.for_each(|section| lanes.keep(section));
        for transceiver in self.added() {
            lanes.add(transceiver.kind().as_str());
        }
        if self.adds_data() {
            lanes.add(DATA);
        }
        lanes.used()
    }

    /// Whether a section that was agreed on goes on.
    fn keeps(&self, section: &Section) -> bool {
        !section.rejected && (section.data.is_some() || self.owner(section).is_some())
    }

    fn owner(&self, section: &Section) -> Option<&'a Transceiver> {
        let transceiver = self.transceivers.named(section.mid.as_deref()?);
        transceiver.filter(|transceiver| !transceiver.is_stopping())
    }

    /// The transceivers that have no section yet.
    fn added(&self) -> impl Iterator<Item = &'a Transceiver> {
        let has_row = |transceiver: &Transceiver| {
            let mid = transceiver.mid();
            let mut rows = self.agreed.iter();
            mid.is_some() && rows.any(|section| section.mid.as_deref() == mid)
        };
        let all = self.transceivers.iter();
        all.filter(move |transceiver| !transceiver.is_stopping() && !has_row(transceiver))
    }

    fn adds_data(&self) -> bool {
        self.data && !self.agreed.iter().any(Section::is_live_data)
    }

    /// The sections that are played together.
    fn synced(&self, rows: &[Row]) -> Vec<Vec<usize>> {
        let goes_on = |index: &usize| {
            let row = rows.get(*index);
            row.is_some_and(|row| !row.is_new && row.section.is_live())
        };
        let left = self.synced.iter().map(|group| {
            let rest = group.iter().copied().filter(goes_on);
            rest.collect::<Vec<usize>>()
        });
        let live = rows.iter().map(|row| &row.section);
        let live = live.map(|section| section.rtp.as_deref().filter(|_| section.is_live()));
        sync::offered(&live.collect::<Vec<_>>(), &left.collect::<Vec<_>>())
    }

    /// All that the offer said by which sections were agreed on.
    fn offered_again(&self) -> Option<Reading> {
        self.offered?.read_again(self.abilities)
    }

    /// The numbers that the last exchange has settled.
    fn numbers(&self, offered: Option<&'a Reading>) -> Numbers<'a> {
        let sections = offered.into_iter().flat_map(|offer| &offer.sections);
        let rows = sections.zip(self.agreed);
        let accepted = rows.filter(|(_, agreed)| !agreed.rejected);
        Numbers::of(accepted.filter_map(|(offered, _)| offered.rtp.as_deref()))
    }

    /// A section that was agreed on keeps its place; what it says of media is said anew.
    fn kept(&self, section: &Section, numbers: &mut Numbers<'a>, lanes: &mut Lanes<'_>) -> Row {
        let owner = self.owner(section);
        let mut row = Row {
            section: section.clone(),
            transceiver: owner.map(Transceiver::id),
            free: section.rejected,
            is_new: false,
            bundle_only: false,
        };
        let section = &mut row.section;
        if !self.keeps(section) {
            // RFC 8829 §5.2.2: one that was stopped has port 0.
            section.rejected = true;
            section.transport = None;
            return row;
        }
        lanes.keep(section);
        if let Some(owner) = owner {
            section.rtp = Some(Box::new(self.offered(owner, numbers)));
        }
        row
    }

    /// RFC 8829 §5.2.1: all that the transceiver can do, in the order of its preferences.
    fn offered(&self, transceiver: &'a Transceiver, numbers: &mut Numbers<'a>) -> Rtp {
        let ours = self.abilities.of(transceiver.kind());
        let direction = transceiver.direction();
        let extensions = ours.extensions.iter().map(String::as_str);
        let extensions = extensions.filter(|uri| transceiver.wants_extension(uri));
        let preferences = &transceiver.preferences;
        let codecs: &[Codec] = if preferences.is_empty() {
            &ours.codecs
        } else {
            preferences
        };
        let told = self.told.zip(transceiver.mid());
        // RFC 8829 §5.2.2: what was said of streams stays, whatever the direction.
        let streams =
            match direction.sends() || told.is_some_and(|(told, mid)| told.names_streams(mid)) {
                true => transceiver.msids(),
                false => Vec::new(),
            };
        let encodings = match direction.sends() {
            true => transceiver.encodings().to_vec(),
            false => Vec::new(),
        };
        Rtp {
            kind: transceiver.kind(),
            direction,
            codecs: numbers.for_codecs(&ours.toward(direction, codecs)),
            extensions: numbers.for_extensions(extensions),
            mux: true,
            reduced: true,
            mixed: true,
            cryptex: self.cryptex,
            streams,
            encodings,
            layers: Vec::new(),
        }
    }
}

fn media_section(mid: String, rtp: Rtp) -> Section {
    Section {
        mid: Some(mid),
        unnamed: false,
        transport: None,
        kind: rtp.kind.to_string(),
        protocol: "UDP/TLS/RTP/SAVPF".to_string(),
        format: String::new(),
        codec: None,
        bundle: None,
        rejected: false,
        ufrag: None,
        data: None,
        rtp: Some(Box::new(rtp)),
        usable: true,
    }
}

fn data_section(mid: String, local: &Local<'_>) -> Section {
    Section {
        mid: Some(mid),
        unnamed: false,
        transport: None,
        kind: DATA.to_string(),
        protocol: "UDP/DTLS/SCTP".to_string(),
        format: "webrtc-datachannel".to_string(),
        codec: None,
        bundle: None,
        rejected: false,
        ufrag: None,
        data: Some(Data {
            port: local.sctp_port,
            max_message_size: None,
            legacy_streams: None,
        }),
        rtp: None,
        usable: true,
    }
}

/// Puts a new section behind the others, or where a rejected one is: with another
/// name, it may be used again (RFC 8829 §5.2.2).
fn place(rows: &mut Vec<Row>, row: Row) {
    // Data takes the place of data, since some peers keep it apart.
    let is_free = |old: &Row| old.free && old.section.data.is_some() == row.section.data.is_some();
    match rows.iter().position(is_free) {
        Some(index) => rows[index] = row,
        None => rows.push(row),
    }
}

/// The names that are taken.
struct Mids {
    taken: BTreeSet<String>,
    next: u32,
}

impl Mids {
    fn of(rows: &[Row], transceivers: &Transceivers) -> Self {
        let sections = rows.iter().filter_map(|row| row.section.mid.clone());
        let waiting = transceivers.iter().filter_map(Transceiver::mid);
        let taken = sections.chain(waiting.map(ToString::to_string));
        let taken: BTreeSet<String> = taken.collect();
        // What is beyond nobody has counted.
        let counted = taken.iter().filter_map(|mid| mid.parse::<u16>().ok());
        let next = counted.max().map_or(0, |last| u32::from(last) + 1);
        Self { taken, next }
    }

    /// The number behind the last (RFC 9429 §5.2.1: short, and telling nothing). Sections
    /// keep their names until others take their places, so none comes back: what was sent
    /// in a section that is over must not be taken for another's.
    fn fresh(&mut self) -> String {
        loop {
            let mid = self.next.to_string();
            self.next += 1;
            if self.taken.insert(mid.clone()) {
                return mid;
            }
        }
    }
}

/// The kind of a section for data channels.
const DATA: &str = "application";
