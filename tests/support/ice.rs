//! Pairs of ICE agents that know each other.

use pollrtc::crypto::CryptoProvider;
use pollrtc::ice::{IceAgent, IceConfig, Role};
use pollrtc::rng::Rng;

use super::laws::path_of;

/// Two agents with one address each, who know all of each other.
pub fn pair(provider: &'static CryptoProvider, seed: u64) -> [IceAgent; 2] {
    let mut rng = Rng::from_number(seed);
    let roles = [Role::Controlling, Role::Controlled];
    let mut agents = roles.map(|role| {
        IceAgent::new(IceConfig::new(provider), role, &mut rng).expect("the provider has SHA-1")
    });
    for (side, agent) in agents.iter_mut().enumerate() {
        agent
            .add_local_address(path_of(side).local)
            .expect("one address is not too many");
        agent.gather();
    }
    let [a, b] = &mut agents;
    introduce(a, b);
    introduce(b, a);
    agents
}

/// Tells `agent` all that `peer` has to say of itself.
pub fn introduce(agent: &mut IceAgent, peer: &IceAgent) {
    agent
        .set_remote_credentials(peer.local_credentials().clone())
        .expect("credentials that were made are valid");
    for candidate in peer.local_candidates() {
        agent
            .add_remote_candidate(candidate.clone())
            .expect("a host candidate is always welcome");
    }
    agent.end_of_remote_candidates();
}
