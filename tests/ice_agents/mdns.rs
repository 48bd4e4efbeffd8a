//! Agents that hide from each other, on a link with multicast DNS.

#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use pollrtc::cursor::{Reader, Writer};
use pollrtc::ice::{CandidateError, Event, IceAgent, IceConfig, IceState, Role};
use pollrtc::mdns::{GROUP_V4, PORT};
use pollrtc::net::{Candidate, CandidateAddress, CandidateKind, Path};
use pollrtc::rng::Rng;
use pollrtc::time::Instant;
use pollrtc::wire::mdns::Message;
use pollrtc::wire::sdp::candidate;

use crate::support::{addr, config};

const HOSTS: [&str; 2] = ["10.0.0.1:1000", "10.0.0.2:2000"];

/// Two agents on one link, where multicast reaches all who have joined, the sender too.
struct Link {
    now: Instant,
    agents: [IceAgent; 2],
    joined: Vec<SocketAddr>,
    events: [Vec<Event>; 2],
    /// What went to all.
    heard: Vec<String>,
}

impl Link {
    fn new(hides: bool) -> Self {
        let config = IceConfig {
            hide_addresses: hides,
            ..config()
        };
        Self::with(&config)
    }

    fn with(config: &IceConfig) -> Self {
        let mut rng = Rng::from_number(3);
        let mut agent = |role, host| {
            let mut agent = IceAgent::new(config.clone(), role, &mut rng).unwrap();
            agent.add_local_address(addr(host)).unwrap();
            agent.gather();
            agent
        };
        let agents = [
            agent(Role::Controlling, HOSTS[0]),
            agent(Role::Controlled, HOSTS[1]),
        ];
        let mut link = Self {
            now: Instant::ZERO,
            agents,
            joined: Vec::new(),
            events: Default::default(),
            heard: Vec::new(),
        };
        for (to, from) in [(0, 1), (1, 0)] {
            let credentials = link.agents[from].local_credentials().clone();
            link.agents[to].set_remote_credentials(credentials).unwrap();
        }
        link
    }

    /// The socket for names of an agent.
    fn join(&mut self, index: usize) {
        let socket = SocketAddr::new(addr(HOSTS[index]).ip(), PORT);
        self.joined.push(socket);
        self.agents[index].add_mdns_socket(socket).unwrap();
    }

    fn candidate(&self, of: usize) -> Candidate {
        self.agents[of].local_candidates().next().unwrap().clone()
    }

    fn tell(&mut self, to: usize, candidate: Candidate) -> Result<(), CandidateError> {
        self.agents[to].add_remote_candidate(candidate)
    }

    /// Everything that can be said now is said, and arrives at once.
    fn settle(&mut self) {
        let mut buf = Vec::new();
        let mut flights = VecDeque::new();
        loop {
            for agent in &mut self.agents {
                while let Some(path) =
                    agent.poll_transmit(self.now, &mut Writer::new(&mut buf, 1200))
                {
                    flights.push_back((path, std::mem::take(&mut buf)));
                }
            }
            let Some((path, bytes)) = flights.pop_front() else {
                break;
            };
            if path.remote == GROUP_V4 {
                let message = Message::parse(&mut Reader::new(&bytes)).unwrap();
                self.heard.push(message.to_string());
            }
            for (agent, host) in self.agents.iter_mut().zip(HOSTS) {
                let host = addr(host);
                let socket = SocketAddr::new(host.ip(), PORT);
                let to = match path.remote {
                    GROUP_V4 if self.joined.contains(&socket) => socket,
                    remote if remote == host => host,
                    _ => continue,
                };
                let path = Path::udp(to, path.local);
                let mut bytes = bytes.clone();
                let data = agent.open(self.now, path, &mut bytes);
                assert_eq!(data, None);
            }
        }
        for (agent, events) in self.agents.iter_mut().zip(&mut self.events) {
            events.extend(std::iter::from_fn(|| agent.poll_event()));
        }
    }

    /// Plays for so long.
    fn run(&mut self, seconds: u64) {
        let end = self.now + Duration::from_secs(seconds);
        self.settle();
        while let Some(next) = self.agents.iter().filter_map(IceAgent::poll_timeout).min() {
            assert!(next > self.now, "a deadline that has come was consumed");
            if next > end {
                break;
            }
            self.now = next;
            for agent in &mut self.agents {
                agent.handle_timeout(next);
            }
            self.settle();
        }
        self.now = end;
    }

    fn is_connected(&self) -> bool {
        self.agents.iter().all(|agent| agent.state().is_connected())
    }

    /// The names that the application was asked for.
    fn wanted(&self, of: usize) -> Vec<&str> {
        let events = self.events[of].iter();
        events
            .filter_map(|event| match event {
                Event::Resolve(name) => Some(name.as_str()),
                _ => None,
            })
            .collect()
    }
}

fn named(host: &str, candidate: &Candidate) -> Candidate {
    let port = addr(HOSTS[1]).port();
    Candidate {
        address: CandidateAddress::Name {
            host: host.into(),
            port,
        },
        ..candidate.clone()
    }
}

#[test]
fn ice_032_two_who_hide_find_each_other_and_tell_no_address() {
    let mut link = Link::new(true);
    (0..2).for_each(|index| link.join(index));
    for (to, from) in [(0, 1), (1, 0)] {
        let said = link.candidate(from);
        let line = candidate::display(&said).to_string();
        assert!(
            !line.contains("10.0.0.") && line.contains(".local"),
            "{line}"
        );
        assert_eq!(link.tell(to, said), Ok(()));
    }
    link.run(2);
    assert!(link.is_connected());
    assert_eq!(link.wanted(0), [""; 0]);
    for agent in &link.agents {
        let selected = agent.selected_pair().unwrap();
        for end in [&selected.local, &selected.remote] {
            assert_eq!(end.kind, CandidateKind::Host);
            assert_eq!(end.address.ip(), None);
        }
    }
    for event in link.events.iter().flatten() {
        if let Event::Candidate(said) = event {
            assert_eq!(said.address.ip(), None);
        }
    }
    // A question and an answer of each, once.
    assert_eq!(link.heard.len(), 4, "{:?}", link.heard);
}

#[test]
fn without_a_socket_the_application_is_asked_once() {
    let mut link = Link::new(false);
    let host = named("b.local", &link.candidate(1));
    let CandidateAddress::Name { host: name, .. } = host.address.clone() else {
        unreachable!("it was made with a name")
    };
    let other = Candidate {
        address: CandidateAddress::Name {
            host: name,
            port: 2001,
        },
        ..host.clone()
    };
    for candidate in [&host, &other, &host] {
        assert_eq!(link.tell(0, candidate.clone()), Ok(()));
    }
    link.run(1);
    assert_eq!(link.wanted(0), ["b.local"]);
    assert!(!link.is_connected());
    // Of several addresses the one that can be reached from here.
    let v6: IpAddr = "2001:db8::1".parse().unwrap();
    link.agents[0].resolved("B.local", &[v6, addr(HOSTS[1]).ip()]);
    link.agents[0].resolved("b.local", &[v6]);
    link.run(1);
    assert!(link.is_connected());
    let remotes: Vec<_> = link.agents[0].remote_candidates().cloned().collect();
    assert_eq!(remotes, [host, other]);
    // What is known is not asked for again.
    let third = Candidate {
        address: CandidateAddress::Name {
            host: "b.local".into(),
            port: 2002,
        },
        ..remotes[0].clone()
    };
    assert_eq!(link.tell(0, third), Ok(()));
    link.run(1);
    assert_eq!(link.wanted(0), ["b.local"]);
    assert_eq!(link.agents[0].remote_candidates().count(), 3);
}

#[test]
fn a_socket_that_comes_later_is_used_for_names_that_wait() {
    let mut link = Link::new(true);
    let hidden = link.candidate(1);
    assert_eq!(link.tell(0, hidden), Ok(()));
    link.run(1);
    assert_eq!(link.wanted(0).len(), 1);
    assert_eq!(link.heard, [""; 0]);
    (0..2).for_each(|index| link.join(index));
    link.run(1);
    assert!(link.is_connected());
}

#[test]
fn a_name_that_nobody_knows_does_not_hinder_a_peer_who_comes_by_itself() {
    let mut link = Link::new(true);
    link.join(0);
    // Nobody answers for it: the owner has no socket for names.
    let hidden = link.candidate(1);
    assert_eq!(link.tell(0, hidden), Ok(()));
    link.run(12);
    assert_eq!(link.heard.len(), 4, "asked at 0, 1, 3 and 7 s");
    assert!(!link.is_connected());
    let ours = Candidate {
        address: CandidateAddress::Ip(addr(HOSTS[0])),
        ..link.candidate(0)
    };
    assert_eq!(link.tell(1, ours), Ok(()));
    link.run(2);
    assert!(link.is_connected());
    let remote = link.agents[0].selected_pair().unwrap().remote;
    assert_eq!(remote.kind, CandidateKind::PeerReflexive);
}

#[test]
fn a_check_that_is_faster_than_the_name_becomes_the_same_candidate() {
    let mut link = Link::new(true);
    let (hidden, ours) = (link.candidate(1), link.candidate(0));
    assert_eq!(link.tell(0, hidden.clone()), Ok(()));
    let open = Candidate {
        address: CandidateAddress::Ip(addr(HOSTS[0])),
        ..ours
    };
    assert_eq!(link.tell(1, open), Ok(()));
    link.run(2);
    assert!(link.is_connected());
    let CandidateAddress::Name { host, .. } = &hidden.address else {
        unreachable!("it hides")
    };
    link.agents[0].resolved(host, &[addr(HOSTS[1]).ip()]);
    link.run(1);
    assert!(link.agents[0].remote_candidates().eq([&hidden]));
    assert!(link.is_connected());
}

#[test]
fn atk_033_names_of_the_world_are_refused_and_others_are_few() {
    let mut link = Link::new(false);
    let like = link.candidate(1);
    for host in [
        "example.com",
        "a.b.local",
        "localhost",
        "10.0.0.2.local.",
        "",
    ] {
        let refused = link.tell(0, named(host, &like));
        assert_eq!(refused, Err(CandidateError::Unsupported), "{host}");
    }
    for number in 0..16 {
        let candidate = named(&format!("n{number}.local"), &like);
        assert_eq!(link.tell(0, candidate), Ok(()));
    }
    let more = named("more.local", &like);
    assert_eq!(link.tell(0, more.clone()), Err(CandidateError::TooMany));
    link.agents[0].resolved("n0.local", &[]);
    assert_eq!(link.tell(0, more), Ok(()));
    // An answer to a question that was not asked, and answers that nobody can be
    // reached at.
    link.agents[0].resolved("other.local", &[addr(HOSTS[1]).ip()]);
    link.agents[0].resolved("n1.local", &["224.0.0.1".parse().unwrap()]);
    assert_eq!(link.agents[0].remote_candidates().count(), 0);
}

#[test]
fn ice_039_a_name_of_old_credentials_is_not_paired_with_new_ones() {
    let mut rng = Rng::from_number(5);
    let mut agent = IceAgent::new(config(), Role::Controlling, &mut rng).unwrap();
    let peer = IceAgent::new(config(), Role::Controlled, &mut rng).unwrap();
    agent.add_local_address(addr(HOSTS[0])).unwrap();
    let like = Link::new(false).candidate(1);
    for ufrag in ["olds", &peer.local_credentials().ufrag] {
        let candidate = Candidate {
            ufrag: Some(ufrag.into()),
            ..named(
                &format!("{}.local", &ufrag[..4].replace(['+', '/'], "x")),
                &like,
            )
        };
        agent.add_remote_candidate(candidate).unwrap();
    }
    agent
        .set_remote_credentials(peer.local_credentials().clone())
        .unwrap();
    while let Some(event) = agent.poll_event() {
        if let Event::Resolve(name) = event {
            agent.resolved(&name, &[addr(HOSTS[1]).ip()]);
        }
    }
    let ufrags: Vec<_> = agent
        .remote_candidates()
        .map(|known| known.ufrag.clone())
        .collect();
    assert_eq!(ufrags, [Some(peer.local_credentials().ufrag.clone())]);
}

#[test]
fn a_socket_that_goes_is_used_no_more_and_another_takes_its_place() {
    let mut link = Link::new(true);
    (0..2).for_each(|index| link.join(index));
    let hidden = link.candidate(1);
    assert_eq!(link.tell(0, hidden.clone()), Ok(()));
    let socket = SocketAddr::new(addr(HOSTS[0]).ip(), PORT);
    assert!(link.agents[0].remove_local_address(socket));
    assert!(!link.agents[0].remove_local_address(socket));
    link.run(20);
    assert_eq!(link.heard, [""; 0]);
    link.join(0);
    assert_eq!(link.tell(0, hidden), Ok(()));
    link.run(1);
    assert!(link.is_connected());
    assert_eq!(link.agents[1].mdns_stats().unwrap().questions_received, 1);
}

#[test]
fn what_is_no_dns_is_counted_and_changes_nothing() {
    let mut link = Link::new(true);
    assert_eq!(link.agents[0].mdns_stats(), None);
    link.join(0);
    let path = Path::udp(SocketAddr::new(addr(HOSTS[0]).ip(), PORT), addr(HOSTS[1]));
    for len in 0..40 {
        let mut bytes = vec![0x55; len];
        assert_eq!(link.agents[0].open(link.now, path, &mut bytes), None);
    }
    let dropped = link.agents[0].mdns_stats().unwrap().dropped;
    assert_eq!(dropped.malformed, 40);
    assert_eq!(link.agents[0].state(), IceState::New);
}

#[test]
fn failed_or_closed_it_asks_for_nothing() {
    let mut link = Link::with(&IceConfig {
        patience: Duration::from_secs(1),
        ..config()
    });
    link.join(0);
    let hidden = named("b.local", &link.candidate(1));
    assert_eq!(link.tell(0, hidden.clone()), Ok(()));
    link.agents[0].end_of_remote_candidates();
    link.run(2);
    assert_eq!(link.agents[0].state(), IceState::Failed);
    assert_eq!(link.agents[0].poll_timeout(), None);
    let mut buf = Vec::new();
    let now = link.now + Duration::from_secs(60);
    link.agents[0].handle_timeout(now);
    let said = link.agents[0].poll_transmit(now, &mut Writer::new(&mut buf, 1200));
    assert_eq!((said, buf.len()), (None, 0));

    let mut link = Link::new(true);
    link.join(0);
    assert_eq!(link.tell(0, hidden), Ok(()));
    link.settle();
    link.agents[0].close();
    assert_eq!(link.agents[0].poll_timeout(), None);
    link.events[0].clear();
    link.run(20);
    assert_eq!(link.events[0], [Event::Closed]);
}
