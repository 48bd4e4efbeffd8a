//! Whole connections as machines of the world, and two of them that talk.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::net::SocketAddr;
use core::time::Duration;

use super::adapter::{phase_of_dtls, phase_of_ice};
use super::ledger::{Channel, Delivery, Frame, Message, Phase, Side, Snapshot};
use super::{Fact, Grant, HostId, Link, Machine, Realm, Wish, World, invariants};
use crate::cursor::Writer;
use crate::dtls;
use crate::ice;
use crate::net::Path;
use crate::peer::{
    ChannelConfig, ChannelId, ChannelInfo, ChannelState, Config, ConnectionState, Data,
    Description, DescriptionError, Event, IceCandidate, LocalCandidate, OpenError, PeerConnection,
    SendError, SignalingState, Transceiver, TransceiverId,
};
use crate::rtp::sender::{MediaFrame, WriteError};
use crate::time::Instant;
use crate::wire::sdp::candidate;

impl Machine for PeerConnection {
    type Event = Event;

    fn handle_input(&mut self, now: Instant, path: Path, datagram: &mut [u8]) {
        Self::handle_input(self, now, path, datagram);
    }

    fn handle_timeout(&mut self, now: Instant) {
        Self::handle_timeout(self, now);
    }

    fn poll_transmit(&mut self, now: Instant, out: &mut Writer<'_>) -> Option<Path> {
        let mut datagram = Vec::new();
        let transmit = Self::poll_transmit(self, now, 1, &mut datagram)?;
        out.bytes(&datagram);
        Some(transmit.path)
    }

    fn poll_event(&mut self) -> Option<Event> {
        Self::poll_event(self)
    }

    fn poll_timeout(&self) -> Option<Instant> {
        Self::poll_timeout(self)
    }

    fn wish(&self, event: &Event) -> Option<Wish> {
        match event {
            Event::Connect { path, .. } => Some(Wish::Connect(*path)),
            Event::Release(path) => Some(Wish::Release(*path)),
            Event::Resolve(name) => Some(Wish::Resolve(name.clone())),
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

    fn fact(&self, event: &Event) -> Option<Fact> {
        match event {
            Event::ChannelState(id, ChannelState::Open) => Some(Fact::ChannelOpened {
                handle: id.to_string(),
                channel: described(self.channel(*id)?)?,
            }),
            Event::ChannelState(id, ChannelState::Closed) => {
                Some(Fact::ChannelClosed(id.to_string()))
            }
            Event::Message(id, data) => {
                let message = recorded(self.channel(*id)?, data.clone())?;
                Some(Fact::MessageReceived(message))
            }
            Event::BufferedAmountLow(id) => {
                Some(Fact::BufferedAmountLow(self.channel(*id)?.stream?))
            }
            Event::Frame {
                transceiver,
                rid,
                frame,
            } => Some(Fact::FrameReceived(Frame {
                mid: self.transceiver(*transceiver)?.mid()?.into(),
                rid: (**rid).into(),
                data: frame.data.clone(),
            })),
            _ => None,
        }
    }

    fn snapshot(&self) -> Option<Snapshot> {
        Some(Snapshot {
            connection: phase_of_connection(self.connection_state()),
            ice: phase_of_ice(self.ice_connection_state()),
            dtls: together(
                self.transports()
                    .map(|(_, one)| phase_of_dtls(one.dtls_state())),
            ),
            stable: self.signaling_state() == SignalingState::Stable,
            controlling: Some(self.ice_role() == ice::Role::Controlling),
            selected: self.ice().current_path(),
            dtls_client: self.dtls_role().map(|role| role == dtls::Role::Client),
            exported_key: None,
            buffered: self.channels().map(|id| self.buffered_amount(id)).sum(),
        })
    }

    fn next_key_log_line(&mut self) -> Option<String> {
        self.take_key_log().map(|line| line.to_string())
    }
}

impl World<PeerConnection> {
    /// Two peers, `L` and `R`, with an address each and the default
    /// configuration, linked by `link` and watched by
    /// [all invariants](invariants::of_pair).
    #[cfg(feature = "rust-crypto")]
    #[must_use]
    pub fn pair(seed: u64, link: Link) -> (Self, [HostId; 2]) {
        Self::pair_of(seed, link, [Config::new(), Config::new()])
    }

    /// Like [`pair`](Self::pair), with these configurations.
    ///
    /// # Panics
    ///
    /// If a configuration is not valid.
    #[must_use]
    pub fn pair_of(seed: u64, link: Link, configs: [Config; 2]) -> (Self, [HostId; 2]) {
        let mut world = Self::new(seed).with_links(link);
        let [left, right] = configs;
        let left = world.add_peer("L", SocketAddr::from(([192, 0, 2, 1], 4000)), left);
        let right = world.add_peer("R", SocketAddr::from(([198, 51, 100, 2], 5000)), right);
        world.watch(invariants::of_pair([left, right]));
        (world, [left, right])
    }

    /// Adds a connection on the Internet with one address, whose seed is drawn from
    /// the world's.
    ///
    /// # Panics
    ///
    /// If the configuration is not valid.
    pub fn add_peer(&mut self, name: &str, address: SocketAddr, config: Config) -> HostId {
        self.add_peer_in(Realm::INTERNET, name, &[address], config)
    }

    /// Like [`add_peer`](Self::add_peer), in a realm, with any number of addresses.
    ///
    /// # Panics
    ///
    /// If the configuration is not valid, or there are too many addresses.
    pub fn add_peer_in(
        &mut self,
        realm: Realm,
        name: &str,
        addresses: &[SocketAddr],
        config: Config,
    ) -> HostId {
        let mut rng = self.fork_rng();
        // Said above: a world is made by a test, which chooses what is valid.
        let mut peer = PeerConnection::new(config, &mut rng).expect("a valid configuration");
        for &address in addresses {
            // The addresses are the world's own.
            peer.add_local_address(address)
                .expect("an address of the world");
        }
        self.add_in(realm, name, addresses, peer)
    }

    /// Lets `from` offer and `to` answer, as if the post took no time.
    ///
    /// # Errors
    ///
    /// What either of them has against it.
    pub fn negotiate(&mut self, from: HostId, to: HostId) -> Result<(), DescriptionError> {
        if let Some(offer) = self.describe(from)? {
            self.tell(to, &offer)?;
            if let Some(answer) = self.describe(to)? {
                self.tell(from, &answer)?;
            }
        }
        Ok(())
    }

    /// Lets `from` offer and `to` answer, where each description takes `delay`.
    ///
    /// # Panics
    ///
    /// If either of them has something against it.
    pub fn negotiate_by_post(&mut self, from: HostId, to: HostId, delay: Duration) {
        let Some(offer) = self.describe(from).expect("an offer can be made") else {
            return;
        };
        self.after(delay, move |world| {
            world.tell(to, &offer).expect("the offer is good");
            let answer = world.describe(to).expect("an answer can be made");
            world.after(delay, move |world| {
                if let Some(answer) = answer {
                    world.tell(from, &answer).expect("the answer is good");
                }
            });
        });
    }

    /// Lets a peer make the description that is due, and tells it with the
    /// candidates gathered at once.
    ///
    /// # Errors
    ///
    /// What it has against it.
    pub fn describe(&mut self, host: HostId) -> Result<Option<Description>, DescriptionError> {
        self.describe_as(host, None)
    }

    /// Lets a peer make this description its own, as [`describe`](Self::describe) does
    /// with the one that is due.
    ///
    /// # Errors
    ///
    /// What it has against it.
    pub fn describe_as(
        &mut self,
        host: HostId,
        description: Option<&Description>,
    ) -> Result<Option<Description>, DescriptionError> {
        self.note(host, Fact::Called("set_local_description".into()));
        self.act(host, |peer, _| peer.set_local_description(description))?;
        let description = self.machine(host).local_description();
        if let Some(description) = &description {
            self.note_description(host, Side::Local, description);
        }
        self.settle(host);
        Ok(self.machine(host).local_description())
    }

    /// Gives a peer the other's description.
    ///
    /// # Errors
    ///
    /// What it has against it.
    pub fn tell(
        &mut self,
        host: HostId,
        description: &Description,
    ) -> Result<(), DescriptionError> {
        self.note(host, Fact::Called("set_remote_description".into()));
        self.act(host, |peer, _| peer.set_remote_description(description))?;
        for line in description.sdp.lines() {
            if line.starts_with("a=candidate:") {
                self.note_candidate(host, line);
            }
        }
        self.note_description(host, Side::Remote, description);
        self.settle(host);
        Ok(())
    }

    /// Gives a peer a candidate of the other's, or the end of them, as
    /// [`Event::IceCandidate`] told it.
    ///
    /// # Errors
    ///
    /// What it has against it.
    pub fn trickle(
        &mut self,
        host: HostId,
        candidate: Option<&LocalCandidate>,
    ) -> Result<(), DescriptionError> {
        let line = candidate.map_or("", |candidate| &candidate.candidate);
        self.note_candidate(host, line);
        self.with(host, |peer, _| {
            peer.add_ice_candidate(IceCandidate {
                candidate: line,
                sdp_mid: candidate.and_then(|candidate| candidate.sdp_mid.as_deref()),
                sdp_mline_index: candidate.map(|candidate| candidate.sdp_mline_index),
                username_fragment: candidate.map(|one| one.username_fragment.as_str()),
            })
        })
    }

    /// Opens a channel.
    ///
    /// # Errors
    ///
    /// What the peer has against it.
    pub fn open(
        &mut self,
        host: HostId,
        label: &str,
        config: ChannelConfig,
    ) -> Result<ChannelId, OpenError> {
        let call = format!("create_data_channel {label:?}");
        self.note(host, Fact::Called(call));
        self.with(host, |peer, _| peer.create_data_channel(label, config))
    }

    /// Sends a message.
    ///
    /// # Errors
    ///
    /// What the peer has against it.
    pub fn send(
        &mut self,
        host: HostId,
        channel: ChannelId,
        data: impl Into<Data>,
    ) -> Result<(), SendError> {
        let data = data.into();
        self.act(host, |peer, now| peer.send(now, channel, data.clone()))?;
        let info = self.machine(host).channel(channel);
        if let Some(message) = info.and_then(|info| recorded(info, data)) {
            self.note(host, Fact::MessageSent(message));
        }
        self.settle(host);
        Ok(())
    }

    /// Sends a frame of one encoding, whose name is empty if there is only one.
    ///
    /// # Errors
    ///
    /// What the peer has against it.
    pub fn write_frame(
        &mut self,
        host: HostId,
        transceiver: TransceiverId,
        rid: &str,
        frame: &MediaFrame,
    ) -> Result<(), WriteError> {
        self.act(host, |peer, now| {
            peer.write_encoding(now, transceiver, rid, frame)
        })?;
        let transceiver = self.machine(host).transceiver(transceiver);
        if let Some(mid) = transceiver.and_then(Transceiver::mid) {
            let frame = Frame {
                mid: mid.into(),
                rid: rid.into(),
                data: frame.data.clone(),
            };
            self.note(host, Fact::FrameSent(frame));
        }
        self.settle(host);
        Ok(())
    }

    /// Runs until both are connected; `false` if that takes longer than `limit`.
    pub fn connect(&mut self, pair: [HostId; 2], limit: Duration) -> bool {
        self.run_until(limit, |world| {
            pair.iter().all(|&host| world.is_connected(host))
        })
    }

    /// Whether a peer is connected.
    #[must_use]
    pub fn is_connected(&self, host: HostId) -> bool {
        self.machine(host).connection_state() == ConnectionState::Connected
    }

    fn note_description(&mut self, host: HostId, side: Side, description: &Description) {
        let sdp = description.sdp.clone();
        self.note(host, Fact::Described { side, sdp });
    }

    /// Notes that a host was told of a candidate, if the line is one with an address.
    pub fn note_candidate(&mut self, host: HostId, line: &str) {
        let address = candidate::parse(line)
            .ok()
            .and_then(|found| found.address.ip());
        if let Some(address) = address {
            self.note(host, Fact::RemoteCandidate(address));
        }
    }
}

/// The phase of several associations.
fn together(phases: impl Iterator<Item = Phase>) -> Phase {
    let phases: Vec<_> = phases.collect();
    let open: Vec<_> = phases.iter().filter(|one| **one != Phase::Closed).collect();
    match *open {
        [] => Phase::Closed,
        [first, ..] if open.iter().all(|one| *one == first) => *first,
        _ if phases.contains(&Phase::Failed) => Phase::Failed,
        _ => Phase::Connecting,
    }
}

/// The common word for a state of a connection.
const fn phase_of_connection(state: ConnectionState) -> Phase {
    match state {
        ConnectionState::New => Phase::New,
        ConnectionState::Connecting => Phase::Connecting,
        ConnectionState::Connected => Phase::Connected,
        ConnectionState::Disconnected => Phase::Disconnected,
        ConnectionState::Failed => Phase::Failed,
        ConnectionState::Closed => Phase::Closed,
    }
}

/// A channel as the ledger writes it down; `None` while it has no stream.
fn described(info: ChannelInfo<'_>) -> Option<Channel> {
    Some(Channel {
        id: info.stream?,
        label: info.label.into(),
        protocol: info.config.protocol.clone(),
        delivery: delivery(info),
    })
}

fn delivery(info: ChannelInfo<'_>) -> Delivery {
    let config = info.config;
    Delivery {
        ordered: config.ordered,
        reliable: config.max_packet_life_time.is_none() && config.max_retransmits.is_none(),
    }
}

fn recorded(info: ChannelInfo<'_>, data: Data) -> Option<Message> {
    let (text, data) = match data {
        Data::Text(text) => (true, text.into()),
        Data::Binary(data) => (false, data),
    };
    Some(Message {
        channel: info.stream?,
        delivery: delivery(info),
        text,
        data,
    })
}
