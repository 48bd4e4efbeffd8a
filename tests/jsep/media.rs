//! Sound and pictures: transceivers, directions, codecs, and what descriptions say
//! of them. Names begin with the rows of the web platform's behaviour.

use pollrtc::jsep::{
    Codec, Description, DescriptionError, EncodingParameters, Kind, MediaCapabilities, SdpType,
    TrackChange, TransceiverId, TransceiverInit,
};
use pollrtc::wire::sdp::{self, Direction};

use super::support::{Peer, compare_golden, interop, negotiate};

use Direction::{Inactive, RecvOnly, SendOnly, SendRecv};

fn add(peer: &mut Peer, kind: Kind, direction: Direction) -> TransceiverId {
    let init = TransceiverInit {
        direction,
        ..TransceiverInit::default()
    };
    peer.session.add_transceiver(kind, init).unwrap()
}

fn track(peer: &mut Peer, kind: Kind) -> TransceiverId {
    // No track may be sent twice.
    let sent = peer.session.transceivers();
    let sent = sent.filter(|one| one.kind() == kind && one.track().is_some());
    let name = match sent.count() {
        0 => "track".to_string(),
        others => format!("track-{others}"),
    };
    peer.session.add_track(kind, &name, &["stream"]).unwrap()
}

/// Of each transceiver its mid, what is wanted and what is settled.
fn table(peer: &Peer) -> Vec<(Option<&str>, Direction, Option<Direction>)> {
    let all = peer.session.transceivers();
    all.map(|one| (one.mid(), one.direction(), one.current_direction()))
        .collect()
}

/// Of each section its kind, name, direction and port.
fn sections(text: &str) -> Vec<(String, String, Option<Direction>, u16)> {
    let description = sdp::Description::parse(text).unwrap();
    let media = description.media.iter();
    media
        .map(|media| {
            let mid = media.mid().unwrap_or_default().to_string();
            (media.kind.to_string(), mid, media.direction(), media.port)
        })
        .collect()
}

fn codec_names(codecs: &[Codec]) -> Vec<String> {
    codecs.iter().map(ToString::to_string).collect()
}

fn roll_back(peer: &mut Peer) {
    peer.set_local(SdpType::Rollback, "").unwrap();
}

fn page(pages: &[(&str, String)]) -> String {
    let page =
        |(heading, sdp): &(&str, String)| format!("## {heading}\n\n{}\n", sdp.replace('\r', ""));
    pages.iter().map(page).collect()
}

#[test]
fn golden_sound_pictures_and_data() {
    let mut alice = Peer::with_media("alice");
    track(&mut alice, Kind::Audio);
    track(&mut alice, Kind::Video);
    alice.session.want_data_channels();
    let mut bob = Peer::with_media("bobby");
    negotiate(&mut alice, &mut bob);
    compare_golden(
        "media",
        &page(&[
            (
                "Offer: one bundle, all codecs, the track's stream and SSRCs (RFC 8829 5.2.1)",
                alice.local().unwrap().sdp,
            ),
            (
                "Answer: the offer's numbers and order; nothing to send, so recvonly (RFC 8829 5.3.1)",
                bob.local().unwrap().sdp,
            ),
        ]),
    );
}

#[test]
fn golden_answer_to_a_browser() {
    let mut bob = Peer::with_media("bobby");
    let plan = bob
        .set_remote(SdpType::Offer, &interop("chromium-156-av-dc-offer"))
        .unwrap();
    assert_eq!(plan.tracks.len(), 2);
    track(&mut bob, Kind::Video);
    let plan = bob.set_implicit().unwrap();
    let answer = bob.local().unwrap().sdp;
    assert!(plan.data.is_some() && !plan.transports.is_empty());
    let [audio, video] = plan.media.as_slice() else {
        panic!("{:?}", plan.media)
    };
    assert_eq!((audio.direction, video.direction), (RecvOnly, SendRecv));
    assert_eq!(codec_names(&audio.send)[0], "111 opus/48000/2");
    assert_eq!(video.send[0].name, "VP8");
    assert!(audio.reduced_rtcp && video.reduced_rtcp);
    assert_eq!(video.remote.as_ref().unwrap().encodings.len(), 1);
    assert!(
        video.remote.as_ref().unwrap().encodings[0]
            .repair_ssrc
            .is_some()
    );
    compare_golden(
        "media_answer_to_chromium",
        &page(&[("One bundle of sound, pictures and data", answer)]),
    );
}

/// Every offer and answer of a browser with media.
#[test]
fn browsers_are_understood() {
    for name in [
        "chromium-156-av-dc-offer",
        "chromium-156-av-max-bundle-offer",
        "chromium-156-av-max-compat-offer",
        "chromium-156-inactive-offer",
        "chromium-156-recvonly-offer",
        "chromium-156-rejected-video-offer",
        "chromium-156-simulcast-offer",
        "chromium-156-reneg-add-video-offer",
        "chromium-156-reneg-stop-video-offer",
        "chromium-156-rfc8888-offer",
        "aiortc-1-media_audio_video-1-offer",
    ] {
        let offer = interop(name);
        let mut bob = Peer::with_media("bobby");
        bob.set_remote(SdpType::Offer, &offer)
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        let plan = bob.set_implicit().unwrap();
        let answer = bob.local().unwrap().sdp;
        let (offered, answered) = (sections(&offer), sections(&answer));
        assert_eq!(offered.len(), answered.len(), "{name}");
        for (offered, answered) in offered.iter().zip(&answered) {
            assert_eq!(
                (&offered.0, &offered.1),
                (&answered.0, &answered.1),
                "{name}"
            );
            // A port of 0 is no rejection where the section is for the bundle only.
            let is_live = offered.3 != 0 || offer.contains("a=bundle-only");
            assert_eq!(answered.3 != 0, is_live, "{name}: {answered:?}");
        }
        assert!(!plan.transports.is_empty(), "{name}");
    }
}

/// WPT-015, WPT-017: what a new transceiver is like.
#[test]
fn wpt_017_new_transceivers() {
    let mut peer = Peer::with_media("peer");
    assert!(peer.session.transceivers().next().is_none(), "WPT-042");
    track(&mut peer, Kind::Audio);
    add(&mut peer, Kind::Video, SendOnly);
    assert_eq!(
        table(&peer),
        [(None, SendRecv, None), (None, SendOnly, None)]
    );
    assert!(peer.session.negotiation_needed(), "WPT-048");
    peer.session.close();
    let closed = Err(DescriptionError::InvalidState);
    assert_eq!(
        peer.session.add_track(Kind::Audio, "", &[]),
        closed,
        "WPT-013"
    );
    let init = TransceiverInit::default();
    assert_eq!(peer.session.add_transceiver(Kind::Audio, init), closed);
}

/// WPT-016: who has never sent is used again, who has is not.
#[test]
fn wpt_016_idle_transceivers_are_reused() {
    let mut peer = Peer::with_media("peer");
    let receiving = add(&mut peer, Kind::Audio, RecvOnly);
    let inactive = add(&mut peer, Kind::Video, Inactive);
    let stopped = add(&mut peer, Kind::Video, RecvOnly);
    peer.session.stop_transceiver(stopped).unwrap();
    assert_eq!(track(&mut peer, Kind::Audio), receiving);
    assert_eq!(track(&mut peer, Kind::Video), inactive);
    let direction = |peer: &Peer, id| peer.session.transceiver(id).unwrap().direction();
    assert_eq!(direction(&peer, receiving), SendRecv);
    assert_eq!(direction(&peer, inactive), SendOnly);
    peer.session.remove_track(receiving).unwrap();
    assert_eq!(direction(&peer, receiving), RecvOnly, "WPT-058");
    peer.session.remove_track(receiving).unwrap();
    assert_eq!(direction(&peer, receiving), RecvOnly, "WPT-058");
    // It was never agreed on that it sends.
    assert_eq!(track(&mut peer, Kind::Audio), receiving);
    negotiate(&mut peer, &mut Peer::with_media("other"));
    peer.session.remove_track(receiving).unwrap();
    let another = track(&mut peer, Kind::Audio);
    assert!(another != receiving && another != stopped);
}

/// RFC 3264 §6.1, in all combinations: what one wants and the other allows.
#[test]
fn wpt_086_directions_are_settled() {
    let all = [SendRecv, SendOnly, RecvOnly, Inactive];
    for (wanted, allowed) in all.into_iter().flat_map(|a| all.map(|b| (a, b))) {
        let mut alice = Peer::with_media("alice");
        let mut bob = Peer::with_media("bobby");
        add(&mut alice, Kind::Audio, wanted);
        alice.set_implicit().unwrap();
        let plan = bob.take(&alice.local().unwrap()).unwrap();
        let id = bob.session.transceivers().next().unwrap().id();
        let added = [TrackChange::Added(id)];
        assert_eq!(
            plan.tracks,
            if wanted.sends() { &added[..] } else { &[] },
            "WPT-051"
        );
        bob.session.set_direction(id, allowed).unwrap();
        bob.set_implicit().unwrap();
        alice.take(&bob.local().unwrap()).unwrap();
        let settled = wanted.and(allowed.reversed());
        assert_eq!(table(&alice), [(Some("0"), wanted, Some(settled))]);
        assert_eq!(
            table(&bob),
            [(Some("0"), allowed, Some(settled.reversed()))]
        );
        // Who has not got all that it wanted does not ask again.
        assert!(!bob.session.negotiation_needed(), "{wanted:?} {allowed:?}");
        assert!(
            !alice.session.negotiation_needed(),
            "{wanted:?} {allowed:?}"
        );
    }
}

/// WPT-048, WPT-049: what makes an exchange necessary, and what unmakes it.
#[test]
fn wpt_048_changes_need_negotiation() {
    let mut alice = Peer::with_media("alice");
    let mut bob = Peer::with_media("bobby");
    let id = track(&mut alice, Kind::Audio);
    negotiate(&mut alice, &mut bob);
    let needed = |peer: &Peer| peer.session.negotiation_needed();
    assert!(!needed(&alice) && !needed(&bob));
    // A direction, and back.
    alice.session.set_direction(id, Inactive).unwrap();
    assert!(needed(&alice));
    alice.session.set_direction(id, SendRecv).unwrap();
    assert!(!needed(&alice));
    // The answerer now has something to send.
    let answering = track(&mut bob, Kind::Audio);
    assert_eq!(bob.session.transceiver(answering).unwrap().mid(), Some("0"));
    assert!(needed(&bob));
    negotiate(&mut bob, &mut alice);
    assert!(!needed(&alice) && !needed(&bob));
    assert_eq!(table(&alice), [(Some("0"), SendRecv, Some(SendRecv))]);
    // The end.
    alice.session.stop_transceiver(id).unwrap();
    assert!(needed(&alice));
    negotiate(&mut alice, &mut bob);
    assert!(!needed(&alice) && !needed(&bob));
    assert!(table(&alice).is_empty() && table(&bob).is_empty());
}

/// WPT-064, WPT-065, WPT-078: an offer that is taken back takes its names and its
/// transceivers along, but not those that the application has put to use.
#[test]
fn wpt_078_rollback_of_a_remote_offer() {
    let mut alice = Peer::with_media("alice");
    add(&mut alice, Kind::Audio, SendRecv);
    add(&mut alice, Kind::Video, SendRecv);
    alice.set_implicit().unwrap();
    let offer = alice.local().unwrap();
    let mut bob = Peer::with_media("bobby");
    let plan = bob.take(&offer).unwrap();
    assert_eq!(plan.tracks.len(), 2);
    assert_eq!(
        table(&bob),
        [(Some("0"), RecvOnly, None), (Some("1"), RecvOnly, None)]
    );
    let used = track(&mut bob, Kind::Video);
    let plan = bob.set_remote(SdpType::Rollback, "").unwrap();
    assert_eq!(plan.tracks.len(), 2);
    let left: Vec<_> = bob.session.transceivers().map(|one| one.id()).collect();
    assert_eq!(left, [used]);
    assert_eq!(table(&bob), [(None, SendRecv, None)]);
    // The same offer finds it again.
    bob.take(&offer).unwrap();
    assert_eq!(bob.session.transceiver(used).unwrap().mid(), Some("1"));
}

#[test]
fn wpt_065_rollback_of_a_local_offer() {
    let mut alice = Peer::with_media("alice");
    let mut bob = Peer::with_media("bobby");
    track(&mut alice, Kind::Audio);
    negotiate(&mut alice, &mut bob);
    add(&mut alice, Kind::Video, SendRecv);
    alice.set_implicit().unwrap();
    assert_eq!(table(&alice)[1].0, Some("1"));
    roll_back(&mut alice);
    assert_eq!(
        table(&alice),
        [
            (Some("0"), SendRecv, Some(SendOnly)),
            (None, SendRecv, None)
        ]
    );
    assert!(alice.session.negotiation_needed());
}

/// WPT-064: a rejected section ends its transceiver, and its place is used again.
#[test]
fn wpt_064_rejected_sections_are_recycled() {
    let mut alice = Peer::with_media("alice");
    let mut bob = Peer::with_media("bobby");
    track(&mut alice, Kind::Audio);
    let video = track(&mut alice, Kind::Video);
    negotiate(&mut alice, &mut bob);
    alice.session.stop_transceiver(video).unwrap();
    negotiate(&mut alice, &mut bob);
    let rejected = &sections(&alice.local().unwrap().sdp)[1];
    assert_eq!((rejected.1.as_str(), rejected.3), ("1", 0));
    assert_eq!(alice.session.transceivers().count(), 1);
    // Something else moves in, under another name.
    add(&mut bob, Kind::Audio, SendRecv);
    negotiate(&mut bob, &mut alice);
    let moved = &sections(&bob.local().unwrap().sdp)[1];
    assert_eq!((moved.0.as_str(), moved.1.as_str()), ("audio", "2"));
    assert_ne!(moved.3, 0);
    assert_eq!(alice.session.transceivers().count(), 2);
}

/// A peer with no codec in common rejects, and both forget the transceiver.
#[test]
fn no_codec_in_common() {
    let mut alice = Peer::with_media("alice");
    let id = track(&mut alice, Kind::Video);
    alice.session.want_data_channels();
    let h264 = |codec: &Codec| codec.name == "H264";
    let all = MediaCapabilities::browser().video.codecs;
    let only = all.iter().filter(|codec| h264(codec)).cloned().collect();
    alice.session.set_codec_preferences(id, only).unwrap();
    let offer = alice.offer().unwrap();
    assert!(offer.contains("H264/90000") && !offer.contains("VP8"));
    // Bob can do nothing but data.
    let mut bob = Peer::with_data("bobby");
    let (plan, _) = negotiate(&mut alice, &mut bob);
    assert!(plan.media.is_empty() && plan.data.is_some());
    assert!(table(&alice).is_empty() && table(&bob).is_empty());
    let unknown = Codec {
        name: "H266".to_string(),
        ..all[0].clone()
    };
    let id = track(&mut alice, Kind::Video);
    let refused = alice.session.set_codec_preferences(id, vec![unknown]);
    assert_eq!(refused, Err(DescriptionError::InvalidModification));
}

/// RFC 6184 §8.2.2 and others: the same name may be another format.
#[test]
fn formats_are_told_apart_by_what_matters() {
    let codec = |name: &str, parameters: &str| Codec {
        payload: 96,
        name: name.to_string(),
        clock_rate: 90_000,
        channels: 1,
        parameters: parameters.to_string(),
        feedback: Vec::new(),
    };
    let cases = [
        ("H264", "", "profile-level-id=42000a", true),
        (
            "H264",
            "profile-level-id=42e01f",
            "profile-level-id=42e034;level-asymmetry-allowed=1",
            true,
        ),
        (
            "H264",
            "profile-level-id=42e01f",
            "profile-level-id=4d8032",
            true,
        ),
        (
            "H264",
            "profile-level-id=42e01f",
            "profile-level-id=42001f",
            false,
        ),
        (
            "H264",
            "profile-level-id=640c1f",
            "profile-level-id=64001f",
            false,
        ),
        (
            "H264",
            "packetization-mode=1",
            "packetization-mode=0",
            false,
        ),
        ("H264", "packetization-mode=0", "", true),
        ("vp9", "profile-id=0", "", true),
        ("VP9", "profile-id=2", "", false),
        ("AV1", "profile=0", "level-idx=5;tier=0", true),
        ("AV1", "profile=1", "", false),
        ("H265", "tier-flag=1", "", false),
        ("opus", "stereo=1", "useinbandfec=1", true),
    ];
    for (name, one, other, same) in cases {
        let (one, other) = (codec(name, one), codec(&name.to_uppercase(), other));
        assert_eq!(one.is_same_format(&other), same, "{one:?} {other:?}");
        assert_eq!(other.is_same_format(&one), same, "{one:?} {other:?}");
    }
}

/// Numbers are the bundle's: the peer's stay what they were when we offer next.
#[test]
fn payload_types_and_extension_ids_are_kept() {
    let mut bob = Peer::with_media("bobby");
    bob.set_remote(SdpType::Offer, &interop("chromium-156-av-dc-offer"))
        .unwrap();
    bob.set_implicit().unwrap();
    add(&mut bob, Kind::Video, SendRecv);
    let offer = bob.offer().unwrap();
    let description = sdp::Description::parse(&offer).unwrap();
    let mut meanings = std::collections::BTreeMap::new();
    for media in description.media.iter().filter(|media| media.port != 0) {
        for map in media.rtpmaps() {
            let fmtp = media
                .fmtps()
                .find(|fmtp| fmtp.payload() == Some(map.payload));
            let meaning = format!("{map} {fmtp:?}");
            let before = meanings.insert(u16::from(map.payload), meaning.clone());
            assert!(before.is_none_or(|before| before == meaning), "{meaning}");
        }
        for extension in media.extmaps() {
            let key = 1000 + extension.id;
            let before = meanings.insert(key, extension.uri.to_string());
            assert!(before.is_none_or(|before| before == extension.uri));
        }
    }
    // Chromium's numbers, where ours would be others.
    assert!(offer.contains("a=rtpmap:108 H264/90000"));
    assert!(offer.contains("a=extmap:13 urn:3gpp:video-orientation"));
    assert_eq!(description.media.len(), 4);
}

/// WPT-080: layers that are offered are taken by their names.
#[test]
fn wpt_080_simulcast_of_a_browser_is_taken() {
    let mut bob = Peer::with_media("bobby");
    bob.set_remote(SdpType::Offer, &interop("chromium-156-simulcast-offer"))
        .unwrap();
    let plan = bob.set_implicit().unwrap();
    let video = plan
        .media
        .iter()
        .find(|media| media.kind == Kind::Video)
        .unwrap();
    let encodings = &video.remote.as_ref().unwrap().encodings;
    assert_eq!(encodings.len(), 3);
    let answer = bob.local().unwrap().sdp;
    for encoding in encodings {
        assert!(answer.contains(&format!("a=rid:{} recv\r\n", encoding.rid)));
    }
    assert!(answer.contains("a=simulcast:recv "));
}

/// Our layers: offered by name, and those that the peer takes are told.
#[test]
fn simulcast_of_ours_is_offered() {
    let mut alice = Peer::with_media("alice");
    let mut bob = Peer::with_media("bobby");
    let init = TransceiverInit {
        encodings: ["h", "m", "l"].map(EncodingParameters::named).into(),
        ..TransceiverInit::default()
    };
    alice.session.add_transceiver(Kind::Video, init).unwrap();
    let (plan, _) = negotiate(&mut alice, &mut bob);
    assert!(
        alice
            .local()
            .unwrap()
            .sdp
            .contains("a=simulcast:send h;m;l\r\n")
    );
    let rids = plan.media[0].encodings.iter().map(|one| one.rid.as_str());
    assert_eq!(rids.collect::<Vec<_>>(), ["h", "m", "l"]);
    // Layers are known by their names, as browsers have it: no SSRC is said.
    assert!(!alice.local().unwrap().sdp.contains("a=ssrc"));
}

/// aiortc's set: its payload types, its feedback, its extensions.
#[test]
fn aiortc_is_offered_and_answered_as_it_does() {
    let mut alice = Peer::with_capabilities("alice", MediaCapabilities::aiortc());
    track(&mut alice, Kind::Audio);
    track(&mut alice, Kind::Video);
    let mut bob = Peer::with_media("bobby");
    let (plan, _) = negotiate(&mut alice, &mut bob);
    let [audio, video] = plan.media.as_slice() else {
        panic!("{:?}", plan.media)
    };
    assert_eq!(codec_names(&audio.send)[0], "96 opus/48000/2");
    assert_eq!(
        codec_names(&video.receive),
        [
            "97 VP8/90000",
            "98 rtx/90000",
            "99 H264/90000",
            "100 rtx/90000",
            "101 H264/90000",
            "102 rtx/90000"
        ]
    );
    // What one of them does not want is not sent to it.
    assert_eq!(video.receive[0].feedback, ["nack", "nack pli", "goog-remb"]);
    assert_eq!(video.extensions.len(), 2);
    compare_golden(
        "media_aiortc",
        &page(&[
            (
                "Offer: what aiortc offers, in one bundle",
                alice.local().unwrap().sdp,
            ),
            (
                "Answer of a connection with a browser's capabilities",
                bob.local().unwrap().sdp,
            ),
        ]),
    );
}

/// WPT-074: a peer that names no stream still has a track.
#[test]
fn wpt_074_without_msid_there_is_a_track() {
    let offer = interop("chromium-156-av-dc-offer");
    let offer: Vec<&str> = offer
        .lines()
        .filter(|line| !line.contains("msid"))
        .collect();
    let mut bob = Peer::with_media("bobby");
    let plan = bob
        .set_remote(SdpType::Offer, &(offer.join("\r\n") + "\r\n"))
        .unwrap();
    assert_eq!(plan.tracks.len(), 2);
}

/// WPT-054 in small: both add at once, one gives way, and nothing is lost.
#[test]
fn glare_loses_no_transceiver() {
    let mut polite = Peer::with_media("polite");
    let mut other = Peer::with_media("impol");
    track(&mut polite, Kind::Video);
    track(&mut other, Kind::Audio);
    polite.set_implicit().unwrap();
    other.set_implicit().unwrap();
    let offer: Description = other.local().unwrap();
    let plan = polite.take(&offer).unwrap();
    assert!(plan.rolled_back);
    polite.set_implicit().unwrap();
    other.take(&polite.local().unwrap()).unwrap();
    assert!(polite.session.negotiation_needed());
    negotiate(&mut polite, &mut other);
    let kinds = |peer: &Peer| {
        let mut all: Vec<_> = peer.session.transceivers().collect();
        all.sort_by_key(|one| one.mid().map(str::to_string));
        all.iter().map(|one| one.kind()).collect::<Vec<_>>()
    };
    assert_eq!(kinds(&polite), [Kind::Audio, Kind::Video]);
    assert_eq!(kinds(&other), [Kind::Audio, Kind::Video]);
}
