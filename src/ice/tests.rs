//! The tables of RFC 8445: priorities, foundations, pairs, and which check is next.

use alloc::vec::Vec;
use core::net::{IpAddr, SocketAddr};

use super::candidate::{
    LocalCandidate, foundation, local_preference, may_pair, pair_priority, priority,
    reflexive_priority, seen_from, usable_address,
};
use super::checklist::CheckList;
use super::pair::Pair;
use super::{CandidateError, IceAgent, IceConfig, PairState, Role};
use crate::crypto::fake::PROVIDER;
use crate::net::{Candidate, CandidateAddress, CandidateKind, Foundation, Path, Protocol, TcpKind};
use crate::rng::Rng;

fn ip(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

fn addr(text: &str) -> SocketAddr {
    text.parse().expect("an address")
}

fn candidate(kind: CandidateKind, address: &str, priority: u32) -> Candidate {
    Candidate {
        foundation: Foundation::from("1").expect("short"),
        component: 1,
        protocol: Protocol::Udp,
        priority,
        address: CandidateAddress::Ip(addr(address)),
        kind,
        related: None,
        tcp: None,
        ufrag: None,
    }
}

/// RFC 8445 §5.1.2.1, §5.1.2.2.
#[test]
fn priorities_are_type_then_preference_then_component() {
    use CandidateKind::{Host, PeerReflexive, Relayed, ServerReflexive};
    for (kind, preference, expected) in [
        (Host, 65535, 2_130_706_431),
        (Host, 65534, 2_130_706_175),
        (Host, 0, 2_113_929_471),
        (PeerReflexive, 65535, 1_862_270_975),
        (ServerReflexive, 65535, 1_694_498_815),
        (Relayed, 65535, 16_777_215),
        (Relayed, 0, 255),
    ] {
        assert_eq!(priority(kind, preference), expected);
    }
    let host = candidate(Host, "10.0.0.1:1", 2_130_706_175);
    assert_eq!(reflexive_priority(&host), 1_862_270_719);
}

/// RFC 8421 §4: the families take turns, IPv6 first, and no two are alike.
#[test]
fn families_take_turns() {
    let (v4, v6) = (ip("10.0.0.1"), ip("fd00::1"));
    let order = [(v6, 0), (v4, 0), (v6, 1), (v4, 1), (v6, 2), (v6, 3)];
    let preferences: Vec<_> = order
        .iter()
        .map(|(ip, nth)| local_preference(*ip, *nth))
        .collect();
    assert_eq!(preferences, [65535, 65534, 65533, 65532, 65531, 65529]);
    assert_eq!(local_preference(v4, usize::MAX), 0);
}

/// RFC 8445 §5.1.1.3: one foundation for one kind, base address, protocol and server.
#[test]
fn a_foundation_is_kind_base_address_protocol_and_server() {
    use CandidateKind::{Host, PeerReflexive, Relayed, ServerReflexive};
    use Protocol::{Tcp, Udp};
    let (one, other) = (Some(ip("192.0.2.1")), Some(ip("192.0.2.2")));
    let mut known: Vec<LocalCandidate> = Vec::new();
    // The last number is that of the first candidate with which it shares its own.
    for (row, (kind, base, protocol, server, kin)) in [
        (Host, "10.0.0.1:1000", Udp, None, 0),
        (Host, "10.0.0.1:2000", Udp, None, 0),
        (Host, "10.0.0.2:1000", Udp, None, 2),
        (Host, "10.0.0.1:1000", Tcp, None, 3),
        (Host, "[fd00::1]:1000", Udp, None, 4),
        (PeerReflexive, "10.0.0.1:1000", Udp, None, 5),
        (ServerReflexive, "10.0.0.1:1000", Udp, one, 6),
        (ServerReflexive, "10.0.0.1:2000", Udp, one, 6),
        (ServerReflexive, "10.0.0.1:1000", Udp, other, 8),
        (ServerReflexive, "10.0.0.2:1000", Udp, one, 9),
        (Relayed, "10.0.0.1:1000", Udp, one, 10),
        (Relayed, "10.0.0.1:1000", Udp, other, 11),
    ]
    .into_iter()
    .enumerate()
    {
        let base = addr(base);
        let foundation = foundation(&known, kind, base.ip(), protocol, server);
        known.push(LocalCandidate {
            candidate: Candidate {
                foundation,
                protocol,
                ..candidate(kind, "10.0.0.1:1", 1)
            },
            address: base,
            base,
            server,
            shared: false,
            announced: false,
        });
        let first = |local: &LocalCandidate| local.candidate.foundation == foundation;
        assert_eq!(known.iter().position(first), Some(kin), "row {row}");
    }
}

/// RFC 8445 §6.1.2.3.
#[test]
fn pair_priorities_are_the_same_at_both_ends() {
    for (g, d, expected) in [
        (0, 0, 0),
        (1, 0, 3),
        (0, 1, 2),
        (2, 1, (1 << 32) + 5),
        (1, 2, (1 << 32) + 4),
        (0x7fff_ffff, 0x7fff_ffff, 9_223_372_036_854_775_806),
        (2_130_706_431, 1_694_498_815, 7_277_816_997_797_167_103),
    ] {
        assert_eq!(pair_priority(g, d), expected);
    }
    let mut ours = pair(1, 0);
    let mut theirs = pair(2, 0);
    ours.rank(Role::Controlling, 7, 9);
    theirs.rank(Role::Controlled, 9, 7);
    assert_eq!(ours.priority, theirs.priority);
}

/// RFC 8445 §6.1.2.2.
#[test]
fn ice_008_only_like_addresses_pair() {
    for (local, remote, expected) in [
        ("10.0.0.1", "10.0.0.2", true),
        ("10.0.0.1", "127.0.0.1", true),
        ("10.0.0.1", "fd00::1", false),
        ("fd00::1", "2001:db8::1", true),
        ("fe80::1", "fe80::2", true),
        ("fe80::1", "fd00::1", false),
        ("fd00::1", "fe80::1", false),
    ] {
        assert_eq!(
            may_pair(ip(local), ip(remote)),
            expected,
            "{local} {remote}"
        );
    }
    let seen = seen_from(addr("[fe80::1%3]:1"), addr("[fe80::2%7]:2"));
    assert_eq!(seen, addr("[fe80::2%3]:2"));
    let seen = seen_from(addr("[fd00::1]:1"), addr("[fd00::2%7]:2"));
    assert_eq!(seen, addr("[fd00::2]:2"));
}

#[test]
fn candidates_that_cannot_be_used_say_why() {
    let good = candidate(CandidateKind::Host, "10.0.0.1:1", 1);
    assert_eq!(usable_address(&good), Ok(addr("10.0.0.1:1")));
    let name = Candidate {
        address: CandidateAddress::Name {
            host: "a.local".into(),
            port: 1,
        },
        ..good.clone()
    };
    assert_eq!(usable_address(&name), Err(CandidateError::Unsupported));
    let tcp = Candidate {
        protocol: Protocol::Tcp,
        ..good
    };
    assert_eq!(usable_address(&tcp), Err(CandidateError::Unsupported));
}

/// A pair of its own path, in the foundation `kin`.
fn pair(number: u16, kin: u8) -> Pair {
    let path = Path::udp(
        SocketAddr::from(([10, 0, 0, 1], 1)),
        SocketAddr::from(([10, 0, 0, 2], number)),
    );
    let name = alloc::format!("{kin}");
    let foundation = Foundation::from(&name).expect("short");
    let mut pair = Pair::new([0, 0], path, [foundation, foundation]);
    pair.priority = u64::from(number);
    pair
}

/// A list of pairs with these priorities and foundations.
fn list(pairs: &[(u16, u8)]) -> CheckList {
    let mut list = CheckList::new(100, false);
    for (priority, kin) in pairs {
        list.insert(pair(*priority, *kin));
    }
    list
}

fn states(list: &CheckList) -> Vec<PairState> {
    list.pairs.iter().map(|pair| pair.state).collect()
}

/// RFC 8445 §6.1.2.6, RFC 8838 §12.
#[test]
fn ice_010_the_best_of_each_foundation_waits_and_the_others_are_frozen() {
    use PairState::{Frozen, Succeeded, Waiting};
    let mut list = list(&[(9, 1), (8, 1), (7, 2), (6, 2)]);
    assert_eq!(states(&list), [Waiting, Frozen, Waiting, Frozen]);
    // RFC 8445 §7.2.5.3.3: a success thaws its foundation, and only that.
    list.pairs[0].state = Succeeded;
    let foundation = list.pairs[0].foundation;
    list.unfreeze(foundation);
    assert_eq!(states(&list), [Succeeded, Waiting, Waiting, Frozen]);
    // A pair that trickles in later joins a foundation that works.
    list.insert(pair(1, 1));
    assert_eq!(list.pairs[4].state, Waiting);
    list.insert(pair(2, 2));
    assert_eq!(list.pairs[5].state, Frozen);
    list.insert(pair(20, 2));
    assert_eq!(list.pairs[6].state, Waiting);
}

/// RFC 8445 §6.1.4.2.
#[test]
fn ice_010_the_next_check_is_triggered_then_the_best_waiting_then_a_frozen_one() {
    use PairState::{Failed, InProgress};
    let mut list = list(&[(9, 1), (8, 1), (7, 2), (6, 2), (5, 3)]);
    list.trigger(3);
    list.trigger(1);
    list.trigger(3);
    assert_eq!(list.next(), Some(3), "first in, first out");
    for expected in [3, 1, 0, 2, 4] {
        let next = list.next().expect("a pair");
        assert_eq!(next, expected);
        list.pairs[next].triggered = None;
        list.pairs[next].state = InProgress;
    }
    assert_eq!(list.next(), None);

    let mut list = self::list(&[(9, 1), (8, 1)]);
    list.pairs[0].state = InProgress;
    assert_eq!(list.next(), None, "its kin is still in progress");
    list.pairs[0].state = Failed;
    assert_eq!(list.next(), Some(1));
}

/// RFC 8445 §8.1.2.
#[test]
fn below_the_bar_only_triggered_checks_are_made() {
    let mut list = list(&[(9, 1), (8, 2), (7, 3)]);
    list.pairs[2].state = PairState::InProgress;
    list.set_bar(Some(8));
    assert_eq!(list.pairs[2].state, PairState::Waiting, "ended");
    assert_eq!(list.next(), Some(0));
    list.pairs[0].state = PairState::Failed;
    assert_eq!(list.next(), None);
    list.trigger(1);
    assert_eq!(list.next(), Some(1));
    list.pairs[1].triggered = None;
    list.set_bar(None);
    assert_eq!(list.next(), Some(1));
}

/// RFC 8445 §6.1.2.5.
#[test]
fn ice_009_the_lowest_idle_pair_gives_way_at_the_limit() {
    let mut list = CheckList::new(3, false);
    for priority in [5, 9, 7] {
        assert!(list.insert(pair(priority, 0)).is_some());
    }
    assert_eq!(list.insert(pair(4, 0)), None);
    assert_eq!(list.insert(pair(6, 0)), Some(0));
    list.trigger(0);
    assert_eq!(list.insert(pair(8, 0)), Some(2), "a triggered one stays");
    assert_eq!(list.insert(pair(3, 0)), None);
    assert_eq!(list.pairs.len(), 3);
}

/// RFC 6544 §4.1: an active candidate stands at the address of a listener too, but
/// what the listener accepted is not its.
#[test]
fn an_accepted_stream_is_the_listeners() {
    let mut config = IceConfig::new(&PROVIDER);
    config.tcp = true;
    let rng = &mut Rng::from_seed([0; 32]);
    let mut agent = IceAgent::new(config, Role::Controlled, rng).expect("SHA-1");
    agent.add_local_address(addr("10.0.0.1:1000")).unwrap();
    agent.add_tcp_listener(addr("10.0.0.1:2000")).unwrap();
    for (local, kind) in [
        ("10.0.0.1:2000", TcpKind::Passive),
        ("10.0.0.1:3000", TcpKind::Active),
    ] {
        let path = Path {
            local: addr(local),
            remote: addr("10.0.0.2:4000"),
            protocol: Protocol::Tcp,
        };
        let base = agent.base_of(path).expect("a candidate");
        assert_eq!(agent.locals[base].candidate.tcp, Some(kind));
    }
}
