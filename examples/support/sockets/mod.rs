//! The application's sockets: what the library leaves to its application, for a loop around `mio::Poll`.
//!
//! | the library | here |
//! |---|---|
//! | `add_local_address`, `add_tcp_listener`, `add_mdns_socket` | [`Sockets::open`], [`Sockets::introduce_to`] |
//! | `Event::Connect`, `Event::Release`, `Event::Resolve` | [`Sockets::fulfil`] |
//! | `handle_input`, `accepted`, `connected`, `disconnected`, `resolved` | called by [`Sockets::receive`] |
//! | `poll_transmit` | called by [`Sockets::send`] |
//!
//! Nothing blocks. Which socket woke the loop does not matter: there are few, and each turn asks all of them.

mod names;
mod stream;
mod tls;
mod udp;

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use mio::net::TcpListener;
use mio::{Interest, Registry, Token, Waker};
use pollrtc::net::{Path, Protocol, Transmit};
use pollrtc::peer::Event;
use pollrtc::{Instant, PeerConnection};

use self::names::Names;
use self::stream::Stream;
use self::tls::Tls;
use self::udp::UdpSocket;

pub(crate) use self::udp::Buffers;

/// All sockets of one connection.
pub(crate) struct Sockets {
    registry: Registry,
    token: Token,
    udp: Vec<UdpSocket>,
    mdns: Vec<UdpSocket>,
    listeners: Vec<TcpListener>,
    streams: Vec<Stream>,
    names: Names,
    tls: Tls,
    /// What the system had no room for, kept in `out` for the next attempt.
    unsent: Option<Transmit>,
    out: Vec<u8>,
}

impl Sockets {
    /// None yet. They all wake the poll of `registry` with `token`.
    pub(crate) fn new(registry: Registry, token: Token, waker: Arc<Waker>) -> Self {
        Self {
            registry,
            token,
            udp: Vec::new(),
            mdns: Vec::new(),
            listeners: Vec::new(),
            streams: Vec::new(),
            names: Names::new(waker),
            tls: Tls::default(),
            unsent: None,
            out: Vec::new(),
        }
    }

    /// Opens what can be had at an address of this machine: a UDP socket, a TCP listener, multicast DNS.
    pub(crate) fn open(&mut self, address: IpAddr) -> io::Result<()> {
        let any_port = SocketAddr::new(address, 0);
        let mut socket = UdpSocket::bind(any_port)?;
        self.register(socket.source())?;
        self.udp.push(socket);
        let mut listener = TcpListener::bind(any_port)?;
        self.register(&mut listener)?;
        self.listeners.push(listener);
        // A machine without multicast has no names that end in .local.
        if let Ok(mut socket) = UdpSocket::join_mdns(address) {
            self.register(socket.source())?;
            self.mdns.push(socket);
        }
        Ok(())
    }

    /// Opens UDP sockets for transports to come, at the address of the first: peers that do
    /// not bundle want one for each section.
    #[allow(dead_code, reason = "one of the examples needs it")]
    pub(crate) fn open_spares(
        &mut self,
        peer: &mut PeerConnection,
        count: usize,
    ) -> anyhow::Result<()> {
        let Some(first) = self.udp.first().map(UdpSocket::local) else {
            return Ok(());
        };
        for _ in 0..count {
            let mut socket = UdpSocket::bind(SocketAddr::new(first.ip(), 0))?;
            self.register(socket.source())?;
            peer.add_spare_address(socket.local())?;
            self.udp.push(socket);
        }
        Ok(())
    }

    /// Tells a new connection what there is.
    pub(crate) fn introduce_to(&self, peer: &mut PeerConnection) -> anyhow::Result<()> {
        for socket in &self.udp {
            peer.add_local_address(socket.local())?;
        }
        for listener in &self.listeners {
            peer.add_tcp_listener(listener.local_addr()?)?;
        }
        for socket in &self.mdns {
            peer.add_mdns_socket(socket.local())?;
        }
        Ok(())
    }

    /// Does what the connection asks of its sockets; any other event is given back.
    pub(crate) fn fulfil(
        &mut self,
        peer: &mut PeerConnection,
        now: Instant,
        event: Event,
    ) -> Option<Event> {
        match event {
            Event::Connect { path, server_name } => {
                if self.connect(path, server_name.as_deref()).is_err() {
                    peer.disconnected(now, path);
                }
            }
            Event::Release(path) => {
                for stream in self.streams.iter_mut().filter(|it| it.path() == path) {
                    stream.release();
                }
            }
            Event::Resolve(name) => self.names.look_up(name),
            other => return Some(other),
        }
        None
    }

    /// Gives what has arrived to `peer`; `true` if there may be more.
    pub(crate) fn receive(
        &mut self,
        peer: &mut PeerConnection,
        now: Instant,
        buffers: &mut Buffers,
    ) -> io::Result<bool> {
        let mut more = false;
        for socket in self.udp.iter().chain(&self.mdns) {
            more |= socket.receive(peer, now, buffers)?;
        }
        for (name, addresses) in self.names.answers() {
            peer.resolved(&name, &addresses);
        }
        self.accept(peer, now)?;
        self.streams.retain_mut(|stream| {
            let goes_on = stream.receive(peer, now, buffers.one());
            more |= matches!(goes_on, Ok(true));
            goes_on.is_ok()
        });
        Ok(more)
    }

    /// Sends all that `peer` has to say; what the system has no room for is kept for the next turn.
    pub(crate) fn send(&mut self, peer: &mut PeerConnection, now: Instant) {
        let at_once = self.udp.iter().map(UdpSocket::at_once).min().unwrap_or(1);
        loop {
            let transmit = match self.unsent.take() {
                Some(transmit) => transmit,
                None => {
                    self.out.clear();
                    match peer.poll_transmit(now, at_once, &mut self.out) {
                        Some(transmit) => transmit,
                        None => break,
                    }
                }
            };
            if !self.send_one(&transmit) {
                self.unsent = Some(transmit);
                break;
            }
        }
        for stream in &mut self.streams {
            stream.flush();
        }
    }

    /// `false` if the system has no room now.
    fn send_one(&mut self, transmit: &Transmit) -> bool {
        let path = transmit.path;
        if path.protocol == Protocol::Udp {
            let mut sockets = self.udp.iter().chain(&self.mdns);
            let socket = sockets.find(|socket| socket.local() == path.local);
            return socket.is_none_or(|socket| socket.send(transmit, &self.out));
        }
        if let Some(stream) = self.streams.iter_mut().find(|it| it.path() == path) {
            stream.push(&self.out);
        }
        true
    }

    fn connect(&mut self, path: Path, server_name: Option<&str>) -> anyhow::Result<()> {
        let tls = match path.protocol {
            Protocol::Tls => Some(self.tls.begin(server_name, path.remote.ip())?),
            Protocol::Tcp | Protocol::Udp => None,
        };
        let mut stream = Stream::connect(path, tls)?;
        self.register(stream.source())?;
        self.streams.push(stream);
        Ok(())
    }

    fn accept(&mut self, peer: &mut PeerConnection, now: Instant) -> io::Result<()> {
        for listener in &self.listeners {
            let local = listener.local_addr()?;
            // Whatever goes wrong with one attempt is the attempt's, not the listener's.
            while let Ok((mut socket, remote)) = listener.accept() {
                let interest = Interest::READABLE | Interest::WRITABLE;
                self.registry.register(&mut socket, self.token, interest)?;
                let path = Path {
                    local,
                    remote,
                    protocol: Protocol::Tcp,
                };
                self.streams.push(Stream::accepted(path, socket));
                peer.accepted(now, path);
            }
        }
        Ok(())
    }

    fn register(&self, source: &mut impl mio::event::Source) -> io::Result<()> {
        let interest = Interest::READABLE | Interest::WRITABLE;
        self.registry.register(source, self.token, interest)
    }
}
