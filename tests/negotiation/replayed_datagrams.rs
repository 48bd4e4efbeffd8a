//! Everything that was ever sent is sent again, and nothing happens twice (D-5).

use std::time::Duration;

use pollrtc::sim::Link;

use crate::talk::{Talk, messages};

#[test]
fn no_message_comes_twice() {
    let mut talk = Talk::begin(3, Link::with_delay(Duration::from_millis(20)));
    assert!(talk.open(Duration::from_secs(5)));
    assert!(talk.echo(&messages(20, 3_000), Duration::from_secs(20)));

    let old: Vec<_> = talk.world.ledger().datagrams().to_vec();
    for (number, datagram) in (0_u64..).zip(old) {
        let at = talk.world.now() + Duration::from_millis(number);
        let bytes = datagram.bytes.to_vec();
        talk.world.inject(at, datagram.from, datagram.to, bytes);
    }
    talk.run_for(Duration::from_secs(10));
    assert_eq!(talk.echoes.len(), 20);
    let stats = talk.world.machine(talk.right).stats();
    assert!(
        stats.dtls.is_some_and(|dtls| dtls.replayed > 20),
        "{stats:?}"
    );
    // And it still works.
    assert!(talk.echo(&messages(5, 3_000), Duration::from_secs(20)));
    talk.run_for(Duration::from_secs(10));
    talk.world.finish();
}
