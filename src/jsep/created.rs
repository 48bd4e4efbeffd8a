//! Descriptions that were created, and may be set.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::DescriptionError::{InvalidModification, Operation};
use super::media::{MediaCapabilities, TransceiverId};
use super::offer::Outline;
use super::reading::Reading;
use super::trickle::{Ours, Side, with_candidates};
use super::write::Written;
use super::{DescriptionError, Local, SdpType, TransportId};
use crate::wire::sdp::MAX_TEXT;

/// A description that was created for the application.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Created {
    /// As the application got it, with candidates.
    pub(super) text: String,
    /// Without.
    pub(super) written: Written,
    ours: Vec<Ours>,
    /// Which transport each section uses, or would use.
    pub(super) sections: Vec<Option<TransportId>>,
    /// Of an offer: which transceiver each section is for.
    pub(super) transceivers: Vec<Option<TransceiverId>>,
}

impl Created {
    pub(super) fn of(outline: Outline, local: &Local<'_>) -> Result<Self, DescriptionError> {
        let ours = outline.speakers.iter().map(|(id, section)| {
            let facts = local.transport(*id);
            let facts = facts.ok_or(Operation("the facts of a transport are missing"))?;
            Ok(Ours {
                id: *id,
                ufrag: facts.ufrag.to_string(),
                section: *section,
            })
        });
        let ours: Vec<Ours> = ours.collect::<Result<_, DescriptionError>>()?;
        let text = with_candidates(outline.written.text(), &ours, local);
        if text.len() > MAX_TEXT {
            // Neither end would read it.
            return Err(Operation("the description is too long: use fewer codecs"));
        }
        Ok(Self {
            text,
            ours,
            sections: outline.sections,
            transceivers: outline.transceivers,
            written: outline.written,
        })
    }

    /// As it is when it is set. The facts come from outside: what cannot be read is no
    /// description.
    pub(super) fn side(
        &self,
        kind: SdpType,
        abilities: &MediaCapabilities,
    ) -> Result<Side, DescriptionError> {
        let text = self.written.text();
        let mut reading = Reading::of(&text.get(), abilities)?;
        reading.transports = Vec::new();
        for (section, id) in reading.sections.iter_mut().zip(&self.sections) {
            section.transport = *id;
        }
        Ok(Side::of_ours(
            kind,
            reading,
            text.clone(),
            self.ours.clone(),
        ))
    }
}

/// W3C §4.4.2: a description of ours is set as it was created.
pub(super) fn unmodified(sdp: &str, created: Option<&Created>) -> Result<(), DescriptionError> {
    let same = created.is_some_and(|created| created.text == sdp);
    if sdp.is_empty() || same {
        Ok(())
    } else {
        Err(InvalidModification)
    }
}
