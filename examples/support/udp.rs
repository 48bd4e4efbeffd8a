//! A UDP socket for a peer connection: what the library leaves to the application.
//!
//! Datagrams are read and written in batches where the system can do that; everything else is
//! `recvfrom` and `sendto`. The socket never blocks: the loop around it waits in `mio::Poll`.

use std::io::{self, IoSliceMut};
use std::net::SocketAddr;

use mio::net::UdpSocket;
use pollrtc::net::{Ecn, Path, Transmit};
use pollrtc::{Instant, PeerConnection};
use quinn_udp::{BATCH_SIZE, EcnCodepoint, RecvMeta, UdpSocketState};

/// One bound socket.
pub(crate) struct Socket {
    io: UdpSocket,
    state: UdpSocketState,
    local: SocketAddr,
    /// What the system had no room for, kept for the next attempt.
    unsent: Option<Transmit>,
    out: Vec<u8>,
}

impl Socket {
    /// Binds to an address of this machine; port 0 takes a free one.
    pub(crate) fn bind(address: SocketAddr) -> io::Result<Self> {
        let io = UdpSocket::bind(address)?;
        let state = UdpSocketState::new((&io).into())?;
        // More room than the default, as far as the system allows: bursts are no loss then.
        state.set_recv_buffer_size((&io).into(), SOCKET_BUFFER)?;
        state.set_send_buffer_size((&io).into(), SOCKET_BUFFER)?;
        Ok(Self {
            local: io.local_addr()?,
            io,
            state,
            unsent: None,
            out: Vec::new(),
        })
    }

    /// The address it is bound to.
    pub(crate) const fn local(&self) -> SocketAddr {
        self.local
    }

    /// What has to be registered with the poll of the loop.
    pub(crate) const fn source(&mut self) -> &mut UdpSocket {
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
                // On some systems: an ICMP answer to an earlier datagram. Consent tells what is reachable.
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

    /// Sends all that `peer` has to say; `false` if the system has no room, then try again later.
    pub(crate) fn send(&mut self, peer: &mut PeerConnection, now: Instant) -> bool {
        let at_once = self.state.max_gso_segments().min(MAX_SEGMENTS);
        loop {
            let transmit = match self.unsent.take() {
                Some(transmit) => transmit,
                None => {
                    self.out.clear();
                    match peer.poll_transmit(now, at_once, &mut self.out) {
                        Some(transmit) => transmit,
                        None => return true,
                    }
                }
            };
            match self
                .state
                .try_send((&self.io).into(), &for_system(&transmit, &self.out))
            {
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => {
                    self.unsent = Some(transmit);
                    return false;
                }
                // The datagrams are lost, as datagrams may be. Consent tells what is reachable.
                Ok(()) | Err(_) => {}
            }
        }
    }
}

/// Room for one batch of arriving datagrams, shared by all sockets of a loop.
pub(crate) struct Buffers(Vec<u8>);

impl Buffers {
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
