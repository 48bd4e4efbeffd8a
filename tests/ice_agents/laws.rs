//! The laws of the contract, under calls in any order.

use std::time::Duration;

use pollrtc::cursor::Writer;
use pollrtc::ice::{AddressError, CandidateError, CredentialsError, IceState, Role};
use pollrtc::net::Path;
use pollrtc::rng::Rng;
use pollrtc::time::Instant;
use pollrtc::wire::stun::{Attribute, Class};
use proptest::prelude::*;

use crate::support::{A, B, PRIORITY, Peer, Script, World, addr, class_of, config, host, ms, solo};

/// Law 6.
#[test]
fn z_1_the_same_seed_gives_the_same_datagrams_and_events() {
    let run = |seed| {
        let mut world = World::pair(seed);
        world.loss = 100;
        world.jitter = Duration::from_millis(30);
        world.run_until(ms(60_000));
        let sent: Vec<_> = world
            .sent
            .iter()
            .map(|(at, f)| (*at, f.bytes.clone()))
            .collect();
        let events: Vec<_> = world
            .agents
            .iter()
            .map(|peer| peer.events.clone())
            .collect();
        (sent, events)
    };
    assert_eq!(run(3), run(3));
    assert_ne!(run(3).0, run(4).0);
}

/// Law 7, ICE-037.
#[test]
fn ice_037_a_closed_agent_is_silent() {
    let script = Script::new(B);
    for connect in [false, true] {
        let mut peer = solo(Role::Controlled);
        let check = script.request(&peer.agent, 1, &[PRIORITY, Attribute::IceControlling(1)]);
        if connect {
            script.signal(&mut peer.agent);
            peer.give(ms(0), script.address, &check);
        }
        peer.agent.close();
        peer.agent.close();
        peer.collect(ms(1));
        let ends = peer.events.len();
        assert_eq!(
            peer.events
                .iter()
                .filter(|(_, e)| *e == pollrtc::ice::Event::Closed)
                .count(),
            1
        );
        peer.give(ms(2), script.address, &check);
        assert_eq!(peer.give(ms(2), script.address, b"\x80data"), None);
        peer.agent.gather();
        peer.agent.end_of_remote_candidates();
        peer.agent.set_role(Role::Controlling);
        peer.agent.set_remote_lite(true);
        let agent = &mut peer.agent;
        let added = agent.add_remote_candidate(host(addr(B), 1));
        assert_eq!(added, Err(CandidateError::Closed));
        let added = agent.add_local_address(addr("10.0.0.7:7"));
        assert_eq!(added, Err(AddressError::Closed));
        let set = agent.set_remote_credentials(script.credentials.clone());
        assert_eq!(set, Err(CredentialsError::Closed));
        agent.handle_timeout(ms(100_000));
        assert_eq!(agent.poll_timeout(), None);
        assert_eq!(agent.role(), Role::Controlled);
        assert_eq!(agent.state(), IceState::Closed);
        assert_eq!(peer.drain(ms(100_000)), []);
        peer.collect(ms(100_001));
        assert_eq!(peer.events.len(), ends);
    }
}

/// Law 5: what does not fit is not begun.
#[test]
fn a_budget_too_small_leaves_the_buffer_alone_and_the_work_undone() {
    let mut peer = solo(Role::Controlled);
    let script = Script::new(B);
    script.signal(&mut peer.agent);
    let check = script.request(&peer.agent, 1, &[PRIORITY, Attribute::IceControlling(1)]);
    peer.give(ms(0), script.address, &check);
    for budget in 0..64 {
        let mut buf = vec![9; 3];
        let mut w = Writer::new(&mut buf, budget);
        assert_eq!(peer.agent.poll_transmit(ms(0), &mut w), None);
        assert_eq!(buf, [9; 3]);
    }
    assert_eq!(peer.agent.stats().requests_sent, 0);
    assert_eq!(peer.drain(ms(0)).len(), 2, "an answer and a check");
}

/// Law 4: without consent `fill` is not even asked.
#[test]
fn seal_asks_nobody_while_there_is_no_pair() {
    let mut world = World::pair(1);
    let mut buf = Vec::new();
    let mut w = Writer::new(&mut buf, 1200);
    let path = world
        .agent(0)
        .seal(&mut w, |_| unreachable!("nobody may send"));
    assert_eq!(path, None);
    world.run_until(ms(1_000));
    let mut w = Writer::new(&mut buf, 1200);
    assert_eq!(world.agent(0).seal(&mut w, |_| false), None);
    assert!(w.is_empty());
    let path = world.agent(0).seal(&mut w, |w| {
        w.zeros(w.remaining());
        true
    });
    assert_eq!(path, Some(Path::udp(addr(A), addr(B))));
    assert_eq!(buf.len(), 1200);
}

/// Time does not go back (law 1), and an hour may be skipped.
#[test]
fn z_5_time_that_jumps_does_no_harm() {
    let mut world = World::pair(1);
    world.run_until(ms(1_000));
    let peer = &mut world.agents[0];
    peer.agent.handle_timeout(ms(3_600_000));
    peer.collect(ms(3_600_000));
    assert_eq!(peer.agent.state(), IceState::Failed);

    let mut world = World::pair(2);
    world.run_until(ms(8_000));
    let peer = &mut world.agents[0];
    let before = peer.agent.poll_timeout();
    peer.agent.handle_timeout(ms(1));
    assert_eq!(peer.drain(ms(0)), []);
    assert_eq!(peer.agent.poll_timeout(), before);
}

/// Brings a world into a state.
type Story = fn(&mut World);

fn cut(world: &mut World) {
    world.mangle = Some(Box::new(|_, _| None));
}

fn renew(world: &mut World) {
    for index in 0..2 {
        world.agent(index).restart().expect("there is SHA-1");
        world.agent(index).gather();
    }
}

/// Law 3 in every state: an expired deadline is never returned, whether anything is
/// sent or not; and who has failed or is closed waits for nothing.
#[test]
fn no_deadline_has_expired_in_any_state() {
    use IceState::{Checking, Closed, Completed, Connected, Disconnected, Failed, New};
    let stories: [(IceState, u64, Story); 16] = [
        (New, 0, |_| {}),
        (New, 0, World::exchange_credentials),
        (New, 0, World::exchange_candidates),
        (Checking, 0, World::introduce),
        (Checking, 5_000, |world| {
            cut(world);
            world.introduce();
        }),
        (Connected, 25, World::introduce),
        (Connected, 5_000, |world| {
            world.exchange_credentials();
            world.exchange_candidates();
        }),
        (Completed, 5_000, World::introduce),
        (Completed, 200_000, World::introduce),
        (Disconnected, 0, |world| {
            world.introduce();
            world.run_until(ms(3_000));
            world.leave(0, A);
        }),
        (Disconnected, 20_000, |world| {
            world.introduce();
            world.run_until(ms(3_000));
            cut(world);
        }),
        (Connected, 0, |world| {
            world.introduce();
            world.run_until(ms(3_000));
            renew(world);
        }),
        (Checking, 10, |world| {
            world.introduce();
            renew(world);
            world.introduce();
        }),
        (Completed, 500, |world| {
            world.introduce();
            world.run_until(ms(3_000));
            renew(world);
            world.introduce();
        }),
        (Failed, 60_000, |world| {
            cut(world);
            world.introduce();
        }),
        (Closed, 0, |world| {
            world.introduce();
            world.run_until(ms(3_000));
            world.agent(0).close();
        }),
    ];
    for (number, (state, wait, story)) in stories.into_iter().enumerate() {
        for polls in [false, true] {
            let mut world = World::strangers(1);
            story(&mut world);
            let end = world.now + Duration::from_millis(wait);
            world.run_until(end);
            let mut now = world.now;
            let peer = &mut world.agents[0];
            assert_eq!(peer.agent.state(), state, "story {number}");
            for step in 0..500 {
                let deadline = peer.agent.poll_timeout();
                if matches!(peer.agent.state(), Failed | Closed) {
                    assert_eq!(deadline, None, "story {number}");
                    assert_eq!(peer.drain(now), []);
                    break;
                }
                let Some(deadline) = deadline else { break };
                assert!(
                    deadline > now,
                    "story {number}, step {step}: {deadline} at {now}"
                );
                now = deadline;
                peer.agent.handle_timeout(now);
                let next = peer.agent.poll_timeout();
                assert!(
                    next.is_none_or(|next| next > now),
                    "story {number}, step {step}"
                );
                if polls {
                    peer.drain(now);
                }
                peer.collect(now);
            }
        }
    }
}

/// Law 4: what a command makes ready is no deadline in the past, though the pacing of
/// the last check is over for long and nobody has polled since.
#[test]
fn a_command_leaves_no_deadline_in_the_past() {
    let commands: [Story; 6] = [
        |world| world.join(0, "10.7.0.1:7000"),
        |world| world.leave(0, A),
        |world| {
            let candidate = host(addr("10.9.9.9:9"), 2_130_706_431);
            world
                .agent(0)
                .add_remote_candidate(candidate)
                .expect("room");
        },
        |world| world.agent(0).set_role(Role::Controlled),
        |world| world.agent(1).set_role(Role::Controlling),
        renew,
    ];
    for (number, command) in commands.into_iter().enumerate() {
        for wait in [0, 20, 60, 3_000, 3_010, 100_000] {
            let mut world = World::pair(1);
            world.run_until(ms(wait));
            command(&mut world);
            for peer in &world.agents {
                let deadline = peer.agent.poll_timeout();
                let is_late = deadline.is_some_and(|at| at <= world.now);
                assert!(!is_late, "command {number} at {wait}: {deadline:?}");
            }
        }
    }
}

/// One call of the contract, or a command.
#[derive(Clone, Debug)]
enum Call {
    Poll,
    Wait(u64),
    Timeout,
    Check {
        from: u8,
        nominate: bool,
        role: bool,
    },
    Answer {
        nth: usize,
        from: u8,
        code: Option<u16>,
    },
    Noise(Vec<u8>),
    Data(u8),
    Signal(u8),
    Credentials,
    Ended,
    Gather,
    Local(u8),
    Role(bool),
    Lite,
    Leave(u8),
    Renominate(bool),
    Restart,
    CancelRestart,
    Close,
}

fn call() -> impl Strategy<Value = Call> {
    prop_oneof![
        8 => Just(Call::Poll),
        8 => (0..60_u64).prop_map(Call::Wait),
        2 => (0..20_000_u64).prop_map(Call::Wait),
        8 => Just(Call::Timeout),
        4 => (0..4_u8, any::<bool>(), any::<bool>())
            .prop_map(|(from, nominate, role)| Call::Check { from, nominate, role }),
        6 => (0..4_usize, 0..4_u8).prop_map(|(nth, from)| Call::Answer { nth, from, code: None }),
        2 => (0..4_usize, 0..4_u8, prop_oneof![Just(487_u16), Just(403), Just(400)])
            .prop_map(|(nth, from, code)| Call::Answer { nth, from, code: Some(code) }),
        1 => proptest::collection::vec(any::<u8>(), 0..60).prop_map(Call::Noise),
        1 => (0..4_u8).prop_map(Call::Data),
        2 => (0..6_u8).prop_map(Call::Signal),
        2 => Just(Call::Credentials),
        1 => Just(Call::Ended),
        1 => Just(Call::Gather),
        1 => (0..4_u8).prop_map(Call::Local),
        1 => any::<bool>().prop_map(Call::Role),
        1 => Just(Call::Lite),
        1 => (0..4_u8).prop_map(Call::Leave),
        1 => any::<bool>().prop_map(Call::Renominate),
        1 => Just(Call::Restart),
        1 => Just(Call::CancelRestart),
        1 => Just(Call::Close),
    ]
}

struct Run {
    peer: Peer,
    script: Script,
    now: Instant,
    ids: u64,
    generation: u32,
    requests: Vec<(std::net::SocketAddr, Vec<u8>)>,
    sent: Vec<(Instant, Vec<u8>)>,
}

impl Run {
    fn new() -> Self {
        Self {
            peer: Peer::new(config(), Role::Controlled, &[], &mut Rng::from_number(3)),
            script: Script::new(B),
            now: ms(0),
            ids: 0,
            generation: 0,
            requests: Vec::new(),
            sent: Vec::new(),
        }
    }

    fn place(n: u8) -> std::net::SocketAddr {
        std::net::SocketAddr::from(([10, 0, 0, 100 + n], 1))
    }

    fn call(&mut self, call: Call) {
        let now = self.now;
        match call {
            Call::Poll => self.poll(),
            Call::Wait(millis) => self.now += Duration::from_millis(millis),
            Call::Timeout => {
                self.peer.agent.handle_timeout(now);
                let deadline = self.peer.agent.poll_timeout();
                assert!(deadline.is_none_or(|at| at > now), "law 3");
            }
            Call::Check {
                from,
                nominate,
                role,
            } => {
                self.ids += 1;
                let mut says = vec![PRIORITY];
                says.push(if role {
                    Attribute::IceControlling(1 << 63)
                } else {
                    Attribute::IceControlled(5)
                });
                says.extend(nominate.then_some(Attribute::UseCandidate));
                let check = self.script.request(&self.peer.agent, self.ids, &says);
                self.give(Self::place(from), &check);
            }
            Call::Answer { nth, from, code } => {
                let Some((to, request)) = self.requests.iter().rev().nth(nth).cloned() else {
                    return;
                };
                let answer = match code {
                    None => self.script.answer(&request, addr(A)),
                    Some(code) => self.script.refuse(&request, code),
                };
                let from = if from == 0 { Self::place(0) } else { to };
                self.give(from, &answer);
            }
            Call::Noise(bytes) => self.give(Self::place(0), &bytes),
            Call::Data(from) => self.give(Self::place(from), b"\x80data"),
            Call::Signal(n) => {
                let candidate = host(Self::place(n), u32::from(n) + 1);
                let _ = self.peer.agent.add_remote_candidate(candidate);
            }
            Call::Local(n) => {
                let address = std::net::SocketAddr::from(([10, 0, 1, n], 1));
                if self.peer.agent.add_local_address(address).is_ok() {
                    self.peer.addresses.push(address);
                }
            }
            Call::Credentials => {
                let credentials = self.script.credentials.clone();
                let _ = self.peer.agent.set_remote_credentials(credentials);
            }
            Call::Ended => self.peer.agent.end_of_remote_candidates(),
            Call::Gather => self.peer.agent.gather(),
            Call::Role(role) => self.peer.agent.set_role(if role {
                Role::Controlling
            } else {
                Role::Controlled
            }),
            Call::Lite => self.peer.agent.set_remote_lite(true),
            Call::Leave(n) => {
                let address = std::net::SocketAddr::from(([10, 0, 1, n], 1));
                if self.peer.agent.remove_local_address(address) {
                    self.peer.addresses.retain(|old| *old != address);
                }
            }
            Call::Renominate(agreed) => self.peer.agent.set_renomination(agreed),
            Call::Restart => {
                self.peer.agent.restart().expect("there is SHA-1");
                // The peer restarts as well.
                self.generation += 1;
                let mut credentials = self.script.credentials.clone();
                credentials.ufrag = format!("script{}", self.generation);
                self.script = Script::new_with(B, &credentials);
            }
            Call::CancelRestart => _ = self.peer.agent.cancel_restart(),
            Call::Close => self.peer.agent.close(),
        }
    }

    fn give(&mut self, from: std::net::SocketAddr, bytes: &[u8]) {
        if !self.peer.addresses.is_empty() {
            self.peer.give(self.now, from, bytes);
        }
    }

    fn poll(&mut self) {
        for (path, bytes) in self.peer.drain(self.now) {
            if class_of(&bytes) == Class::Request {
                self.requests.push((path.remote, bytes.clone()));
                self.sent.push((self.now, bytes));
            }
        }
    }

    /// I-6: new transactions are at least one Ta apart.
    fn check_pacing(&self) {
        let mut seen = std::collections::BTreeSet::new();
        let firsts: Vec<_> = self
            .sent
            .iter()
            .filter(|(_, bytes)| seen.insert(bytes[8..20].to_vec()))
            .map(|(at, _)| *at)
            .collect();
        for two in firsts.windows(2) {
            assert!(two[1].since(two[0]) >= Duration::from_millis(50));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    /// Laws 2, 3, 4, 8 and 9: any calls in any order, and the loop that follows
    /// comes to rest by itself.
    #[test]
    fn any_calls_in_any_order_keep_the_laws(calls in proptest::collection::vec(call(), 0..120)) {
        let mut run = Run::new();
        for call in calls {
            run.call(call);
            let agent = &run.peer.agent;
            if matches!(agent.state(), IceState::Failed | IceState::Closed) {
                prop_assert_eq!(agent.poll_timeout(), None);
                prop_assert_eq!(agent.current_path(), None);
            }
            if run.generation == 0 {
                let sends = agent.current_path().is_some();
                let works = sends && agent.state() != IceState::Disconnected;
                prop_assert_eq!(agent.state().is_connected(), works);
            }
            // A pair that is quiet, and from before a restart, is no connection.
            prop_assert!(!agent.state().is_connected() || agent.current_path().is_some());
        }
        // Z-2: a loop that only obeys never spins, and ends: nobody answers any more.
        let mut wakes = 0;
        run.poll();
        while let Some(next) = run.peer.agent.poll_timeout() {
            wakes += 1;
            prop_assert!(wakes < 1000, "it does not come to rest");
            run.now = run.now.max(next);
            let now = run.now;
            run.peer.agent.handle_timeout(now);
            run.poll();
            let agent = &run.peer.agent;
            prop_assert!(agent.poll_timeout().is_none_or(|at| at > now), "law 3");
        }
        run.check_pacing();
        prop_assert!(!run.peer.agent.state().is_connected());
    }
}
