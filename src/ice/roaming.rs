//! The network changes under a running agent: addresses come and go.
//!
//! A new address is a host candidate whose pairs are checked at once, even while
//! another pair is in use: it makes spares, and with renomination a better pair
//! takes over. If the address in use goes, data takes the best spare, and
//! everything that may work is checked. The peer learns of it by those checks:
//! they come from where nobody was expected (RFC 8445 §7.3.1.3), so that it
//! doubts its old pair, asks there once more, and moves when no answer comes.

use alloc::vec::Vec;
use core::net::SocketAddr;

use super::IceAgent;
use super::candidate::LocalCandidate;
use super::generation::Generation;
use super::pair::Pair;
use super::state::Patience;
use crate::net::CandidateKind;

impl IceAgent {
    /// The socket at `address` is of no use any more: what belongs to it goes, and
    /// data takes the best pair that is left. `false` if there is no such address.
    ///
    /// The peer is not told, unless the application has it signalled by a restart.
    /// Without any other address the agent is disconnected, and waits for
    /// [`add_local_address`](Self::add_local_address) before it fails.
    pub fn remove_local_address(&mut self, address: SocketAddr) -> bool {
        if self.leave_mdns_socket(address) {
            return true;
        }
        let is_there = |local: &LocalCandidate| local.base == address;
        if self.is_closed() || !self.locals.iter().any(is_there) {
            return false;
        }
        self.replies.retain(|reply| reply.path.local != address);
        self.leave_servers(address);
        self.forget_locals(is_there);
        self.forget_streams_from(address.ip());
        self.recover();
        self.settle();
        self.refresh();
        true
    }

    /// What servers have lent to this socket is lost.
    fn leave_servers(&mut self, address: SocketAddr) {
        let Some(gatherer) = &mut self.gatherer else {
            return;
        };
        gatherer.queries.retain(|query| query.path.local != address);
        let relays = gatherer.relays.iter();
        let lost: Vec<_> = relays
            .filter(|relay| relay.path.local == address)
            .map(|relay| relay.asked)
            .collect();
        for asked in lost {
            self.lose_relay(self.latest, asked);
        }
        self.settle_gathering();
    }

    /// Pairs have gone. If one of them was in use, data takes another.
    pub(super) fn recover(&mut self) {
        self.for_each_generation(|agent| {
            let Generation {
                checks, progress, ..
            } = &agent.generation;
            let pair = progress.current.and_then(|index| checks.pairs.get(index));
            if progress.has_worked && !pair.is_some_and(Pair::is_valid) {
                agent.choose();
                agent.look_again();
            }
        });
    }

    /// The pair in use is gone: whatever might work is checked, the one that has
    /// taken its place first, and for as long as if it was the first time.
    fn look_again(&mut self) {
        if let Some(index) = self.generation.progress.current {
            self.generation.checks.trigger(index);
        }
        self.generation.checks.revive();
        self.generation.progress.settled = None;
        self.generation.progress.patience = Patience::Wanted;
    }

    /// Forgets the addresses at which the peer once saw us, but does no more.
    pub(super) fn forget_unused(&mut self) {
        for index in (0..self.locals.len()).rev() {
            let is_learned = self.locals[index].candidate.kind == CandidateKind::PeerReflexive;
            if is_learned && !self.is_used(index) {
                self.forget_local(index);
            }
        }
    }

    fn is_used(&self, local: usize) -> bool {
        let generations = self.older.iter().chain([&self.generation]);
        let mut pairs = generations.flat_map(|generation| &generation.checks.pairs);
        pairs.any(|pair| pair.local == local)
    }

    /// Pairs a new local candidate with all remote ones.
    pub(super) fn pair_local(&mut self, local: usize) {
        self.for_each_generation(|agent| {
            for remote in 0..agent.generation.remotes.len() {
                let before = agent.generation.checks.pairs.len();
                if let Some(index) = agent.pair(local, remote)
                    && index >= before
                {
                    agent.generation.checks.check_spare(index);
                }
            }
        });
    }
}
