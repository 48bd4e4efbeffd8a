//! Several transports over networks of all kinds.

use std::net::SocketAddr;

use pollrtc::PeerConnection;
use pollrtc::crypto::rust_crypto::PROVIDER;
use pollrtc::ice::IceServer;
use pollrtc::jsep::BundlePolicy;
use pollrtc::mdns;
use pollrtc::net::{CandidateKind, Protocol};
use pollrtc::peer::Kind;
use pollrtc::sim::{Chance, Firewall, Link, Loss, Nat, Realm, TurnServerConfig, World};

use crate::support::{Apart, LEFT, Place, RIGHT, SERVER, address, config, millis, secs};

fn link() -> Link {
    Link::with_delay(millis(20))
}

/// The left side offers all that can flow, and all flows.
fn comes_up(mut apart: Apart) {
    apart.want_all();
    apart.negotiate(LEFT);
    apart.connect();
    apart.assert_all_flows();
    apart.finish();
}

/// A server that lends so many relays to this user.
fn add_server(world: &mut World<PeerConnection>, relays: u16) {
    let relays = (0..relays).map(|nth| address(&format!("203.0.113.2:{}", 49152 + nth)));
    let server = TurnServerConfig::new(&PROVIDER, address(SERVER), relays.collect(), USER);
    world.add_turn_server("S", server);
}

const USER: (&str, &str) = ("user", "secret");

#[test]
fn sound_pictures_and_data_have_a_transport_each_without_groups() {
    for policy in [BundlePolicy::Balanced, BundlePolicy::MaxCompat] {
        let mut apart = Apart::new(1, link(), policy);
        apart.want_all();
        apart.negotiate(LEFT);
        apart.connect();
        assert_eq!([LEFT, RIGHT].map(|side| apart.transports(side)), [3, 3]);
        apart.assert_all_flows();
        for (_, transport) in apart.peer(LEFT).transports() {
            let stats = transport.stats();
            assert!(stats.packets_sent > 10 && stats.packets_received > 10);
        }
        assert_eq!(apart.peer(LEFT).stats().unknown_path, 0);
        apart.finish();
    }
}

/// Also the other way round: who offers has the sockets.
#[test]
fn who_offers_may_be_the_one_with_the_sockets() {
    let mut apart = Apart::new(2, link(), BundlePolicy::Balanced);
    for kind in [Kind::Audio, Kind::Video] {
        apart.add(RIGHT, kind);
    }
    apart.want_channel();
    apart.negotiate(RIGHT);
    apart.run_for(millis(10));
    apart.negotiate(LEFT);
    apart.connect();
    apart.assert_all_flows();
    apart.finish();
}

#[test]
fn a_peer_that_bundles_gets_one_transport_and_the_others_vanish() {
    for policy in [
        BundlePolicy::Balanced,
        BundlePolicy::MaxCompat,
        BundlePolicy::MaxBundle,
    ] {
        let mut apart = Apart::new(3, link(), policy);
        apart.strips = false;
        apart.want_all();
        let offer = apart.describe(LEFT);
        let offered = if policy == BundlePolicy::MaxBundle {
            1
        } else {
            3
        };
        assert_eq!(apart.transports(LEFT), offered);
        apart.tell(RIGHT, &offer).unwrap();
        let answer = apart.describe(RIGHT);
        apart.tell(LEFT, &answer).unwrap();
        assert_eq!([LEFT, RIGHT].map(|side| apart.transports(side)), [1, 1]);
        apart.connect();
        apart.assert_all_flows();
        apart.finish();
    }
}

#[test]
fn several_transports_come_up_over_bad_networks() {
    for seed in 0..8 {
        let lossy = Link {
            jitter: millis(20),
            loss: Loss::Uniform(Chance::percent(20)),
            ..link()
        };
        comes_up(Apart::new(seed, lossy, BundlePolicy::Balanced));
    }
}

/// The NAT gives each pair of sockets a port of its own.
#[test]
fn several_transports_get_through_nats() {
    for nat in [Nat::FULL_CONE, Nat::PORT_RESTRICTED_CONE, Nat::SYMMETRIC] {
        let mut world = World::new(5).with_links(link());
        add_server(&mut world, 1);
        let realm = world.add_nat(Realm::INTERNET, nat, "198.51.100.2".parse().unwrap());
        let stun = || vec![IceServer::open(format!("stun:{SERVER}").parse().unwrap())];
        let mut places = [
            Place::open("192.0.2.1", 1, config(BundlePolicy::Balanced)),
            Place::open("192.168.1.2", 3, config(BundlePolicy::Balanced)),
        ];
        for place in &mut places {
            place.config.ice.servers = stun();
        }
        places[RIGHT].realm = realm;
        comes_up(Apart::between(world, places));
    }
}

/// A socket has one address at a relay: the first transport has it.
#[test]
fn the_relay_of_a_shared_socket_is_the_first_transports() {
    let mut world = World::new(6).with_links(link());
    add_server(&mut world, 4);
    let mut places = [
        Place::open("192.0.2.1", 1, config(BundlePolicy::Balanced)),
        Place::open("198.51.100.2", 3, config(BundlePolicy::Balanced)),
    ];
    let url = format!("turn:{SERVER}?transport=udp").parse().unwrap();
    places[LEFT].config.ice.servers = vec![IceServer::with_login(url, USER.0, USER.1)];
    let mut apart = Apart::between(world, places);
    // The direct way of the first pair of sockets is closed.
    apart
        .world
        .block(address("192.0.2.1:4000"), address("198.51.100.2:4000"));
    apart
        .world
        .block(address("198.51.100.2:4000"), address("192.0.2.1:4000"));
    apart.want_all();
    apart.negotiate(LEFT);
    apart.connect();
    apart.run_for(secs(5));
    let kinds = |apart: &Apart| {
        let transports = apart.peer(LEFT).transports();
        let pairs = transports.map(|(_, one)| one.ice().selected_pair().unwrap().local.kind);
        pairs.collect::<Vec<_>>()
    };
    let [first, rest @ ..] = &kinds(&apart)[..] else {
        panic!("there are three");
    };
    assert_eq!(*first, CandidateKind::Relayed);
    assert!(rest.iter().all(|kind| *kind != CandidateKind::Relayed));
    apart.assert_all_flows();
    for side in [LEFT, RIGHT] {
        apart.call(side, |pc| pc.close());
    }
    apart.run_for(secs(3));
}

#[test]
fn part_of_it_is_bundled() {
    // The peer bundles sound and pictures, and has data apart.
    let mut apart = Apart::new(7, link(), BundlePolicy::Balanced);
    apart.strips = false;
    apart.want_all();
    let mut offer = apart.describe(LEFT);
    offer.sdp = offer
        .sdp
        .replace("a=group:BUNDLE 0 1 2", "a=group:BUNDLE 0 1");
    apart.tell(RIGHT, &offer).unwrap();
    let answer = apart.describe(RIGHT);
    assert!(
        answer.sdp.contains("a=group:BUNDLE 0 1\r\n"),
        "{}",
        answer.sdp
    );
    apart.tell(LEFT, &answer).unwrap();
    assert_eq!([LEFT, RIGHT].map(|side| apart.transports(side)), [2, 2]);
    apart.connect();
    apart.assert_all_flows();
    apart.finish();
}

/// Each transport has names of its own, and asks for those of the other side.
#[test]
fn names_are_found_for_each_transport() {
    let mut places = [
        Place::open("192.0.2.1", 1, config(BundlePolicy::MaxCompat)),
        Place::open("198.51.100.2", 3, config(BundlePolicy::MaxCompat)),
    ];
    for place in &mut places {
        place.config.ice.hide_addresses = true;
    }
    let mut apart = Apart::between(World::new(8).with_links(link()), places);
    for (side, ip) in [(LEFT, "192.0.2.1"), (RIGHT, "198.51.100.2")] {
        let socket = SocketAddr::new(ip.parse().unwrap(), mdns::PORT);
        let host = apart.hosts[side];
        apart.world.add_socket(host, Realm::INTERNET, socket);
        apart.call(side, |pc| pc.add_mdns_socket(socket)).unwrap();
    }
    apart.want_all();
    apart.negotiate(LEFT);
    apart.connect();
    let said = apart.peer(LEFT).local_description().unwrap().sdp;
    assert!(
        said.contains(".local ") && !said.contains("192.0.2.1"),
        "{said}"
    );
    apart.assert_all_flows();
    apart.finish();
}

/// The listener is one for all: who has connected says by its first check which
/// transport it wants.
#[test]
fn streams_that_are_accepted_are_led_to_their_transports() {
    let mut places = [
        Place::open("192.0.2.1", 1, config(BundlePolicy::MaxCompat)),
        Place::open("198.51.100.2", 1, config(BundlePolicy::MaxCompat)),
    ];
    places[RIGHT].config.ice.tcp = true;
    let listener = address("192.0.2.1:4443");
    let mut apart = Apart::between(World::new(9).with_links(link()), places);
    let left = apart.hosts[LEFT];
    apart.world.listen(left, listener);
    apart
        .world
        .add_socket(apart.hosts[LEFT], Realm::INTERNET, listener);
    apart
        .call(LEFT, |pc| pc.add_tcp_listener(listener))
        .unwrap();
    apart
        .world
        .set_firewall(apart.hosts[RIGHT], Firewall::NO_UDP);
    apart.want_all();
    apart.negotiate(LEFT);
    apart.connect();
    apart.run_for(secs(3));
    for (_, transport) in apart.peer(LEFT).transports() {
        let pair = transport.ice().selected_pair().unwrap();
        assert_eq!(pair.path.protocol, Protocol::Tcp);
    }
    apart.assert_all_flows();
    apart.finish();
}
