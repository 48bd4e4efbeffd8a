//! All commands in all states: what the W3C says to each, and nothing else happens.

use std::fmt::Write as _;
use std::fs;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use bytes::Bytes;
use pollrtc::PeerConnection;
use pollrtc::dtls::Role;
use pollrtc::net::{Path, Protocol};
use pollrtc::peer::{
    ChannelConfig, ChannelId, Description, DescriptionError, Direction, IceCandidate, IceServer,
    IceTransportPolicy, Kind, MediaFrame, OfferOptions, OutPacket, SdpType, SendParameters,
    TransceiverId, TransceiverInit,
};
use pollrtc::seq::{Serial16, Serial32};
use pollrtc::time::Instant;
use pollrtc::wire::rtp::{PayloadType, Ssrc};

use super::scene::{compare_golden, quiet, rich, seen};

/// A connection in a state, and what commands need.
struct Scene {
    peer: PeerConnection,
    sound: TransceiverId,
    channel: ChannelId,
    /// How the sound was sent before the connection came into its state.
    parameters: SendParameters,
    /// A good offer of the peer's, and a good answer to ours, if we have offered.
    offer: Description,
    answer: Option<Description>,
}

type Make = fn() -> Scene;

/// How a connection comes into each state.
const STATES: [(&str, Make); 8] = [
    ("new", || Scene::new(|_, _| None)),
    ("have-local-offer", || Scene::new(offered)),
    ("have-remote-offer", || {
        Scene::new(|ours, theirs| {
            exchange(theirs, ours, None);
            None
        })
    }),
    ("have-local-pranswer", || {
        Scene::new(|ours, theirs| {
            exchange(theirs, ours, None);
            let answer = ours.create_answer().expect("an offer waits");
            ours.set_local_description(Some(&provisional(answer)))
                .expect("it fits");
            None
        })
    }),
    ("have-remote-pranswer", || {
        Scene::new(|ours, theirs| {
            let answer = offered(ours, theirs).expect("an answer");
            ours.set_remote_description(&provisional(answer.clone()))
                .expect("it fits");
            Some(answer)
        })
    }),
    ("stable again", || Scene::new(settled)),
    ("closed", || {
        Scene::new(|ours, theirs| {
            let answer = settled(ours, theirs);
            ours.close();
            answer
        })
    }),
    ("closed and left", || {
        Scene::new(|ours, theirs| {
            let answer = settled(ours, theirs);
            ours.close();
            for second in 0..60 {
                ours.handle_timeout(Instant::ZERO + Duration::from_secs(second));
                quiet(ours);
            }
            answer
        })
    }),
];

fn exchange(from: &mut PeerConnection, to: &mut PeerConnection, kind: Option<SdpType>) {
    from.set_local_description(None).expect("one is due");
    let mut description = from.local_description().expect("it was just set");
    description.kind = kind.unwrap_or(description.kind);
    to.set_remote_description(&description).expect("it is good");
}

fn provisional(answer: Description) -> Description {
    Description {
        kind: SdpType::Pranswer,
        ..answer
    }
}

fn offered(ours: &mut PeerConnection, theirs: &mut PeerConnection) -> Option<Description> {
    exchange(ours, theirs, None);
    theirs.set_local_description(None).expect("an offer waits");
    theirs.local_description()
}

fn settled(ours: &mut PeerConnection, theirs: &mut PeerConnection) -> Option<Description> {
    let answer = offered(ours, theirs)?;
    ours.set_remote_description(&answer).expect("it is good");
    Some(answer)
}

impl Scene {
    fn new(
        prepare: impl FnOnce(&mut PeerConnection, &mut PeerConnection) -> Option<Description>,
    ) -> Self {
        let (mut peer, mut theirs) = (rich(1), rich(2));
        let sound = peer.transceivers().next().expect("two were added").id();
        let channel = peer.channels().next().expect("one was opened");
        let parameters = peer.send_parameters(sound).expect("it was added");
        let answer = prepare(&mut peer, &mut theirs);
        let offer = match theirs.create_offer() {
            Ok(offer) => offer,
            Err(_) => theirs.local_description().expect("it has offered"),
        };
        quiet(&mut peer);
        Self {
            peer,
            sound,
            channel,
            parameters,
            offer,
            answer,
        }
    }

    /// A description of ours of this kind, created last.
    fn set_local(&mut self, kind: SdpType) -> Result<(), DescriptionError> {
        let sdp = String::new();
        self.peer
            .set_local_description(Some(&Description { kind, sdp }))
    }

    fn set_remote(&mut self, kind: SdpType) -> Result<(), DescriptionError> {
        let sdp = match kind {
            SdpType::Offer => self.offer.sdp.clone(),
            SdpType::Rollback => String::new(),
            // One that fits, if anything does.
            _ => self.answer.as_ref().unwrap_or(&self.offer).sdp.clone(),
        };
        self.peer.set_remote_description(&Description { kind, sdp })
    }
}

type Command = fn(&mut Scene) -> Result<(), String>;

/// All that can be asked of a connection and may be refused.
const COMMANDS: [(&str, Command); 69] = [
    ("create_offer", |s| told(s.peer.create_offer())),
    ("create_offer_with(ice_restart)", |s| {
        let options = OfferOptions {
            ice_restart: true,
            ..OfferOptions::default()
        };
        told(s.peer.create_offer_with(options))
    }),
    ("create_answer", |s| told(s.peer.create_answer())),
    ("set_local_description(None)", |s| {
        told(s.peer.set_local_description(None))
    }),
    ("set_local_description(offer)", |s| {
        told(s.set_local(SdpType::Offer))
    }),
    ("set_local_description(pranswer)", |s| {
        told(s.set_local(SdpType::Pranswer))
    }),
    ("set_local_description(answer)", |s| {
        told(s.set_local(SdpType::Answer))
    }),
    ("set_local_description(rollback)", |s| {
        told(s.set_local(SdpType::Rollback))
    }),
    ("set_local_description(another)", |s| {
        let another = Description {
            kind: SdpType::Offer,
            sdp: s.offer.sdp.clone(),
        };
        told(s.peer.set_local_description(Some(&another)))
    }),
    ("set_remote_description(offer)", |s| {
        told(s.set_remote(SdpType::Offer))
    }),
    ("set_remote_description(pranswer)", |s| {
        told(s.set_remote(SdpType::Pranswer))
    }),
    ("set_remote_description(answer)", |s| {
        told(s.set_remote(SdpType::Answer))
    }),
    ("set_remote_description(rollback)", |s| {
        told(s.set_remote(SdpType::Rollback))
    }),
    ("set_remote_description(nonsense)", |s| {
        let nonsense = super::scene::offer("v=0\r\nnonsense");
        told(s.peer.set_remote_description(&nonsense))
    }),
    ("add_ice_candidate", |s| candidate(s, Some(0), CANDIDATE)),
    ("add_ice_candidate(the end)", |s| candidate(s, None, "")),
    ("add_ice_candidate(for no section)", |s| {
        candidate(s, None, CANDIDATE)
    }),
    ("add_ice_candidate(for section 99)", |s| {
        candidate(s, Some(99), CANDIDATE)
    }),
    ("add_ice_candidate(nonsense)", |s| {
        candidate(s, Some(0), "candidate:nonsense")
    }),
    ("add_transceiver", |s| {
        told(
            s.peer
                .add_transceiver(Kind::Video, TransceiverInit::default()),
        )
    }),
    ("add_track", |s| {
        told(s.peer.add_track(Kind::Audio, "another", &["stream"]))
    }),
    ("add_track(the same)", |s| {
        told(s.peer.add_track(Kind::Audio, "audio-track", &[]))
    }),
    ("remove_track", |s| told(s.peer.remove_track(s.sound))),
    ("replace_track", |s| {
        told(s.peer.replace_track(s.sound, None))
    }),
    ("set_direction", |s| {
        told(s.peer.set_direction(s.sound, Direction::RecvOnly))
    }),
    ("set_codec_preferences", |s| {
        told(s.peer.set_codec_preferences(s.sound, Vec::new()))
    }),
    ("stop_transceiver", |s| {
        told(s.peer.stop_transceiver(s.sound))
    }),
    ("set_streams", |s| {
        told(s.peer.set_streams(s.sound, &["other"]))
    }),
    ("set_configuration", |s| {
        let same = s.peer.configuration();
        told(s.peer.set_configuration(same))
    }),
    ("restart_ice", |s| {
        s.peer.restart_ice();
        Ok(())
    }),
    ("set_send_parameters", |s| {
        let known = s.peer.send_parameters(s.sound);
        let parameters = known.ok_or_else(|| "none".to_string())?;
        told(s.peer.set_send_parameters(s.sound, parameters))
    }),
    ("set_send_parameters(as they were)", |s| {
        let parameters = s.parameters.clone();
        told(s.peer.set_send_parameters(s.sound, parameters))
    }),
    ("set_send_parameters(none)", |s| {
        let mut parameters = s.parameters.clone();
        parameters.encodings.clear();
        told(s.peer.set_send_parameters(s.sound, parameters))
    }),
    ("set_header_extensions", |s| {
        let choices = s.peer.header_extensions(s.sound);
        told(s.peer.set_header_extensions(s.sound, &choices))
    }),
    ("set_header_extensions(none)", |s| {
        told(s.peer.set_header_extensions(s.sound, &[]))
    }),
    ("set_encoding_active", |s| {
        done(s.peer.set_encoding_active(s.sound, "", false))
    }),
    ("set_encoding_active(unknown)", |s| {
        done(s.peer.set_encoding_active(s.sound, "unknown", false))
    }),
    ("set_send_codec(unknown)", |s| {
        let unknown = PayloadType::from_low_bits(77);
        done(s.peer.set_send_codec(s.sound, unknown))
    }),
    ("set_send_codec", |s| {
        let known = s.peer.send_codecs(s.sound).last();
        let payload_type = known.map(|codec| codec.payload_type);
        let payload_type = payload_type.ok_or_else(|| "none".to_string())?;
        done(s.peer.set_send_codec(s.sound, payload_type))
    }),
    ("request_key_frame", |s| {
        done(s.peer.request_key_frame(s.sound, ""))
    }),
    ("insert_dtmf", |s| {
        let (tone, gap) = (Duration::from_millis(100), Duration::from_millis(70));
        let inserted = s.peer.insert_dtmf(Instant::ZERO, s.sound, "1", tone, gap);
        told(inserted)
    }),
    ("set_wall_clock", |s| {
        s.peer.set_wall_clock(Instant::ZERO, Duration::from_secs(1));
        Ok(())
    }),
    ("prefer_dtls_role", |s| {
        s.peer.prefer_dtls_role(Role::Server);
        Ok(())
    }),
    ("set_ice_servers", |s| {
        let url = "stun:198.51.100.1".parse().expect("a URL");
        told(s.peer.set_ice_servers(vec![IceServer::open(url)]))
    }),
    ("set_ice_servers(without login)", |s| {
        let url = "turn:198.51.100.1".parse().expect("a URL");
        told(s.peer.set_ice_servers(vec![IceServer::open(url)]))
    }),
    ("set_ice_transport_policy", |s| {
        s.peer.set_ice_transport_policy(IceTransportPolicy::Relay);
        Ok(())
    }),
    ("add_local_address", |s| {
        told(s.peer.add_local_address(NEAR))
    }),
    ("add_local_address(the same)", |s| {
        told(s.peer.add_local_address(OURS))
    }),
    ("add_local_address(of nobody)", |s| {
        told(s.peer.add_local_address(NOBODY))
    }),
    ("add_spare_address", |s| {
        told(s.peer.add_spare_address(NEAR))
    }),
    ("add_spare_address(the same)", |s| {
        told(s.peer.add_spare_address(OURS))
    }),
    ("add_tcp_listener", |s| told(s.peer.add_tcp_listener(NEAR))),
    ("add_mdns_socket", |s| {
        let address = SocketAddr::new(NEAR.ip(), 5353);
        told(s.peer.add_mdns_socket(address))
    }),
    ("add_mdns_socket(of another port)", |s| {
        told(s.peer.add_mdns_socket(NEAR))
    }),
    ("remove_local_address", |s| {
        done(s.peer.remove_local_address(OURS))
    }),
    ("remove_local_address(unknown)", |s| {
        done(s.peer.remove_local_address(NEAR))
    }),
    ("resolved(not asked for)", |s| {
        s.peer.resolved("somebody.local", &[FAR.ip()]);
        Ok(())
    }),
    ("connected(not asked for)", |s| {
        s.peer.connected(Instant::ZERO, STREAM, NEAR);
        Ok(())
    }),
    ("disconnected(unknown)", |s| {
        s.peer.disconnected(Instant::ZERO, STREAM);
        Ok(())
    }),
    ("accepted(without listener)", |s| {
        s.peer.accepted(Instant::ZERO, STREAM);
        Ok(())
    }),
    ("create_data_channel", |s| {
        told(
            s.peer
                .create_data_channel("another", ChannelConfig::default()),
        )
    }),
    ("create_data_channel(bad number)", |s| {
        let config = ChannelConfig {
            negotiated: Some(65_535),
            ..ChannelConfig::default()
        };
        told(s.peer.create_data_channel("another", config))
    }),
    ("set_buffered_amount_low_threshold", |s| {
        s.peer.set_buffered_amount_low_threshold(s.channel, 1000);
        Ok(())
    }),
    ("close_channel", |s| {
        s.peer.close_channel(s.channel);
        Ok(())
    }),
    ("send", |s| {
        told(s.peer.send(Instant::ZERO, s.channel, "hello"))
    }),
    ("write", |s| {
        let frame = MediaFrame::new(0, b"sound".to_vec().into());
        told(s.peer.write(Instant::ZERO, s.sound, &frame))
    }),
    ("close", |s| {
        s.peer.close();
        Ok(())
    }),
    ("write_encoding(unknown)", |s| {
        let frame = MediaFrame::new(0, b"sound".to_vec().into());
        let written = s
            .peer
            .write_encoding(Instant::ZERO, s.sound, "unknown", &frame);
        told(written)
    }),
    ("write_packet", |s| {
        let packet = OutPacket {
            source: Ssrc(1),
            number: Serial16(1),
            timestamp: Serial32(0),
            payload_type: PayloadType::from_low_bits(111),
            marker: false,
            extensions: &[],
            payload: &Bytes::from_static(b"sound"),
        };
        let written = s.peer.write_packet(Instant::ZERO, s.sound, "", &packet);
        told(written)
    }),
];

fn candidate(scene: &mut Scene, index: Option<u16>, line: &str) -> Result<(), String> {
    told(scene.peer.add_ice_candidate(IceCandidate {
        candidate: line,
        sdp_mline_index: index,
        ..IceCandidate::default()
    }))
}

/// Whether something was done, where there is no reason to tell.
fn done(yes: bool) -> Result<(), String> {
    yes.then_some(()).ok_or_else(|| "no".to_string())
}

/// The address that the connection has, another of its host, of a server, and none.
const OURS: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)), 4000);
const NEAR: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 9)), 4009);
const FAR: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(198, 51, 100, 1)), 3478);
const NOBODY: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 4000);

const STREAM: Path = Path {
    local: NEAR,
    remote: FAR,
    protocol: Protocol::Tcp,
};

const CANDIDATE: &str = "candidate:1 1 udp 2130706431 198.51.100.7 7000 typ host";

/// The name of the error, without what it says more exactly.
fn told<T, E: std::fmt::Debug>(result: Result<T, E>) -> Result<(), String> {
    result.map(drop).map_err(|error| {
        let error = format!("{error:?}");
        error
            .split(['(', ' '])
            .next()
            .unwrap_or_default()
            .to_string()
    })
}

/// What is said of a network and taken from a connection, in any state: no command.
const LOOP: [&str; 6] = [
    "handle_input",
    "handle_timeout",
    "poll_event",
    "poll_packet_result",
    "poll_transmit",
    "take_key_log",
];

/// Whatever changes a connection is among the commands.
#[test]
fn no_command_is_missing() {
    let mut count = 0;
    for folder in ["src/peer", "src/peer/dtmf", "src/peer/stats"] {
        for entry in fs::read_dir(folder).expect("sources") {
            let path = entry.expect("a file").path();
            let other = path.ends_with("router.rs");
            if other || path.extension().is_none_or(|end| end != "rs") {
                continue;
            }
            let source = fs::read_to_string(&path).expect("a text");
            for function in source.split("\n    pub ").skip(1) {
                let function = function.strip_prefix("const ").unwrap_or(function);
                let Some((name, rest)) = function.split_once('(') else {
                    continue;
                };
                let Some(name) = name.strip_prefix("fn ") else {
                    continue;
                };
                if !rest.trim_start().starts_with("&mut self") || LOOP.contains(&name) {
                    continue;
                }
                count += 1;
                let is_it =
                    |(command, _): &(&str, Command)| command.split('(').next() == Some(name);
                assert!(COMMANDS.iter().any(is_it), "{name} of {}", path.display());
            }
        }
    }
    assert!(count > 40, "{count}");
}

/// WPT-001, WPT-042, WPT-050: one row for each command, one column for each state.
#[test]
fn every_command_in_every_state() {
    let mut table = format!("{:<36}", "");
    for (state, _) in STATES {
        let _ = write!(table, "{state:<22}");
    }
    for (command, invoke) in COMMANDS {
        let _ = write!(table, "\n{command:<36}");
        for (state, make) in STATES {
            let mut scene = make();
            let before = seen(&scene.peer);
            let word = match invoke(&mut scene) {
                Ok(()) => "ok".to_string(),
                Err(error) => {
                    let after = seen(&scene.peer);
                    // A colliding offer takes ours back even if it is bad itself.
                    let collides = (command, state)
                        == ("set_remote_description(nonsense)", "have-local-offer");
                    assert!(before == after || collides, "{command} in {state}: {error}");
                    let said = quiet(&mut scene.peer);
                    assert!(said == 0 || collides, "{command} in {state} said {said}");
                    error
                }
            };
            let is_over = state.starts_with("closed");
            if is_over {
                assert!(before == seen(&scene.peer), "{command} in {state}");
                assert_eq!(quiet(&mut scene.peer), 0, "{command} in {state}");
            }
            let _ = write!(table, "{word:<22}");
        }
    }
    let lines = table.lines().map(|line| format!("{}\n", line.trim_end()));
    compare_golden("commands_in_states", &lines.collect::<String>());
}
