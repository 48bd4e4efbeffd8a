//! Keys of a telephone, over the wire.

use std::time::Duration;

use pollrtc::cursor::Reader;
use pollrtc::peer::{
    Config, Direction, DtmfError, Event, Kind, ReceivedPacket, RtpMode, TransceiverId,
};
use pollrtc::rtp::format::telephone_event::TelephoneEvent;

use super::support::{ALICE, BOB, Pair, sound};

/// Alice has a telephone, and Bob sees packets.
fn call() -> (Pair, TransceiverId) {
    let bob = Config {
        rtp_mode: RtpMode::Packets,
        ..Config::new()
    };
    let mut pair = Pair::with(Config::new(), bob);
    let id = pair
        .call(ALICE, |pc| pc.add_track(Kind::Audio, "voice", &[]))
        .unwrap();
    assert!(!pair.machine(ALICE).can_insert_dtmf(id));
    pair.negotiate(ALICE);
    pair.run(Duration::from_secs(1));
    pair.events = [Vec::new(), Vec::new()];
    (pair, id)
}

fn insert(
    pair: &mut Pair,
    id: TransceiverId,
    tones: &str,
    duration: u64,
    gap: u64,
) -> Result<(), DtmfError> {
    let [duration, gap] = [duration, gap].map(Duration::from_millis);
    pair.world.with(pair.hosts[ALICE], |pc, now| {
        pc.insert_dtmf(now, id, tones, duration, gap)
    })
}

fn tones(pair: &Pair) -> Vec<Option<char>> {
    let events = pair.events[ALICE].iter();
    events
        .filter_map(|event| match event {
            Event::ToneChange { tone, .. } => Some(*tone),
            _ => None,
        })
        .collect()
}

fn packets(pair: &Pair) -> Vec<&ReceivedPacket> {
    let events = pair.events[BOB].iter();
    events
        .filter_map(|event| match event {
            Event::Packet { packet, .. } => Some(packet),
            _ => None,
        })
        .collect()
}

fn event(packet: &ReceivedPacket) -> Option<TelephoneEvent> {
    let is_event = packet.payload.len() == TelephoneEvent::LEN;
    is_event.then(|| TelephoneEvent::parse(&mut Reader::new(&packet.payload)).unwrap())
}

/// Sound is written all the time; tones take its place, in its numbers and its clock.
#[test]
fn wpt_126_tones_are_heard_in_place_of_sound() {
    let (mut pair, id) = call();
    for tick in 0..40 {
        if tick == 10 {
            insert(&mut pair, id, "1a", 100, 70).unwrap();
            let left = pair.machine(ALICE).tone_buffer(id);
            assert_eq!(left, "A", "the first has begun");
        }
        pair.write(ALICE, id, &sound(tick * 960)).unwrap();
        pair.run(Duration::from_millis(20));
    }
    pair.run(Duration::from_secs(1));
    assert_eq!(tones(&pair), [Some('1'), Some('A'), None]);
    assert_eq!(pair.machine(ALICE).tone_buffer(id), "");

    let packets = packets(&pair);
    for two in packets.windows(2) {
        let step = two[1].sequence_number.distance_from(two[0].sequence_number);
        assert_eq!(step, 1, "one after the other");
        let passed = two[1].timestamp.distance_from(two[0].timestamp);
        assert!(passed < 48_000, "one clock: {passed}");
    }
    let events: Vec<_> = packets
        .iter()
        .filter_map(|one| Some((one, event(one)?)))
        .collect();
    for key in ['1', 'A'] {
        let reports: Vec<_> = events
            .iter()
            .filter(|(_, one)| one.key() == Some(key))
            .collect();
        assert_eq!(reports.len(), 7, "five and the last twice more");
        let is_same =
            |(packet, _): &&&(&&ReceivedPacket, _)| packet.timestamp == reports[0].0.timestamp;
        assert_eq!(reports.iter().filter(is_same).count(), 7);
        assert!(reports[0].0.marker && !reports[1].0.marker);
        assert_eq!(reports.iter().filter(|(_, one)| one.is_end).count(), 3);
        assert_eq!(reports.last().unwrap().1.duration, 4_800);
    }
    // Between the tones and behind them sound goes on.
    let first_tone = packets.iter().position(|one| event(one).is_some()).unwrap();
    let last_tone = packets
        .iter()
        .rposition(|one| event(one).is_some())
        .unwrap();
    let between = packets[first_tone..last_tone].iter();
    assert!(between.filter(|one| event(one).is_none()).count() >= 2);
    assert!(packets.len() - last_tone > 5);
}

#[test]
fn wpt_126_what_is_no_tone_is_refused_whole() {
    let (mut pair, id) = call();
    for bad in ["e", "1x", " ", "1 2", "ä", "1;"] {
        let refused = insert(&mut pair, id, bad, 100, 70);
        assert_eq!(refused, Err(DtmfError::InvalidCharacter), "{bad}");
        assert_eq!(pair.machine(ALICE).tone_buffer(id), "");
    }
    assert_eq!(
        insert(&mut pair, id, &"1".repeat(257), 100, 70),
        Err(DtmfError::TooMany)
    );
    insert(&mut pair, id, ",1234567890abcdABCD#*", 100, 70).unwrap();
    let left = pair.machine(ALICE).tone_buffer(id);
    assert_eq!(left, "1234567890ABCDABCD#*");
    // Nothing cancels what waits.
    insert(&mut pair, id, "", 100, 70).unwrap();
    pair.run(Duration::from_secs(5));
    assert_eq!(tones(&pair), [Some(','), None]);
}

#[test]
fn wpt_126_who_cannot_send_has_no_telephone() {
    let refused = Err(DtmfError::InvalidState);
    // Pictures.
    let (mut pair, id) = call();
    let video = pair.add(ALICE, Kind::Video, Direction::SendRecv);
    pair.negotiate(ALICE);
    assert!(!pair.machine(ALICE).can_insert_dtmf(video));
    assert_eq!(insert(&mut pair, video, "1", 100, 70), refused);

    // Nothing is sent at present, in each of the ways.
    assert!(pair.machine(ALICE).can_insert_dtmf(id));
    pair.call(ALICE, |pc| assert!(pc.set_encoding_active(id, "", false)));
    assert_eq!(insert(&mut pair, id, "1", 100, 70), refused);
    pair.call(ALICE, |pc| assert!(pc.set_encoding_active(id, "", true)));
    pair.call(ALICE, |pc| pc.replace_track(id, None)).unwrap();
    assert_eq!(insert(&mut pair, id, "1", 100, 70), refused);
    pair.call(ALICE, |pc| pc.replace_track(id, Some("voice")))
        .unwrap();
    pair.call(ALICE, |pc| pc.set_direction(id, Direction::RecvOnly))
        .unwrap();
    pair.negotiate(ALICE);
    assert_eq!(insert(&mut pair, id, "1", 100, 70), refused);

    // The peer knows no tones.
    let (mut pair, id) = call();
    let codecs = pair.machine(ALICE).capabilities(Kind::Audio).codecs.clone();
    let spoken: Vec<_> = codecs
        .into_iter()
        .filter(|one| one.name == "opus")
        .collect();
    pair.call(ALICE, |pc| pc.set_codec_preferences(id, spoken))
        .unwrap();
    pair.negotiate(ALICE);
    assert_eq!(insert(&mut pair, id, "1", 100, 70), refused);
}

/// W3C §7.2: who is stopped, or closed, in the middle of it hears no more of it.
#[test]
fn wpt_126_the_end_of_a_sender_ends_its_tones() {
    for end in [
        (|pc, id| pc.stop_transceiver(id).unwrap()) as fn(&mut pollrtc::PeerConnection, _),
        |pc, _| pc.close(),
    ] {
        let (mut pair, id) = call();
        insert(&mut pair, id, "12", 100, 70).unwrap();
        pair.run(Duration::from_millis(50));
        assert_eq!(tones(&pair), [Some('1')]);
        pair.call(ALICE, |pc| end(pc, id));
        pair.run(Duration::from_secs(1));
        assert_eq!(tones(&pair), [Some('1')]);
        assert_eq!(
            insert(&mut pair, id, "1", 100, 70),
            Err(DtmfError::InvalidState)
        );
    }
}
