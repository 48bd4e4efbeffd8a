//! Making an offer (RFC 8829 §5.2).

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use crate::wire::sdp::Setup;

use super::Local;
use super::reading::{Data, Section};
use super::write::{Draft, Level, Written};

/// What our next offer says: the sections that were agreed on, and one for data
/// channels if they are wanted and have none.
pub(super) fn offer(
    agreed: &[Section],
    wants_data: bool,
    written: &Written,
    local: &Local<'_>,
) -> Written {
    let mut sections = agreed.to_vec();
    if wants_data && !sections.iter().any(Section::is_live_data) {
        add_data(&mut sections, local);
    }
    name(&mut sections);
    let drafts: Vec<Draft<'_>> = sections.iter().map(draft).collect();
    let session = Level {
        bundle: sections.iter().any(Section::is_live_data),
        trickle: true,
    };
    written.next(&drafts, session, local)
}

fn draft(section: &Section) -> Draft<'_> {
    Draft {
        section,
        // RFC 8842 §5.2, RFC 8829 §5.2.1: an offer leaves the roles open, also
        // when they were settled before.
        setup: Setup::Actpass,
        live: section.is_live_data(),
    }
}

/// Puts a section for data channels behind the others, or where a rejected one
/// is (RFC 8829 §5.2.2).
fn add_data(sections: &mut Vec<Section>, local: &Local<'_>) {
    let section = Section {
        // A section that is used again gets another name.
        mid: Some(fresh_mid(sections)),
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
    };
    let mut old = sections.iter_mut();
    match old.find(|old| old.rejected && old.kind == "application") {
        Some(old) => *old = section,
        None => sections.push(section),
    }
}

/// Names the sections that have no name: peers may leave it out.
fn name(sections: &mut [Section]) {
    while let Some(nameless) = sections.iter().position(|section| section.mid.is_none()) {
        let mid = fresh_mid(sections);
        if let Some(section) = sections.get_mut(nameless) {
            section.mid = Some(mid);
        }
    }
}

/// The lowest number that names nothing yet (RFC 8829 §5.2.1: short, and telling nothing).
fn fresh_mid(sections: &[Section]) -> String {
    let used = |mid: &str| {
        sections
            .iter()
            .any(|section| section.mid.as_deref() == Some(mid))
    };
    let mut numbers = (0..=sections.len()).map(|number| format!("{number}"));
    numbers.find(|mid| !used(mid)).unwrap_or_default()
}
