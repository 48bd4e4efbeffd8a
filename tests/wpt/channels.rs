//! Data channels, from their first mention to their end.

use std::time::Duration;

use bytes::Bytes;
use pollrtc::peer::{
    ChannelConfig, ChannelId, ChannelState, CloseReason, Config, ConnectionState, Data, Event,
    OpenError, SdpType, SendError,
};

use pollrtc::sim::Verdict;

use super::support::{ALICE, BOB, Pair, alone, describe, of_kind};

/// Two that are connected, and the first channel at each end.
fn talking() -> (Pair, [ChannelId; 2]) {
    talking_by(ChannelConfig::default())
}

fn talking_by(config: ChannelConfig) -> (Pair, [ChannelId; 2]) {
    let mut pair = Pair::unwatched(Config::new(), Config::new());
    let ours = pair
        .call(ALICE, |pc| pc.create_data_channel("talk", config.clone()))
        .unwrap();
    let agreed = config.negotiated.is_some();
    let other = agreed.then(|| {
        pair.call(BOB, |pc| pc.create_data_channel("talk", config))
            .unwrap()
    });
    pair.negotiate(ALICE);
    let theirs = other.unwrap_or_else(|| pair.machine(BOB).channels().next().unwrap());
    for side in [ALICE, BOB] {
        pair.take_events(side);
    }
    (pair, [ours, theirs])
}

fn open(pair: &mut Pair, side: usize, config: ChannelConfig) -> Result<ChannelId, OpenError> {
    pair.call(side, |pc| pc.create_data_channel("c", config))
}

fn send(
    pair: &mut Pair,
    side: usize,
    channel: ChannelId,
    data: impl Into<Data>,
) -> Result<(), SendError> {
    let host = pair.hosts[side];
    pair.world.with(host, |pc, now| pc.send(now, channel, data))
}

fn wait(pair: &mut Pair) {
    pair.run(Duration::from_secs(1));
}

/// The messages that came since it was last asked.
fn messages(pair: &mut Pair, side: usize) -> Vec<Data> {
    let events = pair.take_events(side).into_iter();
    events
        .filter_map(|event| match event {
            Event::Message(_, data) => Some(data),
            _ => None,
        })
        .collect()
}

/// What was told of channels since it was last asked, each in a word.
fn told(pair: &mut Pair, side: usize) -> Vec<String> {
    let events = pair.take_events(side).into_iter();
    events
        .filter_map(|event| match event {
            Event::DataChannel(id) => Some(format!("{id} comes")),
            Event::ChannelState(id, state) => Some(format!("{id} {}", state.as_str())),
            Event::Message(_, Data::Text(text)) => Some(text),
            Event::Message(_, Data::Binary(bytes)) => Some(format!("{} bytes", bytes.len())),
            Event::BufferedAmountLow(_) => Some("low".to_string()),
            _ => None,
        })
        .collect()
}

fn negotiated(stream: u16) -> ChannelConfig {
    ChannelConfig {
        negotiated: Some(stream),
        ..ChannelConfig::default()
    }
}

#[test]
fn wpt_027_no_channel_after_the_end() {
    let mut peer = alone();
    peer.close();
    let refused = peer.create_data_channel("x", ChannelConfig::default());
    assert_eq!(refused, Err(OpenError::Closed));
}

#[test]
fn wpt_028_what_a_new_channel_is_like() {
    let mut peer = alone();
    let id = peer
        .create_data_channel("x", ChannelConfig::default())
        .unwrap();
    let info = peer.channel(id).unwrap();
    assert_eq!(
        (info.label, info.stream, info.state),
        ("x", None, ChannelState::Connecting)
    );
    let config = info.config;
    assert!(config.ordered && config.protocol.is_empty() && config.negotiated.is_none());
    assert_eq!(
        (config.max_packet_life_time, config.max_retransmits),
        (None, None)
    );
    assert_eq!(peer.buffered_amount(id), 0);
    // The stream is known with the roles.
    let (pair, [ours, theirs]) = talking();
    let stream = |side: usize, id| pair.machine(side).channel(id).unwrap().stream;
    assert!(stream(ALICE, ours).is_some());
    assert_eq!(stream(ALICE, ours), stream(BOB, theirs));
}

#[test]
fn wpt_029_only_one_limit() {
    let both = ChannelConfig {
        max_packet_life_time: Some(0),
        max_retransmits: Some(0),
        ..ChannelConfig::default()
    };
    let mut peer = alone();
    assert_eq!(
        peer.create_data_channel("x", both.clone()),
        Err(OpenError::TwoLimits)
    );
    for (life, retransmits) in [(Some(0), None), (None, Some(0))] {
        let one = ChannelConfig {
            max_packet_life_time: life,
            max_retransmits: retransmits,
            ..both.clone()
        };
        peer.create_data_channel("x", one).unwrap();
    }
}

/// That an id is there exactly if it was negotiated says its type.
#[test]
fn wpt_030_ids_of_negotiated_channels() {
    let mut peer = alone();
    for stream in [0, 1, 1022] {
        let id = peer.create_data_channel("x", negotiated(stream)).unwrap();
        assert_eq!(peer.channel(id).unwrap().stream, Some(stream));
    }
    let refused = peer.create_data_channel("x", negotiated(65_535));
    assert_eq!(refused, Err(OpenError::StreamOutOfRange));
    let mut config = Config::new();
    config.sctp.max_streams = 65_535;
    let mut wide = super::support::alone_with(config);
    let last = wide.create_data_channel("x", negotiated(65_534)).unwrap();
    assert_eq!(wide.channel(last).unwrap().stream, Some(65_534));
}

/// Bytes of UTF-8 count. A half of a surrogate pair is no text in Rust.
#[test]
fn wpt_031_labels_and_protocols() {
    let with = |protocol: &str| ChannelConfig {
        protocol: protocol.to_string(),
        ..ChannelConfig::default()
    };
    let mut peer = alone();
    let (most, more) = ("x".repeat(65_535), "\u{20ac}".repeat(21_846));
    assert_eq!(more.len(), 65_538);
    peer.create_data_channel(&most, with("")).unwrap();
    peer.create_data_channel("", with(&most)).unwrap();
    assert_eq!(
        peer.create_data_channel(&more, with("")),
        Err(OpenError::TooLong)
    );
    assert_eq!(
        peer.create_data_channel("", with(&more)),
        Err(OpenError::TooLong)
    );
    // What is odd arrives as it was.
    let (mut pair, _) = talking();
    for label in ["a\0b", "\u{dc}mlaut \u{1f980}", "\u{fffd}", ""] {
        pair.call(ALICE, |pc| pc.create_data_channel(label, with(label)))
            .unwrap();
        wait(&mut pair);
        let last = pair.machine(BOB).channels().last().unwrap();
        let info = pair.machine(BOB).channel(last).unwrap();
        assert_eq!((info.label, info.config.protocol.as_str()), (label, label));
    }
}

#[test]
fn wpt_032_the_id_of_a_live_channel() {
    let (mut pair, [ours, _]) = talking_by(negotiated(42));
    let refused = open(&mut pair, ALICE, negotiated(42));
    assert_eq!(refused, Err(OpenError::StreamInUse));
    pair.call(ALICE, |pc| pc.close_channel(ours));
    let refused = open(&mut pair, ALICE, negotiated(42));
    assert_eq!(refused, Err(OpenError::StreamInUse), "it still closes");
    wait(&mut pair);
    pair.take_events(ALICE);
    pair.take_events(BOB);
    let again = [ALICE, BOB].map(|side| open(&mut pair, side, negotiated(42)).unwrap());
    wait(&mut pair);
    pair.take_events(BOB);
    send(&mut pair, ALICE, again[0], "again").unwrap();
    wait(&mut pair);
    assert_eq!(messages(&mut pair, BOB), [Data::from("again")]);
}

#[test]
fn wpt_033_ids_beyond_the_streams() {
    let mut few = Config::new();
    few.sctp.max_streams = 16;
    let mut pair = Pair::unwatched(Config::new(), few);
    open(&mut pair, ALICE, ChannelConfig::default()).unwrap();
    // Before the peer has said how many there are, more may be hoped for.
    let hopeful = open(&mut pair, ALICE, negotiated(100)).unwrap();
    pair.negotiate(ALICE);
    assert!(told(&mut pair, ALICE).contains(&format!("{hopeful} closed")));
    for side in [ALICE, BOB] {
        assert_eq!(
            open(&mut pair, side, negotiated(16)),
            Err(OpenError::StreamOutOfRange)
        );
        open(&mut pair, side, negotiated(15)).unwrap();
    }
}

#[test]
fn wpt_090_what_is_buffered() {
    let (mut pair, [ours, _]) = talking();
    let host = pair.hosts[ALICE];
    pair.world.with(host, |pc, now| {
        pc.send(now, ours, "").unwrap();
        let empty = pc.buffered_amount(ours);
        pc.send(now, ours, "\u{20ac}\u{20ac}").unwrap();
        assert_eq!(pc.buffered_amount(ours), empty + 6, "bytes of UTF-8");
        pc.send(now, ours, vec![7; 500]).unwrap();
        pc.send(now, ours, Bytes::from_static(&[8; 20])).unwrap();
        assert_eq!(pc.buffered_amount(ours), empty + 526);
        assert_eq!(
            pc.buffered_amount(ours),
            empty + 526,
            "asking changes nothing"
        );
        pc.close_channel(ours);
        assert_eq!(pc.buffered_amount(ours), empty + 526, "nor does the end");
    });
    wait(&mut pair);
    assert_eq!(pair.machine(ALICE).buffered_amount(ours), 0);
    assert_eq!(messages(&mut pair, BOB).len(), 4);
}

#[test]
fn wpt_091_low_once_for_each_crossing() {
    let (mut pair, [ours, _]) = talking();
    pair.call(ALICE, |pc| {
        pc.set_buffered_amount_low_threshold(ours, 10_000);
    });
    // Not above it: nothing is crossed.
    send(&mut pair, ALICE, ours, vec![0; 9_000]).unwrap();
    wait(&mut pair);
    pair.take_events(ALICE);
    for _ in 0..3 {
        for _ in 0..4 {
            send(&mut pair, ALICE, ours, vec![0; 100_000]).unwrap();
        }
        assert!(pair.machine(ALICE).buffered_amount(ours) > 10_000);
        assert!(told(&mut pair, ALICE).is_empty());
        pair.run(Duration::from_secs(10));
        assert_eq!(told(&mut pair, ALICE), ["low"]);
        assert_eq!(pair.machine(ALICE).buffered_amount(ours), 0);
    }
}

/// What was sent before comes before the end, which both sides go through in steps.
#[test]
fn wpt_092_and_103_the_end_of_a_channel() {
    for config in [ChannelConfig::default(), negotiated(3)] {
        let (mut pair, [ours, theirs]) = talking_by(config);
        let host = pair.hosts[ALICE];
        pair.world.with(host, |pc, now| {
            pc.send(now, ours, "one").unwrap();
            pc.send(now, ours, vec![2; 100_000]).unwrap();
            pc.send(now, ours, Bytes::from_static(b"three")).unwrap();
            pc.close_channel(ours);
            assert_eq!(pc.channel(ours).unwrap().state, ChannelState::Closing);
            assert_eq!(pc.send(now, ours, "four"), Err(SendError::NotOpen));
        });
        pair.run(Duration::from_secs(5));
        let steps = [format!("{ours} closing"), format!("{ours} closed")];
        let mut said = told(&mut pair, ALICE);
        said.retain(|line| line != "low");
        assert_eq!(said, steps);
        assert_eq!(
            told(&mut pair, BOB),
            [
                "one".to_string(),
                "100000 bytes".to_string(),
                "5 bytes".to_string(),
                format!("{theirs} closing"),
                format!("{theirs} closed"),
            ]
        );
        // After that the end of the connection is nothing to the channel.
        pair.call(ALICE, |pc| pc.close());
        wait(&mut pair);
        assert!(told(&mut pair, BOB).is_empty());
    }
}

/// The end of a connection is that of its channels, with the reason.
#[test]
fn wpt_092_the_end_of_the_connection() {
    let (mut pair, [_, theirs]) = talking();
    let second = open(&mut pair, ALICE, ChannelConfig::default()).unwrap();
    wait(&mut pair);
    let also = pair.machine(BOB).channels().last().unwrap();
    assert_ne!(also, theirs);
    for side in [ALICE, BOB] {
        pair.take_events(side);
    }
    pair.call(ALICE, |pc| pc.close());
    let refused = send(&mut pair, ALICE, second, "late");
    assert_eq!(refused, Err(SendError::NotOpen));
    wait(&mut pair);
    let events = pair.take_events(BOB);
    for id in [theirs, also] {
        let closed = Event::ChannelState(id, ChannelState::Closed);
        assert_eq!(events.iter().filter(|event| **event == closed).count(), 1);
    }
    assert!(
        matches!(events.last(), Some(Event::Closed(CloseReason::Sctp(_)))),
        "{events:?}"
    );
}

/// The same if the end of the association is lost, and only the farewell of DTLS comes.
#[test]
fn wpt_092_the_end_of_the_keys() {
    let (mut pair, [_, theirs]) = talking();
    let mut first = true;
    pair.world
        .set_tap(move |_| match core::mem::take(&mut first) {
            true => Verdict::Drop,
            false => Verdict::Pass,
        });
    pair.call(ALICE, |pc| pc.close());
    wait(&mut pair);
    let events = pair.take_events(BOB);
    let [.., closed, state, last] = &events[..] else {
        panic!("{events:?}");
    };
    assert_eq!(*closed, Event::ChannelState(theirs, ChannelState::Closed));
    assert_eq!(*state, Event::ConnectionState(ConnectionState::Closed));
    assert!(matches!(last, Event::Closed(CloseReason::Dtls(_))));
}

/// Every kind of channel, with all that its opener says, under the same stream.
#[test]
fn wpt_093_channels_arrive_as_they_were_opened() {
    let (mut pair, _) = talking();
    let long = "\u{20ac}".repeat(21_845);
    let mut configs = Vec::new();
    for ordered in [true, false] {
        for (life, retransmits) in [
            (None, None),
            (Some(65_535), None),
            (None, Some(3)),
            (Some(0), None),
            (None, Some(0)),
        ] {
            configs.push(ChannelConfig {
                ordered,
                max_packet_life_time: life,
                max_retransmits: retransmits,
                ..ChannelConfig::default()
            });
        }
    }
    for priority in [0, 128, 1024, 65_535] {
        configs.push(ChannelConfig {
            priority,
            protocol: long.clone(),
            ..ChannelConfig::default()
        });
    }
    for (number, config) in configs.into_iter().enumerate() {
        let side = number % 2;
        let label = if number % 3 == 0 { "" } else { &long };
        let ours = pair
            .call(side, |pc| pc.create_data_channel(label, config))
            .unwrap();
        pair.run(Duration::from_secs(5));
        let theirs = pair.machine(1 - side).channels().last().unwrap();
        let [sent, came] = [(side, ours), (1 - side, theirs)].map(|(side, id)| {
            let info = pair.machine(side).channel(id).unwrap();
            (
                info.label.to_string(),
                info.config.clone(),
                info.stream,
                info.state,
            )
        });
        assert_eq!(sent, came);
        assert!(sent.2.is_some() && sent.3 == ChannelState::Open);
    }
}

#[test]
fn wpt_095_who_gives_which_ids() {
    let (mut pair, _) = talking();
    for side in [ALICE, BOB] {
        let parity = match pair.machine(side).dtls_role().unwrap() {
            pollrtc::dtls::Role::Client => 0,
            pollrtc::dtls::Role::Server => 1,
        };
        for number in 0..6 {
            // Beside channels that have any id.
            let any = open(&mut pair, side, negotiated(500 + number)).unwrap();
            assert_eq!(
                pair.machine(side).channel(any).unwrap().stream,
                Some(500 + number)
            );
            let id = open(&mut pair, side, ChannelConfig::default()).unwrap();
            let stream = pair.machine(side).channel(id).unwrap().stream.unwrap();
            assert_eq!(stream % 2, parity);
        }
        wait(&mut pair);
    }
    // There are no more: before, and after they are connected.
    let mut few = Config::new();
    few.sctp.max_streams = 4;
    let mut pair = Pair::unwatched(few.clone(), few);
    let early: Vec<_> = (0..5)
        .map(|_| open(&mut pair, ALICE, ChannelConfig::default()))
        .collect();
    pair.negotiate(ALICE);
    let is_closed = |line: &String| line.ends_with("closed");
    let lost = told(&mut pair, ALICE)
        .iter()
        .filter(|line| is_closed(line))
        .count();
    let opened = early.iter().filter(|one| one.is_ok()).count();
    assert_eq!(opened - lost, 2, "two of four streams are ours");
    assert_eq!(
        open(&mut pair, ALICE, ChannelConfig::default()),
        Err(OpenError::TooMany)
    );
}

#[test]
fn wpt_096_open_is_told_once() {
    let mut pair = Pair::new();
    let kept = open(&mut pair, ALICE, ChannelConfig::default()).unwrap();
    let given_up = open(&mut pair, ALICE, ChannelConfig::default()).unwrap();
    pair.call(ALICE, |pc| pc.close_channel(given_up));
    pair.negotiate(ALICE);
    let events = pair.take_events(ALICE);
    let place = |event: &Event| events.iter().position(|other| other == event);
    let is_open = Event::ChannelState(kept, ChannelState::Open);
    assert_eq!(events.iter().filter(|event| **event == is_open).count(), 1);
    let connected = Event::ConnectionState(ConnectionState::Connected);
    assert!(place(&connected).unwrap() < place(&is_open).unwrap());
    assert_eq!(
        place(&Event::ChannelState(given_up, ChannelState::Open)),
        None
    );
    assert_eq!(pair.machine(BOB).channels().count(), 1);
}

#[test]
fn wpt_097_when_and_what_can_be_sent() {
    let mut pair = Pair::unwatched(Config::new(), Config::new());
    let early = open(&mut pair, ALICE, ChannelConfig::default()).unwrap();
    assert_eq!(send(&mut pair, ALICE, early, "x"), Err(SendError::NotOpen));
    let (mut pair, [ours, _]) = talking();
    let all: [Data; 5] = [
        "text".into(),
        "\u{4e16}\u{754c}\u{4f60}\u{597d} \u{1f980}".into(),
        "".into(),
        vec![0, 1, 2, 255].into(),
        Bytes::new().into(),
    ];
    for data in &all {
        send(&mut pair, ALICE, ours, data.clone()).unwrap();
    }
    wait(&mut pair);
    assert_eq!(messages(&mut pair, BOB), all);
    pair.call(ALICE, |pc| pc.close_channel(ours));
    assert_eq!(send(&mut pair, ALICE, ours, "x"), Err(SendError::NotOpen));
    wait(&mut pair);
    pair.take_events(ALICE);
    assert_eq!(send(&mut pair, ALICE, ours, "x"), Err(SendError::NotOpen));
}

#[test]
fn wpt_098_what_is_too_large_or_too_much() {
    let small = Config {
        max_message_size: 5000,
        ..Config::new()
    };
    let mut pair = Pair::unwatched(Config::new(), small);
    let ours = open(&mut pair, ALICE, ChannelConfig::default()).unwrap();
    pair.negotiate(ALICE);
    pair.take_events(BOB);
    assert_eq!(pair.machine(ALICE).max_message_size(), 5000);
    assert_eq!(
        send(&mut pair, ALICE, ours, vec![0; 5001]),
        Err(SendError::TooLarge)
    );
    assert_eq!(pair.machine(ALICE).buffered_amount(ours), 0);
    send(&mut pair, ALICE, ours, vec![0; 5000]).unwrap();
    wait(&mut pair);
    assert_eq!(messages(&mut pair, BOB).len(), 1);
    let mut sent = 0;
    let refused = loop {
        match send(&mut pair, ALICE, ours, vec![0; 5000]) {
            Ok(()) => sent += 1,
            Err(error) => break error,
        }
    };
    assert_eq!(refused, SendError::Full);
    pair.run(Duration::from_secs(60));
    assert_eq!(
        messages(&mut pair, BOB).len(),
        sent,
        "all that was taken arrives"
    );
}

#[test]
fn wpt_099_kinds_keep_their_order() {
    let (mut pair, [ours, _]) = talking();
    let all: Vec<Data> = (0..60_u8)
        .map(|number| match number % 3 {
            0 => format!("{number}").into(),
            1 => vec![number; 3000].into(),
            _ => Bytes::copy_from_slice(&[number]).into(),
        })
        .collect();
    for data in &all {
        send(&mut pair, ALICE, ours, data.clone()).unwrap();
    }
    pair.run(Duration::from_secs(5));
    assert_eq!(messages(&mut pair, BOB), all);
}

#[test]
fn wpt_100_sizes_at_the_limits() {
    let (mut pair, ids) = talking();
    let most = pair.machine(ALICE).max_message_size();
    for len in [0, 1, 1 << 14, (1 << 16) - 1, 1 << 16, 1 << 18, most] {
        let bytes: Vec<u8> = (0..len).map(|at| at.to_be_bytes()[7]).collect();
        for side in [ALICE, BOB] {
            send(&mut pair, side, ids[side], bytes.clone()).unwrap();
            pair.run(Duration::from_secs(10));
            assert_eq!(
                messages(&mut pair, 1 - side),
                [Data::from(bytes.clone())],
                "{len}"
            );
        }
    }
}

#[test]
fn wpt_101_thousands_of_messages_both_ways() {
    let (mut pair, ids) = talking();
    let count = 4000;
    let text = |side: usize, number: usize| format!("{side} {number}");
    let mut sent = [0; 2];
    let mut came: [Vec<Data>; 2] = [Vec::new(), Vec::new()];
    while came.iter().any(|one| one.len() < count) {
        for side in [ALICE, BOB] {
            for _ in 0..500 {
                if sent[side] < count
                    && send(&mut pair, side, ids[side], text(side, sent[side])).is_ok()
                {
                    sent[side] += 1;
                }
            }
            came[side].extend(messages(&mut pair, side));
        }
        pair.run(Duration::from_millis(100));
        assert!((pair.world.now() - pollrtc::Instant::ZERO) < Duration::from_secs(300));
    }
    for side in [ALICE, BOB] {
        let expected = (0..count).map(|number| Data::from(text(1 - side, number)));
        assert!(came[side].iter().cloned().eq(expected));
    }
}

/// Who has closed a channel hears nothing of it but its end.
#[test]
fn wpt_102_nothing_is_heard_after_the_own_end() {
    let (mut pair, [ours, theirs]) = talking();
    let host = pair.hosts[BOB];
    pair.world.with(host, |pc, now| {
        for _ in 0..20 {
            pc.send(now, theirs, vec![0; 2000]).unwrap();
        }
    });
    // They are on their way.
    pair.call(ALICE, |pc| pc.close_channel(ours));
    pair.run(Duration::from_secs(5));
    assert_eq!(
        told(&mut pair, ALICE),
        [format!("{ours} closing"), format!("{ours} closed")]
    );
    let mut said = told(&mut pair, BOB);
    said.retain(|line| line != "low");
    let expected = [format!("{theirs} closing"), format!("{theirs} closed")];
    assert_eq!(said, expected);
}

/// Limits are of 16 bits by their type: no other number can be said.
#[test]
fn wpt_104_limits_from_end_to_end() {
    let (mut pair, _) = talking();
    for limit in [0, 1, 65_535_u16] {
        for (life, retransmits) in [(Some(limit), None), (None, Some(limit))] {
            let config = ChannelConfig {
                max_packet_life_time: life,
                max_retransmits: retransmits,
                ..ChannelConfig::default()
            };
            open(&mut pair, ALICE, config.clone()).unwrap();
            wait(&mut pair);
            let theirs = pair.machine(BOB).channels().last().unwrap();
            assert_eq!(pair.machine(BOB).channel(theirs).unwrap().config, &config);
        }
    }
}

/// RFC 8841 §6: what the peer says, or else 64 KiB; each exchange may change it.
#[test]
fn wpt_117_the_largest_message() {
    let mut theirs = alone();
    theirs
        .create_data_channel("x", ChannelConfig::default())
        .unwrap();
    let offer = describe(&mut theirs).sdp;
    let said = "a=max-message-size:262144\r\n";
    assert!(offer.contains(said));
    let mut peer = alone();
    let ours = {
        let config = Config::new();
        config.sctp.max_send_message
    };
    for (line, expected) in [
        ("", 65_536),
        ("a=max-message-size:0\r\n", ours),
        ("a=max-message-size:70000\r\n", 70_000),
        ("a=max-message-size:1\r\n", 1),
        ("a=max-message-size:18446744073709551615\r\n", ours),
    ] {
        let changed = of_kind(SdpType::Offer, &offer.replace(said, line));
        peer.set_remote_description(&changed).unwrap();
        peer.set_local_description(None).unwrap();
        assert_eq!(peer.max_message_size(), expected, "{line}");
    }
}
