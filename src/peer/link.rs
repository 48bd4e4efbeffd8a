//! One way to the peer: a transport, and the media that it carries.

use alloc::vec::Vec;
use core::mem;
use core::net::SocketAddr;

use crate::channel::DataChannels;
use crate::crypto::CryptoError;
use crate::dtls::{self, DtlsState};
use crate::ice::{Credentials, CredentialsError, GatheringState, IceState};
use crate::jsep::{TransceiverId, TransportId};
use crate::media::Media;
use crate::net::Path;
use crate::time::Instant;
use crate::timer::earliest;
use crate::transport::{Delivery, Transport};

/// What one BUNDLE group, or one section outside of any, is carried by.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) id: TransportId,
    pub(super) transport: Transport,
    pub(super) media: Media,
    /// The transceivers that have a line in `media`.
    pub(super) lines: Vec<TransceiverId>,
    /// Whether the data channels are here.
    pub(super) carries_data: bool,
    /// How far its search for candidates is, as far as that was told.
    pub(super) gathering: GatheringState,
    /// Whether a description of ours has named it, and it was not rolled back since.
    pub(super) in_use: bool,
    /// Whether it was told how to reach the peer.
    pub(super) has_peer: bool,
    /// Whether it only says farewell.
    pub(super) is_leaving: bool,
    /// Whether it has said it.
    pub(super) is_gone: bool,
    key_logged: bool,
    /// How far the handshake is, as far as that was told.
    told: DtlsState,
}

impl Link {
    pub(super) const fn new(id: TransportId, transport: Transport, media: Media) -> Self {
        Self {
            id,
            transport,
            media,
            lines: Vec::new(),
            carries_data: false,
            gathering: GatheringState::New,
            in_use: false,
            has_peer: false,
            is_leaving: false,
            is_gone: false,
            key_logged: false,
            told: DtlsState::New,
        }
    }

    /// Another link like it, over the same sockets and, alone, over `spares`.
    pub(super) fn another(
        &mut self,
        id: TransportId,
        spares: &[SocketAddr],
    ) -> Result<Self, CryptoError> {
        let transport = self.transport.another(spares)?;
        Ok(Self::new(id, transport, self.media.another()))
    }

    /// No section uses it any more.
    pub(super) fn leave(&mut self) {
        self.is_leaving = true;
        self.media.close();
    }

    pub(super) const fn ice_state(&self) -> IceState {
        self.transport.ice().state()
    }

    /// Whether it may have something to tell.
    pub(super) fn has_news(&self) -> bool {
        self.transport.has_events() || self.dtls_state() != self.told
    }

    /// How far the handshake is, if that was not told.
    pub(super) fn dtls_news(&mut self) -> Option<DtlsState> {
        let state = self.dtls_state();
        (mem::replace(&mut self.told, state) != state).then_some(state)
    }

    pub(super) fn dtls_state(&self) -> DtlsState {
        self.transport.dtls_state()
    }

    pub(super) fn dtls_role(&self) -> Option<dtls::Role> {
        self.transport.dtls().map(dtls::DtlsTransport::role)
    }

    /// Takes a datagram that is for this link, or bytes of a stream.
    pub(super) fn handle_input(
        &mut self,
        now: Instant,
        path: Path,
        datagram: &mut [u8],
        channels: &mut DataChannels,
    ) {
        let Self {
            transport,
            media,
            carries_data,
            ..
        } = self;
        if self.is_leaving {
            // Servers answer that what they lent is given back.
            return transport.hear_servers(now, path, datagram);
        }
        transport.handle_input(now, path, datagram, |delivery| match delivery {
            Delivery::Data(data) if *carries_data => channels.handle_input(now, data),
            Delivery::Data(_) => {}
            Delivery::Rtp(packet) => media.handle_rtp(now, packet),
            Delivery::Rtcp(packet) => media.handle_rtcp(now, packet),
        });
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) {
        if self.is_leaving {
            self.transport.ice_mut().handle_timeout(now);
        } else {
            self.transport.handle_timeout(now);
            self.media.handle_timeout(now);
        }
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        if self.is_leaving {
            return self.transport.poll_servers();
        }
        earliest(self.transport.poll_timeout(), self.media.poll_timeout())
    }

    /// Another peer takes the place of the one before (RFC 8842 §5.4): nothing that
    /// was between the two ends is of use to it.
    pub(super) fn hand_over(
        &mut self,
        now: Instant,
        credentials: Credentials,
        channels: &mut DataChannels,
    ) -> Result<(), CredentialsError> {
        self.transport.hand_over(credentials)?;
        self.media.begin_anew(now);
        if self.carries_data {
            channels.begin_anew();
        }
        self.key_logged = false;
        Ok(())
    }

    /// A round trip of ICE counts until reports tell.
    pub(super) fn expect_round_trip(&mut self) {
        let pair = self.transport.ice().selected_pair();
        if let Some(round_trip) = pair.and_then(|pair| pair.rtt) {
            self.media.expect_round_trip(round_trip);
        }
    }

    /// The secrets of its DTLS association, once they are known, and once only.
    pub(super) fn take_key_log(&mut self) -> Option<dtls::KeyLog> {
        let line = self.transport.dtls()?.key_log()?;
        (!mem::replace(&mut self.key_logged, true)).then_some(line)
    }
}
