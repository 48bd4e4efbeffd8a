//! The chain of ICE and DTLS.

use alloc::collections::VecDeque;
use alloc::vec::Vec;
use rand_core::CryptoRng;

use crate::crypto::certificate::Fingerprint;
use crate::crypto::{CryptoError, CryptoProvider};
use crate::cursor::Writer;
use crate::dtls::{self, DtlsConfig, DtlsState, DtlsTransport, SrtpKeys};
use crate::ice::{self, IceAgent, IceConfig};
use crate::net::{CandidateKind, Path};
use crate::rng::Rng;
use crate::time::Instant;
use crate::timer::earliest;
use crate::wire::demux::{self, Class};

/// One secured path to the peer: an ICE agent, and DTLS over what it selects.
#[derive(Debug)]
pub struct Transport {
    ice: IceAgent,
    ice_config: IceConfig,
    /// Made when the roles are known, that is, when both descriptions are.
    dtls: Option<DtlsTransport>,
    dtls_config: DtlsConfig,
    provider: &'static CryptoProvider,
    remote_fingerprints: Vec<Fingerprint>,
    rng: Rng,
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
            ice: IceAgent::new(ice.clone(), ice_role, &mut rng.fork())?,
            ice_config: ice,
            dtls: None,
            provider: dtls.provider,
            dtls_config: dtls,
            remote_fingerprints: Vec::new(),
            rng,
            events: VecDeque::new(),
            stats: Stats::default(),
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
        self.dtls.as_ref()
    }

    /// The W3C's state of the DTLS transport.
    #[must_use]
    pub fn dtls_state(&self) -> DtlsState {
        self.dtls
            .as_ref()
            .map_or(DtlsState::New, DtlsTransport::state)
    }

    /// Starts DTLS: the role is known, and how to recognise the peer.
    ///
    /// Does nothing if it was started before.
    pub fn start_dtls(&mut self, role: dtls::Role, fingerprints: Vec<Fingerprint>) {
        if self.dtls.is_none() {
            self.remote_fingerprints = fingerprints;
            self.dtls = Some(DtlsTransport::new(
                self.dtls_config.clone(),
                role,
                &mut self.rng,
            ));
        }
    }

    /// Begins a new generation of ICE on the same addresses (RFC 8445 §9).
    pub fn restart_ice(&mut self) {
        let hosts = self
            .ice
            .local_candidates()
            .filter(|candidate| candidate.kind == CandidateKind::Host);
        let addresses: Vec<_> = hosts
            .filter_map(|candidate| candidate.address.ip())
            .collect();
        // The same configuration made the agent that runs, and it took the same addresses.
        let agent = IceAgent::new(self.ice_config.clone(), self.ice.role(), &mut self.rng);
        if let Ok(mut ice) = agent {
            for address in addresses {
                let _ = ice.add_local_address(address);
            }
            self.ice = ice;
        }
    }

    /// Says farewell to the peer by a DTLS alert.
    pub fn close_dtls(&mut self, reason: dtls::CloseReason) {
        if let Some(dtls) = &mut self.dtls {
            dtls.close(reason);
            self.settle();
        }
    }

    /// Which datagrams were dropped, and why.
    #[must_use]
    pub const fn stats(&self) -> Stats {
        self.stats
    }

    /// Takes a datagram and gives each decrypted payload in it to `deliver`.
    pub fn handle_input(
        &mut self,
        now: Instant,
        path: Path,
        datagram: &mut [u8],
        mut deliver: impl FnMut(&mut [u8]),
    ) {
        let Some(mut payload) = self.ice.open(now, path, datagram) else {
            return;
        };
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
            (Class::Stun | Class::TurnChannel | Class::Rtp | Class::Unknown, _) => {
                self.stats.unknown += 1;
            }
        }
    }

    /// Does what is due at `now`.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.ice.handle_timeout(now);
        if let Some(dtls) = &mut self.dtls {
            dtls.handle_timeout(now);
            self.settle();
        }
    }

    /// Appends the next datagram of ICE or of the DTLS handshake to `out`.
    pub fn poll_transmit(&mut self, now: Instant, out: &mut Writer<'_>) -> Option<Path> {
        let Self { ice, dtls, .. } = self;
        if let Some(path) = ice.poll_transmit(now, out) {
            return Some(path);
        }
        let dtls = dtls.as_mut()?;
        let path = ice.seal(out, |w| dtls.poll_transmit(now, w));
        if path.is_some() {
            self.settle();
        }
        path
    }

    /// Appends the last datagram of DTLS, its closing alert, to `out`.
    pub fn poll_farewell(&mut self, now: Instant, out: &mut Writer<'_>) -> Option<Path> {
        let Self { ice, dtls, .. } = self;
        let dtls = dtls.as_mut()?;
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
        let Self { ice, dtls, .. } = self;
        let dtls = dtls.as_mut()?;
        ice.seal(out, |w| dtls.seal(w, fill))
    }

    /// What happened next.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.ice
            .poll_event()
            .map(Event::Ice)
            .or_else(|| self.events.pop_front())
    }

    /// When [`handle_timeout`](Self::handle_timeout) has something to do.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let dtls = self.dtls.as_ref().and_then(DtlsTransport::poll_timeout);
        earliest(self.ice.poll_timeout(), dtls)
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
