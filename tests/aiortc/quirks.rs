//! What aiortc gets wrong, and we do not: the fifteen quirks, each with its number.

use std::cell::Cell;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use pollrtc::Instant;
use pollrtc::channel::{ChannelConfig, DataChannels, Event as ChannelEvent, Limits, StreamParity};
use pollrtc::cursor::Writer;
use pollrtc::peer::{
    ChannelState, Codec, Config, Data, Description, DescriptionError, Direction,
    EncodingParameters, Event, Kind, MediaCapabilities, SdpType, SendError, SignalingState,
    TransceiverId, TransceiverInit,
};
use pollrtc::rng::Rng;
use pollrtc::rtp::format::Format;
use pollrtc::rtp::receiver::{
    Feedback, ReceiveCodec, ReceiveParameters, ReceiverConfig, RtpReceiver,
};
use pollrtc::sctp::{
    Ppid, SctpAssociation, SctpConfig, SctpState, SendOptions, Stats as SctpStats, StreamId,
};
use pollrtc::seq::{Serial16, Serial32};
use pollrtc::sim::{Chance, Link, Loss, Verdict};
use pollrtc::wire::demux::{Class, classify};
use pollrtc::wire::list::List;
use pollrtc::wire::rtp::extension::TransmissionOffset;
use pollrtc::wire::rtp::{Header, Packet, PayloadType, Ssrc};

use super::support::{PC1, PC2, Pair, alone, interop, offer, picture, sound};

/// Two associations on a wire, from which one side's packets can be taken.
struct Wire {
    now: Instant,
    ends: [SctpAssociation; 2],
    /// Whether what the first sends arrives.
    delivers: bool,
}

impl Wire {
    fn connected(configs: [SctpConfig; 2]) -> Self {
        let mut rng = Rng::from_number(1);
        let mut wire = Self {
            now: Instant::from_millis(1),
            ends: configs.map(|config| SctpAssociation::new(config, &mut rng)),
            delivers: true,
        };
        wire.ends.iter_mut().for_each(SctpAssociation::connect);
        wire.run_for(Duration::from_secs(1));
        assert_eq!(wire.ends[0].state(), SctpState::Connected);
        wire
    }

    /// Carries packets, and lets time go on where nothing moves.
    fn run_for(&mut self, time: Duration) {
        let end = self.now + time;
        while self.now < end {
            let mut is_quiet = true;
            for side in [0, 1] {
                is_quiet &= !self.carry_from(side);
            }
            if is_quiet {
                self.now += Duration::from_millis(10);
                for end in &mut self.ends {
                    end.handle_timeout(self.now);
                }
            }
        }
    }

    /// Carries a packet of one side, if there is one and the wire delivers.
    fn carry_from(&mut self, side: usize) -> bool {
        let mut packet = Vec::new();
        let mut room = Writer::new(&mut packet, 1200);
        let is_sent = self.ends[side].poll_transmit(self.now, &mut room);
        if is_sent && (self.delivers || side == 1) {
            self.ends[1 - side].handle_input(self.now, &mut packet);
        }
        is_sent
    }

    fn send(&mut self, bytes: usize) {
        let message = Bytes::from(vec![7; bytes]);
        let options = SendOptions::default();
        self.ends[0]
            .send(self.now, StreamId(0), Ppid(53), options, message)
            .unwrap();
    }

    fn stats(&self) -> [SctpStats; 2] {
        [self.ends[0].stats(), self.ends[1].stats()]
    }
}

/// aiortc sends until its own congestion window is full, whatever the peer can hold.
#[test]
fn quirk_01_the_peers_window_is_respected() {
    let small = SctpConfig {
        receive_buffer: 10_000,
        max_receive_message: 10_000,
        ..SctpConfig::default()
    };
    let mut wire = Wire::connected([SctpConfig::default(), small]);
    for _ in 0..100 {
        wire.send(1000);
    }
    // Nobody takes what came.
    wire.run_for(Duration::from_secs(2));
    let [sender, receiver] = wire.stats();
    assert!(receiver.data.bytes_received <= 10_000, "{receiver:?}");
    assert!(sender.path.peer_window < 1200, "{sender:?}");
    let waiting = wire.ends[0].buffered_amount(StreamId(0));
    assert!(waiting > 85_000, "{waiting} bytes wait");
    let mut came = 0;
    while came < 100 {
        while wire.ends[1].take_message().is_some() {
            came += 1;
        }
        wire.run_for(Duration::from_millis(100));
        assert!(wire.now < Instant::from_millis(60_000), "{came} came");
    }
}

/// aiortc announces a largest message, and holds nobody to it.
#[test]
fn quirk_02_the_largest_message_is_a_limit_for_both() {
    let pc2 = Config {
        max_message_size: 5000,
        ..Config::new()
    };
    let mut pair = Pair::with(Config::new(), pc2);
    let channel = pair.open("a", ChannelConfig::default());
    pair.exchange();
    pair.wait();
    assert_eq!(pair.machine(PC1).max_message_size(), 5000);
    let refused = pair.send(PC1, channel, vec![0; 5001]);
    assert_eq!(refused, Err(SendError::TooLarge));
    pair.send(PC1, channel, vec![0; 5000]).unwrap();
    pair.wait();
    assert_eq!(pair.messages(PC2).len(), 1);

    // One that sends more nonetheless is not listened to any more.
    let limited = SctpConfig {
        max_receive_message: 5000,
        ..SctpConfig::default()
    };
    let mut wire = Wire::connected([SctpConfig::default(), limited]);
    wire.send(5001);
    wire.run_for(Duration::from_secs(1));
    assert!(wire.ends[1].take_message().is_none());
    assert_eq!(wire.ends[1].state(), SctpState::Closed);
}

/// aiortc repeats for ever, and asks nobody whether he is still there.
#[test]
fn quirk_03_a_peer_that_is_gone_is_noticed_with_data_and_without() {
    for with_data in [true, false] {
        let mut asking = SctpConfig::default();
        asking.timers.heartbeat_interval = Some(Duration::from_secs(15));
        let mut wire = Wire::connected([asking, SctpConfig::default()]);
        wire.delivers = false;
        if with_data {
            wire.send(1000);
        }
        wire.run_for(Duration::from_secs(1200));
        assert_eq!(wire.ends[0].state(), SctpState::Closed, "{with_data}");
    }
}

/// aiortc gives each message a packet of its own, and answers each of them.
#[test]
fn quirk_03_small_messages_share_packets_and_answers() {
    let mut wire = Wire::connected([SctpConfig::default(), SctpConfig::default()]);
    let [_, before] = wire.stats();
    for _ in 0..100 {
        wire.send(20);
    }
    wire.run_for(Duration::from_secs(2));
    let [sender, receiver] = wire.stats();
    assert_eq!(receiver.data.chunks_received, 100);
    let packets = receiver.packets_received - before.packets_received;
    assert!(packets <= 6, "{packets} packets for 3,600 bytes");
    let answers = receiver.packets_sent - before.packets_sent;
    assert!(answers <= packets / 2 + 1, "{answers} answers to {packets}");
    assert_eq!(sender.data.retransmissions, 0);
}

/// What would stop aiortc by an assertion is counted, and the rest goes on.
#[test]
fn quirk_04_nothing_a_peer_says_of_channels_stops_us() {
    const OPEN: &[u8] = b"\x03\0\0\0\0\0\0\0\0\x03\0\0abc";
    const ACK: &[u8] = b"\x02";
    let mut rng = Rng::from_number(1);
    let mut ends = [(); 2].map(|()| {
        let association = SctpAssociation::new(SctpConfig::default(), &mut rng);
        DataChannels::new(association, Limits::default())
    });
    let mut now = Instant::from_millis(1);
    let mut run = |ends: &mut [DataChannels; 2]| {
        for _ in 0..500 {
            for side in [0, 1] {
                let mut packet = Vec::new();
                let mut room = Writer::new(&mut packet, 1200);
                if ends[side].poll_transmit(now, &mut room) {
                    ends[1 - side].handle_input(now, &mut packet);
                }
            }
            now += Duration::from_millis(1);
            ends.iter_mut().for_each(|end| end.handle_timeout(now));
        }
    };
    ends[0].connect(StreamParity::Even);
    ends[1].connect(StreamParity::Odd);
    let channel = ends[0].open("a", ChannelConfig::default()).unwrap();
    run(&mut ends);
    let hostile: [(u16, &'static [u8]); 6] = [
        (0, OPEN),
        (1, OPEN),
        (40, ACK),
        (42, b"\x03\0\0"),
        (44, b"\xff\xff"),
        (46, b""),
    ];
    for (stream, bytes) in hostile {
        let raw = ends[0].association_mut();
        let options = SendOptions::default();
        let sent = raw.send(
            Instant::from_millis(600),
            StreamId(stream),
            Ppid(50),
            options,
            Bytes::from_static(bytes),
        );
        assert!(sent.is_ok() || bytes.is_empty(), "{stream}: {sent:?}");
    }
    run(&mut ends);
    assert_eq!(ends[1].stats().refused, 4, "{:?}", ends[1].stats());
    let text = Data::from("still here");
    ends[0]
        .send(Instant::from_millis(1200), channel, text.clone())
        .unwrap();
    run(&mut ends);
    let told: Vec<_> = std::iter::from_fn(|| ends[1].poll_event()).collect();
    let came = told
        .iter()
        .any(|event| matches!(event, ChannelEvent::Message(_, data) if *data == text));
    assert!(came, "{told:?}");
}

/// A description that makes no sense is an error with its line, at whatever line.
#[test]
fn quirk_04_no_line_of_a_description_stops_us() {
    let good = interop("chromium-156-av-dc-offer");
    let lines: Vec<&str> = good.lines().collect();
    let mut refused = 0;
    for index in 0..lines.len() {
        for bad in [
            "m=",
            "m=audio x y z",
            "a=rtpmap:x",
            "a=candidate:1",
            "c=IN",
            "?",
        ] {
            let mut lines = lines.clone();
            lines[index] = bad;
            let mut pc = alone(Config::new());
            let result = pc.set_remote_description(&offer(&(lines.join("\r\n") + "\r\n")));
            refused += usize::from(result.is_err());
            let expected = match result {
                Ok(()) => SignalingState::HaveRemoteOffer,
                Err(_) => SignalingState::Stable,
            };
            assert_eq!(pc.signaling_state(), expected);
        }
    }
    assert!(refused > 3 * lines.len(), "{refused} were refused");
}

/// aiortc's statistics of several streams under one receiver overwrite each other.
#[test]
fn quirk_05_each_stream_has_statistics_of_its_own() {
    let (mut pair, id) = layers(Config::new());
    for round in 0..5 {
        for (rid, size) in LAYERS {
            pair.write_layer(PC1, id, rid, &picture(round * 3000, round == 0, size))
                .unwrap();
        }
        pair.run(Duration::from_millis(33));
    }
    let now = pair.world.now();
    let report = pair.machine(PC2).get_stats(now);
    let mut streams: Vec<_> = report.inbound_rtp.iter().map(|one| &one.stream).collect();
    assert_eq!(streams.len(), 3);
    assert!(
        streams
            .iter()
            .all(|one| one.transceiver == streams[0].transceiver)
    );
    streams.dedup_by_key(|one| one.ssrc);
    assert_eq!(streams.len(), 3, "none stands for two");
    for stream in report.inbound_rtp {
        assert_eq!(stream.frames.frames_received, 5);
    }
}

const LAYERS: [(&str, usize); 3] = [("h", 5000), ("m", 2500), ("l", 500)];

/// Two that have agreed on three layers.
fn layers(pc1: Config) -> (Pair, TransceiverId) {
    let mut pair = Pair::with(pc1, Config::new());
    let init = TransceiverInit {
        direction: Direction::SendOnly,
        encodings: LAYERS.map(|(rid, _)| EncodingParameters::named(rid)).into(),
        ..TransceiverInit::default()
    };
    let id = pair
        .call(PC1, |pc| pc.add_transceiver(Kind::Video, init))
        .unwrap();
    pair.exchange();
    pair.wait();
    (pair, id)
}

/// aiortc measures with the wall clock, which people and NTP set.
#[test]
fn quirk_06_a_wall_clock_that_jumps_changes_nothing() {
    let run = |jumps: bool| {
        let mut pair = Pair::new();
        let id = pair.add(PC1, Kind::Audio, Direction::SendOnly);
        pair.exchange();
        pair.wait();
        for round in 0..100_u32 {
            if jumps && round % 10 == 0 {
                let now = pair.world.now();
                let unix = Duration::from_secs(2_000_000_000 - u64::from(round) * 3600);
                for side in [PC1, PC2] {
                    pair.call(side, |pc| pc.set_wall_clock(now, unix));
                }
            }
            pair.write(PC1, id, &sound(round * 960)).unwrap();
            pair.run(Duration::from_millis(20));
        }
        pair.wait();
        let now = pair.world.now();
        let inbound = pair.machine(PC2).get_stats(now).inbound_rtp;
        let packets = inbound[0].packets;
        (pair.frames(PC2).len(), packets.jitter, packets.packets_lost)
    };
    let steady = run(false);
    assert_eq!(steady.0, 100);
    assert_eq!(run(true), steady);
}

/// aiortc asks for all that is missing at each gap; here each packet is asked for
/// once in a round trip.
#[test]
fn quirk_07_each_lost_packet_is_asked_for_once() {
    const LOST: u64 = 10;
    let mut pair = Pair::new();
    let id = pair.add(PC1, Kind::Video, Direction::SendOnly);
    pair.exchange();
    pair.wait();
    pair.write(PC1, id, &picture(0, true, 500)).unwrap();
    pair.wait();
    let seen = Cell::new(0);
    pair.world.set_tap(move |sighting| {
        let is_media = classify(sighting.bytes) == Class::Rtp && sighting.bytes.len() > 800;
        seen.set(seen.get() + u64::from(is_media));
        let hit = is_media && seen.get().is_multiple_of(5) && seen.get() / 5 <= LOST;
        if hit { Verdict::Drop } else { Verdict::Pass }
    });
    pair.write(PC1, id, &picture(3000, false, 80_000)).unwrap();
    pair.wait();
    assert_eq!(pair.frames(PC2).len(), 2, "everything came in the end");
    let now = pair.world.now();
    let outbound = &pair.machine(PC1).get_stats(now).outbound_rtp[0];
    assert_eq!(outbound.retransmitted_packets_sent, LOST);
    assert!(outbound.nack_count <= LOST);
}

/// aiortc compares sequence numbers as if they did not wrap.
#[test]
fn quirk_07_gaps_across_the_wrap_are_asked_for() {
    let kind = PayloadType::from_low_bits(96);
    let codec = ReceiveCodec {
        nack: true,
        ..ReceiveCodec::new(kind, 90_000, Format::Vp8)
    };
    let parameters = Arc::new(ReceiveParameters {
        codecs: vec![codec],
        ..ReceiveParameters::default()
    });
    let mut receiver = RtpReceiver::new(Ssrc(1), ReceiverConfig::default());
    receiver.set_parameters(&parameters);
    for number in [0xfffd, 0xfffe, 1, 3] {
        let header = Header {
            payload_type: kind,
            sequence_number: Serial16(number),
            timestamp: Serial32(1),
            ssrc: Ssrc(1),
            marker: false,
            csrcs: List::EMPTY,
            extensions: None,
        };
        let packet = Packet {
            header,
            payload: b"\x10\x01\x02\x03",
            padding: 0,
        };
        receiver.handle_rtp(Instant::from_millis(1), &packet);
    }
    let late = Instant::from_millis(200);
    receiver.handle_timeout(late);
    let missing = [0xffff, 0, 2].map(Serial16);
    assert_eq!(
        receiver.poll_feedback(late),
        Some(Feedback::Nack(missing.into()))
    );
}

/// aiortc writes two bytes of what RFC 5450 §2 says has three.
#[test]
fn quirk_08_a_transmission_offset_has_three_bytes() {
    for (offset, bytes) in [
        (1, [0, 0, 1]),
        (-2, [0xff, 0xff, 0xfe]),
        (70_000, [1, 0x11, 0x70]),
    ] {
        let mut written = Vec::new();
        TransmissionOffset(offset).emit(&mut Writer::new(&mut written, 10));
        assert_eq!(written, bytes);
    }
}

/// Legal things that aiortc's parser stumbles over.
#[test]
fn quirk_09_strange_descriptions_are_answered() {
    let audio = interop("chromium-156-av-dc-offer");
    let with_fmtp = audio.replacen("a=rtpmap:111 opus/48000/2\r\n", "", 1);
    assert!(with_fmtp.contains("a=fmtp:111") && with_fmtp != audio);
    let closed_video = audio.replacen("m=video 9 ", "m=video 0 ", 1);
    let closed_video = match closed_video == audio {
        true => {
            let at = audio.find("m=video ").unwrap() + 8;
            let end = at + audio[at..].find(' ').unwrap();
            [&audio[..at], "0", &audio[end..]].concat()
        }
        false => closed_video,
    };
    let with_text = [
        audio.as_str(),
        "m=text 9 UDP/TLS/RTP/SAVPF 98\r\nc=IN IP4 0.0.0.0\r\na=mid:t\r\na=rtpmap:98 t140/1000\r\n",
    ]
    .concat();
    for (what, sdp) in [
        ("fmtp without rtpmap", with_fmtp),
        ("port 0", closed_video.replace("BUNDLE 0 1 2", "BUNDLE 0 2")),
        ("another kind of media", with_text),
        (
            "unknown attributes",
            audio.replace("a=rtcp-mux\r\n", "a=rtcp-mux\r\na=news\r\na=setups:x\r\n"),
        ),
    ] {
        let mut pc = alone(Config::new());
        pc.set_remote_description(&offer(&sdp))
            .unwrap_or_else(|error| panic!("{what}: {error}"));
        let answer = pc.create_answer().unwrap();
        let sections = |sdp: &str| sdp.matches("\r\nm=").count();
        assert_eq!(sections(&answer.sdp), sections(&sdp), "{what}");
        pc.set_local_description(Some(&answer)).unwrap();
    }
    // What is no role cannot be guessed: that is an error, and no exception of another kind.
    let mut pc = alone(Config::new());
    let odd = audio.replace("a=setup:actpass", "a=setup:sometimes");
    let refused = pc.set_remote_description(&offer(&odd));
    assert!(
        matches!(refused, Err(DescriptionError::Syntax(_))),
        "{refused:?}"
    );
    assert_eq!(pc.signaling_state(), SignalingState::Stable);
}

/// To aiortc a second `start` says nothing.
#[test]
fn quirk_10_ice_can_be_restarted() {
    let (mut pair, [ours, _]) = Pair::with_channel(ChannelConfig::default());
    let ufrag = |pair: &Pair, side| pair.machine(side).ice().local_credentials().ufrag.clone();
    let before = [PC1, PC2].map(|side| ufrag(&pair, side));
    pair.call(PC1, pollrtc::PeerConnection::restart_ice);
    pair.exchange();
    pair.wait();
    for side in [PC1, PC2] {
        assert_ne!(ufrag(&pair, side), before[side]);
    }
    pair.send(PC1, ours, "after").unwrap();
    pair.wait();
    assert_eq!(pair.messages(PC2), [Data::from("after")]);
}

/// aiortc takes the words and does something else.
#[test]
fn quirk_11_provisional_answers_and_rollbacks_are_what_they_say() {
    let mut pair = Pair::new();
    let channel = pair.open("a", ChannelConfig::default());
    let offer = pair.call(PC1, |pc| pc.create_offer()).unwrap();
    pair.call(PC1, |pc| pc.set_local_description(Some(&offer)))
        .unwrap();
    pair.call(PC2, |pc| pc.set_remote_description(&offer))
        .unwrap();

    // Taken back at both ends, and then made again.
    let rollback = Description {
        kind: SdpType::Rollback,
        sdp: String::new(),
    };
    pair.call(PC1, |pc| pc.set_local_description(Some(&rollback)))
        .unwrap();
    pair.call(PC2, |pc| pc.set_remote_description(&rollback))
        .unwrap();
    for side in [PC1, PC2] {
        let pc = pair.machine(side);
        assert_eq!(pc.signaling_state(), SignalingState::Stable);
        assert!(pc.local_description().is_none() && pc.remote_description().is_none());
    }

    pair.call(PC1, |pc| pc.set_local_description(None)).unwrap();
    let offer = pair.machine(PC1).local_description().unwrap();
    pair.call(PC2, |pc| pc.set_remote_description(&offer))
        .unwrap();
    let answer = pair.call(PC2, |pc| pc.create_answer()).unwrap();
    let pranswer = Description {
        kind: SdpType::Pranswer,
        ..answer.clone()
    };
    pair.call(PC2, |pc| pc.set_local_description(Some(&pranswer)))
        .unwrap();
    pair.call(PC1, |pc| pc.set_remote_description(&pranswer))
        .unwrap();
    let states = [PC1, PC2].map(|side| pair.machine(side).signaling_state());
    assert_eq!(
        states,
        [
            SignalingState::HaveRemotePranswer,
            SignalingState::HaveLocalPranswer
        ]
    );
    pair.call(PC2, |pc| pc.set_local_description(Some(&answer)))
        .unwrap();
    let settled = pair.machine(PC2).local_description().unwrap();
    pair.call(PC1, |pc| pc.set_remote_description(&settled))
        .unwrap();
    pair.wait();
    assert!(pair.was_told(PC1, &Event::ChannelState(channel, ChannelState::Open)));
}

/// aiortc drops what has a payload type that two receivers have, and all layers but one.
#[test]
fn quirk_12_packets_are_routed_by_mid_and_rid() {
    let mut pair = Pair::new();
    let ids = [(); 2].map(|()| pair.add(PC1, Kind::Video, Direction::SendOnly));
    pair.call(PC1, |pc| pc.set_local_description(None)).unwrap();
    let said = pair.machine(PC1).local_description().unwrap();
    // Nothing but the mid tells the sections apart.
    let lines = said.sdp.split_inclusive("\r\n");
    let nameless = offer(
        &lines
            .filter(|line| !line.starts_with("a=ssrc"))
            .collect::<String>(),
    );
    assert_ne!(nameless.sdp, said.sdp);
    pair.call(PC2, |pc| pc.set_remote_description(&nameless))
        .unwrap();
    pair.call(PC2, |pc| pc.set_local_description(None)).unwrap();
    let answer = pair.machine(PC2).local_description().unwrap();
    pair.call(PC1, |pc| pc.set_remote_description(&answer))
        .unwrap();
    pair.wait();
    for (id, size) in ids.into_iter().zip([1000, 2000]) {
        pair.write(PC1, id, &picture(0, true, size)).unwrap();
    }
    pair.wait();
    let theirs = pair.call(PC2, |pc| {
        pc.transceivers().map(|one| one.id()).collect::<Vec<_>>()
    });
    let came = pair.events[PC2].iter().filter_map(|event| match event {
        Event::Frame {
            transceiver, frame, ..
        } => Some((*transceiver, frame.data.len())),
        _ => None,
    });
    let mut came: Vec<_> = came.collect();
    came.sort_by_key(|(_, size)| *size);
    assert_eq!(came, [(theirs[0], 1000), (theirs[1], 2000)]);

    let (mut pair, id) = layers(Config::new());
    for (rid, size) in LAYERS {
        pair.write_layer(PC1, id, rid, &picture(0, true, size))
            .unwrap();
    }
    pair.wait();
    let mut came = pair.frames(PC2);
    came.sort_by_key(|(_, size)| core::cmp::Reverse(*size));
    assert_eq!(came, LAYERS.map(|(rid, size)| (rid.to_string(), size)));
}

/// aiortc repeats by RTX only where exactly two SSRCs are said.
#[test]
fn quirk_13_every_layer_is_repeated_by_rtx() {
    let (mut pair, id) = layers(Config::new());
    let [pc1, pc2] = pair.hosts;
    let lossy = Link {
        loss: Loss::Uniform(Chance::percent(10)),
        ..Link::with_delay(Duration::from_millis(10))
    };
    pair.world.set_link(pc1, pc2, lossy);
    for round in 0..60 {
        for (rid, size) in LAYERS {
            pair.write_layer(PC1, id, rid, &picture(round * 3000, round == 0, size))
                .unwrap();
        }
        pair.run(Duration::from_millis(33));
    }
    pair.wait();
    let now = pair.world.now();
    let report = pair.machine(PC2).get_stats(now);
    assert_eq!(report.inbound_rtp.len(), 3);
    for stream in &report.inbound_rtp {
        assert!(stream.stream.rtx_ssrc.is_some(), "{stream:?}");
        assert!(
            stream.packets.retransmitted_packets_received > 0,
            "{stream:?}"
        );
    }
}

/// aiortc knows no request for a key frame but PLI.
#[test]
fn quirk_14_a_full_intra_request_is_heard() {
    let mut media = MediaCapabilities::browser();
    let without_pli = |codec: &mut Codec| codec.feedback.retain(|word| word != "nack pli");
    media.video.codecs.iter_mut().for_each(without_pli);
    let pc2 = Config {
        media: media.into(),
        ..Config::new()
    };
    let mut pair = Pair::with(Config::new(), pc2);
    let id = pair.add(PC1, Kind::Video, Direction::SendOnly);
    pair.exchange();
    pair.wait();
    pair.write(PC1, id, &picture(0, true, 1000)).unwrap();
    pair.wait();
    let theirs = pair.transceiver(PC2, Kind::Video);
    assert!(pair.call(PC2, |pc| pc.request_key_frame(theirs, "")));
    pair.wait();
    let rid = "".into();
    let transceiver = id;
    assert!(pair.was_told(PC1, &Event::KeyFrameRequested { transceiver, rid }));
    let now = pair.world.now();
    let outbound = &pair.machine(PC1).get_stats(now).outbound_rtp[0];
    assert_eq!(outbound.pli_count, 0);
    assert!(outbound.fir_count > 0);
}

/// aiortc throws transport-wide feedback away. (Extended reports: `src/media/tests/control.rs`.)
#[test]
fn quirk_14_transport_wide_feedback_is_read() {
    let mut pc1 = Config::new();
    pc1.rtp.packet_results = 100;
    let mut pair = Pair::with(pc1, Config::new());
    let id = pair.add(PC1, Kind::Video, Direction::SendOnly);
    pair.exchange();
    pair.wait();
    for round in 0..100 {
        pair.write(PC1, id, &picture(round * 3000, round == 0, 500))
            .unwrap();
        pair.run(Duration::from_millis(50));
    }
    pair.wait();
    let results = pair.call(PC1, |pc| {
        std::iter::from_fn(|| pc.poll_packet_result()).count()
    });
    assert_eq!(results, 100, "each packet was acknowledged");
}

/// aiortc offers data channels in the syntax that RFC 8841 §4 replaced.
#[test]
fn quirk_15_data_channels_are_offered_in_the_modern_form() {
    let mut pc = alone(Config::new());
    pc.create_data_channel("a", ChannelConfig::default())
        .unwrap();
    let offer = pc.create_offer().unwrap().sdp;
    assert!(
        offer.contains(" UDP/DTLS/SCTP webrtc-datachannel\r\n"),
        "{offer}"
    );
    assert!(offer.contains("a=sctp-port:5000\r\n") && !offer.contains("sctpmap"));
    // And answers who writes the old one in kind.
    let legacy = interop("chromium-156-dc-offer")
        .replace("UDP/DTLS/SCTP webrtc-datachannel", "DTLS/SCTP 5000")
        .replace("a=sctp-port:5000", "a=sctpmap:5000 webrtc-datachannel 1024");
    let mut pc = alone(Config::new());
    pc.set_remote_description(&super::support::offer(&legacy))
        .unwrap();
    let answer = pc.create_answer().unwrap().sdp;
    assert!(answer.contains(" DTLS/SCTP 5000\r\n") && answer.contains("a=sctpmap:5000 "));
}
