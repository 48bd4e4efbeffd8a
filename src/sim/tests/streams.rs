//! Machines that speak over streams and ask for names.

use alloc::string::String;
use core::net::IpAddr;
use core::slice::from_ref;

use super::*;
use crate::net::Protocol;

/// Wishes what it is told to, writes what it is given, remembers what it is granted.
#[derive(Default)]
struct Clerk {
    wishes: Vec<Wish>,
    letters: Vec<(Path, Vec<u8>)>,
    granted: Vec<Grant>,
    read: Vec<Vec<u8>>,
}

impl Machine for Clerk {
    type Event = Wish;

    fn handle_input(&mut self, _: Instant, _: Path, bytes: &mut [u8]) {
        self.read.push(bytes.to_vec());
    }

    fn handle_timeout(&mut self, _: Instant) {}

    fn poll_transmit(&mut self, _: Instant, out: &mut Writer<'_>) -> Option<Path> {
        let (path, bytes) = self.letters.pop()?;
        out.bytes(&bytes);
        Some(path)
    }

    fn poll_event(&mut self) -> Option<Wish> {
        self.wishes.pop()
    }

    fn poll_timeout(&self) -> Option<Instant> {
        None
    }

    fn wish(&self, event: &Wish) -> Option<Wish> {
        Some(event.clone())
    }

    fn grant(&mut self, _: Instant, grant: Grant) {
        self.granted.push(grant);
    }
}

const HOME: &str = "10.0.0.2:5000";
const SHOP: &str = "198.51.100.1:443";
const DELAY: Duration = Duration::from_millis(20);

fn asked() -> Path {
    Path {
        local: address("10.0.0.2:0"),
        remote: address(SHOP),
        protocol: Protocol::Tcp,
    }
}

/// A clerk behind a NAT, and one that listens on the Internet.
fn town(seed: u64) -> (World<Clerk>, Realm, [HostId; 2]) {
    let mut world = World::new(seed).with_links(Link::with_delay(DELAY));
    let nat = "192.0.2.1".parse().unwrap();
    let realm = world.add_nat(Realm::INTERNET, Nat::SYMMETRIC, nat);
    let left = world.add_in(realm, "L", &[address(HOME)], Clerk::default());
    let right = world.add("R", &[address(SHOP)], Clerk::default());
    world.listen(right, address(SHOP));
    (world, realm, [left, right])
}

fn wish(world: &mut World<Clerk>, host: HostId, wish: Wish) {
    world.with(host, |machine, _| machine.wishes.push(wish));
}

/// The town with a stream, and its path as each side sees it.
fn connected(seed: u64) -> (World<Clerk>, Realm, [HostId; 2], [Path; 2]) {
    let (mut world, realm, hosts) = town(seed);
    wish(&mut world, hosts[0], Wish::Connect(asked()));
    world.run_for(Duration::from_secs(1));
    let [left, right] = hosts.map(|host| world.streams(host)[0]);
    (world, realm, hosts, [left, right])
}

#[test]
fn a_stream_takes_a_round_trip_and_has_two_views() {
    let (mut world, _, [left, right]) = town(1);
    wish(&mut world, left, Wish::Connect(asked()));
    let is_there = |world: &mut World<Clerk>| !world.machine(left).granted.is_empty();
    assert!(world.run_until(Duration::from_secs(1), is_there));
    assert_eq!(world.now(), Instant::ZERO + DELAY * 2);
    let [ours, theirs] = [left, right].map(|host| world.streams(host)[0]);
    assert_eq!(ours.local.ip(), asked().local.ip());
    assert_eq!(theirs.local, address(SHOP));
    assert_eq!(theirs.remote.ip(), address("192.0.2.1:0").ip());
    let granted = Grant::Connected {
        asked: asked(),
        local: ours.local,
    };
    assert_eq!(world.machine(left).granted, [granted]);
    assert_eq!(world.machine(right).granted, [Grant::Accepted(theirs)]);
}

/// In order, whole, and in pieces that depend on the seed.
#[test]
fn bytes_come_in_order_and_in_pieces() {
    let mut cuts = alloc::collections::BTreeSet::new();
    for seed in 0..20 {
        let (mut world, _, [left, right], [ours, theirs]) = connected(seed);
        let lossy = Link {
            loss: Loss::Uniform(Chance::percent(30)),
            jitter: Duration::from_millis(50),
            ..Link::with_delay(DELAY)
        };
        world.set_links(left, right, lossy);
        for letter in 0..10 {
            let send = |machine: &mut Clerk, _| machine.letters.push((ours, vec![letter; 100]));
            world.with(left, send);
        }
        world.with(right, |machine, _| {
            machine.letters.push((theirs, vec![9; 7]));
        });
        world.run_for(Duration::from_secs(10));
        let read = &world.machine(right).read;
        let all: Vec<u8> = (0..10).flat_map(|letter| [letter; 100]).collect();
        assert_eq!(read.concat(), all, "seed {seed}");
        assert_eq!(world.machine(left).read.concat(), [9; 7]);
        cuts.insert(read.iter().map(Vec::len).collect::<Vec<_>>());
        let arrived = |entry: &&ledger::Entry| matches!(entry.fact, Fact::Arrived(_));
        assert_eq!(world.ledger().entries().iter().filter(arrived).count(), 11);
    }
    assert!(cuts.len() > 10);
}

#[test]
fn nobody_listens_and_nobody_is_there() {
    let (mut world, _, [left, right]) = town(1);
    let closed = Path {
        remote: address("198.51.100.1:444"),
        ..asked()
    };
    let nowhere = Path {
        remote: address("198.51.100.9:443"),
        ..asked()
    };
    world.add_socket(right, Realm::INTERNET, closed.remote);
    wish(&mut world, left, Wish::Connect(nowhere));
    wish(&mut world, left, Wish::Connect(closed));
    world.run_for(Duration::from_millis(40));
    let refused = Grant::Disconnected(closed);
    assert_eq!(world.machine(left).granted.as_slice(), from_ref(&refused));
    world.run_for(Duration::from_secs(20));
    let timed_out = Grant::Disconnected(nowhere);
    assert_eq!(world.machine(left).granted, [refused, timed_out]);
}

#[test]
fn what_was_written_before_the_end_is_read() {
    let (mut world, _, [left, right], [ours, theirs]) = connected(1);
    world.with(left, |machine, _| {
        machine.letters.push((ours, b"farewell".to_vec()));
    });
    wish(&mut world, left, Wish::Release(ours));
    assert_eq!(world.streams(left), []);
    world.run_for(Duration::from_secs(1));
    assert_eq!(world.machine(right).read.concat(), b"farewell");
    let last = world.machine(right).granted.last();
    assert_eq!(last, Some(&Grant::Disconnected(theirs)));
    assert_eq!(world.streams(right), []);
    // Who released it knows.
    assert_eq!(world.machine(left).granted.len(), 1);
    world.with(left, |machine, _| machine.letters.push((ours, vec![1])));
    assert!(trace::tail(world.ledger(), 9).contains("(dropped, no such stream)"));
}

#[test]
fn a_stream_tears_when_the_experimenter_or_the_nat_wants_it() {
    for by_nat in [false, true] {
        let (mut world, realm, [left, right], [ours, theirs]) = connected(1);
        if by_nat {
            world.rebind(realm, None);
        } else {
            world.disconnect(left, ours);
        }
        let last = |world: &World<Clerk>, host| world.machine(host).granted.last().cloned();
        assert_eq!(last(&world, left), Some(Grant::Disconnected(ours)));
        world.run_for(Duration::from_secs(1));
        assert_eq!(last(&world, right), Some(Grant::Disconnected(theirs)));
    }
}

#[test]
fn a_cut_host_reads_later() {
    let (mut world, _, [left, right], [ours, _]) = connected(1);
    world.cut(right);
    world.with(left, |machine, _| machine.letters.push((ours, vec![1; 9])));
    world.run_for(Duration::from_secs(5));
    assert!(world.machine(right).read.is_empty());
    world.heal(right);
    world.run_for(Duration::from_secs(1));
    assert_eq!(world.machine(right).read.concat(), [1; 9]);
}

#[test]
fn a_stream_that_nobody_reads_fast_enough_is_bounded() {
    let (mut world, _, [left, right], [ours, _]) = connected(1);
    let slow = Link {
        rate: Some(8_000),
        ..Link::default()
    };
    world.set_links(left, right, slow);
    for _ in 0..1_100 {
        world.with(left, |machine, _| {
            machine.letters.push((ours, vec![1; 1_000]));
        });
    }
    assert!(trace::tail(world.ledger(), 9).contains("(dropped, queue full)"));
}

#[test]
fn names_are_known_after_a_while() {
    let (mut world, _, [left, _]) = town(1);
    let ip: IpAddr = "198.51.100.1".parse().unwrap();
    world.add_name("shop.example", &[ip]);
    let ask = |name: &str| Wish::Resolve(String::from(name));
    wish(&mut world, left, ask("nobody.example"));
    wish(&mut world, left, ask("shop.example"));
    world.run_for(Duration::from_secs(1));
    let answer = |name: &str, all: &[IpAddr]| Grant::Resolved(String::from(name), all.to_vec());
    let answers = [answer("nobody.example", &[]), answer("shop.example", &[ip])];
    assert_eq!(world.machine(left).granted, answers);
}
