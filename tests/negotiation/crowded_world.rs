//! Three pairs in one world do not disturb each other.

use std::time::Duration;

use pollrtc::PeerConnection;
use pollrtc::peer::{ChannelConfig, Config};
use pollrtc::sim::{HostId, Link, World, invariants};

#[test]
fn every_pair_connects() {
    let link = Link::with_delay(Duration::from_millis(10));
    let mut world = World::new(1).with_links(link);
    let add = |world: &mut World<PeerConnection>, number: u8| -> HostId {
        let address = ([192, 0, 2, number], 4000).into();
        world.add_peer(&format!("P{number}"), address, Config::new())
    };
    for pair in 0..3 {
        let hosts = [2 * pair, 2 * pair + 1].map(|number| add(&mut world, number));
        let [a, b] = hosts;
        world.open(a, "chat", ChannelConfig::default()).unwrap();
        world.negotiate(a, b).unwrap();
        world.watch(invariants::of_pair(hosts));
    }
    let all: Vec<HostId> = world.hosts().collect();
    assert!(world.run_until(Duration::from_secs(10), |world| {
        all.iter().all(|&host| world.is_connected(host))
    }));
    world.run_for(Duration::from_secs(10));
    world.finish();
}
