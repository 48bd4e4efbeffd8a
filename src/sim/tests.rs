//! A world of machines that only throw a ball.

use core::net::SocketAddr;
use core::time::Duration;

use alloc::vec;
use alloc::vec::Vec;

use super::*;
use crate::cursor::Writer;
use crate::net::Path;
use crate::time::Instant;

/// Sends a numbered ball each 20 ms, and returns what comes in.
struct Thrower {
    path: Option<Path>,
    due: Option<Instant>,
    back: Vec<(Path, Vec<u8>)>,
    seen: Vec<Vec<u8>>,
    thrown: u8,
    broken: bool,
}

impl Thrower {
    fn new(path: Option<Path>) -> Self {
        Self {
            path,
            due: path.map(|_| Instant::ZERO + TICK),
            back: Vec::new(),
            seen: Vec::new(),
            thrown: 0,
            broken: false,
        }
    }
}

const TICK: Duration = Duration::from_millis(20);

impl Machine for Thrower {
    type Event = Vec<u8>;

    fn handle_input(&mut self, _now: Instant, path: Path, datagram: &mut [u8]) {
        match self.path {
            Some(_) => self.seen.push(datagram.to_vec()),
            None => self.back.push((path, datagram.to_vec())),
        }
    }

    fn handle_timeout(&mut self, now: Instant) {
        if self.due.is_some_and(|due| due <= now) && !self.broken {
            self.due = Some(now + TICK);
            if let Some(path) = self.path {
                self.thrown += 1;
                self.back.push((path, vec![self.thrown; 100]));
            }
        }
    }

    fn poll_transmit(&mut self, _now: Instant, out: &mut Writer<'_>) -> Option<Path> {
        let (path, bytes) = self.back.pop()?;
        out.bytes(&bytes);
        Some(path)
    }

    fn poll_event(&mut self) -> Option<Vec<u8>> {
        self.seen.pop()
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.due
    }
}

fn address(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

fn game(seed: u64, link: Link) -> (World<Thrower>, HostId, HostId) {
    let (left, right) = (address("10.0.0.1:5000"), address("10.0.0.2:5000"));
    let mut world = World::new(seed).with_links(link);
    let thrower = Thrower::new(Some(Path::udp(left, right)));
    let left = world.add("L", &[left], thrower);
    let right = world.add("R", &[right], Thrower::new(None));
    (world, left, right)
}

#[test]
fn the_clock_jumps_from_event_to_event() {
    let (mut world, left, _) = game(1, Link::with_delay(Duration::from_millis(30)));
    let caught = world.run_until(Duration::from_secs(1), |world| {
        world.next_event(left).is_some()
    });
    assert!(caught);
    assert_eq!(world.now(), Instant::from_millis(20 + 30 + 30));
    assert!(!world.run_until(Duration::from_millis(5), |_| false));
    assert_eq!(world.now(), Instant::from_millis(85));
}

#[test]
fn one_seed_gives_one_run() {
    let link = Link {
        delay: Duration::from_millis(30),
        jitter: Duration::from_millis(30),
        loss: Loss::Uniform(Chance::percent(20)),
        reorder: Chance::percent(10),
        duplicate: Chance::percent(10),
        ..Link::default()
    };
    let run = |seed| {
        let (mut world, ..) = game(seed, link);
        world.run_for(Duration::from_secs(2));
        alloc::format!("{}", trace::Trace(world.ledger()))
    };
    assert_eq!(run(1), run(1));
    assert_ne!(run(1), run(2));
}

#[test]
fn a_cut_host_gets_nothing_until_it_is_healed() {
    let (mut world, left, right) = game(1, Link::default());
    world.cut(right);
    world.run_for(Duration::from_millis(500));
    assert!(world.next_event(left).is_none());
    world.heal(right);
    world.run_for(Duration::from_millis(500));
    assert!(world.next_event(left).is_some());
}

#[test]
fn a_blocked_direction_lets_the_other_pass() {
    let (mut world, left, right) = game(1, Link::default());
    let (a, b) = (world.sockets(left)[0], world.sockets(right)[0]);
    world.block(b, a);
    world.run_for(Duration::from_millis(100));
    assert!(world.next_event(left).is_none());
    let arrived = |entry: &&ledger::Entry| matches!(entry.fact, Fact::Arrived(_));
    assert_eq!(world.ledger().entries().iter().filter(arrived).count(), 5);
}

#[test]
fn a_tap_sees_drops_and_changes_datagrams() {
    let (mut world, left, _) = game(1, Link::default());
    world.set_tap(|seen| match seen.bytes[0] {
        1 => Verdict::Drop,
        2 => Verdict::Replace(b"tapped".to_vec()),
        _ => Verdict::Pass,
    });
    world.run_for(Duration::from_millis(65));
    assert_eq!(world.next_event(left).unwrap(), b"tapped");
    assert_eq!(world.next_event(left).unwrap(), [3; 100]);
}

#[test]
fn an_injected_datagram_arrives_at_its_time() {
    let (mut world, left, right) = game(1, Link::default());
    let (a, b) = (world.sockets(left)[0], world.sockets(right)[0]);
    world.inject(Instant::from_millis(5), b, a, b"forged".to_vec());
    while world.now() < Instant::from_millis(5) {
        assert!(world.next_event(left).is_none());
        assert!(world.step());
    }
    assert_eq!(world.next_event(left).unwrap(), b"forged");
    assert!(trace::tail(world.ledger(), 9).contains("?>L  unknown, 6 bytes  (forged)"));
}

#[test]
fn an_application_that_does_not_read_finds_its_events_later() {
    let (mut world, left, _) = game(1, Link::default());
    world.set_reading(left, false);
    world.run_for(Duration::from_millis(50));
    assert!(world.next_event(left).is_none());
    world.set_reading(left, true);
    assert!(world.next_event(left).is_some());
}

#[test]
#[should_panic(expected = "seed 7, 0.020: Z-2: L keeps a deadline")]
fn a_deadline_that_is_not_consumed_is_found() {
    let (mut world, left, _) = game(7, Link::default());
    world.with(left, |machine, _| machine.broken = true);
    world.run_for(Duration::from_secs(1));
}

/// Has always something to say.
struct Chatterer;

impl Machine for Chatterer {
    type Event = ();

    fn handle_input(&mut self, _: Instant, _: Path, _: &mut [u8]) {}

    fn handle_timeout(&mut self, _: Instant) {}

    fn poll_transmit(&mut self, _: Instant, _: &mut Writer<'_>) -> Option<Path> {
        None
    }

    fn poll_event(&mut self) -> Option<()> {
        Some(())
    }

    fn poll_timeout(&self) -> Option<Instant> {
        None
    }
}

#[test]
#[should_panic(expected = "Z-2: L returned work")]
fn a_machine_that_spins_is_found() {
    let mut world = World::new(1);
    world.add("L", &[], Chatterer);
    world.step();
}

/// An invariant that forbids the third ball.
struct NoThird;

impl invariants::Invariant for NoThird {
    fn name(&self) -> &'static str {
        "no third ball"
    }

    fn observe(
        &mut self,
        ledger: &Ledger,
        entry: &ledger::Entry,
    ) -> Result<(), alloc::string::String> {
        match entry.fact {
            Fact::Sent(id) if ledger.datagram(id).bytes.first() == Some(&3) => {
                Err("there it is".into())
            }
            _ => Ok(()),
        }
    }
}

#[test]
#[should_panic(expected = "seed 1, 0.060: no third ball does not hold for L: there it is")]
fn a_broken_invariant_ends_the_run_with_seed_time_and_trace() {
    let (left, right) = (address("10.0.0.1:5000"), address("10.0.0.2:5000"));
    let mut world = World::new(1).watched_by(NoThird);
    let thrower = Thrower::new(Some(Path::udp(left, right)));
    world.add("L", &[left], thrower);
    world.run_for(Duration::from_secs(1));
}

#[test]
fn a_host_may_have_addresses_of_both_families() {
    let (v4, v6) = (address("10.0.0.1:5000"), address("[2001:db8::1]:5000"));
    let other = address("[2001:db8::2]:5000");
    let mut world = World::new(1);
    world.add("L", &[v4, v6], Thrower::new(Some(Path::udp(v6, other))));
    world.add("R", &[other], Thrower::new(None));
    world.run_for(Duration::from_millis(30));
    assert_eq!(world.ledger().datagrams().len(), 2);
}

/// The path of the ball as the right side sees it.
fn seen_by(world: &World<Thrower>, host: HostId) -> Vec<Path> {
    let arrived = world.ledger().entries().iter().filter_map(|entry| {
        let Fact::Arrived(id) = entry.fact else {
            return None;
        };
        (entry.host == host).then(|| world.ledger().datagram(id).seen)
    });
    arrived.collect()
}

/// Two hosts with the same address behind a NAT each.
fn neighbours() -> (World<Thrower>, [Realm; 2], [HostId; 2]) {
    let mut world = World::new(1);
    let inside = address("10.0.0.2:5000");
    let realms = ["192.0.2.1", "192.0.2.2"].map(|external| {
        let external = external.parse().unwrap();
        world.add_nat(Realm::INTERNET, Nat::FULL_CONE, external)
    });
    let way = Path::udp(inside, address("192.0.2.2:5000"));
    let left = world.add_in(realms[0], "L", &[inside], Thrower::new(Some(way)));
    let right = world.add_in(realms[1], "R", &[inside], Thrower::new(None));
    (world, realms, [left, right])
}

#[test]
fn hosts_with_the_same_address_meet_through_their_nats() {
    let (mut world, realms, [left, right]) = neighbours();
    world.run_for(Duration::from_millis(30));
    assert!(trace::tail(world.ledger(), 9).contains("(dropped by a NAT)"));
    // The other side opens its NAT.
    world.with(right, |machine, _| {
        let way = Path::udp(address("10.0.0.2:5000"), address("192.0.2.1:5000"));
        machine.back.push((way, vec![0]));
    });
    world.run_for(Duration::from_millis(30));
    let way = Path::udp(address("10.0.0.2:5000"), address("192.0.2.1:5000"));
    assert_eq!(seen_by(&world, right), [way, way]);
    assert!(world.next_event(left).is_some());

    world.rebind(realms[0], Some("192.0.2.9".parse().unwrap()));
    world.run_for(Duration::from_millis(20));
    let last = seen_by(&world, right).pop().unwrap().remote;
    assert_eq!(last.ip(), address("192.0.2.9:0").ip());
    assert_ne!(last.port(), 5000);
}

#[test]
fn an_attacker_outside_is_kept_out_by_the_nat() {
    let (mut world, _, [left, right]) = neighbours();
    let (from, to) = (address("203.0.113.1:1"), address("192.0.2.1:5000"));
    world.run_for(Duration::from_millis(20));
    world.inject(world.now(), from, to, b"forged".to_vec());
    world.inject(world.now(), from, address("192.0.2.2:5000"), vec![0]);
    world.run_for(Duration::from_millis(1));
    assert_eq!(seen_by(&world, left).len(), 1);
    assert_eq!(seen_by(&world, right).len(), 0);
}

#[test]
fn a_firewall_stops_datagrams_in_both_directions() {
    let (mut world, left, right) = game(1, Link::default());
    world.set_firewall(right, Firewall::NO_UDP);
    world.run_for(Duration::from_millis(30));
    assert!(trace::tail(world.ledger(), 9).contains("(dropped by a firewall)"));
    world.set_firewall(right, Firewall::default());
    world.set_firewall(left, Firewall::ONLY_ANSWERS);
    world.run_for(Duration::from_millis(30));
    assert!(world.next_event(left).is_some());
}

#[test]
fn an_address_comes_and_goes() {
    let (mut world, left, right) = game(1, Link::default());
    let home = world.sockets(left)[0];
    world.remove_socket(left, home);
    world.run_for(Duration::from_millis(30));
    assert!(trace::tail(world.ledger(), 9).contains("(dropped, no such address)"));
    world.add_socket(left, Realm::INTERNET, home);
    world.run_for(Duration::from_millis(20));
    assert_eq!(seen_by(&world, right).len(), 1);
}

/// The datagrams of a multicast reach those of the realm that listen.
#[test]
fn a_multicast_is_heard_in_its_realm() {
    let group = address("224.0.0.251:5353");
    let mut world = World::new(1);
    let realm = world.add_nat(
        Realm::INTERNET,
        Nat::FULL_CONE,
        "192.0.2.1".parse().unwrap(),
    );
    let [a, b, c, d] = [
        "10.0.0.1:5353",
        "10.0.0.2:5353",
        "10.0.0.3:5353",
        "10.0.0.4:1",
    ]
    .map(address);
    let thrower = Thrower::new(Some(Path::udp(a, group)));
    let first = world.add_in(realm, "A", &[a], thrower);
    let others = [b, c, d].map(|one| world.add_in(realm, "B", &[one], Thrower::new(None)));
    let outside = world.add("O", &[address("198.51.100.1:5353")], Thrower::new(None));
    world.run_for(Duration::from_millis(30));
    let heard = |host| seen_by(&world, host);
    assert_eq!(heard(others[0]), [Path::udp(b, a)]);
    assert_eq!(heard(others[1]), [Path::udp(c, a)]);
    assert_eq!([heard(others[2]), heard(outside)], [[], []]);
    // Their answers came from their own addresses.
    assert_eq!(heard(first), [Path::udp(a, b), Path::udp(a, c)]);
}

mod streams;
