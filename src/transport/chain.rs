//! The chain of ICE and DTLS.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::net::SocketAddr;
use rand_core::CryptoRng;

use crate::crypto::certificate::{Certificate, Fingerprint};
use crate::crypto::{CryptoError, CryptoProvider};
use crate::cursor::Writer;
use crate::dtls::{self, DtlsConfig, DtlsState, DtlsTransport};
use crate::ice::{self, CredentialsError, IceAgent, IceConfig};
use crate::net::Path;
use crate::rng::Rng;
use crate::srtp::{self, HeaderProtection, SrtpContext};
use crate::tight::Queue;
use crate::time::Instant;
use crate::timer::earliest;
use crate::wire::demux::{self, Class};
use crate::wire::dtls::extension::SrtpProfile;

use super::protection::Protection;

/// One secured path to the peer: an ICE agent, DTLS over what it selects, and SRTP
/// with the keys of DTLS beside it.
#[derive(Debug)]
pub struct Transport {
    ice: IceAgent,
    /// The credentials after the next restart, once somebody has asked for them.
    next_credentials: Option<ice::Credentials>,
    secured: Secured,
    dtls_config: Arc<DtlsConfig>,
    rng: Rng,
}

/// What is above ICE, as far as it has come.
#[derive(Debug)]
struct Secured {
    /// Made when the roles are known, that is, when both descriptions are.
    dtls: Option<DtlsTransport>,
    provider: &'static CryptoProvider,
    remote_fingerprints: Vec<Fingerprint>,
    /// The certificate that the peer has shown, if it was the right one.
    remote_certificate: Option<Box<[u8]>>,
    media: Protection,
    /// DTLS events turned into ours; ICE keeps its own queue.
    events: Queue<Event>,
    stats: Stats,
}

/// What happened on the way to a secured path?
#[derive(Debug)]
pub enum Event {
    /// What the ICE agent said.
    Ice(ice::Event),
    /// The peer proved who it is, and data can flow.
    Connected {
        /// How media are protected, if both sides wanted that.
        srtp: Option<SrtpProfile>,
    },
    /// DTLS ended; nothing more can be sent or received.
    Closed(dtls::CloseReason),
}

/// What has arrived and was opened?
#[derive(Debug)]
pub enum Delivery<'a> {
    /// The payload of a DTLS record.
    Data(&'a mut [u8]),
    /// An RTP packet.
    Rtp(&'a mut [u8]),
    /// RTCP packets.
    Rtcp(&'a mut [u8]),
}

/// How much came and went, and what was dropped, by reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Packets of DTLS, RTP and RTCP that were sent.
    pub packets_sent: u64,
    /// Packets that came through ICE.
    pub packets_received: u64,
    /// The bytes of those that were sent, without what relays and streams need.
    pub bytes_sent: u64,
    /// The bytes of those that came.
    pub bytes_received: u64,
    /// Datagrams of no protocol that is known here.
    pub unknown: u64,
    /// RTP and RTCP packets that came before their keys, or without that there
    /// should be any.
    pub media_too_early: u64,
    /// DTLS records that came before the roles were known.
    pub too_early: u64,
    /// How often another peer has taken the place of the one before.
    pub handovers: u64,
}

impl Transport {
    /// A transport whose ICE agent waits for addresses and credentials.
    ///
    /// # Errors
    ///
    /// [`CryptoError::Unsupported`] if the provider cannot do what ICE needs.
    pub fn new(
        ice: IceConfig,
        ice_role: ice::Role,
        dtls: DtlsConfig,
        rng: &mut (impl CryptoRng + ?Sized),
    ) -> Result<Self, CryptoError> {
        let mut rng = Rng::from_rng(rng);
        let ice = IceAgent::new(ice, ice_role, &mut rng.fork())?;
        Ok(Self::over(ice, Arc::new(dtls), rng))
    }

    /// Another transport with the same certificate, over the same sockets and, alone,
    /// over `spares`: see [`IceAgent::another`].
    ///
    /// # Errors
    ///
    /// As for [`new`](Self::new).
    pub fn another(&mut self, spares: &[SocketAddr]) -> Result<Self, CryptoError> {
        let mut rng = self.rng.fork();
        let ice = self.ice.another(spares, &mut rng.fork())?;
        Ok(Self::over(ice, Arc::clone(&self.dtls_config), rng))
    }

    fn over(ice: IceAgent, dtls_config: Arc<DtlsConfig>, rng: Rng) -> Self {
        Self {
            ice,
            next_credentials: None,
            secured: Secured {
                dtls: None,
                provider: dtls_config.provider,
                remote_fingerprints: Vec::new(),
                remote_certificate: None,
                media: Protection::default(),
                events: Queue::new(),
                stats: Stats::default(),
            },
            dtls_config,
            rng,
        }
    }

    /// The ICE agent.
    #[must_use]
    pub const fn ice(&self) -> &IceAgent {
        &self.ice
    }

    /// The ICE agent, to give it addresses, credentials and candidates.
    pub const fn ice_mut(&mut self) -> &mut IceAgent {
        &mut self.ice
    }

    /// The DTLS transport, once its role is known.
    #[must_use]
    pub const fn dtls(&self) -> Option<&DtlsTransport> {
        self.secured.dtls.as_ref()
    }

    /// The W3C's state of the DTLS transport.
    #[must_use]
    pub fn dtls_state(&self) -> DtlsState {
        self.dtls().map_or(DtlsState::New, DtlsTransport::state)
    }

    /// Starts DTLS: the role is known, and how to recognise the peer.
    ///
    /// Does nothing if it was started before, and no other peer has
    /// [taken over](Self::hand_over).
    pub fn start_dtls(&mut self, role: dtls::Role, fingerprints: Vec<Fingerprint>) {
        if self.secured.dtls.is_none() {
            self.secured.remote_fingerprints = fingerprints;
            let config = self.dtls_config.clone();
            self.secured.dtls = Some(DtlsTransport::new(config, role, &mut self.rng));
        }
    }

    /// The peer is another one from now on, with these credentials of ICE: a DTLS
    /// association that [`start_dtls`](Self::start_dtls) begins, and its keys of media,
    /// take the place of the old ones (RFC 8842 §5.4, §5.5). What is left of the old
    /// association is neither sent nor taken, and nothing that it had to say is told.
    ///
    /// # Errors
    ///
    /// [`CredentialsError`]; nothing changed then.
    pub fn hand_over(&mut self, credentials: ice::Credentials) -> Result<(), CredentialsError> {
        self.ice.hand_over(credentials)?;
        self.secured.forget_peer();
        Ok(())
    }

    /// The certificate that we show.
    #[must_use]
    pub fn certificate(&self) -> &Certificate {
        &self.dtls_config.certificate
    }

    /// The certificate that the peer has shown (DER), once it is known to be the
    /// promised one (W3C `getRemoteCertificates`).
    #[must_use]
    pub fn remote_certificate(&self) -> Option<&[u8]> {
        self.secured.remote_certificate.as_deref()
    }

    /// Says that there is media, and what of their headers is hidden. It counts once
    /// for the whole connection. Before, what comes of media is dropped.
    pub fn start_media(&mut self, header: HeaderProtection) {
        let Secured {
            media, provider, ..
        } = &mut self.secured;
        media.want(header, provider);
    }

    /// How media are protected, once that is agreed.
    #[must_use]
    pub const fn srtp_profile(&self) -> Option<SrtpProfile> {
        self.secured.media.profile()
    }

    /// What became of the packets of media; `None` before the first could be sent.
    #[must_use]
    pub fn srtp_stats(&self) -> Option<srtp::Stats> {
        self.secured.media.context().map(SrtpContext::stats)
    }

    /// Makes up the credentials that ICE will have after its next restart, so that
    /// a description can say them before.
    pub fn prepare_restart(&mut self) {
        let rng = &mut self.rng;
        self.next_credentials
            .get_or_insert_with(|| ice::Credentials::generate(rng));
    }

    /// The credentials that ICE will have after its next restart, once
    /// [`prepare_restart`](Self::prepare_restart) was called.
    #[must_use]
    pub const fn next_credentials(&self) -> Option<&ice::Credentials> {
        self.next_credentials.as_ref()
    }

    /// Begins a new generation of ICE (RFC 8445 §9). What is sent takes the old
    /// path until there is a new one; DTLS does not notice.
    pub fn restart_ice(&mut self) {
        self.prepare_restart();
        if let Some(credentials) = self.next_credentials.take() {
            // The provider has made such a key before, and they are well formed.
            let _ = self.ice.restart_with(credentials);
        }
    }

    /// Says farewell to the peer by a DTLS alert.
    pub fn close_dtls(&mut self, reason: dtls::CloseReason) {
        if let Some(dtls) = &mut self.secured.dtls {
            dtls.close(reason);
            self.secured.settle();
        }
    }

    /// How much came and went, and what was dropped.
    #[must_use]
    pub const fn stats(&self) -> Stats {
        self.secured.stats
    }

    /// Takes a datagram, or bytes of a stream, and gives each decrypted payload in
    /// it to `deliver`, with its kind.
    pub fn handle_input(
        &mut self,
        now: Instant,
        path: Path,
        bytes: &mut [u8],
        mut deliver: impl FnMut(Delivery<'_>),
    ) {
        let Self { ice, secured, .. } = self;
        // Whoever answers to our new credentials before its description is here may be
        // another peer: a handshake with the one before must not take its ClientHello.
        ice.hear_strangers(secured.is_connected());
        if path.protocol.is_stream() {
            let mut rest = &*bytes;
            while let Some(payload) = ice.open_stream(now, path, &mut rest) {
                secured.open(now, payload, &mut deliver);
            }
        } else if let Some(payload) = ice.open(now, path, bytes) {
            secured.open(now, payload, &mut deliver);
        }
    }

    /// Takes what arrived after the end: only what servers say still counts.
    pub fn hear_servers(&mut self, now: Instant, path: Path, bytes: &mut [u8]) {
        if path.protocol.is_stream() {
            let mut rest = &*bytes;
            while self.ice.open_stream(now, path, &mut rest).is_some() {}
        } else {
            let _ = self.ice.open(now, path, bytes);
        }
    }

    /// Until when the servers of a closed agent have time to answer.
    #[must_use]
    pub fn poll_servers(&self) -> Option<Instant> {
        let is_closed = self.ice.state() == ice::IceState::Closed;
        self.ice.poll_timeout().filter(|_| is_closed)
    }

    /// Does what is due at `now`.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.ice.handle_timeout(now);
        if let Some(dtls) = &mut self.secured.dtls {
            dtls.handle_timeout(now);
            self.secured.settle();
        }
    }

    /// Appends the next datagram of ICE or of the DTLS handshake to `out`.
    pub fn poll_transmit(&mut self, now: Instant, out: &mut Writer<'_>) -> Option<Path> {
        let Self { ice, secured, .. } = self;
        if let Some(path) = ice.poll_transmit(now, out) {
            return Some(path);
        }
        let Secured { dtls, stats, .. } = secured;
        let dtls = dtls.as_mut().filter(|dtls| dtls.is_pending())?;
        let path = ice.seal(out, |w| stats.count(w, |w| dtls.poll_transmit(now, w)));
        if path.is_some() {
            secured.settle();
        }
        path
    }

    /// Appends the last datagram of DTLS, its closing alert, to `out`.
    pub fn poll_farewell(&mut self, now: Instant, out: &mut Writer<'_>) -> Option<Path> {
        let Self { ice, secured, .. } = self;
        let dtls = secured.dtls.as_mut()?;
        ice.seal(out, |w| dtls.poll_transmit(now, w))
    }

    /// Appends a datagram whose encrypted payload is what `fill` writes.
    ///
    /// `fill` is called only if there is a path and keys.
    pub fn seal(
        &mut self,
        out: &mut Writer<'_>,
        fill: impl FnOnce(&mut Writer<'_>) -> bool,
    ) -> Option<Path> {
        let Secured { dtls, stats, .. } = &mut self.secured;
        let dtls = dtls.as_mut()?;
        self.ice
            .seal(out, |w| stats.count(w, |w| dtls.seal(w, fill)))
    }

    /// Appends a datagram with the RTP packet that `fill` writes.
    ///
    /// `fill` is called only if there is a path and keys.
    pub fn seal_rtp(
        &mut self,
        out: &mut Writer<'_>,
        fill: impl FnOnce(&mut Writer<'_>) -> bool,
    ) -> Option<Path> {
        let Secured { media, stats, .. } = &mut self.secured;
        let srtp = media.context_mut()?;
        self.ice
            .seal(out, |w| stats.count(w, |w| srtp.seal_rtp(w, fill)))
    }

    /// Appends a datagram with the RTCP packets that `fill` writes.
    ///
    /// `fill` is called only if there is a path and keys.
    pub fn seal_rtcp(
        &mut self,
        out: &mut Writer<'_>,
        fill: impl FnOnce(&mut Writer<'_>) -> bool,
    ) -> Option<Path> {
        let Secured { media, stats, .. } = &mut self.secured;
        let srtp = media.context_mut()?;
        self.ice
            .seal(out, |w| stats.count(w, |w| srtp.seal_rtcp(w, fill)))
    }

    /// Whether [`poll_event`](Self::poll_event) has something to tell: cheap to ask after each datagram.
    #[must_use]
    pub fn has_events(&self) -> bool {
        self.ice.has_events() || !self.secured.events.is_empty()
    }

    /// What happened next.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.ice
            .poll_event()
            .map(Event::Ice)
            .or_else(|| self.secured.events.pop())
    }

    /// When [`handle_timeout`](Self::handle_timeout) has something to do.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let dtls = self.dtls().and_then(DtlsTransport::poll_timeout);
        earliest(self.ice.poll_timeout(), dtls)
    }
}

impl Stats {
    /// Counts what `fill` writes.
    fn count(&mut self, w: &mut Writer<'_>, fill: impl FnOnce(&mut Writer<'_>) -> bool) -> bool {
        let start = w.len();
        let written = fill(w);
        if written {
            self.packets_sent += 1;
            self.bytes_sent += (w.len() - start) as u64;
        }
        written
    }
}

impl Secured {
    const fn is_connected(&self) -> bool {
        matches!(&self.dtls, Some(dtls) if matches!(dtls.state(), DtlsState::Connected))
    }

    /// Nothing of the association that was is of use any more, not even what it would
    /// have told.
    fn forget_peer(&mut self) {
        self.stats.handovers += 1;
        self.dtls = None;
        self.remote_certificate = None;
        self.media.forget_keys();
        self.events = Queue::new();
    }

    /// Takes what came through ICE.
    fn open(&mut self, now: Instant, payload: &mut [u8], deliver: &mut impl FnMut(Delivery<'_>)) {
        self.stats.packets_received += 1;
        self.stats.bytes_received += payload.len() as u64;
        match demux::classify(payload) {
            Class::Dtls => self.open_dtls(now, payload, deliver),
            Class::Rtp => {
                let Some(srtp) = self.media.context_mut() else {
                    self.stats.media_too_early += 1;
                    return;
                };
                srtp.open_rtp(payload).map(Delivery::Rtp).map(deliver);
            }
            Class::Rtcp => {
                let Some(srtp) = self.media.context_mut() else {
                    self.stats.media_too_early += 1;
                    return;
                };
                srtp.open_rtcp(payload).map(Delivery::Rtcp).map(deliver);
            }
            Class::Stun | Class::TurnChannel | Class::Unknown => self.stats.unknown += 1,
        }
    }

    fn open_dtls(
        &mut self,
        now: Instant,
        mut payload: &mut [u8],
        deliver: &mut impl FnMut(Delivery<'_>),
    ) {
        let Some(dtls) = &mut self.dtls else {
            // Without our descriptions the peer's first flight cannot be judged; it is sent again.
            self.stats.too_early += 1;
            return;
        };
        while let Some(data) = dtls.open(now, &mut payload) {
            deliver(Delivery::Data(data));
        }
        self.settle();
        // Data that overtook the end of the handshake, now that it is judged.
        while let Some(mut early) = self.dtls.as_mut().and_then(DtlsTransport::take_early) {
            deliver(Delivery::Data(&mut early));
        }
    }

    fn settle(&mut self) {
        let Some(dtls) = &mut self.dtls else { return };
        while let Some(event) = dtls.poll_event() {
            match event {
                dtls::Event::PeerCertificate(der) => {
                    let promised = &self.remote_fingerprints;
                    if Fingerprint::any_matches(promised, self.provider, &der) {
                        dtls.accept_peer();
                        self.remote_certificate = Some(der[..].into());
                    } else {
                        dtls.close(dtls::CloseReason::BadFingerprint);
                    }
                }
                dtls::Event::Connected { srtp } => {
                    self.media.on_keys(srtp, self.provider);
                    let srtp = self.media.profile();
                    self.events.push(Event::Connected { srtp });
                }
                dtls::Event::Closed(reason) => self.events.push(Event::Closed(reason)),
            }
        }
    }
}
