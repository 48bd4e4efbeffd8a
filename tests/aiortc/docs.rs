//! Everything that aiortc's documentation shows, in Rust.
//!
//! Each test is one of its examples: the same calls, and what they promise.
//!
//! | page | example | here |
//! |---|---|---|
//! | configuration | basic configuration | [`basic_configuration`] |
//! | | several servers, with logins | [`servers_with_logins`] |
//! | | bundle policies | [`bundle_policies`] |
//! | | `getCapabilities` of both kinds | [`available_codecs`] |
//! | | `handle_session_descriptions` | [`session_descriptions`] |
//! | | `custom_rtp_parameters` | [`custom_rtp_parameters`] |
//! | | `validate_configuration` | [`validate_configuration`] |
//! | | `dynamic_configuration` | [`dynamic_configuration`] |
//! | data channels | `basic_data_channel` | [`basic_data_channel`] |
//! | | `custom_data_channel` | [`custom_data_channel`] |
//! | | `binary_data_transfer` | [`binary_data_transfer`] |
//! | | `flow_control_example` | [`flow_control`], [`a_full_buffer_says_so_and_loses_nothing`] |
//! | | `multiple_channels` | [`multiple_channels`] |
//! | | `error_handling` | [`error_handling`] |
//! | transports | gathering | [`ice_gathering`] |
//! | | `dtls_transport_setup` | [`dtls_transport_setup`] |
//! | | `sctp_transport_setup` | [`sctp_transport_setup`] |
//! | | `complete_transport_stack`, `ice_candidate_exchange`, `monitor_transport_states` | [`complete_transport_stack`] |
//! | | `transport_error_handling` | [`transport_error_handling`] |
//! | peer connection | `setup_peer_connection` | [`setup_peer_connection`] |
//! | | `create_offer_answer` | [`session_descriptions`] |
//! | | `add_media_and_data` | [`add_media_and_data`], [`transceivers`] |
//! | statistics | `getStats` | [`statistics`] |
//! | scenario | negotiation | [`negotiate_connection`] |

use std::sync::Arc;
use std::time::Duration;

use pollrtc::crypto::HashId;
use pollrtc::crypto::certificate::{Certificate, CertificateOptions};
use pollrtc::crypto::rust_crypto::PROVIDER;
use pollrtc::cursor::Writer;
use pollrtc::dtls::{self, DtlsConfig, DtlsState};
use pollrtc::ice::{self, IceConfig, IceServer, IceState, ServerUrl};
use pollrtc::peer::{
    BundlePolicy, ChannelConfig, ChannelId, ChannelState, Config, ConnectionState, Data, Direction,
    Event, IceGatheringState, Kind, MediaFrame, OpenError, SdpType, SendError, SignalingState,
    TransceiverInit, WriteError,
};
use pollrtc::rng::Rng;
use pollrtc::sctp::{SctpAssociation, SctpConfig, SctpState};
use pollrtc::transport::{self, Delivery, Transport};
use pollrtc::{Instant, PeerConnection, channel};

use super::support::{PC1, PC2, Pair, alone, picture};

/// The negotiation scenario: ends in ("stable", "stable"), without an error.
#[test]
fn negotiate_connection() {
    let mut pair = Pair::new();
    pair.open("chat", ChannelConfig::default());
    let offer = pair.call(PC1, |pc| pc.create_offer()).unwrap();
    pair.call(PC1, |pc| pc.set_local_description(Some(&offer)))
        .unwrap();
    pair.call(PC2, |pc| pc.set_remote_description(&offer))
        .unwrap();
    let answer = pair.call(PC2, |pc| pc.create_answer()).unwrap();
    pair.call(PC2, |pc| pc.set_local_description(Some(&answer)))
        .unwrap();
    pair.call(PC1, |pc| pc.set_remote_description(&answer))
        .unwrap();
    let states = pair
        .hosts
        .map(|host| pair.world.machine(host).signaling_state().as_str());
    assert_eq!(states, ["stable", "stable"]);

    for side in [PC1, PC2] {
        pair.call(side, PeerConnection::close);
        let pc = pair.world.machine(pair.hosts[side]);
        assert_eq!(pc.signaling_state(), SignalingState::Closed);
        assert_eq!(pc.connection_state(), ConnectionState::Closed);
    }
}

#[test]
fn basic_data_channel() {
    let mut pair = Pair::new();
    let channel = pair.open("chat", ChannelConfig::default());
    assert_eq!(
        pair.call(PC1, |pc| pc.channel(channel).unwrap().state),
        ChannelState::Connecting
    );
    pair.exchange();
    pair.wait();
    assert!(pair.was_told(PC1, &Event::ChannelState(channel, ChannelState::Open)));
    let [remote] = pair.incoming(PC2)[..] else {
        panic!("pc2 got {:?}", pair.events[PC2])
    };
    assert_eq!(
        pair.call(PC2, |pc| pc.channel(remote).unwrap().label.to_owned()),
        "chat"
    );
    pair.send(PC1, channel, "Hello from PC1!").unwrap();
    pair.send(PC2, remote, "Hello from PC2!").unwrap();
    pair.wait();
    assert_eq!(pair.messages(PC2), [Data::from("Hello from PC1!")]);
    assert_eq!(pair.messages(PC1), [Data::from("Hello from PC2!")]);
}

#[test]
fn custom_data_channel() {
    let mut pair = Pair::new();
    let game = ChannelConfig {
        ordered: false,
        max_packet_life_time: Some(100),
        protocol: "game-protocol".into(),
        ..ChannelConfig::default()
    };
    let chat = ChannelConfig {
        max_retransmits: Some(5),
        ..ChannelConfig::default()
    };
    pair.open("game-state", game.clone());
    pair.open("chat", chat.clone());
    pair.exchange();
    pair.wait();
    let incoming = pair.incoming(PC2);
    let configs = pair.call(PC2, |pc| {
        let info = |id: &ChannelId| pc.channel(*id).unwrap().config.clone();
        incoming.iter().map(info).collect::<Vec<_>>()
    });
    assert_eq!(
        configs,
        [game, chat],
        "both sides know how each channel delivers"
    );
}

#[test]
fn binary_data_transfer() {
    let mut pair = Pair::new();
    let channel = pair.open("file-transfer", ChannelConfig::default());
    pair.exchange();
    pair.wait();
    let file: Vec<u8> = (0..1_000_000_u32).map(|i| (i % 251) as u8).collect();
    for piece in file.chunks(65_536) {
        pair.send(PC1, channel, piece.to_vec()).unwrap();
    }
    pair.wait();
    let received: Vec<u8> = pair
        .messages(PC2)
        .into_iter()
        .flat_map(|data| match data {
            Data::Binary(bytes) => bytes.to_vec(),
            Data::Text(text) => panic!("text in a file: {text}"),
        })
        .collect();
    assert!(received == file);
}

#[test]
fn flow_control() {
    let mut pair = Pair::new();
    let channel = pair.open("bulk-data", ChannelConfig::default());
    pair.call(PC1, |pc| {
        pc.set_buffered_amount_low_threshold(channel, 1024);
    });
    pair.exchange();
    pair.wait();
    let large = vec![b'x'; 100_000];
    pair.send(PC1, channel, large).unwrap();
    assert!(pair.call(PC1, |pc| pc.buffered_amount(channel)) > 1024);
    pair.wait();
    assert_eq!(pair.call(PC1, |pc| pc.buffered_amount(channel)), 0);
    let low = pair.events[PC1]
        .iter()
        .filter(|event| **event == Event::BufferedAmountLow(channel));
    assert_eq!(low.count(), 1, "the buffer was emptied, more can be sent");
}

#[test]
fn a_full_buffer_says_so_and_loses_nothing() {
    let mut pair = Pair::new();
    let channel = pair.open("bulk-data", ChannelConfig::default());
    pair.exchange();
    pair.wait();
    let message = vec![7; 200_000];
    let mut sent = 0;
    while pair.send(PC1, channel, message.clone()).is_ok() {
        sent += 1;
    }
    assert_eq!(pair.send(PC1, channel, message), Err(SendError::Full));
    pair.wait();
    assert_eq!(pair.messages(PC2).len(), sent);
}

#[test]
fn multiple_channels() {
    let mut pair = Pair::new();
    let channels = [
        ("control", ChannelConfig::default()),
        (
            "video-meta",
            ChannelConfig {
                ordered: false,
                ..ChannelConfig::default()
            },
        ),
        (
            "bulk",
            ChannelConfig {
                max_retransmits: Some(3),
                ..ChannelConfig::default()
            },
        ),
    ];
    let ids = channels.map(|(label, config)| pair.open(label, config));
    pair.exchange();
    pair.wait();
    for (number, id) in ids.into_iter().enumerate() {
        pair.send(PC1, id, format!("message {number}")).unwrap();
    }
    pair.wait();
    for id in pair.incoming(PC2) {
        let label = pair.call(PC2, |pc| pc.channel(id).unwrap().label.to_owned());
        pair.send(PC2, id, format!("Echo on {label}")).unwrap();
    }
    pair.wait();
    let echoes = pair.messages(PC1);
    assert_eq!(
        echoes,
        ["control", "video-meta", "bulk"].map(|label| Data::from(format!("Echo on {label}")))
    );
}

#[test]
fn error_handling() {
    let mut pair = Pair::new();
    let channel = pair.open("test", ChannelConfig::default());
    assert_eq!(
        pair.send(PC1, channel, "too early"),
        Err(SendError::NotOpen)
    );
    pair.exchange();
    pair.wait();
    let too_large = vec![0; pair.call(PC1, |pc| pc.max_message_size()) + 1];
    assert_eq!(pair.send(PC1, channel, too_large), Err(SendError::TooLarge));
    pair.call(PC1, |pc| pc.close_channel(channel));
    assert_eq!(pair.send(PC1, channel, "too late"), Err(SendError::NotOpen));
    pair.wait();
    assert!(pair.was_told(PC1, &Event::ChannelState(channel, ChannelState::Closed)));
    let remote = pair.incoming(PC2)[0];
    assert!(pair.was_told(PC2, &Event::ChannelState(remote, ChannelState::Closed)));
    pair.call(PC1, PeerConnection::close);
    let refused = pair.call(PC1, |pc| {
        pc.create_data_channel("x", ChannelConfig::default())
    });
    assert_eq!(refused, Err(OpenError::Closed));
}

/// "Adding Media and Data": `addTrack`, a channel, and what there is then.
#[test]
fn add_media_and_data() {
    let mut pair = Pair::new();
    for (kind, track) in [(Kind::Audio, "audio-track"), (Kind::Video, "video-track")] {
        pair.call(PC1, |pc| pc.add_track(kind, track, &[])).unwrap();
    }
    let channel = pair.open("chat", ChannelConfig::default());
    let kinds = |pair: &mut Pair, side| {
        pair.call(side, |pc| {
            pc.transceivers().map(|one| one.kind()).collect::<Vec<_>>()
        })
    };
    assert_eq!(kinds(&mut pair, PC1), [Kind::Audio, Kind::Video]);

    pair.exchange();
    pair.wait();
    assert!(pair.was_told(PC1, &Event::ChannelState(channel, ChannelState::Open)));
    pair.send(PC1, channel, "Hello WebRTC!").unwrap();
    pair.wait();
    assert_eq!(pair.messages(PC2), [Data::from("Hello WebRTC!")]);

    // `@pc.on("track")`
    assert_eq!(kinds(&mut pair, PC2), [Kind::Audio, Kind::Video]);
    let tracks = pair.call(PC2, |pc| {
        pc.transceivers().map(|one| one.id()).collect::<Vec<_>>()
    });
    for id in tracks {
        assert!(pair.was_told(PC2, &Event::Track(id)));
    }
}

/// `addTransceiver(kind, direction)`, `currentDirection`, `replaceTrack`, `stop`.
#[test]
fn transceivers() {
    let mut pair = Pair::new();
    let init = TransceiverInit {
        direction: Direction::RecvOnly,
        ..TransceiverInit::default()
    };
    let id = pair
        .call(PC1, |pc| pc.add_transceiver(Kind::Video, init))
        .unwrap();
    let current = |pair: &mut Pair| {
        pair.call(PC1, |pc| {
            pc.transceiver(id).map(|one| one.current_direction())
        })
    };
    assert_eq!(current(&mut pair), Some(None));
    pair.call(PC2, |pc| pc.add_track(Kind::Video, "camera", &[]))
        .unwrap();
    pair.exchange();
    pair.wait();
    assert_eq!(current(&mut pair), Some(Some(Direction::RecvOnly)));
    assert!(
        pair.was_told(PC1, &Event::Track(id)),
        "pc2 sends its camera"
    );

    // `track.recv()`: here frames come by themselves.
    let sender = pair.call(PC2, |pc| pc.transceivers().next().unwrap().id());
    let codec = pair.call(PC2, |pc| {
        pc.send_codecs(sender).next().unwrap().name.clone()
    });
    assert_eq!(codec, "VP8");
    let host = pair.hosts[PC2];
    let write = |pair: &mut Pair| {
        pair.world.with(host, |pc, now| {
            let picture = b"\x10\x00\x00\x9d\x01\x2a\x40\x00\x40\x00\xff";
            pc.write(now, sender, &MediaFrame::new(0, (&picture[..]).into()))
        })
    };
    write(&mut pair).unwrap();
    pair.wait();
    let is_frame =
        |event: &Event| matches!(event, Event::Frame { transceiver, .. } if *transceiver == id);
    assert_eq!(
        pair.events[PC1].iter().filter(|one| is_frame(one)).count(),
        1
    );

    // `sender.replaceTrack(None)`
    pair.call(PC2, |pc| pc.replace_track(sender, None)).unwrap();
    assert_eq!(write(&mut pair), Err(WriteError::Paused));

    // `pc.getStats()`
    let now = pair.world.now();
    let stats = pair.call(PC2, |pc| pc.get_stats(now));
    assert_eq!(stats.outbound_rtp[0].packets_sent, 1);

    pair.call(PC1, |pc| pc.stop_transceiver(id)).unwrap();
    pair.exchange();
    assert_eq!(current(&mut pair), None);
}

fn url(text: &str) -> ServerUrl {
    text.parse().unwrap()
}

#[test]
fn basic_configuration() {
    let mut config = Config::new();
    config
        .ice
        .servers
        .push(IceServer::open(url("stun:stun.l.google.com:19302")));
    let pc = PeerConnection::new(config.clone(), &mut Rng::from_number(1)).unwrap();
    assert_eq!(pc.connection_state(), ConnectionState::New);
    let urls = config.ice.servers.iter().flat_map(|server| &server.urls);
    let urls: Vec<String> = urls.map(ToString::to_string).collect();
    assert_eq!(urls, ["stun:stun.l.google.com:19302"]);
}

#[test]
fn servers_with_logins() {
    let mut config = Config::new();
    config.ice.servers = vec![
        IceServer {
            urls: vec![
                url("stun:stun.l.google.com:19302"),
                url("stun:stun1.l.google.com:19302"),
            ],
            username: None,
            credential: None,
        },
        IceServer::with_login(
            url("turn:turnserver.example.com:3478"),
            "myusername",
            "mypassword",
        ),
        IceServer::with_login(
            url("turn:turnserver.example.com:443?transport=tcp"),
            "myusername",
            "mypassword",
        ),
    ];
    assert!(!format!("{:?}", config.ice.servers).contains("mypassword"));
    let mut pc = alone(config);
    pc.create_data_channel("a", ChannelConfig::default())
        .unwrap();
    pc.set_local_description(None).unwrap();
    let names: Vec<String> = std::iter::from_fn(|| pc.poll_event())
        .filter_map(|event| match event {
            Event::Resolve(name) => Some(name),
            _ => None,
        })
        .collect();
    for name in [
        "stun.l.google.com",
        "stun1.l.google.com",
        "turnserver.example.com",
    ] {
        assert!(names.iter().any(|one| one == name), "{names:?}");
    }
}

#[test]
fn bundle_policies() {
    for bundle_policy in [
        BundlePolicy::Balanced,
        BundlePolicy::MaxCompat,
        BundlePolicy::MaxBundle,
    ] {
        let pc = alone(Config {
            bundle_policy,
            ..Config::new()
        });
        assert_eq!(pc.configuration().bundle_policy, bundle_policy);
    }
}

/// `RTCRtpSender.getCapabilities("audio")` and `("video")`.
#[test]
fn available_codecs() {
    let pc = alone(Config::new());
    let names = |kind| {
        let codecs = pc.capabilities(kind).codecs.iter();
        codecs.map(|one| one.name.as_str()).collect::<Vec<_>>()
    };
    let (audio, video) = (names(Kind::Audio), names(Kind::Video));
    assert!(
        ["opus", "G722", "PCMU", "PCMA"]
            .iter()
            .all(|name| audio.contains(name))
    );
    assert!(
        ["VP8", "H264", "rtx"]
            .iter()
            .all(|name| video.contains(name))
    );
    for kind in [Kind::Audio, Kind::Video] {
        assert!(!pc.capabilities(kind).extensions.is_empty());
    }
}

/// The exchange in single steps, with the states and the types after each.
#[test]
fn session_descriptions() {
    let mut pair = Pair::new();
    pair.open("chat", ChannelConfig::default());
    let offer = pair.call(PC1, |pc| pc.create_offer()).unwrap();
    assert_eq!(offer.kind.as_str(), "offer");
    pair.call(PC1, |pc| pc.set_local_description(Some(&offer)))
        .unwrap();
    let state = |pair: &Pair, side| pair.machine(side).signaling_state().as_str();
    assert_eq!(state(&pair, PC1), "have-local-offer");
    pair.call(PC2, |pc| pc.set_remote_description(&offer))
        .unwrap();
    assert_eq!(state(&pair, PC2), "have-remote-offer");
    let answer = pair.call(PC2, |pc| pc.create_answer()).unwrap();
    assert_eq!(answer.kind.as_str(), "answer");
    pair.call(PC2, |pc| pc.set_local_description(Some(&answer)))
        .unwrap();
    assert_eq!(state(&pair, PC2), "stable");
    pair.call(PC1, |pc| pc.set_remote_description(&answer))
        .unwrap();
    assert_eq!(state(&pair, PC1), "stable");
    let types = [PC1, PC2].map(|side| {
        let pc = pair.machine(side);
        let kinds = [pc.local_description(), pc.remote_description()];
        kinds.map(|description| description.unwrap().kind)
    });
    assert_eq!(
        types,
        [
            [SdpType::Offer, SdpType::Answer],
            [SdpType::Answer, SdpType::Offer]
        ]
    );
}

/// What was agreed on of RTP, after the exchange.
#[test]
fn custom_rtp_parameters() {
    let mut pair = Pair::new();
    let id = pair.add(PC1, Kind::Video, Direction::SendOnly);
    assert!(pair.machine(PC1).send_codecs(id).next().is_none());
    pair.exchange();
    let codecs: Vec<_> = pair.machine(PC1).send_codecs(id).collect();
    assert_eq!(codecs[0].name, "VP8");
    assert_eq!(codecs[0].clock_rate, 90_000);
    assert!(pair.machine(PC1).ssrc(id, "").is_some());
}

#[test]
fn validate_configuration() {
    let stun = IceServer::open(url("stun:stun.l.google.com:19302"));
    let turn = IceServer::with_login(url("turn:turnserver.example.com:3478"), "user", "pass");
    let without_login = IceServer::open(url("turn:turnserver.example.com:3478"));
    for (servers, is_valid) in [
        (vec![stun], true),
        (vec![turn], true),
        (vec![], true),
        (vec![without_login], false),
    ] {
        let mut config = Config::new();
        config.ice.servers = servers;
        let made = PeerConnection::new(config, &mut Rng::from_number(1));
        assert_eq!(made.is_ok(), is_valid);
    }
    assert!("http://stun.example.com".parse::<ServerUrl>().is_err());
}

/// aiortc needs another connection for other servers; here they change.
#[test]
fn dynamic_configuration() {
    let mut config = Config::new();
    let stun = IceServer::open(url("stun:stun.l.google.com:19302"));
    config.ice.servers.push(stun);
    let mut pc = alone(config);
    let mut wanted = pc.configuration();
    assert_eq!(wanted.ice_servers.len(), 1);
    let login = IceServer::with_login(url("turn:turnserver.example.com"), "newuser", "newpass");
    wanted.ice_servers.push(login);
    pc.set_configuration(wanted).unwrap();
    assert_eq!(pc.configuration().ice_servers.len(), 2);
    pc.create_data_channel("a", ChannelConfig::default())
        .unwrap();
    pc.set_local_description(None).unwrap();
    let told: Vec<Event> = std::iter::from_fn(|| pc.poll_event()).collect();
    let name = "turnserver.example.com".to_string();
    assert!(told.contains(&Event::Resolve(name)), "{told:?}");
    pc.close();
}

/// `@pc.on("connectionstatechange")` and `@pc.on("icecandidate")`.
#[test]
fn setup_peer_connection() {
    let mut pair = Pair::new();
    pair.open("a", ChannelConfig::default());
    pair.exchange();
    pair.wait();
    let mut states = Vec::new();
    let mut candidates = Vec::new();
    for event in &pair.events[PC1] {
        match event {
            Event::ConnectionState(state) => states.push(state.as_str()),
            Event::IceCandidate(Some(candidate)) => candidates.push(&candidate.candidate),
            _ => {}
        }
    }
    assert_eq!(states, ["connecting", "connected"]);
    assert_eq!(candidates.len(), 1);
    assert!(candidates[0].starts_with("candidate:") && candidates[0].contains("192.0.2.1 1000"));
}

#[test]
fn ice_gathering() {
    let mut agent = ice::IceAgent::new(
        IceConfig::new(&PROVIDER),
        ice::Role::Controlling,
        &mut Rng::from_number(1),
    )
    .unwrap();
    agent
        .add_local_address("192.0.2.1:1000".parse().unwrap())
        .unwrap();
    agent.gather();
    assert_eq!(agent.gathering_state(), IceGatheringState::Complete);
    assert!(!agent.local_credentials().ufrag.is_empty());
    assert_eq!(agent.local_candidates().count(), 1);
    assert_eq!(agent.state(), IceState::New);
}

fn certificate(rng: &mut Rng) -> Arc<Certificate> {
    let options = CertificateOptions {
        common_name: "example".into(),
        not_before: 1_700_000_000,
        not_after: 1_900_000_000,
    };
    Arc::new(Certificate::generate(&PROVIDER, rng, &options).unwrap())
}

/// The certificate is made before, and its fingerprint is what descriptions carry.
#[test]
fn dtls_transport_setup() {
    let certificate = certificate(&mut Rng::from_number(1));
    let fingerprint = certificate.fingerprint(&PROVIDER, HashId::Sha256).unwrap();
    let mut pc = alone(Config {
        certificate: Some(certificate),
        ..Config::new()
    });
    pc.create_data_channel("a", ChannelConfig::default())
        .unwrap();
    let offer = pc.create_offer().unwrap();
    assert!(
        offer
            .sdp
            .contains(&format!("a=fingerprint:{fingerprint}\r\n"))
    );
    assert_eq!(pc.dtls_state(), DtlsState::New);
    assert_eq!(pc.dtls_role(), None, "nobody has decided yet");
}

#[test]
fn sctp_transport_setup() {
    let mut pair = Pair::new();
    pair.open("a", ChannelConfig::default());
    assert_eq!(pair.machine(PC1).stats().sctp.packets_sent, 0);
    pair.exchange();
    pair.wait();
    for side in [PC1, PC2] {
        let pc = pair.machine(side);
        assert_eq!(pc.max_message_size(), 262_144);
        assert!(pc.stats().sctp.packets_received > 0);
    }
    assert!(pair.was_told(PC1, &Event::ConnectionState(ConnectionState::Connected)));
}

/// One side of a stack that is put together by hand: ICE, DTLS over it, SCTP with
/// channels over that.
struct Stack {
    transport: Transport,
    channels: channel::DataChannels,
    states: Vec<String>,
    parity: channel::StreamParity,
}

impl Stack {
    fn new(side: usize, role: ice::Role, rng: &mut Rng) -> (Self, Arc<Certificate>) {
        let certificate = certificate(rng);
        let dtls = DtlsConfig::new(&PROVIDER, Arc::clone(&certificate));
        let mut transport = Transport::new(IceConfig::new(&PROVIDER), role, dtls, rng).unwrap();
        let address = ["192.0.2.1:1000", "192.0.2.2:2000"][side].parse().unwrap();
        transport.ice_mut().add_local_address(address).unwrap();
        transport.ice_mut().gather();
        let association = SctpAssociation::new(SctpConfig::default(), rng);
        let channels = channel::DataChannels::new(association, channel::Limits::default());
        let parity = match side {
            0 => channel::StreamParity::Even,
            _ => channel::StreamParity::Odd,
        };
        let stack = Self {
            transport,
            channels,
            states: Vec::new(),
            parity,
        };
        (stack, certificate)
    }

    /// `start(remoteParameters)` of all layers.
    fn start(&mut self, peer: &ice::IceAgent, certificate: &Certificate, role: dtls::Role) {
        let agent = self.transport.ice_mut();
        for candidate in peer.local_candidates() {
            agent.add_remote_candidate(candidate.clone()).unwrap();
        }
        agent.end_of_remote_candidates();
        agent
            .set_remote_credentials(peer.local_credentials().clone())
            .unwrap();
        let fingerprint = certificate.fingerprint(&PROVIDER, HashId::Sha256).unwrap();
        self.transport.start_dtls(role, vec![fingerprint]);
    }

    /// What it has to send, and to where.
    fn poll(&mut self, now: Instant) -> Option<(pollrtc::net::Path, Vec<u8>)> {
        let mut datagram = Vec::new();
        let mut room = Writer::new(&mut datagram, 1200);
        let channels = &mut self.channels;
        let path = self.transport.poll_transmit(now, &mut room).or_else(|| {
            self.transport
                .seal(&mut room, |w| channels.poll_transmit(now, w))
        });
        while let Some(event) = self.transport.poll_event() {
            match event {
                transport::Event::Ice(ice::Event::State(state)) => {
                    self.states.push(format!("ICE {state:?}"));
                }
                transport::Event::Connected { .. } => {
                    self.states.push("DTLS Connected".to_string());
                    self.channels.connect(self.parity);
                }
                _ => {}
            }
        }
        path.map(|path| (path, datagram))
    }

    fn take(&mut self, now: Instant, path: pollrtc::net::Path, mut datagram: Vec<u8>) {
        let channels = &mut self.channels;
        let deliver = |delivery: Delivery<'_>| {
            if let Delivery::Data(data) = delivery {
                channels.handle_input(now, data);
            }
        };
        self.transport
            .handle_input(now, path, &mut datagram, deliver);
    }
}

/// ICE, DTLS and SCTP without a description; candidates are exchanged by hand, and each
/// layer tells its states.
#[test]
fn complete_transport_stack() {
    let mut rng = Rng::from_number(1);
    let (mut a, a_certificate) = Stack::new(0, ice::Role::Controlling, &mut rng);
    let (mut b, b_certificate) = Stack::new(1, ice::Role::Controlled, &mut rng);
    a.start(b.transport.ice(), &b_certificate, dtls::Role::Client);
    b.start(a.transport.ice(), &a_certificate, dtls::Role::Server);
    let chat = a.channels.open("chat", ChannelConfig::default()).unwrap();
    let mut now = Instant::from_millis(1);
    let mut stacks = [a, b];
    let mut run = |stacks: &mut [Stack; 2]| {
        for _ in 0..2000 {
            for side in [0, 1] {
                while let Some((path, datagram)) = stacks[side].poll(now) {
                    let back = pollrtc::net::Path::udp(path.remote, path.local);
                    stacks[1 - side].take(now, back, datagram);
                }
            }
            now += Duration::from_millis(1);
            for stack in stacks.iter_mut() {
                stack.transport.handle_timeout(now);
                stack.channels.handle_timeout(now);
            }
        }
        now
    };
    let now = run(&mut stacks);
    for stack in &stacks {
        assert_eq!(stack.transport.dtls_state(), DtlsState::Connected);
        assert_eq!(stack.channels.association().state(), SctpState::Connected);
        assert_eq!(stack.states[0], "ICE Checking");
        assert!(stack.states.contains(&"DTLS Connected".to_string()));
        assert_eq!(stack.states.last().unwrap(), "ICE Completed");
    }
    let hello = Data::from("Hello by hand");
    stacks[0].channels.send(now, chat, hello.clone()).unwrap();
    run(&mut stacks);
    let came = std::iter::from_fn(|| stacks[1].channels.poll_event());
    let came = came.filter_map(|event| match event {
        channel::Event::Message(_, data) => Some(data),
        _ => None,
    });
    assert_eq!(came.collect::<Vec<_>>(), [hello]);
}

/// "Attempt to start without proper setup": an error with a name, and nothing is broken.
#[test]
fn transport_error_handling() {
    let mut rng = Rng::from_number(1);
    let (mut stack, _) = Stack::new(0, ice::Role::Controlling, &mut rng);
    let mut empty = stack.transport.ice().local_credentials().clone();
    empty.ufrag.clear();
    assert!(
        stack
            .transport
            .ice_mut()
            .set_remote_credentials(empty)
            .is_err()
    );
    assert_eq!(stack.poll(Instant::from_millis(1)), None);
    stack.transport.close_dtls(dtls::CloseReason::Requested);
    stack.transport.ice_mut().close();
    assert_eq!(stack.transport.ice().state(), IceState::Closed);
}

/// `pc.getStats()`: what each side counted, and what each knows of the other.
#[test]
fn statistics() {
    let mut pair = Pair::new();
    let id = pair.add(PC1, Kind::Video, Direction::SendOnly);
    pair.exchange();
    pair.wait();
    for round in 0..60 {
        pair.write(PC1, id, &picture(round * 3000, round == 0, 2000))
            .unwrap();
        pair.run(Duration::from_millis(33));
    }
    pair.wait();
    let now = pair.world.now();
    let [ours, theirs] = [PC1, PC2].map(|side| pair.machine(side).get_stats(now));
    let (sent, received) = (&ours.outbound_rtp[0], &theirs.inbound_rtp[0]);
    assert_eq!(sent.packets_sent, received.packets.packets_received);
    assert_eq!(sent.stream.ssrc, received.stream.ssrc);
    assert_eq!(ours.remote_inbound_rtp[0].packets_lost, 0);
    assert!(theirs.remote_outbound_rtp[0].packets_sent > 0);
    assert!(ours.codecs.iter().any(|one| one.mime_type == "video/VP8"));
}
