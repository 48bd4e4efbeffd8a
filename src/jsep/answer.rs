//! Making an answer (RFC 8829 §5.3).

use alloc::boxed::Box;
use alloc::string::ToString;
use alloc::vec::Vec;

use crate::dtls::Role;
use crate::wire::sdp::Setup;

use super::Local;
use super::media::{Encoding, HeaderExtension, MediaCapabilities, Rtp, Transceiver, Transceivers};
use super::reading::{Reading, Section};
use super::write::{Draft, Level, Written};

/// What an answer is made of.
pub(super) struct Acceptance<'a> {
    pub(super) offer: &'a Reading,
    pub(super) transceivers: &'a Transceivers,
    pub(super) abilities: &'a MediaCapabilities,
    /// Whether headers may be hidden.
    pub(super) cryptex: bool,
    /// What we are in DTLS.
    pub(super) role: Role,
    /// Our description that was settled last.
    pub(super) told: Option<&'a Reading>,
}

impl Acceptance<'_> {
    /// What our answer says.
    pub(super) fn write(&self, written: &Written, local: &Local<'_>) -> Written {
        let sections: Vec<(Section, bool)> = (0..self.offer.sections.len())
            .filter_map(|index| self.answered(index, local))
            .collect();
        let drafts: Vec<Draft<'_>> = sections
            .iter()
            .map(|(section, live)| Draft {
                section,
                live: *live,
                setup: setup(self.role),
            })
            .collect();
        let first = sections.iter().position(|(_, live)| *live);
        let session = Level {
            // RFC 9143 §7.3: a group only if there was one in the offer. Who offered
            // one of the policy max-bundle misses it even if nothing is left in it.
            bundle: match first {
                Some(index) => self.offer.sections[index].bundle.is_some(),
                None => self.offer.bundles > 0,
            },
            // RFC 8829 §5.3.1: likewise. We may trickle although the peer does not.
            trickle: self.offer.trickle,
        };
        written.next(&drafts, session, local)
    }

    /// What we say of section `index`, and whether we accept it. One that is not
    /// accepted repeats the offer.
    fn answered(&self, index: usize, local: &Local<'_>) -> Option<(Section, bool)> {
        let offered = self.offer.sections.get(index)?;
        let mut section = offered.clone();
        let can_share = offered.is_live() && self.offer.shares_transport(index);
        let is_legacy = |data: super::reading::Data| data.legacy_streams.is_some();
        if offered.data.is_some_and(is_legacy) {
            // The legacy syntax has the port there.
            section.format = local.sctp_port.to_string();
        }
        if offered.data.is_some() {
            let first = self.offer.live_data();
            let accepts = can_share && first.is_some_and(|(first, _)| first == index);
            return Some((section, accepts));
        }
        section.rtp = self.media(offered).filter(|_| can_share).map(Box::new);
        let accepts = section.rtp.is_some();
        Some((section, accepts))
    }

    /// RFC 8829 §5.3.1: what both can do, the way that both want. `None` if that is
    /// nothing.
    fn media(&self, offered: &Section) -> Option<Rtp> {
        let theirs = offered.rtp.as_ref()?;
        let transceiver = self.transceivers.named(offered.mid.as_deref()?)?;
        if transceiver.is_stopping() {
            return None;
        }
        let ours = self.abilities.of(theirs.kind);
        let direction = transceiver.direction().and(theirs.direction.reversed());
        let offered = ours.toward(direction, &theirs.codecs);
        let codecs = ours.answer(&offered, &transceiver.preferences);
        if codecs.is_empty() {
            return None;
        }
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

/// The names of the layers that the writer sends.
fn named(rtp: &Rtp) -> Vec<alloc::string::String> {
    let rids = rtp.encodings.iter().map(|encoding| encoding.rid.clone());
    rids.filter(|rid| !rid.is_empty()).collect()
}

const fn setup(role: Role) -> Setup {
    match role {
        Role::Client => Setup::Active,
        Role::Server => Setup::Passive,
    }
}
