//! Sections 1.2 to 1.4, 1.13 and 1.14: the connection, its errors, its states and what
//! it says.

use std::collections::BTreeSet;
use std::time::Duration;

use pollrtc::PeerConnection;
use pollrtc::ice::{IceServer, ServerError, ServerUrl};
use pollrtc::peer::{
    BundlePolicy, ChannelConfig, ChannelState, Config, ConfigError, ConnectionState, Description,
    DescriptionError, Direction, Event, IceCandidate, IceConnectionState, IceGatheringState, Kind,
    MediaCapabilities, OpenError, SdpType, SignalingState, TransceiverInit,
};
use pollrtc::rng::Rng;
use pollrtc::{dtls, ice};

use super::support::{PC1, PC2, Pair, alone, interop, offer};

fn described(pc: &mut PeerConnection) -> Description {
    pc.set_local_description(None).unwrap();
    pc.local_description().unwrap()
}

fn lines_with<'a>(sdp: &'a str, start: &str) -> Vec<&'a str> {
    sdp.lines().filter(|line| line.starts_with(start)).collect()
}

/// Of each section, whether its port is 0.
fn rejected(sdp: &str) -> Vec<bool> {
    let lines = lines_with(sdp, "m=").into_iter();
    lines
        .map(|line| line.split(' ').nth(1) == Some("0"))
        .collect()
}

/// In aiortc three of these do not look.
#[test]
fn aiortc_1_2_after_close_everything_is_refused() {
    let mut pc = alone(Config::new());
    pc.close();
    let closed = Err(DescriptionError::InvalidState);
    assert_eq!(pc.add_track(Kind::Audio, "a", &[]), closed);
    let init = TransceiverInit::default();
    assert_eq!(pc.add_transceiver(Kind::Audio, init), closed);
    assert_eq!(pc.create_offer().map(|_| ()), closed.map(|_| ()));
    assert_eq!(pc.create_answer().map(|_| ()), closed.map(|_| ()));
    assert_eq!(pc.set_local_description(None), closed.map(|_| ()));
    let theirs = offer(&interop("chromium-156-dc-offer"));
    assert_eq!(pc.set_remote_description(&theirs), closed.map(|_| ()));
    let candidate = IceCandidate {
        candidate: "",
        sdp_mid: Some("0"),
        sdp_mline_index: None,
        username_fragment: None,
    };
    assert_eq!(pc.add_ice_candidate(candidate), closed.map(|_| ()));
    let channel = pc.create_data_channel("a", ChannelConfig::default());
    assert_eq!(channel, Err(OpenError::Closed));
    assert_eq!(pc.set_ice_servers(Vec::new()), Err(ServerError::Closed));
    // And once more changes nothing.
    pc.close();
    assert_eq!(pc.signaling_state(), SignalingState::Closed);
    assert_eq!(pc.connection_state(), ConnectionState::Closed);
}

#[test]
fn aiortc_1_2_an_answer_needs_an_offer() {
    let mut pc = alone(Config::new());
    let invalid = Err(DescriptionError::InvalidState);
    assert_eq!(pc.create_answer(), invalid);
    pc.create_data_channel("a", ChannelConfig::default())
        .unwrap();
    described(&mut pc);
    assert_eq!(pc.create_answer(), invalid, "in have-local-offer");
}

#[test]
fn aiortc_1_2_a_track_has_one_sender() {
    let mut pc = alone(Config::new());
    let id = pc.add_track(Kind::Audio, "voice", &[]).unwrap();
    let again = pc.add_track(Kind::Audio, "voice", &[]);
    assert!(matches!(again, Err(DescriptionError::InvalidAccess(_))));
    assert_eq!(pc.transceivers().count(), 1);
    pc.add_track(Kind::Audio, "music", &[]).unwrap();
    // Once it is sent no more it can be added again.
    pc.remove_track(id).unwrap();
    pc.add_track(Kind::Audio, "voice", &[]).unwrap();
}

/// aiortc's `ValueError`s about descriptions.
#[test]
fn aiortc_1_2_descriptions_that_lack_something_say_what() {
    let good = interop("chromium-156-dc-offer");
    let without = |start: &str| {
        let lines = good.split_inclusive("\r\n");
        lines
            .filter(|line| !line.starts_with(start))
            .collect::<String>()
    };
    for (sdp, word) in [
        (without("a=ice-ufrag"), "ICE"),
        (without("a=ice-pwd"), "ICE"),
        (without("a=fingerprint"), "fingerprint"),
        (good.replace("a=setup:actpass", "a=setup:holdconn"), "setup"),
    ] {
        let mut pc = alone(Config::new());
        let refused = pc.set_remote_description(&offer(&sdp));
        let refused = refused.and_then(|()| pc.create_answer().map(|_| ()));
        let Err(DescriptionError::InvalidAccess(reason)) = refused else {
            panic!("{word}: {refused:?}");
        };
        assert!(reason.contains(word), "{reason}");
    }
    // An answer has to decide who begins.
    let mut pair = Pair::new();
    pair.open("a", ChannelConfig::default());
    let ours = pair.call(PC1, described);
    pair.call(PC2, |pc| pc.set_remote_description(&ours))
        .unwrap();
    let mut answer = pair.call(PC2, described);
    answer.sdp = answer.sdp.replace("a=setup:active", "a=setup:actpass");
    let refused = pair.call(PC1, |pc| pc.set_remote_description(&answer));
    assert!(matches!(refused, Err(DescriptionError::InvalidAccess(_))));
    assert_eq!(
        pair.machine(PC1).signaling_state(),
        SignalingState::HaveLocalOffer,
        "nothing has changed"
    );
}

/// Without `rtcp-mux` a section of media cannot be had here (RFC 8858): it is rejected,
/// where aiortc refuses the whole description.
#[test]
fn aiortc_1_2_without_rtcp_mux_a_section_is_rejected() {
    let good = interop("chromium-156-av-dc-offer");
    let mut pc = alone(Config::new());
    let plain = good.replace("a=rtcp-mux\r\n", "");
    assert_ne!(plain, good);
    pc.set_remote_description(&offer(&plain)).unwrap();
    let answer = described(&mut pc).sdp;
    assert_eq!(rejected(&answer), [true, true, false], "{answer}");
}

#[test]
fn aiortc_1_3_a_new_connection_is_new() {
    let mut pc = alone(Config::new());
    assert_eq!(pc.connection_state().as_str(), "new");
    assert_eq!(pc.ice_connection_state(), IceConnectionState::New);
    assert_eq!(pc.ice_gathering_state(), IceGatheringState::New);
    assert_eq!(pc.signaling_state().as_str(), "stable");
    assert!(pc.local_description().is_none() && pc.remote_description().is_none());
    assert!(pc.transceivers().next().is_none() && pc.channels().next().is_none());
    assert_eq!(pc.poll_event(), None);
}

/// "allowed with no media at all".
#[test]
fn aiortc_1_3_an_offer_of_nothing_is_an_offer() {
    let mut pair = Pair::new();
    pair.exchange();
    for side in [PC1, PC2] {
        assert_eq!(pair.machine(side).signaling_state(), SignalingState::Stable);
        let sdp = pair.machine(side).local_description().unwrap().sdp;
        assert!(!sdp.contains("m="), "{sdp}");
    }
}

/// One section for each transceiver in the order they were made, then data; numbers as
/// names; one bundle; the profiles of today.
#[test]
fn aiortc_1_3_the_form_of_an_offer() {
    let mut pc = alone(Config::new());
    pc.create_data_channel("a", ChannelConfig::default())
        .unwrap();
    for (kind, track) in [(Kind::Video, "v"), (Kind::Audio, "a"), (Kind::Video, "w")] {
        pc.add_track(kind, track, &["s"]).unwrap();
    }
    let sdp = pc.create_offer().unwrap().sdp;
    let kinds: Vec<&str> = lines_with(&sdp, "m=")
        .iter()
        .map(|line| line.split(' ').next().unwrap())
        .collect();
    assert_eq!(kinds, ["m=video", "m=audio", "m=video", "m=application"]);
    assert_eq!(
        lines_with(&sdp, "a=mid:"),
        ["a=mid:0", "a=mid:1", "a=mid:2", "a=mid:3"]
    );
    // The second section of a kind is there for the bundle only, and named last.
    // Those of one stream are played together.
    assert_eq!(
        lines_with(&sdp, "a=group:"),
        ["a=group:BUNDLE 0 1 3 2", "a=group:LS 0 1 2"]
    );
    assert_eq!(sdp.matches(" UDP/TLS/RTP/SAVPF ").count(), 3);
    assert_eq!(sdp.matches(" UDP/DTLS/SCTP webrtc-datachannel").count(), 1);
    assert_eq!(lines_with(&sdp, "v="), ["v=0"]);
    assert_eq!(lines_with(&sdp, "s="), ["s=-"]);
    assert_eq!(lines_with(&sdp, "t="), ["t=0 0"]);
    assert!(lines_with(&sdp, "o=")[0].ends_with(" IN IP4 0.0.0.0"));
    // The SSRC of retransmissions goes with that of the pictures.
    let groups = lines_with(&sdp, "a=ssrc-group:FID ");
    assert_eq!(groups.len(), 2, "one for each video");
    for group in groups {
        for ssrc in group.split(' ').skip(1) {
            assert!(sdp.contains(&format!("a=ssrc:{ssrc} cname:")));
        }
    }
    let mut cnames: Vec<&str> = lines_with(&sdp, "a=ssrc:")
        .iter()
        .filter_map(|line| line.split_once(" cname:"))
        .map(|(_, cname)| cname)
        .collect();
    cnames.dedup();
    assert_eq!(cnames.len(), 1, "one clock has one name");
}

/// "direction = own AND offered".
#[test]
fn aiortc_1_3_an_answer_is_the_meet_of_both_directions() {
    use Direction::{Inactive, RecvOnly, SendOnly, SendRecv};
    let all = [SendRecv, SendOnly, RecvOnly, Inactive];
    for ours in all {
        for theirs in all {
            let mut pair = Pair::new();
            let id = pair.add(PC1, Kind::Audio, theirs);
            let said = pair.call(PC1, described);
            pair.call(PC2, |pc| pc.set_remote_description(&said))
                .unwrap();
            let mirror = pair.transceiver(PC2, Kind::Audio);
            pair.call(PC2, |pc| pc.set_direction(mirror, ours)).unwrap();
            let answer = pair.call(PC2, described);
            pair.call(PC1, |pc| pc.set_remote_description(&answer))
                .unwrap();
            let settled = pair.machine(PC2).transceiver(mirror).unwrap();
            let settled = settled.current_direction().unwrap();
            let sends = ours.sends() && theirs.receives();
            let receives = ours.receives() && theirs.sends();
            assert_eq!(
                (settled.sends(), settled.receives()),
                (sends, receives),
                "{ours:?} to {theirs:?}"
            );
            let at_home = pair.machine(PC1).transceiver(id).unwrap();
            let at_home = at_home.current_direction().unwrap();
            assert_eq!((at_home.sends(), at_home.receives()), (receives, sends));
        }
    }
}

/// A track takes the first transceiver of its kind that has sent nothing.
#[test]
fn aiortc_1_3_a_track_uses_a_transceiver_that_is_free() {
    let mut pc = alone(Config::new());
    let init = TransceiverInit {
        direction: Direction::RecvOnly,
        ..TransceiverInit::default()
    };
    let free = pc.add_transceiver(Kind::Video, init).unwrap();
    assert_ne!(pc.add_track(Kind::Audio, "sound", &[]).unwrap(), free);
    assert_eq!(pc.add_track(Kind::Video, "camera", &[]).unwrap(), free);
    let used = pc.transceiver(free).unwrap();
    assert_eq!(used.direction(), Direction::SendRecv, "now it sends, too");
    assert_eq!(used.track(), Some("camera"));
    assert_ne!(pc.add_track(Kind::Video, "screen", &[]).unwrap(), free);
}

/// The codecs of both, and the payload types of who offered.
#[test]
fn aiortc_1_3_codecs_are_matched_and_payload_types_adopted() {
    let aiortc = Config {
        media: MediaCapabilities::aiortc().into(),
        ..Config::new()
    };
    let mut pc = alone(aiortc);
    pc.set_remote_description(&offer(&interop("chromium-156-av-dc-offer")))
        .unwrap();
    let answer = described(&mut pc).sdp;
    let maps = lines_with(&answer, "a=rtpmap:");
    assert!(maps.contains(&"a=rtpmap:111 opus/48000/2"), "{maps:?}");
    assert!(maps.contains(&"a=rtpmap:96 VP8/90000"), "{maps:?}");
    assert!(answer.contains("a=fmtp:97 apt=96"), "RTX follows its codec");
    // Feedback that only one of them knows is not said.
    assert!(!answer.contains("transport-cc") && answer.contains("a=rtcp-fb:96 nack pli"));
    // H.264: the profile and the mode count, the level does not.
    let h264: Vec<_> = lines_with(&answer, "a=fmtp:")
        .into_iter()
        .filter(|line| line.contains("profile-level-id"))
        .collect();
    assert!(!h264.is_empty());
    assert!(
        h264.iter()
            .all(|line| line.contains("packetization-mode=1"))
    );
    let profile = |line: &str| line.contains("42e0") || line.contains("4200");
    assert!(h264.iter().all(|line| profile(line)), "{h264:?}");
    // Extensions: what both know, under the numbers of the offer.
    let theirs = interop("chromium-156-av-dc-offer");
    for line in lines_with(&answer, "a=extmap:") {
        assert!(theirs.contains(line), "{line}");
    }
    assert!(answer.contains("sdes:mid") && !answer.contains("video-orientation"));
}

#[test]
fn aiortc_1_3_roles_of_ice_and_dtls() {
    for (setup, role) in [
        ("actpass", dtls::Role::Client),
        ("active", dtls::Role::Server),
        ("passive", dtls::Role::Client),
    ] {
        let mut pc = alone(Config::new());
        let sdp =
            interop("chromium-156-dc-offer").replace("setup:actpass", &format!("setup:{setup}"));
        pc.set_remote_description(&offer(&sdp)).unwrap();
        described(&mut pc);
        assert_eq!(pc.dtls_role(), Some(role), "{setup}");
        assert_eq!(pc.ice_role(), ice::Role::Controlled, "who answers");
    }
    let mut pc = alone(Config::new());
    let lite = interop("chromium-156-dc-offer").replacen("a=msid", "a=ice-lite\r\na=msid", 1);
    assert!(lite.contains("a=ice-lite"));
    pc.set_remote_description(&offer(&lite)).unwrap();
    described(&mut pc);
    assert_eq!(pc.ice_role(), ice::Role::Controlling, "a lite peer cannot");
}

/// The states in their order, up to the end that the other side makes.
#[test]
fn aiortc_1_3_states_come_in_order_and_end_with_the_peers_end() {
    let mut pair = Pair::new();
    pair.open("a", ChannelConfig::default());
    pair.exchange();
    pair.wait();
    let states = |pair: &Pair, side: usize| {
        let told = pair.events[side].iter().filter_map(|event| match event {
            Event::ConnectionState(state) => Some(state.as_str()),
            _ => None,
        });
        told.collect::<Vec<_>>()
    };
    assert_eq!(states(&pair, PC1), ["connecting", "connected"]);
    assert_eq!(states(&pair, PC2), ["connecting", "connected"]);
    let gathering: Vec<_> = pair.events[PC1]
        .iter()
        .filter_map(|event| match event {
            Event::IceGatheringState(state) => Some(*state),
            _ => None,
        })
        .collect();
    assert_eq!(gathering.last(), Some(&IceGatheringState::Complete));
    let candidates = |event: &&Event| matches!(event, Event::IceCandidate(_));
    assert_eq!(pair.events[PC1].iter().filter(candidates).count(), 2);
    assert!(pair.was_told(PC1, &Event::NegotiationNeeded));

    pair.call(PC1, PeerConnection::close);
    pair.wait();
    assert_eq!(states(&pair, PC2).last(), Some(&"closed"));
    assert!(matches!(pair.events[PC2].last(), Some(Event::Closed(_))));
    assert_eq!(
        pair.machine(PC2).signaling_state(),
        SignalingState::Closed,
        "it closes itself"
    );
}

#[test]
fn aiortc_1_3_candidates_come_by_mid_or_by_number_and_end() {
    let mut pair = Pair::new();
    pair.open("a", ChannelConfig::default());
    pair.call(PC1, |pc| pc.set_local_description(None)).unwrap();
    let full = pair.machine(PC1).local_description().unwrap();
    let lines = full.sdp.split_inclusive("\r\n");
    let bare = offer(
        &lines
            .filter(|line| !line.starts_with("a=candidate") && !line.starts_with("a=end-of"))
            .collect::<String>(),
    );
    pair.call(PC2, |pc| pc.set_remote_description(&bare))
        .unwrap();
    let line = lines_with(&full.sdp, "a=candidate")[0].trim_start_matches("a=");
    let neither = IceCandidate {
        candidate: line,
        sdp_mid: None,
        sdp_mline_index: None,
        username_fragment: None,
    };
    let refused = pair.call(PC2, |pc| pc.add_ice_candidate(neither));
    assert!(matches!(refused, Err(DescriptionError::Type(_))));
    let by_mid = IceCandidate {
        sdp_mid: Some("0"),
        ..neither
    };
    let by_number = IceCandidate {
        sdp_mline_index: Some(0),
        ..neither
    };
    let end = IceCandidate {
        candidate: "",
        ..neither
    };
    for candidate in [by_mid, by_number, end] {
        pair.call(PC2, |pc| pc.add_ice_candidate(candidate))
            .unwrap();
    }
    let said = pair.machine(PC2).remote_description().unwrap().sdp;
    assert!(said.contains(line), "it belongs to the description now");
    assert_eq!(lines_with(&said, "a=end-of-candidates").len(), 1);
    let answer = pair.call(PC2, described);
    pair.call(PC1, |pc| pc.set_remote_description(&answer))
        .unwrap();
    pair.wait();
    assert_eq!(
        pair.machine(PC1).connection_state(),
        ConnectionState::Connected
    );
}

/// A description that was never set is not the peer's business, and a stale one is refused.
#[test]
fn aiortc_1_3_what_is_set_is_what_was_created() {
    let mut pc = alone(Config::new());
    pc.create_data_channel("a", ChannelConfig::default())
        .unwrap();
    let mut changed = pc.create_offer().unwrap();
    changed.sdp = changed.sdp.replace("a=mid:0", "a=mid:x");
    let refused = pc.set_local_description(Some(&changed));
    assert_eq!(refused, Err(DescriptionError::InvalidModification));
    assert_eq!(pc.signaling_state(), SignalingState::Stable);
    assert!(pc.local_description().is_none());
}

/// Servers with one or several URLs; what cannot be used is told when it is configured.
#[test]
fn aiortc_1_4_servers_are_checked_when_they_are_configured() {
    let url = |text: &str| text.parse::<ServerUrl>().unwrap();
    let mut config = Config::new();
    assert!(config.ice.servers.is_empty(), "none unless configured");
    config.ice.servers.push(IceServer {
        urls: vec![url("stun:a.example.org"), url("stun:b.example.org")],
        username: None,
        credential: None,
    });
    let login = IceServer::with_login(url("turn:c.example.org"), "me", "secret");
    config.ice.servers.push(login);
    PeerConnection::new(config.clone(), &mut Rng::from_number(1)).unwrap();

    config
        .ice
        .servers
        .push(IceServer::open(url("turn:c.example.org")));
    let refused = PeerConnection::new(config, &mut Rng::from_number(1));
    assert_eq!(
        refused.err(),
        Some(ConfigError::Server(ServerError::NoLogin))
    );
}

/// `RTCSessionDescription(sdp, type)` with its four types and no other.
#[test]
fn aiortc_1_14_a_description_has_one_of_four_types() {
    for kind in [
        SdpType::Offer,
        SdpType::Pranswer,
        SdpType::Answer,
        SdpType::Rollback,
    ] {
        assert_eq!(SdpType::from_word(kind.as_str()), Some(kind));
    }
    for word in ["", "Offer", "bye", "offer "] {
        assert_eq!(SdpType::from_word(word), None, "{word:?}");
    }
}

/// What aiortc ignores is read here: layers, `bundle-only`, `rtcp-rsize`, extensions in
/// both forms.
#[test]
fn aiortc_1_14_what_aiortc_ignores_is_understood() {
    let mut pc = alone(Config::new());
    pc.set_remote_description(&offer(&interop("chromium-156-simulcast-offer")))
        .unwrap();
    let answer = described(&mut pc).sdp;
    assert!(answer.contains("a=simulcast:recv "), "{answer}");
    assert!(answer.contains("a=rid:") && answer.contains("a=rtcp-rsize"));
    assert!(answer.contains("a=extmap-allow-mixed"));
    let mut pc = alone(Config::new());
    let bundled = interop("chromium-156-av-dc-offer")
        .lines()
        .map(|line| match line.split_once(' ') {
            Some(("m=video", rest)) => {
                let (_, rest) = rest.split_once(' ').unwrap();
                format!("m=video 0 {rest}\r\n")
            }
            _ if line == "a=mid:1" => "a=mid:1\r\na=bundle-only\r\n".to_string(),
            _ => format!("{line}\r\n"),
        })
        .collect::<String>();
    assert!(bundled.contains("m=video 0 ") && bundled.contains("a=bundle-only"));
    pc.set_remote_description(&offer(&bundled)).unwrap();
    let answer = described(&mut pc).sdp;
    assert_eq!(rejected(&answer), [false, false, false]);
}

/// A transceiver from its making to its end.
#[test]
fn aiortc_1_13_the_life_of_a_transceiver() {
    let mut pair = Pair::new();
    let id = pair.add(PC1, Kind::Audio, Direction::SendOnly);
    let one = pair.machine(PC1).transceiver(id).unwrap();
    assert_eq!((one.mid(), one.current_direction()), (None, None));
    assert_eq!(one.kind(), Kind::Audio);
    assert!(!one.is_stopped());
    pair.exchange();
    let one = pair.machine(PC1).transceiver(id).unwrap();
    assert_eq!(one.mid(), Some("0"));
    assert_eq!(one.current_direction(), Some(Direction::SendOnly));
    pair.call(PC1, |pc| pc.set_direction(id, Direction::Inactive))
        .unwrap();
    let one = pair.machine(PC1).transceiver(id).unwrap();
    assert_eq!(one.direction(), Direction::Inactive);
    assert_eq!(
        one.current_direction(),
        Some(Direction::SendOnly),
        "until the next exchange"
    );
    pair.call(PC1, |pc| pc.stop_transceiver(id)).unwrap();
    assert!(pair.machine(PC1).transceiver(id).unwrap().is_stopping());
    pair.exchange();
    pair.run(Duration::from_secs(1));
    assert!(pair.machine(PC1).transceivers().next().is_none());
    assert!(pair.machine(PC2).transceivers().next().is_none());
}

/// Preferences: in the capabilities, each once, RTX only if it is listed, none for all.
#[test]
fn aiortc_1_13_preferences_of_codecs() {
    let mut pc = alone(Config::new());
    let id = pc.add_track(Kind::Video, "t", &[]).unwrap();
    let all = pc.capabilities(Kind::Video).codecs.clone();
    let named = |name: &str| all.iter().find(|one| one.name == name).unwrap().clone();
    let maps = |pc: &mut PeerConnection| {
        let sdp = pc.create_offer().unwrap().sdp;
        let maps = lines_with(&sdp, "a=rtpmap:").into_iter();
        maps.map(|line| line.split_once(' ').unwrap().1.to_string())
            .collect::<Vec<_>>()
    };
    let before = maps(&mut pc);
    let twice = vec![named("VP9"), named("VP8"), named("VP9")];
    pc.set_codec_preferences(id, twice).unwrap();
    assert_eq!(maps(&mut pc), ["VP9/90000", "VP8/90000"]);
    pc.set_codec_preferences(id, vec![named("VP8"), named("rtx")])
        .unwrap();
    assert_eq!(maps(&mut pc), ["VP8/90000", "rtx/90000"]);
    pc.set_codec_preferences(id, Vec::new()).unwrap();
    assert_eq!(maps(&mut pc), before);
    let foreign = pc.capabilities(Kind::Audio).codecs.clone();
    let refused = pc.set_codec_preferences(id, foreign);
    assert_eq!(refused, Err(DescriptionError::InvalidModification));
}

#[test]
fn aiortc_1_3_sctp_is_there_once_both_want_channels() {
    let mut pair = Pair::new();
    pair.open("a", ChannelConfig::default());
    assert!(pair.machine(PC1).sctp().is_none(), "not yet agreed on");
    pair.exchange();
    let early = pair.machine(PC1).sctp().unwrap();
    assert_eq!(early.state.as_str(), "connecting");
    assert_eq!(early.max_channels, None, "none before it is connected");
    pair.wait();
    for side in [PC1, PC2] {
        let sctp = pair.machine(side).sctp().unwrap();
        assert_eq!(sctp.state.as_str(), "connected");
        assert_eq!(sctp.max_message_size, 262_144);
        assert!(sctp.max_channels.is_some_and(|count| count >= 1000));
    }
    pair.call(PC1, PeerConnection::close);
    pair.wait();
    for side in [PC1, PC2] {
        let sctp = pair.machine(side).sctp().unwrap();
        assert_eq!(sctp.state.as_str(), "closed");
    }
}

/// What is pending counts before what is current; aiortc tells only which counts.
#[test]
fn aiortc_1_3_pending_and_current_descriptions() {
    let mut pair = Pair::new();
    pair.open("a", ChannelConfig::default());
    let ours = pair.call(PC1, described);
    let pc1 = pair.machine(PC1);
    assert_eq!(pc1.pending_local_description(), Some(ours.clone()));
    assert_eq!(pc1.current_local_description(), None);
    pair.call(PC2, |pc| pc.set_remote_description(&ours))
        .unwrap();
    let answer = pair.call(PC2, described);
    pair.call(PC1, |pc| pc.set_remote_description(&answer))
        .unwrap();
    let pc1 = pair.machine(PC1);
    assert_eq!(pc1.pending_local_description(), None);
    assert_eq!(pc1.current_local_description().unwrap().sdp, ours.sdp);
    assert_eq!(pc1.current_remote_description().unwrap().sdp, answer.sdp);
    let next = pair.call(PC1, described);
    let pc1 = pair.machine(PC1);
    assert_eq!(pc1.local_description(), Some(next));
    assert!(pc1.current_local_description().is_some());
}

/// aiortc has neither member: what was configured can be asked, and servers change.
#[test]
fn aiortc_1_4_a_configuration_is_asked_and_changed() {
    let mut pc = alone(Config::new());
    let mut wanted = pc.configuration();
    assert!(wanted.ice_servers.is_empty());
    let url: ServerUrl = "stun:stun.example.org".parse().unwrap();
    wanted.ice_servers.push(IceServer::open(url));
    pc.set_configuration(wanted.clone()).unwrap();
    let login = IceServer::open("turn:turn.example.org".parse().unwrap());
    wanted.ice_servers.push(login);
    let refused = pc.set_configuration(wanted).unwrap_err();
    assert_eq!(refused.name(), "InvalidAccessError");
    pc.create_data_channel("a", ChannelConfig::default())
        .unwrap();
    pc.set_local_description(None).unwrap();
    let told: Vec<Event> = std::iter::from_fn(|| pc.poll_event()).collect();
    let name = "stun.example.org".to_string();
    assert!(told.contains(&Event::Resolve(name)), "{told:?}");
}

/// How many transports an offer of two sounds, pictures and data proposes.
#[test]
fn aiortc_1_4_bundle_policies() {
    for (bundle_policy, transports) in [
        (BundlePolicy::Balanced, 3),
        (BundlePolicy::MaxCompat, 4),
        (BundlePolicy::MaxBundle, 1),
    ] {
        let config = Config {
            bundle_policy,
            ..Config::new()
        };
        let mut pair = Pair::with(config, Config::new());
        assert_eq!(
            pair.machine(PC1).configuration().bundle_policy,
            bundle_policy
        );
        for (kind, track) in [
            (Kind::Audio, "voice"),
            (Kind::Audio, "music"),
            (Kind::Video, "face"),
        ] {
            pair.call(PC1, |pc| pc.add_track(kind, track, &[])).unwrap();
        }
        let channel = pair.open("a", ChannelConfig::default());
        let ours = pair.call(PC1, described).sdp;
        let alone = ours.split("\r\nm=").skip(1);
        let alone = alone.filter(|section| !section.contains("a=bundle-only"));
        let ufrags: BTreeSet<&str> = alone
            .flat_map(|section| lines_with(section, "a=ice-ufrag:"))
            .collect();
        assert_eq!(ufrags.len(), transports, "{bundle_policy:?}");
        // Whatever was offered: a peer that bundles leaves one.
        pair.exchange();
        pair.wait();
        assert!(pair.was_told(PC1, &Event::ChannelState(channel, ChannelState::Open)));
        let answer = pair.machine(PC1).remote_description().unwrap().sdp;
        let ufrags: BTreeSet<&str> = lines_with(&answer, "a=ice-ufrag:").into_iter().collect();
        assert_eq!(ufrags.len(), 1);
    }
}
