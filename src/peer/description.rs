//! Offers, answers and candidates: what the signalling carries.

use alloc::vec::Vec;

use super::config::Config;
use super::connection::{Life, PeerConnection};
use super::event::Event;
use crate::crypto::certificate::Fingerprint;
use crate::dtls;
use crate::ice;
use crate::jsep::{
    DataPlan, Description, DescriptionError, IceCandidate, Local, LocalTransport, OfferOptions,
    Plan, SdpType, SignalingState, TransportId, TransportPlan, Trickle,
};
use crate::net::Candidate;
use crate::transport::Transport;

impl PeerConnection {
    /// An offer of what was added so far. Nothing changes until it is set.
    ///
    /// # Errors
    ///
    /// [`DescriptionError::InvalidState`] after the end.
    pub fn create_offer(&mut self) -> Result<Description, DescriptionError> {
        self.create_offer_with(OfferOptions::default())
    }

    /// An offer as [`create_offer`](Self::create_offer) makes it, with these options.
    ///
    /// # Errors
    ///
    /// [`DescriptionError::InvalidState`] after the end.
    pub fn create_offer_with(
        &mut self,
        options: OfferOptions,
    ) -> Result<Description, DescriptionError> {
        self.live()?;
        self.prepare_restart();
        let facts = Facts::of(&self.links.first.transport, &self.fingerprint, &self.config);
        let create = |local: &Local<'_>| self.session.create_offer(options, local);
        let sdp = facts.tell(create)?;
        Ok(Description {
            kind: SdpType::Offer,
            sdp,
        })
    }

    /// An answer to the peer's offer. Nothing changes until it is set.
    ///
    /// # Errors
    ///
    /// [`DescriptionError::InvalidState`] if no offer waits.
    pub fn create_answer(&mut self) -> Result<Description, DescriptionError> {
        self.live()?;
        self.prepare_restart();
        let facts = Facts::of(&self.links.first.transport, &self.fingerprint, &self.config);
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
        self.live()?;
        let (kind, sdp) = match description {
            Some(description) => (Some(description.kind), description.sdp.as_str()),
            None => (None, ""),
        };
        self.prepare_restart();
        let facts = Facts::of(&self.links.first.transport, &self.fingerprint, &self.config);
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
        let was_restarting = !self.session.restarting().is_empty();
        match self.session.set_remote(description.kind, &description.sdp) {
            Ok(plan) => self.apply(plan),
            Err(error) => {
                // A colliding offer has taken ours back even if it is bad itself.
                if was_restarting && self.session.restarting().is_empty() {
                    self.links.first.transport.ice_mut().cancel_restart();
                }
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
        let facts = Facts::of(&self.links.first.transport, &self.fingerprint, &self.config);
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
            Trickle::Candidate(_, candidate) => self.add_remote_candidates([candidate]),
            Trickle::End(_) => self
                .links
                .first
                .transport
                .ice_mut()
                .end_of_remote_candidates(),
            Trickle::Later | Trickle::Ignored => {}
        }
        self.settle_session();
        Ok(())
    }

    /// The next description may have to say the credentials after a restart.
    fn prepare_restart(&mut self) {
        if self.session.has_local_description() {
            self.links.first.transport.prepare_restart();
        }
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
        if !plan.cancel_restart.is_empty() {
            self.links.first.transport.ice_mut().cancel_restart();
            self.tell_gathering(self.links.gathering_state());
        }
        if self.session.section_of(TransportId::FIRST).is_none() {
            // W3C webrtc-pc §5.6.2: without a transport it is "new", as after the
            // first offer was rolled back.
            self.tell_gathering(ice::GatheringState::New);
        }
        if !plan.restart.is_empty() {
            self.links.first.transport.restart_ice();
        }
        if let Some(controlling) = plan.controlling {
            let role = if controlling {
                ice::Role::Controlling
            } else {
                ice::Role::Controlled
            };
            self.links.first.transport.ice_mut().set_role(role);
        }
        if !plan.gather.is_empty() {
            self.gather();
        }
        for transport in plan.transports {
            self.apply_transport(transport);
        }
        self.apply_media(&plan.media);
        match plan.data {
            Some(DataPlan::Open {
                remote_port,
                remote_max_message_size,
                ..
            }) => {
                // A peer that takes anything still gets no more than we hold for it.
                let peer = remote_max_message_size.and_then(|bytes| usize::try_from(bytes).ok());
                let ours = self.config.sctp.max_send_message;
                self.channels
                    .set_max_message_size(peer.map_or(ours, |peer| peer.min(ours)));
                self.channels.association_mut().set_remote_port(remote_port);
                self.data_agreed = true;
                self.links.first.carries_data = true;
            }
            Some(DataPlan::Rejected) => self.channels.abort(),
            None => {}
        }
        self.start_data();
        self.settle_session();
    }

    fn apply_transport(&mut self, plan: TransportPlan) {
        let link = &mut self.links.first;
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
        self.add_remote_candidates(plan.candidates);
        if plan.end_of_candidates {
            let ice = self.links.first.transport.ice_mut();
            ice.end_of_remote_candidates();
        }
    }

    fn add_remote_candidates(&mut self, candidates: impl IntoIterator<Item = Candidate>) {
        let ice = self.links.first.transport.ice_mut();
        for candidate in candidates {
            // What the agent cannot use, such as a name or one too many, it counts and ignores.
            let _ = ice.add_remote_candidate(candidate);
        }
    }

    /// Our certificate's fingerprint, as the descriptions say it.
    #[must_use]
    pub const fn fingerprint(&self) -> &Fingerprint {
        &self.fingerprint
    }
}

/// What our descriptions say of the transport.
struct Facts<'a> {
    transport: &'a Transport,
    fingerprint: &'a Fingerprint,
    config: &'a Config,
    candidates: Vec<Candidate>,
}

impl<'a> Facts<'a> {
    fn of(transport: &'a Transport, fingerprint: &'a Fingerprint, config: &'a Config) -> Self {
        let candidates = transport.ice().local_candidates().cloned().collect();
        Self {
            transport,
            fingerprint,
            config,
            candidates,
        }
    }

    fn tell<T>(&self, call: impl FnOnce(&Local<'_>) -> T) -> T {
        let ice = self.transport.ice();
        let credentials = ice.local_credentials();
        let next = self.transport.next_credentials();
        let transport = LocalTransport {
            id: TransportId::FIRST,
            ufrag: &credentials.ufrag,
            pwd: &credentials.pwd,
            next_ufrag: next.map_or("", |next| &next.ufrag),
            next_pwd: next.map_or("", |next| &next.pwd),
            candidates: &self.candidates,
            gathered: ice.gathering_state() == ice::GatheringState::Complete,
        };
        call(&Local {
            transports: core::slice::from_ref(&transport),
            lite: self.config.ice.lite,
            fingerprints: core::slice::from_ref(self.fingerprint),
            sctp_port: self.config.sctp.local_port,
            max_message_size: self.config.max_message_size as u64,
        })
    }
}
