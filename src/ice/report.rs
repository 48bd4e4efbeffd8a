//! What W3C webrtc-stats wants to know of candidates and pairs.

use alloc::collections::BTreeSet;
use alloc::vec::Vec;
use core::hash::{Hash, Hasher};

use siphasher::sip::SipHasher13;

use super::candidate::{LocalCandidate, RemoteCandidate};
use super::generation::Generation;
use super::pair::Pair;
use super::{IceAgent, PairReport, ServerUrl};
use crate::net::{Candidate, CandidateKind, Protocol};

/// What is known of a candidate?
#[derive(Clone, Copy, Debug)]
pub struct CandidateReport<'a> {
    /// A number that no other candidate of the agent has, and none had before. It
    /// says nothing of the address.
    pub id: u64,
    /// The candidate.
    pub candidate: &'a Candidate,
    /// The user fragment of the generation that it is used in; of a remote candidate
    /// only once the peer has told it.
    pub ufrag: Option<&'a str>,
    /// The server that it was learned from: never of a remote one.
    pub url: Option<&'a ServerUrl>,
    /// What carries the datagrams to that server, if it relays.
    pub relay_protocol: Option<Protocol>,
}

impl IceAgent {
    /// Our candidates: those of the newest generation, and those before it whose
    /// pairs are still of use. Learned ones are among them.
    #[must_use]
    pub fn local_reports(&self) -> Vec<CandidateReport<'_>> {
        let policy = self.config.policy;
        let newest = self.locals.iter();
        let newest = newest.filter(|local| local.is_public(policy));
        let mut reports: Vec<_> = newest
            .map(|local| self.local_report(&self.generation, local))
            .collect();
        let mut seen: BTreeSet<_> = reports.iter().map(|report| report.id).collect();
        for generation in self.older.iter().chain([&self.generation]) {
            let pairs = generation.checks.pairs.iter();
            let used = pairs.filter_map(|pair| self.locals.get(pair.local));
            let used = used.map(|local| self.local_report(generation, local));
            reports.extend(used.filter(|report| seen.insert(report.id)));
        }
        reports
    }

    /// The peer's candidates, in the same way. Where one was learned by a check, and
    /// not told by the peer, its kind is [`CandidateKind::PeerReflexive`].
    #[must_use]
    pub fn remote_reports(&self) -> Vec<CandidateReport<'_>> {
        let newest = self.generation.remotes.iter();
        let mut reports: Vec<_> = newest
            .map(|remote| remote_report(&self.generation, remote))
            .collect();
        let mut seen = BTreeSet::new();
        for generation in &self.older {
            let pairs = generation.checks.pairs.iter();
            let used = pairs.filter_map(|pair| generation.remotes.get(pair.remote));
            let used = used.map(|remote| remote_report(generation, remote));
            reports.extend(used.filter(|report| seen.insert(report.id)));
        }
        reports
    }

    /// The pair that was nominated, as [`pairs`](Self::pairs) reports it.
    #[must_use]
    pub fn selected_report(&self) -> Option<PairReport<'_>> {
        let generation = self.carrier();
        let pair = generation.checks.pairs.get(generation.progress.selected?)?;
        self.report(generation, pair)
    }

    pub(super) fn report<'a>(
        &'a self,
        generation: &'a Generation,
        pair: &'a Pair,
    ) -> Option<PairReport<'a>> {
        let local = self.locals.get(pair.local)?;
        let remote = generation.remotes.get(pair.remote)?;
        Some(PairReport {
            id: number(generation, pair.path),
            local_id: local_number(generation, local),
            remote_id: remote_number(generation, remote),
            local: &local.candidate,
            remote: &remote.candidate,
            path: pair.path,
            priority: pair.priority,
            state: pair.state,
            nominated: pair.nominated().is_some(),
            stats: pair.stats,
        })
    }

    fn local_report<'a>(
        &'a self,
        generation: &'a Generation,
        local: &'a LocalCandidate,
    ) -> CandidateReport<'a> {
        let (url, relay_protocol) = self.server_of(local);
        CandidateReport {
            id: local_number(generation, local),
            candidate: &local.candidate,
            ufrag: Some(&generation.local.credentials.ufrag),
            url,
            relay_protocol,
        }
    }

    /// Who told us of the candidate, or lends it.
    fn server_of(&self, local: &LocalCandidate) -> (Option<&ServerUrl>, Option<Protocol>) {
        match local.candidate.kind {
            CandidateKind::Relayed => {
                let relay = self.relay(local.address);
                (
                    relay.map(|relay| relay.0),
                    relay.map(|(_, way)| way.protocol),
                )
            }
            CandidateKind::ServerReflexive => {
                let gatherer = self.gatherer.as_deref();
                let mut queries = gatherer.into_iter().flat_map(|all| &all.queries);
                let query = queries.find(|query| {
                    let asked = query.path.remote.ip();
                    query.path.local == local.base && Some(asked) == local.server
                });
                (query.map(|query| &query.url), None)
            }
            CandidateKind::Host | CandidateKind::PeerReflexive => (None, None),
        }
    }
}

fn remote_report<'a>(
    generation: &'a Generation,
    remote: &'a RemoteCandidate,
) -> CandidateReport<'a> {
    let signalled = remote.candidate.kind != CandidateKind::PeerReflexive;
    let told = generation.remote.as_ref().filter(|_| signalled);
    CandidateReport {
        id: remote_number(generation, remote),
        candidate: &remote.candidate,
        ufrag: told.map(|told| told.credentials.ufrag.as_str()),
        url: None,
        relay_protocol: None,
    }
}

fn local_number(generation: &Generation, local: &LocalCandidate) -> u64 {
    let Candidate { protocol, tcp, .. } = local.candidate;
    number(generation, (local.address, local.base, protocol, tcp))
}

fn remote_number(generation: &Generation, remote: &RemoteCandidate) -> u64 {
    let Candidate { protocol, tcp, .. } = remote.candidate;
    number(generation, (remote.address, protocol, tcp))
}

/// What tells things of a generation apart, as a number that is the same whenever one
/// asks, and that nothing has to be kept for. The password goes into it, so that
/// nobody who has the number finds the address by trying all there are.
fn number(generation: &Generation, what: impl Hash) -> u64 {
    let mut hasher = SipHasher13::new();
    generation.local.credentials.pwd.hash(&mut hasher);
    what.hash(&mut hasher);
    hasher.finish()
}
