use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use bytes::Bytes;
use core::time::Duration;

use super::*;
use crate::cursor::Writer;
use crate::rng::Rng;
use crate::sctp::{SctpAssociation, SctpConfig};
use crate::time::Instant;
use crate::wire::dcep;

/// Two tables on a perfect wire.
struct Pair {
    now: Instant,
    sides: [DataChannels; 2],
}

const A: usize = 0;
const B: usize = 1;

impl Pair {
    fn new() -> Self {
        Self::with_limits(Limits::default())
    }

    fn with_limits(limits: Limits) -> Self {
        let mut rng = Rng::from_number(1);
        let mut side = || {
            DataChannels::new(
                SctpAssociation::new(SctpConfig::default(), &mut rng),
                limits,
            )
        };
        Self {
            now: Instant::from_millis(1),
            sides: [side(), side()],
        }
    }

    fn connected() -> Self {
        let mut pair = Self::new();
        pair.connect();
        pair
    }

    fn connect(&mut self) {
        self.sides[A].connect(StreamParity::Even);
        self.sides[B].connect(StreamParity::Odd);
        self.exchange();
        for side in [A, B] {
            let events = self.events(side);
            assert!(events.contains(&Event::Connected), "{events:?}");
        }
    }

    /// Moves packets, and time when nothing moves, for two seconds.
    fn exchange(&mut self) {
        let end = self.now + Duration::from_secs(2);
        while self.now < end {
            let mut quiet = true;
            for side in [A, B] {
                let mut buf = Vec::new();
                if self.sides[side].poll_transmit(self.now, &mut Writer::new(&mut buf, 1150)) {
                    self.sides[1 - side].handle_input(self.now, &mut buf);
                    quiet = false;
                }
            }
            if quiet {
                self.now += Duration::from_millis(10);
                self.sides
                    .iter_mut()
                    .for_each(|side| side.handle_timeout(self.now));
            }
        }
    }

    fn events(&mut self, side: usize) -> Vec<Event> {
        core::iter::from_fn(|| self.sides[side].poll_event()).collect()
    }

    fn open(&mut self, side: usize, label: &str, config: ChannelConfig) -> ChannelId {
        self.sides[side].open(label, config).unwrap()
    }

    fn send(&mut self, side: usize, id: ChannelId, data: impl Into<Data>) {
        self.sides[side].send(self.now, id, data.into()).unwrap();
    }
}

fn opened(events: &[Event]) -> ChannelId {
    let ids = events.iter().filter_map(|event| match event {
        Event::Opened(id) => Some(*id),
        _ => None,
    });
    ids.last().expect("no channel was opened")
}

#[test]
fn a_channel_opened_before_and_one_opened_after_connecting_both_work() {
    let mut pair = Pair::new();
    let early = pair.open(A, "early", ChannelConfig::default());
    assert_eq!(
        pair.sides[A].info(early).unwrap().state,
        ChannelState::Connecting
    );
    pair.connect();
    let late = pair.open(B, "late", ChannelConfig::default());
    pair.send(B, late, "at once");
    pair.exchange();
    let events = pair.events(A);
    let [
        Event::Opened(id),
        Event::State(_, ChannelState::Open),
        Event::Message(_, text),
    ] = &events[..]
    else {
        panic!("{events:?}");
    };
    assert_eq!(text, &Data::from("at once"));
    let info = pair.sides[A].info(*id).unwrap();
    assert_eq!(
        (info.label, info.stream),
        ("late", Some(1)),
        "RFC 8832 §6: the server's streams are odd"
    );
    assert_eq!(pair.sides[A].info(early).unwrap().stream, Some(0));
}

#[test]
fn wpt_093_both_sides_agree_on_every_kind_of_channel() {
    let mut pair = Pair::connected();
    let limits = [
        (None, None),
        (Some(100), None),
        (None, Some(5)),
        (None, Some(0)),
    ];
    for (max_packet_life_time, max_retransmits) in limits {
        for ordered in [true, false] {
            let config = ChannelConfig {
                ordered,
                max_packet_life_time,
                max_retransmits,
                protocol: "protocole-é".into(),
                priority: 1024,
                ..ChannelConfig::default()
            };
            let id = pair.open(A, "étiquette", config.clone());
            pair.exchange();
            let remote = opened(&pair.events(B));
            let info = pair.sides[B].info(remote).unwrap();
            assert_eq!((info.label, info.config), ("étiquette", &config));
            assert_eq!(info.stream, pair.sides[A].info(id).unwrap().stream);
        }
    }
}

/// On the wire limits have 32 bits, in the W3C's interface 16.
#[test]
fn wpt_093_larger_limits_are_clamped() {
    let limits = |reliability| {
        let config = ChannelConfig::from_open(&dcep::Open {
            ordered: true,
            reliability,
            priority: 256,
            label: "",
            protocol: "",
        });
        (config.max_packet_life_time, config.max_retransmits)
    };
    for (said, taken) in [(65_535, 65_535), (65_536, 65_535), (u32::MAX, 65_535)] {
        let lifetime = limits(dcep::Reliability::MaxLifetime(said));
        assert_eq!(lifetime, (Some(taken), None));
        let retransmits = limits(dcep::Reliability::MaxRetransmits(said));
        assert_eq!(retransmits, (None, Some(taken)));
    }
}

#[test]
fn messages_of_all_kinds_and_sizes_arrive_unchanged() {
    let mut pair = Pair::connected();
    let id = pair.open(A, "", ChannelConfig::default());
    pair.exchange();
    let remote = opened(&pair.events(B));
    let binary = |len: usize| Data::from((0..=u8::MAX).cycle().take(len).collect::<Vec<_>>());
    let text: String = "å".repeat(30_000);
    let messages = [
        Data::from(""),
        binary(0),
        Data::from("x"),
        binary(1),
        binary(1200),
        binary(65_536),
        Data::from(text),
    ];
    for message in &messages {
        pair.send(A, id, message.clone());
    }
    pair.exchange();
    let expected: Vec<_> = messages
        .into_iter()
        .map(|data| Event::Message(remote, data))
        .collect();
    assert_eq!(pair.events(B), expected);
}

#[test]
fn s_8_closing_delivers_what_was_sent_and_frees_the_stream() {
    let mut pair = Pair::connected();
    let id = pair.open(A, "one", ChannelConfig::default());
    pair.exchange();
    let remote = opened(&pair.events(B));
    for number in 0..50 {
        pair.send(A, id, Data::Binary(Bytes::from(vec![number; 5000])));
    }
    pair.sides[A].close(id);
    assert_eq!(
        pair.sides[A].send(pair.now, id, Data::from("late")),
        Err(SendError::NotOpen)
    );
    pair.exchange();
    let events = pair.events(B);
    let messages = events
        .iter()
        .filter(|event| matches!(event, Event::Message(..)))
        .count();
    assert_eq!(messages, 50);
    pair.exchange();
    let closing = Event::State(remote, ChannelState::Closing);
    let closed = Event::State(remote, ChannelState::Closed);
    let after: Vec<_> = events.into_iter().skip(50).chain(pair.events(B)).collect();
    assert_eq!(after, [closing, closed]);
    assert!(
        pair.events(A)
            .contains(&Event::State(id, ChannelState::Closed))
    );
    assert!(pair.sides[A].info(id).is_none());
    let again = pair.open(A, "two", ChannelConfig::default());
    assert_eq!(pair.sides[A].info(again).unwrap().stream, Some(0));
    pair.send(A, again, "fresh");
    pair.exchange();
    assert!(
        pair.events(B)
            .iter()
            .any(|event| matches!(event, Event::Message(_, data) if *data == Data::from("fresh")))
    );
}

#[test]
fn negotiated_channels_need_no_announcement() {
    let mut pair = Pair::new();
    let config = ChannelConfig {
        negotiated: Some(7),
        ..ChannelConfig::default()
    };
    let ids = [
        pair.open(A, "left", config.clone()),
        pair.open(B, "right", config.clone()),
    ];
    assert_eq!(
        pair.sides[A].open("again", config),
        Err(OpenError::StreamInUse)
    );
    pair.connect();
    pair.send(A, ids[A], "hello");
    pair.exchange();
    assert_eq!(
        pair.events(B),
        [Event::Message(ids[B], Data::from("hello"))]
    );
}

#[test]
fn wpt_030_and_031_what_cannot_be_opened_is_refused_with_the_reason() {
    let mut pair = Pair::new();
    let side = &mut pair.sides[A];
    let long = "x".repeat(65_536);
    assert_eq!(
        side.open(&long, ChannelConfig::default()),
        Err(OpenError::TooLong)
    );
    let config = ChannelConfig {
        negotiated: Some(65_535),
        ..ChannelConfig::default()
    };
    assert_eq!(side.open("", config), Err(OpenError::StreamOutOfRange));
    let config = ChannelConfig {
        max_packet_life_time: Some(1),
        max_retransmits: Some(1),
        ..ChannelConfig::default()
    };
    assert_eq!(side.open("", config), Err(OpenError::TwoLimits));
    assert_eq!(side.ids().count(), 0, "nothing was changed");
}

#[test]
fn a_peer_that_opens_too_many_channels_is_refused() {
    let mut pair = Pair::with_limits(Limits {
        max_channels: 3,
        ..Limits::default()
    });
    pair.sides[A].limits_mut().max_channels = 10;
    pair.connect();
    let ids: Vec<_> = (0..5)
        .map(|_| pair.open(A, "", ChannelConfig::default()))
        .collect();
    pair.exchange();
    pair.events(B);
    assert_eq!(pair.sides[B].ids().count(), 3);
    assert_eq!(pair.sides[B].stats().refused, 2);
    pair.exchange();
    let closed = pair
        .events(A)
        .into_iter()
        .filter(|event| matches!(event, Event::State(_, ChannelState::Closed)));
    assert!(closed.count() <= ids.len());
}

#[test]
fn s_6_the_low_event_comes_once_each_time_the_buffer_drains() {
    let mut pair = Pair::connected();
    let id = pair.open(A, "bulk", ChannelConfig::default());
    pair.sides[A].set_buffered_amount_low_threshold(id, 1024);
    pair.exchange();
    pair.events(A);
    for _ in 0..2 {
        pair.send(A, id, vec![b'x'; 10_000]);
        assert_eq!(pair.sides[A].buffered_amount(id), 10_000);
        pair.exchange();
        assert_eq!(pair.sides[A].buffered_amount(id), 0);
        assert_eq!(pair.events(A), [Event::BufferedAmountLow(id)]);
    }
}

#[test]
fn an_abort_closes_every_channel_on_both_sides() {
    let mut pair = Pair::connected();
    let id = pair.open(A, "x", ChannelConfig::default());
    pair.send(A, id, "last words");
    pair.exchange();
    pair.sides[A].abort();
    pair.exchange();
    let events = pair.events(B);
    assert!(matches!(events[2], Event::Message(..)), "{events:?}");
    assert!(
        matches!(
            events[3..],
            [Event::State(_, ChannelState::Closed), Event::Closed(_)]
        ),
        "{events:?}"
    );
    assert_eq!(
        pair.sides[B].open("y", ChannelConfig::default()),
        Err(OpenError::Closed)
    );
}

/// A side that another peer takes the place of.
fn stranger() -> DataChannels {
    let mut rng = Rng::from_number(2);
    let association = SctpAssociation::new(SctpConfig::default(), &mut rng);
    DataChannels::new(association, Limits::default())
}

/// RFC 8841 §9.3: what had come is delivered, what was open closes, and what was not yet
/// is opened with the new peer, by the roles that are new too.
#[test]
fn channels_begin_anew_with_another_peer() {
    let mut pair = Pair::connected();
    let old = pair.open(A, "old", ChannelConfig::default());
    pair.exchange();
    let theirs = opened(&pair.events(B));
    pair.events(A);
    pair.send(B, theirs, "the last word");
    pair.exchange();
    // The buffer is full, so that nothing can be said of the next channel.
    for len in [60_000, 1000, 1] {
        let block = vec![0; len];
        while pair.sides[A]
            .send(pair.now, old, block.clone().into())
            .is_ok()
        {}
    }
    let patient = pair.open(A, "patient", ChannelConfig::default());
    assert!(pair.sides[A].unsent > 0);

    pair.sides[A].begin_anew();
    pair.sides[B] = stranger();
    assert!(pair.sides[A].association().is_quiet());
    let told = pair.events(A);
    let expected = [
        Event::Message(old, "the last word".into()),
        Event::State(old, ChannelState::Closed),
    ];
    assert_eq!(told, expected);
    assert_eq!(pair.sides[A].ids().collect::<Vec<_>>(), [patient]);

    pair.sides[A].connect(StreamParity::Odd);
    pair.sides[B].connect(StreamParity::Even);
    pair.exchange();
    let told = pair.events(A);
    assert!(told.contains(&Event::State(patient, ChannelState::Open)));
    let theirs = opened(&pair.events(B));
    assert_eq!(pair.sides[B].info(theirs).unwrap().label, "patient");
    assert_eq!(pair.sides[B].info(theirs).unwrap().stream, Some(1));
    pair.send(A, patient, "hello");
    pair.exchange();
    let told = pair.events(B);
    assert!(told.contains(&Event::Message(theirs, "hello".into())));
}

/// Who takes nothing between two handovers gets what one association holds, not more.
#[test]
fn messages_of_many_peers_do_not_pile_up() {
    let mut pair = Pair::connected();
    for round in 0..3 {
        pair.open(A, "many", ChannelConfig::default());
        pair.exchange();
        let theirs = pair.sides[B].ids().last().unwrap();
        pair.send(B, theirs, "word");
        pair.exchange();
        assert_eq!(pair.sides[A].stats().dropped, u64::from(round > 1));
        pair.sides[A].begin_anew();
        pair.sides[B] = stranger();
        pair.sides[A].connect(StreamParity::Even);
        pair.sides[B].connect(StreamParity::Odd);
    }
    let told = pair.events(A);
    let is_word = |event: &&Event| matches!(event, Event::Message(..));
    assert_eq!(told.iter().filter(is_word).count(), 1);
    assert_eq!(pair.sides[A].stats().dropped, 2);
}

#[test]
fn channels_may_come_again_after_all_were_closed() {
    let mut pair = Pair::connected();
    let open = pair.open(A, "open", ChannelConfig::default());
    pair.exchange();
    pair.events(A);
    let waiting = pair.open(A, "waiting", ChannelConfig::default());
    for side in &mut pair.sides {
        side.close_all();
    }
    let told = pair.events(A);
    for id in [open, waiting] {
        assert!(told.contains(&Event::State(id, ChannelState::Closed)));
    }
    assert!(!told.iter().any(|event| matches!(event, Event::Closed(_))));
    pair.events(B);
    let again = pair.open(A, "again", ChannelConfig::default());
    pair.sides[A].connect(StreamParity::Even);
    pair.sides[B].connect(StreamParity::Odd);
    pair.exchange();
    let told = pair.events(A);
    assert!(told.contains(&Event::State(again, ChannelState::Open)));
}
