//! Making an offer (RFC 8829 §5.2).

use alloc::boxed::Box;
use alloc::collections::BTreeSet;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use crate::wire::sdp::Setup;

use super::Local;
use super::media::{
    Codec, MediaCapabilities, Numbers, Rtp, Transceiver, TransceiverId, Transceivers,
};
use super::reading::{Data, Reading, Section};
use super::trickle::Side;
use super::write::{Draft, Level, Written};

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
}

/// What our next offer says, and which transceiver each of its sections is for: the
/// sections that were agreed on, one for each new transceiver, and one for data
/// channels if they are wanted and have none.
pub(super) fn offer(
    wishes: &Wishes<'_>,
    written: &Written,
    local: &Local<'_>,
) -> (Written, Vec<Option<TransceiverId>>) {
    let mut numbers = wishes.numbers();
    let mut rows: Vec<Row> = wishes
        .agreed
        .iter()
        .map(|section| wishes.kept(section, &mut numbers))
        .collect();
    let mut mids = Mids::of(&rows, wishes.transceivers);
    for transceiver in wishes.transceivers.iter() {
        let id = Some(transceiver.id());
        if transceiver.is_stopping() || rows.iter().any(|row| row.transceiver == id) {
            continue;
        }
        // It has a name already if it was in an offer that this one replaces.
        let mid = transceiver.mid().map(ToString::to_string);
        let mid = mid.unwrap_or_else(|| mids.fresh());
        let rtp = wishes.offered(transceiver, &mut numbers);
        place(&mut rows, media_section(mid, rtp), id);
    }
    let has_data = |row: &Row| row.section.is_live_data();
    if wishes.data && !rows.iter().any(has_data) {
        let section = data_section(mids.fresh(), local);
        place(&mut rows, section, None);
    }
    // Peers may leave names out; we do not.
    for row in &mut rows {
        row.section.mid.get_or_insert_with(|| mids.fresh());
    }
    let drafts: Vec<Draft<'_>> = rows.iter().map(|row| draft(&row.section)).collect();
    let session = Level {
        bundle: rows.iter().any(|row| row.section.is_live()),
        trickle: true,
    };
    let written = written.next(&drafts, session, local);
    (written, rows.iter().map(|row| row.transceiver).collect())
}

/// A section, and whose it is.
struct Row {
    section: Section,
    transceiver: Option<TransceiverId>,
    /// Whether the last exchange has given the section up.
    free: bool,
}

impl Wishes<'_> {
    /// The numbers that the last exchange has settled.
    fn numbers(&self) -> Numbers {
        let offered = self
            .offered
            .and_then(|offer| offer.read_again(self.abilities));
        let sections = offered.iter().flat_map(|offer| &offer.sections);
        let rows = sections.zip(self.agreed);
        let accepted = rows.filter(|(_, agreed)| !agreed.rejected);
        Numbers::of(accepted.filter_map(|(offered, _)| offered.rtp.as_deref()))
    }

    /// A section that was agreed on keeps its place; what it says of media is said anew.
    fn kept(&self, section: &Section, numbers: &mut Numbers) -> Row {
        let free = section.rejected;
        let mut section = section.clone();
        let mid = section.mid.as_deref();
        let transceiver = mid.and_then(|mid| self.transceivers.named(mid));
        let live = transceiver.filter(|transceiver| !transceiver.is_stopping());
        match live {
            Some(transceiver) if !section.rejected => {
                section.rtp = Some(Box::new(self.offered(transceiver, numbers)));
            }
            // RFC 8829 §5.2.2: one that was stopped has port 0.
            _ => section.rejected |= section.data.is_none(),
        }
        Row {
            section,
            transceiver: live.map(Transceiver::id),
            free,
        }
    }

    /// RFC 8829 §5.2.1: all that the transceiver can do, in the order of its preferences.
    fn offered(&self, transceiver: &Transceiver, numbers: &mut Numbers) -> Rtp {
        let ours = self.abilities.of(transceiver.kind());
        let direction = transceiver.direction();
        let wanted = |uri: &&String| transceiver.wants_extension(uri);
        let extensions: Vec<String> = ours.extensions.iter().filter(wanted).cloned().collect();
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
            extensions: numbers.for_extensions(&extensions),
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

fn draft(section: &Section) -> Draft<'_> {
    Draft {
        section,
        // RFC 8842 §5.2, RFC 8829 §5.2.1: an offer leaves the roles open, also
        // when they were settled before.
        setup: Setup::Actpass,
        live: section.is_live(),
    }
}

fn media_section(mid: String, rtp: Rtp) -> Section {
    Section {
        mid: Some(mid),
        kind: rtp.kind.to_string(),
        protocol: "UDP/TLS/RTP/SAVPF".to_string(),
        format: String::new(),
        codec: None,
        bundle: Some(0),
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
        kind: "application".to_string(),
        protocol: "UDP/DTLS/SCTP".to_string(),
        format: "webrtc-datachannel".to_string(),
        codec: None,
        bundle: Some(0),
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
fn place(rows: &mut Vec<Row>, section: Section, transceiver: Option<TransceiverId>) {
    let row = Row {
        section,
        transceiver,
        free: false,
    };
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
    next: usize,
}

impl Mids {
    fn of(rows: &[Row], transceivers: &Transceivers) -> Self {
        let sections = rows.iter().filter_map(|row| row.section.mid.clone());
        let waiting = transceivers.iter().filter_map(Transceiver::mid);
        Self {
            taken: sections.chain(waiting.map(ToString::to_string)).collect(),
            next: 0,
        }
    }

    /// The lowest number that names nothing yet (RFC 8829 §5.2.1: short, and telling nothing).
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
