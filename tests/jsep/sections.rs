//! What sections share and must not share: names, numbers, streams, ports.

use pollrtc::jsep::{BundlePolicy, DescriptionError, Kind, SdpType, TransceiverInit};

use super::support::{Peer, negotiate};

/// Sound and pictures, each of a stream.
fn with_streams(name: &str, streams: [&str; 2]) -> Peer {
    let mut peer = Peer::with_media(name);
    for (kind, stream) in [Kind::Audio, Kind::Video].into_iter().zip(streams) {
        let track = format!("{kind}");
        peer.session.add_track(kind, &track, &[stream]).unwrap();
    }
    peer
}

/// What is said of sections that are played together.
fn synced(peer: &mut Peer) -> Vec<String> {
    let sdp = peer.local().unwrap().sdp;
    let lines = sdp.lines().filter_map(|line| line.strip_prefix("a=group:"));
    let groups = lines.filter_map(|group| group.strip_prefix("LS "));
    groups.map(ToString::to_string).collect()
}

/// RFC 9429 §5.2.1: the tracks of a stream are a group.
#[test]
fn tracks_of_a_stream_are_played_together() {
    let mut alice = with_streams("alice", ["me", "me"]);
    alice
        .session
        .add_track(Kind::Audio, "music", &["music"])
        .unwrap();
    alice.set_implicit().unwrap();
    assert_eq!(synced(&mut alice), ["0 1"]);
    let mut apart = with_streams("alice", ["me", "desk"]);
    apart.set_implicit().unwrap();
    assert!(synced(&mut apart).is_empty());
}

/// RFC 9429 §5.3.1: an answer keeps a group unless its own streams are others.
#[test]
fn answers_keep_what_is_played_together() {
    let answers = [
        (with_streams("bobby", ["you", "you"]), &["0 1"][..]),
        (with_streams("bobby", ["you", "desk"]), &[]),
        (Peer::with_media("bobby"), &["0 1"]),
    ];
    for (mut bob, expected) in answers {
        let mut alice = with_streams("alice", ["me", "me"]);
        negotiate(&mut alice, &mut bob);
        assert_eq!(synced(&mut bob), expected);
    }
    // What was not offered is not answered.
    let mut alice = with_streams("alice", ["me", "desk"]);
    let mut bob = with_streams("bobby", ["you", "you"]);
    negotiate(&mut alice, &mut bob);
    assert!(synced(&mut bob).is_empty());
}

/// RFC 9429 §5.2.2: a group that was agreed on goes on while two of its sections do.
#[test]
fn groups_go_on_until_their_sections_end() {
    let mut alice = with_streams("alice", ["me", "me"]);
    let mut bob = Peer::with_media("bobby");
    negotiate(&mut alice, &mut bob);
    // He has no streams, and says what she has said.
    negotiate(&mut bob, &mut alice);
    assert_eq!(synced(&mut bob), ["0 1"]);
    let picture = alice.session.transceivers().nth(1).unwrap().id();
    alice.session.stop_transceiver(picture).unwrap();
    negotiate(&mut alice, &mut bob);
    assert!(synced(&mut alice).is_empty());
    // What moves in is nobody's.
    let added = bob
        .session
        .add_transceiver(Kind::Video, TransceiverInit::default());
    added.unwrap();
    negotiate(&mut bob, &mut alice);
    assert!(synced(&mut bob).is_empty());
}

/// RFC 9429 §5.2.1 and §5.2.2, RFC 8858 §4.3: said once, by who offers, of each section
/// that could have another port.
#[test]
fn rtcp_has_no_port_of_its_own() {
    const LINE: &str = "a=rtcp-mux-only\r\n";
    for (policy, expected) in [
        (BundlePolicy::MaxCompat, 3),
        (BundlePolicy::Balanced, 2),
        (BundlePolicy::MaxBundle, 1),
    ] {
        let mut alice = Peer::with_policy("alice", policy);
        let mut bob = Peer::with_policy("bobby", policy);
        for (kind, track) in [
            (Kind::Audio, "one"),
            (Kind::Audio, "two"),
            (Kind::Video, "three"),
        ] {
            alice.session.add_track(kind, track, &[]).unwrap();
        }
        alice.session.want_data_channels();
        let offer = alice.offer().unwrap();
        assert_eq!(offer.matches(LINE).count(), expected, "{policy:?}");
        negotiate(&mut alice, &mut bob);
        let answer = bob.local().unwrap().sdp;
        assert!(!answer.contains(LINE) && answer.contains("a=rtcp-mux\r\n"));
        alice.session.add_track(Kind::Audio, "four", &[]).unwrap();
        let later = alice.offer().unwrap();
        assert!(!later.contains(LINE), "{policy:?}: it is bundled");
    }
}

/// RFC 9429 §5.2.1: names are counted up. Who had one may have packets on the way.
#[test]
fn names_of_sections_do_not_come_back() {
    let mut alice = Peer::with_media("alice");
    let mut bob = Peer::with_media("bobby");
    let stays = TransceiverInit::default();
    alice.session.add_transceiver(Kind::Audio, stays).unwrap();
    let mut names = Vec::new();
    for _ in 0..5 {
        let added = alice
            .session
            .add_transceiver(Kind::Video, TransceiverInit::default());
        let id = added.unwrap();
        negotiate(&mut alice, &mut bob);
        let one = alice.session.transceiver(id).unwrap();
        names.push(one.mid().unwrap().to_string());
        alice.session.stop_transceiver(id).unwrap();
        negotiate(&mut alice, &mut bob);
    }
    assert_eq!(names, ["1", "2", "3", "4", "5"]);
}

/// RFC 9143 §9.1.1: on two transports a number may mean two things, until they become one.
#[test]
fn numbers_of_two_transports_are_told_apart() {
    let mut alice = Peer::with_policy("alice", BundlePolicy::MaxCompat);
    for kind in [Kind::Audio, Kind::Video] {
        alice
            .session
            .add_transceiver(kind, TransceiverInit::default())
            .unwrap();
    }
    let apart = alice.offer().unwrap();
    let apart = apart.replace("a=group:BUNDLE", "a=group:FID");
    let apart = apart.replace("a=rtpmap:96 VP8", "a=rtpmap:111 VP8");
    let apart = apart
        .replace(" 96 97", " 111 97")
        .replace("apt=96", "apt=111");
    let mut bob = Peer::with_policy("bobby", BundlePolicy::MaxCompat);
    bob.set_remote(SdpType::Offer, &apart).unwrap();
    bob.set_implicit().unwrap();
    let answer = bob.local().unwrap().sdp;
    assert!(answer.contains("a=rtpmap:111 opus/") && answer.contains("a=rtpmap:111 VP8/"));
    let bundled = bob.offer().unwrap();
    assert!(bundled.contains("a=group:BUNDLE 0 1\r\n"), "{bundled}");
    assert!(bundled.contains("a=rtpmap:111 opus/") && !bundled.contains("a=rtpmap:111 VP8/"));
    let mut carol = Peer::with_media("carol");
    carol.set_remote(SdpType::Offer, &bundled).unwrap();
}

/// RFC 9143 §9.1.1 and §12: in one group a number means one thing; and where it does
/// not, nothing has changed.
#[test]
fn numbers_with_two_meanings_are_refused() {
    let changes = [
        ("a=rtpmap:96 VP8", "a=rtpmap:111 VP8"),
        ("a=extmap:5 urn:3gpp:video-orientation", "a=extmap:1 urn:x"),
    ];
    let reasons = [
        "payload type of two codecs on one transport",
        "number of two header extensions on one transport",
    ];
    for ((from, to), reason) in changes.into_iter().zip(reasons) {
        let clash = |sdp: &str| {
            let sdp = sdp.replacen(from, to, 1).replace(" 96 97", " 111 97");
            assert!(sdp.contains(to), "{sdp}");
            sdp.replace("a=fmtp:97 apt=96", "a=fmtp:97 apt=111")
        };
        let expected = DescriptionError::InvalidAccess(reason);
        let mut alice = with_streams("alice", ["me", "me"]);
        let mut bob = Peer::with_media("bobby");
        let offer = alice.offer().unwrap();
        let before = bob.clone();
        let refused = bob.set_remote(SdpType::Offer, &clash(&offer));
        assert_eq!(refused.err(), Some(expected));
        assert!(bob == before);
        // An answer is refused, too.
        alice.set_local(SdpType::Offer, &offer).unwrap();
        bob.set_remote(SdpType::Offer, &offer).unwrap();
        let answer = bob.answer().unwrap();
        let before = alice.clone();
        let refused = alice.set_remote(SdpType::Answer, &clash(&answer));
        assert_eq!(refused.err(), Some(expected));
        assert!(alice == before);
        alice.set_remote(SdpType::Answer, &answer).unwrap();
    }
}
