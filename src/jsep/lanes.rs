//! Which transport of ours does a section use (RFC 8829 §4.1.1, RFC 9143 §7)?

use alloc::vec::Vec;

use super::DescriptionError::{self, InvalidAccess};
use super::apply::Association;
use super::plan::{BundlePolicy, MAX_TRANSPORTS, TransportId};
use super::reading::{Reading, Section, Transport};

/// Our transports, in the order in which they came to be: never none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Links {
    list: Vec<Link>,
    /// The number of the next one.
    next: u32,
}

/// A transport of ours, and who is at its other end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Link {
    pub(super) id: TransportId,
    pub(super) peer: Option<Association>,
}

impl Default for Links {
    fn default() -> Self {
        let mut links = Self {
            list: Vec::with_capacity(1),
            next: 0,
        };
        links.add([TransportId::FIRST]);
        links
    }
}

impl Links {
    pub(super) fn ids(&self) -> impl Iterator<Item = TransportId> {
        self.list.iter().map(|link| link.id)
    }

    /// The one that is there if nothing needs any.
    pub(super) fn first(&self) -> TransportId {
        self.ids().next().unwrap_or(TransportId::FIRST)
    }

    /// Who is at the other end.
    pub(super) fn peer(&self, id: TransportId) -> Option<&Association> {
        self.list.iter().find(|link| link.id == id)?.peer.as_ref()
    }

    /// Whether nobody is at the other end of any.
    pub(super) fn are_new(&self) -> bool {
        self.list.iter().all(|link| link.peer.is_none())
    }

    /// The transport that leads to the same agent as `transport`: `agreed` if it does.
    pub(super) fn to(&self, agreed: Option<TransportId>, peer: &Transport) -> Option<TransportId> {
        let same = |id: &TransportId| self.peer(*id).is_some_and(|known| known.same_ice(peer));
        agreed.filter(same).or_else(|| self.ids().find(same))
    }

    /// They are in use from now on.
    pub(super) fn add(&mut self, ids: impl IntoIterator<Item = TransportId>) {
        for id in ids {
            if !self.ids().any(|known| known == id) {
                self.list.push(Link { id, peer: None });
                self.next = self.next.max(id.number().saturating_add(1));
            }
        }
    }

    pub(super) fn connect(&mut self, id: TransportId, peer: Option<Association>) {
        if let Some(link) = self.list.iter_mut().find(|link| link.id == id) {
            link.peer = peer;
        }
    }

    /// Gives up all that are not `used`, but not the last one: gives back which.
    pub(super) fn close_unused(&mut self, used: &[TransportId]) -> Vec<TransportId> {
        let first = self.first();
        let stays = |id: TransportId| used.contains(&id) || used.is_empty() && id == first;
        let closed = self.ids().filter(|id| !stays(*id)).collect();
        self.list.retain(|link| stays(link.id));
        closed
    }
}

/// Gives transports to the sections of our next offer.
pub(super) struct Lanes<'a> {
    policy: BundlePolicy,
    links: &'a Links,
    next: u32,
    used: Vec<TransportId>,
    /// The kinds of the sections so far, as bits.
    kinds: u8,
    /// The transport of the group that the last exchange has left.
    bundle: Option<TransportId>,
}

/// What a new section gets.
#[derive(Clone, Copy)]
pub(super) struct Lane {
    pub(super) transport: TransportId,
    /// Whether the section can only be there if it shares that transport.
    pub(super) bundle_only: bool,
}

impl<'a> Lanes<'a> {
    pub(super) const fn new(policy: BundlePolicy, links: &'a Links) -> Self {
        Self {
            policy,
            links,
            next: links.next,
            used: Vec::new(),
            kinds: 0,
            bundle: None,
        }
    }

    /// A section that was agreed on keeps its transport.
    pub(super) fn keep(&mut self, section: &Section) {
        let Some(id) = section.transport else { return };
        if !self.used.contains(&id) {
            self.used.push(id);
        }
        self.kinds |= bit(&section.kind);
        if section.bundle.is_some() {
            self.bundle = self.bundle.or(Some(id));
        }
    }

    /// A new section joins the group that the peer has accepted. Before there is one,
    /// the policy decides what a peer without BUNDLE is to be left with.
    pub(super) fn add(&mut self, kind: &str) -> Lane {
        let is_first = self.kinds & bit(kind) == 0;
        self.kinds |= bit(kind);
        let is_alone = match self.policy {
            BundlePolicy::MaxCompat => true,
            BundlePolicy::Balanced => is_first,
            BundlePolicy::MaxBundle => false,
        };
        let shares = self.bundle.is_some() || !is_alone || self.used.len() >= MAX_TRANSPORTS;
        match self.bundle.or_else(|| self.used.first().copied()) {
            Some(transport) if shares => Lane {
                transport,
                bundle_only: self.bundle.is_none(),
            },
            _ => Lane {
                transport: self.take(),
                bundle_only: false,
            },
        }
    }

    /// Those that the sections need; if they need none, one for the rejected ones to name.
    pub(super) fn used(mut self) -> Vec<TransportId> {
        if self.used.is_empty() {
            self.used.push(self.links.first());
        }
        self.used
    }

    /// One that no section uses: an old one, or else a new one.
    fn take(&mut self) -> TransportId {
        let idle = self.links.ids().find(|id| !self.used.contains(id));
        let id = idle.unwrap_or_else(|| fresh(&mut self.next));
        self.used.push(id);
        id
    }
}

/// Which transports of ours answer those of the peer's `offer`, in their order: each
/// section keeps the one that it has, unless it left the group that has it.
pub(super) fn answering(links: &Links, agreed: &[Section], offer: &Reading) -> Vec<TransportId> {
    let mut next = links.next;
    let live = agreed.iter().filter(|section| !section.rejected);
    let in_use: Vec<TransportId> = live.filter_map(|section| section.transport).collect();
    let had = |transport: &Transport| {
        let sections = core::iter::once(transport.tag).chain(transport.sections.iter().copied());
        let rows = sections.filter_map(|index| agreed.get(index));
        let ids = rows.filter(|section| !section.rejected);
        ids.filter_map(|section| section.transport)
            .collect::<Vec<_>>()
    };
    let mut given: Vec<Option<TransportId>> = offer.transports.iter().map(|_| None).collect();
    // Where the peer goes on with the same agent, so do we: also for new sections, when
    // those that used it before are given up by the same offer.
    for (index, transport) in offer.transports.iter().enumerate() {
        let goes_on = |id: &TransportId| {
            let peer = links.peer(*id);
            !given.contains(&Some(*id)) && peer.is_some_and(|peer| peer.same_ice(transport))
        };
        given[index] = had(transport).into_iter().chain(links.ids()).find(goes_on);
    }
    // Others have new credentials: of an ICE restart, if we know their sections.
    for (index, transport) in offer.transports.iter().enumerate() {
        let is_free = |id: &TransportId| !given.contains(&Some(*id));
        let old = had(transport).into_iter().find(is_free);
        given[index] = given[index].or(old);
    }
    // A group goes on with other sections, too, when none of the old ones is left.
    let mut bundled = agreed.iter().filter(|section| section.bundle.is_some());
    let group = bundled.find_map(|section| section.transport.filter(|_| !section.rejected));
    for (index, transport) in offer.transports.iter().enumerate() {
        if given[index].is_none() {
            let is_free = |id: &TransportId| !given.contains(&Some(*id));
            let tag = offer.sections.get(transport.tag);
            let is_bundled = tag.is_some_and(|tag| tag.bundle.is_some());
            let old = group.filter(|id| is_bundled && is_free(id));
            // One that led to somebody else is no way to a stranger.
            let idle =
                |id: &TransportId| is_free(id) && !in_use.contains(id) && links.peer(*id).is_none();
            let old = old.or_else(|| links.ids().find(idle));
            given[index] = Some(old.unwrap_or_else(|| fresh(&mut next)));
        }
    }
    given.into_iter().flatten().collect()
}

/// What an exchange means for transports.
#[derive(Debug, Default)]
pub(super) struct Routes {
    /// Of each section that both sides accept, the transport of ours.
    pub(super) sections: Vec<Option<TransportId>>,
    /// Each transport of ours, and the number of the peer's that it leads to.
    pub(super) peers: Vec<(TransportId, usize)>,
}

impl Routes {
    /// We answer the peer's offer: our sections say what they use.
    pub(super) fn of_our_answer(ours: &Reading, offer: &Reading) -> Result<Self, DescriptionError> {
        Self::by(ours, offer, |index, _| ours.sections.get(index)?.transport)
    }

    /// The peer answers our offer: a group uses what its tag was offered with, and a
    /// section outside of any what itself was (RFC 9143 §7.4).
    pub(super) fn of_their_answer(
        ours: &Reading,
        answer: &Reading,
    ) -> Result<Self, DescriptionError> {
        Self::by(ours, answer, |index, transport| {
            let id = |index: usize| ours.sections.get(index)?.transport;
            let is_bundled = answer.sections.get(index)?.bundle.is_some();
            let tag = Some(transport.tag).filter(|_| is_bundled);
            tag.and_then(id).or_else(|| id(index))
        })
    }

    fn by(
        ours: &Reading,
        theirs: &Reading,
        choose: impl Fn(usize, &Transport) -> Option<TransportId>,
    ) -> Result<Self, DescriptionError> {
        let mut routes = Self::default();
        for (index, (local, remote)) in ours.sections.iter().zip(&theirs.sections).enumerate() {
            let both = local.is_live() && remote.is_live();
            let leads = |transport: &Transport| transport.sections.contains(&index);
            let place = theirs.transports.iter().position(leads).filter(|_| both);
            let place = place.and_then(|place| Some((place, theirs.transports.get(place)?)));
            let id = place.and_then(|(_, transport)| choose(index, transport));
            routes.sections.push(id);
            let Some((id, (place, _))) = id.zip(place) else {
                continue;
            };
            match routes.peers.iter().find(|(known, _)| *known == id) {
                None => routes.peers.push((id, place)),
                Some((_, other)) if *other == place => {}
                Some(_) => {
                    return Err(InvalidAccess(
                        "answer that unbundles what shares a transport",
                    ));
                }
            }
        }
        Ok(routes)
    }

    pub(super) fn used(&self) -> Vec<TransportId> {
        self.peers.iter().map(|(id, _)| *id).collect()
    }
}

const fn fresh(next: &mut u32) -> TransportId {
    let id = TransportId::with_number(*next);
    *next = next.wrapping_add(1);
    id
}

fn bit(kind: &str) -> u8 {
    match kind {
        "audio" => 1,
        "video" => 2,
        _ => 4,
    }
}
