//! From the answer to the open channel, on a perfect wire of 100 ms round trip.

use std::time::Duration;

use pollrtc::sim::Link;

use crate::talk::{Talk, messages};

#[test]
fn a_channel_is_open_after_six_round_trips() {
    let mut talk = Talk::begin(1, Link::with_delay(Duration::from_millis(50)));
    assert!(talk.open(Duration::from_secs(10)));
    // A check; two flights each way of DTLS, of which the last carries no data;
    // SCTP's two; the channel's own.
    assert!(talk.world.now().as_millis() <= 600, "{}", talk.world.now());
    assert!(talk.echo(&messages(20, 5_000), Duration::from_secs(10)));
    talk.run_for(Duration::from_secs(20));
    talk.world.finish();
}
