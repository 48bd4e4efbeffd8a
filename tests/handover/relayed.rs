//! Handovers through a relay, which lends one address to all peers in turn.

use pollrtc::crypto::rust_crypto::PROVIDER;
use pollrtc::ice::{IceServer, TransportPolicy};
use pollrtc::net::CandidateKind;
use pollrtc::peer::Config;
use pollrtc::sim::TurnServerConfig;

use super::support::{MOMENT, Stage, words};

#[test]
fn a_relay_is_kept_for_the_new_peer() {
    let mut stage = Stage::new(1);
    let address = ([203, 0, 113, 3], 3478).into();
    let relays = (0..4).map(|n| ([203, 0, 113, 3], 50_000 + n).into());
    let server = TurnServerConfig::new(&PROVIDER, address, relays.collect(), ("user", "secret"));
    stage.world.add_turn_server("server", server);
    let mut config = Config::new();
    let url = "turn:203.0.113.3".parse().unwrap();
    let login = IceServer::with_login(url, "user", "secret");
    config.ice.servers.push(login);
    config.ice.policy = TransportPolicy::Relay;
    let caller = stage.peer_with(config, 1);
    let [first, second] = [(); 2].map(|()| stage.peer());
    stage.open(caller, "old");
    // The candidates come with the description once the relay has answered.
    stage.world.describe(caller).unwrap();
    stage.run(MOMENT);
    let offer = stage.world.machine(caller).local_description().unwrap();
    stage.world.tell(first, &offer).unwrap();
    let answer = stage.world.describe(first).unwrap().unwrap();
    stage.world.tell(caller, &answer).unwrap();
    stage.connect([caller, first]);
    assert!(stage.says(caller, first, "old", "through the relay"));

    stage.restart(caller, second);
    stage.connect([caller, second]);
    stage.open(caller, "new");
    stage.run(MOMENT);
    assert!(stage.says(caller, second, "new", "still through it"));
    assert!(stage.says(second, caller, "new", "and back"));
    let pair = stage.world.machine(caller).selected_pair().unwrap();
    assert_eq!(pair.local.kind, CandidateKind::Relayed);
    // The old peer may send nothing through it any more.
    let theirs = stage.channel(first, "old").unwrap();
    stage.take(caller);
    stage.world.send(first, theirs, "hello?").unwrap();
    stage.run(MOMENT);
    assert!(words(&stage.take(caller)).is_empty());
}
