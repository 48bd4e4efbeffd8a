//! A side that closes tells the other, and both fall silent.

use std::time::Duration;

use pollrtc::peer::{CloseReason, ConnectionState, Event};
use pollrtc::sim::{HostId, Link};

use crate::talk::{Talk, messages};

fn closed_by(choose: impl Fn(&Talk) -> [HostId; 2]) {
    let mut talk = Talk::begin(1, Link::with_delay(Duration::from_millis(20)));
    assert!(talk.open(Duration::from_secs(5)));
    assert!(talk.echo(&messages(5, 1_000), Duration::from_secs(5)));
    let [closer, other] = choose(&talk);
    talk.world.with(closer, |peer, _| peer.close());
    talk.run_for(Duration::from_secs(1));

    assert!(talk.was_told(closer, &Event::Closed(CloseReason::Application)));
    let is_end = |event: &Event| matches!(event, Event::Closed(_));
    let told = &talk.events[usize::from(other == talk.right)];
    assert!(told.last().is_some_and(is_end), "{told:?}");
    for host in [closer, other] {
        let state = talk.world.machine(host).connection_state();
        assert_eq!(state, ConnectionState::Closed);
    }
    let sent = talk.world.ledger().datagrams().len();
    talk.run_for(Duration::from_secs(60));
    assert_eq!(talk.world.ledger().datagrams().len(), sent);
}

#[test]
fn the_one_who_offered_closes() {
    closed_by(|talk| [talk.left, talk.right]);
}

#[test]
fn the_one_who_answered_closes() {
    closed_by(|talk| [talk.right, talk.left]);
}
