//! What happens to agents and connections in the life of a network.

use pollrtc::ice::{IceConfig, IceState, Role, TransportPolicy};
use pollrtc::net::{CandidateKind, Protocol};
use pollrtc::sim::ledger::Datagram;

use crate::agents::Agents;
use crate::peers::Peers;
use crate::place::{Help, Place, good_link, lossy_link, millis, secs};

/// Both think that they control, or neither does: they agree and meet.
#[test]
fn role_conflicts_are_settled_at_every_place() {
    for role in [Role::Controlling, Role::Controlled] {
        for left in Place::ALL {
            for right in Place::ALL {
                if !left.meets(right) {
                    continue;
                }
                let places = [left, right];
                let mut agents = Agents::new(1, good_link(), places, Help::Stun);
                for host in agents.hosts {
                    agents.world.with(host, |agent, _| agent.set_role(role));
                }
                assert!(agents.connect(), "{places:?} {role:?}\n{}", agents.story());
                agents.finish();
            }
        }
    }
}

/// RFC 8445 §2.5: a lite agent is on the Internet and only answers; whoever comes,
/// whatever the role that it begins with, finds it.
#[test]
fn a_lite_agent_is_found_from_every_place() {
    let places = Place::ALL.into_iter();
    for place in places.filter(|place| place.meets(Place::Open)) {
        for seed in 0..10 {
            find_lite(seed, place, usize::from(seed % 2 == 0));
        }
    }
}

fn find_lite(seed: u64, place: Place, lite: usize) {
    let mut places = [place; 2];
    places[lite] = Place::Open;
    let configure = |side, config: &mut IceConfig| {
        if side == lite {
            config.lite = true;
            config.servers.clear();
        }
    };
    let mut agents = Agents::with(seed, lossy_link(), places, Help::Stun, configure);
    let [host, full] = [lite, 1 - lite].map(|side| agents.hosts[side]);
    agents
        .world
        .with(full, |agent, _| agent.set_remote_lite(true));
    assert!(agents.connect(), "{place}, lite {lite}\n{}", agents.story());
    agents.finish();
    let asks =
        |datagram: &&Datagram| datagram.sender == Some(host) && datagram.bytes.starts_with(&[0, 1]);
    let datagrams = agents.world.ledger().datagrams();
    let checks = datagrams.iter().filter(asks).count();
    assert_eq!(checks, 0, "a lite agent asks nobody");
}

/// RFC 6544: no datagram passes, and a stream does.
#[test]
fn where_only_streams_pass_agents_meet_over_tcp() {
    for seed in 0..10 {
        let places = [Place::UdpBlocked, Place::Open];
        let configure = |_, config: &mut IceConfig| config.tcp = true;
        let mut agents = Agents::with(seed, good_link(), places, Help::Stun, configure);
        let (right, address) = (agents.hosts[1], agents.addresses[1]);
        agents.world.listen(right, address);
        agents.world.with(right, |agent, _| {
            let added = agent.add_tcp_listener(address);
            added.expect("there is room");
        });
        assert!(agents.connect(), "{}", agents.story());
        agents.finish();
        for host in agents.hosts {
            let path = agents.world.machine(host).current_path();
            assert!(path.is_some_and(|path| path.protocol == Protocol::Tcp));
        }
    }
}

/// Connections talk wherever agents meet.
#[test]
fn connections_talk_at_all_places() {
    for left in Place::ALL {
        for right in Place::ALL {
            let mut peers = Peers::new(7, good_link(), [left, right], Help::Turn);
            assert!(peers.open(), "{left} and {right}\n{}", peers.story());
            peers.talk(millis(500));
            peers.finish();
            // A relay may be faster than a way through two NATs, but there may be no other.
            for host in peers.hosts {
                let pair = peers.world.machine(host).selected_pair().expect("it talks");
                let kinds = [pair.local.kind, pair.remote.kind];
                let is_relayed = kinds.contains(&CandidateKind::Relayed);
                assert!(
                    is_relayed || left.meets(right),
                    "{left} and {right}: {kinds:?}"
                );
            }
        }
    }
}

/// A policy of relays alone: nothing goes to the peer itself, and no address is shown,
/// which the invariant I-9 watches.
#[test]
fn who_wants_relays_only_is_never_seen() {
    for left in Place::ALL {
        let places = [left, Place::FullCone];
        let policy = TransportPolicy::Relay;
        let mut peers = Peers::with_policy(3, good_link(), places, Help::Turn, policy);
        assert!(peers.open(), "{left}\n{}", peers.story());
        peers.talk(millis(500));
        peers.finish();
    }
}

/// RFC 8445 §9: messages go on while new candidates are found and checked.
#[test]
fn a_restart_under_traffic_loses_no_message() {
    for seed in 0..10 {
        for (places, link) in [
            ([Place::FullCone, Place::Open], good_link()),
            (
                [Place::PortRestrictedCone, Place::RestrictedCone],
                lossy_link(),
            ),
            ([Place::Symmetric, Place::Symmetric], good_link()),
        ] {
            let mut peers = Peers::new(seed, link, places, Help::Turn);
            assert!(peers.open(), "{places:?}\n{}", peers.story());
            peers.talk(secs(1));
            for side in [0, 1] {
                peers
                    .world
                    .with(peers.hosts[side], |peer, _| peer.restart_ice());
                peers.talk(secs(3));
            }
            peers.finish();
            let lost = |state: &IceState| *state == IceState::Disconnected;
            // One of five consent checks and answers is lost: that may look like it.
            let was_lost = peers.states.iter().flatten().any(lost);
            assert!(!was_lost || link != good_link(), "{places:?}, seed {seed}");
        }
    }
}

/// The NAT was restarted: the old way is dead, and the next datagram makes another.
#[test]
fn a_rebinding_is_survived() {
    for seed in 0..10 {
        for left in [
            Place::FullCone,
            Place::RestrictedCone,
            Place::PortRestrictedCone,
        ] {
            for moved in [None, Some("198.51.100.77".parse().expect("an address"))] {
                let mut peers = Peers::new(seed, good_link(), [left, Place::Open], Help::Stun);
                assert!(peers.open(), "{left}\n{}", peers.story());
                peers.talk(secs(1));
                peers.world.rebind(peers.realms[0], moved);
                peers.talk(secs(30));
                peers.finish();
                assert_eq!(peers.heard, [peers.said; 2], "{left}: {moved:?}");
            }
        }
    }
}

/// From one network to another: the application tells that an address has gone, and
/// that there is a new one, some time after it happened.
#[test]
fn an_agent_moves_to_another_network() {
    for seed in 0..10 {
        for (side, first, next) in [
            (0, Place::FullCone, Place::Open),
            (0, Place::Open, Place::PortRestrictedCone),
            (1, Place::RestrictedCone, Place::FullCone),
            (1, Place::Open, Place::Open),
        ] {
            let mut places = [Place::Open; 2];
            places[side] = first;
            let mut agents = Agents::new(seed, good_link(), places, Help::Stun);
            assert!(agents.connect(), "{}", agents.story());
            agents.run_for(secs(2));
            agents.move_to(side, next);
            let now = agents.addresses[side];
            let host = agents.hosts[side];
            let moved = agents.run_until(secs(20), |world| {
                let agent = world.machine(host);
                let path = agent.current_path();
                agent.state().is_connected() && path.is_some_and(|path| path.local == now)
            });
            assert!(moved, "{side}: {first} to {next}\n{}", agents.story());
            agents.run_for(secs(40));
            agents.finish();
        }
    }
}

/// Consent keeps the mappings of NATs that forget after half a minute.
#[test]
fn a_quiet_connection_keeps_its_mappings() {
    let mut agents = Agents::new(1, good_link(), [Place::Forgetful; 2], Help::Stun);
    assert!(agents.connect(), "{}", agents.story());
    agents.run_for(secs(600));
    agents.finish();
}

/// Behind the same NAT they meet at home; behind two in a row, outside.
#[test]
fn neighbours_meet_at_home_and_others_across_two_nats_each() {
    let mut agents = Agents::new(
        1,
        good_link(),
        [Place::Symmetric, Place::Neighbour],
        Help::Stun,
    );
    assert!(agents.connect(), "{}", agents.story());
    let at_home = [CandidateKind::Host; 2];
    assert_eq!([0, 1].map(|side| agents.kinds(side)), [Some(at_home); 2]);
    agents.finish();

    for other in [Place::Nested, Place::Open, Place::RestrictedCone] {
        let mut agents = Agents::new(1, good_link(), [Place::Nested, other], Help::Stun);
        assert!(agents.connect(), "{other:?}\n{}", agents.story());
        agents.finish();
    }
}
