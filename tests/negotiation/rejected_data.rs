//! A section of data that is rejected ends the channels, and nothing else.

use std::time::Duration;

use pollrtc::peer::{ChannelConfig, ChannelState, Config, ConnectionState, Event, Kind};
use pollrtc::sim::Link;

use crate::talk::Talk;

/// The answer with its section of data rejected, as one would who has none.
fn rejecting(sdp: &str) -> String {
    sdp.replace("m=application 9 ", "m=application 0 ")
}

/// RFC 8841 §10.3, RFC 3264 §6: the rest goes on, and channels may be wanted again.
#[test]
fn sound_goes_on_and_channels_may_come_again() {
    let link = Link::with_delay(Duration::from_millis(20));
    let mut talk = Talk::quiet(1, link, [Config::new(), Config::new()]);
    let (left, right) = (talk.left, talk.right);
    talk.world
        .with(left, |peer, _| peer.add_track(Kind::Audio, "track", &[]))
        .unwrap();
    let offer = talk.world.describe(left).unwrap().unwrap();
    talk.world.tell(right, &offer).unwrap();
    let mut answer = talk.world.describe(right).unwrap().unwrap();
    answer.sdp = rejecting(&answer.sdp);
    assert!(answer.sdp.contains("m=application 0 "));
    talk.world.tell(left, &answer).unwrap();
    talk.run_for(Duration::from_secs(2));
    let closed = Event::ChannelState(talk.channel, ChannelState::Closed);
    assert!(talk.was_told(left, &closed));
    let state = talk.world.machine(left).connection_state();
    assert_eq!(state, ConnectionState::Connected);

    // Another may be wanted, which takes another offer.
    let before = talk.events[0].len();
    let again = talk.world.open(left, "again", ChannelConfig::default());
    assert!(again.is_ok());
    talk.run_for(Duration::from_secs(1));
    let told = &talk.events[0][before..];
    assert_eq!(told, [Event::NegotiationNeeded]);
    let offer = talk.world.describe(left).unwrap().unwrap();
    assert!(offer.sdp.contains("m=application 9 "));
}
