//! A peer whose certificate is not the one of its description gets nothing.

use std::time::Duration;

use pollrtc::dtls;
use pollrtc::peer::{CloseReason, Config, ConnectionState, Event};
use pollrtc::sim::{Fact, Link};

use crate::talk::Talk;

#[test]
fn the_connection_fails_with_that_reason() {
    let link = Link::with_delay(Duration::from_millis(20));
    let mut talk = Talk::quiet(1, link, [Config::new(), Config::new()]);
    let offer = talk.world.describe(talk.left).unwrap().unwrap();
    talk.world.tell(talk.right, &offer).unwrap();
    let mut answer = talk.world.describe(talk.right).unwrap().unwrap();
    // As if somebody between the two had put a fingerprint of its own there.
    let real = talk.world.machine(talk.right).fingerprint().to_string();
    let digest = real.split(' ').next_back().unwrap();
    let forged: Vec<&str> = digest.split(':').rev().collect();
    answer.sdp = answer.sdp.replace(digest, &forged.join(":"));
    talk.world.tell(talk.left, &answer).unwrap();

    talk.run_for(Duration::from_secs(5));
    let reason = CloseReason::Dtls(dtls::CloseReason::BadFingerprint);
    assert!(talk.was_told(talk.left, &Event::Closed(reason)));
    for host in talk.hosts() {
        let state = talk.world.machine(host).connection_state();
        assert_eq!(state, ConnectionState::Failed);
    }
    let entries = talk.world.ledger().entries().iter();
    let opened = |fact: &Fact| matches!(fact, Fact::ChannelOpened { .. });
    assert!(!entries.into_iter().any(|entry| opened(&entry.fact)));
}
