//! The descriptions take a second each way: checks come before their answer.

use std::time::Duration;

use pollrtc::peer::{ChannelConfig, ChannelState, Config, Event, Kind, TransceiverInit};
use pollrtc::sim::{Link, World};

use crate::talk::{Talk, messages};

#[test]
fn early_checks_are_kept() {
    let link = Link::with_delay(Duration::from_millis(20));
    let mut talk = Talk::quiet(1, link, [Config::new(), Config::new()]);
    let post = Duration::from_secs(1);
    talk.world.negotiate_by_post(talk.left, talk.right, post);
    assert!(talk.open(Duration::from_secs(20)));
    // Not later than a second after the answer has come.
    assert!(talk.world.now().as_millis() < 3_000, "{}", talk.world.now());
    assert!(talk.echo(&messages(20, 3_000), Duration::from_secs(20)));
}

/// RFC 3264 §5.1: who has offered takes what comes before the answer. Over a path that
/// is there already the association of a peer that has just answered does.
#[test]
fn channels_open_though_the_association_comes_before_the_answer() {
    let (mut world, [left, right]) = World::pair(1, Link::with_delay(Duration::from_millis(20)));
    world
        .with(left, |peer, _| {
            peer.add_transceiver(Kind::Audio, TransceiverInit::default())
        })
        .unwrap();
    world.negotiate(left, right).unwrap();
    assert!(world.connect([left, right], Duration::from_secs(20)));
    let ours = world.open(left, "ours", ChannelConfig::default()).unwrap();
    world.negotiate_by_post(left, right, Duration::from_secs(1));
    // The peer answers and opens one, too; both are there before the answer is.
    world.after(Duration::from_millis(1_100), move |world| {
        world
            .open(right, "theirs", ChannelConfig::default())
            .unwrap();
    });
    world.run_for(Duration::from_secs(5));
    for host in [left, right] {
        let peer = world.machine(host);
        let states: Vec<_> = peer
            .channels()
            .filter_map(|id| peer.channel(id).map(|info| info.state))
            .collect();
        assert_eq!(states, [ChannelState::Open; 2]);
    }
    world.send(left, ours, "hello").unwrap();
    world.run_for(Duration::from_secs(1));
    let told: Vec<_> = std::iter::from_fn(|| world.next_event(right)).collect();
    let is_hello =
        |event: &Event| matches!(event, Event::Message(_, data) if *data == "hello".into());
    assert!(told.iter().any(is_hello), "{told:?}");
}
