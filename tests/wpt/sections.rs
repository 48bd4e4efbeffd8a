//! What offers and answers say, and what is refused or taken of the peer's.

use std::collections::BTreeMap;

use pollrtc::PeerConnection;
use pollrtc::peer::{
    Codec, Config, Description, DescriptionError, Direction, EncodingParameters, Kind,
    MediaCapabilities, SdpType, Transceiver, TransceiverInit,
};
use pollrtc::wire::sdp;

use super::support::{alone, alone_with, describe, exchange, of_kind, with_channel};

/// An offer of sound and pictures, with one stream.
fn offer() -> Description {
    let mut peer = alone();
    peer.add_track(Kind::Audio, "voice", &["me"]).unwrap();
    peer.add_track(Kind::Video, "face", &["me"]).unwrap();
    describe(&mut peer)
}

/// An offer without some of its lines.
fn without(offer: &Description, unwanted: impl Fn(&str) -> bool) -> Description {
    let lines = offer.sdp.split_inclusive("\r\n");
    let sdp: String = lines.filter(|line| !unwanted(line.trim_end())).collect();
    of_kind(offer.kind, &sdp)
}

fn replaced(offer: &Description, old: &str, new: &str) -> Description {
    assert!(offer.sdp.contains(old), "{old} is not in {}", offer.sdp);
    of_kind(offer.kind, &offer.sdp.replace(old, new))
}

/// The streams of each track, as the peer takes them.
fn streams(offer: &Description) -> Vec<Vec<String>> {
    let mut peer = alone();
    peer.set_remote_description(offer).unwrap();
    let of = |one: &Transceiver| {
        let streams = one.remote().unwrap().streams.iter();
        streams.map(|stream| stream.stream.clone()).collect()
    };
    peer.transceivers().map(of).collect()
}

/// The payload types and what they mean, for each section.
fn formats(sdp: &str) -> Vec<BTreeMap<u8, String>> {
    let description = sdp::Description::parse(sdp).unwrap();
    let of = |media: &sdp::Media<'_>| {
        let maps = media.rtpmaps();
        maps.map(|map| (map.payload, map.encoding.to_string()))
            .collect()
    };
    description.media.iter().map(of).collect()
}

fn names(sdp: &str, section: usize) -> Vec<String> {
    formats(sdp)[section].values().cloned().collect()
}

fn answer_to(peer: &mut PeerConnection, offer: &Description) -> Description {
    peer.set_remote_description(offer).unwrap();
    describe(peer)
}

/// Streams are not tracks: many in one section are still one transceiver.
#[test]
fn wpt_056_plan_b_means_nothing() {
    let lines: String = (1..=3)
        .flat_map(|ssrc| {
            [
                format!("a=ssrc:{ssrc} cname:c\r\n"),
                format!("a=ssrc:{ssrc} msid:stream{ssrc} track{ssrc}\r\n"),
            ]
        })
        .collect();
    let offer = without(&offer(), |line| line.starts_with("a=ssrc"));
    let offer = of_kind(SdpType::Offer, &format!("{}{lines}", offer.sdp));
    let mut peer = alone();
    let answer = answer_to(&mut peer, &offer);
    assert_eq!(peer.transceivers().count(), 2);
    assert_eq!(answer.sdp.matches("\r\nm=").count(), 2);
}

#[test]
fn wpt_074_and_144_streams_by_msid() {
    let offer = offer();
    assert_eq!(streams(&offer), [["me"], ["me"]]);
    // None: one all the same, and the same for both.
    let silent = without(&offer, |line| line.contains("msid"));
    let default = streams(&silent);
    assert_eq!((default[0].len(), &default[0]), (1, &default[1]));
    assert_ne!(default[0][0], "-");
    // A dash: no stream.
    let dash = replaced(&offer, "a=msid:me voice", "a=msid:- voice");
    assert_eq!(streams(&dash), [["-"], ["me"]]);
    let named = replaced(&offer, "a=msid:me voice", "a=msid:foo bar");
    assert_eq!(streams(&named)[0], ["foo"]);
    let two = replaced(
        &offer,
        "a=msid:me voice",
        "a=msid:foo bar\r\na=msid:baz bar",
    );
    assert_eq!(streams(&two)[0], ["foo", "baz"]);
    let twice = replaced(
        &offer,
        "a=msid:me voice",
        "a=msid:foo bar\r\na=msid:foo bar",
    );
    assert_eq!(streams(&twice)[0], ["foo"]);
    // What sources say counts only where the section says nothing.
    let sources = "a=ssrc:9 cname:c\r\na=ssrc:9 msid:old track";
    let both = replaced(
        &offer,
        "a=msid:me voice",
        &format!("a=msid:foo bar\r\n{sources}"),
    );
    assert_eq!(streams(&both)[0], ["foo"]);
    let old = replaced(&offer, "a=msid:me voice", sources);
    assert_eq!(streams(&old)[0], ["old"]);
}

/// RFC 8829 §5.2.1: what is said of our streams.
#[test]
fn wpt_175_msid_of_our_tracks() {
    let msids = |peer: &mut PeerConnection| -> Vec<String> {
        let offer = peer.create_offer().unwrap();
        let lines = offer.sdp.lines();
        lines
            .filter_map(|line| line.strip_prefix("a=msid:").map(str::to_string))
            .collect()
    };
    let mut peer = with_channel();
    assert!(msids(&mut peer).is_empty());
    peer.add_track(Kind::Audio, "a", &[]).unwrap();
    assert_eq!(msids(&mut peer), ["- a"]);
    peer.add_track(Kind::Audio, "b", &["one", "two"]).unwrap();
    peer.add_track(Kind::Video, "c", &["one", "one"]).unwrap();
    assert_eq!(msids(&mut peer), ["- a", "one b", "two b", "one c"]);
    let init = TransceiverInit {
        direction: Direction::RecvOnly,
        ..TransceiverInit::default()
    };
    peer.add_transceiver(Kind::Video, init).unwrap();
    assert_eq!(msids(&mut peer).len(), 4, "nothing is sent there");
}

#[test]
fn wpt_141_ice_words_with_other_characters() {
    let offer = offer();
    let of = |name: &str| {
        let mut lines = offer.sdp.lines();
        lines.find(|line| line.starts_with(name)).unwrap()
    };
    for line in [of("a=ice-ufrag:"), of("a=ice-pwd:")] {
        for bad in ["-", "=", "_", "\u{e4}"] {
            let text = offer.sdp.replace(line, &format!("{line}{bad}"));
            let mut peer = alone();
            let refused = peer.set_remote_description(&of_kind(SdpType::Offer, &text));
            assert!(refused.is_err(), "{line}{bad}");
            assert_eq!(peer.remote_description(), None);
        }
    }
}

/// RFC 5761 §4: what RTCP looks like on a shared port is never a payload type.
#[test]
fn wpt_145_payload_types_of_ours() {
    // More codecs than 96 to 127 have room for, all of which want numbers of others.
    let mut media = MediaCapabilities::browser();
    let model = media.video.codecs[0].clone();
    for number in 0..50_u8 {
        media.video.codecs.push(Codec {
            payload: 20,
            name: format!("X{number}"),
            ..model.clone()
        });
    }
    let mut peer = alone_with(Config {
        media: media.into(),
        ..Config::new()
    });
    for kind in [Kind::Audio, Kind::Video] {
        peer.add_track(kind, "t", &[]).unwrap();
    }
    let sdp = peer.create_offer().unwrap().sdp;
    let mut seen = BTreeMap::new();
    for (payload, name) in formats(&sdp).into_iter().flatten() {
        let is_static = payload < 35;
        assert!(
            is_static || matches!(payload, 35..=63 | 96..=127),
            "{payload} {name}"
        );
        let before = seen.insert(payload, name.clone());
        assert!(before.is_none(), "{payload} is {name} and {before:?}");
    }
    assert!(seen.len() > 50, "{}", seen.len());
}

#[test]
fn wpt_146_payload_types_of_the_peer() {
    let offer = offer();
    let with = |payload: u8| {
        let sdp = offer.sdp.replace(" 111 ", &format!(" {payload} "));
        let sdp = sdp.replace(":111 ", &format!(":{payload} "));
        of_kind(SdpType::Offer, &sdp)
    };
    for payload in [35, 63, 97, 111, 127] {
        // 97 means something else in the other section, which is another matter.
        if payload != 97 {
            let mut peer = alone();
            let answer = answer_to(&mut peer, &with(payload));
            assert_eq!(formats(&answer.sdp)[0][&payload], "opus");
        }
    }
    for payload in [64, 72, 80, 95] {
        let mut peer = alone();
        let refused = peer.set_remote_description(&with(payload));
        assert!(
            matches!(refused, Err(DescriptionError::InvalidAccess(_))),
            "{payload}"
        );
        assert_eq!(peer.remote_description(), None);
    }
}

/// RFC 8829 §5.2.1: packets are told apart by the name of their section and layer.
#[test]
fn wpt_149_extensions_that_name_packets() {
    let mut peer = alone();
    peer.add_track(Kind::Audio, "voice", &[]).unwrap();
    let init = TransceiverInit {
        encodings: vec![
            EncodingParameters::named("h"),
            EncodingParameters::named("l"),
        ],
        ..TransceiverInit::default()
    };
    peer.add_transceiver(Kind::Video, init).unwrap();
    let offer = peer.create_offer().unwrap().sdp;
    let description = sdp::Description::parse(&offer).unwrap();
    let has = |section: usize, name: &str| {
        let uri = format!("urn:ietf:params:rtp-hdrext:sdes:{name}");
        description.media[section]
            .extmaps()
            .any(|map| map.uri == uri)
    };
    assert!(has(0, "mid") && has(1, "mid"));
    assert!(has(1, "rtp-stream-id") && has(1, "repaired-rtp-stream-id"));
}

/// RFC 8827 §6.5, whatever is asked for.
#[test]
fn wpt_151_no_keys_are_ever_offered() {
    for cryptex in [false, true] {
        let mut peer = alone_with(Config {
            cryptex,
            ..Config::new()
        });
        peer.add_track(Kind::Audio, "voice", &[]).unwrap();
        peer.add_track(Kind::Video, "face", &[]).unwrap();
        let offer = describe(&mut peer);
        assert!(!offer.sdp.contains("crypto") && !offer.sdp.contains("inline:"));
        assert!(offer.sdp.contains("UDP/TLS/RTP/SAVPF"));
    }
}

#[test]
fn wpt_152_keys_in_an_offer() {
    let keys = "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:2nra27hTUb9ilyn2rEkBEQN9WOFts26F/jvofasw";
    let keyed = replaced(&offer(), "a=rtcp-mux", &format!("a=rtcp-mux\r\n{keys}"));
    let mut peer = alone();
    let answer = answer_to(&mut peer, &keyed);
    assert!(!answer.sdp.contains("crypto") && answer.sdp.contains("a=fingerprint"));
    let only = without(&keyed, |line| line.starts_with("a=fingerprint"));
    let refused = alone().set_remote_description(&only);
    assert_eq!(
        refused,
        Err(DescriptionError::InvalidAccess("no fingerprint"))
    );
}

fn layered(rids: &[&str]) -> (PeerConnection, Description) {
    let mut peer = alone();
    let init = TransceiverInit {
        encodings: rids
            .iter()
            .map(|rid| EncodingParameters::named(rid))
            .collect(),
        ..TransceiverInit::default()
    };
    peer.add_transceiver(Kind::Video, init).unwrap();
    let offer = describe(&mut peer);
    (peer, offer)
}

/// The layers that a section names, in their order.
fn rids(sdp: &str, direction: &str) -> Vec<String> {
    let lines = sdp.lines().filter_map(|line| line.strip_prefix("a=rid:"));
    let words = lines.map(|line| line.split(' ').collect::<Vec<_>>());
    words
        .filter(|words| words[1] == direction)
        .map(|words| words[0].to_string())
        .collect()
}

#[test]
fn wpt_153_layers_are_offered() {
    let (_, offer) = layered(&["foo", "bar", "baz"]);
    assert_eq!(rids(&offer.sdp, "send"), ["foo", "bar", "baz"]);
    assert!(offer.sdp.contains("a=simulcast:send foo;bar;baz\r\n"));
    for name in ["rtp-stream-id", "repaired-rtp-stream-id"] {
        assert!(offer.sdp.contains(&format!("rtp-hdrext:sdes:{name}")));
    }
    // A single one needs no name.
    let (_, plain) = layered(&[]);
    assert!(rids(&plain.sdp, "send").is_empty() && !plain.sdp.contains("simulcast"));
}

/// What the peer would take, of what we have to send, in its order.
#[test]
fn wpt_080_and_154_layers_that_are_asked_for() {
    let mut asking = alone();
    let init = TransceiverInit {
        direction: Direction::RecvOnly,
        ..TransceiverInit::default()
    };
    asking.add_transceiver(Kind::Video, init).unwrap();
    let offer = describe(&mut asking);
    let wish =
        "a=rid:foo recv\r\na=rid:bar recv\r\na=rid:baz recv\r\na=simulcast:recv foo;bar;baz\r\n";
    let offer = of_kind(SdpType::Offer, &format!("{}{wish}", offer.sdp));
    let mut peer = alone();
    let id = peer.add_track(Kind::Video, "face", &[]).unwrap();
    peer.set_remote_description(&offer).unwrap();
    assert_eq!(peer.transceivers().count(), 1, "it takes what is there");
    let answer = describe(&mut peer);
    assert_eq!(rids(&answer.sdp, "send"), ["foo", "bar", "baz"]);
    assert!(answer.sdp.contains("a=simulcast:send foo;bar;baz\r\n"));
    let encodings = peer.transceiver(id).unwrap().encodings().iter();
    let named: Vec<&str> = encodings.map(|encoding| encoding.rid.as_str()).collect();
    assert_eq!(named, ["foo", "bar", "baz"]);
}

/// RFC 8851 §5: what a layer is restricted to does not keep it from being taken.
#[test]
fn wpt_155_layers_with_restrictions() {
    let (mut alice, offer) = layered(&["foo", "bar"]);
    let limited = replaced(&offer, "a=rid:foo send", "a=rid:foo send max-fps=30");
    let limited = replaced(
        &limited,
        "a=rid:bar send",
        "a=rid:bar send max-fps=15;max-width=640",
    );
    let mut bob = alone();
    let answer = answer_to(&mut bob, &limited);
    assert_eq!(rids(&answer.sdp, "recv"), ["foo", "bar"]);
    assert!(answer.sdp.contains("a=simulcast:recv foo;bar\r\n"));
    let back = answer
        .sdp
        .replace("a=rid:foo recv", "a=rid:foo recv max-fps=30");
    alice
        .set_remote_description(&of_kind(SdpType::Answer, &back))
        .unwrap();
}

#[test]
fn wpt_157_media_of_an_unknown_kind() {
    let offer = offer();
    let strange = "m=bogus 9 FOO 0 8\r\na=mid:strange\r\n";
    let offer = of_kind(SdpType::Offer, &format!("{}{strange}", offer.sdp));
    let answer = answer_to(&mut alone(), &offer);
    let description = sdp::Description::parse(&answer.sdp).unwrap();
    let ports: Vec<bool> = description
        .media
        .iter()
        .map(|media| media.port != 0)
        .collect();
    assert_eq!(ports, [true, true, false]);
    assert!(answer.sdp.contains("m=bogus 0 FOO 0\r\n"));
}

/// RFC 7742 §5: what everybody has to have.
#[test]
fn wpt_158_codecs_that_everybody_has() {
    let sdp = offer().sdp;
    let description = sdp::Description::parse(&sdp).unwrap();
    let video = &description.media[1];
    assert!(video.rtpmaps().any(|map| map.encoding == "VP8"));
    let mut profiles = Vec::new();
    for map in video.rtpmaps().filter(|map| map.encoding == "H264") {
        let fmtp = video
            .fmtps()
            .find(|fmtp| fmtp.payload() == Some(map.payload));
        let parameters = fmtp.unwrap().parameters;
        let mut words = parameters.split(';');
        let profile = words.find_map(|word| word.trim().strip_prefix("profile-level-id="));
        profiles.push(profile.unwrap().to_string());
    }
    let is_baseline = |profile: &String| profile.starts_with("42e0");
    assert!(profiles.iter().any(is_baseline), "{profiles:?}");
    assert!(names(&sdp, 0).contains(&"opus".to_string()));
}

/// RFC 7741 §6.1: how much the peer takes.
#[test]
fn wpt_159_limits_of_vp8() {
    let (mut alice, mut bob) = (alone(), alone());
    let id = alice.add_track(Kind::Video, "face", &[]).unwrap();
    let offer = describe(&mut alice);
    let answer = answer_to(&mut bob, &offer);
    let limits = "a=rtpmap:96 VP8/90000\r\na=fmtp:96 max-fr=30;max-fs=3600\r\n";
    let answer = replaced(&answer, "a=rtpmap:96 VP8/90000\r\n", limits);
    alice.set_remote_description(&answer).unwrap();
    let mut codecs = alice.send_codecs(id);
    let vp8 = codecs.find(|codec| codec.name == "VP8").unwrap();
    assert_eq!(vp8.parameters, "max-fr=30;max-fs=3600");
}

/// Another codec in a later offer is answered if it is known.
#[test]
fn wpt_166_codecs_that_come_later() {
    let (mut alice, mut bob) = (alone(), alone());
    let id = alice.add_track(Kind::Video, "face", &[]).unwrap();
    let all = alice.capabilities(Kind::Video).codecs.clone();
    let only = |name: &str| all.iter().filter(|one| one.name == name).cloned().collect();
    alice.set_codec_preferences(id, only("VP8")).unwrap();
    let offer = describe(&mut alice);
    let answer = answer_to(&mut bob, &offer);
    assert_eq!(names(&answer.sdp, 0), ["VP8"]);
    alice.set_remote_description(&answer).unwrap();

    let mut more: Vec<Codec> = only("VP8");
    more.extend::<Vec<Codec>>(only("VP9"));
    alice.set_codec_preferences(id, more).unwrap();
    let offer = describe(&mut alice);
    let unknown = replaced(&offer, "a=rtpmap:96 VP8/90000", "a=rtpmap:96 VP99/90000");
    let mut carol = alone();
    let answered = answer_to(&mut carol, &unknown);
    assert_eq!(names(&answered.sdp, 0), ["VP9"], "VP99 is not known");
    let answer = answer_to(&mut bob, &offer);
    assert_eq!(names(&answer.sdp, 0), ["VP8", "VP9"]);
    alice.set_remote_description(&answer).unwrap();
    let mut codecs = alice.send_codecs(id);
    assert!(codecs.any(|codec| codec.name == "VP9"));
}

/// What can only be sent, or only be received, is said only where media go that way.
#[test]
fn wpt_139_and_168_codecs_by_direction() {
    let mut media = MediaCapabilities::browser();
    let find = |name: &str, mode: &str| {
        let codecs = media.video.codecs.iter();
        let mut same = codecs.filter(|codec| codec.name == name && codec.parameters.contains(mode));
        same.next().unwrap().payload
    };
    // A hardware encoder of H.264 and a decoder of AV1, as telephones have them.
    let [encoder, decoder] = [
        find("H264", "packetization-mode=1;profile-level-id=42001f"),
        find("AV1", ""),
    ];
    media.video.send_only = vec![encoder];
    media.video.receive_only = vec![decoder];
    let config = Config {
        media: media.into(),
        ..Config::new()
    };
    let offered = |direction: Direction| {
        let mut peer = alone_with(config.clone());
        let init = TransceiverInit {
            direction,
            ..TransceiverInit::default()
        };
        peer.add_transceiver(Kind::Video, init).unwrap();
        let sdp = peer.create_offer().unwrap().sdp;
        let formats = &formats(&sdp)[0];
        let has = |payload: u8| formats.contains_key(&payload);
        assert!(has(96), "VP8 goes both ways");
        // What is sent again goes with what it repeats.
        assert_eq!(has(encoder), has(encoder + 1));
        assert_eq!(has(decoder), has(decoder + 1));
        [has(encoder), has(decoder)]
    };
    assert_eq!(offered(Direction::SendOnly), [true, false]);
    assert_eq!(offered(Direction::RecvOnly), [false, true]);
    assert_eq!(offered(Direction::SendRecv), [false, false]);

    // An answer, too: what is offered both ways is taken as far as we go along.
    let mut alice = alone();
    alice.add_track(Kind::Video, "face", &[]).unwrap();
    let offer = describe(&mut alice);
    let mut receiving = alone_with(config.clone());
    let answer = answer_to(&mut receiving, &offer);
    let taken = &formats(&answer.sdp)[0];
    assert!(!taken.contains_key(&encoder) && taken.contains_key(&decoder));
    let mut both = alone_with(config.clone());
    both.add_track(Kind::Video, "face", &[]).unwrap();
    let answer = answer_to(&mut both, &offer);
    let taken = &formats(&answer.sdp)[0];
    assert!(!taken.contains_key(&encoder) && !taken.contains_key(&decoder));
    alice.set_remote_description(&answer).unwrap();
}

/// What is encoded up to one level and decoded up to another goes both ways up to the
/// lower one.
#[test]
fn wpt_139_levels_of_both_directions() {
    let mut media = MediaCapabilities::browser();
    let mut codecs = media.video.codecs.iter();
    let h264 = codecs.find(|codec| codec.name == "H264").unwrap();
    let of_level = |payload: u8, level: &str| Codec {
        payload,
        parameters: format!("packetization-mode=1;profile-level-id=42e0{level}"),
        ..h264.clone()
    };
    media.video.codecs = vec![of_level(100, "34"), of_level(101, "1f")];
    media.video.receive_only = vec![100];
    media.video.send_only = vec![101];
    let config = Config {
        media: media.into(),
        ..Config::new()
    };
    for (direction, level) in [
        (Direction::SendOnly, "1f"),
        (Direction::RecvOnly, "34"),
        (Direction::SendRecv, "1f"),
    ] {
        let with = |direction| TransceiverInit {
            direction,
            ..TransceiverInit::default()
        };
        let expected = format!("profile-level-id=42e0{level}\r\n");
        let mut peer = alone_with(config.clone());
        peer.add_transceiver(Kind::Video, with(direction)).unwrap();
        let offer = peer.create_offer().unwrap().sdp;
        assert!(offer.contains(&expected), "{direction}: {offer}");
        assert_eq!(offer.matches("H264/90000").count(), 1);
        // The answer to who goes along.
        let mut other = alone();
        let init = with(direction.reversed());
        other.add_transceiver(Kind::Video, init).unwrap();
        let mut peer = alone_with(config.clone());
        peer.add_track(Kind::Video, "face", &[]).unwrap();
        let answer = answer_to(&mut peer, &describe(&mut other)).sdp;
        assert!(answer.contains(&expected), "{direction}: {answer}");
    }
}

/// AV1 of one profile to one side, of another one to the other, in two sections.
#[test]
fn wpt_167_av1_profiles_by_direction() {
    let with = |send_only: u8, receive_only: u8| {
        let mut media = MediaCapabilities::browser();
        let mut codecs = media.video.codecs.iter();
        let main = codecs.find(|codec| codec.name == "AV1").unwrap().clone();
        let high = Codec {
            payload: 47,
            parameters: "level-idx=5;profile=1;tier=0".to_string(),
            ..main.clone()
        };
        media.video.codecs = vec![main, high];
        media.video.send_only = vec![send_only];
        media.video.receive_only = vec![receive_only];
        alone_with(Config {
            media: media.into(),
            ..Config::new()
        })
    };
    let mut alice = with(45, 47);
    let mut bob = with(47, 45);
    let one_way = |direction| TransceiverInit {
        direction,
        ..TransceiverInit::default()
    };
    let out = alice
        .add_transceiver(Kind::Video, one_way(Direction::SendOnly))
        .unwrap();
    alice
        .add_transceiver(Kind::Video, one_way(Direction::RecvOnly))
        .unwrap();
    let offer = describe(&mut alice);
    bob.set_remote_description(&offer).unwrap();
    let back = bob.transceivers().nth(1).unwrap().id();
    bob.set_direction(back, Direction::SendOnly).unwrap();
    let answer = describe(&mut bob);
    alice.set_remote_description(&answer).unwrap();
    let profile = |peer: &PeerConnection, id| {
        let codecs: Vec<_> = peer.send_codecs(id).collect();
        assert_eq!(codecs.len(), 1);
        codecs[0].parameters.clone()
    };
    assert!(profile(&alice, out).contains("profile=0"));
    assert!(profile(&bob, back).contains("profile=1"));
}

/// A peer that takes only one codec does not change what we have.
#[test]
fn wpt_169_later_offers_have_all_codecs() {
    let (mut alice, mut bob) = (alone(), alone());
    alice.add_track(Kind::Video, "face", &[]).unwrap();
    let offer = describe(&mut alice);
    let codecs = bob.capabilities(Kind::Video).codecs.clone();
    let vp8 = codecs.into_iter().filter(|one| one.name == "VP8").collect();
    bob.set_remote_description(&offer).unwrap();
    let theirs = bob.transceivers().next().unwrap().id();
    bob.set_codec_preferences(theirs, vp8).unwrap();
    let answer = describe(&mut bob);
    assert_eq!(names(&answer.sdp, 0), ["VP8"]);
    alice.set_remote_description(&answer).unwrap();
    let again = describe(&mut alice);
    assert_eq!(formats(&again.sdp), formats(&offer.sdp));
    assert!(names(&again.sdp, 0).contains(&"H264".to_string()));
    // The answerer's next offer has what it prefers.
    alice
        .set_remote_description(&of_kind(SdpType::Answer, &answer.sdp))
        .unwrap();
    bob.set_codec_preferences(theirs, Vec::new()).unwrap();
    let offer = describe(&mut bob);
    assert!(names(&offer.sdp, 0).contains(&"H264".to_string()));
}

/// RFC 3264 §6.1: an answer goes along, or less far.
#[test]
fn wpt_170_answers_against_the_direction() {
    use Direction::{Inactive, RecvOnly, SendOnly, SendRecv};
    for offered in [SendRecv, SendOnly, RecvOnly, Inactive] {
        for answered in [SendRecv, SendOnly, RecvOnly, Inactive] {
            let (mut alice, mut bob) = (alone(), alone());
            let init = TransceiverInit {
                direction: offered,
                ..TransceiverInit::default()
            };
            alice.add_transceiver(Kind::Audio, init).unwrap();
            let offer = describe(&mut alice);
            let answer = answer_to(&mut bob, &offer);
            let was = sdp::Description::parse(&answer.sdp).unwrap().media[0].direction();
            let old = format!("a={}\r\n", was.unwrap());
            let answer = replaced(&answer, &old, &format!("a={answered}\r\n"));
            let taken = alice.set_remote_description(&answer);
            let is_legal = (!answered.sends() || offered.receives())
                && (!answered.receives() || offered.sends());
            assert_eq!(taken.is_ok(), is_legal, "{offered} {answered}: {taken:?}");
            assert_eq!(alice.remote_description().is_some(), is_legal);
        }
    }
}

/// What both have; an extension that was not offered is not answered.
#[test]
fn wpt_177_extensions_of_both() {
    let offer = offer();
    let uris = |sdp: &str, section: usize| -> Vec<String> {
        let description = sdp::Description::parse(sdp).unwrap();
        let maps = description.media[section].extmaps();
        maps.map(|map| map.uri.to_string()).collect()
    };
    let [mid, level, orientation] = [
        "urn:ietf:params:rtp-hdrext:sdes:mid",
        "urn:ietf:params:rtp-hdrext:ssrc-audio-level",
        "urn:3gpp:video-orientation",
    ]
    .map(str::to_string);
    let [sound, pictures] = [0, 1].map(|section| uris(&offer.sdp, section));
    assert!(sound.contains(&mid) && sound.contains(&level));
    assert!(pictures.contains(&mid) && pictures.contains(&orientation));
    let fewer = without(&offer, |line| {
        line.contains(&level) || line.contains(&orientation)
    });
    let strange = "a=extmap:14 urn:example:strange\r\na=rtcp-mux\r\n";
    let fewer = replaced(&fewer, "a=rtcp-mux\r\n", strange);
    let answer = answer_to(&mut alone(), &fewer);
    for (section, offered) in [sound, pictures].iter().enumerate() {
        let answered = uris(&answer.sdp, section);
        let expected: Vec<String> = offered
            .iter()
            .filter(|uri| **uri != level && **uri != orientation)
            .cloned()
            .collect();
        assert_eq!(answered, expected);
    }
}

/// RFC 4588 §8.1: a retransmission is of something in the same section.
#[test]
fn wpt_178_retransmissions_have_something_to_repeat() {
    let check = |sdp: &str| {
        let description = sdp::Description::parse(sdp).unwrap();
        let mut count = 0;
        for media in &description.media {
            let payloads: Vec<u8> = media.rtpmaps().map(|map| map.payload).collect();
            for map in media.rtpmaps().filter(|map| map.encoding == "rtx") {
                let fmtp = media
                    .fmtps()
                    .find(|fmtp| fmtp.payload() == Some(map.payload));
                let apt = fmtp.unwrap().parameters.strip_prefix("apt=").unwrap();
                assert!(payloads.contains(&apt.parse().unwrap()), "{sdp}");
                count += 1;
            }
        }
        count
    };
    let offer = offer();
    assert!(check(&offer.sdp) > 2);
    assert!(check(&answer_to(&mut alone(), &offer).sdp) > 2);
    // Twice the same, and one of nothing.
    let more = "a=rtpmap:119 rtx/90000\r\na=fmtp:119 apt=96\r\na=rtpmap:120 rtx/90000\r\na=fmtp:120 apt=99\r\na=rtpmap:96 VP8/90000\r\n";
    let strange = replaced(&offer, "a=rtpmap:96 VP8/90000\r\n", more);
    let strange = replaced(&strange, "SAVPF 96 ", "SAVPF 119 120 96 ");
    let answer = answer_to(&mut alone(), &strange);
    check(&answer.sdp);
    let formats = &formats(&answer.sdp)[1];
    assert!(!formats.contains_key(&120), "it repeats what is not there");
    let repeats_vp8 = answer.sdp.matches("apt=96").count();
    assert_eq!(repeats_vp8, 1);
}

/// Places of sections that are over are used again, by either side.
#[test]
fn wpt_179_places_are_used_again() {
    let (mut alice, mut bob) = (alone(), alone());
    let first = alice.add_track(Kind::Audio, "a", &[]).unwrap();
    alice.add_track(Kind::Video, "b", &[]).unwrap();
    exchange(&mut alice, &mut bob);
    alice.stop_transceiver(first).unwrap();
    exchange(&mut alice, &mut bob);
    let kinds = |peer: &PeerConnection| -> Vec<(String, bool)> {
        let sdp = peer.local_description().unwrap().sdp;
        let description = sdp::Description::parse(&sdp).unwrap();
        let media = description.media.iter();
        media
            .map(|media| (media.kind.to_string(), media.port != 0))
            .collect()
    };
    let [sound, pictures] = ["audio", "video"].map(str::to_string);
    let over = [(sound, false), (pictures.clone(), true)];
    assert_eq!(kinds(&alice), over);
    assert_eq!(kinds(&bob), over);
    let first_mid = |peer: &PeerConnection| {
        let sdp = peer.local_description().unwrap().sdp;
        let description = sdp::Description::parse(&sdp).unwrap();
        description.media[0].mid().unwrap().to_string()
    };
    // The answerer's next one goes there, and the offerer's after that one is over, too.
    for round in 0..4 {
        let (new, other) = match round % 2 {
            0 => (&mut bob, &mut alice),
            _ => (&mut alice, &mut bob),
        };
        let init = TransceiverInit {
            direction: Direction::SendOnly,
            ..TransceiverInit::default()
        };
        let before = first_mid(new);
        let id = new.add_transceiver(Kind::Video, init).unwrap();
        exchange(new, other);
        let filled = [(pictures.clone(), true), (pictures.clone(), true)];
        assert_eq!(kinds(new), filled, "{round}");
        assert_eq!(kinds(other), filled, "{round}");
        let mid = new.transceiver(id).unwrap().mid().unwrap().to_string();
        assert_ne!(mid, before, "it is something else");
        assert!(other.transceivers().any(|one| one.mid() == Some(&mid)));
        new.stop_transceiver(id).unwrap();
        exchange(new, other);
        assert!(!kinds(new)[0].1 && !kinds(other)[0].1);
    }
}
