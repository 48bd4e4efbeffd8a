//! The chain of ICE and DTLS.

use alloc::collections::VecDeque;
use alloc::vec::Vec;
use rand_core::CryptoRng;

use crate::crypto::certificate::Fingerprint;
use crate::crypto::{CryptoError, CryptoProvider};
use crate::cursor::Writer;
use crate::dtls::{self, DtlsConfig, DtlsState, DtlsTransport, SrtpKeys};
use crate::ice::{self, IceAgent, IceConfig};
use crate::net::Path;
use crate::rng::Rng;
use crate::time::Instant;
use crate::timer::earliest;
use crate::wire::demux::{self, Class};

/// One secured path to the peer: an ICE agent, and DTLS over what it selects.
#[derive(Debug)]
pub struct Transport {
    ice: IceAgent,
    /// The credentials after the next restart, once somebody has asked for them.
    next_credentials: Option<ice::Credentials>,
    secured: Secured,
    dtls_config: DtlsConfig,
    rng: Rng,
}

/// What is above ICE, as far as it has come.
#[derive(Debug)]
struct Secured {
    /// Made when the roles are known, that is, when both descriptions are.
    dtls: Option<DtlsTransport>,
    provider: &'static CryptoProvider,
    remote_fingerprints: Vec<Fingerprint>,
    /// DTLS events turned into ours; ICE keeps its own queue.
    events: VecDeque<Event>,
    stats: Stats,
}

/// What happened on the way to a secured path?
#[derive(Debug)]
pub enum Event {
    /// What the ICE agent said.
    Ice(ice::Event),
    /// The peer proved who it is, and data can flow.
    Connected {
        /// Keys for SRTP, if both sides wanted it.
        srtp: Option<SrtpKeys>,
    },
    /// DTLS ended; nothing more can be sent or received.
    Closed(dtls::CloseReason),
}

/// Which datagrams were dropped, and why?
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Datagrams that are neither STUN nor DTLS.
    pub unknown: u64,
    /// DTLS records that came before the roles were known.
    pub too_early: u64,
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
        Ok(Self {
            ice: IceAgent::new(ice, ice_role, &mut rng.fork())?,
            next_credentials: None,
            secured: Secured {
                dtls: None,
                provider: dtls.provider,
                remote_fingerprints: Vec::new(),
                events: VecDeque::new(),
                stats: Stats::default(),
            },
            dtls_config: dtls,
            rng,
        })
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
    /// Does nothing if it was started before.
    pub fn start_dtls(&mut self, role: dtls::Role, fingerprints: Vec<Fingerprint>) {
        if self.secured.dtls.is_none() {
            self.secured.remote_fingerprints = fingerprints;
            let config = self.dtls_config.clone();
            self.secured.dtls = Some(DtlsTransport::new(config, role, &mut self.rng));
        }
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

    /// Which datagrams were dropped, and why.
    #[must_use]
    pub const fn stats(&self) -> Stats {
        self.secured.stats
    }

    /// Takes a datagram, or bytes of a stream, and gives each decrypted payload in
    /// it to `deliver`.
    pub fn handle_input(
        &mut self,
        now: Instant,
        path: Path,
        bytes: &mut [u8],
        mut deliver: impl FnMut(&mut [u8]),
    ) {
        let Self { ice, secured, .. } = self;
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
        let dtls = secured.dtls.as_mut()?;
        let path = ice.seal(out, |w| dtls.poll_transmit(now, w));
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
        let Self { ice, secured, .. } = self;
        let dtls = secured.dtls.as_mut()?;
        ice.seal(out, |w| dtls.seal(w, fill))
    }

    /// What happened next.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.ice
            .poll_event()
            .map(Event::Ice)
            .or_else(|| self.secured.events.pop_front())
    }

    /// When [`handle_timeout`](Self::handle_timeout) has something to do.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let dtls = self.dtls().and_then(DtlsTransport::poll_timeout);
        earliest(self.ice.poll_timeout(), dtls)
    }
}

impl Secured {
    /// Takes what came through ICE.
    fn open(&mut self, now: Instant, mut payload: &mut [u8], deliver: &mut impl FnMut(&mut [u8])) {
        match (demux::classify(payload), &mut self.dtls) {
            (Class::Dtls, Some(dtls)) => {
                while let Some(data) = dtls.open(now, &mut payload) {
                    deliver(data);
                }
                self.settle();
                // Data that overtook the end of the handshake, now that it is judged.
                let dtls = self.dtls.as_mut();
                dtls.into_iter()
                    .flat_map(|dtls| core::iter::from_fn(|| dtls.take_early()))
                    .for_each(|mut early| deliver(&mut early));
            }
            // Without our descriptions the peer's first flight cannot be judged; it is sent again.
            (Class::Dtls, None) => self.stats.too_early += 1,
            (Class::Stun | Class::TurnChannel | Class::Rtp | Class::Rtcp | Class::Unknown, _) => {
                self.stats.unknown += 1;
            }
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
                    } else {
                        dtls.close(dtls::CloseReason::BadFingerprint);
                    }
                }
                dtls::Event::Connected { srtp } => self.events.push_back(Event::Connected { srtp }),
                dtls::Event::Closed(reason) => self.events.push_back(Event::Closed(reason)),
            }
        }
    }
}
