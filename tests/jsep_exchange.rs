//! Offer and answer between two sessions, and with descriptions of browsers.

use std::fs;

use pollrtc::crypto::certificate::Fingerprint;
use pollrtc::jsep::{DataPlan, DtlsRole, Local, SdpType, Session, SessionConfig, SignalingState};
use pollrtc::rng::Rng;

fn fingerprint(byte: &str) -> Fingerprint {
    Fingerprint::parse(&format!("sha-256 {}", [byte; 32].join(":"))).expect("well formed")
}

fn local<'a>(ufrag: &'a str, fingerprints: &'a [Fingerprint]) -> Local<'a> {
    Local {
        ufrag,
        pwd: "0123456789abcdefghijkl",
        fingerprints,
        candidates: &[],
        gathered: false,
        sctp_port: 5000,
        max_message_size: 262_144,
    }
}

#[test]
fn every_offer_of_a_browser_is_answered() {
    let fingerprints = [fingerprint("AB")];
    let local = local("ours", &fingerprints);
    for entry in fs::read_dir("tests/vectors/sdp/interop").unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if !name.contains("offer") {
            continue;
        }
        let mut session = Session::new(SessionConfig::default(), &mut Rng::from_number(1));
        let text = fs::read_to_string(&path).unwrap();
        session
            .set_remote(SdpType::Offer, &text)
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        let plan = session.set_local(None, "", &local).unwrap();
        assert!(session.local_description(&local).is_some());
        let has_data = text.contains("webrtc-datachannel");
        assert_eq!(plan.transport.is_some(), has_data, "{name}");
        assert_eq!(
            matches!(plan.data, Some(DataPlan::Open { .. })),
            has_data,
            "{name}"
        );
    }
}

#[test]
fn answers_of_other_stacks_are_taken() {
    let fingerprints = [fingerprint("AB")];
    let local = local("ours", &fingerprints);
    for name in [
        "aiortc-1-full-1-answer.sdp",
        "chromium-156-dc-answer.sdp",
        "chromium-156-snap-dc-answer.sdp",
    ] {
        let mut session = Session::new(SessionConfig::default(), &mut Rng::from_number(1));
        session.want_data_channels();
        session.set_local(None, "", &local).unwrap();
        let text = fs::read_to_string(format!("tests/vectors/sdp/interop/{name}")).unwrap();
        let plan = session.set_remote(SdpType::Answer, &text).unwrap();
        assert_eq!(plan.transport.unwrap().role, DtlsRole::Server);
        assert_eq!(session.signaling_state(), SignalingState::Stable);
    }
}
