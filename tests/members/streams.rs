//! The peer's tracks: their streams, and whether something comes of them.

use std::time::Duration;

use pollrtc::PeerConnection;
use pollrtc::peer::{Config, Description, Direction, Event, Kind, SdpType};
use pollrtc::rng::Rng;

use super::support::{ALICE, BOB, Pair, sound};

/// What is told of tracks, in order; forgets all that was told.
fn tracks(pair: &mut Pair, side: usize) -> Vec<String> {
    let told = pair.events[side].drain(..);
    told.filter_map(|event| word(&event)).collect()
}

fn word(event: &Event) -> Option<String> {
    Some(match event {
        Event::SignalingState(state) => state.to_string(),
        Event::Track(id) => format!("track {}", id.number()),
        Event::TrackEnded(id) => format!("ended {}", id.number()),
        Event::TrackMuted(id) => format!("mute {}", id.number()),
        Event::TrackUnmuted(id) => format!("unmute {}", id.number()),
        Event::StreamJoined {
            transceiver,
            stream,
        } => format!("{} joins {stream}", transceiver.number()),
        Event::StreamLeft {
            transceiver,
            stream,
        } => format!("{} leaves {stream}", transceiver.number()),
        Event::Frame { .. } => "frame".to_string(),
        _ => return None,
    })
}

/// WPT-051, WPT-081: streams are joined before tracks are told, and all before the end.
#[test]
fn wpt_081_streams_are_joined_before_tracks_come() {
    let mut pair = Pair::new();
    for (kind, streams) in [(Kind::Audio, &["s", "t"][..]), (Kind::Video, &["s"])] {
        pair.call(ALICE, |pc| pc.add_track(kind, "one", streams))
            .unwrap();
    }
    pair.negotiate(ALICE);
    let story = tracks(&mut pair, BOB);
    let expected = [
        "have-remote-offer",
        "0 joins s",
        "0 joins t",
        "1 joins s",
        "track 0",
        "track 1",
        "stable",
    ];
    assert_eq!(story, expected);
    // By name they are one.
    let bob = pair.machine(BOB);
    assert!(bob.remote_streams().eq(["s", "t"]));
    assert_eq!(bob.tracks_of("s").count(), 2);
    assert_eq!(bob.tracks_of("t").count(), 1);
    assert_eq!(bob.tracks_of("-").count(), 0);
}

/// WPT-051: what only receives or is inactive is no track.
#[test]
fn wpt_051_who_does_not_send_has_no_track() {
    let mut pair = Pair::new();
    pair.add(ALICE, Kind::Audio, Direction::RecvOnly);
    pair.add(ALICE, Kind::Video, Direction::Inactive);
    pair.negotiate(ALICE);
    assert_eq!(tracks(&mut pair, BOB), ["have-remote-offer", "stable"]);
}

#[test]
fn wpt_057_a_track_is_muted_until_something_comes() {
    let mut pair = Pair::new();
    let id = pair
        .call(ALICE, |pc| pc.add_track(Kind::Audio, "voice", &["s"]))
        .unwrap();
    pair.negotiate(ALICE);
    pair.run(Duration::from_secs(1));
    let theirs = pair.transceiver(BOB, Kind::Audio);
    assert!(pair.machine(BOB).is_muted(theirs));
    tracks(&mut pair, BOB);

    for number in 0..3 {
        pair.write(ALICE, id, &sound(number * 960)).unwrap();
        pair.run(Duration::from_millis(100));
    }
    assert!(!pair.machine(BOB).is_muted(theirs));
    let story = tracks(&mut pair, BOB);
    assert_eq!(story, ["unmute 0", "frame", "frame", "frame"]);

    // It drops sending.
    pair.call(ALICE, |pc| pc.set_direction(id, Direction::Inactive))
        .unwrap();
    pair.negotiate(ALICE);
    assert!(pair.machine(BOB).is_muted(theirs));
    let story = tracks(&mut pair, BOB);
    assert_eq!(
        story,
        [
            "have-remote-offer",
            "mute 0",
            "ended 0",
            "0 leaves s",
            "stable"
        ]
    );

    // And sends again.
    pair.call(ALICE, |pc| pc.set_direction(id, Direction::SendRecv))
        .unwrap();
    pair.negotiate(ALICE);
    assert!(pair.machine(BOB).is_muted(theirs));
    pair.write(ALICE, id, &sound(48_000)).unwrap();
    pair.run(Duration::from_millis(100));
    let story = tracks(&mut pair, BOB);
    let expected = [
        "have-remote-offer",
        "0 joins s",
        "track 0",
        "stable",
        "unmute 0",
        "frame",
    ];
    assert_eq!(story, expected);

    // The end mutes without a word.
    pair.call(BOB, |pc| pc.close());
    assert!(pair.machine(BOB).is_muted(theirs));
    pair.run(Duration::from_secs(1));
    assert!(tracks(&mut pair, BOB).is_empty());
}

/// WPT-082: by name, without a change of direction.
#[test]
fn wpt_082_a_track_changes_its_streams() {
    let mut pair = Pair::new();
    let id = pair
        .call(ALICE, |pc| pc.add_track(Kind::Audio, "voice", &["s"]))
        .unwrap();
    pair.negotiate(ALICE);
    tracks(&mut pair, ALICE);
    tracks(&mut pair, BOB);

    pair.call(ALICE, |pc| pc.set_streams(id, &["t", "u", "t"]))
        .unwrap();
    pair.run(Duration::from_millis(1));
    assert!(pair.events[ALICE].contains(&Event::NegotiationNeeded));
    pair.negotiate(ALICE);
    let story = tracks(&mut pair, BOB);
    // Who joins a stream comes once more (W3C §5.3).
    let joins = [
        "have-remote-offer",
        "0 leaves s",
        "0 joins t",
        "0 joins u",
        "track 0",
        "stable",
    ];
    assert_eq!(story, joins);

    // To leave is not to come.
    pair.call(ALICE, |pc| pc.set_streams(id, &[])).unwrap();
    pair.negotiate(ALICE);
    let leaves = ["have-remote-offer", "0 leaves t", "0 leaves u", "stable"];
    assert_eq!(tracks(&mut pair, BOB), leaves);
    assert_eq!(pair.machine(BOB).remote_streams().count(), 0);
}

/// WPT-082: a section that is given up takes its track with it.
#[test]
fn wpt_082_a_stopped_transceiver_takes_its_track_away() {
    let mut pair = Pair::new();
    let id = pair
        .call(ALICE, |pc| pc.add_track(Kind::Audio, "voice", &["s"]))
        .unwrap();
    pair.negotiate(ALICE);
    tracks(&mut pair, BOB);
    pair.call(ALICE, |pc| pc.stop_transceiver(id)).unwrap();
    pair.negotiate(ALICE);
    let story = tracks(&mut pair, BOB);
    assert!(story.contains(&"ended 0".to_string()), "{story:?}");
    assert!(story.contains(&"0 leaves s".to_string()), "{story:?}");
    assert_eq!(pair.machine(BOB).remote_streams().count(), 0);
}

/// What is told when a peer offers these lines of streams.
fn offered(lines: &str) -> (PeerConnection, Vec<String>) {
    let mut rng = Rng::from_number(7);
    let mut alice = PeerConnection::new(Config::new(), &mut rng).unwrap();
    alice.add_track(Kind::Audio, "voice", &["s"]).unwrap();
    let offer = alice.create_offer().unwrap().sdp;
    let (before, rest) = offer.split_once("a=msid:s voice\r\n").unwrap();
    let sdp = format!("{before}{lines}{rest}");
    let mut bob = PeerConnection::new(Config::new(), &mut rng).unwrap();
    let kind = SdpType::Offer;
    bob.set_remote_description(&Description { kind, sdp })
        .unwrap();
    let told = std::iter::from_fn(|| bob.poll_event());
    let story = told.filter_map(|event| word(&event)).skip(1).collect();
    (bob, story)
}

#[test]
fn wpt_119_lines_of_streams_mean_what_they_say() {
    for (lines, expected) in [
        ("a=msid:- voice\r\n", &["track 0"][..]),
        ("a=msid:- \r\n", &["track 0"]),
        (
            "a=msid:s voice\r\na=msid:s voice\r\n",
            &["0 joins s", "track 0"],
        ),
        ("a=msid:s\r\na=msid:s t\r\n", &["0 joins s", "track 0"]),
        (
            "a=msid:s voice\r\na=msid:t voice\r\n",
            &["0 joins s", "0 joins t", "track 0"],
        ),
        ("", &["0 joins default", "track 0"]),
        ("a=ssrc:7 msid:x voice\r\n", &["0 joins x", "track 0"]),
        (
            "a=msid:s voice\r\na=ssrc:7 msid:x voice\r\n",
            &["0 joins s", "track 0"],
        ),
    ] {
        let (_, story) = offered(lines);
        assert_eq!(story, expected, "{lines}");
    }
}

/// WPT-087: a track is its transceiver's.
#[test]
fn wpt_087_a_track_is_told_by_kind_and_name() {
    let (bob, _) = offered("a=msid:s voice\r\n");
    let one = bob.transceivers().next().unwrap();
    let remote = one.remote().unwrap();
    assert_eq!(one.kind(), Kind::Audio);
    assert_eq!(remote.streams[0].track.as_deref(), Some("voice"));
    assert!(remote.contains("s"));
}

/// What was offered and taken back was never there.
#[test]
fn wpt_081_a_rollback_takes_tracks_back() {
    let (mut bob, _) = offered("a=msid:s voice\r\n");
    let rollback = Description {
        kind: SdpType::Rollback,
        sdp: String::new(),
    };
    bob.set_remote_description(&rollback).unwrap();
    let told = std::iter::from_fn(|| bob.poll_event());
    let story: Vec<_> = told.filter_map(|event| word(&event)).collect();
    assert_eq!(story, ["stable", "ended 0", "0 leaves s"]);
}
