//! What an answer settles (RFC 8829 §5.11, RFC 3264 §6).

use alloc::string::String;
use alloc::vec::Vec;
use core::mem;

use super::apply::Association;
use super::lanes::Routes;
use super::reading::{Reading, Section};
use super::session::Sides;
use super::trickle::Side;
use super::{DataPlan, Plan, SdpType, Session, SignalingState, TransportPlan};
use crate::dtls::Role;

impl Session {
    /// What an answer means, given the peer's side of the exchange and ours. `roles`
    /// are those of the routes.
    pub(super) fn settlement(
        &self,
        remote: &Side,
        ours: &Reading,
        routes: &Routes,
        roles: &[Role],
    ) -> Plan {
        let transports = routes
            .peers
            .iter()
            .zip(roles)
            .filter_map(|((id, place), role)| {
                let transport = remote.reading.transports.get(*place)?;
                let running = self.links.peer(*id);
                Some(TransportPlan {
                    id: *id,
                    ufrag: transport.ufrag.clone(),
                    pwd: transport.pwd.clone(),
                    lite: transport.lite,
                    candidates: remote.candidates(transport),
                    end_of_candidates: remote.ended(transport),
                    fingerprints: transport.fingerprints.clone(),
                    role: *role,
                    restart: running.is_some_and(|running| !running.same_ice(transport)),
                    new_association: running.is_some_and(|running| !running.same_peer(transport)),
                })
            });
        // A section that was rejected long ago says nothing about channels made since.
        let expected = ours.live_data().is_some() || self.agreed.iter().any(Section::is_live_data);
        let agreed = remote.reading.live_data().and_then(|(index, data)| {
            let transport = routes.sections.get(index).copied().flatten()?;
            Some(DataPlan::Open {
                transport,
                remote_port: data.port,
                remote_max_message_size: data.max_message_size,
            })
        });
        Plan {
            transports: transports.collect(),
            data: agreed.or_else(|| expected.then_some(DataPlan::Rejected)),
            ..Plan::default()
        }
    }

    /// Both sides are pending: makes them current if the answer was final.
    pub(super) fn settle(
        &mut self,
        kind: SdpType,
        provisional: SignalingState,
        (routes, roles): (&Routes, &[Role]),
        plan: &mut Plan,
    ) {
        if let Some(remote) = self.pending.remote.as_deref() {
            for ((id, place), role) in routes.peers.iter().zip(roles) {
                let transport = remote.reading.transports.get(*place);
                let peer = transport.map(|transport| Association::with(transport, *role));
                self.links.connect(*id, peer);
            }
        }
        self.exchange_media(kind, routes, plan);
        if kind == SdpType::Pranswer {
            return self.enter(provisional, plan);
        }
        self.settled = None;
        self.transceivers.bury();
        let restarting = self.restarting();
        self.current = mem::take(&mut self.pending);
        let Sides { local, remote } = &mut self.current;
        for side in local.iter_mut().chain(remote) {
            side.settle();
        }
        if let Some(local) = &self.current.local {
            self.written.share(local.text());
        }
        self.agreed = agreement(&self.current, routes);
        let used = routes.used();
        plan.closed = self.links.close_unused(&used);
        // One that waits without a section is as both know it, for the next one to use:
        // the peer has not agreed to other credentials.
        let refused = restarting.into_iter().filter(|id| !used.contains(id));
        plan.cancel_restart.extend(refused);
        if let Some(local) = &mut self.current.local {
            local.keep_only(&used);
        }
        // W3C §4.4.1.5: the wish is granted once none of the unwanted is in use.
        let ours = || self.current.local.iter().flat_map(|local| local.ours());
        let is_used = |ufrag: &String| ours().any(|ours| ours.ufrag == *ufrag);
        if !self.unwanted.iter().any(is_used) {
            self.unwanted.clear();
        }
        self.outdated.retain(is_used);
        self.created_offer = None;
        self.created_answer = None;
        // Whoever waited for channels was told that there are none.
        self.wants_data &= plan.data != Some(DataPlan::Rejected);
        self.enter(SignalingState::Stable, plan);
    }

    /// Both descriptions are there: who sends what, and how?
    fn exchange_media(&mut self, kind: SdpType, routes: &Routes, plan: &mut Plan) {
        let Sides { local, remote } = &self.pending;
        let Some((local, remote)) = local.as_ref().zip(remote.as_ref()) else {
            return;
        };
        let before = self.transceivers.clone();
        self.transceivers
            .on_exchange(&local.reading, &remote.reading, kind);
        self.transceivers.tell_changes(&before, plan);
        self.plan_media(&local.reading, &remote.reading, routes, plan);
    }
}

/// The table of sections after an answer: the offer's, as far as the answer accepts them.
fn agreement(sides: &Sides, routes: &Routes) -> Vec<Section> {
    let (Some(local), Some(remote)) = (&sides.local, &sides.remote) else {
        return Vec::new();
    };
    let (offer, answer) = match local.kind {
        SdpType::Offer => (local, remote),
        _ => (remote, local),
    };
    let rows = offer.reading.sections.iter().zip(&answer.reading.sections);
    let rows = rows
        .enumerate()
        .map(|(index, (offered, answered))| Section {
            transport: routes.sections.get(index).copied().flatten(),
            bundle: answered.bundle.and(offered.bundle),
            rejected: answered.rejected || offered.rejected,
            rtp: None,
            ..offered.clone()
        });
    rows.collect()
}
