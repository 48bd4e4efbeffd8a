//! Offers, answers and candidates: what the signalling carries.

use alloc::vec::Vec;

use super::config::Config;
use super::connection::{Life, PeerConnection};
use super::event::Event;
use super::links::Links;
use crate::crypto::certificate::Fingerprint;
use crate::dtls;
use crate::ice::{self, IceAgent};
use crate::jsep::{
    DataPlan, Description, DescriptionError, IceCandidate, Local, LocalTransport, OfferOptions,
    Plan, SdpType, SignalingState, TransportId, TransportPlan, Trickle,
};
use crate::net::Candidate;

impl PeerConnection {
    /// An offer of what was added so far. Nothing changes until it is set.
    ///
    /// # Errors
    ///
    /// [`DescriptionError::InvalidState`] after the end, [`DescriptionError::Operation`] if
    /// it would be longer than [`MAX_TEXT`](crate::wire::sdp::MAX_TEXT).
    pub fn create_offer(&mut self) -> Result<Description, DescriptionError> {
        self.create_offer_with(OfferOptions::default())
    }

    /// An offer as [`create_offer`](Self::create_offer) makes it, with these options.
    ///
    /// # Errors
    ///
    /// As of [`create_offer`](Self::create_offer).
    pub fn create_offer_with(
        &mut self,
        options: OfferOptions,
    ) -> Result<Description, DescriptionError> {
        self.live()?;
        self.session.prepare_offer(options)?;
        self.prepare(true)?;
        let facts = Facts::of(&self.links, &self.fingerprint, &self.config);
        let sdp = facts.tell(|local| self.session.create_offer(options, local))?;
        Ok(Description {
            kind: SdpType::Offer,
            sdp,
        })
    }

    /// An answer to the peer's offer. Nothing changes until it is set.
    ///
    /// # Errors
    ///
    /// [`DescriptionError::InvalidState`] if no offer waits, [`DescriptionError::Operation`]
    /// if it would be longer than [`MAX_TEXT`](crate::wire::sdp::MAX_TEXT).
    pub fn create_answer(&mut self) -> Result<Description, DescriptionError> {
        self.live()?;
        self.prepare(false)?;
        let facts = Facts::of(&self.links, &self.fingerprint, &self.config);
        let sdp = facts.tell(|local| self.session.create_answer(local))?;
        Ok(Description {
            kind: SdpType::Answer,
            sdp,
        })
    }

    /// Says what we are in DTLS if the peer's offer lets us choose. It counts
    /// from the next answer on.
    pub const fn prefer_dtls_role(&mut self, role: dtls::Role) {
        self.session.prefer_role(role);
    }

    /// Makes a description ours: gathering starts. `None` creates the one that is
    /// due, an offer or an answer.
    ///
    /// # Errors
    ///
    /// See [`DescriptionError`]; nothing has changed then.
    pub fn set_local_description(
        &mut self,
        description: Option<&Description>,
    ) -> Result<(), DescriptionError> {
        use SignalingState::{HaveLocalOffer, Stable};
        self.live()?;
        let (kind, sdp) = match description {
            Some(description) => (Some(description.kind), description.sdp.as_str()),
            None => (None, ""),
        };
        let state = self.session.signaling_state();
        self.prepare(matches!(state, Stable | HaveLocalOffer))?;
        let facts = Facts::of(&self.links, &self.fingerprint, &self.config);
        let plan = facts.tell(|local| self.session.set_local(kind, sdp, local))?;
        self.apply(plan);
        Ok(())
    }

    /// Takes the peer's description.
    ///
    /// # Errors
    ///
    /// See [`DescriptionError`]; nothing has changed then.
    pub fn set_remote_description(
        &mut self,
        description: &Description,
    ) -> Result<(), DescriptionError> {
        self.live()?;
        let restarting = self.session.restarting();
        match self.session.set_remote(description.kind, &description.sdp) {
            Ok(plan) => self.apply(plan),
            Err(error) => {
                // A colliding offer has taken ours back even if it is bad itself.
                self.publish_signaling();
                let still = self.session.restarting();
                let over = restarting.into_iter().filter(|id| !still.contains(id));
                self.cancel_restarts(over);
                self.forget_unused();
                self.close_links(Vec::new());
                self.settle_session();
                return Err(error);
            }
        }
        Ok(())
    }

    /// Our description, the pending one if there is one, with the candidates
    /// gathered so far.
    #[must_use]
    pub fn local_description(&self) -> Option<Description> {
        let facts = Facts::of(&self.links, &self.fingerprint, &self.config);
        facts.tell(|local| self.session.local_description(local))
    }

    /// The peer's description, the pending one if there is one.
    #[must_use]
    pub fn remote_description(&self) -> Option<Description> {
        self.session.remote_description()
    }

    /// Asks for other ICE credentials, and so for a new search of paths: by the
    /// next exchange, which [`Event::NegotiationNeeded`] demands.
    ///
    /// What is sent takes the path in use until the new search has found one.
    pub fn restart_ice(&mut self) {
        if self.life == Life::Live {
            self.session.restart_ice();
            self.settle_session();
        }
    }

    /// Whether the peer takes candidates after its description; `None` before
    /// there is one.
    #[must_use]
    pub fn can_trickle_ice_candidates(&self) -> Option<bool> {
        self.session.can_trickle()
    }

    /// Takes a candidate of the peer, or the end of them.
    ///
    /// A candidate that cannot be used, or is one too many, is ignored, as the
    /// W3C asks.
    ///
    /// # Errors
    ///
    /// See [`DescriptionError`]; nothing has changed then.
    pub fn add_ice_candidate(
        &mut self,
        candidate: IceCandidate<'_>,
    ) -> Result<(), DescriptionError> {
        self.live()?;
        match self.session.add_ice_candidate(candidate)? {
            Trickle::Candidate(id, candidate) => {
                if let Some(link) = self.links.get_mut(id) {
                    add_remote_candidates(link.transport.ice_mut(), [candidate]);
                }
            }
            Trickle::End(ids) => {
                let links = self.links.iter_mut();
                for link in links.filter(|link| ids.contains(&link.id)) {
                    link.transport.ice_mut().end_of_remote_candidates();
                }
            }
            Trickle::Later | Trickle::Ignored => {}
        }
        self.settle_session();
        Ok(())
    }

    /// Makes the transports that the next description needs. It may have to say the
    /// credentials after a restart.
    fn prepare(&mut self, is_offer: bool) -> Result<(), DescriptionError> {
        let needed = match is_offer {
            true => self.session.transports_for_offer(),
            false => self.session.transports_for_answer(),
        };
        for id in needed {
            let made = self.links.ensure(id);
            made.map_err(|_| DescriptionError::Operation("the crypto provider refuses"))?;
        }
        if self.session.may_restart_ice() {
            let links = self.links.iter_mut();
            links.for_each(|link| link.transport.prepare_restart());
        }
        Ok(())
    }

    /// Nothing can be negotiated after the end.
    fn live(&self) -> Result<(), DescriptionError> {
        if self.life == Life::Live {
            Ok(())
        } else {
            Err(DescriptionError::InvalidState)
        }
    }

    /// Does what setting a description means for the layers below.
    fn apply(&mut self, plan: Plan) {
        if plan.rolled_back {
            // W3C webrtc-pc §4.4.1.5: the implicit rollback is a state of its own.
            self.events
                .push(Event::SignalingState(SignalingState::Stable));
        }
        // W3C webrtc-pc §4.4.1.5: the signaling state changes before anything else
        // happens, tracks end before others come, and what is needed next is told last.
        self.publish_signaling();
        self.tell_tracks(&plan);
        self.cancel_restarts(plan.cancel_restart);
        self.forget_unused();
        for id in plan.restart {
            if let Some(link) = self.links.get_mut(id) {
                link.transport.restart_ice();
            }
        }
        if let Some(controlling) = plan.controlling {
            let role = if controlling {
                ice::Role::Controlling
            } else {
                ice::Role::Controlled
            };
            let new = self.links.iter_mut().filter(|link| !link.has_peer);
            new.for_each(|link| link.transport.ice_mut().set_role(role));
        }
        for id in plan.gather {
            self.gather(id);
        }
        for transport in plan.transports {
            self.apply_transport(transport);
        }
        self.apply_media(&plan.media);
        match plan.data {
            Some(DataPlan::Open {
                transport,
                remote_port,
                remote_max_message_size,
            }) => {
                // A peer that takes anything still gets no more than we hold for it.
                let peer = remote_max_message_size.and_then(|bytes| usize::try_from(bytes).ok());
                let ours = self.config.sctp.max_send_message;
                self.channels
                    .set_max_message_size(peer.map_or(ours, |peer| peer.min(ours)));
                self.channels.association_mut().set_remote_port(remote_port);
                self.data_agreed = true;
                self.links.carry_data(transport);
            }
            Some(DataPlan::Rejected) => {
                self.channels.close_all();
                self.data_agreed = false;
            }
            None => {}
        }
        self.close_links(plan.closed);
        self.start_data();
        self.settle_session();
    }

    /// Ends these links, and those of which nothing came.
    fn close_links(&mut self, closed: Vec<TransportId>) {
        for id in closed.into_iter().chain(self.unneeded()) {
            self.links.close(id);
            // Nobody waits for its candidates any more.
            self.on_gathering();
        }
    }

    /// After an exchange, the links that were made for it and that it has no use for.
    fn unneeded(&self) -> Vec<TransportId> {
        let is_over = self.session.signaling_state() == SignalingState::Stable;
        let unused = self.links.iter().filter(|link| !link.in_use && is_over);
        unused.map(|link| link.id).collect()
    }

    /// Offers that began new generations of ICE were taken back.
    fn cancel_restarts(&mut self, ids: impl IntoIterator<Item = TransportId>) {
        let mut is_news = false;
        for id in ids {
            if let Some(link) = self.links.get_mut(id) {
                link.transport.ice_mut().cancel_restart();
                link.gathering = link.transport.ice().gathering_state();
                is_news = true;
            }
        }
        if is_news {
            self.tell_gathering(self.links.gathering_state());
        }
    }

    /// Without a section a transport counts as if it was not there: after the first
    /// offer was rolled back, all is new (W3C webrtc-pc §5.6.2).
    fn forget_unused(&mut self) {
        let Self { links, session, .. } = self;
        let mut is_news = false;
        for link in links.iter_mut().filter(|link| link.in_use) {
            link.in_use = session.section_of(link.id).is_some();
            is_news |= !link.in_use;
        }
        if is_news {
            self.tell_gathering(self.links.gathering_state());
        }
    }

    fn apply_transport(&mut self, plan: TransportPlan) {
        let Some(link) = self.links.get_mut(plan.id) else {
            return;
        };
        link.has_peer = true;
        link.transport.ice_mut().set_remote_lite(plan.lite);
        // The grammar of both was checked with the description (RFC 8839 §5.4).
        let credentials = ice::Credentials {
            ufrag: plan.ufrag,
            pwd: plan.pwd,
        };
        let is_set = if plan.new_association {
            link.hand_over(self.now, credentials, &mut self.channels)
        } else {
            link.transport.ice_mut().set_remote_credentials(credentials)
        };
        if is_set.is_err() {
            return;
        }
        link.transport.start_dtls(plan.role, plan.fingerprints);
        let ice = link.transport.ice_mut();
        add_remote_candidates(ice, plan.candidates);
        if plan.end_of_candidates {
            ice.end_of_remote_candidates();
        }
    }

    /// Our certificate's fingerprint, as the descriptions say it.
    #[must_use]
    pub const fn fingerprint(&self) -> &Fingerprint {
        &self.fingerprint
    }
}

fn add_remote_candidates(ice: &mut IceAgent, candidates: impl IntoIterator<Item = Candidate>) {
    for candidate in candidates {
        // What the agent cannot use, such as a name or one too many, it counts and ignores.
        let _ = ice.add_remote_candidate(candidate);
    }
}

/// What our descriptions say of us and our transports.
pub(super) struct Facts<'a> {
    links: &'a Links,
    fingerprint: &'a Fingerprint,
    config: &'a Config,
    /// Of one link after the other.
    candidates: Vec<Vec<Candidate>>,
}

impl<'a> Facts<'a> {
    pub(super) fn of(links: &'a Links, fingerprint: &'a Fingerprint, config: &'a Config) -> Self {
        let agents = links.iter().map(|link| link.transport.ice());
        Self {
            links,
            fingerprint,
            config,
            candidates: agents
                .map(|ice| ice.local_candidates().cloned().collect())
                .collect(),
        }
    }

    pub(super) fn tell<T>(&self, call: impl FnOnce(&Local<'_>) -> T) -> T {
        let links = self.links.iter().zip(&self.candidates);
        let transports: Vec<_> = links
            .map(|(link, candidates)| {
                let ice = link.transport.ice();
                let credentials = ice.local_credentials();
                let next = link.transport.next_credentials();
                LocalTransport {
                    id: link.id,
                    ufrag: &credentials.ufrag,
                    pwd: &credentials.pwd,
                    next_ufrag: next.map_or("", |next| &next.ufrag),
                    next_pwd: next.map_or("", |next| &next.pwd),
                    candidates,
                    gathered: ice.gathering_state() == ice::GatheringState::Complete,
                }
            })
            .collect();
        call(&Local {
            transports: &transports,
            lite: self.config.ice.lite,
            fingerprints: core::slice::from_ref(self.fingerprint),
            sctp_port: self.config.sctp.local_port,
            max_message_size: self.config.max_message_size as u64,
        })
    }
}
