//! Where can an agent be reached, and how good is each place (RFC 8445 §5.1)?

use alloc::vec::Vec;
use core::fmt::Write as _;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use thiserror::Error;

use super::TransportPolicy;
use crate::net::{Candidate, CandidateAddress, CandidateKind, Foundation, Path, Protocol, TcpKind};

/// Where we can be reached.
#[derive(Clone, Debug)]
pub(super) struct LocalCandidate {
    pub(super) candidate: Candidate,
    /// Where it is, which the candidate may hide behind a name.
    pub(super) address: SocketAddr,
    /// The address of the socket that it sends from.
    pub(super) base: SocketAddr,
    /// The server that it was learned from.
    pub(super) server: Option<IpAddr>,
    /// Whether its socket is another agent's, too, whose relays it has.
    pub(super) shared: bool,
    /// Whether the application was told of it.
    pub(super) announced: bool,
}

impl LocalCandidate {
    /// Whether the peer may be told of it, and pairs may be made of it.
    pub(super) fn is_public(&self, policy: TransportPolicy) -> bool {
        let is_relayed = self.candidate.kind == CandidateKind::Relayed;
        policy == TransportPolicy::All || is_relayed
    }

    /// The way to a remote candidate, if they may pair: from the base, as another
    /// candidate of it would make only redundant pairs (RFC 8445 §6.1.2.4). With the
    /// local port zero if a stream has to be opened for it.
    pub(super) fn path_to(&self, remote: &RemoteCandidate) -> Option<Path> {
        let Candidate {
            kind,
            protocol,
            tcp,
            ..
        } = self.candidate;
        let theirs = &remote.candidate;
        let may_pair = may_pair(self.base.ip(), remote.address.ip());
        // A server need not learn which address hides behind a name.
        let is_name = matches!(theirs.address, CandidateAddress::Name { .. });
        let tells_name = kind == CandidateKind::Relayed && is_name;
        if self.address != self.base || protocol != theirs.protocol || !may_pair || tells_name {
            return None;
        }
        let mut local = self.base;
        // RFC 6544 §6.2: who connects makes the pair; the other one waits for a check.
        match (tcp, theirs.tcp) {
            (None, None) => {}
            (Some(TcpKind::Active), Some(TcpKind::Passive)) => local.set_port(0),
            (Some(TcpKind::Passive), Some(TcpKind::Active))
                if theirs.kind == CandidateKind::PeerReflexive => {}
            _ => return None,
        }
        Some(Path {
            local,
            remote: seen_from(self.base, remote.address),
            protocol,
        })
    }

    /// Whether datagrams of `path` leave from it and arrive at it.
    pub(super) fn is_base_of(&self, path: Path) -> bool {
        if self.candidate.protocol != path.protocol || self.address != self.base {
            return false;
        }
        match self.candidate.tcp {
            // Each stream that we open has a port of its own.
            Some(TcpKind::Active) => self.base.ip() == path.local.ip(),
            _ => self.base == path.local,
        }
    }
}

/// Where the peer might be reached.
#[derive(Clone, Debug)]
pub(super) struct RemoteCandidate {
    pub(super) candidate: Candidate,
    pub(super) address: SocketAddr,
}

/// Why is a remote candidate not used?
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum CandidateError {
    /// Its kind of address is not supported: a name that is not of multicast DNS,
    /// simultaneous open of TCP, or a second component.
    /// The connection can still be made over others.
    #[error("this kind of candidate is not supported")]
    Unsupported,
    /// Nobody can be reached there: a zero port, or an unspecified, multicast or
    /// IPv4-mapped address.
    #[error("nobody can be reached at this address")]
    Unreachable,
    /// Its priority is zero or above 2³¹ − 1.
    #[error("the priority is not from 1 to 2147483647")]
    Priority,
    /// It belongs to other credentials than those that are set.
    #[error("the candidate belongs to other credentials")]
    OtherUfrag,
    /// There are as many as the limit allows.
    #[error("there are too many candidates")]
    TooMany,
    /// The agent is closed.
    #[error("the agent is closed")]
    Closed,
}

/// The address of a remote candidate that this agent can use.
pub(super) fn usable_address(candidate: &Candidate) -> Result<SocketAddr, CandidateError> {
    let address = candidate.address.ip().ok_or(CandidateError::Unsupported)?;
    usable_at(candidate, address)
}

/// The same for a candidate whose name stands for `address`.
pub(super) fn usable_at(
    candidate: &Candidate,
    address: SocketAddr,
) -> Result<SocketAddr, CandidateError> {
    let is_supported = match (candidate.protocol, candidate.tcp) {
        (Protocol::Udp, None) => true,
        (Protocol::Tcp, tcp) => matches!(tcp, Some(TcpKind::Active | TcpKind::Passive)),
        _ => false,
    };
    if candidate.component != COMPONENT || !is_supported {
        return Err(CandidateError::Unsupported);
    }
    if !is_reachable(address) {
        return Err(CandidateError::Unreachable);
    }
    // RFC 8839 §5.1: a positive number of 31 bits.
    if !(1..=0x7fff_ffff).contains(&candidate.priority) {
        return Err(CandidateError::Priority);
    }
    Ok(address)
}

/// Whether a datagram could be sent to `address`.
pub(super) fn is_reachable(address: SocketAddr) -> bool {
    let ip = address.ip();
    let is_mapped = matches!(ip, IpAddr::V6(ip) if ip.to_ipv4_mapped().is_some());
    let is_broadcast = matches!(ip, IpAddr::V4(ip) if ip.is_broadcast());
    address.port() != 0 && !(ip.is_unspecified() || ip.is_multicast() || is_mapped || is_broadcast)
}

/// RFC 8445 §6.1.2.2: candidates pair within one family, and link-local IPv6
/// addresses among themselves.
pub(super) fn may_pair(local: IpAddr, remote: IpAddr) -> bool {
    local.is_ipv4() == remote.is_ipv4() && is_link_local(local) == is_link_local(remote)
}

fn is_link_local(ip: IpAddr) -> bool {
    matches!(ip, IpAddr::V6(ip) if ip.is_unicast_link_local())
}

/// `remote` as seen from the socket at `local`: a link-local address means
/// something only on one interface, and the flow label means nothing here.
pub(super) fn seen_from(local: SocketAddr, remote: SocketAddr) -> SocketAddr {
    match (local, remote) {
        (SocketAddr::V6(local), SocketAddr::V6(mut remote)) => {
            let scoped = remote.ip().is_unicast_link_local();
            remote.set_scope_id(if scoped { local.scope_id() } else { 0 });
            remote.set_flowinfo(0);
            SocketAddr::V6(remote)
        }
        _ => remote,
    }
}

/// RFC 8445 §5.1.2.1: type first, then our preference among addresses, then the
/// component.
pub(super) fn priority(kind: CandidateKind, local_preference: u16) -> u32 {
    compose(type_preference(kind), local_preference)
}

/// The priority of a host candidate of TCP (RFC 6544 §4.2): below those of UDP,
/// above those of relays, and rather opening streams than waiting for them.
/// `nth` counts as in [`local_preference`].
pub(super) fn tcp_priority(tcp: TcpKind, ip: IpAddr, nth: usize) -> u32 {
    let direction: u16 = match tcp {
        TcpKind::Active => 6,
        TcpKind::Passive => 4,
        TcpKind::SimultaneousOpen => 2,
    };
    let other = 0x1fff - (u16::MAX - local_preference(ip, nth)).min(0x1fff);
    compose(TCP_HOST, direction << 13 | other)
}

fn compose(type_preference: u32, local_preference: u16) -> u32 {
    type_preference << 24 | u32::from(local_preference) << 8 | (256 - u32::from(COMPONENT))
}

/// The priority that `candidate` would have as a peer-reflexive one: what a check
/// from it says in PRIORITY (RFC 8445 §7.1.1).
pub(super) fn reflexive_priority(candidate: &Candidate) -> u32 {
    let kind = match candidate.protocol {
        Protocol::Udp => type_preference(CandidateKind::PeerReflexive),
        Protocol::Tcp | Protocol::Tls => TCP_REFLEXIVE,
    };
    kind << 24 | candidate.priority & 0x00ff_ffff
}

/// RFC 8445 §5.1.2.2.
const fn type_preference(kind: CandidateKind) -> u32 {
    match kind {
        CandidateKind::Host => 126,
        CandidateKind::PeerReflexive => 110,
        CandidateKind::ServerReflexive => 100,
        CandidateKind::Relayed => 0,
    }
}

/// RFC 8421 §4: IPv6 first, and the families taking turns, so that a family
/// which does not work costs one check and not all of its own. `nth` counts the
/// addresses of the same family that came before.
pub(super) fn local_preference(ip: IpAddr, nth: usize) -> u16 {
    let turn = nth
        .saturating_mul(2)
        .saturating_add(usize::from(ip.is_ipv4()));
    u16::MAX - u16::try_from(turn).unwrap_or(u16::MAX)
}

/// The preference of a candidate among those of its kind.
pub(super) fn local_preference_of(candidate: &Candidate) -> u16 {
    let [_, high, low, _] = candidate.priority.to_be_bytes();
    u16::from_be_bytes([high, low])
}

/// In the place of an address that the peer is not to learn
/// (draft-ietf-mmusic-mdns-ice-candidates §3.1.2.2).
pub(super) fn nothing_like(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
    };
    SocketAddr::new(ip, DISCARD)
}

/// RFC 8445 §5.1.1.3: one foundation for candidates of one kind, base address,
/// protocol and server.
pub(super) fn foundation(
    existing: &[LocalCandidate],
    kind: CandidateKind,
    base: IpAddr,
    protocol: Protocol,
    server: Option<IpAddr>,
) -> Foundation {
    let known = existing.iter().find(|local| {
        let is_alike = (local.candidate.kind, local.candidate.protocol) == (kind, protocol);
        is_alike && local.base.ip() == base && local.server == server
    });
    if let Some(known) = known {
        return known.candidate.foundation;
    }
    let mut seen: Vec<_> = existing
        .iter()
        .map(|local| local.candidate.foundation)
        .collect();
    seen.sort_unstable();
    seen.dedup();
    numbered("", seen.len() + 1)
}

/// A foundation that no signalled candidate has: `prflx` and a number is not
/// something that anybody else writes, and no two are alike (RFC 8445 §7.3.1.3).
pub(super) fn learned_foundation(number: usize) -> Foundation {
    numbered("prflx", number)
}

fn numbered(prefix: &str, number: usize) -> Foundation {
    let mut foundation = Foundation::new();
    // At most 5 + 20 of 32 characters.
    let _ = write!(foundation, "{prefix}{number}");
    foundation
}

/// The peer's end of a check that came from where nobody was expected.
pub(super) fn learned(path: Path, priority: u32, number: usize) -> RemoteCandidate {
    let Path {
        remote: address,
        protocol,
        ..
    } = path;
    RemoteCandidate {
        candidate: Candidate {
            foundation: learned_foundation(number),
            component: COMPONENT,
            protocol,
            priority,
            address: CandidateAddress::Ip(address),
            kind: CandidateKind::PeerReflexive,
            related: None,
            tcp: (protocol == Protocol::Tcp).then_some(TcpKind::Active),
            ufrag: None,
        },
        address,
    }
}

/// RFC 8445 §6.1.2.3, where `controlling` and `controlled` are the priorities of
/// the candidates at those ends, of 31 bits each.
pub(super) fn pair_priority(controlling: u32, controlled: u32) -> u64 {
    let (g, d) = (u64::from(controlling), u64::from(controlled));
    (g.min(d) << 32) + 2 * g.max(d) + u64::from(g > d)
}

/// The type preferences of TCP: RFC 6544 §4.2 leaves them to us.
const TCP_HOST: u32 = 90;
const TCP_REFLEXIVE: u32 = 80;

/// The port that stands where there is none.
pub(super) const DISCARD: u16 = 9;

/// Everything is multiplexed on one component (RFC 8843).
pub(super) const COMPONENT: u16 = 1;
