//! Making an answer (RFC 8829 §5.3).

use alloc::string::ToString;
use alloc::vec::Vec;

use crate::dtls::Role;
use crate::wire::sdp::Setup;

use super::Local;
use super::reading::{Reading, Section};
use super::write::{Draft, Level, Written};

/// What our answer to `offer` says, given what we are in DTLS.
pub(super) fn answer(offer: &Reading, role: Role, written: &Written, local: &Local<'_>) -> Written {
    let accepted = offer.live_data().map(|(index, _)| index);
    let sections: Vec<Section> = offer
        .sections
        .iter()
        .map(|section| ours(section, local))
        .collect();
    let drafts: Vec<Draft<'_>> = sections
        .iter()
        .enumerate()
        .map(|(index, section)| Draft {
            section,
            live: accepted == Some(index),
            setup: setup(role),
        })
        .collect();
    let session = Level {
        // RFC 9143 §7.3: a group only if there was one in the offer. Who offered
        // one of the policy max-bundle misses it even if nothing is left in it.
        bundle: match accepted {
            Some(index) => offer
                .sections
                .get(index)
                .is_some_and(|section| section.bundle.is_some()),
            None => offer.bundles > 0,
        },
        // RFC 8829 §5.3.1: likewise. We may trickle although the peer does not.
        trickle: offer.trickle,
    };
    written.next(&drafts, session, local)
}

/// Repeats a section of the offer, with our port where the legacy syntax has it.
fn ours(section: &Section, local: &Local<'_>) -> Section {
    let mut section = section.clone();
    if section
        .data
        .is_some_and(|data| data.legacy_streams.is_some())
    {
        section.format = local.sctp_port.to_string();
    }
    section
}

const fn setup(role: Role) -> Setup {
    match role {
        Role::Client => Setup::Active,
        Role::Server => Setup::Passive,
    }
}
