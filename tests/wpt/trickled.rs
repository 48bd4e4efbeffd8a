//! Candidates of the peer: for which section, of which generation, and the end of them.

use pollrtc::PeerConnection;
use pollrtc::peer::{
    BundlePolicy, ChannelConfig, Config, Description, DescriptionError, IceCandidate, Kind,
    SdpType, TransceiverInit,
};

use super::support::{alone, alone_with, describe, exchange, of_kind, rollback, with_channel};

const LINE: &str = "candidate:1 1 udp 2130706431 192.0.2.77 7 typ host";

const END: &str = "a=end-of-candidates";

/// One that was offered sound, pictures and channels, on one transport, without a
/// candidate.
fn offered() -> (PeerConnection, PeerConnection) {
    let config = Config {
        bundle_policy: BundlePolicy::MaxBundle,
        ..Config::new()
    };
    let (mut alice, mut bob) = (alone_with(config), alone());
    alice
        .create_data_channel("x", ChannelConfig::default())
        .unwrap();
    for kind in [Kind::Audio, Kind::Video] {
        alice
            .add_transceiver(kind, TransceiverInit::default())
            .unwrap();
    }
    let offer = bare(&describe(&mut alice));
    bob.set_remote_description(&offer).unwrap();
    (alice, bob)
}

fn bare(description: &Description) -> Description {
    let lines = description.sdp.split_inclusive("\r\n");
    let kept = lines.filter(|line| !line.contains("candidate"));
    of_kind(description.kind, &kept.collect::<String>())
}

fn ufrag(peer: &PeerConnection) -> String {
    let sdp = peer.local_description().unwrap().sdp;
    let line = sdp.lines().find(|line| line.starts_with("a=ice-ufrag:"));
    line.unwrap()["a=ice-ufrag:".len()..].to_string()
}

/// In which sections of the peer's description a line is.
fn places(peer: &PeerConnection, line: &str) -> Vec<usize> {
    let sdp = peer.remote_description().unwrap().sdp;
    let sections = sdp.split("\r\nm=").skip(1).enumerate();
    let has = |section: &str| section.lines().any(|other| other == line);
    sections
        .filter(|(_, section)| has(section))
        .map(|(index, _)| index)
        .collect()
}

fn candidate<'a>(line: &'a str, mid: Option<&'a str>, index: Option<u16>) -> IceCandidate<'a> {
    IceCandidate {
        candidate: line,
        sdp_mid: mid,
        sdp_mline_index: index,
        username_fragment: None,
    }
}

#[test]
fn wpt_002_003_004_005_a_candidate_is_for_a_section() {
    let mut early = with_channel();
    let refused = early.add_ice_candidate(candidate(LINE, Some("0"), Some(0)));
    assert_eq!(refused, Err(DescriptionError::InvalidState));
    for (mid, index) in [
        (Some("1"), None),
        (None, Some(1)),
        (Some("1"), Some(1)),
        // The name counts.
        (Some("1"), Some(0)),
        (Some("1"), Some(999)),
    ] {
        let (_, mut bob) = offered();
        bob.add_ice_candidate(candidate(LINE, mid, index)).unwrap();
        assert_eq!(places(&bob, &format!("a={LINE}")), [1], "{mid:?} {index:?}");
    }
    let (_, mut bob) = offered();
    let before = bob.remote_description();
    let refused = bob.add_ice_candidate(candidate(LINE, None, None));
    assert!(matches!(refused, Err(DescriptionError::Type(_))));
    for (mid, index) in [(Some("x"), Some(0)), (None, Some(3))] {
        let refused = bob.add_ice_candidate(candidate(LINE, mid, index));
        assert!(matches!(refused, Err(DescriptionError::Operation(_))));
    }
    assert_eq!(bob.remote_description(), before);
}

/// By its name, its number or its user fragment; or of all.
#[test]
fn wpt_006_the_end_of_candidates() {
    let end = |mid, index, ufrag: Option<&str>| {
        let (_, mut bob) = offered();
        bob.add_ice_candidate(IceCandidate {
            username_fragment: ufrag,
            ..candidate("", mid, index)
        })
        .unwrap();
        places(&bob, END)
    };
    assert_eq!(end(Some("1"), None, None), [1]);
    assert_eq!(end(None, Some(2), None), [2]);
    assert_eq!(end(Some("0"), Some(2), None), [0]);
    assert_eq!(end(None, None, None), [0, 1, 2]);
    let (alice, mut bob) = offered();
    let whole = IceCandidate {
        username_fragment: Some(&ufrag(&alice)),
        ..candidate("", Some("2"), None)
    };
    bob.add_ice_candidate(whole).unwrap();
    assert_eq!(places(&bob, END), [2]);
}

#[test]
fn wpt_007_and_008_what_fits_nothing_changes_nothing() {
    let (alice, mut bob) = offered();
    let before = bob.remote_description();
    let of_ufrag = |ufrag| IceCandidate {
        username_fragment: Some(ufrag),
        ..candidate(LINE, Some("1"), None)
    };
    let refused = bob.add_ice_candidate(of_ufrag("nobody"));
    assert!(matches!(refused, Err(DescriptionError::Operation(_))));
    for line in [
        "candidate",
        "(no) candidate",
        "candidate:1 1 udp x 1.1.1.1 9 typ host",
    ] {
        let refused = bob.add_ice_candidate(candidate(line, Some("1"), None));
        assert!(
            matches!(refused, Err(DescriptionError::Operation(_))),
            "{line}"
        );
    }
    assert_eq!(bob.remote_description(), before);
    bob.add_ice_candidate(of_ufrag(&ufrag(&alice))).unwrap();
    assert_eq!(places(&bob, &format!("a={LINE}")), [1]);
}

/// What is for the generation in use is for the description that was agreed on, what is
/// for the next one is for the one that waits; a rollback takes only the latter back.
#[test]
fn wpt_009_two_generations_at_once() {
    let (mut alice, mut bob) = (with_channel(), alone());
    exchange(&mut alice, &mut bob);
    let old = ufrag(&alice);
    alice.restart_ice();
    let offer = bare(&describe(&mut alice));
    let new = ufrag(&alice);
    assert_ne!(old, new);
    bob.set_remote_description(&offer).unwrap();
    let other = LINE.replace(".77", ".78");
    for (line, ufrag) in [(LINE, &old), (&other, &new)] {
        bob.add_ice_candidate(IceCandidate {
            username_fragment: Some(ufrag),
            ..candidate(line, Some("0"), None)
        })
        .unwrap();
    }
    let says =
        |description: Option<Description>, line: &str| description.unwrap().sdp.contains(line);
    let pending = bob.pending_remote_description();
    assert!(says(pending.clone(), &other) && !says(pending, LINE));
    let current = bob.current_remote_description();
    assert!(says(current.clone(), LINE) && !says(current, &other));
    bob.set_remote_description(&rollback()).unwrap();
    assert!(says(bob.remote_description(), LINE));
    assert!(!says(bob.remote_description(), &other));
}

/// Who has a section, who gets one, and who loses it.
#[test]
fn wpt_064_descriptions_and_transceivers() {
    let (mut alice, mut bob) = (alone(), alone());
    let sound = alice
        .add_transceiver(Kind::Audio, TransceiverInit::default())
        .unwrap();
    let pictures = alice
        .add_transceiver(Kind::Video, TransceiverInit::default())
        .unwrap();
    let mid = |peer: &PeerConnection, id| peer.transceiver(id).unwrap().mid().map(str::to_string);
    let offer = alice.create_offer().unwrap();
    assert_eq!(mid(&alice, sound), None, "not before it is set");
    alice.set_local_description(Some(&offer)).unwrap();
    let mids = [mid(&alice, sound), mid(&alice, pictures)];
    assert!(mids[0].is_some() && mids[0] != mids[1]);
    bob.set_remote_description(&offer).unwrap();
    let theirs: Vec<_> = bob
        .transceivers()
        .map(|one| (one.kind(), one.direction(), one.mid().map(str::to_string)))
        .collect();
    let receiving = pollrtc::peer::Direction::RecvOnly;
    let [first, second] = mids;
    assert_eq!(
        theirs,
        [
            (Kind::Audio, receiving, first),
            (Kind::Video, receiving, second)
        ]
    );
    // A rejected section ends the transceiver on both sides.
    let gone = bob.transceivers().nth(1).unwrap().id();
    bob.stop_transceiver(gone).unwrap();
    let answer = describe(&mut bob);
    assert_eq!(answer.kind, SdpType::Answer);
    assert!(answer.sdp.contains("m=video 0 "));
    alice.set_remote_description(&answer).unwrap();
    for (peer, id) in [(&alice, pictures), (&bob, gone)] {
        assert_eq!(peer.transceivers().count(), 1);
        assert!(peer.transceiver(id).is_none_or(|one| one.is_stopped()));
    }
}
