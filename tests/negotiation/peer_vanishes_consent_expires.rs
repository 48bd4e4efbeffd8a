//! A peer that vanishes without a word is noticed, and nothing is sent to it
//! for ever (RFC 7675).

use std::time::Duration;

use pollrtc::peer::{ConnectionState, Event};
use pollrtc::sim::Link;

use crate::talk::{Talk, messages};

#[test]
fn it_is_noticed() {
    let mut talk = Talk::begin(1, Link::with_delay(Duration::from_millis(20)));
    assert!(talk.open(Duration::from_secs(5)));
    talk.world.cut(talk.right);
    let gone = talk.world.now();
    // Data goes on being sent, so that the invariant about consent has something to see.
    for message in messages(20, 3_000) {
        talk.world.send(talk.left, talk.channel, message).unwrap();
    }
    let left = talk.left;
    let failed = Event::ConnectionState(ConnectionState::Failed);
    assert!(talk.run_until(Duration::from_secs(60), |talk| talk.was_told(left, &failed)));
    assert!(talk.world.now() - gone <= Duration::from_secs(36));
    let disconnected = Event::ConnectionState(ConnectionState::Disconnected);
    assert!(talk.was_told(left, &disconnected));

    let sent = talk.world.ledger().datagrams().len();
    talk.run_for(Duration::from_secs(60));
    assert_eq!(talk.world.ledger().datagrams().len(), sent);
}

#[test]
fn one_that_comes_back_in_time_is_welcome() {
    let mut talk = Talk::begin(2, Link::with_delay(Duration::from_millis(20)));
    assert!(talk.open(Duration::from_secs(5)));
    talk.world.cut(talk.right);
    talk.run_for(Duration::from_secs(20));
    talk.world.heal(talk.right);
    assert!(talk.echo(&messages(20, 3_000), Duration::from_secs(60)));
}
