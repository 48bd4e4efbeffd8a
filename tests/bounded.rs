//! Law 8: how much can strangers and peers make a connection remember?
//!
//! One test, because it counts what the whole program allocates. Nothing is
//! polled during a flood: that is the worst that an application can do.
#![allow(
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    reason = "a test has std, and neither alloc nor core unless it asks"
)]

#[path = "support/media.rs"]
mod ends;
#[path = "support/talk.rs"]
mod talk;

use std::alloc::System;
use std::net::SocketAddr;
use std::time::Duration;

use pollrtc::PeerConnection;
use pollrtc::media::{Media, MediaConfig};
use pollrtc::net::Path;
use pollrtc::peer::{ChannelConfig, Config, SendError};
use pollrtc::rng::Rng;
use pollrtc::sim::ledger::Datagram;
use pollrtc::sim::{HostId, Link};
use pollrtc::time::Instant;
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};
use talk::{Talk, messages};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// How many bytes are allocated now.
fn held() -> isize {
    let stats = ALLOCATOR.stats();
    let signed = |bytes: usize| isize::try_from(bytes).unwrap_or(isize::MAX);
    signed(stats.bytes_allocated) - signed(stats.bytes_deallocated)
}

/// How many more bytes are held after `flood` than before it.
fn growth(flood: impl FnOnce()) -> isize {
    let before = held();
    flood();
    held() - before
}

#[test]
fn a_flood_ends_at_the_limits() {
    let corpus = corpus();
    idle_peers_are_small();
    strangers_before_the_handshake(&corpus);
    strangers_after_the_handshake(&corpus);
    a_peer_that_is_not_read();
    messages_that_are_not_sent();
    what_is_over_is_given_back();
    pictures_that_never_end();
    peers_that_were_left();
}

/// What two peers say to each other from the first check to the farewell.
fn corpus() -> Vec<Datagram> {
    let mut talk = connected(11);
    talk.world.with(talk.left, |peer, _| peer.close());
    talk.run_for(Duration::from_secs(1));
    talk.world.ledger().datagrams().to_vec()
}

fn connected(seed: u64) -> Talk {
    let mut talk = Talk::begin(seed, Link::with_delay(Duration::from_millis(10)));
    assert!(talk.open(Duration::from_secs(5)));
    assert!(talk.echo(&messages(10, 3_000), Duration::from_secs(5)));
    talk
}

fn idle_peers_are_small() {
    let mut worlds = Vec::new();
    let each =
        growth(|| worlds.extend((0..20).map(|seed| quiet(seed).world.without_ledger()))) / 40;
    assert!(each < 64 * KIB, "a fresh peer holds {each} bytes");
}

/// Two peers that have made no description yet.
fn quiet(seed: u64) -> Talk {
    Talk::quiet(seed, Link::default(), [Config::new(), Config::new()])
}

/// A peer whose path is proved but whose handshake has not ended hears old
/// datagrams, changed and whole, from a thousand addresses and from its peer's.
fn strangers_before_the_handshake(corpus: &[Datagram]) {
    let mut talk = Talk::begin(12, Link::with_delay(Duration::from_millis(10)));
    let right = talk.right;
    assert!(talk.run_until(Duration::from_secs(5), |talk| {
        let peer = talk.world.machine(right);
        peer.ice_connection_state().is_connected()
    }));
    talk.world = talk.world.without_ledger();
    let grown = flood(&mut talk, corpus);
    assert!(grown < 128 * KIB, "before the handshake: {grown} bytes");
}

/// A peer that is connected hears the same, and its own datagrams again.
fn strangers_after_the_handshake(corpus: &[Datagram]) {
    let mut talk = connected(13);
    let own = talk.world.ledger().datagrams().to_vec();
    // What is fed here does not come through the network: the ledger would wonder.
    talk.world = talk.world.without_ledger();
    let grown = flood(&mut talk, corpus);
    assert!(grown < 128 * KIB, "strangers: {grown} bytes");
    let grown = flood(&mut talk, &own);
    assert!(grown < MIB, "its own words: {grown} bytes");
    assert!(talk.echo(&messages(10, 3_000), Duration::from_secs(20)));
}

/// Twenty thousand datagrams for the right side, none of whose answers is polled.
fn flood(talk: &mut Talk, corpus: &[Datagram]) -> isize {
    let mut rng = Rng::from_number(5);
    let now = talk.world.now();
    let local = talk.world.sockets(talk.right)[0];
    let peer = talk.world.sockets(talk.left)[0];
    let right = talk.right;
    growth(|| {
        for _ in 0..20_000 {
            let datagram = pick(&mut rng, corpus);
            let remote = match rng.below(2) {
                0 => peer,
                _ => SocketAddr::from((rng.array::<4>(), 1_000)),
            };
            feed(talk, right, now, Path::udp(local, remote), datagram);
        }
    })
}

fn pick(rng: &mut Rng, corpus: &[Datagram]) -> Vec<u8> {
    let index = usize::try_from(rng.below(corpus.len() as u64)).unwrap_or(0);
    let mut bytes = corpus[index].bytes.to_vec();
    // One in four as it was, the others with up to three bytes changed.
    for _ in 0..rng.below(4) {
        let at = usize::try_from(rng.below(bytes.len() as u64)).unwrap_or(0);
        bytes[at] = rng.array::<1>()[0];
    }
    bytes
}

/// Gives a datagram to a machine without letting it act on it.
fn feed(talk: &mut Talk, host: HostId, now: Instant, path: Path, mut datagram: Vec<u8>) {
    talk.world
        .machine_mut(host)
        .handle_input(now, path, &mut datagram);
}

/// An application that does not read: the window closes (S-7).
fn a_peer_that_is_not_read() {
    let mut talk = connected(14);
    talk.world = talk.world.without_ledger();
    talk.world.set_reading(talk.right, false);
    let data = vec![7_u8; 64 * 1024];
    let grown = growth(|| {
        for _ in 0..200 {
            let sent = talk.world.send(talk.left, talk.channel, data.clone());
            assert!(matches!(sent, Ok(()) | Err(SendError::Full)), "{sent:?}");
            talk.world.run_for(Duration::from_secs(1));
        }
    });
    // The receive window of one side and the send buffer of the other.
    assert!(grown < 4 * MIB, "not read: {grown} bytes");
}

/// An application that writes to a peer that is gone.
fn messages_that_are_not_sent() {
    let mut talk = connected(15);
    talk.world = talk.world.without_ledger();
    talk.world.cut(talk.right);
    let mut refused = 0;
    let grown = growth(|| {
        for size in (0..20_000).map(|number| number % 500) {
            let sent = talk.world.send(talk.left, talk.channel, vec![7_u8; size]);
            refused += usize::from(sent == Err(SendError::Full));
        }
    });
    assert!(refused > 0, "two megabytes are not enough for all of it");
    assert!(grown < 4 * MIB, "not sent: {grown} bytes");
}

/// ATK-064, ATK-067: a peer sends pictures without end from a thousand sources, and
/// nobody takes what comes.
fn pictures_that_never_end() {
    let mut media = Media::new(MediaConfig::default(), &mut Rng::from_number(1));
    let now = Instant::from_millis(1_000);
    for (line, parameters) in [ends::SOUND, ends::PICTURES]
        .into_iter()
        .zip(ends::lines(100, 200))
    {
        assert!(media.set_line(now, line, parameters));
    }
    let mut packet = vec![0; 1_100];
    packet[..2].copy_from_slice(&[0x80, 96]);
    let grown = growth(|| {
        for number in 0..200_u16 {
            for source in 0..1_000_u32 {
                packet[2..4].copy_from_slice(&number.to_be_bytes());
                packet[8..12].copy_from_slice(&source.to_be_bytes());
                packet[12] = if number == 0 { 0x10 } else { 0 };
                media.handle_rtp(now, &packet);
            }
        }
    });
    assert!(grown < 64 * MIB, "never ending pictures: {grown} bytes");
}

/// Z-3: who has said farewell holds less than before, and who is gone nothing at all.
fn what_is_over_is_given_back() {
    let left = growth(|| {
        let before = held();
        let mut talk = connected(16);
        talk.world = talk.world.without_ledger();
        let alive = held() - before;
        for host in talk.hosts() {
            talk.world.with(host, |peer, _| peer.close());
        }
        talk.run_for(Duration::from_secs(5));
        let closed = held() - before;
        assert!(closed < alive, "{closed} of {alive} bytes after the end");
    });
    assert_eq!(left, 0, "bytes held by nobody");
}

const KIB: isize = 1024;
const MIB: isize = 1024 * KIB;

/// A session that goes from one peer to the next keeps nothing of those before.
fn peers_that_were_left() {
    let mut talk = connected(17);
    talk.world = talk.world.without_ledger();
    for _ in 0..3 {
        hand_over(&mut talk);
    }
    let grown = growth(|| {
        for _ in 0..30 {
            hand_over(&mut talk);
        }
    });
    assert!(grown < 8 * KIB, "after thirty peers: {grown} bytes");
}

/// Somebody else is at the right side, and has a channel with the left one.
fn hand_over(talk: &mut Talk) {
    let [left, right] = talk.hosts();
    let address = talk.world.sockets(right)[0];
    let mut rng = talk.world.fork_rng();
    let mut next = PeerConnection::new(Config::new(), &mut rng).expect("it is valid");
    next.add_local_address(address)
        .expect("there is room for an address");
    *talk.world.machine_mut(right) = next;
    talk.world.with(left, |peer, _| peer.restart_ice());
    talk.world
        .negotiate(left, right)
        .expect("the descriptions are good");
    assert!(talk.world.connect([left, right], Duration::from_secs(5)));
    talk.channel = talk
        .world
        .open(left, "next", ChannelConfig::default())
        .expect("there is room for a channel");
    talk.run_for(Duration::from_secs(5));
    assert!(talk.echo(&messages(10, 3_000), Duration::from_secs(5)));
    talk.echoes.clear();
    talk.events = Default::default();
}
