//! A laptop that sleeps for an hour wakes up to many timers that are late (Z-5).

use std::time::Duration;

use pollrtc::peer::ConnectionState;
use pollrtc::sim::Link;

use crate::talk::{Talk, messages};

#[test]
fn an_hour_later_the_connection_is_over_and_nothing_else_happens() {
    let mut talk = Talk::begin(1, Link::with_delay(Duration::from_millis(20)));
    assert!(talk.open(Duration::from_secs(5)));
    assert!(talk.echo(&messages(5, 3_000), Duration::from_secs(5)));
    talk.world.cut(talk.right);
    let hour = talk.world.now() + Duration::from_secs(3600);
    let left = talk.left;
    talk.world.with(left, |peer, _| {
        peer.handle_timeout(hour);
        let next = peer.poll_timeout();
        assert!(next.is_none_or(|next| next > hour), "{next:?}");
        let mut out = Vec::new();
        while peer.poll_transmit(hour, 1, &mut out).is_some() {}
    });
    let state = talk.world.machine(left).connection_state();
    assert!(
        matches!(
            state,
            ConnectionState::Failed | ConnectionState::Disconnected
        ),
        "{state}"
    );
}
