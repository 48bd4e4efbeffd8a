//! DTLS: who is it, what is agreed on, and what a data channel is told.

use std::time::Duration;

use pollrtc::crypto::certificate::Fingerprint;
use pollrtc::crypto::rust_crypto::PROVIDER;
use pollrtc::dtls::{DtlsState, Role};
use pollrtc::peer::{
    ChannelConfig, ChannelState, CloseReason, Config, ConnectionState, Data, Event, Kind,
    MediaFrame,
};
use pollrtc::sim::Verdict;
use pollrtc::wire::dtls::extension::SrtpProfile;
use pollrtc::wire::dtls::{CipherSuite, ProtocolVersion};

use crate::support::{ALICE, BOB, Pair};

fn opens(pair: &mut Pair) {
    pair.call(ALICE, |pc| {
        pc.create_data_channel("x", ChannelConfig::default())
    })
    .unwrap();
    pair.call(ALICE, |pc| pc.add_track(Kind::Audio, "track", &[]))
        .unwrap();
}

/// WPT-131: what RFC 8827 §6.5 makes everybody have, with each profile of SRTP.
#[test]
fn wpt_131_what_is_agreed_on() {
    for profile in [SrtpProfile::Aes128CmSha1_80, SrtpProfile::AeadAes128Gcm] {
        let config = || Config {
            srtp_profiles: vec![profile],
            ..Config::new()
        };
        let mut pair = Pair::with(config(), Config::new());
        opens(&mut pair);
        pair.negotiate(ALICE);
        for side in [ALICE, BOB] {
            let agreed = pair.machine(side).dtls_negotiated().unwrap();
            assert_eq!(agreed.version, ProtocolVersion::DTLS_1_2);
            assert_eq!(
                agreed.cipher_suite,
                CipherSuite::ECDHE_ECDSA_WITH_AES_128_GCM_SHA256
            );
            assert_eq!(agreed.srtp_profile, Some(profile));
            assert!(agreed.extended_master_secret);
        }
    }
}

/// Nothing comes through, whichever side is deceived.
#[test]
fn wpt_132_a_wrong_fingerprint() {
    for deceived in [ALICE, BOB] {
        let mut pair = Pair::new();
        opens(&mut pair);
        let real = pair.machine(1 - deceived).fingerprint().to_string();
        let digest = real.split(' ').next_back().unwrap();
        let forged: Vec<&str> = digest.split(':').rev().collect();
        let forged = forged.join(":");
        for from in [ALICE, BOB] {
            let mut description = pair.describe(from);
            if from != deceived {
                description.sdp = description.sdp.replace(digest, &forged);
            }
            pair.tell(1 - from, &description).unwrap();
        }
        let id = pair.transceiver(ALICE, Kind::Audio);
        for round in 0..100 {
            let host = pair.hosts[ALICE];
            let frame = MediaFrame::new(round * 960, vec![7; 40].into());
            let _ = pair.world.write_frame(host, id, "", &frame);
            pair.run(Duration::from_millis(20));
        }
        for side in [ALICE, BOB] {
            let peer = pair.machine(side);
            assert_eq!(peer.connection_state(), ConnectionState::Failed);
            assert_eq!(peer.dtls_state(), DtlsState::Failed);
            let told = pair.take_events(side);
            let is_exposed = |event: &Event| {
                matches!(
                    event,
                    Event::Frame { .. }
                        | Event::DataChannel(_)
                        | Event::ChannelState(_, ChannelState::Open)
                )
            };
            assert!(!told.iter().any(is_exposed), "{told:?}");
            let ends = told
                .iter()
                .any(|event| matches!(event, Event::Closed(CloseReason::Dtls(_))));
            assert!(ends);
        }
    }
}

/// The answer takes the role that the offer leaves.
#[test]
fn wpt_172_roles_of_the_first_offer() {
    for (setup, role) in [
        ("actpass", Role::Client),
        ("active", Role::Server),
        ("passive", Role::Client),
    ] {
        let mut pair = Pair::new();
        opens(&mut pair);
        let mut offer = pair.describe(ALICE);
        offer.sdp = offer
            .sdp
            .replace("setup:actpass", &format!("setup:{setup}"));
        pair.tell(BOB, &offer).unwrap();
        let answer = pair.describe(BOB);
        let said = if role == Role::Client {
            "active"
        } else {
            "passive"
        };
        assert!(answer.sdp.contains(&format!("a=setup:{said}\r\n")));
        pair.tell(ALICE, &answer).unwrap();
        pair.run(Duration::from_secs(2));
        assert!(pair.is_connected());
        assert_eq!(pair.machine(BOB).dtls_role(), Some(role));
    }
}

#[test]
fn wpt_046_a_channel_of_the_peer() {
    let mut pair = Pair::connected();
    let config = ChannelConfig {
        ordered: false,
        max_retransmits: Some(3),
        protocol: "proto".into(),
        ..ChannelConfig::default()
    };
    pair.call(ALICE, |pc| pc.create_data_channel("label", config.clone()))
        .unwrap();
    let bob = pair.hosts[BOB];
    pair.world.run_for(Duration::from_secs(1));
    // Handled one by one, as an application does.
    let Some(Event::DataChannel(id)) = pair.world.next_event(bob) else {
        panic!("the channel is told before anything else of it");
    };
    let info = pair.machine(BOB).channel(id).unwrap();
    assert_eq!((info.label, info.config), ("label", &config));
    pair.world.send(bob, id, "at once").unwrap();
    let opened = Event::ChannelState(id, ChannelState::Open);
    assert_eq!(pair.world.next_event(bob), Some(opened));
    let rest: Vec<_> = std::iter::from_fn(|| pair.world.next_event(bob)).collect();
    let of_channels =
        |event: &Event| matches!(event, Event::DataChannel(_) | Event::ChannelState(..));
    assert!(!rest.iter().any(of_channels), "{rest:?}");
    pair.run(Duration::from_secs(1));
    let told = pair.take_events(ALICE);
    let came =
        |event: &Event| matches!(event, Event::Message(_, Data::Text(text)) if text == "at once");
    assert!(told.iter().any(came), "{told:?}");
    // What both have agreed on beforehand is no news.
    for side in [ALICE, BOB] {
        let config = ChannelConfig {
            negotiated: Some(100),
            ..ChannelConfig::default()
        };
        pair.call(side, |pc| pc.create_data_channel("known", config))
            .unwrap();
    }
    pair.run(Duration::from_secs(1));
    let told = pair.take_events(BOB);
    let news = |event: &Event| matches!(event, Event::DataChannel(_));
    assert!(!told.iter().any(news), "{told:?}");
}

#[test]
fn wpt_046_closed_before_it_was_told_to_be_open() {
    let mut pair = Pair::connected();
    let bob = pair.hosts[BOB];
    pair.world.set_reading(bob, false);
    pair.call(ALICE, |pc| {
        pc.create_data_channel("label", ChannelConfig::default())
    })
    .unwrap();
    pair.world.run_for(Duration::from_secs(1));
    let told = pair.call(BOB, pollrtc::PeerConnection::poll_event);
    let Some(Event::DataChannel(id)) = told else {
        panic!("the channel is told before anything else of it");
    };
    pair.call(BOB, |pc| pc.close_channel(id));
    pair.world.set_reading(bob, true);
    pair.run(Duration::from_secs(1));
    let told = pair.take_events(BOB);
    let states = [ChannelState::Closing, ChannelState::Closed];
    assert_eq!(told, states.map(|state| Event::ChannelState(id, state)));
}

#[test]
fn wpt_106_the_certificate_of_the_peer() {
    let mut pair = Pair::new();
    opens(&mut pair);
    let shown = |pair: &Pair, side: usize| -> Vec<Vec<u8>> {
        let transports = pair.machine(side).transports();
        let shown = transports.filter_map(|(_, transport)| transport.remote_certificate());
        shown.map(<[u8]>::to_vec).collect()
    };
    assert!(shown(&pair, ALICE).is_empty());
    pair.negotiate(ALICE);
    for side in [ALICE, BOB] {
        let shown = shown(&pair, side);
        let [der] = &shown[..] else {
            panic!("there is one transport");
        };
        let theirs = pair.machine(1 - side).fingerprint().clone();
        assert!(Fingerprint::any_matches(&[theirs], &PROVIDER, der));
        let stats = pair.machine(side).get_stats(pair.world.now());
        let mut certificates = stats.certificates.iter();
        assert!(certificates.any(|one| one.der == *der));
    }
}

/// DTLS-034: a peer that agreed on media and has no keys for them gets none, and what
/// else was agreed on works.
#[test]
fn dtls_034_media_without_keys() {
    let deaf = Config {
        srtp_profiles: Vec::new(),
        ..Config::new()
    };
    let mut pair = Pair::with(Config::new(), deaf);
    opens(&mut pair);
    pair.negotiate(ALICE);
    assert!(pair.is_connected());
    let id = pair.transceiver(ALICE, Kind::Audio);
    let host = pair.hosts[ALICE];
    pair.world.set_tap(|sighting| {
        assert_ne!(sighting.bytes[0] >> 6, 2, "media without protection");
        Verdict::Pass
    });
    for round in 0..50 {
        let frame = MediaFrame::new(round * 960, vec![7; 40].into());
        let _ = pair.world.write_frame(host, id, "", &frame);
        pair.run(Duration::from_millis(20));
    }
    for side in [ALICE, BOB] {
        let agreed = pair.machine(side).dtls_negotiated().unwrap();
        assert_eq!(agreed.srtp_profile, None);
        let told = pair.take_events(side);
        let is_frame = |event: &Event| matches!(event, Event::Frame { .. });
        assert!(!told.iter().any(is_frame));
        let is_open = |event: &Event| matches!(event, Event::ChannelState(_, ChannelState::Open));
        assert!(told.iter().any(is_open));
    }
}
