//! Five hundred seeds of each story, where one datagram of five is lost.

use std::num::NonZero;
use std::thread;

use pollrtc::ice::Role;

use crate::agents::Agents;
use crate::peers::Peers;
use crate::place::{Help, Place, lossy_link, millis, secs};

/// Plays all seeds, on as many threads as there are processors.
fn seeds(play: impl Fn(u64) + Sync) {
    let threads = thread::available_parallelism().map_or(1, NonZero::get);
    thread::scope(|scope| {
        for thread in 0..threads {
            let play = &play;
            scope.spawn(move || {
                (thread..SEEDS)
                    .step_by(threads)
                    .for_each(|seed| play(seed as u64));
            });
        }
    });
}

const SEEDS: usize = 500;

/// Two places, of which the seed decides, that meet without a relay.
fn places(seed: u64) -> [Place; 2] {
    let all = Place::ALL.into_iter();
    let pairs = all.flat_map(|left| Place::ALL.map(|right| [left, right]));
    let meeting: Vec<_> = pairs.filter(|[left, right]| left.meets(*right)).collect();
    let index = usize::try_from(seed).expect("a small number");
    meeting[index % meeting.len()]
}

#[test]
fn role_conflicts() {
    seeds(|seed| {
        let mut agents = Agents::new(seed, lossy_link(), places(seed), Help::Stun);
        agents.ease_server();
        let roles = [Role::Controlling, Role::Controlled];
        let role = roles[usize::from(seed % 2 == 0)];
        for host in agents.hosts {
            agents.world.with(host, |agent, _| agent.set_role(role));
        }
        assert!(agents.connect(), "seed {seed}\n{}", agents.story());
        agents.finish();
    });
}

#[test]
fn restarts_under_traffic() {
    seeds(|seed| {
        let mut peers = Peers::new(seed, lossy_link(), places(seed), Help::Turn);
        assert!(peers.open(), "seed {seed}\n{}", peers.story());
        peers.talk(millis(500));
        let host = peers.hosts[usize::from(seed % 2 == 0)];
        peers.world.with(host, |peer, _| peer.restart_ice());
        peers.talk(secs(2));
        peers.finish();
        assert_eq!(peers.heard, [peers.said; 2], "seed {seed}");
    });
}

/// Nobody tells the peer: it has to be at a place where strangers get in.
#[test]
fn moves_to_another_network() {
    seeds(|seed| {
        let side = usize::from(seed % 2 == 0);
        let mut places = places(seed);
        places[1 - side] = [Place::Open, Place::FullCone][usize::from(seed % 3 == 0)];
        let mut agents = Agents::new(seed, lossy_link(), places, Help::Stun);
        agents.ease_server();
        assert!(agents.connect(), "seed {seed}\n{}", agents.story());
        agents.run_for(secs(2));
        agents.move_to(side, Place::Open);
        agents.run_for(secs(20));
        agents.finish();
    });
}
