//! One TCP stream, with TLS over it or without.

use std::io::{self, ErrorKind, Read, Write};
use std::net::SocketAddr;

use mio::net::TcpStream;
use pollrtc::net::Path;
use pollrtc::{Instant, PeerConnection};
use rustls::{ClientConnection, StreamOwned};
use socket2::{Domain, Socket, Type};

/// A stream that the library asked for, or that a listener accepted.
pub(crate) struct Stream {
    /// What the library calls it: until it is connected, what was asked for.
    path: Path,
    wire: Wire,
    phase: Phase,
    /// What the system had no room for.
    waiting: Vec<u8>,
    /// Whether TLS too has given everything to the system.
    is_flushed: bool,
}

enum Wire {
    Plain(TcpStream),
    Tls(Box<StreamOwned<ClientConnection, TcpStream>>),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Connecting,
    Open,
    /// Nobody wants it any more: it ends once everything is written.
    Released,
    Broken,
}

impl Stream {
    /// Begins to connect.
    pub(crate) fn connect(path: Path, tls: Option<ClientConnection>) -> io::Result<Self> {
        let socket = Socket::new(Domain::for_address(path.remote), Type::STREAM, None)?;
        socket.set_nonblocking(true)?;
        socket.bind(&SocketAddr::new(path.local.ip(), 0).into())?;
        match socket.connect(&path.remote.into()) {
            Err(e) if is_under_way(&e) => {}
            other => other?,
        }
        let socket = TcpStream::from_std(socket.into());
        socket.set_nodelay(true)?;
        let wire = match tls {
            Some(client) => Wire::Tls(Box::new(StreamOwned::new(client, socket))),
            None => Wire::Plain(socket),
        };
        Ok(Self {
            path,
            wire,
            phase: Phase::Connecting,
            waiting: Vec::new(),
            is_flushed: true,
        })
    }

    /// A stream that is there already.
    pub(crate) fn accepted(path: Path, socket: TcpStream) -> Self {
        // Without it the stream is slower, not wrong.
        let _ = socket.set_nodelay(true);
        Self {
            path,
            wire: Wire::Plain(socket),
            phase: Phase::Open,
            waiting: Vec::new(),
            is_flushed: true,
        }
    }

    pub(crate) const fn path(&self) -> Path {
        self.path
    }

    /// What has to be registered with the poll of the loop.
    pub(crate) fn source(&mut self) -> &mut TcpStream {
        match &mut self.wire {
            Wire::Plain(socket) => socket,
            Wire::Tls(tls) => &mut tls.sock,
        }
    }

    /// Nothing more is wanted of it.
    pub(crate) const fn release(&mut self) {
        self.phase = Phase::Released;
    }

    /// Appends bytes: all of them or, if the far side is too slow, none.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        if self.waiting.len() + bytes.len() > MAX_WAITING {
            self.flush();
        }
        if self.waiting.len() + bytes.len() <= MAX_WAITING {
            self.waiting.extend_from_slice(bytes);
            self.is_flushed = false;
        }
    }

    /// Writes what waits, as far as there is room.
    pub(crate) fn flush(&mut self) {
        if self.phase == Phase::Connecting {
            return;
        }
        let outcome = self.write();
        self.is_flushed = outcome.is_ok();
        if outcome.is_err_and(|e| !is_for_later(&e)) {
            self.phase = Phase::Broken;
        }
    }

    /// Connects and reads: `true` if there may be more, an error if this was the end.
    pub(crate) fn receive(
        &mut self,
        peer: &mut PeerConnection,
        now: Instant,
        buffer: &mut [u8],
    ) -> io::Result<bool> {
        let outcome = match self.phase {
            Phase::Connecting => self.go_on_connecting(peer, now),
            Phase::Open => Ok(()),
            Phase::Released if !self.is_flushed => return Ok(false),
            Phase::Released | Phase::Broken => Err(ErrorKind::NotConnected.into()),
        };
        match outcome.and_then(|()| self.read(peer, now, buffer)) {
            Err(e) if is_for_later(&e) => Ok(false),
            Err(e) => {
                peer.disconnected(now, self.path);
                Err(e)
            }
            more => more,
        }
    }

    fn go_on_connecting(&mut self, peer: &mut PeerConnection, now: Instant) -> io::Result<()> {
        let socket = self.source();
        if let Some(e) = socket.take_error()? {
            return Err(e);
        }
        match socket.peer_addr() {
            Err(e) if e.kind() == ErrorKind::NotConnected => {
                return Err(ErrorKind::WouldBlock.into());
            }
            other => other?,
        };
        let local = socket.local_addr()?;
        if let Wire::Tls(tls) = &mut self.wire {
            let StreamOwned { conn, sock } = &mut **tls;
            while conn.is_handshaking() {
                conn.complete_io(sock)?;
            }
        }
        let asked = self.path;
        self.path.local = local;
        self.phase = Phase::Open;
        peer.connected(now, asked, local);
        Ok(())
    }

    fn read(
        &mut self,
        peer: &mut PeerConnection,
        now: Instant,
        buffer: &mut [u8],
    ) -> io::Result<bool> {
        for _ in 0..READS_AT_ONCE {
            let count = self.wire.as_read().read(buffer)?;
            if count == 0 {
                return Err(ErrorKind::UnexpectedEof.into());
            }
            peer.handle_input(now, self.path, &mut buffer[..count]);
        }
        Ok(true)
    }

    fn write(&mut self) -> io::Result<()> {
        let wire = self.wire.as_write();
        while !self.waiting.is_empty() {
            let count = wire.write(&self.waiting)?;
            self.waiting.drain(..count);
        }
        wire.flush()
    }
}

impl Wire {
    fn as_read(&mut self) -> &mut dyn Read {
        match self {
            Self::Plain(socket) => socket,
            Self::Tls(tls) => tls,
        }
    }

    fn as_write(&mut self) -> &mut dyn Write {
        match self {
            Self::Plain(socket) => socket,
            Self::Tls(tls) => tls,
        }
    }
}

/// Whether the system goes on connecting.
fn is_under_way(e: &io::Error) -> bool {
    #[cfg(unix)]
    if e.raw_os_error() == Some(libc::EINPROGRESS) {
        return true;
    }
    e.kind() == ErrorKind::WouldBlock
}

fn is_for_later(e: &io::Error) -> bool {
    matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted)
}

/// What may wait for a slow far side before more is dropped, as a full socket drops datagrams.
const MAX_WAITING: usize = 256 << 10;
/// How much is read before timers and answers get their turn.
const READS_AT_ONCE: usize = 8;
