//! The connection: owns everything, knows the order.

use alloc::sync::Arc;
use alloc::vec::Vec;
use rand_core::CryptoRng;

use super::config::{Config, ConfigError};
use super::dtmf::Diallers;
use super::event::{CloseReason, Event, EventQueue};
use super::link::Link;
use super::links::Links;
use super::settle::States;
use super::tracks::RemoteTracks;
use crate::channel::{
    self, ChannelConfig, ChannelId, ChannelInfo, Data, DataChannels, OpenError, SendError,
};
use crate::crypto::certificate::Fingerprint;
use crate::crypto::{CryptoError, HashId};
use crate::dtls;
use crate::ice::{self, IceAgent};
use crate::jsep::{Session, SessionConfig, TransportId};
use crate::media::{Media, MediaStats};
use crate::net::{Path, Transmit};
use crate::rng::Rng;
use crate::sctp::SctpAssociation;
use crate::srtp;
use crate::time::Instant;
use crate::timer::earliest;
use crate::transport::{self, Transport};

/// A connection to one peer: the W3C's `RTCPeerConnection` as a state machine.
///
/// The application owns the sockets, the clock and the signalling. It gives in
/// datagrams and moments, and takes out datagrams, events and the next deadline:
///
/// ```text
/// handle_input(now, path, datagram)    a socket received something
/// handle_timeout(now)                  the deadline has come
/// poll_transmit(now, n, &mut buf)      something to send?   until None
/// poll_event()                         something happened?  until None
/// poll_timeout()                       when to come back
/// ```
#[derive(Debug)]
pub struct PeerConnection {
    pub(super) links: Links,
    pub(super) channels: DataChannels,
    pub(super) session: Session,
    pub(super) events: EventQueue,
    pub(super) states: States,
    pub(super) life: Life,
    pub(super) config: Arc<Config>,
    pub(super) fingerprint: Fingerprint,
    /// Both sides want data channels.
    pub(super) data_agreed: bool,
    pub(super) tracks: RemoteTracks,
    pub(super) dtmf: Diallers,
    /// The latest moment that was told.
    pub(super) now: Instant,
}

/// How far is the connection from its end?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Life {
    /// It can be used.
    Live,
    /// It is closed; what tells the peer so may still have to go out.
    Farewell(CloseReason),
    /// The last event waits.
    Ending(CloseReason),
    /// Silence.
    Over,
}

/// Counters of all layers, each with its reasons for dropping what came in. Where there
/// are several transports, those of the first: see [`PeerConnection::transports`].
#[derive(Clone, Copy, Debug)]
pub struct Stats {
    /// Path finding.
    pub ice: ice::Stats,
    /// Keys and records; `None` before the handshake starts.
    pub dtls: Option<dtls::Stats>,
    /// What was neither.
    pub transport: transport::Stats,
    /// Keys of media; `None` before there could be any.
    pub srtp: Option<srtp::Stats>,
    /// Sound and pictures.
    pub media: MediaStats,
    /// Datagrams that came on a path of no transport, where there are several.
    pub unknown_path: u64,
    /// Packets and chunks.
    pub sctp: crate::sctp::Stats,
    /// Messages and channels.
    pub channels: channel::Stats,
}

impl PeerConnection {
    /// A connection in the state `new`.
    ///
    /// Connections may share a configuration.
    ///
    /// `rng` is drawn from once; with the same draw and the same calls the
    /// connection gives the same bytes.
    ///
    /// # Errors
    ///
    /// See [`ConfigError`].
    pub fn new(
        config: impl Into<Arc<Config>>,
        rng: &mut (impl CryptoRng + ?Sized),
    ) -> Result<Self, ConfigError> {
        let config = config.into();
        config.check()?;
        let mut rng = Rng::from_rng(rng);
        let certificate = config.make_certificate(&mut rng)?;
        let fingerprint = certificate
            .fingerprint(config.provider, HashId::Sha256)
            .ok_or(CryptoError::Unsupported)?;
        let dtls = config.dtls(certificate);
        let association = SctpAssociation::new(config.sctp.clone(), &mut rng.fork());
        let limits = channel::Limits {
            max_channels: config.max_channels,
            ..Default::default()
        };
        let media = Media::new(config.media(), &mut rng.fork());
        let settings = SessionConfig {
            answer_role: config.answer_role,
            bundle_policy: config.bundle_policy,
            media: Arc::clone(&config.media),
            cryptex: config.cryptex,
        };
        let session = Session::new(settings, &mut rng);
        // RFC 8445 §6.1.1: who offers controls; corrected when a description is set.
        let role = ice::Role::Controlling;
        let transport = Transport::new(config.ice.clone(), role, dtls, &mut rng)?;
        let mut first = Link::new(TransportId::FIRST, transport, media);
        first.carries_data = true;
        let mut connection = Self {
            session,
            links: Links::new(first),
            channels: DataChannels::new(association, limits),
            events: EventQueue::default(),
            states: States::default(),
            life: Life::Live,
            config,
            fingerprint,
            data_agreed: false,
            tracks: RemoteTracks::default(),
            dtmf: Diallers::default(),
            now: Instant::ZERO,
        };
        connection.fill_pool();
        Ok(connection)
    }

    /// Opens a data channel; see [`ChannelConfig`].
    ///
    /// The first one needs an offer, unless one is under way.
    ///
    /// # Errors
    ///
    /// See [`OpenError`].
    pub fn create_data_channel(
        &mut self,
        label: &str,
        config: ChannelConfig,
    ) -> Result<ChannelId, OpenError> {
        if self.life != Life::Live {
            return Err(OpenError::Closed);
        }
        let id = self.channels.open(label, config)?;
        self.session.want_data_channels();
        self.settle_session();
        Ok(id)
    }

    /// Hands a message to an open channel. It is copied only into its datagrams.
    ///
    /// # Errors
    ///
    /// See [`SendError`].
    pub fn send(
        &mut self,
        now: Instant,
        channel: ChannelId,
        data: impl Into<Data>,
    ) -> Result<(), SendError> {
        let now = self.told(now);
        if self.life != Life::Live {
            return Err(SendError::NotOpen);
        }
        self.channels.send(now, channel, data.into())
    }

    /// How many bytes of the channel wait for their first transmission.
    #[must_use]
    pub fn buffered_amount(&self, channel: ChannelId) -> usize {
        self.channels.buffered_amount(channel)
    }

    /// Asks for [`Event::BufferedAmountLow`] whenever what waits falls to `bytes`.
    pub fn set_buffered_amount_low_threshold(&mut self, channel: ChannelId, bytes: usize) {
        self.channels
            .set_buffered_amount_low_threshold(channel, bytes);
    }

    /// Closes a channel. What was sent before still arrives; what the peer still sends
    /// is not told.
    ///
    /// Closing a channel that is closed or unknown does nothing.
    pub fn close_channel(&mut self, channel: ChannelId) {
        if self.life == Life::Live {
            self.channels.close(channel);
            self.settle();
        }
    }

    /// What is known of a channel, until its `Closed` event was taken.
    #[must_use]
    pub fn channel(&self, channel: ChannelId) -> Option<ChannelInfo<'_>> {
        self.channels.info(channel)
    }

    /// All channels, in the order in which they came to be.
    pub fn channels(&self) -> impl Iterator<Item = ChannelId> {
        self.channels.ids()
    }

    /// The largest message that the peer takes, in bytes.
    #[must_use]
    pub const fn max_message_size(&self) -> usize {
        self.channels.max_message_size()
    }

    /// Closes the connection, at once for the application.
    ///
    /// Keep polling until [`Event::Closed`] so that the peer learns of it, and servers:
    /// with relays in use that takes their answer, or two seconds.
    pub fn close(&mut self) {
        self.end(CloseReason::Application);
    }

    /// Takes a datagram that arrived on `path`, or bytes of a stream, as many as came.
    /// It is decrypted in place.
    pub fn handle_input(&mut self, now: Instant, path: Path, datagram: &mut [u8]) {
        let now = self.told(now);
        if !self.speaks() {
            return;
        }
        let Self {
            links, channels, ..
        } = self;
        links.handle_input(now, path, datagram, channels);
        self.settle();
    }

    /// Does what is due at `now`.
    pub fn handle_timeout(&mut self, now: Instant) {
        let now = self.told(now);
        if self.speaks() {
            self.links.handle_timeout(now);
            self.channels.handle_timeout(now);
            self.dial(now);
            self.settle();
        }
    }

    /// Appends what is to be sent next to `buf`, and says where it goes.
    ///
    /// With `max_datagrams` above one the bytes may be several datagrams of equal
    /// size for one path; see [`Transmit::segment_size`]. To a stream they are
    /// appended, all of them or, if it is too far behind, none.
    pub fn poll_transmit(
        &mut self,
        now: Instant,
        max_datagrams: usize,
        buf: &mut Vec<u8>,
    ) -> Option<Transmit> {
        let now = self.told(now);
        if !self.speaks() {
            return None;
        }
        let transmit = self.poll_links(now, max_datagrams, buf);
        // Asked for each packet: what goes out mostly changes nothing.
        if self.life != Life::Live || self.links.have_news() {
            self.settle();
        }
        transmit
    }

    /// What happened next.
    ///
    /// States come first, then media. A message stays in the peer's window until it is taken
    /// here, so an application that stops asking slows the peer down.
    pub fn poll_event(&mut self) -> Option<Event> {
        if let Some(event) = self.events.pop() {
            return Some(event);
        }
        if let Life::Ending(reason) = self.life {
            self.life = Life::Over;
            return Some(Event::Closed(reason));
        }
        if self.life != Life::Live {
            return None;
        }
        if let Some(event) = self.poll_media() {
            return Some(event);
        }
        loop {
            let event = self.channels.poll_event()?;
            // The peer may be followed by another.
            if let channel::Event::Closed(reason) = event
                && self.session.restarting().is_empty()
            {
                self.end(CloseReason::Sctp(reason));
                return self.events.pop();
            }
            if matches!(event, channel::Event::Connected | channel::Event::Closed(_)) {
                self.publish_association();
                if let Some(event) = self.events.pop() {
                    return Some(event);
                }
            }
            if let Some(event) = Event::of_channel(event) {
                return Some(event);
            }
        }
    }

    /// When [`handle_timeout`](Self::handle_timeout) has something to do.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        match self.life {
            Life::Live => {
                let tones = earliest(self.dtmf.poll_timeout(), self.channels.poll_timeout());
                earliest(self.links.poll_timeout(), tones)
            }
            Life::Farewell(_) => self.links.poll_timeout(),
            Life::Ending(_) | Life::Over => None,
        }
    }

    /// Whether anything may come or go; at the end, farewells.
    const fn speaks(&self) -> bool {
        matches!(self.life, Life::Live | Life::Farewell(_))
    }

    /// The moment that counts: time does not go back, for all layers together.
    pub(super) fn told(&mut self, now: Instant) -> Instant {
        self.now = self.now.max(now);
        self.now
    }

    /// Counters of all layers: of the association, and of the first transport, which mostly
    /// is the only one. [`get_stats`](Self::get_stats) tells of all.
    #[must_use]
    pub fn stats(&self) -> Stats {
        let Link {
            transport, media, ..
        } = &self.links.first;
        Stats {
            ice: transport.ice().stats(),
            dtls: transport.dtls().map(dtls::DtlsTransport::stats),
            transport: transport.stats(),
            srtp: transport.srtp_stats(),
            media: media.stats(),
            unknown_path: self.links.unknown_path(),
            sctp: self.channels.association().stats(),
            channels: self.channels.stats(),
        }
    }

    /// The secrets of the next DTLS association for a capture, once they are known, if
    /// the configuration asks for them. Given out once.
    pub fn take_key_log(&mut self) -> Option<dtls::KeyLog> {
        self.links.iter_mut().find_map(Link::take_key_log)
    }
}

/// What carries media and data.
impl PeerConnection {
    /// The transports: one for each BUNDLE group and each section outside of them, the
    /// first of which mostly is the only one.
    pub fn transports(&self) -> impl Iterator<Item = (TransportId, &Transport)> {
        let first = self.links.first.id;
        let links = self.links.iter();
        let links = links.filter(move |link| link.in_use || link.id == first);
        links.map(|link| (link.id, &link.transport))
    }
}

/// The first transport.
impl PeerConnection {
    /// The path in use, if there is one.
    #[must_use]
    pub fn selected_pair(&self) -> Option<ice::SelectedPair> {
        self.links.first.transport.ice().selected_pair()
    }

    /// Who began the DTLS handshake, once that is known.
    #[must_use]
    pub fn dtls_role(&self) -> Option<dtls::Role> {
        self.links.first.dtls_role()
    }

    /// What the DTLS handshake has agreed on, once it is done.
    #[must_use]
    pub fn dtls_negotiated(&self) -> Option<dtls::Negotiated> {
        self.links.first.transport.dtls()?.negotiated()
    }

    /// How far the DTLS handshake is; after [`close`](Self::close), closed at once.
    #[must_use]
    pub fn dtls_state(&self) -> dtls::DtlsState {
        match self.links.first.dtls_state() {
            dtls::DtlsState::Failed => dtls::DtlsState::Failed,
            _ if self.life != Life::Live => dtls::DtlsState::Closed,
            state => state,
        }
    }

    /// Whether this side decides which path is used.
    #[must_use]
    pub const fn ice_role(&self) -> ice::Role {
        self.links.first.transport.ice().role()
    }

    /// The ICE agent, to look at: its candidates, its pairs and what they counted.
    #[must_use]
    pub const fn ice(&self) -> &IceAgent {
        self.links.first.transport.ice()
    }
}
