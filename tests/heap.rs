//! How much memory does a connection take that is up and idle?
//!
//! `cargo test --test heap -- --nocapture` shows where it is.
#![allow(
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    reason = "a test has std, and neither alloc nor core unless it asks"
)]

use std::alloc::System;
use std::sync::Arc;
use std::time::Duration;

use pollrtc::PeerConnection;
use pollrtc::jsep::Kind;
use pollrtc::net::Path;
use pollrtc::peer::{ChannelConfig, Config, ConnectionState};
use pollrtc::rng::Rng;
use pollrtc::time::Instant;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, Stats, StatsAlloc};

#[global_allocator]
static GLOBAL: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Two connections on one wire that loses nothing and takes no time.
struct Pair {
    peers: [Box<PeerConnection>; 2],
    now: Instant,
}

impl Pair {
    /// Two that were told of each other, after `prepare` was done to both.
    fn new(config: &Arc<Config>, seed: u64, prepare: impl Fn(&mut PeerConnection)) -> Self {
        let mut rng = Rng::from_number(seed);
        let mut peers = [0, 1].map(|side| {
            let peer = PeerConnection::new(Arc::clone(config), &mut rng).expect("it is valid");
            let mut peer = Box::new(peer);
            let added = peer.add_local_address(path_of(side).local);
            added.expect("there is room for an address");
            peer
        });
        let [offerer, answerer] = &mut peers;
        let opened = offerer.create_data_channel("idle", ChannelConfig::default());
        opened.expect("there is room for a channel");
        prepare(offerer);
        prepare(answerer);
        describe(offerer, answerer);
        describe(answerer, offerer);
        let now = Instant::ZERO;
        Self { peers, now }
    }

    /// Lets time pass, and takes all that the connections say.
    fn run(&mut self, time: Duration) {
        let end = self.now + time;
        let mut datagram = Vec::with_capacity(2048);
        loop {
            while self.exchange(&mut datagram) {}
            let next = self.peers.iter().filter_map(|peer| peer.poll_timeout());
            match next.min() {
                Some(next) if next <= end => self.now = self.now.max(next),
                _ => break,
            }
            for peer in &mut self.peers {
                peer.handle_timeout(self.now);
            }
        }
        self.now = end;
    }

    /// Whether anything was said.
    fn exchange(&mut self, datagram: &mut Vec<u8>) -> bool {
        let mut is_news = false;
        for side in [0, 1] {
            while self.peers[side].poll_event().is_some() {
                is_news = true;
            }
            datagram.clear();
            if self.peers[side]
                .poll_transmit(self.now, 1, datagram)
                .is_some()
            {
                is_news = true;
                self.peers[1 - side].handle_input(self.now, path_of(1 - side), datagram);
            }
        }
        is_news
    }
}

fn path_of(side: usize) -> Path {
    let [local, remote] = [side, 1 - side].map(|side| {
        let address = ["192.0.2.1:1000", "192.0.2.2:2000"][side];
        address.parse().expect("an address")
    });
    Path::udp(local, remote)
}

fn describe(from: &mut PeerConnection, to: &mut PeerConnection) {
    from.set_local_description(None).expect("one is due");
    let description = from.local_description().expect("it was just made");
    to.set_remote_description(&description).expect("it is good");
}

/// What is allocated, in bytes, and in how many pieces.
fn live(stats: Stats) -> (usize, usize) {
    let bytes = stats.bytes_allocated - stats.bytes_deallocated;
    let pieces = stats.allocations - stats.deallocations;
    (bytes, pieces)
}

/// What one of many idle connections takes.
fn per_peer(name: &str, prepare: impl Fn(&mut PeerConnection)) -> usize {
    const PAIRS: usize = 8;
    let config = Arc::new(Config::new());
    let mut pairs = Vec::with_capacity(PAIRS);
    let mut table = Vec::with_capacity(4);
    // What is made once in a process does not count.
    Pair::new(&config, 0, &prepare).run(Duration::from_secs(1));
    let region = Region::new(GLOBAL);
    for seed in 1..=PAIRS as u64 {
        pairs.push(Pair::new(&config, seed, &prepare));
    }
    table.push(("described", live(region.change())));
    for (what, time) in [("connected", 5), ("idle for a minute", 60)] {
        pairs
            .iter_mut()
            .for_each(|pair| pair.run(Duration::from_secs(time)));
        table.push((what, live(region.change())));
    }
    for peer in pairs.iter().flat_map(|pair| &pair.peers) {
        assert_eq!(peer.connection_state(), ConnectionState::Connected);
    }
    let mut last = 0;
    for (what, (bytes, pieces)) in table {
        last = bytes / (2 * PAIRS);
        let pieces = pieces / (2 * PAIRS);
        println!("{name}, {what}: {last} bytes in {pieces} pieces");
    }
    last
}

/// One test, since the allocator counts for the whole process.
#[test]
fn an_idle_connection_is_small() {
    println!("PeerConnection: {} bytes", size_of::<PeerConnection>());
    let data = per_peer("a channel", |_| {});
    assert!(data <= 16 * 1024, "{data} bytes with a channel");
    let media = per_peer("a channel, audio and video", |peer| {
        for (kind, track) in [(Kind::Audio, "voice"), (Kind::Video, "camera")] {
            let added = peer.add_track(kind, track, &["me"]);
            added.expect("there is room for a track");
        }
    });
    assert!(media <= 32 * 1024, "{media} bytes with audio and video");
}
