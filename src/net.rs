//! Where does a datagram come from, and where does it go?

use core::fmt;
use core::net::SocketAddr;

use alloc::string::String;
use arrayvec::ArrayString;

/// How do the bytes travel between the two addresses of a [`Path`]?
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Protocol {
    /// Datagrams over UDP.
    Udp,
    /// A TCP stream: frames between peers (RFC 4571), messages to a server (RFC 8656 §3.1).
    Tcp,
    /// A TLS stream of the application's to a server. No candidate has it.
    Tls,
}

impl Protocol {
    /// Whether bytes arrive in order but without the borders of datagrams.
    #[must_use]
    pub const fn is_stream(self) -> bool {
        matches!(self, Self::Tcp | Self::Tls)
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Udp => "udp",
            Self::Tcp => "tcp",
            Self::Tls => "tls",
        })
    }
}

/// From which of our addresses to which address of the peer?
///
/// `local` is the address that the application's socket is bound to, `remote`
/// is where the datagram came from or goes to. Of a stream, `local` is the address
/// of the connected socket, and of one that was accepted that of its listener, so
/// that no two streams have one path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Path {
    /// Our socket's address.
    pub local: SocketAddr,
    /// The other end's address.
    pub remote: SocketAddr,
    /// What carries the datagrams.
    pub protocol: Protocol,
}

impl Path {
    /// A path over UDP.
    #[must_use]
    pub const fn udp(local: SocketAddr, remote: SocketAddr) -> Self {
        Self {
            local,
            remote,
            protocol: Protocol::Udp,
        }
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}>{}", self.protocol, self.local, self.remote)
    }
}

/// What does the IP header say of congestion (RFC 3168 §5)?
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Ecn {
    /// The transport does not use ECN.
    #[default]
    NotEct,
    /// ECN-capable, codepoint 0.
    Ect0,
    /// ECN-capable, codepoint 1.
    Ect1,
    /// Congestion was experienced.
    Ce,
}

/// What should the application do with the bytes it was just given?
///
/// The buffer handed to `poll_transmit` holds `len` new bytes for `path`. If
/// `segment_size` is set they are several datagrams of that size (the last may
/// be shorter), ready for UDP segmentation offload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transmit {
    /// Which socket sends it, and to whom.
    pub path: Path,
    /// How many bytes were appended to the buffer.
    pub len: usize,
    /// The size of each datagram, if there is more than one.
    pub segment_size: Option<usize>,
    /// How to mark the IP header.
    pub ecn: Ecn,
}

/// How was a candidate's address learned (RFC 8445 §5.1.1)?
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CandidateKind {
    /// An address of one of the host's interfaces.
    Host,
    /// The address that a STUN server saw.
    ServerReflexive,
    /// The address that the peer's check came from, or saw.
    PeerReflexive,
    /// An address of a TURN server that forwards to us.
    Relayed,
}

/// Which candidates share a fate for freezing (RFC 8445 §5.1.1.3)? 1 to 32 `ice-char`.
pub type Foundation = ArrayString<32>;

/// Where can a candidate be reached?
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CandidateAddress {
    /// At an address.
    Ip(SocketAddr),
    /// At a host name that has to be resolved first, such as a browser's `.local` name.
    Name {
        /// The name, at most 255 bytes.
        host: String,
        /// The port.
        port: u16,
    },
}

impl CandidateAddress {
    /// The address, if it is known.
    #[must_use]
    pub const fn ip(&self) -> Option<SocketAddr> {
        match self {
            Self::Ip(address) => Some(*address),
            Self::Name { .. } => None,
        }
    }
}

/// Which end opens the stream of a TCP candidate (RFC 6544 §4.5)?
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TcpKind {
    /// It connects to us.
    Active,
    /// It waits for us to connect.
    Passive,
    /// Both ends connect at the same time.
    SimultaneousOpen,
}

/// An address at which a peer might be reached (RFC 8445 §5.1, RFC 8839 §5.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Which candidates freeze and thaw together.
    pub foundation: Foundation,
    /// 1 for RTP, and for everything multiplexed with it; 2 for RTCP apart.
    pub component: u16,
    /// What carries the datagrams.
    pub protocol: Protocol,
    /// The candidate's rank, 1 to 2³¹ − 1.
    pub priority: u32,
    /// Where to send.
    pub address: CandidateAddress,
    /// How the address was learned.
    pub kind: CandidateKind,
    /// The base of a reflexive candidate, the mapped address of a relayed one.
    pub related: Option<SocketAddr>,
    /// Who connects, for TCP.
    pub tcp: Option<TcpKind>,
    /// The user fragment of the generation it belongs to, if said.
    pub ufrag: Option<String>,
}
