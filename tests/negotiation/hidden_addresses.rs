//! Two peers on one link tell each other names in the place of their addresses, and
//! find each other by multicast DNS (ICE-032, ATK-041).

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use pollrtc::mdns;
use pollrtc::peer::Config;
use pollrtc::sim::{Chance, Link, Loss, Realm};

use crate::talk::{Talk, messages};

/// Where the peers of a talk are.
const HOSTS: [[u8; 4]; 2] = [[192, 0, 2, 1], [198, 51, 100, 2]];

fn hides() -> Config {
    let mut config = Config::new();
    config.ice.hide_addresses = true;
    config
}

#[test]
fn names_are_resolved_and_no_address_is_told() {
    for seed in 0..10 {
        let link = Link {
            loss: Loss::Uniform(Chance::percent(if seed < 2 { 0 } else { 20 })),
            ..Link::with_delay(Duration::from_millis(5))
        };
        let mut talk = Talk::quiet(seed, link, [hides(), hides()]);
        for (host, ip) in talk.hosts().into_iter().zip(HOSTS) {
            let socket = SocketAddr::from((ip, mdns::PORT));
            talk.world.add_socket(host, Realm::INTERNET, socket);
            talk.world
                .with(host, |peer, _| peer.add_mdns_socket(socket))
                .expect("it has the right port");
        }
        talk.world
            .negotiate(talk.left, talk.right)
            .expect("the descriptions are good");
        assert!(talk.open(Duration::from_secs(60)), "seed {seed}");
        assert!(talk.echo(&messages(10, 1_000), Duration::from_secs(60)));
        for host in talk.hosts() {
            let peer = talk.world.machine(host);
            let said = peer.local_description().expect("it was set").sdp;
            assert!(said.contains(".local "), "{said}");
            for ip in HOSTS.map(IpAddr::from) {
                assert!(!said.contains(&ip.to_string()), "{said}");
            }
            // Statistics say no more than descriptions do.
            let report = peer.get_stats(talk.world.now());
            for candidate in report
                .local_candidates
                .iter()
                .chain(&report.remote_candidates)
            {
                let told = candidate.address.iter().chain(&candidate.related_address);
                for ip in HOSTS.map(IpAddr::from) {
                    let told = told.clone().any(|told| *told == ip.to_string());
                    assert!(!told, "{candidate:?}");
                }
            }
        }
    }
}
