//! What does a host's firewall let pass?

use alloc::collections::BTreeMap;
use core::net::SocketAddr;
use core::time::Duration;

use super::nat::Ports;
use crate::time::Instant;

/// A firewall in front of one host.
///
/// The default lets all pass.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Firewall {
    /// To and from which ports of others datagrams pass.
    pub udp: Passage,
    /// To which ports of others streams may be opened, and from which.
    pub tcp: Passage,
    /// Whether only answers come in: from where the host has sent to before.
    pub only_answers: bool,
}

/// Which ports may be spoken to?
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub enum Passage {
    /// All.
    #[default]
    Open,
    /// Only these.
    Ports(&'static [u16]),
    /// None.
    Closed,
}

impl Firewall {
    /// A company's: no UDP at all, TCP as it likes.
    pub const NO_UDP: Self = Self {
        udp: Passage::Closed,
        tcp: Passage::Open,
        only_answers: true,
    };

    /// All goes out, and answers come in.
    pub const ONLY_ANSWERS: Self = Self {
        udp: Passage::Open,
        tcp: Passage::Open,
        only_answers: true,
    };
}

impl Passage {
    fn admits(&self, port: u16) -> bool {
        match self {
            Self::Open => true,
            Self::Ports(ports) => ports.contains(&port),
            Self::Closed => false,
        }
    }
}

/// A firewall at work.
#[derive(Debug)]
pub(super) struct Wall {
    firewall: Firewall,
    /// From which socket to which address was sent, and when last.
    spoken: BTreeMap<(Ports, SocketAddr, SocketAddr), Instant>,
}

impl Wall {
    pub(super) const fn new(firewall: Firewall) -> Self {
        Self {
            firewall,
            spoken: BTreeMap::new(),
        }
    }

    /// Whether a packet may leave.
    pub(super) fn leaves(&mut self, now: Instant, ports: Ports, ends: [SocketAddr; 2]) -> bool {
        let [local, remote] = ends;
        let passes = self.passage(ports).admits(remote.port());
        if passes && self.firewall.only_answers {
            self.spoken.insert((ports, local, remote), now);
        }
        passes
    }

    /// Whether a packet may come in.
    pub(super) fn enters(&self, now: Instant, ports: Ports, ends: [SocketAddr; 2]) -> bool {
        let [local, remote] = ends;
        let last = self.spoken.get(&(ports, local, remote));
        let answers = last.is_some_and(|last| now - *last <= TIMEOUT);
        self.passage(ports).admits(remote.port()) && (answers || !self.firewall.only_answers)
    }

    const fn passage(&self, ports: Ports) -> &Passage {
        match ports {
            Ports::Datagrams => &self.firewall.udp,
            Ports::Streams => &self.firewall.tcp,
        }
    }
}

/// For how long an answer is expected.
const TIMEOUT: Duration = Duration::from_secs(120);

#[cfg(test)]
mod tests {
    use super::*;

    fn ends(remote: &str) -> [SocketAddr; 2] {
        ["10.0.0.2:5000", remote].map(|text| text.parse().unwrap())
    }

    const NOW: Instant = Instant::ZERO;

    #[test]
    fn ports_that_are_not_listed_are_closed() {
        let mut wall = Wall::new(Firewall {
            udp: Passage::Ports(&[3478]),
            ..Firewall::default()
        });
        let server = ends("192.0.2.1:3478");
        let other = ends("192.0.2.1:3479");
        assert!(wall.leaves(NOW, Ports::Datagrams, server));
        assert!(!wall.leaves(NOW, Ports::Datagrams, other));
        assert!(wall.enters(NOW, Ports::Datagrams, server));
        assert!(!wall.enters(NOW, Ports::Datagrams, other));
        assert!(wall.leaves(NOW, Ports::Streams, other));
    }

    #[test]
    fn only_answers_come_in_for_a_while() {
        let mut wall = Wall::new(Firewall::ONLY_ANSWERS);
        let friend = ends("192.0.2.1:3478");
        assert!(!wall.enters(NOW, Ports::Datagrams, friend));
        assert!(wall.leaves(NOW, Ports::Datagrams, friend));
        assert!(wall.enters(NOW, Ports::Datagrams, friend));
        assert!(!wall.enters(NOW, Ports::Datagrams, ends("192.0.2.1:3479")));
        assert!(!wall.enters(NOW + Duration::from_secs(121), Ports::Datagrams, friend));
    }

    #[test]
    fn a_company_lets_no_datagram_pass() {
        let mut wall = Wall::new(Firewall::NO_UDP);
        let server = ends("192.0.2.1:3478");
        assert!(!wall.leaves(NOW, Ports::Datagrams, server));
        assert!(!wall.enters(NOW, Ports::Datagrams, server));
        assert!(wall.leaves(NOW, Ports::Streams, server));
    }
}
