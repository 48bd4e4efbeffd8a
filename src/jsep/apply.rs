//! Checking one description against the others (RFC 8829 §5.8 to §5.11).

use core::fmt;

use alloc::collections::BTreeSet;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use crate::crypto::certificate::Fingerprint;
use crate::dtls::Role;
use crate::wire::sdp::Setup;

use super::DescriptionError::{self, InvalidAccess};
use super::media::Transceivers;
use super::reading::{Reading, Section, Transport};

/// Who is at the other end of a transport since the last answer.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Association {
    ufrag: String,
    pwd: String,
    fingerprints: Vec<Fingerprint>,
    pub(super) role: Role,
}

impl Association {
    pub(super) fn with(peer: &Transport, role: Role) -> Self {
        Self {
            ufrag: peer.ufrag.clone(),
            pwd: peer.pwd.clone(),
            fingerprints: peer.fingerprints.clone(),
            role,
        }
    }

    /// Whether `other` is the same generation of ICE.
    pub(super) fn same_ice(&self, other: &Transport) -> bool {
        self.ufrag == other.ufrag && self.pwd == other.pwd
    }

    /// Whether `other` is the same peer, whose DTLS association goes on.
    pub(super) fn same_peer(&self, other: &Transport) -> bool {
        let ours = &self.fingerprints;
        ours.len() == other.fingerprints.len()
            && other
                .fingerprints
                .iter()
                .all(|fingerprint| ours.contains(fingerprint))
    }
}

impl fmt::Debug for Association {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The password is a secret.
        write!(f, "Association({} as {:?})", self.ufrag, self.role)
    }
}

/// An offer keeps every section that was agreed on in its place; more may follow,
/// and rejected ones may be used for something else (RFC 3264 §8, RFC 8829 §5.2.2).
pub(super) fn check_offer(offer: &Reading, agreed: &[Section]) -> Result<(), DescriptionError> {
    if offer.sections.len() < agreed.len() {
        return Err(InvalidAccess("offer with fewer sections than before"));
    }
    for (new, old) in offer.sections.iter().zip(agreed) {
        if old.rejected {
            continue;
        }
        if new.kind != old.kind {
            return Err(InvalidAccess("offer that changes what a section is for"));
        }
        let are_named = !new.unnamed && !old.unnamed;
        let renamed = are_named && new.mid.is_some() && old.mid.is_some() && new.mid != old.mid;
        if renamed {
            return Err(InvalidAccess("offer that renames or reorders sections"));
        }
    }
    Ok(())
}

/// RFC 8829 §5.10: sections of media that their offer has no name for get one, which
/// they keep.
pub(super) fn name(offer: &mut Reading, agreed: &[Section], transceivers: &Transceivers) {
    let named = offer
        .sections
        .iter()
        .filter_map(|section| section.mid.clone());
    let waiting = transceivers
        .iter()
        .filter_map(|one| one.mid().map(ToString::to_string));
    let mut taken: BTreeSet<String> = named.chain(waiting).collect();
    let mut numbers = 0..;
    for (index, section) in offer.sections.iter_mut().enumerate() {
        if section.mid.is_some() || section.rtp.is_none() {
            continue;
        }
        let old = agreed.get(index).filter(|old| !old.rejected);
        let old = old.and_then(|old| old.mid.clone());
        section.mid = old.or_else(|| {
            let mut fresh = numbers.by_ref().map(|number: u32| number.to_string());
            fresh.find(|mid| taken.insert(mid.clone()))
        });
        section.unnamed = true;
    }
}

/// An answer has the offer's sections, accepts none that was not offered, and
/// bundles no others than the offer (RFC 3264 §6, RFC 9143 §7.3).
pub(super) fn check_answer(answer: &Reading, offer: &Reading) -> Result<(), DescriptionError> {
    if answer.sections.len() != offer.sections.len() {
        return Err(InvalidAccess(
            "answer with another number of sections than the offer",
        ));
    }
    for (answered, offered) in answer.sections.iter().zip(&offer.sections) {
        if answered.kind != offered.kind {
            return Err(InvalidAccess("answer that changes what a section is for"));
        }
        if answered.mid.is_some() && answered.mid != offered.mid {
            return Err(InvalidAccess("answer that renames or reorders sections"));
        }
        // aiortc accepts sections of media that were offered as rejected; they stay so.
        if answered.rejected || (offered.rejected && offered.data.is_none()) {
            continue;
        }
        if offered.rejected || answered.data.is_some() != offered.data.is_some() || !answered.usable
        {
            return Err(InvalidAccess("answer that accepts what was not offered"));
        }
        let directions = answered.rtp.as_ref().zip(offered.rtp.as_ref());
        let directions = directions.map(|(answer, offer)| (answer.direction, offer.direction));
        // RFC 3264 §6.1: what is offered to be sent is received, or it is not.
        if directions.is_some_and(|(answer, offer)| answer != answer.and(offer.reversed())) {
            return Err(InvalidAccess("answer whose direction was not offered"));
        }
        if answered.bundle.is_some() && offered.bundle.is_none() {
            return Err(InvalidAccess(
                "answer that bundles what was not offered as a bundle",
            ));
        }
    }
    // RFC 9143 §7.3: an answer takes sections out of groups, and puts none together.
    let group = |index: &usize| {
        let accepted = answer.sections.get(*index).is_some_and(Section::is_live);
        let offered = offer.sections.get(*index)?;
        (accepted && offered.is_live()).then_some(offered.bundle)
    };
    let merges = |transport: &Transport| {
        let mut groups = transport.sections.iter().filter_map(group);
        let first = groups.next();
        groups.any(|group| Some(group) != first)
    };
    if answer.transports.iter().any(merges) {
        return Err(InvalidAccess("answer that puts two bundles together"));
    }
    Ok(())
}

/// Another certificate needs another generation of ICE, or anybody on the path
/// could take the session over (RFC 8842 §5.4).
pub(super) fn check_peer(
    running: Option<&Association>,
    transport: &Transport,
) -> Result<(), DescriptionError> {
    match running {
        Some(running) if running.same_ice(transport) && !running.same_peer(transport) => {
            Err(InvalidAccess("another fingerprint without an ICE restart"))
        }
        _ => Ok(()),
    }
}

/// What we are when we answer `offered` (RFC 8842 §5.3).
pub(super) fn role_as_answerer(
    running: Option<&Association>,
    offered: &Transport,
    preferred: Role,
) -> Result<Role, DescriptionError> {
    // The roles last as long as the association. Some peers write another one
    // into a later offer: they do not mean it.
    if let Some(running) = running.filter(|running| running.same_peer(offered)) {
        return Ok(running.role);
    }
    match offered.setup {
        Some(Setup::Actpass) => Ok(preferred),
        Some(Setup::Passive) => Ok(Role::Client),
        // RFC 4145 §4.1: who offers and says nothing is active.
        Some(Setup::Active) | None => Ok(Role::Server),
        Some(Setup::Holdconn) => Err(InvalidAccess("setup:holdconn")),
    }
}

/// What we are when we offered and the peer answers with `answered`.
pub(super) fn role_as_offerer(
    running: Option<&Association>,
    answered: &Transport,
) -> Result<Role, DescriptionError> {
    if let Some(running) = running.filter(|running| running.same_peer(answered)) {
        return Ok(running.role);
    }
    match answered.setup {
        Some(Setup::Active) => Ok(Role::Server),
        // RFC 4145 §4.1: who answers and says nothing is passive.
        Some(Setup::Passive) | None => Ok(Role::Client),
        Some(Setup::Actpass) => Err(InvalidAccess("answer that leaves the DTLS roles open")),
        Some(Setup::Holdconn) => Err(InvalidAccess("setup:holdconn")),
    }
}
