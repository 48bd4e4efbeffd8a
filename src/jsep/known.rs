//! What was described: the descriptions that are set, and what they say of our transports.

use alloc::vec::Vec;

use super::answer::common;
use super::reading::Reading;
use super::trickle::{Ours, Side};
use super::{Description, Local, SdpType, Session, TransportId, lanes};

/// What the descriptions say.
impl Session {
    /// Our pending description, or else our current one, with the candidates of `local`.
    #[must_use]
    pub fn local_description(&self, local: &Local<'_>) -> Option<Description> {
        let pending = self.pending_local_description(local);
        pending.or_else(|| self.current_local_description(local))
    }

    /// Our description that is not settled yet.
    #[must_use]
    pub fn pending_local_description(&self, local: &Local<'_>) -> Option<Description> {
        self.pending.local.as_deref().map(|side| side.local(local))
    }

    /// Our description that was settled last.
    #[must_use]
    pub fn current_local_description(&self, local: &Local<'_>) -> Option<Description> {
        self.current.local.as_deref().map(|side| side.local(local))
    }

    /// The peer's pending description, or else its current one, with the
    /// candidates that came later.
    #[must_use]
    pub fn remote_description(&self) -> Option<Description> {
        let pending = self.pending_remote_description();
        pending.or_else(|| self.current_remote_description())
    }

    /// The peer's description that is not settled yet.
    #[must_use]
    pub fn pending_remote_description(&self) -> Option<Description> {
        self.pending.remote.as_deref().map(Side::remote)
    }

    /// The peer's description that was settled last.
    #[must_use]
    pub fn current_remote_description(&self) -> Option<Description> {
        self.current.remote.as_deref().map(Side::remote)
    }

    /// Whether the peer takes candidates after its description; `None` before there is one.
    #[must_use]
    pub fn can_trickle(&self) -> Option<bool> {
        let remote = self
            .pending
            .remote
            .as_ref()
            .or(self.current.remote.as_ref());
        remote.map(|side| side.reading.trickle)
    }

    /// Our transports that are in use, or were in an offer of ours, in the order in
    /// which they came to be.
    pub fn transports(&self) -> impl Iterator<Item = TransportId> {
        self.links.ids()
    }

    /// The transports that our next offer has credentials of: make those that do not
    /// exist yet before it is created or set.
    #[must_use]
    pub fn transports_for_offer(&self) -> Vec<TransportId> {
        self.wishes().transports()
    }

    /// The transports that our answer to the peer's offer has credentials of: make
    /// those that do not exist yet before it is created or set.
    pub fn transports_for_answer(&mut self) -> Vec<TransportId> {
        self.choose_tags();
        let offer = self.pending.remote.as_deref();
        let ids = offer.map(|offer| lanes::answering(&self.links, &self.agreed, &offer.reading));
        let mut ids = ids.unwrap_or_default();
        if ids.is_empty() {
            ids.push(self.links.first());
        }
        ids
    }

    /// RFC 9143 §7.3.1: a group has the transport of its first section that we accept.
    /// Which one that is can change until we answer, if we stop transceivers or prefer
    /// other codecs.
    pub(super) fn choose_tags(&mut self) {
        let Some(offer) = self.pending.remote.as_deref_mut() else {
            return;
        };
        let abilities = &self.config.media;
        let sections = &offer.reading.sections;
        let is_refused = |index: &usize| {
            let media = sections.get(*index).filter(|section| section.rtp.is_some());
            media.is_some_and(|section| common(section, &self.transceivers, abilities).is_none())
        };
        let mut tags = offer.reading.transports.iter().map(|one| one.tag);
        if offer.kind != SdpType::Offer || !tags.any(|tag| is_refused(&tag)) {
            return;
        }
        let refused: Vec<usize> = (0..sections.len()).filter(is_refused).collect();
        let read = Reading::without(&offer.text().get(), abilities, &refused);
        // Where the others cannot do without the first, they keep its transport.
        if let Ok(mut reading) = read {
            for (section, named) in reading.sections.iter_mut().zip(sections) {
                section.mid.clone_from(&named.mid);
                section.unnamed = named.unnamed;
            }
            offer.reading = reading;
        }
    }

    /// The name and the index of the section that the candidates of a transport of
    /// ours belong to, if our newest description has one.
    #[must_use]
    pub fn section_of(&self, transport: TransportId) -> Option<(Option<&str>, usize)> {
        let pending = self.pending.local.as_deref();
        let local = pending.or(self.current.local.as_deref())?;
        let index = local.of(transport)?.section;
        let section = local.reading.sections.get(index)?;
        let mid = section.mid.as_deref().filter(|_| !section.unnamed);
        Some((mid, index))
    }

    /// The transports for which our pending offer began a new generation of ICE.
    #[must_use]
    pub fn restarting(&self) -> Vec<TransportId> {
        let pending = self.pending.local.iter().flat_map(|side| side.ours());
        let current = self.current.local.as_deref();
        let differs = |ours: &&Ours| {
            let old = current.and_then(|side| side.of(ours.id));
            old.is_some_and(|old| old.ufrag != ours.ufrag)
        };
        pending.filter(differs).map(|ours| ours.id).collect()
    }
}
