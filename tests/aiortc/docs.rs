//! Everything that aiortc's documentation shows of descriptions and data
//! channels, in Rust.
//!
//! Each test is one of its examples: the same calls, and what they promise.

use pollrtc::PeerConnection;
use pollrtc::peer::{
    ChannelConfig, ChannelId, ChannelState, ConnectionState, Data, Direction, Event, Kind,
    MediaFrame, OpenError, SendError, SignalingState, TransceiverInit, WriteError,
};

use super::support::{PC1, PC2, Pair};

/// The negotiation scenario: ends in ("stable", "stable"), without an error.
#[test]
fn negotiate_connection() {
    let mut pair = Pair::new();
    pair.open("chat", ChannelConfig::default());
    let offer = pair.with(PC1, |pc| pc.create_offer()).unwrap();
    pair.with(PC1, |pc| pc.set_local_description(Some(&offer)))
        .unwrap();
    pair.with(PC2, |pc| pc.set_remote_description(&offer))
        .unwrap();
    let answer = pair.with(PC2, |pc| pc.create_answer()).unwrap();
    pair.with(PC2, |pc| pc.set_local_description(Some(&answer)))
        .unwrap();
    pair.with(PC1, |pc| pc.set_remote_description(&answer))
        .unwrap();
    let states = pair
        .hosts
        .map(|host| pair.world.machine(host).signaling_state().as_str());
    assert_eq!(states, ["stable", "stable"]);

    for side in [PC1, PC2] {
        pair.with(side, PeerConnection::close);
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
        pair.with(PC1, |pc| pc.channel(channel).unwrap().state),
        ChannelState::Connecting
    );
    pair.negotiate();
    pair.run();
    assert!(pair.was_told(PC1, &Event::ChannelState(channel, ChannelState::Open)));
    let [remote] = pair.incoming(PC2)[..] else {
        panic!("pc2 got {:?}", pair.events[PC2])
    };
    assert_eq!(
        pair.with(PC2, |pc| pc.channel(remote).unwrap().label.to_owned()),
        "chat"
    );
    pair.send(PC1, channel, "Hello from PC1!").unwrap();
    pair.send(PC2, remote, "Hello from PC2!").unwrap();
    pair.run();
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
    pair.negotiate();
    pair.run();
    let incoming = pair.incoming(PC2);
    let configs = pair.with(PC2, |pc| {
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
    pair.negotiate();
    pair.run();
    let file: Vec<u8> = (0..1_000_000_u32).map(|i| (i % 251) as u8).collect();
    for piece in file.chunks(65_536) {
        pair.send(PC1, channel, piece.to_vec()).unwrap();
    }
    pair.run();
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
    pair.with(PC1, |pc| {
        pc.set_buffered_amount_low_threshold(channel, 1024);
    });
    pair.negotiate();
    pair.run();
    let large = vec![b'x'; 100_000];
    pair.send(PC1, channel, large).unwrap();
    assert!(pair.with(PC1, |pc| pc.buffered_amount(channel)) > 1024);
    pair.run();
    assert_eq!(pair.with(PC1, |pc| pc.buffered_amount(channel)), 0);
    let low = pair.events[PC1]
        .iter()
        .filter(|event| **event == Event::BufferedAmountLow(channel));
    assert_eq!(low.count(), 1, "the buffer was emptied, more can be sent");
}

#[test]
fn a_full_buffer_says_so_and_loses_nothing() {
    let mut pair = Pair::new();
    let channel = pair.open("bulk-data", ChannelConfig::default());
    pair.negotiate();
    pair.run();
    let message = vec![7; 200_000];
    let mut sent = 0;
    while pair.send(PC1, channel, message.clone()).is_ok() {
        sent += 1;
    }
    assert_eq!(pair.send(PC1, channel, message), Err(SendError::Full));
    pair.run();
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
    pair.negotiate();
    pair.run();
    for (number, id) in ids.into_iter().enumerate() {
        pair.send(PC1, id, format!("message {number}")).unwrap();
    }
    pair.run();
    for id in pair.incoming(PC2) {
        let label = pair.with(PC2, |pc| pc.channel(id).unwrap().label.to_owned());
        pair.send(PC2, id, format!("Echo on {label}")).unwrap();
    }
    pair.run();
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
    pair.negotiate();
    pair.run();
    let too_large = vec![0; pair.with(PC1, |pc| pc.max_message_size()) + 1];
    assert_eq!(pair.send(PC1, channel, too_large), Err(SendError::TooLarge));
    pair.with(PC1, |pc| pc.close_channel(channel));
    assert_eq!(pair.send(PC1, channel, "too late"), Err(SendError::NotOpen));
    pair.run();
    assert!(pair.was_told(PC1, &Event::ChannelState(channel, ChannelState::Closed)));
    let remote = pair.incoming(PC2)[0];
    assert!(pair.was_told(PC2, &Event::ChannelState(remote, ChannelState::Closed)));
    pair.with(PC1, PeerConnection::close);
    let refused = pair.with(PC1, |pc| {
        pc.create_data_channel("x", ChannelConfig::default())
    });
    assert_eq!(refused, Err(OpenError::Closed));
}

/// "Adding Media and Data": `addTrack`, a channel, and what there is then.
#[test]
fn add_media_and_data() {
    let mut pair = Pair::new();
    for (kind, track) in [(Kind::Audio, "audio-track"), (Kind::Video, "video-track")] {
        pair.with(PC1, |pc| pc.add_track(kind, track, &[])).unwrap();
    }
    let channel = pair.open("chat", ChannelConfig::default());
    let kinds = |pair: &mut Pair, side| {
        pair.with(side, |pc| {
            pc.transceivers().map(|one| one.kind()).collect::<Vec<_>>()
        })
    };
    assert_eq!(kinds(&mut pair, PC1), [Kind::Audio, Kind::Video]);

    pair.negotiate();
    pair.run();
    assert!(pair.was_told(PC1, &Event::ChannelState(channel, ChannelState::Open)));
    pair.send(PC1, channel, "Hello WebRTC!").unwrap();
    pair.run();
    assert_eq!(pair.messages(PC2), [Data::from("Hello WebRTC!")]);

    // `@pc.on("track")`
    assert_eq!(kinds(&mut pair, PC2), [Kind::Audio, Kind::Video]);
    let tracks = pair.with(PC2, |pc| {
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
        .with(PC1, |pc| pc.add_transceiver(Kind::Video, init))
        .unwrap();
    let current = |pair: &mut Pair| {
        pair.with(PC1, |pc| {
            pc.transceiver(id).map(|one| one.current_direction())
        })
    };
    assert_eq!(current(&mut pair), Some(None));
    pair.with(PC2, |pc| pc.add_track(Kind::Video, "camera", &[]))
        .unwrap();
    pair.negotiate();
    pair.run();
    assert_eq!(current(&mut pair), Some(Some(Direction::RecvOnly)));
    assert!(
        pair.was_told(PC1, &Event::Track(id)),
        "pc2 sends its camera"
    );

    // `track.recv()`: here frames come by themselves.
    let sender = pair.with(PC2, |pc| pc.transceivers().next().unwrap().id());
    let codec = pair.with(PC2, |pc| {
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
    pair.run();
    let is_frame =
        |event: &Event| matches!(event, Event::Frame { transceiver, .. } if *transceiver == id);
    assert_eq!(
        pair.events[PC1].iter().filter(|one| is_frame(one)).count(),
        1
    );

    // `sender.replaceTrack(None)`
    pair.with(PC2, |pc| pc.replace_track(sender, None)).unwrap();
    assert_eq!(write(&mut pair), Err(WriteError::Paused));

    // `pc.getStats()`
    let now = pair.world.now();
    let stats = pair.with(PC2, |pc| pc.get_stats(now));
    assert_eq!(stats.outbound_rtp[0].packets_sent, 1);

    pair.with(PC1, |pc| pc.stop_transceiver(id)).unwrap();
    pair.negotiate();
    assert_eq!(current(&mut pair), None);
}
