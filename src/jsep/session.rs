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
use super::apply::{self, Association};
use super::media::{MediaCapabilities, TransceiverId, Transceivers};
use super::offer::Wishes;
use super::reading::{Reading, Section};
use super::text::Text;
use super::trickle::Side;
use super::write::{Written, with_local_candidates};
use super::{
    BundlePolicy, Description, DescriptionError, Local, OfferOptions, Plan, SdpType,
    SignalingState, TransportId, offer,
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
    /// The transport that the last answer, provisional or not, started.
    pub(super) association: Option<Association>,
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
        let sides = [&self.local, &self.remote].into_iter().flatten();
        sides
            .map(Box::as_ref)
            .find(|side| side.kind == SdpType::Offer)
    }
}

/// A description that was created for the application.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Created {
    /// As the application got it, with candidates.
    text: String,
    /// Without.
    written: Written,
    /// Of an offer: which transceiver each section is for.
    rows: Vec<Option<TransceiverId>>,
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
            association: None,
            current: Sides::default(),
            pending: Sides::default(),
            created_offer: None,
            created_answer: None,
            written: Written::new(session_id),
            transceivers,
            settled: None,
            wants_data: false,
            unwanted: Vec::new(),
        }
    }

    /// Says that the ICE credentials in use are to be replaced: offers have others
    /// until an exchange has brought them about (W3C §4.4.2, `restartIce`).
    pub fn restart_ice(&mut self) {
        let sides = [&self.current.local, &self.pending.local];
        let sides = sides.into_iter().flatten();
        self.unwanted = sides.filter_map(|side| side.ufrag()).collect();
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

    /// Makes an offer, without applying it.
    ///
    /// # Errors
    ///
    /// [`InvalidState`] unless in *stable* or *have-local-offer*.
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
        let current = self.current.local.as_deref().and_then(Side::ufrag);
        let first = local.transport(TransportId::FIRST).ok_or(InvalidState)?;
        let restarts = options.ice_restart && current.as_deref() == Some(first.ufrag)
            || self.unwanted.iter().any(|ufrag| ufrag == first.ufrag);
        let transports = [if restarts { first.restarted() } else { *first }];
        let local = Local {
            transports: &transports,
            ..*local
        };
        let wishes = Wishes {
            agreed: &self.agreed,
            offered: self.current.offer(),
            transceivers: &self.transceivers,
            abilities: &self.config.media,
            cryptex: self.config.cryptex,
            data: self.wants_data,
            told: self.current.local.as_deref().map(|side| &side.reading),
        };
        let (next, rows) = offer::offer(&wishes, &self.written, &local);
        let created = self.created(next, rows, &local)?;
        Ok(self.created_offer.insert(created).text.clone())
    }

    /// Makes an answer to the peer's offer, without applying it.
    ///
    /// # Errors
    ///
    /// [`InvalidState`] unless in *have-remote-offer* or *have-local-pranswer*.
    pub fn create_answer(&mut self, local: &Local<'_>) -> Result<String, DescriptionError> {
        use SignalingState::{HaveLocalPranswer, HaveRemoteOffer};
        if !matches!(self.state, HaveRemoteOffer | HaveLocalPranswer) {
            return Err(InvalidState);
        }
        let offer = &self.pending.remote.as_deref().ok_or(InvalidState)?.reading;
        // Where nothing is accepted the role means nothing.
        let role = self
            .role_as_answerer(offer)?
            .unwrap_or(self.config.answer_role);
        // RFC 8829 §5.3.1: new credentials of the peer ask for new ones of ours.
        let restarts = self.is_restarted_by(offer);
        let first = local.transport(TransportId::FIRST).ok_or(InvalidState)?;
        let transports = [if restarts { first.restarted() } else { *first }];
        let local = Local {
            transports: &transports,
            ..*local
        };
        let acceptance = Acceptance {
            offer,
            transceivers: &self.transceivers,
            abilities: &self.config.media,
            cryptex: self.config.cryptex,
            role,
            told: self.current.local.as_deref().map(|side| &side.reading),
        };
        let next = acceptance.write(&self.written, &local);
        let created = self.created(next, Vec::new(), &local)?;
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

    /// The transports that our next offer has credentials of: make those that do not
    /// exist yet before it is created or set.
    #[must_use]
    pub fn transports_for_offer(&self) -> Vec<TransportId> {
        Vec::from([TransportId::FIRST])
    }

    /// The transports that our answer to the peer's offer has credentials of: make
    /// those that do not exist yet before it is created or set.
    #[must_use]
    pub fn transports_for_answer(&self) -> Vec<TransportId> {
        Vec::from([TransportId::FIRST])
    }

    /// The name and the index of the section that the candidates of a transport of
    /// ours belong to, if our newest description has one.
    #[must_use]
    pub fn section_of(&self, transport: TransportId) -> Option<(Option<&str>, usize)> {
        if transport != TransportId::FIRST {
            return None;
        }
        let local = self
            .pending
            .local
            .as_deref()
            .or(self.current.local.as_deref());
        let reading = &local?.reading;
        let index = reading.first_live()?;
        Some((reading.sections.get(index)?.mid.as_deref(), index))
    }

    fn created(
        &self,
        next: Written,
        rows: Vec<Option<TransceiverId>>,
        local: &Local<'_>,
    ) -> Result<Created, DescriptionError> {
        // The facts come from outside: what cannot be read back is not handed out.
        let index = Reading::of(&next.text().get(), &self.config.media)?.first_live();
        let text = match index.zip(local.transport(TransportId::FIRST)) {
            Some((index, first)) => with_local_candidates(&next.text().get(), index, first),
            None => next.text().get().into_owned(),
        };
        Ok(Created {
            text,
            written: next,
            rows,
        })
    }

    fn role_as_answerer(&self, offer: &Reading) -> Result<Option<Role>, DescriptionError> {
        let preferred = self.config.answer_role;
        let offered = offer.transport.as_ref();
        let role = offered
            .map(|offered| apply::role_as_answerer(self.association.as_ref(), offered, preferred));
        role.transpose()
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

    /// The transports for which our pending offer began a new generation of ICE.
    #[must_use]
    pub fn restarting(&self) -> Vec<TransportId> {
        let first = self.is_restarting().then_some(TransportId::FIRST);
        first.into_iter().collect()
    }

    pub(super) fn is_restarting(&self) -> bool {
        let current = self.current.local.as_deref().and_then(Side::ufrag);
        let pending = self.pending.local.as_deref().and_then(Side::ufrag);
        current.is_some() && pending.is_some() && current != pending
    }

    /// Whether `offer` begins a new generation of ICE.
    fn is_restarted_by(&self, offer: &Reading) -> bool {
        let running = self.association.as_ref().zip(offer.transport.as_ref());
        running.is_some_and(|(running, offered)| !running.same_ice(offered))
    }

    fn apply_local_offer(&mut self, local: &Local<'_>) -> Result<Plan, DescriptionError> {
        use SignalingState::{HaveLocalOffer, Stable};
        if !matches!(self.state, Stable | HaveLocalOffer) {
            return Err(InvalidState);
        }
        let created = self.created_offer.as_ref().ok_or(InvalidModification)?;
        let side = self.read(SdpType::Offer, created.written.text().clone())?;
        let mut plan = Plan {
            restart: one(side.restarts(local)),
            gather: one(side.reading.transport.is_some()),
            controlling: self.association.is_none().then_some(true),
            ..Plan::default()
        };
        let rows = created.rows.clone();
        self.written = created.written.clone();
        self.remember();
        self.transceivers.on_local_offer(&side.reading, &rows);
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
        let side = self.read(kind, created.written.text().clone())?;
        let offer = self.pending.remote.as_deref().ok_or(InvalidState)?;
        let role = self.role_as_answerer(&offer.reading)?;
        let mut plan = self.settlement(offer, &side.reading, role);
        plan.restart = one(side.restarts(local));
        plan.gather = one(side.reading.transport.is_some());
        self.written = created.written.clone();
        self.pending.local = Some(Box::new(side));
        self.settle(kind, HaveLocalPranswer, role, &mut plan);
        Ok(plan)
    }

    fn apply_remote_offer(&mut self, sdp: &str) -> Result<Plan, DescriptionError> {
        let side = self.read(SdpType::Offer, sdp.into())?;
        apply::check_offer(&side.reading, &self.agreed)?;
        let running = self.association.as_ref();
        let mut plan = Plan::default();
        if let Some(transport) = &side.reading.transport {
            apply::check_peer(running, transport)?;
            self.role_as_answerer(&side.reading)?;
            plan.controlling = running.is_none().then_some(transport.lite);
        }
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
        let side = self.read(kind, sdp.into())?;
        let offer = self.pending.local.as_deref().ok_or(InvalidState)?;
        apply::check_answer(&side.reading, &offer.reading)?;
        let running = self.association.as_ref();
        let role = match &side.reading.transport {
            Some(transport) => {
                apply::check_peer(running, transport)?;
                Some(apply::role_as_offerer(running, transport)?)
            }
            None => None,
        };
        let mut plan = self.settlement(&side, &offer.reading, role);
        self.pending.remote = Some(Box::new(side));
        self.settle(kind, SignalingState::HaveRemotePranswer, role, &mut plan);
        Ok(plan)
    }

    fn read(&self, kind: SdpType, text: Text) -> Result<Side, DescriptionError> {
        Side::new(kind, text, &self.config.media)
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

fn one(first: bool) -> Vec<TransportId> {
    first.then_some(TransportId::FIRST).into_iter().collect()
}

/// W3C §4.4.2: a description of ours is set as it was created.
fn unmodified(sdp: &str, created: Option<&Created>) -> Result<(), DescriptionError> {
    let same = created.is_some_and(|created| created.text == sdp);
    if sdp.is_empty() || same {
        Ok(())
    } else {
        Err(InvalidModification)
    }
}
