//! Sections that move from one transport to another, and paths that change.

use pollrtc::crypto::rust_crypto::PROVIDER;
use pollrtc::ice::{IceServer, TransportPolicy};
use pollrtc::jsep::BundlePolicy;
use pollrtc::peer::{ChannelState, Configuration, Description, Event, Kind, SdpType};
use pollrtc::sim::{Link, TurnServerConfig, World};

use crate::support::{Apart, LEFT, Place, RIGHT, SERVER, address, config, millis, secs};

/// Both sides have this many sockets, and nobody takes groups away.
fn bundled(world: World<pollrtc::PeerConnection>, sockets: u16, policy: BundlePolicy) -> Apart {
    let places = [
        Place::open("192.0.2.1", sockets, config(policy)),
        Place::open("198.51.100.2", sockets, config(policy)),
    ];
    let world = world.with_links(Link::with_delay(millis(20)));
    // Sections that were rejected come again under other names.
    let mut apart = Apart::watched_but_for("P-2", world, places);
    apart.strips = false;
    apart
}

fn open_channels(apart: &Apart, side: usize) -> usize {
    let peer = apart.peer(side);
    let channels = peer.channels().filter_map(|id| peer.channel(id));
    channels
        .filter(|channel| channel.state == ChannelState::Open)
        .count()
}

fn stop_sound(apart: &mut Apart, side: usize) {
    let sound = apart.peer(side).transceivers().next().unwrap().id();
    apart.call(side, |pc| pc.stop_transceiver(sound).unwrap());
}

/// RFC 9143 §7.3.1: the provisional answer has data where sound is; the final one, which
/// rejects the sound, where data was offered. RFC 8841 §10.5: the association goes on.
#[test]
fn the_final_answer_moves_data_to_another_transport_and_its_channels_stay() {
    for sockets in [1, 2] {
        let mut apart = bundled(World::new(1), sockets, BundlePolicy::MaxCompat);
        apart.add(LEFT, Kind::Audio);
        apart.want_channel();
        let offer = apart.describe(LEFT);
        assert_eq!(apart.transports(LEFT), 2);
        apart.tell(RIGHT, &offer).unwrap();
        let provisional = apart.call(RIGHT, |pc| {
            let provisional = Description {
                kind: SdpType::Pranswer,
                ..pc.create_answer().unwrap()
            };
            pc.set_local_description(Some(&provisional)).unwrap();
            provisional
        });
        apart.tell(LEFT, &provisional).unwrap();
        let is_open = |apart: &Apart| open_channels(apart, LEFT) + open_channels(apart, RIGHT) == 2;
        assert!(apart.run_until(secs(10), is_open), "{}", apart.story());
        stop_sound(&mut apart, RIGHT);
        let answer = apart.describe(RIGHT);
        assert_eq!(answer.kind, SdpType::Answer);
        // The left side hears the end of the old transport first.
        apart.run_for(millis(100));
        apart.tell(LEFT, &answer).unwrap();
        apart.connect();
        assert_eq!([LEFT, RIGHT].map(|side| apart.transports(side)), [1, 1]);
        apart.run_for(secs(5));
        assert!(is_open(&apart), "{}", apart.story());
        apart.assert_all_flows();
        for side in [LEFT, RIGHT] {
            let is_end = |event: &Event| matches!(event, Event::Closed(_));
            assert!(!apart.events[side].iter().any(is_end));
        }
        apart.finish();
    }
}

/// The same in a new exchange, when an older one has left a transport without a section:
/// what that one says at its end comes over the path of the next.
#[test]
fn data_takes_another_transport_than_the_one_that_was_left_over() {
    let mut apart = bundled(World::new(2), 1, BundlePolicy::MaxCompat);
    apart.add(RIGHT, Kind::Audio);
    apart.negotiate(RIGHT);
    apart.connect();
    stop_sound(&mut apart, RIGHT);
    apart.negotiate(RIGHT);
    apart.add(LEFT, Kind::Audio);
    apart.want_channel();
    let offer = apart.describe(LEFT);
    apart.tell(RIGHT, &offer).unwrap();
    stop_sound(&mut apart, RIGHT);
    let answer = apart.describe(RIGHT);
    apart.run_for(millis(150));
    apart.tell(LEFT, &answer).unwrap();
    apart.connect();
    apart.run_for(secs(5));
    let open = [LEFT, RIGHT].map(|side| open_channels(&apart, side));
    assert_eq!(open, [1, 1], "{}", apart.story());
    apart.assert_all_flows();
    apart.finish();
}

/// An offer with new ICE credentials is refused altogether: the transport waits for the
/// next section with those that both know, so that both go on with the same one.
#[test]
fn a_restart_that_was_refused_with_its_section_leaves_no_trace() {
    for offerer in [LEFT, RIGHT] {
        let mut apart = bundled(World::new(4), 1, BundlePolicy::Balanced);
        apart.add(LEFT, Kind::Audio);
        apart.negotiate(LEFT);
        apart.connect();
        apart.call(LEFT, |pc| pc.restart_ice());
        let offer = apart.describe(LEFT);
        apart.tell(RIGHT, &offer).unwrap();
        stop_sound(&mut apart, RIGHT);
        let answer = apart.describe(RIGHT);
        apart.tell(LEFT, &answer).unwrap();
        apart.run_for(secs(1));
        apart.add(offerer, Kind::Video);
        apart.want_channel();
        apart.negotiate(offerer);
        apart.negotiate(LEFT);
        apart.connect();
        apart.run_for(secs(3));
        apart.assert_all_flows();
        let open = [LEFT, RIGHT].map(|side| open_channels(&apart, side));
        assert_eq!(open, [1, 1], "{}", apart.story());
        apart.finish();
    }
}

/// Restarts that overtake each other, from the direct path to one through a relay: what
/// comes over the path before is heard until the last one is over.
#[test]
fn no_frame_is_lost_by_restarts_in_a_row() {
    let user = ("user", "secret");
    for pause in (0..240).step_by(20) {
        let mut world = World::new(3);
        let relays = (0..4).map(|nth| address(&format!("203.0.113.2:{}", 49152 + nth)));
        let server = TurnServerConfig::new(&PROVIDER, address(SERVER), relays.collect(), user);
        world.add_turn_server("S", server);
        let mut apart = bundled(world, 1, BundlePolicy::MaxBundle);
        for side in [LEFT, RIGHT] {
            apart.call(side, |pc| pc.add_track(Kind::Audio, "a", &["me"]).unwrap());
        }
        apart.negotiate(LEFT);
        apart.connect();
        apart.talk(secs(1));
        apart.call(RIGHT, |pc| {
            let url = format!("turn:{SERVER}?transport=udp").parse().unwrap();
            let relayed = Configuration {
                ice_servers: vec![IceServer::with_login(url, user.0, user.1)],
                ice_transport_policy: TransportPolicy::Relay,
                ..pc.configuration()
            };
            pc.set_configuration(relayed).unwrap();
        });
        for pause in [millis(pause), secs(3)] {
            apart.call(RIGHT, |pc| pc.restart_ice());
            apart.negotiate(RIGHT);
            apart.talk(pause);
        }
        apart.run_for(secs(1));
        for side in [LEFT, RIGHT] {
            let (sent, came) = apart.count(side);
            assert_eq!(sent, came, "to {side}, after {pause} ms");
        }
        apart.finish();
    }
}
