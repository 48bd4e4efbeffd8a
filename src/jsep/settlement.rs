//! What an answer settles (RFC 8829 §5.11, RFC 3264 §6).

use alloc::vec::Vec;
use core::mem;

use super::apply::Association;
use super::reading::{Reading, Section};
use super::session::Sides;
use super::trickle::Side;
use super::{DataPlan, Plan, SdpType, Session, SignalingState, TransportId, TransportPlan};
use crate::dtls::Role;

impl Session {
    /// What an answer means, given the peer's side of the exchange and ours.
    pub(super) fn settlement(&self, remote: &Side, ours: &Reading, role: Option<Role>) -> Plan {
        let running = self.association.as_ref();
        let transport = remote.reading.transport.as_ref().zip(role);
        let transport = transport.map(|(transport, role)| TransportPlan {
            id: TransportId::FIRST,
            ufrag: transport.ufrag.clone(),
            pwd: transport.pwd.clone(),
            lite: transport.lite,
            candidates: remote.candidates(),
            end_of_candidates: remote.ended(),
            fingerprints: transport.fingerprints.clone(),
            role,
            restart: running.is_some_and(|running| !running.same_ice(transport)),
            new_association: running.is_some_and(|running| !running.same_peer(transport)),
        });
        // A section that was rejected long ago says nothing about channels made since.
        let expected = ours.live_data().is_some() || self.agreed.iter().any(Section::is_live_data);
        let data = match remote.reading.live_data().filter(|_| transport.is_some()) {
            Some((_, data)) => Some(DataPlan::Open {
                transport: TransportId::FIRST,
                remote_port: data.port,
                remote_max_message_size: data.max_message_size,
            }),
            None if expected => Some(DataPlan::Rejected),
            None => None,
        };
        Plan {
            transports: transport.into_iter().collect(),
            data,
            ..Plan::default()
        }
    }

    /// Both sides are pending: makes them current if the answer was final.
    pub(super) fn settle(
        &mut self,
        kind: SdpType,
        provisional: SignalingState,
        role: Option<Role>,
        plan: &mut Plan,
    ) {
        let remote = self.pending.remote.as_deref();
        let transport = remote.and_then(|side| side.reading.transport.clone());
        self.association = transport
            .zip(role)
            .map(|(transport, role)| Association { transport, role });
        self.exchange_media(kind, plan);
        if kind == SdpType::Pranswer {
            return self.enter(provisional, plan);
        }
        self.settled = None;
        self.transceivers.bury();
        self.current = mem::take(&mut self.pending);
        let Sides { local, remote } = &mut self.current;
        for side in local.iter_mut().chain(remote) {
            side.settle();
        }
        if let Some(local) = &self.current.local {
            self.written.share(local.text());
        }
        self.agreed = agreement(&self.current);
        // W3C §4.4.1.5: the wish is granted once none of the unwanted is in use.
        let used = self.current.local.as_deref().and_then(Side::ufrag);
        if !used.is_some_and(|used| self.unwanted.contains(&used)) {
            self.unwanted.clear();
        }
        self.created_offer = None;
        self.created_answer = None;
        // Whoever waited for channels was told that there are none.
        self.wants_data &= plan.data != Some(DataPlan::Rejected);
        self.enter(SignalingState::Stable, plan);
    }

    /// Both descriptions are there: who sends what, and how?
    fn exchange_media(&mut self, kind: SdpType, plan: &mut Plan) {
        let Sides { local, remote } = &self.pending;
        let Some((local, remote)) = local.as_ref().zip(remote.as_ref()) else {
            return;
        };
        let before = self.transceivers.clone();
        self.transceivers
            .on_exchange(&local.reading, &remote.reading, kind);
        self.transceivers.tell_changes(&before, plan);
        self.plan_media(&local.reading, &remote.reading, plan);
    }
}

/// The table of sections after an answer: the offer's, as far as the answer accepts them.
fn agreement(sides: &Sides) -> Vec<Section> {
    let (Some(local), Some(remote)) = (&sides.local, &sides.remote) else {
        return Vec::new();
    };
    let (offer, answer) = match local.kind {
        SdpType::Offer => (local, remote),
        _ => (remote, local),
    };
    let rows = offer.reading.sections.iter().zip(&answer.reading.sections);
    let rows = rows.map(|(offered, answered)| Section {
        rejected: answered.rejected || offered.rejected,
        rtp: None,
        ..offered.clone()
    });
    rows.collect()
}
