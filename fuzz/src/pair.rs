//! Two machines and a network that does what the fuzzer says.

use std::collections::VecDeque;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use arbitrary::Arbitrary;
use pollrtc::cursor::Writer;
use pollrtc::net::Path;
use pollrtc::sim::Machine;
use pollrtc::time::Instant;

/// One of the two ends.
#[derive(Arbitrary, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    A,
    B,
}

impl Side {
    pub fn other(self) -> Self {
        match self {
            Self::A => Self::B,
            Self::B => Self::A,
        }
    }
}

/// What happens next? `C` is what an owner can ask of the machine.
#[derive(Arbitrary, Clone, Debug)]
pub enum Step<C> {
    /// A datagram on its way to `to` arrives.
    Deliver { to: Side, index: u8 },
    /// It is lost.
    Lose { to: Side, index: u8 },
    /// It arrives, and stays on its way too.
    Repeat { to: Side, index: u8 },
    /// It is damaged on its way.
    Damage {
        to: Side,
        index: u8,
        at: u16,
        with: u8,
    },
    /// It is cut on its way.
    Cut { to: Side, index: u8, len: u16 },
    /// Somebody else sends something.
    Inject {
        to: Side,
        from: u8,
        datagram: Vec<u8>,
    },
    /// Time passes, and nobody is told.
    Wait { millis: u16 },
    /// Time passes until somebody has something to do.
    Timeout,
    /// An owner asks for something.
    Command { of: Side, command: C },
}

/// Two machines, the datagrams on their way, and the time.
pub struct Pair<M> {
    machines: [M; 2],
    /// Those to A, those to B.
    wires: [VecDeque<Datagram>; 2],
    now: Instant,
    /// Whether anything arrived that nobody had sent so.
    is_attacked: bool,
}

/// Bytes, and where they come from and go to, as the receiver sees it.
type Datagram = (Path, Vec<u8>);

impl<M: Machine> Pair<M> {
    pub fn new(a: M, b: M) -> Self {
        let mut pair = Self {
            machines: [a, b],
            wires: [VecDeque::new(), VecDeque::new()],
            now: Instant::ZERO,
            is_attacked: false,
        };
        pair.poll(Side::A);
        pair.poll(Side::B);
        pair
    }

    /// Lets one thing happen. Both ends are asked for all they have to say, as
    /// the application's loop would.
    pub fn step<C>(&mut self, step: Step<C>, command: impl FnOnce(&mut M, Instant, C)) {
        match step {
            Step::Deliver { to, index } => {
                if let Some(datagram) = self.take(to, index) {
                    self.deliver(to, datagram);
                }
            }
            Step::Lose { to, index } => drop(self.take(to, index)),
            Step::Repeat { to, index } => {
                if let Some(datagram) = self.at(to, index).cloned() {
                    self.deliver(to, datagram);
                }
            }
            Step::Damage {
                to,
                index,
                at,
                with,
            } => {
                self.is_attacked = true;
                if let Some((_, datagram)) = self.at(to, index) {
                    let at = usize::from(at) % datagram.len();
                    datagram[at] ^= with;
                }
            }
            Step::Cut { to, index, len } => {
                self.is_attacked = true;
                if let Some((_, datagram)) = self.at(to, index) {
                    let len = usize::from(len) % datagram.len();
                    datagram.truncate(len.max(1));
                }
            }
            Step::Inject { to, from, datagram } => {
                self.is_attacked = true;
                let mut path = path(to);
                path.remote.set_port(path.remote.port() + u16::from(from));
                self.deliver(to, (path, datagram));
            }
            Step::Wait { millis } => self.now += Duration::from_millis(millis.into()),
            Step::Timeout => {
                self.timeout();
            }
            Step::Command { of, command: what } => {
                command(&mut self.machines[of as usize], self.now, what);
                self.poll(of);
            }
        }
    }

    /// A network that loses nothing, for as long as there is anything to do, at
    /// most until `until`.
    pub fn calm(&mut self, until: Instant) {
        loop {
            let mut idle = true;
            for to in [Side::A, Side::B] {
                while let Some(datagram) = self.wires[to as usize].pop_front() {
                    self.deliver(to, datagram);
                    idle = false;
                }
            }
            let is_over = self.next_timeout().is_none_or(|next| next > until);
            if idle && (is_over || !self.timeout()) {
                return;
            }
        }
    }

    pub fn now(&self) -> Instant {
        self.now
    }

    pub fn machine(&mut self, side: Side) -> &mut M {
        &mut self.machines[side as usize]
    }

    /// Whether all that arrived had been sent.
    pub fn is_honest(&self) -> bool {
        !self.is_attacked
    }

    fn at(&mut self, to: Side, index: u8) -> Option<&mut Datagram> {
        let wire = &mut self.wires[to as usize];
        let index = usize::from(index).checked_rem(wire.len())?;
        wire.get_mut(index)
    }

    fn take(&mut self, to: Side, index: u8) -> Option<Datagram> {
        let wire = &mut self.wires[to as usize];
        let index = usize::from(index).checked_rem(wire.len())?;
        wire.remove(index)
    }

    fn deliver(&mut self, to: Side, (path, mut datagram): Datagram) {
        self.machines[to as usize].handle_input(self.now, path, &mut datagram);
        self.poll(to);
    }

    fn next_timeout(&self) -> Option<Instant> {
        let timeouts = self.machines.iter().map(Machine::poll_timeout);
        timeouts.flatten().min()
    }

    /// Goes to the next deadline, if there is one.
    fn timeout(&mut self) -> bool {
        let Some(next) = self.next_timeout() else {
            return false;
        };
        self.now = self.now.max(next);
        for side in [Side::A, Side::B] {
            let machine = &mut self.machines[side as usize];
            machine.handle_timeout(self.now);
            // The third law.
            let next = machine.poll_timeout();
            assert!(next.is_none_or(|next| next > self.now), "expired: {next:?}");
            self.poll(side);
        }
        true
    }

    fn poll(&mut self, side: Side) {
        let machine = &mut self.machines[side as usize];
        let wire = &mut self.wires[side.other() as usize];
        for count in 0.. {
            assert!(count < MAX_BURST, "it never stops sending");
            let mut buf = Vec::new();
            let sent = machine.poll_transmit(self.now, &mut Writer::new(&mut buf, MTU));
            // The fifth law.
            assert_eq!(sent.is_some(), !buf.is_empty());
            assert!(buf.len() <= MTU);
            let Some(path) = sent else { break };
            if wire.len() < MAX_ON_THE_WIRE {
                wire.push_back((Path::udp(path.remote, path.local), buf));
            }
        }
        for count in 0.. {
            assert!(count < MAX_BURST, "it never stops talking");
            if machine.poll_event().is_none() {
                break;
            }
        }
    }
}

/// The way from one end to the other, as the first sees it.
pub fn path(of: Side) -> Path {
    let address = |side: Side| SocketAddr::from((Ipv4Addr::LOCALHOST, 1000 * (1 + side as u16)));
    Path::udp(address(of), address(of.other()))
}

const MTU: usize = 1200;

/// How many datagrams or events a machine may have at once.
const MAX_BURST: usize = 5000;

/// What the network holds; the rest is lost.
const MAX_ON_THE_WIRE: usize = 256;
