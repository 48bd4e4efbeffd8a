//! A UDP socket.
//!
//! Datagrams are read and written in batches where the system can do that; everything else is
//! `recvfrom` and `sendto`.

use std::io::{self, IoSliceMut};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use pollrtc::net::{Ecn, Path, Transmit};
use pollrtc::{Instant, PeerConnection};
use quinn_udp::{BATCH_SIZE, EcnCodepoint, RecvMeta, UdpSocketState};
use socket2::{Domain, Socket, Type};

/// One bound socket.
pub(crate) struct UdpSocket {
    io: mio::net::UdpSocket,
    state: UdpSocketState,
    local: SocketAddr,
}

impl UdpSocket {
    /// Binds to an address of this machine; port 0 takes a free one.
    pub(crate) fn bind(address: SocketAddr) -> io::Result<Self> {
        let io = mio::net::UdpSocket::bind(address)?;
        let local = io.local_addr()?;
        Self::new(io, local)
    }

    /// Joins the group of multicast DNS (RFC 6762 §3) in the network of that address. Others on this
    /// machine have joined it too, so the port is shared.
    pub(crate) fn join_mdns(address: IpAddr) -> io::Result<Self> {
        let IpAddr::V4(interface) = address else {
            return Err(io::ErrorKind::Unsupported.into());
        };
        let socket = Socket::new(Domain::IPV4, Type::DGRAM, None)?;
        socket.set_nonblocking(true)?;
        socket.set_reuse_address(true)?;
        #[cfg(unix)]
        socket.set_reuse_port(true)?;
        socket.bind(&SocketAddr::from((Ipv4Addr::UNSPECIFIED, MDNS_PORT)).into())?;
        socket.join_multicast_v4(&MDNS_GROUP, &interface)?;
        socket.set_multicast_if_v4(&interface)?;
        // RFC 6762 §11: other hosts of the link may insist on it.
        socket.set_multicast_ttl_v4(255)?;
        let io = mio::net::UdpSocket::from_std(socket.into());
        Self::new(io, (interface, MDNS_PORT).into())
    }

    fn new(io: mio::net::UdpSocket, local: SocketAddr) -> io::Result<Self> {
        let state = UdpSocketState::new((&io).into())?;
        // More room than the default, as far as the system allows: bursts are no loss then.
        state.set_recv_buffer_size((&io).into(), SOCKET_BUFFER)?;
        state.set_send_buffer_size((&io).into(), SOCKET_BUFFER)?;
        Ok(Self { io, state, local })
    }

    /// What the library calls it: the address at which it receives.
    pub(crate) const fn local(&self) -> SocketAddr {
        self.local
    }

    /// What has to be registered with the poll of the loop.
    pub(crate) const fn source(&mut self) -> &mut mio::net::UdpSocket {
        &mut self.io
    }

    /// Gives what has arrived to `peer`; `true` if there may be more.
    pub(crate) fn receive(
        &self,
        peer: &mut PeerConnection,
        now: Instant,
        buffers: &mut Buffers,
    ) -> io::Result<bool> {
        for _ in 0..BATCHES_AT_ONCE {
            let mut metas = [RecvMeta::default(); BATCH_SIZE];
            let mut slices = buffers.slices();
            let count = match self.state.recv((&self.io).into(), &mut slices, &mut metas) {
                Ok(count) => count,
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                // On some systems, an ICMP answer to an earlier datagram: consent tells what is reachable.
                Err(e) if e.kind() == io::ErrorKind::ConnectionReset => return Ok(true),
                Err(e) => return Err(e),
            };
            for (slice, meta) in slices.iter_mut().zip(&metas).take(count) {
                let path = Path::udp(self.local, meta.addr);
                for datagram in slice[..meta.len].chunks_mut(meta.stride.max(1)) {
                    peer.handle_input(now, path, datagram);
                }
            }
        }
        Ok(true)
    }

    /// How many datagrams the system takes in one call.
    pub(crate) fn at_once(&self) -> usize {
        self.state.max_gso_segments().min(MAX_SEGMENTS)
    }

    /// `false` if the system has no room: try again later.
    pub(crate) fn send(&self, transmit: &Transmit, bytes: &[u8]) -> bool {
        let transmit = for_system(transmit, bytes);
        let sent = self.state.try_send((&self.io).into(), &transmit);
        // Other errors: the datagrams are lost, as datagrams may be. Consent tells what is reachable.
        !sent.is_err_and(|e| e.kind() == io::ErrorKind::WouldBlock)
    }
}

/// Room for one batch of arriving datagrams, shared by all sockets of a loop.
pub(crate) struct Buffers(Vec<u8>);

impl Buffers {
    /// A single one.
    pub(crate) fn one(&mut self) -> &mut [u8] {
        &mut self.0[..BUFFER]
    }

    fn slices(&mut self) -> [IoSliceMut<'_>; BATCH_SIZE] {
        let mut chunks = self.0.chunks_exact_mut(BUFFER);
        core::array::from_fn(|_| IoSliceMut::new(chunks.next().unwrap_or_default()))
    }
}

impl Default for Buffers {
    fn default() -> Self {
        Self(vec![0; BUFFER * BATCH_SIZE])
    }
}

fn for_system<'a>(transmit: &Transmit, bytes: &'a [u8]) -> quinn_udp::Transmit<'a> {
    quinn_udp::Transmit {
        destination: transmit.path.remote,
        ecn: match transmit.ecn {
            Ecn::NotEct => None,
            Ecn::Ect0 => Some(EcnCodepoint::Ect0),
            Ecn::Ect1 => Some(EcnCodepoint::Ect1),
            Ecn::Ce => Some(EcnCodepoint::Ce),
        },
        contents: bytes,
        segment_size: transmit.segment_size,
        src_ip: None,
    }
}

const SOCKET_BUFFER: usize = 4 << 20;
/// The largest UDP payload, or what the system merged of a flow.
const BUFFER: usize = 65_535;
/// How much is read before timers and answers get their turn.
const BATCHES_AT_ONCE: usize = 4;
/// Keeps one segmented send within 64 KiB.
const MAX_SEGMENTS: usize = 32;
const MDNS_GROUP: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 251);
const MDNS_PORT: u16 = 5353;
