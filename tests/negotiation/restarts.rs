//! ICE is restarted while messages flow: nobody notices but the candidates.

use std::time::Duration;

use pollrtc::PeerConnection;
use pollrtc::dtls::DtlsState;
use pollrtc::peer::{
    ChannelConfig, Config, ConnectionState, Description, Event, IceConnectionState,
    IceGatheringState, SdpType,
};
use pollrtc::rng::Rng;
use pollrtc::sim::{Chance, HostId, Link, Loss};

use crate::talk::{Talk, messages};

const PATIENCE: Duration = Duration::from_secs(60);

fn connected(seed: u64, link: Link) -> Talk {
    let mut talk = Talk::begin(seed, link);
    assert!(talk.open(PATIENCE));
    talk.run_for(Duration::from_secs(1));
    talk
}

fn ufrag(talk: &Talk, host: HostId) -> String {
    let ice = talk.world.machine(host).ice();
    ice.local_credentials().ufrag.clone()
}

fn restart(talk: &mut Talk, host: HostId) {
    talk.world.with(host, |peer, _| peer.restart_ice());
}

fn rollback() -> Description {
    Description {
        kind: SdpType::Rollback,
        sdp: String::new(),
    }
}

/// Whether a side was told that it is not connected any more.
fn was_interrupted(talk: &Talk) -> bool {
    let is_bad = |event: &Event| {
        matches!(
            event,
            Event::ConnectionState(ConnectionState::Disconnected | ConnectionState::Failed)
                | Event::IceConnectionState(
                    IceConnectionState::Disconnected | IceConnectionState::Failed
                )
        )
    };
    talk.events.iter().flatten().any(is_bad)
}

/// WPT-059, WPT-094, ICE-018: who restarts makes no difference, and the messages
/// that are under way meanwhile arrive, each once and in order.
#[test]
fn wpt_094_messages_flow_before_during_and_after_a_restart() {
    for seed in 0..10 {
        let link = Link {
            loss: Loss::Uniform(Chance::percent(5)),
            ..Link::with_delay(Duration::from_millis(30))
        };
        let mut talk = connected(seed, link);
        let pair = [talk.left, talk.right];
        let [who, other] = if seed % 2 == 0 {
            pair
        } else {
            [pair[1], pair[0]]
        };
        let before = pair.map(|host| ufrag(&talk, host));
        restart(&mut talk, who);
        assert!(talk.world.next_event(who) == Some(Event::NegotiationNeeded));
        talk.world
            .negotiate_by_post(who, other, Duration::from_millis(300));
        assert!(talk.echo(&messages(60, 3_000), PATIENCE));
        talk.run_for(Duration::from_secs(5));
        assert!(talk.echo(&messages(10, 3_000), PATIENCE));
        assert!(!was_interrupted(&talk), "seed {seed}: {:?}", talk.events);
        for (host, before) in pair.into_iter().zip(before) {
            assert_ne!(ufrag(&talk, host), before);
            let peer = talk.world.machine(host);
            assert_eq!(peer.dtls_state(), DtlsState::Connected);
            assert!(peer.ice_connection_state().is_connected());
            assert!(peer.selected_pair().is_some());
        }
    }
}

/// WPT-037: an offer that restarts is taken back, and everything is as before.
#[test]
fn wpt_037_a_restart_can_be_rolled_back() {
    let mut talk = connected(1, Link::with_delay(Duration::from_millis(30)));
    let left = talk.left;
    let before = ufrag(&talk, left);
    restart(&mut talk, left);
    talk.world.describe(left).unwrap();
    assert_ne!(ufrag(&talk, left), before);
    talk.run_for(Duration::from_secs(3));
    talk.world
        .with(left, |peer, _| {
            peer.set_local_description(Some(&rollback()))
        })
        .unwrap();
    assert_eq!(ufrag(&talk, left), before);
    let peer = talk.world.machine(left);
    assert_eq!(peer.ice_gathering_state(), IceGatheringState::Complete);
    talk.run_for(Duration::from_secs(40));
    assert!(talk.echo(&messages(10, 3_000), PATIENCE));
    // It is still wanted.
    talk.world.negotiate(left, talk.right).unwrap();
    talk.run_for(Duration::from_secs(5));
    assert_ne!(ufrag(&talk, left), before);
    assert!(talk.echo(&messages(10, 3_000), PATIENCE));
    assert!(!was_interrupted(&talk), "{:?}", talk.events);
}

/// WPT-037: after the rollback of the first offer there is nothing to gather for,
/// and the next one tells the candidates again.
#[test]
fn wpt_037_without_a_transport_the_gathering_state_is_new() {
    let mut peer = PeerConnection::new(Config::new(), &mut Rng::from_number(1)).unwrap();
    peer.add_local_address(([192, 0, 2, 1], 4000).into())
        .unwrap();
    peer.create_data_channel("", ChannelConfig::default())
        .unwrap();
    for _ in 0..2 {
        let before: Vec<_> = std::iter::from_fn(|| peer.poll_event()).collect();
        assert!(!before.contains(&Event::IceCandidate(None)));
        peer.set_local_description(None).unwrap();
        assert_eq!(peer.ice_gathering_state(), IceGatheringState::Complete);
        let told: Vec<_> = std::iter::from_fn(|| peer.poll_event()).collect();
        let is_candidate = |event: &&Event| matches!(event, Event::IceCandidate(_));
        assert_eq!(told.iter().filter(is_candidate).count(), 2, "{told:?}");
        peer.set_local_description(Some(&rollback())).unwrap();
        assert_eq!(peer.ice_gathering_state(), IceGatheringState::New);
    }
}

/// Both sides restart at once, and the polite one gives way.
#[test]
fn restarts_that_collide_come_to_one() {
    let mut talk = connected(3, Link::with_delay(Duration::from_millis(30)));
    let (left, right) = (talk.left, talk.right);
    restart(&mut talk, left);
    restart(&mut talk, right);
    talk.world.describe(left).unwrap();
    talk.world.negotiate(right, left).unwrap();
    assert!(talk.echo(&messages(20, 3_000), PATIENCE));
    talk.run_for(Duration::from_secs(40));
    assert!(talk.echo(&messages(20, 3_000), PATIENCE));
    assert!(!was_interrupted(&talk), "{:?}", talk.events);
}

/// A pool is searched for before it is needed, and told of when it is.
#[test]
fn candidates_of_the_pool_are_told_with_the_first_description() {
    let pooled = Config {
        ice_candidate_pool_size: 1,
        ..Config::new()
    };
    let link = Link::with_delay(Duration::from_millis(30));
    let mut talk = Talk::quiet(1, link, [pooled, Config::new()]);
    let left = talk.left;
    let peer = talk.world.machine(left);
    assert_eq!(peer.ice_gathering_state(), IceGatheringState::New);
    talk.world.negotiate(left, talk.right).unwrap();
    assert!(talk.open(PATIENCE));
    let told = &talk.events[0];
    let place = |wanted: fn(&Event) -> bool| told.iter().position(wanted).unwrap();
    let candidate = place(|event| matches!(event, Event::IceCandidate(Some(_))));
    let end = place(|event| matches!(event, Event::IceCandidate(None)));
    let complete = Event::IceGatheringState(IceGatheringState::Complete);
    let complete = told.iter().position(|event| *event == complete).unwrap();
    assert!(candidate < end && end < complete);
}
