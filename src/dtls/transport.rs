//! The machine: records in and out, timers, events, the end.

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use bytes::Bytes;
use rand_core::CryptoRng;

use super::association::{Association, Transcript};
use super::close::CloseReason;
use super::config::{DtlsConfig, Role};
use super::export::{ExportError, KeyLog, SrtpKeys};
use super::flight::Flight;
use super::reassembly::Reassembly;
use super::record::{Epoch, Epochs};
use super::stats::{Noise, Stats};
use super::v12::{Handshake, Session, client};
use crate::cursor::Writer;
use crate::rng::Rng;
use crate::tight::Queue;
use crate::time::Instant;
use crate::timer::{TimerKey, TimerTable};
use crate::wire::dtls::extension::SrtpProfile;
use crate::wire::dtls::{
    Alert, AlertDescription, CipherSuite, ContentType, ProtocolVersion, RecordHeader,
};

/// One end of a DTLS association (RFC 6347): a filter between a path and what
/// is to be protected on it.
///
/// What the other end says goes through [`open`](Self::open), what is said to
/// it through [`seal`](Self::seal); [`poll_transmit`](Self::poll_transmit) gives
/// the datagrams that DTLS itself has to send. The owner answers
/// [`Event::PeerCertificate`] with [`accept_peer`](Self::accept_peer) or with
/// [`close`](Self::close); nothing is delivered before.
///
/// A plaintext alert is believed only during the handshake, and only after
/// something was sent: it cannot be authenticated, but the path it comes from
/// was (ICE), and without it every refusal of a peer would be a timeout.
pub struct DtlsTransport {
    pub(super) association: Association,
    /// `None` while it takes a step, and once it is over.
    pub(super) handshake: Option<Box<Handshake>>,
    pub(super) reassembly: Reassembly,
    pub(super) phase: Phase,
    pub(super) timers: TimerTable<2>,
    /// Whole records of epoch 1 that came before the keys to open them.
    pub(super) held: VecDeque<Vec<u8>>,
    /// Application data that came before the end of the handshake.
    pub(super) early: VecDeque<Vec<u8>>,
    /// A refusal to renegotiate: to be sent, or sent already.
    pub(super) refusal: Refusal,
    /// The latest time that was told; it does not run backwards.
    latest: Instant,
    pub(super) stats: Stats,
}

/// How far has it come (W3C `RTCDtlsTransportState`)?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DtlsState {
    /// Nothing was sent or received.
    New,
    /// The handshake is under way.
    Connecting,
    /// Data may flow.
    Connected,
    /// It ended in order.
    Closed,
    /// It ended otherwise.
    Failed,
}

impl DtlsState {
    /// The W3C's word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Connecting => "connecting",
            Self::Connected => "connected",
            Self::Closed => "closed",
            Self::Failed => "failed",
        }
    }
}

/// What the owner should know.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Event {
    /// The peer claims to own this certificate (DER). Compare its fingerprint
    /// with the signalled one, then call [`DtlsTransport::accept_peer`] or
    /// [`DtlsTransport::close`] with [`CloseReason::BadFingerprint`].
    PeerCertificate(Bytes),
    /// The handshake has ended: data may flow. Ask
    /// [`DtlsTransport::take_early`] for data that came before.
    Connected {
        /// The keys for SRTP, if a profile was agreed on.
        srtp: Option<SrtpKeys>,
    },
    /// It is over. The last event.
    Closed(CloseReason),
}

/// What was agreed on?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Negotiated {
    /// The version of DTLS.
    pub version: ProtocolVersion,
    /// The cipher suite.
    pub cipher_suite: CipherSuite,
    /// The SRTP profile, if any.
    pub srtp_profile: Option<SrtpProfile>,
    /// Whether the keys are bound to the whole handshake (RFC 7627).
    pub extended_master_secret: bool,
}

/// How far it has come, with what is left to do.
pub(super) enum Phase {
    New,
    Connecting,
    Connected,
    /// The end is decided; the peer is still to be told.
    Closing(CloseReason, Alert),
    Closed(CloseReason),
}

/// Was the peer told that we do not negotiate again? Once is enough.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    None,
    Due,
    Said,
}

/// What is waited for?
#[derive(Clone, Copy)]
pub(super) enum Timer {
    /// No answer has come to our flight.
    Retransmit,
    /// The handshake takes too long.
    GiveUp,
}

impl TimerKey for Timer {
    fn slot(self) -> usize {
        self as usize
    }
}

impl DtlsTransport {
    /// An association that has not begun. A client begins with its first
    /// [`poll_transmit`](Self::poll_transmit), a server when it hears a client.
    pub fn new(
        config: impl Into<Arc<DtlsConfig>>,
        role: Role,
        rng: &mut (impl CryptoRng + ?Sized),
    ) -> Self {
        let config = config.into();
        let flight = Flight::new(config.retransmit_initial, config.retransmit_max);
        Self {
            reassembly: Reassembly::new(config.limits),
            association: Association {
                config,
                role,
                rng: Rng::from_rng(rng),
                epochs: Epochs::default(),
                flight,
                transcript: Transcript::default(),
                is_peer_shown: false,
                is_peer_accepted: false,
                session: None,
                events: Queue::new(),
            },
            handshake: Some(Box::new(Handshake::new(role))),
            phase: Phase::New,
            timers: TimerTable::new(),
            held: VecDeque::new(),
            early: VecDeque::new(),
            refusal: Refusal::None,
            latest: Instant::ZERO,
            stats: Stats::default(),
        }
    }

    /// The peer is the right one: the handshake may end. To be called after
    /// [`Event::PeerCertificate`]; any other call does nothing.
    pub fn accept_peer(&mut self) {
        if self.association.is_peer_shown && matches!(self.phase, Phase::Connecting) {
            self.association.is_peer_accepted = true;
            self.advance(Handshake::on_acceptance);
        }
    }

    /// Takes a datagram from the path: gives the application data of its next
    /// record, decrypted in place, or `None` when it is used up.
    ///
    /// Call it in a loop: a datagram may hold several records.
    pub fn open<'d>(&mut self, now: Instant, input: &mut &'d mut [u8]) -> Option<&'d mut [u8]> {
        let now = self.clock(now);
        while !input.is_empty() {
            let Ok((header, content)) = RecordHeader::split_first(input) else {
                self.stats.count(Noise::Malformed);
                return None;
            };
            match self.on_record(now, &header, content) {
                Ok(Some(data)) => return Some(data),
                Ok(None) => {}
                Err(noise) => self.stats.count(noise),
            }
        }
        None
    }

    /// Appends one record with what `fill` writes. `false` before the
    /// handshake has ended and after the end, without a call of `fill`.
    pub fn seal(
        &mut self,
        out: &mut Writer<'_>,
        fill: impl FnOnce(&mut Writer<'_>) -> bool,
    ) -> bool {
        if !matches!(self.phase, Phase::Connected) {
            return false;
        }
        if self.association.epochs.is_used_up() {
            self.end(CloseReason::KeysUsedUp);
            return false;
        }
        self.write(Epoch::Sealed, ContentType::ApplicationData, out, fill)
    }

    /// Appends the next datagram that DTLS itself has to send.
    pub fn poll_transmit(&mut self, now: Instant, out: &mut Writer<'_>) -> bool {
        let now = self.clock(now);
        match self.phase {
            Phase::Closed(_) => return false,
            Phase::Closing(reason, alert) => {
                return self.write_alert(out, alert) && {
                    self.finish(reason);
                    true
                };
            }
            Phase::New if self.association.role == Role::Client => self.start(),
            Phase::New | Phase::Connecting | Phase::Connected => {}
        }
        if self.refusal == Refusal::Due
            && self.write_alert(out, Alert::warning(AlertDescription::NoRenegotiation))
        {
            self.refusal = Refusal::Said;
            return true;
        }
        self.write_flight(now, out)
    }

    /// Whether [`poll_transmit`](Self::poll_transmit) has something to write: cheap to
    /// ask before each datagram of what is carried.
    #[must_use]
    pub fn is_pending(&self) -> bool {
        match self.phase {
            Phase::Closed(_) => false,
            Phase::Closing(..) => true,
            Phase::New if self.association.role == Role::Client => true,
            Phase::New | Phase::Connecting | Phase::Connected => {
                self.refusal == Refusal::Due || self.association.flight.is_ready()
            }
        }
    }

    /// Lets time pass.
    pub fn handle_timeout(&mut self, now: Instant) {
        let now = self.clock(now);
        if self.timers.expire(Timer::GiveUp, now) {
            self.end(CloseReason::TimedOut);
        }
        if self.timers.expire(Timer::Retransmit, now) && self.association.flight.is_waiting() {
            self.association.flight.on_timeout();
            self.stats.retransmissions += 1;
        }
    }

    /// When [`handle_timeout`](Self::handle_timeout) has something to do.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.timers.next()
    }

    /// What the owner should know next.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.association.events.pop()
    }

    /// Application data that came before the end of the handshake, oldest
    /// first: reordering can bring it ahead of the peer's last message. To be
    /// asked for after [`Event::Connected`]; `None` before.
    pub fn take_early(&mut self) -> Option<Vec<u8>> {
        match self.phase {
            Phase::Connected => self.early.pop_front(),
            _ => None,
        }
    }

    /// Ends the association. The peer is told with the next
    /// [`poll_transmit`](Self::poll_transmit), and [`Event::Closed`] follows;
    /// nothing is opened or sealed any more.
    pub fn close(&mut self, reason: CloseReason) {
        self.end(reason);
    }

    /// Keying material for another protocol (RFC 5705), bound to this association.
    ///
    /// # Errors
    ///
    /// [`ExportError::NotConnected`] before the end of the handshake and after
    /// the end, [`ExportError::ContextTooLong`].
    pub fn export_keying_material(
        &self,
        label: &str,
        context: Option<&[u8]>,
        out: &mut [u8],
    ) -> Result<(), ExportError> {
        let session = self.session().ok_or(ExportError::NotConnected)?;
        if context.is_some_and(|context| context.len() > usize::from(u16::MAX)) {
            return Err(ExportError::ContextTooLong);
        }
        session.secrets.export(label.as_bytes(), context, out);
        Ok(())
    }

    /// How far it has come.
    #[must_use]
    pub const fn state(&self) -> DtlsState {
        match self.phase {
            Phase::New => DtlsState::New,
            Phase::Connecting => DtlsState::Connecting,
            Phase::Connected => DtlsState::Connected,
            Phase::Closing(reason, _) | Phase::Closed(reason) if reason.is_orderly() => {
                DtlsState::Closed
            }
            Phase::Closing(..) | Phase::Closed(_) => DtlsState::Failed,
        }
    }

    /// Which end it is.
    #[must_use]
    pub const fn role(&self) -> Role {
        self.association.role
    }

    /// What was agreed on, while connected.
    #[must_use]
    pub fn negotiated(&self) -> Option<Negotiated> {
        let terms = &self.session()?.terms;
        Some(Negotiated {
            version: ProtocolVersion::DTLS_1_2,
            cipher_suite: terms.suite.id,
            srtp_profile: terms.srtp,
            extended_master_secret: terms.extended_master_secret,
        })
    }

    /// The secret that lets Wireshark read a capture, while connected and only
    /// if [`DtlsConfig::key_log`] allows it.
    #[must_use]
    pub fn key_log(&self) -> Option<KeyLog> {
        let session = self.session().filter(|_| self.association.config.key_log)?;
        Some(KeyLog {
            client_random: session.terms.randoms.client,
            master_secret: session.secrets.master.clone(),
        })
    }

    /// What was counted so far.
    #[must_use]
    pub const fn stats(&self) -> Stats {
        self.stats
    }

    #[cfg(test)]
    pub(super) fn skip_write_sequence_to(&mut self, sequence: u64) {
        self.association.epochs.skip_to(sequence);
    }

    const fn session(&self) -> Option<&Session> {
        self.association.session.as_ref()
    }

    /// Time does not run backwards.
    fn clock(&mut self, now: Instant) -> Instant {
        self.latest = self.latest.max(now);
        self.latest
    }

    fn start(&mut self) {
        self.phase = Phase::Connecting;
        let started = client::State::start(&mut self.association);
        self.handshake = Some(Box::new(Handshake::Client(started)));
    }
}

/// What goes out.
impl DtlsTransport {
    fn write_flight(&mut self, now: Instant, out: &mut Writer<'_>) -> bool {
        let Association {
            flight,
            epochs,
            config,
            ..
        } = &mut self.association;
        if !flight.is_ready() {
            return false;
        }
        let before = epochs.written();
        let sent = flight.emit(now, epochs, out);
        self.stats.records_sent += epochs.written() - before;
        if sent && !matches!(self.phase, Phase::Connected) {
            self.timers
                .set_if_idle(Timer::GiveUp, now + config.handshake_timeout);
            if flight.is_waiting() {
                self.timers.set(Timer::Retransmit, now + flight.timeout());
            }
        }
        sent
    }

    fn write_alert(&mut self, out: &mut Writer<'_>, alert: Alert) -> bool {
        let epoch = if self.association.epochs.writes_sealed() {
            Epoch::Sealed
        } else {
            Epoch::Plain
        };
        self.write(epoch, ContentType::Alert, out, |w| {
            alert.emit(w);
            true
        })
    }

    fn write(
        &mut self,
        epoch: Epoch,
        content_type: ContentType,
        out: &mut Writer<'_>,
        fill: impl FnOnce(&mut Writer<'_>) -> bool,
    ) -> bool {
        let written = self
            .association
            .epochs
            .write(epoch, content_type, out, fill);
        self.stats.records_sent += u64::from(written);
        written
    }

    /// Decides the end. The peer is told, if it has heard of us and there is something to tell.
    pub(super) fn end(&mut self, reason: CloseReason) {
        match (&self.phase, reason.to_alert()) {
            (Phase::Closing(..) | Phase::Closed(_), _) => {}
            (Phase::Connecting | Phase::Connected, Some(alert)) => {
                self.phase = Phase::Closing(reason, alert);
                self.timers.stop_all();
                self.handshake = None;
            }
            _ => self.finish(reason),
        }
    }

    /// The end: what is left is the event.
    fn finish(&mut self, reason: CloseReason) {
        self.phase = Phase::Closed(reason);
        self.timers.stop_all();
        self.handshake = None;
        self.association.wipe();
        self.reassembly.clear();
        self.held.clear();
        self.early.clear();
        self.association.events.push(Event::Closed(reason));
    }
}

/// Says the state, no secret.
impl fmt::Debug for DtlsTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DtlsTransport")
            .field("role", &self.association.role)
            .field("state", &self.state())
            .finish_non_exhaustive()
    }
}
