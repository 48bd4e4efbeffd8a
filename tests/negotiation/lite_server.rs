//! One side has a public address and leaves all checks to the other (RFC 8445 §2.5).

use std::time::Duration;

use pollrtc::PeerConnection;
use pollrtc::ice::Role;
use pollrtc::peer::{ChannelConfig, Config, Data, Event};
use pollrtc::sim::{Chance, HostId, Link, Loss, World};

fn lite() -> Config {
    let mut config = Config::new();
    config.ice.lite = true;
    config
}

fn world(seed: u64) -> (World<PeerConnection>, [HostId; 2]) {
    let link = Link {
        loss: Loss::Uniform(Chance::percent(10)),
        ..Link::with_delay(Duration::from_millis(20))
    };
    let mut world = World::new(seed).with_links(link);
    let server = world.add_peer("server", ([192, 0, 2, 1], 4000).into(), lite());
    let client = world.add_peer("client", ([192, 0, 2, 2], 5000).into(), Config::new());
    (world, [server, client])
}

/// ICE-lite against full, whoever offers: the full agent controls.
#[test]
fn whoever_offers_the_full_agent_controls() {
    for seed in 0..20 {
        let (mut world, [server, client]) = world(seed);
        let pair = if seed % 2 == 0 {
            [server, client]
        } else {
            [client, server]
        };
        let channel = world
            .open(pair[0], "chat", ChannelConfig::default())
            .unwrap();
        world.negotiate(pair[0], pair[1]).unwrap();
        let description = world.machine(server).local_description().unwrap();
        assert!(description.sdp.contains("\r\na=ice-lite\r\n"));
        assert!(world.connect(pair, Duration::from_secs(30)), "seed {seed}");
        assert_eq!(world.machine(server).ice_role(), Role::Controlled);
        assert_eq!(world.machine(client).ice_role(), Role::Controlling);
        // A minute of silence later, consent is still there.
        world.run_for(Duration::from_secs(60));
        world.send(pair[0], channel, "hello").unwrap();
        let heard = |world: &mut World<PeerConnection>| {
            let events = std::iter::from_fn(|| world.next_event(pair[1]));
            events.into_iter().any(
                |event| matches!(event, Event::Message(_, Data::Text(text)) if text == "hello"),
            )
        };
        assert!(
            world.run_until(Duration::from_secs(30), heard),
            "seed {seed}"
        );
    }
}
