//! What do TURN servers lend us, and how do datagrams travel through them?
//!
//! A relayed address is a socket of ours that stands elsewhere: its pairs have
//! paths from there, and what they send and receive is wrapped and unwrapped here.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::net::{IpAddr, SocketAddr};

use super::ServerUrl;
use crate::cursor::Writer;
use crate::net::Path;
use crate::rng::Rng;
use crate::stun::Failure;
use crate::time::Instant;
use crate::turn::{Event, State, TurnClient, TurnConfig};

/// An address of ours at a server, or the attempt to get one.
#[derive(Debug)]
pub(super) struct Relay {
    pub(super) url: ServerUrl,
    /// Where the server was asked for first; the local port is zero for a stream.
    pub(super) asked: Path,
    /// The way to the server: as `asked`, or that of the stream which came of it.
    pub(super) path: Path,
    /// The address that peers see.
    pub(super) relayed: Option<SocketAddr>,
    config: TurnConfig,
    client: Option<Box<TurnClient>>,
    stage: Stage,
    /// Whose datagrams pass.
    permitted: Vec<IpAddr>,
    /// To whom there is a channel.
    bound: Vec<SocketAddr>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// A stream to the server is not there yet.
    Connecting,
    /// It begins when the pacing lets it.
    Waiting,
    /// The client does its work.
    Running,
    /// It gives the address back.
    Closing,
}

impl Relay {
    pub(super) fn new(url: ServerUrl, path: Path, config: TurnConfig) -> Self {
        Self {
            url,
            asked: path,
            path,
            relayed: None,
            config,
            client: None,
            stage: if path.protocol.is_stream() {
                Stage::Connecting
            } else {
                Stage::Waiting
            },
            permitted: Vec::new(),
            bound: Vec::new(),
        }
    }

    /// The stream to the server is there.
    pub(super) fn connected(&mut self, path: Path) {
        self.path = path;
        self.stage = Stage::Waiting;
    }

    /// Asks for an address, or asks the server that the last one named.
    pub(super) fn begin(&mut self, rng: &mut Rng) -> Result<(), Failure> {
        self.stage = Stage::Running;
        if let Some(client) = &mut self.client {
            client.follow(self.path);
            return Ok(());
        }
        let mut client = TurnClient::new(self.config.clone(), self.path, rng)
            .map_err(|_| Failure::new(Failure::NO_ANSWER, "the login cannot be used"))?;
        client.allocate();
        self.client = Some(Box::new(client));
        Ok(())
    }

    /// The server names another one: the way there has to be asked for first if it
    /// is a stream.
    pub(super) fn redirect(&mut self, server: SocketAddr) {
        let mut path = self.asked;
        path.remote = server;
        (self.asked, self.path) = (path, path);
        self.stage = if path.protocol.is_stream() {
            Stage::Connecting
        } else {
            Stage::Waiting
        };
    }

    /// RFC 8656 §7.1: the server has no address of the family that we wished for.
    /// Whether another attempt is worth it.
    pub(super) fn fall_back(&mut self, failure: &Failure) -> bool {
        let falls_back = self.config.ipv6 && failure.code == FAMILY_NOT_SUPPORTED;
        if falls_back {
            self.config.ipv6 = false;
            self.client = None;
            self.stage = Stage::Waiting;
        }
        falls_back
    }

    /// Gives the address back. Whether there is a farewell to wait for.
    pub(super) fn close(&mut self) -> bool {
        let Some(client) = self
            .client
            .as_mut()
            .filter(|_| self.stage == Stage::Running)
        else {
            return false;
        };
        if matches!(client.state(), State::Failed | State::Closed) {
            return false;
        }
        client.close();
        let waits = client.state() != State::Closed;
        self.stage = Stage::Closing;
        waits
    }

    /// Takes what came from the server, and gives back what a peer sent.
    pub(super) fn open<'d>(
        &mut self,
        now: Instant,
        message: &'d mut [u8],
    ) -> Option<(SocketAddr, &'d mut [u8])> {
        self.running()?.open(now, message)
    }

    /// Lets `fill` write a datagram for `peer`, and says which way it goes.
    pub(super) fn seal(
        &mut self,
        peer: SocketAddr,
        out: &mut Writer<'_>,
        fill: impl FnOnce(&mut Writer<'_>) -> bool,
    ) -> Option<Path> {
        let path = self.path;
        let client = self.running()?;
        client.seal(peer, out, fill).then_some(path)
    }

    pub(super) fn poll_transmit(&mut self, now: Instant, out: &mut Writer<'_>) -> Option<Path> {
        let path = self.path;
        let client = self.running()?;
        client.poll_transmit(now, out).then_some(path)
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) {
        if let Some(client) = self.running() {
            client.handle_timeout(now);
        }
    }

    pub(super) fn poll_event(&mut self) -> Option<Event> {
        let event = self.client.as_mut()?.poll_event()?;
        match &event {
            Event::Allocated { relayed, .. } => self.relayed = Some(*relayed),
            Event::Permitted(peer) if !self.permitted.contains(peer) => {
                self.permitted.push(*peer);
            }
            Event::Refused { peer, .. } => self.permitted.retain(|known| known != peer),
            _ => {}
        }
        Some(event)
    }

    /// Lets datagrams pass between us and a peer. Whether they do already; `None`
    /// if they never will.
    pub(super) fn permit(&mut self, peer: IpAddr) -> Option<bool> {
        if self.permitted.contains(&peer) {
            return Some(true);
        }
        self.running()?.permit(peer).ok().map(|()| false)
    }

    /// Makes what travels to and from a peer smaller: the way is in use.
    pub(super) fn bind(&mut self, peer: SocketAddr) {
        let bound = self.running().map(|client| client.bind(peer));
        // Without a channel the peer is reached by indications.
        if matches!(bound, Some(Ok(()))) && !self.bound.contains(&peer) {
            self.bound.push(peer);
        }
    }

    /// Lets go of those peers that are not `needed` any more.
    pub(super) fn forget_guests(&mut self, needed: impl Fn(IpAddr) -> bool) {
        let is_gone = |ip: IpAddr| !needed(ip);
        let channels = self.bound.iter().copied();
        let hosts = self.permitted.iter().map(|ip| SocketAddr::new(*ip, 0));
        let gone: Vec<_> = channels
            .chain(hosts)
            .filter(|peer| is_gone(peer.ip()))
            .collect();
        for peer in gone {
            if let Some(client) = self.running() {
                client.forget(peer);
            }
            self.bound.retain(|known| *known != peer);
            self.permitted.retain(|known| *known != peer.ip());
        }
    }

    /// Whether it is to begin.
    pub(super) fn is_waiting(&self) -> bool {
        self.stage == Stage::Waiting
    }

    /// Whether the search waits for it.
    pub(super) fn is_asking(&self) -> bool {
        self.relayed.is_none() || self.stage == Stage::Closing
    }

    /// Whether a stream was asked for and did not come yet.
    pub(super) fn is_connecting(&self) -> bool {
        self.stage == Stage::Connecting
    }

    /// When `handle_timeout` wants to be called next.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let client = self.client.as_ref()?;
        client
            .poll_timeout()
            .filter(|_| matches!(self.stage, Stage::Running | Stage::Closing))
    }

    fn running(&mut self) -> Option<&mut TurnClient> {
        let is_running = matches!(self.stage, Stage::Running | Stage::Closing);
        self.client.as_deref_mut().filter(|_| is_running)
    }
}

/// RFC 8656 §19: 440, Address Family not Supported.
const FAMILY_NOT_SUPPORTED: u16 = 440;
