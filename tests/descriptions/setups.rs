//! First exchanges.

use pollrtc::dtls;
use pollrtc::peer::{
    BundlePolicy, Config, Direction, EncodingParameters, Kind, MediaCapabilities, TransceiverInit,
};

use super::support::{add, bare, compare, data, describe, exchange, few, offer_of, pair, peer};

#[test]
fn data_only() {
    let [mut alice, mut bob] = pair();
    data(&mut alice);
    let [offer, answer] = exchange(&mut alice, &mut bob);
    compare(
        "data_only",
        &[("Data channels are wanted", &offer), ("Taken", &answer)],
    );
}

#[test]
fn before_gathering() {
    let mut alice = bare(1, few());
    data(&mut alice);
    let offer = describe(&mut alice);
    alice
        .add_local_address(([192, 0, 2, 1], 4000).into())
        .unwrap();
    let later = alice.local_description().unwrap();
    compare(
        "before_gathering",
        &[
            ("Gathered without an address", &offer),
            ("The same description: an address came after all", &later),
        ],
    );
}

#[test]
fn candidates() {
    let mut alice = bare(1, few());
    for address in ["192.0.2.1:4000", "[2001:db8::1]:4001"] {
        alice.add_local_address(address.parse().unwrap()).unwrap();
    }
    alice
        .add_tcp_listener("192.0.2.1:443".parse().unwrap())
        .unwrap();
    data(&mut alice);
    let offer = describe(&mut alice);
    compare(
        "candidates",
        &[("Two families, and streams beside datagrams", &offer)],
    );
}

#[test]
fn sound() {
    let [mut alice, mut bob] = pair();
    for peer in [&mut alice, &mut bob] {
        peer.add_track(Kind::Audio, "voice", &["me"]).unwrap();
    }
    let [offer, answer] = exchange(&mut alice, &mut bob);
    compare(
        "sound",
        &[
            ("A voice is offered", &offer),
            ("Another comes back", &answer),
        ],
    );
}

/// With everything that the crate has: the longest of all.
#[test]
fn sound_pictures_data() {
    let [mut alice, mut bob] = [peer(1, Config::new()), peer(2, Config::new())];
    for peer in [&mut alice, &mut bob] {
        peer.add_track(Kind::Audio, "voice", &["me"]).unwrap();
        peer.add_track(Kind::Video, "face", &["me"]).unwrap();
    }
    data(&mut alice);
    let [offer, answer] = exchange(&mut alice, &mut bob);
    compare(
        "sound_pictures_data",
        &[("All codecs", &offer), ("All codecs are taken", &answer)],
    );
}

#[test]
fn streams_of_tracks() {
    let mut alice = peer(1, few());
    alice
        .add_track(Kind::Audio, "both", &["one", "two"])
        .unwrap();
    alice.add_track(Kind::Audio, "alone", &[]).unwrap();
    let offer = describe(&mut alice);
    compare(
        "streams_of_tracks",
        &[("A track in two streams, and one in none", &offer)],
    );
}

#[test]
fn simulcast() {
    let [mut alice, mut bob] = pair();
    let init = TransceiverInit {
        direction: Direction::SendOnly,
        encodings: ["h", "m", "l"].map(EncodingParameters::named).into(),
        ..TransceiverInit::default()
    };
    alice.add_transceiver(Kind::Video, init).unwrap();
    let [offer, answer] = exchange(&mut alice, &mut bob);
    compare(
        "simulcast",
        &[
            ("Three layers of one picture", &offer),
            ("All three are taken", &answer),
        ],
    );
}

#[test]
fn receive_only() {
    let [mut alice, mut bob] = pair();
    add(&mut alice, Kind::Video, Direction::RecvOnly);
    bob.add_track(Kind::Video, "camera", &["room"]).unwrap();
    let [offer, answer] = exchange(&mut alice, &mut bob);
    compare(
        "receive_only",
        &[("Who only watches", &offer), ("Who is watched", &answer)],
    );
}

#[test]
fn rejected() {
    let mut deaf = few();
    let mut media = MediaCapabilities::clone(&deaf.media);
    media.video.codecs.clear();
    deaf.media = media.into();
    let [mut alice, mut bob] = [peer(1, few()), peer(2, deaf)];
    alice.add_track(Kind::Video, "face", &["me"]).unwrap();
    alice.add_track(Kind::Audio, "voice", &["me"]).unwrap();
    let [_, answer] = exchange(&mut alice, &mut bob);
    let next = describe(&mut alice);
    compare(
        "rejected",
        &[
            ("The pictures are rejected, and with them the tag", &answer),
            ("The next offer keeps their place", &next),
        ],
    );
}

#[test]
fn preferences() {
    let mut alice = peer(1, Config::new());
    let id = alice.add_track(Kind::Video, "face", &["me"]).unwrap();
    let all = &alice.capabilities(Kind::Video).codecs;
    let chosen =
        ["VP9", "H264"].map(|name| all.iter().find(|one| one.name == name).unwrap().clone());
    alice.set_codec_preferences(id, chosen.into()).unwrap();
    let offer = describe(&mut alice);
    let mut bob = peer(2, Config::new());
    bob.set_remote_description(&offer).unwrap();
    let answer = describe(&mut bob);
    compare(
        "preferences",
        &[
            ("VP9 before one H.264, and nothing sent again", &offer),
            ("The order of the offer", &answer),
        ],
    );
}

#[test]
fn cryptex() {
    let hiding = || Config {
        cryptex: true,
        ..few()
    };
    let [mut alice, mut bob] = [peer(1, hiding()), peer(2, hiding())];
    add(&mut alice, Kind::Audio, Direction::SendOnly);
    let [offer, answer] = exchange(&mut alice, &mut bob);
    compare(
        "cryptex",
        &[("Headers can be hidden", &offer), ("They will be", &answer)],
    );
}

#[test]
fn lite() {
    let mut lite = few();
    lite.ice.lite = true;
    let [mut alice, mut server] = [peer(1, few()), peer(2, lite)];
    data(&mut alice);
    let [_, answer] = exchange(&mut alice, &mut server);
    compare("lite", &[("A server only answers checks", &answer)]);
}

#[test]
fn passive() {
    let waiting = Config {
        answer_role: dtls::Role::Server,
        ..few()
    };
    let [mut alice, mut bob] = [peer(1, few()), peer(2, waiting)];
    data(&mut alice);
    let [_, answer] = exchange(&mut alice, &mut bob);
    compare(
        "passive",
        &[("The other side begins the handshake", &answer)],
    );
}

#[test]
fn legacy_data() {
    let mut offer = offer_of("chromium-156-dc-offer");
    offer.sdp = offer
        .sdp
        .replace("UDP/DTLS/SCTP webrtc-datachannel", "DTLS/SCTP 5000")
        .replace("a=sctp-port:5000", "a=sctpmap:5000 webrtc-datachannel 1024");
    let mut bob = peer(2, few());
    bob.set_remote_description(&offer).unwrap();
    let answer = describe(&mut bob);
    compare(
        "legacy_data",
        &[("To who writes as before RFC 8841", &answer)],
    );
}

/// Two of sound, one of pictures and one of data: which have a way of their own?
#[test]
fn bundle_policies() {
    let offer = |bundle_policy| {
        let mut alice = peer(
            1,
            Config {
                bundle_policy,
                ..few()
            },
        );
        for (kind, track) in [
            (Kind::Audio, "voice"),
            (Kind::Audio, "music"),
            (Kind::Video, "face"),
        ] {
            alice.add_track(kind, track, &["me"]).unwrap();
        }
        data(&mut alice);
        describe(&mut alice)
    };
    compare(
        "bundle_policies",
        &[
            (
                "balanced: one for each kind",
                &offer(BundlePolicy::Balanced),
            ),
            ("max-compat: one for each", &offer(BundlePolicy::MaxCompat)),
            ("max-bundle: one for all", &offer(BundlePolicy::MaxBundle)),
        ],
    );
}

/// A peer that bundles in part, or not at all.
#[test]
fn without_bundle() {
    let mut offer = offer_of("chromium-156-av-max-compat-offer");
    let lines = offer.sdp.split_inclusive("\r\n");
    let apart: String = lines.filter(|line| !line.starts_with("a=group")).collect();
    let in_part = offer
        .sdp
        .replace("a=group:BUNDLE 0 1 2", "a=group:BUNDLE 0 1");
    assert!(apart != offer.sdp && in_part != offer.sdp);
    let answer = |sdp: String| {
        let mut bob = peer(2, few());
        offer.sdp = sdp;
        bob.set_remote_description(&offer).unwrap();
        describe(&mut bob)
    };
    let answers = [in_part, apart].map(answer);
    compare(
        "without_bundle",
        &[
            ("Sound and pictures share, data does not", &answers[0]),
            ("Nothing is shared", &answers[1]),
        ],
    );
}

#[test]
fn to_a_browser() {
    let mut bob = peer(2, few());
    bob.add_track(Kind::Audio, "voice", &["me"]).unwrap();
    bob.set_remote_description(&offer_of("chromium-156-simulcast-offer"))
        .unwrap();
    let layers = describe(&mut bob);
    let mut bob = peer(2, few());
    bob.set_remote_description(&offer_of("chromium-156-av-dc-offer"))
        .unwrap();
    let all = describe(&mut bob);
    compare(
        "to_a_browser",
        &[
            ("To Chromium's sound, pictures and data", &all),
            ("To Chromium's layers", &layers),
        ],
    );
}

#[test]
fn to_aiortc() {
    let mut bob = peer(2, few());
    for (kind, track) in [(Kind::Audio, "voice"), (Kind::Video, "face")] {
        bob.add_track(kind, track, &["me"]).unwrap();
    }
    bob.set_remote_description(&offer_of("aiortc-1-media_audio_video-1-offer"))
        .unwrap();
    let answer = describe(&mut bob);
    compare("to_aiortc", &[("To aiortc's sound and pictures", &answer)]);
}
