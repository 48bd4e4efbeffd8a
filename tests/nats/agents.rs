//! Two agents at their places, and the post between them.

use std::net::SocketAddr;

use pollrtc::IceAgent;
use pollrtc::crypto::rust_crypto::PROVIDER;
use pollrtc::ice::{Event, GatheringState, IceConfig, IceState, Role};
use pollrtc::net::{Candidate, CandidateKind};
use pollrtc::sim::invariants::{Consent, KnownDestinations, MirroredPairs, OneControls, Pacing};
use pollrtc::sim::{Fact, HostId, Link, Realm, World, trace};

use crate::place::{
    Help, Place, SERVER, add_server, address, good_link, millis, secs, settle, wall_in,
};

/// Two agents; each is told of the other's candidates as they are found.
pub(crate) struct Agents {
    pub(crate) world: World<IceAgent>,
    pub(crate) hosts: [HostId; 2],
    pub(crate) server: HostId,
    pub(crate) realms: [Realm; 2],
    pub(crate) addresses: [SocketAddr; 2],
}

impl Agents {
    pub(crate) fn new(seed: u64, link: Link, places: [Place; 2], help: Help) -> Self {
        Self::with(seed, link, places, help, |_, _| {})
    }

    /// The same, with something to say about each agent's configuration.
    pub(crate) fn with(
        seed: u64,
        link: Link,
        places: [Place; 2],
        help: Help,
        mut configure: impl FnMut(usize, &mut IceConfig),
    ) -> Self {
        let mut world = World::new(seed).with_links(link);
        let server = add_server(&mut world);
        let mut realms = [Realm::INTERNET; 2];
        let mut addresses = [address(SERVER); 2];
        let roles = [Role::Controlling, Role::Controlled];
        let mut any_lite = false;
        let hosts = [0, 1].map(|side| {
            let (realm, local) = settle(&mut world, side, places[side], realms[0]);
            (realms[side], addresses[side]) = (realm, local);
            let mut config = IceConfig::new(&PROVIDER);
            config.servers = help.servers();
            configure(side, &mut config);
            any_lite |= config.lite;
            let mut rng = world.fork_rng();
            let mut agent = IceAgent::new(config, roles[side], &mut rng).expect("it has SHA-1");
            agent.add_local_address(local).expect("there is room");
            let host = world.add_in(realm, ["L", "R"][side], &[local], agent);
            wall_in(&mut world, host, places[side]);
            world.note(host, Fact::Server(address(SERVER)));
            host
        });
        let mut world = world
            .watched_by(KnownDestinations::default())
            .watched_by(Pacing::default())
            .watched_by(MirroredPairs::new(hosts))
            .watched_by(OneControls::new(hosts));
        if !any_lite {
            // A lite agent has no answers: it is asked, and that is all it has (RFC 7675 §5.1).
            world.watch(vec![Box::new(Consent::default())]);
        }
        let mut agents = Self {
            world,
            hosts,
            server,
            realms,
            addresses,
        };
        agents.introduce();
        agents
    }

    /// Tells each the other's credentials, and lets both gather.
    pub(crate) fn introduce(&mut self) {
        let [left, right] = self.hosts;
        for (host, peer) in [(left, right), (right, left)] {
            let credentials = self.world.machine(peer).local_credentials().clone();
            self.world.after(POST, move |world| {
                world.with(host, |agent, _| {
                    agent
                        .set_remote_credentials(credentials)
                        .expect("they are valid");
                });
            });
            self.world.with(host, |agent, _| agent.gather());
        }
    }

    /// Lets nothing be lost on the way to the server and back.
    pub(crate) fn ease_server(&mut self) {
        for host in self.hosts {
            self.world.set_links(host, self.server, good_link());
        }
    }

    /// Ends the run: once the network is quiet, all is as it should be.
    pub(crate) fn finish(&mut self) {
        let [left, right] = self.hosts;
        for host in self.hosts {
            self.world.set_links(host, self.server, good_link());
        }
        self.world.set_links(left, right, good_link());
        self.world.set_links(self.server, self.server, good_link());
        self.run_for(secs(20));
        assert!(self.are_connected(), "{}", self.story());
        self.world.finish();
    }

    /// Takes a side's address away and, a little later, gives it one at `place`.
    pub(crate) fn move_to(&mut self, side: usize, place: Place) {
        let (host, old) = (self.hosts[side], self.addresses[side]);
        self.world.remove_socket(host, old);
        self.run_for(millis(500));
        self.world.with(host, |agent, _| {
            assert!(agent.remove_local_address(old), "it was there");
        });
        self.run_for(millis(500));
        let (realm, new) = settle(&mut self.world, side + 2, place, Realm::INTERNET);
        let new = SocketAddr::new(new.ip(), 6000);
        self.world.add_socket(host, realm, new);
        self.world.with(host, |agent, _| {
            agent.add_local_address(new).expect("there is room");
        });
        (self.realms[side], self.addresses[side]) = (realm, new);
    }

    /// Runs, with the post, until `condition` holds: `false` if it takes longer.
    pub(crate) fn run_until(
        &mut self,
        limit: std::time::Duration,
        mut condition: impl FnMut(&World<IceAgent>) -> bool,
    ) -> bool {
        let hosts = self.hosts;
        self.world.run_until(limit, |world| {
            post(world, hosts);
            condition(world)
        })
    }

    pub(crate) fn run_for(&mut self, time: std::time::Duration) {
        self.run_until(time, |_| false);
    }

    /// Whether both find a pair and agree on it before one of them gives up.
    pub(crate) fn connect(&mut self) -> bool {
        let hosts = self.hosts;
        self.run_until(secs(90), |world| {
            let done = |host| {
                let agent = world.machine(host);
                agent.selected_pair().is_some() && agent.state().is_connected()
            };
            let failed = |host| world.machine(host).state() == IceState::Failed;
            hosts.into_iter().all(done) || hosts.into_iter().any(failed)
        });
        self.are_connected()
    }

    pub(crate) fn are_connected(&self) -> bool {
        let connected = |host| self.world.machine(host).state().is_connected();
        self.hosts.into_iter().all(connected)
    }

    /// The kinds of the selected pair's ends, as a side sees them.
    pub(crate) fn kinds(&self, side: usize) -> Option<[CandidateKind; 2]> {
        let pair = self.world.machine(self.hosts[side]).selected_pair()?;
        Some([pair.local.kind, pair.remote.kind])
    }

    /// What has happened, for a failure.
    pub(crate) fn story(&self) -> String {
        trace::tail(self.world.ledger(), 150)
    }
}

/// Sends off what the agents have found.
fn post(world: &mut World<IceAgent>, [left, right]: [HostId; 2]) {
    for (host, peer) in [(left, right), (right, left)] {
        while let Some(event) = world.next_event(host) {
            match event {
                Event::Candidate(candidate) => {
                    world.after(POST, move |world| deliver(world, peer, candidate));
                }
                Event::GatheringState(GatheringState::Complete) => {
                    world.after(POST, move |world| {
                        world.with(peer, |agent, _| agent.end_of_remote_candidates());
                    });
                }
                _ => {}
            }
        }
    }
}

fn deliver(world: &mut World<IceAgent>, host: HostId, candidate: Candidate) {
    if let Some(address) = candidate.address.ip() {
        world.note(host, Fact::RemoteCandidate(address));
    }
    world.with(host, |agent, _| {
        // One of an older generation is late.
        let _ = agent.add_remote_candidate(candidate);
    });
}

/// How long the post takes.
const POST: std::time::Duration = millis(50);
