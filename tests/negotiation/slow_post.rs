//! The descriptions take a second each way: checks come before their answer.

use std::time::Duration;

use pollrtc::peer::Config;
use pollrtc::sim::Link;

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
