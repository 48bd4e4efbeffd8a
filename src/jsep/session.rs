//! The signaling state machine (W3C WebRTC §4.4, RFC 8829 §3.2).

use alloc::boxed::Box;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::{fmt, mem};

use rand_core::CryptoRng;

use crate::dtls::Role;

use super::DescriptionError::{InvalidModification, InvalidState};
use super::answer::Acceptance;
use super::created::{Created, unmodified};
use super::lanes::{self, Links, Routes};
use super::media::{MediaCapabilities, Transceivers};
use super::offer::Wishes;
use super::reading::{Reading, Section};
use super::trickle::Side;
use super::write::Written;
use super::{
    BundlePolicy, DescriptionError, Local, LocalTransport, OfferOptions, Plan, SdpType,
    SignalingState, TransportId, apply, offer,
};

/// How a [`Session`] behaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionConfig {
    /// What we are in DTLS if the peer's offer lets us choose. RFC 8842 §5.3
    /// recommends the client: its first flight need not wait for the answer.
    pub answer_role: Role,
    /// How many transports an offer proposes.
    pub bundle_policy: BundlePolicy,
    /// What can be sent and received. Nothing: sections of media are rejected.
    pub media: Arc<MediaCapabilities>,
    /// Whether what is in the header of RTP packets may be hidden (RFC 9335), if the
    /// peer can do that, too.
    pub cryptex: bool,
}

impl Default for SessionConfig {
    fn default() -> Self {
        Self {
            answer_role: Role::Client,
            bundle_policy: BundlePolicy::default(),
            media: Arc::default(),
            cryptex: false,
        }
    }
}

/// One end of a negotiation. See the [module](super) for how it is used.
///
/// A plain value: two sessions are equal if nothing can tell them apart.
#[derive(Clone, PartialEq, Eq)]
pub struct Session {
    pub(super) config: SessionConfig,
    state: SignalingState,
    /// The table of sections, as the last answer left it.
    pub(super) agreed: Vec<Section>,
    /// Our transports, as the last answer, provisional or not, left them, and those
    /// that our pending offer adds.
    pub(super) links: Links,
    /// Whether we are the controlling side of ICE.
    controls: bool,
    pub(super) current: Sides,
    pub(super) pending: Sides,
    /// What was created last and not yet made useless by an answer.
    pub(super) created_offer: Option<Created>,
    pub(super) created_answer: Option<Created>,
    pub(super) written: Written,
    pub(super) transceivers: Transceivers,
    /// As they were in *stable*, for a rollback.
    pub(super) settled: Option<Box<Transceivers>>,
    pub(super) wants_data: bool,
    /// The user fragments of ours that the application wants to be rid of: W3C's
    /// `[[LocalIceCredentialsToReplace]]`.
    pub(super) unwanted: Vec<String>,
    /// The user fragments of ours whose candidates were gathered by another configuration
    /// than the one of now: RFC 8829's needs-ice-restart.
    pub(super) outdated: Vec<String>,
}

/// The two descriptions of an exchange.
#[derive(Clone, PartialEq, Eq, Default)]
pub(super) struct Sides {
    pub(super) local: Option<Box<Side>>,
    pub(super) remote: Option<Box<Side>>,
}

impl Sides {
    /// That of the two which is an offer.
    fn offer(&self) -> Option<&Side> {
        self.sides().find(|side| side.kind == SdpType::Offer)
    }

    /// The other one.
    fn answer(&self) -> Option<&Side> {
        self.sides().find(|side| side.kind != SdpType::Offer)
    }

    fn sides(&self) -> impl Iterator<Item = &Side> {
        let sides = [&self.local, &self.remote].into_iter().flatten();
        sides.map(Box::as_ref)
    }
}

impl Session {
    /// A session in *stable*, with a random number for its descriptions.
    #[must_use]
    pub fn new(config: SessionConfig, rng: &mut (impl CryptoRng + ?Sized)) -> Self {
        // RFC 8829 §5.2.1: 63 random bits.
        let session_id = rng.next_u64() >> 1;
        let transceivers = Transceivers::new(rng);
        Self {
            config,
            state: SignalingState::Stable,
            agreed: Vec::new(),
            links: Links::default(),
            controls: true,
            current: Sides::default(),
            pending: Sides::default(),
            created_offer: None,
            created_answer: None,
            written: Written::new(session_id),
            transceivers,
            settled: None,
            wants_data: false,
            unwanted: Vec::new(),
            outdated: Vec::new(),
        }
    }

    /// Says that the ICE credentials in use are to be replaced: offers have others
    /// until an exchange has brought them about (W3C §4.4.2, `restartIce`).
    pub fn restart_ice(&mut self) {
        self.unwanted = self.ufrags();
    }

    /// Says that candidates would be searched for in another way by now: the next offer
    /// has other ICE credentials, whenever it comes (RFC 8829 §3.5.1 and §4.1.18).
    pub fn outdate_candidates(&mut self) {
        self.outdated = self.ufrags();
    }

    /// Those of our descriptions.
    fn ufrags(&self) -> Vec<String> {
        let sides = [&self.current.local, &self.pending.local];
        let sides = sides.into_iter().flatten();
        let ours = sides.flat_map(|side| side.ours());
        ours.map(|ours| ours.ufrag.clone()).collect()
    }

    /// Says that there is a data channel: the next offer has a section for them.
    pub const fn want_data_channels(&mut self) {
        self.wants_data = true;
    }

    /// Says what we are in DTLS if the peer's offer lets us choose. It counts
    /// from the next answer on.
    pub const fn prefer_role(&mut self, role: Role) {
        self.config.answer_role = role;
    }

    /// Whether a description of ours was set, so that its credentials can be replaced.
    #[must_use]
    pub const fn has_local_description(&self) -> bool {
        self.pending.local.is_some() || self.current.local.is_some()
    }

    /// Whether the next description may have to say other ICE credentials: those of now
    /// were said, be it in an offer that was taken back.
    #[must_use]
    pub const fn may_restart_ice(&self) -> bool {
        self.has_local_description() || !self.unwanted.is_empty() || !self.outdated.is_empty()
    }

    /// Makes an offer, without applying it.
    ///
    /// # Errors
    ///
    /// [`InvalidState`] unless in *stable* or *have-local-offer*,
    /// [`DescriptionError::Operation`] if it would be too long.
    pub fn create_offer(
        &mut self,
        options: OfferOptions,
        local: &Local<'_>,
    ) -> Result<String, DescriptionError> {
        use SignalingState::{HaveLocalOffer, Stable};
        if !matches!(self.state, Stable | HaveLocalOffer) {
            return Err(InvalidState);
        }
        self.prepare_offer(options)?;
        // Credentials that nobody was told of need no replacement.
        let current = self.current.local.as_deref();
        let restarts = |transport: &LocalTransport<'_>| {
            let told = current.and_then(|side| side.of(transport.id));
            let is_in_use = told.is_some_and(|told| told.ufrag == transport.ufrag);
            let mut replaced = self.unwanted.iter().chain(&self.outdated);
            options.ice_restart && is_in_use || replaced.any(|ufrag| ufrag == transport.ufrag)
        };
        let transports = local.announced(restarts);
        let local = Local {
            transports: &transports,
            ..*local
        };
        let outline = offer::offer(&self.wishes(), &self.written, &local);
        let created = Created::of(outline, &local)?;
        Ok(self.created_offer.insert(created).text.clone())
    }

    /// Makes an answer to the peer's offer, without applying it.
    ///
    /// # Errors
    ///
    /// [`InvalidState`] unless in *have-remote-offer* or *have-local-pranswer*,
    /// [`DescriptionError::Operation`] if it would be too long.
    pub fn create_answer(&mut self, local: &Local<'_>) -> Result<String, DescriptionError> {
        use SignalingState::{HaveLocalPranswer, HaveRemoteOffer};
        if !matches!(self.state, HaveRemoteOffer | HaveLocalPranswer) {
            return Err(InvalidState);
        }
        self.choose_tags();
        let offer = &self.pending.remote.as_deref().ok_or(InvalidState)?.reading;
        let ids = lanes::answering(&self.links, &self.agreed, offer);
        let roles = self.roles_as_answerer(&ids, offer)?;
        let answered: Vec<_> = ids.iter().copied().zip(roles).collect();
        // RFC 8829 §5.3.1: new credentials of the peer ask for new ones of ours.
        let restarts = |transport: &LocalTransport<'_>| {
            let mut pairs = ids.iter().zip(&offer.transports);
            let offered = pairs.find(|(id, _)| **id == transport.id);
            let running = self.links.peer(transport.id).zip(offered);
            running.is_some_and(|(running, (_, offered))| !running.same_ice(offered))
        };
        let transports = local.announced(restarts);
        let local = Local {
            transports: &transports,
            ..*local
        };
        let fallback = (self.links.first(), self.config.answer_role);
        let acceptance = Acceptance {
            offer,
            transceivers: &self.transceivers,
            abilities: &self.config.media,
            cryptex: self.config.cryptex,
            lanes: &answered,
            fallback: answered.first().copied().unwrap_or(fallback),
            told: self.current.local.as_deref().map(|side| &side.reading),
        };
        let outline = acceptance.write(&self.written, &local);
        let created = Created::of(outline, &local)?;
        Ok(self.created_answer.insert(created).text.clone())
    }

    /// Applies a description of ours.
    ///
    /// `kind` is `None` for whatever the state asks for. An empty `sdp` means
    /// what was created last, or is created now.
    ///
    /// # Errors
    ///
    /// [`InvalidState`] if the kind does not fit the state, [`InvalidModification`]
    /// if `sdp` is not what was created last.
    pub fn set_local(
        &mut self,
        kind: Option<SdpType>,
        sdp: &str,
        local: &Local<'_>,
    ) -> Result<Plan, DescriptionError> {
        use SignalingState::{
            Closed, HaveLocalOffer, HaveLocalPranswer, HaveRemoteOffer, HaveRemotePranswer, Stable,
        };
        let implicit = match self.state {
            Stable | HaveLocalOffer | HaveRemotePranswer => SdpType::Offer,
            HaveRemoteOffer | HaveLocalPranswer => SdpType::Answer,
            Closed => return Err(InvalidState),
        };
        match kind.unwrap_or(implicit) {
            SdpType::Rollback => self.rollback(),
            SdpType::Offer => {
                unmodified(sdp, self.created_offer.as_ref())?;
                if sdp.is_empty() {
                    self.create_offer(OfferOptions::default(), local)?;
                }
                self.apply_local_offer(local)
            }
            kind @ (SdpType::Pranswer | SdpType::Answer) => {
                unmodified(sdp, self.created_answer.as_ref())?;
                if sdp.is_empty() {
                    self.create_answer(local)?;
                }
                self.apply_local_answer(kind, local)
            }
        }
    }

    /// Applies a description of the peer's.
    ///
    /// # Errors
    ///
    /// [`InvalidState`] if the kind does not fit the state,
    /// [`DescriptionError::Syntax`] if it cannot be read, [`DescriptionError::InvalidAccess`] if
    /// it makes no sense.
    pub fn set_remote(&mut self, kind: SdpType, sdp: &str) -> Result<Plan, DescriptionError> {
        use SignalingState::{HaveLocalOffer, HaveRemoteOffer, HaveRemotePranswer, Stable};
        match (kind, self.state) {
            (SdpType::Rollback, _) => self.rollback(),
            (SdpType::Offer, Stable | HaveRemoteOffer) => self.apply_remote_offer(sdp),
            (SdpType::Offer, HaveLocalOffer) => {
                // W3C §4.4.2: a colliding offer first takes ours back, and that
                // stands even if the offer turns out to be bad.
                let rolled_back = self.rollback()?;
                let plan = self.apply_remote_offer(sdp)?;
                Ok(Plan {
                    rolled_back: true,
                    cancel_restart: rolled_back.cancel_restart,
                    closed: rolled_back.closed,
                    ..plan
                })
            }
            (SdpType::Pranswer | SdpType::Answer, HaveLocalOffer | HaveRemotePranswer) => {
                self.apply_remote_answer(kind, sdp)
            }
            _ => Err(InvalidState),
        }
    }

    /// Ends the session and its transceivers: every further operation is [`InvalidState`].
    pub fn close(&mut self) {
        self.state = SignalingState::Closed;
        self.transceivers.end_all();
    }

    /// Where the exchange is.
    #[must_use]
    pub const fn signaling_state(&self) -> SignalingState {
        self.state
    }

    /// Whether something was asked for that the last exchange does not contain
    /// (W3C §4.7.3). Only asked in *stable*; elsewhere the answer is no.
    #[must_use]
    pub fn negotiation_needed(&self) -> bool {
        let lacks_data = self.wants_data && !self.agreed.iter().any(Section::is_live_data);
        let needs = lacks_data || !self.unwanted.is_empty() || self.needs_media();
        self.state == SignalingState::Stable && needs
    }

    pub(super) fn wishes(&self) -> Wishes<'_> {
        Wishes {
            agreed: &self.agreed,
            offered: self.current.offer(),
            transceivers: &self.transceivers,
            abilities: &self.config.media,
            cryptex: self.config.cryptex,
            data: self.wants_data,
            told: self.current.local.as_deref().map(|side| &side.reading),
            synced: self
                .current
                .answer()
                .map_or(&[], |answer| &answer.reading.synced),
            policy: self.config.bundle_policy,
            links: &self.links,
        }
    }

    /// What we are on our transports `ids` when we answer `offer`.
    fn roles_as_answerer(
        &self,
        ids: &[TransportId],
        offer: &Reading,
    ) -> Result<Vec<Role>, DescriptionError> {
        let preferred = self.config.answer_role;
        let pairs = ids.iter().zip(&offer.transports);
        let roles = pairs
            .map(|(id, offered)| apply::role_as_answerer(self.links.peer(*id), offered, preferred));
        roles.collect()
    }

    fn rollback(&mut self) -> Result<Plan, DescriptionError> {
        use SignalingState::{HaveLocalOffer, HaveRemoteOffer, Stable};
        // RFC 8829 §4.1.8.2: an answer, even a provisional one, is not taken back.
        if !matches!(self.state, HaveLocalOffer | HaveRemoteOffer) {
            return Err(InvalidState);
        }
        let mut plan = Plan {
            cancel_restart: self.restarting(),
            ..Plan::default()
        };
        self.pending = Sides::default();
        let agreed = self.agreed.iter().filter_map(|section| section.transport);
        let used: Vec<TransportId> = agreed.collect();
        plan.closed = self.links.close_unused(&used);
        if !plan.closed.is_empty() {
            // It speaks of transports that are gone.
            self.created_offer = None;
        }
        if let Some(settled) = self.settled.take() {
            let before = self.transceivers.clone();
            self.transceivers.roll_back(&settled);
            self.transceivers.tell_changes(&before, &mut plan);
        }
        self.enter(Stable, &mut plan);
        Ok(plan)
    }

    /// Remembers the transceivers as they are in *stable*.
    fn remember(&mut self) {
        if self.settled.is_none() {
            self.settled = Some(Box::new(self.transceivers.clone()));
        }
    }

    fn apply_local_offer(&mut self, local: &Local<'_>) -> Result<Plan, DescriptionError> {
        use SignalingState::{HaveLocalOffer, Stable};
        if !matches!(self.state, Stable | HaveLocalOffer) {
            return Err(InvalidState);
        }
        let created = self.created_offer.as_ref().ok_or(InvalidModification)?;
        let side = created.side(SdpType::Offer, &self.config.media)?;
        let ids: Vec<TransportId> = side.ours().iter().map(|ours| ours.id).collect();
        self.controls |= self.links.are_new();
        let mut plan = Plan {
            restart: side.restarts(local),
            controlling: self.controlling(&ids),
            gather: ids,
            ..Plan::default()
        };
        let transceivers = created.transceivers.clone();
        self.written = created.written.clone();
        self.links.add(plan.gather.iter().copied());
        self.remember();
        self.transceivers
            .on_local_offer(&side.reading, &transceivers);
        self.pending.local = Some(Box::new(side));
        self.enter(HaveLocalOffer, &mut plan);
        Ok(plan)
    }

    fn apply_local_answer(
        &mut self,
        kind: SdpType,
        local: &Local<'_>,
    ) -> Result<Plan, DescriptionError> {
        use SignalingState::{HaveLocalPranswer, HaveRemoteOffer};
        if !matches!(self.state, HaveRemoteOffer | HaveLocalPranswer) {
            return Err(InvalidState);
        }
        let created = self.created_answer.as_ref().ok_or(InvalidModification)?;
        let mut side = created.side(kind, &self.config.media)?;
        let offer = self.pending.remote.as_deref().ok_or(InvalidState)?;
        let sections = &mut side.reading.sections;
        // What has no name in the descriptions has one here.
        for (section, offered) in sections.iter_mut().zip(&offer.reading.sections) {
            section.mid.clone_from(&offered.mid);
            section.unnamed = offered.unnamed;
        }
        let routes = Routes::of_our_answer(&side.reading, &offer.reading)?;
        let roles = routes.peers.iter().map(|(id, place)| {
            let offered = offer.reading.transports.get(*place).ok_or(InvalidState)?;
            apply::role_as_answerer(self.links.peer(*id), offered, self.config.answer_role)
        });
        let roles: Vec<Role> = roles.collect::<Result<_, _>>()?;
        let mut plan = self.settlement(offer, &side.reading, &routes, &roles);
        plan.restart = side.restarts(local);
        plan.gather = side.ours().iter().map(|ours| ours.id).collect();
        self.written = created.written.clone();
        self.links.add(plan.gather.iter().copied());
        self.pending.local = Some(Box::new(side));
        self.settle(kind, HaveLocalPranswer, (&routes, &roles), &mut plan);
        Ok(plan)
    }

    fn apply_remote_offer(&mut self, sdp: &str) -> Result<Plan, DescriptionError> {
        let mut side = self.read(SdpType::Offer, sdp)?;
        let reading = &mut side.reading;
        apply::name(reading, &self.agreed, &self.transceivers);
        apply::check_offer(reading, &self.agreed)?;
        let ids = lanes::answering(&self.links, &self.agreed, reading);
        for (id, transport) in ids.iter().zip(&reading.transports) {
            apply::check_peer(self.links.peer(*id), transport)?;
        }
        self.roles_as_answerer(&ids, reading)?;
        if self.links.are_new() && !ids.is_empty() {
            // RFC 8445 §6.1.1: who offers controls, but a lite peer cannot.
            self.controls = reading.transports.iter().any(|transport| transport.lite);
        }
        let mut plan = Plan {
            controlling: self.controlling(&ids),
            ..Plan::default()
        };
        self.remember();
        let before = self.transceivers.clone();
        // An offer takes the place of another.
        if let Some(settled) = &self.settled {
            self.transceivers.roll_back(settled);
        }
        self.transceivers.on_remote_offer(&side.reading);
        self.transceivers.tell_changes(&before, &mut plan);
        self.pending.remote = Some(Box::new(side));
        // An answer to another offer is no answer to this one.
        self.created_answer = None;
        self.enter(SignalingState::HaveRemoteOffer, &mut plan);
        Ok(plan)
    }

    fn apply_remote_answer(&mut self, kind: SdpType, sdp: &str) -> Result<Plan, DescriptionError> {
        let side = self.read(kind, sdp)?;
        let offer = self.pending.local.as_deref().ok_or(InvalidState)?;
        apply::check_answer(&side.reading, &offer.reading)?;
        let routes = Routes::of_their_answer(&offer.reading, &side.reading)?;
        let roles = routes.peers.iter().map(|(id, place)| {
            let running = self.links.peer(*id);
            let answered = side.reading.transports.get(*place).ok_or(InvalidState)?;
            apply::check_peer(running, answered)?;
            apply::role_as_offerer(running, answered)
        });
        let roles: Vec<Role> = roles.collect::<Result<_, _>>()?;
        let mut plan = self.settlement(&side, &offer.reading, &routes, &roles);
        self.pending.remote = Some(Box::new(side));
        let provisional = SignalingState::HaveRemotePranswer;
        self.settle(kind, provisional, (&routes, &roles), &mut plan);
        Ok(plan)
    }

    /// Which side of ICE we are, if some of `ids` has no peer yet.
    fn controlling(&self, ids: &[TransportId]) -> Option<bool> {
        let is_new = |id: &TransportId| self.links.peer(*id).is_none();
        ids.iter().any(is_new).then_some(self.controls)
    }

    fn read(&self, kind: SdpType, text: &str) -> Result<Side, DescriptionError> {
        Side::of_peer(kind, text, &self.config.media)
    }

    pub(super) fn enter(&mut self, state: SignalingState, plan: &mut Plan) {
        if mem::replace(&mut self.state, state) != state {
            plan.signaling = Some(state);
        }
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Descriptions hold passwords.
        f.debug_struct("Session")
            .field("state", &self.state)
            .field("agreed", &self.agreed)
            .finish_non_exhaustive()
    }
}
