//! Two ICE agents, with an integrity that can be forged.
#![no_main]

use std::time::Duration;

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use pollrtc::crypto::fake;
use pollrtc::cursor::Writer;
use pollrtc::ice::{Event, IceAgent, IceConfig, Role};
use pollrtc::net::{Candidate, CandidateAddress, Path};
use pollrtc::rng::Rng;
use pollrtc::sim::Machine;
use pollrtc::time::Instant;
use pollrtc_fuzz::{Pair, Side, Step, path, repair_stun};

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Command {
    /// Another address of ours.
    Local(u8),
    /// A candidate of the peer that leads nowhere.
    Remote(u8),
    EndOfCandidates,
    Gather,
    Role(bool),
    Lite(bool),
    /// An address of ours goes that led nowhere.
    Leave(u8),
    /// New credentials that the peer never hears of.
    Restart,
    CancelRestart,
    Renomination(bool),
    Send,
    Close,
}

fuzz_target!(|steps: Vec<Step<Command>>| {
    let [mut a, mut b] = [Side::A, Side::B].map(Ice::new);
    a.meet(&b);
    b.meet(&a);
    let mut pair = Pair::new(a, b);
    let mut is_disturbed = false;
    for step in steps {
        if let Step::Command { command, .. } = &step {
            // A role that changes after a nomination was heard makes it void.
            is_disturbed |= matches!(
                command,
                Command::Role(_) | Command::Lite(_) | Command::Close
            );
        }
        pair.step(step, |ice, _, command| ice.command(command));
    }
    if pair.is_honest() && !is_disturbed {
        judge(&mut pair);
    }
});

/// Whatever was lost, repeated or reordered: they find each other in time.
fn judge(pair: &mut Pair<Ice>) {
    // RFC 7675 §5.1: a pair that was not confirmed for 30 s may not be used again.
    if pair.now() > Instant::from_millis(25_000) {
        return;
    }
    pair.calm(pair.now() + Duration::from_secs(60));
    let [a, b] = [Side::A, Side::B].map(|side| {
        let agent = &pair.machine(side).agent;
        assert!(
            agent.state().is_connected(),
            "{side:?} is {:?}",
            agent.state()
        );
        let path = agent.selected_pair().expect("one is selected").path;
        (agent.role(), path)
    });
    assert_eq!(a.0, b.0.opposite());
    assert_eq!((a.1.local, a.1.remote), (b.1.remote, b.1.local));
}

/// An agent and its application.
struct Ice {
    agent: IceAgent,
    side: Side,
    is_sending: bool,
    is_over: bool,
}

impl Ice {
    fn new(side: Side) -> Self {
        let mut rng = Rng::from_number(side as u64);
        let role = match side {
            Side::A => Role::Controlling,
            Side::B => Role::Controlled,
        };
        let config = IceConfig::new(&fake::PROVIDER);
        let mut agent = IceAgent::new(config, role, &mut rng).expect("there is an HMAC");
        agent
            .add_local_address(path(side).local)
            .expect("the first address");
        agent.gather();
        Self {
            agent,
            side,
            is_sending: false,
            is_over: false,
        }
    }

    fn meet(&mut self, peer: &Self) {
        let credentials = peer.agent.local_credentials().clone();
        self.agent
            .set_remote_credentials(credentials)
            .expect("they are valid");
        for candidate in peer.agent.local_candidates() {
            self.agent
                .add_remote_candidate(candidate.clone())
                .expect("it is the first");
        }
    }

    fn command(&mut self, command: Command) {
        let nowhere = |n: u8| {
            let mut address = path(self.side).remote;
            address.set_port(3000 + u16::from(n));
            address
        };
        match command {
            Command::Local(n) => drop(self.agent.add_local_address(nowhere(n))),
            Command::Remote(n) => {
                let candidate = Candidate {
                    address: CandidateAddress::Ip(nowhere(n)),
                    ..self
                        .agent
                        .local_candidates()
                        .next()
                        .expect("the first")
                        .clone()
                };
                let _ = self.agent.add_remote_candidate(candidate);
            }
            Command::EndOfCandidates => self.agent.end_of_remote_candidates(),
            Command::Gather => self.agent.gather(),
            Command::Role(true) => self.agent.set_role(Role::Controlling),
            Command::Role(false) => self.agent.set_role(Role::Controlled),
            Command::Leave(n) => _ = self.agent.remove_local_address(nowhere(n)),
            Command::Restart => self.agent.restart().expect("there is an HMAC"),
            Command::CancelRestart => _ = self.agent.cancel_restart(),
            Command::Renomination(agreed) => self.agent.set_renomination(agreed),
            Command::Lite(on) => self.agent.set_remote_lite(on),
            Command::Send => self.is_sending = true,
            Command::Close => self.agent.close(),
        }
    }
}

impl Machine for Ice {
    type Event = Event;

    fn handle_input(&mut self, now: Instant, path: Path, datagram: &mut [u8]) {
        if datagram.first().is_some_and(|&first| first < 4) {
            repair_stun(datagram);
        }
        let payload = self.agent.open(now, path, datagram);
        assert!(
            payload.is_none() || !self.is_over,
            "nothing is heard after the end"
        );
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.agent.handle_timeout(now);
    }

    fn poll_transmit(&mut self, now: Instant, out: &mut Writer<'_>) -> Option<Path> {
        let mut path = self.agent.poll_transmit(now, out);
        if path.is_none() && std::mem::take(&mut self.is_sending) {
            path = self.agent.seal(out, |w| {
                w.u8(0x80);
                true
            });
        }
        assert!(
            path.is_none() || !self.is_over,
            "nothing is said after the end"
        );
        path
    }

    fn poll_event(&mut self) -> Option<Event> {
        let event = self.agent.poll_event()?;
        assert!(!self.is_over, "nothing happens after the end");
        self.is_over = event == Event::Closed;
        Some(event)
    }

    fn poll_timeout(&self) -> Option<Instant> {
        let next = self.agent.poll_timeout();
        assert!(next.is_none() || !self.is_over, "no clock after the end");
        next
    }
}
