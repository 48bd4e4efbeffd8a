//! What happens to clients of servers that do as they should.

use std::net::SocketAddr;

use pollrtc::sim::Link;
use pollrtc::stun::Failure;
use pollrtc::turn::{Event, PeerError, State, TurnClient};

use crate::support::*;

fn direct() -> Link {
    Link::with_delay(std::time::Duration::from_millis(20))
}

#[test]
fn an_address_is_lent_and_data_goes_both_ways() {
    let mut net = Net::allocated(1, direct());
    let relayed = net.relayed();
    let mapped = net.client().turn.mapped();
    assert_eq!(mapped, Some(addr(CLIENT)));
    assert_eq!(
        net.events,
        [Event::Allocated {
            relayed,
            mapped: addr(CLIENT)
        }]
    );
    assert!(!net.echo(b"not yet permitted"));
    assert_eq!(net.client().stuck, 1);

    net.turn(|turn| turn.permit(ip(PEER))).expect("permitted");
    assert!(net.run_until(1, |net| net.client().turn.is_permitted(ip(PEER))));
    assert_eq!(net.events.last(), Some(&Event::Permitted(ip(PEER))));
    assert!(net.echo(b"in an indication"));

    net.turn(|turn| turn.bind(addr(PEER))).expect("bound");
    assert!(net.run_until(1, |net| net.client().turn.is_bound(addr(PEER))));
    for len in 1..9 {
        assert!(net.echo(&vec![7; len]), "{len} bytes on a channel");
    }
    let stats = net.client().turn.stats();
    assert_eq!((stats.packets_sent, stats.packets_received), (9, 9));
    assert_eq!(stats.bytes_sent, stats.bytes_received);
    assert_eq!(net.served().challenges, 1);
    assert_eq!(
        stats.requests_sent, 4,
        "two to allocate, one each to permit and bind"
    );
}

#[test]
fn ice_022_close_gives_the_address_back() {
    let mut net = Net::allocated(2, direct());
    assert_eq!(net.lent(), 1);
    net.turn(TurnClient::close);
    assert_eq!(net.state(), State::Closing);
    assert!(net.run_until(1, |net| net.state() == State::Closed));
    assert_eq!((net.lent(), net.served().deleted), (0, 1));
    assert_eq!(net.events.last(), Some(&Event::Closed));
}

#[test]
fn ice_022_the_farewell_is_repeated_but_not_for_ever() {
    let mut net = Net::allocated(2, direct());
    net.world.cut(net.server);
    net.turn(TurnClient::close);
    let before = net.client().turn.stats();
    assert!(net.run_until(3, |net| net.state() == State::Closed));
    let after = net.client().turn.stats();
    assert_eq!(after.requests_repeated - before.requests_repeated, 2);
    assert_eq!(net.client().turn.poll_timeout(), None);
}

#[test]
fn a_stale_nonce_in_the_middle_is_renewed_without_a_pause() {
    let mut net = Net::allocated(3, direct());
    net.server(|server| server.expire_nonces());
    net.turn(|turn| turn.bind(addr(PEER))).expect("bound");
    assert!(net.run_until(1, |net| net.client().turn.is_bound(addr(PEER))));
    assert_eq!(net.client().turn.stats().stale_nonces, 1);
    assert!(net.echo(b"hello"));
}

#[test]
fn many_requests_under_way_share_one_stale_nonce() {
    let mut net = Net::allocated(3, direct());
    net.server(|server| server.expire_nonces());
    for port in 0..8 {
        let peer = SocketAddr::new(ip(PEER), 7000 + port);
        net.turn(|turn| turn.bind(peer)).expect("bound");
    }
    assert!(net.run_until(1, |net| {
        (0..8).all(|port| {
            net.client()
                .turn
                .is_bound(SocketAddr::new(ip(PEER), 7000 + port))
        })
    }));
    assert!(net.client().turn.stats().stale_nonces <= 2);
}

/// ICE-022: hours of virtual time, with nonces that expire every ten minutes and
/// a tenth of all datagrams lost.
#[test]
fn ice_022_address_permission_and_channel_live_for_hours() {
    let mut config = server_config(SERVER);
    config.nonce_lifetime = secs(600);
    let mut net = Net::with(4, lossy(10), client_config(), config);
    net.turn(TurnClient::allocate);
    net.turn(|turn| turn.bind(addr(PEER))).expect("bound");
    net.turn(|turn| turn.permit(ip("198.51.100.9:1")))
        .expect("permitted");
    assert!(net.run_until(60, |net| net.client().turn.is_bound(addr(PEER))));
    for _ in 0..3 * 60 {
        net.run_for(60);
        assert_eq!(net.state(), State::Allocated);
        assert!(net.client().turn.is_bound(addr(PEER)));
        assert!(net.client().turn.is_permitted(ip("198.51.100.9:1")));
        let relayed = net.relayed();
        assert_eq!(net.server(|server| server.guests(relayed)), (1, 2));
        assert!((0..20).any(|_| net.echo(b"still there")));
    }
    assert!(net.client().turn.stats().stale_nonces >= 15);
    let permitted = net
        .events
        .iter()
        .filter(|event| matches!(event, Event::Permitted(_)));
    assert_eq!(permitted.count(), 2, "no permission ever lapsed");
}

/// A refresh each few minutes, whatever the number of peers.
#[test]
fn hundreds_of_permissions_are_refreshed_in_few_requests() {
    let mut net = Net::allocated(5, direct());
    for last in 0..250 {
        let peer = std::net::Ipv4Addr::new(198, 51, 101, last);
        net.turn(|turn| turn.permit(peer.into()))
            .expect("permitted");
    }
    assert!(net.run_until(2, |net| {
        net.events
            .iter()
            .filter(|event| matches!(event, Event::Permitted(_)))
            .count()
            == 250
    }));
    let before = net.client().turn.stats().requests_sent;
    net.run_for(235);
    net.run_for(60);
    let relayed = net.relayed();
    assert_eq!(net.server(|server| server.guests(relayed)).1, 250);
    let sent = net.client().turn.stats().requests_sent - before;
    assert!(sent <= 8, "{sent} requests");
}

#[test]
fn hundreds_of_channels_are_bound_and_refreshed() {
    let mut net = Net::allocated(6, direct());
    let peer = |n: u16| SocketAddr::new(ip(PEER), 7000 + n);
    for n in 0..300 {
        net.turn(|turn| turn.bind(peer(n))).expect("bound");
    }
    let all = |net: &Net| (0..300).all(|n| net.client().turn.is_bound(peer(n)));
    assert!(net.run_until(10, all));
    net.run_for(3600);
    assert!(all(&net));
    let relayed = net.relayed();
    assert_eq!(net.server(|server| server.guests(relayed)), (300, 1));
    assert!(net.echo(b"on one of them"));
}

#[test]
fn a_forgotten_peer_is_heard_no_more_and_can_come_back() {
    let mut net = Net::allocated(7, direct());
    net.turn(|turn| turn.bind(addr(PEER))).expect("bound");
    assert!(net.run_until(1, |net| net.client().turn.is_bound(addr(PEER))));
    assert!(net.echo(b"one"));
    net.turn(|turn| turn.forget(addr(PEER)));
    assert!(!net.echo(b"two"));
    // RFC 8656 §12: nobody else gets the number, and the peer gets no other, or the
    // server would refuse both.
    let other = SocketAddr::new(ip(PEER), 7001);
    net.turn(|turn| turn.bind(other)).expect("bound");
    assert!(net.run_until(1, |net| net.client().turn.is_bound(other)));
    net.turn(|turn| turn.bind(addr(PEER))).expect("bound again");
    assert!(net.run_until(1, |net| net.client().turn.is_bound(addr(PEER))));
    assert!(net.echo(b"three"));
    // Long after all has lapsed there are no traces, and it works again.
    net.turn(|turn| turn.forget(addr(PEER)));
    net.run_for(1200);
    net.turn(|turn| turn.bind(addr(PEER)))
        .expect("bound once more");
    assert!(net.run_until(1, |net| net.client().turn.is_bound(addr(PEER))));
    assert!(net.echo(b"four"));
}

#[test]
fn ice_020_a_quota_is_reached_and_said() {
    let mut config = server_config(SERVER);
    config.quota = 0;
    let mut net = Net::with(8, direct(), client_config(), config);
    net.turn(TurnClient::allocate);
    assert!(net.run_until(1, |net| net.state() == State::Failed));
    let Some(Event::Failed(failure)) = net.events.last() else {
        panic!("{:?}", net.events);
    };
    assert_eq!(failure.code, 486);
    assert_eq!(net.client().turn.poll_timeout(), None);
}

#[test]
fn a_wrong_password_is_tried_once() {
    let config = pollrtc::turn::TurnConfig {
        password: String::from("wrong").into(),
        ..client_config()
    };
    let mut net = Net::with(9, direct(), config, server_config(SERVER));
    net.turn(TurnClient::allocate);
    assert!(net.run_until(1, |net| net.state() == State::Failed));
    assert!(matches!(
        net.events.last(),
        Some(Event::Failed(Failure { code: 401, .. }))
    ));
    assert_eq!(net.client().turn.stats().requests_sent, 2);
}

#[test]
fn a_forbidden_peer_is_refused_and_takes_nobody_with_it() {
    let mut config = server_config(SERVER);
    let forbidden = ip("198.51.100.66:1");
    config.forbidden.push(forbidden);
    let mut net = Net::with(10, direct(), client_config(), config);
    net.turn(TurnClient::allocate);
    for last in [64, 65, 66, 67] {
        let peer = std::net::Ipv4Addr::new(198, 51, 100, last);
        net.turn(|turn| turn.permit(peer.into()))
            .expect("permitted");
    }
    net.run_for(2);
    let refused = Event::Refused {
        peer: forbidden,
        code: 403,
    };
    assert!(net.events.contains(&refused));
    let permitted = net
        .events
        .iter()
        .filter(|event| matches!(event, Event::Permitted(_)));
    assert_eq!(permitted.count(), 3);
    // The same by a channel.
    net.events.clear();
    net.turn(|turn| turn.bind(SocketAddr::new(forbidden, 9)))
        .expect("bound");
    net.run_for(1);
    assert_eq!(net.events, [refused]);
}

#[test]
fn an_allocation_that_the_server_lost_is_told() {
    let mut net = Net::allocated(11, direct());
    net.server(|server| server.forget_allocations());
    net.turn(|turn| turn.permit(ip(PEER))).expect("permitted");
    assert!(net.run_until(2, |net| net.state() == State::Failed));
    assert!(matches!(
        net.events.last(),
        Some(Event::Failed(Failure { code: 437, .. }))
    ));
    assert_eq!(
        net.turn(|turn| turn.permit(ip(PEER))),
        Err(PeerError::Closed)
    );
}

#[test]
fn a_server_that_vanishes_is_noticed_before_the_lease_ends() {
    let mut net = Net::allocated(12, direct());
    net.world.cut(net.server);
    assert!(net.run_until(600, |net| net.state() == State::Failed));
    assert!(matches!(
        net.events.last(),
        Some(Event::Failed(Failure {
            code: Failure::NO_ANSWER,
            ..
        }))
    ));
    assert_eq!(net.client().turn.poll_timeout(), None);
}

#[test]
fn ice_020_another_server_is_asked_once_told_so() {
    let mut net = Net::new(13, direct());
    let other = add_server(&mut net.world, "other", server_config(OTHER));
    net.server(|server| server.set_habit(pollrtc::sim::Habit::Redirects(addr(OTHER))));
    net.turn(TurnClient::allocate);
    assert!(net.run_until(5, |net| net.state() == State::Allocated));
    assert_eq!(net.client().turn.path().remote, addr(OTHER));
    assert_eq!(net.relayed().ip(), ip(OTHER));
    let Node::Server(server) = net.world.machine(other) else {
        unreachable!("it is a server");
    };
    assert_eq!(server.stats().allocated, 1);
}

/// RFC 6156.
#[test]
fn an_ipv6_address_is_lent_to_a_client_over_ipv4() {
    let mut config = server_config(SERVER);
    config.relays = vec![addr("[2001:db8::1]:50000")];
    let client = pollrtc::turn::TurnConfig {
        ipv6: true,
        ..client_config()
    };
    let mut net = Net::with(14, direct(), client, config);
    net.turn(TurnClient::allocate);
    assert!(net.run_until(2, |net| net.state() == State::Allocated));
    assert!(net.relayed().is_ipv6());
    assert_eq!(
        net.turn(|turn| turn.permit(ip(PEER))),
        Err(PeerError::Address)
    );
    net.turn(|turn| turn.bind(addr("[2001:db8::7]:7")))
        .expect("bound");
    assert!(net.run_until(1, |net| net.client().turn.is_bound(addr("[2001:db8::7]:7"))));

    let mut net = Net::new(15, direct());
    net.server(|server| server.config_mut().relays.clear());
    net.turn(TurnClient::allocate);
    assert!(net.run_until(2, |net| net.state() == State::Failed));
    assert!(matches!(
        net.events.last(),
        Some(Event::Failed(Failure { code: 440, .. }))
    ));
}

/// RFC 8489 §9.2: SHA-256 keys, user names that are not told, the nonce's cookie.
#[test]
fn a_modern_server_gets_modern_proofs() {
    let mut config = server_config(SERVER);
    config.modern = true;
    let mut net = Net::with(16, direct(), client_config(), config);
    net.turn(TurnClient::allocate);
    net.turn(|turn| turn.bind(addr(PEER))).expect("bound");
    assert!(net.run_until(2, |net| net.client().turn.is_bound(addr(PEER))));
    let requests = net.world.ledger().datagrams().iter();
    let name_told = requests.filter(|one| {
        one.bytes
            .windows(USER.0.len())
            .any(|part| part == USER.0.as_bytes())
    });
    assert_eq!(name_told.count(), 0);
    net.server(|server| server.expire_nonces());
    net.turn(TurnClient::close);
    assert!(net.run_until(2, |net| net.state() == State::Closed));
    assert_eq!(net.served().deleted, 1, "also with a nonce that was stale");
}

#[test]
fn a_fifth_of_all_datagrams_may_be_lost() {
    for seed in 100..140 {
        let mut net = Net::new(seed, lossy(20));
        net.turn(TurnClient::allocate);
        net.turn(|turn| turn.bind(addr(PEER))).expect("bound");
        assert!(
            net.run_until(120, |net| net.client().turn.is_bound(addr(PEER))),
            "seed {seed}: {:?} {:?}",
            net.events,
            net.client().turn.stats()
        );
        assert!((0..60).any(|_| net.echo(b"hello")), "seed {seed}");
    }
}

/// RFC 8445 §11: a NAT on the way would forget a client that is silent.
#[test]
fn who_has_nothing_to_say_says_that() {
    let mut net = Net::allocated(17, direct());
    let start = net.world.now();
    net.run_for(100);
    let said = |net: &Net| {
        let sent = net.world.ledger().datagrams().iter();
        sent.filter(|one| one.from == addr(CLIENT) && one.sent > start)
            .count()
    };
    let silent = said(&net);
    assert!((6..=7).contains(&silent), "{silent} in 100 s");
    // Who talks needs no keepalives.
    net.turn(|turn| turn.bind(addr(PEER))).expect("bound");
    assert!(net.run_until(1, |net| net.client().turn.is_bound(addr(PEER))));
    let before = said(&net);
    for _ in 0..20 {
        assert!(net.echo(b"talk"));
        net.run_for(4);
    }
    assert_eq!(said(&net) - before, 20);
}
