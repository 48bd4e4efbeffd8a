//! Any commands, answers and losses on a net with servers, streams and names.

use std::time::Duration;

use pollrtc::ice::{Event, GatheringLimits, IceConfig, IceState, TransportPolicy};
use pollrtc::net::{Path, Protocol};
use pollrtc::sim::Habit;
use proptest::prelude::*;

use crate::net::{Net, config, stun, turn};
use crate::support::addr;

const S: &str = "203.0.113.1:3478";

/// A command, or something that happens.
#[derive(Clone, Debug)]
enum Act {
    Run(u64),
    Gather(usize),
    Introduce,
    Restart(usize),
    Data(usize),
    Add(usize, u8),
    Remove(usize, u8),
    Resolved(usize, u8),
    Connected(usize, u8),
    Disconnected(usize, u8),
    Accepted(usize, u8),
    Noise(usize, u8, Vec<u8>),
    Stream(usize, u8, Vec<u8>),
    Habit(u8),
    Forget,
    Refuse(bool),
    Policy(usize, bool),
    Close(usize),
}

fn act() -> impl Strategy<Value = Act> {
    let bytes = || proptest::collection::vec(any::<u8>(), 0..40);
    let host = || 0..2_usize;
    prop_oneof![
        12 => (0..400_u64).prop_map(Act::Run),
        3 => (0..40_000_u64).prop_map(Act::Run),
        4 => host().prop_map(Act::Gather),
        4 => Just(Act::Introduce),
        1 => host().prop_map(Act::Restart),
        2 => host().prop_map(Act::Data),
        1 => (host(), 0..3_u8).prop_map(|(host, n)| Act::Add(host, n)),
        1 => (host(), 0..3_u8).prop_map(|(host, n)| Act::Remove(host, n)),
        1 => (host(), 0..3_u8).prop_map(|(host, n)| Act::Resolved(host, n)),
        1 => (host(), 0..4_u8).prop_map(|(host, n)| Act::Connected(host, n)),
        1 => (host(), 0..4_u8).prop_map(|(host, n)| Act::Disconnected(host, n)),
        1 => (host(), 0..4_u8).prop_map(|(host, n)| Act::Accepted(host, n)),
        1 => (host(), 0..4_u8, bytes()).prop_map(|(host, n, bytes)| Act::Noise(host, n, bytes)),
        1 => (host(), 0..4_u8, bytes()).prop_map(|(host, n, bytes)| Act::Stream(host, n, bytes)),
        1 => (0..6_u8).prop_map(Act::Habit),
        1 => Just(Act::Forget),
        1 => any::<bool>().prop_map(Act::Refuse),
        1 => (host(), any::<bool>()).prop_map(|(host, relay)| Act::Policy(host, relay)),
        1 => host().prop_map(Act::Close),
    ]
}

fn net(seed: u64, loss: u64) -> Net {
    let mut net = Net::new(seed);
    net.add_server(S);
    net.names.insert("turn.example".into(), vec![addr(S).ip()]);
    let config = IceConfig {
        servers: vec![
            stun("stun:203.0.113.1"),
            turn("turn:203.0.113.1"),
            turn("turn:203.0.113.1?transport=tcp"),
            turn("turns:turn.example:3478"),
        ],
        tcp: true,
        hide_addresses: seed.is_multiple_of(3),
        limits: GatheringLimits {
            max_streams: 6,
            ..GatheringLimits::default()
        },
        ..config()
    };
    net.add_host(config.clone(), &["10.0.0.1:1000"]);
    net.add_host(config, &["10.0.0.2:1000"]);
    net.listen(1, "10.0.0.2:443");
    if seed.is_multiple_of(2) {
        net.join_mdns(0, "10.0.0.1:5353");
        net.join_mdns(1, "10.0.0.2:5353");
    }
    let mut rng = pollrtc::rng::Rng::from_number(seed);
    net.filter = Some(Box::new(move |packet| {
        packet.path.protocol != Protocol::Udp || rng.below(100) >= loss
    }));
    net
}

/// A path that may or may not be known.
fn path(net: &Net, host: usize, n: u8) -> Path {
    let streams = &net.streams;
    let known = streams.get(usize::from(n) % streams.len().max(1));
    match known {
        Some((near, far)) => [*near, *far][host],
        None => Path {
            local: addr(["10.0.0.1:0", "10.0.0.2:443"][host]),
            remote: addr(S),
            protocol: Protocol::Tcp,
        },
    }
}

fn perform(net: &mut Net, act: Act) {
    let now = net.now;
    let extra = |host: usize, n: u8| ([10, 0, 1 + u8::try_from(host).unwrap_or(0), n], 1).into();
    match act {
        Act::Run(millis) => net.run_until(now.as_millis() + millis),
        Act::Gather(host) => net.agent(host).gather(),
        Act::Introduce => {
            for (to, from) in [(0, 1), (1, 0)] {
                let credentials = net.agent(from).local_credentials().clone();
                let _ = net.agent(to).set_remote_credentials(credentials);
                for candidate in net.told(from) {
                    let _ = net.agent(to).add_remote_candidate(candidate);
                }
            }
        }
        Act::Restart(host) => _ = net.agent(host).restart(),
        Act::Data(host) => _ = net.send_data(host, b"\x80 data"),
        Act::Add(host, n) => {
            if net.agent(host).add_local_address(extra(host, n)).is_ok() {
                net.hosts[host].sockets.push(extra(host, n));
            }
        }
        Act::Remove(host, n) => _ = net.agent(host).remove_local_address(extra(host, n)),
        Act::Resolved(host, n) => {
            let name = ["turn.example", "x.local", ""][usize::from(n)];
            net.agent(host).resolved(name, &[addr(S).ip()]);
        }
        Act::Connected(host, n) => {
            let path = path(net, host, n);
            net.agent(host).connected(now, path, addr("10.0.0.1:7"));
        }
        Act::Disconnected(host, n) => {
            let path = path(net, host, n);
            net.close_stream(host, path);
            net.agent(host).disconnected(now, path);
        }
        Act::Accepted(host, n) => {
            let path = path(net, host, n);
            net.agent(host).accepted(now, path);
        }
        Act::Noise(host, n, mut bytes) => {
            let remote = [S, "10.0.0.1:1000", "10.0.0.2:1000", "224.0.0.251:5353"][usize::from(n)];
            let local = net.hosts[host].sockets[0];
            let path = Path::udp(local, addr(remote));
            assert!(net.agent(host).open(now, path, &mut bytes).is_none() || n != 0);
        }
        Act::Stream(host, n, bytes) => {
            let path = path(net, host, n);
            let mut chunk = &bytes[..];
            while net.agent(host).open_stream(now, path, &mut chunk).is_some() {}
            assert!(chunk.is_empty());
        }
        Act::Habit(n) => net.server(0).set_habit(match n {
            0 => Habit::Silent,
            1 => Habit::Refuses(400),
            2 => Habit::AllStale,
            3 => Habit::BadIntegrity,
            4 => Habit::Redirects(addr("203.0.113.9:3478")),
            _ => Habit::Sound,
        }),
        Act::Forget => net.server(0).forget_allocations(),
        Act::Refuse(refuse) => net.refuse_streams = refuse,
        Act::Policy(host, relay) => net.agent(host).set_policy(match relay {
            true => TransportPolicy::Relay,
            false => TransportPolicy::All,
        }),
        Act::Close(host) => net.agent(host).close(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    /// Laws 2, 3, 4, 7, 8 and 9. That no deadline is in the past, none has expired
    /// when it was told, and no poll goes on for ever is asserted by the net.
    #[test]
    fn any_life_with_servers_keeps_the_laws(
        seed in 0..1_000_u64,
        loss in prop_oneof![Just(0_u64), 0..60_u64],
        acts in proptest::collection::vec(act(), 0..60),
    ) {
        let mut net = net(seed, loss);
        for act in acts {
            perform(&mut net, act);
            for host in 0..2 {
                net.collect(host);
                let agent = &net.hosts[host].agent;
                let is_over = matches!(agent.state(), IceState::Failed | IceState::Closed);
                prop_assert!(!is_over || agent.current_path().is_none());
                prop_assert!(agent.pairs().count() <= 300);
            }
            prop_assert!(net.streams.len() <= 24);
        }
        for host in 0..2 {
            net.agent(host).close();
        }
        let end = net.now + Duration::from_secs(5);
        net.run_until(end.as_millis());
        for host in &net.hosts {
            prop_assert_eq!(host.agent.poll_timeout(), None);
            let closed = host.events.iter().filter(|event| **event == Event::Closed).count();
            prop_assert_eq!((closed, host.events.last()), (1, Some(&Event::Closed)));
        }
        prop_assert!(net.streams.is_empty(), "{:?} {:#?}", net.streams, net.hosts[0].events);
    }
}
