//! The machines of the lower floors as hosts of a world.

use alloc::collections::VecDeque;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use bytes::Bytes;

use super::ledger::{Phase, Snapshot};
use super::machine::{Grant, Machine, Wish};
use crate::cursor::Writer;
use crate::dtls::{self, DtlsState, DtlsTransport};
use crate::ice::{self, IceAgent, IceState};
use crate::net::Path;
use crate::sctp::{self, SctpAssociation};
use crate::time::Instant;

/// A machine that knows no paths, on the one path that it has.
///
/// ```
/// # use pollrtc::sim::Direct;
/// # fn f(dtls: pollrtc::dtls::DtlsTransport, path: pollrtc::net::Path) {
/// let host = Direct::new(dtls, path);
/// # }
/// ```
#[derive(Debug)]
pub struct Direct<M> {
    /// The machine.
    pub machine: M,
    /// The data that came out of it, if it is a filter; the caller empties it.
    pub received: Vec<Bytes>,
    /// The data that waits to be sealed, if it is a filter.
    pub unsent: VecDeque<Bytes>,
    path: Path,
    tells_keys: bool,
}

impl<M> Direct<M> {
    /// Puts `machine` on `path`.
    pub const fn new(machine: M, path: Path) -> Self {
        Self {
            machine,
            received: Vec::new(),
            unsent: VecDeque::new(),
            path,
            tells_keys: true,
        }
    }
}

/// Checks and consent only: data that comes through is dropped.
impl Machine for IceAgent {
    type Event = ice::Event;

    fn handle_input(&mut self, now: Instant, path: Path, bytes: &mut [u8]) {
        if path.protocol.is_stream() {
            let mut chunk = &*bytes;
            while self.open_stream(now, path, &mut chunk).is_some() {}
        } else {
            self.open(now, path, bytes);
        }
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.handle_timeout(now);
    }

    fn poll_transmit(&mut self, now: Instant, out: &mut Writer<'_>) -> Option<Path> {
        self.poll_transmit(now, out)
    }

    fn poll_event(&mut self) -> Option<ice::Event> {
        self.poll_event()
    }

    fn wish(&self, event: &ice::Event) -> Option<Wish> {
        match event {
            ice::Event::Connect { path, .. } => Some(Wish::Connect(*path)),
            ice::Event::Release(path) => Some(Wish::Release(*path)),
            ice::Event::Resolve(name) => Some(Wish::Resolve(name.clone())),
            _ => None,
        }
    }

    fn grant(&mut self, now: Instant, grant: Grant) {
        match grant {
            Grant::Connected { asked, local } => self.connected(now, asked, local),
            Grant::Disconnected(path) => self.disconnected(now, path),
            Grant::Accepted(path) => self.accepted(now, path),
            Grant::Resolved(name, addresses) => self.resolved(&name, &addresses),
        }
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.poll_timeout()
    }

    fn snapshot(&self) -> Option<Snapshot> {
        Some(Snapshot {
            ice: phase_of_ice(self.state()),
            controlling: Some(self.role() == ice::Role::Controlling),
            selected: self.current_path(),
            ..Snapshot::default()
        })
    }
}

/// The common word for a state of ICE.
pub(super) const fn phase_of_ice(state: IceState) -> Phase {
    match state {
        IceState::New => Phase::New,
        IceState::Checking => Phase::Connecting,
        IceState::Connected | IceState::Completed => Phase::Connected,
        IceState::Disconnected => Phase::Disconnected,
        IceState::Failed => Phase::Failed,
        IceState::Closed => Phase::Closed,
    }
}

/// The common word for a state of DTLS.
pub(super) const fn phase_of_dtls(state: DtlsState) -> Phase {
    match state {
        DtlsState::New => Phase::New,
        DtlsState::Connecting => Phase::Connecting,
        DtlsState::Connected => Phase::Connected,
        DtlsState::Failed => Phase::Failed,
        DtlsState::Closed => Phase::Closed,
    }
}

/// Trusts every certificate: there is no description to compare it with.
impl Machine for Direct<DtlsTransport> {
    type Event = dtls::Event;

    fn handle_input(&mut self, now: Instant, _path: Path, datagram: &mut [u8]) {
        let mut rest = datagram;
        while let Some(data) = self.machine.open(now, &mut rest) {
            self.received.push(Bytes::copy_from_slice(data));
        }
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.machine.handle_timeout(now);
    }

    fn poll_transmit(&mut self, now: Instant, out: &mut Writer<'_>) -> Option<Path> {
        if self.machine.poll_transmit(now, out) {
            return Some(self.path);
        }
        let data = self.unsent.front()?;
        let sealed = self.machine.seal(out, |w| {
            w.bytes(data);
            true
        });
        if sealed {
            self.unsent.pop_front();
        }
        sealed.then_some(self.path)
    }

    fn poll_event(&mut self) -> Option<dtls::Event> {
        let event = self.machine.poll_event()?;
        match event {
            dtls::Event::PeerCertificate(_) => self.machine.accept_peer(),
            dtls::Event::Connected { .. } => {
                while let Some(data) = self.machine.take_early() {
                    self.received.push(data.into());
                }
            }
            dtls::Event::Closed(_) => {}
        }
        Some(event)
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.machine.poll_timeout()
    }

    fn snapshot(&self) -> Option<Snapshot> {
        let mut key = [0; 16];
        let exported = self
            .machine
            .export_keying_material("EXPORTER-simulation", None, &mut key);
        Some(Snapshot {
            dtls: phase_of_dtls(self.machine.state()),
            dtls_client: Some(self.machine.role() == dtls::Role::Client),
            exported_key: exported.ok().map(|()| key),
            ..Snapshot::default()
        })
    }

    fn next_key_log_line(&mut self) -> Option<String> {
        let line = self.machine.key_log().filter(|_| self.tells_keys)?;
        self.tells_keys = false;
        Some(line.to_string())
    }
}

/// What an SCTP association tells: its events, and the messages that came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SctpTold {
    /// An event.
    Event(sctp::Event),
    /// A message.
    Message(sctp::Message),
}

impl Machine for Direct<SctpAssociation> {
    type Event = SctpTold;

    fn handle_input(&mut self, now: Instant, _path: Path, datagram: &mut [u8]) {
        self.machine.handle_input(now, datagram);
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.machine.handle_timeout(now);
    }

    fn poll_transmit(&mut self, now: Instant, out: &mut Writer<'_>) -> Option<Path> {
        self.machine.poll_transmit(now, out).then_some(self.path)
    }

    fn poll_event(&mut self) -> Option<SctpTold> {
        let event = self.machine.poll_event().map(SctpTold::Event);
        event.or_else(|| self.machine.take_message().map(SctpTold::Message))
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.machine.poll_timeout()
    }
}
