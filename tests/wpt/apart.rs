//! Sections that do not share a transport.

use std::time::Duration;

use pollrtc::PeerConnection;
use pollrtc::peer::{
    BundlePolicy, Config, Description, Direction, Event, Kind, MediaFrame, SdpType, TransceiverId,
    TransceiverInit,
};
use pollrtc::sim::{HostId, Link, World};

use super::support::of_kind;

fn unbundled() -> Config {
    Config {
        bundle_policy: BundlePolicy::MaxCompat,
        ..Config::new()
    }
}

fn world() -> World<PeerConnection> {
    World::new(1).with_links(Link::with_delay(Duration::from_millis(10)))
}

fn add(world: &mut World<PeerConnection>, host: HostId, kind: Kind) -> TransceiverId {
    let init = TransceiverInit {
        direction: Direction::SendOnly,
        ..TransceiverInit::default()
    };
    world
        .with(host, |pc, _| pc.add_transceiver(kind, init))
        .unwrap()
}

/// What is said above the sections, without groups, and each section.
fn parts(description: &Description) -> (String, Vec<String>) {
    let mut parts = description.sdp.split("\r\nm=");
    let head = parts.next().unwrap();
    let lines = head
        .split("\r\n")
        .filter(|line| !line.starts_with("a=group"));
    let head = lines.collect::<Vec<_>>().join("\r\n");
    let sections = parts.map(|section| {
        let section = section.strip_suffix("\r\n").unwrap_or(section);
        format!("\r\nm={section}")
    });
    (head, sections.collect())
}

fn frames(world: &mut World<PeerConnection>, host: HostId) -> Vec<(TransceiverId, usize)> {
    let events = std::iter::from_fn(|| world.next_event(host));
    let frames = events.filter_map(|event| match event {
        Event::Frame {
            transceiver, frame, ..
        } => Some((transceiver, frame.data.len())),
        _ => None,
    });
    frames.collect()
}

fn write(world: &mut World<PeerConnection>, host: HostId, id: TransceiverId, len: usize) {
    let mut data = vec![0x55; len];
    data[..10].copy_from_slice(&[0x10, 0, 0, 0x9d, 0x01, 0x2a, 64, 0, 64, 0]);
    let frame = MediaFrame::new(0, data.into());
    world.write_frame(host, id, "", &frame).unwrap();
}

/// One offer, two peers that answer a part of it each, and one answer made of both.
#[test]
fn wpt_156_sound_and_pictures_to_two_peers() {
    let mut world = world();
    let hosts = [1, 2, 3].map(|number| {
        let address = ([192, 0, 2, number], 4000).into();
        world.add_peer(
            ["", "alice", "bob", "carol"][usize::from(number)],
            address,
            unbundled(),
        )
    });
    let [alice, bob, carol] = hosts;
    let ours = [Kind::Audio, Kind::Video].map(|kind| add(&mut world, alice, kind));
    let offer = world.describe(alice).unwrap().unwrap();
    let (head, sections) = parts(&offer);
    assert_eq!(sections.len(), 2);
    let mut answer = String::new();
    for (host, section) in [bob, carol].into_iter().zip(sections) {
        let part = of_kind(SdpType::Offer, &format!("{head}{section}\r\n"));
        world.tell(host, &part).unwrap();
        let (head, sections) = parts(&world.describe(host).unwrap().unwrap());
        if answer.is_empty() {
            answer = head;
        }
        answer += &sections[0];
    }
    world
        .tell(alice, &of_kind(SdpType::Answer, &format!("{answer}\r\n")))
        .unwrap();
    world.run_for(Duration::from_secs(2));
    for host in hosts {
        assert!(world.is_connected(host));
        frames(&mut world, host);
    }
    for (id, len) in ours.into_iter().zip([100, 700]) {
        write(&mut world, alice, id, len);
    }
    world.run_for(Duration::from_secs(1));
    for (host, len) in [(bob, 100), (carol, 700)] {
        let [(_, came)] = frames(&mut world, host)[..] else {
            panic!("one frame is for each");
        };
        assert_eq!(came, len);
    }
}

/// Where each section has its own transport, one payload type may mean both.
#[test]
fn wpt_148_one_payload_type_on_two_transports() {
    let mut world = world();
    let [alice, bob] = [1, 2].map(|number| {
        // Two transports between two peers need two pairs of sockets.
        let sockets = [4000, 4001].map(|port| ([192, 0, 2, number], port).into());
        let mut peer = PeerConnection::new(unbundled(), &mut world.fork_rng()).unwrap();
        peer.add_local_address(sockets[0]).unwrap();
        peer.add_spare_address(sockets[1]).unwrap();
        world.add(["", "alice", "bob"][usize::from(number)], &sockets, peer)
    });
    let ours = [(); 2].map(|()| add(&mut world, alice, Kind::Video));
    let offer = world.describe(alice).unwrap().unwrap();
    // Neither a bundle, nor a name, nor a source: only the transport is left.
    let lines = offer.sdp.split_inclusive("\r\n");
    let kept = lines.filter(|line| {
        !line.starts_with("a=group") && !line.starts_with("a=ssrc") && !line.contains("sdes:mid")
    });
    let offer = of_kind(SdpType::Offer, &kept.collect::<String>());
    assert_eq!(offer.sdp.matches("a=rtpmap:96 VP8").count(), 2);
    world.tell(bob, &offer).unwrap();
    let answer = world.describe(bob).unwrap().unwrap();
    world.tell(alice, &answer).unwrap();
    world.run_for(Duration::from_secs(2));
    assert!(world.is_connected(alice) && world.is_connected(bob));
    assert_eq!(world.machine(bob).transports().count(), 2);
    for (id, len) in ours.into_iter().zip([500, 700]) {
        write(&mut world, alice, id, len);
    }
    world.run_for(Duration::from_secs(1));
    let theirs: Vec<_> = world
        .machine(bob)
        .transceivers()
        .map(|one| one.id())
        .collect();
    let mut came = frames(&mut world, bob);
    came.sort_unstable();
    assert_eq!(came, [(theirs[0], 500), (theirs[1], 700)]);
}
