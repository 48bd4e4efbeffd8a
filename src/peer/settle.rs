//! The only place that knows two layers: what one says moves the next.

use alloc::string::ToString;

use super::association::SctpTransportState;
use super::connection::{Life, PeerConnection};
use super::event::{CloseReason, Event, LocalCandidate};
use super::link::Link;
use super::state::ConnectionState;
use crate::channel::StreamParity;
use crate::dtls::{self, DtlsState};
use crate::ice::{self, GatheringState, IceState};
use crate::jsep::{SignalingState, TransportId};
use crate::net::Candidate;
use crate::transport;
use crate::wire::sdp::candidate;

/// The states that the application was told last.
#[derive(Clone, Copy, Debug)]
pub(super) struct States {
    signaling: SignalingState,
    gathering: GatheringState,
    ice: IceState,
    connection: ConnectionState,
    association: Option<SctpTransportState>,
    negotiation_needed: bool,
}

impl Default for States {
    fn default() -> Self {
        Self {
            signaling: SignalingState::Stable,
            gathering: GatheringState::New,
            ice: IceState::New,
            connection: ConnectionState::New,
            association: None,
            negotiation_needed: false,
        }
    }
}

impl PeerConnection {
    /// Offer and answer: where in the exchange are we?
    #[must_use]
    pub const fn signaling_state(&self) -> SignalingState {
        self.states.signaling
    }

    /// Are all own candidates found?
    #[must_use]
    pub const fn ice_gathering_state(&self) -> GatheringState {
        self.states.gathering
    }

    /// Is there a path?
    #[must_use]
    pub const fn ice_connection_state(&self) -> IceState {
        self.states.ice
    }

    /// Is there a secured path?
    #[must_use]
    pub const fn connection_state(&self) -> ConnectionState {
        self.states.connection
    }

    /// Carries what each layer says to the next one, in floor order: one pass is
    /// enough, because causes go up and wishes down are picked up by the next poll.
    pub(super) fn settle(&mut self) {
        while let Some((link, event)) = self.links.poll_event() {
            self.on_transport(link, event);
        }
        self.links.sweep();
        match self.life {
            Life::Live => self.publish_states(),
            Life::Farewell(reason) if self.links.are_gone() => self.life = Life::Ending(reason),
            Life::Farewell(_) | Life::Ending(_) | Life::Over => {}
        }
    }

    /// The same after the application has done something that an exchange may have to
    /// tell the peer. No packet makes an exchange necessary.
    pub(super) fn settle_session(&mut self) {
        self.settle();
        self.end_if_left();
        if self.life != Life::Live {
            return;
        }
        self.publish_association();
        let needed = self.session.negotiation_needed();
        if needed && !self.states.negotiation_needed {
            self.events.push(Event::NegotiationNeeded);
        } else if !needed && self.states.negotiation_needed {
            self.events.forget_negotiation();
        }
        self.states.negotiation_needed = needed;
    }

    /// Ends the connection: the peer is told by what `poll_transmit` still gives.
    pub(super) fn end(&mut self, reason: CloseReason) {
        if self.life != Life::Live {
            return;
        }
        self.publish_handshakes();
        self.life = Life::Farewell(reason);
        self.publish_association();
        self.links.iter_mut().for_each(Link::leave);
        self.channels.abort();
        self.session.close();
        // W3C webrtc-pc §4.4.2.3: after close() no event fires, only the states say so.
        let failed = matches!(reason, CloseReason::Dtls(reason) if !reason.is_orderly());
        let last = if failed {
            ConnectionState::Failed
        } else {
            ConnectionState::Closed
        };
        self.states.signaling = SignalingState::Closed;
        self.states.ice = IceState::Closed;
        self.states.connection = last;
        if reason == CloseReason::Application {
            self.events.clear();
        } else {
            // What has come is told, and then that each channel is over.
            while let Some(event) = self.channels.poll_event() {
                if let Some(event) = Event::of_channel(event) {
                    self.events.push(event);
                }
            }
            self.events.push(Event::ConnectionState(last));
        }
    }

    fn on_transport(&mut self, link: TransportId, event: transport::Event) {
        match event {
            transport::Event::Ice(ice::Event::Release(path)) => {
                if self.links.unask(path) {
                    self.events.push(Event::Release(path));
                }
            }
            // Who says farewell has nothing else to tell.
            _ if self.links.get(link).is_none_or(|link| link.is_leaving) => {}
            transport::Event::Ice(event) => self.on_ice(link, event),
            transport::Event::Connected { .. } => {
                if let Some(link) = self.links.get_mut(link) {
                    link.expect_round_trip();
                }
                self.start_data();
            }
            transport::Event::Closed(reason) => self.on_dtls_closed(link, reason),
        }
    }

    /// One transport that the peer has closed may be none that is needed: that is said
    /// by the next description. With the last of them, all is over.
    fn on_dtls_closed(&mut self, id: TransportId, reason: dtls::CloseReason) {
        let is_up = |link: &Link| {
            link.id != id && !matches!(link.dtls_state(), DtlsState::New | DtlsState::Closed)
        };
        let Some(link) = self.links.get(id) else {
            return;
        };
        if reason.is_orderly() && self.may_hand_over(id) {
            return;
        }
        if !reason.is_orderly() || !self.links.iter().any(is_up) {
            self.end(CloseReason::Dtls(reason));
        } else if link.carries_data {
            self.channels.close_all();
        }
    }

    /// Whether the peer of a transport may be followed by another one, which answers to
    /// the new credentials of an offer, or goes on over another transport that the offer
    /// has: that the one before has ended ends nothing yet.
    pub(super) fn may_hand_over(&self, id: TransportId) -> bool {
        // A final answer may take what a provisional one had.
        let offers = matches!(
            self.session.signaling_state(),
            SignalingState::HaveLocalOffer | SignalingState::HaveRemotePranswer
        );
        let mut others = self.session.transports().filter(|other| *other != id);
        self.session.restarting().contains(&id) || offers && others.next().is_some()
    }

    /// A peer that has ended while another one might have followed was the last one.
    fn end_if_left(&mut self) {
        let is_up = |link: &Link| !matches!(link.dtls_state(), DtlsState::New | DtlsState::Closed);
        let is_over = |link: &&Link| !link.is_leaving && link.dtls_state() == DtlsState::Closed;
        let Some(id) = self.links.iter().find(is_over).map(|link| link.id) else {
            return;
        };
        if !self.links.iter().any(is_up) && !self.may_hand_over(id) {
            self.end(CloseReason::Dtls(dtls::CloseReason::ByPeer));
        }
    }

    pub(super) fn on_candidate(&mut self, link: TransportId, found: &Candidate) {
        let Some((mid, index)) = self.session.section_of(link) else {
            return;
        };
        let Some(link) = self.links.get(link) else {
            return;
        };
        let ice = link.transport.ice();
        let address = found.address.ip();
        let relay = address.and_then(|address| ice.relay(address));
        let event = Event::IceCandidate(Some(LocalCandidate {
            candidate: candidate::display(found).to_string(),
            sdp_mid: mid.map(Into::into),
            sdp_mline_index: u16::try_from(index).unwrap_or(u16::MAX),
            username_fragment: ice.local_credentials().ufrag.clone(),
            url: relay.map(|(url, _)| url.clone()),
            relay_protocol: relay.map(|(_, path)| path.protocol),
        }));
        self.events.push(event);
    }

    /// W3C webrtc-pc §5.6.3, "finished gathering": the end of the candidates is
    /// told before the state is.
    pub(super) fn on_gathering(&mut self) {
        // W3C webrtc-pc §5.6.2: before there is a transport, it is "new".
        let state = self.links.gathering_state();
        if state == GatheringState::Complete && state != self.states.gathering {
            self.events.push(Event::IceCandidate(None));
        }
        self.tell_gathering(state);
    }

    pub(super) fn tell_gathering(&mut self, state: GatheringState) {
        if self.states.gathering != state {
            self.states.gathering = state;
            self.events.push(Event::IceGatheringState(state));
        }
    }

    /// Starts SCTP once both sides want channels and the peer is who it should be.
    pub(super) fn start_data(&mut self) {
        let link = self.links.data();
        let secured = link.dtls_state() == DtlsState::Connected;
        if !secured || !self.data_agreed || self.channels.is_started() {
            return;
        }
        // RFC 8832 §6: the DTLS client opens even streams, the server odd ones.
        self.channels.connect(match link.dtls_role() {
            Some(dtls::Role::Client) => StreamParity::Even,
            _ => StreamParity::Odd,
        });
    }

    /// Tells where the exchange is now, if that is not what was told last.
    pub(super) fn publish_signaling(&mut self) {
        let signaling = self.session.signaling_state();
        if signaling != self.states.signaling {
            self.states.signaling = signaling;
            self.events.push(Event::SignalingState(signaling));
        }
    }

    /// Tells how far the handshakes are, where that was not told.
    fn publish_handshakes(&mut self) {
        let Self { links, events, .. } = self;
        for link in links.iter_mut() {
            if let Some(state) = link.dtls_news() {
                events.push(Event::DtlsState(link.id, state));
            }
        }
    }

    /// Tells how far the association is, if that was not told.
    pub(super) fn publish_association(&mut self) {
        let state = self.sctp().map(|sctp| sctp.state);
        if state != self.states.association
            && let Some(state) = state
        {
            self.events.push(Event::SctpState(state));
        }
        self.states.association = state;
    }

    /// Tells what the states are now, if they are not what was told last.
    fn publish_states(&mut self) {
        self.publish_signaling();
        self.publish_handshakes();
        let (ice, connection) = self.links.states();
        if ice != self.states.ice {
            self.states.ice = ice;
            self.events.push(Event::IceConnectionState(ice));
        }
        if connection != self.states.connection {
            self.states.connection = connection;
            self.events.push(Event::ConnectionState(connection));
        }
    }
}
